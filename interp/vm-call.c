/* floor 6: calls: entering script functions, calling natives, finding members. */
#include "vm.h"

#include <string.h>
#include "cells.h"
#include "compiler.h"
#include "error.h"
#include "value.h"

#if defined(__GNUC__)
#define APART __attribute__((noinline)) /* kept out of what is to be quick */
#else
#define APART
#endif

static const uint32_t answer_code[] = {CRPI_OP_ANSWER};
static const uint32_t segment_code[] = {CRPI_OP_SEGMENT};
const uint32_t crpi_resume_code[] = {CRPI_INS(CRPI_OP_RESUME, 1, 0, 0)};
const uint32_t crpi_again_code[] = {CRPI_INS(CRPI_OP_RESUME, 0, 0, 0)};

/* --- frames and segments -------------------------------------------------------------------------------------- */

/* Frames without a function only bring a value to where it belongs: the registers in use are those of the frame
 * below. */
static crp_word *top_of_frames(crpi_task *task)
{
    const crpi_frame *fp = task->fp;
    crp_word *base = task->base;
    for (; fp > task->frames && !fp->fn; fp--) base = fp->base;
    if (fp == task->frames) return base + task->bottom;
    return fp->fn->proto ? base + fp->fn->registers : task->natives->top;
}

crp_word *crpi_task_top(crpi_task *task)
{
    crp_word *top = top_of_frames(task);
    return task->args_end > top ? task->args_end : top;
}

static crp_status grow_frames(crp *vm, crpi_task *task)
{
    size_t depth = (size_t)(task->fp - task->frames), wanted = task->frame_capacity * 2;
    if (depth >= vm->max_depth)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TOO_DEEP, "calls are nested more than %zu deep: a recursion without an end?", vm->max_depth);
    if (wanted > vm->max_depth + 8) wanted = vm->max_depth + 8;
    crpi_frame *grown = crp_realloc(vm, task->frames, task->frame_capacity * sizeof *grown, wanted * sizeof *grown);
    if (!grown) return CRP_E_NOMEM;
    task->frames = grown;
    task->frame_capacity = wanted;
    task->fp = grown + depth;
    task->frame_end = grown + wanted - 1;
    return CRP_OK;
}

static crp_status push_frame(crp *vm, crpi_task *task, const uint32_t *pc, crp_word *base, crpi_function *fn)
{
    if (task->fp >= task->frame_end) {
        crp_status st = grow_frames(vm, task);
        if (st) return st;
    }
    *++task->fp = (crpi_frame){pc, base, fn};
    return CRP_OK;
}

static crpi_segment *spare_segment(crp *vm, crpi_task *task, size_t words)
{
    crpi_segment *below = task->segment, *spare = below->spare;
    words += CRPI_SLACK;
    if (spare && spare->words >= words) return spare;
    if (spare) crp_free_bytes(vm, spare, sizeof *spare + spare->words * sizeof(crp_word));
    below->spare = NULL;
    size_t size = below->words < CRPI_NEXT_SEGMENT ? CRPI_NEXT_SEGMENT : CRPI_LATER_SEGMENT;
    if (size < words) size = words;
    spare = crp_alloc(vm, sizeof *spare + size * sizeof(crp_word));
    if (!spare) return NULL;
    memset(spare, 0, sizeof *spare + size * sizeof(crp_word));
    spare->words = size;
    return spare;
}

/* Makes a new segment the one in use; the call's value will come to `result`. */
static crp_status enter_segment(crp *vm, crpi_task *task, size_t words, crp_word *result, crp_word **at)
{
    crp_word *top = crpi_task_top(task);
    crpi_segment *s = spare_segment(vm, task, words);
    if (!s) return CRP_E_NOMEM;
    task->segment->spare = s;
    crp_status st = push_frame(vm, task, task->pc, task->base, NULL);
    if (st) return st;
    task->segment->spare = NULL;
    task->segment->used = top > result ? top : result + 1;
    s->spare = NULL;
    s->below = task->segment;
    s->result = result;
    task->segment = s;
    task->limit = crpi_segment_limit(s);
    task->pc = segment_code;
    task->base = *at = s->registers;
    return CRP_OK;
}

void crpi_leave_segment(crp *vm, crpi_task *task)
{
    crpi_segment *s = task->segment;
    if (s->spare) crp_free_bytes(vm, s->spare, sizeof *s + s->spare->words * sizeof(crp_word));
    s->spare = NULL;
    s->below->spare = s;
    task->segment = s->below;
    task->limit = crpi_segment_limit(task->segment);
}

/* --- script functions --------------------------------------------------------------------------------------------- */

/* "f: 2 arguments expected, 3 given: (f x y)" */
static crp_status wrong_count(crp *vm, const crpi_function *fn, const crpi_signature *s, uint32_t n)
{
    const char *name = crp_is_symbol(fn->name) ? crp_symbol_name(vm, fn->name, NULL) : "lambda";
    uint32_t least = s->required, most = s->count;
    crpi_buf expected;
    crpi_buf_init(&expected, &vm->mem, 1000);
    if (s->rest) crpi_buf_format(&expected, "at least %u", least);
    else if (least == most) crpi_buf_format(&expected, "%u", most);
    else crpi_buf_format(&expected, least + 1 == most ? "%u or %u" : "%u to %u", least, most);
    crpi_buf_text(&expected, (s->rest ? least : most) == 1 ? " argument expected, " : " arguments expected, ");
    crpi_buf_format(&expected, "%u given: ", n);
    crpi_signature_print(vm, &expected, name, s);
    crp_status st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%s: %.*s", name, (int)expected.length,
                              expected.bytes ? expected.bytes : "");
    crpi_buf_free(&expected);
    return st;
}

static crp_status check_count(crp *vm, const crpi_function *fn, uint32_t n)
{
    const crpi_signature *s = fn->proto->signature;
    if (!(fn->h.aux & CRPI_FN_VARIES)) return n == fn->h.sort ? CRP_OK : wrong_count(vm, fn, s, n);
    return n < s->required || (n > s->count && !s->rest) ? wrong_count(vm, fn, s, n) : CRP_OK;
}

/* The arguments as the parameters want them: what was left out is marked, further ones become a List. */
static crp_status arrange(crp *vm, crpi_task *task, const crpi_function *fn, crp_word *args, uint32_t n)
{
    const crpi_signature *s = fn->proto->signature;
    for (uint32_t i = n; i < s->count; i++) args[i] = CRP_UNSET;
    if (!s->rest) return CRP_OK;
    crp_word rest = CRP_NIL;
    crp_pair *p = NULL;
    task->args_end = args + n;
    for (uint32_t i = n; i > s->count; i--) {
        p = crpi_new_pair_unlogged(vm, args[i - 1], rest);
        if (!p) break;
        rest = args[i - 1] = crp_from_pair(p);
    }
    task->args_end = NULL;
    args[s->count] = rest;
    return p || n <= s->count ? CRP_OK : CRP_E_NOMEM;
}

/* `room`: registers from `at` on that arranging the arguments may touch. */
static crp_status enter_script(crp *vm, crpi_task *task, crpi_function *fn, crp_word *at, uint32_t n)
{
    uint32_t first = fn->proto->is_method ? 1 : 0;
    size_t room = fn->registers > n + first ? fn->registers : n + first;
    const uint32_t *pc = task->pc;
    crp_word *base = task->base;
    crp_status st;
    if (vm->fuel < 0 && (st = crpi_look(vm, false))) return st;
    st = check_count(vm, fn, n);
    if (st) return st;
    if (at + room > task->limit) {
        crp_word *moved;
        st = enter_segment(vm, task, room, at, &moved);
        if (st) return st;
        memcpy(moved, at, (n + first) * sizeof *at);
        at = moved;
        pc = task->pc;
        base = at;
    }
    st = push_frame(vm, task, pc, base, fn);
    if (st) return st;
    task->base = at;
    task->pc = fn->code;
    return fn->h.aux & CRPI_FN_VARIES ? arrange(vm, task, fn, at + first, n) : CRP_OK;
}

/* --- natives -------------------------------------------------------------------------------------------------------- */

/* () is no object of the class that a native names, though variables of most classes take it: only one that may be left
 * out may be (). */
static crp_status check_argument(crp *vm, const crpi_function *fn, const crpi_parameter *p, crp_word *arg)
{
    if (p->type == 0 || crp_class_of(*arg) == p->type) return CRP_OK;
    bool missing = *arg == CRP_NIL && !p->optional && p->type != CRP_LIST && p->other != CRP_LIST && p->other != 0;
    crp_status st = missing ? crpi_type_mismatch(vm, p->type, p->other, *arg, false, "argument", p->name)
                            : crpi_check_parameter(vm, p, arg, "argument", p->name);
    if (st) crp_error_prefix(vm, "%p: ", fn->name);
    return st;
}

/* Checks the arguments against the row's spec and adds what was left out. */
APART static crp_status prepare(crp *vm, crpi_native *nf, crp_word *args, uint32_t n)
{
    const crpi_signature *s;
    crp_status st = crpi_function_signature(vm, nf->fn, &s);
    if (st) return st;
    if (n < s->required || (n > s->count && !s->rest)) return wrong_count(vm, nf->fn, s, n);
    uint32_t given = n < s->count ? n : s->count;
    for (uint32_t i = 0; i < given; i++) {
        st = check_argument(vm, nf->fn, &s->parameters[i], &args[i]);
        if (st) return st;
    }
    nf->call.args = args;
    nf->call.count = n;
    if (n >= s->count) return CRP_OK;
    if (s->count > sizeof nf->padded / sizeof nf->padded[0])
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_INTERNAL, "%p: more than %d arguments in its spec, some of them optional",
                         nf->fn->name, (int)(sizeof nf->padded / sizeof nf->padded[0]));
    for (uint32_t i = 0; i < s->count; i++) nf->padded[i] = i < n ? args[i] : s->parameters[i].start;
    nf->call.args = nf->padded;
    nf->call.count = s->count;
    return CRP_OK;
}

static void drop_state(crp *vm, crpi_native *nf)
{
    if (nf->callee_args != nf->few && nf->callee_args) {
        crp_free_bytes(vm, nf->callee_args, nf->callee_count * sizeof(crp_word));
        nf->callee_args = nf->few;
    }
    if (!nf->call.state) return;
    if (nf->row->drop_state) nf->row->drop_state(vm, nf->call.state);
    crp_free_bytes(vm, nf->call.state, nf->row->state_size);
    nf->call.state = NULL;
}

/* Takes the innermost parked native off the task and drops its state. */
void crpi_native_drop(crp *vm, crpi_task *task)
{
    crpi_native *nf = task->natives;
    task->natives = nf->below;
    drop_state(vm, nf);
    crp_free_bytes(vm, nf, sizeof *nf);
}

/* A native that waits or calls lives on, behind a frame of its own.  Where memory is short, making the record may collect: the
 * frame, which the collector takes for that of the innermost record, comes after it. */
static crp_status keep_native(crp *vm, crpi_task *task, crpi_native **nf)
{
    if ((*nf)->parked) return CRP_OK;
    crp_word *top = crpi_task_top(task);
    crpi_native *kept = crp_alloc(vm, sizeof *kept);
    if (!kept) return CRP_E_NOMEM;
    crp_status st = push_frame(vm, task, task->pc, task->base, (*nf)->fn);
    if (st) {
        crp_free_bytes(vm, kept, sizeof *kept);
        return st;
    }
    *kept = **nf;
    if ((*nf)->call.args == (*nf)->padded) kept->call.args = kept->padded;
    if ((*nf)->callee_args == (*nf)->few) kept->callee_args = kept->few;
    kept->parked = true;
    kept->frame = (uint32_t)(task->fp - task->frames);
    kept->top = top;
    if (kept->top < kept->window + 1) kept->top = kept->window + 1;
    kept->below = task->natives;
    task->natives = kept;
    *nf = kept;
    return CRP_OK;
}

static crp_status enter_native(crp *, crpi_task *, crpi_function *, crp_word self, crp_word *args, uint32_t n,
                               crp_word *window, bool gives_self);

/* What a native calls on an object: a member by its name, or a Function that no name leads to, as a creator. */
static crp_status enter_on(crp *vm, crpi_task *task, crp_word callee, crp_word *at, uint32_t n)
{
    if (!crp_is_a(callee, CRP_FUNCTION)) return crpi_enter_member(vm, task, at, n, callee, NULL, false);
    crpi_function *fn = crpi_function_of(callee);
    return fn->row ? enter_native(vm, task, fn, at[0], at + 1, n, at, false) : enter_script(vm, task, fn, at, n);
}

static inline void enter_for_native(crpi_task *task, crpi_function *fn, crp_word *at)
{
    *++task->fp = (crpi_frame){crpi_resume_code, at, fn};
    task->base = at;
    task->pc = fn->code;
}

/* Enters a script's function that takes just these arguments, if there is room: the common case, as quick as in the
 * loop. */
static bool enter_at_once(crp *vm, crpi_task *task, crp_word callee, crp_word *at, uint32_t n)
{
    if (!crp_is_a(callee, CRP_FUNCTION) || --vm->fuel < 0) return false;
    crpi_function *fn = crpi_function_of(callee);
    if (!crpi_takes(fn, n) || at + fn->registers > task->limit || task->fp >= task->frame_end)
        return false;
    enter_for_native(task, fn, at);
    return true;
}

/* The call that a native asked for: its window stands above everything in use. */
static crp_status call_for_native(crp *vm, crpi_task *task, crpi_native *nf)
{
    crp_word *at = nf->top;
    bool member = nf->callee_self != CRP_UNSET;
    size_t n = nf->callee_count, need = n + 2;
    task->pc = crpi_resume_code;
    task->base = at;
    if (at + need > task->limit) {
        crp_status st = enter_segment(vm, task, need, at, &at);
        if (st) return st;
    }
    crp_word callee = nf->callee;
    at[0] = nf->callee_self;
    crpi_copy_words(at + (member ? 1 : 0), nf->callee_args, n);
    if (nf->callee_args != nf->few) {
        crp_free_bytes(vm, nf->callee_args, n * sizeof *at);
        nf->callee_args = nf->few;
    }
    nf->callee_count = 0;
    if (!member && at == nf->top && enter_at_once(vm, task, callee, at, (uint32_t)n)) return CRP_OK;
    task->args_end = at + 1 + n;
    crp_status st = member ? enter_on(vm, task, callee, at, (uint32_t)n) : crpi_enter(vm, task, callee, at, (uint32_t)n);
    task->args_end = NULL;
    return st;
}

/* A native that has called before calls a script's function again, as `map` and `sort` do for each item; false: there
 * is more to it. */
static inline bool call_again(crp *vm, crpi_task *task, crpi_native *nf, size_t fresh)
{
    crp_word *at = nf->top;
    size_t n = nf->callee_count;
    if (!nf->parked || nf->callee_self != CRP_UNSET || nf->callee_args != nf->few) return false;
    if (!crp_is_a(nf->callee, CRP_FUNCTION)) return false;
    crpi_function *fn = crpi_function_of(nf->callee);
    if (!crpi_takes(fn, (uint32_t)n) || at + fn->registers > task->limit || task->fp >= task->frame_end || --vm->fuel < 0) return false;
    for (size_t i = 0; i < n; i++) at[i] = nf->few[i];
    nf->callee_count = 0;
    nf->again = true;
    vm->heap.fresh_count = fresh;
    task->args_end = NULL;
    enter_for_native(task, fn, at);
    return true;
}

/* Does what a native's step has asked for. */
static crp_status after_step(crp *vm, crpi_task *task, crpi_native *nf, size_t fresh, crp_status st)
{
    if (st != CRP_CALL) nf->catches = false;
    if (st == CRP_AGAIN && vm->interrupt == CRPI_CLOSING) st = crpi_no_waiting(vm);
    if (st == CRP_AGAIN || st == CRP_CALL) {
        crp_status kept = keep_native(vm, task, &nf);
        if (kept) st = kept;
    }
    vm->heap.fresh_count = fresh;
    task->args_end = NULL;
    if (st == CRP_CALL) return call_for_native(vm, task, nf);
    if (st == CRP_AGAIN) {
        task->pc = crpi_again_code;
        crpi_task_park(vm, task, nf);
        return st;
    }
    if (st) {
        if (!nf->parked) drop_state(vm, nf); /* a parked one is dropped with its frame */
        return st;
    }
    crp_word result = nf->gives_self ? nf->call.self : nf->call.result;
    *nf->window = result;
    if (!nf->parked) {
        drop_state(vm, nf);
        return CRP_OK;
    }
    task->pc = task->fp->pc;
    task->base = task->fp->base;
    task->fp--;
    crpi_native_drop(vm, task);
    return CRP_OK;
}

static crp_status step(crp *vm, crpi_task *task, crpi_native *nf)
{
    size_t fresh = vm->heap.fresh_count;
    nf->fd_count = 0;
    nf->deadline = CRP_NO_DEADLINE;
    nf->object_count = 0;
    nf->catches = false; /* an error of its own is not its callee's */
    crp_status st = nf->row->fn(&nf->call);
    return st == CRP_CALL && call_again(vm, task, nf, fresh) ? CRP_OK : after_step(vm, task, nf, fresh, st);
}

/* The same for a native that says how it goes on: only the first calls are looked at. */
static crp_status next_call(crp *vm, crpi_task *task, crpi_native *nf)
{
    size_t fresh = vm->heap.fresh_count;
    bool ready = false;
    crp_status st = nf->next(&nf->call, nf->top, &ready);
    if (!ready) return st == CRP_CALL && call_again(vm, task, nf, fresh) ? CRP_OK : after_step(vm, task, nf, fresh, st);
    vm->heap.fresh_count = fresh;
    enter_for_native(task, crpi_function_of(nf->callee), nf->top);
    return CRP_OK;
}

/* Are these just the arguments that the signature names, each of one of its classes?  Then there is nothing to prepare. */
static inline bool fits(const crpi_signature *s, const crp_word *args, uint32_t n)
{
    if (!s || n < s->count || (n > s->count && !s->rest)) return false;
    const crpi_parameter *p = s->parameters;
    for (uint32_t i = 0, count = s->count; i < count; i++, p++) {
        uint32_t id = crp_is_fixnum(args[i]) ? CRP_INTEGER : crpi_plain_class(args[i]);
        if (p->type != 0 && id != p->type && id != p->other) return false;
    }
    return true;
}

APART static crp_status make_state(crp *vm, crpi_native *nf)
{
    nf->call.state = crp_alloc(vm, nf->row->state_size);
    if (!nf->call.state) return CRP_E_NOMEM;
    memset(nf->call.state, 0, nf->row->state_size);
    return CRP_OK;
}

static crp_status enter_native(crp *vm, crpi_task *task, crpi_function *fn, crp_word self, crp_word *args, uint32_t n,
                               crp_word *window, bool gives_self)
{
    crpi_native nf;
    vm->fuel = vm->interrupt ? 0 : vm->fuel - CRPI_NATIVE_FUEL; /* it may take long, and the VM looks round soon */
    nf.call = (crp_call){.vm = vm, .self = self, .args = args, .count = n, .result = CRP_NIL, .value = CRP_NIL};
    nf.row = fn->row;
    nf.fn = fn;
    nf.window = window;
    nf.gives_self = gives_self;
    nf.catches = nf.failed = nf.parked = nf.again = false;
    nf.callee_args = nf.few;
    nf.callee_count = 0;
    nf.next = NULL;
    nf.fd_count = nf.object_count = 0;
    nf.deadline = CRP_NO_DEADLINE;
    nf.callee = nf.callee_self = CRP_NIL;
    task->args_end = args + n;
    crp_status st = fits(fn->signature, args, n) ? CRP_OK : prepare(vm, &nf, args, n);
    if (!st && fn->row->state_size) st = make_state(vm, &nf);
    if (st) {
        task->args_end = NULL;
        return st;
    }
    size_t fresh = vm->heap.fresh_count;
    st = fn->row->fn(&nf.call);
    if (st || nf.call.state) return after_step(vm, task, &nf, fresh, st);
    vm->heap.fresh_count = fresh;
    task->args_end = NULL;
    *window = gives_self ? self : nf.call.result;
    return CRP_OK;
}

crp_status crpi_resume_native(crp *vm, crpi_task *task, bool returned)
{
    crpi_native *nf = task->natives;
    if (returned) nf->call.value = task->base[0];
    /* Calls look round often enough; what has waited looks round at once. */
    if (returned && !vm->interrupt && !task->stuck && !task->cancelled)
        return nf->next && nf->again && --vm->fuel >= 0 ? next_call(vm, task, nf) : step(vm, task, nf);
    crp_status st = vm->interrupt ? crpi_interrupt(vm) : task->stuck ? crpi_task_stuck(vm) : CRP_OK;
    if (!st) st = crpi_task_may_go_on(vm, task);
    task->stuck = false;
    return st ? st : step(vm, task, nf);
}

/* --- functions that are not there ------------------------------------------------------------------------------------ */

/* A file's variable that was not known when the call was compiled may hold a Function. */
crp_status crpi_callee(crp *vm, crpi_task *task, uint32_t cell, crp_word *out)
{
    *out = vm->cells->values[cell];
    if (*out != CRP_UNSET) return CRP_OK;
    crp_word name = vm->cells->cells[cell].name;
    const crpi_source *source = task->fp->fn->proto->source;
    uint32_t variable = source->scope ? crpi_scope_find(source->scope, name, NULL) : 0;
    if (variable) *out = vm->cells->values[variable];
    return variable && crp_is_a(*out, CRP_FUNCTION) ? CRP_OK : crpi_no_function(vm, name);
}

static crp_status not_defined(crp *vm, const crpi_member *m)
{
    crp_word face = m->face < m->owner->face_count ? m->owner->faces[m->face].name : CRP_NIL;
    crpi_buf name;
    crpi_buf_init(&name, &vm->mem, 300);
    crpi_type_name(vm, &name, m->type);
    crpi_buf_byte(&name, ' ');
    crpi_buf_text(&name, crp_symbol_name(vm, m->owner->name, NULL));
    if (m->face && face != CRP_NIL) crpi_buf_format(&name, ":%s", crp_symbol_name(vm, face, NULL));
    crp_status st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_IMPLEMENTED,
                              "the method %p of %p is declared but not defined: (defun %.*s::%p %v ...) does it", m->name,
                              m->owner->name, (int)name.length, name.bytes ? name.bytes : "", m->name, m->declared);
    crpi_buf_free(&name);
    return st;
}

/* The instruction's other words have been taken: behind CALLG the cell, behind a member's name what was found. */
crp_status crpi_enter_missing(crp *vm, crpi_task *task, uint32_t in, crp_word *at)
{
    if ((in & 0xff) != CRPI_OP_CALLG) return not_defined(vm, vm->members[task->pc[-2]]);
    crp_word function;
    crp_status st = crpi_callee(vm, task, task->pc[-1], &function);
    return st ? st : crpi_enter(vm, task, function, at, in >> 24);
}

/* --- calling whatever it is ------------------------------------------------------------------------------------------ */

crp_status crpi_enter(crp *vm, crpi_task *task, crp_word function, crp_word *at, uint32_t n)
{
    if (!crp_is_a(function, CRP_FUNCTION))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "a Function is expected to be called, %n given (%v)",
                         function, function);
    crpi_function *fn = crpi_function_of(function);
    if (fn->row) return enter_native(vm, task, fn, CRP_NIL, at, n, at, false);
    if (fn->proto->is_method)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p is a method: it is called on an object", fn->name);
    return enter_script(vm, task, fn, at, n);
}

crp_status crpi_enter_method(crp *vm, crpi_task *task, crp_word method, crp_word *at, uint32_t n)
{
    return enter_script(vm, task, crpi_function_of(method), at, n);
}

/* A call in tail position takes the place of its caller's frame.  Where the two declare different results, or the
 * callee is a native, it is an ordinary call, and what follows it returns. */
crp_status crpi_enter_tail(crp *vm, crpi_task *task, crp_word function, crp_word *at, uint32_t n, uint32_t receiver)
{
    crpi_function *fn = crp_is_a(function, CRP_FUNCTION) ? crpi_function_of(function) : NULL;
    const crpi_function *caller = task->fp->fn;
    bool same = fn && fn->proto && caller->proto && caller->proto->signature &&
                fn->proto->is_method == (receiver == 1) &&
                (caller->proto->signature->result == 0 || fn->proto->signature->result == caller->proto->signature->result);
    size_t room = same ? (fn->registers > n + receiver ? fn->registers : n + receiver) : 0;
    if (!same || task->base + room > task->limit) {
        if (receiver && fn && !fn->row) return enter_script(vm, task, fn, at, n);
        return crpi_enter(vm, task, function, at, n);
    }
    crp_status st = --vm->fuel < 0 ? crpi_look(vm, false) : CRP_OK;
    if (!st) st = check_count(vm, fn, n);
    if (st) return st;
    memmove(task->base, at, (n + receiver) * sizeof *at);
    task->fp->fn = fn;
    task->pc = fn->code;
    return fn->h.aux & CRPI_FN_VARIES ? arrange(vm, task, fn, task->base + receiver, n) : CRP_OK;
}

crp_status crpi_ask(crp *vm, crpi_task *task, const uint32_t *again, crp_word object, crp_word name, const crp_word *args,
                    uint32_t n)
{
    crp_word *at = crpi_task_top(task);
    crp_word copy[4];
    if (n) memcpy(copy, args, n * sizeof *args);
    crp_status st = push_frame(vm, task, again, task->base, NULL);
    if (st) return st;
    task->pc = answer_code;
    task->base = at;
    at[0] = object;
    if (n) memcpy(at + 1, copy, n * sizeof *copy);
    return crpi_enter_member(vm, task, at, n, name, NULL, false);
}

/* --- members ------------------------------------------------------------------------------------------------------------ */

static uint32_t owner_of(const crpi_task *task)
{
    const crpi_frame *fp = task->fp;
    while (fp > task->frames && (!fp->fn || !fp->fn->proto)) fp--;
    return fp > task->frames ? fp->fn->proto->owner : 0;
}

static crp_status enter_property(crp *vm, crp_word *at, uint32_t n, crpi_member *m, bool inside)
{
    if (n > 1)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%p is a property: no argument reads it, one sets it; %u given",
                         m->name, n);
    size_t fresh = vm->heap.fresh_count;
    crp_word value = n == 0 ? CRP_NIL : at[1];
    crp_status st = n == 0 ? crpi_property_get(vm, at[0], m, inside, &value) : crpi_property_set(vm, at[0], m, inside, value);
    if (!st) at[0] = value;
    vm->heap.fresh_count = fresh;
    return st;
}

static crp_status enter_method(crp *vm, crpi_task *task, crp_word *at, uint32_t n, const crpi_member *m, bool tail)
{
    if (m->function == CRP_UNSET) return not_defined(vm, m);
    crpi_function *fn = crpi_function_of(m->function);
    if (fn->row) return enter_native(vm, task, fn, at[0], at + 1, n, at, false);
    at[0] = crpi_unview(at[0]);
    if (tail) return crpi_enter_tail(vm, task, m->function, at, n, 1);
    return enter_script(vm, task, fn, at, n);
}

static bool hand_on(crp *vm, crp_word object, crp_word name, crp_word *target)
{
    const crp_class_def *def = crp_class_definition(vm, object);
    return def && def->missing && def->missing(vm, crp_object_of(object), name, target);
}

static crp_status enter_member(crp *vm, crpi_task *task, crp_word *at, uint32_t n, crp_word name, uint32_t *ins, bool tail)
{
    for (int hops = 0; hops < 1000; hops++) {
        uint32_t class_id, face, owner = owner_of(task);
        crp_word target, own;
        crpi_face_of(at[0], &class_id, &face);
        crpi_member *m = crpi_member_find(vm, class_id, face, name);
        if (!m && !vm->classes[class_id]->ready) { /* want of memory, as often as not */
            crp_status st = crpi_class_ready(vm, vm->classes[class_id]);
            if (st) return st;
            continue;
        }
        bool inside = owner != 0 && m && m->owner->id == owner;
        bool refuses = m && m->kind != CRPI_METHOD && n > 0 && (m->flags & CRPI_READONLY) && !inside;
        if ((!m || refuses) && crp_is_object(at[0]) && hand_on(vm, at[0], name, &target)) {
            at[0] = target;
            ins = NULL;
            continue;
        }
        if (!m && (own = crpi_own_method(vm, at[0], name)) != CRP_UNSET)
            return enter_native(vm, task, crpi_function_of(own), at[0], at + 1, n, at, false);
        if (!m || ((m->flags & CRPI_PRIVATE) && owner != m->owner->id))
            return m ? crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p is private: only methods of %p use it", name, m->owner->name)
                     : crpi_member_unknown(vm, at[0], name);
        crpi_remember(vm, ins, at[0], m, n, inside);
        return m->kind == CRPI_METHOD ? enter_method(vm, task, at, n, m, tail) : enter_property(vm, at, n, m, inside);
    }
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p is handed on without end", name);
}

/* The object and its arguments may stand above the registers in use, and looking for a member may collect. */
crp_status crpi_enter_member(crp *vm, crpi_task *task, crp_word *at, uint32_t n, crp_word name, uint32_t *ins, bool tail)
{
    task->args_end = at + 1 + n;
    crp_status st = enter_member(vm, task, at, n, name, ins, tail);
    task->args_end = NULL;
    return st;
}

crp_status crpi_enter_native(crp *vm, crpi_task *task, crp_word method, crp_word *at, uint32_t n)
{
    return enter_native(vm, task, crpi_function_of(method), at[0], at + 1, n, at, false);
}

/* A native method that the instruction has found for this class; its receiver and arguments are brought to where a
 * call has them. */
crp_status crpi_known_native(crp *vm, crpi_task *task, uint32_t in)
{
    const uint32_t *pc = task->pc;
    crp_word *R = task->base, *at = R + (uint8_t)(in >> 8), object = R[(uint8_t)(in >> 16)], function;
    uint32_t op = in & 0xff, n = op == CRPI_OP_NATIVE ? in >> 24 : op == CRPI_OP_NATIVE1 || op == CRPI_OP_ITEM;
    if (op == CRPI_OP_NATIVE) object = at[0];
    function = vm->members[pc[1] & CRPI_MEMBER_MASK]->function;
    if (crpi_plain_class(object) != pc[0] || !crp_is_a(function, CRP_FUNCTION) || !crpi_function_of(function)->row)
        return crpi_slow_member(vm, task, in);
    crp_word value = R[in >> 24];
    at[0] = object;
    if (n == 1 && op != CRPI_OP_NATIVE) at[1] = value;
    task->pc = pc + 3;
    return enter_native(vm, task, crpi_function_of(function), object, at + 1, n, at, false);
}

/* --- create ---------------------------------------------------------------------------------------------------------------- */

/* Whether the last argument is one more than the creator takes, and a list of properties. */
static crp_status takes_alist(crp *vm, crp_word creator, const crp_word *at, uint32_t n, bool *out)
{
    *out = false;
    if (n == 0 || !crpi_is_alist(at[n])) return CRP_OK;
    if (creator == CRP_UNSET) {
        *out = n == 1;
        return CRP_OK;
    }
    const crpi_signature *s;
    crp_status st = crpi_function_signature(vm, crpi_function_of(creator), &s);
    if (!st) *out = !s->rest && n == (uint32_t)s->count + 1;
    return st;
}

/* The object comes to at[0] (or, for a class that makes its values itself, what its creator gives); its constructor's arguments stand behind it.  With a list of properties the work is that
 * of createAux, which takes the same in steps. */
crp_status crpi_enter_create(crp *vm, crpi_task *task, crp_word name, crp_word *at, uint32_t n)
{
    crpi_class *class;
    crp_word creator, object;
    bool alist;
    crp_status st = crpi_class_find(vm, name, &class);
    if (!st) st = crpi_creator(vm, class->id, &creator);
    if (!st) st = takes_alist(vm, creator, at, n, &alist);
    if (st) return st;
    if (alist) {
        crp_word aux;
        uint32_t cell;
        at[0] = name;
        if ((st = crp_symbol(vm, "createAux", 9, &aux)) || (st = crpi_function_cell(vm, aux, &cell))) return st;
        return crpi_enter(vm, task, vm->cells->values[cell], at, n + 1);
    }
    size_t fresh = vm->heap.fresh_count;
    st = crp_new_object(vm, class->id, &object);
    if (st) return st;
    at[0] = object;
    vm->heap.fresh_count = fresh;
    if (creator == CRP_UNSET) {
        if (n == 0) return CRP_OK;
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "(create %p): no arguments expected but a list of properties, "
                         "%u given", name, n);
    }
    crpi_function *fn = crpi_function_of(creator);
    if (fn->row) return enter_native(vm, task, fn, object, at + 1, n, at, object != CRP_NIL);
    return enter_script(vm, task, fn, at, n);
}
