/* floor 7: class TaskGroup: Tasks of which so many run at a time, in all and of each key.
 *
 * A Task that may not run yet stands in the queue; whenever one ends, the first whose key has room is started.  Of each
 * key there is a record, which the Tasks refer to, so looking through the queue is quick.
 */
#include "lib-task.h"

#include "class.h"
#include "lib.h"
#include "vm.h"

typedef struct key_record {
    crp_object h;
    int64_t running;
} key_record;

typedef struct task_group {
    crp_object h;
    crp_word limit, limit_per_key;
    crp_word keys;                  /* HashTable: key to its record */
    crp_word queue_first, queue_last; /* linked by `next` */
    crp_word ended_first, ended_last; /* that `next` has not given yet */
    crp_word starting;                /* out of the queue and not running yet: the collector must know of it */
    int64_t running, waiting;
} task_group;

static task_group *group_of(crp_word w) { return (task_group *)crp_object_of(w); }
static key_record *record_of(crp_word w) { return (key_record *)crp_object_of(w); }

static void mark_group(crp *vm, crp_object *o, crp_marker mark)
{
    task_group *g = (task_group *)o;
    mark(vm, g->keys);
    mark(vm, g->queue_first);
    mark(vm, g->queue_last);
    mark(vm, g->ended_first);
    mark(vm, g->ended_last);
    mark(vm, g->starting);
}

/* --- queues ---------------------------------------------------------------------------------------------------- */

static void append(crp *vm, task_group *g, crp_word *first, crp_word *last, crp_word task)
{
    crpi_task_object *t = crpi_task_object_of(task);
    crp_store(vm, &t->h, &t->next, CRP_NIL);
    if (*first == CRP_NIL) {
        crp_store(vm, &g->h, first, task);
    } else {
        crpi_task_object *before = crpi_task_object_of(*last);
        crp_store(vm, &before->h, &before->next, task);
    }
    crp_store(vm, &g->h, last, task);
}

/* Takes out the Task behind `before`, or the first if that is (). */
static void take_out(crp *vm, task_group *g, crp_word *first, crp_word *last, crp_word before, crp_word task)
{
    crp_word next = crpi_task_object_of(task)->next;
    if (before == CRP_NIL) {
        crp_store(vm, &g->h, first, next);
    } else {
        crpi_task_object *b = crpi_task_object_of(before);
        crp_store(vm, &b->h, &b->next, next);
    }
    if (*last == task) crp_store(vm, &g->h, last, before);
    crp_store(vm, &crpi_task_object_of(task)->h, &crpi_task_object_of(task)->next, CRP_NIL);
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

static bool has_room(const task_group *g)
{
    int64_t limit = crp_integer_value(g->limit);
    return limit == 0 || g->running < limit;
}

static bool key_has_room(const task_group *g, crp_word task)
{
    int64_t limit = crp_integer_value(g->limit_per_key);
    crp_word key = crpi_task_object_of(task)->key;
    return limit == 0 || !crp_is_object(key) || record_of(key)->running < limit;
}

static void count(task_group *g, const crpi_task_object *t, int by)
{
    g->running += by;
    if (crp_is_object(t->key)) record_of(t->key)->running += by;
}

/* One that cannot be started has ended with that error. */
static void start_one(crp *vm, task_group *g, crp_word task)
{
    crpi_task_object *t = crpi_task_object_of(task);
    count(g, t, 1);
    if (crpi_task_object_start(vm, task) == CRP_OK) return;
    crp_store(vm, &t->h, &t->error, vm->error);
    crp_clear_error(vm);
    t->phase = CRPI_TASK_ENDED;
    crp_wake(vm, task);
    crpi_task_group_ended(vm, task);
}

/* The first that may run; () : none.  `before` gets the one before it. */
static crp_word first_that_may(const task_group *g, crp_word *before)
{
    crp_word task = has_room(g) ? g->queue_first : CRP_NIL;
    *before = CRP_NIL;
    while (task != CRP_NIL && !key_has_room(g, task)) {
        *before = task;
        task = crpi_task_object_of(task)->next;
    }
    return task;
}

/* One that fails at once lets others start, so the queue is looked at anew each time. */
static void start_what_may(crp *vm, task_group *g)
{
    crp_word before, task;
    while ((task = first_that_may(g, &before)) != CRP_NIL) {
        crp_store(vm, &g->h, &g->starting, task);
        take_out(vm, g, &g->queue_first, &g->queue_last, before, task);
        g->waiting--;
        start_one(vm, g, task);
    }
    crp_store(vm, &g->h, &g->starting, CRP_NIL);
}

static bool is_idle(const task_group *g) { return g->running == 0 && g->waiting == 0; }

void crpi_task_group_ended(crp *vm, crp_word task)
{
    crpi_task_object *t = crpi_task_object_of(task);
    crp_word group = t->group;
    task_group *g = group_of(group);
    count(g, t, -1);
    append(vm, g, &g->ended_first, &g->ended_last, task);
    start_what_may(vm, g);
    crp_store(vm, &t->h, &t->group, CRP_NIL); /* until here it holds the group */
    crp_wake(vm, group);
}

void crpi_task_group_forget(crp *vm, crp_word task)
{
    crp_word group = crpi_task_object_of(task)->group;
    task_group *g = group_of(group);
    crp_word before = CRP_NIL, at = g->queue_first;
    while (at != task) before = at, at = crpi_task_object_of(at)->next;
    take_out(vm, g, &g->queue_first, &g->queue_last, before, task);
    g->waiting--;
    append(vm, g, &g->ended_first, &g->ended_last, task);
    crp_wake(vm, group);
}

/* --- methods ------------------------------------------------------------------------------------------------------- */

static crp_status record_for(crp *vm, task_group *g, crp_word key, crp_word *out)
{
    crp_status st = CRP_OK;
    if (!crp_is_object(g->keys)) {
        crp_word table;
        if ((st = crp_hashtable(vm, &table))) return st;
        crp_store(vm, &g->h, &g->keys, table);
    }
    if (crp_hashtable_get(vm, g->keys, key, out)) return CRP_OK;
    st = crp_new_object(vm, crp_class_id(vm, "TaskKey"), out);
    return st ? st : crpi_lib_table_put(vm, g->keys, key, *out);
}

static crp_status start(crp_call *c)
{
    task_group *g = group_of(c->self);
    crp_word name, record = CRP_NIL;
    bool keyed = crpi_lib_given(c, 1) && c->args[1] != CRP_NIL;
    crp_status st = keyed ? record_for(c->vm, g, c->args[1], &record) : CRP_OK;
    if (!st) st = keyed ? crp_to_string(c->vm, c->args[1], false, &name) : crp_string(c->vm, "", 0, &name);
    if (!st) st = crpi_task_object_new(c->vm, name, c->args[0], &c->result);
    if (st) return st;
    crpi_task_object *t = crpi_task_object_of(c->result);
    crp_store(c->vm, &t->h, &t->group, c->self);
    crp_store(c->vm, &t->h, &t->key, record);
    t->phase = CRPI_TASK_WAITS;
    append(c->vm, g, &g->queue_first, &g->queue_last, c->result);
    g->waiting++;
    start_what_may(c->vm, g);
    return CRP_OK;
}

static crp_status next(crp_call *c)
{
    task_group *g = group_of(c->self);
    crp_word task = g->ended_first;
    if (task != CRP_NIL) {
        take_out(c->vm, g, &g->ended_first, &g->ended_last, CRP_NIL, task);
        c->result = task;
        return CRP_OK;
    }
    if (is_idle(g)) return CRP_OK;
    crp_wait_object(c, c->self);
    return CRP_AGAIN;
}

static crp_status wait_for_all(crp_call *c)
{
    int64_t *until = c->state;
    task_group *g = group_of(c->self);
    crp_status st = c->step == 0 ? crpi_lib_deadline(c, 0, until) : CRP_OK;
    if (st) return st;
    c->result = crp_bool(is_idle(g));
    if (is_idle(g) || (c->step++ > 0 && crp_now(c->vm) >= *until)) return CRP_OK;
    crp_wait_object(c, c->self);
    if (*until != CRP_NO_DEADLINE) crp_wait_until(c, *until);
    return CRP_AGAIN;
}

/* Those that wait are taken from the queue first, so that none of them begins. */
static crp_status cancel(crp_call *c)
{
    task_group *g = group_of(c->self);
    while (g->queue_first != CRP_NIL) crpi_task_object_cancel(c->vm, g->queue_first);
    for (crpi_task *t = c->vm->tasks->all; t; t = t->all_next)
        if (t->owner != CRP_NIL && crpi_task_object_of(t->owner)->group == c->self) crpi_task_object_cancel(c->vm, t->owner);
    return CRP_OK;
}

static crp_status get_running(crp *vm, crp_object *o, crp_word *out) { return crp_integer(vm, ((task_group *)o)->running, out); }
static crp_status get_waiting(crp *vm, crp_object *o, crp_word *out) { return crp_integer(vm, ((task_group *)o)->waiting, out); }

static crp_status set_limit(crp *vm, crp_object *o, crp_word value)
{
    crp_store(vm, o, &((task_group *)o)->limit, value);
    start_what_may(vm, (task_group *)o);
    return CRP_OK;
}

static crp_status set_limit_per_key(crp *vm, crp_object *o, crp_word value)
{
    crp_store(vm, o, &((task_group *)o)->limit_per_key, value);
    start_what_may(vm, (task_group *)o);
    return CRP_OK;
}

/* Words that stand in no row begin as (). */
static crp_status create(crp_call *c)
{
    task_group *g = group_of(c->self);
    g->keys = g->queue_first = g->queue_last = g->ended_first = g->ended_last = g->starting = CRP_NIL;
    for (uint32_t i = 0; i < 2; i++) {
        int64_t n;
        crp_status st = crpi_lib_between(c->vm, "TaskGroup: the limit", c->args[i], 0, INT32_MAX, &n);
        if (st) return st;
        crp_store(c->vm, &g->h, i ? &g->limit_per_key : &g->limit, c->args[i]);
    }
    return CRP_OK;
}

/* --- rows ---------------------------------------------------------------------------------------------------------- */

#define AT(field) offsetof(task_group, field)

static const crp_property properties[] = {
    {"limit", "Integer", CRP_RW, AT(limit), NULL, "0..2147483647", "how many run at a time; 0 is as many as there are\n"
     "g.limit                            # --> 2", NULL, set_limit},
    {"limitPerKey", "Integer", CRP_RW, AT(limit_per_key), NULL, "0..2147483647",
     "how many of the same key run at a time; 0 is as many as there are\n"
     "g.limitPerKey                      # --> 1", NULL, set_limit_per_key},
    {"running", "Integer", CRP_READ, 0, NULL, NULL, "how many run now\n"
     "g.running                          # --> 0", get_running, NULL},
    {"waiting", "Integer", CRP_READ, 0, NULL, NULL, "how many wait for their turn\n"
     "g.waiting                          # --> 0", get_waiting, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method methods[] = {
    {"start", "Task (expression Object) (key Object ?)", start,
     "A Task of this group for an expression or a Function, which begins when the limits allow it, in the order of the calls. "
     "The key, the host that it talks to, say, is its name too. Errors as those of (create Task).\n"
     "(set slow (g.start (lambda () (sleep 5) \"a\") \"host1\"))\n"
     "(g.start (lambda () \"b\") \"host1\")  # waits for the one before\n"
     "(list g.running g.waiting)         # --> (1 1)\n"
     "(slow.wait)                        # --> \"a\"",
     0, NULL, NULL},
    {"next", "Object", next,
     "The next Task that has ended, in the order of their ends, or () when all have and were given: `for` walks them so.\n"
     "(for t g (print t.result))         # prints: a\n"
     "                                   # prints: b",
     0, NULL, NULL},
    {"wait", "Object (timeout Integer ?)", wait_for_all,
     "Waits until none runs or waits any more: true, or () if that has not come within so many milliseconds. Errors of the "
     "Tasks are not raised here. 1.8 for a negative timeout.\n"
     "(g.wait)                           # --> true",
     sizeof(int64_t), NULL, NULL},
    {"cancel", "NIL", cancel, "Cancels all that run or wait.\n"
     "(set long (g.start (lambda () (sleep 60000))))\n"
     "(g.cancel)\n"
     "(g.wait)\n"
     "long.error.code                    # --> 17",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static const crp_method creator = {
    "TaskGroup", "TaskGroup (limit Integer 0) (limitPerKey Integer 0)", create,
    "A group without Tasks, of which `limit` may run at a time, and `limitPerKey` of each key. 1.8 for a negative limit.", 0,
    NULL, NULL};

static const crp_class_def group_class = {
    .size = sizeof(crp_class_def),
    .name = "TaskGroup",
    .help = "Tasks of which only so many run at a time, in all and of each key.\n"
            "(set g (create TaskGroup 2 1))",
    .instance_size = sizeof(task_group),
    .properties = properties,
    .methods = methods,
    .creator = &creator,
    .mark = mark_group,
};

static const crp_property no_properties[] = {{NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
static const crp_method no_methods[] = {{NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static const crp_class_def key_class = {
    .size = sizeof(crp_class_def),
    .name = "TaskKey",
    .help = "What a TaskGroup counts of one key.\n"
            "(typeOf (create TaskKey))          # --> TaskKey",
    .instance_size = sizeof(key_record),
    .properties = no_properties,
    .methods = no_methods,
};

crp_status crpi_lib_task_group(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &group_class, &id);
    return st ? st : crp_define_class(vm, &key_class, &id);
}
