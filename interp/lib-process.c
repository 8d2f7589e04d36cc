/* floor 7: running other programs.
 *
 * A command is a String, which /bin/sh reads, or a List of Strings, program and arguments, which nobody reads
 * again. Waiting for one to end is waiting for a descriptor, like everything else; where the system gives
 * none for a process, the native looks again every 20 milliseconds.
 */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ARGUMENTS = 10000, LOOK_AGAIN = 20 /* ms */ };

extern char **environ;

/* A program that a call waits for. Dropped before it has ended, it is told to end, and is not left as a
 * zombie. */
typedef struct running {
    pid_t pid;  /* 0: not started, or ended */
    int watch;  /* a descriptor that is readable when it has ended, plus one; 0: none */
    int output; /* the pipe that its output comes through, plus one; 0: none */
    int input;  /* the socket that its input goes through, plus one; 0: none */
    size_t sent;
    int status;
    crpi_buf text;
} running;

static void close_plus_one(crp *vm, int *fd)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    if (*fd) platform->close(state, *fd - 1);
    *fd = 0;
}

static void drop_running(crp *vm, void *p)
{
    running *r = p;
    close_plus_one(vm, &r->output);
    close_plus_one(vm, &r->input);
    close_plus_one(vm, &r->watch);
    if (r->text.mem) crpi_buf_free(&r->text);
    if (r->pid == 0) return;
    kill(r->pid, SIGKILL);
    while (waitpid(r->pid, &r->status, 0) < 0 && errno == EINTR) continue;
    r->pid = 0;
}

/* --- starting ------------------------------------------------------------------------------------------- */

static crp_status count_arguments(crp *vm, crp_word list, size_t *n)
{
    crp_status st = crpi_lib_list_length(vm, list, n);
    if (st || (*n > 0 && *n <= MOST_ARGUMENTS)) return st;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "a command needs 1 to %d Strings, given %zu",
                     (int)MOST_ARGUMENTS, *n);
}

/* The argument vector of a List; the texts belong to its Strings. */
static crp_status list_arguments(crp *vm, crp_word list, const char **out)
{
    for (; crp_is_pair(list); list = crp_tail(list)) {
        crp_word item = crp_head(list);
        if (!crp_is_string(item))
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                             "a command is made of Strings, given %n %v", item, item);
        crp_status st = crp_c_string(vm, item, out++);
        if (st) return st;
    }
    *out = NULL;
    return CRP_OK;
}

/* What a program gets as standard input and output; -1: ours. */
typedef struct ends {
    int input, output;
} ends;

static const ends ours = {-1, -1};

static crp_status start_program(crp *vm, const char *const *arguments, ends e, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions)) return crp_no_memory(vm);
    int failure = e.output >= 0 ? posix_spawn_file_actions_adddup2(&actions, e.output, 1) : 0;
    if (!failure && e.input >= 0) failure = posix_spawn_file_actions_adddup2(&actions, e.input, 0);
    if (!failure)
        failure =
            posix_spawnp(pid, arguments[0], &actions, NULL, (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure == ENOMEM) return crp_no_memory(vm);
    return failure ? crp_raise_errno(vm, CRP_ERR_SYSTEM, failure, failure, "cannot run %q", arguments[0])
                   : CRP_OK;
}

/* Starts what a command says. */
static crp_status start(crp *vm, crp_word command, ends e, pid_t *pid)
{
    const char *shell[] = {"/bin/sh", "-c", NULL, NULL};
    size_t n;
    if (vm->write) vm->write(vm->write_ud, 1, "", 0);
    if (crp_is_string(command)) {
        crp_status st = crp_c_string(vm, command, &shell[2]);
        return st ? st : start_program(vm, shell, e, pid);
    }
    crp_status st = count_arguments(vm, command, &n);
    if (st) return st;
    const char **arguments = crp_alloc(vm, (n + 1) * sizeof *arguments);
    if (!arguments) return CRP_E_NOMEM;
    st = list_arguments(vm, command, arguments);
    if (!st) st = start_program(vm, arguments, e, pid);
    crp_free_bytes(vm, arguments, (n + 1) * sizeof *arguments);
    return st;
}

/* --- waiting -------------------------------------------------------------------------------------------- */

static void watch(running *r)
{
#ifdef SYS_pidfd_open
    long fd = syscall(SYS_pidfd_open, r->pid, 0);
    if (fd >= 0) r->watch = (int)fd + 1;
#endif
}

static crp_status wait_for_end(crp_call *c, running *r)
{
    pid_t ended = waitpid(r->pid, &r->status, WNOHANG);
    if (ended < 0 && errno != EINTR) {
        int reason = errno;
        r->pid = 0;
        return crp_raise_errno(c->vm, CRP_ERR_SYSTEM, reason, reason, "cannot wait for a command");
    }
    if (ended > 0) {
        r->pid = 0;
        return CRP_OK;
    }
    if (r->watch) crp_wait_fd(c, r->watch - 1, CRP_READABLE);
    else crp_wait_until(c, crp_now(c->vm) + LOOK_AGAIN);
    return CRP_AGAIN;
}

/* As a shell tells it: the exit status, or 128 and the number of the signal. */
static int exit_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static crp_status run(crp_call *c)
{
    running *r = c->state;
    if (c->step++ == 0) {
        crp_status st = start(c->vm, c->args[0], ours, &r->pid);
        if (st) return st;
        watch(r);
    }
    crp_status st = wait_for_end(c, r);
    return st ? st : crp_integer(c->vm, exit_status(r->status), &c->result);
}

/* --- programs that nobody waits for --------------------------------------------------------------------- */

/* Those that have ended must still be asked for, or the system keeps them: each start looks after the earlier
 * ones. */
static crp_status remember(crp *vm, pid_t pid)
{
    crp_word registry, key, list = CRP_NIL, left = CRP_NIL, number;
    int status;
    crp_status st = crp_registry(vm, &registry);
    if (!st) st = crp_string_z(vm, "spawned", &key);
    if (st) return st;
    crp_hashtable_get(vm, registry, key, &list);
    for (; !st && crp_is_pair(list); list = crp_tail(list))
        if (waitpid((pid_t)crp_integer_value(crp_head(list)), &status, WNOHANG) == 0)
            st = crp_cons(vm, crp_head(list), left, &left);
    if (!st) st = crp_integer(vm, pid, &number);
    if (!st) st = crp_cons(vm, number, left, &left);
    return st ? st : crp_hashtable_set(vm, registry, key, left);
}

static crp_status spawn(crp_call *c)
{
    pid_t pid;
    if (c->step > 0 || crp_is_true(c->args[1])) return run(c);
    crp_status st = start(c->vm, c->args[0], ours, &pid);
    if (!st) st = remember(c->vm, pid);
    return st ? st : crp_integer(c->vm, pid, &c->result);
}

/* --- a command's output --------------------------------------------------------------------------------- */

static crp_status no_pipe(crp *vm)
{
    int reason = errno;
    return crp_raise_errno(vm, CRP_ERR_SYSTEM, reason, reason, "cannot make a pipe");
}

/* Input goes through a socket: who writes to a program that has stopped reading gets no signal there. */
static crp_status start_with_pipes(crp_call *c, running *r)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    bool has_input = crpi_lib_given(c, 1);
    crpi_buf_init(&r->text, &c->vm->mem, CRPI_LIB_CAP);
    crp_status st = pipe2(out, O_CLOEXEC) < 0 ? no_pipe(c->vm) : CRP_OK;
    r->output = st ? 0 : out[0] + 1;
    if (!st && has_input && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0) st = no_pipe(c->vm);
    r->input = !st && has_input ? in[0] + 1 : 0;
    if (!st && has_input) (void)!fcntl(in[0], F_SETFL, O_NONBLOCK);
    if (!st) st = start(c->vm, c->args[0], (ends){in[1], out[1]}, &r->pid);
    if (out[1] >= 0) close(out[1]);
    if (in[1] >= 0) close(in[1]);
    if (!st) watch(r);
    return st;
}

/* A program need not read all of its input: what it leaves is not its caller's trouble. */
static crp_status write_input(crp_call *c, running *r)
{
    void *state;
    const char *bytes;
    size_t n;
    if (!r->input) return CRP_OK;
    crp_status st = crpi_lib_bytes(c->vm, c->args[1], &bytes, &n);
    while (!st && r->sent < n) {
        ssize_t sent =
            crp_platform_of(c->vm, &state)->send(state, r->input - 1, bytes + r->sent, n - r->sent);
        if (sent == -EAGAIN) {
            crp_wait_fd(c, r->input - 1, CRP_WRITABLE);
            return CRP_OK;
        }
        if (sent <= 0) break;
        r->sent += (size_t)sent;
    }
    close_plus_one(c->vm, &r->input);
    return st;
}

/* Until the other end is closed. */
static crp_status read_output(crp_call *c, running *r)
{
    char block[4096];
    void *state;
    const crp_platform *platform = crp_platform_of(c->vm, &state);
    while (r->output) {
        if (!crpi_lib_ready(r->output - 1, false)) {
            crp_wait_fd(c, r->output - 1, CRP_READABLE);
            return CRP_AGAIN;
        }
        ssize_t n = platform->read(state, r->output - 1, block, sizeof block);
        if (n < 0)
            return crp_raise_errno(c->vm, CRP_ERR_SYSTEM, (int)-n, (int)-n, "cannot read the output of %v",
                                   c->args[0]);
        if (n == 0) close_plus_one(c->vm, &r->output);
        crpi_buf_put(&r->text, block, (size_t)n);
        if (r->text.failed || r->text.overflow) return crp_no_memory(c->vm);
    }
    return CRP_OK;
}

static crp_status command_output(crp_call *c)
{
    running *r = c->state;
    crp_status st = CRP_OK;
    if (c->step++ == 0) st = start_with_pipes(c, r);
    if (!st) st = write_input(c, r);
    if (!st) st = read_output(c, r);
    if (!st) close_plus_one(c->vm, &r->input);
    if (!st) st = wait_for_end(c, r);
    if (st) return st;
    if (r->status)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "the command %v ended with status %d",
                         c->args[0], exit_status(r->status));
    return crpi_lib_finish(c->vm, &r->text, CRP_STRING, &c->result);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, sizeof(running), NULL, drop_running}
#define COMMAND "1.8 for an empty List or a NUL, 1.11 for an item that is no String."

static const crp_method functions[] = {
    ROW("system", "Integer (command String|List)", run,
        "Runs a command and waits for its end: a String is read by /bin/sh, a List is a program and its "
        "arguments. Its exit status, or 128 and the number of the signal that ended it. Class 3 with the "
        "system's code if it cannot be run, " COMMAND "\n"
        "(system \"exit 3\")                  # --> 3\n"
        "(system '(\"test\" \"-d\" \"/\"))        # --> 0"),
    ROW("spawn", "Integer (command String|List) (wait Object NIL)", spawn,
        "Starts a command and gives its process number at once; with a true `wait` the same as system. Class "
        "3 "
        "with the system's code if it cannot be run, " COMMAND "\n"
        "(> (spawn \"true\") 0)               # --> true\n"
        "(spawn \"exit 4\" true)              # --> 4"),
    ROW("commandOutput", "String (command String|List) (input String|Binary ?)", command_output,
        "Runs a command and gives all that it writes to its standard output; `input` is what it reads. 1.5 "
        "if "
        "its exit status is not 0, class 3 with the system's code if it cannot be run, " COMMAND "\n"
        "(commandOutput '(\"echo\" \"a b\"))    # --> \"a b\\n\"\n"
        "(commandOutput \"sort\" \"b\\na\\n\")    # --> \"a\\nb\\n\"\n"
        "(commandOutput \"exit 1\")           # error: 1.5"),
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_process(crp *vm) { return crp_define_functions(vm, functions); }
