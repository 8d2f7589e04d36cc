/* floor 4: STLS (RFC 2595): a POP3 session that began in clear goes on encrypted.
 *
 * A Tls is put directly below the Util, and all that the server has said before is forgotten, for in clear anybody may
 * have said it.  From the server's +OK on there is no way back: the next byte is the handshake's, or the stack is
 * closed. */
#include <string.h>
#include "pop3.h"

enum { BEGIN, ANSWER, SHAKE };

bool crpi_pop3_is_encrypted(crp *vm, crpi_pop3 *p)
{
    crp_word version;
    size_t n = 0;
    if (crp_below_is(vm, &p->m, "secure")) return true;
    if (crp_below_attribute(vm, &p->m, "tlsVersion", &version) && crp_is_string(version)) crp_string_data(version, &n);
    return n > 0;
}

static bool is_offered(const crpi_pop3 *p) { return crpi_pop3_can(p, "STLS", NULL, NULL); }

/* Where TLS is required the server need not say that it has it: it may not have been the server who spoke. */
static bool is_wanted(crp *vm, crpi_pop3 *p)
{
    char security = *crp_string_data(p->security, NULL);
    if (crpi_pop3_is_encrypted(vm, p)) return false;
    if (security == 'r') return true;
    if (security == 's') return is_offered(p);
    return is_offered(p) && !crp_is_true(p->allow_plaintext) && !crp_below_is(vm, &p->m, "loopback");
}

/* --- the layer ------------------------------------------------------------------------------------- */

static crp_status check_tls(crp *vm, crpi_pop3 *p)
{
    const crp_module *given = crp_module_of(vm, p->tls);
    if (!given || !crp_is_object(given->stack)) return CRP_OK;
    return crp_module_raise(vm, &p->m, CRP_ERR_SCRIPT, CRP_ILLEGAL, "STLS: the property `tls` stands on a stack already");
}

/* The module of the property, else one with its defaults, which knows from the bottom whose certificate it must be. */
static crp_status insert_tls(crp_call *call, crpi_pop3 *p)
{
    crp_word tls = p->tls;
    crp_module *util = crp_util_below(call->vm, &p->m);
    crp_status st = crp_module_of(call->vm, tls) ? CRP_OK : crp_new_object(call->vm, crp_class_id(call->vm, "Tls"), &tls);
    return st ? st : crp_insert_below(call->vm, util, tls);
}

/* --- the steps ------------------------------------------------------------------------------------- */

static crp_status begin(crp_call *call, crpi_pop3 *p)
{
    crp_status st = check_tls(call->vm, p);
    p->step = ANSWER;
    if (!st) return crpi_pop3_command(call, p, "STLS", 4, NULL, CRPI_POP3_WAITING("STLS"));
    p->answered = true; /* nothing was sent */
    return st;
}

/* Whatever its reason, what was asked for was encryption. */
static crp_status not_granted(crp *vm, crpi_pop3 *p, crp_status st)
{
    crp_error_set_class(vm, crp_pending_error(vm), p->dialogue.error_class, CRPI_POP3_SECURITY);
    crp_error_prefix(vm, "TLS was refused, and no password was sent: ");
    return st;
}

/* What has come behind the +OK came in clear. */
static crp_status answer(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = crpi_pop3_reply(call, p, "STLS", CRPI_POP3_SECURITY, &l, &refused);
    if (refused && p->answered) return not_granted(call->vm, p, st);
    if (!st) st = crpi_dialogue_complete(call, &p->dialogue, true);
    if (!st) st = insert_tls(call, p);
    if (st) return st;
    p->step = SHAKE;
    p->asked = CRPI_POP3_UNASKED;
    crpi_pop3_forget_capabilities(call->vm, p);
    crpi_pop3_begin_wait(call->vm, p, "starting TLS");
    return CRP_OK;
}

static crp_status start_tls(crp_call *call, crpi_pop3 *p)
{
    crp_status st = CRP_OK;
    if (p->step == BEGIN) st = begin(call, p);
    if (!st && p->step == ANSWER) st = answer(call, p);
    if (!st && p->step == SHAKE) st = crp_connect_below(call, crp_util_below(call->vm, &p->m));
    return st;
}

crp_status crpi_pop3_secure(crp_call *call, crpi_pop3 *p)
{
    return p->step == BEGIN && !is_wanted(call->vm, p) ? CRP_OK : start_tls(call, p);
}

static crp_status before_logon(crp *vm, crpi_pop3 *p)
{
    crp_status st = crpi_pop3_must_be_in(vm, p, CRPI_POP3_AUTHORIZATION,
                                         "TLS begins before the logon: set `security`, or `autoLogon` to (), then call "
                                         "`connect`, `stls` and `logon`");
    if (st || !crpi_pop3_is_encrypted(vm, p)) return st;
    return crpi_pop3_raise(vm, p, CRPI_POP3_WRONG_STATE, "wrong state: the connection is encrypted already");
}

crp_status crpi_pop3_stls(crp_call *call)
{
    static const crpi_pop3_stage stages[] = {start_tls, NULL};
    return crpi_pop3_play_method(call, before_logon, stages);
}
