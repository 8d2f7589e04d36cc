/* fork, a pipe, and a time limit. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "output.h"

enum { MOST_OUTPUT = 16 << 20, NOT_STARTED = 126 };

int64_t crpi_child_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void redirect(int output)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(NOT_STARTED);
    close(input);
    close(output);
}

bool crpi_child_start(crpi_child *c, int64_t milliseconds, int (*run)(void *ud), void *ud)
{
    int ends[2];
    *c = (crpi_child){.fd = -1, .deadline = crpi_child_now() + milliseconds};
    crpi_mem_init(&c->mem, NULL, NULL);
    crpi_buf_init(&c->output, &c->mem, MOST_OUTPUT);
    if (pipe2(ends, O_CLOEXEC)) return false;
    crpi_output_flush();
    c->pid = fork();
    if (c->pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        redirect(ends[1]);
        exit(run(ud));
    }
    close(ends[1]);
    c->fd = ends[0];
    if (c->pid > 0) setpgid(c->pid, c->pid);
    if (c->pid > 0) fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return c->pid > 0;
}

static void drain(crpi_child *c)
{
    char block[65536];
    while (c->fd >= 0) {
        ssize_t n = read(c->fd, block, sizeof block);
        if (n > 0) crpi_buf_put(&c->output, block, (size_t)n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return;
        if (n == 0 || c->output.overflow) {
            close(c->fd);
            c->fd = -1;
        }
    }
}

static void finish(crpi_child *c, enum crpi_child_end end)
{
    kill(-c->pid, SIGKILL);
    if (end != CRPI_CHILD_ENDED) waitpid(c->pid, &c->status, 0);
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->end = end;
}

void crpi_child_look(crpi_child *c)
{
    if (c->end != CRPI_CHILD_RUNS) return;
    bool ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
    drain(c);
    if (ended)
        finish(c, CRPI_CHILD_ENDED);
    else if (c->output.overflow)
        finish(c, CRPI_CHILD_TOO_LOUD);
    else if (crpi_child_now() >= c->deadline)
        finish(c, CRPI_CHILD_LATE);
}

void crpi_child_stop(crpi_child *c)
{
    if (c->pid > 0 && c->end == CRPI_CHILD_RUNS) finish(c, CRPI_CHILD_LATE);
}

void crpi_child_free(crpi_child *c)
{
    if (c->fd >= 0) close(c->fd);
    crpi_buf_free(&c->output);
}
