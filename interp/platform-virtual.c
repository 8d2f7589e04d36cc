/* Virtual time: one entry, wait, decides when it moves; all the rest is handed down. */
#include "platform-virtual.h"

enum { EPOCH = 1767225600 };

static int64_t virtual_now(void *state) { return ((crpi_virtual *)state)->now; }

static void virtual_clock(void *state, int64_t *seconds, int32_t *nanoseconds)
{
    const crpi_virtual *v = state;
    *seconds = v->epoch + v->now / 1000;
    *nanoseconds = (int32_t)(v->now % 1000) * 1000000;
}

/* SplitMix64: the same seed gives the same bytes. */
static bool virtual_random(void *state, void *out, size_t n)
{
    crpi_virtual *v = state;
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++, bits >>= 8) {
        if (i % 8 == 0) {
            bits = v->random += 0x9e3779b97f4a7c15u;
            bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
            bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
            bits ^= bits >> 31;
        }
        ((unsigned char *)out)[i] = (unsigned char)bits;
    }
    return true;
}

void crpi_virtual_advance(crpi_virtual *v, int64_t milliseconds)
{
    if (milliseconds > 0 && __builtin_add_overflow(v->now, milliseconds, &v->now)) v->now = INT64_MAX;
}

/* What is ready is ready now.  Else time jumps; with no deadline there is nowhere to jump to, and only a
 * real event or a wake can end the wait. */
static int virtual_wait(void *state, int64_t milliseconds, crp_ready *out, int max)
{
    crpi_virtual *v = state;
    if (milliseconds < 0) return v->below->wait(v->below_state, -1, out, max);
    int n = v->below->wait(v->below_state, milliseconds < v->grace ? milliseconds : v->grace, out, max);
    if (n || !milliseconds) return n;
    crpi_virtual_advance(v, milliseconds);
    v->jumps++;
    return 0;
}

#define DOWN(v, entry, ...) ((v)->below->entry((v)->below_state, ##__VA_ARGS__))

static int virtual_socket(void *v, int family) { return DOWN((crpi_virtual *)v, socket, family); }

static int virtual_connect(void *v, int fd, const struct sockaddr *address, unsigned length)
{
    return DOWN((crpi_virtual *)v, connect, fd, address, length);
}

static int virtual_connected(void *v, int fd) { return DOWN((crpi_virtual *)v, connected, fd); }

static int virtual_bind(void *v, int fd, const struct sockaddr *address, unsigned length)
{
    return DOWN((crpi_virtual *)v, bind, fd, address, length);
}

static int virtual_listen(void *v, int fd, int backlog)
{
    return DOWN((crpi_virtual *)v, listen, fd, backlog);
}

static int virtual_accept(void *v, int fd, struct sockaddr *address, unsigned *length)
{
    return DOWN((crpi_virtual *)v, accept, fd, address, length);
}

static int virtual_name(void *v, int fd, bool peer, struct sockaddr *address, unsigned *length)
{
    return DOWN((crpi_virtual *)v, name, fd, peer, address, length);
}

static int virtual_option(void *v, int fd, int level, int option, int value)
{
    return DOWN((crpi_virtual *)v, option, fd, level, option, value);
}

static ssize_t virtual_send(void *v, int fd, const void *bytes, size_t n)
{
    return DOWN((crpi_virtual *)v, send, fd, bytes, n);
}

static ssize_t virtual_receive(void *v, int fd, void *bytes, size_t n)
{
    return DOWN((crpi_virtual *)v, receive, fd, bytes, n);
}

static int virtual_shut(void *v, int fd) { return DOWN((crpi_virtual *)v, shut, fd); }

static int virtual_open(void *v, const char *path, int flags, unsigned mode)
{
    return DOWN((crpi_virtual *)v, open, path, flags, mode);
}

static ssize_t virtual_read(void *v, int fd, void *bytes, size_t n)
{
    return DOWN((crpi_virtual *)v, read, fd, bytes, n);
}

static ssize_t virtual_write(void *v, int fd, const void *bytes, size_t n)
{
    return DOWN((crpi_virtual *)v, write, fd, bytes, n);
}

static int virtual_sync(void *v, int fd) { return DOWN((crpi_virtual *)v, sync, fd); }

static int virtual_close(void *v, int fd) { return DOWN((crpi_virtual *)v, close, fd); }

static int virtual_rename(void *v, const char *from, const char *to)
{
    return DOWN((crpi_virtual *)v, rename, from, to);
}

static int virtual_unlink(void *v, const char *path) { return DOWN((crpi_virtual *)v, unlink, path); }

static int virtual_watch(void *v, int fd, unsigned events)
{
    return DOWN((crpi_virtual *)v, watch, fd, events);
}

static void virtual_wake(void *v) { DOWN((crpi_virtual *)v, wake); }

static int virtual_pollable(void *v) { return DOWN((crpi_virtual *)v, pollable); }

void crpi_virtual_init(crpi_virtual *v, const crp_platform *below, void *below_state)
{
    *v = (crpi_virtual){.below = below, .below_state = below_state, .epoch = EPOCH, .random = 1};
}

const crp_platform crpi_platform_virtual = {
    .now = virtual_now,
    .clock = virtual_clock,
    .random = virtual_random,
    .socket = virtual_socket,
    .connect = virtual_connect,
    .connected = virtual_connected,
    .bind = virtual_bind,
    .listen = virtual_listen,
    .accept = virtual_accept,
    .name = virtual_name,
    .option = virtual_option,
    .send = virtual_send,
    .receive = virtual_receive,
    .shut = virtual_shut,
    .open = virtual_open,
    .read = virtual_read,
    .write = virtual_write,
    .sync = virtual_sync,
    .close = virtual_close,
    .rename = virtual_rename,
    .unlink = virtual_unlink,
    .watch = virtual_watch,
    .wait = virtual_wait,
    .wake = virtual_wake,
    .pollable = virtual_pollable,
};
