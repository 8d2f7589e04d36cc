/* The second source of tests/embed/library.c: a class. */
#include "library.h"

typedef struct gauge {
    crp_object h;
    crp_word level;
} gauge;

static const crp_property properties[] = {
    {"level", "Integer", CRP_RW, offsetof(gauge, level), "7", "0..10", "how high it stands", NULL, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

extern const crp_class_def gauge_class;
const crp_class_def gauge_class = {
    .size = sizeof gauge_class, .name = "Gauge", .help = "A level.", .instance_size = sizeof(gauge), .properties = properties};
