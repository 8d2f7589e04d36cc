/* Cells, the table of names, and the list of special forms.
 *
 * A cell is never given back: code that was compiled refers to it by number.  The table of names has one
 * entry for a Symbol that is a function, a global variable or a class, so that compiling a name costs one
 * probe.
 */
#include "cells.h"

#include <string.h>
#include "error.h"
#include "str.h"

const crpi_form crpi_forms[] = {
    {".", "(object.member argument ...)",
     "Reads or sets a property of an object, or calls a method. Without arguments the parentheses may be "
     "left out."},
    {"quote", "(quote form)", "The form itself, not evaluated. 'form is the same."},
    {"quasiquote", "(quasiquote form)",
     "The form itself, but for what stands after , (its value) and ,@ (the items of its value). `form is the "
     "same."},
    {"lambda", "(lambda (argument ...) form ...)",
     "A function without a name. It shares the variables around it. An argument is x, (x Class) or (x Class "
     "default); "
     "`...` allows any further ones, which `...` in the body gives as a List."},
    {"defun", "(defun Class name (argument ...) form ...)",
     "Defines a function, or as C::m or C:Interface::m a method, with the class of its result; NIL: it "
     "returns (). "
     "Stands at top level only."},
    {"function", "(function Class name (argument ...))", "Declares a function that is defined later."},
    {"defmacro", "(defmacro name (argument ...) form ...)",
     "Defines a macro: calls of it are replaced, when they are compiled, by what the forms make of the "
     "arguments, "
     "which are not evaluated."},
    {"class",
     "(class Name (interface [Name] (properties (name Class) ...) (methods (Class name (argument ...)) ...)) "
     "...)",
     "Declares a class. Its methods are then defined by defun as Name::method. A method named as the class "
     "is the "
     "constructor. public, private, readOnly, secret, (id n) may be added to members; guid, major, minor, progId, "
     "library, "
     "creatable, direction are kept for classInfo."},
    {"create", "(create Class argument ...)",
     "A new object. The arguments go to the class's constructor; a final List of (property value) pairs sets "
     "properties."},
    {"local", "(local (name Class start) ...)",
     "Declares variables of the function, visible from here to its end. The start value may be left out."},
    {"let", "(let ((name Class start) ...) form ...)",
     "Variables that only the forms see. The class may be left out."},
    {"global", "(global (::name Class) ...)", "Declares global variables."},
    {"set", "(set name value)", "Sets a variable and gives the value."},
    {"unset", "(unset name)", "Gives a variable its start value back."},
    {"export", "(export ::name ...)",
     "Tasks that are started from here on get a copy of the global variable's value."},
    {"isDefined", "(isDefined ::name)", "true if the global variable has been declared or set."},
    {"if", "(if test then else)",
     "Evaluates `then` if the test gives anything but (), otherwise `else`, if it is there."},
    {"cond", "(cond (test form ...) ...)", "Evaluates the forms of the first clause whose test is not ()."},
    {"&&", "(&& form ...)", "Stops at the first form that gives (); otherwise the value of the last one."},
    {"||", "(|| form ...)", "The value of the first form that does not give ()."},
    {"do", "(do form ...)", "Evaluates the forms in turn and gives the value of the last one."},
    {"while", "(while test form ...)", "Evaluates the forms as long as the test does not give ()."},
    {"doWhile", "(doWhile test form ...)", "The same, but the forms come before the test."},
    {"for", "(for name items form ...)",
     "Evaluates the forms for each item of a List, Array, String, HashTable (its keys; both with (key value) "
     "for the "
     "name) or an object with a method `next`."},
    {"break", "(break)", "Leaves the innermost loop."},
    {"continue", "(continue)", "Goes on with the innermost loop's next turn."},
    {"return", "(return value)", "Leaves the function; without a value it gives ()."},
    {"try", "(try form ... (catch class form ...) ... (finally form ...))",
     "The value of the last form. An error in them goes to the first catch for its class; the forms of "
     "finally run in "
     "every case."},
    {"catch", "(catch class form ...)",
     "Inside try: handles errors of this class (-1: all; a List of classes; \"6.1\" a class and code). `err` "
     "is the Error."},
    {"finally", "(finally form ...)", "Inside try: runs however the try is left."},
    {"with", "(with (name value) form ...)",
     "Evaluates the forms, then calls `close` (or `disconnect`) of the value, also when an error leaves "
     "them."},
    {"eval", "(eval form)",
     "Evaluates a form that is a value, with the variables of the function that calls it."},
    {NULL, NULL, NULL},
};

/* --- names ---------------------------------------------------------------------------------------------- */

static crpi_name *name_slot(const crpi_cells *cells, crp_word symbol)
{
    size_t mask = cells->name_capacity - 1;
    for (size_t i = (crp_symbol_id(symbol) * 2654435761u) & mask;; i = (i + 1) & mask)
        if (cells->names[i].symbol == symbol || cells->names[i].symbol == 0) return &cells->names[i];
}

static bool grow_names(crp *vm, crpi_cells *cells)
{
    crpi_cells wider = *cells;
    wider.name_capacity = cells->name_capacity ? cells->name_capacity * 2 : 1024;
    wider.names = crpi_mem_alloc(&vm->mem, wider.name_capacity * sizeof *wider.names);
    if (!wider.names) return false;
    memset(wider.names, 0, wider.name_capacity * sizeof *wider.names);
    for (size_t i = 0; i < cells->name_capacity; i++)
        if (cells->names[i].symbol) *name_slot(&wider, cells->names[i].symbol) = cells->names[i];
    crpi_mem_free(&vm->mem, cells->names, cells->name_capacity * sizeof *cells->names);
    *cells = wider;
    return true;
}

crpi_name *crpi_name_find(crp *vm, crp_word symbol)
{
    crpi_name *name = vm->cells->name_capacity ? name_slot(vm->cells, symbol) : NULL;
    return name && name->symbol ? name : NULL;
}

crp_status crpi_name_make(crp *vm, crp_word symbol, crpi_name **out)
{
    crpi_cells *cells = vm->cells;
    *out = crpi_name_find(vm, symbol);
    if (*out) return CRP_OK;
    if (cells->name_count * 2 >= cells->name_capacity && !grow_names(vm, cells)) return crp_no_memory(vm);
    *out = name_slot(cells, symbol);
    (*out)->symbol = symbol;
    cells->name_count++;
    return CRP_OK;
}

/* --- cells ---------------------------------------------------------------------------------------------- */

crp_status crpi_cell_new(crp *vm, crp_word name, crpi_type type, enum crpi_cell_kind kind, uint32_t *out)
{
    crpi_cells *c = vm->cells;
    if (c->count >= CRPI_MAX_CELLS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d global names: %p is one too many",
                         (int)CRPI_MAX_CELLS, name);
    if (!crpi_mem_grow(&vm->mem, &c->cells, &c->capacity, c->count + 1, sizeof *c->cells) ||
        !crpi_mem_grow(&vm->mem, &c->values, &c->values_capacity, c->count + 1, sizeof *c->values))
        return crp_no_memory(vm);
    c->cells[c->count] = (crpi_cell){.name = name, .type = type, .kind = (uint8_t)kind, .signature = CRP_NIL};
    c->values[c->count] = CRP_UNSET;
    *out = (uint32_t)c->count++;
    return CRP_OK;
}

crp_status crpi_function_cell(crp *vm, crp_word symbol, uint32_t *out)
{
    crpi_name *name;
    crp_status st = crpi_name_make(vm, symbol, &name);
    if (st) return st;
    if (name->function == 0)
        st = crpi_cell_new(vm, symbol, CRPI_TYPE(CRP_FUNCTION, 0), CRPI_CELL_FUNCTION, &name->function);
    *out = name->function;
    return st;
}

crp_status crpi_global_cell(crp *vm, crp_word symbol, uint32_t *out)
{
    crpi_name *name;
    crp_status st = crpi_name_make(vm, symbol, &name);
    if (st) return st;
    if (name->global == 0)
        st = crpi_cell_new(vm, symbol, CRPI_TYPE(CRP_OBJECT, 0), CRPI_CELL_GLOBAL, &name->global);
    *out = name->global;
    return st;
}

static bool is_set(crp *vm, uint32_t cell) { return cell && vm->cells->values[cell] != CRP_UNSET; }

static crp_status define_function(crp *vm, const crp_method *row)
{
    crp_word symbol, function;
    uint32_t cell = 0;
    crp_status st = crp_symbol(vm, row->name, strlen(row->name), &symbol);
    if (!st) st = crpi_function_cell(vm, symbol, &cell);
    if (st) return st;
    crp_word now = vm->cells->values[cell];
    if (crp_is_a(now, CRP_FUNCTION) && crpi_function_of(now)->row == row) return CRP_OK;
    if (now != CRP_UNSET)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the function %s is defined already", row->name);
    st = crpi_native_function(vm, row, &function);
    if (st) return st;
    vm->cells->values[cell] = function;
    vm->cells->cells[cell].declared = vm->cells->cells[cell].builtin = true;
    vm->epoch++;
    return CRP_OK;
}

crp_status crp_define_functions(crp *vm, const crp_method *rows)
{
    for (; rows->name; rows++) {
        crp_status st = define_function(vm, rows);
        if (st) return st;
    }
    return CRP_OK;
}

/* --- what is there, and what is not --------------------------------------------------------------------- */

const crpi_form *crpi_form_find(crp *vm, crp_word symbol)
{
    const char *name = crp_symbol_name(vm, symbol, NULL);
    for (const crpi_form *form = crpi_forms; form->name; form++)
        if (strcmp(form->name, name) == 0) return form;
    return NULL;
}

bool crpi_is_function_name(crp *vm, crp_word symbol)
{
    const crpi_name *name = crpi_name_find(vm, symbol);
    return (name && is_set(vm, name->function)) || crpi_form_find(vm, symbol) != NULL;
}

static bool means_something(crp *vm, const crpi_name *name)
{
    if (name->symbol == 0) return false;
    return is_set(vm, name->function) || is_set(vm, name->global) ||
           (name->class_id && vm->classes[name->class_id]->defined);
}

typedef struct names_walk {
    crp *vm;
    size_t at;
    const crpi_form *form;
} names_walk;

static const char *next_name(void *ud)
{
    names_walk *w = ud;
    crpi_cells *cells = w->vm->cells;
    while (w->at < cells->name_capacity) {
        const crpi_name *name = &cells->names[w->at++];
        if (means_something(w->vm, name)) return crp_symbol_name(w->vm, name->symbol, NULL);
    }
    return w->form->name ? (w->form++)->name : NULL;
}

crp_status crpi_name_unknown(crp *vm, crp_word symbol, const char *what)
{
    size_t length;
    const char *name = crp_symbol_name(vm, symbol, &length);
    names_walk walk = {vm, 0, crpi_forms};
    crpi_buf near;
    crpi_buf_init(&near, &vm->mem, 1000);
    crpi_suggest(&near, name, length, next_name, &walk);
    crp_status st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "unknown %s %p%.*s", what, symbol,
                              (int)near.length, near.bytes ? near.bytes : "");
    crpi_buf_free(&near);
    return st;
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void mark_cells(crp *vm, crp_marker mark)
{
    crpi_cells *c = vm->cells;
    if (!c) return;
    mark(vm, c->empty_string);
    crpi_signatures_mark(vm, mark);
    for (size_t i = 0; i < c->count; i++) {
        mark(vm, c->values[i]);
        mark(vm, c->cells[i].signature);
    }
}

bool crpi_cells_init(crp *vm)
{
    uint32_t none;
    crpi_cells *cells = crpi_mem_alloc(&vm->mem, sizeof *cells);
    if (!cells) return false;
    memset(cells, 0, sizeof *cells);
    cells->empty_string = CRP_NIL;
    vm->cells = cells;
    return crpi_heap_roots(&vm->heap, mark_cells) && crp_string(vm, "", 0, &cells->empty_string) == CRP_OK &&
           crpi_cell_new(vm, CRP_NIL, 0, CRPI_CELL_GLOBAL, &none) == CRP_OK;
}

void crpi_cells_free(crp *vm)
{
    crpi_cells *c = vm->cells;
    if (!c) return;
    crpi_signatures_free(vm);
    crpi_mem_free(&vm->mem, c->values, c->values_capacity * sizeof *c->values);
    crpi_mem_free(&vm->mem, c->cells, c->capacity * sizeof *c->cells);
    crpi_mem_free(&vm->mem, c->names, c->name_capacity * sizeof *c->names);
    crpi_mem_free(&vm->mem, c, sizeof *c);
    vm->cells = NULL;
}
