/* floor 4: declared classes: found by name, checked, and what a slot of one starts with.
 *
 * A type is a class and one of its faces.  The value classes never hold (); every other class accepts it.
 */
#include "class.h"

#include <string.h>
#include "cells.h"
#include "error.h"
#include "left-out.h"
#include "printer.h"
#include "value.h"

/* --- types by name -------------------------------------------------------------------------------------- */

typedef struct class_walk {
    crp *vm;
    size_t at;
} class_walk;

static const char *next_class(void *ud)
{
    class_walk *w = ud;
    while (w->at < w->vm->class_count) {
        const crpi_class *c = w->vm->classes[w->at++];
        if (c->defined && !c->hidden) return crp_symbol_name(w->vm, c->name, NULL);
    }
    return NULL;
}

static crp_status class_unknown(crp *vm, const char *name, size_t length)
{
    class_walk walk = {vm, 0};
    const crpi_left_out *left_out = crpi_left_out_find(CRPI_LEFT_OUT_CLASS, name, length);
    if (left_out) return crpi_left_out_raise(vm, left_out);
    crpi_buf near;
    crpi_buf_init(&near, &vm->mem, 1000);
    crpi_suggest(&near, name, length, next_class, &walk);
    crp_status st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "unknown class %.*s%.*s", (int)length, name,
                              (int)near.length, near.bytes ? near.bytes : "");
    crpi_buf_free(&near);
    return st;
}

/* The class of a name, which may be reserved only; NULL without an error. */
static crpi_class *class_of_text(crp *vm, const char *name, size_t length)
{
    crp_word symbol;
    return crpi_symbol_find(&vm->symbols, name, length, &symbol) ? crpi_class_named(vm, symbol) : NULL;
}

/* `C` or `C:Face`. */
static crp_status type_of_text(crp *vm, const char *text, size_t length, crpi_type *out)
{
    const char *colon = memchr(text, ':', length);
    size_t class_length = colon ? (size_t)(colon - text) : length;
    crpi_class *c = class_of_text(vm, text, class_length);
    uint32_t face = 0;
    if (!c) return class_unknown(vm, text, class_length);
    if (colon) {
        crp_word name;
        crp_status st = crp_symbol(vm, colon + 1, length - class_length - 1, &name);
        if (!st) st = crpi_face_named(vm, c, name, &face);
        if (st) return st;
    }
    *out = CRPI_TYPE(c->type_id, face);
    return CRP_OK;
}

const char *crpi_name_text(crp *vm, crp_word name, size_t *length)
{
    if (crp_is_symbol(name)) return crp_symbol_name(vm, name, length);
    return crp_is_string(name) ? crp_string_data(name, length) : NULL;
}

crp_status crpi_type_named(crp *vm, crp_word name, crpi_type *out)
{
    if (crp_is_a(name, CRP_CLASS)) {
        uint32_t id = ((crpi_class_object *)crp_object_of(name))->id;
        *out = CRPI_TYPE(vm->classes[id]->type_id, 0);
        return CRP_OK;
    }
    size_t length;
    const char *text = crpi_name_text(vm, name, &length);
    if (!text)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "a class is named by a Symbol, a String or a Class, given %v", name);
    return type_of_text(vm, text, length, out);
}

crp_status crpi_type_of_text(crp *vm, const char *text, size_t length, crpi_type *out)
{
    if (!class_of_text(vm, text, length)) {
        crp_word symbol;
        crp_status st = crp_symbol(vm, text, length, &symbol);
        if (!st) st = crpi_class_reserve(vm, symbol);
        if (st) return st;
    }
    return type_of_text(vm, text, length, out);
}

crp_status crpi_class_find(crp *vm, crp_word name, crpi_class **out)
{
    if (crp_is_a(name, CRP_CLASS)) {
        *out = vm->classes[((crpi_class_object *)crp_object_of(name))->id];
    } else if (!crp_is_symbol(name) || !(*out = crpi_class_named(vm, name))) {
        size_t length;
        const char *text = crpi_name_text(vm, name, &length);
        if (!text) return crpi_type_named(vm, name, &(crpi_type){0});
        *out = class_of_text(vm, text, length);
        if (!*out) return class_unknown(vm, text, length);
    }
    if ((*out)->defined) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "the class %p is named, but not defined yet",
                     (*out)->name);
}

void crpi_type_name(crp *vm, crpi_buf *out, crpi_type type)
{
    if (type == CRPI_NO_RESULT) {
        crpi_buf_text(out, "NIL");
        return;
    }
    const crpi_class *c = vm->classes[CRPI_TYPE_CLASS(type)];
    uint32_t face = CRPI_TYPE_FACE(type);
    crpi_buf_text(out, crp_symbol_name(vm, c->name, NULL));
    if (face == 0 || face >= c->face_count || c->faces[face].name == CRP_NIL) return;
    crpi_buf_byte(out, ':');
    crpi_buf_text(out, crp_symbol_name(vm, c->faces[face].name, NULL));
}

/* --- checks --------------------------------------------------------------------------------------------- */

static bool has_property_named(crp *vm, const crpi_class *c, const char *name)
{
    crp_word symbol;
    crpi_member *m = NULL;
    if (crpi_symbol_find(&vm->symbols, name, strlen(name), &symbol)) m = crpi_face_find(&c->faces[0], symbol);
    return m && m->kind != CRPI_METHOD;
}

/* A scripted module is an object whose primary interface has the properties `log` and `stack`. */
static bool is_module(crp *vm, const crpi_class *c)
{
    if (c->script)
        return c->defined && has_property_named(vm, c, "log") && has_property_named(vm, c, "stack");
    return c->def && c->def->module && *(const uint32_t *)c->def->module == CRPI_KIND_MODULE;
}

bool crpi_has_type(crp *vm, crpi_type type, crp_word w)
{
    uint32_t wanted = CRPI_TYPE_CLASS(type), id, face;
    if (wanted == CRP_OBJECT || type == CRPI_NO_RESULT) return true;
    if (w == CRP_NIL) return !vm->classes[wanted]->value_class;
    crpi_face_of(w, &id, &face);
    const crpi_class *c = vm->classes[id];
    if (wanted == CRPI_COMMS_MODULE) return is_module(vm, c);
    return c->type_id == wanted && face == CRPI_TYPE_FACE(type);
}

static void print_expected(crp *vm, crpi_buf *out, crpi_type type, crpi_type other, const char *what,
                           crp_word name)
{
    crpi_buf_text(out, what);
    if (name != CRP_NIL) {
        crpi_buf_byte(out, ' ');
        crpi_print(vm, out, name, CRPI_DISPLAY, 100);
    }
    crpi_buf_text(out, ": expected ");
    crpi_type_name(vm, out, type);
    if (other == type) return;
    crpi_buf_text(out, " or ");
    crpi_type_name(vm, out, other);
}

/* An object of a class of the same name, which was declared anew with other properties. */
static bool is_namesake(crp *vm, crpi_type type, crp_word given)
{
    uint32_t wanted = CRPI_TYPE_CLASS(type), id = crp_class_of(given);
    return crp_is_object(given) && id != wanted && vm->classes[id]->name == vm->classes[wanted]->name;
}

crp_status crpi_type_mismatch(crp *vm, crpi_type type, crpi_type other, crp_word given, bool secret,
                              const char *what, crp_word name)
{
    crpi_buf expected;
    crpi_buf_init(&expected, &vm->mem, 500);
    print_expected(vm, &expected, type, other, what, name);
    int length = (int)expected.length;
    const char *text = expected.bytes ? expected.bytes : "";
    crp_status st;
    if (secret) st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "%.*s, given %n", length, text, given);
    else if (given == CRP_NIL ||
             crp_class_of(given) > CRP_HASHTABLE) /* these show their class by themselves */
        st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "%.*s, given %v%s", length, text, given,
                       is_namesake(vm, type, given) ? ", whose class has been declared anew: define anew what names it" : "");
    else
        st =
            crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "%.*s, given %n %v", length, text, given, given);
    crpi_buf_free(&expected);
    return st;
}

crp_status crpi_check_type(crp *vm, crpi_type type, crp_word *value, const char *what, crp_word name)
{
    if (type == CRPI_NO_RESULT) {
        *value = CRP_NIL;
        return CRP_OK;
    }
    if (crpi_has_type(vm, type, *value)) return CRP_OK;
    if (type == CRPI_TYPE(CRP_REAL, 0) && crp_is_integer(*value))
        return crp_real(vm, (double)crp_integer_value(*value), value);
    return crpi_type_mismatch(vm, type, type, *value, false, what, name);
}

crp_status crpi_check_parameter(crp *vm, const crpi_parameter *p, crp_word *value, const char *what,
                                crp_word name)
{
    if (p->other == p->type) return crpi_check_type(vm, p->type, value, what, name);
    if (crpi_has_type(vm, p->type, *value) || crpi_has_type(vm, p->other, *value)) return CRP_OK;
    return crpi_type_mismatch(vm, p->type, p->other, *value, false, what, name);
}

/* --- start values --------------------------------------------------------------------------------------- */

crp_word crpi_start_value(crp *vm, crpi_type type)
{
    crp_word empty;
    switch (CRPI_TYPE_CLASS(type)) {
    case CRP_INTEGER: return crp_fixnum(0);
    case CRP_REAL: return CRPI_FLONUM_ZERO;
    case CRP_STRING: return vm->cells->empty_string;
    case CRP_BINARY: return crp_binary(vm, "", 0, &empty) ? CRP_UNSET : empty;
    default: return CRP_NIL;
    }
}

crp_status crpi_start_copy(crp *vm, crp_word start, crp_word *out)
{
    *out = start;
    if (!crp_is_a(start, CRP_BINARY)) return CRP_OK;
    size_t length;
    const unsigned char *bytes = crp_binary_data(start, &length);
    return crp_binary(vm, bytes, length, out);
}
