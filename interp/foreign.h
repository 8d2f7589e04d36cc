/* floor 0: names that other languages have for what is called otherwise here.
 *
 * Who comes from another language types them first; an error about an unknown name says what it is here.
 */
#ifndef CARAPACE_FOREIGN_H
#define CARAPACE_FOREIGN_H

#include <stddef.h>

/* What to use instead; NULL: nobody would expect that name. */
const char *crpi_foreign_name(const char *name, size_t length);

#endif
