/* floor 7: functions of sequences that call nothing: range, zip, take, drop, append, flatten, last.
 *
 * What they give is always new: a List, or an Array where what is walked is one.
 */
#include "lib-walk.h"

#include <math.h>
#include <string.h>
#include "value.h"
#include "vm.h"

typedef struct plain {
    crpi_turns turns;
    crpi_gather gather;
    uint64_t limit;     /* take, drop: so many */
    uint32_t appended;  /* append: so many arguments are done */
    struct level *open; /* flatten: what is being gone through, outermost first */
    size_t depth, room;
    int64_t levels;
} plain;

static plain *state_of(const crp_call *c) { return c->state; }

/* Of flatten: a List or an Array that is gone through. */
typedef struct level {
    crp_word whole, at, mark; /* at, mark: as in a walk */
    size_t cursor;
} level;

static void mark_state(crp *vm, void *state, crp_marker mark)
{
    const plain *p = state;
    crpi_turns_mark(vm, state, mark);
    crpi_gather_mark(vm, &p->gather, mark);
}

static void drop_state(crp *vm, void *state)
{
    plain *p = state;
    crpi_turns_drop(vm, state);
    crpi_gather_drop(vm, &p->gather);
    crp_free_bytes(vm, p->open, p->room * sizeof *p->open);
    p->open = NULL;
}

static crp_status begin_gathering(crp_call *c, bool *done)
{
    (void)done;
    crpi_gather_begin(&state_of(c)->gather, crpi_turns_walks(c)->at);
    return CRP_OK;
}

static crp_status end_gathering(crp_call *c)
{
    return crpi_gather_end(c->vm, &state_of(c)->gather, &c->result);
}

/* --- take, drop ----------------------------------------------------------------------------------------- */

static crp_status begin_limited(crp_call *c, bool *done)
{
    int64_t n = crp_integer_value(c->args[0]);
    if (n < 0)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE,
                         "%s: count %ld out of range: it is negative", crpi_lib_called(c), (long)n);
    state_of(c)->limit = (uint64_t)n;
    return begin_gathering(c, done);
}

/* Nothing more is asked for than is given. */
static crp_status take_begin(crp_call *c, bool *done)
{
    crp_status st = begin_limited(c, done);
    state_of(c)->turns.walks.bounded = true;
    *done = state_of(c)->limit == 0;
    return st || !*done ? st : end_gathering(c);
}

static crp_status take_given(crp_call *c, crp_word item, bool *done)
{
    plain *p = state_of(c);
    crp_status st = crpi_gather_add(c->vm, &p->gather, item);
    *done = p->turns.number + 1 >= p->limit;
    return st || !*done ? st : end_gathering(c);
}

static crp_status drop_given(crp_call *c, crp_word item, bool *done)
{
    plain *p = state_of(c);
    (void)done;
    return p->turns.number < p->limit ? CRP_OK : crpi_gather_add(c->vm, &p->gather, item);
}

static const crpi_turn take_turn = {1, 0, false, false, take_begin, take_given, end_gathering};
static const crpi_turn drop_turn = {1, 0, false, false, begin_limited, drop_given, end_gathering};

/* --- zip, last ------------------------------------------------------------------------------------------ */

static crp_status zip_begin(crp_call *c, bool *done)
{
    (void)done;
    crpi_gather_begin(&state_of(c)->gather, CRP_NIL);
    return CRP_OK;
}

static crp_status zip_given(crp_call *c, crp_word item, bool *done)
{
    plain *p = state_of(c);
    const crpi_walk *all = crpi_turns_walks(c);
    crp_word entry = CRP_NIL;
    crp_status st = CRP_OK;
    (void)item, (void)done;
    for (uint32_t i = p->turns.walks.count; !st && i-- > 0;) st = crp_cons(c->vm, all[i].item, entry, &entry);
    return st ? st : crpi_gather_add(c->vm, &p->gather, entry);
}

/* The last place of an Array is known. */
static crp_status last_begin(crp_call *c, bool *done)
{
    crpi_walk *w = crpi_turns_walks(c);
    size_t n = crp_is_a(w->at, CRP_ARRAY) ? crpi_array_of(w->at)->count : 0;
    (void)done;
    if (n) w->cursor = n - 1;
    return CRP_OK;
}

static crp_status last_given(crp_call *c, crp_word item, bool *done)
{
    (void)done;
    c->result = item;
    return CRP_OK;
}

static crp_status last_end(crp_call *c)
{
    if (state_of(c)->turns.number > 0) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "last: there is no item");
}

static const crpi_turn zip_turn = {0, 0, false, false, zip_begin, zip_given, end_gathering};
static const crpi_turn last_turn = {0, 0, false, false, last_begin, last_given, last_end};

/* --- append --------------------------------------------------------------------------------------------- */

/* One walk after the other; each argument is known to be walkable before the first is begun. */
static crp_status append(crp_call *c)
{
    plain *p = state_of(c);
    crpi_walks *walks = &p->turns.walks;
    crp_status st = CRP_OK;
    if (c->step == 0) {
        c->step = 1;
        crpi_gather_begin(&p->gather, c->args[0]);
        st = crpi_walks_begin(c, walks, c->args[0], c->args + 1, c->count - 1);
        if (!st) st = crpi_walks_begin(c, walks, c->args[0], NULL, 0);
    }
    for (bool more; !st;) {
        st = crpi_walks_next(c, walks, &more);
        if (!st && more) st = crpi_gather_add(c->vm, &p->gather, crpi_walks_all(walks)->item);
        if (!st) st = crpi_lib_look(c->vm, p->turns.number++);
        if (st || more) continue;
        if (++p->appended == c->count) return end_gathering(c);
        st = crpi_walks_begin(c, walks, c->args[p->appended], NULL, 0);
    }
    return st;
}

/* --- flatten -------------------------------------------------------------------------------------------- */

#define ALL_LEVELS INT64_MAX

static bool is_sequence(crp_word w) { return w == CRP_NIL || crp_is_pair(w) || crp_is_a(w, CRP_ARRAY); }

/* What is inside itself is nested without end: then, going down, the same comes again and again, and sooner
 * or later it is what stands at the depth that is the largest power of two (Brent). */
static crp_status push(crp_call *c, plain *p, crp_word whole)
{
    size_t known = p->depth ? (size_t)1 << (63 - __builtin_clzll(p->depth)) : 0;
    if (p->levels == ALL_LEVELS && known && p->open[known - 1].whole == whole)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "flatten: %n contains itself", whole);
    if (!crpi_mem_grow(&c->vm->mem, &p->open, &p->room, p->depth + 1, sizeof *p->open))
        return crp_no_memory(c->vm);
    p->open[p->depth++] = (level){whole, whole, CRP_NIL, 0};
    return CRP_OK;
}

static crp_status next_inside(crp_call *c, level *l, crp_word *item, bool *more)
{
    if (crp_is_a(l->whole, CRP_ARRAY)) {
        const crpi_array *array = crpi_array_of(l->whole);
        *more = l->cursor < array->count;
        if (*more) *item = array->items[l->cursor++];
        return CRP_OK;
    }
    *more = crp_is_pair(l->at);
    if (!*more) return CRP_OK;
    if (l->at == l->mark) return crpi_lib_list_endless(c->vm);
    l->cursor++;
    if ((l->cursor & (l->cursor - 1)) == 0) l->mark = l->at;
    *item = crp_head(l->at);
    l->at = crp_tail(l->at);
    return CRP_OK;
}

/* The items of a nested sequence, down to so many levels.  Nothing else runs meanwhile: it stays as it is. */
static crp_status flatten_given(crp_call *c, crp_word item, bool *done)
{
    plain *p = state_of(c);
    bool more = true;
    crp_status st = CRP_OK;
    (void)done;
    for (size_t turn = 0; !st; turn++) {
        if (more && is_sequence(item) && (int64_t)p->depth < p->levels) st = push(c, p, item);
        else if (more) st = crpi_gather_add(c->vm, &p->gather, item);
        else p->depth--;
        if (st || p->depth == 0) return st;
        st = next_inside(c, &p->open[p->depth - 1], &item, &more);
        if (!st) st = crpi_lib_look(c->vm, turn);
    }
    return st;
}

static crp_status flatten_begin(crp_call *c, bool *done)
{
    uint32_t i = crpi_turns_after(c, 0);
    plain *p = state_of(c);
    p->levels = ALL_LEVELS;
    crp_status st = CRP_OK;
    if (crpi_lib_given(c, i))
        st = crpi_lib_between(c->vm, "levels", c->args[i], 0, ALL_LEVELS - 1, &p->levels);
    return st ? st : begin_gathering(c, done);
}

static const crpi_turn flatten_turn = {0, 1, false, false, flatten_begin, flatten_given, end_gathering};

/* --- range ---------------------------------------------------------------------------------------------- */

#define MOST_ITEMS 100000000 /* of a range */

static crp_status too_many(crp *vm)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "range: more than %d items", MOST_ITEMS);
}

static crp_status bad_step(crp *vm, crp_word step)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "range: a step other than 0 is expected, %v given",
                     step);
}

/* Distances are counted without a sign, where none is too big. */
static crp_status range_of_integers(crp *vm, int64_t from, int64_t to, int64_t by, crp_word *out)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    uint64_t way = by > 0 ? (uint64_t)to - (uint64_t)from : (uint64_t)from - (uint64_t)to;
    uint64_t stride = by > 0 ? (uint64_t)by : -(uint64_t)by;
    if (by > 0 ? from >= to : from <= to) way = 0;
    uint64_t n = way / stride + (way % stride != 0);
    crp_status st = n > MOST_ITEMS ? too_many(vm) : CRP_OK;
    for (uint64_t i = 0; !st && i < n; i++) {
        crp_word item;
        st = crp_integer(vm, (int64_t)((uint64_t)from + i * (uint64_t)by), &item);
        if (!st) st = crp_list_add(vm, &b, item);
        if (!st) st = crpi_lib_look(vm, i);
    }
    *out = b.first;
    return st;
}

/* Each is counted from the first, so that what is lost in rounding does not add up. */
static crp_status range_of_reals(crp *vm, double from, double to, double by, crp_word *out)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    double n = ceil((to - from) / by);
    crp_status st = n > MOST_ITEMS || n != n ? too_many(vm) : CRP_OK;
    for (size_t i = 0; !st && (double)i < n; i++) {
        crp_word item;
        st = crp_real(vm, from + (double)i * by, &item);
        if (!st) st = crp_list_add(vm, &b, item);
        if (!st) st = crpi_lib_look(vm, i);
    }
    *out = b.first;
    return st;
}

static crp_status range(crp_call *c)
{
    bool both = crpi_lib_given(c, 1);
    crp_word from = both ? c->args[0] : crp_fixnum(0), to = c->args[both ? 1 : 0], by = c->args[2];
    if (crp_real_value(by) == 0 || crp_real_value(by) != crp_real_value(by)) return bad_step(c->vm, by);
    if (crp_is_integer(from) && crp_is_integer(to) && crp_is_integer(by))
        return range_of_integers(c->vm, crp_integer_value(from), crp_integer_value(to), crp_integer_value(by),
                                 &c->result);
    return range_of_reals(c->vm, crp_real_value(from), crp_real_value(to), crp_real_value(by), &c->result);
}

/* --- the natives ---------------------------------------------------------------------------------------- */

#define BOTH(name) \
    static crp_status name(crp_call *c) { return crpi_turns_run(c, &name##_turn, false); } \
    static crp_status name##_self(crp_call *c) { return crpi_turns_run(c, &name##_turn, true); }

BOTH(take)
BOTH(drop)
BOTH(zip)
BOTH(last)
BOTH(flatten)

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, sizeof(plain), mark_state, drop_state}

static const crp_method functions[] = {
    {"range",
     "List (from Integer|Real) (to Integer|Real ?) (step Integer|Real 1)", range,
     "The numbers from the first up to but without the second, each by a step more; with one argument from "
     "0. A negative step counts down. 1.8 for a step of 0 and for more than 100,000,000 items.\n"
     "(range 4)         # --> (0 1 2 3)\n"
     "(range 1 10 3)    # --> (1 4 7)\n"
     "(range 3 0 -1)    # --> (3 2 1)",
     0, NULL, NULL},
    ROW("zip", "List items ...", zip,
        "A List of Lists: the first items of all sequences, the second ones, and so on to the end of the "
        "shortest.\n"
        "(zip '(a b c) '(1 2))  # --> ((a 1) (b 2))"),
    ROW("take", "Object (count Integer) items", take,
        "The first items, at most so many: a List, or an Array where items is one. Of an object with a "
        "method next no more are asked for. 1.7 for a negative count.\n"
        "(take 2 '(a b c))  # --> (a b)"),
    ROW("drop", "Object (count Integer) items", drop,
        "The items but the first so many: a new List, or an Array where items is one. 1.7 for a negative "
        "count.\n"
        "(drop 2 '(a b c))  # --> (c)"),
    ROW("append", "Object items ...", append,
        "The items of one sequence after those of the other: a new List, or an Array where the first is "
        "one.\n"
        "(append '(1 2) '(3) \"A\")  # --> (1 2 3 65)"),
    ROW("flatten", "Object items (levels Integer ?)", flatten,
        "The items, and in the place of each List or Array its own, and so on, down to so many levels if a "
        "number is given. 1.2 for what contains itself, unless a number ends it.\n"
        "(flatten '(1 (2 (3 ())) 4))    # --> (1 2 3 4)\n"
        "(flatten '(1 (2 (3 ())) 4) 1)  # --> (1 2 (3 ()) 4)"),
    ROW("last", "Object items", last,
        "The last item; 1.2 if there is none.\n"
        "(last '(1 2 3))  # --> 3"),
    ROW(NULL, NULL, NULL, NULL)};

/* Of List and Array.  The classes' own examples begin with items of 3 1 2. */
#define METHODS(CLASS, OPEN, CLOSE) \
    ROW("zip", "List ...", zip_self, \
        "A List of Lists: the first items of this and the other sequences, the second ones, to the end of " \
        "the shortest.\n" \
        "(items.zip '(a b c))  # --> ((3 a) (1 b) (2 c))"), \
    ROW("take", CLASS " (count Integer)", take_self, \
        "The first items, at most so many; 1.7 for a negative count.\n" \
        "(items.take 2)  # --> " OPEN "3 1" CLOSE), \
    ROW("drop", CLASS " (count Integer)", drop_self, \
        "The items but the first so many, copied; 1.7 for a negative count.\n" \
        "(items.drop 2)  # --> " OPEN "2" CLOSE), \
    ROW("flatten", CLASS " (levels Integer ?)", flatten_self, \
        "The items, and in the place of each List or Array its own, down to so many levels if a number is " \
        "given. 1.2 for what contains itself.\n" \
        "(items.flatten)  # --> " OPEN "3 1 2" CLOSE), \
    ROW("last", "Object", last_self, \
        "The last item; 1.2 if there is none.\n" \
        "(items.last)  # --> 2"), \
    ROW(NULL, NULL, NULL, NULL)

static const crp_method list_methods[] = {METHODS("List", "(", ")")};
static const crp_method array_methods[] = {METHODS("Array", "#<Array (", ")>")};

crp_status crpi_lib_sequence_plain(crp *vm)
{
    crp_status st = crp_define_functions(vm, functions);
    if (!st) st = crp_define_class_methods(vm, CRP_LIST, list_methods);
    if (!st) st = crp_define_class_methods(vm, CRP_ARRAY, array_methods);
    return st;
}
