/* Children run, are looked at until they have ended, and are reported in the order of the files. */
#include "tester.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "child.h"
#include "file-list.h"
#include "lib.h"
#include "output.h"
#include "signals.h"

enum { PASSED = 0, FAILED = 1, WRONG_USE = 2 };
enum { TICK = 50, SHORT_TICK = 2, MOST_NAME = 256, MOST_PATH = 4096 };

typedef struct file {
    const char *path;
    char name[MOST_NAME];     /* without folder and ending, dashes as blanks */
    char folder[MOST_PATH];   /* to be in and to be thrown away, for a page; else "" */
    crpi_child child;
    bool started, failed_to_start;
} file;

typedef struct tester {
    const crpi_tester_options *options;
    const crpi_tester_host *host;
    file *files;
    size_t count, begun, reported;
    size_t tests, failures;
    bool bailed;
    file *current; /* in a child: the one that it runs */
} tester;

/* --- names ---------------------------------------------------------------------------------------------- */

static void name_file(file *f)
{
    const char *slash = strrchr(f->path, '/'), *base = slash ? slash + 1 : f->path, *dot = strrchr(base, '.');
    size_t n = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    if (n >= sizeof f->name) n = sizeof f->name - 1;
    memcpy(f->name, base, n);
    f->name[n] = 0;
    for (char *c = f->name; *c; c++)
        if (*c == '-') *c = ' ';
}

static bool is_page(const file *f) { return crpi_file_has_ending(f->path, ".md"); }

static bool is_chosen(const tester *t, const file *f, const char *sentence, size_t length)
{
    const char *filter = t->options->filter;
    if (!filter || strstr(f->name, filter)) return true;
    return length && memmem(sentence, length, filter, strlen(filter));
}

/* --- starting ------------------------------------------------------------------------------------------- */

static int run_in_child(void *ud)
{
    tester *t = ud;
    const file *f = t->current;
    const char *filter = is_chosen(t, f, "", 0) ? NULL : t->options->filter;
    if (is_page(f)) return crpi_tester_page(t->host, f->path, f->folder);
    return t->host->script(t->host->ud, f->path, filter);
}

static bool make_folder(file *f)
{
    const char *place = getenv("TMPDIR");
    if (!is_page(f)) return true;
    snprintf(f->folder, sizeof f->folder, "%s/carapace-test-XXXXXX", place && *place ? place : "/tmp");
    if (mkdtemp(f->folder)) return true;
    f->folder[0] = 0;
    return false;
}

static void start_next(tester *t)
{
    file *f = &t->files[t->begun++];
    t->current = f;
    f->started = true;
    f->failed_to_start =
        !make_folder(f) || !crpi_child_start(&f->child, t->options->timeout, run_in_child, t);
    if (f->failed_to_start) crpi_output_complain(f->path, strerror(errno));
}

static bool is_running(const file *f)
{
    return f->started && !f->failed_to_start && f->child.end == CRPI_CHILD_RUNS;
}

/* --- what a child says ---------------------------------------------------------------------------------- */

typedef struct verdict {
    tester *t;
    file *f;
    crpi_mem mem;
    crpi_buf out;
    size_t seen, failed; /* of its own tests */
    long planned;        /* -1: it says nothing of that */
    char skipped[MOST_NAME]; /* why all of the file was, or "" */
} verdict;

/* `allowed`: it may fail. */
static void put_test(verdict *v, bool right, bool allowed, const char *sentence, size_t length)
{
    v->t->tests++;
    if (!right && !allowed) v->t->failures++;
    crpi_buf_format(&v->out, "%sok %zu - %s", right ? "" : "not ", v->t->tests, v->f->name);
    crpi_buf_format(&v->out, length ? ": %.*s\n" : "%.*s\n", (int)length, sentence);
}

static void put_skipped(verdict *v)
{
    v->t->tests++;
    crpi_buf_format(&v->out, "ok %zu - %s%s\n", v->t->tests, v->f->name, v->skipped);
}

/* Whether a test that failed may: its line ends with the directive TODO; a test that was left out has SKIP.
 * */
static bool may_fail(const char *line, size_t length)
{
    for (size_t at = 0; at + 6 <= length; at++)
        if (strncasecmp(line + at, "# todo", 6) == 0 && (at == 0 || line[at - 1] != '\\')) return true;
    return false;
}

/* "ok 3 - sentence", with the number that is next. */
static bool take_test(verdict *v, const char *line, size_t length)
{
    char head[64];
    bool right = strncmp(line, "ok ", 3) == 0;
    size_t n = (size_t)snprintf(head, sizeof head, "%sok %zu", right ? "" : "not ", v->seen + 1);
    if (length < n || strncmp(line, head, n) != 0 || (length > n && line[n] != ' ')) return false;
    const char *sentence = line + n;
    size_t rest = length - n;
    while (rest && (*sentence == ' ' || *sentence == '-')) sentence++, rest--;
    bool allowed = may_fail(sentence, rest);
    v->seen++;
    v->failed += !right && !allowed;
    if (is_chosen(v->t, v->f, sentence, rest)) put_test(v, right, allowed, sentence, rest);
    return true;
}

static bool take_plan(verdict *v, const char *line)
{
    int end = 0;
    long planned;
    if (sscanf(line, "1..%ld%n", &planned, &end) != 1 || planned < 0) return false;
    if (line[end] && line[end] != ' ') return false;
    v->planned = planned;
    const char *directive = planned ? NULL : strstr(line, "# SKIP");
    if (directive) snprintf(v->skipped, sizeof v->skipped, " %s", directive);
    return true;
}

static bool take_bail_out(verdict *v, const char *line)
{
    if (strncmp(line, "Bail out!", 9) != 0) return false;
    v->t->bailed = true;
    crpi_buf_format(&v->out, "%s\n", line);
    return true;
}

static void take_line(verdict *v, const char *line, size_t length)
{
    if (take_test(v, line, length) || take_plan(v, line) || take_bail_out(v, line)) return;
    if (strncmp(line, "TAP version ", 12) == 0) return;
    if (length && *line == '#') crpi_buf_format(&v->out, "%.*s\n", (int)length, line);
    else crpi_test_comment(&v->out, line, length);
}

/* Each line becomes a C string where it stands; one with a NUL in it ends there. */
static void take_lines(verdict *v)
{
    crpi_buf *said = &v->f->child.output;
    if (said->length && said->bytes[said->length - 1] != '\n') crpi_buf_byte(said, '\n');
    for (size_t at = 0; at < said->length;) {
        char *line = said->bytes + at, *stop = memchr(line, '\n', said->length - at);
        if (!stop) return; /* cut off where the child was too loud */
        *stop = 0;
        take_line(v, line, strlen(line));
        at += (size_t)(stop - line) + 1;
    }
}

/* --- how it ended --------------------------------------------------------------------------------------- */

static const char *fault_of_end(const verdict *v, char *room, size_t size)
{
    const crpi_child *c = &v->f->child;
    int status = WEXITSTATUS(c->status);
    if (v->f->failed_to_start) return "could not be started";
    if (c->end == CRPI_CHILD_TOO_LOUD) return "wrote more than 16 MiB";
    double seconds = (double)v->t->options->timeout / 1000;
    snprintf(room, size, "did not end within %.1f s, after %zu tests", seconds, v->seen);
    if (c->end == CRPI_CHILD_LATE) return room;
    if (WIFSIGNALED(c->status)) {
        int number = WTERMSIG(c->status);
        snprintf(room, size, "was ended by signal %d, %s", number, strsignal(number));
        return room;
    }
    snprintf(room, size, "ended with status %d", status);
    if (status && !v->failed) return room;
    snprintf(room, size, "ended after %zu tests, planned were %ld", v->seen, v->planned);
    if (v->planned >= 0 && (size_t)v->planned != v->seen) return room;
    return v->seen && v->planned < 0 ? "ended before its plan" : NULL;
}

/* A file without tests is one itself; what it writes is only of interest when it fails. */
static void judge_end(verdict *v)
{
    char room[128];
    const char *fault = fault_of_end(v, room, sizeof room);
    if (v->seen || v->planned == 0) {
        if (fault) put_test(v, false, false, fault, strlen(fault));
        else if (v->skipped[0] && is_chosen(v->t, v->f, "", 0)) put_skipped(v);
        return;
    }
    crpi_buf said = v->out;
    crpi_buf_init(&v->out, &v->mem, 0);
    const char *words = fault ? fault : "";
    if (is_chosen(v->t, v->f, "", 0)) put_test(v, !fault, false, words, strlen(words));
    if (fault || v->t->bailed) crpi_buf_put(&v->out, said.length ? said.bytes : "", said.length);
    crpi_buf_free(&said);
}

static void report(tester *t, file *f)
{
    verdict v = {.t = t, .f = f, .planned = -1};
    crpi_mem_init(&v.mem, NULL, NULL);
    crpi_buf_init(&v.out, &v.mem, 0);
    take_lines(&v);
    judge_end(&v);
    if (v.out.length) crpi_output_write(NULL, STDOUT_FILENO, v.out.bytes, v.out.length);
    crpi_output_flush();
    crpi_buf_free(&v.out);
}

/* --- all of them ---------------------------------------------------------------------------------------- */

static void close_file(file *f)
{
    crpi_child_stop(&f->child);
    crpi_child_free(&f->child);
    if (f->folder[0]) crpi_file_remove_folder(f->folder);
}

static void wait_for_children(tester *t)
{
    struct pollfd fds[CRPI_TESTER_MOST_JOBS];
    nfds_t n = 0;
    int tick = TICK;
    for (size_t i = t->reported; i < t->begun; i++) {
        if (!is_running(&t->files[i])) continue;
        if (t->files[i].child.fd < 0) tick = SHORT_TICK;
        else fds[n++] = (struct pollfd){.fd = t->files[i].child.fd, .events = POLLIN};
    }
    crpi_signals_poll(fds, n, tick);
    for (size_t i = t->reported; i < t->begun; i++)
        if (is_running(&t->files[i])) crpi_child_look(&t->files[i].child);
}

static bool is_to_end(const tester *t)
{
    return t->bailed || crpi_signals_caught() || crpi_signals_expired() || crpi_output_error();
}

static int count_running(const tester *t)
{
    int n = 0;
    for (size_t i = t->reported; i < t->begun; i++) n += is_running(&t->files[i]);
    return n;
}

static void run_all(tester *t)
{
    while (t->reported < t->count && !is_to_end(t)) {
        while (t->begun < t->count && count_running(t) < t->options->jobs) start_next(t);
        wait_for_children(t);
        while (t->reported < t->begun && !is_running(&t->files[t->reported]) && !is_to_end(t)) {
            report(t, &t->files[t->reported]);
            close_file(&t->files[t->reported++]);
        }
    }
    for (size_t i = t->reported; i < t->begun; i++) close_file(&t->files[i]);
}

static bool collect(crpi_file_list *list, char *const *paths, int count)
{
    for (int i = 0; i < count; i++)
        if (!crpi_file_list_add(list, paths[i])) {
            crpi_output_complain(list->culprit, strerror(errno));
            return false;
        }
    return true;
}

static bool take_files(tester *t, const crpi_file_list *list)
{
    t->files = calloc(list->count ? list->count : 1, sizeof *t->files);
    t->count = t->files ? list->count : 0;
    for (size_t i = 0; i < t->count; i++) {
        t->files[i].path = list->paths[i];
        name_file(&t->files[i]);
    }
    return t->count > 0;
}

static int conclude(const tester *t)
{
    char plan[64];
    if (is_to_end(t)) return FAILED;
    snprintf(plan, sizeof plan, "1..%zu\n", t->tests);
    crpi_output_text(STDOUT_FILENO, plan);
    if (t->tests) return t->failures ? FAILED : PASSED;
    const char *why = t->options->filter ? "no test has that in its name" : "there is nothing to test";
    crpi_output_complain("test", why);
    return WRONG_USE;
}

int crpi_tester_run(const crpi_tester_options *o, char *const *paths, int count, const crpi_tester_host *host)
{
    static const char *const endings[] = {".crp", ".md", NULL};
    crpi_file_list list = {.endings = endings};
    tester t = {.options = o, .host = host};
    int status = WRONG_USE;
    crpi_signals_open(NULL);
    signal(SIGPIPE, SIG_IGN); /* the children's folders are to be removed first */
    if (collect(&list, paths, count)) {
        if (take_files(&t, &list)) {
            crpi_output_text(STDOUT_FILENO, "TAP version 13\n");
            run_all(&t);
        }
        status = conclude(&t);
    }
    free(t.files);
    crpi_file_list_free(&list);
    if (crpi_output_error() == EPIPE) crpi_signals_die(SIGPIPE);
    return status;
}
