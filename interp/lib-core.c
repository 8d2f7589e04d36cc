/* floor 7: what the compiler has instructions for, as functions, and what calls functions: apply, createAux,
 * throw.
 *
 * (apply + '(1 2)) must mean what (+ 1 2) does, so the functions here follow the instructions: numbers are
 * dealt with at once, and an object whose class brings an operator of its own is asked.
 */
#include "lib.h"

#include <string.h>
#include "cells.h"
#include "value.h"
#include "vm.h"

/* --- arithmetic ----------------------------------------------------------------------------------------- */

static bool has_operator(crp *vm, crp_word object, crp_word name)
{
    return crp_is_object(object) && !crpi_is_number(object) && crp_has_method(vm, object, name);
}

/* One argument: - negates, / inverts, the others only see that it is a number. */
static crp_status single(crp_call *c, int op)
{
    crp_word x = c->args[0], zero = crp_fixnum(0), one = crp_fixnum(1);
    if (op == CRPI_OP_SUB && crp_is_real(x))
        return crpi_arithmetic(c->vm, CRPI_OP_MUL, x, crp_fixnum(-1), &c->result);
    if (op == CRPI_OP_SUB) return crpi_arithmetic(c->vm, op, zero, x, &c->result);
    if (op == CRPI_OP_DIV) return crpi_arithmetic(c->vm, op, one, x, &c->result);
    return crpi_arithmetic(c->vm, op, x, op == CRPI_OP_MUL ? one : zero, &c->result);
}

/* From left to right; `step` is the argument that comes next, or whose operator was asked. */
static crp_status fold(crp_call *c, int op, crp_word name)
{
    if (c->count == 1) return single(c, op);
    c->result = c->step == 0 ? c->args[0] : c->value;
    for (c->step++; c->step < c->count; c->step++) {
        const crp_word *next = &c->args[c->step];
        if (has_operator(c->vm, c->result, name)) return crp_then_send(c, c->result, name, next, 1);
        crp_status st = crpi_arithmetic(c->vm, op, c->result, *next, &c->result);
        if (st) return st;
    }
    return CRP_OK;
}

static crp_status plus(crp_call *c) { return fold(c, CRPI_OP_ADD, CRPI_WORD_OF(PLUS)); }
static crp_status minus(crp_call *c) { return fold(c, CRPI_OP_SUB, CRPI_WORD_OF(MINUS)); }
static crp_status times(crp_call *c) { return fold(c, CRPI_OP_MUL, CRPI_WORD_OF(TIMES)); }
static crp_status divide(crp_call *c) { return fold(c, CRPI_OP_DIV, CRPI_WORD_OF(DIVIDE)); }
static crp_status rest(crp_call *c) { return fold(c, CRPI_OP_REM, CRPI_WORD_OF(REMAINDER)); }

/* --- comparing ------------------------------------------------------------------------------------------ */

/* Whether the first argument's class, or by the mirrored operator the second's, decides; objects of different
 * classes are never asked. */
static bool ask(crp_call *c, crp_word name, crp_word mirrored, crp_status *st)
{
    crp_word a = c->args[0], b = c->args[1];
    if (crp_class_of(a) < CRP_FIRST_FREE_CLASS || crp_class_of(a) != crp_class_of(b)) return false;
    if (has_operator(c->vm, a, name))
        *st = crp_then_send(c, a, name, &c->args[1], 1);
    else if (has_operator(c->vm, b, mirrored))
        *st = crp_then_send(c, b, mirrored, &c->args[0], 1);
    else
        return false;
    return true;
}

static crp_status equality(crp_call *c, bool wanted)
{
    crp_status st;
    bool same;
    if (c->step++ > 0)
        same = crp_is_true(c->value);
    else if (ask(c, CRPI_WORD_OF(EQ), CRPI_WORD_OF(EQ), &st))
        return st;
    else
        same = crp_equal(c->vm, c->args[0], c->args[1]);
    c->result = crp_bool(same == wanted);
    return CRP_OK;
}

static crp_status equal(crp_call *c) { return equality(c, true); }
static crp_status unequal(crp_call *c) { return equality(c, false); }

/* `wanted` has bit 0 for less, bit 1 for equal, bit 2 for greater; NaN is none of them. */
static crp_status order(crp_call *c, unsigned wanted, crp_word name, crp_word mirrored)
{
    crp_status st;
    int sign;
    if (c->step++ > 0) {
        c->result = crp_bool(crp_is_true(c->value));
        return CRP_OK;
    }
    if (ask(c, name, mirrored, &st)) return st;
    st = crpi_compare(c->vm, c->args[0], c->args[1], &sign);
    if (!st) c->result = crp_bool(sign <= 1 && (wanted >> (sign + 1) & 1));
    return st;
}

static crp_status less(crp_call *c) { return order(c, 1, CRPI_WORD_OF(LT), CRPI_WORD_OF(GT)); }
static crp_status less_or_equal(crp_call *c) { return order(c, 3, CRPI_WORD_OF(LE), CRPI_WORD_OF(GE)); }
static crp_status greater(crp_call *c) { return order(c, 4, CRPI_WORD_OF(GT), CRPI_WORD_OF(LT)); }
static crp_status greater_or_equal(crp_call *c) { return order(c, 6, CRPI_WORD_OF(GE), CRPI_WORD_OF(LE)); }

static crp_status not(crp_call * c)
{
    c->result = crp_bool(!crp_is_true(c->args[0]));
    return CRP_OK;
}

/* --- pairs ---------------------------------------------------------------------------------------------- */

static crp_status cons(crp_call *c) { return crp_cons(c->vm, c->args[0], c->args[1], &c->result); }

static crp_status empty(crp_call *c, const char *name)
{
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%s: the List is empty", name);
}

static crp_status head_of(crp_call *c)
{
    if (!crp_is_pair(c->args[0])) return empty(c, "headOf");
    c->result = crp_head(c->args[0]);
    return CRP_OK;
}

static crp_status tail_of(crp_call *c)
{
    if (!crp_is_pair(c->args[0])) return empty(c, "tailOf");
    c->result = crp_tail(c->args[0]);
    return CRP_OK;
}

static crp_status list(crp_call *c) { return crp_list(c->vm, c->args, c->count, &c->result); }

/* --- apply ---------------------------------------------------------------------------------------------- */

static crp_status name_of(crp *vm, crp_word w, const char *what, crp_word *symbol)
{
    size_t length;
    *symbol = w;
    if (crp_is_symbol(w)) return CRP_OK;
    if (!crp_is_string(w))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "expected a Symbol or String that names %s, given %n %v", what, w, w);
    const char *text = crp_string_data(w, &length);
    return crp_symbol(vm, text, length, symbol);
}

crp_status crpi_lib_function(crp *vm, crp_word w, crp_word *function)
{
    crp_word symbol;
    *function = w;
    if (crp_is_a(w, CRP_FUNCTION)) return CRP_OK;
    crp_status st = name_of(vm, w, "a function", &symbol);
    if (st) return st;
    const crpi_name *name = crpi_name_find(vm, symbol);
    if (name && name->function && crp_is_a(vm->cells->values[name->function], CRP_FUNCTION)) {
        *function = vm->cells->values[name->function];
        return CRP_OK;
    }
    if (crpi_is_function_name(vm, symbol))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                         "%p is no function: it gets its arguments unevaluated", symbol);
    return crpi_no_function(vm, symbol);
}

/* The items of a List as arguments. */
static crp_status spread(crp *vm, crp_word items, crp_word *args, size_t *n)
{
    for (*n = 0; crp_is_pair(items); items = crp_tail(items)) {
        if (*n == CRPI_MAX_PARAMETERS)
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d arguments in one call",
                             (int)CRPI_MAX_PARAMETERS);
        args[(*n)++] = crp_head(items);
    }
    return CRP_OK;
}

static crp_status apply(crp_call *c)
{
    crp_word args[CRPI_MAX_PARAMETERS], function;
    size_t n;
    c->result = c->value;
    if (c->step++ > 0) return CRP_OK;
    crp_status st = crpi_lib_function(c->vm, c->args[0], &function);
    if (!st) st = spread(c->vm, c->args[1], args, &n);
    return st ? st : crp_then_call(c, function, args, n);
}

static crp_status object_apply(crp_call *c)
{
    crp_word args[CRPI_MAX_PARAMETERS], name;
    size_t n;
    c->result = c->value;
    if (c->step++ > 0) return CRP_OK;
    crp_status st = name_of(c->vm, c->args[1], "a method", &name);
    if (!st) st = spread(c->vm, c->args[2], args, &n);
    return st ? st : crp_then_send(c, c->args[0], name, args, n);
}

/* --- createAux ------------------------------------------------------------------------------------------ */

/* Whether the last argument is one more than the creator takes, and a List of properties and values. */
static crp_status has_alist(crp_call *c, crp_word creator, bool *out)
{
    const crpi_signature *s;
    *out = c->count > 1 && crpi_is_alist(c->args[c->count - 1]);
    if (!*out || creator == CRP_UNSET) return CRP_OK;
    crp_status st = crpi_function_signature(c->vm, crpi_function_of(creator), &s);
    if (!st) *out = !s->rest && c->count == (uint32_t)s->count + 2;
    return st;
}

static crp_status set_properties(crp_call *c)
{
    return crpi_apply_alist(c->vm, c->result, c->args[c->count - 1]);
}

enum { CREATED = 1, CREATED_WITH_PROPERTIES = 2 };

/* A class of values, such as Real, has no object to be filled: its creator gives the value. */
static crp_status created(crp_call *c)
{
    if (c->result == CRP_NIL) c->result = c->value;
    return c->step == CREATED_WITH_PROPERTIES ? set_properties(c) : CRP_OK;
}

static crp_status create_aux(crp_call *c)
{
    crpi_class *class;
    crp_word creator;
    bool alist;
    if (c->step) return created(c);
    crp_status st = crpi_class_find(c->vm, c->args[0], &class);
    if (!st) st = crpi_creator(c->vm, class->id, &creator);
    if (!st) st = has_alist(c, creator, &alist);
    if (!st) st = crp_new_object(c->vm, class->id, &c->result);
    if (st) return st;
    uint32_t n = c->count - 1 - alist;
    c->step = alist ? CREATED_WITH_PROPERTIES : CREATED;
    if (creator != CRP_UNSET) return crp_then_send(c, c->result, creator, c->args + 1, n);
    if (n > 0)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "create %p: no arguments expected but a List of (property value), %u given",
                         class->name, n);
    return alist ? set_properties(c) : CRP_OK;
}

/* --- ends, names --------------------------------------------------------------------------------------- */

crp_status crpi_lib_stop(crp *vm, int exit_status)
{
    vm->stopped = true;
    vm->exit_status = exit_status;
    if (vm->task && !vm->task->from_c) vm->interrupt = CRPI_STOPPED; /* for the one that C waits for, too */
    return crpi_raise_interrupt(vm, CRPI_STOPPED);
}

static crp_status stop(crp_call *c)
{
    int64_t status;
    crp_status st = crpi_lib_between(c->vm, "stop: the exit status", c->args[0], 0, 255, &status);
    return st ? st : crpi_lib_stop(c->vm, (int)status);
}

static crp_status is_defined(crp_call *c)
{
    crp_word symbol = c->args[0];
    size_t length;
    if (crp_is_string(symbol)) {
        const char *text = crp_string_data(symbol, &length);
        if (!crpi_symbol_find(&c->vm->symbols, text, length, &symbol)) return CRP_OK;
    }
    const crpi_name *name = crpi_name_find(c->vm, symbol);
    c->result = crp_bool(name && name->global && c->vm->cells->values[name->global] != CRP_UNSET);
    return CRP_OK;
}

static crp_status close_object(crp_call *c)
{
    crp_word object = c->args[0];
    if (c->step++ > 0 || object == CRP_NIL) return CRP_OK;
    if (crp_has_method(c->vm, object, CRPI_WORD_OF(CLOSE)))
        return crp_then_send(c, object, CRPI_WORD_OF(CLOSE), NULL, 0);
    if (crp_has_method(c->vm, object, CRPI_WORD_OF(DISCONNECT)))
        return crp_then_send(c, object, CRPI_WORD_OF(DISCONNECT), NULL, 0);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "%n has no method close or disconnect", object);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("+", "Object x ...", plus,
        "The sum, from left to right. Integers give an Integer, 1.14 if it is past 64 bits; with a Real it "
        "is a Real. "
        "Anything else is asked for its method +: a String or Binary joins what follows. 1.11 for what has "
        "none.\n"
        "(+ 1 2 3)                  # --> 6\n"
        "(+ 1 0.5)                  # --> 1.5\n"
        "(+ \"a\" \"b\")                # --> \"ab\"\n"
        "(+ 9223372036854775807 1)  # error: 1.14"),
    ROW("-", "Object x ...", minus,
        "The first argument less the others; one alone is negated. Otherwise as +.\n"
        "(list (- 10 3 2) (- 4))    # --> (5 -4)"),
    ROW("*", "Object x ...", times,
        "The product. Otherwise as +.\n"
        "(* 2 3 0.5)                # --> 3.0"),
    ROW("/", "Object x ...", divide,
        "The first argument divided by the others in turn; one alone is inverted. Between Integers it drops "
        "the "
        "fraction, and dividing by 0 is 1.9; a Real divided by 0.0 is infinite. Otherwise as +.\n"
        "(list (/ 7 2) (/ -7 2) (/ 7 2.0) (/ 2.0))  # --> (3 -3 3.5 0.5)\n"
        "(/ 1 0)                    # error: 1.9"),
    ROW("%", "Object x y", rest,
        "The remainder of a division, with the sign of the first argument. 1.9 for an Integer by 0.\n"
        "(list (% 7 3) (% -7 3) (% 7.5 2))  # --> (1 -1 1.5)"),
    ROW("<", "Object x y", less,
        "true if x comes before y: numbers by value, Strings and Binaries by their bytes, objects of one "
        "class by its "
        "method < (or, with the two exchanged, >). 1.11 for what cannot be ordered.\n"
        "(list (< 1 1.5) (< \"b\" \"a\"))  # --> (true ())\n"
        "(< 1 \"a\")                 # error: 1.11"),
    ROW("<=", "Object x y", less_or_equal,
        "true if x comes before y or is equal to it; otherwise as <.\n"
        "(list (<= 1 1.0) (<= 2 1)) # --> (true ())"),
    ROW(">", "Object x y", greater,
        "true if x comes after y; otherwise as <.\n"
        "(list (> 2 1) (> \"a\" \"b\"))  # --> (true ())"),
    ROW(">=", "Object x y", greater_or_equal,
        "true if x comes after y or is equal to it; otherwise as <.\n"
        "(list (>= 1 1.0) (>= 1 2)) # --> (true ())"),
    ROW("==", "Object x y", equal,
        "true if both have the same contents: numbers by value, Lists, Arrays, HashTables, Buffers, Strings "
        "and "
        "Binaries by what they hold, Errors by class, code and text, References by what they refer to, "
        "other objects "
        "by their class's own method ==, else if they are the same object. What is of two classes is never "
        "equal, but "
        "for numbers.\n"
        "(list (== 1 1.0) (== '(1 (2)) (list 1 (list 2))) (== 'a \"a\"))  # --> (true true ())"),
    ROW("!=", "Object x y", unequal,
        "() where == gives true, else true.\n"
        "(list (!= 1 2) (!= \"a\" \"a\"))  # --> (true ())"),
    ROW("!", "Object x", not,
        "true for (), () for anything else.\n"
        "(list (! ()) (! 0) (! \"\"))  # --> (true () ())"),
    ROW("cons", "List newHead (newTail List)", cons,
        "A List with newHead before the items of newTail, which it shares.\n"
        "(cons 1 (list 2 3))        # --> (1 2 3)"),
    ROW("headOf", "Object (list List)", head_of,
        "The first item; 1.2 if the List is empty.\n"
        "(headOf (list 1 2 3))      # --> 1\n"
        "(headOf ())                # error: 1.2"),
    ROW("tailOf", "List (list List)", tail_of,
        "The List without its first item, not a copy of it; 1.2 if it is empty.\n"
        "(tailOf (list 1 2 3))      # --> (2 3)"),
    ROW("list", "List ...", list,
        "A List of the arguments.\n"
        "(list 1 \"two\" 'three (+ 2 2))  # --> (1 \"two\" three 4)"),
    ROW("apply", "Object function (arguments List)", apply,
        "Calls a function with the items of the List as its arguments, as they are. The function is a "
        "Function, or a "
        "Symbol or String that names one: 1.4 if there is none, 1.2 for a macro or a special form.\n"
        "(apply + (list 1 2 3))     # --> 6\n"
        "(apply 'join '((\"a\" \"b\") \"-\"))  # --> \"a-b\""),
    ROW("objectApply", "Object object method (arguments List)", object_apply,
        "Calls a method of the object by its name, a Symbol or String, with the items of the List as they "
        "are; or reads "
        "a property, with an empty List, or sets it, with one item.\n"
        "(objectApply \"hello\" 'extract (list 1 3))  # --> \"ell\"\n"
        "(objectApply (create Error 6 1) \"code\" ())  # --> 1"),
    ROW("createAux", "Object class ...", create_aux,
        "As create, for a class that is only known at run time: a Symbol, String or Class. 1.4 if there is "
        "none.\n"
        "(set kind \"Buffer\")\n"
        "((createAux kind \"abc\").length)  # --> 3"),
    ROW("stop", "NIL (status Integer 0)", stop,
        "Ends the script, and the program with this exit status (0 to 255). `finally` and `with` still run; "
        "no catch "
        "keeps it from ending. 1.8 for another status.\n"
        "(stop 256)                 # error: 1.8\n"
        "(stop 3)                   # not run"),
    ROW("isDefined", "Object (name Symbol|String)", is_defined,
        "true if the global variable ::name has a value. A Symbol need not be quoted.\n"
        "(set ::port 110)\n"
        "(list (isDefined ::port) (isDefined \"::port\") (isDefined ::host))  # --> (true true ())"),
    ROW("closeObject", "NIL object", close_object,
        "Calls the object's method close, or, if it has none, disconnect: `with` ends so. Nothing to do for "
        "(). 1.4 if "
        "it has neither.\n"
        "(closeObject ())           # --> ()\n"
        "(closeObject \"text\")       # error: 1.4"),
    {0},
};

crp_status crpi_lib_core(crp *vm) { return crp_define_functions(vm, functions); }
