/* Tls: both ends in one process, over Memory: every fault is refused, every byte may be the last, nothing is lost. */
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>
#include "comms.h"
#include "tls-openssl.h"
#include "tls.h"

enum { MOST_ROUNDS = 100000 };

static char folder[64];

/* --- the two ends --------------------------------------------------------------------------------------- */

typedef struct end {
    crp_word memory, tls, util, stack;
} end_of;

static end_of client, server;

static const char *file(const char *name)
{
    static char path[4][128];
    static int next;
    snprintf(path[next = (next + 1) % 4], sizeof *path, "%s/%s", folder, name);
    return path[next];
}

static void make_certificates(void)
{
    char command[160];
    strcpy(folder, "/tmp/tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(command, sizeof command, "tests/tls/certificates %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* The part is where the tests are built, not beside this program. */
static void load_part(void)
{
    typedef const void *(*entry)(unsigned);
    void *object = dlopen("./.libs/carapace-tls.so", RTLD_NOW | RTLD_LOCAL);
    if (!object) return;
    vm->parts[0].part = &crpi_tls_part;
    vm->parts[0].table = ((entry)(uintptr_t)dlsym(object, CRPI_TLS_ENTRY))(CRPI_TLS_ABI);
}

static void set_text(crp_word o, const char *name, const char *value) { expect_ok(set(o, name, text(value))); }

/* Both ends, not connected: Util on Tls on Memory. */
static void new_pair(int64_t capacity)
{
    bare_kept_count = 0;
    client = (end_of){.memory = make("Memory"), .tls = make("Tls"), .util = make("Util")};
    expect_ok(set(client.memory, "capacity", number(capacity)));
    server = (end_of){.memory = bare_keep(get(client.memory, "peer")), .tls = make("Tls"), .util = make("Util")};
    client.stack = bare_keep(STACK(client.memory, client.tls, client.util));
    server.stack = bare_keep(STACK(server.memory, server.tls, server.util));
    set_text(client.tls, "serverName", "mail.example.org");
    set_text(client.tls, "caFile", file("ca.pem"));
    set_text(server.tls, "certificate", file("server.pem"));
    set_text(server.tls, "mode", "server");
}

static void open_tls(void)
{
    make_certificates();
    comms_open();
    load_part();
    new_pair(65536);
}

static void close_tls(void)
{
    char command[96];
    comms_close();
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Several calls by turns, until all are done. */
static void run_all(size_t n, running *r)
{
    for (int round = 0; round < MOST_ROUNDS; round++) {
        size_t done = 0;
        for (size_t i = 0; i < n; i++) {
            if (r[i].st == CRP_AGAIN) step(&r[i]);
            done += r[i].st != CRP_AGAIN;
        }
        if (done == n) return;
        bare_forget(vm);
    }
    ck_abort_msg("they wait for each other");
}

typedef struct verdicts {
    char client[700], server[700];
} verdicts;

static void tell(char *out, running *r)
{
    if (r->st == CRP_OK) {
        strcpy(out, "ok");
        return;
    }
    snprintf(out, 700, "%.699s", bare_error(vm));
    crp_clear_error(vm);
}

/* Connects both; the error of one does not hide that of the other. */
static verdicts connect_both(void)
{
    running r[2];
    verdicts v = {"", ""};
    begin(&r[0], server.stack, "connect", 0, NULL);
    step(&r[0]); /* a Memory must be there before its other end sends */
    begin(&r[1], client.stack, "connect", 0, NULL);
    for (int round = 0; round < MOST_ROUNDS && (!*v.client || !*v.server); round++) {
        if (!*v.client && step(&r[1])) tell(v.client, &r[1]);
        if (!*v.server && (r[0].st != CRP_AGAIN || step(&r[0]))) tell(v.server, &r[0]);
        bare_forget(vm);
    }
    return v;
}

static void connect_well(void)
{
    verdicts v = connect_both();
    ck_assert_str_eq(v.client, "ok");
    ck_assert_str_eq(v.server, "ok");
}

static void expect_begins(const char *given, const char *expected)
{
    ck_assert_msg(!strncmp(given, expected, strlen(expected)), "%s, not %s", given, expected);
}

static void expect_holds(const char *given, const char *part)
{
    ck_assert_msg(strstr(given, part) != NULL, "\"%s\" is not in: %s", part, given);
}

static void expect_client(const char *begins, const char *holds)
{
    verdicts v = connect_both();
    expect_begins(v.client, begins);
    expect_holds(v.client, holds);
    ck_assert(strcmp(v.server, "ok") || !strcmp(v.client, "ok"));
    ck_assert_msg(!strstr(v.client, "error:") && !strstr(v.server, "error:"), "%s; %s", v.client, v.server);
}

static void disconnect_both(void)
{
    running r[2];
    begin(&r[0], client.stack, "disconnect", 0, NULL);
    begin(&r[1], server.stack, "disconnect", 0, NULL);
    run_all(2, r);
    crp_clear_error(vm);
}

static void say(end_of *from, end_of *to, const char *what)
{
    crp_word w;
    expect_ok(call(from->stack, "send", NULL, text(what)));
    expect_ok(call(to->stack, "receive", &w));
    expect_text(w, what);
}

static crpi_tls *tls_at(end_of *e) { return (crpi_tls *)crp_object_of(e->tls); }
static SSL *ssl_of(end_of *e) { return ((crpi_tls_connection *)tls_at(e)->connection)->ssl; }

/* --- what works ----------------------------------------------------------------------------------------- */

START_TEST(what_one_end_sends_the_other_receives_and_nobody_between_can_read_it)
{
    open_tls();
    connect_well();
    say(&client, &server, "hello");
    say(&server, &client, "world");
    crp_word w;
    expect_ok(call(client.stack, "send", NULL, text("a secret")));
    expect_ok(call(server.memory, "receive", &w));
    size_t n;
    const char *bytes = crp_string_data(w, &n);
    ck_assert(n > 8 && !memmem(bytes, n, "a secret", 8));
    disconnect_both();
    close_tls();
}
END_TEST

START_TEST(the_properties_tell_what_was_agreed_on)
{
    open_tls();
    ck_assert(get(client.tls, "secure") == CRP_NIL);
    set_text(client.tls, "alpn", "imap, pop3");
    set_text(server.tls, "alpn", "pop3,http/1.1");
    connect_well();
    ck_assert(get(client.stack, "secure") == CRP_TRUE && get(server.stack, "secure") == CRP_TRUE);
    expect_text(get(client.tls, "tlsVersion"), "TLSv1.3");
    expect_text(get(client.tls, "tlsCipher"), "TLS_AES_256_GCM_SHA384");
    expect_text(get(client.tls, "alpnProtocol"), "pop3");
    expect_text(get(server.tls, "alpnProtocol"), "pop3");
    expect_text(get(client.tls, "verifyError"), "");
    int64_t days = crp_integer_value(get(client.tls, "daysLeft"));
    ck_assert_msg(days == 89 || days == 90, "%d", (int)days);
    const char *certificate = crp_string_data(get(client.tls, "tlsCertificate"), NULL);
    expect_begins(certificate, "subject: CN=mail.example.org\nissuer: CN=Between\nnames: mail.example.org\nvalid from: ");
    expect_text(get(server.tls, "tlsCertificate"), "");
    ck_assert(get(server.tls, "daysLeft") == CRP_NIL);
    crp_word info;
    expect_ok(call(client.stack, "info", &info));
    expect_text(get(info, "tlsVersion"), "TLSv1.3");
    disconnect_both();
    ck_assert(get(client.tls, "secure") == CRP_NIL);
    expect_text(get(client.tls, "tlsVersion"), "");
    close_tls();
}
END_TEST

START_TEST(bytes_may_come_one_by_one)
{
    open_tls();
    new_pair(1);
    connect_well();
    running r[2];
    crp_word data[1] = {text("hello, hello")};
    begin(&r[0], client.stack, "send", 1, data);
    crp_word arg[1] = {number(12)};
    begin(&r[1], server.util, "receiveN", 1, arg);
    run_all(2, r);
    expect_text(r[1].native.call.result, "hello, hello");
    close_tls();
}
END_TEST

enum { MUCH = 3 << 20 };

/* Sends all of a text and receives as much, checking each byte. */
typedef struct flow {
    running send, receive;
    end_of *at;
    size_t seen;
    bool sent;
} flow;

static char much[MUCH];

static void receive_more(flow *f)
{
    size_t n;
    if (f->seen == MUCH || !step(&f->receive)) return;
    ck_assert_int_eq(f->receive.st, CRP_OK);
    const char *bytes = crp_string_data(f->receive.native.call.result, &n);
    ck_assert_uint_le(f->seen + n, MUCH);
    ck_assert_mem_eq(bytes, much + f->seen, n);
    f->seen += n;
    begin(&f->receive, f->at->stack, "receive", 0, NULL);
}

START_TEST(big_data_goes_both_ways_at_once)
{
    open_tls();
    for (size_t i = 0; i < MUCH; i++) much[i] = (char)(i * 131 >> 5);
    crp_word data[1];
    expect_ok(crp_string(vm, much, MUCH, data));
    bare_keep(data[0]);
    connect_well();
    flow f[2] = {{.at = &client}, {.at = &server}};
    for (int i = 0; i < 2; i++) {
        begin(&f[i].send, f[i].at->stack, "send", 1, data);
        begin(&f[i].receive, f[i].at->stack, "receive", 0, NULL);
    }
    for (int round = 0; !f[0].sent || !f[1].sent || f[0].seen < MUCH || f[1].seen < MUCH; round++) {
        ck_assert_int_lt(round, MOST_ROUNDS);
        for (int i = 0; i < 2; i++) {
            if (!f[i].sent && step(&f[i].send)) {
                ck_assert_int_eq(f[i].send.st, CRP_OK);
                f[i].sent = true;
            }
            receive_more(&f[i]);
        }
        bare_forget(vm);
    }
    end(&f[0].receive);
    end(&f[1].receive);
    close_tls();
}
END_TEST

START_TEST(keys_are_changed_under_way)
{
    open_tls();
    connect_well();
    say(&client, &server, "before");
    ck_assert_int_eq(SSL_key_update(ssl_of(&client), SSL_KEY_UPDATE_REQUESTED), 1);
    say(&client, &server, "with new keys");
    say(&server, &client, "the other way");
    say(&client, &server, "and again");
    close_tls();
}
END_TEST

/* Both ends have the same to bind a logon to. */
static void expect_binding(const char *first, const char *second)
{
    crp_word ours = get(client.tls, "channelBinding"), theirs = get(server.tls, "channelBinding");
    ck_assert(crp_equal(vm, ours, theirs));
    expect_text(crp_head(crp_head(ours)), first);
    expect_text(crp_head(crp_head(crp_tail(ours))), second);
    ck_assert(crp_tail(crp_tail(ours)) == CRP_NIL);
}

START_TEST(a_session_is_resumed_in_both_versions)
{
    open_tls();
    for (int old = 0; old < 2; old++) {
        for (int turn = 0; turn < 3; turn++) {
            new_pair(65536);
            if (old) set_text(client.tls, "alpn", "other settings"); /* and so other sessions */
            running r;
            begin(&r, server.stack, "connect", 0, NULL);
            step(&r);
            if (old) SSL_set_max_proto_version(ssl_of(&server), TLS1_2_VERSION);
            running c;
            begin(&c, client.stack, "connect", 0, NULL);
            running both[2] = {r, c};
            run_all(2, both);
            ck_assert_msg(both[0].st == CRP_OK && both[1].st == CRP_OK, "%s", bare_error(vm));
            expect_text(get(client.tls, "tlsVersion"), old ? "TLSv1.2" : "TLSv1.3");
            ck_assert(get(client.tls, "resumed") == crp_bool(turn > 0));
            expect_binding(old ? "tls-unique" : "tls-exporter", "tls-server-end-point");
            ck_assert(get(client.tls, "secure") == CRP_TRUE);
            expect_begins(crp_string_data(get(client.tls, "tlsCertificate"), NULL), "subject: CN=mail.example.org\n");
            say(&server, &client, "the ticket comes with this");
            disconnect_both();
        }
    }
    new_pair(65536);
    expect_ok(set(client.tls, "resume", CRP_NIL));
    connect_well();
    ck_assert(get(client.tls, "resumed") == CRP_NIL);
    close_tls();
}
END_TEST

START_TEST(a_session_of_one_that_was_not_verified_is_none_for_one_that_is)
{
    open_tls();
    for (int turn = 0; turn < 2; turn++) {
        new_pair(65536);
        set_text(server.tls, "certificate", file("untrusted.pem"));
        expect_ok(set(client.tls, "verify", CRP_NIL));
        connect_well();
        ck_assert(get(client.tls, "secure") == CRP_NIL && get(client.tls, "resumed") == crp_bool(turn));
        say(&server, &client, "hello");
        disconnect_both();
    }
    new_pair(65536);
    set_text(server.tls, "certificate", file("untrusted.pem"));
    expect_client("6.9: Tls: the server's certificate is refused: ", "trusted here");
    close_tls();
}
END_TEST

/* --- certificates --------------------------------------------------------------------------------------- */

START_TEST(every_fault_of_a_certificate_is_refused)
{
    static const char *const faults[][2] = {
        {"wrong-host.pem", "is for other.example.org, third.example.org, not for mail.example.org (`serverName`)"},
        {"expired.pem", "is refused: it has expired"},
        {"not-yet.pem", "is refused: it is not yet valid"},
        {"untrusted.pem", "is refused: it leads to no certificate authority that is trusted here; if it is right"},
        {"self-signed.pem", "is refused: it is self-signed: nobody vouches for it; if it is right"},
        {"address.pem", "is for 127.0.0.1, ::1, not for mail.example.org"},
        {"partial.pem", "is for ma*.example.org, not for mail.example.org"},
        {"no-names.pem", "is for no host at all, not for mail.example.org"},
        {"client.pem", "is refused: it is not meant for this end"},
    };
    open_tls();
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        new_pair(65536);
        set_text(server.tls, "certificate", file(faults[i][0]));
        expect_client("6.9: Tls: the server's certificate ", faults[i][1]);
        ck_assert(get(client.tls, "secure") == CRP_NIL);
        ck_assert(crp_string_data(get(client.tls, "verifyError"), NULL)[0] != 0);
        expect_error("6.11: ", call(client.stack, "send", NULL, text("x")));
    }
    close_tls();
}
END_TEST

START_TEST(the_systems_authorities_are_asked_where_no_others_are_named)
{
    open_tls();
    set_text(client.tls, "caFile", "");
    expect_client("6.9: Tls: the server's certificate is refused: it leads to no", "trusted here");
    new_pair(65536);
    set_text(client.tls, "caFile", "");
    setenv("SSL_CERT_FILE", file("ca.pem"), 1);
    connect_well();
    unsetenv("SSL_CERT_FILE");
    close_tls();
}
END_TEST

START_TEST(names_and_addresses_are_checked)
{
    static const char *const good[][2] = {
        {"wildcard.pem", "mail.example.org"},
        {"server.pem", "mail.example.org."},
        {"server.pem", "MAIL.Example.ORG"},
        {"address.pem", "127.0.0.1"},
        {"address.pem", "[::1]"},
    };
    static const char *const bad[][2] = {
        {"wildcard.pem", "a.b.example.org"},
        {"wildcard.pem", "example.org"},
        {"address.pem", "127.0.0.2"},
        {"server.pem", "127.0.0.1"},
    };
    open_tls();
    for (size_t i = 0; i < 5; i++) {
        new_pair(65536);
        set_text(server.tls, "certificate", file(good[i][0]));
        set_text(client.tls, "serverName", good[i][1]);
        connect_well();
    }
    for (size_t i = 0; i < 4; i++) {
        new_pair(65536);
        set_text(server.tls, "certificate", file(bad[i][0]));
        set_text(client.tls, "serverName", bad[i][1]);
        expect_client("6.9: Tls: the server's certificate is for ", bad[i][1]);
    }
    new_pair(65536);
    set_text(client.tls, "serverName", "two words");
    expect_client("4.1: Tls: \"two words\" is no host's name", "");
    new_pair(65536);
    set_text(client.tls, "serverName", "");
    expect_client("4.1: Tls: nothing says whose certificate it must be", "serverName");
    close_tls();
}
END_TEST

START_TEST(without_verify_anybody_will_do_and_it_is_not_secure)
{
    static const char *const certificates[] = {"wrong-host.pem", "expired.pem", "self-signed.pem"};
    static const char *const why[] = {"it is for another host", "it has expired", "it is self-signed: nobody vouches for it"};
    open_tls();
    for (size_t i = 0; i < 3; i++) {
        new_pair(65536);
        set_text(server.tls, "certificate", file(certificates[i]));
        expect_ok(set(client.tls, "verify", CRP_NIL));
        connect_well();
        ck_assert(get(client.tls, "secure") == CRP_NIL);
        expect_text(get(client.tls, "verifyError"), why[i]);
        say(&client, &server, "hello");
    }
    close_tls();
}
END_TEST

static const char *the_pin(void)
{
    static char pin[100];
    FILE *f = fopen(file("pin"), "r");
    ck_assert(f && fgets(pin, sizeof pin, f));
    fclose(f);
    return pin;
}

#define WRONG_PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

START_TEST(a_pinned_key_is_asked_for_besides_or_instead)
{
    char both[200];
    open_tls();
    snprintf(both, sizeof both, "%s, %s", WRONG_PIN, the_pin());
    set_text(client.tls, "pin", both);
    connect_well();
    new_pair(65536);
    set_text(client.tls, "pin", WRONG_PIN);
    expect_client("6.9: Tls: the server's certificate is refused: its key is none of those of `pin`", "");
    new_pair(65536);
    set_text(client.tls, "pin", WRONG_PIN);
    expect_ok(set(client.tls, "verify", CRP_NIL));
    expect_client("6.9: Tls: the server's certificate is refused: its key is none of those of `pin`", "");
    new_pair(65536);
    crp_word list, items[2] = {text(WRONG_PIN), text(the_pin())};
    expect_ok(crp_list(vm, items, 2, &list));
    expect_ok(set(client.tls, "pin", list));
    expect_ok(set(client.tls, "verify", CRP_NIL));
    set_text(client.tls, "serverName", "");
    connect_well();
    ck_assert(get(client.tls, "secure") == CRP_TRUE);
    new_pair(65536);
    set_text(client.tls, "pin", "sha256//nonsense");
    expect_client("6.9: Tls: `pin` has \"sha256//nonsense\", expected \"sha256//\" and 32 bytes in Base64", "");
    new_pair(65536);
    set_text(client.tls, "pin", " , ");
    expect_client("6.9: Tls: `pin` is \" , \", which names no key", "");
    expect_error("1.11: ", set(client.tls, "pin", number(1)));
    close_tls();
}
END_TEST

START_TEST(files_that_do_not_serve_are_named)
{
    open_tls();
    static const char *const faults[][3] = {
        {"certificate", "nothing.pem", "no such file"},
        {"certificate", "pin", "it holds nothing of the kind, in PEM"},
        {"certificate", "ca.pem", "it holds no key, in PEM"},
        {"key", "locked.pem", "it needs the `keyPassword`"},
        {"key", "nothing.pem", "no such file"},
        {"certificate", "", "a server needs a `certificate`"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        new_pair(65536);
        set_text(server.tls, faults[i][0], *faults[i][1] ? file(faults[i][1]) : "");
        expect_ok(call(client.memory, "connect", NULL));
        crp_status st = call(server.stack, "connect", NULL);
        ck_assert(st >= CRP_E_SYNTAX);
        expect_begins(bare_error(vm), "6.9: Tls: ");
        expect_holds(bare_error(vm), faults[i][2]);
        crp_clear_error(vm);
    }
    new_pair(65536);
    set_text(server.tls, "key", file("client.pem"));
    expect_error("6.9: Tls: the key in ", call(server.stack, "connect", NULL));
    new_pair(65536);
    set_text(server.tls, "certificate", file("server-certificate.pem"));
    set_text(server.tls, "key", file("locked.pem"));
    set_text(server.tls, "keyPassword", "abracadabra");
    expect_error("6.9: Tls: `key`: ", call(server.stack, "connect", NULL));
    new_pair(65536);
    set_text(client.tls, "caFile", file("pin"));
    expect_error("6.9: Tls: `caFile`: ", call(client.stack, "connect", NULL));
    close_tls();
}
END_TEST

START_TEST(the_key_may_be_in_a_file_of_its_own_with_a_password)
{
    open_tls();
    crp_word settings;
    set_text(server.tls, "certificate", file("server.pem"));
    set_text(server.tls, "key", file("locked.pem"));
    set_text(server.tls, "keyPassword", "sesame");
    connect_well();
    expect_ok(call(server.stack, "describe", &settings));
    ck_assert(!strstr(crp_string_data(settings, NULL), "sesame"));
    close_tls();
}
END_TEST

START_TEST(a_server_may_ask_clients_for_certificates)
{
    open_tls();
    static const struct { const char *asks, *client, *holds; } rows[] = {
        {"required", "client.pem", NULL},
        {"optional", "client.pem", NULL},
        {"optional", "", NULL},
        {"required", "", "the client has sent no certificate, and `clientCertificates` is required"},
        {"required", "wrong-client.pem", "the client's certificate is refused: it leads to no"},
        {"optional", "expired-client.pem", "the client's certificate is refused: it has expired"},
        {"required", "server.pem", "the client's certificate is refused: it is not meant for this end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        new_pair(65536);
        set_text(server.tls, "caFile", file("ca.pem"));
        set_text(server.tls, "clientCertificates", rows[i].asks);
        if (*rows[i].client) set_text(client.tls, "certificate", file(rows[i].client));
        verdicts v = connect_both();
        if (!rows[i].holds) {
            ck_assert_str_eq(v.server, "ok");
            say(&client, &server, "hello");
            expect_begins(crp_string_data(get(server.tls, "tlsCertificate"), NULL),
                          *rows[i].client ? "subject: CN=fred\n" : "");
            continue;
        }
        expect_begins(v.server, "6.9: Tls: ");
        expect_holds(v.server, rows[i].holds);
        /* with TLS 1.3 the client hears of it when it is through */
        if (!strcmp(v.client, "ok")) {
            expect_error("6.9: Tls: the peer has refused: ", call(client.stack, "receive", NULL));
            expect_error("6.11: ", call(client.stack, "receive", NULL));
        }
    }
    new_pair(65536);
    set_text(server.tls, "clientCertificates", "required");
    expect_error("6.9: Tls: `clientCertificates` needs a `caFile`", call(server.stack, "connect", NULL));
    close_tls();
}
END_TEST

/* --- versions, protocols -------------------------------------------------------------------------------- */

/* Connects with a server, or a client, that is older than it can be made by properties. */
static verdicts connect_old(end_of *old, int version)
{
    running r[2];
    verdicts v = {"", ""};
    end_of *other = old == &server ? &client : &server;
    begin(&r[0], old->stack, "connect", 0, NULL);
    if (old == &client) expect_ok(call(server.memory, "connect", NULL));
    tls_at(old)->m.step = 0;
    ck_assert(!step(&r[0]) || old == &client);
    SSL *ssl = ssl_of(old);
    if (old == &server) {
        SSL_set_security_level(ssl, 0);
        SSL_set_min_proto_version(ssl, TLS1_VERSION);
        SSL_set_max_proto_version(ssl, version);
    }
    begin(&r[1], other->stack, "connect", 0, NULL);
    running *c = old == &client ? &r[0] : &r[1], *s = old == &client ? &r[1] : &r[0];
    for (int round = 0; round < MOST_ROUNDS && (!*v.client || !*v.server); round++) {
        if (!*v.client && step(c)) tell(v.client, c);
        if (!*v.server && step(s)) tell(v.server, s);
        bare_forget(vm);
    }
    return v;
}

START_TEST(a_version_that_is_too_old_is_refused)
{
    open_tls();
    verdicts v = connect_old(&server, TLS1_2_VERSION);
    ck_assert_str_eq(v.client, "ok");
    expect_text(get(client.tls, "tlsVersion"), "TLSv1.2");
    say(&client, &server, "hello");
    say(&server, &client, "world");
    new_pair(65536);
    set_text(client.tls, "minVersion", "1.3");
    v = connect_old(&server, TLS1_2_VERSION);
    expect_begins(v.client, "6.9: Tls: ");
    expect_begins(v.server, "6.9: Tls: the peer");
    expect_holds(v.server, "`minVersion`");
    new_pair(65536);
    v = connect_old(&server, TLS1_1_VERSION);
    expect_begins(v.client, "6.9: Tls: ");
    expect_begins(v.server, "6.9: Tls: ");
    expect_error("1.8: ", set(client.tls, "minVersion", text("1.1")));
    close_tls();
}
END_TEST

START_TEST(protocols_of_which_none_is_common_are_an_error)
{
    open_tls();
    set_text(client.tls, "alpn", "imap");
    set_text(server.tls, "alpn", "pop3");
    verdicts v = connect_both();
    expect_begins(v.client, "6.9: Tls: the peer has refused: no application protocol: it speaks none of those of `alpn`");
    expect_begins(v.server, "6.9: Tls: the client speaks none of the protocols of `alpn`");
    new_pair(65536);
    set_text(client.tls, "alpn", "imap");
    connect_well();
    expect_text(get(client.tls, "alpnProtocol"), "");
    close_tls();
}
END_TEST

/* --- what goes wrong ------------------------------------------------------------------------------------ */

START_TEST(a_peer_that_speaks_no_tls_is_quoted)
{
    open_tls();
    expect_ok(call(server.memory, "connect", NULL));
    expect_ok(call(server.memory, "send", NULL, text("+OK ready \"now\"\r\n")));
    crp_status st = call(client.stack, "connect", NULL);
    ck_assert(st >= CRP_E_SYNTAX);
    expect_begins(bare_error(vm),
                  "6.9: Tls: the peer does not speak TLS: it answered \"+OK ready \\\"now\\\"\\r\\n\"; on a port where");
    expect_holds(bare_error(vm), "startTls");
    crp_clear_error(vm);
    new_pair(65536);
    expect_ok(call(client.memory, "connect", NULL));
    expect_ok(call(client.memory, "send", NULL, text("CAPA\r\n")));
    expect_error("6.9: Tls: the peer does not speak TLS: it sent \"CAPA\\r\\n\"", call(server.stack, "connect", NULL));
    close_tls();
}
END_TEST

START_TEST(silence_in_the_handshake_ends_with_the_deadline)
{
    open_tls();
    expect_ok(call(server.memory, "connect", NULL));
    expect_error("6.1: Util: timeout after 60000 ms, connecting", call(client.stack, "connect", NULL));
    ck_assert(tls_at(&client)->connection == NULL);
    close_tls();
}
END_TEST

static int64_t received(end_of *e) { return ((crp_module *)crp_object_of(e->memory))->traffic.bytes_received; }

/* Lets both shake hands until `victim` has got n bytes, then its peer vanishes; true: the handshake was over. */
static bool cut_after(end_of *victim, int64_t n)
{
    running r[2];
    end_of *peer = victim == &client ? &server : &client;
    new_pair(1);
    begin(&r[0], server.stack, "connect", 0, NULL);
    step(&r[0]);
    begin(&r[1], client.stack, "connect", 0, NULL);
    int mine = victim == &client;
    while (received(victim) < n && (r[0].st == CRP_AGAIN || r[1].st == CRP_AGAIN)) {
        if (r[0].st == CRP_AGAIN) step(&r[0]);
        if (r[1].st == CRP_AGAIN && received(victim) < n) step(&r[1]);
        bare_forget(vm);
    }
    bool over = r[mine].st != CRP_AGAIN;
    if (r[!mine].st == CRP_AGAIN) end(&r[!mine]);
    crp_close_stack(vm, (crp_module *)crp_object_of(peer->memory));
    for (int round = 0; r[mine].st == CRP_AGAIN; round++) {
        ck_assert_int_lt(round, MOST_ROUNDS);
        step(&r[mine]);
    }
    if (over) return true;
    ck_assert_msg(r[mine].st >= CRP_E_SYNTAX, "no error after %d bytes", (int)n);
    ck_assert_msg(!strncmp(bare_error(vm), "6.9: ", 5) || !strncmp(bare_error(vm), "6.4: ", 5), "after %d bytes: %s",
                  (int)n, bare_error(vm));
    crp_clear_error(vm);
    ck_assert(tls_at(victim)->connection == NULL);
    return false;
}

START_TEST(a_peer_that_vanishes_after_any_byte_of_the_handshake_is_an_error)
{
    open_tls();
    int stride = getenv("CARAPACE_TEST_MODE") ? 97 : 1;
    for (int i = 0; i < 2; i++) {
        end_of *victim = i ? &server : &client;
        int64_t n = 0;
        while (!cut_after(victim, n)) n += stride;
        ck_assert_int_gt(n, 300);
    }
    close_tls();
}
END_TEST

START_TEST(only_the_peers_word_ends_the_data)
{
    open_tls();
    crp_word w;
    connect_well();
    say(&client, &server, "hello");
    expect_ok(call(client.stack, "disconnect", NULL));
    expect_ok(call(server.stack, "receive", &w));
    ck_assert(w == CRP_NIL);
    expect_ok(call(server.stack, "disconnect", NULL));
    new_pair(65536);
    connect_well();
    expect_ok(call(client.stack, "send", NULL, text("all of it")));
    crp_close_stack(vm, (crp_module *)crp_object_of(client.memory));
    expect_ok(call(server.stack, "receive", &w));
    expect_text(w, "all of it");
    expect_error("6.3: Tls: the connection was cut off", call(server.stack, "receive", &w));
    expect_error("6.11: ", call(server.stack, "receive", &w));
    close_tls();
}
END_TEST

START_TEST(what_is_altered_on_the_way_is_refused)
{
    open_tls();
    crp_word w;
    connect_well();
    expect_ok(call(client.stack, "send", NULL, text("pay him 100")));
    expect_ok(call(server.memory, "receive", &w));
    size_t n;
    char bytes[200];
    const char *record = crp_string_data(w, &n);
    ck_assert_uint_lt(n, sizeof bytes);
    memcpy(bytes, record, n);
    bytes[8] ^= 1;
    expect_ok(crp_string(vm, bytes, n, &w));
    expect_ok(call(client.memory, "send", NULL, w));
    expect_error("6.9: Tls: what came was altered on the way", call(server.stack, "receive", &w));
    expect_error("6.11: ", call(server.stack, "receive", &w));
    close_tls();
}
END_TEST

/* --- startTls ------------------------------------------------------------------------------------------- */

/* A protocol above, which counts how often it was connected and closed. */
typedef struct protocol {
    crp_module m;
    int connects, closes;
} protocol;

static crp_status protocol_connect(crp_call *c, crp_module *m)
{
    (void)c;
    ((protocol *)m)->connects++;
    return CRP_OK;
}

static void protocol_close(crp *i, crp_module *m)
{
    (void)i;
    ((protocol *)m)->closes++;
}

static const crp_module_ops protocol_ops = {
    .kind = CRP_KIND_MODULE, .connect = protocol_connect, .close = protocol_close};
static const crp_property protocol_rows[] = {CRP_PROPERTY_LOG, {0}};
static const crp_method protocol_verbs[] = {CRP_MODULE_METHODS, {0}};
static const crp_class_def protocol_class = {.size = sizeof(crp_class_def),
                                             .name = "Protocol",
                                             .help = "x",
                                             .instance_size = sizeof(protocol),
                                             .properties = protocol_rows,
                                             .methods = protocol_verbs,
                                             .mark = crp_module_mark,
                                             .module = &protocol_ops};

static protocol *above;

/* Both ends in clear and connected, with a Tls each that stands nowhere yet. */
static void new_clear_pair(void)
{
    static crp *defined;
    uint32_t id;
    if (defined != vm) expect_ok(crp_define_class(vm, &protocol_class, &id));
    defined = vm;
    new_pair(65536);
    expect_ok(call(client.stack, "pop", NULL));
    expect_ok(call(client.stack, "pop", NULL));
    expect_ok(call(server.stack, "pop", NULL));
    expect_ok(call(server.stack, "pop", NULL));
    crp_word top = make("Protocol");
    above = (protocol *)crp_object_of(top);
    expect_ok(call(client.stack, "push", NULL, client.util));
    expect_ok(call(client.stack, "push", NULL, top));
    expect_ok(call(server.stack, "push", NULL, server.util));
    expect_ok(call(client.stack, "connect", NULL));
    expect_ok(call(server.stack, "connect", NULL));
}

static verdicts start_both(void)
{
    running r[2];
    verdicts v = {"", ""};
    begin(&r[0], server.stack, "startTls", 1, &server.tls);
    begin(&r[1], client.stack, "startTls", 1, &client.tls);
    for (int round = 0; round < MOST_ROUNDS && (!*v.client || !*v.server); round++) {
        if (!*v.client && step(&r[1])) tell(v.client, &r[1]);
        if (!*v.server && step(&r[0])) tell(v.server, &r[0]);
        bare_forget(vm);
    }
    return v;
}

static void expect_closed(end_of *e)
{
    expect_error("6.11: ", call(e->memory, "send", NULL, text("x")));
    expect_error("6.11: ", call(e->stack, "send", NULL, text("x")));
    ck_assert(!((crp_module *)crp_object_of(e->util))->connected);
    ck_assert(tls_at(e)->connection == NULL);
}

START_TEST(a_connection_goes_on_encrypted_and_stays_connected)
{
    open_tls();
    crp_word line;
    new_clear_pair();
    expect_ok(call(client.stack, "send", NULL, text("STLS\r\n")));
    expect_ok(call(server.util, "receiveLine", &line));
    expect_text(line, "STLS");
    expect_ok(call(server.stack, "send", NULL, text("+OK\r\n")));
    expect_ok(call(client.util, "receiveLine", &line));
    verdicts v = start_both();
    ck_assert_str_eq(v.client, "ok");
    ck_assert_str_eq(v.server, "ok");
    ck_assert(get(client.stack, "secure") == CRP_TRUE);
    ck_assert_int_eq(above->connects, 1);
    ck_assert_int_eq(above->closes, 0);
    ck_assert_int_eq(crp_integer_value(get(client.stack, "depth")), 4);
    expect_ok(call(client.stack, "send", NULL, text("CAPA\r\n")));
    expect_ok(call(server.util, "receiveLine", &line));
    expect_text(line, "CAPA");
    expect_ok(call(client.stack, "connect", NULL)); /* it is */
    ck_assert_int_eq(above->connects, 1);
    close_tls();
}
END_TEST

START_TEST(what_came_in_clear_before_makes_the_upgrade_refuse)
{
    open_tls();
    crp_word line;
    new_clear_pair();
    expect_ok(call(client.stack, "send", NULL, text("STLS\r\nUSER mallory\r\n")));
    expect_ok(call(server.util, "receiveLine", &line));
    expect_error("6.3: Tls cannot be inserted below Util: Util holds 14 bytes",
                 call(server.stack, "startTls", NULL, server.tls));
    expect_closed(&server);
    /* what comes later reaches the Tls, which does not take it for TLS */
    new_clear_pair();
    expect_ok(call(client.stack, "send", NULL, text("STLS\r\n")));
    expect_ok(call(server.util, "receiveLine", &line));
    expect_ok(call(client.stack, "send", NULL, text("USER mallory\r\n")));
    expect_error("6.9: Tls: the peer does not speak TLS: it sent \"USER mallory\\r\\n\"",
                 call(server.stack, "startTls", NULL, server.tls));
    expect_closed(&server);
    close_tls();
}
END_TEST

START_TEST(an_upgrade_that_fails_closes_the_stack)
{
    open_tls();
    new_clear_pair();
    set_text(server.tls, "certificate", file("expired.pem"));
    verdicts v = start_both();
    expect_begins(v.client, "6.9: Tls: the server's certificate is refused: it has expired");
    expect_begins(v.server, "6.9: Tls: the peer has refused: certificate expired");
    expect_closed(&client);
    expect_closed(&server);
    ck_assert_int_gt(above->closes, 0);
    new_clear_pair();
    expect_error("6.1: Protocol: timeout after 1500 ms, starting TLS",
                 call(client.stack, "startTls", NULL, client.tls, CRP_UNSET, number(1500)));
    expect_closed(&client);
    /* one that is given up in the middle, too */
    new_clear_pair();
    running r;
    begin(&r, client.stack, "startTls", 1, &client.tls);
    ck_assert(!step(&r));
    end(&r);
    expect_closed(&client);
    close_tls();
}
END_TEST

START_TEST(a_mistake_before_the_upgrade_leaves_the_connection_as_it_is)
{
    open_tls();
    new_clear_pair();
    crp_word other = bare_keep(STACK(make("Memory"), make("Tls"))), used = get(other, "top"), w;
    expect_error("1.2: this Tls stands on a stack already", call(client.stack, "startTls", NULL, used));
    expect_error("1.4: no such layer on this stack: \"Nothing\"",
                 call(client.stack, "startTls", NULL, client.tls, text("Nothing")));
    expect_error("4.1: startTls: Memory is the bottom", call(client.stack, "startTls", NULL, client.tls, client.memory));
    expect_ok(call(client.stack, "send", NULL, text("still here")));
    expect_ok(call(server.stack, "receive", &w));
    expect_text(w, "still here");
    crp_close_stack(vm, (crp_module *)crp_object_of(client.memory));
    expect_error("6.11: Memory: not connected", call(client.stack, "startTls", NULL, client.tls));
    close_tls();
}
END_TEST

START_TEST(an_upgrade_waits_for_what_is_being_sent)
{
    open_tls();
    new_clear_pair();
    static char bytes[70000];
    memset(bytes, 'x', sizeof bytes - 1);
    crp_word data[1] = {bare_keep(text(bytes))};
    running sender, starter;
    begin(&sender, client.stack, "send", 1, data);
    ck_assert(!step(&sender));
    begin(&starter, client.stack, "startTls", 1, &client.tls);
    ck_assert(!step(&starter));
    ck_assert_int_eq(crp_integer_value(get(client.stack, "depth")), 3);
    expect_ok(call(server.stack, "receive", NULL));
    ck_assert(step(&sender) && sender.st == CRP_OK);
    ck_assert(!step(&starter));
    ck_assert_int_eq(crp_integer_value(get(client.stack, "depth")), 4);
    end(&starter);
    close_tls();
}
END_TEST

/* --- waiting -------------------------------------------------------------------------------------------- */

START_TEST(a_send_waits_while_another_receives_and_nothing_goes_twice)
{
    open_tls();
    new_pair(100);
    connect_well();
    running sender, receiver, other;
    crp_word data[1] = {bare_keep(text("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
                                       "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))};
    begin(&receiver, client.stack, "receive", 0, NULL);
    ck_assert(!step(&receiver));
    begin(&sender, client.stack, "send", 1, data);
    ck_assert(!step(&sender) && !step(&sender));
    ck_assert_uint_gt(tls_at(&client)->queued, 0);
    /* the receiver empties the queue for the sender, who is told */
    begin(&other, server.stack, "receive", 0, NULL);
    while (!step(&other)) ck_assert(!step(&receiver));
    expect_text(other.native.call.result, crp_string_data(data[0], NULL));
    ck_assert_uint_eq(tls_at(&client)->queued, 0);
    ck_assert(step(&sender) && sender.st == CRP_OK);
    end(&receiver);
    begin(&other, server.stack, "receive", 0, NULL);
    ck_assert(!step(&other));
    end(&other);
    close_tls();
}
END_TEST

START_TEST(what_is_held_is_pending)
{
    open_tls();
    crp_word buffer;
    connect_well();
    expect_ok(call(client.stack, "send", NULL, text("hello")));
    ck_assert_uint_eq(crp_below_pending(vm, (crp_module *)crp_object_of(server.util)), 0);
    expect_ok(crp_buffer(vm, 2, &buffer));
    expect_ok(call(server.tls, "receiveInto", NULL, buffer));
    ck_assert_uint_eq(crp_below_pending(vm, (crp_module *)crp_object_of(server.util)), 3);
    expect_error("6.3: Util cannot be inserted below Tls: Tls holds 3 bytes",
                 call(server.stack, "insert", NULL, make("Util"), server.tls));
    close_tls();
}
END_TEST

/* Tls on Tls on Memory, at both ends; gives the lower one of the client. */
static crpi_tls *double_up(void)
{
    crp_word lower = make("Tls"), their_lower = make("Tls");
    expect_ok(call(client.stack, "insert", NULL, lower, client.tls));
    expect_ok(call(server.stack, "insert", NULL, their_lower, server.tls));
    set_text(lower, "serverName", "mail.example.org");
    set_text(lower, "caFile", file("ca.pem"));
    set_text(their_lower, "certificate", file("server.pem"));
    set_text(their_lower, "mode", "server");
    return (crpi_tls *)crp_object_of(lower);
}

START_TEST(a_tls_stands_on_another_and_falls_with_it)
{
    open_tls();
    crp_word w;
    double_up();
    connect_well();
    say(&client, &server, "hello");
    say(&server, &client, "world");
    expect_ok(call(server.memory, "send", NULL, text("no record of TLS")));
    expect_error("6.9: Tls: ", call(client.stack, "receive", &w));
    ck_assert(!tls_at(&client)->connection && !tls_at(&client)->shaken);
    expect_error("6.11: ", call(client.stack, "receive", &w));
    new_pair(65536);
    double_up();
    connect_well();
    crp_close_stack(vm, (crp_module *)crp_object_of(server.memory));
    expect_error("6.3: Tls: the connection was cut off", call(client.stack, "receive", &w));
    ck_assert(!tls_at(&client)->connection);
    /* and while it shakes hands */
    new_pair(65536);
    double_up();
    running r[2];
    begin(&r[0], server.stack, "connect", 0, NULL);
    step(&r[0]);
    begin(&r[1], client.stack, "connect", 0, NULL);
    while (!tls_at(&client)->connection) {
        step(&r[0]);
        step(&r[1]);
    }
    expect_ok(call(server.memory, "send", NULL, text("no record of TLS")));
    while (!step(&r[1])) {}
    expect_begins(bare_error(vm), "6.9: Tls: ");
    ck_assert(!tls_at(&client)->connection);
    end(&r[0]);
    close_tls();
}
END_TEST

/* --- memory --------------------------------------------------------------------------------------------- */

static uint64_t allocations, failing;

static void *take(size_t n, const char *f, int l)
{
    (void)f, (void)l;
    return failing && ++allocations == failing ? NULL : malloc(n);
}
static void *take_again(void *p, size_t n, const char *f, int l)
{
    (void)f, (void)l;
    return failing && ++allocations == failing ? NULL : realloc(p, n);
}
static void give(void *p, const char *f, int l)
{
    (void)f, (void)l;
    free(p);
}

/* Before OpenSSL allocates anything, and in vain where it has. */
__attribute__((constructor)) static void watch_allocations(void) { CRYPTO_set_mem_functions(take, take_again, give); }

/* One conversation; every error on the way is welcome. */
static void converse(void)
{
    new_pair(65536);
    verdicts v = connect_both();
    if (!strcmp(v.client, "ok") && !strcmp(v.server, "ok")) {
        running r[2];
        crp_word data[1] = {text("hello")};
        begin(&r[0], client.stack, "send", 1, data);
        while (!step(&r[0])) {}
        begin(&r[1], server.stack, "receive", 0, NULL);
        for (int i = 0; i < 10 && !step(&r[1]); i++) {}
        if (r[1].st == CRP_AGAIN) end(&r[1]);
    }
    crp_clear_error(vm);
    disconnect_both();
    ck_assert(!tls_at(&client)->connection && !tls_at(&server)->connection);
}

START_TEST(every_allocation_of_openssl_may_fail)
{
    open_tls();
    converse();
    int stride = getenv("CARAPACE_TEST_MODE") ? 23 : 1;
    for (uint64_t n = 1;; n += (uint64_t)stride) {
        allocations = 0;
        failing = n;
        converse();
        bool came = allocations >= n;
        failing = 0;
        if (!came) break;
        ck_assert_uint_lt(n, 100000);
    }
    new_pair(65536);
    connect_well();
    close_tls();
}
END_TEST

START_TEST(every_allocation_of_the_interpreter_may_fail)
{
    open_tls();
    converse();
    for (uint64_t n = 1;; n++) {
        new_pair(65536);
        running r[2];
        vm->mem.fail_at = vm->mem.count + n;
        begin(&r[0], server.stack, "connect", 0, NULL);
        step(&r[0]);
        begin(&r[1], client.stack, "connect", 0, NULL);
        for (int i = 0; i < 20; i++) {
            if (r[1].st == CRP_AGAIN) step(&r[1]);
            if (r[0].st == CRP_AGAIN) step(&r[0]);
        }
        bool came = vm->mem.count >= vm->mem.fail_at;
        vm->mem.fail_at = 0;
        for (int i = 0; i < 2; i++)
            if (r[i].st == CRP_AGAIN) end(&r[i]);
        crp_clear_error(vm);
        disconnect_both();
        if (!came) break;
        ck_assert_uint_lt(n, 1000);
    }
    close_tls();
}
END_TEST

UNIT_MAIN("tls", what_one_end_sends_the_other_receives_and_nobody_between_can_read_it, the_properties_tell_what_was_agreed_on,
          bytes_may_come_one_by_one, big_data_goes_both_ways_at_once, keys_are_changed_under_way,
          a_session_is_resumed_in_both_versions, a_session_of_one_that_was_not_verified_is_none_for_one_that_is,
          every_fault_of_a_certificate_is_refused, the_systems_authorities_are_asked_where_no_others_are_named,
          names_and_addresses_are_checked, without_verify_anybody_will_do_and_it_is_not_secure,
          a_pinned_key_is_asked_for_besides_or_instead, files_that_do_not_serve_are_named,
          the_key_may_be_in_a_file_of_its_own_with_a_password, a_server_may_ask_clients_for_certificates,
          a_version_that_is_too_old_is_refused, protocols_of_which_none_is_common_are_an_error,
          a_peer_that_speaks_no_tls_is_quoted, silence_in_the_handshake_ends_with_the_deadline,
          a_peer_that_vanishes_after_any_byte_of_the_handshake_is_an_error, only_the_peers_word_ends_the_data,
          what_is_altered_on_the_way_is_refused, a_connection_goes_on_encrypted_and_stays_connected,
          what_came_in_clear_before_makes_the_upgrade_refuse, an_upgrade_that_fails_closes_the_stack,
          a_mistake_before_the_upgrade_leaves_the_connection_as_it_is, an_upgrade_waits_for_what_is_being_sent,
          a_send_waits_while_another_receives_and_nothing_goes_twice,
          what_is_held_is_pending, a_tls_stands_on_another_and_falls_with_it, every_allocation_of_openssl_may_fail, every_allocation_of_the_interpreter_may_fail)
