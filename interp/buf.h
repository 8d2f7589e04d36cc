/* floor 0: a growable byte buffer with a hard cap, and the formatter for every text that people read.
 *
 * Appending never fails at the call: the first failure (no memory, over the cap) is remembered, further bytes
 * are dropped, and whoever takes the bytes asks once.
 */
#ifndef CARAPACE_BUF_H
#define CARAPACE_BUF_H

#include <stdarg.h>
#include "mem.h"

typedef struct crpi_buf {
    crpi_mem *mem;
    char *bytes;
    size_t length, capacity, cap;
    bool failed;   /* no memory */
    bool overflow; /* over the cap */
} crpi_buf;

void crpi_buf_init(crpi_buf *, crpi_mem *, size_t cap); /* cap 0: 1 GiB */
void crpi_buf_free(crpi_buf *);
void crpi_buf_put(crpi_buf *, const void *bytes, size_t n);
void crpi_buf_byte(crpi_buf *, int byte);
void crpi_buf_text(crpi_buf *, const char *text);

/* Server text, file names, anything from outside: printable UTF-8 stays, control bytes, bidirectional
 * controls and broken UTF-8 become \xHH; cut to `limit` bytes with "..." at the end (0: no limit).
 * Quoted: the same between quotes, with \n \r \t \" \\ as source has them. */
void crpi_buf_escaped(crpi_buf *, const void *bytes, size_t n, size_t limit);
void crpi_buf_quoted(crpi_buf *, const void *bytes, size_t n, size_t limit);

/* %s %.*s %d %u %ld %lu %zu %c %x %02x %% %q(escaped and quoted, const char*) and, through `word`,
 * whatever else a floor above adds (%v %p %n with a crp_word argument). */
typedef void (*crpi_format_word)(void *ud, crpi_buf *, int letter, uint64_t word);
void crpi_buf_vformat(crpi_buf *, const char *format, va_list, crpi_format_word word, void *ud);
void crpi_buf_format(crpi_buf *, const char *format, ...);

#endif
