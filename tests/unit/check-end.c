/* What is given to `atEnd`, and how a host has it called. */
#include "unit.h"

#include <string.h>
#include "carapace.h"

static char seen[4000];
static crp *vm;

static void collect(void *ud, int fd, const char *bytes, size_t length)
{
    (void)ud, (void)fd;
    strncat(seen, bytes, length);
}

static void failed(void *ud)
{
    crp_error_info info = {.size = sizeof info};
    crp_error_info_get(crp_error_last(vm), &info);
    strcat(seen, ud);
    strcat(seen, info.message);
    strcat(seen, "\n");
}

static void open_with(const char *text, crp_status expected)
{
    seen[0] = 0;
    ck_assert_int_eq(crp_new(NULL, &vm), CRP_OK);
    crp_io(vm, collect, NULL);
    ck_assert_int_eq(crp_eval(vm, text, strlen(text), "test", NULL), expected);
}

START_TEST(the_last_function_is_called_first)
{
    open_with("(defun f () (print \"f\")) (atEnd 'f) (atEnd (lambda () (print \"g\"))) (print \"text\")", CRP_OK);
    ck_assert_int_eq(crp_end(vm, NULL, NULL), CRP_OK);
    ck_assert_str_eq(seen, "text\ng\nf\n");
    crp_free(vm);
}
END_TEST

START_TEST(each_is_called_once)
{
    open_with("(atEnd (lambda () (print \"a\")))", CRP_OK);
    ck_assert_int_eq(crp_end(vm, NULL, NULL), CRP_OK);
    ck_assert_int_eq(crp_end(vm, NULL, NULL), CRP_OK);
    ck_assert_int_eq(crp_eval(vm, "(atEnd (lambda () (print \"b\")))", 31, "test", NULL), CRP_OK);
    ck_assert_int_eq(crp_end(vm, NULL, NULL), CRP_OK);
    ck_assert_str_eq(seen, "a\nb\n");
    crp_free(vm);
}
END_TEST

START_TEST(an_error_is_told_and_the_others_are_called)
{
    open_with("(atEnd (lambda () (print \"a\"))) (atEnd (lambda () (headOf ()))) (atEnd (lambda () (+ 1 'x)))", CRP_OK);
    ck_assert_int_eq(crp_end(vm, failed, "failed: "), CRP_E_TYPE);
    ck_assert_ptr_nonnull(strstr(seen, "failed: headOf: the List is empty\na\n"));
    ck_assert_ptr_eq(strstr(seen, "failed: "), seen);
    crp_free(vm);
}
END_TEST

START_TEST(they_are_called_after_stop_and_may_give_the_status)
{
    int status = 0;
    open_with("(atEnd (lambda () (print \"a\"))) (atEnd (lambda () (print \"b\") (stop 5) (print \"c\"))) (stop 3)",
              CRP_E_CANCELLED);
    ck_assert_int_eq(crp_end(vm, failed, "failed: "), CRP_OK);
    ck_assert_str_eq(seen, "b\na\n");
    ck_assert(crp_stopped(vm, &status));
    ck_assert_int_eq(status, 5);
    crp_free(vm);
}
END_TEST

START_TEST(stop_stays_as_it_was_without_one_of_their_own)
{
    int status = 0;
    open_with("(atEnd (lambda () (print \"a\"))) (stop 3)", CRP_E_CANCELLED);
    ck_assert_int_eq(crp_end(vm, NULL, NULL), CRP_OK);
    ck_assert(crp_stopped(vm, &status));
    ck_assert_int_eq(status, 3);
    ck_assert_int_eq(crp_eval(vm, "1", 1, "test", NULL), CRP_E_CANCELLED);
    crp_free(vm);
}
END_TEST

START_TEST(none_is_added_while_they_are_called)
{
    open_with("(atEnd (lambda () (atEnd (lambda () (print \"never\")))))", CRP_OK);
    ck_assert_int_eq(crp_end(vm, failed, ""), CRP_E_RAISED);
    ck_assert_str_eq(seen, "atEnd: the program is ending already\n");
    crp_free(vm);
}
END_TEST

START_TEST(freeing_calls_none)
{
    open_with("(atEnd (lambda () (print \"never\")))", CRP_OK);
    crp_free(vm);
    ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(there_is_a_limit_and_only_functions_are_taken)
{
    open_with("(set n 0) (while (< n 10000) (atEnd (lambda () 1)) (set n (+ n 1)))"
              "(print (try (atEnd 'print) (catch \"1.2\" 'full)) (try (atEnd 'nothing) (catch \"1.4\" 'unknown))"
              " (try (atEnd 5) (catch \"1.11\" 'none)))", CRP_OK);
    ck_assert_str_eq(seen, "full\nunknown\nnone\n");
    ck_assert_int_eq(crp_end(vm, NULL, NULL), CRP_OK);
    crp_free(vm);
}
END_TEST

UNIT_MAIN("end", the_last_function_is_called_first, each_is_called_once, an_error_is_told_and_the_others_are_called,
          they_are_called_after_stop_and_may_give_the_status, stop_stays_as_it_was_without_one_of_their_own,
          none_is_added_while_they_are_called, freeing_calls_none, there_is_a_limit_and_only_functions_are_taken)
