/* floor 2: when the collector works, and how much at a time.
 *
 * The steps of marking are paid for by what is handed out: RATE bytes are marked for each, so a cycle ends before as much
 * again has been allocated as is alive.  It begins early enough for that.
 */
#include "heap-page.h"

#include <string.h>
#include "state.h"

enum {
    LEAST_HANDED = 256 << 10, LEAST_GROWN = 4 << 20, /* between two collections: of cells, and of memory in use */
    SMALL = 4 << 20, /* of less than this, as of the last collection, the next one is whole; */
    QUICK = 8 << 20, /* of less effort than this too where it is due to what is outside: that may come in few large pieces; */
    QUICK_GROWN = 64 << 20, /* unless much more is in use now: it may be an Array */
    STEP = 64 << 10, /* bytes marked, at least */
    RATE = 4,
    MOST_MARKED = 20000, MOST_SWEPT = 4000, /* units of heap->work: a millisecond or so */
    LEAST_DEBT = 16 << 20, /* a step does not take long, but if what is allocated outruns them the cycle ends at once */
    SWEEP_STEP = 16 << 10, SWEPT_PAGES = 16
};

static bool is_small(const crpi_heap *heap) { return heap->threshold < SMALL; }

/* What marking costs, in bytes of cells; what has been allocated since is counted as if it were alive. */
static size_t effort(const crpi_heap *heap) { return heap->effort + heap->handed_out; }

static size_t outside(const crpi_heap *heap) { return heap->mem->used - heap->arena_bytes; }

static void each_bin(crpi_heap *heap, void (*visit)(crpi_bin *))
{
    for (unsigned i = 0; i < CRPI_ALL_BINS; i++) visit(crpi_bin_at(heap, i));
}

/* --- the parts of a cycle ------------------------------------------------------------------------------------------ */

/* What has been allocated since the last step; it is added to the debt. */
static size_t take_stock(crpi_heap *heap)
{
    size_t now = outside(heap), grown = now > heap->paid_outside ? now - heap->paid_outside : 0;
    size_t allocated = heap->handed_out - heap->paid_handed + grown;
    heap->debt += allocated;
    heap->grown += grown;
    heap->paid_handed = heap->handed_out;
    heap->paid_outside = now;
    return allocated;
}

static void next_step(crpi_heap *heap, size_t bytes)
{
    heap->next_step = heap->handed_out + bytes;
    heap->mem_trigger = heap->mem->used + bytes;
}

static void begin_phase(crpi_heap *heap)
{
    heap->debt = 0;
    heap->paid_handed = heap->handed_out;
    heap->paid_outside = outside(heap);
    heap->most_debt = heap->mem->used / 2 + LEAST_DEBT;
}

/* The next collection is due when as much again has been allocated as is alive now, and begins before if it takes more
 * than one step. */
void crpi_heap_rest(crpi_heap *heap)
{
    size_t used = heap->mem->used > heap->grown ? heap->mem->used - heap->grown : 0;
    heap->threshold = crpi_marked_bytes(heap) < LEAST_HANDED ? LEAST_HANDED : crpi_marked_bytes(heap);
    heap->next_step = is_small(heap) ? heap->threshold : heap->threshold / 4 * 3;
    heap->mem_trigger = used < 2 * LEAST_GROWN ? used + LEAST_GROWN : used + used / 2;
    heap->effort = heap->live + heap->sliced_bytes / 4;
    if (heap->effort >= QUICK) heap->mem_trigger -= used / 4;
}

static void mark_run(crpi_bin *bin) { crpi_mark_cells(bin, true); }
static void unmark_run(crpi_bin *bin) { crpi_mark_cells(bin, false); }
static void drop_run(crpi_bin *bin) { bin->at = bin->end = NULL; }

static void begin(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    heap->phase = CRPI_MARKING;
    heap->marking = true;
    heap->marking_cycle++;
    heap->live = heap->sliced_bytes = heap->grown = 0;
    begin_phase(heap);
    each_bin(heap, mark_run);
    crpi_each_root(vm, crpi_mark_word);
}

/* What is left of the runs is free again. */
static void finish(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    each_bin(heap, unmark_run);
    crpi_mark_all(vm);
    crpi_mark_forget(vm);
    heap->marking = false;
    crpi_verify_end(vm);
    heap->collections++;
    heap->handed_out = 0;
    vm->append_cache.list = vm->append_cache.last = CRP_NIL;
    crpi_sweep_begin(vm);
    begin_phase(heap);
}

static void clear_marks(crpi_bin *bin)
{
    for (crpi_page *page = bin->pages; page; page = page->next) memset(page->marks, 0, sizeof page->marks);
}

/* Nothing has been found dead yet, so marking may as well begin anew. */
static void forget_marks(crp *vm)
{
    each_bin(&vm->heap, clear_marks);
    crpi_mark_forget(vm);
    crpi_verify_forget(vm);
    vm->heap.marking = false;
    vm->heap.phase = CRPI_IDLE;
}

/* Marks all at once, and sweeps as much as `most` allows. */
static void collect_now(crp *vm, size_t most)
{
    crpi_heap *heap = &vm->heap;
    if (heap->marking) forget_marks(vm);
    if (heap->phase == CRPI_SWEEPING) crpi_sweep_some(vm, SIZE_MAX, SIZE_MAX);
    each_bin(heap, drop_run);
    begin(vm);
    finish(vm);
    if (crpi_sweep_some(vm, SIZE_MAX, most)) crpi_heap_rest(heap);
    else next_step(heap, SWEEP_STEP);
}

static void collect_all(crp *vm) { collect_now(vm, SIZE_MAX); }

/* --- steps --------------------------------------------------------------------------------------------------------- */

static void sweep_step(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    size_t pages = SWEPT_PAGES + take_stock(heap) * RATE / CRPI_PAGE_BYTES;
    bool now = heap->debt >= heap->most_debt;
    if (crpi_sweep_some(vm, now ? SIZE_MAX : pages, now ? SIZE_MAX : MOST_SWEPT)) crpi_heap_rest(heap);
    else next_step(heap, SWEEP_STEP);
}

/* Most steps are short; one behind an allocation of megabytes, which itself took a while, may be longer. */
static bool mark_due(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    size_t due = heap->debt * RATE, megabytes = heap->debt >> 20;
    if (heap->debt >= heap->most_debt) return true;
    return crpi_mark_some(vm, due < STEP ? STEP : due, MOST_MARKED * (1 + (megabytes < 3 ? megabytes : 3)));
}

/* Much has been allocated, in few steps, beside a heap that is no large one: a whole collection takes no longer than that
 * has, and finds what died since this cycle began. */
static bool whole_is_better(const crpi_heap *heap)
{
    return heap->debt > heap->most_debt / 4 && effort(heap) < 2 * QUICK && heap->grown < QUICK_GROWN;
}

static void mark_step(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    take_stock(heap);
    if (whole_is_better(heap)) {
        collect_now(vm, MOST_SWEPT);
        return;
    }
    size_t before = crpi_marked_bytes(heap);
    if (mark_due(vm)) {
        finish(vm);
        sweep_step(vm);
        return;
    }
    size_t paid = (crpi_marked_bytes(heap) - before) / RATE;
    heap->debt = paid < heap->debt ? heap->debt - paid : 0;
    next_step(heap, heap->debt ? STEP / RATE / 16 : STEP / RATE);
}

static bool whole_is_due(const crpi_heap *heap)
{
    bool quick = is_small(heap) || (heap->handed_out < heap->next_step && effort(heap) < QUICK);
    return quick && heap->mem->used < heap->mem_trigger + QUICK_GROWN;
}

static void turn(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    if (heap->phase == CRPI_SWEEPING) {
        sweep_step(vm);
    } else if (heap->phase == CRPI_MARKING) {
        mark_step(vm);
    } else if (whole_is_due(heap)) {
        collect_now(vm, MOST_SWEPT);
    } else {
        begin(vm);
        next_step(heap, STEP / RATE);
    }
}

/* --- the stress mode ------------------------------------------------------------------------------------------------ */

/* Xorshift: numbers that are the same in each run. */
static uint32_t random_below(crpi_heap *heap, uint32_t n)
{
    uint32_t x = heap->stress_state ? heap->stress_state : 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    heap->stress_state = x;
    return x % n;
}

/* Whole collections, and cycles of a few steps up to some hundred, take turns: the first find what nothing held for a
 * moment, the others what was changed without the barrier, most of all those that mark nothing until they end. */
static void begin_stressed(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    heap->stress_steps = 1 + random_below(heap, 2u << random_below(heap, 9));
    heap->stress_step = random_below(heap, 2) ? heap->live >> random_below(heap, 10) : 0;
    crpi_verify_begin(vm);
    begin(vm);
}

static bool mark_stressed(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    if (heap->stress_steps == 0 || --heap->stress_steps == 0) return true;
    return heap->stress_step && crpi_mark_some(vm, heap->stress_step, SIZE_MAX);
}

static void stress_step(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    if (heap->phase == CRPI_SWEEPING) {
        if (crpi_sweep_some(vm, 1 + random_below(heap, 64), 1 + random_below(heap, 512))) crpi_heap_rest(heap);
    } else if (heap->phase == CRPI_MARKING) {
        if (mark_stressed(vm)) finish(vm);
    } else if (random_below(heap, 16)) {
        collect_all(vm);
    } else {
        begin_stressed(vm);
    }
}

static bool stress_is_due(crpi_heap *heap)
{
    heap->allocations++;
    if (--heap->stress_left > 0) return false;
    heap->stress_left = heap->stress_every;
    heap->steps++;
    return true;
}

/* --- entering ------------------------------------------------------------------------------------------------------- */

static void enter(crp *vm, void (*work)(crp *))
{
    crpi_heap *heap = &vm->heap;
    heap->collecting = true;
    if (heap->pause) heap->pause(vm, true);
    work(vm);
    if (heap->pause) heap->pause(vm, false);
    heap->collecting = false;
}

void crpi_heap_turn(crp *vm)
{
    crpi_heap *heap = &vm->heap;
    if (heap->collecting) return;
    if (heap->stress_every == 0) enter(vm, turn);
    else if (stress_is_due(heap)) enter(vm, stress_step);
}

void crpi_collect(crp *vm)
{
    if (!vm->heap.collecting) enter(vm, collect_all);
}

void crp_collect(crp *vm) { crpi_collect(vm); }

/* A cycle that is under way does not count: it may keep what has died since it began. */
bool crpi_collect_soon(crp *vm, uint32_t *cycle)
{
    crpi_heap *heap = &vm->heap;
    if (is_small(heap) || heap->stress_every) {
        crpi_collect(vm);
        return true;
    }
    if (*cycle == 0 && heap->phase == CRPI_IDLE) *cycle = heap->marking_cycle + 1;
    if (*cycle == 0 || heap->marking_cycle < *cycle || heap->phase != CRPI_IDLE) enter(vm, turn);
    return *cycle && (heap->marking_cycle > *cycle || (heap->marking_cycle == *cycle && heap->phase == CRPI_IDLE));
}

/* --- memory outside the heap ----------------------------------------------------------------------------------------- */

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
