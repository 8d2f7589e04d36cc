/* floor 7: functions that call a function for each item: map, filter, fold and so on; the same as methods.
 *
 * Each says what happens with the callback's value; lib-walk.c takes the turns.  Nothing is changed in what
 * is walked, and nothing that is being built can be seen by the callback: an error half way leaves no trace.
 */
#include "lib-walk.h"

#include "cells.h"
#include "lib-task.h"
#include "map.h"

enum { WAITED = 100 /* a step that no walk has: for Tasks */ };

typedef struct sequence {
    crpi_turns turns;
    crpi_gather yes, no;
    int64_t count;
} sequence;

static sequence *state_of(const crp_call *c) { return c->state; }

static crp_word item_of(crp_call *c) { return crpi_turns_walks(c)->item; }

static void mark_state(crp *vm, void *state, crp_marker mark)
{
    const sequence *s = state;
    crpi_turns_mark(vm, state, mark);
    crpi_gather_mark(vm, &s->yes, mark);
    crpi_gather_mark(vm, &s->no, mark);
}

static void drop_state(crp *vm, void *state)
{
    sequence *s = state;
    crpi_turns_drop(vm, state);
    crpi_gather_drop(vm, &s->yes);
    crpi_gather_drop(vm, &s->no);
}

/* --- map, filter, partition ----------------------------------------------------------------------------- */

static crp_status begin_gathering(crp_call *c, bool *done)
{
    sequence *s = state_of(c);
    (void)done;
    crpi_gather_begin(&s->yes, crpi_turns_walks(c)->at);
    crpi_gather_begin(&s->no, crpi_turns_walks(c)->at);
    return CRP_OK;
}

static crp_status begin_mapping(crp_call *c, bool *done)
{
    (void)done;
    return crpi_gather_begin_as(c->vm, &state_of(c)->yes, crpi_turns_walks(c)->at);
}

static crp_status end_gathering(crp_call *c) { return crpi_gather_end(c->vm, &state_of(c)->yes, &c->result); }

static crp_status map_given(crp_call *c, crp_word value, bool *done)
{
    (void)done;
    return crpi_gather_add(c->vm, &state_of(c)->yes, value);
}

static crp_status filter_given(crp_call *c, crp_word value, bool *done)
{
    (void)done;
    return crp_is_true(value) ? crpi_gather_add(c->vm, &state_of(c)->yes, item_of(c)) : CRP_OK;
}

static crp_status partition_given(crp_call *c, crp_word value, bool *done)
{
    sequence *s = state_of(c);
    (void)done;
    return crpi_gather_add(c->vm, crp_is_true(value) ? &s->yes : &s->no, item_of(c));
}

static crp_status partition_end(crp_call *c)
{
    crp_word both[2];
    crp_status st = crpi_gather_end(c->vm, &state_of(c)->yes, &both[0]);
    if (!st) st = crpi_gather_end(c->vm, &state_of(c)->no, &both[1]);
    return st ? st : crp_list(c->vm, both, 2, &c->result);
}

static const crpi_turn map_turn = {1, 0, true, false, begin_mapping, map_given, end_gathering};
static const crpi_turn filter_turn = {1, 0, true, false, begin_gathering, filter_given, end_gathering};
static const crpi_turn partition_turn = {1, 0, true, false, begin_gathering, partition_given, partition_end};

/* --- fold, each ----------------------------------------------------------------------------------------- */

static crp_status fold_begin(crp_call *c, bool *done)
{
    (void)done;
    c->result = c->args[1];
    return CRP_OK;
}

static crp_status fold_given(crp_call *c, crp_word value, bool *done)
{
    (void)done;
    c->result = value;
    return CRP_OK;
}

static crp_status each_given(crp_call *c, crp_word value, bool *done)
{
    (void)c, (void)value, (void)done;
    return CRP_OK;
}

static const crpi_turn fold_turn = {2, 0, true, true, fold_begin, fold_given, NULL};
static const crpi_turn each_turn = {1, 0, true, false, NULL, each_given, NULL};

/* --- find, findIndex, any, all, count ------------------------------------------------------------------- */

static crp_status find_given(crp_call *c, crp_word value, bool *done)
{
    *done = crp_is_true(value);
    if (*done) c->result = item_of(c);
    return CRP_OK;
}

/* An entry is a List (attribute value ...). */
static crp_status entry_given(crp_call *c, crp_word entry, bool *done)
{
    *done = crp_is_pair(entry) && crp_equal(c->vm, crp_head(entry), c->args[0]);
    if (*done && crp_is_pair(crp_tail(entry))) c->result = crp_head(crp_tail(entry));
    return CRP_OK;
}

static crp_status give_number(crp_call *c)
{
    return crp_integer(c->vm, (int64_t)state_of(c)->turns.number, &c->result);
}

static crp_status find_index_given(crp_call *c, crp_word value, bool *done)
{
    *done = crp_is_true(value);
    return *done ? give_number(c) : CRP_OK;
}

static crp_status member_given(crp_call *c, crp_word item, bool *done)
{
    *done = crp_equal(c->vm, item, c->args[0]);
    return *done ? give_number(c) : CRP_OK;
}

static crp_status any_given(crp_call *c, crp_word value, bool *done)
{
    *done = crp_is_true(value);
    c->result = crp_bool(*done);
    return CRP_OK;
}

static crp_status all_begin(crp_call *c, bool *done)
{
    (void)done;
    c->result = CRP_TRUE;
    return CRP_OK;
}

static crp_status all_given(crp_call *c, crp_word value, bool *done)
{
    *done = !crp_is_true(value);
    c->result = crp_bool(!*done);
    return CRP_OK;
}

static crp_status count_given(crp_call *c, crp_word value, bool *done)
{
    (void)done;
    state_of(c)->count += crp_is_true(value);
    return CRP_OK;
}

static crp_status count_end(crp_call *c) { return crp_integer(c->vm, state_of(c)->count, &c->result); }

static const crpi_turn find_turn = {1, 0, true, false, NULL, find_given, NULL};
static const crpi_turn entry_turn = {1, 0, false, false, NULL, entry_given, NULL};
static const crpi_turn find_index_turn = {1, 0, true, false, NULL, find_index_given, NULL};
static const crpi_turn member_turn = {1, 0, false, false, NULL, member_given, NULL};
static const crpi_turn any_turn = {1, 0, true, false, NULL, any_given, NULL};
static const crpi_turn all_turn = {1, 0, true, false, all_begin, all_given, NULL};
static const crpi_turn count_turn = {1, 0, true, false, NULL, count_given, count_end};

/* --- groupBy -------------------------------------------------------------------------------------------- */

/* While the groups grow, each is a circle and the table holds its last pair: the first is what follows it. */
static crp_status group_given(crp_call *c, crp_word key, bool *done)
{
    crp_word last, pair;
    (void)done;
    bool begun = crp_hashtable_get(c->vm, c->result, key, &last);
    crp_status st = crp_cons(c->vm, item_of(c), begun ? crp_tail(last) : CRP_NIL, &pair);
    if (st) return st;
    crpi_store(c->vm, &c->vm->heap, &crp_pair_of(begun ? last : pair)->tail, pair);
    return crpi_lib_table_put(c->vm, c->result, key, pair);
}

static crp_status group_begin(crp_call *c, bool *done)
{
    (void)done;
    return crp_hashtable(c->vm, &c->result);
}

static crp_status group_end(crp_call *c)
{
    crpi_map *groups = crpi_map_of(c->result);
    for (size_t i = 0; i < groups->used; i++) {
        crp_word *last = &groups->entries[i].value, first = crp_tail(*last);
        crpi_store(c->vm, &c->vm->heap, &crp_pair_of(*last)->tail, CRP_NIL);
        crpi_store(c->vm, &c->vm->heap, last, first);
    }
    return CRP_OK;
}

static const crpi_turn group_turn = {1, 0, true, false, group_begin, group_given, group_end};

/* --- the natives ---------------------------------------------------------------------------------------- */

/* Each as a function, and as a method of what is walked. */
#define BOTH(name) \
    static crp_status name(crp_call *c) { return crpi_turns_run(c, &name##_turn, false); } \
    static crp_status name##_self(crp_call *c) { return crpi_turns_run(c, &name##_turn, true); }

BOTH(map)
BOTH(filter)
BOTH(partition)
BOTH(fold)
BOTH(each)
BOTH(find_index)
BOTH(member)
BOTH(any)
BOTH(count)
BOTH(group)

static crp_status all_self(crp_call *c) { return crpi_turns_run(c, &all_turn, true); }

/* Tasks are no predicate: with them `all` is waitAll. */
static bool are_tasks(crp *vm, const crp_call *c)
{
    crp_word first = c->args[0];
    if (c->count == 1 && first == CRP_NIL) return true;
    return crpi_is_task(vm, crp_is_pair(first) ? crp_head(first) : first);
}

static crp_status wait_all(crp_call *c)
{
    crp_word name;
    uint32_t cell;
    crp_status st = crp_symbol(c->vm, "waitAll", 7, &name);
    if (!st) st = crpi_function_cell(c->vm, name, &cell);
    if (st) return st;
    c->step = WAITED;
    return crp_then_call(c, c->vm->cells->values[cell], c->args, c->count);
}

static crp_status all(crp_call *c)
{
    if (c->step == WAITED) {
        c->result = c->value;
        return CRP_OK;
    }
    if (c->step == 0 && are_tasks(c->vm, c)) return wait_all(c);
    if (c->count > 1) return crpi_turns_run(c, &all_turn, false);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "all: expected Tasks, or a Function and what can be walked, given %n",
                     c->args[0]);
}

/* Only a Function is a predicate: attributes are Symbols and Strings. */
static const crpi_turn *find_kind(const crp_call *c)
{
    return crp_is_a(c->args[0], CRP_FUNCTION) ? &find_turn : &entry_turn;
}

static crp_status find(crp_call *c) { return crpi_turns_run(c, find_kind(c), false); }
static crp_status find_self(crp_call *c) { return crpi_turns_run(c, find_kind(c), true); }

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, sizeof(sequence), mark_state, drop_state}

static const crp_method functions[] = {
    ROW("map", "Object f items ...", map,
        "What f gives for each item: a List, or an Array where items is one. Several sequences are walked "
        "side by side, f gets an item of each, and the shortest ends it. What can be walked is what `for` "
        "walks: a List, Array, String (bytes), HashTable (keys), an object with a method next. f is a "
        "Function, or a Symbol or String that names one; 1.8 if it cannot take as many arguments, 1.2 if the "
        "List is a cycle.\n"
        "(map (lambda (x) (* x x)) '(1 2 3))  # --> (1 4 9)\n"
        "(map '+ '(1 2 3) '(10 20))           # --> (11 22)"),
    ROW("filter", "Object f items", filter,
        "The items for which f gives true: a List, or an Array where items is one.\n"
        "(filter (lambda (x) (> x 1)) '(1 2 3))  # --> (2 3)"),
    ROW("partition", "List f items", partition,
        "A List of two: the items for which f gives true, and the others.\n"
        "(partition (lambda (x) (> x 1)) '(1 2 3))  # --> ((2 3) (1))"),
    ROW("fold", "Object f start items ...", fold,
        "Works from left to right: f is called with what it gave last, at first `start`, and an item; the "
        "last value is the result.\n"
        "(fold '+ 0 '(1 2 3))                                        # --> 6\n"
        "(fold (lambda (table word) (table.update word (lambda (n) (+ n 1)) 0) table)\n"
        "      (create HashTable) '(a b a))                          # --> #<HashTable ((a 2) (b 1))>"),
    ROW("each", "NIL f items ...", each,
        "Calls f for each item, for what it does.\n"
        "(each 'print '(1 2))\n"
        "# prints: 1\n"
        "# prints: 2"),
    ROW("find", "Object what items", find,
        "The first item for which `what`, a Function, gives true; () if there is none. Anything else is an "
        "attribute: the value in the first entry (attribute value) that begins with it.\n"
        "(find (lambda (x) (> x 1)) '(1 2 3))  # --> 2\n"
        "(find 'b '((a 1) (b 2)))              # --> 2"),
    ROW("findIndex", "Object f items", find_index,
        "The index from 0 of the first item for which f gives true; () if there is none.\n"
        "(findIndex (lambda (x) (> x 1)) '(1 2 3))  # --> 1"),
    ROW("member", "Object item items", member,
        "The index from 0 of the first item that equals this one as == says; () if there is none.\n"
        "(member \"b\" '(\"a\" \"b\"))  # --> 1"),
    ROW("any", "Object f items ...", any,
        "true if f gives true for an item, the later ones are not asked; else ().\n"
        "(any (lambda (x) (> x 2)) '(1 2 3))  # --> true"),
    ROW("all", "Object f ...", all,
        "() if f gives () for an item of the sequences behind it, the later ones are not asked; else true. Given Tasks, or a "
        "List of Tasks, it waits for them and gives the List of their values, as waitAll does.\n"
        "(all (lambda (x) (> x 2)) '(1 2 3))        # --> ()\n"
        "(all (task (sleep 1) \"a\") (task \"b\"))     # --> (\"a\" \"b\")"),
    ROW("count", "Integer f items", count,
        "For how many items f gives true.\n"
        "(count (lambda (x) (> x 1)) '(1 2 3))  # --> 2"),
    ROW("groupBy", "HashTable f items", group,
        "A HashTable: under each key that f gives the List of the items it gave it for, keys and items in "
        "their order. 1.8 for a key that cannot be one, such as a List.\n"
        "(groupBy 'length '(\"a\" \"bc\" \"d\"))  # --> #<HashTable ((1 (\"a\" \"d\")) (2 (\"bc\")))>"),
    ROW(NULL, NULL, NULL, NULL)};

/* Of List and Array: what a method gives is of the same class.  The classes' own examples begin with items of
 * 3 1 2. */
#define METHODS(CLASS, OPEN, CLOSE) \
    ROW("map", CLASS " f ...", map_self, \
        "What f gives for each item, as the function map does.\n" \
        "(items.map (lambda (x) (* x 2)))  # --> " OPEN "6 2 4" CLOSE), \
    ROW("filter", CLASS " f", filter_self, \
        "The items for which f gives true, as the function filter does.\n" \
        "(items.filter (lambda (x) (> x 1)))  # --> " OPEN "3 2" CLOSE), \
    ROW("partition", "List f", partition_self, \
        "A List of two: the items for which f gives true, and the others.\n" \
        "(items.partition (lambda (x) (> x 1)))  # --> (" OPEN "3 2" CLOSE " " OPEN "1" CLOSE ")"), \
    ROW("fold", "Object f start ...", fold_self, \
        "f is called with what it gave last, at first `start`, and each item; the last value is the " \
        "result.\n" \
        "(items.fold '+ 0)  # --> 6"), \
    ROW("each", "NIL f ...", each_self, \
        "Calls f for each item, for what it does.\n" \
        "(items.each 'print)\n" \
        "# prints: 3\n" \
        "# prints: 1\n" \
        "# prints: 2"), \
    ROW("find", "Object what", find_self, \
        "The first item for which `what`, a Function, gives true; () if there is none. Anything else is an " \
        "attribute: the value in the first entry (attribute value) that begins with it.\n" \
        "(items.find (lambda (x) (< x 3)))  # --> 1"), \
    ROW("findIndex", "Object f", find_index_self, \
        "The index from 0 of the first item for which f gives true; () if there is none.\n" \
        "(items.findIndex (lambda (x) (< x 3)))  # --> 1"), \
    ROW("member", "Object item", member_self, \
        "The index from 0 of the first item that equals this one as == says; () if there is none.\n" \
        "(items.member 2)  # --> 2"), \
    ROW("any", "Object f ...", any_self, \
        "true if f gives true for an item; else ().\n" \
        "(items.any (lambda (x) (> x 2)))  # --> true"), \
    ROW("all", "Object f ...", all_self, \
        "true if f gives true for each item; else ().\n" \
        "(items.all (lambda (x) (> x 2)))  # --> ()"), \
    ROW("count", "Integer f", count_self, \
        "For how many items f gives true.\n" \
        "(items.count (lambda (x) (> x 1)))  # --> 2"), \
    ROW("groupBy", "HashTable f", group_self, \
        "A HashTable: under each key that f gives the List of the items it gave it for.\n" \
        "(items.groupBy (lambda (x) (% x 2)))  # --> #<HashTable ((1 (3 1)) (0 (2)))>"), \
    ROW(NULL, NULL, NULL, NULL)

static const crp_method list_methods[] = {METHODS("List", "(", ")")};
static const crp_method array_methods[] = {METHODS("Array", "#<Array (", ")>")};

crp_status crpi_lib_sequence(crp *vm)
{
    crp_status st = crp_define_functions(vm, functions);
    if (!st) st = crp_define_class_methods(vm, CRP_LIST, list_methods);
    if (!st) st = crp_define_class_methods(vm, CRP_ARRAY, array_methods);
    return st;
}
