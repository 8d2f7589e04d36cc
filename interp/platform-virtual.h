/* floor 0: the platform's twin for tests: virtual time over another platform, the real one or one with
 * faults.
 *
 * Time stands still while anything can go on.  When everything waits, it jumps to the next deadline, so a
 * test of a timeout of an hour takes no time, and the same script gives the same times and the same random
 * numbers each time it runs.  Sockets and files go to the platform below, which a test may replace entry by
 * entry: copy its table, change what is to fail, and name the copy.
 */
#ifndef CARAPACE_PLATFORM_VIRTUAL_H
#define CARAPACE_PLATFORM_VIRTUAL_H

#include "platform.h"

typedef struct crpi_virtual {
    const crp_platform *below;
    void *below_state;
    int64_t now;         /* virtual milliseconds, from 0 */
    int64_t epoch;       /* the wall clock's seconds at `now` 0 */
    int64_t grace;       /* real milliseconds that a real peer gets before time jumps */
    uint64_t random;     /* where the random numbers are; the seed at first */
    uint64_t jumps;      /* how often time has jumped */
} crpi_virtual;

/* 2026-01-01T00:00:00Z, seed 1, no grace. */
void crpi_virtual_init(crpi_virtual *, const crp_platform *below, void *below_state);
void crpi_virtual_advance(crpi_virtual *, int64_t milliseconds);

extern const crp_platform crpi_platform_virtual; /* its state is a crpi_virtual */

#endif
