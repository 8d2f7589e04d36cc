/* floor 7: objects that are found again by their name: Events and Locks.
 *
 * Creating one with a name gives the object of that class and name that is there already, as long as somebody
 * holds it.  The list of them does not keep them: what is collected leaves it.
 */
#ifndef CARAPACE_NAMED_H
#define CARAPACE_NAMED_H

#include "state.h"

enum { CRPI_MOST_NAMED = 10000, CRPI_MOST_NAME = 255 /* bytes */ };

/* What such an object begins with.  One whose name is "" is in no list. */
typedef struct crpi_named {
    crp_object h;
    crp_word name;            /* a String */
    struct crpi_named *next;
    struct crpi_named **link; /* what points to this one; NULL: it is in no list */
} crpi_named;

/* The object of that class and name; `size` bytes, zeroed behind the name, if it is a new one.  1.8 for a
 * longer name, 1.2 when there are too many. */
crp_status crpi_named_get(crp *, uint32_t class_id, size_t size, crp_word name, crp_word *out);
crp_status crpi_named_name(crp *, crp_object *, crp_word *out); /* of a property row */
/* Defines the class and tells the collector of it. */
crp_status crpi_named_class(crp *, const crp_class_def *, void (*mark)(crp *, crp_object *, crp_marker));

#endif
