/* floor 4: the stages of which the beginning and the end of a POP3 session are made.
 *
 * Connect plays all of them; the methods `capabilities`, `stls`, `utf8` and `logon` play those that they name.  How far
 * they have come is in the instance, since one task at a time has it.  A command that the server has refused leaves the
 * session as it was; any other error of a method closes the stack. */
#include <string.h>
#include "pop3.h"

crp_status crpi_pop3_play(crp_call *call, crpi_pop3 *p, const crpi_pop3_stage *stages)
{
    crp_status st = CRP_OK;
    p->answered = false;
    if (!p->stage && !p->step) crp_store(call->vm, &p->m.h, &p->reason, CRP_NIL);
    while (!st && stages[p->stage]) {
        if ((st = stages[p->stage](call, p))) break;
        p->stage++;
        p->step = 0;
    }
    if (st != CRP_AGAIN) return st;
    return crp_again_until(call, &p->m, p->deadline, crp_integer_value(p->timeout), p->waiting);
}

/* --- methods --------------------------------------------------------------------------------------- */

crp_status crpi_pop3_play_method(crp_call *call, crpi_pop3_check check, const crpi_pop3_stage *stages)
{
    crp_operation *op = call->state;
    crpi_pop3 *p = (crpi_pop3 *)crp_self(call);
    crp_status st = CRP_OK;
    if (call->step == 0) {
        crpi_pop3_prepare(p);
        st = crp_operation_begin(call, op, &p->m, crp_integer_value(p->timeout));
        if (!st) st = check(call->vm, p);
        if (st) return st;
        p->stage = p->step = 0;
        call->step = 1;
    }
    crp_operation_middle(op);
    st = crpi_pop3_play(call, p, stages);
    if (!st || (st != CRP_AGAIN && p->answered)) crp_operation_end(call, op);
    return st;
}

crp_status crpi_pop3_must_be_in(crp *vm, crpi_pop3 *p, crpi_pop3_state state, const char *what)
{
    if (p->state == CRPI_POP3_CLOSED) return crp_must_be_connected(vm, &p->m);
    if (!p->m.connected || p->state == CRPI_POP3_UPDATE)
        return crpi_pop3_raise(vm, p, CRPI_POP3_WRONG_STATE, "wrong state: the session is just being %s",
                               p->state == CRPI_POP3_UPDATE ? "ended" : "begun");
    if (p->state == state) return CRP_OK;
    return crpi_pop3_raise(vm, p, CRPI_POP3_WRONG_STATE, "wrong state: %s", what);
}

/* --- asking and being answered --------------------------------------------------------------------- */

void crpi_pop3_begin_wait(crp *vm, crpi_pop3 *p, const char *waiting)
{
    p->deadline = crp_now(vm) + crp_integer_value(p->timeout);
    p->waiting = waiting;
}

crp_status crpi_pop3_command(crp_call *call, crpi_pop3 *p, const void *line, size_t n, const char *shown,
                             const char *waiting)
{
    crpi_pop3_begin_wait(call->vm, p, waiting);
    return crpi_dialogue_command(call, &p->dialogue, line, n, shown);
}

/* The pending error is a refusal: the server has answered, and the session goes on. */
static crp_status answered_no(crp_call *call, crpi_pop3 *p)
{
    crp_word error = crp_pending_error(call->vm);
    crp_status after = crpi_dialogue_complete(call, &p->dialogue, false);
    if (after) return after;
    p->answered = true;
    return crp_rethrow(call->vm, error);
}

crp_status crpi_pop3_reply(crp_call *call, crpi_pop3 *p, const char *asked, int otherwise, crpi_pop3_line *l,
                           bool *refused)
{
    crp_status st = crpi_pop3_status_line(call, p, asked, otherwise, l, refused);
    return *refused ? answered_no(call, p) : st;
}

crp_status crpi_pop3_judge(crp_call *call, crpi_pop3 *p, int otherwise, crpi_pop3_line *l, bool *refused)
{
    crp_status st = crpi_pop3_status(call->vm, l, otherwise, refused);
    return *refused ? answered_no(call, p) : st;
}

crp_status crpi_pop3_one_line(crp_call *call, crpi_pop3 *p, const char *asked, int otherwise, crpi_pop3_line *l,
                              bool *refused)
{
    crp_status st = crpi_pop3_reply(call, p, asked, otherwise, l, refused);
    return st ? st : crpi_dialogue_complete(call, &p->dialogue, false);
}
