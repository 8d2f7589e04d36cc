/* floor 4: what is known of a stack, in words and in milliseconds. */
#ifndef CARAPACE_DESCRIBE_H
#define CARAPACE_DESCRIBE_H

#include "stack.h"

/* The layers with their settings, states and counters, then addresses, TLS and times. */
crp_status crpi_describe(crp *, const crpi_layers *, crp_word *out);
/* Gives the pending error of a layer its details, if it is one of communication. */
void crpi_describe_error(crp *, const crp_module *);

/* Milliseconds; -1: not (yet) connected.  The first two stay known after the connection has ended. */
int64_t crpi_connect_time(const crp_module *);
int64_t crpi_connect_time_of_all(const crpi_layers *);
int64_t crpi_connected_for(crp *, const crp_module *);

#endif
