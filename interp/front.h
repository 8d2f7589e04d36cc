/* floor 10: line editors for the prompt.
 *
 * A front reads one form at a time, which is one buffer that can be edited as a whole, and one entry of the
 * history.  It knows nothing of the language: what a form is, how it is indented and completed, it asks its
 * host, the prompt loop.  The readline front is a shared object of its own, so that only who prompts pays for
 * it.
 */
#ifndef CARAPACE_FRONT_H
#define CARAPACE_FRONT_H

#include <stdbool.h>
#include <stddef.h>

enum { CRPI_FRONT_ABI = 1 };

enum crpi_front_event {
    CRPI_FRONT_INPUT,     /* descriptor 0 can be read */
    CRPI_FRONT_INTERRUPT, /* Ctrl-C: what was typed is to be dropped */
    CRPI_FRONT_LEAVE,     /* the program ends */
    CRPI_FRONT_OTHER      /* something that is the front's own, such as another size of the window */
};

#define CRPI_FRONT_NO_COLUMN ((size_t)-1)

typedef void (*crpi_front_candidate)(void *ud, const char *text, const char *signature, const char *help);

typedef struct crpi_front_host {
    size_t size;
    void *ud;
    /* False while a form is open at the end of the text, so that Enter begins another row. */
    bool (*whole)(void *ud, const char *text, size_t length);
    /* The column of a row that is put in at `at`; `first` is that of the text itself; `closing`: it begins
     * with a closing bracket.  CRPI_FRONT_NO_COLUMN where blanks must stay as they are. */
    size_t (*indent)(void *ud, const char *text, size_t at, size_t first, bool closing);
    /* As crpi_complete. */
    size_t (*complete)(void *ud, const char *text, size_t at, crpi_front_candidate, void *candidate_ud);
    /* What is known of the name at `at`: a text for free(), or NULL. */
    char *(*describe)(void *ud, const char *text, size_t length, size_t at);
    /* Waits for input, and lets tasks go on meanwhile. */
    enum crpi_front_event (*wait)(void *ud);
} crpi_front_host;

enum crpi_front_end {
    CRPI_FRONT_FORM,        /* there is a text */
    CRPI_FRONT_EOF,
    CRPI_FRONT_INTERRUPTED, /* Ctrl-C */
    CRPI_FRONT_LEFT         /* the program ends */
};

typedef struct crpi_front {
    size_t size;
    unsigned abi;
    /* False: it cannot be used here. The host stays the caller's. */
    bool (*open)(const crpi_front_host *);
    /* One form, or whatever was entered; *text is for free(). */
    enum crpi_front_end (*read_form)(const char *prompt, char **text, size_t *length);
    void (*remember)(const char *text); /* the next entry of the history */
    /* Writes above what is being edited; only inside `wait` and `describe`. */
    void (*above)(int fd, const char *bytes, size_t length);
    void (*close)(void);
} crpi_front;

/* What the shared object of a front shows, and nothing else: its front, or NULL for another ABI. */
#define CRPI_FRONT_ENTRY "crp_front"
typedef const crpi_front *(*crpi_front_entry)(unsigned abi);

extern const crpi_front crpi_front_plain; /* without editing: for pipes and terminals that can do nothing */

#endif
