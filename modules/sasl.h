/* floor 4: SASL (RFC 4422): how a client says who it is, whatever the protocol.
 *
 * A mechanism is a row of one table: what it needs, and a function that answers the server's challenges.  A protocol
 * (pop3-auth.c) chooses one, hands it each challenge, decoded, and sends each response, encoded.  Challenges are
 * believed in nothing; what a mechanism finds wrong with one it says in `fault`, and the protocol words the error.
 *
 * Names and passwords are bytes and are used as they are: nothing is prepared (RFC 4013), which makes no difference to
 * those in ASCII. */
#ifndef CARAPACE_SASL_H
#define CARAPACE_SASL_H

#include "module.h"

enum crpi_sasl_need {
    CRPI_SASL_USER = 1,
    CRPI_SASL_PASSWORD = 2,
    CRPI_SASL_TOKEN = 4,
    CRPI_SASL_BINDING = 8 /* of the encrypted channel below */
};

typedef enum crpi_sasl_fault {
    CRPI_SASL_NO_FAULT,
    CRPI_SASL_BROKEN, /* the challenge is not what the mechanism says */
    CRPI_SASL_FORGED  /* the server does not know what it should know */
} crpi_sasl_fault;

/* Bytes that grow; they may be secret, so none are left behind. */
typedef struct crpi_sasl_bytes {
    unsigned char *at;
    size_t n, room;
} crpi_sasl_bytes;
crp_status crpi_sasl_add(crp *, crpi_sasl_bytes *, const void *bytes, size_t n);
crp_status crpi_sasl_add_text(crp *, crpi_sasl_bytes *, const char *text);
crp_status crpi_sasl_add_word(crp *, crpi_sasl_bytes *, crp_word string);
crp_status crpi_sasl_add_base64(crp *, crpi_sasl_bytes *, const void *bytes, size_t n);
crp_status crpi_sasl_add_name(crp *, crpi_sasl_bytes *, crp_word name); /* its commas as =2C (RFC 5801) */
void crpi_sasl_wipe(crp *, crpi_sasl_bytes *);

typedef struct crpi_sasl crpi_sasl;

typedef struct crpi_sasl_mechanism {
    const char *name;
    unsigned needs; /* enum crpi_sasl_need */
    bool clear;     /* it sends the secret as it is */
    bool first;     /* the client begins */
    bool chosen;    /* it may be chosen where no mechanism is named */
    const char *digest; /* that it is made with */
    /* Makes `response` from a challenge; the first one has no bytes where the client begins.  AGAIN: it computes, and is
     * to be called again, without the challenge. */
    crp_status (*respond)(crp_call *, crpi_sasl *, const unsigned char *challenge, size_t n);
} crpi_sasl_mechanism;

/* One logon.  Zeroed it is none. */
struct crpi_sasl {
    const crpi_sasl_mechanism *mechanism;
    crp_object *holder; /* whose field this is, for its words: */
    crp_word user, password, token, host, port;
    crp_word binding_type, binding; /* Strings; no object: there is no encrypted channel below */
    bool plus_offered;              /* the server offers the mechanism with binding too */
    unsigned step;                  /* the mechanism's own */
    bool proven;                    /* success may be believed */
    crpi_sasl_fault fault;
    const char *why;                /* what it was, for "the challenge has ..." */
    crpi_sasl_bytes response;
    size_t secret_at;               /* where in it what nobody may see begins */
    crpi_sasl_bytes reason;         /* what the server said of a failure */
    char nonce[64];                 /* the client's; "": a random one.  Tests set it */
    struct crpi_scram *scram;
};

/* The strongest first, and then one without a name. */
extern const crpi_sasl_mechanism crpi_sasl_mechanisms[];
/* The name of any case, NULL if it is none; and whether it is among words with blanks between. */
const crpi_sasl_mechanism *crpi_sasl_named(const char *name, size_t n);
bool crpi_sasl_lists(const char *words, size_t length, const char *name, size_t n);
/* The next of words with blanks between: moves *at behind it; false: there is none. */
bool crpi_sasl_next(const char **at, const char *end, const char **word, size_t *n);

/* `holder` is the object that the logon is a field of, and marks it. */
void crpi_sasl_begin(crp *, crpi_sasl *, crp_object *holder, const crpi_sasl_mechanism *);
void crpi_sasl_set(crp *, crpi_sasl *, crp_word *slot, crp_word value); /* one of its words */
void crpi_sasl_mark(crp *, crpi_sasl *, crp_marker);
void crpi_sasl_end(crp *, crpi_sasl *); /* nothing secret is left */
crp_status crpi_sasl_respond(crp_call *, crpi_sasl *, const unsigned char *challenge, size_t n);
/* For mechanisms: what is wrong with the challenge. */
crp_status crpi_sasl_fail(crpi_sasl *, crpi_sasl_fault, const char *why);

/* Base64 of one line, strictly as RFC 4648 has it: `out` has room for n / 4 * 3 bytes. */
bool crpi_base64_strict(const char *text, size_t n, unsigned char *out, size_t *length);
/* The same bytes, whatever they are, take the same time. */
bool crpi_sasl_same(const unsigned char *a, const unsigned char *b, size_t n);

/* sasl-scram.c: SCRAM (RFC 5802, RFC 7677). */
crp_status crpi_scram_respond(crp_call *, crpi_sasl *, const unsigned char *challenge, size_t n);
void crpi_scram_free(crp *, crpi_sasl *);

#endif
