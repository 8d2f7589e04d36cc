/* Numbers and text laid out as C's printf would, and the exactness of Reals. */
#include "unit.h"
#include "format.h"

#include <math.h>
#include <string.h>

static crpi_mem mem;

static const char *finish(crpi_buf *b)
{
    static char text[2000];
    ck_assert(!b->failed && b->length < sizeof text);
    if (b->length) memcpy(text, b->bytes, b->length);
    text[b->length] = 0;
    crpi_buf_free(b);
    ck_assert_uint_eq(mem.used, 0);
    return text;
}

static crpi_format_spec parsed(const char *spec)
{
    crpi_format_spec s;
    const char *end = spec + strlen(spec);
    ck_assert_ptr_eq(crpi_format_parse(spec + 1, end, &s), end);
    return s;
}

static const char *integer(const char *spec, int64_t i)
{
    crpi_format_spec s = parsed(spec);
    crpi_buf b;
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&b, &mem, 0);
    crpi_format_integer(&b, &s, i);
    return finish(&b);
}

static const char *real(const char *spec, double d)
{
    crpi_format_spec s = parsed(spec);
    crpi_buf b;
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&b, &mem, 0);
    crpi_format_real(&b, &s, d);
    return finish(&b);
}

static const char *text(const char *spec, const char *t)
{
    crpi_format_spec s = parsed(spec);
    crpi_buf b;
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&b, &mem, 0);
    crpi_format_text(&b, &s, t, strlen(t));
    return finish(&b);
}

START_TEST(integers_take_width_zeros_and_sign)
{
    ck_assert_str_eq(integer("%d", INT64_MIN), "-9223372036854775808");
    ck_assert_str_eq(integer("%5d", 42), "   42");
    ck_assert_str_eq(integer("%-5d", 42), "42   ");
    ck_assert_str_eq(integer("%05d", -42), "-0042");
    ck_assert_str_eq(integer("%+d", 42), "+42");
    ck_assert_str_eq(integer("%8.3d", -7), "    -007");
    ck_assert_str_eq(integer("%.0d", 0), "");
}
END_TEST

START_TEST(hexadecimal_and_octal_see_the_64_bits)
{
    ck_assert_str_eq(integer("%x", -1), "ffffffffffffffff");
    ck_assert_str_eq(integer("%#X", 255), "0XFF");
    ck_assert_str_eq(integer("%#o", 8), "010");
    ck_assert_str_eq(integer("%#.3o", 8), "010");
    ck_assert_str_eq(integer("%u", -1), "18446744073709551615");
}
END_TEST

START_TEST(reals_are_exact_and_ties_go_to_even)
{
    ck_assert_str_eq(real("%.2f", 2.675), "2.67");
    ck_assert_str_eq(real("%.0f", 0.5), "0");
    ck_assert_str_eq(real("%.0f", 1.5), "2");
    ck_assert_str_eq(real("%.0f", 2.5), "2");
    ck_assert_str_eq(real("%.20f", 0.1), "0.10000000000000000555");
    ck_assert_str_eq(real("%.1f", 9.96), "10.0");
    ck_assert_str_eq(real("%f", 1e22), "10000000000000000000000.000000");
}
END_TEST

START_TEST(exponents_have_two_digits_at_least)
{
    ck_assert_str_eq(real("%e", 12345.678), "1.234568e+04");
    ck_assert_str_eq(real("%.0e", 9.9e9), "1e+10");
    ck_assert_str_eq(real("%E", 0.0), "0.000000E+00");
    ck_assert_str_eq(real("%e", 5e-324), "4.940656e-324");
}
END_TEST

START_TEST(the_short_form_chooses_and_drops_zeros)
{
    ck_assert_str_eq(real("%g", 100000.0), "100000");
    ck_assert_str_eq(real("%g", 1000000.0), "1e+06");
    ck_assert_str_eq(real("%g", 0.0001), "0.0001");
    ck_assert_str_eq(real("%g", 0.00001), "1e-05");
    ck_assert_str_eq(real("%#g", 1.0), "1.00000");
    ck_assert_str_eq(real("%.3g", 999.9), "1e+03");
    ck_assert_str_eq(real("%g", 0.0), "0");
}
END_TEST

START_TEST(infinities_and_nan_are_never_filled_with_zeros)
{
    ck_assert_str_eq(real("%06f", INFINITY), "   inf");
    ck_assert_str_eq(real("%F", -INFINITY), "-INF");
    ck_assert_str_eq(real("%g", NAN), "nan");
}
END_TEST

START_TEST(the_smallest_and_the_biggest_number_have_all_their_digits)
{
    ck_assert_uint_eq(strlen(real("%.1074f", 5e-324)), 1076);
    ck_assert_str_eq(strrchr(real("%.1074f", 5e-324), '6'), "625");
    ck_assert_int_eq(
        strncmp(real("%.0f", 1.7976931348623157e308), "179769313486231570814527423731704356798070567525", 48),
        0);
}
END_TEST

START_TEST(text_is_padded_and_cut_by_characters)
{
    ck_assert_str_eq(text("%5s", "gr\xC3\xBC"), "  gr\xC3\xBC");
    ck_assert_str_eq(text("%-5s", "x"), "x    ");
    ck_assert_str_eq(text("%.3s", "gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC");
    ck_assert_str_eq(text("%3s", "\xff\xfe"), " \xff\xfe");
}
END_TEST

START_TEST(stars_are_reported_and_nonsense_is_refused)
{
    crpi_format_spec s = parsed("%-*.*f");
    ck_assert(s.left && s.width_given_later && s.precision_given_later);
    ck_assert_int_eq(s.letter, 'f');
    const char *const nonsense[] = {"", "5", "y", "ly", "l", "100001d", ".100001f", "-"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        ck_assert_ptr_null(crpi_format_parse(nonsense[i], nonsense[i] + strlen(nonsense[i]), &s));
}
END_TEST

START_TEST(the_sizes_of_c_say_nothing)
{
    ck_assert_str_eq(integer("%ld", -5), "-5");
    ck_assert_str_eq(integer("%04hhx", 300), "012c");
    ck_assert_str_eq(real("%.1Lf", 2.5), "2.5");
}
END_TEST

START_TEST(binary_digits_see_the_64_bits)
{
    ck_assert_str_eq(integer("%b", 5), "101");
    ck_assert_str_eq(integer("%#010b", 5), "0b00000101");
    ck_assert_str_eq(integer("%#b", 0), "0");
    ck_assert_str_eq(integer("%b", -1), "1111111111111111111111111111111111111111111111111111111111111111");
}
END_TEST

UNIT_MAIN("format", the_sizes_of_c_say_nothing, binary_digits_see_the_64_bits, integers_take_width_zeros_and_sign, hexadecimal_and_octal_see_the_64_bits,
          reals_are_exact_and_ties_go_to_even, exponents_have_two_digits_at_least,
          the_short_form_chooses_and_drops_zeros, infinities_and_nan_are_never_filled_with_zeros,
          the_smallest_and_the_biggest_number_have_all_their_digits, text_is_padded_and_cut_by_characters,
          stars_are_reported_and_nonsense_is_refused)
