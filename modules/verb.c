/* floor 4: the standard verbs: connect, send, receive and so on, as scripts call them on a stack, a view or a
 * module.
 *
 * A verb addresses the layers from its receiver down: on a stack all of them, on a view those below its
 * owner, on a module that one and what is below it.  Every verb is a small step machine that waits, never
 * blocks.
 */
#include <string.h>
#include "attr.h"
#include "spoken.h"

enum { BLOCK = 65536 /* bytes that one receive takes at most */ };

static crp_status receiver(crp_call *call, crp_module **out)
{
    *out = crpi_is_stack(call->vm, call->self) ? crpi_stack_first(call->vm, call->self) : crp_self(call);
    if (*out) return CRP_OK;
    return crp_raise(call->vm, CRP_ERR_CONFIG, 1, "the stack is empty");
}

crp_status crpi_timeout_of(crp_call *call, uint32_t arg, crp_module *m, const char *name, int64_t *out)
{
    if (arg >= call->count || call->args[arg] == CRP_UNSET) {
        *out = crpi_attr_integer(call->vm, m, name, CRP_CONNECT_TIMEOUT);
        return CRP_OK;
    }
    *out = crp_integer_value(call->args[arg]);
    if (*out >= 0) return CRP_OK;
    return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "a timeout is a number of milliseconds, not %ld", *out);
}

/* --- connect, disconnect -------------------------------------------------------------------------------- */

crp_status crp_verb_connect(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    crp_status st = receiver(call, &m);
    if (st) return st;
    if (call->step == 0) {
        st = crp_operation_begin(call, &v->op, m,
                                 crpi_attr_integer(call->vm, m, "connectTimeout", CRP_CONNECT_TIMEOUT));
        if (st) return st;
        call->step = 1;
        if (!m->connected) crp_operation_middle(&v->op);
    }
    st = call->step == 2 ? crpi_walk_connect_on(call, m) : crpi_walk_connect(call, m);
    call->step = 2;
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "connecting");
    crp_operation_end(call, &v->op); /* a walk that fails has closed what it must */
    return st;
}

crp_status crp_verb_disconnect(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    if (crpi_is_stack(call->vm, call->self) && !crpi_stack_first(call->vm, call->self)) return CRP_OK;
    crp_status st = receiver(call, &m);
    if (st) return st;
    if (call->step == 0) {
        if ((st = crp_operation_begin(call, &v->op, m, -1))) return st;
        call->step = 1;
        v->value = CRP_NIL;
        crp_operation_middle(&v->op);
    }
    st = crpi_walk_disconnect(call, m, &v->done, &v->value);
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "disconnecting");
    crp_operation_end(call, &v->op);
    return st;
}

/* --- send ----------------------------------------------------------------------------------------------- */

static crp_status send_bytes(crp_call *call, crp_verb *v, crp_module *m)
{
    for (;;) {
        const unsigned char *bytes;
        size_t n, taken;
        if (!crp_bytes(call->args[0], &bytes, &n))
            return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                             "send: expected a String, Binary or Buffer, given %n", call->args[0]);
        if (v->done >= n) return CRP_OK;
        crp_operation_middle(&v->op);
        crp_status st = crpi_layer_send(call, m, bytes + v->done, n - v->done, &taken);
        if (st) return st;
        v->done += taken;
    }
}

static crp_status send_step(crp_call *call, crp_verb *v, crp_module *m)
{
    crp_module *to = crpi_with_slot(call->vm, m, CRPI_SLOT(send));
    crp_module *smart = crpi_with_slot(call->vm, m, CRPI_SLOT(send_value));
    if (!to) return crp_raise(call->vm, CRP_ERR_CONFIG, 1, "no layer can send");
    crp_status st = crp_must_be_connected(call->vm, to);
    if (st) return st;
    if (smart != to) return send_bytes(call, v, m);
    crp_operation_middle(&v->op);
    return crp_ops_of(call->vm, smart)->send_value(call, smart, call->args[0]);
}

crp_status crp_verb_send(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    int64_t timeout;
    crp_status st = receiver(call, &m);
    if (st) return st;
    if (call->step == 0) {
        st = crpi_timeout_of(call, 1, m, "sendTimeout", &timeout);
        if (!st) st = crpi_operation_begin_send(call, &v->op, m, timeout);
        if (st) return st;
        call->step = 1;
    }
    st = send_step(call, v, m);
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "sending");
    if (!st || v->done) crpi_spoken_value(call->vm, m, CRP_SENT, call->args[0], v->done, v->secret);
    return st ? st : crp_operation_end(call, &v->op);
}

crp_status crp_verb_send_secret(crp_call *call)
{
    ((crp_verb *)call->state)->secret = true;
    return crp_verb_send(call);
}

/* What layers above hold back is sent first; that is their own `shut`'s business. */
crp_status crp_verb_shut(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m, *to;
    int64_t timeout;
    crp_status st = receiver(call, &m);
    if (st) return st;
    if (!(to = crpi_with_slot(call->vm, m, CRPI_SLOT(shut))))
        return crp_raise(call->vm, CRP_ERR_CONFIG, 1, "no layer can end the sending only");
    if ((st = crp_must_be_connected(call->vm, to))) return st;
    if (call->step == 0) {
        st = crpi_timeout_of(call, 0, m, "sendTimeout", &timeout);
        if (!st) st = crpi_operation_begin_send(call, &v->op, m, timeout);
        if (st) return st;
        call->step = 1;
    }
    st = crp_ops_of(call->vm, to)->shut(call, to);
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "ending the sending");
    return st ? st : crp_operation_end(call, &v->op);
}

/* --- receive -------------------------------------------------------------------------------------------- */

/* Receiving holds no lock: nothing is consumed until a call is done, and a reader that waits for ever must
 * not keep another task from sending. */
static crp_status receive_begin(crp_call *call, crp_verb *v, crp_module *m, uint32_t arg)
{
    int64_t timeout;
    crp_status st = crpi_timeout_of(call, arg, m, "receiveTimeout", &timeout);
    if (st) return st;
    v->op.module = crp_module_word(m);
    crp_operation_restart(call, &v->op, timeout);
    call->patient = timeout > 0;
    call->step = 1;
    return CRP_OK;
}

static crp_status receive_block(crp_call *call, crp_module *m)
{
    char block[BLOCK];
    size_t got;
    crp_status st = crpi_layer_receive(call, m, block, sizeof block, &got);
    return st || !got ? st : crp_string(call->vm, block, got, &call->result);
}

crp_status crp_verb_receive(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    crp_status st = receiver(call, &m);
    if (!st && call->step == 0) st = receive_begin(call, v, m, 0);
    if (st) return st;
    crp_module *from = crpi_with_slot(call->vm, m, CRPI_SLOT(receive));
    crp_module *smart = crpi_with_slot(call->vm, m, CRPI_SLOT(receive_value));
    if (smart && smart == from && !(st = crp_must_be_connected(call->vm, smart)))
        st = crp_ops_of(call->vm, smart)->receive_value(call, smart, v->op.timeout, &call->result);
    else if (!st)
        st = receive_block(call, m);
    if (!st) crpi_spoken_value(call->vm, m, CRP_RECEIVED, call->result, SIZE_MAX, false);
    return st == CRP_AGAIN ? crp_operation_again(call, &v->op, "receiving") : st;
}

crp_status crp_verb_receive_into(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    unsigned char *at;
    size_t room, got;
    crp_status st = receiver(call, &m);
    if (!st && call->step == 0) st = receive_begin(call, v, m, 1);
    if (!st) st = crp_buffer_room(call->vm, call->args[0], 0, &at, &room);
    if (st) return st;
    if (!room)
        return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "receiveInto: the Buffer is full and does not grow");
    st = crpi_layer_receive(call, m, at, room, &got);
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "receiving");
    if (st) return st;
    if (got) crpi_spoken_piece(call->vm, m, CRP_RECEIVED, at, got);
    crp_buffer_added(call->args[0], got);
    return CRP_OK;
}

/* --- bind, listen, accept ------------------------------------------------------------------------------- */

static crp_status slot_owner(crp_call *call, size_t slot, const char *doing, crp_module **out)
{
    crp_module *m;
    crp_status st = receiver(call, &m);
    if (st) return st;
    if ((*out = crpi_with_slot(call->vm, m, slot))) return CRP_OK;
    return crp_raise(call->vm, CRP_ERR_CONFIG, 1, "no layer can %s", doing);
}

static crp_status begin_on(crp_call *call, crp_verb *v, crp_module *m, int64_t timeout)
{
    if (call->step) return CRP_OK;
    crp_status st = crp_operation_begin(call, &v->op, m, timeout);
    if (st) return st;
    call->step = 1;
    m->step = 0;
    return CRP_OK;
}

crp_status crp_verb_bind(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    crp_status st = slot_owner(call, CRPI_SLOT(bind), "bind", &m);
    if (!st) st = begin_on(call, v, m, CRP_CONNECT_TIMEOUT);
    if (st) return st;
    if (m->connected)
        return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_BIND_FAILED, "bind while connected");
    st = m->bound ? CRP_OK : crp_ops_of(call->vm, m)->bind(call, m);
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "binding");
    if (!st) m->bound = true;
    crpi_lock_config(m);
    return st ? st : crp_operation_end(call, &v->op);
}

/* Listening binds first: step 1 binds, 2 listens. */
static crp_status listen_step(crp_call *call, crp_module *m)
{
    const crp_module_ops *ops = crp_ops_of(call->vm, m);
    if (call->step == 1) {
        crp_status st = m->bound || !ops->bind ? CRP_OK : ops->bind(call, m);
        if (st) return st;
        m->bound = true;
        crpi_lock_config(m);
        m->step = 0;
        call->step = 2;
    }
    return m->listening ? CRP_OK : ops->listen(call, m);
}

crp_status crp_verb_listen(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    crp_status st = slot_owner(call, CRPI_SLOT(listen), "listen", &m);
    if (!st) st = begin_on(call, v, m, CRP_CONNECT_TIMEOUT);
    if (st) return st;
    if (m->connected)
        return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_LISTEN_FAILED, "listen while connected");
    st = listen_step(call, m);
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "listening");
    if (!st) m->listening = true;
    return st ? st : crp_operation_end(call, &v->op);
}

/* Several tasks may wait for connections at once. */
crp_status crp_verb_accept(crp_call *call)
{
    crp_verb *v = call->state;
    crp_module *m;
    int64_t timeout = -1;
    crp_status st = slot_owner(call, CRPI_SLOT(accept), "accept", &m);
    if (!st && call->step == 0) {
        if (call->count && call->args[0] != CRP_UNSET) st = crpi_timeout_of(call, 0, m, "", &timeout);
        v->op.module = crp_module_word(m);
        crp_operation_restart(call, &v->op, timeout);
        call->step = 1;
    }
    if (st) return st;
    if (!m->listening)
        return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_ACCEPT_FAILED, "accept before listen");
    st = crp_ops_of(call->vm, m)->accept(call, m, &call->result);
    if (st == CRP_AGAIN) return crp_operation_again(call, &v->op, "waiting for a connection");
    crp_module *made = st ? NULL : crp_module_of(call->vm, call->result);
    if (made) {
        crpi_set_connected(made, true);
        made->accepted = true;
        made->began = made->since = crp_now(call->vm) + 1;
    }
    return st;
}

/* --- info ----------------------------------------------------------------------------------------------- */

crp_status crp_verb_info(crp_call *call)
{
    crpi_layers layers;
    bool whole = crpi_is_stack(call->vm, call->self);
    crp_module *m = whole ? crpi_stack_first(call->vm, call->self) : crp_self(call);
    crp_status st = crpi_layers_from(call->vm, m, &layers);
    return st ? st : crpi_commsinfo_of_layers(call->vm, &layers, whole, &call->result);
}

void crp_verb_mark(crp *vm, void *state, crp_marker mark)
{
    crp_operation_mark(vm, state, mark);
    mark(vm, ((crp_verb *)state)->value);
}

void crp_verb_drop(crp *vm, void *state) { crp_operation_drop(vm, state); }
