/* floor 9: what the tables say, as text for people.
 *
 * Everything comes from the rows that the interpreter itself works with (topics.h), so it cannot say anything
 * else than what holds.
 */
#ifndef CARAPACE_HELP_H
#define CARAPACE_HELP_H

#include "state.h"

/* What is known of a name: a form, function, class, global, a member `C.m`, or a variable and a member of
 * what it holds.  Of an unknown name it gives the nearest ones; *known (may be NULL) tells. */
void crpi_help(crp *, const char *topic, size_t length, crpi_buf *out, bool *known);

/* A line for each name that the text is part of, or whose help it is part of; upper and lower case are the
 * same. */
void crpi_apropos(crp *, const char *text, size_t length, crpi_buf *out);

#endif
