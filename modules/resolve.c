/* floor 4: host names: see resolve.h. */
#include <ares.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include "resolve.h"

enum { QUERY_MS = 2500, TRIES = 3, SOCKETS = 6 /* that are waited for; c-ares uses one a server */ };

struct crpi_resolver {
    ares_channel channel;
    bool open, done;
    int status;
    crpi_address found[CRPI_MAX_ADDRESSES];
    size_t n;
};

/* --- addresses ------------------------------------------------------------------------------------------ */

static bool parse_4(const char *text, unsigned port, crpi_address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->at;
    if (inet_pton(AF_INET, text, &in->sin_addr) != 1) return false;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    out->length = sizeof *in;
    return true;
}

static bool parse_6(char *text, unsigned port, crpi_address *out)
{
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)&out->at;
    char *scope = strchr(text, '%');
    if (scope) {
        *scope++ = 0;
        if (!(in->sin6_scope_id = if_nametoindex(scope))) return false;
    }
    if (inet_pton(AF_INET6, text, &in->sin6_addr) != 1) return false;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons((uint16_t)port);
    out->length = sizeof *in;
    return true;
}

bool crpi_address_parse(const char *host, unsigned port, crpi_address *out)
{
    char text[CRPI_ADDRESS_TEXT];
    size_t n = strlen(host);
    memset(out, 0, sizeof *out);
    if (n >= sizeof text) return false;
    memcpy(text, host, n + 1);
    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text[n - 1] = 0;
        return parse_6(text + 1, port, out);
    }
    return parse_4(text, port, out) || parse_6(text, port, out);
}

unsigned crpi_address_port(const crpi_address *a)
{
    if (a->at.ss_family == AF_INET) return ntohs(((const struct sockaddr_in *)&a->at)->sin_port);
    if (a->at.ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)&a->at)->sin6_port);
    return 0;
}

static char *put_number(char *at, unsigned value)
{
    char digits[12];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n) *at++ = digits[--n];
    *at = 0;
    return at;
}

void crpi_address_text(const crpi_address *a, char out[CRPI_ADDRESS_TEXT])
{
    bool six = a->at.ss_family == AF_INET6;
    const void *raw = six ? (const void *)&((const struct sockaddr_in6 *)&a->at)->sin6_addr
                          : (const void *)&((const struct sockaddr_in *)&a->at)->sin_addr;
    char *at = out;
    *out = 0;
    if (!six && a->at.ss_family != AF_INET) return;
    if (six) *at++ = '[';
    if (!inet_ntop(a->at.ss_family, raw, at, INET6_ADDRSTRLEN)) return;
    at += strlen(at);
    if (six) *at++ = ']';
    *at++ = ':';
    put_number(at, crpi_address_port(a));
}

bool crpi_address_is_loopback(const crpi_address *a)
{
    if (a->at.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&a->at)->sin_addr.s_addr) >> 24 == 127;
    if (a->at.ss_family != AF_INET6) return false;
    const struct in6_addr *in = &((const struct sockaddr_in6 *)&a->at)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in) || (IN6_IS_ADDR_V4MAPPED(in) && in->s6_addr[12] == 127);
}

/* --- names ---------------------------------------------------------------------------------------------- */

static void answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    crpi_resolver *r = arg;
    (void)timeouts;
    r->done = true;
    r->status = status;
    if (status != ARES_SUCCESS) return;
    for (struct ares_addrinfo_node *node = info->nodes; node && r->n < CRPI_MAX_ADDRESSES;
         node = node->ai_next) {
        if (node->ai_addrlen > sizeof r->found[0].at) continue;
        memcpy(&r->found[r->n].at, node->ai_addr, node->ai_addrlen);
        r->found[r->n++].length = node->ai_addrlen;
    }
    ares_freeaddrinfo(info);
}

static crp_status not_found(crp_call *call, const crp_module *m, const char *what, const char *host, int why)
{
    crp_status st = crp_raise(call->vm, CRP_ERR_COMMS, CRP_NAME_NOT_FOUND, "%s host %q: %s", what, host,
                              ares_strerror(why));
    return m ? crp_module_named(call->vm, m, st) : st;
}

static crp_status start(crp_call *call, crp_module *m, const char *host, unsigned port, crpi_resolver *r)
{
    struct ares_options options = {.timeout = QUERY_MS, .tries = TRIES};
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                        .ai_socktype = SOCK_STREAM,
                                        .ai_flags = ARES_AI_NUMERICSERV};
    char service[12];
    int status = ares_init_options(&r->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status != ARES_SUCCESS) return not_found(call, m, "cannot look up", host, status);
    r->open = true;
    put_number(service, port);
    ares_getaddrinfo(r->channel, host, port ? service : NULL, &hints, answer, r);
    return CRP_OK;
}

/* Lets c-ares look at each of its sockets; it copes with those on which nothing has come. */
static void look(crpi_resolver *r)
{
    ares_socket_t socks[SOCKETS];
    int bits = ares_getsock(r->channel, socks, SOCKETS);
    for (int i = 0; i < SOCKETS && !r->done; i++)
        ares_process_fd(r->channel, ARES_GETSOCK_READABLE(bits, i) ? socks[i] : ARES_SOCKET_BAD,
                        ARES_GETSOCK_WRITABLE(bits, i) ? socks[i] : ARES_SOCKET_BAD);
    if (!r->done) ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static crp_status wait_for_answer(crp_call *call, const crp_module *m, crpi_resolver *r)
{
    ares_socket_t socks[SOCKETS];
    int bits = ares_getsock(r->channel, socks, SOCKETS);
    for (int i = 0; i < SOCKETS; i++) {
        unsigned events = (ARES_GETSOCK_READABLE(bits, i) ? CRP_READABLE : 0) |
                          (ARES_GETSOCK_WRITABLE(bits, i) ? CRP_WRITABLE : 0);
        if (events) crp_wait_fd(call, socks[i], events);
        if (events && m) crp_wait_object(call, crp_module_word(m));
    }
    struct timeval longest = {QUERY_MS / 1000, 0}, left;
    struct timeval *t = ares_timeout(r->channel, &longest, &left);
    crp_wait_until(call, crp_now(call->vm) + t->tv_sec * 1000 + t->tv_usec / 1000 + 1);
    return CRP_AGAIN;
}

/* Families take turns, beginning with that of the first address (RFC 8305, 4). */
static size_t interleave(const crpi_resolver *r, crpi_address out[CRPI_MAX_ADDRESSES])
{
    size_t n = 0, at[2] = {0, 0};
    sa_family_t first = r->found[0].at.ss_family;
    for (int turn = 0; n < r->n; turn = !turn) {
        size_t i = at[turn];
        while (i < r->n && (r->found[i].at.ss_family == first) == (turn == 1)) i++;
        if (i < r->n) out[n++] = r->found[i++];
        at[turn] = i;
    }
    return n;
}

crp_status crpi_resolve(crp_call *call, crp_module *m, const char *host, unsigned port, crpi_resolver **r,
                        crpi_address out[CRPI_MAX_ADDRESSES], size_t *n)
{
    *n = 0;
    if (!*r) {
        if (crpi_address_parse(host, port, &out[0])) {
            *n = 1;
            return CRP_OK;
        }
        if (!(*r = crp_alloc(call->vm, sizeof **r))) return CRP_E_NOMEM;
        memset(*r, 0, sizeof **r);
        crp_status st = start(call, m, host, port, *r);
        if (st) return st;
    } else if (!(*r)->done) {
        look(*r);
    }
    if (!(*r)->done) return wait_for_answer(call, m, *r);
    if ((*r)->n) {
        *n = interleave(*r, out);
        return CRP_OK;
    }
    return not_found(call, m, "no address for", host, (*r)->status);
}

void crpi_resolver_free(crp *vm, crpi_resolver *r)
{
    if (!r) return;
    if (r->open) ares_destroy(r->channel);
    crp_free_bytes(vm, r, sizeof *r);
}
