/* floor 8: (loadLibrary "name"): classes and functions written in C, in a shared object.
 *
 * The number that the object carries is looked at before anything of it is called; an object without it is no
 * library of Carapace's, and stays untouched.
 */
#include "load.h"

#include <dlfcn.h>
#include <string.h>
#include "lib.h"

static crp_status open_failed(crp *vm, crp_word path)
{
    const char *reason = dlerror();
    return crp_raise(vm, CRP_ERR_FILE, CRPI_CANNOT_OPEN, "cannot load the library %p: %s", path,
                     reason ? reason : "no reason is known");
}

/* A name without a slash would be looked for among the system's libraries. */
static crp_status with_slash(crp *vm, crp_word *path)
{
    const char *text = crp_string_data(*path, NULL);
    return strchr(text, '/') ? CRP_OK : crp_format(vm, path, "./%s", text);
}

static crp_status entry(crp *vm, void *object, crp_word path, crp_library_function *out)
{
    const uint32_t *abi = dlsym(object, "crp_library_abi");
    *out = (crp_library_function)(uintptr_t)dlsym(object, "crp_library");
    if (!abi || !*out)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                         "%p is no library of Carapace's: it lacks crp_library or crp_library_abi", path);
    if (*abi != CRP_LIBRARY_ABI)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                         "the library %p was built for interface %u of Carapace, and this is %u", path,
                         (unsigned)*abi, (unsigned)CRP_LIBRARY_ABI);
    return CRP_OK;
}

static crp_status open_library(crp *vm, crp_word path)
{
    crp_library_function begin;
    void *object = dlopen(crp_string_data(path, NULL), RTLD_NOW | RTLD_LOCAL);
    if (!object) return open_failed(vm, path);
    crp_status st = entry(vm, object, path, &begin);
    if (!st) return begin(vm);
    dlclose(object);
    return st;
}

static crp_status load_library(crp_call *c)
{
    const char *name;
    crp_word path = CRP_NIL;
    bool fresh = false;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &name);
    if (!st) st = crpi_load_find_library(c->vm, crpi_load_caller(c->vm), name, &path);
    if (!st) st = with_slash(c->vm, &path);
    if (!st) st = crpi_load_remember(c->vm, path, &fresh);
    if (!st && fresh) {
        st = open_library(c->vm, path);
        if (st) crpi_load_forget(c->vm, path);
    }
    c->result = crp_bool(fresh);
    return st;
}

static const crp_method functions[] = {
    {"loadLibrary", "Object (name String)", load_library,
     "Loads classes and functions written in C from the shared object NAME.so, which is looked for where load looks "
     "for scripts: true if it was loaded now, () if it had been before. 5.1 if it is not found or cannot be loaded, "
     "1.12 if it is no library for this Carapace.\n"
     "(loadLibrary \"noSuchLibrary\")     # error: 5.1",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_load_library(crp *vm) { return crp_define_functions(vm, functions); }
