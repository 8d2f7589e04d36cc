/* Time values. */
#include "instant.h"

/* --- zones ---------------------------------------------------------------------------------------------- */

crp_status crpi_instant_zone(crp *vm, crp_word name, crpi_zone *zone, crp_word *out)
{
    crpi_named_zone *z = crpi_new(vm, CRP_ZONE, sizeof *z);
    if (!z) {
        crpi_zone_free(&vm->mem, zone);
        return CRP_E_NOMEM;
    }
    z->name = name;
    z->zone = zone;
    *out = crp_from_object(z);
    return CRP_OK;
}

static int offset_at(crpi_where where, int64_t seconds)
{
    if (where.zone == CRP_NIL) return where.offset;
    return crpi_zone_at(crpi_named_zone_of(where.zone)->zone, seconds)->offset;
}

int64_t crpi_instant_of_local(crpi_where where, int64_t local)
{
    if (where.zone == CRP_NIL) return local - where.offset;
    return crpi_zone_instant(crpi_named_zone_of(where.zone)->zone, local);
}

/* --- Times ---------------------------------------------------------------------------------------------- */

static bool is_within(int64_t seconds) { return seconds >= CRPI_FIRST_SECOND && seconds <= CRPI_LAST_SECOND; }

crp_status crpi_instant_new(crp *vm, int64_t seconds, int nanosecond, crpi_where where, int code,
                            crp_word *out)
{
    int offset = is_within(seconds) ? offset_at(where, seconds) : 0;
    if (!is_within(seconds) || !is_within(seconds + offset))
        return crp_raise(vm, CRP_ERR_SCRIPT, code,
                         "Time: expected one in the years 1 to 9999, given %ld seconds from 1970",
                         (long)seconds);
    crpi_time *t = crpi_new(vm, CRP_TIME, sizeof *t);
    if (!t) return CRP_E_NOMEM;
    *t = (crpi_time){
        .h = t->h, .zone = where.zone, .seconds = seconds, .nanosecond = nanosecond, .offset = offset};
    *out = crp_from_object(t);
    return CRP_OK;
}

int crpi_instant_order(const crpi_time *a, const crpi_time *b)
{
    if (a->seconds != b->seconds) return a->seconds < b->seconds ? -1 : 1;
    return (a->nanosecond > b->nanosecond) - (a->nanosecond < b->nanosecond);
}

static void set_date(const crpi_time *t, int offset, crpi_date *d)
{
    d->offset = offset;
    d->nanosecond = t->nanosecond;
    crpi_date_set(d, t->seconds + offset);
}

void crpi_instant_date(const crpi_time *t, crpi_date *d) { set_date(t, t->offset, d); }

void crpi_instant_round_date(const crpi_time *t, crpi_date *d)
{
    int offset = t->offset - t->offset % 60;
    set_date(t, is_within(t->seconds + offset) ? offset : 0, d);
}

void crpi_instant_put(crpi_buf *b, const crpi_time *t)
{
    crpi_date d;
    crpi_instant_round_date(t, &d);
    crpi_date_iso8601(b, &d, -1);
}

/* --- for the collector ---------------------------------------------------------------------------------- */

static void mark_time(crp *vm, crp_object *o, crp_marker mark) { mark(vm, ((crpi_time *)o)->zone); }
static void mark_zone(crp *vm, crp_object *o, crp_marker mark) { mark(vm, ((crpi_named_zone *)o)->name); }
static void drop_zone(crp *vm, crp_object *o) { crpi_zone_free(&vm->mem, ((crpi_named_zone *)o)->zone); }

bool crpi_instant_kinds(crp *vm)
{
    return crpi_heap_kind(&vm->heap, CRP_TIME, (crpi_kind){mark_time, NULL}) &&
           crpi_heap_kind(&vm->heap, CRP_ZONE, (crpi_kind){mark_zone, drop_zone});
}
