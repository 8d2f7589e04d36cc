/* floor 4: startTls: a connection that began in clear goes on encrypted, in one step.
 *
 * From the moment when it begins there is no way back: either all that is above the place talks through the new layer,
 * or the stack is closed.  What a layer above had read before came in clear from anybody, so it may not be there.
 */
#include "attr.h"

/* The top-most Util, where no layer is named. */
static crp_status place_of(crp_call *call, crp_module **out)
{
    crpi_layers layers;
    crp_word name = call->count > 1 ? call->args[1] : CRP_UNSET;
    crp_status st = crpi_layers_from(call->vm, crpi_stack_first(call->vm, call->self), &layers);
    if (!st && name == CRP_UNSET) st = crp_symbol(call->vm, "Util", 4, &name);
    return st ? st : crpi_find_layer(call->vm, &layers, name, out);
}

static crp_status check_place(crp *vm, const crp_module *at)
{
    const crp_module *below = crp_below(vm, at);
    if (below) return crp_must_be_connected(vm, below);
    return crp_raise(vm, CRP_ERR_CONFIG, 1, "startTls: %s is the bottom: there is nothing below it to encrypt for",
                     crpi_layer_name(vm, at));
}

static crp_status insert(crp_call *call, crp_operation *op, crp_module *at)
{
    const crp_module *tls = crp_module_of(call->vm, call->args[0]);
    if (tls && !crp_is_object(tls->stack)) crp_operation_middle(op);
    return crp_insert_below(call->vm, at, call->args[0]);
}

crp_status crpi_start_tls(crp_call *call)
{
    crp_operation *op = call->state;
    crp_module *top = crpi_stack_first(call->vm, call->self), *at;
    int64_t timeout;
    crp_status st = place_of(call, &at);
    if (!st && call->step == 0) {
        st = crpi_timeout_of(call, 2, top, "connectTimeout", &timeout);
        if (!st) st = crpi_operation_begin_alone(call, op, top, timeout);
        if (!st) st = check_place(call->vm, at);
        if (!st) st = insert(call, op, at);
        if (!st) call->step = 1;
    }
    if (!st) st = crp_connect_below(call, at);
    if (st == CRP_AGAIN && call->step) return crp_operation_again(call, op, "starting TLS");
    return st ? st : crp_operation_end(call, op);
}
