/* floor 3: text to values.
 *
 * The reader keeps its own stack, so text may be nested to any depth up to a limit that is a number, not the C
 * stack.  It remembers where each element of each List stood: the compiler turns that into the line table.
 *
 * The place of an element is kept under the pair whose head it is.  That holds for the pairs that `'x` and
 * `o.m` make as well: in (quote x) the Symbol `quote` stands where the prefix was; in (. o m) the dot stands
 * where it was, `o` where the left side begins, `m` at the name.  The whole form begins where `o` does.
 */
#ifndef CARAPACE_READER_H
#define CARAPACE_READER_H

#include "state.h"

enum { CRPI_MAX_NESTING = 2000000 };

/* The codes of class 8. */
enum crpi_parse_error {
    CRPI_PARSE_END = 1,   /* the text ends inside a form */
    CRPI_PARSE_BRACKET,   /* a bracket that closes nothing, or is none of ( ) */
    CRPI_PARSE_NUMBER,    /* malformed, or out of range */
    CRPI_PARSE_ESCAPE,    /* in a String or a |Symbol| */
    CRPI_PARSE_CHARACTER, /* NUL, broken UTF-8, or one that begins nothing */
    CRPI_PARSE_TOO_DEEP,  /* more than CRPI_MAX_NESTING levels */
    CRPI_PARSE_DOT,       /* a dot without a name, or with a space on its left */
    CRPI_PARSE_BINARY,    /* not pairs of hexadecimal digits */
    CRPI_PARSE_NAME       /* colons in the wrong place, or too long */
};

typedef struct crpi_place {
    uint32_t line, column; /* from 1; column in bytes */
} crpi_place;

/* Where things stood: for each pair that the reader made, the place of its head. */
typedef struct crpi_places {
    crpi_mem *mem;
    struct { crp_word pair; crpi_place at; } *slots; /* open addressing */
    size_t count, capacity;
    const struct crpi_places *under; /* where what is not here is looked for, or NULL */
} crpi_places;

void crpi_places_init(crpi_places *, crpi_mem *);
void crpi_places_free(crpi_places *);
bool crpi_places_put(crpi_places *, crp_word pair, crpi_place);
bool crpi_places_get(const crpi_places *, crp_word pair, crpi_place *out);

typedef struct crpi_reader {
    crp *vm;
    const char *name; /* of the source, for messages */
    const char *text, *end, *at;
    const char *line_start;
    uint32_t line;
    crpi_places *places; /* may be NULL */
} crpi_reader;

/* Skips a BOM.  The text must outlive the reader. */
void crpi_reader_init(crpi_reader *, crp *, const char *name, const char *text, size_t length, crpi_places *);

/* Reads one form.  *end true: no more.  *at (may be NULL) is where it began.
 * CRP_INCOMPLETE (an error is recorded as well): the text ends inside a form, which then names the bracket or quote
 * that was never closed; any other status: a parse error, class 8, with place and source line set. */
crp_status crpi_read(crpi_reader *, crp_word *form, crpi_place *at, bool *end);

/* All forms of a text as a List; nothing of it when there is an error. */
crp_status crpi_read_all(crpi_reader *, crp_word *forms);

/* After an error the reader stands where the error is.  This goes on to the next line with a bracket in its
 * first column, so that further errors of a file can be found in one go; false: there is none. */
bool crpi_reader_recover(crpi_reader *);

/* Whether this text reads as just the Symbol of that name; the printer writes any other as |...|. */
bool crpi_reads_as_symbol(const char *name, size_t length);

#endif
