/* mutate: runs programs that nobody wrote, and tells of those that the interpreter does not survive.
 *
 *     mutate [-n COUNT] [-s FIRST] [-o FOLDER] SOURCES     programs FIRST to FIRST + COUNT - 1
 *     mutate -p NUMBER SOURCES                             prints program NUMBER
 *     mutate -s NUMBER -r FILE                             the program in FILE, as the one of that number was run
 *     mutate -a SOURCES                                    each file as it is, each of its allocations failing once
 *
 * SOURCES is a folder of .crp files, the pieces of which the programs are made (tree.h); every third one calls what is
 * built in (calls.h).  Each runs in an interpreter of
 * its own, with a limit of memory and of time, some with a collection at every few allocations, some with an allocation
 * that fails.  Any error is a good end: what counts is a crash, a sanitizer's report, a leak, an interrupt that is not
 * heard.  A worker process runs many of them; when it dies the program goes to FOLDER/NUMBER.crp, and another worker
 * goes on behind it.
 *
 * The programs can do no harm: the interpreter's platform opens files for reading only, and what starts processes,
 * changes folders or loads libraries is taken out of it.
 */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "carapace.h"
#include "cells.h"
#include "class.h"
#include "platform-virtual.h"

enum {
    BATCH = 200,         /* programs of one worker */
    TICK_MS = 400,       /* when a program is cancelled... */
    PATIENCE = 50,       /* ...and after so many ticks more it is a hang */
    MAX_FAILURES = 100,  /* programs shown before it gives up */
    MAX_ALLOCATIONS = 20000 /* that fail in turn */
};

typedef struct sources {
    pool pool;
    calls calls;
} sources;

static const char *folder = ".";

static struct shared { /* with the worker */
    uint64_t number;
    uint64_t failing; /* the allocation that is to fail, 0: none */
    bool between;     /* programs */
} *shared;

/* --- an interpreter that can do no harm --------------------------------------------------------------------------- */

static int read_only(void *state, const char *path, int flags, unsigned mode)
{
    if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC)) return -EROFS;
    return crp_platform_unix.open(state, path, flags | O_NONBLOCK, mode);
}

static int no_rename(void *state, const char *from, const char *to) { return (void)state, (void)from, (void)to, -EROFS; }
static int no_unlink(void *state, const char *path) { return (void)state, (void)path, -EROFS; }
static int no_socket(void *state, int family) { return (void)state, (void)family, -EAFNOSUPPORT; }

static const char *const dangerous[] = {
    "system", "spawn", "makeDir", "removeDir", "changeDir", "chmod", "putenv", "loadLibrary", "tempDir", "hostName", "password", "ask",
    "makeTempDir", "temporaryFolder", "readSecret", "test", NULL};
static const char *const dangerous_classes[] = {"Process", "Library", "Registry", "Resolver", NULL};

static void disarm(crp *vm)
{
    crp_word symbol;
    for (const char *const *name = dangerous; *name; name++) {
        if (!crpi_symbol_find(&vm->symbols, *name, strlen(*name), &symbol)) continue;
        const crpi_name *found = crpi_name_find(vm, symbol);
        if (found && found->function) vm->cells->values[found->function] = CRP_UNSET;
    }
    for (const char *const *name = dangerous_classes; *name; name++) {
        if (!crpi_symbol_find(&vm->symbols, *name, strlen(*name), &symbol)) continue;
        crpi_class *class = crpi_class_named(vm, symbol);
        if (class) class->defined = false;
    }
}

static crp_platform files;
static crpi_virtual clock_state;
static void *below_state;

static bool open_platform(void)
{
    files = crp_platform_unix;
    files.open = read_only;
    files.rename = no_rename;
    files.unlink = no_unlink;
    files.socket = no_socket;
    if (!crp_platform_unix_open(&below_state)) return false;
    crpi_virtual_init(&clock_state, &files, below_state);
    return true;
}

/* --- time ----------------------------------------------------------------------------------------------------------- */

static crp_token *token;
static crp *strained; /* the interpreter that collects at every few allocations, which may be too often for what it does */
static volatile sig_atomic_t ticks;

static void on_tick(int signal)
{
    (void)signal;
    if (token) crp_cancel(token);
    if (strained) strained->heap.stress_every = 0;
    if (++ticks > PATIENCE) {
        static const char text[] = "mutate: a hang\n";
        if (write(2, text, sizeof text - 1) < 0) _exit(3);
        abort();
    }
}

static void set_timer(long milliseconds)
{
    struct itimerval t = {{milliseconds / 1000, milliseconds % 1000 * 1000}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    ticks = 0;
    setitimer(ITIMER_REAL, &t, NULL);
}

/* --- one program ---------------------------------------------------------------------------------------------------- */

static void drop_output(void *ud, int fd, const char *bytes, size_t n) { (void)ud, (void)fd, (void)bytes, (void)n; }

/* How the interpreter is made to suffer, by the program's number. */
static void strain(crp *vm, uint64_t number)
{
    uint64_t random = ~number;
    crp_limits limits = {.size = sizeof limits, .heap_bytes = 64 << 20, .stack_depth = 2000};
    crp_usage(vm, &limits);
    size_t used = (size_t)limits.heap_bytes;
    limits.heap_bytes = used + ((size_t)32 << 20);
    limits.stack_depth = next_random(&random) % 8 ? 5000 : 200000;
    switch (next_random(&random) % 6) {
    case 0: vm->heap.stress_every = vm->heap.stress_left = 1 + (unsigned)(next_random(&random) % 20); break;
    case 1:
        vm->mem.fail_at = vm->mem.count + 1 + next_random(&random) % 2000;
        vm->mem.fail_on = next_random(&random) % 2;
        break;
    case 2: limits.heap_bytes = used + next_random(&random) % (2 << 20); break;
    default: break;
    }
    crp_limits_set(vm, &limits);
}

static void evaluate(crp *vm, const char *text, size_t length, const char *name)
{
    char report[5000];
    if (!crp_eval(vm, text, length, name, NULL) || !crp_error_last(vm)) return;
    crp_error_text(crp_error_last(vm), report, sizeof report, 0);
}

/* One form after the other, whether they fail or not. */
static void evaluate_each(crp *vm, const char *program, size_t length, const char *name)
{
    for (const char *form = program, *end = program + length; form < end && !crp_stopped(vm, NULL);) {
        size_t n = strlen(form);
        evaluate(vm, form, n, name);
        form += n + 1;
    }
}

/* The whole text, or, if it has a number, form by form; how many allocations there were. */
static uint64_t run(const char *program, size_t length, const char *name, uint64_t number, uint64_t failing)
{
    crp_config config;
    crp *vm;
    crp_config_init(&config);
    config.hash_seed = 1;
    clock_state.random = number;
    config.platform = &crpi_platform_virtual;
    config.platform_state = &clock_state;
    if (crp_new(&config, &vm)) return 0;
    disarm(vm);
    crp_io(vm, drop_output, NULL);
    token = crp_token_get(vm);
    strained = vm;
    if (number) strain(vm, number);
    uint64_t before = vm->mem.count;
    if (failing) vm->mem.fail_at = before + failing;
    if (number) evaluate_each(vm, program, length, name);
    else evaluate(vm, program, length, name);
    uint64_t count = vm->mem.count - before;
    vm->mem.fail_at = 0;
    vm->mem.fail_on = false;
    crp_token *old = token;
    token = NULL;
    strained = NULL;
    if (old) crp_token_put(old);
    crp_free(vm);
    return count;
}

/* --- workers ---------------------------------------------------------------------------------------------------------- */

static void begin_worker(void)
{
    struct sigaction act = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (!freopen("/dev/null", "r", stdin) || !open_platform()) exit(2);
}

static char *make(const sources *s, uint64_t number, size_t *length)
{
    return number % 3 ? make_program(&s->pool, number, length) : make_calls(&s->calls, &s->pool, number, length);
}

static void work(const sources *s, uint64_t first, uint64_t count)
{
    begin_worker();
    for (uint64_t number = first; number < first + count; number++) {
        size_t length;
        char *program = make(s, number, &length);
        shared->number = number;
        shared->between = false;
        set_timer(TICK_MS);
        run(program, length, number % 5 ? "program" : "repl:1", number, 0);
        set_timer(0);
        shared->between = true;
        free(program);
    }
    crp_platform_unix_close(below_state);
}

/* Waits for the worker and says how it ended; true: well. */
static bool ended_well(pid_t pid, char *how, size_t size)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (WIFSIGNALED(status)) snprintf(how, size, "signal %d", WTERMSIG(status));
    else snprintf(how, size, "status %d", WEXITSTATUS(status));
    return false;
}

static bool run_worker(const sources *s, uint64_t first, uint64_t count, char *how, size_t size)
{
    shared->number = first;
    shared->between = false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        work(s, first, count);
        exit(0); /* through the leak checker */
    }
    return pid > 0 && ended_well(pid, how, size);
}

static void write_program(const sources *s, uint64_t number, FILE *out)
{
    size_t length;
    char *program = make(s, number, &length);
    for (size_t i = 0; i < length; i++)
        if (program[i]) putc(program[i], out);
    free(program);
}

static void keep(const sources *s, uint64_t number, const char *how)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%llu.crp", folder, (unsigned long long)number);
    FILE *file = fopen(path, "w");
    if (file) {
        write_program(s, number, file);
        fclose(file);
    }
    printf("program %llu: %s; see %s\n", (unsigned long long)number, how, path);
}

/* A leak is told at a worker's end only: then each program gets a worker of its own. */
static unsigned one_by_one(const sources *s, uint64_t first, uint64_t count, const char *all)
{
    unsigned failures = 0;
    char how[100];
    for (uint64_t i = 0; i < count; i++)
        if (!run_worker(s, first + i, 1, how, sizeof how)) {
            keep(s, first + i, how);
            failures++;
        }
    if (!failures) printf("programs %llu to %llu together: %s\n", (unsigned long long)first, (unsigned long long)(first + count - 1), all);
    return failures ? failures : 1;
}

static unsigned run_all(const sources *s, uint64_t first, uint64_t count)
{
    unsigned failures = 0;
    char how[100];
    for (uint64_t at = first, end = first + count; at < end && failures < MAX_FAILURES;) {
        uint64_t n = end - at < BATCH ? end - at : BATCH;
        if (run_worker(s, at, n, how, sizeof how)) {
            at += n;
        } else if (shared->between && shared->number + 1 == at + n) {
            failures += one_by_one(s, at, n, how);
            at += n;
        } else {
            keep(s, shared->number, how);
            failures++;
            at = shared->number + 1;
        }
    }
    return failures;
}

/* --- a program from a file ---------------------------------------------------------------------------------------------- */

enum { LONGEST_FILE = 1 << 16 };

static size_t read_text(const char *path, char text[LONGEST_FILE])
{
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(text, 1, LONGEST_FILE, file) : 0;
    if (file) fclose(file);
    return length;
}

static int run_file(const char *path, uint64_t number)
{
    static char text[LONGEST_FILE];
    size_t length = read_text(path, text);
    char *program = cut_program(text, length, &length);
    begin_worker();
    set_timer(TICK_MS);
    run(program, length, number % 5 ? "program" : "repl:1", number, 0);
    set_timer(0);
    free(program);
    crp_platform_unix_close(below_state);
    return 0;
}

/* --- failing allocations ------------------------------------------------------------------------------------------------ */

/* The script as it is, and then once for each of its allocations. */
static void fail_each(const char *path, const char *text, size_t length)
{
    begin_worker();
    set_timer(TICK_MS);
    uint64_t most = run(text, length, path, 0, 0);
    for (uint64_t failing = 1; failing <= most + 20 && failing <= MAX_ALLOCATIONS; failing++) {
        shared->failing = failing;
        set_timer(TICK_MS);
        run(text, length, path, 0, failing);
        set_timer(0);
    }
    crp_platform_unix_close(below_state);
}

static unsigned fail_file(const char *path)
{
    static char text[LONGEST_FILE];
    char how[100];
    size_t length = read_text(path, text);
    bool big = length > 6 && memcmp(text, "# big\n", 6) == 0;
    if (length == 0 || length == sizeof text || big) return 0;
    shared->failing = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        fail_each(path, text, length);
        exit(0);
    }
    if (pid > 0 && ended_well(pid, how, sizeof how)) return 0;
    printf("%s: allocation %llu: %s\n", path, (unsigned long long)shared->failing, how);
    return 1;
}

/* --- entry ---------------------------------------------------------------------------------------------------------------- */

static int usage(void)
{
    fputs("usage: mutate [-n COUNT] [-s FIRST] [-o FOLDER] SOURCES | -p NUMBER SOURCES | -s NUMBER -r FILE | -a SOURCES\n", stderr);
    return 2;
}

static void collect(sources *s, const char *path)
{
    crp *vm;
    pool_add_folder(&s->pool, path);
    if (crp_new(NULL, &vm)) exit(2);
    disarm(vm);
    calls_collect(&s->calls, vm, &s->pool);
    crp_free(vm);
}

int main(int argc, char **argv)
{
    uint64_t count = 1000, first = 1, printed = 0;
    bool allocations = false;
    const char *file = NULL;
    for (int c; (c = getopt(argc, argv, "n:s:o:p:r:a")) != -1;) switch (c) {
        case 'n': count = strtoull(optarg, NULL, 10); break;
        case 's': first = strtoull(optarg, NULL, 10); break;
        case 'o': folder = optarg; break;
        case 'p': printed = strtoull(optarg, NULL, 10); break;
        case 'r': file = optarg; break;
        case 'a': allocations = true; break;
        default: return usage();
        }
    if (file && first) return run_file(file, first);
    if (optind + 1 != argc || first == 0) return usage();
    sources s = {0};
    collect(&s, argv[optind]);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.pool.path_count == 0 || shared == MAP_FAILED) {
        fprintf(stderr, "mutate: %s: %s\n", argv[optind], s.pool.path_count ? strerror(errno) : "no .crp files there");
        return 2;
    }
    unsigned failures = 0;
    if (printed) write_program(&s, printed, stdout);
    else if (!allocations) failures = run_all(&s, first, count);
    else
        for (size_t i = 0; i < s.pool.path_count; i++) failures += fail_file(s.pool.paths[i]);
    if (!printed) printf("%u failures\n", failures);
    calls_free(&s.calls);
    pool_free(&s.pool);
    return failures != 0;
}
