/* floor 7: what the files of Task share. */
#ifndef CARAPACE_LIB_TASK_H
#define CARAPACE_LIB_TASK_H

#include "task.h"

typedef enum crpi_task_phase {
    CRPI_TASK_WAITS,    /* in a TaskGroup, for its turn */
    CRPI_TASK_RUNS,
    CRPI_TASK_FINISHES, /* `final` runs */
    CRPI_TASK_ENDED
} crpi_task_phase;

/* What scripts have of a task.  It may be started again when it has ended, so it is not the task itself. */
typedef struct crpi_task_object {
    crp_object h;
    crp_word name, expression, result, error, final, event;
    crp_word function, final_function; /* what the two expressions became */
    crp_word running; /* the task, or NIL */
    crp_word group;   /* the TaskGroup, or NIL; */
    crp_word key;     /* its record of the key; */
    crp_word next;    /* the next in its queue */
    crpi_report *report;
    crpi_task_phase phase;
} crpi_task_object;

static inline crpi_task_object *crpi_task_object_of(crp_word w) { return (crpi_task_object *)crp_object_of(w); }

bool crpi_is_task(crp *, crp_word);

/* A Task, not started, for a Function, or for a List that is an expression. */
crp_status crpi_task_object_new(crp *, crp_word name, crp_word expression, crp_word *out);
crp_status crpi_task_object_start(crp *, crp_word task);
void crpi_task_object_cancel(crp *, crp_word task);

/* Its error has been looked at: it need not be reported. */
void crpi_task_object_seen(crp *, crp_word task);

/* Waiting for the end of any Task, for natives that cannot name them all: crp_wait_object of this. */
crp_word crpi_task_class_word(crp *);

void crpi_task_group_ended(crp *, crp_word task); /* lib-task-group.c */
void crpi_task_group_forget(crp *, crp_word task); /* one that waits for its turn is cancelled */

crp_status crpi_lib_task_all(crp *);
crp_status crpi_lib_task_group(crp *);

#endif
