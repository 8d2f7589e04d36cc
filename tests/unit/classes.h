/* A bare interpreter with cells and classes, for the tests of floor 4. */
#ifndef CARAPACE_TESTS_CLASSES_H
#define CARAPACE_TESTS_CLASSES_H

#include "bare.h"
#include "cells.h"
#include "class.h"
#include "reader.h"

static crp *vm;

/* Brings the class floor's printing along, so that it takes the place of the plain one in bare.h. */
__attribute__((used)) static crp_status (*const with_class_info)(crp *, crpi_class *, crp_word *) = crpi_class_info;

static inline void classes_open(void)
{
    vm = bare_open();
    ck_assert(crpi_cells_init(vm));
    ck_assert(crpi_classes_init(vm));
}

static inline void classes_close(void)
{
    crpi_classes_free(vm);
    crpi_cells_free(vm);
    bare_close(vm);
}

/* The first form of a text. */
static inline crp_word form(const char *text)
{
    crpi_reader reader;
    crp_word w = CRP_NIL;
    bool end = false;
    crpi_reader_init(&reader, vm, "test", text, strlen(text), NULL);
    ck_assert_int_eq(crpi_read(&reader, &w, NULL, &end), CRP_OK);
    return w;
}

/* A value as source text. */
static inline const char *shown(crp_word w)
{
    static char text[8][4000];
    static int turn;
    char *out = text[turn++ % 8];
    crpi_buf b;
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_print(vm, &b, w, CRPI_READABLE, 0);
    snprintf(out, sizeof text[0], "%.*s", (int)b.length, b.bytes ? b.bytes : "");
    crpi_buf_free(&b);
    return out;
}

static inline const char *signature_text(const char *name, const crpi_signature *s)
{
    static char text[2000];
    crpi_buf b;
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_signature_print(vm, &b, name, s);
    snprintf(text, sizeof text, "%.*s", (int)b.length, b.bytes);
    crpi_buf_free(&b);
    return text;
}

static inline crpi_class *class_named(const char *name)
{
    return crpi_class_named(vm, bare_symbol(vm, name));
}

static inline crpi_type type(const char *name)
{
    crpi_type t = 0;
    ck_assert_int_eq(crpi_type_named(vm, bare_string(vm, name), &t), CRP_OK);
    return t;
}

/* The `class` form is accepted. */
static inline crpi_class *define(const char *text)
{
    crp_word class_word = CRP_NIL;
    crp_status st = crpi_class_define(vm, form(text), &class_word);
    ck_assert_msg(st == CRP_OK, "%s", bare_error(vm));
    return vm->classes[((crpi_class_object *)crp_object_of(class_word))->id];
}

/* The `class` form is refused, with this error. */
static inline void refused(const char *text, const char *error)
{
    crp_word class_word = CRP_NIL;
    crp_clear_error(vm);
    size_t members = vm->member_count;
    ck_assert_int_ne(crpi_class_define(vm, form(text), &class_word), CRP_OK);
    ck_assert_str_eq(bare_error(vm), error);
    ck_assert_uint_eq(vm->member_count, members);
}

static inline crp_word object(crpi_class *c)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_new_object(vm, c->id, &w), CRP_OK);
    return w;
}

static inline crpi_member *member(crpi_class *c, uint32_t face, const char *name)
{
    return crpi_member_find(vm, c->id, face, bare_symbol(vm, name));
}

static inline crp_word get(crp_word o, const char *name)
{
    crp_word w = CRP_UNSET;
    crp_status st = crp_get(vm, o, bare_symbol(vm, name), &w);
    ck_assert_msg(st == CRP_OK, "%s", bare_error(vm));
    return w;
}

static inline void set(crp_word o, const char *name, crp_word value)
{
    crp_status st = crp_set(vm, o, bare_symbol(vm, name), value);
    ck_assert_msg(st == CRP_OK, "%s", bare_error(vm));
}

static inline const char *set_error(crp_word o, const char *name, crp_word value)
{
    crp_clear_error(vm);
    ck_assert_int_ne(crp_set(vm, o, bare_symbol(vm, name), value), CRP_OK);
    return bare_error(vm);
}

static inline const char *get_error(crp_word o, const char *name)
{
    crp_word w;
    crp_clear_error(vm);
    ck_assert_int_ne(crp_get(vm, o, bare_symbol(vm, name), &w), CRP_OK);
    return bare_error(vm);
}

#endif
