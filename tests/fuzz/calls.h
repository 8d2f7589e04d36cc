/* Programs that call what is built in: every function and method there is, with arguments of every kind. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "tree.h"

struct crp;

typedef struct names {
    char **text;
    size_t count, room;
} names;

typedef struct calls {
    names functions;
    names *members; /* by class */
    names makers;   /* expressions that give an object... */
    uint32_t *made; /* ...and the class of each */
    uint32_t class_count;
} calls;

void calls_collect(calls *, struct crp *, const pool *);
void calls_free(calls *);
char *make_calls(const calls *, const pool *, uint64_t number, size_t *length); /* as make_program does */

#endif
