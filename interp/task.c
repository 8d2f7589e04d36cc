/* Tasks: making, parking, waking, and the one loop that runs and waits. */
#include "vm.h"

#include <string.h>
#include "cells.h"
#include "error.h"
#include "task-call.h"

enum { FIRST_FRAMES = 16, READY_AT_ONCE = 64, FIRST_LISTS = 16, MOST_TURNS = 64 };

/* --- the collector's view ------------------------------------------------------------------------------------- */

static void mark_words(crp *vm, crp_marker mark, const crp_word *from, const crp_word *to)
{
    for (; from < to; from++) mark(vm, *from);
}

static void clear_words(crp_word *from, crp_word *to)
{
    if (from < to) memset(from, 0, (size_t)(to - from) * sizeof *from);
}

/* Registers above the top hold what earlier calls left there.  They are cleared at each collection, so a stale word
 * that a later frame finds there was written since, and what it points to still lives. */
static void mark_registers(crp *vm, crpi_task *task, crp_marker mark)
{
    crpi_segment *s = task->segment;
    if (!s) return;
    crp_word *top = crpi_task_top(task);
    bool inside = top >= s->registers && top <= s->registers + s->words;
    if (!inside) top = s->registers;
    mark_words(vm, mark, s->registers, top);
    clear_words(top, s->registers + s->words);
    if (s->spare) memset(s->spare->registers, 0, s->spare->words * sizeof(crp_word));
    for (s = s->below; s; s = s->below) {
        mark_words(vm, mark, s->registers, s->used);
        clear_words(s->used, s->registers + s->words);
    }
}

static void mark_native(crp *vm, crpi_native *nf, crp_marker mark)
{
    mark(vm, nf->call.self);
    mark(vm, nf->call.result);
    mark(vm, nf->call.value);
    for (int i = 0; i < nf->object_count; i++) mark(vm, nf->objects[i].object);
    mark(vm, nf->callee);
    mark(vm, nf->callee_self);
    mark_words(vm, mark, nf->callee_args, nf->callee_args + nf->callee_count);
    if (nf->call.args == nf->padded) mark_words(vm, mark, nf->padded, nf->padded + nf->call.count);
    if (nf->call.state && nf->row->mark_state) nf->row->mark_state(vm, nf->call.state, mark);
}

/* Of the words of a task the barrier does not see those that it changes while it runs.  So all of them are marked before
 * it goes on, once in a cycle; those of the one that runs, and of those that wait in C for it, when a cycle begins. */
static void mark_task(crp *vm, crp_object *o, crp_marker mark)
{
    crpi_task *task = (crpi_task *)o;
    if (vm->heap.marking && task->marked_in == vm->heap.marking_cycle) return;
    if (vm->heap.marking) task->marked_in = vm->heap.marking_cycle;
    mark(vm, task->result);
    mark(vm, task->error);
    mark(vm, task->owner);
    mark(vm, task->answer);
    crpi_releases_mark(vm, task, mark);
    if (!task->frames) return;
    for (const crpi_frame *fp = task->fp; fp > task->frames; fp--)
        if (fp->fn) mark(vm, crp_from_object(fp->fn));
    mark_registers(vm, task, mark);
    for (crpi_native *nf = task->natives; nf; nf = nf->below) mark_native(vm, nf, mark);
}

static void drop_task(crp *vm, crp_object *o) { crpi_task_free_stack(vm, (crpi_task *)o); }

static void mark_box(crp *vm, crp_object *o, crp_marker mark) { mark(vm, ((crpi_box *)o)->value); }

static void mark_all_tasks(crp *vm, crp_marker mark)
{
    for (crpi_task *t = vm->tasks->all; t; t = t->all_next) mark(vm, crp_from_object(t));
    for (crpi_task *t = vm->task; t; t = t->outer) {
        mark(vm, crp_from_object(t));
        mark_task(vm, &t->h, mark);
    }
    for (crpi_task *t = vm->tasks->ending; t; t = t->next) mark(vm, crp_from_object(t));
    for (int i = 0; i < CRPI_SPARES; i++)
        if (vm->tasks->spares[i]) mark(vm, crp_from_object(vm->tasks->spares[i]));
    mark(vm, vm->tasks->closing.error);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

bool crpi_tasks_init(crp *vm)
{
    crpi_tasks *tasks = crpi_mem_alloc(&vm->mem, sizeof *tasks);
    if (!tasks) return false;
    memset(tasks, 0, sizeof *tasks);
    tasks->closing.error = CRP_NIL;
    tasks->report_at = CRP_NO_DEADLINE;
    vm->tasks = tasks;
    vm->call = crpi_call;
    if (!vm->max_depth) vm->max_depth = CRPI_DEFAULT_DEPTH;
    return crpi_heap_kind(&vm->heap, CRP_TASK, (crpi_kind){mark_task, drop_task}) &&
           crpi_heap_kind(&vm->heap, CRP_BOX, (crpi_kind){mark_box, NULL}) && crpi_heap_roots(&vm->heap, mark_all_tasks);
}

void crpi_tasks_free(crp *vm)
{
    crpi_tasks *tasks = vm->tasks;
    if (!tasks) return;
    while (tasks->reports) crpi_report_seen(vm, tasks->reports);
    crp_free_bytes(vm, tasks->timers, tasks->timer_capacity * sizeof *tasks->timers);
    crp_free_bytes(vm, tasks->watches, tasks->watch_capacity * sizeof *tasks->watches);
    crp_free_bytes(vm, tasks->objects, tasks->object_lists * sizeof *tasks->objects);
    crp_free_bytes(vm, tasks, sizeof *tasks);
    vm->tasks = NULL;
}

static void free_segment(crp *vm, crpi_segment *s)
{
    if (s) crp_free_bytes(vm, s, sizeof *s + s->words * sizeof(crp_word));
}

static void forget_waits(crp *, crpi_task *);

void crpi_task_free_stack(crp *vm, crpi_task *task)
{
    while (task->natives) crpi_native_drop(vm, task);
    crpi_releases_free(vm, task);
    while (task->segment) {
        crpi_segment *below = task->segment->below;
        free_segment(vm, task->segment->spare);
        free_segment(vm, task->segment);
        task->segment = below;
    }
    crp_free_bytes(vm, task->frames, task->frame_capacity * sizeof *task->frames);
    crp_free_bytes(vm, task->handlers, task->handler_capacity * sizeof *task->handlers);
    task->frames = task->fp = NULL;
    task->handlers = NULL;
    task->handler_capacity = task->handler_count = 0;
}

static bool task_stack(crp *vm, crpi_task *task)
{
    crpi_segment *s = crp_alloc(vm, sizeof *s + CRPI_FIRST_SEGMENT * sizeof(crp_word));
    if (!s) return false;
    memset(s, 0, sizeof *s + CRPI_FIRST_SEGMENT * sizeof(crp_word));
    s->words = CRPI_FIRST_SEGMENT;
    task->segment = s;
    task->limit = crpi_segment_limit(s);
    task->base = s->registers;
    crpi_frame *frames = crp_alloc(vm, FIRST_FRAMES * sizeof *frames);
    if (!frames) return false;
    task->frames = task->fp = frames;
    task->frames[0] = (crpi_frame){NULL, task->base, NULL};
    task->frame_capacity = FIRST_FRAMES;
    task->frame_end = frames + FIRST_FRAMES - 1;
    return true;
}

void crpi_task_link(crp *vm, crpi_task *task)
{
    crpi_tasks *tasks = vm->tasks;
    task->all_next = tasks->all;
    task->all_previous = NULL;
    if (tasks->all) tasks->all->all_previous = task;
    tasks->all = task;
}

static void unlink_task(crpi_tasks *tasks, crpi_task *task)
{
    if (task->all_previous) task->all_previous->all_next = task->all_next;
    else if (tasks->all == task) tasks->all = task->all_next;
    if (task->all_next) task->all_next->all_previous = task->all_previous;
    task->all_next = task->all_previous = NULL;
}

crp_status crpi_arguments_fit(crp *vm, size_t n)
{
    if (n <= CRPI_MAX_PARAMETERS) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d arguments in one call", CRPI_MAX_PARAMETERS);
}

/* The two or five words with which the task begins: the call, and the end. */
static void write_start(crpi_task *task, crp_word function, bool method, uint32_t n)
{
    uint32_t *code = task->start;
    if (method) {
        code[0] = CRPI_INS(CRPI_OP_INVOKE, 0, 0, n);
        code[1] = code[2] = 0;
        code[3] = (uint32_t)function;
        code[4] = CRPI_INS(CRPI_OP_DONE, 0, 0, 0);
    } else {
        code[0] = CRPI_INS(CRPI_OP_CALL, 1, 0, n);
        code[1] = CRPI_INS(CRPI_OP_DONE, 1, 0, 0);
    }
    task->pc = code;
}

void crpi_task_begin(crpi_task *task, crp_word function, crp_word self, const crp_word *args, size_t n)
{
    bool method = crp_is_symbol(function);
    task->bottom = (uint32_t)n + 2;
    task->base[0] = method ? self : function;
    crpi_copy_words(task->base + 1, args, n);
    write_start(task, function, method, (uint32_t)n);
}

crp_status crpi_task_make(crp *vm, crpi_task **out)
{
    crpi_task *task = crpi_new(vm, CRP_TASK, sizeof *task);
    if (!task) return CRP_E_NOMEM;
    task->result = task->error = task->owner = task->kept = CRP_NIL;
    task->answer = CRP_UNSET;
    task->state = CRPI_DONE;
    task->deadline = CRP_NO_DEADLINE;
    *out = task;
    return task_stack(vm, task) ? CRP_OK : CRP_E_NOMEM;
}

crp_status crpi_task_new(crp *vm, crp_word function, crp_word self, const crp_word *args, size_t n, crpi_task **out)
{
    crp_status st = crpi_arguments_fit(vm, n);
    if (!st) st = crpi_task_make(vm, out);
    if (st) return st;
    crpi_task_begin(*out, function, self, args, n);
    (*out)->deadline = vm->task ? crpi_task_deadline(vm->task) : CRP_NO_DEADLINE;
    crpi_task_link(vm, *out);
    crpi_task_ready(vm, *out);
    return CRP_OK;
}

/* --- the ready queue ------------------------------------------------------------------------------------------------ */

void crpi_task_ready(crp *vm, crpi_task *task)
{
    crpi_tasks *tasks = vm->tasks;
    task->state = task->held ? CRPI_HELD : CRPI_READY;
    if (task->held) return;
    task->next = NULL;
    task->previous = tasks->last;
    if (tasks->last) tasks->last->next = task;
    else tasks->first = task;
    tasks->last = task;
}

static void unqueue(crpi_tasks *tasks, crpi_task *task)
{
    if (task->previous) task->previous->next = task->next;
    else tasks->first = task->next;
    if (task->next) task->next->previous = task->previous;
    else tasks->last = task->previous;
    task->next = task->previous = NULL;
}

void crpi_task_hold(crp *vm, crpi_task *task)
{
    if (task->state == CRPI_READY) {
        unqueue(vm->tasks, task);
        task->state = CRPI_HELD;
    }
    task->held = true;
}

void crpi_task_let_go(crp *vm, crpi_task *task)
{
    task->held = false;
    if (task->state == CRPI_HELD) crpi_task_ready(vm, task);
}

/* --- timers: a binary heap ---------------------------------------------------------------------------------------------- */

static void place_timer(crpi_tasks *tasks, size_t i, crpi_timer t)
{
    tasks->timers[i] = t;
    t.task->timer = i + 1;
}

static void sift(crpi_tasks *tasks, size_t i, crpi_timer t)
{
    while (i > 0 && tasks->timers[(i - 1) / 2].due > t.due) {
        place_timer(tasks, i, tasks->timers[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < tasks->timer_count && tasks->timers[child + 1].due < tasks->timers[child].due) child++;
        if (child >= tasks->timer_count || tasks->timers[child].due >= t.due) break;
        place_timer(tasks, i, tasks->timers[child]);
        i = child;
    }
    place_timer(tasks, i, t);
}

static bool add_timer(crp *vm, crpi_task *task, int64_t due)
{
    crpi_tasks *tasks = vm->tasks;
    if (!crpi_mem_grow(&vm->mem, &tasks->timers, &tasks->timer_capacity, tasks->timer_count + 1, sizeof *tasks->timers))
        return false;
    tasks->timer_count++;
    sift(tasks, tasks->timer_count - 1, (crpi_timer){due, task});
    return true;
}

static void remove_timer(crpi_tasks *tasks, crpi_task *task)
{
    if (!task->timer) return;
    size_t i = task->timer - 1;
    task->timer = 0;
    crpi_timer last = tasks->timers[--tasks->timer_count];
    if (i < tasks->timer_count) sift(tasks, i, last);
}

/* --- descriptors ------------------------------------------------------------------------------------------------------------ */

enum { EITHER = CRP_READABLE | CRP_WRITABLE };

/* Tells the platform what is waited for at this descriptor, if that has changed.  `keep`: see CRP_KEEP. */
static int rewatch(crp *vm, int fd, unsigned keep)
{
    crpi_watch *w = &vm->tasks->watches[fd];
    unsigned events = 0;
    for (const crpi_wait *wait = w->first; wait; wait = wait->next) events |= wait->events & EITHER;
    if (events == w->events) return 0;
    w->events = events;
    return vm->platform->watch(vm->platform_state, fd, events ? events : keep);
}

static bool add_wait(crp *vm, crpi_task *task, crpi_wait *wait)
{
    crpi_tasks *tasks = vm->tasks;
    size_t had = tasks->watch_capacity;
    wait->task = NULL;
    if (wait->fd < 0) return false;
    size_t need = (size_t)wait->fd + 1;
    if (!crpi_mem_grow(&vm->mem, &tasks->watches, &tasks->watch_capacity, need, sizeof *tasks->watches)) return false;
    if (tasks->watch_capacity > had)
        memset(tasks->watches + had, 0, (tasks->watch_capacity - had) * sizeof *tasks->watches);
    crpi_watch *w = &tasks->watches[wait->fd];
    wait->task = task;
    wait->previous = NULL;
    wait->next = w->first;
    if (w->first) w->first->previous = wait;
    w->first = wait;
    tasks->fd_waits++;
    return rewatch(vm, wait->fd, 0) >= 0;
}

static void remove_wait(crp *vm, crpi_wait *wait)
{
    if (!wait->task) return;
    if (wait->previous) wait->previous->next = wait->next;
    else vm->tasks->watches[wait->fd].first = wait->next;
    if (wait->next) wait->next->previous = wait->previous;
    wait->task = NULL;
    vm->tasks->fd_waits--;
    rewatch(vm, wait->fd, wait->events & CRP_KEEP);
}

/* --- objects that are waited for: a hash table of lists --------------------------------------------------------- */

static crpi_wait_list *list_of(const crpi_tasks *tasks, crp_word object)
{
    uint64_t mixed = (object >> 4) * 0x9e3779b97f4a7c15u;
    return &tasks->objects[(mixed >> 32) & (tasks->object_lists - 1)];
}

static void append_wait(crpi_wait_list *list, crpi_wait_object *wait)
{
    wait->next = NULL;
    wait->previous = list->last;
    if (list->last) list->last->next = wait;
    else list->first = wait;
    list->last = wait;
}

/* Without memory for more lists those that are there grow longer. */
static bool more_lists(crp *vm)
{
    crpi_tasks *tasks = vm->tasks;
    size_t had = tasks->object_lists, n = had ? had * 2 : FIRST_LISTS;
    crpi_wait_list *old = tasks->objects, *lists = crpi_mem_alloc(&vm->mem, n * sizeof *lists);
    if (!lists) return had > 0;
    memset(lists, 0, n * sizeof *lists);
    tasks->objects = lists;
    tasks->object_lists = n;
    for (size_t i = 0; i < had; i++)
        for (crpi_wait_object *wait = old[i].first, *next; wait; wait = next) {
            next = wait->next;
            append_wait(list_of(tasks, wait->object), wait);
        }
    crp_free_bytes(vm, old, had * sizeof *old);
    return true;
}

static bool add_object(crp *vm, crpi_task *task, crpi_wait_object *wait)
{
    crpi_tasks *tasks = vm->tasks;
    wait->task = NULL;
    if (tasks->object_waits >= tasks->object_lists && !more_lists(vm)) return false;
    wait->task = task;
    append_wait(list_of(tasks, wait->object), wait);
    tasks->object_waits++;
    return true;
}

static void remove_object(crpi_tasks *tasks, crpi_wait_object *wait)
{
    if (!wait->task) return;
    crpi_wait_list *list = list_of(tasks, wait->object);
    if (wait->previous) wait->previous->next = wait->next;
    else list->first = wait->next;
    if (wait->next) wait->next->previous = wait->previous;
    else list->last = wait->previous;
    wait->task = NULL;
    tasks->object_waits--;
}

/* --- parking and waking ------------------------------------------------------------------------------------------------------ */

static void forget_waits(crp *vm, crpi_task *task)
{
    crpi_native *nf = task->natives;
    remove_timer(vm->tasks, task);
    if (!nf) return;
    for (int i = 0; i < nf->fd_count; i++) remove_wait(vm, &nf->waits[i]);
    for (int i = 0; i < nf->object_count; i++) remove_object(vm->tasks, &nf->objects[i]);
    nf->fd_count = nf->object_count = 0;
}

static void wake(crp *vm, crpi_task *task)
{
    if (task->state != CRPI_PARKED) return;
    crpi_scan_now(vm, &task->h);
    forget_waits(vm, task);
    crpi_task_ready(vm, task);
}

/* The innermost native has said what it waits for. Where that cannot be waited for (a file: it is always ready) the
 * task is ready at once. */
void crpi_task_park(crp *vm, crpi_task *task, crpi_native *nf)
{
    task->state = CRPI_PARKED;
    bool ready = false;
    int64_t due = crpi_task_deadline(task);
    if (nf->deadline < due) due = nf->deadline;
    for (int i = 0; i < nf->fd_count; i++) ready |= !add_wait(vm, task, &nf->waits[i]);
    for (int i = 0; i < nf->object_count; i++) ready |= !add_object(vm, task, &nf->objects[i]);
    if (due != CRP_NO_DEADLINE) ready |= !add_timer(vm, task, due);
    if (ready) wake(vm, task);
}

int64_t crpi_task_deadline(const crpi_task *task)
{
    return task->handler_count ? task->handlers[task->handler_count - 1].deadline : task->deadline;
}

/* Waking takes the task's waits out of the list, so the look begins anew. */
void crp_wake(crp *vm, crp_word object)
{
    if (!vm->tasks->object_waits) return;
    crpi_wait_object *wait = list_of(vm->tasks, object)->first;
    while (wait) {
        if (wait->object == object) {
            wake(vm, wait->task);
            wait = list_of(vm->tasks, object)->first;
        } else {
            wait = wait->next;
        }
    }
}

static void wake_due(crp *vm)
{
    crpi_tasks *tasks = vm->tasks;
    if (tasks->timer_count == 0) return;
    int64_t now = crp_now(vm);
    while (tasks->timer_count && tasks->timers[0].due <= now) wake(vm, tasks->timers[0].task);
}

static void wake_ready(crp *vm, const crp_ready *ready, int n)
{
    for (int i = 0; i < n; i++) {
        if (ready[i].fd < 0 || (size_t)ready[i].fd >= vm->tasks->watch_capacity) continue;
        crpi_wait *next, *wait = vm->tasks->watches[ready[i].fd].first;
        for (; wait; wait = next) {
            next = wait->next;
            if (wait->events & ready[i].events) wake(vm, wait->task);
        }
    }
}

int64_t crpi_tasks_due(crp *vm) { return vm->tasks->timer_count ? vm->tasks->timers[0].due : CRP_NO_DEADLINE; }

/* What nobody refers to any more is dropped by the collection; between its steps others run. */
static void report_due(crp *vm)
{
    if (vm->tasks->report_at == CRP_NO_DEADLINE || crp_now(vm) < vm->tasks->report_at) return;
    if (!crpi_collect_soon(vm, &vm->tasks->report_cycle)) return;
    vm->tasks->report_at = CRP_NO_DEADLINE;
    vm->tasks->report_cycle = 0;
    crpi_reports_write(vm, false);
}

/* The one place that waits: for a descriptor, the next timer, or an interrupt. */
static crp_status wait_for_something(crp *vm, bool patient)
{
    crp_ready ready[READY_AT_ONCE];
    int64_t due = crpi_tasks_due(vm), wait = patient ? -1 : 0;
    if (vm->tasks->report_at < due) due = vm->tasks->report_at;
    if (patient && due != CRP_NO_DEADLINE) {
        int64_t now = crp_now(vm);
        wait = due <= now ? 0 : due - now;
    }
    if (vm->interrupt) return CRP_OK;
    int n = vm->platform->wait(vm->platform_state, wait, ready, READY_AT_ONCE);
    if (n < 0 && n != -4) return crp_raise_errno(vm, CRP_ERR_SYSTEM, -n, -n, "waiting for events");
    if (n > 0) wake_ready(vm, ready, n);
    wake_due(vm);
    report_due(vm);
    if (vm->end_wanted) vm->tasks->end_wanted(vm);
    return CRP_OK;
}

/* --- running -------------------------------------------------------------------------------------------------------------------- */

void crpi_task_end(crp *vm, crpi_task *task)
{
    unlink_task(vm->tasks, task);
    if (vm->tasks->closing.task == task) crpi_closing_end(vm);
    crpi_task_free_stack(vm, task);
    task->expected = crpi_error_is_uncatchable(task->error);
    if (!task->from_c) crpi_error_catchable(vm, task->error);
    crp_wake(vm, crp_from_object(task));
    if (task->owner == CRP_NIL) return;
    task->next = vm->tasks->ending;
    vm->tasks->ending = task;
    vm->tasks->ended(vm, task);
    vm->tasks->ending = task->next;
}

static void run_one(crp *vm)
{
    crpi_tasks *tasks = vm->tasks;
    crpi_task *task = tasks->first;
    unqueue(tasks, task);
    crpi_scan_now(vm, &task->h);
    task->outer = vm->task;
    size_t fresh = vm->heap.fresh_count;
    crp_status st = crpi_execute(vm, task);
    vm->heap.fresh_count = fresh;
    vm->task = task->outer;
    vm->fuel = 0; /* the one that goes on now looks round first */
    task->outer = NULL;
    if (st != CRP_AGAIN) {
        vm->error = CRP_NIL;
        crpi_task_end(vm, task);
    }
}

/* The task that somebody in C waits for goes before any other: when it begins, and when it is interrupted. */
static void to_front(crpi_tasks *tasks, crpi_task *task)
{
    if (task->state != CRPI_READY || tasks->first == task) return;
    unqueue(tasks, task);
    task->next = tasks->first;
    if (tasks->first) tasks->first->previous = task;
    else tasks->last = task;
    tasks->first = task;
}

static void interrupt_wait(crp *vm, crpi_task *task)
{
    if (task->state == CRPI_PARKED) wake(vm, task);
    to_front(vm->tasks, task);
}

crp_status crpi_task_stuck(crp *vm)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "every task waits for another: none can go on");
}

/* The task that C waits for gets the error where it waits, so that its script may catch it. */
static crp_status nothing_to_wait_for(crp *vm, crpi_task *task)
{
    if (task->state != CRPI_PARKED) return crpi_task_stuck(vm);
    task->stuck = true;
    wake(vm, task);
    return CRP_OK;
}

/* Tasks that are always ready do not keep the others from hearing of their descriptors. */
static crp_status look_round(crp *vm, crpi_task *task)
{
    crpi_tasks *tasks = vm->tasks;
    tasks->turns = 0;
    if (tasks->first) return wait_for_something(vm, false);
    bool can_come = tasks->timer_count || tasks->fd_waits || vm->end_awaited;
    return can_come ? wait_for_something(vm, true) : nothing_to_wait_for(vm, task);
}

static crp_status until_done(crp *vm, crpi_task *task)
{
    crp_status st = CRP_OK;
    while (!st && task->state != CRPI_DONE) {
        if (vm->interrupt) interrupt_wait(vm, task);
        if (vm->tasks->first && vm->tasks->turns++ < MOST_TURNS) run_one(vm);
        else st = look_round(vm, task);
    }
    return st;
}

crp_status crpi_run(crp *vm, crpi_task *task)
{
    to_front(vm->tasks, task);
    crp_status st = until_done(vm, task);
    if (st) crpi_task_abandon(vm, task);
    return st;
}

void crpi_task_cancel(crp *vm, crpi_task *task)
{
    if (task->state == CRPI_DONE) return;
    task->cancelled = true;
    crpi_task_let_go(vm, task);
    if (task->state == CRPI_PARKED) wake(vm, task);
    if (task == vm->task) vm->fuel = 0;
}

/* Takes a task that has not ended out of the world; nothing of it runs any more. */
void crpi_task_abandon(crp *vm, crpi_task *task)
{
    if (task->state == CRPI_DONE) return;
    crpi_scan_now(vm, &task->h);
    if (task->state == CRPI_PARKED) forget_waits(vm, task);
    else if (task->state == CRPI_READY) unqueue(vm->tasks, task);
    task->state = CRPI_DONE;
    task->handler_count = 0;
    crpi_task_end(vm, task);
}

void crpi_tasks_abandon(crp *vm)
{
    while (vm->tasks && vm->tasks->all) crpi_task_abandon(vm, vm->tasks->all);
}

/* What they do at their ends may start others, which end in the same way. */
void crpi_tasks_finish(crp *vm)
{
    for (crpi_task *t; !vm->interrupt && (t = vm->tasks->all);) {
        for (; t; t = t->all_next) crpi_task_cancel(vm, t);
        while (vm->tasks->first && !vm->interrupt) run_one(vm);
    }
    vm->error = CRP_NIL;
}

crp_status crpi_tasks_step(crp *vm, unsigned max)
{
    crp_status st = wait_for_something(vm, false);
    while (!st && max-- > 0 && vm->tasks->first && !vm->interrupt) run_one(vm);
    return st;
}

/* --- what natives say (native.h) --------------------------------------------------------------------------------------------------- */

static crpi_native *native_of(crp_call *c) { return (crpi_native *)(void *)c; }

const crp_platform *crp_platform_of(crp *vm, void **state)
{
    *state = vm->platform_state;
    return vm->platform;
}

int64_t crp_now(crp *vm) { return vm->platform->now(vm->platform_state); }

void crp_wait_fd(crp_call *c, int fd, unsigned events)
{
    crpi_native *nf = native_of(c);
    for (int i = 0; i < nf->fd_count; i++)
        if (nf->waits[i].fd == fd) {
            nf->waits[i].events |= events;
            return;
        }
    if (nf->fd_count == CRPI_MAX_WAITS) return; /* the others wake it; it asks again then */
    nf->waits[nf->fd_count++] = (crpi_wait){.fd = fd, .events = events};
}

void crp_wait_until(crp_call *c, int64_t deadline)
{
    crpi_native *nf = native_of(c);
    if (deadline < nf->deadline) nf->deadline = deadline;
}

void crp_wait_object(crp_call *c, crp_word object)
{
    crpi_native *nf = native_of(c);
    for (int i = 0; i < nf->object_count; i++)
        if (nf->objects[i].object == object) return;
    if (nf->object_count < CRPI_MAX_WAIT_OBJECTS) nf->objects[nf->object_count++] = (crpi_wait_object){.object = object};
}

bool crp_interrupted(crp *vm)
{
    return vm->interrupt != 0 && vm->interrupt != CRPI_CLOSING && (!vm->task || vm->task->from_c);
}

static crp_status then(crp_call *c, crp_word callee, crp_word self, const crp_word *args, size_t n)
{
    crpi_native *nf = native_of(c);
    if (n > CRPI_MAX_PARAMETERS)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d arguments in one call", CRPI_MAX_PARAMETERS);
    nf->callee_args = nf->few;
    if (n > sizeof nf->few / sizeof nf->few[0]) {
        nf->callee_args = crp_alloc(c->vm, n * sizeof *args);
        if (!nf->callee_args) {
            nf->callee_args = nf->few;
            return CRP_E_NOMEM;
        }
    }
    crpi_copy_words(nf->callee_args, args, n);
    nf->callee = callee;
    nf->callee_self = self;
    nf->callee_count = (uint32_t)n;
    nf->failed = false;
    nf->catches = false;
    return CRP_CALL;
}

crp_status crp_then_call(crp_call *c, crp_word function, const crp_word *args, size_t n)
{
    return then(c, function, CRP_UNSET, args, n);
}

crp_status crp_then_send(crp_call *c, crp_word object, crp_word name, const crp_word *args, size_t n)
{
    return then(c, name, object, args, n);
}

crp_status crp_then_create(crp_call *c, crp_word class_or_name, const crp_word *args, size_t n)
{
    crp_word name, all[CRPI_MAX_PARAMETERS];
    uint32_t cell;
    if (n >= CRPI_MAX_PARAMETERS)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d arguments in one call", CRPI_MAX_PARAMETERS);
    crp_status st = crp_symbol(c->vm, "createAux", 9, &name);
    if (!st) st = crpi_function_cell(c->vm, name, &cell);
    if (st) return st;
    all[0] = class_or_name;
    if (n) memcpy(all + 1, args, n * sizeof *args);
    return then(c, c->vm->cells->values[cell], CRP_UNSET, all, n + 1);
}

void crp_catch_errors(crp_call *c) { native_of(c)->catches = true; }

bool crp_call_failed(const crp_call *c) { return ((const crpi_native *)(const void *)c)->failed; }

crp_status crp_task_send(crp *vm, crp_word object, crp_word name, const crp_word *args, size_t n, crp_word *task)
{
    crpi_task *t;
    crp_status st = crpi_task_new(vm, name, object, args, n, &t);
    if (!st) *task = crp_from_object(t);
    return st;
}

crp_status crp_task_result(crp *vm, crp_word task, crp_word *out)
{
    const crpi_task *t = (crpi_task *)crp_object_of(task);
    *out = t->result;
    if (t->state != CRPI_DONE) return CRP_AGAIN;
    return t->error == CRP_NIL ? CRP_OK : crp_rethrow(vm, t->error);
}

void crp_task_cancel(crp *vm, crp_word task) { crpi_task_abandon(vm, (crpi_task *)crp_object_of(task)); }
