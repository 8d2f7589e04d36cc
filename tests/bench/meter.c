/* meter: what a command needs.
 *
 *     meter FILE SECONDS COMMAND [ARG...]
 *
 * Appends a line to FILE: seconds by the clock, seconds of CPU (user and system), the most memory that was resident, in KiB,
 * and the user's part of the seconds of CPU.  It is a small parent, so that what counts is the command's own.  Its status is the command's; after SECONDS the
 * command is killed, and the status is 124. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TOO_LONG = 124, CANNOT_RUN = 127 };

static pid_t child;
static volatile sig_atomic_t over;

static void too_long(int signal)
{
    (void)signal;
    over = 1;
    kill(child, SIGKILL);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

static bool append(const char *path, double wall, const struct rusage *used)
{
    FILE *f = fopen(path, "a");
    if (!f) return false;
    double user = seconds(used->ru_utime);
    fprintf(f, "%.6f %.6f %ld %.6f\n", wall, user + seconds(used->ru_stime), used->ru_maxrss, user);
    return !fclose(f);
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;
    if (argc < 4) return 2;
    double start = now();
    if ((child = fork()) < 0) return CANNOT_RUN;
    if (!child) {
        execvp(argv[3], argv + 3);
        _exit(CANNOT_RUN);
    }
    struct sigaction act = {.sa_handler = too_long, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &act, NULL);
    alarm((unsigned)atoi(argv[2]));
    wait4(child, &status, 0, &used);
    alarm(0);
    if (!append(argv[1], now() - start, &used)) return CANNOT_RUN;
    return over ? TOO_LONG : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
