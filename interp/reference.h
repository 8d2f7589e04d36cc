/* floor 9: the reference: pages in Markdown about the forms, the functions and the classes.
 *
 * The pages are made from the rows that the interpreter itself works with.  Their examples are run by
 * `carapace test`, so they are laid out as that wants it (example.h): a class's own example comes before all
 * headings, and so is the set-up of those of its members.
 */
#ifndef CARAPACE_REFERENCE_H
#define CARAPACE_REFERENCE_H

#include "state.h"

/* Hands out index.md, forms.md, functions.md and a page for each class.  False: there was no memory. */
bool crpi_reference_pages(crp *, void (*page)(void *ud, const char *file, const char *text, size_t length),
                          void *ud);

#endif
