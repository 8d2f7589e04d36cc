/* UTF-8: one decoder, and everything else on top of it. */
#include "utf8.h"

#include <string.h>
#include "letter-case.h"

size_t crpi_utf8_decode(const char *text, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text;
    size_t length = p[0] < 0x80   ? 1
                    : p[0] < 0xC2 ? 0
                    : p[0] < 0xE0 ? 2
                    : p[0] < 0xF0 ? 3
                    : p[0] < 0xF5 ? 4
                                  : 0;
    *code = CRPI_UTF8_BROKEN;
    if (length == 0 || length > n) return 1;
    uint32_t c = length == 1 ? p[0] : p[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 1;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 1;
    *code = c;
    return length;
}

size_t crpi_utf8_encode(uint32_t code, char out[4])
{
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> length & 0xFF) | code);
    return length;
}

/* How many ASCII bytes there are at the beginning, in whole words: most texts are ASCII. */
static size_t skip_ascii(const char *text, size_t n)
{
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        if (word & 0x8080808080808080u) break;
    }
    return i;
}

size_t crpi_utf8_count(const char *text, size_t n)
{
    size_t count = 0;
    uint32_t code;
    for (size_t i = 0; i < n; count++) {
        size_t plain = skip_ascii(text + i, n - i);
        count += plain;
        i += plain;
        if (i == n) break;
        i += crpi_utf8_decode(text + i, n - i, &code);
    }
    return count;
}

size_t crpi_utf8_prefix(const char *text, size_t n, size_t characters)
{
    size_t i = 0;
    uint32_t code;
    while (i < n && characters-- > 0) i += crpi_utf8_decode(text + i, n - i, &code);
    return i;
}

bool crpi_utf8_valid(const char *text, size_t n)
{
    uint32_t code;
    for (size_t i = 0; i < n;) {
        i += skip_ascii(text + i, n - i);
        if (i == n) break;
        i += crpi_utf8_decode(text + i, n - i, &code);
        if (code == CRPI_UTF8_BROKEN) return false;
    }
    return true;
}

/* --- case ----------------------------------------------------------------------------------------------- */

static uint32_t other_case(const struct case_run *runs, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (runs[middle].last < code) low = middle + 1;
        else high = middle;
    }
    if (low == count || code < runs[low].first || (code - runs[low].first) % runs[low].step) return code;
    return (uint32_t)((int64_t)code + runs[low].distance);
}

uint32_t crpi_utf8_lower(uint32_t code)
{
    if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
    return other_case(to_lower, sizeof to_lower / sizeof *to_lower, code);
}

uint32_t crpi_utf8_upper(uint32_t code)
{
    if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 32 : code;
    return other_case(to_upper, sizeof to_upper / sizeof *to_upper, code);
}
