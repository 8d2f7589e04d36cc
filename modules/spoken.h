/* floor 4: what a script says and hears, for the Log, and what of it must not be shown.
 *
 * A protocol module knows which of its bytes are secret and writes its own records.  What a script sends and receives
 * only the script knows: it says so by `sendSecret` and `conceal`.  Besides, no record shows what a secret property
 * of a layer has for its value.
 */
#ifndef CARAPACE_SPOKEN_H
#define CARAPACE_SPOKEN_H

#include "mask.h"

typedef struct crpi_spoken { /* a stack has one when it is first needed */
    crpi_mask mask;
    crpi_tail sent, received;
} crpi_spoken;

/* Hides a text in all records of the stack; `rest`: what follows it in a line that begins with it. */
crp_status crpi_spoken_conceal(crp *, crp_word stack, crp_word text, bool rest);
void crpi_spoken_free(crp *, crpi_spoken *);

/* A record at level pdus of bytes that went by in pieces: a secret may begin in one and end in the next. */
void crpi_spoken_piece(crp *, const crp_module *, crp_direction, const void *bytes, size_t n);
/* What a script has sent or received, up to n bytes of it, by a verb on this layer. */
void crpi_spoken_value(crp *, const crp_module *, crp_direction, crp_word value, size_t n, bool secret);

#endif
