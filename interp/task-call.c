/* floor 6: calls from C.
 *
 * Most of what C calls neither waits nor leaves anything behind, and making a task with a stack takes longer than such a
 * call.  So the task of a call that has returned is kept as a spare, with its stack, and the next call takes it.  It is
 * executed at once and in no list meanwhile: only as the one that runs (crp.task) is it known.  Not before it waits does it
 * become one among the others.
 */
#include "vm.h"

#include "error.h"

enum { MOST_SPARES = 4, MOST_SPARE_FRAMES = 1024, MANY_CALLS = 64 };

static const uint32_t done_code[] = {CRPI_INS(CRPI_OP_DONE, 0, 0, 0)};

/* --- spares -------------------------------------------------------------------------------------------------------- */

/* A spare: nothing is on its stack. */
static crp_status take_spare(crp *vm, crpi_task **out)
{
    crpi_tasks *tasks = vm->tasks;
    crpi_task *task = tasks->spare;
    if (!task) {
        size_t fresh = vm->heap.fresh_count;
        crp_status st = crpi_task_make(vm, out);
        vm->heap.fresh_count = fresh;
        if (!st) (*out)->from_c = true;
        return st;
    }
    tasks->spare = task->next;
    tasks->spares--;
    task->next = NULL;
    *out = task;
    return CRP_OK;
}

/* It returned, and nothing of the call is left that another one would find. */
static inline bool is_clean(const crp *vm, const crpi_task *task)
{
    return !task->segment->below && !task->natives && !task->release_count && !task->handler_count && !task->expired &&
           !task->cancelled && !task->held && !task->stuck && task->owner == CRP_NIL && vm->tasks->closing.task != task &&
           task->frame_capacity <= MOST_SPARE_FRAMES;
}

static bool make_spare(crp *vm, crpi_task *task)
{
    crpi_tasks *tasks = vm->tasks;
    if (tasks->spares == MOST_SPARES || !is_clean(vm, task)) return false;
    task->result = CRP_NIL;
    task->bottom = 0;
    task->next = tasks->spare;
    tasks->spare = task;
    tasks->spares++;
    return true;
}

/* --- a call -------------------------------------------------------------------------------------------------------- */

/* A script's function that takes just these arguments is entered as the VM's loop does it. */
static inline bool enter_at_once(crpi_task *task, crp_word function, const crp_word *args, size_t n)
{
    if (!crp_is_a(function, CRP_FUNCTION)) return false;
    crpi_function *fn = crpi_function_of(function);
    crp_word *at = task->base;
    if (!crpi_takes(fn, (uint32_t)n) || at + fn->registers > task->limit) return false;
    crpi_copy_words(at, args, n);
    *++task->fp = (crpi_frame){done_code, at, fn};
    task->pc = fn->code;
    return true;
}

/* The task that goes on after the call looks round first. */
static crp_status execute(crp *vm, crpi_task *task)
{
    size_t fresh = vm->heap.fresh_count;
    task->outer = vm->task;
    crp_status st = crpi_execute(vm, task);
    vm->heap.fresh_count = fresh;
    vm->task = task->outer;
    vm->fuel = 0;
    task->outer = NULL;
    return st;
}

/* What has not simply returned. */
static crp_status finish(crp *vm, crpi_task *task, crp_status st, crp_word *out)
{
    if (st == CRP_AGAIN) {
        crpi_task_link(vm, task);
        st = crpi_run(vm, task);
        if (st) return st;
    } else {
        vm->error = CRP_NIL;
        crpi_task_end(vm, task);
    }
    if (task->error != CRP_NIL) {
        crp_rethrow(vm, task->error);
        return crpi_error_status(vm, task->error);
    }
    *out = task->result;
    return CRP_OK;
}

static crp_status run(crp *vm, crpi_task *task, crp_word *out)
{
    vm->nesting++;
    crp_status st = execute(vm, task);
    crp_word result = task->result;
    if (st || !make_spare(vm, task)) st = finish(vm, task, st, &result);
    vm->nesting--;
    if (!st && out) *out = result;
    return st;
}

/* --- what comes before it ------------------------------------------------------------------------------------------ */

static crp_status may_call(crp *vm, size_t n)
{
    if (vm->nesting >= CRPI_MAX_NESTED_RUNS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TOO_DEEP, "calls from C into scripts are nested more than %d deep",
                         CRPI_MAX_NESTED_RUNS);
    return crpi_arguments_fit(vm, n);
}

static crp_status call(crp *vm, crp_word function, crp_word self, const crp_word *args, size_t n, crp_word *out)
{
    crpi_task *task;
    crp_status st = may_call(vm, n);
    if (!st) st = take_spare(vm, &task);
    if (st) return st;
    task->deadline = vm->task ? crpi_task_deadline(vm->task) : CRP_NO_DEADLINE;
    if (!enter_at_once(task, function, args, n)) crpi_task_begin(task, function, self, args, n);
    return run(vm, task, out);
}

crp_status crpi_call(crp *vm, crp_word function, const crp_word *args, size_t n, crp_word *out)
{
    return call(vm, function, CRP_UNSET, args, n, out);
}

crp_status crpi_send(crp *vm, crp_word object, crp_word name, const crp_word *args, size_t n, crp_word *out)
{
    return call(vm, name, object, args, n, out);
}

crp_status crpi_others_go_on(crp *vm)
{
    crpi_tasks *tasks = vm->tasks;
    if (++tasks->calls < MANY_CALLS) return CRP_OK;
    tasks->calls = 0;
    bool any = tasks->first || tasks->timer_count || tasks->fd_waits || vm->end_wanted || tasks->report_at != CRP_NO_DEADLINE;
    return any ? crpi_tasks_step(vm, MANY_CALLS) : CRP_OK;
}
