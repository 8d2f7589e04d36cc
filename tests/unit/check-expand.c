/* The expander: what it shares, where the pairs that it makes stand, and what it does not look at. */
#include "unit.h"

#include <string.h>
#include "api.h"
#include "expand.h"
#include "load.h"

static crp *open_vm(const char *text)
{
    crp *vm = NULL;
    ck_assert_int_eq(crp_new(NULL, &vm), CRP_OK);
    ck_assert_int_eq(crp_eval(vm, text, strlen(text), "macros", NULL), CRP_OK);
    return vm;
}

typedef struct text {
    crpi_source *source;
    crpi_places places, made;
    crpi_expansion x;
    crp_word form, now;
} text;

static void expand(crp *vm, text *t, const char *line)
{
    crpi_reader r;
    crpi_place at;
    bool end;
    ck_assert_int_eq(crpi_source_new(vm, "test", line, strlen(line), NULL, &t->source), CRP_OK);
    crpi_places_init(&t->places, &vm->mem);
    crpi_places_init(&t->made, &vm->mem);
    t->made.under = &t->places;
    crpi_reader_init(&r, vm, "test", line, strlen(line), &t->places);
    ck_assert_int_eq(crpi_read(&r, &t->form, &at, &end), CRP_OK);
    t->x = (crpi_expansion){.source = t->source, .places = &t->places, .made = &t->made};
    ck_assert_int_eq(crpi_expand(vm, &t->x, t->form, &t->now), CRP_OK);
}

static void close_text(text *t)
{
    crpi_places_free(&t->made);
    crpi_places_free(&t->places);
}

static crp_word nth(crp_word list, int n)
{
    while (n-- > 0) list = crp_tail(list);
    return crp_head(list);
}

static unsigned column(const text *t, crp_word pair)
{
    crpi_place at = {0, 0};
    return crpi_places_get(&t->made, pair, &at) ? at.column : 0;
}

START_TEST(a_form_without_macros_is_the_same_form)
{
    text t;
    crp *vm = open_vm("(defmacro m (x) x)");
    expand(vm, &t, "(defun f (a (b Integer 5)) (let ((c 1)) (cond (a '(m 1)) (true `(m ,b)))) (other (+ a b)))");
    ck_assert_uint_eq(t.now, t.form);
    ck_assert_uint_eq(t.made.count, 0);
    close_text(&t);
    crp_free(vm);
}
END_TEST

START_TEST(only_what_leads_to_a_call_is_copied)
{
    text t;
    crp *vm = open_vm("(defmacro m (x) x)");
    expand(vm, &t, "(f (g 1) (h (m 2)) (i 3))");
    ck_assert_uint_ne(t.now, t.form);
    ck_assert_uint_eq(nth(t.now, 1), nth(t.form, 1));
    ck_assert_uint_ne(nth(t.now, 2), nth(t.form, 2));
    ck_assert_uint_eq(crp_tail(crp_tail(crp_tail(t.now))), crp_tail(crp_tail(crp_tail(t.form))));
    ck_assert_uint_eq(nth(nth(t.form, 2), 1), nth(crp_tail(nth(t.form, 2)), 0));
    ck_assert(crp_is_pair(nth(nth(t.form, 2), 1)));
    close_text(&t);
    crp_free(vm);
}
END_TEST

START_TEST(a_copied_pair_keeps_its_place)
{
    text t;
    crp *vm = open_vm("(defmacro m (x) x)");
    expand(vm, &t, "(f (g 1) (h (m 2)))");
    ck_assert_uint_eq(column(&t, t.now), 2);
    ck_assert_uint_eq(column(&t, nth(t.now, 2)), 11);
    ck_assert_uint_eq(column(&t, crp_tail(nth(t.now, 2))), 13);
    close_text(&t);
    crp_free(vm);
}
END_TEST

START_TEST(what_a_macro_gives_stands_where_the_call_does)
{
    text t;
    crp *vm = open_vm("(defmacro m (x) `(a (b c) ,x))");
    expand(vm, &t, "(f (m (arg 1)))");
    crp_word given = nth(t.now, 1);
    ck_assert_uint_eq(column(&t, given), 5);
    ck_assert_uint_eq(column(&t, nth(given, 1)), 5);
    ck_assert_uint_eq(column(&t, nth(given, 2)), 8);
    close_text(&t);
    crp_free(vm);
}
END_TEST

START_TEST(a_constant_of_the_macro_is_not_shared_by_its_calls)
{
    text t;
    crp *vm = open_vm("(defmacro m () '(a (b)))");
    expand(vm, &t, "(f (m) (m))");
    ck_assert_uint_ne(nth(t.now, 1), nth(t.now, 2));
    ck_assert_uint_eq(column(&t, nth(nth(t.now, 1), 1)), 5);
    ck_assert_uint_eq(column(&t, nth(nth(t.now, 2), 1)), 9);
    close_text(&t);
    crp_free(vm);
}
END_TEST

START_TEST(a_template_is_constant_if_nothing_is_unquoted)
{
    text t;
    crp *vm = open_vm("(defmacro m () 1)");
    expand(vm, &t, "((a (b c)) (a `(b ,c)) (x) (a (unquote x)) (a (b (c (d ,@e)))))");
    const bool constant[] = {true, false, true, false, false};
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(crpi_template_is_constant(vm, nth(t.form, i)), constant[i]);
    close_text(&t);
    crp_free(vm);
}
END_TEST

START_TEST(a_deep_template_is_looked_through)
{
    crp *vm = open_vm("1");
    int levels = getenv("CARAPACE_GC_EVERY") ? 1000 : 1000000;
    crp_word deep = CRP_NIL, unquoted;
    const crp_word parts[] = {CRPI_WORD_OF(UNQUOTE), CRP_TRUE};
    ck_assert_int_eq(crp_list(vm, parts, 2, &unquoted), CRP_OK);
    for (int i = 0; i < levels; i++) ck_assert_int_eq(crp_cons(vm, deep, CRP_NIL, &deep), CRP_OK);
    ck_assert(crpi_template_is_constant(vm, deep));
    for (int i = 0; i < levels; i++) ck_assert_int_eq(crp_cons(vm, unquoted, CRP_NIL, &unquoted), CRP_OK);
    ck_assert(!crpi_template_is_constant(vm, unquoted));
    crp_free(vm);
}
END_TEST

START_TEST(the_name_of_a_variable_around_hides_a_macro)
{
    crp *vm = open_vm("(defmacro m (x) x)");
    crp_word form, now, entry, variables, parts[2], symbol;
    ck_assert_int_eq(crp_symbol(vm, "m", 1, &symbol), CRP_OK);
    parts[0] = symbol, parts[1] = crp_fixnum(5);
    ck_assert_int_eq(crp_list(vm, parts, 2, &form), CRP_OK);
    ck_assert_int_eq(crp_list(vm, parts, 2, &entry), CRP_OK);
    ck_assert_int_eq(crp_list(vm, &entry, 1, &variables), CRP_OK);
    ck_assert_int_eq(crpi_expand(vm, &(crpi_expansion){.variables = variables}, form, &now), CRP_OK);
    ck_assert_uint_eq(now, form);
    ck_assert_int_eq(crpi_expand(vm, &(crpi_expansion){0}, form, &now), CRP_OK);
    ck_assert_uint_eq(now, crp_fixnum(5));
    crp_free(vm);
}
END_TEST

START_TEST(a_redefined_name_is_a_macro_no_more)
{
    crp *vm = open_vm("(defmacro m (x) x)");
    crp_word symbol;
    const char *again = "(defun m (x) (+ x 1))", *call = "(m 1)";
    crp_val value;
    int64_t number = 0;
    ck_assert_int_eq(crp_symbol(vm, "m", 1, &symbol), CRP_OK);
    ck_assert_uint_ne(crpi_macro_find(vm, symbol), 0);
    ck_assert_int_eq(crp_eval(vm, again, strlen(again), "repl:1", NULL), CRP_OK);
    ck_assert_uint_eq(crpi_macro_find(vm, symbol), 0);
    ck_assert_int_eq(crp_eval(vm, call, strlen(call), "repl:2", &value), CRP_OK);
    ck_assert_int_eq(crp_get_int(vm, value, &number), CRP_OK);
    ck_assert_int_eq(number, 2);
    crp_free(vm);
}
END_TEST

UNIT_MAIN("expand", a_form_without_macros_is_the_same_form, only_what_leads_to_a_call_is_copied,
          a_copied_pair_keeps_its_place, what_a_macro_gives_stands_where_the_call_does,
          a_constant_of_the_macro_is_not_shared_by_its_calls, a_template_is_constant_if_nothing_is_unquoted,
          a_deep_template_is_looked_through, the_name_of_a_variable_around_hides_a_macro,
          a_redefined_name_is_a_macro_no_more)
