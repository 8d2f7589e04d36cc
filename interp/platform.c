/* The real system: each entry is a system call that never waits, with EINTR taken care of and errno as the
 * value.
 *
 * Waiting is one epoll.  A table says what is watched by descriptor, because epoll wants to know whether an
 * entry is new and refuses regular files, which never make anybody wait: those are remembered here and are
 * always ready.  An eventfd in the same epoll ends a wait from outside.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READABLE = 1,
    WRITABLE = 2,
    ALWAYS = 4, /* epoll does not take it: a regular file */
    BOTH = READABLE | WRITABLE,
    WANTED = 4, /* bits to the left: of these the owner wants to hear now */
    BATCH = 64
};

typedef struct unix_state {
    int epoll, wake;
    unsigned char *watched; /* by descriptor: BOTH as the epoll has it, ALWAYS, and what is wanted of them */
    size_t room;
    size_t always; /* how many are watched that are always ready */
} unix_state;

static int result(int r) { return r < 0 ? -errno : r; }

/* Repeats a system call that a signal interrupted. */
#define AGAIN(call) \
    ({ \
        ssize_t done; \
        do done = (call); \
        while (done < 0 && errno == EINTR); \
        done < 0 ? (ssize_t)-errno : done; \
    })

/* --- time and chance ------------------------------------------------------------------------------------ */

static int64_t unix_now(void *state)
{
    struct timespec t;
    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void unix_clock(void *state, int64_t *seconds, int32_t *nanoseconds)
{
    struct timespec t;
    (void)state;
    clock_gettime(CLOCK_REALTIME, &t);
    *seconds = t.tv_sec;
    *nanoseconds = (int32_t)t.tv_nsec;
}

static bool unix_random(void *state, void *out, size_t n)
{
    (void)state;
    for (unsigned char *at = out; n;) {
        ssize_t got = AGAIN(getrandom(at, n, 0));
        if (got <= 0) return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

/* --- sockets -------------------------------------------------------------------------------------------- */

static int unix_socket(void *state, int family)
{
    (void)state;
    return result(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/* An interrupted connect goes on by itself, like any that is in progress. */
static int unix_connect(void *state, int fd, const struct sockaddr *address, unsigned length)
{
    (void)state;
    int st = result(connect(fd, address, length));
    return st == -EINTR ? -EINPROGRESS : st;
}

static int unix_connected(void *state, int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    (void)state;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
    return -error;
}

static int unix_bind(void *state, int fd, const struct sockaddr *address, unsigned length)
{
    (void)state;
    return result(bind(fd, address, length));
}

static int unix_listen(void *state, int fd, int backlog)
{
    (void)state;
    return result(listen(fd, backlog));
}

static int unix_accept(void *state, int fd, struct sockaddr *address, unsigned *length)
{
    (void)state;
    return (int)AGAIN(accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static int unix_name(void *state, int fd, bool peer, struct sockaddr *address, unsigned *length)
{
    (void)state;
    return result(peer ? getpeername(fd, address, length) : getsockname(fd, address, length));
}

static int unix_option(void *state, int fd, int level, int option, int value)
{
    (void)state;
    return result(setsockopt(fd, level, option, &value, sizeof value));
}

static ssize_t unix_send(void *state, int fd, const void *bytes, size_t n)
{
    (void)state;
    return AGAIN(send(fd, bytes, n, MSG_NOSIGNAL));
}

static ssize_t unix_receive(void *state, int fd, void *bytes, size_t n)
{
    (void)state;
    return AGAIN(recv(fd, bytes, n, 0));
}

static int unix_shut(void *state, int fd)
{
    (void)state;
    return result(shutdown(fd, SHUT_WR));
}

/* --- files ---------------------------------------------------------------------------------------------- */

static int unix_open(void *state, const char *path, int flags, unsigned mode)
{
    (void)state;
    return (int)AGAIN(open(path, flags | O_CLOEXEC, mode));
}

static ssize_t unix_read(void *state, int fd, void *bytes, size_t n)
{
    (void)state;
    return AGAIN(read(fd, bytes, n));
}

static ssize_t unix_write(void *state, int fd, const void *bytes, size_t n)
{
    (void)state;
    return AGAIN(write(fd, bytes, n));
}

static int unix_sync(void *state, int fd)
{
    (void)state;
    return (int)AGAIN(fsync(fd));
}

static int unix_rename(void *state, const char *from, const char *to)
{
    (void)state;
    return result(rename(from, to));
}

static int unix_unlink(void *state, const char *path)
{
    (void)state;
    return result(unlink(path));
}

/* --- waiting --------------------------------------------------------------------------------------------
 *
 * A connection is waited for again and again, so its entry stays in the epoll between two waits (CRP_WATCH_KEPT)
 * and waiting costs no system call.  What comes meanwhile, and nobody wants to hear of, takes the entry out. */

static bool make_room(unix_state *u, int fd)
{
    if ((size_t)fd < u->room) return true;
    size_t wider = u->room ? u->room : 64;
    while (wider <= (size_t)fd) wider *= 2;
    unsigned char *watched = realloc(u->watched, wider);
    if (!watched) return false;
    memset(watched + u->room, 0, wider - u->room);
    u->watched = watched;
    u->room = wider;
    return true;
}

static void forget(unix_state *u, int fd)
{
    if ((size_t)fd >= u->room || !u->watched[fd]) return;
    if (u->watched[fd] & ALWAYS)
        u->always--;
    else
        epoll_ctl(u->epoll, EPOLL_CTL_DEL, fd, NULL);
    u->watched[fd] = 0;
}

/* A descriptor that was closed behind our back, and perhaps opened again, is not in the epoll any more, or
 * is there already: the table is a guess that epoll's answer corrects. */
static int enter(unix_state *u, int fd, unsigned events)
{
    struct epoll_event e = {.data.fd = fd};
    if (events & READABLE) e.events |= EPOLLIN | EPOLLRDHUP;
    if (events & WRITABLE) e.events |= EPOLLOUT;
    bool known = (u->watched[fd] & BOTH) != 0;
    int st = result(epoll_ctl(u->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e));
    if (st == -ENOENT || st == -EEXIST)
        st = result(epoll_ctl(u->epoll, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e));
    return st;
}

static unsigned wanted(const unix_state *u, int fd)
{
    return (size_t)fd < u->room ? u->watched[fd] >> WANTED & BOTH : 0;
}

static void want(unix_state *u, int fd, unsigned events)
{
    u->watched[fd] = (unsigned char)((u->watched[fd] & (BOTH | ALWAYS)) | events << WANTED);
}

static int no_more(unix_state *u, int fd, bool keep)
{
    if ((size_t)fd >= u->room) return 0;
    if (keep && !(u->watched[fd] & ALWAYS))
        want(u, fd, 0);
    else
        forget(u, fd);
    return 0;
}

static int unix_watch(void *state, int fd, unsigned events)
{
    unix_state *u = state;
    if (fd < 0) return -EBADF;
    if (!(events & BOTH)) return no_more(u, fd, events & CRP_WATCH_KEPT);
    events &= BOTH;
    if (!make_room(u, fd)) return -ENOMEM;
    if (u->watched[fd] & ALWAYS) forget(u, fd);
    bool kept = (u->watched[fd] & BOTH) == events && !wanted(u, fd);
    int st = kept ? 0 : enter(u, fd, events);
    if (st == -EPERM) {
        forget(u, fd);
        u->always++;
        events |= ALWAYS;
    } else if (st) {
        u->watched[fd] = 0;
        return st;
    }
    u->watched[fd] = (unsigned char)events;
    want(u, fd, events & BOTH);
    return 0;
}

static int unix_close(void *state, int fd)
{
    if (fd >= 0) forget(state, fd);
    return result(close(fd));
}

static int add_files(const unix_state *u, crp_ready *out, int max)
{
    int n = 0;
    for (size_t fd = 0, left = u->always; left && n < max && fd < u->room; fd++) {
        if (!(u->watched[fd] & ALWAYS)) continue;
        out[n++] = (crp_ready){.fd = (int)fd, .events = u->watched[fd] & BOTH};
        left--;
    }
    return n;
}

/* An error or a hang-up wakes whoever waits, for reading or writing: the call that follows says what it
 * was. */
static unsigned events_of(const unix_state *u, int fd, uint32_t epoll_events)
{
    if (epoll_events & (EPOLLERR | EPOLLHUP)) return wanted(u, fd);
    unsigned events = 0;
    if (epoll_events & (EPOLLIN | EPOLLRDHUP)) events |= READABLE;
    if (epoll_events & EPOLLOUT) events |= WRITABLE;
    return events & wanted(u, fd);
}

/* An event that nobody wants to hear of must not come again: one that was kept, or of a copy of a descriptor that
 * was closed. */
static void leave_out(unix_state *u, int fd)
{
    unsigned left = wanted(u, fd);
    if (left && enter(u, fd, left) == 0) {
        u->watched[fd] = (unsigned char)left;
        want(u, fd, left);
        return;
    }
    epoll_ctl(u->epoll, EPOLL_CTL_DEL, fd, NULL);
    if ((size_t)fd < u->room) u->watched[fd] = 0;
}

/* What one epoll_wait gives; *woken: the eventfd was among it. */
static int wait_once(unix_state *u, int timeout, crp_ready *out, int max, bool *woken)
{
    struct epoll_event events[BATCH];
    int n = 0, got = result(epoll_wait(u->epoll, events, max < BATCH ? max : BATCH, timeout));
    if (got < 0) return got;
    for (int i = 0; i < got; i++) {
        int fd = events[i].data.fd;
        if (fd == u->wake) {
            uint64_t count;
            *woken = true;
            AGAIN(read(fd, &count, sizeof count));
            continue;
        }
        unsigned ready = events_of(u, fd, events[i].events);
        if (ready)
            out[n++] = (crp_ready){.fd = fd, .events = ready};
        else
            leave_out(u, fd);
    }
    return n;
}

/* -1 for ever; a wait longer than epoll_wait can take is done in pieces. */
static int timeout_until(int64_t deadline)
{
    if (deadline == INT64_MAX) return -1;
    int64_t left = deadline - unix_now(NULL);
    if (left < 0) left = 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

static int unix_wait(void *state, int64_t milliseconds, crp_ready *out, int max)
{
    unix_state *u = state;
    int64_t deadline;
    if (max < 1) return -EINVAL;
    if (milliseconds < 0 || __builtin_add_overflow(unix_now(NULL), milliseconds, &deadline))
        deadline = INT64_MAX;
    int n = add_files(u, out, max);
    if (n == max) return n;
    for (bool woken = false;;) {
        int timeout = n ? 0 : timeout_until(deadline);
        int got = wait_once(u, timeout, out + n, max - n, &woken);
        if (got < 0 && got != -EINTR) return n ? n : got;
        if (got > 0) n += got;
        if (n || woken) return n;
        if (got == 0 && deadline != INT64_MAX && unix_now(NULL) >= deadline) return 0;
    }
}

void crp_platform_unix_wake(void *state)
{
    const unix_state *u = state;
    const uint64_t one = 1;
    int saved = errno;
    if (write(u->wake, &one, sizeof one) < 0) {
        /* Full: it is awake already. */
    }
    errno = saved;
}

static int unix_pollable(void *state) { return ((unix_state *)state)->epoll; }

/* --- life ----------------------------------------------------------------------------------------------- */

bool crp_platform_unix_open(void **state)
{
    unix_state *u = calloc(1, sizeof *u);
    if (!u) return false;
    u->epoll = epoll_create1(EPOLL_CLOEXEC);
    u->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = u->wake};
    if (u->epoll < 0 || u->wake < 0 || epoll_ctl(u->epoll, EPOLL_CTL_ADD, u->wake, &e) < 0) {
        crp_platform_unix_close(u);
        return false;
    }
    *state = u;
    return true;
}

void crp_platform_unix_close(void *state)
{
    unix_state *u = state;
    if (!u) return;
    if (u->epoll >= 0) close(u->epoll);
    if (u->wake >= 0) close(u->wake);
    free(u->watched);
    free(u);
}

const crp_platform crp_platform_unix = {
    .now = unix_now,
    .clock = unix_clock,
    .random = unix_random,
    .socket = unix_socket,
    .connect = unix_connect,
    .connected = unix_connected,
    .bind = unix_bind,
    .listen = unix_listen,
    .accept = unix_accept,
    .name = unix_name,
    .option = unix_option,
    .send = unix_send,
    .receive = unix_receive,
    .shut = unix_shut,
    .open = unix_open,
    .read = unix_read,
    .write = unix_write,
    .sync = unix_sync,
    .close = unix_close,
    .rename = unix_rename,
    .unlink = unix_unlink,
    .watch = unix_watch,
    .wait = unix_wait,
    .wake = crp_platform_unix_wake,
    .pollable = unix_pollable,
};
