/* floor 0: between the class Tls and carapace-tls.so, which is OpenSSL behind a narrow table.
 *
 * The class (tls.c) knows stacks, properties and errors of scripts; the engine (tls-openssl*.c) knows TLS and
 * nothing of the interpreter.  A context is what connections of equal settings share: certificates, trust, sessions.
 * A connection reaches its peer only through its wire, two functions of the class, and never waits: they say AGAIN.
 */
#ifndef CARAPACE_TLS_ENGINE_H
#define CARAPACE_TLS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRPI_TLS_ABI = 2, CRPI_TLS_TEXT = 640, CRPI_TLS_KEY = 32, CRPI_TLS_BINDING = 64 };

typedef enum crpi_tls_outcome {
    CRPI_TLS_DONE,
    CRPI_TLS_AGAIN,     /* the wire said so */
    CRPI_TLS_END,       /* the peer has said that it sends no more */
    CRPI_TLS_TRUNCATED, /* the wire ended without that */
    CRPI_TLS_WIRE,      /* the wire failed, and knows why */
    CRPI_TLS_FAILED,    /* the text says why */
    CRPI_TLS_NO_MEMORY
} crpi_tls_outcome;

typedef struct crpi_tls_fault {
    char text[CRPI_TLS_TEXT];
} crpi_tls_fault;

enum crpi_tls_clients { CRPI_TLS_NO_CLIENTS, CRPI_TLS_OPTIONAL_CLIENTS, CRPI_TLS_REQUIRED_CLIENTS };

/* "" is none. */
typedef struct crpi_tls_settings {
    bool server, verify, resume;
    bool only_1_3;                /* else 1.2 too, and nothing older */
    enum crpi_tls_clients clients; /* who is asked for a certificate */
    const char *ca_file, *ca_path; /* none: those of the system */
    const char *certificate, *key, *key_password;
    const char *pins; /* of which the peer's key must be one, separated by commas: sha256//BASE64 */
    const char *alpn; /* names separated by commas */
} crpi_tls_settings;

/* How bytes go down and come up; both give DONE with at least one byte, AGAIN, WIRE or NO_MEMORY, and `receive` END.
 * `send` takes all or fails: what does not go at once it keeps. */
typedef struct crpi_tls_wire {
    crpi_tls_outcome (*send)(void *ud, const void *, size_t);
    crpi_tls_outcome (*receive)(void *ud, void *, size_t, size_t *got);
    void *ud;
} crpi_tls_wire;

typedef struct crpi_tls_peer {
    const char *name;         /* whose certificate it must be, a host's name or an address; "": anybody's */
    const unsigned char *key; /* CRPI_TLS_KEY bytes: which sessions may be resumed; NULL: none */
    int64_t now;              /* seconds since 1970, for what is valid when */
} crpi_tls_peer;

typedef struct crpi_tls_facts {
    const char *version, *cipher; /* static; "" before the handshake */
    char alpn[256];
    bool resumed;
    bool has_certificate;      /* the peer has sent one */
    const char *verify_error;  /* static; "": it is what was asked for */
    int64_t valid_until;       /* seconds since 1970 */
} crpi_tls_facts;

typedef struct crpi_tls_engine {
    size_t size;
    unsigned abi;
    const char *(*library)(void); /* "OpenSSL 3.0.13" */
    /* When and how big a file is, and who may read it: other settings if that has changed.  False: there is none. */
    bool (*stamp)(const char *path, int64_t out[3], bool *readable_by_others);

    void *(*context)(const crpi_tls_settings *, crpi_tls_fault *); /* NULL: the fault, or no memory and no text */
    void (*drop)(void *context); /* NULL too; its connections keep what they need */

    /* NULL: the fault, or no memory and no text. */
    void *(*open)(void *context, const crpi_tls_wire *, const crpi_tls_peer *, crpi_tls_fault *);
    void (*close)(void *connection); /* says nothing to the peer; NULL too */

    crpi_tls_outcome (*handshake)(void *connection, crpi_tls_fault *);
    crpi_tls_outcome (*receive)(void *connection, void *, size_t n, size_t *got, crpi_tls_fault *);
    /* Takes at most one record, all that it takes is with the wire then. */
    crpi_tls_outcome (*send)(void *connection, const void *, size_t n, size_t *taken, crpi_tls_fault *);
    crpi_tls_outcome (*goodbye)(void *connection); /* tells the peer that no more is sent */

    size_t (*pending)(const void *connection); /* bytes that came and were not given up yet */
    void (*facts)(const void *connection, crpi_tls_facts *);
    /* What the peer's certificate says, in lines; the length that there would be with more room. */
    size_t (*certificate)(const void *connection, char *out, size_t room);
    /* What both ends know of the channel and nobody else has, by the name of its kind (RFC 5929, RFC 9266); 0: it has
     * none of that kind that could be relied on. */
    size_t (*binding)(const void *connection, const char *kind, unsigned char out[CRPI_TLS_BINDING]);
} crpi_tls_engine;

/* What the shared object shows, and nothing else: its table, or NULL for another ABI. */
#define CRPI_TLS_ENTRY "crp_tls"
const crpi_tls_engine *crp_tls(unsigned abi);

#endif
