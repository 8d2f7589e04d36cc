/* What libraries call: the functions of functions.h, as they are in this Carapace. */
#include "stack.h"

#define ITSELF(name) name,

const crp_functions crpi_functions = {
    {sizeof(crp_functions), CRP_LIBRARY_ABI, CRP_FUNCTION_COUNT},
    CRP_FUNCTIONS(ITSELF)
};
