/* Names to addresses, with a DNS server of the test's own in the same process: it answers when the test says so, and
 * time passes when the test says so.
 *
 * A query that the test has not answered is one that is lost. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "comms.h"
#include "resolve.h"

enum { A = 1, AAAA = 28, NXDOMAIN = 3, SERVFAIL = 2, REFUSED = 5, TRUNCATED = 0x0200, PATIENCE = 20000 };

/* --- the server ------------------------------------------------------------------------------------------- */

typedef struct query {
    unsigned char bytes[512];
    size_t length, question; /* where the question ends */
    char name[256];
    int type;
    struct sockaddr_in from;
    int stream; /* it came over TCP; -1: it did not */
} query;

static int udp, tcp, descriptors_at_start;

static int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void open_server(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    char servers[40];
    udp = tcp = -1;
    for (int tries = 0; tries < 100; tries++) { /* the same port of both must be free */
        at.sin_port = 0;
        udp = socket(AF_INET, SOCK_DGRAM, 0);
        tcp = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(bind(udp, (struct sockaddr *)&at, sizeof at), 0);
        ck_assert_int_eq(getsockname(udp, (struct sockaddr *)&at, &length), 0);
        if (bind(tcp, (struct sockaddr *)&at, sizeof at) == 0 && listen(tcp, 5) == 0) break;
        close(udp);
        close(tcp);
    }
    snprintf(servers, sizeof servers, "127.0.0.1:%d", ntohs(at.sin_port));
    setenv("CARAPACE_DNS", servers, 1);
    setenv("LOCALDOMAIN", "", 1);
    unsetenv("RES_OPTIONS");
}

static int64_t still_now(void *state)
{
    (void)state;
    return 1000000 + comms_skipped;
}

static void begin_test(void)
{
    open_server();
    descriptors_at_start = descriptors();
    comms_open();
    comms_platform.now = still_now; /* no machine is too busy */
}

static void end_test(void)
{
    comms_close();
    ck_assert_int_eq(descriptors(), descriptors_at_start);
    close(udp);
    close(tcp);
}

static bool readable(int fd, int milliseconds)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, milliseconds) == 1;
}

static void parse(query *q)
{
    size_t at = 12, n = 0;
    ck_assert_uint_gt(q->length, 16);
    while (q->bytes[at]) {
        size_t label = q->bytes[at++];
        if (n) q->name[n++] = '.';
        memcpy(q->name + n, q->bytes + at, label);
        n += label;
        at += label;
    }
    q->name[n] = 0;
    q->type = q->bytes[at + 1] << 8 | q->bytes[at + 2];
    q->question = at + 5;
}

static query next_query(void)
{
    query q = {.stream = -1};
    socklen_t length = sizeof q.from;
    ck_assert_msg(readable(udp, PATIENCE), "no query");
    q.length = (size_t)recvfrom(udp, q.bytes, sizeof q.bytes, 0, (struct sockaddr *)&q.from, &length);
    parse(&q);
    return q;
}

/* Both of one name, AAAA first. */
static void two_queries(query out[2])
{
    query q[2] = {next_query(), next_query()};
    ck_assert(q[0].type != q[1].type && (q[0].type == AAAA || q[0].type == A));
    ck_assert_str_eq(q[0].name, q[1].name);
    out[0] = q[q[0].type != AAAA];
    out[1] = q[q[0].type == AAAA];
}

static void reply(const query *q, unsigned flags, const char *addresses)
{
    unsigned char out[4096];
    size_t n = q->question, count = 0;
    memcpy(out, q->bytes, n);
    for (const char *at = addresses; *at; at += strspn(at, " ")) {
        char one[64];
        size_t length = strcspn(at, " ");
        snprintf(one, sizeof one, "%.*s", (int)length, at);
        at += length;
        memcpy(out + n, "\xc0\x0c\0\0\0\1\0\0\0\x3c\0\0", 12);
        out[n + 3] = (unsigned char)q->type;
        out[n + 11] = q->type == A ? 4 : 16;
        ck_assert_int_eq(inet_pton(q->type == A ? AF_INET : AF_INET6, one, out + n + 12), 1);
        n += 12u + out[n + 11];
        count++;
    }
    out[2] = (unsigned char)(0x80 | flags >> 8 | (q->bytes[2] & 1));
    out[3] = (unsigned char)(0x80 | (flags & 15));
    memset(out + 6, 0, 6);
    out[6] = (unsigned char)(count >> 8);
    out[7] = (unsigned char)count;
    if (q->stream < 0) {
        ck_assert_int_eq(sendto(udp, out, n, 0, (const struct sockaddr *)&q->from, sizeof q->from), (int)n);
        return;
    }
    const unsigned char size[2] = {(unsigned char)(n >> 8), (unsigned char)n};
    ck_assert_int_eq(write(q->stream, size, 2), 2);
    ck_assert_int_eq(write(q->stream, out, n), (int)n);
}

/* --- connects that are watched ---------------------------------------------------------------------------- */

static char tried[512]; /* the addresses, in order */
static int outcome;     /* of each: 0: the real one's */

static int watched_connect(void *state, int fd, const struct sockaddr *address, unsigned length)
{
    crpi_address a = {.length = length};
    char out[CRPI_ADDRESS_TEXT];
    memcpy(&a.at, address, length);
    crpi_address_text(&a, out);
    *strrchr(out, ':') = 0;
    if (*tried) strcat(tried, " ");
    strcat(tried, out);
    return outcome ? outcome : crp_platform_unix.connect(state, fd, address, length);
}

/* A connect to the name that has asked for its addresses; each attempt ends as `what`. */
static void connecting(running *r, const char *host, int what, query q[2])
{
    crp_word t = make("Tcp");
    expect_ok(set(t, "host", text(host)));
    expect_ok(set(t, "port", number(4711)));
    comms_platform.connect = watched_connect;
    *tried = 0;
    outcome = what;
    begin(r, t, "connect", 0, NULL);
    ck_assert(!step(r));
    two_queries(q);
}

static void pass(running *r, int64_t milliseconds)
{
    comms_skipped += milliseconds;
    ck_assert(!step(r));
}

static void expect_end(running *r, const char *error)
{
    for (int i = 0; i < CALL_ROUNDS && !step(r); i++) wait_for(r);
    ck_assert(r->st != CRP_AGAIN && r->st != CRP_OK);
    ck_assert_msg(strstr(bare_error(vm), error) != NULL, "%s, not %s", bare_error(vm), error);
    crp_clear_error(vm);
}

START_TEST(both_kinds_of_address_are_asked_for_at_once)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    ck_assert_str_eq(q[0].name, "host.example");
    ck_assert(q[0].type == AAAA && q[1].type == A);
    end(&r); /* a connect that is cancelled: no descriptor is left */
    end_test();
}
END_TEST

START_TEST(ipv6_that_comes_first_is_tried_at_once)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[0], 0, "2001:db8::1");
    pass(&r, 0);
    ck_assert_str_eq(tried, "[2001:db8::1]");
    reply(&q[1], 0, "192.0.2.1"); /* it joins the race */
    pass(&r, 249);
    ck_assert_str_eq(tried, "[2001:db8::1]");
    pass(&r, 1);
    ck_assert_str_eq(tried, "[2001:db8::1] 192.0.2.1");
    end(&r);
    end_test();
}
END_TEST

START_TEST(ipv4_that_comes_first_waits_50_ms_for_ipv6)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[1], 0, "192.0.2.1 192.0.2.2");
    pass(&r, 0);
    pass(&r, 49);
    ck_assert_str_eq(tried, "");
    pass(&r, 1);
    ck_assert_str_eq(tried, "192.0.2.1");
    reply(&q[0], 0, "2001:db8::1"); /* too late to be first, but it is next */
    pass(&r, 250);
    ck_assert_str_eq(tried, "192.0.2.1 [2001:db8::1]");
    pass(&r, 250);
    ck_assert_str_eq(tried, "192.0.2.1 [2001:db8::1] 192.0.2.2");
    end(&r);
    end_test();
}
END_TEST

START_TEST(ipv6_that_comes_in_time_is_first)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[1], 0, "127.0.0.1");
    pass(&r, 10);
    reply(&q[0], 0, "::1");
    pass(&r, 10);
    bool has_six = !strcmp(tried, "[::1]"); /* else this machine has no way there */
    ck_assert(has_six || !strcmp(tried, "127.0.0.1"));
    pass(&r, 250);
    ck_assert_str_eq(tried, has_six ? "[::1] 127.0.0.1" : "127.0.0.1 [::1]");
    end(&r);
    end_test();
}
END_TEST

START_TEST(a_name_without_ipv6_is_not_waited_for)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[1], 0, "192.0.2.1");
    reply(&q[0], 0, "");
    pass(&r, 0);
    ck_assert_str_eq(tried, "192.0.2.1");
    end(&r);
    connecting(&r, "six.example", -EINPROGRESS, q);
    reply(&q[1], 0, "");
    pass(&r, 0);
    ck_assert_str_eq(tried, "");
    reply(&q[0], 0, "2001:db8::1");
    pass(&r, 0);
    ck_assert_str_eq(tried, "[2001:db8::1]");
    end(&r);
    end_test();
}
END_TEST

START_TEST(the_families_take_turns_and_a_failure_lets_the_next_begin)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -ECONNREFUSED, q);
    reply(&q[0], 0, "2001:db8::1 2001:db8::2 2001:db8::3");
    reply(&q[1], 0, "192.0.2.1 192.0.2.2");
    ck_assert(step(&r)); /* no time has passed */
    ck_assert_msg(strstr(bare_error(vm), "6.2: Tcp: connect to host.example port 4711 (") == bare_error(vm), "%s",
                  bare_error(vm));
    crp_clear_error(vm);
    int families[5], n = 0;
    for (char *one = strtok(tried, " "); one; one = strtok(NULL, " ")) families[n++] = *one == '[';
    ck_assert_int_eq(n, 5);
    for (int i = 1; i < 4; i++) ck_assert_int_ne(families[i], families[i - 1]);
    end_test();
}
END_TEST

START_TEST(many_addresses_are_all_tried_though_the_first_say_nothing)
{
    begin_test();
    running r;
    query q[2];
    char many[1000] = "";
    for (int i = 1; i <= 28; i++) snprintf(many + strlen(many), 20, "%s192.0.2.%d", i > 1 ? " " : "", i);
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[0], 0, "");
    reply(&q[1], 0, many);
    pass(&r, 0);
    for (int i = 0; i < 7; i++) pass(&r, 250);
    ck_assert_msg(strstr(tried, "192.0.2.8") && !strstr(tried, "192.0.2.9"), "%s", tried);
    pass(&r, 1000);
    ck_assert(!strstr(tried, "192.0.2.9"));
    pass(&r, 10000 - 1000 - 7 * 250); /* the oldest makes room */
    ck_assert(strstr(tried, "192.0.2.9"));
    end(&r);
    end_test();
}
END_TEST

START_TEST(the_first_that_answers_wins)
{
    begin_test();
    running r;
    query q[2];
    crp_word server = make("Tcp"), client = make("Tcp"), peer;
    expect_ok(set(server, "localHost", text("127.0.0.1")));
    expect_ok(call(server, "listen", NULL));
    expect_ok(set(client, "host", text("host.example")));
    expect_ok(set(client, "port", get(server, "localPort")));
    begin(&r, client, "connect", 0, NULL);
    ck_assert(!step(&r));
    two_queries(q);
    reply(&q[1], 0, "127.0.0.1");
    comms_skipped += 0;
    step(&r);
    comms_skipped += 50; /* the answer for IPv6 is lost */
    for (int i = 0; i < 100 && !step(&r); i++) wait_for(&r);
    ck_assert_int_eq(r.st, CRP_OK);
    expect_ok(call(server, "accept", &peer));
    expect_text(get(client, "host"), "host.example");
    end_test();
}
END_TEST

START_TEST(what_the_server_says_is_told)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[0], NXDOMAIN, "");
    reply(&q[1], NXDOMAIN, "");
    expect_end(&r, "6.10: Tcp: no address for host \"host.example\": Domain name not found");
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[0], 0, "");
    reply(&q[1], 0, "");
    expect_end(&r, "6.10: Tcp: no address for host \"host.example\": DNS server returned answer with no data");
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[0], 0, "");
    for (int i = 0; i < 3; i++) { /* it is asked again */
        reply(&q[1], SERVFAIL, "");
        if (step(&r)) break;
        if (i < 2) q[1] = next_query();
    }
    ck_assert(r.st != CRP_AGAIN);
    ck_assert_msg(strstr(bare_error(vm), "6.10: Tcp: no address for host \"host.example\": ") == bare_error(vm), "%s",
                  bare_error(vm));
    end_test();
}
END_TEST

START_TEST(a_query_that_is_lost_is_asked_again)
{
    begin_test();
    setenv("RES_OPTIONS", "retrans:20 retry:3", 1);
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    while (!readable(udp, 0)) { /* nothing is answered */
        wait_for(&r);
        ck_assert(!step(&r));
    }
    query again = next_query();
    ck_assert_str_eq(again.name, "host.example");
    while (again.type != AAAA) {
        while (!readable(udp, 0)) {
            wait_for(&r);
            ck_assert(!step(&r));
        }
        again = next_query();
    }
    reply(&again, 0, "2001:db8::1");
    pass(&r, 0);
    ck_assert_str_eq(tried, "[2001:db8::1]");
    end(&r);
    end_test();
}
END_TEST

START_TEST(a_server_that_says_nothing_is_a_name_not_found)
{
    begin_test();
    setenv("RES_OPTIONS", "retrans:10 retry:2", 1);
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    expect_end(&r, "6.10: Tcp: no address for host \"host.example\": Timeout while contacting DNS servers");
    end_test();
}
END_TEST

START_TEST(a_server_that_is_not_there_is_a_name_not_found)
{
    begin_test();
    running r;
    crp_word t = make("Tcp");
    int other = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    char servers[40];
    bind(other, (struct sockaddr *)&at, sizeof at);
    getsockname(other, (struct sockaddr *)&at, &length);
    close(other); /* a port on which nobody listens */
    snprintf(servers, sizeof servers, "127.0.0.1:%d", ntohs(at.sin_port));
    setenv("CARAPACE_DNS", servers, 1);
    setenv("RES_OPTIONS", "retrans:10 retry:2", 1);
    expect_ok(set(t, "host", text("host.example")));
    expect_ok(set(t, "port", number(1)));
    begin(&r, t, "connect", 0, NULL);
    expect_end(&r, "6.10: Tcp: no address for host \"host.example\": ");
    setenv("CARAPACE_DNS", "no server", 1);
    begin(&r, t, "connect", 0, NULL);
    expect_end(&r, "4.1: Tcp: the variable CARAPACE_DNS of the environment is \"no server\"");
    end_test();
}
END_TEST

START_TEST(an_answer_that_is_cut_short_is_asked_for_by_tcp)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[1], 0, "");
    reply(&q[0], TRUNCATED, "");
    pass(&r, 0);
    ck_assert(readable(tcp, PATIENCE));
    int stream = accept(tcp, NULL, NULL);
    unsigned char size[2];
    for (int i = 0; i < 100 && !readable(stream, 0); i++) {
        wait_for(&r);
        ck_assert(!step(&r));
    }
    ck_assert_int_eq(read(stream, size, 2), 2);
    query again = {.stream = stream, .length = (size_t)(size[0] << 8 | size[1])};
    ck_assert_int_eq(read(stream, again.bytes, again.length), (int)again.length);
    parse(&again);
    ck_assert(again.type == AAAA);
    reply(&again, 0, "2001:db8::1");
    for (int i = 0; i < 100 && !*tried; i++) pass(&r, 0); /* its length is read first */
    ck_assert_str_eq(tried, "[2001:db8::1]");
    end(&r);
    close(stream);
    end_test();
}
END_TEST

START_TEST(the_whole_is_under_the_deadline_of_connect)
{
    begin_test();
    running r;
    query q[2];
    connecting(&r, "host.example", -EINPROGRESS, q);
    reply(&q[1], 0, "192.0.2.1");
    pass(&r, 30000);
    comms_skipped += 30001;
    ck_assert(step(&r));
    ck_assert_msg(strstr(bare_error(vm), "6.1: Tcp: timeout after 60000 ms, connecting"), "%s", bare_error(vm));
    end_test();
}
END_TEST

START_TEST(every_failing_allocation_of_a_look_up_is_a_clean_error)
{
    begin_test();
    for (uint64_t n = 1;; n++) {
        running r;
        crp_word t = make("Tcp");
        expect_ok(set(t, "host", text("host.example")));
        expect_ok(set(t, "port", number(4711)));
        comms_platform.connect = watched_connect;
        outcome = -EINPROGRESS;
        *tried = 0;
        vm->mem.fail_at = vm->mem.count + n;
        begin(&r, t, "connect", 0, NULL);
        bool done = step(&r);
        if (!done) {
            query q[2];
            two_queries(q);
            reply(&q[0], 0, "2001:db8::1");
            done = step(&r);
        }
        bool came = vm->mem.count >= vm->mem.fail_at;
        vm->mem.fail_at = 0;
        if (done) ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
        else end(&r);
        crp_clear_error(vm);
        if (!came) break;
        ck_assert_uint_lt(n, 100);
    }
    end_test();
}
END_TEST

START_TEST(localhost_and_numbers_are_never_asked_for)
{
    begin_test();
    static const char *const own[] = {"localhost", "a.localhost", "LOCALHOST.", "127.0.0.1", "::1", "[::1]"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        crpi_resolver *r;
        crpi_address a;
        crpi_native c = {.call = {.vm = vm}, .deadline = CRP_NO_DEADLINE};
        expect_ok(crpi_resolver_begin(vm, NULL, text(own[i]), 1, &r));
        expect_ok(crpi_resolver_look(&c.call, r));
        ck_assert(crpi_resolver_next(r, &a) && crpi_address_is_loopback(&a) && crpi_address_port(&a) == 1);
        crpi_resolver_free(vm, r);
    }
    ck_assert(!readable(udp, 0));
    end_test();
}
END_TEST

START_TEST(the_order_of_the_families_is_that_of_rfc_6724)
{
    static const struct {
        const char *six, *four;
        bool first;
    } pairs[] = {
        {"::1", "127.0.0.1", true},    /* where both are there */
        {"fe80::1", "127.0.0.1", false}, /* no scope: no way there */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        crpi_address six, four;
        ck_assert(crpi_address_parse(pairs[i].six, 1, &six) && crpi_address_parse(pairs[i].four, 1, &four));
        int fd = socket(AF_INET6, SOCK_DGRAM, 0);
        struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
        if (fd >= 0) close(fd);
        ck_assert_int_eq(crpi_address_six_first(&six, &four), pairs[i].first && has);
    }
}
END_TEST

UNIT_MAIN("resolve", both_kinds_of_address_are_asked_for_at_once, ipv6_that_comes_first_is_tried_at_once,
          ipv4_that_comes_first_waits_50_ms_for_ipv6, ipv6_that_comes_in_time_is_first,
          a_name_without_ipv6_is_not_waited_for, the_families_take_turns_and_a_failure_lets_the_next_begin,
          many_addresses_are_all_tried_though_the_first_say_nothing, the_first_that_answers_wins,
          what_the_server_says_is_told, a_query_that_is_lost_is_asked_again,
          a_server_that_says_nothing_is_a_name_not_found, a_server_that_is_not_there_is_a_name_not_found,
          an_answer_that_is_cut_short_is_asked_for_by_tcp, the_whole_is_under_the_deadline_of_connect,
          every_failing_allocation_of_a_look_up_is_a_clean_error, localhost_and_numbers_are_never_asked_for,
          the_order_of_the_families_is_that_of_rfc_6724)
