/* floor 6: arithmetic outside the quick range: boxed Integers, Reals, overflow. */
#include "vm.h"

#include <math.h>
#include <string.h>
#include "number.h"
#include "str.h"
#include "value.h"

static crp_status overflow(crp *vm, const char *op, crp_word a, crp_word b)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow: (%s %v %v) is past 64 bits", op, a, b);
}

static crp_status division_by_zero(crp *vm, const char *op, crp_word a)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_DIVISION_BY_ZERO, "division by zero: (%s %v 0)", op, a);
}

static const char *name_of(int op)
{
    switch (op) {
    case CRPI_OP_ADD: return "+";
    case CRPI_OP_SUB: return "-";
    case CRPI_OP_MUL: return "*";
    case CRPI_OP_DIV: return "/";
    default: return "%";
    }
}

static crp_status integers(crp *vm, int op, crp_word wa, crp_word wb, crp_word *out)
{
    int64_t a = crp_integer_value(wa), b = crp_integer_value(wb), r = 0;
    bool over = false;
    switch (op) {
    case CRPI_OP_ADD: over = __builtin_add_overflow(a, b, &r); break;
    case CRPI_OP_SUB: over = __builtin_sub_overflow(a, b, &r); break;
    case CRPI_OP_MUL: over = __builtin_mul_overflow(a, b, &r); break;
    case CRPI_OP_DIV:
    default:
        if (b == 0) return division_by_zero(vm, name_of(op), wa);
        if (op == CRPI_OP_REM) r = b == -1 ? 0 : a % b;
        else if (b == -1) over = __builtin_sub_overflow((int64_t)0, a, &r);
        else r = a / b;
    }
    return over ? overflow(vm, name_of(op), wa, wb) : crp_integer(vm, r, out);
}

static double reals(int op, double a, double b)
{
    switch (op) {
    case CRPI_OP_ADD: return a + b;
    case CRPI_OP_SUB: return a - b;
    case CRPI_OP_MUL: return a * b;
    case CRPI_OP_DIV: return a / b;
    default: return fmod(a, b);
    }
}

crp_status crpi_no_number(crp *vm, int op, crp_word given)
{
    const char *help = crp_is_string(given) ? "; a String's methods integer and real read one from it" : "";
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "%s: a number is expected, %n given (%v)%s", name_of(op), given,
                     given, help);
}

crp_status crpi_arithmetic(crp *vm, int op, crp_word a, crp_word b, crp_word *out)
{
    if (crp_is_integer(a) && crp_is_integer(b)) return integers(vm, op, a, b, out);
    if (crpi_is_number(a) && crpi_is_number(b)) return crp_real(vm, reals(op, crp_real_value(a), crp_real_value(b)), out);
    return crpi_no_number(vm, op, crpi_is_number(a) ? b : a);
}

crp_status crpi_text_sum(crp *vm, crp_word a, crp_word b, crp_word *out)
{
    char digits[CRPI_INTEGER_TEXT], *room;
    const char *right = digits, *left;
    size_t m, n;
    if (!crp_is_string(a)) return CRP_OK;
    if (crp_is_fixnum(b)) n = crpi_integer_text(crp_fixnum_value(b), digits);
    else if (crp_is_string(b)) right = crp_string_data(b, &n);
    else return CRP_OK;
    left = crp_string_data(a, &m);
    crp_status st = crpi_str_room(vm, CRP_STRING, m + n, &room, out);
    if (st) return st;
    memcpy(room, left, m);
    memcpy(room + m, right, n);
    return CRP_OK;
}
