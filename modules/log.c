/* floor 4: Log: records of what stacks and scripts do, in a file.
 *
 * A record is one line and one write, so records of several tasks, Logs or programs in one file are never
 * mixed:
 *
 *     2026-01-31T12:00:00.000Z   pdus 1 Pop3 > USER fred
 *     2026-01-31T12:00:00.001Z ! production 1 Pop3 - the password goes in clear to 192.0.2.1:110
 *
 * that is: when (UTC), `!` for a warning and `*` for an error, the level, the number of the stack, the
 * layer, which way the bytes went, and what it was, escaped.  Where there is no stack, layer or direction
 * stands a `-`.
 *
 * A Log serves; it never gets in the way.  What cannot be written, because the disk is full or the file
 * may not be opened, is counted, and the next record that can be written is preceded by the count.  Only
 * `open`, which asks whether it works, tells. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "stack.h"

enum {
    MOST_TEXT = 4096, /* bytes of a record's text, escaped */
    KILOBYTE = 1024,
    BLOCK = 16384,
    PRIVATE = 0600, /* mail is nobody else's business */
    CANNOT_OPEN = 1 /* code of class 5 */
};

typedef struct log {
    crp_object h;
    crp_word file, directory, levels, max_size;
    unsigned open_for; /* levels, a set */
    uint32_t stacks;   /* that have joined */
    int fd_plus_1;     /* 0: not open */
    bool closed;       /* by `close`: records are dropped until `open` */
    bool torn;         /* the last record was cut short: a line break is due */
    int64_t length;    /* of the file */
    int64_t lost;      /* records that could not be written */
} log;

static log *log_of(crp_object *o) { return (log *)o; }

/* --- levels ---------------------------------------------------------------------------------------- */

static const struct level {
    const char *name;
    crp_log_level level;
} levels[] = {
    {"debug", CRP_LOG_DEBUG},
    {"trace", CRP_LOG_TRACE},
    {"com", CRP_LOG_COM},
    {"db", CRP_LOG_DB},
    {"pdus", CRP_LOG_PDUS},
    {"script", CRP_LOG_SCRIPT},
    {"production", CRP_LOG_PRODUCTION},
};

enum { LEVELS = sizeof levels / sizeof *levels };

static const char *level_name(crp_log_level level)
{
    for (int i = 0; i < LEVELS; i++)
        if (levels[i].level == level) return levels[i].name;
    return "-";
}

static crp_status level_named(crp *vm, const char *name, size_t n, crp_log_level *out)
{
    for (int i = 0; i < LEVELS; i++)
        if (strlen(levels[i].name) == n && !memcmp(levels[i].name, name, n)) {
            *out = levels[i].level;
            return CRP_OK;
        }
    crp_word given;
    crp_status st = crp_string(vm, name, n, &given);
    if (st) return st;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "no level %v: expected debug, trace, com, db, pdus, script or production", given);
}

/* Names with commas between them, and any blanks. */
static crp_status parse_levels(crp *vm, crp_word text, unsigned *out)
{
    size_t n;
    const char *at = crp_string_data(text, &n), *end = at + n;
    *out = 0;
    while (at < end) {
        crp_log_level level;
        const char *from = at;
        while (at < end && *at != ',' && *at != ' ') at++;
        if (at > from) {
            crp_status st = level_named(vm, from, (size_t)(at - from), &level);
            if (st) return st;
            *out |= level;
        }
        if (at < end) at++;
    }
    return CRP_OK;
}

/* --- the file -------------------------------------------------------------------------------------- */

static void close_file(crp *vm, log *l)
{
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    if (l->fd_plus_1) p->close(state, l->fd_plus_1 - 1);
    l->fd_plus_1 = 0;
}

static void log_drop(crp *vm, crp_object *self) { close_file(vm, log_of(self)); }

static crp_status path_of(crp *vm, const log *l, const char **out)
{
    size_t n, m;
    crp_word path;
    const char *file = crp_string_data(l->file, &n);
    crp_string_data(l->directory, &m);
    if (!n) return crp_raise(vm, CRP_ERR_CONFIG, 1, "Log: `file` is not set");
    crp_status st = CRP_OK;
    if (!m || *file == '/') path = l->file;
    else st = crp_format(vm, &path, "%.*s/%.*s", (int)m, crp_string_data(l->directory, NULL), (int)n, file);
    return st ? st : crp_c_string(vm, path, out);
}

/* How much is in the file already, as far as that matters: it is read, up to `most` bytes. */
static int64_t length_of(crp *vm, const char *path, int64_t most)
{
    char block[BLOCK];
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    int64_t length = 0;
    ssize_t got = 1;
    int fd = p->open(state, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) return 0;
    while (got > 0 && length <= most) {
        got = p->read(state, fd, block, sizeof block);
        if (got > 0) length += got;
    }
    p->close(state, fd);
    return length;
}

static int64_t most_of(const log *l) { return crp_integer_value(l->max_size) * KILOBYTE; }

/* 0 or -errno.  O_NONBLOCK: a pipe without a reader is an error, nothing to wait for. */
static int open_path(crp *vm, log *l, const char *path, int flags)
{
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    int fd = p->open(state, path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | flags, PRIVATE);
    if (fd < 0) return fd;
    close_file(vm, l);
    l->fd_plus_1 = fd + 1;
    if (flags & O_TRUNC) l->length = 0;
    return 0;
}

static crp_status open_file(crp *vm, log *l)
{
    const char *path;
    crp_status st = l->fd_plus_1 ? CRP_OK : path_of(vm, l, &path);
    if (st || l->fd_plus_1) return st;
    l->length = length_of(vm, path, most_of(l));
    int e = open_path(vm, l, path, 0);
    if (!e) return CRP_OK;
    return crp_raise_errno(vm, CRP_ERR_FILE, CANNOT_OPEN, -e, "cannot open the log %q", path);
}

/* Over its size the log begins again. */
static crp_status clear_file(crp *vm, log *l)
{
    const char *path;
    crp_status st = path_of(vm, l, &path);
    if (st) return st;
    l->torn = false;
    return open_path(vm, l, path, O_TRUNC) ? CRP_E_IO : CRP_OK;
}

/* All or nothing as far as that can be had: 0 or -errno. */
static int put(crp *vm, log *l, const char *bytes, size_t n)
{
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    ssize_t written = p->write(state, l->fd_plus_1 - 1, bytes, n);
    if (written > 0) l->length += written;
    l->torn = written > 0 ? (size_t)written < n : l->torn;
    return written < 0 ? (int)written : (size_t)written < n ? -ENOSPC : 0;
}

/* --- records --------------------------------------------------------------------------------------- */

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar. */
static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468; /* since 0000-03-01: leap days are at the end of these years */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static crp_status time_text(crp *vm, crp_word *out)
{
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    int64_t seconds, year;
    int32_t nanoseconds;
    int month, day;
    p->clock(state, &seconds, &nanoseconds);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0), of_day = seconds - days * 86400;
    date_of(days, &year, &month, &day);
    return crp_format(vm, out, "%04ld-%02d-%02dT%02d:%02d:%02d.%03dZ", (long)year, month, day,
                      (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60),
                      (int)(nanoseconds / 1000000));
}

static crp_status line_of(crp *vm, const crp_log_record *r, crp_word *out)
{
    static const char marks[] = {' ', '!', '*'}, ways[] = {'-', '>', '<'};
    crp_word when, what, stack;
    size_t n;
    crp_status st = time_text(vm, &when);
    if (!st) st = crp_escape(vm, r->secret ? "***" : r->bytes, r->secret ? 3 : r->length, MOST_TEXT, &what);
    if (!st) st = r->stack ? crp_format(vm, &stack, "%u", r->stack) : crp_string(vm, "-", 1, &stack);
    if (st) return st;
    const char *text = crp_string_data(what, &n);
    return crp_format(vm, out, "%p %c %s %p %s %c %.*s\n", when, marks[r->severity], level_name(r->level),
                      stack, r->layer ? r->layer : "-", ways[r->direction], (int)n, text);
}

/* Says how many records are missing here, once something can be written again. */
static crp_status own_up(crp *vm, log *l)
{
    crp_word text, line;
    size_t n;
    crp_log_record r = {CRP_LOG_PRODUCTION, CRP_LOG_WARN, CRP_NO_DIRECTION, 0, NULL, NULL, 0, false};
    if (!l->lost) return CRP_OK;
    crp_status st = crp_format(vm, &text, "records that could not be written: %ld", l->lost);
    if (st) return st;
    r.bytes = crp_string_data(text, &r.length);
    if ((st = line_of(vm, &r, &line))) return st;
    const char *bytes = crp_string_data(line, &n);
    if (put(vm, l, bytes, n)) return CRP_E_IO;
    l->lost = 0;
    return CRP_OK;
}

static crp_status write_line(crp *vm, log *l, const crp_log_record *r)
{
    crp_word line;
    size_t n;
    crp_status st = line_of(vm, r, &line);
    if (!st) st = open_file(vm, l);
    if (st) return st;
    const char *bytes = crp_string_data(line, &n);
    if (l->length && l->length + (int64_t)n > most_of(l) && (st = clear_file(vm, l))) return st;
    if (l->torn && put(vm, l, "\n", 1)) return CRP_E_IO;
    if ((st = own_up(vm, l))) return st;
    return put(vm, l, bytes, n) ? CRP_E_IO : CRP_OK;
}

/* An error that is on its way up is not disturbed, nor is there a new one. */
static void record(crp *vm, crp_object *self, const crp_log_record *r)
{
    log *l = log_of(self);
    crp_word pending = crp_pending_error(vm);
    if (l->closed || !write_line(vm, l, r)) return;
    l->lost++;
    crp_clear_error(vm);
    if (crp_is_object(pending)) crp_rethrow(vm, pending);
}

static bool wants(crp *vm, crp_object *self, crp_log_level level)
{
    (void)vm;
    return !log_of(self)->closed && log_of(self)->open_for & level;
}

static uint32_t join(crp *vm, crp_object *self)
{
    (void)vm;
    return ++log_of(self)->stacks;
}

/* --- what scripts call ----------------------------------------------------------------------------- */

static crp_status say(crp_call *call, crp_log_level level, crp_log_severity severity, uint32_t from)
{
    crp_object *self = crp_object_of(call->self);
    crp_word all, next;
    if (!wants(call->vm, self, level)) return CRP_OK;
    crp_status st = crp_string(call->vm, "", 0, &all);
    for (uint32_t i = from; !st && i < call->count; i++) {
        size_t n, m;
        if ((st = crp_to_string(call->vm, call->args[i], false, &next))) break;
        const char *before = crp_string_data(all, &n), *text = crp_string_data(next, &m);
        st = crp_format(call->vm, &all, "%.*s%.*s", (int)n, before, (int)(m < MOST_TEXT ? m : MOST_TEXT),
                        text);
    }
    if (st) return st;
    crp_log_record r = {level, severity, CRP_NO_DIRECTION, 0, NULL, NULL, 0, false};
    r.bytes = crp_string_data(all, &r.length);
    record(call->vm, self, &r);
    return CRP_OK;
}

static crp_status log_info(crp_call *call) { return say(call, CRP_LOG_SCRIPT, CRP_LOG_INFO, 0); }
static crp_status log_warn(crp_call *call) { return say(call, CRP_LOG_SCRIPT, CRP_LOG_WARN, 0); }
static crp_status log_error(crp_call *call) { return say(call, CRP_LOG_SCRIPT, CRP_LOG_ERROR, 0); }

static crp_status log_write(crp_call *call)
{
    crp_log_level level;
    size_t n;
    const char *name = crp_is_symbol(call->args[0]) ? crp_symbol_name(call->vm, call->args[0], &n)
                                                    : crp_string_data(call->args[0], &n);
    crp_status st = level_named(call->vm, name, n, &level);
    return st ? st : say(call, level, CRP_LOG_INFO, 1);
}

static crp_status log_open(crp_call *call)
{
    log *l = log_of(crp_object_of(call->self));
    l->closed = false;
    return open_file(call->vm, l);
}

static crp_status log_close(crp_call *call)
{
    log *l = log_of(crp_object_of(call->self));
    l->closed = true;
    close_file(call->vm, l);
    return CRP_OK;
}

/* --- properties ------------------------------------------------------------------------------------ */

/* Another place: the file there is opened with the next record. */
static crp_status set_place(crp *vm, log *l, crp_word *slot, crp_word value)
{
    close_file(vm, l);
    l->torn = false;
    crp_store(vm, &l->h, slot, value);
    return CRP_OK;
}

static crp_status set_file(crp *vm, crp_object *self, crp_word value)
{
    return set_place(vm, log_of(self), &log_of(self)->file, value);
}

static crp_status set_directory(crp *vm, crp_object *self, crp_word value)
{
    return set_place(vm, log_of(self), &log_of(self)->directory, value);
}

static crp_status set_levels(crp *vm, crp_object *self, crp_word value)
{
    unsigned open_for;
    crp_status st = parse_levels(vm, value, &open_for);
    if (st) return st;
    log_of(self)->open_for = open_for;
    crp_store(vm, self, &log_of(self)->levels, value);
    return CRP_OK;
}

static crp_status get_is_open(crp *vm, crp_object *self, crp_word *out)
{
    (void)vm;
    *out = crp_bool(log_of(self)->fd_plus_1);
    return CRP_OK;
}

#define AT(field) offsetof(log, field)

static const crp_property properties[] = {
    {"file", "String", CRP_RW, AT(file), NULL, NULL,
     "the file's name; below `directory` unless it begins with /\n"
     "l.file                              # --> \"mail.log\"", NULL, set_file},
    {"directory", "String", CRP_RW, AT(directory), NULL, NULL,
     "the folder that the file is in; \"\": the current one\n"
     "l.directory                         # --> \"\"", NULL, set_directory},
    {"levels", "String", CRP_RW, AT(levels), "\"com,script,production\"", NULL,
     "what is written, names with commas between them: debug, trace, com, db, pdus, script, production\n"
     "(l.levels \"script,production\")\n"
     "(l.write \"com\" \"not written\")\n"
     "(fileStatus \"mail.log\" 'exists)      # --> ()", NULL, set_levels},
    {"maxSize", "Integer", CRP_RW, AT(max_size), "1024", "1..1073741824",
     "kilobytes; a log that would be bigger clears itself and starts again\n"
     "l.maxSize                           # --> 1024", NULL, NULL},
    {"isOpen", "Object", CRP_READ, 0, NULL, NULL, "true while the file is open\n"
     "(l.info \"hello\")\n"
     "l.isOpen                            # --> true", get_is_open, NULL},
    {0},
};

#define METHOD(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method methods[] = {
    METHOD("info", "NIL text ...", log_info,
           "Writes a record at level script: the arguments one after another, as print shows "
           "them. What cannot be written is counted, not raised.\n"
           "(l.info \"fetched \" 3 \" mails\")\n"
           "(readFile \"mail.log\")               # --> \"...Z   script - - - fetched 3 mails\\n\""),
    METHOD("warn", "NIL text ...", log_warn, "The same, marked with !.\n"
           "(l.warn \"slow\")\n"
           "(readFile \"mail.log\")               # --> \"...Z ! script - - - slow\\n\""),
    METHOD("error", "NIL text ...", log_error, "The same, marked with *.\n"
           "(l.error \"gone\")\n"
           "(readFile \"mail.log\")               # --> \"...Z * script - - - gone\\n\""),
    METHOD("write", "NIL (level String|Symbol) text ...", log_write, "Writes a record at this level.\n"
           "(l.write \"production\" \"begun\")\n"
           "(readFile \"mail.log\")               # --> \"...Z   production - - - begun\\n\""),
    METHOD("open", "NIL", log_open,
           "Opens the file now, where the first record would do it otherwise; needed after `close`. 5.1 "
           "when that cannot be done.\n"
           "(l.open)\n"
           "l.isOpen                            # --> true"),
    METHOD("close", "NIL", log_close, "Closes the file; records are dropped until `open`.\n"
           "(l.close)\n"
           "l.isOpen                            # --> ()"),
    {0},
};

static bool has_ending(const char *name, size_t n)
{
    while (n > 0 && name[n - 1] != '/')
        if (name[--n] == '.') return true;
    return false;
}

static crp_status log_create(crp_call *call)
{
    log *l = log_of(crp_object_of(call->self));
    crp_word file = call->args[0];
    crp_status st = parse_levels(call->vm, l->levels, &l->open_for);
    if (st || file == CRP_UNSET) return st;
    size_t n;
    const char *name = crp_string_data(file, &n);
    if (n && !has_ending(name, n)) st = crp_format(call->vm, &file, "%.*s.log", (int)n, name);
    if (!st) crp_store(call->vm, &l->h, &l->file, file);
    return st;
}

static const crp_method creator =
    METHOD("create", "Log (name String ?)", log_create,
           "A Log that writes to the file of this name; without an ending it gets .log.");

static const crp_log_ops ops = {.kind = CRP_KIND_LOG, .wants = wants, .join = join, .record = record};

const crp_class_def crpi_log_class = {
    .size = sizeof(crp_class_def),
    .name = "Log",
    .help = "Records in a file, a line each: time (UTC), ! for a warning or * for an error, level, "
            "stack, layer, direction, text. Passwords never get into it. One Log may serve many stacks.\n"
            "(set l (create Log \"mail\"))",
    .instance_size = sizeof(log),
    .properties = properties,
    .methods = methods,
    .creator = &creator,
    .drop = log_drop,
    .module = &ops,
};
