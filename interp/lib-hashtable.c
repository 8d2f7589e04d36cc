/* floor 7: the methods of HashTable and Array.
 *
 * The manual's HashTable is an array of chains.  Here there are no chains, but their number is kept as it was
 * asked for: it says how many entries there is room for before the table has to grow, and `chains` never
 * shows fewer than there are entries.
 */
#include "lib.h"

#include <string.h>
#include "map.h"
#include "str.h"
#include "value.h"

enum { MOST_SIZE = 28 /* powers of two */ };

/* --- HashTable ------------------------------------------------------------------------------------------ */

static crpi_map *self_map(const crp_call *c) { return crpi_map_of(c->self); }

static crp_status ask_size(crp *vm, crp_word table, crp_word power)
{
    int64_t size;
    crp_status st = crpi_lib_between(vm, "size", power, 0, MOST_SIZE, &size);
    if (!st) st = crpi_map_reserve(vm, crpi_map_of(table), (size_t)1 << size);
    if (!st) crp_object_of(table)->aux = (uint16_t)size;
    return st;
}

/* A Binary can be changed in place, so as a key it is a copy: the key is its value at this moment. */
static crp_status put(crp *vm, crpi_map *map, crp_word key, crp_word value)
{
    if (crp_is_a(key, CRP_BINARY)) {
        crp_status st = crpi_binary_over(vm, crpi_binary_share(key), &key);
        if (st) return st;
    }
    return crpi_map_set(vm, map, key, value);
}

/* Puts in what an a-list ((key value) ...) has. */
static crp_status set_all(crp *vm, crpi_map *map, crp_word list)
{
    size_t n;
    crp_status st = crpi_lib_list_length(vm, list, &n);
    for (; !st && crp_is_pair(list); list = crp_tail(list)) {
        crp_word entry = crp_head(list), rest = crp_is_pair(entry) ? crp_tail(entry) : CRP_NIL;
        if (!crp_is_pair(rest) || crp_tail(rest) != CRP_NIL)
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected a List (key value), given %v",
                             entry);
        st = put(vm, map, crp_head(entry), crp_head(rest));
    }
    return st;
}

static crp_status create(crp_call *c)
{
    crp_status st = crp_hashtable(c->vm, &c->result);
    if (!st) st = ask_size(c->vm, c->result, c->args[0]);
    return st ? st : set_all(c->vm, crpi_map_of(c->result), c->args[1]);
}

static crp_status set(crp_call *c) { return put(c->vm, self_map(c), c->args[0], c->args[1]); }

/* What may not be a key is an error here too, and no key that is missing. */
static crp_status get(crp_call *c)
{
    uint64_t hash;
    if (crpi_map_get(c->vm, self_map(c), c->args[0], &c->result)) return CRP_OK;
    if (!crpi_hash(c->vm, c->args[0], &hash)) return CRP_E_RAISED;
    c->result = crpi_lib_given(c, 1) ? c->args[1] : CRP_NIL;
    return CRP_OK;
}

static crp_status has(crp_call *c)
{
    crp_word value;
    c->result = crp_bool(crpi_map_get(c->vm, self_map(c), c->args[0], &value));
    return CRP_OK;
}

static crp_status remove_key(crp_call *c)
{
    c->result = crp_bool(crpi_map_remove(c->vm, self_map(c), c->args[0]));
    return CRP_OK;
}

static crp_status clear(crp_call *c)
{
    crpi_map_clear(c->vm, self_map(c));
    return CRP_OK;
}

static crp_status resize(crp_call *c) { return ask_size(c->vm, c->self, c->args[0]); }

static crp_status count(crp_call *c)
{
    crp_word key, value;
    int64_t n = 0;
    for (size_t cursor = 0; crpi_map_next(self_map(c), &cursor, &key, &value);) n += value != CRP_NIL;
    return crp_integer(c->vm, n, &c->result);
}

static crp_status length(crp_call *c) { return crp_integer(c->vm, (int64_t)self_map(c)->live, &c->result); }

static crp_status is_empty(crp_call *c)
{
    c->result = crp_bool(self_map(c)->live == 0);
    return CRP_OK;
}

static crp_status keys(crp_call *c)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_word key, value;
    crp_status st = CRP_OK;
    for (size_t cursor = 0; !st && crpi_map_next(self_map(c), &cursor, &key, &value);)
        st = crp_list_add(c->vm, &b, key);
    c->result = b.first;
    return st;
}

static crp_status values(crp_call *c)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_word key, value;
    crp_status st = CRP_OK;
    for (size_t cursor = 0; !st && crpi_map_next(self_map(c), &cursor, &key, &value);)
        st = crp_list_add(c->vm, &b, value);
    c->result = b.first;
    return st;
}

static crp_status list(crp_call *c)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_word entry[2], pair;
    crp_status st = CRP_OK;
    for (size_t cursor = 0; !st && crpi_map_next(self_map(c), &cursor, &entry[0], &entry[1]);) {
        st = crp_list(c->vm, entry, 2, &pair);
        if (!st) st = crp_list_add(c->vm, &b, pair);
    }
    c->result = b.first;
    return st;
}

static crp_status copy(crp_call *c)
{
    crp_word key, value;
    crp_status st = crp_hashtable(c->vm, &c->result);
    if (st) return st;
    crp_object_of(c->result)->aux = crp_object_of(c->self)->aux;
    for (size_t cursor = 0; !st && crpi_map_next(self_map(c), &cursor, &key, &value);)
        st = crpi_map_set(c->vm, crpi_map_of(c->result), key, value);
    return st;
}

static crp_status chains(crp *vm, crp_object *o, crp_word *out)
{
    size_t n = (size_t)1 << o->aux;
    while (n < ((crpi_hashtable *)o)->map.live) n *= 2;
    return crp_integer(vm, (int64_t)n, out);
}

/* --- Array ---------------------------------------------------------------------------------------------- */

static crpi_array *self_array(const crp_call *c) { return crpi_array_of(c->self); }

static crp_status array_from_list(crp_call *c, crp_word items)
{
    size_t n;
    crp_status st = crpi_lib_list_length(c->vm, items, &n);
    if (!st) st = crpi_array_new(c->vm, n, &c->result);
    if (st) return st;
    for (size_t i = 0; i < n; i++, items = crp_tail(items))
        crpi_array_of(c->result)->items[i] = crp_head(items);
    return CRP_OK;
}

static crp_status create_array(crp_call *c)
{
    int64_t n;
    if (!crp_is_integer(c->args[0])) return array_from_list(c, c->args[0]);
    crp_status st = crpi_lib_between(c->vm, "length", c->args[0], 0, (int64_t)1 << 36, &n);
    if (!st) st = crpi_array_new(c->vm, (size_t)n, &c->result);
    if (!st && crpi_lib_given(c, 1))
        for (size_t i = 0; i < (size_t)n; i++) crpi_array_of(c->result)->items[i] = c->args[1];
    return st;
}

static crp_status array_length(crp_call *c)
{
    return crp_integer(c->vm, (int64_t)self_array(c)->count, &c->result);
}

static crp_status array_is_empty(crp_call *c)
{
    c->result = crp_bool(self_array(c)->count == 0);
    return CRP_OK;
}

static crp_status array_get(crp_call *c)
{
    size_t at;
    crp_status st = crpi_lib_index(c->vm, c->args[0], self_array(c)->count, &at);
    if (!st) c->result = self_array(c)->items[at];
    return st;
}

static crp_status array_set(crp_call *c)
{
    size_t at;
    crp_status st = crpi_lib_index(c->vm, c->args[0], self_array(c)->count, &at);
    if (!st) crpi_store(c->vm, &c->vm->heap, &self_array(c)->items[at], c->args[1]);
    return st;
}

static crp_status array_list(crp_call *c)
{
    return crp_list(c->vm, self_array(c)->items, self_array(c)->count, &c->result);
}

static crp_status array_copy(crp_call *c)
{
    crp_status st = crpi_array_new(c->vm, self_array(c)->count, &c->result);
    if (!st && self_array(c)->count)
        memcpy(crpi_array_of(c->result)->items, self_array(c)->items,
               self_array(c)->count * sizeof(crp_word));
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method table_rows[] = {
    ROW("set", "NIL (key Object) (value Object)", set,
        "Puts a value under a key, in the place of an earlier one. Keys: numbers, Strings, Symbols, Binaries "
        "by value, objects by identity; 1.8 for what changes, such as a List."),
    ROW("get", "Object (key Object) (otherwise Object ?)", get,
        "The value under a key; () or `otherwise` if there is none."),
    ROW("has", "Object (key Object)", has, "true if there is a value under the key, be it ()."),
    ROW("remove", "Object (key Object)", remove_key, "Takes a key and its value out; true if there was one."),
    ROW("clear", "NIL", clear, "Takes everything out."),
    ROW("resize", "NIL (newSize Integer)", resize, "Makes room for 2 to this power entries."),
    ROW("count", "Integer", count, "How many entries have a value that is not ()."),
    ROW("length", "Integer", length, "How many entries there are."),
    ROW("isEmpty", "Object", is_empty, "true if there is no entry."),
    ROW("keys", "List", keys, "The keys."),
    ROW("values", "List", values, "The values, in the order of the keys."),
    ROW("list", "List", list, "The entries, each a List (key value)."),
    ROW("copy", "HashTable", copy, "A table with the same keys and values."),
    ROW("string", "String", crpi_lib_as_string, "The table as print shows it."),
    CRPI_LIB_EQUALITY,
    ROW(NULL, NULL, NULL, NULL)};

static const crp_property table_properties[] = {{"chains", "Integer", CRP_READ, 0, NULL, NULL,
                                                 "The number of entries there is room for, a power of two.",
                                                 chains, NULL},
                                                {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method table_creator =
    ROW("HashTable", "HashTable (size Integer 3) (entries List NIL)", create,
        "A table with room for 2 to the power of `size` entries, filled from a List of Lists (key value).");

static const crp_class_def table_class = {.size = sizeof(crp_class_def),
                                          .name = "HashTable",
                                          .help = "Values under keys.",
                                          .properties = table_properties,
                                          .methods = table_rows,
                                          .creator = &table_creator};

static const crp_method array_rows[] = {
    ROW("length", "Integer", array_length, "How many items there are."),
    ROW("isEmpty", "Object", array_is_empty, "true if there is no item."),
    ROW("get", "Object (index Integer)", array_get, "The item at an index from 0; 1.7 beyond the end."),
    ROW("set", "NIL (index Integer) (item Object)", array_set,
        "Puts an item at an index from 0; 1.7 beyond the end."),
    ROW("list", "List", array_list, "A List of the items."),
    ROW("copy", "Array", array_copy, "A new Array of the same items."),
    ROW("string", "String", crpi_lib_as_string, "The Array as print shows it."),
    CRPI_LIB_EQUALITY,
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method array_creator =
    ROW("Array", "Array (content Integer|List) (item Object ?)", create_array,
        "So many times (), or `item`; or the items of a List.");

static const crp_class_def array_class = {.size = sizeof(crp_class_def),
                                          .name = "Array",
                                          .help = "Items of any classes in a fixed number of places.",
                                          .methods = array_rows,
                                          .creator = &array_creator};

crp_status crpi_lib_hashtable(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &table_class, &id);
    return st ? st : crp_define_class(vm, &array_class, &id);
}
