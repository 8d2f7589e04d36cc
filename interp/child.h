/* floor 10: a process that runs one test file, and what it writes.
 *
 * stdout and stderr come through one pipe, so their order is kept.  The child has a process group of its own,
 * which ends with it, and no terminal to read from.
 */
#ifndef CARAPACE_CHILD_H
#define CARAPACE_CHILD_H

#include <sys/types.h>
#include "buf.h"

enum crpi_child_end { CRPI_CHILD_RUNS, CRPI_CHILD_ENDED, CRPI_CHILD_LATE, CRPI_CHILD_TOO_LOUD };

typedef struct crpi_child {
    pid_t pid;
    int fd;             /* what it writes; -1: no more will come */
    int64_t deadline;   /* milliseconds, as crpi_child_now */
    enum crpi_child_end end;
    int status;         /* as waitpid has it, once it has ended */
    crpi_mem mem;
    crpi_buf output;
} crpi_child;

/* Starts a process that ends with what `run` returns.  False: errno says why. */
bool crpi_child_start(crpi_child *, int64_t milliseconds, int (*run)(void *ud), void *ud);

/* Takes what it has written, and looks whether it has ended or should have. */
void crpi_child_look(crpi_child *);

void crpi_child_stop(crpi_child *); /* kills it, if it still runs */
void crpi_child_free(crpi_child *);

int64_t crpi_child_now(void);

#endif
