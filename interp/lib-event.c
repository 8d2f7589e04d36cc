/* floor 7: class Event, and waiting for the first of several.
 *
 * An Event is set or not.  Who waits sees that it is set, or that it was pulsed since the wait began: the
 * count of pulses has changed.  A task that waits for more Events than a native can name waits for the class
 * instead, which stands for all of them.
 */
#include "lib.h"

#include <string.h>
#include "cells.h"
#include "class.h"
#include "named.h"
#include "task.h"

enum { MOST_EVENTS = 10000 };

typedef struct event {
    crpi_named named;
    bool set;
    uint64_t pulses;
    size_t waiting; /* tasks that wait for it */
} event;

static event *event_of(crp_word w) { return (event *)crp_object_of(w); }

static void mark_event(crp *vm, crp_object *o, crp_marker mark) { mark(vm, ((event *)o)->named.name); }

static crp_word class_of_events(crp *vm, crp_word e)
{
    return crp_from_object(vm->classes[crp_class_of(e)]->object);
}

static void wake(crp *vm, crp_word e)
{
    if (event_of(e)->waiting == 0) return;
    crp_wake(vm, e);
    crp_wake(vm, class_of_events(vm, e));
}

/* --- methods -------------------------------------------------------------------------------------------- */

static crp_status create(crp_call *c)
{
    uint32_t id = crp_class_id(c->vm, "Event");
    return crpi_named_get(c->vm, id, sizeof(event), c->args[0], &c->result);
}

static crp_status set(crp_call *c)
{
    crpi_event_set(c->vm, c->self);
    return CRP_OK;
}

static crp_status unset(crp_call *c)
{
    event_of(c->self)->set = false;
    return CRP_OK;
}

static crp_status pulse(crp_call *c)
{
    event *e = event_of(c->self);
    e->set = false;
    e->pulses++;
    c->result = crp_bool(e->waiting > 0);
    wake(c->vm, c->self);
    return CRP_OK;
}

static crp_status is_set(crp_call *c)
{
    c->result = crp_bool(event_of(c->self)->set);
    return CRP_OK;
}

static crp_status state(crp_call *c)
{
    return crp_string_z(c->vm, event_of(c->self)->set ? "set" : "unset", &c->result);
}

crp_status crpi_event_new(crp *vm, crp_word *out)
{
    return crpi_named_get(vm, crp_class_id(vm, "Event"), sizeof(event), vm->cells->empty_string, out);
}

void crpi_event_set(crp *vm, crp_word e)
{
    event_of(e)->set = true;
    wake(vm, e);
}

/* --- waiting -------------------------------------------------------------------------------------------- */

typedef struct entry {
    crp_word event;
    uint64_t pulses; /* when the wait began */
} entry;

typedef struct waiting {
    int64_t until;
    entry *all; /* &one, or an allocation */
    entry one;
    size_t n, room;
} waiting;

static void mark_waiting(crp *vm, void *p, crp_marker mark)
{
    const waiting *w = p;
    for (size_t i = 0; i < w->n; i++) mark(vm, w->all[i].event);
}

static void drop_waiting(crp *vm, void *p)
{
    waiting *w = p;
    for (size_t i = 0; i < w->n; i++) event_of(w->all[i].event)->waiting--;
    w->n = 0;
    if (w->room) crp_free_bytes(vm, w->all, w->room * sizeof *w->all);
    w->room = 0;
}

static crp_status make_room(crp *vm, waiting *w, size_t n)
{
    w->all = &w->one;
    if (n <= 1) return CRP_OK;
    w->all = crp_alloc(vm, n * sizeof *w->all);
    if (!w->all) return CRP_E_NOMEM;
    w->room = n;
    return CRP_OK;
}

static void add_event(waiting *w, crp_word e)
{
    w->all[w->n++] = (entry){e, event_of(e)->pulses};
    event_of(e)->waiting++;
}

/* The first that is set or was pulsed; NULL: none. */
static const entry *first_set(const waiting *w)
{
    for (size_t i = 0; i < w->n; i++) {
        const event *e = event_of(w->all[i].event);
        if (e->set || e->pulses != w->all[i].pulses) return &w->all[i];
    }
    return NULL;
}

static void park(crp_call *c, const waiting *w)
{
    bool few = w->n <= CRPI_MAX_WAIT_OBJECTS;
    for (size_t i = 0; few && i < w->n; i++) crp_wait_object(c, w->all[i].event);
    if (!few) crp_wait_object(c, class_of_events(c->vm, w->all[0].event));
    if (w->until != CRP_NO_DEADLINE) crp_wait_until(c, w->until);
}

/* Other tasks run before the time is up, even where it is 0. */
static crp_status wait_on(crp_call *c, const waiting *w, const entry **found)
{
    *found = first_set(w);
    if (*found || (c->step++ > 0 && crp_now(c->vm) >= w->until)) return CRP_OK;
    park(c, w);
    return CRP_AGAIN;
}

static crp_status wait_for_one(crp_call *c)
{
    waiting *w = c->state;
    const entry *found;
    if (c->step == 0) {
        crp_status st = crpi_lib_deadline(c, 0, &w->until);
        if (!st) st = make_room(c->vm, w, 1);
        if (st) return st;
        add_event(w, c->self);
    }
    crp_status st = wait_on(c, w, &found);
    if (!st) c->result = crp_bool(found);
    return st;
}

static crp_status begin_several(crp_call *c, waiting *w)
{
    size_t n;
    uint32_t id = crp_class_id(c->vm, "Event");
    crp_word list = c->args[0];
    crp_status st = crpi_lib_deadline(c, 1, &w->until);
    if (!st) st = crpi_lib_list_length(c->vm, list, &n);
    if (!st && n > MOST_EVENTS)
        st = crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "wait: at most %d Events, given %zu",
                       (int)MOST_EVENTS, n);
    if (!st) st = make_room(c->vm, w, n);
    for (; !st && crp_is_pair(list); list = crp_tail(list)) {
        crp_word e = crp_head(list);
        if (!crp_is_a(e, id))
            return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "wait: expected an Event, given %n %v",
                             e, e);
        add_event(w, e);
    }
    return st;
}

static crp_status wait_for_several(crp_call *c)
{
    waiting *w = c->state;
    const entry *found;
    crp_status st = c->step == 0 ? begin_several(c, w) : CRP_OK;
    if (!st) st = wait_on(c, w, &found);
    if (!st && found) c->result = found->event;
    return st;
}

/* --- the program's end ------------------------------------------------------------------------------------ */

/* It is in the registry, so that it is there when the signal comes. */
static crp_status termination(crp *vm, bool make, crp_word *out)
{
    crp_word registry, key;
    *out = CRP_NIL;
    crp_status st = crp_registry(vm, &registry);
    if (!st) st = crp_symbol(vm, "terminationEvent", 16, &key);
    if (st || crp_hashtable_get(vm, registry, key, out) || !make) return st;
    st = crpi_event_new(vm, out);
    return st ? st : crp_hashtable_set(vm, registry, key, *out);
}

static void end_wanted(crp *vm)
{
    crp_word e;
    vm->end_wanted = 0;
    if (termination(vm, false, &e)) crp_clear_error(vm);
    else if (e != CRP_NIL) crpi_event_set(vm, e);
}

static crp_status termination_event(crp_call *c)
{
    crp_status st = termination(c->vm, true, &c->result);
    if (!st) c->vm->end_awaited = 1;
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_property properties[] = {
    {"name", "String", CRP_READ, 0, NULL, NULL,
     "the name that it was created with, or \"\"\n"
     "(create Event \"Fred\").name          # --> \"Fred\"",
     crpi_named_name, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method methods[] = {
    ROW("set", "NIL", set,
        "Sets the Event: every task that waits for it goes on, and so does every later one until it is "
        "unset.\n"
        "(e.set)"),
    ROW("isSet", "Object", is_set,
        "true if it is set, else ().\n"
        "(e.isSet)                          # --> true"),
    ROW("state", "String", state,
        "The word \"set\" or \"unset\".\n"
        "(e.state)                          # --> \"set\""),
    {"wait", "Object (timeout Integer ?)", wait_for_one,
     "Waits until the Event is set or pulsed: true, or () if that has not come within so many milliseconds. "
     "Without a timeout it waits as long as it takes. Other tasks run meanwhile. 1.8 for a negative timeout, "
     "1.2 if no task is left that could set it.\n"
     "(e.wait)                           # --> true",
     sizeof(waiting), mark_waiting, drop_waiting},
    ROW("unset", "NIL", unset,
        "Takes it back: who waits from now on waits.\n"
        "(e.unset)\n"
        "(e.wait 10)                        # --> ()"),
    ROW("pulse", "Object", pulse,
        "Lets the tasks go on that wait just now, and leaves the Event unset: true if there were any, else "
        "().\n"
        "(e.pulse)                          # --> ()"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Event", "Event (name String \"\")", create,
        "An Event, unset. With a name it is the Event of that name, if this interpreter has one already. 1.8 "
        "if the name is longer than 255 bytes, 1.2 beyond 10,000 names.");

static const crp_class_def event_class = {
    .size = sizeof(crp_class_def),
    .name = "Event",
    .help =
        "Something that tasks wait for and that another one sets. An Event has two states, set and unset.\n"
        "(set e (create Event))",
    .properties = properties,
    .methods = methods,
    .creator = &creator,
};

static const crp_method functions[] = {
    {"wait", "Object (events List) (milliseconds Integer ?)", wait_for_several,
     "Waits until one of the Events is set or pulsed, and gives the first in the List that is; () if none is "
     "within so many milliseconds. Without a limit it waits as long as it takes. Other tasks run meanwhile. "
     "1.11 for what is no Event, 1.8 for a negative time or more than 10,000 Events.\n"
     "(set fire (create Event \"fire\"))\n"
     "(wait (list fire) 10)              # --> ()\n"
     "(fire.set)\n"
     "(wait (list fire (create Event))).name  # --> \"fire\"",
     sizeof(waiting), mark_waiting, drop_waiting},
    ROW("terminationEvent", "Event", termination_event,
        "An Event that is set when the program is asked to end, by SIGTERM or its host: for a server that first brings to an end "
        "what it has begun. From the first call on such a request does nothing else; a second one ends the program as always.\n"
        "(wait (list (terminationEvent)) 10)         # --> ()"),
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_event(crp *vm)
{
    vm->tasks->end_wanted = end_wanted;
    crp_status st = crp_define_functions(vm, functions);
    return st ? st : crpi_named_class(vm, &event_class, mark_event);
}
