/* floor 7: functions of numbers: bits, rounding, roots, logarithms, angles.
 *
 * What is whole stays an Integer: abs min max pow of Integers, and floor ceil round trunc of anything.  The
 * others give Reals, with IEEE's infinities and nan where mathematics has no answer.
 */
#include "lib.h"

#include <math.h>
#include "value.h"
#include "vm.h"

/* --- bits ----------------------------------------------------------------------------------------------- */

static crp_status no_integer(crp *vm, crp_word w)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected an Integer, given %n %v", w, w);
}

static crp_status fold_bits(crp_call *c, char op)
{
    int64_t r = crp_integer_value(c->args[0]);
    for (uint32_t i = 1; i < c->count; i++) {
        if (!crp_is_integer(c->args[i])) return no_integer(c->vm, c->args[i]);
        int64_t b = crp_integer_value(c->args[i]);
        r = op == '&' ? r & b : op == '|' ? r | b : r ^ b;
    }
    return crp_integer(c->vm, r, &c->result);
}

static crp_status bit_and(crp_call *c) { return fold_bits(c, '&'); }
static crp_status bit_or(crp_call *c) { return fold_bits(c, '|'); }
static crp_status bit_xor(crp_call *c) { return fold_bits(c, '^'); }
static crp_status bit_not(crp_call *c)
{
    return crp_integer(c->vm, ~crp_integer_value(c->args[0]), &c->result);
}

static crp_status shift_left(crp_call *c)
{
    int64_t value = crp_integer_value(c->args[0]), count;
    crp_status st = crpi_lib_between(c->vm, "count of <<", c->args[1], 0, 63, &count);
    if (st) return st;
    int64_t r = (int64_t)((uint64_t)value << count);
    if (r >> count != value)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow: (<< %ld %ld)",
                         (long)value, (long)count);
    return crp_integer(c->vm, r, &c->result);
}

static crp_status shift_right(crp_call *c)
{
    int64_t count;
    crp_status st = crpi_lib_between(c->vm, "count of >>", c->args[1], 0, 63, &count);
    return st ? st : crp_integer(c->vm, crp_integer_value(c->args[0]) >> count, &c->result);
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static crp_status absolute(crp_call *c)
{
    crp_word w = c->args[0];
    if (!crp_is_integer(w)) return crp_real(c->vm, fabs(crp_real_value(w)), &c->result);
    int64_t i = crp_integer_value(w);
    if (i == INT64_MIN)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow: (abs %ld)", (long)i);
    return crp_integer(c->vm, i < 0 ? -i : i, &c->result);
}

/* Whether `a` is the one to keep, of numbers by value; nan is never kept while there is a number. */
static crp_status is_better(crp *vm, crp_word a, crp_word b, bool greatest, bool *better)
{
    int order = 0;
    crp_status st = crpi_compare(vm, a, b, &order);
    *better = order == 2 ? isnan(crp_real_value(b)) : greatest ? order > 0 : order < 0;
    return st;
}

static crp_status extreme(crp_call *c, bool greatest)
{
    c->result = c->args[0];
    for (uint32_t i = 1; i < c->count; i++) {
        crp_word w = c->args[i];
        if (!crp_is_integer(w) && !crp_is_real(w))
            return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                             "expected an Integer or a Real, given %n %v", w, w);
        bool better;
        crp_status st = is_better(c->vm, w, c->result, greatest, &better);
        if (st) return st;
        if (better) c->result = w;
    }
    return CRP_OK;
}

static crp_status least(crp_call *c) { return extreme(c, false); }
static crp_status greatest(crp_call *c) { return extreme(c, true); }

static crp_status whole(crp_call *c, double (*rounded)(double))
{
    c->result = c->args[0];
    return crp_is_integer(c->args[0])
               ? CRP_OK
               : crpi_lib_truncate(c->vm, rounded(crp_real_value(c->args[0])), &c->result);
}

static crp_status floor_of(crp_call *c) { return whole(c, floor); }
static crp_status ceil_of(crp_call *c) { return whole(c, ceil); }
static crp_status round_of(crp_call *c) { return whole(c, round); }
static crp_status trunc_of(crp_call *c) { return whole(c, trunc); }

/* By squaring; false when a product does not fit. */
static bool integer_power(int64_t base, int64_t exponent, int64_t *out)
{
    *out = 1;
    while (true) {
        if ((exponent & 1) && __builtin_mul_overflow(*out, base, out)) return false;
        exponent >>= 1;
        if (exponent == 0) return true;
        if (__builtin_mul_overflow(base, base, &base)) return false;
    }
}

static crp_status power(crp_call *c)
{
    crp_word a = c->args[0], b = c->args[1];
    int64_t r;
    if (!crp_is_integer(a) || !crp_is_integer(b) || crp_integer_value(b) < 0)
        return crp_real(c->vm, pow(crp_real_value(a), crp_real_value(b)), &c->result);
    if (!integer_power(crp_integer_value(a), crp_integer_value(b), &r))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow: (pow %ld %ld)",
                         (long)crp_integer_value(a), (long)crp_integer_value(b));
    return crp_integer(c->vm, r, &c->result);
}

/* The two bases that have a function of their own are exact for their powers. */
static crp_status log_of(crp_call *c)
{
    double x = crp_real_value(c->args[0]), base = crpi_lib_given(c, 1) ? crp_real_value(c->args[1]) : 0;
    double d = !crpi_lib_given(c, 1) ? log(x)
               : base == 2           ? log2(x)
               : base == 10          ? log10(x)
                                     : log(x) / log(base);
    return crp_real(c->vm, d, &c->result);
}

static crp_status atan_of(crp_call *c)
{
    double y = crp_real_value(c->args[0]);
    return crp_real(c->vm, crpi_lib_given(c, 1) ? atan2(y, crp_real_value(c->args[1])) : atan(y), &c->result);
}

/* A function of one Real. */
#define REAL_FUNCTION(name, function) \
    static crp_status name(crp_call *c) \
    { \
        return crp_real(c->vm, function(crp_real_value(c->args[0])), &c->result); \
    }

REAL_FUNCTION(sqrt_of, sqrt)
REAL_FUNCTION(exp_of, exp)
REAL_FUNCTION(log10_of, log10)
REAL_FUNCTION(log2_of, log2)
REAL_FUNCTION(sin_of, sin)
REAL_FUNCTION(cos_of, cos)
REAL_FUNCTION(tan_of, tan)
REAL_FUNCTION(asin_of, asin)
REAL_FUNCTION(acos_of, acos)

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("&", "Integer (x Integer) ...", bit_and,
        "The bits that all its Integers have; 1.11 for a Real.\n"
        "(& 12 10)  # --> 8\n"
        "(& 1 2.0)  # error: 1.11"),
    ROW("|", "Integer (x Integer) ...", bit_or,
        "The bits that any of its Integers has; 1.11 for a Real.\n(| 12 10)  # --> 14"),
    ROW("^", "Integer (x Integer) ...", bit_xor,
        "The bits that an odd number of its Integers have; 1.11 for a Real.\n(^ 12 10)  # --> 6"),
    ROW("~", "Integer (x Integer)", bit_not, "All bits turned around.\n(~ 0)  # --> -1"),
    ROW("<<", "Integer (x Integer) (count Integer)", shift_left,
        "Shifted to the left by 0 to 63 bits (1.8 for another count); 1.14 if the result does not fit, so "
        "this is x times 2 to the power of count.\n"
        "(<< 1 10)  # --> 1024\n"
        "(<< 1 63)  # error: 1.14\n"
        "(<< 1 64)  # error: 1.8"),
    ROW(">>", "Integer (x Integer) (count Integer)", shift_right,
        "Shifted to the right by 0 to 63 bits (1.8 for another count); the sign stays.\n"
        "(>> -8 1)   # --> -4\n"
        "(>> -1 63)  # --> -1"),
    ROW("abs", "Object (x Integer|Real)", absolute,
        "The number without its sign; 1.14 for the least Integer.\n"
        "(abs -3)    # --> 3\n"
        "(abs -2.5)  # --> 2.5"),
    ROW("min", "Object (x Integer|Real) ...", least,
        "The least of its numbers, as it was given; of equal ones the first. nan only if all are.\n"
        "(min 3 1.5 2)  # --> 1.5"),
    ROW("max", "Object (x Integer|Real) ...", greatest,
        "The greatest of its numbers, as it was given; of equal ones the first. nan only if all are.\n"
        "(max 3 1.5 2)  # --> 3\n"
        "(max 9007199254740992.0 9007199254740993)  # --> 9007199254740993"),
    ROW("floor", "Integer (x Integer|Real)", floor_of,
        "The greatest Integer that is not greater; 1.14 if it does not fit 64 bits, 1.8 for nan.\n"
        "(floor -2.5)  # --> -3"),
    ROW("ceil", "Integer (x Integer|Real)", ceil_of,
        "The least Integer that is not less; 1.14 if it does not fit 64 bits, 1.8 for nan.\n"
        "(ceil -2.5)  # --> -2"),
    ROW("round", "Integer (x Integer|Real)", round_of,
        "The nearest Integer; halves go away from zero. 1.14 if it does not fit 64 bits, 1.8 for nan.\n"
        "(round 2.5)   # --> 3\n"
        "(round -2.5)  # --> -3\n"
        "(round 1e30)  # error: 1.14"),
    ROW("trunc", "Integer (x Integer|Real)", trunc_of,
        "The number without its fraction; 1.14 if it does not fit 64 bits, 1.8 for nan.\n"
        "(trunc -2.5)  # --> -2"),
    ROW("pow", "Object (x Integer|Real) (y Integer|Real)", power,
        "x to the power of y: an Integer if both are and y is not negative (1.14 if it does not fit), else "
        "a Real.\n"
        "(pow 2 62)   # --> 4611686018427387904\n"
        "(pow 2 -1)   # --> 0.5\n"
        "(pow 10 19)  # error: 1.14"),
    ROW("sqrt", "Real (x Integer|Real)", sqrt_of,
        "The square root; nan of a negative number.\n(sqrt 9)   # --> 3.0\n(sqrt -1)  # --> nan"),
    ROW("exp", "Real (x Integer|Real)", exp_of,
        "e to the power of x.\n(exp 0)     # --> 1.0\n(exp 1000)  # --> inf"),
    ROW("log", "Real (x Integer|Real) (base Integer|Real ?)", log_of,
        "The natural logarithm, or that of the given base; -inf of 0, nan of a negative number.\n"
        "(log 1)        # --> 0.0\n"
        "(log 1000 10)  # --> 3.0"),
    ROW("log10", "Real (x Integer|Real)", log10_of,
        "The logarithm to the base 10, as log.\n(log10 1000)  # --> 3.0"),
    ROW("log2", "Real (x Integer|Real)", log2_of,
        "The logarithm to the base 2, as log.\n(log2 8)  # --> 3.0"),
    ROW("sin", "Real (x Integer|Real)", sin_of, "The sine of an angle in radians.\n(sin 0)  # --> 0.0"),
    ROW("cos", "Real (x Integer|Real)", cos_of, "The cosine of an angle in radians.\n(cos 0)  # --> 1.0"),
    ROW("tan", "Real (x Integer|Real)", tan_of, "The tangent of an angle in radians.\n(tan 0)  # --> 0.0"),
    ROW("asin", "Real (x Integer|Real)", asin_of,
        "The angle in radians of which x is the sine; nan outside -1 to 1.\n"
        "(asin 0)  # --> 0.0\n"
        "(asin 2)  # --> nan"),
    ROW("acos", "Real (x Integer|Real)", acos_of,
        "The angle in radians of which x is the cosine; nan outside -1 to 1.\n"
        "(acos -1)  # --> 3.141592653589793"),
    ROW("atan", "Real (y Integer|Real) (x Integer|Real ?)", atan_of,
        "The angle in radians of which y is the tangent; with x that of the point (x, y), in the right "
        "quadrant.\n"
        "(atan 1)     # --> 0.7853981633974483\n"
        "(atan 1 -1)  # --> 2.356194490192345"),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_math(crp *vm)
{
    crp_status st = crp_define_functions(vm, functions);
    vm->quick = crpi_quick_ways;
    if (!st) crpi_lib_quick_functions(vm);
    return st;
}
