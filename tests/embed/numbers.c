/* A library that says other numbers than those it was compiled with: tests/cli/modules.sh compiles it. Its one function
 * is called by nobody if it is refused. */
#include <carapace/library.h>

static crp_status answer(crp_call *c) { return crp_integer(c->vm, 42, &c->result); }

static const crp_method functions[] = {{"numbersAnswer", "Integer", answer, "42.", 0, NULL, NULL},
                                       {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static crp_status begin(crp *vm) { return crp_define_functions(vm, functions); }

extern const crp_library crp_library_entry;
const crp_library crp_library_entry = {CRP_LIBRARY_ABI + MORE_ABI, COUNT, &crp_functions_of_library, begin};
