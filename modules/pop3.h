/* floor 4: what the files of Pop3 share: the instance, the replies, the logon. */
#ifndef CARAPACE_POP3_H
#define CARAPACE_POP3_H

#include "dialogue.h"

/* The states of RFC 1939 section 3, and none. */
typedef enum crpi_pop3_state {
    CRPI_POP3_CLOSED,
    CRPI_POP3_AUTHORIZATION,
    CRPI_POP3_TRANSACTION,
    CRPI_POP3_UPDATE
} crpi_pop3_state;

/* Codes of the errors of class `errorClass`. */
enum crpi_pop3_error {
    CRPI_POP3_REFUSED = 1,   /* -ERR */
    CRPI_POP3_VIOLATION = 2, /* of the protocol */
    CRPI_POP3_LOGON = 3,     /* authentication refused */
    CRPI_POP3_WRONG_STATE = 4,
    CRPI_POP3_IN_USE = 5,
    CRPI_POP3_LOGIN_DELAY = 6,
    CRPI_POP3_TEMPORARY = 7,
    CRPI_POP3_PERMANENT = 8,
    CRPI_POP3_SECURITY = 9, /* a requirement is not met */
    CRPI_POP3_EXCESS = 10   /* of a limit */
};

typedef struct crpi_pop3 {
    crp_module m;
    crp_word user, password, secret, timeout, error_class, greeting, timestamp, allow_plaintext;
    crp_word max_line, max_listing, max_message;
    crpi_pop3_state state;
    crpi_dialogue dialogue;
    int64_t deadline; /* of the reply that connect or disconnect waits for */
} crpi_pop3;

/* Makes the dialogue ready for commands: its error class may have been set since. */
void crpi_pop3_prepare(crpi_pop3 *);
crpi_limit crpi_pop3_line_limit(const crpi_pop3 *);

/* --- pop3-reply.c: what the server's lines say ----------------------------------------------------- */

/* A line and what it answers, for errors. */
typedef struct crpi_pop3_line {
    crpi_pop3 *pop3;
    const char *asked; /* "RETR 3", "the greeting" */
    size_t number;     /* in a reply of many lines, from 1; 0: the status line */
    const char *at, *end;
    const char *whole; /* where it began */
} crpi_pop3_line;

crpi_pop3_line crpi_pop3_line_of(crpi_pop3 *, const char *asked, const unsigned char *line, size_t n);

/* +OK: the line stands at the text after it.  -ERR is an error, of the code that the server's response
 * code asks for (RFC 2449, RFC 3206), else `otherwise`; *refused tells it from a violation. */
crp_status crpi_pop3_status(crp *, crpi_pop3_line *, int otherwise, bool *refused);

/* What is expected where the line stands; else a violation that shows the line. */
crp_status crpi_pop3_two_numbers(crp *, crpi_pop3_line *, crp_word *list);
crp_status crpi_pop3_size_of(crp *, crpi_pop3_line *, int64_t message, crp_word *size);
crp_status crpi_pop3_uid_of(crp *, crpi_pop3_line *, int64_t message, crp_word *uid);
crp_status crpi_pop3_list_line(crp *, crpi_pop3_line *, bool uids, crp_word *pair);

/* --- pop3-logon.c: connect and disconnect ---------------------------------------------------------- */

crp_status crpi_pop3_connect(crp_call *, crp_module *);
crp_status crpi_pop3_disconnect(crp_call *, crp_module *);

#endif
