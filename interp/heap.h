/* floor 2: the collected heap.
 *
 * Cells live in pages of 16 KiB, each page with cells of one size and bitmaps on the side: pairs have no header at all.
 * Nothing ever moves.  After a cycle the unmarked cells ARE the free ones: the allocator walks a page's bitmap and bumps
 * through each run of zeros.
 *
 * A small heap is collected at once.  A larger one in steps that take a millisecond or two, between which the program
 * runs: marking, then sweeping, a step for each few KiB that are handed out (collect.c).  Marking finds what was
 * reachable when it began, and keeps what has been allocated since.  For that, whoever overwrites or removes a word of an
 * object must hand the old one to the barrier (crpi_store), unless the object was made just now; and what changes without
 * one, the registers of a task and what its natives keep, is scanned before the task goes on (crpi_scan_now).  Who finds
 * an object by other means than a word that is marked, in a weak table, must ask crpi_is_alive.
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

/* Of a class whose objects may hold very many words: marks those of at most n places from the place `from` on, and says of
 * how many; less than n, and that was all.  Who moves words to other places calls crpi_scan_rest before. */
typedef size_t (*crpi_slice)(crp *, crp_object *, size_t from, size_t n, crp_marker);

/* A bump allocator over the free runs of one chain of pages.  In the chain stand first those that have been searched, or
 * have no free cell, then those to be searched, then those to be swept. */
typedef struct crpi_bin {
    char *at, *end;     /* the current run */
    crpi_page *page;    /* the page that it is in */
    crpi_page *pages;   /* all pages of the bin */
    crpi_page **search; /* the link to the next page to be searched */
    crpi_page **unswept; /* the link to the next page to be swept */
    uint32_t cell;      /* bytes */
    uint32_t next;      /* cell index in `page` where the search goes on */
    uint32_t dropped;   /* and in the first of `unswept`, where dropping does */
} crpi_bin;

/* Whether a marker has anything to do for the word: where there are very many, most may be small Integers. */
static inline bool crpi_is_cell(crp_word w) { return (w & 3) == 1; }

typedef void (*crpi_roots)(crp *, crp_marker);

typedef enum crpi_phase { CRPI_IDLE, CRPI_MARKING, CRPI_SWEEPING } crpi_phase;

/* An object that is being marked in slices. */
typedef struct crpi_sliced {
    crp_object *object;
    size_t from;
} crpi_sliced;

typedef struct crpi_heap {
    crpi_mem *mem;
    crpi_bin pairs;
    crpi_bin plain[CRPI_BINS], dropping[CRPI_BINS];
    crpi_kind *kinds; /* by class number */
    size_t kind_count, kind_capacity;
    crpi_slice slices[CRP_FIRST_FREE_CLASS]; /* NULL: `mark` does it all */
    crp_word *fresh;
    size_t fresh_count, fresh_capacity;
    struct crpi_gray *gray; /* the mark stack, in chunks: the top one */
    bool gray_overflow;
    crpi_sliced *sliced;
    size_t sliced_count, sliced_capacity;
    crpi_phase phase;
    bool collecting; /* the collector itself runs: it does not begin again */
    bool marking;    /* phase is CRPI_MARKING: for the barrier */
    uint16_t cycle;  /* that has swept, or sweeps: see crpi_page */
    uint32_t marking_cycle; /* the number of marks begun, from 1: what a task was scanned in */
    crpi_roots roots[8];
    int root_count;
    struct crpi_arena *arenas, *spare; /* all; those with a page that is in no bin */
    struct crpi_arena *returning;      /* while empty arenas are given back: the next to be looked at */
    bool kept_arena;                   /* and one has been kept */
    size_t arena_bytes;
    unsigned sweeping; /* the bin that is swept */
    size_t handed_out;   /* bytes of runs given to the bins since the last collection */
    size_t threshold;    /* as much is to be handed out between two */
    size_t next_step;    /* so much handed out, and a step or collection is due ... */
    size_t mem_trigger;  /* ... or memory in use grown to this */
    size_t paid_handed, paid_outside; /* what was handed out, and in use outside of pages, when the last step was due */
    size_t grown;        /* by how much the latter has since the cycle began */
    size_t debt;         /* bytes allocated that no step has paid for yet */
    size_t most_debt;    /* the cycle is not drawn out beyond this */
    size_t live;         /* cell bytes that the last mark phase found */
    size_t sliced_bytes; /* and what it scanned outside: of Arrays and HashTables */
    size_t effort;       /* what marking cost then, see collect.c */
    size_t work;         /* done in this step, roughly in units of equal time */
    uint64_t collections;
    uint64_t allocations;  /* counted in stress mode only */
    uint64_t steps;        /* the same */
    unsigned stress_every; /* 0: off; n: a collection, or a step of one, at every n-th allocation */
    unsigned stress_left;
    uint32_t stress_state; /* of the random numbers that vary the steps */
    size_t stress_step;    /* bytes marked in a step; 0: none until the cycle ends */
    unsigned stress_steps; /* left before it ends */
    struct crpi_trace *tracing, *snapshot; /* verify.c */
    void (*pause)(crp *, bool begins); /* NULL, or who is told when the collector begins to work and ends: a benchmark */
} crpi_heap;

bool crpi_heap_init(crp *, crpi_heap *, crpi_mem *);
void crpi_heap_free(crp *, crpi_heap *); /* drops every object */
bool crpi_heap_kind(crpi_heap *, uint32_t class_id, crpi_kind);
void crpi_heap_slice(crpi_heap *, uint32_t class_id, crpi_slice); /* a built-in class */
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
void crpi_collect(crp *);   /* a whole collection, now */
/* One that need not be now, step by step: called until it is true.  *cycle is 0 at first. */
bool crpi_collect_soon(crp *, uint32_t *cycle);
void crpi_heap_turn(crp *); /* a collection or a step of one, as is due */
static inline bool crpi_turn_is_due(const crpi_heap *heap)
{
    return heap->handed_out >= heap->next_step || heap->mem->used >= heap->mem_trigger;
}

bool crpi_is_marked(crp *, crp_word); /* in a `drop`: whether this other object lives on */
/* A weak table has found this object, and is about to give it away: false if it is dead, and only not dropped yet. */
bool crpi_is_alive(crp *, crp_word);

/* While marking is under way: marks all that the object holds, at once, before it changes without the barrier. */
void crpi_scan_now(crp *, crp_object *);
/* The same, if the object is being marked in slices. */
void crpi_scan_rest(crp *, crp_object *);

/* The store that every pointer into a heap object goes through.  The marker needs to see the old value; while marking is
 * not under way it is a plain store. */
void crpi_barrier(crp *, crp_word old);
static inline void crpi_store(crp *vm, crpi_heap *heap, crp_word *slot, crp_word value)
{
    if (__builtin_expect(heap->marking, 0)) crpi_barrier(vm, *slot);
    *slot = value;
}

#endif
