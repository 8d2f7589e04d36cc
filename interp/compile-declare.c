/* floor 5: (library.declare Real "cos" ((x Real))): the declaration of a C function.
 *
 * As in `defun` the class of the result and the arguments are not evaluated.  But of what stands before the
 * dot nothing is known here, and a script's class may well have a method of this name.  So the call is
 * compiled twice, as a declaration and as any other call, and the object decides when it runs.  A list of
 * arguments that is no expression, because the name of a special form or macro comes first in one of them, is
 * a declaration.  What stands quoted there, or is no List, makes it a call like any other.
 */
#include "compile.h"

#include "cells.h"

/* (name Type) */
static bool is_argument(crp_word form)
{
    return crpi_c_list_length(form) == 2 && crp_is_symbol(crp_head(form));
}

/* Whether what is in head position there can be called. */
static bool is_callable(crp *vm, crp_word name)
{
    const crpi_name *known = crpi_name_find(vm, name);
    bool macro = known && known->function && vm->cells->cells[known->function].kind == CRPI_CELL_MACRO;
    return !macro && !crpi_form_find(vm, name);
}

static bool is_expression(crp *vm, crp_word list)
{
    bool callable = true;
    for (; crp_is_pair(list); list = crp_tail(list)) {
        crp_word item = crp_head(list);
        if (item == CRPI_WORD_OF(ELLIPSIS)) callable = false;
        else if (!is_argument(item)) return true;
        else callable = callable && is_callable(vm, crp_head(item));
    }
    return callable;
}

bool crpi_c_is_declaration(crp_word name, crp_word arguments)
{
    if (name != CRPI_WORD_OF(DECLARE) || crpi_c_list_length(arguments) != 3) return false;
    crp_word list = crpi_c_nth(arguments, 2);
    return crpi_c_list_length(list) >= 0 && !crpi_c_head_is(list, CRPI_SYM_QUOTE);
}

/* Jumps to the label unless the register holds a Library. */
static void unless_library(fn *f, int reg, label *to)
{
    crp_word class_name;
    uint32_t cell;
    int top = f->top, at = crpi_c_new_register(f), second = crpi_c_new_register(f);
    if (!crpi_c_known(f, crp_symbol(f->c->vm, "Library", 7, &class_name))) return;
    if (!crpi_c_known(f, crpi_function_cell(f->c->vm, CRPI_WORD_OF(TYPE_OF), &cell))) return;
    crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, at, reg, 0));
    crpi_c_load_constant(f, class_name, second);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_CALLG, at, 0, 2));
    crpi_c_emit(f, cell);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JF, at, 0, 0), to);
    f->top = top;
}

static void push(fn *f, crp_word form, bool as_written)
{
    int reg = crpi_c_new_register(f);
    if (as_written) crpi_c_load_constant(f, form, reg);
    else crpi_c_expression(f, form, reg);
    f->top = reg + 1;
}

/* The call on the object in `at`, where its value comes to as well. */
static void call(fn *f, crp_word form, int at, crp_word arguments, bool as_written)
{
    push(f, crpi_c_nth(arguments, 0), as_written);
    push(f, crpi_c_nth(arguments, 1), false);
    push(f, crpi_c_nth(arguments, 2), as_written);
    crpi_c_emit_place(f, form);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_INVOKE, at, 0, 3));
    crpi_c_emit(f, 0);
    crpi_c_emit(f, 0);
    crpi_c_emit(f, (uint32_t)CRPI_WORD_OF(DECLARE));
    f->top = at + 1;
}

int crpi_c_declare(fn *f, crp_word form, crp_word left, crp_word arguments, int want)
{
    int top = f->top, at = crpi_c_new_register(f);
    label otherwise = {0}, end = {0};
    bool either = is_expression(f->c->vm, crpi_c_nth(arguments, 2));
    crpi_c_expression(f, left, at);
    f->top = at + 1;
    crpi_c_emit_place(f, form);
    if (either) unless_library(f, at, &otherwise);
    call(f, form, at, arguments, true);
    if (either) {
        crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
        crpi_c_bind(f, &otherwise);
        call(f, form, at, arguments, false);
    }
    crpi_c_bind(f, &end);
    f->type = 0;
    int reg = crpi_c_finish(f, at, want);
    f->top = want == ANY ? at + 1 : top;
    return reg;
}
