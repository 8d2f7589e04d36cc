/* floor 7: where a native writes what may be long: see native.h. */
#include <errno.h>
#include <unistd.h>
#include "stream.h"
#include "lib.h"

enum { AT_ONCE = CRPI_STREAM_BLOCK, UNKNOWN = -1, IN_THE_MIDDLE = -2 };

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
    sink->held = s->out.length;
    sink->from = UNKNOWN;
    return CRP_OK;
}

static crp_status begin_file(crp *vm, crp_sink *sink, crp_word path)
{
    const char *name;
    crp_status st = crp_c_string(vm, path, &name);
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

/* Before a first byte leaves the Stream's buffer the place is noted where this sink's bytes begin: if that is at the
 * file's end, they can be taken back. */
static void note_place(crp_sink *sink, const crpi_stream *s)
{
    if (sink->from != UNKNOWN || !s->regular) return;
    off_t at = lseek(s->fd, 0, SEEK_CUR), end = lseek(s->fd, 0, SEEK_END);
    if (at != end) (void)lseek(s->fd, at, SEEK_SET);
    sink->from = at >= 0 && at == end ? (int64_t)at + (int64_t)sink->held - (int64_t)s->out_at : IN_THE_MIDDLE;
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
    size_t held = s->out.length - s->out_at;
    if (held && (held + n > AT_ONCE || !s->regular)) {
        note_place(sink, s);
        crp_status st = crpi_stream_drain(c, s);
        if (st) return st;
    }
    if (n >= AT_ONCE && s->regular) {
        note_place(sink, s);
        return write_by_itself(c, s, bytes, n, taken);
    }
    *taken = n < AT_ONCE ? n : AT_ONCE;
    crpi_buf_put(&s->out, bytes, *taken);
    return s->out.failed || s->out.overflow ? crpi_stream_no_memory(c->vm, s) : CRP_OK;
}

crp_status crp_sink_write(crp_call *c, crp_sink *sink, const void *bytes, size_t n, size_t *taken)
{
    crpi_stream *s = stream_of(sink);
    crp_status st = s ? must_be_open(c->vm, s) : CRP_OK;
    if (st) return st;
    if (s) return write_stream(c, sink, s, bytes, n, taken);
    *taken = n;
    return crpi_replacement_write(c->vm, sink->file, bytes, n);
}

static void forget(crp *vm, crp_sink *sink)
{
    if (sink->file) crp_free_bytes(vm, sink->file, sizeof(crpi_replacement));
    *sink = (crp_sink){.stream = CRP_NIL};
}

crp_status crp_sink_end(crp_call *c, crp_sink *sink)
{
    crpi_stream *s = stream_of(sink);
    crp_status st = CRP_OK;
    if (s && s->open && !s->standard && !s->regular) st = crpi_stream_drain(c, s);
    if (st == CRP_AGAIN) return st;
    if (sink->file) st = crpi_replacement_end(c->vm, sink->file, true);
    forget(c->vm, sink);
    return st;
}

/* Of a regular file the bytes of this sink are taken away again, unless somebody else has written behind them. */
static void take_back(crp_sink *sink, crpi_stream *s)
{
    if (!s->open || !s->regular || s->standard || sink->from == IN_THE_MIDDLE) return;
    if (sink->from == UNKNOWN) {
        if (s->out.length > sink->held) s->out.length = sink->held;
        return;
    }
    off_t at = lseek(s->fd, 0, SEEK_CUR), end = lseek(s->fd, 0, SEEK_END);
    s->out.length = s->out_at = 0;
    if (at == end && ftruncate(s->fd, (off_t)sink->from) == 0) end = (off_t)sink->from;
    (void)lseek(s->fd, end < at ? end : at, SEEK_SET);
}

void crp_sink_drop(crp *vm, crp_sink *sink)
{
    crpi_stream *s = stream_of(sink);
    if (s) take_back(sink, s);
    if (sink->file) crpi_replacement_drop(vm, sink->file);
    forget(vm, sink);
}
