/* Dialogue: commands out, replies in, over the two ends of a Memory; the protocol is made for the test. */
#include "comms.h"
#include "dialogue.h"

/* A protocol of lines: `ask n` queues "ASK" n times, then takes as many lines and gives the last; `text`
 * sends "TEXT" and takes a text. */
typedef struct speaker {
    crp_module m;
    crpi_dialogue dialogue;
} speaker;

typedef struct talking {
    crp_operation op;
    int64_t left;
    crpi_body body;
    crpi_text text;
} talking;

static const crpi_limit line_limit = {20, "maxLine"}, text_limit = {100000, "maxText"};
static int turns; /* how often a native was entered */

static speaker *prepared(crp_call *c)
{
    speaker *s = (speaker *)crp_self(c);
    s->dialogue.self = &s->m;
    s->dialogue.error_class = 42;
    s->dialogue.violation = 2;
    s->dialogue.excess = 10;
    return s;
}

static crp_status ask(crp_call *c)
{
    talking *t = c->state;
    speaker *s = prepared(c);
    turns++;
    if (c->step == 0) {
        crp_operation_begin(c, &t->op, &s->m, 1000);
        t->left = crp_integer_value(c->args[0]);
        for (int64_t i = 0; i < t->left; i++) {
            crp_status st = crpi_dialogue_command(c, &s->dialogue, "ASK", 3, NULL);
            if (st) return st;
        }
        c->step = 1;
    }
    for (; t->left; t->left--) {
        const unsigned char *line;
        size_t n;
        crp_status st = crpi_dialogue_line(c, &s->dialogue, &line_limit, &line, &n);
        if (st == CRP_AGAIN) return crp_operation_again(c, &t->op, "waiting");
        if (!st) st = crp_string(vm, line, n, &c->result);
        if (!st) st = crpi_dialogue_complete(c, &s->dialogue, false);
        if (st) return st;
    }
    return crp_operation_end(c, &t->op);
}

static crp_status take_text(crp_call *c)
{
    talking *t = c->state;
    speaker *s = prepared(c);
    crp_status st = CRP_OK;
    turns++;
    if (c->step == 0) {
        crp_operation_begin(c, &t->op, &s->m, 1000);
        if ((st = crpi_dialogue_command(c, &s->dialogue, "TEXT", 4, NULL))) return st;
        c->step = 1;
    }
    st = crpi_dialogue_text(c, &s->dialogue, &text_limit, &t->body, crpi_put_text, &t->text);
    if (st == CRP_AGAIN) return crp_operation_again(c, &t->op, "waiting");
    if (!st) st = crpi_dialogue_complete(c, &s->dialogue, true);
    if (!st) st = crpi_text_take(vm, &t->text, &c->result);
    return st ? st : crp_operation_end(c, &t->op);
}

static crp_status command(crp_call *c)
{
    size_t n;
    const char *line = crp_string_data(c->args[0], &n);
    return crpi_dialogue_command(c, &prepared(c)->dialogue, line, n, NULL);
}

static void drop_talking(crp *i, void *state)
{
    crpi_text_free(i, &((talking *)state)->text);
    crp_operation_drop(i, state);
}

static void speaker_drop(crp *i, crp_object *self) { crpi_dialogue_reset(i, &((speaker *)self)->dialogue); }
static void speaker_close(crp *i, crp_module *m) { crpi_dialogue_reset(i, &((speaker *)m)->dialogue); }

static const crp_module_ops speaker_ops = {
    .kind = CRP_KIND_MODULE, .needs_below = "Util", .close = speaker_close};
static const crp_method speaker_methods[] = {
    {"ask", "String (times Integer)", ask, "x", sizeof(talking), crp_operation_mark, drop_talking},
    {"text", "String", take_text, "x", sizeof(talking), crp_operation_mark, drop_talking},
    {"command", "NIL (line String)", command, "x", 0, NULL, NULL},
    CRP_MODULE_METHODS,
    {0},
};
static const crp_property no_properties[] = {{0}};
static const crp_class_def speaker_class = {
    .size = sizeof(crp_class_def),
    .name = "Speaker",
    .help = "x",
    .instance_size = sizeof(speaker),
    .properties = no_properties,
    .methods = speaker_methods,
    .mark = crp_module_mark,
    .drop = speaker_drop,
    .module = &speaker_ops,
};

static crp_word top, near_end, far_end;

static void open_speaker(int64_t capacity)
{
    uint32_t id;
    comms_open();
    expect_ok(crp_define_class(vm, &speaker_class, &id));
    near_end = make("Memory");
    expect_ok(set(near_end, "capacity", number(capacity)));
    far_end = bare_keep(get(near_end, "peer"));
    top = make("Speaker");
    expect_ok(call(STACK(near_end, make("Util"), top), "connect", NULL));
    expect_ok(call(far_end, "connect", NULL));
    turns = 0;
}

static void comes(const char *bytes, size_t n)
{
    crp_word w;
    expect_ok(crp_string(vm, bytes, n, &w));
    expect_ok(call(far_end, "send", NULL, w));
}

#define COMES(literal) comes(literal, sizeof literal - 1)

START_TEST(each_command_gets_its_reply)
{
    open_speaker(65536);
    running r;
    crp_word w, args[] = {number(3)};
    begin(&r, top, "ask", 1, args);
    ck_assert(!step(&r));
    expect_ok(call(far_end, "receive", &w));
    expect_text(w, "ASK\r\nASK\r\nASK\r\n");
    COMES("one\r\ntw");
    ck_assert(!step(&r));
    COMES("o\r");
    ck_assert(!step(&r));
    COMES("\nthree\r\n");
    ck_assert(step(&r) && r.st == CRP_OK);
    expect_text(r.native.call.result, "three");
    comms_close();
}
END_TEST

/* The connection holds 7 bytes each way, so neither side could send all before it reads. */
START_TEST(commands_go_out_while_replies_come_in)
{
    open_speaker(7);
    running r, send;
    crp_word w, args[] = {number(200)}, reply[] = {text("+\r\n")};
    size_t asked = 0, answered = 0, n;
    begin(&r, top, "ask", 1, args);
    begin(&send, far_end, "send", 1, reply);
    bool sent = false;
    for (int i = 0; i < 5000 && !step(&r); i++) {
        running receive;
        crp_word none[] = {number(0)};
        begin(&receive, far_end, "receive", 1, none);
        if (!step(&receive)) end(&receive);
        else if (receive.st == CRP_OK) {
            w = receive.native.call.result;
            crp_string_data(w, &n);
            asked += n;
        }
        crp_clear_error(vm);
        if (answered < asked / 5 && (sent = step(&send))) {
            answered++;
            begin(&send, far_end, "send", 1, reply);
        }
    }
    (void)sent;
    ck_assert(r.st == CRP_OK);
    ck_assert_uint_eq(answered, 200);
    end(&send);
    comms_close();
}
END_TEST

START_TEST(what_nobody_is_owed_is_a_violation)
{
    open_speaker(65536);
    crp_word w;
    COMES("surprise\r\nand more");
    expect_error("42.2: Speaker: the server sent more than it was asked for: \"surprise\"",
                 call(top, "ask", &w, number(1)));
    comms_close();
    open_speaker(65536);
    running r;
    crp_word args[] = {number(1)};
    begin(&r, top, "ask", 1, args);
    ck_assert(!step(&r));
    COMES("one\r\ntwo");
    ck_assert(step(&r));
    ck_assert_str_eq(bare_error(vm), "42.2: Speaker: the server sent more than it was asked for: \"two\"");
    comms_close();
}
END_TEST

START_TEST(a_connection_that_ends_before_the_reply_is_an_error)
{
    open_speaker(65536);
    running r;
    crp_word args[] = {number(1)};
    begin(&r, top, "ask", 1, args);
    ck_assert(!step(&r));
    COMES("half a");
    expect_ok(call(far_end, "disconnect", NULL));
    ck_assert(step(&r));
    ck_assert_str_eq(bare_error(vm),
                     "6.3: Speaker: the server closed the connection before its reply was complete");
    comms_close();
}
END_TEST

START_TEST(lines_and_texts_have_limits)
{
    open_speaker(65536);
    running r;
    crp_word args[] = {number(1)};
    begin(&r, top, "ask", 1, args);
    ck_assert(!step(&r));
    COMES("12345678901234567890\r\n");
    ck_assert(step(&r) && r.st == CRP_OK);
    begin(&r, top, "ask", 1, args);
    ck_assert(!step(&r));
    COMES("12345678901234567890123");
    ck_assert(step(&r));
    ck_assert_str_eq(bare_error(vm), "42.10: Speaker: a line of more than 20 bytes (the property `maxLine`)");
    comms_close();
    open_speaker(1 << 20);
    static char big[120000];
    memset(big, 'x', sizeof big);
    begin(&r, top, "text", 0, NULL);
    ck_assert(!step(&r));
    comes(big, sizeof big);
    ck_assert(step(&r));
    ck_assert_str_eq(bare_error(vm),
                     "42.10: Speaker: a message of more than 100000 bytes (the property `maxText`)");
    comms_close();
}
END_TEST

/* However fast the peer is, a native comes back now and then. */
START_TEST(a_text_that_comes_fast_lets_others_run)
{
    comms_open();
    uint32_t id;
    expect_ok(crp_define_class(vm, &speaker_class, &id));
    crp_word replay = make("Replay"), w;
    top = make("Speaker");
    expect_ok(set(replay, "transcript",
                  text("C: TEXT\nS*1000> 0123456789012345678901234567890123456789\nS> \\r\\n.\\r\\n")));
    expect_ok(call(STACK(replay, make("Util"), top), "connect", NULL));
    expect_ok(set(crp_module_word(crp_below(vm, crp_module_of(vm, top))), "limit", number(1024)));
    turns = 0;
    expect_ok(call(top, "text", &w));
    size_t n;
    crp_string_data(w, &n);
    ck_assert_uint_eq(n, 40002);
    ck_assert_int_ge(turns, 3);
    comms_close();
}
END_TEST

START_TEST(a_command_is_one_line_of_at_most_255_octets)
{
    open_speaker(65536);
    static char line[300];
    memset(line, 'x', 253);
    expect_ok(call(top, "command", NULL, text(line)));
    memset(line, 'x', 254);
    expect_error("1.8: Speaker: a command of 256 octets, where 255 are allowed: nothing was sent",
                 call(top, "command", NULL, text(line)));
    speaker *s = (speaker *)crp_object_of(top);
    expect_ok(crpi_dialogue_fits(vm, &s->dialogue, "`user`", text("fr\ted\xff")));
    expect_error("1.8: Speaker: `user` has a CR, LF or NUL in it: nothing was sent",
                 crpi_dialogue_fits(vm, &s->dialogue, "`user`", text("fred\r")));
    comms_close();
}
END_TEST

static void is_quoted(const char *said, const char *expected)
{
    crp_word w;
    speaker *s = (speaker *)crp_object_of(top);
    expect_ok(crpi_dialogue_quote(vm, &s->dialogue, said, strlen(said), &w));
    expect_text(w, expected);
}

START_TEST(secrets_are_starred_out_of_what_the_peer_said)
{
    open_speaker(65536);
    speaker *s = (speaker *)crp_object_of(top);
    s->dialogue.self = &s->m;
    crpi_dialogue_conceal(vm, &s->dialogue, text("hunter2"));
    crpi_dialogue_conceal(vm, &s->dialogue, text("pw"));
    crpi_dialogue_conceal(vm, &s->dialogue, text(""));
    is_quoted("-ERR hunter2hunter2 is not pw", "-ERR *** is not ***");
    is_quoted("pw,spwan pw2 hunter", "***,spwan pw2 hunter");
    is_quoted("", "");
    static char big[3000];
    memset(big, 'x', sizeof big - 1);
    memcpy(big + CRPI_QUOTED - 5, "hunter2", 7);
    crp_word w;
    size_t n;
    expect_ok(crpi_dialogue_quote(vm, &s->dialogue, big, sizeof big - 1, &w));
    const char *shown = crp_string_data(w, &n);
    ck_assert(n <= CRPI_QUOTED && !memmem(shown, n, "hu", 2));
    comms_close();
}
END_TEST

UNIT_MAIN("dialogue", each_command_gets_its_reply, commands_go_out_while_replies_come_in,
          what_nobody_is_owed_is_a_violation, a_connection_that_ends_before_the_reply_is_an_error,
          lines_and_texts_have_limits, a_text_that_comes_fast_lets_others_run,
          a_command_is_one_line_of_at_most_255_octets, secrets_are_starred_out_of_what_the_peer_said)
