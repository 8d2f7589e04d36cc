/* floor 7: waitAll and race: waiting for several Tasks as one.
 *
 * They answer for the Tasks that they are given: whatever ends the wait early, an error, a deadline or a cancel, the
 * Tasks that still run are cancelled.
 */
#include "lib-task.h"

#include <string.h>
#include "lib.h"
#include "vm.h"

enum { MOST_TASKS = 1000000 };

typedef struct several {
    crp_word *tasks;
    size_t n, room;
    size_t ended;   /* all: this many of them, from the first, have ended */
    crp_word error; /* of the first that failed */
    bool failed;
} several;

static void mark_several(crp *vm, void *p, crp_marker mark)
{
    const several *s = p;
    for (size_t i = 0; i < s->n; i++) mark(vm, s->tasks[i]);
    if (s->failed) mark(vm, s->error);
}

static void cancel_rest(crp *vm, const several *s)
{
    for (size_t i = 0; i < s->n; i++) crpi_task_object_cancel(vm, s->tasks[i]);
}

static void drop_several(crp *vm, void *p)
{
    several *s = p;
    cancel_rest(vm, s);
    crp_free_bytes(vm, s->tasks, s->room * sizeof *s->tasks);
}

/* --- what is given ---------------------------------------------------------------------------------------------- */

static crp_status add(crp *vm, several *s, crp_word task)
{
    if (s->n == MOST_TASKS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "at most %d Tasks can be waited for at once", (int)MOST_TASKS);
    if (!crpi_mem_grow(&vm->mem, &s->tasks, &s->room, s->n + 1, sizeof *s->tasks)) return crp_no_memory(vm);
    s->tasks[s->n++] = task;
    return CRP_OK;
}

static crp_status add_one(crp *vm, several *s, crp_word given)
{
    if (crpi_is_task(vm, given)) return add(vm, s, given);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected a Task or a List of Tasks, given %n %v", given, given);
}

static crp_status add_list(crp *vm, several *s, crp_word list)
{
    size_t n;
    crp_status st = crpi_lib_list_length(vm, list, &n);
    for (; !st && crp_is_pair(list); list = crp_tail(list)) st = add_one(vm, s, crp_head(list));
    return st;
}

static crp_status begin(crp_call *c, several *s)
{
    crp_status st = CRP_OK;
    for (uint32_t i = 0; !st && i < c->count; i++) {
        bool list = crp_is_pair(c->args[i]) || c->args[i] == CRP_NIL;
        st = list ? add_list(c->vm, s, c->args[i]) : add_one(c->vm, s, c->args[i]);
    }
    c->step = 1;
    return st;
}

/* --- waiting -------------------------------------------------------------------------------------------------------- */

static bool has_ended(crp_word task) { return crpi_task_object_of(task)->phase == CRPI_TASK_ENDED; }

static crp_status wait_for(crp_call *c, crp_word task)
{
    crp_wait_object(c, task);
    crp_wait_object(c, crpi_task_class_word(c->vm)); /* an error in another one */
    return CRP_AGAIN;
}

/* The first error cancels the others, and is raised when they have ended. */
static void look_for_error(crp *vm, several *s)
{
    for (size_t i = s->ended; i < s->n && !s->failed; i++) {
        crp_word error = crpi_task_object_of(s->tasks[i])->error;
        if (!has_ended(s->tasks[i]) || error == CRP_NIL) continue;
        s->failed = true;
        s->error = error;
        cancel_rest(vm, s);
    }
}

static crp_status results(crp *vm, const several *s, crp_word *out)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    for (size_t i = 0; i < s->n; i++) crpi_task_object_seen(vm, s->tasks[i]);
    for (size_t i = 0; !st && i < s->n; i++) st = crp_list_add(vm, &list, crpi_task_object_of(s->tasks[i])->result);
    *out = list.first;
    return st;
}

static crp_status wait_all(crp_call *c)
{
    several *s = c->state;
    crp_status st = c->step == 0 ? begin(c, s) : CRP_OK;
    if (st) return st;
    look_for_error(c->vm, s);
    while (s->ended < s->n && has_ended(s->tasks[s->ended])) s->ended++;
    if (s->ended < s->n) return wait_for(c, s->tasks[s->ended]);
    st = results(c->vm, s, &c->result);
    return st || !s->failed ? st : crp_rethrow(c->vm, s->error);
}

static crp_status race(crp_call *c)
{
    several *s = c->state;
    crp_status st = c->step == 0 ? begin(c, s) : CRP_OK;
    if (!st && !s->n) st = crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "race: expected at least one Task, given none");
    if (st) return st;
    size_t first = 0;
    while (first < s->n && !has_ended(s->tasks[first])) first++;
    if (first == s->n) return wait_for(c, s->tasks[0]);
    const crpi_task_object *t = crpi_task_object_of(s->tasks[first]);
    crpi_task_object_seen(c->vm, s->tasks[first]);
    c->result = t->result;
    return t->error == CRP_NIL ? CRP_OK : crp_rethrow(c->vm, t->error);
}

static const crp_method functions[] = {
    {"waitAll", "List ...", wait_all,
     "Waits for all of the Tasks, and gives the List of their values in that order. They are given one by one or as Lists. The "
     "first error cancels the others and, when they have ended, is raised here. They are cancelled too when this wait is ended, "
     "by `within` or a cancel. `all` is this when it is given Tasks. 1.11 for what is neither.\n"
     "(waitAll (task (sleep 2) 1) (task 2))                  # --> (1 2)\n"
     "(waitAll (map (lambda (n) (task (* n n))) '(1 2 3)))   # --> (1 4 9)\n"
     "(waitAll (task (sleep 60000)) (task (/ 1 0)))          # error: 1.9",
     sizeof(several), mark_several, drop_several},
    {"race", "Object ...", race,
     "Waits for the first of the Tasks that ends, gives its value or raises its error, and cancels the others. They are given as "
     "for `all`. 1.8 if there is none.\n"
     "(race (task (sleep 60000) \"slow\") (task (sleep 1) \"quick\"))   # --> \"quick\"\n"
     "(race)                                             # error: 1.8",
     sizeof(several), mark_several, drop_several},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_task_all(crp *vm) { return crp_define_functions(vm, functions); }
