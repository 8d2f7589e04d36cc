/* floor 4: Replay: a bottom module whose peer is a transcript (transcript.h): no sockets, no real time.
 *
 * What the client sends is compared byte by byte with the C lines; what the S lines say becomes readable once
 * all C lines before them were sent.  So a dialogue can be played whole, in single bytes, in random pieces or
 * cut at any byte, the same each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "socket.h"
#include "stack.h"
#include "transcript.h"

enum { MAX_FILE = 64 << 20, CONTEXT = 60 };

/* A place in the dialogue. */
typedef struct cursor {
    size_t item, turn, offset; /* which item, which of its repetitions, which byte of that */
} cursor;

typedef struct replay {
    crp_module m;
    crp_word transcript, file, chunking, seed, cut;
    crpi_transcript t;
    cursor server, client;
    uint64_t random;
    int64_t given; /* bytes of the peer's that were read */
    bool breathe;  /* the next read says AGAIN once, as a slow connection would */
    bool over;     /* the dialogue came to an end that is not the client's doing */
} replay;

static replay *replay_of(crp_module *m) { return (replay *)m; }

/* --- the dialogue --------------------------------------------------------------------------------------- */

/* Moves to where the next byte of this kind is: false if there is none before an item that ends everything.
 */
static bool settle(const replay *r, cursor *c, enum crpi_item_kind kind)
{
    for (; c->item < r->t.n; c->item++, c->turn = c->offset = 0) {
        const crpi_item *i = &r->t.items[c->item];
        if (i->kind != CRPI_SERVER && i->kind != CRPI_CLIENT) return false;
        if (i->kind != kind) continue;
        if (i->any && !c->offset) return true;
        if (i->any) continue;
        while (c->turn < i->times && c->offset >= i->length) c->turn++, c->offset = 0;
        if (c->turn < i->times && i->length) return true;
    }
    return false;
}

static size_t left_in_item(const replay *r, const cursor *c)
{
    return r->t.items[c->item].length - c->offset;
}

static const char *bytes_at(const replay *r, const cursor *c)
{
    return r->t.bytes + r->t.items[c->item].at + c->offset;
}

/* xorshift64*: the same seed gives the same pieces. */
static uint64_t next_random(replay *r)
{
    r->random ^= r->random >> 12;
    r->random ^= r->random << 25;
    r->random ^= r->random >> 27;
    return r->random * 0x2545f4914f6cdd1du;
}

/* How many bytes the next read gives at most. */
static size_t piece(replay *r)
{
    if (r->t.chunking == CRPI_WHOLE) return SIZE_MAX;
    if (r->t.chunking == CRPI_BYTES) return 1;
    uint64_t bits = next_random(r);
    return 1 + (size_t)((bits >> 8) % ((uint64_t)1 << (bits & 7)));
}

/* --- receive -------------------------------------------------------------------------------------------- */

static crp_status silence(crp_call *call, crp_module *m)
{
    crp_wait_object(call, crp_module_word(m));
    return CRP_AGAIN;
}

/* Nothing of the peer's can be read now: because it is the client's turn, or because something ends here. */
static crp_status nothing_to_read(crp_call *call, replay *r)
{
    if (settle(r, &r->client, CRPI_CLIENT)) return silence(call, &r->m);
    enum crpi_item_kind kind = CRPI_CLOSE;
    for (size_t i = r->server.item; i < r->t.n; i++) {
        kind = r->t.items[i].kind;
        if (kind != CRPI_SERVER && kind != CRPI_CLIENT) break;
        kind = CRPI_CLOSE;
    }
    r->over = true;
    if (kind == CRPI_SILENCE) return silence(call, &r->m);
    if (kind == CRPI_RESET)
        return crp_module_raise_errno(call->vm, &r->m, CRP_ERR_COMMS, CRP_RECEIVE_FAILED, ECONNRESET,
                                      "receive failed");
    return CRP_OK;
}

/* The peer's next byte may be read when no C line before it is still to come. */
static bool readable(replay *r)
{
    if (!settle(r, &r->server, CRPI_SERVER)) return false;
    return !settle(r, &r->client, CRPI_CLIENT) || r->client.item > r->server.item;
}

/* One read never joins what stands before a C line with what comes after; else lines are joined as they fit.
 */
static size_t give(replay *r, char *out, size_t n)
{
    size_t done = 0;
    while (done < n && readable(r)) {
        size_t k = left_in_item(r, &r->server);
        if (k > n - done) k = n - done;
        memcpy(out + done, bytes_at(r, &r->server), k);
        r->server.offset += k;
        done += k;
    }
    r->given += (int64_t)done;
    return done;
}

static crp_status replay_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    replay *r = replay_of(m);
    if (r->t.cut >= 0 && r->given >= r->t.cut) {
        r->over = true;
        return CRP_OK;
    }
    if (!readable(r)) return nothing_to_read(call, r);
    if (r->t.chunking != CRPI_WHOLE && (r->breathe = !r->breathe)) {
        crp_wait_until(call, crp_now(call->vm));
        return CRP_AGAIN;
    }
    size_t most = piece(r);
    if (n > most) n = most;
    if (r->t.cut >= 0 && n > (size_t)(r->t.cut - r->given)) n = (size_t)(r->t.cut - r->given);
    *got = give(r, bytes, n);
    return CRP_OK;
}

/* --- send ----------------------------------------------------------------------------------------------- */

static crp_status mismatch(crp *vm, replay *r, const char *sent, size_t n)
{
    const crpi_item *i = &r->t.items[r->client.item];
    crp_word expected, given;
    crp_status st = crp_string(vm, r->t.bytes + i->at, i->length < CONTEXT ? i->length : CONTEXT, &expected);
    if (!st) st = crp_string(vm, sent, n < CONTEXT ? n : CONTEXT, &given);
    if (st) return st;
    return crp_module_raise(vm, &r->m, CRP_ERR_COMMS, CRP_SEND_FAILED,
                            "transcript line %u: expected %v, from byte %zu on the client sent %v", i->line,
                            expected, r->client.offset, given);
}

static crp_status too_early(crp *vm, replay *r)
{
    return crp_module_raise(vm, &r->m, CRP_ERR_COMMS, CRP_SEND_FAILED,
                            "transcript line %u: the client sends this before it has read line %u",
                            r->t.items[r->client.item].line, r->t.items[r->server.item].line);
}

static crp_status unexpected(crp *vm, replay *r, const char *sent, size_t n)
{
    crp_word given;
    crp_status st = crp_string(vm, sent, n < CONTEXT ? n : CONTEXT, &given);
    if (st) return st;
    return crp_module_raise(vm, &r->m, CRP_ERR_COMMS, CRP_SEND_FAILED,
                            "the transcript expects no more from the client, which sent %v", given);
}

static bool server_has_begun(const replay *r, size_t item)
{
    const cursor *s = &r->server;
    return s->item > item || (s->item == item && (s->turn || s->offset));
}

/* A secret may go on: nothing was asked of the client since, and nothing was said to it. */
static bool in_secret(const replay *r)
{
    for (size_t i = r->client.item; i-- > 0;) {
        const crpi_item *item = &r->t.items[i];
        if (item->any) return true;
        if (item->kind == CRPI_CLIENT ? item->length > 0 : server_has_begun(r, i)) return false;
    }
    return false;
}

/* One byte at a secret, or behind one: what is not yet what follows it belongs to it. */
static void take_secret(replay *r, char byte)
{
    cursor *c = &r->client;
    bool more = settle(r, c, CRPI_CLIENT);
    if (more && r->t.items[c->item].any) c->offset = 1;
    else if (more && byte == *bytes_at(r, c)) c->offset++;
    else if (more) c->offset = byte == r->t.bytes[r->t.items[c->item].at];
}

static bool at_secret(replay *r)
{
    bool more = settle(r, &r->client, CRPI_CLIENT);
    return in_secret(r) || (more && r->t.items[r->client.item].any);
}

/* The client is further than the peer's words before this one; a secret that goes on is none of the client's. */
static bool is_early(replay *r)
{
    return !r->t.pipelined && !in_secret(r) && settle(r, &r->server, CRPI_SERVER) &&
           r->server.item < r->client.item;
}

static crp_status replay_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    replay *r = replay_of(m);
    if (r->over) return *taken = n, CRP_OK; /* into a connection that the peer has left */
    if (!settle(r, &r->client, CRPI_CLIENT) && !in_secret(r)) return unexpected(call->vm, r, bytes, n);
    if (is_early(r)) return too_early(call->vm, r);
    if (at_secret(r)) {
        take_secret(r, *(const char *)bytes);
        *taken = 1;
        crp_wake(call->vm, crp_module_word(m));
        return CRP_OK;
    }
    size_t k = left_in_item(r, &r->client);
    if (k > n) k = n;
    if (memcmp(bytes_at(r, &r->client), bytes, k)) return mismatch(call->vm, r, bytes, n);
    r->client.offset += k;
    *taken = k;
    crp_wake(call->vm, crp_module_word(m));
    return CRP_OK;
}

/* --- connect, disconnect -------------------------------------------------------------------------------- */

static crp_status read_file(crp *vm, replay *r, crp_word *text)
{
    const char *path;
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    crp_word buffer;
    crp_status st = crp_c_string(vm, r->file, &path);
    if (!st) st = crp_buffer(vm, 4096, &buffer);
    if (st) return st;
    int fd = p->open(state, path, O_RDONLY, 0);
    ssize_t got = fd;
    size_t length = 0;
    while (fd >= 0 && !st) {
        unsigned char *at;
        size_t room;
        if ((st = crp_buffer_room(vm, buffer, 4096, &at, &room))) break;
        got = room && length < MAX_FILE ? p->read(state, fd, at, room) : -EFBIG;
        if (got <= 0) break;
        crp_buffer_added(buffer, (size_t)got);
        length += (size_t)got;
    }
    if (fd >= 0) p->close(state, fd);
    if (st) return st;
    if (got < 0)
        return crp_module_raise_errno(vm, &r->m, CRP_ERR_FILE, 1, (int)-got, "cannot read the transcript %q",
                                      path);
    *text = buffer;
    return CRP_OK;
}

/* The properties, where they are set, win over the transcript's own directives. */
static void settings(replay *r)
{
    const char *chunking = crp_string_data(r->chunking, NULL);
    if (*chunking == 'w') r->t.chunking = CRPI_WHOLE;
    if (*chunking == 'b') r->t.chunking = CRPI_BYTES;
    if (*chunking == 'r') r->t.chunking = CRPI_RANDOM;
    if (crp_integer_value(r->seed)) r->t.seed = crp_integer_value(r->seed);
    if (crp_integer_value(r->cut) >= 0) r->t.cut = crp_integer_value(r->cut);
    r->random = (uint64_t)r->t.seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
    if (!r->random) r->random = 1;
}

static crp_status replay_connect(crp_call *call, crp_module *m)
{
    replay *r = replay_of(m);
    crp_word text = r->transcript;
    const unsigned char *bytes;
    size_t n;
    crp_string_data(r->file, &n);
    crp_status st = n ? read_file(call->vm, r, &text) : CRP_OK;
    if (st) return st;
    crp_bytes(text, &bytes, &n);
    crpi_transcript_free(call->vm, &r->t);
    if ((st = crpi_transcript_parse(call->vm, (const char *)bytes, n, &r->t))) return st;
    r->server = r->client = (cursor){0};
    r->given = 0;
    r->over = r->breathe = false;
    settings(r);
    return CRP_OK;
}

/* A client that leaves early has not done what the transcript says. */
static crp_status replay_disconnect(crp_call *call, crp_module *m)
{
    replay *r = replay_of(m);
    if (r->over || !settle(r, &r->client, CRPI_CLIENT)) return CRP_OK;
    return crp_module_raise(call->vm, m, CRP_ERR_COMMS, CRP_DISCONNECT_FAILED,
                            "transcript line %u: the client has not sent this",
                            r->t.items[r->client.item].line);
}

static void replay_drop(crp *vm, crp_object *self) { crpi_transcript_free(vm, &((replay *)self)->t); }

static crp_status get_finished(crp *vm, crp_object *self, crp_word *out)
{
    (void)vm;
    replay *r = (replay *)self;
    *out = crp_bool(!settle(r, &r->client, CRPI_CLIENT) && !settle(r, &r->server, CRPI_SERVER));
    return CRP_OK;
}

/* --- the class ------------------------------------------------------------------------------------------ */

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .flags = CRP_MODULE_BOTTOM,
    .connect = replay_connect,
    .disconnect = replay_disconnect,
    .send = replay_send,
    .receive = replay_receive,
};

#define SETTING (CRP_RW | CRP_CONFIG | CRP_STACK)
#define AT(field) offsetof(replay, field)

static const crp_property properties[] = {
    {"transcript", "String", SETTING, AT(transcript), NULL, NULL, "the dialogue as text\n"
     "(r.transcript \"S: hello\")\n"
     "(r.connect)\n"
     "(r.receive)                         # --> \"hello\\r\\n\"", NULL, NULL},
    {"file", "String", SETTING, AT(file), NULL, NULL, "a file with the dialogue, in place of `transcript`\n"
     "(r.disconnect)\n"
     "(writeFile \"talk\" \"S: hello from a file\")\n"
     "(r.transcript \"\")\n"
     "(r.file \"talk\")\n"
     "(r.connect)\n"
     "(r.receive)                         # --> \"hello from a file\\r\\n\"",
     NULL, NULL},
    {"chunking", "String", SETTING, AT(chunking), "\"transcript\"", "transcript|whole|bytes|random",
     "how what the peer sends is cut into reads; `transcript`: as its directives say\n"
     "(r.disconnect)\n"
     "(r.chunking \"bytes\")\n"
     "(r.connect)\n"
     "(list (r.receive) (r.receive))      # --> (\"h\" \"e\")", NULL, NULL},
    {"seed", "Integer", SETTING, AT(seed), NULL, NULL, "of the random pieces; 0: the transcript's\n"
     "(r.disconnect)\n"
     "(r.seed 7)", NULL, NULL},
    {"cut", "Integer", SETTING, AT(cut), "-1", NULL,
     "after so many bytes of the peer's the connection ends; -1: the transcript's\n"
     "(r.cut 2)\n"
     "(r.connect)\n"
     "(list (r.receive) (r.receive) (r.receive))   # --> (\"h\" \"e\" ())",
     NULL, NULL},
    {"finished", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL, "true when every line was played\n"
     "r.finished                          # --> ()", get_finished, NULL},
    {"loopback", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL, "true: it never leaves the process\n"
     "r.loopback                          # --> true", crpi_get_true, NULL},
    {"secure", "Object", CRP_READ | CRP_STACK, 0, NULL, NULL, "(): nothing is encrypted here\n"
     "r.secure                            # --> ()", crpi_get_false, NULL},
    CRP_PROPERTY_LOG_OF("r"),
    {0},
};

static const crp_method methods[] = {
    CRP_METHOD_CONNECT("(r.connect)\n"
                       "(r.receive)                         # --> \"ready\\r\\n\""),
    CRP_METHOD_SEND("(r.send \"HELP\\r\\n\")"),
    CRP_METHOD_RECEIVE("(r.receive)                         # --> \"ask me\\r\\n\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(r.send \"QUIT\\r\\n\")\n"
                            "(r.receiveInto room)\n"
                            "room.string                         # --> \"bye\""),
    CRP_METHOD_INFO("(r.info).bytesSent                  # --> 12"),
    CRP_METHOD_DISCONNECT("(r.disconnect)\n"
                          "(r.receive)                         # error: 6.11"),
    CRP_METHODS_NO_LISTENING("r"),
    {0},
};

const crp_class_def crpi_replay_class = {
    .size = sizeof(crp_class_def),
    .name = "Replay",
    .help = "A transcript as the peer: a bottom module for tests. Lines `S: text` are what the peer sends, "
            "`C: text` what the client must send; directives begin with @.\n"
            "(set r (create Replay '((transcript \"\n"
            "S: ready\n"
            "C: HELP\n"
            "S: ask me\n"
            "C: QUIT\n"
            "S: bye\"))))",
    .instance_size = sizeof(replay),
    .properties = properties,
    .methods = methods,
    .mark = crp_module_mark,
    .drop = replay_drop,
    .module = &ops,
};
