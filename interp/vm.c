/* The loop.
 *
 * What is common and quick stands here; everything else is a function in slow.c, called with the state saved in the
 * task.  pc, the registers and the frame pointer live in locals; each instruction ends with its own dispatch.
 */
#include "vm.h"

#include <string.h>
#include "cells.h"
#include "value.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#if defined(__GNUC__) && !defined(__clang__)
#define LOOP_ATTRIBUTES __attribute__((optimize("no-gcse", "no-crossjumping")))
#else
#define LOOP_ATTRIBUTES
#endif

#if defined(__GNUC__)
#define CASE(name) L_##name
#define NEXT \
    do { \
        pc++; \
        goto *table[BYTE(0)]; \
    } while (0)
#else
#define CASE(name) case CRPI_OP_##name
#define NEXT goto dispatch
#endif

/* The instruction under way: its first word is behind pc as long as pc has not been moved over the other ones.  A byte of
 * it is one load, where shifting takes three steps. */
#define IN (pc[-1])
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE(n) (((const uint8_t *)pc)[(n)-4])
#else
#define BYTE(n) ((uint8_t)(IN >> 8 * (n)))
#endif

#define A BYTE(1)
#define B BYTE(2)
#define C BYTE(3)
#define C_SIGNED ((int8_t)C)
#define BC_SIGNED ((int16_t)(IN >> 16))

#define SAVE() (task->pc = pc, task->base = R, task->fp = fp)
#define RELOAD() (pc = task->pc, R = task->base, fp = task->fp)

#define BOTH_FIXNUMS(a, b) ((((a) | (b)) & 3) == 0)
#define BOTH_FLONUMS(a, b) (((((a) ^ 2) | ((b) ^ 2)) & 3) == 0)

/* Leaves the quick way: the rest is done by a function. */
#define SLOW(function) \
    do { \
        SAVE(); \
        st = function(vm, task, IN); \
        goto after_slow; \
    } while (0)

#define TAKE_JUMP \
    do { \
        pc = crpi_jump(pc); \
        if (UNLIKELY(--vm->fuel < 0)) goto interrupted; \
        NEXT; \
    } while (0)

#define JUMP_IF(condition) \
    do { \
        if (condition) TAKE_JUMP; \
        pc++; \
        NEXT; \
    } while (0)

#define COMPARE(name, op) \
    CASE(name) : \
    { \
        crp_word a = R[A], b = R[B]; \
        if (LIKELY(BOTH_FIXNUMS(a, b))) JUMP_IF((int64_t)a op (int64_t)b); \
        if (BOTH_FLONUMS(a, b)) JUMP_IF(crpi_flonum_value(a) op crpi_flonum_value(b)); \
        SLOW(crpi_slow_compare); \
    }

#define COMPARE_NOT(name, op) \
    CASE(name) : \
    { \
        crp_word a = R[A], b = R[B]; \
        if (LIKELY(BOTH_FIXNUMS(a, b))) JUMP_IF(!((int64_t)a op (int64_t)b)); \
        if (BOTH_FLONUMS(a, b)) JUMP_IF(!(crpi_flonum_value(a) op crpi_flonum_value(b))); \
        SLOW(crpi_slow_compare); \
    }

#define COMPARE_SMALL(name, test) \
    CASE(name) : \
    { \
        int64_t a = (int64_t)R[A], b = (int64_t)BC_SIGNED * 4; \
        if (LIKELY(crp_is_fixnum((crp_word)a))) JUMP_IF(test); \
        SLOW(crpi_slow_compare); \
    }

#define ARITHMETIC(name, overflows, real_op) \
    CASE(name) : \
    { \
        crp_word a = R[B], b = R[C]; \
        int64_t r; \
        if (LIKELY(BOTH_FIXNUMS(a, b))) { \
            if (LIKELY(!overflows((int64_t)a, (int64_t)b, &r))) { \
                R[A] = (crp_word)r; \
                NEXT; \
            } \
        } else if (BOTH_FLONUMS(a, b) && crpi_flonum(crpi_flonum_value(a) real_op crpi_flonum_value(b), &R[A])) NEXT; \
        SLOW(crpi_slow_arithmetic); \
    }

#define ARITHMETIC_SMALL(name, overflows) \
    CASE(name) : \
    { \
        crp_word a = R[B]; \
        int64_t r; \
        if (LIKELY(crp_is_fixnum(a)) && LIKELY(!overflows((int64_t)a, (int64_t)C_SIGNED * 4, &r))) { \
            R[A] = (crp_word)r; \
            NEXT; \
        } \
        SLOW(crpi_slow_arithmetic); \
    }

/* What is known to be a Real is a flonum or an object. */
#define REAL_ARITHMETIC(name, op) \
    CASE(name) : \
    { \
        crp_word a = R[B], b = R[C]; \
        if (LIKELY(!((a | b) & 1)) && LIKELY(crpi_flonum(crpi_flonum_value(a) op crpi_flonum_value(b), &R[A]))) NEXT; \
        SLOW(crpi_slow_arithmetic); \
    }

/* The product stays a double until what follows has taken it. */
#define MULTIPLY_AND(name, op) \
    CASE(name) : \
    { \
        uint32_t next = *pc; \
        crp_word a = R[B], b = R[C], left = R[(uint8_t)(next >> 16)]; \
        if (LIKELY(!((a | b | left) & 1)) && \
            LIKELY(crpi_flonum(crpi_flonum_value(left) op (crpi_flonum_value(a) * crpi_flonum_value(b)), &R[(uint8_t)(next >> 8)]))) { \
            pc++; \
            NEXT; \
        } \
        SLOW(crpi_slow_arithmetic); \
    }

#define RETURN(value) \
    do { \
        crp_word v_ = (value); \
        pc = fp->pc; \
        R[0] = v_; \
        R = fp->base; \
        fp--; \
        NEXT; \
    } while (0)

/* Adds, and does the comparison that stands behind it too if that is one of small Integers. */
#define COUNT(name, op) \
    CASE(name) : \
    { \
        int64_t r; \
        if (LIKELY(crp_is_fixnum(R[B])) && LIKELY(!ADD_OVERFLOWS((int64_t)R[B], (int64_t)C_SIGNED * 4, &r))) { \
            crp_word limit = R[(uint8_t)(*pc >> 16)]; \
            R[A] = (crp_word)r; \
            if (UNLIKELY(!crp_is_fixnum(limit))) NEXT; \
            pc++; \
            JUMP_IF(r op (int64_t)limit); \
        } \
        SLOW(crpi_slow_arithmetic); \
    }

#define ADD_OVERFLOWS __builtin_saddl_overflow
#define SUB_OVERFLOWS __builtin_ssubl_overflow
#define MUL_OVERFLOWS(a, b, r) __builtin_smull_overflow((a), (b) >> 2, (r))

/* The header word of a script's Function with this shape and count of arguments (as they stand in B and C of an instruction)
 * and nothing special, or of a method. */
static inline bool has_header(const crpi_function *fn, uint32_t shape_and_count, bool method)
{
    uint64_t header;
    memcpy(&header, &fn->h, sizeof header);
    return header == ((uint64_t)shape_and_count << 32 | (uint64_t)CRP_FUNCTION | (method ? (uint64_t)CRPI_FN_METHOD << 48 : 0));
}

/* A new frame whose first registers are at `at`, if there is room and nothing wants the VM to look round. */
#define ENTER_AT(fn_, code_) \
    do { \
        if (LIKELY(at + (fn_)->registers <= task->limit) && LIKELY(fp < task->frame_end) && LIKELY(--vm->fuel >= 0)) { \
            fp++; \
            fp->pc = pc; \
            fp->base = R; \
            fp->fn = (fn_); \
            R = at; \
            pc = (code_); \
            NEXT; \
        } \
    } while (0)

/* A call: the arguments' registers become the callee's.  For a method the receiver stands at at[0].  `in_`: the instruction
 * with shape and count in B and C; `words` follow it. */
#define ENTER(function, in_, words, method_, otherwise) \
    do { \
        callee = (function); \
        at = R + A; \
        in = (in_); \
        pc += (words); \
        if (LIKELY(crp_is_object(callee))) { \
            crpi_function *fn_ = crpi_function_of(callee); \
            if (LIKELY(has_header(fn_, in >> 16, method_))) ENTER_AT(fn_, fn_->checked); \
        } \
        goto otherwise; \
    } while (0)

#define OBJECT_OF_CLASS(o, id) (LIKELY(crp_is_object(o)) && LIKELY(crp_object_of(o)->class_id == (id)))
#define OF_TYPE(v, type) \
    (OBJECT_OF_CLASS(v, type) || ((type) == CRP_LIST && (crp_is_pair(v) || (v) == CRP_NIL)) || \
     ((type) == CRP_REAL && crp_is_flonum(v)))
#define SLOT(o, offset) ((crp_word *)(void *)((char *)crp_object_of(o) + (offset)))

/* A built-in method that was found before, by its quick way if it has one and that will do.  What it allocates is reached from
 * the registers, so the state is saved; frames it leaves alone. */
#define KNOWN_NATIVE(object, n_, arguments) \
    do { \
        crp_word o_ = (object); \
        uint32_t quick_ = pc[1] >> CRPI_QUICK_SHIFT; \
        if (OBJECT_OF_CLASS(o_, pc[0]) && quick_) { \
            size_t fresh_ = vm->heap.fresh_count; \
            crp_word answer_ = CRP_UNSET; \
            at = R + A; \
            arguments; \
            at[0] = o_; \
            SAVE(); \
            st = vm->quick[quick_].run(vm, o_, at + 1, (n_), &answer_); \
            vm->heap.fresh_count = fresh_; \
            if (LIKELY(answer_ != CRP_UNSET)) { \
                at[0] = answer_; \
                pc += 3; \
                NEXT; \
            } \
            task->pc = pc + 3; \
            if (!st) st = crpi_enter_native(vm, task, vm->members[task->pc[-2] & CRPI_MEMBER_MASK]->function, at, (n_)); \
            goto after_slow; \
        } \
        SLOW(crpi_known_native); \
    } while (0)

static inline crp_word literal(const uint32_t *pc) { return pc[0] | (crp_word)pc[1] << 32; }

LOOP_ATTRIBUTES crp_status crpi_execute(crp *vm, crpi_task *task)
{
#if defined(__GNUC__)
    static const void *const table[] = {
#define OP(name, words, shape) &&L_##name,
#include "opcodes.def"
#undef OP
    };
#endif
    const uint32_t *pc = task->pc;
    crp_word *R = task->base, *at, callee;
    crpi_frame *fp = task->fp;
    uint32_t in; /* of a call, while it is not known what is called */
    crp_status st;

    vm->task = task;
    task->state = CRPI_RUNNING;
    vm->fuel = CRPI_FUEL;
    if (vm->interrupt || task->cancelled) goto interrupted;
#if defined(__GNUC__)
    NEXT;
#else
dispatch:
    pc++;
    switch (BYTE(0)) {
#endif

    CASE(MOVE) : R[A] = R[B];
    NEXT;
    CASE(LOADI) : R[A] = crp_fixnum(BC_SIGNED);
    NEXT;
    CASE(LOADC) : R[A] = *pc;
    pc++;
    NEXT;
    CASE(LOADK) : R[A] = literal(pc);
    pc += 2;
    NEXT;
    CASE(GETCELL) :
    {
        crp_word v = vm->cells->values[*pc];
        if (UNLIKELY(v == CRP_UNSET)) SLOW(crpi_slow_name);
        R[A] = v;
        pc++;
        NEXT;
    }
    CASE(SETCELL) : vm->cells->values[*pc] = R[A];
    pc++;
    NEXT;
    CASE(SETGLOBAL) : SLOW(crpi_slow_define);
    CASE(GETNAME) : SLOW(crpi_slow_name);
    CASE(GETFN) :
    {
        crp_word v = vm->cells->values[*pc];
        if (UNLIKELY(v == CRP_UNSET)) SLOW(crpi_slow_name);
        R[A] = v;
        pc += 2;
        NEXT;
    }
    CASE(UNSETCELL) : SLOW(crpi_slow_define);
    CASE(NEWBOX) : SLOW(crpi_slow_closure);
    CASE(GETBOX) : R[A] = ((crpi_box *)crp_object_of(R[B]))->value;
    NEXT;
    CASE(SETBOX) : crpi_store(vm, &vm->heap, &((crpi_box *)crp_object_of(R[A]))->value, R[B]);
    NEXT;
    CASE(GETCAP) : R[A] = fp->fn->captures[B];
    NEXT;
    CASE(GETCAPBOX) : R[A] = ((crpi_box *)crp_object_of(fp->fn->captures[B]))->value;
    NEXT;
    CASE(SETCAPBOX) : crpi_store(vm, &vm->heap, &((crpi_box *)crp_object_of(fp->fn->captures[A]))->value, R[B]);
    NEXT;
    CASE(CLOSURE) : SLOW(crpi_slow_closure);
    CASE(CHECK) :
    {
        crp_word v = R[A];
        if (OF_TYPE(v, pc[0])) {
            pc += 3;
            NEXT;
        }
        SLOW(crpi_slow_check);
    }
    CASE(CHECKI) :
    if (LIKELY(crp_is_fixnum(R[A]))) {
        pc += 3;
        NEXT;
    }
    SLOW(crpi_slow_check);
    CASE(CHECKMOVE) :
    {
        crp_word v = R[A];
        if (OF_TYPE(v, pc[0])) {
            R[C] = v;
            pc += 4;
            NEXT;
        }
        SLOW(crpi_slow_check);
    }
    CASE(CHECKIMOVE) :
    {
        crp_word v = R[A];
        if (LIKELY(crp_is_fixnum(v))) {
            R[C] = v;
            pc += 4;
            NEXT;
        }
        SLOW(crpi_slow_check);
    }

    ARITHMETIC(ADD, ADD_OVERFLOWS, +)
    ARITHMETIC(SUB, SUB_OVERFLOWS, -)
    ARITHMETIC(MUL, MUL_OVERFLOWS, *)
    CASE(DIV) :
    {
        crp_word a = R[B], b = R[C];
        if (BOTH_FIXNUMS(a, b)) {
            if (LIKELY(b != 0 && b != crp_fixnum(-1))) {
                R[A] = crp_fixnum((int64_t)a / (int64_t)b);
                NEXT;
            }
        } else if (BOTH_FLONUMS(a, b) && crpi_flonum(crpi_flonum_value(a) / crpi_flonum_value(b), &R[A])) NEXT;
        SLOW(crpi_slow_arithmetic);
    }
    CASE(REM) :
    {
        crp_word a = R[B], b = R[C];
        if (LIKELY(BOTH_FIXNUMS(a, b)) && LIKELY(b != 0 && b != crp_fixnum(-1))) {
            R[A] = (crp_word)((int64_t)a % (int64_t)b);
            NEXT;
        }
        SLOW(crpi_slow_arithmetic);
    }
    ARITHMETIC_SMALL(ADDI, ADD_OVERFLOWS)
    ARITHMETIC_SMALL(SUBI, SUB_OVERFLOWS)
    ARITHMETIC_SMALL(MULI, MUL_OVERFLOWS)
    CASE(REMI) :
    if (LIKELY(crp_is_fixnum(R[B])) && LIKELY(C_SIGNED > 0)) {
        R[A] = (crp_word)((int64_t)R[B] % ((int64_t)C_SIGNED * 4));
        NEXT;
    }
    SLOW(crpi_slow_arithmetic);
    CASE(IADD) : /* an Integer that is no fixnum is an object, and shows in the low bits of the sum: one test for both */
    {
        int64_t r;
        if (LIKELY(!ADD_OVERFLOWS((int64_t)R[B], (int64_t)R[C], &r)) && LIKELY(crp_is_fixnum((crp_word)r))) {
            R[A] = (crp_word)r;
            NEXT;
        }
        SLOW(crpi_slow_arithmetic);
    }
    REAL_ARITHMETIC(DADD, +)
    REAL_ARITHMETIC(DSUB, -)
    REAL_ARITHMETIC(DMUL, *)
    REAL_ARITHMETIC(DDIV, /)
    MULTIPLY_AND(DMULADD, +)
    MULTIPLY_AND(DMULSUB, -)
    CASE(ADDRET) :
    {
        crp_word a = R[B], b = R[C];
        int64_t r;
        if (LIKELY(BOTH_FIXNUMS(a, b))) {
            if (LIKELY(!ADD_OVERFLOWS((int64_t)a, (int64_t)b, &r))) RETURN((crp_word)r);
        } else if (BOTH_FLONUMS(a, b) && crpi_flonum(crpi_flonum_value(a) + crpi_flonum_value(b), &R[A])) NEXT;
        SLOW(crpi_slow_arithmetic);
    }
    CASE(ADDIRET) :
    {
        crp_word a = R[B];
        int64_t r;
        if (LIKELY(crp_is_fixnum(a)) && LIKELY(!ADD_OVERFLOWS((int64_t)a, (int64_t)C_SIGNED * 4, &r))) RETURN((crp_word)r);
        SLOW(crpi_slow_arithmetic);
    }
    COUNT(ADDIJLT, <)
    COUNT(ADDIJLE, <=)
    CASE(REMP) : /* the sign is the dividend's */
    {
        crp_word a = R[B], sign = (crp_word)((int64_t)a >> 63), mask = (crp_word)C * 4 - 1;
        if (LIKELY(crp_is_fixnum(a))) {
            R[A] = ((((a ^ sign) - sign) & mask) ^ sign) - sign;
            NEXT;
        }
        SLOW(crpi_slow_arithmetic);
    }
    CASE(NEG) : SLOW(crpi_slow_arithmetic);
    CASE(NUMBER) : SLOW(crpi_slow_arithmetic);

    CASE(JUMP) : pc = crpi_jump(pc);
    NEXT;
    CASE(LOOP) : TAKE_JUMP;
    CASE(JT) : JUMP_IF(R[A] != CRP_NIL);
    CASE(JF) : JUMP_IF(R[A] == CRP_NIL);
    COMPARE(JLT, <)
    COMPARE_NOT(JNLT, <)
    COMPARE(JLE, <=)
    COMPARE_NOT(JNLE, <=)
    COMPARE(JEQ, ==)
    COMPARE(JNE, !=)
    COMPARE_SMALL(JLTI, a < b)
    COMPARE_SMALL(JNLTI, !(a < b))
    COMPARE_SMALL(JLEI, a <= b)
    COMPARE_SMALL(JNLEI, !(a <= b))
    COMPARE_SMALL(JGTI, a > b)
    COMPARE_SMALL(JNGTI, !(a > b))
    COMPARE_SMALL(JGEI, a >= b)
    COMPARE_SMALL(JNGEI, !(a >= b))
    COMPARE_SMALL(JEQI, a == b)
    COMPARE_SMALL(JNEI, a != b)
    CASE(JSET) : JUMP_IF(R[A] != CRP_UNSET);

    CASE(CONS) :
    {
        crpi_bin *bin = &vm->heap.pairs;
        crp_word tail = R[C];
        if (LIKELY(bin->at != bin->end) && LIKELY(crp_is_pair(tail) || tail == CRP_NIL)) {
            crp_pair *p = (crp_pair *)(void *)bin->at;
            bin->at += sizeof *p;
            p->head = R[B];
            p->tail = tail;
            R[A] = crp_from_pair(p);
            NEXT;
        }
        SLOW(crpi_slow_pair);
    }
    CASE(HEAD) :
    if (LIKELY(crp_is_pair(R[B]))) {
        R[A] = crp_head(R[B]);
        NEXT;
    }
    SLOW(crpi_slow_pair);
    CASE(HEADI) :
    if (LIKELY(crp_is_pair(R[B]))) {
        crp_word v = crp_head(R[B]);
        if (LIKELY(crp_is_fixnum(v))) {
            R[C] = v;
            pc += 5;
            NEXT;
        }
        R[A] = v;
        NEXT;
    }
    SLOW(crpi_slow_pair);
    CASE(TAIL) :
    if (LIKELY(crp_is_pair(R[B]))) {
        R[A] = crp_tail(R[B]);
        NEXT;
    }
    SLOW(crpi_slow_pair);
    CASE(TAILJT) :
    if (LIKELY(crp_is_pair(R[B]))) {
        crp_word rest = crp_tail(R[B]);
        R[A] = rest;
        pc++;
        JUMP_IF(rest != CRP_NIL);
    }
    SLOW(crpi_slow_pair);
    CASE(LIST) :
    {
        crpi_bin *bin = &vm->heap.pairs;
        crp_pair *p = (crp_pair *)(void *)bin->at;
        if (LIKELY((size_t)(bin->end - bin->at) >= C * sizeof *p)) {
            crp_word tail = CRP_NIL;
            bin->at += C * sizeof *p;
            for (uint32_t i = C; i-- > 0; tail = crp_from_pair(&p[i])) p[i] = (crp_pair){R[B + i], tail};
            R[A] = tail;
            NEXT;
        }
        SLOW(crpi_slow_pair);
    }
    CASE(ENDCONS) : SLOW(crpi_slow_pair);
    CASE(GATHER) : SLOW(crpi_slow_pair);
    CASE(FORNEXT) :
    {
        crp_word list = R[A];
        if (LIKELY(crp_is_pair(list) && B == 1)) {
            R[A + 2] = crp_head(list);
            R[A] = crp_tail(list);
            TAKE_JUMP;
        }
        if (list == CRP_NIL) {
            pc++;
            NEXT;
        }
        SLOW(crpi_slow_next);
    }

    CASE(CALLG) :
    {
        crp_word f = vm->cells->values[*pc];
        ENTER(f, IN, 1, false, enter);
    }
    CASE(CALL) : ENTER(R[B], IN & ~0xff0000u, 0, false, enter);
    CASE(CALLV) : SLOW(crpi_slow_call);
    CASE(TCALLG) :
    {
        crpi_function *fn = fp->fn;
        if (vm->cells->values[*pc] == crp_from_object(fn) && LIKELY(crpi_takes(fn, C)) && LIKELY(--vm->fuel >= 0)) {
            at = R + A;
            for (uint32_t i = 0; i < C; i++) R[i] = at[i];
            pc = B == fn->h.flags ? fn->checked : fn->code;
            NEXT;
        }
        SLOW(crpi_slow_call);
    }
    CASE(TCALL) : SLOW(crpi_slow_call);
    CASE(TCALLV) : SLOW(crpi_slow_call);
    CASE(GETP) : SLOW(crpi_slow_member);
    CASE(GETSLOT) :
    {
        crp_word o = R[B];
        if (OBJECT_OF_CLASS(o, pc[0])) {
            R[A] = *SLOT(o, pc[1]);
            pc += 3;
            NEXT;
        }
        SLOW(crpi_slow_member);
    }
    CASE(GETSLOTTO) :
    {
        crp_word o = R[B];
        if (OBJECT_OF_CLASS(o, pc[0])) {
            R[C] = R[A] = *SLOT(o, pc[1]);
            pc += 4;
            NEXT;
        }
        SLOW(crpi_slow_member);
    }
    CASE(CALL0) :
    {
        crp_word o = R[B];
        if (OBJECT_OF_CLASS(o, pc[0])) {
            crp_word f = vm->members[pc[1]]->function;
            R[A] = o;
            ENTER(f, IN & 0xffff, 3, true, enter_method);
        }
        SLOW(crpi_slow_member);
    }
    CASE(SETP) : SLOW(crpi_slow_member);
    CASE(SETSLOT) :
    {
        crp_word o = R[B], v = R[C];
        if (OBJECT_OF_CLASS(o, pc[0])) {
            uint32_t type = pc[1] >> CRPI_SLOT_TYPE_SHIFT;
            if (LIKELY(type == 0 || (type == CRP_INTEGER && crp_is_fixnum(v)) || (type == CRP_REAL && crp_is_flonum(v)))) {
                crpi_store(vm, &vm->heap, SLOT(o, (uint16_t)pc[1]), v);
                R[A] = v;
                pc += 3;
                NEXT;
            }
        }
        SLOW(crpi_slow_member);
    }
    CASE(SETKNOWN) : SLOW(crpi_slow_member);
    CASE(SETTYPED) :
    {
        crp_word o = R[B];
        if (OBJECT_OF_CLASS(o, pc[0])) {
            crpi_store(vm, &vm->heap, SLOT(o, pc[1]), R[C]);
            pc += 3;
            NEXT;
        }
        SLOW(crpi_slow_member);
    }
    CASE(INVOKE) :
    {
        crp_word o = R[A];
        if (OBJECT_OF_CLASS(o, pc[0]) && B == 0) {
            crp_word f = vm->members[pc[1]]->function;
            ENTER(f, IN, 3, true, enter_method);
        }
        SLOW(crpi_slow_member);
    }
    CASE(NATIVE0) : KNOWN_NATIVE(R[B], 0, (void)0);
    CASE(NATIVE1) : KNOWN_NATIVE(R[B], 1, at[1] = R[C]);
    CASE(ITEM) :
    {
        crp_word o = R[B], i = R[C];
        if (OBJECT_OF_CLASS(o, CRP_ARRAY) && LIKELY(crp_is_fixnum(i)) && LIKELY(i >> 2 < crpi_array_of(o)->count)) {
            R[A] = crpi_array_of(o)->items[i >> 2];
            pc += 3;
            NEXT;
        }
        SLOW(crpi_known_native);
    }
    CASE(NATIVE) : KNOWN_NATIVE(R[A], C, (void)0);
    CASE(GETTHIS) : R[A] = *SLOT(R[0], *pc);
    pc++;
    NEXT;
    CASE(SETTHIS) : crpi_store(vm, &vm->heap, SLOT(R[0], *pc), R[A]);
    pc++;
    NEXT;
    CASE(CREATE) : SLOW(crpi_slow_call);
    CASE(VIEW) : SLOW(crpi_slow_call);

    CASE(RET) : RETURN(R[A]);
    CASE(RETNIL) : RETURN(CRP_NIL);
    CASE(RETTRUE) : RETURN(CRP_TRUE);
    CASE(TRY) : SLOW(crpi_slow_try);
    CASE(ENDTRY) : task->handler_count--;
    NEXT;
    CASE(CATCH) : SLOW(crpi_slow_try);
    CASE(CATCHV) : SLOW(crpi_slow_try);
    CASE(RETHROW) : SLOW(crpi_slow_try);
    CASE(DEFUN) : SLOW(crpi_slow_define);
    CASE(METHOD) : SLOW(crpi_slow_define);
    CASE(EVAL) : SLOW(crpi_slow_closure);

    CASE(ANSWER) : task->answer = R[0];
    pc = fp->pc;
    R = fp->base;
    fp--;
    NEXT;
    CASE(SEGMENT) :
    {
        *task->segment->result = R[0];
        crpi_leave_segment(vm, task);
        pc = fp->pc;
        R = fp->base;
        fp--;
        NEXT;
    }
    CASE(RESUME) : SAVE();
    st = crpi_resume_native(vm, task, A == 1);
    goto after_slow;
    CASE(RELEASE) : SAVE();
    st = crpi_released(vm, task);
    goto after_slow;
    CASE(DONE) : SAVE();
    task->result = R[A];
    if (UNLIKELY(vm->interrupt)) return crpi_task_returned(vm, task);
    task->state = CRPI_DONE;
    return CRP_OK;
#if !defined(__GNUC__)
    default: break;
    }
#endif

enter:
    if (crp_is_a(callee, CRP_FUNCTION)) {
        crpi_function *fn = crpi_function_of(callee);
        if (crpi_takes(fn, in >> 24)) ENTER_AT(fn, fn->code);
        if (fn->h.flags && fn->row) {
            size_t fresh = vm->heap.fresh_count;
            crp_word answer = CRP_UNSET;
            SAVE();
            st = vm->quick[fn->h.flags].run(vm, CRP_NIL, at, in >> 24, &answer);
            vm->heap.fresh_count = fresh;
            if (st) goto after_slow;
            if (LIKELY(answer != CRP_UNSET)) {
                at[0] = answer;
                NEXT;
            }
        }
    }
    SAVE();
    if (LIKELY(callee != CRP_UNSET)) st = crpi_enter(vm, task, callee, at, in >> 24);
    else st = crpi_enter_missing(vm, task, in, at);
    goto after_slow;
enter_method:
    SAVE();
    if (LIKELY(callee != CRP_UNSET)) st = crpi_enter_method(vm, task, callee, at, in >> 24);
    else st = crpi_enter_missing(vm, task, in, at);
after_slow:
    if (LIKELY(st == CRP_OK)) {
        RELOAD();
        NEXT;
    }
    if (st == CRP_AGAIN) return st;
    st = crpi_unwind(vm, task);
    if (st) return st;
    RELOAD();
    NEXT;
interrupted:
    SAVE();
    st = crpi_look(vm, true);
    goto after_slow;
}
