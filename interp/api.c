/* The life of an interpreter, and running texts in it. */
#include "api.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "cells.h"
#include "error.h"
#include "lib.h"
#include "map.h"
#include "str.h"
#include "value.h"
#include "vm.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif
#ifndef CRP_PKGLIBDIR
#define CRP_PKGLIBDIR "/usr/local/lib/carapace"
#endif

const char *crp_version(unsigned *abi)
{
    if (abi) *abi = CRP_ABI;
    return PACKAGE_VERSION;
}

/* --- tokens --------------------------------------------------------------------------------------------- */

/* A token outlives its interpreter and may be let go of in any thread, so it is not in the interpreter's
 * memory. */
struct crp_token {
    unsigned holders;
    unsigned callers; /* that are inside crp_cancel or crp_ask_to_end just now */
    crp *vm;          /* NULL: the interpreter is gone */
};

crp_token *crp_token_get(crp *vm)
{
    crpi_api *api = crpi_api_of(vm);
    if (!api->token) {
        crp_token *token = malloc(sizeof *token);
        if (!token) return NULL;
        *token = (crp_token){.holders = 1, .vm = vm};
        api->token = token;
    }
    __atomic_add_fetch(&api->token->holders, 1, __ATOMIC_RELAXED);
    return api->token;
}

void crp_token_put(crp_token *token)
{
    if (token && __atomic_sub_fetch(&token->holders, 1, __ATOMIC_ACQ_REL) == 0) free(token);
}

/* The interpreter, which lives until token_leave; NULL: it is gone. */
static crp *token_enter(crp_token *token)
{
    __atomic_add_fetch(&token->callers, 1, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&token->vm, __ATOMIC_SEQ_CST);
}

static void token_leave(crp_token *token) { __atomic_sub_fetch(&token->callers, 1, __ATOMIC_SEQ_CST); }

void crp_cancel(crp_token *token)
{
    int running = 0;
    if (!token) return;
    crp *vm = token_enter(token);
    if (vm) {
        __atomic_store_n(&vm->interrupt_later, 1, __ATOMIC_SEQ_CST);
        if (__atomic_compare_exchange_n(&vm->interrupt, &running, CRPI_INTERRUPTED, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST) ||
            running != CRPI_CLOSING)
            __atomic_store_n(&vm->interrupt_later, 0, __ATOMIC_SEQ_CST);
        vm->platform->wake(vm->platform_state);
    }
    token_leave(token);
}

bool crp_ask_to_end(crp_token *token)
{
    if (!token) return false;
    crp *vm = token_enter(token);
    bool awaited = vm && vm->end_awaited;
    if (awaited) {
        vm->end_wanted = 1;
        vm->platform->wake(vm->platform_state);
    }
    token_leave(token);
    return awaited;
}

/* Whoever is inside one of these may still use the interpreter; nobody can enter it any more. */
static void cut_token(crpi_api *api)
{
    crp_token *token = api->token;
    if (!token) return;
    __atomic_store_n(&token->vm, NULL, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&token->callers, __ATOMIC_SEQ_CST)) sched_yield();
    crp_token_put(token);
    api->token = NULL;
}

void crp_cancel_clear(crp *vm)
{
    int cancelled = CRPI_INTERRUPTED;
    __atomic_store_n(&vm->interrupt_later, 0, __ATOMIC_SEQ_CST);
    __atomic_compare_exchange_n(&vm->interrupt, &cancelled, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* --- visits --------------------------------------------------------------------------------------------- */

crp_status crpi_visit_stopped(crp *vm)
{
    if (vm->stopped) vm->interrupt = CRPI_STOPPED;
    return vm->interrupt ? crpi_interrupt(vm) : CRP_OK;
}

static bool is_uncatchable(crp_word error) { return crp_object_of(error)->flags & CRPI_ERROR_UNCATCHABLE; }

crp_status crpi_failed(crp *vm, crp_status st)
{
    crpi_api *api = crpi_api_of(vm);
    if (vm->error == CRP_NIL && st == CRP_E_NOMEM) crp_no_memory(vm);
    if (vm->error == CRP_NIL)
        crp_raise(vm, CRP_ERR_SCRIPT, CRP_INTERNAL, "failed with status %d and no error", (int)st);
    if (is_uncatchable(vm->error)) st = CRP_E_CANCELLED;
    api->last = vm->error;
    api->last_status = st;
    vm->error = CRP_NIL;
    return st;
}

crp_status crpi_refuse(crp *vm, crp_status st, const char *format, ...)
{
    size_t fresh = crpi_look_begin(vm);
    crpi_buf text;
    va_list list;
    crpi_buf_init(&text, &vm->mem, 4096);
    va_start(list, format);
    crpi_buf_vformat(&text, format, list, crpi_format_value, vm);
    va_end(list);
    crp_raise(vm, CRP_ERR_SCRIPT,
              st == CRP_E_STALE  ? CRP_INVALID
              : st == CRP_E_TYPE ? CRP_TYPE_MISMATCH
                                 : CRP_BAD_ARGUMENT,
              "%.*s", (int)text.length, text.bytes ? text.bytes : "");
    crpi_buf_free(&text);
    return crpi_look_end(vm, fresh, st);
}

/* --- output --------------------------------------------------------------------------------------------- */

static void wait_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    while (poll(&p, 1, -1) < 0 && errno == EINTR) {
    }
}

/* To the descriptor itself; what it refuses is lost. */
static void write_plainly(void *ud, int fd, const char *bytes, size_t length)
{
    crp *vm = ud;
    while (length > 0) {
        ssize_t n = vm->platform->write(vm->platform_state, fd, bytes, length);
        if (n == -EAGAIN)
            wait_writable(fd);
        else if (n <= 0)
            return;
        else
            bytes += n, length -= (size_t)n;
    }
}

void crp_io(crp *vm, void (*write)(void *ud, int fd, const char *bytes, size_t length), void *ud)
{
    vm->write = write ? write : write_plainly;
    vm->write_ud = write ? ud : vm;
}

/* --- making --------------------------------------------------------------------------------------------- */

/* Each with what its functions are about, under which the reference has them. */
static const struct {
    crp_status (*add)(crp *);
    const char *noun;
} libraries[] = {
    {crpi_lib_core, "Basics"},
    {crpi_lib_general, "Any value"},
    {crpi_lib_object, "Objects and classes"},
    {crpi_lib_class, "Objects and classes"},
    {crpi_lib_error, "Errors"},
    {crpi_lib_number, "Numbers"},
    {crpi_lib_math, "Numbers"},
    {crpi_lib_format, "Text"},
    {crpi_lib_string, "Text"},
    {crpi_lib_symbol, "Text"},
    {crpi_lib_binary, "Text"},
    {crpi_lib_buffer, "Text"},
    {crpi_lib_list, "Lists and more"},
    {crpi_lib_array, "Lists and more"},
    {crpi_lib_hashtable, "Lists and more"},
    {crpi_lib_sequence, "Lists and more"},
    {crpi_lib_sequence_plain, "Lists and more"},
    {crpi_lib_sequence_unique, "Lists and more"},
    {crpi_lib_sort, "Lists and more"},
    {crpi_lib_stream, "Files"},
    {crpi_lib_file, "Files"},
    {crpi_lib_directory, "Files"},
    {crpi_lib_path_names, "Files"},
    {crpi_lib_system, "The system"},
    {crpi_lib_registry, "Configuration"},
    {crpi_lib_task, "Tasks"},
    {crpi_lib_event, "Tasks"},
    {crpi_lib_lock, "Tasks"},
    {crpi_lib_process, "Other programs"},
    {crpi_lib_at_end, "The system"},
    {crpi_lib_terminal, "The terminal"},
    {crpi_lib_macro, "Macros"},
    {crpi_lib_test, "Tests"},
    {crpi_lib_time, "Time"},
    {crpi_lib_json, "JSON"},
    {crpi_lib_pattern, "Text"},
    {crpi_lib_library, "Loading"},
    {crpi_lib_load, "Loading"},
    {crpi_lib_load_library, "Loading"},
    {crp_modules_register, "Communication"},
};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };
_Static_assert((int)LIBRARIES <= (int)CRPI_MOST_LIBRARIES, "crpi_api has a place for each");

/* Cells are numbered as they are made, so a function belongs to the last library that began before it. */
const char *crpi_library_noun(const crp *vm, uint32_t cell)
{
    const crpi_api *api = crpi_api_of(vm);
    const char *noun = NULL;
    for (int i = 0; api && i < LIBRARIES && api->first_cells[i] <= cell; i++) noun = libraries[i].noun;
    return noun;
}

static crp_status add_libraries(crp *vm)
{
    crp_status st = CRP_OK;
    for (int i = 0; !st && i < LIBRARIES; i++) {
        crpi_api_of(vm)->first_cells[i] = (uint32_t)vm->cells->count;
        st = libraries[i].add(vm);
    }
    return st;
}

/* The floors from below; false: no memory. */
static bool make_floors(crp *vm)
{
    return crpi_symbols_init(&vm->symbols, &vm->mem) && crpi_value_kinds(vm) && crpi_str_kinds(vm) &&
           crpi_map_kinds(vm) && crpi_error_kinds(vm) && crpi_error_init(vm) && crpi_chunks_init(vm) && crpi_trace_init(vm) &&
           crpi_cells_init(vm) && crpi_classes_init(vm) && crpi_tasks_init(vm) && crpi_loader_init(vm);
}

static crp_status set_global(crp *vm, const char *name, crp_word value, crpi_type type)
{
    crp_word symbol;
    uint32_t cell;
    crp_status st = crp_symbol(vm, name, strlen(name), &symbol);
    if (!st) st = crpi_global_cell(vm, symbol, &cell);
    if (st) return st;
    vm->cells->cells[cell].declared = true;
    vm->cells->cells[cell].type = type;
    vm->cells->values[cell] = value;
    return CRP_OK;
}

static crp_status set_texts(crp *vm, const char *name, const char *const *texts)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_word text;
    for (; texts && *texts; texts++) {
        crp_status st = crp_string_z(vm, *texts, &text);
        if (!st) st = crp_list_add(vm, &list, text);
        if (st) return st;
    }
    return set_global(vm, name, list.first, CRPI_TYPE(CRP_LIST, 0));
}

static crp_status set_globals(crp *vm, const crp_config *config)
{
    crp_word text;
    crp_status st = set_texts(vm, "::CommandLine", config->command_line);
    if (!st) st = set_texts(vm, "::Arguments", config->arguments);
    if (!st) st = crp_string_z(vm, CRP_PKGLIBDIR, &text);
    return st ? st : set_global(vm, "::InstallDir", text, CRPI_TYPE(CRP_STRING, 0));
}

/* The host's directories, then those of CARAPACE_PATH, which are divided by colons. */
static crp_status set_path(crp *vm, const char *const *path)
{
    crp_status st = CRP_OK;
    for (; !st && path && *path; path++) st = crpi_loader_add_path(vm, *path);
    const char *more = secure_getenv("CARAPACE_PATH");
    while (!st && more && *more) {
        char directory[PATH_MAX];
        size_t n = strcspn(more, ":");
        if (n > 0 && n < sizeof directory) {
            memcpy(directory, more, n);
            directory[n] = 0;
            st = crpi_loader_add_path(vm, directory);
        }
        more += n + (more[n] == ':');
    }
    return st;
}

static crp_status make_rest(crp *vm, const crp_config *config)
{
    crp_status st = add_libraries(vm);
    if (!st) st = set_globals(vm, config);
    if (!st) st = set_path(vm, config->path);
    vm->heap.fresh_count = 0;
    return st;
}

#ifdef CRP_GC_STRESS
static void set_stress(crpi_heap *heap)
{
    const char *every = getenv("CARAPACE_GC_EVERY");
    heap->stress_every = heap->stress_left = every && atoi(every) > 0 ? (unsigned)atoi(every) : 1;
    const char *seed = getenv("CARAPACE_GC_SEED"); /* another one cuts the cycles at other places */
    heap->stress_state = seed ? (uint32_t)atoi(seed) * 2654435761u : 0;
}
#else
static void set_stress(crpi_heap *heap) { (void)heap; }
#endif

/* With a count of every == 1 each allocation from the start is a collection or a step of one. */
bool crpi_gc_stress_ok(const crp *vm)
{
    return vm->heap.stress_every != 1 || vm->heap.steps >= vm->heap.allocations;
}

/* "7": the seventh allocation fails; "7+": and all that follow. */
#ifdef CRP_ALLOC_STRESS
static void set_failures(crpi_mem *mem)
{
    const char *text = getenv("CARAPACE_ALLOC_FAIL");
    char *end;
    if (!text) return;
    mem->fail_at = strtoull(text, &end, 10);
    mem->fail_on = *end == '+';
}
#else
static void set_failures(crpi_mem *mem) { (void)mem; }
#endif

/* The struct itself comes from the memory that it counts. */
static crp *new_struct(const crp_config *config)
{
    crpi_mem mem;
    crpi_mem_init(&mem, config->realloc, config->alloc_ud);
    set_failures(&mem);
    crp *vm = crpi_mem_alloc(&mem, sizeof *vm);
    if (!vm) return NULL;
    memset(vm, 0, sizeof *vm);
    vm->mem = mem;
    vm->error = vm->no_memory_error = CRP_NIL;
    vm->append_cache.list = vm->append_cache.last = CRP_NIL;
    vm->max_depth = CRPI_DEFAULT_DEPTH;
    crp_io(vm, NULL, NULL);
    return vm;
}

static bool take_platform(crp *vm, const crp_config *config)
{
    vm->platform = config->platform ? config->platform : &crp_platform_unix;
    vm->platform_state = config->platform_state;
    if (!config->platform && !crp_platform_unix_open(&vm->platform_state)) return false;
    crpi_api_of(vm)->own_platform = !config->platform;
    vm->hash_seed = config->hash_seed;
    return vm->hash_seed || vm->platform->random(vm->platform_state, &vm->hash_seed, sizeof vm->hash_seed);
}

static crp_status make(crp *vm, const crp_config *config)
{
    if (!crpi_heap_init(vm, &vm->heap, &vm->mem) || !crpi_api_init(vm)) return CRP_E_NOMEM;
    set_stress(&vm->heap);
    if (!take_platform(vm, config)) return CRP_E_IO;
    crpi_api_of(vm)->first_generation = vm->hash_seed >> 8;
    return make_floors(vm) ? make_rest(vm, config) : CRP_E_NOMEM;
}

static void free_struct(crp *vm)
{
    crpi_mem mem = vm->mem;
    crpi_mem_free(&mem, vm, sizeof *vm);
}

static void destroy(crp *vm)
{
    crpi_api *api = crpi_api_of(vm);
    bool own_platform = api && api->own_platform;
    if (api) cut_token(api);
    vm->mem.limit = vm->mem.fail_at = 0;
    crpi_tasks_abandon(vm);
    crpi_heap_free(vm, &vm->heap);
    crpi_tasks_free(vm);
    crpi_loader_free(vm);
    crpi_classes_free(vm);
    crpi_cells_free(vm);
    if (api) crpi_api_free(vm);
    if (vm->symbols.mem) crpi_symbols_free(&vm->symbols);
    if (own_platform) crp_platform_unix_close(vm->platform_state);
    free_struct(vm);
}

crp_status crp_new(const crp_config *config, crp **out)
{
    crp_config known;
    crp_config_init(&known);
    *out = NULL;
    if (config) {
        if (config->size < sizeof config->size) return CRP_E_MISUSE;
        memcpy(&known, config, config->size < sizeof known ? config->size : sizeof known);
    }
    crp *vm = new_struct(&known);
    if (!vm) return CRP_E_NOMEM;
    crp_status st = make(vm, &known);
    if (st)
        destroy(vm);
    else
        *out = vm;
    return st;
}

void crp_free(crp *vm)
{
    if (vm && !__atomic_load_n(&crpi_api_of(vm)->thread, __ATOMIC_ACQUIRE)) destroy(vm);
}

/* --- running -------------------------------------------------------------------------------------------- */

/* What a script raises is never taken for a text that does not compile. */
static crp_status text_status(crp_status st, enum crpi_load_phase phase)
{
    bool syntax = st == CRP_E_SYNTAX || st == CRP_INCOMPLETE;
    if (st == CRP_OK || st == CRP_E_NOMEM || st == CRP_E_CANCELLED) return st;
    if (phase == CRPI_AT_RUNNING) return syntax ? CRP_E_RAISED : st;
    return st == CRP_INCOMPLETE ? st : CRP_E_SYNTAX;
}

static crp_status run_source(crp *vm, crpi_source *source, crp_val *out)
{
    enum crpi_load_phase phase;
    crp_word value;
    crp_status st = crpi_load_text(vm, source, &phase, &value);
    return st ? text_status(st, phase) : crpi_handle_new(vm, value, out);
}

crp_status crp_eval(crp *vm, const char *text, size_t length, const char *name, crp_val *out)
{
    crpi_visit visit;
    crpi_source *source;
    if (out) *out = crp_nil();
    crp_status st = crpi_visit_begin(vm, &visit);
    if (st) return st;
    st = crpi_source_new(vm, name, text, length, vm->loader->scopes[0], &source);
    if (!st) st = run_source(vm, source, out);
    return crpi_visit_end(vm, &visit, st);
}

crp_status crp_eval_file(crp *vm, const char *path, crp_val *out)
{
    crpi_visit visit;
    crpi_source *source;
    if (out) *out = crp_nil();
    crp_status st = crpi_visit_begin(vm, &visit);
    if (st) return st;
    st = crpi_source_read(vm, path, &source);
    if (!st) st = run_source(vm, source, out);
    return crpi_visit_end(vm, &visit, st);
}

crp_status crp_check(crp *vm, const char *text, size_t length, const char *name)
{
    crpi_reader reader;
    crp_word forms;
    size_t fresh = crpi_look_begin(vm);
    crpi_reader_init(&reader, vm, name, text, length, NULL);
    return crpi_look_end(vm, fresh, crpi_read_all(&reader, &forms));
}

crp_status crp_check_file(crp *vm, const char *path)
{
    crpi_visit visit;
    crpi_source *source;
    enum crpi_load_phase phase;
    crp_status st = crpi_visit_begin(vm, &visit);
    if (st) return st;
    st = crpi_source_read(vm, path, &source);
    if (!st) st = text_status(crpi_check_text(vm, source, &phase), phase);
    return crpi_visit_end(vm, &visit, st);
}

bool crp_stopped(const crp *vm, int *exit_status)
{
    if (vm->stopped && exit_status) *exit_status = vm->exit_status;
    return vm->stopped;
}

/* --- limits --------------------------------------------------------------------------------------------- */

enum { MAX_STACK_DEPTH = 1 << 28 };

crp_status crp_limits_set(crp *vm, const crp_limits *given)
{
    crp_limits limits = {.size = 0};
    if (given->size < sizeof given->size)
        return crpi_refuse(vm, CRP_E_MISUSE, "crp_limits: its size is not set");
    memcpy(&limits, given, given->size < sizeof limits ? given->size : sizeof limits);
    vm->mem.limit = limits.heap_bytes > SIZE_MAX ? SIZE_MAX : (size_t)limits.heap_bytes;
    vm->max_depth = limits.stack_depth == 0                ? CRPI_DEFAULT_DEPTH
                    : limits.stack_depth > MAX_STACK_DEPTH ? MAX_STACK_DEPTH
                                                           : (size_t)limits.stack_depth;
    return CRP_OK;
}

void crp_usage(const crp *vm, crp_limits *out)
{
    crp_limits now = {.size = out->size, .heap_bytes = vm->mem.used};
    for (const crpi_task *task = vm->task; task; task = task->outer)
        if (task->frames) now.stack_depth += (uint64_t)(task->fp - task->frames);
    memcpy(out, &now, out->size < sizeof now ? out->size : sizeof now);
}

/* --- the host's event loop ------------------------------------------------------------------------------ */

int crp_loop_fd(crp *vm) { return vm->platform->pollable(vm->platform_state); }

int64_t crp_loop_due_ns(const crp *vm)
{
    crp *unchanged = (crp *)(uintptr_t)vm;
    int64_t due = crpi_tasks_due(unchanged), left;
    if (vm->tasks->first || vm->interrupt) return 0;
    if (due == CRP_NO_DEADLINE) return -1;
    left = due - crp_now(unchanged);
    return left <= 0 ? 0 : left > INT64_MAX / 1000000 ? INT64_MAX : left * 1000000;
}

crp_status crp_loop_step(crp *vm, unsigned max_events)
{
    crpi_visit visit;
    crp_status st = crpi_visit_begin(vm, &visit);
    if (st) return st;
    st = crpi_tasks_step(vm, max_events);
    return crpi_visit_end(vm, &visit, st);
}
