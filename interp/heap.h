/* floor 2: the collected heap.
 *
 * Cells live in pages of 16 KiB, each page with cells of one size and a bitmap of marks on the side: pairs have no
 * header at all.  Nothing ever moves.  After a mark phase the zero bits ARE the free cells, so a plain page needs no
 * sweep: the allocator walks its bitmap and bumps through each run of zeros.  Pages whose cells own memory outside
 * the heap ("dropping" pages) are swept at once, because what they own should be given back at once.
 *
 * Roots are precise: root providers (registered), and the `fresh` log, which holds every cell that native code has
 * allocated since it was entered, so natives root nothing themselves.  The VM cuts the log when a native returns.
 */
#ifndef CARAPACE_HEAP_H
#define CARAPACE_HEAP_H

#include "types.h"
#include "mem.h"

enum { CRPI_PAGE_BYTES = 16384, CRPI_GRAIN = 16, CRPI_MAX_CELL = 2048, CRPI_BINS = 28 };

typedef struct crpi_page crpi_page;

/* What the collector knows of a class: nothing but how to mark and drop its objects. */
typedef struct crpi_kind {
    void (*mark)(crp *, crp_object *, crp_marker); /* NULL: holds no words */
    void (*drop)(crp *, crp_object *);             /* NULL: owns nothing outside */
} crpi_kind;

/* A bump allocator over the free runs of one chain of pages. */
typedef struct crpi_bin {
    char *at, *end;   /* the current run */
    crpi_page *page;  /* the page that it is in */
    crpi_page *pages; /* all pages of the bin */
    uint32_t cell;    /* bytes */
    uint32_t next;    /* cell index in `page` where the search goes on */
} crpi_bin;

typedef void (*crpi_roots)(crp *, crp_marker);

typedef struct crpi_heap {
    crpi_mem *mem;
    crpi_bin pairs;
    crpi_bin plain[CRPI_BINS], dropping[CRPI_BINS];
    crpi_kind *kinds; /* by class number */
    size_t kind_count, kind_capacity;
    crp_word *fresh;
    size_t fresh_count, fresh_capacity;
    crp_word *gray; /* the mark stack */
    size_t gray_count, gray_capacity;
    bool gray_overflow;
    bool collecting, marking;
    crpi_roots roots[8];
    int root_count;
    struct crpi_arena *arenas;
    crpi_page *spare; /* pages in no bin */
    size_t handed_out;   /* bytes of runs given to the bins since the last collection */
    size_t threshold;    /* collect when so much has been handed out ... */
    size_t mem_trigger;  /* ... or when memory in use has grown to this */
    size_t live;         /* cell bytes that the last mark phase found */
    uint64_t collections;
    uint64_t allocations;  /* counted in stress mode only */
    unsigned stress_every; /* 0: off; n: a collection at every n-th allocation */
    unsigned stress_left;
} crpi_heap;

bool crpi_heap_init(crp *, crpi_heap *, crpi_mem *);
void crpi_heap_free(crp *, crpi_heap *); /* drops every object */
bool crpi_heap_kind(crpi_heap *, uint32_t class_id, crpi_kind);
bool crpi_heap_roots(crpi_heap *, crpi_roots);

/* The slow half of an allocation: the next free run, after a collection if one is due; NULL with 1.16 recorded. */
void *crpi_heap_refill(crp *, crpi_heap *, crpi_bin *);

/* A zeroed object of `bytes` (at most CRPI_MAX_CELL) with its header set, remembered in the fresh log; NULL with
 * 1.16 recorded. */
void *crpi_new(crp *, uint32_t class_id, size_t bytes);
/* The same for the VM, which keeps the word in a register at once. */
void *crpi_new_unlogged(crp *, uint32_t class_id, size_t bytes);
crp_pair *crpi_new_pair(crp *, crp_word head, crp_word tail);          /* logged */
crp_pair *crpi_new_pair_unlogged(crp *, crp_word head, crp_word tail); /* head and tail must be rooted */

bool crpi_log_fresh(crp *, crp_word); /* false: 1.16 is recorded */
void crpi_collect(crp *);
bool crpi_is_marked(crp_word); /* after a mark phase: weak tables ask this */

/* The store that every pointer into a heap object goes through.  An incremental marker needs to see the old
 * value; while marking is not under way it is a plain store. */
void crpi_barrier(crp *, crp_word old);
static inline void crpi_store(crp *vm, crpi_heap *heap, crp_word *slot, crp_word value)
{
    if (__builtin_expect(heap->marking, 0)) crpi_barrier(vm, *slot);
    *slot = value;
}

#endif
