/* floor 2: sweeping: what is dead is dropped, pages and arenas without a live cell go back.
 *
 * A bin's pages are swept in their order, by the allocator when it comes to one, and by steps.  What owns something
 * outside the heap comes first.  Arenas go when all pages have been swept: until then a `drop` may ask whether another
 * object lives, and its page must be there.
 */
#include "heap-page.h"

#include <string.h>
#include "state.h"

enum { POISON = 0xDB };
enum { PAGE_WORK = 2, ARENA_WORK = 800 }; /* dropping an object is 1, and 1 for each 4 KiB that it gives back */

/* Goes on where the bin's last call ended; false: `most` work has been done before the end. */
static bool drop_dead(crp *vm, crpi_bin *bin, crpi_page *page, size_t most)
{
    crpi_heap *heap = &vm->heap;
    for (uint32_t n = crpi_cells_in(page); bin->dropped < n; bin->dropped++) {
        crp_object *o = (crp_object *)(void *)crpi_cell_at(page, bin->dropped);
        if (o->class_id == 0 || crpi_bit(page->marks, crpi_cell_bit(page, bin->dropped))) continue;
        if (heap->work >= most) return false;
        size_t before = heap->mem->used;
        heap->kinds[o->class_id].drop(vm, o);
        o->class_id = 0;
        heap->work += 1 + (before - heap->mem->used) / 4096;
    }
    bin->dropped = 0;
    return true;
}

static void poison(crpi_page *page)
{
    for (uint32_t i = 0, n = crpi_cells_in(page); i < n; i++)
        if (!crpi_bit(page->taken, crpi_cell_bit(page, i))) {
            size_t keep = page->sort == CRPI_DROPPING ? sizeof(crp_object) : 0;
            memset(crpi_cell_at(page, i) + keep, POISON, page->cell - keep);
        }
}

static uint32_t live_cells(const crpi_page *page)
{
    int n = 0;
    for (int i = 0; i < CRPI_MARK_WORDS; i++) n += __builtin_popcountll(page->marks[i]);
    return (uint32_t)n;
}

/* --- arenas ------------------------------------------------------------------------------------------------------ */

static void link_spare(crpi_heap *heap, crpi_arena *arena)
{
    arena->spare_previous = NULL;
    arena->spare_next = heap->spare;
    if (heap->spare) heap->spare->spare_previous = arena;
    heap->spare = arena;
}

static void unlink_spare(crpi_heap *heap, crpi_arena *arena)
{
    if (arena->spare_previous) arena->spare_previous->spare_next = arena->spare_next;
    else heap->spare = arena->spare_next;
    if (arena->spare_next) arena->spare_next->spare_previous = arena->spare_previous;
}

void crpi_page_put(crpi_heap *heap, crpi_page *page)
{
    crpi_arena *arena = page->arena;
    page->next = arena->spare;
    arena->spare = page;
    if (arena->spare_pages++ == 0) link_spare(heap, arena);
}

crpi_page *crpi_page_take(crpi_heap *heap)
{
    crpi_arena *arena = heap->spare;
    crpi_page *page = arena->spare;
    arena->spare = page->next;
    if (--arena->spare_pages == 0) unlink_spare(heap, arena);
    return page;
}

void crpi_arena_link(crpi_heap *heap, crpi_arena *arena)
{
    arena->previous = NULL;
    arena->next = heap->arenas;
    if (heap->arenas) heap->arenas->previous = arena;
    heap->arenas = arena;
    heap->arena_bytes += arena->bytes;
    heap->mem_trigger += arena->bytes; /* room for cells is counted as it is handed out */
}

static void free_arena(crpi_heap *heap, crpi_arena *arena)
{
    unlink_spare(heap, arena);
    if (arena->previous) arena->previous->next = arena->next;
    else heap->arenas = arena->next;
    if (arena->next) arena->next->previous = arena->previous;
    heap->arena_bytes -= arena->bytes;
    heap->mem_trigger -= arena->bytes;
    crpi_mem_free(heap->mem, arena, arena->bytes);
}

/* Gives arenas with no page in use back to the host; one stays for what comes next. */
static bool free_arenas(crpi_heap *heap, size_t most)
{
    while (heap->returning) {
        if (heap->work >= most) return false;
        crpi_arena *arena = heap->returning;
        heap->returning = arena->next;
        if (arena->spare_pages < arena->pages) continue;
        if (!heap->kept_arena) {
            heap->kept_arena = true;
            continue;
        }
        free_arena(heap, arena);
        heap->work += ARENA_WORK;
    }
    return true;
}

/* --- pages ------------------------------------------------------------------------------------------------------- */

void crpi_sweep_begin(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    for (unsigned i = 0; i < CRPI_ALL_BINS; i++) {
        crpi_bin *bin = crpi_bin_at(heap, i);
        bin->at = bin->end = NULL;
        bin->page = NULL;
        bin->search = bin->unswept = &bin->pages;
    }
    heap->sweeping = 0;
    heap->returning = NULL;
    heap->cycle++;
    heap->phase = CRPI_SWEEPING;
}

/* What is given back must not put off the next step. */
static bool drop_page(crp *vm, crpi_bin *bin, crpi_page *page, size_t most)
{
    crpi_heap *heap = &vm->heap;
    bool collecting = heap->collecting;
    size_t before = heap->mem->used;
    heap->collecting = true;
    bool done = drop_dead(vm, bin, page, most);
    heap->collecting = collecting;
    heap->mem_trigger -= before - heap->mem->used;
    heap->paid_outside -= before - heap->mem->used;
    return done;
}

/* Takes the page that was to be swept to the front, where nothing is searched. */
static void pass_by(crpi_bin *bin, crpi_page *page)
{
    *bin->unswept = page->next;
    page->next = bin->pages;
    if (bin->search == &bin->pages) bin->search = &page->next;
    if (bin->unswept == &bin->pages) bin->unswept = &page->next;
    bin->pages = page;
}

bool crpi_sweep_page(crp *vm, crpi_bin *bin, size_t most)
{
    crpi_heap *heap = &vm->heap;
    crpi_page *page = *bin->unswept;
    if (!page || (page->sort == CRPI_DROPPING && !drop_page(vm, bin, page, most))) return false;
    uint32_t live = live_cells(page);
    memcpy(page->taken, page->marks, sizeof page->taken);
    memset(page->marks, 0, sizeof page->marks);
    page->swept = heap->cycle;
    heap->work += PAGE_WORK;
    if (live && heap->stress_every) poison(page);
    if (live == crpi_cells_in(page)) {
        pass_by(bin, page);
    } else if (live) {
        bin->unswept = &page->next;
    } else {
        *bin->unswept = page->next;
        crpi_page_put(heap, page);
    }
    return true;
}

static bool sweep_bins(crp *vm, size_t pages, size_t most)
{
    crpi_heap *heap = &vm->heap;
    while (heap->sweeping < CRPI_ALL_BINS) {
        if (pages == 0 || heap->work >= most) return false;
        crpi_bin *bin = crpi_bin_at(heap, heap->sweeping);
        if (crpi_sweep_page(vm, bin, most)) pages--;
        else if (!*bin->unswept && ++heap->sweeping == CRPI_ALL_BINS) {
            heap->returning = heap->arenas;
            heap->kept_arena = false;
        }
    }
    return true;
}

bool crpi_sweep_some(crp *vm, size_t pages, size_t most)
{
    vm->heap.work = 0;
    if (!sweep_bins(vm, pages, most) || !free_arenas(&vm->heap, most)) return false;
    vm->heap.phase = CRPI_IDLE;
    return true;
}

void crpi_drop_all(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    heap->phase = CRPI_IDLE;
    for (int i = 0; i < CRPI_BINS; i++)
        for (crpi_page *page = heap->dropping[i].pages; page; page = page->next) memset(page->marks, 0, sizeof page->marks);
    for (int i = 0; i < CRPI_BINS; i++)
        for (crpi_page *page = heap->dropping[i].pages; page; page = page->next) {
            heap->dropping[i].dropped = 0;
            drop_dead(vm, &heap->dropping[i], page, SIZE_MAX);
        }
}

/* --- what others ask --------------------------------------------------------------------------------------------- */

static bool survives(const crpi_heap *heap, crp_word w)
{
    const crpi_page *page = crpi_page_of(w);
    return crpi_bit(page->swept == heap->cycle ? page->taken : page->marks, crpi_bit_of(w));
}

bool crpi_is_marked(crp *vm, crp_word w) { return !crpi_is_cell(w) || (vm->heap.phase == CRPI_SWEEPING && survives(&vm->heap, w)); }

bool crpi_is_alive(crp *vm, crp_word w)
{
    crpi_heap *heap = &vm->heap;
    if (heap->marking) crpi_mark_word(vm, w);
    return heap->phase != CRPI_SWEEPING || crpi_page_of(w)->swept == heap->cycle || survives(heap, w);
}
