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

static crp_status real_integer(crp_call *c)
{
    double d = crp_real_value(c->self);
    if (isnan(d)) return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "nan is no Integer");
    if (!(d > -9223372036854777856.0 && d < 9223372036854775808.0))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OVERFLOW,
                         "arithmetic overflow: %v does not fit an Integer", c->self);
    return crp_integer(c->vm, (int64_t)d, &c->result);
}

static crp_status create_integer(crp_call *c)
{
    c->result = c->args[0];
    if (crp_is_string(c->args[0])) return crpi_lib_read_integer(c->vm, c->args[0], 10, &c->result);
    return CRP_OK;
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

crp_status crpi_lib_read_real(crp *vm, crp_word string, crp_word *out)
{
    size_t n;
    double d;
    const char *text = trimmed(string, &n);
    if (crpi_parse_real(text, n, &d)) return crp_real(vm, d, out);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%v is no Real", string);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ARITHMETIC \
    {"+", "Object y ...", plus, "The sum of this number and the others.", 0, NULL, NULL}, \
        {"-", "Object y ...", minus, "This number less the others.", 0, NULL, NULL}, \
        {"*", "Object y ...", times, "The product of this number and the others.", 0, NULL, NULL}, \
        {"/", "Object y ...", divide, \
         "This number divided by the others in turn; between Integers it truncates, and dividing by 0 is " \
         "1.9.", \
         0, NULL, NULL}, \
        {"%", "Object y ...", rest, "The remainder of a division, with the sign of this number.", 0, NULL, \
         NULL}

#define FORMAT_ROW \
    {"format", "String (formatSpec String) ...", crpi_lib_format_self, \
     "The number laid out as a C printf specification says, as %06.2f or %-8d; Integers for each * come " \
     "after it.", \
     0, NULL, NULL}

static const crp_method integer_rows[] = {
    {"string", "String (base Integer 10)", integer_string, "The number as text, in base 2 to 36.", 0, NULL,
     NULL},
    FORMAT_ROW,
    {"integer", "Integer", crpi_lib_self, "The number itself.", 0, NULL, NULL},
    {"real", "Real", integer_real, "The same number as a Real; beyond 2^53 the nearest one.", 0, NULL, NULL},
    {"char", "String", integer_char, "The character of this number, in UTF-8; 1.8 if there is none.", 0, NULL,
     NULL},
    {"copy", "Integer", crpi_lib_self, "The number itself.", 0, NULL, NULL},
    ARITHMETIC,
    CRPI_LIB_EQUALITY,
    CRPI_LIB_ORDER,
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static const crp_method real_rows[] = {
    {"string", "String", crpi_lib_as_string, "The shortest text that reads back as the same number.", 0, NULL,
     NULL},
    FORMAT_ROW,
    {"integer", "Integer", real_integer, "The number without its fraction; 1.14 if it does not fit.", 0, NULL,
     NULL},
    {"real", "Real", crpi_lib_self, "The number itself.", 0, NULL, NULL},
    {"copy", "Real", crpi_lib_self, "The number itself.", 0, NULL, NULL},
    ARITHMETIC,
    CRPI_LIB_EQUALITY,
    CRPI_LIB_ORDER,
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static const crp_method integer_creator = {"Integer",
                                           "Integer (value Integer|String 0)",
                                           create_integer,
                                           "An Integer from a number or its text.",
                                           0,
                                           NULL,
                                           NULL};
static const crp_method real_creator = {
    "Real", "Real (value Object 0.0)", create_real, "A Real from a number or its text.", 0, NULL, NULL};

static const crp_class_def integer_class = {
    .size = sizeof(crp_class_def),
    .name = "Integer",
    .help = "A whole number of 64 bits, with sign. What does not fit is an error, 1.14.",
    .methods = integer_rows,
    .creator = &integer_creator};
static const crp_class_def real_class = {.size = sizeof(crp_class_def),
                                         .name = "Real",
                                         .help = "A number with a fraction: IEEE 754 double precision.",
                                         .methods = real_rows,
                                         .creator = &real_creator};

crp_status crpi_lib_number(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &integer_class, &id);
    return st ? st : crp_define_class(vm, &real_class, &id);
}
