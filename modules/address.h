/* floor 4: numeric addresses: how they are written, and which family of a host's is tried first. */
#ifndef CARAPACE_ADDRESS_H
#define CARAPACE_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include "module.h"

enum { CRPI_ADDRESS_TEXT = 80 };

typedef struct crpi_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } at;
    unsigned length;
} crpi_address;

/* "192.0.2.1", "2001:db8::1", "[::1]", "fe80::1%eth0"; false: not a numeric address. */
bool crpi_address_parse(const char *host, unsigned port, crpi_address *out);
/* "192.0.2.1:110" or "[::1]:110"; "" for anything else than IP. */
void crpi_address_text(const crpi_address *, char out[CRPI_ADDRESS_TEXT]);
bool crpi_address_is_loopback(const crpi_address *);
unsigned crpi_address_port(const crpi_address *);
/* Is the IPv6 one to be tried before the IPv4 one?  Each stands for those of its family (RFC 6724, rules 1, 5
 * and 6). */
bool crpi_address_six_first(const crpi_address *six, const crpi_address *four);

#endif
