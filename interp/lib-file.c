/* floor 7: functions on files: whole ones, copies, names, status.
 *
 * Names are bytes, as the system has them.  An error names the file and the system's reason: 5.5 where a
 * status cannot be had, 5.6 where something cannot be made, removed, renamed or changed.
 */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "replace.h"

enum { BLOCK = 1 << 20 };

crp_status crpi_lib_cannot(crp *vm, int code, int errnum, const char *what, const char *path)
{
    return crp_raise_errno(vm, CRP_ERR_FILE, code, errnum, "cannot %s %q", what, path);
}

crp_status crpi_lib_open(crp *vm, const char *path, int flags, unsigned mode, int *fd)
{
    return crpi_lib_open_for(vm, path, path, flags, mode, fd);
}

crp_status crpi_lib_open_for(crp *vm, const char *wanted, const char *path, int flags, unsigned mode, int *fd)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    flags |= O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    *fd = platform->open(state, path, flags, mode);
    if (*fd == -EMFILE || *fd == -ENFILE) {
        crpi_collect(vm);
        *fd = platform->open(state, path, flags, mode);
    }
    if (*fd >= 0) return CRP_OK;
    bool none_left = *fd == -EMFILE || *fd == -ENFILE;
    return crp_raise_errno(vm, none_left ? CRP_ERR_SYSTEM : CRP_ERR_FILE,
                           none_left ? EMFILE : CRPI_CANNOT_OPEN, -*fd, "cannot open %q", wanted);
}

/* The result of a system call that gives -1 and errno. */
static crp_status changed(crp *vm, int result, const char *what, const char *path)
{
    return result < 0 ? crpi_lib_cannot(vm, CRPI_CANNOT_CHANGE, errno, what, path) : CRP_OK;
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
        if (n < 0) return crpi_lib_cannot(vm, CRPI_CANNOT_READ, (int)-n, "read", path);
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
    if (S_ISDIR(status->st_mode)) return crpi_lib_cannot(vm, CRPI_CANNOT_OPEN, EISDIR, "open", path);
    return crp_raise(vm, CRP_ERR_FILE, CRPI_CANNOT_OPEN, "cannot open %q: it is no regular file", path);
}

crp_status crpi_lib_read_text(crp *vm, const char *path, crpi_buf *out, unsigned *mode)
{
    struct stat status;
    void *state;
    int fd;
    crp_status st = open_regular(vm, path, &fd, &status);
    if (st) return st;
    st = read_all(vm, fd, path, (size_t)status.st_size, out);
    crp_platform_of(vm, &state)->close(state, fd);
    if (mode) *mode = status.st_mode & 07777;
    return st;
}

crp_status crpi_lib_read_file(crp *vm, crp_word path, crp_word *string)
{
    const char *name;
    crpi_buf b;
    crp_status st = crpi_lib_path(vm, path, &name);
    if (st) return st;
    crpi_buf_init(&b, &vm->mem, CRPI_LIB_CAP);
    st = crpi_lib_read_text(vm, name, &b, NULL);
    if (!st) return crpi_lib_finish(vm, &b, CRP_STRING, string);
    crpi_buf_free(&b);
    return st;
}

crp_status crpi_lib_write_file(crp *vm, crp_word path, const void *bytes, size_t n)
{
    const char *name;
    crpi_replacement r;
    crp_status st = crpi_lib_path(vm, path, &name);
    if (!st) st = crpi_replacement_begin(vm, &r, name, 0666);
    if (st) return st;
    st = crpi_replacement_write(vm, &r, bytes, n);
    if (!st) return crpi_replacement_end(vm, &r, true);
    crpi_replacement_drop(vm, &r);
    return st;
}

static crp_status read_file(crp_call *c) { return crpi_lib_read_file(c->vm, c->args[0], &c->result); }

static crp_status write_file(crp_call *c)
{
    const char *bytes;
    size_t n;
    crp_status st = crpi_lib_bytes(c->vm, c->args[1], &bytes, &n);
    return st ? st : crpi_lib_write_file(c->vm, c->args[0], bytes, n);
}

/* --- copying -------------------------------------------------------------------------------------------- */

/* A copy under way.  It goes on block by block, so that Ctrl-C is seen; dropped unfinished, nothing of it
 * stays. */
typedef struct copying {
    bool reading;
    int from;
    unsigned mode;
    char *block;
    crpi_replacement to;
} copying;

static void drop_copy(crp *vm, void *p)
{
    copying *k = p;
    void *state;
    if (k->reading) crp_platform_of(vm, &state)->close(state, k->from);
    crpi_replacement_drop(vm, &k->to);
    crpi_mem_free(&vm->mem, k->block, BLOCK);
}

static crp_status open_copy(crp *vm, copying *k, const char *from, const char *to)
{
    struct stat status;
    crp_status st = open_regular(vm, from, &k->from, &status);
    if (st) return st;
    k->reading = true;
    k->mode = status.st_mode & 0777;
    k->block = crp_alloc(vm, BLOCK);
    return k->block ? crpi_replacement_begin(vm, &k->to, to, k->mode) : CRP_E_NOMEM;
}

static crp_status copy_block(crp *vm, copying *k, const char *from, bool *end)
{
    void *state;
    ssize_t n = crp_platform_of(vm, &state)->read(state, k->from, k->block, BLOCK);
    if (n < 0) return crpi_lib_cannot(vm, CRPI_CANNOT_READ, (int)-n, "read", from);
    *end = n == 0;
    return crpi_replacement_write(vm, &k->to, k->block, (size_t)n);
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
        st = copy_block(c->vm, k, from, &end);
        if (st || end || !crp_interrupted(c->vm)) continue;
        crp_wait_until(c, 0);
        return CRP_AGAIN;
    }
    if (st) return st;
    if (k->to.temporary) (void)!fchmod(k->to.fd, k->mode);
    return crpi_replacement_end(c->vm, &k->to, false);
}

/* --- removing, renaming, changing ----------------------------------------------------------------------- */

static crp_status remove_file(crp_call *c)
{
    const char *path;
    void *state;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    if (st) return st;
    int failure = crp_platform_of(c->vm, &state)->unlink(state, path);
    return failure ? crpi_lib_cannot(c->vm, CRPI_CANNOT_CHANGE, -failure, "remove", path) : CRP_OK;
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

/* What holds is 1, what does not -1. */
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

static crp_status no_status(crp *vm, const char *path)
{
    bool absent = errno == ENOENT || errno == ENOTDIR;
    return absent ? CRP_OK : crpi_lib_cannot(vm, CRPI_NO_STATUS, errno, "find out the status of", path);
}

static crp_status file_status(crp_call *c)
{
    const char *path;
    enum key key = EXISTS;
    struct stat status;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    if (!st) st = key_named(c->vm, c->args[1], &key);
    if (st) return st;
    if (stat(path, &status) < 0) return no_status(c->vm, path);
    int64_t value = status_value(&status, path, key);
    bool is_test = key >= READABLE;
    return is_test && value < 0 ? CRP_OK : crp_integer(c->vm, value, &c->result);
}

/* --- version -------------------------------------------------------------------------------------------- */

enum { VERSION_PARTS = 4, VERSION_DIGITS = 9 };

/* The numbers behind ".so." at the end of a name; false if that is not what it ends with. */
static bool read_version(const char *name, int64_t parts[VERSION_PARTS])
{
    const char *at = strstr(name, ".so.");
    if (!at) return false;
    at += 4;
    for (int i = 0; i < VERSION_PARTS; i++) {
        int digits = 0;
        for (; *at >= '0' && *at <= '9' && digits < VERSION_DIGITS; digits++)
            parts[i] = parts[i] * 10 + (*at++ - '0');
        if (digits == 0) return false;
        if (*at != '.') break;
        at++;
    }
    return *at == 0;
}

static crp_status list_of_numbers(crp *vm, const int64_t *numbers, size_t n, crp_word *out)
{
    crp_word words[VERSION_PARTS];
    for (size_t i = 0; i < n; i++) words[i] = crp_fixnum(numbers[i]);
    return crp_list(vm, words, n, out);
}

static crp_status file_version(crp_call *c)
{
    const char *path;
    char real[PATH_MAX];
    int64_t parts[VERSION_PARTS] = {0};
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    if (st) return st;
    if (!realpath(path, real)) return no_status(c->vm, path);
    if (!read_version(strrchr(real, '/'), parts)) return CRP_OK;
    return list_of_numbers(c->vm, parts, VERSION_PARTS, &c->result);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("readFile", "String (filePath String)", read_file,
        "All of a regular file. 5.1 cannot open, 5.3 cannot read, 1.8 for a name that is empty or holds a "
        "NUL, as everywhere.\n"
        "(writeFile \"memo\" \"buy milk\\n\")\n"
        "(readFile \"memo\")                  # --> \"buy milk\\n\""),
    ROW("writeFile", "NIL (filePath String) data", write_file,
        "Makes a file of a String, Binary or Buffer; one that is there already is replaced when every byte "
        "is on the disk, and keeps its permissions. 5.1 cannot open, 5.4 cannot write, 5.6 cannot replace, "
        "1.11 for other data.\n"
        "(writeFile \"memo\" 0x\"FFFF\")\n"
        "(fileStatus \"memo\" 'size)          # --> 2"),
    {"copyFile", "NIL (from String) (to String)", copy_file,
     "Copies a file with its permissions; a file of the other name is replaced when the copy is whole. 5.1 "
     "cannot open, 5.3 cannot read, 5.4 cannot write, 5.6 cannot replace.\n"
     "(copyFile \"memo\" \"copy\")\n"
     "(readFile \"copy\").length           # --> 2",
     sizeof(copying), NULL, drop_copy},
    ROW("rename", "NIL (oldPath String) (newPath String)", rename_file,
        "Renames a file or directory, within one file system; a file of the new name is replaced. 5.6 if it "
        "cannot be done.\n"
        "(rename \"copy\" \"other\")\n"
        "(fileStatus \"copy\" 'exists)        # --> ()"),
    ROW("removeFile", "NIL (filePath String)", remove_file,
        "Removes a file; 5.6 if it cannot be done.\n"
        "(removeFile \"other\")\n"
        "(removeFile \"other\")               # error: 5.6"),
    ROW("chmod", "NIL (filePath String) (mode Integer|String)", change_mode,
        "Changes the permissions: a bit mask, or octal digits as in \"0644\". 5.6 if it cannot be done, 1.8 "
        "beyond 07777.\n"
        "(chmod \"memo\" \"0600\")\n"
        "(& (fileStatus \"memo\" 'mode) 0x1FF)  # --> 384"),
    ROW("fileStatus", "Object (filePath String) (key Symbol|String)", file_status,
        "One fact about a file: size (bytes), mode (bit mask), accessTime and modifiedTime (seconds since "
        "1970), ownerId, groupId; 1 or () for readable, writable, executable, exists, isDirectory. () if "
        "there is no such file, 5.5 if that cannot be found out, 1.8 for another key.\n"
        "(fileStatus \"memo\" 'exists)        # --> 1\n"
        "(fileStatus \"nothing\" 'size)       # --> ()"),
    ROW("fileVersion", "List (filePath String)", file_version,
        "The version of a shared library, from its real name, whatever links lead to it: libm.so.6.0.1 has "
        "(6 0 1 0). () for a file whose name has none, and if there is no such file; 5.5 if that cannot be "
        "found out.\n"
        "(writeFile \"libmine.so.2.10\" \"\")\n"
        "(fileVersion \"libmine.so.2.10\")    # --> (2 10 0 0)\n"
        "(fileVersion \"memo\")               # --> ()"),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_file(crp *vm) { return crp_define_functions(vm, functions); }
