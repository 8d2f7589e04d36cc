/* floor 5: try, catch, finally, with, within.
 *
 * A handler is pushed for the body and popped behind it.  `finally` forms are compiled once for each way out: behind
 * the body, in the handler, and before each return, break or continue that leaves the try.
 */
#include "compile.h"

static void close_object(fn *f, const attempt *a)
{
    if (a->close_reg >= 0) {
        int top = f->top, at = crpi_c_new_register(f);
        uint32_t cell;
        crp_word name;
        crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, at, a->close_reg, 0));
        if (crpi_c_known(f, crp_symbol(f->c->vm, "closeObject", 11, &name)) && crpi_c_known(f, crpi_function_cell(f->c->vm, name, &cell))) {
            crpi_c_emit(f, CRPI_INS(CRPI_OP_CALLG, at, 0, 1));
            crpi_c_emit(f, cell);
        }
        f->top = top;
    }
}

/* The variables that were made inside the try, but for `local`s. */
static void hide_variables(fn *f, const attempt *a, int until, bool hidden)
{
    for (int i = a->variable_count; i < until; i++)
        if (f->variables[i].reg >= f->first_temp) f->variables[i].hidden = hidden;
}

/* What stands in `finally` belongs where the try begins, wherever in the try it is compiled. */
static void run_closing(fn *f, attempt *a)
{
    int count = f->variable_count;
    for (crp_word forms = a->body; crp_is_pair(forms) && !crpi_c_head_is(crp_head(forms), CRPI_SYM_FINALLY); forms = crp_tail(forms))
        crpi_c_declare_ahead(f, crp_head(forms));
    loop *inner = f->loop;
    bool again = f->again;
    close_object(f, a);
    hide_variables(f, a, count, true);
    f->loop = a->loop;
    f->again = again || a->compiled;
    for (crp_word forms = a->finally; crp_is_pair(forms); forms = crp_tail(forms)) crpi_c_effect(f, crp_head(forms));
    f->loop = inner;
    f->again = again;
    hide_variables(f, a, count, false);
    a->compiled = true;
}

/* Pops the handlers and runs the `finally`s from the innermost open try on, until `tries` are left. */
void crpi_c_leave_attempts(fn *f, const attempt *until, int tries)
{
    attempt *a = f->attempt;
    int open = f->tries;
    while (f->attempt != until && f->tries > tries && !crpi_c_failed(f)) {
        attempt *leaving = f->attempt;
        if (leaving->trapped) crpi_c_emit(f, CRPI_INS(CRPI_OP_ENDTRY, 0, 0, 0));
        f->attempt = leaving->outer;
        f->tries--;
        int count = f->variable_count;
        run_closing(f, leaving);
        f->variable_count = count; /* what `finally` declares is not visible here, in the try */
    }
    f->attempt = a;
    f->tries = open;
}

static void open_attempt(fn *f, attempt *a)
{
    a->outer = f->attempt;
    a->loop = f->loop;
    a->variable_count = f->variable_count;
    f->attempt = a;
    f->tries++;
}

static void close_attempt(fn *f)
{
    f->attempt = f->attempt->outer;
    f->tries--;
}

/* --- catch ---------------------------------------------------------------------------------------------------------- */

static bool is_clause(crp_word form) { return crpi_c_head_is(form, CRPI_SYM_CATCH) || crpi_c_head_is(form, CRPI_SYM_FINALLY); }

/* A jump to the clause if the Error in `error` is one that it names. */
static void clause_test(fn *f, crp_word what, int error, label *to)
{
    if (crp_is_pair(what) && (crp_is_fixnum(crp_head(what)) || crp_is_string(crp_head(what)))) {
        for (; crp_is_pair(what); what = crp_tail(what)) clause_test(f, crp_head(what), error, to);
        return;
    }
    if (crp_is_fixnum(what) && crp_fixnum_value(what) >= INT16_MIN && crp_fixnum_value(what) <= INT16_MAX) {
        uint16_t i = (uint16_t)crp_fixnum_value(what);
        crpi_c_jump(f, CRPI_INS(CRPI_OP_CATCH, error, i & 0xff, i >> 8), to);
        return;
    }
    int top = f->top, reg = crpi_c_expression(f, what, ANY);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_CATCHV, error, reg, 0), to);
    f->top = top;
}

/* `err` is the body's own local of that name, else one that lives as long as the clause. */
static void bind_err(fn *f, int error)
{
    const variable *own = crpi_c_own_variable(f, CRPI_WORD_OF(ERR));
    reference ref = crpi_c_resolve(f, CRPI_WORD_OF(ERR));
    if ((own && !own->passing) || (ref.kind == CELL && f->top_level)) {
        f->type = 0;
        crpi_c_check(f, error, ref.type, CRPI_CHECK_VARIABLE, CRPI_WORD_OF(ERR));
        f->retarget = 0;
        crpi_c_write_variable(f, CRPI_WORD_OF(ERR), &ref, error);
        return;
    }
    int reg = crpi_c_new_register(f);
    variable *v = crpi_c_add_variable(f, CRPI_WORD_OF(ERR), CRPI_TYPE(CRP_ERROR, 0), reg);
    v->passing = true;
    crpi_c_emit(f, CRPI_INS(v->boxed ? CRPI_OP_NEWBOX : CRPI_OP_MOVE, reg, error, 0));
}

static void clause_body(fn *f, crp_word clause, int error, int into)
{
    int top = f->top, count = f->variable_count;
    bind_err(f, error);
    crp_word forms = crp_tail(crp_tail(clause));
    crpi_c_sequence(f, forms, into);
    crpi_c_end_scope(f, count);
    f->top = top;
}

/* From `from` on, the Error in this register is being handled. */
static void handles(fn *f, uint32_t from, int error)
{
    if (!crpi_c_failed(f)) crpi_c_known(f, crpi_emit_handling(f->c->vm, f->proto, from, (uint32_t)error));
}

static void clauses(fn *f, crp_word forms, int error, int into, label *end)
{
    uint32_t from = here(f);
    for (; crp_is_pair(forms) && !crpi_c_failed(f); forms = crp_tail(forms)) {
        crp_word clause = crp_head(forms);
        label yes = {0}, no = {0};
        if (crpi_c_head_is(clause, CRPI_SYM_FINALLY)) continue;
        if (!crpi_c_head_is(clause, CRPI_SYM_CATCH) || crpi_c_list_length(clause) < 2) {
            crpi_c_fail(f, clause, CRP_ILLEGAL, "try: (catch class expr ...) or (finally expr ...) expected after the first, %v given",
                 clause);
            return;
        }
        crpi_c_emit_place(f, clause);
        clause_test(f, crpi_c_nth(clause, 1), error, &yes);
        crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &no);
        crpi_c_bind(f, &yes);
        clause_body(f, clause, error, into);
        crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), end);
        crpi_c_bind(f, &no);
    }
    handles(f, from, error);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_RETHROW, error, 0, 0));
}

/* --- try ------------------------------------------------------------------------------------------------------------- */

/* Forms up to the first clause, as a List of their own. */
static crp_word forms_before_clauses(fn *f, crp_word forms, crp_word *rest)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    for (; crp_is_pair(forms) && !is_clause(crp_head(forms)); forms = crp_tail(forms))
        if (!crpi_c_known(f, crp_list_add(f->c->vm, &list, crp_head(forms)))) break;
    *rest = forms;
    return list.first;
}

static void guarded(fn *f, crp_word forms, crp_word rest, int error, int into)
{
    bool catches = false;
    for (crp_word r = rest; crp_is_pair(r); r = crp_tail(r)) catches |= crpi_c_head_is(crp_head(r), CRPI_SYM_CATCH);
    if (!catches) {
        crpi_c_sequence(f, forms, into);
        return;
    }
    label handler = {0}, end = {0};
    attempt a = {.finally = CRP_NIL, .close_reg = -1, .trapped = true, .body = CRP_NIL};
    crpi_c_jump(f, CRPI_INS(CRPI_OP_TRY, error, CRPI_CATCHES, 0), &handler);
    open_attempt(f, &a);
    crpi_c_sequence(f, forms, into);
    close_attempt(f);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_ENDTRY, 0, 0, 0));
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
    crpi_c_bind(f, &handler);
    clauses(f, rest, error, into, &end);
    crpi_c_bind(f, &end);
}

/* Runs `inside` with a handler that runs the attempt's closing on every way out. */
static void finally(fn *f, attempt *a, crp_word forms, crp_word rest, int error, int into)
{
    label handler = {0}, end = {0};
    a->trapped = true;
    int outer = crpi_c_new_register(f);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_TRY, outer, CRPI_FINALLY, 0), &handler);
    open_attempt(f, a);
    guarded(f, forms, rest, error, into);
    close_attempt(f);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_ENDTRY, 0, 0, 0));
    run_closing(f, a);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
    crpi_c_bind(f, &handler);
    uint32_t from = here(f);
    run_closing(f, a);
    handles(f, from, outer);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_RETHROW, outer, 0, 0));
    crpi_c_bind(f, &end);
}

static crp_word finally_forms(fn *f, crp_word rest)
{
    crp_word found = CRP_NIL;
    for (; crp_is_pair(rest); rest = crp_tail(rest)) {
        if (!crpi_c_head_is(crp_head(rest), CRPI_SYM_FINALLY)) continue;
        if (crp_tail(rest) != CRP_NIL) crpi_c_fail(f, crp_head(rest), CRP_ILLEGAL, "try: finally comes last");
        found = crp_tail(crp_head(rest));
    }
    return found;
}

static int into_register(fn *f, int want) { return want == NOWHERE ? NOWHERE : crpi_c_new_register(f); }

static int try_value(fn *f, int into, int top, int want)
{
    f->type = 0;
    if (into == NOWHERE) {
        f->top = top;
        return 0;
    }
    int reg = crpi_c_finish(f, into, want);
    f->top = want == ANY ? into + 1 : top;
    return reg;
}

int crpi_c_try(fn *f, crp_word form, int want)
{
    int top = f->top, into = into_register(f, want), error = crpi_c_new_register(f);
    crp_word rest, forms = forms_before_clauses(f, crp_tail(form), &rest), last = finally_forms(f, rest);
    attempt a = {.finally = last, .close_reg = -1, .body = crp_tail(form)};
    if (last != CRP_NIL) finally(f, &a, forms, rest, error, into);
    else guarded(f, forms, rest, error, into);
    return try_value(f, into, top, want);
}

/* (with (x expr) body ...): closes x on every way out. */
int crpi_c_with(fn *f, crp_word form, int want)
{
    crp_word binding = crpi_c_nth(form, 1), name = crpi_c_nth(binding, 0);
    if (crpi_c_list_length(form) < 2 || crpi_c_list_length(binding) != 2 || !crp_is_symbol(name)) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "with: (with (name expr) expr ...) expected");
        return 0;
    }
    if (!crpi_c_can_be_variable(f, form, name)) return 0;
    int top = f->top, into = into_register(f, want), count = f->variable_count;
    int object = crpi_c_new_register(f), reg = crpi_c_new_register(f);
    crpi_c_expression(f, crpi_c_nth(binding, 1), object);
    f->top = reg + 1;
    variable *v = crpi_c_add_variable(f, name, 0, reg);
    crpi_c_emit(f, CRPI_INS(v->boxed ? CRPI_OP_NEWBOX : CRPI_OP_MOVE, reg, object, 0));
    attempt a = {.finally = CRP_NIL, .close_reg = object, .body = CRP_NIL};
    finally(f, &a, crp_tail(crp_tail(form)), CRP_NIL, 0, into);
    crpi_c_end_scope(f, count);
    return try_value(f, into, top, want);
}

/* (within milliseconds body ...): its handler gets nothing but the error that the time is up, and hands it on. */
int crpi_c_within(fn *f, crp_word form, int want)
{
    if (crpi_c_list_length(form) < 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "within: (within milliseconds expr ...) expected");
        return 0;
    }
    int top = f->top, into = into_register(f, want), error = crpi_c_new_register(f), span = crpi_c_new_register(f);
    label handler = {0}, end = {0};
    attempt a = {.finally = CRP_NIL, .close_reg = -1, .trapped = true, .body = CRP_NIL};
    crpi_c_expression(f, crpi_c_nth(form, 1), span);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_TRY, error, CRPI_WITHIN, span), &handler);
    open_attempt(f, &a);
    crpi_c_sequence(f, crp_tail(crp_tail(form)), into);
    close_attempt(f);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_ENDTRY, 0, 0, 0));
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JUMP, 0, 0, 0), &end);
    crpi_c_bind(f, &handler);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_RETHROW, error, 0, 0));
    crpi_c_bind(f, &end);
    return try_value(f, into, top, want);
}
