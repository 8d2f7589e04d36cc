/* Collections in steps: nothing that is reached is lost, whatever changes between two of them. */
#include "api.h"
#include "bare.h"
#include "task.h"

/* A ck_assert that holds tells its runner so, which takes long in a loop of millions. */
#define NEVER(wrong) \
    do { \
        if (wrong) ck_abort_msg(#wrong " came true"); \
    } while (0)

enum { KINDS = 12, NODES = BARE_KEPT, LARGE = 3000 };

static uint64_t state;

static size_t below(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)((state * 0x2545f4914f6cdd1du) >> 32) % n;
}

static crp_word any(void) { return bare_kept[below(NODES)]; }

static crp_word *place(void) { return &bare_kept[below(NODES)]; }

/* Where an Array, Pair or HashTable has a word, for one to be taken out, exchanged or put in; NULL: elsewhere. */
static crp_word *inner(crp_word w)
{
    if (crp_is_pair(w)) return below(2) ? &crp_pair_of(w)->head : &crp_pair_of(w)->tail;
    if (crp_is_a(w, CRP_ARRAY) && crpi_array_of(w)->count) return &crpi_array_of(w)->items[below(crpi_array_of(w)->count)];
    return NULL;
}

static crp_word integer(crp *vm, int64_t i)
{
    crp_word w = CRP_NIL;
    NEVER(crp_integer(vm, i, &w));
    return w;
}

static void exchange(crp *vm, crp_word *a, crp_word *b)
{
    crp_word first = *a, second = *b;
    crpi_store(vm, &vm->heap, a, second);
    crpi_store(vm, &vm->heap, b, first);
}

static crp_word new_list(crp *vm)
{
    crp_word list = CRP_NIL;
    for (size_t n = below(40); n > 0; n--) NEVER(crp_cons(vm, any(), list, &list));
    return list;
}

static crp_word new_array(crp *vm)
{
    crp_word array;
    NEVER(crpi_array_new(vm, below(below(8) ? 30 : LARGE), &array));
    for (size_t i = 0; i < crpi_array_of(array)->count; i += 1 + below(50)) crpi_array_of(array)->items[i] = any();
    return array;
}

static crp_word new_table(crp *vm)
{
    crp_word table;
    NEVER(crp_hashtable(vm, &table));
    bare_kept[0] = table;
    for (size_t n = below(below(8) ? 30 : LARGE); n > 0; n--)
        NEVER(crp_hashtable_set(vm, table, crp_fixnum((int64_t)below(LARGE)), any()));
    return table;
}

static crp_word new_text(crp *vm)
{
    char text[2000];
    crp_word string, slice;
    memset(text, 'a', sizeof text);
    NEVER(crp_string(vm, text, 100 + below(sizeof text - 100), &string));
    NEVER(crpi_str_slice(vm, CRP_STRING, string, 3, 50, &slice));
    return slice;
}

static void change_table(crp *vm, crp_word w)
{
    if (!crp_is_a(w, CRP_HASHTABLE)) return;
    crp_word key = crp_fixnum((int64_t)below(LARGE)), found;
    if (below(3) == 0 && crp_hashtable_get(vm, w, key, &found)) *place() = found;
    if (below(2)) crpi_map_remove(vm, crpi_map_of(w), key);
    else if (crp_hashtable_set(vm, w, below(4) ? key : any(), any())) crp_clear_error(vm); /* a cycle is no key */
    if (below(200) == 0) crpi_map_clear(vm, crpi_map_of(w));
}

static void change(crp *vm)
{
    crp_word w = any(), *a = inner(w), *b = inner(any());
    switch (below(KINDS)) {
    case 0: *place() = new_list(vm); break;
    case 1: if (below(8) == 0) *place() = new_array(vm); break;
    case 2: if (below(8) == 0) *place() = new_table(vm); break;
    case 3: *place() = new_text(vm); break;
    case 4: /* what was in an object is only here from now on */
        if (!a) break;
        *place() = *a;
        crpi_store(vm, &vm->heap, a, CRP_NIL);
        break;
    case 5:
    case 6: if (a && b) exchange(vm, a, b); break;
    case 7: if (a) exchange(vm, a, place()); break;
    case 8: *place() = a ? *a : CRP_NIL; break;
    default: change_table(vm, w);
    }
    bare_forget(vm);
}

/* The words that the kept ones reach, looked at in every way in which a lost one would show. */
static size_t read_all(crp *vm, crp_word w, int depth)
{
    size_t sum = 1, length;
    crp_word key, value;
    if (depth == 0) return sum;
    if (crp_is_pair(w)) return sum + read_all(vm, crp_head(w), depth - 1) + read_all(vm, crp_tail(w), depth - 1);
    if (crp_is_a(w, CRP_STRING)) {
        NEVER(crp_string_data(w, &length)[49] != 'a' || length != 50);
    }
    if (crp_is_a(w, CRP_ARRAY))
        for (size_t i = 0; i < crpi_array_of(w)->count; i += 97) sum += read_all(vm, crpi_array_of(w)->items[i], depth - 1);
    if (crp_is_a(w, CRP_HASHTABLE))
        for (size_t at = 0, n = 0; n < 20 && crpi_map_next(crpi_map_of(w), &at, &key, &value); n++)
            sum += read_all(vm, value, depth - 1);
    return sum;
}

static void play(crp *vm, int turns)
{
    for (int i = 0; i < NODES; i++) bare_keep(CRP_NIL);
    for (int i = 0; i < turns; i++) {
        change(vm);
        if (i % 100 == 0) read_all(vm, any(), 6);
    }
}

/* With the proof that the stress mode has. */
START_TEST(no_change_between_two_steps_loses_what_is_reached)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        crp *vm = bare_open();
        vm->heap.stress_every = vm->heap.stress_left = 1 + (unsigned)seed % 3 * 6;
        vm->heap.stress_state = (uint32_t)seed * 7919;
        state = seed * 0x9e3779b97f4a7c15u;
        play(vm, 10000);
        ck_assert_uint_gt(vm->heap.collections, 10);
        bare_close(vm);
    }
}
END_TEST

/* --- a large heap ---------------------------------------------------------------------------------------------------- */

static unsigned steps;

static void count_steps(crp *vm, bool begins)
{
    (void)vm;
    steps += begins;
}

/* A List of n Strings, each in a List of its own. */
static crp_word large_list(crp *vm, size_t n)
{
    crp_word *list = &bare_kept[bare_kept_count], item, string;
    bare_keep(CRP_NIL);
    for (size_t i = 0; i < n; i++) {
        string = integer(vm, INT64_MAX - (int64_t)i);
        NEVER(crp_cons(vm, string, CRP_NIL, &item));
        NEVER(crp_cons(vm, item, *list, list));
        bare_forget(vm);
    }
    return *list;
}

static void check_list(crp_word list, size_t n)
{
    for (; n-- > 0; list = crp_tail(list))
        NEVER(crp_integer_value(crp_head(crp_head(list))) != INT64_MAX - (int64_t)n);
    ck_assert_uint_eq(list, CRP_NIL);
}

static void garbage_until(crp *vm, crpi_phase phase)
{
    crp_word garbage;
    while (vm->heap.phase != phase) {
        NEVER(crp_cons(vm, CRP_NIL, CRP_NIL, &garbage));
        bare_forget(vm);
    }
}

START_TEST(a_large_heap_is_collected_in_many_steps_and_stays_within_twice_what_lives)
{
    enum { ITEMS = 200000 };
    crp *vm = bare_open();
    crp_word list = large_list(vm, ITEMS), garbage;
    crpi_collect(vm);
    size_t used = vm->mem.used;
    uint64_t before = vm->heap.collections;
    vm->heap.pause = count_steps;
    vm->mem.peak = 0;
    for (int i = 0; i < 2000000; i++) {
        NEVER(crp_cons(vm, crp_fixnum(i), CRP_NIL, &garbage));
        bare_forget(vm);
    }
    ck_assert_uint_ge(vm->heap.collections, before + 2);
    ck_assert_uint_gt(steps, 50 * (vm->heap.collections - before));
    ck_assert_uint_lt(vm->mem.peak, used * 5 / 2);
    check_list(list, ITEMS);
    bare_close(vm);
}
END_TEST

START_TEST(what_is_outside_of_the_heap_goes_soon_after_its_objects)
{
    crp *vm = bare_open();
    large_list(vm, 200000);
    crpi_collect(vm);
    size_t used = vm->mem.used;
    vm->mem.peak = 0;
    for (int i = 0; i < 4000; i++) {
        crp_word buffer;
        NEVER(crp_buffer(vm, 100000, &buffer));
        bare_forget(vm);
    }
    ck_assert_uint_lt(vm->mem.peak, used * 3);
    bare_close(vm);
}
END_TEST

/* A cycle is under way that keeps a Buffer of a megabyte, which is dead by now; gives the memory in use. */
static size_t buffer_dies_while_marking(crp *vm)
{
    crp_word buffer;
    large_list(vm, 200000);
    crpi_collect(vm);
    garbage_until(vm, CRPI_MARKING);
    NEVER(crp_buffer(vm, 1 << 20, &buffer));
    bare_forget(vm);
    return vm->mem.used;
}

START_TEST(a_collection_that_is_asked_for_is_whole)
{
    crp *vm = bare_open();
    size_t used = buffer_dies_while_marking(vm);
    ck_assert_int_eq(vm->heap.phase, CRPI_MARKING);
    crpi_collect(vm);
    ck_assert_int_eq(vm->heap.phase, CRPI_IDLE);
    ck_assert_uint_lt(vm->mem.used, used - (1 << 20));
    bare_close(vm);
}
END_TEST

START_TEST(entries_that_move_together_while_a_table_is_marked_are_not_passed_over)
{
    enum { ENTRIES = 60000 };
    crp *vm = bare_open();
    crp_word table, value;
    NEVER(crp_hashtable(vm, &table));
    bare_keep(table);
    large_list(vm, 200000);
    for (int i = 0; i < ENTRIES; i++) {
        NEVER(crp_hashtable_set(vm, table, crp_fixnum(i), integer(vm, INT64_MAX - i)));
        bare_forget(vm);
    }
    int removed = 0, next = ENTRIES;
    for (uint64_t end = vm->heap.collections + 6; vm->heap.collections < end; removed += 2) {
        crpi_map_remove(vm, crpi_map_of(table), crp_fixnum(removed));
        crpi_map_remove(vm, crpi_map_of(table), crp_fixnum(removed + 1));
        for (int i = 0; i < 2; i++, next++)
            NEVER(crp_hashtable_set(vm, table, crp_fixnum(next), integer(vm, INT64_MAX - next)));
        bare_forget(vm);
    }
    for (; removed < next; removed++) {
        ck_assert(crp_hashtable_get(vm, table, crp_fixnum(removed), &value));
        ck_assert_int_eq(crp_integer_value(value), INT64_MAX - removed);
    }
    bare_close(vm);
}
END_TEST

START_TEST(a_collection_that_need_not_be_now_takes_steps_and_drops_what_is_dead_by_then)
{
    crp *vm = bare_open();
    size_t used = buffer_dies_while_marking(vm);
    uint32_t cycle = 0;
    vm->heap.pause = count_steps;
    while (!crpi_collect_soon(vm, &cycle)) continue;
    ck_assert_uint_gt(steps, 50);
    ck_assert_uint_lt(vm->mem.used, used - (1 << 20));
    bare_close(vm);
}
END_TEST

START_TEST(a_weak_table_gives_away_no_dead_object_and_one_that_it_gave_away_lives)
{
    enum { BUFFERS = 20000 };
    crp *vm = bare_open();
    crp_word array, last = CRP_NIL, dead, given;
    large_list(vm, 200000);
    NEVER(crpi_array_new(vm, BUFFERS, &array));
    bare_keep(array);
    for (int i = 0; i < BUFFERS; i++) {
        NEVER(crp_buffer(vm, 0, &last));
        crpi_array_of(array)->items[i] = last;
    }
    NEVER(crp_buffer(vm, 0, &dead));
    NEVER(crp_buffer(vm, 10, &given));
    bare_forget(vm);
    crpi_collect(vm);
    NEVER(crp_buffer(vm, 0, &dead));
    NEVER(crp_buffer(vm, 10, &given));
    bare_forget(vm);
    garbage_until(vm, CRPI_MARKING);
    ck_assert(crpi_is_alive(vm, given));
    bare_keep(given);
    garbage_until(vm, CRPI_SWEEPING);
    ck_assert(!crpi_is_alive(vm, dead));
    ck_assert(crpi_is_alive(vm, given) && crpi_is_alive(vm, last));
    garbage_until(vm, CRPI_IDLE);
    ck_assert_uint_eq(crpi_buffer_of(given)->capacity, 10);
    bare_close(vm);
}
END_TEST

/* --- scripts ----------------------------------------------------------------------------------------------------------- */

static const char graph[] =
    "(class Node (interface (properties (one Object) (two Object) (n Integer))))\n"
    "(set ::all (create Array 40)) (set ::nodes (create Array 40)) (set ::table (create HashTable)) (set ::seed 12345) (set ::left 3)\n"
    "(defun Integer below ((n Integer))\n"
    "    (set ::seed (% (+ (* ::seed 1103515245) 12345) 2147483648))\n"
    "    (% (/ ::seed 65536) n))\n"
    "(defun Object some () (::all.get (below 40)))\n"
    "(defun NIL put (what) (::all.set (below 40) what))\n"
    "(defun Node node (one two (n Integer))\n"
    "    (local (made Node (create Node)))\n"
    "    (made.one one) (made.two two) (made.n n)\n"
    "    made)\n"
    "(defun NIL change ((i Integer))\n"
    "    (local (a Object (some)) (b Object (some)) (k Integer (below 6)) (kept Object)\n"
    "           (m Object (::nodes.get (below 40))))\n"
    "    (cond\n"
    "        ((== k 0) (set kept (node a b i)) (put kept) (::nodes.set (below 40) kept))\n"
    "        ((== k 1) (if m (do (set kept m.one) (m.one b) (put kept))))\n"
    "        ((== k 2) (put (list a b i)))\n"
    "        ((== k 3) (::table.set (below 30) a) (put (::table.get (below 30))))\n"
    "        ((== k 4) (::table.remove (below 30)))\n"
    "        (true (if m (do (put m.two) (m.two ()))))))\n";

START_TEST(objects_and_tasks_that_change_between_two_steps_lose_nothing)
{
    static const char run[] =
        "(defun NIL work ((n Integer))\n"
        "    (local (mine Object (some)) (kept List))\n"
        "    (for i (range 0 60)\n"
        "        (change i)\n"
        "        (set kept (cons mine kept))\n"
        "        (set mine (some))\n"
        "        (if (== (% i 20) 0) (set kept ()))\n"
        "        (sleep 0))\n"
        "    (set ::left (- ::left 1)))\n"
        "(for i (range 0 3) (task (work i)))\n"
        "(while (> ::left 0) (change 1) (sleep 0))\n";
    crp *vm = NULL;
    NEVER(crp_new(NULL, &vm));
    NEVER(crp_eval(vm, graph, sizeof graph - 1, "graph", NULL));
    vm->heap.stress_every = vm->heap.stress_left = 1;
    crp_status st = crp_eval(vm, run, sizeof run - 1, "run", NULL);
    crp_error_info info = {.size = sizeof info};
    if (st) crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_msg(!st, "%s", st ? info.message : "");
    ck_assert_uint_gt(vm->heap.collections, 10);
    crp_free(vm);
}
END_TEST

UNIT_MAIN("heap", no_change_between_two_steps_loses_what_is_reached,
          a_large_heap_is_collected_in_many_steps_and_stays_within_twice_what_lives,
          what_is_outside_of_the_heap_goes_soon_after_its_objects, a_collection_that_is_asked_for_is_whole,
          entries_that_move_together_while_a_table_is_marked_are_not_passed_over,
          a_collection_that_need_not_be_now_takes_steps_and_drops_what_is_dead_by_then,
          a_weak_table_gives_away_no_dead_object_and_one_that_it_gave_away_lives,
          objects_and_tasks_that_change_between_two_steps_lose_nothing)
