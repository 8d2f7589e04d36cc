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
    CRPI_RECENT = 6            /* lines that are kept for errors */
};

/* A line as it went by, or its beginning: what of it may be shown is looked at when somebody wants to see it. */
typedef struct crpi_recent {
    bool sent, cut;
    uint8_t length;
    char bytes[125];
} crpi_recent;

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
    crpi_recent *recent;  /* the last CRPI_RECENT lines, in a ring; NULL: none yet */
    size_t recent_count;  /* of all lines that went by */
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
/* A text that is being received.  Zeroed it stands at the beginning of one. */
typedef struct crpi_body {
    crpi_in_text at;
    size_t ready;  /* bytes of it that lie at the front of the Util's buffer: not given yet */
    size_t skip;   /* bytes behind those that are no part of it */
    size_t length; /* of all that was found of it */
    int64_t place; /* bytes that the Util had given up by then */
} crpi_body;

/* Where a text goes: takes some of n > 0 bytes, at least 1, or AGAIN, or an error. */
typedef crp_status crpi_put(crp_call *, void *to, const unsigned char *bytes, size_t n, size_t *taken);
crpi_put crpi_put_text; /* into a crpi_text */

/* A text up to its end, given on piece by piece from where it lies. */
crp_status crpi_dialogue_text(crp_call *, crpi_dialogue *, const crpi_limit *, crpi_body *, crpi_put *, void *to);
/* A reply is complete.  A violation when nothing more is owed and more has come; after a text the
 * connection is asked, since what was taken for its end may not have been. */
crp_status crpi_dialogue_complete(crp_call *, crpi_dialogue *, bool after_text);

/* What the peer said, as a String that may be shown: secrets are starred out, and it is cut to
 * CRPI_QUOTED bytes. */
crp_status crpi_dialogue_quote(crp *, const crpi_dialogue *, const void *bytes, size_t n, crp_word *out);

#endif
