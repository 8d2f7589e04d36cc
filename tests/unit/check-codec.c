/* Hexadecimal, Base64, quoted-printable, URLs and integers: the vectors of their RFCs, and every refusal. */
#include "unit.h"
#include "codec.h"

#include <stdio.h>
#include <string.h>

static crpi_mem mem;
static crpi_buf out;

static void fresh(void)
{
    if (out.mem) crpi_buf_free(&out);
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&out, &mem, 0);
}

static const char *text_of(void)
{
    static char text[4096];
    ck_assert(!out.failed && !out.overflow && out.length < sizeof text);
    if (out.length) memcpy(text, out.bytes, out.length);
    text[out.length] = 0;
    return text;
}

static const char *base64(const char *bytes, size_t line)
{
    fresh();
    crpi_base64_encode(&out, bytes, strlen(bytes), line);
    return text_of();
}

static const char *unbase64(const char *text)
{
    static char message[64];
    size_t bad = 0;
    fresh();
    if (crpi_base64_decode(&out, text, strlen(text), &bad)) return text_of();
    snprintf(message, sizeof message, "refused at %zu", bad);
    return message;
}

static const char *quoted(const char *bytes)
{
    fresh();
    crpi_quoted_printable_encode(&out, bytes, strlen(bytes));
    return text_of();
}

static const char *unquoted(const char *text)
{
    fresh();
    crpi_quoted_printable_decode(&out, text, strlen(text));
    return text_of();
}

START_TEST(hexadecimal_is_lower_case_and_reads_either)
{
    size_t bad;
    fresh();
    crpi_hex_encode(&out, "\x00\xA1\xff", 3);
    ck_assert_str_eq(text_of(), "00a1ff");
    fresh();
    ck_assert(crpi_hex_decode(&out, "4a6B", 4, &bad));
    ck_assert_str_eq(text_of(), "Jk");
}
END_TEST

START_TEST(hexadecimal_refuses_a_foreign_letter_and_half_a_byte)
{
    size_t bad = 99;
    fresh();
    ck_assert(!crpi_hex_decode(&out, "4a6g", 4, &bad));
    ck_assert_uint_eq(bad, 3);
    ck_assert(!crpi_hex_decode(&out, "4a6", 3, &bad));
    ck_assert_uint_eq(bad, 3);
    ck_assert(!crpi_hex_decode(&out, " 4a", 3, &bad));
    ck_assert_uint_eq(bad, 0);
}
END_TEST

START_TEST(base64_gives_the_texts_of_rfc_4648)
{
    ck_assert_str_eq(base64("", 0), "");
    ck_assert_str_eq(base64("f", 0), "Zg==");
    ck_assert_str_eq(base64("fo", 0), "Zm8=");
    ck_assert_str_eq(base64("foo", 0), "Zm9v");
    ck_assert_str_eq(base64("foob", 0), "Zm9vYg==");
    ck_assert_str_eq(base64("fooba", 0), "Zm9vYmE=");
    ck_assert_str_eq(base64("foobar", 0), "Zm9vYmFy");
}
END_TEST

START_TEST(base64_breaks_lines_where_asked)
{
    ck_assert_str_eq(base64("foobarfoobar", 8), "Zm9vYmFy\r\nZm9vYmFy");
    ck_assert_str_eq(base64("foobar", 8), "Zm9vYmFy");
    ck_assert_str_eq(base64("foobar", 6), "Zm9v\r\nYmFy");
    ck_assert_str_eq(base64("foobar", 1), "Zm9v\r\nYmFy");
}
END_TEST

START_TEST(base64_reads_what_it_writes)
{
    unsigned char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (unsigned char)(i * 37);
    for (size_t n = 0; n <= 256; n++) {
        char text[600];
        size_t length, bad;
        fresh();
        crpi_base64_encode(&out, bytes, n, 76);
        length = out.length;
        if (length) memcpy(text, out.bytes, length);
        fresh();
        ck_assert(crpi_base64_decode(&out, text, length, &bad));
        ck_assert_uint_eq(out.length, n);
        ck_assert(n == 0 || memcmp(out.bytes, bytes, n) == 0);
    }
}
END_TEST

START_TEST(base64_skips_white_space_and_forgives_missing_padding)
{
    ck_assert_str_eq(unbase64("Zm9v\r\n YmFy"), "foobar");
    ck_assert_str_eq(unbase64("Zg"), "f");
    ck_assert_str_eq(unbase64("Zm8"), "fo");
    ck_assert_str_eq(unbase64("Zg =\r\n= \r\n"), "f");
}
END_TEST

START_TEST(base64_refuses_what_is_none)
{
    ck_assert_str_eq(unbase64("Zm9*"), "refused at 3");
    ck_assert_str_eq(unbase64("Zm9vY"), "refused at 5");
    ck_assert_str_eq(unbase64("Zg==Zg=="), "refused at 4");
    ck_assert_str_eq(unbase64("Zg==="), "refused at 4");
    ck_assert_str_eq(unbase64("Zm9v="), "refused at 4");
    ck_assert_str_eq(unbase64("="), "refused at 0");
}
END_TEST

START_TEST(quoted_printable_escapes_what_mail_may_not_carry)
{
    ck_assert_str_eq(quoted("plain text!"), "plain text!");
    ck_assert_str_eq(quoted("a=b"), "a=3Db");
    ck_assert_str_eq(quoted("gr\xC3\xBC\xC3\x9F"), "gr=C3=BC=C3=9F");
    ck_assert_str_eq(quoted("tab\tin"), "tab\tin");
    ck_assert_str_eq(quoted("\x7f"), "=7F");
}
END_TEST

START_TEST(quoted_printable_keeps_line_breaks_and_escapes_blanks_before_them)
{
    ck_assert_str_eq(quoted("one\r\ntwo"), "one\r\ntwo");
    ck_assert_str_eq(quoted("one \r\ntwo\t"), "one=20\r\ntwo=09");
    ck_assert_str_eq(quoted("lone\nfeed\rreturn"), "lone=0Afeed=0Dreturn");
}
END_TEST

START_TEST(quoted_printable_lines_hold_at_most_76_characters)
{
    char text[301];
    memset(text, 'x', 300);
    for (int i = 0; i < 300; i += 5) text[i] = '=';
    text[300] = 0;
    const char *encoded = quoted(text);
    for (const char *line = encoded; line;) {
        const char *end = strstr(line, "\r\n");
        ck_assert_uint_le(end ? (size_t)(end - line) : strlen(line), 76);
        line = end ? end + 2 : NULL;
    }
    char copy[1000];
    strcpy(copy, encoded);
    ck_assert_str_eq(unquoted(copy), text);
}
END_TEST

START_TEST(quoted_printable_undoes_escapes_and_soft_breaks)
{
    ck_assert_str_eq(unquoted("gr=C3=bc=C3=9F"), "gr\xC3\xBC\xC3\x9F");
    ck_assert_str_eq(unquoted("one=\r\ntwo"), "onetwo");
    ck_assert_str_eq(unquoted("one= \t\ntwo"), "onetwo");
    ck_assert_str_eq(unquoted("end="), "end");
}
END_TEST

START_TEST(quoted_printable_drops_blanks_before_a_line_break)
{
    ck_assert_str_eq(unquoted("one \t \r\ntwo  "), "one\r\ntwo  ");
    ck_assert_str_eq(unquoted("a b"), "a b");
}
END_TEST

START_TEST(quoted_printable_leaves_a_senseless_escape_alone)
{
    ck_assert_str_eq(unquoted("a=zz=4"), "a=zz=4");
    ck_assert_str_eq(unquoted("==41"), "=A");
}
END_TEST

static const char *url(const char *text, const char *keep)
{
    fresh();
    crpi_url_encode(&out, text, strlen(text), keep, strlen(keep));
    return text_of();
}

static const char *from_url(const char *text)
{
    static char message[64];
    size_t bad = 0;
    fresh();
    if (crpi_url_decode(&out, text, strlen(text), &bad)) return text_of();
    snprintf(message, sizeof message, "refused at %zu", bad);
    return message;
}

START_TEST(urls_escape_what_rfc_3986_does_not_call_unreserved)
{
    ck_assert_str_eq(url("aZ09-._~", ""), "aZ09-._~");
    ck_assert_str_eq(url("a b/\xC3\xA9%", ""), "a%20b%2F%C3%A9%25");
    ck_assert_str_eq(url("a b/", "/ "), "a b/");
}
END_TEST

START_TEST(urls_are_read_back_and_half_an_escape_is_refused)
{
    ck_assert_str_eq(from_url("a%20b%2f+%C3%a9"), "a b/+\xC3\xA9");
    ck_assert_str_eq(from_url("ab%"), "refused at 2");
    ck_assert_str_eq(from_url("%4"), "refused at 0");
    ck_assert_str_eq(from_url("%41%4x"), "refused at 3");
}
END_TEST

START_TEST(integers_have_their_bytes_in_either_order)
{
    unsigned char bytes[8];
    for (size_t size = 1; size <= 8; size++)
        for (int little = 0; little < 2; little++) {
            uint64_t mask = size == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * size) - 1;
            crpi_integer_encode(bytes, size, little, 0x8182838485868788u);
            ck_assert_uint_eq(crpi_integer_decode(bytes, size, little), 0x8182838485868788u & mask);
            ck_assert_uint_eq(bytes[little ? 0 : size - 1], 0x88);
        }
    ck_assert_uint_eq(crpi_integer_decode("\x01\x02", 2, false), 258);
    ck_assert_uint_eq(crpi_integer_decode("\x01\x02", 2, true), 513);
}
END_TEST

START_TEST(no_memory_is_remembered_by_the_buffer)
{
    size_t bad;
    fresh();
    mem.fail_at = 1;
    ck_assert(crpi_base64_decode(&out, "Zm9v", 4, &bad));
    ck_assert(out.failed);
}
END_TEST

UNIT_MAIN("codec", hexadecimal_is_lower_case_and_reads_either,
          hexadecimal_refuses_a_foreign_letter_and_half_a_byte, base64_gives_the_texts_of_rfc_4648,
          base64_breaks_lines_where_asked, base64_reads_what_it_writes,
          base64_skips_white_space_and_forgives_missing_padding, base64_refuses_what_is_none,
          quoted_printable_escapes_what_mail_may_not_carry,
          quoted_printable_keeps_line_breaks_and_escapes_blanks_before_them,
          quoted_printable_lines_hold_at_most_76_characters, quoted_printable_undoes_escapes_and_soft_breaks,
          quoted_printable_drops_blanks_before_a_line_break, quoted_printable_leaves_a_senseless_escape_alone,
          urls_escape_what_rfc_3986_does_not_call_unreserved,
          urls_are_read_back_and_half_an_escape_is_refused, integers_have_their_bytes_in_either_order,
          no_memory_is_remembered_by_the_buffer)
