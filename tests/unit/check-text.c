/* Text: lines, and dots at their beginnings, in any pieces. */
#include "comms.h"
#include "text.h"

enum { MOST = 4096 };

/* All of it as it comes in pieces of `piece` bytes (0: whole), in a buffer where what is not used up waits for more; what
 * is left in *taken when the text has ended. */
static size_t unstuff(const char *from, size_t n, size_t piece, unsigned char *to, size_t *taken, crpi_in_text *state)
{
    static unsigned char buffer[3 * MOST];
    size_t length = 0, kept, held = 0, at = 0;
    *state = CRPI_LINE_START;
    *taken = 0;
    while (at < n && *state != CRPI_TEXT_ENDED) {
        size_t k = piece && piece < n - at ? piece : n - at;
        memcpy(buffer + held, from + at, k);
        at += k;
        held += k;
        size_t used = crpi_unstuff(state, buffer, held, &kept);
        memcpy(to + length, buffer, kept);
        length += kept;
        *taken += used;
        held -= used;
        memmove(buffer, buffer + used, held);
    }
    return length;
}

static void comes_out(const char *in, size_t n, const char *expected, size_t m, size_t left)
{
    unsigned char to[MOST + 1];
    for (size_t piece = 0; piece <= n; piece++) {
        crpi_in_text state;
        size_t taken, length = unstuff(in, n, piece, to, &taken, &state);
        ck_assert_msg(length == m && !memcmp(to, expected, m), "in pieces of %zu: %.*s", piece, (int)length,
                      to);
        ck_assert_uint_eq(taken, n - left);
        ck_assert((state == CRPI_TEXT_ENDED) == (left > 0 || !memcmp(in + n - 3, ".\r\n", 3)));
    }
}

#define COMES_OUT(in, out, left) comes_out(in, sizeof in - 1, out, sizeof out - 1, left)

START_TEST(a_text_ends_at_a_dot_on_a_line_of_its_own)
{
    COMES_OUT(".\r\n", "", 0);
    COMES_OUT("a\r\n.\r\n", "a\r\n", 0);
    COMES_OUT("a\r\n.\r\nrest", "a\r\n", 4);
    COMES_OUT("\r\n\r\n.\r\n.\r\n", "\r\n\r\n", 3);
}
END_TEST

START_TEST(a_dot_at_a_lines_beginning_is_left_out)
{
    COMES_OUT("..\r\n...\r\n.a\r\n..b.\r\n.\r\n", ".\r\n..\r\na\r\n.b.\r\n", 0);
    COMES_OUT("a\r\n.\rb\r\n.\r\r\n.\r\n", "a\r\n\rb\r\n\r\r\n", 0);
    COMES_OUT(".\n\r\n.\r\n", "\n\r\n", 0);
}
END_TEST

START_TEST(only_crlf_ends_a_line)
{
    COMES_OUT("a\n.\n.\r\n..\r\n.\r\n", "a\n.\n.\r\n.\r\n", 0);
    COMES_OUT("a\r.\r\n\r\r\n.b\r\n\n.\r\n.\r\n", "a\r.\r\n\r\r\nb\r\n\n.\r\n", 0);
    COMES_OUT("\n.\n\r.\r\r\n.\r\n", "\n.\n\r.\r\r\n", 0);
}
END_TEST

START_TEST(any_byte_may_stand_in_a_text)
{
    char in[256 * 3 + 8], out[256 * 3];
    size_t n = 0;
    for (int c = 0; c < 256; c++) {
        in[n++] = (char)c;
        in[n++] = 'x';
        in[n++] = (char)c;
    }
    memcpy(out, in, n);
    memcpy(in + n, "\r\n.\r\n", 5);
    unsigned char to[MOST];
    crpi_in_text state;
    size_t taken, length = unstuff(in, n + 5, 0, to, &taken, &state);
    ck_assert(length == n + 2 && !memcmp(to, out, n) && state == CRPI_TEXT_ENDED);
}
END_TEST

/* xorshift, so that each run is the same. */
static unsigned random_below(uint64_t *state, unsigned bound)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (unsigned)(*state % bound);
}

/* Texts of the bytes that matter, of all lengths around those at which the search changes its step. */
START_TEST(what_was_stuffed_comes_back)
{
    static const char letters[] = "\r\n..\r\nab";
    uint64_t seed = 88172645463325252u;
    unsigned char text[MOST], sent[2 * MOST + CRPI_TEXT_END], back[2 * MOST + CRPI_TEXT_END + 1];
    for (int round = 0; round < 3000; round++) {
        size_t n = random_below(&seed, 300), length = 0, taken;
        crpi_in_text state = CRPI_LINE_START;
        for (size_t i = 0; i < n; i++)
            text[i] = (unsigned char)letters[random_below(&seed, round % 3 ? 8 : 6)];
        for (size_t i = 0; i < n;) {
            size_t piece = 1 + random_below(&seed, 100);
            if (piece > n - i) piece = n - i;
            length += crpi_stuff(&state, text + i, piece, sent + length);
            i += piece;
        }
        bool whole = state == CRPI_LINE_START;
        length += crpi_stuff_end(&state, sent + length);
        size_t got = unstuff((const char *)sent, length, 1 + random_below(&seed, 90), back, &taken, &state);
        ck_assert(taken == length && state == CRPI_TEXT_ENDED);
        ck_assert_uint_eq(got, n + (whole ? 0 : 2));
        ck_assert(!memcmp(back, text, n));
    }
}
END_TEST

/* The search looks at many bytes at a time: a place may be anywhere among them. */
START_TEST(a_dot_is_found_at_every_place)
{
    for (size_t at = 0; at < 300; at++) {
        unsigned char in[320], out[320];
        size_t written;
        crpi_in_text state = CRPI_IN_LINE;
        memset(in, 'x', sizeof in);
        memcpy(in + at, "\r\n..", 4);
        memcpy(out, in, sizeof in);
        ck_assert_uint_eq(crpi_unstuff(&state, out, sizeof out, &written), sizeof out);
        ck_assert_uint_eq(written, sizeof in - 1);
        ck_assert(!memcmp(out, in, at + 2) && !memcmp(out + at + 2, in + at + 3, sizeof in - at - 3));
    }
}
END_TEST

/* Nothing moves before the first dot that is left out. */
START_TEST(a_line_that_may_be_the_end_is_offered_again)
{
    unsigned char in[] = "a\r\n.";
    size_t kept;
    crpi_in_text state = CRPI_LINE_START;
    ck_assert_uint_eq(crpi_unstuff(&state, in, 4, &kept), 3);
    ck_assert(kept == 3 && state == CRPI_LINE_START);
    ck_assert_uint_eq(crpi_unstuff(&state, (unsigned char[]){'.', '\r'}, 2, &kept), 0);
    ck_assert(kept == 0 && state == CRPI_LINE_START);
    ck_assert_uint_eq(crpi_unstuff(&state, (unsigned char[]){'.', '\r', '\n', '+'}, 4, &kept), 3);
    ck_assert(kept == 0 && state == CRPI_TEXT_ENDED);
}
END_TEST

START_TEST(a_text_becomes_a_string_and_starts_anew)
{
    comms_open();
    crpi_text t = {NULL, 0, 0};
    crp_word w;
    for (int i = 0; i < 3; i++) expect_ok(crpi_text_add(vm, &t, (const unsigned char *)"..\r\n", 4));
    expect_ok(crpi_text_take(vm, &t, &w));
    expect_text(w, "..\r\n..\r\n..\r\n");
    ck_assert(!t.bytes && !t.length);
    expect_ok(crpi_text_take(vm, &t, &w));
    expect_text(w, "");
    crpi_text_free(vm, &t);
    comms_close();
}
END_TEST

START_TEST(a_big_text_grows_by_doubling)
{
    comms_open();
    crpi_text t = {NULL, 0, 0};
    static unsigned char piece[10000];
    size_t before, grown = 0;
    for (int i = 0; i < 1000; i++) {
        before = t.capacity;
        expect_ok(crpi_text_add(vm, &t, piece, sizeof piece));
        grown += t.capacity != before;
    }
    ck_assert_uint_eq(t.length, 10000000);
    ck_assert_uint_lt(grown, 15);
    crpi_text_free(vm, &t);
    comms_close();
}
END_TEST

static crp_status receive_two_pieces(void)
{
    static unsigned char piece[3000];
    crpi_text t = {NULL, 0, 0};
    crp_word w;
    crp_status st = crpi_text_add(vm, &t, piece, sizeof piece);
    if (!st) st = crpi_text_add(vm, &t, piece, sizeof piece);
    if (!st) st = crpi_text_take(vm, &t, &w);
    crpi_text_free(vm, &t);
    return st;
}

START_TEST(a_text_without_memory_is_clean)
{
    comms_open();
    crp_status st = CRP_OK;
    BARE_EACH_FAILURE(vm, st, st = receive_two_pieces());
    comms_close();
}
END_TEST

static bool ends(const char *line, size_t expected)
{
    size_t n = strlen(line);
    return crpi_line_ends((const unsigned char *)line, &n) && n == expected;
}

START_TEST(lines_end_with_crlf)
{
    ck_assert(ends("\r\n", 0) && ends("abc\r\n", 3) && ends("a\r\r\n", 2));
    ck_assert(!ends("abc\n", 3) && !ends("\n", 0) && !ends("abc\r", 3) && !ends("", 0));
    ck_assert(crpi_line_fits("", 0) && crpi_line_fits("a\tb\xff", 4));
    ck_assert(!crpi_line_fits("a\rb", 3) && !crpi_line_fits("a\n", 2) && !crpi_line_fits("\0", 1));
}
END_TEST

static bool is_number(const char *text, int64_t expected, size_t taken)
{
    const char *at = text;
    int64_t n;
    return crpi_line_number(&at, text + strlen(text), &n) && n == expected && (size_t)(at - text) == taken;
}

START_TEST(numbers_are_digits_that_fit)
{
    ck_assert(is_number("0", 0, 1) && is_number("007x", 7, 3) && is_number("12 34", 12, 2));
    ck_assert(is_number("9223372036854775807", INT64_MAX, 19));
    ck_assert(!is_number("9223372036854775808", 0, 0) && !is_number("99999999999999999999", 0, 0));
    ck_assert(!is_number("", 0, 0) && !is_number("-1", 0, 0) && !is_number("+1", 0, 0) &&
              !is_number(" 1", 0, 0));
}
END_TEST

UNIT_MAIN("text", a_text_ends_at_a_dot_on_a_line_of_its_own, a_dot_at_a_lines_beginning_is_left_out,
          only_crlf_ends_a_line, any_byte_may_stand_in_a_text, what_was_stuffed_comes_back,
          a_dot_is_found_at_every_place, a_line_that_may_be_the_end_is_offered_again, a_text_becomes_a_string_and_starts_anew,
          a_big_text_grows_by_doubling, a_text_without_memory_is_clean, lines_end_with_crlf,
          numbers_are_digits_that_fit)
