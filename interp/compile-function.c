/* floor 5: lambda, defun, function, class, eval: whatever makes functions. */
#include "compile.h"

#include <string.h>
#include "expand.h"

/* --- a function's inside -------------------------------------------------------------------------------------- */

static fn *inner(fn *outer, crp_word name)
{
    crp *vm = outer->c->vm;
    crp_word proto;
    if (!crpi_c_known(outer, crpi_proto_new(vm, &proto))) return NULL;
    fn *f = crp_alloc(vm, sizeof *f);
    if (!f) {
        crpi_c_known(outer, CRP_E_NOMEM);
        return NULL;
    }
    memset(f, 0, sizeof *f);
    f->c = outer->c;
    f->outer = outer->top_level && outer->variable_count == 0 && outer->capture_count == 0 && !outer->outer ? NULL : outer;
    f->proto = crpi_proto_of(proto);
    f->proto->source = outer->c->source;
    f->proto->name = name;
    f->proto->owner = outer->proto->owner;
    f->face = outer->face;
    return f;
}

static void inner_free(fn *f)
{
    crp *vm = f->c->vm;
    crp_free_bytes(vm, f->assigned, f->assigned_capacity * sizeof *f->assigned);
    crp_free_bytes(vm, f->mentioned, f->mentioned_capacity * sizeof *f->mentioned);
    crp_free_bytes(vm, f, sizeof *f);
}

/* The default of an argument that was left out. */
static void default_value(fn *f, const crpi_parameter *p, int reg)
{
    if (!p->optional || p->start == CRP_UNSET) return;
    label given = {0};
    crpi_c_jump(f, CRPI_INS(CRPI_OP_JSET, reg, 0, 0), &given);
    int top = f->top, value = crpi_c_expression(f, p->start, ANY);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, reg, value, 0));
    f->top = top;
    crpi_c_bind(f, &given);
    f->type = 0;
}

static void check_argument(fn *f, const crpi_parameter *p, int reg)
{
    f->type = 0;
    crpi_c_check(f, reg, p->type, CRPI_CHECK_ARGUMENT, p->name);
}

/* Where none can be left out, the checks come first of all: a call may go on behind them (`checked`). */
static void parameters(fn *f, const crpi_signature *s)
{
    int first = f->proto->is_method ? 1 : 0;
    bool varies = crpi_signature_varies(s);
    if (first) crpi_c_add_variable(f, CRPI_WORD_OF(THIS), 0, 0)->boxed = false;
    for (int i = 0; i < s->count && !varies; i++) check_argument(f, &s->parameters[i], first + i);
    f->proto->checked = here(f);
    for (int i = 0; i < s->count && !crpi_c_failed(f); i++) {
        const crpi_parameter *p = &s->parameters[i];
        default_value(f, p, first + i);
        if (varies) check_argument(f, p, first + i);
        variable *v = crpi_c_add_variable(f, p->name, p->type, first + i);
        if (v->boxed) crpi_c_emit(f, CRPI_INS(CRPI_OP_NEWBOX, v->reg, v->reg, 0));
    }
    if (!s->rest) return;
    variable *v = crpi_c_add_variable(f, CRPI_WORD_OF(ELLIPSIS), CRPI_TYPE(CRP_LIST, 0), first + s->count);
    if (v->boxed) crpi_c_emit(f, CRPI_INS(CRPI_OP_NEWBOX, v->reg, v->reg, 0));
}

/* Registers for the `local`s, behind those of the arguments. */
static void reserve_locals(fn *f, int arguments)
{
    crpi_c_need_register(f, arguments);
    f->top = arguments;
    for (int i = 0; i < f->reserved_count && !crpi_c_failed(f); i++) f->reserved[i].reg = (uint8_t)crpi_c_new_register(f);
    f->first_temp = f->top;
}

/* A `local` that may be skipped gets its start value before all else, so that reading it is defined. */
static void start_nested(fn *f)
{
    for (int i = 0; i < f->reserved_count && !crpi_c_failed(f); i++) {
        reserved *r = &f->reserved[i];
        crpi_type type = 0;
        if (!r->nested) continue;
        crpi_c_emit_place(f, r->at);
        if (r->class_name != CRP_NIL && !crpi_c_known(f, crpi_type_named(f->c->vm, r->class_name, &type))) return;
        crpi_c_load_start_value(f, type, r->reg);
        if (crpi_c_needs_box(f, r->name)) crpi_c_emit(f, CRPI_INS(CRPI_OP_NEWBOX, r->reg, r->reg, 0));
    }
}

/* `form` is the whole definition: what is wrong with the arguments is said of it. */
static void body(fn *f, crp_word form, crp_word forms)
{
    f->result = f->proto->signature->result;
    crpi_c_emit_place(f, form);
    for (int i = 0; i < f->proto->signature->count; i++) {
        const crpi_parameter *p = &f->proto->signature->parameters[i];
        if (p->start == CRP_UNSET) continue;
        crp_word one;
        if (crpi_c_known(f, crp_cons(f->c->vm, p->start, CRP_NIL, &one))) crpi_c_walk_body(f, one, true);
    }
    crpi_c_walk_body(f, forms, false);
    reserve_locals(f, f->proto->signature->count + f->proto->signature->rest + f->proto->is_method);
    parameters(f, f->proto->signature);
    start_nested(f);
    crpi_c_tail_sequence(f, forms);
}

/* Emits what makes the Function: a constant when it captures nothing. */
static void emit_closure(fn *outer, fn *f, int reg)
{
    crp *vm = outer->c->vm;
    f->proto->captures = (uint32_t)f->capture_count;
    if (f->capture_count > 0) {
        crpi_c_emit(outer, CRPI_INS(CRPI_OP_CLOSURE, reg, 0, 0));
        crpi_c_emit_literal(outer, crp_from_object(f->proto));
        crpi_c_emit(outer, (uint32_t)f->capture_count);
        for (int i = 0; i < f->capture_count; i++) crpi_c_emit(outer, f->captures[i].source);
        return;
    }
    crp_word function;
    if (!crpi_c_known(outer, crpi_closure_new(vm, f->proto, &function))) return;
    crpi_c_emit(outer, CRPI_INS(CRPI_OP_LOADK, reg, 0, 0));
    crpi_c_emit_literal(outer, function);
}

int crpi_c_lambda(fn *f, crp_word form, int want)
{
    if (crpi_c_list_length(form) < 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "lambda: (lambda (arguments) expr ...) expected");
        return 0;
    }
    crp *vm = f->c->vm;
    fn *g = inner(f, CRP_NIL);
    if (!g) return 0;
    g->proto->name = CRPI_WORD_OF(LAMBDA);
    if (crpi_c_known(f, crpi_signature_new(vm, CRP_NIL, crpi_c_nth(form, 1), &g->proto->signature)))
        body(g, form, crp_tail(crp_tail(form)));
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_emit_place(f, form);
    emit_closure(f, g, reg);
    f->type = CRPI_TYPE(CRP_FUNCTION, 0);
    inner_free(g);
    return reg;
}

/* --- defun ------------------------------------------------------------------------------------------------------- */

typedef struct header {
    crp_word result, name, parameters, body; /* result NIL: not declared */
} header;

/* (defun Result name (arguments) expr ...), or without the result's class. */
static bool read_header(fn *f, crp_word form, header *h)
{
    crp_word second = crpi_c_nth(form, 1), third = crpi_c_nth(form, 2);
    bool typed = crp_is_symbol(third);
    crp_word rest = crp_tail(form);
    *h = (header){CRP_NIL, second, CRP_NIL, CRP_NIL};
    if (typed) {
        h->result = second;
        h->name = third;
        rest = crp_tail(rest);
    }
    rest = crp_is_pair(rest) ? crp_tail(rest) : CRP_NIL;
    bool whole = crp_is_pair(rest) && crp_is_symbol(h->name) && (crp_is_pair(crp_head(rest)) || crp_head(rest) == CRP_NIL);
    if (!whole) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: (%p Result name (arguments) expr ...) expected", crp_head(form), crp_head(form));
        return false;
    }
    h->parameters = crp_head(rest);
    h->body = crp_tail(rest);
    return true;
}

/* C::m and C:Face::m; false: a plain name. */
static bool split_name(fn *f, crp_word name, crp_word *class_name, crp_word *face, crp_word *member)
{
    const crpi_symbol *s = crpi_symbol_of(&f->c->vm->symbols, name);
    const char *end = s->name + s->length, *colons = NULL, *one = NULL;
    for (const char *p = s->name + 1; p + 1 < end; p++)
        if (p[0] == ':' && p[1] == ':') colons = p;
    if (!colons) return false;
    for (const char *p = s->name + 1; p < colons && !one; p++)
        if (*p == ':') one = p;
    const char *class_end = one ? one : colons;
    *face = CRP_NIL;
    crpi_c_known(f, crp_symbol(f->c->vm, s->name, (size_t)(class_end - s->name), class_name));
    s = crpi_symbol_of(&f->c->vm->symbols, name);
    if (one) crpi_c_known(f, crp_symbol(f->c->vm, one + 1, (size_t)(colons - one - 1), face));
    crpi_c_known(f, crp_symbol(f->c->vm, colons + 2, (size_t)(end - colons - 2), member));
    return true;
}

static int defun_result(fn *f, crp_word name, int want)
{
    if (want == NOWHERE) return 0;
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_load_constant(f, name, reg);
    return reg;
}

static int define_method(fn *f, crp_word form, const header *h, fn *g, int want)
{
    crp_word class_name = CRP_NIL, face = CRP_NIL, member = CRP_NIL;
    crp *vm = f->c->vm;
    split_name(f, h->name, &class_name, &face, &member);
    crpi_member *m;
    if (crpi_c_failed(f) || !crpi_c_known(f, crpi_method_bind(vm, class_name, face, member, g->proto->signature, &m))) return 0;
    g->owner = m->owner;
    g->face = m->face;
    g->proto->owner = m->owner->id;
    g->proto->is_method = true;
    g->proto->is_constructor = m->owner->constructor == m;
    body(g, form, h->body);
    int top = f->top, reg = crpi_c_new_register(f);
    crpi_c_emit_place(f, form);
    emit_closure(f, g, reg);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_METHOD, reg, 0, 0));
    crpi_c_emit(f, m->number);
    crpi_c_emit(f, 0);
    f->top = top;
    return defun_result(f, h->name, want);
}

/* Of functions and, where the form is defmacro, of macros. */
static int define_function(fn *f, crp_word form, const header *h, fn *g, int want)
{
    uint32_t cell;
    bool is_macro = crpi_c_head_is(form, CRPI_SYM_DEFMACRO);
    if (!crpi_c_known(f, crpi_function_cell(f->c->vm, h->name, &cell))) return 0;
    if (f->c->vm->cells->cells[cell].builtin) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "%p is built in and cannot be redefined", h->name);
        return 0;
    }
    body(g, form, h->body);
    int top = f->top, reg = crpi_c_new_register(f);
    crpi_c_emit_place(f, form);
    emit_closure(f, g, reg);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_DEFUN, reg, is_macro, 0));
    crpi_c_emit(f, cell);
    f->top = top;
    return defun_result(f, h->name, want);
}

static bool is_free(fn *f, crp_word form, crp_word name)
{
    if (crpi_form_find(f->c->vm, name))
        crpi_c_fail(f, form, CRP_ILLEGAL, "%p is a special form and cannot be redefined", name);
    return !crpi_c_failed(f);
}

static int define(fn *f, crp_word form, const header *h, int want)
{
    fn *g = inner(f, h->name);
    if (!g) return 0;
    crp_word c, i, m;
    int reg = 0;
    if (crpi_c_known(f, crpi_signature_new(f->c->vm, h->result, h->parameters, &g->proto->signature)))
        reg = split_name(f, h->name, &c, &i, &m) ? define_method(f, form, h, g, want) : define_function(f, form, h, g, want);
    inner_free(g);
    return reg;
}

static bool is_at_top(fn *f, crp_word form)
{
    if (f->top_level) return true;
    crpi_c_fail(f, form, CRP_ILLEGAL, "%p stands at a file's top level only%s", crp_head(form),
                crpi_c_head_is(form, CRPI_SYM_DEFUN) ? "; inside a function use lambda" : "");
    return false;
}

int crpi_c_defun(fn *f, crp_word form, int want)
{
    header h;
    if (!read_header(f, form, &h) || !is_at_top(f, form) || !is_free(f, form, h.name)) return 0;
    return define(f, form, &h, want);
}

/* A macro's function gets its further arguments as one, so that there may be any number of them. */
static crp_word with_rest(fn *f, crp_word parameters)
{
    crp *vm = f->c->vm;
    crp_word parts[3] = {CRPI_WORD_OF(ELLIPSIS), CRP_NIL, CRP_NIL}, item;
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crpi_c_known(f, crp_symbol(vm, "List", 4, &parts[1]));
    for (; crp_is_pair(parameters) && !crpi_c_failed(f); parameters = crp_tail(parameters)) {
        item = crp_head(parameters);
        if (item == CRPI_WORD_OF(ELLIPSIS) && crp_tail(parameters) == CRP_NIL) crpi_c_known(f, crp_list(vm, parts, 3, &item));
        crpi_c_known(f, crp_list_add(vm, &list, item));
    }
    return list.first;
}

int crpi_c_defmacro(fn *f, crp_word form, int want)
{
    header h;
    crp_word c, i, m;
    if (!read_header(f, form, &h) || !is_at_top(f, form) || !is_free(f, form, h.name)) return 0;
    if (h.result != CRP_NIL || split_name(f, h.name, &c, &i, &m)) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "defmacro: (defmacro name (arguments) expr ...) expected; a macro is no method and "
                    "declares no result");
        return 0;
    }
    h.parameters = with_rest(f, h.parameters);
    return crpi_c_failed(f) ? 0 : define(f, form, &h, want);
}

/* (function Result name (arguments)): a declaration that a later defun must keep to. */
int crpi_c_function(fn *f, crp_word form, int want)
{
    header h;
    if (!read_header(f, form, &h)) return 0;
    if (h.body != CRP_NIL) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "function: a declaration has no body; use defun");
        return 0;
    }
    if (!is_free(f, form, h.name)) return 0;
    uint32_t cell;
    crp_word proto;
    crp *vm = f->c->vm;
    if (!crpi_c_known(f, crpi_function_cell(vm, h.name, &cell)) || !crpi_c_known(f, crpi_proto_new(vm, &proto))) return 0;
    if (!crpi_c_known(f, crpi_signature_new(vm, h.result, h.parameters, &crpi_proto_of(proto)->signature))) return 0;
    crpi_cell *c = &vm->cells->cells[cell];
    if (c->kind == CRPI_CELL_MACRO && !f->c->source->interactive) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "%p is defined already as a macro", h.name);
        return 0;
    }
    if (c->builtin || (crp_is_a(c->signature, CRP_PROTO) && !f->c->source->interactive &&
                       !crpi_signature_same(vm, crpi_proto_of(c->signature)->signature, crpi_proto_of(proto)->signature))) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "%p is declared already with another signature", h.name);
        return 0;
    }
    c->signature = proto;
    c->declared = true;
    return defun_result(f, h.name, want);
}

int crpi_c_class(fn *f, crp_word form, int want)
{
    crp_word name;
    if (!f->top_level) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "class stands at a file's top level only");
        return 0;
    }
    if (!crpi_c_known(f, crpi_class_define(f->c->vm, form, &name))) return 0;
    if (want == NOWHERE) return 0;
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_load_constant(f, name, reg);
    return reg;
}

/* --- eval --------------------------------------------------------------------------------------------------------- */

/* Adds (name type index boxed) for a variable, unless one of that name is in the List. */
static void add_visible(fn *f, crp_list_builder *list, crp_word name)
{
    crp_word entry;
    for (crp_word l = list->first; crp_is_pair(l); l = crp_tail(l))
        if (crp_head(crp_head(l)) == name) return;
    reference ref = crpi_c_resolve(f, name);
    int index = ref.kind == CAPTURED ? 0x100 + (int)ref.index : (int)ref.index;
    crp_word parts[4] = {name, crp_fixnum(ref.type), crp_fixnum(index), crp_bool(ref.boxed)};
    if (crpi_c_known(f, crp_list(f->c->vm, parts, 4, &entry))) crpi_c_known(f, crp_list_add(f->c->vm, list, entry));
}

/* All variables that can be seen here, innermost first.  What `eval` compiles has those around it as captures. */
static crp_word visible_variables(fn *f)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    for (fn *g = f; g; g = g->outer) {
        for (int i = g->variable_count; i-- > 0 && !crpi_c_failed(f);)
            if (!g->variables[i].hidden) add_visible(f, &list, g->variables[i].name);
        for (int i = 0; !g->outer && i < g->capture_count && !crpi_c_failed(f); i++) add_visible(f, &list, g->captures[i].name);
    }
    if (crpi_c_list_length(list.first) > CRPI_MAX_CAPTURES)
        crpi_c_fail(f, CRP_NIL, CRP_ILLEGAL, "eval: more than %d variables can be seen here", CRPI_MAX_CAPTURES);
    return list.first;
}

int crpi_c_eval(fn *f, crp_word form, int want)
{
    if (crpi_c_list_length(form) != 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "eval: one argument expected, %d given", crpi_c_list_length(form) - 1);
        return 0;
    }
    int top = f->top, at = crpi_c_new_register(f), reg = crpi_c_expression(f, crpi_c_nth(form, 1), ANY);
    crp_word variables = visible_variables(f);
    crpi_c_emit_place(f, form);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_EVAL, at, reg, f->top_level ? CRPI_EVAL_TOP : f->face));
    crpi_c_emit_literal(f, variables);
    f->top = at + 1;
    f->type = 0;
    if (want >= 0) f->top = top;
    return crpi_c_finish(f, at, want);
}

crp_status crpi_compile_eval(crp *vm, const crpi_proto *around, crp_word variables, uint32_t face, crp_word form, crp_word *out)
{
    crp_word proto, forms;
    crp_status st = crpi_proto_new(vm, &proto);
    if (st) return st;
    bool at_top = face == CRPI_EVAL_TOP;
    crpi_expansion x = {.source = around->source, .variables = variables, .in_function = !at_top};
    st = crpi_expand(vm, &x, form, &form);
    if (st) return st;
    compiler c = {.vm = vm, .source = around->source, .form = CRP_NIL};
    fn *f = crp_alloc(vm, sizeof *f);
    if (!f) return CRP_E_NOMEM;
    memset(f, 0, sizeof *f);
    f->c = &c;
    f->proto = crpi_proto_of(proto);
    f->proto->source = around->source;
    f->proto->owner = around->owner;
    f->top_level = at_top;
    f->face = f->top_level ? 0 : face;
    f->proto->name = CRPI_WORD_OF(EVAL);
    crpi_c_need_register(f, 0);
    for (crp_word l = variables; crp_is_pair(l) && f->capture_count < CRPI_MAX_CAPTURES; l = crp_tail(l)) {
        crp_word v = crp_head(l);
        f->captures[f->capture_count++] = (capture){crp_head(v), (crpi_type)crp_fixnum_value(crpi_c_nth(v, 1)),
                                                    (uint16_t)crp_fixnum_value(crpi_c_nth(v, 2)), crpi_c_nth(v, 3) == CRP_TRUE};
    }
    if (crpi_c_known(f, crp_cons(vm, form, CRP_NIL, &forms)) && crpi_c_known(f, crpi_signature_new(vm, CRP_NIL, CRP_NIL, &f->proto->signature))) {
        crpi_c_walk_body(f, forms, false);
        reserve_locals(f, 0);
        start_nested(f);
        crpi_c_tail(f, form);
    }
    f->proto->captures = (uint32_t)f->capture_count;
    inner_free(f);
    *out = proto;
    return c.status;
}
