/* floor 3: the hash table behind HashTable: open addressing, power of two, cached hashes.
 *
 * Keys are hashed and compared by value (value.h).  Entries stand in the order in which they were put,
 * numbered for good; a slot says where one is.  A walk remembers the number it has come to, so it goes on
 * rightly when the table changes under it, even when the entries move together: each entry that stays is
 * given once, and new ones at the end.  A removed entry leaves a mark until the next resize.
 */
#ifndef CARAPACE_MAP_H
#define CARAPACE_MAP_H

#include "state.h"

typedef struct crpi_map_entry {
    crp_word key, value; /* key CRP_UNSET: removed */
    uint32_t hash;       /* of the key, folded */
    uint32_t number;     /* ascending */
} crpi_map_entry;

typedef struct crpi_map {
    crpi_map_entry *entries; /* in order of insertion */
    size_t used, live, capacity;
    size_t first; /* what stands before this place was removed: taking one after the other is linear */
    uint32_t *slots; /* place in `entries` + 1; 0 empty */
    size_t slot_count;
    uint64_t next_number;
} crpi_map;

typedef struct crpi_hashtable {
    crp_object h;
    crpi_map map;
} crpi_hashtable;

static inline crpi_map *crpi_map_of(crp_word table) { return &((crpi_hashtable *)crp_object_of(table))->map; }

bool crpi_map_kinds(crp *); /* tells the collector of HashTables; false: no memory */

/* A key that crpi_hash refuses is 1.8; when there is no memory nothing has changed. */
crp_status crpi_map_set(crp *, crpi_map *, crp_word key, crp_word value);
bool crpi_map_get(crp *, const crpi_map *, crp_word key, crp_word *out); /* a refused key is just not there */
bool crpi_map_remove(crp *, crpi_map *, crp_word key);                    /* false: was not there */
crp_status crpi_map_reserve(crp *, crpi_map *, size_t entries);           /* room for so many in all */
bool crpi_map_next(const crpi_map *, size_t *cursor, crp_word *key, crp_word *value); /* cursor 0 at first */
void crpi_map_clear(crp *, crpi_map *); /* keeps the room */
void crpi_map_free(crp *, crpi_map *);
void crpi_map_mark(crp *, crpi_map *, crp_marker);

#endif
