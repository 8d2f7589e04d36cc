/* floor 7: functions of numbers: bits, rounding, roots, logarithms, angles.
 *
 * What is whole stays an Integer: abs min max pow of Integers, and floor ceil round trunc of anything.  The
 * others give Reals, with IEEE's infinities and nan where mathematics has no answer.
 */
#include "lib.h"

#include <math.h>

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

/* Whether `a` is the one to keep. An Integer and a Real compare by value; nan is never kept while there is a
 * number. */
static bool is_better(crp_word a, crp_word b, bool greatest)
{
    if (crp_is_integer(a) && crp_is_integer(b))
        return greatest ? crp_integer_value(a) > crp_integer_value(b)
                        : crp_integer_value(a) < crp_integer_value(b);
    double x = crp_real_value(a), y = crp_real_value(b);
    return isnan(y) || (greatest ? x > y : x < y);
}

static crp_status extreme(crp_call *c, bool greatest)
{
    c->result = c->args[0];
    for (uint32_t i = 1; i < c->count; i++) {
        crp_word w = c->args[i];
        if (!crp_is_integer(w) && !crp_is_real(w))
            return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                             "expected an Integer or a Real, given %n %v", w, w);
        if (is_better(w, c->result, greatest)) c->result = w;
    }
    return CRP_OK;
}

static crp_status least(crp_call *c) { return extreme(c, false); }
static crp_status greatest(crp_call *c) { return extreme(c, true); }

static crp_status whole(crp_call *c, double (*rounded)(double))
{
    c->result = c->args[0];
    if (crp_is_integer(c->args[0])) return CRP_OK;
    double d = rounded(crp_real_value(c->args[0]));
    if (isnan(d)) return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "nan is no Integer");
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OVERFLOW,
                         "arithmetic overflow: %v does not fit an Integer", c->args[0]);
    return crp_integer(c->vm, (int64_t)d, &c->result);
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

static crp_status log_of(crp_call *c)
{
    double d = log(crp_real_value(c->args[0]));
    if (crpi_lib_given(c, 1)) d /= log(crp_real_value(c->args[1]));
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
    ROW("&", "Integer (x Integer) ...", bit_and, "The bits that all its Integers have."),
    ROW("|", "Integer (x Integer) ...", bit_or, "The bits that any of its Integers has."),
    ROW("^", "Integer (x Integer) ...", bit_xor, "The bits that an odd number of its Integers have."),
    ROW("~", "Integer (x Integer)", bit_not, "All bits turned around."),
    ROW("<<", "Integer (x Integer) (count Integer)", shift_left,
        "Shifted to the left by 0 to 63 bits; 1.14 if the result does not fit."),
    ROW(">>", "Integer (x Integer) (count Integer)", shift_right,
        "Shifted to the right by 0 to 63 bits; the sign stays."),
    ROW("abs", "Object (x Integer|Real)", absolute, "The number without its sign."),
    ROW("min", "Object (x Integer|Real) ...", least, "The least of its numbers."),
    ROW("max", "Object (x Integer|Real) ...", greatest, "The greatest of its numbers."),
    ROW("floor", "Integer (x Integer|Real)", floor_of, "The greatest Integer that is not greater."),
    ROW("ceil", "Integer (x Integer|Real)", ceil_of, "The least Integer that is not less."),
    ROW("round", "Integer (x Integer|Real)", round_of, "The nearest Integer; halves go away from zero."),
    ROW("trunc", "Integer (x Integer|Real)", trunc_of, "The number without its fraction."),
    ROW("pow", "Object (x Integer|Real) (y Integer|Real)", power,
        "x to the power of y: an Integer if both are and y is not negative, else a Real."),
    ROW("sqrt", "Real (x Integer|Real)", sqrt_of, "The square root; nan of a negative number."),
    ROW("exp", "Real (x Integer|Real)", exp_of, "e to the power of x."),
    ROW("log", "Real (x Integer|Real) (base Integer|Real ?)", log_of,
        "The natural logarithm, or that of the given base."),
    ROW("log10", "Real (x Integer|Real)", log10_of, "The logarithm to the base 10."),
    ROW("log2", "Real (x Integer|Real)", log2_of, "The logarithm to the base 2."),
    ROW("sin", "Real (x Integer|Real)", sin_of, "The sine of an angle in radians."),
    ROW("cos", "Real (x Integer|Real)", cos_of, "The cosine of an angle in radians."),
    ROW("tan", "Real (x Integer|Real)", tan_of, "The tangent of an angle in radians."),
    ROW("asin", "Real (x Integer|Real)", asin_of, "The angle in radians of which x is the sine."),
    ROW("acos", "Real (x Integer|Real)", acos_of, "The angle in radians of which x is the cosine."),
    ROW("atan", "Real (y Integer|Real) (x Integer|Real ?)", atan_of,
        "The angle in radians of which y is the tangent; with x that of the point (x, y), in the right "
        "quadrant."),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_math(crp *vm) { return crp_define_functions(vm, functions); }
