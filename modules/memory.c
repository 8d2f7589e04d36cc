/* floor 4: Memory: two ends in one process: a bottom module for tests, examples and tasks that talk to each
 * other.
 *
 * What one end sends waits in the other's queue, at most `capacity` bytes; then the sender waits.  An end
 * that closes lets the other read what is queued, then see the end of the data.
 */
#include <string.h>
#include "socket.h"
#include "stack.h"

typedef struct memory {
    crp_module m;
    crp_word peer; /* the other end, or none yet */
    crp_word capacity;
    unsigned char *queue; /* what the peer sent: a ring */
    size_t size, start, length;
    bool ended; /* the peer sends no more */
} memory;

static memory *memory_of(crp_module *m) { return (memory *)m; }

static memory *peer_of(const memory *e)
{
    return crp_is_object(e->peer) ? (memory *)crp_object_of(e->peer) : NULL;
}

static crp_status get_peer(crp *vm, crp_object *self, crp_word *out)
{
    memory *e = (memory *)self;
    if (!crp_is_object(e->peer)) {
        crp_word made;
        crp_status st = crp_new_object(vm, self->class_id, &made);
        if (st) return st;
        memory *other = (memory *)crp_object_of(made);
        crp_store(vm, &other->m.h, &other->peer, crp_from_object(self));
        crp_store(vm, &other->m.h, &other->capacity, e->capacity);
        crp_store(vm, self, &e->peer, made);
    }
    *out = e->peer;
    return CRP_OK;
}

static void forget_queue(crp *vm, memory *e)
{
    if (e->queue) crp_free_bytes(vm, e->queue, e->size);
    e->queue = NULL;
    e->size = e->start = e->length = 0;
}

/* Both ends exist from here on; what the peer has sent already is kept. */
static crp_status memory_connect(crp_call *call, crp_module *m)
{
    crp_word peer;
    return get_peer(call->vm, &m->h, &peer);
}

static crp_status memory_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    memory *to = peer_of(memory_of(m));
    if (!to || to->ended)
        return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_SEND_FAILED, "the other end is closed");
    if (!to->queue) {
        size_t size = (size_t)crp_integer_value(memory_of(m)->capacity);
        if (!(to->queue = crp_alloc(call->vm, size))) return CRP_E_NOMEM;
        to->size = size;
    }
    size_t room = to->size - to->length, end = (to->start + to->length) % to->size;
    if (!room) {
        crp_wait_object(call, crp_module_word(m));
        return CRP_AGAIN;
    }
    if (n > room) n = room;
    size_t first = n < to->size - end ? n : to->size - end;
    memcpy(to->queue + end, bytes, first);
    memcpy(to->queue, (const char *)bytes + first, n - first);
    to->length += n;
    *taken = n;
    crp_wake(call->vm, crp_module_word(&to->m));
    return CRP_OK;
}

static crp_status memory_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    memory *e = memory_of(m);
    if (!e->length && e->ended) return CRP_OK;
    if (!e->length) {
        crp_wait_object(call, crp_module_word(m));
        return CRP_AGAIN;
    }
    if (n > e->length) n = e->length;
    size_t first = n < e->size - e->start ? n : e->size - e->start;
    memcpy(bytes, e->queue + e->start, first);
    memcpy((char *)bytes + first, e->queue, n - first);
    e->start = (e->start + n) % e->size;
    e->length -= n;
    *got = n;
    if (crp_is_object(e->peer)) crp_wake(call->vm, e->peer);
    return CRP_OK;
}

static void end_for(crp *vm, memory *e)
{
    if (!e) return;
    e->ended = true;
    crp_wake(vm, crp_module_word(&e->m));
}

static crp_status memory_shut(crp_call *call, crp_module *m)
{
    end_for(call->vm, peer_of(memory_of(m)));
    return CRP_OK;
}

/* The pair is over; the next connect of either end makes a new one. */
static void memory_close(crp *vm, crp_module *m)
{
    memory *e = memory_of(m), *other = peer_of(e);
    forget_queue(vm, e);
    end_for(vm, other);
    e->ended = false;
    if (!other) return;
    crp_store(vm, &m->h, &e->peer, CRP_NIL);
    crp_store(vm, &other->m.h, &other->peer, CRP_NIL);
}

static void memory_mark(crp *vm, crp_object *self, crp_marker mark)
{
    crp_module_mark(vm, self, mark);
    mark(vm, ((memory *)self)->peer);
}

static void memory_drop(crp *vm, crp_object *self) { forget_queue(vm, (memory *)self); }

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .flags = CRP_MODULE_BOTTOM,
    .connect = memory_connect,
    .close = memory_close,
    .send = memory_send,
    .receive = memory_receive,
    .shut = memory_shut,
};

static const crp_property properties[] = {
    {"peer", "Memory", CRP_READ, offsetof(memory, peer), NULL, NULL,
     "the other end: what is sent here is received there\n"
     "(== b.peer a)                       # --> true", get_peer, NULL},
    {"capacity", "Integer", CRP_RW | CRP_CONFIG | CRP_STACK, offsetof(memory, capacity), "65536",
     "1..1073741824", "bytes that may be under way to the other end before a sender waits\n"
     "a.capacity                          # --> 65536", NULL, NULL},
    {"loopback", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL, "true: it never leaves the process\n"
     "a.loopback                          # --> true", crpi_get_true, NULL},
    {"secure", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL, "(): nothing is encrypted here\n"
     "a.secure                            # --> ()", crpi_get_false, NULL},
    CRP_PROPERTY_LOG_OF("a"),
    {0},
};

static const crp_method methods[] = {
    CRP_METHOD_CONNECT("(a.connect)\n"
                       "(a.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(a.send \"mail\")\n"
                    "(b.receive)                         # --> \"mail\""),
    CRP_METHOD_RECEIVE("(b.send \"for you\")\n"
                       "(a.receive)                         # --> \"for you\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(b.send \"for you\")\n"
                            "(a.receiveInto room)\n"
                            "room.string                         # --> \"for\""),
    CRP_METHOD_INFO("(a.info).bytesReceived              # --> 10"),
    CRP_METHOD_DISCONNECT("(a.disconnect)\n"
                          "(b.receive)                         # --> ()"),
    CRP_METHODS_NO_LISTENING("a"),
    {0},
};

const crp_class_def crpi_memory_class = {
    .size = sizeof(crp_class_def),
    .name = "Memory",
    .help = "One of two connected ends in this process: a bottom module.\n"
            "(set a (create Memory))\n"
            "(set b a.peer)\n"
            "(a.connect)\n"
            "(b.connect)",
    .instance_size = sizeof(memory),
    .properties = properties,
    .methods = methods,
    .mark = memory_mark,
    .drop = memory_drop,
    .module = &ops,
};
