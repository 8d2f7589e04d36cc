/* Growing bytes, escapes, and the formatter. */
#include "unit.h"
#include "buf.h"

#include <string.h>

static crpi_mem mem;
static crpi_buf b;

static void open_with(size_t cap)
{
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&b, &mem, cap);
}

static void expect(const char *text)
{
    ck_assert(!b.failed && !b.overflow);
    ck_assert_uint_eq(b.length, strlen(text));
    if (b.length) ck_assert_mem_eq(b.bytes, text, b.length);
    crpi_buf_free(&b);
    ck_assert_uint_eq(mem.used, 0);
}

static void expect_escaped(const char *given, size_t n, size_t limit, const char *text)
{
    open_with(0);
    crpi_buf_escaped(&b, given, n, limit);
    expect(text);
}

static void expect_quoted(const char *given, size_t limit, const char *text)
{
    open_with(0);
    crpi_buf_quoted(&b, given, strlen(given), limit);
    expect(text);
}

START_TEST(bytes_of_any_kind_are_appended)
{
    open_with(0);
    for (int i = 0; i < 1000; i++) crpi_buf_byte(&b, i);
    crpi_buf_put(&b, "a\0b", 3);
    crpi_buf_put(&b, NULL, 0);
    ck_assert_uint_eq(b.length, 1003);
    ck_assert_mem_eq(b.bytes + 1000, "a\0b", 3);
    ck_assert_int_eq((unsigned char)b.bytes[999], 999 % 256);
    crpi_buf_free(&b);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(the_cap_cuts_and_is_remembered)
{
    open_with(10);
    crpi_buf_text(&b, "12345678");
    crpi_buf_text(&b, "abcd");
    crpi_buf_text(&b, "z");
    ck_assert(b.overflow && !b.failed);
    ck_assert_uint_eq(b.length, 10);
    ck_assert_mem_eq(b.bytes, "12345678ab", 10);
    crpi_buf_free(&b);
}
END_TEST

START_TEST(a_failed_allocation_is_remembered)
{
    open_with(0);
    crpi_buf_text(&b, "kept");
    mem.fail_at = mem.count + 1;
    for (int i = 0; i < 100; i++) crpi_buf_text(&b, "dropped");
    ck_assert(b.failed);
    ck_assert_uint_lt(b.length, 12);
    ck_assert_mem_eq(b.bytes, "kept", 4);
    crpi_buf_free(&b);
    ck_assert_uint_eq(mem.used, 0);
    ck_assert(!b.failed);
}
END_TEST

START_TEST(printable_text_stays)
{
    expect_escaped("", 0, 0, "");
    expect_escaped("plain \"text\" \\ here", 19, 0, "plain \"text\" \\ here");
    expect_escaped("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x90\xA2", 15, 0,
                   "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x90\xA2");
}
END_TEST

START_TEST(controls_and_broken_utf8_are_escaped)
{
    expect_escaped("a\0b\n\x1b[2J\x7f", 9, 0, "a\\x00b\\x0a\\x1b[2J\\x7f");
    expect_escaped("\xC2\x9B" "31m", 5, 0, "\\xc2\\x9b31m");
    expect_escaped("x\xFFy\xC3", 4, 0, "x\\xffy\\xc3");
    expect_escaped("\xC0\x80", 2, 0, "\\xc0\\x80");
}
END_TEST

START_TEST(text_cannot_be_turned_around)
{
    expect_escaped("a\xE2\x80\xAE" "b", 5, 0, "a\\xe2\\x80\\xaeb");
    expect_escaped("\xE2\x81\xA6", 3, 0, "\\xe2\\x81\\xa6");
    expect_escaped("\xE2\x80\xA8", 3, 0, "\\xe2\\x80\\xa8");
    expect_escaped("\xD8\x9C", 2, 0, "\\xd8\\x9c");
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
    expect_escaped("1234567890", 10, 10, "1234567890");
    expect_escaped("1234567890a", 11, 10, "1234567890...");
    expect_escaped("abc\xE2\x82\xAC", 6, 5, "abc...");
    expect_escaped("abc\n", 4, 5, "abc...");
}
END_TEST

START_TEST(quoted_text_reads_as_source)
{
    expect_quoted("say \"hi\"\\\n\r\t\x01", 0, "\"say \\\"hi\\\"\\\\\\n\\r\\t\\x01\"");
    expect_quoted("1234567890", 4, "\"1234...\"");
}
END_TEST

#define EXPECT_FORMAT(text, ...) \
    do { \
        open_with(0); \
        crpi_buf_format(&b, __VA_ARGS__); \
        expect(text); \
    } while (0)

START_TEST(numbers_are_formatted)
{
    EXPECT_FORMAT("-7 0 2147483647", "%d %d %d", -7, 0, 2147483647);
    EXPECT_FORMAT("4294967295 18446744073709551615", "%u %lu", 4294967295u, 18446744073709551615ul);
    EXPECT_FORMAT("-9223372036854775808", "%ld", (long)INT64_MIN);
    EXPECT_FORMAT("12 -3", "%zu %zd", (size_t)12, (ptrdiff_t)-3);
    EXPECT_FORMAT("ff 0a 0 1fffffffff", "%x %02x %x %lx", 255u, 10u, 0u, 0x1fffffffffl);
    EXPECT_FORMAT("   42|00042|-0042|1234567", "%5d|%05d|%05d|%2d", 42, 42, -42, 1234567);
}
END_TEST

START_TEST(strings_are_formatted)
{
    EXPECT_FORMAT("a word, an x and 100 %", "%s, an %c and %d %%", "a word", 'x', 100);
    EXPECT_FORMAT("abc|ab|  ab", "%.*s|%.2s|%4s", 3, "abcdef", "ab", "ab");
    EXPECT_FORMAT("(null)||end", "%s|%.*s|end", (char *)NULL, 0, (char *)NULL);
    EXPECT_FORMAT("given \"a\\x00\\\"\"", "given %.*q", 3, "a\0\"");
}
END_TEST

START_TEST(counted_strings_may_hold_nul)
{
    open_with(0);
    crpi_buf_format(&b, "%.*s!", 3, "a\0b");
    ck_assert_uint_eq(b.length, 4);
    ck_assert_mem_eq(b.bytes, "a\0b!", 4);
    crpi_buf_free(&b);
}
END_TEST

static void put_word(void *ud, crpi_buf *out, int letter, uint64_t word)
{
    crpi_buf_format(out, "<%s %c %lu>", (const char *)ud, letter, (unsigned long)word);
}

static void format_words(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    crpi_buf_vformat(&b, format, list, put_word, "word");
    va_end(list);
}

START_TEST(words_go_to_the_floor_above)
{
    open_with(0);
    format_words("%v %s %p %n %d", (uint64_t)1, "two", (uint64_t)3, UINT64_MAX, 5);
    expect("<word v 1> two <word p 3> <word n 18446744073709551615> 5");
    EXPECT_FORMAT("? 5", "%v %d", (uint64_t)1, 5);
}
END_TEST

UNIT_MAIN("buf", bytes_of_any_kind_are_appended, the_cap_cuts_and_is_remembered,
          a_failed_allocation_is_remembered, printable_text_stays, controls_and_broken_utf8_are_escaped,
          text_cannot_be_turned_around, long_text_is_cut_between_characters, quoted_text_reads_as_source,
          numbers_are_formatted, strings_are_formatted, counted_strings_may_hold_nul,
          words_go_to_the_floor_above)
