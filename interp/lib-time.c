/* floor 7: what time it is, and the class Time.
 *
 * Clocks come from the platform, so a simulation's script sees the simulation's.  A Time never changes:
 * what works on one gives a new one.
 */
#include "lib.h"

#include <math.h>
#include <string.h>
#include "instant.h"
#include "value.h"
#include "vm.h"

/* --- clocks --------------------------------------------------------------------------------------------- */

static crp_status milliseconds(crp_call *c) { return crp_integer(c->vm, crp_now(c->vm), &c->result); }

static void read_clock(crp *vm, int64_t *seconds, int32_t *nanoseconds)
{
    void *state;
    crp_platform_of(vm, &state)->clock(state, seconds, nanoseconds);
}

static crp_status now(crp_call *c)
{
    int64_t seconds;
    int32_t nanoseconds;
    read_clock(c->vm, &seconds, &nanoseconds);
    return crp_real(c->vm, (double)seconds + nanoseconds / 1e9, &c->result);
}

/* --- making --------------------------------------------------------------------------------------------- */

static const crpi_where utc = {CRP_NIL, 0};

/* Gives the native's result. */
static crp_status at(crp_call *c, int64_t seconds, int nanosecond, crpi_where where)
{
    return crpi_instant_new(c->vm, seconds, nanosecond, where, CRP_BAD_ARGUMENT, &c->result);
}

bool crpi_lib_split_seconds(double d, int64_t *seconds, int *nanosecond)
{
    if (!(fabs(d) < 1e12)) return false;
    *seconds = (int64_t)floor(d);
    *nanosecond = (int)((d - floor(d)) * 1e9 + 0.5);
    if (*nanosecond == 1000000000) {
        *nanosecond = 0;
        ++*seconds;
    }
    return true;
}

static crp_status of_number(crp_call *c, crp_word number, crpi_where where)
{
    int64_t seconds;
    int nanosecond;
    if (crp_is_integer(number)) return at(c, crp_integer_value(number), 0, where);
    if (crpi_lib_split_seconds(crp_real_value(number), &seconds, &nanosecond))
        return at(c, seconds, nanosecond, where);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "Time: expected seconds in the years 1 to 9999, given %v", number);
}

/* (year month day hour minute second), all but the first three optional. */
static crp_status of_fields(crp_call *c, crp_word list, crpi_where where)
{
    crpi_date d = {0};
    int *const fields[] = {&d.year, &d.month, &d.day, &d.hour, &d.minute, &d.second};
    static const int most[] = {9999, 12, 31, 24, 59, 60};
    crp_word item = list;
    int n = 0;
    for (; crp_is_pair(item) && n < 6; item = crp_tail(item), n++) {
        crp_word w = crp_head(item);
        if (!crp_is_fixnum(w) || crp_fixnum_value(w) < (n < 3) || crp_fixnum_value(w) > most[n]) break;
        *fields[n] = (int)crp_fixnum_value(w);
    }
    bool late = d.hour == 24 && (d.minute || d.second);
    if (item != CRP_NIL || n < 3 || late || d.day > crpi_date_days_in(d.year, d.month))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "Time: expected Integers (year month day hour minute second) of a date, given %v",
                         list);
    return at(c, crpi_instant_of_local(where, crpi_date_local(&d)), 0, where);
}

/* `given` says whether the zone was asked for: if not, the text's own is the Time's. */
static crp_status of_text(crp_call *c, crp_word text, crp_word format, crpi_where where, bool given)
{
    crpi_date_text t;
    const char *bad = NULL;
    size_t n, letters;
    const char *bytes = crp_string_data(text, &n), *layout = crp_string_data(format, &letters);
    bool good =
        letters ? crpi_date_read_format(bytes, n, layout, letters, &t, &bad) : crpi_date_read(bytes, n, &t);
    if (bad)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "Time: nothing can be read by \"%.*s\" in %v", bad + 1 < layout + letters ? 2 : 1,
                         bad, format);
    if (!good && letters)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "Time: expected a date like %v, given %v",
                         format, text);
    if (!good)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "Time: expected a date as ISO 8601 or RFC 5322 has it, given %v", text);
    if (t.has_seconds) return at(c, t.seconds, t.date.nanosecond, where);
    crpi_where own = t.has_offset ? (crpi_where){CRP_NIL, t.date.offset} : where;
    return at(c, crpi_instant_of_local(own, crpi_date_local(&t.date)), t.date.nanosecond,
              given ? where : own);
}

static crp_status of_clock(crp_call *c, crpi_where where)
{
    int64_t seconds;
    int32_t nanosecond;
    read_clock(c->vm, &seconds, &nanosecond);
    return at(c, seconds, nanosecond, where);
}

/* CRP_UNSET stands for what was not given. */
static crp_status make(crp_call *c, crp_word when, crp_word layout, crp_word zone)
{
    crpi_where where = utc;
    bool given = zone != CRP_UNSET;
    crp_status st = given ? crpi_lib_zone(c->vm, zone, &where) : CRP_OK;
    if (st) return st;
    if (when == CRP_UNSET) return of_clock(c, where);
    if (crp_is_string(when)) return of_text(c, when, layout, where, given);
    if (crpi_is_number(when)) return of_number(c, when, where);
    if (crp_is_pair(when)) return of_fields(c, when, where);
    if (!crp_is_a(when, CRP_TIME))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "Time: expected an Integer, Real, String, List or Time, given %n %v", when, when);
    const crpi_time *t = crpi_time_of(when);
    return at(c, t->seconds, t->nanosecond, given ? where : crpi_instant_where(t));
}

static crp_word argument(const crp_call *c, uint32_t i)
{
    return crpi_lib_given(c, i) ? c->args[i] : CRP_UNSET;
}
static crp_status create(crp_call *c) { return make(c, argument(c, 0), c->args[1], argument(c, 2)); }

/* --- properties ----------------------------------------------------------------------------------------- */

static crp_status zone_name(crp *vm, const crpi_time *t, crp_word *out)
{
    crpi_buf b;
    if (t->zone != CRP_NIL) {
        *out = crpi_named_zone_of(t->zone)->name;
        return CRP_OK;
    }
    if (t->offset == 0) return crp_string_z(vm, "UTC", out);
    crpi_date d = {.offset = t->offset};
    crpi_buf_init(&b, &vm->mem, CRPI_LIB_CAP);
    crpi_date_format(&b, &d, "", "%z", 2);
    return crpi_lib_finish(vm, &b, CRP_STRING, out);
}

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, WEEKDAY, YEAR_DAY, OFFSET, SECONDS, FRACTION, ZONE };

static crp_status get_property(crp *, crp_object *, crp_word *out);

#define PROPERTY(number, name, class_name, help) \
    [number] = {name, class_name, CRP_READ, 0, NULL, NULL, help, get_property, NULL}

static const crp_property properties[] = {
    PROPERTY(YEAR, "year", "Integer",
             "The year, from 1 to 9999, as the calendar of its zone has it, like what follows.\n"
             "(t.year)  # --> 2026"),
    PROPERTY(MONTH, "month", "Integer", "The month, from 1 to 12.\n(t.month)  # --> 11"),
    PROPERTY(DAY, "day", "Integer", "The day of the month, from 1 to 31.\n(t.day)  # --> 23"),
    PROPERTY(HOUR, "hour", "Integer", "The hour, from 0 to 23.\n(t.hour)  # --> 10"),
    PROPERTY(MINUTE, "minute", "Integer", "The minute, from 0 to 59.\n(t.minute)  # --> 5"),
    PROPERTY(SECOND, "second", "Integer", "The whole second, from 0 to 59.\n(t.second)  # --> 6"),
    PROPERTY(WEEKDAY, "weekday", "Integer",
             "The day of the week, from 1, a Monday, to 7.\n(t.weekday)  # --> 1"),
    PROPERTY(YEAR_DAY, "yearDay", "Integer", "The day of the year, from 1 to 366.\n(t.yearDay)  # --> 327"),
    PROPERTY(OFFSET, "offset", "Integer",
             "How far the clock of its zone is ahead of UTC then, in seconds.\n"
             "(t.offset)  # --> 3600"),
    PROPERTY(SECONDS, "seconds", "Integer",
             "The whole seconds since 1970 began in UTC; negative before.\n"
             "(t.seconds)  # --> 1795424706"),
    PROPERTY(FRACTION, "fraction", "Real",
             "What is left of a second, from 0.0 to less than 1; kept to the nanosecond.\n"
             "(t.fraction)  # --> 0.5"),
    PROPERTY(ZONE, "zone", "String",
             "The zone as it was asked for: UTC, local, a name, or an offset such as +0100.\n"
             "(t.zone)  # --> \"+0100\""),
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static crp_status get_property(crp *vm, crp_object *o, crp_word *out)
{
    const crpi_time *t = (const crpi_time *)o;
    ptrdiff_t which = vm->accessing - properties;
    crpi_date d;
    if (which == FRACTION) return crp_real(vm, t->nanosecond / 1e9, out);
    if (which == ZONE) return zone_name(vm, t, out);
    crpi_instant_date(t, &d);
    const int64_t fields[] = {d.year,   d.month,   d.day,      d.hour,   d.minute,
                              d.second, d.weekday, d.year_day, d.offset, t->seconds};
    return crp_integer(vm, fields[which], out);
}

/* --- text ----------------------------------------------------------------------------------------------- */

/* What %Z shows. */
static crp_status short_zone_name(crp *vm, const crpi_time *t, const char **name)
{
    crp_word text;
    *name = t->zone == CRP_NIL ? "" : crpi_zone_at(crpi_named_zone_of(t->zone)->zone, t->seconds)->name;
    if (**name) return CRP_OK;
    crp_status st = zone_name(vm, t, &text);
    return st ? st : crp_c_string(vm, text, name);
}

static crp_status format_time(crp_call *c, const crpi_time *t, crp_word layout)
{
    crpi_buf b;
    crpi_date d;
    size_t n;
    const char *zone, *format = crp_string_data(layout, &n);
    crp_status st = short_zone_name(c->vm, t, &zone);
    if (st) return st;
    crpi_instant_date(t, &d);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    const char *bad = crpi_date_format(&b, &d, zone, format, n);
    if (!bad) return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
    crpi_buf_free(&b);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "time format: nothing is meant by \"%.*s\"",
                     bad + 1 < format + n ? 2 : 1, bad);
}

static crp_status format(crp_call *c) { return format_time(c, crpi_time_of(c->self), c->args[0]); }

static crp_status formatted_time(crp_call *c)
{
    crp_word when = argument(c, 1);
    if (when != CRP_UNSET && !crpi_is_number(when) && !crp_is_a(when, CRP_TIME))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "formattedTime: expected an Integer, Real or Time, given %n %v", when, when);
    crp_status st = make(c, when, CRP_UNSET, argument(c, 2));
    return st ? st : format_time(c, crpi_time_of(c->result), c->args[0]);
}

static crp_status iso8601(crp_call *c)
{
    int64_t digits = -1;
    crpi_date d;
    crpi_buf b;
    crp_status st =
        crpi_lib_given(c, 0) ? crpi_lib_between(c->vm, "digits", c->args[0], 0, 9, &digits) : CRP_OK;
    if (st) return st;
    crpi_instant_round_date(crpi_time_of(c->self), &d);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    crpi_date_iso8601(&b, &d, (int)digits);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status rfc5322(crp_call *c)
{
    crpi_date d;
    crpi_buf b;
    crpi_instant_round_date(crpi_time_of(c->self), &d);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    crpi_date_rfc5322(&b, &d);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* --- conversions ---------------------------------------------------------------------------------------- */

static crp_status to_integer(crp_call *c)
{
    return crp_integer(c->vm, crpi_time_of(c->self)->seconds, &c->result);
}

static double real_of(const crpi_time *t) { return (double)t->seconds + t->nanosecond / 1e9; }
static crp_status to_real(crp_call *c) { return crp_real(c->vm, real_of(crpi_time_of(c->self)), &c->result); }

static crp_status in_zone(crp_call *c)
{
    crpi_where where;
    const crpi_time *t = crpi_time_of(c->self);
    crp_status st = crpi_lib_zone(c->vm, c->args[0], &where);
    return st ? st : at(c, t->seconds, t->nanosecond, where);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}
#define EARLIER "(create Time 0)"
#define LATER "(create Time 60)"

static const crp_method methods[] = {
    ROW("iso8601", "String (digits Integer ?)", iso8601,
        "The Time as ISO 8601 and RFC 3339 have it, with so many digits of fraction (0 to 9, cut off) or "
        "as many as there are; 1.8 for more. An offset that is no whole number of minutes is shown as one "
        "that is.\n"
        "(t.iso8601)    # --> \"2026-11-23T10:05:06.5+01:00\"\n"
        "(t.iso8601 0)  # --> \"2026-11-23T10:05:06+01:00\""),
    ROW("rfc5322", "String", rfc5322,
        "The Time as a mail's Date field has it.\n(t.rfc5322)  # --> \"Mon, 23 Nov 2026 10:05:06 +0100\""),
    ROW("format", "String (format String)", format,
        "The Time as a format says; the letters are those of formattedTime, 1.8 for any other.\n"
        "(t.format \"%d.%m.%y %H:%M:%S.%L\")  # --> \"23.11.26 10:05:06.500\""),
    ROW("string", "String", iso8601,
        "The same as iso8601.\n(t.string)  # --> \"2026-11-23T10:05:06.5+01:00\""),
    ROW("integer", "Integer", to_integer,
        "The whole seconds since 1970, as `seconds`.\n(t.integer)  # --> 1795424706"),
    ROW("real", "Real", to_real,
        "The seconds since 1970 with their fraction, as `now` gives them.\n"
        "(t.real)  # --> 1795424706.5"),
    ROW("inZone", "Time (zone String)", in_zone,
        "The same instant with the date of another zone: UTC, local, an offset such as +0100 or a name "
        "such as Europe/Berlin; 1.8 for any other, or if that is outside the years 1 to 9999.\n"
        "((t.inZone \"UTC\").hour)  # --> 9"),
    ROW("copy", "Time", crpi_lib_self, "The Time itself: it never changes.\n(== t (t.copy))  # --> true"),
    CRPI_LIB_EQUALITY_LIKE(EARLIER, LATER),
    CRPI_LIB_ORDER_LIKE(EARLIER, LATER),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Time", "Time (when Object ?) (format String \"\") (zone String ?)", create,
        "Now, or a Time of seconds since 1970 (an Integer or Real); of a text in ISO 8601, RFC 3339 or RFC "
        "5322, with the obsolete and odd forms that mail has, or in the given format, whose letters are those "
        "of formattedTime; of a List (year month day hour minute second) of at least three; of another Time. "
        "The zone says what a text or List without one means, and where the Time is shown: without it, where "
        "the text says, else UTC. 24:00 and the second 60 are the first second of what follows. 1.8 for what "
        "is no date, outside the years 1 to 9999, or no zone; 1.11 for another class.");

static const crp_class_def time_class = {
    .size = sizeof(crp_class_def),
    .name = "Time",
    .help = "An instant, and the zone in which its date is shown. It never changes. Times are compared, and "
            "are the same key, by their instants.\n"
            "(set t (create Time \"2026-11-23T10:05:06.5+01:00\"))\n"
            "(create Time \"Mon, 23 Nov 2026 10:05 GMT\")        # --> #<Time 2026-11-23T10:05:00Z>\n"
            "(create Time \"23/Nov/2026 10:05\" \"%d/%b/%Y %R\")  # --> #<Time 2026-11-23T10:05:00Z>\n"
            "(create Time '(2026 11 23) \"\" \"+0100\")          # --> #<Time 2026-11-23T00:00:00+01:00>\n"
            "(create Time \"2026-02-29\")                       # error: 1.8",
    .properties = properties,
    .methods = methods,
    .creator = &creator};

static const crp_method functions[] = {
    ROW("time", "Integer", milliseconds,
        "Milliseconds on a clock that only goes forward, as a rule since the computer was started: for "
        "measuring.\n"
        "(set before (time))\n"
        "(>= (- (time) before) 0)  # --> true"),
    ROW("now", "Real", now,
        "Seconds since 1970 began, UTC, with their fraction.\n(> (now) 1700000000)  # --> true"),
    ROW("formattedTime", "String (format String \"%Y-%m-%d %H:%M:%S\") (when Object ?) (zone String ?)",
        formatted_time,
        "A time, by default the present one, as text. It is given as seconds since 1970 or as a Time; the "
        "zone is that of the Time, else UTC, or the one that is given, as inZone of Time has them. %Y %y "
        "%m %d %e %j year, month, day; %H %I %M %S %p hour, minute, second; %L %f %N milli-, micro- and "
        "nanoseconds; %a %A %b %B English names of day and month; %u %w weekday from Monday 1 or Sunday 0; "
        "%G %V year and week of ISO 8601; %z %Z zone; %s seconds since 1970; %F %T %R %D %c are %Y-%m-%d, "
        "%H:%M:%S, %H:%M, %m/%d/%y, %a %b %e %T %Y; %% a percent sign. 1.8 for any other letter, for no "
        "zone and outside the years 1 to 9999.\n"
        "(formattedTime \"%a, %d %b %Y %T %z\" 0)  # --> \"Thu, 01 Jan 1970 00:00:00 +0000\"\n"
        "(formattedTime \"%R\" 0 \"+0530\")        # --> \"05:30\""),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_time(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &time_class, &id);
    if (!st) st = crp_define_class_methods(vm, id, crpi_lib_time_unit_rows);
    return st ? st : crp_define_functions(vm, functions);
}
