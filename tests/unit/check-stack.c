/* CommsStack: structure, walks, attributes, order, turns. */
#include "comms.h"

/* --- a module that writes down what is done with it ----------------------------------------------------- */

static char record[512];

typedef struct probe {
    crp_module m;
    crp_word name, size;
    int agains; /* how often connect says AGAIN */
    int fail;   /* connect fails */
    size_t held;
} probe;

static void note(crp_module *m, const char *what)
{
    const char *name = crp_string_data(((probe *)m)->name, NULL);
    snprintf(record + strlen(record), sizeof record - strlen(record), "%s %s;", name, what);
}

static crp_status probe_connect(crp_call *c, crp_module *m)
{
    probe *p = (probe *)m;
    if (p->agains-- > 0) {
        crp_wait_until(c, crp_now(vm));
        return CRP_AGAIN;
    }
    note(m, "connect");
    return p->fail ? crp_module_raise(vm, m, CRP_ERR_COMMS, CRP_CONNECT_FAILED, "told to") : CRP_OK;
}

static crp_status probe_disconnect(crp_call *c, crp_module *m)
{
    (void)c;
    note(m, "goodbye");
    return ((probe *)m)->fail ? crp_module_raise(vm, m, CRP_ERR_COMMS, CRP_DISCONNECT_FAILED, "told to")
                              : CRP_OK;
}

static void probe_close(crp *i, crp_module *m)
{
    (void)i;
    note(m, "close");
}

static crp_status probe_send(crp_call *c, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    (void)c, (void)bytes;
    note(m, "send");
    *taken = n > 3 ? 3 : n;
    return CRP_OK;
}

static size_t probe_pending(crp *i, const crp_module *m)
{
    (void)i;
    return ((const probe *)m)->held;
}

static const crp_module_ops bottom_ops = {.kind = CRP_KIND_MODULE,
                                          .flags = CRP_MODULE_BOTTOM,
                                          .connect = probe_connect,
                                          .disconnect = probe_disconnect,
                                          .close = probe_close,
                                          .send = probe_send};
static const crp_module_ops middle_ops = {.kind = CRP_KIND_MODULE,
                                          .connect = probe_connect,
                                          .disconnect = probe_disconnect,
                                          .close = probe_close,
                                          .pending = probe_pending};
static const crp_module_ops empty_ops = {.kind = CRP_KIND_MODULE};
static const crp_module_ops top_ops = {.kind = CRP_KIND_MODULE,
                                       .flags = CRP_MODULE_STACK,
                                       .needs_below = "Middle",
                                       .connect = probe_connect,
                                       .disconnect = probe_disconnect,
                                       .close = probe_close};

static const crp_property top_rows[] = {
    {"name", "String", CRP_RW | CRP_STACK, offsetof(probe, name), NULL, NULL, "its name", NULL, NULL},
    {"size", "Integer", CRP_RW | CRP_STACK | CRP_CONFIG, offsetof(probe, size), "7", "1..100", "a number",
     NULL, NULL},
    {"password", "String", CRP_RW | CRP_STACK | CRP_SECRET, offsetof(crp_module, under) + 200, "\"x\"", NULL,
     "a secret", NULL, NULL},
    CRP_PROPERTY_LOG,
    CRP_PROPERTY_STACK,
    {0},
};
static const crp_property rows[] = {
    {"name", "String", CRP_RW | CRP_STACK, offsetof(probe, name), NULL, NULL, "its name", NULL, NULL},
    {"depthOfTen", "Integer", CRP_RW | CRP_STACK, offsetof(probe, size), "10", NULL, "a number", NULL, NULL},
    {"readOnly", "Integer", CRP_READ | CRP_STACK, offsetof(probe, size), "10", NULL, "a number", NULL, NULL},
    CRP_PROPERTY_LOG,
    {0},
};
static const crp_method verbs[] = {CRP_MODULE_METHODS, {0}};

#define DEFINE(NAME, OPS, ROWS) \
    { \
        .size = sizeof(crp_class_def), .name = NAME, .help = "x", .instance_size = sizeof(probe) + 400, \
        .properties = ROWS, .methods = verbs, .mark = crp_module_mark, .module = OPS \
    }

static const crp_class_def defs[] = {DEFINE("Bottom", &bottom_ops, rows), DEFINE("Middle", &middle_ops, rows),
                                     DEFINE("Empty", &empty_ops, rows), DEFINE("Top", &top_ops, top_rows)};

static void open_probes(void)
{
    comms_open();
    for (size_t i = 0; i < sizeof defs / sizeof *defs; i++) {
        uint32_t id;
        expect_ok(crp_define_class(vm, &defs[i], &id));
    }
    record[0] = 0;
}

static crp_word probe_of(const char *class_name, const char *name)
{
    crp_word w = make(class_name);
    expect_ok(set(w, "name", text(name)));
    return w;
}

static probe *at(crp_word w) { return (probe *)crp_object_of(w); }

static void expect_record(const char *expected)
{
    ck_assert_str_eq(record, expected);
    record[0] = 0;
}

/* --- structure ------------------------------------------------------------------------------------------ */

START_TEST(push_pop_depth_top_and_bottom_agree)
{
    open_probes();
    crp_word b = probe_of("Bottom", "b"), t = probe_of("Middle", "m"), s = make("CommsStack"), w;
    ck_assert_int_eq(crp_integer_value(get(s, "depth")), 0);
    ck_assert(get(s, "top") == CRP_NIL && get(s, "bottom") == CRP_NIL);
    expect_ok(call(s, "push", NULL, b));
    expect_ok(call(s, "push", NULL, t));
    ck_assert_int_eq(crp_integer_value(get(s, "depth")), 2);
    ck_assert(get(s, "top") == t && get(s, "bottom") == b);
    expect_ok(call(s, "pop", &w));
    ck_assert(w == t && get(s, "top") == b);
    expect_ok(call(s, "pop", &w));
    ck_assert(w == b && crp_integer_value(get(s, "depth")) == 0);
    expect_error("1.2: pop from an empty stack", call(s, "pop", NULL));
    comms_close();
}
END_TEST

START_TEST(only_a_module_that_stands_nowhere_can_be_pushed)
{
    open_probes();
    crp_word b = probe_of("Bottom", "b"), s = STACK(b);
    expect_error("1.2: this Bottom stands on a stack already", call(make("CommsStack"), "push", NULL, b));
    expect_error("1.11: a stack holds comms modules, not String", call(s, "push", NULL, text("x")));
    expect_error("1.11: a stack holds comms modules, not CommsStack", call(s, "push", NULL, s));
    comms_close();
}
END_TEST

START_TEST(a_stack_has_at_most_64_layers)
{
    open_probes();
    crp_word s = make("CommsStack");
    for (int i = 0; i < 64; i++) {
        bare_kept_count = 1;
        expect_ok(call(s, "push", NULL, make("Middle")));
    }
    expect_error("4.1: a stack has at most 64 layers", call(s, "push", NULL, make("Middle")));
    comms_close();
}
END_TEST

START_TEST(insert_puts_a_module_directly_below_the_one_named)
{
    open_probes();
    crp_word b = probe_of("Bottom", "b"), t = probe_of("Middle", "m"), e = make("Empty"), s = STACK(b, t);
    expect_ok(call(s, "insert", NULL, e, text("Middle")));
    ck_assert(at(t)->m.below == e && at(e)->m.below == b && at(b)->m.above == e && at(e)->m.above == t);
    ck_assert_int_eq(crp_integer_value(get(s, "depth")), 3);
    expect_error("1.4: no such layer on this stack: \"Nothing\"",
                 call(s, "insert", NULL, make("Empty"), text("Nothing")));
    comms_close();
}
END_TEST

START_TEST(nothing_is_inserted_below_unread_input)
{
    open_probes();
    crp_word b = probe_of("Bottom", "b"), m = probe_of("Middle", "m"), e = make("Empty"), s = STACK(b, m, e);
    at(m)->held = 5;
    expect_error("6.3: Empty cannot be inserted below Middle: Middle holds 5 bytes",
                 call(s, "insert", NULL, make("Empty"), m));
    expect_ok(call(s, "insert", NULL, make("Empty"),
                   e)); /* above the reader: what it holds goes through the new one */
    at(m)->held = 0;
    expect_ok(call(s, "insert", NULL, make("Empty"), m));
    ck_assert_int_eq(crp_integer_value(get(s, "depth")), 5);
    comms_close();
}
END_TEST

START_TEST(a_module_with_unread_input_is_not_popped)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), s = STACK(probe_of("Bottom", "b"), m);
    at(m)->held = 1;
    expect_error("6.3: pop: Middle holds 1 bytes", call(s, "pop", NULL));
    comms_close();
}
END_TEST

/* --- walks ---------------------------------------------------------------------------------------------- */

START_TEST(connect_goes_up_and_disconnect_down_and_all_are_closed)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), b = probe_of("Bottom", "b"), s = STACK(b, make("Empty"), m);
    expect_ok(call(s, "connect", NULL));
    expect_record("b connect;m connect;");
    ck_assert(at(m)->m.connected && at(b)->m.connected);
    expect_ok(call(s, "connect", NULL));
    expect_record("");
    expect_ok(call(s, "disconnect", NULL));
    expect_record("m goodbye;b goodbye;m close;b close;");
    ck_assert(!at(m)->m.connected && !at(b)->m.connected);
    expect_ok(call(s, "disconnect", NULL));
    expect_record("m close;b close;");
    comms_close();
}
END_TEST

START_TEST(connect_goes_on_after_each_wait)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), b = probe_of("Bottom", "b"), s = STACK(b, m);
    at(m)->agains = 3;
    at(b)->agains = 2;
    expect_ok(call(s, "connect", NULL));
    expect_record("b connect;m connect;");
    comms_close();
}
END_TEST

START_TEST(a_failed_connect_closes_all)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), b = probe_of("Bottom", "b"), s = STACK(b, m);
    at(m)->fail = 1;
    expect_error("6.2: Middle: told to", call(s, "connect", NULL));
    ck_assert(strstr(record, "b connect;m connect;m close;b close;") == record);
    ck_assert(!at(m)->m.connected && !at(b)->m.connected && !at(m)->m.locks);
    expect_error("6.11: Bottom: not connected", call(s, "send", NULL, text("x")));
    comms_close();
}
END_TEST

START_TEST(a_connect_that_never_ends_is_a_timeout_and_closes_all)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), b = probe_of("Bottom", "b"), s = STACK(b, m);
    running r;
    at(m)->agains = 1 << 30;
    begin(&r, s, "connect", 0, NULL);
    ck_assert(!step(&r));
    comms_skipped += 59000;
    ck_assert(!step(&r));
    comms_skipped += 2000;
    ck_assert(step(&r));
    ck_assert_int_ge(r.st, CRP_E_SYNTAX);
    ck_assert_msg(!strncmp(bare_error(vm), "6.1: Middle: timeout after 60000 ms, connecting", 40), "%s",
                  bare_error(vm));
    ck_assert(!at(b)->m.connected && !at(m)->m.connecting);
    comms_close();
}
END_TEST

START_TEST(disconnect_closes_all_after_a_failed_goodbye_and_raises_it)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), b = probe_of("Bottom", "b"), s = STACK(b, m);
    expect_ok(call(s, "connect", NULL));
    record[0] = 0;
    at(m)->fail = 1;
    expect_error("6.5: Middle: told to", call(s, "disconnect", NULL));
    expect_record("m goodbye;b goodbye;m close;b close;");
    comms_close();
}
END_TEST

START_TEST(an_empty_slot_is_the_next_layer_below)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), b = probe_of("Bottom", "b"), s = STACK(b, make("Empty"), m);
    expect_error("6.11: Bottom: not connected", call(s, "send", NULL, text("hello")));
    expect_ok(call(s, "connect", NULL));
    record[0] = 0;
    expect_ok(call(s, "send", NULL, text("hello")));
    expect_record("b send;b send;");
    ck_assert_int_eq(at(b)->m.traffic.bytes_sent, 5);
    ck_assert_int_eq(at(b)->m.traffic.packets_sent, 2);
    expect_error("4.1: no layer can receive", call(s, "receive", NULL));
    expect_error("1.11: send: expected a String, Binary or Buffer, given Integer",
                 call(s, "send", NULL, number(1)));
    comms_close();
}
END_TEST

START_TEST(one_task_at_a_time_connects_a_stack)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), s = STACK(probe_of("Bottom", "b"), m);
    running first, second;
    at(m)->agains = 1;
    begin(&first, s, "connect", 0, NULL);
    ck_assert(!step(&first));
    begin(&second, s, "connect", 0, NULL);
    ck_assert(!step(&second));
    ck_assert(step(&first) && first.st == CRP_OK);
    ck_assert(step(&second) && second.st == CRP_OK);
    expect_record("b connect;m connect;");
    comms_close();
}
END_TEST

START_TEST(a_connect_that_is_dropped_closes_what_was_open)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), b = probe_of("Bottom", "b"), s = STACK(b, m);
    running r;
    at(m)->agains = 1;
    begin(&r, s, "connect", 0, NULL);
    ck_assert(!step(&r) && at(b)->m.connected);
    end(&r);
    ck_assert(!at(b)->m.connected && !at(m)->m.connecting && !at(m)->m.locks);
    comms_close();
}
END_TEST

/* --- order ---------------------------------------------------------------------------------------------- */

START_TEST(a_wrong_order_is_told_with_a_picture_before_anything_is_done)
{
    open_probes();
    crp_word s = STACK(probe_of("Bottom", "b"), make("Empty"), probe_of("Top", "t"));
    expect_error("4.1: wrong order of layers: Top needs directly below it a Middle. The stack, top "
                 "first:\n    Top\n    Empty    <- here\n    Bottom",
                 call(s, "connect", NULL));
    expect_record("");
    crp_word no_bottom = STACK(probe_of("Middle", "m"), make("Empty"));
    expect_error("4.1: wrong order of layers: Middle cannot be the bottom", call(no_bottom, "connect", NULL));
    crp_word two = STACK(probe_of("Bottom", "b"), probe_of("Bottom", "c"));
    expect_error("4.1: wrong order of layers: Bottom can only be the bottom", call(two, "connect", NULL));
    expect_error("4.1: the stack is empty", call(make("CommsStack"), "connect", NULL));
    expect_record("");
    comms_close();
}
END_TEST

/* --- the property `stack` ------------------------------------------------------------------------------- */

START_TEST(a_pushed_module_sees_the_layers_below_it_as_they_are)
{
    open_probes();
    crp_word b = probe_of("Bottom", "b"), m = probe_of("Middle", "m"), t = probe_of("Top", "t"),
             s = STACK(b, m, t);
    crp_word view = get(t, "stack");
    ck_assert(crpi_is_stack(vm, view) && view != s);
    ck_assert_int_eq(crp_integer_value(get(view, "depth")), 2);
    ck_assert(get(view, "top") == m && get(view, "bottom") == b);
    expect_ok(call(s, "insert", NULL, make("Empty"), m));
    ck_assert_int_eq(crp_integer_value(get(view, "depth")), 3);
    expect_error("1.2: this stack is a live view of the layers below Top",
                 call(view, "push", NULL, make("Empty")));
    expect_ok(call(s, "pop", NULL));
    ck_assert(get(t, "stack") == CRP_NIL);
    comms_close();
}
END_TEST

START_TEST(a_module_works_on_a_stack_that_it_was_given)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), t = probe_of("Top", "t");
    expect_error("4.1: Top: no stack", call(t, "connect", NULL));
    crp_word s = STACK(probe_of("Bottom", "b"), m);
    expect_ok(set(t, "stack", s));
    ck_assert(get(t, "stack") == s);
    expect_ok(call(t, "connect", NULL));
    expect_record("b connect;m connect;t connect;");
    expect_ok(call(s, "disconnect", NULL));
    record[0] = 0;
    expect_ok(call(t, "connect", NULL)); /* what stands on a closed layer is connected anew */
    expect_record("t close;b connect;m connect;t connect;");
    comms_close();
}
END_TEST

START_TEST(modules_that_are_given_each_other_are_an_error_not_a_loop)
{
    open_probes();
    crp_word t = probe_of("Top", "t"), u = probe_of("Top", "u"), s = STACK(probe_of("Bottom", "b"), t),
             r = STACK(u);
    expect_ok(set(t, "stack", r));
    expect_ok(set(u, "stack", s));
    expect_error("4.1: a stack of more than 64 layers", call(s, "connect", NULL));
    comms_close();
}
END_TEST

/* --- attributes ----------------------------------------------------------------------------------------- */

START_TEST(the_top_most_layer_with_the_attribute_answers)
{
    open_probes();
    crp_word b = probe_of("Bottom", "b"), m = probe_of("Middle", "m"), t = probe_of("Top", "t"),
             s = STACK(b, m, t), w;
    expect_ok(call(s, "get", &w, text("name")));
    expect_text(w, "t");
    expect_ok(call(s, "set", &w, text("depthOfTen"), number(3)));
    ck_assert(get(m, "depthOfTen") == number(3) && get(b, "depthOfTen") == number(10));
    expect_ok(call(s, "hasAttribute", &w, text("size")));
    ck_assert(w == CRP_TRUE);
    expect_ok(call(s, "hasAttribute", &w, text("stack")));
    ck_assert(w == CRP_NIL);
    comms_close();
}
END_TEST

START_TEST(what_is_found_but_forbidden_ends_the_search)
{
    open_probes();
    crp_word s = STACK(probe_of("Bottom", "b"), probe_of("Middle", "m"), probe_of("Top", "t")), w;
    expect_error("1.2: property readOnly of Middle is read only",
                 call(s, "set", NULL, text("readOnly"), number(3)));
    expect_error("1.7: property size of Top: expected 1..100, given 101",
                 call(s, "set", NULL, text("size"), number(101)));
    expect_error("1.11: ", call(s, "set", NULL, text("size"), text("x")));
    expect_ok(call(s, "connect", NULL));
    expect_error("1.2: property size of Top can be set only while it is not connected",
                 call(s, "set", NULL, text("size"), number(5)));
    expect_ok(call(s, "get", &w, text("size")));
    expect_ok(call(s, "disconnect", NULL));
    expect_ok(call(s, "set", NULL, text("size"), number(5)));
    comms_close();
}
END_TEST

START_TEST(an_unknown_attribute_lists_what_there_is)
{
    open_probes();
    crp_word s = STACK(probe_of("Bottom", "b"), probe_of("Middle", "m"), probe_of("Top", "t"));
    expect_error(
        "1.4: no layer of this stack has an attribute hots; it has name size password name depthOfTen",
        call(s, "get", NULL, text("hots")));
    comms_close();
}
END_TEST

START_TEST(describe_and_attributes_show_no_secret)
{
    open_probes();
    crp_word s = STACK(probe_of("Bottom", "b"), probe_of("Middle", "m"), probe_of("Top", "t")), w, shown;
    expect_ok(call(s, "set", NULL, text("password"), text("sesame")));
    expect_ok(call(s, "describe", &w));
    expect_text(w, "Top name = \"t\" size = 7 password = \"***\"\nMiddle name = \"m\" depthOfTen = "
                   "10\nBottom name = \"b\" depthOfTen = 10\n");
    expect_ok(call(s, "attributes", &w));
    expect_ok(crp_to_string(vm, w, true, &shown));
    expect_text(shown, "((\"name\" \"t\") (\"size\" 7) (\"password\" \"***\") (\"depthOfTen\" 10))");
    expect_ok(call(s, "get", &w, text("password")));
    expect_text(w, "sesame");
    comms_close();
}
END_TEST

START_TEST(members_that_the_stack_lacks_are_those_of_its_top_most_module)
{
    open_probes();
    crp_word m = probe_of("Middle", "m"), t = probe_of("Top", "t"), s = STACK(probe_of("Bottom", "b"), m, t),
             w;
    bool (*missing)(crp *, crp_object *, crp_word, crp_word *) = crp_class_definition(vm, s)->missing;
    ck_assert(missing(vm, crp_object_of(s), bare_symbol(vm, "size"), &w) && w == t);
    ck_assert(missing(vm, crp_object_of(s), bare_symbol(vm, "depthOfTen"), &w) && w == m);
    ck_assert(!missing(vm, crp_object_of(s), bare_symbol(vm, "nothing"), &w));
    expect_text(get(s, "name"), "t");
    comms_close();
}
END_TEST

START_TEST(info_tells_state_and_traffic)
{
    open_probes();
    crp_word s = STACK(probe_of("Bottom", "b"), probe_of("Middle", "m")), w;
    expect_ok(call(s, "info", &w));
    ck_assert(get(w, "isConnected") == CRP_NIL && get(w, "idle") == number(-1));
    expect_ok(call(s, "connect", NULL));
    expect_ok(call(s, "send", NULL, text("hello")));
    expect_ok(call(s, "info", &w));
    ck_assert(get(w, "isConnected") == CRP_TRUE && get(w, "isConnecting") == CRP_NIL);
    ck_assert(get(w, "bytesSent") == number(5) && get(w, "packetsSent") == number(2) &&
              get(w, "idle") == number(0));
    expect_text(get(w, "peerAddress"), "");
    comms_close();
}
END_TEST

START_TEST(a_collection_keeps_the_whole_stack)
{
    open_probes();
    crp_word s = STACK(probe_of("Bottom", "b"), probe_of("Middle", "m"), probe_of("Top", "t"));
    bare_kept_count = 0;
    bare_keep(s);
    bare_forget(vm);
    crpi_collect(vm);
    expect_ok(call(s, "connect", NULL));
    expect_record("b connect;m connect;t connect;");
    comms_close();
}
END_TEST

UNIT_MAIN("stack", push_pop_depth_top_and_bottom_agree, only_a_module_that_stands_nowhere_can_be_pushed,
          a_stack_has_at_most_64_layers, insert_puts_a_module_directly_below_the_one_named,
          nothing_is_inserted_below_unread_input, a_module_with_unread_input_is_not_popped,
          connect_goes_up_and_disconnect_down_and_all_are_closed, connect_goes_on_after_each_wait,
          a_failed_connect_closes_all, a_connect_that_never_ends_is_a_timeout_and_closes_all,
          disconnect_closes_all_after_a_failed_goodbye_and_raises_it, an_empty_slot_is_the_next_layer_below,
          one_task_at_a_time_connects_a_stack, a_connect_that_is_dropped_closes_what_was_open,
          a_wrong_order_is_told_with_a_picture_before_anything_is_done,
          a_pushed_module_sees_the_layers_below_it_as_they_are, a_module_works_on_a_stack_that_it_was_given,
          modules_that_are_given_each_other_are_an_error_not_a_loop,
          the_top_most_layer_with_the_attribute_answers, what_is_found_but_forbidden_ends_the_search,
          an_unknown_attribute_lists_what_there_is, describe_and_attributes_show_no_secret,
          members_that_the_stack_lacks_are_those_of_its_top_most_module, info_tells_state_and_traffic,
          a_collection_keeps_the_whole_stack)
