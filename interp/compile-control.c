/* floor 5: conditions and loops. */
#include "compile.h"

/* --- conditions --------------------------------------------------------------------------------------------------- */

static void all_conditions(fn *f, crp_word forms, bool when, label *to)
{
    label skip = {0};
    for (; crp_is_pair(forms) && !crpi_c_failed(f); forms = crp_tail(forms)) {
        bool last = crp_tail(forms) == CRP_NIL;
        if (when && !last) crpi_c_condition(f, crp_head(forms), false, &skip);
        else crpi_c_condition(f, crp_head(forms), when, to);
    }
    crpi_c_bind(f, &skip);
}

static void any_condition(fn *f, crp_word forms, bool when, label *to)
{
    label skip = {0};
    for (; crp_is_pair(forms) && !crpi_c_failed(f); forms = crp_tail(forms)) {
        bool last = crp_tail(forms) == CRP_NIL;
        if (!when && !last) crpi_c_condition(f, crp_head(forms), true, &skip);
        else crpi_c_condition(f, crp_head(forms), when, to);
    }
    crpi_c_bind(f, &skip);
}

static void constant_condition(fn *f, bool value, bool when, label *to)
{
    if (value == when) crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), to);
}

/* Emits a jump to the label that is taken if the form's truth is `when`. */
void crpi_c_condition(fn *f, crp_word form, bool when, label *to)
{
    if (crpi_c_failed(f)) return;
    if (form == CRP_NIL || form == CRPI_WORD_OF(NIL)) constant_condition(f, false, when, to);
    else if (form == CRP_TRUE) constant_condition(f, true, when, to);
    else if (crpi_c_head_is(form, CRPI_SYM_NOT) && crpi_c_list_length(form) == 2) crpi_c_condition(f, crpi_c_nth(form, 1), !when, to);
    else if (crpi_c_head_is(form, CRPI_SYM_AND) && crpi_c_list_length(form) > 1) all_conditions(f, crp_tail(form), when, to);
    else if (crpi_c_head_is(form, CRPI_SYM_OR) && crpi_c_list_length(form) > 1) any_condition(f, crp_tail(form), when, to);
    else if (!crpi_c_compare_jump(f, form, when, to)) {
        int top = f->top, reg = crpi_c_expression(f, form, ANY);
        crpi_c_jump(f, CRPI_INS(when ? CRPI_OP_JT : CRPI_OP_JF, reg, 0, 0), to);
        f->top = top;
    }
}

int crpi_c_not(fn *f, crp_word form, int want)
{
    if (crpi_c_list_length(form) != 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "!: one argument expected, %d given", crpi_c_list_length(form) - 1);
        return 0;
    }
    label yes = {0}, end = {0};
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_condition(f, crpi_c_nth(form, 1), true, &yes);
    crpi_c_load_constant(f, CRP_TRUE, reg);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
    crpi_c_bind(f, &yes);
    crpi_c_load_constant(f, CRP_NIL, reg);
    crpi_c_bind(f, &end);
    f->type = 0;
    return reg;
}

/* The value of the first operand that decides, or of the last one. */
int crpi_c_logic(fn *f, crp_word form, int want, bool is_tail)
{
    if (crpi_c_list_length(form) < 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: one or more arguments expected", crp_head(form));
        return 0;
    }
    int op = crpi_c_head_is(form, CRPI_SYM_AND) ? CRPI_OP_JF : CRPI_OP_JT;
    int reg = crpi_c_new_register(f), top = f->top;
    label end = {0};
    for (crp_word rest = crp_tail(form); crp_is_pair(rest) && !crpi_c_failed(f); rest = crp_tail(rest)) {
        bool last = crp_tail(rest) == CRP_NIL;
        if (last && is_tail) {
            crpi_c_tail(f, crp_head(rest));
            break;
        }
        crpi_c_expression(f, crp_head(rest), reg);
        f->top = top;
        if (!last) crpi_c_jump(f, CRPI_INS(op, reg, 0, 0), &end);
    }
    crpi_c_bind(f, &end);
    f->type = 0;
    if (is_tail) crpi_c_return_register(f, reg);
    if (want != ANY) f->top = reg;
    return crpi_c_finish(f, reg, want);
}

/* --- if, cond -------------------------------------------------------------------------------------------------------- */

/* One arm: in tail position it returns, otherwise its value goes to reg. */
static void arm(fn *f, crp_word forms, int reg, bool is_tail)
{
    int top = f->top;
    if (is_tail) crpi_c_tail_sequence(f, forms);
    else crpi_c_sequence(f, forms, reg);
    f->top = top;
}

int crpi_c_if(fn *f, crp_word form, int want, bool is_tail)
{
    int n = crpi_c_list_length(form) - 1;
    if (n != 2 && n != 3) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "if: (if condition then) or (if condition then else) expected, %d forms given; "
             "`do` groups several", n);
        return 0;
    }
    label otherwise = {0}, end = {0};
    int reg = is_tail ? NOWHERE : want == ANY ? crpi_c_new_register(f) : want;
    crpi_c_condition(f, crpi_c_nth(form, 1), false, &otherwise);
    crp_word rest = crp_tail(crp_tail(crp_tail(form))), then;
    if (!crpi_c_known(f, crp_cons(f->c->vm, crpi_c_nth(form, 2), CRP_NIL, &then))) return 0;
    if (!crp_is_pair(crpi_c_nth(form, 2))) crpi_c_emit_place(f, crp_tail(crp_tail(form)));
    arm(f, then, reg, is_tail);
    if (!is_tail && (rest != CRP_NIL || reg >= 0)) crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
    crpi_c_bind(f, &otherwise);
    if (rest != CRP_NIL || reg >= 0 || is_tail) arm(f, rest, reg, is_tail);
    crpi_c_bind(f, &end);
    f->type = 0;
    return reg < 0 ? 0 : reg;
}

/* A clause of `cond` that is only a test: its value, if that is not (). */
static void test_alone(fn *f, crp_word test, int reg, bool is_tail, label *end)
{
    int top = f->top;
    label next = {0};
    if (!is_tail) {
        crpi_c_expression(f, test, reg);
        crpi_c_jump(f, CRPI_INS(CRPI_OP_JT, reg, 0, 0), end);
    } else {
        reg = crpi_c_expression(f, test, ANY);
        crpi_type type = f->type;
        crpi_c_jump(f, CRPI_INS(CRPI_OP_JF, reg, 0, 0), &next);
        f->type = type;
        crpi_c_return_register(f, reg);
        crpi_c_bind(f, &next);
    }
    f->top = top;
}

int crpi_c_cond(fn *f, crp_word form, int want, bool is_tail)
{
    label end = {0};
    int reg = is_tail ? NOWHERE : want == ANY ? crpi_c_new_register(f) : want;
    for (crp_word rest = crp_tail(form); crp_is_pair(rest) && !crpi_c_failed(f); rest = crp_tail(rest)) {
        crp_word clause = crp_head(rest);
        label next = {0};
        if (crpi_c_list_length(clause) < 1) {
            crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "cond: (test expr ...) expected, %v given", clause);
            return 0;
        }
        crpi_c_emit_place(f, clause);
        if (crp_tail(clause) == CRP_NIL && (is_tail || reg >= 0)) {
            test_alone(f, crp_head(clause), reg, is_tail, &end);
            continue;
        }
        crpi_c_condition(f, crp_head(clause), false, &next);
        arm(f, crp_tail(clause), reg, is_tail);
        if (!is_tail) crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
        crpi_c_bind(f, &next);
    }
    if (is_tail) crpi_c_return_nothing(f);
    else if (reg >= 0) crpi_c_load_constant(f, CRP_NIL, reg);
    crpi_c_bind(f, &end);
    f->type = 0;
    return reg < 0 ? 0 : reg;
}

/* --- loops ------------------------------------------------------------------------------------------------------------ */

static void enter_loop(fn *f, loop *l)
{
    *l = (loop){.outer = f->loop, .tries = f->tries};
    f->loop = l;
}

static int loop_value(fn *f, int want)
{
    f->type = 0;
    if (want == NOWHERE) return 0;
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_load_constant(f, CRP_NIL, reg);
    return reg;
}

/* Whether each jump back that `condition` would make looks for interrupts: jumps on truth do. */
static bool jumps_on_truth(crp_word form)
{
    if (crpi_c_head_is(form, CRPI_SYM_NOT) || form == CRP_TRUE) return false;
    bool all = crpi_c_head_is(form, CRPI_SYM_AND), any = crpi_c_head_is(form, CRPI_SYM_OR);
    if (!all && !any) return true;
    for (crp_word rest = crp_tail(form); crp_is_pair(rest); rest = crp_tail(rest)) {
        if (all && crp_tail(rest) != CRP_NIL) continue; /* only the last one jumps back */
        crp_word operand = crp_head(rest);
        if (crpi_c_head_is(operand, CRPI_SYM_AND) || crpi_c_head_is(operand, CRPI_SYM_OR) || !jumps_on_truth(operand)) return false;
    }
    return true;
}

/* The test that ends a turn: back to the body while it holds. */
static void test_again(fn *f, crp_word test, uint32_t to_body)
{
    if (jumps_on_truth(test)) {
        label body = {0};
        crpi_c_condition(f, test, true, &body);
        crpi_c_bind_at(f, &body, to_body);
        f->retarget = 0;
        return;
    }
    label end = {0};
    crpi_c_condition(f, test, false, &end);
    crpi_c_jump_back(f, CRPI_INS(CRPI_OP_LOOP, 0, 0, 0), to_body);
    crpi_c_bind(f, &end);
}

/* What counts on, and the test behind it, in one instruction; the test stays for `continue`, and for what is no small
 * Integer. */
static void count_and_test(fn *f, uint32_t at)
{
    uint32_t *code = f->proto->code;
    if (crpi_c_failed(f) || at + 1 >= here(f) || CRPI_A(code[at]) != CRPI_A(code[at + 1])) return;
    int op = code[at] & 0xff, test = code[at + 1] & 0xff;
    bool with_itself = (code[at + 1] >> 16 & 0xff) == CRPI_A(code[at]); /* (<= i i): the limit is what has been counted on */
    if (op == CRPI_OP_ADDI && with_itself) return;
    if (op == CRPI_OP_ADDI && test == CRPI_OP_JLT) crpi_set_opcode(&code[at], CRPI_OP_ADDIJLT);
    else if (op == CRPI_OP_ADDI && test == CRPI_OP_JLE) crpi_set_opcode(&code[at], CRPI_OP_ADDIJLE);
    else if (op == CRPI_OP_TAIL && test == CRPI_OP_JT) crpi_set_opcode(&code[at], CRPI_OP_TAILJT);
}

static int loop_form(fn *f, crp_word form, int want, bool test_first)
{
    if (crpi_c_list_length(form) < 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: (%p condition expr ...) expected", crp_head(form), crp_head(form));
        return 0;
    }
    loop l;
    int top = f->top;
    enter_loop(f, &l);
    if (test_first) crpi_c_declare_ahead(f, crpi_c_nth(form, 1));
    if (test_first) crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &l.continue_to);
    uint32_t to_body = here(f);
    f->retarget = 0;
    for (crp_word rest = crp_tail(crp_tail(form)); crp_is_pair(rest); rest = crp_tail(rest)) crpi_c_effect(f, crp_head(rest));
    uint32_t test = here(f);
    bool counts = crpi_c_last_is_short(f);
    crpi_c_bind(f, &l.continue_to);
    crpi_c_emit_place(f, form);
    test_again(f, crpi_c_nth(form, 1), to_body);
    if (counts) count_and_test(f, test - 1);
    crpi_c_bind(f, &l.break_to);
    f->loop = l.outer;
    f->top = top;
    return loop_value(f, want);
}

int crpi_c_while(fn *f, crp_word form, int want) { return loop_form(f, form, want, true); }

int crpi_c_do_while(fn *f, crp_word form, int want) { return loop_form(f, form, want, false); }

/* A variable of `for`: the body's own if it declares one of that name, else a fresh one each turn. */
typedef struct walker {
    crp_word name;
    reference own;
} walker;

static walker loop_variable(fn *f, crp_word name)
{
    walker w = {name, {NOTHING, 0, false, 0}};
    const variable *v = crpi_c_own_variable(f, name);
    reference ref = crpi_c_resolve(f, name);
    if ((v && !v->passing) || (ref.kind == CELL && f->top_level)) w.own = ref;
    return w;
}

static void assign_walker(fn *f, walker *w, int reg)
{
    if (w->own.kind == NOTHING) {
        variable *v = crpi_c_add_variable(f, w->name, 0, reg);
        v->passing = true;
        if (v->boxed) crpi_c_emit(f, CRPI_INS(CRPI_OP_NEWBOX, reg, reg, 0));
        return;
    }
    f->type = 0;
    crpi_c_check(f, reg, w->own.type, CRPI_CHECK_VARIABLE, w->name);
    f->retarget = 0;
    crpi_c_write_variable(f, w->name, &w->own, reg);
}

static bool for_names(fn *f, crp_word form, walker w[2], int *n)
{
    crp_word names = crpi_c_nth(form, 1);
    *n = crp_is_symbol(names) ? 1 : crpi_c_list_length(names);
    bool ok = crpi_c_list_length(form) >= 3 && (*n == 1 || *n == 2);
    for (int i = 0; ok && i < *n; i++) {
        crp_word name = crp_is_symbol(names) ? names : crpi_c_nth(names, i);
        ok = crp_is_symbol(name);
        if (ok && !crpi_c_can_be_variable(f, form, name)) return false;
        if (ok) w[i] = loop_variable(f, name);
    }
    if (!ok) crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "for: (for variable list expr ...) or (for (key value) table expr ...) expected");
    return ok;
}

int crpi_c_for(fn *f, crp_word form, int want)
{
    walker w[2];
    int n, top = f->top, count = f->variable_count;
    if (!for_names(f, form, w, &n)) return 0;
    int at = crpi_c_new_register(f);
    crpi_c_expression(f, crpi_c_nth(form, 2), at);
    f->top = at + 1;
    int cursor = crpi_c_new_register(f);
    crpi_c_load_constant(f, crp_fixnum(0), cursor);
    crpi_c_new_register(f), crpi_c_new_register(f);
    loop l;
    enter_loop(f, &l);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &l.continue_to);
    uint32_t to_body = here(f);
    for (int i = 0; i < n; i++) assign_walker(f, &w[i], at + 2 + i);
    for (crp_word rest = crp_tail(crp_tail(crp_tail(form))); crp_is_pair(rest); rest = crp_tail(rest)) crpi_c_effect(f, crp_head(rest));
    crpi_c_end_scope(f, count);
    crpi_c_bind(f, &l.continue_to);
    crpi_c_emit_place(f, form);
    crpi_c_jump_back(f, CRPI_INS(CRPI_OP_FORNEXT, at, n, 0), to_body);
    crpi_c_bind(f, &l.break_to);
    f->loop = l.outer;
    f->top = top;
    return loop_value(f, want);
}

/* --- leaving --------------------------------------------------------------------------------------------------------- */

int crpi_c_break(fn *f, crp_word form, bool is_continue)
{
    if (crpi_c_list_length(form) != 1 || !f->loop) {
        crpi_c_fail(f, form, CRP_ILLEGAL, f->loop ? "%p: no arguments expected" : "%p: stands only inside a loop", crp_head(form));
        return 0;
    }
    crpi_c_leave_attempts(f, NULL, f->loop->tries);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), is_continue ? &f->loop->continue_to : &f->loop->break_to);
    return 0;
}

int crpi_c_return(fn *f, crp_word form)
{
    if (crpi_c_list_length(form) > 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "return: at most one argument expected, %d given", crpi_c_list_length(form) - 1);
        return 0;
    }
    if (crp_tail(form) == CRP_NIL) {
        crpi_c_leave_attempts(f, NULL, 0);
        crpi_c_return_nothing(f);
        return 0;
    }
    if (!f->attempt) {
        crpi_c_tail(f, crpi_c_nth(form, 1));
        return 0;
    }
    int top = f->top, reg = crpi_c_expression(f, crpi_c_nth(form, 1), ANY);
    crpi_type type = f->type;
    if (crpi_c_is_variable(f, reg)) { /* `finally` may set it, too late for what is returned */
        int temp = crpi_c_new_register(f);
        crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, temp, reg, 0));
        reg = temp;
    }
    crpi_c_leave_attempts(f, NULL, 0);
    f->type = type;
    crpi_c_return_register(f, reg);
    f->top = top;
    return 0;
}
