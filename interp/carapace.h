/* floor 8: what a host program sees; installed as <carapace/carapace.h>.
 *
 * A host makes an interpreter, gives it text, and gets values.  Any number of interpreters, each used by one
 * thread at a time.  Nothing here calls exit or abort, installs a signal handler, or jumps over the host's
 * frames: whatever fails returns a status and leaves an error to look at.
 *
 * A value is held by a handle, a crp_val, passed by copy.  While a handle lives, so does its value.  A handle
 * made inside a native function dies when that function returns, one made inside a scope when the scope is
 * closed, any other with the interpreter; crp_keep makes one that lives until crp_drop.  A dead handle is
 * noticed: CRP_E_STALE.
 *
 * A struct that the host fills begins with its own size, so that it can grow and a host compiled earlier
 * still works.  Texts are UTF-8 and, where no length stands beside them, end with a NUL; what the host hands
 * in is copied.  The functions on words in native.h are for native modules, and for a host that calls
 * very often (crp_call_words); where one of those has the better name already, the one on handles ends in _val.
 */
#ifndef CARAPACE_H
#define CARAPACE_H

#include <string.h>
#ifdef __cplusplus
extern "C" {
#endif
#include "platform.h"
#include "types.h"

enum { CRP_ABI = 1 };

typedef struct crp_error crp_error; /* a recorded error; belongs to the interpreter */
typedef struct crp_token crp_token; /* what cancels an interpreter, from any thread or signal handler */

typedef struct crp_val {
    uint64_t h; /* slot and generation; 0 is () */
} crp_val;

/* --- life ----------------------------------------------------------------------------------------------- */

typedef struct crp_config {
    size_t size;
    void *(*realloc)(void *ud, void *p, size_t old_size, size_t new_size); /* NULL: malloc; size 0 frees */
    void *alloc_ud;
    const char *const *path;         /* where load looks too; ends with NULL; or NULL */
    const char *const *command_line; /* ::CommandLine, ends with NULL; or NULL: () */
    uint64_t hash_seed;              /* 0: a random one */
    const crp_platform *platform;    /* NULL: the real system; else the host owns platform_state */
    void *platform_state;
    const char *const *arguments;    /* ::Arguments, what is meant for the script; ends with NULL; or NULL: () */
} crp_config;

static inline void crp_config_init(crp_config *config)
{
    memset(config, 0, sizeof *config);
    config->size = sizeof *config;
}

/* `config` may be NULL.  CRP_E_NOMEM, or CRP_E_IO when the system gives no descriptor or random number;
 * *out is NULL then. */
crp_status crp_new(const crp_config *config, crp **out);

/* Closes what scripts left open and frees everything.  NULL is allowed.  Not from inside
 * a native. */
void crp_free(crp *);

const char *crp_version(unsigned *abi); /* "1.2.3"; abi may be NULL */

/* --- running -------------------------------------------------------------------------------------------- */

/* Runs a text, form by form, and gives the last value; out may be NULL.  The whole text is read first:
 * with a parse error (CRP_E_SYNTAX, or CRP_INCOMPLETE where it ends inside a form) nothing runs.  A form
 * that does not compile is CRP_E_SYNTAX as well, those before it have run then; no error that a script
 * raises gives these two.  `name` is what errors call the text, and load looks beside it if it names a
 * file.  All texts given to one interpreter share the variables of one file; a name that begins with
 * "repl:" is part of a dialogue, in which a function may be defined anew. */
crp_status crp_eval(crp *, const char *text, size_t length, const char *name, crp_val *out);

/* The same for a file, with variables of its own.  CRP_E_IO: it cannot be read. */
crp_status crp_eval_file(crp *, const char *path, crp_val *out);

/* Only reads: CRP_OK, CRP_INCOMPLETE where more text could make it whole, or CRP_E_SYNTAX. */
crp_status crp_check(crp *, const char *text, size_t length, const char *name);

/* Reads and compiles all of a file, running nothing but what defines functions, macros, classes and
 * globals. */
crp_status crp_check_file(crp *, const char *path);

/* Calls a Function, or a method of an object.  A method's name may be that of a property: none or one
 * argument. */
crp_status crp_call_val(crp *, crp_val function, const crp_val *args, size_t count, crp_val *out);
crp_status crp_send(crp *, crp_val object, const char *method, const crp_val *args, size_t count,
                    crp_val *out);

/* The same with C arguments, one letter each: i int64_t, r double, t int (true or ()), s a NUL-terminated
 * String, d a String (const void *, size_t), b a Binary (const void *, size_t), v crp_val.  `format` may
 * be "".  With () as the object, `method` names a function. */
crp_status crp_callf(crp *, crp_val *out, crp_val object, const char *method, const char *format, ...);

/* True once a script has called (stop n): what ran has ended with CRP_E_CANCELLED, and further calls do so
 * at once. */
bool crp_stopped(const crp *, int *exit_status);

/* The program ends: calls the functions that scripts have given to `atEnd`, last first, each once, also after `stop`.
 * `failed` (may be NULL) is called after each that ends with an error, which crp_error_last then gives; the others are
 * called all the same.  Returns the first error's status.  crp_free calls none of them: who wants them called does so
 * before. */
crp_status crp_end(crp *, void (*failed)(void *ud), void *ud);

/* --- limits and cancelling ------------------------------------------------------------------------------ */

typedef struct crp_limits { /* 0: no limit, but for stack_depth: the default */
    size_t size;
    uint64_t heap_bytes;  /* all memory of the interpreter; past it error 1.16 */
    uint64_t stack_depth; /* frames; past it error 1.15 */
} crp_limits;

crp_status crp_limits_set(crp *, const crp_limits *);
void crp_usage(const crp *, crp_limits *out); /* what is in use now; the caller has set out->size */

/* A token may outlive its interpreter; each crp_token_get needs its crp_token_put.  NULL: no memory. */
crp_token *crp_token_get(crp *);
void crp_token_put(crp_token *);

/* What runs ends with CRP_E_CANCELLED, which no script can catch; what is not running yet does so when it
 * starts.  Ends a wait too.  Safe in signal handlers and other threads. */
void crp_cancel(crp_token *);
/* Asks a script that waits for it (terminationEvent) to end by itself; false: none does.  As safe as crp_cancel. */
bool crp_ask_to_end(crp_token *);
void crp_cancel_clear(crp *); /* forgets a cancel that nothing has acted on */

/* --- errors --------------------------------------------------------------------------------------------- */

typedef struct crp_error_info { /* texts live as long as the crp_error */
    size_t size;
    crp_status status;
    int error_class, code;
    const char *message;
    const char *file;      /* NULL: not known; so line and column 0 */
    uint32_t line, column; /* from 1, column in bytes */
    const char *source_line; /* the text of that line, or NULL */
    const crp_error *cause;  /* or NULL */
} crp_error_info;

/* The error of the last call that failed, NULL if there was none; good until the next call that runs
 * something. */
const crp_error *crp_error_last(const crp *);
void crp_error_info_get(const crp_error *, crp_error_info *out); /* the caller has set out->size */
/* A text can have several errors, all of which are found when it is read: the i-th behind the first one, good until
 * this is asked again; NULL: there is none. */
const crp_error *crp_error_further(const crp_error *, size_t i);
const char *crp_error_frame(const crp_error *, size_t i); /* the call trace, innermost first, then NULL */

/* Everything that a user should see: place, text, source line with caret, trace, cause.  Writes at most
 * size - 1 bytes and a NUL; returns the length of the whole. */
enum { CRP_TEXT_COLOUR = 1 };
size_t crp_error_text(const crp_error *, char *buffer, size_t size, unsigned flags);

/* In a native function: records an error and gives the status to return.  As printf, without widths, for s
 * d u c x, with l and z. */
crp_status crp_fail(crp *, int error_class, int code, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/* --- values --------------------------------------------------------------------------------------------- */

crp_val crp_nil(void);
crp_val crp_bool_val(bool); /* true or () */
crp_status crp_int(crp *, int64_t, crp_val *out);
crp_status crp_real_val(crp *, double, crp_val *out);
crp_status crp_str(crp *, const void *bytes, size_t length, crp_val *out);
crp_status crp_bytes_val(crp *, const void *bytes, size_t length, crp_val *out); /* a Binary */
crp_status crp_list_val(crp *, const crp_val *items, size_t count, crp_val *out);

const char *crp_type(crp *, crp_val);               /* its class's name; NULL: a dead handle */
bool crp_is(crp *, crp_val, const char *class_name); /* "Integer", "C:Interface"; false: a dead handle */
bool crp_is_nil(crp *, crp_val);
crp_status crp_get_int(crp *, crp_val, int64_t *out); /* CRP_E_TYPE: it is none */
crp_status crp_get_real(crp *, crp_val, double *out); /* of an Integer too */
/* The bytes of a String, Binary, Buffer or of a Symbol's name: they stay as long as the handle, but for a
 * Buffer's, which stay until something runs.  A String's and a Symbol's are followed by a NUL. */
crp_status crp_get_data(crp *, crp_val, const char **bytes, size_t *length);
crp_status crp_length(crp *, crp_val, size_t *out); /* of all that holds items or bytes */
crp_status crp_at(crp *, crp_val, size_t i, crp_val *out); /* of a List or Array, from 0 */
crp_status crp_text(crp *, crp_val, bool readable, crp_val *out); /* a String: as source, or as print does */

crp_status crp_prop_get(crp *, crp_val object, const char *name, crp_val *out);
crp_status crp_prop_set(crp *, crp_val object, const char *name, crp_val value);
crp_status crp_create(crp *, const char *class_name, const crp_val *args, size_t count, crp_val *out);

/* --- handles -------------------------------------------------------------------------------------------- */

crp_status crp_keep(crp *, crp_val, crp_val *kept);
void crp_drop(crp *, crp_val kept);
size_t crp_scope_open(crp *);
void crp_scope_close(crp *, size_t scope); /* and those opened since */

/* The word of a handle, for the functions of native.h: good as long as the handle.  And a handle for a word that one of
 * those gave. */
crp_status crp_word_of(crp *, crp_val, crp_word *out);
crp_status crp_val_of(crp *, crp_word, crp_val *out);

/* --- native functions and classes ----------------------------------------------------------------------- */

/* A function of the host: its arguments are checked against its signature before it is called.  It sets
 * *out, which is () at first, and returns CRP_OK; or it returns what crp_fail, or a call that failed, gave
 * it.  It may call back into the interpreter, to any depth up to a limit. */
typedef crp_status (*crp_fn)(crp *, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *out);

/* `signature` is the notation of types.h, result first: "String (name String) (times Integer 1) ...". */
crp_status crp_defun(crp *, const char *name, const char *signature, const char *help, crp_fn, void *ud);

/* `::x` sets a global variable, `x` a variable of the file that the texts of crp_eval share. */
crp_status crp_define(crp *, const char *name, crp_val);

typedef struct crp_method_spec {
    const char *name, *signature, *help;
    crp_fn fn;
} crp_method_spec;

typedef struct crp_prop_spec {
    const char *name, *class_name, *help;
    crp_fn get; /* no arguments */
    crp_fn set; /* one argument, checked; NULL: read only */
} crp_prop_spec;

/* A class of the host.  Each object has `instance_bytes` of zeroed memory of the host's, which functions
 * reach with crp_unwrap.  Rows end with one without a name; either table may be NULL. */
typedef struct crp_class_spec {
    size_t size;
    const char *name, *help;
    const crp_prop_spec *props;
    const crp_method_spec *methods;
    const char *creator_signature; /* "NIL (host String)": the arguments of create; NULL: none */
    crp_fn creator;                /* called with the new object as self; NULL: nothing to do */
    size_t instance_bytes;
    void (*finalize)(void *instance, void *ud); /* before the memory is freed; calls nothing here; or NULL */
} crp_class_spec;

/* The spec and its tables must live as long as the interpreter; `ud` goes to all its functions. */
crp_status crp_class_add(crp *, const crp_class_spec *, void *ud);
crp_status crp_unwrap(crp *, crp_val object, const crp_class_spec *, void **instance); /* or CRP_E_TYPE */

/* --- input, output, tools ------------------------------------------------------------------------------- */

/* Where print (fd 1) and notes (fd 2) go; NULL: to these descriptors. */
void crp_io(crp *, void (*write)(void *ud, int fd, const char *bytes, size_t length), void *ud);

/* What the name that ends at `at` could become: each candidate with its signature and help (either may be
 * NULL).  Nothing is evaluated but variables and properties that have no code behind them.  Returns where
 * in the text the part begins that a candidate replaces. */
size_t crp_complete(crp *, const char *text, size_t at,
                    void (*each)(void *ud, const char *candidate, const char *signature, const char *help),
                    void *ud);

/* --- in the host's event loop --------------------------------------------------------------------------- */

/* Tasks go on while a call waits, and before one in 64 calls.  A host with a loop of its own lets them go on in
 * between as well: when the descriptor is readable, or the time has come, it calls crp_loop_step, which never
 * waits. */
int crp_loop_fd(crp *);               /* for poll; belongs to the interpreter; -1: none */
int64_t crp_loop_due_ns(const crp *); /* from now; 0: at once; -1: nothing is due */
crp_status crp_loop_step(crp *, unsigned max_events);

#ifdef __cplusplus
}
#endif
#endif
