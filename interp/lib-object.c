/* floor 7: asking values what they are: typeOf, classInfo, interfaces, properties by name; copies; and the class
 * Reference. */
#include "lib.h"

#include <string.h>
#include "cells.h"
#include "class.h"
#include "printer.h"
#include "value.h"

/* --- classes -------------------------------------------------------------------------------------------- */

/* Whether the value is of just this class; () is an empty List, whatever else would accept it. */
static bool is_of_class(crp *vm, crp_word w, crpi_type type)
{
    uint32_t id, face;
    if (type == 0) return true;
    crpi_face_of(w, &id, &face);
    if (type == CRPI_TYPE(CRPI_COMMS_MODULE, 0)) return w != CRP_NIL && crpi_has_type(vm, type, w);
    if (CRPI_TYPE_FACE(type) && CRPI_TYPE_FACE(type) != face) return false;
    return vm->classes[id]->type_id == CRPI_TYPE_CLASS(type);
}

static crp_status type_of(crp_call *c)
{
    crpi_type type;
    if (!crpi_lib_given(c, 1)) {
        c->result = c->vm->classes[crp_class_of(c->args[0])]->name;
        return CRP_OK;
    }
    crp_status st = crpi_type_named(c->vm, c->args[1], &type);
    if (!st) c->result = crp_bool(is_of_class(c->vm, c->args[0], type));
    return st;
}

/* The Symbol that a String names, if there is one; anything else as it is. */
static crp_word known_name(crp *vm, crp_word w)
{
    size_t length;
    const char *text = crp_is_string(w) ? crp_string_data(w, &length) : NULL;
    if (text) crpi_symbol_find(&vm->symbols, text, length, &w);
    return w;
}

static crp_status is_class(crp_call *c)
{
    crp_word w = known_name(c->vm, c->args[0]);
    const crpi_class *class = crp_is_symbol(w) ? crpi_class_named(c->vm, w) : NULL;
    c->result = crp_bool(crp_is_a(w, CRP_CLASS) || (class && class->defined));
    return CRP_OK;
}

static crp_status is_function(crp_call *c)
{
    crp_word w = known_name(c->vm, c->args[0]);
    c->result = crp_bool(crp_is_a(w, CRP_FUNCTION) || (crp_is_symbol(w) && crpi_is_function_name(c->vm, w)));
    return CRP_OK;
}

static crp_status class_info(crp_call *c)
{
    crp_word w = c->args[0];
    crpi_class *class = c->vm->classes[crp_class_of(w)];
    bool named = crp_is_symbol(w) || crp_is_string(w) || crp_is_a(w, CRP_CLASS);
    crp_status st = named ? crpi_class_find(c->vm, w, &class) : CRP_OK;
    return st ? st : crpi_class_info(c->vm, class, &c->result);
}

/* --- interfaces ----------------------------------------------------------------------------------------- */

static crp_status face_by_number(crp *vm, const crpi_class *c, crp_word number, uint32_t *out)
{
    int64_t n = crp_integer_value(number);
    *out = (uint32_t)n;
    if (n >= 0 && (uint64_t)n < c->face_count) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "interface of %p: expected 0 to %zu, given %ld",
                     c->name, c->face_count - 1, (long)n);
}

static crp_status view_of(crp *vm, crp_word object, uint32_t face, crp_word *out)
{
    *out = object;
    if (face == 0) return CRP_OK;
    crpi_view *view = crpi_new(vm, CRP_VIEW, sizeof *view);
    if (!view) return CRP_E_NOMEM;
    view->object = object;
    view->face = face;
    *out = crp_from_object(view);
    return CRP_OK;
}

static crp_status get_interface(crp_call *c)
{
    crp_word object = crpi_unview(c->args[0]);
    crpi_class *class = c->vm->classes[crp_class_of(object)];
    uint32_t face;
    crp_status st = crpi_class_ready(c->vm, class);
    if (!st)
        st = crp_is_integer(c->args[1]) ? face_by_number(c->vm, class, c->args[1], &face)
                                        : crpi_face_named(c->vm, class, c->args[1], &face);
    return st ? st : view_of(c->vm, object, face, &c->result);
}

static uint32_t face_number(crp_word w)
{
    uint32_t id, face;
    crpi_face_of(w, &id, &face);
    return face;
}

static crp_status face_of(crp_call *c)
{
    c->result = crp_fixnum(face_number(c->args[0]));
    return CRP_OK;
}

/* --- getOr ---------------------------------------------------------------------------------------------- */

/* The pair at a place, (): there is none.  A cycle has one for every place. */
static crp_word pair_at(crp_word list, size_t i)
{
    crp_word mark = list;
    size_t since = 0, next_mark = 1;
    while (i > 0 && crp_is_pair(list)) {
        list = crp_tail(list);
        i--;
        since++;
        if (list == mark) i %= since;
        if (since < next_mark) continue;
        mark = list;
        since = 0;
        next_mark *= 2;
    }
    return list;
}

static bool item_at(crp_word w, int64_t place, crp_word *out)
{
    size_t i = (size_t)place;
    if (place < 0) return false;
    const unsigned char *bytes;
    size_t n = 0;
    if (crp_is_pair(w)) {
        w = pair_at(w, i);
        if (crp_is_pair(w)) *out = crp_head(w);
        return crp_is_pair(w);
    }
    if (crp_is_a(w, CRP_ARRAY)) {
        const crpi_array *a = crpi_array_of(w);
        if (i < a->count) *out = a->items[i];
        return i < a->count;
    }
    bool found = crp_bytes(w, &bytes, &n) && i < n;
    if (found) *out = crp_fixnum(bytes[i]);
    return found;
}

/* Of a List of (attribute value), the value of this attribute. */
static bool value_in_alist(crp *vm, crp_word list, crp_word attribute, crp_word *out)
{
    crp_word mark = CRP_NIL;
    size_t n = 0, next_mark = 1;
    for (; crp_is_pair(list) && list != mark; list = crp_tail(list)) {
        crp_word entry = crp_head(list);
        if (crp_is_pair(entry) && crp_is_pair(crp_tail(entry)) && crp_equal(vm, crp_head(entry), attribute)) {
            *out = crp_head(crp_tail(entry));
            return true;
        }
        if (++n < next_mark) continue;
        mark = list;
        next_mark *= 2;
    }
    return false;
}

static crp_status property_or(crp_call *c, bool *found)
{
    crp_word name = c->args[1];
    size_t length;
    const char *text = crpi_name_text(c->vm, name, &length);
    if (!text)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "getOr: expected the name of a property of %n, given %n %v", c->args[0], name, name);
    *found = crpi_symbol_find(&c->vm->symbols, text, length, &name) && crpi_can_read(c->vm, c->args[0], name);
    return *found ? crp_get(c->vm, c->args[0], name, &c->result) : CRP_OK;
}

static crp_status get_or(crp_call *c)
{
    crp_word w = c->args[0], key = c->args[1];
    bool found = false;
    crp_status st = CRP_OK;
    if (crp_is_a(w, CRP_HASHTABLE)) found = crp_hashtable_get(c->vm, w, key, &c->result);
    else if (crp_is_pair(w) && !crp_is_integer(key)) found = value_in_alist(c->vm, w, key, &c->result);
    else if (crp_is_integer(key)) found = item_at(w, crp_integer_value(key), &c->result);
    else if (w != CRP_NIL) st = property_or(c, &found);
    if (!found || c->result == CRP_NIL) c->result = c->args[2];
    return st;
}

/* --- copy ----------------------------------------------------------------------------------------------- */

static crp_status copy_instance(crp *vm, const crpi_class *class, crp_word object, crp_word *out)
{
    const crpi_instance *from = (crpi_instance *)crp_object_of(object);
    crp_status st = crp_new_object(vm, class->id, out);
    if (st) return st;
    crpi_instance *to = (crpi_instance *)crp_object_of(*out);
    for (uint32_t i = 0; i < class->slots; i++) crp_store(vm, &to->h, &to->slots[i], from->slots[i]);
    return CRP_OK;
}

static crp_status copy(crp_call *c)
{
    crp_word w = c->args[0], object = crpi_unview(w), name;
    const crpi_class *class = c->vm->classes[crp_class_of(object)];
    if (c->step++ > 0) {
        c->result = c->value;
        return CRP_OK;
    }
    crp_status st = crp_symbol(c->vm, "copy", 4, &name);
    if (st) return st;
    if (crp_has_method(c->vm, w, name)) return crp_then_send(c, w, name, NULL, 0);
    if (class->script) {
        st = copy_instance(c->vm, class, object, &c->result);
        return st ? st : view_of(c->vm, c->result, face_number(w), &c->result);
    }
    c->result = w;
    if (!crp_is_object(w) || class->id == CRP_FUNCTION || class->id == CRP_CLASS) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "copy: a %n cannot be copied: there is no other like it", w);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("typeOf", "Object object (class Object ?)", type_of,
        "The name of the value's class, a Symbol. With a class (its name, or the Class): true if the value is "
        "of that class, else (). CommsModule is the class of every comms module, Object that of everything. "
        "1.4 unknown class.\n"
        "(typeOf \"a\")                      # --> String\n"
        "(list (typeOf 5 'Integer) (typeOf 5 Real))  # --> (true ())"),
    ROW("isClass", "Object name", is_class,
        "true if the Symbol or String names a class, else (). True of a Class as well.\n"
        "(list (isClass 'Error) (isClass \"error\"))  # --> (true ())"),
    ROW("isFunction", "Object name", is_function,
        "true if the Symbol or String can stand first in a call: it names a function, a macro or a special "
        "form. True of a Function as well. Else ().\n"
        "(list (isFunction 'print) (isFunction \"while\") (isFunction print) (isFunction 'prnt))  # --> "
        "(true true true ())"),
    ROW("classInfo", "List class", class_info,
        "What a class (its name, the Class, or any object of it) is made of: (name major minor interface ... "
        "clause ...). An interface is (\"name\" (properties (name Class flag ...) ...) (methods (Result name "
        "((argument Class) ...) flag ...) ...) clause ...); \"\" is one without a name. Flags are readOnly "
        "writeOnly private secret config attribute and (id n); clauses are those of the class form. 1.4 "
        "unknown class.\n"
        "(class Lamp (interface (properties (on Object readOnly)) (methods (NIL press ((times Integer))))))\n"
        "(classInfo Lamp)\n"
        "# --> (Lamp 1 0 (\"\" (properties (on Object readOnly)) (methods (NIL press ((times Integer))))))"),
    ROW("getInterface", "Object object interface", get_interface,
        "The same object, seen through another of its interfaces, given by name or by number; \"\" and 0 are "
        "the primary one. 1.4 unknown interface, 1.7 no such number.\n"
        "(class Horn (interface (properties (metal String))) (interface Volume (properties (level Integer))))\n"
        "(set v (getInterface (create Horn) 'Volume))\n"
        "(v.level 5)                       # --> 5\n"
        "v.metal                           # error: 1.4"),
    ROW("faceOf", "Integer object", face_of,
        "The number of the interface that the value is seen through; 0 is the primary one.\n"
        "(class Drum (interface) (interface Skin))\n"
        "(faceOf (getInterface (create Drum) 'Skin))  # --> 1"),
    ROW("getOr", "Object object key default", get_or,
        "The value of a property of an object, by its name; of a key in a HashTable; of an attribute in a List "
        "of (attribute value); or the item with this number of a List, Array, String, Binary or Buffer: or the "
        "default, if there is no such thing or it is (). Nothing of () is there.\n"
        "(getOr '((port 110)) 'port 25)    # --> 110\n"
        "(getOr (list 1 2) 7 \"none\")       # --> \"none\"\n"
        "(getOr (create Error 6 1) 'code 0) # --> 1"),
    ROW("copy", "Object value", copy,
        "A value like this one that can be changed without it: the same items or properties in a new List, "
        "Array, HashTable, Buffer, Binary, Error, Reference or object of a script's class (whose own method "
        "copy decides, if it has one). What they hold is not copied. What never changes, such as a String, is "
        "its own copy. 1.12 for what there is only one of, such as a Stream.\n"
        "(set a (list 1 2))\n"
        "(set b (copy a))\n"
        "(b.set 0 9)\n"
        "(list a b)                        # --> ((1 2) (9 2))"),
    {0},
};

/* --- Reference ------------------------------------------------------------------------------------------ */

static crp_status reference_create(crp_call *c)
{
    crp_store(c->vm, crp_object_of(c->self), &crpi_reference_of(c->self)->object, c->args[0]);
    return CRP_OK;
}

static crp_status reference_get(crp_call *c)
{
    c->result = crpi_reference_of(c->self)->object;
    return CRP_OK;
}

static crp_status reference_copy(crp_call *c)
{
    crp_status st = crp_new_object(c->vm, CRP_REFERENCE, &c->result);
    if (!st) crpi_reference_of(c->result)->object = crpi_reference_of(c->self)->object;
    return st;
}

static const crp_property reference_properties[] = {
    {"object", "Object", CRP_RW, offsetof(crpi_reference, object), NULL, NULL,
     "what it refers to; anything, () too\n"
     "r.object                          # --> (1 2)",
     NULL, NULL},
    {0},
};

static const crp_method reference_methods[] = {
    ROW("get", "Object", reference_get,
        "What it refers to.\n"
        "(r.get)                           # --> (1 2)"),
    ROW("set", "NIL object", reference_create,
        "Makes it refer to something else.\n"
        "(do (r.set 5) r.object)           # --> 5"),
    ROW("copy", "Reference", reference_copy,
        "Another Reference to the same.\n"
        "(== (r.copy) r)                   # --> true"),
    ROW("==", "Object other", crpi_lib_eq,
        "true if the other one is a Reference to the same object; numbers, Strings, Symbols and Binaries "
        "are the same if "
        "they are equal.\n"
        "(== (create Reference 5) r)       # --> true"),
    ROW("!=", "Object other", crpi_lib_ne,
        "() where == gives true, else true.\n"
        "(!= (create Reference 6) r)       # --> true"),
    {0},
};

static const crp_method reference_creator = ROW("Reference", "NIL (object Object NIL)", reference_create,
                                                "What it shall refer to.");

static const crp_class_def reference_class = {
    .size = sizeof(crp_class_def),
    .name = "Reference",
    .help = "Refers to a value, and can be made to refer to another one: so functions can share a place to put "
            "something, "
            "and `==` of two References tells whether they mean the same object, not only one with the same "
            "contents. As a "
            "key in a HashTable it is itself and nothing else.\n"
            "(set items (list 1 2))\n"
            "(set r (create Reference items))\n"
            "(== r (create Reference items))         # --> true\n"
            "(== r (create Reference (list 1 2)))    # --> ()",
    .instance_size = sizeof(crpi_reference),
    .properties = reference_properties,
    .methods = reference_methods,
    .creator = &reference_creator,
};

crp_status crpi_lib_object(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_functions(vm, functions);
    return st ? st : crp_define_class(vm, &reference_class, &id);
}
