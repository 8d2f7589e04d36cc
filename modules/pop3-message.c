/* floor 4: one message: fetch, top, fetchInto, fetchTo.
 *
 * Who fetches one message after the other gets those that follow asked for ahead, in a window of the Pop3's own, as
 * long as nothing else is wanted of the server. */
#include <string.h>
#include "pop3.h"

enum {
    BEGIN,
    SETTLE,
    TAKE,
    FINISH,
    FIRST_AHEAD = 8,
    MOST_AHEAD = 256,      /* commands */
    AHEAD_BYTES = 1 << 20 /* that those are expected to make */
};

typedef crpi_pop3_fetching fetching;

void crpi_pop3_fetching_mark(crp *vm, void *state, crp_marker mark)
{
    fetching *f = state;
    crp_operation_mark(vm, &f->turn.op, mark);
    crp_sink_mark(vm, &f->sink, mark);
    mark(vm, f->failed);
}

void crpi_pop3_fetching_drop(crp *vm, void *state)
{
    fetching *f = state;
    crp_operation_drop(vm, &f->turn.op);
    crp_sink_drop(vm, &f->sink);
    crpi_text_free(vm, &f->text);
    crpi_pop3_window_clear(vm, &f->single);
}

/* --- reading ahead ------------------------------------------------------------------------------------- */

void crpi_pop3_forget_ahead(crp *vm, crpi_pop3 *p)
{
    p->last = 0;
    if (p->out == &p->own) p->own.discards = true; /* what is out has to be read first */
    else crpi_pop3_window_clear(vm, &p->own);
}

static bool is_next(const crpi_pop3 *p, int64_t number)
{
    const crpi_pop3_window *w = &p->own;
    return w->taken < w->count && w->first + (int64_t)w->taken == number && !w->discards;
}

static bool may_read_ahead(const crpi_pop3 *p, int64_t number)
{
    return crp_is_true(p->read_ahead) && crp_is_true(p->pipelining) && p->last && number == p->last + 1 && number < p->messages &&
           crpi_pop3_can(p, "PIPELINING", NULL, NULL);
}

/* Called when nothing of `own` is out. */
static void begin_ahead(crp *vm, crpi_pop3 *p, int64_t number)
{
    crpi_pop3_window_clear(vm, &p->own);
    p->own = (crpi_pop3_window){.owner = &p->m.h,
                                .first = number,
                                .count = (size_t)(p->messages - number + 1),
                                .lines = -1,
                                .most = FIRST_AHEAD,
                                .ahead = AHEAD_BYTES};
}

/* Which window the message comes from. */
static void choose(crp *vm, crpi_pop3 *p, fetching *f, int64_t number, int64_t lines)
{
    bool in_row = lines < 0 && crp_is_true(p->read_ahead) && is_next(p, number);
    if (in_row) p->own.most = p->own.most < MOST_AHEAD / 4 ? p->own.most * 4 : MOST_AHEAD;
    if (!in_row && lines < 0 && may_read_ahead(p, number)) {
        begin_ahead(vm, p, number);
        in_row = true;
    }
    f->from_own = in_row;
    if (!in_row) f->single = (crpi_pop3_window){.first = number, .count = 1, .lines = lines, .most = 1};
}

/* --- one message --------------------------------------------------------------------------------------- */

static crp_status begin(crp_call *call, fetching *f, crpi_pop3 *p, int64_t number, int64_t lines)
{
    crp_status st = crpi_pop3_check_number(call->vm, number);
    if (!st) st = crpi_pop3_begin(call, &f->turn, p);
    if (st) return st;
    if (lines < 0 && !is_next(p, number)) {
        int64_t last = p->last;
        crpi_pop3_forget_ahead(call->vm, p);
        p->last = last;
    }
    crp_operation_middle(&f->turn.op);
    call->step = SETTLE;
    return CRP_OK;
}

static crp_status settle(crp_call *call, fetching *f, crpi_pop3 *p, int64_t number, int64_t lines)
{
    bool in_row = lines < 0 && is_next(p, number);
    crp_status st = crpi_pop3_settle(call, p, in_row ? &p->own : NULL);
    if (st) return st;
    choose(call->vm, p, f, number, lines);
    if (lines < 0) p->last = number;
    crp_operation_restart(call, &f->turn.op, crp_integer_value(p->timeout));
    call->step = TAKE;
    return CRP_OK;
}

/* What has come of the message is thrown away; nothing of it has gone into the sink. */
static crp_status start_over(crp_call *call, fetching *f, crpi_pop3 *p)
{
    crpi_text_free(call->vm, &f->text);
    call->step = SETTLE;
    return crpi_pop3_start_over(call, &f->turn, p);
}

/* The message, as far as its command; after that the connection is free for others. */
static crp_status take(crp_call *call, int64_t lines, crpi_put *put, void *to)
{
    fetching *f = call->state;
    crpi_pop3 *p = (crpi_pop3 *)crp_self(call);
    int64_t number = crp_integer_value(call->args[0]);
    crp_word refused = CRP_NIL;
    crp_status st = CRP_OK;
    if (call->step == BEGIN && (st = begin(call, f, p, number, lines))) return st;
    if (f->turn.over && (st = crpi_pop3_over(call, &f->turn, p))) return st;
    if (call->step == SETTLE) st = settle(call, f, p, number, lines);
    if (!st && call->step == TAKE) st = crpi_pop3_next(call, p, f->from_own ? &p->own : &f->single, put, to, &refused);
    if (st == CRP_AGAIN)
        return crpi_pop3_wait(call, &f->turn, p, lines < 0 ? "waiting for the reply to RETR" : "waiting for the reply to TOP");
    if (st && !f->length && crpi_pop3_may_start_over(call->vm, p)) return start_over(call, f, p);
    if (st) return st;
    crp_operation_end(call, &f->turn.op);
    call->step = FINISH;
    return crp_is_object(refused) ? crp_rethrow(call->vm, refused) : CRP_OK;
}

static crp_status take_text(crp_call *call, int64_t lines)
{
    fetching *f = call->state;
    crp_status st = take(call, lines, crpi_put_text, &f->text);
    return st ? st : crpi_text_take(call->vm, &f->text, &call->result);
}

crp_status crpi_pop3_fetch(crp_call *call) { return take_text(call, -1); }

/* A negative number of lines is none, which the check of it says. */
crp_status crpi_pop3_top(crp_call *call)
{
    int64_t lines = crp_integer_value(call->args[1]);
    crp_status st = crpi_pop3_check_lines(call->vm, lines);
    return st ? st : take_text(call, lines);
}

/* --- into a Buffer ------------------------------------------------------------------------------------- */

/* Only the whole message goes there. */
crp_status crpi_pop3_fetch_into(crp_call *call)
{
    fetching *f = call->state;
    unsigned char *at;
    size_t room;
    crp_status st = take(call, -1, crpi_put_text, &f->text);
    if (!st) st = crp_buffer_room(call->vm, call->args[1], f->text.length, &at, &room);
    if (st) return st;
    if (f->text.length) memcpy(at, f->text.bytes, f->text.length);
    crp_buffer_added(call->args[1], f->text.length);
    return crp_integer(call->vm, (int64_t)f->text.length, &call->result);
}

/* --- to a file or Stream ------------------------------------------------------------------------------- */

/* When the sink fails the message is read to its end all the same: the session is in order, and goes on. */
static crp_status put_sink(crp_call *call, void *to, const unsigned char *bytes, size_t n, size_t *taken)
{
    fetching *f = to;
    crp_status st = CRP_OK;
    *taken = n;
    if (!crp_is_object(f->failed)) st = crp_sink_write(call, &f->sink, bytes, n, taken);
    if (st && st != CRP_AGAIN) {
        f->failed = crp_pending_error(call->vm);
        crp_clear_error(call->vm);
        st = CRP_OK;
    }
    if (!st) f->length += (int64_t)*taken;
    return st;
}

static crp_status finish(crp_call *call, fetching *f)
{
    if (crp_is_object(f->failed)) return crp_rethrow(call->vm, f->failed);
    crp_status st = crp_sink_end(call, &f->sink);
    return st ? st : crp_integer(call->vm, f->length, &call->result);
}

crp_status crpi_pop3_fetch_to(crp_call *call)
{
    fetching *f = call->state;
    crp_status st = CRP_OK;
    if (call->step == BEGIN && !f->sink.file && !crp_is_object(f->sink.stream)) {
        f->failed = CRP_NIL;
        st = crpi_pop3_check_number(call->vm, crp_integer_value(call->args[0]));
        if (!st) st = crpi_pop3_must_be_connected(call->vm, (crpi_pop3 *)crp_self(call));
        if (!st) st = crp_sink_begin(call->vm, &f->sink, call->args[1]);
    }
    if (!st && call->step != FINISH) st = take(call, -1, put_sink, f);
    return st ? st : finish(call, f);
}
