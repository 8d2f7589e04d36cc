/* The compiler's ground: emitting, registers, labels, and which expression goes where. */
#include "compile.h"

#include <stdarg.h>
#include <string.h>
#include "error.h"
#include "printer.h"
#include "value.h"

/* --- errors ------------------------------------------------------------------------------------------------------ */

bool crpi_c_failed(const fn *f) { return f->c->status != CRP_OK; }

static void locate(fn *f, crp_word pair)
{
    compiler *c = f->c;
    crpi_place at;
    if (!c->places || !crp_is_pair(pair) || !crpi_places_get(c->places, pair, &at)) {
        if (f->proto->line_count == 0) return;
        const crpi_line *last = &f->proto->lines[f->proto->line_count - 1];
        at = (crpi_place){last->line, last->column};
    }
    const char *text;
    size_t length;
    crpi_source_line(c->source, at.line, &text, &length);
    crpi_error_locate(c->vm, c->vm->error, crp_string_data(c->source->name, NULL), at.line, at.column, text, length);
}

/* Records an error at a form; only the first one counts. */
void crpi_c_fail(fn *f, crp_word form, int code, const char *format, ...)
{
    if (crpi_c_failed(f)) return;
    crp_word text;
    crpi_buf buf;
    crpi_buf_init(&buf, &f->c->vm->mem, 4096);
    va_list args;
    va_start(args, format);
    crpi_buf_vformat(&buf, format, args, crpi_format_value, f->c->vm);
    va_end(args);
    f->c->status = crpi_error_new(f->c->vm, CRP_ERR_SCRIPT, code, buf.bytes ? buf.bytes : "", buf.length, &text);
    crpi_buf_free(&buf);
    if (f->c->status) return;
    f->c->status = crp_rethrow(f->c->vm, text);
    locate(f, form);
}

/* Takes note of what a call into another floor returned; its error gets this place. */
crp_word crpi_c_known(fn *f, crp_status st)
{
    if (st && !crpi_c_failed(f)) {
        f->c->status = st;
        locate(f, CRP_NIL);
    }
    return st == CRP_OK;
}

/* --- emitting ----------------------------------------------------------------------------------------------------- */

void crpi_c_emit(fn *f, uint32_t word)
{
    if (!crpi_c_failed(f)) crpi_c_known(f, crpi_emit(f->c->vm, f->proto, word));
}

void crpi_c_emit_literal(fn *f, crp_word w)
{
    if (!crpi_c_failed(f)) crpi_c_known(f, crpi_emit_literal(f->c->vm, f->proto, w));
}

void crpi_c_emit_place(fn *f, crp_word pair)
{
    crpi_place at;
    if (crpi_c_failed(f) || !f->c->places || !crp_is_pair(pair) || !crpi_places_get(f->c->places, pair, &at)) return;
    crpi_c_known(f, crpi_emit_place(f->c->vm, f->proto, at));
}

enum { NAME_LOOKED_FOR = 1000 /* parts of a form */, CHECK_WORDS = 4 };

/* The pair of the List that holds the name, else of a List in it, as a clause is; (): none is found soon. */
static crp_word holder_of(crp_word list, crp_word name, int deeper, int *left)
{
    for (crp_word l = list; crp_is_pair(l) && --*left > 0; l = crp_tail(l))
        if (crp_head(l) == name) return l;
    for (crp_word l = list; deeper && crp_is_pair(l) && --*left > 0; l = crp_tail(l)) {
        crp_word inside = holder_of(crp_head(l), name, deeper - 1, left);
        if (inside != CRP_NIL) return inside;
    }
    return CRP_NIL;
}

crpi_place crpi_c_emit_name_place(fn *f, crp_word name)
{
    const crpi_proto *p = f->proto;
    crpi_place before = {0, 0};
    int left = NAME_LOOKED_FOR;
    if (p->line_count) before = (crpi_place){p->lines[p->line_count - 1].line, p->lines[p->line_count - 1].column};
    crp_word form = f->c->form;
    if (crp_is_pair(form) && crp_head(form) == name) form = crp_tail(form);
    crpi_c_emit_place(f, holder_of(form, name, 2, &left));
    return before;
}

void crpi_c_emit_place_again(fn *f, crpi_place at)
{
    if (at.line && !crpi_c_failed(f)) crpi_c_known(f, crpi_emit_place(f->c->vm, f->proto, at));
}

uint32_t here(const fn *f) { return (uint32_t)f->proto->code_count; }

/* A jump to a label that is bound later: its offset word holds, until then, where the one before it stands. */
void crpi_c_jump(fn *f, uint32_t instruction, label *to)
{
    crpi_c_emit(f, instruction);
    uint32_t at = here(f);
    crpi_c_emit(f, to->chain);
    if (!crpi_c_failed(f)) to->chain = at;
}

void crpi_c_bind(fn *f, label *to)
{
    crpi_c_bind_at(f, to, here(f));
    f->retarget = 0;
}

void crpi_c_bind_at(fn *f, label *to, uint32_t target)
{
    if (crpi_c_failed(f)) return;
    uint32_t *code = f->proto->code;
    for (uint32_t at = to->chain; at;) {
        uint32_t next = code[at];
        code[at] = CRPI_JUMP_WORD(at, target);
        at = next;
    }
    to->chain = 0;
}

void crpi_c_emit_to(fn *f, uint32_t instruction)
{
    crpi_c_emit(f, instruction);
    f->last = here(f) - 1;
    f->retarget = here(f);
}

void crpi_c_written_from(fn *f, uint32_t begin)
{
    f->last = begin;
    f->retarget = here(f);
}

uint32_t *crpi_c_last(fn *f)
{
    return f->retarget == here(f) && f->retarget > 0 && !crpi_c_failed(f) ? &f->proto->code[f->last] : NULL;
}

bool crpi_c_last_is_short(fn *f) { return crpi_c_last(f) && f->last + 1 == here(f); }

/* So does a HEAD whose item is checked. */
static void head_to(fn *f, uint32_t *check, int to)
{
    if ((*check & 0xff) != CRPI_OP_CHECKI || !f->check_follows) return;
    uint32_t *head = check - 1;
    if ((*head & 0xff) == CRPI_OP_HEAD && CRPI_A(*head) == CRPI_A(*check)) *head = CRPI_INS(CRPI_OP_HEADI, CRPI_A(*head), *head >> 16 & 0xff, to);
}

/* A check before a MOVE of what it has checked moves it too, unless it must convert it first. */
static void check_and_move(fn *f, int reg, int to)
{
    uint32_t *check = &f->proto->code[f->check];
    int op = *check & 0xff;
    if (f->check + CHECK_WORDS != here(f) || CRPI_A(*check) != (uint32_t)reg) return;
    if (op != CRPI_OP_CHECK && op != CRPI_OP_CHECKI) return;
    head_to(f, check, to);
    crpi_set_opcode(check, op == CRPI_OP_CHECKI ? CRPI_OP_CHECKIMOVE : CRPI_OP_CHECKMOVE);
    *check |= (uint32_t)to << 24;
}

void crpi_c_move_to(fn *f, int reg, int to)
{
    if (reg == to || crpi_c_failed(f)) return;
    uint32_t *last = crpi_c_last(f);
    if (last && CRPI_A(*last) == (uint32_t)reg && !crpi_c_is_variable(f, reg)) {
        *last = (*last & ~(uint32_t)0xff00) | (uint32_t)to << 8;
        return;
    }
    check_and_move(f, reg, to);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, to, reg, 0));
}

void crpi_c_jump_back(fn *f, uint32_t instruction, uint32_t to)
{
    crpi_c_emit(f, instruction);
    crpi_c_emit(f, CRPI_JUMP_WORD(here(f), to));
}

void crpi_c_need_register(fn *f, int reg)
{
    if (reg >= CRPI_MAX_REGISTERS) {
        crpi_c_fail(f, CRP_NIL, CRP_ILLEGAL, "the function needs more than %d variables and intermediate values: split it",
             CRPI_MAX_REGISTERS);
        return;
    }
    if ((uint32_t)reg + 1 > f->proto->registers) f->proto->registers = (uint32_t)reg + 1;
}

int crpi_c_new_register(fn *f)
{
    crpi_c_need_register(f, f->top);
    return crpi_c_failed(f) ? 0 : f->top++;
}

/* --- small helpers over forms --------------------------------------------------------------------------------- */

int crpi_c_list_length(crp_word forms)
{
    int n = 0;
    for (; crp_is_pair(forms); forms = crp_tail(forms))
        if (++n > 1000000) return -1;
    return forms == CRP_NIL ? n : -1;
}

crp_word crpi_c_nth(crp_word forms, int n)
{
    while (n-- > 0 && crp_is_pair(forms)) forms = crp_tail(forms);
    return crp_is_pair(forms) ? crp_head(forms) : CRP_NIL;
}

bool crpi_c_head_is(crp_word form, uint32_t symbol_id)
{
    return crp_is_pair(form) && crp_head(form) == crp_symbol_from_id(symbol_id);
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static crpi_type constant_type(crp_word w)
{
    uint32_t id = crp_class_of(w);
    return id == CRP_INTEGER || id == CRP_REAL || id == CRP_STRING || id == CRP_LIST ? CRPI_TYPE(id, 0) : 0;
}

void crpi_c_load_constant(fn *f, crp_word w, int reg)
{
    uint32_t begin = here(f);
    f->type = constant_type(w);
    if (crp_is_fixnum(w) && crp_fixnum_value(w) >= INT16_MIN && crp_fixnum_value(w) <= INT16_MAX) {
        uint16_t i = (uint16_t)crp_fixnum_value(w);
        crpi_c_emit(f, CRPI_INS(CRPI_OP_LOADI, reg, i & 0xff, i >> 8));
    } else if ((w & 7) == 3) {
        crpi_c_emit(f, CRPI_INS(CRPI_OP_LOADC, reg, 0, 0));
        crpi_c_emit(f, (uint32_t)w);
    } else {
        crpi_c_emit(f, CRPI_INS(CRPI_OP_LOADK, reg, 0, 0));
        crpi_c_emit_literal(f, w);
    }
    crpi_c_written_from(f, begin);
}

int crpi_c_finish(fn *f, int reg, int want)
{
    if (want < 0 || want == reg) return reg;
    crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, want, reg, 0));
    return want;
}

/* The register as a slot of the class takes it, unless it is known to hold such a value already. */
void crpi_c_check(fn *f, int reg, crpi_type type, enum crpi_checked what, crp_word name)
{
    if (type == 0 || type == CRPI_NO_RESULT || f->type == type) return;
    int op = type == CRPI_TYPE(CRP_INTEGER, 0) ? CRPI_OP_CHECKI : CRPI_OP_CHECK;
    f->check_follows = crpi_c_last_is_short(f);
    f->check = here(f);
    crpi_c_emit(f, CRPI_INS(op, reg, what, 0));
    crpi_c_emit(f, type);
    crpi_c_emit(f, type);
    crpi_c_emit(f, (uint32_t)name);
    f->type = type;
}

/* A Binary is an object that a surgical method may change: each time the code runs it is a fresh copy. */
static void load_binary(fn *f, crp_word literal, int reg)
{
    crp_word copy;
    int top = f->top, at = crpi_c_new_register(f);
    if (!crpi_c_known(f, crp_symbol(f->c->vm, "copy", 4, &copy))) return;
    crpi_c_load_constant(f, literal, at);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_GETP, at, at, 0));
    crpi_c_emit(f, 0), crpi_c_emit(f, 0), crpi_c_emit(f, (uint32_t)copy);
    crpi_c_finish(f, at, reg);
    f->top = top;
    f->type = CRPI_TYPE(CRP_BINARY, 0);
}

void crpi_c_load_start_value(fn *f, crpi_type type, int reg)
{
    crp_word start = crpi_start_value(f->c->vm, type);
    if (start == CRP_UNSET) crpi_c_known(f, CRP_E_NOMEM);
    else if (crp_is_a(start, CRP_BINARY)) load_binary(f, start, reg);
    else crpi_c_load_constant(f, start, reg);
}

static int constant(fn *f, crp_word form, int want)
{
    if (want == NOWHERE) return 0;
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    if (crp_is_a(form, CRP_BINARY)) load_binary(f, form, reg);
    else crpi_c_load_constant(f, form, reg);
    return reg;
}

static int symbol(fn *f, crp_word form, int want)
{
    if (form == CRP_TRUE) return constant(f, CRP_TRUE, want);
    if (form == CRPI_WORD_OF(NIL)) return constant(f, CRP_NIL, want);
    reference ref = crpi_c_resolve(f, form);
    return crpi_c_read_variable(f, form, &ref, want);
}

static int quote(fn *f, crp_word form, int want)
{
    if (crpi_c_list_length(form) != 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "quote: one argument expected, %d given", crpi_c_list_length(form) - 1);
        return 0;
    }
    return constant(f, crpi_c_nth(form, 1), want);
}

/* --- sequences ---------------------------------------------------------------------------------------------------- */

static bool enter(fn *f, crp_word form)
{
    if (crpi_c_failed(f)) return false;
    if (++f->c->depth <= CRPI_MAX_FORM_DEPTH) return true;
    crpi_c_fail(f, form, CRP_TOO_DEEP, "forms are nested more than %d deep", CRPI_MAX_FORM_DEPTH);
    return false;
}

/* For an atom, which has no place of its own, what follows belongs to the pair that holds it. */
static void place_of_element(fn *f, crp_word pair)
{
    if (!crp_is_pair(crp_head(pair))) crpi_c_emit_place(f, pair);
}

void crpi_c_effect(fn *f, crp_word form)
{
    int top = f->top;
    crpi_c_expression(f, form, NOWHERE);
    f->top = top;
}

/* Several forms for the value of the last; none: (). */
void crpi_c_sequence(fn *f, crp_word forms, int want)
{
    if (forms == CRP_NIL) {
        if (want >= 0) crpi_c_load_constant(f, CRP_NIL, want);
        return;
    }
    for (; crp_is_pair(forms) && !crpi_c_failed(f); forms = crp_tail(forms)) {
        place_of_element(f, forms);
        if (crp_tail(forms) == CRP_NIL && want != NOWHERE) {
            int top = f->top;
            crpi_c_expression(f, crp_head(forms), want);
            f->top = top;
        } else crpi_c_effect(f, crp_head(forms));
    }
}

void crpi_c_tail_sequence(fn *f, crp_word forms)
{
    if (forms == CRP_NIL) {
        crpi_c_return_nothing(f);
        return;
    }
    for (; crp_is_pair(forms) && !crpi_c_failed(f); forms = crp_tail(forms)) {
        place_of_element(f, forms);
        if (crp_tail(forms) == CRP_NIL) crpi_c_tail(f, crp_head(forms));
        else crpi_c_effect(f, crp_head(forms));
    }
}

static int compile_do(fn *f, crp_word form, int want, bool is_tail)
{
    if (is_tail) {
        crpi_c_tail_sequence(f, crp_tail(form));
        return 0;
    }
    int reg = want == ANY ? crpi_c_new_register(f) : want;
    crpi_c_sequence(f, crp_tail(form), reg);
    return reg < 0 ? 0 : reg;
}

/* --- which form it is ------------------------------------------------------------------------------------------------ */

/* The special forms.  `is_tail`: the form's value is the function's; those that can return by themselves then do and
 * set *returned. */
static bool special(fn *f, crp_word form, int want, bool is_tail, bool *returned, int *reg)
{
    *returned = is_tail;
    switch (crp_symbol_id(crp_head(form))) {
    case CRPI_SYM_IF: *reg = crpi_c_if(f, form, want, is_tail); return true;
    case CRPI_SYM_COND: *reg = crpi_c_cond(f, form, want, is_tail); return true;
    case CRPI_SYM_DO: *reg = compile_do(f, form, want, is_tail); return true;
    case CRPI_SYM_LET: *reg = crpi_c_let(f, form, want, is_tail); return true;
    case CRPI_SYM_AND:
    case CRPI_SYM_OR: *reg = crpi_c_logic(f, form, want, is_tail); return true;
    case CRPI_SYM_DOT: *reg = crpi_c_dot(f, form, want, is_tail); return true;
    default: break;
    }
    *returned = false;
    switch (crp_symbol_id(crp_head(form))) {
    case CRPI_SYM_QUOTE: *reg = quote(f, form, want); return true;
    case CRPI_SYM_SET: *reg = crpi_c_set(f, form, want); return true;
    case CRPI_SYM_UNSET: *reg = crpi_c_unset(f, form, want); return true;
    case CRPI_SYM_LOCAL: *reg = crpi_c_local(f, form, want); return true;
    case CRPI_SYM_GLOBAL: *reg = crpi_c_global(f, form, want); return true;
    case CRPI_SYM_IS_DEFINED: *reg = crpi_c_is_defined(f, form, want); return true;
    case CRPI_SYM_LAMBDA: *reg = crpi_c_lambda(f, form, want); return true;
    case CRPI_SYM_DEFUN: *reg = crpi_c_defun(f, form, want); return true;
    case CRPI_SYM_DEFMACRO: *reg = crpi_c_defmacro(f, form, want); return true;
    case CRPI_SYM_FUNCTION: *reg = crpi_c_function(f, form, want); return true;
    case CRPI_SYM_CLASS: *reg = crpi_c_class(f, form, want); return true;
    case CRPI_SYM_WHILE: *reg = crpi_c_while(f, form, want); return true;
    case CRPI_SYM_DO_WHILE: *reg = crpi_c_do_while(f, form, want); return true;
    case CRPI_SYM_FOR: *reg = crpi_c_for(f, form, want); return true;
    case CRPI_SYM_NOT: *reg = crpi_c_not(f, form, want); return true;
    case CRPI_SYM_BREAK: *reg = crpi_c_break(f, form, false); return true;
    case CRPI_SYM_CONTINUE: *reg = crpi_c_break(f, form, true); return true;
    case CRPI_SYM_RETURN: *reg = crpi_c_return(f, form); return true;
    case CRPI_SYM_TRY: *reg = crpi_c_try(f, form, want); return true;
    case CRPI_SYM_WITH: *reg = crpi_c_with(f, form, want); return true;
    case CRPI_SYM_WITHIN: *reg = crpi_c_within(f, form, want); return true;
    case CRPI_SYM_TASK: *reg = crpi_c_task(f, form, want); return true;
    case CRPI_SYM_EVAL: *reg = crpi_c_eval(f, form, want); return true;
    case CRPI_SYM_CREATE: *reg = crpi_c_create(f, form, want); return true;
    case CRPI_SYM_QUASIQUOTE: *reg = crpi_c_quasiquote(f, form, want); return true;
    case CRPI_SYM_UNQUOTE:
    case CRPI_SYM_UNQUOTE_SPLICING:
        crpi_c_fail(f, form, CRP_ILLEGAL, "%s stands only inside a quasiquote, as in `(a %sb)",
                    crpi_c_head_is(form, CRPI_SYM_UNQUOTE) ? "," : ",@", crpi_c_head_is(form, CRPI_SYM_UNQUOTE) ? "," : ",@");
        return true;
    case CRPI_SYM_CATCH:
    case CRPI_SYM_FINALLY: crpi_c_fail(f, form, CRP_ILLEGAL, "%p: stands only inside try", crp_head(form)); return true;
    default: return false;
    }
}

static int list_form_inside(fn *f, crp_word form, int want, bool is_tail, bool *returned)
{
    int reg = 0;
    *returned = false;
    crpi_c_emit_place(f, form);
    if (crpi_c_list_length(form) < 0) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "a call must be a proper List");
        return 0;
    }
    if (crp_is_symbol(crp_head(form))) {
        if (special(f, form, want, is_tail, returned, &reg)) return reg;
        if (crpi_c_operator(f, form, want, is_tail, returned, &reg)) return reg;
    }
    f->type = 0;
    reg = crpi_c_call(f, form, want, is_tail);
    *returned = is_tail;
    return reg;
}

static int list_form(fn *f, crp_word form, int want, bool is_tail, bool *returned)
{
    crp_word around = f->c->form;
    f->c->form = form;
    int reg = list_form_inside(f, form, want, is_tail, returned);
    f->c->form = around;
    return reg;
}

/* Compiles a form.  `want` >= 0: the value goes to that register.  ANY: to a register of the compiler's choice, a
 * variable's own or a new one on top.  NOWHERE: only the effects count.  Gives the register. */
int crpi_c_expression(fn *f, crp_word form, int want)
{
    if (!enter(f, form)) return 0;
    int reg;
    bool returned;
    f->type = 0;
    if (crp_is_symbol(form)) reg = symbol(f, form, want);
    else if (crp_is_pair(form)) reg = list_form(f, form, want, false, &returned);
    else reg = constant(f, form, want);
    f->c->depth--;
    return reg;
}

/* Compiles a form whose value is the function's result, and the return. */
void crpi_c_tail(fn *f, crp_word form)
{
    if (f->attempt) { /* a call from inside a try must come back to it */
        int top = f->top, reg = crpi_c_expression(f, form, ANY);
        crpi_c_return_register(f, reg);
        f->top = top;
        return;
    }
    if (!enter(f, form)) return;
    int top = f->top;
    bool returned = false;
    f->type = 0;
    int reg = crp_is_pair(form) ? list_form(f, form, ANY, true, &returned) : 0;
    if (!returned) {
        if (!crp_is_pair(form)) reg = crpi_c_expression(f, form, ANY);
        crpi_c_return_register(f, reg);
    }
    f->top = top;
    f->c->depth--;
}

/* --- entry ------------------------------------------------------------------------------------------------------------ */

crp_status crpi_compile(crp *vm, crpi_source *source, const crpi_places *places, crp_word form, crp_word holder,
                        crp_word *function)
{
    crp_word proto;
    crp_status st = crpi_proto_new(vm, &proto);
    if (st) return st;
    compiler c = {.vm = vm, .source = source, .places = places, .form = holder};
    fn *f = crp_alloc(vm, sizeof *f);
    if (!f) return CRP_E_NOMEM;
    memset(f, 0, sizeof *f);
    f->c = &c;
    f->proto = crpi_proto_of(proto);
    f->proto->source = source;
    f->top_level = true;
    crpi_c_need_register(f, 0);
    crp_word forms = CRP_NIL;
    if (crpi_c_known(f, crp_cons(vm, form, CRP_NIL, &forms))) crpi_c_walk_body(f, forms, false);
    f->top = f->first_temp;
    crpi_c_emit_place(f, holder);
    crpi_c_tail(f, form);
    crp_free_bytes(vm, f->assigned, f->assigned_capacity * sizeof *f->assigned);
    crp_free_bytes(vm, f->mentioned, f->mentioned_capacity * sizeof *f->mentioned);
    crp_free_bytes(vm, f, sizeof *f);
    return c.status ? c.status : crpi_closure_new(vm, crpi_proto_of(proto), function);
}
