/* Folders are read as they are met; what is in them is added in the order of the names. */
#include "file-list.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_OPEN = 16 };

bool crpi_file_has_ending(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

static bool append(crpi_file_list *l, const char *path)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 64;
        char **wider = realloc(l->paths, capacity * sizeof *wider);
        if (!wider) return false;
        l->paths = wider;
        l->capacity = capacity;
    }
    char *copy = strdup(path);
    if (copy) l->paths[l->count++] = copy;
    return copy != NULL;
}

static int is_wanted(const struct dirent *d) { return d->d_name[0] != '.' && d->d_name[0] != '_'; }

static bool add_folder(crpi_file_list *, const char *folder);

static bool add_entry(crpi_file_list *l, const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    size_t n = strlen(folder);
    const char *slash = n && folder[n - 1] == '/' ? "" : "/";
    if (snprintf(path, sizeof path, "%s%s%s", folder, slash, name) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) return add_folder(l, path);
    for (const char *const *ending = l->endings; *ending; ending++)
        if (crpi_file_has_ending(name, *ending)) return append(l, path);
    return true;
}

/* The path's length bounds how deep this goes. */
static bool add_folder(crpi_file_list *l, const char *folder)
{
    struct dirent **found;
    bool good = true;
    int n = scandir(folder, &found, is_wanted, alphasort);
    if (n < 0) return false;
    for (int i = 0; i < n; i++) {
        good = good && add_entry(l, folder, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    return good;
}

bool crpi_file_list_add(crpi_file_list *l, const char *path)
{
    struct stat st;
    l->culprit = path;
    if (stat(path, &st)) return false;
    return S_ISDIR(st.st_mode) ? add_folder(l, path) : append(l, path);
}

void crpi_file_list_free(crpi_file_list *l)
{
    for (size_t i = 0; i < l->count; i++) free(l->paths[i]);
    free(l->paths);
    l->paths = NULL;
    l->count = l->capacity = 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path), 0;
}

void crpi_file_remove_folder(const char *path) { nftw(path, remove_entry, MOST_OPEN, FTW_DEPTH | FTW_PHYS); }
