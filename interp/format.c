/* Formatting: a specification is parsed, the digits are made, and one routine puts sign, prefix, digits and
 * padding together.
 *
 * A double is a 53-bit number times a power of two, so its decimal expansion is finite: at most 309 digits
 * before the dot and 1074 after.  They are computed once, all of them, with a plain fixed-point number of
 * 32-bit words; rounding then only looks at digits.
 */
#include "format.h"

#include <string.h>
#include "utf8.h"

enum { WHOLE_WORDS = 33, FRACTION_WORDS = 36, MOST_DIGITS = 320 + 1088 };

/* --- parsing -------------------------------------------------------------------------------------------- */

static bool take_flag(char c, crpi_format_spec *spec)
{
    switch (c) {
    case '-': return spec->left = true;
    case '+': return spec->plus = true;
    case ' ': return spec->blank = true;
    case '#': return spec->alternate = true;
    case '0': return spec->zeros = true;
    default: return false;
    }
}

/* A number or `*`; NULL when it is too big. */
static const char *take_number(const char *at, const char *end, int *number, bool *later)
{
    if (at < end && *at == '*') {
        *later = true;
        return at + 1;
    }
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        *number = *number * 10 + (*at - '0');
        if (*number > CRPI_FORMAT_WIDTH) return NULL;
    }
    return at;
}

const char *crpi_format_parse(const char *at, const char *end, crpi_format_spec *out)
{
    *out = (crpi_format_spec){.precision = -1};
    while (at < end && take_flag(*at, out)) at++;
    at = take_number(at, end, &out->width, &out->width_given_later);
    if (at && at < end && *at == '.') {
        out->precision = 0;
        at = take_number(at + 1, end, &out->precision, &out->precision_given_later);
    }
    while (at && at < end && *at && strchr("hlLqjzt", *at)) at++; /* C's sizes say nothing here */
    if (!at || at == end || *at == 0 || !strchr("diuxXobcseEfFgG%", *at)) return NULL;
    out->letter = *at;
    return at + 1;
}

/* --- laying out ----------------------------------------------------------------------------------------- */

static void put_many(crpi_buf *out, char c, int count)
{
    char run[64];
    memset(run, c, sizeof run);
    for (; count > 0; count -= (int)sizeof run)
        crpi_buf_put(out, run, count < (int)sizeof run ? (size_t)count : sizeof run);
}

/* Sign or prefix, then zeros up to the width if it is filled with zeros, then the body. */
static void put_field(crpi_buf *out, const crpi_format_spec *spec, bool zeros, const char *prefix,
                      const char *body, size_t length)
{
    int missing = spec->width - (int)strlen(prefix) - (int)length;
    zeros = zeros && !spec->left;
    if (!spec->left && !zeros) put_many(out, ' ', missing);
    crpi_buf_text(out, prefix);
    if (zeros) put_many(out, '0', missing);
    crpi_buf_put(out, body, length);
    if (spec->left) put_many(out, ' ', missing);
}

static const char *sign_of(const crpi_format_spec *spec, bool negative)
{
    return negative ? "-" : spec->plus ? "+" : spec->blank ? " " : "";
}

void crpi_format_text(crpi_buf *out, const crpi_format_spec *spec, const char *text, size_t n)
{
    if (spec->precision >= 0) n = crpi_utf8_prefix(text, n, (size_t)spec->precision);
    size_t characters = spec->width > 0 ? crpi_utf8_count(text, n) : 0;
    int missing = characters < (size_t)spec->width ? spec->width - (int)characters : 0;
    if (!spec->left) put_many(out, ' ', missing);
    crpi_buf_put(out, text, n);
    if (spec->left) put_many(out, ' ', missing);
}

/* --- Integers ------------------------------------------------------------------------------------------- */

static unsigned base_of(char letter)
{
    return letter == 'o' ? 8 : letter == 'b' ? 2 : letter == 'x' || letter == 'X' ? 16 : 10;
}

void crpi_format_integer(crpi_buf *out, const crpi_format_spec *spec, int64_t i)
{
    bool is_signed = spec->letter == 'd' || spec->letter == 'i', negative = is_signed && i < 0;
    unsigned base = base_of(spec->letter);
    const char *letters = spec->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    uint64_t u = negative ? 0 - (uint64_t)i : (uint64_t)i;
    char digits[64];
    size_t at = sizeof digits;
    for (; u > 0; u /= base) digits[--at] = letters[u % base];
    if (at == sizeof digits && spec->precision != 0) digits[--at] = '0';
    const char *prefix = is_signed ? sign_of(spec, negative) : "";
    if (spec->alternate && base == 16 && i != 0) prefix = spec->letter == 'X' ? "0X" : "0x";
    if (spec->alternate && base == 2 && i != 0) prefix = "0b";
    int length = (int)(sizeof digits - at), more = spec->precision - length;
    if (spec->alternate && base == 8 && more <= 0 && (length == 0 || digits[at] != '0')) prefix = "0";
    if (more <= 0) {
        put_field(out, spec, spec->zeros && spec->precision < 0, prefix, digits + at, (size_t)length);
        return;
    }
    crpi_format_spec around = *spec; /* the precision's zeros belong to the number, blanks go around them */
    around.width -= (int)strlen(prefix) + spec->precision;
    if (!spec->left) put_many(out, ' ', around.width);
    crpi_buf_text(out, prefix);
    put_many(out, '0', more);
    crpi_buf_put(out, digits + at, (size_t)length);
    if (spec->left) put_many(out, ' ', around.width);
}

/* --- the digits of a Real ------------------------------------------------------------------------------- */

/* All digits of a positive number: 0.d1d2d3... times ten to the `point`; d1 is not 0 unless the number is. */
typedef struct digits {
    char digit[MOST_DIGITS + 1]; /* values 0 to 9 */
    int count, point;
} digits;

/* The number as a fixed-point one: WHOLE_WORDS words before the dot, FRACTION_WORDS after it, least first. */
typedef struct fixed {
    uint32_t word[WHOLE_WORDS + FRACTION_WORDS];
} fixed;

static void fixed_set(fixed *f, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7FF);
    uint64_t mantissa = bits & 0xFFFFFFFFFFFFF;
    if (exponent > 0) mantissa |= (uint64_t)1 << 52;
    else exponent = 1;
    int bit = exponent - 1075 + FRACTION_WORDS * 32; /* where the mantissa's lowest bit stands */
    memset(f, 0, sizeof *f);
    for (int i = 0; i < 53; i++, bit++)
        if (mantissa >> i & 1) f->word[bit / 32] |= (uint32_t)1 << bit % 32;
}

/* Divides the whole part by 10^9 and gives the rest. */
static uint32_t divide_whole(fixed *f, bool *more)
{
    uint64_t rest = 0;
    *more = false;
    for (int i = WHOLE_WORDS + FRACTION_WORDS - 1; i >= FRACTION_WORDS; i--) {
        rest = rest << 32 | f->word[i];
        f->word[i] = (uint32_t)(rest / 1000000000);
        rest %= 1000000000;
        if (f->word[i]) *more = true;
    }
    return (uint32_t)rest;
}

/* Multiplies the fraction by 10^9 and gives what came before the dot. */
static uint32_t multiply_fraction(fixed *f, bool *more)
{
    uint64_t carry = 0;
    *more = false;
    for (int i = 0; i < FRACTION_WORDS; i++) {
        carry += (uint64_t)f->word[i] * 1000000000;
        f->word[i] = (uint32_t)carry;
        carry >>= 32;
        if (f->word[i]) *more = true;
    }
    return (uint32_t)carry;
}

static void nine_digits(char *at, uint32_t value)
{
    for (int i = 8; i >= 0; i--, value /= 10) at[i] = (char)(value % 10);
}

static void drop_leading_zeros(digits *d)
{
    int zeros = 0;
    while (zeros < d->count && d->digit[zeros] == 0) zeros++;
    d->count -= zeros;
    d->point -= zeros;
    memmove(d->digit, d->digit + zeros, (size_t)d->count);
    if (d->count == 0) d->point = 0;
}

static void all_digits(digits *d, double value)
{
    fixed f;
    uint32_t groups[WHOLE_WORDS * 32 / 29 + 1];
    int group_count = 0;
    bool more = true;
    fixed_set(&f, value);
    while (more) groups[group_count++] = divide_whole(&f, &more);
    d->count = 0;
    while (group_count > 0) nine_digits(d->digit + d->count, groups[--group_count]), d->count += 9;
    d->point = d->count;
    for (more = true; more && d->count + 9 <= MOST_DIGITS; d->count += 9)
        nine_digits(d->digit + d->count, multiply_fraction(&f, &more));
    drop_leading_zeros(d);
}

/* Rounds to `keep` digits (which may be negative: then nothing stays), half to even. */
static void round_digits(digits *d, int keep)
{
    if (keep >= d->count) return;
    bool up = false;
    if (keep >= 0) {
        bool more = false;
        for (int i = keep + 1; i < d->count; i++) more = more || d->digit[i] != 0;
        bool odd = keep > 0 && d->digit[keep - 1] % 2 == 1;
        up = d->digit[keep] > 5 || (d->digit[keep] == 5 && (more || odd));
    }
    d->count = keep > 0 ? keep : 0;
    if (!up) return;
    int i = d->count - 1;
    while (i >= 0 && d->digit[i] == 9) d->digit[i--] = 0;
    if (i >= 0) {
        d->digit[i]++;
        return;
    }
    memmove(d->digit + 1, d->digit, (size_t)d->count);
    d->digit[0] = 1;
    d->point++;
    if (d->count == 0) d->count = 1;
}

static char digit_at(const digits *d, int i)
{
    return (char)('0' + (i >= 0 && i < d->count ? d->digit[i] : 0));
}

/* --- Reals ---------------------------------------------------------------------------------------------- */

static void put_dot(crpi_buf *body, const crpi_format_spec *spec, int decimals)
{
    if (decimals > 0 || spec->alternate) crpi_buf_byte(body, '.');
}

static void plain_form(crpi_buf *body, const crpi_format_spec *spec, const digits *d, int decimals)
{
    if (d->point <= 0) crpi_buf_byte(body, '0');
    for (int i = 0; i < d->point; i++) crpi_buf_byte(body, digit_at(d, i));
    put_dot(body, spec, decimals);
    for (int i = 0; i < decimals; i++) crpi_buf_byte(body, digit_at(d, d->point + i));
}

static void exponent_form(crpi_buf *body, const crpi_format_spec *spec, const digits *d, int decimals,
                          bool capital)
{
    crpi_buf_byte(body, digit_at(d, 0));
    put_dot(body, spec, decimals);
    for (int i = 1; i <= decimals; i++) crpi_buf_byte(body, digit_at(d, i));
    int exponent = d->count ? d->point - 1 : 0, size = exponent < 0 ? -exponent : exponent;
    crpi_buf_byte(body, capital ? 'E' : 'e');
    crpi_buf_byte(body, exponent < 0 ? '-' : '+');
    if (size >= 100) crpi_buf_byte(body, '0' + size / 100);
    crpi_buf_byte(body, '0' + size / 10 % 10);
    crpi_buf_byte(body, '0' + size % 10);
}

/* %g: as many digits as the precision says, in whichever form is shorter, without zeros at the end. */
static void short_form(crpi_buf *body, const crpi_format_spec *spec, digits *d, int precision, bool capital)
{
    if (precision == 0) precision = 1;
    round_digits(d, precision);
    int exponent = d->count ? d->point - 1 : 0, kept = d->count;
    while (kept > 0 && d->digit[kept - 1] == 0) kept--;
    bool plain = exponent >= -4 && exponent < precision;
    int decimals = plain ? precision - 1 - exponent : precision - 1;
    int needed = plain ? kept - d->point : kept - 1;
    if (!spec->alternate && decimals > needed) decimals = needed > 0 ? needed : 0;
    if (plain) plain_form(body, spec, d, decimals);
    else exponent_form(body, spec, d, decimals, capital);
}

static void put_finite(crpi_buf *body, const crpi_format_spec *spec, double value)
{
    digits d;
    int precision = spec->precision < 0 ? 6 : spec->precision;
    char form = (char)(spec->letter | 32);
    bool capital = spec->letter != form;
    all_digits(&d, value);
    if (form == 'g') {
        short_form(body, spec, &d, precision, capital);
    } else if (form == 'e') {
        round_digits(&d, precision + 1);
        exponent_form(body, spec, &d, precision, capital);
    } else {
        round_digits(&d, d.point + precision);
        plain_form(body, spec, &d, precision);
    }
}

void crpi_format_real(crpi_buf *out, const crpi_format_spec *spec, double value)
{
    bool negative = __builtin_signbit(value) && !__builtin_isnan(value), capital = spec->letter < 'a';
    crpi_buf body;
    crpi_buf_init(&body, out->mem, 0);
    if (__builtin_isnan(value)) crpi_buf_text(&body, capital ? "NAN" : "nan");
    else if (__builtin_isinf(value)) crpi_buf_text(&body, capital ? "INF" : "inf");
    else put_finite(&body, spec, __builtin_fabs(value));
    if (body.failed) out->failed = true;
    bool finite = __builtin_isfinite(value);
    put_field(out, spec, spec->zeros && finite, sign_of(spec, negative), body.bytes, body.length);
    crpi_buf_free(&body);
}
