/* floor 7: regular expressions.
 *
 * pattern.c has the class Pattern and walks over its matches; pattern-find.c hands them out, pattern-replace.c
 * puts something else in their place.  How a regular expression is matched only PCRE2 knows; whoever uses none
 * shall not pay for starting it, so pattern-pcre2.c is a shared object of its own, carapace-pcre.so, which knows
 * nothing of the interpreter and is loaded for the first Pattern (crp_load_part).
 */
#ifndef CARAPACE_PATTERN_H
#define CARAPACE_PATTERN_H

#include "state.h"

/* --- between the interpreter and carapace-pcre.so ------------------------------------------------------- */

enum { CRPI_PCRE_ABI = 1 };

enum crpi_pattern_flag {
    CRPI_PATTERN_ANY_CASE = 1,
    CRPI_PATTERN_LINES = 2,    /* ^ and $ stand at every line */
    CRPI_PATTERN_DOT_ALL = 4,  /* . is a line break too */
    CRPI_PATTERN_EXTENDED = 8, /* blanks and comments in the pattern mean nothing */
    CRPI_PATTERN_UNICODE = 16, /* \w \d \s \b know all letters */
    CRPI_PATTERN_UTF8 = 32     /* pattern and texts are valid UTF-8; else a character is a byte */
};

typedef struct crpi_pcre_memory {
    void *(*take)(size_t, void *ud);
    void (*give)(void *, void *ud);
    void *ud;
} crpi_pcre_memory;

typedef struct crpi_pcre_fault {
    bool no_memory;
    size_t at;      /* the byte where the pattern cannot be gone on with */
    char text[240]; /* why */
} crpi_pcre_fault;

enum crpi_pcre_outcome {
    CRPI_PCRE_FOUND,
    CRPI_PCRE_NOT_FOUND,
    CRPI_PCRE_STOPPED,      /* because `stop` said so */
    CRPI_PCRE_TOO_MUCH,     /* work */
    CRPI_PCRE_TOO_DEEP,     /* memory for what must be gone back to */
    CRPI_PCRE_ENDLESS,      /* the pattern calls itself without going on in the text */
    CRPI_PCRE_NO_MEMORY,
    CRPI_PCRE_FAILED
};

/* A search; the next one over the same text begins where this one's match ended. */
typedef struct crpi_pcre_search {
    const char *text;
    size_t length, from;  /* `from` is not inside a character */
    bool after_empty;     /* the last match was empty, here: another empty one here is none */
    uint64_t work;        /* what is left of it */
    bool (*stop)(void *ud); /* asked now and then */
    void *ud;
    const size_t *places; /* of a match: begin and end of the whole, then of each group, or CRPI_PCRE_NOWHERE */
} crpi_pcre_search;

#define CRPI_PCRE_NOWHERE ((size_t)-1)

typedef struct crpi_pcre {
    size_t size;
    unsigned abi;
    /* NULL with the fault.  The text is not copied and must stay. */
    void *(*compile)(const crpi_pcre_memory *, const char *text, size_t length, unsigned flags, crpi_pcre_fault *);
    void (*drop)(void *code); /* NULL too */
    size_t (*groups)(const void *code);
    const char *(*name)(const void *code, size_t i, size_t *group); /* by alphabet; NULL behind the last */
    void *(*begin)(void *code);                                     /* a walk; NULL: no memory */
    enum crpi_pcre_outcome (*search)(void *walk, crpi_pcre_search *);
    void (*end)(void *walk); /* NULL too */
} crpi_pcre;

/* What the shared object shows, and nothing else: its table, or NULL for another ABI. */
#define CRPI_PCRE_ENTRY "crp_pcre"
const crpi_pcre *crp_pcre(unsigned abi);

/* --- a Pattern's matches in a text (pattern.c) ---------------------------------------------------------- */

typedef struct crpi_pattern crpi_pattern;

/* Zeroed, it is one that has ended. */
typedef struct crpi_pattern_walk {
    crpi_pattern *pattern;
    void *code, *walk;
    crp_word text; /* the caller keeps it */
    crpi_pcre_search search;
} crpi_pattern_walk;

/* The receiver's matches in a String from a place on: 1.7 for a place beyond it, 1.8 where the pattern cannot
 * be used on this text. */
crp_status crpi_pattern_begin(crp_call *, crp_word text, crp_word from, crpi_pattern_walk *);
/* 1.5 where the pattern takes too much work or memory; CRP_AGAIN, with the wait named, when interrupted. */
crp_status crpi_pattern_next(crp_call *, crpi_pattern_walk *, bool *found);
void crpi_pattern_end(crpi_pattern_walk *);

size_t crpi_pattern_groups(const crpi_pattern_walk *);
bool crpi_pattern_took_part(const crpi_pattern_walk *, size_t group);
/* A name and its group, by alphabet; NULL behind the last. */
const char *crpi_pattern_name(const crpi_pattern_walk *, size_t i, size_t *group);
/* The group of that name, of several the one that took part in the match, if there is one; 0: there is none. */
size_t crpi_pattern_named(const crpi_pattern_walk *, const char *name, size_t length);

/* --- its methods ---------------------------------------------------------------------------------------- */

/* The match as a List: the whole and each group, () for one that took no part (pattern-find.c). */
crp_status crpi_pattern_match(crp *, const crpi_pattern_walk *, crp_word *out);

extern const crp_method crpi_pattern_find_rows[];
extern const crp_method crpi_pattern_replace_rows[]; /* pattern-replace.c */

#endif
