/* floor 4: a dialogue in lines: see dialogue.h. */
#include <string.h>
#include "dialogue.h"
#include "spoken.h"

enum {
    FIRST_QUEUE = 512,
    MOST_FILLS = 16      /* reads before others get their turn, however fast the peer is */
};

void crpi_dialogue_reset(crp *vm, crpi_dialogue *d)
{
    if (d->queue) explicit_bzero(d->queue, d->capacity); /* a password may be there */
    if (d->queue) crp_free_bytes(vm, d->queue, d->capacity);
    if (d->recent) memset(d->recent, 0, CRPI_RECENT * sizeof *d->recent);
    if (d->recent) crp_free_bytes(vm, d->recent, CRPI_RECENT * sizeof *d->recent);
    crpi_mask_clear(vm, &d->mask);
    d->queue = NULL;
    d->recent = NULL;
    d->capacity = d->length = d->sent = d->owed = d->recent_count = 0;
    for (size_t i = 0; i < CRPI_CONCEALED; i++) crp_store(vm, (crp_object *)d->self, &d->concealed[i], CRP_NIL);
    d->concealed_count = 0;
}

/* --- what may be shown ----------------------------------------------------------------------------- */

crp_status crpi_dialogue_conceal(crp *vm, crpi_dialogue *d, crp_word string)
{
    size_t n;
    const char *secret = crp_string_data(string, &n);
    crp_store(vm, &d->self->h, &d->concealed[d->concealed_count++ % CRPI_CONCEALED], string);
    return crpi_mask_add(vm, &d->mask, secret, n);
}

void crpi_dialogue_mark(crp *vm, crpi_dialogue *d, crp_marker mark)
{
    for (size_t i = 0; i < CRPI_CONCEALED; i++) mark(vm, d->concealed[i]);
}

crp_status crpi_dialogue_quote(crp *vm, const crpi_dialogue *d, const void *bytes, size_t n, crp_word *out)
{
    char shown[CRPI_QUOTED];
    size_t length = crpi_mask_show(&d->mask, NULL, bytes, n, shown, sizeof shown);
    return crp_string(vm, shown, length, out);
}

/* Without memory for it nothing is kept: that is no reason for a session to fail. */
static bool can_keep(crp *vm, crpi_dialogue *d)
{
    if (!d->recent && !(d->recent = crp_alloc(vm, CRPI_RECENT * sizeof *d->recent))) crp_clear_error(vm);
    return d->recent;
}

static void keep(crp *vm, crpi_dialogue *d, crp_direction direction, const void *bytes, size_t n)
{
    if (!can_keep(vm, d)) return;
    crpi_recent *line = &d->recent[d->recent_count++ % CRPI_RECENT];
    line->sent = direction == CRP_SENT;
    line->cut = n > sizeof line->bytes;
    line->length = (uint8_t)(line->cut ? sizeof line->bytes : n);
    if (n) memcpy(line->bytes, bytes, line->length);
}

/* In a line that was cut even the beginning of a secret at its end is hidden. */
static size_t show_kept(const crpi_dialogue *d, const crpi_recent *line, char *to)
{
    crpi_tail goes_on = {.n = 0};
    *to = line->sent ? '>' : '<';
    to[1] = ' ';
    size_t n = crpi_mask_show(&d->mask, line->cut ? &goes_on : NULL, line->bytes, line->length, to + 2, sizeof line->bytes);
    for (size_t i = 0; i < n; i++)
        if (to[2 + i] == '\n') to[2 + i] = ' ';
    to[2 + n] = '\n';
    return n + 3;
}

crp_status crpi_dialogue_recent(crp *vm, const crpi_dialogue *d, crp_word *out)
{
    char text[CRPI_RECENT * (sizeof d->recent->bytes + 3)];
    size_t n = 0, first = d->recent_count > CRPI_RECENT ? d->recent_count - CRPI_RECENT : 0;
    for (size_t i = first; i < d->recent_count; i++) n += show_kept(d, &d->recent[i % CRPI_RECENT], text + n);
    return crp_string(vm, text, n, out);
}

static void log_line(crp *vm, const crpi_dialogue *d, crp_direction direction, const void *bytes, size_t n)
{
    char shown[CRPI_QUOTED];
    if (!crp_is_object(d->self->log)) return;
    n = crpi_mask_show(&d->mask, NULL, bytes, n, shown, sizeof shown);
    crp_module_log(vm, d->self, CRP_LOG_PDUS, direction, shown, n, false);
}

static void log_and_keep(crp *vm, crpi_dialogue *d, crp_direction direction, const void *bytes, size_t n)
{
    keep(vm, d, direction, bytes, n);
    log_line(vm, d, direction, bytes, n);
}

/* --- the layer below ------------------------------------------------------------------------------- */

/* The Util that was there when the dialogue began: since then a script may have pushed something between. */
static crp_status util_below(crp_call *call, const crpi_dialogue *d, crp_module **out)
{
    *out = crp_util_below(call->vm, d->self);
    return *out ? CRP_OK
                : crp_module_raise(call->vm, d->self, CRP_ERR_CONFIG, 1, "there is no Util directly below it any more");
}

/* What has come already. */
static const unsigned char *peek(crp_call *call, const crpi_dialogue *d, size_t *n)
{
    const crp_module *util = crp_util_below(call->vm, d->self);
    *n = 0;
    return util ? crp_util_peek(util, n) : NULL;
}

/* --- what nobody is owed --------------------------------------------------------------------------- */

static crp_status unasked(crp_call *call, crpi_dialogue *d)
{
    size_t n;
    crp_word said;
    const unsigned char *bytes = peek(call, d, &n);
    const unsigned char *lf = n ? memchr(bytes, '\n', n) : NULL;
    size_t line = lf ? (size_t)(lf - bytes) : n;
    if (line && bytes[line - 1] == '\r') line--;
    crp_status st = crpi_dialogue_quote(call->vm, d, bytes, line, &said);
    if (st) return st;
    return crp_module_raise(call->vm, d->self, d->error_class, d->violation,
                            "the server sent more than it was asked for: %v", said);
}

/* A layer in script is not asked by the way: its `receive` would be a task that goes on waiting. */
static bool has_script(crp *vm, const crp_module *m)
{
    for (int i = 0; m && i < CRP_MAX_LAYERS; i++, m = crp_below(vm, m))
        if (crp_ops_of(vm, m)->face) return true;
    return false;
}

/* Has something come?  A connection that ended has not sent anything; whoever reads next is told. */
static bool has_come(crp_call *call, crpi_dialogue *d)
{
    crp_module *util = crp_util_below(call->vm, d->self);
    size_t n;
    bool end;
    peek(call, d, &n);
    if (n || !util || has_script(call->vm, util)) return n > 0;
    call->patient = false;
    crp_status st = crp_util_fill(call, util, &end);
    if (st && st != CRP_AGAIN) crp_clear_error(call->vm);
    return !st && !end;
}

/* --- commands -------------------------------------------------------------------------------------- */

crp_status crpi_dialogue_fits(crp *vm, const crpi_dialogue *d, const char *what, crp_word string)
{
    size_t n;
    const char *bytes = crp_string_data(string, &n);
    if (crpi_line_fits(bytes, n)) return CRP_OK;
    return crp_module_raise(vm, d->self, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                            "%s has a CR, LF or NUL in it: nothing was sent", what);
}

static crp_status make_room(crp *vm, crpi_dialogue *d, size_t n)
{
    if (n <= d->capacity - d->length) return CRP_OK;
    size_t wanted = d->capacity ? d->capacity * 2 : FIRST_QUEUE;
    while (wanted - d->length < n) wanted *= 2;
    unsigned char *queue = crp_realloc(vm, d->queue, d->capacity, wanted);
    if (!queue) return CRP_E_NOMEM;
    d->queue = queue;
    d->capacity = wanted;
    return CRP_OK;
}

static crp_status queue_line(crp_call *call, crpi_dialogue *d, const void *line, size_t n, const char *shown,
                             int most)
{
    if (n + 2 > (size_t)most)
        return crp_module_raise(call->vm, d->self, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                                "a command of %zu octets, where %d are allowed: nothing was sent", n + 2, most);
    if (!d->owed && has_come(call, d)) return unasked(call, d);
    crp_status st = make_room(call->vm, d, n + 2);
    if (st) return st;
    memcpy(d->queue + d->length, line, n);
    memcpy(d->queue + d->length + n, "\r\n", 2);
    d->length += n + 2;
    d->owed++;
    if (shown) line = shown, n = strlen(shown);
    log_and_keep(call->vm, d, CRP_SENT, line, n);
    return CRP_OK;
}

crp_status crpi_dialogue_command(crp_call *call, crpi_dialogue *d, const void *line, size_t n,
                                 const char *shown)
{
    return queue_line(call, d, line, n, shown, CRPI_COMMAND_OCTETS);
}

crp_status crpi_dialogue_answer(crp_call *call, crpi_dialogue *d, const void *line, size_t n, const char *shown)
{
    return queue_line(call, d, line, n, shown, CRPI_ANSWER_OCTETS);
}

void crpi_dialogue_expect(crpi_dialogue *d) { d->owed++; }

static crp_status flush(crp_call *call, crpi_dialogue *d)
{
    if (d->sent < d->length) crp_conceal(call->vm, d->self, d->concealed, CRPI_CONCEALED);
    while (d->sent < d->length) {
        size_t taken;
        crp_status st = crp_below_send(call, d->self, d->queue + d->sent, d->length - d->sent, &taken);
        if (st) return st;
        d->sent += taken;
    }
    if (d->length) memset(d->queue, 0, d->length); /* a password may have been there */
    d->sent = d->length = 0;
    return CRP_OK;
}

/* --- replies --------------------------------------------------------------------------------------- */

static crp_status closed(crp_call *call, crpi_dialogue *d)
{
    return crp_module_raise(call->vm, d->self, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                            "the server closed the connection before its reply was complete");
}

static crp_status too_much(crp_call *call, crpi_dialogue *d, const char *what, const crpi_limit *limit)
{
    return crp_module_raise(call->vm, d->self, d->error_class, d->excess,
                            "%s of more than %zu bytes (the property `%s`)", what, limit->most,
                            limit->property);
}

static crp_status bad_end(crp_call *call, crpi_dialogue *d, const unsigned char *line, size_t n)
{
    crp_word said;
    crp_status st = crpi_dialogue_quote(call->vm, d, line, n, &said);
    if (st) return st;
    return crp_module_raise(call->vm, d->self, d->error_class, d->violation,
                            "the server sent a line that does not end with CRLF: %v", said);
}

crp_status crpi_dialogue_line(crp_call *call, crpi_dialogue *d, const crpi_limit *limit,
                              const unsigned char **line, size_t *n)
{
    crp_module *util;
    crp_status st = flush(call, d);
    if (st && st != CRP_AGAIN) return st;
    call->patient = true;
    if ((st = util_below(call, d, &util)) || (st = crp_util_line(call, util, limit->most + 2, line, n))) return st;
    if (!*n) return closed(call, d);
    if (*n > limit->most + 2) return too_much(call, d, "a line", limit);
    size_t whole = *n;
    if (!crpi_line_ends(*line, n)) return bad_end(call, d, *line, whole);
    log_and_keep(call->vm, d, CRP_RECEIVED, *line, *n);
    return CRP_OK;
}

/* Lets other tasks run, and Ctrl-C through, although there is more to read. */
static crp_status give_way(crp_call *call)
{
    crp_wait_until(call, crp_now(call->vm));
    return CRP_AGAIN;
}

crp_status crpi_put_text(crp_call *call, void *to, const unsigned char *bytes, size_t n, size_t *taken)
{
    *taken = n;
    return crpi_text_add(call->vm, to, bytes, n);
}

/* In each wait other tasks run, which may read or close what is below. */
static crp_status must_lie_there(crp_call *call, const crpi_dialogue *d, const crp_module *util, const crpi_body *body)
{
    size_t n;
    crp_util_peek(util, &n);
    if (n >= body->ready + body->skip && util->traffic.bytes_received == body->place) return CRP_OK;
    return crp_module_raise(call->vm, d->self, CRP_ERR_COMMS, CRP_RECEIVE_FAILED,
                            "a part of the reply is gone: somebody else has read or closed what is below");
}

static void consume(crp_module *util, crpi_body *body, size_t n)
{
    crp_util_consume(util, n);
    body->place = util->traffic.bytes_received;
}

/* Gives on what is ready. */
static crp_status give(crp_call *call, crpi_dialogue *d, crp_module *util, crpi_body *body, crpi_put *put, void *to)
{
    if (body->length) {
        crp_status st = must_lie_there(call, d, util, body);
        if (st) return st;
    }
    while (body->ready) {
        size_t n, taken = 0;
        const unsigned char *bytes = crp_util_peek(util, &n);
        crp_status st = put(call, to, bytes, body->ready, &taken);
        if (st) return st;
        crpi_spoken_piece(call->vm, d->self, CRP_RECEIVED, bytes, taken);
        consume(util, body, taken);
        body->ready -= taken;
    }
    if (body->skip) consume(util, body, body->skip);
    body->skip = 0;
    return CRP_OK;
}

/* Finds what of the bytes that came is text; false: they do not suffice to tell. */
static bool find_text(crp_module *util, crpi_body *body)
{
    size_t n, kept;
    unsigned char *bytes = crp_util_held(util, &n);
    if (!n) return false;
    size_t used = crpi_unstuff(&body->at, bytes, n, &kept);
    body->ready = kept;
    body->skip = used - kept;
    body->length += kept;
    body->place = util->traffic.bytes_received;
    return used > 0;
}

crp_status crpi_dialogue_text(crp_call *call, crpi_dialogue *d, const crpi_limit *limit, crpi_body *body, crpi_put *put,
                              void *to)
{
    crp_module *util;
    crp_status st = flush(call, d);
    if (st && st != CRP_AGAIN) return st;
    if ((st = util_below(call, d, &util))) return st;
    call->patient = true;
    for (int fills = 0;;) {
        bool end;
        if ((st = give(call, d, util, body, put, to))) return st;
        if (body->at == CRPI_TEXT_ENDED) return CRP_OK;
        if (find_text(util, body)) {
            if (body->length > limit->most) return too_much(call, d, "a message", limit);
            continue;
        }
        if (fills++ == MOST_FILLS) return give_way(call);
        if ((st = crp_util_fill(call, util, &end))) return st;
        if (end) return closed(call, d);
    }
}

crp_status crpi_dialogue_complete(crp_call *call, crpi_dialogue *d, bool after_text)
{
    size_t n;
    d->owed--;
    if (d->owed) return CRP_OK;
    peek(call, d, &n);
    return n || (after_text && has_come(call, d)) ? unasked(call, d) : CRP_OK;
}
