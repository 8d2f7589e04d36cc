/* floor 4: text as mail protocols carry it: lines that end with CRLF, closed by a line with a single dot.
 *
 * A line that begins with a dot is sent with one dot more, so that it is not taken for the end
 * (dot-stuffing: RFC 1939 section 3, RFC 5321 section 4.5.2).  Both directions remember where they are, so
 * the bytes may come in any pieces.  Only CRLF ends a line: a dot after a bare LF is text like any other. */
#ifndef CARAPACE_TEXT_H
#define CARAPACE_TEXT_H

#include "module.h"

/* --- receiving ------------------------------------------------------------------------------------- */

/* Where in a line a text is; zeroed it stands at the beginning of one. */
typedef enum crpi_in_text { CRPI_LINE_START, CRPI_IN_LINE, CRPI_AFTER_CR, CRPI_TEXT_ENDED } crpi_in_text;

/* Turns bytes as they came into bytes as they were meant, where they are: *kept of them, at the front, belong to the
 * text (the CRLF before the closing dot does, that dot and its CRLF do not).  Returns how many it has used up: all,
 * unless the text ended before, or the last one or two begin a line with a dot, of which what follows will tell whether
 * it is the end: those are to be offered again with more behind them. */
size_t crpi_unstuff(crpi_in_text *, unsigned char *bytes, size_t n, size_t *kept);

/* Bytes that are put together to a String, without another copy at the end.  Zeroed it is empty. */
typedef struct crpi_text {
    unsigned char *bytes;
    size_t length, capacity;
} crpi_text;

crp_status crpi_text_add(crp *, crpi_text *, const unsigned char *bytes, size_t n);
crp_status crpi_text_take(crp *, crpi_text *, crp_word *string); /* the text is empty after that */
void crpi_text_free(crp *, crpi_text *);

/* --- sending --------------------------------------------------------------------------------------- */

/* The other way round. `to` has room for 2 * n bytes; returns how many were written. */
size_t crpi_stuff(crpi_in_text *, const unsigned char *from, size_t n, unsigned char *to);
/* What ends the text: ".CRLF", after a CRLF where the last line has none.  Returns its length. */
enum { CRPI_TEXT_END = 5 };
size_t crpi_stuff_end(const crpi_in_text *, unsigned char to[CRPI_TEXT_END]);

/* --- lines ----------------------------------------------------------------------------------------- */

/* A line of n bytes, its LF included: true if it ends with CRLF; *n is then without it. */
bool crpi_line_ends(const unsigned char *line, size_t *n);
/* True if the bytes can stand in a line: no CR, LF or NUL. */
bool crpi_line_fits(const void *bytes, size_t n);
/* n bytes that are the same but for the case of ASCII's letters. */
bool crpi_line_same(const char *a, const char *b, size_t n);
/* Digits only, and no more than an Integer holds: moves *at behind them. */
bool crpi_line_number(const char **at, const char *end, int64_t *out);
/* At least one space or tab: moves *at behind them. */
bool crpi_line_blank(const char **at, const char *end);

#endif
