/* floor 4: Pop3: fetching mail (RFC 1939).
 *
 * One table says of each command what is sent and what kind of reply comes; one native plays it, but for those that get
 * messages, which are in pop3-message.c and pop3-messages.c.  A command that ends in the middle, by a timeout, a broken
 * reply or Ctrl-C, closes the stack (crp_operation), so a stale answer is never read; -ERR is an answer like any other,
 * and the session goes on.  Beginning and end of a session are in pop3-logon.c, the lines of the server in pop3-reply.c. */
#include <string.h>
#include "pop3.h"
#include "stack.h"

enum {
    PIECE = 16384,    /* bytes of a long listing with which its time begins anew */
    MOST_LINES = 4096 /* at one go */
};

/* --- the table ------------------------------------------------------------------------------------- */

typedef enum reply_kind {
    STATUS_TEXT, /* the text after +OK */
    TWO_NUMBERS, /* +OK count size */
    ONE_SIZE, /* +OK message size */
    ONE_UID, /* +OK message UID */
    SIZES, /* lines: message size */
    UIDS /* lines: message UID */
} reply_kind;

typedef struct command {
    const char *format; /* its arguments are Integers */
    reply_kind reply;
    bool changes; /* the mailbox */
    const char *waiting;
} command;

enum { LIST_ALL, LIST_ONE, STAT, UIDL_ALL, UIDL_ONE, DELE, NOOP, RSET };

#define COMMAND(verb, arguments, reply) {verb arguments, reply, false, "waiting for the reply to " verb}
#define CHANGE(verb, arguments) {verb arguments, STATUS_TEXT, true, "waiting for the reply to " verb}

static const command commands[] = {
    [LIST_ALL] = COMMAND("LIST", "", SIZES),
    [LIST_ONE] = COMMAND("LIST", " %ld", ONE_SIZE),
    [STAT] = COMMAND("STAT", "", TWO_NUMBERS),
    [UIDL_ALL] = COMMAND("UIDL", "", UIDS),
    [UIDL_ONE] = COMMAND("UIDL", " %ld", ONE_UID),
    [DELE] = CHANGE("DELE", " %ld"),
    [NOOP] = COMMAND("NOOP", "", STATUS_TEXT),
    [RSET] = CHANGE("RSET", ""),
};

/* --- a command under way --------------------------------------------------------------------------- */

enum { BEGIN, ASK, ANSWER, REST };

typedef struct exchange { /* a native's state */
    crpi_pop3_turn turn;
    crp_word asked; /* the command, for errors */
    crp_list_builder list;
    size_t lines, bytes; /* of the listing */
    size_t pieces;       /* that have given the reply new time */
    int64_t highest;     /* message number in it */
} exchange;

static void mark_exchange(crp *vm, void *state, crp_marker mark)
{
    exchange *x = state;
    crp_operation_mark(vm, &x->turn.op, mark);
    mark(vm, x->asked);
    mark(vm, x->list.first);
}

static void drop_exchange(crp *vm, void *state) { crp_operation_drop(vm, &((exchange *)state)->turn.op); }

void crpi_pop3_prepare(crpi_pop3 *p)
{
    p->dialogue.self = &p->m;
    p->dialogue.error_class = (int)crp_integer_value(p->error_class);
    p->dialogue.violation = CRPI_POP3_VIOLATION;
    p->dialogue.excess = CRPI_POP3_EXCESS;
}

crpi_limit crpi_pop3_line_limit(const crpi_pop3 *p)
{
    return (crpi_limit){(size_t)crp_integer_value(p->max_line), "maxLine"};
}

static const char *asked_text(const exchange *x) { return crp_string_data(x->asked, NULL); }

/* --- asking ---------------------------------------------------------------------------------------- */

crp_status crpi_pop3_check_number(crp *vm, int64_t number)
{
    if (number >= 1) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "message numbers begin at 1, given %ld", number);
}

crp_status crpi_pop3_check_lines(crp *vm, int64_t lines)
{
    if (lines >= 0) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "a number of lines is at least 0, given %ld", lines);
}

static crp_status check_state(crp *vm, crpi_pop3 *p)
{
    if (p->state == CRPI_POP3_TRANSACTION && p->m.connected) return CRP_OK;
    if (p->state == CRPI_POP3_CLOSED) return crp_must_be_connected(vm, &p->m);
    crpi_pop3_prepare(p);
    return crpi_pop3_must_be_in(vm, p, CRPI_POP3_TRANSACTION, "nobody has logged on yet: call `logon`");
}

crp_status crpi_pop3_begin(crp_call *call, crpi_pop3_turn *turn, crpi_pop3 *p)
{
    int64_t timeout = crp_integer_value(p->timeout);
    crp_status st = crp_operation_begin(call, &turn->op, &p->m, timeout);
    if (!st) st = check_state(call->vm, p);
    if (st) return st;
    crp_operation_restart(call, &turn->op, timeout); /* waiting for the turn is over */
    turn->progress = p->progress;
    crpi_pop3_prepare(p);
    return CRP_OK;
}

crp_status crpi_pop3_wait(crp_call *call, crpi_pop3_turn *turn, crpi_pop3 *p, const char *doing)
{
    if (p->progress != turn->progress) crp_operation_restart(call, &turn->op, crp_integer_value(p->timeout));
    turn->progress = p->progress;
    return crp_operation_again(call, &turn->op, doing);
}

static crp_status begin(crp_call *call, exchange *x, crpi_pop3 *p, const command *c)
{
    crp_status st = call->count ? crpi_pop3_check_number(call->vm, crp_integer_value(call->args[0])) : CRP_OK;
    if (!st) st = crpi_pop3_begin(call, &x->turn, p);
    if (st) return st;
    x->list = (crp_list_builder){CRP_NIL, CRP_NIL};
    if (c->changes) crpi_pop3_forget_ahead(call->vm, p);
    crp_operation_middle(&x->turn.op);
    call->step = ASK;
    return CRP_OK;
}

/* What messages are out must be read before the reply to this one can be. */
static crp_status ask(crp_call *call, exchange *x, crpi_pop3 *p, const command *c)
{
    size_t n;
    crp_status st = crpi_pop3_settle(call, p, NULL);
    if (!st) st = crp_format(call->vm, &x->asked, c->format, call->count ? crp_integer_value(call->args[0]) : 0);
    if (st) return st;
    crp_operation_restart(call, &x->turn.op, crp_integer_value(p->timeout));
    const char *line = crp_string_data(x->asked, &n);
    call->step = ANSWER;
    if (c->changes) p->changed = true;
    if (c == &commands[UIDL_ALL] || c->changes) p->uids = (struct crpi_pop3_uids){0};
    return crpi_dialogue_command(call, &p->dialogue, line, n, NULL);
}

/* --- being answered -------------------------------------------------------------------------------- */

static crp_status one_line(crp_call *call, crpi_pop3_line *l, reply_kind kind)
{
    switch (kind) {
    case STATUS_TEXT: return crp_string(call->vm, l->at, (size_t)(l->end - l->at), &call->result);
    case TWO_NUMBERS: return crpi_pop3_two_numbers(call->vm, l, &call->result, &l->pop3->messages);
    case ONE_SIZE: return crpi_pop3_size_of(call->vm, l, crp_integer_value(call->args[0]), &call->result);
    case ONE_UID: return crpi_pop3_uid_of(call->vm, l, crp_integer_value(call->args[0]), &call->result);
    default: return CRP_OK;
    }
}

/* The status line; a reply of one line is complete with it. */
static crp_status answer(crp_call *call, exchange *x, crpi_pop3 *p, const command *c)
{
    crpi_pop3_line l;
    bool refused;
    crp_status st = crpi_pop3_status_line(call, p, asked_text(x), CRPI_POP3_REFUSED, &l, &refused);
    if (refused) {
        crp_word error = crp_pending_error(call->vm);
        crp_status after = crpi_dialogue_complete(call, &p->dialogue, false);
        if (after) return after;
        crp_operation_end(call, &x->turn.op);
        return crp_rethrow(call->vm, error);
    }
    if (!st) st = one_line(call, &l, c->reply);
    if (st) return st;
    call->step = REST;
    return c->reply < SIZES ? crpi_dialogue_complete(call, &p->dialogue, false) : CRP_OK;
}

static crp_status add_line(crp_call *call, exchange *x, crpi_pop3 *p, const command *c, crpi_pop3_line *l)
{
    crp_word pair;
    l->number = ++x->lines;
    if (x->lines > (size_t)crp_integer_value(p->max_listing))
        return crp_module_raise(call->vm, &p->m, p->dialogue.error_class, CRPI_POP3_EXCESS,
                                "a listing of more than %ld lines (the property `maxListing`)",
                                crp_integer_value(p->max_listing));
    if (c->reply == UIDS) crpi_pop3_know_uid(p, (const unsigned char *)l->at, (size_t)(l->end - l->at));
    crp_status st = crpi_pop3_list_line(call->vm, l, c->reply == UIDS, &pair);
    if (st) return st;
    int64_t number = crp_integer_value(crp_head(pair));
    if (number > x->highest) x->highest = number;
    return crp_list_add(call->vm, &x->list, pair);
}

/* The highest number that is left, or else was told before: a listing does not show what is marked as deleted. */
static crp_status listed(crp_call *call, exchange *x, crpi_pop3 *p, const command *c)
{
    if (x->highest > p->messages) p->messages = x->highest;
    if (c->reply == UIDS) p->uids.known = true;
    call->result = x->list.first;
    return crpi_dialogue_complete(call, &p->dialogue, true);
}

static crp_status listing(crp_call *call, exchange *x, crpi_pop3 *p, const command *c)
{
    crpi_limit limit = crpi_pop3_line_limit(p);
    for (int lines = 0; lines < MOST_LINES; lines++) {
        const unsigned char *line;
        size_t n;
        crp_status st = crpi_dialogue_line(call, &p->dialogue, &limit, &line, &n);
        if (st) return st;
        x->bytes += n + 2;
        if (n == 1 && *line == '.') return listed(call, x, p, c);
        crpi_pop3_line l = crpi_pop3_line_of(p, asked_text(x), line, n);
        if ((st = add_line(call, x, p, c, &l))) return st;
    }
    crp_wait_until(call, crp_now(call->vm)); /* others have their turn now */
    return CRP_AGAIN;
}

/* A long listing has the whole time again with each piece of it. */
static crp_status wait_more(crp_call *call, exchange *x, crpi_pop3 *p, const command *c)
{
    size_t pieces = x->bytes / PIECE;
    if (pieces > x->pieces) p->progress++;
    x->pieces = pieces;
    return crpi_pop3_wait(call, &x->turn, p, c->waiting);
}

static crp_status talk(crp_call *call, int which)
{
    const command *c = &commands[which];
    exchange *x = call->state;
    crpi_pop3 *p = (crpi_pop3 *)crp_self(call);
    crp_status st = CRP_OK;
    if (call->step == BEGIN && (st = begin(call, x, p, c))) return st; /* AGAIN: it is another task's turn */
    if (call->step == ASK) st = ask(call, x, p, c);
    if (!st && call->step == ANSWER) st = answer(call, x, p, c);
    if (!st && call->step == REST && c->reply >= SIZES) st = listing(call, x, p, c);
    if (st == CRP_AGAIN) return wait_more(call, x, p, c);
    return st ? st : crp_operation_end(call, &x->turn.op);
}

static crp_status list_mailbox(crp_call *call) { return talk(call, LIST_ALL); }
static crp_status message_size(crp_call *call) { return talk(call, LIST_ONE); }
static crp_status mailbox_status(crp_call *call) { return talk(call, STAT); }
static crp_status list_mailbox_uid(crp_call *call) { return talk(call, UIDL_ALL); }
static crp_status message_uid(crp_call *call) { return talk(call, UIDL_ONE); }
static crp_status delete_one(crp_call *call) { return talk(call, DELE); }
static crp_status check(crp_call *call) { return talk(call, NOOP); }
static crp_status reset(crp_call *call) { return talk(call, RSET); }

/* --- the class ------------------------------------------------------------------------------------- */

static void pop3_close(crp *vm, crp_module *m)
{
    crpi_pop3 *p = (crpi_pop3 *)m;
    p->state = CRPI_POP3_CLOSED;
    p->session = ++p->sessions;
    p->messages = 0;
    p->changed = p->pipelined = p->over = false;
    p->uids = (struct crpi_pop3_uids){0};
    crpi_pop3_window_lost(vm, p);
    crpi_pop3_forget_ahead(vm, p);
    p->asked = CRPI_POP3_UNASKED;
    crpi_pop3_forget_capabilities(vm, p);
    crpi_sasl_end(vm, &p->sasl);
    crpi_dialogue_reset(vm, &p->dialogue);
}

/* A walk that is collected with it may be gone already. */
static void pop3_drop(crp *vm, crp_object *self)
{
    crpi_pop3 *p = (crpi_pop3 *)self;
    if (p->out != &p->own) p->out = NULL;
    pop3_close(vm, &p->m);
}

static void pop3_mark(crp *vm, crp_object *self, crp_marker mark)
{
    crp_module_mark(vm, self, mark);
    crpi_pop3 *p = (crpi_pop3 *)self;
    crpi_dialogue_mark(vm, &p->dialogue, mark);
    crpi_pop3_window_mark(vm, &p->own, mark);
    mark(vm, p->out_owner);
    crpi_sasl_mark(vm, &p->sasl, mark);
    mark(vm, p->capabilities.first);
    mark(vm, p->capabilities.last);
    mark(vm, p->reason);
}

static crp_status pop3_recent(crp *vm, const crp_module *m, crp_word *out)
{
    return crpi_dialogue_recent(vm, &((const crpi_pop3 *)m)->dialogue, out);
}

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE,
    .flags = CRP_MODULE_STACK,
    .needs_below = "Util",
    .connect = crpi_pop3_connect,
    .disconnect = crpi_pop3_disconnect,
    .close = pop3_close,
    .recent = pop3_recent,
};

#define AT(field) offsetof(crpi_pop3, field)
#define SETTING(name, class_name, field, flags, start, range, help) \
    {name, class_name, CRP_RW | CRP_STACK | flags, AT(field), start, range, help, NULL, NULL}
#define FACT(name, field, help) {name, "String", CRP_READ | CRP_STACK, AT(field), NULL, NULL, help, NULL, NULL}

static const crp_property properties[] = {
    SETTING("user", "String", user, 0, NULL, NULL, "name of the user when logging on to the POP3 server\n"
            "mail.user                           # --> \"fred\""),
    SETTING("password", "String", password, CRP_SECRET, NULL, NULL,
            "password used when logging on to the POP3 server\n"
            "mail.password                       # --> \"xyz\""),
    SETTING("secret", "String", secret, CRP_SECRET, NULL, NULL,
            "a secret known to the POP3 server: when it is set, the logon is APOP, which does not send it\n"
            "(mail.secret \"tanstaaf\")           # from the next connect on"),
    SETTING("token", "String", token, CRP_SECRET, NULL, NULL,
            "an access token of OAuth 2, with which OAUTHBEARER or XOAUTH2 logs on in place of a password\n"
            "(mail.token \"ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\")"),
    SETTING("auth", "String", auth, 0, "\"auto\"", NULL,
            "how to log on: \"auto\" is APOP where `secret` is set, a token where `token` is, else the strongest SASL "
            "mechanism that the server offers, else USER and PASS; \"user\" and \"apop\" are the dialogue of RFC 1939, where "
            "nothing else needs CAPA; or names of SASL mechanisms with "
            "blanks between, of which the first that the server offers is taken: SCRAM-SHA-256-PLUS SCRAM-SHA-256 "
            "SCRAM-SHA-1-PLUS SCRAM-SHA-1 CRAM-MD5 OAUTHBEARER XOAUTH2 PLAIN LOGIN EXTERNAL. What the server refuses is "
            "not tried in another way. Names and passwords are used byte for byte as they are\n"
            "(mail.auth \"SCRAM-SHA-256 CRAM-MD5\")   # never the password itself"),
    SETTING("autoLogon", "Object", auto_logon, 0, "true", NULL,
            "true: connect logs on; (): it ends behind the greeting, and `capabilities`, `stls`, `utf8` and then `logon` "
            "may be called\n"
            "mail.autoLogon                      # --> true"),
    SETTING("security", "String", security, 0, "\"none\"", "none|starttls|required",
            "\"starttls\": STLS is used where the server offers it and the connection is not encrypted yet; \"required\": "
            "nobody is logged on in clear, whatever the server says, 110.9; \"none\": STLS is used only where "
            "`allowPlaintext` is ()\n"
            "(mail.security \"required\")         # a Tls below, or STLS"),
    SETTING("tls", "Tls", tls, 0, NULL, NULL,
            "the module that STLS puts below the Util, with its settings; (): one without any, for the `host` of the "
            "layers below\n"
            "(mail.tls (create Tls '((caFile \"our-ca.pem\"))))"),
    SETTING("timeout", "Integer", timeout, 0, "60000", "1..86400000",
            "milliseconds for sending a command and getting its response; a long response has them again "
            "with each 16 KiB\n"
            "(mail.timeout 10000)\n"
            "mail.timeout                        # --> 10000"),
    CRP_PROPERTY_STACK_WITH("(typeOf mail.stack.top)             # --> Util"),
    CRP_PROPERTY_LOG_OF("mail"),
    FACT("connectionTimestamp", timestamp,
         "the timestamp in the greeting, angle brackets included, that APOP encrypts the secret with; \"\": "
         "there is none\n"
         "mail.connectionTimestamp            # --> \"<17.42@mail.example.org>\""),
    SETTING("errorClass", "Integer", error_class, 0, "110", "1..2147483647", "class of POP3-specific errors\n"
            "mail.errorClass                     # --> 110"),
    FACT("greeting", greeting,
         "greeting returned by the POP3 server on connection, a whole line; \"\" before that\n"
         "mail.greeting                       # --> \"+OK ready <17.42@mail.example.org>\""),
    SETTING("allowPlaintext", "Object", allow_plaintext, 0, "true", NULL,
            "true: the password may go in clear to a server that is not on this machine; a Log gets "
            "a warning. (): STLS is used where the server offers it\n"
            "(mail.allowPlaintext ())            # a password shall not go in clear"),
    SETTING("pipelining", "Object", pipelining, 0, "true", NULL,
            "true: where the server can do that (CAPA has PIPELINING), commands for many messages go out before the "
            "replies to those before them have come; (): one command at a time\n"
            "(mail.pipelining ())                # for a server that mixes up its replies"),
    SETTING("readAhead", "Object", read_ahead, 0, "true", NULL,
            "true: a loop that fetches one message after the other gets the next ones asked for ahead, with pipelining, at "
            "most 256 or 1 MB of them and never past a command that changes the mailbox; (): never\n"
            "(mail.readAhead ())                 # one by one"),
    SETTING("maxLine", "Integer", max_line, 0, "2048", "512..1048576",
            "bytes that a line of a response may have; more is an error, code 10\n"
            "mail.maxLine                        # --> 2048"),
    SETTING("maxListing", "Integer", max_listing, 0, "1000000", "1..1000000000",
            "lines that a listing may have; more is an error, code 10\n"
            "mail.maxListing                     # --> 1000000"),
    SETTING("maxMessage", "Integer", max_message, 0, "268435456", "1..1099511627775",
            "bytes that a message may have; more is an error, code 10\n"
            "(mail.maxMessage 1048576)\n"
            "mail.maxMessage                     # --> 1048576"),
    {0},
};

#define BEGINNING(name, spec, fn, help) \
    {name, spec, fn, help, sizeof(crp_operation), crp_operation_mark, crp_operation_drop}
#define METHOD(name, spec, fn, help) {name, spec, fn, help, sizeof(exchange), mark_exchange, drop_exchange}
#define FETCHING(name, spec, fn, help) \
    {name, spec, fn, help, sizeof(crpi_pop3_fetching), crpi_pop3_fetching_mark, crpi_pop3_fetching_drop}

static const crp_method methods[] = {
    METHOD("listMailbox", "List", list_mailbox,
           "List the mailbox: a List of pairs (messageId msgSize). POP command: LIST.\n"
           "(mail.listMailbox)                  # --> ((1 25) (2 18))"),
    METHOD("mailboxStatus", "List", mailbox_status,
           "Get the status of the mailbox: a List of two Integers (totalNumberOfMsgs combinedMsgSize). POP "
           "command: STAT.\n"
           "(mail.mailboxStatus)                # --> (2 43)"),
    METHOD("messageSize", "Integer (msgNo Integer)", message_size,
           "Get the size of a message in bytes. POP command: LIST.\n"
           "(mail.messageSize 1)                # --> 25"),
    METHOD("messageUID", "String (msgNo Integer)", message_uid,
           "Get the unique mailbox id of a message: the same as long as the message is in the mailbox. POP "
           "command: UIDL.\n"
           "(mail.messageUID 1)                 # --> \"a17\""),
    FETCHING("fetch", "String (msgNo Integer)", crpi_pop3_fetch,
           "Fetch a message, byte for byte as it was sent. 6.3 when the connection ends before it is whole: "
           "nothing is returned then. POP command: RETR.\n"
           "(mail.fetch 1)                      # --> \"Subject: hi\\r\\n\\r\\nLunch?\\r\\n\""),
    METHOD("delete", "String (msgNo Integer)", delete_one,
           "Mark a message as deleted; it is deleted when `disconnect` succeeds. Returns the server's text. "
           "POP command: DELE.\n"
           "(mail.delete 1)                     # --> \"gone\""),
    METHOD("noop", "String", check,
           "Check that the POP3 server will send a positive reply. Returns the server's text. POP command: "
           "NOOP.\n"
           "(mail.noop)                         # --> \"here\""),
    METHOD("reset", "String", reset,
           "Reset the POP3 server: no message is marked as deleted any more. Returns the server's text. POP "
           "command: RSET.\n"
           "(mail.reset)                        # --> \"all back\""),
    METHOD("listMailboxUID", "List", list_mailbox_uid,
           "Get a unique id listing for the mailbox: a List of pairs (msgNo msgUniqueId). POP command: "
           "UIDL.\n"
           "(mail.listMailboxUID)               # --> ((1 \"a17\") (2 \"b18\"))"),
    FETCHING("top", "String (msgNo Integer) (nLines Integer)", crpi_pop3_top,
           "The header of a message, the empty line and the first nLines lines of its body. POP command: "
           "TOP.\n"
           "(mail.top 1 0)                      # --> \"Subject: hi\\r\\n\\r\\n\""),
    FETCHING("fetchInto", "Integer (msgNo Integer) (buffer Buffer)", crpi_pop3_fetch_into,
             "Fetches a message to the end of a Buffer; returns its size in bytes. The Buffer gets the whole message or, "
             "when anything fails, nothing.\n"
             "(set room (create Buffer 0))\n"
             "(mail.fetchInto 1 room)             # --> 23\n"
             "room.length                         # --> 23"),
    FETCHING("fetchTo", "Integer (msgNo Integer) (file Object)", crpi_pop3_fetch_to,
             "Fetches a message straight to a file, whose path is given, or to a Stream that is open for writing; returns its "
             "size in bytes. No more than a piece of it is in memory. The file is written beside its place, synced and "
             "then renamed: it is there whole or not at all. When anything fails a Stream that writes at the end of a "
             "regular file gets back to where it was; what has gone down a pipe is gone. 5.1 and 5.4 when it cannot be "
             "written, also because another task writes into the middle, 1.2 when the Stream is closed: the session goes on then.\n"
             "(mail.fetchTo 1 \"first.eml\")       # --> 23\n"
             "(readFile \"first.eml\")             # --> \"Subject: hi\\r\\n\\r\\nLunch?\\r\\n\""),
    {"fetchMany", "Pop3Messages (msgNos List)", crpi_pop3_fetch_many,
     "Fetches many messages: `for` walks what is returned, a message at a time, in the order of the numbers. Where the server "
     "can do that, and does not delete what was retrieved (EXPIRE 0), up to 256 commands are on their way at once, as far as "
     "their messages make about 16 MB; memory holds one message. Other commands may "
     "come between: up to 4 MiB of what was on its way is kept then, the rest asked for again.\n"
     "(map length (mail.fetchMany '(1 2)))    # --> (23 15)",
     0, 0, 0},
    {"topMany", "Pop3Messages (msgNos List) (nLines Integer)", crpi_pop3_top_many,
     "As `fetchMany`, with the header and the first nLines lines of the body of each message. POP command: TOP.\n"
     "((mail.topMany '(1 2) 0).next)      # --> \"Subject: hi\\r\\n\\r\\n\"",
     0, 0, 0},
    BEGINNING("capabilities", "List", crpi_pop3_capabilities,
              "What the server can do: a List of Strings, the lines of its answer; () where it does not say. It is asked "
              "when it was not yet, in this state. POP command: CAPA.\n"
              "(mail.capabilities)                 # --> (\"UIDL\" \"SASL PLAIN\")"),
    BEGINNING("logon", "NIL", crpi_pop3_logon,
              "Logs on where `autoLogon` is (), as connect does it otherwise: CAPA, STLS as `security` says, AUTH, APOP or "
              "USER and PASS. 110.3 refused, after which it may be called again.\n"
              "(mail.logon)                        # error: 110.4"),
    BEGINNING("stls", "NIL", crpi_pop3_stls,
              "Goes on encrypted, by the module of the property `tls`. 110.9 the server refuses; 6.9 TLS failed, 110.2 the "
              "server said more than +OK: the stack is closed then. POP command: STLS.\n"
              "(mail.stls)                         # error: 110.4"),
    BEGINNING("utf8", "String", crpi_pop3_utf8,
              "Asks for messages and names in UTF-8 (RFC 6856) before the logon. Returns the server's text; 110.1 where the "
              "server does not offer it. POP command: UTF8.\n"
              "(mail.utf8)                         # error: 110.4"),
    CRP_METHOD_CONNECT("(mail.connect)\n"
                       "(mail.info).isConnected                # --> true"),
    CRP_METHOD_DISCONNECT("(mail.disconnect)                   # what was deleted is gone now"),
    CRP_METHOD_INFO("(mail.info).isConnected             # --> ()"),
    {0},
};

const crp_class_def crpi_pop3_class = {
    .size = sizeof(crp_class_def),
    .name = "Pop3",
    .help = "Fetches mail from a POP3 server (RFC 1939). The layer directly below it must be a Util. "
            "Errors of class 110 (errorClass): 1 the server said -ERR, 2 it broke the protocol, 3 "
            "authentication refused, 4 wrong state, 5 mailbox in use, 6 login delay, 7 temporary and 8 "
            "permanent trouble of the server's, 9 a security requirement is not met, 10 a limit is "
            "exceeded.\n"
            "(set mail (create Pop3 '((user \"fred\") (password \"xyz\") (auth \"user\"))))\n"
            "# a real one is (create Tcp '((host \"mail.example.org\") (port 110)))\n"
            "(set server (create Replay))\n"
            "(set box (buildCommsStack (list mail \"Util\" server)))\n"
            "(server.transcript \"\n"
            "  S: +OK ready <17.42@mail.example.org>\n"
            "  C: USER fred\n"
            "  S: +OK\n"
            "  C: PASS xyz\n"
            "  S: +OK\n"
            "  C: LIST\n"
            "  S: +OK\n"
            "  S: 1 25\n"
            "  S: 2 18\n"
            "  S: .\n"
            "  C: STAT\n"
            "  S: +OK 2 43\n"
            "  C: LIST 1\n"
            "  S: +OK 1 25\n"
            "  C: UIDL 1\n"
            "  S: +OK 1 a17\n"
            "  C: RETR 1\n"
            "  S: +OK\n"
            "  S: Subject: hi\n"
            "  S:\n"
            "  S: Lunch?\n"
            "  S: .\n"
            "  C: DELE 1\n"
            "  S: +OK gone\n"
            "  C: NOOP\n"
            "  S: +OK here\n"
            "  C: RSET\n"
            "  S: +OK all back\n"
            "  C: UIDL\n"
            "  S: +OK\n"
            "  S: 1 a17\n"
            "  S: 2 b18\n"
            "  S: .\n"
            "  C: TOP 1 0\n"
            "  S: +OK\n"
            "  S: Subject: hi\n"
            "  S:\n"
            "  S: .\n"
            "  C: RETR 1\n"
            "  S: +OK\n"
            "  S: Subject: hi\n"
            "  S:\n"
            "  S: Lunch?\n"
            "  S: .\n"
            "  C: RETR 1\n"
            "  S: +OK\n"
            "  S: Subject: hi\n"
            "  S:\n"
            "  S: Lunch?\n"
            "  S: .\n"
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
            "  S: .\n"
            "  C: TOP 1 0\n"
            "  S: +OK\n"
            "  S: Subject: hi\n"
            "  S:\n"
            "  S: .\n"
            "  C: CAPA\n"
            "  S: +OK\n"
            "  S: UIDL\n"
            "  S: SASL PLAIN\n"
            "  S: .\n"
            "  C: QUIT\n"
            "  S: +OK bye\")\n"
            "(mail.connect)",
    .instance_size = sizeof(crpi_pop3),
    .properties = properties,
    .methods = methods,
    .mark = pop3_mark,
    .drop = pop3_drop,
    .module = &ops,
};
