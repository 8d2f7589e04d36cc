/* A handler only notes the signal and cancels; everything else is done where it is safe. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { STATUS_DEADLINE = 124, SECONDS_TO_CLEAN_UP = 2 };

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
enum { WATCHED = sizeof watched / sizeof *watched };

static volatile sig_atomic_t caught, running, expired, interactive, asked;
static crp_token *token;
static sigset_t blocked_mask, open_mask;

static void die_by(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t only;
    sigaction(number, &action, NULL);
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
}

static void on_deadline(void)
{
    static const struct itimerval last = {.it_value.tv_sec = SECONDS_TO_CLEAN_UP};
    if (expired) _exit(STATUS_DEADLINE);
    expired = 1;
    setitimer(ITIMER_REAL, &last, NULL);
}

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGALRM)
        on_deadline();
    else if (number == SIGTERM && !asked && crp_ask_to_end(token))
        number = 0;
    else if (caught == number && !(interactive && number == SIGINT))
        die_by(number);
    else
        caught = number;
    if (number == 0)
        asked = 1;
    else if (running && token)
        crp_cancel(token);
    errno = saved;
}

static void catch_unless_ignored(int number)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigfillset(&action.sa_mask);
    sigaction(number, NULL, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

void crpi_signals_open(crp_token *cancelled)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    token = cancelled;
    sigemptyset(&blocked_mask);
    for (int i = 0; i < WATCHED; i++) {
        catch_unless_ignored(watched[i]);
        sigaddset(&blocked_mask, watched[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked_mask, &open_mask);
    for (int i = 0; i < WATCHED; i++) sigdelset(&open_mask, watched[i]);
    sigaction(SIGPIPE, &action, NULL);
}

void crpi_signals_interactive(bool yes) { interactive = yes; }

void crpi_signals_run(void)
{
    running = 1;
    sigprocmask(SIG_SETMASK, &open_mask, NULL);
}

void crpi_signals_rest(void)
{
    sigprocmask(SIG_BLOCK, &blocked_mask, NULL);
    running = 0;
}

int crpi_signals_poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
    struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    return ppoll(fds, count, milliseconds < 0 ? NULL : &time, &open_mask);
}

int crpi_signals_caught(void) { return caught; }

void crpi_signals_forget(void) { caught = 0; }

void crpi_signals_deadline(int64_t milliseconds)
{
    struct itimerval timer = {.it_value.tv_sec = milliseconds / 1000,
                              .it_value.tv_usec = milliseconds % 1000 * 1000};
    setitimer(ITIMER_REAL, &timer, NULL);
}

bool crpi_signals_expired(void) { return expired; }

void crpi_signals_close(void)
{
    static const struct itimerval none;
    struct sigaction action = {.sa_handler = SIG_DFL}, before;
    if (!expired) setitimer(ITIMER_REAL, &none, NULL);
    for (int i = 0; i < WATCHED; i++) {
        sigaction(watched[i], NULL, &before);
        if (watched[i] != SIGALRM && before.sa_handler == on_signal) sigaction(watched[i], &action, NULL);
    }
    sigprocmask(SIG_UNBLOCK, &blocked_mask, NULL);
}

void crpi_signals_die(int number)
{
    die_by(number);
    _exit(128 + number);
}
