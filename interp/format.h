/* floor 0: values laid out as a C format specification says: %-10s, %05d, %.2f, %#x, %g, and their like.
 *
 * Reals are exact: every digit that is asked for is the digit of the number as it is stored, ties go to even,
 * and no locale has a say.  Widths of text count characters, not bytes, so that columns stand below each
 * other.
 */
#ifndef CARAPACE_FORMAT_H
#define CARAPACE_FORMAT_H

#include "buf.h"

enum { CRPI_FORMAT_WIDTH = 100000 /* the most for a width or precision */ };

typedef struct crpi_format_spec {
    bool left, plus, blank, alternate, zeros;      /* the flags - + space # 0 */
    bool width_given_later, precision_given_later; /* `*` */
    int width, precision;                          /* precision -1: none */
    char letter;
} crpi_format_spec;

/* Parses what follows a `%`; the place after it, or NULL where it is no specification.  The letter is one of
 * d i u x X o b c s e E f F g G %. */
const char *crpi_format_parse(const char *at, const char *end, crpi_format_spec *out);

void crpi_format_integer(crpi_buf *, const crpi_format_spec *,
                         int64_t);                                   /* d i u x X o b; the last five unsigned */
void crpi_format_real(crpi_buf *, const crpi_format_spec *, double); /* e E f F g G */
void crpi_format_text(crpi_buf *, const crpi_format_spec *, const char *, size_t); /* s, c */

#endif
