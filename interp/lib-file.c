/* floor 7: functions on files and directories.
 *
 * Names are bytes, as the system has them.  An error names the file and the system's reason: 5.5 where a
 * status cannot be had, 5.6 where something cannot be made, removed, renamed or changed.
 */
#include "lib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "str.h"

enum { BLOCK = 1 << 20, MOST_ENTRIES = 10000000 };

static crp_status cannot(crp *vm, int code, int errnum, const char *what, const char *path)
{
    return crp_raise_errno(vm, CRP_ERR_FILE, code, errnum, "cannot %s %q", what, path);
}

/* The result of a system call that gives -1 and errno. */
static crp_status changed(crp *vm, int result, const char *what, const char *path)
{
    return result < 0 ? cannot(vm, CRPI_CANNOT_CHANGE, errno, what, path) : CRP_OK;
}

/* --- whole files ---------------------------------------------------------------------------------------- */

/* Reads to the end; the size is only where to begin, since a file may grow and those of /proc have none. */
static crp_status read_all(crp *vm, int fd, const char *path, size_t size, crpi_buf *b)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    if (!crpi_mem_grow(b->mem, &b->bytes, &b->capacity, size + 1, 1)) return crp_no_memory(vm);
    while (true) {
        if (!crpi_mem_grow(b->mem, &b->bytes, &b->capacity, b->length + 1, 1)) return crp_no_memory(vm);
        ssize_t n = platform->read(state, fd, b->bytes + b->length, b->capacity - b->length);
        if (n < 0) return cannot(vm, CRPI_CANNOT_READ, (int)-n, "read", path);
        if (n == 0) return CRP_OK;
        b->length += (size_t)n;
    }
}

/* Opens a file that is no pipe, terminal or directory, which would have to be waited for or cannot be read.
 */
static crp_status open_regular(crp *vm, const char *path, int *fd, struct stat *status)
{
    void *state;
    crp_status st = crpi_lib_open(vm, path, O_RDONLY, 0, fd);
    if (st) return st;
    memset(status, 0, sizeof *status);
    if (fstat(*fd, status) < 0 || S_ISREG(status->st_mode)) return CRP_OK;
    crp_platform_of(vm, &state)->close(state, *fd);
    if (S_ISDIR(status->st_mode)) return cannot(vm, CRPI_CANNOT_OPEN, EISDIR, "open", path);
    return crp_raise(vm, CRP_ERR_FILE, CRPI_CANNOT_OPEN, "cannot open %q: it is no regular file", path);
}

crp_status crpi_lib_read_file(crp *vm, crp_word path, crp_word *string)
{
    const char *name;
    struct stat status;
    void *state;
    int fd;
    crpi_buf b;
    crp_status st = crpi_lib_path(vm, path, &name);
    if (!st) st = open_regular(vm, name, &fd, &status);
    if (st) return st;
    crpi_buf_init(&b, &vm->mem, CRPI_LIB_CAP);
    st = read_all(vm, fd, name, (size_t)status.st_size, &b);
    crp_platform_of(vm, &state)->close(state, fd);
    if (!st) return crpi_lib_finish(vm, &b, CRP_STRING, string);
    crpi_buf_free(&b);
    return st;
}

/* All of the bytes; the first failure as -errno. */
static int write_all(crp *vm, int fd, const char *bytes, size_t n)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    for (size_t at = 0; at < n;) {
        ssize_t written = platform->write(state, fd, bytes + at, n - at);
        if (written <= 0) return written ? (int)written : -EIO;
        at += (size_t)written;
    }
    return 0;
}

crp_status crpi_lib_write_file(crp *vm, crp_word path, const void *bytes, size_t n)
{
    const char *name;
    void *state;
    int fd;
    crp_status st = crpi_lib_path(vm, path, &name);
    if (!st) st = crpi_lib_open(vm, name, O_WRONLY | O_CREAT | O_TRUNC, 0666, &fd);
    if (st) return st;
    int failure = write_all(vm, fd, bytes, n), closed = crp_platform_of(vm, &state)->close(state, fd);
    if (failure) return cannot(vm, CRPI_CANNOT_WRITE, -failure, "write to", name);
    return closed ? cannot(vm, CRPI_CANNOT_CLOSE, -closed, "close", name) : CRP_OK;
}

/* --- copying -------------------------------------------------------------------------------------------- */

/* A copy under way, into a new file beside the target. It goes on block by block, so that Ctrl-C is seen;
 * dropped unfinished, nothing of it stays. */
typedef struct copying {
    bool reading, writing;
    int from, to;
    unsigned mode;
    char *block;
    char *temporary;
} copying;

static void drop_copy(crp *vm, void *p)
{
    copying *k = p;
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    if (k->reading) platform->close(state, k->from);
    if (k->writing) platform->close(state, k->to);
    if (k->temporary) platform->unlink(state, k->temporary);
    crpi_lib_free_text(vm, &k->temporary);
    crpi_mem_free(&vm->mem, k->block, BLOCK);
}

static crp_status open_copy(crp *vm, copying *k, const char *from, const char *to)
{
    struct stat status;
    char *temporary;
    crp_status st = open_regular(vm, from, &k->from, &status);
    if (st) return st;
    k->reading = true;
    k->mode = status.st_mode & 0777;
    k->block = crp_alloc(vm, BLOCK);
    if (!k->block) return CRP_E_NOMEM;
    st = crpi_lib_name_beside(vm, to, &temporary);
    if (st) return st;
    st = crpi_lib_open(vm, temporary, O_WRONLY | O_CREAT | O_EXCL, k->mode, &k->to);
    k->writing = !st;
    if (st) crpi_lib_free_text(vm, &temporary);
    else k->temporary = temporary;
    return st;
}

static crp_status copy_block(crp *vm, copying *k, const char *from, const char *to, bool *end)
{
    void *state;
    ssize_t n = crp_platform_of(vm, &state)->read(state, k->from, k->block, BLOCK);
    if (n < 0) return cannot(vm, CRPI_CANNOT_READ, (int)-n, "read", from);
    int failure = write_all(vm, k->to, k->block, (size_t)n);
    *end = n == 0;
    return failure ? cannot(vm, CRPI_CANNOT_WRITE, -failure, "write to", to) : CRP_OK;
}

static crp_status finish_copy(crp *vm, copying *k, const char *to)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    (void)!fchmod(k->to, k->mode);
    k->writing = false;
    int failure = platform->close(state, k->to);
    if (failure) return cannot(vm, CRPI_CANNOT_CLOSE, -failure, "close", to);
    failure = platform->rename(state, k->temporary, to);
    if (failure) return cannot(vm, CRPI_CANNOT_CHANGE, -failure, "replace", to);
    crpi_lib_free_text(vm, &k->temporary);
    return CRP_OK;
}

static crp_status copy_file(crp_call *c)
{
    copying *k = c->state;
    const char *from, *to;
    bool end = false;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &from);
    if (!st) st = crpi_lib_path(c->vm, c->args[1], &to);
    if (!st && c->step++ == 0) st = open_copy(c->vm, k, from, to);
    while (!st && !end) {
        st = copy_block(c->vm, k, from, to, &end);
        if (st || end || !crp_interrupted(c->vm)) continue;
        crp_wait_until(c, 0);
        return CRP_AGAIN;
    }
    return st ? st : finish_copy(c->vm, k, to);
}

/* --- making, removing, changing ------------------------------------------------------------------------- */

static crp_status make_dir(crp_call *c)
{
    const char *path;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    return st ? st : changed(c->vm, mkdir(path, 0777), "make directory", path);
}

static crp_status remove_dir(crp_call *c)
{
    const char *path;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    return st ? st : changed(c->vm, rmdir(path), "remove directory", path);
}

static crp_status remove_file(crp_call *c)
{
    const char *path;
    void *state;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    if (st) return st;
    int failure = crp_platform_of(c->vm, &state)->unlink(state, path);
    return failure ? cannot(c->vm, CRPI_CANNOT_CHANGE, -failure, "remove", path) : CRP_OK;
}

static crp_status rename_file(crp_call *c)
{
    const char *from, *to;
    void *state;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &from);
    if (!st) st = crpi_lib_path(c->vm, c->args[1], &to);
    if (st) return st;
    int failure = crp_platform_of(c->vm, &state)->rename(state, from, to);
    if (!failure) return CRP_OK;
    return crp_raise_errno(c->vm, CRP_ERR_FILE, CRPI_CANNOT_CHANGE, -failure, "cannot rename %q to %q", from,
                           to);
}

/* Permissions as an Integer, or in octal digits as in "0644". */
static crp_status permissions(crp *vm, crp_word w, int64_t *mode)
{
    crp_word number = w;
    crp_status st = crp_is_string(w) ? crpi_lib_read_integer(vm, w, 8, &number) : CRP_OK;
    return st ? st : crpi_lib_between(vm, "mode", number, 0, 07777, mode);
}

static crp_status change_mode(crp_call *c)
{
    const char *path;
    int64_t mode;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    if (!st) st = permissions(c->vm, c->args[1], &mode);
    return st ? st : changed(c->vm, chmod(path, (mode_t)mode), "change the mode of", path);
}

static crp_status current_dir(crp_call *c)
{
    char path[PATH_MAX];
    if (getcwd(path, sizeof path)) return crp_string_z(c->vm, path, &c->result);
    return cannot(c->vm, CRPI_NO_STATUS, errno, "find out", "current directory");
}

static crp_status change_dir(crp_call *c)
{
    const char *path;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    return st ? st : changed(c->vm, chdir(path), "change to", path);
}

/* --- status --------------------------------------------------------------------------------------------- */

enum key {
    SIZE,
    MODE,
    ACCESS_TIME,
    MODIFIED_TIME,
    OWNER_ID,
    GROUP_ID,
    READABLE,
    WRITABLE,
    EXECUTABLE,
    EXISTS,
    DIRECTORY,
    KEYS
};

static const char *const key_names[KEYS] = {"size",       "mode",    "accessTime", "modifiedTime",
                                            "ownerId",    "groupId", "readable",   "writable",
                                            "executable", "exists",  "isDirectory"};

static crp_status key_named(crp *vm, crp_word w, enum key *out)
{
    size_t n;
    const char *name;
    crp_status st = crpi_lib_name(vm, w, &name, &n);
    if (st) return st;
    for (int i = 0; i < KEYS; i++)
        if (strlen(key_names[i]) == n && memcmp(key_names[i], name, n) == 0) {
            *out = (enum key)i;
            return CRP_OK;
        }
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "fileStatus: expected size, mode, accessTime, modifiedTime, ownerId, groupId, readable, "
                     "writable, executable, exists or isDirectory, given %v",
                     w);
}

/* What holds is 1, what does not (). */
static int64_t status_value(const struct stat *s, const char *path, enum key key)
{
    switch (key) {
    case SIZE: return s->st_size;
    case MODE: return s->st_mode;
    case ACCESS_TIME: return s->st_atime;
    case MODIFIED_TIME: return s->st_mtime;
    case OWNER_ID: return s->st_uid;
    case GROUP_ID: return s->st_gid;
    case READABLE: return access(path, R_OK) == 0 ? 1 : -1;
    case WRITABLE: return access(path, W_OK) == 0 ? 1 : -1;
    case EXECUTABLE: return access(path, X_OK) == 0 ? 1 : -1;
    case DIRECTORY: return S_ISDIR(s->st_mode) ? 1 : -1;
    default: return 1;
    }
}

static crp_status file_status(crp_call *c)
{
    const char *path;
    enum key key = EXISTS;
    struct stat status;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    if (!st) st = key_named(c->vm, c->args[1], &key);
    if (st) return st;
    if (stat(path, &status) < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;
        return absent ? CRP_OK : cannot(c->vm, CRPI_NO_STATUS, errno, "find out the status of", path);
    }
    int64_t value = status_value(&status, path, key);
    bool is_test = key >= READABLE;
    return is_test && value < 0 ? CRP_OK : crp_integer(c->vm, value, &c->result);
}

/* --- listing -------------------------------------------------------------------------------------------- */

/* Whether `c` is in the set that begins behind the `[` at *pattern, which goes behind its `]`. */
static bool in_set(const char **pattern, unsigned char c)
{
    const char *p = *pattern;
    bool inverted = *p == '!' || *p == '^', found = false, first = true;
    if (inverted) p++;
    for (; *p && (first || *p != ']'); p++, first = false) {
        unsigned char low = (unsigned char)*p, high = low;
        if (p[1] == '-' && p[2] && p[2] != ']') {
            high = (unsigned char)p[2];
            p += 2;
        }
        found = found || (c >= low && c <= high);
    }
    *pattern = *p ? p + 1 : p;
    return found != inverted;
}

/* Whether the `[` before `p` begins a set, so that it does not stand for itself. A `]` that comes first is in
 * the set. */
static bool is_set(const char *p)
{
    if (*p == '!' || *p == '^') p++;
    return *p && strchr(p + 1, ']');
}

/* One element of the pattern against one byte; *pattern goes behind the element if it fits. */
static bool one_matches(const char **pattern, const char *name)
{
    const char *p = *pattern + 1;
    bool fits;
    if (**pattern == '[' && is_set(p)) fits = in_set(&p, (unsigned char)*name);
    else fits = **pattern == '?' || **pattern == *name;
    if (fits) *pattern = p;
    return fits;
}

/* `*` any bytes, `?` one, `[a-z]` one of a set. After a mismatch only the last `*` takes one byte more, so
 * the time is at most pattern times name. A name that begins with a dot wants a dot in the pattern. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;
    if (*name == '.' && *pattern != '.') return false;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
        } else if (*pattern && one_matches(&pattern, name)) {
            name++;
        } else if (star) {
            pattern = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}

/* Names found, in memory of their own until they are sorted. */
typedef struct names {
    char **all;
    size_t count, capacity;
} names;

static void free_names(crp *vm, names *n)
{
    for (size_t i = 0; i < n->count; i++) crpi_mem_free(&vm->mem, n->all[i], strlen(n->all[i]) + 1);
    crpi_mem_free(&vm->mem, n->all, n->capacity * sizeof *n->all);
}

static bool add_name(crp *vm, names *n, const char *folder, size_t folder_length, const char *name)
{
    size_t length = strlen(name);
    if (!crpi_mem_grow(&vm->mem, &n->all, &n->capacity, n->count + 1, sizeof *n->all)) return false;
    char *text = crpi_mem_alloc(&vm->mem, folder_length + length + 1);
    if (!text) return false;
    memcpy(text, folder, folder_length);
    memcpy(text + folder_length, name, length + 1);
    n->all[n->count++] = text;
    return true;
}

static bool is_directory(int folder, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
    return fstatat(folder, entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/* What in the open directory matches; takes it over. */
static crp_status collect_names(crp *vm, DIR *dir, bool directories, const char *path, size_t folder,
                                names *out)
{
    const struct dirent *entry;
    const char *pattern = path + folder;
    crp_status st = CRP_OK;
    errno = 0;
    while (!st && (entry = readdir(dir))) {
        bool itself = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (itself || !matches(*pattern ? pattern : "*", entry->d_name)) continue;
        if (is_directory(dirfd(dir), entry) != directories) continue;
        if (out->count == MOST_ENTRIES)
            st = crp_raise(vm, CRP_ERR_FILE, CRPI_CANNOT_READ, "cannot list %q: too many files", path);
        else if (!add_name(vm, out, path, folder, entry->d_name)) st = crp_no_memory(vm);
        errno = 0;
    }
    if (!st && errno) st = cannot(vm, CRPI_CANNOT_READ, errno, "list", path);
    closedir(dir);
    return st;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static crp_status list_of_names(crp *vm, const names *n, crp_word *out)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    crp_word name;
    for (size_t i = 0; !st && i < n->count; i++) {
        st = crp_string_z(vm, n->all[i], &name);
        if (!st) st = crp_list_add(vm, &b, name);
    }
    *out = b.first;
    return st;
}

/* Opens the directory that the pattern names before its last slash, or the current one. */
static crp_status open_folder(crp *vm, const char *pattern, size_t length, DIR **out)
{
    char folder[PATH_MAX];
    int fd;
    void *state;
    if (length >= sizeof folder) return cannot(vm, CRPI_CANNOT_READ, ENAMETOOLONG, "list", pattern);
    memcpy(folder, length ? pattern : ".", length ? length : 1);
    folder[length ? length : 1] = 0;
    crp_status st = crpi_lib_open(vm, folder, O_RDONLY | O_DIRECTORY, 0, &fd);
    if (st) return st;
    *out = fdopendir(fd);
    if (*out) return CRP_OK;
    int reason = errno;
    crp_platform_of(vm, &state)->close(state, fd);
    return cannot(vm, CRPI_CANNOT_READ, reason, "list", pattern);
}

static crp_status list_entries(crp_call *c, bool directories)
{
    const char *pattern;
    DIR *dir;
    names found = {0};
    crp_status st = crpi_lib_path(c->vm, c->args[0], &pattern);
    if (st) return st;
    const char *slash = strrchr(pattern, '/');
    size_t folder = slash ? (size_t)(slash - pattern) + 1 : 0;
    st = open_folder(c->vm, pattern, folder, &dir);
    if (!st) st = collect_names(c->vm, dir, directories, pattern, folder, &found);
    if (!st && found.count) qsort(found.all, found.count, sizeof *found.all, by_bytes);
    if (!st) st = list_of_names(c->vm, &found, &c->result);
    free_names(c->vm, &found);
    return st;
}

static crp_status list_files(crp_call *c) { return list_entries(c, false); }
static crp_status list_directories(crp_call *c) { return list_entries(c, true); }

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("currentDir", "String", current_dir, "The current directory."),
    ROW("changeDir", "NIL (newDir String)", change_dir,
        "Makes another directory the current one, of the whole process."),
    ROW("makeDir", "NIL (newDir String)", make_dir, "Makes a directory; 5.6 if it is there already."),
    ROW("removeDir", "NIL (dir String)", remove_dir, "Removes a directory, which must be empty."),
    ROW("fileStatus", "Object (filePath String) (key Symbol|String)", file_status,
        "One fact about a file: size (bytes), mode (bit mask), accessTime and modifiedTime (seconds since "
        "1970), ownerId, groupId; 1 or () for readable, writable, executable, exists, isDirectory. () if "
        "there is no such file."),
    ROW("listFiles", "List (pattern String)", list_files,
        "The files of a directory whose names match: * any bytes, ? one, [a-z] one of a set, in the last "
        "part of the pattern only; \"dir/\" is all of them. Each with the directory as it was written, "
        "sorted. A name that begins with a dot wants a dot."),
    ROW("listDirectories", "List (pattern String)", list_directories, "The same for directories."),
    ROW("rename", "NIL (oldPath String) (newPath String)", rename_file,
        "Renames a file or directory; a file of the new name is replaced."),
    {"copyFile", "NIL (from String) (to String)", copy_file,
     "Copies a file with its permissions; a file of the other name is replaced when the copy is whole.",
     sizeof(copying), NULL, drop_copy},
    ROW("removeFile", "NIL (filePath String)", remove_file, "Removes a file."),
    ROW("chmod", "NIL (filePath String) (mode Integer|String)", change_mode,
        "Changes the permissions: a bit mask, or octal digits as in \"0644\"."),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_file(crp *vm) { return crp_define_functions(vm, functions); }
