/* floor 4: many messages: fetchMany and topMany, and what they give, which a `for` walks. */
#include "pop3.h"
#include "stack.h"

enum {
    BEGIN,
    SETTLE,
    TAKE,
    MOST_OUT = 256,       /* commands */
    OUT_BYTES = 16 << 20, /* that those are expected to make: what is read in vain when a walk is given up */
    MOST_NUMBERS = 1 << 24
};

typedef struct messages {
    crp_object h;
    crp_word pop3;
    uint32_t session; /* of the Pop3's, in which the numbers mean something */
    crpi_pop3_window window;
} messages;

static messages *messages_of(crp_object *o) { return (messages *)o; }

/* --- making one ---------------------------------------------------------------------------------------- */

static crp_status add_number(crp *vm, crpi_pop3_window *w, size_t *room, crp_word item)
{
    if (!crp_is_integer(item))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "item %zu: expected a message number, given %v", w->count, item);
    crp_status st = crpi_pop3_check_number(vm, crp_integer_value(item));
    if (st) return st;
    if (w->count == MOST_NUMBERS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "more than %d message numbers", (int)MOST_NUMBERS);
    if (w->count == *room) {
        size_t wanted = *room ? *room * 2 : 64;
        int64_t *numbers = crp_realloc(vm, w->numbers, *room * sizeof *numbers, wanted * sizeof *numbers);
        if (!numbers) return CRP_E_NOMEM;
        w->numbers = numbers;
        *room = wanted;
    }
    w->numbers[w->count++] = crp_integer_value(item);
    return CRP_OK;
}

/* The numbers, in memory that fits them: its size is told by `count` from then on. */
static crp_status take_numbers(crp *vm, crpi_pop3_window *w, crp_word list)
{
    size_t room = 0;
    crp_status st = CRP_OK;
    for (; !st && crp_is_pair(list); list = crp_tail(list)) st = add_number(vm, w, &room, crp_head(list));
    if (!room) return st;
    if (!st) {
        int64_t *fit = crp_realloc(vm, w->numbers, room * sizeof *fit, w->count * sizeof *fit);
        if (fit) w->numbers = fit;
        else st = CRP_E_NOMEM;
    }
    if (!st) return CRP_OK;
    crp_free_bytes(vm, w->numbers, room * sizeof *w->numbers);
    w->numbers = NULL;
    w->count = 0;
    return st;
}

static crp_status make(crp_call *call, int64_t lines)
{
    crpi_pop3 *p = (crpi_pop3 *)crp_self(call);
    crp_status st = crpi_pop3_must_be_connected(call->vm, p);
    if (!st) st = crp_new_object(call->vm, crp_class_id(call->vm, crpi_pop3_messages_class.name), &call->result);
    if (st) return st;
    messages *all = messages_of(crp_object_of(call->result));
    crp_store(call->vm, &all->h, &all->pop3, call->self);
    all->session = p->session;
    all->window = (crpi_pop3_window){.owner = &all->h, .lines = lines, .most = MOST_OUT, .ahead = OUT_BYTES};
    return take_numbers(call->vm, &all->window, call->args[0]);
}

crp_status crpi_pop3_fetch_many(crp_call *call) { return make(call, -1); }

crp_status crpi_pop3_top_many(crp_call *call)
{
    int64_t lines = crp_integer_value(call->args[1]);
    crp_status st = crpi_pop3_check_lines(call->vm, lines);
    return st ? st : make(call, lines);
}

/* --- walking it ---------------------------------------------------------------------------------------- */

typedef struct walking {
    crpi_pop3_turn turn;
    crpi_text text;
} walking;

static void mark_walking(crp *vm, void *state, crp_marker mark) { crp_operation_mark(vm, &((walking *)state)->turn.op, mark); }

static void drop_walking(crp *vm, void *state)
{
    walking *w = state;
    crp_operation_drop(vm, &w->turn.op);
    crpi_text_free(vm, &w->text);
}

static crp_status begin(crp_call *call, walking *state, const messages *all, crpi_pop3 *p)
{
    crp_status st = crpi_pop3_begin(call, &state->turn, p);
    if (st) return st;
    if (all->session != p->session)
        return crp_module_raise(call->vm, &p->m, (int)crp_integer_value(p->error_class), CRPI_POP3_WRONG_STATE,
                                "wrong state: these messages were asked for in an earlier session, and their numbers may "
                                "be other messages' now");
    crp_operation_middle(&state->turn.op);
    if (p->out != &all->window) crpi_pop3_forget_ahead(call->vm, p);
    call->step = SETTLE;
    return CRP_OK;
}

static crp_status start_over(crp_call *call, walking *state, crpi_pop3 *p)
{
    crpi_text_free(call->vm, &state->text);
    call->step = SETTLE;
    return crpi_pop3_start_over(call, &state->turn, p);
}

static crp_status next(crp_call *call)
{
    messages *all = messages_of(crp_object_of(call->self));
    walking *state = call->state;
    crp_word refused = CRP_NIL;
    crp_status st = CRP_OK;
    if (all->window.taken == all->window.count) return CRP_OK;
    crpi_pop3 *p = (crpi_pop3 *)crp_object_of(all->pop3);
    if (call->step == BEGIN && (st = begin(call, state, all, p))) return st;
    if (state->turn.over && (st = crpi_pop3_over(call, &state->turn, p))) return st;
    if (call->step == SETTLE && !(st = crpi_pop3_settle(call, p, &all->window))) call->step = TAKE;
    if (!st) st = crpi_pop3_next(call, p, &all->window, crpi_put_text, &state->text, &refused);
    if (st == CRP_AGAIN) return crpi_pop3_wait(call, &state->turn, p, "waiting for a message");
    if (st && crpi_pop3_may_start_over(call->vm, p)) return start_over(call, state, p);
    if (st) return st;
    crp_operation_end(call, &state->turn.op);
    return crp_is_object(refused) ? crp_rethrow(call->vm, refused) : crpi_text_take(call->vm, &state->text, &call->result);
}

/* --- the class ----------------------------------------------------------------------------------------- */

static crp_status get_number(crp *vm, crp_object *self, crp_word *out)
{
    const crpi_pop3_window *w = &messages_of(self)->window;
    *out = CRP_NIL;
    return w->taken ? crp_integer(vm, w->numbers[w->taken - 1], out) : CRP_OK;
}

static crp_status get_left(crp *vm, crp_object *self, crp_word *out)
{
    const crpi_pop3_window *w = &messages_of(self)->window;
    return crp_integer(vm, (int64_t)(w->count - w->taken), out);
}

static void messages_mark(crp *vm, crp_object *self, crp_marker mark)
{
    mark(vm, messages_of(self)->pop3);
    crpi_pop3_window_mark(vm, &messages_of(self)->window, mark);
}

static void messages_drop(crp *vm, crp_object *self) { crpi_pop3_window_clear(vm, &messages_of(self)->window); }

static const crp_property properties[] = {
    {"number", "Object", CRP_READ, 0, NULL, NULL,
     "the number of the message that `next` gave last, or refused; () before that\n"
     "(all.next)\n"
     "all.number                          # --> 1",
     get_number, NULL},
    {"left", "Integer", CRP_READ, 0, NULL, NULL,
     "how many messages are to come\n"
     "all.left                            # --> 1",
     get_left, NULL},
    {0},
};

static const crp_method methods[] = {
    {"next", "Object", next,
     "The next message, a String; () when there is none left. An error of the server's about one message (110.1) is "
     "raised and passes that one over: the next call goes on behind it. 110.4 in another session than the one in which "
     "the messages were asked for.\n"
     "(all.next)                          # --> \"Subject: hi\\r\\n\\r\\nLunch?\\r\\n\"\n"
     "(all.next)                          # --> \"Subject: ho\\r\\n\\r\\nDinner!\\r\\n\"\n"
     "(all.next)                          # --> ()",
     sizeof(walking), mark_walking, drop_walking},
    {0},
};

const crp_class_def crpi_pop3_messages_class = {
    .size = sizeof(crp_class_def),
    .name = "Pop3Messages",
    .help = "Messages on their way, as `fetchMany` and `topMany` of a Pop3 give them: a `for` walks them. Where the server "
            "can do that their commands go out in a row, so that nobody waits for the way there and back; each message "
            "is read when it is its turn, so memory holds one, and other commands may come between. One that is "
            "created by itself is empty.\n"
            "(set server (create Replay))\n"
            "(set mail (create Pop3 '((user \"fred\") (password \"xyz\") (auth \"user\"))))\n"
            "(set box (buildCommsStack (list mail \"Util\" server)))\n"
            "(server.transcript \"\n"
            "  S: +OK ready\n"
            "  C: USER fred\n"
            "  S: +OK\n"
            "  C: PASS xyz\n"
            "  S: +OK\n"
            "  C: RETR 1\n"
            "  S: +OK\n"
            "  S: Subject: hi\n"
            "  S:\n"
            "  S: Lunch?\n"
            "  S: .\n"
            "  C: RETR 2\n"
            "  S: +OK\n"
            "  S: Subject: ho\n"
            "  S:\n"
            "  S: Dinner!\n"
            "  S: .\")\n"
            "(mail.connect)\n"
            "(set all (mail.fetchMany '(1 2)))",
    .instance_size = sizeof(messages),
    .properties = properties,
    .methods = methods,
    .mark = messages_mark,
    .drop = messages_drop,
};
