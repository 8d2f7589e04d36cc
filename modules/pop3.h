/* floor 4: what the files of Pop3 share: the instance, the replies, how a session begins. */
#ifndef CARAPACE_POP3_H
#define CARAPACE_POP3_H

#include "dialogue.h"
#include "sasl.h"

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

/* --- messages that are asked for before the replies to those before them have come (RFC 2449 section 6.6) ------
 *
 * A window is a row of messages that somebody wants, in order.  Some have been taken by him; then come those that are
 * held, because another command had to have its own reply in between; then those whose commands are out; the rest is
 * still to be asked for.  Only one window has commands out at a time, that of crpi_pop3's `out`. */
typedef struct crpi_pop3_held {
    crpi_text text;
    crp_word refused; /* the Error, else NIL */
} crpi_pop3_held;

typedef struct crpi_pop3_window {
    crp_object *owner;          /* whose mark hook calls crpi_pop3_window_mark; NULL: it never holds anything */
    int64_t *numbers, first;    /* of the messages; numbers NULL: first and those that follow */
    size_t count;               /* of messages */
    size_t taken, read, asked;  /* so many of them: taken <= read <= asked <= count */
    int64_t lines;              /* -1: RETR, else TOP with so many */
    size_t most, ahead;         /* commands that may be out; and the bytes that those may make, as far as one knows */
    size_t seen, bytes;         /* messages that came, and their bytes */
    crpi_pop3_held *held;       /* of messages `held_from` to `read` */
    size_t held_from, held_room, held_bytes;
    bool discards;              /* what comes is not held: nobody wants it any more */
    size_t cut;                 /* nor from this one on, where the room for held ones ended; they are asked for again */
    bool begun;                 /* the status line of the next reply was read */
    bool looked, doubtful;      /* its first bytes were looked at; they look like a status line, so it may be no message */
    bool again, alone;          /* what is out is dropped after such a one, and that one is then asked for alone */
    crpi_body body;
    size_t pieces;              /* of the body that have given it new time */
} crpi_pop3_window;

/* What CAPA has said in the present state of the session. */
typedef enum crpi_pop3_asked {
    CRPI_POP3_UNASKED,
    CRPI_POP3_ANSWERED,
    CRPI_POP3_WITHOUT /* -ERR: it is not asked again */
} crpi_pop3_asked;

typedef struct crpi_pop3 {
    crp_module m;
    crp_word user, password, secret, token, timeout, error_class, greeting, timestamp, allow_plaintext;
    crp_word security, tls, auto_logon, auth;
    crp_word max_line, max_listing, max_message;
    crpi_pop3_state state;
    crpi_dialogue dialogue;
    crp_word pipelining, read_ahead;
    uint32_t session;        /* which it is: message numbers mean nothing in another one */
    uint32_t sessions;       /* so many have been */
    size_t progress;         /* counts replies, and pieces of long ones: each gives new time */
    crpi_pop3_window *out;   /* the window that has commands out, or NULL, */
    crp_word out_owner;      /* and the object that it is part of, or NIL */
    crpi_pop3_window own;    /* of fetches in a row: reading ahead */
    int64_t last;            /* the message that was fetched last, if nothing was changed since; else 0 */
    int64_t messages;        /* numbers that there are, as STAT, LIST or UIDL told; 0: not known */
    struct crpi_pop3_uids {  /* what UIDL tells, to know the mailbox by after a new connect */
        uint64_t digest;
        bool owed, begun, known, none; /* owed: asked for by a window; none: the server cannot */
    } uids;
    bool pipelined;          /* in this session commands went out in a row */
    bool over;               /* the connection is just made anew: for all but the task that does it nothing has happened */
    bool changed;            /* something was marked as deleted in this session */
    crpi_pop3_asked asked;
    crp_list_builder capabilities; /* the lines of CAPA: Strings */
    size_t capability_count;
    /* How far a session's beginning or end has come (pop3-stage.c). */
    uint32_t stage, step;
    bool answered;    /* the error that is pending is an answer to a command: the session may go on */
    int64_t deadline; /* of the reply that is waited for, */
    const char *waiting; /* and what that is */
    /* AUTH: */
    crpi_sasl sasl;
    char auth_command[32]; /* "AUTH CRAM-MD5" */
    bool response_waits;   /* the first response was too long for the command: it waits for an empty challenge */
    bool two_lines;        /* ...or the server wants it so */
    crp_word reason;       /* a String: why the server will refuse, as it may be shown; else none */
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
/* The same for the line that comes next; AGAIN until it is there. */
crp_status crpi_pop3_status_line(crp_call *, crpi_pop3 *, const char *asked, int otherwise, crpi_pop3_line *, bool *refused);

/* What is expected where the line stands; else a violation that shows the line. */
crp_status crpi_pop3_two_numbers(crp *, crpi_pop3_line *, crp_word *list, int64_t *most); /* *most: the first, if that is more */
crp_status crpi_pop3_size_of(crp *, crpi_pop3_line *, int64_t message, crp_word *size);
crp_status crpi_pop3_uid_of(crp *, crpi_pop3_line *, int64_t message, crp_word *uid);
crp_status crpi_pop3_list_line(crp *, crpi_pop3_line *, bool uids, crp_word *pair);

/* --- pop3.c: what every command begins with ---------------------------------------------------------------- */

/* A native's state begins with it. */
typedef struct crpi_pop3_turn {
    crp_operation op;
    size_t progress; /* of the session, when the time began anew */
    uint32_t over;   /* pop3-over.c: how far starting over has come; 0: it is not going on */
    uint64_t digest; /* what is to be the same after that */
} crpi_pop3_turn;

/* Waits for the turn: OK, AGAIN, or 6.11, or 110.4. */
crp_status crpi_pop3_begin(crp_call *, crpi_pop3_turn *, crpi_pop3 *);
/* After AGAIN from the dialogue: a reply, and each 16 KiB of a long one, has the whole time again. */
crp_status crpi_pop3_wait(crp_call *, crpi_pop3_turn *, crpi_pop3 *, const char *doing);
/* Message numbers begin at 1: else 1.7. */
crp_status crpi_pop3_check_number(crp *, int64_t number);
crp_status crpi_pop3_check_lines(crp *, int64_t lines);

/* --- pop3-window.c ------------------------------------------------------------------------------------------ */

/* The next message of a window, given to `put`; asks for it and for those after it.  *refused: the Error of an -ERR,
 * which counts as the message, else NIL.  Nothing else may be out (crpi_pop3_settle). */
crp_status crpi_pop3_next(crp_call *, crpi_pop3 *, crpi_pop3_window *, crpi_put *, void *to, crp_word *refused);
/* Reads what is out, unless it is of this window, and holds it for whoever wants it; so another command gets its own
 * reply. */
crp_status crpi_pop3_settle(crp_call *, crpi_pop3 *, const crpi_pop3_window *but);
crp_status crpi_pop3_settle_first(crp_call *, crpi_pop3 *); /* the stage: reads all that is out */
void crpi_pop3_discard(crp *, crpi_pop3 *); /* nobody wants any more what is out, nor what was read ahead */
/* Nothing is out any more: the connection is closed. */
void crpi_pop3_window_lost(crp *, crpi_pop3 *);
void crpi_pop3_window_clear(crp *, crpi_pop3_window *);
void crpi_pop3_window_mark(crp *, crpi_pop3_window *, crp_marker);
/* Asks for the UIDs, unless they are known, or were refused or asked for already; and takes what comes. */
crp_status crpi_pop3_ask_uids(crp_call *, crpi_pop3 *);
crp_status crpi_pop3_read_uids(crp_call *, crpi_pop3 *);
/* A line of a UIDL listing becomes part of what the mailbox is known by. */
void crpi_pop3_know_uid(crpi_pop3 *, const unsigned char *line, size_t n);

/* --- pop3-over.c: a server that answers out of step ----------------------------------------------------------- */

/* Whether the pending error is due to that, and there is a way on. */
bool crpi_pop3_may_start_over(crp *, const crpi_pop3 *);
/* Closes the connection and clears that error; AGAIN, and crpi_pop3_over goes on. */
crp_status crpi_pop3_start_over(crp_call *, crpi_pop3_turn *, crpi_pop3 *);
crp_status crpi_pop3_must_be_connected(crp *, const crpi_pop3 *); /* or starting over; else 6.11 */
/* While turn->over: connects again, and looks whether the mailbox is the same. */
crp_status crpi_pop3_over(crp_call *, crpi_pop3_turn *, crpi_pop3 *);

/* --- pop3-message.c: fetching; pop3-messages.c: fetching many ----------------------------------------------------- */

crp_status crpi_pop3_fetch(crp_call *), crpi_pop3_top(crp_call *), crpi_pop3_fetch_into(crp_call *),
    crpi_pop3_fetch_to(crp_call *), crpi_pop3_fetch_many(crp_call *), crpi_pop3_top_many(crp_call *);
typedef struct crpi_pop3_fetching { /* the state of the first four */
    crpi_pop3_turn turn;
    crpi_pop3_window single; /* of a message that is asked for by itself */
    crpi_text text;
    crp_sink sink;
    crp_word failed; /* what the sink refused, an Error: the rest of the message is read all the same */
    int64_t length;
    bool from_own;
} crpi_pop3_fetching;
void crpi_pop3_fetching_mark(crp *, void *state, crp_marker);
void crpi_pop3_fetching_drop(crp *, void *state);
/* What was read ahead by `fetch` is worth nothing any more. */
void crpi_pop3_forget_ahead(crp *, crpi_pop3 *);

/* --- pop3-stage.c: the stages of which a session's beginning and end are made ---------------------- */

/* A stage asks one thing or another of the server, or nothing if there is no need.  `step` is 0 when it begins.
 * OK: it is over, the next one begins. */
typedef crp_status (*crpi_pop3_stage)(crp_call *, crpi_pop3 *);

/* Plays stages, NULL behind the last one: they were begun when `stage` and `step` were 0.  AGAIN within `timeout` for
 * each reply. */
crp_status crpi_pop3_play(crp_call *, crpi_pop3 *, const crpi_pop3_stage *);
/* A method that plays stages: `check` says whether it may be called now.  Its row's state is a crp_operation. */
typedef crp_status (*crpi_pop3_check)(crp *, crpi_pop3 *);
crp_status crpi_pop3_play_method(crp_call *, crpi_pop3_check, const crpi_pop3_stage *);

/* For a stage: a command, whose reply has the whole timeout; where it has a secret in it the log gets `shown`. */
#define CRPI_POP3_WAITING(verb) "waiting for the reply to " verb
crp_status crpi_pop3_command(crp_call *, crpi_pop3 *, const void *line, size_t n, const char *shown, const char *waiting);
void crpi_pop3_begin_wait(crp *, crpi_pop3 *, const char *waiting);
/* The line of a reply; *l stands at the text after +OK.  -ERR is an error of the code that crpi_pop3_status says; then
 * the reply is complete, and *refused. */
crp_status crpi_pop3_reply(crp_call *, crpi_pop3 *, const char *asked, int otherwise, crpi_pop3_line *l, bool *refused);
/* The same of a line that has been read. */
crp_status crpi_pop3_judge(crp_call *, crpi_pop3 *, int otherwise, crpi_pop3_line *l, bool *refused);
/* A reply of one line; refused or not it is complete. */
crp_status crpi_pop3_one_line(crp_call *, crpi_pop3 *, const char *asked, int otherwise, crpi_pop3_line *l,
                              bool *refused);
/* An error of the class `errorClass`. */
#define crpi_pop3_raise(vm, p, code, ...) crp_module_raise(vm, &(p)->m, (p)->dialogue.error_class, code, __VA_ARGS__)

/* For `check`: the session is in this state, else 110.4 that says `what` there is to do. */
crp_status crpi_pop3_must_be_in(crp *, crpi_pop3 *, crpi_pop3_state, const char *what);

/* --- pop3-capability.c: what the server can do (CAPA, RFC 2449) ------------------------------------ */

/* Has the server said that it can do this?  *arguments: what stands behind the name, words with blanks between. */
bool crpi_pop3_can(const crpi_pop3 *, const char *name, const char **arguments, size_t *n);
void crpi_pop3_forget_capabilities(crp *, crpi_pop3 *); /* they may be others now; a server without CAPA will not have it */
crp_status crpi_pop3_learn(crp_call *, crpi_pop3 *);  /* the stage: asks if that is wanted and was not done yet */
crp_status crpi_pop3_capabilities(crp_call *);        /* the methods */
crp_status crpi_pop3_utf8(crp_call *);

/* --- pop3-tls.c: from clear to encrypted (STLS, RFC 2595) ------------------------------------------ */

bool crpi_pop3_is_encrypted(crp *, crpi_pop3 *);
crp_status crpi_pop3_secure(crp_call *, crpi_pop3 *); /* the stage: as `security` and `allowPlaintext` ask */
crp_status crpi_pop3_stls(crp_call *);                /* the method */

/* --- pop3-auth.c: who is there --------------------------------------------------------------------- */

crp_status crpi_pop3_check_settings(crp *, crpi_pop3 *); /* what is wrong with them before anything is sent */
crp_status crpi_pop3_conceal(crp *, crpi_pop3 *);        /* all that is secret among the settings */
crp_status crpi_pop3_log_on(crp_call *, crpi_pop3 *);    /* the stage */

/* --- pop3-logon.c: connect, logon and disconnect --------------------------------------------------- */

crp_status crpi_pop3_connect(crp_call *, crp_module *);
crp_status crpi_pop3_disconnect(crp_call *, crp_module *);
crp_status crpi_pop3_logon(crp_call *); /* the method */

#endif
