/* The hash table: a dense array of entries, and slots that say where in it a key is.
 *
 * A slot is never emptied while its entry's mark stands, so a probe simply goes on over removed ones.  When
 * the entries are full they move together, into a larger array if most of them live, and the slots are made
 * anew.
 */
#include "map.h"

#include <stddef.h>
#include <string.h>
#include "value.h"

enum { LEAST_ENTRIES = 8 };
static const size_t most_entries = UINT32_MAX / 4;

static size_t slots_for(size_t entries)
{
    size_t n = LEAST_ENTRIES * 2;
    while (n < entries + entries / 2) n *= 2;
    return n;
}

/* The slot that has the key, or the empty one where its probe ends.  There always is an empty one. */
static size_t probe(const crpi_map *m, crp_word key, uint32_t hash)
{
    size_t mask = m->slot_count - 1, at = hash & mask;
    for (; m->slots[at]; at = (at + 1) & mask) {
        const crpi_map_entry *e = &m->entries[m->slots[at] - 1];
        if (e->hash == hash && (e->key == key || crpi_key_equal(e->key, key))) break;
    }
    return at;
}

static uint32_t half(uint64_t hash) { return (uint32_t)(hash >> 32 ^ hash); }

static crpi_map_entry *find(crp *vm, const crpi_map *m, crp_word key)
{
    uint64_t hash;
    if (m->live == 0 || !crpi_hash_of(vm, key, &hash)) return NULL;
    uint32_t slot = m->slots[probe(m, key, half(hash))];
    return slot ? &m->entries[slot - 1] : NULL;
}

/* --- room ----------------------------------------------------------------------------------------------- */

/* Fills the slot of the entry at this place. */
static void place(crpi_map *m, size_t at)
{
    size_t mask = m->slot_count - 1, slot = m->entries[at].hash & mask;
    while (m->slots[slot]) slot = (slot + 1) & mask;
    m->slots[slot] = (uint32_t)at + 1;
}

/* Moves what lives to the front of `entries`, which may be the array itself.  The collector may have come to a place
 * in a HashTable's. */
static void move_together(crp *vm, crpi_map *m, crpi_map_entry *entries)
{
    size_t n = 0;
    if (m->live < m->used) crpi_scan_rest(vm, (crp_object *)(void *)((char *)m - offsetof(crpi_hashtable, map)));
    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].key != CRP_UNSET) entries[n++] = m->entries[i];
    m->used = n;
    m->first = 0;
}

/* Numbers are 32 bits; when they run out, the entries are counted anew. */
static void renumber(crpi_map *m)
{
    for (size_t i = 0; i < m->used; i++) m->entries[i].number = (uint32_t)i;
    m->next_number = m->used;
}

static crp_status resize(crp *vm, crpi_map *m, size_t capacity)
{
    size_t slot_count = slots_for(capacity);
    if (capacity > most_entries) return crp_no_memory(vm);
    crpi_map_entry *entries = m->entries;
    if (capacity != m->capacity && !(entries = crp_alloc(vm, capacity * sizeof *entries))) return CRP_E_NOMEM;
    uint32_t *slots = m->slots;
    if (slot_count != m->slot_count && !(slots = crp_alloc(vm, slot_count * sizeof *slots))) {
        if (entries != m->entries) crp_free_bytes(vm, entries, capacity * sizeof *entries);
        return CRP_E_NOMEM;
    }
    if (slots != m->slots) crp_free_bytes(vm, m->slots, m->slot_count * sizeof *slots);
    memset(slots, 0, slot_count * sizeof *slots);
    m->slots = slots;
    m->slot_count = slot_count;
    move_together(vm, m, entries);
    if (entries != m->entries) crp_free_bytes(vm, m->entries, m->capacity * sizeof *entries);
    m->entries = entries;
    m->capacity = capacity;
    for (size_t i = 0; i < m->used; i++) place(m, i);
    return CRP_OK;
}

crp_status crpi_map_reserve(crp *vm, crpi_map *m, size_t entries)
{
    size_t capacity = m->capacity ? m->capacity : LEAST_ENTRIES;
    if (entries > most_entries) return crp_no_memory(vm);
    while (capacity < entries) capacity *= 2;
    return capacity > m->capacity ? resize(vm, m, capacity) : CRP_OK;
}

/* Room for one entry more: where a good part of the array is removed entries, moving together is enough,
 * and where nearly all is, half the array. */
static crp_status make_room(crp *vm, crpi_map *m)
{
    if (m->next_number > UINT32_MAX) renumber(m);
    if (m->used < m->capacity) return CRP_OK;
    if (m->capacity == 0) return resize(vm, m, LEAST_ENTRIES);
    size_t capacity = m->capacity;
    if (m->live > capacity / 4 * 3) capacity *= 2;
    else if (m->live < capacity / 8 && capacity > LEAST_ENTRIES) capacity /= 2;
    return resize(vm, m, capacity);
}

/* --- entries -------------------------------------------------------------------------------------------- */

crp_status crpi_map_set(crp *vm, crpi_map *m, crp_word key, crp_word value)
{
    uint64_t hash;
    if (!crpi_hash(vm, key, &hash)) return CRP_E_RAISED;
    if (m->slot_count) {
        uint32_t slot = m->slots[probe(m, key, half(hash))];
        if (slot) {
            crpi_store(vm, &vm->heap, &m->entries[slot - 1].value, value);
            return CRP_OK;
        }
    }
    crp_status st = make_room(vm, m);
    if (st) return st;
    m->entries[m->used] = (crpi_map_entry){key, value, half(hash), (uint32_t)m->next_number++};
    place(m, m->used++);
    m->live++;
    return CRP_OK;
}

bool crpi_map_get(crp *vm, const crpi_map *m, crp_word key, crp_word *out)
{
    const crpi_map_entry *e = find(vm, m, key);
    if (e) *out = e->value;
    return e != NULL;
}

static void forget(crp *vm, crpi_map_entry *e)
{
    crpi_store(vm, &vm->heap, &e->key, CRP_UNSET);
    crpi_store(vm, &vm->heap, &e->value, CRP_NIL);
}

bool crpi_map_remove(crp *vm, crpi_map *m, crp_word key)
{
    crpi_map_entry *e = find(vm, m, key);
    if (!e) return false;
    forget(vm, e);
    m->live--;
    while (m->first < m->used && m->entries[m->first].key == CRP_UNSET) m->first++;
    return true;
}

/* The first entry from the number on.  Unless entries have moved together, it is as far from the first as its
 * number. */
static size_t place_of(const crpi_map *m, size_t number)
{
    size_t low = 0, high = m->used;
    if (high == 0 || number <= m->entries[0].number) return 0;
    size_t guess = number - m->entries[0].number;
    if (guess < high && m->entries[guess].number == number) return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->entries[middle].number < number) low = middle + 1;
        else high = middle;
    }
    return low;
}

bool crpi_map_next(const crpi_map *m, size_t *cursor, crp_word *key, crp_word *value)
{
    size_t from = place_of(m, *cursor);
    for (size_t i = from < m->first ? m->first : from; i < m->used; i++) {
        const crpi_map_entry *e = &m->entries[i];
        if (e->key == CRP_UNSET) continue;
        *key = e->key;
        *value = e->value;
        *cursor = (size_t)e->number + 1;
        return true;
    }
    return false;
}

void crpi_map_clear(crp *vm, crpi_map *m)
{
    for (size_t i = 0; i < m->used; i++) forget(vm, &m->entries[i]);
    if (m->slots) memset(m->slots, 0, m->slot_count * sizeof *m->slots);
    m->used = m->live = m->first = 0;
}

void crpi_map_free(crp *vm, crpi_map *m)
{
    crpi_mem_free(&vm->mem, m->entries, m->capacity * sizeof *m->entries);
    crpi_mem_free(&vm->mem, m->slots, m->slot_count * sizeof *m->slots);
    *m = (crpi_map){0};
}

static size_t mark_entries(crp *vm, const crpi_map *m, size_t from, size_t n, crp_marker mark)
{
    size_t left = from < m->used ? m->used - from : 0; /* it may have been cleared */
    if (n > left) n = left;
    for (size_t i = from; i < from + n; i++) {
        if (crpi_is_cell(m->entries[i].key)) mark(vm, m->entries[i].key);
        if (crpi_is_cell(m->entries[i].value)) mark(vm, m->entries[i].value);
    }
    return n;
}

void crpi_map_mark(crp *vm, crpi_map *m, crp_marker mark) { mark_entries(vm, m, 0, SIZE_MAX, mark); }

/* --- HashTable ------------------------------------------------------------------------------------------ */

crp_status crp_hashtable(crp *vm, crp_word *out)
{
    crpi_hashtable *t = crpi_new(vm, CRP_HASHTABLE, sizeof *t);
    if (!t) return CRP_E_NOMEM;
    *out = crp_from_object(t);
    return CRP_OK;
}

crp_status crp_hashtable_set(crp *vm, crp_word table, crp_word key, crp_word value)
{
    return crpi_map_set(vm, crpi_map_of(table), key, value);
}

bool crp_hashtable_get(crp *vm, crp_word table, crp_word key, crp_word *out)
{
    return crpi_map_get(vm, crpi_map_of(table), key, out);
}

static void mark_table(crp *vm, crp_object *o, crp_marker mark)
{
    crpi_map_mark(vm, &((crpi_hashtable *)o)->map, mark);
}

static size_t mark_part(crp *vm, crp_object *o, size_t from, size_t n, crp_marker mark)
{
    return mark_entries(vm, &((crpi_hashtable *)o)->map, from, n, mark);
}

static void drop_table(crp *vm, crp_object *o) { crpi_map_free(vm, &((crpi_hashtable *)o)->map); }

bool crpi_map_kinds(crp *vm)
{
    crpi_heap_slice(&vm->heap, CRP_HASHTABLE, mark_part);
    return crpi_heap_kind(&vm->heap, CRP_HASHTABLE, (crpi_kind){mark_table, drop_table});
}
