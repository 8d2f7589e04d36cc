/* floor 4: a host's name to addresses: see resolve.h.
 *
 * A look-up has a channel of c-ares of its own, made when a name is really asked for: what c-ares reads at its
 * start is little against waiting for an answer, and nothing is shared that could end in the middle.
 */
#include <ares.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "idn.h"
#include "resolve.h"
#include "socket.h"

enum {
    QUERY_MS = 2500,      /* before the next server is asked, or the same again */
    TRIES = 3,
    SOCKETS = 8,          /* that are looked at; c-ares uses one a server */
    RESOLUTION_DELAY = 50 /* milliseconds that IPv4's addresses wait for IPv6's (RFC 8305, 3) */
};

enum { SIX, FOUR, FAMILIES };

typedef struct family {
    bool done;
    int status;
    size_t n, next; /* how many were found, which is tried next */
    crpi_address found[CRPI_MAX_ADDRESSES];
} family;

struct crpi_resolver {
    crp_module *m; /* for errors, or NULL */
    crp_word host; /* for errors; the caller keeps it */
    ares_channel channel;
    uint16_t port;
    bool open;
    int last;        /* whose turn it was */
    bool any_taken;
    int64_t hold;    /* IPv4's addresses came: until when those of IPv6 are waited for; 0: they have not */
    char name[CRPI_MAX_HOST];
    family families[FAMILIES];
};

static crp_status named(crp *vm, const crp_module *m, crp_status st)
{
    return m ? crp_module_named(vm, m, st) : st;
}

static crp_status not_found(crp *vm, const crpi_resolver *r, const char *what, const char *why)
{
    crp_status st = crp_raise(vm, CRP_ERR_COMMS, CRP_NAME_NOT_FOUND, "%s host %v: %s", what, r->host, why);
    return named(vm, r->m, st);
}

/* --- answers ---------------------------------------------------------------------------------------------- */

static void keep(crpi_resolver *r, const struct sockaddr *at, unsigned length)
{
    family *f = &r->families[at->sa_family == AF_INET6 ? SIX : FOUR];
    crpi_address *a = &f->found[f->n];
    if (f->n == CRPI_MAX_ADDRESSES || length > sizeof a->at) return;
    memcpy(&a->at, at, length);
    a->length = length;
    if (at->sa_family == AF_INET6) a->at.in6.sin6_port = htons(r->port);
    else a->at.in.sin_port = htons(r->port);
    f->n++;
}

static void take(crpi_resolver *r, int status, struct ares_addrinfo *info)
{
    if (status != ARES_SUCCESS) return;
    for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
        if (node->ai_family == AF_INET6 || node->ai_family == AF_INET)
            keep(r, node->ai_addr, node->ai_addrlen);
    ares_freeaddrinfo(info);
}

static void end(crpi_resolver *r, int family, int status)
{
    r->families[family].done = true;
    r->families[family].status = status;
}

static void answer_six(void *r, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    take(r, status, info);
    end(r, SIX, status);
}

static void answer_four(void *r, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    take(r, status, info);
    end(r, FOUR, status);
}

static void answer_both(void *r, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    take(r, status, info);
    if (status != ARES_SUCCESS) return;
    end(r, SIX, status);
    end(r, FOUR, status);
}

/* --- asking ----------------------------------------------------------------------------------------------- */

static void ask(crpi_resolver *r, ares_channel channel, int family, ares_addrinfo_callback answer)
{
    struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(channel, r->name, NULL, &hints, answer, r);
}

/* What the hosts file has of a name is all there is of it. */
static void look_into_hosts(crpi_resolver *r)
{
    char files[] = "f";
    struct ares_options options = {.lookups = files};
    ares_channel channel;
    if (ares_init_options(&channel, &options, ARES_OPT_LOOKUPS) != ARES_SUCCESS) return;
    ask(r, channel, AF_UNSPEC, answer_both);
    ares_destroy(channel);
}

/* Names that never leave this machine (RFC 6761, 6.3). */
static bool is_localhost(const char *name)
{
    static const char localhost[] = "localhost";
    size_t n = strlen(name), m = sizeof localhost - 1;
    if (n && name[n - 1] == '.') n--;
    if (n < m || strncasecmp(name + n - m, localhost, m)) return false;
    return n == m || name[n - m - 1] == '.';
}

static void take_localhost(crpi_resolver *r)
{
    crpi_address a;
    if (crpi_address_parse("::1", r->port, &a)) keep(r, &a.at.any, a.length);
    if (crpi_address_parse("127.0.0.1", r->port, &a)) keep(r, &a.at.any, a.length);
    end(r, SIX, ARES_SUCCESS);
    end(r, FOUR, ARES_SUCCESS);
}

/* Where RES_OPTIONS says something about time and tries, c-ares goes by that. */
static crp_status open_channel(crp *vm, crpi_resolver *r)
{
    char dns[] = "b";
    struct ares_options options = {.timeout = QUERY_MS, .tries = TRIES, .lookups = dns};
    int times = getenv("RES_OPTIONS") ? 0 : ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    int status = ares_init_options(&r->channel, &options, ARES_OPT_LOOKUPS | times);
    if (status == ARES_ENOMEM) return crp_no_memory(vm);
    if (status != ARES_SUCCESS) return not_found(vm, r, "cannot look up", ares_strerror(status));
    r->open = true;
    const char *servers = secure_getenv("CARAPACE_DNS");
    if (!servers || !*servers || ares_set_servers_ports_csv(r->channel, servers) == ARES_SUCCESS) return CRP_OK;
    crp_status st = crp_raise(vm, CRP_ERR_CONFIG, 1, "the variable CARAPACE_DNS of the environment is %q: expected "
                              "addresses of servers with commas between them", servers);
    return named(vm, r->m, st);
}

/* c-ares opens descriptors by itself; having none is told before it fails for some other reason. */
static crp_status must_have_descriptor(crp *vm, const crpi_resolver *r)
{
    int fd = crpi_socket_new(vm, AF_INET);
    if (fd >= 0) crpi_socket_close_fd(vm, fd);
    if (fd >= 0 || !crpi_socket_none_left(-fd)) return CRP_OK;
    crp_status st = crp_raise_errno(vm, CRP_ERR_SYSTEM, CRPI_NONE_LEFT, -fd, "cannot look up host %v", r->host);
    return named(vm, r->m, st);
}

static crp_status start(crp *vm, crpi_resolver *r)
{
    crp_status st = crpi_host_ascii(vm, r->host, r->name);
    if (st) return named(vm, r->m, st);
    if ((st = must_have_descriptor(vm, r))) return st;
    look_into_hosts(r);
    if (!r->families[FOUR].done && is_localhost(r->name)) take_localhost(r);
    if (r->families[FOUR].done) return CRP_OK;
    if ((st = open_channel(vm, r))) return st;
    ask(r, r->channel, AF_INET6, answer_six);
    ask(r, r->channel, AF_INET, answer_four);
    return CRP_OK;
}

crp_status crpi_resolver_begin(crp *vm, crp_module *m, crp_word host, unsigned port, crpi_resolver **out)
{
    const char *text;
    crpi_address a;
    crpi_resolver *r = *out = crp_alloc(vm, sizeof *r);
    if (!r) return CRP_E_NOMEM;
    memset(r, 0, sizeof *r);
    r->m = m;
    r->host = host;
    r->port = (uint16_t)port;
    crp_status st = crp_c_string(vm, host, &text);
    if (st) return named(vm, m, st);
    if (!crpi_address_parse(text, port, &a)) return start(vm, r);
    keep(r, &a.at.any, a.length);
    end(r, SIX, ARES_SUCCESS);
    end(r, FOUR, ARES_SUCCESS);
    return CRP_OK;
}

void crpi_resolver_free(crp *vm, crpi_resolver *r)
{
    if (!r) return;
    if (r->open) ares_destroy(r->channel);
    crp_free_bytes(vm, r, sizeof *r);
}

/* --- waiting ---------------------------------------------------------------------------------------------- */

bool crpi_resolver_done(const crpi_resolver *r) { return r->families[SIX].done && r->families[FOUR].done; }

/* Lets c-ares look at each of its sockets; it copes with those on which nothing has come. */
static void let_it_work(crpi_resolver *r)
{
    ares_socket_t socks[SOCKETS];
    int bits = ares_getsock(r->channel, socks, SOCKETS);
    for (int i = 0; i < SOCKETS && !crpi_resolver_done(r); i++)
        if (ARES_GETSOCK_READABLE(bits, i) || ARES_GETSOCK_WRITABLE(bits, i))
            ares_process_fd(r->channel, ARES_GETSOCK_READABLE(bits, i) ? socks[i] : ARES_SOCKET_BAD,
                            ARES_GETSOCK_WRITABLE(bits, i) ? socks[i] : ARES_SOCKET_BAD);
    if (!crpi_resolver_done(r)) ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* c-ares closes its sockets behind our back, so none is kept from one wait to the next. */
void crpi_resolver_wait(crp_call *call, const crpi_resolver *r)
{
    ares_socket_t socks[SOCKETS];
    if (!r->open || crpi_resolver_done(r)) return;
    int bits = ares_getsock(r->channel, socks, SOCKETS);
    for (int i = 0, n = 0; i < SOCKETS && n < CRPI_RESOLVER_SOCKETS; i++) {
        unsigned events = (ARES_GETSOCK_READABLE(bits, i) ? CRP_READABLE : 0) |
                          (ARES_GETSOCK_WRITABLE(bits, i) ? CRP_WRITABLE : 0);
        if (!events) continue;
        crp_wait_fd(call, socks[i], events);
        n++;
    }
    if (r->m) crp_wait_object(call, crp_module_word(r->m));
    struct timeval longest = {QUERY_MS / 1000, 0}, left;
    const struct timeval *t = ares_timeout(r->channel, &longest, &left);
    crp_wait_until(call, crp_now(call->vm) + t->tv_sec * 1000 + t->tv_usec / 1000 + 1);
}

/* What came first is tried at once, but for IPv4's, which wait a little for the others. */
static bool is_usable(crp_call *call, crpi_resolver *r)
{
    const family *six = &r->families[SIX], *four = &r->families[FOUR];
    if (six->n || (four->n && six->done)) return true;
    if (!four->n) return false;
    if (!r->hold) r->hold = crp_now(call->vm) + RESOLUTION_DELAY;
    if (crp_now(call->vm) >= r->hold) return true;
    crp_wait_until(call, r->hold);
    return false;
}

/* That one family has nothing says less than why the other could not be asked for. */
static const char *reason(const crpi_resolver *r)
{
    int six = r->families[SIX].status, four = r->families[FOUR].status;
    bool plain = four == ARES_ENODATA || four == ARES_ENOTFOUND || four == ARES_SUCCESS;
    return ares_strerror(plain && six != ARES_ENODATA && six != ARES_SUCCESS ? six : four);
}

crp_status crpi_resolver_look(crp_call *call, crpi_resolver *r)
{
    if (r->open && !crpi_resolver_done(r)) let_it_work(r);
    if (is_usable(call, r)) return CRP_OK;
    if (crpi_resolver_done(r)) return not_found(call->vm, r, "no address for", reason(r));
    crpi_resolver_wait(call, r);
    return CRP_AGAIN;
}

/* --- the order -------------------------------------------------------------------------------------------- */

static bool has(const crpi_resolver *r, int family) { return r->families[family].next < r->families[family].n; }

bool crpi_resolver_has_next(const crpi_resolver *r) { return has(r, SIX) || has(r, FOUR); }

/* Families take turns (RFC 8305, 4), whenever their addresses have come. */
static int turn(const crpi_resolver *r)
{
    if (!has(r, SIX) || !has(r, FOUR)) return has(r, SIX) ? SIX : FOUR;
    if (r->any_taken) return r->last == SIX ? FOUR : SIX;
    return crpi_address_six_first(r->families[SIX].found, r->families[FOUR].found) ? SIX : FOUR;
}

bool crpi_resolver_next(crpi_resolver *r, crpi_address *out)
{
    if (!crpi_resolver_has_next(r)) return false;
    r->last = turn(r);
    r->any_taken = true;
    *out = r->families[r->last].found[r->families[r->last].next++];
    return true;
}
