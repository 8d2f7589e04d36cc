/* floor 7: the methods of Array but those that it shares with List (lib-sequence.c, lib-sort.c).
 *
 * The items stand in one block, as many as there were at the start; only `set` and `fill` change an Array.
 */
#include "lib.h"

#include <string.h>
#include "value.h"

enum { MOST_ITEMS = 1 << 28 };

static crpi_array *self_array(const crp_call *c) { return crpi_array_of(c->self); }

/* --- making --------------------------------------------------------------------------------------------- */

crp_status crpi_lib_array_of_list(crp *vm, crp_word list, crp_word *out)
{
    size_t n;
    crp_status st = crpi_lib_list_length(vm, list, &n);
    if (!st) st = crpi_array_new(vm, n, out);
    if (st) return st;
    for (size_t i = 0; i < n; i++, list = crp_tail(list)) crpi_array_of(*out)->items[i] = crp_head(list);
    return CRP_OK;
}

/* A new one of n items from a place on. */
static crp_status part(crp *vm, crp_word array, size_t at, size_t n, crp_word *out)
{
    crp_status st = crpi_array_new(vm, n, out);
    if (!st && n) memcpy(crpi_array_of(*out)->items, crpi_array_of(array)->items + at, n * sizeof(crp_word));
    return st;
}

crp_status crpi_lib_array_reverse(crp *vm, crp_word array, crp_word *out)
{
    const crpi_array *from = crpi_array_of(array);
    crp_status st = crpi_array_new(vm, from->count, out);
    for (size_t i = 0; !st && i < from->count; i++)
        crpi_array_of(*out)->items[i] = from->items[from->count - 1 - i];
    return st;
}

static crp_status create(crp_call *c)
{
    int64_t n;
    if (!crp_is_integer(c->args[0])) return crpi_lib_array_of_list(c->vm, c->args[0], &c->result);
    crp_status st = crpi_lib_between(c->vm, "length", c->args[0], 0, MOST_ITEMS, &n);
    if (!st) st = crpi_array_new(c->vm, (size_t)n, &c->result);
    for (size_t i = 0; !st && i < (size_t)n; i++) crpi_array_of(c->result)->items[i] = c->args[1];
    return st;
}

/* --- looking -------------------------------------------------------------------------------------------- */

static crp_status length(crp_call *c)
{
    return crp_integer(c->vm, (int64_t)self_array(c)->count, &c->result);
}

static crp_status is_empty(crp_call *c)
{
    c->result = crp_bool(self_array(c)->count == 0);
    return CRP_OK;
}

static crp_status get(crp_call *c)
{
    size_t at;
    crp_status st = crpi_lib_index(c->vm, c->args[0], self_array(c)->count, &at);
    if (!st) c->result = self_array(c)->items[at];
    return st;
}

static crp_status list(crp_call *c)
{
    return crp_list(c->vm, self_array(c)->items, self_array(c)->count, &c->result);
}

static crp_status copy(crp_call *c) { return part(c->vm, c->self, 0, self_array(c)->count, &c->result); }

static crp_status extract(crp_call *c)
{
    size_t at, n;
    crp_status st = crpi_lib_range(c->vm, c->args[0], c->args[1], self_array(c)->count, &at, &n);
    return st ? st : part(c->vm, c->self, at, n, &c->result);
}

static crp_status reverse(crp_call *c) { return crpi_lib_array_reverse(c->vm, c->self, &c->result); }

static crp_status join(crp_call *c) { return crpi_lib_join(c->vm, c->self, c->args[0], &c->result); }

/* --- changing in place ---------------------------------------------------------------------------------- */

static void store(crp *vm, crp_word *slot, crp_word value) { crpi_store(vm, &vm->heap, slot, value); }

static crp_status set(crp_call *c)
{
    size_t at;
    crp_status st = crpi_lib_index(c->vm, c->args[0], self_array(c)->count, &at);
    if (!st) store(c->vm, &self_array(c)->items[at], c->args[1]);
    return st;
}

static crp_status fill(crp_call *c)
{
    size_t at, n;
    crp_status st = crpi_lib_range(c->vm, c->args[1], c->args[2], self_array(c)->count, &at, &n);
    for (size_t i = 0; !st && i < n; i++) store(c->vm, &self_array(c)->items[at + i], c->args[0]);
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("length", "Integer", length,
        "How many items there are.\n"
        "items.length  # --> 3"),
    ROW("isEmpty", "Object", is_empty,
        "true if there is no item.\n"
        "items.isEmpty  # --> ()"),
    ROW("get", "Object (index Integer)", get,
        "The item at an index from 0; 1.7 beyond the end.\n"
        "(items.get 2)  # --> 2"),
    ROW("list", "List", list,
        "A List of the items.\n"
        "items.list  # --> (3 1 2)"),
    ROW("copy", "Array", copy,
        "A new Array of the same items.\n"
        "items.copy  # --> #<Array (3 1 2)>"),
    ROW("extract", "Array (from Integer) (count Integer ?)", extract,
        "A new Array of so many items from an index on, fewer where it ends, all that follow without a "
        "count. 1.7 for a start beyond the end and for what is negative.\n"
        "(items.extract 1 2)  # --> #<Array (1 2)>"),
    ROW("reverse", "Array", reverse,
        "A new Array of the same items in reverse order.\n"
        "items.reverse  # --> #<Array (2 1 3)>"),
    ROW("join", "Object (between String ?)", join,
        "The items joined together, as the function join does.\n"
        "(items.join \", \")  # --> \"3, 1, 2\""),
    ROW("set", "NIL (index Integer) (item Object)", set,
        "Puts an item at an index from 0; 1.7 beyond the end.\n"
        "(set places (create Array 4))\n"
        "(places.set 0 \"one\")\n"
        "places  # --> #<Array (\"one\" () () ())>"),
    ROW("fill", "NIL (item Object) (from Integer 0) (count Integer ?)", fill,
        "Puts one item into so many places from an index on, fewer where the Array ends, all that follow "
        "without a count. 1.7 for a start beyond the end and for what is negative.\n"
        "(places.fill 0)\n"
        "(places.fill 7 1 2)\n"
        "places  # --> #<Array (0 7 7 0)>"),
    ROW("string", "String", crpi_lib_as_string,
        "The Array as print shows it.\n"
        "items.string  # --> \"#<Array (3 1 2)>\""),
    ROW("==", "Object other", crpi_lib_eq,
        "true if the other one is an Array of equal items; else ().\n"
        "(items.== (create Array '(3 1 2.0)))  # --> true\n"
        "(items.== '(3 1 2))                   # --> ()"),
    ROW("!=", "Object other", crpi_lib_ne,
        "() where == gives true, else true.\n"
        "(items.!= '(3 1 2))  # --> true"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Array", "Array (content Integer|List) (item Object NIL)", create,
        "So many places, each with (), or with `item`; or the items of a List. 1.8 for a negative number and "
        "for more than 268,435,456, 1.2 for a List that is a cycle.\n"
        "(create Array 3)         # --> #<Array (() () ())>\n"
        "(create Array 2 \"x\")     # --> #<Array (\"x\" \"x\")>\n"
        "(create Array '(1 2))    # --> #<Array (1 2)>");

static const crp_class_def array_class = {
    .size = sizeof(crp_class_def),
    .name = "Array",
    .help = "Items of any classes in a fixed number of places; each is found as quickly as another.\n"
            "(set items (create Array (list 3 1 2)))",
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_array(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &array_class, &id);
}
