/* floor 7: class Stream: files, and the standard input and outputs.
 *
 * What goes to the standard outputs takes the way of `print`, so the order stays.  A Stream opened to
 * "replace" writes a new file (replace.h), and only `close` puts it in the old one's place.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib.h"

static crpi_stream *self_stream(const crp_call *c) { return (crpi_stream *)crp_object_of(c->self); }

static crp_status must_be_open(crp_call *c, const crpi_stream *s)
{
    if (s->open) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the Stream %v is closed", s->path);
}

static crp_status must_read(crp_call *c, const crpi_stream *s)
{
    crp_status st = must_be_open(c, s);
    if (st || s->reads) return st;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the Stream %v was not opened for reading", s->path);
}

static crp_status must_write(crp_call *c, const crpi_stream *s)
{
    crp_status st = must_be_open(c, s);
    if (st || s->writes) return st;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the Stream %v was not opened for writing", s->path);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static crp_status read_bytes(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    int64_t want = INT64_MAX;
    bool end = false;
    crp_status st = must_read(c, s);
    if (!st && crpi_lib_given(c, 0)) st = crpi_lib_between(c->vm, "count", c->args[0], 0, INT64_MAX, &want);
    while (!st && !end && crpi_stream_held(s) < (uint64_t)want) st = crpi_stream_fill(c, s, &end);
    size_t held = crpi_stream_held(s);
    if (st || (held == 0 && want > 0 && want < INT64_MAX)) return st;
    return crpi_stream_take(c->vm, s, held < (uint64_t)want ? held : (size_t)want, &c->result);
}

/* One wait at most: what a pipe or a terminal gives, as it comes. */
static crp_status read_some(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    int64_t most;
    bool end = false;
    crp_status st = must_read(c, s);
    if (!st) st = crpi_lib_between(c->vm, "count", c->args[0], 1, INT64_MAX, &most);
    while (!st && !end && crpi_stream_held(s) == 0) st = crpi_stream_fill(c, s, &end);
    size_t held = crpi_stream_held(s);
    if (st || held == 0) return st;
    return crpi_stream_take(c->vm, s, held < (uint64_t)most ? held : (size_t)most, &c->result);
}

/* Where the line feed is, counted from the next byte; false: not among what was read ahead. */
static bool find_line(crpi_stream *s, size_t *at)
{
    const unsigned char *from = s->in + s->in_at, *feed = NULL;
    size_t held = crpi_stream_held(s);
    if (held > s->searched) feed = memchr(from + s->searched, '\n', held - s->searched);
    if (feed) *at = (size_t)(feed - from);
    else s->searched = held;
    return feed != NULL;
}

static crp_status too_long(crp_call *c, const crpi_stream *s)
{
    return crp_raise(c->vm, CRP_ERR_FILE, CRPI_CANNOT_READ, "cannot read %v: a line is longer than %ld bytes",
                     s->path, (long)s->most_line);
}

static crp_status read_line(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    size_t at = 0;
    bool end = false, found = false;
    crp_status st = must_read(c, s);
    while (!st && !end && !(found = find_line(s, &at))) {
        if (crpi_stream_held(s) > (uint64_t)s->most_line) return too_long(c, s);
        st = crpi_stream_fill(c, s, &end);
    }
    if (st) return st;
    if (!found) at = crpi_stream_held(s);
    if (!found && at == 0) return CRP_OK;
    if (at > (uint64_t)s->most_line) return too_long(c, s);
    bool with_return = found && at > 0 && s->in[s->in_at + at - 1] == '\r';
    st = crp_string(c->vm, s->in + s->in_at, at - with_return, &c->result);
    if (!st) crpi_stream_skip(s, at + found);
    return st;
}

static crp_status lines(crp_call *c)
{
    c->result = c->self;
    return must_read(c, self_stream(c));
}

static crp_status at_end(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    bool end = false;
    crp_status st = must_read(c, s);
    while (!st && !end && crpi_stream_held(s) == 0) st = crpi_stream_fill(c, s, &end);
    if (!st) c->result = crp_bool(crpi_stream_held(s) == 0);
    return st;
}

static crp_status read_ready(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    crp_status st = must_read(c, s);
    if (!st) c->result = crp_bool(crpi_stream_held(s) > 0 || s->regular || crpi_lib_ready(s->fd, false));
    return st;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static void hold_back(crp_call *c, crpi_stream *s, bool raw, const char *after)
{
    for (uint32_t i = 0; i < c->count; i++) {
        crpi_lib_show(c->vm, &s->out, c->args[i], raw);
        crpi_buf_text(&s->out, after);
    }
}

/* Steps: 0 takes the values, 1 writes.  A file's bytes wait until there is a block of them, others go at
 * once. */
static crp_status write_values(crp_call *c, bool raw, const char *after)
{
    crpi_stream *s = self_stream(c);
    crp_status st = must_write(c, s);
    if (!st && c->step == 0) {
        st = crpi_stream_give_back(c->vm, s);
        if (st) return st;
        hold_back(c, s, raw, after);
        if (s->out.failed || s->out.overflow) return crpi_stream_no_memory(c->vm, s);
        c->step = 1;
    }
    if (st) return st;
    if (s->standard) {
        if (c->vm->write) c->vm->write(c->vm->write_ud, s->fd, s->out.bytes, s->out.length);
        s->out.length = 0;
        return CRP_OK;
    }
    return s->regular && s->out.length - s->out_at < CRPI_STREAM_BLOCK ? CRP_OK : crpi_stream_drain(c, s);
}

static crp_status write_raw(crp_call *c) { return write_values(c, true, ""); }
static crp_status print(crp_call *c) { return write_values(c, false, "\n"); }

static crp_status flush(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    crp_status st = must_write(c, s);
    if (st) return st;
    if (!s->standard) return crpi_stream_drain(c, s);
    if (c->vm->write) c->vm->write(c->vm->write_ud, s->fd, "", 0);
    return CRP_OK;
}

static crp_status sync_file(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    void *state;
    const crp_platform *platform = crp_platform_of(c->vm, &state);
    const char *path;
    crp_status st = flush(c);
    if (!st) st = crp_c_string(c->vm, s->path, &path);
    if (st || s->standard || !s->regular) return st;
    int failure = platform->sync(state, s->fd);
    if (!failure && crp_is_true(c->args[0])) failure = crpi_sync_directory(c->vm, path);
    if (!failure) return CRP_OK;
    s->broken = true;
    return crpi_stream_failed(c->vm, s, CRPI_CANNOT_WRITE, -failure, "sync");
}

/* --- place ---------------------------------------------------------------------------------------------- */

static crp_status whence_named(crp *vm, crp_word w, int *whence)
{
    static const char *const names[] = {"start", "current", "end"};
    static const int codes[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    size_t n;
    const char *name = crp_string_data(w, &n);
    for (int i = 0; i < 3; i++)
        if (n == strlen(names[i]) && memcmp(name, names[i], n) == 0) {
            *whence = codes[i];
            return CRP_OK;
        }
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected start, current or end, given %v", w);
}

static crp_status seek(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    int64_t to = crp_integer_value(c->args[0]);
    int whence = SEEK_SET;
    crp_status st = whence_named(c->vm, c->args[1], &whence);
    if (!st) st = must_be_open(c, s);
    if (!st) st = crpi_stream_drain(c, s);
    if (st) return st;
    if (whence == SEEK_CUR && __builtin_sub_overflow(to, (int64_t)crpi_stream_held(s), &to)) to = INT64_MIN;
    if (lseek(s->fd, to, whence) < 0) return crpi_stream_failed(c->vm, s, CRPI_CANNOT_READ, errno, "seek in");
    s->in_at = s->in_end = s->searched = 0;
    return CRP_OK;
}

static crp_status tell(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    crp_status st = must_be_open(c, s);
    if (st) return st;
    off_t at = lseek(s->fd, 0, SEEK_CUR);
    if (at < 0) return crpi_stream_failed(c->vm, s, CRPI_CANNOT_READ, errno, "tell the place in");
    int64_t back = (int64_t)(s->out.length - s->out_at);
    return crp_integer(c->vm, (int64_t)at - (int64_t)crpi_stream_held(s) + back, &c->result);
}

static crp_status length(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    struct stat status;
    crp_status st = must_be_open(c, s);
    if (!st) st = crpi_stream_drain(c, s);
    if (st) return st;
    if (fstat(s->fd, &status) < 0)
        return crpi_stream_failed(c->vm, s, CRPI_NO_STATUS, errno, "find out the length of");
    if (S_ISREG(status.st_mode)) return crp_integer(c->vm, status.st_size, &c->result);
    return crp_raise(c->vm, CRP_ERR_FILE, CRPI_NO_STATUS,
                     "cannot find out the length of %v: it is no regular file", s->path);
}

static crp_status truncate_here(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    crp_status st = must_write(c, s);
    if (!st) st = crpi_stream_give_back(c->vm, s);
    if (!st) st = crpi_stream_drain(c, s);
    if (st) return st;
    off_t at = lseek(s->fd, 0, SEEK_CUR);
    if (at >= 0 && ftruncate(s->fd, at) == 0) return CRP_OK;
    return crpi_stream_failed(c->vm, s, CRPI_CANNOT_WRITE, errno, "truncate");
}

/* --- closing -------------------------------------------------------------------------------------------- */

/* Puts the new file in the place of the old one. */
static crp_status put_in_place(crp *vm, crpi_stream *s, bool was_broken)
{
    if (was_broken)
        return crp_raise(vm, CRP_ERR_FILE, CRPI_CANNOT_WRITE, "%v was not replaced: an earlier write failed",
                         s->path);
    s->open = false;
    return crpi_replacement_end(vm, &s->new_file, true);
}

static crp_status close_stream(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    if (!s->open) return CRP_OK;
    bool was_broken = s->broken;
    crp_status st = crpi_stream_drain(c, s);
    if (st == CRP_AGAIN) return st;
    if (!st && s->new_file.open) st = put_in_place(c->vm, s, was_broken);
    int failure = crpi_stream_let_go(c->vm, s);
    crp_wake(c->vm, c->self);
    return st || !failure ? st : crpi_stream_failed(c->vm, s, CRPI_CANNOT_CLOSE, -failure, "close");
}

/* Closes without writing what is held back; a replacement is dropped. */
static crp_status abandon(crp_call *c)
{
    crpi_stream *s = self_stream(c);
    if (!s->open) return CRP_OK;
    crpi_stream_let_go(c->vm, s);
    crp_wake(c->vm, c->self);
    return CRP_OK;
}

/* --- opening -------------------------------------------------------------------------------------------- */

static const struct mode {
    const char *name;
    int flags;
    bool reads, writes, replaces;
} modes[] = {
    {"r", O_RDONLY, true, false, false},
    {"w", O_WRONLY | O_CREAT | O_TRUNC, false, true, false},
    {"a", O_WRONLY | O_CREAT | O_APPEND, false, true, false},
    {"rw", O_RDWR | O_CREAT, true, true, false},
    {"new", O_WRONLY | O_CREAT | O_EXCL, false, true, false},
    {"replace", 0, false, true, true},
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

static crp_status open_descriptor(crp *vm, crpi_stream *s, const char *path, const struct mode *m)
{
    if (!m->replaces) return crpi_lib_open(vm, path, m->flags, 0666, &s->fd);
    crp_status st = crpi_replacement_begin(vm, &s->new_file, path, 0666);
    s->fd = s->new_file.fd;
    return st;
}

/* The place is the end from the start where everything is appended, so that `tell` is right. */
static crp_status open_file(crp *vm, crpi_stream *s, const char *path, const struct mode *m)
{
    struct stat status;
    crp_status st = open_descriptor(vm, s, path, m);
    if (st) return st;
    s->open = true;
    s->reads = m->reads;
    s->writes = m->writes;
    bool known = fstat(s->fd, &status) == 0;
    s->regular = !known || S_ISREG(status.st_mode);
    if (m->flags & O_APPEND) (void)!lseek(s->fd, 0, SEEK_END);
    if (!known || !S_ISDIR(status.st_mode)) return CRP_OK;
    crpi_stream_let_go(vm, s);
    return crpi_stream_failed(vm, s, CRPI_CANNOT_OPEN, EISDIR, "open");
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
    crpi_stream *s;
    struct stat status;
    crp_status st = crp_registry(vm, &registry);
    if (st) return st;
    if (crp_hashtable_get(vm, registry, path, out) && crp_is_a(*out, CRP_STREAM) &&
        ((crpi_stream *)crp_object_of(*out))->open)
        return CRP_OK;
    st = crp_string_z(vm, fd == 0 ? "r" : "w", &mode);
    if (!st) st = crpi_stream_new(vm, path, mode, &s);
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
    crpi_stream *s = NULL;
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
    if (!st) st = crpi_stream_new(c->vm, c->args[0], mode, &s);
    if (!st) st = open_file(c->vm, s, path, m);
    if (!st) c->result = crp_from_object(s);
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static crp_status get_open(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = crp_bool(((crpi_stream *)o)->open);
    return CRP_OK;
}

static crp_status get_most_line(crp *vm, crp_object *o, crp_word *out)
{
    return crp_integer(vm, ((crpi_stream *)o)->most_line, out);
}

static crp_status set_most_line(crp *vm, crp_object *o, crp_word value)
{
    (void)vm;
    ((crpi_stream *)o)->most_line = crp_integer_value(value);
    return CRP_OK;
}

static crp_status get_path(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = ((crpi_stream *)o)->path;
    return CRP_OK;
}

static crp_status get_mode(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = ((crpi_stream *)o)->mode;
    return CRP_OK;
}

static const crp_property properties[] = {
    {"path", "String", CRP_READ, 0, NULL, NULL,
     "the name that it was opened by\n"
     "s.path                              # --> \"notes\"",
     get_path, NULL},
    {"mode", "String", CRP_READ, 0, NULL, NULL,
     "how it was opened: r, w, a, rw, new or replace\n"
     "s.mode                              # --> \"rw\"",
     get_mode, NULL},
    {"isOpen", "Object", CRP_READ, 0, NULL, NULL,
     "true until it is closed, then ()\n"
     "s.isOpen                            # --> true",
     get_open, NULL},
    {"maxLine", "Integer", CRP_RW, 0, "16777216", "1..1099511627776",
     "the longest line that readLine takes, in bytes\n"
     "s.maxLine                           # --> 16777216",
     get_most_line, set_most_line},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}
#define CLOSED "1.2 if it is closed, or was not opened for reading"
#define CLOSED_TO_WRITE "1.2 if it is closed, or was not opened for writing"

static const crp_method rows[] = {
    ROW("read", "Object (count Integer ?)", read_bytes,
        "So many bytes as a String, fewer only at the end; () when nothing is left. Without a count all the "
        "rest, \"\" at the end. 5.3 cannot read, 1.8 negative count, " CLOSED ".\n"
        "(s.read 3)                          # --> \"one\"\n"
        "(s.read)                            # --> \"\\ntwo\\n\""),
    ROW("readSome", "Object (most Integer 65536)", read_some,
        "What comes next, at least one byte and at most so many; () at the end of the file. It waits only where nothing has "
        "come yet, so it is for what another program writes bit by bit. 1.8 for less than one byte, 5.3.\n"
        "(set input (create Stream \"bits\" \"w\"))\n"
        "(input.write \"abcdef\")\n"
        "(input.close)\n"
        "(with (s (create Stream \"bits\")) (list (s.readSome 4) (s.readSome) (s.readSome)))  # --> (\"abcd\" \"ef\" ())"),
    ROW("readLine", "Object", read_line,
        "The next line without its LF or CRLF; () at the end. 5.3 if it is longer than maxLine or cannot be "
        "read, " CLOSED ".\n"
        "(s.seek 0)\n"
        "(s.readLine)                        # --> \"one\""),
    ROW("next", "Object", read_line,
        "The same as readLine, for loops.\n"
        "(s.next)                            # --> \"two\"\n"
        "(s.next)                            # --> ()"),
    ROW("lines", "Stream", lines,
        "What a loop walks line by line; " CLOSED ".\n"
        "(s.seek 0)\n"
        "(for line s.lines (print line.upper))\n"
        "# prints: ONE\n"
        "# prints: TWO"),
    ROW("eof", "Object", at_end,
        "true if nothing is left to be read, else (). It waits until that is known. 5.3 cannot read, " CLOSED
        ".\n"
        "s.eof                               # --> true"),
    ROW("ready", "Object", read_ready,
        "true if a byte, or the end, can be read without waiting, else (); " CLOSED ".\n"
        "s.ready                             # --> true"),
    ROW("write", "NIL ...", write_raw,
        "Writes Strings, Binaries and Buffers byte for byte, anything else as print shows it. What goes to a "
        "file is held back until there is a block of it. 5.4 cannot write, " CLOSED_TO_WRITE ".\n"
        "(s.write \"three \" 4 \"\\n\")"),
    ROW("print", "NIL ...", print,
        "Writes each of its arguments as print does, on a line of its own. 5.4 cannot write, " CLOSED_TO_WRITE
        ".\n"
        "(s.print \"five\" 6)"),
    ROW("flush", "NIL", flush,
        "Hands what is held back to the system. 5.4 cannot write, " CLOSED_TO_WRITE ".\n"
        "(s.flush)\n"
        "(readFile \"notes\")                  # --> \"one\\ntwo\\nthree 4\\nfive\\n6\\n\""),
    ROW("sync", "NIL (directory Object NIL)", sync_file,
        "Returns when the file, and with a true argument its name in the directory, is on the disk. 5.4 if "
        "it "
        "cannot be, " CLOSED_TO_WRITE ".\n"
        "(s.sync true)"),
    ROW("seek", "NIL (position Integer) (whence String \"start\")", seek,
        "Goes on at a byte counted from the start, the current place or the end. 5.3 where there are no "
        "places, as in a pipe, or before the first byte; 1.8 for another word, 1.2 if it is closed.\n"
        "(s.seek -2 \"end\")\n"
        "(s.readLine)                        # --> \"6\""),
    ROW("tell", "Integer", tell,
        "The place of the next byte that is read or written, from 0. 5.3 where there are no places, 1.2 if "
        "it is closed.\n"
        "(s.tell)                            # --> 23"),
    ROW("length", "Integer", length,
        "The bytes in the file, with what was held back. 5.5 for what is no regular file, 1.2 if it is "
        "closed.\n"
        "(s.length)                          # --> 23"),
    ROW("truncate", "NIL", truncate_here,
        "Cuts the file off at the current place. 5.4 cannot write, " CLOSED_TO_WRITE ".\n"
        "(s.seek 4)\n"
        "(s.truncate)\n"
        "(s.length)                          # --> 4"),
    ROW("close", "NIL", close_stream,
        "Writes what is held back and closes; a Stream opened to replace puts the new file, synced, in the "
        "old one's place. A second close does nothing. 5.2 5.4 5.6 if something of that fails; it is closed "
        "all the same.\n"
        "(s.close)\n"
        "(s.read)                            # error: 1.2"),
    ROW("abandon", "NIL", abandon,
        "Closes without writing what is held back; what was to be replaced stays as it was.\n"
        "(set s (create Stream \"notes\" \"replace\"))\n"
        "(s.write \"never mind\")\n"
        "(s.abandon)\n"
        "(readFile \"notes\")                  # --> \"one\\n\""),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Stream", "Stream (path String) (mode String ?)", create,
        "Opens a file: r to read (the default), w to write from the start, a to append, rw for both, new to "
        "write one that must not exist, replace to write a new one that takes its place on close. Without a "
        "mode, stdin, stdout and stderr are the standard ones. 5.1 if it cannot be opened, 3.24 if the "
        "process may not open more, 1.8 for another mode or a name that is empty or holds a NUL.");

static const crp_class_def stream_class = {
    .size = sizeof(crp_class_def),
    .name = "Stream",
    .help = "A file, or the standard input or output.\n"
            "(with (out (create Stream \"notes\" \"w\")) (out.print \"one\" \"two\"))\n"
            "(set s (create Stream \"notes\" \"rw\"))",
    .properties = properties,
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_stream(crp *vm)
{
    uint32_t id;
    if (!crpi_stream_kind(vm)) return crp_no_memory(vm);
    return crp_define_class(vm, &stream_class, &id);
}
