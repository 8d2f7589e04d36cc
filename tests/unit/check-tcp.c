/* Tcp over loopback sockets: connect, data, listen, accept, and that no descriptor is left behind. */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "comms.h"
#include "resolve.h"

static int descriptors_at_start;

static int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void open_tcp(void)
{
    descriptors_at_start = descriptors();
    comms_open();
}

static void close_tcp(void)
{
    comms_close();
    ck_assert_int_eq(descriptors(), descriptors_at_start);
}

static crp_word listener(const char *host)
{
    crp_word t = make("Tcp");
    expect_ok(set(t, "localHost", text(host)));
    expect_ok(call(t, "listen", NULL));
    return t;
}

static crp_word client_of(const char *host, crp_word server)
{
    crp_word t = make("Tcp");
    expect_ok(set(t, "host", text(host)));
    expect_ok(set(t, "port", get(server, "localPort")));
    return t;
}

/* A port on which nobody listens. */
static crp_word free_port(void)
{
    crp_word t = listener("127.0.0.1"), port = get(t, "localPort");
    expect_ok(call(t, "disconnect", NULL));
    return port;
}

START_TEST(what_one_end_sends_the_other_receives)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server), peer, w;
    ck_assert_int_gt(crp_integer_value(get(server, "localPort")), 0);
    expect_ok(call(client, "connect", NULL));
    expect_ok(call(server, "accept", &peer));
    bare_keep(peer);
    expect_ok(call(client, "send", NULL, text("hello")));
    expect_ok(call(peer, "receive", &w));
    expect_text(w, "hello");
    expect_ok(call(peer, "send", NULL, text("world")));
    expect_ok(call(client, "receive", &w));
    expect_text(w, "world");
    expect_error("6.1: Tcp: timeout after 20 ms, receiving", call(client, "receive", &w, number(20)));
    expect_ok(call(peer, "disconnect", NULL));
    expect_ok(call(client, "receive", &w));
    ck_assert(w == CRP_NIL);
    expect_ok(call(client, "disconnect", NULL));
    expect_error("6.11: Tcp: not connected", call(client, "send", NULL, text("x")));
    expect_error("6.11: Tcp: not connected", call(client, "receive", NULL));
    close_tcp();
}
END_TEST

START_TEST(an_accepted_connection_is_a_connected_tcp_with_the_peer_as_host)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server), peer, w;
    expect_error("6.8: Tcp: accept before listen", call(client, "accept", NULL));
    expect_error("6.1: Tcp: timeout after 10 ms, waiting for a connection",
                 call(server, "accept", NULL, number(10)));
    expect_ok(call(client, "connect", NULL));
    expect_ok(call(server, "accept", &peer));
    expect_text(get(peer, "host"), "127.0.0.1");
    ck_assert(get(peer, "port") == get(client, "localPort") && get(peer, "loopback") == CRP_TRUE);
    expect_ok(call(peer, "info", &w));
    ck_assert(get(w, "isConnected") == CRP_TRUE);
    crp_word there = get(client, "localAddress"), here = get(w, "peerAddress");
    expect_text(here, crp_string_data(there, NULL));
    /* it goes on a stack as it is */
    crp_word s = make("CommsStack");
    expect_ok(call(s, "push", NULL, peer));
    expect_ok(call(s, "push", NULL, make("Util")));
    expect_ok(call(client, "send", NULL, text("a line\r\n")));
    expect_ok(call(get(s, "top"), "receiveLine", &w));
    expect_text(w, "a line");
    close_tcp();
}
END_TEST

START_TEST(much_data_goes_through_in_parts)
{
    open_tcp();
    static char bytes[4 << 20];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 131 >> 4);
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server), peer, w, data[1];
    expect_ok(call(client, "connect", NULL));
    expect_ok(call(server, "accept", &peer));
    bare_keep(peer);
    expect_ok(crp_string(vm, bytes, sizeof bytes, data));
    bare_keep(data[0]);
    running sender;
    begin(&sender, client, "send", 1, data);
    bool sent = step(&sender);
    ck_assert(!sent);
    size_t seen = 0, n;
    while (seen < sizeof bytes) {
        if (!sent) sent = step(&sender);
        expect_ok(call(peer, "receive", &w));
        const char *part = crp_string_data(w, &n);
        ck_assert_mem_eq(part, bytes + seen, n);
        seen += n;
        bare_forget(vm);
    }
    while (!sent) sent = step(&sender);
    ck_assert_int_eq(sender.st, CRP_OK);
    close_tcp();
}
END_TEST

START_TEST(a_send_that_times_out_closes_the_connection)
{
    open_tcp();
    static char bytes[32 << 20];
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server), peer, data;
    expect_ok(call(client, "connect", NULL));
    expect_ok(call(server, "accept", &peer));
    expect_ok(crp_string(vm, bytes, sizeof bytes, &data));
    expect_error("6.1: Tcp: timeout after 50 ms, sending", call(client, "send", NULL, data, number(50)));
    expect_error("6.11: ", call(client, "send", NULL, text("x")));
    close_tcp();
}
END_TEST

START_TEST(a_closed_port_is_an_error_that_names_it)
{
    open_tcp();
    crp_word t = make("Tcp"), port = free_port();
    char expected[200];
    expect_ok(set(t, "host", text("127.0.0.1")));
    expect_ok(set(t, "port", port));
    snprintf(expected, sizeof expected,
             "6.2: Tcp: connect to 127.0.0.1 port %d (127.0.0.1:%d) failed: connection refused",
             (int)crp_integer_value(port), (int)crp_integer_value(port));
    expect_error(expected, call(t, "connect", NULL));
    ck_assert(!crp_module_of(vm, t)->connected);
    close_tcp();
}
END_TEST

START_TEST(localhost_is_looked_up_and_each_address_tried)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("localhost", server), peer;
    expect_ok(call(client, "connect", NULL)); /* also where localhost is ::1 first, where nobody listens */
    expect_ok(call(server, "accept", &peer));
    close_tcp();
}
END_TEST

START_TEST(a_name_that_nobody_has_is_6_10)
{
    open_tcp();
    crp_word t = make("Tcp");
    expect_ok(set(t, "host", text("no-such-host.invalid")));
    expect_ok(set(t, "port", number(110)));
    expect_error("6.10: Tcp: no address for host \"no-such-host.invalid\"", call(t, "connect", NULL));
    close_tcp();
}
END_TEST

START_TEST(host_and_port_must_be_set)
{
    open_tcp();
    crp_word t = make("Tcp");
    expect_error("4.1: Tcp: connect: `host` is not set", call(t, "connect", NULL));
    expect_ok(set(t, "host", text("127.0.0.1")));
    expect_error("4.1: Tcp: connect: `port` is not set", call(t, "connect", NULL));
    expect_error("1.7: ", set(t, "port", number(65536)));
    expect_error("1.11: ", set(t, "port", text("110")));
    close_tcp();
}
END_TEST

START_TEST(settings_are_locked_while_connected_or_listening)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server);
    expect_error("1.2: property localPort of Tcp can be set only while it is not connected",
                 set(server, "localPort", number(1)));
    expect_ok(call(client, "connect", NULL));
    expect_error("1.2: property host of Tcp", set(client, "host", text("x")));
    expect_ok(set(client, "receiveTimeout", number(5)));
    expect_error("6.1: Tcp: timeout after 5 ms", call(client, "receive", NULL));
    expect_ok(call(client, "disconnect", NULL));
    expect_ok(set(client, "host", text("x")));
    close_tcp();
}
END_TEST

START_TEST(a_taken_port_is_6_7_and_a_foreign_address_too)
{
    open_tcp();
    crp_word first = listener("127.0.0.1"), second = make("Tcp");
    expect_ok(set(second, "localHost", text("127.0.0.1")));
    expect_ok(set(second, "localPort", get(first, "localPort")));
    expect_error("6.7: Tcp: bind to \"127.0.0.1\" port", call(second, "bind", NULL));
    crp_word third = make("Tcp");
    expect_ok(set(third, "localHost", text("192.0.2.77")));
    expect_error("6.7: Tcp: bind to \"192.0.2.77\" port 0 failed: the address is not",
                 call(third, "listen", NULL));
    expect_ok(set(third, "localHost", text("a name")));
    expect_error("6.7: Tcp: localHost \"a name\" is not a numeric address", call(third, "bind", NULL));
    close_tcp();
}
END_TEST

START_TEST(a_local_port_to_connect_from_is_used)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server), port = free_port(),
             peer;
    expect_ok(set(client, "localHost", text("localhost")));
    expect_ok(set(client, "localPort", port));
    expect_ok(call(client, "connect", NULL));
    expect_ok(call(server, "accept", &peer));
    ck_assert(get(peer, "port") == port);
    close_tcp();
}
END_TEST

START_TEST(ipv6_works_where_the_system_has_it)
{
    open_tcp();
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (fd >= 0) close(fd);
    if (has) {
        crp_word server = listener(""), client = client_of("::1", server),
                 other = client_of("127.0.0.1", server), peer;
        expect_ok(call(client, "connect", NULL));
        expect_ok(call(server, "accept", &peer));
        expect_text(get(peer, "host"), "::1");
        ck_assert(get(peer, "loopback") == CRP_TRUE);
        expect_ok(call(other, "connect", NULL));
        expect_ok(call(server, "accept", &peer));
        ck_assert(get(peer, "loopback") == CRP_TRUE); /* ::ffff:127.0.0.1 */
    }
    close_tcp();
}
END_TEST

/* --- the race ------------------------------------------------------------------------------------------- */

static int opened, closed, fail_sockets, connects;

static int counting_socket(void *state, int family)
{
    if (++opened <= fail_sockets) return -EMFILE;
    return crp_platform_unix.socket(state, family);
}

static int counting_close(void *state, int fd)
{
    closed++;
    return crp_platform_unix.close(state, fd);
}

/* The first attempt hangs, as a host that drops packets does. */
static int first_hangs(void *state, int fd, const struct sockaddr *address, unsigned length)
{
    if (connects++ == 0) return -EINPROGRESS;
    return crp_platform_unix.connect(state, fd, address, length);
}

START_TEST(an_address_that_does_not_answer_does_not_hold_up_the_next)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("localhost", server), peer;
    crpi_address a;
    crpi_resolver *r;
    size_t n = 0;
    crpi_native c = {.call = {.vm = vm, .self = client}, .deadline = CRP_NO_DEADLINE};
    expect_ok(crpi_resolver_begin(vm, NULL, text("localhost"), 1, &r));
    expect_ok(crpi_resolver_look(&c.call, r));
    while (crpi_resolver_next(r, &a)) n++;
    crpi_resolver_free(vm, r);
    if (n > 1) {
        comms_platform.connect = first_hangs;
        comms_platform.close = counting_close;
        int64_t before = crp_now(vm);
        expect_ok(call(client, "connect", NULL));
        ck_assert_int_ge(crp_now(vm) - before, 249);
        ck_assert_int_lt(crp_now(vm) - before, 5000);
        ck_assert_int_eq(closed, 1); /* the loser */
        expect_ok(call(server, "accept", &peer));
    }
    close_tcp();
}
END_TEST

START_TEST(no_descriptor_is_an_error_and_a_connect_that_is_dropped_leaves_none)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server);
    comms_platform.socket = counting_socket;
    fail_sockets = 2;
    expect_error("3.24: Tcp: connect to 127.0.0.1 port", call(client, "connect", NULL));
    opened = 0;
    fail_sockets = 1; /* once: what was collected has made room */
    expect_ok(call(client, "connect", NULL));
    expect_ok(call(client, "disconnect", NULL));
    comms_platform.connect = first_hangs;
    running r;
    begin(&r, client, "connect", 0, NULL);
    ck_assert(!step(&r));
    end(&r);
    connects = 0;
    begin(&r, client, "connect", 0, NULL);
    ck_assert(!step(&r));
    comms_skipped += 60001;
    ck_assert(step(&r) && r.st != CRP_OK);
    ck_assert_msg(!strncmp(bare_error(vm), "6.1: Tcp: timeout after 60000 ms, connecting", 40), "%s",
                  bare_error(vm));
    close_tcp();
}
END_TEST

START_TEST(every_failing_allocation_is_a_clean_error_and_leaves_no_descriptor)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("localhost", server);
    for (uint64_t n = 1;; n++) {
        crp_word peer = CRP_NIL;
        crp_clear_error(vm);
        vm->mem.fail_at = vm->mem.count + n;
        crp_status st = call(client, "connect", NULL);
        if (!st) st = call(server, "accept", &peer);
        bool came = vm->mem.count >= vm->mem.fail_at;
        vm->mem.fail_at = 0;
        if (st) ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
        if (crp_is_object(peer)) expect_ok(call(peer, "disconnect", NULL));
        expect_ok(call(client, "disconnect", NULL));
        if (!came) break;
        ck_assert_uint_lt(n, 200);
    }
    close_tcp();
}
END_TEST

START_TEST(a_tcp_that_nobody_refers_to_is_closed_by_the_collector)
{
    open_tcp();
    crp_word server = listener("127.0.0.1"), client = client_of("127.0.0.1", server), peer;
    expect_ok(call(client, "connect", NULL));
    expect_ok(call(server, "accept", &peer));
    int before = descriptors();
    bare_kept_count = 0;
    bare_forget(vm);
    crpi_collect(vm);
    ck_assert_int_eq(descriptors(), before - 3);
    close_tcp();
}
END_TEST

START_TEST(addresses_are_read_and_written)
{
    crpi_address a;
    char out[CRPI_ADDRESS_TEXT];
    static const struct {
        const char *in, *out;
    } good[] = {{"192.0.2.1", "192.0.2.1:110"}, {"::1", "[::1]:110"}, {"[2001:db8::5]", "[2001:db8::5]:110"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert(crpi_address_parse(good[i].in, 110, &a));
        crpi_address_text(&a, out);
        ck_assert_str_eq(out, good[i].out);
    }
    static const char *const bad[] = {"",          "localhost", "1.2.3",
                                      "1.2.3.4.5", "[::1",      "::1]",
                                      "[1.2.3.4]", ":::",       "fe80::1%no-such-interface"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!crpi_address_parse(bad[i], 1, &a), "%s", bad[i]);
    ck_assert(crpi_address_parse("127.1.2.3", 1, &a) && crpi_address_is_loopback(&a));
    ck_assert(crpi_address_parse("128.1.2.3", 1, &a) && !crpi_address_is_loopback(&a));
    ck_assert(crpi_address_parse("::ffff:127.0.0.1", 1, &a) && crpi_address_is_loopback(&a));
    ck_assert(crpi_address_parse("::2", 1, &a) && !crpi_address_is_loopback(&a));
}
END_TEST

UNIT_MAIN("tcp", what_one_end_sends_the_other_receives,
          an_accepted_connection_is_a_connected_tcp_with_the_peer_as_host, much_data_goes_through_in_parts,
          a_send_that_times_out_closes_the_connection, a_closed_port_is_an_error_that_names_it,
          localhost_is_looked_up_and_each_address_tried, a_name_that_nobody_has_is_6_10,
          host_and_port_must_be_set, settings_are_locked_while_connected_or_listening,
          a_taken_port_is_6_7_and_a_foreign_address_too, a_local_port_to_connect_from_is_used,
          ipv6_works_where_the_system_has_it, an_address_that_does_not_answer_does_not_hold_up_the_next,
          no_descriptor_is_an_error_and_a_connect_that_is_dropped_leaves_none,
          every_failing_allocation_is_a_clean_error_and_leaves_no_descriptor,
          a_tcp_that_nobody_refers_to_is_closed_by_the_collector, addresses_are_read_and_written)
