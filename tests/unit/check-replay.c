/* Replay: transcripts as the peer. */
#include "comms.h"

static crp_word replay, util;

static void open_replay(const char *transcript)
{
    comms_open();
    util = make("Util");
    replay = make("Replay");
    expect_ok(set(replay, "transcript", text(transcript)));
    STACK(replay, util);
    expect_ok(call(util, "connect", NULL));
}

static void expect_line(const char *expected)
{
    crp_word w;
    expect_ok(call(util, "receiveLine", &w, number(50)));
    expect_text(w, expected);
}

static crp_status send(const char *line) { return call(util, "send", NULL, text(line)); }

START_TEST(a_dialogue_is_played_as_written)
{
    open_replay(
        "# a comment\nS: +OK ready\nC: USER fred\nS: +OK\r\nC> QU\nC> IT\\r\\n\nS> +OK \nS> bye\\r\\n\n");
    expect_line("+OK ready");
    expect_error("6.1: ", call(util, "receiveLine", NULL, number(10)));
    ck_assert(get(replay, "finished") == CRP_NIL);
    expect_ok(send("USER "));
    expect_ok(send("fred\r\n"));
    expect_line("+OK");
    expect_ok(send("QUIT\r\n"));
    expect_line("+OK bye");
    crp_word w;
    expect_ok(call(util, "receive", &w));
    ck_assert(w == CRP_NIL && get(replay, "finished") == CRP_TRUE);
    expect_ok(call(util, "disconnect", NULL));
    comms_close();
}
END_TEST

START_TEST(escapes_and_repetitions_are_undone)
{
    open_replay("S> a\\x00\\\\\\t\\0b\\xfF\n@close");
    crp_word w;
    size_t n;
    expect_ok(call(util, "receive", &w));
    const char *bytes = crp_string_data(w, &n);
    ck_assert(n == 7 && !memcmp(bytes, "a\0\\\t\0b\xff", 7));
    comms_close();
    open_replay("S*3: line\nS*2> xy");
    for (int i = 0; i < 3; i++) expect_line("line");
    expect_ok(call(util, "receive", &w));
    expect_text(w, "xyxy");
    comms_close();
}
END_TEST

START_TEST(what_the_client_sends_must_be_the_transcript)
{
    open_replay("S: hello\nC: USER fred\nS: bye");
    expect_line("hello");
    expect_error("6.4: Replay: transcript line 2: expected \"USER fred\\r\\n\", from byte 0 on the client "
                 "sent \"USER joe",
                 send("USER joe\r\n"));
    comms_close();
    open_replay("S: hello\nC: A");
    expect_line("hello");
    expect_ok(send("A\r\n"));
    expect_error("6.4: Replay: the transcript expects no more from the client, which sent \"B\"", send("B"));
    comms_close();
}
END_TEST

START_TEST(a_client_that_sends_before_it_has_read_is_refused_unless_pipelined)
{
    open_replay("S: hello\nC: A\nS: a\nC: B");
    expect_error("6.4: Replay: transcript line 2: the client sends this before it has read line 1",
                 send("A\r\n"));
    comms_close();
    open_replay("@pipelined\nS: hello\nC: A\nS: a\nC: B\nS: b");
    expect_ok(send("A\r\nB\r\n"));
    expect_line("hello");
    expect_line("a");
    expect_line("b");
    comms_close();
}
END_TEST

START_TEST(a_client_that_leaves_early_is_told_so)
{
    open_replay("S: hello\nC: QUIT\nS: bye");
    expect_line("hello");
    expect_error("6.5: Replay: transcript line 2: the client has not sent this",
                 call(util, "disconnect", NULL));
    expect_ok(call(util, "disconnect", NULL));
    comms_close();
}
END_TEST

START_TEST(bytes_come_singly_or_in_random_pieces)
{
    static const char *const kinds[] = {"whole", "bytes", "random"};
    for (int k = 0; k < 3; k++) {
        comms_open();
        util = make("Util");
        replay = make("Replay");
        expect_ok(set(replay, "transcript", text("S*20: a line of some length\nC: Q\nS: bye")));
        expect_ok(set(replay, "chunking", text(kinds[k])));
        expect_ok(set(replay, "seed", number(5)));
        STACK(replay, util);
        expect_ok(call(util, "connect", NULL));
        comms_waits = 0;
        for (int i = 0; i < 20; i++) expect_line("a line of some length");
        if (k == 0) ck_assert_uint_eq(comms_waits, 0);
        if (k == 1) ck_assert_uint_eq(comms_waits, 20 * 23);
        if (k == 2) ck_assert(comms_waits > 5 && comms_waits < 20 * 23);
        expect_ok(send("Q\r\n"));
        expect_line("bye");
        comms_close();
    }
}
END_TEST

START_TEST(a_cut_ends_the_data_after_any_byte)
{
    for (int cut = 0; cut < 14; cut++) {
        comms_open();
        util = make("Util");
        replay = make("Replay");
        expect_ok(set(replay, "transcript", text("S: hello\nC: Q\nS: bye\nC: R")));
        expect_ok(set(replay, "cut", number(cut)));
        STACK(replay, util);
        expect_ok(call(util, "connect", NULL));
        crp_status st = call(util, "receiveLine", NULL);
        if (cut < 7)
            expect_error("6.3: Util: the connection was closed", st);
        else
            expect_ok(st);
        if (cut >= 7) {
            expect_ok(send("Q\r\n"));
            st = call(util, "receiveLine", NULL);
            if (cut < 12)
                expect_error("6.3: ", st);
            else
                expect_ok(st);
        }
        if (cut < 12) expect_ok(call(util, "disconnect", NULL));
        comms_close();
    }
}
END_TEST

START_TEST(silence_reset_and_close_are_what_they_say)
{
    open_replay("S: hello\n@silence");
    expect_line("hello");
    int64_t before = comms_skipped;
    expect_error("6.1: Util: timeout after 3600000 ms", call(util, "receiveLine", NULL, number(3600000)));
    ck_assert(comms_skipped - before >= 3590000); /* without waiting for it */
    comms_close();
    open_replay("S: hello\n@reset");
    expect_line("hello");
    expect_error("6.3: Replay: receive failed: connection reset", call(util, "receiveLine", NULL));
    comms_close();
}
END_TEST

START_TEST(a_transcript_that_is_none_is_refused_with_its_line)
{
    static const struct {
        const char *transcript, *error;
    } bad[] = {
        {"hello", "4.1: transcript line 1: expected S, C, @ or #"},
        {"S: a\nSx", "4.1: transcript line 2: expected `S:`, `S>`, `C:` or `C>`"},
        {"S: \\q", "4.1: transcript line 1: expected \\r \\n"},
        {"S: \\x1", "4.1: transcript line 1: expected \\r \\n"},
        {"@nothing", "4.1: transcript line 1: expected @whole"},
        {"\n\n@cut x", "4.1: transcript line 3: expected a number"},
        {"S*0: x", "4.1: transcript line 1: expected 1 to"},
    };
    comms_open();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        replay = make("Replay");
        expect_ok(set(replay, "transcript", text(bad[i].transcript)));
        expect_error(bad[i].error, call(replay, "connect", NULL));
    }
    expect_ok(set(replay, "file", text("/nonexistent/file")));
    expect_error("5.1: Replay: cannot read the transcript \"/nonexistent/file\": no such file",
                 call(replay, "connect", NULL));
    comms_close();
}
END_TEST

START_TEST(every_failing_allocation_of_a_dialogue_is_a_clean_error)
{
    comms_open();
    util = make("Util");
    replay = make("Replay");
    expect_ok(set(replay, "transcript", text("S: hello\nC: QUIT\nS: bye")));
    STACK(replay, util);
    crp_word quit = text("QUIT\r\n");
    for (uint64_t n = 1;; n++) {
        crp_clear_error(vm);
        bare_forget(vm);
        uint64_t before = vm->mem.count;
        vm->mem.fail_at = before + n;
        crp_status st = call(util, "connect", NULL);
        if (!st) st = call(util, "receiveLine", NULL);
        if (!st) st = call(util, "send", NULL, quit);
        if (!st) st = call(util, "receiveLine", NULL);
        bool came = vm->mem.count >= vm->mem.fail_at;
        vm->mem.fail_at = 0;
        if (st)
            crp_close_stack(vm, crp_module_of(vm, util));
        else
            expect_ok(call(util, "disconnect", NULL));
        if (!came) break;
        if (st) ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
    }
    comms_close();
}
END_TEST

UNIT_MAIN("replay", a_dialogue_is_played_as_written, escapes_and_repetitions_are_undone,
          what_the_client_sends_must_be_the_transcript,
          a_client_that_sends_before_it_has_read_is_refused_unless_pipelined,
          a_client_that_leaves_early_is_told_so, bytes_come_singly_or_in_random_pieces,
          a_cut_ends_the_data_after_any_byte, silence_reset_and_close_are_what_they_say,
          a_transcript_that_is_none_is_refused_with_its_line,
          every_failing_allocation_of_a_dialogue_is_a_clean_error)
