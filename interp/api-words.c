/* floor 8: what works on words for a host, and between words and handles. */
#include "api.h"

#include "lib.h"

crp_status crp_word_of(crp *vm, crp_val v, crp_word *out) { return crpi_handle_word(vm, v, out); }

crp_status crp_val_of(crp *vm, crp_word w, crp_val *out)
{
    *out = crp_nil();
    return crpi_look_end(vm, crpi_look_begin(vm), crpi_handle_new(vm, w, out));
}

/* Inside a native the error is the pending one, and the value is kept like what the native has made itself. */
static crp_status to_native(crp *vm, crp_status st, crp_word value)
{
    if (st) return crp_rethrow(vm, crpi_api_of(vm)->last);
    return crpi_log_fresh(vm, value) ? CRP_OK : CRP_E_NOMEM;
}

/* Where nothing runs, of all words that the host has made only the value is kept. */
static inline crp_status to_host(crp *vm, crp_status st, crp_word value)
{
    crpi_api *api = crpi_api_of(vm);
    vm->heap.fresh_count = api->looked_at;
    api->given = value;
    return st;
}

static crp_status call_named(crp *vm, crp_word name, const crp_word *args, size_t n, crp_word *value)
{
    crp_word function;
    crp_status st = crpi_lib_function(vm, name, &function);
    return st ? st : crpi_call(vm, function, args, n, value);
}

crp_status crp_call_words(crp *vm, crp_word function, const crp_word *args, size_t n, crp_word *out)
{
    crpi_visit visit;
    crp_word value = CRP_NIL;
    crp_status st = crpi_visit_begin(vm, &visit);
    if (st) return st == CRP_E_THREAD || !vm->task ? st : to_native(vm, st, value);
    st = crpi_call_begins(vm);
    if (!st && crp_is_a(function, CRP_FUNCTION)) st = crpi_call_quickly(vm, function, args, n, &value);
    else if (!st) st = call_named(vm, function, args, n, &value);
    st = crpi_visit_end(vm, &visit, crpi_ran(st));
    if (out) *out = value;
    return vm->task ? to_native(vm, st, value) : to_host(vm, st, value);
}
