/* floor 4: Process: a program as the peer: what is sent it reads from its standard input, what it prints is
 * received.
 *
 * One socket pair is both streams, so a Process waits and half-closes like any connection.  The program never
 * outlives the object: a disconnect ends its input and waits for its end, a close tells it to end (SIGTERM),
 * and what is still there when the object is dropped or connected again is ended by force.  So it is never
 * left as a zombie either.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "socket.h"
#include "stack.h"

enum {
    MOST_ARGUMENTS = 10000,
    LOOK_AGAIN = 20 /* milliseconds, where the system gives no descriptor for a process */
};

extern char **environ;

typedef struct process {
    crpi_socket s; /* our end of the pair */
    crp_word command, disconnect_timeout;
    int watch_plus_1; /* a descriptor that is readable when the program has ended; 0: none */
    pid_t pid;        /* 0: not started, or its end was seen */
    bool has_status;
    int status;       /* as waitpid gives it */
    int64_t deadline; /* of a disconnect */
} process;

static process *process_of(crp_module *m) { return (process *)m; }

/* --- its end ------------------------------------------------------------------------------------------ */

/* Takes note of the program's end: true if there is no program now. */
static bool has_ended(process *p, int flags)
{
    pid_t ended = 0;
    if (!p->pid) return true;
    while ((ended = waitpid(p->pid, &p->status, flags)) < 0 && errno == EINTR) continue;
    if (ended == 0) return false;
    p->has_status = ended > 0;
    p->pid = 0;
    return true;
}

/* SIGKILL cannot be refused, so this wait is a short one. */
static void end_by_force(process *p)
{
    if (has_ended(p, WNOHANG)) return;
    kill(p->pid, SIGKILL);
    has_ended(p, 0);
}

static void process_close(crp *vm, crp_module *m)
{
    process *p = process_of(m);
    crpi_socket_close(vm, &p->s);
    if (p->watch_plus_1) crpi_socket_close_fd(vm, p->watch_plus_1 - 1);
    p->watch_plus_1 = 0;
    if (!has_ended(p, WNOHANG)) kill(p->pid, SIGTERM);
}

static void process_drop(crp *vm, crp_object *self)
{
    process_close(vm, (crp_module *)self);
    end_by_force((process *)self);
}

/* --- its start ---------------------------------------------------------------------------------------- */

static bool is_command(crp_word w)
{
    size_t n = 0;
    for (; crp_is_pair(w) && n <= MOST_ARGUMENTS && crp_is_string(crp_head(w)); w = crp_tail(w)) n++;
    return crp_is_string(w) || (n > 0 && n <= MOST_ARGUMENTS && !crp_is_pair(w));
}

/* A List may have been changed since it was set, so this is asked again before each start. */
static crp_status must_be_command(crp *vm, crp_word w)
{
    if (is_command(w)) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "property command of Process: expected a String or a List of 1 to %d Strings, given %n %v",
                     (int)MOST_ARGUMENTS, w, w);
}

/* The argument vector of `command`; the texts belong to its Strings.  `out` has room for MOST_ARGUMENTS and the
 * end. */
static crp_status fill_arguments(crp *vm, const process *p, const char **out)
{
    crp_word rest = p->command;
    crp_status st = must_be_command(vm, rest);
    if (!st && crp_is_string(rest)) {
        *out++ = "/bin/sh";
        *out++ = "-c";
        st = crp_c_string(vm, rest, out++);
    }
    for (; !st && crp_is_pair(rest); rest = crp_tail(rest)) st = crp_c_string(vm, crp_head(rest), out++);
    *out = NULL;
    return st;
}

/* The program starts as a shell's would: nothing blocked, and as usual what signals do that we may treat
 * otherwise. */
static int set_signals(posix_spawnattr_t *attributes)
{
    static const int usual[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGALRM};
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) sigaddset(&defaults, usual[i]);
    int failure = posix_spawnattr_setsigmask(attributes, &none);
    if (!failure) failure = posix_spawnattr_setsigdefault(attributes, &defaults);
    if (!failure)
        failure = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return failure;
}

static int run(process *p, const char *const *arguments, int end)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure) return failure;
    failure = posix_spawnattr_init(&attributes);
    if (!failure) {
        failure = set_signals(&attributes);
        if (!failure) failure = posix_spawn_file_actions_adddup2(&actions, end, 0);
        if (!failure) failure = posix_spawn_file_actions_adddup2(&actions, end, 1);
        if (!failure)
            failure = posix_spawnp(&p->pid, arguments[0], &actions, &attributes,
                                   (char *const *)(uintptr_t)arguments, environ);
        if (failure) p->pid = 0;
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static crp_status start(crp *vm, process *p, int end)
{
    size_t size = (MOST_ARGUMENTS + 1) * sizeof(const char *);
    const char **arguments = crp_alloc(vm, size);
    if (!arguments) return CRP_E_NOMEM;
    crp_status st = fill_arguments(vm, p, arguments);
    int failure = st ? 0 : run(p, arguments, end);
    if (failure == ENOMEM) st = crp_no_memory(vm);
    else if (failure)
        st = crp_module_raise_errno(vm, &p->s.m, CRP_ERR_COMMS, CRP_CONNECT_FAILED, failure, "cannot run %q",
                                    arguments[0]);
    crp_free_bytes(vm, arguments, size);
#ifdef SYS_pidfd_open
    long fd = st ? -1 : syscall(SYS_pidfd_open, p->pid, 0);
    if (fd >= 0) p->watch_plus_1 = (int)fd + 1;
#endif
    return st;
}

static int make_pair(crp *vm, int ends[2])
{
    int made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    if (made < 0 && crpi_socket_none_left(errno)) {
        crp_collect(vm);
        made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    }
    return made < 0 ? errno : 0;
}

static crp_status process_connect(crp_call *call, crp_module *m)
{
    process *p = process_of(m);
    int ends[2];
    if (!crp_is_true(p->command))
        return crp_module_raise(call->vm, m, CRP_ERR_CONFIG, 1, "connect: `command` is not set");
    process_close(call->vm, m);
    end_by_force(p);
    int failure = make_pair(call->vm, ends);
    if (failure)
        return crpi_socket_raise(call->vm, m, CRP_CONNECT_FAILED, failure, "cannot make a socket pair");
    p->s.fd_plus_1 = ends[0] + 1;
    p->s.reset_is_end = true;
    p->has_status = false;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    crp_status st = start(call->vm, p, ends[1]);
    close(ends[1]);
    return st;
}

/* --- the end of the dialogue -------------------------------------------------------------------------- */

/* What the program still prints is read away, or it could wait for ever for somebody to read it. */
static crp_status wait_for_end(crp_call *call, process *p)
{
    char block[4096];
    size_t got = 1;
    crp_status st = CRP_OK;
    while (!st && got > 0) {
        got = 0;
        st = crpi_socket_receive(call, &p->s.m, block, sizeof block, &got);
    }
    if (st && st != CRP_AGAIN) crp_clear_error(call->vm);
    if (has_ended(p, WNOHANG)) return CRP_OK;
    if (crp_now(call->vm) >= p->deadline)
        return crp_module_raise(call->vm, &p->s.m, CRP_ERR_COMMS, CRP_DISCONNECT_FAILED,
                                "the program did not end within %ld ms, and was told to",
                                crp_integer_value(p->disconnect_timeout));
    if (p->watch_plus_1) crp_wait_fd(call, p->watch_plus_1 - 1, CRP_READABLE);
    int64_t again = crp_now(call->vm) + LOOK_AGAIN;
    crp_wait_until(call, p->watch_plus_1 || p->deadline < again ? p->deadline : again);
    return CRP_AGAIN;
}

/* The end of its input is the goodbye. */
static crp_status process_disconnect(crp_call *call, crp_module *m)
{
    process *p = process_of(m);
    if (m->step == 0) {
        if (crpi_socket_shut(call, m)) crp_clear_error(call->vm);
        p->deadline = crp_now(call->vm) + crp_integer_value(p->disconnect_timeout);
        m->step = 1;
    }
    return wait_for_end(call, p);
}

/* --- the class ---------------------------------------------------------------------------------------- */

static crp_status set_command(crp *vm, crp_object *self, crp_word value)
{
    crp_status st = must_be_command(vm, value);
    if (!st) crp_store(vm, self, &((process *)self)->command, value);
    return st;
}

static crp_status get_process_id(crp *vm, crp_object *self, crp_word *out)
{
    process *p = (process *)self;
    has_ended(p, WNOHANG);
    return crp_integer(vm, p->pid, out);
}

/* As a shell tells it: the exit status, or 128 and the number of the signal. */
static crp_status get_exit_status(crp *vm, crp_object *self, crp_word *out)
{
    process *p = (process *)self;
    *out = CRP_NIL;
    if (!has_ended(p, WNOHANG) || !p->has_status) return CRP_OK;
    return crp_integer(vm, WIFSIGNALED(p->status) ? 128 + WTERMSIG(p->status) : WEXITSTATUS(p->status), out);
}

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .flags = CRP_MODULE_BOTTOM,
    .connect = process_connect,
    .disconnect = process_disconnect,
    .close = process_close,
    .send = crpi_socket_send,
    .receive = crpi_socket_receive,
    .shut = crpi_socket_shut,
};

#define AT(field) offsetof(process, field)

static const crp_property properties[] = {
    {"command", "Object", CRP_RW | CRP_CONFIG | CRP_STACK, AT(command), NULL, NULL,
     "what is run: a String is read by /bin/sh, a List is a program and its arguments\n"
     "p.command                           # --> (\"cat\")", NULL, set_command},
    {"disconnectTimeout", "Integer", CRP_RW | CRP_STACK, AT(disconnect_timeout), "5000", "0..86400000",
     "milliseconds that disconnect waits for the program's end\n"
     "p.disconnectTimeout                 # --> 5000", NULL, NULL},
    {"processId", "Integer", CRP_READ | CRP_STACK, 0, NULL, NULL,
     "number of the process; 0 when there is none\n"
     "(> p.processId 0)                   # --> true", get_process_id, NULL},
    {"exitStatus", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL,
     "what the program ended with, or 128 and the number of the signal that ended it; () until then\n"
     "(p.disconnect)\n"
     "p.exitStatus                        # --> 0", get_exit_status, NULL},
    {"loopback", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL, "true: it never leaves the machine\n"
     "p.loopback                          # --> true", crpi_get_true, NULL},
    {"secure", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL, "(): nothing is encrypted here\n"
     "p.secure                            # --> ()", crpi_get_false, NULL},
    CRP_PROPERTY_LOG_OF("p"),
    {0},
};

static const crp_method methods[] = {
    CRP_METHOD_CONNECT("(p.connect)\n"
                       "(p.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(p.send \"hello\")"),
    CRP_METHOD_RECEIVE("(p.receive)                         # --> \"hello\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(p.send \"hello\")\n"
                            "(p.receiveInto room)\n"
                            "room.string                         # --> \"hel\""),
    CRP_METHOD_INFO("(p.info).bytesSent                  # --> 10"),
    CRP_METHOD_DISCONNECT("(p.disconnect)\n"
                          "p.exitStatus                        # --> 0"),
    CRP_METHODS_NO_LISTENING("p"),
    {0},
};

const crp_class_def crpi_process_class = {
    .size = sizeof(crp_class_def),
    .name = "Process",
    .help = "A program that is run, its standard input and output as the connection: a bottom module.\n"
            "(set p (create Process '((command (\"cat\")))))   # it gives back what it gets\n"
            "(p.connect)",
    .instance_size = sizeof(process),
    .properties = properties,
    .methods = methods,
    .mark = crp_module_mark,
    .drop = process_drop,
    .module = &ops,
};
