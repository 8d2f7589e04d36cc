/* floor 4: who is there: APOP, USER and PASS (RFC 1939), AUTH (RFC 5034).
 *
 * One way is chosen, from what is set and what the server offers, and what the server refuses is never tried again in a
 * weaker way.  A secret that would go as it is over a connection in clear goes only where that is allowed. */
#include <string.h>
#include "pop3.h"
#include "stack.h"

enum { CHOOSE, APOP, USER, PASS, AUTH, RESPOND, CANCELLED };
enum { MD5_BYTES = 16, MOST_ARGUMENT = 1 << 20 /* bytes; no command takes so many */, SHORTEST_SECRET = 6 };

static bool is_set(crp_word string)
{
    size_t n;
    crp_string_data(string, &n);
    return n > 0;
}

static bool is_auth(const crpi_pop3 *p, const char *name) { return !strcmp(crp_string_data(p->auth, NULL), name); }

/* --- before anything is sent ----------------------------------------------------------------------- */

/* A token is in fields that a control byte ends (RFC 7628). */
static crp_status check_bytes(crp *vm, crpi_pop3 *p)
{
    size_t n;
    crp_status st = crpi_dialogue_fits(vm, &p->dialogue, "`user`", p->user);
    if (!st) st = crpi_dialogue_fits(vm, &p->dialogue, "`password`", p->password);
    if (!st) st = crpi_dialogue_fits(vm, &p->dialogue, "`secret`", p->secret);
    if (!st) st = crpi_dialogue_fits(vm, &p->dialogue, "`token`", p->token);
    const char *token = crp_string_data(p->token, &n);
    for (size_t i = 0; !st && i < n; i++)
        if (token[i] < ' ' || token[i] == 0x7f)
            st = crp_module_raise(vm, &p->m, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                                  "`token` has something in it that is no token: nothing was sent");
    return st;
}

static crp_status missing(crp *vm, const crpi_pop3 *p, const char *what)
{
    return crp_module_raise(vm, &p->m, CRP_ERR_CONFIG, 1, "connect: %s", what);
}

static unsigned needs_met(const crpi_pop3 *p)
{
    return (is_set(p->user) ? CRPI_SASL_USER : 0u) | (is_set(p->password) ? CRPI_SASL_PASSWORD : 0u) |
           (is_set(p->token) ? CRPI_SASL_TOKEN : 0u);
}

static crp_status unknown_mechanisms(crp *vm, crpi_pop3 *p)
{
    crp_word names;
    crpi_prose text = {.vm = vm};
    for (const crpi_sasl_mechanism *m = crpi_sasl_mechanisms; m->name; m++) {
        crpi_prose_add(&text, " ");
        crpi_prose_add(&text, m->name);
    }
    crp_status st = crpi_prose_end(&text, &names);
    if (st) return st;
    return crp_module_raise(vm, &p->m, CRP_ERR_CONFIG, 1, "connect: `auth` is %v; expected auto, user, apop or some of%p",
                            p->auth, names);
}

/* At least one of the mechanisms that `auth` names must be known and have what it needs. */
static crp_status check_mechanisms(crp *vm, crpi_pop3 *p)
{
    size_t length, n;
    const char *at = crp_string_data(p->auth, &length), *end = at + length, *name;
    bool known = false;
    while (crpi_sasl_next(&at, end, &name, &n)) {
        const crpi_sasl_mechanism *m = crpi_sasl_named(name, n);
        known |= m != NULL;
        if (m && !(m->needs & ~(needs_met(p) | CRPI_SASL_BINDING))) return CRP_OK;
    }
    return known ? missing(vm, p, "what the mechanisms of `auth` need is not set: `user` and `password`, or `token`")
                 : unknown_mechanisms(vm, p);
}

crp_status crpi_pop3_check_settings(crp *vm, crpi_pop3 *p)
{
    crp_status st = check_bytes(vm, p);
    bool automatic = is_auth(p, "auto"), user = is_auth(p, "user"), apop = is_auth(p, "apop");
    if (st) return st;
    if (!automatic && !user && !apop) return check_mechanisms(vm, p);
    if (!is_set(p->user)) return missing(vm, p, "`user` is not set");
    if (is_set(p->password) && !apop) return CRP_OK;
    if (is_set(p->secret) && !user) return CRP_OK;
    if (user) return missing(vm, p, "`password` is not set");
    if (apop) return missing(vm, p, "`secret` is not set");
    return is_set(p->token) ? CRP_OK : missing(vm, p, "neither `password` nor `secret` is set, nor `token`");
}

/* --- what may go in clear -------------------------------------------------------------------------- */

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
        if (!crpi_pop3_is_encrypted(vm, p)) warn(vm, p);
        return CRP_OK;
    }
    return crpi_pop3_raise(
        vm, p, CRPI_POP3_SECURITY,
        "the password was not sent: the connection is not encrypted, or nobody knows to whom, and the server is not on "
        "this machine. Set `secret` to log on with APOP, or `allowPlaintext` to true to send it all the same");
}

/* Whatever a server has said, nothing of a logon goes in clear where TLS is required. */
static crp_status check_required(crp *vm, crpi_pop3 *p)
{
    if (*crp_string_data(p->security, NULL) != 'r' || crpi_pop3_is_encrypted(vm, p)) return CRP_OK;
    return crpi_pop3_raise(vm, p, CRPI_POP3_SECURITY, "nobody was logged on: `security` is \"required\", and the "
                                                      "connection is not encrypted");
}

/* --- commands -------------------------------------------------------------------------------------- */

/* "VERB argument"; where that is secret the log gets `shown`. */
static crp_status command(crp_call *call, crpi_pop3 *p, const char *verb, crp_word argument, const char *shown,
                          const char *waiting)
{
    crp_word line;
    size_t n;
    const char *bytes = crp_string_data(argument, &n);
    crp_status st = crp_format(call->vm, &line, "%s %.*s", verb, (int)(n < MOST_ARGUMENT ? n : MOST_ARGUMENT), bytes);
    if (st) return st;
    bytes = crp_string_data(line, &n);
    return crpi_pop3_command(call, p, bytes, n, shown, waiting);
}

static crp_status logged_on(crp_call *call, crpi_pop3 *p, const char *asked)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = crpi_pop3_one_line(call, p, asked, CRPI_POP3_LOGON, &l, &refused);
    if (st) return st;
    p->state = CRPI_POP3_TRANSACTION;
    crpi_pop3_forget_capabilities(call->vm, p);
    return CRP_OK;
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

static crp_status no_timestamp(crp *vm, crpi_pop3 *p)
{
    crp_word said;
    size_t n;
    const char *greeting = crp_string_data(p->greeting, &n);
    crp_status st = crpi_dialogue_quote(vm, &p->dialogue, greeting, n, &said);
    if (st) return st;
    return crpi_pop3_raise(vm, p, CRPI_POP3_SECURITY, "`secret` is set, but the greeting has no timestamp for APOP: %v", said);
}

static crp_status send_apop(crp_call *call, crpi_pop3 *p)
{
    crp_word digest, arguments;
    size_t n, m;
    if (!is_set(p->timestamp)) return no_timestamp(call->vm, p);
    crp_status st = digest_of(call->vm, p, &digest);
    if (!st) st = crpi_dialogue_conceal(call->vm, &p->dialogue, digest);
    if (st) return st;
    const char *user = crp_string_data(p->user, &n), *text = crp_string_data(digest, &m);
    if (n > MOST_ARGUMENT) n = MOST_ARGUMENT;
    st = crp_format(call->vm, &arguments, "%.*s %.*s", (int)n, user, (int)m, text);
    if (st) return st;
    p->step = APOP;
    return command(call, p, "APOP", arguments, "APOP ***", CRPI_POP3_WAITING("APOP"));
}

/* --- USER and PASS --------------------------------------------------------------------------------- */

static crp_status send_user(crp_call *call, crpi_pop3 *p)
{
    crp_status st = may_send_password(call->vm, p);
    if (st) return st;
    p->step = USER;
    return command(call, p, "USER", p->user, NULL, CRPI_POP3_WAITING("USER"));
}

static crp_status send_pass(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = crpi_pop3_one_line(call, p, "USER", CRPI_POP3_LOGON, &l, &refused);
    if (st) return st;
    p->step = PASS;
    return command(call, p, "PASS", p->password, "PASS ***", CRPI_POP3_WAITING("PASS"));
}

/* --- AUTH: what is said ---------------------------------------------------------------------------- */

static crp_status conceal(crp *vm, crpi_pop3 *p, const void *bytes, size_t n)
{
    crp_word secret;
    if (n < SHORTEST_SECRET) return CRP_OK;
    crp_status st = crp_string(vm, bytes, n, &secret);
    return st ? st : crpi_dialogue_conceal(vm, &p->dialogue, secret);
}

/* A secret as a server might send it back. */
static crp_status conceal_base64(crp *vm, crpi_pop3 *p, crp_word secret)
{
    crpi_sasl_bytes text = {0};
    size_t n;
    const char *bytes = crp_string_data(secret, &n);
    crp_status st = crpi_sasl_add_base64(vm, &text, bytes, n);
    if (!st) st = conceal(vm, p, text.at, text.n);
    crpi_sasl_wipe(vm, &text);
    return st;
}

/* The response in Base64, which nobody may see, nor what it is made from. */
static crp_status encode(crp *vm, crpi_pop3 *p, crpi_sasl_bytes *out)
{
    const crpi_sasl_bytes *r = &p->sasl.response;
    size_t before = out->n;
    crp_status st = crpi_sasl_add_base64(vm, out, r->at, r->n);
    if (!st) st = conceal(vm, p, out->at + before, out->n - before);
    return st ? st : conceal(vm, p, r->at + p->sasl.secret_at, r->n - p->sasl.secret_at);
}

static crp_status send_response(crp_call *call, crpi_pop3 *p)
{
    crpi_sasl_bytes line = {0};
    p->step = AUTH;
    crpi_pop3_begin_wait(call->vm, p, CRPI_POP3_WAITING("AUTH"));
    crp_status st = encode(call->vm, p, &line);
    if (!st) st = crpi_dialogue_answer(call, &p->dialogue, line.at ? (const void *)line.at : "", line.n, "***");
    crpi_sasl_wipe(call->vm, &line);
    return st;
}

/* "AUTH NAME", with the first response where the client begins and the whole fits into a command. */
static crp_status send_auth(crp_call *call, crpi_pop3 *p)
{
    crpi_sasl_bytes line = {0};
    char shown[sizeof p->auth_command + 4];
    bool first = p->sasl.mechanism->first && !p->two_lines;
    crp_status st = crpi_sasl_add_text(call->vm, &line, p->auth_command);
    if (!st && first) st = crpi_sasl_add_text(call->vm, &line, p->sasl.response.n ? " " : " =");
    if (!st && first) st = encode(call->vm, p, &line);
    bool fits = line.n + 2 <= CRPI_COMMAND_OCTETS;
    p->response_waits = p->sasl.mechanism->first && (p->two_lines || !fits);
    strcpy(shown, p->auth_command);
    if (first && fits) strcat(shown, " ***");
    p->step = AUTH;
    if (!st)
        st = crpi_pop3_command(call, p, line.at, fits ? line.n : strlen(p->auth_command), shown,
                               CRPI_POP3_WAITING("AUTH"));
    crpi_sasl_wipe(call->vm, &line);
    return st;
}

/* --- AUTH: what it is made from -------------------------------------------------------------------- */

static crp_status add_attribute(crp *vm, crpi_pop3 *p, const char *name, crp_word *slot)
{
    crp_word value;
    if (!crp_below_attribute(vm, &p->m, name, &value) || value == CRP_NIL) return CRP_OK;
    crp_status st = crp_to_string(vm, value, false, &value);
    if (!st) crpi_sasl_set(vm, &p->sasl, slot, value);
    return st;
}

/* The best that the Tls below has; but a layer in script may say anything. */
static bool find_binding(crp *vm, crpi_pop3 *p, crp_word *type, const unsigned char **bytes, size_t *n)
{
    crp_word list;
    if (!crp_below_attribute(vm, &p->m, "channelBinding", &list) || !crp_is_pair(list)) return false;
    list = crp_head(list);
    if (!crp_is_pair(list) || !crp_is_pair(crp_tail(list))) return false;
    *type = crp_head(list);
    return crp_is_string(*type) && crp_bytes(crp_head(crp_tail(list)), bytes, n);
}

static crp_status add_binding(crp *vm, crpi_pop3 *p)
{
    crp_word type, value;
    const unsigned char *bytes;
    size_t n;
    if (!find_binding(vm, p, &type, &bytes, &n)) {
        if (!(p->sasl.mechanism->needs & CRPI_SASL_BINDING)) return CRP_OK;
        return crpi_pop3_raise(vm, p, CRPI_POP3_SECURITY, "%s: no layer tells what to bind the logon to", p->auth_command);
    }
    crp_status st = crp_string(vm, bytes, n, &value);
    if (st) return st;
    crpi_sasl_set(vm, &p->sasl, &p->sasl.binding_type, type);
    crpi_sasl_set(vm, &p->sasl, &p->sasl.binding, value);
    return CRP_OK;
}

static crp_status give_words(crp *vm, crpi_pop3 *p)
{
    crpi_sasl *s = &p->sasl;
    crpi_sasl_set(vm, s, &s->user, p->user);
    crpi_sasl_set(vm, s, &s->password, p->password);
    crpi_sasl_set(vm, s, &s->token, p->token);
    crp_status st = add_attribute(vm, p, "host", &s->host);
    if (!st) st = add_attribute(vm, p, "port", &s->port);
    return st ? st : add_binding(vm, p);
}

/* The words of the capability SASL. */
static const char *offer(const crpi_pop3 *p, size_t *n)
{
    const char *words = "";
    if (!crpi_pop3_can(p, "SASL", &words, n)) *n = 0;
    return words;
}

static bool is_offered(const crpi_pop3 *p, const char *name, size_t n)
{
    size_t length;
    const char *words = offer(p, &length);
    return crpi_sasl_lists(words, length, name, n);
}

static crp_status begin_auth(crp_call *call, crpi_pop3 *p, const crpi_sasl_mechanism *m)
{
    char plus[32];
    crp_status st = m->clear ? may_send_password(call->vm, p) : CRP_OK;
    if (st) return st;
    crpi_sasl_begin(call->vm, &p->sasl, &p->m.h, m);
    strcat(strcpy(p->auth_command, "AUTH "), m->name);
    strcat(strcpy(plus, m->name), "-PLUS");
    p->sasl.plus_offered = is_offered(p, plus, strlen(plus));
    st = give_words(call->vm, p);
    if (!st) st = conceal_base64(call->vm, p, m->needs & CRPI_SASL_TOKEN ? p->token : p->password);
    if (st) return st;
    if (m->first && (st = crpi_sasl_respond(call, &p->sasl, NULL, 0))) return st;
    return send_auth(call, p);
}

/* --- AUTH: what comes ------------------------------------------------------------------------------ */

static crp_status cancel(crp_call *call, crpi_pop3 *p)
{
    p->step = CANCELLED;
    crpi_pop3_begin_wait(call->vm, p, CRPI_POP3_WAITING("AUTH"));
    return crpi_dialogue_answer(call, &p->dialogue, "*", 1, NULL);
}

/* The server's last word is of no interest: it has broken the protocol before. */
static crp_status cancelled(crp_call *call, crpi_pop3 *p)
{
    const unsigned char *line;
    size_t n;
    crpi_limit limit = crpi_pop3_line_limit(p);
    crp_status st = crpi_dialogue_line(call, &p->dialogue, &limit, &line, &n);
    if (st) return st;
    return crpi_pop3_raise(call->vm, p, CRPI_POP3_VIOLATION, "%s: the server's challenge has %s", p->auth_command,
                           p->sasl.why);
}

static crp_status respond(crp_call *call, crpi_pop3 *p, const unsigned char *challenge, size_t n)
{
    crp_status st = crpi_sasl_respond(call, &p->sasl, challenge, n);
    if (st) return st;
    if (p->sasl.fault == CRPI_SASL_FORGED)
        return crpi_pop3_raise(call->vm, p, CRPI_POP3_SECURITY, "%s: this is not the server that it should be: it has "
                               "sent %s", p->auth_command, p->sasl.why);
    return p->sasl.fault ? cancel(call, p) : send_response(call, p);
}

static crp_status keep_reason(crp *vm, crpi_pop3 *p)
{
    crp_word shown;
    const crpi_sasl_bytes *r = &p->sasl.reason;
    if (!r->n) return CRP_OK;
    crp_status st = crpi_dialogue_quote(vm, &p->dialogue, r->at, r->n, &shown);
    if (!st) crp_store(vm, &p->m.h, &p->reason, shown);
    return st;
}

/* The text behind "+ ". */
static crp_status challenged(crp_call *call, crpi_pop3 *p, const char *text, size_t n)
{
    size_t length = 0, room = n / 4 * 3 + 1;
    unsigned char *bytes = crp_alloc(call->vm, room);
    if (!bytes) return CRP_E_NOMEM;
    bool readable = crpi_base64_strict(text, n, bytes, &length);
    crp_status st = crpi_dialogue_complete(call, &p->dialogue, false);
    bool waits = p->response_waits;
    p->response_waits = false;
    if (!st && (!readable || (waits && n))) {
        crpi_sasl_fail(&p->sasl, CRPI_SASL_BROKEN, readable ? "something in it, where the client is to begin"
                                                            : "something in it that is no Base64");
        st = cancel(call, p);
    } else if (!st) {
        p->step = RESPOND;
        st = waits ? send_response(call, p) : respond(call, p, bytes, length);
        if (!st) st = keep_reason(call->vm, p);
    }
    crp_free_bytes(call->vm, bytes, room);
    return st;
}

static bool contains(const crpi_pop3_line *l, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = l->at; (size_t)(l->end - at) >= n; at++)
        if (!memcmp(at, word, n)) return true;
    return false;
}

/* Some servers take the response of XOAUTH2 only after their challenge, and say so in these words. */
static bool wants_two_lines(const crpi_pop3 *p, const crpi_pop3_line *l)
{
    return !p->two_lines && !p->response_waits && !p->sasl.reason.n && !strcmp(p->sasl.mechanism->name, "XOAUTH2") &&
           !contains(l, "[") && contains(l, "rotocol");
}

static crp_status succeeded(crp_call *call, crpi_pop3 *p)
{
    bool bound = p->sasl.scram != NULL, proven = p->sasl.proven && !p->response_waits;
    crp_status st = crpi_dialogue_complete(call, &p->dialogue, false);
    crpi_sasl_end(call->vm, &p->sasl);
    if (st) return st;
    if (!proven)
        return crpi_pop3_raise(call->vm, p, bound ? CRPI_POP3_SECURITY : CRPI_POP3_VIOLATION,
                               "%s: the server says +OK before %s", p->auth_command,
                               bound ? "it has proved that it knows the password" : "it was told who is there");
    p->state = CRPI_POP3_TRANSACTION;
    crpi_pop3_forget_capabilities(call->vm, p);
    return CRP_OK;
}

static crp_status auth_reply(crp_call *call, crpi_pop3 *p)
{
    const unsigned char *line;
    size_t n;
    bool refused = false;
    crpi_limit limit = crpi_pop3_line_limit(p);
    if (limit.most < CRPI_ANSWER_OCTETS) limit.most = CRPI_ANSWER_OCTETS;
    crp_status st = crpi_dialogue_line(call, &p->dialogue, &limit, &line, &n);
    if (st) return st;
    if (n && *line == '+' && (n == 1 || line[1] == ' '))
        return challenged(call, p, (const char *)line + (n > 1 ? 2 : 1), n > 1 ? n - 2 : 0);
    crpi_pop3_line l = crpi_pop3_line_of(p, p->auth_command, line, n);
    st = crpi_pop3_judge(call, p, CRPI_POP3_LOGON, &l, &refused);
    if (refused && p->answered && wants_two_lines(p, &l)) {
        crp_clear_error(call->vm);
        p->answered = false;
        p->two_lines = true;
        return begin_auth(call, p, p->sasl.mechanism);
    }
    return st ? st : succeeded(call, p);
}

/* A server may have its challenge ready before the response is. */
static crp_status auth(crp_call *call, crpi_pop3 *p)
{
    crp_status st = CRP_OK;
    while (!st && p->state != CRPI_POP3_TRANSACTION && p->step != CANCELLED)
        st = p->step == RESPOND ? respond(call, p, NULL, 0) : auth_reply(call, p);
    return !st && p->step == CANCELLED ? cancelled(call, p) : st;
}

/* --- which way it is ------------------------------------------------------------------------------- */

static crp_status none_offered(crp *vm, crpi_pop3 *p, bool automatic)
{
    crp_word offered, wanted = p->auth;
    size_t n;
    const char *words = offer(p, &n);
    crp_status st = crpi_dialogue_quote(vm, &p->dialogue, words, n, &offered);
    if (!st && automatic) st = crp_string_z(vm, "that take a `token`, OAUTHBEARER XOAUTH2", &wanted);
    if (st) return st;
    return crpi_pop3_raise(vm, p, CRPI_POP3_LOGON, "nobody was logged on: the server offers none of the mechanisms %p; it "
                           "offers %v", wanted, offered);
}

static bool is_possible(const crpi_pop3 *p, const crpi_sasl_mechanism *m, unsigned met)
{
    return !(m->needs & ~met) && is_offered(p, m->name, strlen(m->name));
}

static unsigned needs_met_here(crp *vm, crpi_pop3 *p)
{
    crp_word type;
    const unsigned char *bytes;
    size_t n;
    return needs_met(p) | (find_binding(vm, p, &type, &bytes, &n) ? CRPI_SASL_BINDING : 0u);
}

/* The first of those that `auth` names. */
static const crpi_sasl_mechanism *named(const crpi_pop3 *p, unsigned met)
{
    size_t length, n;
    const char *at = crp_string_data(p->auth, &length), *end = at + length, *name;
    while (crpi_sasl_next(&at, end, &name, &n)) {
        const crpi_sasl_mechanism *m = crpi_sasl_named(name, n);
        if (m && is_possible(p, m, met)) return m;
    }
    return NULL;
}

/* The strongest; with a token only what takes one will do. */
static const crpi_sasl_mechanism *strongest(const crpi_pop3 *p, unsigned met)
{
    bool token = met & CRPI_SASL_TOKEN;
    for (const crpi_sasl_mechanism *m = crpi_sasl_mechanisms; m->name; m++)
        if (m->chosen && token == !!(m->needs & CRPI_SASL_TOKEN) && is_possible(p, m, met)) return m;
    return NULL;
}

static crp_status choose(crp_call *call, crpi_pop3 *p)
{
    bool automatic = is_auth(p, "auto");
    if (is_auth(p, "apop") || (automatic && is_set(p->secret))) return send_apop(call, p);
    if (is_auth(p, "user")) return send_user(call, p);
    unsigned met = needs_met_here(call->vm, p);
    const crpi_sasl_mechanism *m = automatic ? strongest(p, met) : named(p, met);
    if (m) return begin_auth(call, p, m);
    if (automatic && !is_set(p->token)) return send_user(call, p);
    return none_offered(call->vm, p, automatic);
}

crp_status crpi_pop3_conceal(crp *vm, crpi_pop3 *p)
{
    crp_status st = crpi_dialogue_conceal(vm, &p->dialogue, p->password);
    if (!st) st = crpi_dialogue_conceal(vm, &p->dialogue, p->secret);
    return st ? st : crpi_dialogue_conceal(vm, &p->dialogue, p->token);
}

/* What is concealed may have been set since the greeting. */
static crp_status begin_logon(crp_call *call, crpi_pop3 *p)
{
    crp *vm = call->vm;
    p->two_lines = p->response_waits = false;
    crp_status st = check_required(vm, p);
    if (!st) st = crpi_pop3_conceal(vm, p);
    if (!st) st = choose(call, p);
    if (st && p->step == CHOOSE) p->answered = true; /* nothing was sent */
    return st;
}

crp_status crpi_pop3_log_on(crp_call *call, crpi_pop3 *p)
{
    crp_status st = CRP_OK;
    if (p->step == CHOOSE) st = begin_logon(call, p);
    if (!st && p->step == USER) st = send_pass(call, p);
    if (!st && p->step == PASS) st = logged_on(call, p, "PASS");
    if (!st && p->step == APOP) st = logged_on(call, p, "APOP");
    if (!st && (p->step == AUTH || p->step == RESPOND || p->step == CANCELLED)) st = auth(call, p);
    if (st != CRP_AGAIN) crpi_sasl_end(call->vm, &p->sasl);
    return st;
}
