/* The reader: one loop over tokens and an explicit stack of what is open.
 *
 * A finished value looks to its right for dots, then upwards: every prefix on top of the stack wraps it, and
 * the List below takes it as its next element.  So brackets, prefixes and dots need no recursion at all.
 */
#include "reader.h"

#include <string.h>
#include "token.h"

/* --- places ------------------------------------------------------------------------------------------- */

void crpi_places_init(crpi_places *p, crpi_mem *mem) { *p = (crpi_places){.mem = mem}; }

void crpi_places_free(crpi_places *p)
{
    crpi_mem_free(p->mem, p->slots, p->capacity * sizeof *p->slots);
    crpi_places_init(p, p->mem);
}

/* The slot that holds the pair, or the empty one where it belongs: its pair is 0, which is none. */
static size_t place_slot(const crpi_places *p, crp_word pair)
{
    size_t mask = p->capacity - 1, i = (size_t)(pair * 0x9e3779b97f4a7c15ull >> 20) & mask;
    while (p->slots[i].pair != 0 && p->slots[i].pair != pair) i = (i + 1) & mask;
    return i;
}

static bool places_grow(crpi_places *p)
{
    crpi_places wider = {
        .mem = p->mem, .count = p->count, .capacity = p->capacity ? p->capacity * 2 : 64, .under = p->under};
    wider.slots = crpi_mem_alloc(p->mem, wider.capacity * sizeof *wider.slots);
    if (!wider.slots) return false;
    memset(wider.slots, 0, wider.capacity * sizeof *wider.slots);
    for (size_t i = 0; i < p->capacity; i++)
        if (p->slots[i].pair) wider.slots[place_slot(&wider, p->slots[i].pair)] = p->slots[i];
    crpi_mem_free(p->mem, p->slots, p->capacity * sizeof *p->slots);
    *p = wider;
    return true;
}

bool crpi_places_put(crpi_places *p, crp_word pair, crpi_place at)
{
    if (p->count * 3 >= p->capacity * 2 && !places_grow(p)) return false;
    size_t i = place_slot(p, pair);
    if (p->slots[i].pair == 0) p->count++;
    p->slots[i].pair = pair;
    p->slots[i].at = at;
    return true;
}

bool crpi_places_get(const crpi_places *p, crp_word pair, crpi_place *out)
{
    size_t i = p->capacity ? place_slot(p, pair) : 0;
    if (p->capacity == 0 || p->slots[i].pair == 0) return p->under && crpi_places_get(p->under, pair, out);
    *out = p->slots[i].at;
    return true;
}

/* --- what is open ------------------------------------------------------------------------------------- */

/* A List with its pairs so far, or a prefix (then `last` is CRP_UNSET) that waits for its form. */
typedef struct frame {
    crpi_spot opened;
    crp_word first; /* of a prefix: the Symbol that it stands for */
    crp_word last;
} frame;

typedef struct parse {
    crpi_reader *r;
    frame *frames;
    size_t depth, capacity;
    bool line_begins; /* only white space stands before r->at in its line */
    crpi_spot odd;    /* where indentation and brackets disagree first; `at` NULL: nowhere */
} parse;

static frame *top(parse *p) { return &p->frames[p->depth - 1]; }

static bool in_list(parse *p) { return p->depth && top(p)->last != CRP_UNSET; }

static crp_status push(parse *p, crp_word first, crp_word last, size_t length)
{
    crpi_reader *r = p->r;
    crpi_spot here = crpi_token_spot(r);
    if (p->depth >= CRPI_MAX_NESTING)
        return crpi_token_fail(r, CRPI_PARSE_TOO_DEEP, here, NULL, "nested too deeply: more than %d levels",
                               CRPI_MAX_NESTING);
    if (!crpi_mem_grow(&r->vm->mem, &p->frames, &p->capacity, p->depth + 1, sizeof *p->frames))
        return crp_no_memory(r->vm);
    p->frames[p->depth++] = (frame){here, first, last};
    r->at += length;
    return CRP_OK;
}

/* A pair whose head stands at `where`. */
static crp_status new_pair(parse *p, crp_word head, crp_word tail, crpi_spot where, crp_word *out)
{
    crpi_places *places = p->r->places;
    crp_pair *pair = crpi_new_pair(p->r->vm, head, tail);
    if (!pair) return CRP_E_NOMEM;
    *out = crp_from_pair(pair);
    if (!places || crpi_places_put(places, *out, crpi_token_place(where))) return CRP_OK;
    return crp_no_memory(p->r->vm);
}

static crp_status append(parse *p, crp_word *first, crp_word *last, crp_word value, crpi_spot from)
{
    crp_word pair;
    crp *vm = p->r->vm;
    crp_status st = new_pair(p, value, CRP_NIL, from, &pair);
    if (st) return st;
    if (*first == CRP_NIL) *first = pair;
    else crpi_store(vm, &vm->heap, &crp_pair_of(*last)->tail, pair);
    *last = pair;
    return CRP_OK;
}

/* --- between tokens ----------------------------------------------------------------------------------- */

static crp_status skip_comment(crpi_reader *r)
{
    size_t left = (size_t)(r->end - r->at);
    const char *stop = memchr(r->at, '\n', left);
    const char *nul = memchr(r->at, 0, stop ? (size_t)(stop - r->at) : left);
    r->at = nul ? nul : stop ? stop : r->end;
    return nul ? crpi_token_bad_character(r) : CRP_OK;
}

static crp_status skip_blank(parse *p)
{
    crpi_reader *r = p->r;
    while (r->at < r->end) {
        if (*r->at == '#') {
            crp_status st = skip_comment(r);
            if (st) return st;
            continue;
        }
        if (crpi_token_kind(*r->at) != CRPI_BLANK_BYTE) break;
        if (*r->at++ != '\n') continue;
        r->line++;
        r->line_start = r->at;
        p->line_begins = true;
    }
    return CRP_OK;
}

/* The column of the first thing in a line, counted as far as anyone would indent. */
static size_t indentation(const crpi_reader *r, const char *line)
{
    size_t n = 0;
    while (n < 200 && line + n < r->end && (line[n] == ' ' || line[n] == '\t')) n++;
    return n;
}

/* A bracket that was lost shows where a line begins no further right than the line that opened the innermost
 * List; a line that begins with a bracket which closes it may stand as far left as that one. */
static void compare_indentation(parse *p)
{
    const crpi_reader *r = p->r;
    if (!p->line_begins || !p->depth || p->odd.at || top(p)->opened.line == r->line) return;
    size_t here = indentation(r, r->line_start), opened = indentation(r, top(p)->opened.line_start);
    if (here < opened || (here == opened && *r->at != ')')) p->odd = crpi_token_spot(p->r);
}

/* The text ends inside a List or after a prefix. */
static crp_status unfinished(parse *p)
{
    crpi_spot opened = top(p)->opened;
    crpi_place at = crpi_token_place(opened), odd = crpi_token_place(p->odd.at ? p->odd : opened);
    if (!in_list(p))
        return crpi_token_unfinished(p->r, opened,
                                     "expected a form after \"%c\" at %u:%u, found the end of the text",
                                     *opened.at, at.line, at.column);
    const char *list = "the List opened at %u:%u is not closed, expected \")\", found the end of the text";
    if (!p->odd.at) return crpi_token_unfinished(p->r, opened, list, at.line, at.column);
    list = "the List opened at %u:%u is not closed, expected \")\", found the end of the text; "
           "the indentation first disagrees with the brackets at %u:%u";
    return crpi_token_unfinished(p->r, opened, list, at.line, at.column, odd.line, odd.column);
}

/* --- tokens ------------------------------------------------------------------------------------------- */

/* `)`: the List on top is finished. */
static crp_status close_list(parse *p, crp_word *value, crpi_spot *from)
{
    crpi_reader *r = p->r;
    if (!p->depth)
        return crpi_token_fail(r, CRPI_PARSE_BRACKET, *from, r->at, "expected a form, no List is open");
    if (!in_list(p))
        return crpi_token_fail(r, CRPI_PARSE_BRACKET, *from, r->at, "expected a form after \"%c\"",
                               *top(p)->opened.at);
    *value = top(p)->first;
    *from = top(p)->opened;
    p->depth--;
    r->at++;
    return CRP_OK;
}

static crp_status bad_dot(crpi_reader *r, const char *found, const char *text)
{
    return crpi_token_fail(r, CRPI_PARSE_DOT, crpi_token_spot(r), found, "%s", text);
}

/* A dot that follows no value: `...`, or the Symbol `.` first in a List. */
static crp_status read_lone_dot(parse *p, crp_word *value)
{
    crpi_reader *r = p->r;
    bool three = r->end - r->at > 2 && memcmp(r->at, "...", 3) == 0;
    const char *next = r->at + (three ? 3 : 1);
    bool ends = next >= r->end || (crpi_token_kind(*next) < CRPI_NAME_BYTE && *next != ':' && *next != '.');
    if (three && !ends && *next != '.') return bad_dot(r, next, "expected white space after ...");
    if (!three && next < r->end && crpi_token_kind(*next) == CRPI_DIGIT_BYTE)
        return bad_dot(r, NULL, "a Real needs a digit before its dot");
    if (!three && !(in_list(p) && top(p)->first == CRP_NIL))
        return bad_dot(r, NULL, "a dot with nothing directly on its left is legal only first in a List");
    if (!three && !ends) return bad_dot(r, next, "expected white space after the first dot of a List");
    r->at = next;
    *value = three ? CRPI_WORD_OF(ELLIPSIS) : CRPI_WORD_OF(DOT);
    return CRP_OK;
}

static crp_status read_prefix(parse *p)
{
    const crpi_reader *r = p->r;
    if (*r->at == '\'') return push(p, CRPI_WORD_OF(QUOTE), CRP_UNSET, 1);
    if (*r->at == '`') return push(p, CRPI_WORD_OF(QUASIQUOTE), CRP_UNSET, 1);
    if (r->end - r->at > 1 && r->at[1] == '@') return push(p, CRPI_WORD_OF(UNQUOTE_SPLICING), CRP_UNSET, 2);
    return push(p, CRPI_WORD_OF(UNQUOTE), CRP_UNSET, 1);
}

static bool begins_name(char c)
{
    return crpi_token_kind(c) == CRPI_NAME_BYTE || crpi_token_kind(c) == CRPI_HIGH_BYTE;
}

/* One token.  *done: it finished a value, which began at *from. */
static crp_status read_token(parse *p, crp_word *value, crpi_spot *from, bool *done)
{
    crpi_reader *r = p->r;
    char c = *r->at;
    *from = crpi_token_spot(r);
    *done = c != '(' && c != '\'' && c != '`' && c != ',';
    switch (c) {
    case '(': return push(p, CRP_NIL, CRP_NIL, 1);
    case ')': return close_list(p, value, from);
    case '\'':
    case '`':
    case ',': return read_prefix(p);
    case '"': return crpi_token_quoted(r, value);
    case '.': return read_lone_dot(p, value);
    case '[':
    case ']':
    case '{':
    case '}': return crpi_token_fail(r, CRPI_PARSE_BRACKET, *from, r->at, "expected ( or )");
    }
    if (crpi_token_begins_number(r->at, r->end)) return crpi_token_number(r, value);
    return begins_name(c) || c == ':' ? crpi_token_name(r, false, value) : crpi_token_bad_character(r);
}

/* --- forms -------------------------------------------------------------------------------------------- */

/* The dots that follow a value directly, each with its name: value becomes (. value name). */
static crp_status read_dots(parse *p, crp_word *value, crpi_spot from)
{
    crpi_reader *r = p->r;
    for (size_t count = 1; r->at < r->end && *r->at == '.'; count++) {
        crpi_spot dot = crpi_token_spot(r), at = dot;
        const char *next = ++at.at;
        crp_word name, pair;
        if (next >= r->end || !begins_name(*next) || crpi_token_begins_number(next, r->end))
            return bad_dot(r, next, "expected a name directly after the dot");
        if (count > CRPI_MAX_NESTING)
            return crpi_token_fail(r, CRPI_PARSE_TOO_DEEP, dot, NULL, "nested too deeply: more than %d dots",
                                   CRPI_MAX_NESTING);
        r->at = next;
        crp_status st = crpi_token_name(r, true, &name);
        if (!st) st = new_pair(p, name, CRP_NIL, at, &pair);
        if (!st) st = new_pair(p, *value, pair, from, &pair);
        if (!st) st = new_pair(p, CRPI_WORD_OF(DOT), pair, dot, value);
        if (st) return st;
    }
    return CRP_OK;
}

/* The prefixes on top of the stack take the value: it becomes (quote value) and begins where they do. */
static crp_status apply_prefixes(parse *p, crp_word *value, crpi_spot *from)
{
    while (p->depth && !in_list(p)) {
        frame f = p->frames[--p->depth];
        crp_word pair;
        crp_status st = new_pair(p, *value, CRP_NIL, *from, &pair);
        if (!st) st = new_pair(p, f.first, pair, f.opened, value);
        if (st) return st;
        *from = f.opened;
    }
    return CRP_OK;
}

static crp_status read_form(parse *p, crp_word *form, crpi_spot *began, bool *end)
{
    crpi_reader *r = p->r;
    for (;;) {
        bool done;
        crp_status st = skip_blank(p);
        if (st) return st;
        if (r->at >= r->end) {
            *end = p->depth == 0;
            return *end ? CRP_OK : unfinished(p);
        }
        compare_indentation(p);
        p->line_begins = false;
        st = read_token(p, form, began, &done);
        if (!st && done) st = read_dots(p, form, *began);
        if (!st && done) st = apply_prefixes(p, form, began);
        if (st || (done && p->depth == 0)) return st;
        if (done) st = append(p, &top(p)->first, &top(p)->last, *form, *began);
        if (st) return st;
    }
}

static crp_status read_one(crpi_reader *r, crp_word *form, crpi_spot *began, bool *end)
{
    parse p = {.r = r};
    *end = false;
    crp_status st = read_form(&p, form, began, end);
    crpi_mem_free(&r->vm->mem, p.frames, p.capacity * sizeof *p.frames);
    return st;
}

/* --- what others call --------------------------------------------------------------------------------- */

void crpi_reader_init(crpi_reader *r, crp *vm, const char *name, const char *text, size_t length,
                      crpi_places *places)
{
    *r = (crpi_reader){.vm = vm, .name = name, .text = text, .end = text + length, .places = places};
    r->at = r->line_start = text + (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
    r->line = 1;
}

crp_status crpi_read(crpi_reader *r, crp_word *form, crpi_place *at, bool *end)
{
    crpi_spot began = crpi_token_spot(r);
    crp_status st = read_one(r, form, &began, end);
    if (!st && at) *at = crpi_token_place(began);
    return st;
}

crp_status crpi_read_all(crpi_reader *r, crp_word *forms)
{
    crp_word first = CRP_NIL, last = CRP_NIL, form = CRP_NIL;
    parse p = {.r = r};
    for (;;) {
        bool end;
        crpi_spot began = crpi_token_spot(r);
        crp_status st = read_one(r, &form, &began, &end);
        if (!st && !end) st = append(&p, &first, &last, form, began);
        if (st) return st;
        if (end) break;
    }
    *forms = first;
    return CRP_OK;
}

bool crpi_reader_recover(crpi_reader *r)
{
    const char *stop;
    while ((stop = memchr(r->at, '\n', (size_t)(r->end - r->at)))) {
        r->at = r->line_start = stop + 1;
        r->line++;
        if (r->at < r->end && *r->at == '(') return true;
    }
    return false;
}
