/* floor 7: forms as values: made, read from text, and with their macros replaced. */
#include "lib.h"

#include <string.h>
#include "cells.h"
#include "error.h"
#include "expand.h"
#include "reader.h"

/* --- gensym --------------------------------------------------------------------------------------------- */

enum { LONGEST_STEM = 200 };

/* The space keeps it apart from whatever is written without bars; a name that is known already is passed over. */
static crp_status gensym(crp_call *c)
{
    char name[LONGEST_STEM + 32];
    const char *stem;
    size_t length;
    crp_status st = crpi_lib_name(c->vm, c->args[0], &stem, &length);
    if (st) return st;
    if (length > LONGEST_STEM)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "gensym: a name of at most %d bytes expected, %zu given",
                         (int)LONGEST_STEM, length);
    crpi_buf text;
    crpi_buf_init(&text, &c->vm->mem, sizeof name);
    do {
        text.length = 0;
        crpi_buf_put(&text, stem, length);
        crpi_buf_format(&text, " %ld", (long)++c->vm->cells->made_symbols);
    } while (!text.failed && crpi_symbol_find(&c->vm->symbols, text.bytes, text.length, &c->result));
    st = text.failed ? crp_no_memory(c->vm) : crp_symbol(c->vm, text.bytes, text.length, &c->result);
    crpi_buf_free(&text);
    return st;
}

/* --- macroExpand ---------------------------------------------------------------------------------------- */

static crp_status macro_expand(crp_call *c)
{
    crpi_expansion nowhere = {0};
    int64_t times;
    if (c->args[1] == CRP_UNSET) return crpi_expand(c->vm, &nowhere, c->args[0], &c->result);
    crp_status st = crpi_lib_between(c->vm, "macroExpand: the count of steps", c->args[1], 0, INT32_MAX, &times);
    return st ? st : crpi_expand_head(c->vm, &nowhere, c->args[0], times, &c->result);
}

/* --- parse ---------------------------------------------------------------------------------------------- */

/* What ends too early is no reason to wait for more here. */
static crp_status parse(crp_call *c)
{
    crpi_reader reader;
    size_t length;
    const char *text = crp_string_data(c->args[0], &length);
    crpi_reader_init(&reader, c->vm, "text", text, length, NULL);
    crp_status st = crpi_read_all(&reader, &c->result);
    return st == CRP_INCOMPLETE ? crpi_error_status(c->vm, c->vm->error) : st;
}

static const crp_method functions[] = {
    {"gensym", "Symbol (name String|Symbol \"g\")", gensym,
     "A Symbol that nothing in the program has as a name, for the variables of what a macro gives. The text, at most 200 "
     "bytes (1.8), helps who reads it.\n"
     "(gensym \"value\")                             # --> |value 1|\n"
     "(== (gensym) (gensym))                       # --> ()",
     0, NULL, NULL},
    {"macroExpand", "Object form (steps Integer ?)", macro_expand,
     "A form with every call of a macro in it replaced by what the macro gives. With a count of steps only the form "
     "itself is, at most so many times over; 1.8 if that is negative. The form is not changed, and what has no macro in "
     "it is shared.\n"
     "(defmacro unless (test ...) `(if ,test () (do ,@...)))\n"
     "(macroExpand '(print (unless a b)))          # --> (print (if a () (do b)))\n"
     "(macroExpand '(unless a (unless b c)) 1)     # --> (if a () (do (unless b c)))",
     0, NULL, NULL},
    {"parse", "List (text String)", parse,
     "The forms that the text holds, as the reader makes them; nothing is evaluated. Errors of class 8, with line and "
     "column, as for a file.\n"
     "(parse \"(+ 1 2) o.name 'x\")                  # --> ((+ 1 2) o.name (quote x))\n"
     "(eval (headOf (parse \"(+ 1 2)\")))            # --> 3\n"
     "(parse \"(list 1\")                            # error: 8.1",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_macro(crp *vm) { return crp_define_functions(vm, functions); }
