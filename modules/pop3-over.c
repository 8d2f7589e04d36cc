/* floor 4: starting over: when a server gets the replies to commands in a row mixed up.
 *
 * The connection is closed, made anew, and the message asked for again, one command at a time from then on.  Message
 * numbers mean the same only if the mailbox is the same: that is what the UIDs tell, of which a window asks when
 * pipelining begins.  Deletions would be lost with the connection, so after one there is no starting over, nor where a
 * script logs on in steps of its own. */
#include "attr.h"
#include "pop3.h"

enum { NOT_OVER, CONNECT, ASK_UIDS, COMPARE };

/* The pending error is a violation of the protocol. */
static bool is_violation(crp *vm, const crpi_pop3 *p)
{
    int error_class, code;
    const char *text;
    size_t n;
    crp_word error = crp_pending_error(vm);
    if (!crp_is_object(error)) return false;
    crp_error_get(vm, error, &error_class, &code, &text, &n);
    return error_class == p->dialogue.error_class && code == CRPI_POP3_VIOLATION;
}

bool crpi_pop3_may_start_over(crp *vm, const crpi_pop3 *p)
{
    return p->pipelined && p->uids.known && !p->changed && crp_is_true(p->auto_logon) && is_violation(vm, p);
}

crp_status crpi_pop3_must_be_connected(crp *vm, const crpi_pop3 *p)
{
    return p->over ? CRP_OK : crp_must_be_connected(vm, &p->m);
}

crp_status crpi_pop3_start_over(crp_call *call, crpi_pop3_turn *turn, crpi_pop3 *p)
{
    uint32_t session = p->session;
    int64_t timeout = crpi_attr_integer(call->vm, &p->m, "connectTimeout", CRP_CONNECT_TIMEOUT);
    crp_clear_error(call->vm);
    crp_module_note(call->vm, &p->m, CRP_LOG_PRODUCTION, CRP_LOG_WARN,
                    "the server answered out of step: connecting again, with one command at a time");
    turn->over = CONNECT;
    turn->digest = p->uids.digest;
    crp_close_stack(call->vm, &p->m);
    p->session = session;
    p->over = true;
    crp_store(call->vm, &p->m.h, &p->pipelining, CRP_NIL);
    crp_operation_restart(call, &turn->op, timeout);
    crp_wait_until(call, crp_now(call->vm));
    return CRP_AGAIN;
}

static crp_status connect(crp_call *call, crpi_pop3_turn *turn, crpi_pop3 *p)
{
    crp_status st = crpi_walk_connect(call, &p->m);
    if (st == CRP_AGAIN) return crp_operation_again(call, &turn->op, "connecting again");
    if (st) return crp_error_prefix(call->vm, "connecting again, after the server had answered out of step: ");
    crp_operation_restart(call, &turn->op, crp_integer_value(p->timeout));
    turn->over = ASK_UIDS;
    return CRP_OK;
}

static crp_status compare(crp_call *call, crpi_pop3_turn *turn, crpi_pop3 *p)
{
    crp_status st = crpi_pop3_read_uids(call, p);
    if (st == CRP_AGAIN) return crpi_pop3_wait(call, turn, p, "waiting for the reply to UIDL");
    if (st) return st;
    if (!p->uids.known || p->uids.digest != turn->digest)
        return crp_module_raise(call->vm, &p->m, p->dialogue.error_class, CRPI_POP3_VIOLATION,
                                "the server answered out of step, and in a new session the mailbox is not the same: set "
                                "`pipelining` to () and begin again");
    p->over = false;
    turn->over = NOT_OVER;
    return CRP_OK;
}

crp_status crpi_pop3_over(crp_call *call, crpi_pop3_turn *turn, crpi_pop3 *p)
{
    crp_status st = CRP_OK;
    if (turn->over == CONNECT) st = connect(call, turn, p);
    if (!st && turn->over == ASK_UIDS) {
        st = crpi_pop3_ask_uids(call, p);
        turn->over = COMPARE;
    }
    if (!st && turn->over == COMPARE) st = compare(call, turn, p);
    return st;
}
