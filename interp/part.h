/* floor 7: parts of Carapace that are shared objects of their own.
 *
 * What few scripts need and would cost every one of them at the start, because another library comes with it,
 * is a file beside the program or the library.  It shows one function, which gives a table for the ABI number
 * that it is asked for; it knows nothing of the interpreter.  A part is found and loaded when it is first
 * needed, and stays.  Where there are no shared libraries it is linked in, and nothing of this is used.
 */
#ifndef CARAPACE_PART_H
#define CARAPACE_PART_H

#include "state.h"

enum crpi_part_number { CRPI_PART_FFI, CRPI_PART_PCRE }; /* places in crp.parts */

typedef struct crpi_part {
    enum crpi_part_number number;
    const char *file;    /* "carapace-NAME.so" */
    const char *entry;   /* the function that it shows */
    unsigned abi;
    size_t size;         /* of the table, which begins with its own size */
    const char *without; /* what there is not without it: "C functions cannot be called" */
} crpi_part;

/* 1.12 when it is not there or belongs to another version. */
crp_status crpi_part_load(crp *, const crpi_part *, const void **table);

#endif
