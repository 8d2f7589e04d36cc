/* floor 7: Times and units: later, the beginning of, how long since.
 *
 * Units up to the hour are so many seconds.  Those from the day on are of the calendar of the Time's zone,
 * where a day may have 23 or 25 hours and a month any number of days.
 */
#include "lib.h"

#include <string.h>
#include "instant.h"
#include "vm.h"

/* --- units ---------------------------------------------------------------------------------------------- */

typedef enum unit {
    MILLISECOND_UNIT,
    SECOND_UNIT,
    MINUTE_UNIT,
    HOUR_UNIT,
    DAY_UNIT,
    WEEK_UNIT,
    MONTH_UNIT,
    YEAR_UNIT
} unit;

static const char *const unit_names[] = {"millisecond", "second", "minute", "hour",
                                         "day",         "week",   "month",  "year"};
static const int unit_seconds[] = {0, 1, 60, 3600};

/* A unit's name, with or without an s. */
static crp_status read_unit(crp *vm, crp_word name, unit *out)
{
    size_t n;
    const char *text;
    crp_status st = crpi_lib_name(vm, name, &text, &n);
    if (st) return st;
    size_t length = n > 1 && text[n - 1] == 's' ? n - 1 : n;
    for (int i = 0; i <= YEAR_UNIT; i++)
        if (length == strlen(unit_names[i]) && memcmp(text, unit_names[i], length) == 0) {
            *out = (unit)i;
            return CRP_OK;
        }
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "unit: expected millisecond, second, minute, hour, day, week, month or year, given %v",
                     name);
}

static crp_status too_far(crp_call *c, crp_word amount)
{
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OVERFLOW,
                     "Time overflow: %v added is outside the years 1 to 9999", amount);
}

/* The Time so many seconds and nanoseconds later. */
static crp_status later(crp_call *c, int64_t seconds, int nanosecond, crp_word amount)
{
    const crpi_time *t = crpi_time_of(c->self);
    int64_t sum;
    nanosecond += t->nanosecond;
    if (__builtin_add_overflow(t->seconds, seconds, &sum)) return too_far(c, amount);
    if (nanosecond >= 1000000000) {
        nanosecond -= 1000000000;
        if (__builtin_add_overflow(sum, 1, &sum)) return too_far(c, amount);
    }
    return crpi_instant_new(c->vm, sum, nanosecond, crpi_instant_where(t), CRP_OVERFLOW, &c->result);
}

static crp_status add_clock(crp_call *c, crp_word amount, unit u)
{
    int64_t seconds, whole;
    int nanosecond;
    if (crp_is_integer(amount)) {
        whole = crp_integer_value(amount);
        if (u == MILLISECOND_UNIT) {
            int rest = (int)(whole % 1000);
            return later(c, whole / 1000 - (rest < 0), (rest < 0 ? rest + 1000 : rest) * 1000000, amount);
        }
        if (__builtin_mul_overflow(whole, unit_seconds[u], &seconds)) return too_far(c, amount);
        return later(c, seconds, 0, amount);
    }
    double d = crp_real_value(amount) * (u == MILLISECOND_UNIT ? 0.001 : unit_seconds[u]);
    if (crpi_lib_split_seconds(d, &seconds, &nanosecond)) return later(c, seconds, nanosecond, amount);
    return too_far(c, amount);
}

/* The same time of the clock on another day; in a month that is too short, on its last. */
static crp_status add_calendar(crp_call *c, crp_word amount, unit u)
{
    enum { MOST = 10000 * 366 };
    const crpi_time *t = crpi_time_of(c->self);
    crpi_date d;
    if (!crp_is_integer(amount))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "add: expected an Integer of %ss, given %n %v", unit_names[u], amount, amount);
    int64_t n = crp_integer_value(amount);
    if (n < -MOST || n > MOST) return too_far(c, amount);
    crpi_instant_date(t, &d);
    if (u == DAY_UNIT || u == WEEK_UNIT) {
        d.day += (int)(u == DAY_UNIT ? n : n * 7);
    } else {
        int64_t months = (int64_t)d.year * 12 + d.month - 1 + (u == MONTH_UNIT ? n : n * 12);
        if (months < 12 || months >= 10000 * 12) return too_far(c, amount);
        d.year = (int)(months / 12);
        d.month = (int)(months % 12) + 1;
        if (d.day > crpi_date_days_in(d.year, d.month)) d.day = crpi_date_days_in(d.year, d.month);
    }
    crpi_where where = crpi_instant_where(t);
    return crpi_instant_new(c->vm, crpi_instant_of_local(where, crpi_date_local(&d)), t->nanosecond, where,
                            CRP_OVERFLOW, &c->result);
}

static crp_status add(crp_call *c)
{
    unit u = SECOND_UNIT;
    crp_status st = crpi_lib_given(c, 1) ? read_unit(c->vm, c->args[1], &u) : CRP_OK;
    if (st) return st;
    return u <= HOUR_UNIT ? add_clock(c, c->args[0], u) : add_calendar(c, c->args[0], u);
}

static crp_status plus(crp_call *c) { return add_clock(c, c->args[0], SECOND_UNIT); }

static crp_status begun(crp_call *c, int64_t seconds, int nanosecond)
{
    return crpi_instant_new(c->vm, seconds, nanosecond, crpi_instant_where(crpi_time_of(c->self)),
                            CRP_BAD_ARGUMENT, &c->result);
}

/* Up to the hour by counting back, so that an hour that a clock shows twice stays the one that it is. */
static crp_status start_of(crp_call *c)
{
    const crpi_time *t = crpi_time_of(c->self);
    crpi_date d;
    unit u;
    crp_status st = read_unit(c->vm, c->args[0], &u);
    if (st) return st;
    crpi_instant_date(t, &d);
    if (u == MILLISECOND_UNIT) return begun(c, t->seconds, t->nanosecond - t->nanosecond % 1000000);
    if (u == SECOND_UNIT) return begun(c, t->seconds, 0);
    if (u <= HOUR_UNIT) return begun(c, t->seconds - d.second - (u == HOUR_UNIT ? d.minute * 60 : 0), 0);
    if (u == WEEK_UNIT) d.day -= d.weekday - 1;
    if (u >= MONTH_UNIT) d.day = 1;
    if (u == YEAR_UNIT) d.month = 1;
    d.hour = d.minute = d.second = 0;
    return begun(c, crpi_instant_of_local(crpi_instant_where(t), crpi_date_local(&d)), 0);
}

/* --- differences ---------------------------------------------------------------------------------------- */

/* Seconds and nanoseconds, both of one sign or 0. */
static int64_t signed_difference(int64_t seconds, int *nanosecond)
{
    if (seconds > 0 && *nanosecond < 0) {
        *nanosecond += 1000000000;
        return seconds - 1;
    }
    if (seconds < 0 && *nanosecond > 0) {
        *nanosecond -= 1000000000;
        return seconds + 1;
    }
    return seconds;
}

/* Whole months from `b` to `a`: the day and time of day must have been reached. */
static int64_t months_between(const crpi_date *a, const crpi_date *b)
{
    int64_t months = (a->year - b->year) * 12 + a->month - b->month;
    crpi_date from = *b, to = *a;
    from.year = to.year = 1;
    from.month = to.month = 1;
    int nanosecond = to.nanosecond - from.nanosecond;
    int64_t rest = signed_difference(crpi_date_local(&to) - crpi_date_local(&from), &nanosecond);
    bool before = rest < 0 || nanosecond<0, after = rest> 0 || nanosecond > 0;
    return months > 0 ? months - before : months < 0 ? months + after : 0;
}

static int64_t units_between(const crpi_time *t, const crpi_time *other, unit u)
{
    crpi_time there = *other;
    crpi_date a, b;
    int nanosecond = t->nanosecond - other->nanosecond;
    int64_t seconds = signed_difference(t->seconds - other->seconds, &nanosecond);
    if (u == MILLISECOND_UNIT) return seconds * 1000 + nanosecond / 1000000;
    if (u <= HOUR_UNIT) return seconds / unit_seconds[u];
    there.offset = t->zone == CRP_NIL
                       ? t->offset
                       : crpi_zone_at(crpi_named_zone_of(t->zone)->zone, other->seconds)->offset;
    crpi_instant_date(t, &a);
    crpi_instant_date(&there, &b);
    if (u >= MONTH_UNIT) return months_between(&a, &b) / (u == YEAR_UNIT ? 12 : 1);
    nanosecond = a.nanosecond - b.nanosecond;
    return signed_difference(crpi_date_local(&a) - crpi_date_local(&b), &nanosecond) / CRPI_DAY_SECONDS /
           (u == WEEK_UNIT ? 7 : 1);
}

static crp_status seconds_between(crp_call *c, const crpi_time *t, const crpi_time *other)
{
    double d = (double)(t->seconds - other->seconds) + (t->nanosecond - other->nanosecond) / 1e9;
    return crp_real(c->vm, d, &c->result);
}

static crp_status no_time(crp_call *c, crp_word given)
{
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected a Time, given %n %v", given, given);
}

static crp_status difference(crp_call *c)
{
    unit u;
    if (!crp_is_a(c->args[0], CRP_TIME)) return no_time(c, c->args[0]);
    const crpi_time *t = crpi_time_of(c->self), *other = crpi_time_of(c->args[0]);
    if (!crpi_lib_given(c, 1)) return seconds_between(c, t, other);
    crp_status st = read_unit(c->vm, c->args[1], &u);
    return st ? st : crp_integer(c->vm, units_between(t, other, u), &c->result);
}

static crp_status minus(crp_call *c)
{
    crp_word w = c->args[0], negated;
    if (crp_is_a(w, CRP_TIME)) return seconds_between(c, crpi_time_of(c->self), crpi_time_of(w));
    if (!crpi_is_number(w))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "-: expected a Time or a number of seconds, given %n %v", w, w);
    if (crp_is_integer(w) && crp_integer_value(w) == INT64_MIN) return too_far(c, w);
    crp_status st = crp_is_integer(w) ? crp_integer(c->vm, -crp_integer_value(w), &negated)
                                      : crp_real(c->vm, -crp_real_value(w), &negated);
    return st ? st : add_clock(c, negated, SECOND_UNIT);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

const crp_method crpi_lib_time_unit_rows[] = {
    ROW("add", "Time (amount Integer|Real) (unit Symbol|String ?)", add,
        "The Time so much later, or earlier if the amount is negative: seconds or any of millisecond, "
        "second, minute, hour, day, week, month, year, with or without an s. From the day on the amount is "
        "an Integer (1.11), and the clock of the zone shows the same time again, as near as it can; a "
        "month that is too short ends with its last day. 1.8 for another unit, 1.14 outside the years 1 to "
        "9999.\n"
        "((t.add 90 'minutes).hour)                 # --> 11\n"
        "((create Time \"2026-01-31\").add 1 'month)  # --> #<Time 2026-02-28T00:00:00Z>"),
    ROW("startOf", "Time (unit Symbol|String)", start_of,
        "When the second, minute, hour, day, week (a Monday), month or year that it is in began in its "
        "zone; 1.8 for another unit.\n"
        "(t.startOf 'day)  # --> #<Time 2026-11-23T00:00:00+01:00>"),
    ROW("difference", "Real|Integer (other Time) (unit Symbol|String ?)", difference,
        "How long after the other one it is, negative if before: in seconds, a Real; with a unit, as add "
        "has them, the Integer of whole ones. Days, weeks, months and years are those of the calendar of "
        "its zone.\n"
        "(t.difference (create Time \"2026-11-23T09:05:06Z\"))  # --> 0.5\n"
        "(t.difference (create Time \"2025-12-24\") 'months)    # --> 10"),
    ROW("+", "Time (seconds Integer|Real)", plus,
        "The Time so many seconds later; 1.14 outside the years 1 to 9999.\n"
        "(+ (create Time 0) 1.5)  # --> #<Time 1970-01-01T00:00:01.5Z>"),
    ROW("-", "Object (other Object)", minus,
        "The seconds since another Time, a Real, or the Time so many seconds earlier; 1.14 outside the "
        "years 1 to 9999.\n"
        "(- (create Time 60) (create Time 0))  # --> 60.0\n"
        "(- (create Time 60) 30)              # --> #<Time 1970-01-01T00:00:30Z>"),
    ROW(NULL, NULL, NULL, NULL)};
