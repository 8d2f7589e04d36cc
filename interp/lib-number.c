/* floor 7: the methods of Integer and Real, and numbers read from text.
 *
 * The operators that the compiler knows are also methods here, with the arithmetic of the VM.
 */
#include "lib.h"

#include <math.h>
#include <string.h>
#include "chunk.h"
#include "number.h"
#include "utf8.h"
#include "value.h"
#include "vm.h"

/* --- arithmetic ----------------------------------------------------------------------------------------- */

/* The receiver and then all arguments, from left to right. */
static crp_status fold(crp_call *c, int op)
{
    c->result = c->self;
    for (uint32_t i = 0; i < c->count; i++) {
        crp_status st = crpi_arithmetic(c->vm, op, c->result, c->args[i], &c->result);
        if (st) return st;
    }
    return CRP_OK;
}

static crp_status plus(crp_call *c) { return fold(c, CRPI_OP_ADD); }
static crp_status minus(crp_call *c) { return fold(c, CRPI_OP_SUB); }
static crp_status times(crp_call *c) { return fold(c, CRPI_OP_MUL); }
static crp_status divide(crp_call *c) { return fold(c, CRPI_OP_DIV); }
static crp_status rest(crp_call *c) { return fold(c, CRPI_OP_REM); }

/* --- conversions ---------------------------------------------------------------------------------------- */

/* Digits of any base, least first, from the end of a text. */
static crp_status integer_in_base(crp *vm, int64_t i, unsigned base, crp_word *out)
{
    char text[66];
    size_t at = sizeof text;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[u % base];
    while (u /= base);
    if (i < 0) text[--at] = '-';
    return crp_string(vm, text + at, sizeof text - at, out);
}

static crp_status integer_string(crp_call *c)
{
    int64_t base;
    crp_status st = crpi_lib_between(c->vm, "base", c->args[0], 2, 36, &base);
    return st ? st : integer_in_base(c->vm, crp_integer_value(c->self), (unsigned)base, &c->result);
}

static crp_status integer_real(crp_call *c) { return crp_real(c->vm, crp_real_value(c->self), &c->result); }

static crp_status integer_char(crp_call *c)
{
    char bytes[4];
    int64_t code = crp_integer_value(c->self);
    size_t n = code < 0 || code > 0x10FFFF ? 0 : crpi_utf8_encode((uint32_t)code, bytes);
    if (n == 0)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "no character has the number %ld",
                         (long)code);
    return crp_string(c->vm, bytes, n, &c->result);
}

crp_status crpi_lib_truncate(crp *vm, double d, crp_word *out)
{
    if (isnan(d)) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "nan is no Integer");
    if (d >= -0x1p63 && d < 0x1p63) return crp_integer(vm, (int64_t)d, out);
    crp_word given;
    crp_status st = crp_real(vm, d, &given);
    if (st) return st;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow: %v does not fit an Integer",
                     given);
}

static crp_status real_integer(crp_call *c)
{
    return crpi_lib_truncate(c->vm, crp_real_value(c->self), &c->result);
}

static crp_status create_integer(crp_call *c)
{
    crp_word w = c->result = c->args[0];
    if (crp_is_integer(w)) return CRP_OK;
    if (crp_is_real(w)) return crpi_lib_truncate(c->vm, crp_real_value(w), &c->result);
    if (crp_is_string(w)) return crpi_lib_read_integer(c->vm, w, 10, &c->result);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "expected an Integer, Real or String, given %n %v", w, w);
}

static crp_status create_real(crp_call *c)
{
    if (crp_is_string(c->args[0])) return crpi_lib_read_real(c->vm, c->args[0], &c->result);
    if (crp_is_integer(c->args[0]) || crp_is_real(c->args[0]))
        return crp_real(c->vm, crp_real_value(c->args[0]), &c->result);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "expected a Real, Integer or String, given %n %v", c->args[0], c->args[0]);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The text of a String without the white space around it. */
static const char *trimmed(crp_word string, size_t *n)
{
    const char *text = crp_string_data(string, n);
    while (*n && is_blank(text[0])) text++, --*n;
    while (*n && is_blank(text[*n - 1])) --*n;
    return text;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

static bool read_in_base(const char *text, size_t n, int64_t base, int64_t *out, bool *overflow)
{
    bool negative = n && text[0] == '-';
    size_t i = n && (text[0] == '-' || text[0] == '+');
    if (i == n) return false;
    for (*out = 0; i < n; i++) {
        int digit = digit_value(text[i]);
        if (digit >= base) return false;
        if (__builtin_mul_overflow(*out, base, out) ||
            __builtin_add_overflow(*out, negative ? -digit : digit, out))
            *overflow = true;
    }
    return !*overflow;
}

crp_status crpi_lib_read_integer(crp *vm, crp_word string, int64_t base, crp_word *out)
{
    size_t n;
    int64_t i;
    bool overflow = false;
    const char *text = trimmed(string, &n);
    bool good =
        base == 10 ? crpi_parse_integer(text, n, &i, &overflow) : read_in_base(text, n, base, &i, &overflow);
    if (good) return crp_integer(vm, i, out);
    if (overflow)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow: %v does not fit an Integer",
                         string);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%v is no Integer", string);
}

/* What a Real's own text may be besides digits. */
static bool read_word(const char *text, size_t n, double *out)
{
    bool negative = n && text[0] == '-';
    if (n && (text[0] == '-' || text[0] == '+')) text++, n--;
    if (n != 3 || (memcmp(text, "inf", 3) != 0 && memcmp(text, "nan", 3) != 0)) return false;
    *out = text[0] == 'n' ? NAN : negative ? -INFINITY : INFINITY;
    return true;
}

crp_status crpi_lib_read_real(crp *vm, crp_word string, crp_word *out)
{
    size_t n;
    double d;
    const char *text = trimmed(string, &n);
    if (read_word(text, n, &d)) return crp_real(vm, d, out);
    if (!crpi_parse_real(text, n, &d))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%v is no Real", string);
    if (isfinite(d)) return crp_real(vm, d, out);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow: %v does not fit a Real", string);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

/* The five operators, with an example for each. */
#define ARITHMETIC(plus_example, minus_example, times_example, divide_example, rest_example) \
    ROW("+", "Object y ...", plus, \
        "The sum of this number and the others: an Integer if all are, else a Real; 1.14 past 64 bits, " \
        "1.11 for what is no number.\n" plus_example), \
        ROW("-", "Object y ...", minus, "This number less the others; 1.14 and 1.11 as +.\n" minus_example), \
        ROW("*", "Object y ...", times, \
            "The product of this number and the others; 1.14 and 1.11 as +.\n" times_example), \
        ROW("/", "Object y ...", divide, \
            "This number divided by the others in turn. Between Integers the fraction is cut off, dividing " \
            "by 0 is 1.9, and the least Integer by -1 is 1.14; a Real divided by 0 is inf, -inf or nan.\n" \
            divide_example), \
        ROW("%", "Object y", rest, \
            "The remainder of a division, with the sign of this number; 1.9 for Integers if y is 0, nan " \
            "for Reals.\n" rest_example)

#define FORMAT_ROW(example) \
    ROW("format", "String (formatSpec String) ...", crpi_lib_format_self, \
        "The number laid out as a C printf specification says, as %06.2f or %-8d; Integers for each * come " \
        "after it. 1.8 if the specification is none or takes more or fewer values, 1.11 for another class " \
        "of value.\n" example)

static const crp_method integer_rows[] = {
    ROW("string", "String (base Integer 10)", integer_string,
        "The number as text, in base 2 to 36 with small letters; 1.8 for another base.\n"
        "(-255.string)    # --> \"-255\"\n"
        "(255.string 16)  # --> \"ff\""),
    FORMAT_ROW("(42.format \"%06d\")   # --> \"000042\"\n"
               "(42.format \"%*d\" 5)  # --> \"   42\""),
    ROW("integer", "Integer", crpi_lib_self, "The number itself.\n(33.integer)  # --> 33"),
    ROW("real", "Real", integer_real,
        "The same number as a Real; beyond 2^53 the nearest one.\n"
        "(33.real)                # --> 33.0\n"
        "(9007199254740993.real)  # --> 9007199254740992.0"),
    ROW("char", "String", integer_char,
        "The character of this number, in UTF-8; 1.8 if there is none.\n"
        "(65.char)      # --> \"A\"\n"
        "(0xD800.char)  # error: 1.8"),
    ROW("copy", "Integer", crpi_lib_self, "The number itself.\n(33.copy)  # --> 33"),
    ARITHMETIC("(7.+ 3 1)                  # --> 11\n"
               "(7.+ 0.5)                  # --> 7.5\n"
               "(9223372036854775807.+ 1)  # error: 1.14",
               "(7.- 3 1)  # --> 3", "(7.* 3 2)  # --> 42",
               "(7./ 2)    # --> 3\n"
               "(-7./ 2)   # --> -3\n"
               "(7./ 2.0)  # --> 3.5\n"
               "(7./ 0)    # error: 1.9",
               "(7.% 4)   # --> 3\n"
               "(-7.% 4)  # --> -3"),
    CRPI_LIB_EQUALITY_LIKE("1", "2"),
    CRPI_LIB_ORDER_LIKE("1", "2"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method real_rows[] = {
    ROW("string", "String", crpi_lib_as_string,
        "The shortest text that reads back as the same number.\n"
        "(0.1.string)          # --> \"0.1\"\n"
        "((/ 1.0 3).string)    # --> \"0.3333333333333333\"\n"
        "((/ 1.0 0.0).string)  # --> \"inf\""),
    FORMAT_ROW("(3.14159.format \"%.2f\")   # --> \"3.14\"\n"
               "(2.5.format \"%*.*f\" 8 3)  # --> \"   2.500\""),
    ROW("integer", "Integer", real_integer,
        "The number without its fraction; 1.14 if that does not fit 64 bits, 1.8 for nan.\n"
        "(-2.9.integer)  # --> -2\n"
        "(1e19.integer)  # error: 1.14"),
    ROW("real", "Real", crpi_lib_self, "The number itself.\n(2.5.real)  # --> 2.5"),
    ROW("copy", "Real", crpi_lib_self, "The number itself.\n(2.5.copy)  # --> 2.5"),
    ARITHMETIC("(7.5.+ 1)  # --> 8.5", "(7.5.- 1 0.5)  # --> 6.0", "(7.5.* 2)  # --> 15.0",
               "(7.5./ 2)    # --> 3.75\n"
               "(7.5./ 0)    # --> inf\n"
               "(0.0./ 0.0)  # --> nan",
               "(-7.5.% 2)  # --> -1.5"),
    CRPI_LIB_EQUALITY_LIKE("1.5", "2"),
    CRPI_LIB_ORDER_LIKE("1.5", "2"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method integer_creator =
    ROW("Integer", "Integer (value Object 0)", create_integer,
        "An Integer from a number, whose fraction is cut off, or from its text, decimal or 0x hexadecimal, "
        "with white space around it; 1.14 for what does not fit 64 bits, 1.8 for what is none, 1.11 for "
        "another class.");
static const crp_method real_creator =
    ROW("Real", "Real (value Object 0.0)", create_real,
        "A Real from a number or its text, inf and nan too, with white space around it; 1.14 for a text "
        "beyond the largest, 1.8 for what is none, 1.11 for another class.");

static const crp_class_def integer_class = {
    .size = sizeof(crp_class_def),
    .name = "Integer",
    .help = "A whole number of 64 bits, with sign. What does not fit is an error, 1.14. Integers and Reals "
            "that have the same value are equal, and the same key.\n"
            "(create Integer \"-17\")  # --> -17\n"
            "(create Integer 3.7)    # --> 3\n"
            "(create Integer \"x\")    # error: 1.8",
    .methods = integer_rows,
    .creator = &integer_creator};
static const crp_class_def real_class = {
    .size = sizeof(crp_class_def),
    .name = "Real",
    .help = "A number with a fraction: IEEE 754 double precision, with its infinities and nan, which is not "
            "even equal to itself. It is shown by the fewest digits that read back as the same number.\n"
            "(create Real \"2.50\")                      # --> 2.5\n"
            "(== 1 1.0)                                # --> true\n"
            "(== 9007199254740993 9007199254740992.0)  # --> ()",
    .methods = real_rows,
    .creator = &real_creator};

crp_status crpi_lib_number(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &integer_class, &id);
    return st ? st : crp_define_class(vm, &real_class, &id);
}
