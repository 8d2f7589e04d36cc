/* floor 4: Unix: a socket that is known by a path: a bottom module, either side of a connection on this machine.
 *
 * A path that begins with @ is a name in Linux's abstract namespace, which has no file.  Else the listener makes
 * the file, and takes it away when it closes.  One that was left behind, on which nobody listens any more, is
 * replaced; whatever else stands there stays.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "socket.h"
#include "stack.h"

enum {
    MOST_PATH = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
    FIRST_PAUSE = 1,   /* milliseconds, when the listener's queue is full; then twice as many, */
    LONGEST_PAUSE = 64 /* up to so many */
};

typedef struct address {
    struct sockaddr_un at;
    unsigned length;
} address;

typedef struct own_file { /* what a listener has made, and takes away */
    char path[MOST_PATH + 1];
    dev_t device;
    ino_t inode;
} own_file;

typedef struct unix_socket {
    crpi_socket s; /* its `peer` is the property `path` */
    crp_word mode, connect_timeout, send_timeout, receive_timeout;
    own_file *file; /* or NULL */
} unix_socket;

static unix_socket *unix_of(crp_module *m) { return (unix_socket *)m; }

static const struct sockaddr *any(const address *a) { return (const struct sockaddr *)&a->at; }

/* --- addresses -------------------------------------------------------------------------------------------- */

static crp_status address_of(crp *vm, unix_socket *u, const char *doing, address *out)
{
    size_t n;
    const char *path = crp_string_data(u->s.peer, &n);
    if (!n) return crp_module_raise(vm, &u->s.m, CRP_ERR_CONFIG, 1, "%s: `path` is not set", doing);
    memset(out, 0, sizeof *out);
    out->at.sun_family = AF_UNIX;
    memcpy(out->at.sun_path, path, n); /* set_path has seen to it that it fits */
    bool abstract = *path == '@';
    if (abstract) out->at.sun_path[0] = 0;
    out->length = (unsigned)(offsetof(struct sockaddr_un, sun_path) + n + !abstract);
    return CRP_OK;
}

static crp_status get_address(crp *vm, crp_object *self, bool peer, crp_word *out)
{
    address a;
    a.length = sizeof a.at;
    size_t head = offsetof(struct sockaddr_un, sun_path);
    if (!crpi_socket_name(vm, (crpi_socket *)self, peer, &a.at, &a.length) || a.length <= head)
        return crp_string(vm, "", 0, out);
    size_t n = a.length - head;
    if (a.at.sun_path[0]) return crp_string(vm, a.at.sun_path, strnlen(a.at.sun_path, n), out);
    a.at.sun_path[0] = '@';
    return crp_string(vm, a.at.sun_path, n, out);
}

static crp_status get_peer_address(crp *vm, crp_object *self, crp_word *out)
{
    return get_address(vm, self, true, out);
}

static crp_status get_own_address(crp *vm, crp_object *self, crp_word *out)
{
    return get_address(vm, self, false, out);
}

/* --- the file --------------------------------------------------------------------------------------------- */

/* Another process may have put its own there. */
static void remove_file(crp *vm, unix_socket *u)
{
    own_file *f = u->file;
    struct stat status;
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    if (!f) return;
    if (lstat(f->path, &status) == 0 && status.st_dev == f->device && status.st_ino == f->inode)
        p->unlink(state, f->path);
    crp_free_bytes(vm, f, sizeof *f);
    u->file = NULL;
}

static void unix_close(crp *vm, crp_module *m)
{
    remove_file(vm, unix_of(m));
    crpi_socket_close(vm, &unix_of(m)->s);
}

static void unix_drop(crp *vm, crp_object *self) { unix_close(vm, (crp_module *)self); }

/* --- connect ---------------------------------------------------------------------------------------------- */

static crp_status connect_failed(crp *vm, unix_socket *u, int errnum)
{
    return crpi_socket_raise(vm, &u->s.m, CRP_CONNECT_FAILED, errnum, "connect to %p failed", u->s.peer);
}

/* It waits for nothing but a place in the listener's queue, which no descriptor tells of. */
static crp_status queue_full(crp_call *call, crp_module *m)
{
    int64_t pause = m->step < LONGEST_PAUSE ? (int64_t)m->step : LONGEST_PAUSE;
    if (m->step < LONGEST_PAUSE) m->step *= 2;
    crp_wait_until(call, crp_now(call->vm) + pause);
    crp_wait_object(call, crp_module_word(m));
    return CRP_AGAIN;
}

static crp_status unix_connect(crp_call *call, crp_module *m)
{
    unix_socket *u = unix_of(m);
    address a;
    void *state;
    const crp_platform *p = crp_platform_of(call->vm, &state);
    crp_status st = address_of(call->vm, u, "connect", &a);
    if (st) return st;
    if (m->step == 0) {
        unix_close(call->vm, m);
        int fd = crpi_socket_new(call->vm, AF_UNIX);
        if (fd < 0) return connect_failed(call->vm, u, -fd);
        u->s.fd_plus_1 = fd + 1;
        m->step = FIRST_PAUSE;
    }
    int e = p->connect(state, u->s.fd_plus_1 - 1, any(&a), a.length);
    if (e == -EAGAIN || e == -EINPROGRESS) return queue_full(call, m);
    return e && e != -EISCONN ? connect_failed(call->vm, u, -e) : CRP_OK;
}

/* --- bind, listen, accept --------------------------------------------------------------------------------- */

static crp_status bind_failed(crp *vm, unix_socket *u, int errnum)
{
    return crpi_socket_raise(vm, &u->s.m, CRP_BIND_FAILED, errnum, "bind to %p failed", u->s.peer);
}

static crp_status refused(crp *vm, unix_socket *u, const char *why)
{
    return crp_module_raise(vm, &u->s.m, CRP_ERR_COMMS, CRP_BIND_FAILED, "bind to %p failed: %s", u->s.peer, why);
}

/* A file that nobody listens on is one that refuses a connection. */
static crp_status make_way(crp *vm, unix_socket *u, const address *a)
{
    struct stat status;
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    if (!a->at.sun_path[0]) return refused(vm, u, "somebody has this name already");
    if (lstat(a->at.sun_path, &status) == 0 && !S_ISSOCK(status.st_mode))
        return refused(vm, u, "there is a file of this name that is no socket");
    int fd = crpi_socket_new(vm, AF_UNIX);
    if (fd < 0) return bind_failed(vm, u, -fd);
    int e = p->connect(state, fd, any(a), a->length);
    p->close(state, fd);
    if (e == 0 || e == -EAGAIN) return refused(vm, u, "somebody listens there already");
    if (e != -ECONNREFUSED && e != -ENOENT) return bind_failed(vm, u, -e);
    e = p->unlink(state, a->at.sun_path);
    return e && e != -ENOENT ? bind_failed(vm, u, -e) : CRP_OK;
}

/* Nobody can connect before it listens, so the mode is set in time. */
static crp_status keep_file(crp *vm, unix_socket *u, const address *a)
{
    struct stat status;
    const char *path = a->at.sun_path;
    if (!path[0]) return CRP_OK;
    if (lstat(path, &status) < 0) return bind_failed(vm, u, errno);
    strcpy(u->file->path, path);
    u->file->device = status.st_dev;
    u->file->inode = status.st_ino;
    return chmod(path, (mode_t)crp_integer_value(u->mode)) < 0 ? bind_failed(vm, u, errno) : CRP_OK;
}

static crp_status bind_to(crp *vm, unix_socket *u, const address *a)
{
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    if (!(u->file = crp_alloc(vm, sizeof *u->file))) return CRP_E_NOMEM;
    memset(u->file, 0, sizeof *u->file);
    int fd = crpi_socket_new(vm, AF_UNIX);
    if (fd < 0) return bind_failed(vm, u, -fd);
    u->s.fd_plus_1 = fd + 1;
    int e = p->bind(state, fd, any(a), a->length);
    if (e == -EADDRINUSE) {
        crp_status st = make_way(vm, u, a);
        if (st) return st;
        e = p->bind(state, fd, any(a), a->length);
    }
    return e ? bind_failed(vm, u, -e) : keep_file(vm, u, a);
}

static crp_status unix_bind(crp_call *call, crp_module *m)
{
    unix_socket *u = unix_of(m);
    address a;
    unix_close(call->vm, m);
    crp_status st = address_of(call->vm, u, "bind", &a);
    if (!st) st = bind_to(call->vm, u, &a);
    if (st) unix_close(call->vm, m);
    return st;
}

static crp_status adopt(crp *vm, crpi_socket *listener, crpi_socket *made)
{
    const unix_socket *from = (unix_socket *)listener;
    unix_socket *u = (unix_socket *)made;
    crp_store(vm, &u->s.m.h, &u->s.peer, from->s.peer);
    crp_store(vm, &u->s.m.h, &u->mode, from->mode);
    crp_store(vm, &u->s.m.h, &u->send_timeout, from->send_timeout);
    crp_store(vm, &u->s.m.h, &u->receive_timeout, from->receive_timeout);
    crp_store(vm, &u->s.m.h, &u->s.m.log, from->s.m.log);
    return CRP_OK;
}

static crp_status unix_accept(crp_call *call, crp_module *m, crp_word *out)
{
    return crpi_socket_accept(call, m, adopt, out);
}

/* --- the class -------------------------------------------------------------------------------------------- */

static crp_status set_path(crp *vm, crp_object *self, crp_word value)
{
    const char *path;
    size_t n;
    crp_status st = crp_c_string(vm, value, &path);
    if (st) return st;
    crp_string_data(value, &n);
    if (n > MOST_PATH)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "property path of Unix: %zu bytes, where a socket's path has %zu at most", n,
                         (size_t)MOST_PATH);
    crp_store(vm, self, &((unix_socket *)self)->s.peer, value);
    return CRP_OK;
}

/* Who made the peer's socket, as the system knows it. */
static bool credentials(const crp_object *self, struct ucred *out)
{
    const unix_socket *u = (const unix_socket *)self;
    socklen_t size = sizeof *out;
    return u->s.m.connected && u->s.fd_plus_1 &&
           getsockopt(u->s.fd_plus_1 - 1, SOL_SOCKET, SO_PEERCRED, out, &size) == 0;
}

static crp_status get_peer_user(crp *vm, crp_object *self, crp_word *out)
{
    struct ucred who;
    *out = CRP_NIL;
    return credentials(self, &who) ? crp_integer(vm, who.uid, out) : CRP_OK;
}

static crp_status get_peer_process(crp *vm, crp_object *self, crp_word *out)
{
    struct ucred who;
    *out = CRP_NIL;
    return credentials(self, &who) ? crp_integer(vm, who.pid, out) : CRP_OK;
}

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .flags = CRP_MODULE_BOTTOM,
    .connect = unix_connect,
    .close = unix_close,
    .send = crpi_socket_send,
    .receive = crpi_socket_receive,
    .shut = crpi_socket_shut,
    .bind = unix_bind,
    .listen = crpi_socket_listen,
    .accept = unix_accept,
};

#define AT(field) offsetof(unix_socket, field)
#define MS "1..86400000"

static const crp_property properties[] = {
    {"path", "String", CRPI_SETTING, AT(s.peer), NULL, NULL,
     "the socket's file, or @ and a name that has no file; at most 107 bytes: 1.8\n"
     "u.path                              # --> \"mail.sock\"", NULL, set_path},
    {"mode", "Integer", CRPI_SETTING, AT(mode), "384", "0..511",
     "permissions of the file when it is listened on: who may write to it may connect; 384, which is 0600 in "
     "octal, is the own user only\n"
     "server.mode                         # --> 384\n"
     "(& (fileStatus \"mail.sock\" 'mode) 511)   # --> 384", NULL, NULL},
    {"connectTimeout", "Integer", CRP_RW | CRP_STACK, AT(connect_timeout), "60000", MS,
     "milliseconds for a whole connect, the wait for a listener that is busy included\n"
     "u.connectTimeout                    # --> 60000", NULL, NULL},
    {"sendTimeout", "Integer", CRP_RW | CRP_STACK, AT(send_timeout), "60000", MS,
     "milliseconds for `send` where it is not told\n"
     "u.sendTimeout                       # --> 60000", NULL, NULL},
    {"receiveTimeout", "Integer", CRP_RW | CRP_STACK, AT(receive_timeout), "60000", MS,
     "milliseconds for `receive` where it is not told\n"
     "(u.receiveTimeout 50)\n"
     "(u.receive)                         # error: 6.1", NULL, NULL},
    {"peerAddress", "String", CRPI_FACT, 0, NULL, NULL,
     "the path that the peer listens on; \"\" for one that connected, which has none\n"
     "(list u.peerAddress peer.peerAddress)   # --> (\"mail.sock\" \"\")", get_peer_address, NULL},
    {"localAddress", "String", CRPI_FACT, 0, NULL, NULL, "the own path; \"\" for one that connected\n"
     "(list u.localAddress peer.localAddress) # --> (\"\" \"mail.sock\")", get_own_address, NULL},
    {"peerUser", "Object", CRPI_FACT, 0, NULL, NULL,
     "number of the user who runs the peer; () when not connected\n"
     "(== u.peerUser peer.peerUser)       # --> true", get_peer_user, NULL},
    {"peerProcess", "Object", CRPI_FACT, 0, NULL, NULL,
     "number of the process that is the peer; () when not connected\n"
     "(== u.peerProcess peer.peerProcess) # --> true", get_peer_process, NULL},
    {"loopback", "Object", CRPI_FACT, 0, NULL, NULL, "true: it never leaves the machine\n"
     "u.loopback                          # --> true", crpi_get_true, NULL},
    {"secure", "Object", CRPI_FACT, 0, NULL, NULL, "(): nothing is encrypted here\n"
     "u.secure                            # --> ()", crpi_get_false, NULL},
    CRP_PROPERTY_LOG_OF("u"),
    {0},
};

static const crp_method methods[] = {
    CRP_METHOD_CONNECT("(u.connect)\n"
                       "(u.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(u.send \"hello\")\n"
                    "(peer.receive)                      # --> \"hello\""),
    CRP_METHOD_RECEIVE("(peer.send \"world\")\n"
                       "(u.receive)                         # --> \"world\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(peer.send \"hello\")\n"
                            "(u.receiveInto room)\n"
                            "room.string                         # --> \"hel\""),
    CRP_METHOD_INFO("(u.info).bytesSent                  # --> 5"),
    CRP_METHOD_DISCONNECT("(u.disconnect)\n"
                          "(u.info).isConnected                # --> ()"),
    CRP_METHOD_BIND("(set s (create Unix '((path \"other.sock\"))))\n"
                    "(s.bind)\n"
                    "(fileStatus \"other.sock\" 'exists)    # --> 1"),
    CRP_METHOD_LISTEN("(set s (create Unix '((path \"@carapace example\"))))\n"
                      "(s.listen)\n"
                      "(s.info).isListening                # --> true"),
    CRP_METHOD_ACCEPT("(set c (create Unix '((path \"mail.sock\"))))\n"
                      "(c.connect)\n"
                      "(server.accept 5000).localAddress   # --> \"mail.sock\""),
    {0},
};

const crp_class_def crpi_unix_class = {
    .size = sizeof(crp_class_def),
    .name = "Unix",
    .help = "A Unix domain socket, which connects programs of one machine: a bottom module. Its file goes when the "
            "listener is closed; one that was left behind is replaced, one that somebody listens on is not: 6.7.\n"
            "(set server (create Unix '((path \"mail.sock\"))))\n"
            "(server.listen)\n"
            "(set u (create Unix '((path \"mail.sock\"))))\n"
            "(u.connect)\n"
            "(set peer (server.accept 5000))",
    .instance_size = sizeof(unix_socket),
    .properties = properties,
    .methods = methods,
    .mark = crp_module_mark,
    .drop = unix_drop,
    .module = &ops,
};
