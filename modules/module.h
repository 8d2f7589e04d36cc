/* floor 4: what a communication module is written against; installed as <carapace/module.h>.
 *
 * A module is one layer of a CommsStack: a native object (crp_class_def) whose `module` field points to its
 * crp_module_ops and whose instance begins with a crp_module.  Data goes down by `send` and comes up by
 * `receive`; the bottom module does real communication, the others translate, or speak a protocol.  The
 * contract:
 *
 *  1. Calls go down, statuses come up.  A module reaches its neighbours only through crp_below_...; it names
 *     no other module (but for a Util, whose buffer is a service: see below).
 *  2. A slot that is NULL means "the next module below that has it".  No module forwards anything by hand.
 *  3. The core walks.  Connect goes bottom to top over the modules that are not connected yet, disconnect top
 *     to bottom and then closes all, whatever the goodbyes returned.  A module writes its own step only.
 *  4. C never blocks.  An op that cannot go on says what it waits for (crp_module_wait_fd, crp_wait_object,
 *     crp_wait_until on the call that it is given) and returns CRP_AGAIN; whoever called it hands that up.
 *     Everything is tried again from the top when something came, so a step remembers where it was: in its
 *     instance, in `step`, or in the native's state.  The deadline is the business of the native at the top
 *     (crp_operation), not of an op.
 *  5. `receive` gives at least one byte.  OK with *got 0 is the orderly end of the data, after everything
 *     that was held was delivered.  Out-lengths are zeroed before the call; the core never asks for 0 bytes.
 *  6. The first failing module words the error (crp_module_raise puts the layer's name first); those above
 *     may put words before it, never replace it.
 *  7. WHO KEEPS BYTES THAT IT READ FROM BELOW AND HAS NOT GIVEN UP YET MUST ANSWER `pending`.  Nothing may be
 *     inserted below a module with unread input (that would take clear text for what came through the new
 *     layer), nor may such a module be popped.
 *  8. Properties with the flag CRP_STACK are attributes: `stack.get` and `stack.set` find the top-most module
 *     that has them.  CRP_CONFIG ones are refused while the module is connected.
 *  9. Structural questions are attributes too: `secure`, `loopback`, `peerAddress`, `localAddress`,
 *     `tlsVersion`, `tlsCipher`, `tlsCertificate`, `channelBinding`; so are the default limits `connectTimeout`,
 *     `sendTimeout`, `receiveTimeout`.  Whoever knows has a row; ask with crp_below_attribute.
 * 10. A protocol tells the layers below what is secret, with crp_conceal, before it sends any of it.
 *
 * What a native method of a protocol module looks like (it is tried again from where `step` says):
 *
 *     typedef struct fetching { crp_operation op; ... } fetching;    // the row's state
 *     static crp_status fetch(crp_call *call)
 *     {
 *         fetching *f = call->state;
 *         crp_module *m = crp_self(call);
 *         if (call->step == 0) {
 *             crp_status st = crp_must_be_connected(call->vm, m);
 *             if (!st) st = crp_operation_begin(call, &f->op, m, timeout);    // AGAIN: not its turn yet
 *             if (st) return st;
 *             call->step = 1;
 *         }
 *         crp_operation_middle(&f->op);
 *         crp_status st = dialogue(call, f);                 // crp_below_send, crp_util_fill and so on
 *         if (st == CRP_AGAIN) return crp_operation_again(call, &f->op, "waiting for the reply to RETR");
 *         return st ? st : crp_operation_end(call, &f->op);
 *     }
 */
#ifndef CARAPACE_MODULE_H
#define CARAPACE_MODULE_H

#include "native.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CRP_MAX_LAYERS = 64,        /* of one stack, stacks that it stands on included */
    CRP_CONNECT_TIMEOUT = 60000 /* milliseconds for a whole connect where no layer has `connectTimeout` */
};

/* --- the instance --------------------------------------------------------------------------------------- */

/* What went through one layer.  A packet is one send or receive that moved something. */
typedef struct crp_traffic {
    int64_t bytes_sent, bytes_received, packets_sent, packets_received;
    int64_t last_sent, last_received; /* crp_now; 0: never */
} crp_traffic;

/* Every module's instance begins with this.  Only the core writes it, but for `step`, and `bottom` in
 * `pushed`.  A word is "none" unless it is an object. */
typedef struct crp_module {
    crp_object h;
    crp_word above, below; /* neighbours on the stack that it was pushed on */
    crp_word stack;        /* that stack */
    crp_word under;        /* the property `stack`: the live view of the layers below, or a given Stack */
    crp_word log;          /* the property `log` */
    uint32_t step;         /* the op's own; 0 when connect, disconnect, listen or accept begins */
    bool connected;
    bool connecting, disconnecting;
    bool listening, bound;
    bool bottom;           /* it may stand at the bottom, though its class in general may not */
    bool accepted;         /* it was made by `accept`: this is the server's end */
    bool spliced;          /* it was inserted into a connection: what stands above it stays connected */
    uint8_t locks;         /* crp_operation: CRP_LOCK_... that are held */
    crp_traffic traffic;
    int64_t began, since; /* crp_now + 1: when its connect began, and when that was done; 0: never */
    int64_t spare[2];     /* for what the core will want to know */
} crp_module;

/* --- the operations ------------------------------------------------------------------------------------- */

enum crp_module_flag {
    CRP_MODULE_BOTTOM = 1, /* it stands at the bottom, and only there */
    CRP_MODULE_STACK = 2   /* it has the property `stack` (CRP_PROPERTY_STACK) */
};

enum { CRP_KIND_MODULE = 0x4d6f64, CRP_KIND_LOG = 0x4c6f67 };

typedef struct crp_module_ops {
    uint32_t kind;           /* CRP_KIND_MODULE */
    uint32_t flags;          /* enum crp_module_flag */
    const char *needs_below; /* the class that must stand directly below (else connect raises 4.1), or NULL */

    /* Linked, neighbours in place; may refuse.  No AGAIN. */
    crp_status (*pushed)(crp *, crp_module *);
    /* About to be unlinked; neighbours still in place. */
    void (*popped)(crp *, crp_module *);

    /* Everything below is connected.  `step` is 0 at the first call.  After an error `close` is called.  It
     * may insert a module below itself and return CRP_AGAIN: the walk starts again at the bottom, then comes
     * back here. */
    crp_status (*connect)(crp_call *, crp_module *);
    /* Say goodbye; everything below still works.  Called on connected modules only; `close` follows in every
     * case. */
    crp_status (*disconnect)(crp_call *, crp_module *);
    /* Let go of the connection at once: no waiting, no goodbye, cannot fail.  What is buffered is thrown
     * away.  `connected` is false already.  Harmless when nothing is open, even after the class's `drop`. */
    void (*close)(crp *, crp_module *);

    /* Take some of n > 0 bytes: *taken at least 1, or AGAIN, or an error. */
    crp_status (*send)(crp_call *, crp_module *, const void *bytes, size_t n, size_t *taken);
    /* Give up to n > 0 bytes: *got at least 1, 0 at the end of the data. */
    crp_status (*receive)(crp_call *, crp_module *, void *bytes, size_t n, size_t *got);
    /* Bytes read from below and not given up yet. */
    size_t (*pending)(crp *, const crp_module *);
    /* No more sending; the peer sees the end of the data.  Receiving goes on. */
    crp_status (*shut)(crp_call *, crp_module *);

    crp_status (*bind)(crp_call *, crp_module *);
    crp_status (*listen)(crp_call *, crp_module *);
    /* *out: a new connected module of the same class. */
    crp_status (*accept)(crp_call *, crp_module *, crp_word *out);

    /* Smart layers: what a script's send and receive on the stack hand to this layer instead of bytes. */
    crp_status (*send_value)(crp_call *, crp_module *, crp_word value);
    crp_status (*receive_value)(crp_call *, crp_module *, int64_t timeout, crp_word *out);

    /* These Strings, NIL among them, are secret: no record of what goes by may show them, in either direction and
     * however the bytes come.  Only for who records (see crp_conceal); it may be told the same many times. */
    void (*conceal)(crp *, crp_module *, const crp_word *strings, size_t n);

    /* What scripts see in this module's place (a ScriptModule's scripted object); NULL: the module itself. */
    crp_word (*face)(const crp_module *);
    /* Operations that differ from instance to instance; NULL: these. */
    const struct crp_module_ops *(*ops)(const crp_module *);

    /* The last lines of the dialogue with the peer, for an error: "> " or "< " before each, an LF behind it, and
     * no secret in it. */
    crp_status (*recent)(crp *, const crp_module *, crp_word *out);
    void (*spare[6])(void); /* NULL: operations to come, which older modules leave to others */
} crp_module_ops;

/* The module that a word is; NULL if it is none. */
crp_module *crp_module_of(crp *, crp_word);
const crp_module_ops *crp_ops_of(crp *, const crp_module *);
static inline crp_module *crp_self(crp_call *call) { return (crp_module *)crp_object_of(call->self); }
static inline crp_word crp_module_word(const crp_module *m) { return crp_from_object(m); }

/* The class definition's `mark`, or called from it: marks the header's words. */
void crp_module_mark(crp *, crp_object *, crp_marker);

/* --- the neighbours ------------------------------------------------------------------------------------- */

crp_module *crp_below(crp *, const crp_module *); /* the layer directly below, or NULL */

/* Hands bytes to the next layer below that sends; *taken at least 1 when OK.  6.11: it is not connected. */
crp_status crp_below_send(crp_call *, crp_module *, const void *bytes, size_t n, size_t *taken);
/* OK with *got 0: the orderly end of the data. */
crp_status crp_below_receive(crp_call *, crp_module *, void *bytes, size_t n, size_t *got);
/* Bytes held by the layers below that can be read without waiting. */
size_t crp_below_pending(crp *, const crp_module *);

/* Tells every layer below m what is secret, as it is and as it will be sent: a password, and its base64 form where
 * that goes over the line.  Said before each command it costs next to nothing, and reaches a layer that was inserted
 * meanwhile. */
void crp_conceal(crp *, const crp_module *m, const crp_word *strings, size_t n);

/* An attribute of the layers below: false (and NIL) when none of them has it, or it cannot be read. */
bool crp_below_attribute(crp *, crp_module *, const char *name, crp_word *out);
/* The same as a truth: is the connection `secure`, is the peer `loopback`? */
bool crp_below_is(crp *, crp_module *, const char *name);

/* Inserts a new module directly below `m` (STARTTLS: below the Util, so m is the Util).  Refused with 6.3
 * when m or a layer above it holds unread input (a protocol may give it its own class), with 1.2 when
 * `module` stands on a stack already.  In a connection m and those above stay connected, but nothing goes
 * through until `module` is connected: by crp_connect_below, or by the walk if m's connect returns AGAIN; when the connection
 * is closed, `module` leaves the stack again (`popped`, after `close`). */
crp_status crp_insert_below(crp *, crp_module *m, crp_word module);
/* Connects what is not connected below m: OK, AGAIN, or an error after which all is closed. */
crp_status crp_connect_below(crp_call *, crp_module *m);

/* Closes every layer of the stack that m is part of, without a goodbye: its state is unknown. */
void crp_close_stack(crp *, crp_module *m);

/* --- operations: a script-visible call that may wait ---------------------------------------------------- */

enum { CRP_LOCK_WHOLE = 1, CRP_LOCK_SEND = 2 };

/* The first field of a native's state.  It holds the module for one task at a time (others wait for their
 * turn, within their own deadline) and the deadline.  If the native ends in the middle of an exchange, by an
 * error, by Ctrl-C or by cancel, the stack is closed: no later call can read a stale answer. */
typedef struct crp_operation {
    crp_word module;
    int64_t deadline; /* crp_now's clock */
    int64_t timeout;  /* milliseconds, for the text */
    uint8_t lock;     /* what it holds */
    bool middle;      /* in the middle of an exchange */
} crp_operation;

/* Waits for the module's turn (CRP_AGAIN: hand it up, call again) and sets the deadline.  Milliseconds;
 * negative: no deadline. */
crp_status crp_operation_begin(crp_call *, crp_operation *, crp_module *, int64_t timeout);
void crp_operation_restart(crp_call *, crp_operation *, int64_t timeout); /* a new deadline from now */
/* What was sent cannot be unsent: from here until crp_operation_end an error closes the stack. */
static inline void crp_operation_middle(crp_operation *op) { op->middle = true; }
/* After CRP_AGAIN from below: error 6.1 naming `doing` if the deadline has passed, else waits for it as well
 * and returns CRP_AGAIN. */
crp_status crp_operation_again(crp_call *, crp_operation *, const char *doing);
/* The same for an op, which has no operation of its own but a limit for one reply (a protocol's greeting,
 * say).  `timeout` is for the text. */
crp_status crp_again_until(crp_call *, crp_module *, int64_t deadline, int64_t timeout, const char *doing);
/* The exchange is complete, whatever its outcome (a server's -ERR is complete): gives the module free.
 * Returns OK. */
crp_status crp_operation_end(crp_call *, crp_operation *);
/* The row's mark_state and drop_state, or called from them. */
void crp_operation_mark(crp *, void *state, crp_marker);
void crp_operation_drop(crp *, void *state);

/* 6.11 "not connected", before anything touches the network. */
crp_status crp_must_be_connected(crp *, const crp_module *);
/* For an op at the bottom: waits for a descriptor, which only the platform's `close` closes, and for the module to
 * be closed by another task, which nobody would tell the descriptor. */
void crp_module_wait_fd(crp_call *, const crp_module *, int fd, unsigned events);

/* --- errors and the log --------------------------------------------------------------------------------- */

/* As crp_raise, with the layer's class name before the text: "Tcp: ...". */
#define crp_module_raise(vm, m, error_class, code, ...) \
    crp_module_named(vm, m, crp_raise(vm, error_class, code, __VA_ARGS__))
#define crp_module_raise_errno(vm, m, error_class, code, errnum, ...) \
    crp_module_named(vm, m, crp_raise_errno(vm, error_class, code, errnum, __VA_ARGS__))
crp_status crp_module_named(crp *, const crp_module *, crp_status);

typedef enum crp_log_level { /* what a Log is open for: a set */
    CRP_LOG_DEBUG = 1,
    CRP_LOG_TRACE = 2,
    CRP_LOG_COM = 4,
    CRP_LOG_DB = 8,
    CRP_LOG_PDUS = 16,
    CRP_LOG_SCRIPT = 32,
    CRP_LOG_PRODUCTION = 64
} crp_log_level;

typedef enum crp_log_severity { CRP_LOG_INFO, CRP_LOG_WARN, CRP_LOG_ERROR } crp_log_severity;
typedef enum crp_direction { CRP_NO_DIRECTION, CRP_SENT, CRP_RECEIVED } crp_direction;

typedef struct crp_log_record {
    crp_log_level level;
    crp_log_severity severity;
    crp_direction direction;
    uint32_t stack;    /* the number that `join` gave; 0: a module that stands on none */
    const char *layer; /* class name */
    const void *bytes; /* raw: the Log escapes */
    size_t length;
    bool secret;       /* the bytes are never written; their presence is */
} crp_log_record;

/* What the class Log gives the core: its crp_class_def's `module` points to this.  None may fail or wait as
 * far as the session is concerned: a full disk is the Log's own trouble. */
typedef struct crp_log_ops {
    uint32_t kind; /* CRP_KIND_LOG */
    bool (*wants)(crp *, crp_object *log, crp_log_level);
    uint32_t (*join)(crp *, crp_object *log); /* a stack begins to use it: its number, from 1 */
    void (*record)(crp *, crp_object *log, const crp_log_record *);
} crp_log_ops;

/* Data that went by, secrets masked: those that are properties of a layer (CRP_SECRET) and what a script has told
 * the stack to `conceal`.  Nothing happens without a Log that is open at this level.  What a script itself sends and
 * receives the core logs, at level pdus; what a module does only the module. */
void crp_module_log(crp *, const crp_module *, crp_log_level, crp_direction, const void *bytes, size_t n,
                    bool secret);
/* A sentence about the session. */
void crp_module_note(crp *, const crp_module *, crp_log_level, crp_log_severity, const char *text);

/* --- Util: bytes that wait to be read, as lines or blocks ---------------------------------------------- */

/* The layer above reads them where they lie.  A pointer from peek or line is good until the next call that
 * fills, unreads or receives. */

/* The Util directly below m, or NULL. */
crp_module *crp_util_below(crp *, const crp_module *m);
/* The bytes held: NULL or a pointer, *n may be 0. */
const unsigned char *crp_util_peek(const crp_module *util, size_t *n);
/* The same bytes for who changes them where they are, before it consumes them. */
unsigned char *crp_util_held(crp_module *util, size_t *n);
void crp_util_consume(crp_module *util, size_t n); /* n <= what peek gave */
/* Reads more from below, up to 256 KiB at once.  *end: the orderly end, nothing came.  6.3 when the buffer is
 * at its limit. */
crp_status crp_util_fill(crp_call *, crp_module *util, bool *end);
/* The next line, LF included, consumed.  *n > max (nothing consumed): the line is longer than max bytes.
 * *n 0: the end of the data; what came without an LF is still held. */
crp_status crp_util_line(crp_call *, crp_module *util, size_t max, const unsigned char **line, size_t *n);
void crp_util_discard(crp_module *util); /* throws away what is held */

/* --- rows for the class tables --------------------------------------------------------------------------
 *
 * Each class gives the standard rows examples of its own, which run after that of the class; "" is none. */

typedef struct crp_verb { /* the state of the standard verbs */
    crp_operation op;
    crp_word value;
    size_t done;
    bool secret;
} crp_verb;

crp_status crp_verb_connect(crp_call *);
crp_status crp_verb_disconnect(crp_call *);
crp_status crp_verb_send(crp_call *);
crp_status crp_verb_send_secret(crp_call *); /* the record shows *** */
crp_status crp_verb_receive(crp_call *);
crp_status crp_verb_receive_into(crp_call *);
crp_status crp_verb_shut(crp_call *);
crp_status crp_verb_bind(crp_call *);
crp_status crp_verb_listen(crp_call *);
crp_status crp_verb_accept(crp_call *);
crp_status crp_verb_info(crp_call *);
void crp_verb_mark(crp *, void *, crp_marker);
void crp_verb_drop(crp *, void *);
crp_status crp_module_get_stack(crp *, crp_object *, crp_word *);
crp_status crp_module_set_stack(crp *, crp_object *, crp_word);
crp_status crp_module_set_log(crp *, crp_object *, crp_word);

#define CRP_VERB(name, spec, fn, help) \
    {name, spec, fn, help, sizeof(crp_verb), crp_verb_mark, crp_verb_drop}
#define CRP_METHOD_CONNECT(example) \
    CRP_VERB("connect", "NIL", crp_verb_connect, \
             "Connects the layers below, then this one. 6.2 connect failed, 6.1 timeout, 6.10 name not " \
             "found, 4.1 wrong order of layers.\n" example)
#define CRP_METHOD_DISCONNECT(example) \
    CRP_VERB("disconnect", "NIL", crp_verb_disconnect, \
             "Says goodbye from the top down and closes all in every case. Does nothing when not " \
             "connected. 6.5 disconnect failed.\n" example)
#define CRP_METHOD_SEND(example) \
    CRP_VERB("send", "NIL (data Object) (timeout Integer ?)", crp_verb_send, \
             "Sends a String, Binary or Buffer whole, within `timeout` milliseconds (default: the " \
             "attribute sendTimeout, else 60000). 6.4 send failed, 6.1 timeout: the connection is closed " \
             "then; 6.11 not connected.\n" example)
#define CRP_METHOD_SEND_SECRET(example) \
    CRP_VERB("sendSecret", "NIL (data Object) (timeout Integer ?)", crp_verb_send_secret, \
             "As send, but a Log shows `***` in place of the data. What the peer says of it is shown: `conceal` hides " \
             "a text wherever it stands.\n" example)
#define CRP_METHOD_RECEIVE(example) \
    CRP_VERB("receive", "Object (timeout Integer ?)", crp_verb_receive, \
             "What comes next, at least one byte, as a String; () at the orderly end. 6.1 when nothing " \
             "came within `timeout` milliseconds (default: the attribute receiveTimeout, else 60000), " \
             "6.3 receive failed, 6.11 not connected.\n" example)
#define CRP_METHOD_RECEIVE_INTO(example) \
    CRP_VERB("receiveInto", "NIL (buffer Buffer) (timeout Integer ?)", crp_verb_receive_into, \
             "As receive, to the end of a Buffer, which does not grow: 1.8 when it is full. At the " \
             "orderly end nothing is added.\n" example)
#define CRP_METHOD_SHUT(example) \
    CRP_VERB("shut", "NIL", crp_verb_shut, \
             "Sends no more: the peer sees the end of the data. Receiving goes on. 6.4 send failed, 6.11 not connected, " \
             "4.1 no layer can do that.\n" example)
#define CRP_METHOD_BIND(example) \
    CRP_VERB("bind", "NIL", crp_verb_bind, \
             "Binds the local address. 6.7 bind failed, 4.1 no layer can bind.\n" example)
#define CRP_METHOD_LISTEN(example) \
    CRP_VERB("listen", "NIL", crp_verb_listen, \
             "Listens for connections, binding first. 6.6 listen failed, 4.1 no layer can listen.\n" example)
#define CRP_METHOD_ACCEPT(example) \
    CRP_VERB("accept", "Object (timeout Integer ?)", crp_verb_accept, \
             "Waits for a connection, `timeout` milliseconds (default: for ever), and gives a new " \
             "connected module for it. 6.8 accept failed, 6.1 timeout, 4.1 no layer can accept.\n" example)
#define CRP_METHOD_INFO(example) \
    {"info", "CommsInfo", crp_verb_info, \
     "The state and the traffic of this layer, as they are now.\n" example, 0, 0, 0}
/* The three of a module that only connects; `me` is the variable that its class's example sets. */
#define CRP_METHODS_NO_LISTENING(me) \
    CRP_METHOD_BIND("(" me ".bind)  # error: 4.1"), CRP_METHOD_LISTEN("(" me ".listen)  # error: 4.1"), \
        CRP_METHOD_ACCEPT("(" me ".accept)  # error: 4.1")
/* The standard methods that every translating or bottom module has, without examples. */
#define CRP_MODULE_METHODS \
    CRP_METHOD_CONNECT(""), CRP_METHOD_SEND(""), CRP_METHOD_RECEIVE(""), CRP_METHOD_RECEIVE_INTO(""), \
        CRP_METHOD_INFO(""), CRP_METHOD_DISCONNECT(""), CRP_METHOD_BIND(""), CRP_METHOD_LISTEN(""), \
        CRP_METHOD_ACCEPT("")

#define CRP_PROPERTY_LOG_WITH(example) \
    {"log", "Log", CRP_RW, offsetof(crp_module, log), 0, 0, \
     "where this layer writes its records; () is nowhere\n" example, 0, crp_module_set_log}
#define CRP_PROPERTY_LOG CRP_PROPERTY_LOG_WITH("")
#define CRP_PROPERTY_LOG_OF(me) CRP_PROPERTY_LOG_WITH(CRP_LOG_EXAMPLE(me))
#define CRP_LOG_EXAMPLE(me) \
    "(" me ".log (create Log \"mail\"))\n" \
    "(list " me ".log.file " me ".log.levels)  # --> (\"mail.log\" \"com,script,production\")"
#define CRP_PROPERTY_STACK_WITH(example) \
    {"stack", "Stack", CRP_RW, offsetof(crp_module, under), 0, 0, "the layers below this module\n" example, \
     crp_module_get_stack, crp_module_set_stack}
#define CRP_PROPERTY_STACK CRP_PROPERTY_STACK_WITH("")

#ifdef __cplusplus
}
#endif
#endif
