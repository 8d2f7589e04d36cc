/* Calls from C: of functions that return at once, wait, fail, start tasks, call back and are cancelled; on words. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "api.h"
#include "host.h"

/* --- helpers -------------------------------------------------------------------------------------------- */

static void ignore(void *ud, int fd, const char *bytes, size_t length) { (void)ud, (void)fd, (void)bytes, (void)length; }

static crp *open_vm(const char *text)
{
    crp *vm = NULL;
    ck_assert_int_eq(crp_new(NULL, &vm), CRP_OK);
    crp_io(vm, ignore, NULL);
    must_run(vm, text);
    return vm;
}

static int64_t value_of(crp *vm, const char *text) { return integer(vm, must_run(vm, text)); }

/* The word of a function's name, whose handle lives as long as the interpreter. */
static crp_word word_of(crp *vm, const char *name)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_word_of(vm, must_run(vm, name), &w), CRP_OK);
    return w;
}

/* Calls the function with an Integer. */
static crp_status call(crp *vm, crp_word function, int64_t x, crp_word *out)
{
    crp_word argument = crp_fixnum(x);
    return crp_call_words(vm, function, &argument, 1, out);
}

static int64_t must_call(crp *vm, crp_word function, int64_t x)
{
    crp_word out = CRP_NIL;
    crp_status st = call(vm, function, x, &out);
    ck_assert_msg(st == CRP_OK, "status %d, %s", (int)st, last_error(vm));
    ck_assert(crp_is_integer(out));
    return crp_integer_value(out);
}

static size_t memory(crp *vm)
{
    crp_limits now = {.size = sizeof now};
    crp_collect(vm);
    crp_usage(vm, &now);
    return (size_t)now.heap_bytes;
}

/* A native that calls what it is given with a further argument: (back f x). */
static crp_status back(crp_call *c) { return crp_call_words(c->vm, c->args[0], c->args + 1, 1, &c->result); }

/* The same twice; what the first call gave must live through the second: (twice f x). */
static crp_status twice(crp_call *c)
{
    crp_word first, second;
    crp_status st = crp_call_words(c->vm, c->args[0], c->args + 1, 1, &first);
    if (!st) st = crp_call_words(c->vm, c->args[0], c->args + 1, 1, &second);
    if (st) return st;
    crp_collect(c->vm);
    return crp_list(c->vm, (crp_word[]){first, second}, 2, &c->result);
}

static const crp_method rows[] = {
    {"back", "Object (f Function) (x Object)", back, "", 0, NULL, NULL},
    {"twice", "Object (f Function) (x Object)", twice, "", 0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL},
};

static crp *open_with_natives(const char *text)
{
    crp *vm = open_vm("()");
    ck_assert_int_eq(crp_define_functions(vm, rows), CRP_OK);
    must_run(vm, text);
    return vm;
}

/* --- what is called ------------------------------------------------------------------------------------- */

START_TEST(a_function_gets_words_and_gives_one)
{
    crp *vm = open_vm("(defun Integer next ((x Integer)) (+ x 1))");
    crp_word next = word_of(vm, "next");
    for (int64_t i = 0; i < 1000; i++) ck_assert_int_eq(must_call(vm, next, i), i + 1);
    ck_assert_int_eq(call(vm, next, 1, NULL), CRP_OK);
    crp_free(vm);
}
END_TEST

START_TEST(a_function_may_be_named_and_may_be_native)
{
    crp *vm = open_vm("(defun f (x) (* x 2))");
    crp_word name = CRP_NIL;
    ck_assert_int_eq(crp_symbol(vm, "f", 1, &name), CRP_OK);
    ck_assert_int_eq(must_call(vm, name, 4), 8);
    ck_assert_int_eq(must_call(vm, word_of(vm, "abs"), -4), 4);
    crp_free(vm);
}
END_TEST

START_TEST(further_and_left_out_arguments_are_arranged)
{
    crp *vm = open_vm("(defun f (a (b Integer 5)) (+ a b)) (defun g (a ...) (length ...))");
    crp_word args[] = {crp_fixnum(1), crp_fixnum(2), crp_fixnum(3)}, out = CRP_NIL, f = word_of(vm, "f"), g = word_of(vm, "g");
    ck_assert_int_eq(must_call(vm, f, 1), 6);
    ck_assert_int_eq(crp_call_words(vm, f, args, 2, &out), CRP_OK);
    ck_assert_int_eq(crp_integer_value(out), 3);
    ck_assert_int_eq(crp_call_words(vm, g, args, 3, &out), CRP_OK);
    ck_assert_int_eq(crp_integer_value(out), 2);
    crp_free(vm);
}
END_TEST

START_TEST(what_is_no_function_is_refused_as_ever)
{
    crp *vm = open_vm("()");
    crp_word out = CRP_NIL;
    ck_assert_int_eq(crp_call_val(vm, must_run(vm, "5"), NULL, 0, NULL), CRP_E_TYPE);
    char handles[500];
    snprintf(handles, sizeof handles, "%s", last_error(vm));
    ck_assert_int_eq(call(vm, crp_fixnum(5), 1, &out), CRP_E_TYPE);
    ck_assert_str_eq(last_error(vm), handles);
    ck_assert_int_eq(strncmp(handles, "1.11: ", 6), 0);
    ck_assert(out == CRP_NIL);
    crp_free(vm);
}
END_TEST

START_TEST(too_many_arguments_and_a_wrong_number_of_them_are_errors)
{
    crp *vm = open_vm("(defun f (x) x)");
    static crp_word many[300];
    crp_word f = word_of(vm, "f");
    ck_assert_int_eq(crp_call_words(vm, f, many, 300, NULL), CRP_E_RAISED);
    ck_assert_str_eq(last_error(vm), "1.2: more than 200 arguments in one call");
    ck_assert_int_eq(crp_call_words(vm, f, many, 2, NULL), CRP_E_RAISED);
    ck_assert_str_eq(last_error(vm), "1.8: f: 1 argument expected, 2 given: (f x) -> Object");
    ck_assert_int_eq(must_call(vm, f, 3), 3);
    crp_free(vm);
}
END_TEST

/* --- errors --------------------------------------------------------------------------------------------- */

START_TEST(an_error_has_its_trace_and_the_next_call_works)
{
    crp *vm = open_vm("(defun g (x) (/ 10 x))\n(defun f (x) (+ (g x) 1))");
    crp_word f = word_of(vm, "f");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(must_call(vm, f, 5), 3);
        ck_assert_int_eq(call(vm, f, 0, NULL), CRP_E_RAISED);
        ck_assert_int_eq(strncmp(last_error(vm), "1.9: ", 5), 0);
        const crp_error *error = crp_error_last(vm);
        ck_assert_ptr_nonnull(strstr(crp_error_frame(error, 0), "g"));
        ck_assert_ptr_nonnull(strstr(crp_error_frame(error, 1), "f"));
        ck_assert_ptr_null(crp_error_frame(error, 2));
    }
    crp_free(vm);
}
END_TEST

START_TEST(an_error_in_a_natives_call_goes_up_through_the_native)
{
    crp *vm = open_with_natives("(defun f (x) (/ 10 x))");
    ck_assert_int_eq(value_of(vm, "(try (back f 0) (catch \"1.9\" 7))"), 7);
    ck_assert_int_eq(value_of(vm, "(back f 5)"), 2);
    crp_free(vm);
}
END_TEST

START_TEST(nested_calls_end_at_the_limit_and_what_was_refused_never_runs)
{
    crp *vm = open_with_natives("(set ::count 0) (defun f (x) (set ::count (+ ::count 1)) (back f x))");
    crp_word f = word_of(vm, "f");
    for (int i = 1; i <= 2; i++) {
        ck_assert_int_eq(call(vm, f, 0, NULL), CRP_E_RAISED);
        ck_assert_str_eq(last_error(vm), "1.15: calls from C into scripts are nested more than 100 deep");
        must_run(vm, "(sleep 0) (sleep 0)");
        ck_assert_int_eq(value_of(vm, "::count"), 100 * i);
    }
    ck_assert_int_eq(must_call(vm, word_of(vm, "abs"), -1), 1);
    crp_free(vm);
}
END_TEST

/* --- tasks ---------------------------------------------------------------------------------------------- */

START_TEST(a_function_may_wait_and_others_go_on_meanwhile)
{
    crp *vm = open_vm("(set ::n 0) (defun f (x) (task (set ::n x)) (sleep 5) (+ ::n 1))");
    crp_word f = word_of(vm, "f");
    for (int64_t i = 0; i < 20; i++) ck_assert_int_eq(must_call(vm, f, i), i + 1);
    crp_free(vm);
}
END_TEST

START_TEST(a_task_that_a_call_has_started_goes_on_in_a_later_one)
{
    crp *vm = open_vm("(set ::n 0) (defun f (x) (task (sleep 0) (set ::n x)) x) (defun g (x) (sleep 20) ::n)");
    ck_assert_int_eq(must_call(vm, word_of(vm, "f"), 8), 8);
    ck_assert_int_eq(value_of(vm, "::n"), 0);
    ck_assert_int_eq(must_call(vm, word_of(vm, "g"), 8), 8);
    crp_free(vm);
}
END_TEST

START_TEST(a_timer_that_is_due_is_served_though_no_call_waits)
{
    crp *vm = open_vm("(set ::n 0) (defun f (x) ::n) (task (sleep 5) (set ::n 1))\n(sleep 0)");
    crp_word f = word_of(vm, "f");
    time_t end = time(NULL) + 20;
    while (must_call(vm, f, 0) == 0) ck_assert_int_lt(time(NULL), end);
    crp_free(vm);
}
END_TEST

START_TEST(a_task_that_is_cancelled_while_a_call_waits_for_it_is_an_error_of_its_own)
{
    crp *vm = open_vm("(defun f (x) (local t) (set t (task (sleep 60000))) (sleep 0) (t.cancel) (sleep 0)"
                      " (try (t.wait) (catch \"1.17\" x)))");
    ck_assert_int_eq(must_call(vm, word_of(vm, "f"), 5), 5);
    crp_free(vm);
}
END_TEST

START_TEST(a_function_that_waits_for_what_never_comes_is_told)
{
    crp *vm = open_vm("(defun f (x) ((create Event).wait))");
    crp_word f = word_of(vm, "f");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(call(vm, f, 0, NULL), CRP_E_RAISED);
        ck_assert_str_eq(last_error(vm), "1.2: every task waits for another: none can go on");
    }
    crp_free(vm);
}
END_TEST

START_TEST(a_call_inside_of_a_within_has_its_deadline)
{
    crp *vm = open_with_natives("(defun spin (x) (while true)) (defun rest (x) (sleep 60000))");
    ck_assert_int_eq(value_of(vm, "(try (within 20 (back spin 0)) (catch \"6.1\" 6))"), 6);
    ck_assert_int_eq(value_of(vm, "(try (within 20 (back rest 0)) (catch \"6.1\" 6))"), 6);
    ck_assert_int_eq(must_call(vm, word_of(vm, "abs"), -1), 1);
    crp_free(vm);
}
END_TEST

START_TEST(a_within_that_ends_leaves_nothing_to_the_next_call)
{
    crp *vm = open_vm("(defun f (x) (try (within 5 (while true)) (catch \"6.1\" x)))");
    crp_word f = word_of(vm, "f");
    for (int64_t i = 0; i < 5; i++) ck_assert_int_eq(must_call(vm, f, i), i);
    crp_free(vm);
}
END_TEST

/* --- the end of all ------------------------------------------------------------------------------------- */

START_TEST(another_thread_cancels_a_call_that_loops_waits_or_calls_back)
{
    static const char *const names[] = {"spin", "rest", "deep"};
    crp *vm = open_with_natives("(defun spin (x) (try (while true) (catch -1 x))) (defun rest (x) (sleep 60000))"
                                "(defun deep (x) (back spin x))");
    crp_token *token = crp_token_get(vm);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        crp_word f = word_of(vm, names[i]);
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, token), 0);
        ck_assert_int_eq(call(vm, f, 0, NULL), CRP_E_CANCELLED);
        pthread_join(thread, NULL);
        ck_assert_str_eq(last_error(vm), "1.17: interrupted");
        ck_assert_int_eq(must_call(vm, word_of(vm, "abs"), -1), 1);
    }
    crp_token_put(token);
    crp_free(vm);
}
END_TEST

START_TEST(a_cancel_between_two_calls_ends_the_next_one_only)
{
    crp *vm = open_vm("(defun f (x) x)");
    crp_token *token = crp_token_get(vm);
    crp_word f = word_of(vm, "f");
    crp_cancel(token);
    ck_assert_int_eq(call(vm, f, 1, NULL), CRP_E_CANCELLED);
    ck_assert_int_eq(must_call(vm, f, 1), 1);
    crp_token_put(token);
    crp_free(vm);
}
END_TEST

START_TEST(stop_ends_a_call_and_all_that_follow)
{
    crp *vm = open_vm("(defun f (x) (stop x))");
    int status = 0;
    crp_word f = word_of(vm, "f");
    ck_assert_int_eq(call(vm, f, 3, NULL), CRP_E_CANCELLED);
    ck_assert_int_eq(call(vm, f, 4, NULL), CRP_E_CANCELLED);
    ck_assert(crp_stopped(vm, &status));
    ck_assert_int_eq(status, 3);
    crp_free(vm);
}
END_TEST

static crp_word shared;

static void *call_it(void *vm)
{
    crp_word none = CRP_NIL;
    return (void *)(uintptr_t)crp_call_words(vm, shared, &none, 1, NULL);
}

static crp_status other_thread(crp_call *c)
{
    pthread_t thread;
    void *status;
    ck_assert_int_eq(pthread_create(&thread, NULL, call_it, c->vm), 0);
    pthread_join(thread, &status);
    return crp_integer(c->vm, (int64_t)(uintptr_t)status, &c->result);
}

START_TEST(a_call_from_a_second_thread_finds_the_interpreter_busy)
{
    static const crp_method row[] = {{"otherThread", "Integer x", other_thread, "", 0, NULL, NULL},
                                     {NULL, NULL, NULL, NULL, 0, NULL, NULL}};
    crp *vm = open_vm("()");
    ck_assert_int_eq(crp_define_functions(vm, row), CRP_OK);
    shared = word_of(vm, "abs");
    ck_assert_int_eq(must_call(vm, word_of(vm, "otherThread"), 0), CRP_E_THREAD);
    crp_free(vm);
}
END_TEST

START_TEST(an_interpreter_is_freed_with_calls_behind_it_and_a_task_that_waits)
{
    crp *vm = open_with_natives("(defun f (x) (task (sleep 60000)) (if (> x 0) (back f (- x 1)) 5))");
    ck_assert_int_eq(must_call(vm, word_of(vm, "f"), 10), 5);
    crp_free(vm);
}
END_TEST

/* --- memory --------------------------------------------------------------------------------------------- */

static void call_many(crp *vm, crp_word f, int n)
{
    crp_word args[1], out;
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(crp_string_z(vm, "a String of the host", &args[0]), CRP_OK);
        ck_assert_int_eq(crp_call_words(vm, f, args, 1, &out), CRP_OK);
        ck_assert(crp_is_string(out));
    }
}

START_TEST(many_calls_do_not_grow_memory)
{
    crp *vm = open_vm("(defun f (s) (s.repeat 2))");
    crp_word f = word_of(vm, "f");
    int n = getenv("CARAPACE_TEST_MODE") ? 2000 : 100000;
    call_many(vm, f, n);
    size_t before = memory(vm);
    call_many(vm, f, n);
    ck_assert_uint_le(memory(vm), before);
    crp_free(vm);
}
END_TEST

START_TEST(a_deep_call_gives_its_stack_back)
{
    crp *vm = open_vm("(defun f (x) (if (== x 0) 0 (+ 1 (f (- x 1)))))");
    crp_word f = word_of(vm, "f");
    must_call(vm, f, 10);
    size_t before = memory(vm);
    ck_assert_int_eq(must_call(vm, f, 50000), 50000);
    ck_assert_uint_le(memory(vm), before);
    crp_free(vm);
}
END_TEST

START_TEST(what_was_called_is_not_kept_alive)
{
    crp *vm = open_vm("(defun f (s) (length (s.repeat 2)))");
    crp_word f = word_of(vm, "f"), s = CRP_NIL;
    must_run(vm, "(f \"x\")");
    size_t before = memory(vm);
    char *bytes = crp_alloc(vm, 1000000);
    memset(bytes, 'x', 1000000);
    ck_assert_int_eq(crp_string_take(vm, bytes, 1000000, 1000000, &s), CRP_OK);
    ck_assert_int_eq(crp_call_words(vm, f, &s, 1, NULL), CRP_OK);
    ck_assert_uint_lt(memory(vm), before + 100000);
    crp_free(vm);
}
END_TEST

static void collect_always(crp *vm) { vm->heap.stress_every = vm->heap.stress_left = 1; }

START_TEST(collections_at_every_allocation_disturb_no_call)
{
    crp *vm = open_with_natives("(defun f (s) (list s (s.repeat 2) (list s))) (defun g (s) (sleep 0) (f s))"
                                "(defun h (s) (twice f s))");
    crp_word functions[] = {word_of(vm, "f"), word_of(vm, "g"), word_of(vm, "h")}, s, out, text;
    static const char *const texts[] = {"(\"ab\" \"abab\" (\"ab\"))", "(\"ab\" \"abab\" (\"ab\"))",
                                        "((\"ab\" \"abab\" (\"ab\")) (\"ab\" \"abab\" (\"ab\")))"};
    collect_always(vm);
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(crp_string_z(vm, "ab", &s), CRP_OK);
        ck_assert_int_eq(crp_call_words(vm, functions[i % 3], &s, 1, &out), CRP_OK);
        ck_assert_int_eq(crp_to_string(vm, out, true, &text), CRP_OK);
        ck_assert_str_eq(crp_string_data(text, NULL), texts[i % 3]);
    }
    crp_free(vm);
}
END_TEST

START_TEST(the_last_value_lives_until_the_next_call_and_longer_with_a_handle)
{
    crp *vm = open_vm("(defun f (x) (list x x))");
    crp_word f = word_of(vm, "f"), out = CRP_NIL, again = CRP_NIL;
    crp_val kept;
    ck_assert_int_eq(call(vm, f, 1, &out), CRP_OK);
    crp_collect(vm);
    ck_assert_int_eq(crp_fixnum_value(crp_head(out)), 1);
    ck_assert_int_eq(crp_val_of(vm, out, &kept), CRP_OK);
    ck_assert_int_eq(call(vm, f, 2, NULL), CRP_OK);
    crp_collect(vm);
    ck_assert_int_eq(crp_word_of(vm, kept, &again), CRP_OK);
    ck_assert(again == out && crp_fixnum_value(crp_head(again)) == 1);
    crp_free(vm);
}
END_TEST

static void call_inside(void *vm, const char *candidate, const char *signature, const char *help)
{
    (void)candidate, (void)signature, (void)help;
    crp_word out = CRP_NIL;
    crp_word f = shared;
    ck_assert_int_eq(call(vm, f, 1, &out), CRP_OK);
    crp_collect(vm);
}

START_TEST(a_task_that_ends_with_the_program_may_call_through_a_native)
{
    crp *vm = open_with_natives("(defun f (x) (list x)) (task (try (sleep 60000) (finally (set ::l (twice f 3)))))\n(sleep 0)");
    collect_always(vm);
    ck_assert_int_eq(crp_end(vm, NULL, NULL), CRP_OK);
    ck_assert_int_eq(value_of(vm, "(headOf (headOf ::l))"), 3);
    crp_free(vm);
}
END_TEST

START_TEST(a_call_while_a_name_is_completed_disturbs_that_not)
{
    crp *vm = open_vm("(set ::ab1 (list 1 2)) (set ::ab2 \"x\") (defun f (x) (list x))");
    shared = word_of(vm, "f");
    ck_assert_uint_eq(crp_complete(vm, "::ab", 4, call_inside, vm), 0);
    ck_assert_uint_eq(crp_complete(vm, "(st", 3, call_inside, vm), 1);
    crp_free(vm);
}
END_TEST

/* Wherever the limit stands: for the native's state, its record, its frame, or what it makes. */
START_TEST(a_native_that_calls_meets_the_limit_of_memory_at_any_place)
{
    crp *vm = open_vm("(defun f (x) (list x (map (lambda (y) (list y)) '(1 2 3)))) (f 1)");
    crp_word f = word_of(vm, "f"), out;
    int done = 0, refused = 0;
    must_call(vm, word_of(vm, "(lambda (x) (f x) x)"), 1);
    for (size_t room = 0; room < 6000; room += 40) {
        vm->mem.limit = vm->mem.used + vm->mem.used / 31 + room + room / 31;
        crp_status st = call(vm, f, 1, &out);
        ck_assert_msg(st == CRP_OK || st == CRP_E_NOMEM, "room %zu: status %d, %s", room, (int)st, last_error(vm));
        if (st) refused++;
        else done++;
    }
    ck_assert_int_gt(refused, 0);
    ck_assert_int_gt(done, 0);
    vm->mem.limit = 0;
    must_call(vm, word_of(vm, "(lambda (x) (f x) x)"), 1);
    crp_free(vm);
}
END_TEST

UNIT_MAIN("call", a_function_gets_words_and_gives_one, a_function_may_be_named_and_may_be_native,
          further_and_left_out_arguments_are_arranged, what_is_no_function_is_refused_as_ever,
          too_many_arguments_and_a_wrong_number_of_them_are_errors, an_error_has_its_trace_and_the_next_call_works,
          an_error_in_a_natives_call_goes_up_through_the_native,
          nested_calls_end_at_the_limit_and_what_was_refused_never_runs, a_function_may_wait_and_others_go_on_meanwhile,
          a_task_that_a_call_has_started_goes_on_in_a_later_one, a_timer_that_is_due_is_served_though_no_call_waits,
          a_task_that_is_cancelled_while_a_call_waits_for_it_is_an_error_of_its_own,
          a_function_that_waits_for_what_never_comes_is_told, a_call_inside_of_a_within_has_its_deadline,
          a_within_that_ends_leaves_nothing_to_the_next_call, another_thread_cancels_a_call_that_loops_waits_or_calls_back,
          a_cancel_between_two_calls_ends_the_next_one_only, stop_ends_a_call_and_all_that_follow,
          a_call_from_a_second_thread_finds_the_interpreter_busy,
          an_interpreter_is_freed_with_calls_behind_it_and_a_task_that_waits, many_calls_do_not_grow_memory,
          a_deep_call_gives_its_stack_back, what_was_called_is_not_kept_alive,
          collections_at_every_allocation_disturb_no_call,
          the_last_value_lives_until_the_next_call_and_longer_with_a_handle,
          a_task_that_ends_with_the_program_may_call_through_a_native, a_call_while_a_name_is_completed_disturbs_that_not,
          a_native_that_calls_meets_the_limit_of_memory_at_any_place)
