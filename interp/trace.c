/* floor 6: the calls that were under way: where an error is, who called whom and with what, and which error
 * was being handled.
 *
 * Making an Error must be cheap, since most of them are caught and forgotten: what is kept of each call is its
 * code, the place in it and the values of its first arguments, as words.  Texts are made from them when somebody
 * asks, so a value that was changed in place since shows as it is then.  Of many calls the innermost and the
 * outermost ones are kept.
 */
#include "vm.h"

#include <string.h>
#include "cells.h"
#include "error.h"
#include "printer.h"

enum {
    FIRST_CALLS = 16,
    LAST_CALLS = 4,
    KEPT_ARGUMENTS = 4,
    ARGUMENT_CUT = 40,        /* bytes */
    LOOKED_AT = 1000,         /* frames, for an error that is being handled */
    LONGEST_CAUSES = 100,
    PLACED = 1                /* flag: the Error has its place */
};

/* A hidden object. For each call: its proto; the place in its code * 16 + how many arguments follow; these. */
typedef struct crpi_calls {
    crp_object h;
    uint32_t count;              /* words */
    uint32_t gap, left_out;      /* calls that are not kept, before the word `gap` */
    crp_word words[];
} crpi_calls;

enum { MOST_WORDS = (FIRST_CALLS + LAST_CALLS) * (2 + KEPT_ARGUMENTS) };
_Static_assert(sizeof(crpi_calls) + MOST_WORDS * sizeof(crp_word) <= CRPI_MAX_CELL, "the calls fit a cell");

static crpi_calls *calls_of(crp_word w) { return (crpi_calls *)crp_object_of(w); }

static void mark_calls(crp *vm, crp_object *o, crp_marker mark)
{
    const crpi_calls *calls = (crpi_calls *)o;
    for (uint32_t i = 0; i < calls->count; i++) mark(vm, calls->words[i]);
}

bool crpi_trace_init(crp *vm) { return crpi_heap_kind(&vm->heap, CRP_CALLS, (crpi_kind){mark_calls, NULL}); }

/* --- frames --------------------------------------------------------------------------------------------- */

typedef struct call {
    crpi_proto *proto;
    const uint32_t *pc;
    const crp_word *base;
} call;

typedef struct frame_walk {
    const crpi_task *task;
    const crpi_frame *fp;
    const uint32_t *pc;
    const crp_word *base;
} frame_walk;

static frame_walk from_top(const crpi_task *task) { return (frame_walk){task, task->fp, task->pc, task->base}; }

/* The next frame that is a script's, outwards. */
static bool next_call(frame_walk *w, call *out)
{
    while (w->fp > w->task->frames) {
        const crpi_frame *frame = w->fp--;
        *out = (call){frame->fn ? frame->fn->proto : NULL, w->pc, w->base};
        w->pc = crpi_frame_pc(w->task, frame);
        w->base = frame->base;
        if (out->proto && out->proto->source) return true;
    }
    return false;
}

/* Frames that only lead from one segment to the next are no calls. */
static uint32_t segments_of(const crpi_task *task)
{
    uint32_t n = 0;
    for (const crpi_segment *s = task->segment; s && s->below; s = s->below) n++;
    return n;
}

/* Leaves out what is between the innermost and the outermost calls, and says how many that are, as far as can be
 * told without looking at each. */
static uint32_t skip_middle(frame_walk *w)
{
    const crpi_frame *last = w->task->frames + LAST_CALLS;
    if (w->fp <= last) return 0;
    uint32_t left_out = (uint32_t)(w->fp - last), segments = segments_of(w->task);
    if (left_out > segments) left_out -= segments;
    w->fp = last;
    w->pc = crpi_frame_pc(w->task, &last[1]);
    w->base = last[1].base;
    return left_out;
}

/* --- keeping -------------------------------------------------------------------------------------------- */

static uint32_t kept_arguments(const crpi_proto *p)
{
    uint32_t n = p->signature ? p->signature->count + p->signature->rest : 0;
    return n < KEPT_ARGUMENTS ? n : KEPT_ARGUMENTS;
}

static void keep_call(crpi_calls *calls, const call *c)
{
    uint32_t n = kept_arguments(c->proto);
    bool known = c->pc >= c->proto->code && c->pc <= c->proto->code + c->proto->code_count;
    int64_t at = known ? c->pc - c->proto->code : CRPI_MAX_CODE + 1;
    crp_word *to = calls->words + calls->count;
    to[0] = crp_from_object(c->proto);
    to[1] = crp_fixnum(at * 16 + n);
    memcpy(to + 2, c->base + c->proto->is_method, n * sizeof *to);
    calls->count += 2 + n;
}

/* The calls of the task as they are now, the innermost first: `first` of them without a gap, then the outermost ones. */
typedef struct gathered {
    call all[FIRST_CALLS + LAST_CALLS];
    uint32_t n, first, left_out;
} gathered;

static void gather(const crpi_task *task, gathered *g)
{
    frame_walk w = from_top(task);
    g->n = g->left_out = 0;
    while (g->n < FIRST_CALLS && next_call(&w, &g->all[g->n])) g->n++;
    g->first = g->n;
    if (g->n < FIRST_CALLS) return;
    g->left_out = skip_middle(&w);
    while (g->n < FIRST_CALLS + LAST_CALLS && next_call(&w, &g->all[g->n])) g->n++;
}

/* NULL: no memory. */
static crpi_calls *keep_calls(crp *vm, const gathered *g)
{
    size_t words = 0;
    for (uint32_t i = 0; i < g->n; i++) words += 2 + kept_arguments(g->all[i].proto);
    crpi_calls *calls = crpi_new(vm, CRP_CALLS, sizeof *calls + words * sizeof(crp_word));
    if (!calls) return NULL;
    for (uint32_t i = 0; i < g->n; i++) {
        if (i == g->first) calls->gap = calls->count;
        keep_call(calls, &g->all[i]);
    }
    calls->left_out = g->left_out;
    return calls;
}

/* The Error for want of memory keeps nothing alive and gets its place at once. */
static void place_no_memory(crp *vm, const crpi_task *task)
{
    crpi_error *e = crpi_error_of(vm->error);
    frame_walk w = from_top(task);
    crpi_place at;
    call c;
    if (crp_fixnum_value(e->line) > 0) return;
    while (next_call(&w, &c)) {
        if (!crpi_place_of(c.proto, c.pc, &at)) continue;
        e->line = crp_fixnum(at.line);
        e->position = crp_fixnum(at.column);
        crp_store(vm, &e->h, &e->file, c.proto->source->name);
        return;
    }
}

/* --- the error that is being handled -------------------------------------------------------------------- */

/* In a call that handles one. */
static bool handles(const call *c, crp_word *error)
{
    uint32_t reg;
    if (!c->proto->handling_count || !crpi_handled_at(c->proto, c->pc, &reg)) return false;
    *error = c->base[reg];
    return true;
}

static crp_word handled(const crpi_task *task, const gathered *g)
{
    frame_walk w = from_top(task);
    crp_word error = CRP_NIL;
    call c;
    for (uint32_t i = 0; i < g->first; i++)
        if (handles(&g->all[i], &error)) return error;
    if (g->first < FIRST_CALLS) return CRP_NIL;
    for (int n = 0; n < LOOKED_AT && next_call(&w, &c); n++)
        if (handles(&c, &error)) break;
    return error;
}

static bool is_caused_by(crp_word error, crp_word cause)
{
    for (int n = 0; crp_is_a(error, CRP_ERROR); n++, error = crpi_error_of(error)->cause)
        if (error == cause || n == LONGEST_CAUSES) return true;
    return false;
}

static void add_cause(crp *vm, const crpi_task *task, const gathered *g)
{
    crpi_error *e = crpi_error_of(vm->error);
    if (e->cause != CRP_NIL || e->h.flags & CRPI_ERROR_UNCATCHABLE) return;
    crp_word cause = handled(task, g);
    if (crp_is_a(cause, CRP_ERROR) && !is_caused_by(cause, vm->error)) crp_store(vm, &e->h, &e->cause, cause);
}

void crpi_trace_add(crp *vm, const crpi_task *task)
{
    crp_word error = vm->error;
    if (!crp_is_a(error, CRP_ERROR)) return;
    if (error == vm->no_memory_error) {
        place_no_memory(vm, task);
        return;
    }
    gathered g;
    gather(task, &g);
    add_cause(vm, task, &g);
    if (crpi_error_of(error)->calls != CRP_NIL) return;
    crpi_calls *calls = keep_calls(vm, &g);
    vm->error = error; /* without memory it has neither place nor trace, but it is the one that matters */
    if (!calls) return;
    crpi_error *e = crpi_error_of(error);
    if (crp_fixnum_value(e->line) > 0) calls->h.flags = PLACED;
    crp_store(vm, &e->h, &e->calls, crp_from_object(calls));
}

/* --- the place ------------------------------------------------------------------------------------------ */

/* The call that stands at this word, and where the next one does. */
static crpi_proto *call_at(const crpi_calls *calls, uint32_t *at, const uint32_t **pc, const crp_word **args,
                           uint32_t *n)
{
    crpi_proto *p = crpi_proto_of(calls->words[*at]);
    int64_t packed = crp_fixnum_value(calls->words[*at + 1]);
    *n = (uint32_t)(packed & 15);
    *pc = p->code + (packed >> 4);
    *args = &calls->words[*at + 2];
    *at += 2 + *n;
    return p;
}

/* Without memory for the source line, the place is known all the same. */
static void place(crp *vm, crp_word error, const crpi_source *source, crpi_place at)
{
    const char *text;
    size_t length, fresh = vm->heap.fresh_count;
    crp_word pending = vm->error;
    crpi_source_line(source, at.line, &text, &length);
    crp_store(vm, crp_object_of(error), &crpi_error_of(error)->file, source->name);
    crpi_error_locate(vm, error, NULL, at.line, at.column, text, length);
    vm->error = pending;
    vm->heap.fresh_count = fresh;
}

/* The place is the innermost one that is known: natives and what `eval` compiles have none. */
void crpi_error_settle(crp *vm, crp_word error)
{
    const crpi_error *e = crpi_error_of(error);
    if (e->calls == CRP_NIL || crp_object_of(e->calls)->flags & PLACED) return;
    const crpi_calls *calls = calls_of(e->calls);
    crp_object_of(e->calls)->flags = PLACED;
    for (uint32_t i = 0, n; i < calls->count;) {
        const uint32_t *pc;
        const crp_word *args;
        crpi_place at;
        const crpi_proto *p = call_at(calls, &i, &pc, &args, &n);
        if (!crpi_place_of(p, pc, &at)) continue;
        place(vm, error, p->source, at);
        return;
    }
}

/* --- texts ---------------------------------------------------------------------------------------------- */

/* What stands between "://name:" and "@" in a URL. */
static void hide_url_password(crpi_buf *out, size_t from)
{
    for (size_t i = from; i + 3 < out->length; i++) {
        if (memcmp(out->bytes + i, "://", 3) != 0) continue;
        size_t colon = 0, end = i + 3;
        for (; end < out->length && !memchr("/\"@ ", out->bytes[end], 4); end++)
            if (out->bytes[end] == ':' && !colon) colon = end;
        if (!colon || (end < out->length && out->bytes[end] != '@')) continue;
        size_t hidden = end - colon - 1, stars = hidden < 3 ? hidden : 3, rest = out->length - end;
        memset(out->bytes + colon + 1, '*', stars);
        memmove(out->bytes + colon + 1 + stars, out->bytes + end, rest);
        out->length = colon + 1 + stars + rest;
    }
}

static void put_argument(crp *vm, crpi_buf *out, const crpi_parameter *p, crp_word value)
{
    if (crp_is_a(value, CRP_BOX)) value = ((crpi_box *)crp_object_of(value))->value;
    if (value == CRP_UNSET) return;
    crpi_buf_byte(out, ' ');
    size_t from = out->length;
    if (p && crpi_names_secret(vm, crp_symbol_name(vm, p->name, NULL))) crpi_buf_text(out, "***");
    else crpi_print(vm, out, value, CRPI_READABLE, ARGUMENT_CUT);
    if (!out->failed) hide_url_password(out, from);
}

static void put_arguments(crp *vm, crpi_buf *out, const crpi_signature *s, const crp_word *args, uint32_t n)
{
    bool more = s->count > n;
    for (uint32_t i = 0; i < n && i < s->count; i++) put_argument(vm, out, &s->parameters[i], args[i]);
    crp_word rest = s->rest && n > s->count ? args[s->count] : CRP_NIL;
    if (crp_is_a(rest, CRP_BOX)) rest = ((crpi_box *)crp_object_of(rest))->value;
    for (int i = s->count; crp_is_pair(rest) && i < KEPT_ARGUMENTS; i++, rest = crp_tail(rest))
        put_argument(vm, out, NULL, crp_head(rest));
    if (more || crp_is_pair(rest)) crpi_buf_text(out, " ...");
}

/* "(name argument ...) at file:line" */
static void put_call(crp *vm, crpi_buf *out, const crpi_proto *p, const uint32_t *pc, const crp_word *args,
                     uint32_t n)
{
    crpi_place at;
    size_t length;
    const char *file = crp_string_data(p->source->name, &length);
    if (p->name == CRP_NIL) {
        crpi_buf_text(out, "top level");
    } else {
        crpi_buf_byte(out, '(');
        crpi_print(vm, out, p->name, CRPI_READABLE, 0);
        if (p->signature) put_arguments(vm, out, p->signature, args, n);
        crpi_buf_byte(out, ')');
    }
    crpi_buf_text(out, " at ");
    crpi_buf_escaped(out, file, length, 0);
    if (crpi_place_of(p, pc, &at)) crpi_buf_format(out, ":%u", at.line);
}

static crp_status add_text(crp *vm, crp_list_builder *list, crpi_buf *text)
{
    crp_word line;
    crp_status st = text->failed ? crp_no_memory(vm) : crp_string(vm, text->bytes, text->length, &line);
    text->length = 0;
    return st ? st : crp_list_add(vm, list, line);
}

static crp_status list_calls(crp *vm, const crpi_calls *calls, crp_word *out)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 0);
    for (uint32_t i = 0, n; !st && i < calls->count;) {
        const uint32_t *pc;
        const crp_word *args;
        if (calls->left_out && i == calls->gap) {
            crpi_buf_format(&text, "... %u more", calls->left_out);
            st = add_text(vm, &list, &text);
        }
        crpi_proto *p = call_at(calls, &i, &pc, &args, &n);
        put_call(vm, &text, p, pc, args, n);
        if (!st) st = add_text(vm, &list, &text);
    }
    crpi_buf_free(&text);
    *out = list.first;
    return st;
}

crp_status crpi_error_trace(crp *vm, crp_word error, crp_word *out)
{
    crpi_error *e = crpi_error_of(error);
    *out = e->trace;
    if (e->trace != CRP_NIL || e->calls == CRP_NIL) return CRP_OK;
    crp_status st = list_calls(vm, calls_of(e->calls), out);
    if (!st) crp_store(vm, &e->h, &e->trace, *out);
    return st;
}

crp_status crpi_trace_now(crp *vm, crp_word *out)
{
    gathered g;
    gather(vm->task, &g);
    crpi_calls *calls = keep_calls(vm, &g);
    return calls ? list_calls(vm, calls, out) : CRP_E_NOMEM;
}
