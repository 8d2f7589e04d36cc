/* Pages, and handing out their cells. */
#include "heap-page.h"

#include <string.h>
#include "state.h"

enum { FIRST_ARENA = 16, NEXT_ARENA = 64, MOST_SWEPT = 64, MOST_DROPPED = 1000 };

/* --- pages --------------------------------------------------------------------------------------------------- */

/* A page's worth of sizes by sixteens, then four steps to each doubling. */
static unsigned bin_of(size_t bytes)
{
    if (bytes <= 256) return (unsigned)((bytes + 15) / 16) - 1;
    unsigned log = 63 - (unsigned)__builtin_clzll(bytes - 1); /* 8, 9 or 10 */
    return 16 + (log - 8) * 4 + (unsigned)((bytes - 1) >> (log - 2) & 3);
}

static uint32_t bin_cell(unsigned bin)
{
    if (bin < 16) return (bin + 1) * 16;
    unsigned log = 8 + (bin - 16) / 4;
    return (1u << log) + ((bin - 16) % 4 + 1) * (1u << (log - 2));
}

static bool add_arena(crpi_heap *heap)
{
    size_t pages = heap->arenas ? NEXT_ARENA : FIRST_ARENA;
    size_t bytes = sizeof(crpi_arena) + (pages + 1) * CRPI_PAGE_BYTES;
    crpi_arena *arena = crpi_mem_alloc(heap->mem, bytes);
    if (!arena) return false;
    *arena = (crpi_arena){.bytes = bytes, .pages = pages};
    crpi_arena_link(heap, arena);
    crp_word first = ((crp_word)(uintptr_t)(arena + 1) + CRPI_PAGE_BYTES - 1) & ~(crp_word)(CRPI_PAGE_BYTES - 1);
    for (size_t i = pages; i-- > 0;) {
        crpi_page *page = crpi_page_of(first + i * CRPI_PAGE_BYTES);
        page->arena = arena;
        crpi_page_put(heap, page);
    }
    return true;
}

/* Puts a page into the bin, as the one to be searched next: all before it have been. */
static bool add_page(crpi_heap *heap, crpi_bin *bin, crpi_sort sort)
{
    if (!heap->spare && !add_arena(heap)) return false;
    crpi_page *page = crpi_page_take(heap);
    memset(page->marks, 0, sizeof page->marks);
    memset(page->taken, 0, sizeof page->taken);
    if (sort == CRPI_DROPPING) /* class 0: no object there */
        memset((char *)page + CRPI_FIRST_CELL, 0, CRPI_PAGE_BYTES - CRPI_FIRST_CELL);
    page->found = NULL;
    page->cell = bin->cell;
    page->sort = (uint16_t)sort;
    page->swept = heap->cycle;
    page->next = *bin->search;
    *bin->search = page;
    if (bin->unswept == bin->search) bin->unswept = &page->next;
    return true;
}

static crpi_sort sort_of(const crpi_heap *heap, const crpi_bin *bin)
{
    if (bin == &heap->pairs) return CRPI_PAIRS;
    return bin >= heap->dropping && bin < heap->dropping + CRPI_BINS ? CRPI_DROPPING : CRPI_PLAIN;
}

/* --- allocation ---------------------------------------------------------------------------------------------- */

static bool is_taken(const crpi_page *page, uint32_t i) { return crpi_bit(page->taken, crpi_cell_bit(page, i)); }

/* The next run of free cells in the bin's current page. */
static bool next_run(crpi_bin *bin, bool single)
{
    crpi_page *page = bin->page;
    uint32_t n = crpi_cells_in(page), i = bin->next;
    while (i < n && is_taken(page, i)) i++;
    uint32_t from = i;
    while (i < n && !is_taken(page, i) && !(single && i > from)) i++;
    bin->next = i;
    if (i == from) return false;
    bin->at = crpi_cell_at(page, from);
    bin->end = crpi_cell_at(page, i);
    return true;
}

/* Goes to the bin's next page; one that has not been swept yet is, and if much has been done in vain it is false too. */
static bool next_page(crp *vm, crpi_bin *bin)
{
    size_t most = vm->heap.work + MOST_DROPPED;
    for (int n = 0; bin->search == bin->unswept; n++)
        if (n == MOST_SWEPT || !crpi_sweep_page(vm, bin, most)) return false;
    bin->page = *bin->search;
    bin->search = &bin->page->next;
    bin->next = 0;
    return true;
}

static bool find_run(crp *vm, crpi_bin *bin)
{
    crpi_heap *heap = &vm->heap;
    bool single = heap->stress_every != 0;
    if (bin->page && next_run(bin, single)) return true;
    while (next_page(vm, bin) || add_page(heap, bin, sort_of(heap, bin)))
        if (bin->page && next_run(bin, single)) return true;
    return false;
}

void *crpi_heap_refill(crp *vm, crpi_heap *heap, crpi_bin *bin)
{
    if (heap->stress_every || crpi_turn_is_due(heap)) crpi_heap_turn(vm);
    if (!find_run(vm, bin)) {
        crpi_collect(vm);
        if (!find_run(vm, bin)) {
            crp_no_memory(vm);
            return NULL;
        }
    }
    if (heap->marking) crpi_mark_cells(bin, true);
    heap->handed_out += (size_t)(bin->end - bin->at);
    char *cell = bin->at;
    bin->at += bin->cell;
    return cell;
}

static inline void *take(crp *vm, crpi_heap *heap, crpi_bin *bin)
{
    if (__builtin_expect(bin->at == bin->end, 0)) return crpi_heap_refill(vm, heap, bin);
    char *cell = bin->at;
    bin->at += bin->cell;
    return cell;
}

bool crpi_log_fresh(crp *vm, crp_word w)
{
    crpi_heap *heap = &vm->heap;
    if (heap->fresh_count == heap->fresh_capacity &&
        !crpi_mem_grow(heap->mem, &heap->fresh, &heap->fresh_capacity, heap->fresh_count + 1, sizeof *heap->fresh)) {
        crp_no_memory(vm);
        return false;
    }
    heap->fresh[heap->fresh_count++] = w;
    return true;
}

void *crpi_new_unlogged(crp *vm, uint32_t class_id, size_t bytes)
{
    crpi_heap *heap = &vm->heap;
    unsigned bin = bin_of(bytes);
    if (__builtin_expect(heap->mem->used >= heap->mem_trigger && !heap->stress_every, 0)) crpi_heap_turn(vm);
    bool drops = heap->kinds[class_id].drop != NULL;
    crp_object *o = take(vm, heap, drops ? &heap->dropping[bin] : &heap->plain[bin]);
    if (!o) return NULL;
    memset(o, 0, bytes);
    o->class_id = class_id;
    return o;
}

void *crpi_new(crp *vm, uint32_t class_id, size_t bytes)
{
    crp_object *o = crpi_new_unlogged(vm, class_id, bytes);
    if (o && !crpi_log_fresh(vm, crp_from_object(o))) return NULL;
    return o;
}

crp_pair *crpi_new_pair_unlogged(crp *vm, crp_word head, crp_word tail)
{
    crp_pair *p = take(vm, &vm->heap, &vm->heap.pairs);
    if (p) *p = (crp_pair){head, tail};
    return p;
}

crp_pair *crpi_new_pair(crp *vm, crp_word head, crp_word tail)
{
    crp_pair *p = crpi_new_pair_unlogged(vm, head, tail);
    if (p && !crpi_log_fresh(vm, crp_from_pair(p))) return NULL;
    return p;
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

bool crpi_heap_init(crp *vm, crpi_heap *heap, crpi_mem *mem)
{
    (void)vm;
    memset(heap, 0, sizeof *heap);
    heap->mem = mem;
    heap->pairs.cell = sizeof(crp_pair);
    for (unsigned i = 0; i < CRPI_BINS; i++) heap->plain[i].cell = heap->dropping[i].cell = bin_cell(i);
    for (unsigned i = 0; i < CRPI_ALL_BINS; i++) {
        crpi_bin *bin = crpi_bin_at(heap, i);
        bin->search = bin->unswept = &bin->pages;
    }
    heap->stress_left = heap->stress_every;
    crpi_heap_rest(heap);
    for (uint32_t id = 0; id < CRP_FIRST_FREE_CLASS; id++)
        if (!crpi_heap_kind(heap, id, (crpi_kind){NULL, NULL})) return false;
    return true;
}

bool crpi_heap_kind(crpi_heap *heap, uint32_t class_id, crpi_kind kind)
{
    if (!crpi_mem_grow(heap->mem, &heap->kinds, &heap->kind_capacity, class_id + 1, sizeof *heap->kinds)) return false;
    if (heap->kind_count <= class_id) heap->kind_count = class_id + 1;
    heap->kinds[class_id] = kind;
    return true;
}

void crpi_heap_slice(crpi_heap *heap, uint32_t class_id, crpi_slice slice) { heap->slices[class_id] = slice; }

bool crpi_heap_roots(crpi_heap *heap, crpi_roots roots)
{
    if (heap->root_count == (int)(sizeof heap->roots / sizeof heap->roots[0])) return false;
    heap->roots[heap->root_count++] = roots;
    return true;
}

void crpi_heap_free(crp *vm, crpi_heap *heap)
{
    heap->collecting = true;
    heap->marking = false;
    crpi_verify_forget(vm);
    crpi_drop_all(vm);
    for (crpi_arena *arena = heap->arenas; arena;) {
        crpi_arena *next = arena->next;
        crpi_mem_free(heap->mem, arena, arena->bytes);
        arena = next;
    }
    crpi_mark_free(vm);
    crpi_mem_free(heap->mem, heap->fresh, heap->fresh_capacity * sizeof *heap->fresh);
    crpi_mem_free(heap->mem, heap->kinds, heap->kind_capacity * sizeof *heap->kinds);
}
