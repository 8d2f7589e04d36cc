/* The prompt: a front reads forms, the interpreter runs them, and both leave each other alone.
 *
 * Each form is a source of its own, `repl:7`, with the number that the prompt shows; all share one file's
 * variables.  SIGINT is let through only while the front waits and while something runs, so it always means
 * one of the two: drop what was typed, or interrupt what runs.
 */
#include "repl.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "complete.h"
#include "front.h"
#include "help.h"
#include "history.h"
#include "outline.h"
#include "output.h"
#include "signals.h"

#ifndef CRP_PKGLIBDIR
#define CRP_PKGLIBDIR "/usr/local/lib/carapace"
#endif

enum {
    MOST_SHOWN = 8000, /* bytes of a value */
    MOST_KEPT = 100,   /* values with a number */
    EVENTS_A_STEP = 64
};

typedef struct repl {
    crp *vm;
    const crpi_front *front;
    unsigned number;
    bool leave;
    crp_val last; /* kept: what `_` is */
    bool has_last;
} repl;

/* --- what a front asks ---------------------------------------------------------------------------------- */

static bool is_command(const char *text, size_t length)
{
    return length > 1 && text[0] == ':' && text[1] >= 'a' && text[1] <= 'z';
}

static bool is_whole(void *ud, const char *text, size_t length)
{
    repl *r = ud;
    char name[32];
    if (is_command(text, length)) return true;
    snprintf(name, sizeof name, "repl:%u", r->number);
    return crp_check(r->vm, text, length, name) != CRP_INCOMPLETE;
}

static size_t row_column(void *ud, const char *text, size_t at, size_t first, bool closing)
{
    (void)ud;
    size_t column = crpi_outline_indent(text, at, first, closing);
    return column == CRPI_NOT_THERE ? CRPI_FRONT_NO_COLUMN : column;
}

static size_t candidates(void *ud, const char *text, size_t at, crpi_front_candidate each, void *each_ud)
{
    return crp_complete(((repl *)ud)->vm, text, at, each, each_ud);
}

static char *text_for_front(crpi_buf *b)
{
    char *text = b->failed ? NULL : malloc(b->length + 1);
    if (text && b->length) memcpy(text, b->bytes, b->length);
    if (text) text[b->length] = 0;
    return text;
}

static char *describe_at(void *ud, const char *text, size_t length, size_t at)
{
    crpi_outline o;
    crpi_buf b;
    bool known;
    crp *vm = ((repl *)ud)->vm;
    size_t end = crpi_outline_word_end(text, length, at);
    crpi_outline_at(text, end, &o);
    if (o.kind != CRPI_IN_CODE || o.word == end) return NULL;
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_help(vm, text + o.word, end - o.word, &b, &known);
    char *answer = text_for_front(&b);
    crpi_buf_free(&b);
    return answer;
}

static int milliseconds_until_due(crp *vm)
{
    int64_t ns = crp_loop_due_ns(vm);
    if (ns < 0) return -1;
    return ns / 1000000 >= 60000 ? 60000 : (int)((ns + 999999) / 1000000);
}

/* An error that no task was there to get is shown above the line. */
static void let_tasks_go_on(crp *vm)
{
    if (crp_loop_step(vm, EVENTS_A_STEP)) crpi_output_report(vm);
}

static enum crpi_front_event wait_for_input(void *ud)
{
    repl *r = ud;
    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = crp_loop_fd(r->vm), .events = POLLIN}};
    crpi_output_above(r->front->above);
    enum crpi_front_event event = CRPI_FRONT_OTHER;
    int n = crpi_signals_poll(fds, 2, milliseconds_until_due(r->vm));
    if (n < 0) {
        int caught = crpi_signals_caught();
        if (caught && caught != SIGINT) event = CRPI_FRONT_LEAVE;
        if (crpi_signals_expired()) event = CRPI_FRONT_LEAVE;
        if (caught == SIGINT) event = CRPI_FRONT_INTERRUPT;
        if (event == CRPI_FRONT_INTERRUPT) crpi_signals_forget();
    } else {
        if (n == 0 || fds[1].revents) let_tasks_go_on(r->vm);
        if (fds[0].revents) event = CRPI_FRONT_INPUT;
        if (crp_stopped(r->vm, NULL)) event = CRPI_FRONT_LEAVE;
    }
    crpi_output_above(NULL);
    return event;
}

/* --- values and errors ---------------------------------------------------------------------------------- */

static void begin_line(void)
{
    if (!crpi_output_at_line_start()) crpi_output_text(STDOUT_FILENO, "\n");
}

static void show_value(repl *r, crp_val value)
{
    crp_val text;
    const char *bytes;
    size_t length;
    char more[80];
    if (crp_text(r->vm, value, true, &text) || crp_get_data(r->vm, text, &bytes, &length)) {
        crpi_output_report(r->vm);
        return;
    }
    size_t shown = length > MOST_SHOWN ? MOST_SHOWN : length;
    crpi_output_write(NULL, STDOUT_FILENO, bytes, shown);
    snprintf(more, sizeof more, "... %zu bytes more; (print _) shows all", length - shown);
    if (shown < length) crpi_output_text(STDOUT_FILENO, more);
    crpi_output_text(STDOUT_FILENO, "\n");
}

static void define_numbered(repl *r, unsigned number, crp_val value)
{
    char name[32];
    snprintf(name, sizeof name, "_%u", number);
    crp_define(r->vm, name, value);
}

/* `_` is the last value, `__` the one before, `_7` that of form 7, for the last hundred forms. */
static void remember_value(repl *r, crp_val value)
{
    crp_val kept;
    if (r->has_last) crp_define(r->vm, "__", r->last);
    crp_define(r->vm, "_", value);
    define_numbered(r, r->number, value);
    if (r->number > MOST_KEPT) define_numbered(r, r->number - MOST_KEPT, crp_nil());
    if (crp_keep(r->vm, value, &kept)) return;
    if (r->has_last) crp_drop(r->vm, r->last);
    r->last = kept;
    r->has_last = true;
}

static void show_failure(repl *r, crp_status st)
{
    begin_line();
    if (st != CRP_E_CANCELLED) crpi_output_report(r->vm);
    else if (!crp_stopped(r->vm, NULL)) crpi_output_text(STDERR_FILENO, "interrupted\n");
}

/* Ends with signals blocked again and none of SIGINT left over. */
static crp_status run(repl *r, const char *text, size_t length, crp_val *value)
{
    char name[32];
    snprintf(name, sizeof name, "repl:%u", r->number);
    crpi_signals_run();
    crp_status st = crp_eval(r->vm, text, length, name, value);
    crpi_signals_rest();
    crp_cancel_clear(r->vm);
    if (crpi_signals_caught() == SIGINT) crpi_signals_forget();
    return st;
}

static void evaluate(repl *r, const char *text, size_t length)
{
    crp_val value = crp_nil();
    size_t scope = crp_scope_open(r->vm);
    crp_status st = run(r, text, length, &value);
    begin_line();
    if (st) {
        show_failure(r, st);
    } else {
        remember_value(r, value);
        show_value(r, value);
    }
    crp_scope_close(r->vm, scope);
    r->number++;
}

/* --- (help x) and (apropos "x") ------------------------------------------------------------------------- */

/* The one word or String behind (name ...), if the text is nothing but that. */
static bool one_argument(const char *text, size_t length, const char *name, const char **from, size_t *size)
{
    size_t at = strlen(name) + 1, blank;
    while (length && strchr(" \n\t", text[length - 1])) length--;
    if (length < at + 1 || text[0] != '(' || memcmp(text + 1, name, at - 1) != 0) return false;
    if (text[length - 1] != ')') return false;
    blank = strspn(text + at, " \n\t");
    if (!blank && at != length - 1) return false;
    at += blank;
    if (at > length - 1) at = length - 1;
    *from = text + at;
    *size = length - 1 - at;
    while (*size && strchr(" \n\t", (*from)[*size - 1])) --*size;
    if (*size && memchr("\"'`", **from, 3)) {
        ++*from, --*size;
        if (*size && (*from)[*size - 1] == '"') --*size;
    }
    return *size == strcspn(*from, " \n\t()\"#");
}

static void put_buffer(crpi_buf *b)
{
    if (b->length) crpi_output_write(NULL, STDOUT_FILENO, b->bytes, b->length);
    crpi_buf_free(b);
}

static void show_commands(void)
{
    crpi_output_text(STDOUT_FILENO,
                     "(help NAME)      what NAME is; Alt-h says it of the name under the cursor\n"
                     "(apropos \"TEXT\") names that have to do with TEXT\n"
                     "_  __  _7        the last value, the one before, that of form 7\n"
                     ":load FILE       run FILE\n"
                     ":time FORM       run FORM and say how long it took\n"
                     ":help            this\n"
                     ":quit            leave, as Ctrl-D does\n"
                     "Tab completes, Enter runs a form once it is whole, Alt-Enter begins a row in any\n"
                     "case, Ctrl-C drops what was typed or interrupts what runs.\n");
}

static bool answer_question(repl *r, const char *text, size_t length)
{
    const char *topic;
    size_t size;
    crpi_buf b;
    bool help = one_argument(text, length, "help", &topic, &size);
    if (!help && !one_argument(text, length, "apropos", &topic, &size)) return false;
    if (!size) {
        show_commands();
        return true;
    }
    crpi_buf_init(&b, &r->vm->mem, 0);
    if (help) crpi_help(r->vm, topic, size, &b, NULL);
    else crpi_apropos(r->vm, topic, size, &b);
    if (!b.length) crpi_buf_text(&b, "nothing has to do with that\n");
    put_buffer(&b);
    return true;
}

/* --- commands ------------------------------------------------------------------------------------------- */

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void time_form(repl *r, const char *form)
{
    char line[160];
    crp_limits before = {.size = sizeof before}, after = {.size = sizeof after};
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    crp_usage(r->vm, &before);
    evaluate(r, form, strlen(form));
    crp_usage(r->vm, &after);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    double kilobytes = ((double)after.heap_bytes - (double)before.heap_bytes) / 1024;
    snprintf(line, sizeof line, "%.6f s, %.6f s of them CPU; memory %+.1f KB\n", wall, cpu, kilobytes);
    crpi_output_text(STDOUT_FILENO, line);
}

static void load_file(repl *r, const char *name)
{
    crp_val value;
    size_t scope = crp_scope_open(r->vm);
    crpi_signals_run();
    crp_status st = crp_callf(r->vm, &value, crp_nil(), "load", "s", name);
    crpi_signals_rest();
    crp_cancel_clear(r->vm);
    if (crpi_signals_caught() == SIGINT) crpi_signals_forget();
    begin_line();
    if (st) show_failure(r, st);
    crp_scope_close(r->vm, scope);
}

/* `text` ends with a NUL, without blanks before it. */
static void command(repl *r, const char *text)
{
    size_t length = strcspn(text, " \t\n");
    const char *rest = text + length + strspn(text + length, " \t\n");
    if (strncmp(text, ":quit", length) == 0) r->leave = true;
    else if (strncmp(text, ":help", length) == 0) show_commands();
    else if (strncmp(text, ":load", length) == 0 && *rest) load_file(r, rest);
    else if (strncmp(text, ":time", length) == 0 && *rest) time_form(r, rest);
    else crpi_output_complain(text, "no such command, or it needs an argument; :help lists them");
}

static void act_on(repl *r, char *text, size_t length)
{
    size_t blanks = strspn(text, " \t\n\r");
    if (blanks >= length) return;
    while (length && strchr(" \t\n\r", text[length - 1])) text[--length] = 0;
    r->front->remember(text);
    crpi_history_add(r->vm, text);
    text += blanks;
    length -= blanks;
    if (is_command(text, length)) command(r, text);
    else if (!answer_question(r, text, length)) evaluate(r, text, length);
}

/* --- the session ---------------------------------------------------------------------------------------- */

static const crpi_front *front_in(const char *file)
{
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    crpi_front_entry entry = object ? (crpi_front_entry)dlsym(object, CRPI_FRONT_ENTRY) : NULL;
    const crpi_front *front = entry ? entry(CRPI_FRONT_ABI) : NULL;
    return front && front->size >= sizeof *front ? front : NULL;
}

/* A program that was built and not installed has its front beside it. */
static const crpi_front *load_front(void)
{
    char file[4096];
    ssize_t n = readlink("/proc/self/exe", file, sizeof file - 40);
    if (n > 0) {
        file[n] = 0;
        strcpy(strrchr(file, '/') + 1, ".libs/carapace-readline.so");
        const crpi_front *beside = access(file, R_OK) == 0 ? front_in(file) : NULL;
        if (beside) return beside;
    }
    return front_in(CRP_PKGLIBDIR "/carapace-readline.so");
}

static bool can_edit(void)
{
    const char *term = getenv("TERM");
    return isatty(0) && isatty(1) && term && *term && strcmp(term, "dumb") != 0;
}

static void choose_front(repl *r, const crpi_front_host *host, bool no_editor)
{
    r->front = !no_editor && can_edit() ? load_front() : NULL;
    if (r->front && r->front->open(host)) return;
    r->front = &crpi_front_plain;
    r->front->open(host);
}

static void greet(repl *r)
{
    char line[160];
    snprintf(line, sizeof line, "Carapace %s.  :help for help, Ctrl-D to leave.\n", crp_version(NULL));
    (void)r;
    crpi_output_text(STDOUT_FILENO, line);
}

static char *init_file(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *folder = "";
    if (!config || *config != '/') config = home, folder = "/.config";
    if (!config || *config != '/') return NULL;
    size_t room = strlen(config) + strlen(folder) + sizeof "/carapace/init.crp";
    char *name = malloc(room);
    if (name) snprintf(name, room, "%s%s/carapace/init.crp", config, folder);
    return name;
}

/* Its variables are those of the prompt. */
static void run_init_file(repl *r)
{
    char *name = init_file(), *text = NULL;
    FILE *file = name ? fopen(name, "re") : NULL;
    size_t length = 0, room = 0;
    if (file && getdelim(&text, &room, EOF, file) > 0) {
        length = strlen(text);
        crpi_signals_run();
        crp_status st = crp_eval(r->vm, text, length, name, NULL);
        crpi_signals_rest();
        if (st) show_failure(r, st);
    }
    if (file) fclose(file);
    free(text);
    free(name);
}

static void read_and_act(repl *r)
{
    char prompt[32], *text = NULL;
    size_t length = 0;
    snprintf(prompt, sizeof prompt, "%u> ", r->number);
    begin_line();
    crpi_output_flush();
    switch (r->front->read_form(prompt, &text, &length)) {
    case CRPI_FRONT_FORM: act_on(r, text, length); break;
    case CRPI_FRONT_INTERRUPTED: break;
    case CRPI_FRONT_EOF:
    case CRPI_FRONT_LEFT: r->leave = true; break;
    }
    free(text);
}

void crpi_repl(crp *vm, const crpi_repl_options *options)
{
    repl r = {.vm = vm, .number = 1};
    const crpi_front_host host = {.size = sizeof host,
                                  .ud = &r,
                                  .whole = is_whole,
                                  .indent = row_column,
                                  .complete = candidates,
                                  .describe = describe_at,
                                  .wait = wait_for_input};
    crpi_signals_interactive(true);
    crpi_signals_forget();
    choose_front(&r, &host, options->no_editor);
    if (isatty(0)) crpi_history_open(r.front->remember);
    if (isatty(0) && isatty(1) && !options->quiet) greet(&r);
    if (!options->no_init) run_init_file(&r);
    while (!r.leave && !crp_stopped(vm, NULL) && !crpi_signals_caught() && !crpi_signals_expired())
        read_and_act(&r);
    r.front->close();
    crpi_signals_interactive(false);
}
