/* floor 8: (loadLibrary "name"): classes and functions written in C, in a shared object.
 *
 * An object shows one constant (native.h).  Its numbers are looked at before anything of it is called; an object
 * without it is no library of Carapace's, and stays untouched.  Then it gets the table of the functions that it may
 * call.  It has one place for that: a second copy of Carapace in the process would take it from the first.
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

/* modules/functions.c: what it holds is the modules' business. */
extern const struct crp_functions crpi_functions;

static const crp_functions_head *own_head(void) { return (const crp_functions_head *)(const void *)&crpi_functions; }

static crp_status not_ours(crp *vm, crp_word path)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "%p is no library of Carapace's: it lacks " CRP_LIBRARY_ENTRY, path);
}

static crp_status check(crp *vm, const crp_library *library, crp_word path)
{
    const crp_functions_head *own = own_head();
    if (library->abi == own->abi && library->count <= own->count) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "the library %p was compiled for interface %u.%u of Carapace, and this one has %u.%u", path,
                     (unsigned)library->abi, (unsigned)library->count, (unsigned)own->abi, (unsigned)own->count);
}

/* Two interpreters in two threads may do this at once. */
static crp_status hand_over(crp *vm, const crp_library *library, crp_word path)
{
    const struct crp_functions *before = NULL;
    if (__atomic_compare_exchange_n(library->table, &before, &crpi_functions, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE) ||
        before == &crpi_functions)
        return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "the library %p serves another copy of Carapace in this process; a copy of its file would serve "
                     "this one", path);
}

static crp_status open_library(crp *vm, crp_word path)
{
    void *object = dlopen(crp_string_data(path, NULL), RTLD_NOW | RTLD_LOCAL);
    if (!object) return open_failed(vm, path);
    const crp_library *library = dlsym(object, CRP_LIBRARY_ENTRY);
    crp_status st = library ? check(vm, library, path) : not_ours(vm, path);
    if (!st) st = hand_over(vm, library, path);
    if (!st) return library->begin(vm);
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
