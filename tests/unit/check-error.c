/* Errors: raised, placed, shown, and names like a misspelt one. */
#include "bare.h"

#include <errno.h>

static crp *vm;

START_TEST(a_raised_error_is_pending)
{
    vm = bare_open();
    crp_word list;
    ck_assert(crp_pending_error(vm) == CRP_NIL);
    ck_assert_int_eq(crp_cons(vm, bare_string(vm, "a"), CRP_NIL, &list), CRP_OK);
    ck_assert_int_eq(crp_raise(vm, 1, 11, "%s: expected %d, given %v (%n), shown %p", "f", 3, list, list,
                               bare_string(vm, "a")),
                     CRP_E_TYPE);
    ck_assert_str_eq(bare_error(vm), "1.11: f: expected 3, given (\"a\") (List), shown a");
    crp_clear_error(vm);
    ck_assert(crp_pending_error(vm) == CRP_NIL);
    bare_close(vm);
}
END_TEST

START_TEST(long_values_are_cut_in_texts)
{
    vm = bare_open();
    crp_word w;
    char text[1000];
    memset(text, 'x', sizeof text);
    ck_assert_int_eq(crp_string(vm, text, sizeof text, &w), CRP_OK);
    crp_raise(vm, 1, 8, "given %v", w);
    ck_assert_uint_lt(strlen(bare_error(vm)), 230);
    ck_assert_ptr_nonnull(strstr(bare_error(vm), "xxx..."));
    bare_close(vm);
}
END_TEST

START_TEST(system_errors_say_the_reason)
{
    vm = bare_open();
    ck_assert_int_eq(crp_raise_errno(vm, 5, 2, ENOENT, "cannot open %q", "x.crp"), CRP_E_IO);
    ck_assert_str_eq(bare_error(vm), "5.2: cannot open \"x.crp\": no such file or directory");
    crp_raise_errno(vm, 3, 9999, 9999, "cannot wait");
    ck_assert_str_eq(bare_error(vm), "3.9999: cannot wait: system error 9999");
    bare_close(vm);
}
END_TEST

START_TEST(the_status_tells_the_kind)
{
    vm = bare_open();
    static const int rows[][3] = {{1, 4, CRP_E_NAME},   {1, 11, CRP_E_TYPE},      {1, 16, CRP_E_NOMEM},
                                  {1, 8, CRP_E_RAISED}, {2, 1, CRP_E_RAISED},     {3, 2, CRP_E_IO},
                                  {4, 1, CRP_E_RAISED}, {5, 1, CRP_E_IO},         {6, 1, CRP_E_TIMEOUT},
                                  {6, 9, CRP_E_TLS},    {6, 2, CRP_E_IO},         {8, 1, CRP_E_SYNTAX},
                                  {110, 3, CRP_E_AUTH}, {110, 1, CRP_E_PROTOCOL}, {99, 1, CRP_E_RAISED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(crp_raise(vm, rows[i][0], rows[i][1], "x"), rows[i][2]);
        ck_assert_int_eq(crpi_error_status(vm, vm->error), rows[i][2]);
    }
    ck_assert_int_eq(crpi_error_status(vm, CRP_NIL), CRP_OK);
    bare_close(vm);
}
END_TEST

START_TEST(an_error_can_be_thrown_again)
{
    vm = bare_open();
    crp_raise(vm, 6, 1, "too late");
    crp_word error = vm->error;
    crp_clear_error(vm);
    ck_assert_int_eq(crp_rethrow(vm, error), CRP_E_TIMEOUT);
    ck_assert(vm->error == error);
    ck_assert_int_eq(crp_rethrow(vm, crp_fixnum(5)), CRP_E_TYPE);
    ck_assert_str_eq(bare_error(vm), "1.11: expected an Error to throw, given 5 (Integer)");
    bare_close(vm);
}
END_TEST

START_TEST(class_and_text_can_be_changed)
{
    vm = bare_open();
    crp_raise(vm, 6, 2, "connection refused");
    ck_assert_int_eq(crp_error_prefix(vm, "port %d: ", 110), CRP_E_IO);
    crp_error_set_class(vm, vm->error, 110, 5);
    ck_assert_str_eq(bare_error(vm), "110.5: port 110: connection refused");
    crp_clear_error(vm);
    ck_assert_int_eq(crp_error_prefix(vm, "nothing: "), CRP_OK);
    bare_close(vm);
}
END_TEST

START_TEST(no_memory_needs_no_memory)
{
    vm = bare_open();
    vm->mem.fail_at = vm->mem.count + 1;
    vm->mem.fail_on = true;
    uint64_t before = vm->mem.count;
    ck_assert_int_eq(crp_no_memory(vm), CRP_E_NOMEM);
    ck_assert_uint_eq(vm->mem.count, before);
    ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
    ck_assert_int_eq(crp_raise(vm, 1, 4, "a text of some length, %d", 5), CRP_E_NOMEM);
    ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
    ck_assert_int_eq(crp_error_prefix(vm, "in %s: ", "x"), CRP_E_NOMEM);
    bare_close(vm);
}
END_TEST

START_TEST(the_error_for_no_memory_forgets_its_last_place)
{
    vm = bare_open();
    crp_no_memory(vm);
    ck_assert_int_eq(crpi_error_locate(vm, vm->error, "a.crp", 3, 4, "line", 4), CRP_OK);
    crp_error_set_class(vm, vm->error, 6, 1);
    crp_no_memory(vm);
    ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
    ck_assert(crpi_error_of(vm->error)->line == crp_fixnum(0) &&
              crpi_error_of(vm->error)->source_line == CRP_NIL);
    bare_close(vm);
}
END_TEST

START_TEST(failed_allocations_while_raising_are_clean)
{
    vm = bare_open();
    crp_status st;
    char text[3000];
    crp_word w;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    BARE_EACH_FAILURE(vm, st, st = crp_raise(vm, 1, 5, "%s", text) == CRP_E_RAISED ? CRP_OK : CRP_E_NOMEM);
    BARE_EACH_FAILURE(vm, st, st = crp_format(vm, &w, "%s%s", text, text));
    bare_close(vm);
}
END_TEST

START_TEST(formatted_text_becomes_a_string)
{
    vm = bare_open();
    crp_word w;
    ck_assert_int_eq(crp_format(vm, &w, "%s has %d of %v", "it", 3, bare_string(vm, "x")), CRP_OK);
    ck_assert_str_eq(crp_string_data(w, NULL), "it has 3 of \"x\"");
    ck_assert_int_eq(crp_format(vm, &w, ""), CRP_OK);
    ck_assert_str_eq(crp_string_data(w, NULL), "");
    bare_close(vm);
}
END_TEST

START_TEST(the_first_place_stays)
{
    vm = bare_open();
    crp_raise(vm, 1, 4, "x");
    ck_assert_int_eq(crpi_error_locate(vm, vm->error, "a.crp", 3, 4, "text", 4), CRP_OK);
    ck_assert_int_eq(crpi_error_locate(vm, vm->error, "b.crp", 5, 6, "other", 5), CRP_OK);
    crpi_error *e = crpi_error_of(vm->error);
    ck_assert_str_eq(crp_string_data(e->file, NULL), "a.crp");
    ck_assert(e->line == crp_fixnum(3) && e->position == crp_fixnum(4));
    ck_assert_str_eq(crp_string_data(e->source_line, NULL), "text");
    bare_close(vm);
}
END_TEST

/* --- the report --- */

static void place(const char *file, uint32_t line, uint32_t column, const char *text)
{
    ck_assert_int_eq(crpi_error_locate(vm, vm->error, file, line, column, text, text ? strlen(text) : 0),
                     CRP_OK);
}

static void expect_report(bool colour, const char *text)
{
    crpi_buf out;
    crpi_buf_init(&out, &vm->mem, 0);
    ck_assert_int_eq(crpi_error_report(vm, vm->error, &out, colour), CRP_OK);
    crpi_buf_byte(&out, 0);
    ck_assert_str_eq(out.bytes, text);
    crpi_buf_free(&out);
    bare_close(vm);
}

START_TEST(a_report_without_a_place_is_one_line)
{
    vm = bare_open();
    crp_raise(vm, 1, 4, "unknown function prnt");
    expect_report(false, "error 1.4: unknown function prnt\n");
}
END_TEST

START_TEST(a_report_shows_the_line_and_a_caret)
{
    vm = bare_open();
    crp_raise(vm, 1, 4, "unknown function prnt");
    place("mail.crp", 12, 6, "(if x(prnt y))\r\n");
    expect_report(false, "mail.crp:12:6: error 1.4: unknown function prnt\n"
                         "   12 | (if x(prnt y))\n"
                         "      |      ^\n");
}
END_TEST

START_TEST(tabs_and_characters_keep_the_caret_in_place)
{
    vm = bare_open();
    crp_raise(vm, 8, 1, "x");
    place("a", 1234567, 12, "\ta\t\xC3\xA4\xE2\x82\xAC\x01zz(y)");
    expect_report(false, "a:1234567:12: error 8.1: x\n"
                         "1234567 | \ta\t\xC3\xA4\xE2\x82\xAC\\x01zz(y)\n"
                         "        | \t \t        ^\n");
}
END_TEST

START_TEST(a_long_line_is_cut_around_the_column)
{
    vm = bare_open();
    char line[1001] = "", expected[400];
    for (int i = 0; i < 1000; i++) line[i] = (char)('0' + i % 10);
    crp_raise(vm, 1, 1, "x");
    place("a", 1, 501, line);
    int n = snprintf(expected, sizeof expected, "a:1:501: error 1.1: x\n    1 | ...%.100s...\n      | %*s^\n",
                     line, 63, "");
    ck_assert_int_lt(n, (int)sizeof expected);
    expect_report(false, expected);
}
END_TEST

START_TEST(a_column_past_the_end_is_at_the_end)
{
    vm = bare_open();
    crp_raise(vm, 8, 1, "x");
    place("a", 1, 99, "abc");
    expect_report(false, "a:1:99: error 8.1: x\n    1 | abc\n      |    ^\n");
}
END_TEST

START_TEST(a_report_escapes_what_comes_from_outside)
{
    vm = bare_open();
    crp_raise(vm, 110, 1, "server says \x1b[2J\nand more\xE2\x80\xAE");
    place("a\nb", 1, 0, NULL);
    expect_report(false, "a\\x0ab:1: error 110.1: server says \\x1b[2J\nand more\\xe2\\x80\\xae\n");
}
END_TEST

START_TEST(colours_come_only_when_asked_for)
{
    vm = bare_open();
    crp_raise(vm, 1, 4, "x");
    place("a", 1, 2, "abc");
    expect_report(true, "\x1b[1ma:1:2: \x1b[0m\x1b[1;31merror 1.4:\x1b[0m x\n"
                        "    1 | abc\n"
                        "      |  \x1b[1;32m^\x1b[0m\n");
}
END_TEST

static crp_word calls(int n)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    for (int i = 0; i < n; i++) {
        crp_word w;
        ck_assert_int_eq(crp_format(vm, &w, "f%d (a.crp:%d)", i, i + 1), CRP_OK);
        ck_assert_int_eq(crp_list_add(vm, &b, w), CRP_OK);
    }
    return b.first;
}

START_TEST(trace_and_cause_follow)
{
    vm = bare_open();
    crp_raise(vm, 6, 2, "refused");
    crp_word cause = vm->error;
    crp_raise(vm, 1, 5, "no mail");
    crpi_error_of(vm->error)->cause = cause;
    crpi_error_of(vm->error)->trace = calls(2);
    expect_report(false, "error 1.5: no mail\n"
                         "  in f0 (a.crp:1)\n"
                         "  in f1 (a.crp:2)\n"
                         "caused by: error 6.2: refused\n");
}
END_TEST

START_TEST(a_cause_in_a_ring_ends)
{
    vm = bare_open();
    crp_raise(vm, 1, 5, "x");
    crpi_error_of(vm->error)->cause = vm->error;
    char expected[1000] = "error 1.5: x\n";
    for (int i = 1; i < 10; i++) strcat(expected, "caused by: error 1.5: x\n");
    expect_report(false, expected);
}
END_TEST

START_TEST(an_error_keeps_what_it_holds)
{
    vm = bare_open();
    vm->heap.stress_every = 1;
    crp_raise(vm, 1, 5, "text of %v", bare_string(vm, "mine"));
    place("file.crp", 3, 1, "(line)");
    crpi_error_of(vm->error)->trace = calls(3);
    crpi_error_of(vm->error)->cause = vm->no_memory_error;
    bare_forget(vm);
    crpi_collect(vm);
    expect_report(false, "file.crp:3:1: error 1.5: text of \"mine\"\n    3 | (line)\n      | ^\n"
                         "  in f0 (a.crp:1)\n  in f1 (a.crp:2)\n  in f2 (a.crp:3)\n"
                         "caused by: error 1.16: out of memory\n");
}
END_TEST

/* --- suggestions --- */

static const char *next_name(void *ud)
{
    const char *const **at = ud;
    return *(*at)++;
}

static void expect_suggestion(const char *name, const char *text)
{
    static const char *const names[] = {"print",  "printAux", "connect", "connected", "disconnect",
                                        "length", "x",        "y",       "get",       "set",
                                        "let",    "readAll",  "print",   "",          NULL};
    const char *const *at = names;
    crpi_mem mem;
    crpi_buf out;
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&out, &mem, 0);
    crpi_suggest(&out, name, strlen(name), next_name, &at);
    crpi_buf_byte(&out, 0);
    ck_assert_str_eq(out.bytes, text);
    crpi_buf_free(&out);
}

START_TEST(near_names_are_suggested)
{
    expect_suggestion("prnt", "; did you mean print?");
    expect_suggestion("Print", "; did you mean print?");
    expect_suggestion("connecte", "; did you mean connect or connected?");
    expect_suggestion("lenght", "; did you mean length?");
    expect_suggestion("readall", "; did you mean readAll?");
    expect_suggestion("bet", "; did you mean get, set or let?");
    expect_suggestion("X", "; did you mean x?");
    expect_suggestion("gte", "; did you mean get?");
}
END_TEST

START_TEST(far_names_are_not_suggested)
{
    char text[200];
    memset(text, 'c', sizeof text);
    text[199] = 0;
    expect_suggestion("z", "");
    expect_suggestion("frobnicate", "");
    expect_suggestion("", "");
    expect_suggestion("print", "");
    expect_suggestion(text, "");
}
END_TEST

UNIT_MAIN("error", a_raised_error_is_pending, long_values_are_cut_in_texts, system_errors_say_the_reason,
          the_status_tells_the_kind, an_error_can_be_thrown_again, class_and_text_can_be_changed,
          no_memory_needs_no_memory, the_error_for_no_memory_forgets_its_last_place,
          failed_allocations_while_raising_are_clean, formatted_text_becomes_a_string, the_first_place_stays,
          a_report_without_a_place_is_one_line, a_report_shows_the_line_and_a_caret,
          tabs_and_characters_keep_the_caret_in_place, a_long_line_is_cut_around_the_column,
          a_column_past_the_end_is_at_the_end, a_report_escapes_what_comes_from_outside,
          colours_come_only_when_asked_for, trace_and_cause_follow,
          a_cause_in_a_ring_ends, an_error_keeps_what_it_holds, near_names_are_suggested,
          far_names_are_not_suggested)
