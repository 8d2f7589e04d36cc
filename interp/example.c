/* The text is cut into forms first; what stands from one form to the next is read for comments when the form
 * has run. */
#include "example.h"

#include <string.h>
#include "api.h"
#include "outline.h"
#include "printer.h"

enum { SHOWN_FORM = 100, SHOWN_TEXT = 2000, MOST_EXPECTED = 1 << 20 };

enum note_kind { NOTE_VALUE, NOTE_PRINTS, NOTE_ERROR, NOTE_NOT_RUN, NOTE_NONE };

static const struct {
    const char *sign;
    enum note_kind kind;
} note_signs[] = {
    {"-->", NOTE_VALUE}, {"prints:", NOTE_PRINTS}, {"error:", NOTE_ERROR}, {"not run", NOTE_NOT_RUN}};

typedef struct note {
    enum note_kind kind;
    const char *text; /* behind the sign, without blanks at the end */
    size_t length;
    uint32_t line; /* from 0 at the example's first line */
} note;

/* A form, and what belongs to it: all up to the next one. */
typedef struct part {
    size_t from, to, next;
    bool joined; /* it begins on the line where the form before it ends */
} part;

typedef struct runner {
    const crpi_example *e;
    crp *vm;
    crpi_buf *report;
    crpi_loading loading;
    part *parts;
    size_t count, capacity;
    crp_status status; /* of the form that ran last... */
    crpi_buf value;    /* ...its value as source text */
    crpi_buf printed;
    bool judged; /* what it printed was compared */
    bool failed, stopped;
} runner;

/* --- notes ---------------------------------------------------------------------------------------------- */

static uint32_t lines_before(const runner *r, size_t at)
{
    uint32_t lines = 0;
    for (size_t i = 0; i < at; i++) lines += r->e->text[i] == '\n';
    return lines;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* What a comment, that is the text behind its #, says about its form. */
static enum note_kind judge_comment(const char *text, size_t length, note *out)
{
    while (length && is_blank(*text)) text++, length--;
    while (length && is_blank(text[length - 1])) length--;
    for (size_t i = 0; i < sizeof note_signs / sizeof *note_signs; i++) {
        size_t n = strlen(note_signs[i].sign);
        if (length < n || memcmp(text, note_signs[i].sign, n) != 0) continue;
        n += n < length && text[n] == ' ';
        *out = (note){.kind = note_signs[i].kind, .text = text + n, .length = length - n};
        return out->kind;
    }
    return NOTE_NONE;
}

static bool is_comment(const char *base, size_t at)
{
    crpi_outline o;
    crpi_outline_at(base, at + 1, &o);
    return o.kind == CRPI_IN_COMMENT && o.inside == at;
}

/* The next note from *at on, which is moved behind it; `from` is where code begins for certain. */
static bool next_note(const runner *r, size_t from, size_t to, size_t *at, note *out)
{
    const char *text = r->e->text;
    for (; *at < to; ++*at) {
        if (text[*at] != '#' || !is_comment(text + from, *at - from)) continue;
        size_t begin = *at + 1;
        const char *stop = memchr(text + begin, '\n', to - begin);
        *at = stop ? (size_t)(stop - text) : to;
        if (judge_comment(text + begin, *at - begin, out) == NOTE_NONE) continue;
        out->line = lines_before(r, begin);
        return true;
    }
    return false;
}

static bool find_note(const runner *r, const part *p, enum note_kind kind, note *out)
{
    for (size_t at = p->from; next_note(r, p->from, p->next, &at, out);)
        if (out->kind == kind) return true;
    return false;
}

/* --- complaints ----------------------------------------------------------------------------------------- */

/* A text under its name; one of several lines begins on the next line. */
static void put_field(crpi_buf *out, const char *name, const char *text, size_t length)
{
    bool lines = memchr(text, '\n', length) != NULL;
    crpi_buf_format(out, "  %s", name);
    for (size_t at = 0; at < length || at == 0;) {
        const char *stop = memchr(text + at, '\n', length - at);
        size_t n = (stop ? (size_t)(stop - text) : length) - at;
        crpi_buf_text(out, lines ? "\n    " : n ? " " : "");
        crpi_buf_escaped(out, text + at, n, SHOWN_TEXT);
        at += n + 1;
    }
    crpi_buf_byte(out, '\n');
}

static void complain(runner *r, const part *p, uint32_t line, const char *what)
{
    const char *form = r->e->text + p->from;
    const char *stop = memchr(form, '\n', p->to - p->from);
    r->failed = true;
    crpi_buf_format(r->report, "%s:%u: %s\n  form:     ", r->e->name, r->e->line + line, what);
    crpi_buf_escaped(r->report, form, stop ? (size_t)(stop - form) : p->to - p->from, SHOWN_FORM);
    crpi_buf_byte(r->report, '\n');
}

static void put_difference(runner *r, const char *expected, size_t length, const crpi_buf *given)
{
    put_field(r->report, "expected:", expected, length);
    put_field(r->report, "given:   ", given->length ? given->bytes : "", given->length);
}

static void put_error(runner *r)
{
    char small[2048];
    const crp_error *error = crp_error_last(r->vm);
    r->failed = true;
    if (!error) return;
    crp_error_text(error, small, sizeof small, 0);
    crpi_buf_text(r->report, small);
    if (r->report->length && r->report->bytes[r->report->length - 1] != '\n') crpi_buf_byte(r->report, '\n');
}

/* --- checks --------------------------------------------------------------------------------------------- */

static const char *find_bytes(const char *text, size_t n, const char *what, size_t length)
{
    return length ? memmem(text, n, what, length) : text;
}

/* Whether the text is the pattern, in which each `...` stands for anything.  The pieces between them are
 * looked for from left to right, the last one at the end. */
static bool fits(const char *pattern, size_t length, const char *text, size_t n)
{
    const char *dots = find_bytes(pattern, length, "...", 3);
    size_t piece = dots ? (size_t)(dots - pattern) : length;
    if (piece > n || memcmp(pattern, text, piece) != 0) return false;
    if (!dots) return piece == n;
    for (;;) {
        text += piece, n -= piece;
        length -= piece + 3;
        pattern += piece + 3;
        dots = find_bytes(pattern, length, "...", 3);
        piece = dots ? (size_t)(dots - pattern) : length;
        if (!dots) return piece <= n && memcmp(pattern, text + n - piece, piece) == 0;
        const char *found = find_bytes(text, n, pattern, piece);
        if (!found) return false;
        n -= (size_t)(found - text);
        text = found;
    }
}

/* The notes of one kind, line by line. */
static void join_notes(const runner *r, const part *p, crpi_buf *out)
{
    note n;
    bool any = false;
    for (size_t at = p->from; next_note(r, p->from, p->next, &at, &n);) {
        if (n.kind != NOTE_PRINTS) continue;
        if (any) crpi_buf_byte(out, '\n');
        crpi_buf_put(out, n.text, n.length);
        any = true;
    }
}

/* What a reader of the page cannot see does not count: blanks at the end of lines, and the last line's end.
 * */
static void drop_invisible(crpi_buf *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->length; i++) {
        if (b->bytes[i] == '\n')
            while (kept && is_blank(b->bytes[kept - 1])) kept--;
        b->bytes[kept++] = b->bytes[i];
    }
    if (kept && b->bytes[kept - 1] == '\n') kept--;
    while (kept && is_blank(b->bytes[kept - 1])) kept--;
    b->length = kept;
}

static void check_output(runner *r, const part *p, uint32_t line)
{
    crpi_buf expected;
    crpi_buf_init(&expected, r->report->mem, MOST_EXPECTED);
    join_notes(r, p, &expected);
    drop_invisible(&r->printed);
    const char *given = r->printed.length ? r->printed.bytes : "";
    if (!fits(expected.length ? expected.bytes : "", expected.length, given, r->printed.length)) {
        complain(r, p, line, "it prints something else");
        put_difference(r, expected.length ? expected.bytes : "", expected.length, &r->printed);
    }
    crpi_buf_free(&expected);
}

static void check_value(runner *r, const part *p, const note *n)
{
    const char *text = n->text, *end = n->text + n->length;
    while (text < end && is_blank(*text)) text++;
    if (fits(text, (size_t)(end - text), r->value.length ? r->value.bytes : "", r->value.length)) return;
    complain(r, p, n->line, "its value is another");
    put_difference(r, text, (size_t)(end - text), &r->value);
}

static size_t read_number(const char *text, size_t length, size_t at, int *out)
{
    for (*out = 0; at < length && text[at] >= '0' && text[at] <= '9' && *out < 1000000; at++)
        *out = *out * 10 + text[at] - '0';
    return at;
}

/* Class, or class.code, then perhaps words of the text. */
static bool is_expected_error(const note *n, const crp_error_info *info)
{
    crpi_buf pattern;
    crpi_mem mem;
    int number;
    size_t at = read_number(n->text, n->length, 0, &number);
    if (!at || number != info->error_class) return false;
    if (at < n->length && n->text[at] == '.') {
        at = read_number(n->text, n->length, at + 1, &number);
        if (number != info->code) return false;
    }
    while (at < n->length && (n->text[at] == ':' || n->text[at] == ' ')) at++;
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&pattern, &mem, 0);
    crpi_buf_format(&pattern, "...%.*s...", (int)(n->length - at), n->text + at);
    bool fit = fits(pattern.bytes, pattern.length, info->message, strlen(info->message));
    crpi_buf_free(&pattern);
    return fit;
}

static void check_error(runner *r, const part *p, const note *n)
{
    crp_error_info info = {.size = sizeof info};
    const crp_error *error = crp_error_last(r->vm);
    if (error) crp_error_info_get(error, &info);
    if (error && is_expected_error(n, &info)) return;
    complain(r, p, n->line, error ? "the error is another" : "it raises no error");
    put_field(r->report, "expected:", n->text, n->length);
    if (error)
        put_error(r);
    else
        put_field(r->report, "value:   ", r->value.length ? r->value.bytes : "", r->value.length);
}

static void check(runner *r, const part *p)
{
    note n;
    if (find_note(r, p, NOTE_ERROR, &n))
        check_error(r, p, &n);
    else if (r->status)
        put_error(r);
    else if (find_note(r, p, NOTE_VALUE, &n))
        check_value(r, p, &n);
    r->judged = find_note(r, p, NOTE_PRINTS, &n);
    if (r->judged) check_output(r, p, n.line);
}

/* --- cutting the text ----------------------------------------------------------------------------------- */

/* Where a line of the page and a column are. */
static size_t offset_of(const runner *r, crpi_place place)
{
    size_t at = 0;
    uint32_t line = place.line;
    for (; line > r->e->line && at < r->e->length; at++) line -= r->e->text[at] == '\n';
    return at + place.column - 1;
}

static bool add_part(runner *r, size_t from, size_t to)
{
    if (!crpi_mem_grow(r->report->mem, &r->parts, &r->capacity, r->count + 1, sizeof *r->parts)) return false;
    part *last = r->count ? &r->parts[r->count - 1] : NULL;
    if (last) last->next = from;
    bool joined = last && !memchr(r->e->text + last->to, '\n', from - last->to);
    r->parts[r->count++] = (part){from, to, r->e->length, joined};
    return true;
}

static crp_status cut(runner *r)
{
    crpi_reader reader;
    crpi_place at;
    crp_word form;
    bool end = false;
    size_t fresh = crpi_look_begin(r->vm);
    crpi_reader_init(&reader, r->vm, r->e->name, r->e->text, r->e->length, NULL);
    reader.line = r->e->line;
    crp_status st = CRP_OK;
    while (!st) {
        st = crpi_read(&reader, &form, &at, &end);
        if (st || end) break;
        if (!add_part(r, offset_of(r, at), (size_t)(reader.at - r->e->text))) st = crp_no_memory(r->vm);
        r->vm->heap.fresh_count = fresh;
    }
    return crpi_look_end(r->vm, fresh, st);
}

/* A note above the first form says something about none. */
static void check_first_lines(runner *r)
{
    note n;
    size_t at = 0;
    part nothing = {0, 0, r->count ? r->parts[0].from : r->e->length, false};
    if (next_note(r, 0, nothing.next, &at, &n)) complain(r, &nothing, n.line, "no form stands before this");
}

/* --- running -------------------------------------------------------------------------------------------- */

/* Lines before the text take the place of what the page has there, so that the reader counts as the page
 * does. */
static crp_status make_source(runner *r, crpi_source **out)
{
    crpi_buf text;
    crpi_buf_init(&text, r->report->mem, 0);
    for (uint32_t line = 1; line < r->e->line; line++) crpi_buf_byte(&text, '\n');
    crpi_buf_put(&text, r->e->text, r->e->length);
    crp_status st = text.failed || text.overflow ? crp_no_memory(r->vm)
                                                 : crpi_source_new(r->vm, r->e->name, text.bytes, text.length,
                                                                   r->vm->loader->scopes[0], out);
    crpi_buf_free(&text);
    return st;
}

static crp_status begin_loading(runner *r)
{
    crpi_visit visit;
    crpi_source *source;
    crp_status st = crpi_visit_begin(r->vm, &visit);
    if (st) return st;
    st = make_source(r, &source);
    if (!st) st = crpi_loading_begin(r->vm, &r->loading, source);
    return crpi_visit_end(r->vm, &visit, st);
}

static void run_form(runner *r, bool call)
{
    crpi_visit visit;
    crp_word function;
    r->value.length = 0;
    r->status = crpi_visit_begin(r->vm, &visit);
    if (r->status) return;
    crp_status st = crpi_loading_next(r->vm, &r->loading, &function);
    if (!st && call) st = crpi_call(r->vm, function, NULL, 0, &r->loading.value);
    if (!st && call) crpi_print(r->vm, &r->value, r->loading.value, CRPI_READABLE, MOST_EXPECTED);
    r->status = crpi_visit_end(r->vm, &visit, st);
    r->stopped = r->vm->stopped || st == CRP_E_CANCELLED;
}

/* A line that is not yet ended goes on with what the next form prints. */
static void drop_lines(crpi_buf *b, bool all)
{
    size_t kept = 0;
    while (!all && kept < b->length && b->bytes[b->length - 1 - kept] != '\n') kept++;
    if (kept) memmove(b->bytes, b->bytes + b->length - kept, kept);
    b->length = kept;
}

static void run_part(runner *r, const part *p)
{
    note n;
    bool call = !r->e->compile_only && !find_note(r, p, NOTE_NOT_RUN, &n);
    if (r->judged || !p->joined) drop_lines(&r->printed, r->judged);
    r->judged = false;
    run_form(r, call);
    r->e->printed(r->e->ud, &r->printed);
    if (call)
        check(r, p);
    else if (r->status)
        put_error(r);
}

static void run_parts(runner *r)
{
    crp_status st = begin_loading(r);
    if (st) put_error(r);
    for (size_t i = 0; !st && i < r->count && !r->stopped; i++) run_part(r, &r->parts[i]);
    if (r->loading.source) crpi_loading_end(r->vm, &r->loading);
}

/* A text that cannot be read is an example too, of a parse error: the note stands behind the last form that
 * could. */
static void judge_unreadable(runner *r)
{
    size_t from = r->count ? r->parts[r->count - 1].to : 0;
    part rest = {from, r->e->length, r->e->length, false};
    check(r, &rest);
}

bool crpi_example_run(const crpi_example *e, crpi_buf *report)
{
    runner r = {.e = e, .vm = e->vm, .report = report};
    crpi_buf_init(&r.value, report->mem, 0);
    crpi_buf_init(&r.printed, report->mem, 0);
    r.status = cut(&r);
    if (r.status) {
        judge_unreadable(&r);
    } else {
        check_first_lines(&r);
        run_parts(&r);
    }
    crpi_buf_free(&r.value);
    crpi_buf_free(&r.printed);
    crpi_mem_free(report->mem, r.parts, r.capacity * sizeof *r.parts);
    return !r.failed;
}
