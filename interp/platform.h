/* floor 0: everything that the operating system decides: time, random numbers, sockets and files; installed.
 *
 * The library reaches the system for these only through this table, so a simulation can put its own in place: a
 * virtual clock, sockets that are queues, a disk that is full.  crp_platform_unix is the real one.
 */
#ifndef CARAPACE_PLATFORM_H
#define CARAPACE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr;

typedef struct crp_ready {
    int fd;
    unsigned events; /* CRP_READABLE | CRP_WRITABLE */
} crp_ready;

/* Of a descriptor that only `close` of this table closes: nobody waits for it now, but soon will again. */
enum { CRP_WATCH_KEPT = 8 };

typedef struct crp_platform {
    int64_t (*now)(void *state);                            /* milliseconds, monotonic */
    void (*clock)(void *state, int64_t *seconds, int32_t *nanoseconds); /* wall clock, UTC */
    bool (*random)(void *state, void *out, size_t n);
    /* Sockets: as the system calls of these names, non-blocking, close-on-exec; -errno on failure. */
    int (*socket)(void *state, int family);
    int (*connect)(void *state, int fd, const struct sockaddr *, unsigned length);
    int (*connected)(void *state, int fd); /* how a connect ended: 0 or -errno */
    int (*bind)(void *state, int fd, const struct sockaddr *, unsigned length);
    int (*listen)(void *state, int fd, int backlog);
    int (*accept)(void *state, int fd, struct sockaddr *, unsigned *length);
    int (*name)(void *state, int fd, bool peer, struct sockaddr *, unsigned *length);
    int (*option)(void *state, int fd, int level, int option, int value);
    ssize_t (*send)(void *state, int fd, const void *, size_t);
    ssize_t (*receive)(void *state, int fd, void *, size_t);
    int (*shut)(void *state, int fd); /* half-close: no more sending */
    /* Files: as open, read, write, fsync, close, rename, unlink; -errno on failure. */
    int (*open)(void *state, const char *path, int flags, unsigned mode);
    ssize_t (*read)(void *state, int fd, void *, size_t);
    ssize_t (*write)(void *state, int fd, const void *, size_t);
    int (*sync)(void *state, int fd);
    int (*close)(void *state, int fd);
    int (*rename)(void *state, const char *from, const char *to);
    int (*unlink)(void *state, const char *path);
    /* Waiting: which descriptors are watched, and one wait for all of them (milliseconds; -1: no end). */
    int (*watch)(void *state, int fd, unsigned events); /* 0 events: forget it, or CRP_WATCH_KEPT */
    int (*wait)(void *state, int64_t milliseconds, crp_ready *out, int max); /* count, 0 at the end of time, -errno */
    void (*wake)(void *state);    /* ends this wait or the next, which gives 0; any thread, any signal handler */
    int (*pollable)(void *state); /* a descriptor that is readable when a wait would not wait; -1: none */
} crp_platform;

extern const crp_platform crp_platform_unix;
bool crp_platform_unix_open(void **state); /* an epoll of its own */
void crp_platform_unix_close(void *state);
void crp_platform_unix_wake(void *state);  /* ends a wait; from any thread or signal handler */

#ifdef __cplusplus
}
#endif
#endif
