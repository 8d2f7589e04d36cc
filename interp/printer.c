/* floor 3, printer.c: values to text.
 *
 * One loop over an explicit stack: each frame is a List or container that is half printed.  Cycles are found
 * in two ways: round the tails of a List, because its pairs are counted before it is printed; and through
 * elements, because the values of all frames are kept in a set, in which each further one is looked up.
 */
#include "printer.h"

#include <string.h>
#include "error.h"
#include "instant.h"
#include "map.h"
#include "number.h"
#include "str.h"
#include "token.h"
#include "utf8.h"
#include "value.h"

enum frame_kind { A_LIST, A_MEMBER /* (. o p), whose `o` is printed first */, AN_ARRAY, A_TABLE, AN_ENTRY };

typedef struct frame {
    crp_word whole; /* what is printed; of an entry, its value */
    crp_word at;    /* List: the pair whose head comes next; member: its name */
    size_t left;    /* List: pairs to come; Array: next index; table: cursor; entry: elements to come */
    uint8_t kind;
    bool begun; /* an element has been printed, so the next one needs a space */
} frame;

typedef struct printer {
    crp *vm;
    crpi_buf *out;
    size_t start, limit;
    frame *frames;
    size_t depth, capacity;
    uint32_t *slots; /* the set: frame number + 1, open addressing */
    size_t slot_count;
    size_t steps;
} printer;

enum { STEPS_AT_ONCE = 1 << 20 };

/* --- bytes out ---------------------------------------------------------------------------------------- */

static bool full(const printer *p)
{
    return p->out->failed || p->out->overflow || (p->limit && p->out->length - p->start > p->limit);
}

/* No more than one byte over the limit: that is how `full` knows. */
static void put(printer *p, const void *bytes, size_t n)
{
    if (full(p)) return;
    size_t room = p->limit ? p->limit + 1 - (p->out->length - p->start) : n;
    crpi_buf_put(p->out, bytes, n < room ? n : room);
}

static void put_text(printer *p, const char *text) { put(p, text, strlen(text)); }

static void put_integer(printer *p, int64_t i)
{
    char text[CRPI_INTEGER_TEXT];
    put(p, text, crpi_integer_text(i, text));
}

static void put_hex(printer *p, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    char pair[2] = {digits[byte >> 4], digits[byte & 15]};
    put(p, pair, 2);
}

/* What is cut is cut between characters, and ends in "...". */
static void cut(printer *p)
{
    if (!p->limit || p->out->length - p->start <= p->limit) return;
    size_t length = p->limit;
    const char *bytes = p->out->bytes + p->start;
    for (int i = 0; i < 3 && length && (bytes[length] & 0xc0) == 0x80; i++) length--;
    p->out->length = p->start + length;
    crpi_buf_text(p->out, "...");
}

/* --- Strings, Symbols, Binaries ----------------------------------------------------------------------- */

/* The escape of one character or broken byte, of n bytes. */
static void put_escape(printer *p, const char *s, size_t n)
{
    static const char values[] = "\n\r\t\0\033\\\"|", letters[] = "nrt0e\\\"|";
    const char *known = memchr(values, *s, sizeof values - 1);
    char named[2] = {'\\', 0};
    if (known) {
        named[1] = letters[known - values];
        put(p, named, 2);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        put_text(p, "\\x");
        put_hex(p, (unsigned char)s[i]);
    }
}

static bool shown_plain(uint32_t c, char quote)
{
    if (c < 0x7f) return c >= 0x20 && c != '\\' && c != (uint32_t)quote;
    return quote == '|' ? crpi_token_visible(c) : crpi_token_harmless(c);
}

/* The bytes as they stand between such quotes, in runs of those that need no escape. */
static void put_escaped(printer *p, const char *bytes, size_t length, char quote)
{
    const char *run = bytes, *s = bytes, *end = bytes + length;
    while (s < end && !full(p)) {
        uint32_t c = 0;
        size_t n = crpi_utf8_decode(s, (size_t)(end - s), &c);
        if (!shown_plain(c, quote)) {
            put(p, run, (size_t)(s - run));
            put_escape(p, s, n);
            run = s + n;
        }
        s += n;
        if (p->limit && (size_t)(s - run) > p->limit) break;
    }
    put(p, run, (size_t)(s - run));
}

static void put_string(printer *p, const char *bytes, size_t length)
{
    put(p, "\"", 1);
    put_escaped(p, bytes, length, '"');
    put(p, "\"", 1);
}

/* What is printed now is the left side of a member form, so a dot comes next. */
static bool dot_follows(const printer *p) { return p->depth && p->frames[p->depth - 1].kind == A_MEMBER; }

/* A name that would not read back stands between bars: after a dot (`member`) also one with colons or dots,
 * before one the operator `|`.  The first character is escaped where the bar would read as that operator. */
static void put_symbol(printer *p, crp_word w, bool member)
{
    const crpi_symbol *s = crpi_symbol_of(&p->vm->symbols, w);
    const char *name = s->name, *end = name + s->length;
    bool pointed = member && (*name == '.' || memchr(name, ':', s->length));
    bool bar = s->length == 1 && *name == '|' && dot_follows(p);
    if (!pointed && !bar && crpi_reads_as_symbol(name, s->length)) {
        put(p, name, s->length);
        return;
    }
    put(p, "|", 1);
    if (name == end) put_text(p, "\\&");
    else if (strchr("| ()[]{}\"'`,#", *name)) put_escape(p, name++, 1);
    put_escaped(p, name, (size_t)(end - name), '|');
    put(p, "|", 1);
}

static void put_binary(printer *p, crp_word w)
{
    size_t n;
    const unsigned char *bytes = crp_binary_data(w, &n);
    put_text(p, "0x\"");
    for (size_t i = 0; i < n && !full(p); i++) put_hex(p, bytes[i]);
    put(p, "\"", 1);
}

/* --- objects without elements ------------------------------------------------------------------------- */

static void put_real(printer *p, crp_word w)
{
    char text[CRPI_REAL_TEXT];
    put(p, text, crpi_real_text(crp_real_value(w), text));
}

static void put_error(printer *p, crp_word w)
{
    int error_class, code;
    const char *text;
    size_t length;
    crp_error_get(p->vm, w, &error_class, &code, &text, &length);
    put_text(p, "#<Error ");
    put_integer(p, error_class);
    put(p, ".", 1);
    put_integer(p, code);
    put(p, " ", 1);
    put_string(p, text, length);
    put(p, ">", 1);
}

static void put_time(printer *p, crp_word w)
{
    crpi_buf text;
    crpi_buf_init(&text, &p->vm->mem, 0);
    crpi_instant_put(&text, crpi_time_of(w));
    put_text(p, "#<Time ");
    put(p, text.bytes, text.length);
    put(p, ">", 1);
    if (text.failed) p->out->failed = true;
    crpi_buf_free(&text);
}

static void put_buffer(printer *p, crp_word w)
{
    const crpi_buffer *b = (const crpi_buffer *)crp_object_of(w);
    put_text(p, "#<Buffer ");
    put_integer(p, (int64_t)b->length);
    put_text(p, " of ");
    put_integer(p, (int64_t)b->capacity);
    put_text(p, " bytes>");
}

/* --- the path: frames, and the set of their values ------------------------------------------------------ */

/* The slot that holds the value's frame, or the empty one where it belongs. */
static size_t path_slot(const printer *p, crp_word whole)
{
    size_t mask = p->slot_count - 1, i = (size_t)(whole * 0x9e3779b97f4a7c15ull >> 20) & mask;
    while (p->slots[i] && p->frames[p->slots[i] - 1].whole != whole) i = (i + 1) & mask;
    return i;
}

static bool on_path(const printer *p, crp_word whole)
{
    return p->slot_count && p->slots[path_slot(p, whole)];
}

/* Frames enter the wider set in their order, so that the last one to enter is again the first to leave: an
 * emptied slot is then never in the way of another's search. */
static bool widen_path(printer *p)
{
    size_t count = p->slot_count ? p->slot_count * 2 : 32;
    uint32_t *slots = crpi_mem_alloc(&p->vm->mem, count * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, count * sizeof *slots);
    crpi_mem_free(&p->vm->mem, p->slots, p->slot_count * sizeof *slots);
    p->slots = slots;
    p->slot_count = count;
    for (size_t i = 0; i < p->depth; i++)
        if (p->frames[i].kind != AN_ENTRY) p->slots[path_slot(p, p->frames[i].whole)] = (uint32_t)i + 1;
    return true;
}

static void push(printer *p, frame f)
{
    bool room = p->depth < UINT32_MAX - 1 &&
                crpi_mem_grow(&p->vm->mem, &p->frames, &p->capacity, p->depth + 1, sizeof f) &&
                (p->depth * 2 < p->slot_count || widen_path(p));
    if (!room) {
        p->out->failed = true;
        return;
    }
    p->frames[p->depth++] = f;
    if (f.kind != AN_ENTRY) p->slots[path_slot(p, f.whole)] = (uint32_t)p->depth;
}

static void pop(printer *p, const char *closer)
{
    const frame *f = &p->frames[p->depth - 1];
    if (f->kind != AN_ENTRY) p->slots[path_slot(p, f->whole)] = 0;
    p->depth--;
    put_text(p, closer);
}

/* --- Lists round their tails -------------------------------------------------------------------------- */

/* How many pairs come before one comes again, when the tails run in a circle of `lap` pairs. */
static size_t pairs_before_repeat(crp_word list, size_t lap)
{
    size_t n = lap;
    crp_word ahead = list;
    for (size_t i = 0; i < lap; i++) ahead = crp_tail(ahead);
    for (; list != ahead; n++) {
        list = crp_tail(list);
        ahead = crp_tail(ahead);
    }
    return n;
}

/* The pairs of a List, each once; no more are counted than the limit lets be seen. */
static size_t count_pairs(const printer *p, crp_word list)
{
    size_t n = 0, lap = 0, power = 1, most = p->limit ? p->limit + 1 : SIZE_MAX;
    crp_word mark = list, at = list;
    while (crp_is_pair(at) && n < most) {
        at = crp_tail(at);
        n++;
        if (at == mark) return pairs_before_repeat(list, lap + 1);
        if (++lap == power) {
            mark = at;
            power *= 2;
            lap = 0;
        }
    }
    return n;
}

/* --- values ------------------------------------------------------------------------------------------- */

/* Whether the List is (. o p) and can be written o.p. */
static bool is_member(crp_word w)
{
    if (crp_head(w) != CRPI_WORD_OF(DOT) || !crp_is_pair(crp_tail(w))) return false;
    crp_word rest = crp_tail(crp_tail(w));
    return crp_is_pair(rest) && crp_is_symbol(crp_head(rest)) && crp_tail(rest) == CRP_NIL;
}

static void open_value(printer *p, enum frame_kind kind, crp_word w, const char *opener)
{
    frame f = {.whole = w, .at = w, .kind = (uint8_t)kind};
    if (on_path(p, w)) {
        put_text(p, "...");
        return;
    }
    if (kind == A_LIST) f.left = count_pairs(p, w);
    put_text(p, opener);
    push(p, f);
}

static void print_object(printer *p, crp_word w)
{
    size_t n;
    const char *bytes;
    switch (crp_object_of(w)->class_id) {
    case CRP_INTEGER: put_integer(p, crp_integer_value(w)); break;
    case CRP_REAL: put_real(p, w); break;
    case CRP_STRING:
        bytes = crp_string_data(w, &n);
        put_string(p, bytes, n);
        break;
    case CRP_BINARY: put_binary(p, w); break;
    case CRP_BUFFER: put_buffer(p, w); break;
    case CRP_TIME: put_time(p, w); break;
    case CRP_ERROR: put_error(p, w); break;
    case CRP_ARRAY: open_value(p, AN_ARRAY, w, "#<Array ("); break;
    case CRP_HASHTABLE: open_value(p, A_TABLE, w, "#<HashTable ("); break;
    default: crpi_print_object(p->vm, p->out, w);
    }
}

/* Prints a value, or the beginning of one that has elements. */
static void print_value(printer *p, crp_word w)
{
    if (crp_is_fixnum(w)) put_integer(p, crp_fixnum_value(w));
    else if (crp_is_flonum(w)) put_real(p, w);
    else if (crp_is_symbol(w)) put_symbol(p, w, false);
    else if (crp_is_pair(w)) open_value(p, is_member(w) ? A_MEMBER : A_LIST, w, is_member(w) ? "" : "(");
    else if (crp_is_object(w)) print_object(p, w);
    else put_text(p, w == CRP_NIL ? "()" : "#<unset>");
}

/* --- elements ----------------------------------------------------------------------------------------- */

static void put_space(printer *p, frame *f)
{
    if (f->begun) put(p, " ", 1);
    f->begun = true;
}

static void step_list(printer *p, frame *f)
{
    if (f->left == 0 || !crp_is_pair(f->at)) {
        pop(p, crp_is_pair(f->at) ? " ...)" : ")");
        return;
    }
    bool dot_first = !f->begun && crp_head(f->at) == CRPI_WORD_OF(DOT);
    crp_word item = crp_head(f->at);
    f->at = crp_tail(f->at);
    f->left--;
    put_space(p, f);
    if (dot_first) put(p, ".", 1);
    else print_value(p, item);
}

static void step_member(printer *p, frame *f)
{
    crp_word rest = crp_tail(f->at);
    if (!f->begun) {
        f->begun = true;
        print_value(p, crp_head(rest));
        return;
    }
    crp_word name = crp_head(crp_tail(rest));
    pop(p, ".");
    put_symbol(p, name, true);
}

static void step_array(printer *p, frame *f)
{
    const crpi_array *a = crpi_array_of(f->whole);
    if (f->left >= a->count) {
        pop(p, ")>");
        return;
    }
    crp_word item = a->items[f->left++];
    put_space(p, f);
    print_value(p, item);
}

static void step_table(printer *p, frame *f)
{
    frame entry = {.kind = AN_ENTRY, .left = 2};
    const crpi_hashtable *t = (const crpi_hashtable *)crp_object_of(f->whole);
    if (!crpi_map_next(&t->map, &f->left, &entry.at, &entry.whole)) {
        pop(p, ")>");
        return;
    }
    put_space(p, f);
    put(p, "(", 1);
    push(p, entry);
}

static void step_entry(printer *p, frame *f)
{
    if (f->left == 0) {
        pop(p, ")");
        return;
    }
    crp_word item = f->left == 2 ? f->at : f->whole;
    f->left--;
    put_space(p, f);
    print_value(p, item);
}

static void step(printer *p)
{
    frame *f = &p->frames[p->depth - 1];
    switch ((enum frame_kind)f->kind) {
    case A_LIST: step_list(p, f); break;
    case A_MEMBER: step_member(p, f); break;
    case AN_ARRAY: step_array(p, f); break;
    case A_TABLE: step_table(p, f); break;
    case AN_ENTRY: step_entry(p, f); break;
    }
}

/* Lists that share their items may print without end, so that who interrupts would wait for it.  What is left out then
 * is missing for want of memory; the interrupt itself is seen next. */
static bool more_to_print(printer *p)
{
    if (++p->steps > STEPS_AT_ONCE && p->vm->interrupt) p->out->failed = true;
    return p->depth && !full(p);
}

/* --- what others call --------------------------------------------------------------------------------- */

void crpi_print(crp *vm, crpi_buf *out, crp_word w, crpi_print_style style, size_t limit)
{
    printer p = {.vm = vm, .out = out, .start = out->length, .limit = limit};
    if (style == CRPI_DISPLAY && crp_is_string(w)) {
        size_t n;
        const char *bytes = crp_string_data(w, &n);
        put(&p, bytes, n);
    } else {
        print_value(&p, w);
    }
    while (more_to_print(&p)) step(&p);
    cut(&p);
    crpi_mem_free(&vm->mem, p.frames, p.capacity * sizeof *p.frames);
    crpi_mem_free(&vm->mem, p.slots, p.slot_count * sizeof *p.slots);
}

crp_status crp_to_string(crp *vm, crp_word w, bool readable, crp_word *out)
{
    crpi_buf text;
    crp_status st = CRP_OK;
    if (!readable && crp_is_string(w)) {
        *out = w;
        return CRP_OK;
    }
    crpi_buf_init(&text, &vm->mem, 0);
    crpi_print(vm, &text, w, readable ? CRPI_READABLE : CRPI_DISPLAY, 0);
    if (text.failed) st = crp_no_memory(vm);
    else if (text.overflow)
        st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "the text of the value is longer than 1 GiB");
    else st = crp_string(vm, text.length ? text.bytes : "", text.length, out);
    crpi_buf_free(&text);
    return st;
}
