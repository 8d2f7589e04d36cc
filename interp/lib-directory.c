/* floor 7: directories: the current one, making and removing, listing; temporary files.
 *
 * The errors are those of lib-file.c.
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
#include "replace.h"

enum { MOST_ENTRIES = 10000000, MOST_TRIES = 100 };

/* The result of a system call that gives -1 and errno. */
static crp_status changed(crp *vm, int result, const char *what, const char *path)
{
    return result < 0 ? crpi_lib_cannot(vm, CRPI_CANNOT_CHANGE, errno, what, path) : CRP_OK;
}

/* --- the current one ------------------------------------------------------------------------------------ */

static crp_status current_dir(crp_call *c)
{
    char path[PATH_MAX];
    if (getcwd(path, sizeof path)) return crp_string_z(c->vm, path, &c->result);
    return crpi_lib_cannot(c->vm, CRPI_NO_STATUS, errno, "find out", "current directory");
}

static crp_status change_dir(crp_call *c)
{
    const char *path;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    return st ? st : changed(c->vm, chdir(path), "change to", path);
}

static crp_status current_drive(crp_call *c) { return crp_string_z(c->vm, "", &c->result); }

static crp_status change_drive(crp_call *c)
{
    size_t n;
    crp_string_data(c->args[0], &n);
    if (n == 0) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "changeDrive: there is one drive, \"\", given %v; changeDir goes to any directory",
                     c->args[0]);
}

/* --- making and removing -------------------------------------------------------------------------------- */

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

/* --- temporary ones ------------------------------------------------------------------------------------- */

/* "FOLDER/carapace": what the names begin with. */
static crp_status temporary_stem(crp_call *c, char stem[PATH_MAX])
{
    const char *folder = secure_getenv("TMPDIR");
    if (!folder || !*folder) folder = "/tmp";
    crp_status st = crpi_lib_given(c, 0) ? crpi_lib_path(c->vm, c->args[0], &folder) : CRP_OK;
    size_t n = st ? 0 : strlen(folder);
    if (st || n + sizeof "/carapace" > PATH_MAX)
        return st ? st : crpi_lib_cannot(c->vm, CRPI_CANNOT_OPEN, ENAMETOOLONG, "open", folder);
    memcpy(stem, folder, n);
    memcpy(stem + n, "/carapace", sizeof "/carapace");
    return CRP_OK;
}

static crp_status temporary_file(crp_call *c)
{
    char stem[PATH_MAX], *name;
    void *state;
    int fd;
    crp_status st = temporary_stem(c, stem);
    if (!st) st = crpi_open_beside(c->vm, stem, 0600, &name, &fd);
    if (st) return st;
    crp_platform_of(c->vm, &state)->close(state, fd);
    st = crp_string_z(c->vm, name, &c->result);
    crpi_free_text(c->vm, &name);
    return st;
}

static crp_status temporary_dir(crp_call *c)
{
    char stem[PATH_MAX], *name = NULL;
    int failure = 0;
    crp_status st = temporary_stem(c, stem);
    for (int tries = 0; !st && tries < MOST_TRIES; tries++) {
        crpi_free_text(c->vm, &name);
        st = crpi_name_beside(c->vm, stem, &name);
        failure = st || mkdir(name, 0700) == 0 ? 0 : errno;
        if (failure != EEXIST) break;
    }
    if (!st && failure) st = crpi_lib_cannot(c->vm, CRPI_CANNOT_CHANGE, failure, "make directory", name);
    if (!st) st = crp_string_z(c->vm, name, &c->result);
    crpi_free_text(c->vm, &name);
    return st;
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
    if (!st && errno) st = crpi_lib_cannot(vm, CRPI_CANNOT_READ, errno, "list", path);
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
    if (length >= sizeof folder) return crpi_lib_cannot(vm, CRPI_CANNOT_READ, ENAMETOOLONG, "list", pattern);
    memcpy(folder, length ? pattern : ".", length ? length : 1);
    folder[length ? length : 1] = 0;
    crp_status st = crpi_lib_open(vm, folder, O_RDONLY | O_DIRECTORY, 0, &fd);
    if (st) return st;
    *out = fdopendir(fd);
    if (*out) return CRP_OK;
    int reason = errno;
    crp_platform_of(vm, &state)->close(state, fd);
    return crpi_lib_cannot(vm, CRPI_CANNOT_READ, reason, "list", pattern);
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
    ROW("currentDir", "String", current_dir,
        "The current directory; 5.5 if it is not there any more.\n"
        "(fileStatus (currentDir) 'isDirectory)  # --> 1"),
    ROW("changeDir", "NIL (newDir String)", change_dir,
        "Makes another directory the current one, of the whole process; 5.6 if it cannot be done.\n"
        "(makeDir \"inbox\")\n"
        "(changeDir \"inbox\")\n"
        "(baseName (currentDir))            # --> \"inbox\"\n"
        "(changeDir \"..\")"),
    ROW("currentDrive", "String", current_drive,
        "\"\": there are no drives here.\n"
        "(currentDrive)                     # --> \"\""),
    ROW("changeDrive", "NIL (newDrive String)", change_drive,
        "Does nothing for \"\", the one drive; any other is 1.12.\n"
        "(changeDrive (currentDrive))\n"
        "(changeDrive \"C:\")               # error: 1.12"),
    ROW("makeDir", "NIL (newDir String)", make_dir,
        "Makes a directory; 5.6 if it is there already or cannot be made.\n"
        "(makeDir \"new\")\n"
        "(makeDir \"new\")                  # error: 5.6"),
    ROW("removeDir", "NIL (dir String)", remove_dir,
        "Removes a directory, which must be empty; 5.6 if it cannot be done.\n"
        "(removeDir \"new\")\n"
        "(fileStatus \"new\" 'exists)       # --> ()"),
    ROW("listFiles", "List (pattern String \"*\")", list_files,
        "The files of a directory whose names match: * any bytes, ? one, [a-z] one of a set, in the last "
        "part of the pattern only; \"dir/\" is all of them. Each with the directory as it was written, "
        "sorted by bytes. A name that begins with a dot wants a dot. 5.1 or 5.3 if the directory cannot be "
        "read.\n"
        "(writeFile \"inbox/1.eml\" \"\")\n"
        "(writeFile \"inbox/2.eml\" \"\")\n"
        "(listFiles \"inbox/*.eml\")        # --> (\"inbox/1.eml\" \"inbox/2.eml\")"),
    ROW("listDirectories", "List (pattern String \"*\")", list_directories,
        "The same for directories.\n"
        "(listDirectories \"in*\")          # --> (\"inbox\")"),
    ROW("temporaryFile", "String (dir String ?)", temporary_file,
        "Makes an empty file that only this user can read, in `dir`, by default TMPDIR or /tmp, and gives "
        "its name, which nobody else has. 5.1 if it cannot be made.\n"
        "(set draft (temporaryFile \".\"))\n"
        "(fileStatus draft 'size)           # --> 0"),
    ROW("temporaryDir", "String (dir String ?)", temporary_dir,
        "The same for a directory; 5.6 if it cannot be made.\n"
        "(fileStatus (temporaryDir \".\") 'isDirectory)  # --> 1"),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_directory(crp *vm) { return crp_define_functions(vm, functions); }
