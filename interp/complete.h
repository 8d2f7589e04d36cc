/* floor 9: what a name that is being typed could become.
 *
 * A pure function of the interpreter, a text and a place in it.  It looks and runs nothing (receiver.h), so
 * it may be asked at every key.
 */
#ifndef CARAPACE_COMPLETE_H
#define CARAPACE_COMPLETE_H

#include "state.h"

/* `text` may replace what stands from the place that crpi_complete returns; `signature` and `help` are ""
 * where there is nothing to say.  The texts are good during the call only. */
typedef void (*crpi_each_candidate)(void *ud, const char *text, const char *signature, const char *help);

/* In order, each name once: the members of what stands before a dot, from its class's table; the classes
 * after `create`; methods after `C::`; file names inside a String; else every name that has a meaning.
 * Returns where the part begins that a candidate replaces; `at` when there is none. */
size_t crpi_complete(crp *, const char *text, size_t at, crpi_each_candidate, void *ud);

#endif
