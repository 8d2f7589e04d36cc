/* The host API: lives, handles, calls, errors, functions and classes of a host. */
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "api.h"
#include "host.h"

/* --- helpers -------------------------------------------------------------------------------------------- */

typedef struct printed {
    char text[4000];
    size_t length;
} printed;

static printed out;

static void collect(void *ud, int fd, const char *bytes, size_t length)
{
    printed *p = ud;
    (void)fd;
    ck_assert_uint_lt(p->length + length, sizeof p->text);
    memcpy(p->text + p->length, bytes, length);
    p->length += length;
    p->text[p->length] = 0;
}

static crp *open_vm(void)
{
    crp *vm = NULL;
    ck_assert_int_eq(crp_new(NULL, &vm), CRP_OK);
    memset(&out, 0, sizeof out);
    crp_io(vm, collect, &out);
    return vm;
}

static crp_status run(crp *vm, const char *text, crp_val *value)
{
    return crp_eval(vm, text, strlen(text), "test", value);
}

static const char *message(crp *vm)
{
    crp_error_info info = {.size = sizeof info};
    const crp_error *error = crp_error_last(vm);
    if (!error) return "none";
    crp_error_info_get(error, &info);
    return info.message;
}

static const char *text_of(crp *vm, crp_val v)
{
    crp_val text;
    const char *bytes;
    ck_assert_int_eq(crp_text(vm, v, true, &text), CRP_OK);
    ck_assert_int_eq(crp_get_data(vm, text, &bytes, NULL), CRP_OK);
    return bytes;
}

#define ASSERT_RUN_FAILS(vm, text, status, words)                                                            \
    do {                                                                                                     \
        crp_status st_ = run(vm, text, NULL);                                                                \
        ck_assert_msg(st_ == (status), "%s: status %d, %s", text, (int)st_, message(vm));                    \
        ck_assert_msg(strstr(message(vm), words) != NULL, "%s: %s", text, message(vm));                      \
    } while (0)

/* --- life ----------------------------------------------------------------------------------------------- */

typedef struct counted {
    size_t used;
    uint64_t calls, fail_at;
} counted;

static void *count_memory(void *ud, void *p, size_t old_size, size_t new_size)
{
    counted *c = ud;
    if (new_size && ++c->calls == c->fail_at) return NULL;
    void *q = NULL;
    if (new_size)
        q = realloc(p, new_size);
    else
        free(p);
    if (q || !new_size) c->used += new_size - old_size;
    return q;
}

START_TEST(all_memory_comes_from_the_hosts_allocator_and_goes_back)
{
    counted memory = {0};
    crp_config config;
    crp *vm;
    crp_config_init(&config);
    config.realloc = count_memory;
    config.alloc_ud = &memory;
    ck_assert_int_eq(crp_new(&config, &vm), CRP_OK);
    must_run(vm, "(defun f (x) (list x x)) (f \"some text that is longer than others\")");
    ck_assert_uint_gt(memory.used, 0);
    crp_free(vm);
    ck_assert_uint_eq(memory.used, 0);
}
END_TEST

START_TEST(each_allocation_of_a_start_may_fail_and_nothing_leaks)
{
    for (uint64_t n = 1;; n++) {
        counted memory = {.fail_at = n};
        crp_config config;
        crp *vm;
        crp_config_init(&config);
        config.realloc = count_memory;
        config.alloc_ud = &memory;
        crp_status st = crp_new(&config, &vm);
        if (st)
            ck_assert_ptr_null(vm);
        else
            crp_free(vm);
        ck_assert_uint_eq(memory.used, 0);
        if (memory.calls < n) break;
        ck_assert(st == CRP_E_NOMEM || st == CRP_OK);
    }
}
END_TEST

START_TEST(each_allocation_of_a_run_may_fail_and_the_interpreter_goes_on)
{
    counted memory = {0};
    crp_config config;
    crp *vm;
    crp_config_init(&config);
    config.realloc = count_memory;
    config.alloc_ud = &memory;
    ck_assert_int_eq(crp_new(&config, &vm), CRP_OK);
    for (uint64_t n = 1; n < 100000; n++) {
        memory.fail_at = memory.calls + n;
        crp_status st = run(
            vm, "(set l ()) (for x '(1 2 3) (set l (cons (join (list \"a\" x)) l))) (apply list l) "
            "(formattedTime (\"%Y\".repeat 700) 0)", NULL);
        bool failed = memory.calls >= memory.fail_at;
        memory.fail_at = 0;
        if (st) ck_assert_str_eq(message(vm), "out of memory");
        if (st) ck_assert_int_eq(st, CRP_E_NOMEM);
        ck_assert_int_eq(integer(vm, must_run(vm, "(+ 1 2)")), 3);
        if (!failed) break;
    }
    crp_free(vm);
    ck_assert_uint_eq(memory.used, 0);
}
END_TEST

START_TEST(two_interpreters_know_nothing_of_each_other)
{
    crp *a = open_vm(), *b = open_vm();
    crp_val v = must_run(a, "(global (::x Integer 5)) (list ::x)");
    ck_assert_int_eq(run(b, "::x", NULL), CRP_E_NAME);
    ck_assert_ptr_null(crp_type(b, v));
    crp_free(a);
    crp_free(b);
}
END_TEST

START_TEST(a_config_of_an_older_host_is_understood)
{
    crp_config config;
    crp *vm;
    crp_config_init(&config);
    config.size = offsetof(crp_config, platform);
    config.platform = (const crp_platform *)8; /* not looked at */
    ck_assert_int_eq(crp_new(&config, &vm), CRP_OK);
    crp_free(vm);
    config.size = 0;
    ck_assert_int_eq(crp_new(&config, &vm), CRP_E_MISUSE);
}
END_TEST

START_TEST(the_command_line_is_a_list_and_empty_in_a_library)
{
    const char *words[] = {"carapace", "a b", NULL};
    crp_config config;
    crp *vm = open_vm();
    ck_assert_str_eq(text_of(vm, must_run(vm, "::CommandLine")), "()");
    crp_free(vm);
    crp_config_init(&config);
    config.command_line = words;
    ck_assert_int_eq(crp_new(&config, &vm), CRP_OK);
    ck_assert_str_eq(text_of(vm, must_run(vm, "::CommandLine")), "(\"carapace\" \"a b\")");
    crp_free(vm);
}
END_TEST

/* --- running -------------------------------------------------------------------------------------------- */

START_TEST(a_text_gives_its_last_value_and_shares_its_variables)
{
    crp *vm = open_vm();
    must_run(vm, "(set a 4) (local (b Integer 5))");
    ck_assert_int_eq(integer(vm, must_run(vm, "1 2 (+ a b)")), 9);
    crp_free(vm);
}
END_TEST

START_TEST(nothing_of_a_text_runs_that_cannot_be_read)
{
    crp *vm = open_vm();
    ck_assert_int_eq(run(vm, "(print 1) (print", NULL), CRP_INCOMPLETE);
    ck_assert_int_eq(run(vm, "(print 1) ]", NULL), CRP_E_SYNTAX);
    ck_assert_str_eq(out.text, "");
    crp_free(vm);
}
END_TEST

START_TEST(what_does_not_compile_is_a_syntax_error_and_what_stands_before_has_run)
{
    crp *vm = open_vm();
    ck_assert_int_eq(run(vm, "(print 1) (quote)", NULL), CRP_E_SYNTAX);
    ck_assert_str_eq(out.text, "1\n");
    crp_free(vm);
}
END_TEST

START_TEST(no_raised_error_looks_like_a_syntax_error)
{
    crp *vm = open_vm();
    ck_assert_int_eq(run(vm, "(throw (create Error 8 1 \"mine\"))", NULL), CRP_E_RAISED);
    crp_free(vm);
}
END_TEST

START_TEST(errors_have_their_status)
{
    crp *vm = open_vm();
    ASSERT_RUN_FAILS(vm, "(headOf 5)", CRP_E_TYPE, "headOf");
    ASSERT_RUN_FAILS(vm, "(noSuch)", CRP_E_NAME, "noSuch");
    ASSERT_RUN_FAILS(vm, "(/ 1 0)", CRP_E_RAISED, "zero");
    ASSERT_RUN_FAILS(vm, "(throw (create Error 6 1 \"late\"))", CRP_E_TIMEOUT, "late");
    crp_free(vm);
}
END_TEST

START_TEST(check_only_reads)
{
    crp *vm = open_vm();
    ck_assert_int_eq(crp_check(vm, "(print 1)", 9, "x"), CRP_OK);
    ck_assert_int_eq(crp_check(vm, "(print 1", 8, "x"), CRP_INCOMPLETE);
    ck_assert_int_eq(crp_check(vm, ")", 1, "x"), CRP_E_SYNTAX);
    ck_assert_str_eq(out.text, "");
    crp_free(vm);
}
END_TEST

START_TEST(stop_ends_what_runs_and_all_that_follows)
{
    crp *vm = open_vm();
    int status = -1;
    ck_assert(!crp_stopped(vm, &status));
    ck_assert_int_eq(run(vm, "(try (stop 7) (catch -1 (print 1)) (finally (print 2)))", NULL),
                     CRP_E_CANCELLED);
    ck_assert(crp_stopped(vm, &status));
    ck_assert_int_eq(status, 7);
    ck_assert_str_eq(last_error(vm), "1.18: stopped");
    ck_assert_str_eq(out.text, "2\n");
    ck_assert_int_eq(run(vm, "(print 3)", NULL), CRP_E_CANCELLED);
    crp_free(vm);
}
END_TEST

/* --- calls ---------------------------------------------------------------------------------------------- */

START_TEST(functions_methods_and_properties_are_called)
{
    crp *vm = open_vm();
    crp_val f = must_run(vm, "(lambda (x y) (- x y))"), args[2], v;
    ck_assert_int_eq(crp_int(vm, 10, &args[0]), CRP_OK);
    ck_assert_int_eq(crp_int(vm, 3, &args[1]), CRP_OK);
    ck_assert_int_eq(crp_call_val(vm, f, args, 2, &v), CRP_OK);
    ck_assert_int_eq(integer(vm, v), 7);
    ck_assert_int_eq(crp_send(vm, must_run(vm, "\"hello\""), "extract", &args[1], 1, &v), CRP_OK);
    ck_assert_str_eq(text_of(vm, v), "\"lo\"");
    ck_assert_int_eq(crp_call_val(vm, args[0], args, 2, &v), CRP_E_TYPE);
    ck_assert_int_eq(crp_send(vm, args[0], "noSuch", NULL, 0, &v), CRP_E_NAME);
    crp_free(vm);
}
END_TEST

START_TEST(callf_takes_c_arguments)
{
    crp *vm = open_vm();
    crp_val v, seven = must_run(vm, "(+ 3 4)");
    ck_assert_int_eq(crp_callf(vm, &v, crp_nil(), "list", "irtsdbv", INT64_MIN, 0.5, 0, "a", "b\0c",
                               (size_t)3, "\1\2", (size_t)2, seven),
                     CRP_OK);
    ck_assert_str_eq(text_of(vm, v), "(-9223372036854775808 0.5 () \"a\" \"b\\0c\" 0x\"0102\" 7)");
    ck_assert_int_eq(crp_callf(vm, &v, crp_nil(), "noSuch", ""), CRP_E_NAME);
    ck_assert_int_eq(crp_callf(vm, &v, crp_nil(), "list", "q", 1), CRP_E_MISUSE);
    crp_free(vm);
}
END_TEST

START_TEST(objects_are_created_and_their_properties_set)
{
    crp *vm = open_vm();
    must_run(vm, "(class P (interface (properties (x Integer) (y String)) (methods (NIL P ((x Integer)))))) "
                 "(defun NIL P::P ((x Integer)) (this.x x))");
    crp_val five, p, v;
    ck_assert_int_eq(crp_int(vm, 5, &five), CRP_OK);
    ck_assert_int_eq(crp_create(vm, "P", &five, 1, &p), CRP_OK);
    ck_assert_int_eq(crp_prop_get(vm, p, "x", &v), CRP_OK);
    ck_assert_int_eq(integer(vm, v), 5);
    ck_assert_int_eq(crp_prop_set(vm, p, "y", five), CRP_E_TYPE);
    ck_assert_int_eq(crp_prop_get(vm, p, "z", &v), CRP_E_NAME);
    ck_assert(crp_is(vm, p, "P") && !crp_is(vm, p, "Integer") && !crp_is(vm, p, "NoSuch"));
    ck_assert_str_eq(crp_type(vm, p), "P");
    ck_assert_int_eq(crp_create(vm, "NoSuch", NULL, 0, &v), CRP_E_NAME);
    crp_free(vm);
}
END_TEST

START_TEST(define_sets_variables_of_both_kinds)
{
    crp *vm = open_vm();
    crp_val nine;
    ck_assert_int_eq(crp_int(vm, 9, &nine), CRP_OK);
    ck_assert_int_eq(crp_define(vm, "::g", nine), CRP_OK);
    ck_assert_int_eq(crp_define(vm, "mine", nine), CRP_OK);
    ck_assert_int_eq(integer(vm, must_run(vm, "(+ ::g mine)")), 18);
    ck_assert_int_eq(crp_define(vm, "a b", nine), CRP_E_MISUSE);
    must_run(vm, "(local (s String))");
    ck_assert_int_eq(crp_define(vm, "s", nine), CRP_E_TYPE);
    crp_free(vm);
}
END_TEST

/* --- values --------------------------------------------------------------------------------------------- */

START_TEST(values_go_in_and_come_back)
{
    crp *vm = open_vm();
    crp_val items[3], list, v;
    double real;
    size_t n;
    ck_assert_int_eq(crp_int(vm, INT64_MAX, &items[0]), CRP_OK);
    ck_assert_int_eq(crp_real_val(vm, 1e300, &items[1]), CRP_OK);
    ck_assert_int_eq(crp_str(vm, "a\0b", 3, &items[2]), CRP_OK);
    ck_assert_int_eq(crp_list_val(vm, items, 3, &list), CRP_OK);
    ck_assert_int_eq(crp_length(vm, list, &n), CRP_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(crp_at(vm, list, 0, &v), CRP_OK);
    ck_assert(integer(vm, v) == INT64_MAX);
    ck_assert_int_eq(crp_at(vm, list, 1, &v), CRP_OK);
    ck_assert_int_eq(crp_get_real(vm, v, &real), CRP_OK);
    ck_assert(real == 1e300);
    ck_assert_int_eq(crp_at(vm, list, 3, &v), CRP_E_RAISED);
    ck_assert_int_eq(crp_get_int(vm, items[1], &(int64_t){0}), CRP_E_TYPE);
    ck_assert(crp_is_nil(vm, crp_nil()) && !crp_is_nil(vm, crp_bool_val(true)));
    ck_assert_str_eq(text_of(vm, crp_bool_val(true)), "true");
    crp_free(vm);
}
END_TEST

START_TEST(a_slice_of_a_string_ends_with_a_nul_all_the_same)
{
    crp *vm = open_vm();
    crp_val v = must_run(
        vm, "(\"0123456789012345678901234567890123456789012345678901234567890123456789\".extract 5 40)");
    const char *bytes;
    size_t n;
    ck_assert_int_eq(crp_get_data(vm, v, &bytes, &n), CRP_OK);
    ck_assert_uint_eq(n, 40);
    ck_assert_uint_eq(strlen(bytes), 40);
    ck_assert_int_eq(bytes[0], '5');
    crp_free(vm);
}
END_TEST

/* --- handles -------------------------------------------------------------------------------------------- */

START_TEST(a_handle_dies_with_its_scope_and_a_kept_one_lives)
{
    crp *vm = open_vm();
    size_t scope = crp_scope_open(vm);
    crp_val v = must_run(vm, "(list 1 2)"), kept, text;
    ck_assert_int_eq(crp_keep(vm, v, &kept), CRP_OK);
    crp_scope_close(vm, scope);
    ck_assert_ptr_null(crp_type(vm, v));
    ck_assert_int_eq(crp_text(vm, v, true, &text), CRP_E_STALE);
    ck_assert_str_eq(last_error(vm), "1.1: the value's handle is dead");
    must_run(vm, "(list 3 4)"); /* takes the slot */
    ck_assert_ptr_null(crp_type(vm, v));
    crpi_collect(vm);
    ck_assert_str_eq(text_of(vm, kept), "(1 2)");
    crp_drop(vm, kept);
    ck_assert_ptr_null(crp_type(vm, kept));
    crp_drop(vm, kept); /* does nothing */
    crp_free(vm);
}
END_TEST

START_TEST(a_dead_handle_is_refused_everywhere)
{
    crp *vm = open_vm();
    size_t scope = crp_scope_open(vm), n;
    crp_val dead = must_run(vm, "(list 1)"), v;
    const char *bytes;
    crp_scope_close(vm, scope);
    ck_assert_int_eq(crp_get_int(vm, dead, &(int64_t){0}), CRP_E_STALE);
    ck_assert_int_eq(crp_get_data(vm, dead, &bytes, &n), CRP_E_STALE);
    ck_assert_int_eq(crp_at(vm, dead, 0, &v), CRP_E_STALE);
    ck_assert_int_eq(crp_list_val(vm, &dead, 1, &v), CRP_E_STALE);
    ck_assert_int_eq(crp_call_val(vm, dead, NULL, 0, &v), CRP_E_STALE);
    ck_assert_int_eq(crp_callf(vm, &v, crp_nil(), "list", "v", dead), CRP_E_STALE);
    ck_assert_int_eq(crp_define(vm, "x", dead), CRP_E_STALE);
    ck_assert_int_eq(crp_keep(vm, dead, &v), CRP_E_STALE);
    ck_assert(!crp_is(vm, dead, "List"));
    crp_free(vm);
}
END_TEST

START_TEST(slots_of_dropped_handles_are_used_again)
{
    crp *vm = open_vm();
    crp_val v = must_run(vm, "(list 1)"), kept, first;
    ck_assert_int_eq(crp_keep(vm, v, &first), CRP_OK);
    crp_drop(vm, first);
    size_t used = crpi_api_of(vm)->kept.count;
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(crp_keep(vm, v, &kept), CRP_OK);
        ck_assert(kept.h != first.h);
        crp_drop(vm, kept);
    }
    ck_assert_uint_eq(crpi_api_of(vm)->kept.count, used);
    crp_free(vm);
}
END_TEST

/* --- errors --------------------------------------------------------------------------------------------- */

START_TEST(an_error_tells_all_about_itself)
{
    crp *vm = open_vm();
    crp_error_info info = {.size = sizeof info};
    char text[1000];
    ck_assert_ptr_null(crp_error_last(vm));
    const char *script = "(defun f (x)\n    (headOf x))\n(list (f ()))";
    ck_assert_int_eq(crp_eval(vm, script, strlen(script), "file.crp", NULL), CRP_E_RAISED);
    const crp_error *error = crp_error_last(vm);
    crp_error_info_get(error, &info);
    ck_assert_int_eq(info.error_class, 1);
    ck_assert_int_eq(info.code, 2);
    ck_assert_int_eq(info.status, CRP_E_RAISED);
    ck_assert_str_eq(info.file, "file.crp");
    ck_assert_uint_eq(info.line, 2);
    ck_assert_str_eq(info.source_line, "    (headOf x))");
    ck_assert_ptr_null(info.cause);
    ck_assert_ptr_nonnull(strstr(crp_error_frame(error, 0), "(f ()) at file.crp:2"));
    ck_assert_ptr_null(crp_error_frame(error, 99));
    size_t length = crp_error_text(error, text, sizeof text, 0);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_ptr_nonnull(strstr(text, "file.crp:2:"));
    ck_assert_uint_eq(crp_error_text(error, text, 5, 0), length);
    ck_assert_uint_eq(strlen(text), 4);
    must_run(vm, "1");
    ck_assert_ptr_null(crp_error_last(vm));
    crp_free(vm);
}
END_TEST

START_TEST(an_errors_causes_are_shown_and_a_circle_of_them_ends)
{
    crp *vm = open_vm();
    run(vm, "(set e (create Error 1 1 \"outer\")) (e.cause (create Error 1 1 \"inner\")) (throw e)", NULL);
    crp_error_info info = {.size = sizeof info};
    crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_ptr_nonnull(info.cause);
    crp_error_info_get(info.cause, &info);
    ck_assert_str_eq(info.message, "inner");
    run(vm, "(set e (create Error 1 1 \"own\")) (e.cause e) (throw e)", NULL);
    int n = 0;
    for (const crp_error *error = crp_error_last(vm); error; error = info.cause, n++)
        crp_error_info_get(error, &info);
    ck_assert_int_gt(n, 0);
    ck_assert_int_lt(n, 100);
    crp_free(vm);
}
END_TEST

/* --- functions of the host ------------------------------------------------------------------------------ */

static crp_status twice(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    int64_t i;
    ck_assert(crp_is_nil(vm, self));
    *(size_t *)ud = count;
    crp_status st = crp_get_int(vm, args[0], &i);
    return st ? st : crp_int(vm, 2 * i, result);
}

START_TEST(a_function_of_the_host_is_called_with_checked_arguments)
{
    crp *vm = open_vm();
    size_t count = 0;
    ck_assert_int_eq(crp_defun(vm, "twice", "Integer (n Integer) (m Integer ?)", "Doubles.", twice, &count),
                     CRP_OK);
    ck_assert_int_eq(integer(vm, must_run(vm, "(twice 21)")), 42);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(integer(vm, must_run(vm, "(apply twice '(4 5))")), 8);
    ck_assert_uint_eq(count, 2);
    ASSERT_RUN_FAILS(vm, "(twice \"a\")", CRP_E_TYPE, "expected Integer");
    ASSERT_RUN_FAILS(vm, "(twice)", CRP_E_RAISED, "twice");
    ck_assert_int_eq(crp_defun(vm, "twice", "Integer (n Integer)", "", twice, &count), CRP_E_RAISED);
    ck_assert_int_eq(crp_defun(vm, "other", "Integer (n", "", twice, &count), CRP_E_MISUSE);
    ck_assert_int_eq(crp_defun(vm, "no name", "Integer", "", twice, &count), CRP_E_MISUSE);
    crp_free(vm);
}
END_TEST

static crp_status fails(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    (void)ud, (void)self, (void)args, (void)count, (void)result;
    return crp_fail(vm, 6, 10, "no host %s: %d of %zu", "nowhere", -1, (size_t)2);
}

static crp_status fails_without_words(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                                      crp_val *result)
{
    (void)vm, (void)ud, (void)self, (void)args, (void)count, (void)result;
    return CRP_AGAIN;
}

static crp_status ignores(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    (void)ud, (void)self, (void)args, (void)count;
    ck_assert_int_eq(run(vm, "(headOf ())", NULL), CRP_E_RAISED);
    return run(vm, "(list 1 2 3)", result);
}

static crp_status hands_on(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                           crp_val *result)
{
    (void)ud, (void)self, (void)args, (void)count;
    return run(vm, "(headOf ())", result);
}

static crp_status wrong_result(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                               crp_val *result)
{
    (void)ud, (void)self, (void)args, (void)count;
    return crp_str(vm, "text", 4, result);
}

START_TEST(a_host_functions_error_is_caught_like_any_other)
{
    crp *vm = open_vm();
    crp_defun(vm, "fails", "NIL", "", fails, NULL);
    crp_defun(vm, "mute", "NIL", "", fails_without_words, NULL);
    crp_defun(vm, "ignores", "List", "", ignores, NULL);
    crp_defun(vm, "handsOn", "Object", "", hands_on, NULL);
    crp_defun(vm, "wrong", "Integer", "", wrong_result, NULL);
    ck_assert_str_eq(text_of(vm, must_run(vm, "(try (fails) (catch \"6.10\" err.text))")),
                     "\"no host nowhere: -1 of 2\"");
    ASSERT_RUN_FAILS(vm, "(fails)", CRP_E_IO, "nowhere");
    ASSERT_RUN_FAILS(vm, "(mute)", CRP_E_RAISED, "mute failed");
    ASSERT_RUN_FAILS(vm, "(handsOn)", CRP_E_RAISED, "the List is empty");
    ASSERT_RUN_FAILS(vm, "(wrong)", CRP_E_TYPE, "expected Integer");
    ck_assert_str_eq(text_of(vm, must_run(vm, "(ignores)")), "(1 2 3)");
    crp_free(vm);
}
END_TEST

static crp_status deeper(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    (void)self, (void)args, (void)count;
    ++*(int *)ud;
    return run(vm, "(deeper)", result);
}

START_TEST(calls_between_host_and_script_nest_to_a_limit)
{
    crp *vm = open_vm();
    int depth = 0;
    crp_defun(vm, "deeper", "Object", "", deeper, &depth);
    ASSERT_RUN_FAILS(vm, "(deeper)", CRP_E_RAISED, "deep");
    ck_assert_int_gt(depth, 50);
    ck_assert_int_eq(integer(vm, must_run(vm, "(try (deeper) (catch \"1.15\" 5))")), 5);
    crp_free(vm);
}
END_TEST

static crp_status keeps_argument(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                                 crp_val *result)
{
    (void)vm, (void)self, (void)count, (void)result;
    *(crp_val *)ud = args[0];
    return CRP_OK;
}

START_TEST(the_handles_of_a_host_function_die_when_it_returns)
{
    crp *vm = open_vm();
    crp_val argument = crp_nil();
    crp_defun(vm, "keepArgument", "NIL x", "", keeps_argument, &argument);
    must_run(vm, "(keepArgument (list 1))");
    ck_assert(argument.h != 0);
    ck_assert_ptr_null(crp_type(vm, argument));
    crp_free(vm);
}
END_TEST

/* --- classes of the host -------------------------------------------------------------------------------- */

typedef struct point {
    double x;
    int made, moved;
} point;

static int finalized;

static const crp_class_spec point_spec;

static point *point_of(crp *vm, crp_val v)
{
    void *p = NULL;
    ck_assert_int_eq(crp_unwrap(vm, v, &point_spec, &p), CRP_OK);
    return p;
}

static crp_status point_create(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                               crp_val *result)
{
    point *p = point_of(vm, self);
    (void)ud, (void)count, (void)result;
    p->made++;
    return crp_get_real(vm, args[0], &p->x);
}

static crp_status point_move(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                             crp_val *result)
{
    double by;
    point *p = point_of(vm, self);
    (void)count, (void)ud;
    crp_status st = crp_get_real(vm, args[0], &by);
    p->x += by;
    p->moved++;
    *result = self;
    return st;
}

static crp_status point_get_x(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                              crp_val *result)
{
    (void)args, (void)count, (void)ud;
    return crp_real_val(vm, point_of(vm, self)->x, result);
}

static crp_status point_set_x(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                              crp_val *result)
{
    (void)count, (void)ud, (void)result;
    return crp_get_real(vm, args[0], &point_of(vm, self)->x);
}

static crp_status point_get_moved(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                                  crp_val *result)
{
    (void)args, (void)count, (void)ud;
    return crp_int(vm, point_of(vm, self)->moved, result);
}

static void point_finalize(void *instance, void *ud)
{
    ck_assert_ptr_eq(ud, &finalized);
    finalized += ((point *)instance)->made;
}

static const crp_prop_spec point_props[] = {{"x", "Real", "where", point_get_x, point_set_x},
                                            {"moved", "Integer", "how often", point_get_moved, NULL},
                                            {NULL, NULL, NULL, NULL, NULL}};
static const crp_method_spec point_methods[] = {{"move", "Point (by Real)", "Moves.", point_move},
                                                {NULL, NULL, NULL, NULL}};
static const crp_class_spec point_spec = {.size = sizeof point_spec,
                                          .name = "Point",
                                          .help = "A point.",
                                          .props = point_props,
                                          .methods = point_methods,
                                          .creator_signature = "NIL (x Real)",
                                          .creator = point_create,
                                          .instance_bytes = sizeof(point),
                                          .finalize = point_finalize};
static const crp_class_spec empty_spec = {.size = sizeof empty_spec, .name = "Empty"};

START_TEST(a_class_of_the_host_is_like_any_other)
{
    crp *vm = open_vm();
    finalized = 0;
    ck_assert_int_eq(crp_class_add(vm, &point_spec, &finalized), CRP_OK);
    ck_assert_str_eq(text_of(vm, must_run(vm, "(set p (create Point 1)) (p.move 2.5) p.x")), "3.5");
    ck_assert_str_eq(text_of(vm, must_run(vm, "(p.x 7) (list p.x p.moved)")), "(7.0 1)");
    ck_assert_str_eq(text_of(vm, must_run(vm, "((create Point 1 '((x 9))).x)")), "9.0");
    ck_assert_str_eq(text_of(vm, must_run(vm, "(typeOf p)")), "Point");
    ck_assert_str_eq(text_of(vm, must_run(vm, "((createAux \"Point\" 4).x)")), "4.0");
    ASSERT_RUN_FAILS(vm, "(p.moved 3)", CRP_E_RAISED, "read only");
    ASSERT_RUN_FAILS(vm, "(p.x \"a\")", CRP_E_TYPE, "expected Real");
    ASSERT_RUN_FAILS(vm, "(create Point)", CRP_E_RAISED, "argument");
    ASSERT_RUN_FAILS(vm, "(p.mov)", CRP_E_NAME, "move");
    crp_free(vm);
    ck_assert_int_eq(finalized, 3);
}
END_TEST

START_TEST(unwrap_wants_an_object_of_just_that_class)
{
    crp *vm = open_vm();
    void *p;
    ck_assert_int_eq(crp_class_add(vm, &point_spec, &finalized), CRP_OK);
    ck_assert_int_eq(crp_class_add(vm, &empty_spec, NULL), CRP_OK);
    ck_assert_int_eq(crp_unwrap(vm, must_run(vm, "(create Empty)"), &point_spec, &p), CRP_E_TYPE);
    ck_assert_int_eq(crp_unwrap(vm, must_run(vm, "\"a\""), &point_spec, &p), CRP_E_TYPE);
    ck_assert_int_eq(crp_unwrap(vm, crp_nil(), &point_spec, &p), CRP_E_TYPE);
    ck_assert_int_eq(crp_class_add(vm, &empty_spec, NULL), CRP_E_RAISED);
    crp_free(vm);
}
END_TEST

/* --- limits, cancelling, threads ------------------------------------------------------------------------ */

START_TEST(memory_has_a_limit)
{
    crp *vm = open_vm();
    crp_limits limits = {.size = sizeof limits}, used = {.size = sizeof used};
    if (vm->heap.stress_every) vm->heap.stress_every = 100000; /* it fills the memory, pair by pair */
    vm->heap.stress_left = vm->heap.stress_every;
    crp_usage(vm, &used);
    limits.heap_bytes = used.heap_bytes + (8 << 20);
    ck_assert_int_eq(crp_limits_set(vm, &limits), CRP_OK);
    ASSERT_RUN_FAILS(vm, "(set l ()) (while true (set l (cons 1 l)))", CRP_E_NOMEM, "memory");
    ck_assert_int_eq(integer(vm, must_run(vm, "(set l ()) (+ 1 1)")), 2);
    crp_usage(vm, &used);
    ck_assert_uint_le(used.heap_bytes, limits.heap_bytes);
    crp_free(vm);
}
END_TEST

/* Lists that fill memory to the limit, and a handler that needs some itself while they are still there. */
START_TEST(a_script_that_catches_1_16_has_memory_to_go_on)
{
    static const char text[] = "(set all ()) (set n 0)\n"
                               "(try (while true (set all (cons (list n n) all)))\n"
                               "     (catch \"1.16\" (while (< n 200) (set n (+ n 1)) (set all (cons n all)))))\n"
                               "n";
    crp *vm = open_vm();
    crp_limits limits = {.size = sizeof limits}, used = {.size = sizeof used};
    if (vm->heap.stress_every) vm->heap.stress_every = 100000;
    vm->heap.stress_left = vm->heap.stress_every;
    crp_usage(vm, &used);
    limits.heap_bytes = used.heap_bytes + (64 << 20);
    ck_assert_int_eq(crp_limits_set(vm, &limits), CRP_OK);
    ck_assert_int_eq(integer(vm, must_run(vm, text)), 200);
    crp_free(vm);
}
END_TEST

START_TEST(depth_has_a_limit)
{
    crp *vm = open_vm();
    crp_limits limits = {.size = sizeof limits, .stack_depth = 1000};
    ck_assert_int_eq(crp_limits_set(vm, &limits), CRP_OK);
    ASSERT_RUN_FAILS(vm, "(defun f (n) (+ 1 (f n))) (f 1)", CRP_E_RAISED, "1000 deep");
    ck_assert_int_eq(integer(vm, must_run(vm, "(+ 1 1)")), 2);
    crp_free(vm);
}
END_TEST

static crp_status cancels(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    (void)vm, (void)self, (void)args, (void)count, (void)result;
    crp_cancel(ud);
    return CRP_OK;
}

static crp_status fails_silently(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    (void)vm, (void)ud, (void)self, (void)args, (void)count, (void)result;
    return CRP_E_RAISED;
}

START_TEST(a_host_function_that_fails_without_an_error_is_an_internal_error)
{
    crp *vm = open_vm();
    crp_defun(vm, "fails", "NIL", "", fails_silently, NULL);
    ck_assert_int_eq(run(vm, "(fails)", NULL), CRP_E_RAISED);
    ck_assert_str_eq(last_error(vm), "1.10: fails failed with status 20 and recorded no error");
    crp_free(vm);
}
END_TEST

START_TEST(an_error_of_a_text_tells_of_the_further_ones)
{
    crp *vm = open_vm();
    crp_error_info info = {.size = sizeof info};
    ck_assert_int_eq(run(vm, "(print 1))\n(print 2)\n(print [3])\n(print 4", NULL), CRP_E_SYNTAX);
    const crp_error *error = crp_error_last(vm), *further = crp_error_further(error, 0);
    ck_assert_ptr_nonnull(further);
    crp_error_info_get(further, &info);
    ck_assert_int_eq(info.error_class, 8);
    ck_assert_uint_eq(info.line, 3);
    ck_assert_ptr_null(crp_error_frame(further, 0));
    crp_error_info_get(crp_error_further(error, 1), &info);
    ck_assert_int_eq(info.code, 1);
    ck_assert_uint_eq(info.line, 4);
    ck_assert_ptr_null(crp_error_further(error, 2));
    ck_assert_str_eq(out.text, "");
    ck_assert_int_eq(run(vm, "(headOf ())", NULL), CRP_E_RAISED);
    ck_assert_ptr_null(crp_error_further(crp_error_last(vm), 0));
    crp_free(vm);
}
END_TEST

START_TEST(a_cancel_cannot_be_caught_and_is_acted_on_once)
{
    crp *vm = open_vm();
    crp_token *token = crp_token_get(vm);
    crp_defun(vm, "cancels", "NIL", "", cancels, token);
    ck_assert_int_eq(run(vm, "(cancels) (try (while true) (catch -1 (print 1)))", NULL), CRP_E_CANCELLED);
    ck_assert_str_eq(last_error(vm), "1.17: interrupted");
    ck_assert_str_eq(out.text, "");
    ck_assert_int_eq(integer(vm, must_run(vm, "(+ 1 1)")), 2);
    crp_cancel(token);
    ck_assert_int_eq(run(vm, "1", NULL), CRP_E_CANCELLED);
    crp_cancel(token);
    crp_cancel_clear(vm);
    must_run(vm, "1");
    crp_free(vm);
    crp_cancel(token); /* of nothing */
    crp_token_put(token);
}
END_TEST

START_TEST(a_cancel_that_comes_while_a_task_is_closing_is_not_lost)
{
    crp *vm = open_vm();
    crp_token *token = crp_token_get(vm);
    crp_defun(vm, "cancels", "NIL", "", cancels, token);
    ck_assert_int_eq(run(vm, "(set t (task (try (sleep 60000) (finally (cancels) (print \"closed\")))))"
                             "(sleep 0) (t.cancel) (sleep 60000)", NULL), CRP_E_CANCELLED);
    ck_assert_str_eq(out.text, "closed\n");
    ck_assert_int_eq(run(vm, "(within 5 (try (sleep 60000) (finally (cancels)))) (sleep 60000)", NULL), CRP_E_CANCELLED);
    must_run(vm, "1");
    crp_token_put(token);
    crp_free(vm);
}
END_TEST

START_TEST(a_host_asks_a_script_that_waits_for_it_to_end)
{
    crp *vm = open_vm();
    crp_token *token = crp_token_get(vm);
    ck_assert(!crp_ask_to_end(token));
    ck_assert(!crp_ask_to_end(NULL));
    must_run(vm, "(set e (terminationEvent))");
    ck_assert(crp_ask_to_end(token));
    ck_assert_int_eq(integer(vm, must_run(vm, "(e.wait) 5")), 5);
    crp_free(vm);
    ck_assert(!crp_ask_to_end(token));
    crp_token_put(token);
}
END_TEST

START_TEST(another_thread_cancels_a_wait_and_a_loop)
{
    static const char *const texts[] = {"(sleep 60000)", "(while true)", "(defun f () (f)) (f)"};
    crp *vm = open_vm();
    crp_token *token = crp_token_get(vm);
    for (size_t i = 0; i < 3; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, token), 0);
        ck_assert_int_eq(run(vm, texts[i], NULL), CRP_E_CANCELLED);
        pthread_join(thread, NULL);
    }
    crp_token_put(token);
    crp_free(vm);
}
END_TEST

static void *visit(void *vm) { return (void *)(uintptr_t)run(vm, "1", NULL); }

static crp_status visited(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    pthread_t thread;
    void *status;
    (void)ud, (void)self, (void)args, (void)count;
    ck_assert_int_eq(pthread_create(&thread, NULL, visit, vm), 0);
    pthread_join(thread, &status);
    return crp_int(vm, (int64_t)(uintptr_t)status, result);
}

START_TEST(a_second_thread_finds_the_interpreter_busy)
{
    crp *vm = open_vm();
    crp_defun(vm, "visited", "Integer", "", visited, NULL);
    ck_assert_int_eq(integer(vm, must_run(vm, "(visited)")), CRP_E_THREAD);
    crp_free(vm);
}
END_TEST

static crp_status frees(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *result)
{
    (void)ud, (void)self, (void)args, (void)count, (void)result;
    crp_free(vm);
    return CRP_OK;
}

START_TEST(nothing_is_freed_from_inside_a_native)
{
    crp *vm = open_vm();
    crp_defun(vm, "frees", "NIL", "", frees, NULL);
    ck_assert_int_eq(integer(vm, must_run(vm, "(frees) 5")), 5);
    crp_free(vm);
}
END_TEST

START_TEST(a_long_life_does_not_fill_the_log_of_fresh_cells)
{
    crp *vm = open_vm();
    crp_val v;
    for (int i = 0; i < 100; i++) {
        size_t scope = crp_scope_open(vm);
        must_run(vm, "(list 1 2)");
        crp_str(vm, "text", 4, &v);
        crp_text(vm, v, true, &v);
        crp_get_int(vm, v, &(int64_t){0});
        crp_scope_close(vm, scope);
        ck_assert_uint_eq(vm->heap.fresh_count, 0);
        ck_assert_int_eq((int64_t)vm->error, (int64_t)CRP_NIL);
    }
    crp_free(vm);
}
END_TEST

UNIT_MAIN("api", all_memory_comes_from_the_hosts_allocator_and_goes_back,
          each_allocation_of_a_start_may_fail_and_nothing_leaks,
          each_allocation_of_a_run_may_fail_and_the_interpreter_goes_on,
          two_interpreters_know_nothing_of_each_other, a_config_of_an_older_host_is_understood,
          the_command_line_is_a_list_and_empty_in_a_library,
          a_text_gives_its_last_value_and_shares_its_variables, nothing_of_a_text_runs_that_cannot_be_read,
          what_does_not_compile_is_a_syntax_error_and_what_stands_before_has_run,
          no_raised_error_looks_like_a_syntax_error, errors_have_their_status, check_only_reads,
          stop_ends_what_runs_and_all_that_follows, functions_methods_and_properties_are_called,
          callf_takes_c_arguments, objects_are_created_and_their_properties_set,
          define_sets_variables_of_both_kinds, values_go_in_and_come_back,
          a_slice_of_a_string_ends_with_a_nul_all_the_same, a_handle_dies_with_its_scope_and_a_kept_one_lives,
          a_dead_handle_is_refused_everywhere, slots_of_dropped_handles_are_used_again,
          an_error_tells_all_about_itself, an_errors_causes_are_shown_and_a_circle_of_them_ends,
          a_function_of_the_host_is_called_with_checked_arguments,
          a_host_functions_error_is_caught_like_any_other, calls_between_host_and_script_nest_to_a_limit,
          the_handles_of_a_host_function_die_when_it_returns, a_class_of_the_host_is_like_any_other,
          unwrap_wants_an_object_of_just_that_class, memory_has_a_limit,
          a_script_that_catches_1_16_has_memory_to_go_on, depth_has_a_limit,
          a_cancel_that_comes_while_a_task_is_closing_is_not_lost, a_host_asks_a_script_that_waits_for_it_to_end,
          a_host_function_that_fails_without_an_error_is_an_internal_error,
          an_error_of_a_text_tells_of_the_further_ones, a_cancel_cannot_be_caught_and_is_acted_on_once, another_thread_cancels_a_wait_and_a_loop,
          a_second_thread_finds_the_interpreter_busy, nothing_is_freed_from_inside_a_native,
          a_long_life_does_not_fill_the_log_of_fresh_cells)
