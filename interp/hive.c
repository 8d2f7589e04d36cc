/* Three files, and one that is changed. */
#include "hive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "left-out.h"
#include "lib.h"
#include "replace.h"

#ifndef CRPI_SYSTEM_CONF
#define CRPI_SYSTEM_CONF "/etc/carapace.conf"
#endif

enum { LOCK_MS = 10000, LOOK_AGAIN_MS = 20 };

/* --- files ---------------------------------------------------------------------------------------------- */

/* FOLDER and what comes behind it as a String; "" if the folder is no whole path. */
static crp_status path_in(crp *vm, const char *folder, const char *rest, crp_word *out)
{
    if (!folder || *folder != '/') return crp_string_z(vm, "", out);
    return crp_format(vm, out, "%s%s", folder, rest);
}

static crp_status user_file(crp *vm, crp_word *out)
{
    const char *xdg = secure_getenv("XDG_CONFIG_HOME");
    if (xdg && *xdg == '/') return path_in(vm, xdg, "/carapace/carapace.conf", out);
    return path_in(vm, secure_getenv("HOME"), "/.config/carapace/carapace.conf", out);
}

static crp_status system_file(crp *vm, crp_word *out) { return crp_string_z(vm, CRPI_SYSTEM_CONF, out); }

static crp_status named_file(crp *vm, crp_word *out)
{
    const char *path = secure_getenv("CARAPACE_CONFIG");
    return crp_string_z(vm, path ? path : "", out);
}

static const struct place {
    const char *name;
    crp_status (*file)(crp *, crp_word *out);
    const char *missing; /* why there may be no such file */
} places[CRPI_MOST_HIVES] = {
    {"LocalMachine", system_file, ""},
    {"CurrentUser", user_file, "neither XDG_CONFIG_HOME nor HOME names a folder"},
    {"CarapaceConfig", named_file, "CARAPACE_CONFIG is not set"},
};
enum { SYSTEM, USER, NAMED };

static bool is_empty(crp_word string)
{
    size_t n;
    crp_string_data(string, &n);
    return n == 0;
}

/* --- hives by name ---------------------------------------------------------------------------------- */

static crp_status find_place(crp *vm, crp_word name, const struct place **out)
{
    size_t n;
    const char *text = crp_string_data(name, &n);
    for (int i = 0; i < CRPI_MOST_HIVES; i++)
        if (strlen(places[i].name) == n && memcmp(places[i].name, text, n) == 0) {
            *out = &places[i];
            return CRP_OK;
        }
    const crpi_left_out *left_out = crpi_left_out_find(CRPI_LEFT_OUT_HIVE, text, n);
    if (left_out) return crpi_left_out_raise(vm, left_out);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "hive: expected CurrentUser, LocalMachine or CarapaceConfig, given %v", name);
}

static crp_status no_file(crp *vm, const struct place *p)
{
    return crp_raise(vm, CRP_ERR_CONFIG, 1, "there is no hive %s: %s", p->name, p->missing);
}

static crp_status use_one(crp *vm, const struct place *p, crpi_hive *out)
{
    crp_status st = p->file(vm, &out->file);
    if (!st && is_empty(out->file)) st = no_file(vm, p);
    out->system = p == &places[SYSTEM];
    return st ? st : crp_list(vm, &out->file, 1, &out->files);
}

/* The user's own file may be the one that CARAPACE_CONFIG names. */
static crp_status use_all(crp *vm, crpi_hive *out)
{
    crp_list_builder files = {CRP_NIL, CRP_NIL};
    crp_word file[CRPI_MOST_HIVES];
    crp_status st = CRP_OK;
    for (int i = 0; !st && i < CRPI_MOST_HIVES; i++) st = places[i].file(vm, &file[i]);
    for (int i = 0; !st && i < CRPI_MOST_HIVES; i++) {
        bool again = i == NAMED && crp_equal(vm, file[i], file[USER]);
        if (!again && !is_empty(file[i])) st = crp_list_add(vm, &files, file[i]);
    }
    if (!st) *out = (crpi_hive){files.first, file[USER], false};
    return st;
}

crp_status crpi_hive_named(crp *vm, crp_word name, crpi_hive *out)
{
    const struct place *p = NULL;
    *out = (crpi_hive){CRP_NIL, name, false};
    if (is_empty(name)) return use_all(vm, out);
    crp_status st = find_place(vm, name, &p);
    return st ? st : use_one(vm, p, out);
}

/* --- reading -------------------------------------------------------------------------------------------- */

void crpi_confs_free(crpi_confs *c)
{
    for (int i = 0; i < c->count; i++) crpi_conf_free(&c->all[i]);
}

/* A password that others can read is mentioned, once for each file. */
static crp_status warn(crp *vm, const crpi_conf *f)
{
    crp_word registry, key, text, seen;
    size_t n;
    if (!f->secret || (f->mode & 077) == 0 || !vm->write) return CRP_OK;
    crp_status st = crp_registry(vm, &registry);
    if (!st) st = crp_format(vm, &key, "warned of %s", f->path);
    if (st || crp_hashtable_get(vm, registry, key, &seen)) return st;
    st = crp_format(vm, &text,
                    "carapace: warning: %s holds a password and others can read it: chmod 600 %s\n", f->path,
                    f->path);
    if (st) return st;
    const char *bytes = crp_string_data(text, &n);
    vm->write(vm->write_ud, 2, bytes, n);
    return crp_hashtable_set(vm, registry, key, CRP_TRUE);
}

static crp_status read_one(crp *vm, crp_word file, crpi_conf *f)
{
    const char *path;
    *f = (crpi_conf){.vm = vm};
    crp_status st = crp_c_string(vm, file, &path);
    if (!st) st = crpi_conf_read(vm, path, f);
    return st ? st : warn(vm, f);
}

crp_status crpi_hive_read(crp *vm, const crpi_hive *h, crpi_confs *c)
{
    crp_status st = CRP_OK;
    c->count = 0;
    for (crp_word l = h->files; !st && crp_is_pair(l); l = crp_tail(l))
        st = read_one(vm, crp_head(l), &c->all[c->count++]);
    return st;
}

int crpi_confs_find(const crpi_confs *c, crp_word section, long *line)
{
    size_t n;
    const char *name = crp_string_data(section, &n);
    for (int i = c->count - 1; i >= 0; i--)
        if ((*line = crpi_conf_section(&c->all[i], name, n)) != CRPI_NO_LINE) return i;
    return -1;
}

/* --- changing ------------------------------------------------------------------------------------------- */

void crpi_change_drop(crp *vm, void *p)
{
    crpi_change *k = p;
    void *state;
    if (k->folder) crp_platform_of(vm, &state)->close(state, k->folder - 1);
    k->folder = 0;
}

/* Makes the folders that lead to a file, for this user only. */
static crp_status make_folders(crp *vm, const char *path)
{
    char folder[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof folder) return crpi_lib_cannot(vm, CRPI_CANNOT_OPEN, ENAMETOOLONG, "open", path);
    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/') continue;
        memcpy(folder, path, i);
        folder[i] = 0;
        if (mkdir(folder, 0700) == 0 || errno == EEXIST) continue;
        struct stat status;
        int reason = errno;
        if (stat(folder, &status) == 0) continue;
        return crpi_lib_cannot(vm, CRPI_CANNOT_CHANGE, reason, "make directory", folder);
    }
    return CRP_OK;
}

/* The folder of the file itself, behind all links. */
static crp_status open_folder(crp *vm, const char *path, int *fd)
{
    char real[PATH_MAX], *slash;
    if (!realpath(path, real)) memcpy(real, path, strlen(path) + 1);
    slash = strrchr(real, '/');
    if (slash) slash[slash == real] = 0;
    return crpi_lib_open(vm, slash ? real : ".", O_RDONLY | O_DIRECTORY, 0, fd);
}

static crp_status begin_change(crp_call *c, crpi_change *k, const char *path)
{
    int fd;
    k->until = crp_now(c->vm) + LOCK_MS;
    crp_status st = make_folders(c->vm, path);
    if (!st) st = open_folder(c->vm, path, &fd);
    if (!st) k->folder = fd + 1;
    return st;
}

/* Where the file system knows no locks, there is nobody to be kept out. */
static crp_status take_lock(crp_call *c, const crpi_change *k, const char *path)
{
    if (flock(k->folder - 1, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR))
        return CRP_OK;
    int64_t now = crp_now(c->vm);
    if (now >= k->until)
        return crp_raise(c->vm, CRP_ERR_FILE, CRPI_CANNOT_WRITE,
                         "cannot write to %q: another program holds a lock on its folder for %d ms", path,
                         (int)LOCK_MS);
    crp_wait_until(c, now + LOOK_AGAIN_MS);
    return CRP_AGAIN;
}

static crp_status write_back(crp *vm, const crpi_hive *h, const crpi_conf *f)
{
    crpi_replacement r;
    if (f->text.length > CRPI_MOST_CONF)
        return crp_raise(vm, CRP_ERR_CONFIG, 1,
                         "%s: a configuration file may have %d bytes, this would make %zu", f->path,
                         (int)CRPI_MOST_CONF, f->text.length);
    crp_status st = crpi_replacement_begin(vm, &r, f->path, h->system ? 0644 : 0600);
    if (st) return st;
    st = crpi_replacement_write(vm, &r, f->text.bytes, f->text.length);
    if (!st) return crpi_replacement_end(vm, &r, true);
    crpi_replacement_drop(vm, &r);
    return st;
}

/* The file that is changed, among those that were read. */
static crpi_conf *target_of(const crpi_hive *h, crpi_confs *c)
{
    const char *path = crp_string_data(h->file, NULL);
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->all[i].path, path) == 0) return &c->all[i];
    return NULL;
}

static crp_status hidden_by(crp *vm, const crpi_conf *other, crp_word section)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                     "[%p] is set in %s, which comes after your own file and would hide the change: create "
                     "the Registry with the hive %s",
                     section, other->path, places[NAMED].name);
}

/* A section that only an earlier file has is copied first, since it stands for the whole of that one. */
static crp_status prepare(crp *vm, crpi_confs *c, crpi_conf *target, crp_word section)
{
    long line;
    int at = crpi_confs_find(c, section, &line);
    if (at >= 0 && &c->all[at] > target) return hidden_by(vm, &c->all[at], section);
    if (at < 0 || &c->all[at] == target) return CRP_OK;
    return crpi_conf_copy_section(target, &c->all[at], line);
}

static crp_status change_it(crp_call *c, const crpi_hive *h, crpi_conf *target, crp_word section,
                            crpi_changing what)
{
    size_t n;
    bool changed = false;
    const char *name = crp_string_data(section, &n);
    crp_status st = what(c, target, name, n, &changed);
    if (!st && changed) st = write_back(c->vm, h, target);
    return st ? st : warn(c->vm, target);
}

/* Tried again from the top until the lock is there. */
crp_status crpi_hive_change(crp_call *c, crpi_change *k, const crpi_hive *h, crp_word section, bool seen,
                            crpi_changing what)
{
    crpi_confs all;
    const char *path;
    crp_status st = crp_c_string(c->vm, h->file, &path);
    if (!st && !*path) st = no_file(c->vm, &places[USER]);
    if (!st && c->step++ == 0) st = begin_change(c, k, path);
    if (!st) st = take_lock(c, k, path);
    if (st) return st;
    st = crpi_hive_read(c->vm, h, &all);
    crpi_conf *target = st ? NULL : target_of(h, &all);
    if (!st && seen) st = prepare(c->vm, &all, target, section);
    if (!st) st = change_it(c, h, target, section, what);
    crpi_confs_free(&all);
    return st;
}
