/* floor 10: the program's signals.
 *
 * SIGINT, SIGTERM, SIGHUP and the deadline cancel what runs.  While nothing runs they are blocked, but for
 * the moments in which crpi_signals_poll waits: so none is lost and none comes between two instructions.  One
 * that the parent had ignored stays ignored.  The first SIGTERM only asks a script that waits for it to end.
 */
#ifndef CARAPACE_SIGNALS_H
#define CARAPACE_SIGNALS_H

#include <poll.h>
#include "carapace.h"

/* What the signals cancel; the token stays the caller's. */
void crpi_signals_open(crp_token *);

/* true: at a prompt, where SIGINT clears or interrupts and nothing else; false: a second SIGINT ends the
 * program at once. */
void crpi_signals_interactive(bool);

/* Around whatever runs scripts. */
void crpi_signals_run(void);
void crpi_signals_rest(void);

/* As poll; -1 at once when one of the signals has come. */
int crpi_signals_poll(struct pollfd *, nfds_t, int milliseconds);

int crpi_signals_caught(void);    /* the last one's number; 0: none */
void crpi_signals_forget(void);   /* it has been acted on */
void crpi_signals_deadline(int64_t milliseconds); /* from now; two seconds later the process ends anyway */
bool crpi_signals_expired(void);

/* From here on a signal ends the program at once, and there is no deadline but the last one: for closing
 * down. */
void crpi_signals_close(void);

/* Ends the process by the signal, as if it had not been caught. */
_Noreturn void crpi_signals_die(int number);

#endif
