/* Numbers to text and back, against the C library's conversions where those are right. */
#include "unit.h"
#include "number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x9e3779b97f4a7c15u;
}

static double from_bits(uint64_t u)
{
    double d;
    memcpy(&d, &u, 8);
    return d;
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static int significant(const char *text)
{
    int n = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9') continue;
        if (*text == '0') {
            zeros += n > 0;
            continue;
        }
        n += zeros + 1;
        zeros = 0;
    }
    return n;
}

/* Reads back as the same double, and no shorter text that printf makes does. */
static void expect_shortest(double d)
{
    char text[CRPI_REAL_TEXT + 1], other[64];
    double back;
    size_t n = crpi_real_text(d, text);
    ck_assert_uint_le(n, CRPI_REAL_TEXT);
    text[n] = 0;
    ck_assert_msg(same(strtod(text, NULL), d), "%a became %s", d, text);
    ck_assert_msg(crpi_parse_real(text, n, &back) && same(back, d), "%s became %a", text, back);
    ck_assert_msg(strpbrk(text, ".e"), "%s reads as an Integer", text);
    if (d == 0) return;
    for (int digits = 0; digits < significant(text) - 1; digits++) {
        snprintf(other, sizeof other, "%.*e", digits, d);
        ck_assert_msg(!same(strtod(other, NULL), d), "%s is shorter than %s", other, text);
    }
    snprintf(other, sizeof other, "%.*e", significant(text) - 1, d);
    if (same(strtod(other, NULL), d)) ck_assert_int_eq(significant(other), significant(text));
}

static void expect_text(double d, const char *text)
{
    char out[CRPI_REAL_TEXT + 1];
    out[crpi_real_text(d, out)] = 0;
    ck_assert_str_eq(out, text);
}

static void expect_read(const char *text)
{
    double d = -1, right = strtod(text, NULL);
    ck_assert_msg(crpi_parse_real(text, strlen(text), &d), "%.80s", text);
    ck_assert_msg(same(d, right), "%.80s became %a, not %a", text, d, right);
}

START_TEST(integers_become_text)
{
    static const struct {
        int64_t i;
        const char *text;
    } rows[] = {{0, "0"},
                {-1, "-1"},
                {42, "42"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[CRPI_INTEGER_TEXT + 1];
        out[crpi_integer_text(rows[i].i, out)] = 0;
        ck_assert_str_eq(out, rows[i].text);
    }
}
END_TEST

static int64_t integer_of(const char *text)
{
    int64_t i = -77;
    bool overflow = true;
    ck_assert_msg(crpi_parse_integer(text, strlen(text), &i, &overflow), "%s", text);
    ck_assert(!overflow);
    return i;
}

START_TEST(integers_are_read)
{
    ck_assert_int_eq(integer_of("0"), 0);
    ck_assert_int_eq(integer_of("+12"), 12);
    ck_assert_int_eq(integer_of("-0012"), -12);
    ck_assert_int_eq(integer_of("0x1F"), 31);
    ck_assert_int_eq(integer_of("-0Xff"), -255);
    ck_assert_int_eq(integer_of("9223372036854775807"), INT64_MAX);
    ck_assert_int_eq(integer_of("-9223372036854775808"), INT64_MIN);
    ck_assert_int_eq(integer_of("0x7fffffffffffffff"), INT64_MAX);
    ck_assert_int_eq(integer_of("-0x8000000000000000"), INT64_MIN);
    ck_assert_int_eq(integer_of("0000000000000000000000000000000000000007"), 7);
}
END_TEST

START_TEST(what_is_no_integer_is_refused)
{
    static const char *const wrong[] = {"",   "-",   "+",   "1.0", "1e3", " 1", "1 ",
                                        "0x", "-0x", "0xg", "1a",  "--1", "x",  "1_000"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t value;
        bool overflow = true;
        ck_assert_msg(!crpi_parse_integer(wrong[i], strlen(wrong[i]), &value, &overflow), "%s", wrong[i]);
        ck_assert_msg(!overflow, "%s", wrong[i]);
    }
}
END_TEST

START_TEST(integers_past_64_bits_are_told_apart)
{
    static const char *const large[] = {"9223372036854775808",        "-9223372036854775809",
                                        "0x8000000000000000",         "-0x8000000000000001",
                                        "99999999999999999999999999", "18446744073709551616"};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        int64_t value;
        bool overflow = false;
        ck_assert_msg(!crpi_parse_integer(large[i], strlen(large[i]), &value, &overflow), "%s", large[i]);
        ck_assert_msg(overflow, "%s", large[i]);
    }
}
END_TEST

START_TEST(reals_have_one_form)
{
    expect_text(33, "33.0");
    expect_text(0.1, "0.1");
    expect_text(-2.5, "-2.5");
    expect_text(0.0, "0.0");
    expect_text(-0.0, "-0.0");
    expect_text(1e100, "1e+100");
    expect_text(1.5e-7, "1.5e-7");
    expect_text(0.0001, "0.0001");
    expect_text(0.00001, "1e-5");
    expect_text(1e15, "1000000000000000.0");
    expect_text(1e16, "1e+16");
    expect_text(1234567890123456.0, "1234567890123456.0");
    expect_text(100, "100.0");
    expect_text(5e-324, "5e-324");
    expect_text(DBL_MAX, "1.7976931348623157e+308");
    expect_text(DBL_MIN, "2.2250738585072014e-308");
    expect_text(1.0 / 3, "0.3333333333333333");
    expect_text(0.1 + 0.2, "0.30000000000000004");
    expect_text(INFINITY, "inf");
    expect_text(-INFINITY, "-inf");
    expect_text(NAN, "nan");
}
END_TEST

START_TEST(every_real_reads_back)
{
    for (int i = 0; i < 3000; i++) {
        uint64_t u = next_random();
        if ((u >> 52 & 0x7ff) != 0x7ff) expect_shortest(from_bits(u));
        expect_shortest(from_bits((u & 0x800fffffffffffffu) >> next_random() % 50));
        expect_shortest((double)(int64_t)(u >> 24) / (double)(1 + next_random() % 100000));
    }
}
END_TEST

START_TEST(powers_of_two_and_their_neighbours_read_back)
{
    for (int e = -1074; e < 1024; e++) {
        expect_shortest(ldexp(1, e));
        expect_shortest(nextafter(ldexp(1, e), 0));
        expect_shortest(nextafter(ldexp(1, e), INFINITY));
    }
}
END_TEST

START_TEST(powers_of_ten_read_back)
{
    for (int e = -330; e < 320; e++) {
        char text[32];
        snprintf(text, sizeof text, "1e%d", e);
        expect_read(text);
        snprintf(text, sizeof text, "9.999999999999999%de+%d", e & 7, e < 0 ? -e : e);
        expect_read(text);
    }
}
END_TEST

START_TEST(reals_are_read)
{
    static const char *const right[] = {
        "33", "33.0", "-2.5", "+1.5", "1e9", "1E9", "1e+9", "1.25e-3", "0", "-0", "-0.0", "00.10", "1e400",
        "-1e400", "1e-400", "0e999999999999999999999", "1e99999999999999999999", "1e-99999999999999999999",
        "9007199254740993", "2.2250738585072011e-308", "2.4703282292062327e-324", "2.4703282292062328e-324",
        "1.7976931348623158e308", "1.7976931348623159e308", "179769313486231580793728971405301e276"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) expect_read(right[i]);
}
END_TEST

START_TEST(what_is_no_real_is_refused)
{
    static const char *const wrong[] = {"",      "-",   ".",     ".5",  "5.", "1e",  "1e+",
                                        "1.e5",  "e5",  "1.5.2", " 1",  "1 ", "inf", "nan",
                                        "0x1p3", "1,5", "1e5.0", "--1", "1_0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        double d;
        ck_assert_msg(!crpi_parse_real(wrong[i], strlen(wrong[i]), &d), "%s", wrong[i]);
    }
}
END_TEST

START_TEST(random_texts_are_rounded_correctly)
{
    for (int i = 0; i < 3000; i++) {
        char text[80];
        unsigned long long whole = next_random() >> next_random() % 60,
                           part = next_random() >> next_random() % 60;
        snprintf(text, sizeof text, "%llu.%llue%d", whole, part, (int)(next_random() % 700) - 350);
        expect_read(text);
    }
}
END_TEST

/* Texts that lie just on the middle between two doubles, and a digit far away above or below it. */
START_TEST(midpoints_are_rounded_to_even)
{
    static char text[2400];
    if (LDBL_MANT_DIG < 64) return;
    for (int i = 0; i < 300; i++) {
        uint64_t u = next_random() & (i & 1 ? 0x001fffffffffffffu : 0x7fdfffffffffffffu);
        double d = from_bits(u);
        long double middle = ((long double)d + nextafter(d, INFINITY)) / 2;
        snprintf(text, sizeof text, "%.1100Lf", middle);
        size_t n = strlen(text), last;
        expect_read(text);
        strcpy(text + n, "0000000001");
        expect_read(text);
        for (last = n - 1; text[last] == '0'; last--) continue;
        if (text[last] == '.') continue;
        text[last]--;
        strcpy(text + last + 1, "99999999999999999999");
        expect_read(text);
    }
}
END_TEST

/* Where the 128 bits leave a doubt: an integer between two doubles is a midpoint to the last bit. */
START_TEST(integers_of_16_to_20_digits_are_read_and_written)
{
    for (int i = 0; i < 3000; i++) {
        char text[64];
        unsigned long long u = next_random() >> next_random() % 12;
        snprintf(text, sizeof text, "%llu", u);
        expect_read(text);
        expect_shortest((double)u);
        u = (next_random() >> 11 | (uint64_t)1 << 52) * 2 + 1; /* a midpoint */
        for (int shift = 0; shift < 10; shift++) {
            snprintf(text, sizeof text, "%llu", u << shift);
            expect_read(text);
            snprintf(text, sizeof text, "%llu.0", u << shift);
            expect_read(text);
            expect_shortest((double)(u << shift));
        }
    }
}
END_TEST

START_TEST(a_million_digits_are_read)
{
    size_t n = 1000000;
    char *text = malloc(n + 64);
    double d;
    memset(text, '7', n);
    text[1] = '.';
    ck_assert(crpi_parse_real(text, n, &d) && d == 70.0 / 9);
    memset(text + 2, '0', n - 2);
    text[0] = '0';
    strcpy(text + n, "25e1000000");
    ck_assert(crpi_parse_real(text, strlen(text), &d) && d == 25);
    memset(text, '0', n);
    text[0] = '3';
    strcpy(text + n, "e-999999");
    ck_assert(crpi_parse_real(text, strlen(text), &d) && d == 3);
    /* 2^53 + 1 is a midpoint; the one at the very end decides */
    memset(text, '0', n);
    memcpy(text, "9007199254740993.", 17);
    ck_assert(crpi_parse_real(text, n, &d) && d == 9007199254740992.0);
    text[n - 1] = '1';
    ck_assert(crpi_parse_real(text, n, &d) && d == 9007199254740994.0);
    free(text);
}
END_TEST

UNIT_MAIN("number", integers_become_text, integers_are_read, what_is_no_integer_is_refused,
          integers_past_64_bits_are_told_apart, reals_have_one_form, every_real_reads_back,
          powers_of_two_and_their_neighbours_read_back, powers_of_ten_read_back, reals_are_read,
          what_is_no_real_is_refused, random_texts_are_rounded_correctly, midpoints_are_rounded_to_even,
          integers_of_16_to_20_digits_are_read_and_written, a_million_digits_are_read)
