/* What (loadLibrary "library") loads in tests/cli/library.sh: one function and one class. */
#include "native.h"

const uint32_t crp_library_abi = CRP_LIBRARY_ABI;

static crp_status twice(crp_call *c)
{
    return crp_integer(c->vm, 2 * crp_integer_value(c->args[0]), &c->result);
}

static const crp_method functions[] = {
    {"libraryTwice", "Integer (x Integer)", twice, "Twice as much.", 0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

typedef struct gauge {
    crp_object h;
    crp_word level;
} gauge;

static const crp_property properties[] = {
    {"level", "Integer", CRP_RW, offsetof(gauge, level), "7", "0..10", "how high it stands", NULL, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_class_def gauge_class = {
    .size = sizeof gauge_class, .name = "Gauge", .help = "A level.", .instance_size = sizeof(gauge), .properties = properties};

crp_status crp_library(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_functions(vm, functions);
    return st ? st : crp_define_class(vm, &gauge_class, &id);
}
