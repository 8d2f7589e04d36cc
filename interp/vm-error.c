/* floor 6: what happens when an error is pending: its place, its trace, and the handler that gets it. */
#include "vm.h"

#include <string.h>
#include "cells.h"
#include "error.h"
#include "str.h"
#include "value.h"

enum { MAX_TRACE = 30, MAX_CLASSES = 1000, INTERRUPTED_CODE = 17, STOPPED_CODE = 18 };

crp_status crpi_no_function(crp *vm, crp_word name) { return crpi_name_unknown(vm, name, "function"); }

crp_status crpi_interrupt(crp *vm)
{
    int why = vm->interrupt;
    if (why == CRPI_CLOSING) return vm->tasks->closing.steps-- > 0 ? CRP_OK : crpi_no_waiting(vm);
    vm->interrupt = 0;
    crp_raise(vm, CRP_ERR_SCRIPT, why == CRPI_STOPPED ? STOPPED_CODE : INTERRUPTED_CODE, why == CRPI_STOPPED ? "stopped" : "interrupted");
    if (crp_is_a(vm->error, CRP_ERROR)) crp_object_of(vm->error)->flags |= CRPI_ERROR_UNCATCHABLE;
    return CRP_E_CANCELLED;
}

static bool is_uncatchable(crp_word error)
{
    return crp_is_a(error, CRP_ERROR) && (crp_object_of(error)->flags & CRPI_ERROR_UNCATCHABLE);
}

/* --- finally, after an interrupt --------------------------------------------------------------------------------
 *
 * vm->interrupt stays set while it runs, so that every step is seen.  Whatever happens in it, the interrupt goes on
 * when it ends, and when it has taken too many steps. */

crp_status crpi_no_waiting(crp *vm)
{
    crp_rethrow(vm, vm->tasks->closing.error);
    return CRP_E_CANCELLED;
}

static void begin_closing(crp *vm, crpi_task *task, const crpi_handler *h)
{
    if (vm->interrupt != CRPI_CLOSING) {
        if (crpi_error_of(vm->error)->code != crp_fixnum(INTERRUPTED_CODE)) return;
        vm->tasks->closing.steps = CRPI_CLOSING_STEPS;
        vm->tasks->closing.error = vm->error;
        vm->tasks->closing.task = task;
        vm->interrupt = CRPI_CLOSING;
    }
    if (vm->tasks->closing.task != task) return;
    vm->tasks->closing.handlers = task->handler_count;
    vm->tasks->closing.frame = h->frame;
}

static bool is_closing(crp *vm, const crpi_task *task)
{
    return vm->interrupt == CRPI_CLOSING && vm->tasks->closing.task == task;
}

/* --- place and trace ------------------------------------------------------------------------------------------------ */

static bool locate(crp *vm, const crpi_function *fn, const uint32_t *pc)
{
    crpi_place at;
    if (!fn || !fn->proto || !fn->proto->source || !crpi_place_of(fn->proto, pc, &at)) return false;
    const char *text;
    size_t length;
    crpi_source_line(fn->proto->source, at.line, &text, &length);
    crpi_error_locate(vm, vm->error, crp_string_data(fn->proto->source->name, NULL), at.line, at.column, text, length);
    return true;
}

/* The place is the innermost one that is known: natives and what `eval` compiles have none. */
static void locate_in_frames(crp *vm, const crpi_task *task)
{
    const uint32_t *pc = task->pc;
    for (const crpi_frame *fp = task->fp; fp > task->frames && !locate(vm, fp->fn, pc); fp--) pc = fp->pc;
}

static bool has_place(crp_word error)
{
    return !crp_is_a(error, CRP_ERROR) || crpi_error_of(error)->line != crp_fixnum(0);
}

/* "name (file:line)" */
static crp_status trace_line(crp *vm, const crpi_function *fn, const uint32_t *pc, crp_word *out)
{
    crpi_place at = {0, 0};
    const crpi_proto *p = fn->proto;
    if (!crpi_place_of(p, pc, &at)) return crp_format(vm, out, "%p (%s)", p->name, crp_string_data(p->source->name, NULL));
    if (p->name == CRP_NIL) return crp_format(vm, out, "top level (%s:%u)", crp_string_data(p->source->name, NULL), at.line);
    return crp_format(vm, out, "%p (%s:%u)", p->name, crp_string_data(p->source->name, NULL), at.line);
}

/* Adds the frames from the current one down to `bottom` to the pending error's trace, if it has none yet. */
static void add_trace(crp *vm, crpi_task *task, const crpi_frame *bottom)
{
    if (!crp_is_a(vm->error, CRP_ERROR) || vm->error == vm->no_memory_error) return;
    crp_word error = vm->error;
    if (crpi_error_of(error)->trace != CRP_NIL) return;
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    const uint32_t *pc = task->pc;
    int n = 0;
    for (const crpi_frame *fp = task->fp; fp > bottom && n < MAX_TRACE; pc = fp->pc, fp--) {
        crp_word line;
        if (!fp->fn || !fp->fn->proto) continue;
        if (trace_line(vm, fp->fn, pc, &line) || crp_list_add(vm, &list, line)) {
            vm->error = error;
            return;
        }
        n++;
    }
    crpi_error *e = crpi_error_of(error);
    crpi_store(vm, &vm->heap, &e->trace, list.first);
}

/* --- unwinding ---------------------------------------------------------------------------------------------------------- */

static void drop_natives_above(crp *vm, crpi_task *task, uint32_t frame)
{
    while (task->natives && task->natives->frame > frame) crpi_native_drop(vm, task);
}

static void use_segment(crp *vm, crpi_task *task, crpi_segment *segment)
{
    while (task->segment != segment) crpi_leave_segment(vm, task);
}

/* The registers behind the handler's own are those of what was given up: nothing there is kept alive any more. */
static void to_handler(crp *vm, crpi_task *task, const crpi_handler *h)
{
    drop_natives_above(vm, task, h->frame);
    use_segment(vm, task, h->segment);
    task->fp = task->frames + h->frame;
    task->base = h->base;
    task->pc = h->pc;
    for (crp_word *r = h->base + h->reg + 1, *end = h->base + task->fp->fn->registers; r < end; r++) *r = CRP_NIL;
    task->base[h->reg] = vm->error;
    task->answer = CRP_UNSET;
    task->args_end = NULL;
    vm->error = CRP_NIL;
}

/* A native that asked to see the error of what it called. */
static void to_native(crp *vm, crpi_task *task, crpi_native *nf)
{
    crpi_segment *segment = task->segment;
    while (segment->below && !(nf->window >= segment->registers && nf->window < segment->registers + segment->words))
        segment = segment->below;
    drop_natives_above(vm, task, nf->frame);
    use_segment(vm, task, segment);
    task->fp = task->frames + nf->frame;
    task->base = task->fp->base;
    task->pc = crpi_again_code;
    nf->call.value = vm->error;
    nf->failed = true;
    task->answer = CRP_UNSET;
    task->args_end = NULL;
    vm->error = CRP_NIL;
}

static crpi_native *catching_native(const crpi_task *task, uint32_t above)
{
    for (crpi_native *nf = task->natives; nf && nf->frame > above; nf = nf->below)
        if (nf->catches) return nf;
    return NULL;
}

static crp_status task_ends(crp *vm, crpi_task *task)
{
    drop_natives_above(vm, task, 0);
    task->handler_count = 0;
    task->fp = task->frames;
    task->error = vm->error;
    task->state = CRPI_DONE;
    return crpi_error_status(vm, vm->error);
}

crp_status crpi_task_returned(crp *vm, crpi_task *task)
{
    if (is_closing(vm, task)) {
        crpi_no_waiting(vm);
        return task_ends(vm, task);
    }
    task->state = CRPI_DONE;
    return CRP_OK;
}

/* An error that leaves a `finally` that runs because of an interrupt gives way to that. */
static bool leaves_closing(crp *vm, const crpi_task *task)
{
    return is_closing(vm, task) && task->handler_count <= vm->tasks->closing.handlers &&
           !catching_native(task, vm->tasks->closing.frame);
}

static const crpi_handler *next_handler(crp *vm, crpi_task *task, bool uncatchable)
{
    bool finally = !(vm->interrupt == CRPI_CLOSING && vm->tasks->closing.steps < 0);
    while (task->handler_count > 0 && uncatchable && !(finally && task->handlers[task->handler_count - 1].finally))
        task->handler_count--;
    return task->handler_count ? &task->handlers[task->handler_count - 1] : NULL;
}

crp_status crpi_unwind(crp *vm, crpi_task *task)
{
    size_t fresh = vm->heap.fresh_count;
    if (leaves_closing(vm, task)) crpi_no_waiting(vm);
    bool uncatchable = is_uncatchable(vm->error);
    if (!has_place(vm->error)) locate_in_frames(vm, task);
    const crpi_handler *h = next_handler(vm, task, uncatchable);
    crpi_native *nf = uncatchable ? NULL : catching_native(task, h ? h->frame : 0);
    add_trace(vm, task, nf ? task->frames + nf->frame : h ? task->frames + h->frame - 1 : task->frames);
    vm->heap.fresh_count = fresh;
    if (nf) {
        to_native(vm, task, nf);
        return CRP_OK;
    }
    if (!h) return task_ends(vm, task);
    task->handler_count--;
    if (uncatchable) begin_closing(vm, task, h);
    to_handler(vm, task, h);
    return CRP_OK;
}

/* --- catch ----------------------------------------------------------------------------------------------------------------- */

/* "6.1" is a class and a code, "6" a class. */
static crp_status text_matches(crp *vm, const crpi_error *e, crp_word what, bool *yes)
{
    size_t n, dot = 0;
    const char *text = crp_string_data(what, &n);
    int64_t number = 0;
    bool is_class = true;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && text[i] >= '0' && text[i] <= '9' && number < 100000000) {
            number = number * 10 + (text[i] - '0');
        } else if (i < n && text[i] == '.' && is_class && i > 0) {
            if (e->error_class != crp_fixnum(number)) return CRP_OK;
            is_class = false;
            number = 0;
            dot = i;
        } else if (i < n || n == 0 || dot + 1 == n) {
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "catch: \"class.code\" expected, as in \"6.1\"; %v given", what);
        }
    }
    *yes = (is_class ? e->error_class : e->code) == crp_fixnum(number);
    return CRP_OK;
}

static crp_status one_matches(crp *vm, const crpi_error *e, crp_word what, bool *yes)
{
    if (crp_is_string(what)) return text_matches(vm, e, what, yes);
    if (!crp_is_integer(what))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "catch: an error class, a List of them or \"class.code\" "
                         "expected, %n given (%v)", what, what);
    *yes = crp_integer_value(what) == -1 || crp_equal(vm, e->error_class, what);
    return CRP_OK;
}

crp_status crpi_error_matches(crp *vm, crp_word error, crp_word what, bool *yes)
{
    const crpi_error *e = crpi_error_of(error);
    *yes = false;
    if (!crp_is_pair(what) && what != CRP_NIL) return one_matches(vm, e, what, yes);
    for (int n = 0; crp_is_pair(what) && !*yes; what = crp_tail(what)) {
        if (n++ == MAX_CLASSES)
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "catch: more than %d error classes in a List", MAX_CLASSES);
        crp_status st = one_matches(vm, e, crp_head(what), yes);
        if (st) return st;
    }
    return CRP_OK;
}
