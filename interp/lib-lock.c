/* floor 7: classes Lock, LifetimeLock and CriticalSection.
 *
 * A Lock belongs to the task that took it, which may take it again and then gives it free as often.  The
 * forms of a script's top level, and what a host calls, are one after the other and count as one task.  That
 * a task has ended is seen when somebody asks for what it held, so a Lock is never lost with a task; who
 * waits, waits for the end of the holder as well.  Tasks get a Lock in the order in which they asked.
 */
#include "lib.h"

#include <string.h>
#include "class.h"
#include "named.h"
#include "task.h"

typedef struct attempt attempt;

typedef struct lock {
    crpi_named named;
    crp_word owner; /* a task; true: the one that C runs; (): nobody */
    uint64_t count; /* how often it was taken */
    attempt *first, *last; /* who waits */
} lock;

/* A task that asks for a lock: the state of a native. */
struct attempt {
    crp_word lock; /* an object while it is in the queue */
    int64_t until;
    attempt *previous, *next;
};

static lock *lock_of(crp_word w) { return (lock *)crp_object_of(w); }

static void mark_lock(crp *vm, crp_object *o, crp_marker mark)
{
    mark(vm, ((lock *)o)->named.name);
    mark(vm, ((lock *)o)->owner);
}

/* --- the owner ------------------------------------------------------------------------------------------ */

static crp_word me(crp *vm) { return vm->task->from_c ? CRP_TRUE : crp_from_object(vm->task); }

static bool is_free(const lock *l)
{
    if (l->owner == CRP_NIL || l->count == 0) return true;
    return crp_is_object(l->owner) && ((crpi_task *)crp_object_of(l->owner))->state == CRPI_DONE;
}

static void take(crp *vm, crp_word w)
{
    lock *l = lock_of(w);
    crp_word owner = me(vm);
    if (is_free(l)) l->count = 0;
    crp_store(vm, crp_object_of(w), &l->owner, owner);
    l->count++;
}

/* Gives it free once; false: the owner is another one. */
static bool release(crp *vm, crp_word w, crp_word owner)
{
    lock *l = lock_of(w);
    if (is_free(l) || l->owner != owner) return false;
    if (--l->count > 0) return true;
    crp_store(vm, crp_object_of(w), &l->owner, CRP_NIL);
    crp_wake(vm, w);
    return true;
}

/* --- the queue ------------------------------------------------------------------------------------------ */

static void enqueue(attempt *a, crp_word w)
{
    lock *l = lock_of(w);
    a->lock = w;
    a->previous = l->last;
    a->next = NULL;
    if (l->last) l->last->next = a;
    else l->first = a;
    l->last = a;
}

/* Whoever comes next looks whether it is his turn, and waits for another owner's end if not. */
static void dequeue(crp *vm, attempt *a)
{
    crp_word w = a->lock;
    if (!crp_is_object(w)) return;
    lock *l = lock_of(w);
    if (a->previous) a->previous->next = a->next;
    else l->first = a->next;
    if (a->next) a->next->previous = a->previous;
    else l->last = a->previous;
    a->lock = CRP_NIL;
    if (l->first) crp_wake(vm, w);
}

static void mark_attempt(crp *vm, void *p, crp_marker mark)
{
    const attempt *a = p;
    if (crp_is_object(a->lock)) mark(vm, a->lock);
}

static void drop_attempt(crp *vm, void *p) { dequeue(vm, p); }

static bool is_my_turn(crp *vm, const lock *l, const attempt *a)
{
    if (!is_free(l)) return l->owner == me(vm);
    return !l->first || l->first == a;
}

/* OK and *got, or the time is up; AGAIN.  Other tasks run before it is up, even where it is 0. */
static crp_status attempt_it(crp_call *c, attempt *a, crp_word w, bool *got)
{
    const lock *l = lock_of(w);
    *got = is_my_turn(c->vm, l, a);
    if (*got) take(c->vm, w);
    if (*got || (c->step > 0 && crp_now(c->vm) >= a->until)) {
        dequeue(c->vm, a);
        return CRP_OK;
    }
    if (c->step++ == 0) enqueue(a, w);
    crp_wait_object(c, w);
    if (crp_is_object(l->owner)) crp_wait_object(c, l->owner);
    if (a->until != CRP_NO_DEADLINE) crp_wait_until(c, a->until);
    return CRP_AGAIN;
}

/* --- Lock ----------------------------------------------------------------------------------------------- */

static crp_status create_lock(crp_call *c)
{
    uint32_t id = crp_class_id(c->vm, "Lock");
    crp_status st = crpi_named_get(c->vm, id, sizeof(lock), c->args[0], &c->result);
    if (!st && lock_of(c->result)->count == 0)
        crp_store(c->vm, crp_object_of(c->result), &lock_of(c->result)->owner, CRP_NIL);
    return st;
}

static crp_status take_lock(crp_call *c)
{
    attempt *a = c->state;
    bool got;
    crp_status st = c->step == 0 ? crpi_lib_deadline(c, 0, &a->until) : CRP_OK;
    if (!st) st = attempt_it(c, a, c->self, &got);
    if (!st && got) c->result = CRPI_WORD_OF(OK);
    return st;
}

static crp_status unlock(crp_call *c)
{
    if (release(c->vm, c->self, me(c->vm))) c->result = CRPI_WORD_OF(OK);
    return CRP_OK;
}

static crp_status is_locked(crp_call *c)
{
    c->result = crp_bool(!is_free(lock_of(c->self)));
    return CRP_OK;
}

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_property lock_properties[] = {
    {"name", "String", CRP_READ, 0, NULL, NULL,
     "the name that it was created with, or \"\"\n"
     "l.name                             # --> \"spool\"",
     crpi_named_name, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method lock_methods[] = {
    {"lock", "Symbol (timeout Integer ?)", take_lock,
     "Takes the Lock: ok, or () if another task has held it for so many milliseconds. Without a timeout it "
     "waits as long as it takes; other tasks run meanwhile. The task that holds it may take it again. 1.8 "
     "for a negative timeout.\n"
     "(l.lock 1000)                      # --> ok",
     sizeof(attempt), mark_attempt, drop_attempt},
    ROW("isLocked", "Object", is_locked,
        "true if a task holds it, else ().\n"
        "(l.isLocked)                       # --> true"),
    ROW("unlock", "Symbol", unlock,
        "Gives it free, as often as it was taken: ok, or () if this task does not hold it.\n"
        "(l.unlock)                         # --> ok\n"
        "(l.unlock)                         # --> ()"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method lock_creator =
    ROW("Lock", "Lock (name String \"\")", create_lock,
        "A Lock that nobody holds. With a name it is the Lock of that name, if this interpreter has one "
        "already. 1.8 if the name is longer than 255 bytes, 1.2 beyond 10,000 names.");

static const crp_class_def lock_class = {
    .size = sizeof(crp_class_def),
    .name = "Lock",
    .help = "What one task at a time can hold. It is given free by unlock, and when the task that holds it "
            "ends.\n"
            "(set l (create Lock \"spool\"))",
    .properties = lock_properties,
    .methods = lock_methods,
    .creator = &lock_creator,
};

/* --- LifetimeLock --------------------------------------------------------------------------------------- */

typedef struct lifetime {
    crp_object h;
    crp_word lock, owner;
    bool holds;
} lifetime;

static void mark_lifetime(crp *vm, crp_object *o, crp_marker mark)
{
    mark(vm, ((lifetime *)o)->owner);
}

static void let_go(crp *vm, crp_word w)
{
    lifetime *l = (lifetime *)crp_object_of(w);
    if (l->holds) release(vm, l->lock, l->owner);
    l->holds = false;
}

/* What stands at a file's top level holds until it is collected; its Lock may go with it. */
static void drop_lifetime(crp *vm, crp_object *o)
{
    if (crpi_is_marked(vm, ((lifetime *)o)->lock)) let_go(vm, crp_from_object(o));
}

static crp_status create_lifetime(crp_call *c)
{
    attempt *a = c->state;
    lifetime *l = (lifetime *)crp_object_of(c->self);
    crp_word lock = c->args[0];
    bool got;
    a->until = CRP_NO_DEADLINE;
    if (!crp_is_a(lock, crp_class_id(c->vm, "Lock")))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "LifetimeLock: expected a Lock, given %n %v", lock, lock);
    crp_status st = attempt_it(c, a, lock, &got);
    if (st) return st;
    crp_store(c->vm, &l->h, &l->lock, lock);
    crp_store(c->vm, &l->h, &l->owner, me(c->vm));
    l->holds = true;
    st = crpi_release_later(c->vm, c->self, let_go);
    if (st) let_go(c->vm, c->self);
    return st;
}

static const crp_property lifetime_properties[] = {
    {"lock", "Lock", CRP_READ, offsetof(lifetime, lock), NULL, NULL,
     "the Lock that it holds\n"
     "(create LifetimeLock l).lock.name     # --> \"spool\"",
     NULL, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method lifetime_creator = {
    "LifetimeLock", "NIL (lock Lock)", create_lifetime,
    "Takes the Lock, waiting as long as another task holds it, and gives it free when the call of the "
    "function ends that made this, by an error too. At a file's top level it is held until the object is "
    "collected. 1.11 for what is no Lock.",
    sizeof(attempt), mark_attempt, drop_attempt};

static const crp_class_def lifetime_class = {
    .size = sizeof(crp_class_def),
    .name = "LifetimeLock",
    .help = "Holds a Lock as long as a call lasts.\n"
            "(set l (create Lock \"spool\"))\n"
            "(defun Object deliver () (create LifetimeLock l) (l.isLocked))\n"
            "(deliver)                          # --> true\n"
            "(l.isLocked)                       # --> ()",
    .instance_size = sizeof(lifetime),
    .properties = lifetime_properties,
    .creator = &lifetime_creator,
    .mark = mark_lifetime,
    .drop = drop_lifetime,
};

/* --- CriticalSection ------------------------------------------------------------------------------------ */

static crp_status create_section(crp_call *c)
{
    uint32_t id = crp_class_id(c->vm, "CriticalSection");
    crp_word name;
    crp_status st = crp_string_z(c->vm, "", &name);
    if (!st) st = crpi_named_get(c->vm, id, sizeof(lock), name, &c->result);
    if (!st) lock_of(c->result)->owner = CRP_NIL;
    return st;
}

static crp_status enter_section(crp_call *c)
{
    attempt *a = c->state;
    bool got;
    a->until = CRP_NO_DEADLINE;
    return attempt_it(c, a, c->self, &got);
}

static crp_status leave_section(crp_call *c)
{
    if (release(c->vm, c->self, me(c->vm))) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                     "unlock: this task does not hold the CriticalSection");
}

static const crp_method section_methods[] = {
    {"lock", "NIL", enter_section,
     "Enters the section, when no other task is in it; other tasks run meanwhile. The task that is in it may "
     "enter again.\n"
     "(section.lock)",
     sizeof(attempt), mark_attempt, drop_attempt},
    ROW("unlock", "NIL", leave_section,
        "Leaves it, as often as it was entered; 1.2 if this task is not in it.\n"
        "(section.unlock)\n"
        "(section.unlock)                   # error: 1.2"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method section_creator =
    ROW("CriticalSection", "CriticalSection", create_section, "A CriticalSection that no task is in.");

static const crp_class_def section_class = {
    .size = sizeof(crp_class_def),
    .name = "CriticalSection",
    .help = "A piece of work that one task at a time does: a Lock without name and timeout.\n"
            "(set section (create CriticalSection))",
    .methods = section_methods,
    .creator = &section_creator,
};

crp_status crpi_lib_lock(crp *vm)
{
    uint32_t id;
    crp_status st = crpi_named_class(vm, &lock_class, mark_lock);
    if (!st) st = crp_define_class(vm, &lifetime_class, &id);
    return st ? st : crpi_named_class(vm, &section_class, mark_lock);
}
