/* Bytes that grow, and the formatter.
 *
 * Every number, escape and cut that people read is written here, so no other file needs to know how.  The
 * formatter is a loop over directives; what it does not know itself goes to the floor above through one
 * function pointer.
 */
#include "buf.h"

#include <string.h>
#include "number.h"
#include "utf8.h"

enum { DEFAULT_CAP = 1 << 30, QUOTED_CUT = 200 };

static const char hex_digits[] = "0123456789abcdef";

void crpi_buf_init(crpi_buf *b, crpi_mem *mem, size_t cap)
{
    *b = (crpi_buf){.mem = mem, .cap = cap ? cap : DEFAULT_CAP};
}

void crpi_buf_free(crpi_buf *b)
{
    crpi_mem_free(b->mem, b->bytes, b->capacity);
    crpi_buf_init(b, b->mem, b->cap);
}

void crpi_buf_put(crpi_buf *b, const void *bytes, size_t n)
{
    if (b->failed || b->overflow || n == 0) return;
    if (n > b->cap - b->length) {
        b->overflow = true;
        n = b->cap - b->length;
    }
    if (n > b->capacity - b->length && !crpi_mem_grow(b->mem, &b->bytes, &b->capacity, b->length + n, 1)) {
        b->failed = true;
        return;
    }
    memcpy(b->bytes + b->length, bytes, n);
    b->length += n;
}

void crpi_buf_byte(crpi_buf *b, int byte)
{
    char c = (char)byte;
    crpi_buf_put(b, &c, 1);
}

void crpi_buf_text(crpi_buf *b, const char *text) { crpi_buf_put(b, text, strlen(text)); }

/* --- escaping ------------------------------------------------------------------------------------------- */

/* Whether a terminal may be given the character as it is: no control, nothing that turns the direction of
 * the text around or breaks the line. */
static bool is_harmless(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
    if (c == 0x061C || c == 0x200E || c == 0x200F) return false;
    return !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2066 && c <= 0x2069);
}

/* One character of `text` as it is shown, at most 16 bytes; the count of input bytes that it stands for. */
static size_t show(const unsigned char *text, size_t n, bool quoted, char out[16], size_t *out_length)
{
    uint32_t code;
    size_t taken = crpi_utf8_decode((const char *)text, n, &code), made = 0;
    if (code != CRPI_UTF8_BROKEN && is_harmless(code)) {
        if (quoted && (code == '"' || code == '\\')) out[made++] = '\\';
        memcpy(out + made, text, taken);
        *out_length = made + taken;
        return taken;
    }
    const char *letter = quoted && code < 0x20 ? memchr("\n\r\t", (int)code, 3) : NULL;
    if (letter) {
        memcpy(out, *letter == '\n' ? "\\n" : *letter == '\r' ? "\\r" : "\\t", 2);
        *out_length = 2;
        return 1;
    }
    for (size_t i = 0; i < taken; i++) {
        char escape[4] = {'\\', 'x', hex_digits[text[i] >> 4], hex_digits[text[i] & 15]};
        memcpy(out + made, escape, 4);
        made += 4;
    }
    *out_length = made;
    return taken;
}

static void put_shown(crpi_buf *b, const unsigned char *text, size_t n, size_t limit, bool quoted)
{
    size_t written = 0, length;
    char shown[16];
    for (size_t i = 0; i < n && !b->failed && !b->overflow;) {
        i += show(text + i, n - i, quoted, shown, &length);
        if (limit && length > limit - written) {
            crpi_buf_text(b, "...");
            return;
        }
        crpi_buf_put(b, shown, length);
        written += length;
    }
}

void crpi_buf_escaped(crpi_buf *b, const void *bytes, size_t n, size_t limit)
{
    put_shown(b, bytes, n, limit, false);
}

void crpi_buf_quoted(crpi_buf *b, const void *bytes, size_t n, size_t limit)
{
    crpi_buf_byte(b, '"');
    put_shown(b, bytes, n, limit, true);
    crpi_buf_byte(b, '"');
}

/* --- formatting ----------------------------------------------------------------------------------------- */

/* A directive: % 0 width .precision size letter.  `.*` counts the bytes of a string that may hold any, NUL
 * too; a written-out precision is the most to be taken of a C string. */
typedef struct directive {
    bool zeros, counted, has_precision;
    size_t width, precision;
    char size, letter; /* size: 'l', 'z' or 0 */
} directive;

/* The arguments by reference: a va_list that is itself a parameter cannot be handed on by its address. */
typedef struct arguments {
    va_list list;
} arguments;

static size_t take_digits(const char **at)
{
    size_t n = 0;
    while (**at >= '0' && **at <= '9' && n < 10000) n = n * 10 + (size_t)(*(*at)++ - '0');
    return n;
}

static directive take_directive(const char **at, arguments *a)
{
    directive d = {0};
    if (**at == '0') d.zeros = true, ++*at;
    d.width = take_digits(at);
    if (**at == '.') {
        ++*at;
        d.has_precision = true;
        if (**at == '*') {
            int given = va_arg(a->list, int);
            d.counted = true;
            d.precision = given < 0 ? 0 : (size_t)given;
            ++*at;
        } else {
            d.precision = take_digits(at);
        }
    }
    while (**at == 'l' || **at == 'z') d.size = *(*at)++;
    d.letter = **at;
    if (**at) ++*at;
    return d;
}

static void put_padded(crpi_buf *b, const directive *d, const char *text, size_t n)
{
    size_t sign = d->zeros && n && *text == '-';
    crpi_buf_put(b, text, sign);
    for (size_t i = n; i < d->width; i++) crpi_buf_byte(b, d->zeros ? '0' : ' ');
    crpi_buf_put(b, text + sign, n - sign);
}

static void put_signed(crpi_buf *b, const directive *d, arguments *a)
{
    char text[CRPI_INTEGER_TEXT];
    int64_t i = d->size == 'l'   ? va_arg(a->list, long)
                : d->size == 'z' ? va_arg(a->list, ptrdiff_t)
                                 : va_arg(a->list, int);
    put_padded(b, d, text, crpi_integer_text(i, text));
}

static void put_unsigned(crpi_buf *b, const directive *d, arguments *a)
{
    char text[24];
    size_t at = sizeof text;
    unsigned base = d->letter == 'x' ? 16 : 10;
    uint64_t u = d->size == 'l'   ? va_arg(a->list, unsigned long)
                 : d->size == 'z' ? va_arg(a->list, size_t)
                                  : va_arg(a->list, unsigned);
    do text[--at] = hex_digits[u % base];
    while (u /= base);
    put_padded(b, d, text + at, sizeof text - at);
}

static void put_string(crpi_buf *b, const directive *d, arguments *a)
{
    const char *text = va_arg(a->list, const char *);
    size_t n = !text              ? 0
               : d->counted       ? d->precision
               : d->has_precision ? strnlen(text, d->precision)
                                  : strlen(text);
    if (!text && !d->counted) crpi_buf_text(b, "(null)");
    else if (d->letter == 'q') crpi_buf_quoted(b, text, n, QUOTED_CUT);
    else put_padded(b, d, text, n);
}

static void put_word(crpi_buf *b, const directive *d, arguments *a, crpi_format_word word, void *ud)
{
    uint64_t w = va_arg(a->list, uint64_t);
    if (word) word(ud, b, d->letter, w);
    else crpi_buf_byte(b, '?');
}

static void put_directive(crpi_buf *b, const directive *d, arguments *a, crpi_format_word word, void *ud)
{
    switch (d->letter) {
    case 's':
    case 'q': put_string(b, d, a); break;
    case 'd': put_signed(b, d, a); break;
    case 'u':
    case 'x': put_unsigned(b, d, a); break;
    case 'c': crpi_buf_byte(b, va_arg(a->list, int)); break;
    case 'v':
    case 'p':
    case 'n': put_word(b, d, a, word, ud); break;
    default: crpi_buf_byte(b, '%'); /* %% and a lone % */
    }
}

void crpi_buf_vformat(crpi_buf *b, const char *format, va_list list, crpi_format_word word, void *ud)
{
    arguments a;
    va_copy(a.list, list);
    for (const char *at = format; *at;) {
        size_t plain = strcspn(at, "%");
        crpi_buf_put(b, at, plain);
        at += plain;
        if (!*at) break;
        at++;
        directive d = take_directive(&at, &a);
        put_directive(b, &d, &a, word, ud);
    }
    va_end(a.list);
}

void crpi_buf_format(crpi_buf *b, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    crpi_buf_vformat(b, format, list, NULL, NULL);
    va_end(list);
}
