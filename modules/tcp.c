/* floor 4: Tcp: the usual bottom module: a connected socket, or a listening one.
 *
 * Connecting tries the addresses of the host as they become known, a new one each 250 ms or as soon as one has
 * failed; the first that answers wins and the rest are closed (RFC 8305).  Every descriptor is stored in the
 * object before anything else can fail, so that close and drop find it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include "resolve.h"
#include "socket.h"
#include "stack.h"

enum {
    ATTEMPTS = 8,        /* at once: as many as one wait may watch... */
    ATTEMPT_DELAY = 250, /* milliseconds */
    PATIENCE = 10000     /* ...the oldest of them makes room for the next after so many milliseconds */
};

typedef struct attempt {
    int fd;
    crpi_address to;
    int64_t begun;
} attempt;

typedef struct race {
    crpi_resolver *resolver;
    attempt attempts[ATTEMPTS]; /* under way */
    size_t live;
    int64_t next_at;       /* when the next one starts */
    int error;             /* of the last that failed */
    crpi_address failed;   /* which it was */
    bool from;             /* from `local`, of each family: [0] IPv4, [1] IPv6 */
    crpi_address local[2];
} race;

typedef struct tcp {
    crpi_socket s; /* its `peer` is the property `host` */
    crp_word port, local_host, local_port, connect_timeout, send_timeout, receive_timeout, keep_alive, no_delay;
    race *race;
} tcp;

static const crp_platform *sys(crp *vm, void **state) { return crp_platform_of(vm, state); }

static void end_race(crp *vm, tcp *t)
{
    race *r = t->race;
    if (!r) return;
    for (size_t i = 0; i < r->live; i++) crpi_socket_close_fd(vm, r->attempts[i].fd);
    crpi_resolver_free(vm, r->resolver);
    crp_free_bytes(vm, r, sizeof *r);
    t->race = NULL;
}

static void tcp_close(crp *vm, crp_module *m)
{
    end_race(vm, (tcp *)m);
    crpi_socket_close(vm, (crpi_socket *)m);
}

static void tcp_drop(crp *vm, crp_object *self) { tcp_close(vm, (crp_module *)self); }

/* --- addresses ------------------------------------------------------------------------------------------ */

static crp_status local_address(crp *vm, tcp *t, int family, crpi_address *out)
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
    return crp_module_raise(vm, &t->s.m, CRP_ERR_COMMS, CRP_BIND_FAILED,
                            "localHost %q is not a numeric address", text);
}

static bool socket_name(crp *vm, const tcp *t, bool peer, crpi_address *out)
{
    memset(out, 0, sizeof *out);
    out->length = sizeof out->at;
    return crpi_socket_name(vm, &t->s, peer, &out->at, &out->length);
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

static crp_status connect_failed(crp *vm, tcp *t)
{
    char text[CRPI_ADDRESS_TEXT];
    crpi_address_text(&t->race->failed, text);
    return crpi_socket_raise(vm, &t->s.m, CRP_CONNECT_FAILED, t->race->error,
                             "connect to %p port %p (%s) failed", t->s.peer, t->port, text);
}

/* From `localHost` and `localPort`, if they are set: 0 or -errno.  An address of the other family is one that
 * the next attempt may like better. */
static int bind_before_connect(crp *vm, const race *r, int fd, int family)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    const crpi_address *a = &r->local[family == AF_INET6];
    if (!r->from) return 0;
    if (a->at.any.sa_family != family) return -EAFNOSUPPORT;
    p->option(state, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return p->bind(state, fd, &a->at.any, a->length);
}

static void failed(race *r, const crpi_address *to, int error)
{
    r->error = error;
    r->failed = *to;
}

static void forget_attempt(race *r, size_t i) { r->attempts[i] = r->attempts[--r->live]; }

static void start_attempt(crp *vm, race *r)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    attempt a = {.begun = crp_now(vm)};
    if (!crpi_resolver_next(r->resolver, &a.to)) return;
    a.fd = crpi_socket_new(vm, a.to.at.any.sa_family);
    if (a.fd < 0) {
        failed(r, &a.to, -a.fd);
        return;
    }
    r->attempts[r->live++] = a;
    int e = bind_before_connect(vm, r, a.fd, a.to.at.any.sa_family);
    if (!e) e = p->connect(state, a.fd, &a.to.at.any, a.to.length);
    if (e && e != -EINPROGRESS) {
        p->close(state, a.fd);
        failed(r, &a.to, -e);
        r->live--;
    }
    r->next_at = a.begun + ATTEMPT_DELAY;
}

static void set_options(crp *vm, tcp *t)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    p->option(state, t->s.fd_plus_1 - 1, IPPROTO_TCP, TCP_NODELAY, crp_is_true(t->no_delay));
    p->option(state, t->s.fd_plus_1 - 1, SOL_SOCKET, SO_KEEPALIVE, crp_is_true(t->keep_alive));
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
        const attempt *a = &r->attempts[i];
        int e = p->connected(state, a->fd);
        if (e == -EINPROGRESS) e = 0;
        if (e) {
            p->close(state, a->fd);
            failed(r, &a->to, -e);
            forget_attempt(r, i);
        } else if (p->name(state, a->fd, true, (struct sockaddr *)&peer, &length) == 0) {
            t->s.fd_plus_1 = a->fd + 1;
            forget_attempt(r, i);
            return true;
        } else {
            i++;
        }
    }
    return false;
}

/* While names are awaited, the rest of what one wait may watch belongs to them. */
static size_t most_attempts(const race *r)
{
    return crpi_resolver_done(r->resolver) ? ATTEMPTS : ATTEMPTS - CRPI_RESOLVER_SOCKETS;
}

/* When there may be one more; it is now where none is under way. */
static int64_t time_for_next(const race *r)
{
    if (!r->live) return 0;
    if (r->live < most_attempts(r)) return r->next_at;
    int64_t oldest = r->attempts[0].begun;
    for (size_t i = 1; i < r->live; i++)
        if (r->attempts[i].begun < oldest) oldest = r->attempts[i].begun;
    return oldest + PATIENCE;
}

static void make_room(crp *vm, race *r)
{
    if (r->live < most_attempts(r)) return;
    size_t oldest = 0;
    for (size_t i = 1; i < r->live; i++)
        if (r->attempts[i].begun < r->attempts[oldest].begun) oldest = i;
    crpi_socket_close_fd(vm, r->attempts[oldest].fd);
    failed(r, &r->attempts[oldest].to, ETIMEDOUT);
    forget_attempt(r, oldest);
}

static void wait_for_race(crp_call *call, const tcp *t)
{
    const race *r = t->race;
    crpi_resolver_wait(call, r->resolver);
    for (size_t i = 0; i < r->live; i++) crp_module_wait_fd(call, &t->s.m, r->attempts[i].fd, CRP_WRITABLE);
    if (crpi_resolver_has_next(r->resolver)) crp_wait_until(call, time_for_next(r));
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
        bool more = crpi_resolver_has_next(r->resolver);
        if (!more && !r->live && crpi_resolver_done(r->resolver)) return connect_failed(call->vm, t);
        if (!more || crp_now(call->vm) < time_for_next(r)) break;
        make_room(call->vm, r);
        start_attempt(call->vm, r);
    }
    wait_for_race(call, t);
    return CRP_AGAIN;
}

static crp_status start_connect(crp_call *call, tcp *t)
{
    crp *vm = call->vm;
    size_t n;
    crp_string_data(t->s.peer, &n);
    if (!n) return crp_module_raise(vm, &t->s.m, CRP_ERR_CONFIG, 1, "connect: `host` is not set");
    if (!crp_integer_value(t->port))
        return crp_module_raise(vm, &t->s.m, CRP_ERR_CONFIG, 1, "connect: `port` is not set");
    tcp_close(vm, &t->s.m);
    if (!(t->race = crp_alloc(vm, sizeof *t->race))) return CRP_E_NOMEM;
    memset(t->race, 0, sizeof *t->race);
    crp_string_data(t->local_host, &n);
    t->race->from = n || crp_integer_value(t->local_port);
    crp_status st = t->race->from ? local_address(vm, t, AF_INET, &t->race->local[0]) : CRP_OK;
    if (!st && t->race->from) st = local_address(vm, t, AF_INET6, &t->race->local[1]);
    if (st) return st;
    t->s.m.step = 1;
    return crpi_resolver_begin(vm, &t->s.m, t->s.peer, (unsigned)crp_integer_value(t->port), &t->race->resolver);
}

static void note_connected(crp *vm, tcp *t)
{
    crpi_address a;
    char text[CRPI_ADDRESS_TEXT + 16] = "connected to ";
    if (!crp_is_object(t->s.m.log) || !socket_name(vm, t, true, &a)) return;
    crpi_address_text(&a, text + strlen(text));
    crp_module_note(vm, &t->s.m, CRP_LOG_COM, CRP_LOG_INFO, text);
}

static crp_status tcp_connect(crp_call *call, crp_module *m)
{
    tcp *t = (tcp *)m;
    crp_status st = m->step == 0 ? start_connect(call, t) : CRP_OK;
    if (!st) st = crpi_resolver_look(call, t->race->resolver);
    if (!st) st = run_race(call, t);
    if (!st) note_connected(call->vm, t);
    return st;
}

/* --- bind, listen, accept ------------------------------------------------------------------------------- */

static int open_listener(crp *vm, tcp *t, int family)
{
    void *state;
    const crp_platform *p = sys(vm, &state);
    int fd = crpi_socket_new(vm, family);
    if (fd < 0) return fd;
    t->s.fd_plus_1 = fd + 1;
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
    crp_status st = local_address(call->vm, t, n ? AF_INET : AF_INET6, &a);
    if (st) return st;
    int fd = open_listener(call->vm, t, a.at.any.sa_family);
    if (fd < 0 && !n && !crpi_socket_none_left(-fd)) {
        if ((st = local_address(call->vm, t, AF_INET, &a))) return st;
        fd = open_listener(call->vm, t, AF_INET);
    }
    if (fd >= 0 && !n && a.at.any.sa_family == AF_INET6) p->option(state, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    int e = fd < 0 ? fd : p->bind(state, fd, &a.at.any, a.length);
    if (!e) return CRP_OK;
    tcp_close(call->vm, m);
    return crpi_socket_raise(call->vm, m, CRP_BIND_FAILED, -e, "bind to %v port %p failed", t->local_host,
                             t->local_port);
}

/* The accepted one has the peer as host and port and the listener's settings. */
static crp_status adopt(crp *vm, crpi_socket *listener, crpi_socket *made)
{
    const tcp *from = (tcp *)listener;
    tcp *t = (tcp *)made;
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
    crp_store(vm, &t->s.m.h, &t->s.peer, host);
    crp_store(vm, &t->s.m.h, &t->port, port);
    crp_store(vm, &t->s.m.h, &t->send_timeout, from->send_timeout);
    crp_store(vm, &t->s.m.h, &t->receive_timeout, from->receive_timeout);
    crp_store(vm, &t->s.m.h, &t->keep_alive, from->keep_alive);
    crp_store(vm, &t->s.m.h, &t->no_delay, from->no_delay);
    crp_store(vm, &t->s.m.h, &t->s.m.log, from->s.m.log);
    set_options(vm, t);
    return CRP_OK;
}

static crp_status tcp_accept(crp_call *call, crp_module *m, crp_word *out)
{
    return crpi_socket_accept(call, m, adopt, out);
}

/* --- the class ------------------------------------------------------------------------------------------ */

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .flags = CRP_MODULE_BOTTOM,
    .connect = tcp_connect,
    .close = tcp_close,
    .send = crpi_socket_send,
    .receive = crpi_socket_receive,
    .shut = crpi_socket_shut,
    .bind = tcp_bind,
    .listen = crpi_socket_listen,
    .accept = tcp_accept,
};

#define SETTING CRPI_SETTING
#define FACT CRPI_FACT
#define AT(field) offsetof(tcp, field)
#define MS "1..86400000"

static const crp_property properties[] = {
    {"host", "String", SETTING, AT(s.peer), NULL, NULL, "name or address to connect to; a name may have any letters, as bücher.example\n"
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
     "t.secure                            # --> ()", crpi_get_false, NULL},
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
