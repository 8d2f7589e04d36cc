/* floor 0: dates from text.
 *
 * ISO 8601 says by its digits what comes next.  A mail's date is a heap of words and numbers in nearly any
 * order that somebody's program thought of; but each of them says by itself what it is, so they are taken
 * as they come and none may come twice.
 */
#include "date.h"

#include <string.h>

typedef struct scan {
    const char *at, *end;
} scan;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool sees(const scan *s, char c) { return s->at < s->end && *s->at == c; }
static bool sees_digit(const scan *s) { return s->at < s->end && is_digit(*s->at); }

static bool take(scan *s, char c)
{
    bool there = sees(s, c);
    s->at += there;
    return there;
}

static void skip_blanks(scan *s)
{
    while (s->at < s->end && is_blank(*s->at)) s->at++;
}

static int run_of_digits(const scan *s)
{
    int n = 0;
    for (const char *c = s->at; c < s->end && is_digit(*c) && n < 1000; c++) n++;
    return n;
}

/* A number of one to so many digits, at most 9. */
static bool take_number(scan *s, int least, int most, int *out)
{
    int n = 0;
    for (*out = 0; n < most && sees_digit(s); n++) *out = *out * 10 + (*s->at++ - '0');
    return n >= least;
}

/* Digits after a dot, as nanoseconds; those past the ninth are cut off. */
static bool take_fraction(scan *s, int *nanosecond)
{
    int digits = 0;
    for (*nanosecond = 0; sees_digit(s); s->at++)
        if (digits++ < 9) *nanosecond = *nanosecond * 10 + (*s->at - '0');
    for (int i = digits; i < 9; i++) *nanosecond *= 10;
    return digits > 0;
}

/* Whether all fields are what a calendar and a clock can show; 24:00 and the second 60 are carried on
 * later. */
static bool is_sound(const crpi_date *d)
{
    if (d->year < 1 || d->year > 9999 || d->month < 1 || d->month > 12) return false;
    if (d->day < 1 || d->day > crpi_date_days_in(d->year, d->month)) return false;
    if (d->hour == 24) return d->minute == 0 && d->second == 0 && d->nanosecond == 0;
    return d->hour < 24 && d->minute < 60 && d->second <= 60;
}

/* --- words ---------------------------------------------------------------------------------------------- */

static bool same_letters(const char *a, const char *b, size_t n)
{
    while (n > 0 && (a[n - 1] | 0x20) == (b[n - 1] | 0x20)) n--;
    return n == 0;
}

static int name_in(const char *const *names, int count, const char *text, size_t n)
{
    for (int i = 0; n >= 3 && i < count; i++)
        if (n <= strlen(names[i]) && same_letters(text, names[i], n)) return i + 1;
    return 0;
}

int crpi_date_month_named(const char *text, size_t n) { return name_in(crpi_date_months, 12, text, n); }
int crpi_date_weekday_named(const char *text, size_t n) { return name_in(crpi_date_weekdays, 7, text, n); }

/* RFC 5322's names, and others that mean one zone only, in hours and minutes. */
static bool zone_named(const char *text, size_t n, int *offset)
{
    static const struct {
        char name[5];
        int16_t hours;
    } zones[] = {{"UT", 0},   {"UTC", 0},   {"GMT", 0},   {"Z", 0},     {"EST", -5},  {"EDT", -4},
                 {"CST", -6}, {"CDT", -5},  {"MST", -7},  {"MDT", -6},  {"PST", -8},  {"PDT", -7},
                 {"AST", -4}, {"ADT", -3},  {"AKST", -9}, {"AKDT", -8}, {"HST", -10}, {"WET", 0},
                 {"WEST", 1}, {"BST", 1},   {"CET", 1},   {"CEST", 2},  {"MET", 1},   {"MEST", 2},
                 {"EET", 2},  {"EEST", 3},  {"MSK", 3},   {"HKT", 8},   {"SGT", 8},   {"JST", 9},
                 {"KST", 9},  {"AEST", 10}, {"AEDT", 11}, {"NZST", 12}, {"NZDT", 13}};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if (n == strnlen(zones[i].name, 5) && same_letters(text, zones[i].name, n)) {
            *offset = zones[i].hours * 3600;
            return true;
        }
    return false;
}

static size_t word_length(const scan *s)
{
    const char *c = s->at;
    while (c < s->end && is_letter(*c)) c++;
    return (size_t)(c - s->at);
}

/* --- offsets -------------------------------------------------------------------------------------------- */

/* A sign and then hours, or hours and minutes with or without a colon. */
static bool take_offset(scan *s, int *offset)
{
    bool west = sees(s, '-');
    int hours, minutes = 0, n;
    if (!take(s, '+') && !take(s, '-')) return false;
    n = run_of_digits(s);
    if (n == 0 || n > 4 || !take_number(s, 1, n > 2 ? n - 2 : 2, &hours)) return false;
    if ((n > 2 || take(s, ':')) && !take_number(s, 2, 2, &minutes)) return false;
    *offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return minutes < 60 && hours < 24;
}

bool crpi_date_read_offset(const char *text, size_t n, int *offset)
{
    scan s = {text, text + n};
    *offset = 0;
    return ((n == 1 && (take(&s, 'Z') || take(&s, 'z'))) || take_offset(&s, offset)) && s.at == s.end;
}

/* --- ISO 8601 ------------------------------------------------------------------------------------------- */

/* The day of a year, as month and day. */
static bool set_year_day(crpi_date *d, int64_t day)
{
    crpi_date first = {.year = d->year, .month = 1, .day = 1};
    int64_t local = crpi_date_local(&first) + (day - 1) * CRPI_DAY_SECONDS;
    if (local < CRPI_FIRST_SECOND || local > CRPI_LAST_SECOND) return false;
    crpi_date_set(&first, local);
    d->year = first.year;
    d->month = first.month;
    d->day = first.day;
    return true;
}

/* Of a week the day, by default Monday.  The 4th of January is always in the first. */
static bool set_week(crpi_date *d, int week, int weekday)
{
    crpi_date fourth = {.year = d->year, .month = 1, .day = 4};
    int year = d->year, found_year;
    crpi_date_set(&fourth, crpi_date_local(&fourth));
    if (week < 1 || weekday < 1 || weekday > 7) return false;
    if (!set_year_day(d, 4 - fourth.weekday + (week - 1) * 7 + weekday)) return false;
    crpi_date found = *d;
    crpi_date_set(&found, crpi_date_local(d));
    return crpi_date_week(&found, &found_year) == week && found_year == year;
}

static bool take_week(scan *s, crpi_date *d, bool dashed)
{
    int week, weekday = 1;
    if (!take_number(s, 2, 2, &week)) return false;
    if (dashed ? take(s, '-') : sees_digit(s))
        if (!take_number(s, 1, 1, &weekday)) return false;
    return set_week(d, week, weekday);
}

static bool take_year_day(scan *s, crpi_date *d)
{
    int day;
    return take_number(s, 3, 3, &day) && day >= 1 && day <= 365 + crpi_date_is_leap(d->year) &&
           set_year_day(d, day);
}

static bool take_iso_date(scan *s, crpi_date *d)
{
    if (!take_number(s, 4, 4, &d->year) || d->year == 0) return false;
    bool dashed = take(s, '-');
    if (take(s, 'W')) return take_week(s, d, dashed);
    int n = run_of_digits(s);
    if (n == 3) return take_year_day(s, d);
    if (n != (dashed ? 2 : 4) || !take_number(s, 2, 2, &d->month)) return false;
    d->day = 1;
    return (dashed && !take(s, '-')) || take_number(s, 2, 2, &d->day);
}

static bool take_iso_time(scan *s, crpi_date *d)
{
    bool basic = run_of_digits(s) > 2;
    int *const fields[] = {&d->minute, &d->second};
    if (!take_number(s, 2, 2, &d->hour)) return false;
    for (int i = 0; i < 2; i++) {
        if (basic ? !sees_digit(s) : !take(s, ':')) return true;
        if (!take_number(s, 2, 2, fields[i])) return false;
    }
    return !(take(s, '.') || take(s, ',')) || take_fraction(s, &d->nanosecond);
}

static bool take_iso_zone(scan *s, crpi_date_text *t)
{
    skip_blanks(s);
    t->has_offset = s->at < s->end;
    if (!t->has_offset) return true;
    size_t n = word_length(s);
    if (n == 0) return take_offset(s, &t->date.offset);
    if (!zone_named(s->at, n, &t->date.offset) || t->date.offset != 0) return false;
    s->at += n;
    return true;
}

bool crpi_date_read_iso8601(const char *text, size_t n, crpi_date_text *t)
{
    scan s = {text, text + n};
    *t = (crpi_date_text){0};
    skip_blanks(&s);
    if (!take_iso_date(&s, &t->date)) return false;
    bool timed = take(&s, 'T') || take(&s, 't');
    if (!timed && sees(&s, ' ')) {
        skip_blanks(&s);
        timed = s.at < s.end;
    }
    if (timed && !(take_iso_time(&s, &t->date) && take_iso_zone(&s, t))) return false;
    skip_blanks(&s);
    return s.at == s.end && is_sound(&t->date);
}

/* --- dates of mail -------------------------------------------------------------------------------------- */

typedef struct mail {
    scan s;
    crpi_date_text *text;
    bool weekday, day, year, time, zone, half;
} mail;

/* White space, line breaks, commas, and comments, which nest; one that never ends goes to the end. */
static void skip_comments(scan *s)
{
    int depth = 0;
    for (; s->at < s->end; s->at++) {
        char c = *s->at;
        if (c == '(') depth++;
        else if (c == ')' && depth > 0) depth--;
        else if (c == '\\' && depth > 0 && s->at + 1 < s->end) s->at++;
        else if (depth == 0 && !is_blank(c) && c != ',') return;
    }
}

static bool once(bool *flag)
{
    bool first = !*flag;
    *flag = true;
    return first;
}

/* 10:00, 9:05:03, 10.00.00, 10:00:00.123. */
static bool take_clock(mail *m)
{
    scan *s = &m->s;
    crpi_date *d = &m->text->date;
    if (!once(&m->time) || !take_number(s, 1, 2, &d->hour)) return false;
    char between = *s->at++;
    if (!take_number(s, 1, 2, &d->minute)) return false;
    if (!take(s, between)) return true;
    if (!take_number(s, 1, 2, &d->second)) return false;
    return !take(s, '.') || take_fraction(s, &d->nanosecond);
}

/* Two digits are a year from 1950 to 2049, three count from 1900: RFC 5322, 4.3. */
static bool take_year(mail *m, int digits)
{
    int *year = &m->text->date.year;
    if (digits < 2 || digits > 4 || !once(&m->year) || !take_number(&m->s, digits, digits, year))
        return false;
    if (digits == 2 && *year < 50) *year += 2000;
    else if (digits < 4) *year += 1900;
    return true;
}

static bool take_mail_number(mail *m)
{
    int n = run_of_digits(&m->s);
    char next = m->s.at + n < m->s.end ? m->s.at[n] : 0;
    if (n <= 2 && (next == ':' || (next == '.' && m->day && m->text->date.month))) return take_clock(m);
    if (n > 2 || m->day) return take_year(m, n);
    m->day = true;
    return take_number(&m->s, 1, 2, &m->text->date.day);
}

/* One letter is a zone of the military, of which nobody knew the sign: UTC, as RFC 5322 has it, like any
 * name that is not known.  After an offset a name says nothing new. */
static bool take_zone_name(mail *m, const char *word, size_t n)
{
    int offset = 0;
    bool known = zone_named(word, n, &offset);
    if (!m->time || (!known && (n == 2 || n > 5))) return false;
    if (!m->text->has_offset) m->text->date.offset = offset;
    m->text->has_offset = true;
    return once(&m->zone);
}

/* AM or PM after a time of at most 12 hours. */
static bool take_half(mail *m, char letter)
{
    int *hour = &m->text->date.hour;
    if (!m->time || !once(&m->half) || *hour < 1 || *hour > 12) return false;
    *hour = *hour % 12 + ((letter | 0x20) == 'p' ? 12 : 0);
    return true;
}

static bool take_month(mail *m, int month)
{
    bool first = m->text->date.month == 0;
    m->text->date.month = month;
    return first;
}

/* A name that is cut short may have a dot after it. */
static bool take_word(mail *m)
{
    const char *word = m->s.at;
    size_t n = word_length(&m->s);
    int month = crpi_date_month_named(word, n);
    bool weekday = crpi_date_weekday_named(word, n) != 0;
    m->s.at += n;
    if (month || weekday) {
        take(&m->s, '.');
        return month ? take_month(m, month) : once(&m->weekday);
    }
    if (n == 2 && (word[1] | 0x20) == 'm' && ((*word | 0x20) == 'a' || (*word | 0x20) == 'p'))
        return take_half(m, *word);
    return take_zone_name(m, word, n);
}

/* A minus is one of an offset only after time and year; before, 23-Nov-2026 has dashes. */
static bool take_sign(mail *m)
{
    bool digit_follows = m->s.at + 1 < m->s.end && is_digit(m->s.at[1]);
    if (m->time && digit_follows && (m->year || *m->s.at == '+')) {
        if (m->text->has_offset && !m->zone) return false;
        m->text->has_offset = true;
        return take_offset(&m->s, &m->text->date.offset);
    }
    return take(&m->s, '-');
}

static bool take_item(mail *m)
{
    char c = *m->s.at;
    if (is_digit(c)) return take_mail_number(m);
    if (is_letter(c)) return take_word(m);
    return (c == '+' || c == '-') && take_sign(m);
}

bool crpi_date_read_rfc5322(const char *text, size_t n, crpi_date_text *t)
{
    mail m = {.s = {text, text + n}, .text = t};
    *t = (crpi_date_text){0};
    for (skip_comments(&m.s); m.s.at < m.s.end; skip_comments(&m.s))
        if (!take_item(&m)) return false;
    return m.day && m.year && is_sound(&t->date);
}

bool crpi_date_read(const char *text, size_t n, crpi_date_text *t)
{
    scan s = {text, text + n};
    skip_blanks(&s);
    return run_of_digits(&s) >= 4 ? crpi_date_read_iso8601(text, n, t) : crpi_date_read_rfc5322(text, n, t);
}

/* --- dates of a format ---------------------------------------------------------------------------------- */

typedef struct formatted {
    scan s;
    crpi_date_text *text;
    const char *bad;
    int half, year_day;
} formatted;

/* The fields that are numbers of at most so many digits, maybe with blanks before them. */
static int *number_field(formatted *f, char letter, int *digits)
{
    crpi_date *d = &f->text->date;
    *digits = letter == 'Y' ? 4 : letter == 'j' ? 3 : letter == 'u' || letter == 'w' ? 1 : 2;
    switch (letter) {
    case 'Y':
    case 'y': return &d->year;
    case 'm': return &d->month;
    case 'd':
    case 'e': return &d->day;
    case 'j': return &f->year_day;
    case 'u':
    case 'w': return &d->weekday;
    case 'H':
    case 'I': return &d->hour;
    case 'M': return &d->minute;
    case 'S': return &d->second;
    default: return NULL;
    }
}

static bool take_number_field(formatted *f, char letter, int *field, int digits)
{
    skip_blanks(&f->s);
    if (!take_number(&f->s, 1, digits, field)) return false;
    if (letter == 'y') *field += *field < 50 ? 2000 : 1900;
    return letter != 'I' || (*field >= 1 && *field <= 12);
}

static bool take_seconds(formatted *f)
{
    bool negative = take(&f->s, '-');
    int digits = run_of_digits(&f->s);
    if (digits == 0 || digits > 15) return false;
    f->text->has_seconds = true;
    for (f->text->seconds = 0; sees_digit(&f->s); f->s.at++)
        f->text->seconds = f->text->seconds * 10 + (*f->s.at - '0');
    if (negative) f->text->seconds = -f->text->seconds;
    return true;
}

static bool take_name_field(formatted *f, char letter)
{
    size_t n = word_length(&f->s);
    const char *word = f->s.at;
    crpi_date_text *t = f->text;
    f->s.at += n;
    switch (letter | 0x20) {
    case 'a': return crpi_date_weekday_named(word, n) != 0;
    case 'b': return (t->date.month = crpi_date_month_named(word, n)) != 0;
    case 'p': f->half = n ? *word | 0x20 : 0; return n == 2 && (f->half == 'a' || f->half == 'p');
    default: t->has_offset = true; return zone_named(word, n, &t->date.offset);
    }
}

static bool take_zone_field(formatted *f)
{
    f->text->has_offset = true;
    return take(&f->s, 'Z') || take_offset(&f->s, &f->text->date.offset);
}

static bool take_field(formatted *f, const char *letter)
{
    int digits, *field = number_field(f, *letter, &digits);
    if (field) return take_number_field(f, *letter, field, digits);
    switch (*letter) {
    case 'a':
    case 'A':
    case 'b':
    case 'B':
    case 'p':
    case 'Z': return take_name_field(f, *letter);
    case 'z': return take_zone_field(f);
    case 'L':
    case 'f':
    case 'N': return take_fraction(&f->s, &f->text->date.nanosecond);
    case 's': return take_seconds(f);
    case '%': return take(&f->s, '%');
    default: f->bad = letter - 1; return false;
    }
}

static bool take_format(formatted *f, const char *format, size_t n)
{
    for (const char *at = format, *end = format + n; at < end; at++) {
        if (is_blank(*at)) {
            skip_blanks(&f->s);
        } else if (*at != '%') {
            if (!take(&f->s, *at)) return false;
        } else if (++at == end) {
            f->bad = at - 1;
            return false;
        } else {
            const char *longer = crpi_date_shorthand(*at);
            if (!(longer ? take_format(f, longer, strlen(longer)) : take_field(f, at))) return false;
        }
    }
    return true;
}

/* Where nothing is said of the date, it is that from which seconds are counted. */
bool crpi_date_read_format(const char *text, size_t n, const char *format, size_t format_length,
                           crpi_date_text *t, const char **bad)
{
    formatted f = {.s = {text, text + n}, .text = t};
    *t = (crpi_date_text){.date = {.year = 1970, .month = 1, .day = 1}};
    bool good = take_format(&f, format, format_length);
    *bad = f.bad;
    if (!good || f.s.at != f.s.end) return false;
    if (f.half) t->date.hour = t->date.hour % 12 + (f.half == 'p' ? 12 : 0);
    if (f.year_day > 365 + crpi_date_is_leap(t->date.year)) return false;
    if (f.year_day && !set_year_day(&t->date, f.year_day)) return false;
    t->date.weekday = 0;
    return is_sound(&t->date);
}
