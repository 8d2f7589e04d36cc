/* What the tests of a host have in common: running a text, and what it gave. */
#ifndef CARAPACE_UNIT_HOST_H
#define CARAPACE_UNIT_HOST_H

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "carapace.h"

/* "CLASS.CODE: TEXT" of what failed last. */
static inline const char *last_error(const crp *vm)
{
    static char text[500];
    crp_error_info info = {.size = sizeof info};
    const crp_error *error = crp_error_last(vm);
    if (!error) return "none";
    crp_error_info_get(error, &info);
    snprintf(text, sizeof text, "%d.%d: %s", info.error_class, info.code, info.message);
    return text;
}

static inline crp_val must_run(crp *vm, const char *text)
{
    crp_val v = crp_nil();
    crp_status st = crp_eval(vm, text, strlen(text), "test", &v);
    ck_assert_msg(st == CRP_OK, "%s: status %d, %s", text, (int)st, last_error(vm));
    return v;
}

static inline int64_t integer(crp *vm, crp_val v)
{
    int64_t i = -99;
    ck_assert_int_eq(crp_get_int(vm, v, &i), CRP_OK);
    return i;
}

/* A thread's function. */
static inline void *cancel_soon(void *token)
{
    struct timespec tick = {0, 20000000};
    nanosleep(&tick, NULL);
    crp_cancel(token);
    return NULL;
}

#endif
