/* floor 5: the functions that have an instruction of their own: arithmetic, comparison, pairs. */
#include "compile.h"

static bool hidden(fn *f, crp_word name) { return crpi_c_resolve(f, name).kind != NOTHING; }

static bool small(crp_word form, int64_t low, int64_t high)
{
    return crp_is_fixnum(form) && crp_fixnum_value(form) >= low && crp_fixnum_value(form) <= high;
}

/* What arithmetic gives for operands of these types; 0: nobody knows.  A Real on the left gives a Real or an error, whatever
 * stands on the right: only an object on the left brings operators of its own. */
static crpi_type number_type(crpi_type a, crpi_type b)
{
    crpi_type integer = CRPI_TYPE(CRP_INTEGER, 0), real = CRPI_TYPE(CRP_REAL, 0);
    if (a == integer && b == integer) return integer;
    return a == real || (b == real && a == integer) ? real : 0;
}

static int opcode_of(crp_word name)
{
    switch (crp_symbol_id(name)) {
    case CRPI_SYM_PLUS: return CRPI_OP_ADD;
    case CRPI_SYM_MINUS: return CRPI_OP_SUB;
    case CRPI_SYM_TIMES: return CRPI_OP_MUL;
    case CRPI_SYM_DIVIDE: return CRPI_OP_DIV;
    case CRPI_SYM_REMAINDER: return CRPI_OP_REM;
    default: return -1;
    }
}

static int immediate_of(int op, crp_word b)
{
    switch (op) {
    case CRPI_OP_ADD: return CRPI_OP_ADDI;
    case CRPI_OP_SUB: return CRPI_OP_SUBI;
    case CRPI_OP_MUL: return CRPI_OP_MULI;
    case CRPI_OP_REM: return b > 0 && (b & (b - 1)) == 0 ? CRPI_OP_REMP : CRPI_OP_REMI;
    default: return -1;
    }
}

/* Whether the number on the right may stand in the instruction. */
static bool fits(int op, crp_word b)
{
    return immediate_of(op, b) >= 0 && small(b, INT8_MIN, INT8_MAX) && !(op == CRPI_OP_REM && b == crp_fixnum(0));
}

/* The instruction for operands of these types. */
static int instruction_for(int op, crpi_type a, crpi_type b)
{
    if (a == CRPI_TYPE(CRP_INTEGER, 0) && b == a) return op == CRPI_OP_ADD ? CRPI_OP_IADD : op;
    if (a != CRPI_TYPE(CRP_REAL, 0) || b != a) return op;
    switch (op) {
    case CRPI_OP_ADD: return CRPI_OP_DADD;
    case CRPI_OP_SUB: return CRPI_OP_DSUB;
    case CRPI_OP_MUL: return CRPI_OP_DMUL;
    case CRPI_OP_DIV: return CRPI_OP_DDIV;
    default: return op;
    }
}

/* The last product, if it is in a register that only this sum or difference reads, goes on in it. */
static void multiply_and(fn *f, int op, int product, int top)
{
    uint32_t *last = crpi_c_last(f);
    if (!last || (*last & 0xff) != CRPI_OP_DMUL || CRPI_A(*last) != (uint32_t)product || product < top) return;
    if (op == CRPI_OP_DADD) crpi_set_opcode(last, CRPI_OP_DMULADD);
    else if (op == CRPI_OP_DSUB) crpi_set_opcode(last, CRPI_OP_DMULSUB);
}

static void swap(int *a, int *b)
{
    int c = *a;
    *a = *b;
    *b = c;
}

/* Where the result of an instruction goes: the register wanted, or a new one that takes the place of its operands. */
static int destination(fn *f, int top, int want)
{
    if (want >= 0) {
        f->top = top;
        return want;
    }
    if (f->top == top) return crpi_c_new_register(f);
    f->top = top + 1;
    return top;
}

/* (/ x). */
static int reciprocal(fn *f, crp_word x, int want)
{
    int one = crpi_c_new_register(f);
    crpi_c_load_constant(f, crp_fixnum(1), one);
    int reg = crpi_c_expression(f, x, ANY);
    crpi_type type = number_type(CRPI_TYPE(CRP_INTEGER, 0), f->type);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_DIV, one, one, reg));
    f->type = type;
    return crpi_c_finish(f, one, want);
}

/* (- x), (+ x), (* x): x must be a number. */
static int of_one(fn *f, int op, int reg, int into)
{
    if (op == CRPI_OP_SUB) crpi_c_emit_to(f, CRPI_INS(CRPI_OP_NEG, into, reg, 0));
    else crpi_c_emit_to(f, CRPI_INS(CRPI_OP_NUMBER, into, reg, op));
    f->type = number_type(f->type, CRPI_TYPE(CRP_INTEGER, 0));
    return into;
}

/* A form that is being compiled: registers from `top` on are its own. */
typedef struct calculation {
    crp_word form;
    int op, top, want;
} calculation;

static int into(fn *f, const calculation *c, int reg, bool last)
{
    if (last) return destination(f, c->top, c->want);
    return reg >= c->top ? reg : crpi_c_new_register(f);
}

/* One operand more for what is in reg; gives the register of the result. */
static int further(fn *f, const calculation *c, int reg, crp_word operand, bool last)
{
    crpi_type type = f->type;
    int keep = f->top;
    if (fits(c->op, operand)) {
        int to = into(f, c, reg, last);
        crpi_c_emit_to(f, CRPI_INS(immediate_of(c->op, operand), to, reg, (int8_t)crp_fixnum_value(operand)));
        f->type = number_type(type, CRPI_TYPE(CRP_INTEGER, 0));
        return to;
    }
    int b = crpi_c_expression(f, operand, ANY), instruction = instruction_for(c->op, type, f->type);
    type = number_type(type, f->type);
    crpi_c_emit_place(f, c->form);
    f->top = keep;
    if (instruction == CRPI_OP_DADD && b < c->top && reg >= c->top) swap(&reg, &b);
    multiply_and(f, instruction, b, c->top);
    int to = into(f, c, reg, last);
    crpi_c_emit_to(f, CRPI_INS(instruction, to, reg, b));
    f->type = type;
    return to;
}

static int arithmetic(fn *f, crp_word form, int op, int want)
{
    int n = crpi_c_list_length(form) - 1;
    crp_word rest = crp_tail(form);
    if (n < 1 || (op == CRPI_OP_REM && n != 2)) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: %s expected, %d given", crp_head(form),
             op == CRPI_OP_REM ? "two arguments" : "one or more arguments", n);
        return 0;
    }
    calculation c = {form, op, f->top, want == NOWHERE ? ANY : want};
    if (n == 1 && op == CRPI_OP_DIV) return reciprocal(f, crp_head(rest), c.want);
    int reg = crpi_c_operand(f, crp_head(rest), crp_tail(rest));
    if (n == 1) return of_one(f, op, reg, destination(f, c.top, c.want));
    for (rest = crp_tail(rest); crp_is_pair(rest) && !crpi_c_failed(f); rest = crp_tail(rest))
        reg = further(f, &c, reg, crp_head(rest), crp_tail(rest) == CRP_NIL);
    return reg;
}

/* --- comparing ------------------------------------------------------------------------------------------------------- */

typedef struct comparison {
    int yes, no;           /* registers: jump if it holds, if it does not */
    int yes_i, no_i;       /* the same with a small number on the right; -1: none */
    bool swap;             /* a > b is b < a */
} comparison;

static bool comparison_of(crp_word name, comparison *c)
{
    switch (crp_symbol_id(name)) {
    case CRPI_SYM_LT: *c = (comparison){CRPI_OP_JLT, CRPI_OP_JNLT, CRPI_OP_JLTI, CRPI_OP_JNLTI, false}; return true;
    case CRPI_SYM_LE: *c = (comparison){CRPI_OP_JLE, CRPI_OP_JNLE, CRPI_OP_JLEI, CRPI_OP_JNLEI, false}; return true;
    case CRPI_SYM_GT: *c = (comparison){CRPI_OP_JLT, CRPI_OP_JNLT, CRPI_OP_JGTI, CRPI_OP_JNGTI, true}; return true;
    case CRPI_SYM_GE: *c = (comparison){CRPI_OP_JLE, CRPI_OP_JNLE, CRPI_OP_JGEI, CRPI_OP_JNGEI, true}; return true;
    case CRPI_SYM_EQ: *c = (comparison){CRPI_OP_JEQ, CRPI_OP_JNE, CRPI_OP_JEQI, CRPI_OP_JNEI, false}; return true;
    case CRPI_SYM_NE: *c = (comparison){CRPI_OP_JNE, CRPI_OP_JEQ, CRPI_OP_JNEI, CRPI_OP_JEQI, false}; return true;
    default: return false;
    }
}

/* False: the form is no comparison; nothing was emitted. */
bool crpi_c_compare_jump(fn *f, crp_word form, bool when, label *to)
{
    comparison c;
    if (!crp_is_pair(form) || !crp_is_symbol(crp_head(form)) || !comparison_of(crp_head(form), &c)) return false;
    if (hidden(f, crp_head(form))) return false;
    if (crpi_c_list_length(form) != 3) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: two arguments expected, %d given", crp_head(form), crpi_c_list_length(form) - 1);
        return true;
    }
    int top = f->top;
    crp_word right = crpi_c_nth(form, 2);
    int a = crpi_c_operand(f, crpi_c_nth(form, 1), crp_tail(crp_tail(form)));
    if (small(right, INT16_MIN, INT16_MAX)) {
        uint16_t i = (uint16_t)crp_fixnum_value(right);
        crpi_c_emit_place(f, form);
        crpi_c_jump(f, CRPI_INS(when ? c.yes_i : c.no_i, a, i & 0xff, i >> 8), to);
    } else {
        int b = crpi_c_expression(f, right, ANY);
        crpi_c_emit_place(f, form);
        crpi_c_jump(f, CRPI_INS(when ? c.yes : c.no, c.swap ? b : a, c.swap ? a : b, 0), to);
    }
    f->top = top;
    return true;
}

/* A comparison in tail position. */
static void return_truth(fn *f, crp_word form)
{
    label no = {0};
    crpi_c_compare_jump(f, form, false, &no);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_RETTRUE, 0, 0, 0));
    crpi_c_bind(f, &no);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_RETNIL, 0, 0, 0));
}

static int truth(fn *f, crp_word form, int want)
{
    label no = {0}, end = {0};
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_compare_jump(f, form, false, &no);
    crpi_c_load_constant(f, CRP_TRUE, reg);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
    crpi_c_bind(f, &no);
    crpi_c_load_constant(f, CRP_NIL, reg);
    crpi_c_bind(f, &end);
    f->type = 0;
    return reg;
}

/* --- pairs -------------------------------------------------------------------------------------------------------------- */

static int unary(fn *f, crp_word form, int op, int want)
{
    if (crpi_c_list_length(form) != 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: one argument expected, %d given", crp_head(form), crpi_c_list_length(form) - 1);
        return 0;
    }
    int top = f->top, reg = crpi_c_expression(f, crpi_c_nth(form, 1), ANY), into = destination(f, top, want == NOWHERE ? ANY : want);
    crpi_c_emit_place(f, form);
    crpi_c_emit_to(f, CRPI_INS(op, into, reg, 0));
    f->type = op == CRPI_OP_TAIL ? CRPI_TYPE(CRP_LIST, 0) : 0;
    return into;
}

static int cons(fn *f, crp_word form, int want)
{
    if (crpi_c_list_length(form) != 3) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "cons: two arguments expected, %d given", crpi_c_list_length(form) - 1);
        return 0;
    }
    int top = f->top, a = crpi_c_operand(f, crpi_c_nth(form, 1), crp_tail(crp_tail(form)));
    int b = crpi_c_expression(f, crpi_c_nth(form, 2), ANY);
    int into = destination(f, top, want == NOWHERE ? ANY : want);
    crpi_c_emit_place(f, form);
    crpi_c_emit_to(f, CRPI_INS(CRPI_OP_CONS, into, a, b));
    f->type = CRPI_TYPE(CRP_LIST, 0);
    return into;
}

static int list(fn *f, crp_word form, int want)
{
    int top = f->top, n = 0;
    for (crp_word rest = crp_tail(form); crp_is_pair(rest) && !crpi_c_failed(f); rest = crp_tail(rest), n++) {
        if (n == CRPI_MAX_PARAMETERS) {
            crpi_c_fail(f, form, CRP_ILLEGAL, "list: more than %d items written out; quote them or append", CRPI_MAX_PARAMETERS);
            return 0;
        }
        int reg = crpi_c_new_register(f);
        if (!crp_is_pair(crp_head(rest))) crpi_c_emit_place(f, rest);
        crpi_c_expression(f, crp_head(rest), reg);
        f->top = reg + 1;
    }
    int into = destination(f, top, want == NOWHERE ? ANY : want);
    crpi_c_emit_place(f, form);
    crpi_c_emit_to(f, CRPI_INS(CRPI_OP_LIST, into, top, n));
    f->type = CRPI_TYPE(CRP_LIST, 0);
    return into;
}

/* --- entry --------------------------------------------------------------------------------------------------------------- */

bool crpi_c_operator(fn *f, crp_word form, int want, bool is_tail, bool *returned, int *reg)
{
    crp_word head = crp_head(form);
    comparison c;
    int op = opcode_of(head);
    switch (crp_symbol_id(head)) {
    case CRPI_SYM_CONS:
    case CRPI_SYM_HEAD_OF:
    case CRPI_SYM_TAIL_OF:
    case CRPI_SYM_LIST: break;
    default:
        if (op < 0 && !comparison_of(head, &c)) return false;
    }
    if (hidden(f, head)) return false;
    if (op >= 0) *reg = arithmetic(f, form, op, want);
    else if (head == CRPI_WORD_OF(CONS)) *reg = cons(f, form, want);
    else if (head == CRPI_WORD_OF(HEAD_OF)) *reg = unary(f, form, CRPI_OP_HEAD, want);
    else if (head == CRPI_WORD_OF(TAIL_OF)) *reg = unary(f, form, CRPI_OP_TAIL, want);
    else if (head == CRPI_WORD_OF(LIST)) *reg = list(f, form, want);
    else if (is_tail && f->result == 0 && !f->proto->is_constructor) {
        *returned = true;
        return_truth(f, form);
    } else *reg = truth(f, form, want);
    return true;
}
