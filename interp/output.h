/* floor 10: what the program writes.
 *
 * stdout that is no terminal is written in blocks: when a block is full, before the program waits, before
 * anything goes to stderr, and at the end.  A failure to write is remembered, so that the program can end
 * with it.
 */
#ifndef CARAPACE_OUTPUT_H
#define CARAPACE_OUTPUT_H

#include "carapace.h"

enum crpi_colour { CRPI_COLOUR_AUTO, CRPI_COLOUR_ALWAYS, CRPI_COLOUR_NEVER };
enum crpi_error_format { CRPI_ERRORS_HUMAN, CRPI_ERRORS_JSON, CRPI_ERRORS_GCC };

/* Chooses blocks or not, colours or not. */
void crpi_output_open(enum crpi_colour, enum crpi_error_format);

/* For crp_io; length 0 only writes what is held back. */
void crpi_output_write(void *ud, int fd, const char *bytes, size_t length);
void crpi_output_text(int fd, const char *text);
void crpi_output_flush(void);
int crpi_output_error(void); /* errno of the first failure on stdout; 0: none */

/* While a line is being edited, output goes above it; NULL: it is not. */
void crpi_output_above(void (*above)(int fd, const char *bytes, size_t length));
bool crpi_output_at_line_start(void); /* of the terminal */

bool crpi_output_colour(int fd); /* may escape sequences be sent there? */

/* The error of the last call on stderr, as --error-format says. */
void crpi_output_report(const crp *);

/* "carapace: WHAT: WHY" on stderr, in one line without control bytes; why may be NULL. */
void crpi_output_complain(const char *what, const char *why);

#endif
