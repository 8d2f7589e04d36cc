/* floor 10: the command line. */
#ifndef CARAPACE_OPTIONS_H
#define CARAPACE_OPTIONS_H

#include "output.h"
#include "repl.h"
#include "tester.h"

typedef struct crpi_options {
    int argc;
    char **argv;
    int operand;         /* index in argv of FILE, `-` or the first argument; argc: there is none */
    char **loads;        /* -load */
    const char **forms;  /* -e */
    char **path;         /* -I, ends with NULL */
    int load_count, form_count, path_count;
    bool help, version, print, then_prompt, check_only;
    int64_t deadline;    /* milliseconds; 0: none */
    uint64_t max_heap;   /* bytes; 0: no limit */
    enum crpi_colour colour;
    enum crpi_error_format errors;
    crpi_repl_options repl;
    crpi_tester_options test;
} crpi_options;

/* Fills in what argc and argv, which the caller has set, say.  False: wrong use, and that was said on
 * stderr. */
bool crpi_options_parse(crpi_options *);
void crpi_options_free(crpi_options *);
void crpi_options_help(void); /* on stdout */

/* The same for `carapace test`, whose options stand behind the operand: after it, that is the first PATH. */
bool crpi_options_parse_test(crpi_options *);
void crpi_options_help_test(void);

#endif
