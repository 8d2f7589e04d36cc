/* run-lang: runs language tests, each a .crp file with its expectations beside its lines.
 *
 *     run-lang tests/areas/AREA.area     all of tests/lang/AREA
 *     run-lang FOLDER | FILE.crp ...     these
 *
 * In a file, the name of which is the sentence that it proves:
 *
 *     (print (+ 1 2))          # expect: 3                   the next line of stdout is exactly this
 *     (headOf 5)               # expect error: no List       ends with status 1; the first line of stderr holds the
 *                                                            text and names this line
 *     (if                      # expect compile error: ...   the same with status 3
 *     # expect status: 4                                     ends with this status
 *     # args: one two          given to the script           # input: text   a line of its stdin
 *     # big                    makes many allocations: under gc stress there is a collection at every 1,000th only
 *     # big 100000             ... or at every so many: it keeps much alive, too
 *     # virtual                runs on the virtual clock, which jumps to the next deadline instead of waiting
 *     (expect (+ 1 2) 3)       and (expectError "1.9" ...), which say themselves what is wrong, and print nothing
 *
 * Without an expected error stderr stays empty and the status is 0.  A script runs in an empty folder that is also its
 * HOME, with TZ=UTC, and may write there.  The program is $CARAPACE, or the one that was built with this runner;
 * $CARAPACE_TEST_WRAPPER goes before it, $CARAPACE_TEST_TIMEOUT seconds are its time, and $CARAPACE_TEST_MODE is the
 * stress mode (tests/mode.sh).  Prints TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_OUTPUT = 16 << 20,  /* a script that prints more is stopped */
    MAX_WORDS = 64,         /* of the wrapper and of `# args:` */
    SHOWN_LINES = 12,       /* of a difference or of stderr... */
    SHOWN_REPORT_LINES = 60, /* ...where a sanitizer may have written a report */
    SANITIZER_STATUS = 99,  /* as tests/mode.sh asks for */
    ENOUGH_PASSES = 50      /* in a row, and the failing allocation is past the last one */
};

struct text { char *bytes; size_t size, room; };
struct lines { char **line; int *number; size_t count, room; };

struct expectation {
    struct lines output;
    struct text input;
    char *args;
    char *error;            /* NULL: none */
    int error_line;
    int status;
    unsigned gc_every;      /* 0: at every allocation */
    bool any, virtual_clock;
    char *fault;            /* what is wrong with the test itself */
};

struct outcome {
    struct text out, err;
    int wait_status;
    bool late, too_much;
};

static const char *program, *wrapper, *mode;
static char scratch[PATH_MAX];
static int seconds;
static unsigned tests_run, tests_failed;

static void die(const char *what)
{
    printf("Bail out! run-lang: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void *must(void *p)
{
    if (!p)
        die("memory");
    return p;
}

static char *format(const char *f, ...)
{
    char *s;
    va_list ap;

    va_start(ap, f);
    if (vasprintf(&s, f, ap) < 0)
        die("memory");
    va_end(ap);
    return s;
}

static void append(struct text *t, const char *bytes, size_t n)
{
    if (t->size + n + 1 > t->room) {
        t->room = (t->size + n + 1) * 2;
        t->bytes = must(realloc(t->bytes, t->room));
    }
    memcpy(t->bytes + t->size, bytes, n);
    t->size += n;
    t->bytes[t->size] = 0;
}

static void add_line(struct lines *l, const char *s, size_t n, int number)
{
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 16;
        l->line = must(realloc(l->line, l->room * sizeof *l->line));
        l->number = must(realloc(l->number, l->room * sizeof *l->number));
    }
    l->line[l->count] = must(strndup(s, n));
    l->number[l->count++] = number;
}

static void free_lines(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->line[i]);
    free(l->line);
    free(l->number);
}

/* --- What a file expects ---------------------------------------------------------------------------------------- */

/* NUL becomes the two bytes C0 80, which are no UTF-8 and so stand for nothing else: lines can be C strings. */
static void hide_nuls(struct text *t)
{
    struct text clean = {0};
    const char *p = t->bytes, *end = t->bytes + t->size;

    while (p < end) {
        size_t n = strnlen(p, (size_t)(end - p));
        append(&clean, p, n);
        p += n;
        if (p < end) {
            append(&clean, "\xC0\x80", 2);
            p++;
        }
    }
    append(&clean, "", 0);
    free(t->bytes);
    *t = clean;
}

static bool read_whole(const char *path, struct text *t)
{
    char block[65536];
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f)
        return false;
    append(t, "", 0);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        append(t, block, n);
    fclose(f);
    hide_nuls(t);
    return true;
}

/* Where a note such as "# expect" begins in the line: at its start or after a blank; the last one counts. */
static const char *find_note(const char *line, const char *note)
{
    const char *found = NULL;

    for (const char *p = line; (p = strstr(p, note)); p++)
        if (p == line || p[-1] == ' ' || p[-1] == '\t' || p[-1] == ')')
            found = p;
    return found;
}

/* The text after "NOTE:" and one blank, or NULL. */
static const char *after(const char *p, const char *note)
{
    size_t n = strlen(note);

    if (strncmp(p, note, n) != 0)
        return NULL;
    return p + n + (p[n] == ' ');
}

static void read_expectation(struct expectation *e, const char *p, int number)
{
    const char *t;

    e->any = true;
    if ((t = after(p, "# expect:"))) {
        add_line(&e->output, t, strlen(t), number);
    } else if ((t = after(p, "# expect error:")) || (t = after(p, "# expect compile error:"))) {
        if (e->error)
            e->fault = format("line %d: a second error is expected", number);
        free(e->error);
        e->error = must(strdup(t));
        e->error_line = number;
        e->status = strncmp(p, "# expect error", 14) == 0 ? 1 : 3;
    } else if ((t = after(p, "# expect status:"))) {
        e->status = atoi(t);
    } else {
        e->fault = format("line %d: no such expectation: %s", number, p);
    }
}

static void read_line(struct expectation *e, const char *line, int number)
{
    const char *p, *t;

    if (strstr(line, "(expect"))
        e->any = true;
    if ((p = find_note(line, "# expect")) && (p[8] == ':' || p[8] == ' ')) {
        read_expectation(e, p, number);
    } else if ((t = after(line, "# input:"))) {
        append(&e->input, t, strlen(t));
        append(&e->input, "\n", 1);
    } else if ((t = after(line, "# args:"))) {
        free(e->args);
        e->args = must(strdup(t));
    } else if (strncmp(line, "# big", 5) == 0 && (line[5] == 0 || line[5] == ' ')) {
        e->gc_every = atoi(line + 5) > 0 ? (unsigned)atoi(line + 5) : 1000;
    } else if (strcmp(line, "# virtual") == 0) {
        e->virtual_clock = true;
    }
}

static void read_test(const char *path, struct expectation *e)
{
    struct text t = {0};
    int number = 1;

    memset(e, 0, sizeof *e);
    if (!read_whole(path, &t)) {
        e->fault = format("%s: %s", path, strerror(errno));
        return;
    }
    for (char *line = t.bytes, *end; *line; line = end, number++) {
        end = line + strcspn(line, "\n");
        bool last = !*end;
        *end = 0;
        if (end > line && end[-1] == '\r')
            end[-1] = 0;
        read_line(e, line, number);
        if (!last)
            end++;
    }
    free(t.bytes);
    if (!e->any && !e->fault)
        e->fault = format("it expects nothing");
}

static void free_expectation(struct expectation *e)
{
    free_lines(&e->output);
    free(e->input.bytes);
    free(e->args);
    free(e->error);
    free(e->fault);
}

/* --- Running one script ----------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t split(char *s, char **words, size_t count)
{
    for (char *w = strtok(s, " "); w && count < MAX_WORDS; w = strtok(NULL, " "))
        words[count++] = w;
    return count;
}

static void set_number(const char *name, long n)
{
    char text[32];

    snprintf(text, sizeof text, "%ld", n);
    setenv(name, text, 1);
}

static void set_environment(const struct expectation *e, long fail_at)
{
    setenv("HOME", scratch, 1);
    setenv("TZ", "UTC", 1);
    setenv("TERM", "dumb", 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_DATA_HOME");
    unsetenv("CARAPACE_CONFIG");
    unsetenv("CARAPACE_CLOCK");
    if (e->virtual_clock)
        setenv("CARAPACE_CLOCK", "virtual", 1);
    if (strcmp(mode, "gc") == 0)
        set_number("CARAPACE_GC_EVERY", e->gc_every ? e->gc_every : 1);
    if (fail_at)
        set_number("CARAPACE_ALLOC_FAIL", fail_at);
}

static int open_input(const struct expectation *e)
{
    char name[] = "/tmp/run-lang-XXXXXX";
    int fd;

    if (!e->input.size)
        return open("/dev/null", O_RDONLY);
    fd = mkstemp(name);
    if (fd < 0)
        return fd;
    unlink(name);
    if (write(fd, e->input.bytes, e->input.size) != (ssize_t)e->input.size)
        return -1;
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void become_script(const char *path, const struct expectation *e, long fail_at, int out, int err)
{
    char *words[2 * MAX_WORDS + 3];
    size_t n = split(must(strdup(wrapper)), words, 0);
    int in = open_input(e);

    words[n++] = (char *)program;
    words[n++] = (char *)path;
    if (e->args)
        n = split(e->args, words, n);
    words[n] = NULL;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    set_environment(e, fail_at);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || chdir(scratch) != 0)
        _exit(126);
    execvp(words[0], words);
    dprintf(2, "%s: %s\n", words[0], strerror(errno));
    _exit(127);
}

/* Takes what has come; false at the end of it. */
static bool drain(int fd, struct text *t)
{
    char block[65536];
    ssize_t n = read(fd, block, sizeof block);

    if (n > 0)
        append(t, block, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static void collect(struct pollfd *fds, struct outcome *o, double deadline)
{
    struct text *texts[2] = {&o->out, &o->err};

    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        double left = deadline - now();
        if (left <= 0) {
            o->late = true;
            return;
        }
        if (poll(fds, 2, (int)(left * 1000) + 1) < 0 && errno != EINTR)
            die("poll");
        for (int i = 0; i < 2; i++)
            if (fds[i].fd >= 0 && fds[i].revents && !drain(fds[i].fd, texts[i]))
                fds[i].fd = -1;
        if (o->out.size + o->err.size > MAX_OUTPUT) {
            o->too_much = true;
            return;
        }
    }
}

static void wait_for(pid_t pid, struct outcome *o, double deadline)
{
    struct timespec tick = {0, 1000000};

    while (!o->late && !o->too_much && waitpid(pid, &o->wait_status, WNOHANG) == 0) {
        if (now() > deadline)
            o->late = true;
        nanosleep(&tick, NULL);
    }
    kill(-pid, SIGKILL);
    if (o->late || o->too_much)
        waitpid(pid, &o->wait_status, 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    return where->level > 0 ? remove(path) : 0;
}

/* `fail_at` 0: no allocation fails. */
static void run_script(const char *path, const struct expectation *e, long fail_at, struct outcome *o)
{
    int out[2], err[2];
    double deadline = now() + seconds;
    pid_t pid;

    memset(o, 0, sizeof *o);
    append(&o->out, "", 0);
    append(&o->err, "", 0);
    if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
        die("pipe");
    fflush(stdout);
    pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        become_script(path, e, fail_at, out[1], err[1]);
    setpgid(pid, pid);
    close(out[1]);
    close(err[1]);

    struct pollfd fds[2] = {{.fd = out[0], .events = POLLIN}, {.fd = err[0], .events = POLLIN}};
    collect(fds, o, deadline);
    wait_for(pid, o, deadline);
    close(out[0]);
    close(err[0]);
    hide_nuls(&o->out);
    hide_nuls(&o->err);
    nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void free_outcome(struct outcome *o)
{
    free(o->out.bytes);
    free(o->err.bytes);
}

/* --- Judging it: each returns NULL, or a new text that says what is wrong ---------------------------------------- */

static char *judge_end(const struct outcome *o)
{
    static const char *const reports[] = {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", ": runtime error: "};

    if (o->late)
        return format("it did not end within %d s", seconds);
    if (o->too_much)
        return format("it printed more than %d MiB", MAX_OUTPUT >> 20);
    if (WIFSIGNALED(o->wait_status))
        return format("it was ended by signal %d, %s", WTERMSIG(o->wait_status), strsignal(WTERMSIG(o->wait_status)));
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
        if (strstr(o->err.bytes, reports[i]))
            return format("a sanitizer has something to say");
    if (WEXITSTATUS(o->wait_status) == SANITIZER_STATUS)
        return format("a sanitizer or valgrind ended it with status %d", SANITIZER_STATUS);
    return NULL;
}

/* "file:LINE:..." or "line LINE"; a column, which is a number after a number, is not meant. */
static bool names_line(const char *s, int line)
{
    char digits[16];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%d", line);

    for (const char *p = s; (p = strstr(p, digits)); p++) {
        bool number_ends = p[n] < '0' || p[n] > '9';
        bool after_name = p - s >= 2 && p[-1] == ':' && (p[-2] < '0' || p[-2] > '9');
        if (number_ends && (after_name || (p - s >= 5 && strncmp(p - 5, "line ", 5) == 0)))
            return true;
    }
    return false;
}

static char *judge_error(const struct expectation *e, const struct outcome *o)
{
    char *fault = NULL;
    char *first;

    if (!e->error)
        return o->err.size ? format("stderr is not empty") : NULL;
    first = must(strndup(o->err.bytes, strcspn(o->err.bytes, "\n")));
    if (!strstr(first, e->error))
        fault = format("line %d expects the error: %s", e->error_line, e->error);
    else if (!names_line(first, e->error_line))
        fault = format("the error does not name line %d", e->error_line);
    free(first);
    return fault;
}

static struct lines split_lines(const struct text *t)
{
    struct lines l = {0};
    const char *p = t->bytes, *end = t->bytes + t->size;

    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop)
            stop = end;
        add_line(&l, p, (size_t)(stop - p), 0);
        p = stop + 1;
    }
    return l;
}

/* The difference from its first line on, as the comment lines of a TAP report. */
static char *judge_output(const struct expectation *e, const struct outcome *o)
{
    struct lines got = split_lines(&o->out);
    const struct lines *want = &e->output;
    struct text t = {0};
    size_t i = 0, shown;

    while (i < want->count && i < got.count && strcmp(want->line[i], got.line[i]) == 0)
        i++;
    if (i < want->count || i < got.count) {
        append(&t, "the output differs", 18);
        for (shown = 0; shown < SHOWN_LINES && (i < want->count || i < got.count); shown++, i++) {
            char *s = i < want->count ? format("\n  line %d expects: %s", want->number[i], want->line[i])
                                      : format("\n  expected no more");
            append(&t, s, strlen(s));
            free(s);
            s = i < got.count ? format("\n          printed: %s", got.line[i]) : format("\n          printed nothing more");
            append(&t, s, strlen(s));
            free(s);
            if (i >= want->count && i >= got.count)
                break;
        }
    }
    free_lines(&got);
    return t.bytes;
}

static char *judge(const struct expectation *e, const struct outcome *o)
{
    char *fault;

    if ((fault = judge_end(o)) || (fault = judge_output(e, o)) || (fault = judge_error(e, o)))
        return fault;
    if (WEXITSTATUS(o->wait_status) != e->status)
        return format("it ended with status %d, not %d", WEXITSTATUS(o->wait_status), e->status);
    return NULL;
}

/* An allocation failed: any end will do that is one. */
static char *judge_failed_allocation(const struct outcome *o)
{
    char *fault = judge_end(o);

    if (!fault && WEXITSTATUS(o->wait_status) > 3)
        fault = format("it ended with status %d", WEXITSTATUS(o->wait_status));
    if (!fault && WEXITSTATUS(o->wait_status) && !o->err.size)
        fault = format("it failed and said nothing");
    return fault;
}

/* --- The report -------------------------------------------------------------------------------------------------- */

static void comment(const char *s)
{
    fputs("# ", stdout);
    for (; *s; s++) {
        if (*s == '\n')
            fputs("\n# ", stdout);
        else if ((unsigned char)*s < ' ' && *s != '\t')
            printf("\\x%02x", (unsigned char)*s);
        else
            putchar(*s);
    }
    putchar('\n');
}

static void show_stderr(const struct text *err)
{
    struct lines l = split_lines(err);

    if (l.count)
        comment("stderr:");
    for (size_t i = 0; i < l.count && i < (*mode ? SHOWN_REPORT_LINES : SHOWN_LINES); i++) {
        char *s = format("  %s", l.line[i]);
        comment(s);
        free(s);
    }
    free_lines(&l);
}

static char *sentence(const char *path)
{
    const char *name = strrchr(path, '/'), *folder = name;
    char *s;

    if (!name)
        return must(strdup(path));
    while (folder > path && folder[-1] != '/')
        folder--;
    s = format("%.*s: %.*s", (int)(name - folder), folder, (int)strcspn(name + 1, "."), name + 1);
    for (char *p = s; *p; p++)
        if (*p == '-')
            *p = ' ';
    return s;
}

static void report(const char *path, const char *fault, const struct outcome *o)
{
    char *name = sentence(path);

    tests_run++;
    printf("%s %u - %s\n", fault ? "not ok" : "ok", tests_run, name);
    free(name);
    if (!fault)
        return;
    tests_failed++;
    comment(path);
    comment(fault);
    if (o)
        show_stderr(&o->err);
}

/* --- The tests ---------------------------------------------------------------------------------------------------- */

/* Once as it is (n is 0), and then each allocation of the script fails in turn, until n has long been past the last. */
static void run_with_failing_allocations(const char *path, const struct expectation *e)
{
    int passes = 0;
    long failures = 0;

    for (long n = 0; passes < ENOUGH_PASSES; n++) {
        struct outcome o;
        char *fault;

        run_script(path, e, n, &o);
        fault = judge(e, &o);
        passes = fault || n == 0 ? 0 : passes + 1;
        if (fault && n > 0) {
            failures++;
            free(fault);
            fault = judge_failed_allocation(&o);
        }
        if (fault) {
            char *s = format("with CARAPACE_ALLOC_FAIL=%ld: %s", n, fault);
            report(path, s, &o);
            free(s);
            free(fault);
            free_outcome(&o);
            return;
        }
        free_outcome(&o);
    }
    report(path, failures ? NULL : "no allocation failed", NULL);
}

static void run_file(const char *path)
{
    struct expectation e;
    char absolute[PATH_MAX];

    if (!realpath(path, absolute))
        die(path);
    read_test(absolute, &e);
    if (e.fault) {
        report(path, e.fault, NULL);
    } else if (strcmp(mode, "alloc") == 0) {
        run_with_failing_allocations(absolute, &e);
    } else {
        struct outcome o;
        run_script(absolute, &e, 0, &o);
        char *fault = judge(&e, &o);
        report(path, fault, &o);
        free(fault);
        free_outcome(&o);
    }
    free_expectation(&e);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static int is_script(const struct dirent *d)
{
    return ends_with(d->d_name, ".crp");
}

static void list_folder(const char *name, struct lines *files)
{
    char folder[PATH_MAX];
    struct dirent **found;
    int n = realpath(name, folder) ? scandir(folder, &found, is_script, alphasort) : -1;

    if (n < 0)
        die(name);
    for (int i = 0; i < n; i++) {
        char *path = format("%s/%s", folder, found[i]->d_name);
        add_line(files, path, strlen(path), 0);
        free(path);
        free(found[i]);
    }
    free(found);
}

/* An area's file says in words what the area is; its tests are in the folder of its name in tests/lang. */
static void list_argument(const char *arg, struct lines *files)
{
    struct stat st;

    if (ends_with(arg, ".area")) {
        const char *slash = strrchr(arg, '/');
        int folder = slash ? (int)(slash - arg) + 1 : 0;
        const char *name = arg + folder;
        char *path = format("%.*s../lang/%.*s", folder, arg, (int)(strlen(name) - 5), name);
        list_folder(path, files);
        free(path);
    } else if (stat(arg, &st) == 0 && S_ISDIR(st.st_mode)) {
        list_folder(arg, files);
    } else {
        add_line(files, arg, strlen(arg), 0);
    }
}

static const char *environment(const char *name, const char *otherwise)
{
    const char *s = getenv(name);

    return s && *s ? s : otherwise;
}

/* $CARAPACE, or what was built in the folder above this runner's. */
static const char *find_program(void)
{
    const char *named = environment("CARAPACE", NULL);
    char self[PATH_MAX];
    char *path, *absolute;

    if (!realpath("/proc/self/exe", self))
        die("/proc/self/exe");
    *strrchr(self, '/') = 0;
    path = named ? format("%s", named) : format("%s/../carapace", self);
    absolute = realpath(path, NULL);
    if (!absolute)
        die(path);
    free(path);
    return absolute;
}

static void set_up(void)
{
    program = find_program();
    wrapper = environment("CARAPACE_TEST_WRAPPER", "");
    mode = environment("CARAPACE_TEST_MODE", "");
    seconds = atoi(environment("CARAPACE_TEST_TIMEOUT", *wrapper ? "240" : *mode ? "180" : "60"));
    snprintf(scratch, sizeof scratch, "%s/run-lang-XXXXXX", environment("TMPDIR", "/tmp"));
    if (!mkdtemp(scratch))
        die(scratch);
}

int main(int argc, char **argv)
{
    struct lines files = {0};

    for (int i = 1; i < argc; i++)
        list_argument(argv[i], &files);
    if (!files.count) {
        fputs("usage: run-lang FILE.crp | FOLDER | FILE.area ...\n", stderr);
        return 2;
    }
    set_up();
    printf("1..%zu\n", files.count);
    for (size_t i = 0; i < files.count; i++)
        run_file(files.line[i]);
    rmdir(scratch);
    free_lines(&files);
    if (tests_failed)
        comment("run one alone: build/tests/run-lang FILE");
    return 0;
}
