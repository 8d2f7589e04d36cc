/* The list of what has a name. */
#include "named.h"

#include <string.h>
#include "task.h"

static void enlist(crp *vm, crpi_named *n)
{
    crpi_named **first = &vm->tasks->named;
    n->next = *first;
    n->link = first;
    if (*first) (*first)->link = &n->next;
    *first = n;
}

static void drop_named(crp *vm, crp_object *o)
{
    crpi_named *n = (crpi_named *)o;
    (void)vm;
    if (!n->link) return;
    *n->link = n->next;
    if (n->next) n->next->link = n->link;
}

/* NULL: there is none; `count` is how many there are of all. */
static crpi_named *find(crp *vm, uint32_t class_id, const char *name, size_t length, size_t *count)
{
    size_t n;
    *count = 0;
    for (crpi_named *o = vm->tasks->named; o; o = o->next, ++*count) {
        if (!crpi_is_alive(vm, crp_from_object(o))) continue;
        const char *text = crp_string_data(o->name, &n);
        if (o->h.class_id == class_id && n == length && memcmp(text, name, n) == 0) return o;
    }
    return NULL;
}

static crp_status make(crp *vm, uint32_t class_id, size_t size, crp_word name, bool listed, crp_word *out)
{
    crpi_named *n = crpi_new(vm, class_id, size);
    if (!n) return CRP_E_NOMEM;
    n->name = name;
    if (listed) enlist(vm, n);
    *out = crp_from_object(n);
    return CRP_OK;
}

crp_status crpi_named_get(crp *vm, uint32_t class_id, size_t size, crp_word name, crp_word *out)
{
    size_t length, count;
    const char *text = crp_string_data(name, &length);
    if (length == 0) return make(vm, class_id, size, name, false, out);
    if (length > CRPI_MOST_NAME)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "a name may have %d bytes, given %zu",
                         (int)CRPI_MOST_NAME, length);
    crpi_named *known = find(vm, class_id, text, length, &count);
    if (!known && count >= CRPI_MOST_NAMED) {
        crpi_collect(vm);
        known = find(vm, class_id, text, length, &count);
    }
    if (known) {
        *out = crp_from_object(known);
        return CRP_OK;
    }
    if (count < CRPI_MOST_NAMED) return make(vm, class_id, size, name, true, out);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d Events and Locks with a name",
                     (int)CRPI_MOST_NAMED);
}

crp_status crpi_named_name(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = ((crpi_named *)o)->name;
    return CRP_OK;
}

crp_status crpi_named_class(crp *vm, const crp_class_def *def,
                            void (*mark)(crp *, crp_object *, crp_marker))
{
    uint32_t id;
    crp_status st = crp_define_class(vm, def, &id);
    if (st) return st;
    return crpi_heap_kind(&vm->heap, id, (crpi_kind){mark, drop_named}) ? CRP_OK : crp_no_memory(vm);
}
