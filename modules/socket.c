/* floor 4: stream sockets: see socket.h. */
#include <errno.h>
#include <sys/socket.h>
#include "socket.h"

enum { BACKLOG = 4096 /* what the system allows of it */ };

static const crp_platform *sys(crp *vm, void **state) { return crp_platform_of(vm, state); }

static crpi_socket *socket_of(crp_module *m) { return (crpi_socket *)m; }

/* --- descriptors ------------------------------------------------------------------------------------------ */

bool crpi_socket_none_left(int errnum) { return errnum == EMFILE || errnum == ENFILE; }

int crpi_socket_new(crp *vm, int family)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    int fd = p->socket(state, family);
    if (fd >= 0 || !crpi_socket_none_left(-fd)) return fd;
    crp_collect(vm);
    return p->socket(state, family);
}

void crpi_socket_close_fd(crp *vm, int fd)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    p->close(state, fd);
}

void crpi_socket_close(crp *vm, crpi_socket *s)
{
    if (s->fd_plus_1) crpi_socket_close_fd(vm, s->fd_plus_1 - 1);
    s->fd_plus_1 = 0;
    s->drained = false;
}

bool crpi_socket_name(crp *vm, const crpi_socket *s, bool peer, void *address, unsigned *length)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    return s->fd_plus_1 && p->name(state, s->fd_plus_1 - 1, peer, address, length) == 0;
}

/* --- data ------------------------------------------------------------------------------------------------- */

static crp_status not_connected(crp *vm, crp_module *m)
{
    return crp_module_raise(vm, m, CRP_ERR_COMMS, CRP_NOT_CONNECTED, "not connected");
}

static bool would_wait(ssize_t result) { return result == -EAGAIN || result == -EWOULDBLOCK; }

static crp_status data_failed(crp *vm, crp_module *m, int code, const char *what, int errnum)
{
    crp_word peer = socket_of(m)->peer;
    if (crp_is_string(peer))
        return crp_module_raise_errno(vm, m, CRP_ERR_COMMS, code, errnum, "%s %p failed", what, peer);
    return crp_module_raise_errno(vm, m, CRP_ERR_COMMS, code, errnum, "%s the peer failed", what);
}

crp_status crpi_socket_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    crpi_socket *s = socket_of(m);
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    if (!s->fd_plus_1) return not_connected(call->vm, m);
    ssize_t sent = p->send(state, s->fd_plus_1 - 1, bytes, n);
    if (sent >= 0) {
        *taken = (size_t)sent;
        return CRP_OK;
    }
    if (!would_wait(sent)) return data_failed(call->vm, m, CRP_SEND_FAILED, "send to", (int)-sent);
    crp_module_wait_fd(call, m, s->fd_plus_1 - 1, CRP_WRITABLE);
    return CRP_AGAIN;
}

crp_status crpi_socket_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    crpi_socket *s = socket_of(m);
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    if (!s->fd_plus_1) return not_connected(call->vm, m);
    bool wait = s->drained && call->patient;
    ssize_t came = wait ? -EAGAIN : p->receive(state, s->fd_plus_1 - 1, bytes, n);
    if (came == -ECONNRESET && s->reset_is_end) came = 0;
    s->drained = came > 0 && (size_t)came < n;
    if (came >= 0) {
        *got = (size_t)came;
        return CRP_OK;
    }
    if (!would_wait(came)) return data_failed(call->vm, m, CRP_RECEIVE_FAILED, "receive from", (int)-came);
    crp_module_wait_fd(call, m, s->fd_plus_1 - 1, CRP_READABLE);
    return CRP_AGAIN;
}

crp_status crpi_socket_shut(crp_call *call, crp_module *m)
{
    crpi_socket *s = socket_of(m);
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    if (!s->fd_plus_1) return not_connected(call->vm, m);
    int e = p->shut(state, s->fd_plus_1 - 1);
    if (!e || e == -ENOTCONN) return CRP_OK;
    return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_SEND_FAILED, -e, "shutdown failed");
}

/* --- listening -------------------------------------------------------------------------------------------- */

crp_status crpi_socket_listen(crp_call *call, crp_module *m)
{
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    int e = p->listen(state, socket_of(m)->fd_plus_1 - 1, BACKLOG);
    if (!e) return CRP_OK;
    return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_LISTEN_FAILED, -e, "listen failed");
}

/* A connection that went away before it was taken is no error of the listener's. */
static bool try_again(int e) { return would_wait(e) || e == -ECONNABORTED || e == -EPROTO; }

/* The address is asked for later, where it is wanted. */
static int take(crp *vm, int listener)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    int fd = p->accept(state, listener, NULL, NULL);
    if (fd >= 0 || !crpi_socket_none_left(-fd)) return fd;
    crp_collect(vm);
    return p->accept(state, listener, NULL, NULL);
}

crp_status crpi_socket_accept(crp_call *call, crp_module *m, crpi_socket_adopt adopt, crp_word *out)
{
    crpi_socket *s = socket_of(m);
    crp_word made;
    int fd = take(call->vm, s->fd_plus_1 - 1);
    if (fd < 0 && try_again(fd)) {
        crp_module_wait_fd(call, m, s->fd_plus_1 - 1, CRP_READABLE);
        return CRP_AGAIN;
    }
    if (fd < 0) return crpi_socket_raise(call->vm, m, CRP_ACCEPT_FAILED, -fd, "accept failed");
    crp_status st = crp_new_object(call->vm, m->h.class_id, &made);
    if (st) {
        crpi_socket_close_fd(call->vm, fd);
        return st;
    }
    crpi_socket *new_one = (crpi_socket *)crp_object_of(made);
    new_one->fd_plus_1 = fd + 1;
    if ((st = adopt(call->vm, s, new_one))) return st;
    *out = made;
    return CRP_OK;
}

/* --- rows ------------------------------------------------------------------------------------------------- */

crp_status crpi_get_true(crp *vm, crp_object *self, crp_word *out)
{
    (void)vm, (void)self;
    *out = CRP_TRUE;
    return CRP_OK;
}

crp_status crpi_get_false(crp *vm, crp_object *self, crp_word *out)
{
    (void)vm, (void)self;
    *out = CRP_NIL;
    return CRP_OK;
}
