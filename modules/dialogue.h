/* floor 4: a dialogue in lines: commands go out, replies come back in the order of the commands.
 *
 * What Pop3 and Smtp have in common: they stand on a Util, send command lines, and read replies of one
 * line, of many, or with a text.  Commands are queued and go out while replies are read, so any number
 * may be under way; each one that is queued owes a reply.  Bytes that nobody is owed are never read as a
 * reply: they are a violation of the protocol.
 *
 * Every function goes on where it was when it is called again after CRP_AGAIN. */
#ifndef CARAPACE_DIALOGUE_H
#define CARAPACE_DIALOGUE_H

#include "mask.h"
#include "text.h"

enum {
    CRPI_COMMAND_OCTETS = 255, /* of a command with its CRLF: RFC 2449 section 4 */
    CRPI_ANSWER_OCTETS = 65536, /* of the answer to a challenge, likewise */
    CRPI_CONCEALED = 12,
    CRPI_QUOTED = 1024,        /* bytes of what the peer said that a text or a record repeats */
    CRPI_RECENT = 640          /* bytes of the last lines that are kept for errors */
};

typedef struct crpi_dialogue {
    crp_module *self;     /* the protocol's module */
    int error_class;      /* the protocol's, with two codes of it: */
    int violation;        /* what came is not what the protocol says */
    int excess;           /* it is more than a limit allows */
    size_t owed;          /* replies to come */
    unsigned char *queue; /* lines to send: bytes `sent` to `length` */
    size_t capacity, length, sent;
    crpi_mask mask;       /* what no text and no record may show, */
    crp_word concealed[CRPI_CONCEALED]; /* and the Strings of it, of which the layers below are told */
    size_t concealed_count;
    char *recent;         /* the last lines as they may be shown, each with its direction, "> " or "< ", before it */
    size_t recent_length;
} crpi_dialogue;

/* How much is allowed, and the property that says so. */
typedef struct crpi_limit {
    size_t most;
    const char *property;
} crpi_limit;

void crpi_dialogue_reset(crp *, crpi_dialogue *); /* after the connection has ended; frees all that it holds */
void crpi_dialogue_mark(crp *, crpi_dialogue *, crp_marker);
/* Until then; so many Strings at most, the layers below are told of the last ones. */
crp_status crpi_dialogue_conceal(crp *, crpi_dialogue *, crp_word string);
/* A module's `recent`. */
crp_status crpi_dialogue_recent(crp *, const crpi_dialogue *, crp_word *out);

/* What goes into a line must have no CR, LF or NUL in it: 1.8 naming `what`, and nothing is sent. */
crp_status crpi_dialogue_fits(crp *, const crpi_dialogue *, const char *what, crp_word string);
/* Queues a command, without its CRLF; `shown` is what the log gets, NULL: the line itself.  1.8 when it
 * is too long. */
crp_status crpi_dialogue_command(crp_call *, crpi_dialogue *, const void *line, size_t n, const char *shown);
/* The answer to a challenge, which is no command and may be longer; another reply is owed. */
crp_status crpi_dialogue_answer(crp_call *, crpi_dialogue *, const void *line, size_t n, const char *shown);
/* A reply is owed that no command asks for: a greeting. */
void crpi_dialogue_expect(crpi_dialogue *);

/* The next line, without its CRLF; it stays where it is until something more is read.  Sends what is
 * queued meanwhile. */
crp_status crpi_dialogue_line(crp_call *, crpi_dialogue *, const crpi_limit *, const unsigned char **line,
                              size_t *n);
/* A text up to its end. */
crp_status crpi_dialogue_text(crp_call *, crpi_dialogue *, const crpi_limit *, crpi_text *);
/* A reply is complete.  A violation when nothing more is owed and more has come; after a text the
 * connection is asked, since what was taken for its end may not have been. */
crp_status crpi_dialogue_complete(crp_call *, crpi_dialogue *, bool after_text);

/* What the peer said, as a String that may be shown: secrets are starred out, and it is cut to
 * CRPI_QUOTED bytes. */
crp_status crpi_dialogue_quote(crp *, const crpi_dialogue *, const void *bytes, size_t n, crp_word *out);

#endif
