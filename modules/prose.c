/* floor 4: texts of any length for errors and descriptions: see stack.h. */
#include <string.h>
#include "stack.h"

void crpi_prose_add(crpi_prose *p, const char *text)
{
    size_t n = strlen(text);
    if (p->st) return;
    if (n > p->room - p->n) {
        size_t room = 2 * p->room + n + 64;
        char *bytes = crp_realloc(p->vm, p->bytes, p->room, room);
        if (!bytes) {
            p->st = CRP_E_NOMEM;
            return;
        }
        p->bytes = bytes;
        p->room = room;
    }
    memcpy(p->bytes + p->n, text, n);
    p->n += n;
}

void crpi_prose_add_value(crpi_prose *p, crp_word value)
{
    crp_word text;
    if (p->st || (p->st = crp_format(p->vm, &text, "%v", value))) return;
    crpi_prose_add(p, crp_string_data(text, NULL));
}

crp_status crpi_prose_end(crpi_prose *p, crp_word *out)
{
    crp_status st = p->st ? p->st : crp_string(p->vm, p->n ? p->bytes : "", p->n, out);
    if (p->bytes) crp_free_bytes(p->vm, p->bytes, p->room);
    return st;
}
