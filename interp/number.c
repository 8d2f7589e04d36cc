/* Numbers to text and back.
 *
 * A double is m * 2^e exactly, and a decimal text is d * 10^k exactly; both directions are questions about
 * which of two such products is greater.  Nearly all are settled by a product of 64 and 128 bits whose
 * error is known: it leaves a doubt once in 2^60 times.  The doubtful ones are left to integers of a few
 * thousand bits on the C stack, which are slow but plainly right.  A text of a million digits costs no
 * more than reading it: past the digits that can matter only "there was another one" is remembered.
 */
#include "number.h"

#include <float.h>
#include <string.h>

enum {
    /* No double and no midpoint of two needs more significant digits than 767. */
    SIGNIFICANT = 770,
    /* The longest number here is 770 digits, or 10^1100, shifted by up to 64 + 32 bits. */
    LIMBS = 128,
    MANTISSA_BITS = 52,
    LOWEST_EXPONENT = -1074,
    MAX_EXACT_POWER = 22,
    SHORT_DIGITS = 15,
    LEADING_DIGITS = 19, /* fit 64 bits */
    POWER_STEP = 28,
    LOWEST_POWER = -13 * POWER_STEP,
    DOUBT = 16 /* more than the error of any product below, in units of its last bit */
};

static const double exact_powers[MAX_EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* --- integers of any length the work here needs --------------------------------------------------------- */

/* Least significant limb first; the last of `count` limbs is not zero. */
typedef struct big {
    int count;
    uint32_t limb[LIMBS];
} big;

static void big_set(big *b, uint64_t u)
{
    b->count = 0;
    for (; u; u >>= 32) b->limb[b->count++] = (uint32_t)u;
}

/* b = b * factor + more */
static void big_multiply_add(big *b, uint32_t factor, uint32_t more)
{
    uint64_t carry = more;
    for (int i = 0; i < b->count; i++) {
        carry += (uint64_t)b->limb[i] * factor;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) b->limb[b->count++] = (uint32_t)carry;
}

static void big_multiply_power_of_ten(big *b, int power)
{
    for (; power >= 9; power -= 9) big_multiply_add(b, 1000000000, 0);
    for (; power > 0; power--) big_multiply_add(b, 10, 0);
}

static void big_shift_left(big *b, int bits)
{
    int whole = bits / 32, part = bits % 32;
    if (b->count == 0) return;
    if (part) big_multiply_add(b, (uint32_t)1 << part, 0);
    if (whole == 0) return;
    memmove(b->limb + whole, b->limb, (size_t)b->count * sizeof *b->limb);
    memset(b->limb, 0, (size_t)whole * sizeof *b->limb);
    b->count += whole;
}

static int big_bits(const big *b)
{
    return b->count ? b->count * 32 - __builtin_clz(b->limb[b->count - 1]) : 0;
}

static int big_compare(const big *a, const big *b)
{
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (int i = a->count; i-- > 0;)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static void big_add(big *a, const big *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < a->count || i < b->count || carry; i++) {
        carry += (i < a->count ? (uint64_t)a->limb[i] : 0) + (i < b->count ? b->limb[i] : 0);
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
        if (i >= a->count) a->count = i + 1;
    }
}

/* a = a - b * factor, which must not be negative */
static void big_subtract(big *a, const big *b, uint32_t factor)
{
    uint64_t borrow = 0;
    for (int i = 0; i < a->count; i++) {
        borrow += i < b->count ? (uint64_t)b->limb[i] * factor : 0;
        uint32_t low = (uint32_t)borrow;
        borrow = (borrow >> 32) + (a->limb[i] < low);
        a->limb[i] -= low;
    }
    while (a->count && a->limb[a->count - 1] == 0) a->count--;
}

/* The quotient, below 2^16, leaving the remainder in `a`.  The divisor's highest limb must have its
 * highest bit set: the guess from the highest limbs is then at most two too small. */
static uint32_t big_divide(big *a, const big *b)
{
    int top = b->count - 1;
    if (a->count <= top) return 0;
    uint64_t high = a->limb[top] | (a->count > top + 1 ? (uint64_t)a->limb[top + 1] << 32 : 0);
    uint32_t quotient = (uint32_t)(high / ((uint64_t)b->limb[top] + 1));
    if (quotient) big_subtract(a, b, quotient);
    for (; big_compare(a, b) >= 0; quotient++) big_subtract(a, b, 1);
    return quotient;
}

/* --- integers ------------------------------------------------------------------------------------------- */

size_t crpi_integer_text(int64_t i, char out[CRPI_INTEGER_TEXT])
{
    char text[CRPI_INTEGER_TEXT];
    size_t at = sizeof text;
    uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i;
    do text[--at] = (char)('0' + u % 10);
    while (u /= 10);
    if (i < 0) text[--at] = '-';
    memcpy(out, text + at, sizeof text - at);
    return sizeof text - at;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

bool crpi_parse_integer(const char *text, size_t n, int64_t *out, bool *overflow)
{
    size_t at = n && (*text == '-' || *text == '+');
    bool negative = at && *text == '-', too_big = false;
    unsigned base = 10;
    uint64_t u = 0, most = negative ? (uint64_t)1 << 63 : INT64_MAX;
    if (n - at > 2 && text[at] == '0' && (text[at + 1] | 0x20) == 'x') {
        base = 16;
        at += 2;
    }
    *overflow = false;
    if (at == n) return false;
    for (; at < n; at++) {
        unsigned digit = (unsigned)digit_value(text[at]);
        if (digit >= base) return false;
        if (u > (most - digit) / base) too_big = true;
        else u = u * base + digit;
    }
    *overflow = too_big;
    if (too_big) return false;
    *out = (int64_t)(negative ? -u : u);
    return true;
}

/* --- doubles taken apart and put together --------------------------------------------------------------- */

typedef struct parts {
    uint64_t mantissa; /* the double is mantissa * 2^exponent */
    int exponent;
    bool lowest; /* the mantissa is a power of two: the double below is half as far as the one above */
} parts;

static parts take_apart(double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    uint64_t fraction = u & (((uint64_t)1 << MANTISSA_BITS) - 1);
    int biased = (int)(u >> MANTISSA_BITS & 0x7FF);
    if (biased == 0) return (parts){fraction, LOWEST_EXPONENT, false};
    return (parts){fraction | (uint64_t)1 << MANTISSA_BITS, LOWEST_EXPONENT - 1 + biased,
                   fraction == 0 && biased > 1};
}

static double infinity(void)
{
    uint64_t u = (uint64_t)0x7FF << MANTISSA_BITS;
    double d;
    memcpy(&d, &u, 8);
    return d;
}

/* u * 2^exponent, and a little more if `more`, rounded half to even.  The highest bit of u is set. */
static double put_together(uint64_t u, int exponent, bool more)
{
    int drop = 63 - MANTISSA_BITS;
    if (exponent + drop < LOWEST_EXPONENT) drop = LOWEST_EXPONENT - exponent;
    if (drop > 64) return 0;
    uint64_t kept = drop < 64 ? u >> drop : 0, half = (uint64_t)1 << (drop - 1);
    uint64_t rest = u & (half | (half - 1));
    if (rest > half || (rest == half && (more || (kept & 1)))) kept++;
    uint64_t biased = (uint64_t)(exponent + drop - LOWEST_EXPONENT);
    /* A mantissa's highest bit counts the exponent up by one. */
    uint64_t bits = kept + (biased << MANTISSA_BITS);
    if (bits >= (uint64_t)0x7FF << MANTISSA_BITS) return infinity();
    double d;
    memcpy(&d, &bits, 8);
    return d;
}

/* --- powers of ten in 128 bits -------------------------------------------------------------------------- */

typedef struct wide {
    uint64_t high, low;
} wide;

/* 10^-364, 10^-336, ... 10^336, cut off after 128 bits. */
static const wide steps[] = {
    {0xe1afa13afbd14d6d, 0x82189c09a3a1ec21}, {0xe3e27a444d8d98b7, 0xfd1b1b2308169b25},
    {0xe61acf033d1a45df, 0x6fb92487298e33bd}, {0xe858ad248f5c22c9, 0xd1b3400f8f9cff68},
    {0xea9c227723ee8bcb, 0x465e15a979c1cadc}, {0xece53cec4a314ebd, 0xa4f8bf5635246428},
    {0xef340a98172aace4, 0x86fb897116c87c34}, {0xf18899b1bc3f8ca1, 0xdc44e6c3cb279ac1},
    {0xf3e2f893dec3f126, 0x5a89dba3c3efccfa}, {0xf64335bcf065d37d, 0x4d4617b5ff4a16d5},
    {0xf8a95fcf88747d94, 0x75a44c6397ce912a}, {0xfb158592be068d2e, 0xeed6e2f0f0d56712},
    {0xfd87b5f28300ca0d, 0x8bca9d6e188853fc}, {0x8000000000000000, 0x0000000000000000},
    {0x813f3978f8940984, 0x4000000000000000}, {0x82818f1281ed449f, 0xbff8f10e7a8921a4},
    {0x83c7088e1aab65db, 0x792667c6da79e0fa}, {0x850fadc09923329e, 0x03e2cf6bc604ddb0},
    {0x865b86925b9bc5c2, 0x0b8a2392ba45a9b2}, {0x87aa9aff79042286, 0x90fb44d2f05d0842},
    {0x88fcf317f22241e2, 0x441fece3bdf81f03}, {0x8a5296ffe33cc92f, 0x82bd6b70d99aaa6f},
    {0x8bab8eefb6409c1a, 0x1ad089b6c2f7548e}, {0x8d07e33455637eb2, 0xdb0b487b6423e1e8},
    {0x8e679c2f5e44ff8f, 0x570f09eaa7ea7648}, {0x8fcac257558ee4e6, 0x213a4f0aa5e8a7b1}};

static wide product(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 both;
    both p = (both)a * b;
    return (wide){(uint64_t)(p >> 64), (uint64_t)p};
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
    return (wide){a1 * b1 + (middle >> 32) + (other >> 32), a * b};
#endif
}

static wide wide_add(wide a, wide b)
{
    wide sum = {a.high + b.high, a.low + b.low};
    sum.high += sum.low < b.low;
    return sum;
}

static wide wide_subtract(wide a, wide b) { return (wide){a.high - b.high - (a.low < b.low), a.low - b.low}; }

static wide wide_shift_right(wide w, int bits)
{
    if (bits >= 64) return (wide){0, bits == 64 ? w.high : w.high >> (bits - 64)};
    return bits ? (wide){w.high >> bits, w.high << (64 - bits) | w.low >> bits} : w;
}

static wide wide_double(wide w) { return (wide){w.high << 1 | w.low >> 63, w.low << 1}; }

/* The product of 128 and 64 bits over 2^64, cut off. */
static wide times(wide a, uint64_t b)
{
    return wide_add(product(a.high, b), (wide){0, product(a.low, b).high});
}

/* 10^power is the result times 2^*exponent; the highest bit is set, and less than 4 is missing. */
static wide power_of_ten(int power, int *exponent)
{
    uint64_t five = 1;
    int rest = (power - LOWEST_POWER) % POWER_STEP;
    for (int i = 0; i < rest; i++) five *= 5;
    wide w = times(steps[(power - LOWEST_POWER) / POWER_STEP], five << __builtin_clzll(five));
    *exponent = (217706 * power >> 16) - 127; /* floor(power * log2(10)) - 127, for all powers here */
    return w.high >> 63 ? w : wide_double(w);
}

/* --- text to double ------------------------------------------------------------------------------------- */

/* The value is the digits, read as an integer, times 10^exponent; no leading zeros, at most SIGNIFICANT. */
typedef struct decimal {
    bool negative;
    int count;
    int64_t exponent;
    uint64_t leading; /* the first LEADING_DIGITS as a number */
    char digits[SIGNIFICANT + 1];
} decimal;

static void take_digit(decimal *d, char c, bool after_dot)
{
    if (after_dot) d->exponent--;
    if (d->count == 0 && c == '0') return;
    if (d->count < LEADING_DIGITS) d->leading = d->leading * 10 + (uint64_t)(c - '0');
    if (d->count < SIGNIFICANT) {
        d->digits[d->count++] = c;
        return;
    }
    d->exponent++;
    if (c != '0') d->digits[SIGNIFICANT - 1] |= 1; /* odd is enough: it keeps off every midpoint */
}

static size_t take_run(decimal *d, const char *text, size_t n, bool after_dot)
{
    size_t i = 0;
    for (; i < n && text[i] >= '0' && text[i] <= '9'; i++) take_digit(d, text[i], after_dot);
    return i;
}

/* An exponent stops growing where no text that fits into memory could bring it back. */
static size_t take_exponent(decimal *d, const char *text, size_t n)
{
    const int64_t enough = (int64_t)1 << 60;
    size_t sign = n && (*text == '-' || *text == '+'), i = sign;
    int64_t e = 0;
    for (; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        if (e < enough / 10) e = e * 10 + (text[i] - '0');
    d->exponent += sign && *text == '-' ? -e : e;
    return i - sign;
}

static bool take_decimal(decimal *d, const char *text, size_t n)
{
    size_t at = n && (*text == '-' || *text == '+'), run;
    d->negative = at && *text == '-';
    d->count = 0;
    d->exponent = 0;
    d->leading = 0;
    run = take_run(d, text + at, n - at, false);
    if (run == 0) return false;
    at += run;
    if (at < n && text[at] == '.') {
        run = take_run(d, text + at + 1, n - at - 1, true);
        if (run == 0) return false;
        at += 1 + run;
    }
    if (at < n && (text[at] | 0x20) == 'e') {
        at++;
        run = take_exponent(d, text + at, n - at);
        if (run == 0) return false;
        at += run + (text[at] == '-' || text[at] == '+');
    }
    return at == n;
}

/* Digits and power of ten that are both exact as doubles: their product or quotient is correctly rounded. */
static bool short_decimal(const decimal *d, double *out)
{
    if (FLT_EVAL_METHOD != 0 || d->count > SHORT_DIGITS) return false;
    uint64_t u = d->leading;
    int64_t power = d->exponent;
    for (int i = d->count; power > MAX_EXACT_POWER && i < SHORT_DIGITS; i++, power--) u *= 10;
    if (power < -MAX_EXACT_POWER || power > MAX_EXACT_POWER) return false;
    *out = power < 0 ? (double)u / exact_powers[-power] : (double)u * exact_powers[power];
    return true;
}

/* All of the digits times a power of ten in 128 bits.  False: what is missing there could matter. */
static bool near_decimal(const decimal *d, double *out)
{
    int exponent;
    if (d->count == 0 || d->count > LEADING_DIGITS || d->exponent < -350 || d->exponent > 310) return false;
    int up = __builtin_clzll(d->leading);
    wide w = times(power_of_ten((int)d->exponent, &exponent), d->leading << up);
    bool lower = !(w.high >> 63);
    if (lower) w = wide_double(w);
    if (w.low < DOUBT || w.low > UINT64_MAX - DOUBT) return false;
    *out = put_together(w.high, exponent + 128 - up - lower, true);
    return true;
}

/* The quotient's highest 64 bits, 16 at a time; what is left over says if there is more. */
static double divided(big *a, big *b)
{
    int normal = (32 - big_bits(b) % 32) % 32;
    big_shift_left(a, normal);
    big_shift_left(b, normal);
    /* Shift so that the quotient of the first round has 15 or 16 bits. */
    int shift = 15 - (big_bits(a) - big_bits(b));
    if (shift > 0) {
        big_shift_left(a, shift);
    } else if (shift < 0) {
        big_shift_left(b, -shift + (32 + shift % 32) % 32);
        big_shift_left(a, (32 + shift % 32) % 32);
    }
    uint64_t u = big_divide(a, b);
    int exponent = -shift;
    for (int i = 0; i < 3; i++, exponent -= 16) {
        big_shift_left(a, 16);
        u = u << 16 | big_divide(a, b);
    }
    int up = __builtin_clzll(u);
    if (up && a->count) {
        big_shift_left(a, up);
        u = u << up | big_divide(a, b);
    } else {
        u <<= up;
    }
    return put_together(u, exponent - up, a->count != 0);
}

/* Nine digits at a time. */
static void big_set_digits(big *b, const decimal *d)
{
    big_set(b, 0);
    for (int i = 0; i < d->count;) {
        uint32_t factor = 1, more = 0;
        for (; i < d->count && factor < 1000000000; i++, factor *= 10)
            more = more * 10 + (uint32_t)(d->digits[i] - '0');
        big_multiply_add(b, factor, more);
    }
}

static double long_decimal(const decimal *d)
{
    big a, b;
    if (d->count == 0 || d->exponent + d->count < -330) return 0;
    if (d->exponent + d->count > 310) return infinity();
    big_set_digits(&a, d);
    big_set(&b, 1);
    big_multiply_power_of_ten(d->exponent < 0 ? &b : &a, (int)(d->exponent < 0 ? -d->exponent : d->exponent));
    return divided(&a, &b);
}

bool crpi_parse_real(const char *text, size_t n, double *out)
{
    decimal d;
    double value;
    if (!take_decimal(&d, text, n)) return false;
    if (!short_decimal(&d, &value) && !near_decimal(&d, &value)) value = long_decimal(&d);
    *out = d.negative ? -value : value;
    return true;
}

/* --- double to text ------------------------------------------------------------------------------------- */

/* The shortest digits d1 d2 ... with 0.d1d2... * 10^point nearest to the double. */
typedef struct shortest {
    int count, point;
    char digits[24];
} shortest;

static void set_digits(shortest *s, uint64_t u, int decimals)
{
    char text[CRPI_INTEGER_TEXT];
    s->count = (int)crpi_integer_text((int64_t)u, text);
    s->point = s->count - decimals;
    while (s->count > 1 && text[s->count - 1] == '0') s->count--;
    memcpy(s->digits, text, (size_t)s->count);
}

/* Integers of at most 15 digits: no shorter text reads as the same double. */
static bool integral_digits(double d, shortest *s)
{
    if (FLT_EVAL_METHOD != 0 || d >= 1e15 || (double)(int64_t)d != d) return false;
    set_digits(s, (uint64_t)d, 0);
    return true;
}

/* The double times 10^decimals, where that has 17 or 18 digits before the point, and the distances to the
 * midpoints between it and its neighbours; all with 64 bits of fraction. */
typedef struct fixed {
    wide value, below, above;
    int decimals;
} fixed;

static fixed fix(parts p)
{
    int up = __builtin_clzll(p.mantissa), exponent;
    int decimals = 16 - ((63 - up + p.exponent) * 1233 >> 12); /* times log10(2), rounded down */
    wide ten = power_of_ten(decimals, &exponent);
    wide above = wide_shift_right(ten, -(exponent + p.exponent + 63));
    wide value = times(ten, p.mantissa << up);
    return (fixed){.value = wide_shift_right(value, -(128 + exponent + p.exponent - up)),
                   .below = p.lowest ? wide_shift_right(above, 1) : above,
                   .above = above,
                   .decimals = decimals};
}

static bool is_doubtful(uint64_t fraction) { return fraction < DOUBT || fraction > UINT64_MAX - DOUBT; }

/* Rounds value / unit to the nearer integer; false: it could be either. */
static bool nearest(wide value, uint64_t unit, uint64_t *out)
{
    uint64_t rest = value.high % unit, half = unit / 2;
    *out = value.high / unit;
    if (unit == 1) {
        *out += value.low >> 63;
        return !is_doubtful(value.low ^ (uint64_t)1 << 63);
    }
    *out += rest >= half;
    return (rest != half && rest + 1 != half) || !is_doubtful(value.low);
}

/* Of the integers between the two midpoints those with the most zeros at their end, and of them the nearest.
 * False: what is missing in 128 bits could matter. */
static bool near_digits(double d, shortest *s)
{
    fixed f = fix(take_apart(d));
    wide low = wide_subtract(f.value, f.below), high = wide_add(f.value, f.above);
    if (is_doubtful(low.low) || is_doubtful(high.low)) return false;
    uint64_t least = low.high + 1, most = high.high, unit = 1, u;
    int zeros = 0;
    for (; most / 10 >= (least + 9) / 10; zeros++, unit *= 10) {
        most /= 10;
        least = (least + 9) / 10;
    }
    if (!nearest(f.value, unit, &u)) return false;
    set_digits(s, u < least ? least : u > most ? most : u, f.decimals - zeros);
    return true;
}

/* value / scale is the double over 10^point; below / scale and above / scale are the distances to the
 * midpoints between it and its neighbours. */
typedef struct scaled {
    big value, scale, below, above;
    bool inclusive; /* a midpoint itself reads as this double: its mantissa is even */
} scaled;

static int compare_sum(const big *a, const big *more, const big *b)
{
    big sum = *a;
    big_add(&sum, more);
    return big_compare(&sum, b);
}

static bool reaches_scale(const scaled *s)
{
    int order = compare_sum(&s->value, &s->above, &s->scale);
    return order > 0 || (order == 0 && s->inclusive);
}

/* Sets up value and distances for the power of ten `point`, which may be too small; returns the right one. */
static int scale_up(scaled *s, parts p, int point)
{
    int twos = p.exponent > 0 ? p.exponent : 0;
    big_set(&s->value, p.mantissa);
    big_shift_left(&s->value, twos + 1 + p.lowest);
    big_set(&s->below, 1);
    big_shift_left(&s->below, twos);
    s->above = s->below;
    if (p.lowest) big_shift_left(&s->above, 1);
    big_set(&s->scale, 1);
    big_shift_left(&s->scale, 1 + p.lowest + (p.exponent < 0 ? -p.exponent : 0));
    if (point > 0) {
        big_multiply_power_of_ten(&s->scale, point);
    } else {
        big_multiply_power_of_ten(&s->value, -point);
        big_multiply_power_of_ten(&s->below, -point);
        big_multiply_power_of_ten(&s->above, -point);
    }
    s->inclusive = (p.mantissa & 1) == 0;
    for (; reaches_scale(s); point++) big_multiply_add(&s->scale, 10, 0);
    return point;
}

/* So that big_divide may be used. */
static void normalise(scaled *s)
{
    int up = (32 - big_bits(&s->scale) % 32) % 32;
    big_shift_left(&s->value, up);
    big_shift_left(&s->below, up);
    big_shift_left(&s->above, up);
    big_shift_left(&s->scale, up);
}

static void next_decimal(scaled *s)
{
    big_multiply_add(&s->value, 10, 0);
    big_multiply_add(&s->below, 10, 0);
    big_multiply_add(&s->above, 10, 0);
}

/* One digit after the other until what is left is within the distance to a neighbour's midpoint; the last
 * digit is then the nearer of two. */
static void many_digits(double d, shortest *s)
{
    parts p = take_apart(d);
    scaled z;
    int twos = 63 - __builtin_clzll(p.mantissa) + p.exponent; /* 2^twos <= d; times log10(2), from below */
    s->point = scale_up(&z, p, twos < 0 ? -(-twos * 1234 / 4096) : twos * 1233 / 4096 + 1);
    normalise(&z);
    s->count = 0;
    for (;;) {
        next_decimal(&z);
        uint32_t digit = big_divide(&z.value, &z.scale);
        int low = big_compare(&z.value, &z.below);
        bool near_low = low < 0 || (low == 0 && z.inclusive), near_high = reaches_scale(&z);
        if (near_low || near_high) {
            int half = compare_sum(&z.value, &z.value, &z.scale);
            bool up = near_low && near_high ? half > 0 || (half == 0 && (digit & 1)) : near_high;
            s->digits[s->count++] = (char)('0' + digit + up);
            return;
        }
        s->digits[s->count++] = (char)('0' + digit);
    }
}

static char *put(char *at, const void *text, size_t n)
{
    memcpy(at, text, n);
    return at + n;
}

static char *put_zeros(char *at, int n)
{
    while (n-- > 0) *at++ = '0';
    return at;
}

static char *put_exponent_form(char *at, const shortest *s)
{
    at = put(at, s->digits, 1);
    if (s->count > 1) {
        *at++ = '.';
        at = put(at, s->digits + 1, (size_t)s->count - 1);
    }
    at = put(at, s->point > 0 ? "e+" : "e-", 2);
    return at + crpi_integer_text(s->point > 0 ? s->point - 1 : 1 - s->point, at);
}

/* Positional from 0.0001 to below 10^16, with an exponent outside. */
static char *put_digits(char *at, const shortest *s)
{
    if (s->point < -3 || s->point > 16) return put_exponent_form(at, s);
    int whole = s->point <= 0 ? 0 : s->point < s->count ? s->point : s->count;
    at = whole ? put(at, s->digits, (size_t)whole) : put(at, "0", 1);
    at = put_zeros(at, whole ? s->point - whole : 0);
    *at++ = '.';
    if (whole == s->count) return put(at, "0", 1);
    at = put_zeros(at, s->point < 0 ? -s->point : 0);
    return put(at, s->digits + whole, (size_t)(s->count - whole));
}

size_t crpi_real_text(double d, char out[CRPI_REAL_TEXT])
{
    char *at = out;
    shortest s;
    if (d != d) return (size_t)(put(at, "nan", 3) - out);
    if (__builtin_signbit(d)) {
        *at++ = '-';
        d = -d;
    }
    if (d == infinity()) return (size_t)(put(at, "inf", 3) - out);
    if (d == 0) set_digits(&s, 0, 0);
    else if (!integral_digits(d, &s) && !near_digits(d, &s)) many_digits(d, &s);
    return (size_t)(put_digits(at, &s) - out);
}
