/* floor 7: the methods of List but those that it shares with Array (lib-sequence.c, lib-sort.c).
 *
 * A List is its first pair; () has none, so what changes a List in place needs one.  endCons remembers where
 * the List that it grew last ends, so that appending in a loop takes constant time; whatever cuts or ties
 * tails forgets it. A tail may have been tied into a cycle: whoever walks to the end counts with Brent's
 * method, which notices.
 */
#include "lib.h"

#include <string.h>

/* --- walking -------------------------------------------------------------------------------------------- */

crp_status crpi_lib_list_endless(crp *vm)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the List has no end: it is a cycle");
}

/* The last pair and the count of pairs. A mark is left behind at each power of two; meeting it again is a
 * cycle. */
static crp_status walk_to_end(crp *vm, crp_word list, crp_word *last, size_t *count)
{
    crp_word mark = CRP_NIL;
    size_t n = 0, next_mark = 1;
    *last = CRP_NIL;
    for (; crp_is_pair(list); list = crp_tail(list)) {
        if (list == mark) return crpi_lib_list_endless(vm);
        if (++n == next_mark) {
            mark = list;
            next_mark *= 2;
        }
        *last = list;
    }
    *count = n;
    return CRP_OK;
}

crp_status crpi_lib_list_length(crp *vm, crp_word list, size_t *out)
{
    crp_word last;
    return walk_to_end(vm, list, &last, out);
}

/* The pair at an index: 1.7 where the List is shorter. A cycle has one for every index; when the walk comes back to the
 * pair that is marked, which moves on at powers of two, whole rounds are left out. */
static crp_status pair_at(crp *vm, crp_word list, crp_word index, crp_word *out)
{
    int64_t i = crp_integer_value(index), at = 0, marked = 0;
    crp_word mark = list;
    *out = list;
    while (crp_is_pair(*out) && at < i) {
        *out = crp_tail(*out);
        at++;
        if (*out == mark) i = at + (i - at) % (at - marked);
        if (at != 2 * marked && at != 1) continue;
        mark = *out;
        marked = at;
    }
    if (i >= 0 && crp_is_pair(*out)) return CRP_OK;
    if (i < 0)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "index %ld out of range: it is negative",
                         (long)i);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "index %ld out of range: the List has %ld",
                     (long)i, (long)at);
}

static crp_status must_have_items(crp_call *c, const char *method)
{
    if (crp_is_pair(c->self)) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%s: the List is empty", method);
}

/* --- looking -------------------------------------------------------------------------------------------- */

static crp_status length(crp_call *c)
{
    size_t n = 0;
    crp_status st = crpi_lib_list_length(c->vm, c->self, &n);
    return st ? st : crp_integer(c->vm, (int64_t)n, &c->result);
}

static crp_status is_empty(crp_call *c)
{
    c->result = crp_bool(c->self == CRP_NIL);
    return CRP_OK;
}

static crp_status head(crp_call *c)
{
    crp_status st = must_have_items(c, "head");
    if (!st) c->result = crp_head(c->self);
    return st;
}

static crp_status tail(crp_call *c)
{
    crp_status st = must_have_items(c, "tail");
    if (!st) c->result = crp_tail(c->self);
    return st;
}

static crp_status get(crp_call *c)
{
    crp_word pair;
    crp_status st = pair_at(c->vm, c->self, c->args[0], &pair);
    if (!st) c->result = crp_head(pair);
    return st;
}

/* What stands behind the attribute in the first entry ((attribute value ...) ...) that begins with it. */
static crp_status entry_of(crp *vm, crp_word attribute, crp_word list, crp_word *values)
{
    size_t n;
    crp_status st = crpi_lib_list_length(vm, list, &n);
    *values = CRP_NIL;
    for (; !st && crp_is_pair(list); list = crp_tail(list)) {
        crp_word entry = crp_head(list);
        if (!crp_is_pair(entry) || !crp_equal(vm, crp_head(entry), attribute)) continue;
        *values = crp_tail(entry);
        break;
    }
    return st;
}

static crp_status find_aux(crp_call *c) { return entry_of(c->vm, c->args[0], c->self, &c->result); }

/* --- new Lists ------------------------------------------------------------------------------------------ */

static crp_status cons(crp_call *c) { return crp_cons(c->vm, c->args[0], c->self, &c->result); }

crp_status crpi_lib_list_reverse(crp *vm, crp_word list, crp_word *out)
{
    size_t n;
    crp_status st = crpi_lib_list_length(vm, list, &n);
    *out = CRP_NIL;
    for (; !st && crp_is_pair(list); list = crp_tail(list)) st = crp_cons(vm, crp_head(list), *out, out);
    return st;
}

static crp_status reverse(crp_call *c) { return crpi_lib_list_reverse(c->vm, c->self, &c->result); }

/* Adds the items of a List, which are known to end. */
static crp_status add_all(crp *vm, crp_list_builder *b, crp_word list)
{
    crp_status st = CRP_OK;
    for (; !st && crp_is_pair(list); list = crp_tail(list)) st = crp_list_add(vm, b, crp_head(list));
    return st;
}

static crp_status copy(crp_call *c)
{
    size_t n;
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = crpi_lib_list_length(c->vm, c->self, &n);
    if (!st) st = add_all(c->vm, &b, c->self);
    c->result = b.first;
    return st;
}

crp_status crpi_lib_list_join(crp *vm, crp_word lists, crp_word *out)
{
    size_t n;
    crp_status st = CRP_OK;
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    for (; !st && crp_is_pair(lists); lists = crp_tail(lists)) {
        st = crpi_lib_list_length(vm, crp_head(lists), &n);
        if (!st) st = add_all(vm, &b, crp_head(lists));
    }
    *out = b.first;
    return st;
}

static crp_status array(crp_call *c) { return crpi_lib_array_of_list(c->vm, c->self, &c->result); }

static crp_status join(crp_call *c) { return crpi_lib_join(c->vm, c->self, c->args[0], &c->result); }

/* From an index on, at most so many items; fewer where the List ends. */
static crp_status extract(crp_call *c)
{
    size_t n = 0, at = 0, count = 0;
    crp_word list = c->self;
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = crpi_lib_list_length(c->vm, list, &n);
    if (!st) st = crpi_lib_range(c->vm, c->args[0], c->args[1], n, &at, &count);
    if (st) return st;
    for (; at > 0; at--) list = crp_tail(list);
    for (; !st && count > 0; count--, list = crp_tail(list)) st = crp_list_add(c->vm, &b, crp_head(list));
    c->result = b.first;
    return st;
}

/* --- changing in place ---------------------------------------------------------------------------------- */

static void store(crp *vm, crp_word *slot, crp_word value) { crpi_store(vm, &vm->heap, slot, value); }

static void forget_end(crp *vm) { vm->append_cache.list = vm->append_cache.last = CRP_NIL; }

/* The last pair: the remembered one, if it still is the last. */
static crp_status last_pair(crp *vm, crp_word list, crp_word *out)
{
    size_t n;
    *out = vm->append_cache.last;
    if (vm->append_cache.list == list && crp_is_pair(*out) && crp_tail(*out) == CRP_NIL) return CRP_OK;
    return walk_to_end(vm, list, out, &n);
}

static crp_status end_cons(crp_call *c)
{
    crp_word end, pair;
    crp_status st = must_have_items(c, "endCons");
    if (!st) st = last_pair(c->vm, c->self, &end);
    if (!st) st = crp_cons(c->vm, c->args[0], CRP_NIL, &pair);
    if (st) return st;
    store(c->vm, &crp_pair_of(end)->tail, pair);
    c->vm->append_cache.list = c->self;
    c->vm->append_cache.last = pair;
    return CRP_OK;
}

static crp_status set(crp_call *c)
{
    crp_word pair;
    crp_status st = pair_at(c->vm, c->self, c->args[0], &pair);
    if (!st) store(c->vm, &crp_pair_of(pair)->head, c->args[1]);
    return st;
}

static crp_status replace_head(crp_call *c)
{
    crp_status st = must_have_items(c, "replaceHead");
    if (!st) store(c->vm, &crp_pair_of(c->self)->head, c->args[0]);
    return st;
}

static crp_status replace_tail(crp_call *c)
{
    crp_status st = must_have_items(c, "replaceTail");
    if (st) return st;
    forget_end(c->vm);
    store(c->vm, &crp_pair_of(c->self)->tail, c->args[0]);
    return CRP_OK;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("length", "Integer", length,
        "How many items there are; 1.2 if the List is a cycle.\n"
        "items.length  # --> 3"),
    ROW("isEmpty", "Object", is_empty,
        "true if there is no item.\n"
        "items.isEmpty  # --> ()"),
    ROW("head", "Object", head,
        "The first item; 1.2 if there is none.\n"
        "items.head  # --> 3"),
    ROW("tail", "List", tail,
        "The List of all items but the first, itself and no copy; 1.2 if there is none.\n"
        "items.tail  # --> (1 2)"),
    ROW("tailOf", "List", tail,
        "The same as tail.\n"
        "items.tailOf  # --> (1 2)"),
    ROW("get", "Object (index Integer)", get,
        "The item at an index from 0; 1.7 beyond the end.\n"
        "(items.get 2)  # --> 2"),
    ROW("findAux", "List (attribute Object)", find_aux,
        "All values in the first entry (attribute value ...) of this attribute; () if there is none. 1.2 if "
        "the List is a cycle.\n"
        "((list '(a 1) '(b 2 3)).findAux 'b)  # --> (2 3)"),
    ROW("cons", "List (newHead Object)", cons,
        "A new List with this item before the others, which are shared.\n"
        "(items.cons 9)  # --> (9 3 1 2)"),
    ROW("reverse", "List", reverse,
        "A new List of the same items in reverse order; 1.2 if the List is a cycle.\n"
        "items.reverse  # --> (2 1 3)"),
    ROW("copy", "List", copy,
        "A new List of the same items; 1.2 if the List is a cycle.\n"
        "items.copy  # --> (3 1 2)"),
    ROW("array", "Array", array,
        "An Array of the items; 1.2 if the List is a cycle.\n"
        "items.array  # --> #<Array (3 1 2)>"),
    ROW("extract", "List (from Integer) (count Integer ?)", extract,
        "A new List of so many items from an index on, fewer where it ends, all that follow without a count. "
        "1.7 for a start beyond the end and for what is negative, 1.2 if the List is a cycle.\n"
        "(items.extract 1 2)  # --> (1 2)"),
    ROW("join", "Object (between String ?)", join,
        "The items joined together, as the function join does; 1.2 if the List is a cycle.\n"
        "(items.join \", \")  # --> \"3, 1, 2\""),
    ROW("endCons", "NIL (item Object)", end_cons,
        "Adds an item at the end, in place. Called on a variable or property that holds (), it sets that to "
        "a List of the item; on any other empty List it is 1.2, on a cycle too.\n"
        "(set grown (list 1))\n"
        "(grown.endCons 2)\n"
        "grown  # --> (1 2)"),
    ROW("set", "NIL (index Integer) (item Object)", set,
        "Puts an item in the place of another, from index 0; 1.7 beyond the end.\n"
        "(grown.set 0 \"one\")\n"
        "grown  # --> (\"one\" 2)"),
    ROW("replaceHead", "NIL (item Object)", replace_head,
        "Puts an item in the place of the first one, in place; 1.2 if there is none.\n"
        "(grown.replaceHead 5)\n"
        "grown  # --> (5 2)"),
    ROW("replaceTail", "NIL (tail List)", replace_tail,
        "Puts a List in the place of all items but the first, in place; 1.2 if there is no first one.\n"
        "(grown.replaceTail '(6 7))\n"
        "grown  # --> (5 6 7)"),
    ROW("string", "String", crpi_lib_as_string,
        "The List as print shows it.\n"
        "items.string  # --> \"(3 1 2)\""),
    ROW("==", "Object other", crpi_lib_eq,
        "true if the other one is a List of equal items, also where either is a cycle; else ().\n"
        "(items.== '(3 1 2.0))  # --> true"),
    ROW("!=", "Object other", crpi_lib_ne,
        "() where == gives true, else true.\n"
        "(items.!= '(3 1 2))  # --> ()"),
    ROW(NULL, NULL, NULL, NULL)};

static crp_status create(crp_call *c) { return crp_list(c->vm, c->args, c->count, &c->result); }

static const crp_method creator = ROW("List", "List ...", create,
                                      "A List of its arguments.\n"
                                      "(create List 1 \"two\")  # --> (1 \"two\")");

static const crp_class_def list_class = {
    .size = sizeof(crp_class_def),
    .name = "List",
    .help = "Items of any classes, one after the other, made of pairs; () is the empty one.\n"
            "(set items (list 3 1 2))",
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_list(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &list_class, &id);
}
