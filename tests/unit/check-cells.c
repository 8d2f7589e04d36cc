/* Names, cells, built-in functions, special forms. */
#include "classes.h"

static crp_status nothing(crp_call *c)
{
    c->result = CRP_NIL;
    return CRP_OK;
}

static const crp_method rows[] = {
    {"first", "NIL", nothing, "Does nothing.", 0, NULL, NULL},
    {"second", "NIL", nothing, "Does nothing.", 0, NULL, NULL},
    {0},
};

static const crp_method again[] = {{"first", "NIL", nothing, "Another one.", 0, NULL, NULL}, {0}};

START_TEST(a_name_means_nothing_until_it_is_made)
{
    classes_open();
    crpi_name *name;
    ck_assert_ptr_null(crpi_name_find(vm, bare_symbol(vm, "something")));
    ck_assert_int_eq(crpi_name_make(vm, bare_symbol(vm, "something"), &name), CRP_OK);
    ck_assert_ptr_eq(crpi_name_find(vm, bare_symbol(vm, "something")), name);
    ck_assert_uint_eq(name->function, 0);
    classes_close();
}
END_TEST

START_TEST(thousands_of_names_are_found_again)
{
    char text[32];
    classes_open();
    uint32_t cells[3000];
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "f%d", i);
        ck_assert_int_eq(crpi_function_cell(vm, bare_symbol(vm, text), &cells[i]), CRP_OK);
    }
    for (int i = 0; i < 3000; i++) {
        uint32_t cell;
        snprintf(text, sizeof text, "f%d", i);
        ck_assert_int_eq(crpi_function_cell(vm, bare_symbol(vm, text), &cell), CRP_OK);
        ck_assert_uint_eq(cell, cells[i]);
    }
    classes_close();
}
END_TEST

START_TEST(a_function_and_a_global_of_one_name_have_cells_of_their_own)
{
    classes_open();
    uint32_t function, global;
    ck_assert_int_eq(crpi_function_cell(vm, bare_symbol(vm, "x"), &function), CRP_OK);
    ck_assert_int_eq(crpi_global_cell(vm, bare_symbol(vm, "x"), &global), CRP_OK);
    ck_assert_uint_ne(function, global);
    ck_assert_uint_ne(function, 0);
    ck_assert(vm->cells->values[function] == CRP_UNSET);
    ck_assert_int_eq(vm->cells->cells[global].kind, CRPI_CELL_GLOBAL);
    classes_close();
}
END_TEST

START_TEST(what_cells_hold_is_kept_by_the_collector)
{
    classes_open();
    uint32_t cell;
    ck_assert_int_eq(crpi_global_cell(vm, bare_symbol(vm, "::x"), &cell), CRP_OK);
    vm->cells->values[cell] = bare_string(vm, "kept");
    bare_forget(vm);
    vm->heap.stress_every = vm->heap.stress_left = 1;
    crpi_collect(vm);
    ck_assert_str_eq(crp_string_data(vm->cells->values[cell], NULL), "kept");
    classes_close();
}
END_TEST

START_TEST(native_rows_become_functions)
{
    classes_open();
    uint32_t cell;
    ck_assert_int_eq(crp_define_functions(vm, rows), CRP_OK);
    ck_assert_int_eq(crpi_function_cell(vm, bare_symbol(vm, "second"), &cell), CRP_OK);
    crp_word f = vm->cells->values[cell];
    ck_assert(crp_is_a(f, CRP_FUNCTION));
    ck_assert_ptr_eq(crpi_function_of(f)->row, &rows[1]);
    ck_assert(vm->cells->cells[cell].builtin);
    ck_assert_str_eq(shown(f), "#<Function second>");
    classes_close();
}
END_TEST

START_TEST(the_same_rows_again_change_nothing_but_other_rows_are_refused)
{
    classes_open();
    ck_assert_int_eq(crp_define_functions(vm, rows), CRP_OK);
    ck_assert_int_eq(crp_define_functions(vm, rows), CRP_OK);
    ck_assert_int_ne(crp_define_functions(vm, again), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.2: the function first is defined already");
    classes_close();
}
END_TEST

START_TEST(special_forms_are_function_names)
{
    classes_open();
    ck_assert(crpi_is_function_name(vm, bare_symbol(vm, "while")));
    ck_assert(crpi_is_function_name(vm, bare_symbol(vm, "&&")));
    ck_assert(!crpi_is_function_name(vm, bare_symbol(vm, "whale")));
    ck_assert(!crpi_is_function_name(vm, bare_symbol(vm, "first")));
    ck_assert_int_eq(crp_define_functions(vm, rows), CRP_OK);
    ck_assert(crpi_is_function_name(vm, bare_symbol(vm, "first")));
    classes_close();
}
END_TEST

START_TEST(every_special_form_has_shape_and_help)
{
    for (const crpi_form *f = crpi_forms; f->name; f++) {
        ck_assert_int_eq(f->shape[0], '(');
        ck_assert_uint_gt(strlen(f->help), 10);
        for (const crpi_form *g = crpi_forms; g != f; g++) ck_assert_str_ne(f->name, g->name);
    }
}
END_TEST

START_TEST(an_unknown_name_comes_with_near_ones)
{
    classes_open();
    ck_assert_int_eq(crp_define_functions(vm, rows), CRP_OK);
    crpi_name_unknown(vm, bare_symbol(vm, "secnod"), "function", NULL, NULL);
    ck_assert_str_eq(bare_error(vm), "1.4: unknown function secnod; did you mean second?");
    crpi_name_unknown(vm, bare_symbol(vm, "whlie"), "function", NULL, NULL);
    ck_assert_str_eq(bare_error(vm), "1.4: unknown function whlie; did you mean while?");
    crpi_name_unknown(vm, bare_symbol(vm, "Strnig"), "name", NULL, NULL);
    ck_assert_str_eq(bare_error(vm), "1.4: unknown name Strnig; did you mean String?");
    crpi_name_unknown(vm, bare_symbol(vm, "qqqqqqqq"), "name", NULL, NULL);
    ck_assert_str_eq(bare_error(vm), "1.4: unknown name qqqqqqqq");
    classes_close();
}
END_TEST

START_TEST(without_memory_cells_stay_as_they_were)
{
    classes_open();
    crp_status st;
    uint32_t cell;
    char text[32];
    for (int i = 0; i < 600; i++) {
        snprintf(text, sizeof text, "g%d", i);
        crp_word name = bare_symbol(vm, text);
        BARE_EACH_FAILURE(vm, st, st = crpi_global_cell(vm, name, &cell));
        ck_assert(vm->cells->cells[cell].name == name);
    }
    classes_close();
}
END_TEST

UNIT_MAIN("cells", a_name_means_nothing_until_it_is_made, thousands_of_names_are_found_again,
          a_function_and_a_global_of_one_name_have_cells_of_their_own,
          what_cells_hold_is_kept_by_the_collector, native_rows_become_functions,
          the_same_rows_again_change_nothing_but_other_rows_are_refused, special_forms_are_function_names,
          every_special_form_has_shape_and_help, an_unknown_name_comes_with_near_ones,
          without_memory_cells_stay_as_they_were)
