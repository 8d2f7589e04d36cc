/* floor 4: what a class says of itself: classInfo's List, and how its objects are printed.
 *
 * Both read the members; whatever a row or a `class` form declares shows up by itself.
 */
#include "class.h"

#include <string.h>
#include "cells.h"
#include "printer.h"
#include "reader.h"
#include "value.h"

/* --- classInfo ------------------------------------------------------------------------------------------ */

static crp_status add_symbol(crp *vm, crp_list_builder *list, const char *text)
{
    crp_word symbol;
    crp_status st = crp_symbol(vm, text, strlen(text), &symbol);
    return st ? st : crp_list_add(vm, list, symbol);
}

static crp_status add_type(crp *vm, crp_list_builder *list, crpi_type type)
{
    crp_word symbol;
    crpi_buf name;
    crpi_buf_init(&name, &vm->mem, 200000);
    crpi_type_name(vm, &name, type);
    crp_status st = name.failed ? crp_no_memory(vm) : crp_symbol(vm, name.bytes, name.length, &symbol);
    crpi_buf_free(&name);
    return st ? st : crp_list_add(vm, list, symbol);
}

/* The items in a List of their own: what a script does to it does not touch the class. */
static crp_status copy_list(crp *vm, crp_word from, crp_word *out)
{
    crp_list_builder copy = {CRP_NIL, CRP_NIL};
    for (; crp_is_pair(from); from = crp_tail(from)) {
        crp_status st = crp_list_add(vm, &copy, crp_head(from));
        if (st) return st;
    }
    *out = copy.first;
    return CRP_OK;
}

static crp_status add_clauses(crp *vm, crp_list_builder *list, crp_word clauses)
{
    for (; clauses != CRP_NIL; clauses = crp_tail(clauses)) {
        crp_word clause;
        crp_status st = copy_list(vm, crp_head(clauses), &clause);
        if (!st) st = crp_list_add(vm, list, clause);
        if (st) return st;
    }
    return CRP_OK;
}

static crp_status add_id(crp *vm, crp_list_builder *list, const crpi_member *m)
{
    crp_word id;
    if (m->id == CRP_NIL) return CRP_OK;
    crp_status st = copy_list(vm, m->id, &id);
    return st ? st : crp_list_add(vm, list, id);
}

/* (name Class flag ...).  A native's class is named as its row names it. */
static crp_status property_info(crp *vm, const crpi_member *m, crp_word *out)
{
    static const struct {
        uint32_t member, row;
        const char *word;
    } flags[] = {
        {CRPI_READONLY, 0, "readOnly"}, {CRPI_WRITEONLY, 0, "writeOnly"}, {CRPI_PRIVATE, 0, "private"},
        {CRPI_SECRET, 0, "secret"},     {0, CRP_CONFIG, "config"},        {0, CRP_STACK, "attribute"},
    };
    crp_list_builder info = {CRP_NIL, CRP_NIL};
    crp_status st = crp_list_add(vm, &info, m->name);
    if (!st) st = m->row ? add_symbol(vm, &info, m->row->class_name) : add_type(vm, &info, m->type);
    for (size_t i = 0; !st && i < sizeof flags / sizeof *flags; i++)
        if (m->flags & flags[i].member || (m->row && m->row->flags & flags[i].row))
            st = add_symbol(vm, &info, flags[i].word);
    if (!st) st = add_id(vm, &info, m);
    *out = info.first;
    return st;
}

/* ((name Class) ...), from a parameter List as it was written. */
static crp_status parameters_info(crp *vm, crp_word declared, crp_word *out)
{
    crp_list_builder info = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    for (; !st && crp_is_pair(declared); declared = crp_tail(declared)) {
        crp_word item = crp_head(declared);
        if (crp_is_pair(item)) st = copy_list(vm, item, &item);
        else if (item != CRPI_WORD_OF(ELLIPSIS)) {
            crp_word parts[2] = {item, vm->classes[CRP_OBJECT]->name};
            st = crp_list(vm, parts, 2, &item);
        }
        if (!st) st = crp_list_add(vm, &info, item);
    }
    *out = info.first;
    return st;
}

/* The result's class and the parameters that a row's spec says. */
static crp_status read_spec(crp *vm, const char *spec, crp_word *result, crp_word *parameters)
{
    crpi_reader reader;
    crp_word forms = CRP_NIL;
    crpi_reader_init(&reader, vm, "signature", spec, strlen(spec), NULL);
    crp_status st = crpi_read_all(&reader, &forms);
    if (st) return st;
    *result = crp_is_pair(forms) ? crp_head(forms) : CRP_NIL;
    *parameters = crp_is_pair(forms) ? crp_tail(forms) : CRP_NIL;
    return CRP_OK;
}

/* (Result name ((argument Class) ...) flag ...) */
static crp_status method_info(crp *vm, const crpi_member *m, crp_word *out)
{
    crp_list_builder info = {CRP_NIL, CRP_NIL};
    crp_word result, parameters = m->declared;
    crp_status st = m->method ? read_spec(vm, m->method->spec, &result, &parameters) : CRP_OK;
    if (!st) st = m->method ? crp_list_add(vm, &info, result) : add_type(vm, &info, m->type);
    if (!st) st = crp_list_add(vm, &info, m->name);
    if (!st) st = parameters_info(vm, parameters, &parameters);
    if (!st) st = crp_list_add(vm, &info, parameters);
    if (!st && m->flags & CRPI_PRIVATE) st = crp_list_add(vm, &info, CRPI_WORD_OF(PRIVATE));
    if (!st) st = add_id(vm, &info, m);
    *out = info.first;
    return st;
}

/* (properties ...) or (methods ...) */
static crp_status section_info(crp *vm, const crpi_face *face, bool methods, crp_word *out)
{
    crp_list_builder info = {CRP_NIL, CRP_NIL};
    crp_status st = crp_list_add(vm, &info, methods ? CRPI_WORD_OF(METHODS) : CRPI_WORD_OF(PROPERTIES));
    for (size_t i = 0; !st && i < face->count; i++) {
        const crpi_member *m = face->members[i];
        crp_word entry;
        if ((m->kind == CRPI_METHOD) != methods) continue;
        st = methods ? method_info(vm, m, &entry) : property_info(vm, m, &entry);
        if (!st) st = crp_list_add(vm, &info, entry);
    }
    *out = info.first;
    return st;
}

/* ("Name" (properties ...) (methods ...) clause ...) */
static crp_status face_info(crp *vm, const crpi_face *face, crp_word *out)
{
    crp_list_builder info = {CRP_NIL, CRP_NIL};
    size_t length = 0;
    const char *text = face->name == CRP_NIL ? "" : crp_symbol_name(vm, face->name, &length);
    crp_word item;
    crp_status st = crp_string(vm, text, length, &item);
    if (!st) st = crp_list_add(vm, &info, item);
    for (int methods = 0; !st && methods < 2; methods++) {
        st = section_info(vm, face, methods, &item);
        if (!st) st = crp_list_add(vm, &info, item);
    }
    if (!st) st = add_clauses(vm, &info, face->clauses);
    *out = info.first;
    return st;
}

crp_status crpi_class_info(crp *vm, crpi_class *c, crp_word *out)
{
    crp_list_builder info = {CRP_NIL, CRP_NIL};
    crp_word item;
    crp_status st = crpi_class_ready(vm, c);
    if (!st) st = crp_list_add(vm, &info, c->name);
    if (!st) st = crp_integer(vm, c->major, &item);
    if (!st) st = crp_list_add(vm, &info, item);
    if (!st) st = crp_integer(vm, c->minor, &item);
    if (!st) st = crp_list_add(vm, &info, item);
    for (size_t i = 0; !st && i < c->face_count; i++) {
        st = face_info(vm, &c->faces[i], &item);
        if (!st) st = crp_list_add(vm, &info, item);
    }
    if (!st) st = add_clauses(vm, &info, c->clauses);
    *out = info.first;
    return st;
}

/* --- printing ------------------------------------------------------------------------------------------- */

enum { SHOWN_VALUE = 60, SHOWN_OBJECT = 500 /* bytes */ };

static bool is_scalar(crp_word w)
{
    uint32_t id = crp_class_of(w);
    return id == CRP_INTEGER || id == CRP_REAL || id == CRP_STRING || id == CRP_SYMBOL;
}

/* Whether a property may be shown, and what it holds.  What is computed is left out while another value is
 * being computed for printing: it may be just that, wording its error. */
static bool shown_value(crp *vm, crp_word object, crpi_member *m, crp_word *out)
{
    if (m->kind == CRPI_METHOD || m->flags & (CRPI_SECRET | CRPI_PRIVATE | CRPI_WRITEONLY)) return false;
    uint32_t declared = CRPI_TYPE_CLASS(m->type);
    bool computed = m->kind == CRPI_ACCESSOR && m->row->get;
    if (computed && (vm->cells->printing || declared < CRP_INTEGER || declared > CRP_SYMBOL)) return false;
    crp_word before = vm->error;
    bool nested = vm->cells->printing;
    vm->cells->printing = true;
    crp_status st = crpi_property_get(vm, object, m, false, out);
    vm->cells->printing = nested;
    if (st) vm->error = before;
    return st == CRP_OK && is_scalar(*out);
}

static void print_properties(crp *vm, crpi_buf *out, crp_word object, const crpi_face *face)
{
    size_t start = out->length;
    for (size_t i = 0; i < face->count; i++) {
        crp_word value;
        if (!shown_value(vm, object, face->members[i], &value)) continue;
        if (out->length - start > SHOWN_OBJECT) {
            crpi_buf_text(out, " ...");
            break;
        }
        crpi_buf_byte(out, ' ');
        crpi_print(vm, out, face->members[i]->name, CRPI_READABLE, SHOWN_VALUE);
        crpi_buf_byte(out, ' ');
        crpi_print(vm, out, value, CRPI_READABLE, SHOWN_VALUE);
    }
}

static void print_name(crp *vm, crpi_buf *out, crp_word name)
{
    if (name == CRP_NIL) return;
    crpi_buf_byte(out, ' ');
    crpi_print(vm, out, name, CRPI_DISPLAY, SHOWN_VALUE);
}

static void print_members(crp *vm, crpi_buf *out, crp_word object)
{
    uint32_t id, face;
    crpi_face_of(object, &id, &face);
    crpi_class *c = vm->classes[id];
    crp_word before = vm->error;
    if (!c->ready && crpi_class_ready(vm, c)) {
        vm->error = before;
        return;
    }
    if (face && face < c->face_count) {
        crpi_buf_byte(out, ':');
        crpi_print(vm, out, c->faces[face].name, CRPI_DISPLAY, SHOWN_VALUE);
    }
    print_properties(vm, out, object, &c->faces[face]);
}

void crpi_print_object(crp *vm, crpi_buf *out, crp_word object)
{
    uint32_t id = crp_class_of(object);
    crpi_buf_text(out, "#<");
    crpi_buf_text(out, crp_class_name(vm, object));
    if (id >= vm->class_count || vm->classes[id]->hidden) {
        crpi_buf_byte(out, '>');
        return;
    }
    if (id == CRP_FUNCTION) print_name(vm, out, crpi_function_of(object)->name);
    else if (id == CRP_CLASS)
        print_name(vm, out, vm->classes[((crpi_class_object *)crp_object_of(object))->id]->name);
    else print_members(vm, out, object);
    crpi_buf_byte(out, '>');
}

/* --- secrets -------------------------------------------------------------------------------------------- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool has_word(const char *text, const char *word)
{
    for (; *text; text++) {
        size_t n = 0;
        while (word[n] && lower(text[n]) == lower(word[n])) n++;
        if (!word[n]) return true;
    }
    return false;
}

static bool says_secret(const char *text)
{
    static const char *const words[] = {"password", "passwd",     "passphrase", "secret",
                                        "token",    "credential", "apikey",     "privatekey"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(text, words[i])) return true;
    return false;
}

bool crpi_names_secret(crp *vm, const char *text)
{
    if (says_secret(text)) return true;
    for (size_t i = 0; i < vm->member_count; i++) {
        const crpi_member *m = vm->members[i];
        if (m->flags & CRPI_SECRET && has_word(text, crp_symbol_name(vm, m->name, NULL))) return true;
    }
    return false;
}

static bool is_secret(crp *vm, const crpi_class *c, const crpi_member *m)
{
    if (m->kind == CRPI_METHOD || m->flags & CRPI_WRITEONLY) return false;
    return m->flags & CRPI_SECRET || (c->script && says_secret(crp_symbol_name(vm, m->name, NULL)));
}

typedef crp_status (*add_member)(crp *, crp_word object, const crpi_class *, crpi_member *, crp_list_builder *);

static crp_status add_secret(crp *vm, crp_word object, const crpi_class *c, crpi_member *m, crp_list_builder *list)
{
    crp_word value;
    if (!is_secret(vm, c, m)) return CRP_OK;
    crp_status st = crpi_property_get(vm, object, m, true, &value);
    return st || !crp_is_string(value) ? st : crp_list_add(vm, list, value);
}

static crp_status add_setting(crp *vm, crp_word object, const crpi_class *c, crpi_member *m, crp_list_builder *list)
{
    crp_word items[2] = {m->name, CRP_NIL}, pair;
    if (m->kind == CRPI_METHOD || m->flags & (CRPI_READONLY | CRPI_PRIVATE | CRPI_WRITEONLY)) return CRP_OK;
    crp_status st = is_secret(vm, c, m) ? crp_string_z(vm, "***", &items[1])
                                        : crpi_property_get(vm, object, m, false, &items[1]);
    if (!st) st = crp_list(vm, items, 2, &pair);
    return st ? st : crp_list_add(vm, list, pair);
}

static crp_status each_member(crp *vm, crp_word object, add_member add, crp_word *out)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    object = crpi_unview(object);
    crpi_class *c = crpi_class_by_id(vm, crp_class_of(object));
    crp_status st = crpi_class_ready(vm, c);
    for (size_t i = 0; !st && i < c->face_count; i++)
        for (size_t k = 0; !st && k < c->faces[i].count; k++) st = add(vm, object, c, c->faces[i].members[k], &list);
    *out = list.first;
    return st;
}

crp_status crp_secrets(crp *vm, crp_word object, crp_word *list) { return each_member(vm, object, add_secret, list); }
crp_status crp_settings(crp *vm, crp_word object, crp_word *list) { return each_member(vm, object, add_setting, list); }
