/* floor 7: C types: by name, and between words and C values.
 *
 * One row a type.  A type that means an Integer says what fits into it, so that nothing is ever cut on its
 * way to C; what comes back fits into an Integer, but for the upper half of an unsigned 64-bit number.
 */
#include "ffi.h"

#include <float.h>
#include <limits.h>
#include <string.h>
#include "class.h"
#include "error.h"

#define NUMBERED(name, c, kind, least, most) {name, "Integer", c, kind, least, most}
#define OTHER(name, class_name, c, kind) {name, class_name, c, kind, 0, 0}

_Static_assert(sizeof(int) == 4 && sizeof(bool) == 1, "the rows of Int and Bool say so");
enum { SIZE_KIND = sizeof(size_t) == 8 ? CRPI_C_UINT64 : CRPI_C_UINT32 };

static const crpi_c_type types[] = {
    NUMBERED("Integer", "int64_t", CRPI_C_INT64, INT64_MIN, INT64_MAX),
    NUMBERED("Int", "int", CRPI_C_INT32, INT_MIN, INT_MAX),
    NUMBERED("Int8", "int8_t", CRPI_C_INT8, INT8_MIN, INT8_MAX),
    NUMBERED("Int16", "int16_t", CRPI_C_INT16, INT16_MIN, INT16_MAX),
    NUMBERED("Int32", "int32_t", CRPI_C_INT32, INT32_MIN, INT32_MAX),
    NUMBERED("Int64", "int64_t", CRPI_C_INT64, INT64_MIN, INT64_MAX),
    NUMBERED("UInt8", "uint8_t", CRPI_C_UINT8, 0, UINT8_MAX),
    NUMBERED("UInt16", "uint16_t", CRPI_C_UINT16, 0, UINT16_MAX),
    NUMBERED("UInt32", "uint32_t", CRPI_C_UINT32, 0, UINT32_MAX),
    NUMBERED("UInt64", "uint64_t", CRPI_C_UINT64, 0, INT64_MAX),
    NUMBERED("Size", "size_t", SIZE_KIND, 0, PTRDIFF_MAX),
    OTHER("Real", "Real", "double", CRPI_C_DOUBLE),
    OTHER("Double", "Real", "double", CRPI_C_DOUBLE),
    OTHER("Float", "Real", "float", CRPI_C_FLOAT),
    OTHER("Bool", NULL, "bool", CRPI_C_UINT8),
    OTHER("String", "String", "const char *", CRPI_C_POINTER),
    OTHER("NIL", "NIL", "void", CRPI_C_VOID),
};
enum { TYPES = sizeof types / sizeof *types };

/* --- by name -------------------------------------------------------------------------------------------- */

static const char *next_type(void *ud)
{
    size_t *at = ud;
    return *at < TYPES ? types[(*at)++].name : NULL;
}

static crp_status unknown_type(crp *vm, const char *name, size_t length)
{
    crpi_buf near;
    size_t at = 0;
    crpi_buf_init(&near, &vm->mem, 1000);
    crpi_suggest(&near, name, length, next_type, &at);
    bool asked = near.length > 0 && near.bytes[near.length - 1] == '?';
    crpi_buf_text(&near, asked ? " There are " : "; there are ");
    for (at = 0; at < TYPES; at++) crpi_buf_format(&near, "%s%s", at ? ", " : "", types[at].name);
    crp_status st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "unknown C type %.*s%.*s", (int)length, name,
                              (int)near.length, near.bytes ? near.bytes : "");
    crpi_buf_free(&near);
    return st;
}

static crp_status type_named(crp *vm, crp_word name, const crpi_c_type **out)
{
    size_t length;
    if (crp_is_a(name, CRP_CLASS))
        name = crpi_class_by_id(vm, ((crpi_class_object *)crp_object_of(name))->id)->name;
    const char *text = crpi_name_text(vm, name, &length);
    if (!text)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected the name of a C type, given %v",
                         name);
    for (*out = types; *out < types + TYPES; ++*out)
        if (strlen((*out)->name) == length && memcmp((*out)->name, text, length) == 0) return CRP_OK;
    return unknown_type(vm, text, length);
}

/* (T ?) */
static bool says_nullable(crp *vm, crp_word form)
{
    crp_word question;
    return crp_is_pair(form) && crp_is_pair(crp_tail(form)) && crp_tail(crp_tail(form)) == CRP_NIL &&
           crpi_symbol_find(&vm->symbols, "?", 1, &question) && crp_head(crp_tail(form)) == question;
}

crp_status crpi_c_slot_read(crp *vm, crp_word form, bool is_result, crpi_c_slot *out)
{
    if (form == CRP_NIL) form = CRPI_WORD_OF(NIL);
    out->nullable = says_nullable(vm, form);
    crp_status st = type_named(vm, out->nullable ? crp_head(form) : form, &out->type);
    if (st) return st;
    if (out->type->kind == CRPI_C_VOID && !is_result)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "NIL is the type of a result only");
    if (out->nullable && out->type->kind != CRPI_C_POINTER)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "only a String can be NULL, %s never is",
                         out->type->name);
    return CRP_OK;
}

/* --- to C ----------------------------------------------------------------------------------------------- */

static crp_status out_of_range(crp *vm, const crpi_c_type *t, crp_word given)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected %s, from %ld to %ld, given %v", t->name,
                     t->least, t->most, given);
}

static crp_status from_integer(crp *vm, const crpi_c_type *t, crp_word w, crpi_c_value *out)
{
    int64_t i = crp_integer_value(w);
    if (i < t->least || i > t->most) return out_of_range(vm, t, w);
    switch (t->kind) {
    case CRPI_C_INT8: out->i8 = (int8_t)i; break;
    case CRPI_C_INT16: out->i16 = (int16_t)i; break;
    case CRPI_C_INT32: out->i32 = (int32_t)i; break;
    case CRPI_C_UINT8: out->u8 = (uint8_t)i; break;
    case CRPI_C_UINT16: out->u16 = (uint16_t)i; break;
    case CRPI_C_UINT32: out->u32 = (uint32_t)i; break;
    default: out->i64 = i; break;
    }
    return CRP_OK;
}

/* Infinity and NaN are Floats too; a number between them and the greatest one is none. */
static crp_status from_real(crp *vm, const crpi_c_type *t, crp_word w, crpi_c_value *out)
{
    double d = crp_real_value(w);
    if (t->kind == CRPI_C_DOUBLE) out->d = d;
    else if (__builtin_isfinite(d) && (d > FLT_MAX || d < -FLT_MAX))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "expected Float, from -3.4028234663852886e38 to 3.4028234663852886e38, given %v", w);
    else out->f = (float)d;
    return CRP_OK;
}

static crp_status from_string(crp *vm, const crpi_c_slot *slot, crp_word w, crpi_c_value *out)
{
    const char *text = NULL;
    crp_status st = CRP_OK;
    if (crp_is_string(w)) st = crp_c_string(vm, w, &text);
    else if (w != CRP_NIL || !slot->nullable)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected String%s, given %n %v",
                         slot->nullable ? " or ()" : "", w, w);
    out->p = text;
    return st;
}

crp_status crpi_c_from_word(crp *vm, const crpi_c_slot *slot, crp_word w, crpi_c_value *out)
{
    switch (slot->type->kind) {
    case CRPI_C_POINTER: return from_string(vm, slot, w, out);
    case CRPI_C_FLOAT:
    case CRPI_C_DOUBLE: return from_real(vm, slot->type, w, out);
    default: break;
    }
    if (slot->type->class_name) return from_integer(vm, slot->type, w, out);
    out->u8 = crp_is_true(w);
    return CRP_OK;
}

/* --- from C --------------------------------------------------------------------------------------------- */

static crp_status to_unsigned(crp *vm, uint64_t u, crp_word *out)
{
    if (u <= INT64_MAX) return crp_integer(vm, (int64_t)u, out);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "%lu is past an Integer", u);
}

static crp_status to_string(crp *vm, const crpi_c_slot *slot, const char *text, crp_word *out)
{
    *out = CRP_NIL;
    if (text) return crp_string_z(vm, text, out);
    if (slot->nullable) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "expected String, given NULL; where that may be, declare (String ?)");
}

crp_status crpi_c_to_word(crp *vm, const crpi_c_slot *slot, const crpi_c_value *v, crp_word *out)
{
    switch (slot->type->kind) {
    case CRPI_C_INT8: return crp_integer(vm, v->i8, out);
    case CRPI_C_INT16: return crp_integer(vm, v->i16, out);
    case CRPI_C_INT32: return crp_integer(vm, v->i32, out);
    case CRPI_C_INT64: return crp_integer(vm, v->i64, out);
    case CRPI_C_UINT16: return crp_integer(vm, v->u16, out);
    case CRPI_C_UINT32: return crp_integer(vm, v->u32, out);
    case CRPI_C_UINT64: return to_unsigned(vm, v->u64, out);
    case CRPI_C_FLOAT: return crp_real(vm, v->f, out);
    case CRPI_C_DOUBLE: return crp_real(vm, v->d, out);
    case CRPI_C_POINTER: return to_string(vm, slot, v->p, out);
    case CRPI_C_UINT8: break;
    default: *out = CRP_NIL; return CRP_OK;
    }
    if (slot->type->class_name) return crp_integer(vm, v->u8, out);
    *out = crp_bool(v->u8 != 0);
    return CRP_OK;
}
