/* Hexadecimal, Base64, quoted-printable, URLs and integers, each a loop over its input. */
#include "codec.h"

#include <string.h>

enum { QP_LINE = 76 };

/* --- hexadecimal ---------------------------------------------------------------------------------------- */

static int hex_value(int c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static void put_hex(crpi_buf *out, unsigned char byte, const char *digits)
{
    char pair[2] = {digits[byte >> 4], digits[byte & 15]};
    crpi_buf_put(out, pair, 2);
}

void crpi_hex_encode(crpi_buf *out, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++) put_hex(out, b[i], "0123456789abcdef");
}

bool crpi_hex_decode(crpi_buf *out, const char *text, size_t n, size_t *bad)
{
    for (size_t i = 0; i < n; i += 2) {
        int high = hex_value(text[i]), low = i + 1 < n ? hex_value(text[i + 1]) : -1;
        if (high < 0 || low < 0) {
            *bad = high < 0 ? i : i + 1;
            return false;
        }
        crpi_buf_byte(out, high << 4 | low);
    }
    return true;
}

/* --- Base64 --------------------------------------------------------------------------------------------- */

void crpi_base64_encode(crpi_buf *out, const void *bytes, size_t n, size_t line)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *b = bytes;
    size_t column = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t bits =
            (uint32_t)b[i] << 16 | (have > 1 ? (uint32_t)b[i + 1] << 8 : 0) | (have > 2 ? b[i + 2] : 0);
        char group[4];
        for (size_t k = 0; k < 4; k++) group[k] = k <= have ? letters[bits >> (18 - 6 * k) & 63] : '=';
        if (line && column + 4 > line) {
            if (column) crpi_buf_put(out, "\r\n", 2);
            column = 0;
        }
        crpi_buf_put(out, group, 4);
        column += 4;
    }
}

static int base64_value(int c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* After the first `=` only padding and white space may come, and no more padding than the last group lacks.
 */
static bool ends_well(const char *text, size_t n, size_t at, size_t digits, size_t *bad)
{
    size_t padding = 0;
    for (; at < n; at++) {
        if (is_space(text[at])) continue;
        if (text[at] != '=' || (digits % 4 + ++padding) > 4 || digits % 4 < 2) {
            *bad = at;
            return false;
        }
    }
    if (digits % 4 != 1) return true;
    *bad = n;
    return false;
}

bool crpi_base64_decode(crpi_buf *out, const char *text, size_t n, size_t *bad)
{
    uint32_t bits = 0;
    size_t digits = 0, i = 0;
    for (; i < n && text[i] != '='; i++) {
        if (is_space(text[i])) continue;
        int value = base64_value(text[i]);
        if (value < 0) {
            *bad = i;
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        digits++;
        if (digits % 4 != 1) crpi_buf_byte(out, (int)(bits >> (3 - (digits - 1) % 4) * 2 & 255));
    }
    return ends_well(text, n, i, digits, bad);
}

/* --- quoted-printable ----------------------------------------------------------------------------------- */

/* Whether the byte at `i` may stand as it is: printable ASCII but `=`, and blanks that do not end a line. */
static bool is_plain(const unsigned char *b, size_t n, size_t i)
{
    if (b[i] == ' ' || b[i] == '\t') return i + 1 < n && b[i + 1] != '\r' && b[i + 1] != '\n';
    return b[i] > ' ' && b[i] < 127 && b[i] != '=';
}

void crpi_quoted_printable_encode(crpi_buf *out, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    size_t column = 0;
    for (size_t i = 0; i < n; i++) {
        if (b[i] == '\r' && i + 1 < n && b[i + 1] == '\n') {
            crpi_buf_put(out, "\r\n", 2);
            column = 0;
            i++;
            continue;
        }
        bool plain = is_plain(b, n, i);
        size_t width = plain ? 1 : 3;
        if (column + width > QP_LINE - 1) { /* one column is kept for the soft break */
            crpi_buf_put(out, "=\r\n", 3);
            column = 0;
        }
        if (!plain) crpi_buf_byte(out, '=');
        if (plain) crpi_buf_byte(out, b[i]);
        else put_hex(out, b[i], "0123456789ABCDEF");
        column += width;
    }
}

/* The length of the line break at `i`, after any blanks: 0 when there is something else. */
static size_t line_break_at(const char *text, size_t n, size_t i)
{
    size_t from = i;
    while (i < n && (text[i] == ' ' || text[i] == '\t')) i++;
    if (i < n && text[i] == '\n') return i + 1 - from;
    if (i + 1 < n && text[i] == '\r' && text[i + 1] == '\n') return i + 2 - from;
    return 0;
}

/* What an `=` at `i` stands for; the count of characters that it takes. */
static size_t decode_escape(crpi_buf *out, const char *text, size_t n, size_t i)
{
    size_t soft = line_break_at(text, n, i + 1);
    if (soft > 0) return 1 + soft;
    if (i + 1 == n) return 1; /* a soft break at the end of the text */
    int high = hex_value(text[i + 1]), low = i + 2 < n ? hex_value(text[i + 2]) : -1;
    crpi_buf_byte(out, high >= 0 && low >= 0 ? high << 4 | low : '=');
    return high >= 0 && low >= 0 ? 3 : 1;
}

/* Blanks before a line break were added on the way and go; others stay. The count of blanks. */
static size_t decode_blanks(crpi_buf *out, const char *text, size_t n, size_t i)
{
    size_t count = 0;
    while (i + count < n && (text[i + count] == ' ' || text[i + count] == '\t')) count++;
    if (line_break_at(text, n, i + count) == 0) crpi_buf_put(out, text + i, count);
    return count;
}

void crpi_quoted_printable_decode(crpi_buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        if (text[i] == '=') i += decode_escape(out, text, n, i);
        else if (text[i] == ' ' || text[i] == '\t') i += decode_blanks(out, text, n, i);
        else crpi_buf_byte(out, text[i++]);
    }
}

/* --- URLs ----------------------------------------------------------------------------------------------- */

static bool is_unreserved(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

void crpi_url_encode(crpi_buf *out, const char *text, size_t n, const char *keep, size_t keep_length)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (is_unreserved(byte) || memchr(keep, byte, keep_length)) {
            crpi_buf_byte(out, byte);
            continue;
        }
        crpi_buf_byte(out, '%');
        put_hex(out, byte, "0123456789ABCDEF");
    }
}

bool crpi_url_decode(crpi_buf *out, const char *text, size_t n, size_t *bad)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '%') {
            crpi_buf_byte(out, text[i]);
            continue;
        }
        if (n - i < 3 || !crpi_hex_decode(out, text + i + 1, 2, bad)) {
            *bad = i;
            return false;
        }
        i += 2;
    }
    return true;
}

/* --- integers ------------------------------------------------------------------------------------------- */

uint64_t crpi_integer_decode(const void *bytes, size_t size, bool little)
{
    const unsigned char *b = bytes;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | b[little ? size - 1 - i : i];
    return value;
}

void crpi_integer_encode(void *bytes, size_t size, bool little, uint64_t value)
{
    unsigned char *b = bytes;
    for (size_t i = 0; i < size; i++, value >>= 8) b[little ? i : size - 1 - i] = (unsigned char)value;
}
