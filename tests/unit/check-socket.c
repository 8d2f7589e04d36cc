/* What can go wrong on a socket, the same for each module that has one: each test runs with Tcp and with Unix. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "comms.h"
#include "socket.h"

enum { TCP, UNIX, KINDS };

static int kind, descriptors_at_start;
static char path[100];

static int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void open_sockets(int which)
{
    kind = which;
    snprintf(path, sizeof path, "@carapace check-socket %d", (int)getpid());
    descriptors_at_start = descriptors();
    comms_open();
}

static void close_sockets(void)
{
    comms_close();
    ck_assert_int_eq(descriptors(), descriptors_at_start);
}

static crp_word new_server(void)
{
    crp_word s = make(kind == TCP ? "Tcp" : "Unix");
    expect_ok(kind == TCP ? set(s, "localHost", text("127.0.0.1")) : set(s, "path", text(path)));
    return s;
}

static crp_word new_client(crp_word server)
{
    crp_word c = make(kind == TCP ? "Tcp" : "Unix");
    if (kind == UNIX) {
        expect_ok(set(c, "path", text(path)));
        return c;
    }
    expect_ok(set(c, "host", text("127.0.0.1")));
    expect_ok(set(c, "port", get(server, "localPort")));
    return c;
}

/* A connection with both of its ends. */
static void connected(crp_word *server, crp_word *client, crp_word *peer)
{
    *server = new_server();
    expect_ok(call(*server, "listen", NULL));
    *client = new_client(*server);
    expect_ok(call(*client, "connect", NULL));
    expect_ok(call(*server, "accept", peer));
    bare_keep(*peer);
}

static int fd_of(crp_word module) { return ((crpi_socket *)crp_object_of(module))->fd_plus_1 - 1; }

static const char *name_of_kind(void) { return kind == TCP ? "Tcp" : "Unix"; }

/* "CODE: Tcp: TEXT" */
#define expect_fault(code, words, ...) \
    do { \
        char fault_text[100]; \
        snprintf(fault_text, sizeof fault_text, "%s: %s: %s", code, name_of_kind(), words); \
        expect_error(fault_text, __VA_ARGS__); \
    } while (0)

#define BOTH for (int which = 0; which < KINDS; which++)

START_TEST(nobody_listens)
{
    BOTH
    {
        open_sockets(which);
        crp_word server = new_server();
        expect_ok(call(server, "listen", NULL));
        crp_word client = new_client(server);
        expect_ok(call(server, "disconnect", NULL));
        expect_fault("6.2", "connect to ", call(client, "connect", NULL));
        ck_assert(!crp_module_of(vm, client)->connected);
        close_sockets();
    }
}
END_TEST

START_TEST(the_peer_resets)
{
    BOTH
    {
        open_sockets(which);
        crp_word server, client, peer, w;
        connected(&server, &client, &peer);
        const struct linger at_once = {1, 0};
        setsockopt(fd_of(peer), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        expect_ok(call(client, "send", NULL, text("this is never read")));
        expect_ok(call(peer, "disconnect", NULL));
        expect_fault("6.3", "receive from ", call(client, "receive", &w));
        close_sockets();
    }
}
END_TEST

START_TEST(the_peer_has_gone_and_no_signal_comes)
{
    BOTH
    {
        open_sockets(which);
        signal(SIGPIPE, SIG_DFL);
        crp_word server, client, peer;
        connected(&server, &client, &peer);
        expect_ok(call(peer, "disconnect", NULL));
        crp_status st = CRP_OK;
        for (int i = 0; i < 1000 && !st; i++) st = call(client, "send", NULL, text("x"));
        expect_fault("6.4", "send to ", st);
        close_sockets();
    }
}
END_TEST

START_TEST(the_peer_says_nothing)
{
    BOTH
    {
        open_sockets(which);
        crp_word server, client, peer, w;
        connected(&server, &client, &peer);
        expect_fault("6.1", "timeout after 20 ms, receiving", call(client, "receive", &w, number(20)));
        expect_ok(call(peer, "send", NULL, text("late")));
        expect_ok(call(client, "receive", &w));
        expect_text(w, "late");
        close_sockets();
    }
}
END_TEST

START_TEST(the_peer_sends_no_more_but_reads_on)
{
    BOTH
    {
        open_sockets(which);
        crp_word server, client, peer, w;
        connected(&server, &client, &peer);
        crp_call c = {.vm = vm};
        expect_ok(call(peer, "send", NULL, text("the last")));
        expect_ok(crpi_socket_shut(&c, crp_module_of(vm, peer)));
        expect_ok(crpi_socket_shut(&c, crp_module_of(vm, peer)));
        expect_ok(call(client, "receive", &w));
        expect_text(w, "the last");
        expect_ok(call(client, "receive", &w));
        ck_assert(w == CRP_NIL);
        expect_ok(call(client, "send", NULL, text("an answer")));
        expect_ok(call(peer, "receive", &w));
        expect_text(w, "an answer");
        expect_error("6.4: ", call(peer, "send", NULL, text("x")));
        close_sockets();
    }
}
END_TEST

/* --- data in pieces ----------------------------------------------------------------------------------------- */

static ssize_t short_send(void *state, int fd, const void *bytes, size_t n)
{
    static int turn;
    if (turn++ % 3 == 0) return -EAGAIN;
    return crp_platform_unix.send(state, fd, bytes, n > 3 ? 3 : n);
}

static ssize_t short_receive(void *state, int fd, void *bytes, size_t n)
{
    (void)n;
    return crp_platform_unix.receive(state, fd, bytes, 1);
}

static void transfer(crp_word from, crp_word to, size_t size)
{
    static char bytes[1 << 20];
    crp_word data[1];
    running sender;
    size_t seen = 0;
    for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 131 >> 4);
    expect_ok(crp_string(vm, bytes, size, data));
    bare_keep(data[0]);
    begin(&sender, from, "send", 1, data);
    bool sent = step(&sender);
    while (seen < size) {
        crp_word w;
        size_t n;
        if (!sent) sent = step(&sender);
        expect_ok(call(to, "receive", &w));
        const char *part = crp_string_data(w, &n);
        ck_assert_mem_eq(part, bytes + seen, n);
        seen += n;
        bare_forget(vm);
    }
    while (!sent) sent = step(&sender);
    ck_assert_int_eq(sender.st, CRP_OK);
}

START_TEST(what_is_sent_and_received_in_pieces_comes_whole)
{
    BOTH
    {
        open_sockets(which);
        crp_word server, client, peer;
        connected(&server, &client, &peer);
        comms_platform.send = short_send;
        comms_platform.receive = short_receive;
        transfer(client, peer, 2000);
        transfer(peer, client, 2000);
        close_sockets();
    }
}
END_TEST

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

START_TEST(signals_in_the_middle_change_nothing)
{
    BOTH
    {
        open_sockets(which);
        struct sigaction action = {.sa_handler = count_signal}; /* no SA_RESTART */
        const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
        crp_word server, client, peer;
        signals = 0;
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &often, NULL);
        connected(&server, &client, &peer);
        while (signals < 20) transfer(client, peer, 1 << 20);
        setitimer(ITIMER_REAL, &never, NULL);
        close_sockets();
    }
}
END_TEST

/* --- descriptors -------------------------------------------------------------------------------------------- */

static struct rlimit usual;

/* From here the process may open `more` descriptors, and no others. */
static void allow_descriptors(int more)
{
    int spare[100], n = 0;
    getrlimit(RLIMIT_NOFILE, &usual);
    while (n < more && (spare[n] = dup(0)) >= 0) n++;
    int next = dup(0); /* the lowest that is free then */
    struct rlimit few = {(rlim_t)next, usual.rlim_max};
    close(next);
    while (n > 0) close(spare[--n]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void allow_all(void) { setrlimit(RLIMIT_NOFILE, &usual); }

START_TEST(no_descriptor_left_is_3_24)
{
    BOTH
    {
        open_sockets(which);
        crp_word server = new_server(), other = make(name_of_kind()), process = make("Process"), named = make("Tcp");
        expect_ok(call(server, "listen", NULL));
        crp_word client = new_client(server), next = new_client(server), command = CRP_NIL, cat = text("cat");
        expect_ok(crp_list(vm, &cat, 1, &command));
        expect_ok(set(process, "command", command));
        if (kind == UNIX) expect_ok(set(other, "path", text("@carapace check-socket other")));
        expect_ok(set(named, "host", text("host.example")));
        expect_ok(set(named, "port", number(1)));
        expect_ok(call(client, "connect", NULL));
        allow_descriptors(0);
        crp_status accepted = call(server, "accept", NULL, number(1000));
        expect_fault("3.24", "accept failed", accepted);
        expect_fault("3.24", "connect to ", call(next, "connect", NULL));
        expect_fault("3.24", "bind to ", call(other, "bind", NULL));
        expect_error("3.24: Process: cannot make a socket pair", call(process, "connect", NULL));
        expect_error("3.24: Tcp: cannot look up host \"host.example\"", call(named, "connect", NULL));
        allow_all();
        expect_ok(call(server, "accept", NULL)); /* it has waited meanwhile */
        close_sockets();
    }
}
END_TEST

static int collections; /* that there was a reason for */

static int counting_socket(void *state, int family)
{
    int fd = crp_platform_unix.socket(state, family);
    if (fd == -EMFILE) collections++;
    return fd;
}

START_TEST(a_connection_that_was_dropped_makes_room)
{
    BOTH
    {
        open_sockets(which);
        crp_word server, client, peer;
        connected(&server, &client, &peer);
        crp_word next = new_client(server);
        comms_platform.socket = counting_socket;
        collections = 0;
        allow_descriptors(0);
        int kept = 0; /* all but the connection's two ends */
        for (int i = 0; i < bare_kept_count; i++)
            if (bare_kept[i] != client && bare_kept[i] != peer) bare_kept[kept++] = bare_kept[i];
        bare_kept_count = kept;
        bare_forget(vm);
        expect_ok(call(next, "connect", NULL));
        ck_assert_int_eq(collections, 1);
        expect_ok(call(server, "accept", NULL));
        allow_all();
        close_sockets();
    }
}
END_TEST

START_TEST(a_connect_that_is_cancelled_leaves_nothing)
{
    open_sockets(UNIX);
    crp_word server = new_server(), client = CRP_NIL;
    running r;
    expect_ok(call(server, "listen", NULL));
    listen(fd_of(server), 0);
    for (int i = 0; i < 100; i++) { /* until its queue is full */
        client = new_client(server);
        begin(&r, client, "connect", 0, NULL);
        if (!step(&r)) break;
    }
    ck_assert_int_eq(r.st, CRP_AGAIN);
    int before = descriptors();
    end(&r);
    ck_assert_int_eq(descriptors(), before - 1);
    ck_assert(!crp_module_of(vm, client)->connecting && !crp_module_of(vm, client)->connected);
    expect_error("6.1: Unix: timeout after 60000 ms, connecting", call(client, "connect", NULL));
    close_sockets();
}
END_TEST

START_TEST(every_failing_allocation_is_a_clean_error)
{
    BOTH
    {
        open_sockets(which);
        for (uint64_t n = 1;; n++) {
            crp_word server = new_server(), peer = CRP_NIL, w, client = CRP_NIL;
            crp_clear_error(vm);
            vm->mem.fail_at = vm->mem.count + n;
            crp_status st = call(server, "listen", NULL);
            uint64_t at = vm->mem.fail_at;
            vm->mem.fail_at = 0;
            if (!st) client = new_client(server);
            vm->mem.fail_at = at;
            if (!st) st = call(client, "connect", NULL);
            if (!st) st = call(server, "accept", &peer);
            if (!st) st = call(peer, "send", NULL, text("x"));
            if (!st) st = call(client, "receive", &w);
            bool came = vm->mem.count >= vm->mem.fail_at;
            vm->mem.fail_at = 0;
            if (st) ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
            if (crp_is_object(peer)) expect_ok(call(peer, "disconnect", NULL));
            expect_ok(call(server, "disconnect", NULL));
            if (!came) break;
            ck_assert_uint_lt(n, 200);
        }
        close_sockets();
    }
}
END_TEST

UNIT_MAIN("socket", nobody_listens, the_peer_resets, the_peer_has_gone_and_no_signal_comes, the_peer_says_nothing,
          the_peer_sends_no_more_but_reads_on, what_is_sent_and_received_in_pieces_comes_whole,
          signals_in_the_middle_change_nothing, no_descriptor_left_is_3_24, a_connection_that_was_dropped_makes_room,
          a_connect_that_is_cancelled_leaves_nothing, every_failing_allocation_is_a_clean_error)
