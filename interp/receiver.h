/* floor 9: what stands before a dot, found by looking, not by running.
 *
 * Only variables and properties are read; no function and no method is called.  Where there is no value to
 * look at, a declared class will do: of a parameter or `local` in the text, of a function's result, of
 * `create`.
 */
#ifndef CARAPACE_RECEIVER_H
#define CARAPACE_RECEIVER_H

#include "class.h"

typedef struct crpi_receiver {
    crp_word value;    /* CRP_UNSET: only its class is known */
    crpi_class *type;  /* NULL: nothing is known */
    uint32_t face;
} crpi_receiver;

/* The receiver whose text ends at `end`, right before the dot, and begins at `from` at the latest (a word
 * as crpi_outline_at finds it; a form in brackets may stand before it). */
crpi_receiver crpi_receiver_at(crp *, const char *text, size_t from, size_t end);

/* The value of a variable of crp_eval's texts, or of a global `::x`; CRP_UNSET: none, or not set. */
crp_word crpi_variable_value(crp *, const char *name, size_t length);

#endif
