/* floor 3: values to text, without recursion on the C stack; safe on cycles. */
#ifndef CARAPACE_PRINTER_H
#define CARAPACE_PRINTER_H

#include "state.h"

typedef enum crpi_print_style {
    CRPI_DISPLAY,  /* as `print` shows it: a String raw, inside a List quoted */
    CRPI_READABLE  /* as source: a String quoted */
} crpi_print_style;

/* `limit` bytes at most (0: no limit), then "...".  A cycle prints "..." where it closes. */
void crpi_print(crp *, crpi_buf *out, crp_word, crpi_print_style, size_t limit);

/* How objects that the printer does not know are shown: set by the class floor; appends "#<Class ...>" with the
 * non-secret scalar properties. */
extern void crpi_print_object(crp *, crpi_buf *out, crp_word object);

#endif
