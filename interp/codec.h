/* floor 0: bytes as text and back: hexadecimal, Base64 (RFC 4648, RFC 2045), quoted-printable (RFC 2045), URLs
 * (RFC 3986); integers as bytes.
 *
 * Results are appended to a buffer, which remembers by itself when there was no memory.  A decoder that meets
 * what it cannot read returns false and says where, counted in bytes from the start of the text.
 */
#ifndef CARAPACE_CODEC_H
#define CARAPACE_CODEC_H

#include "buf.h"

void crpi_hex_encode(crpi_buf *, const void *bytes, size_t n); /* lower case */
bool crpi_hex_decode(crpi_buf *, const char *text, size_t n, size_t *bad);

/* `line`: CRLF after at most so many characters, never inside a group of four nor at the end; 0: one line. */
void crpi_base64_encode(crpi_buf *, const void *bytes, size_t n, size_t line);
/* White space is skipped, missing `=` at the end is forgiven; every other foreign character is refused. */
bool crpi_base64_decode(crpi_buf *, const char *text, size_t n, size_t *bad);

/* CRLF stays a line break; lines are at most 76 characters.  Decoding gives back the same bytes. */
void crpi_quoted_printable_encode(crpi_buf *, const void *bytes, size_t n);
/* Never refuses: an `=` with nothing sensible after it stands for itself, as RFC 2045 advises. */
void crpi_quoted_printable_decode(crpi_buf *, const char *text, size_t n);

/* Letters, digits and - . _ ~ stay, and the bytes to keep; all others become %HH. */
void crpi_url_encode(crpi_buf *, const char *text, size_t n, const char *keep, size_t keep_length);
/* %HH becomes a byte; a + stays, and so does everything else. */
bool crpi_url_decode(crpi_buf *, const char *text, size_t n, size_t *bad);

/* An integer of 1 to 8 bytes, the most significant one first unless `little`. */
uint64_t crpi_integer_decode(const void *bytes, size_t size, bool little);
void crpi_integer_encode(void *bytes, size_t size, bool little, uint64_t value);

#endif
