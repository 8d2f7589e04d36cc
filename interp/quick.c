/* floor 7: the quick way of some built-in methods and functions.
 *
 * One that scripts call at every turn of their loops has one beside its row: without a record of the call, for
 * receivers and arguments of just the classes that it knows.  Whatever else it is given it leaves to the row, so what is
 * here is never the only place where something is decided. */
#include <math.h>
#include <string.h>
#include "cells.h"
#include "lib.h"
#include "str.h"
#include "value.h"
#include "vm.h"

#define QUICK(name) static crp_status name(crp *vm, crp_word self, const crp_word *args, uint32_t n, crp_word *out)

/* A place in so many items that an argument names. */
static inline bool place(crp_word w, size_t count, size_t *at)
{
    *at = (size_t)((int64_t)w >> 2);
    return crp_is_fixnum(w) && *at < count;
}

static inline bool is_text(crp_word w) { return crp_is_a(w, CRP_STRING); }

static inline const char *text_of(crp_word string, size_t *length)
{
    *length = crpi_str_of(string)->length;
    return crpi_str_of(string)->bytes;
}

/* --- String --------------------------------------------------------------------------------------------- */

QUICK(string_length)
{
    size_t length;
    (void)vm, (void)args;
    text_of(self, &length);
    if (n == 0) *out = crp_fixnum((int64_t)length);
    return CRP_OK;
}

QUICK(string_get)
{
    size_t length, at;
    (void)vm;
    const char *text = text_of(self, &length);
    if (n == 1 && place(args[0], length, &at)) *out = crp_fixnum((unsigned char)text[at]);
    return CRP_OK;
}

QUICK(string_extract)
{
    size_t length, at, count;
    text_of(self, &length);
    if (n == 0 || n > 2 || !place(args[0], length, &at)) return CRP_OK;
    count = length - at;
    if (n == 2 && !place(args[1], count + 1, &count)) return CRP_OK;
    return crp_string_slice(vm, self, at, count, out);
}

QUICK(string_search)
{
    size_t length, m, from = 0;
    (void)vm;
    const char *text = text_of(self, &length), *what;
    if (n == 0 || n > 2 || !is_text(args[0]) || (n == 2 && !place(args[1], length + 1, &from))) return CRP_OK;
    what = text_of(args[0], &m);
    size_t at = crpi_lib_search(text, length, what, m, from);
    *out = at < length || m == 0 ? crp_fixnum((int64_t)at) : CRP_NIL;
    return CRP_OK;
}

QUICK(string_starts)
{
    size_t length, m;
    (void)vm;
    if (n != 1 || !is_text(args[0])) return CRP_OK;
    const char *text = text_of(self, &length), *what = text_of(args[0], &m);
    *out = crp_bool(m <= length && !memcmp(text, what, m));
    return CRP_OK;
}

/* --- Array, HashTable, Buffer --------------------------------------------------------------------------- */

QUICK(array_length)
{
    (void)vm, (void)args;
    if (n == 0) *out = crp_fixnum((int64_t)crpi_array_of(self)->count);
    return CRP_OK;
}

QUICK(array_get)
{
    size_t at;
    (void)vm;
    if (n == 1 && place(args[0], crpi_array_of(self)->count, &at)) *out = crpi_array_of(self)->items[at];
    return CRP_OK;
}

QUICK(array_set)
{
    size_t at;
    if (n != 2 || !place(args[0], crpi_array_of(self)->count, &at)) return CRP_OK;
    crpi_store(vm, &vm->heap, &crpi_array_of(self)->items[at], args[1]);
    *out = CRP_NIL;
    return CRP_OK;
}

QUICK(table_get)
{
    crp_word value;
    if (n == 1 && crp_hashtable_get(vm, self, args[0], &value)) *out = value;
    return CRP_OK;
}

QUICK(table_set)
{
    if (n != 2) return CRP_OK;
    crp_status st = crpi_lib_table_put(vm, self, args[0], args[1]);
    if (!st) *out = CRP_NIL;
    return st;
}

QUICK(buffer_append)
{
    size_t length;
    (void)vm;
    if (n != 1 || !is_text(args[0])) return CRP_OK;
    const char *text = text_of(args[0], &length);
    crpi_buffer *b = crpi_buffer_of(self);
    if (length > b->capacity - b->start - b->length || !b->block) return CRP_OK;
    memcpy(b->block + b->start + b->length, text, length);
    b->length += length;
    *out = CRP_NIL;
    return CRP_OK;
}

/* --- functions ------------------------------------------------------------------------------------------ */

#define REAL_QUICK(name, function) \
    QUICK(name) \
    { \
        (void)vm, (void)self; \
        if (n == 1 && crp_is_flonum(args[0])) crpi_flonum(function(crpi_flonum_value(args[0])), out); \
        return CRP_OK; \
    }

QUICK(quick_throw)
{
    (void)self, (void)out;
    return n == 1 && crp_is_a(args[0], CRP_ERROR) ? crp_rethrow(vm, args[0]) : CRP_OK;
}

REAL_QUICK(quick_sqrt, sqrt)
REAL_QUICK(quick_exp, exp)
REAL_QUICK(quick_sin, sin)
REAL_QUICK(quick_cos, cos)

/* --- the table ------------------------------------------------------------------------------------------ */

const crpi_quick crpi_quick_ways[] = {
    {0, "", NULL, 0, 0},
    {CRP_STRING, "length", string_length, 0, 0},
    {CRP_STRING, "get", string_get, 0, 0},
    {CRP_STRING, "extract", string_extract, 0, 0},
    {CRP_STRING, "search", string_search, 0, 0},
    {CRP_STRING, "startsWith", string_starts, 0, 0},
    {CRP_ARRAY, "length", array_length, 0, 0},
    {CRP_ARRAY, "get", array_get, 0, CRPI_OP_ITEM},
    {CRP_ARRAY, "set", array_set, 0, 0},
    {CRP_HASHTABLE, "get", table_get, 0, 0},
    {CRP_HASHTABLE, "set", table_set, 0, 0},
    {CRP_BUFFER, "append", buffer_append, 0, 0},
    {CRP_OBJECT, "throw", quick_throw, 0, 0},
    {CRP_OBJECT, "sqrt", quick_sqrt, CRP_REAL, 0},
    {CRP_OBJECT, "exp", quick_exp, CRP_REAL, 0},
    {CRP_OBJECT, "sin", quick_sin, CRP_REAL, 0},
    {CRP_OBJECT, "cos", quick_cos, CRP_REAL, 0},
    {0, NULL, NULL, 0, 0},
};

void crpi_lib_quick_functions(crp *vm)
{
    crp_word symbol;
    for (uint8_t i = 1; vm->quick[i].name; i++) {
        const char *name = vm->quick[i].name;
        if (vm->quick[i].class_id != CRP_OBJECT || !crpi_symbol_find(&vm->symbols, name, strlen(name), &symbol)) continue;
        const crpi_name *n = crpi_name_find(vm, symbol);
        if (n && crp_is_a(vm->cells->values[n->function], CRP_FUNCTION))
            crpi_function_of(vm->cells->values[n->function])->h.flags = i;
    }
}
