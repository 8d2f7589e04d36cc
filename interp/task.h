/* floor 6: tasks: what runs, and what waits.
 *
 * A task is a stack of frames over registers in linked segments.  Segments never move and a frame never spans two,
 * so pointers to arguments stay good; a task that waits costs its first segment and little else.  Nothing of a
 * task's state is on the C stack, so it can be parked anywhere a native says "again".
 *
 * The bottom of the C stack is a call from C.  Its task is executed at once; if that waits, crpi_run runs tasks that are
 * ready until it has ended, and waits, in one place, when none is.  A host's call inside a native nests one more, to a
 * bounded depth.
 */
#ifndef CARAPACE_TASK_H
#define CARAPACE_TASK_H

#include "chunk.h"

/* The current function, and where its caller goes on. */
typedef struct crpi_frame {
    const uint32_t *pc;
    crp_word *base;
    crpi_function *fn;
} crpi_frame;

typedef struct crpi_segment {
    struct crpi_segment *below, *spare; /* spare: one above that was used before, kept for the next time */
    size_t words;
    crp_word *used;   /* while a segment above is in use: the end of what is live here */
    crp_word *result; /* where in the segment below the value of the call that began this one goes */
    crp_word registers[];
} crpi_segment;

enum { CRPI_SLACK = 8 }; /* words at a segment's end that no frame takes: for the arguments of a method that is asked */
static inline crp_word *crpi_segment_limit(crpi_segment *s) { return s->registers + s->words - CRPI_SLACK; }

typedef struct crpi_box { /* a captured variable that is assigned */
    crp_object h;
    crp_word value;
} crpi_box;

enum { CRPI_FIRST_SEGMENT = 248, CRPI_NEXT_SEGMENT = 4096, CRPI_LATER_SEGMENT = 32768 }; /* words */

typedef struct crpi_handler { /* an open try or within */
    uint32_t frame;
    uint8_t reg;
    uint8_t kind;
    crp_word *base;
    const uint32_t *pc;
    crpi_segment *segment;
    int64_t deadline; /* the soonest of those that hold here: its own, or one from further out */
    int64_t span;     /* of a within: its milliseconds */
} crpi_handler;

enum { CRPI_MAX_WAITS = 8, CRPI_MAX_WAIT_OBJECTS = 4 };

/* One task waits for one descriptor; all that wait for the same one are a list. */
typedef struct crpi_wait {
    struct crpi_task *task;
    struct crpi_wait *next, *previous;
    int fd;
    unsigned events;
} crpi_wait;

/* One task waits for one object: a list for each bucket of a table, the longest wait first. */
typedef struct crpi_wait_object {
    struct crpi_task *task;
    struct crpi_wait_object *next, *previous;
    crp_word object;
} crpi_wait_object;

typedef struct crpi_wait_list {
    crpi_wait_object *first, *last;
} crpi_wait_list;

/* A native that waits or has called a script function. */
typedef struct crpi_native {
    crp_call call; /* first: natives hand around &call */
    struct crpi_native *below;
    const crp_method *row;
    crpi_function *fn;
    crp_word *window;  /* where its result goes */
    crp_word *top;     /* where the window of what it calls begins */
    uint32_t frame;
    bool catches, failed;
    bool parked;       /* on the heap, not on the C stack */
    bool again;        /* it has called before, and there is room */
    bool gives_self;   /* a creator: its result is the object */
    crp_word padded[16]; /* the arguments, when defaults were added */
    /* what it waits for */
    int fd_count, object_count;
    crpi_wait waits[CRPI_MAX_WAITS];
    crpi_wait_object objects[CRPI_MAX_WAIT_OBJECTS];
    int64_t deadline;
    /* what it calls */
    crp_word callee, callee_self; /* callee_self CRP_UNSET: a function */
    crp_word few[16], *callee_args; /* few, or an allocation */
    uint32_t callee_count;
    /* A native that calls one script's function again and again may say how it goes on after a call: it takes call.value,
     * and writes the arguments of the next call to where they are wanted, which is *ready; if it is not, what it returns is
     * what the native returns. */
    crp_status (*next)(crp_call *, crp_word *args, bool *ready);
} crpi_native;

/* crp_then_call with one or two arguments (the second of one is not looked at), where nothing can fail. */
static inline crp_status crpi_then_call(crp_call *c, crp_word function, crp_word first, crp_word second, uint32_t n)
{
    crpi_native *nf = (crpi_native *)(void *)c;
    nf->few[0] = first;
    nf->few[1] = second;
    nf->callee_args = nf->few;
    nf->callee = function;
    nf->callee_self = CRP_UNSET;
    nf->callee_count = n;
    nf->failed = nf->catches = false;
    return CRP_CALL;
}

typedef struct crpi_release crpi_release;

typedef enum crpi_task_state { CRPI_READY, CRPI_RUNNING, CRPI_PARKED, CRPI_HELD, CRPI_DONE } crpi_task_state;

typedef struct crpi_task {
    crp_object h;
    crpi_task_state state;
    const uint32_t *pc; /* pc, base, fp: as the VM left them */
    crp_word *base;
    crpi_frame *fp;
    crp_word *limit; /* the end of the segment in use */
    crpi_segment *segment;
    crpi_frame *frames, *frame_end; /* frame_end: the last one that may be used */
    size_t frame_capacity;
    uint32_t start[6]; /* the instructions that begin and end the task */
    uint32_t bottom;   /* registers in use before anything was called */
    crp_word *args_end; /* while a native runs: the end of its arguments, if that is above the top; else NULL */
    crpi_handler *handlers;
    size_t handler_count, handler_capacity;
    crpi_native *natives; /* innermost first */
    crpi_release *releases; /* release.c: what goes when a frame does, outermost first */
    size_t release_count, release_capacity;
    crp_word kept;        /* while something is released: what the call gave */
    crp_word answer;      /* what a method that an instruction had to call gave; CRP_UNSET: nothing */
    crp_word result, error;
    crp_word owner;    /* whom crpi_tasks.ended tells of its end; NIL: nobody */
    int64_t deadline;  /* of all that it does: that of whoever made it */
    size_t expired;    /* while its time is up: the within whose time it was, from 1; 0: its own */
    bool cancelled;    /* it gets what cannot be caught as soon as it goes on */
    bool expected;  /* its error is the end that others meant it to have: a cancel, a deadline */
    bool held;      /* it does not go on until it is let go: instead of READY it is HELD */
    bool from_c; /* C waits for it; such tasks are one after the other, like one */
    bool stuck;  /* every task waits for another: this one is told when it goes on */
    uint32_t marked_in;   /* the last of the collector's cycles that has marked what it holds */
    uint32_t passed_over; /* looks at an interrupt that is another's */
    struct crpi_task *next, *previous; /* in the ready queue */
    struct crpi_task *outer;           /* the one that ran when this one was begun or gone on with */
    struct crpi_task *all_next, *all_previous; /* every task that has not ended: they are roots */
    size_t timer;                      /* its place among the timers + 1 */
} crpi_task;

typedef struct crpi_timer {
    int64_t due;
    struct crpi_task *task;
} crpi_timer;

typedef struct crpi_watch { /* who waits for a descriptor */
    crpi_wait *first;
    unsigned events; /* what the platform has been told to watch */
} crpi_watch;

enum { CRPI_SPARES = 4 };

typedef struct crpi_tasks {
    crpi_task *first, *last; /* ready */
    crpi_task *all;
    crpi_task *spares[CRPI_SPARES]; /* task-call.h: by the depth of nesting; or NULL */
    unsigned calls; /* from C, since the other tasks went on */
    crpi_wait_list *objects; /* who waits for objects: a hash table */
    size_t object_lists, object_waits;
    size_t fd_waits;
    unsigned turns; /* taken since the descriptors were looked at */
    void (*ended)(crp *, crpi_task *); /* a task with an owner has ended */
    crpi_task *ending;                 /* those for which that is called just now, linked by `next` */
    void (*end_wanted)(crp *);         /* vm->end_wanted was set */
    struct crpi_report *reports;       /* task-report.c */
    uint32_t report_cycle;             /* the collection that finds that out; 0: it has not begun */
    int64_t report_at;                 /* when to find out what nobody will look at; CRP_NO_DEADLINE: never */
    crpi_timer *timers; /* a heap, soonest first */
    size_t timer_count, timer_capacity;
    crpi_watch *watches; /* by descriptor */
    size_t watch_capacity;
    struct crpi_named *named; /* Events and Locks that have a name (named.h) */
    struct { /* while `finally` runs because of an interrupt */
        crpi_task *task;
        crp_word error;
        int steps;       /* that are left, */
        int64_t deadline; /* and until when */
        size_t handlers; /* open where `finally` stands, in that frame: no error gets to a catch of these */
        uint32_t frame;
    } closing;
} crpi_tasks;

bool crpi_tasks_init(crp *);
void crpi_tasks_free(crp *);

/* A task that is ready to call the function, or, `function` being a Symbol, the method of `self`. */
crp_status crpi_task_new(crp *, crp_word function, crp_word self, const crp_word *args, size_t n, crpi_task **out);
void crpi_task_free_stack(crp *, crpi_task *);
/* Runs the task, and others where it waits, until it has ended; an error: it cannot, and is given up. */
crp_status crpi_run(crp *, crpi_task *);
/* Lets what is ready run, without waiting; for a host's own loop. */
crp_status crpi_tasks_step(crp *, unsigned max);
int64_t crpi_tasks_due(crp *); /* when the next timer is due; CRP_NO_DEADLINE: never */

/* It ends with 1.17, which cannot be caught in it: its `finally`s run, and do not wait. */
void crpi_task_cancel(crp *, crpi_task *);
void crpi_task_hold(crp *, crpi_task *);
void crpi_task_let_go(crp *, crpi_task *);
int64_t crpi_task_deadline(const crpi_task *); /* of what it does now; CRP_NO_DEADLINE: there is none */

/* --- what task.c and task-call.c have of the life of a task ---------------------------------------------------------------------- */

/* One with a stack, in no list: only who runs it (crp.task) knows it. */
crp_status crpi_task_make(crp *, crpi_task **out);
crp_status crpi_arguments_fit(crp *, size_t n); /* 1.2: there are too many for one call */
/* It goes on with a call of the function, or method, by instructions of its own. */
void crpi_task_begin(crpi_task *, crp_word function, crp_word self, const crp_word *args, size_t n);
void crpi_task_link(crp *, crpi_task *); /* it is one of those that have not ended */
/* It is in no list any more and its stack is freed.  Who waits for it hears of it; an error that nobody waits for is kept
 * for the host. */
void crpi_task_end(crp *, crpi_task *);

/* All that have not ended are cancelled, and run to their ends: when the program's end has come. */
void crpi_tasks_finish(crp *);

/* --- task-report.c: errors that nobody has looked at --------------------------------------------------------------
 *
 * A report is written to the program's error output when the object that has the error is dropped, which a collection
 * a second later finds out, and else at the program's end. */
typedef struct crpi_report crpi_report;
/* `held`: where the object has its pointer to the report, which is NULL without memory for one, and when it is gone. */
void crpi_report_new(crp *, crp_word name, crp_word error, crpi_report **held);
void crpi_report_seen(crp *, crpi_report *); /* it is not needed any more */
void crpi_report_due(crpi_report *);         /* the object is dropped: nobody can look any more */
void crpi_reports_write(crp *, bool all);

/* Takes a task that has not ended out of the world; what it had begun is dropped. */
void crpi_task_abandon(crp *, crpi_task *);
void crpi_tasks_abandon(crp *); /* all of them, while the objects that they use are still there */

/* For a native: when the script's call ends that this one stands in, by return, by error or with its tail call, the VM
 * calls `release`, once; the last object first.  It may allocate, but neither call scripts nor raise an error.  At a
 * file's top level, and for a host, nothing is released: there the object's `drop` is the end. */
crp_status crpi_release_later(crp *, crp_word object, void (*release)(crp *, crp_word object));

crp_status crpi_task_stuck(crp *); /* records what it is told: 1.2 */
void crpi_task_park(crp *, crpi_task *, crpi_native *);
void crpi_task_ready(crp *, crpi_task *);

#endif
