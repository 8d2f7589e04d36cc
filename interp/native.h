/* floor 1: what native functions, classes and comms modules are written with; installed as <carapace/native.h>.
 *
 * Everything here works on words (types.h), which are good until the native returns; a host that keeps values
 * holds them by handle instead (carapace.h).  Functions that allocate return a status; on failure the error is
 * already recorded and the status is handed up as it is: `if (st) return st;`.
 */
#ifndef CARAPACE_NATIVE_H
#define CARAPACE_NATIVE_H

#include <stdarg.h>
#include "platform.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- errors ------------------------------------------------------------------------------------------------ */

enum crp_error_class {
    CRP_ERR_SCRIPT = 1, /* wrong use of the language */
    CRP_ERR_FATAL = 2,
    CRP_ERR_SYSTEM = 3, /* codes are the operating system's */
    CRP_ERR_CONFIG = 4,
    CRP_ERR_FILE = 5,
    CRP_ERR_COMMS = 6,
    CRP_ERR_PARSE = 8,
    CRP_ERR_POP3 = 110
};

enum crp_script_error { /* codes of class 1 */
    CRP_INVALID = 1,
    CRP_ILLEGAL = 2,
    CRP_MISSING = 3,
    CRP_UNKNOWN = 4,
    CRP_RUNTIME = 5,
    CRP_NOT_IMPLEMENTED = 6,
    CRP_OUT_OF_RANGE = 7,
    CRP_BAD_ARGUMENT = 8,
    CRP_DIVISION_BY_ZERO = 9,
    CRP_INTERNAL = 10,
    CRP_TYPE_MISMATCH = 11,
    CRP_NOT_SUPPORTED = 12,
    CRP_OVERFLOW = 14,
    CRP_TOO_DEEP = 15,
    CRP_NO_MEMORY = 16,
    CRP_INTERRUPTED = 17,
    CRP_STOPPED = 18
};

enum crp_comms_error { /* codes of class 6 */
    CRP_TIMEOUT = 1,
    CRP_CONNECT_FAILED = 2,
    CRP_RECEIVE_FAILED = 3,
    CRP_SEND_FAILED = 4,
    CRP_DISCONNECT_FAILED = 5,
    CRP_LISTEN_FAILED = 6,
    CRP_BIND_FAILED = 7,
    CRP_ACCEPT_FAILED = 8,
    CRP_TLS_FAILED = 9,
    CRP_NAME_NOT_FOUND = 10,
    CRP_NOT_CONNECTED = 11
};

/* Records an Error as the pending one and returns the status to hand up.  The format knows
 *   %s string  %.*s counted string  %d int  %u unsigned  %ld long/int64_t  %zu size_t  %c char  %x hex  %%
 *   %v a word as it would be written in source, cut to 200 bytes  %p a word as print shows it, cut likewise
 *   %n the class name of a word  %q a string quoted and escaped, cut to 200 bytes. */
crp_status crp_raise(crp *, int error_class, int code, const char *format, ...);
crp_status crp_raise_errno(crp *, int error_class, int code, int errnum, const char *format, ...); /* adds ": reason" */
crp_status crp_vraise(crp *, int error_class, int code, const char *format, va_list);
crp_status crp_vraise_errno(crp *, int error_class, int code, int errnum, const char *format, va_list);
crp_status crp_no_memory(crp *);
crp_word crp_pending_error(crp *);              /* the recorded Error, or NIL */
void crp_clear_error(crp *);
crp_status crp_rethrow(crp *, crp_word error);  /* records an Error made elsewhere */
void crp_error_get(crp *, crp_word error, int *error_class, int *code, const char **text, size_t *length);
void crp_error_set_class(crp *, crp_word error, int error_class, int code);
crp_status crp_error_prefix(crp *, const char *format, ...); /* puts words before the pending error's text */
/* What is shown below the pending error where there is room for more than its text: a String of any number of lines.
 * The first that is given stays. */
void crp_error_details(crp *, crp_word text);
crp_status crp_verror_prefix(crp *, const char *format, va_list);

/* --- values ------------------------------------------------------------------------------------------------ */

crp_status crp_integer(crp *, int64_t, crp_word *out); /* fixnum or boxed */
bool crp_is_integer(crp_word);
int64_t crp_integer_value(crp_word); /* of anything crp_is_integer is true of */
crp_status crp_real(crp *, double, crp_word *out);
bool crp_is_real(crp_word);
double crp_real_value(crp_word); /* of a Real or an Integer */

/* Strings are counted bytes.  The bytes stay where they are as long as the String lives; they are followed by a
 * NUL unless the String is a slice: crp_c_string makes sure of it. */
crp_status crp_string(crp *, const void *bytes, size_t length, crp_word *out);
crp_status crp_string_z(crp *, const char *text, crp_word *out);
crp_status crp_string_take(crp *, void *bytes, size_t length, size_t capacity, crp_word *out); /* owns crp_alloc'ed bytes */
crp_status crp_string_slice(crp *, crp_word string, size_t from, size_t length, crp_word *out); /* shares when long */
crp_status crp_format(crp *, crp_word *out, const char *format, ...); /* as crp_raise */
crp_status crp_vformat(crp *, crp_word *out, const char *format, va_list);
/* Text from outside made fit to be shown or logged: control bytes, what turns text around and broken UTF-8 become \xHH;
 * cut to `limit` bytes with "..." after them (0: not). */
crp_status crp_escape(crp *, const void *bytes, size_t n, size_t limit, crp_word *out);
bool crp_is_string(crp_word);
const char *crp_string_data(crp_word string, size_t *length); /* length may be NULL */
crp_status crp_c_string(crp *, crp_word string, const char **out); /* refuses a NUL inside: 1.8 */

crp_status crp_symbol(crp *, const char *name, size_t length, crp_word *out);
const char *crp_symbol_name(crp *, crp_word symbol, size_t *length);

crp_status crp_cons(crp *, crp_word head, crp_word tail, crp_word *out);
crp_status crp_list(crp *, const crp_word *items, size_t n, crp_word *out);
static inline crp_word crp_head(crp_word pair) { return crp_pair_of(pair)->head; }
static inline crp_word crp_tail(crp_word pair) { return crp_pair_of(pair)->tail; }

/* Builds a List front to back: crp_list_builder b = {CRP_NIL, CRP_NIL}; crp_list_add...; b.first. */
typedef struct crp_list_builder {
    crp_word first, last;
} crp_list_builder;
crp_status crp_list_add(crp *, crp_list_builder *, crp_word item);

/* Binary: an object over shared immutable bytes.  Buffer: mutable and growing. */
crp_status crp_binary(crp *, const void *bytes, size_t length, crp_word *out);
const unsigned char *crp_binary_data(crp_word binary, size_t *length);
crp_status crp_buffer(crp *, size_t capacity, crp_word *out);
/* The bytes of a String, Binary or Buffer; false for anything else.  A Buffer's bytes move when it grows. */
bool crp_bytes(crp_word, const unsigned char **bytes, size_t *length);

/* Where to write up to *room more bytes into a Buffer, growing it to hold `want` more if it may grow; then
 * crp_buffer_added says how many came. */
crp_status crp_buffer_room(crp *, crp_word buffer, size_t want, unsigned char **at, size_t *room);
void crp_buffer_added(crp_word buffer, size_t n);

crp_status crp_hashtable(crp *, crp_word *out);
crp_status crp_hashtable_set(crp *, crp_word table, crp_word key, crp_word value); /* NIL removes nothing: it is a value */
bool crp_hashtable_get(crp *, crp_word table, crp_word key, crp_word *out);

bool crp_equal(crp *, crp_word, crp_word); /* `==`; safe on cycles */
crp_status crp_to_string(crp *, crp_word, bool readable, crp_word *out); /* readable: as source; else as print shows it */
const char *crp_class_name(crp *, crp_word);
uint32_t crp_class_of(crp_word);

/* A HashTable that lives as long as the interpreter: where native code keeps long-lived values, under a Symbol that
 * names the owner. */
crp_status crp_registry(crp *, crp_word *table);

/* Stores a word into a slot of a heap object.  Every store into an object that has been in use goes through here, one that
 * only takes a word out of it too: the collector, which works between the program's steps, must see the old word.  What a
 * native's saved state holds may change as it likes. */
void crp_store(crp *, crp_object *, crp_word *slot, crp_word value);

/* The digest of that name, md5 sha1 sha256 sha512: its size in bytes; 0: there is none of that name. */
size_t crp_digest(const char *name, const void *bytes, size_t n, unsigned char out[64]);
/* HMAC (RFC 2104) on that digest; 0 likewise. */
size_t crp_hmac(const char *name, const void *key, size_t key_length, const void *bytes, size_t n,
                unsigned char out[64]);
/* Rounds of PBKDF2 (RFC 8018): each makes `last` its own HMAC, and `sum` differs by that from what it was. */
void crp_hmac_rounds(const char *name, const void *key, size_t key_length, unsigned rounds, unsigned char last[64],
                     unsigned char sum[64]);

/* --- memory outside the heap: one allocator with a limit ------------------------------------------------ */

void *crp_alloc(crp *, size_t); /* NULL with 1.16 recorded */
void *crp_realloc(crp *, void *, size_t old_size, size_t new_size);
void crp_free_bytes(crp *, void *, size_t);
void crp_collect(crp *); /* drops what nobody refers to, now: before giving up for want of descriptors, say */

/* --- classes and functions -------------------------------------------------------------------------------- */

crp_status crp_define_class(crp *, const crp_class_def *, uint32_t *class_id);
crp_status crp_define_functions(crp *, const crp_method *rows); /* free functions; ends with a row without a name */
crp_status crp_define_class_methods(crp *, uint32_t class_id, const crp_method *rows); /* adds to a built-in class */
uint32_t crp_class_id(crp *, const char *name);              /* CRP_OBJECT if there is none */
const crp_class_def *crp_class_definition(crp *, crp_word); /* of a native object's class, else NULL */
crp_status crp_new_object(crp *, uint32_t class_id, crp_word *out); /* start values set, creator not called */

/* Members by name, as the dot does it.  Missing: 1.4.  A script's property or method is found as well, but only
 * properties can be read and set from here; a script's method is called with crp_then_send. */
bool crp_has_property(crp *, crp_word object, crp_word name);
bool crp_has_method(crp *, crp_word object, crp_word name);
crp_status crp_get(crp *, crp_word object, crp_word name, crp_word *out);
crp_status crp_set(crp *, crp_word object, crp_word name, crp_word value);
/* The values of the object's secret properties that are Strings, a List: what no text and no record may show.  Of an
 * object of a script's class those too whose name alone says so, "password" or the like. */
crp_status crp_secrets(crp *, crp_word object, crp_word *list);
/* Pairs (name value) of the properties that anyone may set; of a secret one the value is "***". */
crp_status crp_settings(crp *, crp_word object, crp_word *list);

/* --- libraries: (loadLibrary "name") ------------------------------------------------------------------------
 *
 * A shared object NAME.so whose sources include library.h, which says how one is written.  It shows one constant,
 * crp_library_entry.  What it calls it finds in a table that Carapace gives it before anything of it is called, so
 * it works wherever Carapace is.
 *
 * CRP_LIBRARY_ABI counts the changes of what is compiled into a library: the types, numbers and inline functions of
 * these headers, and the order of the table.  What is added at the end of a table or struct changes nothing for
 * a library that knows less. */
#define CRP_LIBRARY_ABI 2

struct crp_functions; /* functions.h; it begins with this: */
typedef struct crp_functions_head {
    size_t size;
    uint32_t abi, count; /* of functions */
} crp_functions_head;

typedef struct crp_library {
    uint32_t abi, count;                /* those of the table that it was compiled with */
    const struct crp_functions **table; /* where it wants to find one */
    crp_status (*begin)(crp *);         /* called once in each interpreter; what it returns is handed up */
} crp_library;
#define CRP_LIBRARY_ENTRY "crp_library_entry"

/* --- parts: what only some scripts need ------------------------------------------------------------------
 *
 * What would cost every script at the start, because another library comes with it, is a shared object beside the
 * program or the library.  It shows one function, which gives a table for the ABI number that it is asked for, or NULL;
 * it knows nothing of the interpreter.  A part is found and loaded when it is first needed, and stays. */
typedef struct crp_part {
    const char *file;  /* "carapace-NAME.so" */
    const char *entry; /* the function that it shows */
    unsigned abi;
    size_t size;         /* of the table, which begins with its own size, a size_t */
    const char *without; /* what there is not without it: "C functions cannot be called" */
} crp_part;

/* 1.12 when it is not there or belongs to another version.  The description is static. */
crp_status crp_load_part(crp *, const crp_part *, const void **table);

/* --- steps: what a native may wait for ------------------------------------------------------------------- */

enum {
    CRP_READABLE = 1,
    CRP_WRITABLE = 2,
    CRP_KEEP = CRP_WATCH_KEPT /* beside these: only the platform's `close` closes the descriptor, so the watch may stay */
};

const crp_platform *crp_platform_of(crp *, void **state); /* the system's calls go through this table */
int64_t crp_now(crp *);       /* milliseconds on the monotonic (or virtual) clock */
#define CRP_NO_DEADLINE INT64_MAX

/* Say what to wait for, then return CRP_AGAIN.  Several may be named; the first that comes wakes the native, which
 * looks for itself what it was (crp_timed_out: the deadline has passed). */
void crp_wait_fd(crp_call *, int fd, unsigned events);
void crp_wait_until(crp_call *, int64_t deadline);
void crp_wait_object(crp_call *, crp_word object); /* until crp_wake(object); up to four of them */
void crp_wake(crp *, crp_word object);
bool crp_interrupted(crp *); /* Ctrl-C or cancel: the native is not called again, its state is dropped */

/* Call a script (or any) function, or a method by name, then me again: return what these return (CRP_CALL or an
 * error).  An error in the callee goes up past the native, unless catch_error: then `value` is the Error and
 * crp_call_failed is true. */
crp_status crp_then_call(crp_call *, crp_word function, const crp_word *args, size_t n);
crp_status crp_then_send(crp_call *, crp_word object, crp_word name, const crp_word *args, size_t n);
crp_status crp_then_create(crp_call *, crp_word class_or_name, const crp_word *args, size_t n); /* as `create` does */
void crp_catch_errors(crp_call *);
bool crp_call_failed(const crp_call *);

/* Starts a task that calls a function or method; it runs when the caller waits.  Its end wakes whoever waits for
 * the task; crp_task_result is AGAIN until then, after it OK with the value, or the task's error recorded. */
crp_status crp_task_send(crp *, crp_word object, crp_word name, const crp_word *args, size_t n, crp_word *task);
crp_status crp_task_result(crp *, crp_word task, crp_word *out);
void crp_task_cancel(crp *, crp_word task);

/* --- calls from C ----------------------------------------------------------------------------------------- */

/* Calls a Function, or the function that a Symbol names, and waits for its value.  It may be called where nothing runs, by a
 * host, and inside a native; there crp_then_call is the better way if the native can be called again: it does not nest.
 *
 * The host keeps the function alive, and what else it goes on to use, by handles (crp_word_of in carapace.h gives a handle's
 * word).  *out (out may be NULL) is good until the native returns, or, outside of one, until the next call of this
 * function; words that a host has made before are good until this returns.
 *
 * An error is recorded: inside a native as the pending one, to be handed up, outside as crp_error_last gives it.
 * CRP_E_THREAD: another thread uses the interpreter. */
crp_status crp_call_words(crp *, crp_word function, const crp_word *args, size_t n, crp_word *out);

/* --- sinks: where a native writes what may be long ----------------------------------------------------------
 *
 * A Stream, or a file that takes its place only when it is whole: written beside it, synced, renamed.  What was begun
 * is ended, or dropped: then a file is as it was, and so is a Stream that writes at the end of a regular file, unless
 * somebody else has written there meanwhile. */
typedef struct crp_sink {
    crp_word stream;
    void *file;
    int64_t from;   /* the place in the Stream's file where it began */
    size_t written; /* so many bytes */
    bool at_end;    /* nothing was in the file behind that place */
    bool broken;    /* a write to the Stream had failed before */
} crp_sink;

crp_status crp_sink_begin(crp *, crp_sink *, crp_word where); /* a path or a Stream, else 1.11; 5.1 */
/* Takes some of n > 0 bytes, or AGAIN, or 5.4. */
crp_status crp_sink_write(crp_call *, crp_sink *, const void *bytes, size_t n, size_t *taken);
crp_status crp_sink_end(crp_call *, crp_sink *);
void crp_sink_drop(crp *, crp_sink *); /* a zeroed one, or one that has ended, is none */
static inline void crp_sink_mark(crp *vm, crp_sink *sink, crp_marker mark) { mark(vm, sink->stream); }

#ifdef __cplusplus
}
#endif
#endif
