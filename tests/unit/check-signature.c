/* Declared classes, argument lists, what they accept. */
#include "classes.h"

static crpi_signature *parsed(const char *spec)
{
    crpi_signature *s = NULL;
    crp_status st = crpi_signature_parse(vm, spec, &s);
    ck_assert_msg(st == CRP_OK, "%s", bare_error(vm));
    return s;
}

static const char *spec_error(const char *spec)
{
    crpi_signature *s;
    crp_clear_error(vm);
    ck_assert_int_ne(crpi_signature_parse(vm, spec, &s), CRP_OK);
    return bare_error(vm);
}

static crpi_signature *of_script(const char *result, const char *arguments)
{
    crpi_signature *s = NULL;
    crp_status st = crpi_signature_new(vm, form(result), form(arguments), &s);
    ck_assert_msg(st == CRP_OK, "%s", bare_error(vm));
    return s;
}

static const char *script_error(const char *result, const char *arguments)
{
    crpi_signature *s;
    crp_clear_error(vm);
    ck_assert_int_ne(crpi_signature_new(vm, form(result), form(arguments), &s), CRP_OK);
    return bare_error(vm);
}

static void same_text(const char *spec, const char *text)
{
    crpi_signature *s = parsed(spec);
    ck_assert_str_eq(signature_text("f", s), text);
    crpi_signature_free(vm, s);
}

START_TEST(a_spec_is_read_and_printed)
{
    classes_open();
    same_text("NIL", "(f) -> ()");
    same_text("String (msgNo Integer) x", "(f (msgNo Integer) x) -> String");
    same_text("Object (n Integer 60000) (s String \"a b\") ...",
              "(f (n Integer 60000) (s String \"a b\") ...) -> Object");
    same_text("List (n Integer ?)", "(f (n Integer ?)) -> List");
    same_text("Binary (data String|Binary)", "(f (data String|Binary)) -> Binary");
    same_text("Object (a Integer -1) (b Real 1) (c Object NIL)",
              "(f (a Integer -1) (b Real 1.0) (c Object ())) -> Object");
    classes_close();
}
END_TEST

START_TEST(optional_arguments_are_counted)
{
    classes_open();
    crpi_signature *s = parsed("NIL a (b Integer 1) (c Integer ?) ...");
    ck_assert_uint_eq(s->required, 1);
    ck_assert_uint_eq(s->count, 3);
    ck_assert(s->rest);
    ck_assert(!s->parameters[0].optional && s->parameters[1].optional && s->parameters[2].optional);
    ck_assert(s->parameters[1].start == crp_fixnum(1));
    ck_assert(s->parameters[2].start == CRP_UNSET);
    crpi_signature_free(vm, s);
    classes_close();
}
END_TEST

START_TEST(a_script_may_use_the_same_notation)
{
    classes_open();
    crpi_signature *s = of_script("Integer", "((x Integer) y (z Real (+ 1 2)) ...)");
    ck_assert_str_eq(signature_text("g", s), "(g (x Integer) y (z Real (+ 1 2)) ...) -> Integer");
    crpi_signature_free(vm, s);
    s = of_script("NIL", "()");
    ck_assert_uint_eq(s->result, CRPI_NO_RESULT);
    crpi_signature_free(vm, s);
    s = of_script("()", "()");
    ck_assert_uint_eq(s->result, 0);
    crpi_signature_free(vm, s);
    classes_close();
}
END_TEST

START_TEST(bad_argument_lists_are_refused)
{
    classes_open();
    ck_assert_str_eq(script_error("Integer", "(x x)"), "1.2: two arguments are called x");
    ck_assert_str_eq(script_error("Integer", "(... x)"), "1.2: ... must be the last argument, but x follows");
    ck_assert_str_eq(
        script_error("Integer", "(5)"),
        "1.2: an argument is declared as name, (name Class), (name Class default) or ..., given 5");
    ck_assert_str_eq(script_error("Integer", "((x Integer 1 2))"),
                     "1.2: an argument is declared as name, (name Class), (name Class default) or ..., given "
                     "(x Integer 1 2)");
    ck_assert_str_eq(
        script_error("Integer", "((x))"),
        "1.2: an argument is declared as name, (name Class), (name Class default) or ..., given (x)");
    ck_assert_str_eq(script_error("Integer", "((x Integer 1) y)"),
                     "1.2: argument y needs a default too: one before it, x, has one");
    ck_assert_str_eq(script_error("Integer", "((x Intger))"),
                     "1.4: unknown class Intger; did you mean Integer?");
    ck_assert_str_eq(script_error("Intger", "()"), "1.4: unknown class Intger; did you mean Integer?");
    ck_assert_str_eq(script_error("Integer", "((x 5))"),
                     "1.11: a class is named by a Symbol, a String or a Class, given 5");
    ck_assert_str_eq(script_error("Integer", "(this)"), "1.2: this cannot be the name of an argument");
    ck_assert_str_eq(script_error("Integer", "(::x)"), "1.2: ::x cannot be the name of an argument");
    ck_assert_str_eq(script_error("Integer", "x"), "1.2: expected a List of arguments, as in (x (n Integer)), at most 200; given x");
    classes_close();
}
END_TEST

START_TEST(too_many_arguments_are_refused)
{
    char text[4000] = "(";
    classes_open();
    for (int i = 0; i <= CRPI_MAX_PARAMETERS; i++) snprintf(text + strlen(text), 20, "a%d ", i);
    strcat(text, ")");
    ck_assert(strncmp(script_error("Integer", text), "1.2: expected a List of arguments, as in (x (n Integer)), at most 200", 60) ==
              0);
    classes_close();
}
END_TEST

START_TEST(a_rows_default_must_be_of_its_class)
{
    classes_open();
    ck_assert_str_eq(spec_error("NIL (x Integer \"a\")"),
                     "1.11: default of argument x: expected Integer, given String \"a\"");
    ck_assert_str_eq(spec_error("NIL (x String|Binary 1)"),
                     "1.11: default of argument x: expected String or Binary, given Integer 1");
    ck_assert_str_eq(spec_error(""), "1.3: a signature begins with the class of the result");
    classes_close();
}
END_TEST

START_TEST(a_row_may_name_a_class_that_comes_later)
{
    classes_open();
    crpi_signature *s = parsed("Later (x Later)");
    ck_assert_str_eq(signature_text("f", s), "(f (x Later)) -> Later");
    crpi_signature_free(vm, s);
    ck_assert(!class_named("Later")->defined);
    crpi_class *c;
    crp_clear_error(vm);
    ck_assert_int_ne(crpi_class_find(vm, bare_symbol(vm, "Later"), &c), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.4: the class Later is named, but not defined yet");
    classes_close();
}
END_TEST

START_TEST(signatures_are_the_same_when_classes_and_counts_are)
{
    classes_open();
    crpi_signature *a = of_script("Integer", "((x Integer) y)"), *b = of_script("Integer", "((z Integer) w)");
    crpi_signature *c = of_script("Real", "((x Integer) y)"),
                   *d = of_script("Integer", "((x Integer) (y Integer))");
    crpi_signature *e = of_script("Integer", "((x Integer) y ...)"),
                   *g = of_script("Integer", "((x Integer) (y Object 1))");
    ck_assert(crpi_signature_same(vm, a, b));
    ck_assert(!crpi_signature_same(vm, a, c));
    ck_assert(!crpi_signature_same(vm, a, d));
    ck_assert(!crpi_signature_same(vm, a, e));
    ck_assert(!crpi_signature_same(vm, a, g));
    crpi_signature *all[] = {a, b, c, d, e, g};
    for (int i = 0; i < 6; i++) crpi_signature_free(vm, all[i]);
    classes_close();
}
END_TEST

static const char *check_error(const char *class_name, crp_word value)
{
    crp_clear_error(vm);
    ck_assert_int_ne(crpi_check_type(vm, type(class_name), &value, "variable", bare_symbol(vm, "n")), CRP_OK);
    return bare_error(vm);
}

static void accepts(const char *class_name, const char *value)
{
    crp_word w = form(value), before = w;
    ck_assert_int_eq(crpi_check_type(vm, type(class_name), &w, "variable", CRP_NIL), CRP_OK);
    ck_assert(w == before);
}

START_TEST(declared_classes_accept_their_own_values)
{
    classes_open();
    accepts("Integer", "5");
    accepts("Real", "5.0");
    accepts("String", "\"a\"");
    accepts("Symbol", "a");
    accepts("List", "(1 2)");
    accepts("List", "()");
    accepts("Binary", "0x\"00\"");
    accepts("Object", "5");
    accepts("Object", "()");
    classes_close();
}
END_TEST

START_TEST(only_value_classes_refuse_the_empty_list)
{
    classes_open();
    static const char *const never[] = {"Integer", "Real", "String", "Binary"};
    static const char *const may[] = {"Symbol", "List",     "Buffer", "Array",      "HashTable",
                                      "Error",  "Function", "Class",  "CommsModule"};
    for (int i = 0; i < 4; i++) ck_assert(!crpi_has_type(vm, type(never[i]), CRP_NIL));
    for (int i = 0; i < 9; i++) ck_assert(crpi_has_type(vm, type(may[i]), CRP_NIL));
    ck_assert_str_eq(check_error("Integer", CRP_NIL), "1.11: variable n: expected Integer, given ()");
    classes_close();
}
END_TEST

START_TEST(an_integer_becomes_a_real_where_one_is_declared)
{
    classes_open();
    crp_word w = crp_fixnum(3);
    ck_assert_int_eq(crpi_check_type(vm, type("Real"), &w, "x", CRP_NIL), CRP_OK);
    ck_assert(crp_is_real(w) && crp_real_value(w) == 3.0);
    ck_assert_int_eq(crp_class_of(w), CRP_REAL);
    ck_assert(!crpi_has_type(vm, type("Real"), crp_fixnum(3)));
    ck_assert_str_eq(check_error("Integer", bare_real(vm, 3.0)),
                     "1.11: variable n: expected Integer, given Real 3.0");
    classes_close();
}
END_TEST

START_TEST(an_argument_may_be_of_either_class)
{
    classes_open();
    crpi_signature *s = parsed("NIL (data String|Binary)");
    crp_word text = bare_string(vm, "a"), bytes = form("0x\"00\""), number = crp_fixnum(1);
    ck_assert_int_eq(crpi_check_parameter(vm, &s->parameters[0], &text, "argument", CRP_NIL), CRP_OK);
    ck_assert_int_eq(crpi_check_parameter(vm, &s->parameters[0], &bytes, "argument", CRP_NIL), CRP_OK);
    ck_assert_int_ne(crpi_check_parameter(vm, &s->parameters[0], &number, "argument", s->parameters[0].name),
                     CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.11: argument data: expected String or Binary, given Integer 1");
    crpi_signature_free(vm, s);
    classes_close();
}
END_TEST

START_TEST(start_values_are_those_of_the_class)
{
    classes_open();
    ck_assert_str_eq(shown(crpi_start_value(vm, type("Integer"))), "0");
    ck_assert_str_eq(shown(crpi_start_value(vm, type("Real"))), "0.0");
    ck_assert_str_eq(shown(crpi_start_value(vm, type("String"))), "\"\"");
    ck_assert_str_eq(shown(crpi_start_value(vm, type("Binary"))), "0x\"\"");
    ck_assert_str_eq(shown(crpi_start_value(vm, type("List"))), "()");
    ck_assert_str_eq(shown(crpi_start_value(vm, type("Object"))), "()");
    ck_assert(crpi_start_value(vm, type("Binary")) != crpi_start_value(vm, type("Binary")));
    classes_close();
}
END_TEST

static crp_status nothing(crp_call *c)
{
    c->result = CRP_NIL;
    return CRP_OK;
}

static const crp_method fixed_row = {"fixed", "NIL a b", nothing, "Two.", 0, NULL, NULL};
static const crp_method varying_row = {
    "varying", "NIL a (b String \"kept\")", nothing, "One or two.", 0, NULL, NULL};
static const crp_method bad_row = {"bad", "NIL (a", nothing, "Not closed.", 0, NULL, NULL};

START_TEST(a_natives_signature_is_parsed_once_and_shared)
{
    classes_open();
    crp_word f, g;
    const crpi_signature *s, *t;
    ck_assert_int_eq(crpi_native_function(vm, &fixed_row, &f), CRP_OK);
    ck_assert_int_eq(crpi_native_function(vm, &fixed_row, &g), CRP_OK);
    ck_assert_ptr_null(crpi_function_of(f)->signature);
    ck_assert_int_eq(crpi_native_signature(vm, crpi_function_of(f), &s), CRP_OK);
    ck_assert_int_eq(crpi_native_signature(vm, crpi_function_of(g), &t), CRP_OK);
    ck_assert_ptr_eq(s, t);
    ck_assert_uint_eq(crpi_function_of(f)->h.aux, CRPI_FN_NATIVE);
    ck_assert_int_eq(crpi_native_function(vm, &varying_row, &f), CRP_OK);
    ck_assert_int_eq(crpi_native_signature(vm, crpi_function_of(f), &s), CRP_OK);
    ck_assert_uint_eq(crpi_function_of(f)->h.aux, CRPI_FN_NATIVE | CRPI_FN_VARIES);
    bare_forget(vm);
    vm->heap.stress_every = vm->heap.stress_left = 1;
    crpi_collect(vm);
    ck_assert_str_eq(crp_string_data(s->parameters[1].start, NULL), "kept");
    classes_close();
}
END_TEST

START_TEST(a_bad_spec_is_an_error_that_names_the_function)
{
    classes_open();
    crp_word f;
    const crpi_signature *s;
    ck_assert_int_eq(crpi_native_function(vm, &bad_row, &f), CRP_OK);
    ck_assert_int_ne(crpi_native_signature(vm, crpi_function_of(f), &s), CRP_OK);
    ck_assert_ptr_nonnull(strstr(bare_error(vm), "signature of bad"));
    classes_close();
}
END_TEST

START_TEST(signatures_without_memory_are_clean)
{
    classes_open();
    crp_status st;
    crpi_signature *s = NULL;
    crp_word f = CRP_NIL;
    const crpi_signature *t;
    BARE_EACH_FAILURE(vm, st,
                      st = crpi_signature_parse(vm, "Late1 (x Late2|Late3) (s String \"abc\") ...", &s));
    crpi_signature_free(vm, s);
    BARE_EACH_FAILURE(vm, st, st = crpi_native_function(vm, &varying_row, &f));
    BARE_EACH_FAILURE(vm, st, st = crpi_native_signature(vm, crpi_function_of(f), &t));
    classes_close();
}
END_TEST

UNIT_MAIN("signature", a_spec_is_read_and_printed, optional_arguments_are_counted,
          a_script_may_use_the_same_notation, bad_argument_lists_are_refused, too_many_arguments_are_refused,
          a_rows_default_must_be_of_its_class, a_row_may_name_a_class_that_comes_later,
          signatures_are_the_same_when_classes_and_counts_are, declared_classes_accept_their_own_values,
          only_value_classes_refuse_the_empty_list, an_integer_becomes_a_real_where_one_is_declared,
          an_argument_may_be_of_either_class, start_values_are_those_of_the_class,
          a_natives_signature_is_parsed_once_and_shared, a_bad_spec_is_an_error_that_names_the_function,
          signatures_without_memory_are_clean)
