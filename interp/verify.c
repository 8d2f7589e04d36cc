/* floor 2: the stress mode's proof that marking in steps overlooks nothing.
 *
 * When a cycle begins, all that the roots reach is listed, each object with the one that it was found in.  When it ends
 * all of these must be marked: one that is not was taken out of its holder without the barrier, even if nothing refers to
 * it any more and no harm was done this time.  What the roots reach then must be marked as well.
 */
#include "heap-page.h"

#include <string.h>
#include <unistd.h>
#include "state.h"

typedef struct reached {
    crp_word word, holder; /* holder NIL: a root */
} reached;

typedef struct crpi_trace {
    reached *list; /* breadth first: a holder stands before what it holds */
    size_t count, capacity;
    crp_word holder;
    bool failed; /* there is no memory: no proof */
} crpi_trace;

/* The memory of the proof is not counted. */
static void *resize(crp *vm, void *p, size_t from, size_t to) { return vm->mem.fn(vm->mem.ud, p, from, to); }

static bool set_mark(crp_word w, bool on)
{
    uint64_t *word = &crpi_page_of(w)->marks[crpi_bit_of(w) / 64], mask = (uint64_t)1 << crpi_bit_of(w) % 64;
    bool was = *word & mask;
    *word = on ? *word | mask : *word & ~mask;
    return was;
}

/* --- listing what is reached ----------------------------------------------------------------------------------------- */

static bool make_room(crp *vm, crpi_trace *t)
{
    size_t bytes = t->capacity * sizeof *t->list, more = bytes ? bytes * 2 : 4096;
    reached *list = t->count < t->capacity ? t->list : resize(vm, t->list, bytes, more);
    if (!list) return false;
    if (t->count == t->capacity) t->capacity = more / sizeof *list;
    t->list = list;
    return true;
}

static void reach(crp *vm, crp_word w)
{
    crpi_trace *t = vm->heap.tracing;
    if (!crpi_is_cell(w) || t->failed || set_mark(w, true)) return;
    t->failed = !make_room(vm, t);
    if (t->failed) set_mark(w, false);
    else t->list[t->count++] = (reached){w, t->holder};
}

/* With no mark set when it begins, and none when it ends. */
static void trace(crp *vm, crpi_trace *t)
{
    vm->heap.tracing = t;
    t->holder = CRP_NIL;
    crpi_each_root(vm, reach);
    for (size_t i = 0; i < t->count; i++) {
        t->holder = t->list[i].word;
        crpi_page *page = crpi_page_of(t->holder);
        crpi_mark_cell(vm, page, (char *)page + (size_t)crpi_bit_of(t->holder) * CRPI_GRAIN, reach);
    }
    for (size_t i = 0; i < t->count; i++) set_mark(t->list[i].word, false);
}

static void forget(crp *vm, crpi_trace *t) { resize(vm, t->list, t->capacity * sizeof *t->list, 0); }

/* --- comparing ------------------------------------------------------------------------------------------------------- */

static void say(const char *text)
{
    ssize_t written = write(2, text, strlen(text));
    (void)written;
}

static const char *name_of(crp *vm, crp_word w) { return w == CRP_NIL ? "a root" : crp_class_name(vm, w); }

static void compare(crp *vm, const crpi_trace *t, const char *when)
{
    for (size_t i = 0; i < t->count && !t->failed; i++) {
        crp_word w = t->list[i].word;
        if (crpi_bit(crpi_page_of(w)->marks, crpi_bit_of(w))) continue;
        say("the collector has overlooked an object of class ");
        say(name_of(vm, w));
        say(when);
        say(name_of(vm, t->list[i].holder));
        say("\n");
        __builtin_trap();
    }
}

/* Calls it for each page, until it is false. */
static bool each_page(crp *vm, bool (*visit)(crp *, crpi_page *))
{
    for (unsigned i = 0; i < CRPI_ALL_BINS; i++)
        for (crpi_page *page = crpi_bin_at(&vm->heap, i)->pages; page; page = page->next)
            if (!visit(vm, page)) return false;
    return true;
}

static bool put_aside(crp *vm, crpi_page *page)
{
    page->found = resize(vm, NULL, 0, sizeof page->marks);
    if (!page->found) return false;
    memcpy(page->found, page->marks, sizeof page->marks);
    memset(page->marks, 0, sizeof page->marks);
    return true;
}

static bool take_back(crp *vm, crpi_page *page)
{
    if (!page->found) return false;
    memcpy(page->marks, page->found, sizeof page->marks);
    resize(vm, page->found, sizeof page->marks, 0);
    page->found = NULL;
    return true;
}

static void verify_now(crp *vm)
{
    crpi_trace now = {.failed = false};
    if (each_page(vm, put_aside)) trace(vm, &now);
    each_page(vm, take_back);
    compare(vm, &now, ", which is held by ");
    forget(vm, &now);
}

/* --- for a cycle ----------------------------------------------------------------------------------------------------- */

void crpi_verify_begin(crp *vm)
{
    crpi_trace *t = resize(vm, NULL, 0, sizeof *t);
    vm->heap.snapshot = t;
    if (!t) return;
    memset(t, 0, sizeof *t);
    trace(vm, t);
}

void crpi_verify_forget(crp *vm)
{
    crpi_trace *t = vm->heap.snapshot;
    if (!t) return;
    forget(vm, t);
    resize(vm, t, sizeof *t, 0);
    vm->heap.snapshot = NULL;
}

void crpi_verify_end(crp *vm)
{
    if (!vm->heap.snapshot) return;
    compare(vm, vm->heap.snapshot, ", which was held by ");
    crpi_verify_forget(vm);
    verify_now(vm);
}
