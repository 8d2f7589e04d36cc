/* floor 7: how natives walk what `for` walks, call a script for each item, and gather what they give.
 *
 * A walk is a cursor in a native's state, so it goes on where it was after anything that parks the task: the
 * callback, or the method `next` of the object that is walked.  It follows the rules of FORNEXT (slow.c), so
 * that `for` and the functions agree on what happens when a callback changes what is walked:
 *
 *   List       what follows an item is settled when that item is taken
 *   Array      by index, up to its length
 *   bytes      of a String, Binary or Buffer: by index, up to the length at that moment
 *   HashTable  its keys as they were put in: a removed one is not seen, a new one comes at the end
 *   object     its method `next` is asked until it gives ()
 *
 * Only a List that has no end is told apart: the loop is the script's and goes on until it is left, but a
 * function would fill the memory, so it raises 1.2 once it goes in circles.
 */
#ifndef CARAPACE_LIB_WALK_H
#define CARAPACE_LIB_WALK_H

#include "lib.h"

/* --- walking -------------------------------------------------------------------------------------------- */

typedef struct crpi_walk {
    crp_word at;   /* of a List what is left, else the container */
    crp_word item; /* that was taken last */
    crp_word mark; /* of a List: a pair that was passed; meeting it again is going in circles */
    size_t cursor;
    bool circles;
} crpi_walk;

/* Walks that go side by side and end with the shortest. */
typedef struct crpi_walks {
    crpi_walk one, *more; /* more: all of them, when there are several; else NULL */
    uint32_t count;
    uint32_t next; /* the one that is due in this turn */
    bool asked;    /* its object's `next` was called */
    bool bounded;  /* the native stops by itself: going in circles does no harm */
} crpi_walks;

static inline crpi_walk *crpi_walks_all(crpi_walks *w) { return w->more ? w->more : &w->one; }

/* `first` and n more; 1.11 for what cannot be walked.  What was begun before may be begun anew. */
crp_status crpi_walks_begin(crp_call *, crpi_walks *, crp_word first, const crp_word *more, uint32_t n);
/* The next item of each, or *more is false.  CRP_CALL is handed up; called again after it, this goes on. */
crp_status crpi_walks_next(crp_call *, crpi_walks *, bool *more);
void crpi_walks_mark(crp *, crpi_walks *, crp_marker);
void crpi_walks_drop(crp *, crpi_walks *);

/* --- gathering ------------------------------------------------------------------------------------------ */

/* A new List, or a new Array where what is walked is one. */
typedef struct crpi_gather {
    crp_list_builder list;
    crp_word *items;
    size_t count, capacity;
    bool array;
} crpi_gather;

void crpi_gather_begin(crpi_gather *, crp_word like);
/* The same for as many items as an Array has that is walked, which spares it growing. */
crp_status crpi_gather_begin_as(crp *, crpi_gather *, crp_word like);
crp_status crpi_gather_more(crp *, crpi_gather *, crp_word item); /* what follows does this where there is no room */
static inline crp_status crpi_gather_add(crp *vm, crpi_gather *g, crp_word item)
{
    if (!g->array || g->count == g->capacity) return crpi_gather_more(vm, g, item);
    g->items[g->count++] = item;
    return CRP_OK;
}
crp_status crpi_gather_end(crp *, crpi_gather *, crp_word *out);
void crpi_gather_mark(crp *, const crpi_gather *, crp_marker);
void crpi_gather_drop(crp *, crpi_gather *);

/* --- turns ---------------------------------------------------------------------------------------------- */

/* What a native that walks has first in its state. */
typedef struct crpi_turns {
    crpi_walks walks;
    crp_word function; /* the callback, or NIL */
    size_t number;     /* of items that were dealt with */
    bool of_self;      /* called as a method: what is walked is the receiver */
    const struct crpi_turn *kind;
} crpi_turns;

/* What it does.  As a function it is called with `before` arguments, what is walked, and `after` arguments;
 * as a method the receiver is walked and the arguments are the same.  The callback is the first argument. */
typedef struct crpi_turn {
    uint8_t before, after;
    bool calls; /* the callback is called with the items of each turn */
    bool leads; /* and with the call's result before them */
    crp_status (*begin)(crp_call *, bool *done); /* or NULL */
    crp_status (*given)(crp_call *, crp_word value, bool *done); /* the callback's value, or the item */
    crp_status (*end)(crp_call *);                              /* or NULL: there was no item more */
} crpi_turn;

crp_status crpi_turns_run(crp_call *, const crpi_turn *, bool of_self);
void crpi_turns_mark(crp *, void *state, crp_marker);
void crpi_turns_drop(crp *, void *state);

static inline crpi_turns *crpi_turns_of(crp_call *c) { return (crpi_turns *)c->state; }
static inline crpi_walk *crpi_turns_walks(crp_call *c) { return crpi_walks_all(&crpi_turns_of(c)->walks); }
/* Which argument it is that a function has behind what is walked, a method in the same place without that. */
static inline uint32_t crpi_turns_after(crp_call *c, uint32_t before)
{
    return before + (crpi_turns_of(c)->of_self ? 0 : 1);
}

/* --- what they share ------------------------------------------------------------------------------------ */

/* The name that the native was called by. */
const char *crpi_lib_called(const crp_call *);
/* The Function that an argument stands for; 1.11, 1.4, or 1.8 if it cannot take n arguments. */
crp_status crpi_lib_callback(crp_call *, crp_word, uint32_t n, crp_word *function);
/* For loops that do not leave the native: an interrupt's error, looked for once in a while. */
crp_status crpi_lib_look(crp *, size_t turn);

#endif
