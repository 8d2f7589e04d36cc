/* floor 3: names of the 1999 manual that are not here on purpose.
 *
 * An old script that uses one is told why, and what to use instead, rather than that the name is unknown.
 * This table is the only place that knows them; who finds no function, class or hive of a name asks here.
 */
#ifndef CARAPACE_LEFT_OUT_H
#define CARAPACE_LEFT_OUT_H

#include "state.h"

enum crpi_left_out_kind { CRPI_LEFT_OUT_FUNCTION, CRPI_LEFT_OUT_CLASS, CRPI_LEFT_OUT_HIVE };

typedef struct crpi_left_out {
    enum crpi_left_out_kind kind;
    const char *name;
    int code;        /* of error class 1: CRP_NOT_SUPPORTED, or CRP_NOT_IMPLEMENTED for what will come */
    const char *why; /* and what to use instead */
} crpi_left_out;

extern const crpi_left_out crpi_all_left_out[]; /* ends with a row without a name */

/* NULL: no such name.  Functions and classes are looked for alike, since a name that stands alone may be
 * either; hives on their own, since a script may well call something of its own Users. */
const crpi_left_out *crpi_left_out_find(enum crpi_left_out_kind, const char *name, size_t length);
void crpi_left_out_text(const crpi_left_out *, crpi_buf *out);
crp_status crpi_left_out_raise(crp *, const crpi_left_out *);

#endif
