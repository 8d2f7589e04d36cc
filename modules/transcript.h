/* floor 4: a transcript: a dialogue as text, made into a list of items that Replay plays.
 *
 *     # a comment
 *     S: +OK ready            the peer sends this line and CRLF
 *     C: USER fred            the client sends exactly this line and CRLF
 *     S> part of a line       the same without CRLF
 *     C> ...
 *     S*1000: a line          the line a thousand times
 *     @whole @bytes @random 7 how what the peer sends is cut into reads: as it comes, a byte each, at random
 * places (seed)
 *     @pipelined              the client may send before it has read what stands before
 *     @cut 17                 after 17 bytes of the peer's the connection ends
 *     @silence                from here the peer says nothing more
 *     @reset                  from here receiving fails
 *     @close                  the end of the data, here (and after the last line)
 *
 * Escapes in S and C: \r \n \t \0 \\ \xHH, and \* for a secret that is not told: in a C line it stands for any
 * bytes, up to where what follows it comes for the first time, in an S line for the three bytes ***.  Blanks before all this do not count.
 */
#ifndef CARAPACE_TRANSCRIPT_H
#define CARAPACE_TRANSCRIPT_H

#include "module.h"

enum crpi_chunking { CRPI_WHOLE, CRPI_BYTES, CRPI_RANDOM };
enum crpi_item_kind {
    CRPI_SERVER = 'S',
    CRPI_CLIENT = 'C',
    CRPI_SILENCE = 'Q',
    CRPI_RESET = 'R',
    CRPI_CLOSE = 'E'
};

typedef struct crpi_item {
    enum crpi_item_kind kind;
    uint32_t line;     /* in the text, from 1 */
    size_t at, length; /* its bytes */
    size_t times;
    bool any;          /* a secret of the client's: any bytes, one at least */
} crpi_item;

typedef struct crpi_transcript {
    crpi_item *items;
    size_t n, room;
    char *bytes;
    size_t used, size;
    enum crpi_chunking chunking;
    int64_t seed, cut; /* cut -1: none */
    bool pipelined;
} crpi_transcript;

/* An error, 4.1, names the line.  Free it in every case. */
crp_status crpi_transcript_parse(crp *, const char *text, size_t n, crpi_transcript *);
void crpi_transcript_free(crp *, crpi_transcript *);

#endif
