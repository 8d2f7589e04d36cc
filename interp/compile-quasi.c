/* floor 5: quasiquote: a template to the code that builds the List.
 *
 * What has nothing to be evaluated in it is a constant, shared like what `quote` gives.  Every other List is made anew,
 * item by item and from left to right, at its end: two registers hold its first and its last pair.  A nested quasiquote
 * raises the level, unquote lowers it, and what stands at level 0 is evaluated.
 */
#include "compile.h"

#include "expand.h"

/* --- what need not be built ----------------------------------------------------------------------------------------- */

typedef struct search {
    crp *vm;
    crp_word *left; /* pairs still to be looked at */
    size_t count, capacity, seen;
} search;

static bool later(search *s, crp_word pair)
{
    if (!crp_is_pair(pair)) return true;
    if (++s->seen > CRPI_MAX_CODE) return false;
    if (!crpi_mem_grow(&s->vm->mem, &s->left, &s->capacity, s->count + 1, sizeof *s->left)) return false;
    s->left[s->count++] = pair;
    return true;
}

static bool is_unquote(crp_word form)
{
    return crpi_c_head_is(form, CRPI_SYM_UNQUOTE) || crpi_c_head_is(form, CRPI_SYM_UNQUOTE_SPLICING);
}

bool crpi_template_is_constant(crp *vm, crp_word form)
{
    search s = {.vm = vm};
    bool constant = later(&s, form);
    while (constant && s.count) {
        crp_word pair = s.left[--s.count];
        constant = !is_unquote(crp_head(pair)) && !is_unquote(pair) && later(&s, crp_tail(pair)) && later(&s, crp_head(pair));
    }
    crpi_mem_free(&vm->mem, s.left, s.capacity * sizeof *s.left);
    return constant;
}

/* --- building ------------------------------------------------------------------------------------------------------- */

static int template(fn *f, crp_word form, int level);

/* The level of what stands in this List, behind its head. */
static int level_in(crp_word form, int level)
{
    if (crpi_c_head_is(form, CRPI_SYM_QUASIQUOTE)) return level + 1;
    return is_unquote(form) ? level - 1 : level;
}

/* The form of (unquote form), which is evaluated. */
static bool unquoted(fn *f, crp_word form, crp_word *out)
{
    *out = crpi_c_nth(form, 1);
    if (crpi_c_list_length(form) != 2)
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "%p: one form expected, %d given", crp_head(form), crpi_c_list_length(form) - 1);
    return !crpi_c_failed(f);
}

/* Adds the item at this pair to the List in `list` and the register behind it. */
static void gather(fn *f, crp_word at, int list, int level)
{
    int top = f->top, reg;
    crp_word item = crp_head(at), form;
    int how = CRPI_GATHER_ITEM;
    if (crpi_c_head_is(item, CRPI_SYM_UNQUOTE_SPLICING) && level == 1) {
        if (!unquoted(f, item, &form)) return;
        how = crp_tail(at) == CRP_NIL ? CRPI_GATHER_TAIL : CRPI_GATHER_COPY;
        reg = crpi_c_expression(f, form, ANY);
        crpi_c_emit_place(f, item);
    } else reg = template(f, item, level);
    crpi_c_emit(f, CRPI_INS(CRPI_OP_GATHER, list, reg, how));
    f->top = top;
}

static int built(fn *f, crp_word form, int level)
{
    int list = crpi_c_new_register(f), last = crpi_c_new_register(f);
    int inner = level_in(form, level);
    crpi_c_load_constant(f, CRP_NIL, list);
    crpi_c_load_constant(f, CRP_NIL, last);
    for (crp_word at = form; crp_is_pair(at) && !crpi_c_failed(f); at = crp_tail(at)) gather(f, at, list, inner);
    f->top = list + 1;
    return list;
}

static int constant(fn *f, crp_word form)
{
    int reg = crpi_c_new_register(f);
    crpi_c_load_constant(f, form, reg);
    return reg;
}

/* The register with what the template gives. */
static int template(fn *f, crp_word form, int level)
{
    crp_word evaluated;
    if (!crp_is_pair(form) || crpi_template_is_constant(f->c->vm, form)) return constant(f, form);
    if (crpi_c_list_length(form) < 0) {
        crpi_c_fail(f, form, CRP_ILLEGAL, "quasiquote: a template must be a proper List");
        return 0;
    }
    if (level == 1 && crpi_c_head_is(form, CRPI_SYM_UNQUOTE))
        return unquoted(f, form, &evaluated) ? crpi_c_expression(f, evaluated, ANY) : 0;
    if (level == 1 && crpi_c_head_is(form, CRPI_SYM_UNQUOTE_SPLICING)) {
        crpi_c_fail(f, form, CRP_ILLEGAL, ",@ stands only inside a List of a quasiquote");
        return 0;
    }
    if (++f->c->depth > CRPI_MAX_FORM_DEPTH)
        crpi_c_fail(f, form, CRP_TOO_DEEP, "a quasiquote is nested more than %d deep", CRPI_MAX_FORM_DEPTH);
    int reg = crpi_c_failed(f) ? 0 : built(f, form, level);
    f->c->depth--;
    return reg;
}

int crpi_c_quasiquote(fn *f, crp_word form, int want)
{
    int top = f->top;
    if (crpi_c_list_length(form) != 2) {
        crpi_c_fail(f, form, CRP_BAD_ARGUMENT, "quasiquote: one argument expected, %d given", crpi_c_list_length(form) - 1);
        return 0;
    }
    int reg = template(f, crpi_c_nth(form, 1), 1);
    f->type = 0;
    if (want != ANY) f->top = top;
    return want == NOWHERE ? 0 : crpi_c_finish(f, reg, want);
}
