/* Cells, the table of names, and the list of special forms.
 *
 * A cell is never given back: code that was compiled refers to it by number.  The table of names has one
 * entry for a Symbol that is a function, a global variable or a class, so that compiling a name costs one
 * probe.
 */
#include "cells.h"

#include <string.h>
#include "error.h"
#include "foreign.h"
#include "left-out.h"
#include "str.h"

const crpi_form crpi_forms[] = {
    {".", "(object.member argument ...)",
     "Reads or sets a property of an object, or calls a method. Without arguments the parentheses may be "
     "left out.\n"
     "\"hello\".length             # --> 5\n"
     "(\"hello\".extract 1 3)      # --> \"ell\""},
    {"quote", "(quote form)", "The form itself, not evaluated. 'form is the same.\n"
     "(quote (+ 1 2))            # --> (+ 1 2)\n"
     "'name                      # --> name"},
    {"quasiquote", "(quasiquote form)",
     "The form itself, but for what is unquoted in it: ,form gives way to its value, and ,@form to the items of its value, "
     "a List, which is shared at the end of a List and copied elsewhere. `form is the same. A quasiquote in it raises the "
     "level, an unquote lowers it. 1.11 where ,@ gets no List.\n"
     "(set n 5)\n"
     "`(sum ,(+ n 1) ,@(list 1 2) n)        # --> (sum 6 1 2 n)\n"
     "`(,n ,@5)                             # error: 1.11"},
    {"unquote", "(unquote form)", "Inside quasiquote: the value of the form. ,form is the same. 1.2 elsewhere.\n"
     "`(1 ,(+ 1 1))                         # --> (1 2)"},
    {"unquote-splicing", "(unquote-splicing form)",
     "In a List inside quasiquote: the items of the form's value, a List. ,@form is the same. 1.2 elsewhere.\n"
     "`(1 ,@'(2 3) 4)                       # --> (1 2 3 4)"},
    {"lambda", "(lambda (argument ...) form ...)",
     "A function without a name. It shares the variables around it. An argument is x, (x Class) or (x Class "
     "default); "
     "`...` allows any further ones, which `...` in the body gives as a List.\n"
     "(set scaled (lambda (x (factor Integer 10)) (* x factor)))\n"
     "(scaled 4)                 # --> 40\n"
     "(scaled 4 2)               # --> 8\n"
     "((lambda (...) (length ...)) 'a 'b)  # --> 2"},
    {"defun", "(defun Class name (argument ...) form ...)",
     "Defines a function, or as C::m or C:Interface::m a method, with the class of its result; NIL: it "
     "returns (). "
     "Stands at top level only.\n"
     "(defun Integer square ((x Integer)) (* x x))\n"
     "(square 12)                # --> 144\n"
     "(square \"12\")              # error: 1.11"},
    {"function", "(function Class name (argument ...))", "Declares a function that is defined later.\n"
     "(function Object isOdd (n))\n"
     "(defun Object isEven (n) (if (== n 0) true (isOdd (- n 1))))\n"
     "(defun Object isOdd (n) (if (== n 0) () (isEven (- n 1))))\n"
     "(isEven 10)                # --> true"},
    {"defmacro", "(defmacro name (argument ...) form ...)",
     "Defines a macro, at top level. A call of it is replaced, when it is compiled, by what the forms make of its "
     "arguments, which are not evaluated; so the macro, and the functions that it calls, are defined before it is used. "
     "Arguments are declared as for `lambda`. A variable of the function around hides a macro of its name. An error in a "
     "macro is one of the call; 1.15 if replacing does not end. A macro is no value: 1.2.\n"
     "(defmacro unless (test ...) `(if ,test () (do ,@...)))\n"
     "(unless (> 1 2) 'smaller)             # --> smaller\n"
     "(macroExpand '(unless a b))           # --> (if a () (do b))"},
    {"class",
     "(class Name (interface [Name] (properties (name Class) ...) (methods (Class name (argument ...)) ...)) "
     "...)",
     "Declares a class. Its methods are then defined by defun as Name::method. A method named as the class "
     "is the "
     "constructor. public, private, readOnly, secret, (id n) may be added to members; guid, major, minor, progId, "
     "library, "
     "creatable, direction are kept for classInfo.\n"
     "(class Counter (interface (properties (count Integer)) (methods (Integer add ((by Integer))))))\n"
     "(defun Integer Counter::add ((by Integer)) (this.count (+ this.count by)))\n"
     "(set c (create Counter))\n"
     "(c.add 3)                  # --> 3"},
    {"create", "(create Class argument ...)",
     "A new object. The arguments go to the class's constructor; a final List of (property value) pairs sets "
     "properties.\n"
     "(create List 1 2)                # --> (1 2)\n"
     "(create Error 6 1 \"too late\").code  # --> 1"},
    {"local", "(local (name Class start) ...)",
     "Declares variables of the function, visible from here to its end. The start value may be left out.\n"
     "(defun Integer total (items)\n"
     "    (local (sum Integer) (label String \"total\"))\n"
     "    (for i items (set sum (+ sum i)))\n"
     "    sum)\n"
     "(total '(1 2 3))           # --> 6"},
    {"let", "(let ((name Class start) ...) form ...)",
     "Variables that only the forms see. The class may be left out.\n"
     "(let ((a 3) (b Integer 4)) (+ a b))  # --> 7\n"
     "a                          # error: 1.4"},
    {"global", "(global (::name Class) ...)", "Declares global variables.\n"
     "(global (::Retries Integer))\n"
     "(set ::Retries 3)\n"
     "(defun tries () ::Retries)\n"
     "(tries)                    # --> 3"},
    {"set", "(set name value)", "Sets a variable and gives the value.\n"
     "(set count 5)              # --> 5\n"
     "(set count (+ count 1))    # --> 6"},
    {"unset", "(unset name)", "Gives a variable its start value back.\n"
     "(local (n Integer))\n"
     "(set n 5)\n"
     "(unset n)\n"
     "n                          # --> 0"},
    {"isDefined", "(isDefined ::name)", "true if the global variable has been declared or set.\n"
     "(isDefined ::Nowhere)      # --> ()\n"
     "(set ::Here 1)\n"
     "(isDefined ::Here)         # --> true"},
    {"if", "(if test then else)",
     "Evaluates `then` if the test gives anything but (), otherwise `else`, if it is there.\n"
     "(if (> 2 1) \"yes\" \"no\")    # --> \"yes\"\n"
     "(if () \"yes\")              # --> ()"},
    {"cond", "(cond (test form ...) ...)", "Evaluates the forms of the first clause whose test is not ().\n"
     "(set n 0)\n"
     "(cond ((< n 0) \"negative\") ((== n 0) \"zero\") (true \"positive\"))  # --> \"zero\""},
    {"&&", "(&& form ...)", "Stops at the first form that gives (); otherwise the value of the last one.\n"
     "(&& 1 \"two\" 'three)        # --> three\n"
     "(&& 1 () (print \"no\"))     # --> ()"},
    {"||", "(|| form ...)", "The value of the first form that does not give ().\n"
     "(|| () 0 (print \"no\"))     # --> 0\n"
     "(|| () ())                 # --> ()"},
    {"do", "(do form ...)", "Evaluates the forms in turn and gives the value of the last one.\n"
     "(do (print \"one\") (+ 1 1)) # --> 2\n"
     "                           # prints: one"},
    {"while", "(while test form ...)", "Evaluates the forms as long as the test does not give ().\n"
     "(set n 3)\n"
     "(while (> n 0) (printAux n \" \") (set n (- n 1)))\n"
     "(print \"go\")               # prints: 3 2 1 go"},
    {"doWhile", "(doWhile test form ...)", "The same, but the forms come before the test.\n"
     "(set n 0)\n"
     "(doWhile (> n 0) (print \"once\"))  # prints: once"},
    {"for", "(for name items form ...)",
     "Evaluates the forms for each item of a List, Array, String, HashTable (its keys; both with (key value) "
     "for the "
     "name) or an object with a method `next`.\n"
     "(for x '(1 2) (print (* x x)))    # prints: 1\n"
     "                                  # prints: 4\n"
     "(for byte \"ab\" (printAux byte \" \"))     # prints: 97 98\n"
     "(set ages (create HashTable))\n"
     "(ages.set 'ann 30)\n"
     "(for (name age) ages (print name age))  # prints: ann\n"
     "                                        # prints: 30"},
    {"break", "(break)", "Leaves the innermost loop.\n"
     "(for x '(1 2 3) (if (== x 2) (break)) (print x))  # prints: 1"},
    {"continue", "(continue)", "Goes on with the innermost loop's next turn.\n"
     "(for x '(1 2 3) (if (== x 2) (continue)) (print x))  # prints: 1\n"
     "                                                     # prints: 3"},
    {"return", "(return value)", "Leaves the function; without a value it gives ().\n"
     "(defun Object firstOver (limit items)\n"
     "    (for i items (if (> i limit) (return i))))\n"
     "(firstOver 2 '(1 2 3 4))   # --> 3"},
    {"try", "(try form ... (catch class form ...) ... (finally form ...))",
     "The value of the last form. An error in them goes to the first catch for its class; the forms of "
     "finally run in "
     "every case.\n"
     "(try (/ 1 0) (catch 1 (join (list \"caught \" err.code))) (finally (print \"done\")))  # --> \"caught 9\"\n"
     "                           # prints: done"},
    {"catch", "(catch class form ...)",
     "Inside try: handles errors of this class (-1: all; a List of classes; \"6.1\" a class and code). `err` "
     "is the Error.\n"
     "(try (headOf ()) (catch \"1.9\" \"no\") (catch (5 1) err.code))  # --> 2"},
    {"finally", "(finally form ...)", "Inside try: runs however the try is left.\n"
     "(try (/ 1 0) (finally (print \"always\")))  # prints: always\n"
     "                           # error: 1.9"},
    {"with", "(with (name value) form ...)",
     "Evaluates the forms, then calls `close` (or `disconnect`) of the value, also when an error leaves "
     "them.\n"
     "(writeFile \"note\" \"one\\ntwo\\n\")\n"
     "(with (s (create Stream \"note\")) (s.readLine))  # --> \"one\""},
    {"within", "(within milliseconds form ...)",
     "The value of the last form, if all that they do ends in time: the deadline covers every wait in them, "
     "whatever its own timeout, every call, and the tasks that are started in them. Else error 6.1 is raised here: "
     "in them nothing catches it, but `finally` runs. A within inside another one cannot give more time than that "
     "has left.\n"
     "(within 1000 (sleep 1) \"done\")                     # --> \"done\"\n"
     "(try (within 20 (sleep 60000)) (catch \"6.1\" \"late\"))  # --> \"late\""},
    {"task", "(task form ...)",
     "Starts a Task that evaluates the forms, and gives it. They see and set the variables that are visible here.\n"
     "(set sum (task (+ 1 2)))\n"
     "(sum.wait)                 # --> 3"},
    {"eval", "(eval form)",
     "Evaluates a form that is a value, with the variables of the function that calls it.\n"
     "(set form '(+ 1 2))\n"
     "(eval form)                # --> 3"},
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
    c->cells[c->count] = (crpi_cell){.name = name, .type = type, .kind = (uint8_t)kind, .signature = CRP_NIL, .macro = CRP_UNSET};
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

/* --- functions and macros ------------------------------------------------------------------------------- */

void crpi_cell_function(crp *vm, uint32_t cell, crp_word function)
{
    vm->cells->cells[cell].kind = CRPI_CELL_FUNCTION;
    vm->cells->cells[cell].macro = CRP_UNSET;
    vm->cells->values[cell] = function;
    vm->epoch++;
}

void crpi_cell_macro(crp *vm, uint32_t cell, crp_word function)
{
    uint32_t id = crp_symbol_id(vm->cells->cells[cell].name);
    vm->cells->macro_names[id >> 6 & 3] |= (uint64_t)1 << (id & 63);
    vm->cells->cells[cell].kind = CRPI_CELL_MACRO;
    vm->cells->cells[cell].macro = function;
    vm->cells->values[cell] = CRP_UNSET;
    vm->epoch++;
}

uint32_t crpi_macro_find(crp *vm, crp_word symbol)
{
    if (!crpi_may_be_macro(vm->cells, symbol)) return 0;
    const crpi_name *name = crpi_name_find(vm, symbol);
    return name && name->function && vm->cells->cells[name->function].kind == CRPI_CELL_MACRO ? name->function : 0;
}

void crpi_cell_take(crp *vm, crp_word symbol)
{
    const crpi_name *name = crpi_name_find(vm, symbol);
    crpi_cell *cell = name && name->function ? &vm->cells->cells[name->function] : NULL;
    if (!cell || cell->shipped != CRPI_SHIPPED) return;
    cell->shipped = CRPI_SHIPPED_TAKEN;
    cell->signature = CRP_NIL;
    crpi_cell_function(vm, name->function, CRP_UNSET);
}

static crp_status define_function(crp *vm, const crp_method *row)
{
    crp_word symbol, function;
    uint32_t cell = 0;
    crp_status st = crp_symbol(vm, row->name, strlen(row->name), &symbol);
    if (!st) st = crpi_function_cell(vm, symbol, &cell);
    if (st) return st;
    crpi_cell_take(vm, symbol);
    crp_word now = vm->cells->values[cell];
    if (crp_is_a(now, CRP_FUNCTION) && crpi_function_of(now)->row == row) return CRP_OK;
    if (now != CRP_UNSET || crpi_macro_find(vm, symbol))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the function %s is defined already", row->name);
    st = crpi_native_function(vm, row, &function);
    if (st) return st;
    crpi_cell_function(vm, cell, function);
    vm->cells->cells[cell].declared = vm->cells->cells[cell].builtin = true;
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
    return (name && is_set(vm, name->function)) || crpi_macro_find(vm, symbol) || crpi_form_find(vm, symbol);
}

static bool means_something(crp *vm, const crpi_name *name)
{
    if (name->symbol == 0) return false;
    return is_set(vm, name->function) || crpi_macro_find(vm, name->symbol) || is_set(vm, name->global) ||
           (name->class_id && vm->classes[name->class_id]->defined);
}

typedef struct names_walk {
    crp *vm;
    size_t at;
    const crpi_form *form;
    const char *(*variables)(void *ud); /* NULL: there are no more */
    void *ud;
} names_walk;

static const char *next_name(void *ud)
{
    names_walk *w = ud;
    crpi_cells *cells = w->vm->cells;
    const char *variable = w->variables ? w->variables(w->ud) : NULL;
    if (variable) return variable;
    w->variables = NULL;
    while (w->at < cells->name_capacity) {
        const crpi_name *name = &cells->names[w->at++];
        if (means_something(w->vm, name)) return crp_symbol_name(w->vm, name->symbol, NULL);
    }
    return w->form->name ? (w->form++)->name : NULL;
}

crp_status crpi_name_unknown(crp *vm, crp_word symbol, const char *what, const char *(*variables)(void *ud), void *ud)
{
    size_t length;
    const char *name = crp_symbol_name(vm, symbol, &length);
    names_walk walk = {vm, 0, crpi_forms, variables, ud};
    const crpi_left_out *left_out = crpi_left_out_find(CRPI_LEFT_OUT_FUNCTION, name, length);
    if (left_out) return crpi_left_out_raise(vm, left_out);
    if (crpi_macro_find(vm, symbol))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p is a macro: it is no value, and a call of it must be "
                         "compiled after its defmacro", symbol);
    const char *here = crpi_foreign_name(name, length);
    crpi_buf near;
    crpi_buf_init(&near, &vm->mem, 1000);
    if (here) crpi_buf_format(&near, "; what other languages call so is here: %s", here);
    else crpi_suggest(&near, name, length, next_name, &walk);
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
        mark(vm, c->cells[i].macro);
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
