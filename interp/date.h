/* floor 0: the calendar, and dates as text, with no locale and no clock.
 *
 * The Gregorian calendar from year 1 to 9999, also before it was made.  A day has 86400 seconds: where
 * text names the 60th second of a minute, or 24:00, it is the first of what comes after.
 */
#ifndef CARAPACE_DATE_H
#define CARAPACE_DATE_H

#include "buf.h"

#define CRPI_FIRST_SECOND ((int64_t)-62135596800) /* of the year 1, counted from 1970 */
#define CRPI_LAST_SECOND ((int64_t)253402300799) /* of the year 9999 */

enum { CRPI_DAY_SECONDS = 86400, CRPI_MAX_OFFSET = 26 * 3600 /* of a zone; none is so far away */ };

typedef struct crpi_date {
    int year, month, day; /* from 1 */
    int hour, minute, second;
    int nanosecond;
    int offset; /* seconds east of UTC */
    int weekday, year_day; /* from 1, a Monday, and from 1; what is read from text does not set them */
} crpi_date;

bool crpi_date_is_leap(int year);
int crpi_date_days_in(int year, int month);

/* Fills all but the nanosecond and the offset from local seconds: those since 1970 plus the offset.  They
 * must be in the years 1 to 9999. */
void crpi_date_set(crpi_date *, int64_t local);

/* The local seconds of a date, whose fields may be beyond their ends (month 13, day 0, hour 24): they are
 * carried on. Days and months may be any number that an int has. */
int64_t crpi_date_local(const crpi_date *);

/* The ISO 8601 week (1 to 53) and the year that it belongs to. */
int crpi_date_week(const crpi_date *, int *year);

/* --- dates to text -------------------------------------------------------------------------------------- */

/* Appends the date as a format says, letters as in formattedTime's help; `zone` is what %Z shows.  NULL,
 * or the place of a % whose letter means nothing. */
const char *crpi_date_format(crpi_buf *, const crpi_date *, const char *zone, const char *format, size_t n);

/* 2026-11-23T10:00:00.5+01:00 with so many digits of fraction (-1: as many as needed), Z for UTC; and
 * Mon, 23 Nov 2026 10:00:00 +0100.  Neither can show an offset that is no whole number of minutes: the caller
 * avoids it. */
void crpi_date_iso8601(crpi_buf *, const crpi_date *, int digits);
void crpi_date_rfc5322(crpi_buf *, const crpi_date *);

/* --- text to dates (date-read.c) ------------------------------------------------------------------------ */

/* What a text says: weekday and year_day stay 0. */
typedef struct crpi_date_text {
    crpi_date date;
    bool has_offset; /* the text names its zone */
    bool has_seconds; /* the text is a count of seconds since 1970, in `seconds` (format %s) */
    int64_t seconds;
} crpi_date_text;

/* ISO 8601 and RFC 3339: date, or date and time, basic or extended, week and ordinal dates. */
bool crpi_date_read_iso8601(const char *text, size_t n, crpi_date_text *);

/* Dates of mail: RFC 5322 with its obsolete forms, and what is common without being right: RFC 850, HTTP,
 * asctime and `date`, mbox, IMAP. */
bool crpi_date_read_rfc5322(const char *text, size_t n, crpi_date_text *);

/* Either of them: what begins with four digits is ISO 8601. */
bool crpi_date_read(const char *text, size_t n, crpi_date_text *);

/* The date that crpi_date_format would have written so.  *bad: the place in the format where a % has a letter
 * that means nothing, or that says nothing of a date to be read; else NULL. */
bool crpi_date_read_format(const char *text, size_t n, const char *format, size_t format_length,
                           crpi_date_text *, const char **bad);

/* +0100, +01:00, -05, Z: seconds east of UTC. */
bool crpi_date_read_offset(const char *text, size_t n, int *offset);

/* English names, whole or their first three letters, in any case: 1 to 12, and 1 for Monday to 7; 0: none. */
int crpi_date_month_named(const char *text, size_t n);
int crpi_date_weekday_named(const char *text, size_t n);
extern const char *const crpi_date_months[12], *const crpi_date_weekdays[7];

/* The format that a letter such as %F is short for, or NULL. */
const char *crpi_date_shorthand(char letter);

#endif
