/* floor 5: forms to code, one top-level form at a time.
 *
 * A file's variables live in cells, a function's in registers.  One walk over a function's body before it is compiled
 * finds out which variables need a box (captured by a lambda and assigned) and which registers `local` needs; after
 * that, code is emitted in one pass, each expression told where its value is wanted.
 */
#ifndef CARAPACE_COMPILER_H
#define CARAPACE_COMPILER_H

#include "cells.h"
#include "chunk.h"

/* The variables that a file's functions and lambdas share. */
typedef struct crpi_scope {
    crp_word *names;
    uint32_t *cells;
    bool *declared; /* false: only read so far, before anything set it */
    size_t count, names_capacity, cells_capacity, declared_capacity;
} crpi_scope;

void crpi_scope_free(crp *, crpi_scope *);
/* The cell of a file's variable: 0 if there is none of that name. */
uint32_t crpi_scope_find(const crpi_scope *, crp_word name, bool *declared);
crp_status crpi_scope_add(crp *, crpi_scope *, crp_word name, crpi_type, bool declared, uint32_t *cell);

/* Compiles one top-level form into a function without arguments.  `places` may be NULL.  `holder`: the pair that had it
 * as its head when it was read, for its place. */
crp_status crpi_compile(crp *, crpi_source *, const crpi_places *, crp_word form, crp_word holder, crp_word *function);

/* Compiles a form for `eval` in the code `around`: `variables` is the list that the EVAL instruction carries,
 * ((name type index boxed) ...); the function captures one box for each, in that order.  `face`: which of the object's
 * interfaces `this` is seen through, or CRPI_EVAL_TOP: the form stands at the file's top level. */
crp_status crpi_compile_eval(crp *, const crpi_proto *around, crp_word variables, uint32_t face, crp_word form, crp_word *out);

enum { CRPI_MAX_FORM_DEPTH = 1000, CRPI_EVAL_TOP = 255 };

#endif
