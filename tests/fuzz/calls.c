/* The names come from the interpreter's own tables; how objects of a class are made is seen from the tests. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "class.h"

enum { STATEMENTS = 40, OBJECTS = 4, MAX_ARGUMENTS = 4, LONGEST_MAKER = 300 };

/* --- what there is ------------------------------------------------------------------------------------------------ */

static void *must(void *p)
{
    if (!p) exit(2);
    return p;
}

static void add_name(names *n, const char *text)
{
    if (n->count == n->room) n->text = must(realloc(n->text, (n->room = n->room ? 2 * n->room : 64) * sizeof *n->text));
    n->text[n->count++] = must(strdup(text));
}

static void add_maker(calls *c, const char *text, uint32_t class_id)
{
    add_name(&c->makers, text);
    c->made = must(realloc(c->made, c->makers.count * sizeof *c->made));
    c->made[c->makers.count - 1] = class_id;
}

static void collect_members(calls *c, crp *vm, crpi_class *class)
{
    if (crpi_class_ready(vm, class)) return;
    for (size_t i = 0; i < class->face_count; i++)
        for (size_t j = 0; j < class->faces[i].count; j++)
            add_name(&c->members[class->id], crp_symbol_name(vm, class->faces[i].members[j]->name, NULL));
}

/* (create Class argument ...) */
static void collect_maker(calls *c, crp *vm, const node *x)
{
    char text[LONGEST_MAKER];
    if (!x->is_list || x->count < 2 || x->count > 6 || x->items[0]->is_list || strcmp(x->items[0]->before, "create")) return;
    uint32_t id = x->items[1]->is_list ? CRP_OBJECT : crp_class_id(vm, x->items[1]->before);
    if (id != CRP_OBJECT && node_text(x, text, sizeof text)) add_maker(c, text, id);
}

/* Values of the classes that are written, not created. */
static void collect_literals(calls *c, crp *vm)
{
    static const char *const literals[][2] = {
        {"String", "\"some text\""}, {"String", "\"\""},    {"Integer", "5"},       {"Integer", "9223372036854775807"},
        {"Real", "2.5"},             {"List", "(list 1 2 3)"}, {"List", "'((a 1) (b 2))"}, {"Binary", "0x\"0102FF\""},
        {"Symbol", "'symbol"},       {"Function", "headOf"}, {"Function", "(lambda (a) a)"}, {"Class", "Integer"}};
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) add_maker(c, literals[i][1], crp_class_id(vm, literals[i][0]));
}

void calls_collect(calls *c, crp *vm, const pool *p)
{
    char text[LONGEST_MAKER];
    for (size_t i = 0; i < vm->cells->name_capacity; i++) {
        const crpi_name *name = &vm->cells->names[i];
        if (name->symbol && name->function && vm->cells->values[name->function] != CRP_UNSET)
            add_name(&c->functions, crp_symbol_name(vm, name->symbol, NULL));
    }
    c->class_count = vm->class_count;
    c->members = must(calloc(vm->class_count, sizeof *c->members));
    collect_literals(c, vm);
    for (uint32_t id = 1; id < vm->class_count; id++) {
        crpi_class *class = vm->classes[id];
        if (!class || !class->defined || class->hidden || snprintf(text, sizeof text, "(create %s)", crp_symbol_name(vm, class->name, NULL)) < 0)
            continue;
        collect_members(c, vm, class);
        for (int i = 0; i < 3; i++) add_maker(c, text, id);
    }
    for (size_t i = 0; i < p->all_count; i++) collect_maker(c, vm, p->all[i]);
}

static void free_names(names *n)
{
    while (n->count) free(n->text[--n->count]);
    free(n->text);
}

void calls_free(calls *c)
{
    free_names(&c->functions);
    free_names(&c->makers);
    for (uint32_t i = 0; i < c->class_count; i++) free_names(&c->members[i]);
    free(c->members);
    free(c->made);
}

/* --- a program ------------------------------------------------------------------------------------------------------ */

typedef struct writer {
    FILE *out;
    const calls *calls;
    const pool *pool;
    uint64_t random;
    uint32_t class_of[OBJECTS];
} writer;

static size_t below(writer *w, size_t n) { return n ? (size_t)(next_random(&w->random) % n) : 0; }

static void put_call(writer *w, int level);

static size_t put_maker(writer *w)
{
    size_t maker = below(w, w->calls->makers.count);
    fputs(w->calls->makers.text[maker], w->out);
    return maker;
}

static void put_argument(writer *w, int level)
{
    char text[LONGEST_MAKER];
    switch (below(w, level > 1 ? 9 : 10)) {
    case 0:
    case 1:
    case 2: fprintf(w->out, "o%zu", below(w, OBJECTS)); break;
    case 3: fprintf(w->out, "(try %s (catch -1 err))", any_text(w->pool, &w->random, text, sizeof text)); break;
    case 4: put_maker(w); break;
    case 9:
        fputs("(try ", w->out);
        put_call(w, level + 1);
        fputs(" (catch -1 err))", w->out);
        break;
    default: fputs(any_atom(&w->random), w->out); break;
    }
}

static void put_call(writer *w, int level)
{
    size_t object = below(w, OBJECTS);
    const names *members = &w->calls->members[w->class_of[object]], *functions = &w->calls->functions;
    if (members->count && below(w, 3)) fprintf(w->out, "(o%zu.%s", object, members->text[below(w, members->count)]);
    else fprintf(w->out, "(%s", functions->text[below(w, functions->count)]);
    for (size_t n = below(w, MAX_ARGUMENTS + 1); n > 0; n--) {
        fputc(' ', w->out);
        put_argument(w, level);
    }
    fputc(')', w->out);
}

/* The end of a form. */
static void end(writer *w)
{
    fputs(")\n", w->out);
    fputc(0, w->out);
}

char *make_calls(const calls *c, const pool *p, uint64_t number, size_t *length)
{
    char *text = NULL;
    writer w = {.out = must(open_memstream(&text, length)), .calls = c, .pool = p, .random = number * 0x2545F4914F6CDD1Du + 7};
    for (int i = 0; i < OBJECTS; i++) {
        fprintf(w.out, "(set o%d ", i);
        w.class_of[i] = c->made[put_maker(&w)];
        end(&w);
    }
    for (int i = 0; i < STATEMENTS; i++) {
        fputs(below(&w, 8) ? "(list " : "(set kept ", w.out);
        put_call(&w, 0);
        end(&w);
    }
    fclose(w.out);
    return text;
}
