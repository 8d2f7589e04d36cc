/* The compiler: what docs/vm.md says of the code that comes out, seen in listings; and where errors are said to be. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include "carapace.h"
#include "cells.h"
#include "chunk.h"

static crp *vm;

static void open_vm(void) { ck_assert_int_eq(crp_new(NULL, &vm), CRP_OK); }

static crp_status evaluate(const char *text) { return crp_eval(vm, text, strlen(text), "test.crp", NULL); }

static const char *message(void)
{
    static char text[2000];
    text[0] = 0;
    if (crp_error_last(vm)) crp_error_text(crp_error_last(vm), text, sizeof text, 0);
    return text;
}

static void must(const char *text) { ck_assert_msg(evaluate(text) == CRP_OK, "%s", message()); }

static crpi_function *function_named(const char *name)
{
    crp_word symbol;
    ck_assert(crpi_symbol_find(&vm->symbols, name, strlen(name), &symbol));
    return crpi_function_of(vm->cells->values[crpi_name_find(vm, symbol)->function]);
}

/* The listing of the function f that the text defines. */
static const char *listing(const char *text)
{
    static char bytes[20000];
    crpi_buf out;
    must(text);
    crpi_buf_init(&out, &vm->mem, sizeof bytes - 1);
    crpi_disassemble(vm, function_named("f")->proto, &out);
    memcpy(bytes, out.bytes, out.length);
    bytes[out.length] = 0;
    crpi_buf_free(&out);
    return bytes;
}

static void expect_code(const char *text, const char *expected)
{
    open_vm();
    ck_assert_str_eq(listing(text), expected);
    crp_free(vm);
}

static void expect_in_code(const char *text, const char *part, int times)
{
    open_vm();
    const char *code = listing(text);
    int n = 0;
    for (const char *at = code; (at = strstr(at, part)); at += strlen(part)) n++;
    ck_assert_msg(n == times, "%s: %d times, not %d, in\n%s", part, n, times, code);
    crp_free(vm);
}

/* --- code ------------------------------------------------------------------------------------------------------- */

START_TEST(a_sum_goes_to_the_variables_own_register)
{
    expect_code("(defun f (i) (local (sum Object)) (set sum (+ sum i)) sum)",
                "0 LOADC r1 ()\n"
                "2 ADDRET r1 r1 r0\n"
                "3 RET r1\n");
}
END_TEST

START_TEST(small_numbers_are_operands)
{
    expect_code("(defun f (i) (if (< i 5) (+ i 1) (* i -3)))",
                "0 JNLTI r0 5 ->4\n"
                "2 ADDIRET r1 r0 1\n"
                "3 RET r1\n"
                "4 MULI r1 r0 -3\n"
                "5 RET r1\n");
}
END_TEST

START_TEST(what_ends_a_turn_is_one_instruction_with_the_test)
{
    expect_in_code("(defun f (i n) (while (< i n) (print i) (set i (+ i 1))))", "ADDIJLT r0 r0 1", 1);
    expect_in_code("(defun f (i n) (while (<= i n) (print i) (set i (+ i 1))))", "ADDIJLE r0 r0 1", 1);
    expect_in_code("(defun f (l) (while l (print l) (set l (tailOf l))))", "TAILJT r0 r0", 1);
    expect_in_code("(defun f (i n) (while (< n i) (set i (+ i 1))))", "ADDIJ", 0);
    expect_in_code("(defun f (i n) (while (< i n) (if i (set i (+ i 1)))))", "ADDIJ", 0);
}
END_TEST

START_TEST(what_is_checked_goes_on_to_its_variable_at_once)
{
    expect_in_code("(defun f (l) (local (n Integer)) (set n (headOf l)))", "CHECKIMOVE r2 1 r1 Integer Integer n\n6 MOVE r1 r2", 1);
    expect_in_code("(defun f (l) (local (n String)) (set n (headOf l)))", "CHECKMOVE", 1);
}
END_TEST

START_TEST(arguments_of_the_declared_classes_are_known_by_their_shape)
{
    expect_in_code("(defun g ((n Integer) x) n) (defun f ((n Integer)) (list (g n n) (g 1 n)))", "2 g", 2);
    expect_in_code("(defun g ((n Integer) x) n) (defun f ((n Integer)) (list (g n n) (g 1 n)))", " 0 2 g", 0);
    expect_in_code("(defun g ((n Integer) x) n) (defun f (n) (list (g n n) (g 1.5 n)))", " 0 2 g", 2);
    expect_in_code("(defun f ((n Integer)) (if (< n 1) 1 (f (- n 1))))", " 0 1 f", 0);
    expect_in_code("(defun g (n) n) (defun f ((n Integer)) (list (g n)))", " 0 1 g", 1);
}
END_TEST

START_TEST(declared_reals_have_instructions_of_their_own)
{
    expect_in_code("(defun f ((a Real) (b Real)) (/ (- a b) b))", "DSUB", 1);
    expect_in_code("(defun f ((a Real) (b Real)) (/ (- a b) b))", "DDIV", 1);
    expect_in_code("(defun f ((a Real) (b Real)) (- a (* a b)))", "DMULSUB", 1);
    expect_in_code("(defun f ((a Real) (b Real)) (+ (* a b) b))", "DADD r2 r1 r2", 1);
    expect_in_code("(defun f ((a Real) (b Real)) (- (* a b) b))", "DMULSUB", 0);
    expect_in_code("(defun f ((a Real) b) (+ a (* a b)))", "MULADD", 0);
    expect_in_code("(class C (interface (properties (x Real)))) (defun f ((c C)) (* c.x c.x))", "DMUL", 1);
}
END_TEST

START_TEST(larger_numbers_are_loaded)
{
    expect_in_code("(defun f (i) (+ i 1000))", "LOADI r1 1000", 1);
    expect_in_code("(defun f (i) (+ i 100000))", "LOADK r1 100000", 1);
    expect_in_code("(defun f (i) (if (< i 32768) 1 2))", "LOADK", 1);
    expect_in_code("(defun f (i) (if (< i 32767) 1 2))", "JNLTI r0 32767", 1);
    expect_in_code("(defun f (i) (% i 0))", "REMI", 0);
}
END_TEST

START_TEST(a_comparison_in_a_condition_is_one_instruction)
{
    expect_in_code("(defun f (a b) (while (< a b) (set a (+ a 1))))", "JLT r0 r1", 1);
    expect_in_code("(defun f (a b) (if (! (== a b)) 1 2))", "JEQ r0 r1", 1);
    expect_in_code("(defun f (a b) (if (&& (> a 1) (<= b 2)) 1 2))", "LOADC", 0);
}
END_TEST

START_TEST(what_is_known_to_be_an_integer_is_not_checked)
{
    expect_in_code("(defun f ((i Integer)) (set i (+ i 1)) (set i (* i i)) i)", "CHECK", 1);
    expect_in_code("(defun f ((i Integer) x) (set i (+ i x)) i)", "CHECK", 2);
    expect_in_code("(defun Integer f ((i Integer)) (+ i 1))", "CHECK", 1);
}
END_TEST

START_TEST(the_result_of_a_function_is_checked_where_it_is_declared)
{
    expect_in_code("(defun Integer g (x) x) (defun f (x) (local (n Integer)) (set n (g x)) n)", "CHECKI", 1);
}
END_TEST

START_TEST(only_what_is_captured_and_assigned_has_a_box)
{
    expect_in_code("(defun f (a b) (set a 1) (lambda () b))", "NEWBOX", 0);
    expect_in_code("(defun f (a b) (set a 1) (lambda () a))", "NEWBOX", 1);
    expect_in_code("(defun f (a b) (lambda () (set a 1)))", "NEWBOX", 1);
    expect_in_code("(defun f (a b) (eval 'a))", "NEWBOX", 2);
}
END_TEST

START_TEST(a_lambda_that_captures_nothing_is_a_constant)
{
    expect_in_code("(defun f (a) (lambda (x) x))", "CLOSURE", 0);
    expect_in_code("(defun f (a) (lambda (x) a))", "CLOSURE r1", 1);
}
END_TEST

START_TEST(calls_in_tail_position_are_their_own_instructions)
{
    expect_in_code("(defun f (a) (f a))", "TCALLG r1 0 1 f", 1);
    expect_in_code("(defun f (a) (+ 1 (f a)))", " CALLG", 1);
    expect_in_code("(defun f (a) (a 1))", "TCALLV", 1);
    expect_in_code("(defun f (a) ((lambda (x) x) a))", "TCALL ", 1);
    expect_in_code("(defun f (a) (try (f a) (catch 1 2)))", "TCALL", 0);
    expect_in_code("(defun f (a) (a.b 1 2) (a.b 1 2))", "INVOKE r1 1 2 .b", 1);
}
END_TEST

START_TEST(the_arguments_registers_are_the_callees_first)
{
    expect_code("(defun f (a b) (print a b) ())",
                "0 MOVE r2 r0\n"
                "1 MOVE r3 r1\n"
                "2 CALLG r2 0 2 print\n"
                "4 RETNIL\n");
}
END_TEST

START_TEST(properties_of_this_are_slots)
{
    open_vm();
    must("(class C (interface (properties (n Integer)) (methods (Integer m ()))))"
         "(defun Integer C::m () (this.n (+ this.n 1)))");
    crpi_class *class = vm->classes[crp_class_id(vm, "C")];
    crpi_buf out;
    crpi_buf_init(&out, &vm->mem, 1000);
    crpi_disassemble(vm, crpi_function_of(class->faces[0].members[1]->function)->proto, &out);
    crpi_buf_byte(&out, 0);
    ck_assert_str_eq(out.bytes, "0 GETTHIS r1 offset=8\n"
                                "2 ADDI r1 r1 1\n"
                                "3 SETTHIS r1 offset=8\n"
                                "5 RET r1\n");
    crpi_buf_free(&out);
    crp_free(vm);
}
END_TEST

START_TEST(a_member_access_remembers_what_it_found)
{
    open_vm();
    must("(class C (interface (properties (p Object)) (methods (Object m ()))))"
         "(defun Object C::m () 1)"
         "(defun f (o) (list o.p o.m (o.p 5)))");
    ck_assert_ptr_nonnull(strstr(listing("(f (create C))"), "GETSLOT"));
    ck_assert_ptr_nonnull(strstr(listing("(f (create C))"), "CALL0"));
    ck_assert_ptr_nonnull(strstr(listing("(f (create C))"), "SETSLOT"));
    crp_free(vm);
}
END_TEST

START_TEST(every_instruction_can_be_listed)
{
    open_vm();
    const char *code = listing(
        "(global (::g Integer)) (set v 1) (class C (interface (methods (NIL close ()))))"
        "(defun f ((a Integer) (b Real 1.5) ...)"
        "  (local (l List) (k Binary) (n Integer 3))"
        "  (set ::g a) (unset ::g) (set v (list a b 'q \"s\" 0x\"01\" unknown length))"
        "  (for (x y) (create HashTable) (if (&& x (|| y ())) (continue) (break)))"
        "  (doWhile (>= n 0) (set n (- n 1 a)) (set n (/ n 1)) (set n (% n 7)) (set n (- n)) (set b (+ b)))"
        "  (l.endCons (cons (headOf l) (tailOf l)))"
        "  (try (with (c (create C)) c) (catch 1 2) (catch \"1.2\" 3) (finally 4))"
        "  (let ((h (lambda (x) (set n x) (set l ...) (lambda () (list x n l a))))) (h 1))"
        "  (a.b 1) (a.b (a.c) 2) (eval 'n) (cond ((!= a 1) 1) ((<= a 2)) (true 5)))");
    ck_assert_int_gt(strlen(code), 1000);
    ck_assert_ptr_null(strstr(code, "?"));
    crp_free(vm);
}
END_TEST

/* --- places ----------------------------------------------------------------------------------------------------- */

static void expect_place(const char *text, int code, uint32_t line, uint32_t column)
{
    crp_error_info info = {.size = sizeof info};
    open_vm();
    ck_assert_msg(evaluate(text) != CRP_OK, "%s", text);
    crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_msg(info.code == code && info.line == line && info.column == column, "%s: %d.%d at %u:%u: %s", text, info.error_class,
                  info.code, info.line, info.column, info.message);
    crp_free(vm);
}

START_TEST(an_error_is_placed_at_the_innermost_form)
{
    expect_place("(print\n  (+ 1 (* 2\n    (headOf ()))))", 2, 3, 6);
    expect_place("(print 1 2 (list 3 (/ 4 0)))", 9, 1, 21);
    expect_place("(set x 5)\n(if (> x 1)\n  (x.nosuch))", 4, 3, 5);
    expect_place("(let ((a 1)\n      (b (headOf ())))\n  a)", 2, 2, 11);
}
END_TEST

START_TEST(an_unknown_name_is_placed_where_it_stands)
{
    expect_place("(print 1\n  nosuch)", 4, 2, 3);
    expect_place("(list 1 (+ 2 3)\n\n  (list nosuch))", 4, 3, 9);
    expect_place("(do 1\n  nosuch\n  2)", 4, 2, 3);
    expect_place("(defun f ()\n  1\n  nosuch)\n(f)", 4, 3, 3);
    expect_place("(if nosuch\n 1)", 4, 1, 5);
}
END_TEST

START_TEST(what_does_not_compile_is_placed_at_its_form)
{
    expect_place("(defun f (x)\n  (if x\n    (break)))", 2, 3, 6);
    expect_place("(defun f ()\n  (set nowhere 1))", 4, 2, 4);
    expect_place("(defun f (x)\n  (list 1 (if)))", 8, 2, 12);
    expect_place("(let ((x 1))\n  (lambda (y)\n    (set z y)))", 4, 3, 6);
    expect_place("(defun f ()\n  (local (a Integer)\n    (b Strin)))", 4, 3, 8);
}
END_TEST

START_TEST(a_mismatch_is_placed_where_the_value_is_put)
{
    expect_place("(defun f ((n Integer))\n  n)\n(f \"x\")", 11, 1, 2);
    expect_place("(defun Integer f (x)\n  1\n  x)\n(f \"x\")", 11, 3, 3);
    expect_place("(local (n Integer))\n(list 1\n  (set n \"x\"))", 11, 3, 4);
    expect_place("(class C (interface (properties (n Integer))))\n(set o (create C))\n(print\n  (o.n \"x\"))", 11, 4, 5);
}
END_TEST

START_TEST(a_condition_that_fails_is_placed_at_its_comparison)
{
    expect_place("(set x \"a\")\n(while (&& true\n    (< x 1))\n  2)", 11, 3, 6);
    expect_place("(set x 1)\n(cond\n  (() 1)\n  ((> x ()) 2))", 11, 4, 5);
    expect_place("(for x\n  5\n  x)", 11, 1, 2);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------------ */

/* head, then n times what `item` makes of a number, then tail. */
static char *repeated(const char *head, const char *item, int n, const char *tail)
{
    size_t room = strlen(head) + strlen(tail) + (size_t)n * (strlen(item) + 8) + 1, length = 0;
    char *text = malloc(room);
    ck_assert_ptr_nonnull(text);
    length += (size_t)snprintf(text, room, "%s", head);
    for (int i = 0; i < n; i++) length += (size_t)snprintf(text + length, room - length, item, i, i, i);
    snprintf(text + length, room - length, "%s", tail);
    return text;
}

static void expect_limit(char *text, int code, const char *words)
{
    crp_error_info info = {.size = sizeof info};
    open_vm();
    if (vm->heap.stress_every) vm->heap.stress_every = vm->heap.stress_left = 100000; /* such texts are long */
    crp_status st = evaluate(text);
    if (code == 0) ck_assert_msg(st == CRP_OK, "%s", message());
    else {
        ck_assert_int_ne(st, CRP_OK);
        crp_error_info_get(crp_error_last(vm), &info);
        ck_assert_int_eq(info.code, code);
        ck_assert_msg(strstr(info.message, words) != NULL, "%s", info.message);
    }
    crp_free(vm);
    free(text);
}

START_TEST(a_function_has_250_registers)
{
    expect_limit(repeated("(defun f () (local", " (v%d Integer %d)", 248, ") (+ v0 v247)) (expect (f) 247)"), 0, "");
    expect_limit(repeated("(defun f () (local", " (v%d Integer %d)", 251, ") 1)"), 2, "more than 250 variables");
    expect_limit(repeated("(defun f (", "v%d ", 200, ") (local (a Integer) (b Integer)) (list v0 v199 a b))"), 0, "");
    expect_limit(repeated("(defun f (", "v%d ", 201, ") 1)"), 2, "200");
}
END_TEST

START_TEST(a_lambda_has_250_captures)
{
    expect_limit(repeated("(defun f () (local", " (v%d Integer %d)", 245, ") (lambda () (eval '(+ v0 v244)))) (expect ((f)) 244)"), 0, "");
}
END_TEST

START_TEST(eval_sees_as_many_variables_as_a_function_can_have)
{
    expect_limit(repeated("(defun f () (local", " (v%d Integer %d)", 246, ") (eval '(+ v0 v1 v245))) (expect (f) 246)"), 0, "");
}
END_TEST

START_TEST(jumps_reach_over_a_hundred_thousand_forms)
{
    expect_limit(repeated("(defun f (x) (if x (do", " (set x %d)", 100000, ") 'no)) (expect (f ()) 'no) (expect (f 1) 99999)"), 0, "");
    expect_limit(repeated("(set n 0) (while (< n 2) (set n (+ n 1)) (if (== n 1) (continue))", " (set x %d)", 50000, ") (expect x 49999)"), 0, "");
}
END_TEST

START_TEST(a_call_may_have_200_arguments)
{
    expect_limit(repeated("(defun f (...) (length ...)) (expect (f", " %d", 200, ") 200)"), 0, "");
    expect_limit(repeated("(defun f (...) (length ...)) (expect (f", " %d", 201, ") 200)"), 2, "200 arguments");
    expect_limit(repeated("(expect (+", " %d", 5000, ") 12497500)"), 0, "");
}
END_TEST

START_TEST(forms_may_be_nested_a_thousand_deep)
{
    char *text = malloc(100000);
    ck_assert_ptr_nonnull(text);
    size_t n = 0;
    for (int i = 0; i < 900; i++) n += (size_t)sprintf(text + n, "(do ");
    for (int i = 0; i < 900; i++) text[n++] = ')';
    text[n] = 0;
    expect_limit(text, 0, "");
    text = malloc(100000);
    ck_assert_ptr_nonnull(text);
    n = 0;
    for (int i = 0; i < 1100; i++) n += (size_t)sprintf(text + n, "(do ");
    for (int i = 0; i < 1100; i++) text[n++] = ')';
    text[n] = 0;
    expect_limit(text, 15, "nested more than 1000 deep");
}
END_TEST

UNIT_MAIN("compiler", a_sum_goes_to_the_variables_own_register, small_numbers_are_operands, what_ends_a_turn_is_one_instruction_with_the_test,
          what_is_checked_goes_on_to_its_variable_at_once, arguments_of_the_declared_classes_are_known_by_their_shape,
          declared_reals_have_instructions_of_their_own, larger_numbers_are_loaded,
          a_comparison_in_a_condition_is_one_instruction, what_is_known_to_be_an_integer_is_not_checked,
          the_result_of_a_function_is_checked_where_it_is_declared, only_what_is_captured_and_assigned_has_a_box,
          a_lambda_that_captures_nothing_is_a_constant, calls_in_tail_position_are_their_own_instructions,
          the_arguments_registers_are_the_callees_first, properties_of_this_are_slots, a_member_access_remembers_what_it_found,
          every_instruction_can_be_listed, an_error_is_placed_at_the_innermost_form, an_unknown_name_is_placed_where_it_stands,
          what_does_not_compile_is_placed_at_its_form, a_mismatch_is_placed_where_the_value_is_put,
          a_condition_that_fails_is_placed_at_its_comparison, a_function_has_250_registers, a_lambda_has_250_captures,
          eval_sees_as_many_variables_as_a_function_can_have, jumps_reach_over_a_hundred_thousand_forms,
          a_call_may_have_200_arguments, forms_may_be_nested_a_thousand_deep)
