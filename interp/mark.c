/* floor 2: marking: the mark stack, objects in slices, and the barrier. */
#include "heap-page.h"

#include <string.h>
#include "state.h"

/* A walk down a List is put off after so many pairs, a large object after so many words. */
enum { LONGEST_WALK = 256, SLICE = 512 };
enum { CHUNK_WORDS = 510 };

typedef struct crpi_gray {
    struct crpi_gray *below;
    size_t count;
    crp_word words[CHUNK_WORDS];
} crpi_gray;

/* --- the mark stack: marked cells that are to be scanned --------------------------------------------------------- */

static bool add_chunk(crpi_heap *heap)
{
    crpi_gray *chunk = crpi_mem_alloc(heap->mem, sizeof *chunk);
    if (!chunk) return false;
    chunk->below = heap->gray;
    chunk->count = 0;
    heap->gray = chunk;
    return true;
}

static void push(crpi_heap *heap, crp_word w)
{
    if ((!heap->gray || heap->gray->count == CHUNK_WORDS) && !add_chunk(heap)) {
        heap->gray_overflow = true;
        return;
    }
    heap->gray->words[heap->gray->count++] = w;
}

static void free_chunk(crpi_heap *heap)
{
    crpi_gray *chunk = heap->gray;
    heap->gray = chunk->below;
    crpi_mem_free(heap->mem, chunk, sizeof *chunk);
}

static bool pop(crpi_heap *heap, crp_word *out)
{
    if (!heap->gray) return false;
    if (heap->gray->count == 0) {
        if (!heap->gray->below) return false;
        free_chunk(heap);
    }
    *out = heap->gray->words[--heap->gray->count];
    return true;
}

void crpi_mark_forget(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    while (heap->gray && heap->gray->below) free_chunk(heap);
    if (heap->gray) heap->gray->count = 0;
    crpi_mem_free(heap->mem, heap->sliced, heap->sliced_capacity * sizeof *heap->sliced);
    heap->sliced = NULL;
    heap->sliced_count = heap->sliced_capacity = 0;
    heap->gray_overflow = false;
}

void crpi_mark_free(crp *vm)
{
    crpi_mark_forget(vm);
    if (vm->heap.gray) free_chunk(&vm->heap);
}

/* --- marks ------------------------------------------------------------------------------------------------------- */

/* Sets the mark; false if there is nothing (more) to do for this word. */
static inline bool mark_now(crpi_heap *heap, crp_word w)
{
    if (!crpi_is_cell(w)) return false;
    crpi_page *page = crpi_page_of(w);
    uint32_t bit = crpi_bit_of(w);
    uint64_t mask = (uint64_t)1 << bit % 64;
    if (page->marks[bit / 64] & mask) return false;
    page->marks[bit / 64] |= mask;
    heap->live += page->cell;
    heap->work++;
    return true;
}

/* The same; true if the cell holds words, which are to be marked. */
static inline bool mark_gray(crpi_heap *heap, crp_word w)
{
    return mark_now(heap, w) && (crp_is_pair(w) || heap->kinds[crp_object_of(w)->class_id].mark);
}

void crpi_mark_word(crp *vm, crp_word w)
{
    if (mark_gray(&vm->heap, w)) push(&vm->heap, w);
}

void crpi_barrier(crp *vm, crp_word old) { crpi_mark_word(vm, old); }

void crp_store(crp *vm, crp_object *object, crp_word *slot, crp_word value)
{
    (void)object;
    crpi_store(vm, &vm->heap, slot, value);
}

static void set_bits(uint64_t *bits, uint32_t from, uint32_t to, uint32_t step, bool on)
{
    for (uint32_t i = from; i < to; i += step) {
        uint64_t mask = (uint64_t)1 << i % 64;
        bits[i / 64] = on ? bits[i / 64] | mask : bits[i / 64] & ~mask;
    }
}

void crpi_mark_cells(crpi_bin *bin, bool on)
{
    if (bin->at == bin->end) return;
    uint32_t from = (uint32_t)(bin->at - (char *)bin->page) / CRPI_GRAIN;
    uint32_t to = from + (uint32_t)(bin->end - bin->at) / CRPI_GRAIN;
    set_bits(bin->page->marks, from, to, bin->cell / CRPI_GRAIN, on);
}

/* --- scanning ---------------------------------------------------------------------------------------------------- */

/* The next slice of an object; what is left of it then is remembered, or marked if there is no memory for that. */
static void scan_slice(crp *vm, crp_object *o, size_t from)
{
    crpi_heap *heap = &vm->heap;
    crpi_slice slice = heap->slices[o->class_id];
    size_t n = slice(vm, o, from, SLICE, crpi_mark_word);
    heap->work += n / 8;
    heap->sliced_bytes += n * sizeof(crp_word);
    if (n < SLICE) return;
    from += n;
    if (crpi_mem_grow(heap->mem, &heap->sliced, &heap->sliced_capacity, heap->sliced_count + 1, sizeof *heap->sliced))
        heap->sliced[heap->sliced_count++] = (crpi_sliced){o, from};
    else
        slice(vm, o, from, SIZE_MAX, crpi_mark_word);
}

static void scan_object(crp *vm, crp_object *o)
{
    crpi_heap *heap = &vm->heap;
    if (o->class_id < CRP_FIRST_FREE_CLASS && heap->slices[o->class_id]) scan_slice(vm, o, 0);
    else if (heap->kinds[o->class_id].mark) heap->kinds[o->class_id].mark(vm, o, crpi_mark_word);
}

/* Marks what a marked cell holds.  Of a pair whose head and tail both hold words the tail is put on the stack, so a List
 * of Lists needs no room there for each item. */
static void scan(crp *vm, crp_word w)
{
    crpi_heap *heap = &vm->heap;
    for (int n = 0; crp_is_pair(w); n++) {
        const crp_pair *p = crp_pair_of(w);
        crp_word tail = p->tail;
        bool down = mark_gray(heap, tail);
        if (mark_gray(heap, p->head)) {
            if (down) push(heap, tail);
            w = p->head;
        } else if (down) {
            w = tail;
        } else {
            return;
        }
        if (n == LONGEST_WALK) {
            push(heap, w);
            return;
        }
    }
    scan_object(vm, crp_object_of(w));
}

/* One cell, or one slice; false: there is none left. */
static bool scan_next(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    crp_word w;
    if (pop(heap, &w)) {
        scan(vm, w);
        return true;
    }
    if (heap->sliced_count == 0) return false;
    crpi_sliced next = heap->sliced[--heap->sliced_count];
    scan_slice(vm, next.object, next.from);
    return true;
}

bool crpi_mark_some(crp *vm, size_t bytes, size_t most)
{
    crpi_heap *heap = &vm->heap;
    size_t before = crpi_marked_bytes(heap);
    heap->work = 0;
    while (scan_next(vm))
        if (crpi_marked_bytes(heap) - before >= bytes || heap->work >= most) return false;
    return true;
}

void crpi_mark_cell(crp *vm, crpi_page *page, char *cell, crp_marker mark)
{
    if (page->sort == CRPI_PAIRS) {
        const crp_pair *p = (crp_pair *)(void *)cell;
        mark(vm, p->head);
        mark(vm, p->tail);
        return;
    }
    crp_object *o = (crp_object *)(void *)cell;
    const crpi_kind *kind = &vm->heap.kinds[o->class_id];
    if (kind->mark) kind->mark(vm, o, mark);
}

static void rescan_bin(crp *vm, crpi_bin *bin)
{
    for (crpi_page *page = bin->pages; page; page = page->next)
        for (uint32_t i = 0, n = crpi_cells_in(page); i < n; i++)
            if (crpi_bit(page->marks, crpi_cell_bit(page, i))) {
                crpi_mark_cell(vm, page, crpi_cell_at(page, i), crpi_mark_word);
                while (scan_next(vm)) continue;
            }
}

/* Where the stack could not grow some marked cells were never scanned. */
void crpi_mark_all(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    while (scan_next(vm)) continue;
    while (heap->gray_overflow) {
        heap->gray_overflow = false;
        for (unsigned i = 0; i < CRPI_ALL_BINS; i++) rescan_bin(vm, crpi_bin_at(heap, i));
    }
}

void crpi_each_root(crp *vm, crp_marker mark)
{
    crpi_heap *heap = &vm->heap;
    for (int i = 0; i < heap->root_count; i++) heap->roots[i](vm, mark);
    for (size_t i = 0; i < heap->fresh_count; i++) mark(vm, heap->fresh[i]);
    mark(vm, vm->error);
    mark(vm, vm->no_memory_error);
}

/* --- for those whose words change without the barrier -------------------------------------------------------------- */

void crpi_scan_now(crp *vm, crp_object *o)
{
    crpi_heap *heap = &vm->heap;
    if (!heap->marking) return;
    mark_now(heap, crp_from_object(o));
    heap->kinds[o->class_id].mark(vm, o, crpi_mark_word);
}

void crpi_scan_rest(crp *vm, crp_object *o)
{
    crpi_heap *heap = &vm->heap;
    for (size_t i = 0; i < heap->sliced_count; i++)
        if (heap->sliced[i].object == o) {
            size_t from = heap->sliced[i].from;
            heap->sliced[i] = heap->sliced[--heap->sliced_count];
            heap->slices[o->class_id](vm, o, from, SIZE_MAX, crpi_mark_word);
            return;
        }
}
