/* Lines, and what stands in them. */
#include "conf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "lib.h"
#include "reader.h"

static crp_status bad_line(const crpi_conf *f, size_t number, const char *what)
{
    return crp_raise(f->vm, CRP_ERR_CONFIG, 1, "%s:%zu: %s", f->path, number, what);
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Takes the blanks off both ends of a range of the text. */
static void trim(const crpi_conf *f, size_t *from, size_t *to)
{
    while (*from < *to && is_blank(f->text.bytes[*from])) ++*from;
    while (*from < *to && is_blank(f->text.bytes[*to - 1])) --*to;
}

static bool same(const crpi_conf *f, const crpi_conf_line *l, const char *name, size_t n)
{
    return l->name_end - l->name == n && memcmp(f->text.bytes + l->name, name, n) == 0;
}

/* --- values --------------------------------------------------------------------------------------------- */

static bool is_value(crp_word w)
{
    return crp_is_string(w) || crp_is_integer(w) || w == CRP_TRUE || w == CRP_NIL;
}

/* One form, `used` bytes, and nothing behind it but a comment. */
static crp_status read_value(const crpi_conf *f, const crpi_conf_line *l, crp_word *out, size_t *used,
                             bool *good)
{
    crpi_reader reader;
    crp_word more;
    bool end = false, second = false;
    const char *text = f->text.bytes + l->value;
    crpi_reader_init(&reader, f->vm, f->path, text, l->value_end - l->value, NULL);
    crp_status st = crpi_read(&reader, out, NULL, &end);
    *used = (size_t)(reader.at - text);
    if (!st && !end) st = crpi_read(&reader, &more, NULL, &second);
    *good = !st && !end && second && is_value(*out);
    return st == CRP_E_NOMEM ? st : CRP_OK;
}

crp_status crpi_conf_value(const crpi_conf *f, long line, crp_word *out)
{
    bool good;
    size_t used;
    return read_value(f, &f->lines[line], out, &used, &good);
}

/* What is wrong with a String, such as an escape, the reader says. */
static crp_status bad_value(const crpi_conf *f, const crpi_conf_line *l, size_t number)
{
    int error_class, code;
    const char *text;
    size_t n;
    crp_word error = crp_pending_error(f->vm);
    bool quoted = l->value < l->value_end && f->text.bytes[l->value] == '"';
    if (!quoted || error == CRP_NIL)
        return bad_line(f, number, "expected a String in quotes, an Integer, true or ()");
    crp_error_get(f->vm, error, &error_class, &code, &text, &n);
    if (code == CRPI_PARSE_END) return bad_line(f, number, "the String has no closing quote");
    return crp_raise(f->vm, CRP_ERR_CONFIG, 1, "%s:%zu: %.*s", f->path, number, (int)n, text);
}

/* Finds out where the value ends, too. */
static crp_status check_value(const crpi_conf *f, crpi_conf_line *l, size_t number)
{
    crp_word value;
    bool good;
    size_t used;
    crp_status st = read_value(f, l, &value, &used, &good);
    if (st || !good) return st ? st : bad_value(f, l, number);
    l->value_end = l->value + used;
    return CRP_OK;
}

/* --- lines ---------------------------------------------------------------------------------------------- */

static crp_status read_section(crpi_conf *f, crpi_conf_line *l, size_t from, size_t to, size_t number)
{
    const char *text = f->text.bytes, *bracket = memchr(text + from, ']', to - from);
    if (!bracket) return bad_line(f, number, "expected ] behind the name of the section");
    size_t behind = (size_t)(bracket - text) + 1;
    l->section = true;
    l->name = from + 1;
    l->name_end = behind - 1;
    trim(f, &l->name, &l->name_end);
    trim(f, &behind, &to);
    if (behind < to && text[behind] != '#') return bad_line(f, number, "something stands behind the ]");
    if (l->name < l->name_end) return CRP_OK;
    return bad_line(f, number, "expected the name of a section between [ and ]");
}

static crp_status read_pair(crpi_conf *f, crpi_conf_line *l, size_t from, size_t to, size_t number)
{
    const char *text = f->text.bytes, *equals = memchr(text + from, '=', to - from);
    if (!equals) return bad_line(f, number, "expected name = value");
    l->pair = true;
    l->name = from;
    l->name_end = (size_t)(equals - text);
    l->value = l->name_end + 1;
    l->value_end = to;
    trim(f, &l->name, &l->name_end);
    trim(f, &l->value, &l->value_end);
    if (l->name == l->name_end) return bad_line(f, number, "expected a name before the =");
    f->secret |= same(f, l, "password", 8) || same(f, l, "secret", 6);
    return check_value(f, l, number);
}

static crp_status read_line(crpi_conf *f, crpi_conf_line *l, bool in_section, size_t number)
{
    size_t from = l->at, to = l->end;
    if (to > from && f->text.bytes[to - 1] == '\n') to--;
    trim(f, &from, &to);
    if (from == to || f->text.bytes[from] == '#') return CRP_OK;
    if (f->text.bytes[from] == '[') return read_section(f, l, from, to, number);
    if (!in_section) return bad_line(f, number, "expected a section first, as in [Services/Office]");
    return read_pair(f, l, from, to, number);
}

static crp_status read_lines(crpi_conf *f)
{
    bool in_section = false, marked = f->text.length >= 3 && memcmp(f->text.bytes, "\xEF\xBB\xBF", 3) == 0;
    f->count = 0;
    f->secret = false;
    for (size_t at = marked ? 3 : 0; at < f->text.length;) {
        const char *from = f->text.bytes + at, *feed = memchr(from, '\n', f->text.length - at);
        if (!crpi_mem_grow(&f->vm->mem, &f->lines, &f->capacity, f->count + 1, sizeof *f->lines))
            return crp_no_memory(f->vm);
        crpi_conf_line *l = &f->lines[f->count++];
        *l = (crpi_conf_line){.at = at, .end = feed ? (size_t)(feed - f->text.bytes) + 1 : f->text.length};
        crp_status st = read_line(f, l, in_section, f->count);
        if (st) return st;
        in_section |= l->section;
        at = l->end;
    }
    return CRP_OK;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* Whether there is a file to be read; a device, as /dev/null, holds nothing. */
static bool is_there(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0) return !S_ISCHR(status.st_mode);
    return errno != ENOENT && errno != ENOTDIR;
}

crp_status crpi_conf_read(crp *vm, const char *path, crpi_conf *f)
{
    *f = (crpi_conf){.vm = vm, .path = path};
    crpi_buf_init(&f->text, &vm->mem, CRPI_LIB_CAP);
    f->exists = is_there(path);
    crp_status st = f->exists ? crpi_lib_read_text(vm, path, &f->text, &f->mode) : CRP_OK;
    if (!st && f->text.length > CRPI_MOST_CONF)
        st = crp_raise(vm, CRP_ERR_CONFIG, 1, "%s: a configuration file may have %d bytes, this one has %zu",
                       path, (int)CRPI_MOST_CONF, f->text.length);
    return st ? st : read_lines(f);
}

void crpi_conf_free(crpi_conf *f)
{
    crpi_buf_free(&f->text);
    crpi_mem_free(&f->vm->mem, f->lines, f->capacity * sizeof *f->lines);
    f->lines = NULL;
    f->count = f->capacity = 0;
}

/* --- finding -------------------------------------------------------------------------------------------- */

long crpi_conf_section(const crpi_conf *f, const char *name, size_t n)
{
    for (long i = (long)f->count - 1; i >= 0; i--)
        if (f->lines[i].section && same(f, &f->lines[i], name, n)) return i;
    return CRPI_NO_LINE;
}

long crpi_conf_section_end(const crpi_conf *f, long section)
{
    long i = section + 1;
    while (i < (long)f->count && !f->lines[i].section) i++;
    return i;
}

bool crpi_conf_sets(const crpi_conf *f, long line, const char *name, size_t n)
{
    return f->lines[line].pair && same(f, &f->lines[line], n ? name : "@", n ? n : 1);
}

long crpi_conf_find(const crpi_conf *f, long section, const char *name, size_t n)
{
    for (long i = crpi_conf_section_end(f, section) - 1; i > section; i--)
        if (crpi_conf_sets(f, i, name, n)) return i;
    return CRPI_NO_LINE;
}

const char *crpi_conf_name(const crpi_conf *f, long line, size_t *n)
{
    const crpi_conf_line *l = &f->lines[line];
    *n = l->pair && same(f, l, "@", 1) ? 0 : l->name_end - l->name;
    return f->text.bytes + l->name;
}

long crpi_conf_last(const crpi_conf *f, long section)
{
    long last = section;
    for (long i = section + 1; i < (long)f->count && !f->lines[i].section; i++)
        if (f->lines[i].pair) last = i;
    return last;
}

/* --- changing ------------------------------------------------------------------------------------------- */

/* Puts bytes in the place of a range of the text. */
static crp_status splice(crpi_conf *f, size_t from, size_t to, const crpi_buf *middle)
{
    crpi_buf text;
    crpi_buf_init(&text, &f->vm->mem, CRPI_LIB_CAP);
    if (from) crpi_buf_put(&text, f->text.bytes, from);
    if (middle && middle->length) crpi_buf_put(&text, middle->bytes, middle->length);
    if (to < f->text.length) crpi_buf_put(&text, f->text.bytes + to, f->text.length - to);
    bool failed = text.failed || text.overflow || (middle && (middle->failed || middle->overflow));
    if (failed) {
        crpi_buf_free(&text);
        return crp_no_memory(f->vm);
    }
    crpi_buf_free(&f->text);
    f->text = text;
    return read_lines(f);
}

/* A new line goes behind `line`; the last one of a file may lack its line feed. */
static crp_status add_behind(crpi_conf *f, long line, crpi_buf *added)
{
    size_t at = line < 0 ? f->text.length : f->lines[line].end;
    bool whole = at == 0 || f->text.bytes[at - 1] == '\n';
    if (whole) return splice(f, at, at, added);
    crpi_buf feed;
    crpi_buf_init(&feed, &f->vm->mem, 0);
    crpi_buf_byte(&feed, '\n');
    crp_status st = splice(f, at, at, &feed);
    crpi_buf_free(&feed);
    return st ? st : splice(f, at + 1, at + 1, added);
}

crp_status crpi_conf_add_section(crpi_conf *f, const char *name, size_t n)
{
    crpi_buf line;
    if (crpi_conf_section(f, name, n) != CRPI_NO_LINE) return CRP_OK;
    crpi_buf_init(&line, &f->vm->mem, CRPI_LIB_CAP);
    if (f->text.length) crpi_buf_byte(&line, '\n');
    crpi_buf_format(&line, "[%.*s]\n", (int)n, name);
    crp_status st = add_behind(f, -1, &line);
    crpi_buf_free(&line);
    return st;
}

crp_status crpi_conf_set(crpi_conf *f, long section, const char *name, size_t n, crp_word value)
{
    crpi_buf line;
    crp_word text;
    size_t length;
    crp_status st = crp_to_string(f->vm, value, true, &text);
    if (st) return st;
    const char *written = crp_string_data(text, &length);
    long old = crpi_conf_find(f, section, name, n);
    crpi_buf_init(&line, &f->vm->mem, CRPI_LIB_CAP);
    if (old == CRPI_NO_LINE) {
        crpi_buf_format(&line, "%.*s = ", n ? (int)n : 1, n ? name : "@");
        crpi_buf_put(&line, written, length);
        crpi_buf_byte(&line, '\n');
        st = add_behind(f, crpi_conf_last(f, section), &line);
    } else {
        crpi_buf_put(&line, written, length);
        st = splice(f, f->lines[old].value, f->lines[old].value_end, &line);
    }
    crpi_buf_free(&line);
    return st;
}

crp_status crpi_conf_sweep(crpi_conf *f)
{
    crpi_buf text;
    crpi_buf_init(&text, &f->vm->mem, CRPI_LIB_CAP);
    for (size_t i = 0; i < f->count; i++)
        if (!f->lines[i].gone)
            crpi_buf_put(&text, f->text.bytes + f->lines[i].at, f->lines[i].end - f->lines[i].at);
    crp_status st = splice(f, 0, f->text.length, &text);
    crpi_buf_free(&text);
    return st;
}

crp_status crpi_conf_copy_section(crpi_conf *f, const crpi_conf *from, long section)
{
    crpi_buf lines;
    size_t at = from->lines[section].at, end = from->lines[crpi_conf_last(from, section)].end;
    crpi_buf_init(&lines, &f->vm->mem, CRPI_LIB_CAP);
    if (f->text.length) crpi_buf_byte(&lines, '\n');
    crpi_buf_put(&lines, from->text.bytes + at, end - at);
    if (from->text.bytes[end - 1] != '\n') crpi_buf_byte(&lines, '\n');
    crp_status st = add_behind(f, -1, &lines);
    crpi_buf_free(&lines);
    return st;
}
