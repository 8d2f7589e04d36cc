/* floor 4: messages in a row: commands go out before the replies to those before them have come.
 *
 * What is out lies in the connection until somebody takes it, so a window costs no memory, however big the messages
 * are; only what must be read because another command's reply lies behind it is held, and so much of it as may be.
 * When pipelining begins the UIDs are asked for as well, in the same write: should the server get its replies mixed up,
 * they tell whether the mailbox of a new connection is the same. */
#include <string.h>
#include "pop3.h"

enum {
    PIECE = 16384,         /* bytes of a message that give its reply new time */
    MOST_HELD = 4 << 20,   /* bytes */
    FIRST_OUT = 16,        /* commands, as long as nobody knows how big the messages are */
    MOST_COMMAND = 64      /* bytes: "TOP" and two numbers */
};

static int64_t number_at(const crpi_pop3_window *w, size_t i)
{
    return w->numbers ? w->numbers[i] : w->first + (int64_t)i;
}

/* --- what is asked ------------------------------------------------------------------------------------- */

static char *put_number(char *to, int64_t number)
{
    char digits[20];
    int n = 0;
    for (; number || !n; number /= 10) digits[n++] = (char)('0' + number % 10);
    *to++ = ' ';
    while (n) *to++ = digits[--n];
    return to;
}

/* The command for a message, which has a NUL behind it; its length. */
static size_t command_for(const crpi_pop3_window *w, size_t i, char to[MOST_COMMAND])
{
    char *end = to + (w->lines < 0 ? 4 : 3);
    memcpy(to, w->lines < 0 ? "RETR" : "TOP", (size_t)(end - to));
    end = put_number(end, number_at(w, i));
    if (w->lines >= 0) end = put_number(end, w->lines);
    *end = 0;
    return (size_t)(end - to);
}

/* A server may delete what was retrieved (RFC 2449 section 6.7), whether anybody has taken it or not. */
static bool deletes_at_once(const crpi_pop3 *p)
{
    const char *days;
    size_t n;
    return crpi_pop3_can(p, "EXPIRE", &days, &n) && n > 0 && *days == '0';
}

/* How many commands may be out: by what the messages weighed so far, the ones in flight should not be more than
 * `ahead` bytes. */
static size_t most_out(const crpi_pop3 *p, const crpi_pop3_window *w)
{
    if (w->lines < 0 && deletes_at_once(p)) return 1;
    if (w->most < 2 || w->alone || !crp_is_true(p->pipelining) || !crpi_pop3_can(p, "PIPELINING", NULL, NULL)) return 1;
    size_t each = w->seen ? w->bytes / w->seen + 1 : w->ahead / FIRST_OUT, fit = w->ahead / each;
    return fit < 1 ? 1 : fit < w->most ? fit : w->most;
}

crp_status crpi_pop3_ask_uids(crp_call *call, crpi_pop3 *p)
{
    if (p->changed || p->uids.known || p->uids.none || p->uids.owed) return CRP_OK;
    crp_status st = crpi_dialogue_command(call, &p->dialogue, "UIDL", 4, NULL);
    if (!st) p->uids = (struct crpi_pop3_uids){.owed = true};
    return st;
}

/* Refills only when a good part of the window is free: one write for many commands. */
static crp_status top_up(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w)
{
    char line[MOST_COMMAND];
    size_t most = most_out(p, w), out = w->asked - w->read;
    crp_status st = CRP_OK;
    if (out && out + most / 4 >= most) return CRP_OK;
    if (!out && most > 1 && w->count - w->asked > 1) st = crpi_pop3_ask_uids(call, p);
    for (; !st && out < most && w->asked < w->count; out++) {
        st = crpi_dialogue_command(call, &p->dialogue, line, command_for(w, w->asked, line), NULL);
        if (!st) w->asked++;
    }
    p->pipelined |= w->asked - w->read > 1;
    p->out = w;
    crp_store(call->vm, &p->m.h, &p->out_owner, w->owner ? crp_from_object(w->owner) : CRP_NIL);
    return st;
}

/* --- the UIDs ------------------------------------------------------------------------------------------ */

/* FNV-1a: it need not withstand anybody, for who could choose the UIDs could as well send what he likes. */
void crpi_pop3_know_uid(crpi_pop3 *p, const unsigned char *line, size_t n)
{
    uint64_t h = p->uids.digest ? p->uids.digest : 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ line[i]) * 0x100000001b3u;
    p->uids.digest = (h ^ '\n') * 0x100000001b3u;
}

static crp_status begin_uids(crp_call *call, crpi_pop3 *p)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = crpi_pop3_status_line(call, p, "UIDL", CRPI_POP3_REFUSED, &l, &refused);
    p->uids.begun = !st;
    if (!refused) return st;
    crp_clear_error(call->vm);
    p->uids.owed = false;
    p->uids.none = true;
    return crpi_dialogue_complete(call, &p->dialogue, false);
}

crp_status crpi_pop3_read_uids(crp_call *call, crpi_pop3 *p)
{
    crpi_limit limit = crpi_pop3_line_limit(p);
    crp_status st = p->uids.begun ? CRP_OK : begin_uids(call, p);
    while (!st && p->uids.owed) {
        const unsigned char *line;
        size_t n;
        if ((st = crpi_dialogue_line(call, &p->dialogue, &limit, &line, &n))) return st;
        if (n == 1 && *line == '.') {
            p->uids.owed = p->uids.begun = false;
            p->uids.known = true;
            p->progress++;
            return crpi_dialogue_complete(call, &p->dialogue, true);
        }
        crpi_pop3_know_uid(p, line, n);
    }
    return st;
}

/* --- one reply ----------------------------------------------------------------------------------------- */

static bool may_begin_reply(const unsigned char *bytes, size_t n)
{
    return !memcmp(bytes, "+OK", n < 3 ? n : 3) || !memcmp(bytes, "-ERR", n < 4 ? n : 4);
}

/* What has come behind a reply is the next one, or this one's end was none. */
static crp_status check_behind(crp_call *call, crpi_pop3 *p)
{
    crp_word said;
    size_t n = 0;
    const crp_module *util = crp_util_below(call->vm, &p->m);
    const unsigned char *bytes = util && p->dialogue.owed ? crp_util_peek(util, &n) : NULL;
    if (!n || may_begin_reply(bytes, n)) return CRP_OK;
    const unsigned char *lf = memchr(bytes, '\n', n);
    if (lf) n = (size_t)(lf - bytes);
    if (n && bytes[n - 1] == '\r') n--;
    crp_status st = crpi_dialogue_quote(call->vm, &p->dialogue, bytes, n, &said);
    if (st) return st;
    return crpi_pop3_raise(call->vm, p, CRPI_POP3_VIOLATION, "the server sent more than it was asked for: %v", said);
}

/* A reply counts when nothing came behind it that nobody had asked for. */
static crp_status reply_done(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w, bool after_text)
{
    crp_status st = crpi_dialogue_complete(call, &p->dialogue, after_text);
    if (!st) st = check_behind(call, p);
    if (st) return st;
    w->seen++;
    w->bytes += w->body.length;
    w->read++;
    w->begun = w->looked = false;
    w->body = (crpi_body){0};
    w->pieces = 0;
    p->progress++;
    return CRP_OK;
}

/* The status line.  *refused: it was -ERR, and nothing else comes. */
static crp_status read_status(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w, crp_word *refused)
{
    char asked[MOST_COMMAND];
    crpi_pop3_line l;
    bool is_refused;
    command_for(w, w->read, asked);
    crp_status st = crpi_pop3_status_line(call, p, asked, CRPI_POP3_REFUSED, &l, &is_refused);
    if (is_refused) {
        *refused = crp_pending_error(call->vm);
        crp_clear_error(call->vm);
        return reply_done(call, p, w, false);
    }
    w->begun = !st;
    return st;
}

/* A message that begins like a status line, where several commands are out: it would look the same if the server had sent a
 * reply too many before it, so nothing of it is given away until it has come once more, alone. */
typedef struct doubt {
    const crpi_pop3 *pop3;
    crpi_pop3_window *window;
    crpi_put *put;
    void *to;
} doubt;

static crp_status put_if_message(crp_call *call, void *to, const unsigned char *bytes, size_t n, size_t *taken)
{
    doubt *d = to;
    crpi_pop3_window *w = d->window;
    if (!w->looked) w->doubtful = d->pop3->pipelined && !w->alone && may_begin_reply(bytes, n);
    w->looked = true;
    if (!w->doubtful) return d->put(call, d->to, bytes, n, taken);
    *taken = n;
    return CRP_OK;
}

/* Of a message, so many bytes have been given on. */
static void count_pieces(crpi_pop3 *p, crpi_pop3_window *w, size_t given)
{
    size_t pieces = given / PIECE;
    if (pieces > w->pieces) p->progress++;
    w->pieces = pieces;
}

static crp_status read_text(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w, crpi_put *put, void *to)
{
    crpi_limit limit = {(size_t)crp_integer_value(p->max_message), "maxMessage"};
    doubt d = {p, w, put, to};
    crp_status st = crpi_dialogue_text(call, &p->dialogue, &limit, &w->body, put_if_message, &d);
    if (st == CRP_AGAIN) count_pieces(p, w, w->body.length - w->body.ready);
    return st ? st : reply_done(call, p, w, true);
}

/* The next reply that is out. */
static crp_status read_reply(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w, crpi_put *put, void *to, crp_word *refused)
{
    crp_status st = p->uids.owed ? crpi_pop3_read_uids(call, p) : CRP_OK;
    *refused = CRP_NIL;
    if (!st && !w->begun) st = read_status(call, p, w, refused);
    return st || crp_is_object(*refused) ? st : read_text(call, p, w, put, to);
}

/* --- holding ------------------------------------------------------------------------------------------- */

static crp_status put_nowhere(crp_call *call, void *to, const unsigned char *bytes, size_t n, size_t *taken)
{
    (void)call;
    (void)to;
    (void)bytes;
    *taken = n;
    return CRP_OK;
}

/* To the text that is held for the message; one for which there is no room any more is dropped, and all after it. */
static crp_status put_held(crp_call *call, void *to, const unsigned char *bytes, size_t n, size_t *taken)
{
    crpi_pop3_window *w = to;
    crpi_pop3_held *h = &w->held[w->read - w->held_from];
    *taken = n;
    if (w->read >= w->cut) return CRP_OK;
    w->held_bytes += n;
    if (w->held_bytes <= MOST_HELD) return crpi_text_add(call->vm, &h->text, bytes, n);
    crpi_text_free(call->vm, &h->text);
    w->cut = w->read;
    return CRP_OK;
}

static void free_held(crp *vm, crpi_pop3_window *w)
{
    for (size_t i = 0; i < w->held_room; i++) {
        crpi_text_free(vm, &w->held[i].text);
        crp_store(vm, w->owner, &w->held[i].refused, CRP_NIL);
    }
    if (w->held) crp_free_bytes(vm, w->held, w->held_room * sizeof *w->held);
    w->held = NULL;
    w->held_room = w->held_bytes = 0;
}

/* Places for all that is out.  There are none yet: new commands go out only when all that was held is taken. */
static crp_status make_places(crp *vm, crpi_pop3_window *w)
{
    size_t n = w->asked - w->taken;
    if (w->held) return CRP_OK;
    if (!(w->held = crp_alloc(vm, n * sizeof *w->held))) return CRP_E_NOMEM;
    memset(w->held, 0, n * sizeof *w->held);
    for (size_t i = 0; i < n; i++) w->held[i].refused = CRP_NIL;
    w->held_room = n;
    w->held_from = w->taken;
    w->cut = SIZE_MAX;
    return CRP_OK;
}

static crp_status hold_one(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w)
{
    crp_word refused;
    size_t i = w->read;
    bool discards = w->discards || !w->owner;
    crp_status st = discards ? CRP_OK : make_places(call->vm, w);
    if (!st) st = read_reply(call, p, w, discards ? put_nowhere : put_held, w, &refused);
    if (!st && w->doubtful && i < w->cut) w->cut = i;
    if (!st) w->doubtful = false;
    if (!st && !discards && crp_is_object(refused) && i < w->cut)
        crp_store(call->vm, w->owner, &w->held[i - w->held_from].refused, refused);
    return st;
}

/* Nothing of the window is out any more. */
static void settled(crp *vm, crpi_pop3 *p)
{
    crpi_pop3_window *w = p->out;
    w->asked = w->read;
    if (w->held && w->cut < w->read) w->read = w->asked = w->cut;
    p->out = NULL;
    crp_store(vm, &p->m.h, &p->out_owner, CRP_NIL);
}

crp_status crpi_pop3_settle(crp_call *call, crpi_pop3 *p, const crpi_pop3_window *but)
{
    crp_status st = CRP_OK;
    while (!st && p->out && p->out != but) {
        if (p->uids.owed) st = crpi_pop3_read_uids(call, p);
        else if (p->out->asked > p->out->read) st = hold_one(call, p, p->out);
        else settled(call->vm, p);
    }
    return st;
}

crp_status crpi_pop3_settle_first(crp_call *call, crpi_pop3 *p)
{
    size_t before = p->progress;
    if (p->step == 0) {
        crpi_pop3_begin_wait(call->vm, p, "waiting for messages that were on their way");
        p->step = 1;
    }
    crp_status st = crpi_pop3_settle(call, p, NULL);
    if (p->progress != before) crpi_pop3_begin_wait(call->vm, p, p->waiting);
    return st;
}

void crpi_pop3_discard(crp *vm, crpi_pop3 *p)
{
    if (p->out) p->out->discards = true;
    crpi_pop3_forget_ahead(vm, p);
}

static crp_status take_held(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w, crpi_put *put, void *to, crp_word *refused)
{
    crpi_pop3_held *h = &w->held[w->taken - w->held_from];
    crp_status st = CRP_OK;
    *refused = h->refused;
    while (!st && w->body.ready < h->text.length) {
        size_t taken = 0;
        st = put(call, to, h->text.bytes + w->body.ready, h->text.length - w->body.ready, &taken);
        w->body.ready += taken;
    }
    if (st == CRP_AGAIN) count_pieces(p, w, w->body.ready);
    if (st) return st;
    w->body = (crpi_body){0};
    w->pieces = 0;
    crpi_text_free(call->vm, &h->text);
    w->taken++;
    return CRP_OK;
}

/* --- the window ---------------------------------------------------------------------------------------- */

/* All that is out is read and dropped; if replies were out of step that comes to light now.  Then the message that was in
 * doubt is asked for once more, with nothing else under way. */
static crp_status drop_all(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w)
{
    crp_word refused;
    crp_status st = CRP_OK;
    while (!st && w->asked > w->read) st = read_reply(call, p, w, put_nowhere, w, &refused);
    if (st) return st;
    w->again = w->doubtful = false;
    w->alone = true;
    w->read = w->taken;
    settled(call->vm, p);
    return CRP_OK;
}

static crp_status read_next(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w, crpi_put *put, void *to, crp_word *refused)
{
    crp_status st = w->again ? CRP_OK : top_up(call, p, w);
    if (!st && !w->again) st = read_reply(call, p, w, put, to, refused);
    if (!st && w->doubtful) w->again = true;
    if (st || !w->again) return st;
    st = drop_all(call, p, w);
    return st ? st : read_next(call, p, w, put, to, refused);
}

crp_status crpi_pop3_next(crp_call *call, crpi_pop3 *p, crpi_pop3_window *w, crpi_put *put, void *to, crp_word *refused)
{
    if (w->taken < w->read && !w->again) return take_held(call, p, w, put, to, refused);
    free_held(call->vm, w);
    crp_status st = read_next(call, p, w, put, to, refused);
    if (st) return st;
    w->alone = false;
    w->taken = w->read;
    if (w->asked == w->read) settled(call->vm, p);
    return CRP_OK;
}

void crpi_pop3_window_lost(crp *vm, crpi_pop3 *p)
{
    crpi_pop3_window *w = p->out;
    if (!w) return;
    if (w->again) w->read = w->taken;
    w->begun = w->looked = w->doubtful = w->again = w->alone = false;
    w->body = (crpi_body){0};
    w->pieces = 0;
    settled(vm, p);
}

void crpi_pop3_window_clear(crp *vm, crpi_pop3_window *w)
{
    free_held(vm, w);
    if (w->numbers) crp_free_bytes(vm, w->numbers, w->count * sizeof *w->numbers);
    *w = (crpi_pop3_window){.owner = w->owner};
}

void crpi_pop3_window_mark(crp *vm, crpi_pop3_window *w, crp_marker mark)
{
    for (size_t i = 0; i < w->held_room; i++) mark(vm, w->held[i].refused);
}
