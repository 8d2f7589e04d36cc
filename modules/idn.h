/* floor 4: the names of hosts as the DNS knows them.
 *
 * idn.c refuses names that nobody can have.  How a name with other letters than ASCII's is written in ASCII (IDNA
 * 2008, by UTS 46) only libidn2 knows; whoever has no such name shall not pay for starting it, so idn-libidn2.c is
 * a shared object of its own, carapace-idn.so, which is loaded for the first one (crp_load_part).
 */
#ifndef CARAPACE_IDN_H
#define CARAPACE_IDN_H

#include "module.h"

enum { CRPI_MAX_HOST = 256 /* bytes of a name in ASCII, with its end */ };

/* A host's name as the DNS knows it, "xn--bcher-kva.example" for "bücher.example".  6.10 if nobody can have it,
 * 1.8 for a NUL in it, 1.12 where a build has no such names. */
crp_status crpi_host_ascii(crp *, crp_word host, char out[CRPI_MAX_HOST]);

/* --- between the library and carapace-idn.so -------------------------------------------------------------- */

enum { CRPI_IDN_ABI = 1 };

typedef struct crpi_idn {
    size_t size;
    unsigned abi;
    /* A name in UTF-8, put into ASCII.  NULL, or why it cannot be. */
    const char *(*ascii)(const char *name, char out[CRPI_MAX_HOST]);
} crpi_idn;

/* What the shared object shows, and nothing else: its table, or NULL for another ABI. */
#define CRPI_IDN_ENTRY "crp_idn"
const crpi_idn *crp_idn(unsigned abi);

#endif
