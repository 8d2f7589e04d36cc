/* floor 4: text as mail protocols carry it: lines that end with CRLF, closed by a line with a single dot.
 *
 * A line that begins with a dot is sent with one dot more, so that it is not taken for the end
 * (dot-stuffing: RFC 1939 section 3, RFC 5321 section 4.5.2).  Both directions are matchers that remember
 * where they are, so the bytes may come in any pieces.  Only CRLF ends a line: a dot after a bare LF is
 * text like any other. */
#ifndef CARAPACE_TEXT_H
#define CARAPACE_TEXT_H

#include "module.h"

/* --- receiving ------------------------------------------------------------------------------------- */

/* Where an unstuffer is; zeroed it stands at the beginning of a text. */
typedef enum crpi_unstuffed {
    CRPI_LINE_START,
    CRPI_IN_LINE,
    CRPI_AFTER_CR,
    CRPI_AFTER_DOT,    /* at a line's start: left out */
    CRPI_AFTER_DOT_CR, /* CR is held back: with LF it is the end */
    CRPI_TEXT_ENDED
} crpi_unstuffed;

/* Takes bytes as they came and writes them as they were meant, up to the end of the text: the last CRLF
 * belongs to it, the dot and its CRLF do not.  Returns how many bytes it took: all, unless the text ended
 * before.  `to` has room for n + 1 bytes and does not overlap. */
size_t crpi_unstuff(crpi_unstuffed *, const unsigned char *from, size_t n, unsigned char *to,
                    size_t *written);

/* A text that is being received: it grows by doubling and becomes a String without another copy. */
typedef struct crpi_text {
    crpi_unstuffed at;
    unsigned char *bytes;
    size_t length, capacity;
    size_t raw; /* bytes that came, dots and end included */
} crpi_text;

/* Adds what came; *taken as crpi_unstuff returns it. */
crp_status crpi_text_add(crp *, crpi_text *, const unsigned char *from, size_t n, size_t *taken);
crp_status crpi_text_take(crp *, crpi_text *, crp_word *string); /* the text is empty after that */
void crpi_text_free(crp *, crpi_text *);

/* --- sending --------------------------------------------------------------------------------------- */

/* The other way round: crpi_unstuffed of what was sent so far, of which it uses CRPI_LINE_START, IN_LINE
 * and AFTER_CR. `to` has room for 2 * n bytes; returns how many were written. */
size_t crpi_stuff(crpi_unstuffed *, const unsigned char *from, size_t n, unsigned char *to);
/* What ends the text: ".CRLF", after a CRLF where the last line has none.  Returns its length. */
enum { CRPI_TEXT_END = 5 };
size_t crpi_stuff_end(const crpi_unstuffed *, unsigned char to[CRPI_TEXT_END]);

/* --- lines ----------------------------------------------------------------------------------------- */

/* A line of n bytes, its LF included: true if it ends with CRLF; *n is then without it. */
bool crpi_line_ends(const unsigned char *line, size_t *n);
/* True if the bytes can stand in a line: no CR, LF or NUL. */
bool crpi_line_fits(const void *bytes, size_t n);
/* Digits only, and no more than an Integer holds: moves *at behind them. */
bool crpi_line_number(const char **at, const char *end, int64_t *out);
/* At least one space or tab: moves *at behind them. */
bool crpi_line_blank(const char **at, const char *end);

#endif
