/* floor 4: accepting on a stack: a new stack for the connection, with layers like those that listen.
 *
 * The bottom module gives the connection; each layer above it is made anew, of the same class and with the same
 * settings.  They are not connected yet: a handshake is the business of whoever talks to that one peer, so no peer
 * can hold up the next.  A scripted class is created without arguments, and if it has a method `acceptedFrom`, that is
 * called with the object that listens.
 */
#include <string.h>
#include "stack.h"

enum { LAYER = 10, CREATED, SET_UP }; /* steps; those of crp_verb_accept come before */

void crpi_accepting_mark(crp *vm, void *state, crp_marker mark)
{
    crp_verb_mark(vm, state, mark);
    mark(vm, ((crpi_accepting *)state)->stack);
}

/* What was accepted and not given to the script is closed at once. */
void crpi_accepting_drop(crp *vm, void *state)
{
    crpi_accepting *a = state;
    if (crp_is_object(a->stack)) {
        crp_module *top = crpi_stack_first(vm, a->stack);
        if (top) crp_close_stack(vm, top);
    }
    crp_verb_drop(vm, state);
}

/* --- layers like those that listen -------------------------------------------------------------------- */

static bool is_setting(const crp_property *p)
{
    return (p->flags & CRP_RW) == CRP_RW && strcmp(p->name, "stack") != 0 && strcmp(p->name, "log") != 0;
}

static crp_status copy_settings(crp *vm, crp_word from, crp_word to)
{
    crp_status st = CRP_OK;
    for (const crp_property *p = crp_class_definition(vm, from)->properties; !st && p->name; p++) {
        crp_word name, value;
        if (!is_setting(p)) continue;
        st = crp_symbol(vm, p->name, strlen(p->name), &name);
        if (!st) st = crp_get(vm, from, name, &value);
        if (!st) st = crp_set(vm, to, name, value);
    }
    return st;
}

/* The layers from the one that accepts up are `a->left` more. */
static crp_status layer_of(crp_call *call, const crpi_accepting *a, crp_module **out)
{
    crpi_layers layers;
    crp_status st = crpi_layers_from(call->vm, crpi_stack_first(call->vm, call->self), &layers);
    if (st) return st;
    if (a->left > layers.n) return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "accept: the stack has changed meanwhile");
    *out = layers.at[a->left - 1];
    return CRP_OK;
}

static crp_status push(crp_call *call, crpi_accepting *a, crp_word module)
{
    crp_status st = crpi_stack_push(call->vm, a->stack, module);
    a->left--;
    call->step = LAYER;
    return st;
}

/* AGAIN or CALL: the layer is made by a script. */
static crp_status make_layer(crp_call *call, crpi_accepting *a)
{
    crp_module *m;
    crp_word name, made;
    crp_status st = layer_of(call, a, &m);
    if (st) return st;
    crp_word self = crp_module_word(m), face = crpi_layer_face(call->vm, m);
    if (face != self) {
        const char *text = crp_class_name(call->vm, face);
        if ((st = crp_symbol(call->vm, text, strlen(text), &name))) return st;
        call->step = CREATED;
        return crp_then_create(call, name, NULL, 0);
    }
    st = crp_new_object(call->vm, m->h.class_id, &made);
    if (!st) st = copy_settings(call->vm, self, made);
    return st ? st : push(call, a, made);
}

static crp_status set_up_scripted(crp_call *call, crpi_accepting *a)
{
    crp_module *m;
    crp_word name;
    crp_status st = layer_of(call, a, &m);
    if (!st) st = crp_symbol(call->vm, "acceptedFrom", 12, &name);
    if (st) return st;
    crp_word from = crpi_layer_face(call->vm, m);
    a->verb.value = call->value;
    call->step = SET_UP;
    if (!crp_has_method(call->vm, a->verb.value, name)) return CRP_OK;
    return crp_then_send(call, a->verb.value, name, &from, 1);
}

static crp_status push_scripted(crp_call *call, crpi_accepting *a)
{
    crp_word module;
    crp_status st = crpi_script_module_for(call->vm, a->verb.value, &module);
    return st ? st : push(call, a, module);
}

/* --- the native ----------------------------------------------------------------------------------------- */

static crp_status begin_stack(crp_call *call, crpi_accepting *a)
{
    crpi_layers layers;
    crp *vm = call->vm;
    crp_module *m;
    crp_status st = crpi_layers_from(vm, crpi_stack_first(vm, call->self), &layers);
    if (!st) st = crp_new_object(vm, crp_class_id(vm, "CommsStack"), &a->stack);
    if (st) return st;
    m = crpi_with_slot(vm, layers.at[0], CRPI_SLOT(accept));
    while (a->left < layers.n && layers.at[a->left] != m) a->left++;
    st = crpi_stack_set_log(vm, a->stack, crpi_stack_at(call->self)->log);
    if (!st) st = crpi_stack_push(vm, a->stack, call->result);
    call->step = LAYER;
    return st;
}

crp_status crpi_stack_accept(crp_call *call)
{
    crpi_accepting *a = call->state;
    crp_status st = call->step < LAYER ? crp_verb_accept(call) : CRP_OK;
    if (!st && call->step < LAYER) st = begin_stack(call, a);
    while (!st && a->left) {
        if (call->step == LAYER) st = make_layer(call, a);
        else if (call->step == CREATED) st = set_up_scripted(call, a);
        else st = push_scripted(call, a);
    }
    if (st) return st;
    call->result = a->stack;
    a->stack = CRP_NIL;
    return CRP_OK;
}
