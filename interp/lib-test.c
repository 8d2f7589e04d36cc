/* floor 7: what tests written in Carapace are made of; the forms around it are in stdlib/test.crp. */
#include "lib.h"

static crp_status expect(crp_call *c)
{
    if (!crp_equal(c->vm, c->args[0], c->args[1]))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "expected %v, given %v", c->args[1], c->args[0]);
    c->result = CRP_TRUE;
    return CRP_OK;
}

static const crp_method functions[] = {
    {"expect", "Object given wanted", expect,
     "true if both are equal as == says; else error 1.5 with both.\n"
     "(expect (+ 1 2) 3)        # --> true\n"
     "(expect (+ 1 2) 4)        # error: 1.5",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_test(crp *vm) { return crp_define_functions(vm, functions); }
