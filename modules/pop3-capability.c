#include <string.h>
#include "pop3.h"

bool crpi_pop3_can(const crpi_pop3 *p, const char *name, const char **arguments, size_t *n)
{
    (void)arguments, (void)n;
    return crp_is_string(p->greeting) && strstr(crp_string_data(p->greeting, NULL), name);
}
