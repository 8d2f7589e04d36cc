/* The classes there are, what a native definition becomes, and new objects.
 *
 * Registering a native class costs a row in the table and its name.  Only when one of its members is first
 * looked for are its rows turned into members: their classes may be registered later than itself.  The
 * built-in value classes are there from the start under fixed numbers; their libraries give them a
 * definition, or rows of methods.
 */
#include "class.h"

#include <string.h>
#include "cells.h"
#include "reader.h"
#include "value.h"

static const char *const fixed_names[] = {
    "Object", "Integer",    "Real",      "String", "Symbol",   "List",    "Binary",
    "Buffer", "Array",      "HashTable", "Error",  "Function", "Class",   "Reference",
    "Stream", "Time", "(variable)", "(code)",    "(view)", "(task)",   "(block)", "(calls)", "(zone)", "CommsModule",
};
_Static_assert(sizeof fixed_names / sizeof *fixed_names == CRPI_COMMS_MODULE + 1,
               "a name for each fixed number");

/* --- the table of classes ------------------------------------------------------------------------------- */

static crp_status add_class(crp *vm, crp_word name, crpi_class **out)
{
    if (vm->class_count >= CRPI_MAX_CLASSES)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d classes: %p is one too many",
                         (int)CRPI_MAX_CLASSES, name);
    uint32_t id = (uint32_t)vm->class_count;
    crpi_class_object *object = crpi_new(vm, CRP_CLASS, sizeof *object);
    if (!object) return CRP_E_NOMEM;
    object->id = id;
    if (!crpi_mem_grow(&vm->mem, &vm->classes, &vm->class_capacity, vm->class_count + 1,
                       sizeof *vm->classes) ||
        (id >= vm->heap.kind_count && !crpi_heap_kind(&vm->heap, id, (crpi_kind){NULL, NULL})))
        return crp_no_memory(vm);
    crpi_class *c = crp_alloc(vm, sizeof *c);
    if (!c) return CRP_E_NOMEM;
    memset(c, 0, sizeof *c);
    c->object = &object->h;
    c->name = name;
    c->id = c->type_id = id;
    c->clauses = CRP_NIL;
    c->creator = CRP_UNSET;
    c->major = 1;
    vm->classes[vm->class_count++] = *out = c;
    return CRP_OK;
}

crpi_class *crpi_class_named(crp *vm, crp_word symbol)
{
    if (symbol == vm->classes[CRP_OBJECT]->name) return vm->classes[CRP_OBJECT];
    const crpi_name *name = crpi_name_find(vm, symbol);
    return name && name->class_id ? vm->classes[name->class_id] : NULL;
}

bool crpi_names_value_class(crp *vm, crp_word symbol)
{
    const crpi_class *class = crp_is_symbol(symbol) ? crpi_class_named(vm, symbol) : NULL;
    return class && class->id < CRP_FIRST_FREE_CLASS;
}

/* A class under a name that no class has, or whose class it takes over. */
crp_status crpi_class_add(crp *vm, crp_word symbol, crpi_class **out)
{
    crpi_name *name;
    crp_status st = crpi_name_make(vm, symbol, &name);
    if (!st) st = add_class(vm, symbol, out);
    if (st) return st;
    if (name->class_id) (*out)->type_id = vm->classes[name->class_id]->type_id;
    name->class_id = (*out)->id;
    return CRP_OK;
}

crp_status crpi_class_reserve(crp *vm, crp_word symbol)
{
    crpi_class *c = crpi_class_named(vm, symbol);
    return c ? CRP_OK : crpi_class_add(vm, symbol, &c);
}

uint32_t crp_class_id(crp *vm, const char *name)
{
    crp_word symbol;
    if (!crpi_symbol_find(&vm->symbols, name, strlen(name), &symbol)) return CRP_OBJECT;
    const crpi_class *c = crpi_class_named(vm, symbol);
    return c && c->defined ? c->id : CRP_OBJECT;
}

const crp_class_def *crp_class_definition(crp *vm, crp_word w)
{
    return crp_is_object(w) ? vm->classes[crp_class_of(w)]->def : NULL;
}

/* Errors name classes even before there are any. */
const char *crp_class_name(crp *vm, crp_word w)
{
    uint32_t id = crp_class_of(w);
    return id < vm->class_count ? crp_symbol_name(vm, vm->classes[id]->name, NULL) : fixed_names[id];
}

void crpi_face_of(crp_word w, uint32_t *class_id, uint32_t *face)
{
    *class_id = crp_class_of(w);
    *face = crp_is_a(w, CRP_VIEW) ? ((crpi_view *)crp_object_of(w))->face : 0;
}

/* --- what the collector must know ----------------------------------------------------------------------- */

static crp_word *word_at(crp_object *o, uint32_t offset) { return (crp_word *)(void *)((char *)o + offset); }

static void mark_native(crp *vm, crp_object *o, crp_marker mark)
{
    const crp_class_def *def = vm->classes[o->class_id]->def;
    for (const crp_property *row = def->properties; row && row->name; row++)
        if (row->offset) mark(vm, *word_at(o, row->offset));
    if (def->mark) def->mark(vm, o, mark);
}

static void mark_instance(crp *vm, crp_object *o, crp_marker mark)
{
    const crpi_instance *i = (crpi_instance *)o;
    for (uint32_t n = vm->classes[o->class_id]->slots; n > 0; n--) mark(vm, i->slots[n - 1]);
}

static void mark_function(crp *vm, crp_object *o, crp_marker mark)
{
    const crpi_function *f = (crpi_function *)o;
    if (f->proto) mark(vm, crp_from_object(f->proto));
    for (uint32_t i = 0; i < f->capture_count; i++) mark(vm, f->captures[i]);
}

static void mark_view(crp *vm, crp_object *o, crp_marker mark) { mark(vm, ((crpi_view *)o)->object); }

static void mark_class(crp *vm, const crpi_class *c, crp_marker mark)
{
    mark(vm, crp_from_object(c->object));
    mark(vm, c->clauses);
    mark(vm, c->creator);
    for (uint32_t i = 0; c->starts && i < c->slots; i++) mark(vm, c->starts[i]);
    for (size_t i = 0; i < c->face_count; i++) mark(vm, c->faces[i].clauses);
}

static void mark_classes(crp *vm, crp_marker mark)
{
    for (size_t i = 0; i < vm->class_count; i++) mark_class(vm, vm->classes[i], mark);
    for (size_t i = 0; i < vm->member_count; i++) {
        const crpi_member *m = vm->members[i];
        mark(vm, m->start);
        mark(vm, m->function);
        mark(vm, m->declared);
        mark(vm, m->id);
    }
}

crp_status crpi_script_kind(crp *vm, uint32_t class_id, bool has_slots)
{
    crpi_kind kind = {has_slots ? mark_instance : NULL, NULL};
    return crpi_heap_kind(&vm->heap, class_id, kind) ? CRP_OK : crp_no_memory(vm);
}

/* Those of floor 3 have told the collector of their classes themselves. */
static bool native_kind(crp *vm, uint32_t id, const crp_class_def *def)
{
    const crpi_kind *known = &vm->heap.kinds[id];
    if (def->instance_size == 0 || known->mark || known->drop) return true;
    bool holds_words = def->mark != NULL;
    for (const crp_property *row = def->properties; row && row->name; row++) holds_words |= row->offset != 0;
    return crpi_heap_kind(&vm->heap, id, (crpi_kind){holds_words ? mark_native : NULL, def->drop});
}

/* --- native classes ------------------------------------------------------------------------------------- */

static crp_status check_definition(crp *vm, const crp_class_def *def)
{
    if (def->size < sizeof *def)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                         "the definition of class %s is of another version", def->name);
    if (def->instance_size && (def->instance_size < sizeof(crp_object) || def->instance_size > CRPI_MAX_CELL))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE,
                         "objects of class %s: expected %zu to %d bytes, given %u", def->name,
                         sizeof(crp_object), (int)CRPI_MAX_CELL, def->instance_size);
    for (const crp_property *row = def->properties; row && row->name; row++)
        if (row->offset &&
            (row->offset < sizeof(crp_object) || row->offset + sizeof(crp_word) > def->instance_size))
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE,
                             "property %s of class %s lies outside the object", row->name, def->name);
    return CRP_OK;
}

/* The class that the definition is for: a built-in one without a definition yet, one that was only named, or
 * new. */
static crp_status class_for(crp *vm, const char *text, crpi_class **out)
{
    crp_word symbol;
    crp_status st = crp_symbol(vm, text, strlen(text), &symbol);
    if (st) return st;
    *out = crpi_class_named(vm, symbol);
    if (!*out) return crpi_class_add(vm, symbol, out);
    if (!(*out)->defined || ((*out)->id <= CRPI_COMMS_MODULE && !(*out)->def)) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the class %s is defined already", text);
}

static crp_status add_other_name(crp *vm, const char *text, const crpi_class *c)
{
    crp_word symbol;
    crpi_name *name = NULL;
    crp_status st = crp_symbol(vm, text, strlen(text), &symbol);
    if (!st) st = crpi_name_make(vm, symbol, &name);
    if (st) return st;
    if (name->class_id && name->class_id != c->id)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the class %s is defined already", text);
    name->class_id = c->id;
    return CRP_OK;
}

static size_t blank_size(const crpi_class *c) { return c->def->instance_size - sizeof(crp_object); }

static void forget_faces(crp *vm, crpi_class *c)
{
    for (size_t i = 0; i < c->face_count; i++) crpi_face_free(vm, &c->faces[i]);
    crp_free_bytes(vm, c->faces, c->face_count * sizeof *c->faces);
    if (c->blank) crp_free_bytes(vm, c->blank, blank_size(c));
    c->blank = NULL;
    c->faces = NULL;
    c->face_count = 0;
}

crp_status crp_define_class(crp *vm, const crp_class_def *def, uint32_t *class_id)
{
    uint32_t known = crp_class_id(vm, def->name);
    if (known && vm->classes[known]->def == def) {
        *class_id = known;
        return CRP_OK;
    }
    crpi_class *c = NULL;
    crp_status st = check_definition(vm, def);
    if (!st) st = class_for(vm, def->name, &c);
    if (!st && def->other_name) st = add_other_name(vm, def->other_name, c);
    if (!st && !native_kind(vm, c->id, def)) st = crp_no_memory(vm);
    if (st) return st;
    forget_faces(vm, c);
    c->ready = false;
    c->def = def;
    c->defined = true;
    vm->epoch++;
    *class_id = c->id;
    return CRP_OK;
}

/* The start value as it was written; () when it says NIL. */
static crp_status read_start(crp *vm, const crp_property *row, crpi_member *m)
{
    crpi_reader reader;
    bool end = false;
    m->start = CRP_NIL;
    crpi_reader_init(&reader, vm, row->name, row->start, strlen(row->start), NULL);
    crp_status st = crpi_read(&reader, &m->start, NULL, &end);
    if (st) return st;
    if (m->start == CRPI_WORD_OF(NIL)) m->start = CRP_NIL;
    return crpi_check_type(vm, m->type, &m->start, "start value of property", m->name);
}

static crp_status fill_property(crp *vm, const crp_property *row, crpi_member *m)
{
    m->row = row;
    m->offset = row->offset;
    if (!(row->flags & CRP_WRITE)) m->flags |= CRPI_READONLY;
    if (!(row->flags & CRP_READ)) m->flags |= CRPI_WRITEONLY;
    if (row->flags & CRP_SECRET) m->flags |= CRPI_SECRET;
    crp_status st = crpi_type_of_text(vm, row->class_name, strlen(row->class_name), &m->type);
    if (st) return st;
    if (row->start) return read_start(vm, row, m);
    m->start = crpi_start_value(vm, m->type);
    return m->start == CRP_UNSET ? CRP_E_NOMEM : CRP_OK;
}

static crp_status add_property_row(crp *vm, crpi_class *c, const crp_property *row)
{
    crp_word name;
    crpi_member *m;
    bool plain =
        !row->get && !row->set && row->offset && row->flags & CRP_READ; /* call sites read a slot unasked */
    crp_status st = crp_symbol(vm, row->name, strlen(row->name), &name);
    if (!st) st = crpi_member_new(vm, c, name, plain ? CRPI_SLOT : CRPI_ACCESSOR, &m);
    if (!st) st = fill_property(vm, row, m);
    return st ? st : crpi_face_add(vm, &c->faces[0], m);
}

static crp_status add_method_rows(crp *vm, crpi_class *c, const crp_method *row)
{
    for (; row && row->name; row++) {
        crp_word function;
        crpi_member *m;
        crp_status st = crpi_native_function(vm, row, &function);
        if (!st) st = crpi_member_new(vm, c, crpi_function_of(function)->name, CRPI_METHOD, &m);
        if (st) return st;
        m->method = row;
        m->function = function;
        st = crpi_face_add(vm, &c->faces[0], m);
        if (st) return st;
    }
    return CRP_OK;
}

static crp_status fill_face(crp *vm, crpi_class *c)
{
    crp_status st = CRP_OK;
    for (const crp_property *row = c->def ? c->def->properties : NULL; !st && row && row->name; row++)
        st = add_property_row(vm, c, row);
    if (!st && c->def) st = add_method_rows(vm, c, c->def->methods);
    for (size_t i = 0; !st && i < c->more_count; i++) st = add_method_rows(vm, c, c->more[i]);
    return st;
}

crp_status crpi_class_ready(crp *vm, crpi_class *c)
{
    if (c->ready) return CRP_OK;
    if (!c->defined)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "the class %p is named, but not defined yet",
                         c->name);
    size_t members = vm->member_count;
    c->faces = crp_alloc(vm, sizeof *c->faces);
    if (!c->faces) return CRP_E_NOMEM;
    c->faces[0] = (crpi_face){.name = CRP_NIL, .clauses = CRP_NIL};
    c->face_count = 1;
    crp_status st = fill_face(vm, c);
    if (st) {
        forget_faces(vm, c);
        for (size_t i = members; i < vm->member_count; i++) vm->members[i]->owner = NULL;
        crpi_members_cut(vm, members);
        crp_error_prefix(vm, "class %p: ", c->name);
        return st;
    }
    c->ready = true;
    return CRP_OK;
}

crp_status crp_define_class_methods(crp *vm, uint32_t class_id, const crp_method *rows)
{
    crpi_class *c = vm->classes[class_id];
    if (c->script) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the class %p is a script's", c->name);
    if (!crpi_mem_grow(&vm->mem, &c->more, &c->more_capacity, c->more_count + 1, sizeof *c->more))
        return crp_no_memory(vm);
    if (c->ready) {
        crp_status st = add_method_rows(vm, c, rows);
        if (st) return st;
        vm->epoch++;
    }
    c->more[c->more_count++] = rows;
    return CRP_OK;
}

/* --- objects -------------------------------------------------------------------------------------------- */

static crp_status new_instance(crp *vm, const crpi_class *c, crp_word *out)
{
    crpi_instance *o = crpi_new(vm, c->id, sizeof *o + c->slots * sizeof *o->slots);
    if (!o) return CRP_E_NOMEM;
    *out = crp_from_object(o);
    for (uint32_t i = 0; i < c->slots; i++) {
        crp_word start = c->starts[i];
        crp_status st = CRP_OK;
        if (crp_is_a(start, CRP_BINARY)) st = crpi_start_copy(vm, start, &o->slots[i]);
        else o->slots[i] = start;
        if (st) return st;
    }
    return CRP_OK;
}

/* Where all start values can be shared, a new object is a copy of a blank one.  False: there is none. */
static bool make_blank(crp *vm, crpi_class *c)
{
    const crpi_face *face = &c->faces[0];
    if (c->blank || blank_size(c) == 0) return c->blank != NULL;
    for (size_t i = 0; i < face->count; i++)
        if (face->members[i]->offset && crp_is_a(face->members[i]->start, CRP_BINARY)) return false;
    if (!(c->blank = crp_alloc(vm, blank_size(c)))) {
        crp_clear_error(vm);
        return false;
    }
    memset(c->blank, 0, blank_size(c));
    for (size_t i = 0; i < face->count; i++)
        if (face->members[i]->offset)
            memcpy((char *)c->blank + face->members[i]->offset - sizeof(crp_object), &face->members[i]->start, sizeof(crp_word));
    return true;
}

static crp_status new_native(crp *vm, crpi_class *c, crp_word *out)
{
    crp_status st = crpi_class_ready(vm, c);
    if (st) return st;
    crp_object *o = crpi_new(vm, c->id, c->def->instance_size);
    if (!o) return CRP_E_NOMEM;
    *out = crp_from_object(o);
    if (make_blank(vm, c)) {
        memcpy(o + 1, c->blank, blank_size(c));
        return CRP_OK;
    }
    const crpi_face *face = &c->faces[0];
    for (size_t i = 0; !st && i < face->count; i++)
        if (face->members[i]->offset)
            st = crpi_start_copy(vm, face->members[i]->start, word_at(o, face->members[i]->offset));
    return st;
}

crp_status crp_new_object(crp *vm, uint32_t class_id, crp_word *out)
{
    crpi_class *c = vm->classes[class_id];
    *out = CRP_NIL;
    if (!c->defined) return crpi_class_ready(vm, c);
    if (c->script) return new_instance(vm, c, out);
    if (c->def && c->def->instance_size) return new_native(vm, c, out);
    if (c->def && c->def->creator) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "no object of class %p can be created", c->name);
}

crp_status crpi_creator(crp *vm, uint32_t class_id, crp_word *function)
{
    crpi_class *c = vm->classes[class_id];
    *function = c->creator;
    if (c->creator != CRP_UNSET) return CRP_OK;
    if (c->constructor) {
        *function = c->constructor->function;
        if (*function != CRP_UNSET) return CRP_OK;
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_MISSING,
                         "the constructor of class %p is declared, but not defined: (defun NIL %p::%p %v ...) does it",
                         c->name, c->name, c->name, c->constructor->declared);
    }
    if (!c->def || !c->def->creator) return CRP_OK;
    crp_status st = crpi_native_function(vm, c->def->creator, &c->creator);
    if (st) return st;
    crpi_function_of(c->creator)->name = c->name;
    *function = c->creator;
    return CRP_OK;
}

/* --- life ----------------------------------------------------------------------------------------------- */

/* What stands under a fixed number is there from the start; the last one is CommsModule. */
static crp_status add_fixed(crp *vm, uint32_t id)
{
    crp_word name;
    crpi_class *c = NULL;
    bool hidden = id >= CRP_BOX && id < CRP_FIRST_FREE_CLASS;
    crp_status st = crp_symbol(vm, fixed_names[id], strlen(fixed_names[id]), &name);
    if (!st) st = hidden || id == CRP_OBJECT ? add_class(vm, name, &c) : crpi_class_add(vm, name, &c);
    if (st) return st;
    c->defined = true;
    c->hidden = hidden;
    c->value_class = id == CRP_INTEGER || id == CRP_REAL || id == CRP_STRING || id == CRP_BINARY;
    return CRP_OK;
}

bool crpi_classes_init(crp *vm)
{
    if (!crpi_heap_roots(&vm->heap, mark_classes) ||
        !crpi_heap_kind(&vm->heap, CRP_FUNCTION, (crpi_kind){mark_function, NULL}) ||
        !crpi_heap_kind(&vm->heap, CRP_CLASS, (crpi_kind){NULL, NULL}) ||
        !crpi_heap_kind(&vm->heap, CRP_VIEW, (crpi_kind){mark_view, NULL}))
        return false;
    for (uint32_t id = 0; id <= CRPI_COMMS_MODULE; id++)
        if (add_fixed(vm, id)) return false;
    return true;
}

void crpi_classes_free(crp *vm)
{
    for (size_t i = 0; i < vm->class_count; i++) {
        crpi_class *c = vm->classes[i];
        forget_faces(vm, c);
        crp_free_bytes(vm, c->starts, c->slots * sizeof *c->starts);
        crp_free_bytes(vm, c->more, c->more_capacity * sizeof *c->more);
        crp_free_bytes(vm, c, sizeof *c);
    }
    crp_free_bytes(vm, vm->classes, vm->class_capacity * sizeof *vm->classes);
    for (size_t i = 0; i < vm->member_count; i++) crp_free_bytes(vm, vm->members[i], sizeof *vm->members[i]);
    crp_free_bytes(vm, vm->members, vm->member_capacity * sizeof *vm->members);
    vm->classes = NULL;
    vm->members = NULL;
    vm->class_count = vm->class_capacity = vm->member_count = vm->member_capacity = 0;
}
