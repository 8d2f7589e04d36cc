/* floor 7: JSON as two functions. */
#include "lib.h"

#include <string.h>
#include "json.h"

static crp_status json_read(crp_call *c)
{
    return crpi_json_read(c->vm, c->args[0], c->args[1], c->args[2], &c->result);
}

static crp_status read_empty(crp_call *c, enum crpi_json_empty *out)
{
    static const char *const names[] = {"null", "false", "array"};
    size_t n;
    const char *text;
    *out = CRPI_JSON_NULL;
    if (!crpi_lib_given(c, 2)) return CRP_OK;
    crp_status st = crpi_lib_name(c->vm, c->args[2], &text, &n);
    if (st) return st;
    for (int i = 0; i < 3; i++)
        if (n == strlen(names[i]) && memcmp(text, names[i], n) == 0) {
            *out = (enum crpi_json_empty)i;
            return CRP_OK;
        }
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "empty: expected null, false or array, given %v", c->args[2]);
}

static crp_status json_write(crp_call *c)
{
    int64_t indent;
    enum crpi_json_empty empty;
    crp_status st = crpi_lib_between(c->vm, "indent", c->args[1], 0, CRPI_JSON_INDENT, &indent);
    if (!st) st = read_empty(c, &empty);
    return st ? st : crpi_json_write(c->vm, c->args[0], (unsigned)indent, empty, &c->result);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("jsonRead", "Object (text String|Binary) (nullValue Object ()) (falseValue Object ())", json_read,
        "The value of a JSON text: a HashTable, whose keys are in the order of the text, an Array, a "
        "String, an Integer, a Real or true; null and false are () or what the further arguments say. A "
        "number without fraction and exponent that fits 64 bits is an Integer, any other a Real; one "
        "beyond the largest Real is 8.3. Of a key that comes twice the last value counts. What is no JSON "
        "is an error of class 8 with line and column: 8.1 the text ends too early, 8.3 a number, 8.4 an "
        "escape (half a surrogate pair too), 8.5 any other character. Only memory limits the depth "
        "(1.16).\n"
        "(jsonRead \"{\\\"a\\\": [1, 2.5, null]}\")           # --> #<HashTable ((\"a\" #<Array (1 2.5 "
        "())>))>\n"
        "(jsonRead \"[null, false]\" 'null 'false)  # --> #<Array (null false)>\n"
        "(jsonRead \"[1, ]\")                       # error: 8.5"),
    ROW("jsonWrite", "String (value Object) (indent Integer 0) (empty Symbol|String ?)", json_write,
        "The JSON text of a value: in one line, or with each item on a line of its own, moved in by "
        "`indent` spaces a level (0 to 32). A HashTable, in its order, and a script object, by its public "
        "properties that are not secret, become objects, an Array or List an array; the Symbols true, "
        "false and null the literals, other Symbols strings, a Time its ISO 8601 text; () what `empty` "
        "says: null, false or array. Keys are Strings, Symbols or numbers. 1.8 for nan, the infinities, a "
        "String that is not UTF-8, a Binary, which has no one form, any other object, and more than 1 GiB; "
        "1.2 for a value that holds itself.\n"
        "(jsonWrite (list 1 2.5 \"a\" 'true ()))  # --> \"[1,2.5,\\\"a\\\",true,null]\"\n"
        "(print (jsonWrite (jsonRead \"{\\\"a\\\":1}\") 2))\n"
        "# prints: {\n"
        "# prints:   \"a\": 1\n"
        "# prints: }\n"
        "(jsonWrite () 0 'array)  # --> \"[]\""),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_json(crp *vm) { return crp_define_functions(vm, functions); }
