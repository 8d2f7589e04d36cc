/* Errors: made, recorded, placed, shown.
 *
 * Recording is one path: text into a buffer, buffer into an Error, Error into vm->error.  Whatever fails on
 * that path for want of memory ends at the Error that was made when the interpreter started, so it always
 * ends.
 */
#include "error.h"

#include <errno.h>
#include <string.h>
#include "number.h"
#include "printer.h"
#include "str.h"

enum { TEXT_CAP = 1 << 16, VALUE_CUT = 200 };

/* --- making --------------------------------------------------------------------------------------------- */

crp_status crpi_error_new(crp *vm, int error_class, int code, const char *text, size_t length, crp_word *out)
{
    crp_word string;
    crp_status st = crp_string(vm, text, length, &string);
    if (st) return st;
    crpi_error *e = crpi_new(vm, CRP_ERROR, sizeof *e);
    if (!e) return CRP_E_NOMEM;
    e->error_class = crp_fixnum(error_class);
    e->code = crp_fixnum(code);
    e->text = string;
    e->file = e->trace = e->cause = e->source_line = e->calls = e->further = e->details = CRP_NIL;
    *out = crp_from_object(e);
    return CRP_OK;
}

void crpi_format_value(void *vm, crpi_buf *b, int letter, uint64_t word)
{
    if (letter == 'n') crpi_buf_text(b, crp_class_name(vm, word));
    else crpi_print(vm, b, word, letter == 'v' ? CRPI_READABLE : CRPI_DISPLAY, VALUE_CUT);
}

static crp_status record(crp *vm, int error_class, int code, crpi_buf *text)
{
    crp_word error;
    crp_status st = text->failed ? crp_no_memory(vm)
                                 : crpi_error_new(vm, error_class, code, text->bytes, text->length, &error);
    crpi_buf_free(text);
    return st ? st : crp_rethrow(vm, error);
}

crp_status crp_vraise(crp *vm, int error_class, int code, const char *format, va_list list)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, TEXT_CAP);
    crpi_buf_vformat(&text, format, list, crpi_format_value, vm);
    return record(vm, error_class, code, &text);
}

crp_status crp_vraise_errno(crp *vm, int error_class, int code, int errnum, const char *format, va_list list)
{
    crpi_buf text;
    const char *reason = crpi_errno_text(errnum);
    crpi_buf_init(&text, &vm->mem, TEXT_CAP);
    crpi_buf_vformat(&text, format, list, crpi_format_value, vm);
    if (reason) crpi_buf_format(&text, ": %s", reason);
    else crpi_buf_format(&text, ": system error %d", errnum);
    return record(vm, error_class, code, &text);
}

crp_status crp_vformat(crp *vm, crp_word *out, const char *format, va_list list)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 0);
    crpi_buf_vformat(&text, format, list, crpi_format_value, vm);
    if (text.failed || text.overflow) {
        crpi_buf_free(&text);
        return crp_no_memory(vm);
    }
    return crp_string_take(vm, text.bytes, text.length, text.capacity, out);
}

/* The same, as a call writes them. */
#define WITH_LIST(last, call) \
    va_list list; \
    va_start(list, last); \
    crp_status st = call; \
    va_end(list); \
    return st

crp_status crp_raise(crp *vm, int error_class, int code, const char *format, ...)
{
    WITH_LIST(format, crp_vraise(vm, error_class, code, format, list));
}

crp_status crp_raise_errno(crp *vm, int error_class, int code, int errnum, const char *format, ...)
{
    WITH_LIST(format, crp_vraise_errno(vm, error_class, code, errnum, format, list));
}

crp_status crp_format(crp *vm, crp_word *out, const char *format, ...)
{
    WITH_LIST(format, crp_vformat(vm, out, format, list));
}

crp_status crp_error_prefix(crp *vm, const char *format, ...)
{
    WITH_LIST(format, crp_verror_prefix(vm, format, list));
}

crp_status crp_escape(crp *vm, const void *bytes, size_t n, size_t limit, crp_word *out)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 0);
    crpi_buf_escaped(&text, bytes, n, limit);
    if (!text.failed && !text.overflow) return crp_string_take(vm, text.bytes, text.length, text.capacity, out);
    crpi_buf_free(&text);
    return crp_no_memory(vm);
}

/* --- the Error kept for 1.16 ---------------------------------------------------------------------------- */

bool crpi_error_init(crp *vm)
{
    static const char text[] = "out of memory";
    return crpi_error_new(vm, CRP_ERR_SCRIPT, CRP_NO_MEMORY, text, sizeof text - 1, &vm->no_memory_error) ==
           CRP_OK;
}

/* The Error is always the same one, so what was added to it the last time is taken off. */
crp_status crp_no_memory(crp *vm)
{
    vm->mem.at_limit = true;
    vm->error = vm->no_memory_error;
    if (vm->error == CRP_NIL) return CRP_E_NOMEM; /* the interpreter is still being made */
    crpi_error *e = crpi_error_of(vm->error);
    e->h.flags = 0;
    e->error_class = crp_fixnum(CRP_ERR_SCRIPT);
    e->code = crp_fixnum(CRP_NO_MEMORY);
    e->line = e->position = crp_fixnum(0);
    crp_word *const lost[] = {&e->file, &e->trace, &e->cause, &e->source_line, &e->calls, &e->further, &e->details};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) crp_store(vm, &e->h, lost[i], CRP_NIL);
    return CRP_E_NOMEM;
}

/* --- the pending one ------------------------------------------------------------------------------------ */

crp_word crp_pending_error(crp *vm) { return vm->error; }

void crp_clear_error(crp *vm) { vm->error = CRP_NIL; }

crp_status crp_rethrow(crp *vm, crp_word error)
{
    if (!crp_is_a(error, CRP_ERROR))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected an Error to throw, given %v (%n)",
                         error, error);
    vm->error = error;
    return crpi_error_status(vm, error);
}

void crp_error_get(crp *vm, crp_word error, int *error_class, int *code, const char **text, size_t *length)
{
    (void)vm;
    const crpi_error *e = crpi_error_of(error);
    *error_class = (int)crp_integer_value(e->error_class);
    *code = (int)crp_integer_value(e->code);
    *text = crp_string_data(e->text, length);
}

void crp_error_set_class(crp *vm, crp_word error, int error_class, int code)
{
    (void)vm;
    crpi_error_of(error)->error_class = crp_fixnum(error_class);
    crpi_error_of(error)->code = crp_fixnum(code);
}

/* The Error kept for 1.16 has one text for good. */
crp_status crp_verror_prefix(crp *vm, const char *format, va_list list)
{
    crp_word error = vm->error, text;
    if (error == CRP_NIL || error == vm->no_memory_error) return crpi_error_status(vm, error);
    crpi_buf words;
    size_t length;
    const char *old = crp_string_data(crpi_error_of(error)->text, &length);
    crpi_buf_init(&words, &vm->mem, 0);
    crpi_buf_vformat(&words, format, list, crpi_format_value, vm);
    crpi_buf_put(&words, old, length);
    crp_status st = words.failed ? crp_no_memory(vm) : crp_string(vm, words.bytes, words.length, &text);
    crpi_buf_free(&words);
    if (st) return st;
    crp_store(vm, &crpi_error_of(error)->h, &crpi_error_of(error)->text, text);
    return crpi_error_status(vm, error);
}

void crp_error_details(crp *vm, crp_word text)
{
    if (vm->error == CRP_NIL || vm->error == vm->no_memory_error) return;
    crpi_error *e = crpi_error_of(vm->error);
    if (!crp_is_string(e->details)) crp_store(vm, &e->h, &e->details, text);
}

/* A line is kept as far as it can be shown; one with the place beyond all reason is not kept. */
enum { FARTHEST_COLUMN = 1 << 16, KEPT_BEHIND = 200 };

crp_status crpi_error_locate(crp *vm, crp_word error, const char *file, uint32_t line, uint32_t column,
                             const char *line_text, size_t line_length)
{
    crpi_error *e = crpi_error_of(error);
    crp_word string;
    crp_status st;
    if (crp_integer_value(e->line) > 0) return CRP_OK;
    e->line = crp_fixnum(line);
    e->position = crp_fixnum(column);
    if (file) {
        if ((st = crp_string_z(vm, file, &string))) return st;
        crp_store(vm, &e->h, &e->file, string);
    }
    if (line_text && column <= FARTHEST_COLUMN) {
        if (line_length > column + KEPT_BEHIND) line_length = column + KEPT_BEHIND;
        if ((st = crp_string(vm, line_text, line_length, &string))) return st;
        crp_store(vm, &e->h, &e->source_line, string);
    }
    return CRP_OK;
}

crp_status crpi_error_status(crp *vm, crp_word error)
{
    (void)vm;
    if (!crp_is_a(error, CRP_ERROR)) return error == CRP_NIL ? CRP_OK : CRP_E_RAISED;
    int64_t code = crp_integer_value(crpi_error_of(error)->code);
    switch (crp_integer_value(crpi_error_of(error)->error_class)) {
    case CRP_ERR_SCRIPT:
        return code == CRP_TYPE_MISMATCH ? CRP_E_TYPE
               : code == CRP_UNKNOWN     ? CRP_E_NAME
               : code == CRP_NO_MEMORY   ? CRP_E_NOMEM
                                         : CRP_E_RAISED;
    case CRP_ERR_SYSTEM:
    case CRP_ERR_FILE: return CRP_E_IO;
    case CRP_ERR_COMMS:
        return code == CRP_TIMEOUT ? CRP_E_TIMEOUT : code == CRP_TLS_FAILED ? CRP_E_TLS : CRP_E_IO;
    case CRP_ERR_PARSE: return CRP_E_SYNTAX;
    case CRP_ERR_POP3: return code == 3 /* login refused */ ? CRP_E_AUTH : CRP_E_PROTOCOL;
    default: return CRP_E_RAISED;
    }
}

/* --- the report ----------------------------------------------------------------------------------------- */

enum {
    SHOWN_LINE = 100,  /* bytes of the source line */
    SHOWN_BEFORE = 60, /* of them before the column, when the line is cut */
    SHOWN_CAUSES = 10,
    NAME_CUT = 400
};

typedef struct report {
    crpi_buf *out;
    bool colour;
} report;

#define PLACE_COLOUR "1"
#define ERROR_COLOUR "1;31"
#define CARET_COLOUR "1;32"

static void begin_colour(report *r, const char *colour)
{
    if (r->colour) crpi_buf_format(r->out, "\x1b[%sm", colour);
}

static void end_colour(report *r)
{
    if (r->colour) crpi_buf_text(r->out, "\x1b[0m");
}

static void put_escaped_string(report *r, crp_word string, size_t limit)
{
    size_t n;
    const char *text = crp_string_data(string, &n);
    crpi_buf_escaped(r->out, text, n, limit);
}

/* The text may have several lines; each ends with a line end. */
static void put_text_lines(report *r, crp_word string, const char *indent)
{
    size_t n;
    const char *at = crp_string_data(string, &n), *end = at + n;
    do {
        crpi_buf_text(r->out, indent);
        const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (!stop) stop = end;
        crpi_buf_escaped(r->out, at, (size_t)(stop - at), 0);
        crpi_buf_byte(r->out, '\n');
        at = stop + 1;
    } while (at < end);
}

static void put_head(report *r, const crpi_error *e)
{
    if (crp_is_string(e->file) && crpi_str_of(e->file)->length) {
        begin_colour(r, PLACE_COLOUR);
        put_escaped_string(r, e->file, NAME_CUT);
        if (crp_integer_value(e->line)) crpi_buf_format(r->out, ":%ld", (long)crp_integer_value(e->line));
        if (crp_integer_value(e->position))
            crpi_buf_format(r->out, ":%ld", (long)crp_integer_value(e->position));
        crpi_buf_text(r->out, ": ");
        end_colour(r);
    }
    begin_colour(r, ERROR_COLOUR);
    crpi_buf_format(r->out, "error %ld.%ld:", (long)crp_integer_value(e->error_class),
                    (long)crp_integer_value(e->code));
    end_colour(r);
    crpi_buf_byte(r->out, ' ');
    put_text_lines(r, e->text, "");
}

static bool is_inside_character(const char *text, size_t n, size_t at)
{
    return at < n && ((unsigned char)text[at] & 0xC0) == 0x80;
}

/* Part of a source line, escaped, with its tabs as they are. */
static void put_source(report *r, const char *text, size_t n)
{
    const char *end = text + n;
    while (text < end) {
        const char *tab = memchr(text, '\t', (size_t)(end - text)), *stop = tab ? tab : end;
        crpi_buf_escaped(r->out, text, (size_t)(stop - text), 0);
        if (tab) crpi_buf_byte(r->out, '\t');
        text = stop + (tab != NULL);
    }
}

/* As many columns as what stands from `from` to `to` takes: a space for a character, a tab for a tab. */
static void put_padding(report *r, size_t from, size_t to)
{
    for (size_t i = from; i < to && !r->out->failed; i++) {
        char c = r->out->bytes[i];
        if (c == '\t' || (c & 0xC0) != 0x80) crpi_buf_byte(r->out, c == '\t' ? '\t' : ' ');
    }
}

static size_t digits_of(int64_t n)
{
    char text[CRPI_INTEGER_TEXT];
    return crpi_integer_text(n, text);
}

/* The line, cut around the column where it is long, and the caret under the column. */
static void put_source_line(report *r, int64_t line, const char *text, size_t n, size_t column)
{
    size_t from = 0, to = n;
    if (column > n) column = n;
    if (n > SHOWN_LINE) {
        from = column > SHOWN_BEFORE ? column - SHOWN_BEFORE : 0;
        to = n - from > SHOWN_LINE ? from + SHOWN_LINE : n;
        while (from > 0 && is_inside_character(text, n, from)) from--;
        while (is_inside_character(text, n, to)) to++;
    }
    crpi_buf_format(r->out, "%5ld | ", (long)line);
    size_t begin = r->out->length;
    if (from > 0) crpi_buf_text(r->out, "...");
    put_source(r, text + from, column - from);
    size_t caret = r->out->length;
    put_source(r, text + column, to - column);
    if (to < n) crpi_buf_text(r->out, "...");
    crpi_buf_byte(r->out, '\n');
    for (size_t i = digits_of(line) < 5 ? 5 : digits_of(line); i > 0; i--) crpi_buf_byte(r->out, ' ');
    crpi_buf_text(r->out, " | ");
    put_padding(r, begin, caret);
    begin_colour(r, CARET_COLOUR);
    crpi_buf_byte(r->out, '^');
    end_colour(r);
    crpi_buf_byte(r->out, '\n');
}

static void put_place(report *r, const crpi_error *e)
{
    int64_t column = crp_integer_value(e->position);
    if (!crp_is_string(e->source_line) || column <= 0) return;
    size_t n;
    const char *text = crp_string_data(e->source_line, &n);
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r')) n--;
    if (n) put_source_line(r, crp_integer_value(e->line), text, n, (size_t)column - 1);
}

/* How many calls in a row look the same, as those of a recursion do. */
static unsigned same_calls(crp_word trace)
{
    unsigned n = 1;
    for (crp_word next = crp_tail(trace); crp_is_pair(next); next = crp_tail(next), n++)
        if (!crpi_str_equal(crpi_str_of(crp_head(next)), crpi_str_of(crp_head(trace)))) break;
    return n;
}

/* A single call says no more than the place does. */
static void put_trace(report *r, crp_word trace)
{
    if (!crp_is_pair(trace) || crp_tail(trace) == CRP_NIL) return;
    while (crp_is_pair(trace)) {
        unsigned same = same_calls(trace);
        crpi_buf_text(r->out, *crp_string_data(crp_head(trace), NULL) == '.' ? "  " : "  in ");
        put_escaped_string(r, crp_head(trace), NAME_CUT);
        if (same > 1) crpi_buf_format(r->out, " and again, %u times", same - 1);
        crpi_buf_byte(r->out, '\n');
        for (; same > 0; same--) trace = crp_tail(trace);
    }
}

/* An error and its causes. */
static void put_error(crp *vm, report *r, crp_word error)
{
    for (int i = 0; i < SHOWN_CAUSES && crp_is_a(error, CRP_ERROR); i++) {
        const crpi_error *e = crpi_error_of(error);
        crp_word trace;
        crpi_error_settle(vm, error);
        if (crpi_error_trace(vm, error, &trace)) trace = CRP_NIL;
        if (i > 0) crpi_buf_text(r->out, "caused by: ");
        put_head(r, e);
        put_place(r, e);
        put_trace(r, trace);
        if (crp_is_string(e->details)) put_text_lines(r, e->details, "  ");
        error = e->cause;
    }
}

crp_status crpi_error_report(crp *vm, crp_word error, crpi_buf *out, bool colour)
{
    report r = {out, colour};
    crp_word pending = vm->error;
    size_t fresh = vm->heap.fresh_count;
    put_error(vm, &r, error);
    crp_word further = crp_is_a(error, CRP_ERROR) ? crpi_error_of(error)->further : CRP_NIL;
    for (; crp_is_pair(further); further = crp_tail(further)) put_error(vm, &r, crp_head(further));
    vm->error = pending;
    vm->heap.fresh_count = fresh;
    return out->failed ? crp_no_memory(vm) : CRP_OK;
}

/* --- names like a misspelt one -------------------------------------------------------------------------- */

/* Costs are in half letters: another letter, one too many, one missing, two swapped are two; a letter in
 * the other case is one. */
enum { LONGEST_NAME = 64, SUGGESTED = 3, TOO_FAR = 1000 };

typedef struct candidate {
    const char *name;
    int cost;
} candidate;

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static int least(int a, int b) { return a < b ? a : b; }

/* Edit distance, three rows at a time. */
static int cost_between(const char *a, size_t n, const char *b, size_t m)
{
    int rows[3][LONGEST_NAME + 1];
    for (size_t j = 0; j <= m; j++) rows[0][j] = (int)j * 2;
    for (size_t i = 1; i <= n; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (int)i * 2;
        for (size_t j = 1; j <= m; j++) {
            int swap = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 2;
            row[j] = least(above[j - 1] + swap, least(above[j], row[j - 1]) + 2);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], above2[j - 2] + 2);
        }
    }
    return rows[n % 3][m];
}

/* How far a name may be: short names have too many neighbours. */
static int farthest(size_t length) { return length < 2 ? 1 : length < 5 ? 2 : length < 9 ? 4 : 6; }

/* Keeps the best, nearest first; of equally near ones those that came first. */
static void consider(candidate best[SUGGESTED], candidate c)
{
    for (int i = 0; i < SUGGESTED; i++)
        if (best[i].name && strcmp(best[i].name, c.name) == 0) return;
    for (int i = 0; i < SUGGESTED; i++)
        if (c.cost < best[i].cost) {
            candidate out = best[i];
            best[i] = c;
            c = out;
        }
}

void crpi_suggest(crpi_buf *out, const char *name, size_t length, const char *(*next)(void *ud), void *ud)
{
    candidate best[SUGGESTED] = {{NULL, TOO_FAR}, {NULL, TOO_FAR}, {NULL, TOO_FAR}};
    int limit = farthest(length), found = 0;
    if (length == 0 || length > LONGEST_NAME) return;
    for (const char *other; (other = next(ud));) {
        size_t n = strlen(other);
        if (n == 0 || n > LONGEST_NAME || (n > length ? n - length : length - n) * 2 > (size_t)limit)
            continue;
        int cost = cost_between(name, length, other, n);
        if (cost > 0 && cost <= limit) consider(best, (candidate){other, cost});
    }
    while (found < SUGGESTED && best[found].name) found++;
    for (int i = 0; i < found; i++) {
        crpi_buf_text(out, i == 0 ? "; did you mean " : i == found - 1 ? " or " : ", ");
        crpi_buf_escaped(out, best[i].name, strlen(best[i].name), 0);
    }
    if (found) crpi_buf_byte(out, '?');
}

/* --- what the system says ------------------------------------------------------------------------------- */

const char *crpi_errno_text(int errnum)
{
    static const struct {
        int number;
        const char *text;
    } known[] = {
        {EACCES, "permission denied"},
        {EADDRINUSE, "the address is in use"},
        {EADDRNOTAVAIL, "the address is not one of this machine's"},
        {EAFNOSUPPORT, "the address family is not supported"},
        {EAGAIN, "temporarily not available"},
        {EBADF, "not an open descriptor"},
        {EBUSY, "in use"},
        {ECHILD, "no such child process"},
        {ECONNABORTED, "the connection was aborted"},
        {ECONNREFUSED, "connection refused"},
        {ECONNRESET, "connection reset by the peer"},
        {EDQUOT, "the disk quota is used up"},
        {EEXIST, "it exists already"},
        {EFBIG, "the file is too large"},
        {EHOSTDOWN, "the host is down"},
        {EHOSTUNREACH, "no route to the host"},
        {EINTR, "interrupted"},
        {EINVAL, "invalid argument"},
        {EIO, "input or output error"},
        {EISCONN, "already connected"},
        {EISDIR, "it is a directory"},
        {ELOOP, "too many symbolic links"},
        {EMFILE, "this process has too many open files"},
        {EMSGSIZE, "the message is too long"},
        {ENAMETOOLONG, "the name is too long"},
        {ENETDOWN, "the network is down"},
        {ENETUNREACH, "the network is unreachable"},
        {ENFILE, "the system has too many open files"},
        {ENOBUFS, "no buffer space left"},
        {ENODEV, "no such device"},
        {ENOENT, "no such file or directory"},
        {ENOEXEC, "not in a format that can be executed"},
        {ENOMEM, "out of memory"},
        {ENOSPC, "no space left on the device"},
        {ENOSYS, "the system cannot do this"},
        {ENOTCONN, "not connected"},
        {ENOTDIR, "not a directory"},
        {ENOTEMPTY, "the directory is not empty"},
        {ENOTSOCK, "not a socket"},
        {ENOTTY, "not a terminal"},
        {ENXIO, "no such device or address"},
        {EOPNOTSUPP, "not supported"},
        {EPERM, "not permitted"},
        {EPIPE, "broken pipe"},
        {EPROTO, "protocol error"},
        {EPROTONOSUPPORT, "the protocol is not supported"},
        {EROFS, "the file system is read-only"},
        {ESPIPE, "cannot seek"},
        {ESRCH, "no such process"},
        {ETIMEDOUT, "timed out"},
        {ETXTBSY, "the program is being executed"},
        {EXDEV, "not on the same file system"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].number == errnum) return known[i].text;
    return NULL;
}

/* --- for the collector ---------------------------------------------------------------------------------- */

static void mark_error(crp *vm, crp_object *o, crp_marker mark)
{
    const crpi_error *e = (crpi_error *)o;
    mark(vm, e->text);
    mark(vm, e->file);
    mark(vm, e->trace);
    mark(vm, e->cause);
    mark(vm, e->source_line);
    mark(vm, e->calls);
    mark(vm, e->further);
    mark(vm, e->details);
}

bool crpi_error_kinds(crp *vm) { return crpi_heap_kind(&vm->heap, CRP_ERROR, (crpi_kind){mark_error, NULL}); }
