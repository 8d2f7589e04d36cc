/* floor 0: UTF-8 (RFC 3629), for those who look at characters and not at bytes.
 *
 * Text from outside may be anything: a byte that begins no valid sequence is a character by itself, so every
 * text can be walked, cut and put together again without loss.
 */
#ifndef CARAPACE_UTF8_H
#define CARAPACE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRPI_UTF8_BROKEN UINT32_MAX

/* The first character of n > 0 bytes: its length, 1 to 4; *code is CRPI_UTF8_BROKEN for a byte that begins
 * none. */
size_t crpi_utf8_decode(const char *text, size_t n, uint32_t *code);
size_t crpi_utf8_encode(uint32_t code, char out[4]); /* its length; 0: no character has this number */
size_t crpi_utf8_count(const char *text, size_t n);  /* characters */
size_t crpi_utf8_prefix(const char *text, size_t n, size_t characters); /* bytes of the first so many */
bool crpi_utf8_valid(const char *text, size_t n);

/* The other case, where it is one letter (so no German sharp s in upper case); else the same. */
uint32_t crpi_utf8_lower(uint32_t code);
uint32_t crpi_utf8_upper(uint32_t code);

#endif
