/* floor 4: CommsStack: what a script builds a connection from.
 *
 * The stack only holds modules; it knows nothing of what they do.  Structure is changed here and nowhere
 * else: push, pop, insert, and the live views that modules get of the layers below them.
 */
#include <string.h>
#include "attr.h"
#include "describe.h"
#include "spoken.h"

/* --- looking -------------------------------------------------------------------------------------------- */

bool crpi_is_stack(crp *vm, crp_word w)
{
    return crp_is_object(w) && crp_class_definition(vm, w) == &crpi_stack_class;
}

crp_module *crp_module_of(crp *vm, crp_word w)
{
    if (!crp_is_object(w)) return NULL;
    const crp_class_def *def = crp_class_definition(vm, w);
    if (!def || !def->module || *(const uint32_t *)def->module != CRP_KIND_MODULE) return NULL;
    return (crp_module *)crp_object_of(w);
}

const crp_module_ops *crp_ops_of(crp *vm, const crp_module *m)
{
    const crp_module_ops *ops = crp_class_definition(vm, crp_module_word(m))->module;
    const crp_module_ops *own = ops->ops ? ops->ops(m) : NULL;
    return own ? own : ops;
}

crp_word crpi_layer_face(crp *vm, const crp_module *m)
{
    const crp_module_ops *ops = crp_ops_of(vm, m);
    return ops->face ? ops->face(m) : crp_module_word(m);
}

const char *crpi_layer_name(crp *vm, const crp_module *m)
{
    return crp_class_name(vm, crpi_layer_face(vm, m));
}

static crp_module *module_at(crp_word w) { return crp_is_object(w) ? (crp_module *)crp_object_of(w) : NULL; }

/* A module with the property `stack` stands on what that says: its own view and the stack that it is on mean
 * its neighbour, any other Stack that one's layers, () nothing.  A script can give two modules each other's
 * views: the count ends that. */
crp_module *crp_below(crp *vm, const crp_module *m)
{
    for (int i = 0; i < CRP_MAX_LAYERS; i++) {
        if (!(crp_ops_of(vm, m)->flags & CRP_MODULE_STACK)) return module_at(m->below);
        if (!crp_is_object(m->under)) return NULL;
        crpi_stack *s = crpi_stack_at(m->under);
        if (s->owner == crp_module_word(m) || m->under == m->stack) return module_at(m->below);
        if (!crp_is_object(s->owner)) return module_at(s->top);
        m = module_at(s->owner);
    }
    return NULL;
}

crp_module *crpi_stack_first(crp *vm, crp_word stack)
{
    crpi_stack *s = crpi_stack_at(stack);
    return crp_is_object(s->owner) ? crp_below(vm, module_at(s->owner)) : module_at(s->top);
}

crp_status crpi_layers_from(crp *vm, crp_module *top, crpi_layers *out)
{
    out->n = 0;
    for (crp_module *m = top; m; m = crp_below(vm, m)) {
        if (out->n == CRP_MAX_LAYERS)
            return crp_raise(vm, CRP_ERR_CONFIG, 1,
                             "a stack of more than %d layers: does it stand on itself?", CRP_MAX_LAYERS);
        out->at[out->n++] = m;
    }
    return CRP_OK;
}

crp_module *crpi_topmost(crp_module *m)
{
    while (crp_is_object(m->above)) m = module_at(m->above);
    return m;
}

crp_status crpi_stack_view(crp *vm, crp_module *owner, crp_word *out)
{
    crp_status st = crp_new_object(vm, crp_class_id(vm, "CommsStack"), out);
    if (!st) crp_store(vm, crp_object_of(*out), &crpi_stack_at(*out)->owner, crp_module_word(owner));
    return st;
}

/* --- changing ------------------------------------------------------------------------------------------- */

static void link_modules(crp *vm, crp_module *above, crp_module *below)
{
    if (above) crp_store(vm, &above->h, &above->below, below ? crp_module_word(below) : CRP_NIL);
    if (below) crp_store(vm, &below->h, &below->above, above ? crp_module_word(above) : CRP_NIL);
}

static void set_ends(crp *vm, crpi_stack *s, crp_module *above, crp_module *m, crp_module *below)
{
    if (!above)
        crp_store(vm, &s->h, &s->top, m ? crp_module_word(m) : below ? crp_module_word(below) : CRP_NIL);
    if (!below)
        crp_store(vm, &s->h, &s->bottom, m ? crp_module_word(m) : above ? crp_module_word(above) : CRP_NIL);
}

static void unlink_module(crp *vm, crpi_stack *s, crp_module *m)
{
    crp_module *above = module_at(m->above), *below = module_at(m->below);
    link_modules(vm, above, below);
    set_ends(vm, s, above, NULL, below);
    crp_store(vm, &m->h, &m->above, CRP_NIL);
    crp_store(vm, &m->h, &m->below, CRP_NIL);
    crp_store(vm, &m->h, &m->stack, CRP_NIL);
    if (crp_is_object(m->under) && crpi_stack_at(m->under)->owner == crp_module_word(m))
        crp_store(vm, &m->h, &m->under, CRP_NIL);
}

static crp_status depth_check(crp *vm, crpi_stack *s)
{
    crpi_layers layers;
    crp_status st = crpi_layers_from(vm, module_at(s->top), &layers);
    if (st || layers.n < CRP_MAX_LAYERS) return st;
    return crp_raise(vm, CRP_ERR_CONFIG, 1, "a stack has at most %d layers", CRP_MAX_LAYERS);
}

/* Puts `m` between two neighbours, either of which may be missing. */
static crp_status link_in(crp *vm, crpi_stack *s, crp_module *above, crp_module *m, crp_module *below)
{
    crp_status st = depth_check(vm, s);
    if (st) return st;
    const crp_module_ops *ops = crp_ops_of(vm, m);
    crp_word view = CRP_NIL;
    if (ops->flags & CRP_MODULE_STACK && (st = crpi_stack_view(vm, m, &view))) return st;
    m->bottom = false;
    crp_store(vm, &m->h, &m->stack, crp_from_object(s));
    if (crp_is_object(view)) crp_store(vm, &m->h, &m->under, view);
    link_modules(vm, above, m);
    link_modules(vm, m, below);
    set_ends(vm, s, above, m, below);
    if (crp_is_object(s->log) && !crp_is_object(m->log)) st = crpi_set_log(vm, m, s->log);
    if (!st && ops->pushed) st = ops->pushed(vm, m);
    if (st) unlink_module(vm, s, m);
    return st;
}

static crp_status must_be_free(crp *vm, crp_word given, crp_module **m)
{
    if (!(*m = crp_module_of(vm, given)))
        return crp_raise(
            vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
            "a stack holds comms modules, not %n; a class written in script goes into a ScriptModule", given);
    if (crp_is_object((*m)->stack))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "this %s stands on a stack already",
                         crpi_layer_name(vm, *m));
    return CRP_OK;
}

static size_t unread(crp *vm, crp_module *m)
{
    const crp_module_ops *ops = crp_ops_of(vm, m);
    return ops->pending ? ops->pending(vm, m) : 0;
}

/* --- what comes and goes with a connection -------------------------------------------------------------- */

/* Links a module into a connection that is there. */
static crp_status splice(crp *vm, crpi_stack *s, crp_module *above, crp_module *m, crp_module *below)
{
    crp_word list;
    crp_status st = crp_cons(vm, crp_module_word(m), crp_is_pair(s->inserted) ? s->inserted : CRP_NIL, &list);
    if (!st) st = link_in(vm, s, above, m, below);
    if (st) return st;
    m->spliced = true;
    crp_store(vm, &s->h, &s->inserted, list);
    return CRP_OK;
}

bool crpi_stack_leave(crp *vm, crp_module *m)
{
    crpi_stack *s = crp_is_object(m->stack) ? crpi_stack_at(m->stack) : NULL;
    crp_word list = s ? s->inserted : CRP_NIL;
    while (crp_is_pair(list) && crp_head(list) != crp_module_word(m)) list = crp_tail(list);
    if (!crp_is_pair(list)) return false;
    const crp_module_ops *ops = crp_ops_of(vm, m);
    if (ops->popped) ops->popped(vm, m);
    unlink_module(vm, s, m);
    return true;
}

void crpi_stack_forget(crp *vm, crp_module *bottom)
{
    if (!crp_is_object(bottom->stack)) return;
    crpi_stack *s = crpi_stack_at(bottom->stack);
    if (crp_is_pair(s->inserted)) crp_store(vm, &s->h, &s->inserted, CRP_NIL);
}

crp_status crp_insert_below(crp *vm, crp_module *at, crp_word given)
{
    crp_module *m;
    crp_status st = must_be_free(vm, given, &m);
    if (st) return st;
    if (!crp_is_object(at->stack))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%s stands on no stack", crpi_layer_name(vm, at));
    for (crp_module *a = at; a; a = module_at(a->above)) {
        size_t n = unread(vm, a);
        if (n)
            return crp_raise(
                vm, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                "%s cannot be inserted below %s: %s holds %zu bytes that were not read yet, and they did "
                "not come through it",
                crpi_layer_name(vm, m), crpi_layer_name(vm, at), crpi_layer_name(vm, a), n);
    }
    crp_module *below = module_at(at->below);
    return below && below->connected ? splice(vm, crpi_stack_at(at->stack), at, m, below)
                                     : link_in(vm, crpi_stack_at(at->stack), at, m, below);
}

/* --- the natives ---------------------------------------------------------------------------------------- */

static crp_status must_be_whole(crp_call *call, const char *doing)
{
    crpi_stack *s = crpi_stack_at(call->self);
    if (!crp_is_object(s->owner)) return CRP_OK;
    return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                     "this stack is a live view of the layers below %s: %s works on the whole stack",
                     crpi_layer_name(call->vm, module_at(s->owner)), doing);
}

crp_status crpi_stack_push(crp *vm, crp_word stack, crp_word module)
{
    crp_module *m = NULL;
    crp_status st = must_be_free(vm, module, &m);
    if (st) return st;
    crpi_stack *s = crpi_stack_at(stack);
    crp_module *top = module_at(s->top);
    if (top && (top->connecting || top->disconnecting))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "push while the stack is connecting or disconnecting");
    return link_in(vm, s, NULL, m, top);
}

static crp_status stack_push(crp_call *call)
{
    crp_status st = must_be_whole(call, "push");
    return st ? st : crpi_stack_push(call->vm, call->self, call->args[0]);
}

/* A module that leaves takes its part of the connection along if it is the bottom; of any other the part
 * ends. */
static void leave(crp *vm, crpi_stack *s, crp_module *m)
{
    const crp_module_ops *ops = crp_ops_of(vm, m);
    if (ops->popped) ops->popped(vm, m);
    if (crp_is_object(m->below) && m->connected) {
        crpi_set_connected(m, false);
        if (ops->close) ops->close(vm, m);
    }
    unlink_module(vm, s, m);
}

static crp_status stack_pop(crp_call *call)
{
    crp *vm = call->vm;
    crp_status st = must_be_whole(call, "pop");
    if (st) return st;
    crpi_stack *s = crpi_stack_at(call->self);
    crp_module *m = module_at(s->top);
    if (!m) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "pop from an empty stack");
    if (m->locks || m->connecting || m->disconnecting)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "pop: %s is in use", crpi_layer_name(vm, m));
    size_t n = unread(vm, m);
    if (n)
        return crp_raise(vm, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                         "pop: %s holds %zu bytes that were not read yet", crpi_layer_name(vm, m), n);
    call->result = crpi_layer_face(vm, m);
    leave(vm, s, m);
    return CRP_OK;
}

crp_status crpi_find_layer(crp *vm, const crpi_layers *layers, crp_word given, crp_module **out)
{
    for (size_t i = 0; i < layers->n; i++) {
        crp_module *m = layers->at[i];
        const char *name = crpi_layer_name(vm, m), *wanted = NULL;
        size_t n = 0;
        if (crp_is_string(given))
            wanted = crp_string_data(given, &n);
        else if (crp_is_symbol(given))
            wanted = crp_symbol_name(vm, given, &n);
        bool named = wanted && strlen(name) == n && !memcmp(name, wanted, n);
        if (named || given == crp_module_word(m) || given == crpi_layer_face(vm, m)) {
            *out = m;
            return CRP_OK;
        }
    }
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "no such layer on this stack: %v", given);
}

static crp_status stack_insert(crp_call *call)
{
    crpi_layers layers;
    crp_module *at = NULL;
    crp_status st = crpi_layers_from(call->vm, crpi_stack_first(call->vm, call->self), &layers);
    if (!st) st = crpi_find_layer(call->vm, &layers, call->args[1], &at);
    return st ? st : crp_insert_below(call->vm, at, call->args[0]);
}

static crp_status layers_of_call(crp_call *call, crpi_layers *layers)
{
    return crpi_layers_from(call->vm, crpi_stack_first(call->vm, call->self), layers);
}

static crp_status stack_set(crp_call *call)
{
    crpi_layers layers;
    crp_word name;
    crp_status st = layers_of_call(call, &layers);
    if (!st) st = crpi_attr_name(call->vm, call->args[0], &name);
    if (!st) st = crpi_attr_set(call->vm, &layers, name, call->args[1]);
    call->result = call->args[1];
    return st;
}

static crp_status stack_get(crp_call *call)
{
    crpi_layers layers;
    crp_word name;
    crp_status st = layers_of_call(call, &layers);
    if (!st) st = crpi_attr_name(call->vm, call->args[0], &name);
    return st ? st : crpi_attr_get(call->vm, &layers, name, &call->result);
}

static crp_status stack_has_attribute(crp_call *call)
{
    crpi_layers layers;
    crp_word name;
    uint32_t flags;
    crp_status st = layers_of_call(call, &layers);
    if (!st) st = crpi_attr_name(call->vm, call->args[0], &name);
    if (!st) call->result = crp_bool(crpi_attr_owner(call->vm, &layers, name, &flags));
    return st;
}

static crp_status stack_attributes(crp_call *call)
{
    crpi_layers layers;
    crp_status st = layers_of_call(call, &layers);
    return st ? st : crpi_attr_list(call->vm, &layers, &call->result);
}

static crp_status stack_describe(crp_call *call)
{
    crpi_layers layers;
    crp_status st = layers_of_call(call, &layers);
    return st ? st : crpi_describe(call->vm, &layers, &call->result);
}

static crp_status stack_conceal(crp_call *call)
{
    bool rest = call->args[1] != CRP_UNSET && crp_is_true(call->args[1]);
    return crpi_spoken_conceal(call->vm, call->self, call->args[0], rest);
}

/* The method belongs to the top-most module that has it. */
static bool member_owner(crp *vm, const crpi_layers *layers, crp_word name, bool methods_only, crp_word *out)
{
    for (size_t i = 0; i < layers->n; i++) {
        crp_word face = crpi_layer_face(vm, layers->at[i]);
        bool has = crp_has_method(vm, face, name) || (!methods_only && crp_has_property(vm, face, name));
        if (!has && face != crp_module_word(layers->at[i]) &&
            crp_has_method(vm, crp_module_word(layers->at[i]), name)) {
            face = crp_module_word(
                layers->at[i]); /* a standard verb that the scripted class leaves to ScriptModule */
            has = true;
        }
        if (has) {
            *out = face;
            return true;
        }
    }
    return false;
}

static crp_status stack_do(crp_call *call)
{
    if (call->step) {
        call->result = call->value;
        return CRP_OK;
    }
    crpi_layers layers;
    crp_word name, target;
    crp_status st = layers_of_call(call, &layers);
    if (!st) st = crpi_attr_name(call->vm, call->args[0], &name);
    if (st) return st;
    if (!member_owner(call->vm, &layers, name, true, &target))
        return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "no layer of this stack has a method %p",
                         name);
    call->step = 1;
    return crp_then_send(call, target, name, call->args + 1, call->count - 1);
}

static bool stack_missing(crp *vm, crp_object *self, crp_word name, crp_word *target)
{
    crpi_layers layers;
    if (crpi_layers_from(vm, crpi_stack_first(vm, crp_from_object(self)), &layers)) {
        crp_clear_error(vm);
        return false;
    }
    return member_owner(vm, &layers, name, false, target);
}

/* --- the properties ------------------------------------------------------------------------------------- */

static crp_status get_depth(crp *vm, crp_object *self, crp_word *out)
{
    crpi_layers layers;
    crp_status st = crpi_layers_from(vm, crpi_stack_first(vm, crp_from_object(self)), &layers);
    return st ? st : crp_integer(vm, (int64_t)layers.n, out);
}

static crp_status get_top(crp *vm, crp_object *self, crp_word *out)
{
    crp_module *m = crpi_stack_first(vm, crp_from_object(self));
    *out = m ? crpi_layer_face(vm, m) : CRP_NIL;
    return CRP_OK;
}

static crp_status get_bottom(crp *vm, crp_object *self, crp_word *out)
{
    crpi_layers layers;
    crp_status st = crpi_layers_from(vm, crpi_stack_first(vm, crp_from_object(self)), &layers);
    if (!st) *out = layers.n ? crpi_layer_face(vm, layers.at[layers.n - 1]) : CRP_NIL;
    return st;
}

crp_status crpi_stack_set_log(crp *vm, crp_word stack, crp_word log)
{
    crpi_stack *s = crpi_stack_at(stack);
    crpi_layers layers;
    crp_status st = crpi_layers_from(vm, crpi_stack_first(vm, stack), &layers);
    if (st) return st;
    crp_store(vm, &s->h, &s->log, log);
    s->number = crpi_log_join(vm, log);
    for (size_t i = 0; !st && i < layers.n; i++) st = crpi_set_log(vm, layers.at[i], log);
    return st;
}

static crp_status set_log(crp *vm, crp_object *self, crp_word log)
{
    return crpi_stack_set_log(vm, crp_from_object(self), log);
}

static void stack_mark(crp *vm, crp_object *self, crp_marker mark)
{
    crpi_stack *s = (crpi_stack *)self;
    mark(vm, s->top);
    mark(vm, s->bottom);
    mark(vm, s->owner);
    mark(vm, s->log);
    mark(vm, s->inserted);
}

static void stack_drop(crp *vm, crp_object *self) { crpi_spoken_free(vm, ((crpi_stack *)self)->spoken); }

static const crp_property properties[] = {
    {"depth", "Integer", CRP_READ, 0, NULL, NULL, "how many modules there are\n"
     "s.depth                             # --> 2", get_depth, NULL},
    {"top", "Object", CRP_READ, 0, NULL, NULL,
     "the top-most module; a ScriptModule shows its scripted object\n"
     "(typeOf s.top)                      # --> Util", get_top, NULL},
    {"bottom", "Object", CRP_READ, 0, NULL, NULL, "the bottom module\n"
     "(== s.bottom far.peer)              # --> true", get_bottom, NULL},
    {"log", "Log", CRP_RW, offsetof(crpi_stack, log), NULL, NULL,
     "where all layers write their records; setting it sets every module's; () is nowhere\n"
     "(s.log (create Log \"mail\"))\n"
     "(== s.top.log s.log)                # --> true", NULL, set_log},
    {0},
};

static const crp_method methods[] = {
    {"push", "NIL (module Object)", stack_push, "Puts a module on top.\n"
     "(s.push (create Util))\n"
     "s.depth                             # --> 3", 0, NULL, NULL},
    {"pop", "Object", stack_pop,
     "Takes the top-most module off and gives it. 6.3 when it holds unread input.\n"
     "(typeOf (s.pop))                    # --> Util\n"
     "s.depth                             # --> 2", 0, NULL, NULL},
    {"insert", "NIL (module Object) (above Object)", stack_insert,
     "Puts a module directly below the layer `above`: a module of this stack or the name of its class. 6.3 "
     "when a layer above that place holds input that was not read yet. What is inserted into a connection leaves the "
     "stack with it.\n"
     "(s.insert (create Util) \"Util\")     # below the one that is there\n"
     "s.depth                             # --> 3",
     0, NULL, NULL},
    {"startTls", "NIL (tls Tls) (above Object ?) (timeout Integer ?)", crpi_start_tls,
     "Goes on encrypted: puts a Tls directly below the layer `above` (default: the top-most Util) of a connected stack and "
     "connects it, while what stands above stays connected, within `timeout` milliseconds (default: the attribute "
     "connectTimeout, else 60000). 6.9 TLS failed, 6.3 when a layer above that place holds input that was not read yet, "
     "which came in clear: the stack is closed then, so nothing goes on in clear. When the connection ends the Tls "
     "leaves the stack: the next one begins in clear again.\n"
     "(s.startTls (create Tls '((serverName \"mail.example.org\"))))   # not run",
     sizeof(crp_operation), crp_operation_mark, crp_operation_drop},
    {"set", "Object (name String|Symbol) (value Object)", stack_set,
     "Sets an attribute on the top-most module that has it.\n"
     "(s.set \"limit\" 4096)\n"
     "s.top.limit                         # --> 4096", 0, NULL, NULL},
    {"get", "Object (name String|Symbol)", stack_get, "An attribute of the top-most module that has it.\n"
     "(s.get \"capacity\")                  # --> 65536", 0,
     NULL, NULL},
    {"hasAttribute", "Object (name String|Symbol)", stack_has_attribute,
     "true if some module has the attribute.\n"
     "(list (s.hasAttribute \"limit\") (s.hasAttribute \"user\"))   # --> (true ())", 0, NULL, NULL},
    {"attributes", "List", stack_attributes,
     "The settable attributes and their values, pairs (name value), top-most first; secrets show "
     "as \"***\".\n"
     "(headOf s.attributes)               # --> (\"readParity\" \"preserve\")",
     0, NULL, NULL},
    {"describe", "String", stack_describe,
     "The layers with their settings, top-most first, and below each how long its connect took and what went through "
     "it; then, as far as layers know them, the addresses, the TLS version, cipher and certificate, and the times. "
     "Secrets show as ***.\n"
     "s.describe                          # --> \"Util...\\nMemory capacity = 65536\\nconnected for ...\"", 0,
     NULL, NULL},
    {"conceal", "NIL (text String) (rest Object ?)", stack_conceal,
     "From now on no record of a Log shows this text, also where it is part of something in base64; with `rest` true "
     "none shows what follows it in a line that begins with it. What secret properties hold is never shown.\n"
     "(set l (create Log \"mail\"))\n"
     "(l.levels \"pdus\")\n"
     "(s.log l)\n"
     "(s.conceal \"PASS \" true)\n"
     "(s.send \"PASS xyz\\r\\n\")\n"
     "(far.receive)\n"
     "(readFile \"mail.log\")               # --> \"... Util > PASS ***\\\\x0d\\\\x0a\\n\"", 0, NULL, NULL},
    {"do", "Object (method String|Symbol) ...", stack_do,
     "Calls a method of the top-most module that has it, with the further arguments.\n"
     "(far.send \"one\\r\\ntwo\\r\\n\")\n"
     "(s.do \"receiveLine\")                # --> \"one\"\n"
     "(s.receiveLine)                     # --> \"two\"", 0, NULL, NULL},
    CRP_METHOD_CONNECT("(s.connect)\n"
                       "(s.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(s.send \"hello\")\n"
                    "(far.receive)                       # --> \"hello\""),
    CRP_METHOD_SEND_SECRET("(s.sendSecret \"xyz\")\n"
                           "(far.receive)                       # --> \"xyz\""),
    CRP_METHOD_RECEIVE("(far.send \"world\")\n"
                       "(s.receive)                         # --> \"world\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(far.send \"hello\")\n"
                            "(s.receiveInto room)\n"
                            "room.string                         # --> \"hel\""),
    CRP_METHOD_INFO("(s.info).isConnected                # --> true"),
    CRP_METHOD_SHUT("(s.shut)\n"
                    "(far.receive)                       # --> ()"),
    CRP_METHOD_DISCONNECT("(s.disconnect)\n"
                          "(s.info).isConnected                # --> ()"),
    CRP_METHOD_BIND("(set t (buildCommsStack '(\"Util\" \"Tcp\") '((localHost \"127.0.0.1\"))))\n"
                    "(t.bind)\n"
                    "(> t.localPort 0)                   # --> true"),
    CRP_METHOD_LISTEN("(set server (buildCommsStack '(\"Util\" \"Tcp\") '((localHost \"127.0.0.1\"))))\n"
                      "(server.listen)\n"
                      "(server.info).isListening           # --> true"),
    {"accept", "CommsStack (timeout Integer ?)", crpi_stack_accept,
     "Waits for a connection, `timeout` milliseconds (default: for ever), and gives a new stack for it: the "
     "connection as its bottom, and above it layers of the same classes and with the same settings as here. Its "
     "`connect` does what these do at the beginning, a handshake say. 6.8 accept failed, 6.1 timeout, 4.1 no layer "
     "can accept.\n"
     "(set c (create Tcp (list '(host \"127.0.0.1\") (list 'port server.localPort))))\n"
     "(c.connect)\n"
     "(set peer (server.accept 5000))\n"
     "(peer.send \"welcome\")\n"
     "(c.receive)                         # --> \"welcome\"",
     sizeof(crpi_accepting), crpi_accepting_mark, crpi_accepting_drop},
    {0},
};

const crp_class_def crpi_stack_class = {
    .size = sizeof(crp_class_def),
    .name = "CommsStack",
    .other_name = "Stack",
    .help = "A stack of communication modules: the top-most speaks the protocol, the bottom one reaches the "
            "peer. Members that the stack itself lacks are those of its top-most module that has them.\n"
            "(set far (create Memory))\n"
            "(set s (create CommsStack))\n"
            "(s.push far.peer)\n"
            "(s.push (create Util))\n"
            "(far.connect)\n"
            "(s.connect)",
    .instance_size = sizeof(crpi_stack),
    .properties = properties,
    .methods = methods,
    .mark = stack_mark,
    .drop = stack_drop,
    .missing = stack_missing,
};
