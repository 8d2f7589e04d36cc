/* floor 7: the methods of HashTable.
 *
 * The manual's HashTable is an array of chains.  Here there are no chains, but their number is kept as it was
 * asked for: it says how many entries there is room for before the table has to grow, and `chains` never
 * shows fewer than there are entries.
 */
#include "lib-walk.h"

#include "map.h"
#include "str.h"
#include "value.h"

enum { MOST_SIZE = 28 /* powers of two */ };

/* --- filling -------------------------------------------------------------------------------------------- */

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
crp_status crpi_lib_table_put(crp *vm, crp_word table, crp_word key, crp_word value)
{
    if (crp_is_a(key, CRP_BINARY)) {
        crp_status st = crpi_binary_over(vm, crpi_binary_share(key), &key);
        if (st) return st;
    }
    return crpi_map_set(vm, crpi_map_of(table), key, value);
}

/* Puts in what an a-list ((key value) ...) has. */
static crp_status put_list(crp *vm, crp_word table, crp_word list)
{
    size_t n;
    crp_status st = crpi_lib_list_length(vm, list, &n);
    for (; !st && crp_is_pair(list); list = crp_tail(list)) {
        crp_word entry = crp_head(list), rest = crp_is_pair(entry) ? crp_tail(entry) : CRP_NIL;
        if (!crp_is_pair(rest) || crp_tail(rest) != CRP_NIL)
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected a List (key value), given %v",
                             entry);
        st = crpi_lib_table_put(vm, table, crp_head(entry), crp_head(rest));
    }
    return st;
}

/* Both may be the same table: then nothing new comes. */
static crp_status put_table(crp *vm, crp_word table, crp_word from)
{
    crp_word key, value;
    crpi_map *map = crpi_map_of(table), *other = crpi_map_of(from);
    crp_status st = crpi_map_reserve(vm, map, map->live + other->live);
    for (size_t cursor = 0; !st && crpi_map_next(other, &cursor, &key, &value);)
        st = crpi_map_set(vm, map, key, value);
    return st;
}

enum { USUAL_SIZE = 3 };

/* The size may be left out before entries. */
static crp_status create(crp_call *c)
{
    bool sized = crp_is_integer(c->args[0]);
    crp_word size = sized ? c->args[0] : crp_fixnum(USUAL_SIZE), entries = c->args[sized ? 1 : 0];
    if (!sized && c->args[1] != CRP_NIL)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "create HashTable: an Integer is expected before the entries, %n given (%v)",
                         c->args[0], c->args[0]);
    crp_status st = crp_hashtable(c->vm, &c->result);
    if (!st) st = ask_size(c->vm, c->result, size);
    return st ? st : put_list(c->vm, c->result, entries);
}

static crp_status set(crp_call *c) { return crpi_lib_table_put(c->vm, c->self, c->args[0], c->args[1]); }

static crp_status merge(crp_call *c)
{
    return crp_is_a(c->args[0], CRP_HASHTABLE) ? put_table(c->vm, c->self, c->args[0])
                                               : put_list(c->vm, c->self, c->args[0]);
}

/* --- looking -------------------------------------------------------------------------------------------- */

/* What may not be a key is an error here too, and no key that is missing. */
static crp_status look_up(crp_call *c, crp_word *value, bool *found)
{
    uint64_t hash;
    *found = crpi_map_get(c->vm, self_map(c), c->args[0], value);
    return *found || crpi_hash(c->vm, c->args[0], &hash) ? CRP_OK : CRP_E_RAISED;
}

static crp_status get(crp_call *c)
{
    bool found;
    c->result = c->args[1];
    return look_up(c, &c->result, &found);
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

/* --- changing ------------------------------------------------------------------------------------------- */

/* The callback may change the table: the value is put in when it has returned. */
static crp_status update(crp_call *c)
{
    crp_word value = c->args[2], function;
    bool found;
    if (c->step++ > 0) {
        c->result = c->value;
        return crpi_lib_table_put(c->vm, c->self, c->args[0], c->value);
    }
    crp_status st = crpi_lib_callback(c, c->args[1], 1, &function);
    if (!st) st = look_up(c, &value, &found);
    return st ? st : crp_then_call(c, function, &value, 1);
}

static crp_status get_or_set(crp_call *c)
{
    bool found;
    crp_word function;
    if (c->step++ == 0) {
        crp_status st = look_up(c, &c->result, &found);
        if (st || found) return st;
        c->result = c->args[1];
        if (crp_is_a(c->result, CRP_FUNCTION)) {
            st = crpi_lib_callback(c, c->result, 0, &function);
            return st ? st : crp_then_call(c, function, NULL, 0);
        }
    } else
        c->result = c->value;
    return crpi_lib_table_put(c->vm, c->self, c->args[0], c->result);
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
    crp_status st = crp_hashtable(c->vm, &c->result);
    if (st) return st;
    crp_object_of(c->result)->aux = crp_object_of(c->self)->aux;
    return put_table(c->vm, c->result, c->self);
}

static crp_status chains(crp *vm, crp_object *o, crp_word *out)
{
    size_t n = (size_t)1 << o->aux;
    while (n < ((crpi_hashtable *)o)->map.live) n *= 2;
    return crp_integer(vm, (int64_t)n, out);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("set", "NIL (key Object) (value Object)", set,
        "Puts a value under a key, in the place of an earlier one. Keys: numbers, Strings, Symbols, Binaries "
        "by value, other objects by identity; 1.8 for what changes, such as a List, and for NaN.\n"
        "(ages.set \"eve\" 30)\n"
        "(ages.set 7 'seven)\n"
        "ages  # --> #<HashTable ((\"ann\" 41) (\"bob\" 17) (\"eve\" 30) (7 seven))>"),
    ROW("get", "Object (key Object) (otherwise Object NIL)", get,
        "The value under a key; `otherwise`, or (), if there is none. 1.8 for what cannot be a key.\n"
        "(ages.get \"ann\")     # --> 41\n"
        "(ages.get \"zoe\" 0)   # --> 0"),
    ROW("has", "Object (key Object)", has,
        "true if there is a value under the key, be it ().\n"
        "(ages.has \"bob\")  # --> true"),
    ROW("remove", "Object (key Object)", remove_key,
        "Takes a key and its value out; true if there was one.\n"
        "(ages.remove 7)  # --> true\n"
        "(ages.remove 7)  # --> ()"),
    ROW("update", "Object (key Object) f (start Object NIL)", update,
        "Calls f with the value under the key, or with `start` if there is none, and puts what it gives in "
        "its place; that is the result. f is a Function, or a Symbol or String that names one; 1.8 for what "
        "cannot be a key.\n"
        "(ages.update \"bob\" (lambda (n) (+ n 1)))    # --> 18\n"
        "(ages.update \"zoe\" (lambda (n) (+ n 1)) 0)  # --> 1"),
    ROW("getOrSet", "Object (key Object) (value Object)", get_or_set,
        "The value under a key. If there is none, this one is put there, or, if it is a Function, what that "
        "gives when it is called without arguments. 1.8 for what cannot be a key.\n"
        "(ages.getOrSet \"zoe\" 50)             # --> 1\n"
        "(ages.getOrSet \"max\" (lambda () 8))  # --> 8"),
    ROW("merge", "NIL (entries HashTable|List)", merge,
        "Puts all entries of another table, or of a List of Lists (key value), in, in the place of earlier "
        "ones. 1.8 for something else in the List.\n"
        "(ages.merge '((\"zoe\" 2) (\"max\" 9)))\n"
        "(ages.get \"max\")  # --> 9"),
    ROW("clear", "NIL", clear,
        "Takes everything out.\n"
        "(ages.clear)\n"
        "ages  # --> #<HashTable ()>"),
    ROW("resize", "NIL (newSize Integer)", resize,
        "Makes room for 2 to this power entries; 1.8 unless it is from 0 to 28.\n"
        "(ages.resize 5)\n"
        "ages.chains  # --> 32"),
    ROW("count", "Integer", count,
        "How many entries have a value that is not ().\n"
        "(set found (create HashTable '((a 1) (b ()))))\n"
        "found.count  # --> 1"),
    ROW("length", "Integer", length,
        "How many entries there are.\n"
        "found.length  # --> 2"),
    ROW("isEmpty", "Object", is_empty,
        "true if there is no entry.\n"
        "found.isEmpty  # --> ()"),
    ROW("keys", "List", keys,
        "The keys, in the order in which they were put in.\n"
        "found.keys  # --> (a b)"),
    ROW("values", "List", values,
        "The values, in the order of the keys.\n"
        "found.values  # --> (1 ())"),
    ROW("list", "List", list,
        "The entries, each a List (key value), in the order of the keys.\n"
        "found.list  # --> ((a 1) (b ()))"),
    ROW("pairs", "List", list,
        "The same as list.\n"
        "found.pairs  # --> ((a 1) (b ()))"),
    ROW("copy", "HashTable", copy,
        "A table with the same keys and values.\n"
        "(found.copy)  # --> #<HashTable ((a 1) (b ()))>"),
    ROW("string", "String", crpi_lib_as_string,
        "The table as print shows it.\n"
        "found.string  # --> \"#<HashTable ((a 1) (b ()))>\""),
    ROW("==", "Object other", crpi_lib_eq,
        "true if the other one is a HashTable with the same keys and equal values, in whatever order; else "
        "().\n"
        "(found.== (create HashTable '((b ()) (a 1))))  # --> true"),
    ROW("!=", "Object other", crpi_lib_ne,
        "() where == gives true, else true.\n"
        "(found.!= ages)  # --> true"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_property properties[] = {
    {"chains", "Integer", CRP_READ, 0, NULL, NULL,
     "The number of entries there is room for, a power of two.\n"
     "ages.chains  # --> 8",
     chains, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method creator =
    ROW("HashTable", "HashTable (size Integer|List 3) (entries List NIL)", create,
        "A table with room for 2 to the power of `size` entries, 0 to 28, filled from a List of Lists (key "
        "value). The size may be left out. 1.8 for something else in the List, and for what cannot be a "
        "key.\n"
        "(create HashTable)                     # --> #<HashTable ()>\n"
        "(create HashTable 3 '((1 2) (3 4)))    # --> #<HashTable ((1 2) (3 4))>\n"
        "(create HashTable '((1 2) (3 4)))      # --> #<HashTable ((1 2) (3 4))>");

static const crp_class_def table_class = {
    .size = sizeof(crp_class_def),
    .name = "HashTable",
    .help = "Values under keys, in the order in which the keys were put in. A loop that changes the table "
            "meanwhile sees no entry that is gone, and new ones at the end.\n"
            "(set ages (create HashTable '((\"ann\" 41) (\"bob\" 17))))",
    .properties = properties,
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_hashtable(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &table_class, &id);
}
