/* floor 4: argument lists, and the Functions of natives.
 *
 * A signature is what a caller's arguments are checked against.  It comes from the notation of the manual,
 * read by the one reader, whether it stands in a script or in a native's row.  A row's is parsed when
 * somebody first asks, and kept by row, so all Functions of one row share it.
 */
#include "class.h"

#include <string.h>
#include "cells.h"
#include "printer.h"
#include "reader.h"
#include "value.h"

/* --- argument lists ------------------------------------------------------------------------------------- */

static crp_status bad_parameter(crp *vm, crp_word form)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                     "an argument is declared as name, (name Class), (name Class default) or ..., given %v",
                     form);
}

static crp_status check_parameter_name(crp *vm, crp_word name, crp_word form)
{
    if (!crp_is_symbol(name)) return bad_parameter(vm, form);
    if (name == CRP_TRUE || name == CRPI_WORD_OF(NIL) || name == CRPI_WORD_OF(THIS) ||
        strchr(crp_symbol_name(vm, name, NULL), ':'))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p cannot be the name of an argument", name);
    return CRP_OK;
}

/* A native's class may be written A|B. */
static crp_status native_types(crp *vm, crp_word name, crpi_parameter *p)
{
    size_t length;
    const char *text = crp_symbol_name(vm, name, &length), *bar = memchr(text, '|', length);
    size_t first = bar ? (size_t)(bar - text) : length;
    crp_status st = crpi_type_of_text(vm, text, first, &p->type);
    p->other = p->type;
    if (!st && bar) st = crpi_type_of_text(vm, bar + 1, length - first - 1, &p->other);
    return st;
}

/* A native's default is a constant: it is what the argument will be, so it must be of the class. */
static crp_status native_default(crp *vm, crpi_parameter *p)
{
    crp_word question;
    if (crpi_symbol_find(&vm->symbols, "?", 1, &question) && p->start == question) {
        p->start = CRP_UNSET;
        return CRP_OK;
    }
    if (p->start == CRPI_WORD_OF(NIL)) p->start = CRP_NIL;
    return crpi_check_parameter(vm, p, &p->start, "default of argument", p->name);
}

static crp_status read_parameter(crp *vm, crp_word form, bool native, crpi_parameter *p)
{
    *p = (crpi_parameter){.name = form, .start = CRP_UNSET};
    if (!crp_is_pair(form)) return check_parameter_name(vm, form, form);
    p->name = crp_head(form);
    crp_status st = check_parameter_name(vm, p->name, form);
    crp_word rest = crp_tail(form);
    if (st || !crp_is_pair(rest)) return st ? st : bad_parameter(vm, form);
    crp_word class_name = crp_head(rest);
    if (native && crp_is_symbol(class_name)) st = native_types(vm, class_name, p);
    else {
        st = crpi_type_named(vm, class_name, &p->type);
        p->other = p->type;
    }
    rest = crp_tail(rest);
    if (st || rest == CRP_NIL) return st;
    if (!crp_is_pair(rest) || crp_tail(rest) != CRP_NIL) return bad_parameter(vm, form);
    p->optional = true;
    p->start = crp_head(rest);
    return native ? native_default(vm, p) : CRP_OK;
}

static crp_status bare_class(crp *vm, const crpi_signature *s, crp_word class_name)
{
    crp_word name = s->count ? s->parameters[s->count - 1].name : CRP_NIL;
    if (name == CRP_NIL)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p is a class; an argument with its class is (name %p)", class_name,
                         class_name);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "an argument and its class stand in brackets of their own: (%p %p)", name,
                     class_name);
}

static crp_status add_parameter(crp *vm, crpi_signature *s, crp_word form, bool native)
{
    crpi_parameter *p = &s->parameters[s->count];
    if (s->rest)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "... must be the last argument, but %v follows",
                         form);
    if (form == CRPI_WORD_OF(ELLIPSIS)) {
        s->rest = true;
        return CRP_OK;
    }
    crp_status st = !native && crpi_names_value_class(vm, form) ? bare_class(vm, s, form) : read_parameter(vm, form, native, p);
    if (st) return st;
    for (uint16_t i = 0; i < s->count; i++)
        if (s->parameters[i].name == p->name)
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "two arguments are called %p", p->name);
    if (!p->optional && s->required < s->count)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                         "argument %p needs a default too: one before it, %p, has one", p->name,
                         s->parameters[s->count - 1].name);
    s->count++;
    if (!p->optional) s->required = s->count;
    return CRP_OK;
}

static crp_status read_result(crp *vm, crp_word name, bool native, crpi_type *out)
{
    *out = name == CRP_NIL ? CRPI_TYPE(CRP_OBJECT, 0) : CRPI_NO_RESULT;
    if (name == CRP_NIL || name == CRPI_WORD_OF(NIL)) return CRP_OK;
    if (!native || !crp_is_symbol(name)) return crpi_type_named(vm, name, out);
    size_t length;
    const char *text = crp_symbol_name(vm, name, &length);
    return crpi_type_of_text(vm, text, length, out);
}

/* How many there are; -1: no List, or more than a function may have. */
static int count_parameters(crp_word forms)
{
    int n = 0;
    for (; crp_is_pair(forms) && n <= CRPI_MAX_PARAMETERS; forms = crp_tail(forms)) n++;
    return forms == CRP_NIL && n <= CRPI_MAX_PARAMETERS ? n : -1;
}

static crp_status make_signature(crp *vm, crp_word result, crp_word parameters, bool native,
                                 crpi_signature **out)
{
    int n = count_parameters(parameters);
    if (n < 0)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                         "expected a List of arguments, as in (x (n Integer)), at most %d; given %v",
                         (int)CRPI_MAX_PARAMETERS, parameters);
    size_t bytes = sizeof(crpi_signature) + (size_t)n * sizeof(crpi_parameter);
    crpi_signature *s = crp_alloc(vm, bytes);
    if (!s) return CRP_E_NOMEM;
    memset(s, 0, bytes);
    s->bytes = bytes;
    crp_status st = read_result(vm, result, native, &s->result);
    for (; !st && parameters != CRP_NIL; parameters = crp_tail(parameters))
        st = add_parameter(vm, s, crp_head(parameters), native);
    if (st) crpi_signature_free(vm, s);
    else *out = s;
    return st;
}

/* --- shapes --------------------------------------------------------------------------------------------- */

static bool shape_is(const crpi_shape *shape, const crpi_signature *s)
{
    if (shape->count != s->count) return false;
    for (uint16_t i = 0; i < s->count; i++)
        if (shape->types[i] != s->parameters[i].type) return false;
    return true;
}

static bool has_shape(const crpi_signature *s)
{
    if (crpi_signature_varies(s) || s->count > CRPI_MAX_SHAPED) return false;
    for (uint16_t i = 0; i < s->count; i++)
        if (s->parameters[i].type) return true;
    return false;
}

/* Signatures that declare the same classes have the same shape.  There are few; when the numbers are used up, or there is no
 * memory, further ones have none, and their arguments are checked by each call. */
static uint8_t shape_of(crp *vm, const crpi_signature *s)
{
    crpi_cells *c = vm->cells;
    if (!has_shape(s)) return 0;
    for (size_t i = 0; i < c->shape_count; i++)
        if (shape_is(&c->shapes[i], s)) return (uint8_t)(i + 1);
    if (c->shape_count == CRPI_MAX_SHAPES ||
        !crpi_mem_grow(&vm->mem, &c->shapes, &c->shape_capacity, c->shape_count + 1, sizeof *c->shapes))
        return 0;
    crpi_shape *shape = &c->shapes[c->shape_count++];
    shape->count = (uint8_t)s->count;
    for (uint16_t i = 0; i < s->count; i++) shape->types[i] = s->parameters[i].type;
    return (uint8_t)c->shape_count;
}

crp_status crpi_signature_new(crp *vm, crp_word result_class, crp_word parameters, crpi_signature **out)
{
    crp_status st = make_signature(vm, result_class, parameters, false, out);
    if (!st) (*out)->shape = shape_of(vm, *out);
    return st;
}

crp_status crpi_signature_parse(crp *vm, const char *spec, crpi_signature **out)
{
    crpi_reader reader;
    crp_word forms = CRP_NIL;
    crpi_reader_init(&reader, vm, "signature", spec, strlen(spec), NULL);
    crp_status st = crpi_read_all(&reader, &forms);
    if (st) return st;
    if (!crp_is_pair(forms))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_MISSING, "a signature begins with the class of the result");
    return make_signature(vm, crp_head(forms), crp_tail(forms), true, out);
}

void crpi_signature_free(crp *vm, crpi_signature *s)
{
    if (s) crp_free_bytes(vm, s, s->bytes);
}

void crpi_signature_mark(const crpi_signature *s, crp *vm, crp_marker mark)
{
    for (uint16_t i = 0; i < s->count; i++) mark(vm, s->parameters[i].start);
}

/* Also where the class has been defined anew meanwhile and got a number of its own. */
static bool same_type(crp *vm, crpi_type a, crpi_type b)
{
    if (a == b || a == CRPI_NO_RESULT || b == CRPI_NO_RESULT) return a == b;
    return CRPI_TYPE_FACE(a) == CRPI_TYPE_FACE(b) && vm->classes[CRPI_TYPE_CLASS(a)]->name == vm->classes[CRPI_TYPE_CLASS(b)]->name;
}

bool crpi_signature_same(crp *vm, const crpi_signature *a, const crpi_signature *b)
{
    if (!same_type(vm, a->result, b->result) || a->count != b->count || a->required != b->required || a->rest != b->rest)
        return false;
    for (uint16_t i = 0; i < a->count; i++)
        if (!same_type(vm, a->parameters[i].type, b->parameters[i].type) ||
            !same_type(vm, a->parameters[i].other, b->parameters[i].other))
            return false;
    return true;
}

static void print_parameter(crp *vm, crpi_buf *out, const crpi_parameter *p)
{
    const char *name = crp_symbol_name(vm, p->name, NULL);
    bool rest = p->name == CRPI_WORD_OF(ELLIPSIS); /* a macro gets its further arguments as one */
    if (rest || (p->type == 0 && !p->optional)) {
        crpi_buf_text(out, name);
        return;
    }
    crpi_buf_format(out, "(%s ", name);
    crpi_type_name(vm, out, p->type);
    if (p->other != p->type) {
        crpi_buf_byte(out, '|');
        crpi_type_name(vm, out, p->other);
    }
    if (p->optional) {
        crpi_buf_byte(out, ' ');
        if (p->start == CRP_UNSET) crpi_buf_byte(out, '?');
        else crpi_print(vm, out, p->start, CRPI_READABLE, 60);
    }
    crpi_buf_byte(out, ')');
}

void crpi_signature_print_call(crp *vm, crpi_buf *out, const char *name, const crpi_signature *s)
{
    crpi_buf_format(out, "(%s", name);
    for (uint16_t i = 0; i < s->count; i++) {
        crpi_buf_byte(out, ' ');
        print_parameter(vm, out, &s->parameters[i]);
    }
    crpi_buf_text(out, s->rest ? " ...)" : ")");
}

void crpi_signature_print(crp *vm, crpi_buf *out, const char *name, const crpi_signature *s)
{
    crpi_signature_print_call(vm, out, name, s);
    crpi_buf_text(out, " -> ");
    if (s->result == CRPI_NO_RESULT) crpi_buf_text(out, "()");
    else crpi_type_name(vm, out, s->result);
}

/* --- the Functions of rows ------------------------------------------------------------------------------ */

typedef struct crpi_row_signature {
    const crp_method *row; /* NULL: free */
    crpi_signature *signature;
} crpi_row_signature;

static crpi_row_signature *row_slot(crpi_row_signature *slots, size_t capacity, const crp_method *row)
{
    size_t mask = capacity - 1;
    for (size_t i = ((uintptr_t)row >> 3) * 2654435761u & mask;; i = (i + 1) & mask)
        if (slots[i].row == row || !slots[i].row) return &slots[i];
}

static bool grow_rows(crp *vm, crpi_cells *c)
{
    size_t wider = c->signature_capacity ? c->signature_capacity * 2 : 64;
    crpi_row_signature *slots = crpi_mem_alloc(&vm->mem, wider * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, wider * sizeof *slots);
    for (size_t i = 0; i < c->signature_capacity; i++)
        if (c->signatures[i].row) *row_slot(slots, wider, c->signatures[i].row) = c->signatures[i];
    crpi_mem_free(&vm->mem, c->signatures, c->signature_capacity * sizeof *c->signatures);
    c->signatures = slots;
    c->signature_capacity = wider;
    return true;
}

static crp_status signature_of_row(crp *vm, const crp_method *row, crpi_signature **out)
{
    crpi_cells *c = vm->cells;
    if (c->signature_count * 2 >= c->signature_capacity && !grow_rows(vm, c)) return crp_no_memory(vm);
    crpi_row_signature *slot = row_slot(c->signatures, c->signature_capacity, row);
    if (!slot->row) {
        crp_status st = crpi_signature_parse(vm, row->spec, out);
        if (st) return st;
        *slot = (crpi_row_signature){row, *out};
        c->signature_count++;
    }
    *out = slot->signature;
    return CRP_OK;
}

void crpi_signatures_mark(crp *vm, crp_marker mark)
{
    const crpi_cells *c = vm->cells;
    for (size_t i = 0; i < c->signature_capacity; i++)
        if (c->signatures[i].row) crpi_signature_mark(c->signatures[i].signature, vm, mark);
}

void crpi_signatures_free(crp *vm)
{
    crpi_cells *c = vm->cells;
    for (size_t i = 0; i < c->signature_capacity; i++) crpi_signature_free(vm, c->signatures[i].signature);
    crpi_mem_free(&vm->mem, c->signatures, c->signature_capacity * sizeof *c->signatures);
    crpi_mem_free(&vm->mem, c->shapes, c->shape_capacity * sizeof *c->shapes);
    c->shapes = NULL;
    c->signatures = NULL;
    c->signature_count = c->signature_capacity = 0;
}

crp_status crpi_native_function(crp *vm, const crp_method *row, crp_word *out)
{
    crp_word name = CRP_NIL;
    crp_status st = row->name ? crp_symbol(vm, row->name, strlen(row->name), &name) : CRP_OK;
    if (st) return st;
    crpi_function *f = crpi_new(vm, CRP_FUNCTION, sizeof *f);
    if (!f) return CRP_E_NOMEM;
    f->h.aux = CRPI_FN_NATIVE;
    f->row = row;
    f->name = name;
    *out = crp_from_object(f);
    return CRP_OK;
}

crp_status crpi_native_signature(crp *vm, crpi_function *f, const crpi_signature **out)
{
    if (!f->signature) {
        crpi_signature *s = NULL;
        crp_status st = signature_of_row(vm, f->row, &s);
        if (st) {
            crp_error_prefix(vm, "signature of %p: ", f->name);
            return st;
        }
        f->signature = s;
        if (crpi_signature_varies(s)) f->h.aux |= CRPI_FN_VARIES;
    }
    *out = f->signature;
    return CRP_OK;
}
