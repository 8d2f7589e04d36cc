/* floor 8: where a file to be loaded is looked for.
 *
 * Beside the file that loads it, then along the search path, then among the files that are built into the
 * library.  A place where there is nothing is no error until all have been tried; a file that is there and
 * cannot be read is one at once.  The error lists the places.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "error.h"
#include "lib.h"

#define EXTENSION ".crp"
#define BUILTIN "stdlib/" /* stands before the names of files that are built in */

/* --- reading a file ------------------------------------------------------------------------------------- */

/* A descriptor that was opened by somebody else, stdin perhaps, may say that it would wait. */
static void wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, -1) < 0 && errno == EINTR) {
    }
}

static int read_rest(crp *vm, int fd, crpi_buf *out)
{
    char block[16384];
    while (!out->failed && !out->overflow) {
        ssize_t n = vm->platform->read(vm->platform_state, fd, block, sizeof block);
        if (n == -EAGAIN)
            wait_readable(fd);
        else if (n <= 0)
            return (int)-n;
        else
            crpi_buf_put(out, block, (size_t)n);
    }
    return out->overflow ? EFBIG : 0;
}

static int open_file(crp *vm, const char *path)
{
    return vm->platform->open(vm->platform_state, path, O_RDONLY, 0);
}

int crpi_file_read(crp *vm, const char *path, crpi_buf *out)
{
    int fd = open_file(vm, path);
    if (fd == -EMFILE || fd == -ENFILE) {
        crpi_collect(vm); /* scripts may have dropped what they had opened */
        fd = open_file(vm, path);
    }
    if (fd < 0) return -fd;
    int reason = read_rest(vm, fd, out);
    vm->platform->close(vm->platform_state, fd);
    return reason;
}

/* --- the path ------------------------------------------------------------------------------------------- */

crp_status crpi_loader_add_path(crp *vm, const char *directory)
{
    crpi_loader *l = vm->loader;
    size_t size = strlen(directory) + 1;
    if (!crpi_mem_grow(&vm->mem, &l->path, &l->path_capacity, l->path_count + 1, sizeof *l->path))
        return crp_no_memory(vm);
    char *copy = crp_alloc(vm, size);
    if (!copy) return CRP_E_NOMEM;
    l->path[l->path_count++] = memcpy(copy, directory, size);
    return CRP_OK;
}

/* --- a search ------------------------------------------------------------------------------------------- */

typedef struct search {
    crp *vm;
    const char *name, *extension;
    bool has_extension;
    bool place_only; /* a native library: the linker reads it */
    crpi_buf path, text, looked; /* the place being tried, what was found, and where nothing was */
    const struct crpi_stdlib_file *builtin;
    bool found;
} search;

static void search_open(search *s, crp *vm, const char *name, const char *extension)
{
    size_t n = strlen(name), e = strlen(extension);
    *s = (search){.vm = vm, .name = name, .extension = extension};
    s->has_extension = n > e && strcmp(name + n - e, extension) == 0;
    crpi_buf_init(&s->path, &vm->mem, 0);
    crpi_buf_init(&s->text, &vm->mem, CRPI_MAX_SOURCE);
    crpi_buf_init(&s->looked, &vm->mem, 4000);
}

static void search_close(search *s)
{
    crpi_buf_free(&s->path);
    crpi_buf_free(&s->text);
    crpi_buf_free(&s->looked);
}

static bool is_nothing(int reason)
{
    return reason == ENOENT || reason == ENOTDIR || reason == EISDIR || reason == ENAMETOOLONG ||
           reason == ELOOP;
}

/* One file name in one directory, which ends with a slash or is empty. */
static crp_status try_file(search *s, const char *directory, size_t length, const char *extension)
{
    s->path.length = s->text.length = 0;
    crpi_buf_put(&s->path, directory, length);
    if (length && directory[length - 1] != '/') crpi_buf_byte(&s->path, '/');
    crpi_buf_text(&s->path, s->name);
    crpi_buf_text(&s->path, extension);
    crpi_buf_byte(&s->path, 0);
    if (s->path.failed) return crp_no_memory(s->vm);
    int reason = s->place_only ? (access(s->path.bytes, R_OK) ? errno : 0)
                               : crpi_file_read(s->vm, s->path.bytes, &s->text);
    if (s->text.failed) return crp_no_memory(s->vm);
    s->found = reason == 0;
    if (s->found || is_nothing(reason)) return CRP_OK;
    return crp_raise_errno(s->vm, CRP_ERR_FILE, CRPI_CANNOT_READ, reason, "cannot load %q", s->path.bytes);
}

static void note_place(search *s, const char *place, size_t length)
{
    if (s->looked.length) crpi_buf_text(&s->looked, ", ");
    if (length == 0)
        crpi_buf_text(&s->looked, "the working directory");
    else
        crpi_buf_escaped(&s->looked, place, length, 300);
}

static crp_status try_directory(search *s, const char *directory, size_t length)
{
    crp_status st = s->has_extension ? CRP_OK : try_file(s, directory, length, s->extension);
    if (!st && !s->found && (s->has_extension || !s->place_only)) st = try_file(s, directory, length, "");
    if (!st && !s->found) note_place(s, directory, length);
    return st;
}

static bool is_name_of(const search *s, const char *file)
{
    size_t n = strlen(s->name);
    return strncmp(file, s->name, n) == 0 && strcmp(file + n, s->has_extension ? "" : s->extension) == 0;
}

static void try_builtin(search *s)
{
    for (const struct crpi_stdlib_file *file = crpi_stdlib; file->name && !s->found; file++) {
        if (!is_name_of(s, file->name)) continue;
        s->builtin = file;
        s->found = true;
    }
    if (!s->found) note_place(s, "the standard library", 20);
}

/* The directory of the file that a source is; what was typed or handed in stands in the working directory. */
static size_t directory_of(const crpi_source *from)
{
    const char *name = from ? crp_string_data(from->name, NULL) : "", *slash = strrchr(name, '/');
    return slash ? (size_t)(slash - name) + 1 : 0;
}

static crp_status search_all(search *s, const crpi_source *from)
{
    const crpi_loader *l = s->vm->loader;
    if (s->name[0] == '/') return try_directory(s, "", 0);
    if (from && from->builtin)
        try_builtin(s);
    else {
        size_t length = directory_of(from);
        crp_status st = try_directory(s, length ? crp_string_data(from->name, NULL) : "", length);
        if (st) return st;
    }
    for (size_t i = 0; !s->found && i < l->path_count; i++) {
        crp_status st = try_directory(s, l->path[i], strlen(l->path[i]));
        if (st) return st;
    }
    if (!s->found && !s->place_only) try_builtin(s);
    return CRP_OK;
}

/* --- what was found ------------------------------------------------------------------------------------- */

/* Takes "x/." and "x/.." out of a path, in place, as far as the names tell. */
static void straighten(crpi_buf *path)
{
    char *to = path->bytes;
    const char *from = to, *end = from + path->length;
    while (from < end) {
        const char *slash = memchr(from, '/', (size_t)(end - from));
        size_t n = (size_t)((slash ? slash + 1 : end) - from), bare = slash ? n - 1 : n;
        bool here = bare == 1 && from[0] == '.', up = bare == 2 && from[0] == '.' && from[1] == '.';
        char *parent = to;
        if (up && to > path->bytes) {
            parent--;
            while (parent > path->bytes && parent[-1] != '/') parent--;
            up = parent + 1 < to && !(to - parent == 3 && memcmp(parent, "../", 3) == 0);
        } else
            up = false;
        if (up)
            to = parent;
        else if (!here && !(bare == 0 && to > path->bytes)) {
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    path->length = (size_t)(to - path->bytes);
}

static crp_status take_file(search *s, crpi_source **out, crp_word *key)
{
    crp_status st = crpi_source_new(s->vm, s->path.bytes, s->text.bytes, s->text.length, NULL, out);
    if (st) return st;
    s->path.length--; /* the NUL */
    straighten(&s->path);
    return crp_string(s->vm, s->path.bytes, s->path.length, key);
}

static crp_status take_builtin(search *s, crpi_source **out, crp_word *key)
{
    s->path.length = 0;
    crpi_buf_format(&s->path, BUILTIN "%s", s->builtin->name);
    crpi_buf_byte(&s->path, 0);
    if (s->path.failed) return crp_no_memory(s->vm);
    crp_status st = crpi_source_new(s->vm, s->path.bytes, (const char *)s->builtin->bytes, s->builtin->size,
                                    NULL, out);
    if (!st) (*out)->builtin = true;
    *key = st ? CRP_NIL : (*out)->name;
    return st;
}

static crp_status not_found(const search *s)
{
    return crp_raise(s->vm, CRP_ERR_FILE, CRPI_CANNOT_OPEN, "cannot find %s %q%s%s to load; looked in %.*s",
                     s->place_only ? "a library" : "a file", s->name, s->has_extension ? "" : s->place_only ? " with " : " or with ",
                     s->has_extension ? "" : s->extension, (int)s->looked.length, s->looked.bytes ? s->looked.bytes : "");
}

static crp_status take(search *s, crpi_source **out, crp_word *key)
{
    if (s->builtin) return take_builtin(s, out, key);
    if (s->found) return take_file(s, out, key);
    return not_found(s);
}

crp_status crpi_load_find(crp *vm, const crpi_source *from, const char *name, crpi_source **out,
                          crp_word *key)
{
    search s;
    search_open(&s, vm, name, EXTENSION);
    crp_status st = search_all(&s, from);
    if (!st) st = take(&s, out, key);
    search_close(&s);
    return st;
}

crp_status crpi_load_find_library(crp *vm, const crpi_source *from, const char *name, crp_word *path)
{
    search s;
    search_open(&s, vm, name, ".so");
    s.place_only = true;
    crp_status st = search_all(&s, from);
    if (!st && !s.found) st = not_found(&s);
    if (!st) st = crp_string_z(vm, s.path.bytes, path);
    search_close(&s);
    return st;
}

crp_status crpi_load_builtin(crp *vm, const char *name, crpi_source **out, crp_word *key)
{
    search s;
    search_open(&s, vm, name, EXTENSION);
    try_builtin(&s);
    crp_status st = take(&s, out, key);
    search_close(&s);
    return st;
}
