/* floor 4: script-visible calls that may wait: whose turn it is, until when, and what an end in the middle
 * means.
 *
 * One task at a time holds a module.  An operation that ends between "sent" and "answered" leaves the
 * connection in a state that nobody knows, so its drop closes the stack: a stale answer can never be read as
 * the next one.
 */
#include "attr.h"
#include "describe.h"

static crp_status timed_out(crp_call *call, crp_module *m, int64_t timeout, const char *doing)
{
    return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_TIMEOUT, "timeout after %ld ms, %s", timeout,
                            doing);
}

void crp_module_wait_fd(crp_call *call, const crp_module *m, int fd, unsigned events)
{
    crp_wait_fd(call, fd, events | CRP_KEEP);
    crp_wait_object(call, crp_module_word(m));
}

crp_status crp_again_until(crp_call *call, crp_module *m, int64_t deadline, int64_t timeout,
                           const char *doing)
{
    if (crp_now(call->vm) >= deadline) return timed_out(call, m, timeout, doing);
    if (deadline != CRP_NO_DEADLINE) crp_wait_until(call, deadline);
    return CRP_AGAIN;
}

void crp_operation_restart(crp_call *call, crp_operation *op, int64_t timeout)
{
    int64_t now = crp_now(call->vm);
    op->timeout = timeout;
    op->deadline = timeout < 0 || timeout > CRP_NO_DEADLINE - now ? CRP_NO_DEADLINE : now + timeout;
}

static crp_status take_turn(crp_call *call, crp_operation *op, crp_module *m, int64_t timeout, uint8_t lock)
{
    if (!crp_is_object(op->module)) {
        op->module = crp_module_word(m);
        crp_operation_restart(call, op, timeout);
    }
    if (m->locks & lock) {
        if (crp_now(call->vm) >= op->deadline)
            return timed_out(call, m, timeout, "waiting for another task that uses it");
        crp_wait_object(call, op->module);
        if (op->deadline != CRP_NO_DEADLINE) crp_wait_until(call, op->deadline);
        return CRP_AGAIN;
    }
    m->locks |= lock;
    op->lock = lock;
    return CRP_OK;
}

crp_status crp_operation_begin(crp_call *call, crp_operation *op, crp_module *m, int64_t timeout)
{
    return take_turn(call, op, m, timeout, CRP_LOCK_WHOLE);
}

crp_status crpi_operation_begin_send(crp_call *call, crp_operation *op, crp_module *m, int64_t timeout)
{
    return take_turn(call, op, m, timeout, CRP_LOCK_SEND);
}

crp_status crpi_operation_begin_alone(crp_call *call, crp_operation *op, crp_module *m, int64_t timeout)
{
    return take_turn(call, op, m, timeout, CRP_LOCK_WHOLE | CRP_LOCK_SEND);
}

crp_status crp_operation_again(crp_call *call, crp_operation *op, const char *doing)
{
    return crp_again_until(call, (crp_module *)crp_object_of(op->module), op->deadline, op->timeout, doing);
}

static void give_free(crp *vm, crp_operation *op)
{
    if (!op->lock) return;
    crp_module *m = (crp_module *)crp_object_of(op->module);
    m->locks &= (uint8_t)~op->lock;
    op->lock = 0;
    crp_wake(vm, op->module);
}

crp_status crp_operation_end(crp_call *call, crp_operation *op)
{
    op->middle = false;
    give_free(call->vm, op);
    return CRP_OK;
}

void crp_operation_mark(crp *vm, void *state, crp_marker mark) { mark(vm, ((crp_operation *)state)->module); }

void crp_operation_drop(crp *vm, void *state)
{
    crp_operation *op = state;
    if (op->lock && op->middle) crp_close_stack(vm, (crp_module *)crp_object_of(op->module));
    give_free(vm, op);
}

/* --- errors --------------------------------------------------------------------------------------------- */

crp_status crp_module_named(crp *vm, const crp_module *m, crp_status st)
{
    if (st && st != CRP_E_NOMEM) {
        crp_error_prefix(vm, "%s: ", crpi_layer_name(vm, m));
        crpi_describe_error(vm, m);
    }
    return st;
}

/* --- the log -------------------------------------------------------------------------------------------- */

static const crp_log_ops *log_ops(crp *vm, crp_word log)
{
    if (!crp_is_object(log)) return NULL;
    const crp_class_def *def = crp_class_definition(vm, log);
    const crp_log_ops *ops = def ? def->module : NULL;
    return ops && ops->kind == CRP_KIND_LOG ? ops : NULL;
}

uint32_t crpi_log_join(crp *vm, crp_word log)
{
    const crp_log_ops *ops = log_ops(vm, log);
    return ops && ops->join ? ops->join(vm, crp_object_of(log)) : 0;
}

bool crpi_log_wants(crp *vm, const crp_module *m, crp_log_level level)
{
    const crp_log_ops *ops = log_ops(vm, m->log);
    return ops && ops->record && (!ops->wants || ops->wants(vm, crp_object_of(m->log), level));
}

static void write_record(crp *vm, const crp_module *m, crp_log_record *record)
{
    if (!crpi_log_wants(vm, m, record->level)) return;
    record->stack = crp_is_object(m->stack) ? crpi_stack_at(m->stack)->number : 0;
    record->layer = crpi_layer_name(vm, m);
    log_ops(vm, m->log)->record(vm, crp_object_of(m->log), record);
}

void crpi_log_record(crp *vm, const crp_module *m, crp_log_level level, crp_direction direction,
                     const void *bytes, size_t n, bool secret)
{
    crp_log_record record = {level, CRP_LOG_INFO, direction, 0, NULL, bytes, n, secret};
    write_record(vm, m, &record);
}

void crp_module_note(crp *vm, const crp_module *m, crp_log_level level, crp_log_severity severity,
                     const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    crp_log_record record = {level, severity, CRP_NO_DIRECTION, 0, NULL, text, n, false};
    write_record(vm, m, &record);
}

crp_status crp_module_set_log(crp *vm, crp_object *self, crp_word log)
{
    crp_module *m = (crp_module *)self;
    crp_store(vm, self, &m->log, log);
    if (!crp_is_object(m->stack)) return CRP_OK;
    crpi_stack *s = crpi_stack_at(m->stack);
    if (!s->number) s->number = crpi_log_join(vm, log);
    return CRP_OK;
}

/* A ScriptModule hands the Log on to its scripted object, which has a property `log` by contract. */
crp_status crpi_set_log(crp *vm, crp_module *m, crp_word log)
{
    crp_word face = crpi_layer_face(vm, m), name;
    crp_status st = crp_module_set_log(vm, &m->h, log);
    if (st || face == crp_module_word(m)) return st;
    st = crp_symbol(vm, "log", 3, &name);
    return st ? st : crp_set(vm, face, name, log);
}
