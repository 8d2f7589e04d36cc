/* Programs that call what is built in: every function and method there is, with arguments of every kind. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "tree.h"

struct crp;

typedef struct calls {
    char **functions, **members, **makers; /* names; and expressions that create an object */
    size_t function_count, member_count, maker_count, function_room, member_room, maker_room;
} calls;

void calls_collect(calls *, struct crp *, const pool *);
void calls_free(calls *);
char *make_calls(const calls *, const pool *, uint64_t number, size_t *length); /* as make_program does */

#endif
