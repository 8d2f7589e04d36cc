/* floor 4: functions on the names of hosts: this computer's own, and what a name's addresses are. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "resolve.h"

static crp_status own_name(crp_call *c)
{
    char name[256];
    if (gethostname(name, sizeof name) < 0)
        return crp_raise_errno(c->vm, CRP_ERR_SYSTEM, errno, errno,
                               "cannot find out the name of this computer");
    name[sizeof name - 1] = 0;
    return crp_string_z(c->vm, name, &c->result);
}

/* --- looking up ----------------------------------------------------------------------------------------- */

typedef struct lookup {
    crpi_resolver *resolver;
} lookup;

static void drop_lookup(crp *vm, void *p)
{
    lookup *l = p;
    crpi_resolver_free(vm, l->resolver);
    l->resolver = NULL;
}

/* All of them, that is, of both families. */
static crp_status find(crp_call *c, crpi_resolver **out)
{
    lookup *l = c->state;
    size_t length;
    crp_string_data(c->args[0], &length);
    if (!length) return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "the host's name is empty");
    crp_status st = l->resolver ? CRP_OK : crpi_resolver_begin(c->vm, NULL, c->args[0], 0, &l->resolver);
    if (!st) st = crpi_resolver_look(c, l->resolver);
    if (st) return st;
    *out = l->resolver;
    if (crpi_resolver_done(l->resolver)) return CRP_OK;
    crpi_resolver_wait(c, l->resolver);
    return CRP_AGAIN;
}

/* Without the port. */
static crp_status address_string(crp *vm, const crpi_address *a, crp_word *out)
{
    char text[CRPI_ADDRESS_TEXT];
    crpi_address_text(a, text);
    if (*text == '[') return crp_string(vm, text + 1, strcspn(text, "]") - 1, out);
    return crp_string(vm, text, strcspn(text, ":"), out);
}

static crp_status host_name(crp_call *c)
{
    crpi_resolver *found;
    crpi_address a;
    if (c->count == 0 || c->args[0] == CRP_UNSET) return own_name(c);
    crp_status st = find(c, &found);
    if (!st && crpi_resolver_next(found, &a)) st = address_string(c->vm, &a, &c->result);
    return st;
}

static crp_status host_addresses(crp_call *c)
{
    crpi_resolver *found;
    crpi_address a;
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_status st = find(c, &found);
    while (!st && crpi_resolver_next(found, &a)) {
        crp_word text;
        st = address_string(c->vm, &a, &text);
        if (!st) st = crp_list_add(c->vm, &list, text);
    }
    c->result = list.first;
    return st;
}

const crp_method crpi_host_functions[] = {
    {"hostName", "String (name String ?)", host_name,
     "The name of this computer; with the name of a host its first address. Only the task waits for the "
     "answer. 6.10 if there is no address or nobody can have the name, 1.8 for an empty one, 1.12 for one that is "
     "not ASCII where Carapace was built without libidn2.\n"
     "(hostName \"192.0.2.1\")              # --> \"192.0.2.1\"\n"
     "(> (hostName).length 0)             # --> true",
     sizeof(lookup), NULL, drop_lookup},
    {"hostAddresses", "List (name String)", host_addresses,
     "All addresses of a host, as Strings, in the order in which a Tcp tries them: those of IPv6 and of IPv4 "
     "take turns. The hosts file has it, or the servers of the system's DNS, or those that the variable CARAPACE_DNS "
     "of the environment has, as 192.0.2.53,[2001:db8::53]:5353. A name may have any letters. 6.10 if there is no "
     "address or nobody can have the name, 1.12 as for hostName.\n"
     "(hostAddresses \"::1\")               # --> (\"::1\")",
     sizeof(lookup), NULL, drop_lookup},
    {0}};
