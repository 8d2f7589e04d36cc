/* floor 5: macros: a form with every call of one replaced.
 *
 * This is a pass of its own, before the compiler sees the form.  It copies on write: what has no macro call in it
 * stays the same pairs, so their places stay, and a form that is data is never changed.  It knows what each special
 * form evaluates, and which names are variables where: a variable hides a macro of its name in head position.
 */
#ifndef CARAPACE_EXPAND_H
#define CARAPACE_EXPAND_H

#include "cells.h"
#include "chunk.h"

/* What is known of where the form stands.  Zeroed: a form that is a value, nowhere. */
typedef struct crpi_expansion {
    const crpi_source *source;
    const crpi_places *places; /* of what the reader made; NULL: none */
    crpi_places *made;         /* gets the places of what is made here: the call's.  With `places`, or NULL */
    crp_word variables;        /* ((name ...) ...): what can be seen from around the form, or 0 */
    bool in_function;          /* a `local` in the form hides a macro: it is not a variable of the file */
} crpi_expansion;

/* *out is the form itself if there is no macro call in it. */
crp_status crpi_expand(crp *, const crpi_expansion *, crp_word form, crp_word *out);

/* Only the form itself, and if that gives another macro call that one, up to so many times. */
crp_status crpi_expand_head(crp *, const crpi_expansion *, crp_word form, int64_t times, crp_word *out);

/* Whether a template of quasiquote has nothing to be evaluated in it; any depth.  It may say no too often. */
bool crpi_template_is_constant(crp *, crp_word form);

/* Appends "(name argument ...)": how a macro is called. */
void crpi_macro_shape(crp *, uint32_t cell, crpi_buf *out);

#endif
