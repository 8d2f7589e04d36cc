/* floor 7: what a Stream holds, and how bytes go in and out of it.
 *
 * A Stream reads ahead into one block and holds back what is written in a buffer.  Every function here can be
 * entered again at its start: it looks at what is there and asks for more, and when the descriptor has
 * nothing it names what it waits for and gives CRP_AGAIN.
 */
#ifndef CARAPACE_STREAM_H
#define CARAPACE_STREAM_H

#include "replace.h"

enum { CRPI_STREAM_BLOCK = 1 << 16, CRPI_MOST_LINE = 1 << 24 };

typedef struct crpi_stream {
    crp_object h;
    crp_word path, mode; /* Strings */
    int fd;
    bool open, reads, writes, regular, broken; /* broken: a write failed, so a replacement must not be kept */
    bool standard;                             /* stdin, stdout, stderr: not ours to close */
    unsigned char *in;                         /* read ahead: bytes from in_at to in_end */
    size_t in_at, in_end, in_room;
    size_t searched; /* so many of them hold no line feed */
    crpi_buf out;    /* held back: from out_at on */
    size_t out_at;
    int64_t most_line; /* bytes */
    crpi_replacement new_file; /* of a Stream opened to replace: its descriptor is fd */
} crpi_stream;

/* A Stream of a file, not open yet. */
crp_status crpi_stream_new(crp *, crp_word path, crp_word mode, crpi_stream **out);
/* Gives everything back but the object; a replacement that was not put in place is removed.  The close's
 * status. */
int crpi_stream_let_go(crp *, crpi_stream *);
/* "cannot WHAT PATH: REASON", error class 5. */
crp_status crpi_stream_failed(crp *, const crpi_stream *, int code, int errnum, const char *what);

/* Writes what is held back. */
crp_status crpi_stream_drain(crp_call *, crpi_stream *);
/* Drops what is held back: there was no memory for all of it. */
crp_status crpi_stream_no_memory(crp *, crpi_stream *);
/* Reads more; *end: there is nothing more. */
crp_status crpi_stream_fill(crp_call *, crpi_stream *, bool *end);
/* The next n bytes that were read ahead, as a String. */
crp_status crpi_stream_take(crp *, crpi_stream *, size_t n, crp_word *out);
void crpi_stream_skip(crpi_stream *, size_t n);
/* Forgets what was read ahead, so that the file's place is the script's. */
crp_status crpi_stream_give_back(crp *, crpi_stream *);

static inline size_t crpi_stream_held(const crpi_stream *s) { return s->in_end - s->in_at; }

bool crpi_stream_kind(crp *); /* tells the collector; false: no memory */

#endif
