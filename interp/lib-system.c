/* floor 7: time, the environment, the computer, chance.
 *
 * Clocks and random numbers come from the platform, so a simulation's script sees the simulation's.
 */
#include "lib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "codec.h"
#include "number.h"

/* --- clocks --------------------------------------------------------------------------------------------- */

static crp_status milliseconds(crp_call *c) { return crp_integer(c->vm, crp_now(c->vm), &c->result); }

static crp_status now(crp_call *c)
{
    int64_t seconds;
    int32_t nanoseconds;
    void *state;
    crp_platform_of(c->vm, &state)->clock(state, &seconds, &nanoseconds);
    return crp_real(c->vm, (double)seconds + nanoseconds / 1e9, &c->result);
}

typedef struct sleeping {
    int64_t until;
} sleeping;

/* Other tasks run meanwhile, even when there is nothing to wait for. */
static crp_status sleep_for(crp_call *c)
{
    sleeping *s = c->state;
    int64_t duration, at = crp_now(c->vm);
    if (c->step == 0) {
        crp_status st = crpi_lib_between(c->vm, "milliseconds", c->args[0], 0, INT64_MAX, &duration);
        if (st) return st;
        if (__builtin_add_overflow(at, duration, &s->until)) s->until = CRP_NO_DEADLINE;
    }
    if (c->step++ > 0 && at >= s->until) return CRP_OK;
    crp_wait_until(c, s->until);
    return CRP_AGAIN;
}

/* --- dates ---------------------------------------------------------------------------------------------- */

typedef struct date {
    int64_t seconds;      /* since 1970, UTC */
    int year, month, day; /* from 1 */
    int hour, minute, second;
    int weekday, yearday; /* from 0: Sunday, 1 January */
    int offset;           /* seconds east of UTC */
    char zone[8];
} date;

static const int64_t first_second = -62135596800, last_second = 253402300799; /* years 1 to 9999 */

static bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int days_in(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1 January of the year 1 to that of another. */
static int64_t days_before(int year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

/* Fills the date from a count of local seconds. */
static void set_date(date *d, int64_t local)
{
    int64_t since = local - first_second, days = since / 86400, rest = since % 86400;
    d->hour = (int)(rest / 3600);
    d->minute = (int)(rest / 60 % 60);
    d->second = (int)(rest % 60);
    d->weekday = (int)((days + 1) % 7);
    d->year = (int)(days * 400 / 146097) + 1; /* at most one too many or too few */
    while (days_before(d->year) > days) d->year--;
    while (days_before(d->year + 1) <= days) d->year++;
    d->yearday = (int)(days - days_before(d->year));
    d->day = d->yearday + 1;
    for (d->month = 1; d->day > days_in(d->year, d->month); d->month++) d->day -= days_in(d->year, d->month);
}

/* The clock of the place where the computer stands. */
static void use_local_zone(date *d)
{
    struct tm tm;
    time_t t = (time_t)d->seconds;
    if (!localtime_r(&t, &tm)) return;
    d->offset = (int)tm.tm_gmtoff;
    size_t n = strnlen(tm.tm_zone, sizeof d->zone - 1);
    memcpy(d->zone, tm.tm_zone, n);
    d->zone[n] = 0;
}

static void put_number(crpi_buf *b, int number, int digits, char fill)
{
    char text[CRPI_INTEGER_TEXT];
    int n = (int)crpi_integer_text(number, text);
    for (; digits > n; digits--) crpi_buf_byte(b, fill);
    crpi_buf_put(b, text, (size_t)n);
}

static void put_name(crpi_buf *b, const char *const *names, int i, bool whole)
{
    crpi_buf_put(b, names[i], whole ? strlen(names[i]) : 3);
}

static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

static void put_offset(crpi_buf *b, int offset)
{
    int minutes = (offset < 0 ? -offset : offset) / 60;
    crpi_buf_byte(b, offset < 0 ? '-' : '+');
    put_number(b, minutes / 60, 2, '0');
    put_number(b, minutes % 60, 2, '0');
}

static const char *shorthand(char letter)
{
    switch (letter) {
    case 'F': return "%Y-%m-%d";
    case 'T': return "%H:%M:%S";
    case 'R': return "%H:%M";
    case 'D': return "%m/%d/%y";
    case 'c': return "%a %b %e %H:%M:%S %Y";
    default: return NULL;
    }
}

static bool put_day(crpi_buf *b, const date *d, char letter)
{
    switch (letter) {
    case 'Y': put_number(b, d->year, 4, '0'); return true;
    case 'y': put_number(b, d->year % 100, 2, '0'); return true;
    case 'm': put_number(b, d->month, 2, '0'); return true;
    case 'd': put_number(b, d->day, 2, '0'); return true;
    case 'e': put_number(b, d->day, 2, ' '); return true;
    case 'j': put_number(b, d->yearday + 1, 3, '0'); return true;
    case 'u': put_number(b, d->weekday ? d->weekday : 7, 1, '0'); return true;
    case 'w': put_number(b, d->weekday, 1, '0'); return true;
    case 'a': put_name(b, weekdays, d->weekday, false); return true;
    case 'A': put_name(b, weekdays, d->weekday, true); return true;
    case 'b': put_name(b, months, d->month - 1, false); return true;
    case 'B': put_name(b, months, d->month - 1, true); return true;
    default: return false;
    }
}

static bool put_time(crpi_buf *b, const date *d, char letter)
{
    switch (letter) {
    case 'H': put_number(b, d->hour, 2, '0'); return true;
    case 'I': put_number(b, (d->hour + 11) % 12 + 1, 2, '0'); return true;
    case 'M': put_number(b, d->minute, 2, '0'); return true;
    case 'S': put_number(b, d->second, 2, '0'); return true;
    case 'p': crpi_buf_text(b, d->hour < 12 ? "AM" : "PM"); return true;
    case 's': crpi_buf_format(b, "%ld", (long)d->seconds); return true;
    case 'Z': crpi_buf_text(b, d->zone); return true;
    case 'z': put_offset(b, d->offset); return true;
    case '%': crpi_buf_byte(b, '%'); return true;
    default: return false;
    }
}

/* Appends the date as the format says; NULL, or the place of a letter that means nothing. */
static const char *put_date(crpi_buf *b, const date *d, const char *format, size_t n)
{
    for (const char *at = format, *end = format + n; at < end; at++) {
        if (*at != '%') {
            crpi_buf_byte(b, *at);
            continue;
        }
        if (++at == end) return at - 1;
        const char *longer = shorthand(*at);
        if (longer) put_date(b, d, longer, strlen(longer));
        else if (!put_day(b, d, *at) && !put_time(b, d, *at)) return at - 1;
    }
    return NULL;
}

static crp_status read_seconds(crp_call *c, int64_t *out)
{
    int32_t nanoseconds;
    void *state;
    double d;
    if (!crpi_lib_given(c, 1)) {
        crp_platform_of(c->vm, &state)->clock(state, out, &nanoseconds);
        return CRP_OK;
    }
    d = __builtin_floor(crp_real_value(c->args[1]));
    if (!(d >= (double)first_second + 86400 && d <= (double)last_second - 86400))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "seconds: expected a time in the years 1 to 9999, given %v", c->args[1]);
    *out = (int64_t)d;
    return CRP_OK;
}

static crp_status read_zone(crp_call *c, bool *local)
{
    size_t n;
    const char *zone = crp_string_data(c->args[2], &n);
    *local = n == 5 && memcmp(zone, "local", 5) == 0;
    if (*local || (n == 3 && memcmp(zone, "UTC", 3) == 0)) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "zone: expected UTC or local, given %v",
                     c->args[2]);
}

static crp_status formatted_time(crp_call *c)
{
    date d = {.zone = "UTC"};
    bool local;
    size_t n;
    const char *format = crp_string_data(c->args[0], &n);
    crp_status st = read_seconds(c, &d.seconds);
    if (!st) st = read_zone(c, &local);
    if (st) return st;
    if (local) use_local_zone(&d);
    set_date(&d, d.seconds + d.offset);
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    const char *bad = put_date(&b, &d, format, n);
    if (!bad) return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
    crpi_buf_free(&b);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "formattedTime: nothing is meant by \"%.*s\"",
                     bad + 1 < format + n ? 2 : 1, bad);
}

/* --- chance --------------------------------------------------------------------------------------------- */

static crp_status random_bytes(crp *vm, void *out, size_t n)
{
    void *state;
    if (crp_platform_of(vm, &state)->random(state, out, n)) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SYSTEM, EIO, "the system gives no random numbers");
}

/* Numbers above the greatest multiple of the bound are drawn again, so that all are equally likely. */
static crp_status random_below(crp *vm, uint64_t bound, crp_word *out)
{
    uint64_t u, least = (0 - bound) % bound;
    do {
        crp_status st = random_bytes(vm, &u, sizeof u);
        if (st) return st;
    } while (u < least);
    return crp_integer(vm, (int64_t)(u % bound), out);
}

static crp_status random_number(crp_call *c)
{
    int64_t bound;
    uint64_t u;
    crp_status st;
    if (crpi_lib_given(c, 0)) {
        st = crpi_lib_between(c->vm, "bound", c->args[0], 1, INT64_MAX, &bound);
        return st ? st : random_below(c->vm, (uint64_t)bound, &c->result);
    }
    st = random_bytes(c->vm, &u, sizeof u);
    return st ? st : crp_real(c->vm, (double)(u >> 11) * 0x1p-53, &c->result);
}

static crp_status unique_id(crp_call *c)
{
    unsigned char bytes[16];
    crpi_buf b;
    crp_status st = random_bytes(c->vm, bytes, sizeof bytes);
    if (st) return st;
    crpi_buf_init(&b, &c->vm->mem, 0);
    crpi_hex_encode(&b, bytes, sizeof bytes);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* --- scrambling ----------------------------------------------------------------------------------------- */

/* The next byte of a fixed sequence, over which text is laid. */
static unsigned char next_mask(uint32_t *mask)
{
    *mask = *mask * 1664525u + 1013904223u;
    return (unsigned char)(*mask >> 24);
}

enum { SCRAMBLE_MARK = 0xCA };

static crp_status scramble(crp_call *c)
{
    size_t n;
    uint32_t mask = 1;
    crpi_buf plain, b;
    const char *text = crp_string_data(c->args[0], &n);
    crpi_buf_init(&plain, &c->vm->mem, CRPI_LIB_CAP);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    crpi_buf_byte(&plain, SCRAMBLE_MARK ^ next_mask(&mask));
    for (size_t i = 0; i < n; i++) crpi_buf_byte(&plain, (unsigned char)text[i] ^ next_mask(&mask));
    if (plain.failed) b.failed = true;
    else crpi_base64_encode(&b, plain.bytes, plain.length, 0);
    crpi_buf_free(&plain);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status unscramble(crp_call *c)
{
    size_t n, bad;
    uint32_t mask = 1;
    crpi_buf b;
    const char *text = crp_string_data(c->args[0], &n);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bool good = crpi_base64_decode(&b, text, n, &bad) && !b.failed && b.length > 0;
    for (size_t i = 0; good && i < b.length; i++)
        b.bytes[i] = (char)((unsigned char)b.bytes[i] ^ next_mask(&mask));
    bool failed = b.failed;
    crp_status st = CRP_OK;
    if (good && (unsigned char)b.bytes[0] == SCRAMBLE_MARK)
        st = crp_string(c->vm, b.bytes + 1, b.length - 1, &c->result);
    else
        st = failed ? crp_no_memory(c->vm)
                    : crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                                "unscramble: this was not made by scramble");
    crpi_buf_free(&b);
    return st;
}

/* --- environment and computer --------------------------------------------------------------------------- */

static crp_status get_env(crp_call *c)
{
    const char *name;
    crp_status st = crp_c_string(c->vm, c->args[0], &name);
    const char *value = st ? NULL : getenv(name);
    return value ? crp_string_z(c->vm, value, &c->result) : st;
}

static crp_status put_env(crp_call *c)
{
    const char *name, *value = NULL;
    crp_word w = c->args[1];
    crp_status st = crp_c_string(c->vm, c->args[0], &name);
    if (!st && crp_is_string(w)) st = crp_c_string(c->vm, w, &value);
    if (st) return st;
    if ((value ? setenv(name, value, 1) : unsetenv(name)) == 0) return CRP_OK;
    if (errno == ENOMEM) return crp_no_memory(c->vm);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "%v cannot be the name of an environment variable", c->args[0]);
}

static crp_status process_id(crp_call *c) { return crp_integer(c->vm, getpid(), &c->result); }
static crp_status thread_id(crp_call *c) { return crp_integer(c->vm, gettid(), &c->result); }

static crp_status host_name(crp_call *c)
{
    char name[256];
    if (gethostname(name, sizeof name) < 0)
        return crp_raise_errno(c->vm, CRP_ERR_SYSTEM, errno, errno, "cannot find out the name of the host");
    name[sizeof name - 1] = 0;
    return crp_string_z(c->vm, name, &c->result);
}

static crp_status system_info(crp_call *c)
{
    struct utsname u;
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    if (uname(&u) < 0)
        return crp_raise_errno(c->vm, CRP_ERR_SYSTEM, errno, errno, "cannot find out about the system");
    const char *const facts[][2] = {
        {"system", u.sysname}, {"release", u.release}, {"version", u.version}, {"machine", u.machine}};
    for (size_t i = 0; !st && i < sizeof facts / sizeof *facts; i++) {
        crp_word pair[2], entry;
        st = crp_string_z(c->vm, facts[i][0], &pair[0]);
        if (!st) st = crp_string_z(c->vm, facts[i][1], &pair[1]);
        if (!st) st = crp_list(c->vm, pair, 2, &entry);
        if (!st) st = crp_list_add(c->vm, &b, entry);
    }
    c->result = b.first;
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("time", "Integer", milliseconds,
        "Milliseconds on a clock that only goes forward, as a rule since the computer was started: for "
        "measuring."),
    ROW("now", "Real", now, "Seconds since 1970 began, UTC, with their fraction."),
    ROW("formattedTime",
        "String (format String \"%Y-%m-%d %H:%M:%S\") (seconds Integer|Real ?) (zone String \"UTC\")",
        formatted_time,
        "A time, by default the present one, as text: %Y %m %d %e %j year, month, day; %H %I %M %S %p hour, "
        "minute, second; %a %A %b %B English names of day and month; %u %w weekday from Monday 1 or Sunday "
        "0; %z %Z zone; %s seconds since 1970; %F %T %R %D %c as in C; %% a percent sign. The zone is UTC or "
        "local."),
    {"sleep", "NIL (milliseconds Integer)", sleep_for, "Waits so long; other tasks run meanwhile.",
     sizeof(sleeping), NULL, NULL},
    ROW("uniqueId", "String", unique_id, "32 hexadecimal digits that nobody had before: 128 random bits."),
    ROW("random", "Object (bound Integer ?)", random_number,
        "A random Integer from 0 to less than the bound, or without one a Real from 0 to less than 1; good "
        "enough for secrets."),
    ROW("scramble", "String (text String)", scramble,
        "The text made unreadable at a glance. This is no security: whoever has Carapace can undo it."),
    ROW("unscramble", "String (text String)", unscramble, "What was scrambled; 1.8 if it was not."),
    ROW("getenv", "Object (name String)", get_env,
        "The value of an environment variable; () if it is not set."),
    ROW("putenv", "NIL (name String) (value String|List NIL)", put_env,
        "Sets an environment variable of the process, or with () unsets it."),
    ROW("processId", "Integer", process_id, "The number of this process."),
    ROW("threadId", "Integer", thread_id, "The number of the thread that runs this."),
    ROW("hostName", "String", host_name, "The name of this computer."),
    ROW("systemInfo", "List", system_info,
        "An a-list of Strings about the operating system: system, release, version, machine."),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_system(crp *vm) { return crp_define_functions(vm, functions); }
