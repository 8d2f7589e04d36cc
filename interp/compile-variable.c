/* floor 5: variables: what a name refers to, reading, setting, declaring. */
#include "compile.h"

#include <string.h>
#include "error.h"

/* --- a file's variables ------------------------------------------------------------------------------------------ */

void crpi_scope_free(crp *vm, crpi_scope *s)
{
    crp_free_bytes(vm, s->names, s->names_capacity * sizeof *s->names);
    crp_free_bytes(vm, s->cells, s->cells_capacity * sizeof *s->cells);
    crp_free_bytes(vm, s->declared, s->declared_capacity * sizeof *s->declared);
    memset(s, 0, sizeof *s);
}

static size_t scope_index(const crpi_scope *s, crp_word name)
{
    size_t i = 0;
    while (i < s->count && s->names[i] != name) i++;
    return i;
}

uint32_t crpi_scope_find(const crpi_scope *s, crp_word name, bool *declared)
{
    size_t i = scope_index(s, name);
    if (i == s->count) return 0;
    if (declared) *declared = s->declared[i];
    return s->cells[i];
}

/* Declares a name, or makes an undeclared one declared; the cell stays the same, so code that read it goes on. */
crp_status crpi_scope_add(crp *vm, crpi_scope *s, crp_word name, crpi_type type, bool declared, uint32_t *cell)
{
    size_t i = scope_index(s, name);
    if (i < s->count) {
        *cell = s->cells[i];
        if (declared) {
            s->declared[i] = true;
            vm->cells->cells[*cell].type = type;
        }
        return CRP_OK;
    }
    if (!crpi_mem_grow(&vm->mem, &s->names, &s->names_capacity, i + 1, sizeof *s->names) ||
        !crpi_mem_grow(&vm->mem, &s->cells, &s->cells_capacity, i + 1, sizeof *s->cells) ||
        !crpi_mem_grow(&vm->mem, &s->declared, &s->declared_capacity, i + 1, sizeof *s->declared))
        return crp_no_memory(vm);
    crp_status st = crpi_cell_new(vm, name, type, CRPI_CELL_FILE, cell);
    if (st) return st;
    s->names[i] = name;
    s->cells[i] = *cell;
    s->declared[i] = declared;
    s->count++;
    return CRP_OK;
}

/* --- what a name refers to ---------------------------------------------------------------------------------------- */

static bool is_global(fn *f, crp_word name)
{
    const crpi_symbol *s = crpi_symbol_of(&f->c->vm->symbols, name);
    return s->length > 2 && s->name[0] == ':' && s->name[1] == ':';
}

variable *crpi_c_own_variable(fn *f, crp_word name)
{
    for (int i = f->variable_count; i-- > 0;)
        if (f->variables[i].name == name && !f->variables[i].hidden) return &f->variables[i];
    return NULL;
}

bool crpi_c_is_variable(const fn *f, int reg)
{
    if (reg < f->first_temp) return true;
    for (int i = 0; i < f->variable_count; i++)
        if (f->variables[i].reg == reg) return true;
    return false;
}

void crpi_c_end_scope(fn *f, int variable_count)
{
    int n = variable_count;
    for (int i = n; i < f->variable_count; i++)
        if (f->variables[i].reg < f->first_temp) f->variables[n++] = f->variables[i];
    f->variable_count = n;
}

/* The number of the capture that brings a variable of a function around in here; -1: there is none of that name. */
static int capture_of(fn *f, crp_word name)
{
    for (int i = 0; i < f->capture_count; i++)
        if (f->captures[i].name == name) return i;
    if (!f->outer) return -1;
    capture c = {.name = name};
    variable *v = crpi_c_own_variable(f->outer, name);
    if (v) {
        c.source = v->reg, c.type = v->type, c.boxed = v->boxed;
    } else {
        int outer = capture_of(f->outer, name);
        if (outer < 0) return -1;
        c.source = (uint16_t)(0x100 + outer), c.type = f->outer->captures[outer].type, c.boxed = f->outer->captures[outer].boxed;
    }
    if (f->capture_count == CRPI_MAX_CAPTURES) {
        crpi_c_fail(f, CRP_NIL, CRP_ILLEGAL, "the lambda uses more than %d variables from around it", CRPI_MAX_CAPTURES);
        return 0;
    }
    f->captures[f->capture_count] = c;
    return f->capture_count++;
}

static reference in_cell(fn *f, uint32_t cell)
{
    return (reference){CELL, cell, false, crpi_c_failed(f) ? 0 : f->c->vm->cells->cells[cell].type};
}

reference crpi_c_resolve(fn *f, crp_word name)
{
    uint32_t cell;
    bool declared;
    if (is_global(f, name)) {
        crpi_c_known(f, crpi_global_cell(f->c->vm, name, &cell));
        return in_cell(f, cell);
    }
    variable *v = crpi_c_own_variable(f, name);
    if (v) return (reference){REGISTER, v->reg, v->boxed, v->type};
    int i = capture_of(f, name);
    if (i >= 0) return (reference){CAPTURED, (uint32_t)i, f->captures[i].boxed, f->captures[i].type};
    cell = crpi_scope_find(f->c->source->scope, name, &declared);
    if (cell && declared) return in_cell(f, cell);
    return (reference){NOTHING, 0, false, 0};
}

/* --- reading and writing ------------------------------------------------------------------------------------------ */

/* A name that is no variable as far as known: a function, a class, or something that will be there when it runs. */
static int read_other(fn *f, crp_word name, int reg)
{
    uint32_t cell = 0;
    crpi_name *n = crpi_name_find(f->c->vm, name);
    f->type = 0;
    if (n && n->function && f->c->vm->cells->cells[n->function].builtin) {
        crpi_c_emit(f, CRPI_INS(CRPI_OP_GETFN, reg, 0, 0));
        crpi_c_emit(f, n->function);
    } else {
        crpi_place before = crpi_c_emit_name_place(f, name);
        crpi_c_known(f, crpi_scope_add(f->c->vm, f->c->source->scope, name, 0, false, &cell));
        crpi_c_emit(f, CRPI_INS(CRPI_OP_GETNAME, reg, 0, 0));
        crpi_c_emit(f, cell);
        crpi_c_emit(f, (uint32_t)name);
        crpi_c_emit_place_again(f, before);
        return reg;
    }
    crpi_c_emit(f, (uint32_t)name);
    return reg;
}

/* In a method of a further interface, `this` is the object as that interface shows it. */
static int read_this(fn *f, const reference *ref, int want)
{
    int reg = want >= 0 ? want : crpi_c_new_register(f), from = (int)ref->index;
    if (ref->kind == CAPTURED) {
        crpi_c_emit(f, CRPI_INS(CRPI_OP_GETCAP, reg, ref->index, 0));
        from = reg;
    }
    crpi_c_emit(f, CRPI_INS(CRPI_OP_VIEW, reg, from, f->face));
    f->type = 0;
    return reg;
}

int crpi_c_read_variable(fn *f, crp_word name, const reference *ref, int want)
{
    if (name == CRPI_WORD_OF(THIS) && f->face > 0) return read_this(f, ref, want);
    if (ref->kind == REGISTER && !ref->boxed) {
        f->type = ref->type;
        if (want == NOWHERE || want == ANY) return (int)ref->index;
        return crpi_c_finish(f, (int)ref->index, want);
    }
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    switch (ref->kind) {
    case REGISTER: crpi_c_emit_to(f, CRPI_INS(CRPI_OP_GETBOX, reg, ref->index, 0)); break;
    case CAPTURED: crpi_c_emit_to(f, CRPI_INS(ref->boxed ? CRPI_OP_GETCAPBOX : CRPI_OP_GETCAP, reg, ref->index, 0)); break;
    case CELL:
        crpi_c_emit(f, CRPI_INS(CRPI_OP_GETCELL, reg, 0, 0));
        crpi_c_emit(f, ref->index);
        break;
    default: return read_other(f, name, reg);
    }
    f->type = ref->kind == CELL ? 0 : ref->type; /* at the prompt it may be declared anew with another class */
    return reg;
}

/* `reg` holds what the variable's class allows: `check` has been asked. */
void crpi_c_write_variable(fn *f, crp_word name, const reference *ref, int reg)
{
    switch (ref->kind) {
    case REGISTER:
        if (ref->boxed) crpi_c_emit(f, CRPI_INS(CRPI_OP_SETBOX, ref->index, reg, 0));
        else crpi_c_move_to(f, reg, (int)ref->index);
        return;
    case CAPTURED:
        if (ref->boxed) crpi_c_emit(f, CRPI_INS(CRPI_OP_SETCAPBOX, ref->index, reg, 0));
        else crpi_c_fail(f, CRP_NIL, CRP_ILLEGAL, "%p cannot be set here", name);
        return;
    case CELL:
        if (crpi_c_failed(f)) return;
        const crpi_cell *cell = &f->c->vm->cells->cells[ref->index];
        bool undeclared = cell->kind == CRPI_CELL_GLOBAL && !cell->declared;
        crpi_c_emit(f, CRPI_INS(undeclared ? CRPI_OP_SETGLOBAL : CRPI_OP_SETCELL, reg, 0, 0));
        crpi_c_emit(f, ref->index);
        return;
    default: return;
    }
}

/* Evaluates an operand; one that a form evaluated after it may assign is read into a register of its own. */
int crpi_c_operand(fn *f, crp_word form, crp_word later)
{
    int reg = crpi_c_expression(f, form, ANY);
    if (!crpi_c_is_variable(f, reg) || !crpi_c_sets_something(later)) return reg;
    crpi_type type = f->type;
    int temp = crpi_c_new_register(f);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, temp, reg, 0));
    f->type = type;
    return temp;
}

/* What `let`, `local`, `for` and `with` may call a variable. */
bool crpi_c_can_be_variable(fn *f, crp_word form, crp_word name)
{
    if (is_global(f, name)) crpi_c_fail(f, form, CRP_ILLEGAL, "%p is a global variable: declare it with global", name);
    else if (name == CRP_TRUE || name == CRPI_WORD_OF(NIL) || name == CRPI_WORD_OF(THIS))
        crpi_c_fail(f, form, CRP_ILLEGAL, "%p cannot be the name of a variable", name);
    return !crpi_c_failed(f);
}

variable *crpi_c_add_variable(fn *f, crp_word name, crpi_type type, int reg)
{
    variable *v = &f->variables[f->variable_count];
    if (f->variable_count == (int)(sizeof f->variables / sizeof f->variables[0])) {
        crpi_c_need_register(f, CRPI_MAX_REGISTERS);
        return v - 1;
    }
    *v = (variable){.name = name, .type = type, .reg = (uint8_t)reg, .boxed = crpi_c_needs_box(f, name)};
    f->variable_count++;
    return v;
}

/* --- set, unset ---------------------------------------------------------------------------------------------------- */

static bool is_place(fn *f, crp_word form, int count, const char *shape)
{
    crp_word name = crpi_c_nth(form, 1);
    if (crpi_c_list_length(form) == count && crp_is_symbol(name) && name != CRP_TRUE && name != CRPI_WORD_OF(NIL) &&
        name != CRPI_WORD_OF(THIS))
        return true;
    if (crpi_c_head_is(name, CRPI_SYM_DOT))
        crpi_c_fail(f, form, CRP_ILLEGAL, "%p sets variables; a property is set by calling it: (%p value)", crp_head(form), name);
    else
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: %s expected, %v given", crp_head(form), shape, form);
    return false;
}

/* The variables that can be seen here: of this function and those around it, and of the file. */
typedef struct seen_walk {
    crp *vm;
    const fn *f;
    const crpi_scope *scope;
    int variable;
    size_t at;
} seen_walk;

static const char *next_seen(void *ud)
{
    seen_walk *w = ud;
    for (; w->f; w->f = w->f->outer, w->variable = 0)
        if (w->variable < w->f->variable_count)
            return crp_symbol_name(w->vm, w->f->variables[w->variable++].name, NULL);
    for (; w->scope && w->at < w->scope->count; w->at++)
        if (w->scope->declared[w->at]) return crp_symbol_name(w->vm, w->scope->names[w->at++], NULL);
    return NULL;
}

static void unknown_variable(fn *f, crp_word form, crp_word name)
{
    size_t length;
    const char *text = crp_symbol_name(f->c->vm, name, &length);
    seen_walk walk = {.vm = f->c->vm, .f = f, .scope = f->c->source->scope};
    crpi_buf near;
    crpi_buf_init(&near, &f->c->vm->mem, 1000);
    crpi_suggest(&near, text, length, next_seen, &walk);
    const char *or_else = near.length ? " If not," : ":";
    crpi_c_fail(f, form, CRP_UNKNOWN, "unknown variable %p%.*s%s declare it with (local (%p Object)), or at the file's top level",
                name, (int)near.length, near.bytes ? near.bytes : "", or_else, name);
    crpi_buf_free(&near);
}

/* What `set` writes to; at top level a new name becomes a variable of the file. */
static reference place(fn *f, crp_word form)
{
    crp_word name = crpi_c_nth(form, 1);
    uint32_t cell = 0;
    reference ref = crpi_c_resolve(f, name);
    if (ref.kind != NOTHING) return ref;
    if (f->top_level) {
        crpi_c_known(f, crpi_scope_add(f->c->vm, f->c->source->scope, name, 0, true, &cell));
        return in_cell(f, cell);
    }
    unknown_variable(f, form, name);
    return ref;
}

int crpi_c_set(fn *f, crp_word form, int want)
{
    if (!is_place(f, form, 3, "(set variable value)")) return 0;
    crp_word name = crpi_c_nth(form, 1);
    if (crpi_c_failed(f)) return 0;
    int top = f->top;
    reference ref = crpi_c_resolve(f, name);
    int reg = crpi_c_expression(f, crpi_c_nth(form, 2), ANY);
    ref = place(f, form);
    crpi_c_emit_place(f, form);
    if (ref.type && f->type != ref.type && crpi_c_is_variable(f, reg)) { /* a check may convert: not in another variable */
        int temp = crpi_c_new_register(f);
        crpi_c_emit(f, CRPI_INS(CRPI_OP_MOVE, temp, reg, 0));
        reg = temp;
    }
    crpi_c_check(f, reg, ref.type, CRPI_CHECK_VARIABLE, name);
    crpi_c_write_variable(f, name, &ref, reg);
    if (ref.kind == REGISTER && !ref.boxed) {
        f->top = top;
        reg = (int)ref.index;
    }
    return crpi_c_finish(f, reg, want);
}

int crpi_c_unset(fn *f, crp_word form, int want)
{
    if (!is_place(f, form, 2, "(unset variable)")) return 0;
    crp_word name = crpi_c_nth(form, 1);
    reference ref = crpi_c_resolve(f, name);
    if (ref.kind == NOTHING) {
        unknown_variable(f, form, name);
        return 0;
    }
    if (ref.kind == CELL && f->c->vm->cells && !crpi_c_failed(f) && f->c->vm->cells->cells[ref.index].kind == CRPI_CELL_GLOBAL) {
        crpi_c_emit(f, CRPI_INS(CRPI_OP_UNSETCELL, 0, 0, 0));
        crpi_c_emit(f, ref.index);
    } else {
        int reg = crpi_c_new_register(f);
        crpi_c_load_start_value(f, ref.type, reg);
        crpi_c_write_variable(f, name, &ref, reg);
    }
    if (want == NOWHERE) return 0;
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_load_constant(f, CRP_NIL, reg);
    return reg;
}

/* --- local, global, let ---------------------------------------------------------------------------------------------- */

typedef struct declaration {
    crp_word name, start; /* start CRP_UNSET: none */
    crpi_type type;
} declaration;

/* name, (name), (name Class), (name Class start). */
static bool read_declaration(fn *f, crp_word form, crp_word d, declaration *out)
{
    *out = (declaration){d, CRP_UNSET, 0};
    if (crp_is_symbol(d) && crpi_names_value_class(f->c->vm, d)) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "%p: a variable and its class stand in brackets of their own: (name %p)", crp_head(form), d);
        return false;
    }
    if (crp_is_symbol(d)) return true;
    int n = crpi_c_list_length(d);
    crp_word class_name = crpi_c_nth(d, 1);
    bool whole = n >= 1 && n <= 3 && crp_is_symbol(crp_head(d));
    if (!whole || (n >= 2 && !crp_is_symbol(class_name) && !crp_is_string(class_name))) {
        bool let = crpi_c_head_is(form, CRPI_SYM_LET);
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, let ? "%p: a List of (name value) or (name Class value) expected, %v given in it"
                                                   : "%p: (name Class) or (name Class start) expected, %v given", crp_head(form), d);
        return false;
    }
    out->name = crp_head(d);
    if (n == 3) out->start = crpi_c_nth(d, 2);
    if (n >= 2) crpi_c_emit_place(f, crp_tail(d));
    if (n >= 2 && !crpi_c_known(f, crpi_type_named(f->c->vm, crpi_c_nth(d, 1), &out->type))) return false;
    return true;
}

/* The declared start value, checked, in a register of its own or the start value of the class. */
static int start_value(fn *f, const declaration *d)
{
    if (d->start == CRP_UNSET) {
        int reg = crpi_c_new_register(f);
        crpi_c_load_start_value(f, d->type, reg);
        f->type = d->type;
        return reg;
    }
    int reg = crpi_c_expression(f, d->start, ANY);
    if (crpi_c_is_variable(f, reg)) {
        int temp = crpi_c_new_register(f);
        crpi_c_emit_to(f, CRPI_INS(CRPI_OP_MOVE, temp, reg, 0));
        reg = temp;
    }
    crpi_c_check(f, reg, d->type, CRPI_CHECK_VARIABLE, d->name);
    return reg;
}

/* The variable of a `local` in this register, once that was compiled. */
static variable *local_at(fn *f, int reg)
{
    for (int i = 0; i < f->variable_count; i++)
        if (f->variables[i].reg == reg) return &f->variables[i];
    return NULL;
}

static void local_in_function(fn *f, crp_word form, const declaration *d)
{
    int i = 0;
    while (i < f->reserved_count && f->reserved[i].name != d->name) i++;
    variable *seen = i < f->reserved_count ? local_at(f, f->reserved[i].reg) : NULL;
    bool is_parameter = false;
    for (int j = 0; j < f->variable_count && !is_parameter; j++)
        is_parameter = f->variables[j].name == d->name && f->variables[j].reg < f->first_temp - f->reserved_count;
    if (i == f->reserved_count || is_parameter || (seen && !seen->ahead && !f->again)) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "the variable %p is declared already in this function", d->name);
        return;
    }
    int top = f->top, reg = start_value(f, d);
    variable *v = seen ? seen : crpi_c_add_variable(f, d->name, d->type, f->reserved[i].reg);
    v->ahead = false;
    if (v->boxed) crpi_c_emit(f, CRPI_INS(CRPI_OP_NEWBOX, v->reg, reg, 0));
    else crpi_c_move_to(f, reg, v->reg);
    f->top = top;
}

static void declare_ahead(fn *f, crp_word form, crp_word rest)
{
    declaration d;
    int i = 0;
    if (crpi_c_failed(f) || !read_declaration(f, form, crp_head(rest), &d)) return;
    while (i < f->reserved_count && f->reserved[i].name != d.name) i++;
    if (i < f->reserved_count && !local_at(f, f->reserved[i].reg))
        crpi_c_add_variable(f, d.name, d.type, f->reserved[i].reg)->ahead = true;
}

void crpi_c_declare_ahead(fn *f, crp_word form)
{
    if (f->top_level || !crp_is_pair(form) || crpi_c_head_is(form, CRPI_SYM_QUOTE) || crpi_c_head_is(form, CRPI_SYM_QUASIQUOTE) || crpi_c_head_is(form, CRPI_SYM_LAMBDA))
        return;
    if (crpi_c_head_is(form, CRPI_SYM_LOCAL))
        for (crp_word rest = crp_tail(form); crp_is_pair(rest); rest = crp_tail(rest)) declare_ahead(f, form, rest);
    for (; crp_is_pair(form); form = crp_tail(form)) crpi_c_declare_ahead(f, crp_head(form));
}

static void local_of_file(fn *f, crp_word form, const declaration *d)
{
    bool declared = false;
    uint32_t cell = 0;
    if (crpi_scope_find(f->c->source->scope, d->name, &declared) && declared && !f->c->source->interactive && !f->again) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "the variable %p is declared already in this file", d->name);
        return;
    }
    int top = f->top, reg = start_value(f, d);
    crpi_c_known(f, crpi_scope_add(f->c->vm, f->c->source->scope, d->name, d->type, true, &cell));
    crpi_c_emit(f, CRPI_INS(CRPI_OP_SETCELL, reg, 0, 0));
    crpi_c_emit(f, cell);
    f->top = top;
}

static int nothing(fn *f, int want)
{
    if (want == NOWHERE) return 0;
    int reg = want >= 0 ? want : crpi_c_new_register(f);
    crpi_c_load_constant(f, CRP_NIL, reg);
    return reg;
}

int crpi_c_local(fn *f, crp_word form, int want)
{
    for (crp_word rest = crp_tail(form); crp_is_pair(rest) && !crpi_c_failed(f); rest = crp_tail(rest)) {
        declaration d;
        if (!read_declaration(f, form, crp_head(rest), &d)) return 0;
        if (!crpi_c_can_be_variable(f, form, d.name)) return 0;
        if (f->top_level) local_of_file(f, form, &d);
        else local_in_function(f, form, &d);
    }
    return nothing(f, want);
}

int crpi_c_global(fn *f, crp_word form, int want)
{
    for (crp_word rest = crp_tail(form); crp_is_pair(rest) && !crpi_c_failed(f); rest = crp_tail(rest)) {
        declaration d;
        uint32_t number;
        if (!read_declaration(f, form, crp_head(rest), &d)) return 0;
        if (!is_global(f, d.name)) {
            crpi_c_fail(f, form, CRP_ILLEGAL, "a global variable's name begins with ::, as in ::%p; %p given", d.name, d.name);
            return 0;
        }
        if (!crpi_c_known(f, crpi_global_cell(f->c->vm, d.name, &number))) return 0;
        crpi_cell *cell = &f->c->vm->cells->cells[number];
        if (cell->declared && cell->type != d.type && !f->c->source->interactive) {
            crpi_c_fail(f, form, CRP_ILLEGAL, "the global variable %p is declared already with another class", d.name);
            return 0;
        }
        bool again = cell->declared && cell->type == d.type && d.start == CRP_UNSET;
        cell->declared = true;
        cell->type = d.type;
        if (again) continue;
        int top = f->top, reg = start_value(f, &d);
        crpi_c_emit(f, CRPI_INS(CRPI_OP_SETCELL, reg, 0, 0));
        crpi_c_emit(f, number);
        f->top = top;
    }
    return nothing(f, want);
}

/* (name value) and (name Class value) as `let` has them. */
static bool read_binding(fn *f, crp_word form, crp_word b, declaration *out)
{
    if (crp_is_pair(b) && crpi_c_list_length(b) == 2 && crp_is_symbol(crp_head(b))) {
        *out = (declaration){crp_head(b), crpi_c_nth(b, 1), 0};
        return true;
    }
    return read_declaration(f, form, b, out);
}

/* All start values are evaluated before any of the variables is there. */
static bool let_variables(fn *f, crp_word form, crp_word bindings)
{
    declaration declared[CRPI_MAX_PARAMETERS];
    int n = 0, first = f->top;
    for (; crp_is_pair(bindings); bindings = crp_tail(bindings), n++) {
        if (n == CRPI_MAX_PARAMETERS) {
            crpi_c_fail(f, form, CRP_ILLEGAL, "let: more than %d variables", CRPI_MAX_PARAMETERS);
            return false;
        }
        if (!read_binding(f, form, crp_head(bindings), &declared[n])) return false;
        if (!crpi_c_can_be_variable(f, form, declared[n].name)) return false;
        int reg = crpi_c_new_register(f), value = start_value(f, &declared[n]);
        crpi_c_move_to(f, value, reg);
        f->top = reg + 1;
        if (crpi_c_failed(f)) return false;
    }
    for (int i = 0; i < n; i++) {
        variable *v = crpi_c_add_variable(f, declared[i].name, declared[i].type, first + i);
        if (v->boxed) crpi_c_emit(f, CRPI_INS(CRPI_OP_NEWBOX, first + i, first + i, 0));
    }
    return true;
}

int crpi_c_let(fn *f, crp_word form, int want, bool is_tail)
{
    if (crpi_c_list_length(form) < 2 || (crpi_c_nth(form, 1) != CRP_NIL && !crp_is_pair(crpi_c_nth(form, 1)))) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "let: (let ((name value) ...) expr ...) expected");
        return 0;
    }
    int reg = want == ANY && !is_tail ? crpi_c_new_register(f) : want;
    int top = f->top, count = f->variable_count;
    if (!let_variables(f, form, crpi_c_nth(form, 1))) return 0;
    crp_word body = crp_tail(crp_tail(form));
    if (is_tail) crpi_c_tail_sequence(f, body);
    else crpi_c_sequence(f, body, reg);
    crpi_c_end_scope(f, count);
    f->top = top;
    return reg < 0 ? 0 : reg;
}

/* (isDefined ::x): the name itself, quoted or not, or an expression that gives it. */
int crpi_c_is_defined(fn *f, crp_word form, int want)
{
    crp_word name = crpi_c_nth(form, 1), quoted, call;
    crp *vm = f->c->vm;
    if (crpi_c_list_length(form) == 2 && crp_is_symbol(name)) {
        crp_word parts[2] = {CRPI_WORD_OF(QUOTE), name};
        if (!crpi_c_known(f, crp_list(vm, parts, 2, &quoted))) return 0;
        crp_word whole[2] = {CRPI_WORD_OF(IS_DEFINED), quoted};
        if (!crpi_c_known(f, crp_list(vm, whole, 2, &call))) return 0;
        return crpi_c_call(f, call, want, false);
    }
    return crpi_c_call(f, form, want, false);
}
