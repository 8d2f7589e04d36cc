/* floor 7: unique: each item once.
 *
 * Items are looked up by a hash that equal values share, whatever they are: keys have one already (value.h);
 * of what may not be a key, because it can change, the first few hundred parts are hashed.  It is used at
 * once, so change does no harm here.  What the hash lets through, == decides.
 */
#include "lib-walk.h"

#include <string.h>
#include "map.h"
#include "str.h"
#include "value.h"

enum { MOST_PARTS = 500, MOST_NESTED = 32, LEAST_SLOTS = 16 };

typedef struct unique {
    crpi_turns turns;
    crpi_gather gather; /* for the result */
    struct seen {
        crp_word item;
        uint64_t hash;
    } *seen;
    size_t count, room;
    uint32_t *slots; /* place in `seen` + 1; 0 empty */
    size_t slot_count;
} unique;

static unique *state_of(const crp_call *c) { return c->state; }

static void mark_state(crp *vm, void *state, crp_marker mark)
{
    const unique *u = state;
    crpi_turns_mark(vm, state, mark);
    crpi_gather_mark(vm, &u->gather, mark);
    for (size_t i = 0; i < u->count; i++) mark(vm, u->seen[i].item);
}

static void drop_state(crp *vm, void *state)
{
    unique *u = state;
    crpi_turns_drop(vm, state);
    crpi_gather_drop(vm, &u->gather);
    crp_free_bytes(vm, u->seen, u->room * sizeof *u->seen);
    crp_free_bytes(vm, u->slots, u->slot_count * sizeof *u->slots);
    u->seen = NULL;
    u->slots = NULL;
}

/* --- the hash ------------------------------------------------------------------------------------------- */

typedef struct parts {
    crp_word open[MOST_NESTED]; /* Lists and Arrays that are gone through */
    size_t at[MOST_NESTED], depth;
} parts;

static bool next_part(parts *p, crp_word *part)
{
    crp_word *open = &p->open[p->depth - 1];
    if (crp_is_pair(*open)) {
        *part = crp_head(*open);
        *open = crp_tail(*open);
        return true;
    }
    if (!crp_is_a(*open, CRP_ARRAY) || p->at[p->depth - 1] == crpi_array_of(*open)->count) return false;
    *part = crpi_array_of(*open)->items[p->at[p->depth - 1]++];
    return true;
}

static uint64_t hash_of_one(crp *vm, crp_word w);

/* Equal tables may have their entries in any order, so all of them are added up; a value counts by itself,
 * not by what is in it. */
static uint64_t hash_of_table(crp *vm, const crpi_map *map)
{
    uint64_t sum = map->live;
    for (size_t i = 0; i < map->used; i++) {
        const crpi_map_entry *e = &map->entries[i];
        crp_word value = crpi_behind(e->value);
        if (e->key == CRP_UNSET) continue;
        uint64_t hash = crp_is_a(value, CRP_HASHTABLE) ? crpi_map_of(value)->live : hash_of_one(vm, value);
        sum += (e->hash ^ hash) * 0x9e3779b97f4a7c15u;
    }
    return sum;
}

static uint64_t hash_of_error(crp *vm, crp_word w)
{
    int error_class, code;
    const char *text;
    size_t n;
    crp_error_get(vm, w, &error_class, &code, &text, &n);
    return crpi_hash_bytes(vm->hash_seed, text, n) + (uint64_t)error_class * 1000 + (uint64_t)code;
}

/* Of a List or an Array only that it is one: its parts come by themselves. */
static uint64_t hash_of_one(crp *vm, crp_word w)
{
    uint64_t hash, class_id = crp_class_of(w);
    const unsigned char *bytes;
    size_t n;
    w = crpi_behind(w);
    if (crp_is_a(w, CRP_ERROR)) return hash_of_error(vm, w);
    if (crp_is_a(w, CRP_HASHTABLE)) return hash_of_table(vm, crpi_map_of(w));
    if (crpi_hash_of(vm, w, &hash)) return hash;
    if (crp_is_a(w, CRP_BUFFER) && crp_bytes(w, &bytes, &n)) return crpi_hash_bytes(vm->hash_seed, bytes, n);
    return crpi_hash_bytes(vm->hash_seed, &class_id, sizeof class_id);
}

static uint64_t hash_of(crp *vm, crp_word w)
{
    parts p = {.depth = 0};
    uint64_t hash = 0;
    for (int n = 0; n < MOST_PARTS; n++) {
        crp_word inside = crpi_behind(w);
        hash = (hash ^ hash_of_one(vm, w)) * 0x9e3779b97f4a7c15u;
        if ((crp_is_pair(w) || crp_is_a(inside, CRP_ARRAY)) && p.depth < MOST_NESTED) {
            p.at[p.depth] = 0;
            p.open[p.depth++] = inside;
        }
        while (p.depth > 0 && !next_part(&p, &w)) p.depth--;
        if (p.depth == 0) break;
    }
    return hash ^ hash >> 32;
}

/* --- the table ------------------------------------------------------------------------------------------ */

static void place(unique *u, size_t i)
{
    size_t mask = u->slot_count - 1, at = u->seen[i].hash & mask;
    while (u->slots[at]) at = (at + 1) & mask;
    u->slots[at] = (uint32_t)i + 1;
}

static crp_status make_room(crp *vm, unique *u)
{
    if (u->count >= UINT32_MAX / 2) return crp_no_memory(vm);
    if (!crpi_mem_grow(&vm->mem, &u->seen, &u->room, u->count + 1, sizeof *u->seen)) return crp_no_memory(vm);
    if ((u->count + 1) * 2 <= u->slot_count) return CRP_OK;
    size_t wider = u->slot_count ? u->slot_count * 2 : LEAST_SLOTS;
    uint32_t *slots = crp_alloc(vm, wider * sizeof *slots);
    if (!slots) return CRP_E_NOMEM;
    memset(slots, 0, wider * sizeof *slots);
    crp_free_bytes(vm, u->slots, u->slot_count * sizeof *slots);
    u->slots = slots;
    u->slot_count = wider;
    for (size_t i = 0; i < u->count; i++) place(u, i);
    return CRP_OK;
}

static bool was_seen(crp *vm, const unique *u, crp_word item, uint64_t hash)
{
    size_t mask = u->slot_count - 1;
    for (size_t at = hash & mask; u->slot_count && u->slots[at]; at = (at + 1) & mask) {
        const struct seen *s = &u->seen[u->slots[at] - 1];
        if (s->hash == hash && crp_equal(vm, s->item, item)) return true;
    }
    return false;
}

static crp_status unique_begin(crp_call *c, bool *done)
{
    (void)done;
    crpi_gather_begin(&state_of(c)->gather, crpi_turns_walks(c)->at);
    return CRP_OK;
}

/* NaN equals nothing: there is no use in remembering it. */
static bool is_nan(crp_word w) { return crp_is_real(w) && crp_real_value(w) != crp_real_value(w); }

static crp_status unique_given(crp_call *c, crp_word item, bool *done)
{
    unique *u = state_of(c);
    uint64_t hash = hash_of(c->vm, item);
    (void)done;
    if (is_nan(item)) return crpi_gather_add(c->vm, &u->gather, item);
    if (was_seen(c->vm, u, item, hash)) return CRP_OK;
    crp_status st = make_room(c->vm, u);
    if (st) return st;
    u->seen[u->count] = (struct seen){item, hash};
    place(u, u->count++);
    return crpi_gather_add(c->vm, &u->gather, item);
}

static crp_status unique_end(crp_call *c) { return crpi_gather_end(c->vm, &state_of(c)->gather, &c->result); }

/* --- rows ----------------------------------------------------------------------------------------------- */

static const crpi_turn unique_turn = {0, 0, false, false, unique_begin, unique_given, unique_end};

static crp_status unique_of(crp_call *c) { return crpi_turns_run(c, &unique_turn, false); }
static crp_status unique_of_self(crp_call *c) { return crpi_turns_run(c, &unique_turn, true); }

#define ROW(name, spec, fn, help) {name, spec, fn, help, sizeof(unique), mark_state, drop_state}

static const crp_method functions[] = {
    ROW("unique", "Object items", unique_of,
        "Each item once, where it comes first: a List, or an Array where items is one. Equal is what == says "
        "of the built-in classes; objects of others are each their own.\n"
        "(unique '(1 2 1.0 (3) (3)))  # --> (1 2 (3))"),
    ROW(NULL, NULL, NULL, NULL)};

#define METHODS(CLASS, OPEN, CLOSE) \
    ROW("unique", CLASS, unique_of_self, \
        "Each item once, where it comes first, as the function unique does.\n" \
        "(items.unique)  # --> " OPEN "3 1 2" CLOSE), \
    ROW(NULL, NULL, NULL, NULL)

static const crp_method list_methods[] = {METHODS("List", "(", ")")};
static const crp_method array_methods[] = {METHODS("Array", "#<Array (", ")>")};

crp_status crpi_lib_sequence_unique(crp *vm)
{
    crp_status st = crp_define_functions(vm, functions);
    if (!st) st = crp_define_class_methods(vm, CRP_LIST, list_methods);
    if (!st) st = crp_define_class_methods(vm, CRP_ARRAY, array_methods);
    return st;
}
