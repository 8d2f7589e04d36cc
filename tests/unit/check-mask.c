/* Masks: no secret is shown, whatever form it has and wherever what carries it is cut. */
#include "comms.h"
#include "mask.h"

static crpi_mask mask;

static void hides(const char *secret) { ck_assert(!crpi_mask_add(vm, &mask, secret, strlen(secret))); }
static void hides_rest(const char *text) { ck_assert(!crpi_mask_add_rest(vm, &mask, text, strlen(text))); }

static void shows(const char *given, const char *expected)
{
    char out[4096];
    size_t n = crpi_mask_show(&mask, NULL, given, strlen(given), out, sizeof out);
    ck_assert_str_eq((out[n] = 0, out), expected);
}

/* In two pieces, cut at every place: what is shown of both never has the text in it. */
static void never_shows(const char *given, const char *text)
{
    size_t n = strlen(given);
    for (size_t cut = 0; cut <= n; cut++) {
        char out[4096];
        crpi_tail tail = {0};
        size_t length = crpi_mask_show(&mask, &tail, given, cut, out, sizeof out);
        length += crpi_mask_show(&mask, &tail, given + cut, n - cut, out + length, sizeof out - length);
        out[length] = 0;
        ck_assert_msg(!strstr(out, text) && strstr(out, "***"), "cut at %zu: %s", cut, out);
    }
}

static void open_mask(void)
{
    comms_open();
    mask = (crpi_mask){0};
}

static void close_mask(void)
{
    crpi_mask_clear(vm, &mask);
    comms_close();
}

START_TEST(nothing_is_hidden_by_nothing)
{
    open_mask();
    hides("");
    shows("a line", "a line");
    shows("", "");
    close_mask();
}
END_TEST

START_TEST(a_secret_is_hidden_wherever_it_stands)
{
    open_mask();
    hides("sesame");
    shows("open sesame, sesame!", "open ***, ***!");
    shows("sesamesesame", "***");
    shows("sesam", "sesam");
    shows("xsesamex", "x***x");
    close_mask();
}
END_TEST

START_TEST(a_short_one_is_hidden_where_it_is_a_word)
{
    open_mask();
    hides("pw");
    shows("pw spwan pw2 (pw)", "*** spwan pw2 (***)");
    close_mask();
}
END_TEST

/* "\0fred\0sesame", "fred:sesame", "x:sesame" and so on: the secret begins at each place of a group of three. */
START_TEST(base64_of_what_has_the_secret_in_it_is_hidden)
{
    open_mask();
    hides("sesame");
    shows("AUTH PLAIN AGZyZWQAc2VzYW1l", "AUTH PLAIN AGZyZWQA***");
    shows("Basic ZnJlZDpzZXNhbWU=", "Basic ZnJlZDp***U=");
    shows("c2VzYW1l", "***");
    shows("eDpzZXNhbWU6eQ==", "eDp***U6eQ==");
    close_mask();
}
END_TEST

START_TEST(the_rest_of_a_line_is_hidden)
{
    open_mask();
    hides_rest("PASS ");
    shows("PASS open\r\nNOOP\r\n", "PASS ***\r\nNOOP\r\n");
    shows("pass open", "pass ***");
    shows("the PASS open", "the PASS open");
    shows("USER x\r\nPASS \r\n", "USER x\r\nPASS \r\n");
    close_mask();
}
END_TEST

START_TEST(pieces_are_no_way_round)
{
    open_mask();
    hides("open sesame");
    never_shows("say open sesame now", "sesame");
    never_shows("say open sesame now", "open s");
    never_shows("say b3BlbiBzZXNhbWU= now", "BzZXNhb");
    close_mask();
}
END_TEST

START_TEST(the_rest_of_a_line_may_come_in_pieces)
{
    open_mask();
    hides_rest("PASS ");
    for (const char *const *line = (const char *const[]){"USER x\r\nPASS open\r\nNOOP", "PASS open\r\n", NULL}; *line; line++)
        never_shows(*line, "open");
    close_mask();
}
END_TEST

START_TEST(what_has_no_room_is_cut)
{
    char out[8];
    open_mask();
    hides("sesame");
    ck_assert_uint_eq(crpi_mask_show(&mask, NULL, "123456789", 9, out, sizeof out), 8);
    ck_assert_uint_eq(crpi_mask_show(&mask, NULL, "123456sesame", 12, out, sizeof out), 6);
    close_mask();
}
END_TEST

START_TEST(two_masks_hide_what_each_hides)
{
    crpi_mask both = {0};
    open_mask();
    hides("sesame");
    ck_assert(!crpi_mask_add(vm, &both, "mellon", 6) && !crpi_mask_join(vm, &both, &mask));
    crpi_mask_clear(vm, &mask);
    mask = both;
    shows("mellon and sesame", "*** and ***");
    close_mask();
}
END_TEST

UNIT_MAIN("mask", nothing_is_hidden_by_nothing, a_secret_is_hidden_wherever_it_stands,
               a_short_one_is_hidden_where_it_is_a_word, base64_of_what_has_the_secret_in_it_is_hidden,
               the_rest_of_a_line_is_hidden, pieces_are_no_way_round, the_rest_of_a_line_may_come_in_pieces,
               what_has_no_room_is_cut, two_masks_hide_what_each_hides)
