/* floor 7: class Task: what runs beside what started it.
 *
 * A Task evaluates an expression, or calls a Function, in a task of the interpreter (task.h), and keeps what came of
 * it: a result or an error.  Tasks take turns only where they wait; while one computes no other one runs.  An error
 * ends its own Task and is raised wherever that is waited for; one that nobody asks for is reported.
 */
#include "lib-task.h"

#include <string.h>
#include "class.h"
#include "compiler.h"
#include "error.h"
#include "expand.h"
#include "lib.h"
#include "vm.h"

enum { MOST_NAME = 255 /* bytes */ };

bool crpi_is_task(crp *vm, crp_word w) { return crp_is_a(w, crp_class_id(vm, "Task")); }

crp_word crpi_task_class_word(crp *vm)
{
    return crp_from_object(vm->classes[crp_class_id(vm, "Task")]->object);
}

static crpi_task_object *self_task(const crp_call *c) { return crpi_task_object_of(c->self); }

static crpi_task *running(const crpi_task_object *t)
{
    return crp_is_object(t->running) ? (crpi_task *)crp_object_of(t->running) : NULL;
}

static void mark_task(crp *vm, crp_object *o, crp_marker mark)
{
    crpi_task_object *t = (crpi_task_object *)o;
    mark(vm, t->error);
    mark(vm, t->event);
    mark(vm, t->function);
    mark(vm, t->final_function);
    mark(vm, t->running);
    mark(vm, t->group);
    mark(vm, t->key);
    mark(vm, t->next);
}

static void drop_task(crp *vm, crp_object *o)
{
    (void)vm;
    crpi_report_due(((crpi_task_object *)o)->report);
}

/* --- making and starting ------------------------------------------------------------------------------------------ */

/* The file whose code makes the Task: there the expression's names mean something. */
static crpi_source *callers_source(const crp *vm)
{
    const crpi_task *task = vm->task;
    const crpi_frame *fp = task ? task->fp : NULL;
    while (fp && fp > task->frames && !(fp->fn && fp->fn->proto && fp->fn->proto->source)) fp--;
    return fp && fp > task->frames ? fp->fn->proto->source : NULL;
}

/* What is called: a Function itself, or one made of the expression. */
static crp_status function_of(crp *vm, crp_word expression, crp_word *out)
{
    crpi_expansion nowhere = {0};
    *out = expression;
    if (crp_is_a(expression, CRP_FUNCTION)) return CRP_OK;
    if (!crp_is_pair(expression))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "Task: expected a Function, or a List that is an expression, as in (list 'worker 100), given %n %v",
                         expression, expression);
    crpi_source *source = callers_source(vm);
    if (!source) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "Task: no script has made this one: it needs a Function");
    crp_status st = crpi_expand(vm, &nowhere, expression, &expression);
    return st ? st : crpi_compile(vm, source, NULL, expression, CRP_NIL, out);
}

static crp_status start(crp *vm, crp_word self, crp_word function)
{
    crpi_task_object *t = crpi_task_object_of(self);
    crpi_task *task;
    crp_status st = crpi_task_new(vm, function, CRP_UNSET, NULL, 0, &task);
    if (st) return st;
    crp_store(vm, &t->h, &t->running, crp_from_object(task));
    task->owner = self;
    return CRP_OK;
}

crp_status crpi_task_object_start(crp *vm, crp_word self)
{
    crpi_task_object *t = crpi_task_object_of(self);
    crp_status st = start(vm, self, t->function);
    if (st) return st;
    crpi_task_object_seen(vm, self);
    t->result = t->error = CRP_NIL;
    t->phase = CRPI_TASK_RUNS;
    return CRP_OK;
}

static crp_status init(crp *vm, crp_word self, crp_word name, crp_word expression)
{
    crpi_task_object *t = crpi_task_object_of(self);
    crp_word function;
    size_t n;
    crp_string_data(name, &n);
    t->function = t->final_function = CRP_NIL;
    t->result = t->error = t->final = t->event = t->running = t->group = t->key = t->next = CRP_NIL;
    t->phase = CRPI_TASK_ENDED;
    if (n > MOST_NAME)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "a Task's name may have %d bytes, given %zu", (int)MOST_NAME, n);
    crp_store(vm, &t->h, &t->name, name);
    crp_store(vm, &t->h, &t->expression, expression);
    crp_status st = function_of(vm, expression, &function);
    if (!st) crp_store(vm, &t->h, &t->function, function);
    return st;
}

crp_status crpi_task_object_new(crp *vm, crp_word name, crp_word expression, crp_word *out)
{
    crp_status st = crp_new_object(vm, crp_class_id(vm, "Task"), out);
    return st ? st : init(vm, *out, name, expression);
}

static crp_status create(crp_call *c)
{
    crp_status st = init(c->vm, c->self, c->args[0], c->args[1]);
    return st ? st : crpi_task_object_start(c->vm, c->self);
}

/* --- its end --------------------------------------------------------------------------------------------------------- */

void crpi_task_object_seen(crp *vm, crp_word self)
{
    crpi_task_object *t = crpi_task_object_of(self);
    crpi_report_seen(vm, t->report);
}

/* Who waits for any Task hears of all ends; the Event is set for good. */
static void finish(crp *vm, crp_word self, bool report)
{
    crpi_task_object *t = crpi_task_object_of(self);
    t->phase = CRPI_TASK_ENDED;
    crp_store(vm, &t->h, &t->running, CRP_NIL);
    if (report) crpi_report_new(vm, t->name, t->error, &t->report);
    if (crp_is_object(t->event)) crpi_event_set(vm, t->event);
    crp_wake(vm, self);
    crp_wake(vm, crpi_task_class_word(vm));
    if (crp_is_object(t->group)) crpi_task_group_ended(vm, self);
}

/* What `final` ends with counts only where all was well before. */
static void task_ended(crp *vm, crpi_task *task)
{
    crp_word self = task->owner, error = vm->error;
    crpi_task_object *t = crpi_task_object_of(self);
    if (t->phase == CRPI_TASK_RUNS) {
        crp_store(vm, &t->h, &t->result, task->error == CRP_NIL ? task->result : CRP_NIL);
        crp_store(vm, &t->h, &t->error, task->error);
        t->phase = CRPI_TASK_FINISHES;
        if (t->final != CRP_NIL && !vm->stopped) {
            if (start(vm, self, t->final_function) == CRP_OK) return;
            if (t->error == CRP_NIL) crp_store(vm, &t->h, &t->error, vm->error);
        }
    } else if (task->error != CRP_NIL && t->error == CRP_NIL) {
        crp_store(vm, &t->h, &t->error, task->error);
    }
    finish(vm, self, t->error != CRP_NIL && !task->expected);
    vm->error = error;
}

void crpi_task_object_cancel(crp *vm, crp_word self)
{
    crpi_task_object *t = crpi_task_object_of(self);
    if (t->phase == CRPI_TASK_WAITS) {
        crpi_task_group_forget(vm, self);
        crp_raise(vm, CRP_ERR_SCRIPT, CRP_INTERRUPTED, "the task was cancelled before it began");
        crp_store(vm, &t->h, &t->error, vm->error);
        crp_clear_error(vm);
        crp_store(vm, &t->h, &t->group, CRP_NIL);
        finish(vm, self, false);
    } else if (t->phase == CRPI_TASK_RUNS && running(t)) {
        crpi_task_cancel(vm, running(t));
    }
}

/* --- methods ------------------------------------------------------------------------------------------------------------ */

static crp_status restart(crp_call *c)
{
    crpi_task_object *t = self_task(c);
    if (t->phase == CRPI_TASK_ENDED) return crpi_task_object_start(c->vm, c->self);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "start: this Task has not ended");
}

/* Who cancels a Task knows that it has no result. */
static crp_status cancel(crp_call *c)
{
    crpi_task_object *t = self_task(c);
    if (t->phase != CRPI_TASK_ENDED) crpi_task_object_cancel(c->vm, c->self);
    return CRP_OK;
}

static crp_status finished(crp_call *c)
{
    c->result = crp_bool(self_task(c)->phase == CRPI_TASK_ENDED);
    return CRP_OK;
}

/* One that suspends itself stops here. */
static crp_status suspend(crp_call *c)
{
    crpi_task *task = running(self_task(c));
    if (!task || c->step > 0) return CRP_OK;
    c->step = 1;
    crpi_task_hold(c->vm, task);
    if (task != c->vm->task) return CRP_OK;
    crp_wait_until(c, crp_now(c->vm));
    return CRP_AGAIN;
}

static crp_status resume(crp_call *c)
{
    crpi_task *task = running(self_task(c));
    if (task) crpi_task_let_go(c->vm, task);
    return CRP_OK;
}

static crp_status wait_for_end(crp_call *c)
{
    int64_t *until = c->state;
    crpi_task_object *t = self_task(c);
    crp_status st = c->step == 0 ? crpi_lib_deadline(c, 0, until) : CRP_OK;
    if (st) return st;
    if (running(t) && running(t) == c->vm->task)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "wait: a Task cannot wait for its own end");
    if (t->phase == CRPI_TASK_ENDED) {
        crpi_task_object_seen(c->vm, c->self);
        c->result = t->result;
        return t->error == CRP_NIL ? CRP_OK : crp_rethrow(c->vm, t->error);
    }
    if (c->step++ > 0 && crp_now(c->vm) >= *until)
        return crp_raise(c->vm, CRP_ERR_COMMS, CRP_TIMEOUT, "wait: the task %p has not ended yet", t->name);
    crp_wait_object(c, c->self);
    if (*until != CRP_NO_DEADLINE) crp_wait_until(c, *until);
    return CRP_AGAIN;
}

/* --- properties --------------------------------------------------------------------------------------------------------- */

static crp_status get_error(crp *vm, crp_object *o, crp_word *out)
{
    *out = ((crpi_task_object *)o)->error;
    crpi_task_object_seen(vm, crp_from_object(o));
    return CRP_OK;
}

static crp_status get_event(crp *vm, crp_object *o, crp_word *out)
{
    crpi_task_object *t = (crpi_task_object *)o;
    crp_status st = crp_is_object(t->event) ? CRP_OK : crpi_event_new(vm, out);
    if (st) return st;
    if (!crp_is_object(t->event)) {
        crp_store(vm, o, &t->event, *out);
        if (t->phase == CRPI_TASK_ENDED) crpi_event_set(vm, *out);
    }
    *out = t->event;
    return CRP_OK;
}

static crp_status set_final(crp *vm, crp_object *o, crp_word value)
{
    crpi_task_object *t = (crpi_task_object *)o;
    crp_word function = CRP_NIL;
    crp_status st = value == CRP_NIL ? CRP_OK : function_of(vm, value, &function);
    if (st) return st;
    crp_store(vm, o, &t->final, value);
    crp_store(vm, o, &t->final_function, function);
    return CRP_OK;
}

static crp_status current_task(crp_call *c)
{
    for (const crpi_task *t = c->vm->task; t && c->result == CRP_NIL; t = t->outer) c->result = t->owner;
    return CRP_OK;
}

/* --- rows --------------------------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}
#define AT(field) offsetof(crpi_task_object, field)

static const crp_property properties[] = {
    {"name", "String", CRP_RW, AT(name), NULL, NULL, "its name, for people; need not be unique\n"
     "t.name                             # --> \"adder\"", NULL, NULL},
    {"expression", "Object", CRP_READ, AT(expression), NULL, NULL, "the List, or the Function, that it was created with\n"
     "t.expression                       # --> (+ 1 2)", NULL, NULL},
    {"result", "Object", CRP_READ, AT(result), NULL, NULL, "the value, once it has ended; () before that, and after an error\n"
     "(t.wait)\n"
     "t.result                           # --> 3", NULL, NULL},
    {"error", "Object", CRP_READ, 0, NULL, NULL,
     "the Error that it ended with, or (). Who reads it knows of the error, which then is not reported\n"
     "(set bad (task (/ 1 0)))\n"
     "(wait (list bad.event))\n"
     "bad.error.code                     # --> 9", get_error, NULL},
    {"final", "Object", CRP_RW, AT(final), NULL, NULL,
     "an expression or a Function that is evaluated when it ends, however that comes about; it has ended after that. () is "
     "none. An error in it is the Task's, if that has none yet\n"
     "(set f (task 1))\n"
     "(f.final (lambda () (print \"over\")))\n"
     "(f.wait)                           # prints: over", NULL, set_final},
    {"event", "Event", CRP_READ, 0, NULL, NULL, "an Event that is set when it ends\n"
     "(t.event.wait)                     # --> true", get_event, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method methods[] = {
    {"wait", "Object (timeout Integer ?)", wait_for_end,
     "Waits for its end and gives its value. The error that it has ended with is raised here. 6.1 if it has not ended within "
     "so many milliseconds: it goes on. 1.2 in the Task itself, or if no task is left that could go on, 1.8 for a negative "
     "timeout.\n"
     "(t.wait)                           # --> 3\n"
     "((task (sleep 60000)).wait 10)     # error: 6.1", sizeof(int64_t), NULL, NULL},
    ROW("finished", "Object", finished, "true if it has ended, else ().\n"
        "(t.finished)                       # --> true"),
    ROW("cancel", "NIL", cancel,
        "Ends it where it is, or before it begins: its error is 1.17, which nothing in it catches. What it waited for is given "
        "up; `finally` and `with` run, at most 10,000 steps of them, and do not wait. Does nothing when it has ended.\n"
        "(set long (task (sleep 60000)))\n"
        "(long.cancel)\n"
        "(long.wait)                        # error: 1.17"),
    ROW("stop", "NIL", cancel, "The same as cancel.\n"
        "(set long (task (sleep 60000)))\n"
        "(long.stop)\n"
        "(long.event.wait)                  # --> true"),
    ROW("start", "NIL", restart, "Starts it anew when it has ended, without its old result and error. 1.2 if it has not ended.\n"
        "(t.start)\n"
        "(t.wait)                           # --> 3"),
    ROW("suspend", "NIL", suspend,
        "It does not go on until `resume`; its deadlines go on. Does nothing when it has ended.\n"
        "(set later (task 7))\n"
        "(later.suspend)\n"
        "(later.event.wait 10)              # --> ()"),
    ROW("resume", "NIL", resume, "Lets it go on after `suspend`.\n"
        "(later.resume)\n"
        "(later.wait)                       # --> 7"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Task", "Task (name String) (expression Object)", create,
        "Starts evaluating an expression, a List as in (list 'worker 100), or calling a Function without arguments. It begins "
        "when whoever made it waits. It has the deadlines that hold where it is made. (task form ...) makes one of forms that "
        "stand there. 1.11 for what is no expression, 1.8 for a name longer than 255 bytes.");

static const crp_class_def task_class = {
    .size = sizeof(crp_class_def),
    .name = "Task",
    .help = "Something that runs beside what started it. Tasks take turns where they wait: for time, for descriptors, for "
            "each other. An error ends its own Task only. It is raised where the Task is waited for; if nobody has asked for it "
            "when nobody refers to the Task any more, or the program ends, it is reported on the error output. When "
            "the program's last form is done, Tasks that still run are cancelled.\n"
            "(set t (create Task \"adder\" (list '+ 1 2)))",
    .instance_size = sizeof(crpi_task_object),
    .properties = properties,
    .methods = methods,
    .creator = &creator,
    .mark = mark_task,
    .drop = drop_task,
};

static const crp_method functions[] = {
    ROW("currentTask", "Object", current_task, "The Task that runs this, or () outside of any.\n"
        "(currentTask)                               # --> ()\n"
        "(set t (create Task \"me\" (lambda () (currentTask).name)))\n"
        "(t.wait)                                    # --> \"me\""),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_task(crp *vm)
{
    uint32_t id;
    vm->tasks->ended = task_ended;
    crp_status st = crp_define_class(vm, &task_class, &id);
    if (!st) st = crp_define_functions(vm, functions);
    if (!st) st = crpi_lib_task_all(vm);
    return st ? st : crpi_lib_task_group(vm);
}
