/* A bare interpreter with the comms modules, and calls of their natives without a VM: for unit tests of
 * modules.
 *
 * `call` runs a method of a native object until it is done: after CRP_AGAIN it polls the descriptors that
 * were named and calls again.  When none was named, time jumps to the deadline, so that timeouts take no
 * time.
 */
#ifndef CARAPACE_TESTS_COMMS_H
#define CARAPACE_TESTS_COMMS_H

#include <poll.h>
#include "bare.h"
#include "cells.h"
#include "class.h"
#include "module.h"
#include "stack.h"
#include "task.h"

enum { CALL_ARGS = 8, CALL_ROUNDS = 200000 };

static crp *vm;
static crp_platform comms_platform;
static int64_t comms_skipped; /* milliseconds that time has jumped */
static uint64_t comms_waits;  /* how often something was waited for */

static int64_t comms_now(void *state) { return crp_platform_unix.now(state) + comms_skipped; }

static inline void comms_open(void)
{
    void *state;
    uint32_t id;
    static const crp_class_def log_stand_in = {.size = sizeof(crp_class_def),
                                               .name = "Log",
                                               .help = "x",
                                               .instance_size = sizeof(crp_object) + 8};
    vm = bare_open();
    ck_assert(crp_platform_unix_open(&state));
    comms_platform = crp_platform_unix;
    comms_platform.now = comms_now;
    vm->platform = &comms_platform;
    vm->platform_state = state;
    ck_assert(crpi_cells_init(vm) && crpi_classes_init(vm) && crpi_tasks_init(vm));
    ck_assert_msg(crp_modules_register(vm) == CRP_OK, "%s", bare_error(vm));
    if (crp_class_id(vm, "Log") == CRP_OBJECT)
        ck_assert_int_eq(crp_define_class(vm, &log_stand_in, &id), CRP_OK);
}

static inline void comms_close(void)
{
    crpi_heap_free(vm, &vm->heap);
    crpi_tasks_free(vm);
    crpi_classes_free(vm);
    crpi_cells_free(vm);
    crp_platform_unix_close(vm->platform_state);
    crpi_symbols_free(&vm->symbols);
    ck_assert_uint_eq(vm->mem.used, 0);
    free(vm);
}

static inline crp_word make(const char *class_name)
{
    crp_word w = CRP_NIL;
    crp_status st = crp_new_object(vm, crp_class_id(vm, class_name), &w);
    ck_assert_msg(st == CRP_OK, "%s: %s", class_name, bare_error(vm));
    return bare_keep(w);
}

/* A call under way: several may be, each goes on when it is stepped. */
typedef struct running {
    crpi_native native;
    const crp_method *row;
    crp_word args[CALL_ARGS];
    crp_status st;
} running;

static inline const crp_method *row_of(crp_word object, const char *name)
{
    const crp_method *row = crp_class_definition(vm, object)->methods;
    while (row->name && strcmp(row->name, name)) row++;
    ck_assert_msg(row->name != NULL, "no method %s", name);
    return row;
}

static inline void begin(running *r, crp_word object, const char *method, size_t n, const crp_word *args)
{
    memset(r, 0, sizeof *r);
    r->row = row_of(object, method);
    for (size_t i = 0; i < CALL_ARGS; i++) r->args[i] = i < n ? args[i] : CRP_UNSET;
    r->native.call =
        (crp_call){.vm = vm, .self = object, .args = r->args, .count = (uint32_t)n, .result = CRP_NIL};
    if (r->row->state_size) r->native.call.state = calloc(1, r->row->state_size);
    r->st = CRP_AGAIN;
}

static inline void end(running *r)
{
    if (r->row->drop_state) r->row->drop_state(vm, r->native.call.state);
    free(r->native.call.state);
    r->native.call.state = NULL;
}

/* One entry; true when it is done. */
static inline bool step(running *r)
{
    r->native.fd_count = 0;
    r->native.deadline = CRP_NO_DEADLINE;
    r->st = r->row->fn(&r->native.call);
    if (r->st == CRP_AGAIN) return false;
    end(r);
    return true;
}

/* What a VM would do while it waits for one call. */
static inline void wait_for(running *r)
{
    struct pollfd fds[CRPI_MAX_WAITS];
    int64_t left = r->native.deadline == CRP_NO_DEADLINE ? 1000 : r->native.deadline - crp_now(vm);
    for (int i = 0; i < r->native.fd_count; i++)
        fds[i] = (struct pollfd){r->native.waits[i].fd,
                                 (short)((r->native.waits[i].events & CRP_READABLE ? POLLIN : 0) |
                                         (r->native.waits[i].events & CRP_WRITABLE ? POLLOUT : 0)),
                                 0};
    comms_waits++;
    if (r->native.fd_count)
        poll(fds, (nfds_t)r->native.fd_count, (int)(left < 0 ? 0 : left));
    else if (left > 0)
        comms_skipped += left;
}

static inline crp_status call_n(crp_word object, const char *method, crp_word *out, size_t n,
                                const crp_word *args)
{
    running r;
    begin(&r, object, method, n, args);
    for (int i = 0; i < CALL_ROUNDS && !step(&r); i++) wait_for(&r);
    if (r.st == CRP_AGAIN) ck_abort_msg("%s never ended", method);
    if (out) *out = r.native.call.result;
    return r.st;
}

#define call(object, method, out, ...) \
    call_n(object, method, out, sizeof((crp_word[]){0, ##__VA_ARGS__}) / sizeof(crp_word) - 1, \
           (crp_word[]){0, ##__VA_ARGS__} + 1)
#define expect_ok(...) ck_assert_msg((__VA_ARGS__) == CRP_OK, "%s", bare_error(vm))
/* The error's text must begin so. */
#define expect_error(text, ...) \
    do { \
        crp_status expect_st = (__VA_ARGS__); \
        ck_assert_msg(expect_st >= CRP_E_SYNTAX, "no error"); \
        ck_assert_msg(!strncmp(bare_error(vm), text, strlen(text)), "%s, not %s", bare_error(vm), text); \
        crp_clear_error(vm); \
    } while (0)

static inline crp_word text(const char *s) { return bare_string(vm, s); }
static inline crp_word number(int64_t i) { return bare_integer(vm, i); }
static inline crp_status set(crp_word o, const char *name, crp_word v)
{
    return crp_set(vm, o, bare_symbol(vm, name), v);
}

static inline crp_word get(crp_word o, const char *name)
{
    crp_word w = CRP_NIL;
    expect_ok(crp_get(vm, o, bare_symbol(vm, name), &w));
    return w;
}

static inline void expect_text(crp_word w, const char *expected)
{
    size_t n;
    ck_assert_msg(crp_is_string(w), "no String");
    const char *bytes = crp_string_data(w, &n);
    ck_assert_msg(n == strlen(expected) && !memcmp(bytes, expected, n), "%.*s, not %s", (int)n, bytes,
                  expected);
}

/* A stack of modules, bottom first; each is made unless it is an object already. */
static inline crp_word stack_of(size_t n, const crp_word *modules)
{
    crp_word s = make("CommsStack");
    for (size_t i = 0; i < n; i++) expect_ok(call(s, "push", NULL, modules[i]));
    return s;
}
#define STACK(...) stack_of(sizeof((crp_word[]){__VA_ARGS__}) / sizeof(crp_word), (crp_word[]){__VA_ARGS__})

#endif
