/* Reading ahead and holding back. */
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "lib.h"
#include "str.h"

enum { MOST_AT_ONCE = 1 << 24 };

crp_status crpi_stream_failed(crp *vm, const crpi_stream *s, int code, int errnum, const char *what)
{
    return crp_raise_errno(vm, CRP_ERR_FILE, code, errnum, "cannot %s %v", what, s->path);
}

/* --- life ----------------------------------------------------------------------------------------------- */

crp_status crpi_stream_new(crp *vm, crp_word path, crp_word mode, crpi_stream **out)
{
    crpi_stream *s = crpi_new(vm, CRP_STREAM, sizeof *s);
    if (!s) return CRP_E_NOMEM;
    s->path = path;
    s->mode = mode;
    s->most_line = CRPI_MOST_LINE;
    crpi_buf_init(&s->out, &vm->mem, CRPI_LIB_CAP);
    *out = s;
    return CRP_OK;
}

int crpi_stream_let_go(crp *vm, crpi_stream *s)
{
    void *state;
    int st = 0;
    const crp_platform *platform = crp_platform_of(vm, &state);
    if (s->new_file.open) crpi_replacement_drop(vm, &s->new_file);
    else if (s->open && !s->standard) st = platform->close(state, s->fd);
    s->open = false;
    crpi_mem_free(&vm->mem, s->in, s->in_room);
    s->in = NULL;
    s->in_at = s->in_end = s->in_room = s->searched = s->out_at = 0;
    if (s->out.mem) crpi_buf_free(&s->out);
    return st;
}

/* A file that nobody closed still gets what was held back for it. */
static void drop_stream(crp *vm, crp_object *o)
{
    crpi_stream *s = (crpi_stream *)o;
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    bool keep = s->open && s->regular && !s->new_file.open && !s->broken;
    while (keep && s->out_at < s->out.length) {
        ssize_t n = platform->write(state, s->fd, s->out.bytes + s->out_at, s->out.length - s->out_at);
        if (n <= 0) break;
        s->out_at += (size_t)n;
    }
    crpi_stream_let_go(vm, s);
}

static void mark_stream(crp *vm, crp_object *o, crp_marker mark)
{
    mark(vm, ((crpi_stream *)o)->path);
    mark(vm, ((crpi_stream *)o)->mode);
}

bool crpi_stream_kind(crp *vm)
{
    return crpi_heap_kind(&vm->heap, CRP_STREAM, (crpi_kind){mark_stream, drop_stream});
}

/* --- waiting and writing -------------------------------------------------------------------------------- */

bool crpi_lib_ready(int fd, bool writing)
{
    struct pollfd p = {.fd = fd, .events = writing ? POLLOUT : POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* Closing the Stream wakes whoever waits for it too. */
static crp_status wait_for(crp_call *c, const crpi_stream *s, unsigned events)
{
    crp_wait_fd(c, s->fd, events);
    crp_wait_object(c, crp_from_object(s));
    return CRP_AGAIN;
}

static void give_up_writing(crpi_stream *s)
{
    s->broken = true;
    crpi_buf_free(&s->out);
    s->out_at = 0;
}

crp_status crpi_stream_no_memory(crp *vm, crpi_stream *s)
{
    give_up_writing(s);
    return crp_no_memory(vm);
}

crp_status crpi_stream_drain(crp_call *c, crpi_stream *s)
{
    void *state;
    const crp_platform *platform = crp_platform_of(c->vm, &state);
    while (s->out_at < s->out.length) {
        ssize_t n = platform->write(state, s->fd, s->out.bytes + s->out_at, s->out.length - s->out_at);
        if (n == -EAGAIN) return wait_for(c, s, CRP_WRITABLE);
        if (n <= 0) {
            give_up_writing(s);
            return crpi_stream_failed(c->vm, s, CRPI_CANNOT_WRITE, n ? (int)-n : EIO, "write to");
        }
        s->out_at += (size_t)n;
    }
    s->out.length = s->out_at = 0;
    return CRP_OK;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* Room for at least one byte more behind what was read ahead. */
static crp_status make_room(crp *vm, crpi_stream *s)
{
    if (s->in_at == s->in_end) s->in_at = s->in_end = 0;
    if (s->in_end < s->in_room) return CRP_OK;
    if (s->in_at > s->in_room / 2) {
        memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
        s->in_end -= s->in_at;
        s->in_at = 0;
        return CRP_OK;
    }
    size_t room = s->in_room ? s->in_room * 2 : CRPI_STREAM_BLOCK;
    unsigned char *wider = crp_realloc(vm, s->in, s->in_room, room);
    if (!wider) return CRP_E_NOMEM;
    s->in = wider;
    s->in_room = room;
    return CRP_OK;
}

/* A long read stops now and then, so that Ctrl-C is seen. */
crp_status crpi_stream_fill(crp_call *c, crpi_stream *s, bool *end)
{
    void *state;
    const crp_platform *platform = crp_platform_of(c->vm, &state);
    crp_status st = crpi_stream_drain(c, s);
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
    if (n < 0) return crpi_stream_failed(c->vm, s, CRPI_CANNOT_READ, (int)-n, "read");
    s->in_end += (size_t)n;
    *end = n == 0;
    return CRP_OK;
}

void crpi_stream_skip(crpi_stream *s, size_t n)
{
    s->in_at += n;
    s->searched = 0;
}

/* All of a big block is handed over without copying. */
crp_status crpi_stream_take(crp *vm, crpi_stream *s, size_t n, crp_word *out)
{
    if (s->in_at == 0 && n == s->in_end && n > CRPI_STREAM_BLOCK) {
        crp_status st = crpi_str_take(vm, CRP_STRING, s->in, n, s->in_room, out);
        s->in = NULL;
        s->in_room = s->in_end = 0;
        crpi_stream_skip(s, 0);
        return st;
    }
    crp_status st = crp_string(vm, s->in ? (char *)s->in + s->in_at : "", n, out);
    if (!st) crpi_stream_skip(s, n);
    return st;
}

crp_status crpi_stream_give_back(crp *vm, crpi_stream *s)
{
    size_t ahead = crpi_stream_held(s);
    s->in_at = s->in_end = s->searched = 0;
    if (ahead == 0 || !s->regular || lseek(s->fd, -(off_t)ahead, SEEK_CUR) >= 0) return CRP_OK;
    return crpi_stream_failed(vm, s, CRPI_CANNOT_WRITE, errno, "write to");
}
