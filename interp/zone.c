/* Time zones: reading them, and asking them.
 *
 * A file is checked whole before anything of it is believed: counts against its size, indices against
 * counts, order. Leap seconds that a file may have ("right/...") are passed over: instants have none.
 */
#include "zone.h"

#include <string.h>
#include "date.h"

enum { HEADER = 44, MOST_CHANGES = 10000, MOST_CLOCKS = 256 };

/* --- rules ---------------------------------------------------------------------------------------------- */

typedef struct scan {
    const char *at, *end;
} scan;

static bool take(scan *s, char c)
{
    bool there = s->at < s->end && *s->at == c;
    s->at += there;
    return there;
}

static bool take_number(scan *s, int least, int most, int *out)
{
    const char *begin = s->at;
    for (*out = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - begin < 4; s->at++)
        *out = *out * 10 + (*s->at - '0');
    return s->at > begin && *out >= least && *out <= most;
}

/* [+-]hours[:minutes[:seconds]] */
static bool take_time(scan *s, int most_hours, int *seconds)
{
    int hours, minutes = 0, rest = 0, sign = take(s, '-') ? -1 : 1;
    if (sign > 0) take(s, '+');
    if (!take_number(s, 0, most_hours, &hours)) return false;
    if (take(s, ':')) {
        if (!take_number(s, 0, 59, &minutes)) return false;
        if (take(s, ':') && !take_number(s, 0, 59, &rest)) return false;
    }
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

/* Letters, or anything but > between < and >. */
static bool take_name(scan *s, char out[CRPI_ZONE_NAME])
{
    bool quoted = take(s, '<');
    const char *begin = s->at;
    while (s->at < s->end && (quoted ? *s->at != '>' : ((*s->at | 0x20) >= 'a' && (*s->at | 0x20) <= 'z')))
        s->at++;
    size_t n = (size_t)(s->at - begin);
    if (n < 3 || n >= CRPI_ZONE_NAME || (quoted && !take(s, '>'))) return false;
    memcpy(out, begin, n);
    out[n] = 0;
    return true;
}

/* A rule counts its offsets to the west. */
static bool take_clock(scan *s, crpi_zone_clock *clock)
{
    if (!take_name(s, clock->name) || !take_time(s, 24, &clock->offset)) return false;
    clock->offset = -clock->offset;
    return true;
}

static bool take_day(scan *s, crpi_zone_change *c)
{
    if (take(s, 'J')) {
        c->kind = CRPI_JULIAN;
        return take_number(s, 1, 365, &c->day);
    }
    if (!take(s, 'M')) {
        c->kind = CRPI_YEAR_DAY;
        return take_number(s, 0, 365, &c->day);
    }
    c->kind = CRPI_WEEKDAY;
    return take_number(s, 1, 12, &c->month) && take(s, '.') && take_number(s, 1, 5, &c->week) &&
           take(s, '.') && take_number(s, 0, 6, &c->weekday);
}

static bool take_change(scan *s, crpi_zone_change *c)
{
    c->seconds = 7200;
    return take(s, ',') && take_day(s, c) && (!take(s, '/') || take_time(s, 167, &c->seconds));
}

/* Without days it is as in the United States, which is what everybody does. */
static bool take_changes(scan *s, crpi_zone *z)
{
    static const char usual[] = ",M3.2.0,M11.1.0";
    scan u = {usual, usual + sizeof usual - 1};
    if (s->at == s->end) s = &u;
    return take_change(s, &z->begin) && take_change(s, &z->end);
}

static bool take_rule(const char *text, size_t n, crpi_zone *z)
{
    scan s = {text, text + n};
    if (!take_clock(&s, &z->standard)) return false;
    z->has_rule = true;
    z->changes = s.at < s.end;
    if (!z->changes) return true;
    if (!take_name(&s, z->summer.name)) return false;
    z->summer.offset = z->standard.offset + 3600;
    if (s.at < s.end && *s.at != ',') {
        if (!take_time(&s, 24, &z->summer.offset)) return false;
        z->summer.offset = -z->summer.offset;
    }
    return take_changes(&s, z) && s.at == s.end;
}

/* The local second of a year at which the clock changes. */
static int64_t change_in(const crpi_zone_change *c, int year)
{
    crpi_date d = {.year = year, .month = 1, .day = c->day + (c->kind == CRPI_YEAR_DAY)};
    if (c->kind == CRPI_JULIAN) d.day += crpi_date_is_leap(year) && c->day >= 60;
    if (c->kind == CRPI_WEEKDAY) {
        crpi_date first = {.year = year, .month = c->month, .day = 1};
        crpi_date_set(&first, crpi_date_local(&first));
        d.month = c->month;
        d.day = 1 + (c->weekday + 7 - first.weekday % 7) % 7 + (c->week - 1) * 7;
        if (d.day > crpi_date_days_in(year, c->month)) d.day -= 7;
    }
    return crpi_date_local(&d) + c->seconds;
}

static const crpi_zone_clock *by_rule(const crpi_zone *z, int64_t seconds)
{
    if (!z->changes) return &z->standard;
    crpi_date d;
    int64_t local = seconds + z->standard.offset;
    if (local < CRPI_FIRST_SECOND || local > CRPI_LAST_SECOND) return &z->standard;
    crpi_date_set(&d, local);
    int64_t begin = change_in(&z->begin, d.year) - z->standard.offset;
    int64_t end = change_in(&z->end, d.year) - z->summer.offset;
    bool summer = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;
    return summer ? &z->summer : &z->standard;
}

/* --- making --------------------------------------------------------------------------------------------- */

/* All in one block: the zone, its instants, its clocks, their numbers. */
static crpi_zone *make(crpi_mem *mem, size_t count, size_t clock_count, bool *no_memory)
{
    size_t bytes = sizeof(crpi_zone) + count * (sizeof(int64_t) + 1) + clock_count * sizeof(crpi_zone_clock);
    crpi_zone *z = crpi_mem_alloc(mem, bytes);
    *no_memory = !z;
    if (!z) return NULL;
    memset(z, 0, bytes);
    z->bytes = bytes;
    z->count = count;
    z->clock_count = clock_count;
    z->at = (const int64_t *)(const void *)(z + 1);
    z->clocks = (const crpi_zone_clock *)(const void *)(z->at + count);
    z->which = (const uint8_t *)(z->clocks + clock_count);
    return z;
}

void crpi_zone_free(crpi_mem *mem, crpi_zone *z)
{
    if (z) crpi_mem_free(mem, z, z->bytes);
}

crpi_zone *crpi_zone_of_rule(crpi_mem *mem, const char *text, size_t n, bool *no_memory)
{
    crpi_zone *z = make(mem, 0, 0, no_memory);
    if (!z || take_rule(text, n, z)) return z;
    crpi_zone_free(mem, z);
    return NULL;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* One block of a file: a header with counts, and data with times of `width` bytes. */
typedef struct block {
    const unsigned char *data, *after;
    size_t count, clocks, letters, leaps, standards, universals;
    unsigned width;
    int version;
} block;

static uint64_t big_endian(const unsigned char *p, unsigned n)
{
    uint64_t u = 0;
    while (n-- > 0) u = u << 8 | *p++;
    return u;
}

/* False if it is none, or is longer than what there is. */
static bool read_block(const unsigned char *p, const unsigned char *end, unsigned width, block *b)
{
    if (end - p < HEADER || memcmp(p, "TZif", 4) != 0) return false;
    size_t *const counts[] = {&b->universals, &b->standards, &b->leaps, &b->count, &b->clocks, &b->letters};
    for (int i = 0; i < 6; i++) {
        *counts[i] = big_endian(p + 20 + i * 4, 4);
        if (*counts[i] > MOST_CHANGES) return false;
    }
    b->version = p[4] ? p[4] - '0' : 1;
    b->width = width;
    b->data = p + HEADER;
    size_t bytes = b->count * (width + 1) + b->clocks * 6 + b->letters + b->leaps * (width + 4) +
                   b->standards + b->universals;
    if (bytes > (size_t)(end - b->data)) return false;
    b->after = b->data + bytes;
    return b->clocks > 0 && b->clocks <= MOST_CLOCKS;
}

static int64_t signed_of(const unsigned char *p, unsigned width)
{
    return width == 8 ? (int64_t)big_endian(p, 8) : (int32_t)(uint32_t)big_endian(p, 4);
}

static bool fill_clocks(const block *b, crpi_zone_clock *clocks)
{
    const unsigned char *rows = b->data + b->count * (b->width + 1);
    const char *letters = (const char *)rows + b->clocks * 6;
    for (size_t i = 0; i < b->clocks; i++, rows += 6) {
        size_t at = rows[5], n = at < b->letters ? strnlen(letters + at, b->letters - at) : CRPI_ZONE_NAME;
        clocks[i].offset = (int)signed_of(rows, 4);
        if (n >= CRPI_ZONE_NAME || clocks[i].offset > CRPI_MAX_OFFSET || clocks[i].offset < -CRPI_MAX_OFFSET)
            return false;
        memcpy(clocks[i].name, letters + at, n);
    }
    return true;
}

static bool fill(const block *b, const unsigned char *end, crpi_zone *z)
{
    int64_t *at = (int64_t *)(uintptr_t)z->at;
    uint8_t *which = (uint8_t *)(uintptr_t)z->which;
    for (size_t i = 0; i < b->count; i++) {
        at[i] = signed_of(b->data + i * b->width, b->width);
        which[i] = b->data[b->count * b->width + i];
        if (which[i] >= b->clocks || (i > 0 && at[i] <= at[i - 1])) return false;
    }
    if (!fill_clocks(b, (crpi_zone_clock *)(uintptr_t)z->clocks)) return false;
    if (b->version < 2 || end - b->after < 2 || *b->after != '\n') return b->version < 2;
    const char *rule = (const char *)b->after + 1;
    const char *stop = memchr(rule, '\n', (size_t)((const char *)end - rule));
    return stop && (stop == rule || take_rule(rule, (size_t)(stop - rule), z));
}

/* From version 2 on, the data come a second time, with times of 64 bits, and a rule after them. */
crpi_zone *crpi_zone_read(crpi_mem *mem, const void *bytes, size_t n, bool *no_memory)
{
    const unsigned char *p = bytes, *end = p + n;
    block b;
    *no_memory = false;
    if (n > CRPI_MAX_ZONE_FILE || !read_block(p, end, 4, &b)) return NULL;
    if (b.version >= 2 && !read_block(b.after, end, 8, &b)) return NULL;
    crpi_zone *z = make(mem, b.count, b.clocks, no_memory);
    if (!z || fill(&b, end, z)) return z;
    crpi_zone_free(mem, z);
    return NULL;
}

/* --- asking --------------------------------------------------------------------------------------------- */

/* From the last entry on the rule holds. */
const crpi_zone_clock *crpi_zone_at(const crpi_zone *z, int64_t seconds)
{
    if (z->has_rule && (z->count == 0 || seconds >= z->at[z->count - 1])) return by_rule(z, seconds);
    size_t low = 0, high = z->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->at[middle] <= seconds) low = middle + 1;
        else high = middle;
    }
    return &z->clocks[low ? z->which[low - 1] : 0];
}

/* The clocks of a day before and a day after are all that can be in question. */
int64_t crpi_zone_instant(const crpi_zone *z, int64_t local)
{
    int before = crpi_zone_at(z, local - CRPI_DAY_SECONDS)->offset;
    int after = crpi_zone_at(z, local + CRPI_DAY_SECONDS)->offset;
    if (crpi_zone_at(z, local - before)->offset == before) return local - before;
    if (crpi_zone_at(z, local - after)->offset == after) return local - after;
    return local - before;
}
