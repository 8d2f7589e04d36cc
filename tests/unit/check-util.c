/* Util: lines and blocks over the two ends of a Memory, and parity, limits, traffic groups. */
#include "comms.h"

static crp_word util, near_end, far_end;

static void open_pair(void)
{
    comms_open();
    util = make("Util");
    near_end = make("Memory");
    far_end = bare_keep(get(near_end, "peer"));
    expect_ok(call(STACK(near_end, util), "connect", NULL));
    expect_ok(call(far_end, "connect", NULL));
}

static void comes(const char *bytes, size_t n)
{
    crp_word w;
    expect_ok(crp_string(vm, bytes, n, &w));
    expect_ok(call(far_end, "send", NULL, w));
}

#define COMES(literal) comes(literal, sizeof literal - 1)

static crp_word pending(void)
{
    return number((int64_t)crp_ops_of(vm, crp_module_of(vm, util))->pending(vm, crp_module_of(vm, util)));
}

START_TEST(receive_line_gives_lines_without_their_ends)
{
    open_pair();
    crp_word w;
    COMES("one\r\ntwo\n\r\nfour");
    expect_ok(call(util, "receiveLine", &w));
    expect_text(w, "one");
    expect_ok(call(util, "receiveLine", &w));
    expect_text(w, "two");
    expect_ok(call(util, "receiveLine", &w));
    expect_text(w, "");
    expect_error("6.1: Util: timeout after 500 ms, receiving a line",
                 call(util, "receiveLine", &w, number(500)));
    ck_assert(pending() == number(4));
    COMES("th\r");
    expect_error("6.1: ", call(util, "receiveLine", &w, number(0)));
    COMES("\n");
    expect_ok(call(util, "receiveLine", &w));
    expect_text(w, "fourth");
    comms_close();
}
END_TEST

START_TEST(receive_until_includes_the_text_and_leaves_the_rest)
{
    open_pair();
    crp_word w;
    COMES("a--");
    expect_error("6.1: ", call(util, "receiveUntil", &w, text("--END"), number(10)));
    COMES("--EN");
    expect_error("6.1: ", call(util, "receiveUntil", &w, text("--END"), number(10)));
    COMES("Drest");
    expect_ok(call(util, "receiveUntil", &w, text("--END")));
    expect_text(w, "a----END");
    expect_ok(call(util, "receive", &w));
    expect_text(w, "rest");
    expect_error("1.8: receiveUntil: the text is empty", call(util, "receiveUntil", &w, text("")));
    comms_close();
}
END_TEST

START_TEST(receive_n_gives_exactly_n_bytes)
{
    open_pair();
    crp_word w;
    COMES("12345");
    expect_ok(call(util, "receiveN", &w, number(0)));
    expect_text(w, "");
    expect_ok(call(util, "receiveN", &w, number(4)));
    expect_text(w, "1234");
    expect_error("6.1: ", call(util, "receiveN", &w, number(2), number(1)));
    expect_error("1.8: Util: receiveN: expected 0 to 16777216 bytes", call(util, "receiveN", &w, number(-1)));
    COMES("6");
    expect_ok(call(util, "receiveN", &w, number(2)));
    expect_text(w, "56");
    comms_close();
}
END_TEST

START_TEST(a_call_that_waits_goes_on_when_bytes_come)
{
    open_pair();
    running r;
    crp_word args[] = {text("END")};
    begin(&r, util, "receiveUntil", 1, args);
    for (const char *p = "a lon\0g text EEN"; p < "a lon\0g text EEN" + 16; p++) {
        comes(p, 1);
        ck_assert(!step(&r));
    }
    COMES("DENDE");
    ck_assert(step(&r) && r.st == CRP_OK);
    size_t n;
    crp_string_data(r.native.call.result, &n);
    ck_assert_uint_eq(n, 17);
    ck_assert(pending() == number(4));
    comms_close();
}
END_TEST

START_TEST(the_end_of_the_data_is_an_error_of_the_readers_and_nil_of_receive)
{
    open_pair();
    crp_word w;
    COMES("rest");
    expect_ok(call(far_end, "disconnect", NULL));
    expect_error("6.3: Util: the connection was closed, receiving a line; 4 bytes had come",
                 call(util, "receiveLine", &w));
    expect_error("6.3: ", call(util, "receiveN", &w, number(5)));
    expect_error("6.3: ", call(util, "receiveUntil", &w, text("x")));
    expect_ok(call(util, "receiveN", &w, number(4)));
    expect_text(w, "rest");
    expect_ok(call(util, "receive", &w));
    ck_assert(w == CRP_NIL);
    comms_close();
}
END_TEST

START_TEST(unread_puts_data_before_what_is_held)
{
    open_pair();
    crp_word w;
    COMES("three\n");
    expect_ok(call(util, "unread", NULL, text("two ")));
    expect_ok(call(util, "unread", NULL, text("one ")));
    expect_ok(call(util, "receiveLine", &w));
    expect_text(w, "one two three");
    expect_error("1.11: unread: expected a String", call(util, "unread", NULL, number(1)));
    comms_close();
}
END_TEST

START_TEST(what_waits_to_be_read_is_bounded_by_limit)
{
    open_pair();
    static char many[3000];
    crp_word w;
    memset(many, 'x', sizeof many);
    expect_ok(set(util, "limit", number(2000)));
    comes(many, sizeof many);
    expect_error("6.3: Util: 2000 bytes wait to be read: the property `limit` allows no more",
                 call(util, "receiveLine", &w));
    expect_error("1.8: Util: receiveN: expected 0 to 2000 bytes", call(util, "receiveN", &w, number(2001)));
    expect_ok(crp_string(vm, many, 2001, &w));
    expect_error("1.8: Util: unread of 2001 bytes", call(util, "unread", NULL, w));
    expect_error("1.7: ", set(util, "limit", number(5)));
    expect_ok(call(util, "receiveN", &w, number(2000)));
    expect_ok(call(util, "receiveN", &w, number(1000)));
    comms_close();
}
END_TEST

START_TEST(parity_is_imposed_both_ways)
{
    open_pair();
    crp_word w;
    size_t n;
    expect_ok(set(util, "readParity", text("strip")));
    COMES("\xc1\x42\xff\n");
    expect_ok(call(util, "receiveLine", &w));
    expect_text(w, "AB\x7f");
    expect_ok(set(util, "writeParity", text("even")));
    expect_ok(call(util, "send", NULL, text("AC")));
    expect_ok(call(far_end, "receive", &w));
    expect_text(w, "A\xc3");
    expect_ok(set(util, "writeParity", text("odd")));
    expect_ok(call(util, "send", NULL, text("AC")));
    expect_ok(call(far_end, "receive", &w));
    const char *bytes = crp_string_data(w, &n);
    ck_assert(n == 2 && bytes[0] == '\xc1' && bytes[1] == 'C');
    expect_error("1.8: property writeParity of Util: expected odd|even|strip|preserve",
                 set(util, "writeParity", text("none")));
    comms_close();
}
END_TEST

START_TEST(a_traffic_group_adds_up_its_members)
{
    open_pair();
    crp_word w, other = make("Util"), m = make("Memory");
    expect_ok(call(STACK(m, other), "connect", NULL));
    expect_ok(set(util, "trafficGroup", text("mail")));
    expect_ok(set(other, "trafficGroup", text("mail")));
    expect_ok(call(util, "send", NULL, text("12345")));
    expect_ok(call(other, "send", NULL, text("123")));
    COMES("x\n");
    expect_ok(call(util, "receiveLine", &w));
    expect_ok(call(util, "traffic", &w, text("mail")));
    ck_assert(get(w, "bytesSent") == number(8) && get(w, "packetsSent") == number(2));
    ck_assert(get(w, "bytesReceived") == number(2) && get(w, "timeSinceReceived") == number(0));
    expect_ok(call(util, "resetTraffic", NULL, text("mail")));
    expect_ok(call(util, "traffic", &w, text("mail")));
    ck_assert(get(w, "bytesSent") == number(0) && get(w, "idle") == number(-1));
    expect_ok(call(util, "traffic", &w, text("none of these")));
    ck_assert(get(w, "bytesSent") == number(0));
    expect_text(get(util, "trafficGroup"), "mail");
    comms_close();
}
END_TEST

/* --- for layers above ----------------------------------------------------------------------------------- */

START_TEST(a_layer_above_reads_lines_where_they_lie)
{
    open_pair();
    crp_module *u = crp_module_of(vm, util);
    crp_call c = {.vm = vm, .self = util};
    crpi_native n = {.call = c, .deadline = CRP_NO_DEADLINE};
    const unsigned char *line;
    size_t length;
    COMES("+OK one\r\n+OK two\r\npart");
    ck_assert_int_eq(crp_util_line(&n.call, u, 100, &line, &length), CRP_OK);
    ck_assert_uint_eq(length, 9);
    ck_assert_mem_eq(line, "+OK one\r\n", 9);
    ck_assert_int_eq(crp_util_line(&n.call, u, 5, &line, &length), CRP_OK);
    ck_assert_uint_gt(length, 5);
    ck_assert_int_eq(crp_util_line(&n.call, u, 100, &line, &length), CRP_OK);
    ck_assert_mem_eq(line, "+OK two\r\n", 9);
    ck_assert_int_eq(crp_util_line(&n.call, u, 100, &line, &length), CRP_AGAIN);
    ck_assert_uint_eq(length, 0);
    ck_assert_mem_eq(crp_util_peek(u, &length), "part", 4);
    crp_util_consume(u, 2);
    ck_assert_mem_eq(crp_util_peek(u, &length), "rt", 2);
    expect_ok(call(far_end, "disconnect", NULL));
    ck_assert_int_eq(crp_util_line(&n.call, u, 100, &line, &length), CRP_OK);
    ck_assert_uint_eq(length, 0);
    comms_close();
}
END_TEST

START_TEST(a_big_body_passes_through_in_big_reads)
{
    open_pair();
    static unsigned char block[65536];
    size_t sent = 0, seen = 0, fills = 0, n;
    crp_module *u = crp_module_of(vm, util), *far_module = crp_module_of(vm, far_end);
    crpi_native c = {.call = {.vm = vm, .self = util}, .deadline = CRP_NO_DEADLINE};
    while (seen < 8 << 20) {
        size_t taken = 0;
        for (size_t i = 0; i < sizeof block; i++) block[i] = (unsigned char)((sent + i) * 31 >> 3);
        bool end;
        c.fd_count = 0;
        if (crpi_layer_send(&c.call, far_module, block, sizeof block, &taken) == CRP_OK) sent += taken;
        if (crp_util_fill(&c.call, u, &end) != CRP_OK) continue;
        fills++;
        const unsigned char *at = crp_util_peek(u, &n);
        for (size_t i = 0; i < n; i++) ck_assert_uint_eq(at[i], (unsigned char)((seen + i) * 31 >> 3));
        seen += n;
        crp_util_consume(u, n);
    }
    ck_assert_uint_lt(fills, 200); /* 65536 at a time, but for the first */
    comms_close();
}
END_TEST

START_TEST(every_failing_allocation_is_a_clean_error)
{
    open_pair();
    crp_word w;
    crp_status st = CRP_OK;
    for (int i = 0; i < 100; i++) COMES("0123456789012345678901234567890123456789\r\n");
    BARE_EACH_FAILURE(vm, st, st = call(util, "receiveLine", &w));
    ck_assert_int_eq(st, CRP_OK);
    comms_close();
}
END_TEST

UNIT_MAIN("util", receive_line_gives_lines_without_their_ends,
          receive_until_includes_the_text_and_leaves_the_rest, receive_n_gives_exactly_n_bytes,
          a_call_that_waits_goes_on_when_bytes_come,
          the_end_of_the_data_is_an_error_of_the_readers_and_nil_of_receive,
          unread_puts_data_before_what_is_held, what_waits_to_be_read_is_bounded_by_limit,
          parity_is_imposed_both_ways, a_traffic_group_adds_up_its_members,
          a_layer_above_reads_lines_where_they_lie, a_big_body_passes_through_in_big_reads,
          every_failing_allocation_is_a_clean_error)
