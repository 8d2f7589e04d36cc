/* floor 4: values to JSON text.
 *
 * One loop over a stack of containers that are half written.  A cycle through elements is a container that
 * stands on the stack twice: each that is opened is compared with one mark, which moves up whenever the
 * stack has doubled, so a path that goes round for ever meets it, and a path that does not costs one
 * comparison a level.
 */
#include "json.h"

#include <math.h>
#include "class.h"
#include "instant.h"
#include "map.h"
#include "number.h"
#include "str.h"
#include "utf8.h"
#include "value.h"

enum frame_kind { A_LIST, AN_ARRAY, A_TABLE, AN_OBJECT };

typedef struct frame {
    crp_word whole;
    crp_word pair; /* List: whose head comes next */
    size_t at; /* Array: next index; table: cursor; object: next member */
    enum frame_kind kind;
    bool begun; /* something has been written, so what follows needs a comma */
} frame;

typedef struct writer {
    crp *vm;
    crpi_buf out;
    unsigned indent;
    enum crpi_json_empty empty;
    frame *frames;
    size_t depth, capacity;
    size_t mark; /* the frame that others are compared with */
} writer;

/* --- scalars -------------------------------------------------------------------------------------------- */

static crp_status refuse(const writer *w, crp_word given, const char *why)
{
    return crp_raise(w->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "JSON has no form for %n %v: %s", given, given,
                     why);
}

static crp_status put_integer(writer *w, int64_t i)
{
    char text[CRPI_INTEGER_TEXT];
    crpi_buf_put(&w->out, text, crpi_integer_text(i, text));
    return CRP_OK;
}

static crp_status put_real(writer *w, crp_word given)
{
    char text[CRPI_REAL_TEXT];
    double d = crp_real_value(given);
    if (!isfinite(d)) return refuse(w, given, "expected a finite number");
    crpi_buf_put(&w->out, text, crpi_real_text(d, text));
    return CRP_OK;
}

/* A quote, a backslash or a control character. */
static void put_escape(writer *w, unsigned char c)
{
    static const char values[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    const char *known = memchr(values, c, sizeof values - 1);
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (known) text[1] = letters[known - values];
    crpi_buf_put(&w->out, text, known ? 2 : 6);
}

/* The bytes of `given` between quotes. */
static crp_status put_bytes(writer *w, const char *bytes, size_t n, crp_word given)
{
    const char *run = bytes, *s = bytes, *end = bytes + n;
    uint32_t code;
    crpi_buf_byte(&w->out, '"');
    while ((s = crpi_json_plain(s, end)) < end) {
        if ((unsigned char)*s >= 0x80) {
            s += crpi_utf8_decode(s, (size_t)(end - s), &code);
            if (code == CRPI_UTF8_BROKEN) return refuse(w, given, "expected UTF-8");
            continue;
        }
        crpi_buf_put(&w->out, run, (size_t)(s - run));
        put_escape(w, (unsigned char)*s);
        run = ++s;
    }
    crpi_buf_put(&w->out, run, (size_t)(end - run));
    crpi_buf_byte(&w->out, '"');
    return CRP_OK;
}

static crp_status put_string(writer *w, crp_word string)
{
    size_t n;
    const char *bytes = crp_string_data(string, &n);
    return put_bytes(w, bytes, n, string);
}

/* The three that are literals in JSON stand for themselves. */
static crp_status put_symbol(writer *w, crp_word symbol, bool key)
{
    size_t n;
    const char *name = crp_symbol_name(w->vm, symbol, &n);
    bool literal = (n == 4 && (memcmp(name, "true", 4) == 0 || memcmp(name, "null", 4) == 0)) ||
                   (n == 5 && memcmp(name, "false", 5) == 0);
    if (!literal || key) return put_bytes(w, name, n, symbol);
    crpi_buf_put(&w->out, name, n);
    return CRP_OK;
}

static crp_status put_key(writer *w, crp_word key)
{
    crp_status st = CRP_OK;
    if (crp_is_string(key)) return put_string(w, key);
    if (crp_is_symbol(key)) return put_symbol(w, key, true);
    if (!crp_is_integer(key) && !crp_is_real(key))
        return refuse(w, key, "expected a String, Symbol or number as key");
    crpi_buf_byte(&w->out, '"');
    st = crp_is_integer(key) ? put_integer(w, crp_integer_value(key)) : put_real(w, key);
    crpi_buf_byte(&w->out, '"');
    return st;
}

/* --- containers ----------------------------------------------------------------------------------------- */

static char opener(const frame *f) { return f->kind <= AN_ARRAY ? '[' : '{'; }
static char closer(const frame *f) { return f->kind <= AN_ARRAY ? ']' : '}'; }

static void put_line(writer *w)
{
    static const char blanks[CRPI_JSON_INDENT + 1] = "                                ";
    if (w->indent == 0) return;
    crpi_buf_byte(&w->out, '\n');
    for (size_t i = 0; i < w->depth && !w->out.failed && !w->out.overflow; i++)
        crpi_buf_put(&w->out, blanks, w->indent);
}

static crp_status cycle(const writer *w)
{
    return crp_raise(w->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "JSON cannot hold a value that holds itself");
}

static crp_status open_frame(writer *w, enum frame_kind kind, crp_word whole)
{
    if (w->depth && w->frames[w->mark].whole == whole) return cycle(w);
    if (!crpi_mem_grow(&w->vm->mem, &w->frames, &w->capacity, w->depth + 1, sizeof *w->frames))
        return crp_no_memory(w->vm);
    w->frames[w->depth++] = (frame){.whole = whole, .pair = whole, .kind = kind};
    if (w->depth > 2 * (w->mark + 1)) w->mark = w->depth - 1;
    crpi_buf_byte(&w->out, opener(&w->frames[w->depth - 1]));
    return CRP_OK;
}

static void close_frame(writer *w)
{
    frame f = w->frames[--w->depth];
    if (w->mark >= w->depth) w->mark = w->depth / 2;
    if (f.begun) put_line(w);
    crpi_buf_byte(&w->out, closer(&f));
}

/* Whether the tails run in a circle. */
static bool is_circular(crp_word list)
{
    crp_word mark = list;
    for (size_t steps = 1, power = 16; crp_is_pair(list = crp_tail(list)); steps++) {
        if (list == mark) return true;
        if (steps == power) mark = list, power *= 2;
    }
    return false;
}

/* The next item of a frame; *key is CRP_UNSET where there are no keys.  False: there is none. */
static bool next_entry(writer *w, frame *f, crp_word *key, crp_word *value)
{
    *key = CRP_UNSET;
    switch (f->kind) {
    case A_LIST:
        if (!crp_is_pair(f->pair)) return false;
        *value = crp_head(f->pair);
        f->pair = crp_tail(f->pair);
        return true;
    case AN_ARRAY:
        if (f->at == crpi_array_of(f->whole)->count) return false;
        *value = crpi_array_of(f->whole)->items[f->at++];
        return true;
    case A_TABLE: return crpi_map_next(crpi_map_of(f->whole), &f->at, key, value);
    default: break;
    }
    uint32_t class_id, number;
    crpi_face_of(f->whole, &class_id, &number);
    const crpi_face *face = &crpi_class_by_id(w->vm, class_id)->faces[number];
    for (; f->at < face->count; f->at++) {
        const crpi_member *m = face->members[f->at];
        if (m->kind != CRPI_SLOT || m->flags & (CRPI_PRIVATE | CRPI_SECRET)) continue;
        f->at++;
        *key = m->name;
        *value = ((const crp_word *)(const void *)((const char *)crp_object_of(crpi_unview(f->whole)) +
                                                   m->offset))[0];
        return true;
    }
    return false;
}

/* --- values --------------------------------------------------------------------------------------------- */

static crp_status put_empty(writer *w)
{
    static const char *const texts[] = {"null", "false", "[]"};
    crpi_buf_text(&w->out, texts[w->empty]);
    return CRP_OK;
}

static crp_status put_time(writer *w, crp_word given)
{
    crpi_buf_byte(&w->out, '"');
    crpi_instant_put(&w->out, crpi_time_of(given));
    crpi_buf_byte(&w->out, '"');
    return CRP_OK;
}

static crp_status put_object(writer *w, crp_word given)
{
    switch (crp_class_of(given)) {
    case CRP_INTEGER: return put_integer(w, crp_integer_value(given));
    case CRP_REAL: return put_real(w, given);
    case CRP_STRING: return put_string(w, given);
    case CRP_TIME: return put_time(w, given);
    case CRP_ARRAY: return open_frame(w, AN_ARRAY, given);
    case CRP_HASHTABLE: return open_frame(w, A_TABLE, given);
    case CRP_BINARY: return refuse(w, given, "expected text, such as its base64 or hex");
    default: break;
    }
    if (crpi_class_by_id(w->vm, crp_class_of(given))->script) return open_frame(w, AN_OBJECT, given);
    return refuse(w, given, "expected a String, Symbol, number, List, Array, HashTable or script object");
}

/* Writes a value, or opens it. */
static crp_status put_value(writer *w, crp_word given)
{
    if (crp_is_fixnum(given)) return put_integer(w, crp_fixnum_value(given));
    if (crp_is_flonum(given)) return put_real(w, given);
    if (crp_is_symbol(given)) return put_symbol(w, given, false);
    if (crp_is_object(given)) return put_object(w, given);
    if (!crp_is_pair(given)) return put_empty(w);
    return is_circular(given) ? cycle(w) : open_frame(w, A_LIST, given);
}

static crp_status step(writer *w)
{
    crp_word key, value;
    frame *f = &w->frames[w->depth - 1];
    if (!next_entry(w, f, &key, &value)) {
        close_frame(w);
        return CRP_OK;
    }
    if (f->begun) crpi_buf_byte(&w->out, ',');
    f->begun = true;
    put_line(w);
    if (key != CRP_UNSET) {
        crp_status st = put_key(w, key);
        if (st) return st;
        crpi_buf_put(&w->out, ": ", w->indent ? 2 : 1);
    }
    return put_value(w, value);
}

crp_status crpi_json_write(crp *vm, crp_word value, unsigned indent, enum crpi_json_empty empty,
                           crp_word *out)
{
    writer w = {.vm = vm, .indent = indent, .empty = empty};
    crpi_buf_init(&w.out, &vm->mem, 0);
    crp_status st = put_value(&w, value);
    while (!st && w.depth && !w.out.failed && !w.out.overflow) st = step(&w);
    crpi_mem_free(&vm->mem, w.frames, w.capacity * sizeof *w.frames);
    if (!st && w.out.failed) st = crp_no_memory(vm);
    if (!st && w.out.overflow)
        st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                       "the JSON text of the value is longer than 1 GiB");
    if (st) {
        crpi_buf_free(&w.out);
        return st;
    }
    return crp_string_take(vm, w.out.bytes, w.out.length, w.out.capacity, out);
}
