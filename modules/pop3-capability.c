/* floor 4: what a POP3 server can do: CAPA (RFC 2449), and UTF8 (RFC 6856), which is no use without it.
 *
 * What was learnt holds for one state of the session: it is forgotten when TLS begins, because in clear anybody may have
 * said it, and asked again after the logon, which may change it.  A server that has no CAPA is none the worse. */
#include <string.h>
#include "pop3.h"

enum { MOST_CAPABILITIES = 256 };
enum { ASK, ANSWER, LINES };

bool crpi_pop3_can(const crpi_pop3 *p, const char *name, const char **arguments, size_t *n)
{
    size_t length = strlen(name), size;
    if (p->asked != CRPI_POP3_ANSWERED) return false;
    for (crp_word rest = p->capabilities.first; crp_is_pair(rest); rest = crp_tail(rest)) {
        const char *line = crp_string_data(crp_head(rest), &size);
        if (size < length || (size > length && line[length] != ' ') || !crpi_line_same(line, name, length)) continue;
        size_t at = length;
        while (at < size && line[at] == ' ') at++;
        if (arguments) *arguments = line + at;
        if (n) *n = size - at;
        return true;
    }
    return false;
}

static void empty_list(crp *vm, crpi_pop3 *p)
{
    crp_store(vm, &p->m.h, &p->capabilities.first, CRP_NIL);
    crp_store(vm, &p->m.h, &p->capabilities.last, CRP_NIL);
    p->capability_count = 0;
}

void crpi_pop3_forget_capabilities(crp *vm, crpi_pop3 *p)
{
    empty_list(vm, p);
    if (p->asked == CRPI_POP3_ANSWERED) p->asked = CRPI_POP3_UNASKED;
}

/* --- the stage ------------------------------------------------------------------------------------- */

static crp_status ask(crp_call *call, crpi_pop3 *p)
{
    empty_list(call->vm, p);
    p->step = ANSWER;
    return crpi_pop3_command(call, p, "CAPA", 4, NULL, CRPI_POP3_WAITING("CAPA"));
}

/* -ERR is no error. */
static crp_status answer(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = crpi_pop3_reply(call, p, "CAPA", CRPI_POP3_REFUSED, &l, &refused);
    if (refused && p->answered) {
        p->answered = false;
        crp_clear_error(call->vm);
        p->asked = CRPI_POP3_WITHOUT;
        return CRP_OK;
    }
    if (!st) p->step = LINES;
    return st;
}

/* A status line among the capabilities: what was taken for the reply to CAPA was something else. */
static crp_status check_line(crp_call *call, crpi_pop3 *p, const unsigned char *line, size_t n)
{
    crp_word said;
    bool is_status = (n >= 3 && !memcmp(line, "+OK", 3)) || (n >= 4 && !memcmp(line, "-ERR", 4));
    crp_status st = is_status ? crpi_dialogue_quote(call->vm, &p->dialogue, line, n, &said) : CRP_OK;
    if (st || !is_status) return st;
    return crpi_pop3_raise(call->vm, p, CRPI_POP3_VIOLATION, "CAPA: expected a capability, the server said %v", said);
}

static crp_status add_line(crp_call *call, crpi_pop3 *p, const unsigned char *line, size_t n)
{
    crp_word text;
    crp_list_builder list = p->capabilities;
    crp_status st = check_line(call, p, line, n);
    if (st) return st;
    if (p->capability_count++ == MOST_CAPABILITIES)
        return crpi_pop3_raise(call->vm, p, CRPI_POP3_EXCESS, "CAPA: more than %d lines", (int)MOST_CAPABILITIES);
    st = crp_string(call->vm, line, n, &text);
    if (!st) st = crp_list_add(call->vm, &list, text);
    if (st) return st;
    crp_store(call->vm, &p->m.h, &p->capabilities.first, list.first);
    crp_store(call->vm, &p->m.h, &p->capabilities.last, list.last);
    return CRP_OK;
}

static crp_status lines(crp_call *call, crpi_pop3 *p)
{
    const unsigned char *line;
    size_t n;
    crpi_limit limit = crpi_pop3_line_limit(p);
    for (;;) {
        crp_status st = crpi_dialogue_line(call, &p->dialogue, &limit, &line, &n);
        if (st) return st;
        if (n == 1 && *line == '.') break;
        if ((st = add_line(call, p, line, n))) return st;
    }
    p->asked = CRPI_POP3_ANSWERED;
    return crpi_dialogue_complete(call, &p->dialogue, true);
}

/* The plain dialogue of RFC 1939 has no CAPA. */
static bool is_plain_session(const crpi_pop3 *p)
{
    const char *auth = crp_string_data(p->auth, NULL);
    return (!strcmp(auth, "user") || !strcmp(auth, "apop")) && !strcmp(crp_string_data(p->security, NULL), "none") &&
           crp_is_true(p->allow_plaintext);
}

static crp_status ask_if_unasked(crp_call *call, crpi_pop3 *p)
{
    crp_status st = CRP_OK;
    if (p->step == ASK && p->asked != CRPI_POP3_UNASKED) return CRP_OK;
    if (p->step == ASK) st = ask(call, p);
    if (!st && p->step == ANSWER) st = answer(call, p);
    if (!st && p->step == LINES) st = lines(call, p);
    return st;
}

crp_status crpi_pop3_learn(crp_call *call, crpi_pop3 *p)
{
    return p->step == ASK && is_plain_session(p) ? CRP_OK : ask_if_unasked(call, p);
}

/* --- the methods ----------------------------------------------------------------------------------- */

static crp_status may_ask(crp *vm, crpi_pop3 *p)
{
    return p->m.connected && p->state == CRPI_POP3_AUTHORIZATION
               ? CRP_OK
               : crpi_pop3_must_be_in(vm, p, CRPI_POP3_TRANSACTION, "");
}

/* A List of the script's own, which it may change. */
static crp_status copy_list(crp *vm, crp_word from, crp_word *out)
{
    crp_status st = CRP_OK;
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    for (; !st && crp_is_pair(from); from = crp_tail(from)) st = crp_list_add(vm, &list, crp_head(from));
    *out = list.first;
    return st;
}

crp_status crpi_pop3_capabilities(crp_call *call)
{
    static const crpi_pop3_stage stages[] = {crpi_pop3_settle_first, ask_if_unasked, NULL};
    crp_status st = crpi_pop3_play_method(call, may_ask, stages);
    return st ? st : copy_list(call->vm, ((crpi_pop3 *)crp_self(call))->capabilities.first, &call->result);
}

static crp_status switch_to_utf8(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = CRP_OK;
    if (p->step == ASK) {
        if (!crpi_pop3_can(p, "UTF8", NULL, NULL)) {
            p->answered = true;
            return crpi_pop3_raise(call->vm, p, CRPI_POP3_REFUSED, "UTF8: the server does not offer it (see "
                                   "`capabilities`), so nothing was sent");
        }
        p->step = ANSWER;
        st = crpi_pop3_command(call, p, "UTF8", 4, NULL, CRPI_POP3_WAITING("UTF8"));
    }
    if (!st) st = crpi_pop3_one_line(call, p, "UTF8", CRPI_POP3_REFUSED, &l, &refused);
    return st ? st : crp_string(call->vm, l.at, (size_t)(l.end - l.at), &call->result);
}

static crp_status before_logon(crp *vm, crpi_pop3 *p)
{
    return crpi_pop3_must_be_in(vm, p, CRPI_POP3_AUTHORIZATION,
                                "UTF8 comes before the logon: set `autoLogon` to (), then call `connect`, `utf8` and "
                                "`logon`");
}

crp_status crpi_pop3_utf8(crp_call *call)
{
    static const crpi_pop3_stage stages[] = {ask_if_unasked, switch_to_utf8, NULL};
    return crpi_pop3_play_method(call, before_logon, stages);
}
