/* floor 2: what the parts of the collector share: pages, arenas, and the steps of a cycle.
 *
 * heap.c hands out cells, mark.c finds what is alive, sweep.c gives back what is not, collect.c decides when; verify.c
 * proves, in the stress mode, that nothing alive is given back.
 */
#ifndef CARAPACE_HEAP_PAGE_H
#define CARAPACE_HEAP_PAGE_H

#include "heap.h"

enum { CRPI_MARK_WORDS = CRPI_PAGE_BYTES / CRPI_GRAIN / 64, CRPI_ALL_BINS = 1 + 2 * CRPI_BINS };
typedef enum crpi_sort { CRPI_PLAIN, CRPI_PAIRS, CRPI_DROPPING } crpi_sort;

/* Bit i of a bitmap stands for the 16 bytes at i * 16 from the page's start; a cell's bit is that of its first.  `marks`
 * is what the cycle under way has found, and has no bit set outside of one; `taken` is what the last cycle had found when
 * the page was swept: where it has a zero the allocator may put a cell. */
struct crpi_page {
    uint64_t marks[CRPI_MARK_WORDS], taken[CRPI_MARK_WORDS];
    crpi_page *next;
    struct crpi_arena *arena;
    uint64_t *found; /* while the marks are verified: what they were */
    uint32_t cell;   /* bytes */
    uint16_t sort;   /* a crpi_sort */
    uint16_t swept;  /* the heap's cycle, once this page has been swept after it */
};

/* Pages that come from the host together and go back together. */
typedef struct crpi_arena {
    struct crpi_arena *next, *previous;
    struct crpi_arena *spare_next, *spare_previous; /* among those with a page that is in no bin */
    crpi_page *spare;
    size_t bytes;
    size_t pages, spare_pages;
} crpi_arena;

enum { CRPI_FIRST_CELL = (sizeof(crpi_page) + CRPI_GRAIN - 1) / CRPI_GRAIN * CRPI_GRAIN };

static inline crpi_page *crpi_page_of(crp_word w)
{
    return (crpi_page *)(uintptr_t)(w & ~(crp_word)(CRPI_PAGE_BYTES - 1));
}

static inline uint32_t crpi_bit_of(crp_word w) { return (uint32_t)(w & (CRPI_PAGE_BYTES - 1)) / CRPI_GRAIN; }

static inline bool crpi_bit(const uint64_t *bits, uint32_t bit) { return bits[bit / 64] >> bit % 64 & 1; }

static inline uint32_t crpi_cells_in(const crpi_page *page) { return (CRPI_PAGE_BYTES - CRPI_FIRST_CELL) / page->cell; }

static inline char *crpi_cell_at(crpi_page *page, uint32_t i) { return (char *)page + CRPI_FIRST_CELL + (size_t)i * page->cell; }

static inline uint32_t crpi_cell_bit(const crpi_page *page, uint32_t i)
{
    return (uint32_t)((CRPI_FIRST_CELL + (size_t)i * page->cell) / CRPI_GRAIN);
}

/* Numbered with those first that own something outside: they are swept first. */
static inline crpi_bin *crpi_bin_at(crpi_heap *heap, unsigned i)
{
    if (i < CRPI_BINS) return &heap->dropping[i];
    return i < 2 * CRPI_BINS ? &heap->plain[i - CRPI_BINS] : &heap->pairs;
}

/* --- sweep.c: arenas ---------------------------------------------------------------------------------------------- */

void crpi_arena_link(crpi_heap *, crpi_arena *);
void crpi_page_put(crpi_heap *, crpi_page *); /* it is in no bin any more */
crpi_page *crpi_page_take(crpi_heap *);       /* heap->spare is not NULL */

/* --- mark.c ------------------------------------------------------------------------------------------------------- */

void crpi_mark_word(crp *, crp_word);
void crpi_each_root(crp *, crp_marker);
/* Scans cells until about so many bytes have been marked, or `most` of them; true: nothing is left. */
bool crpi_mark_some(crp *, size_t bytes, size_t most);
void crpi_mark_all(crp *); /* what is left; when the mark stack could not grow, all marked cells again */
void crpi_mark_cells(crpi_bin *, bool); /* sets or takes back the marks of the run that the bin has left */
void crpi_mark_forget(crp *); /* the mark stack is empty, and what it has grown by goes */
void crpi_mark_free(crp *);   /* all of it goes */
static inline size_t crpi_marked_bytes(const crpi_heap *heap) { return heap->live + heap->sliced_bytes; }
void crpi_mark_cell(crp *, crpi_page *, char *cell, crp_marker); /* hands what the cell holds to the marker */

/* --- collect.c ---------------------------------------------------------------------------------------------------- */

void crpi_heap_rest(crpi_heap *); /* no cycle is under way: says when the next one is due */

/* --- sweep.c ------------------------------------------------------------------------------------------------------ */

void crpi_sweep_begin(crp *);
/* The bin's next page; false: all have been, or heap->work has come to `most` and something is still to be dropped. */
bool crpi_sweep_page(crp *, crpi_bin *, size_t most);
/* At most so many pages, and so much work.  True: all have been, and arenas without a page in use given back. */
bool crpi_sweep_some(crp *, size_t pages, size_t most);
void crpi_drop_all(crp *); /* of every object, at the end */

/* --- verify.c ----------------------------------------------------------------------------------------------------- */

void crpi_verify_begin(crp *); /* a cycle begins: there are no marks */
void crpi_verify_end(crp *);   /* all is marked; traps if something is not; of other cycles it knows nothing */
void crpi_verify_forget(crp *);

#endif
