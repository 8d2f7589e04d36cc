/* floor 4: Util: bytes from below that wait to be read as lines or blocks.
 *
 * One buffer holds what came and was not read yet: the bytes from `start` on, `length` of them.  A call that
 * cannot be answered yet leaves them there, so a timeout consumes nothing.  Layers above read where the bytes
 * lie (crp_util_... in module.h); the buffer grows with what the connection delivers, to 256 KiB a read, and
 * never past `limit`; an idle connection has a small one.
 */
#include <string.h>
#include "spoken.h"
#include "stack.h"

enum {
    FIRST_BLOCK = 1024,   /* enough for commands; it doubles with each read that fills it, */
    MOST_AT_ONCE = 262144,
    IDLE_BLOCK = 16384,   /* and a bigger one is given back while there is nothing to read */
    SEND_CHUNK = 4096
};
enum parity { PRESERVE, STRIP, ODD, EVEN };

typedef struct util {
    crp_module m;
    crp_word read_parity, write_parity, traffic_group, inactivity_timeout, limit;
    crp_word group; /* a TrafficGroup, or none */
    unsigned char *block;
    size_t capacity, start, length;
    size_t usual;   /* how big the block is made that comes after one given back; 0: FIRST_BLOCK */
    size_t scanned; /* this many of the held bytes were searched for an LF already */
} util;

typedef struct traffic_group {
    crp_object h;
    crp_traffic traffic;
} traffic_group;

static util *util_of(crp_module *m) { return (util *)m; }

/* --- parity --------------------------------------------------------------------------------------------- */

static enum parity parity_of(crp_word w)
{
    const char *text = crp_string_data(w, NULL);
    switch (text[0]) {
    case 's': return STRIP;
    case 'o': return ODD;
    case 'e': return EVEN;
    default: return PRESERVE;
    }
}

static void impose(enum parity parity, unsigned char *bytes, size_t n)
{
    if (parity == PRESERVE) return;
    for (size_t i = 0; i < n; i++) {
        unsigned char seven = bytes[i] & 0x7f;
        bool odd = __builtin_parity(seven);
        bytes[i] = parity != STRIP && odd != (parity == ODD) ? seven | 0x80 : seven;
    }
}

/* --- traffic -------------------------------------------------------------------------------------------- */

static void count_received(crp *vm, util *u, size_t n)
{
    if (!crp_is_object(u->group)) return;
    crp_traffic *t = &((traffic_group *)crp_object_of(u->group))->traffic;
    t->bytes_received += (int64_t)n;
    t->packets_received++;
    t->last_received = crp_now(vm);
}

static void count_sent(crp *vm, util *u, size_t n)
{
    if (!crp_is_object(u->group)) return;
    crp_traffic *t = &((traffic_group *)crp_object_of(u->group))->traffic;
    t->bytes_sent += (int64_t)n;
    t->packets_sent++;
    t->last_sent = crp_now(vm);
}

/* The group of that name, made when it is first named; all Utils of an interpreter share it. */
static crp_status group_named(crp *vm, crp_word name, crp_word *out)
{
    crp_word registry, groups, key;
    crp_status st = crp_registry(vm, &registry);
    if (!st) st = crp_symbol(vm, "trafficGroups", 13, &key);
    if (st) return st;
    if (!crp_hashtable_get(vm, registry, key, &groups)) {
        if ((st = crp_hashtable(vm, &groups))) return st;
        if ((st = crp_hashtable_set(vm, registry, key, groups))) return st;
    }
    if (crp_hashtable_get(vm, groups, name, out)) return CRP_OK;
    st = crp_new_object(vm, crp_class_id(vm, crpi_traffic_group_class.name), out);
    return st ? st : crp_hashtable_set(vm, groups, name, *out);
}

static crp_status set_traffic_group(crp *vm, crp_object *self, crp_word name)
{
    util *u = (util *)self;
    crp_word group = CRP_NIL;
    size_t n;
    crp_string_data(name, &n);
    crp_status st = n ? group_named(vm, name, &group) : CRP_OK;
    if (st) return st;
    crp_store(vm, self, &u->traffic_group, name);
    crp_store(vm, self, &u->group, group);
    return CRP_OK;
}

static crp_status util_traffic(crp_call *call)
{
    crp_word group;
    crp_status st = group_named(call->vm, call->args[0], &group);
    if (st) return st;
    return crpi_commsinfo_of_traffic(call->vm, &((traffic_group *)crp_object_of(group))->traffic,
                                     &call->result);
}

static crp_status util_reset_traffic(crp_call *call)
{
    crp_word group;
    crp_status st = group_named(call->vm, call->args[0], &group);
    if (!st) ((traffic_group *)crp_object_of(group))->traffic = (crp_traffic){0};
    return st;
}

/* --- the buffer ----------------------------------------------------------------------------------------- */

static size_t limit_of(const util *u) { return (size_t)crp_integer_value(u->limit); }

static crp_status resize(crp *vm, util *u, size_t capacity)
{
    unsigned char *block = crp_realloc(vm, u->block, u->capacity, capacity);
    if (!block) return CRP_E_NOMEM;
    u->block = block;
    u->capacity = capacity;
    return CRP_OK;
}

static void to_front(util *u)
{
    if (u->start && u->length) memmove(u->block, u->block + u->start, u->length);
    u->start = 0;
}

/* Room for at least one more byte behind what is held, more if the connection is fast. */
static crp_status make_room(crp *vm, util *u)
{
    size_t limit = limit_of(u), wanted = u->capacity;
    if (!u->length) u->start = 0;
    if (!u->capacity) {
        wanted = u->usual ? u->usual : FIRST_BLOCK;
        return resize(vm, u, wanted < limit ? wanted : limit);
    }
    if (u->capacity - u->start - u->length > u->capacity / 2) return CRP_OK;
    to_front(u);
    if (u->length > u->capacity / 2) wanted = u->capacity * 2;
    if (wanted > limit) wanted = limit;
    if (wanted > u->capacity) return resize(vm, u, wanted);
    return CRP_OK;
}

/* A read that filled all the room says that more is waiting: the next one may be bigger.  Without memory for
 * that it stays as it is. */
static void grow_for_speed(crp *vm, util *u)
{
    size_t wanted = u->capacity * 2;
    if (u->start + u->length < u->capacity || wanted > MOST_AT_ONCE || wanted > limit_of(u)) return;
    if (resize(vm, u, wanted)) crp_clear_error(vm);
}

static void give_back(crp *vm, util *u)
{
    u->usual = u->capacity;
    crp_free_bytes(vm, u->block, u->capacity);
    u->block = NULL;
    u->capacity = u->start = u->scanned = 0;
}

crp_status crp_util_fill(crp_call *call, crp_module *m, bool *end)
{
    util *u = util_of(m);
    size_t got, room;
    *end = false;
    if (u->length >= limit_of(u))
        return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                                "%zu bytes wait to be read: the property `limit` allows no more", u->length);
    crp_status st = make_room(call->vm, u);
    if (st) return st;
    room = u->capacity - u->start - u->length;
    if (room > MOST_AT_ONCE) room = MOST_AT_ONCE;
    if (room > limit_of(u) - u->length) room = limit_of(u) - u->length;
    unsigned char *at = u->block + u->start + u->length;
    st = crp_below_receive(call, m, at, room, &got);
    if (st == CRP_AGAIN && !u->length && u->capacity > IDLE_BLOCK) give_back(call->vm, u);
    if (st) return st;
    *end = got == 0;
    impose(parity_of(u->read_parity), at, got);
    u->length += got;
    if (u->usual > FIRST_BLOCK && got < u->usual / 4) u->usual /= 2; /* and what follows is smaller */
    if (got) count_received(call->vm, u, got);
    grow_for_speed(call->vm, u);
    return CRP_OK;
}

crp_module *crp_util_below(crp *vm, const crp_module *m)
{
    crp_module *below = crp_below(vm, m);
    return below && crp_class_definition(vm, crp_module_word(below)) == &crpi_util_class ? below : NULL;
}

unsigned char *crp_util_held(crp_module *m, size_t *n)
{
    util *u = util_of(m);
    *n = u->length;
    return u->length ? u->block + u->start : NULL;
}

const unsigned char *crp_util_peek(const crp_module *m, size_t *n)
{
    return crp_util_held((crp_module *)m, n);
}

static void take(util *u, size_t n)
{
    u->start += n;
    u->length -= n;
    u->scanned = 0;
}

void crp_util_consume(crp_module *m, size_t n)
{
    util *u = util_of(m);
    take(u, n);
    m->traffic.bytes_received += (int64_t)n;
    m->traffic.packets_received++;
}

void crp_util_discard(crp_module *m)
{
    util *u = util_of(m);
    u->start = u->length = u->scanned = 0;
}

crp_status crp_util_line(crp_call *call, crp_module *m, size_t max, const unsigned char **line, size_t *n)
{
    util *u = util_of(m);
    *line = NULL;
    *n = 0;
    for (;;) {
        const unsigned char *from = u->length ? u->block + u->start : NULL;
        const unsigned char *lf = from ? memchr(from + u->scanned, '\n', u->length - u->scanned) : NULL;
        size_t length = lf ? (size_t)(lf - from) + 1 : u->length;
        if (length > max || lf) {
            *line = from;
            *n = length;
            if (length <= max) crp_util_consume(m, length);
            return CRP_OK;
        }
        bool end;
        u->scanned = u->length;
        crp_status st = crp_util_fill(call, m, &end);
        if (st || end) return st;
    }
}

/* Puts bytes before those that are held. */
static crp_status unread(crp *vm, util *u, const unsigned char *bytes, size_t n)
{
    size_t limit = limit_of(u);
    if (n > limit || u->length > limit - n)
        return crp_module_raise(vm, &u->m, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                                "unread of %zu bytes: the property `limit` allows no more than %zu", n,
                                limit);
    if (n > u->start) {
        if (u->capacity < n + u->length) {
            crp_status st = resize(vm, u, n + u->length);
            if (st) return st;
        }
        if (u->length) memmove(u->block + n, u->block + u->start, u->length);
        u->start = n;
    }
    u->start -= n;
    u->length += n;
    u->scanned = 0;
    if (n) memcpy(u->block + u->start, bytes, n);
    return CRP_OK;
}

/* --- operations ----------------------------------------------------------------------------------------- */

static crp_status util_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    util *u = util_of(m);
    unsigned char chunk[SEND_CHUNK];
    enum parity parity = parity_of(u->write_parity);
    if (parity != PRESERVE) {
        if (n > sizeof chunk) n = sizeof chunk;
        memcpy(chunk, bytes, n);
        impose(parity, chunk, n);
        bytes = chunk;
    }
    crp_status st = crp_below_send(call, m, bytes, n, taken);
    if (!st) count_sent(call->vm, u, *taken);
    return st;
}

static crp_status util_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    util *u = util_of(m);
    if (u->length) {
        *got = n < u->length ? n : u->length;
        memcpy(bytes, u->block + u->start, *got);
        take(u, *got);
        return CRP_OK;
    }
    crp_status st = crp_below_receive(call, m, bytes, n, got);
    if (st || !*got) return st;
    impose(parity_of(u->read_parity), bytes, *got);
    count_received(call->vm, u, *got);
    return CRP_OK;
}

static size_t util_pending(crp *vm, const crp_module *m)
{
    (void)vm;
    return ((const util *)m)->length;
}

static void util_close(crp *vm, crp_module *m)
{
    (void)vm;
    crp_util_discard(m);
    util_of(m)->usual = 0;
}

static void util_drop(crp *vm, crp_object *self)
{
    util *u = (util *)self;
    if (u->block) crp_free_bytes(vm, u->block, u->capacity);
}

static void util_mark(crp *vm, crp_object *self, crp_marker mark)
{
    crp_module_mark(vm, self, mark);
    mark(vm, ((util *)self)->group);
    mark(vm, ((util *)self)->traffic_group);
}

/* --- what scripts call ---------------------------------------------------------------------------------- */

static crp_status reading_begin(crp_call *call, crp_operation *op, uint32_t arg)
{
    if (call->step) return CRP_OK;
    int64_t timeout = CRP_CONNECT_TIMEOUT;
    crp_word given = arg < call->count ? call->args[arg] : CRP_UNSET;
    if (given != CRP_UNSET && (timeout = crp_integer_value(given)) < 0)
        return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "a timeout is a number of milliseconds, not %ld", timeout);
    crp_status st = crp_operation_begin(call, op, crp_self(call), timeout);
    if (!st) call->step = 1;
    call->patient = timeout > 0;
    return st;
}

/* The first n bytes held, as the call's result. */
static crp_status give(crp_call *call, crp_operation *op, size_t n, size_t dropped)
{
    util *u = util_of(crp_self(call));
    crp_status st = crp_string(call->vm, n ? (const char *)u->block + u->start : "", n, &call->result);
    if (st) return st;
    if (dropped) crp_module_log(call->vm, &u->m, CRP_LOG_PDUS, CRP_RECEIVED, crp_string_data(call->result, NULL), n, false);
    else crpi_spoken_piece(call->vm, &u->m, CRP_RECEIVED, crp_string_data(call->result, NULL), n);
    crp_util_consume(&u->m, n + dropped);
    return crp_operation_end(call, op);
}

static crp_status more(crp_call *call, crp_operation *op, const char *doing)
{
    crp_module *m = crp_self(call);
    bool end;
    crp_status st = crp_util_fill(call, m, &end);
    if (st == CRP_AGAIN) return crp_operation_again(call, op, doing);
    if (st || !end) return st;
    return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                            "the connection was closed, %s; %zu bytes had come", doing, util_of(m)->length);
}

static crp_status util_receive_n(crp_call *call)
{
    util *u = util_of(crp_self(call));
    int64_t n = crp_integer_value(call->args[0]);
    if (n < 0 || (uint64_t)n > limit_of(u))
        return crp_module_raise(call->vm, &u->m, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                                "receiveN: expected 0 to %zu bytes (the property `limit`), given %ld",
                                limit_of(u), n);
    crp_operation *op = call->state;
    crp_status st = reading_begin(call, op, 1);
    while (!st && u->length < (uint64_t)n) st = more(call, op, "receiving a number of bytes");
    return st ? st : give(call, op, (size_t)n, 0);
}

typedef struct until {
    crp_operation op;
    size_t searched; /* of the held bytes: no match begins in these */
} until;

static crp_status util_receive_until(crp_call *call)
{
    util *u = util_of(crp_self(call));
    until *state = call->state;
    size_t n;
    const char *text = crp_string_data(call->args[0], &n);
    if (!n) return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "receiveUntil: the text is empty");
    crp_status st = reading_begin(call, &state->op, 1);
    while (!st) {
        const unsigned char *from = u->length ? u->block + u->start : NULL;
        const unsigned char *at = NULL;
        if (state->searched > u->length) state->searched = 0;
        if (from) at = memmem(from + state->searched, u->length - state->searched, text, n);
        if (at) return give(call, &state->op, (size_t)(at - from) + n, 0);
        state->searched = u->length >= n ? u->length - n + 1 : 0;
        st = more(call, &state->op, "receiving up to a text");
    }
    return st;
}

/* The line's end is LF or CRLF and no part of the result. */
static crp_status util_receive_line(crp_call *call)
{
    util *u = util_of(crp_self(call));
    until *state = call->state;
    crp_status st = reading_begin(call, &state->op, 0);
    while (!st) {
        const unsigned char *from = u->length ? u->block + u->start : NULL;
        if (state->searched > u->length) state->searched = 0;
        const unsigned char *lf =
            from ? memchr(from + state->searched, '\n', u->length - state->searched) : NULL;
        if (lf) {
            size_t n = (size_t)(lf - from);
            size_t cr = n && from[n - 1] == '\r';
            return give(call, &state->op, n - cr, cr + 1);
        }
        state->searched = u->length;
        st = more(call, &state->op, "receiving a line");
    }
    return st;
}

static crp_status util_unread(crp_call *call)
{
    const unsigned char *bytes;
    size_t n;
    if (crp_bytes(call->args[0], &bytes, &n)) return unread(call->vm, util_of(crp_self(call)), bytes, n);
    return crp_raise(call->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                     "unread: expected a String, Binary or Buffer, given %n", call->args[0]);
}

/* --- the classes ---------------------------------------------------------------------------------------- */

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .send = util_send,
    .receive = util_receive,
    .pending = util_pending,
    .close = util_close,
};

#define SETTING (CRP_RW | CRP_STACK)
#define AT(field) offsetof(util, field)

static const crp_property properties[] = {
    {"readParity", "String", SETTING, AT(read_parity), "\"preserve\"", "odd|even|strip|preserve",
     "parity imposed on received data\n"
     "(u.readParity \"strip\")\n"
     "(far.send 0x\"C3\")\n"
     "(u.receive)                         # --> \"C\"", NULL, NULL},
    {"writeParity", "String", SETTING, AT(write_parity), "\"preserve\"", "odd|even|strip|preserve",
     "parity imposed on sent data\n"
     "(u.writeParity \"even\")\n"
     "(u.send \"C\")\n"
     "(far.receive).binary                # --> 0x\"C3\"", NULL, NULL},
    {"trafficGroup", "String", SETTING, AT(traffic_group), NULL, NULL,
     "name of the group in which traffic is added up; \"\" is none\n"
     "(u.trafficGroup \"mail\")\n"
     "(u.traffic \"mail\").bytesSent        # --> 0", NULL, set_traffic_group},
    {"inactivityTimeout", "Integer", SETTING, AT(inactivity_timeout), NULL, "0..2147483647",
     "seconds; only stored, for scripts to use\n"
     "(u.inactivityTimeout 300)\n"
     "u.inactivityTimeout                 # --> 300", NULL, NULL},
    {"limit", "Integer", SETTING, AT(limit), "16777216", "1024..1073741824",
     "bytes that may wait to be read; more is an error 6.3\n"
     "u.limit                             # --> 16777216", NULL, NULL},
    CRP_PROPERTY_LOG_OF("u"),
    {0},
};

static const crp_method methods[] = {
    {"receiveN", "String (n Integer) (timeout Integer ?)", util_receive_n,
     "Exactly n bytes. 6.1 when they did not come within `timeout` milliseconds (default 60000): nothing is "
     "consumed then; 6.3 when the connection ended before.\n"
     "(far.send \"MAIL\")\n"
     "(u.receiveN 4)                      # --> \"MAIL\"",
     sizeof(crp_operation), crp_operation_mark, crp_operation_drop},
    {"receiveUntil", "String (text String) (timeout Integer ?)", util_receive_until,
     "Everything up to the text and the text itself; the rest stays. Errors as in receiveN.\n"
     "(far.send \"to: you\")\n"
     "(u.receiveUntil \": \")               # --> \"to: \"", sizeof(until),
     crp_operation_mark, crp_operation_drop},
    {"receiveLine", "String (timeout Integer ?)", util_receive_line,
     "The next line without its end, LF or CRLF. Errors as in receiveN.\n"
     "(far.send \" and all\\r\\n\")\n"
     "(u.receiveLine)                     # --> \"you and all\"", sizeof(until), crp_operation_mark,
     crp_operation_drop},
    {"unread", "NIL (data Object)", util_unread, "Puts data back: it is received next.\n"
     "(u.unread \"back\\n\")\n"
     "(u.receiveLine)                     # --> \"back\"", 0, NULL, NULL},
    {"traffic", "CommsInfo (group String)", util_traffic, "The traffic of all modules in the group.\n"
     "(u.trafficGroup \"mail\")\n"
     "(u.send \"hello\")\n"
     "(far.receive)\n"
     "(u.traffic \"mail\").bytesSent        # --> 5", 0, NULL, NULL},
    {"resetTraffic", "NIL (group String)", util_reset_traffic, "Sets the group's traffic to zero.\n"
     "(u.resetTraffic \"mail\")\n"
     "(u.traffic \"mail\").bytesSent        # --> 0", 0, NULL, NULL},
    CRP_METHOD_CONNECT("(u.connect)\n"
                       "(u.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(u.send \"hello\")\n"
                    "(far.receive)                       # --> \"hello\""),
    CRP_METHOD_SEND_SECRET("(u.sendSecret \"PASS xyz\\r\\n\")\n"
                           "(far.receive)                       # --> \"PASS xyz\\r\\n\""),
    CRP_METHOD_RECEIVE("(far.send \"world\")\n"
                       "(u.receive)                         # --> \"world\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(far.send \"hello\")\n"
                            "(u.receiveInto room)\n"
                            "room.string                         # --> \"hel\""),
    CRP_METHOD_INFO("(u.info).isConnected                # --> true"),
    CRP_METHOD_DISCONNECT("(u.disconnect)\n"
                          "(far.receive)                       # --> ()"),
    CRP_METHODS_NO_LISTENING("u"),
    {0},
};

const crp_class_def crpi_util_class = {
    .size = sizeof(crp_class_def),
    .name = "Util",
    .help = "Reads lines and blocks for the layers above, and imposes parity.\n"
            "(set far (create Memory))\n"
            "(set u (create Util))\n"
            "(set s (buildCommsStack (list u far.peer)))\n"
            "(far.connect)\n"
            "(s.connect)",
    .instance_size = sizeof(util),
    .properties = properties,
    .methods = methods,
    .mark = util_mark,
    .drop = util_drop,
    .module = &ops,
};

static const crp_property no_properties[] = {{0}};
static const crp_method no_methods[] = {{0}};

const crp_class_def crpi_traffic_group_class = {
    .size = sizeof(crp_class_def),
    .name = "TrafficGroup",
    .help = "What the Utils of one traffic group have sent and received: Util's `traffic` shows it.\n"
            "(set s (buildCommsStack '(\"Util\" \"Memory\") '((trafficGroup \"mail\"))))\n"
            "(s.connect)\n"
            "(s.send \"hello\")\n"
            "(s.traffic \"mail\").bytesSent        # --> 5",
    .instance_size = sizeof(traffic_group),
    .properties = no_properties,
    .methods = no_methods,
};
