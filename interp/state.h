/* floor 2: one interpreter.
 *
 * Everything hangs from this struct; there is no global state.  Floors above add what is theirs by pointer, so that
 * this header stays below them.
 */
#ifndef CARAPACE_STATE_H
#define CARAPACE_STATE_H

#include "types.h"
#include "native.h"
#include "mem.h"
#include "buf.h"
#include "symbol.h"
#include "heap.h"
#include "platform.h"

struct crpi_class;
struct crpi_member;
struct crpi_cells;
struct crpi_task;
struct crpi_loader;
struct crpi_await;
struct crpi_expander;

struct crp {
    crpi_mem mem;
    crpi_symbols symbols;
    crpi_heap heap;
    const crp_platform *platform;
    void *platform_state;
    uint64_t hash_seed;
    crp_word error;             /* the pending Error, or NIL */
    crp_word no_memory_error;   /* made at the start: raising 1.16 allocates nothing */
    struct crpi_class **classes; /* by number */
    size_t class_count, class_capacity;
    struct crpi_member **members; /* by number: what call sites remember; none is ever moved or reused */
    size_t member_count, member_capacity;
    bool show_location; /* Error's showLocation: does `string` begin with the place */
    struct crpi_cells *cells;   /* global variables, functions, class names (cells.h) */
    struct crpi_task *task;     /* the one that runs */
    struct crpi_tasks *tasks;   /* ready queue and so on (task.h) */
    struct crpi_await *await;
    struct crpi_loader *loader;
    crp_status (*call)(crp *, crp_word function, const crp_word *args, size_t n, crp_word *out); /* task.h: crpi_call */
    struct crpi_expander *expander; /* the innermost one at work (expand.c) */
    crp_status (*load_macro)(crp *, const crp_method *row); /* runs the file that defines this macro (load.c) */
    void *handles;              /* the host's (api.c) */
    volatile int interrupt;     /* set by a signal or another thread; seen when the fuel is out, and by natives */
    volatile int interrupt_later; /* one that came while `finally` ran because of another end: seen when that is over */
    volatile int end_awaited, end_wanted; /* a script waits to be asked to end; it was asked (crp_ask_to_end) */
    int32_t fuel;               /* calls and jumps back until the VM looks round (crpi_look) */
    const struct crpi_quick *quick; /* the quick ways of built-in methods (vm.h), or NULL */
    uint32_t epoch;             /* a redefinition makes caches stale */
    unsigned nesting;           /* host calls inside natives */
    size_t max_depth;           /* frames; 1.15 beyond */
    struct { const crp_part *part; const void *table; } parts[8]; /* those that are loaded (part.c) */
    bool ending;                /* what was given to `atEnd` is called */
    bool stopped;               /* a script has called `stop`: nothing runs any more */
    int exit_status;            /* what it gave to `stop` */
    const crp_property *accessing; /* the row whose get or set is called: one C function may serve many rows */
    struct { crp_word list, last; } append_cache; /* the last pair of the list that endCons grew last */
    crp_word registry; /* native code's long-lived values: a HashTable, or no object yet */
    void (*write)(void *ud, int fd, const char *, size_t); /* where print goes */
    void *write_ud;
};

#endif
