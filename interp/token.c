/* Tokens: names, numbers, Strings, Binaries, and the errors that source text can have. */
#include "token.h"

#include <string.h>
#include "error.h"
#include "number.h"
#include "str.h"
#include "utf8.h"

/* How many bytes of a token and of its line a message shows. */
enum { SHOWN_TOKEN = 24, SHOWN_LINE = 4096 };

#define B CRPI_BLANK_BYTE
#define N CRPI_NAME_BYTE
const uint8_t crpi_byte_kinds[256] = {
    [' '] = B, ['\t'] = B, ['\n'] = B, ['\v'] = B, ['\f'] = B, ['\r'] = B,
    ['a' ... 'z'] = N, ['A' ... 'Z'] = N, ['_'] = N,
    ['+'] = N, ['-'] = N, ['*'] = N, ['/'] = N, ['%'] = N, ['='] = N, ['<'] = N, ['>'] = N, ['!'] = N,
    ['&'] = N, ['|'] = N, ['^'] = N, ['~'] = N, ['?'] = N, ['@'] = N, ['$'] = N,
    ['0' ... '9'] = CRPI_DIGIT_BYTE, [0x80 ... 0xff] = CRPI_HIGH_BYTE,
};
#undef B
#undef N

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int hex_value(char c)
{
    if (is_digit(c)) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether what begins here would go on a token that ends here. */
static bool goes_on(const char *s, const char *end)
{
    return s < end && (crpi_token_kind(*s) >= CRPI_NAME_BYTE || *s == ':');
}

/* --- characters --------------------------------------------------------------------------------------- */

typedef struct range {
    uint32_t from, to;
} range;

static bool within(uint32_t c, const range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].from && c <= ranges[i].to) return true;
    return false;
}

bool crpi_token_harmless(uint32_t c)
{
    static const range harmful[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                                    {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
    return c != CRPI_UTF8_BROKEN && !within(c, harmful, sizeof harmful / sizeof *harmful);
}

bool crpi_token_visible(uint32_t c)
{
    static const range hidden[] = {{0x20, 0x20},     {0xa0, 0xa0},     {0xad, 0xad},     {0x1680, 0x1680},
                                   {0x180e, 0x180e}, {0x2000, 0x200d}, {0x202f, 0x202f}, {0x205f, 0x206f},
                                   {0x3000, 0x3000}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff},
                                   {0xe0000, 0xe0fff}};
    return crpi_token_harmless(c) && !within(c, hidden, sizeof hidden / sizeof *hidden);
}

/* --- errors ------------------------------------------------------------------------------------------- */

crpi_place crpi_token_place(crpi_spot s)
{
    size_t column = (size_t)(s.at - s.line_start) + 1;
    return (crpi_place){s.line, column > UINT32_MAX ? UINT32_MAX : (uint32_t)column};
}

/* A word shows what was misread; where a single character is at fault, that one. */
static size_t shown_length(const crpi_reader *r, const char *s, int code)
{
    uint32_t c;
    const char *t = s;
    bool single = code == CRPI_PARSE_ESCAPE || code == CRPI_PARSE_CHARACTER;
    while (!single && goes_on(t, r->end)) t++;
    return t > s ? (size_t)(t - s) : crpi_utf8_decode(s, (size_t)(r->end - s), &c);
}

static void put_found(crpi_buf *out, const crpi_reader *r, const char *s, int code)
{
    crpi_buf_text(out, ", found ");
    if (s >= r->end) {
        crpi_buf_text(out, "the end of the text");
    } else if (*s == '\n' || *s == '\r') {
        crpi_buf_text(out, "the end of the line");
    } else if (crpi_token_kind(*s) == CRPI_BLANK_BYTE) {
        crpi_buf_text(out, "white space");
    } else if (*s == '"') {
        crpi_buf_text(out, "a double quote");
    } else {
        crpi_buf_byte(out, '"');
        crpi_buf_escaped(out, s, shown_length(r, s, code), SHOWN_TOKEN);
        crpi_buf_byte(out, '"');
    }
}

/* Makes the Error from its text and gives it place and line. */
static crp_status raise_at(crpi_reader *r, int code, crpi_spot where, const crpi_buf *text)
{
    crp_word error;
    crpi_place at = crpi_token_place(where);
    const char *line = where.line_start, *stop = line;
    while (stop < r->end && *stop != '\n' && stop - line < SHOWN_LINE) stop++;
    if (stop > line && stop[-1] == '\r') stop--;
    if (where.at - line >= SHOWN_LINE) line = NULL;
    if (text->failed) return crp_no_memory(r->vm);
    crp_status st = crpi_error_new(r->vm, CRP_ERR_PARSE, code, text->bytes, text->length, &error);
    if (st) return st;
    st = crpi_error_locate(r->vm, error, r->name, at.line, at.column, line, line ? (size_t)(stop - line) : 0);
    return st ? st : crp_rethrow(r->vm, error);
}

static crp_status fail(crpi_reader *r, int code, crpi_spot where, const char *found, const char *format,
                       va_list args)
{
    crpi_buf text;
    crpi_buf_init(&text, &r->vm->mem, 0);
    crpi_buf_vformat(&text, format, args, NULL, NULL);
    if (found) put_found(&text, r, found, code);
    r->at = where.at;
    r->line_start = where.line_start;
    r->line = where.line;
    crp_status st = raise_at(r, code, where, &text);
    crpi_buf_free(&text);
    return st;
}

crp_status crpi_token_fail(crpi_reader *r, int code, crpi_spot where, const char *found, const char *format,
                           ...)
{
    va_list args;
    va_start(args, format);
    crp_status st = fail(r, code, where, found, format, args);
    va_end(args);
    return st;
}

crp_status crpi_token_unfinished(crpi_reader *r, crpi_spot where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    crp_status st = fail(r, CRPI_PARSE_END, where, NULL, format, args);
    va_end(args);
    return st == CRP_E_NOMEM ? st : CRP_INCOMPLETE;
}

/* The text ended inside a String, a |Symbol| or a Binary. */
static crp_status unclosed(crpi_reader *r, crpi_spot opened, const char *what, const char *closer)
{
    crpi_place at = crpi_token_place(opened);
    const char *text = "the %s opened at %u:%u is not closed, expected %s, found the end of the text";
    return crpi_token_unfinished(r, opened, text, what, at.line, at.column, closer);
}

crp_status crpi_token_bad_character(crpi_reader *r)
{
    uint32_t c = 0;
    const char *expected = "a form";
    crpi_spot where = crpi_token_spot(r);
    crpi_utf8_decode(r->at, (size_t)(r->end - r->at), &c);
    if (c == 0) return crpi_token_fail(r, CRPI_PARSE_CHARACTER, where, NULL, "a NUL byte in the text");
    if (c == CRPI_UTF8_BROKEN) expected = "UTF-8";
    else if (!crpi_token_visible(c))
        return crpi_token_fail(r, CRPI_PARSE_CHARACTER, where, NULL, "expected a form, found U+%04x",
                               (unsigned)c);
    if (c == ';') expected = "a form (a comment begins with #)";
    return crpi_token_fail(r, CRPI_PARSE_CHARACTER, where, r->at, "expected %s", expected);
}

/* --- between quotes ----------------------------------------------------------------------------------- */

static crp_status bad_escape(crpi_reader *r, const char *found, const char *expected)
{
    return crpi_token_fail(r, CRPI_PARSE_ESCAPE, crpi_token_spot(r), found, "expected %s", expected);
}

/* `\u{H...}`, with r->at at its backslash. */
static crp_status read_unicode(crpi_reader *r, crpi_buf *out)
{
    uint32_t c = 0;
    const char *open = r->at + 2, *s = open;
    if (s < r->end && *s != '{') return bad_escape(r, s, "{ after \\u");
    for (s += s < r->end; s < r->end && hex_value(*s) >= 0; s++)
        if (c <= 0x10ffff) c = c << 4 | (uint32_t)hex_value(*s);
    if (s >= r->end) {
        r->at = r->end;
        return CRP_OK;
    }
    if (s == open + 1) return bad_escape(r, s, "hexadecimal digits in \\u{...}");
    if (*s != '}') return bad_escape(r, s, "} after the digits of \\u{...}");
    char bytes[4];
    size_t n = crpi_utf8_encode(c, bytes);
    if (n == 0) return bad_escape(r, NULL, "a character in \\u{...}, 0 to D7FF or E000 to 10FFFF");
    crpi_buf_put(out, bytes, n);
    r->at = s + 1;
    return CRP_OK;
}

/* `\xHH`, likewise. */
static crp_status read_byte(crpi_reader *r, crpi_buf *out)
{
    int digits[2] = {0, 0};
    const char *s = r->at + 2;
    for (int i = 0; i < 2 && s < r->end; i++, s++) {
        digits[i] = hex_value(*s);
        if (digits[i] < 0) return bad_escape(r, s, "two hexadecimal digits after \\x");
    }
    crpi_buf_byte(out, digits[0] << 4 | digits[1]);
    r->at = s;
    return CRP_OK;
}

/* One escape, with r->at at its backslash.  Where the text ends inside it, r->at is left at the end.  Only in
 * a |Symbol|, `\|` is a bar and `\&` is nothing, so that the empty Symbol can be written. */
static crp_status read_escape(crpi_reader *r, char quote, crpi_buf *out)
{
    static const char letters[] = "nrt0e\\\"|&", values[] = "\n\r\t\0\033\\\"|";
    if (r->end - r->at < 2) {
        r->at = r->end;
        return CRP_OK;
    }
    char c = r->at[1];
    if (c == 'u') return read_unicode(r, out);
    if (c == 'x') return read_byte(r, out);
    const char *known = memchr(letters, c, quote == '|' ? 9 : 7);
    if (!known) return bad_escape(r, r->at + 1, "one of \\n \\r \\t \\0 \\e \\\\ \\\" \\xHH \\u{H...}");
    if (c != '&') crpi_buf_byte(out, values[known - letters]);
    r->at += 2;
    return CRP_OK;
}

/* A line break inside quotes. */
static crp_status quoted_line(crpi_reader *r, char quote)
{
    if (quote == '|')
        return crpi_token_fail(r, CRPI_PARSE_NAME, crpi_token_spot(r), r->at, "expected | to end the Symbol");
    r->line++;
    r->line_start = ++r->at;
    return CRP_OK;
}

/* Up to the closing quote.  What had to be rewritten, and all before it, goes to `out`; *run is where the
 * rest begins, which stands as it is.  CRLF counts as LF. */
static crp_status scan_quoted(crpi_reader *r, char quote, crpi_buf *out, const char **run)
{
    crp_status st = CRP_OK;
    for (*run = r->at; !st && r->at < r->end && *r->at != quote;) {
        char c = *r->at;
        if (c == '\\' || (c == '\r' && r->end - r->at > 1 && r->at[1] == '\n')) {
            crpi_buf_put(out, *run, (size_t)(r->at - *run));
            if (c == '\\') st = read_escape(r, quote, out);
            else r->at++;
            *run = r->at;
        } else if (c == '\n') {
            st = quoted_line(r, quote);
        } else if (c == 0) {
            st = crpi_token_bad_character(r);
        } else {
            r->at++;
        }
    }
    return st;
}

static crp_status make_symbol(crpi_reader *r, crpi_spot where, const char *name, size_t length, crp_word *out)
{
    if (length > CRPI_MAX_SYMBOL)
        return crpi_token_fail(r, CRPI_PARSE_NAME, where, NULL,
                               "expected a name of up to %d bytes, found %zu", CRPI_MAX_SYMBOL, length);
    return crp_symbol(r->vm, name, length, out);
}

/* What stands between the quotes, as a String or a Symbol. */
static crp_status finish_quoted(crpi_reader *r, crpi_spot opened, const char *run, crpi_buf *buf,
                                crp_word *out)
{
    const char *bytes = run;
    size_t length = (size_t)(r->at - run);
    if (run != opened.at + 1) {
        crpi_buf_put(buf, run, length);
        if (buf->failed) return crp_no_memory(r->vm);
        bytes = buf->length ? buf->bytes : "";
        length = buf->length;
    }
    r->at++;
    if (*opened.at == '|') return make_symbol(r, opened, bytes, length, out);
    return crp_string(r->vm, bytes, length, out);
}

crp_status crpi_token_quoted(crpi_reader *r, crp_word *out)
{
    crpi_buf buf;
    const char *run;
    crpi_spot opened = crpi_token_spot(r);
    char quote = *r->at++;
    crpi_buf_init(&buf, &r->vm->mem, (size_t)(r->end - opened.at));
    crp_status st = scan_quoted(r, quote, &buf, &run);
    bool ended = r->at >= r->end, bar = quote == '|';
    if (!st && ended) st = unclosed(r, opened, bar ? "Symbol" : "String", bar ? "|" : "a double quote");
    if (!st) st = finish_quoted(r, opened, run, &buf, out);
    crpi_buf_free(&buf);
    return st;
}

/* --- numbers and Binaries ----------------------------------------------------------------------------- */

static crp_status read_binary(crpi_reader *r, crp_word *out)
{
    crpi_spot start = crpi_token_spot(r);
    const char *digits = r->at + 3, *s = digits;
    while (s < r->end && hex_value(*s) >= 0) s++;
    size_t n = (size_t)(s - digits);
    if (s >= r->end) return unclosed(r, start, "Binary", "a double quote");
    if (*s != '"')
        return crpi_token_fail(r, CRPI_PARSE_BINARY, start, s,
                               "expected hexadecimal digits and a double quote in the Binary");
    if (n % 2)
        return crpi_token_fail(r, CRPI_PARSE_BINARY, start, NULL,
                               "expected pairs of hexadecimal digits in the Binary, found %zu digits", n);
    unsigned char *bytes = crpi_mem_alloc(&r->vm->mem, n / 2);
    if (!bytes) return crp_no_memory(r->vm);
    for (size_t i = 0; i < n / 2; i++)
        bytes[i] = (unsigned char)(hex_value(digits[2 * i]) << 4 | hex_value(digits[2 * i + 1]));
    crp_status st = crp_binary(r->vm, bytes, n / 2, out);
    crpi_mem_free(&r->vm->mem, bytes, n / 2);
    r->at = s + 1;
    return st;
}

bool crpi_token_begins_number(const char *s, const char *end)
{
    return s < end && (is_digit(*s) || ((*s == '+' || *s == '-') && end - s > 1 && is_digit(s[1])));
}

static const char *skip_digits(const char *s, const char *end)
{
    while (s < end && is_digit(*s)) s++;
    return s;
}

/* Where the decimal number ends.  A dot or an `e` belongs to it only if a digit follows. */
static const char *decimal_end(const char *s, const char *end, bool *real)
{
    s = skip_digits(s, end);
    *real = end - s > 1 && *s == '.' && is_digit(s[1]);
    if (*real) s = skip_digits(s + 1, end);
    if (s >= end || (*s | 0x20) != 'e') return s;
    const char *digits = s + 1 + (end - s > 1 && (s[1] == '+' || s[1] == '-'));
    const char *exponent = skip_digits(digits, end);
    if (exponent <= digits) return s;
    *real = true;
    return exponent;
}

static crp_status bad_number(crpi_reader *r, const char *found, const char *expected)
{
    return crpi_token_fail(r, CRPI_PARSE_NUMBER, crpi_token_spot(r), found, "expected %s", expected);
}

crp_status crpi_token_number(crpi_reader *r, crp_word *out)
{
    const char *start = r->at, *s = start + (*start == '+' || *start == '-');
    bool real = false, overflow;
    if (r->end - start > 2 && memcmp(start, "0x\"", 3) == 0) return read_binary(r, out);
    if (r->end - s > 1 && s[0] == '0' && s[1] == 'x') {
        const char *digits = s += 2;
        while (s < r->end && hex_value(*s) >= 0) s++;
        if (s == digits) return bad_number(r, s, "hexadecimal digits after 0x");
    } else {
        s = decimal_end(s, r->end, &real);
    }
    if (goes_on(s, r->end)) return bad_number(r, start, "a number (a name begins with no digit)");
    size_t n = (size_t)(s - start);
    double d = 0;
    int64_t i = 0;
    if (real && (!crpi_parse_real(start, n, &d) || d - d != 0))
        return bad_number(r, start, "a Real of up to 1.7976931348623157e+308");
    if (!real && !crpi_parse_integer(start, n, &i, &overflow))
        return bad_number(r, start, "an Integer from -9223372036854775808 to 9223372036854775807");
    r->at = s;
    return real ? crp_real(r->vm, d, out) : crp_integer(r->vm, i, out);
}

/* --- names -------------------------------------------------------------------------------------------- */

/* The end of the run of bytes that a name is made of; *broken: there is a character that no name may have. */
static const char *name_end(const char *s, const char *end, bool *broken)
{
    uint32_t c;
    *broken = false;
    while (goes_on(s, end)) {
        size_t n = 1;
        if (crpi_token_kind(*s) == CRPI_HIGH_BYTE) {
            n = crpi_utf8_decode(s, (size_t)(end - s), &c);
            *broken = !crpi_token_visible(c);
            if (*broken) break;
        }
        s += n;
    }
    return s;
}

/* The end of one part of a name, which is not empty and begins with no digit; NULL if there is none. */
static const char *name_part(const char *s, const char *end)
{
    if (s >= end || *s == ':' || is_digit(*s)) return NULL;
    const char *colon = memchr(s, ':', (size_t)(end - s));
    return colon ? colon : end;
}

/* Whether the colons stand as in `x`, `::x`, `A::m`, `A:I::m` or, for a class's interface, `A:I`. */
static bool colons_fit(const char *s, const char *end)
{
    const char *at = *s == ':' ? s : name_part(s, end);
    if (at == end) return true;
    if (at && at > s && end - at > 1 && at[1] != ':') at = name_part(at + 1, end);
    if (at == end) return true;
    return at && end - at > 2 && at[0] == ':' && at[1] == ':' && name_part(at + 2, end) == end;
}

/* A bar begins a |Symbol|, but before a bar and where a name would end it is the operator `|` or `||`. */
static bool begins_quoted(const char *s, const char *end)
{
    if (*s != '|' || end - s < 2 || s[1] == '|') return false;
    return crpi_token_kind(s[1]) != CRPI_BLANK_BYTE && !strchr("()[]{}\"'`,#", s[1]);
}

bool crpi_reads_as_symbol(const char *name, size_t length)
{
    const char *end = name + length;
    bool broken;
    if (length == 3 && memcmp(name, "...", 3) == 0) return true;
    if (length == 0 || length > CRPI_MAX_SYMBOL) return false;
    if (begins_quoted(name, end) || crpi_token_begins_number(name, end)) return false;
    return name_end(name, end, &broken) == end && colons_fit(name, end);
}

static crp_status read_bar_symbol(crpi_reader *r, crp_word *out)
{
    crp_status st = crpi_token_quoted(r, out);
    if (st || !goes_on(r->at, r->end)) return st;
    return crpi_token_fail(r, CRPI_PARSE_NAME, crpi_token_spot(r), r->at, "expected white space after |...|");
}

crp_status crpi_token_name(crpi_reader *r, bool member, crp_word *out)
{
    bool broken;
    crpi_spot start = crpi_token_spot(r);
    if (begins_quoted(r->at, r->end)) return read_bar_symbol(r, out);
    const char *s = name_end(r->at, r->end, &broken);
    if (broken) {
        r->at = s;
        return crpi_token_bad_character(r);
    }
    size_t length = (size_t)(s - start.at);
    if (member && memchr(start.at, ':', length))
        return crpi_token_fail(r, CRPI_PARSE_DOT, start, start.at,
                               "expected a name without colons after the dot");
    if (!colons_fit(start.at, s))
        return crpi_token_fail(r, CRPI_PARSE_NAME, start, start.at,
                               "expected a name, ::name, Class::method, Class:Interface or Class:Interface::method");
    r->at = s;
    return make_symbol(r, start, start.at, length, out);
}
