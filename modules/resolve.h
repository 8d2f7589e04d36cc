/* floor 4: a host's name to addresses, without waiting in C.
 *
 * Numeric addresses are taken as they are.  A name is looked for in the hosts file, then asked for in the DNS by
 * c-ares, whose sockets and timers are waited for through the call like any other: AAAA and A at once, and what
 * comes first can be tried while the other is still awaited (RFC 8305).  Names that nobody can have are refused
 * before anything is sent; a name with other letters than ASCII's is looked up in its ASCII form (idn.h).
 */
#ifndef CARAPACE_RESOLVE_H
#define CARAPACE_RESOLVE_H

#include "address.h"

enum {
    CRPI_MAX_ADDRESSES = 32,  /* of one family */
    CRPI_RESOLVER_SOCKETS = 4 /* that a wait for names takes at most, of the eight of one wait */
};

typedef struct crpi_resolver crpi_resolver;

/* Begins a look-up, for the module that errors name, or NULL.  *out is to be freed in every case. */
crp_status crpi_resolver_begin(crp *, crp_module *, crp_word host, unsigned port, crpi_resolver **out);
void crpi_resolver_free(crp *, crpi_resolver *);

/* Takes in what has come.  OK: there is something to try, or was.  AGAIN: not yet; what to wait for was said to
 * the call.  6.10: there is no address. */
crp_status crpi_resolver_look(crp_call *, crpi_resolver *);
/* More may come: says to the call what to wait for. */
void crpi_resolver_wait(crp_call *, const crpi_resolver *);
bool crpi_resolver_done(const crpi_resolver *);
/* The address to try next; the families take turns.  False: none now. */
bool crpi_resolver_next(crpi_resolver *, crpi_address *out);
bool crpi_resolver_has_next(const crpi_resolver *);

extern const crp_method crpi_host_functions[]; /* host.c: hostName, hostAddresses */

#endif
