/* Pages, bump allocation, mark and sweep. */
#include "heap.h"

#include <string.h>
#include "state.h"

enum { FIRST_ARENA = 16, NEXT_ARENA = 64, MARK_WORDS = CRPI_PAGE_BYTES / CRPI_GRAIN / 64 };
enum { PLAIN, PAIRS, DROPPING };
enum { START_THRESHOLD = 1 << 20, POISON = 0xDB };

/* Bit i of `marks` stands for the 16 bytes at i * 16 from the page's start; a cell's mark is that of its first. */
struct crpi_page {
    uint64_t marks[MARK_WORDS];
    crpi_page *next;
    struct crpi_arena *arena;
    uint32_t cell; /* bytes */
    uint32_t sort; /* PLAIN, PAIRS or DROPPING */
};

enum { FIRST_CELL = (sizeof(crpi_page) + CRPI_GRAIN - 1) / CRPI_GRAIN * CRPI_GRAIN };

typedef struct crpi_arena {
    struct crpi_arena *next;
    size_t bytes;
    size_t pages, spare; /* all, and those that are in no bin */
} crpi_arena;

/* --- pages --------------------------------------------------------------------------------------------------- */

static crpi_page *page_of(crp_word w) { return (crpi_page *)(uintptr_t)(w & ~(crp_word)(CRPI_PAGE_BYTES - 1)); }

static uint32_t cells_in(const crpi_page *page) { return (CRPI_PAGE_BYTES - FIRST_CELL) / page->cell; }

static char *cell_at(crpi_page *page, uint32_t i) { return (char *)page + FIRST_CELL + (size_t)i * page->cell; }

static bool bit_is_set(const crpi_page *page, uint32_t bit) { return page->marks[bit / 64] >> bit % 64 & 1; }

static bool cell_is_marked(const crpi_page *page, uint32_t i)
{
    return bit_is_set(page, (uint32_t)((FIRST_CELL + (size_t)i * page->cell) / CRPI_GRAIN));
}

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
    *arena = (crpi_arena){heap->arenas, bytes, pages, pages};
    heap->arenas = arena;
    crp_word first = ((crp_word)(uintptr_t)(arena + 1) + CRPI_PAGE_BYTES - 1) & ~(crp_word)(CRPI_PAGE_BYTES - 1);
    for (size_t i = pages; i-- > 0;) {
        crpi_page *page = page_of(first + i * CRPI_PAGE_BYTES);
        page->arena = arena;
        page->next = heap->spare;
        heap->spare = page;
    }
    heap->mem_trigger += bytes; /* room for cells is counted as it is handed out */
    return true;
}

/* Puts a page into the bin, as the one to be searched next. */
static bool add_page(crpi_heap *heap, crpi_bin *bin, uint32_t sort)
{
    if (!heap->spare && !add_arena(heap)) return false;
    crpi_page *page = heap->spare;
    heap->spare = page->next;
    page->arena->spare--;
    memset(page->marks, 0, sizeof page->marks);
    if (sort == DROPPING) memset((char *)page + FIRST_CELL, 0, CRPI_PAGE_BYTES - FIRST_CELL); /* class 0: no object there */
    page->cell = bin->cell;
    page->sort = sort;
    page->next = NULL;
    if (bin->page) {
        page->next = bin->page->next;
        bin->page->next = page;
    } else {
        page->next = bin->pages;
        bin->pages = page;
    }
    bin->page = page;
    bin->next = 0;
    return true;
}

static uint32_t sort_of(const crpi_heap *heap, const crpi_bin *bin)
{
    if (bin == &heap->pairs) return PAIRS;
    return bin >= heap->dropping && bin < heap->dropping + CRPI_BINS ? DROPPING : PLAIN;
}

/* --- allocation ---------------------------------------------------------------------------------------------- */

/* The next run of free cells in the bin's current page. */
static bool next_run(crpi_bin *bin, bool single)
{
    crpi_page *page = bin->page;
    uint32_t n = cells_in(page), i = bin->next;
    while (i < n && cell_is_marked(page, i)) i++;
    uint32_t from = i;
    while (i < n && !cell_is_marked(page, i) && !(single && i > from)) i++;
    bin->next = i;
    if (i == from) return false;
    bin->at = cell_at(page, from);
    bin->end = cell_at(page, i);
    return true;
}

static bool find_run(crpi_bin *bin, bool single)
{
    while (bin->page) {
        if (next_run(bin, single)) return true;
        if (!bin->page->next) return false;
        bin->page = bin->page->next;
        bin->next = 0;
    }
    return false;
}

static bool collection_due(crpi_heap *heap)
{
    if (heap->collecting) return false;
    if (heap->stress_every) {
        heap->allocations++;
        if (--heap->stress_left > 0) return false;
        heap->stress_left = heap->stress_every;
        return true;
    }
    return heap->handed_out >= heap->threshold || heap->mem->used >= heap->mem_trigger;
}

void *crpi_heap_refill(crp *vm, crpi_heap *heap, crpi_bin *bin)
{
    bool single = heap->stress_every != 0;
    if (collection_due(heap)) crpi_collect(vm);
    if (!find_run(bin, single)) {
        if (!add_page(heap, bin, sort_of(heap, bin))) {
            crpi_collect(vm);
            if (!find_run(bin, single) && !add_page(heap, bin, sort_of(heap, bin))) {
                crp_no_memory(vm);
                return NULL;
            }
        }
        if (bin->at == bin->end) next_run(bin, single);
    }
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
    if (__builtin_expect(heap->mem->used >= heap->mem_trigger && !heap->stress_every && !heap->collecting, 0))
        crpi_collect(vm);
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

/* --- marking --------------------------------------------------------------------------------------------------- */

/* Sets the mark; false if there is nothing (more) to do for this word. */
static bool mark_now(crpi_heap *heap, crp_word w)
{
    if ((w & 3) != 1) return false;
    crpi_page *page = page_of(w);
    uint32_t bit = (uint32_t)(w & (CRPI_PAGE_BYTES - 1)) / CRPI_GRAIN;
    uint64_t mask = (uint64_t)1 << bit % 64;
    if (page->marks[bit / 64] & mask) return false;
    page->marks[bit / 64] |= mask;
    heap->live += page->cell;
    return true;
}

static void mark_word(crp *vm, crp_word w)
{
    crpi_heap *heap = &vm->heap;
    if (!mark_now(heap, w)) return;
    if (crp_is_object(w) && !heap->kinds[crp_object_of(w)->class_id].mark) return;
    if (heap->gray_count == heap->gray_capacity &&
        !crpi_mem_grow(heap->mem, &heap->gray, &heap->gray_capacity, heap->gray_count + 1, sizeof *heap->gray)) {
        heap->gray_overflow = true;
        return;
    }
    heap->gray[heap->gray_count++] = w;
}

/* Marks what a marked cell holds; walks down a list instead of stacking its tails. */
static void scan(crp *vm, crp_word w)
{
    crpi_heap *heap = &vm->heap;
    while (crp_is_pair(w)) {
        crp_pair *p = crp_pair_of(w);
        mark_word(vm, p->head);
        w = p->tail;
        if (!mark_now(heap, w)) return;
    }
    crp_object *o = crp_object_of(w);
    const crpi_kind *kind = &heap->kinds[o->class_id];
    if (kind->mark) kind->mark(vm, o, mark_word);
}

static void drain(crp *vm)
{
    while (vm->heap.gray_count > 0) scan(vm, vm->heap.gray[--vm->heap.gray_count]);
}

static void rescan_bin(crp *vm, crpi_bin *bin)
{
    for (crpi_page *page = bin->pages; page; page = page->next)
        for (uint32_t i = 0, n = cells_in(page); i < n; i++)
            if (cell_is_marked(page, i)) {
                char *cell = cell_at(page, i);
                scan(vm, page->sort == PAIRS ? crp_from_pair((crp_pair *)cell) : crp_from_object(cell));
                drain(vm);
            }
}

/* When the mark stack could not grow, some marked cells were never scanned: scan all marked cells again. */
static void rescan(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    while (heap->gray_overflow) {
        heap->gray_overflow = false;
        rescan_bin(vm, &heap->pairs);
        for (int i = 0; i < CRPI_BINS; i++) {
            rescan_bin(vm, &heap->plain[i]);
            rescan_bin(vm, &heap->dropping[i]);
        }
    }
}

static void clear_marks(crpi_bin *bin)
{
    for (crpi_page *page = bin->pages; page; page = page->next) memset(page->marks, 0, sizeof page->marks);
    bin->at = bin->end = NULL;
}

/* --- sweeping ---------------------------------------------------------------------------------------------------- */

static void drop_dead(crp *vm, crpi_page *page)
{
    for (uint32_t i = 0, n = cells_in(page); i < n; i++) {
        crp_object *o = (crp_object *)cell_at(page, i);
        if (o->class_id == 0 || cell_is_marked(page, i)) continue;
        vm->heap.kinds[o->class_id].drop(vm, o);
        o->class_id = 0;
    }
}

static void poison(crpi_page *page)
{
    for (uint32_t i = 0, n = cells_in(page); i < n; i++)
        if (!cell_is_marked(page, i)) {
            size_t keep = page->sort == DROPPING ? sizeof(crp_object) : 0;
            memset(cell_at(page, i) + keep, POISON, page->cell - keep);
        }
}

static bool is_empty(const crpi_page *page)
{
    uint64_t any = 0;
    for (int i = 0; i < MARK_WORDS; i++) any |= page->marks[i];
    return any == 0;
}

/* Drops what is dead, gives empty pages back, and lets the allocator start at the bin's first page. */
static void sweep(crp *vm, crpi_bin *bin)
{
    crpi_heap *heap = &vm->heap;
    for (crpi_page **link = &bin->pages, *page; (page = *link);) {
        if (page->sort == DROPPING) drop_dead(vm, page);
        if (is_empty(page)) {
            *link = page->next;
            page->next = heap->spare;
            heap->spare = page;
            page->arena->spare++;
            continue;
        }
        if (heap->stress_every) poison(page);
        link = &page->next;
    }
    bin->page = bin->pages;
    bin->next = 0;
}

static void each_bin(crp *vm, void (*visit)(crp *, crpi_bin *))
{
    visit(vm, &vm->heap.pairs);
    for (int i = 0; i < CRPI_BINS; i++) {
        visit(vm, &vm->heap.plain[i]);
        visit(vm, &vm->heap.dropping[i]);
    }
}

static void clear_bin(crp *vm, crpi_bin *bin)
{
    (void)vm;
    clear_marks(bin);
}

/* Gives arenas with no page in use back to the host; one stays for what comes next. */
static void free_empty_arenas(crpi_heap *heap)
{
    bool keep = true;
    for (crpi_arena **link = &heap->arenas, *arena; (arena = *link);) {
        bool empty = arena->spare == arena->pages;
        if (!empty || keep) {
            keep = keep && !empty;
            link = &arena->next;
            continue;
        }
        for (crpi_page **at = &heap->spare; *at;) {
            if ((*at)->arena == arena) *at = (*at)->next;
            else at = &(*at)->next;
        }
        *link = arena->next;
        crpi_mem_free(heap->mem, arena, arena->bytes);
    }
}

/* The next collection is due when as much again has been allocated as is alive now. */
static void set_threshold(crpi_heap *heap)
{
    heap->handed_out = 0;
    heap->threshold = heap->live < START_THRESHOLD ? START_THRESHOLD : heap->live;
    heap->mem_trigger = heap->mem->used < 4 * START_THRESHOLD ? heap->mem->used + 4 * START_THRESHOLD : heap->mem->used * 2;
}

void crpi_collect(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    if (heap->collecting) return;
    heap->collecting = true;
    heap->collections++;
    heap->live = 0;
    vm->append_cache.list = vm->append_cache.last = CRP_NIL;
    each_bin(vm, clear_bin);
    for (int i = 0; i < heap->root_count; i++) heap->roots[i](vm, mark_word);
    for (size_t i = 0; i < heap->fresh_count; i++) mark_word(vm, heap->fresh[i]);
    mark_word(vm, vm->error);
    mark_word(vm, vm->no_memory_error);
    drain(vm);
    rescan(vm);
    each_bin(vm, sweep);
    free_empty_arenas(heap);
    set_threshold(heap);
    heap->collecting = false;
}

void crp_collect(crp *vm) { crpi_collect(vm); }

bool crpi_is_marked(crp_word w)
{
    return (w & 3) != 1 || bit_is_set(page_of(w), (uint32_t)(w & (CRPI_PAGE_BYTES - 1)) / CRPI_GRAIN);
}

void crpi_barrier(crp *vm, crp_word old) { mark_word(vm, old); }

void crp_store(crp *vm, crp_object *object, crp_word *slot, crp_word value)
{
    (void)object;
    crpi_store(vm, &vm->heap, slot, value);
}

/* --- memory outside the heap -------------------------------------------------------------------------------------- */

/* A request that the limit refused may fit once the dead objects have given back what they own. */
static bool worth_collecting(crp *vm) { return !vm->heap.collecting && vm->mem.limit && vm->mem.fail_at == 0; }

void *crp_alloc(crp *vm, size_t size)
{
    void *p = crpi_mem_alloc(&vm->mem, size);
    if (!p && worth_collecting(vm)) {
        crpi_collect(vm);
        p = crpi_mem_alloc(&vm->mem, size);
    }
    if (!p) crp_no_memory(vm);
    return p;
}

void *crp_realloc(crp *vm, void *old, size_t old_size, size_t new_size)
{
    void *p = crpi_mem_realloc(&vm->mem, old, old_size, new_size);
    if (!p && worth_collecting(vm)) {
        crpi_collect(vm);
        p = crpi_mem_realloc(&vm->mem, old, old_size, new_size);
    }
    if (!p) crp_no_memory(vm);
    return p;
}

void crp_free_bytes(crp *vm, void *p, size_t size) { crpi_mem_free(&vm->mem, p, size); }

/* --- life ------------------------------------------------------------------------------------------------------------ */

bool crpi_heap_init(crp *vm, crpi_heap *heap, crpi_mem *mem)
{
    (void)vm;
    memset(heap, 0, sizeof *heap);
    heap->mem = mem;
    heap->pairs.cell = sizeof(crp_pair);
    for (unsigned i = 0; i < CRPI_BINS; i++) heap->plain[i].cell = heap->dropping[i].cell = bin_cell(i);
    heap->stress_left = heap->stress_every;
    set_threshold(heap);
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

bool crpi_heap_roots(crpi_heap *heap, crpi_roots roots)
{
    if (heap->root_count == (int)(sizeof heap->roots / sizeof heap->roots[0])) return false;
    heap->roots[heap->root_count++] = roots;
    return true;
}

void crpi_heap_free(crp *vm, crpi_heap *heap)
{
    heap->collecting = true;
    for (int i = 0; i < CRPI_BINS; i++) {
        clear_marks(&heap->dropping[i]);
        for (crpi_page *page = heap->dropping[i].pages; page; page = page->next) drop_dead(vm, page);
    }
    for (crpi_arena *arena = heap->arenas; arena;) {
        crpi_arena *next = arena->next;
        crpi_mem_free(heap->mem, arena, arena->bytes);
        arena = next;
    }
    crpi_mem_free(heap->mem, heap->fresh, heap->fresh_capacity * sizeof *heap->fresh);
    crpi_mem_free(heap->mem, heap->gray, heap->gray_capacity * sizeof *heap->gray);
    crpi_mem_free(heap->mem, heap->kinds, heap->kind_capacity * sizeof *heap->kinds);
}
