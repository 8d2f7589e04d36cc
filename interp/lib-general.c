/* floor 7: what holds for values of any class: showing, comparing, length, emptiness, joining.
 *
 * The functions here work on the built-in classes by themselves; for any other object they call its method of
 * the same name.
 */
#include "lib.h"

#include <string.h>
#include "map.h"
#include "printer.h"
#include "str.h"
#include "value.h"

/* --- arguments and results ------------------------------------------------------------------------------ */

crp_status crpi_lib_index(crp *vm, crp_word index, size_t count, size_t *out)
{
    int64_t i = crp_integer_value(index);
    if (i >= 0 && (uint64_t)i < count) {
        *out = (size_t)i;
        return CRP_OK;
    }
    if (count == 0)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "index %ld out of range: it is empty",
                         (long)i);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "index %ld out of range: 0 to %zu", (long)i,
                     count - 1);
}

crp_status crpi_lib_range(crp *vm, crp_word from, crp_word count, size_t length, size_t *at, size_t *n)
{
    int64_t start = crp_integer_value(from), want = count == CRP_UNSET ? INT64_MAX : crp_integer_value(count);
    if (start < 0 || (uint64_t)start > length)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "start %ld out of range: 0 to %zu",
                         (long)start, length);
    if (want < 0)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "count %ld out of range: it is negative",
                         (long)want);
    *at = (size_t)start;
    *n = (uint64_t)want < length - *at ? (size_t)want : length - *at;
    return CRP_OK;
}

crp_status crpi_lib_between(crp *vm, const char *what, crp_word w, int64_t least, int64_t most, int64_t *out)
{
    *out = crp_integer_value(w);
    if (*out >= least && *out <= most) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%s must be from %ld to %ld, given %ld", what,
                     (long)least, (long)most, (long)*out);
}

crp_status crpi_lib_bytes(crp *vm, crp_word w, const char **bytes, size_t *n)
{
    const unsigned char *b;
    if (!crp_bytes(w, &b, n))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "expected a String, Binary or Buffer, given %n %v", w, w);
    *bytes = (const char *)b;
    return CRP_OK;
}

crp_status crpi_lib_name(crp *vm, crp_word w, const char **text, size_t *n)
{
    if (crp_is_string(w)) *text = crp_string_data(w, n);
    else if (crp_is_symbol(w)) *text = crp_symbol_name(vm, w, n);
    else
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected a Symbol or String, given %n %v", w, w);
    return CRP_OK;
}

crp_status crpi_lib_path(crp *vm, crp_word w, const char **path)
{
    crp_status st = crp_c_string(vm, w, path);
    if (st) return st;
    return **path ? CRP_OK : crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "the file name is empty");
}

crp_status crpi_lib_finish(crp *vm, crpi_buf *b, uint32_t class_id, crp_word *out)
{
    if (b->failed || b->overflow) {
        crpi_buf_free(b);
        return crp_no_memory(vm);
    }
    crp_status st = crpi_str_take(vm, class_id, b->bytes, b->length, b->capacity, out);
    crpi_buf_init(b, &vm->mem, b->cap);
    return st;
}

void crpi_lib_show(crp *vm, crpi_buf *b, crp_word w, bool raw)
{
    const unsigned char *bytes;
    size_t n;
    if ((raw || crp_is_string(w)) && crp_bytes(w, &bytes, &n)) crpi_buf_put(b, bytes, n);
    else crpi_print(vm, b, w, CRPI_DISPLAY, 0);
}

/* --- rows of many classes ------------------------------------------------------------------------------- */

crp_status crpi_lib_eq(crp_call *c)
{
    c->result = crp_bool(crp_equal(c->vm, c->self, c->args[0]));
    return CRP_OK;
}

crp_status crpi_lib_ne(crp_call *c)
{
    c->result = crp_bool(!crp_equal(c->vm, c->self, c->args[0]));
    return CRP_OK;
}

/* `wanted` has bit 0 for less, bit 1 for equal, bit 2 for greater; NaN is none of them. */
static crp_status order(crp_call *c, unsigned wanted)
{
    int sign;
    crp_status st = crpi_compare(c->vm, c->self, c->args[0], &sign);
    if (st) return st;
    c->result = crp_bool(sign <= 1 && (wanted >> (sign + 1) & 1));
    return CRP_OK;
}

crp_status crpi_lib_lt(crp_call *c) { return order(c, 1); }
crp_status crpi_lib_le(crp_call *c) { return order(c, 3); }
crp_status crpi_lib_gt(crp_call *c) { return order(c, 4); }
crp_status crpi_lib_ge(crp_call *c) { return order(c, 6); }

crp_status crpi_lib_self(crp_call *c)
{
    c->result = c->self;
    return CRP_OK;
}

crp_status crpi_lib_as_string(crp_call *c) { return crp_to_string(c->vm, c->self, false, &c->result); }

/* --- printing ------------------------------------------------------------------------------------------- */

static crp_status print_with(crp_call *c, const char *after)
{
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (uint32_t i = 0; i < c->count; i++) {
        crpi_lib_show(c->vm, &b, c->args[i], false);
        crpi_buf_text(&b, after);
    }
    bool whole = !b.failed && !b.overflow;
    if (whole && b.length && c->vm->write) c->vm->write(c->vm->write_ud, 1, b.bytes, b.length);
    crpi_buf_free(&b);
    return whole ? CRP_OK : crp_no_memory(c->vm);
}

static crp_status print(crp_call *c) { return print_with(c, "\n"); }
static crp_status print_aux(crp_call *c) { return print_with(c, ""); }

/* --- length, emptiness, reversing ----------------------------------------------------------------------- */

/* How many things a value of a built-in class holds; false for a class that holds none. */
static bool built_in_length(crp *vm, crp_word w, size_t *n, crp_status *st)
{
    const unsigned char *bytes;
    *st = CRP_OK;
    if (w == CRP_NIL || crp_is_pair(w)) *st = crpi_lib_list_length(vm, w, n);
    else if (crp_bytes(w, &bytes, n)) return true;
    else if (crp_is_symbol(w)) crp_symbol_name(vm, w, n);
    else if (crp_is_a(w, CRP_ARRAY)) *n = crpi_array_of(w)->count;
    else if (crp_is_a(w, CRP_HASHTABLE)) *n = crpi_map_of(w)->live;
    else return false;
    return true;
}

/* The object's own method of this name, and then its value. */
static crp_status ask_object(crp_call *c, const char *name)
{
    crp_word method;
    if (c->step++ == 1) {
        c->result = c->value;
        return CRP_OK;
    }
    crp_status st = crp_symbol(c->vm, name, strlen(name), &method);
    return st ? st : crp_then_send(c, c->args[0], method, NULL, 0);
}

static bool has_own(crp *vm, crp_word w, const char *name)
{
    crp_word symbol;
    return crp_is_object(w) && crpi_symbol_find(&vm->symbols, name, strlen(name), &symbol) &&
           crp_has_method(vm, w, symbol);
}

static crp_status no_such_notion(crp_call *c, const char *what)
{
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "%s: expected something with a %s, given %n %v", what, what, c->args[0], c->args[0]);
}

static crp_status length(crp_call *c)
{
    size_t n = 0;
    crp_status st;
    if (c->step == 0 && built_in_length(c->vm, c->args[0], &n, &st))
        return st ? st : crp_integer(c->vm, (int64_t)n, &c->result);
    if (c->step > 0 || has_own(c->vm, c->args[0], "length")) return ask_object(c, "length");
    return no_such_notion(c, "length");
}

static crp_status is_empty(crp_call *c)
{
    size_t n = 1;
    crp_status st = CRP_OK;
    crp_word w = c->args[0];
    bool known = crp_is_pair(w) || (c->step == 0 && built_in_length(c->vm, w, &n, &st));
    if (!known && (c->step > 0 || has_own(c->vm, w, "isEmpty"))) return ask_object(c, "isEmpty");
    c->result = crp_bool(n == 0);
    return st;
}

static crp_status reversed_bytes(crp *vm, crp_word binary, crp_word *out)
{
    size_t n;
    const unsigned char *bytes = crp_binary_data(binary, &n);
    char *room;
    crp_status st = crpi_str_room(vm, CRP_BINARY, n, &room, out);
    for (size_t i = 0; !st && i < n; i++) room[i] = (char)bytes[n - 1 - i];
    return st;
}

static crp_status reverse(crp_call *c)
{
    crp_word w = c->args[0];
    if (c->step > 0) return ask_object(c, "reverse");
    if (w == CRP_NIL || crp_is_pair(w)) return crpi_lib_list_reverse(c->vm, w, &c->result);
    if (crp_is_string(w)) return crpi_lib_string_reverse(c->vm, w, &c->result);
    if (crp_is_a(w, CRP_BINARY)) return reversed_bytes(c->vm, w, &c->result);
    if (crp_is_a(w, CRP_ARRAY)) return crpi_lib_array_reverse(c->vm, w, &c->result);
    if (has_own(c->vm, w, "reverse")) return ask_object(c, "reverse");
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "reverse: expected a List, String, Binary or Array, given %n %v", w, w);
}

/* --- joining -------------------------------------------------------------------------------------------- */

static bool is_list(crp_word w) { return w == CRP_NIL || crp_is_pair(w); }

/* What all the items are, if they are all of one kind: that decides what they join to. */
static bool all_of(crp_word list, bool (*kind)(crp_word))
{
    for (; crp_is_pair(list); list = crp_tail(list))
        if (!kind(crp_head(list))) return false;
    return true;
}

static bool is_binary(crp_word w) { return crp_is_a(w, CRP_BINARY) || crp_is_a(w, CRP_BUFFER); }

static crp_status join_list(crp *vm, crp_word list, crp_word between, crp_word *out)
{
    const char *text = "";
    size_t n = 0, count;
    crp_status st = crpi_lib_list_length(vm, list, &count);
    if (st) return st;
    if (between != CRP_UNSET) text = crp_string_data(between, &n);
    else if (list != CRP_NIL && all_of(list, is_list)) return crpi_lib_list_join(vm, list, out);
    uint32_t class_id = list != CRP_NIL && all_of(list, is_binary) ? CRP_BINARY : CRP_STRING;
    crpi_buf b;
    crpi_buf_init(&b, &vm->mem, CRPI_LIB_CAP);
    for (; crp_is_pair(list); list = crp_tail(list)) {
        crpi_lib_show(vm, &b, crp_head(list), true);
        if (crp_is_pair(crp_tail(list))) crpi_buf_put(&b, text, n);
    }
    return crpi_lib_finish(vm, &b, class_id, out);
}

crp_status crpi_lib_join(crp *vm, crp_word items, crp_word between, crp_word *out)
{
    if (!crp_is_a(items, CRP_ARRAY)) return join_list(vm, items, between, out);
    crp_status st = crp_list(vm, crpi_array_of(items)->items, crpi_array_of(items)->count, &items);
    return st ? st : join_list(vm, items, between, out);
}

static crp_status join(crp_call *c) { return crpi_lib_join(c->vm, c->args[0], c->args[1], &c->result); }

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("print", "NIL ...", print,
        "Writes its arguments to standard output, each on a line of its own: a String as it is, in a List "
        "with quotes and "
        "escapes; a Real with .0 at least; a Binary as 0x\"...\"; an object as #<Class ...> with its "
        "properties that are "
        "simple and no secret.\n"
        "(print \"a b\" (list 1 \"a b\"))  # prints: a b\n"
        "                               # prints: (1 \"a b\")\n"
        "(print (create Reference 5))    # prints: #<Reference object 5>"),
    ROW("printAux", "NIL ...", print_aux,
        "Writes its arguments to standard output as print does, with nothing between or after them.\n"
        "(do (printAux \"a\" 1) (print \".\"))  # prints: a1."),
    ROW("length", "Integer value", length,
        "The length: items of a List or Array, bytes of a String, Symbol, Binary or Buffer, entries of a "
        "HashTable; else "
        "what the object's own method length gives. 1.2 for a List that is a cycle, 1.11 for what has no "
        "length.\n"
        "(list (length \"abc\") (length '(1 2)) (length ()))  # --> (3 2 0)\n"
        "(length 5)                     # error: 1.11"),
    ROW("isEmpty", "Object value", is_empty,
        "true if there is nothing in the value: (), \"\", a table without entries. A class's own method "
        "isEmpty decides for "
        "its objects; a value without such a notion is not empty.\n"
        "(list (isEmpty \"\") (isEmpty (list 1)) (isEmpty 0))  # --> (true () ())"),
    ROW("reverse", "Object value", reverse,
        "The same in reverse order, as a new value: items of a List or Array, characters of a String, bytes "
        "of a Binary; "
        "else what the object's own method reverse gives. 1.2 for a List that is a cycle, 1.11 for what has "
        "no order.\n"
        "(list (reverse '(1 2 3)) (reverse \"abc\"))  # --> ((3 2 1) \"cba\")"),
    ROW("join", "Object (items List|Array) (between String ?)", join,
        "The items joined together. Lists, if all of them are, make a List; Binaries and Buffers a Binary; "
        "anything else a "
        "String, each item as print shows it, bytes as they are, with `between` between them. 1.2 for a "
        "List that is a "
        "cycle.\n"
        "(join (list \"a\" 1 'b) \", \")     # --> \"a, 1, b\"\n"
        "(join (list '(1 2) '(3)))        # --> (1 2 3)"),
    {0},
};

crp_status crpi_lib_general(crp *vm) { return crp_define_functions(vm, functions); }
