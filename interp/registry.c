/* floor 4: the registry: one HashTable per interpreter that keeps native code's long-lived values from the collector. */
#include "state.h"

static void mark_registry(crp *vm, crp_marker mark)
{
    mark(vm, vm->registry);
}

crp_status crp_registry(crp *vm, crp_word *table)
{
    if (!crp_is_object(vm->registry)) {
        crp_status st = crp_hashtable(vm, table);
        if (st) return st;
        if (!crpi_heap_roots(&vm->heap, mark_registry)) return crp_no_memory(vm);
        vm->registry = *table;
    }
    *table = vm->registry;
    return CRP_OK;
}
