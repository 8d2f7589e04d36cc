/* floor 10: the program: options, what they ask for, and the status that it ends with.
 *
 * It is a host like any other: an interpreter, its texts, its errors.  What belongs to a process and not to a
 * library is here: signals, exit statuses, where output goes.
 */
#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "carapace.h"
#include "lib.h"
#include "options.h"
#include "output.h"
#include "platform-virtual.h"
#include "reference.h"
#include "repl.h"
#include "signals.h"

enum { KEPT_MEMORY = 4 << 20 /* bytes */ };
enum { ENDED_WELL = 0, ENDED_BADLY = 1, WRONG_USE = 2, DOES_NOT_COMPILE = 3, OUT_OF_TIME = 124 };

/* --- the interpreter ------------------------------------------------------------------------------------ */

typedef struct program {
    crpi_options options;
    crp *vm;
    crp_token *token;
    crp_platform platform; /* the real one, but for a wait that writes what is held back */
    void *real;
    crpi_virtual clock;
    bool prompted;
} program;

static int (*plain_wait)(void *state, int64_t milliseconds, crp_ready *out, int max);

static int wait_and_write(void *state, int64_t milliseconds, crp_ready *out, int max)
{
    if (milliseconds != 0) crpi_output_flush();
    return plain_wait(state, milliseconds, out, max);
}

/* With CARAPACE_CLOCK=virtual, for tests, time jumps to the next deadline instead of being waited for. */
static void *choose_platform(program *p)
{
    const char *clock = getenv("CARAPACE_CLOCK");
    bool is_virtual = clock && strcmp(clock, "virtual") == 0;
    p->platform = is_virtual ? crpi_platform_virtual : crp_platform_unix;
    plain_wait = p->platform.wait;
    p->platform.wait = wait_and_write;
    if (!is_virtual) return p->real;
    crpi_virtual_init(&p->clock, &crp_platform_unix, p->real);
    return &p->clock;
}

/* What follows the script's name; with -e there is no such name. */
static const char *const *script_arguments(const crpi_options *o)
{
    int first = o->operand + (o->form_count == 0);
    return (const char *const *)o->argv + (first < o->argc ? first : o->argc);
}

static bool start(program *p)
{
    const crpi_options *o = &p->options;
    crp_config config;
    crp_config_init(&config);
    if (!crp_platform_unix_open(&p->real)) return false;
    config.platform_state = choose_platform(p);
    config.platform = &p->platform;
    config.path = (const char *const *)o->path;
    config.command_line = (const char *const *)o->argv;
    config.arguments = script_arguments(o);
    if (crp_new(&config, &p->vm)) return false;
    p->token = crp_token_get(p->vm);
    if (!p->token) return false;
    crp_limits limits = {.size = sizeof limits, .heap_bytes = o->max_heap};
    if (o->max_heap && crp_limits_set(p->vm, &limits)) return false;
    crp_io(p->vm, crpi_output_write, NULL);
    crpi_signals_open(p->token);
    if (o->deadline) crpi_signals_deadline(o->deadline);
    return true;
}

static void end(program *p)
{
    crp_free(p->vm);
    if (p->token) crp_token_put(p->token);
    if (p->real) crp_platform_unix_close(p->real);
    p->vm = NULL;
    p->token = NULL;
    p->real = NULL;
}

/* --- texts ---------------------------------------------------------------------------------------------- */

static char *read_all(int fd, size_t *length)
{
    size_t room = 65536, used = 0;
    char *text = malloc(room);
    while (text) {
        ssize_t n = read(fd, text + used, room - used);
        if (n < 0 && errno == EINTR && !crpi_signals_caught() && !crpi_signals_expired()) continue;
        if (n <= 0) {
            *length = used;
            if (n == 0) return text;
            break;
        }
        used += (size_t)n;
        if (used < room) continue;
        char *wider = room <= SIZE_MAX / 4 ? realloc(text, room *= 2) : NULL;
        if (!wider) break;
        text = wider;
    }
    int reason = text ? errno : ENOMEM;
    free(text);
    errno = reason;
    return NULL;
}

/* A descriptor of a file that can be read; -1 with errno. */
static int open_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        errno = EISDIR;
        return -1;
    }
    return fd;
}

static int unreadable(const char *path)
{
    crpi_output_complain(path, strerror(errno));
    return WRONG_USE;
}

/* Shows the error; `compile` is the status for what does not compile. */
static int judge(program *p, crp_status st, int compile)
{
    if (st == CRP_OK) return ENDED_WELL;
    if (st != CRP_E_CANCELLED) crpi_output_report(p->vm);
    return st == CRP_E_SYNTAX || st == CRP_INCOMPLETE ? compile : ENDED_BADLY;
}

static int run_text(program *p, const char *text, size_t length, const char *name, int compile,
                    crp_val *value)
{
    crpi_signals_run();
    crp_status st = crp_eval(p->vm, text, length, name, value);
    crpi_signals_rest();
    return judge(p, st, compile);
}

/* A file with variables of its own. */
static int run_file(program *p, const char *path)
{
    int fd = open_file(path);
    if (fd < 0) return unreadable(path);
    close(fd);
    crpi_signals_run();
    crp_status st = crp_eval_file(p->vm, path, NULL);
    crpi_signals_rest();
    return judge(p, st, DOES_NOT_COMPILE);
}

/* What is no file here may be one of those that `load` finds. */
static int load_file(program *p, const char *name)
{
    crp_val unused;
    if (strchr(name, '/') || access(name, F_OK) == 0) return run_file(p, name);
    crpi_signals_run();
    crp_status st = crp_callf(p->vm, &unused, crp_nil(), "load", "s", name);
    crpi_signals_rest();
    int status = judge(p, st, DOES_NOT_COMPILE);
    return st == CRP_E_IO ? WRONG_USE : status;
}

/* What a descriptor gives, with the variables of the prompt. */
static int run_descriptor(program *p, int fd, const char *name, int compile)
{
    size_t length;
    crpi_signals_run();
    char *text = read_all(fd, &length);
    crpi_signals_rest();
    if (crpi_signals_caught() || crpi_signals_expired()) return free(text), ENDED_BADLY;
    if (!text) return unreadable(name);
    int status = run_text(p, text, length, name, compile, NULL);
    free(text);
    return status;
}

static int run_before_prompt(program *p, const char *path)
{
    int fd = open_file(path);
    if (fd < 0) return unreadable(path);
    int status = run_descriptor(p, fd, path, DOES_NOT_COMPILE);
    close(fd);
    return status;
}

static int check_file(program *p, const char *path)
{
    int fd = open_file(path);
    if (fd < 0) return unreadable(path);
    close(fd);
    crpi_signals_run();
    crp_status st = crp_check_file(p->vm, path);
    crpi_signals_rest();
    return judge(p, st, DOES_NOT_COMPILE) ? DOES_NOT_COMPILE : ENDED_WELL;
}

static int run_form(program *p, const char *form)
{
    crp_val value, text;
    const char *bytes;
    size_t length;
    int status = run_text(p, form, strlen(form), "-e", DOES_NOT_COMPILE, &value);
    if (status || !p->options.print) return status;
    crp_status st = crp_text(p->vm, value, true, &text);
    if (!st) st = crp_get_data(p->vm, text, &bytes, &length);
    if (st) return judge(p, st, DOES_NOT_COMPILE);
    if (length) crpi_output_write(NULL, 1, bytes, length);
    crpi_output_text(1, "\n");
    return ENDED_WELL;
}

/* --- what is asked for ---------------------------------------------------------------------------------- */

static void print_version(void)
{
    char text[200];
    unsigned abi = 0;
    const char *version = crp_version(&abi);
    snprintf(text, sizeof text, "carapace (Carapace) %s\nlibcarapace ABI %u\n", version, abi);
    crpi_output_text(1, text);
}

/* --- carapace doc --------------------------------------------------------------------------------------- */

typedef struct reference {
    const char *folder; /* NULL: all goes to stdout */
    int fault;          /* errno of the first page that could not be written */
} reference;

static bool write_whole(int fd, const char *text, size_t length)
{
    for (ssize_t n; length; text += n, length -= (size_t)n) {
        n = write(fd, text, length);
        if (n < 0) return false;
    }
    return true;
}

static void write_page(void *ud, const char *file, const char *text, size_t length)
{
    reference *r = ud;
    char path[4096];
    if (!r->folder) {
        crpi_output_write(NULL, STDOUT_FILENO, text, length);
        return;
    }
    snprintf(path, sizeof path, "%s/%s", r->folder, file);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if ((fd < 0 || !write_whole(fd, text, length)) && !r->fault) r->fault = errno;
    if (fd >= 0) close(fd);
}

static int write_reference(program *p)
{
    const crpi_options *o = &p->options;
    reference r = {.folder = o->operand + 1 < o->argc ? o->argv[o->operand + 1] : NULL};
    if (r.folder && r.folder[0] == '-') {
        crpi_output_complain("doc", "expected a FOLDER or nothing; try --help");
        return WRONG_USE;
    }
    if (r.folder && mkdir(r.folder, 0777) && errno != EEXIST) return unreadable(r.folder);
    bool whole = crpi_reference_pages(p->vm, write_page, &r);
    if (r.fault) crpi_output_complain(r.folder, strerror(r.fault));
    return whole && !r.fault ? ENDED_WELL : ENDED_BADLY;
}

/* A file of that name is a script; `carapace test` in a folder with tests in `test` is no less a command. */
static bool is_command(const crpi_options *o, const char *name)
{
    struct stat st;
    if (o->form_count || o->then_prompt || o->check_only || o->operand == o->argc) return false;
    return strcmp(o->argv[o->operand], name) == 0 && (stat(name, &st) || S_ISDIR(st.st_mode));
}

/* An error ends everything but the way to the prompt that -i asks for. */
static int run_operand(program *p)
{
    const crpi_options *o = &p->options;
    const char *operand = o->operand < o->argc ? o->argv[o->operand] : NULL;
    if (o->form_count) return ENDED_WELL;
    if (!operand && (o->then_prompt || isatty(0))) return ENDED_WELL;
    if (!operand || strcmp(operand, "-") == 0) return run_descriptor(p, 0, "stdin", ENDED_BADLY);
    if (is_command(o, "doc")) return write_reference(p);
    return o->then_prompt ? run_before_prompt(p, operand) : run_file(p, operand);
}

static bool ended(const program *p, int *status)
{
    return crp_stopped(p->vm, status) || crpi_signals_caught() || crpi_signals_expired();
}

static int run(program *p)
{
    const crpi_options *o = &p->options;
    int status = ENDED_WELL;
    if (o->check_only) return check_file(p, o->argv[o->operand]);
    for (int i = 0; !status && i < o->load_count; i++) status = load_file(p, o->loads[i]);
    for (int i = 0; !status && i < o->form_count; i++) status = run_form(p, o->forms[i]);
    if (!status) status = run_operand(p);
    int unused;
    bool nothing_given = !o->form_count && o->operand == o->argc && isatty(0);
    if (ended(p, &unused) || status == WRONG_USE || !(o->then_prompt || nothing_given)) return status;
    if (status && !o->then_prompt) return status;
    p->prompted = true;
    crpi_repl(p->vm, &o->repl);
    return ENDED_WELL;
}

static void at_end_failed(void *ud) { crpi_output_report(((program *)ud)->vm); }

/* What was given to `atEnd`, also after a signal; a second one ends the program at once. */
static bool run_at_end(program *p)
{
    crp_cancel_clear(p->vm);
    crpi_signals_run();
    crp_status st = crp_end(p->vm, at_end_failed, p);
    crpi_signals_rest();
    return st == CRP_OK;
}

/* Ends the interpreter and says what the process ends with; a signal that was caught ends it right here. */
static int finish(program *p, int status)
{
    int signal_number = crpi_signals_caught();
    bool expired = crpi_signals_expired();
    if (p->vm) {
        if (!run_at_end(p) && !status) status = ENDED_BADLY;
        crp_stopped(p->vm, &status);
        if (!p->prompted && !crpi_test_finish(p->vm) && !status) status = ENDED_BADLY;
        crpi_signals_close();
    }
    end(p);
    crpi_options_free(&p->options);
    crpi_output_flush();
    if (expired) return OUT_OF_TIME;
    if (signal_number) crpi_signals_die(signal_number);
    if (!crpi_output_error()) return status;
    crpi_output_complain("standard output", strerror(crpi_output_error()));
    return status ? status : ENDED_BADLY;
}

static int cannot_start(program *p)
{
    crpi_output_complain("cannot start", "no memory or no descriptor left");
    return finish(p, ENDED_BADLY);
}

/* --- carapace test -------------------------------------------------------------------------------------- */

/* In a child: the options are those of the test run, the arguments only the script. */
static int run_script(void *ud, const char *path, const char *filter)
{
    program *p = ud;
    char *argv[] = {p->options.argv[0], (char *)path, NULL};
    p->options.argc = 2;
    p->options.argv = argv;
    p->options.operand = 1;
    p->options.deadline = 0;
    crpi_output_open(p->options.colour, p->options.errors);
    if (!start(p) || (filter && crpi_test_filter(p->vm, filter))) return cannot_start(p);
    return finish(p, run(p));
}

static crp *begin_examples(void *ud)
{
    program *p = ud;
    p->options.deadline = 0;
    p->options.operand = p->options.argc;
    if (!start(p)) return NULL;
    for (int i = 0; i < p->options.load_count; i++)
        if (load_file(p, p->options.loads[i])) return NULL;
    crpi_signals_run();
    return p->vm;
}

static void end_examples(void *ud)
{
    crpi_signals_rest();
    end(ud);
}

static int run_tests(program *p)
{
    crpi_options *o = &p->options;
    const crpi_tester_host host = {run_script, begin_examples, end_examples, p};
    if (!crpi_options_parse_test(o)) return WRONG_USE;
    if (o->test.help) crpi_options_help_test();
    if (o->test.help) return ENDED_WELL;
    if (o->deadline) crpi_signals_deadline(o->deadline);
    return crpi_tester_run(&o->test, o->argv + o->operand, o->argc - o->operand, &host);
}

/* A descriptor that the parent closed would be the next file's; writing to or reading from it must fail
 * instead. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0) _exit(ENDED_BADLY);
}

/* A message's block of memory is likely to be wanted again: glibc shall not give it back to the system each time, which
 * would make pages anew, and zero them, for every one. */
static void keep_freed_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY);
    mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
#endif
}

int main(int argc, char **argv)
{
    static program p;
    fill_standard_descriptors();
    keep_freed_memory();
    p.options = (crpi_options){.argc = argc, .argv = argv};
    crpi_output_open(CRPI_COLOUR_AUTO, CRPI_ERRORS_HUMAN);
    if (!crpi_options_parse(&p.options)) return WRONG_USE;
    crpi_output_open(p.options.colour, p.options.errors);
    if (p.options.help) crpi_options_help();
    if (p.options.version && !p.options.help) print_version();
    if (p.options.help || p.options.version) return finish(&p, ENDED_WELL);
    if (is_command(&p.options, "test")) return finish(&p, run_tests(&p));
    return start(&p) ? finish(&p, run(&p)) : cannot_start(&p);
}
