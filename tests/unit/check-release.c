/* What a native asks to have released when the call ends that got it. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include "api.h"
#include "task.h"

static char seen[4000];

static void collect(void *ud, int fd, const char *bytes, size_t length)
{
    (void)ud, (void)fd;
    strncat(seen, bytes, length);
}

static void released(crp *vm, crp_word object)
{
    crp_word garbage;
    strcat(seen, "-");
    strcat(seen, crp_string_data(object, NULL));
    ck_assert_int_eq(crp_string_z(vm, "allocated here", &garbage), CRP_OK);
    crp_collect(vm);
}

/* (hold "name") */
static crp_status hold(crp_call *c)
{
    c->result = c->args[0];
    return crpi_release_later(c->vm, c->args[0], released);
}

/* (holdAfter function "name"): the native has a frame of its own by then. */
static crp_status hold_after(crp_call *c)
{
    if (c->step++ == 0) return crp_then_call(c, c->args[0], NULL, 0);
    c->result = c->args[1];
    return crpi_release_later(c->vm, c->args[1], released);
}

static const crp_method rows[] = {{"hold", "Object (name String)", hold, "", 0, NULL, NULL},
                                  {"holdAfter", "Object (f Function) (name String)", hold_after, "", 0, NULL, NULL},
                                  {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static crp *open_vm(void)
{
    crp *vm = NULL;
    ck_assert_int_eq(crp_new(NULL, &vm), CRP_OK);
    crp_io(vm, collect, NULL);
    ck_assert_int_eq(crp_define_functions(vm, rows), CRP_OK);
    seen[0] = 0;
    return vm;
}

static void run(crp *vm, const char *text, const char *expected)
{
    crp_error_info info = {.size = sizeof info};
    seen[0] = 0;
    crp_status st = crp_eval(vm, text, strlen(text), "test", NULL);
    if (st) crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_msg(st == CRP_OK, "%s: %s", text, st ? info.message : "");
    ck_assert_str_eq(seen, expected);
}

START_TEST(it_is_released_when_the_call_returns)
{
    crp *vm = open_vm();
    run(vm, "(defun f () (hold \"a\") (print \"in\") (list 1 2)) (print (f)) (print \"out\")", "in\n-a(1 2)\nout\n");
    run(vm, "(defun g (n) (if (== n 0) (return (cons (hold \"b\") '(x)))) (print \"not\") 7) (print (g 0) (g 1))",
        "-bnot\n(\"b\" x)\n7\n");
    run(vm, "(print ((lambda () (hold \"c\"))))", "-cc\n");
    crp_free(vm);
    ck_assert_ptr_null(strstr(seen, "-c-c"));
}
END_TEST

START_TEST(the_last_one_is_released_first)
{
    crp *vm = open_vm();
    run(vm, "(defun f () (hold \"a\") (g) (hold \"b\") (hold \"c\") 1) (defun g () (hold \"d\") ()) (f)", "-d-c-b-a");
    crp_free(vm);
}
END_TEST

START_TEST(it_is_released_when_an_error_ends_the_call)
{
    crp *vm = open_vm();
    run(vm, "(defun f () (hold \"a\") (headOf ())) (try (f) (catch -1 (print \"caught\")))", "-acaught\n");
    run(vm, "(defun g () (hold \"b\") (f)) (try (g) (catch -1 (print \"caught\")))", "-a-bcaught\n");
    run(vm, "(defun h () (hold \"c\") (try (f) (catch -1 (print \"in\"))) (print \"still\") 5) (print (h))", "-ain\nstill\n-c5\n");
    run(vm, "(defun i () (try (hold \"d\") (headOf ()) (finally (print \"finally\")))) (try (i) (catch -1))", "finally\n-d");
    ck_assert_int_ne(crp_eval(vm, "(g)", 3, "test", NULL), CRP_OK);
    ck_assert_str_eq(seen, "finally\n-d-a-b");
    crp_free(vm);
}
END_TEST

START_TEST(a_call_in_tail_position_keeps_it_to_its_end)
{
    crp *vm = open_vm();
    run(vm, "(defun g (x) (print \"g\") x) (defun f () (hold \"a\") (g '(1))) (print (f))", "g\n-a(1)\n");
    run(vm, "(defun turn (n) (if (== n 0) (print \"end\") (do (if (== n 2) (hold \"b\")) (turn (- n 1))))) (turn 5)", "end\n-b");
    crp_free(vm);
}
END_TEST

START_TEST(at_top_level_nothing_is_released)
{
    crp *vm = open_vm();
    run(vm, "(hold \"a\") (let ((x 1)) (hold \"b\")) (eval '(hold \"c\")) (print \"end\")", "end\n");
    crp_free(vm);
    ck_assert_str_eq(seen, "end\n");
}
END_TEST

START_TEST(what_eval_gets_belongs_to_the_function_that_called_it)
{
    crp *vm = open_vm();
    run(vm, "(defun f () (eval '(hold \"a\")) (print \"still\") 1) (f)", "still\n-a");
    crp_free(vm);
}
END_TEST

START_TEST(a_native_in_between_is_no_call_of_its_own)
{
    crp *vm = open_vm();
    run(vm, "(defun f () (holdAfter (lambda () (hold \"a\")) \"b\") (print \"still\") 1) (print (f))", "-astill\n-b1\n");
    run(vm, "(defun g () (apply 'hold '(\"c\")) (print \"still\") 1) (g)", "still\n-c");
    crp_free(vm);
}
END_TEST

START_TEST(the_value_of_the_call_outlives_the_release)
{
    crp *vm = open_vm();
    run(vm, "(defun f (x) (hold \"a\") (list x (list x))) (print (map (lambda (x) (f x)) '(1 2)))", "-a-a((1 (1)) (2 (2)))\n");
    run(vm, "(defun h (x) (hold \"b\") (list x (list x))) (print (map h '(1 2)))", "-b-b((1 (1)) (2 (2)))\n");
    run(vm, "(defun deep (n) (if (== n 0) (list \"x\" (hold \"c\")) (let ((v (deep (- n 1)))) (if (== n 500) (hold \"d\")) v)))"
            "(print (deep 3000))", "-c-d(\"x\" \"c\")\n");
    crp_free(vm);
}
END_TEST

START_TEST(methods_and_what_operators_ask_are_calls)
{
    crp *vm = open_vm();
    run(vm, "(class C (interface (properties (n Integer)) (methods (NIL C ()) (Object next ()) (Object + (o)) (Object m ()))))"
            "(defun NIL C::C () (hold \"made\") (this.n 2))"
            "(defun Object C::next () (hold \"next\") (this.n (- this.n 1)) (if (> this.n 0) (list this.n)))"
            "(defun Object C::+ (o) (hold \"plus\") (list o)) (defun Object C::m () (hold \"m\") this.n)"
            "(set o (create C)) (print (o.m)) (print (+ o 5)) (for x o (print x))",
        "-made-m2\n-plus(5)\n-next(1)\n-next");
    crp_free(vm);
}
END_TEST

START_TEST(stopping_releases_too)
{
    crp *vm = open_vm();
    const char *text = "(defun f () (hold \"a\") (stop 3)) (f)";
    crp_eval(vm, text, strlen(text), "test", NULL);
    ck_assert_str_eq(seen, "-a");
    crp_free(vm);
    ck_assert_str_eq(seen, "-a");
}
END_TEST

START_TEST(places_and_causes_are_those_of_the_code)
{
    crp *vm = open_vm();
    crp_error_info info = {.size = sizeof info};
    const char *text = "(defun f ()\n  (hold \"a\")\n  (headOf ()))\n(defun g ()\n  (f)\n 1)\n(g)";
    ck_assert_int_ne(crp_eval(vm, text, strlen(text), "test", NULL), CRP_OK);
    crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_int_eq(info.line, 3);
    run(vm, "(defun h () (hold \"b\") (throw (create Error 7 1 \"second\")))\n"
            "(try (try (headOf ()) (catch -1 (h) 1)) (catch 7 (print err.cause.code)))", "-b2\n");
    run(vm, "(defun k () (hold \"c\") (headOf ()))\n(defun l ()\n(k)\n1)\n(try (l) (catch -1 (print (headOf (tailOf err.trace)))))",
        "-c(l) at test:3\n");
    crp_free(vm);
}
END_TEST

UNIT_MAIN("release", it_is_released_when_the_call_returns, the_last_one_is_released_first,
          it_is_released_when_an_error_ends_the_call, a_call_in_tail_position_keeps_it_to_its_end,
          at_top_level_nothing_is_released, what_eval_gets_belongs_to_the_function_that_called_it,
          a_native_in_between_is_no_call_of_its_own, the_value_of_the_call_outlives_the_release,
          methods_and_what_operators_ask_are_calls, stopping_releases_too, places_and_causes_are_those_of_the_code)
