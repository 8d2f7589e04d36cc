/* Pop3: what no transcript can show: time, turns, who may see what, and memory that ends.  The dialogues
 * themselves are in tests/talk. */
#include "comms.h"
#include "pop3.h"

#define LOGON "S: +OK ready\nC: USER fred\nS: +OK\nC: PASS hunter2\nS: +OK\n"

static crp_word pop3, box, near_end, far_end;

static void configure(void)
{
    pop3 = make("Pop3");
    expect_ok(set(pop3, "user", text("fred")));
    expect_ok(set(pop3, "password", text("hunter2")));
    expect_ok(set(pop3, "auth", text("user")));
}

static void open_replay(const char *transcript)
{
    comms_open();
    configure();
    crp_word replay = make("Replay");
    expect_ok(set(replay, "transcript", text(transcript)));
    box = STACK(replay, make("Util"), pop3);
}

static void comes(const char *bytes)
{
    running send;
    crp_word args[] = {text(bytes)};
    begin(&send, far_end, "send", 1, args);
    ck_assert(step(&send) && send.st == CRP_OK);
}

/* The server's end is played by the test, a step at a time. */
static void open_memory(void)
{
    comms_open();
    configure();
    near_end = make("Memory");
    far_end = bare_keep(get(near_end, "peer"));
    box = STACK(near_end, make("Util"), pop3);
    expect_ok(call(far_end, "connect", NULL));
    running r;
    begin(&r, box, "connect", 0, NULL);
    static const char *const replies[] = {"+OK ready\r\n", "+OK\r\n", "+OK\r\n"};
    for (int i = 0; i < 3; i++) {
        ck_assert(!step(&r));
        comes(replies[i]);
    }
    ck_assert_msg(step(&r) && r.st == CRP_OK, "%s", bare_error(vm));
}

/* A step after so many milliseconds have passed. */
static bool step_after(running *r, int64_t milliseconds)
{
    comms_skipped += milliseconds;
    return step(r);
}

/* --- time ------------------------------------------------------------------------------------------ */

START_TEST(the_timeout_is_for_the_whole_of_a_line)
{
    open_memory();
    running r;
    begin(&r, pop3, "noop", 0, NULL);
    ck_assert(!step(&r));
    for (int i = 0; i < 5; i++) {
        comes("+");
        ck_assert(!step_after(&r, 10000));
    }
    comes("OK\r");
    ck_assert(step_after(&r, 10000));
    ck_assert_str_eq(bare_error(vm), "6.1: Pop3: timeout after 60000 ms, waiting for the reply to NOOP");
    expect_error("6.11: Pop3: not connected", call(pop3, "noop", NULL));
    expect_ok(call(box, "disconnect", NULL));
    comms_close();
}
END_TEST

static char kilobyte[1025];

START_TEST(a_slow_big_message_has_its_time_again_with_each_16_kib)
{
    open_memory();
    running r;
    crp_word args[] = {number(1)};
    memset(kilobyte, 'x', 1024);
    begin(&r, pop3, "fetch", 1, args);
    ck_assert(!step(&r));
    comes("+OK\r\n");
    for (int i = 0; i < 200; i++) {
        comes(kilobyte);
        ck_assert_msg(!step_after(&r, 3000), "%s", bare_error(vm));
    }
    comes("\r\n.\r\n");
    ck_assert(step(&r) && r.st == CRP_OK);
    size_t n;
    crp_string_data(r.native.call.result, &n);
    ck_assert_uint_eq(n, 200 * 1024 + 2);
    comms_close();
}
END_TEST

START_TEST(a_trickle_has_not)
{
    open_memory();
    running r;
    crp_word args[] = {number(1)};
    begin(&r, pop3, "fetch", 1, args);
    ck_assert(!step(&r));
    comes("+OK\r\n");
    bool done = false;
    for (int i = 0; i < 100 && !done; i++) {
        comes("a few bytes");
        done = step_after(&r, 1000);
    }
    ck_assert(done);
    ck_assert_str_eq(bare_error(vm), "6.1: Pop3: timeout after 60000 ms, waiting for the reply to RETR");
    comms_close();
}
END_TEST

START_TEST(a_long_listing_has_its_time_again_too)
{
    open_memory();
    running r;
    begin(&r, pop3, "listMailbox", 0, NULL);
    ck_assert(!step(&r));
    comes("+OK\r\n");
    for (int i = 0; i < 4000; i++) {
        comes("1 120\r\n2 200\r\n");
        ck_assert(!step_after(&r, 40));
    }
    comes(".\r\n");
    ck_assert(step(&r) && r.st == CRP_OK);
    comms_close();
}
END_TEST

/* --- turns, states, ends --------------------------------------------------------------------------- */

START_TEST(one_command_after_the_other_has_its_turn)
{
    open_memory();
    running first, second;
    crp_word w;
    begin(&first, pop3, "noop", 0, NULL);
    begin(&second, pop3, "mailboxStatus", 0, NULL);
    ck_assert(!step(&first) && !step(&second));
    expect_ok(call(far_end, "receive", &w));
    expect_text(w, "USER fred\r\nPASS hunter2\r\nNOOP\r\n");
    comms_skipped += 50000;
    comes("+OK\r\n");
    ck_assert(!step(&second) && step(&first) && !step(&second));
    comms_skipped += 50000; /* its time begins with its turn */
    comes("+OK 1 2\r\n");
    ck_assert(step(&second) && second.st == CRP_OK);
    comms_close();
}
END_TEST

START_TEST(what_is_broken_off_closes_the_connection)
{
    open_memory();
    running r;
    begin(&r, pop3, "noop", 0, NULL);
    ck_assert(!step(&r));
    end(&r); /* as cancel and Ctrl-C do */
    expect_error("6.11: Pop3: not connected", call(pop3, "noop", NULL));
    comms_close();
}
END_TEST

START_TEST(before_the_logon_and_after_quit_is_the_wrong_state)
{
    comms_open();
    configure();
    near_end = make("Memory");
    far_end = bare_keep(get(near_end, "peer"));
    crp_word script = make("Util"); /* a layer above: the connect of the stack is its turn, not Pop3's */
    box = STACK(near_end, make("Util"), pop3, script);
    expect_ok(call(far_end, "connect", NULL));
    running r;
    begin(&r, box, "connect", 0, NULL);
    ck_assert(!step(&r));
    expect_error("110.4: Pop3: wrong state: the session is just being begun", call(pop3, "noop", NULL));
    comes("+OK\r\n");
    ck_assert(!step(&r));
    comes("+OK\r\n");
    ck_assert(!step(&r));
    comes("+OK\r\n");
    ck_assert(step(&r) && r.st == CRP_OK);
    begin(&r, box, "disconnect", 0, NULL);
    ck_assert(!step(&r));
    expect_error("110.4: Pop3: wrong state: the session is just being ended", call(pop3, "noop", NULL));
    comes("+OK\r\n");
    ck_assert(step(&r) && r.st == CRP_OK);
    expect_error("6.11: Pop3: not connected", call(pop3, "noop", NULL));
    comms_close();
}
END_TEST

/* --- the stack ------------------------------------------------------------------------------------- */

START_TEST(a_bare_pop3_stands_on_the_stack_that_it_is_given)
{
    comms_open();
    configure();
    crp_word replay = make("Replay"), w;
    expect_ok(set(replay, "transcript", text(LOGON "C: STAT\nS: +OK 2 320\nC: QUIT\nS: +OK bye")));
    box = STACK(replay, make("Util"));
    ck_assert(get(pop3, "stack") == CRP_NIL);
    expect_error("4.1: Pop3: no stack", call(pop3, "connect", NULL));
    expect_ok(set(pop3, "stack", box));
    ck_assert(get(pop3, "stack") == box);
    expect_ok(call(pop3, "connect", NULL));
    expect_ok(call(pop3, "mailboxStatus", &w));
    expect_ok(call(pop3, "disconnect", NULL));
    expect_text(get(pop3, "greeting"), "+OK ready");
    ck_assert(get(replay, "finished") == CRP_TRUE);
    comms_close();
}
END_TEST

START_TEST(anything_but_a_util_below_is_the_wrong_order)
{
    comms_open();
    configure();
    near_end = make("Memory");
    box = STACK(near_end, pop3);
    expect_error("4.1: wrong order of layers: Pop3 needs directly below it a Util. The stack, top first:\n"
                 "    Pop3\n    Memory    <- here",
                 call(box, "connect", NULL));
    comms_close();
}
END_TEST

START_TEST(attributes_of_pop3_are_reached_through_the_stack)
{
    open_replay(LOGON);
    crp_word w;
    expect_ok(call(box, "set", NULL, text("timeout"), number(1234)));
    ck_assert(get(pop3, "timeout") == number(1234));
    expect_ok(call(box, "get", &w, text("user")));
    expect_text(w, "fred");
    expect_error("1.2: property greeting of Pop3 is read only",
                 call(box, "set", NULL, text("greeting"), text("x")));
    expect_error("1.7: property timeout of Pop3: expected 1..86400000", set(pop3, "timeout", number(0)));
    expect_error("1.11: Pop3: property password: expected String, given Integer",
                 set(pop3, "password", number(4711)));
    expect_text(get(pop3, "password"), "hunter2");
    comms_close();
}
END_TEST

/* --- secrets --------------------------------------------------------------------------------------- */

/* A bottom whose peer is far away; nothing more than that. */
static crp_status remote_send(crp_call *c, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    (void)c, (void)m, (void)bytes;
    *taken = n;
    return CRP_OK;
}

static crp_status remote_receive(crp_call *c, crp_module *m, void *bytes, size_t n, size_t *got)
{
    (void)c, (void)n;
    static const char *const replies[] = {"+OK\r\n", "-ERR\r\n"};
    if (m->step == 1 && !m->traffic.bytes_sent) return CRP_AGAIN;
    if (m->step == 2) return CRP_OK;
    memcpy(bytes, replies[m->step], *got = strlen(replies[m->step]));
    m->step++;
    return CRP_OK;
}

static crp_status remote_address(crp *i, crp_object *self, crp_word *out)
{
    (void)self;
    return crp_string_z(i, "192.0.2.1:110", out);
}

static const crp_module_ops remote_ops = {
    .kind = CRP_KIND_MODULE, .flags = CRP_MODULE_BOTTOM, .send = remote_send, .receive = remote_receive};
static const crp_property remote_properties[] = {
    {"peerAddress", "String", CRP_READ | CRP_STACK, 0, NULL, NULL, "x", remote_address, NULL},
    CRP_PROPERTY_LOG,
    {0}};
static const crp_method remote_methods[] = {CRP_MODULE_METHODS, {0}};
static const crp_class_def remote_class = {.size = sizeof(crp_class_def),
                                           .name = "Remote",
                                           .help = "x",
                                           .instance_size = sizeof(crp_module),
                                           .properties = remote_properties,
                                           .methods = remote_methods,
                                           .mark = crp_module_mark,
                                           .module = &remote_ops};

static crp_word remote;

static void open_remote(void)
{
    uint32_t id;
    comms_open();
    configure();
    expect_ok(crp_define_class(vm, &remote_class, &id));
    remote = make("Remote");
    box = STACK(remote, make("Util"), pop3);
}

START_TEST(a_password_goes_in_clear_only_where_that_is_allowed)
{
    open_remote();
    expect_ok(set(pop3, "allowPlaintext", CRP_NIL));
    expect_error("110.9: Pop3: the password was not sent", call(box, "connect", NULL));
    ck_assert_int_eq(crp_module_of(vm, remote)->traffic.bytes_sent, 6); /* CAPA */
    comms_close();
    open_remote();
    expect_ok(set(pop3, "auth", text("auto")));
    expect_error("6.3: ", call(box, "connect", NULL)); /* after USER went out */
    ck_assert_int_eq(crp_module_of(vm, remote)->traffic.bytes_sent, 17);
    comms_close();
}
END_TEST

START_TEST(no_secret_is_printed)
{
    open_memory();
    crp_word w;
    expect_ok(set(pop3, "secret", text("sesame")));
    expect_ok(crp_to_string(vm, pop3, true, &w));
    ck_assert_ptr_null(strstr(crp_string_data(w, NULL), "hunter2"));
    ck_assert_ptr_null(strstr(crp_string_data(w, NULL), "sesame"));
    expect_ok(call(box, "describe", &w));
    ck_assert_ptr_null(strstr(crp_string_data(w, NULL), "hunter2"));
    ck_assert_ptr_null(strstr(crp_string_data(w, NULL), "sesame"));
    ck_assert_ptr_nonnull(strstr(crp_string_data(w, NULL), "password = \"***\""));
    comms_close();
}
END_TEST

/* --- memory ---------------------------------------------------------------------------------------- */

static crp_status session(void)
{
    crp_word w = CRP_NIL, args[] = {number(1)};
    crp_status st = call(box, "connect", NULL);
    if (!st) st = call(pop3, "listMailbox", &w);
    if (!st) st = call_n(pop3, "fetch", &w, 1, args);
    if (!st) st = call(box, "disconnect", NULL);
    crp_word error = crp_pending_error(vm);
    if (st) call(box, "disconnect", NULL); /* a command that could not even be made leaves the session open */
    ck_assert_int_eq(((crpi_pop3 *)crp_object_of(pop3))->state, CRPI_POP3_CLOSED);
    if (st) crp_rethrow(vm, error);
    return st;
}

START_TEST(a_session_without_memory_is_clean)
{
    open_replay(
        LOGON
        "C: LIST\nS: +OK\nS: 1 10\nS: 2 9223372036854775807\nS: .\nC: RETR 1\nS: +OK\nS*200: ..a line\nS: .\n"
        "C: QUIT\nS: +OK");
    crp_status st = CRP_OK;
    BARE_EACH_FAILURE(vm, st, st = session());
    comms_close();
}
END_TEST

START_TEST(a_logon_by_auth_without_memory_is_clean)
{
    open_replay("S: +OK\nC: CAPA\nS: +OK\nS: UIDL\nS: SASL CRAM-MD5\nS: .\nC: AUTH CRAM-MD5\nS: + PDFAeD4=\nC: \\*\n"
                "S: +OK\nC: CAPA\nS: +OK\nS: TOP\nS: .\n"
                "C: LIST\nS: +OK\nS: 1 10\nS: .\nC: RETR 1\nS: +OK\nS: a line\nS: .\nC: QUIT\nS: +OK");
    expect_ok(set(pop3, "auth", text("auto")));
    crp_status st = CRP_OK;
    BARE_EACH_FAILURE(vm, st, st = session());
    comms_close();
}
END_TEST

/* --- computing ------------------------------------------------------------------------------------- */

/* The first message of a SCRAM that wants ten million iterations, with the nonce that the client has sent. */
static void ask_for_many_rounds(void)
{
    crp_word said;
    unsigned char first[256];
    size_t n, length;
    crpi_sasl_bytes message = {0}, line = {0};
    expect_ok(call(far_end, "receive", &said));
    const char *at = strstr(crp_string_data(said, &n), "SHA-1 ") + 6;
    ck_assert(crpi_base64_strict(at, strcspn(at, "\r"), first, &length));
    first[length] = 0;
    expect_ok(crpi_sasl_add_text(vm, &message, strstr((char *)first, "r=")));
    expect_ok(crpi_sasl_add_text(vm, &message, "x,s=QSXCR+Q6sek8bf92,i=10000000"));
    expect_ok(crpi_sasl_add_text(vm, &line, "+ "));
    expect_ok(crpi_sasl_add_base64(vm, &line, message.at, message.n));
    expect_ok(crpi_sasl_add(vm, &line, "\r\n", 3));
    comes((char *)line.at);
    crpi_sasl_wipe(vm, &message);
    crpi_sasl_wipe(vm, &line);
}

static void begin_computing(running *r)
{
    comms_open();
    configure();
    expect_ok(set(pop3, "auth", text("SCRAM-SHA-1")));
    near_end = make("Memory");
    far_end = bare_keep(get(near_end, "peer"));
    box = STACK(near_end, make("Util"), pop3);
    expect_ok(call(far_end, "connect", NULL));
    begin(r, box, "connect", 0, NULL);
    ck_assert(!step(r));
    comes("+OK\r\n");
    ck_assert(!step(r));
    comes("+OK\r\nSASL SCRAM-SHA-1\r\n.\r\n");
    ck_assert(!step(r));
    ask_for_many_rounds();
    for (int i = 0; i < 5; i++) ck_assert_msg(!step(r), "%s", bare_error(vm));
}

START_TEST(a_logon_that_computes_keeps_its_deadline)
{
    running r;
    begin_computing(&r);
    ck_assert(step_after(&r, 60000));
    ck_assert_str_eq(bare_error(vm), "6.1: Pop3: timeout after 60000 ms, waiting for the reply to AUTH");
    ck_assert_int_eq(((crpi_pop3 *)crp_object_of(pop3))->state, CRPI_POP3_CLOSED);
    comms_close();
}
END_TEST

START_TEST(a_logon_that_computes_may_be_broken_off)
{
    running r;
    begin_computing(&r);
    end(&r);
    ck_assert_ptr_null(((crpi_pop3 *)crp_object_of(pop3))->sasl.scram);
    expect_error("6.11: Pop3: not connected", call(pop3, "noop", NULL));
    comms_close();
}
END_TEST

UNIT_MAIN("pop3", the_timeout_is_for_the_whole_of_a_line,
          a_slow_big_message_has_its_time_again_with_each_16_kib, a_trickle_has_not,
          a_long_listing_has_its_time_again_too, one_command_after_the_other_has_its_turn,
          what_is_broken_off_closes_the_connection, before_the_logon_and_after_quit_is_the_wrong_state,
          a_bare_pop3_stands_on_the_stack_that_it_is_given, anything_but_a_util_below_is_the_wrong_order,
          attributes_of_pop3_are_reached_through_the_stack,
          a_password_goes_in_clear_only_where_that_is_allowed, no_secret_is_printed,
          a_session_without_memory_is_clean, a_logon_by_auth_without_memory_is_clean,
          a_logon_that_computes_keeps_its_deadline, a_logon_that_computes_may_be_broken_off)
