/* floor 6: instructions whose quick way did not fit.
 *
 * Each works on the saved state: task->pc stands behind the instruction's first word, and is moved behind its other
 * words before anything is called.
 */
#include "vm.h"

#include <string.h>
#include "cells.h"
#include "compiler.h"
#include "error.h"
#include "map.h"
#include "str.h"
#include "value.h"

#define A(in) ((uint8_t)((in) >> 8))
#define B(in) ((uint8_t)((in) >> 16))
#define C(in) ((uint8_t)((in) >> 24))
#define BC_SIGNED(in) ((int16_t)((in) >> 16))

static crp_word literal(const uint32_t *pc) { return pc[0] | (crp_word)pc[1] << 32; }

/* Runs something that allocates for the VM itself: what it makes is in a register when this ends. */
#define WITH_FRESH(vm, statement) \
    do { \
        size_t fresh_ = (vm)->heap.fresh_count; \
        statement; \
        (vm)->heap.fresh_count = fresh_; \
    } while (0)

/* --- arithmetic -------------------------------------------------------------------------------------------------- */

/* The operation of an instruction that is one for special operands, or does something else as well. */
static int plain_operation(int op)
{
    switch (op) {
    case CRPI_OP_IADD:
    case CRPI_OP_DADD:
    case CRPI_OP_ADDRET: return CRPI_OP_ADD;
    case CRPI_OP_DSUB: return CRPI_OP_SUB;
    case CRPI_OP_DMUL:
    case CRPI_OP_DMULADD:
    case CRPI_OP_DMULSUB: return CRPI_OP_MUL;
    case CRPI_OP_DDIV: return CRPI_OP_DIV;
    default: return op;
    }
}

static int operation_of(uint32_t in, crp_word *a, crp_word *b, const crp_word *R)
{
    *a = R[B(in)];
    *b = crp_fixnum((int8_t)C(in));
    switch (in & 0xff) {
    case CRPI_OP_ADDI:
    case CRPI_OP_ADDIRET:
    case CRPI_OP_ADDIJLT:
    case CRPI_OP_ADDIJLE: return CRPI_OP_ADD;
    case CRPI_OP_SUBI: return CRPI_OP_SUB;
    case CRPI_OP_MULI: return CRPI_OP_MUL;
    case CRPI_OP_REMI:
    case CRPI_OP_REMP: return CRPI_OP_REM;
    case CRPI_OP_NEG:
        if (crp_is_real(*a)) {
            *b = crp_fixnum(-1);
            return CRPI_OP_MUL;
        }
        *b = *a;
        *a = crp_fixnum(0);
        return CRPI_OP_SUB;
    default: *b = R[C(in)]; return plain_operation((int)(in & 0xff));
    }
}

static crp_word operator_name(int op)
{
    switch (op) {
    case CRPI_OP_ADD: return CRPI_WORD_OF(PLUS);
    case CRPI_OP_SUB: return CRPI_WORD_OF(MINUS);
    case CRPI_OP_MUL: return CRPI_WORD_OF(TIMES);
    case CRPI_OP_DIV: return CRPI_WORD_OF(DIVIDE);
    default: return CRPI_WORD_OF(REMAINDER);
    }
}

/* Takes the answer of a method that this instruction asked. */
static bool answered(crpi_task *task, crp_word *out)
{
    if (task->answer == CRP_UNSET) return false;
    *out = task->answer;
    task->answer = CRP_UNSET;
    return true;
}

/* Whether a value that is no number brings a method of this name. */
static bool has_operator(crp *vm, crp_word object, crp_word name)
{
    return crp_is_object(object) && !crpi_is_number(object) && crp_has_method(vm, object, name);
}

static bool text_sum(crp *vm, crp_word a, crp_word b, crp_word *out, crp_status *st)
{
    crp_word text = CRP_UNSET;
    WITH_FRESH(vm, *st = crpi_text_sum(vm, a, b, &text));
    if (text != CRP_UNSET) *out = text;
    return *st || text != CRP_UNSET;
}

crp_status crpi_slow_arithmetic(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word a, b, *R = task->base;
    if ((in & 0xff) == CRPI_OP_NUMBER) {
        R[A(in)] = R[B(in)];
        return crpi_is_number(R[B(in)]) ? CRP_OK : crpi_no_number(vm, C(in), R[B(in)]);
    }
    int op = operation_of(in, &a, &b, R);
    crp_status st;
    if (answered(task, &R[A(in)])) return CRP_OK;
    if (op == CRPI_OP_ADD && text_sum(vm, a, b, &R[A(in)], &st)) return st;
    if (has_operator(vm, a, operator_name(op))) return crpi_ask(vm, task, task->pc - 1, a, operator_name(op), &b, 1);
    WITH_FRESH(vm, st = crpi_arithmetic(vm, op, a, b, &R[A(in)]));
    return st;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

typedef struct comparison {
    enum { LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL, EQUAL } kind;
    bool when; /* jumps if the comparison's truth is this */
    crp_word a, b;
} comparison;

static comparison comparison_of(uint32_t in, const crp_word *R)
{
    crp_word a = R[A(in)], small = crp_fixnum(BC_SIGNED(in));
    switch (in & 0xff) {
    case CRPI_OP_JLT: return (comparison){LESS, true, a, R[B(in)]};
    case CRPI_OP_JNLT: return (comparison){LESS, false, a, R[B(in)]};
    case CRPI_OP_JLE: return (comparison){LESS_OR_EQUAL, true, a, R[B(in)]};
    case CRPI_OP_JNLE: return (comparison){LESS_OR_EQUAL, false, a, R[B(in)]};
    case CRPI_OP_JEQ: return (comparison){EQUAL, true, a, R[B(in)]};
    case CRPI_OP_JNE: return (comparison){EQUAL, false, a, R[B(in)]};
    case CRPI_OP_JLTI: return (comparison){LESS, true, a, small};
    case CRPI_OP_JNLTI: return (comparison){LESS, false, a, small};
    case CRPI_OP_JLEI: return (comparison){LESS_OR_EQUAL, true, a, small};
    case CRPI_OP_JNLEI: return (comparison){LESS_OR_EQUAL, false, a, small};
    case CRPI_OP_JGTI: return (comparison){GREATER, true, a, small};
    case CRPI_OP_JNGTI: return (comparison){GREATER, false, a, small};
    case CRPI_OP_JGEI: return (comparison){GREATER_OR_EQUAL, true, a, small};
    case CRPI_OP_JNGEI: return (comparison){GREATER_OR_EQUAL, false, a, small};
    case CRPI_OP_JEQI: return (comparison){EQUAL, true, a, small};
    default: return (comparison){EQUAL, false, a, small};
    }
}

static crp_word comparison_name(int kind)
{
    switch (kind) {
    case LESS: return CRPI_WORD_OF(LT);
    case LESS_OR_EQUAL: return CRPI_WORD_OF(LE);
    case GREATER: return CRPI_WORD_OF(GT);
    case GREATER_OR_EQUAL: return CRPI_WORD_OF(GE);
    default: return CRPI_WORD_OF(EQ);
    }
}

/* Objects of a class that brings the operator are asked; a > b was compiled as b < a, so both ways are tried. */
static bool asks(crp *vm, const comparison *c, crp_word *object, crp_word *name, crp_word *argument)
{
    static const int mirrored[] = {GREATER, GREATER_OR_EQUAL, LESS, LESS_OR_EQUAL, EQUAL};
    if (crp_class_of(c->a) < CRP_FIRST_FREE_CLASS) return false;
    if (crp_class_of(c->a) != crp_class_of(c->b)) return false;
    *object = c->a, *argument = c->b, *name = comparison_name(c->kind);
    if (has_operator(vm, *object, *name)) return true;
    *object = c->b, *argument = c->a, *name = comparison_name(mirrored[c->kind]);
    return c->kind != EQUAL && has_operator(vm, *object, *name);
}

static crp_status holds(crp *vm, const comparison *c, bool *yes)
{
    if (c->kind == EQUAL) {
        *yes = crp_equal(vm, c->a, c->b);
        return CRP_OK;
    }
    int order;
    crp_status st = crpi_compare(vm, c->a, c->b, &order);
    if (st) return st;
    if (order == 2) *yes = false; /* NaN */
    else *yes = c->kind == LESS ? order < 0 : c->kind == LESS_OR_EQUAL ? order <= 0 : c->kind == GREATER ? order > 0 : order >= 0;
    return CRP_OK;
}

static crp_status jump_if(crp *vm, crpi_task *task, bool taken)
{
    if (!taken) {
        task->pc++;
        return CRP_OK;
    }
    task->pc = crpi_jump(task->pc);
    return --vm->fuel < 0 ? crpi_look(vm, true) : CRP_OK;
}

crp_status crpi_slow_compare(crp *vm, crpi_task *task, uint32_t in)
{
    comparison c = comparison_of(in, task->base);
    crp_word answer, object, name, argument;
    if (answered(task, &answer)) return jump_if(vm, task, (answer != CRP_NIL) == c.when);
    if (asks(vm, &c, &object, &name, &argument)) return crpi_ask(vm, task, task->pc - 1, object, name, &argument, 1);
    bool yes;
    crp_status st = holds(vm, &c, &yes);
    return st ? st : jump_if(vm, task, yes == c.when);
}

/* --- names, checks ------------------------------------------------------------------------------------------------ */

static crp_status no_value(crp *vm, uint32_t cell)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "the variable %p has no value", vm->cells->cells[cell].name);
}

/* GETNAME: a variable of the file that was declared later, else a function, else a class. */
static crp_status find_name(crp *vm, uint32_t cell, crp_word symbol, crp_word *out)
{
    *out = vm->cells->values[cell];
    if (*out != CRP_UNSET) return CRP_OK;
    crpi_name *n = crpi_name_find(vm, symbol);
    if (n && n->function && vm->cells->values[n->function] != CRP_UNSET) {
        *out = vm->cells->values[n->function];
        return CRP_OK;
    }
    crpi_class *class = crpi_class_named(vm, symbol);
    if (class && class->defined && class->object) {
        *out = crp_from_object(class->object);
        return CRP_OK;
    }
    return crpi_no_name(vm, symbol);
}

crp_status crpi_slow_name(crp *vm, crpi_task *task, uint32_t in)
{
    uint32_t cell = task->pc[0];
    if ((in & 0xff) == CRPI_OP_GETCELL) return no_value(vm, cell);
    crp_word symbol = task->pc[1];
    task->pc += 2;
    if ((in & 0xff) == CRPI_OP_GETFN && B(in)) return crpi_no_function(vm, symbol);
    return find_name(vm, cell, symbol, &task->base[A(in)]);
}

crp_status crpi_slow_check(crp *vm, crpi_task *task, uint32_t in)
{
    static const char *const what[] = {"argument", "variable", "the result of", "property"};
    crpi_type type = task->pc[0];
    crp_word name = task->pc[2];
    task->pc += 3;
    crp_status st;
    WITH_FRESH(vm, st = crpi_check_type(vm, type, &task->base[A(in)], what[B(in)], name);
               if (st && B(in) == CRPI_CHECK_ARGUMENT) crp_error_prefix(vm, "%p: ", task->fp->fn->name));
    return st;
}

/* --- pairs --------------------------------------------------------------------------------------------------------- */

static crp_status cons(crp *vm, crp_word *R, uint32_t in)
{
    crp_word tail = R[C(in)];
    if (!crp_is_pair(tail) && tail != CRP_NIL)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "cons: a List is expected as second argument, %n given (%v)",
                         tail, tail);
    crp_pair *p = crpi_new_pair_unlogged(vm, R[B(in)], tail);
    if (!p) return CRP_E_NOMEM;
    R[A(in)] = crp_from_pair(p);
    return CRP_OK;
}

static crp_status no_pair(crp *vm, crp_word w, const char *name)
{
    if (w == CRP_NIL) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%s: the List is empty", name);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "%s: a List is expected, %n given (%v)", name, w, w);
}

/* The items' own registers hold the tails while the List grows from its end. */
static crp_status list(crp *vm, crp_word *R, uint32_t in)
{
    crp_word tail = CRP_NIL, *items = R + B(in);
    for (uint32_t i = C(in); i-- > 0;) {
        crp_pair *p = crpi_new_pair_unlogged(vm, items[i], tail);
        if (!p) return CRP_E_NOMEM;
        tail = items[i] = crp_from_pair(p);
    }
    R[A(in)] = tail;
    return CRP_OK;
}

/* The last pair of a List; one that was grown here before is remembered, so growing stays linear. */
static crp_status last_pair(crp *vm, crp_word list, crp_word *last)
{
    crp_word w = list, behind = list;
    if (vm->append_cache.list == list && crp_tail(vm->append_cache.last) == CRP_NIL) w = vm->append_cache.last;
    *last = w;
    for (size_t n = 1; crp_is_pair(crp_tail(w)); n++) {
        w = crp_tail(w);
        if (n % 2 == 0) behind = crp_tail(behind);
        if (w == behind) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "endCons: the List is a cycle and has no end");
    }
    *last = w;
    return CRP_OK;
}

static crp_status end_cons(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word *R = task->base, list = R[A(in)], last = CRP_NIL, answer;
    if (answered(task, &answer)) return jump_if(vm, task, true);
    if (list != CRP_NIL && !crp_is_pair(list))
        return crpi_ask(vm, task, task->pc - 1, list, CRPI_WORD_OF(END_CONS), &R[B(in)], 1);
    crp_pair *p = crpi_new_pair_unlogged(vm, R[B(in)], CRP_NIL);
    if (!p) return CRP_E_NOMEM;
    crp_word added = crp_from_pair(p);
    if (list == CRP_NIL) {
        R[A(in)] = added;
        vm->append_cache.list = vm->append_cache.last = added;
        return jump_if(vm, task, false);
    }
    crp_status st = last_pair(vm, list, &last);
    if (st) return st;
    crpi_store(vm, &vm->heap, &crp_pair_of(last)->tail, added);
    vm->append_cache.list = list;
    vm->append_cache.last = added;
    return jump_if(vm, task, true);
}

static crp_status gather_item(crp *vm, crp_word *list, crp_word item)
{
    crp_pair *p = crpi_new_pair_unlogged(vm, item, CRP_NIL);
    if (!p) return CRP_E_NOMEM;
    crp_word added = crp_from_pair(p);
    if (list[0] == CRP_NIL) list[0] = added;
    else crpi_store(vm, &vm->heap, &crp_pair_of(list[1])->tail, added);
    list[1] = added;
    return CRP_OK;
}

static crp_status gather_copy(crp *vm, crp_word *list, crp_word items)
{
    crp_word slow = items;
    crp_status st = CRP_OK;
    for (size_t n = 1; !st && crp_is_pair(items); n++) {
        st = gather_item(vm, list, crp_head(items));
        items = crp_tail(items);
        if (n % 2 == 0) slow = crp_tail(slow);
        if (items == slow && !st) st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, ",@: the List is a cycle and has no end");
    }
    return st;
}

/* The next part of a quasiquote. */
static crp_status gather(crp *vm, crp_word *R, uint32_t in)
{
    crp_word *list = &R[A(in)], item = R[B(in)];
    if (C(in) == CRPI_GATHER_ITEM) return gather_item(vm, list, item);
    if (item == CRP_NIL) return CRP_OK;
    if (!crp_is_pair(item))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, ",@: a List is expected, %n given (%v)", item, item);
    if (C(in) == CRPI_GATHER_COPY) return gather_copy(vm, list, item);
    if (list[0] == CRP_NIL) list[0] = item;
    else crpi_store(vm, &vm->heap, &crp_pair_of(list[1])->tail, item);
    return CRP_OK;
}

crp_status crpi_slow_pair(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word *R = task->base;
    switch (in & 0xff) {
    case CRPI_OP_CONS: return cons(vm, R, in);
    case CRPI_OP_HEAD:
    case CRPI_OP_HEADI: return no_pair(vm, R[B(in)], "headOf");
    case CRPI_OP_TAIL:
    case CRPI_OP_TAILJT: return no_pair(vm, R[B(in)], "tailOf");
    case CRPI_OP_LIST: return list(vm, R, in);
    case CRPI_OP_GATHER: return gather(vm, R, in);
    default: return end_cons(vm, task, in);
    }
}

/* --- for ------------------------------------------------------------------------------------------------------------ */

static crp_status next_item(crp *vm, crpi_task *task, crp_word *item, bool more)
{
    crp_word *R = item - 2;
    if (!more) R[0] = CRP_NIL;
    return jump_if(vm, task, more);
}

static crp_status next_pair_item(crp *vm, crpi_task *task, crp_word *at)
{
    crp_word entry = crp_head(at[0]);
    if (!crp_is_pair(entry) || !crp_is_pair(crp_tail(entry)))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "for: with two variables each item is a List of two, %v given",
                         entry);
    at[2] = crp_head(entry);
    at[3] = crp_head(crp_tail(entry));
    at[0] = crp_tail(at[0]);
    return jump_if(vm, task, true);
}

static crp_status next_entry(crp *vm, crpi_task *task, crp_word *at)
{
    size_t cursor = (size_t)crp_fixnum_value(at[1]);
    const crpi_hashtable *table = (crpi_hashtable *)crp_object_of(at[0]);
    bool more = crpi_map_next(&table->map, &cursor, &at[2], &at[3]);
    at[1] = crp_fixnum((int64_t)cursor);
    return next_item(vm, task, at + 2, more);
}

static crp_status next_indexed(crp *vm, crpi_task *task, crp_word *at)
{
    size_t i = (size_t)crp_fixnum_value(at[1]), n;
    const unsigned char *bytes;
    bool more;
    if (crp_is_a(at[0], CRP_ARRAY)) {
        const crpi_array *array = (crpi_array *)crp_object_of(at[0]);
        more = i < array->count;
        if (more) at[2] = array->items[i];
    } else {
        crp_bytes(at[0], &bytes, &n);
        more = i < n;
        if (more) at[2] = crp_fixnum(bytes[i]);
    }
    at[1] = crp_fixnum((int64_t)i + 1);
    return next_item(vm, task, at + 2, more);
}

/* FORNEXT over anything but a List walked with one variable. An object is asked for `next`; () ends the walk. */
crp_status crpi_slow_next(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word *at = task->base + A(in), answer;
    uint32_t id = crp_class_of(at[0]);
    if (answered(task, &answer)) {
        at[2] = answer;
        return next_item(vm, task, at + 2, answer != CRP_NIL);
    }
    if (crp_is_pair(at[0])) return next_pair_item(vm, task, at);
    if (id == CRP_HASHTABLE) return next_entry(vm, task, at);
    if (B(in) == 1 && (id == CRP_ARRAY || id == CRP_STRING || id == CRP_BINARY || id == CRP_BUFFER))
        return next_indexed(vm, task, at);
    if (B(in) == 1 && crp_has_method(vm, at[0], CRPI_WORD_OF(NEXT)))
        return crpi_ask(vm, task, task->pc - 1, at[0], CRPI_WORD_OF(NEXT), NULL, 0);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     B(in) == 2 ? "for: with two variables a HashTable or a List of pairs is expected, %n given (%v)"
                                : "for: a List, Array, String, HashTable or an object with a method next is expected, %n given (%v)",
                     at[0], at[0]);
}

/* --- members ----------------------------------------------------------------------------------------------------------- */

/* SETP, and what it became or takes the place of it. */
static bool sets_or_calls(uint32_t op)
{
    return op == CRPI_OP_SETP || op == CRPI_OP_SETSLOT || op == CRPI_OP_SETKNOWN || op == CRPI_OP_SETTYPED ||
           op == CRPI_OP_NATIVE1 || op == CRPI_OP_ITEM;
}

crp_status crpi_slow_member(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word *R = task->base, *at = R + A(in);
    uint32_t *ins = (uint32_t *)(uintptr_t)(task->pc - 1); /* the code is this interpreter's own */
    crp_word name = task->pc[2];
    uint32_t op = in & 0xff;
    task->pc += 3;
    if (op == CRPI_OP_NATIVE) *ins = (*ins & ~(uint32_t)0xff) | CRPI_OP_INVOKE;
    if (op == CRPI_OP_INVOKE || op == CRPI_OP_NATIVE) return crpi_enter_member(vm, task, at, C(in), name, ins, B(in) == 1);
    if (sets_or_calls(op)) {
        crp_word object = R[B(in)], value = R[C(in)];
        at[0] = object;
        at[1] = value;
        if (op != CRPI_OP_SETP && op != CRPI_OP_SETKNOWN) *ins = (*ins & ~(uint32_t)0xff) | CRPI_OP_SETP;
        return crpi_enter_member(vm, task, at, 1, name, ins, false);
    }
    at[0] = R[B(in)];
    if (op != CRPI_OP_GETP) *ins = (*ins & ~(uint32_t)0xff) | CRPI_OP_GETP;
    return crpi_enter_member(vm, task, at, 0, name, ins, false);
}

/* --- calls --------------------------------------------------------------------------------------------------------------- */

/* The value of a variable in head position; where that is no Function, the function of that name. */
static crp_status function_of_variable(crp *vm, crp_word value, uint32_t cell, crp_word *out)
{
    *out = crp_is_a(value, CRP_FUNCTION) ? value : vm->cells->values[cell];
    if (*out != CRP_UNSET) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "%p is no Function but %n (%v), and there is no function of that "
                     "name", vm->cells->cells[cell].name, value, value);
}

static crp_status view(crp *vm, crp_word *R, uint32_t in)
{
    crpi_view *v = crpi_new_unlogged(vm, CRP_VIEW, sizeof *v);
    if (!v) return CRP_E_NOMEM;
    v->object = crpi_unview(R[B(in)]);
    v->face = C(in);
    R[A(in)] = crp_from_object(v);
    return CRP_OK;
}

crp_status crpi_slow_call(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word *R = task->base, *at = R + A(in), function;
    crp_status st;
    switch (in & 0xff) {
    case CRPI_OP_CALLV:
        st = function_of_variable(vm, R[B(in)], *task->pc++, &function);
        return st ? st : crpi_enter(vm, task, function, at, C(in));
    case CRPI_OP_TCALLV:
        st = function_of_variable(vm, R[B(in)], *task->pc++, &function);
        return st ? st : crpi_enter_tail(vm, task, function, at, C(in), 0);
    case CRPI_OP_TCALLG:
        st = crpi_callee(vm, task, *task->pc++, &function);
        return st ? st : crpi_enter_tail(vm, task, function, at, C(in), 0);
    case CRPI_OP_TCALL: return crpi_enter_tail(vm, task, R[B(in)], at, C(in), 0);
    case CRPI_OP_CREATE: {
        crp_word name = *task->pc++;
        return crpi_enter_create(vm, task, name, at, C(in));
    }
    default: return view(vm, R, in);
    }
}

/* --- closures, eval --------------------------------------------------------------------------------------------------------- */

static crp_status new_box(crp *vm, crp_word *R, uint32_t in)
{
    crp_word value = R[B(in)];
    crpi_box *box = crpi_new_unlogged(vm, CRP_BOX, sizeof *box);
    if (!box) return CRP_E_NOMEM;
    box->value = value;
    R[A(in)] = crp_from_object(box);
    return CRP_OK;
}

static crp_status closure(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word *R = task->base;
    crpi_proto *p = crpi_proto_of(literal(task->pc));
    const crpi_function *maker = task->fp->fn;
    crpi_function *fn = crpi_new_unlogged(vm, CRP_FUNCTION, sizeof *fn + p->captures * sizeof(crp_word));
    if (!fn) return CRP_E_NOMEM;
    crpi_closure_init(fn, p);
    const uint32_t *sources = task->pc + 3;
    for (uint32_t i = 0; i < p->captures; i++)
        fn->captures[i] = sources[i] & 0x100 ? maker->captures[sources[i] & 0xff] : R[sources[i]];
    task->pc += 3 + p->captures;
    R[A(in)] = crp_from_object(fn);
    return CRP_OK;
}

static crp_status eval_function(crp *vm, crpi_task *task, uint32_t in, crp_word variables, crp_word *out)
{
    const crpi_function *maker = task->fp->fn;
    crp_word proto;
    crp_status st = crpi_compile_eval(vm, maker->proto, variables, C(in), task->base[B(in)], &proto);
    if (!st) st = crpi_closure_new(vm, crpi_proto_of(proto), out);
    if (st) return st;
    crpi_function *fn = crpi_function_of(*out);
    crp_word v = variables;
    for (uint32_t i = 0; i < fn->capture_count && crp_is_pair(v); i++, v = crp_tail(v)) {
        uint32_t from = (uint32_t)crp_fixnum_value(crp_head(crp_tail(crp_tail(crp_head(v)))));
        fn->captures[i] = from & 0x100 ? maker->captures[from & 0xff] : task->base[from];
    }
    return CRP_OK;
}

static crp_status eval(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word function = CRP_NIL, *at = task->base + A(in);
    crp_word variables = literal(task->pc);
    task->pc += 2;
    crp_status st;
    WITH_FRESH(vm, st = eval_function(vm, task, in, variables, &function));
    if (st) return st;
    at[0] = function;
    return crpi_enter(vm, task, function, at, 0);
}

crp_status crpi_slow_closure(crp *vm, crpi_task *task, uint32_t in)
{
    switch (in & 0xff) {
    case CRPI_OP_NEWBOX: return new_box(vm, task->base, in);
    case CRPI_OP_CLOSURE: return closure(vm, task, in);
    default: return eval(vm, task, in);
    }
}

/* --- definitions -------------------------------------------------------------------------------------------------------------- */

static void put_shape(crp *vm, crpi_buf *out, const crpi_cell *cell, const crpi_signature *s, bool macro)
{
    if (macro) crpi_buf_text(out, "the macro ");
    (macro ? crpi_signature_print_call : crpi_signature_print)(vm, out, crp_symbol_name(vm, cell->name, NULL), s);
}

/* At the prompt a name may become something else, but who did not mean it should know. */
static void tell_of_change(crp *vm, const crpi_cell *cell, const crpi_signature *was, const crpi_signature *is, bool macro)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 2000);
    crpi_buf_text(&text, "note: ");
    put_shape(vm, &text, cell, was, cell->kind == CRPI_CELL_MACRO);
    crpi_buf_text(&text, " is now ");
    put_shape(vm, &text, cell, is, macro);
    crpi_buf_byte(&text, '\n');
    if (vm->write && !text.failed) vm->write(vm->write_ud, 2, text.bytes, text.length);
    crpi_buf_free(&text);
}

/* In a file what a name was declared or defined as before must stay. */
static crp_status may_define(crp *vm, const crpi_cell *cell, const crpi_proto *p, bool macro)
{
    bool was_macro = cell->kind == CRPI_CELL_MACRO;
    if (!crp_is_a(cell->signature, CRP_PROTO)) return CRP_OK;
    const crpi_signature *was = crpi_proto_of(cell->signature)->signature;
    if (was_macro == macro && crpi_signature_same(vm, was, p->signature)) return CRP_OK;
    if (p->source->interactive) {
        tell_of_change(vm, cell, was, p->signature, macro);
        return CRP_OK;
    }
    if (was_macro != macro)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p is declared already as a %s", cell->name,
                         was_macro ? "macro" : "function");
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p is declared already with another signature", cell->name);
}

static crp_status define(crp *vm, crp_word function, uint32_t number, bool macro)
{
    crpi_cell *cell = &vm->cells->cells[number];
    crpi_proto *p = crpi_function_of(function)->proto;
    if (p->source->builtin && cell->shipped == CRPI_SHIPPED_TAKEN) return CRP_OK;
    if (!p->source->builtin) crpi_cell_take(vm, cell->name);
    crp_status st = may_define(vm, cell, p, macro);
    if (st) return st;
    cell->signature = crp_from_object(p);
    cell->declared = true;
    (macro ? crpi_cell_macro : crpi_cell_function)(vm, number, function);
    return CRP_OK;
}

/* The value of `set` stays what it was, so what is converted is a copy. */
static crp_status set_global(crp *vm, crp_word value, uint32_t number)
{
    const crpi_cell *cell = &vm->cells->cells[number];
    crp_status st;
    WITH_FRESH(vm, st = crpi_check_type(vm, cell->type, &value, "variable", cell->name));
    if (!st) vm->cells->values[number] = value;
    return st;
}

crp_status crpi_slow_define(crp *vm, crpi_task *task, uint32_t in)
{
    uint32_t number = *task->pc++;
    switch (in & 0xff) {
    case CRPI_OP_SETGLOBAL: return set_global(vm, task->base[A(in)], number);
    case CRPI_OP_UNSETCELL: vm->cells->values[number] = CRP_UNSET; return CRP_OK;
    case CRPI_OP_DEFUN: return define(vm, task->base[A(in)], number, B(in) == 1);
    default: break;
    }
    task->pc++;
    vm->members[number]->function = task->base[A(in)];
    vm->members[number]->quick = 0;
    vm->epoch++;
    return CRP_OK;
}

/* --- try ------------------------------------------------------------------------------------------------------------------------ */

/* `within`: its time begins now. */
static crp_status begin_time(crp *vm, crp_word span, crpi_handler *h)
{
    if (!crp_is_integer(span))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "within: milliseconds expected, an Integer, %n given (%v)", span,
                         span);
    h->span = crp_integer_value(span);
    if (h->span < 0) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "within: %ld milliseconds", h->span);
    int64_t now = crp_now(vm), end = h->span > CRP_NO_DEADLINE - now ? CRP_NO_DEADLINE : now + h->span;
    if (end < h->deadline) h->deadline = end;
    return CRP_OK;
}

static crp_status push_handler(crp *vm, crpi_task *task, uint32_t in)
{
    size_t n = task->handler_count;
    if (n == task->handler_capacity &&
        !crpi_mem_grow(&vm->mem, &task->handlers, &task->handler_capacity, n + 1, sizeof *task->handlers))
        return crp_no_memory(vm);
    crpi_handler h = {
        .frame = (uint32_t)(task->fp - task->frames),
        .reg = A(in),
        .kind = B(in),
        .base = task->base,
        .pc = crpi_jump(task->pc),
        .segment = task->segment,
        .deadline = crpi_task_deadline(task),
    };
    crp_status st = h.kind == CRPI_WITHIN ? begin_time(vm, task->base[C(in)], &h) : CRP_OK;
    if (st) return st;
    task->pc++;
    task->handlers[task->handler_count++] = h;
    return CRP_OK;
}

crp_status crpi_slow_try(crp *vm, crpi_task *task, uint32_t in)
{
    crp_word *R = task->base;
    bool yes = false;
    crp_status st;
    switch (in & 0xff) {
    case CRPI_OP_TRY: return push_handler(vm, task, in);
    case CRPI_OP_RETHROW: return crp_rethrow(vm, R[A(in)]);
    case CRPI_OP_CATCH:
        yes = BC_SIGNED(in) == -1 || crpi_error_of(R[A(in)])->error_class == crp_fixnum(BC_SIGNED(in));
        return jump_if(vm, task, yes);
    default:
        st = crpi_error_matches(vm, R[A(in)], R[B(in)], &yes);
        return st ? st : jump_if(vm, task, yes);
    }
}
