/* The calendar, and dates as text. */
#include "unit.h"
#include "date.h"

#include <stdio.h>
#include <string.h>

static crpi_mem mem;

static void *plain_realloc(void *ud, void *p, size_t old_size, size_t new_size)
{
    (void)ud;
    (void)old_size;
    if (new_size) return realloc(p, new_size);
    free(p);
    return NULL;
}

/* What a date is as ISO 8601, once its fields have been carried on. */
static const char *shown(const crpi_date *given)
{
    static char text[100];
    crpi_date d = *given;
    crpi_buf b;
    crpi_mem_init(&mem, plain_realloc, NULL);
    crpi_buf_init(&b, &mem, 0);
    crpi_date_set(&d, crpi_date_local(given));
    crpi_date_iso8601(&b, &d, -1);
    snprintf(text, sizeof text, "%.*s", (int)b.length, b.bytes);
    crpi_buf_free(&b);
    return text;
}

START_TEST(every_day_follows_the_one_before)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1, month = 1, day = 1, weekday = 1, year_day = 1;
    for (int64_t s = CRPI_FIRST_SECOND; s <= CRPI_LAST_SECOND; s += CRPI_DAY_SECONDS) {
        crpi_date d = {0};
        crpi_date_set(&d, s + 86399);
        if (d.year != year || d.month != month || d.day != day || d.weekday != weekday ||
            d.year_day != year_day || d.hour != 23 || d.minute != 59 || d.second != 59 ||
            crpi_date_local(&d) != s + 86399)
            ck_abort_msg("%04d-%02d-%02d became %s", year, month, day, shown(&d));
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        int length = days[month - 1] + (month == 2 && leap);
        if (crpi_date_days_in(year, month) != length) ck_abort_msg("%d-%d has another length", year, month);
        weekday = weekday % 7 + 1;
        year_day++;
        if (++day > length) day = 1, month++;
        if (month > 12) month = 1, year++, year_day = 1;
    }
    ck_assert_int_eq(year, 10000);
}
END_TEST

/* A week belongs to the year that has its Thursday. */
START_TEST(weeks_belong_to_the_year_of_their_thursday)
{
    for (int64_t s = CRPI_FIRST_SECOND; s <= CRPI_LAST_SECOND - 7 * CRPI_DAY_SECONDS; s += CRPI_DAY_SECONDS) {
        crpi_date d = {0}, thursday = {0};
        int year;
        crpi_date_set(&d, s);
        crpi_date_set(&thursday, s + (4 - d.weekday) * (int64_t)CRPI_DAY_SECONDS);
        int week = crpi_date_week(&d, &year);
        if (week != (thursday.year_day + 6) / 7 || year != thursday.year)
            ck_abort_msg("%s is in week %d of %d", shown(&d), week, year);
    }
}
END_TEST

START_TEST(fields_beyond_their_ends_are_carried_on)
{
    ck_assert_str_eq(shown(&(crpi_date){.year = 2026, .month = 13, .day = 1}), "2027-01-01T00:00:00Z");
    ck_assert_str_eq(shown(&(crpi_date){.year = 2026, .month = 0, .day = 1}), "2025-12-01T00:00:00Z");
    ck_assert_str_eq(shown(&(crpi_date){.year = 2026, .month = 3, .day = 0}), "2026-02-28T00:00:00Z");
    ck_assert_str_eq(shown(&(crpi_date){.year = 2026, .month = 1, .day = 400}), "2027-02-04T00:00:00Z");
    ck_assert_str_eq(shown(&(crpi_date){.year = 2026, .month = 1, .day = -365}), "2024-12-31T00:00:00Z");
    ck_assert_str_eq(
        shown(&(crpi_date){.year = 2026, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 60}),
        "2027-01-01T00:00:00Z");
    ck_assert_str_eq(shown(&(crpi_date){.year = 2026, .month = -11, .day = 1, .hour = 24}),
                     "2025-01-02T00:00:00Z");
}
END_TEST

static const char *const texts[] = {"2026-11-23T10:05:06.789+01:00",
                                    "20261123T100506Z",
                                    "2026-W48-1T10",
                                    "2026-327",
                                    "Mon, 23 Nov 2026 10:05:06 +0100 (a (b\\)) c)",
                                    "Monday, 23-Nov-26 10:05:06 GMT",
                                    "Mon Nov 23 10:05:06 CET 2026",
                                    "23 November 126 1:05:06.5 PM -330"};

/* Each text lies in memory of its own, so that the sanitizer sees a byte that is read behind it. */
static void read_anything(const char *bytes, size_t n)
{
    crpi_date_text t;
    const char *bad;
    int offset;
    char *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    if (crpi_date_read(copy, n, &t)) ck_assert_int_eq(shown(&t.date)[4], '-');
    crpi_date_read_iso8601(copy, n, &t);
    crpi_date_read_rfc5322(copy, n, &t);
    crpi_date_read_offset(copy, n, &offset);
    crpi_date_read_format(copy, n, "%a, %d %b %Y %T %z", 18, &t, &bad);
    crpi_date_read_format("2026", 4, copy, n, &t, &bad);
    free(copy);
}

START_TEST(any_bytes_are_a_date_or_none)
{
    static const char bytes[] = "0 9:-+.,()\\\tTZaM\x80\xFF";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = strlen(texts[i]);
        char text[100];
        for (size_t cut = 0; cut <= n; cut++) read_anything(texts[i], cut);
        for (size_t at = 0; at < n; at++)
            for (size_t k = 0; k < sizeof bytes; k++) {
                memcpy(text, texts[i], n);
                text[at] = bytes[k];
                read_anything(text, n);
            }
    }
    for (int c = 0; c < 256; c++) {
        char run[300];
        memset(run, c, sizeof run);
        read_anything(run, sizeof run);
    }
}
END_TEST

START_TEST(what_was_written_reads_back)
{
    static const char *const formats[] = {"%F %T.%N %z", "%a, %d %b %Y %H:%M:%S.%N %z",
                                          "%e %B %Y %I:%M:%S %p %N %z", "%Y-%jT%R:%S,%N%z"};
    uint64_t state = 88172645463325252u;
    crpi_mem_init(&mem, plain_realloc, NULL);
    for (int i = 0; i < 20000; i++) {
        crpi_date d = {0};
        crpi_date_text t;
        crpi_buf b;
        const char *bad;
        state = state * 6364136223846793005u + 1442695040888963407u;
        d.offset = ((int)(state >> 20) % 1400) * 60;
        d.nanosecond = (int)(state >> 34) % 1000000000;
        if (d.nanosecond < 0) d.nanosecond = -d.nanosecond;
        crpi_date_set(&d, CRPI_FIRST_SECOND + (int64_t)(state >> 8) % (CRPI_LAST_SECOND - CRPI_FIRST_SECOND));
        crpi_buf_init(&b, &mem, 0);
        const char *format = formats[i % 4];
        ck_assert_ptr_null(crpi_date_format(&b, &d, "", format, strlen(format)));
        bool good = crpi_date_read_format(b.bytes, b.length, format, strlen(format), &t, &bad);
        ck_assert_msg(good && crpi_date_local(&t.date) == crpi_date_local(&d) && t.date.offset == d.offset &&
                          t.date.nanosecond == d.nanosecond,
                      "%s: %.*s", format, (int)b.length, b.bytes);
        b.length = 0;
        crpi_date_iso8601(&b, &d, -1);
        ck_assert(crpi_date_read(b.bytes, b.length, &t) && t.date.offset == d.offset);
        ck_assert(crpi_date_local(&t.date) == crpi_date_local(&d) && t.date.nanosecond == d.nanosecond);
        b.length = 0;
        crpi_date_rfc5322(&b, &d);
        ck_assert(crpi_date_read(b.bytes, b.length, &t) && t.date.offset == d.offset);
        ck_assert(crpi_date_local(&t.date) == crpi_date_local(&d));
        crpi_buf_free(&b);
    }
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

UNIT_MAIN("date", every_day_follows_the_one_before, weeks_belong_to_the_year_of_their_thursday,
          fields_beyond_their_ends_are_carried_on, any_bytes_are_a_date_or_none, what_was_written_reads_back)
