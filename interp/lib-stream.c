/* floor 7: class Stream: files, and the standard input and outputs.
 *
 * A Stream reads ahead into one block and holds back what is written in a buffer.  Every method is a loop
 * that can be entered again at its start: it looks at what is there and asks for more, and when the
 * descriptor has nothing it names what it waits for and is called again.  What goes to the standard outputs
 * takes the way of `print`, so the order stays.
 *
 * A Stream opened to "replace" writes into a new file beside the old one, and only `close` puts it in its
 * place, when every byte is on the disk: a reader sees the old file or the new one, never a part.
 */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "str.h"

enum { BLOCK = 1 << 16, MOST_AT_ONCE = 1 << 24, MOST_LINE = 1 << 24 };

typedef struct stream {
    crp_object h;
    crp_word path, mode; /* Strings */
    int fd;
    bool open, reads, writes, regular, broken; /* broken: a write failed, so a replacement must not be kept */
    bool standard;                             /* stdin, stdout, stderr: not ours to close */
    unsigned char *in;                         /* read ahead: bytes from in_at to in_end */
    size_t in_at, in_end, in_room;
    size_t searched; /* so many of them hold no line feed */
    crpi_buf out;    /* held back: from out_at on */
    size_t out_at;
    int64_t most_line; /* bytes */
    char *temporary;   /* of a replacement: the new file; target is where it goes */
    char *target;
} stream;

static stream *self_stream(const crp_call *c) { return (stream *)crp_object_of(c->self); }

static crp_status failed(crp *vm, const stream *s, int code, int errnum, const char *what)
{
    return crp_raise_errno(vm, CRP_ERR_FILE, code, errnum, "cannot %s %v", what, s->path);
}

static crp_status must_be_open(crp_call *c, const stream *s)
{
    if (s->open) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the Stream %v is closed", s->path);
}

static crp_status must_read(crp_call *c, const stream *s)
{
    crp_status st = must_be_open(c, s);
    if (st || s->reads) return st;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the Stream %v was not opened for reading", s->path);
}

static crp_status must_write(crp_call *c, const stream *s)
{
    crp_status st = must_be_open(c, s);
    if (st || s->writes) return st;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the Stream %v was not opened for writing", s->path);
}

/* --- life ----------------------------------------------------------------------------------------------- */

void crpi_lib_free_text(crp *vm, char **text)
{
    if (*text) crpi_mem_free(&vm->mem, *text, strlen(*text) + 1);
    *text = NULL;
}

/* Gives everything back but the object; a replacement that was not put in place is removed. The close's
 * status. */
static int let_go(crp *vm, stream *s)
{
    void *state;
    int st = 0;
    const crp_platform *platform = crp_platform_of(vm, &state);
    if (s->open && !s->standard) st = platform->close(state, s->fd);
    if (s->temporary) platform->unlink(state, s->temporary);
    s->open = false;
    crpi_lib_free_text(vm, &s->temporary);
    crpi_lib_free_text(vm, &s->target);
    crpi_mem_free(&vm->mem, s->in, s->in_room);
    s->in = NULL;
    s->in_at = s->in_end = s->in_room = s->searched = s->out_at = 0;
    if (s->out.mem) crpi_buf_free(&s->out);
    return st;
}

static void drop_stream(crp *vm, crp_object *o)
{
    stream *s = (stream *)o;
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    while (s->open && s->regular && !s->temporary && !s->broken && s->out_at < s->out.length) {
        ssize_t n = platform->write(state, s->fd, s->out.bytes + s->out_at, s->out.length - s->out_at);
        if (n <= 0) break;
        s->out_at += (size_t)n;
    }
    let_go(vm, s);
}

static void mark_stream(crp *vm, crp_object *o, crp_marker mark)
{
    mark(vm, ((stream *)o)->path);
    mark(vm, ((stream *)o)->mode);
}

/* --- waiting, reading, writing -------------------------------------------------------------------------- */

bool crpi_lib_ready(int fd, bool writing)
{
    struct pollfd p = {.fd = fd, .events = writing ? POLLOUT : POLLIN};
    return poll(&p, 1, 0) != 0;
}

/* Closing the Stream wakes whoever waits for it too. */
static crp_status wait_for(crp_call *c, const stream *s, unsigned events)
{
    crp_wait_fd(c, s->fd, events);
    crp_wait_object(c, c->self);
    return CRP_AGAIN;
}

/* Writes what is held back. */
static crp_status drain(crp_call *c, stream *s)
{
    void *state;
    const crp_platform *platform = crp_platform_of(c->vm, &state);
    while (s->out_at < s->out.length) {
        ssize_t n = platform->write(state, s->fd, s->out.bytes + s->out_at, s->out.length - s->out_at);
        if (n == -EAGAIN) return wait_for(c, s, CRP_WRITABLE);
        if (n <= 0) {
            s->broken = true;
            crpi_buf_free(&s->out);
            s->out_at = 0;
            return failed(c->vm, s, CRPI_CANNOT_WRITE, n ? (int)-n : EIO, "write to");
        }
        s->out_at += (size_t)n;
    }
    s->out.length = s->out_at = 0;
    return CRP_OK;
}

/* Room for at least one byte more behind what was read ahead. */
static crp_status make_room(crp *vm, stream *s)
{
    if (s->in_at == s->in_end) s->in_at = s->in_end = 0;
    if (s->in_end < s->in_room) return CRP_OK;
    if (s->in_at > s->in_room / 2) {
        memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
        s->in_end -= s->in_at;
        s->in_at = 0;
        return CRP_OK;
    }
    size_t room = s->in_room ? s->in_room * 2 : BLOCK;
    unsigned char *wider = crp_realloc(vm, s->in, s->in_room, room);
    if (!wider) return CRP_E_NOMEM;
    s->in = wider;
    s->in_room = room;
    return CRP_OK;
}

/* Reads more; *end: there is nothing more. A long read stops now and then, so that Ctrl-C is seen. */
static crp_status fill(crp_call *c, stream *s, bool *end)
{
    void *state;
    const crp_platform *platform = crp_platform_of(c->vm, &state);
    crp_status st = drain(c, s);
    *end = false;
    if (st) return st;
    if (crp_interrupted(c->vm)) {
        crp_wait_until(c, 0);
        return CRP_AGAIN;
    }
    if (!s->regular && !crpi_lib_ready(s->fd, false)) return wait_for(c, s, CRP_READABLE);
    st = make_room(c->vm, s);
    if (st) return st;
    size_t room = s->in_room - s->in_end;
    ssize_t n = platform->read(state, s->fd, s->in + s->in_end, room < MOST_AT_ONCE ? room : MOST_AT_ONCE);
    if (n == -EAGAIN) return wait_for(c, s, CRP_READABLE);
    if (n < 0) return failed(c->vm, s, CRPI_CANNOT_READ, (int)-n, "read");
    s->in_end += (size_t)n;
    *end = n == 0;
    return CRP_OK;
}

static size_t held(const stream *s) { return s->in_end - s->in_at; }

static void take(stream *s, size_t n)
{
    s->in_at += n;
    s->searched = 0;
}

/* The next n bytes of what was read ahead as a String; all of a big block is handed over without copying. */
static crp_status take_string(crp *vm, stream *s, size_t n, crp_word *out)
{
    if (s->in_at == 0 && n == s->in_end && n > BLOCK) {
        crp_status st = crpi_str_take(vm, CRP_STRING, s->in, n, s->in_room, out);
        s->in = NULL;
        s->in_room = s->in_end = 0;
        take(s, 0);
        return st;
    }
    crp_status st = crp_string(vm, s->in ? (char *)s->in + s->in_at : "", n, out);
    if (!st) take(s, n);
    return st;
}

/* --- methods that read ---------------------------------------------------------------------------------- */

static crp_status read_bytes(crp_call *c)
{
    stream *s = self_stream(c);
    int64_t want = INT64_MAX;
    bool end = false;
    crp_status st = must_read(c, s);
    if (!st && crpi_lib_given(c, 0)) st = crpi_lib_between(c->vm, "count", c->args[0], 0, INT64_MAX, &want);
    while (!st && !end && held(s) < (uint64_t)want) st = fill(c, s, &end);
    if (st) return st;
    if (held(s) == 0 && want > 0 && want < INT64_MAX) return CRP_OK;
    return take_string(c->vm, s, held(s) < (uint64_t)want ? held(s) : (size_t)want, &c->result);
}

/* Where the line feed is, counted from the next byte; false: not among what was read ahead. */
static bool find_line(stream *s, size_t *at)
{
    const unsigned char *from = s->in + s->in_at;
    const unsigned char *feed =
        held(s) > s->searched ? memchr(from + s->searched, '\n', held(s) - s->searched) : NULL;
    if (feed) *at = (size_t)(feed - from);
    else s->searched = held(s);
    return feed != NULL;
}

static crp_status too_long(crp_call *c, const stream *s)
{
    return crp_raise(c->vm, CRP_ERR_FILE, CRPI_CANNOT_READ, "cannot read %v: a line is longer than %ld bytes",
                     s->path, (long)s->most_line);
}

static crp_status read_line(crp_call *c)
{
    stream *s = self_stream(c);
    size_t at = 0;
    bool end = false, found = false;
    crp_status st = must_read(c, s);
    while (!st && !end && !(found = find_line(s, &at))) {
        if (held(s) > (uint64_t)s->most_line) return too_long(c, s);
        st = fill(c, s, &end);
    }
    if (st) return st;
    if (!found) at = held(s);
    if (!found && at == 0) return CRP_OK;
    if (at > (uint64_t)s->most_line) return too_long(c, s);
    bool with_return = found && at > 0 && s->in[s->in_at + at - 1] == '\r';
    st = crp_string(c->vm, s->in + s->in_at, at - with_return, &c->result);
    if (!st) take(s, at + found);
    return st;
}

static crp_status lines(crp_call *c)
{
    c->result = c->self;
    return must_read(c, self_stream(c));
}

static crp_status at_end(crp_call *c)
{
    stream *s = self_stream(c);
    bool end = false;
    crp_status st = must_read(c, s);
    while (!st && !end && held(s) == 0) st = fill(c, s, &end);
    if (!st) c->result = crp_bool(held(s) == 0);
    return st;
}

static crp_status read_ready(crp_call *c)
{
    stream *s = self_stream(c);
    crp_status st = must_read(c, s);
    if (!st) c->result = crp_bool(held(s) > 0 || s->regular || crpi_lib_ready(s->fd, false));
    return st;
}

/* --- methods that write --------------------------------------------------------------------------------- */

/* What was read ahead is given back, so that the file's place is the script's. */
static crp_status give_back(crp *vm, stream *s)
{
    size_t ahead = held(s);
    s->in_at = s->in_end = s->searched = 0;
    if (ahead == 0 || !s->regular || lseek(s->fd, -(off_t)ahead, SEEK_CUR) >= 0) return CRP_OK;
    return failed(vm, s, CRPI_CANNOT_WRITE, errno, "write to");
}

static crp_status no_memory_to_write(crp *vm, stream *s)
{
    s->broken = true;
    crpi_buf_free(&s->out);
    s->out_at = 0;
    return crp_no_memory(vm);
}

static void hold_back(crp_call *c, stream *s, bool raw, const char *after)
{
    for (uint32_t i = 0; i < c->count; i++) {
        crpi_lib_show(c->vm, &s->out, c->args[i], raw);
        crpi_buf_text(&s->out, after);
    }
}

/* Steps: 0 takes the values, 1 writes. A file's bytes wait until there is a block of them, others go at once.
 */
static crp_status write_values(crp_call *c, bool raw, const char *after)
{
    stream *s = self_stream(c);
    crp_status st = must_write(c, s);
    if (!st && c->step == 0) {
        st = give_back(c->vm, s);
        if (st) return st;
        hold_back(c, s, raw, after);
        if (s->out.failed || s->out.overflow) return no_memory_to_write(c->vm, s);
        c->step = 1;
    }
    if (st) return st;
    if (s->standard) {
        if (c->vm->write) c->vm->write(c->vm->write_ud, s->fd, s->out.bytes, s->out.length);
        s->out.length = 0;
        return CRP_OK;
    }
    return s->regular && s->out.length - s->out_at < BLOCK ? CRP_OK : drain(c, s);
}

static crp_status write_raw(crp_call *c) { return write_values(c, true, ""); }
static crp_status print(crp_call *c) { return write_values(c, false, "\n"); }

static crp_status flush(crp_call *c)
{
    stream *s = self_stream(c);
    crp_status st = must_write(c, s);
    if (st) return st;
    if (!s->standard) return drain(c, s);
    if (c->vm->write) c->vm->write(c->vm->write_ud, s->fd, "", 0);
    return CRP_OK;
}

/* Makes a change of a directory lasting. Where a file system cannot, there is nothing to be done. */
static int sync_directory(crp *vm, const char *path)
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

static crp_status sync_file(crp_call *c)
{
    stream *s = self_stream(c);
    void *state;
    const crp_platform *platform = crp_platform_of(c->vm, &state);
    const char *path;
    crp_status st = flush(c);
    if (!st) st = crp_c_string(c->vm, s->path, &path);
    if (st || s->standard || !s->regular) return st;
    int failure = platform->sync(state, s->fd);
    if (!failure && crpi_lib_given(c, 0) && crp_is_true(c->args[0])) failure = sync_directory(c->vm, path);
    if (!failure) return CRP_OK;
    s->broken = true;
    return failed(c->vm, s, CRPI_CANNOT_WRITE, -failure, "sync");
}

/* --- place ---------------------------------------------------------------------------------------------- */

static crp_status seek(crp_call *c)
{
    static const char *const names[] = {"start", "current", "end"};
    stream *s = self_stream(c);
    size_t n;
    const char *name = crp_string_data(c->args[1], &n);
    int64_t to = crp_integer_value(c->args[0]);
    int whence = 0;
    while (whence < 3 && (n != strlen(names[whence]) || memcmp(name, names[whence], n) != 0)) whence++;
    if (whence == 3)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected start, current or end, given %v",
                         c->args[1]);
    crp_status st = must_be_open(c, s);
    if (!st) st = drain(c, s);
    if (st) return st;
    if (whence == 1) to -= (int64_t)held(s);
    off_t at = lseek(s->fd, to, whence == 0 ? SEEK_SET : whence == 1 ? SEEK_CUR : SEEK_END);
    if (at < 0) return failed(c->vm, s, CRPI_CANNOT_READ, errno, "seek in");
    s->in_at = s->in_end = s->searched = 0;
    return CRP_OK;
}

static crp_status tell(crp_call *c)
{
    stream *s = self_stream(c);
    crp_status st = must_be_open(c, s);
    if (st) return st;
    off_t at = lseek(s->fd, 0, SEEK_CUR);
    if (at < 0) return failed(c->vm, s, CRPI_CANNOT_READ, errno, "tell the place in");
    return crp_integer(c->vm, (int64_t)at - (int64_t)held(s) + (int64_t)(s->out.length - s->out_at),
                       &c->result);
}

/* --- closing -------------------------------------------------------------------------------------------- */

/* Puts the new file in the place of the old one: synced, closed, renamed, and the rename synced. */
static crp_status put_in_place(crp *vm, stream *s)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    int failure = platform->sync(state, s->fd);
    if (failure) return failed(vm, s, CRPI_CANNOT_WRITE, -failure, "sync");
    s->open = false;
    failure = platform->close(state, s->fd);
    if (failure) return failed(vm, s, CRPI_CANNOT_CLOSE, -failure, "close");
    failure = platform->rename(state, s->temporary, s->target);
    if (failure) return failed(vm, s, CRPI_CANNOT_CHANGE, -failure, "replace");
    crpi_lib_free_text(vm, &s->temporary);
    failure = sync_directory(vm, s->target);
    return failure ? failed(vm, s, CRPI_CANNOT_WRITE, -failure, "sync the directory of") : CRP_OK;
}

static crp_status close_stream(crp_call *c)
{
    stream *s = self_stream(c);
    if (!s->open) return CRP_OK;
    bool was_broken = s->broken;
    crp_status st = drain(c, s);
    if (st == CRP_AGAIN) return st;
    if (!st && s->temporary && was_broken)
        st = crp_raise(c->vm, CRP_ERR_FILE, CRPI_CANNOT_WRITE, "%v was not replaced: an earlier write failed",
                       s->path);
    if (!st && s->temporary) st = put_in_place(c->vm, s);
    int failure = let_go(c->vm, s);
    crp_wake(c->vm, c->self);
    return st || !failure ? st : failed(c->vm, s, CRPI_CANNOT_CLOSE, -failure, "close");
}

/* Closes without writing what is held back; a replacement is dropped. */
static crp_status abandon(crp_call *c)
{
    stream *s = self_stream(c);
    if (!s->open) return CRP_OK;
    let_go(c->vm, s);
    crp_wake(c->vm, c->self);
    return CRP_OK;
}

/* --- opening -------------------------------------------------------------------------------------------- */

static const struct mode {
    const char *name;
    int flags;
    bool reads, writes;
} modes[] = {
    {"r", O_RDONLY, true, false},
    {"w", O_WRONLY | O_CREAT | O_TRUNC, false, true},
    {"a", O_WRONLY | O_CREAT | O_APPEND, false, true},
    {"rw", O_RDWR | O_CREAT, true, true},
    {"new", O_WRONLY | O_CREAT | O_EXCL, false, true},
    {"replace", O_WRONLY | O_CREAT | O_EXCL, false, true},
};

static crp_status mode_named(crp *vm, crp_word name, const struct mode **out)
{
    size_t n;
    const char *text = crp_string_data(name, &n);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strlen(modes[i].name) == n && memcmp(modes[i].name, text, n) == 0) {
            *out = &modes[i];
            return CRP_OK;
        }
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "mode: expected r, w, a, rw, new or replace, given %v", name);
}

crp_status crpi_lib_open(crp *vm, const char *path, int flags, unsigned mode, int *fd)
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
                           none_left ? EMFILE : CRPI_CANNOT_OPEN, -*fd, "cannot open %q", path);
}

static crp_status copy_text(crp *vm, const char *text, char **out)
{
    size_t size = strlen(text) + 1;
    *out = crp_alloc(vm, size);
    if (!*out) return CRP_E_NOMEM;
    memcpy(*out, text, size);
    return CRP_OK;
}

crp_status crpi_lib_name_beside(crp *vm, const char *target, char **out)
{
    unsigned char chance[6];
    char name[PATH_MAX];
    void *state;
    size_t n = strlen(target);
    if (!crp_platform_of(vm, &state)->random(state, chance, sizeof chance))
        return crp_raise(vm, CRP_ERR_SYSTEM, EIO, "the system gives no random numbers");
    if (n + 14 > sizeof name)
        return crp_raise_errno(vm, CRP_ERR_FILE, CRPI_CANNOT_OPEN, ENAMETOOLONG, "cannot open %q", target);
    memcpy(name, target, n);
    name[n++] = '.';
    for (size_t i = 0; i < sizeof chance; i++) {
        name[n++] = "0123456789abcdef"[chance[i] >> 4];
        name[n++] = "0123456789abcdef"[chance[i] & 15];
    }
    name[n] = 0;
    return copy_text(vm, name, out);
}

/* Opens the new file beside the one that it will replace, with the same permissions. Behind a link it is the
 * link's target that is replaced. */
static crp_status open_beside(crp *vm, stream *s, const char *path, const struct mode *m)
{
    char resolved[PATH_MAX];
    struct stat old;
    bool exists = stat(path, &old) == 0;
    crp_status st = copy_text(vm, exists && realpath(path, resolved) ? resolved : path, &s->target);
    char *temporary = NULL;
    if (!st) st = crpi_lib_name_beside(vm, s->target, &temporary);
    if (!st) st = crpi_lib_open(vm, temporary, m->flags, exists ? old.st_mode & 0777 : 0666, &s->fd);
    if (st) {
        crpi_lib_free_text(vm, &temporary);
        crpi_lib_free_text(vm, &s->target);
        return st;
    }
    if (exists) (void)!fchmod(s->fd, old.st_mode & 0777);
    s->temporary = temporary;
    s->open = true;
    return CRP_OK;
}

static crp_status open_file(crp *vm, stream *s, const char *path, const struct mode *m)
{
    struct stat status;
    crp_status st = strcmp(m->name, "replace") == 0 ? open_beside(vm, s, path, m)
                                                    : crpi_lib_open(vm, path, m->flags, 0666, &s->fd);
    if (st) return st;
    s->open = true;
    s->reads = m->reads;
    s->writes = m->writes;
    bool known = fstat(s->fd, &status) == 0;
    s->regular = !known || S_ISREG(status.st_mode);
    if (!known || !S_ISDIR(status.st_mode)) return CRP_OK;
    let_go(vm, s);
    return failed(vm, s, CRPI_CANNOT_OPEN, EISDIR, "open");
}

static crp_status new_stream(crp *vm, crp_word path, crp_word mode, stream **out)
{
    stream *s = crpi_new(vm, CRP_STREAM, sizeof *s);
    if (!s) return CRP_E_NOMEM;
    s->path = path;
    s->mode = mode;
    s->most_line = MOST_LINE;
    crpi_buf_init(&s->out, &vm->mem, CRPI_LIB_CAP);
    *out = s;
    return CRP_OK;
}

/* 0, 1, 2 for stdin, stdout, stderr; -1: a file's name. */
static int standard_fd(crp_word path)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    size_t n;
    const char *text = crp_string_data(path, &n);
    for (int i = 0; i < 3; i++)
        if (n == strlen(names[i]) && memcmp(text, names[i], n) == 0) return i;
    return -1;
}

/* There is one Stream for each of the three, since it may have read ahead. */
static crp_status open_standard(crp *vm, crp_word path, int fd, crp_word *out)
{
    crp_word registry, mode;
    stream *s;
    struct stat status;
    crp_status st = crp_registry(vm, &registry);
    if (st) return st;
    if (crp_hashtable_get(vm, registry, path, out) && crp_is_a(*out, CRP_STREAM) &&
        ((stream *)crp_object_of(*out))->open)
        return CRP_OK;
    st = crp_string_z(vm, fd == 0 ? "r" : "w", &mode);
    if (!st) st = new_stream(vm, path, mode, &s);
    if (st) return st;
    s->fd = fd;
    s->open = s->standard = true;
    s->reads = fd == 0;
    s->writes = fd != 0;
    s->regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    *out = crp_from_object(s);
    return crp_hashtable_set(vm, registry, path, *out);
}

static crp_status create(crp_call *c)
{
    stream *s = NULL;
    const struct mode *m = NULL;
    const char *path;
    crp_word mode;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &path);
    if (st) return st;
    if (!crpi_lib_given(c, 1) && standard_fd(c->args[0]) >= 0)
        return open_standard(c->vm, c->args[0], standard_fd(c->args[0]), &c->result);
    if (crpi_lib_given(c, 1)) mode = c->args[1];
    else st = crp_string_z(c->vm, "r", &mode);
    if (!st) st = mode_named(c->vm, mode, &m);
    if (!st) st = new_stream(c->vm, c->args[0], mode, &s);
    if (!st) st = open_file(c->vm, s, path, m);
    if (!st) c->result = crp_from_object(s);
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static crp_status get_path(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = ((stream *)o)->path;
    return CRP_OK;
}

static crp_status get_mode(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = ((stream *)o)->mode;
    return CRP_OK;
}

static crp_status get_open(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = crp_bool(((stream *)o)->open);
    return CRP_OK;
}

static crp_status get_most_line(crp *vm, crp_object *o, crp_word *out)
{
    return crp_integer(vm, ((stream *)o)->most_line, out);
}

static crp_status set_most_line(crp *vm, crp_object *o, crp_word value)
{
    (void)vm;
    ((stream *)o)->most_line = crp_integer_value(value);
    return CRP_OK;
}

static const crp_property properties[] = {
    {"path", "String", CRP_READ, 0, NULL, NULL, "the name that it was opened by", get_path, NULL},
    {"mode", "String", CRP_READ, 0, NULL, NULL, "how it was opened: r, w, a, rw, new or replace", get_mode,
     NULL},
    {"isOpen", "Object", CRP_READ, 0, NULL, NULL, "true until it is closed", get_open, NULL},
    {"maxLine", "Integer", CRP_RW, 0, "16777216", "1..1099511627776",
     "the longest line that readLine takes, in bytes", get_most_line, set_most_line},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("read", "Object (count Integer ?)", read_bytes,
        "So many bytes as a String, fewer only at the end; () when nothing is left. Without a count all the "
        "rest, \"\" at the end."),
    ROW("readLine", "Object", read_line,
        "The next line without its LF or CRLF; () at the end. 5.3 if it is longer than maxLine."),
    ROW("next", "Object", read_line, "The same as readLine, for loops."),
    ROW("lines", "Stream", lines, "What a loop walks line by line: (for line s.lines ...)."),
    ROW("eof", "Object", at_end, "true if nothing is left to be read."),
    ROW("ready", "Object", read_ready, "true if a byte, or the end, can be read without waiting."),
    ROW("write", "NIL ...", write_raw,
        "Writes Strings, Binaries and Buffers byte for byte, anything else as print shows it."),
    ROW("print", "NIL ...", print, "Writes each of its arguments as print does, on a line of its own."),
    ROW("flush", "NIL", flush, "Hands what is held back to the system."),
    ROW("sync", "NIL (directory Object NIL)", sync_file,
        "Returns when the file, and with a true argument its directory, is on the disk."),
    ROW("seek", "NIL (position Integer) (whence String \"start\")", seek,
        "Goes on at a byte counted from the start, the current place or the end."),
    ROW("tell", "Integer", tell, "The place of the next byte that is read or written."),
    ROW("close", "NIL", close_stream,
        "Writes what is held back and closes; a Stream opened to replace puts the new file, synced, in the "
        "old one's place."),
    ROW("abandon", "NIL", abandon,
        "Closes without writing what is held back; what was to be replaced stays as it was."),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Stream", "Stream (path String) (mode String ?)", create,
        "Opens a file: r to read (the default), w to write from the start, a to append, rw for both, new to "
        "write one that must not exist, replace to write a new one that takes its place on close. Without a "
        "mode, stdin, stdout and stderr are the standard ones. 5.1 if it cannot be opened.");

static const crp_class_def stream_class = {.size = sizeof(crp_class_def),
                                           .name = "Stream",
                                           .help = "A file, or the standard input or output.",
                                           .properties = properties,
                                           .methods = rows,
                                           .creator = &creator};

crp_status crpi_lib_stream(crp *vm)
{
    uint32_t id;
    if (!crpi_heap_kind(&vm->heap, CRP_STREAM, (crpi_kind){mark_stream, drop_stream}))
        return crp_no_memory(vm);
    return crp_define_class(vm, &stream_class, &id);
}
