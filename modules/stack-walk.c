/* floor 4: the core walks over a stack.
 *
 * A walk has no memory of its own: the flags in the modules say how far it came, so it is simply started
 * again after each wait, and a stack that changed under it is no special case.
 */
#include "stack.h"

/* The class floor refuses CRP_CONFIG properties by this flag. */
void crpi_lock_config(crp_module *m)
{
    bool busy = m->connected || m->connecting || m->bound || m->listening;
    m->h.flags = (uint8_t)(busy ? m->h.flags | CRP_F_CONNECTED : m->h.flags & ~CRP_F_CONNECTED);
}

void crpi_set_connected(crp_module *m, bool connected)
{
    m->connected = connected;
    m->connecting = m->disconnecting = m->bound = m->listening = m->spliced = false;
    crpi_lock_config(m);
}

/* --- order ---------------------------------------------------------------------------------------------- */

static crp_status picture(crp *vm, const crpi_layers *layers, size_t wrong, crp_word *out)
{
    crpi_prose text = {.vm = vm};
    for (size_t i = 0; i < layers->n; i++) {
        crpi_prose_add(&text, "\n    ");
        crpi_prose_add(&text, crpi_layer_name(vm, layers->at[i]));
        if (i == wrong) crpi_prose_add(&text, "    <- here");
    }
    return crpi_prose_end(&text, out);
}

static crp_status wrong_order(crp *vm, const crpi_layers *layers, size_t at, const char *name,
                              const char *rule, const char *needed)
{
    crp_word text;
    crp_status st = picture(vm, layers, at, &text);
    if (st) return st;
    return crp_raise(vm, CRP_ERR_CONFIG, 1, "wrong order of layers: %s %s%s. The stack, top first:%s", name,
                     rule, needed, crp_string_data(text, NULL));
}

static bool is_named(const char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

static crp_status check_layer(crp *vm, const crpi_layers *layers, size_t i)
{
    crp_module *m = layers->at[i];
    const crp_module_ops *ops = crp_ops_of(vm, m);
    const char *name = crpi_layer_name(vm, m);
    bool last = i + 1 == layers->n;
    if (ops->needs_below &&
        (last || !is_named(crp_class_name(vm, crp_module_word(layers->at[i + 1])), ops->needs_below)))
        return wrong_order(vm, layers, i + 1, name, "needs directly below it a ", ops->needs_below);
    if (last && !m->bottom && !(ops->flags & CRP_MODULE_BOTTOM))
        return wrong_order(vm, layers, i, name, "cannot be the bottom: it reaches no peer by itself", "");
    if (!last && ops->flags & CRP_MODULE_BOTTOM)
        return wrong_order(vm, layers, i, name, "can only be the bottom", "");
    return CRP_OK;
}

crp_status crpi_check_order(crp *vm, const crpi_layers *layers)
{
    crp_status st = CRP_OK;
    if (!layers->n) return crp_raise(vm, CRP_ERR_CONFIG, 1, "connect: the stack is empty");
    crp_module *top = layers->at[0];
    if (layers->n == 1 && crp_ops_of(vm, top)->flags & CRP_MODULE_STACK)
        return crp_raise(vm, CRP_ERR_CONFIG, 1, "%s: no stack: there are no layers below it",
                         crpi_layer_name(vm, top));
    for (size_t i = 0; !st && i < layers->n; i++) st = check_layer(vm, layers, i);
    return st;
}

/* --- close ---------------------------------------------------------------------------------------------- */

/* True: the layer came with the connection and has left the stack with it. */
static bool close_layer(crp *vm, crp_module *m)
{
    const crp_module_ops *ops = crp_ops_of(vm, m);
    crpi_set_connected(m, false);
    if (ops->close) ops->close(vm, m);
    crp_wake(vm, crp_module_word(m));
    return crpi_stack_leave(vm, m);
}

void crpi_close_layers(crp *vm, const crpi_layers *layers)
{
    for (size_t i = 0; i < layers->n; i++) close_layer(vm, layers->at[i]);
}

void crp_close_stack(crp *vm, crp_module *m)
{
    crp_module *below;
    int n = 0;
    for (m = crpi_topmost(m); m && n < CRP_MAX_LAYERS; m = below, n++) {
        below = crp_below(vm, m);
        close_layer(vm, m);
    }
}

/* --- connect -------------------------------------------------------------------------------------------- */

static crp_status connect_layer(crp_call *call, crp_module *m)
{
    const crp_module_ops *ops = crp_ops_of(call->vm, m);
    if (!m->connecting) {
        if (!crp_is_object(m->below)) crpi_stack_forget(call->vm, m);
        m->bound = m->listening = m->accepted = false;
        m->connecting = true;
        crpi_lock_config(m);
        m->step = 0;
        m->traffic = (crp_traffic){0};
        m->began = crp_now(call->vm) + 1;
        m->since = 0;
    }
    crp_status st = ops->connect ? ops->connect(call, m) : CRP_OK;
    if (!st) crpi_set_connected(m, true), m->since = crp_now(call->vm) + 1;
    return st;
}

/* What stands on a layer that is not connected is not connected either, whatever it believes; but for a layer that
 * was inserted into a connection.  True: one has left the stack. */
static bool forget_above(crp *vm, const crpi_layers *layers, size_t i)
{
    bool left = false;
    while (i-- > 0)
        if (layers->at[i]->connected) left |= close_layer(vm, layers->at[i]);
    return left;
}

/* Where a pass begins, counted from the top.  A connect in script that is under way is gone on with at once: it may have
 * closed what is below it, and has still to say why. */
static size_t pass_from(crp *vm, const crpi_layers *layers)
{
    for (size_t i = layers->n; i > 0; i--)
        if (layers->at[i - 1]->connecting && crp_ops_of(vm, layers->at[i - 1])->face) return i;
    return layers->n;
}

static crp_status connect_pass(crp_call *call, const crpi_layers *layers)
{
    crp_status st = crpi_check_order(call->vm, layers);
    for (size_t i = pass_from(call->vm, layers); !st && i-- > 0;) {
        if (layers->at[i]->connected) continue;
        if (!layers->at[i]->spliced && forget_above(call->vm, layers, i)) return CRP_AGAIN;
        st = connect_layer(call, layers->at[i]);
    }
    return st;
}

/* A wrong order that is found before anything was begun leaves everything as it was. */
static crp_status connect_failed(crp *vm, const crpi_layers *layers, crp_status st)
{
    bool begun = false;
    for (size_t i = 0; i < layers->n; i++) begun |= layers->at[i]->connecting;
    if (begun) crpi_close_layers(vm, layers);
    return st;
}

/* A module that inserted another below itself says AGAIN, as where one has left: the walk begins again at the bottom. */
crp_status crpi_walk_connect(crp_call *call, crp_module *top)
{
    crpi_layers layers, now;
    crp_status st = crpi_layers_from(call->vm, top, &layers);
    while (!st) {
        st = connect_pass(call, &layers);
        if (!st) return CRP_OK;
        if (st != CRP_AGAIN) return connect_failed(call->vm, &layers, st);
        crp_status changed = crpi_layers_from(call->vm, top, &now);
        if (changed) return connect_failed(call->vm, &layers, changed);
        if (now.n == layers.n) return CRP_AGAIN;
        layers = now;
        st = CRP_OK;
    }
    return st;
}

/* What a layer in script does in its connect may fail in the middle, and that closes the whole stack: then only the script
 * knows why. */
static crp_status why_closed(crp_call *call, const crpi_layers *layers)
{
    for (size_t i = layers->n; i-- > 0;) {
        const crp_module_ops *ops = crp_ops_of(call->vm, layers->at[i]);
        if (!ops->face || !ops->connect || !layers->at[i]->step) continue;
        crp_status st = ops->connect(call, layers->at[i]);
        if (st) return st;
    }
    return crp_module_raise(call->vm, layers->at[0], CRP_ERR_COMMS, CRP_NOT_CONNECTED,
                            "the connection was closed while it was being made");
}

crp_status crpi_walk_connect_on(crp_call *call, crp_module *top)
{
    crpi_layers layers;
    crp_status st = crpi_layers_from(call->vm, top, &layers);
    bool under_way = st || top->connected;
    for (size_t i = 0; !under_way && i < layers.n; i++) under_way = layers.at[i]->connecting;
    return under_way ? crpi_walk_connect(call, top) : why_closed(call, &layers);
}

crp_status crp_connect_below(crp_call *call, crp_module *m)
{
    crp_status st = crpi_walk_connect(call, crp_below(call->vm, m));
    if (st && st != CRP_AGAIN) crp_close_stack(call->vm, m);
    return st;
}

/* --- disconnect ----------------------------------------------------------------------------------------- */

/* The walk holds its first layer.  One further down may be another task's, in the middle of an exchange. */
static crp_status disconnect_layer(crp_call *call, crp_module *m, bool held)
{
    const crp_module_ops *ops = crp_ops_of(call->vm, m);
    if (!m->connected || !ops->disconnect) return CRP_OK;
    if (!m->disconnecting && !held && m->locks & CRP_LOCK_WHOLE) {
        crp_wait_object(call, crp_module_word(m));
        return CRP_AGAIN;
    }
    if (!m->disconnecting) {
        m->disconnecting = true;
        m->step = 0;
    }
    return ops->disconnect(call, m);
}

/* Goodbyes from the top down; the first error is kept in *error, and everything is closed in every case. */
crp_status crpi_walk_disconnect(crp_call *call, crp_module *top, size_t *done, crp_word *error)
{
    crpi_layers layers;
    crp_status st = crpi_layers_from(call->vm, top, &layers);
    if (st) return st;
    for (; *done < layers.n; ++*done) {
        st = disconnect_layer(call, layers.at[*done], *done == 0);
        if (st == CRP_AGAIN) return st;
        if (st && !crp_is_object(*error)) *error = crp_pending_error(call->vm);
        if (st) crp_clear_error(call->vm);
    }
    crpi_close_layers(call->vm, &layers);
    return crp_is_object(*error) ? crp_rethrow(call->vm, *error) : CRP_OK;
}

/* --- data ----------------------------------------------------------------------------------------------- */

crp_module *crpi_with_slot(crp *vm, crp_module *m, size_t slot)
{
    for (int n = 0; m && n < CRP_MAX_LAYERS; n++, m = crp_below(vm, m)) {
        void *const *at = (void *const *)(const void *)((const char *)crp_ops_of(vm, m) + slot);
        if (*at) return m;
    }
    return NULL;
}

crp_status crp_must_be_connected(crp *vm, const crp_module *m)
{
    if (m->connected || !crp_ops_of(vm, m)->connect) return CRP_OK;
    return crp_module_raise(vm, m, CRP_ERR_COMMS, CRP_NOT_CONNECTED, "not connected");
}

/* The layer that does it, connected as far as it goes.  A layer that is just connecting may be used by itself
 * only, never through here. */
static crp_status layer_for(crp *vm, crp_module *from, size_t slot, const char *doing, crp_module **out)
{
    if (!(*out = crpi_with_slot(vm, from, slot)))
        return crp_raise(vm, CRP_ERR_CONFIG, 1, "no layer can %s", doing);
    return crp_must_be_connected(vm, *out);
}

crp_status crpi_layer_send(crp_call *call, crp_module *from, const void *bytes, size_t n, size_t *taken)
{
    crp_module *m;
    *taken = 0;
    crp_status st = layer_for(call->vm, from, CRPI_SLOT(send), "send", &m);
    if (!st) st = crp_ops_of(call->vm, m)->send(call, m, bytes, n, taken);
    if (st || !*taken) return st;
    m->traffic.bytes_sent += (int64_t)*taken;
    m->traffic.packets_sent++;
    m->traffic.last_sent = crp_now(call->vm);
    return CRP_OK;
}

crp_status crpi_layer_receive(crp_call *call, crp_module *from, void *bytes, size_t n, size_t *got)
{
    crp_module *m;
    *got = 0;
    crp_status st = layer_for(call->vm, from, CRPI_SLOT(receive), "receive", &m);
    if (!st) st = crp_ops_of(call->vm, m)->receive(call, m, bytes, n, got);
    if (st || !*got) return st;
    m->traffic.bytes_received += (int64_t)*got;
    m->traffic.packets_received++;
    m->traffic.last_received = crp_now(call->vm);
    return CRP_OK;
}

crp_status crp_below_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    return crpi_layer_send(call, crp_below(call->vm, m), bytes, n, taken);
}

crp_status crp_below_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    return crpi_layer_receive(call, crp_below(call->vm, m), bytes, n, got);
}

void crp_conceal(crp *vm, const crp_module *m, const crp_word *strings, size_t n)
{
    int layers = 0;
    for (crp_module *b = crp_below(vm, m); b && layers < CRP_MAX_LAYERS; b = crp_below(vm, b), layers++) {
        const crp_module_ops *ops = crp_ops_of(vm, b);
        if (ops->conceal) ops->conceal(vm, b, strings, n);
    }
}

size_t crp_below_pending(crp *vm, const crp_module *m)
{
    size_t sum = 0;
    int n = 0;
    for (crp_module *b = crp_below(vm, m); b && n < CRP_MAX_LAYERS; b = crp_below(vm, b), n++) {
        const crp_module_ops *ops = crp_ops_of(vm, b);
        if (ops->pending) sum += ops->pending(vm, b);
    }
    return sum;
}

void crp_module_mark(crp *vm, crp_object *self, crp_marker mark)
{
    crp_module *m = (crp_module *)self;
    mark(vm, m->above);
    mark(vm, m->below);
    mark(vm, m->stack);
    mark(vm, m->under);
    mark(vm, m->log);
}

crp_status crp_module_get_stack(crp *vm, crp_object *self, crp_word *out)
{
    (void)vm;
    crp_word under = ((crp_module *)self)->under;
    *out = crp_is_object(under) ? under : CRP_NIL;
    return CRP_OK;
}

crp_status crp_module_set_stack(crp *vm, crp_object *self, crp_word stack)
{
    crp_module *m = (crp_module *)self;
    if (stack == m->under) return CRP_OK;
    if (m->connected || m->connecting)
        return crp_module_raise(vm, m, CRP_ERR_SCRIPT, CRP_ILLEGAL, "`stack` is set while connected");
    crp_store(vm, self, &m->under, stack);
    return CRP_OK;
}
