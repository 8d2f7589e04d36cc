/* floor 8: what the files of the host API share.
 *
 * Each call of the API is a visit: what it allocates is garbage when it ends unless a handle or a root holds
 * it.  A visit that runs something belongs to a thread; one of another thread finds the interpreter busy.
 * Errors wait in `last` until the next visit that runs something, because vm->error is only for what is on
 * its way up.
 */
#ifndef CARAPACE_API_H
#define CARAPACE_API_H

#include <pthread.h>
#include "carapace.h"
#include "load.h"
#include "task-call.h"

/* A word that the host holds.  The generation tells a live handle from one whose slot was used again. */
typedef struct crpi_slot {
    crp_word word; /* CRP_UNSET: free */
    uint64_t generation;
    uint32_t next_free;
} crpi_slot;

typedef struct crpi_slots {
    crpi_slot *slots;
    size_t count, capacity;
} crpi_slots;

enum { CRPI_MOST_LIBRARIES = 64 };
enum { CRPI_MAX_HANDLES = 1 << 24, CRPI_SHOWN_CAUSES = 10 };

struct crp_error {
    crp *vm;
    crp_word error;
    crp_status status;
    const crp_error *cause;
};

struct crpi_host_function;
struct crpi_host_class;

typedef struct crpi_api {
    crpi_slots locals; /* a stack */
    crpi_slots kept;
    uint32_t free_kept; /* index + 1; 0: none */
    uint64_t first_generation;
    crp_word given; /* what crp_call_words gave the host last */
    size_t looked_at; /* so much of the fresh log is crp_complete's, which calls the host */
    crp_word last; /* the Error of the last call that failed, or NIL */
    crp_status last_status;
    crp_error errors[CRPI_SHOWN_CAUSES]; /* what the host sees of it, cause after cause */
    crp_error further; /* what crp_error_further gave */
    crp_token *token;
    uintptr_t thread; /* whose visit runs; 0: nobody's */
    bool own_platform;
    struct crpi_host_function *functions;
    struct crpi_host_class *classes;
    uint32_t first_cells[CRPI_MOST_LIBRARIES]; /* of each library of built-in functions */
} crpi_api;

static inline crpi_api *crpi_api_of(const crp *vm) { return vm->handles; }

bool crpi_api_init(crp *);
void crpi_api_free(crp *);

/* --- visits (api.c) ------------------------------------------------------------------------------------- */

typedef struct crpi_visit {
    size_t fresh;
    bool outermost;
} crpi_visit;

/* Moves the pending error to `last`, for a call that fails with this status; gives the status. */
crp_status crpi_failed(crp *, crp_status);

/* Around what only looks or allocates. */
static inline size_t crpi_look_begin(const crp *vm) { return vm->heap.fresh_count; }
static inline crp_status crpi_look_end(crp *vm, size_t fresh, crp_status st)
{
    if (st) st = crpi_failed(vm, st);
    vm->heap.fresh_count = fresh;
    return st;
}

/* Around what runs something.  When begin fails, nothing is to be done and end is not called. */
static inline crp_status crpi_visit_end(crp *vm, crpi_visit *v, crp_status st)
{
    st = crpi_look_end(vm, v->fresh, st);
    if (v->outermost) __atomic_store_n(&crpi_api_of(vm)->thread, 0, __ATOMIC_RELEASE);
    return st;
}

crp_status crpi_visit_stopped(crp *); /* after an interrupt or `stop`: records what cannot be caught, if that is due */
static inline crp_status crpi_visit_begin(crp *vm, crpi_visit *v)
{
    crpi_api *api = crpi_api_of(vm);
    uintptr_t nobody = 0, me = (uintptr_t)pthread_self();
    v->outermost = __atomic_load_n(&api->thread, __ATOMIC_RELAXED) != me;
    if (v->outermost && !__atomic_compare_exchange_n(&api->thread, &nobody, me, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return CRP_E_THREAD;
    v->fresh = vm->heap.fresh_count;
    vm->error = api->last = CRP_NIL;
    crp_status st = vm->stopped || vm->interrupt ? crpi_visit_stopped(vm) : CRP_OK;
    return st ? crpi_visit_end(vm, v, st) : CRP_OK;
}

/* An error that a script raises never looks like a text that does not compile. */
static inline crp_status crpi_ran(crp_status st)
{
    return st == CRP_E_SYNTAX || st == CRP_INCOMPLETE ? CRP_E_RAISED : st;
}

/* Records an error 1.8, or 1.1 with CRP_E_STALE, in these words and fails with this status. */
crp_status crpi_refuse(crp *, crp_status, const char *format, ...);

/* --- handles (api-value.c) ------------------------------------------------------------------------------ */

crp_status crpi_handle_new(crp *, crp_word, crp_val *out);  /* out may be NULL */
crp_status crpi_handle_word(crp *, crp_val, crp_word *out); /* CRP_E_STALE */
crp_status crpi_handle_words(crp *, const crp_val *, size_t count, crp_word *out);

/* --- host functions (api-native.c) ---------------------------------------------------------------------- */

void crpi_host_free(crp *);

/* What a built-in function is about, in a word or two, by its cell: for the reference.  NULL: it is not built in. */
const char *crpi_library_noun(const crp *, uint32_t cell);

/* Registers the comms modules: modules/register.c.  The one place where the interpreter calls upwards. */
crp_status crp_modules_register(crp *);

/* In a build for GC stress: whether there was a collection at every allocation, if that was asked for. */
bool crpi_gc_stress_ok(const crp *);

#endif
