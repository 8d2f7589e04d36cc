/* floor 6: calls from C: making the spares, and what is not simply returned from (task-call.h). */
#include "task-call.h"

#include "error.h"

const uint32_t crpi_done_code[] = {CRPI_INS(CRPI_OP_DONE, 0, 0, 0)};

/* The end of its caller's time, which is an error of the caller: there a `within` gets it. */
static crp_status time_of_caller(crp *vm, const crpi_task *task)
{
    bool timed = vm->task && task->deadline != CRP_NO_DEADLINE && crpi_error_is_uncatchable(task->error) &&
                 crpi_error_of(task->error)->error_class == crp_fixnum(CRP_ERR_COMMS);
    return timed ? crpi_task_may_go_on(vm, vm->task) : CRP_OK;
}

static crp_status outcome(crp *vm, const crpi_task *task, crp_word *out)
{
    *out = task->result;
    if (task->error == CRP_NIL) return CRP_OK;
    crp_status st = time_of_caller(vm, task);
    if (st) return st;
    crp_rethrow(vm, task->error);
    return crpi_error_status(vm, task->error);
}

crp_status crpi_call_finish(crp *vm, crpi_task *task, crp_status st, crp_word *out)
{
    if (crpi_spare(vm) == task) vm->tasks->spares[vm->nesting] = NULL;
    if (st == CRP_AGAIN) {
        crpi_task_link(vm, task);
        vm->nesting++;
        st = crpi_run(vm, task);
        vm->nesting--;
        if (st) return st;
    } else {
        vm->error = CRP_NIL;
        crpi_task_end(vm, task);
    }
    return outcome(vm, task, out);
}

static crp_status make_spare(crp *vm, crpi_task **out)
{
    size_t fresh = vm->heap.fresh_count;
    crp_status st = crpi_task_make(vm, out);
    vm->heap.fresh_count = fresh;
    if (st) return st;
    (*out)->from_c = true;
    if (vm->nesting < CRPI_SPARES) vm->tasks->spares[vm->nesting] = *out;
    return CRP_OK;
}

/* The value is kept for who has called, as what he makes himself. */
static crp_status kept(crp *vm, crp_word *out)
{
    bool nothing = !out || !(crp_is_object(*out) || crp_is_pair(*out));
    return nothing || crpi_log_fresh(vm, *out) ? CRP_OK : CRP_E_NOMEM;
}

static crp_status call(crp *vm, crp_word function, crp_word self, const crp_word *args, size_t n, crp_word *out)
{
    if (vm->nesting >= CRPI_MAX_NESTED_RUNS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TOO_DEEP, "calls from C into scripts are nested more than %d deep",
                         CRPI_MAX_NESTED_RUNS);
    crpi_task *task = crpi_spare(vm);
    crp_word unused;
    crp_status st = crpi_arguments_fit(vm, n);
    if (!st && !task) st = make_spare(vm, &task);
    if (st) return st;
    if (!crpi_spare_enters(task, function, args, n)) crpi_task_begin(task, function, self, args, n);
    st = crpi_spare_runs(vm, task, out ? out : &unused);
    task->bottom = 0;
    return st ? st : kept(vm, out);
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
    tasks->calls = 0;
    bool any = tasks->first || tasks->timer_count || tasks->fd_waits || vm->end_wanted || tasks->report_at != CRP_NO_DEADLINE;
    return any ? crpi_tasks_step(vm, CRPI_MANY_CALLS) : CRP_OK;
}
