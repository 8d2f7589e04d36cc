/* floor 5: the walk over a function's body before it is compiled.
 *
 * It answers three questions: which variables are assigned after they were made, which names stand inside a lambda
 * (a variable of both kinds lives in a box), and which names `local` declares (their registers are reserved, because
 * they live to the function's end).  It reads names, not scopes: it may say yes too often, never too seldom.
 */
#include "compile.h"

#include "expand.h"

static bool contains(const crp_word *set, size_t n, crp_word name)
{
    for (size_t i = 0; i < n; i++)
        if (set[i] == name) return true;
    return false;
}

static void add(fn *f, crp_word **set, size_t *n, size_t *capacity, crp_word name)
{
    if (!crp_is_symbol(name) || contains(*set, *n, name) || crpi_c_failed(f)) return;
    if (!crpi_mem_grow(&f->c->vm->mem, set, capacity, *n + 1, sizeof **set)) crpi_c_known(f, crp_no_memory(f->c->vm));
    else (*set)[(*n)++] = name;
}

static void assign(fn *f, crp_word name) { add(f, &f->assigned, &f->assigned_count, &f->assigned_capacity, name); }

static void mention(fn *f, crp_word name)
{
    if (name != CRP_TRUE) add(f, &f->mentioned, &f->mentioned_count, &f->mentioned_capacity, name);
}

static void reserve(fn *f, crp_word at, bool nested)
{
    crp_word declaration = crp_head(at);
    reserved r = {.name = declaration, .class_name = CRP_NIL, .at = at, .nested = nested};
    if (crp_is_pair(declaration)) {
        r.name = crp_head(declaration);
        r.class_name = crpi_c_nth(declaration, 1);
    }
    if (f->top_level || !crp_is_symbol(r.name)) return;
    for (int i = 0; i < f->reserved_count; i++)
        if (f->reserved[i].name == r.name) return; /* the compiler says so when it gets there */
    if (f->reserved_count == CRPI_MAX_REGISTERS) {
        crpi_c_need_register(f, CRPI_MAX_REGISTERS);
        return;
    }
    f->reserved[f->reserved_count++] = r;
}

static void walk(fn *f, crp_word form, bool nested, bool in_lambda);

/* Counts a form; false: there are too many. */
static bool one_more(fn *f, crp_word form)
{
    if (++f->c->walked > CRPI_MAX_CODE) crpi_c_fail(f, form, CRP_ILLEGAL, "the form is too long: over %d parts", CRPI_MAX_CODE);
    return !crpi_c_failed(f);
}

static void walk_all(fn *f, crp_word forms, bool nested, bool in_lambda)
{
    for (; crp_is_pair(forms) && !crpi_c_failed(f); forms = crp_tail(forms)) walk(f, crp_head(forms), nested, in_lambda);
}

static void walk_local(fn *f, crp_word declarations, bool nested, bool in_lambda)
{
    for (; crp_is_pair(declarations) && one_more(f, declarations); declarations = crp_tail(declarations)) {
        crp_word d = crp_head(declarations);
        if (!in_lambda) reserve(f, declarations, nested);
        assign(f, crp_is_pair(d) ? crp_head(d) : d);
        if (crp_is_pair(d)) walk_all(f, crp_tail(d), nested, in_lambda);
        if (in_lambda) mention(f, crp_is_pair(d) ? crp_head(d) : d);
    }
}

static void walk_for(fn *f, crp_word rest, bool in_lambda)
{
    crp_word names = crpi_c_nth(rest, 0);
    if (crp_is_symbol(names)) assign(f, names);
    for (; crp_is_pair(names) && one_more(f, names); names = crp_tail(names)) assign(f, crp_head(names));
    walk_all(f, rest, true, in_lambda);
}

/* A member access; its name is no variable.  (place.endCons x) may give the variable `place` its first pair. */
static void walk_dot(fn *f, crp_word rest, bool in_lambda)
{
    if (crpi_c_nth(rest, 1) == CRPI_WORD_OF(END_CONS)) assign(f, crpi_c_nth(rest, 0));
    walk(f, crpi_c_nth(rest, 0), true, in_lambda);
    if (crp_is_pair(rest) && crp_is_pair(crp_tail(rest))) walk_all(f, crp_tail(crp_tail(rest)), true, in_lambda);
}

/* In a template of quasiquote only what is unquoted is evaluated. */
static void walk_template(fn *f, crp_word form, int level, bool in_lambda)
{
    if (!crp_is_pair(form) || !one_more(f, form)) return;
    bool unquotes = crpi_c_head_is(form, CRPI_SYM_UNQUOTE) || crpi_c_head_is(form, CRPI_SYM_UNQUOTE_SPLICING);
    if (unquotes && level == 1) {
        walk_all(f, crp_tail(form), true, in_lambda);
        return;
    }
    if (f->c->depth == CRPI_MAX_FORM_DEPTH && crpi_template_is_constant(f->c->vm, form)) return;
    level += crpi_c_head_is(form, CRPI_SYM_QUASIQUOTE) - unquotes;
    if (++f->c->depth > CRPI_MAX_FORM_DEPTH)
        crpi_c_fail(f, form, CRP_TOO_DEEP, "a quasiquote is nested more than %d deep", CRPI_MAX_FORM_DEPTH);
    for (; crp_is_pair(form) && one_more(f, form); form = crp_tail(form)) walk_template(f, crp_head(form), level, in_lambda);
    f->c->depth--;
}

static void walk_list(fn *f, crp_word form, bool nested, bool in_lambda)
{
    crp_word head = crp_head(form), rest = crp_tail(form);
    switch (crp_is_symbol(head) ? crp_symbol_id(head) : CRPI_KNOWN_SYMBOLS) {
    case CRPI_SYM_QUOTE: return;
    case CRPI_SYM_QUASIQUOTE: walk_template(f, crpi_c_nth(rest, 0), 1, in_lambda); return;
    case CRPI_SYM_TASK:
    case CRPI_SYM_LAMBDA: walk_all(f, rest, true, true); return;
    case CRPI_SYM_LOCAL: walk_local(f, rest, nested, in_lambda); return;
    case CRPI_SYM_FOR: walk_for(f, rest, in_lambda); return;
    case CRPI_SYM_SET:
    case CRPI_SYM_UNSET: assign(f, crpi_c_nth(rest, 0)); break;
    case CRPI_SYM_TRY: assign(f, CRPI_WORD_OF(ERR)); break;
    case CRPI_SYM_EVAL: f->has_eval = true; break;
    case CRPI_SYM_DOT: walk_dot(f, rest, in_lambda); return;
    default: break;
    }
    walk(f, head, true, in_lambda);
    walk_all(f, rest, true, in_lambda);
}

static void walk(fn *f, crp_word form, bool nested, bool in_lambda)
{
    if (in_lambda && crp_is_symbol(form)) mention(f, form);
    if (!one_more(f, form) || !crp_is_pair(form)) return;
    if (++f->c->depth > CRPI_MAX_FORM_DEPTH)
        crpi_c_fail(f, form, CRP_TOO_DEEP, "forms are nested more than %d deep", CRPI_MAX_FORM_DEPTH);
    else walk_list(f, form, nested, in_lambda);
    f->c->depth--;
}

void crpi_c_walk_body(fn *f, crp_word forms, bool nested) { walk_all(f, forms, nested, false); }

bool crpi_c_is_assigned(const fn *f, crp_word name) { return contains(f->assigned, f->assigned_count, name); }

bool crpi_c_needs_box(const fn *f, crp_word name)
{
    if (f->has_eval) return true;
    return contains(f->mentioned, f->mentioned_count, name) && crpi_c_is_assigned(f, name);
}

static bool sets_something(crp_word form, int depth)
{
    if (!crp_is_pair(form)) return false;
    if (depth > 50) return true;
    crp_word head = crp_head(form);
    if (crp_is_symbol(head))
        switch (crp_symbol_id(head)) {
        case CRPI_SYM_QUOTE:
        case CRPI_SYM_LAMBDA: return false;
        case CRPI_SYM_SET:
        case CRPI_SYM_UNSET:
        case CRPI_SYM_LOCAL:
        case CRPI_SYM_FOR:
        case CRPI_SYM_TRY:
        case CRPI_SYM_EVAL: return true;
        case CRPI_SYM_DOT:
            if (crpi_c_nth(form, 2) == CRPI_WORD_OF(END_CONS)) return true;
            break;
        default: break;
        }
    for (; crp_is_pair(form); form = crp_tail(form))
        if (sets_something(crp_head(form), depth + 1)) return true;
    return false;
}

/* Whether evaluating one of the forms may assign a variable of this function: then a variable read before them must be
 * read into a register of its own. */
bool crpi_c_sets_something(crp_word forms)
{
    for (; crp_is_pair(forms); forms = crp_tail(forms))
        if (sets_something(crp_head(forms), 0)) return true;
    return false;
}
