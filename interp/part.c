/* floor 7: parts of Carapace that are shared objects of their own (crp_load_part): where one is, and how it gets into
 * the process.  Where there are no shared libraries they are linked in, and nothing of this is used. */
#include "state.h"

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

enum { MAX_NAME = 64 };

typedef const void *(*entry_function)(unsigned abi);

/* The file that this code is in: a shared library, or the program. */
static bool own_file(char *path, size_t size)
{
    Dl_info info;
    struct link_map *map = NULL;
    void *here = (void *)(uintptr_t)&own_file;
    if (dladdr1(here, &info, (void **)&map, RTLD_DL_LINKMAP) && map && map->l_name[0]) {
        if (strlen(map->l_name) >= size) return false;
        strcpy(path, map->l_name);
        return true;
    }
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n > 0) path[n] = 0;
    return n > 0;
}

/* What was built and not installed has its parts in .libs, where a library is itself and which is below a
 * program.  What was installed has them in a folder of its own, and may have been moved as a whole. */
static void find(const char *file, char path[PATH_MAX])
{
    static const char *const places[] = {".libs/", "", "carapace/", "../lib/carapace/"};
    char *slash = own_file(path, PATH_MAX - MAX_NAME) ? strrchr(path, '/') : NULL;
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        strcpy(slash + 1, places[i]);
        strcat(path, file);
        if (access(path, R_OK) == 0) return;
    }
    strcpy(path, CRP_PKGLIBDIR "/");
    strcat(path, file);
}

static crp_status open_part(crp *vm, const crp_part *part, const void **table)
{
    char path[PATH_MAX];
    find(part->file, path);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        const char *reason = dlerror();
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED, "%s without %s: %s", part->without, part->file,
                         reason ? reason : "no reason is known");
    }
    entry_function entry = (entry_function)(uintptr_t)dlsym(object, part->entry);
    *table = entry ? entry(part->abi) : NULL;
    if (*table && *(const size_t *)*table >= part->size) return CRP_OK;
    dlclose(object);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED, "%s belongs to another version of Carapace", path);
}

crp_status crp_load_part(crp *vm, const crp_part *part, const void **table)
{
    size_t i = 0, most = sizeof vm->parts / sizeof *vm->parts;
    while (i < most && vm->parts[i].part && vm->parts[i].part != part) i++;
    *table = i < most && vm->parts[i].part ? vm->parts[i].table : NULL;
    if (*table) return CRP_OK;
    crp_status st = open_part(vm, part, table);
    if (st || i == most) return st;
    vm->parts[i].part = part;
    vm->parts[i].table = *table;
    return CRP_OK;
}
