/* floor 4: Record: writes what goes by into a transcript, which a Replay plays again.
 *
 * It stands anywhere above the bottom and changes nothing.  What the layers above have concealed (crp_conceal)
 * never reaches the file, nor does it in base64: bytes that may be the beginning of a secret are held back until it is known whether they
 * are, and a secret is written as "\*".  When the direction changes in the middle they count as one.  The eighth
 * bit is not compared, because a Util may have put a parity there.
 *
 * Recording never disturbs the session: what goes wrong with the file ends the recording, and is told by the
 * property `failure` and the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mask.h"
#include "socket.h"
#include "stack.h"

enum {
    MOST_SECRETS = 64,    /* the forms of each count */
    WHOLE_WORD_BELOW = 4, /* bytes: a shorter secret is one only where it stands by itself */
    MOST_LINE = 1024,     /* bytes of a line of the transcript */
    BLOCK = 8192,
    MOST_FILES = 1000,    /* of one name that are written to at once */
    PRIVATE = 0600
};

typedef enum way { SENT, RECEIVED, WAYS } way;

/* What has come of one direction and is not in the text yet. */
typedef struct held {
    unsigned char *bytes;
    size_t length, room;
    size_t told;   /* of them are in the text already, as a secret */
    bool inside;   /* what is in the line last is a secret, which needs no second star */
    int before;    /* the byte that came before them; -1: none */
} held;

/* What there is while something is recorded. */
typedef struct tape {
    int fd;
    held held[WAYS];
    way now;            /* the direction of the line that was begun */
    bool ended;         /* the peer has, which is told once */
    bool cr;            /* a CR is not in `line` yet */
    size_t line_length; /* 0: none was begun */
    size_t text_length;
    char line[MOST_LINE + 16]; /* as it will be in the transcript */
    char text[BLOCK];          /* whole lines that are to be written */
} tape;

typedef struct record {
    crp_module m;
    crp_word file, limit, failure, writes_to;
    crp_word secrets[MOST_SECRETS];
    size_t secret_count;
    int64_t written;
    tape *tape; /* NULL: nothing is recorded now */
} record;

static record *record_of(crp_module *m) { return (record *)m; }

/* --- the file --------------------------------------------------------------------------------------------- */

static void let_go(crp *vm, record *r)
{
    tape *t = r->tape;
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    if (!t) return;
    if (t->fd >= 0) p->close(state, t->fd);
    for (way w = SENT; w < WAYS; w++)
        if (t->held[w].bytes) crp_free_bytes(vm, t->held[w].bytes, t->held[w].room);
    crp_free_bytes(vm, t, sizeof *t);
    r->tape = NULL;
}

/* The session goes on; an error that is on its way up is not disturbed. */
static void stop_recording(crp *vm, record *r, int errnum, const char *what)
{
    crp_word pending = crp_pending_error(vm), text = CRP_NIL;
    let_go(vm, r);
    crp_status st = errnum ? crp_raise_errno(vm, CRP_ERR_FILE, 1, errnum, "%s", what) : CRP_OK;
    if (st) {
        int class, code;
        const char *reason;
        size_t n;
        crp_error_get(vm, crp_pending_error(vm), &class, &code, &reason, &n);
        st = crp_string(vm, reason, n, &text);
    } else {
        st = crp_string_z(vm, what, &text);
    }
    if (!st) crp_store(vm, &r->m.h, &r->failure, text);
    crp_clear_error(vm);
    if (!st) crp_module_note(vm, &r->m, CRP_LOG_PRODUCTION, CRP_LOG_WARN, crp_string_data(text, NULL));
    if (crp_is_object(pending)) crp_rethrow(vm, pending);
}

/* A line that could be written in part only is taken away again. */
static void write_text(crp *vm, record *r)
{
    tape *t = r->tape;
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    if (!t || !t->text_length) return;
    size_t n = t->text_length;
    ssize_t done = p->write(state, t->fd, t->text, n);
    t->text_length = 0;
    if (done == (ssize_t)n) {
        r->written += done;
        return;
    }
    if (done > 0 && ftruncate(t->fd, r->written) < 0) done = 0;
    stop_recording(vm, r, done < 0 ? (int)-done : ENOSPC, "cannot write the transcript");
}

/* A line that would be too much for `limit` ends the recording. */
static void put_line(crp *vm, record *r, const char *bytes, size_t n)
{
    if (r->tape->text_length + n > BLOCK) write_text(vm, r);
    if (!r->tape) return;
    if (r->written + (int64_t)(r->tape->text_length + n) <= crp_integer_value(r->limit)) {
        memcpy(r->tape->text + r->tape->text_length, bytes, n);
        r->tape->text_length += n;
        return;
    }
    write_text(vm, r);
    if (r->tape) stop_recording(vm, r, 0, "the transcript has reached its limit");
}

/* --- lines ------------------------------------------------------------------------------------------------ */

/* "S: text" is a line with CRLF, "S> text" a part of one. */
static void finish(tape *t, bool whole)
{
    if (t->cr && !whole) memcpy(t->line + t->line_length, "\\r", 2), t->line_length += 2;
    t->cr = false;
    if (t->line[t->line_length - 1] == ' ' && t->line_length > 3) {
        memcpy(t->line + t->line_length - 1, "\\x20", 4); /* editors take blanks at the end away */
        t->line_length += 3;
    }
    t->line[1] = whole ? ':' : '>';
    t->line[t->line_length++] = '\n';
}

static void end_line(crp *vm, record *r, bool whole)
{
    tape *t = r->tape;
    if (!t->line_length) return;
    finish(t, whole);
    size_t n = t->line_length;
    t->line_length = 0;
    put_line(vm, r, t->line, n);
}

static void begin_line(tape *t)
{
    if (t->line_length) return;
    memcpy(t->line, t->now == SENT ? "C: " : "S: ", 3);
    t->line_length = 3;
}

static void put_escaped(tape *t, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    char *at = t->line + t->line_length;
    char letter = byte == '\r' ? 'r' : byte == '\n' ? 'n' : byte == '\t' ? 't' : byte == '\\' ? '\\' : 0;
    if (!letter && byte >= ' ' && byte < 0x7f) {
        *at = (char)byte;
        t->line_length++;
        return;
    }
    *at++ = '\\';
    *at++ = letter ? letter : 'x';
    if (!letter) *at++ = digits[byte >> 4], *at = digits[byte & 15];
    t->line_length += letter ? 2 : 4;
}

static void put_byte(crp *vm, record *r, unsigned char byte)
{
    tape *t = r->tape;
    begin_line(t);
    if (byte == '\n' && t->cr) {
        end_line(vm, r, true);
        return;
    }
    if (t->cr) put_escaped(t, '\r');
    t->cr = byte == '\r';
    if (!t->cr) put_escaped(t, byte);
    if (byte == '\n' || t->line_length >= MOST_LINE) end_line(vm, r, false);
}

static void put_secret(tape *t)
{
    begin_line(t);
    if (t->cr) put_escaped(t, '\r');
    t->cr = false;
    memcpy(t->line + t->line_length, "\\*", 2);
    t->line_length += 2;
}

/* --- secrets ---------------------------------------------------------------------------------------------- */

static bool is_word(int byte)
{
    int c = byte < 0 ? ' ' : byte & 0x7f;
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool same(const unsigned char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((a[i] ^ (unsigned char)b[i]) & 0x7f) return false;
    return true;
}

/* How much of the secret stands at this place: all of it, or its beginning if the bytes end before it does; 0:
 * nothing.  `final`: no more will come. */
static size_t match(const held *h, size_t at, const char *secret, size_t length, bool final, bool *open)
{
    size_t left = h->length - at;
    int before = at ? h->bytes[at - 1] : h->before;
    if (!length || !same(h->bytes + at, secret, length < left ? length : left)) return 0;
    if (length < WHOLE_WORD_BELOW && is_word(before)) return 0;
    if (left < length) {
        *open = true;
        return left;
    }
    if (length >= WHOLE_WORD_BELOW) return length;
    if (left > length) return is_word(h->bytes[at + length]) ? 0 : length;
    *open = !final;
    return length;
}

/* The most that is secret from here on; *open: it is not certain yet. */
static size_t secret_at(const record *r, const held *h, size_t at, bool final, bool *open)
{
    size_t most = 0;
    *open = false;
    for (size_t i = 0; i < r->secret_count; i++) {
        size_t length;
        const char *secret = crp_string_data(r->secrets[i], &length);
        size_t n = match(h, at, secret, length, final, open);
        if (n > most) most = n;
    }
    return most;
}

static void drop_front(held *h, size_t n)
{
    if (!n) return;
    h->before = h->bytes[n - 1];
    memmove(h->bytes, h->bytes + n, h->length - n);
    h->length -= n;
    h->told = h->told > n ? h->told - n : 0;
}

/* What is certain becomes text.  In the end the beginning of a secret is taken for one; it stays here, so that what
 * comes later can go on with it. */
static void settle(crp *vm, record *r, way w, bool final)
{
    held *h = &r->tape->held[w];
    size_t secret_until = 0, i = 0, kept = h->length;
    r->tape->now = w;
    for (; i < h->length; i++) {
        bool open;
        size_t n = secret_at(r, h, i, final, &open);
        if (open && !final) break;
        if (open && kept > i) kept = i;
        if (i + n > secret_until) secret_until = i + n;
        if (i < h->told) continue;
        bool was_inside = h->inside;
        h->inside = i < secret_until;
        if (!h->inside) put_byte(vm, r, h->bytes[i]);
        else if (!was_inside) put_secret(r->tape);
        if (!r->tape) return; /* it was given up */
    }
    if (final) {
        h->told = h->length;
        h->inside = false;
        drop_front(h, kept);
        end_line(vm, r, false);
        return;
    }
    drop_front(h, i);
    if (secret_until > i && h->told < secret_until - i) h->told = secret_until - i;
}

static bool hold(crp *vm, held *h, const unsigned char *bytes, size_t n)
{
    if (n > h->room - h->length) {
        size_t room = h->length + n;
        unsigned char *wider = crp_realloc(vm, h->bytes, h->room, room);
        if (!wider) return false;
        h->bytes = wider;
        h->room = room;
    }
    memcpy(h->bytes + h->length, bytes, n);
    h->length += n;
    return true;
}

/* A piece at a time, so that little memory is held. */
static void note_bytes(crp *vm, record *r, way w, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    if (r->tape && r->tape->now != w) settle(vm, r, r->tape->now, true);
    while (r->tape && n) {
        size_t piece = n < BLOCK ? n : BLOCK;
        if (!hold(vm, &r->tape->held[w], at, piece)) {
            crp_clear_error(vm);
            stop_recording(vm, r, ENOMEM, "cannot go on with the transcript");
            return;
        }
        settle(vm, r, w, false);
        at += piece;
        n -= piece;
    }
    write_text(vm, r);
}

static void note_end(crp *vm, record *r, const char *text)
{
    if (!r->tape || r->tape->ended) return;
    r->tape->ended = true;
    settle(vm, r, r->tape->now, true);
    if (r->tape) put_line(vm, r, text, strlen(text));
    write_text(vm, r);
}

static bool is_known(crp *vm, const record *r, crp_word secret)
{
    for (size_t i = 0; i < r->secret_count; i++)
        if (r->secrets[i] == secret || crp_equal(vm, r->secrets[i], secret)) return true;
    return false;
}

static void keep_secret(crp *vm, record *r, crp_word secret)
{
    if (is_known(vm, r, secret)) return;
    if (r->secret_count < MOST_SECRETS) crp_store(vm, &r->m.h, &r->secrets[r->secret_count++], secret);
    else if (r->tape) stop_recording(vm, r, 0, "there are too many secrets to be kept out of the transcript");
}

/* What stands in base64 where the secret is a part of something. */
static void keep_base64(crp *vm, record *r, const char *secret, size_t n)
{
    unsigned char digits[CRPI_MASK_DIGITS];
    for (size_t shift = 0; shift < 3; shift++) {
        crp_word form;
        size_t length = crpi_mask_base64(secret, n, shift, digits);
        if (!length) continue;
        if (!crp_string(vm, digits, length, &form)) {
            keep_secret(vm, r, form);
            continue;
        }
        crp_clear_error(vm);
        if (r->tape) stop_recording(vm, r, ENOMEM, "cannot go on with the transcript");
    }
    explicit_bzero(digits, sizeof digits);
}

static void record_conceal(crp *vm, crp_module *m, const crp_word *strings, size_t n)
{
    record *r = record_of(m);
    for (size_t i = 0; i < n; i++) {
        size_t length;
        if (!crp_is_string(strings[i])) continue;
        const char *secret = crp_string_data(strings[i], &length);
        if (!length || is_known(vm, r, strings[i])) continue;
        keep_secret(vm, r, strings[i]);
        keep_base64(vm, r, secret, length);
    }
}

/* --- the ops ---------------------------------------------------------------------------------------------- */

/* 0; or -errno: EWOULDBLOCK when another Record writes there, of this process or another. */
static int open_one(crp *vm, const char *path, int *fd)
{
    struct stat status;
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    const int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY;
    *fd = p->open(state, path, flags, PRIVATE);
    if (*fd < 0 && crpi_socket_none_left(-*fd)) {
        crp_collect(vm);
        *fd = p->open(state, path, flags, PRIVATE);
    }
    if (*fd < 0) return *fd;
    if (flock(*fd, LOCK_EX | LOCK_NB) < 0) return -errno;
    if (fstat(*fd, &status) < 0 || !S_ISREG(status.st_mode)) return 0;
    return fchmod(*fd, PRIVATE) < 0 || ftruncate(*fd, 0) < 0 ? -errno : 0;
}

/* Where several Records have one file, as those of a server's connections do, each has a number behind the name. */
static crp_status open_file(crp *vm, record *r, int *error)
{
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    crp_word name = r->file;
    for (int i = 2;; i++) {
        const char *path;
        size_t n;
        crp_status st = crp_c_string(vm, name, &path);
        if (st) return st;
        *error = open_one(vm, path, &r->tape->fd);
        crp_store(vm, &r->m.h, &r->writes_to, name);
        if (*error != -EWOULDBLOCK || i > MOST_FILES) return CRP_OK;
        p->close(state, r->tape->fd);
        r->tape->fd = -1;
        const char *base = crp_string_data(r->file, &n);
        if ((st = crp_format(vm, &name, "%.*s.%d", (int)n, base, i))) return st;
    }
}

static crp_status begin(crp *vm, record *r)
{
    static const char head[] = "# S is what was received, C what was sent\n@pipelined\n";
    crp_word none;
    crp_status st = crp_string(vm, "", 0, &none);
    if (st) return st;
    crp_store(vm, &r->m.h, &r->failure, none);
    let_go(vm, r);
    r->written = 0;
    if (!(r->tape = crp_alloc(vm, sizeof *r->tape))) return CRP_E_NOMEM;
    memset(r->tape, 0, sizeof *r->tape);
    r->tape->fd = -1;
    r->tape->held[SENT].before = r->tape->held[RECEIVED].before = -1;
    int e;
    if ((st = open_file(vm, r, &e))) return st;
    if (e) stop_recording(vm, r, -e, "cannot open the transcript");
    else put_line(vm, r, head, sizeof head - 1);
    write_text(vm, r);
    return CRP_OK;
}

static crp_status record_connect(crp_call *call, crp_module *m)
{
    const char *path;
    crp_status st = crp_c_string(call->vm, record_of(m)->file, &path);
    if (!st && !*path) st = crp_module_raise(call->vm, m, CRP_ERR_CONFIG, 1, "connect: `file` is not set");
    return st ? st : begin(call->vm, record_of(m));
}

/* A peer that has not ended so far may yet say something: nobody knows. */
static void record_close(crp *vm, crp_module *m)
{
    record *r = record_of(m);
    note_end(vm, r, "@silence\n");
    let_go(vm, r);
    for (size_t i = 0; i < MOST_SECRETS; i++) crp_store(vm, &r->m.h, &r->secrets[i], CRP_NIL);
    r->secret_count = 0;
}

/* The secrets may be gone already: what is held back stays out, and so does trouble. */
static void record_drop(crp *vm, crp_object *self)
{
    record *r = (record *)self;
    tape *t = r->tape;
    void *state;
    const crp_platform *p = crp_platform_of(vm, &state);
    if (t && t->line_length) {
        finish(t, false);
        p->write(state, t->fd, t->line, t->line_length);
    }
    let_go(vm, r);
}

static crp_status record_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    crp_status st = crp_below_send(call, m, bytes, n, taken);
    if (!st && *taken) note_bytes(call->vm, record_of(m), SENT, bytes, *taken);
    return st;
}

/* The connection is; what else may be wrong was not the peer's doing. */
static bool is_broken(crp *vm)
{
    int class = 0, code = 0;
    const char *text;
    size_t n;
    if (crp_is_object(crp_pending_error(vm))) crp_error_get(vm, crp_pending_error(vm), &class, &code, &text, &n);
    return class == CRP_ERR_COMMS && code == CRP_RECEIVE_FAILED;
}

static crp_status record_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    crp_status st = crp_below_receive(call, m, bytes, n, got);
    if (!st && *got) note_bytes(call->vm, record_of(m), RECEIVED, bytes, *got);
    else if (!st) note_end(call->vm, record_of(m), "@close\n");
    else if (st != CRP_AGAIN && is_broken(call->vm)) note_end(call->vm, record_of(m), "@reset\n");
    return st;
}

static void record_mark(crp *vm, crp_object *self, crp_marker mark)
{
    const record *r = (record *)self;
    crp_module_mark(vm, self, mark);
    for (size_t i = 0; i < r->secret_count; i++) mark(vm, r->secrets[i]);
}

/* --- the class -------------------------------------------------------------------------------------------- */

static crp_status conceal(crp_call *call)
{
    record_conceal(call->vm, crp_self(call), call->args, 1);
    return CRP_OK;
}

static crp_status get_size(crp *vm, crp_object *self, crp_word *out)
{
    return crp_integer(vm, ((record *)self)->written, out);
}

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .connect = record_connect,
    .close = record_close,
    .send = record_send,
    .receive = record_receive,
    .conceal = record_conceal,
};

#define AT(field) offsetof(record, field)

static const crp_property properties[] = {
    {"file", "String", CRP_RW | CRP_CONFIG | CRP_STACK, AT(file), NULL, NULL,
     "the transcript's file, which only the own user may read; connect begins it anew\n"
     "r.file                              # --> \"talk\"", NULL, NULL},
    {"writesTo", "String", CRP_READ | CRP_STACK, AT(writes_to), NULL, NULL,
     "the file that is really written: while another Record writes to `file`, it has a number behind its name\n"
     "(set other (create Record '((file \"talk\"))))\n"
     "(set t (create Stack))\n"
     "(t.push (create Memory))\n"
     "(t.push other)\n"
     "(t.connect)\n"
     "(list r.writesTo other.writesTo)    # --> (\"talk\" \"talk.2\")", NULL, NULL},
    {"limit", "Integer", CRP_RW, AT(limit), "16777216", "1024..67108864",
     "bytes of the transcript, after which nothing more is recorded\n"
     "r.limit                             # --> 16777216", NULL, NULL},
    {"recorded", "Integer", CRP_READ | CRP_STACK, 0, NULL, NULL,
     "bytes that are in the transcript; a line comes when it is whole\n"
     "(> r.recorded 0)                    # --> true", get_size, NULL},
    {"failure", "String", CRP_READ | CRP_STACK, AT(failure), NULL, NULL,
     "why nothing more is recorded, though the session goes on; \"\" while all is well\n"
     "r.failure                           # --> \"\"", NULL, NULL},
    CRP_PROPERTY_LOG_OF("r"),
    {0},
};

static const crp_method methods[] = {
    {"conceal", "NIL (secret String)", conceal,
     "What is never written, as it is or in base64, wherever it goes by until the connection is closed: a Pop3 above tells this of its "
     "password by itself, a script that sends one does it so. A secret shorter than 4 bytes is one where it stands by "
     "itself.\n"
     "(r.conceal \"tanstaaf\")\n"
     "(s.send \"PASS tanstaaf\\r\\n\")\n"
     "((readFile \"talk\").search \"tanstaaf\")  # --> ()", 0, NULL, NULL},
    CRP_METHOD_CONNECT("(r.connect)\n"
                       "(r.info).isConnected                # --> true"),
    CRP_METHOD_SEND("(r.send \"HELP\\r\\n\")"),
    CRP_METHOD_RECEIVE("(peer.send \"ask me\\r\\n\")\n"
                       "(r.receive)                         # --> \"ask me\\r\\n\""),
    CRP_METHOD_RECEIVE_INTO("(set room (create Buffer 3))\n"
                            "(peer.send \"bye\")\n"
                            "(r.receiveInto room)\n"
                            "room.string                         # --> \"bye\""),
    CRP_METHOD_INFO("(r.info).bytesReceived              # --> 11"),
    CRP_METHOD_DISCONNECT("(s.disconnect)\n"
                          "(each 'print (((readFile \"talk\").lines).tail).tail)\n"
                          "# prints: C: PASS \\*\n"
                          "# prints: C: HELP\n"
                          "# prints: S: ask me\n"
                          "# prints: S> bye\n"
                          "# prints: @silence"),
    CRP_METHODS_NO_LISTENING("r"),
    {0},
};

const crp_class_def crpi_record_class = {
    .size = sizeof(crp_class_def),
    .name = "Record",
    .help = "Writes what goes by into a file, as a transcript that a Replay plays: a layer for any place above the "
            "bottom (between a Pop3 and its Util nothing can stand). What the layers above keep secret is written as "
            "\\*.\n"
            "(set r (create Record '((file \"talk\"))))\n"
            "(set bottom (create Memory))\n"
            "(set s (create Stack))\n"
            "(s.push bottom)\n"
            "(s.push r)\n"
            "(set peer bottom.peer)\n"
            "(s.connect)\n"
            "(peer.connect)",
    .instance_size = sizeof(record),
    .properties = properties,
    .methods = methods,
    .mark = record_mark,
    .drop = record_drop,
    .module = &ops,
};
