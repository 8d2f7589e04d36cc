/* floor 4: a host name to addresses, without waiting in C.
 *
 * Numeric addresses are taken as they are; names go to c-ares (hosts file, then DNS), whose sockets and
 * timers are waited for through the call like any other.
 */
#ifndef CARAPACE_RESOLVE_H
#define CARAPACE_RESOLVE_H

#include <sys/socket.h>
#include "module.h"

enum { CRPI_MAX_ADDRESSES = 32, CRPI_ADDRESS_TEXT = 80 };

typedef struct crpi_address {
    struct sockaddr_storage at;
    unsigned length;
} crpi_address;

typedef struct crpi_resolver crpi_resolver;

/* "192.0.2.1", "2001:db8::1", "[::1]", "fe80::1%eth0"; false: not a numeric address. */
bool crpi_address_parse(const char *host, unsigned port, crpi_address *out);
/* "192.0.2.1:110" or "[::1]:110"; "" for anything else than IP. */
void crpi_address_text(const crpi_address *, char out[CRPI_ADDRESS_TEXT]);
bool crpi_address_is_loopback(const crpi_address *);
unsigned crpi_address_port(const crpi_address *);

/* Starts on the first call (*r NULL) and goes on with each: OK with *n addresses, at least one, in the order
 * in which to try them (families alternate); AGAIN; 6.10 for `m`, or NULL: for no module.  The caller frees *r
 * in every case. */
crp_status crpi_resolve(crp_call *, crp_module *m, const char *host, unsigned port, crpi_resolver **r,
                        crpi_address out[CRPI_MAX_ADDRESSES], size_t *n);
void crpi_resolver_free(crp *, crpi_resolver *);

extern const crp_method crpi_host_functions[]; /* host.c: hostName, hostAddresses */

#endif
