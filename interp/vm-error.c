/* floor 6: what happens when an error is pending: the handler that gets it, and what runs on the way there. */
#include "vm.h"

#include <string.h>
#include "cells.h"
#include "compiler.h"
#include "error.h"
#include "str.h"
#include "value.h"

enum { MAX_CLASSES = 1000, MOST_PASSED_OVER = 100000 };

/* --- unknown names ---------------------------------------------------------------------------------------------- */

/* The variables that the running code could have meant: its parameters, and those of its file. */
typedef struct variable_walk {
    crp *vm;
    const crpi_signature *signature;
    const crpi_scope *scope;
    size_t parameter, at;
} variable_walk;

static const char *next_variable(void *ud)
{
    variable_walk *w = ud;
    if (w->signature && w->parameter < w->signature->count)
        return crp_symbol_name(w->vm, w->signature->parameters[w->parameter++].name, NULL);
    for (; w->scope && w->at < w->scope->count; w->at++)
        if (w->scope->declared[w->at]) return crp_symbol_name(w->vm, w->scope->names[w->at++], NULL);
    return NULL;
}

static crp_status unknown(crp *vm, crp_word name, const char *what)
{
    variable_walk walk = {.vm = vm};
    const crpi_frame *fp = vm->task ? vm->task->fp : NULL;
    while (fp && fp > vm->task->frames && !(fp->fn && fp->fn->proto && fp->fn->proto->source)) fp--;
    if (fp && fp > vm->task->frames) {
        walk.signature = fp->fn->proto->signature;
        walk.scope = fp->fn->proto->source->scope;
    }
    return crpi_name_unknown(vm, name, what, next_variable, &walk);
}

crp_status crpi_no_function(crp *vm, crp_word name) { return unknown(vm, name, "function"); }
crp_status crpi_no_name(crp *vm, crp_word name) { return unknown(vm, name, "name"); }

/* --- what cannot be caught -------------------------------------------------------------------------------------- */

/* Counts a step of what runs because of an interrupt. A step may take long, where memory has run out and each looks for
 * more, so time is limited too. */
static bool steps_left(crp *vm)
{
    if (vm->tasks->closing.steps > 0 && crp_now(vm) >= vm->tasks->closing.deadline) vm->tasks->closing.steps = 0;
    return vm->tasks->closing.steps-- > 0;
}

/* Without memory for an Error of its own it stays to be raised. */
static bool make_uncatchable(crp *vm)
{
    if (!crp_is_a(vm->error, CRP_ERROR) || vm->error == vm->no_memory_error) return false;
    crp_object_of(vm->error)->flags |= CRPI_ERROR_UNCATCHABLE;
    return true;
}

bool crpi_error_is_uncatchable(crp_word error)
{
    return crp_is_a(error, CRP_ERROR) && (crp_object_of(error)->flags & CRPI_ERROR_UNCATCHABLE);
}

void crpi_error_catchable(crp *vm, crp_word error)
{
    (void)vm;
    if (crpi_error_is_uncatchable(error)) crp_object_of(error)->flags &= (uint8_t)~CRPI_ERROR_UNCATCHABLE;
}

crp_status crpi_raise_interrupt(crp *vm, int why)
{
    if (why == CRPI_STOPPED) crp_raise(vm, CRP_ERR_SCRIPT, CRP_STOPPED, "stopped");
    else crp_raise(vm, CRP_ERR_SCRIPT, CRP_INTERRUPTED, "interrupted");
    if (!make_uncatchable(vm)) vm->interrupt = why;
    if (vm->task) vm->task->expired = 0;
    return CRP_E_CANCELLED;
}

/* An interrupt is for the task that C waits for.  Another one goes on until it waits or jumps back; if it does neither
 * for long, it is interrupted as well. */
static bool is_for_another(const crp *vm)
{
    crpi_task *task = vm->task;
    return task && !task->from_c && task->passed_over++ < MOST_PASSED_OVER;
}

crp_status crpi_interrupt(crp *vm)
{
    int why = vm->interrupt;
    if (why == CRPI_CLOSING) return steps_left(vm) ? CRP_OK : crpi_no_waiting(vm);
    if (is_for_another(vm)) return CRP_OK;
    if (!vm->task || vm->task->from_c) vm->interrupt = 0;
    return crpi_raise_interrupt(vm, why);
}

/* --- a task's own end, and its time --------------------------------------------------------------------------------- */

static bool is_closing(crp *vm, const crpi_task *task)
{
    return vm->interrupt == CRPI_CLOSING && vm->tasks->closing.task == task;
}

static crp_status cancelled(crp *vm, crpi_task *task)
{
    crp_raise(vm, CRP_ERR_SCRIPT, CRP_INTERRUPTED, "the task was cancelled");
    if (make_uncatchable(vm)) task->cancelled = false;
    task->expired = 0;
    return CRP_E_CANCELLED;
}

/* The outermost within whose time is up gets the error. */
static crp_status time_is_up(crp *vm, crpi_task *task, int64_t now)
{
    size_t i = 0;
    bool own = task->deadline <= now;
    while (!own && !(task->handlers[i].kind == CRPI_WITHIN && task->handlers[i].deadline <= now)) i++;
    task->expired = own ? 0 : i + 1;
    if (own) crp_raise(vm, CRP_ERR_COMMS, CRP_TIMEOUT, "the time is up of the `within` that the task was started in");
    else crp_raise(vm, CRP_ERR_COMMS, CRP_TIMEOUT, "within: the %ld ms are over", task->handlers[i].span);
    make_uncatchable(vm);
    return CRP_E_CANCELLED;
}

crp_status crpi_task_may_go_on(crp *vm, crpi_task *task)
{
    if (is_closing(vm, task)) return CRP_OK;
    if (task->cancelled) return cancelled(vm, task);
    int64_t deadline = crpi_task_deadline(task), now;
    if (deadline == CRP_NO_DEADLINE || (now = crp_now(vm)) < deadline) return CRP_OK;
    return time_is_up(vm, task, now);
}

crp_status crpi_look(crp *vm, bool at_jump)
{
    crpi_task *task = vm->task;
    vm->fuel = CRPI_FUEL;
    if (!vm->interrupt) return crpi_task_may_go_on(vm, task);
    crp_status st = crpi_interrupt(vm);
    if (vm->interrupt) vm->fuel = 0;
    if (st || !at_jump || !vm->interrupt || vm->interrupt == CRPI_CLOSING) return st;
    crpi_task_ready(vm, task); /* whose interrupt it is goes first */
    return CRP_AGAIN;
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
        if (crpi_error_of(vm->error)->code == crp_fixnum(CRP_STOPPED)) return;
        vm->tasks->closing.steps = CRPI_CLOSING_STEPS;
        vm->tasks->closing.deadline = crp_now(vm) + CRPI_CLOSING_MS;
        vm->tasks->closing.error = vm->error;
        vm->tasks->closing.task = task;
        if (vm->interrupt == CRPI_INTERRUPTED) vm->interrupt_later = 1;
        vm->interrupt = CRPI_CLOSING;
        vm->fuel = 0;
    }
    if (vm->tasks->closing.task != task) return;
    vm->tasks->closing.handlers = task->handler_count;
    vm->tasks->closing.frame = h->frame;
}

void crpi_closing_end(crp *vm)
{
    vm->tasks->closing.task = NULL;
    vm->tasks->closing.error = CRP_NIL;
    if (vm->interrupt != CRPI_CLOSING) return;
    __atomic_store_n(&vm->interrupt, 0, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&vm->interrupt_later, 0, __ATOMIC_SEQ_CST)) vm->interrupt = CRPI_INTERRUPTED;
}

/* --- unwinding ---------------------------------------------------------------------------------------------------------- */

static void drop_above(crp *vm, crpi_task *task, uint32_t frame)
{
    while (task->natives && task->natives->frame > frame) crpi_native_drop(vm, task);
    crpi_release_above(vm, task, frame);
}

static void use_segment(crp *vm, crpi_task *task, crpi_segment *segment)
{
    while (task->segment != segment) crpi_leave_segment(vm, task);
}

/* The registers behind the handler's own are those of what was given up: nothing there is kept alive any more. */
static void to_handler(crp *vm, crpi_task *task, const crpi_handler *h)
{
    drop_above(vm, task, h->frame);
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
    drop_above(vm, task, nf->frame);
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
    drop_above(vm, task, 0);
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

/* A within only gets the end of its own time, and that whatever the closing has taken. */
static bool takes(crp *vm, const crpi_task *task, size_t i, bool uncatchable)
{
    const crpi_handler *h = &task->handlers[i];
    if (h->kind == CRPI_WITHIN) return uncatchable && task->expired == i + 1;
    if (!uncatchable) return true;
    return h->kind == CRPI_FINALLY && !(vm->interrupt == CRPI_CLOSING && vm->tasks->closing.steps < 0);
}

/* The number of handlers up to and including the one that gets the error; 0: none does. */
static size_t next_handler(crp *vm, const crpi_task *task, bool uncatchable)
{
    size_t n = task->handler_count;
    while (n > 0 && !takes(vm, task, n - 1, uncatchable)) n--;
    return n;
}

static crp_status unwind_to(crp *vm, crpi_task *task, size_t n, bool uncatchable)
{
    const crpi_handler *h = &task->handlers[n - 1];
    task->handler_count = n - 1;
    if (h->kind == CRPI_WITHIN) {
        crpi_closing_end(vm);
        crpi_error_catchable(vm, vm->error);
    } else if (uncatchable) {
        begin_closing(vm, task, h);
    }
    to_handler(vm, task, h);
    return CRP_OK;
}

/* An error that comes while an interrupt is waiting to be seen gives way to that: it may well be due to it. */
crp_status crpi_unwind(crp *vm, crpi_task *task)
{
    size_t fresh = vm->heap.fresh_count;
    if (crp_interrupted(vm) && !crpi_error_is_uncatchable(vm->error)) crpi_interrupt(vm);
    if (leaves_closing(vm, task)) crpi_no_waiting(vm);
    bool uncatchable = crpi_error_is_uncatchable(vm->error);
    crpi_trace_add(vm, task);
    size_t n = next_handler(vm, task, uncatchable);
    crpi_native *nf = uncatchable ? NULL : catching_native(task, n ? task->handlers[n - 1].frame : 0);
    vm->heap.fresh_count = fresh;
    if (nf) {
        while (task->handler_count && task->handlers[task->handler_count - 1].frame >= nf->frame) task->handler_count--;
        to_native(vm, task, nf);
        return CRP_OK;
    }
    return n ? unwind_to(vm, task, n, uncatchable) : task_ends(vm, task);
}

/* --- catch ----------------------------------------------------------------------------------------------------------------- */

/* Up to nine digits; gives what is behind them, or NULL. */
static const char *read_number(const char *text, const char *end, int64_t *number)
{
    const char *at = text;
    for (*number = 0; at < end && *at >= '0' && *at <= '9' && at - text < 9; at++) *number = *number * 10 + (*at - '0');
    return at > text ? at : NULL;
}

/* "6.1" is a class and a code, "6" a class. */
static crp_status text_matches(crp *vm, const crpi_error *e, crp_word what, bool *yes)
{
    size_t n;
    int64_t class = 0, code = 0;
    const char *text = crp_string_data(what, &n), *end = text + n, *at = read_number(text, end, &class);
    bool has_code = at && at < end && *at == '.';
    if (has_code) at = read_number(at + 1, end, &code);
    if (at != end)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "catch: \"class.code\" expected, as in \"6.1\"; %v given", what);
    *yes = e->error_class == crp_fixnum(class) && (!has_code || e->code == crp_fixnum(code));
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
