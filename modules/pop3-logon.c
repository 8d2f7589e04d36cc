/* floor 4: how a POP3 session begins and ends: greeting, logon with APOP or with USER and PASS, QUIT.
 *
 * Each op is a row of steps; a step queues a command, and the next one takes its reply.  Everything that
 * could be wrong with what is to be sent is found in the first step, before a byte goes out. */
#include <string.h>
#include "pop3.h"

enum { START, GREETING, USER, PASS, APOP, SETTLING };
enum { MD5_BYTES = 16, MOST_ARGUMENT = 1 << 20 /* bytes; no command takes so many */ };

/* --- the timestamp --------------------------------------------------------------------------------- */

/* RFC 822: a character of an atom. */
static bool is_atom(unsigned char c) { return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\".[]", c); }

/* Atoms with single dots between them. */
static const char *atoms(const char *at, const char *end)
{
    for (;; at++) {
        const char *from = at;
        while (at < end && is_atom((unsigned char)*at)) at++;
        if (at == from) return NULL;
        if (at == end || *at != '.') return at;
    }
}

/* "[192.0.2.1]": visible characters but brackets and backslashes. */
static const char *literal(const char *at, const char *end)
{
    for (at++; at < end && *at != ']'; at++)
        if (*at <= ' ' || *at >= 0x7f || *at == '[' || *at == '\\') return NULL;
    return at < end ? at + 1 : NULL;
}

/* The end of a msg-id that begins here: "<local@domain>"; NULL: there is none.  Whatever is no strict one
 * might be made up by someone who wants the password from the digest (CVE-2007-1558). */
static const char *msg_id(const char *at, const char *end)
{
    const char *p = atoms(at + 1, end);
    if (!p || p == end || *p != '@' || ++p == end) return NULL;
    p = *p == '[' ? literal(p, end) : atoms(p, end);
    return p && p < end && *p == '>' ? p + 1 : NULL;
}

static crp_status keep_timestamp(crp *vm, crpi_pop3 *p, const char *line, size_t n)
{
    crp_word found;
    const char *end = line + n, *from = n ? memchr(line, '<', n) : NULL, *to = NULL;
    while (from && !(to = msg_id(from, end))) from = memchr(from + 1, '<', (size_t)(end - from - 1));
    crp_status st = crp_string(vm, from ? from : "", from ? (size_t)(to - from) : 0, &found);
    if (!st) crp_store(vm, &p->m.h, &p->timestamp, found);
    return st;
}

/* --- before anything is sent ----------------------------------------------------------------------- */

static bool is_set(crp_word string)
{
    size_t n;
    crp_string_data(string, &n);
    return n > 0;
}

static crp_status check_settings(crp *vm, crpi_pop3 *p)
{
    crp_status st = crpi_dialogue_fits(vm, &p->dialogue, "`user`", p->user);
    if (!st) st = crpi_dialogue_fits(vm, &p->dialogue, "`password`", p->password);
    if (!st) st = crpi_dialogue_fits(vm, &p->dialogue, "`secret`", p->secret);
    if (st) return st;
    if (!is_set(p->user)) return crp_module_raise(vm, &p->m, CRP_ERR_CONFIG, 1, "connect: `user` is not set");
    if (is_set(p->password) || is_set(p->secret)) return CRP_OK;
    return crp_module_raise(vm, &p->m, CRP_ERR_CONFIG, 1, "connect: neither `password` nor `secret` is set");
}

static crp_status start(crp_call *call, crpi_pop3 *p)
{
    crp *vm = call->vm;
    crp_word empty;
    crpi_pop3_prepare(p);
    crpi_dialogue_reset(vm, &p->dialogue);
    crp_status st = crp_string(vm, "", 0, &empty);
    if (!st) st = check_settings(vm, p);
    if (!st) st = crpi_dialogue_conceal(vm, &p->dialogue, p->password);
    if (!st) st = crpi_dialogue_conceal(vm, &p->dialogue, p->secret);
    if (st) return st;
    crp_conceal(vm, &p->m, p->dialogue.concealed, CRPI_CONCEALED); /* the greeting may hold them already */
    crp_store(vm, &p->m.h, &p->greeting, empty);
    crp_store(vm, &p->m.h, &p->timestamp, empty);
    crpi_dialogue_expect(&p->dialogue);
    p->state = CRPI_POP3_AUTHORIZATION;
    return CRP_OK;
}

/* --- asking and being answered --------------------------------------------------------------------- */

static void begin_wait(crp *vm, crpi_pop3 *p) { p->deadline = crp_now(vm) + crp_integer_value(p->timeout); }

/* "VERB argument"; where that is secret the log gets `shown`. */
static crp_status command(crp_call *call, crpi_pop3 *p, const char *verb, crp_word argument,
                          const char *shown)
{
    crp_word line;
    size_t n;
    const char *bytes = crp_string_data(argument, &n);
    crp_status st = crp_format(call->vm, &line, "%s %.*s", verb,
                               (int)(n < MOST_ARGUMENT ? n : MOST_ARGUMENT), bytes);
    if (st) return st;
    bytes = crp_string_data(line, &n);
    begin_wait(call->vm, p);
    return crpi_dialogue_command(call, &p->dialogue, bytes, n, shown);
}

/* The reply's line: OK when it is +OK, and then *l stands at the text after that. */
static crp_status reply(crp_call *call, crpi_pop3 *p, const char *asked, const char *waiting, int otherwise,
                        crpi_pop3_line *l)
{
    const unsigned char *line;
    size_t n;
    bool refused;
    crpi_limit limit = crpi_pop3_line_limit(p);
    crp_status st = crpi_dialogue_line(call, &p->dialogue, &limit, &line, &n);
    if (st == CRP_AGAIN)
        return crp_again_until(call, &p->m, p->deadline, crp_integer_value(p->timeout), waiting);
    if (st) return st;
    *l = crpi_pop3_line_of(p, asked, line, n);
    return crpi_pop3_status(call->vm, l, otherwise, &refused);
}

/* --- greeting -------------------------------------------------------------------------------------- */

static crp_status take_greeting(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    crp_word text;
    crp_status st = reply(call, p, "the greeting", "waiting for the greeting", CRPI_POP3_REFUSED, &l);
    if (st) return st;
    size_t n = (size_t)(l.end - l.whole);
    if ((st = crp_string(call->vm, l.whole, n, &text))) return st;
    crp_store(call->vm, &p->m.h, &p->greeting, text);
    if ((st = keep_timestamp(call->vm, p, crp_string_data(text, NULL), n))) return st;
    return crpi_dialogue_complete(call, &p->dialogue, false);
}

/* --- APOP ------------------------------------------------------------------------------------------ */

static void put_hex(const unsigned char *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
}

/* MD5 of the timestamp and the secret, in hexadecimal. */
static crp_status digest_of(crp *vm, const crpi_pop3 *p, crp_word *out)
{
    unsigned char digest[64];
    char text[2 * MD5_BYTES];
    size_t n, m;
    const char *timestamp = crp_string_data(p->timestamp, &n), *secret = crp_string_data(p->secret, &m);
    unsigned char *both = crp_alloc(vm, n + m);
    if (!both) return CRP_E_NOMEM;
    memcpy(both, timestamp, n);
    memcpy(both + n, secret, m);
    crp_digest("md5", both, n + m, digest);
    crp_free_bytes(vm, both, n + m);
    put_hex(digest, MD5_BYTES, text);
    return crp_string(vm, text, sizeof text, out);
}

static crp_status send_apop(crp_call *call, crpi_pop3 *p)
{
    crp_word digest, arguments;
    size_t n, m;
    if (!is_set(p->timestamp))
        return crp_module_raise(call->vm, &p->m, p->dialogue.error_class, CRPI_POP3_SECURITY,
                                "`secret` is set, but the greeting has no timestamp for APOP: %v",
                                p->greeting);
    crp_status st = digest_of(call->vm, p, &digest);
    if (!st) st = crpi_dialogue_conceal(call->vm, &p->dialogue, digest);
    if (st) return st;
    const char *user = crp_string_data(p->user, &n), *text = crp_string_data(digest, &m);
    if (n > MOST_ARGUMENT) n = MOST_ARGUMENT;
    st = crp_format(call->vm, &arguments, "%.*s %.*s", (int)n, user, (int)m, text);
    if (st) return st;
    p->m.step = APOP;
    return command(call, p, "APOP", arguments, "APOP ***");
}

/* --- USER and PASS --------------------------------------------------------------------------------- */

static void warn(crp *vm, crpi_pop3 *p)
{
    crp_word peer, text;
    crp_status st =
        crp_below_attribute(vm, &p->m, "peerAddress", &peer) ? CRP_OK : crp_string(vm, "", 0, &peer);
    if (!st) st = crp_format(vm, &text, "the password goes in clear to %p", peer);
    if (!st) crp_module_note(vm, &p->m, CRP_LOG_PRODUCTION, CRP_LOG_WARN, crp_string_data(text, NULL));
    if (st) crp_clear_error(vm);
}

/* A password in clear is for a peer on this machine, or where the script wants it so. */
static crp_status may_send_password(crp *vm, crpi_pop3 *p)
{
    if (crp_below_is(vm, &p->m, "secure") || crp_below_is(vm, &p->m, "loopback")) return CRP_OK;
    if (crp_is_true(p->allow_plaintext)) {
        warn(vm, p);
        return CRP_OK;
    }
    return crp_module_raise(
        vm, &p->m, p->dialogue.error_class, CRPI_POP3_SECURITY,
        "the password was not sent: the connection is not encrypted and the server is not on this "
        "machine. Set `secret` to log on with APOP, or `allowPlaintext` to true to send it in clear");
}

static crp_status send_user(crp_call *call, crpi_pop3 *p)
{
    crp_status st = may_send_password(call->vm, p);
    if (st) return st;
    p->m.step = USER;
    return command(call, p, "USER", p->user, NULL);
}

static crp_status send_pass(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    crp_status st = reply(call, p, "USER", "waiting for the reply to USER", CRPI_POP3_LOGON, &l);
    if (!st) st = crpi_dialogue_complete(call, &p->dialogue, false);
    if (st) return st;
    p->m.step = PASS;
    return command(call, p, "PASS", p->password, "PASS ***");
}

static crp_status logged_on(crp_call *call, crpi_pop3 *p, const char *asked, const char *waiting)
{
    crpi_pop3_line l;
    crp_status st = reply(call, p, asked, waiting, CRPI_POP3_LOGON, &l);
    if (!st) st = crpi_dialogue_complete(call, &p->dialogue, false);
    if (!st) p->state = CRPI_POP3_TRANSACTION;
    return st;
}

/* --- the ops --------------------------------------------------------------------------------------- */

crp_status crpi_pop3_connect(crp_call *call, crp_module *m)
{
    crpi_pop3 *p = (crpi_pop3 *)m;
    crp_status st = CRP_OK;
    if (m->step == START) {
        if ((st = start(call, p))) return st;
        begin_wait(call->vm, p);
        m->step = GREETING;
    }
    if (m->step == GREETING) {
        st = take_greeting(call, p);
        if (!st) st = is_set(p->secret) ? send_apop(call, p) : send_user(call, p);
    }
    if (!st && m->step == USER) st = send_pass(call, p);
    if (!st && m->step == PASS) st = logged_on(call, p, "PASS", "waiting for the reply to PASS");
    if (!st && m->step == APOP) st = logged_on(call, p, "APOP", "waiting for the reply to APOP");
    return st;
}

/* Only a server that has answered QUIT with +OK has deleted what it was told to delete. */
static crp_status quit_failed(crp *vm)
{
    return crp_error_prefix(vm, "QUIT failed, so what was marked as deleted may still be there: ");
}

/* Messages that are still on their way, and that nobody will take. */
static crp_status settle(crp_call *call, crpi_pop3 *p)
{
    size_t before = p->progress;
    crp_status st = crpi_pop3_settle(call, p, NULL);
    if (p->progress != before) begin_wait(call->vm, p);
    if (st != CRP_AGAIN) return st;
    return crp_again_until(call, &p->m, p->deadline, crp_integer_value(p->timeout), "waiting for messages before QUIT");
}

crp_status crpi_pop3_disconnect(crp_call *call, crp_module *m)
{
    crpi_pop3 *p = (crpi_pop3 *)m;
    crpi_pop3_line l;
    crp_status st = CRP_OK;
    if (m->step == START) {
        crpi_pop3_prepare(p);
        begin_wait(call->vm, p);
        crpi_pop3_discard(call->vm, p);
        p->state = CRPI_POP3_UPDATE;
        m->step = SETTLING;
    }
    if (m->step == SETTLING) st = settle(call, p);
    if (!st && m->step == SETTLING) {
        begin_wait(call->vm, p);
        m->step = GREETING;
        st = crpi_dialogue_command(call, &p->dialogue, "QUIT", 4, NULL);
    }
    if (!st) st = reply(call, p, "QUIT", "waiting for the reply to QUIT", CRPI_POP3_REFUSED, &l);
    return st && st != CRP_AGAIN ? quit_failed(call->vm) : st;
}
