/* What (loadLibrary "library") loads in tests/cli/library.sh: one function and one class, the table in another file. */
#include "library.h"

extern const crp_class_def gauge_class;

static crp_status twice(crp_call *c)
{
    return crp_integer(c->vm, 2 * crp_integer_value(c->args[0]), &c->result);
}

static crp_status fail(crp_call *c)
{
    return crp_raise(c->vm, 100, 7, "the library says %s, %d times: %v", "no", 3, c->args[0]);
}

static const crp_method functions[] = {
    {"libraryTwice", "Integer (x Integer)", twice, "Twice as much.", 0, NULL, NULL},
    {"libraryFail", "NIL (x Object)", fail, "An error of its own.", 0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static crp_status begin(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_functions(vm, functions);
    return st ? st : crp_define_class(vm, &gauge_class, &id);
}

CRP_LIBRARY(begin)
