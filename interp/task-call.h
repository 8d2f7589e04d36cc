/* floor 6: calls from C.
 *
 * Most of what C calls neither waits nor leaves anything behind, and making a task with a stack takes longer than such a
 * call.  So each depth of nesting has a task of its own, the spare, which is there for one call after the other.  It is
 * executed at once, and in no list: only as the one that runs (crp.task) is it known.  Not before it waits does it become
 * one among the others; then the next call makes another spare.
 */
#ifndef CARAPACE_TASK_CALL_H
#define CARAPACE_TASK_CALL_H

#include "vm.h"

/* Calls a Function, or a method.  Its value (out may be NULL), which is in the fresh log; or its error recorded. */
crp_status crpi_call(crp *, crp_word function, const crp_word *args, size_t n, crp_word *out);
crp_status crpi_send(crp *, crp_word object, crp_word name, const crp_word *args, size_t n, crp_word *out);

/* Before a call of a host, where no script is in the middle of something: once in CRPI_MANY_CALLS the other tasks go on,
 * if there are any, however little the calls wait. */
enum { CRPI_MANY_CALLS = 64 };
crp_status crpi_others_go_on(crp *);
static inline crp_status crpi_call_begins(crp *vm)
{
    return !vm->task && ++vm->tasks->calls >= CRPI_MANY_CALLS ? crpi_others_go_on(vm) : CRP_OK;
}

/* --- crpi_call, where it is to be quick: the caller keeps the value --------------------------------------------------- */

enum { CRPI_MOST_SPARE_FRAMES = 1024 };
extern const uint32_t crpi_done_code[];

/* The spare that calls at this depth use; NULL: there is none (yet). */
static inline crpi_task *crpi_spare(const crp *vm)
{
    return vm->nesting < CRPI_SPARES ? vm->tasks->spares[vm->nesting] : NULL;
}

/* Nothing of a call that has returned is left on the task that another one would find. */
static inline bool crpi_spare_is_clean(const crp *vm, const crpi_task *task)
{
    bool empty = !((uintptr_t)task->segment->below | (uintptr_t)task->natives | task->release_count | task->handler_count |
                   task->expired);
    return empty && vm->tasks->closing.task != task && task->frame_capacity <= CRPI_MOST_SPARE_FRAMES;
}

/* A script's function that takes just these arguments is entered as the VM's loop does it. */
static inline bool crpi_spare_enters(crpi_task *task, crp_word function, const crp_word *args, size_t n)
{
    if (!crp_is_a(function, CRP_FUNCTION) || n > CRPI_MAX_PARAMETERS) return false;
    crpi_function *fn = crpi_function_of(function);
    crp_word *at = task->base;
    if (!crpi_takes(fn, (uint32_t)n) || at + fn->registers > task->limit) return false;
    crpi_copy_words(at, args, n);
    task->frames[1] = (crpi_frame){crpi_done_code, at, fn};
    task->fp = &task->frames[1];
    task->pc = fn->code;
    return true;
}

/* What has not simply returned: the task waits, or has ended, and is no spare any more. */
crp_status crpi_call_finish(crp *, crpi_task *, crp_status, crp_word *out);

/* The one that goes on after the call looks round first. */
static inline crp_status crpi_spare_runs(crp *vm, crpi_task *task, crp_word *out)
{
    size_t fresh = vm->heap.fresh_count;
    unsigned depth = vm->nesting;
    crpi_task *outer = vm->task;
    task->outer = outer;
    task->deadline = outer ? crpi_task_deadline(outer) : CRP_NO_DEADLINE;
    vm->nesting = depth + 1;
    crp_status st = crpi_execute(vm, task);
    vm->nesting = depth;
    vm->heap.fresh_count = fresh;
    vm->task = outer;
    vm->fuel = 0;
    if (st || !crpi_spare_is_clean(vm, task)) return crpi_call_finish(vm, task, st, out);
    *out = task->result;
    task->result = CRP_NIL;
    return CRP_OK;
}

static inline crp_status crpi_call_quickly(crp *vm, crp_word function, const crp_word *args, size_t n, crp_word *out)
{
    crpi_task *task = crpi_spare(vm);
    if (task && crpi_spare_enters(task, function, args, n)) return crpi_spare_runs(vm, task, out);
    return crpi_call(vm, function, args, n, out);
}

#endif
