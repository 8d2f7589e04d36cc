/* run-repl: plays sessions at the prompt, on a terminal of its own, and prints TAP.
 *
 *     run-repl FILE.session ...
 *
 * The name of a file is the sentence that it proves.  Its lines, in order:
 *
 *     args -n -q            how the program is started from here on; nothing at first
 *     env NAME=VALUE        its environment; HOME is an empty folder, TERM is xterm
 *     start                 starts it
 *     keys (+ 1 2)\r        types; \r Enter, \t Tab, \e Escape, \xHH a byte (\x03 is Ctrl-C), \\ a backslash
 *     see TEXT              waits until it shows the text, after what was seen last; \n is a line break
 *     within 100 TEXT       the same, and it must take at most so many milliseconds
 *     never TEXT            it has not shown this since it was started
 *     pause 50              waits so many milliseconds
 *     signal TERM           sends INT, TERM or HUP
 *     end 0                 waits until it ends, with this status; `end signal 2`: by this signal
 *     write FILE TEXT       writes a file below HOME, and makes the folders that it is in
 *     holds FILE TEXT       a file below HOME has this text in it
 *     lacks FILE TEXT       it has not
 *     mode FILE 600         the file's permissions
 *
 * What is shown is compared without escape sequences and carriage returns.  The program is $CARAPACE.
 */
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
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ARGS = 16, MAX_ENV = 16, SHOWN = 1500, ROWS = 30, COLUMNS = 100 };

static struct session {
    char home[PATH_MAX];
    char *args[MAX_ARGS + 2];
    char *env[MAX_ENV];
    int env_count;
    pid_t pid;
    int terminal;
    char *shown; /* without escape sequences */
    size_t shown_count, shown_room, seen;
    int escape; /* where in an escape sequence the output is: 0 in none */
    int line; /* of the session's file */
    char why[SHOWN * 2 + 500];
} s;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t patience(void)
{
    const char *seconds = getenv("CARAPACE_TEST_TIMEOUT");
    return seconds ? atoi(seconds) * 1000LL : getenv("CARAPACE_TEST_MODE") ? 60000 : 15000;
}

static bool fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(s.why, sizeof s.why, format, list);
    va_end(list);
    return false;
}

/* --- what the program shows ----------------------------------------------------------------------------- */

enum { PLAIN, AFTER_ESCAPE, IN_CSI, IN_OSC, ONE_MORE };

/* Whether the byte is part of the text; follows escape sequences. */
static bool is_text(unsigned char c)
{
    switch (s.escape) {
    case AFTER_ESCAPE:
        s.escape = c == '[' ? IN_CSI : c == ']' ? IN_OSC : c == '(' || c == ')' ? ONE_MORE : PLAIN;
        return false;
    case IN_CSI:
        if (c >= 0x40 && c <= 0x7e) s.escape = PLAIN;
        return false;
    case IN_OSC:
        if (c == 7) s.escape = PLAIN;
        return false;
    case ONE_MORE: s.escape = PLAIN; return false;
    }
    if (c == 27) s.escape = AFTER_ESCAPE;
    return c != 27 && c != '\r' && c != 7;
}

static void take(const char *bytes, size_t n)
{
    if (s.shown_count + n + 1 > s.shown_room) {
        s.shown_room = (s.shown_count + n + 1) * 2;
        s.shown = realloc(s.shown, s.shown_room);
        if (!s.shown) abort();
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_text((unsigned char)bytes[i])) continue;
        if (bytes[i] == '\b' && s.shown_count) s.shown_count--;
        else s.shown[s.shown_count++] = bytes[i];
    }
    s.shown[s.shown_count] = 0;
}

/* False: there is nothing more to come, or the time is over. */
static bool read_more(int64_t until)
{
    char bytes[4096];
    struct pollfd p = {.fd = s.terminal, .events = POLLIN};
    int64_t left = until - now();
    if (left <= 0 || poll(&p, 1, (int)left) <= 0) return false;
    ssize_t n = read(s.terminal, bytes, sizeof bytes);
    if (n <= 0) return false;
    take(bytes, (size_t)n);
    return true;
}

static bool see(const char *text, int64_t milliseconds)
{
    int64_t until = now() + milliseconds;
    for (;;) {
        const char *at = s.shown && s.seen <= s.shown_count ? strstr(s.shown + s.seen, text) : NULL;
        if (at) {
            s.seen = (size_t)(at - s.shown) + strlen(text);
            return true;
        }
        if (read_more(until)) continue;
        size_t rest = s.shown_count - s.seen, skipped = rest > SHOWN ? rest - SHOWN : 0;
        return fail("not seen: %s\ninstead:\n%s", text, s.shown ? s.shown + s.seen + skipped : "(nothing)");
    }
}

/* --- the program ---------------------------------------------------------------------------------------- */

/* On Ctrl-C the terminal signals first and drops what it holds a moment later, which may already be the answer to the
 * signal: here it keeps it. */
static int keep_output(int fd)
{
    struct termios mode;
    if (tcgetattr(fd, &mode)) return -1;
    mode.c_lflag |= NOFLSH;
    return tcsetattr(fd, TCSANOW, &mode);
}

static void become_program(const char *terminal)
{
    struct winsize size = {.ws_row = ROWS, .ws_col = COLUMNS};
    char home[PATH_MAX + 8];
    setsid();
    int fd = open(terminal, O_RDWR);
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) || ioctl(fd, TIOCSWINSZ, &size) || keep_output(fd)) _exit(120);
    for (int i = 0; i < 3; i++) dup2(fd, i);
    if (fd > 2) close(fd);
    snprintf(home, sizeof home, "HOME=%s", s.home);
    putenv(home);
    static const char *const unset[] = {"XDG_STATE_HOME", "XDG_CONFIG_HOME", "CARAPACE_HISTORY",
                                        "CARAPACE_PATH",  "NO_COLOR",        "CLICOLOR_FORCE",
                                        "LINES",          "COLUMNS"};
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++) unsetenv(unset[i]);
    setenv("TERM", "xterm", 1);
    setenv("INPUTRC", "/dev/null", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    for (int i = 0; i < s.env_count; i++) putenv(s.env[i]);
    if (getenv("CARAPACE_GC_EVERY")) setenv("CARAPACE_GC_EVERY", "1000", 1); /* at each one it takes hours */
    if (chdir(s.home)) _exit(121);
    execv(s.args[0], s.args);
    _exit(122);
}

static bool start(void)
{
    s.terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s.terminal < 0 || grantpt(s.terminal) || unlockpt(s.terminal))
        return fail("no terminal: %s", strerror(errno));
    s.shown_count = s.seen = 0;
    s.escape = 0;
    const char *name = ptsname(s.terminal);
    s.pid = fork();
    if (s.pid < 0) return fail("cannot fork");
    if (s.pid == 0) become_program(name);
    return true;
}

static bool ended_as(int status, int expected, bool by_signal)
{
    if (by_signal && WIFSIGNALED(status) && WTERMSIG(status) == expected) return true;
    if (!by_signal && WIFEXITED(status) && WEXITSTATUS(status) == expected) return true;
    return fail("ended %s %d", WIFSIGNALED(status) ? "by signal" : "with status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static bool wait_for_end(const char *expected)
{
    int status;
    bool by_signal = strncmp(expected, "signal ", 7) == 0;
    for (int64_t until = now() + patience(); now() < until;) {
        pid_t pid = waitpid(s.pid, &status, WNOHANG);
        if (pid == s.pid) {
            s.pid = 0;
            while (read_more(now() + 50)) {
            }
            close(s.terminal);
            return ended_as(status, atoi(by_signal ? expected + 7 : expected), by_signal);
        }
        if (!read_more(now() + 20)) usleep(5000);
    }
    return fail("does not end");
}

static void stop_what_runs(void)
{
    if (s.pid <= 0) return;
    kill(s.pid, SIGKILL);
    waitpid(s.pid, NULL, 0);
    close(s.terminal);
    s.pid = 0;
}

/* --- the lines of a session ----------------------------------------------------------------------------- */

/* In place; the length, because a byte may be NUL. */
static size_t unescape(char *text)
{
    char *to = text;
    for (char *p = text; *p; p++) {
        if (*p != '\\' || !p[1]) {
            *to++ = *p;
            continue;
        }
        char hex[3] = "";
        switch (*++p) {
        case 'r': *to++ = '\r'; break;
        case 'n': *to++ = '\n'; break;
        case 't': *to++ = '\t'; break;
        case 'e': *to++ = 27; break;
        case 'x':
            for (int i = 0; i < 2 && p[1]; i++) hex[i] = *++p;
            *to++ = (char)strtol(hex, NULL, 16);
            break;
        default: *to++ = *p;
        }
    }
    *to = 0;
    return (size_t)(to - text);
}

static bool type(char *text)
{
    size_t n = unescape(text);
    return write(s.terminal, text, n) == (ssize_t)n || fail("cannot type: %s", strerror(errno));
}

static void free_words(void)
{
    for (int i = 1; s.args[i]; i++) free(s.args[i]);
    for (int i = 0; i < s.env_count; i++) free(s.env[i]);
}

static bool set_args(char *words)
{
    for (int i = 1; s.args[i]; i++) free(s.args[i]);
    int n = 1;
    for (char *word = strtok(words, " "); word && n <= MAX_ARGS; word = strtok(NULL, " "))
        s.args[n++] = strdup(word);
    s.args[n] = NULL;
    return true;
}

static bool add_env(const char *pair)
{
    if (s.env_count == MAX_ENV) return fail("too many env lines");
    s.env[s.env_count++] = strdup(pair);
    return true;
}

static bool send_signal(const char *name)
{
    int number = strcmp(name, "INT") == 0 ? SIGINT : strcmp(name, "HUP") == 0 ? SIGHUP : SIGTERM;
    return kill(s.pid, number) == 0 || fail("cannot send a signal");
}

/* Splits "FILE TEXT"; gives the file's whole path. */
static const char *path_of(char *text, char **rest)
{
    static char path[PATH_MAX * 2];
    *rest = strchr(text, ' ');
    if (*rest) *(*rest)++ = 0;
    else *rest = text + strlen(text);
    snprintf(path, sizeof path, "%s/%s", s.home, text);
    return path;
}

static bool write_file(char *line)
{
    char *text, folders[PATH_MAX * 2];
    snprintf(folders, sizeof folders, "%s", path_of(line, &text));
    for (char *slash = folders + strlen(s.home) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(folders, 0700);
    }
    FILE *file = fopen(folders, "w");
    if (!file) return fail("cannot write %s", line);
    fwrite(text, 1, unescape(text), file);
    fclose(file);
    return true;
}

static bool look_into(char *line, bool wanted)
{
    char *text, bytes[65536];
    FILE *file = fopen(path_of(line, &text), "r");
    size_t n = file ? fread(bytes, 1, sizeof bytes - 1, file) : 0;
    bytes[n] = 0;
    if (file) fclose(file);
    if (!file && wanted) return fail("there is no %s", line);
    return (strstr(bytes, text) != NULL) == wanted || fail("%s is:\n%s", line, bytes);
}

static bool check_mode(char *line)
{
    char *mode;
    struct stat st;
    if (stat(path_of(line, &mode), &st)) return fail("there is no %s", line);
    unsigned found = st.st_mode & 07777;
    return found == (unsigned)strtol(mode, NULL, 8) || fail("%s has mode %o", line, found);
}

static bool has_not_shown(char *text)
{
    unescape(text);
    read_more(now() + 50);
    return !s.shown || !strstr(s.shown, text) || fail("has shown %s:\n%s", text, s.shown);
}

static bool act(const char *verb, char *rest)
{
    if (strcmp(verb, "start") == 0) return start();
    if (strcmp(verb, "args") == 0) return set_args(rest);
    if (strcmp(verb, "env") == 0) return add_env(rest);
    if (strcmp(verb, "keys") == 0) return type(rest);
    if (strcmp(verb, "see") == 0) return unescape(rest), see(rest, patience());
    if (strcmp(verb, "never") == 0) return has_not_shown(rest);
    if (strcmp(verb, "pause") == 0) return usleep((unsigned)atoi(rest) * 1000u), true;
    if (strcmp(verb, "signal") == 0) return send_signal(rest);
    if (strcmp(verb, "end") == 0) return wait_for_end(rest);
    if (strcmp(verb, "write") == 0) return write_file(rest);
    if (strcmp(verb, "holds") == 0) return look_into(rest, true);
    if (strcmp(verb, "lacks") == 0) return look_into(rest, false);
    if (strcmp(verb, "mode") == 0) return check_mode(rest);
    if (strcmp(verb, "within") != 0) return fail("no such line: %s", verb);
    char *text;
    int64_t limit = strtol(rest, &text, 10);
    if (getenv("CARAPACE_TEST_MODE")) limit *= 20;
    unescape(++text);
    return see(text, limit);
}

static bool play(FILE *file)
{
    char line[4096];
    bool ok = true;
    while (ok && fgets(line, sizeof line, file)) {
        s.line++;
        line[strcspn(line, "\n")] = 0;
        if (!line[0] || line[0] == '#') continue;
        char *rest = strchr(line, ' '), verb[20];
        snprintf(verb, sizeof verb, "%.*s", rest ? (int)(rest - line) : (int)strlen(line), line);
        ok = act(verb, rest ? rest + 1 : line + strlen(line));
    }
    return ok;
}

/* --- files ---------------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static const char *sentence(const char *path)
{
    static char text[300];
    const char *name = strrchr(path, '/');
    snprintf(text, sizeof text, "%s", name ? name + 1 : path);
    text[strcspn(text, ".")] = 0;
    for (char *p = text; *p; p++)
        if (*p == '-') *p = ' ';
    return text;
}

static void run_file(int number, const char *path)
{
    static char program[PATH_MAX];
    const char *folder = getenv("TMPDIR");
    memset(&s, 0, sizeof s);
    if (!realpath(getenv("CARAPACE") ? getenv("CARAPACE") : "./carapace", program)) program[0] = 0;
    s.args[0] = program;
    snprintf(s.home, sizeof s.home, "%s/run-repl-XXXXXX", folder ? folder : "/tmp");
    FILE *file = fopen(path, "r");
    bool ok = file && mkdtemp(s.home) ? play(file) : fail("cannot read it, or make a folder");
    stop_what_runs();
    nftw(s.home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (file) fclose(file);
    free(s.shown);
    free_words();
    printf("%s %d - %s\n", ok ? "ok" : "not ok", number, sentence(path));
    if (!ok) printf("# line %d:\n", s.line);
    for (char *line = ok ? NULL : strtok(s.why, "\n"); line; line = strtok(NULL, "\n"))
        printf("# %s\n", line);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    printf("1..%d\n", argc - 1);
    fflush(stdout);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) run_file(i, argv[i]);
    return 0;
}
