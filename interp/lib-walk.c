/* Walks, what is gathered, and the turns of natives that call a function for each item. */
#include "lib-walk.h"

#include <string.h>
#include "map.h"
#include "value.h"
#include "vm.h"

const char *crpi_lib_called(const crp_call *c)
{
    return ((const crpi_native *)(const void *)c)->row->name;
}

enum { TURNS_BETWEEN_LOOKS = 1024 };

crp_status crpi_lib_look(crp *vm, size_t turn)
{
    return turn % TURNS_BETWEEN_LOOKS == 0 ? crpi_look(vm, false) : CRP_OK;
}

/* --- one walk ------------------------------------------------------------------------------------------- */

static bool can_be_walked(crp *vm, crp_word w)
{
    const unsigned char *bytes;
    size_t n;
    return w == CRP_NIL || crp_is_pair(w) || crp_is_a(w, CRP_ARRAY) || crp_is_a(w, CRP_HASHTABLE) ||
           crp_bytes(w, &bytes, &n) || crp_has_method(vm, w, CRPI_WORD_OF(NEXT));
}

static crp_status begin_walk(crp_call *c, crpi_walk *w, crp_word items)
{
    *w = (crpi_walk){items, CRP_NIL, CRP_NIL, 0, false};
    if (can_be_walked(c->vm, items)) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "%s: a List, Array, String, HashTable or an object with a method next is expected, %n "
                     "given (%v)",
                     crpi_lib_called(c), items, items);
}

/* A pair is remembered at each power of two (Brent), so a circle is noticed within a few rounds. */
static void next_pair(crpi_walk *w)
{
    crp_word pair = w->at;
    if (pair == w->mark) w->circles = true;
    w->cursor++;
    if ((w->cursor & (w->cursor - 1)) == 0) w->mark = pair;
    w->item = crp_head(pair);
    w->at = crp_tail(pair);
}

static bool next_byte(crpi_walk *w)
{
    const unsigned char *bytes;
    size_t n = 0;
    crp_bytes(w->at, &bytes, &n);
    if (w->cursor >= n) return false;
    w->item = crp_fixnum(bytes[w->cursor++]);
    return true;
}

static bool next_in_array(crpi_walk *w)
{
    const crpi_array *array = crpi_array_of(w->at);
    if (w->cursor >= array->count) return false;
    w->item = array->items[w->cursor++];
    return true;
}

static bool next_key(crpi_walk *w)
{
    crp_word value;
    return crpi_map_next(crpi_map_of(w->at), &w->cursor, &w->item, &value);
}

static crp_status next_item(crp_call *c, crpi_walk *w, bool *more)
{
    *more = crp_is_pair(w->at);
    if (*more) next_pair(w);
    if (*more || w->at == CRP_NIL) return CRP_OK;
    switch (crp_class_of(w->at)) {
    case CRP_ARRAY: *more = next_in_array(w); return CRP_OK;
    case CRP_HASHTABLE: *more = next_key(w); return CRP_OK;
    case CRP_STRING:
    case CRP_BINARY:
    case CRP_BUFFER: *more = next_byte(w); return CRP_OK;
    default: return crp_then_send(c, w->at, CRPI_WORD_OF(NEXT), NULL, 0);
    }
}

/* --- walks side by side --------------------------------------------------------------------------------- */

crp_status crpi_walks_begin(crp_call *c, crpi_walks *w, crp_word first, const crp_word *more, uint32_t n)
{
    crpi_walks_drop(c->vm, w);
    w->next = 0;
    w->asked = false;
    if (n > 0) {
        w->more = crp_alloc(c->vm, (n + 1) * sizeof *w->more);
        if (!w->more) return CRP_E_NOMEM;
    }
    w->count = n + 1;
    crpi_walk *all = crpi_walks_all(w);
    crp_status st = begin_walk(c, &all[0], first);
    for (uint32_t i = 0; i < n; i++) { /* each is begun, so that what is marked is whole */
        crp_status one = begin_walk(c, &all[i + 1], st ? CRP_NIL : more[i]);
        if (!st) st = one;
    }
    return st;
}

/* There is no end in sight when all of them are Lists that go in circles. */
static crp_status look_for_end(const crp_call *c, crpi_walks *w)
{
    const crpi_walk *all = crpi_walks_all(w);
    for (uint32_t i = 0; i < w->count; i++)
        if (!all[i].circles) return CRP_OK;
    return crpi_lib_list_endless(c->vm);
}

/* One List or Array, walked by itself: the common case. */
static inline bool next_of_one(crpi_walks *w)
{
    if (w->count != 1 || w->asked) return false;
    if (crp_is_pair(w->one.at)) {
        next_pair(&w->one);
        return w->bounded || !w->one.circles;
    }
    return crp_is_a(w->one.at, CRP_ARRAY) && next_in_array(&w->one);
}

crp_status crpi_walks_next(crp_call *c, crpi_walks *w, bool *more)
{
    crpi_walk *all = crpi_walks_all(w);
    *more = true;
    if (w->asked) {
        w->asked = false;
        all[w->next++].item = c->value;
        *more = c->value != CRP_NIL;
    }
    while (*more && w->next < w->count) {
        crp_status st = next_item(c, &all[w->next], more);
        w->asked = st == CRP_CALL;
        if (st) return st;
        w->next++;
    }
    w->next = 0;
    return *more && !w->bounded ? look_for_end(c, w) : CRP_OK;
}

void crpi_walks_mark(crp *vm, crpi_walks *w, crp_marker mark)
{
    const crpi_walk *all = crpi_walks_all(w);
    for (uint32_t i = 0; i < w->count; i++) {
        mark(vm, all[i].at);
        mark(vm, all[i].item);
        mark(vm, all[i].mark);
    }
}

void crpi_walks_drop(crp *vm, crpi_walks *w)
{
    if (w->more) crp_free_bytes(vm, w->more, w->count * sizeof *w->more);
    w->more = NULL;
}

/* --- gathering ------------------------------------------------------------------------------------------ */

void crpi_gather_begin(crpi_gather *g, crp_word like)
{
    *g = (crpi_gather){.list = {CRP_NIL, CRP_NIL}, .array = crp_is_a(like, CRP_ARRAY)};
}

crp_status crpi_gather_begin_as(crp *vm, crpi_gather *g, crp_word like)
{
    crpi_gather_begin(g, like);
    size_t n = g->array ? crpi_array_of(like)->count : 0;
    if (n && !(g->items = crp_alloc(vm, n * sizeof *g->items))) return CRP_E_NOMEM;
    g->capacity = n;
    return CRP_OK;
}

crp_status crpi_gather_more(crp *vm, crpi_gather *g, crp_word item)
{
    if (!g->array) return crp_list_add(vm, &g->list, item);
    if (!crpi_mem_grow(&vm->mem, &g->items, &g->capacity, g->count + 1, sizeof *g->items))
        return crp_no_memory(vm);
    g->items[g->count++] = item;
    return CRP_OK;
}

/* The Array takes the block over, cut to what is in it. */
static crp_status end_array(crp *vm, crpi_gather *g, crp_word *out)
{
    crp_status st = crpi_array_new(vm, 0, out);
    if (st || g->count == 0) return st;
    crp_word *items = crp_realloc(vm, g->items, g->capacity * sizeof *items, g->count * sizeof *items);
    if (!items) return CRP_E_NOMEM;
    crpi_array_of(*out)->items = items;
    crpi_array_of(*out)->count = g->count;
    g->items = NULL;
    g->count = g->capacity = 0;
    return CRP_OK;
}

crp_status crpi_gather_end(crp *vm, crpi_gather *g, crp_word *out)
{
    if (g->array) return end_array(vm, g, out);
    *out = g->list.first;
    return CRP_OK;
}

void crpi_gather_mark(crp *vm, const crpi_gather *g, crp_marker mark)
{
    mark(vm, g->list.first);
    mark(vm, g->list.last);
    for (size_t i = 0; i < g->count; i++) mark(vm, g->items[i]);
}

void crpi_gather_drop(crp *vm, crpi_gather *g)
{
    if (g->items) crp_free_bytes(vm, g->items, g->capacity * sizeof *g->items);
    g->items = NULL;
    g->count = g->capacity = 0;
}

/* --- callbacks ------------------------------------------------------------------------------------------ */

static crp_status cannot_take(crp_call *c, crp_word function, const crpi_signature *s, uint32_t n)
{
    const char *much = n < s->required ? (s->rest || s->count > s->required ? "at least " : "")
                                       : (s->count > s->required ? "at most " : "");
    unsigned takes = n < s->required ? s->required : s->count;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "%s: %p is called with %u argument%s here, but takes %s%u", crpi_lib_called(c),
                     crpi_function_of(function)->name, n, n == 1 ? "" : "s", much, takes);
}

crp_status crpi_lib_callback(crp_call *c, crp_word w, uint32_t n, crp_word *function)
{
    const crpi_signature *s;
    if (!crp_is_a(w, CRP_FUNCTION) && !crp_is_symbol(w) && !crp_is_string(w))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "%s: a Function, or a Symbol or String that names one, is expected, %n given (%v)",
                         crpi_lib_called(c), w, w);
    crp_status st = crpi_lib_function(c->vm, w, function);
    if (!st) st = crpi_function_signature(c->vm, crpi_function_of(*function), &s);
    if (st) return st;
    return n < s->required || (n > s->count && !s->rest) ? cannot_take(c, *function, s, n) : CRP_OK;
}

/* --- turns ---------------------------------------------------------------------------------------------- */

static crpi_native *native_of(crp_call *c) { return (crpi_native *)(void *)c; }

static crp_status take_turns(crp_call *c, const crpi_turn *kind);

/* The usual turn of a walk over one List or Array: what was called has given c->value, and there is a further item. */
static crp_status next_turn(crp_call *c, crp_word *args, bool *ready)
{
    crpi_turns *t = crpi_turns_of(c);
    const crpi_turn *kind = t->kind;
    bool done = false;
    if (t->walks.asked) return crpi_turns_run(c, kind, t->of_self);
    crp_status st = kind->given(c, c->value, &done);
    t->number++;
    if (st || done) return st;
    if (!next_of_one(&t->walks)) return take_turns(c, kind);
    if (kind->leads) *args++ = c->result;
    *args = t->walks.one.item;
    *ready = true;
    return CRP_OK;
}

static crp_status begin_turns(crp_call *c, const crpi_turn *kind, bool *done)
{
    crpi_turns *t = crpi_turns_of(c);
    const crp_word *items = c->args + kind->before;
    uint32_t n = c->count - kind->before - kind->after;
    t->function = CRP_NIL;
    t->kind = kind;
    crp_status st = t->of_self ? crpi_walks_begin(c, &t->walks, c->self, items, n)
                               : crpi_walks_begin(c, &t->walks, items[0], items + 1, n - 1);
    if (!st && kind->calls) st = crpi_lib_callback(c, c->args[0], t->walks.count + kind->leads, &t->function);
    if (!st && kind->begin) st = kind->begin(c, done);
    if (kind->calls && t->walks.count == 1) native_of(c)->next = next_turn;
    return st;
}

static crp_status call_with_items(crp_call *c, const crpi_turn *kind)
{
    crpi_turns *t = crpi_turns_of(c);
    const crpi_walk *all = crpi_walks_all(&t->walks);
    crp_word args[CRPI_MAX_PARAMETERS + 1];
    uint32_t n = 0;
    if (t->walks.count == 1)
        return crpi_then_call(c, t->function, kind->leads ? c->result : all->item, all->item, kind->leads ? 2 : 1);
    if (kind->leads) args[n++] = c->result;
    for (uint32_t i = 0; i < t->walks.count && n <= CRPI_MAX_PARAMETERS; i++) args[n++] = all[i].item;
    return crp_then_call(c, t->function, args, n);
}

static crp_status take_turns(crp_call *c, const crpi_turn *kind)
{
    crpi_turns *t = crpi_turns_of(c);
    for (bool done = false, more; !done; t->number++) {
        more = next_of_one(&t->walks);
        crp_status st = more ? CRP_OK : crpi_walks_next(c, &t->walks, &more);
        if (st) return st;
        if (!more) {
            native_of(c)->next = NULL; /* the end may call on its own account */
            return kind->end ? kind->end(c) : CRP_OK;
        }
        if (kind->calls) return call_with_items(c, kind);
        st = kind->given(c, crpi_walks_all(&t->walks)->item, &done);
        if (!st) st = crpi_lib_look(c->vm, t->number);
        if (st) return st;
    }
    return CRP_OK;
}

crp_status crpi_turns_run(crp_call *c, const crpi_turn *kind, bool of_self)
{
    crpi_turns *t = crpi_turns_of(c);
    bool done = false;
    crp_status st = CRP_OK;
    if (c->step == 0) {
        c->step = 1;
        t->of_self = of_self;
        st = begin_turns(c, kind, &done);
    } else if (!t->walks.asked) {
        st = kind->given(c, c->value, &done);
        t->number++;
    }
    return st || done ? st : take_turns(c, kind);
}

void crpi_turns_mark(crp *vm, void *state, crp_marker mark)
{
    crpi_turns *t = state;
    crpi_walks_mark(vm, &t->walks, mark);
    mark(vm, t->function);
}

void crpi_turns_drop(crp *vm, void *state) { crpi_walks_drop(vm, &((crpi_turns *)state)->walks); }
