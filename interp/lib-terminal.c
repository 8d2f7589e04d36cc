/* floor 7: what a script may ask of the terminal: is there one, how wide is it, and a password without echo.
 */
#include "lib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* --- readPassword --------------------------------------------------------------------------------------- */

enum { MOST_PASSWORD = 4096 };

/* A password being typed. However the call ends, dropping this brings the echo back and wipes the password.
 */
typedef struct typing {
    bool started, own, silent; /* own: the terminal was opened here; silent: the echo is off */
    int fd;
    struct termios before;
    size_t length;
    char text[MOST_PASSWORD];
} typing;

static void drop_typing(crp *vm, void *p)
{
    typing *t = p;
    void *state;
    if (t->silent) tcsetattr(t->fd, TCSAFLUSH, &t->before);
    if (t->own) crp_platform_of(vm, &state)->close(state, t->fd);
    t->silent = t->own = false;
    explicit_bzero(t->text, sizeof t->text);
}

static void turn_echo_off(typing *t)
{
    if (tcgetattr(t->fd, &t->before) < 0) return;
    struct termios quiet = t->before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    t->silent = tcsetattr(t->fd, TCSAFLUSH, &quiet) == 0;
}

static void show(crp *vm, const typing *t, const char *text, size_t n)
{
    void *state;
    const crp_platform *platform = crp_platform_of(vm, &state);
    if (t->own) (void)!platform->write(state, t->fd, text, n);
    else if (vm->write) vm->write(vm->write_ud, 2, text, n);
}

static void start(crp_call *c, typing *t)
{
    void *state;
    size_t n;
    const char *prompt = crp_string_data(c->args[0], &n);
    t->fd = crp_platform_of(c->vm, &state)->open(state, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    t->own = t->fd >= 0;
    if (!t->own) t->fd = 0;
    if (c->vm->write) c->vm->write(c->vm->write_ud, 1, "", 0);
    turn_echo_off(t);
    if (t->silent) show(c->vm, t, prompt, n);
    t->started = true;
}

/* One byte more; *end: the line has ended. Byte by byte, because what follows on standard input is not ours.
 */
static crp_status type_byte(crp_call *c, typing *t, bool *end)
{
    void *state;
    char byte;
    if (!crpi_lib_ready(t->fd, false)) {
        crp_wait_fd(c, t->fd, CRP_READABLE);
        return CRP_AGAIN;
    }
    ssize_t n = crp_platform_of(c->vm, &state)->read(state, t->fd, &byte, 1);
    if (n == -EAGAIN) {
        crp_wait_fd(c, t->fd, CRP_READABLE);
        return CRP_AGAIN;
    }
    if (n < 0)
        return crp_raise_errno(c->vm, CRP_ERR_FILE, CRPI_CANNOT_READ, (int)-n, "cannot read a password");
    *end = n == 0 || byte == '\n';
    if (*end) return CRP_OK;
    if (t->length == MOST_PASSWORD)
        return crp_raise(c->vm, CRP_ERR_FILE, CRPI_CANNOT_READ,
                         "cannot read a password: it is longer than %d bytes", (int)MOST_PASSWORD);
    t->text[t->length++] = byte;
    return CRP_OK;
}

static crp_status read_password(crp_call *c)
{
    typing *t = c->state;
    bool end = false;
    crp_status st = CRP_OK;
    if (!t->started) start(c, t);
    while (!st && !end) st = type_byte(c, t, &end);
    if (st) return st;
    if (t->length && t->text[t->length - 1] == '\r') t->length--;
    if (t->silent) show(c->vm, t, "\n", 1);
    return crp_string(c->vm, t->text, t->length, &c->result);
}

/* --- the terminal --------------------------------------------------------------------------------------- */

static crp_status is_terminal(crp_call *c)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    size_t n;
    const char *name = crp_string_data(c->args[0], &n);
    for (int fd = 0; fd < 3; fd++)
        if (strlen(names[fd]) == n && memcmp(names[fd], name, n) == 0) {
            c->result = crp_bool(isatty(fd));
            return CRP_OK;
        }
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected stdin, stdout or stderr, given %v",
                     c->args[0]);
}

static crp_status terminal_width(crp_call *c)
{
    struct winsize size;
    int64_t width = 0;
    const char *columns = getenv("COLUMNS");
    for (int fd = 2; fd >= 0 && width == 0; fd--)
        if (ioctl(fd, TIOCGWINSZ, &size) == 0) width = size.ws_col;
    bool wanted = width == 0 && columns;
    while (wanted && *columns >= '0' && *columns <= '9' && width < 10000)
        width = width * 10 + (*columns++ - '0');
    return crp_integer(c->vm, width > 0 ? width : 80, &c->result);
}

static const crp_method functions[] = {
    {"readPassword", "String (prompt String \"Password: \")", read_password,
     "Asks on the terminal and reads a line without showing it; where there is no terminal, a line of "
     "standard input, without asking. 5.3 if it cannot be read or is longer than 4096 bytes.\n"
     "(defun String ask () (readPassword \"Password of fred: \"))",
     sizeof(typing), NULL, drop_typing},
    {"isTerminal", "Object (name String \"stdout\")", is_terminal,
     "true if stdin, stdout or stderr is a terminal, else (); 1.8 for another name.\n"
     "(isTerminal \"printer\")            # error: 1.8",
     0, NULL, NULL},
    {"terminalWidth", "Integer", terminal_width,
     "Columns of the terminal; without one what COLUMNS says, else 80.\n"
     "(> (terminalWidth) 0)              # --> true",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_terminal(crp *vm) { return crp_define_functions(vm, functions); }
