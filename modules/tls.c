/* floor 4: Tls: encrypts what goes down and decrypts what comes up, on any layer, at either end.
 *
 * TLS itself is the engine's (tls-engine.h); here is how it stands on a stack.  The engine's records are sent whole or
 * queued: what the layer below does not take at once waits in a queue that every later step empties first.  The sender
 * of bytes is told that they are taken when the queue is empty; until then it comes again, is known by its bytes, and
 * nothing is encrypted twice.
 */
#include <string.h>
#include "tls.h"

enum { GOODBYE = 2000 /* milliseconds for the last bytes to go */, DRAINED = 64, DRAIN = 4096, SECONDS_A_DAY = 86400 };

static crpi_tls *tls_of(crp_module *m) { return (crpi_tls *)m; }

/* --- the wire ------------------------------------------------------------------------------------------- */

static crpi_tls_outcome wire_outcome(crpi_tls *t, crp_status st)
{
    t->status = st;
    return st == CRP_AGAIN ? CRPI_TLS_AGAIN : st == CRP_E_NOMEM ? CRPI_TLS_NO_MEMORY : st ? CRPI_TLS_WIRE : CRPI_TLS_DONE;
}

static crpi_tls_outcome wire_receive(void *ud, void *bytes, size_t n, size_t *got)
{
    crpi_tls *t = ud;
    crpi_tls_outcome came = wire_outcome(t, crp_below_receive(t->call, &t->m, bytes, n, got));
    return came == CRPI_TLS_DONE && !*got ? CRPI_TLS_END : came;
}

static crp_status enqueue(crpi_tls *t, const unsigned char *bytes, size_t n)
{
    if (t->queue_from + t->queued + n > t->queue_size) {
        size_t size = t->queued + n;
        unsigned char *grown = crp_alloc(t->call->vm, size);
        if (!grown) return CRP_E_NOMEM;
        if (t->queued) memcpy(grown, t->queue + t->queue_from, t->queued);
        if (t->queue) crp_free_bytes(t->call->vm, t->queue, t->queue_size);
        t->queue = grown;
        t->queue_size = size;
        t->queue_from = 0;
    }
    memcpy(t->queue + t->queue_from + t->queued, bytes, n);
    t->queued += n;
    return CRP_OK;
}

static crpi_tls_outcome wire_send(void *ud, const void *bytes, size_t n)
{
    crpi_tls *t = ud;
    const unsigned char *at = bytes;
    crp_status st = CRP_OK;
    while (!t->queued && n && !st) {
        size_t taken;
        st = crp_below_send(t->call, &t->m, at, n, &taken);
        if (st) break;
        at += taken;
        n -= taken;
    }
    if (n && (!st || st == CRP_AGAIN)) st = enqueue(t, at, n);
    return wire_outcome(t, st);
}

static void forget_queue(crp *vm, crpi_tls *t)
{
    if (t->queue) crp_free_bytes(vm, t->queue, t->queue_size);
    t->queue = NULL;
    t->queue_size = t->queue_from = t->queued = 0;
}

static crp_status flush(crp_call *call, crpi_tls *t)
{
    while (t->queued) {
        size_t taken;
        crp_status st = crp_below_send(call, &t->m, t->queue + t->queue_from, t->queued, &taken);
        if (st) return st;
        t->queue_from += taken;
        t->queued -= taken;
    }
    if (!t->queue) return CRP_OK;
    forget_queue(call->vm, t);
    if (t->unreported) crp_wake(call->vm, crp_module_word(&t->m));
    return CRP_OK;
}

/* --- failures ------------------------------------------------------------------------------------------- */

static void remember_verdict(crpi_tls *t)
{
    crpi_tls_facts facts;
    t->engine->facts(t->connection, &facts);
    t->verify_error = facts.verify_error;
}

static crp_status cut_off(crp *vm, crpi_tls *t)
{
    if (t->shaken)
        return crp_module_raise(vm, &t->m, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                                "the connection was cut off: it ended without the peer's word that this is all "
                                "(close_notify), so something may be missing");
    return crp_module_raise(vm, &t->m, CRP_ERR_COMMS, CRP_TLS_FAILED,
                            "the peer closed the connection during the handshake: does it speak TLS on this port?");
}

/* The text of an outcome that is none to go on from; the stack is closed, for nobody knows its state. */
static crp_status failed(crp *vm, crpi_tls *t, crpi_tls_outcome outcome, const crpi_tls_fault *fault)
{
    crp_status st = t->status;
    if (outcome == CRPI_TLS_NO_MEMORY)
        st = st == CRP_E_NOMEM ? st : crp_no_memory(vm);
    else if (outcome == CRPI_TLS_END || outcome == CRPI_TLS_TRUNCATED)
        st = cut_off(vm, t);
    else if (outcome == CRPI_TLS_FAILED)
        st = crp_module_raise(vm, &t->m, CRP_ERR_COMMS, CRP_TLS_FAILED, "%s", fault->text);
    if (t->shaken) crp_close_stack(vm, &t->m);
    return st;
}

static crp_status not_connected(crp *vm, crpi_tls *t)
{
    return crp_module_raise(vm, &t->m, CRP_ERR_COMMS, CRP_NOT_CONNECTED, "not connected");
}

/* --- close ---------------------------------------------------------------------------------------------- */

static void tls_close(crp *vm, crp_module *m)
{
    crpi_tls *t = tls_of(m);
    t->shaken = false;
    t->closing = t->call != NULL;
    if (t->closing) return;
    if (t->connection) t->engine->close(t->connection);
    t->connection = NULL;
    t->unreported = 0;
    forget_queue(vm, t);
}

/* The layer below may find, while the engine is at work, that all is over, and close the stack. */
static void at_rest(crp *vm, crpi_tls *t)
{
    t->call = NULL;
    if (t->closing) tls_close(vm, &t->m);
}

static void tls_drop(crp *vm, crp_object *self) { tls_close(vm, (crp_module *)self); }

/* --- connect -------------------------------------------------------------------------------------------- */

/* It is the server's end if a layer below was accepted. */
static bool is_server(crp *vm, const crpi_tls *t)
{
    const char *mode = crp_string_data(t->mode, NULL);
    if (mode[0] != 'a') return mode[0] == 's';
    int n = 0;
    for (crp_module *b = crp_below(vm, &t->m); b && n < CRP_MAX_LAYERS; b = crp_below(vm, b), n++)
        if (b->accepted) return true;
    return false;
}

static int64_t wall_clock(crp *vm)
{
    void *state;
    int64_t seconds;
    int32_t nanoseconds;
    crp_platform_of(vm, &state)->clock(state, &seconds, &nanoseconds);
    return seconds;
}

/* Who the peer is must be known by something before anything is sent. */
static crp_status find_peer(crp *vm, crpi_tls *t, char name[CRPI_TLS_NAME])
{
    *name = 0;
    crp_status st = t->server ? CRP_OK : crpi_tls_peer_name(vm, t, name);
    if (st || t->server || *name || !crp_is_true(t->verify)) return st;
    return crp_module_raise(vm, &t->m, CRP_ERR_CONFIG, 1,
                            "nothing says whose certificate it must be: `serverName` is not set, and no layer below has "
                            "a `host`");
}

static crp_status begin(crp *vm, crpi_tls *t)
{
    char name[CRPI_TLS_NAME];
    unsigned char key[CRPI_TLS_KEY];
    crpi_tls_fault fault;
    const crpi_tls_wire wire = {wire_send, wire_receive, t};
    tls_close(vm, &t->m);
    t->verify_error = NULL;
    t->server = is_server(vm, t);
    crp_status st = find_peer(vm, t, name);
    if (!st) st = crpi_tls_context_for(vm, t);
    if (!st) st = crpi_tls_session_key(vm, t, name, key);
    if (st) return st;
    bool resumes = !t->server && crp_is_true(t->resume);
    const crpi_tls_peer peer = {name, resumes ? key : NULL, wall_clock(vm)};
    t->connection = t->engine->open(crpi_tls_context_of(t), &wire, &peer, &fault);
    if (t->connection) return CRP_OK;
    if (!fault.text[0]) return crp_no_memory(vm);
    return crp_module_raise(vm, &t->m, CRP_ERR_COMMS, CRP_TLS_FAILED, "%s", fault.text);
}

static void note_connected(crp *vm, crpi_tls *t)
{
    crpi_tls_facts facts;
    crp_word text;
    if (!crp_is_object(t->m.log)) return;
    t->engine->facts(t->connection, &facts);
    crp_status st = crp_format(vm, &text, "%s, %s%s%s%s", facts.version, facts.cipher, facts.resumed ? ", resumed" : "",
                               *facts.verify_error ? ", not verified: the certificate would be refused: " : "",
                               facts.verify_error);
    if (st)
        crp_clear_error(vm);
    else
        crp_module_note(vm, &t->m, CRP_LOG_COM, *facts.verify_error ? CRP_LOG_WARN : CRP_LOG_INFO,
                        crp_string_data(text, NULL));
}

static crp_status shake(crp_call *call, crpi_tls *t)
{
    crpi_tls_fault fault;
    t->call = call;
    crpi_tls_outcome outcome = t->engine->handshake(t->connection, &fault);
    if (outcome != CRPI_TLS_AGAIN) remember_verdict(t);
    at_rest(call->vm, t);
    if (outcome == CRPI_TLS_AGAIN) return CRP_AGAIN;
    if (outcome != CRPI_TLS_DONE) return failed(call->vm, t, outcome, &fault);
    t->shaken = true;
    note_connected(call->vm, t);
    return CRP_OK;
}

/* The last that a server of TLS 1.3 sends is what its client may resume with, and not waited for. */
static bool may_go_later(const crpi_tls *t)
{
    crpi_tls_facts facts;
    t->engine->facts(t->connection, &facts);
    return t->server && !strcmp(facts.version, "TLSv1.3");
}

static crp_status tls_connect(crp_call *call, crp_module *m)
{
    crpi_tls *t = tls_of(m);
    if (m->step == 0) {
        crp_status st = begin(call->vm, t);
        if (st) return st;
        m->step = 1;
    }
    crp_status st = flush(call, t);
    if (st && st != CRP_AGAIN) return st;
    if (!t->shaken && (st = shake(call, t))) return st;
    st = flush(call, t);
    return st == CRP_AGAIN && may_go_later(t) ? CRP_OK : st;
}

/* --- data ----------------------------------------------------------------------------------------------- */

/* By which bytes that are on their way are known: eight at a time, because there may be many. */
static uint64_t mark_of(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint64_t mark = n, eight;
    for (; n; at += sizeof eight, n -= sizeof eight) {
        eight = 0;
        memcpy(&eight, at, n < sizeof eight ? n : sizeof eight);
        mark = (mark ^ eight) * 0x9e3779b97f4a7c15u;
        mark ^= mark >> 32;
        if (n < sizeof eight) break;
    }
    return mark;
}

static crp_status wait_for_turn(crp_call *call, crpi_tls *t)
{
    crp_wait_object(call, crp_module_word(&t->m));
    return CRP_AGAIN;
}

/* Earlier bytes go first.  They may be this sender's, who is told now, or another's, who is to ask. */
static crp_status send_earlier(crp_call *call, crpi_tls *t, const void *bytes, size_t n, size_t *taken)
{
    crp_status st = flush(call, t);
    if (st == CRP_AGAIN) return wait_for_turn(call, t);
    if (st) {
        t->status = st;
        return failed(call->vm, t, CRPI_TLS_WIRE, NULL);
    }
    if (!t->unreported) return CRP_OK;
    if (n < t->unreported || mark_of(bytes, t->unreported) != t->mark) return wait_for_turn(call, t);
    *taken = t->unreported;
    t->unreported = 0;
    crp_wake(call->vm, crp_module_word(&t->m));
    return CRP_OK;
}

static crp_status tls_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    crpi_tls *t = tls_of(m);
    crpi_tls_fault fault;
    size_t gone;
    if (!t->shaken) return not_connected(call->vm, t);
    crp_status st = t->queued || t->unreported ? send_earlier(call, t, bytes, n, taken) : CRP_OK;
    if (st || *taken) return st;
    t->call = call;
    crpi_tls_outcome outcome = t->engine->send(t->connection, bytes, n, &gone, &fault);
    at_rest(call->vm, t);
    if (outcome == CRPI_TLS_AGAIN) return CRP_AGAIN;
    if (outcome != CRPI_TLS_DONE) return failed(call->vm, t, outcome, &fault);
    if (!t->queued) {
        *taken = gone;
        return CRP_OK;
    }
    t->unreported = gone;
    t->mark = mark_of(bytes, gone);
    return wait_for_turn(call, t);
}

static crp_status tls_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    crpi_tls *t = tls_of(m);
    crpi_tls_fault fault;
    if (!t->shaken) return not_connected(call->vm, t);
    t->status = flush(call, t);
    if (t->status && t->status != CRP_AGAIN) return failed(call->vm, t, CRPI_TLS_WIRE, NULL);
    t->call = call;
    crpi_tls_outcome outcome = t->engine->receive(t->connection, bytes, n, got, &fault);
    at_rest(call->vm, t);
    if (outcome == CRPI_TLS_DONE || outcome == CRPI_TLS_END) return CRP_OK;
    if (outcome == CRPI_TLS_AGAIN) return CRP_AGAIN;
    *got = 0;
    return failed(call->vm, t, outcome, &fault);
}

static size_t tls_pending(crp *vm, const crp_module *m)
{
    const crpi_tls *t = (const crpi_tls *)m;
    (void)vm;
    return t->connection ? t->engine->pending(t->connection) : 0;
}

/* --- the end -------------------------------------------------------------------------------------------- */

static void say_goodbye(crp_call *call, crpi_tls *t)
{
    t->call = call;
    if (t->engine->goodbye(t->connection) != CRPI_TLS_DONE) crp_clear_error(call->vm);
    at_rest(call->vm, t);
}

static crp_status tls_shut(crp_call *call, crp_module *m)
{
    crpi_tls *t = tls_of(m);
    if (!t->shaken) return not_connected(call->vm, t);
    if (m->step == 0) say_goodbye(call, t);
    m->step = 1;
    return flush(call, t);
}

/* What has come and was not read would make the system below answer the peer with a reset, which could overtake the
 * last that was sent. */
static void drain(crp_call *call, crpi_tls *t)
{
    unsigned char bytes[DRAIN];
    crpi_tls_fault fault;
    size_t got;
    crpi_tls_outcome outcome = CRPI_TLS_DONE;
    t->call = call;
    for (int i = 0; i < DRAINED && outcome == CRPI_TLS_DONE; i++)
        outcome = t->engine->receive(t->connection, bytes, sizeof bytes, &got, &fault);
    at_rest(call->vm, t);
    crp_clear_error(call->vm);
}

/* A peer that has gone needs no goodbye; one that takes nothing is not waited for for long. */
static crp_status tls_disconnect(crp_call *call, crp_module *m)
{
    crpi_tls *t = tls_of(m);
    if (!t->shaken) return CRP_OK;
    if (m->step == 0) {
        say_goodbye(call, t);
        t->goodbye_until = crp_now(call->vm) + GOODBYE;
        m->step = 1;
    }
    crp_status st = flush(call, t);
    if (st == CRP_AGAIN) return crp_again_until(call, m, t->goodbye_until, GOODBYE, "saying goodbye");
    if (st) crp_clear_error(call->vm);
    if (t->connection) drain(call, t);
    return CRP_OK;
}

/* --- facts ---------------------------------------------------------------------------------------------- */

static bool facts_of(crp_object *self, crpi_tls_facts *facts)
{
    crpi_tls *t = (crpi_tls *)self;
    if (t->shaken) t->engine->facts(t->connection, facts);
    return t->shaken;
}

static crp_status get_secure(crp *vm, crp_object *self, crp_word *out)
{
    const crpi_tls *t = (crpi_tls *)self;
    size_t pins = 1;
    (void)vm;
    if (crp_is_string(t->pin)) crp_string_data(t->pin, &pins);
    *out = crp_bool(t->shaken && (t->server || crp_is_true(t->verify) || (pins && t->pin != CRP_NIL)));
    return CRP_OK;
}

static crp_status get_version(crp *vm, crp_object *self, crp_word *out)
{
    crpi_tls_facts facts;
    return crp_string_z(vm, facts_of(self, &facts) ? facts.version : "", out);
}

static crp_status get_cipher(crp *vm, crp_object *self, crp_word *out)
{
    crpi_tls_facts facts;
    return crp_string_z(vm, facts_of(self, &facts) ? facts.cipher : "", out);
}

static crp_status get_alpn(crp *vm, crp_object *self, crp_word *out)
{
    crpi_tls_facts facts;
    return crp_string_z(vm, facts_of(self, &facts) ? facts.alpn : "", out);
}

static crp_status get_resumed(crp *vm, crp_object *self, crp_word *out)
{
    crpi_tls_facts facts;
    (void)vm;
    *out = crp_bool(facts_of(self, &facts) && facts.resumed);
    return CRP_OK;
}

static crp_status get_days_left(crp *vm, crp_object *self, crp_word *out)
{
    crpi_tls_facts facts;
    *out = CRP_NIL;
    if (!facts_of(self, &facts) || !facts.has_certificate) return CRP_OK;
    int64_t left = facts.valid_until - wall_clock(vm);
    return crp_integer(vm, left / SECONDS_A_DAY - (left % SECONDS_A_DAY < 0), out);
}

static crp_status get_verify_error(crp *vm, crp_object *self, crp_word *out)
{
    const char *text = ((crpi_tls *)self)->verify_error;
    return crp_string_z(vm, text ? text : "", out);
}

static crp_status get_certificate(crp *vm, crp_object *self, crp_word *out)
{
    const crpi_tls *t = (crpi_tls *)self;
    char text[2048];
    size_t n = t->shaken ? t->engine->certificate(t->connection, text, sizeof text) : 0;
    return crp_string(vm, text, n < sizeof text ? n : sizeof text - 1, out);
}

static crp_status add_binding(crp *vm, const crpi_tls *t, const char *kind, crp_list_builder *list)
{
    unsigned char bytes[CRPI_TLS_BINDING];
    crp_word pair[2], item;
    size_t n = t->engine->binding(t->connection, kind, bytes);
    if (!n) return CRP_OK;
    crp_status st = crp_string_z(vm, kind, &pair[0]);
    if (!st) st = crp_binary(vm, bytes, n, &pair[1]);
    if (!st) st = crp_list(vm, pair, 2, &item);
    return st ? st : crp_list_add(vm, list, item);
}

static crp_status get_channel_binding(crp *vm, crp_object *self, crp_word *out)
{
    static const char *const kinds[] = {"tls-exporter", "tls-unique", "tls-server-end-point"};
    const crpi_tls *t = (crpi_tls *)self;
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    for (size_t i = 0; t->shaken && !st && i < sizeof kinds / sizeof *kinds; i++) st = add_binding(vm, t, kinds[i], &list);
    *out = list.first;
    return st;
}

static crp_status set_pin(crp *vm, crp_object *self, crp_word pin)
{
    crp_word rest = pin;
    while (crp_is_pair(rest) && crp_is_string(crp_head(rest))) rest = crp_tail(rest);
    if (!crp_is_string(pin) && rest != CRP_NIL)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "pin: expected a String or a List of Strings, given %n",
                         pin);
    crp_store(vm, self, &((crpi_tls *)self)->pin, pin);
    return CRP_OK;
}

static void tls_mark(crp *vm, crp_object *self, crp_marker mark)
{
    crp_module_mark(vm, self, mark);
    mark(vm, ((crpi_tls *)self)->context);
}

/* --- the class ------------------------------------------------------------------------------------------ */

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .connect = tls_connect,
    .disconnect = tls_disconnect,
    .close = tls_close,
    .send = tls_send,
    .receive = tls_receive,
    .pending = tls_pending,
    .shut = tls_shut,
};

#define SETTING (CRP_RW | CRP_CONFIG | CRP_STACK)
#define FACT (CRP_READ | CRP_STACK)
#define AT(field) offsetof(crpi_tls, field)

static const crp_property properties[] = {
    {"verify", "Object", SETTING, AT(verify), "true", NULL,
     "true: the peer's certificate must lead to a trusted CA, be valid now, and be for `serverName`; (): it may be "
     "anybody's, and only `pin` says who it is. Of a client's certificate a server asks the same but for the name\n"
     "t.verify                            # --> true", NULL, NULL},
    {"serverName", "String", SETTING, AT(server_name), NULL, NULL,
     "the host whose certificate it must be, and which the server is told; a numeric address is looked for among the "
     "certificate's addresses and not told; \"\": the `host` of the layers below\n"
     "(t.serverName \"mail.example.org\")\n"
     "t.serverName                        # --> \"mail.example.org\"", NULL, NULL},
    {"caFile", "String", SETTING, AT(ca_file), NULL, NULL,
     "a PEM file with the certificates that are trusted, of CAs or of the peer itself; \"\" and no `caPath`: those of "
     "the system, or of SSL_CERT_FILE and SSL_CERT_DIR\n"
     "(t.caFile \"our-ca.pem\")\n"
     "t.caFile                            # --> \"our-ca.pem\"", NULL, NULL},
    {"caPath", "String", SETTING, AT(ca_path), NULL, NULL,
     "a folder of such files, whose names `openssl rehash` makes\n"
     "t.caPath                            # --> \"\"", NULL, NULL},
    {"certificate", "String", SETTING, AT(certificate), NULL, NULL,
     "a PEM file with the own certificate and those that lead to its CA: a server must have one, a client may\n"
     "(t.certificate \"server.pem\")\n"
     "t.certificate                       # --> \"server.pem\"", NULL, NULL},
    {"key", "String", SETTING, AT(key), NULL, NULL,
     "a PEM file with its key; \"\": it is in the file of the certificate. A file that others can read gives a `warn` "
     "record\n"
     "(t.key \"server.key\")\n"
     "t.key                               # --> \"server.key\"", NULL, NULL},
    {"keyPassword", "String", SETTING | CRP_SECRET, AT(key_password), NULL, NULL, "of an encrypted key\n"
     "(t.keyPassword \"open sesame\")\n"
     "t.keyPassword                       # --> \"open sesame\"", NULL, NULL},
    {"pin", "Object", SETTING, AT(pin), "\"\"", NULL,
     "keys of which the peer's certificate must have one, besides what `verify` asks: \"sha256//\" and the digest of "
     "the key in Base64, a List or with commas between them. `tlsCertificate` shows it\n"
     "(t.pin \"sha256//YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=\")\n"
     "(t.pin.startsWith \"sha256//\")       # --> true", NULL, set_pin},
    {"alpn", "String", SETTING, AT(alpn), NULL, NULL,
     "names of protocols, best first, with commas between them; the two ends must have one in common if both have any\n"
     "(t.alpn \"pop3\")\n"
     "t.alpn                              # --> \"pop3\"", NULL, NULL},
    {"minVersion", "String", SETTING, AT(min_version), "\"1.2\"", "1.2|1.3", "the oldest version of TLS that will do\n"
     "t.minVersion                        # --> \"1.2\"", NULL, NULL},
    {"clientCertificates", "String", SETTING, AT(client_certificates), "\"none\"", "none|optional|required",
     "whether a server asks for the client's certificate, which must lead to `caFile`\n"
     "t.clientCertificates                # --> \"none\"", NULL, NULL},
    {"mode", "String", SETTING, AT(mode), "\"auto\"", "auto|client|server",
     "which end this is; auto: the server's if a layer below was accepted\n"
     "t.mode                              # --> \"auto\"", NULL, NULL},
    {"resume", "Object", SETTING, AT(resume), "true", NULL,
     "true: a later connection with the same peer and settings may go on with the keys of an earlier one\n"
     "t.resume                            # --> true", NULL, NULL},
    {"secure", "Object", FACT, 0, NULL, NULL,
     "true once it is connected and the peer is who it should be; () before, or where neither `verify` nor `pin` asks\n"
     "t.secure                            # --> ()", get_secure, NULL},
    {"tlsVersion", "String", FACT, 0, NULL, NULL, "the version of TLS, as \"TLSv1.3\"; \"\" when not connected\n"
     "t.tlsVersion                        # --> \"\"", get_version, NULL},
    {"tlsCipher", "String", FACT, 0, NULL, NULL, "the cipher, as \"TLS_AES_256_GCM_SHA384\"\n"
     "t.tlsCipher                         # --> \"\"", get_cipher, NULL},
    {"tlsCertificate", "String", FACT, 0, NULL, NULL,
     "the peer's certificate, in lines: subject, issuer, names, valid from, valid until, sha256, pin; \"\": none\n"
     "t.tlsCertificate                    # --> \"\"", get_certificate, NULL},
    {"daysLeft", "Object", FACT, 0, NULL, NULL, "days until the peer's certificate expires; (): it has sent none\n"
     "t.daysLeft                          # --> ()", get_days_left, NULL},
    {"alpnProtocol", "String", FACT, 0, NULL, NULL, "the protocol that both ends have agreed on by `alpn`\n"
     "t.alpnProtocol                      # --> \"\"", get_alpn, NULL},
    {"resumed", "Object", FACT, 0, NULL, NULL, "true if it goes on with the keys of an earlier connection\n"
     "t.resumed                           # --> ()", get_resumed, NULL},
    {"verifyError", "String", FACT, 0, NULL, NULL,
     "what was wrong with the peer's certificate at the last connect, also where nothing was asked; \"\": nothing\n"
     "t.verifyError                       # --> \"\"", get_verify_error, NULL},
    {"channelBinding", "List", FACT, 0, NULL, NULL,
     "what both ends know of this connection and no other has, so that a logon can be bound to it: pairs of a kind's name "
     "and its bytes, the best first (RFC 9266, RFC 5929)\n"
     "t.channelBinding                    # --> ()", get_channel_binding, NULL},
    CRP_PROPERTY_LOG_OF("t"),
    {0},
};

static const crp_method methods[] = {
    CRP_METHOD_CONNECT("((create Tls).connect)              # error: 4.1"),
    CRP_METHOD_SEND("(t.send \"hello\")                    # error: 6.11"),
    CRP_METHOD_RECEIVE("(t.receive)                         # error: 6.11"),
    CRP_METHOD_RECEIVE_INTO("(t.receiveInto (create Buffer 3))   # error: 6.11"),
    CRP_METHOD_INFO("(t.info).tlsVersion                 # --> \"\""),
    CRP_METHOD_DISCONNECT("(t.disconnect)                      # nothing: it is not connected"),
    CRP_METHODS_NO_LISTENING("(create Tls)"),
    {0},
};

const crp_class_def crpi_tls_class = {
    .size = sizeof(crp_class_def),
    .name = "Tls",
    .help = "TLS on any layer, at either end: what goes through it is encrypted, and the peer is who it should be, or "
            "there is no connection: error 6.9, whose text says why. A client needs no settings where the system's CAs "
            "know the server; a server needs a `certificate`. An end that the peer has not announced is 6.3.\n"
            "(set t (create Tls))\n"
            "(set box (buildCommsStack (list \"Util\" t \"Tcp\") '((host \"mail.example.org\") (port 995))))",
    .instance_size = sizeof(crpi_tls),
    .properties = properties,
    .methods = methods,
    .mark = tls_mark,
    .drop = tls_drop,
    .module = &ops,
};
