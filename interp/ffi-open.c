/* floor 7: shared objects: carapace-ffi.so, the libraries that scripts name, and the functions in them. */
#include "ffi.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include "part.h"

static const char *reason(void)
{
    const char *text = dlerror();
    return text ? text : "no reason is known";
}

/* --- carapace-ffi.so ------------------------------------------------------------------------------------ */

#if defined CRP_WITHOUT_FFI

crp_status crpi_ffi_load(crp *vm, const crpi_ffi **out)
{
    *out = NULL;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "this Carapace was built without libffi, so it calls no C functions");
}

#elif defined CRP_FFI_LINKED

crp_status crpi_ffi_load(crp *vm, const crpi_ffi **out)
{
    (void)vm;
    *out = crp_ffi(CRPI_FFI_ABI);
    return CRP_OK;
}

#else

crp_status crpi_ffi_load(crp *vm, const crpi_ffi **out)
{
    static const crpi_part part = {CRPI_PART_FFI, "carapace-ffi.so", CRPI_FFI_ENTRY, CRPI_FFI_ABI,
                                   sizeof(crpi_ffi), "C functions cannot be called"};
    const void *table;
    crp_status st = crpi_part_load(vm, &part, &table);
    *out = table;
    return st;
}

#endif

/* --- libraries ------------------------------------------------------------------------------------------ */

enum { LAST_VERSION = 99, MAX_NAME = 4096 };

/* Takes the name that is in the buffer. */
static bool open_named(crpi_buf *name, void **handle)
{
    crpi_buf_byte(name, 0);
    *handle = name->failed || name->overflow ? NULL : dlopen(name->bytes, RTLD_NOW | RTLD_LOCAL);
    name->length -= name->length > 0;
    return *handle != NULL;
}

/* libNAME.so is often there for the linker only, as a text or not at all; what programs load has a version.
 * `why` keeps the reason that the plain name could not be loaded. */
static bool open_bare(crpi_buf *file, const char *name, void **handle, crpi_buf *why)
{
    crpi_buf_format(file, "lib%s.so", name);
    size_t plain = file->length;
    if (open_named(file, handle)) return true;
    crpi_buf_text(why, reason());
    for (int version = LAST_VERSION; version >= 0; version--) {
        file->length = plain;
        crpi_buf_format(file, ".%d", version);
        if (open_named(file, handle)) return true;
    }
    return false;
}

/* Trying a hundred names takes a while, so an interpreter remembers in its registry which one it was: a HashTable of
 * files by name.  Without memory for that it is looked for again. */
static bool remembered(crp *vm, crp_word *files)
{
    crp_word registry, key;
    crp_status st = crp_registry(vm, &registry);
    if (!st) st = crp_symbol(vm, "libraryFiles", 12, &key);
    if (!st && !crp_hashtable_get(vm, registry, key, files)) {
        st = crp_hashtable(vm, files);
        if (!st) st = crp_hashtable_set(vm, registry, key, *files);
    }
    if (st) crp_clear_error(vm);
    return st == CRP_OK;
}

static bool open_remembered(crp *vm, crpi_buf *file, const char *name, void **handle)
{
    crp_word files, key, found;
    if (!remembered(vm, &files)) return false;
    if (crp_string_z(vm, name, &key)) crp_clear_error(vm);
    else if (crp_hashtable_get(vm, files, key, &found)) crpi_buf_text(file, crp_string_data(found, NULL));
    if (file->length && open_named(file, handle)) return true;
    file->length = 0;
    return false;
}

static void remember(crp *vm, const crpi_buf *file, const char *name)
{
    crp_word files, key, value;
    if (!remembered(vm, &files)) return;
    crp_status st = crp_string_z(vm, name, &key);
    if (!st) st = crp_string(vm, file->bytes, file->length, &value);
    if (!st) st = crp_hashtable_set(vm, files, key, value);
    if (st) crp_clear_error(vm);
}

static bool find_and_open(crp *vm, crpi_buf *file, const char *name, void **handle, crpi_buf *why)
{
    if (open_remembered(vm, file, name, handle)) return true;
    if (!open_bare(file, name, handle, why)) return false;
    remember(vm, file, name);
    return true;
}

crp_status crpi_ffi_open(crp *vm, const char *name, void **handle, crp_word *file)
{
    crpi_buf found, why;
    bool exact = strchr(name, '/') || strstr(name, ".so");
    crpi_buf_init(&found, &vm->mem, MAX_NAME);
    crpi_buf_init(&why, &vm->mem, MAX_NAME);
    if (exact) crpi_buf_text(&found, name);
    bool opened = exact ? open_named(&found, handle) : find_and_open(vm, &found, name, handle, &why);
    crp_status st;
    if (opened) st = crp_string(vm, found.bytes, found.length, file);
    else if (found.failed || why.failed) st = crp_no_memory(vm);
    else if (exact) st = crp_raise(vm, CRP_ERR_FILE, 1, "cannot open the library %q: %s", name, reason());
    else
        st = crp_raise(vm, CRP_ERR_FILE, 1, "cannot open the library %q: %.*s, nor lib%s.so.0 to .%d", name,
                       (int)why.length, why.bytes ? why.bytes : "", name, LAST_VERSION);
    crpi_buf_free(&found);
    crpi_buf_free(&why);
    if (st && opened) dlclose(*handle);
    if (st) *handle = NULL;
    return st;
}

/* --- functions ------------------------------------------------------------------------------------------ */

/* To call what is a variable would jump into data. */
static bool is_variable(void *address)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (!dladdr1(address, &info, (void **)(uintptr_t)&symbol, RTLD_DL_SYMENT) || !symbol) return false;
    return info.dli_saddr == address && ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT;
}

crp_status crpi_ffi_function(crp *vm, void *handle, const char *name, crp_word file, crpi_c_function *out)
{
    void *address = dlsym(handle, name);
    *out = (crpi_c_function)(uintptr_t)address;
    if (!address)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "the library %p has no function %q", file, name);
    if (is_variable(address))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "%q of the library %p is a variable, no function",
                         name, file);
    return CRP_OK;
}
