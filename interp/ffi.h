/* floor 7: calling C functions.
 *
 * Three parts that know little of each other.  ffi.c has the class Library: what is declared, and calls.
 * ffi-type.c knows the C types by name, and turns words into C values and back.  How arguments travel on this
 * machine only libffi knows; whoever calls no C function shall not pay for starting it, so ffi-libffi.c is a
 * shared object of its own, carapace-ffi.so, which knows nothing of the interpreter and is loaded for the
 * first Library (ffi-open.c).
 */
#ifndef CARAPACE_FFI_H
#define CARAPACE_FFI_H

#include "state.h"

/* --- between the interpreter and carapace-ffi.so -------------------------------------------------------- */

enum { CRPI_FFI_ABI = 1, CRPI_FFI_MAX_ARGUMENTS = 64 };

enum crpi_c_kind {
    CRPI_C_VOID,
    CRPI_C_INT8,
    CRPI_C_INT16,
    CRPI_C_INT32,
    CRPI_C_INT64,
    CRPI_C_UINT8,
    CRPI_C_UINT16,
    CRPI_C_UINT32,
    CRPI_C_UINT64,
    CRPI_C_FLOAT,
    CRPI_C_DOUBLE,
    CRPI_C_POINTER,
    CRPI_C_KINDS
};

typedef union crpi_c_value {
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    float f;
    double d;
    const void *p;
} crpi_c_value;

typedef void (*crpi_c_function)(void);

typedef struct crpi_ffi {
    size_t size;
    unsigned abi;
    /* The bytes of a prepared call of so many arguments; its memory is the caller's, aligned as malloc's. */
    size_t (*call_bytes)(size_t count);
    /* False: libffi cannot call that.  `arguments` are kinds, at most CRPI_FFI_MAX_ARGUMENTS. */
    bool (*prepare)(void *call, int result, const uint8_t *arguments, size_t count);
    /* Calls; nothing is checked here.  Of *result the member of the result's kind is set. */
    void (*invoke)(const void *call, crpi_c_function, crpi_c_value *result, crpi_c_value *arguments);
} crpi_ffi;

/* What the shared object shows, and nothing else: its table, or NULL for another ABI. */
#define CRPI_FFI_ENTRY "crp_ffi"
const crpi_ffi *crp_ffi(unsigned abi);

/* --- types (ffi-type.c) --------------------------------------------------------------------------------- */

typedef struct crpi_c_type {
    const char *name;       /* as it is declared */
    const char *class_name; /* what a script gives and gets; NULL: anything, for its truth */
    const char *c;          /* as C writes it */
    uint8_t kind;
    int64_t least, most; /* of an integer: what an argument may be */
} crpi_c_type;

/* A C type as it was declared. */
typedef struct crpi_c_slot {
    const crpi_c_type *type;
    bool nullable; /* (String ?): NULL is () */
} crpi_c_slot;

/* What a type is named by: a Symbol, String or Class, or a List (String ?).  1.4 with near names. */
crp_status crpi_c_slot_read(crp *, crp_word form, bool is_result, crpi_c_slot *out);

/* A word, of the slot's class, for C: 1.8 with the range where it does not fit, or for a String with a NUL
 * inside.  What a pointer points to lives as long as the word. */
crp_status crpi_c_from_word(crp *, const crpi_c_slot *, crp_word, crpi_c_value *out);

/* What C returned: a String is copied; 1.11 for NULL where that is not declared, 1.14 for an unsigned number
 * past an Integer. */
crp_status crpi_c_to_word(crp *, const crpi_c_slot *, const crpi_c_value *, crp_word *out);

/* --- shared objects (ffi-open.c) ------------------------------------------------------------------------ */

/* Loads carapace-ffi.so, or finds it loaded: 1.12 when it is not there or of another version.  It stays. */
crp_status crpi_ffi_load(crp *, const crpi_ffi **out);

/* Loads the library of that name: "m" is libm.so or, where that is no library or not there, libm.so.6 or
 * whatever version there is; "libm.so.6" and a path are what they say.  5.1 with the reason.  `file` gets the
 * name that was found, as a String. */
crp_status crpi_ffi_open(crp *, const char *name, void **handle, crp_word *file);

/* A function of the library or of those that it needs: 1.4 if there is none of that name, or if it is a
 * variable. */
crp_status crpi_ffi_function(crp *, void *handle, const char *name, crp_word file, crpi_c_function *out);

#endif
