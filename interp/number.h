/* floor 0: numbers to text and back, with no locale and no stdio. */
#ifndef CARAPACE_NUMBER_H
#define CARAPACE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRPI_INTEGER_TEXT = 24, CRPI_REAL_TEXT = 32 };

size_t crpi_integer_text(int64_t, char out[CRPI_INTEGER_TEXT]); /* length; no NUL */

/* Shortest text that reads back as the same double, with ".0" or an exponent so that it reads as a Real:
 * 33.0 0.1 1e+100 -0.0 inf nan. */
size_t crpi_real_text(double, char out[CRPI_REAL_TEXT]);

/* The whole text must be a number.  Integer: an optional sign, then decimal or 0x hexadecimal.  False as
 * well, but with *overflow set, when it is one past 64 bits. */
bool crpi_parse_integer(const char *, size_t, int64_t *out, bool *overflow);

/* A sign, digits, a dot with digits, an exponent: all but the digits may be missing, so 33 is one too; inf
 * and nan are words, not numbers.  Correctly rounded; too big gives an infinity. */
bool crpi_parse_real(const char *, size_t, double *out);

#endif
