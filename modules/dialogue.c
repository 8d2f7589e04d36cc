/* floor 4: a dialogue in lines: see dialogue.h. */
#include <string.h>
#include "dialogue.h"

enum {
    FIRST_QUEUE = 512,
    FIRST_PIECE = 16384, /* bytes of a text taken at once; later as many as there are already */
    MOST_FILLS = 16,     /* reads before others get their turn, however fast the peer is */
    WHOLE_WORD_BELOW = 4 /* bytes: a shorter secret is a secret only where it stands by itself */
};

void crpi_dialogue_reset(crp *vm, crpi_dialogue *d)
{
    if (d->queue) crp_free_bytes(vm, d->queue, d->capacity);
    d->queue = NULL;
    d->capacity = d->length = d->sent = d->owed = 0;
}

void crpi_dialogue_mark(crp *vm, crpi_dialogue *d, crp_marker mark)
{
    for (size_t i = 0; i < CRPI_CONCEALED; i++) mark(vm, d->concealed[i]);
}

void crpi_dialogue_conceal(crp *vm, crpi_dialogue *d, size_t i, crp_word string)
{
    crp_store(vm, &d->self->h, &d->concealed[i], string);
}

/* --- what may be shown ----------------------------------------------------------------------------- */

static bool is_word(const unsigned char *from, size_t n, size_t at)
{
    if (at >= n) return false;
    unsigned char c = from[at];
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* How long the secret is that begins here; 0: none does. */
static size_t secret_at(const crpi_dialogue *d, const unsigned char *from, size_t n, size_t at)
{
    for (size_t i = 0; i < CRPI_CONCEALED; i++) {
        size_t length;
        if (!crp_is_object(d->concealed[i])) continue;
        const char *secret = crp_string_data(d->concealed[i], &length);
        if (!length || length > n - at || memcmp(secret, from + at, length)) continue;
        if (length < WHOLE_WORD_BELOW && ((at && is_word(from, n, at - 1)) || is_word(from, n, at + length)))
            continue;
        return length;
    }
    return 0;
}

crp_status crpi_dialogue_quote(crp *vm, const crpi_dialogue *d, const void *bytes, size_t n, crp_word *out)
{
    const unsigned char *from = bytes;
    unsigned char shown[CRPI_QUOTED];
    size_t length = 0;
    for (size_t i = 0; i < n && length + 3 <= sizeof shown;) {
        size_t secret = secret_at(d, from, n, i);
        if (secret) memcpy(shown + length, "***", 3), length += 3, i += secret;
        else shown[length++] = from[i++];
    }
    return crp_string(vm, shown, length, out);
}

static bool is_logged(const crpi_dialogue *d) { return crp_is_object(d->self->log); }

static void log_received(crp *vm, const crpi_dialogue *d, const void *bytes, size_t n)
{
    crp_word shown;
    size_t length;
    if (!is_logged(d)) return;
    if (crpi_dialogue_quote(vm, d, bytes, n, &shown)) {
        crp_clear_error(vm);
        return;
    }
    const char *text = crp_string_data(shown, &length);
    crp_module_log(vm, d->self, CRP_LOG_PDUS, CRP_RECEIVED, text, length, false);
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
    size_t wanted = d->capacity ? d->capacity * 2 : FIRST_QUEUE; /* n is at most half of that */
    unsigned char *queue = crp_realloc(vm, d->queue, d->capacity, wanted);
    if (!queue) return CRP_E_NOMEM;
    d->queue = queue;
    d->capacity = wanted;
    return CRP_OK;
}

crp_status crpi_dialogue_command(crp_call *call, crpi_dialogue *d, const void *line, size_t n,
                                 const char *shown)
{
    if (n + 2 > CRPI_COMMAND_OCTETS)
        return crp_module_raise(call->vm, d->self, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                                "a command of %zu octets, where %d are allowed: nothing was sent", n + 2,
                                (int)CRPI_COMMAND_OCTETS);
    if (!d->owed && has_come(call, d)) return unasked(call, d);
    crp_status st = make_room(call->vm, d, n + 2);
    if (st) return st;
    memcpy(d->queue + d->length, line, n);
    memcpy(d->queue + d->length + n, "\r\n", 2);
    d->length += n + 2;
    d->owed++;
    if (shown) line = shown, n = strlen(shown);
    if (is_logged(d)) crp_module_log(call->vm, d->self, CRP_LOG_PDUS, CRP_SENT, line, n, false);
    return CRP_OK;
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
    if ((st = util_below(call, d, &util)) || (st = crp_util_line(call, util, limit->most + 2, line, n))) return st;
    if (!*n) return closed(call, d);
    if (*n > limit->most + 2) return too_much(call, d, "a line", limit);
    size_t whole = *n;
    if (!crpi_line_ends(*line, n)) return bad_end(call, d, *line, whole);
    log_received(call->vm, d, *line, *n);
    return CRP_OK;
}

/* Lets other tasks run, and Ctrl-C through, although there is more to read. */
static crp_status give_way(crp_call *call)
{
    crp_wait_until(call, crp_now(call->vm));
    return CRP_AGAIN;
}

/* Never more at once than the text may double: what lies behind its end takes no memory. */
static crp_status take_piece(crp_call *call, crpi_dialogue *d, crp_module *util, crpi_text *text,
                             const unsigned char *bytes, size_t n)
{
    size_t taken, most = text->length > FIRST_PIECE ? text->length : FIRST_PIECE;
    crp_status st = crpi_text_add(call->vm, text, bytes, n < most ? n : most, &taken);
    if (st) return st;
    log_received(call->vm, d, bytes, taken);
    crp_util_consume(util, taken);
    return CRP_OK;
}

crp_status crpi_dialogue_text(crp_call *call, crpi_dialogue *d, const crpi_limit *limit, crpi_text *text)
{
    crp_module *util;
    crp_status st = flush(call, d);
    if (st && st != CRP_AGAIN) return st;
    if ((st = util_below(call, d, &util))) return st;
    for (int fills = 0;;) {
        size_t n;
        bool end;
        const unsigned char *bytes = crp_util_peek(util, &n);
        if (n) {
            if ((st = take_piece(call, d, util, text, bytes, n))) return st;
            if (text->length > limit->most) return too_much(call, d, "a message", limit);
            if (text->at == CRPI_TEXT_ENDED) return CRP_OK;
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
