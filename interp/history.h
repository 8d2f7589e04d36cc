/* floor 10: what was entered at the prompt, kept from one session to the next.
 *
 * A line of the file is one entry, with \n and \\ for a line break and a backslash, so a form of many rows
 * comes back whole.  The file is the user's alone (0600); sessions at the same time add to its end.
 */
#ifndef CARAPACE_HISTORY_H
#define CARAPACE_HISTORY_H

#include "state.h"

/* Gives every kept entry, oldest first, and says where new ones go: CARAPACE_HISTORY, or
 * `carapace/history` below XDG_STATE_HOME. */
void crpi_history_open(void (*each)(const char *entry));

/* Adds an entry; one that is the same as the last one, begins with a blank or holds a secret is not kept. */
void crpi_history_add(crp *, const char *entry);

/* Whether somebody's password may stand in the text: a word that names such a thing, or a property that a
 * class's table says is one, beside a String; or a URL with a password. */
bool crpi_history_is_secret(crp *, const char *entry);

#endif
