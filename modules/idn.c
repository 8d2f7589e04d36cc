/* floor 4: the names of hosts as the DNS knows them: see idn.h. */
#include "idn.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <string.h>

enum { MOST_LABEL = 63, MOST_NAME = 253 };

/* --- carapace-idn.so -------------------------------------------------------------------------------------- */

#if defined CRP_WITHOUT_LIBIDN2

static crp_status load(crp *vm, const crpi_idn **out)
{
    *out = NULL;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "this Carapace was built without libidn2, so the names of hosts have letters of ASCII only");
}

#elif defined CRP_LIBIDN2_LINKED

static crp_status load(crp *vm, const crpi_idn **out)
{
    (void)vm;
    *out = crp_idn(CRPI_IDN_ABI);
    return CRP_OK;
}

#else

static crp_status load(crp *vm, const crpi_idn **out)
{
    static const crp_part part = {"carapace-idn.so", CRPI_IDN_ENTRY, CRPI_IDN_ABI,
                                  sizeof(crpi_idn), "the names of hosts have letters of ASCII only"};
    const void *table;
    crp_status st = crp_load_part(vm, &part, &table);
    *out = table;
    return st;
}

#endif

/* --- names ------------------------------------------------------------------------------------------------ */

static crp_status no_name(crp *vm, const char *host, const char *why)
{
    return crp_raise(vm, CRP_ERR_COMMS, CRP_NAME_NOT_FOUND, "%q is no name of a host: %s", host, why);
}

static bool is_ascii(const char *s)
{
    while (*s && !(*s & 0x80)) s++;
    return !*s;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Letters, digits and hyphens, and the underscore that some have all the same. */
static bool may_stand(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

/* Why nobody can have the name; NULL: somebody can.  A dot at the end says that nothing is to be added. */
static const char *fault_of(const char *name)
{
    size_t n = strlen(name);
    if (n && name[n - 1] == '.') n--;
    if (!n) return "it is empty";
    if (n > MOST_NAME) return "it is longer than 253 bytes";
    size_t label = 0;
    bool digits = true;
    for (size_t i = 0; i < n; i++) {
        if (name[i] == '.') {
            if (!label) return "one of its parts is empty";
            label = 0;
            digits = true;
            continue;
        }
        if (!may_stand(name[i])) return "it has a character that no name has";
        if (++label > MOST_LABEL) return "one of its parts is longer than 63 bytes";
        digits = digits && is_digit(name[i]);
    }
    if (!label) return "one of its parts is empty";
    return digits ? "it ends in a number, as an address does" : NULL;
}

static crp_status from_unicode(crp *vm, const char *host, char out[CRPI_MAX_HOST])
{
    const crpi_idn *idn;
    crp_status st = load(vm, &idn);
    const char *why = st ? NULL : idn->ascii(host, out);
    return why ? no_name(vm, host, why) : st;
}

crp_status crpi_host_ascii(crp *vm, crp_word host, char out[CRPI_MAX_HOST])
{
    const char *name;
    crp_status st = crp_c_string(vm, host, &name);
    if (st) return st;
    if (!is_ascii(name)) {
        if ((st = from_unicode(vm, name, out))) return st;
    } else if (strlen(name) < CRPI_MAX_HOST) {
        strcpy(out, name);
    } else {
        return no_name(vm, name, "it is longer than 253 bytes");
    }
    const char *fault = fault_of(out);
    return fault ? no_name(vm, name, fault) : CRP_OK;
}
