/* floor 1: the types that native code shares with the interpreter; installed as <carapace/types.h>.
 *
 * A value is one 8-byte word.  Its low bits say what it is:
 *
 *   ..00   fixnum    a 62-bit Integer, shifted left by two
 *   ..10   flonum    a Real whose exponent allows it (see value.h)
 *   .001   object    a pointer to a heap object, plus one: its header names its class
 *   .101   pair      a pointer to a headerless pair, plus five: a non-empty List
 *   .011   constant  NIL, or a Symbol: its number in the symbol table
 *
 * So an Integer costs no memory, a test for "is it a List" needs no load, and `or` of two words tells in one
 * test whether both are fixnums.  An Integer past 62 bits and a Real with a huge exponent are objects.
 *
 * A word is only good while the collector knows of it.  Native code need not root anything: a collection keeps
 * the receiver, the arguments, the saved state and everything allocated since the native was entered or resumed.
 */
#ifndef CARAPACE_TYPES_H
#define CARAPACE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct crp crp; /* one interpreter: heap, classes, tasks */
typedef uint64_t crp_word;

/* What every call that can fail returns.  OK, AGAIN and CALL are no failures; of the others natives use only
 * what crp_raise returns, and the rest tells a host what kind of error it got. */
typedef enum crp_status {
    CRP_OK = 0,
    CRP_INCOMPLETE, /* source text ends inside a form */
    CRP_SUSPENDED,  /* a limit was reached; crp_resume goes on */
    CRP_AGAIN,      /* native: call me again when what I wait for has come */
    CRP_CALL,       /* native: call the function that I named, then me again with its value */
    CRP_E_SYNTAX = 16,
    CRP_E_TYPE,
    CRP_E_NAME,
    CRP_E_ARITY,
    CRP_E_RAISED,
    CRP_E_IO,
    CRP_E_TLS,
    CRP_E_AUTH,
    CRP_E_PROTOCOL,
    CRP_E_TIMEOUT,
    CRP_E_BUDGET,
    CRP_E_CANCELLED,
    CRP_E_DENIED,
    CRP_E_NOMEM,
    CRP_E_STALE,
    CRP_E_THREAD,
    CRP_E_MISUSE
} crp_status;

/* The fixed class numbers.  A class made later, native or scripted, gets the next free one. */
enum crp_class_id {
    CRP_OBJECT = 0, /* as a declared class: anything */
    CRP_INTEGER,
    CRP_REAL,
    CRP_STRING,
    CRP_SYMBOL,
    CRP_LIST,
    CRP_BINARY,
    CRP_BUFFER,
    CRP_ARRAY,
    CRP_HASHTABLE,
    CRP_ERROR,
    CRP_FUNCTION,
    CRP_CLASS,
    CRP_REFERENCE,
    CRP_STREAM,
    CRP_TIME,
    /* never seen by scripts */
    CRP_BOX,   /* a captured variable that is assigned */
    CRP_PROTO, /* compiled code */
    CRP_VIEW,  /* another interface of an object */
    CRP_TASK,
    CRP_BLOCK, /* owns the bytes of a long String */
    CRP_CALLS, /* what an Error keeps of the calls */
    CRP_ZONE,  /* of a Time */
    CRP_FIRST_FREE_CLASS
};

/* Every heap object but a pair begins with this. */
typedef struct crp_object {
    uint32_t class_id;
    uint8_t flags; /* CRP_F_... */
    uint8_t sort; /* as aux */
    uint16_t aux; /* the class's own use */
} crp_object;

enum { CRP_F_CONNECTED = 0x80 }; /* in `flags`: CRP_CONFIG properties may not be set now */

typedef struct crp_pair {
    crp_word head, tail;
} crp_pair;

#define CRP_NIL ((crp_word)0x03)
#define CRP_TRUE ((crp_word)0x0B)  /* the Symbol `true`, number 0 */
#define CRP_UNSET ((crp_word)0x13) /* no value: never reaches a script */

static inline bool crp_is_fixnum(crp_word w) { return (w & 3) == 0; }
static inline bool crp_is_flonum(crp_word w) { return (w & 3) == 2; }
static inline bool crp_is_object(crp_word w) { return (w & 7) == 1; }
static inline bool crp_is_pair(crp_word w) { return (w & 7) == 5; }
static inline bool crp_is_symbol(crp_word w) { return (w & 0xff) == 0x0B; }
static inline bool crp_is_true(crp_word w) { return w != CRP_NIL; }

static inline int64_t crp_fixnum_value(crp_word w) { return (int64_t)w >> 2; }
static inline crp_word crp_fixnum(int64_t i) { return (crp_word)i << 2; } /* |i| < 2^61 */
static inline crp_object *crp_object_of(crp_word w) { return (crp_object *)(uintptr_t)(w - 1); }
static inline crp_pair *crp_pair_of(crp_word w) { return (crp_pair *)(uintptr_t)(w - 5); }
static inline crp_word crp_from_object(const void *o) { return (crp_word)(uintptr_t)o + 1; }
static inline crp_word crp_from_pair(const crp_pair *p) { return (crp_word)(uintptr_t)p + 5; }
static inline uint32_t crp_symbol_id(crp_word w) { return (uint32_t)(w >> 8); }
static inline crp_word crp_symbol_from_id(uint32_t id) { return (crp_word)id << 8 | 0x0B; }
static inline crp_word crp_bool(bool b) { return b ? CRP_TRUE : CRP_NIL; }

/* True if the word is an object of just this class. */
static inline bool crp_is_a(crp_word w, uint32_t class_id)
{
    return crp_is_object(w) && crp_object_of(w)->class_id == class_id;
}

/* --- native functions ---------------------------------------------------------------------------------- */

typedef struct crp_call crp_call;

/* A native function or method.  It is called with its arguments checked against its spec, `step` 0 and `state`
 * zeroed.  It never blocks.  It returns
 *   CRP_OK      with `result` set (it is NIL on entry);
 *   CRP_AGAIN   after crp_wait_...: it is called again, same record, when that has come;
 *   CRP_CALL    after crp_then_call: it is called again with `value`, what the script function returned;
 *   an error    what crp_raise returned.
 * `step` is the native's own: where to go on.  args, state and result survive between the steps. */
typedef crp_status (*crp_native)(crp_call *);

struct crp_call {
    crp *vm;
    crp_word self;        /* the receiver of a method, else NIL */
    const crp_word *args; /* `count` of them; an optional one that was left out and has no default is CRP_UNSET */
    uint32_t count;
    uint32_t step;
    void *state; /* the row's state_size bytes, or NULL */
    crp_word result;
    crp_word value; /* after CRP_CALL: what was returned */
    bool patient;   /* receiving: it will wait if nothing is there, so what is likely not there need not be asked for */
};

typedef void (*crp_marker)(crp *vm, crp_word w); /* how `mark` hooks report the words they hold */

/* One row describes one function or method: to the caller's checks, to classInfo, completion, help and the
 * reference.  `spec` is the manual's notation, result class first: "String (msgNo Integer) (nLines Integer 0)
 * ...".  An argument is `name` or `(name Class)` or `(name Class default)`; `?` as default makes it optional
 * without one; `...` allows any further ones; a class written `A|B` allows either. */
typedef struct crp_method {
    const char *name;
    const char *spec;
    crp_native fn;
    const char *help; /* a sentence or more; never NULL */
    uint32_t state_size;
    void (*mark_state)(crp *, void *state, crp_marker);
    void (*drop_state)(crp *, void *state); /* runs exactly once, also on error and cancel */
} crp_method;

enum crp_property_flag {
    CRP_READ = 1,
    CRP_WRITE = 2,
    CRP_RW = 3,
    CRP_CONFIG = 4, /* settable only while not connected */
    CRP_STACK = 8,  /* an attribute: reachable through the stack's get and set */
    CRP_SECRET = 16 /* never printed, logged or described */
};

/* One row describes one property.  The value lives in the object, a crp_word at `offset`, or is computed by
 * `get` and `set` (either may be NULL: plain).  A word at an offset is marked by the collector by itself. */
typedef struct crp_property {
    const char *name;
    const char *class_name; /* "Integer", ...; "Object" is anything */
    uint32_t flags;
    uint32_t offset;
    const char *start; /* the start value as source text; NULL: that of the class (0, 0.0, "", else ()) */
    const char *range; /* "1..65535" or "odd|even|none"; NULL: any */
    const char *help;  /* with its unit, if it has one; never NULL */
    crp_status (*get)(crp *, crp_object *, crp_word *out);
    crp_status (*set)(crp *, crp_object *, crp_word value);
} crp_property;

/* The only description of a native class.  Tables end with a row without a name. */
typedef struct crp_class_def {
    uint32_t size; /* sizeof(crp_class_def): newer hosts and modules may know more fields */
    const char *name;
    const char *other_name; /* a second name for the same class, or NULL */
    const char *help;
    uint32_t instance_size;        /* bytes, crp_object included; 0: the creator makes the value, self is () */
    const crp_property *properties;
    const crp_method *methods;
    const crp_method *creator;     /* `create`: called with self made, zeroed and its start values set; NULL: no arguments */
    void (*mark)(crp *, crp_object *, crp_marker); /* words that no property row covers */
    void (*drop)(crp *, crp_object *);             /* frees what is outside the heap; touches no other object */
    /* A member that the object lacks (or its own read-only property given arguments): true, and the dot goes on with
     * *target instead.  CommsStack hands calls to its top-most module so. */
    bool (*missing)(crp *, crp_object *, crp_word name, crp_word *target);
    const void *module; /* a comms module's operations (module.h), else NULL */
    /* Methods that an object has beyond those of its class: where in the object the crp_word is that holds them, a
     * HashTable of native Functions by Symbol, which `mark` marks.  0: there are none. */
    uint32_t own_methods;
} crp_class_def;

#ifdef __cplusplus
}
#endif
#endif
