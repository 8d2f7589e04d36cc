/* floor 4: ScriptModule: a class written in script as a layer of a stack.
 *
 * The scripted object must have the properties `log` and `stack` (the layers below, set when it is pushed)
 * and at least one of the standard methods: (connect), (disconnect), (send data), (receive timeout), (bind),
 * (listen), (accept). What it lacks is left to the layer below: the table of operations is made for the
 * object, with empty slots where it has no method.  With a property `isBottom` it may stand at the bottom.
 *
 * Its methods wait as scripts do, so each runs in a task of its own; the native layer above gets AGAIN until
 * the task is done.  A script may give more bytes than were asked for: the rest is held here and counts as
 * unread input, and so does what its property `pending` (an Integer), if it has one, tells of bytes that it
 * keeps itself.
 */
#include <string.h>
#include "stack.h"

enum { CONTROL, SEND, RECEIVE, TASKS };
enum { RECEIVE_TIMEOUT = 60000 /* milliseconds; then it is simply called again */, MOST_AT_ONCE = 1 << 20 };

typedef struct script_module {
    crp_module m;
    crp_word object;
    crp_word task[TASKS];
    uint32_t started[TASKS]; /* in which epoch */
    uint32_t epoch;          /* closing begins a new one: what a task of an older one gives is stale */
    crp_word held;           /* what was received and not given up yet, from held_at on */
    size_t held_at;
    size_t sending; /* bytes that the SEND task has */
    crp_module_ops own;
} script_module;

static script_module *script_of(crp_module *m) { return (script_module *)m; }

static crp_status name_of(crp *vm, const char *text, crp_word *out)
{
    return crp_symbol(vm, text, strlen(text), out);
}

/* --- tasks ---------------------------------------------------------------------------------------------- */

static void end_task(crp *vm, script_module *s, int slot) { crp_store(vm, &s->m.h, &s->task[slot], CRP_NIL); }

static void cancel_tasks(crp *vm, script_module *s)
{
    for (int i = 0; i < TASKS; i++) {
        if (!crp_is_object(s->task[i])) continue;
        crp_task_cancel(vm, s->task[i]);
        end_task(vm, s, i);
    }
}

static crp_status start_task(crp *vm, script_module *s, int slot, const char *method, const crp_word *args,
                             size_t n)
{
    crp_word name, task;
    crp_status st = name_of(vm, method, &name);
    if (!st) st = crp_task_send(vm, s->object, name, args, n, &task);
    if (st) return st;
    crp_store(vm, &s->m.h, &s->task[slot], task);
    s->started[slot] = s->epoch;
    return CRP_OK;
}

/* A task from before the stack was closed: its error is the reason for that; what else it gives is stale. */
static crp_status old_task(crp *vm, script_module *s, int slot)
{
    crp_word value;
    crp_status st = crp_task_result(vm, s->task[slot], &value);
    if (st == CRP_AGAIN) crp_task_cancel(vm, s->task[slot]);
    end_task(vm, s, slot);
    if (st && st != CRP_AGAIN) return st;
    return crp_module_raise(vm, &s->m, CRP_ERR_COMMS, CRP_NOT_CONNECTED, "not connected");
}

/* The method's value once its task is done.  *value is kept by nobody else: store it before allocating. */
static crp_status finish_task(crp_call *call, script_module *s, int slot, crp_word *value)
{
    if (s->started[slot] != s->epoch) return old_task(call->vm, s, slot);
    crp_status st = crp_task_result(call->vm, s->task[slot], value);
    if (st == CRP_AGAIN)
        crp_wait_object(call, s->task[slot]);
    else
        end_task(call->vm, s, slot);
    return st;
}

static crp_status run(crp_call *call, crp_module *m, const char *method, crp_word *value)
{
    script_module *s = script_of(m);
    if (m->step == 0) {
        cancel_tasks(call->vm, s);
        crp_status st = start_task(call->vm, s, CONTROL, method, NULL, 0);
        if (st) return st;
        m->step = 1;
    }
    return finish_task(call, s, CONTROL, value);
}

/* --- operations ----------------------------------------------------------------------------------------- */

/* When the stack was closed under it, it may have an error to give, and time until it does. */
static crp_status script_connect(crp_call *call, crp_module *m)
{
    script_module *s = script_of(m);
    crp_word value;
    if (m->step && s->started[CONTROL] != s->epoch) {
        if (!crp_is_object(s->task[CONTROL])) return CRP_OK;
        crp_status st = crp_task_result(call->vm, s->task[CONTROL], &value);
        if (st == CRP_AGAIN) crp_wait_object(call, s->task[CONTROL]);
        if (st == CRP_AGAIN) return st;
        if (st) crp_clear_error(call->vm);
    }
    return run(call, m, "connect", &value);
}

static crp_status script_disconnect(crp_call *call, crp_module *m)
{
    crp_word value;
    return run(call, m, "disconnect", &value);
}

static crp_status script_bind(crp_call *call, crp_module *m)
{
    crp_word value;
    return run(call, m, "bind", &value);
}

static crp_status script_listen(crp_call *call, crp_module *m)
{
    crp_word value;
    return run(call, m, "listen", &value);
}

static crp_status script_accept(crp_call *call, crp_module *m, crp_word *out)
{
    crp_status st = run(call, m, "accept", out);
    if (st != CRP_AGAIN) m->step = 0;
    return st;
}

static crp_status send_word(crp_call *call, crp_module *m, crp_word data, size_t n)
{
    script_module *s = script_of(m);
    crp_word value;
    if (!crp_is_object(s->task[SEND])) {
        crp_status st = start_task(call->vm, s, SEND, "send", &data, 1);
        if (st) return st;
        s->sending = n;
    }
    return finish_task(call, s, SEND, &value);
}

static crp_status script_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    script_module *s = script_of(m);
    crp_word data = CRP_NIL;
    if (n > MOST_AT_ONCE) n = MOST_AT_ONCE;
    crp_status st = crp_is_object(s->task[SEND]) ? CRP_OK : crp_string(call->vm, bytes, n, &data);
    if (!st) st = send_word(call, m, data, n);
    if (!st) *taken = s->sending < n ? s->sending : n;
    return st;
}

static crp_status script_send_value(crp_call *call, crp_module *m, crp_word value)
{
    return send_word(call, m, value, 0);
}

static bool is_timeout(crp *vm)
{
    int error_class, code;
    size_t n;
    const char *text;
    crp_word error = crp_pending_error(vm);
    if (!crp_is_object(error)) return false;
    crp_error_get(vm, error, &error_class, &code, &text, &n);
    return error_class == CRP_ERR_COMMS && code == CRP_TIMEOUT;
}

/* Is a `send` under way?  A script does not expect its `receive` to be called in the middle of it. */
static bool is_sending(crp *vm, const script_module *s)
{
    crp_word value;
    if (!crp_is_object(s->task[SEND]) || s->started[SEND] != s->epoch) return false;
    crp_status st = crp_task_result(vm, s->task[SEND], &value);
    if (st && st != CRP_AGAIN) crp_clear_error(vm);
    return st == CRP_AGAIN;
}

static crp_status receive_word(crp_call *call, crp_module *m, int64_t timeout, crp_word *value)
{
    script_module *s = script_of(m);
    if (!crp_is_object(s->task[RECEIVE])) {
        crp_word limit;
        if (is_sending(call->vm, s)) {
            crp_wait_object(call, s->task[SEND]);
            return CRP_AGAIN;
        }
        crp_status st = crp_integer(call->vm, timeout, &limit);
        if (!st) st = start_task(call->vm, s, RECEIVE, "receive", &limit, 1);
        if (st) return st;
    }
    return finish_task(call, s, RECEIVE, value);
}

/* How long the layer above waits is its own affair: a scripted receive that gave up before is called again.
 */
static crp_status receive_bytes(crp_call *call, crp_module *m, crp_word *value)
{
    for (;;) {
        crp_status st = receive_word(call, m, RECEIVE_TIMEOUT, value);
        if (!st || st == CRP_AGAIN || !is_timeout(call->vm)) return st;
        crp_clear_error(call->vm);
    }
}

/* What a script gave becomes what is held: a Buffer's bytes may change, so they are copied. */
static crp_status hold(crp *vm, script_module *s, crp_word value)
{
    const unsigned char *bytes;
    size_t n;
    crp_store(vm, &s->m.h, &s->held, value);
    s->held_at = 0;
    bool good = crp_bytes(value, &bytes, &n);
    if (good && n && !crp_is_a(value, CRP_BUFFER)) return CRP_OK;
    crp_status st = CRP_OK;
    if (good && n)
        st = crp_string(vm, bytes, n, &value);
    else if (good)
        st = crp_module_raise(vm, &s->m, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                              "`receive` returned no bytes: the end of the data is ()");
    else
        st = crp_module_raise(vm, &s->m, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                              "`receive`: expected a String, Binary, Buffer or (), given %n", value);
    crp_store(vm, &s->m.h, &s->held, st ? CRP_NIL : value);
    return st;
}

static size_t take_held(crp *vm, script_module *s, void *out, size_t n)
{
    const unsigned char *bytes;
    size_t length;
    crp_bytes(s->held, &bytes, &length);
    if (n > length - s->held_at) n = length - s->held_at;
    memcpy(out, bytes + s->held_at, n);
    s->held_at += n;
    if (s->held_at == length) crp_store(vm, &s->m.h, &s->held, CRP_NIL);
    return n;
}

static crp_status script_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    script_module *s = script_of(m);
    if (!crp_is_object(s->held)) {
        crp_word value = CRP_NIL;
        crp_status st = receive_bytes(call, m, &value);
        if (st || value == CRP_NIL) return st;
        if ((st = hold(call->vm, s, value))) return st;
    }
    *got = take_held(call->vm, s, bytes, n);
    return CRP_OK;
}

static crp_status script_receive_value(crp_call *call, crp_module *m, int64_t timeout, crp_word *out)
{
    script_module *s = script_of(m);
    const unsigned char *bytes;
    size_t n;
    if (!crp_is_object(s->held)) return receive_word(call, m, timeout, out);
    crp_bytes(s->held, &bytes, &n);
    crp_status st = crp_string(call->vm, bytes + s->held_at, n - s->held_at, out);
    if (!st) crp_store(call->vm, &m->h, &s->held, CRP_NIL);
    return st;
}

static size_t script_pending(crp *vm, const crp_module *m)
{
    const script_module *s = (const script_module *)m;
    const unsigned char *bytes;
    size_t n = 0;
    crp_word name, value;
    if (crp_is_object(s->held) && crp_bytes(s->held, &bytes, &n)) n -= s->held_at;
    if (name_of(vm, "pending", &name) || !crp_has_property(vm, s->object, name)) return n;
    if (crp_get(vm, s->object, name, &value)) {
        crp_clear_error(vm);
        return n + 1;
    }
    return crp_is_integer(value) && crp_integer_value(value) > 0 ? n + (size_t)crp_integer_value(value) : n;
}

/* No script runs here, and a task that is just closing its own stack must live to tell why: so tasks are not
 * cancelled, they only become old. */
static void script_close(crp *vm, crp_module *m)
{
    script_module *s = script_of(m);
    s->epoch++;
    crp_store(vm, &m->h, &s->held, CRP_NIL);
}

/* --- the object ----------------------------------------------------------------------------------------- */

static crp_status set_on_object(crp *vm, script_module *s, const char *property, crp_word value)
{
    crp_word name;
    crp_status st = name_of(vm, property, &name);
    return st ? st : crp_set(vm, s->object, name, value);
}

static crp_status script_pushed(crp *vm, crp_module *m)
{
    script_module *s = script_of(m);
    crp_word view, name;
    crp_status st = name_of(vm, "isBottom", &name);
    if (!st) st = crpi_stack_view(vm, m, &view);
    if (!st) st = set_on_object(vm, s, "stack", view);
    if (!st) m->bottom = crp_has_property(vm, s->object, name);
    return st;
}

static void script_popped(crp *vm, crp_module *m)
{
    if (set_on_object(vm, script_of(m), "stack", CRP_NIL)) crp_clear_error(vm);
}

static crp_word script_face(const crp_module *m)
{
    const script_module *s = (const script_module *)m;
    return crp_is_object(s->object) ? s->object : crp_module_word(m);
}

static const crp_module_ops *script_ops(const crp_module *m)
{
    const script_module *s = (const script_module *)m;
    return s->own.kind ? &s->own : NULL;
}

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .pushed = script_pushed,
    .popped = script_popped,
    .connect = script_connect,
    .disconnect = script_disconnect,
    .close = script_close,
    .send = script_send,
    .receive = script_receive,
    .pending = script_pending,
    .bind = script_bind,
    .listen = script_listen,
    .accept = script_accept,
    .send_value = script_send_value,
    .receive_value = script_receive_value,
    .face = script_face,
    .ops = script_ops,
};

static bool has_method(crp *vm, script_module *s, const char *method, int *count)
{
    crp_word name;
    if (name_of(vm, method, &name) || !crp_has_method(vm, s->object, name)) return false;
    ++*count;
    return true;
}

/* Slots without a method stay empty: the layer below does it.  Returns how many there are. */
static int fill_slots(crp *vm, script_module *s)
{
    int n = 0;
    s->own = ops;
    s->own.ops = NULL;
    if (!has_method(vm, s, "connect", &n)) s->own.connect = NULL;
    if (!has_method(vm, s, "disconnect", &n)) s->own.disconnect = NULL;
    if (!has_method(vm, s, "bind", &n)) s->own.bind = NULL;
    if (!has_method(vm, s, "listen", &n)) s->own.listen = NULL;
    if (!has_method(vm, s, "accept", &n)) s->own.accept = NULL;
    if (!has_method(vm, s, "send", &n)) s->own.send = NULL, s->own.send_value = NULL;
    if (!has_method(vm, s, "receive", &n)) s->own.receive = NULL, s->own.receive_value = NULL;
    return n;
}

static crp_status must_have_property(crp *vm, script_module *s, const char *property)
{
    crp_word name;
    crp_status st = name_of(vm, property, &name);
    if (st || crp_has_property(vm, s->object, name)) return st;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "ScriptModule: the class %n needs a property `%s` to stand on a stack", s->object,
                     property);
}

static crp_status adopt(crp *vm, script_module *s, crp_word object)
{
    crp_store(vm, &s->m.h, &s->object, object);
    crp_status st = must_have_property(vm, s, "log");
    if (!st) st = must_have_property(vm, s, "stack");
    if (st) return st;
    if (fill_slots(vm, s)) return CRP_OK;
    return crp_raise(
        vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
        "ScriptModule: the class %n has none of connect, disconnect, send, receive, bind, listen, accept",
        object);
}

crp_status crpi_script_module_for(crp *vm, crp_word object, crp_word *out)
{
    crp_status st = crp_new_object(vm, crp_class_id(vm, "ScriptModule"), out);
    return st ? st : adopt(vm, script_of((crp_module *)crp_object_of(*out)), object);
}

/* An object, or a class of which one is made. */
static crp_status script_create(crp_call *call)
{
    crp_word given = call->args[0];
    script_module *s = (script_module *)crp_object_of(call->self);
    if (call->step) return adopt(call->vm, s, call->value);
    if (crp_is_string(given) || crp_is_symbol(given) || crp_is_a(given, CRP_CLASS)) {
        call->step = 1;
        return crp_then_create(call, given, call->args + 1, call->count - 1);
    }
    if (crp_class_of(given) < CRP_FIRST_FREE_CLASS || crp_class_definition(call->vm, given))
        return crp_raise(
            call->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
            "ScriptModule: expected a class written in script, its name, or an object of one, given %n",
            given);
    return adopt(call->vm, s, given);
}

static void script_mark(crp *vm, crp_object *self, crp_marker mark)
{
    script_module *s = (script_module *)self;
    crp_module_mark(vm, self, mark);
    mark(vm, s->object);
    mark(vm, s->held);
    for (int i = 0; i < TASKS; i++) mark(vm, s->task[i]);
}

static crp_status set_log(crp *vm, crp_object *self, crp_word log)
{
    return crpi_set_log(vm, (crp_module *)self, log);
}

static const crp_property properties[] = {
    {"log", "Log", CRP_RW, offsetof(crp_module, log), NULL, NULL,
     "where this layer writes its records; () is nowhere\n" CRP_LOG_EXAMPLE("m"), NULL, set_log},
    {0},
};

static const crp_method methods[] = {
    CRP_METHOD_CONNECT("(m.connect)\n"
                       "(m.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(m.send \"hello\")\n"
                    "(far.receive)                       # --> \"HELLO\""),
    CRP_METHOD_RECEIVE("(far.send \"world\")\n"
                       "(m.receive)                         # --> \"world\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(far.send \"hello\")\n"
                            "(m.receiveInto room)\n"
                            "room.string                         # --> \"hel\""),
    CRP_METHOD_INFO("(m.info).isConnected                # --> true"),
    CRP_METHOD_DISCONNECT("(m.disconnect)\n"
                          "(far.receive)                       # --> ()"),
    CRP_METHODS_NO_LISTENING("m"),
    {0},
};

static const crp_method creator = {"create",
                                   "ScriptModule (class Object) ...",
                                   script_create,
                                   "Wraps an object of a class written in script, or makes one of the class "
                                   "that is named, with the further arguments.",
                                   0,
                                   NULL,
                                   NULL};

const crp_class_def crpi_script_module_class = {
    .size = sizeof(crp_class_def),
    .name = "ScriptModule",
    .help = "A class written in script as a layer of a stack. It needs the properties `log` and `stack` and "
            "at least one of connect, disconnect, send, receive, bind, listen, accept; with a property "
            "`isBottom` it may be the bottom; its method `acceptedFrom`, if it has one, is given the listening object where a stack accepts.\n"
            "(class \"Upper\" (interface\n"
            "    (properties (log Log) (stack CommsStack))\n"
            "    (methods (NIL send ((data Object))))))\n"
            "(defun NIL Upper::send ((data Object)) (this.stack.send data.upper))\n"
            "(set far (create Memory))\n"
            "(set m (create ScriptModule \"Upper\"))\n"
            "(set s (buildCommsStack (list m far.peer)))\n"
            "(far.connect)\n"
            "(s.connect)",
    .instance_size = sizeof(script_module),
    .properties = properties,
    .methods = methods,
    .creator = &creator,
    .mark = script_mark,
    .module = &ops,
};
