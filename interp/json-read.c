/* floor 4: JSON text to values.
 *
 * The values of all containers that are still open stand on one stack, one after the other; a level says
 * where those of its container begin.  When a container closes, how many it holds is known, so it is made
 * in its final size.  Keys come again and again in most texts: those met lately are kept in a small table,
 * and the same String, with its hash, serves for all.
 *
 * Every value that is made stays in the heap's log until the native returns, so the stack roots nothing.
 */
#include "json.h"

#include <math.h>
#include "map.h"
#include "number.h"
#include "reader.h"
#include "str.h"
#include "utf8.h"
#include "value.h"

enum {
    RECENT_KEYS = 256,
    LONGEST_RECENT = 32, /* bytes */
    SHOWN_WORD = 20 /* bytes of what was found */
};

typedef struct level {
    size_t first; /* of its values: items, or keys and values in turn */
    bool object;
} level;

typedef struct reader {
    crp *vm;
    const char *start, *at, *end;
    crp_word null_value, false_value;
    crp_word *values;
    size_t count, capacity;
    level *levels;
    size_t depth, level_capacity;
    crpi_buf unescaped; /* a string with escapes, while it is put together */
    crp_word recent[RECENT_KEYS]; /* Strings; 0: none */
} reader;

/* --- errors --------------------------------------------------------------------------------------------- */

static bool is_name_byte(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

/* What stands at `at`: a word whole, else one character. */
static void put_found(crpi_buf *b, const reader *r, const char *at)
{
    const char *stop = at;
    uint32_t code;
    if (at >= r->end) {
        crpi_buf_text(b, "the end of the text");
        return;
    }
    while (stop < r->end && is_name_byte(*stop)) stop++;
    if (stop == at) stop += crpi_utf8_decode(at, (size_t)(r->end - at), &code);
    crpi_buf_quoted(b, at, (size_t)(stop - at), SHOWN_WORD);
}

static void put_place(crpi_buf *b, const reader *r, const char *at)
{
    size_t line = 1;
    const char *begin = r->start;
    for (const char *s = r->start; s < at; s++)
        if (*s == '\n') line++, begin = s + 1;
    crpi_buf_format(b, "JSON, line %zu, column %zu: ", line, (size_t)(at - begin) + 1);
}

/* Records an error; if `found`, what stands at the place is its end. */
static crp_status fail(const reader *r, int code, const char *at, const char *text, bool found)
{
    crpi_buf b;
    crpi_buf_init(&b, &r->vm->mem, 0);
    put_place(&b, r, at);
    crpi_buf_text(&b, text);
    if (found) {
        crpi_buf_text(&b, ", found ");
        put_found(&b, r, at);
    }
    crp_status st = b.failed ? crp_no_memory(r->vm)
                             : crp_raise(r->vm, CRP_ERR_PARSE, code, "%.*s", (int)b.length, b.bytes);
    crpi_buf_free(&b);
    return st;
}

static crp_status unexpected(const reader *r, const char *expected)
{
    return fail(r, r->at < r->end ? CRPI_PARSE_CHARACTER : CRPI_PARSE_END, r->at, expected, true);
}

/* --- strings -------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits after \u; false: there are not four. */
static bool read_unit(const char *at, const char *end, uint32_t *unit)
{
    *unit = 0;
    if (end - at < 4) return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

/* The character of \uXXXX or of two that make a pair; `at` is on the backslash. */
static crp_status read_unicode(reader *r)
{
    const char *begin = r->at;
    uint32_t code, low;
    char bytes[4];
    if (!read_unit(begin + 2, r->end, &code))
        return fail(r, CRPI_PARSE_ESCAPE, begin, "expected four hexadecimal digits after \\u", false);
    r->at += 6;
    if (code >= 0xD800 && code < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u' &&
        read_unit(r->at + 2, r->end, &low) && low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        r->at += 6;
    }
    size_t n = crpi_utf8_encode(code, bytes);
    if (n == 0)
        return fail(r, CRPI_PARSE_ESCAPE, begin,
                    "half a surrogate pair; expected \\uD800 to \\uDBFF and then \\uDC00 to \\uDFFF", false);
    crpi_buf_put(&r->unescaped, bytes, n);
    return CRP_OK;
}

static crp_status read_escape(reader *r)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (r->end - r->at < 2) {
        r->at = r->end;
        return unexpected(r, "expected the end of an escape");
    }
    if (r->at[1] == 'u') return read_unicode(r);
    const char *letter = memchr(letters, r->at[1], sizeof letters - 1);
    if (!letter)
        return fail(r, CRPI_PARSE_ESCAPE, r->at,
                    "no such escape; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX", false);
    crpi_buf_byte(&r->unescaped, values[letter - letters]);
    r->at += 2;
    return CRP_OK;
}

/* Moves `at` to the quote or backslash where the run ends that begins there. */
static crp_status skip_run(reader *r, const char *opened)
{
    for (;;) {
        uint32_t code;
        r->at = crpi_json_plain(r->at, r->end);
        if (r->at == r->end)
            return fail(r, CRPI_PARSE_END, opened, "the string that begins here never ends", false);
        if (*r->at == '"' || *r->at == '\\') return CRP_OK;
        if ((unsigned char)*r->at < 0x20)
            return fail(r, CRPI_PARSE_CHARACTER, r->at,
                        "a control character in a string; expected an escape instead", true);
        size_t n = crpi_utf8_decode(r->at, (size_t)(r->end - r->at), &code);
        if (code == CRPI_UTF8_BROKEN) return fail(r, CRPI_PARSE_CHARACTER, r->at, "expected UTF-8", true);
        r->at += n;
    }
}

static crp_status rest_of_escaped(reader *r, const char *opened, const char *run)
{
    crp_status st = CRP_OK;
    r->unescaped.length = 0;
    while (!st) {
        crpi_buf_put(&r->unescaped, run, (size_t)(r->at - run));
        if (*r->at == '"') return r->unescaped.failed ? crp_no_memory(r->vm) : CRP_OK;
        st = read_escape(r);
        run = r->at;
        if (!st) st = skip_run(r, opened);
    }
    return st;
}

/* The bytes of a string, whose quote `at` is on; they stay until the next one is read. */
static crp_status read_text(reader *r, const char **bytes, size_t *n)
{
    const char *opened = r->at++;
    crp_status st = skip_run(r, opened);
    if (st) return st;
    *bytes = opened + 1;
    *n = (size_t)(r->at - *bytes);
    if (*r->at == '\\') {
        st = rest_of_escaped(r, opened, opened + 1);
        *bytes = r->unescaped.length ? r->unescaped.bytes : "";
        *n = r->unescaped.length;
    }
    r->at++;
    return st;
}

static crp_status read_string(reader *r, crp_word *out)
{
    const char *bytes;
    size_t n;
    crp_status st = read_text(r, &bytes, &n);
    return st ? st : crp_string(r->vm, bytes, n, out);
}

/* Where such a key would be kept: of few bytes, spread by its length and some of them. */
static crp_word *recent_key(reader *r, const char *bytes, size_t n)
{
    const unsigned char *b = (const unsigned char *)bytes;
    uint32_t mixed = (uint32_t)n * 0x9E3779B1u;
    if (n) mixed ^= (uint32_t)(b[0] | b[n / 2] << 8 | b[n - 1] << 16) * 0x85EBCA6Bu;
    return &r->recent[mixed >> 24];
}

static crp_status read_key(reader *r, crp_word *out)
{
    const char *bytes;
    size_t n;
    crp_status st = read_text(r, &bytes, &n);
    if (st) return st;
    if (n > LONGEST_RECENT) return crp_string(r->vm, bytes, n, out);
    crp_word *recent = recent_key(r, bytes, n);
    if (!*recent || crpi_str_of(*recent)->length != n || memcmp(crpi_str_of(*recent)->bytes, bytes, n) != 0)
        st = crp_string(r->vm, bytes, n, recent);
    *out = *recent;
    return st;
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static const char *skip_digits(const char *s, const char *end)
{
    while (s < end && *s >= '0' && *s <= '9') s++;
    return s;
}

static crp_status no_digit(reader *r, const char *at, const char *expected)
{
    r->at = at;
    return fail(r, at < r->end ? CRPI_PARSE_NUMBER : CRPI_PARSE_END, at, expected, true);
}

/* Fraction and exponent, of which there is one at least. */
static crp_status skip_fraction(reader *r, const char **at)
{
    const char *s = *at, *digits;
    if (*s == '.') {
        s = skip_digits(digits = s + 1, r->end);
        if (s == digits) return no_digit(r, s, "expected a digit after the dot");
    }
    if (s < r->end && (*s | 0x20) == 'e') {
        s++;
        if (s < r->end && (*s == '+' || *s == '-')) s++;
        s = skip_digits(digits = s, r->end);
        if (s == digits) return no_digit(r, s, "expected a digit of the exponent");
    }
    *at = s;
    return CRP_OK;
}

static crp_status make_real(reader *r, const char *begin, crp_word *out)
{
    double d;
    if (!crpi_parse_real(begin, (size_t)(r->at - begin), &d) || isinf(d))
        return fail(r, CRPI_PARSE_NUMBER, begin, "expected a number up to 1.7976931348623157e+308", true);
    return crp_real(r->vm, d, out);
}

static crp_status make_integer(reader *r, const char *begin, const char *digits, crp_word *out)
{
    int64_t i = 0;
    bool overflow;
    if (r->at - digits > 18) {
        if (!crpi_parse_integer(begin, (size_t)(r->at - begin), &i, &overflow))
            return make_real(r, begin, out);
    } else {
        for (const char *s = digits; s < r->at; s++) i = i * 10 + (*s - '0');
        if (digits > begin) i = -i;
    }
    return crp_integer(r->vm, i, out);
}

static crp_status read_number(reader *r, crp_word *out)
{
    const char *begin = r->at, *digits = begin + (*begin == '-'), *s = skip_digits(digits, r->end);
    if (s == digits) return no_digit(r, s, "expected a digit");
    if (*digits == '0' && s > digits + 1)
        return fail(r, CRPI_PARSE_NUMBER, begin, "expected a number without a leading 0", true);
    bool whole = s == r->end || (*s != '.' && (*s | 0x20) != 'e');
    crp_status st = whole ? CRP_OK : skip_fraction(r, &s);
    if (st) return st;
    r->at = s;
    return whole ? make_integer(r, begin, digits, out) : make_real(r, begin, out);
}

/* --- values --------------------------------------------------------------------------------------------- */

static void skip_space(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) r->at++;
}

static bool at_byte(const reader *r, char c) { return r->at < r->end && *r->at == c; }

static crp_status keep(reader *r, crp_word w)
{
    if (__builtin_expect(r->count == r->capacity, 0) &&
        !crpi_mem_grow(&r->vm->mem, &r->values, &r->capacity, r->count + 1, sizeof w))
        return crp_no_memory(r->vm);
    r->values[r->count++] = w;
    return CRP_OK;
}

/* A key and its colon. */
static crp_status read_name(reader *r)
{
    crp_word key;
    skip_space(r);
    if (!at_byte(r, '"')) return unexpected(r, "expected a string as key");
    crp_status st = read_key(r, &key);
    if (!st) st = keep(r, key);
    if (st) return st;
    skip_space(r);
    if (!at_byte(r, ':')) return unexpected(r, "expected : after the key");
    r->at++;
    return CRP_OK;
}

/* Makes the container whose bracket has closed of its values. */
static crp_status close_level(reader *r, crp_word *out)
{
    const level *l = &r->levels[--r->depth];
    size_t n = r->count - l->first;
    const crp_word *values = r->values + l->first;
    r->count = l->first;
    crp_status st;
    if (!l->object) {
        st = crpi_array_new(r->vm, n, out);
        if (!st && n) memcpy(crpi_array_of(*out)->items, values, n * sizeof *values);
        return st;
    }
    st = crp_hashtable(r->vm, out);
    if (!st && n) st = crpi_map_reserve(r->vm, crpi_map_of(*out), n / 2);
    for (size_t i = 0; !st && i < n; i += 2)
        st = crpi_map_set(r->vm, crpi_map_of(*out), values[i], values[i + 1]);
    return st;
}

/* After an opening bracket: an empty container is closed at once, and is then the value. */
static crp_status open_level(reader *r, bool object, crp_word *out)
{
    if (!crpi_mem_grow(&r->vm->mem, &r->levels, &r->level_capacity, r->depth + 1, sizeof *r->levels))
        return crp_no_memory(r->vm);
    r->levels[r->depth++] = (level){r->count, object};
    r->at++;
    skip_space(r);
    *out = CRP_UNSET;
    if (at_byte(r, object ? '}' : ']')) {
        r->at++;
        return close_level(r, out);
    }
    return object ? read_name(r) : CRP_OK;
}

static crp_status read_word(reader *r, crp_word *out)
{
    const struct {
        const char *text;
        crp_word value;
    } words[] = {{"null", r->null_value}, {"true", CRP_TRUE}, {"false", r->false_value}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].text);
        if ((size_t)(r->end - r->at) < n || memcmp(r->at, words[i].text, n) != 0) continue;
        r->at += n;
        *out = words[i].value;
        return CRP_OK;
    }
    return unexpected(r, "expected a value");
}

/* A value, or CRP_UNSET when a container was opened whose first value comes next. */
static crp_status read_value(reader *r, crp_word *out)
{
    skip_space(r);
    if (r->at == r->end) return unexpected(r, "expected a value");
    switch (*r->at) {
    case '{': return open_level(r, true, out);
    case '[': return open_level(r, false, out);
    case '"': return read_string(r, out);
    case '-':
    case '0' ... '9': return read_number(r, out);
    default: return read_word(r, out);
    }
}

/* What comes after a value in a container: a comma, or the bracket that closes it, which makes the next
 * value. */
static crp_status after_value(reader *r, crp_word *value, bool *closed)
{
    bool object = r->levels[r->depth - 1].object;
    crp_status st = keep(r, *value);
    if (st) return st;
    skip_space(r);
    *closed = at_byte(r, object ? '}' : ']');
    if (*closed) {
        r->at++;
        return close_level(r, value);
    }
    if (!at_byte(r, ',')) return unexpected(r, object ? "expected , or }" : "expected , or ]");
    r->at++;
    return object ? read_name(r) : CRP_OK;
}

static crp_status read_document(reader *r, crp_word *out)
{
    bool closed = false;
    do {
        crp_status st = read_value(r, out);
        if (!st && *out == CRP_UNSET) continue;
        for (closed = true; !st && closed && r->depth;) st = after_value(r, out, &closed);
        if (st) return st;
    } while (r->depth);
    skip_space(r);
    return r->at == r->end ? CRP_OK : unexpected(r, "expected the end of the text");
}

crp_status crpi_json_read(crp *vm, crp_word text, crp_word null_value, crp_word false_value, crp_word *out)
{
    const unsigned char *bytes;
    size_t n;
    reader r = {.vm = vm, .null_value = null_value, .false_value = false_value};
    crp_bytes(text, &bytes, &n);
    r.start = r.at = (const char *)bytes;
    r.end = r.start + n;
    if (n >= 3 && memcmp(r.at, "\xEF\xBB\xBF", 3) == 0) r.at += 3;
    crpi_buf_init(&r.unescaped, &vm->mem, (size_t)1 << CRPI_MAX_BYTES_LOG2);
    crp_status st = read_document(&r, out);
    crpi_buf_free(&r.unescaped);
    crpi_mem_free(&vm->mem, r.values, r.capacity * sizeof *r.values);
    crpi_mem_free(&vm->mem, r.levels, r.level_capacity * sizeof *r.levels);
    return st;
}
