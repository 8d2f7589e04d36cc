/* floor 5: calls: functions, members, create, and returning. */
#include "compile.h"

/* --- where a call's window stands ------------------------------------------------------------------------------ */

/* The register on top, where a call's arguments begin and its value ends up: the wanted one, if that is on top and
 * nobody can read it meanwhile. */
static int window(fn *f, int want)
{
    if (want >= 0 && want == f->top - 1 && !crpi_c_is_variable(f, want)) return want;
    return crpi_c_new_register(f);
}

static void value_at(fn *f, int at, int top, int want, int *reg)
{
    f->type = 0;
    *reg = crpi_c_finish(f, at, want);
    f->top = want == ANY ? at + 1 : top;
}

/* Evaluates the arguments into registers from the top on; gives their count.  `types`: what is known of the first
 * CRPI_MAX_SHAPED of them, or NULL. */
static int push_arguments(fn *f, crp_word arguments, crpi_type *types)
{
    int n = 0;
    for (; crp_is_pair(arguments) && !crpi_c_failed(f); arguments = crp_tail(arguments), n++) {
        if (n == CRPI_MAX_PARAMETERS) {
            crpi_c_fail(f, arguments, CRP_ILLEGAL, "more than %d arguments in one call; build a List and use apply",
                 CRPI_MAX_PARAMETERS);
            return n;
        }
        int reg = crpi_c_new_register(f);
        if (!crp_is_pair(crp_head(arguments))) crpi_c_emit_place(f, arguments);
        crpi_c_expression(f, crp_head(arguments), reg);
        if (types && n < CRPI_MAX_SHAPED) types[n] = f->type;
        f->top = reg + 1;
    }
    return n;
}

/* --- calling functions --------------------------------------------------------------------------------------------- */

typedef struct callee {
    enum { IN_CELL, IN_REGISTER, IN_VARIABLE } kind; /* a variable's value that is no Function means the cell's */
    int reg;
    uint32_t cell;
    uint8_t shape; /* of the arguments, where they are known to be what the function in the cell declares */
} callee;

static callee find_callee(fn *f, crp_word head, crp_word arguments)
{
    callee c = {IN_CELL, 0, 0, 0};
    if (!crp_is_symbol(head)) {
        c.kind = IN_REGISTER;
        c.reg = crpi_c_new_register(f);
        crpi_c_expression(f, head, c.reg);
        f->top = c.reg + 1;
        return c;
    }
    reference ref = crpi_c_resolve(f, head);
    crpi_c_known(f, crpi_function_cell(f->c->vm, head, &c.cell));
    if (ref.kind == NOTHING) return c;
    c.kind = IN_VARIABLE;
    c.reg = crpi_c_operand(f, head, arguments);
    return c;
}

/* The signature that the function in a cell is declared with, or has while it is being compiled; NULL: not known. */
static const crpi_signature *known_signature(fn *f, uint32_t cell)
{
    const crpi_cell *c = &f->c->vm->cells->cells[cell];
    if (crp_is_a(c->signature, CRP_PROTO)) return crpi_proto_of(c->signature)->signature;
    return f->proto->name == c->name && !f->proto->is_method ? f->proto->signature : NULL;
}

/* The class of what a built-in function gives, which nobody can redefine; 0: not known. */
static crpi_type known_result(fn *f, uint32_t cell)
{
    crp *vm = f->c->vm;
    if (crpi_c_failed(f) || !vm->cells->cells[cell].builtin || !crp_is_a(vm->cells->values[cell], CRP_FUNCTION)) return 0;
    const crpi_function *fn = crpi_function_of(vm->cells->values[cell]);
    return fn->row && vm->quick ? CRPI_TYPE(vm->quick[fn->h.flags].result, 0) : 0;
}

static uint8_t shape_of(fn *f, const callee *c, const crpi_type *types, int n)
{
    const crpi_signature *s = c->kind == IN_CELL && !crpi_c_failed(f) ? known_signature(f, c->cell) : NULL;
    if (!s || s->shape == 0 || s->count != n) return 0;
    for (int i = 0; i < n; i++)
        if (s->parameters[i].type && s->parameters[i].type != types[i]) return 0;
    return s->shape;
}

static void emit_call(fn *f, const callee *c, int at, int n, bool is_tail)
{
    switch (c->kind) {
    case IN_CELL:
        crpi_c_emit(f, CRPI_INS(is_tail ? CRPI_OP_TCALLG : CRPI_OP_CALLG, at, c->shape, n));
        crpi_c_emit(f, c->cell);
        return;
    case IN_REGISTER: crpi_c_emit(f, CRPI_INS(is_tail ? CRPI_OP_TCALL : CRPI_OP_CALL, at, c->reg, n)); return;
    case IN_VARIABLE:
        crpi_c_emit(f, CRPI_INS(is_tail ? CRPI_OP_TCALLV : CRPI_OP_CALLV, at, c->reg, n));
        crpi_c_emit(f, c->cell);
        return;
    }
}

/* At a file's top, where a form is compiled just before it runs, a function that is not there yet is looked for before
 * its arguments are evaluated: a misspelled name does nothing, and is what the error is about. */
static void look_ahead(fn *f, crp_word form, const callee *c, int at)
{
    if (c->kind != IN_CELL || !f->top_level || !crp_is_pair(crp_tail(form))) return;
    if (crpi_c_failed(f) || f->c->vm->cells->values[c->cell] != CRP_UNSET) return;
    crpi_c_need_register(f, at);
    crpi_c_emit_place(f, form);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_GETFN, at, 1, 0));
    crpi_c_emit(f, c->cell);
    crpi_c_emit(f, (uint32_t)crp_head(form));
}

static int call_function(fn *f, crp_word form, int want, bool is_tail)
{
    int top = f->top, reg;
    crp_word head = crp_head(form);
    bool direct = crp_is_symbol(head);
    crpi_type types[CRPI_MAX_SHAPED];
    callee c = {IN_CELL, 0, 0, 0};
    int at = direct ? -1 : 0;
    if (direct) {
        reference ref = crpi_c_resolve(f, head);
        if (ref.kind == NOTHING) at = window(f, want);
    }
    c = find_callee(f, head, crp_tail(form));
    if (c.kind != IN_CELL) at = crpi_c_new_register(f);
    f->top = at;
    look_ahead(f, form, &c, at);
    int n = push_arguments(f, crp_tail(form), types);
    c.shape = shape_of(f, &c, types, n);
    crpi_c_need_register(f, at);
    crpi_c_emit_place(f, form);
    emit_call(f, &c, at, n, is_tail && !f->proto->is_constructor);
    f->top = at + 1;
    if (is_tail) {
        f->type = 0;
        crpi_c_return_register(f, at);
        return at;
    }
    value_at(f, at, top, want, &reg);
    if (c.kind == IN_CELL) f->type = known_result(f, c.cell);
    return reg;
}

/* --- members ------------------------------------------------------------------------------------------------------- */

/* The member of `this` that a method names, when it can be known now. */
static crpi_member *own_member(fn *f, crp_word object, crp_word name)
{
    if (object != CRPI_WORD_OF(THIS) || !f->owner) return NULL;
    crpi_member *m = crpi_member_find(f->c->vm, f->owner->id, f->face, name);
    return m && m->kind == CRPI_SLOT ? m : NULL;
}

static int get_own(fn *f, const crpi_member *m, int want)
{
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_GETTHIS, reg, 0, 0));
    crpi_c_emit(f, m->offset);
    f->type = m->type;
    return reg;
}

static int set_own(fn *f, const crpi_member *m, crp_word value, int want)
{
    int top = f->top, reg = crpi_c_expression(f, value, ANY);
    if (m->type && f->type != m->type && crpi_c_is_variable(f, reg)) {
        int temp = crpi_c_new_register(f);
        crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, temp, reg, 0));
        reg = temp;
    }
    crpi_c_check(f, reg, m->type, CRPI_CHECK_PROPERTY, m->name);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_SETTHIS, reg, 0, 0));
    crpi_c_emit(f, m->offset);
    if (want >= 0) f->top = top;
    f->type = m->type;
    return crpi_c_finish(f, reg, want);
}

/* Nothing is remembered yet, unless it is the class of a value that is known. */
static void emit_cache(fn *f, crp_word name, crpi_type known)
{
    crpi_c_emit(f, 0);
    crpi_c_emit(f, known);
    crpi_c_emit(f, (uint32_t)name);
}

/* The variable gets its first pair; one that is not known yet is one of the file, as when it is read. */
static void grow_variable(fn *f, crp_word name, int list)
{
    reference ref = crpi_c_resolve(f, name);
    uint32_t cell;
    if (ref.kind == NOTHING) {
        if (!crpi_c_known(f, crpi_scope_add(f->c->vm, f->c->source->scope, name, 0, false, &cell))) return;
        crpi_c_emit(f, CRPI_INS(CRPI_OP_SETGLOBAL, list, 0, 0));
        crpi_c_emit(f, cell);
        return;
    }
    f->type = CRPI_TYPE(CRP_LIST, 0);
    crpi_c_check(f, list, ref.type, CRPI_CHECK_VARIABLE, name);
    crpi_c_write_variable(f, name, &ref, list);
}

/* (place.endCons x): where place holds (), it becomes (list x). */
static int end_cons(fn *f, crp_word form, crp_word place, crp_word item, int want)
{
    int top = f->top, object = crpi_c_new_register(f), list = crpi_c_new_register(f);
    bool is_property = crp_is_pair(place);
    label done = {0};
    crpi_c_expression(f, is_property ? crpi_c_nth(place, 1) : place, is_property ? object : list);
    f->top = list + 1;
    crpi_c_need_register(f, list + 1);
    if (is_property) {
        crpi_c_emit_place(f, place);
        crpi_c_emit(f, CRPI_INS(CRPI_OP_GETP, list, object, 0));
        emit_cache(f, crpi_c_nth(place, 2), 0);
    }
    int value = crpi_c_expression(f, item, ANY);
    crpi_c_emit_place(f, form);
    crpi_c_jump(f, CRPI_INS(CRPI_OP_ENDCONS, list, value, 0), &done);
    if (is_property) {
        int at = crpi_c_new_register(f);
        crpi_c_need_register(f, at + 1);
        crpi_c_emit(f, CRPI_INS(CRPI_OP_SETP, at, object, list));
        emit_cache(f, crpi_c_nth(place, 2), 0);
    } else grow_variable(f, place, list);
    crpi_c_bind(f, &done);
    f->top = top;
    f->type = 0;
    if (want == NOWHERE) return 0;
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_load_constant(f, CRP_NIL, reg);
    return reg;
}

static bool is_place(crp_word form)
{
    if (crp_is_symbol(form)) return form != CRP_TRUE && form != CRPI_WORD_OF(NIL) && form != CRPI_WORD_OF(THIS);
    return crpi_c_head_is(form, CRPI_SYM_DOT) && crpi_c_list_length(form) == 3;
}

static int invoke(fn *f, crp_word form, crp_word left, crp_word name, crp_word arguments, int want, bool is_tail)
{
    int top = f->top, at = window(f, want), reg;
    crpi_c_expression(f, left, at);
    f->top = at + 1;
    int n = push_arguments(f, arguments, NULL);
    crpi_c_emit_place(f, form);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_INVOKE, at, is_tail && !f->proto->is_constructor, n));
    emit_cache(f, name, 0);
    f->top = at + 1;
    if (is_tail) {
        f->type = 0;
        crpi_c_return_register(f, at);
        return at;
    }
    value_at(f, at, top, want, &reg);
    return reg;
}

/* The class that a script declares for an object's property, where the object's own class is known.  A class that is
 * defined anew with another one for such a property is none that this code takes: see crpi_class.again. */
static crpi_type property_type(fn *f, crpi_type object, crp_word name)
{
    if (object == 0 || object == CRPI_NO_RESULT || crpi_c_failed(f)) return 0;
    if (f->c->vm->classes[CRPI_TYPE_CLASS(object)]->again) return 0;
    crpi_member *m = crpi_member_find(f->c->vm, CRPI_TYPE_CLASS(object), CRPI_TYPE_FACE(object), name);
    if (!m || m->kind != CRPI_SLOT || m->row || m->type == 0) return 0;
    m->relied_on = true;
    return m->type;
}

/* o.name, (o.name) and (o.name value): the operands may be any registers; the window is only used if it turns out to
 * be a method. */
static int access(fn *f, crp_word form, crp_word left, crp_word name, crp_word arguments, int want)
{
    int top = f->top, reg, value = 0;
    bool sets = arguments != CRP_NIL;
    int object = crpi_c_operand(f, left, arguments);
    crpi_type of = f->type;
    if (sets) value = crpi_c_expression(f, crpi_c_nth(arguments, 0), ANY);
    crpi_type given = f->type;
    int at;
    if (!sets && object == f->top - 1 && !crpi_c_is_variable(f, object)) at = object;
    else at = crpi_c_new_register(f);
    crpi_c_need_register(f, at + 1);
    crpi_c_emit_place(f, form);
    crpi_type type = property_type(f, of, name);
    bool known = sets && want == NOWHERE && type && type == given;
    crpi_c_emit(f, CRPI_INS(known ? CRPI_OP_SETKNOWN : sets ? CRPI_OP_SETP : CRPI_OP_GETP, at, object, value));
    emit_cache(f, name, known ? type : 0);
    if (sets) type = 0;
    if (want == ANY && at != top) { /* the operands' registers are free now: the value goes down to the first */
        crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, top, at, 0));
        at = top;
    }
    value_at(f, at, top, want, &reg);
    f->type = type;
    return reg;
}

static int member(fn *f, crp_word form, crp_word left, crp_word name, crp_word arguments, int want, bool is_tail)
{
    int n = crpi_c_list_length(arguments);
    if (!crp_is_symbol(name)) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "a member's name is expected after the dot, %v given", name);
        return 0;
    }
    crpi_member *own = own_member(f, left, name);
    if (own && n == 0) {
        int reg = get_own(f, own, want);
        if (is_tail) crpi_c_return_register(f, reg);
        return reg;
    }
    if (own && n == 1) {
        int reg = set_own(f, own, crp_head(arguments), want);
        if (is_tail) crpi_c_return_register(f, reg);
        return reg;
    }
    if (name == CRPI_WORD_OF(END_CONS) && n == 1 && is_place(left)) {
        int reg = end_cons(f, form, left, crp_head(arguments), want);
        if (is_tail) crpi_c_return_nothing(f);
        return reg;
    }
    if (crpi_c_is_declaration(name, arguments)) {
        int reg = crpi_c_declare(f, form, left, arguments, is_tail ? ANY : want);
        if (is_tail) crpi_c_return_register(f, reg);
        return reg;
    }
    if (is_tail || n > 1) return invoke(f, form, left, name, arguments, want, is_tail);
    return access(f, form, left, name, arguments, want);
}

int crpi_c_dot(fn *f, crp_word form, int want, bool is_tail)
{
    if (crpi_c_list_length(form) < 3) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "(. object member argument ...) expected");
        return 0;
    }
    return member(f, form, crpi_c_nth(form, 1), crpi_c_nth(form, 2), crp_tail(crp_tail(crp_tail(form))), want, is_tail);
}

int crpi_c_call(fn *f, crp_word form, int want, bool is_tail)
{
    crp_word head = crp_head(form);
    if (crpi_c_head_is(head, CRPI_SYM_DOT) && crpi_c_list_length(head) == 3) {
        crpi_c_emit_place(f, head);
        return member(f, head, crpi_c_nth(head, 1), crpi_c_nth(head, 2), crp_tail(form), want, is_tail);
    }
    if (!crp_is_symbol(head) && !crp_is_pair(head) && !crp_is_a(head, CRP_FUNCTION)) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "a call begins with a function, %v given; a List of values is written (list ...) or '(...)",
             head);
        return 0;
    }
    return call_function(f, form, want, is_tail);
}

int crpi_c_create(fn *f, crp_word form, int want)
{
    crp_word name = crpi_c_nth(form, 1);
    if (!crp_is_symbol(name)) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "create: a class's name expected, %v given; createAux takes a value", name);
        return 0;
    }
    int top = f->top, at = window(f, want), reg;
    f->top = at + 1;
    int n = push_arguments(f, crp_tail(crp_tail(form)), NULL);
    crpi_c_need_register(f, at + 1);
    crpi_c_emit_place(f, form);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_CREATE, at, 0, n));
    crpi_c_emit(f, (uint32_t)name);
    value_at(f, at, top, want, &reg);
    return reg;
}

/* (task expr ...) is (create Task "" (lambda () expr ...)). */
int crpi_c_task(fn *f, crp_word form, int want)
{
    crp *vm = f->c->vm;
    crp_word lambda = CRP_NIL, parts[4] = {CRPI_WORD_OF(CREATE)}, made = CRP_NIL;
    crp_status st = crp_cons(vm, CRP_NIL, crp_tail(form), &lambda);
    if (!st) st = crp_cons(vm, CRPI_WORD_OF(LAMBDA), lambda, &parts[3]);
    if (!st) st = crp_symbol(vm, "Task", 4, &parts[1]);
    if (!st) st = crp_string(vm, "", 0, &parts[2]);
    if (!st) st = crp_list(vm, parts, 4, &made);
    return crpi_c_known(f, st) ? crpi_c_create(f, made, want) : 0;
}

/* --- returning ------------------------------------------------------------------------------------------------------ */

/* The arithmetic whose value is about to be returned may return it, where an Integer needs no check. */
static void return_at_once(fn *f, int reg)
{
    uint32_t *last = crpi_c_last(f);
    if (!last || CRPI_A(*last) != (uint32_t)reg || (f->result != 0 && f->result != CRPI_TYPE(CRP_INTEGER, 0))) return;
    switch (*last & 0xff) {
    case CRPI_OP_ADD:
    case CRPI_OP_IADD: crpi_set_opcode(last, CRPI_OP_ADDRET); return;
    case CRPI_OP_ADDI: crpi_set_opcode(last, CRPI_OP_ADDIRET); return;
    default: return;
    }
}

/* () and true have returns of their own. */
static bool return_constant(fn *f, int reg)
{
    const uint32_t *last = crpi_c_last(f);
    if (!last || f->result != 0 || (*last & 0xff) != CRPI_OP_LOADC || CRPI_A(*last) != (uint32_t)reg) return false;
    if (last[1] != (uint32_t)CRP_NIL && last[1] != (uint32_t)CRP_TRUE) return false;
    int op = last[1] == (uint32_t)CRP_TRUE ? CRPI_OP_RETTRUE : CRPI_OP_RETNIL;
    f->proto->code_count = f->last;
    crpi_c_emit(f, CRPI_INS(op, 0, 0, 0));
    return true;
}

void crpi_c_return_register(fn *f, int reg)
{
    if (f->proto->is_constructor) {
        crpi_c_emit(f, CRPI_INS(CRPI_OP_RET, 0, 0, 0));
        return;
    }
    if (f->result == CRPI_NO_RESULT) {
        crpi_c_emit(f, CRPI_INS(CRPI_OP_RETNIL, 0, 0, 0));
        return;
    }
    if (return_constant(f, reg)) return;
    return_at_once(f, reg);
    crpi_c_check(f, reg, f->result, CRPI_CHECK_RESULT, f->proto->name);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_RET, reg, 0, 0));
}

void crpi_c_return_nothing(fn *f)
{
    if (f->result && f->result != CRPI_NO_RESULT && !f->proto->is_constructor) {
        int top = f->top, reg = crpi_c_new_register(f);
        crpi_c_load_constant(f, CRP_NIL, reg);
        f->type = 0;
        crpi_c_return_register(f, reg);
        f->top = top;
        return;
    }
    crpi_c_emit(f, CRPI_INS(f->proto->is_constructor ? CRPI_OP_RET : CRPI_OP_RETNIL, 0, 0, 0));
}
