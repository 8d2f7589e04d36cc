/* floor 7: sort and sortBy: a stable merge sort that can be left at every comparison.
 *
 * The items are copied first, so whatever the comparing function does to what is sorted does no harm.  Runs
 * of 1, 2, 4 ... entries are merged from one block into another and back; in each comparison the state is a
 * few places in these, and the block that is merged from always holds every entry.  However a function
 * answers, there are at most two comparisons for each entry and doubling, so one that contradicts itself
 * gives some order of the same items and nothing worse.
 *
 * Numbers and texts under `<` or `>` are compared here, also where these stand alone in a lambda; everything else is
 * asked for.
 */
#include "lib-walk.h"

#include <string.h>
#include "cells.h"
#include "value.h"
#include "vm.h"

/* An entry is a key, and behind it, if `wide`, the item that it is of; else the key is the item. */
typedef struct sort {
    crpi_turns turns;
    crp_word less;  /* the comparing Function */
    int direct;     /* 1: it is `<`, -1: it is `>`, 0: another one */
    bool lambda;    /* ... in a lambda, which is called for what cannot be compared, so that the error is its own */
    unsigned wide;  /* 0 or 1: words behind an entry's key */
    crp_word *from, *to;
    size_t words, room; /* in `from`; both blocks have `room` once merging has begun */
    size_t count;       /* entries */
    bool merging, asked, first;
    size_t width, middle, high; /* the runs that are merged end at these */
    size_t left, right, out;    /* the next entry of each, and where it goes */
} sort;

static sort *state_of(const crp_call *c) { return c->state; }

static void mark_state(crp *vm, void *state, crp_marker mark)
{
    const sort *s = state;
    crpi_turns_mark(vm, state, mark);
    mark(vm, s->less);
    for (size_t i = 0; i < s->words; i++) mark(vm, s->from[i]);
}

static void drop_state(crp *vm, void *state)
{
    sort *s = state;
    crpi_turns_drop(vm, state);
    if (s->from) crp_free_bytes(vm, s->from, s->room * sizeof *s->from);
    if (s->to) crp_free_bytes(vm, s->to, s->room * sizeof *s->to);
    s->from = s->to = NULL;
    s->words = 0;
}

/* --- comparing ------------------------------------------------------------------------------------------ */

static bool is_built_in(crp *vm, crp_word function, crp_word name)
{
    const crpi_name *n = crpi_name_find(vm, name);
    return n && n->function && vm->cells->values[n->function] == function;
}

/* What has no method to be asked: all but objects of other classes. */
static bool is_plain(crp_word w) { return !crp_is_object(w) || crp_class_of(w) < CRP_FIRST_FREE_CLASS; }

/* Of one class that has an order: what `<` says of them is no error. */
static bool both_ordered(crp_word a, crp_word b)
{
    uint32_t id = crp_class_of(a);
    return id == crp_class_of(b) && (id == CRP_INTEGER || id == CRP_REAL || id == CRP_STRING);
}

/* Whether the key b comes before the key a. */
static crp_status comes_before(crp_call *c, const sort *s, crp_word b, crp_word a, bool *yes)
{
    crp_word args[2] = {b, a};
    int sign;
    if (!s->direct || !is_plain(a) || !is_plain(b)) return crpi_then_call(c, s->less, args[0], args[1], 2);
    if (((a | b) & 3) == 0) {
        *yes = s->direct > 0 ? (int64_t)b < (int64_t)a : (int64_t)b > (int64_t)a;
        return CRP_OK;
    }
    if (s->lambda && !both_ordered(a, b)) return crpi_then_call(c, s->less, args[0], args[1], 2);
    crp_status st = crpi_compare(c->vm, b, a, &sign);
    *yes = sign == -s->direct; /* NaN is neither */
    if (st) crp_error_prefix(c->vm, "%s: ", crpi_lib_called(c));
    return st;
}

/* --- merging -------------------------------------------------------------------------------------------- */

static crp_word *entry(const sort *s, crp_word *block, size_t i) { return block + (i << s->wide); }

static void move(sort *s, size_t from, size_t n)
{
    memcpy(entry(s, s->to, s->out), entry(s, s->from, from), (n << s->wide) * sizeof(crp_word));
    s->out += n;
}

/* The two runs from `low` on.  The first question is whether they need merging at all. */
static void begin_pair(sort *s, size_t low)
{
    size_t rest = s->count - low;
    s->left = s->out = low;
    s->right = s->middle = low + (rest < s->width ? rest : s->width);
    s->high = low + (rest < s->width * 2 ? rest : s->width * 2);
    s->first = true;
}

/* Moves what is left of the two runs over, and goes on to the next two, or to longer ones. */
static void end_pair(sort *s)
{
    move(s, s->left, s->middle - s->left);
    move(s, s->right, s->high - s->right);
    if (s->high < s->count) {
        begin_pair(s, s->high);
        return;
    }
    crp_word *merged = s->to;
    s->to = s->from;
    s->from = merged;
    s->width *= 2;
    begin_pair(s, 0);
}

static crp_status ask(crp_call *c, const sort *s, bool *right_first)
{
    size_t left = s->first ? s->middle - 1 : s->left;
    return comes_before(c, s, *entry(s, s->from, s->right), *entry(s, s->from, left), right_first);
}

static void decide(sort *s, bool right_first)
{
    if (s->first && !right_first) end_pair(s);
    else if (s->first) s->first = false;
    else if (right_first) move(s, s->right++, 1);
    else move(s, s->left++, 1);
}

/* The block that holds the items, and nothing else, becomes the Array's. */
static void hand_over(sort *s, crpi_gather *g)
{
    g->items = s->from;
    g->count = s->count;
    g->capacity = s->room;
    s->from = NULL;
    s->words = s->count = 0;
}

/* A new List or Array of the items. */
static crp_status deliver(crp_call *c, sort *s)
{
    crpi_gather g;
    crp_status st = CRP_OK;
    if (s->to) crp_free_bytes(c->vm, s->to, s->room * sizeof *s->to);
    s->to = NULL;
    crpi_gather_begin(&g, crpi_turns_walks(c)->at);
    if (g.array && !s->wide) hand_over(s, &g);
    for (size_t i = 0; !st && i < s->count; i++)
        st = crpi_gather_add(c->vm, &g, entry(s, s->from, i)[s->wide]);
    if (!st) st = crpi_gather_end(c->vm, &g, &c->result);
    crpi_gather_drop(c->vm, &g);
    return st;
}

static crp_status merge(crp_call *c)
{
    sort *s = state_of(c);
    bool right_first = false;
    if (s->asked) decide(s, crp_is_true(c->value));
    s->asked = false;
    for (size_t turn = 0; s->width < s->count; turn++) {
        if (s->left == s->middle || s->right == s->high) {
            end_pair(s);
            continue;
        }
        crp_status st = ask(c, s, &right_first);
        s->asked = st == CRP_CALL;
        if (!st) st = crpi_lib_look(c->vm, turn);
        if (st) return st;
        decide(s, right_first);
    }
    return deliver(c, s);
}

static crp_status begin_merging(crp_call *c)
{
    sort *s = state_of(c);
    s->count = s->words >> s->wide;
    if (s->count > 1 && !(s->to = crp_alloc(c->vm, s->room * sizeof *s->to))) return CRP_E_NOMEM;
    s->merging = true;
    s->width = 1;
    begin_pair(s, 0);
    return merge(c);
}

/* --- collecting ----------------------------------------------------------------------------------------- */

static crp_status make_room(crp_call *c, size_t words)
{
    sort *s = state_of(c);
    bool made = crpi_mem_grow(&c->vm->mem, &s->from, &s->room, words, sizeof *s->from);
    return made ? CRP_OK : crp_no_memory(c->vm);
}

static crp_status begin(crp_call *c, uint32_t less, unsigned wide)
{
    sort *s = state_of(c);
    s->wide = wide;
    s->less = CRP_NIL;
    crp_status st = crpi_lib_callback(c, c->args[less], 2, &s->less);
    if (st) return st;
    s->direct = is_built_in(c->vm, s->less, CRPI_WORD_OF(LT)) - is_built_in(c->vm, s->less, CRPI_WORD_OF(GT));
    s->lambda = !s->direct && (s->direct = crpi_order_of(crpi_function_of(s->less)));
    crp_word items = crpi_turns_walks(c)->at;
    return crp_is_a(items, CRP_ARRAY) ? make_room(c, crpi_array_of(items)->count << wide) : CRP_OK;
}

static crp_status add(crp_call *c, crp_word word)
{
    sort *s = state_of(c);
    crp_status st = s->words == s->room ? make_room(c, s->words + 1) : CRP_OK;
    if (!st) s->from[s->words++] = word;
    return st;
}

static crp_status sort_begin(crp_call *c, bool *done)
{
    (void)done;
    return begin(c, crpi_turns_after(c, 0), 0);
}

static crp_status sort_given(crp_call *c, crp_word item, bool *done)
{
    (void)done;
    return add(c, item);
}

static crp_status sort_by_begin(crp_call *c, bool *done)
{
    (void)done;
    return begin(c, crpi_turns_after(c, 1), 1);
}

static crp_status sort_by_given(crp_call *c, crp_word key, bool *done)
{
    (void)done;
    crp_status st = add(c, key);
    return st ? st : add(c, crpi_turns_walks(c)->item);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static const crpi_turn sort_turn = {0, 1, false, false, sort_begin, sort_given, begin_merging};
static const crpi_turn sort_by_turn = {1, 1, true, false, sort_by_begin, sort_by_given, begin_merging};

static crp_status run(crp_call *c, const crpi_turn *kind, bool of_self)
{
    return state_of(c)->merging ? merge(c) : crpi_turns_run(c, kind, of_self);
}

static crp_status sort_items(crp_call *c) { return run(c, &sort_turn, false); }
static crp_status sort_self(crp_call *c) { return run(c, &sort_turn, true); }
static crp_status sort_items_by(crp_call *c) { return run(c, &sort_by_turn, false); }
static crp_status sort_self_by(crp_call *c) { return run(c, &sort_by_turn, true); }

#define ROW(name, spec, fn, help) {name, spec, fn, help, sizeof(sort), mark_state, drop_state}

static const crp_method functions[] = {
    ROW("sort", "Object items (less Object <)", sort_items,
        "The items in order: a new List, or an Array where items is one. less is called with two items and "
        "says whether the first one comes before the second; equal ones keep their order. Without it, the "
        "order is that of <: 1.11 for items that < cannot compare, such as a number and a String.\n"
        "(sort '(3 1 2))                                          # --> (1 2 3)\n"
        "(sort '(\"b\" \"a\") '>)                                  # --> (\"b\" \"a\")\n"
        "(sort '(1 \"a\"))                                        # error: 1.11"),
    ROW("sortBy", "Object key items (less Object <)", sort_items_by,
        "The items in the order of what key gives for each, which is called once for each; equal ones keep "
        "their order. less compares two keys; without it the order is that of <.\n"
        "(sortBy 'length '(\"ccc\" \"a\" \"bb\"))    # --> (\"a\" \"bb\" \"ccc\")\n"
        "(sortBy (lambda (n) (% n 3)) '(3 1 4) '>)  # --> (1 4 3)"),
    ROW(NULL, NULL, NULL, NULL)};

/* Of List and Array.  The classes' own examples begin with items of 3 1 2. */
#define METHODS(CLASS, OPEN, CLOSE) \
    ROW("sort", CLASS " (less Object <)", sort_self, \
        "The items in order, as the function sort gives them: the receiver stays as it is.\n" \
        "(items.sort)     # --> " OPEN "1 2 3" CLOSE "\n" \
        "(items.sort '>)  # --> " OPEN "3 2 1" CLOSE), \
    ROW("sortBy", CLASS " key (less Object <)", sort_self_by, \
        "The items in the order of what key gives for each, as the function sortBy gives them.\n" \
        "(items.sortBy (lambda (x) (- x)))  # --> " OPEN "3 2 1" CLOSE), \
    ROW(NULL, NULL, NULL, NULL)

static const crp_method list_methods[] = {METHODS("List", "(", ")")};
static const crp_method array_methods[] = {METHODS("Array", "#<Array (", ")>")};

crp_status crpi_lib_sort(crp *vm)
{
    crp_status st = crp_define_functions(vm, functions);
    if (!st) st = crp_define_class_methods(vm, CRP_LIST, list_methods);
    if (!st) st = crp_define_class_methods(vm, CRP_ARRAY, array_methods);
    return st;
}
