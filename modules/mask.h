/* floor 4: what no text and no record may show.
 *
 * A mask knows secrets.  Where one of them stands in what is shown, as it is or as a part of something in base64, there
 * stands *** instead.  It knows beginnings of lines, too, behind which the rest of the line is secret: "PASS ".
 * Bytes come in any pieces, so a tail remembers the end of what was shown before.
 */
#ifndef CARAPACE_MASK_H
#define CARAPACE_MASK_H

#include "module.h"

typedef struct crpi_mask { /* zeroed: it hides nothing */
    unsigned char *bytes;  /* the forms, each with its kind and length before it */
    size_t n, room;
    uint64_t first[4]; /* the bytes that a form begins with: a set */
} crpi_mask;

typedef struct crpi_tail { /* zeroed: nothing came before */
    unsigned char bytes[255];
    uint8_t n;
    bool hiding; /* the rest of the line is secret */
} crpi_tail;

/* An empty text hides nothing; one of less than four bytes is hidden only where it is a word by itself. */
crp_status crpi_mask_add(crp *, crpi_mask *, const void *secret, size_t n);
crp_status crpi_mask_add_rest(crp *, crpi_mask *, const void *beginning, size_t n);
crp_status crpi_mask_join(crp *, crpi_mask *, const crpi_mask *other);
void crpi_mask_clear(crp *, crpi_mask *);

enum { CRPI_MASK_DIGITS = 1024 };
/* The digits of base64 that the secret alone decides when `shift` bytes of something else, 0 to 2, stand before it in
 * its group of three.  Returns how many; 0: they are too few to tell a secret, or too many. */
size_t crpi_mask_base64(const void *secret, size_t n, size_t shift, unsigned char out[CRPI_MASK_DIGITS]);

/* Writes what may be shown of the bytes, as far as there is room for it, and returns how much that is.  Without a
 * tail the bytes are a line or a record of their own. */
size_t crpi_mask_show(const crpi_mask *, crpi_tail *, const void *bytes, size_t n, char *out, size_t room);

#endif
