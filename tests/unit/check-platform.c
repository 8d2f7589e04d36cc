/* The real platform: waiting, waking, interruptions, sockets; and its twin with virtual time. */
#include "unit.h"
#include "platform-virtual.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { READABLE = 1, WRITABLE = 2 };

static const crp_platform *const real = &crp_platform_unix;

static void *open_real(void)
{
    void *state = NULL;
    ck_assert(crp_platform_unix_open(&state));
    return state;
}

static void make_pipe(int ends[2]) { ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0); }

/* A connected pair of sockets over loopback, made with the platform's own calls: [0] connected, [1]
   accepted. */
static void make_sockets(void *state, int ends[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned length = sizeof address;
    int door = real->socket(state, AF_INET);
    ck_assert_int_ge(door, 0);
    ck_assert_int_eq(real->bind(state, door, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(real->listen(state, door, 1), 0);
    ck_assert_int_eq(real->name(state, door, false, (struct sockaddr *)&address, &length), 0);

    ends[0] = real->socket(state, AF_INET);
    int st = real->connect(state, ends[0], (struct sockaddr *)&address, length);
    ck_assert(st == 0 || st == -EINPROGRESS);
    crp_ready ready;
    ck_assert_int_eq(real->watch(state, ends[0], WRITABLE), 0);
    ck_assert_int_eq(real->wait(state, 5000, &ready, 1), 1);
    ck_assert_int_eq(real->connected(state, ends[0]), 0);
    ck_assert_int_eq(real->watch(state, ends[0], 0), 0);
    ends[1] = real->accept(state, door, NULL, NULL);
    ck_assert_int_ge(ends[1], 0);
    ck_assert_int_eq(real->close(state, door), 0);
}

START_TEST(a_wait_ends_when_a_watched_descriptor_is_ready)
{
    void *state = open_real();
    int ends[2];
    crp_ready ready;
    make_pipe(ends);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->wait(state, 0, &ready, 1), 0);
    ck_assert_int_eq(real->write(state, ends[1], "x", 1), 1);
    ck_assert_int_eq(real->wait(state, -1, &ready, 1), 1);
    ck_assert_int_eq(ready.fd, ends[0]);
    ck_assert_uint_eq(ready.events, READABLE);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_descriptor_watched_for_both_says_which_it_is)
{
    void *state = open_real();
    int ends[2];
    crp_ready ready;
    make_sockets(state, ends);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE | WRITABLE), 0);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    ck_assert_uint_eq(ready.events, WRITABLE);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->send(state, ends[1], "abc", 3), 3);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    ck_assert_uint_eq(ready.events, READABLE);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_wait_takes_its_time_and_no_longer)
{
    void *state = open_real();
    crp_ready ready;
    int64_t before = real->now(state);
    ck_assert_int_eq(real->wait(state, 60, &ready, 1), 0);
    int64_t took = real->now(state) - before;
    ck_assert_int_ge(took, 59);
    ck_assert_int_lt(took, 3000);
    crp_platform_unix_close(state);
}
END_TEST

static volatile sig_atomic_t signals;
static void *woken_state;

static void count_signal(int number)
{
    (void)number;
    signals++;
    if (woken_state) crp_platform_unix_wake(woken_state);
}

static void start_timer(int milliseconds, int again)
{
    struct sigaction action = {.sa_handler = count_signal};
    struct itimerval timer = {.it_value.tv_usec = milliseconds * 1000, .it_interval.tv_usec = again * 1000};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

START_TEST(signals_do_not_shorten_a_wait)
{
    void *state = open_real();
    crp_ready ready;
    start_timer(5, 5);
    int64_t before = real->now(state);
    ck_assert_int_eq(real->wait(state, 100, &ready, 1), 0);
    ck_assert_int_ge(real->now(state) - before, 99);
    ck_assert_int_gt(signals, 3);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_signal_handler_can_wake_a_wait_without_end)
{
    void *state = open_real();
    crp_ready ready;
    woken_state = state;
    start_timer(20, 0);
    ck_assert_int_eq(real->wait(state, -1, &ready, 1), 0);
    ck_assert_int_eq(signals, 1);
    crp_platform_unix_close(state);
}
END_TEST

static void *wake_soon(void *state)
{
    usleep(20000);
    crp_platform_unix_wake(state);
    return NULL;
}

START_TEST(another_thread_can_wake_a_wait)
{
    void *state = open_real();
    crp_ready ready;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_soon, state), 0);
    ck_assert_int_eq(real->wait(state, -1, &ready, 1), 0);
    pthread_join(thread, NULL);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_wake_before_a_wait_ends_it_once)
{
    void *state = open_real();
    crp_ready ready;
    crp_platform_unix_wake(state);
    crp_platform_unix_wake(state);
    ck_assert_int_eq(real->wait(state, -1, &ready, 1), 0);
    int64_t before = real->now(state);
    ck_assert_int_eq(real->wait(state, 30, &ready, 1), 0);
    ck_assert_int_ge(real->now(state) - before, 29);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_regular_file_is_always_ready_until_forgotten)
{
    void *state = open_real();
    crp_ready ready[4];
    int fd = real->open(state, "/proc/self/exe", O_RDONLY, 0), ends[2];
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(real->watch(state, fd, READABLE), 0);
    ck_assert_int_eq(real->watch(state, fd, READABLE), 0);
    ck_assert_int_eq(real->wait(state, -1, ready, 4), 1);
    ck_assert_int_eq(ready[0].fd, fd);
    make_pipe(ends);
    ck_assert_int_eq(real->watch(state, ends[1], WRITABLE), 0);
    ck_assert_int_eq(real->wait(state, -1, ready, 4), 2);
    ck_assert_int_eq(real->wait(state, -1, ready, 1), 1);
    ck_assert_int_eq(real->watch(state, ends[1], 0), 0);
    ck_assert_int_eq(real->close(state, fd), 0);
    ck_assert_int_eq(real->wait(state, 0, ready, 4), 0);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_closed_descriptor_is_forgotten_and_its_number_can_be_watched_again)
{
    void *state = open_real();
    int ends[2], again[2];
    crp_ready ready;
    make_pipe(ends);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(close(ends[0]), 0); /* behind the platform's back */
    close(ends[1]);
    make_pipe(again);
    ck_assert_int_eq(again[0], ends[0]);
    ck_assert_int_eq(real->watch(state, again[0], READABLE), 0);
    ck_assert_int_eq(real->write(state, again[1], "x", 1), 1);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    ck_assert_int_eq(real->close(state, again[0]), 0);
    ck_assert_int_eq(real->watch(state, again[0], READABLE), -EBADF);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_descriptor_that_is_kept_tells_only_who_wants_to_hear)
{
    void *state = open_real();
    int ends[2];
    char byte;
    crp_ready ready;
    make_pipe(ends);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->watch(state, ends[0], CRP_WATCH_KEPT), 0);
    ck_assert_int_eq(real->write(state, ends[1], "x", 1), 1);
    ck_assert_int_eq(real->wait(state, 0, &ready, 1), 0); /* comes, is not wanted, and is left out from now on */
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    ck_assert_int_eq(real->read(state, ends[0], &byte, 1), 1);
    ck_assert_int_eq(real->watch(state, ends[0], CRP_WATCH_KEPT), 0);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->write(state, ends[1], "y", 1), 1);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_kept_descriptor_that_was_closed_is_forgotten)
{
    void *state = open_real();
    int ends[2], again[2];
    crp_ready ready;
    make_pipe(ends);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->watch(state, ends[0], CRP_WATCH_KEPT), 0);
    ck_assert_int_eq(real->close(state, ends[0]), 0);
    close(ends[1]);
    make_pipe(again);
    ck_assert_int_eq(again[0], ends[0]);
    ck_assert_int_eq(real->watch(state, again[0], READABLE), 0);
    ck_assert_int_eq(real->write(state, again[1], "x", 1), 1);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_kept_descriptor_may_be_watched_for_something_else)
{
    void *state = open_real();
    int ends[2];
    crp_ready ready;
    make_sockets(state, ends);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE | WRITABLE), 0);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    ck_assert_uint_eq(ready.events, WRITABLE);
    ck_assert_int_eq(real->watch(state, ends[0], CRP_WATCH_KEPT), 0);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->wait(state, 0, &ready, 1), 0);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_peer_that_closes_wakes_the_reader)
{
    void *state = open_real();
    int ends[2];
    char byte;
    crp_ready ready;
    make_sockets(state, ends);
    ck_assert_int_eq(real->watch(state, ends[0], READABLE), 0);
    ck_assert_int_eq(real->shut(state, ends[1]), 0);
    ck_assert_int_eq(real->wait(state, 1000, &ready, 1), 1);
    ck_assert_int_eq(real->receive(state, ends[0], &byte, 1), 0);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(sending_to_a_closed_peer_is_an_error_and_no_signal)
{
    void *state = open_real();
    int ends[2];
    ssize_t n = 0;
    make_sockets(state, ends);
    ck_assert_int_eq(real->close(state, ends[1]), 0);
    for (int i = 0; i < 100 && n >= 0; i++, usleep(1000)) n = real->send(state, ends[0], "x", 1);
    ck_assert(n == -EPIPE || n == -ECONNRESET);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(a_port_where_nobody_listens_refuses)
{
    void *state = open_real();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned length = sizeof address;
    crp_ready ready;
    int taken = real->socket(state, AF_INET), fd = real->socket(state, AF_INET);
    ck_assert_int_eq(real->bind(state, taken, (struct sockaddr *)&address, length), 0); /* and never listens */
    ck_assert_int_eq(real->name(state, taken, false, (struct sockaddr *)&address, &length), 0);
    int st = real->connect(state, fd, (struct sockaddr *)&address, length);
    if (st == -EINPROGRESS) {
        ck_assert_int_eq(real->watch(state, fd, WRITABLE), 0);
        ck_assert_int_eq(real->wait(state, 5000, &ready, 1), 1);
        st = real->connected(state, fd);
    }
    ck_assert_int_eq(st, -ECONNREFUSED);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(reading_what_has_not_come_says_again)
{
    void *state = open_real();
    int ends[2];
    char byte;
    make_sockets(state, ends);
    ck_assert_int_eq(real->receive(state, ends[0], &byte, 1), -EAGAIN);
    ck_assert_int_eq(real->accept(state, ends[0], NULL, NULL), -EINVAL);
    ck_assert_int_eq(real->open(state, "/nowhere/at/all", O_RDONLY, 0), -ENOENT);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(the_descriptor_for_a_hosts_loop_is_readable_when_a_wait_would_not_wait)
{
    void *state = open_real();
    crp_ready ready;
    void *host = open_real();
    ck_assert_int_eq(real->watch(host, real->pollable(state), READABLE), 0);
    ck_assert_int_eq(real->wait(host, 0, &ready, 1), 0);
    real->wake(state);
    ck_assert_int_eq(real->wait(host, 1000, &ready, 1), 1);
    ck_assert_int_eq(real->wait(state, -1, &ready, 1), 0);
    ck_assert_int_eq(real->wait(host, 0, &ready, 1), 0);
    crp_platform_unix_close(state);
    crp_platform_unix_close(host);
}
END_TEST

START_TEST(random_bytes_differ)
{
    void *state = open_real();
    unsigned char a[32], b[32];
    ck_assert(real->random(state, a, sizeof a));
    ck_assert(real->random(state, b, sizeof b));
    ck_assert_mem_ne(a, b, sizeof a);
    crp_platform_unix_close(state);
}
END_TEST

/* --- virtual time --------------------------------------------------------------------------------------- */

START_TEST(virtual_time_jumps_to_the_deadline_when_everything_waits)
{
    void *state = open_real();
    crpi_virtual v;
    crp_ready ready;
    crpi_virtual_init(&v, real, state);
    const crp_platform *p = &crpi_platform_virtual;
    int64_t before = real->now(state), seconds;
    int32_t nanoseconds;
    ck_assert_int_eq(p->now(&v), 0);
    ck_assert_int_eq(p->wait(&v, 3600000, &ready, 1), 0);
    ck_assert_int_eq(p->now(&v), 3600000);
    p->clock(&v, &seconds, &nanoseconds);
    ck_assert_int_eq(seconds - v.epoch, 3600);
    ck_assert_int_lt(real->now(state) - before, 2000);
    ck_assert_uint_eq(v.jumps, 1);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(virtual_time_stands_still_while_something_is_ready)
{
    void *state = open_real();
    crpi_virtual v;
    crp_ready ready;
    int ends[2];
    crpi_virtual_init(&v, real, state);
    make_pipe(ends);
    ck_assert_int_eq(crpi_platform_virtual.watch(&v, ends[1], WRITABLE), 0);
    ck_assert_int_eq(crpi_platform_virtual.wait(&v, 1000, &ready, 1), 1);
    ck_assert_int_eq(ready.fd, ends[1]);
    ck_assert_int_eq(v.now, 0);
    crp_platform_unix_close(state);
}
END_TEST

START_TEST(virtual_random_numbers_follow_from_the_seed)
{
    crpi_virtual a, b;
    unsigned char x[20], y[20];
    crpi_virtual_init(&a, real, NULL);
    crpi_virtual_init(&b, real, NULL);
    ck_assert(crpi_platform_virtual.random(&a, x, sizeof x));
    ck_assert(crpi_platform_virtual.random(&b, y, sizeof y));
    ck_assert_mem_eq(x, y, sizeof x);
    b.random = 2;
    ck_assert(crpi_platform_virtual.random(&b, y, sizeof y));
    ck_assert_mem_ne(x, y, sizeof x);
}
END_TEST

static ssize_t disk_full(void *state, int fd, const void *bytes, size_t n)
{
    (void)state, (void)fd, (void)bytes, (void)n;
    return -ENOSPC;
}

START_TEST(an_entry_of_the_platform_below_can_be_replaced)
{
    void *state = open_real();
    crp_platform faulty = crp_platform_unix;
    crpi_virtual v;
    faulty.write = disk_full;
    crpi_virtual_init(&v, &faulty, state);
    ck_assert_int_eq(crpi_platform_virtual.write(&v, 1, "x", 1), -ENOSPC);
    crp_platform_unix_close(state);
}
END_TEST

UNIT_MAIN("platform", a_wait_ends_when_a_watched_descriptor_is_ready,
          a_descriptor_watched_for_both_says_which_it_is, a_wait_takes_its_time_and_no_longer,
          signals_do_not_shorten_a_wait, a_signal_handler_can_wake_a_wait_without_end,
          another_thread_can_wake_a_wait, a_wake_before_a_wait_ends_it_once,
          a_regular_file_is_always_ready_until_forgotten,
          a_closed_descriptor_is_forgotten_and_its_number_can_be_watched_again,
          a_descriptor_that_is_kept_tells_only_who_wants_to_hear,
          a_kept_descriptor_that_was_closed_is_forgotten, a_kept_descriptor_may_be_watched_for_something_else,
          a_peer_that_closes_wakes_the_reader, sending_to_a_closed_peer_is_an_error_and_no_signal,
          a_port_where_nobody_listens_refuses, reading_what_has_not_come_says_again,
          the_descriptor_for_a_hosts_loop_is_readable_when_a_wait_would_not_wait, random_bytes_differ,
          virtual_time_jumps_to_the_deadline_when_everything_waits,
          virtual_time_stands_still_while_something_is_ready, virtual_random_numbers_follow_from_the_seed,
          an_entry_of_the_platform_below_can_be_replaced)
