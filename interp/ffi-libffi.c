/* floor 7: carapace-ffi.so: the few calls of libffi that there are.
 *
 * A prepared call is libffi's description of it and the types of its arguments, in one piece of memory.  Of
 * the interpreter nothing is used but the declarations of ffi.h.
 */
#include "ffi.h"

#include <ffi.h>

typedef struct prepared {
    ffi_cif cif;
    ffi_type *arguments[];
} prepared;

static ffi_type *const types[CRPI_C_KINDS] = {
    [CRPI_C_VOID] = &ffi_type_void,     [CRPI_C_INT8] = &ffi_type_sint8,
    [CRPI_C_INT16] = &ffi_type_sint16,  [CRPI_C_INT32] = &ffi_type_sint32,
    [CRPI_C_INT64] = &ffi_type_sint64,  [CRPI_C_UINT8] = &ffi_type_uint8,
    [CRPI_C_UINT16] = &ffi_type_uint16, [CRPI_C_UINT32] = &ffi_type_uint32,
    [CRPI_C_UINT64] = &ffi_type_uint64, [CRPI_C_FLOAT] = &ffi_type_float,
    [CRPI_C_DOUBLE] = &ffi_type_double, [CRPI_C_POINTER] = &ffi_type_pointer,
};

static size_t call_bytes(size_t count) { return sizeof(prepared) + count * sizeof(ffi_type *); }

static bool prepare(void *call, int result, const uint8_t *arguments, size_t count)
{
    prepared *p = call;
    for (size_t i = 0; i < count; i++) p->arguments[i] = types[arguments[i]];
    return ffi_prep_cif(&p->cif, FFI_DEFAULT_ABI, (unsigned)count, types[result], p->arguments) == FFI_OK;
}

/* libffi gives an integer smaller than a register as a whole register. */
static void narrow(const ffi_type *type, ffi_arg whole, crpi_c_value *result)
{
    switch (type->type) {
    case FFI_TYPE_SINT8: result->i8 = (int8_t)whole; break;
    case FFI_TYPE_SINT16: result->i16 = (int16_t)whole; break;
    case FFI_TYPE_SINT32: result->i32 = (int32_t)whole; break;
    case FFI_TYPE_UINT8: result->u8 = (uint8_t)whole; break;
    case FFI_TYPE_UINT16: result->u16 = (uint16_t)whole; break;
    case FFI_TYPE_UINT32: result->u32 = (uint32_t)whole; break;
    default: break;
    }
}

static void invoke(const void *call, crpi_c_function function, crpi_c_value *result, crpi_c_value *arguments)
{
    prepared *p = (prepared *)(uintptr_t)call; /* ffi_call wants it so, and changes nothing */
    void *at[CRPI_FFI_MAX_ARGUMENTS];
    union {
        ffi_arg whole;
        crpi_c_value value;
    } returned = {.whole = 0};
    for (unsigned i = 0; i < p->cif.nargs; i++) at[i] = &arguments[i];
    ffi_call(&p->cif, function, &returned, at);
    *result = returned.value;
    if (p->cif.rtype->size < sizeof(ffi_arg)) narrow(p->cif.rtype, returned.whole, result);
}

static const crpi_ffi table = {sizeof table, CRPI_FFI_ABI, call_bytes, prepare, invoke};

const crpi_ffi *crp_ffi(unsigned abi) { return abi == CRPI_FFI_ABI ? &table : NULL; }
