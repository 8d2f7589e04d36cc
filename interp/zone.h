/* floor 0: time zones: how far from UTC a clock is at an instant.
 *
 * A zone is what a TZif file (RFC 8536) says, and its rule for the time after the last entry; or a rule
 * alone, as the variable TZ has it: CET-1CEST,M3.5.0,M10.5.0/3.  Nothing here asks the system, so a
 * process may have as many zones as it likes.
 */
#ifndef CARAPACE_ZONE_H
#define CARAPACE_ZONE_H

#include "mem.h"

enum {
    CRPI_ZONE_NAME = 16, /* bytes of an abbreviation, NUL included */
    CRPI_MAX_ZONE_FILE = 1 << 18
};

/* When a year's clock changes: `day` is the Julian day without 29 February (1 to 365), the day of the year
 * from 0, or of month `month` the `week`th `weekday` (0: Sunday; week 5: the last); at so many seconds of
 * that day. */
typedef struct crpi_zone_change {
    enum { CRPI_JULIAN, CRPI_YEAR_DAY, CRPI_WEEKDAY } kind;
    int day, month, week, weekday, seconds;
} crpi_zone_change;

typedef struct crpi_zone_clock {
    int offset; /* seconds east of UTC */
    char name[CRPI_ZONE_NAME];
} crpi_zone_clock;

typedef struct crpi_zone {
    size_t bytes; /* of this allocation */
    bool has_rule, changes; /* the rule has a summer clock */
    crpi_zone_clock standard, summer;
    crpi_zone_change begin, end; /* of summer, in the wall time before it */
    /* What comes before the rule: from the instant `at[i]` on the clock number `which[i]`; before the
     * first, clock number 0. */
    size_t count, clock_count;
    const int64_t *at;
    const uint8_t *which;
    const crpi_zone_clock *clocks;
} crpi_zone;

/* From a file's bytes; NULL: they are no TZif file or, *no_memory, there is none. */
crpi_zone *crpi_zone_read(crpi_mem *, const void *bytes, size_t n, bool *no_memory);

/* From a rule; NULL as above. */
crpi_zone *crpi_zone_of_rule(crpi_mem *, const char *text, size_t n, bool *no_memory);

void crpi_zone_free(crpi_mem *, crpi_zone *);

/* What the clock shows at an instant; lives as long as the zone. */
const crpi_zone_clock *crpi_zone_at(const crpi_zone *, int64_t seconds);

/* The instant at which the clock shows so many local seconds.  If it does twice, the first; if it never does,
 * because it was put forward, as if it had not been put yet. */
int64_t crpi_zone_instant(const crpi_zone *, int64_t local);

#endif
