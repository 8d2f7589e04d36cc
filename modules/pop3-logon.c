/* floor 4: how a POP3 session begins and ends: greeting, what the server can do, TLS, logon; QUIT.
 *
 * Connect plays one row of stages after the other; where `autoLogon` is () it ends behind the greeting, and the method
 * `logon` plays the rest.  Everything that could be wrong with what is to be sent is found before a byte goes out. */
#include <string.h>
#include "pop3.h"

enum { ASK, ANSWER };

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

/* --- the stages ------------------------------------------------------------------------------------ */

static crp_status start(crp_call *call, crpi_pop3 *p)
{
    crp *vm = call->vm;
    crp_word empty;
    crpi_pop3_prepare(p);
    crpi_dialogue_reset(vm, &p->dialogue);
    crp_status st = crp_string(vm, "", 0, &empty);
    if (!st && crp_is_true(p->auto_logon)) st = crpi_pop3_check_settings(vm, p);
    if (!st) st = crpi_pop3_conceal(vm, p);
    if (st) return st;
    crp_conceal(vm, &p->m, p->dialogue.concealed, CRPI_CONCEALED); /* the greeting may hold them already */
    crp_store(vm, &p->m.h, &p->greeting, empty);
    crp_store(vm, &p->m.h, &p->timestamp, empty);
    p->asked = CRPI_POP3_UNASKED;
    crpi_pop3_forget_capabilities(vm, p);
    crpi_dialogue_expect(&p->dialogue);
    p->state = CRPI_POP3_AUTHORIZATION;
    crpi_pop3_begin_wait(vm, p, "waiting for the greeting");
    return CRP_OK;
}

static crp_status greet(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    crp_word text;
    bool refused;
    crp_status st = crpi_pop3_reply(call, p, "the greeting", CRPI_POP3_REFUSED, &l, &refused);
    if (st) return st;
    size_t n = (size_t)(l.end - l.whole);
    if ((st = crp_string(call->vm, l.whole, n, &text))) return st;
    crp_store(call->vm, &p->m.h, &p->greeting, text);
    if ((st = keep_timestamp(call->vm, p, crp_string_data(text, NULL), n))) return st;
    return crpi_dialogue_complete(call, &p->dialogue, false);
}

/* Only a server that has answered QUIT with +OK has deleted what it was told to delete. */
static crp_status quit(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = CRP_OK;
    if (p->step == ASK) {
        p->step = ANSWER;
        st = crpi_pop3_command(call, p, "QUIT", 4, NULL, CRPI_POP3_WAITING("QUIT"));
    }
    return st ? st : crpi_pop3_reply(call, p, "QUIT", CRPI_POP3_REFUSED, &l, &refused);
}

/* --- the ops --------------------------------------------------------------------------------------- */

#define LOGON crpi_pop3_learn, crpi_pop3_secure, crpi_pop3_learn, crpi_pop3_log_on, crpi_pop3_learn
static const crpi_pop3_stage whole[] = {greet, LOGON, NULL};
static const crpi_pop3_stage greeting_only[] = {greet, NULL};

crp_status crpi_pop3_connect(crp_call *call, crp_module *m)
{
    crpi_pop3 *p = (crpi_pop3 *)m;
    if (m->step == 0) {
        crp_status st = start(call, p);
        if (st) return st;
        p->stage = p->step = 0;
        m->step = crp_is_true(p->auto_logon) ? 1 : 2;
    }
    return crpi_pop3_play(call, p, m->step == 1 ? whole : greeting_only);
}

static crp_status before_logon(crp *vm, crpi_pop3 *p)
{
    crp_status st = crpi_pop3_must_be_in(vm, p, CRPI_POP3_AUTHORIZATION, "somebody has logged on already");
    return st ? st : crpi_pop3_check_settings(vm, p);
}

crp_status crpi_pop3_logon(crp_call *call)
{
    static const crpi_pop3_stage stages[] = {LOGON, NULL};
    return crpi_pop3_play_method(call, before_logon, stages);
}

crp_status crpi_pop3_disconnect(crp_call *call, crp_module *m)
{
    static const crpi_pop3_stage stages[] = {crpi_pop3_settle_first, quit, NULL};
    crpi_pop3 *p = (crpi_pop3 *)m;
    if (m->step == 0) {
        crpi_pop3_prepare(p);
        crpi_pop3_discard(call->vm, p);
        p->stage = p->step = 0;
        p->state = CRPI_POP3_UPDATE;
        m->step = 1;
    }
    crp_status st = crpi_pop3_play(call, p, stages);
    if (!st || st == CRP_AGAIN) return st;
    return crp_error_prefix(call->vm, "QUIT failed, so what was marked as deleted may still be there: ");
}
