/* floor 10: `carapace test`: runs test files, each in a process of its own, and reports in TAP.
 *
 * A child speaks TAP too: a script's tests do (stdlib/test.crp), and for a page one line stands for each
 * heading that has examples.  Here the lines get the file's name and one count; what a child says besides
 * becomes comments.
 */
#ifndef CARAPACE_TESTER_H
#define CARAPACE_TESTER_H

#include "carapace.h"

typedef struct crpi_tester_options {
    int64_t timeout;    /* milliseconds for each file */
    int jobs;           /* files at a time */
    const char *filter; /* only tests whose name holds this; or NULL */
    bool help;
} crpi_tester_options;

enum { CRPI_TESTER_TIMEOUT = 30000, CRPI_TESTER_MOST_JOBS = 256 };

/* What the program does for it, in the child. */
typedef struct crpi_tester_host {
    int (*script)(void *ud, const char *path, const char *filter); /* runs it; its exit status */
    crp *(*begin)(void *ud); /* an interpreter for a page's examples; or NULL */
    void (*end)(void *ud);
    void *ud;
} crpi_tester_host;

/* The exit status: 0 if all tests passed, 1, or 2 where a path cannot be read or there is nothing to test. */
int crpi_tester_run(const crpi_tester_options *, char *const *paths, int count, const crpi_tester_host *);

/* Runs the examples of a page in folders below this one; what the child ends with. */
int crpi_tester_page(const crpi_tester_host *, const char *path, const char *folder);

#endif
