/* floor 3: Time values: an instant, and the zone in which its date is shown.
 *
 * A Time never changes.  Times are equal, ordered and hashed by their instants, whatever zone shows them.
 * Where a zone is only an offset there is no zone object; where it is one, the offset at the instant is
 * kept beside it.
 */
#ifndef CARAPACE_INSTANT_H
#define CARAPACE_INSTANT_H

#include "date.h"
#include "state.h"
#include "zone.h"

typedef struct crpi_time {
    crp_object h;
    crp_word zone; /* a crpi_named_zone, or () */
    int64_t seconds; /* since 1970, in the years 1 to 9999 there and in UTC */
    int32_t nanosecond, offset;
} crpi_time;

typedef struct crpi_named_zone { /* scripts never see it */
    crp_object h;
    crp_word name; /* a String, as it was asked for */
    crpi_zone *zone;
} crpi_named_zone;

/* Where a Time is shown: a named zone, or an offset. */
typedef struct crpi_where {
    crp_word zone; /* or () */
    int offset;
} crpi_where;

static inline crpi_time *crpi_time_of(crp_word w) { return (crpi_time *)crp_object_of(w); }
static inline crpi_named_zone *crpi_named_zone_of(crp_word w) { return (crpi_named_zone *)crp_object_of(w); }

bool crpi_instant_kinds(crp *); /* tells the collector of Times and zones; false: no memory */

/* Error `code` of class 1 if the year is not from 1 to 9999 there or in UTC. */
crp_status crpi_instant_new(crp *, int64_t seconds, int nanosecond, crpi_where, int code, crp_word *out);

/* Takes the zone over, also when it fails. */
crp_status crpi_instant_zone(crp *, crp_word name, crpi_zone *, crp_word *out);

static inline crpi_where crpi_instant_where(const crpi_time *t) { return (crpi_where){t->zone, t->offset}; }
int64_t crpi_instant_of_local(crpi_where,
                              int64_t local); /* the instant at which the clock there shows this */
int crpi_instant_order(const crpi_time *, const crpi_time *); /* -1, 0, 1 */
void crpi_instant_date(const crpi_time *, crpi_date *);

/* The same with an offset of whole minutes, which ISO 8601 and RFC 5322 need: such a date still says the
 * instant. */
void crpi_instant_round_date(const crpi_time *, crpi_date *);
void crpi_instant_put(crpi_buf *, const crpi_time *); /* as ISO 8601 */

#endif
