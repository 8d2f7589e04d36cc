/* Writing beside, and taking the place. */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib.h"

enum { MOST_TRIES = 100, CHANCE_BYTES = 6 };

/* --- names ---------------------------------------------------------------------------------------------- */

void crpi_free_text(crp *vm, char **text)
{
    if (*text) crp_free_bytes(vm, *text, strlen(*text) + 1);
    *text = NULL;
}

static crp_status copy_text(crp *vm, const char *text, char **out)
{
    size_t size = strlen(text) + 1;
    *out = crp_alloc(vm, size);
    if (!*out) return CRP_E_NOMEM;
    memcpy(*out, text, size);
    return CRP_OK;
}

crp_status crpi_name_beside(crp *vm, const char *path, char **out)
{
    unsigned char chance[CHANCE_BYTES];
    char name[PATH_MAX];
    void *state;
    size_t n = strlen(path);
    if (!crp_platform_of(vm, &state)->random(state, chance, sizeof chance))
        return crp_raise(vm, CRP_ERR_SYSTEM, EIO, "the system gives no random numbers");
    if (n + 2 * CHANCE_BYTES + 2 > sizeof name)
        return crpi_lib_cannot(vm, CRPI_CANNOT_OPEN, ENAMETOOLONG, "open", path);
    memcpy(name, path, n);
    name[n++] = '.';
    for (size_t i = 0; i < sizeof chance; i++) {
        name[n++] = "0123456789abcdef"[chance[i] >> 4];
        name[n++] = "0123456789abcdef"[chance[i] & 15];
    }
    name[n] = 0;
    return copy_text(vm, name, out);
}

/* A simulation's chance may give a name that an earlier run has left behind. */
crp_status crpi_open_beside(crp *vm, const char *path, unsigned mode, char **name, int *fd)
{
    struct stat status;
    *name = NULL;
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        crpi_free_text(vm, name);
        crp_status st = crpi_name_beside(vm, path, name);
        if (st) return st;
        if (lstat(*name, &status) < 0) break;
    }
    crp_status st = crpi_lib_open_for(vm, path, *name, O_RDWR | O_CREAT | O_EXCL, mode, fd);
    if (st) crpi_free_text(vm, name);
    return st;
}

/* --- the beginning -------------------------------------------------------------------------------------- */

static crp_status begin_new(crp *vm, crpi_replacement *r, const struct stat *old, unsigned mode)
{
    crp_status st = crpi_open_beside(vm, r->target, old ? old->st_mode & 0777 : mode, &r->temporary, &r->fd);
    if (st) return st;
    r->open = true;
    if (old) {
        (void)!fchown(r->fd, old->st_uid, old->st_gid); /* only root may give a file away */
        (void)!fchmod(r->fd, old->st_mode & 0777);
    }
    return CRP_OK;
}

static crp_status begin_itself(crp *vm, crpi_replacement *r, const struct stat *old)
{
    if (S_ISDIR(old->st_mode)) return crpi_lib_cannot(vm, CRPI_CANNOT_OPEN, EISDIR, "open", r->target);
    crp_status st = crpi_lib_open(vm, r->target, O_WRONLY, 0, &r->fd);
    r->open = !st;
    return st;
}

crp_status crpi_replacement_begin(crp *vm, crpi_replacement *r, const char *path, unsigned mode)
{
    char resolved[PATH_MAX];
    struct stat old;
    bool exists = stat(path, &old) == 0;
    *r = (crpi_replacement){.fd = -1};
    if (!exists && errno != ENOENT) return crpi_lib_cannot(vm, CRPI_CANNOT_OPEN, errno, "open", path);
    crp_status st = copy_text(vm, exists && realpath(path, resolved) ? resolved : path, &r->target);
    if (st) return st;
    if (exists && !S_ISREG(old.st_mode)) st = begin_itself(vm, r, &old);
    else st = begin_new(vm, r, exists ? &old : NULL, mode);
    if (st) crpi_replacement_drop(vm, r);
    return st;
}

/* --- the middle ----------------------------------------------------------------------------------------- */

crp_status crpi_replacement_write(crp *vm, crpi_replacement *r, const void *bytes, size_t n)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    for (size_t at = 0; at < n;) {
        ssize_t written = platform->write(state, r->fd, (const char *)bytes + at, n - at);
        if (written <= 0)
            return crpi_lib_cannot(vm, CRPI_CANNOT_WRITE, written ? (int)-written : EIO, "write to",
                                   r->target);
        at += (size_t)written;
    }
    return CRP_OK;
}

/* --- the end -------------------------------------------------------------------------------------------- */

int crpi_sync_directory(crp *vm, const char *path)
{
    char folder[PATH_MAX];
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof folder) return -ENAMETOOLONG;
    memcpy(folder, n ? path : ".", n ? n : 1);
    folder[n ? n : 1] = 0;
    int fd = platform->open(state, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return fd;
    int st = platform->sync(state, fd);
    platform->close(state, fd);
    return st == -EINVAL || st == -ENOTSUP || st == -EROFS ? 0 : st;
}

static crp_status close_it(crp *vm, crpi_replacement *r, bool lasting)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    int failure = lasting ? platform->sync(state, r->fd) : 0;
    if (failure) return crpi_lib_cannot(vm, CRPI_CANNOT_WRITE, -failure, "sync", r->target);
    r->open = false;
    failure = platform->close(state, r->fd);
    return failure ? crpi_lib_cannot(vm, CRPI_CANNOT_CLOSE, -failure, "close", r->target) : CRP_OK;
}

static crp_status take_place(crp *vm, crpi_replacement *r, bool lasting)
{
    void *state;
    int failure = crp_platform_of(vm, &state)->rename(state, r->temporary, r->target);
    if (failure) return crpi_lib_cannot(vm, CRPI_CANNOT_CHANGE, -failure, "replace", r->target);
    crpi_free_text(vm, &r->temporary);
    failure = lasting ? crpi_sync_directory(vm, r->target) : 0;
    if (!failure) return CRP_OK;
    return crpi_lib_cannot(vm, CRPI_CANNOT_WRITE, -failure, "sync the directory of", r->target);
}

crp_status crpi_replacement_end(crp *vm, crpi_replacement *r, bool lasting)
{
    crp_status st = close_it(vm, r, lasting && r->temporary);
    if (!st && r->temporary) st = take_place(vm, r, lasting);
    crpi_replacement_drop(vm, r);
    return st;
}

void crpi_replacement_drop(crp *vm, crpi_replacement *r)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    if (r->open) platform->close(state, r->fd);
    if (r->temporary) platform->unlink(state, r->temporary);
    r->open = false;
    crpi_free_text(vm, &r->temporary);
    crpi_free_text(vm, &r->target);
}
