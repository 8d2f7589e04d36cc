/* floor 4: carapace-idn.so: the names of hosts in ASCII, by libidn2. */
#include "idn.h"

#include <string.h>

#include <idn2.h>

/* As browsers do it: capital letters, wide characters and the like become what they stand for, and the letters
 * that IDNA 2003 had no room for stay what they are. */
static const char *ascii(const char *name, char out[CRPI_MAX_HOST])
{
    uint8_t *found = NULL;
    int result = idn2_lookup_u8((const uint8_t *)name, &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (result != IDN2_OK) return idn2_strerror(result);
    size_t n = strlen((const char *)found);
    if (n < CRPI_MAX_HOST) memcpy(out, found, n + 1);
    idn2_free(found);
    return n < CRPI_MAX_HOST ? NULL : "it is longer than 253 bytes";
}

static const crpi_idn table = {sizeof table, CRPI_IDN_ABI, ascii};

const crpi_idn *crp_idn(unsigned abi) { return abi == CRPI_IDN_ABI ? &table : NULL; }
