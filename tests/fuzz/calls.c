/* The names come from the interpreter's own tables; how objects of a class are made is seen from the tests. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "class.h"

enum { STATEMENTS = 40, OBJECTS = 4, MAX_ARGUMENTS = 4, LONGEST_MAKER = 300 };

/* --- what there is ------------------------------------------------------------------------------------------------ */

static void add_text(char ***list, size_t *count, size_t *room, const char *text)
{
    if (*count == *room) {
        *room = *room ? 2 * *room : 256;
        *list = realloc(*list, *room * sizeof **list);
    }
    char *copy = *list ? strdup(text) : NULL;
    if (!copy) exit(2);
    (*list)[(*count)++] = copy;
}

static void collect_class(calls *c, crp *vm, crpi_class *class)
{
    if (!class->defined || class->hidden || crpi_class_ready(vm, class)) return;
    for (size_t i = 0; i < class->face_count; i++)
        for (size_t j = 0; j < class->faces[i].count; j++)
            add_text(&c->members, &c->member_count, &c->member_room,
                     crp_symbol_name(vm, class->faces[i].members[j]->name, NULL));
}

static int is_maker(const node *x)
{
    return x->is_list && x->count >= 2 && !x->items[0]->is_list && strcmp(x->items[0]->before, "create") == 0 &&
           !x->items[1]->is_list && x->items[1]->before[0] >= 'A' && x->items[1]->before[0] <= 'Z' && x->count < 6;
}

void calls_collect(calls *c, crp *vm, const pool *p)
{
    char text[LONGEST_MAKER];
    for (size_t i = 0; i < vm->cells->name_capacity; i++) {
        const crpi_name *name = &vm->cells->names[i];
        if (name->symbol && name->function && vm->cells->values[name->function] != CRP_UNSET)
            add_text(&c->functions, &c->function_count, &c->function_room, crp_symbol_name(vm, name->symbol, NULL));
    }
    for (uint32_t id = 1; id < vm->class_count; id++)
        if (vm->classes[id]) collect_class(c, vm, vm->classes[id]);
    for (size_t i = 0; i < p->all_count; i++)
        if (is_maker(p->all[i]) && node_text(p->all[i], text, sizeof text))
            add_text(&c->makers, &c->maker_count, &c->maker_room, text);
    for (uint32_t id = 1; id < vm->class_count; id++) {
        if (!vm->classes[id] || !vm->classes[id]->defined || vm->classes[id]->hidden) continue;
        snprintf(text, sizeof text, "(create %s)", crp_symbol_name(vm, vm->classes[id]->name, NULL));
        add_text(&c->makers, &c->maker_count, &c->maker_room, text);
    }
}

static void free_list(char **list, size_t n)
{
    while (n) free(list[--n]);
    free(list);
}

void calls_free(calls *c)
{
    free_list(c->functions, c->function_count);
    free_list(c->members, c->member_count);
    free_list(c->makers, c->maker_count);
}

/* --- a program ------------------------------------------------------------------------------------------------------ */

typedef struct writer {
    FILE *out;
    const calls *calls;
    const pool *pool;
    uint64_t random;
} writer;

static size_t below(writer *w, size_t n) { return n ? (size_t)(next_random(&w->random) % n) : 0; }

static void put_call(writer *w, int level);

static void put_argument(writer *w, int level)
{
    char text[LONGEST_MAKER];
    switch (below(w, level > 2 ? 5 : 7)) {
    case 0:
    case 1: fprintf(w->out, "o%zu", below(w, OBJECTS)); break;
    case 2: fputs(any_text(w->pool, &w->random, text, sizeof text), w->out); break;
    case 5: put_call(w, level + 1); break;
    case 6: fputs(w->calls->makers[below(w, w->calls->maker_count)], w->out); break;
    default: fputs(any_atom(&w->random), w->out); break;
    }
}

static void put_call(writer *w, int level)
{
    const calls *c = w->calls;
    if (below(w, 3)) fprintf(w->out, "(o%zu.%s", below(w, OBJECTS), c->members[below(w, c->member_count)]);
    else fprintf(w->out, "(%s", c->functions[below(w, c->function_count)]);
    for (size_t n = below(w, MAX_ARGUMENTS + 1); n > 0; n--) {
        fputc(' ', w->out);
        put_argument(w, level);
    }
    fputc(')', w->out);
}

char *make_calls(const calls *c, const pool *p, uint64_t number, size_t *length)
{
    char *text = NULL;
    writer w = {open_memstream(&text, length), c, p, number * 0x2545F4914F6CDD1Du + 7};
    if (!w.out) exit(2);
    for (int i = 0; i < OBJECTS; i++) {
        fprintf(w.out, "(set o%d ", i);
        if (below(&w, 4)) fputs(c->makers[below(&w, c->maker_count)], w.out);
        else put_argument(&w, 3);
        fputs(")\n", w.out);
        fputc(0, w.out);
    }
    for (int i = 0; i < STATEMENTS; i++) {
        if (below(&w, 6) == 0) fprintf(w.out, "(set o%zu ", below(&w, OBJECTS));
        else fputs("(list ", w.out);
        put_call(&w, 0);
        fputs(")\n", w.out);
        fputc(0, w.out);
    }
    fclose(w.out);
    return text;
}
