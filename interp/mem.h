/* floor 0: the one allocator.
 *
 * Every byte that the interpreter uses outside a C stack comes from here: so one limit holds for all of it, and a
 * test can make the n-th allocation fail.  Callers give the size back when they free, which keeps the count exact
 * without a header on each block.
 */
#ifndef CARAPACE_MEM_H
#define CARAPACE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A host's allocator: `p` NULL allocates, `new_size` 0 frees. */
typedef void *(*crpi_realloc_fn)(void *ud, void *p, size_t old_size, size_t new_size);

typedef struct crpi_mem {
    crpi_realloc_fn fn;
    void *ud;
    size_t used, peak, limit; /* bytes; limit 0: none */
    bool at_limit;            /* 1.16 was raised: the last part of the limit is for whoever handles it */
    uint64_t count;           /* allocations and growths asked for */
    uint64_t fail_at;         /* this one fails (counted from 1), or each from here on; 0: never */
    bool fail_on;             /* true: from fail_at on all fail */
} crpi_mem;

void crpi_mem_init(crpi_mem *, crpi_realloc_fn, void *ud);
void *crpi_mem_alloc(crpi_mem *, size_t size); /* NULL when there is none; not zeroed */
void *crpi_mem_realloc(crpi_mem *, void *p, size_t old_size, size_t new_size); /* NULL: p is as it was */
void crpi_mem_free(crpi_mem *, void *p, size_t size);

/* Makes room for `need` items of `item` bytes in an array that doubles; false: no memory, nothing changed. */
bool crpi_mem_grow(crpi_mem *, void *array_pointer, size_t *capacity, size_t need, size_t item);

#endif
