/* floor 7: where a native writes what may be long: see native.h. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "stream.h"
#include "lib.h"

enum { AT_ONCE = CRPI_STREAM_BLOCK, ELSEWHERE = -1 };

static crpi_stream *stream_of(const crp_sink *sink)
{
    return crp_is_object(sink->stream) ? (crpi_stream *)crp_object_of(sink->stream) : NULL;
}

static crp_status must_be_open(crp *vm, const crpi_stream *s)
{
    if (s->open && s->writes) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, s->open ? "the Stream %v was not opened for writing" : "the Stream %v is not open",
                     s->path);
}

static crp_status begin_stream(crp *vm, crp_sink *sink, crp_word where)
{
    crpi_stream *s = (crpi_stream *)crp_object_of(where);
    crp_status st = must_be_open(vm, s);
    if (!st) st = crpi_stream_give_back(vm, s);
    if (st) return st;
    sink->stream = where;
    sink->broken = s->broken;
    return CRP_OK;
}

static crp_status begin_file(crp *vm, crp_sink *sink, crp_word path)
{
    const char *name;
    crp_status st = crpi_lib_path(vm, path, &name);
    if (st) return st;
    crpi_replacement *r = crp_alloc(vm, sizeof *r);
    if (!r) return CRP_E_NOMEM;
    *r = (crpi_replacement){0};
    st = crpi_replacement_begin(vm, r, name, 0666);
    if (st) crp_free_bytes(vm, r, sizeof *r);
    else sink->file = r;
    return st;
}

crp_status crp_sink_begin(crp *vm, crp_sink *sink, crp_word where)
{
    *sink = (crp_sink){.stream = CRP_NIL};
    if (crp_is_a(where, CRP_STREAM)) return begin_stream(vm, sink, where);
    if (crp_is_string(where)) return begin_file(vm, sink, where);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "expected the path of a file, or a Stream, given %n", where);
}

/* Other tasks have the Stream too while this one waits. */
static crp_status must_be_whole(crp *vm, const crp_sink *sink, const crpi_stream *s)
{
    crp_status st = must_be_open(vm, s);
    if (st || !s->broken || sink->broken) return st;
    return crp_raise(vm, CRP_ERR_FILE, CRPI_CANNOT_WRITE, "cannot write to %v: another write to it has failed meanwhile", s->path);
}

static int64_t held_back(const crpi_stream *s) { return (int64_t)(s->out.length - s->out_at); }

/* Where the next byte goes. */
static int64_t place_of(const crpi_stream *s)
{
    off_t at = lseek(s->fd, 0, SEEK_CUR);
    return at < 0 ? ELSEWHERE : (int64_t)at + held_back(s) - (int64_t)crpi_stream_held(s);
}

static bool ends_here(const crpi_stream *s)
{
    struct stat status;
    return fstat(s->fd, &status) == 0 && status.st_size == lseek(s->fd, 0, SEEK_CUR) - (off_t)crpi_stream_held(s);
}

/* What this sink writes is in one piece, or it is an error. */
static crp_status keep_place(crp *vm, crp_sink *sink, crpi_stream *s)
{
    crp_status st = crpi_stream_give_back(vm, s);
    if (st) return st;
    int64_t at = place_of(s);
    if (!sink->written) sink->from = at, sink->at_end = ends_here(s);
    if (at == sink->from + (int64_t)sink->written) return CRP_OK;
    sink->from = ELSEWHERE;
    return crp_raise(vm, CRP_ERR_FILE, CRPI_CANNOT_WRITE, "cannot write to %v in one piece: another task uses it too", s->path);
}

/* A write that failed has left some of the bytes, and nothing in the Stream's buffer. */
static void take_back(crp_sink *sink, crpi_stream *s, bool failed)
{
    if (!s->open || !s->regular || s->standard || !sink->written || sink->from < 0) return;
    int64_t at = place_of(s), end = sink->from + (int64_t)sink->written;
    if (failed ? at < sink->from || at > end : at != end) return;
    if (held_back(s) >= (int64_t)sink->written) {
        s->out.length -= sink->written;
        return;
    }
    if (!sink->at_end || !ends_here(s) || ftruncate(s->fd, (off_t)sink->from) != 0) return;
    s->out.length = s->out_at = 0;
    (void)!lseek(s->fd, (off_t)sink->from, SEEK_SET);
}

static crp_status write_by_itself(crp_call *c, crpi_stream *s, const void *bytes, size_t n, size_t *taken)
{
    void *state;
    ssize_t written = crp_platform_of(c->vm, &state)->write(state, s->fd, bytes, n);
    if (written <= 0) {
        s->broken = true;
        return crpi_stream_failed(c->vm, s, CRPI_CANNOT_WRITE, written ? (int)-written : EIO, "write to");
    }
    *taken = (size_t)written;
    return CRP_OK;
}

/* A big piece goes past the Stream's buffer; small ones are gathered there. */
static crp_status write_stream(crp_call *c, crp_sink *sink, crpi_stream *s, const void *bytes, size_t n, size_t *taken)
{
    if (s->standard) {
        if (c->vm->write) c->vm->write(c->vm->write_ud, s->fd, bytes, n);
        *taken = n;
        return CRP_OK;
    }
    crp_status st = s->regular ? keep_place(c->vm, sink, s) : CRP_OK;
    int64_t held = held_back(s);
    if (!st && held && (held + (int64_t)n > AT_ONCE || !s->regular)) st = crpi_stream_drain(c, s);
    if (st) return st;
    if (n >= AT_ONCE && s->regular) return write_by_itself(c, s, bytes, n, taken);
    *taken = n < AT_ONCE ? n : AT_ONCE;
    crpi_buf_put(&s->out, bytes, *taken);
    return s->out.failed || s->out.overflow ? crpi_stream_no_memory(c->vm, s) : CRP_OK;
}

/* What is no regular file is written to itself, and takes what it can. */
static crp_status write_device(crp_call *c, const crpi_replacement *r, const void *bytes, size_t n, size_t *taken)
{
    void *state;
    ssize_t written = crp_platform_of(c->vm, &state)->write(state, r->fd, bytes, n);
    if (written == -EAGAIN) {
        crp_wait_fd(c, r->fd, CRP_WRITABLE);
        return CRP_AGAIN;
    }
    if (written <= 0) return crpi_lib_cannot(c->vm, CRPI_CANNOT_WRITE, written ? (int)-written : EIO, "write to", r->target);
    *taken = (size_t)written;
    return CRP_OK;
}

static crp_status write_file(crp_call *c, crpi_replacement *r, const void *bytes, size_t n, size_t *taken)
{
    return r->temporary ? crpi_replacement_write(c->vm, r, bytes, n) : write_device(c, r, bytes, n, taken);
}

crp_status crp_sink_write(crp_call *c, crp_sink *sink, const void *bytes, size_t n, size_t *taken)
{
    crpi_stream *s = stream_of(sink);
    *taken = n;
    if (!s) return write_file(c, sink->file, bytes, n, taken);
    crp_status st = must_be_whole(c->vm, sink, s);
    if (st) return st;
    st = write_stream(c, sink, s, bytes, n, taken);
    if (!st) sink->written += *taken;
    if (!st || st == CRP_AGAIN) return st;
    take_back(sink, s, true);
    sink->from = ELSEWHERE;
    return st;
}

static void forget(crp *vm, crp_sink *sink)
{
    if (sink->file) crp_free_bytes(vm, sink->file, sizeof(crpi_replacement));
    *sink = (crp_sink){.stream = CRP_NIL};
}

crp_status crp_sink_end(crp_call *c, crp_sink *sink)
{
    crpi_stream *s = stream_of(sink);
    crp_status st = s ? must_be_whole(c->vm, sink, s) : CRP_OK;
    if (!st && s && !s->standard && !s->regular) st = crpi_stream_drain(c, s);
    if (st) return st;
    if (sink->file) st = crpi_replacement_end(c->vm, sink->file, true);
    forget(c->vm, sink);
    return st;
}

void crp_sink_drop(crp *vm, crp_sink *sink)
{
    crpi_stream *s = stream_of(sink);
    if (s) take_back(sink, s, false);
    if (sink->file) crpi_replacement_drop(vm, sink->file);
    forget(vm, sink);
}
