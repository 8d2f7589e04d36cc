/* A receiver is a first part, a literal, a name or a form, and then properties, each looked up in its
   class. */
#include "receiver.h"

#include <string.h>
#include "cells.h"
#include "compiler.h"
#include "outline.h"
#include "token.h"
#include "topics.h"

static const crpi_receiver nothing = {.value = CRP_UNSET};

static crpi_receiver of_class(crp *vm, uint32_t class_id, uint32_t face)
{
    return (crpi_receiver){.value = CRP_UNSET, .type = crpi_class_by_id(vm, class_id), .face = face};
}

static crpi_receiver of_type(crp *vm, crpi_type type)
{
    if (type == CRP_OBJECT || type == CRPI_NO_RESULT) return nothing;
    return of_class(vm, CRPI_TYPE_CLASS(type), CRPI_TYPE_FACE(type));
}

static crpi_receiver of_value(crp *vm, crp_word value)
{
    uint32_t class_id, face;
    if (value == CRP_UNSET) return nothing;
    crpi_face_of(value, &class_id, &face);
    crpi_receiver r = of_class(vm, class_id, face);
    r.value = value;
    return r;
}

static bool find_symbol(crp *vm, const char *name, size_t length, crp_word *symbol)
{
    return crpi_symbol_find(&vm->symbols, name, length, symbol);
}

static crpi_class *class_of_text(crp *vm, const char *name, size_t length)
{
    crp_word symbol;
    if (!find_symbol(vm, name, length, &symbol)) return NULL;
    crpi_class *c = crpi_class_named(vm, symbol);
    return c && c->defined ? c : NULL;
}

static crpi_receiver of_class_text(crp *vm, const char *name, size_t length)
{
    crpi_class *c = class_of_text(vm, name, length);
    return c ? of_class(vm, c->id, 0) : nothing;
}

/* --- names ---------------------------------------------------------------------------------------------- */

/* The cell of a variable of the session or, for `::x`, of a global; 0: there is none. */
static uint32_t variable_cell(crp *vm, const char *name, size_t length)
{
    crp_word symbol;
    bool declared, global = length > 2 && name[0] == ':' && name[1] == ':';
    if (global) name += 2, length -= 2;
    if (!find_symbol(vm, name, length, &symbol)) return 0;
    if (global) {
        const crpi_name *known = crpi_name_find(vm, symbol);
        return known ? known->global : 0;
    }
    const crpi_scope *session = crpi_session_scope(vm);
    return session ? crpi_scope_find(session, symbol, &declared) : 0;
}

crp_word crpi_variable_value(crp *vm, const char *name, size_t length)
{
    uint32_t cell = variable_cell(vm, name, length);
    return cell ? vm->cells->values[cell] : CRP_UNSET;
}

static crpi_receiver of_variable(crp *vm, const char *name, size_t length)
{
    uint32_t cell = variable_cell(vm, name, length);
    if (!cell) return nothing;
    crp_word value = vm->cells->values[cell];
    if (value == CRP_UNSET || value == CRP_NIL) {
        crpi_receiver declared = of_type(vm, vm->cells->cells[cell].type);
        if (declared.type) return declared;
    }
    return of_value(vm, value);
}

static size_t skip_blanks(const char *text, size_t at, size_t end)
{
    while (at < end && crpi_token_kind(text[at]) == CRPI_BLANK_BYTE) at++;
    return at;
}

/* The class C where the text before `end` has `(name C` last: a parameter, a `local` or a `let` with a
 * class. */
static crpi_receiver declared_in_text(crp *vm, const char *text, size_t end, const char *name, size_t length)
{
    crpi_receiver found = nothing;
    for (size_t at = 0; at + length + 2 < end; at++) {
        if (text[at] != '(' || memcmp(text + at + 1, name, length) != 0) continue;
        size_t from = skip_blanks(text, at + 1 + length, end);
        size_t to = crpi_outline_word_end(text, end, from);
        if (from == at + 1 + length || to == from) continue;
        crpi_receiver r = of_class_text(vm, text + from, to - from);
        if (r.type) found = r;
    }
    return found;
}

/* Inside a definition of C::m, `this` is a C. */
static crpi_receiver this_in_text(crp *vm, const char *text, size_t end)
{
    crpi_receiver found = nothing;
    for (size_t at = 0; at < end; at++) {
        if (crpi_token_kind(text[at]) < CRPI_NAME_BYTE) continue;
        size_t to = crpi_outline_word_end(text, end, at);
        const char *colon = memchr(text + at, ':', to - at);
        if (colon && colon > text + at) {
            crpi_receiver r = of_class_text(vm, text + at, (size_t)(colon - text) - at);
            if (r.type) found = r;
        }
        at = to;
    }
    return found;
}

/* A name by itself is a variable; else a class or a function, which are values too. */
static crpi_receiver of_name(crp *vm, const char *text, size_t from, size_t end)
{
    const char *name = text + from;
    size_t length = end - from;
    if (length == 4 && memcmp(name, "this", 4) == 0) return this_in_text(vm, text, from);
    crpi_receiver r = declared_in_text(vm, text, from, name, length);
    if (!r.type) r = of_variable(vm, name, length);
    crp_word symbol;
    if (r.type || !find_symbol(vm, name, length, &symbol)) return r;
    if (class_of_text(vm, name, length)) return of_class(vm, CRP_CLASS, 0);
    return crpi_is_function_name(vm, symbol) ? of_class(vm, CRP_FUNCTION, 0) : nothing;
}

/* --- literals and forms --------------------------------------------------------------------------------- */

static crpi_receiver of_number(crp *vm, const char *text, const char *end)
{
    bool real = memchr(text, '.', (size_t)(end - text)) != NULL;
    return of_class(vm, real ? CRP_REAL : CRP_INTEGER, 0);
}

/* (create C ...) is a C, (f ...) what f is declared to return. */
static crpi_receiver of_form(crp *vm, const char *text, size_t open, size_t end)
{
    size_t from = open + 1, to = crpi_outline_word_end(text, end, from);
    crp_word symbol;
    if (to - from == 6 && memcmp(text + from, "create", 6) == 0) {
        from = skip_blanks(text, to, end);
        return of_class_text(vm, text + from, crpi_outline_word_end(text, end, from) - from);
    }
    if (!find_symbol(vm, text + from, to - from, &symbol)) return nothing;
    const crpi_name *known = crpi_name_find(vm, symbol);
    const crpi_signature *signature;
    crp_word function = known && known->function ? vm->cells->values[known->function] : CRP_UNSET;
    if (!crp_is_a(function, CRP_FUNCTION)) return nothing;
    if (crpi_function_signature(vm, crpi_function_of(function), &signature)) {
        crp_clear_error(vm);
        return nothing;
    }
    return of_type(vm, signature->result);
}

/* --- properties ----------------------------------------------------------------------------------------- */

static crpi_receiver of_property(crp *vm, crpi_receiver r, const char *name, size_t length)
{
    crp_word symbol, value;
    if (!r.type || crpi_class_ready(vm, r.type) || !find_symbol(vm, name, length, &symbol)) return nothing;
    crpi_member *m = crpi_member_find(vm, r.type->id, r.face, symbol);
    if (!m || m->kind == CRPI_METHOD) return nothing;
    if (r.value == CRP_UNSET || crpi_property_get(vm, r.value, m, false, &value)) {
        crp_clear_error(vm);
        return of_type(vm, m->type);
    }
    crpi_receiver declared = of_type(vm, m->type);
    return value == CRP_NIL && declared.type ? declared : of_value(vm, value);
}

/* The end of the first part of text[from, end): a literal with its own dots, or what stands before the
 * first dot. */
static size_t first_part(const char *text, size_t from, size_t end)
{
    size_t at = from;
    if (text[at] == '"') {
        for (at = end; at > from + 1 && text[at - 1] != '"';) at--;
        return at;
    }
    if (!crpi_token_begins_number(text + from, text + end)) {
        while (at < end && text[at] != '.') at++;
        return at;
    }
    while (at < end && text[at] != '.') at++;
    if (at + 1 < end && crpi_token_kind(text[at + 1]) == CRPI_DIGIT_BYTE) at++;
    while (at < end && text[at] != '.') at++;
    return at;
}

crpi_receiver crpi_receiver_at(crp *vm, const char *text, size_t from, size_t end)
{
    crpi_receiver r = nothing;
    size_t at = from;
    if (from && text[from - 1] == ')' && (from == end || text[from] == '.')) {
        crpi_outline o;
        crpi_outline_at(text, from - 1, &o);
        if (o.open != CRPI_NOT_THERE) r = of_form(vm, text, o.open, from - 1);
    } else if (from < end) {
        at = first_part(text, from, end);
        if (text[from] == '"') r = of_class(vm, CRP_STRING, 0);
        else if (crpi_token_begins_number(text + from, text + end)) r = of_number(vm, text + from, text + at);
        else r = of_name(vm, text, from, at);
    }
    while (r.type && at < end) {
        size_t name = at + 1, dot = name;
        while (dot < end && text[dot] != '.') dot++;
        r = of_property(vm, r, text + name, dot - name);
        at = dot;
    }
    if (r.type && crpi_class_ready(vm, r.type)) {
        crp_clear_error(vm);
        return nothing;
    }
    return r;
}
