/* UTF-8: what is a character, what is not, and the case of letters. */
#include "unit.h"
#include "utf8.h"

#include <string.h>

static uint32_t first(const char *text, size_t *length)
{
    uint32_t code;
    *length = crpi_utf8_decode(text, strlen(text), &code);
    return code;
}

START_TEST(every_character_reads_back_as_written)
{
    for (uint32_t code = 0; code <= 0x110000; code++) {
        char bytes[4];
        uint32_t back;
        size_t n = crpi_utf8_encode(code, bytes);
        bool none = code > 0x10FFFF || (code >= 0xD800 && code < 0xE000);
        ck_assert_int_eq(n == 0, none);
        if (n == 0) continue;
        ck_assert_uint_eq(crpi_utf8_decode(bytes, n, &back), n);
        ck_assert_uint_eq(back, code);
    }
}
END_TEST

START_TEST(broken_sequences_are_single_bytes)
{
    static const char *const broken[] = {
        "\x80",     "\xC0\x80",         "\xC1\xBF",         "\xE0\x80\x80", "\xED\xA0\x80", "\xC3",
        "\xE2\x82", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80",     "\xFF",         "\xC3x"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        size_t length;
        ck_assert_uint_eq(first(broken[i], &length), CRPI_UTF8_BROKEN);
        ck_assert_uint_eq(length, 1);
        ck_assert(!crpi_utf8_valid(broken[i], strlen(broken[i])));
    }
}
END_TEST

START_TEST(characters_are_counted_and_cut)
{
    const char *text = "gr\xC3\xBC\xC3\x9F"
                       "e \xE2\x82\xAC\xFF";
    ck_assert_uint_eq(crpi_utf8_count(text, strlen(text)), 8);
    ck_assert_uint_eq(crpi_utf8_prefix(text, strlen(text), 3), 4);
    ck_assert_uint_eq(crpi_utf8_prefix(text, strlen(text), 99), strlen(text));
    ck_assert_uint_eq(crpi_utf8_prefix(text, strlen(text), 0), 0);
}
END_TEST

/* Most of a text is passed over in words of eight bytes: a character or a broken byte may stand anywhere. */
START_TEST(a_character_is_seen_at_every_place)
{
    char text[41];
    for (size_t n = 2; n <= 40; n++)
        for (size_t at = 0; at + 2 <= n; at++) {
            memset(text, 'a', n);
            memcpy(text + at, "\xC3\xBC", 2);
            ck_assert(crpi_utf8_valid(text, n));
            ck_assert_uint_eq(crpi_utf8_count(text, n), n - 1);
            text[at] = 'a';
            ck_assert(!crpi_utf8_valid(text, n));
            ck_assert_uint_eq(crpi_utf8_count(text, n), n);
        }
    ck_assert(crpi_utf8_valid("", 0));
}
END_TEST

START_TEST(case_goes_beyond_ascii)
{
    ck_assert_uint_eq(crpi_utf8_upper('z'), 'Z');
    ck_assert_uint_eq(crpi_utf8_lower('@'), '@');
    ck_assert_uint_eq(crpi_utf8_upper(0xFC), 0xDC);
    ck_assert_uint_eq(crpi_utf8_lower(0x416), 0x436);
    ck_assert_uint_eq(crpi_utf8_upper(0x3C9), 0x3A9);
    ck_assert_uint_eq(crpi_utf8_upper(0xFF), 0x178);
    ck_assert_uint_eq(crpi_utf8_upper(0xDF), 0xDF);
    ck_assert_uint_eq(crpi_utf8_lower(0x1E921), 0x1E943);
    ck_assert_uint_eq(crpi_utf8_lower(0x4E2D), 0x4E2D);
}
END_TEST

UNIT_MAIN("utf8", every_character_reads_back_as_written, broken_sequences_are_single_bytes,
          characters_are_counted_and_cut, a_character_is_seen_at_every_place, case_goes_beyond_ascii)
