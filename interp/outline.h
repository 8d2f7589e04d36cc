/* floor 9: where a place in a text stands: in code, a String or a comment, how deep, in which form.
 *
 * This is for text that is still being typed, so it never fails: it looks at brackets, quotes and comments
 * only and takes whatever is there.  It needs no memory, however deep the text.
 */
#ifndef CARAPACE_OUTLINE_H
#define CARAPACE_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>

enum crpi_outline_kind { CRPI_IN_CODE, CRPI_IN_STRING, CRPI_IN_COMMENT, CRPI_IN_NAME /* a |Symbol| */ };

#define CRPI_NOT_THERE ((size_t)-1)

typedef struct crpi_outline {
    enum crpi_outline_kind kind;
    size_t inside; /* where the String, comment or |Symbol| begins */
    size_t depth;  /* brackets that are open */
    size_t open;   /* where the innermost of them is, or CRPI_NOT_THERE */
    size_t word;   /* where the word begins that ends here: names and dots; without one the place itself */
} crpi_outline;

void crpi_outline_at(const char *text, size_t at, crpi_outline *out);

/* The word that begins at `from`: its end.  Names, numbers and dots, and a String with what follows its
 * dot. */
size_t crpi_outline_word_end(const char *text, size_t length, size_t from);

/* The column (from 0) at which a row begins that is put in at `at`; `first` is the column where the text
 * itself begins, behind the prompt.  `closing`: the row begins with a closing bracket.  CRPI_NOT_THERE
 * inside a String, where blanks count. */
size_t crpi_outline_indent(const char *text, size_t at, size_t first, bool closing);

#endif
