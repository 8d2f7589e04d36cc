/* floor 4: Tcp: the usual bottom module: a connected socket, or a listening one.
 *
 * Connecting tries the addresses of the host in turn, a new one each 250 ms or as soon as one has failed; the
 * first that answers wins and the rest are closed (RFC 8305 in a simple form).  Every descriptor is stored in
 * the object before anything else can fail, so that close and drop find it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include "resolve.h"
#include "stack.h"

enum { ATTEMPTS = 6, ATTEMPT_DELAY = 250 /* milliseconds */, BACKLOG = 4096 /* what the system allows of it */ };

typedef struct race {
    crpi_resolver *resolver;
    crpi_address address[CRPI_MAX_ADDRESSES];
    size_t n, next;      /* how many there are, which one is tried next */
    int fd[ATTEMPTS];    /* attempts under way */
    size_t of[ATTEMPTS]; /* which address each is */
    size_t live;
    int64_t next_at;    /* when the next one starts */
    int error;          /* of the last that failed */
    size_t failed;      /* which it was */
    crpi_address local; /* to connect from; length 0: any */
} race;

typedef struct tcp {
    crp_module m;
    crp_word host, port, local_host, local_port, connect_timeout, send_timeout, receive_timeout, keep_alive,
        no_delay;
    int fd_plus_1; /* 0: none */
    race *race;
} tcp;

static const crp_platform *sys(crp *vm, void **state) { return crp_platform_of(vm, state); }

static void close_fd(crp *vm, int fd)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    p->close(state, fd);
}

static void end_race(crp *vm, tcp *t)
{
    race *r = t->race;
    if (!r) return;
    for (size_t i = 0; i < r->live; i++) close_fd(vm, r->fd[i]);
    crpi_resolver_free(vm, r->resolver);
    crp_free_bytes(vm, r, sizeof *r);
    t->race = NULL;
}

static void tcp_close(crp *vm, crp_module *m)
{
    tcp *t = (tcp *)m;
    end_race(vm, t);
    if (!t->fd_plus_1) return;
    close_fd(vm, t->fd_plus_1 - 1);
    t->fd_plus_1 = 0;
}

static void tcp_drop(crp *vm, crp_object *self) { tcp_close(vm, (crp_module *)self); }

/* --- addresses ------------------------------------------------------------------------------------------ */

static crp_status local_address(crp *vm, tcp *t, int family, int code, crpi_address *out)
{
    const char *text;
    crp_status st = crp_c_string(vm, t->local_host, &text);
    if (st) return st;
    unsigned port = (unsigned)crp_integer_value(t->local_port);
    if (!*text)
        text = family == AF_INET6 ? "::" : "0.0.0.0";
    else if (!strcmp(text, "localhost"))
        text = family == AF_INET6 ? "::1" : "127.0.0.1";
    if (crpi_address_parse(text, port, out)) return CRP_OK;
    return crp_module_raise(vm, &t->m, CRP_ERR_COMMS, code, "localHost %q is not a numeric address", text);
}

static bool socket_name(crp *vm, const tcp *t, bool peer, crpi_address *out)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    memset(out, 0, sizeof *out);
    out->length = sizeof out->at;
    return t->fd_plus_1 &&
           p->name(state, t->fd_plus_1 - 1, peer, (struct sockaddr *)&out->at, &out->length) == 0;
}

static crp_status get_address(crp *vm, crp_object *self, bool peer, crp_word *out)
{
    crpi_address a;
    char text[CRPI_ADDRESS_TEXT] = "";
    if (socket_name(vm, (tcp *)self, peer, &a)) crpi_address_text(&a, text);
    return crp_string_z(vm, text, out);
}

static crp_status get_peer_address(crp *vm, crp_object *self, crp_word *out)
{
    return get_address(vm, self, true, out);
}

static crp_status get_own_address(crp *vm, crp_object *self, crp_word *out)
{
    return get_address(vm, self, false, out);
}

static crp_status get_loopback(crp *vm, crp_object *self, crp_word *out)
{
    crpi_address a;
    *out = crp_bool(socket_name(vm, (tcp *)self, true, &a) && crpi_address_is_loopback(&a));
    return CRP_OK;
}

static crp_status get_secure(crp *vm, crp_object *self, crp_word *out)
{
    (void)vm, (void)self;
    *out = CRP_NIL;
    return CRP_OK;
}

/* The real one while there is a socket: 0 asks the system for any free port. */
static crp_status get_local_port(crp *vm, crp_object *self, crp_word *out)
{
    tcp *t = (tcp *)self;
    crpi_address a;
    *out = t->local_port;
    if (!socket_name(vm, t, false, &a) || !crpi_address_port(&a)) return CRP_OK;
    return crp_integer(vm, crpi_address_port(&a), out);
}

/* --- connect -------------------------------------------------------------------------------------------- */

static crp_status connect_failed(crp *vm, tcp *t, int errnum, const crpi_address *a)
{
    char text[CRPI_ADDRESS_TEXT];
    crpi_address_text(a, text);
    return crp_module_raise_errno(vm, &t->m, CRP_ERR_COMMS, CRP_CONNECT_FAILED, errnum,
                                  "connect to %p port %p (%s) failed", t->host, t->port, text);
}

/* From `localHost` and `localPort`, if they are set: 0 or -errno.  An address of the other family is one that
 * the next attempt may like better. */
static int bind_before_connect(crp *vm, tcp *t, int fd, int family)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    const crpi_address *a = &t->race->local;
    if (!a->length) return 0;
    if (a->at.ss_family != family) return -EAFNOSUPPORT;
    p->option(state, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return p->bind(state, fd, (const struct sockaddr *)&a->at, a->length);
}

static void attempt_failed(race *r, size_t i, int error)
{
    r->error = error;
    r->failed = r->of[i];
    r->live--;
    r->fd[i] = r->fd[r->live];
    r->of[i] = r->of[r->live];
}

static void start_attempt(crp *vm, tcp *t)
{
    race *r = t->race;
    void *state;
    const crp_platform *p = sys(vm, &state);
    const crpi_address *a = &r->address[r->next];
    int fd = p->socket(state, a->at.ss_family);
    r->of[r->live] = r->next++;
    if (fd < 0) {
        r->error = -fd;
        r->failed = r->of[r->live];
        return;
    }
    r->fd[r->live++] = fd;
    int e = bind_before_connect(vm, t, fd, a->at.ss_family);
    if (!e) e = p->connect(state, fd, (const struct sockaddr *)&a->at, a->length);
    if (e && e != -EINPROGRESS) {
        p->close(state, fd);
        attempt_failed(r, r->live - 1, -e);
    }
    r->next_at = crp_now(vm) + ATTEMPT_DELAY;
}

static void set_options(crp *vm, tcp *t)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    p->option(state, t->fd_plus_1 - 1, IPPROTO_TCP, TCP_NODELAY, crp_is_true(t->no_delay));
    p->option(state, t->fd_plus_1 - 1, SOL_SOCKET, SO_KEEPALIVE, crp_is_true(t->keep_alive));
}

/* A socket that reports no error is connected only once it has a peer. */
static bool look_at_attempts(crp *vm, tcp *t)
{
    race *r = t->race;
    void *state;
    const crp_platform *p = sys(vm, &state);
    for (size_t i = 0; i < r->live;) {
        struct sockaddr_storage peer;
        unsigned length = sizeof peer;
        int e = p->connected(state, r->fd[i]);
        if (e == -EINPROGRESS) e = 0;
        if (e) {
            p->close(state, r->fd[i]);
            attempt_failed(r, i, -e);
        } else if (p->name(state, r->fd[i], true, (struct sockaddr *)&peer, &length) == 0) {
            t->fd_plus_1 = r->fd[i] + 1;
            attempt_failed(r, i, 0);
            return true;
        } else {
            i++;
        }
    }
    return false;
}

static crp_status run_race(crp_call *call, tcp *t)
{
    race *r = t->race;
    for (;;) {
        if (look_at_attempts(call->vm, t)) {
            end_race(call->vm, t);
            set_options(call->vm, t);
            return CRP_OK;
        }
        bool more = r->next < r->n && r->live < ATTEMPTS;
        if (!more && !r->live) return connect_failed(call->vm, t, r->error, &r->address[r->failed]);
        if (!more || (r->live && crp_now(call->vm) < r->next_at)) break;
        start_attempt(call->vm, t);
    }
    for (size_t i = 0; i < r->live; i++) crp_module_wait_fd(call, &t->m, r->fd[i], CRP_WRITABLE);
    if (r->next < r->n && r->live < ATTEMPTS) crp_wait_until(call, r->next_at);
    return CRP_AGAIN;
}

static crp_status start_connect(crp_call *call, tcp *t)
{
    size_t n;
    crp_string_data(t->host, &n);
    if (!n) return crp_module_raise(call->vm, &t->m, CRP_ERR_CONFIG, 1, "connect: `host` is not set");
    if (!crp_integer_value(t->port))
        return crp_module_raise(call->vm, &t->m, CRP_ERR_CONFIG, 1, "connect: `port` is not set");
    tcp_close(call->vm, &t->m);
    if (!(t->race = crp_alloc(call->vm, sizeof *t->race))) return CRP_E_NOMEM;
    memset(t->race, 0, sizeof *t->race);
    t->m.step = 1;
    crp_string_data(t->local_host, &n);
    if (!n && !crp_integer_value(t->local_port)) return CRP_OK;
    return local_address(call->vm, t, AF_INET, CRP_BIND_FAILED, &t->race->local);
}

static void note_connected(crp *vm, tcp *t)
{
    crpi_address a;
    char text[CRPI_ADDRESS_TEXT + 16] = "connected to ";
    if (!crp_is_object(t->m.log) || !socket_name(vm, t, true, &a)) return;
    crpi_address_text(&a, text + strlen(text));
    crp_module_note(vm, &t->m, CRP_LOG_COM, CRP_LOG_INFO, text);
}

static crp_status tcp_connect(crp_call *call, crp_module *m)
{
    tcp *t = (tcp *)m;
    crp_status st = CRP_OK;
    if (m->step == 0 && (st = start_connect(call, t))) return st;
    if (m->step == 1) {
        const char *host;
        st = crp_c_string(call->vm, t->host, &host);
        if (!st)
            st = crpi_resolve(call, m, host, (unsigned)crp_integer_value(t->port), &t->race->resolver,
                              t->race->address, &t->race->n);
        if (st) return st;
        m->step = 2;
    }
    st = run_race(call, t);
    if (!st) note_connected(call->vm, t);
    return st;
}

/* --- data ----------------------------------------------------------------------------------------------- */

static crp_status closed_meanwhile(crp *vm, crp_module *m)
{
    return crp_module_raise(vm, m, CRP_ERR_COMMS, CRP_NOT_CONNECTED, "not connected");
}

static crp_status tcp_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    tcp *t = (tcp *)m;
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    if (!t->fd_plus_1) return closed_meanwhile(call->vm, m);
    ssize_t sent = p->send(state, t->fd_plus_1 - 1, bytes, n);
    if (sent >= 0) {
        *taken = (size_t)sent;
        return CRP_OK;
    }
    if (sent != -EAGAIN && sent != -EWOULDBLOCK)
        return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_SEND_FAILED, (int)-sent,
                                      "send to %p failed", t->host);
    crp_module_wait_fd(call, m, t->fd_plus_1 - 1, CRP_WRITABLE);
    return CRP_AGAIN;
}

static crp_status tcp_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    tcp *t = (tcp *)m;
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    if (!t->fd_plus_1) return closed_meanwhile(call->vm, m);
    ssize_t came = p->receive(state, t->fd_plus_1 - 1, bytes, n);
    if (came >= 0) {
        *got = (size_t)came;
        return CRP_OK;
    }
    if (came != -EAGAIN && came != -EWOULDBLOCK)
        return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_RECEIVE_FAILED, (int)-came,
                                      "receive from %p failed", t->host);
    crp_module_wait_fd(call, m, t->fd_plus_1 - 1, CRP_READABLE);
    return CRP_AGAIN;
}

static crp_status tcp_shut(crp_call *call, crp_module *m)
{
    tcp *t = (tcp *)m;
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    if (!t->fd_plus_1) return closed_meanwhile(call->vm, m);
    int e = p->shut(state, t->fd_plus_1 - 1);
    if (!e || e == -ENOTCONN) return CRP_OK;
    return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_SEND_FAILED, -e, "shutdown failed");
}

/* --- bind, listen, accept ------------------------------------------------------------------------------- */

static int open_listener(crp *vm, tcp *t, int family)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    int fd = p->socket(state, family);
    if (fd < 0) return fd;
    t->fd_plus_1 = fd + 1;
    p->option(state, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return fd;
}

/* Without a local address both families are listened to, on one socket, where the system has IPv6. */
static crp_status tcp_bind(crp_call *call, crp_module *m)
{
    tcp *t = (tcp *)m;
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    size_t n;
    crpi_address a;
    crp_string_data(t->local_host, &n);
    tcp_close(call->vm, m);
    crp_status st = local_address(call->vm, t, n ? AF_INET : AF_INET6, CRP_BIND_FAILED, &a);
    if (st) return st;
    int fd = open_listener(call->vm, t, a.at.ss_family);
    if (fd < 0 && !n) {
        if ((st = local_address(call->vm, t, AF_INET, CRP_BIND_FAILED, &a))) return st;
        fd = open_listener(call->vm, t, AF_INET);
    }
    if (fd >= 0 && !n && a.at.ss_family == AF_INET6) p->option(state, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    int e = fd < 0 ? fd : p->bind(state, fd, (struct sockaddr *)&a.at, a.length);
    if (!e) return CRP_OK;
    tcp_close(call->vm, m);
    return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_BIND_FAILED, -e,
                                  "bind to %v port %p failed", t->local_host, t->local_port);
}

static crp_status tcp_listen(crp_call *call, crp_module *m)
{
    tcp *t = (tcp *)m;
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    int e = p->listen(state, t->fd_plus_1 - 1, BACKLOG);
    if (!e) return CRP_OK;
    return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_LISTEN_FAILED, -e,
                                  "listen on port %p failed", t->local_port);
}

/* The accepted one has the peer as host and port and the listener's settings. */
static crp_status adopt(crp *vm, tcp *from, tcp *t)
{
    crpi_address a;
    char text[CRPI_ADDRESS_TEXT] = "";
    crp_word host, port;
    if (socket_name(vm, t, true, &a)) crpi_address_text(&a, text);
    char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    bool six = n && *text == '[';
    crp_status st = crp_string(vm, text + six, n - 2 * six, &host);
    if (!st) st = crp_integer(vm, crpi_address_port(&a), &port);
    if (st) return st;
    crp_store(vm, &t->m.h, &t->host, host);
    crp_store(vm, &t->m.h, &t->port, port);
    crp_store(vm, &t->m.h, &t->send_timeout, from->send_timeout);
    crp_store(vm, &t->m.h, &t->receive_timeout, from->receive_timeout);
    crp_store(vm, &t->m.h, &t->keep_alive, from->keep_alive);
    crp_store(vm, &t->m.h, &t->no_delay, from->no_delay);
    crp_store(vm, &t->m.h, &t->m.log, from->m.log);
    set_options(vm, t);
    return CRP_OK;
}

/* A connection that went away before it was taken is no error of the listener's. */
static bool try_again(int e)
{
    return e == -EAGAIN || e == -EWOULDBLOCK || e == -ECONNABORTED || e == -EPROTO;
}

static crp_status tcp_accept(crp_call *call, crp_module *m, crp_word *out)
{
    tcp *t = (tcp *)m;
    void *state;
    const crp_platform *p = sys(call->vm, &state);
    struct sockaddr_storage peer;
    unsigned length = sizeof peer;
    crp_word made;
    crp_status st = crp_new_object(call->vm, m->h.class_id, &made);
    if (st) return st;
    int fd = p->accept(state, t->fd_plus_1 - 1, (struct sockaddr *)&peer, &length);
    if (fd < 0 && try_again(fd)) {
        crp_module_wait_fd(call, m, t->fd_plus_1 - 1, CRP_READABLE);
        return CRP_AGAIN;
    }
    if (fd < 0)
        return crp_module_raise_errno(call->vm, m, CRP_ERR_COMMS, CRP_ACCEPT_FAILED, -fd, "accept failed");
    tcp *new_one = (tcp *)crp_object_of(made);
    new_one->fd_plus_1 = fd + 1;
    if ((st = adopt(call->vm, t, new_one))) return st;
    *out = made;
    return CRP_OK;
}

/* --- the class ------------------------------------------------------------------------------------------ */

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .flags = CRP_MODULE_BOTTOM,
    .connect = tcp_connect,
    .close = tcp_close,
    .send = tcp_send,
    .receive = tcp_receive,
    .shut = tcp_shut,
    .bind = tcp_bind,
    .listen = tcp_listen,
    .accept = tcp_accept,
};

#define SETTING (CRP_RW | CRP_CONFIG | CRP_STACK)
#define FACT (CRP_READ | CRP_STACK)
#define AT(field) offsetof(tcp, field)
#define MS "1..86400000"

static const crp_property properties[] = {
    {"host", "String", SETTING, AT(host), NULL, NULL, "name or address to connect to\n"
     "t.host                              # --> \"127.0.0.1\"", NULL, NULL},
    {"port", "Integer", SETTING, AT(port), NULL, "0..65535", "port to connect to\n"
     "(== t.port server.localPort)        # --> true", NULL, NULL},
    {"localHost", "String", SETTING, AT(local_host), NULL, NULL,
     "own numeric address to connect from or to listen on, or `localhost`; \"\" is any\n"
     "server.localHost                    # --> \"127.0.0.1\"", NULL, NULL},
    {"localPort", "Integer", SETTING, AT(local_port), NULL, "0..65535",
     "own port to connect from or to listen on; 0 is any free one, and the real one is read here then\n"
     "(> server.localPort 0)              # --> true", get_local_port, NULL},
    {"connectTimeout", "Integer", CRP_RW | CRP_STACK, AT(connect_timeout), "60000", MS,
     "milliseconds for a whole connect: lookup, connecting, TLS and logon\n"
     "t.connectTimeout                    # --> 60000", NULL, NULL},
    {"sendTimeout", "Integer", CRP_RW | CRP_STACK, AT(send_timeout), "60000", MS,
     "milliseconds for `send` where it is not told\n"
     "t.sendTimeout                       # --> 60000", NULL, NULL},
    {"receiveTimeout", "Integer", CRP_RW | CRP_STACK, AT(receive_timeout), "60000", MS,
     "milliseconds for `receive` where it is not told\n"
     "(t.receiveTimeout 50)\n"
     "(t.receive)                         # error: 6.1", NULL, NULL},
    {"keepAlive", "Object", SETTING, AT(keep_alive), "()", NULL,
     "true: probe an idle connection (SO_KEEPALIVE)\n"
     "t.keepAlive                         # --> ()", NULL, NULL},
    {"noDelay", "Object", SETTING, AT(no_delay), "true", NULL,
     "true: send small packets at once (TCP_NODELAY)\n"
     "t.noDelay                           # --> true", NULL, NULL},
    {"peerAddress", "String", FACT, 0, NULL, NULL, "the peer's address and port; \"\" when not connected\n"
     "t.peerAddress                       # --> \"127.0.0.1:...\"", get_peer_address, NULL},
    {"localAddress", "String", FACT, 0, NULL, NULL, "the own address and port; \"\" without a socket\n"
     "(== t.localAddress peer.peerAddress)   # --> true", get_own_address, NULL},
    {"loopback", "Object", FACT, 0, NULL, NULL, "true if the peer is on this machine\n"
     "t.loopback                          # --> true", get_loopback, NULL},
    {"secure", "Object", FACT, 0, NULL, NULL, "(): nothing is encrypted here\n"
     "t.secure                            # --> ()", get_secure, NULL},
    CRP_PROPERTY_LOG_OF("t"),
    {0},
};

static const crp_method methods[] = {
    CRP_METHOD_CONNECT("(t.connect)\n"
                       "(t.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(t.send \"hello\")\n"
                    "(peer.receive)                      # --> \"hello\""),
    CRP_METHOD_RECEIVE("(peer.send \"world\")\n"
                       "(t.receive)                         # --> \"world\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(peer.send \"hello\")\n"
                            "(t.receiveInto room)\n"
                            "room.string                         # --> \"hel\""),
    CRP_METHOD_INFO("(t.info).bytesSent                  # --> 5"),
    CRP_METHOD_DISCONNECT("(t.disconnect)\n"
                          "(t.info).isConnected                # --> ()"),
    CRP_METHOD_BIND("(set s (create Tcp '((localHost \"127.0.0.1\"))))\n"
                    "(s.bind)\n"
                    "(> s.localPort 0)                   # --> true"),
    CRP_METHOD_LISTEN("(set s (create Tcp '((localHost \"127.0.0.1\"))))\n"
                      "(s.listen)\n"
                      "(s.info).isListening                # --> true"),
    CRP_METHOD_ACCEPT("(set c (create Tcp (list '(host \"127.0.0.1\") (list 'port server.localPort))))\n"
                      "(c.connect)\n"
                      "(server.accept 5000).peerAddress     # --> \"127.0.0.1:...\""),
    {0},
};

const crp_class_def crpi_tcp_class = {
    .size = sizeof(crp_class_def),
    .name = "Tcp",
    .help = "A TCP connection: a bottom module.\n"
            "(set server (create Tcp '((localHost \"127.0.0.1\"))))\n"
            "(server.listen)\n"
            "(set t (create Tcp (list '(host \"127.0.0.1\") (list 'port server.localPort))))\n"
            "(t.connect)\n"
            "(set peer (server.accept 5000))",
    .instance_size = sizeof(tcp),
    .properties = properties,
    .methods = methods,
    .mark = crp_module_mark,
    .drop = tcp_drop,
    .module = &ops,
};
