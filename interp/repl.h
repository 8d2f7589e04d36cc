/* floor 10: the prompt. */
#ifndef CARAPACE_REPL_H
#define CARAPACE_REPL_H

#include "carapace.h"

typedef struct crpi_repl_options {
    bool quiet;      /* no banner */
    bool no_init;    /* no init file */
    bool no_editor;  /* no readline, even where it could be used */
} crpi_repl_options;

/* Reads forms, runs them and shows their values until :quit, the end of input, (stop) or a signal that
 * ends the program.  The texts share their variables with what crp_eval ran before. */
void crpi_repl(crp *, const crpi_repl_options *);

#endif
