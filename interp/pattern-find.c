/* floor 7: what a Pattern finds: one loop over the matches, and something that takes them. */
#include "pattern.h"

#include <string.h>
#include "lib.h"

/* Takes the matches one by one, as long as the taker wants more. */
typedef crp_status (*taker)(crp_call *, const crpi_pattern_walk *, void *ud, bool *more);

static crp_status take_matches(crp_call *c, crp_word from, taker take_one, void *ud)
{
    crpi_pattern_walk w = {0};
    bool more = true;
    crp_status st = crpi_pattern_begin(c, c->args[0], from, &w);
    while (!st && more) {
        st = crpi_pattern_next(c, &w, &more);
        if (!st && more) st = take_one(c, &w, ud, &more);
    }
    crpi_pattern_end(&w);
    return st;
}

/* --- groups --------------------------------------------------------------------------------------------- */

static crp_status group_text(crp *vm, const crpi_pattern_walk *w, size_t group, crp_word *out)
{
    const size_t *place = w->search.places + 2 * group;
    *out = CRP_NIL;
    if (!crpi_pattern_took_part(w, group)) return CRP_OK;
    return crp_string_slice(vm, w->text, place[0], place[1] - place[0], out);
}

/* Where a group is: (from count). */
static crp_status group_place(crp *vm, const crpi_pattern_walk *w, size_t group, crp_word *out)
{
    const size_t *place = w->search.places + 2 * group;
    crp_word pair[2];
    *out = CRP_NIL;
    if (!crpi_pattern_took_part(w, group)) return CRP_OK;
    pair[0] = crp_fixnum((int64_t)place[0]);
    pair[1] = crp_fixnum((int64_t)(place[1] - place[0]));
    return crp_list(vm, pair, 2, out);
}

typedef crp_status (*group_value)(crp *, const crpi_pattern_walk *, size_t group, crp_word *out);

static crp_status list_groups(crp *vm, const crpi_pattern_walk *w, group_value value, crp_word *out)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_word item;
    crp_status st = CRP_OK;
    for (size_t i = 0; !st && i <= crpi_pattern_groups(w); i++) {
        st = value(vm, w, i, &item);
        if (!st) st = crp_list_add(vm, &b, item);
    }
    *out = b.first;
    return st;
}

crp_status crpi_pattern_match(crp *vm, const crpi_pattern_walk *w, crp_word *out)
{
    return list_groups(vm, w, group_text, out);
}

/* --- the first match ------------------------------------------------------------------------------------ */

static crp_status take_truth(crp_call *c, const crpi_pattern_walk *w, void *ud, bool *more)
{
    (void)w, (void)ud;
    *more = false;
    c->result = CRP_TRUE;
    return CRP_OK;
}

static crp_status take_place(crp_call *c, const crpi_pattern_walk *w, void *ud, bool *more)
{
    (void)ud;
    *more = false;
    c->result = crp_fixnum((int64_t)w->search.places[0]);
    return CRP_OK;
}

static crp_status take_match(crp_call *c, const crpi_pattern_walk *w, void *ud, bool *more)
{
    (void)ud;
    *more = false;
    return crpi_pattern_match(c->vm, w, &c->result);
}

static crp_status take_places(crp_call *c, const crpi_pattern_walk *w, void *ud, bool *more)
{
    (void)ud;
    *more = false;
    return list_groups(c->vm, w, group_place, &c->result);
}

/* Several groups may have one name: the one that took part counts. */
static crp_status take_names(crp_call *c, const crpi_pattern_walk *w, void *ud, bool *more)
{
    const char *each;
    size_t group;
    crp_word name, value;
    (void)ud;
    *more = false;
    crp_status st = crp_hashtable(c->vm, &c->result);
    for (size_t i = 0; !st && (each = crpi_pattern_name(w, i, &group)); i++) {
        st = crp_string_z(c->vm, each, &name);
        bool known = !st && crp_hashtable_get(c->vm, c->result, name, &value);
        if (st || (known && !crpi_pattern_took_part(w, group))) continue;
        st = group_text(c->vm, w, group, &value);
        if (!st) st = crp_hashtable_set(c->vm, c->result, name, value);
    }
    return st;
}

static crp_status test(crp_call *c) { return take_matches(c, c->args[1], take_truth, NULL); }
static crp_status search(crp_call *c) { return take_matches(c, c->args[1], take_place, NULL); }
static crp_status match(crp_call *c) { return take_matches(c, c->args[1], take_match, NULL); }
static crp_status match_names(crp_call *c) { return take_matches(c, c->args[1], take_names, NULL); }
static crp_status places(crp_call *c) { return take_matches(c, c->args[1], take_places, NULL); }

/* --- all matches ---------------------------------------------------------------------------------------- */

static crp_status add_match(crp_call *c, const crpi_pattern_walk *w, void *builder, bool *more)
{
    crp_word match;
    (void)more;
    crp_status st = crpi_pattern_match(c->vm, w, &match);
    return st ? st : crp_list_add(c->vm, builder, match);
}

static crp_status matches(crp_call *c)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = take_matches(c, c->args[1], add_match, &b);
    c->result = b.first;
    return st;
}

static crp_status add_one(crp_call *c, const crpi_pattern_walk *w, void *count, bool *more)
{
    (void)c, (void)w, (void)more;
    ++*(int64_t *)count;
    return CRP_OK;
}

static crp_status count(crp_call *c)
{
    int64_t n = 0;
    crp_status st = take_matches(c, crp_fixnum(0), add_one, &n);
    return st ? st : crp_integer(c->vm, n, &c->result);
}

typedef struct splitting {
    crp_list_builder parts;
    size_t at;    /* where the next part begins */
    int64_t left; /* parts that may be made, the last one included */
} splitting;

/* An empty match cuts nothing off at either end of the text, nor at the end of another match. */
static crp_status cut_part(crp_call *c, const crpi_pattern_walk *w, void *ud, bool *more)
{
    splitting *s = ud;
    size_t begin = w->search.places[0], end = w->search.places[1];
    crp_word part;
    *more = s->left > 1;
    if (!*more || begin < s->at) return CRP_OK;
    if (begin == end && (begin == s->at || begin == w->search.length)) return CRP_OK;
    crp_status st = crp_string_slice(c->vm, w->text, s->at, begin - s->at, &part);
    s->at = end;
    s->left--;
    return st ? st : crp_list_add(c->vm, &s->parts, part);
}

static crp_status split(crp_call *c)
{
    splitting s = {{CRP_NIL, CRP_NIL}, 0, INT64_MAX};
    size_t n;
    crp_word rest;
    crp_status st = CRP_OK;
    crp_string_data(c->args[0], &n);
    if (crpi_lib_given(c, 1)) st = crpi_lib_between(c->vm, "limit", c->args[1], 1, INT64_MAX, &s.left);
    if (!st) st = take_matches(c, crp_fixnum(0), cut_part, &s);
    if (!st) st = crp_string_slice(c->vm, c->args[0], s.at, n - s.at, &rest);
    if (!st) st = crp_list_add(c->vm, &s.parts, rest);
    c->result = s.parts.first;
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

const crp_method crpi_pattern_find_rows[] = {
    ROW("test", "Object (text String) (from Integer 0)", test,
        "true if it matches anywhere at or after `from`, else ().\n"
        "(p.test \"to joe@example.org\")         # --> true\n"
        "(p.test \"nobody\")                     # --> ()"),
    ROW("search", "Object (text String) (from Integer 0)", search,
        "The place, in bytes, of the first match at or after `from`; () if there is none.\n"
        "(p.search \"to joe@example.org\")       # --> 3"),
    ROW("match", "List (text String) (from Integer 0)", match,
        "The first match at or after `from`: a List of the whole and the text of each group, () for a group "
        "that took no part. () if there is none. Errors, here and of the other methods: 1.7 for a `from` "
        "beyond the end, 1.8 for one inside a character, for more than 32 MiB, and for a text that is not as "
        "the flag u asks; 1.5 if the pattern takes more than 256 MiB, or more steps than 10 million and, for "
        "each byte of the text, 32 and the length of the pattern.\n"
        "(p.match \"to joe@example.org\")        # --> (\"joe@example.org\" \"joe\" \"example.org\")\n"
        "(p.match \"nobody\")                    # --> ()\n"
        "((create Pattern \"(a+)+$\").match (join (list (\"a\".repeat 50) \"b\")))   # error: 1.5"),
    ROW("matchNames", "Object (text String) (from Integer 0)", match_names,
        "The first match as a HashTable: the text of each group that has a name, under that name; () if "
        "there is none.\n"
        "(((create Pattern \"(?<user>[a-z]+)@\").matchNames \"joe@example.org\").get \"user\")   # --> \"joe\""),
    ROW("places", "List (text String) (from Integer 0)", places,
        "Where the first match is: a List of (from count) in bytes of the whole and of each group, () for a "
        "group that took no part. () if there is no match.\n"
        "(p.places \"to joe@example.org\")       # --> ((3 15) (3 3) (7 11))"),
    ROW("matches", "List (text String) (from Integer 0)", matches,
        "All matches, one behind the other, each as `match` gives it.\n"
        "((create Pattern \"[0-9]+\").matches \"1 22 333\")   # --> ((\"1\") (\"22\") (\"333\"))"),
    ROW("count", "Integer (text String)", count,
        "How many matches there are, one behind the other.\n"
        "((create Pattern \"[0-9]\").count \"1 22 333\")      # --> 6"),
    ROW("split", "List (text String) (limit Integer ?)", split,
        "The parts between the matches; at most `limit`: the last one has all the rest. Groups are not among them.\n"
        "((create Pattern \" *, *\").split \"a , b,c\")       # --> (\"a\" \"b\" \"c\")\n"
        "((create Pattern \"\").split \"abc\")                # --> (\"a\" \"b\" \"c\")"),
    ROW(NULL, NULL, NULL, NULL)};
