/* The calendar and dates to text.
 *
 * Days are counted from 1 March of the year 0, so that the leap day is the last of a year and the months'
 * lengths repeat every five: the day of a month then needs no table.  What a letter of a format means is
 * one row of a table, for the numbers; the few others are functions.
 */
#include "date.h"

#include <string.h>
#include "number.h"

/* --- the calendar --------------------------------------------------------------------------------------- */

bool crpi_date_is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int crpi_date_days_in(int year, int month)
{
    return month == 2 ? 28 + crpi_date_is_leap(year) : 30 + ((month + (month > 7)) & 1);
}

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Days from 1 January 1970 to the first of a month; any month, counted on into other years. */
static int64_t days_to_month(int64_t year, int64_t month)
{
    year += floor_divide(month - 3, 12);
    month = month - 3 - 12 * floor_divide(month - 3, 12); /* 0 is March */
    return year * 365 + floor_divide(year, 4) - floor_divide(year, 100) + floor_divide(year, 400) +
           (month * 153 + 2) / 5 - 719468;
}

int64_t crpi_date_local(const crpi_date *d)
{
    int64_t days = days_to_month(d->year, d->month) + d->day - 1;
    return days * CRPI_DAY_SECONDS + (int64_t)d->hour * 3600 + (int64_t)d->minute * 60 + d->second;
}

void crpi_date_set(crpi_date *d, int64_t local)
{
    int64_t days = floor_divide(local, CRPI_DAY_SECONDS), rest = local - days * CRPI_DAY_SECONDS;
    int64_t since = days + 719468, year = (since * 400 + 591) / 146097; /* or one more */
    int64_t before = year * 365 + year / 4 - year / 100 + year / 400;
    if (before > since) {
        year--;
        before = year * 365 + year / 4 - year / 100 + year / 400;
    }
    int64_t day = since - before, month = (day * 5 + 2) / 153;
    d->hour = (int)(rest / 3600);
    d->minute = (int)(rest / 60 % 60);
    d->second = (int)(rest % 60);
    d->day = (int)(day - (month * 153 + 2) / 5) + 1;
    d->month = (int)(month < 10 ? month + 3 : month - 9);
    d->year = (int)(year + (month >= 10));
    d->weekday = (int)((days % 7 + 10) % 7) + 1; /* 1 January 1970 was a Thursday */
    d->year_day = (int)(days - days_to_month(d->year, 1)) + 1;
}

static int weeks_in(int year)
{
    int64_t first = days_to_month(year, 1);
    int weekday = (int)((first % 7 + 10) % 7) + 1;
    return weekday == 4 || (weekday == 3 && crpi_date_is_leap(year)) ? 53 : 52;
}

int crpi_date_week(const crpi_date *d, int *year)
{
    int week = (d->year_day - d->weekday + 10) / 7;
    *year = d->year;
    if (week == 0) return weeks_in(--*year);
    if (week <= weeks_in(d->year)) return week;
    ++*year;
    return 1;
}

/* --- formats -------------------------------------------------------------------------------------------- */

const char *const crpi_date_weekdays[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                           "Friday", "Saturday", "Sunday"};
const char *const crpi_date_months[12] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};

const char *crpi_date_shorthand(char letter)
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

static void put_number(crpi_buf *b, int64_t number, int digits, char fill)
{
    char text[CRPI_INTEGER_TEXT];
    int n = (int)crpi_integer_text(number, text);
    for (; digits > n; digits--) crpi_buf_byte(b, fill);
    crpi_buf_put(b, text, (size_t)n);
}

static void put_offset(crpi_buf *b, int offset, const char *between)
{
    int minutes = (offset < 0 ? -offset : offset) / 60;
    crpi_buf_byte(b, offset < 0 ? '-' : '+');
    put_number(b, minutes / 60, 2, '0');
    crpi_buf_text(b, between);
    put_number(b, minutes % 60, 2, '0');
}

/* What is a number: its value, how many digits it has at least, and what stands in place of those missing. */
static bool number_of(const crpi_date *d, char letter, int64_t *value, int *digits, char *fill)
{
    int week_year, week = crpi_date_week(d, &week_year);
    const struct {
        char letter;
        char fill;
        int digits;
        int64_t value;
    } rows[] = {{'Y', '0', 4, d->year},
                {'y', '0', 2, d->year % 100},
                {'m', '0', 2, d->month},
                {'d', '0', 2, d->day},
                {'e', ' ', 2, d->day},
                {'j', '0', 3, d->year_day},
                {'u', '0', 1, d->weekday},
                {'w', '0', 1, d->weekday % 7},
                {'G', '0', 4, week_year},
                {'V', '0', 2, week},
                {'H', '0', 2, d->hour},
                {'I', '0', 2, (d->hour + 11) % 12 + 1},
                {'M', '0', 2, d->minute},
                {'S', '0', 2, d->second},
                {'L', '0', 3, d->nanosecond / 1000000},
                {'f', '0', 6, d->nanosecond / 1000},
                {'N', '0', 9, d->nanosecond},
                {'s', '0', 1, crpi_date_local(d) - d->offset}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].letter != letter) continue;
        *value = rows[i].value;
        *digits = rows[i].digits;
        *fill = rows[i].fill;
        return true;
    }
    return false;
}

static bool put_letter(crpi_buf *b, const crpi_date *d, const char *zone, char letter)
{
    int64_t value;
    int digits;
    char fill;
    if (number_of(d, letter, &value, &digits, &fill)) {
        put_number(b, value, digits, fill);
        return true;
    }
    switch (letter) {
    case 'a': crpi_buf_put(b, crpi_date_weekdays[d->weekday - 1], 3); return true;
    case 'A': crpi_buf_text(b, crpi_date_weekdays[d->weekday - 1]); return true;
    case 'b': crpi_buf_put(b, crpi_date_months[d->month - 1], 3); return true;
    case 'B': crpi_buf_text(b, crpi_date_months[d->month - 1]); return true;
    case 'p': crpi_buf_text(b, d->hour < 12 ? "AM" : "PM"); return true;
    case 'z': put_offset(b, d->offset, ""); return true;
    case 'Z': crpi_buf_text(b, zone); return true;
    case '%': crpi_buf_byte(b, '%'); return true;
    default: return false;
    }
}

const char *crpi_date_format(crpi_buf *b, const crpi_date *d, const char *zone, const char *format, size_t n)
{
    for (const char *at = format, *end = format + n; at < end; at++) {
        if (*at != '%') {
            crpi_buf_byte(b, *at);
            continue;
        }
        if (++at == end) return at - 1;
        const char *longer = crpi_date_shorthand(*at);
        if (longer) crpi_date_format(b, d, zone, longer, strlen(longer));
        else if (!put_letter(b, d, zone, *at)) return at - 1;
    }
    return NULL;
}

/* --- the two formats of the internet -------------------------------------------------------------------- */

/* So many digits after a dot; -1: none that are zeros at the end. */
static void put_fraction(crpi_buf *b, int nanosecond, int digits)
{
    char text[9];
    for (int i = 8; i >= 0; i--, nanosecond /= 10) text[i] = (char)('0' + nanosecond % 10);
    if (digits < 0)
        for (digits = 9; digits > 0 && text[digits - 1] == '0';) digits--;
    if (digits == 0) return;
    crpi_buf_byte(b, '.');
    crpi_buf_put(b, text, (size_t)(digits < 9 ? digits : 9));
}

static void put(crpi_buf *b, const crpi_date *d, const char *format)
{
    crpi_date_format(b, d, "", format, strlen(format));
}

void crpi_date_iso8601(crpi_buf *b, const crpi_date *d, int digits)
{
    put(b, d, "%FT%T");
    put_fraction(b, d->nanosecond, digits);
    if (d->offset) put_offset(b, d->offset, ":");
    else crpi_buf_byte(b, 'Z');
}

void crpi_date_rfc5322(crpi_buf *b, const crpi_date *d) { put(b, d, "%a, %d %b %Y %T %z"); }
