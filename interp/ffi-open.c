/* floor 7: shared objects: carapace-ffi.so, the libraries that scripts name, and the functions in them. */
#include "ffi.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#ifndef CRP_PKGLIBDIR
#define CRP_PKGLIBDIR "/usr/local/lib/carapace"
#endif

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

#define MODULE "carapace-ffi.so"

/* The file that this code is in: a shared library, or the program. */
static bool own_file(char *path, size_t size)
{
    Dl_info info;
    struct link_map *map = NULL;
    void *here = (void *)(uintptr_t)&crpi_ffi_load;
    if (dladdr1(here, &info, (void **)&map, RTLD_DL_LINKMAP) && map && map->l_name[0]) {
        if (strlen(map->l_name) >= size) return false;
        strcpy(path, map->l_name);
        return true;
    }
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n > 0) path[n] = 0;
    return n > 0;
}

/* What was built and not installed has the module in .libs, where a library is itself and which is below a
 * program.  What was installed has it in a folder of its own, and may have been moved as a whole. */
static void find_module(char *path)
{
    static const char *const places[] = {".libs/", "", "carapace/", "../lib/carapace/"};
    char *slash = own_file(path, PATH_MAX - 40) ? strrchr(path, '/') : NULL;
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        strcpy(slash + 1, places[i]);
        strcat(path, MODULE);
        if (access(path, R_OK) == 0) return;
    }
    strcpy(path, CRP_PKGLIBDIR "/" MODULE);
}

crp_status crpi_ffi_load(crp *vm, const crpi_ffi **out)
{
    char path[PATH_MAX];
    find_module(path);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                         "C functions cannot be called without %s: %s", MODULE, reason());
    crpi_ffi_entry entry = (crpi_ffi_entry)(uintptr_t)dlsym(object, CRPI_FFI_ENTRY);
    *out = entry ? entry(CRPI_FFI_ABI) : NULL;
    if (*out && (*out)->size >= sizeof **out) return CRP_OK;
    dlclose(object);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED, "%s belongs to another version of Carapace",
                     path);
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

crp_status crpi_ffi_open(crp *vm, const char *name, void **handle, crp_word *file)
{
    crpi_buf found, why;
    bool exact = strchr(name, '/') || strstr(name, ".so");
    crpi_buf_init(&found, &vm->mem, MAX_NAME);
    crpi_buf_init(&why, &vm->mem, MAX_NAME);
    if (exact) crpi_buf_text(&found, name);
    bool opened = exact ? open_named(&found, handle) : open_bare(&found, name, handle, &why);
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
