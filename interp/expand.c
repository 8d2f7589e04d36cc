/* The expander.
 *
 * It recurses over the form, as the compiler does after it, to a depth that is a number.  A table says for each special
 * form how many of its elements are left alone and what becomes of the rest; all other forms are calls.  Like the
 * compiler it goes on after an error without doing anything, and whoever started it looks once.
 *
 * A macro's function is called in a run of its own (task.h), so whatever it does is done before the compiler goes on.
 * What is made here is kept alive by the heap's log of fresh cells, which is cut when the form has been compiled.
 */
#include "expand.h"

#include <string.h>
#include "compiler.h"
#include "error.h"

enum { LONGEST_FORM = 1000000 /* elements; the compiler takes no longer ones */ };

typedef struct hiding { /* a variable */
    crp_word name;
    bool is_local; /* seen to the end of its function */
} hiding;

struct crpi_expander {
    crp *vm;
    const crpi_expansion *x;
    struct crpi_expander *outer; /* the one whose macro's function has started this one */
    crp_status status;
    int depth;
    size_t parts; /* forms seen: what a macro gives may be a cycle, or grow without end */
    hiding *hidden;
    size_t hidden_count, hidden_capacity;
    bool in_function;
    bool expanded;                /* what is looked at was given by a macro */
    crpi_place call, first_call; /* ... whose call stands there; and where the outermost one of those does */
    int level;                    /* of the template that is looked at */
};
typedef struct crpi_expander expander;

static bool failed(const expander *e) { return e->status != CRP_OK; }

static bool place_of(const expander *e, crp_word pair, crpi_place *out)
{
    return e->x->places && crpi_places_get(e->x->places, pair, out);
}

static bool comes_before(crpi_place a, crpi_place b)
{
    return a.line < b.line || (a.line == b.line && a.column < b.column);
}

/* In what a macro gave: whether the pair was written in the call, and where.  What is quoted in the macro may stand in
 * the same text, but it stands before. */
static bool is_written(const expander *e, crp_word pair, crpi_place *out)
{
    crpi_place at;
    if (!place_of(e, pair, &at) || (e->expanded && comes_before(at, e->first_call))) return false;
    *out = at;
    return true;
}

/* --- errors ----------------------------------------------------------------------------------------------------- */

static void locate(expander *e, crpi_place at)
{
    crp *vm = e->vm;
    const char *text;
    size_t length;
    if (!crp_is_a(vm->error, CRP_ERROR)) return;
    crpi_error *error = crpi_error_of(vm->error);
    crpi_error_settle(vm, vm->error);
    error->line = error->position = crp_fixnum(0);
    if (!e->x->source || at.line == 0) { /* of what is compiled for `eval` nothing is known: the place is that one's */
        crp_store(vm, &error->h, &error->calls, CRP_NIL);
        return;
    }
    crpi_source_line(e->x->source, at.line, &text, &length);
    crpi_error_locate(vm, vm->error, crp_string_data(e->x->source->name, NULL), at.line, at.column, text, length);
}

#define FAIL(e, form, ...) fail(e, form, crp_raise((e)->vm, CRP_ERR_SCRIPT, __VA_ARGS__))

/* Takes note of an error at a form. */
static void fail(expander *e, crp_word form, crp_status st)
{
    crpi_place at = e->call;
    e->status = st;
    if (crp_is_pair(form)) is_written(e, form, &at);
    locate(e, at);
}

static bool known(expander *e, crp_status st)
{
    if (st && !failed(e)) fail(e, CRP_NIL, st);
    return !failed(e);
}

/* Counts a form. */
static bool one_more(expander *e, crp_word form)
{
    if (failed(e)) return false;
    if (++e->parts > CRPI_MAX_CODE)
        FAIL(e, form, CRP_ILLEGAL, "the form is too long when its macros are expanded: over %d parts", CRPI_MAX_CODE);
    return !failed(e);
}

static bool enter(expander *e, crp_word form)
{
    if (!one_more(e, form)) return false;
    if (++e->depth <= CRPI_MAX_FORM_DEPTH) return true;
    e->depth--;
    FAIL(e, form, CRP_TOO_DEEP, "forms are nested more than %d deep", CRPI_MAX_FORM_DEPTH);
    return false;
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

/* What a macro gave without having got it in the call: it is copied, so that the copy can have the call's place. */
static bool is_foreign(const expander *e, crp_word pair)
{
    crpi_place at;
    return e->expanded && e->x->made && !is_written(e, pair, &at);
}

/* A pair in place of another one. */
static crp_word replaced(expander *e, crp_word pair, crp_word head, crp_word tail)
{
    crpi_place at = e->call;
    crp_word made;
    if (!known(e, crp_cons(e->vm, head, tail, &made))) return pair;
    bool placed = is_written(e, pair, &at) || e->expanded;
    if (placed && e->x->made && !crpi_places_put(e->x->made, made, at)) known(e, crp_no_memory(e->vm));
    return made;
}

static crp_word with(expander *e, crp_word pair, crp_word head, crp_word tail)
{
    if (failed(e) || (head == crp_head(pair) && tail == crp_tail(pair) && !is_foreign(e, pair))) return pair;
    return replaced(e, pair, head, tail);
}

typedef crp_word (*part)(expander *, crp_word);

typedef struct rebuilding { /* of a List: its pairs from `kept` on are not copied yet */
    crp_word first, last, kept;
} rebuilding;

/* Copies what has been kept up to this pair, and the pair with its new head. */
static void rebuild(expander *e, rebuilding *r, crp_word pair, crp_word head)
{
    for (;;) {
        bool end = r->kept == pair;
        crp_word made = replaced(e, r->kept, end ? head : crp_head(r->kept), CRP_NIL);
        if (failed(e)) return;
        if (r->first == CRP_NIL) r->first = made;
        else crpi_store(e->vm, &e->vm->heap, &crp_pair_of(r->last)->tail, made);
        r->last = made;
        r->kept = crp_tail(r->kept);
        if (end) return;
    }
}

/* The List with each of its items replaced; the same one if none was. */
static crp_word each(expander *e, crp_word list, part one)
{
    rebuilding r = {CRP_NIL, CRP_NIL, list};
    for (crp_word at = list; crp_is_pair(at) && one_more(e, CRP_NIL); at = crp_tail(at)) {
        crp_word item = crp_head(at), now = one(e, item);
        if (now != item || is_foreign(e, at)) rebuild(e, &r, at, now);
    }
    if (r.first == CRP_NIL || failed(e)) return list;
    crpi_store(e->vm, &e->vm->heap, &crp_pair_of(r.last)->tail, r.kept);
    return r.first;
}

/* The List with what stands behind its first n items replaced as a whole. */
static crp_word behind(expander *e, crp_word list, int n, part rest)
{
    if (!crp_is_pair(list) || failed(e)) return list;
    return n == 0 ? rest(e, list) : with(e, list, crp_head(list), behind(e, crp_tail(list), n - 1, rest));
}

static crp_word nth(crp_word list, int n)
{
    while (n-- > 0 && crp_is_pair(list)) list = crp_tail(list);
    return crp_is_pair(list) ? crp_head(list) : CRP_NIL;
}

/* How many items, as far as it matters: -1 if it does not end, or with no (). */
static int length(crp_word list)
{
    int n = 0;
    for (; crp_is_pair(list); list = crp_tail(list))
        if (++n > LONGEST_FORM) return -1;
    return list == CRP_NIL ? n : -1;
}

/* --- variables -------------------------------------------------------------------------------------------------- */

static void hide(expander *e, crp_word name, bool is_local)
{
    if (!crp_is_symbol(name) || failed(e)) return;
    if (!crpi_mem_grow(&e->vm->mem, &e->hidden, &e->hidden_capacity, e->hidden_count + 1, sizeof *e->hidden))
        known(e, crp_no_memory(e->vm));
    else e->hidden[e->hidden_count++] = (hiding){name, is_local};
}

static bool is_hidden(const expander *e, crp_word name)
{
    for (size_t i = e->hidden_count; i-- > 0;)
        if (e->hidden[i].name == name) return true;
    return false;
}

/* What was declared since `count` is gone, but for the function's `local`s. */
static void end_scope(expander *e, size_t count)
{
    size_t n = count;
    for (size_t i = n; i < e->hidden_count; i++)
        if (e->hidden[i].is_local) e->hidden[n++] = e->hidden[i];
    e->hidden_count = n;
}

/* --- calls of macros -------------------------------------------------------------------------------------------- */

void crpi_macro_shape(crp *vm, uint32_t cell, crpi_buf *out)
{
    const crpi_signature *signature;
    const crpi_cell *c = &vm->cells->cells[cell];
    if (!crp_is_a(c->macro, CRP_FUNCTION)) return;
    if (crpi_function_signature(vm, crpi_function_of(c->macro), &signature)) {
        crp_clear_error(vm);
        return;
    }
    crpi_signature_print_call(vm, out, crp_symbol_name(vm, c->name, NULL), signature);
}

static void wrong_count(expander *e, crp_word form, uint32_t cell, size_t given)
{
    crpi_buf shape;
    crpi_buf_init(&shape, &e->vm->mem, 2000);
    crpi_macro_shape(e->vm, cell, &shape);
    FAIL(e, form, CRP_BAD_ARGUMENT, "the macro %.*s: %zu argument%s given", (int)shape.length,
         shape.bytes ? shape.bytes : "", given, given == 1 ? "" : "s");
    crpi_buf_free(&shape);
}

/* The arguments as the function takes them: what was left out is marked, and its last parameter may be `...`. */
static bool arrange(expander *e, crp_word form, uint32_t cell, const crpi_signature *s, crp_word *args)
{
    bool rest = s->count > 0 && s->parameters[s->count - 1].name == CRPI_WORD_OF(ELLIPSIS);
    uint32_t named = rest ? s->count - 1u : s->count, n = 0, required = s->required < named ? s->required : named;
    crp_word items = crp_tail(form);
    for (; n < named && crp_is_pair(items); items = crp_tail(items)) args[n++] = crp_head(items);
    if (n >= required && (rest || items == CRP_NIL)) {
        while (n < named) args[n++] = CRP_UNSET;
        if (rest) args[n] = items;
        return true;
    }
    for (; crp_is_pair(items) && one_more(e, CRP_NIL); items = crp_tail(items)) n++;
    if (!failed(e)) wrong_count(e, form, cell, n);
    return false;
}

/* An error in the macro's function is one of the call; what could not be caught says what it is by itself. */
static void failed_inside(expander *e, crp_word name, crp_status st)
{
    int error_class = 0, code = 0;
    const char *text;
    size_t n;
    bool stopped = st == CRP_E_CANCELLED || e->vm->stopped;
    if (crp_is_a(e->vm->error, CRP_ERROR)) crp_error_get(e->vm, e->vm->error, &error_class, &code, &text, &n);
    bool unknown = error_class == CRP_ERR_SCRIPT && code == CRP_UNKNOWN;
    if (!stopped)
        crp_error_prefix(e->vm, unknown ? "in the macro %p, which can use only what earlier top-level forms have "
                                          "defined: "
                                        : "in the macro %p: ", name);
    e->status = st;
    locate(e, e->call);
}

/* The macro's Function, its file loaded if that is still to be done; CRP_UNSET: it is none any more. */
static crp_word loaded(expander *e, crp_word name, uint32_t cell)
{
    crp *vm = e->vm;
    crp_word function = vm->cells->cells[cell].macro;
    if (function == CRP_UNSET || !crpi_function_of(function)->row) return function;
    const crp_method *row = crpi_function_of(function)->row;
    crp_status st = vm->load_macro ? vm->load_macro(vm, row) : CRP_OK;
    function = vm->cells->cells[cell].macro;
    if (!st && function != CRP_UNSET && crpi_function_of(function)->row)
        st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_INTERNAL, "the standard library does not define the macro %p", name);
    if (st) failed_inside(e, name, st);
    return function;
}

/* What the macro makes of the call; false: an error, or the name is no macro any more. */
static bool call(expander *e, crp_word form, uint32_t cell, crp_word *result)
{
    crp_word name = crp_head(form), function = loaded(e, name, cell);
    if (failed(e) || function == CRP_UNSET) return false;
    const crpi_signature *s = crpi_function_of(function)->proto->signature;
    size_t bytes = (s->count + 1u) * sizeof(crp_word);
    crp_word *args = crp_alloc(e->vm, bytes);
    if (!args) known(e, CRP_E_NOMEM);
    else if (arrange(e, form, cell, s, args)) {
        crp_status st = e->vm->call(e->vm, function, args, s->count, result);
        if (st) failed_inside(e, name, st);
    }
    crp_free_bytes(e->vm, args, bytes);
    return !failed(e);
}

static uint32_t macro_of(const expander *e, crp_word form)
{
    if (!crp_is_pair(form) || !crp_is_symbol(crp_head(form))) return 0;
    uint32_t cell = crpi_macro_find(e->vm, crp_head(form));
    return cell && !is_hidden(e, crp_head(form)) ? cell : 0;
}

/* From here on what a call gave is looked at, and has the call's place. */
static void take_place(expander *e, crp_word form)
{
    crpi_place at = e->call;
    is_written(e, form, &at);
    if (!e->expanded) e->first_call = at;
    e->call = at;
    e->expanded = true;
}

/* The form, or what a macro makes of it, and a macro of that, up to so many times. */
static crp_word head(expander *e, crp_word form, int64_t times)
{
    uint32_t cell;
    for (int64_t n = 0; n < times && (cell = macro_of(e, form)) && one_more(e, form); n++) {
        if (n == CRPI_MAX_FORM_DEPTH) {
            FAIL(e, form, CRP_TOO_DEEP, "the macro %p gives calls of macros without end", crp_head(form));
            return form;
        }
        take_place(e, form);
        if (!call(e, form, cell, &form)) break;
    }
    return form;
}

/* --- special forms ---------------------------------------------------------------------------------------------- */

static crp_word form_of(expander *, crp_word);

static crp_word items(expander *e, crp_word list) { return each(e, list, form_of); }

static crp_word same(expander *e, crp_word list)
{
    (void)e;
    return list;
}

/* (x Class default) */
static crp_word parameter(expander *e, crp_word p)
{
    crp_word now = behind(e, p, 2, items);
    hide(e, crp_is_pair(p) ? crp_head(p) : p, false);
    return now;
}

/* (argument ...) form ... */
static crp_word function(expander *e, crp_word list)
{
    size_t count = e->hidden_count;
    bool outer = e->in_function;
    e->in_function = true;
    crp_word parameters = each(e, crp_head(list), parameter), body = items(e, crp_tail(list));
    e->in_function = outer;
    e->hidden_count = count;
    return with(e, list, parameters, body);
}

static crp_word definition(expander *e, crp_word list) { return behind(e, list, crp_is_symbol(nth(list, 1)) ? 2 : 1, function); }

/* name, (name Class), (name Class start) */
static crp_word global(expander *e, crp_word d) { return behind(e, d, 2, items); }

static crp_word local(expander *e, crp_word d)
{
    crp_word now = global(e, d);
    if (e->in_function) hide(e, crp_is_pair(d) ? crp_head(d) : d, true);
    return now;
}

static crp_word globals(expander *e, crp_word list) { return each(e, list, global); }
static crp_word locals(expander *e, crp_word list) { return each(e, list, local); }

/* (name value), (name Class value) */
static crp_word binding(expander *e, crp_word b) { return behind(e, b, length(b) == 2 ? 1 : 2, items); }

/* Hides the names, then the forms behind the first element are looked at. */
static crp_word scope(expander *e, crp_word list, crp_word first, const crp_word *names, int n)
{
    size_t count = e->hidden_count;
    for (int i = 0; i < n; i++) hide(e, names[i], false);
    crp_word body = items(e, crp_tail(list));
    end_scope(e, count);
    return with(e, list, first, body);
}

static crp_word let(expander *e, crp_word list)
{
    size_t count = e->hidden_count;
    crp_word bindings = each(e, crp_head(list), binding);
    for (crp_word b = bindings; crp_is_pair(b) && one_more(e, CRP_NIL); b = crp_tail(b))
        hide(e, crp_is_pair(crp_head(b)) ? crp_head(crp_head(b)) : crp_head(b), false);
    crp_word body = items(e, crp_tail(list));
    end_scope(e, count);
    return with(e, list, bindings, body);
}

/* names items form ... */
static crp_word loop(expander *e, crp_word list)
{
    crp_word walked = crp_tail(list), names[2] = {crp_head(list), crp_head(list)};
    if (!crp_is_pair(walked)) return list;
    if (crp_is_pair(names[0])) {
        names[1] = nth(names[0], 1);
        names[0] = crp_head(names[0]);
    }
    crp_word over = form_of(e, crp_head(walked));
    return with(e, list, crp_head(list), scope(e, walked, over, names, 2));
}

/* (name value) form ... */
static crp_word closing(expander *e, crp_word list)
{
    crp_word name = nth(crp_head(list), 0), bound = binding(e, crp_head(list));
    return scope(e, list, bound, &name, 1);
}

static crp_word clauses(expander *e, crp_word list) { return each(e, list, items); }

/* class form ...; a List that begins with an Integer is not evaluated. */
static crp_word handler(expander *e, crp_word list)
{
    crp_word what = crp_head(list), err = CRPI_WORD_OF(ERR);
    if (crp_is_pair(what) && !crp_is_fixnum(crp_head(what))) what = form_of(e, what);
    return scope(e, list, what, &err, 1);
}

/* ((x Real)) or (x y ...), which may be the arguments of a C function's declaration. */
static bool is_argument_list(crp_word list)
{
    for (int n = 0; crp_is_pair(list) && n <= CRPI_MAX_PARAMETERS; list = crp_tail(list), n++)
        if (!crp_is_pair(crp_head(list)) && crp_head(list) != CRPI_WORD_OF(ELLIPSIS)) return false;
    return list == CRP_NIL;
}

static crp_word second_of_three(expander *e, crp_word list) { return with(e, list, form_of(e, crp_head(list)), crp_tail(list)); }

/* The arguments of a call of this member. */
static crp_word arguments(expander *e, crp_word name, crp_word list)
{
    bool declares = name == CRPI_WORD_OF(DECLARE) && length(list) == 3 && is_argument_list(nth(list, 2));
    return declares ? behind(e, list, 1, second_of_three) : items(e, list);
}

/* object name argument ... */
static crp_word member(expander *e, crp_word list)
{
    crp_word object = form_of(e, crp_head(list)), rest = crp_tail(list);
    if (crp_is_pair(rest)) rest = with(e, rest, crp_head(rest), arguments(e, crp_head(rest), crp_tail(rest)));
    return with(e, list, object, rest);
}

static crp_word function_call(expander *e, crp_word form)
{
    crp_word callee = crp_head(form);
    if (!crp_is_pair(callee)) return behind(e, form, 1, items);
    bool is_member = crp_head(callee) == CRPI_WORD_OF(DOT);
    crp_word now = form_of(e, callee);
    return with(e, form, now, is_member ? arguments(e, nth(callee, 2), crp_tail(form)) : items(e, crp_tail(form)));
}

/* --- templates -------------------------------------------------------------------------------------------------- */

static crp_word template(expander *, crp_word);

static crp_word at_level(expander *e, crp_word form, int level)
{
    int outer = e->level;
    e->level = level;
    crp_word now = level == 0 ? behind(e, form, 1, items) : each(e, form, template);
    e->level = outer;
    return now;
}

static crp_word in_template(expander *e, crp_word form)
{
    crp_word name = crp_head(form);
    if (name == CRPI_WORD_OF(QUASIQUOTE)) return at_level(e, form, e->level + 1);
    if (name == CRPI_WORD_OF(UNQUOTE) || name == CRPI_WORD_OF(UNQUOTE_SPLICING)) return at_level(e, form, e->level - 1);
    return each(e, form, template);
}

/* A template is data, and data may be deep; only forms to be evaluated may not. */
static crp_word template(expander *e, crp_word form)
{
    if (!crp_is_pair(form) || failed(e)) return form;
    if (e->depth == CRPI_MAX_FORM_DEPTH && crpi_template_is_constant(e->vm, form)) return form;
    if (!enter(e, form)) return form;
    crp_word now = in_template(e, form);
    e->depth--;
    return now;
}

static crp_word quasiquoted(expander *e, crp_word list)
{
    int outer = e->level;
    e->level = 1;
    crp_word now = each(e, list, template);
    e->level = outer;
    return now;
}

/* --- forms ------------------------------------------------------------------------------------------------------ */

/* How many elements of a special form stay as they are, and what becomes of the others. */
static const struct shape {
    uint8_t kept;
    part rest;
} shapes[CRPI_KNOWN_SYMBOLS] = {
    [CRPI_SYM_QUOTE] = {1, same},          [CRPI_SYM_FUNCTION] = {1, same},     [CRPI_SYM_CLASS] = {1, same},
    [CRPI_SYM_UNSET] = {1, same},          [CRPI_SYM_SET] = {2, items},         [CRPI_SYM_CREATE] = {2, items},
    [CRPI_SYM_LAMBDA] = {1, function},     [CRPI_SYM_DEFUN] = {1, definition},  [CRPI_SYM_DEFMACRO] = {1, definition},
    [CRPI_SYM_LOCAL] = {1, locals},        [CRPI_SYM_GLOBAL] = {1, globals},    [CRPI_SYM_LET] = {1, let},
    [CRPI_SYM_FOR] = {1, loop},            [CRPI_SYM_WITH] = {1, closing},      [CRPI_SYM_COND] = {1, clauses},
    [CRPI_SYM_CATCH] = {1, handler},       [CRPI_SYM_DOT] = {1, member},        [CRPI_SYM_QUASIQUOTE] = {1, quasiquoted},
};

static crp_word inside(expander *e, crp_word form)
{
    if (length(form) < 0) {
        FAIL(e, form, CRP_ILLEGAL, "a call must be a proper List of at most %d elements", LONGEST_FORM);
        return form;
    }
    uint32_t id = crp_is_symbol(crp_head(form)) ? crp_symbol_id(crp_head(form)) : CRPI_KNOWN_SYMBOLS;
    if (id >= CRPI_KNOWN_SYMBOLS || !shapes[id].rest) return function_call(e, form);
    return behind(e, form, shapes[id].kept, shapes[id].rest);
}

static crp_word form_of(expander *e, crp_word form)
{
    if (!crp_is_pair(form) || !enter(e, form)) return form;
    crpi_place outer = e->call;
    bool expanded = e->expanded;
    form = head(e, form, INT64_MAX);
    if (crp_is_pair(form) && !failed(e)) form = inside(e, form);
    e->call = outer;
    e->expanded = expanded;
    e->depth--;
    return form;
}

/* --- entry ------------------------------------------------------------------------------------------------------ */

/* Whether there may be a call of a macro: one glance at each pair but those that are quoted.  What is too deep or too
 * long to tell is looked at closely. */
static bool may_call(crp *vm, crp_word form, int depth, size_t *left)
{
    crp_word first = crp_head(form);
    if (first == CRPI_WORD_OF(QUOTE)) return false;
    if (crp_is_symbol(first) && crpi_may_be_macro(vm->cells, first) && crpi_macro_find(vm, first)) return true;
    for (; crp_is_pair(form) && --*left; form = crp_tail(form))
        if (crp_is_pair(crp_head(form)) && (depth == 0 || may_call(vm, crp_head(form), depth - 1, left))) return true;
    return *left == 0;
}

static void begin(expander *e, crp *vm, const crpi_expansion *x, crp_word form)
{
    *e = (expander){.vm = vm, .x = x, .outer = vm->expander, .in_function = x->in_function};
    vm->expander = e;
    if (e->outer) e->depth = e->outer->depth;
    if (crp_is_pair(form)) place_of(e, form, &e->call);
    for (crp_word v = x->variables; crp_is_pair(v); v = crp_tail(v)) hide(e, crp_head(crp_head(v)), true);
}

static crp_status end(expander *e, crp_word result, crp_word *out)
{
    e->vm->expander = e->outer;
    crpi_mem_free(&e->vm->mem, e->hidden, e->hidden_capacity * sizeof *e->hidden);
    if (!e->status) *out = result;
    return e->status;
}

crp_status crpi_expand(crp *vm, const crpi_expansion *x, crp_word form, crp_word *out)
{
    expander e;
    size_t left = CRPI_MAX_CODE;
    *out = form;
    if (!crp_is_pair(form) || !may_call(vm, form, CRPI_MAX_FORM_DEPTH, &left)) return CRP_OK;
    begin(&e, vm, x, form);
    return end(&e, form_of(&e, form), out);
}

crp_status crpi_expand_head(crp *vm, const crpi_expansion *x, crp_word form, int64_t times, crp_word *out)
{
    expander e;
    *out = form;
    begin(&e, vm, x, form);
    return end(&e, head(&e, form, times), out);
}
