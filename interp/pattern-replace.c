/* floor 7: what a Pattern puts in the place of its matches: a text with places for the groups, or what a
 * function makes of the match.  The function may do anything meanwhile; the text never changes. */
#include "pattern.h"

#include <string.h>
#include "lib.h"

typedef struct replacing {
    crpi_pattern_walk walk;
    crpi_buf out;
    size_t at;        /* the text before it is done */
    int64_t left;     /* matches that may be replaced */
    crp_word function; /* or NIL: then there is a template */
    bool any;
} replacing;

/* --- templates ------------------------------------------------------------------------------------------ */

static crp_status no_group(crp *vm, const crpi_pattern_walk *w, const char *name, size_t length)
{
    crp_word text;
    crp_status st = crp_string(vm, name, length, &text);
    if (st) return st;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "the text to replace by asks for the group %v, which the pattern has not: "
                     "it has %zu groups", text, crpi_pattern_groups(w));
}

static size_t number_of(const char *digits, size_t n)
{
    size_t number = 0;
    for (size_t i = 0; i < n && number <= 65535; i++) number = number * 10 + (size_t)(digits[i] - '0');
    return number;
}

static bool all_digits(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && text[i] >= '0' && text[i] <= '9') i++;
    return n > 0 && i == n;
}

/* `out` NULL: there is no match so far, the template is only looked at. */
static crp_status put_group(crp *vm, const crpi_pattern_walk *w, const char *name, size_t length, crpi_buf *out)
{
    bool is_number = all_digits(name, length);
    size_t group = is_number ? number_of(name, length) : crpi_pattern_named(w, name, length);
    if (group > crpi_pattern_groups(w) || (group == 0 && !is_number)) return no_group(vm, w, name, length);
    if (!out || !crpi_pattern_took_part(w, group)) return CRP_OK;
    const size_t *place = w->search.places + 2 * group;
    crpi_buf_put(out, w->search.text + place[0], place[1] - place[0]);
    return CRP_OK;
}

/* What follows a `\`: a group of one digit, or of two if there are as many; the sign itself. */
static crp_status put_escape(crp *vm, const crpi_pattern_walk *w, const char **at, const char *end, crpi_buf *out)
{
    size_t left = (size_t)(end - *at);
    if (left > 0 && (**at == '\\' || **at == '$')) {
        if (out) crpi_buf_byte(out, **at);
        ++*at;
        return CRP_OK;
    }
    if (left == 0 || !all_digits(*at, 1))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "in the text to replace by, \\ stands before a group's number, another \\ or a $");
    bool two = left > 1 && all_digits(*at, 2) && number_of(*at, 2) <= crpi_pattern_groups(w);
    const char *digits = *at;
    *at += two ? 2 : 1;
    return put_group(vm, w, digits, two ? 2 : 1, out);
}

/* ${name} or ${number}; a `$` with anything else behind it is one. */
static crp_status put_dollar(crp *vm, const crpi_pattern_walk *w, const char **at, const char *end, crpi_buf *out)
{
    if (*at == end || **at != '{') {
        if (out) crpi_buf_byte(out, '$');
        return CRP_OK;
    }
    const char *name = *at + 1, *close = memchr(name, '}', (size_t)(end - name));
    if (!close)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "in the text to replace by, a ${ has no }");
    *at = close + 1;
    return put_group(vm, w, name, (size_t)(close - name), out);
}

static crp_status put_template(crp *vm, const crpi_pattern_walk *w, crp_word template, crpi_buf *out)
{
    size_t n;
    const char *at = crp_string_data(template, &n), *end = at + n;
    crp_status st = CRP_OK;
    while (!st && at < end) {
        const char *from = at;
        while (at < end && *at != '\\' && *at != '$') at++;
        if (out) crpi_buf_put(out, from, (size_t)(at - from));
        if (at == end) break;
        st = *at++ == '\\' ? put_escape(vm, w, &at, end, out) : put_dollar(vm, w, &at, end, out);
    }
    return st;
}

/* --- replacing ------------------------------------------------------------------------------------------ */

static crp_status begin(crp_call *c, replacing *r)
{
    crp_word with = c->args[1];
    crpi_buf_init(&r->out, &c->vm->mem, CRPI_LIB_CAP);
    r->left = INT64_MAX;
    r->function = CRP_NIL;
    crp_status st = CRP_OK;
    if (crpi_lib_given(c, 2)) st = crpi_lib_between(c->vm, "count", c->args[2], 0, INT64_MAX, &r->left);
    if (!st && !crp_is_string(with)) st = crpi_lib_function(c->vm, with, &r->function);
    if (!st) st = crpi_pattern_begin(c, c->args[0], crp_fixnum(0), &r->walk);
    return st || r->function != CRP_NIL ? st : put_template(c->vm, &r->walk, with, NULL);
}

static void put_text(replacing *r, size_t end)
{
    if (end > r->at) crpi_buf_put(&r->out, r->walk.search.text + r->at, end - r->at);
}

static crp_status ask_function(crp_call *c, replacing *r)
{
    crp_word match;
    crp_status st = crpi_pattern_match(c->vm, &r->walk, &match);
    return st ? st : crp_then_call(c, r->function, &match, 1);
}

static crp_status finish(crp_call *c, replacing *r)
{
    put_text(r, r->walk.search.length);
    c->result = c->args[0];
    return r->any ? crpi_lib_finish(c->vm, &r->out, CRP_STRING, &c->result) : CRP_OK;
}

enum { BEGIN, NEXT, ANSWERED }; /* steps */

/* Replaces the match, or asks the function about it. */
static crp_status replace_match(crp_call *c, replacing *r)
{
    const size_t *place = r->walk.search.places;
    put_text(r, place[0]);
    if (r->at < place[1]) r->at = place[1];
    r->left--;
    r->any = true;
    if (r->function == CRP_NIL) return put_template(c->vm, &r->walk, c->args[1], &r->out);
    c->step = ANSWERED;
    return ask_function(c, r);
}

static crp_status replace(crp_call *c)
{
    replacing *r = c->state;
    crp_status st = CRP_OK;
    bool found = true;
    if (c->step == BEGIN) st = begin(c, r);
    if (c->step == ANSWERED) crpi_lib_show(c->vm, &r->out, c->value, true);
    c->step = NEXT;
    while (!st && found && r->left > 0) {
        st = crpi_pattern_next(c, &r->walk, &found);
        if (!st && found) st = replace_match(c, r);
    }
    return st ? st : finish(c, r);
}

static void mark_replacing(crp *vm, void *state, crp_marker mark) { mark(vm, ((replacing *)state)->function); }

static void drop_replacing(crp *vm, void *state)
{
    replacing *r = state;
    (void)vm;
    crpi_pattern_end(&r->walk);
    if (r->out.mem) crpi_buf_free(&r->out);
}

const crp_method crpi_pattern_replace_rows[] = {
    {"replace", "String (text String) (with Object) (count Integer ?)", replace,
     "The text with every match, or the first `count`, replaced. In a String \\1 or ${1} stands for the text of a "
     "group, \\0 for the whole, ${name} for a group with a name, \\\\ and \\$ for these signs (in source a \\ is "
     "written twice); a Function, or a Symbol that names one, is called with the match as a List, and its value is "
     "put in as print shows it. 1.8 for a group that the pattern does not have.\n"
     "((create Pattern \"([a-z]+)=([a-z]+)\").replace \"a=b, c=d\" \"\\\\2=${1}\")   # --> \"b=a, d=c\"\n"
     "((create Pattern \"[0-9]+\").replace \"2 and 3\" (lambda (m) (* 2 ((headOf m).integer))))   # --> \"4 and 6\"\n"
     "(p.replace \"joe@example.org\" \"${3}\")     # error: 1.8",
     sizeof(replacing), mark_replacing, drop_replacing},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};
