/* A bare interpreter for unit tests: memory, symbols, heap, the kinds of floor 3 and a fixed hash seed; no
 * classes, no VM, no platform.
 *
 * bare_open gives a zeroed struct crp that works for everything up to floor 3, bare_close checks that every
 * byte came back.  What a test keeps in a plain C variable across a collection it puts into bare_keep: those
 * words are roots, and so are the pending error and the one kept for 1.16.  bare_forget cuts the log of fresh
 * cells, as the VM does when a native returns.
 */
#ifndef CARAPACE_TESTS_BARE_H
#define CARAPACE_TESTS_BARE_H

#include <stdio.h>
#include <string.h>
#include "error.h"
#include "map.h"
#include "printer.h"
#include "state.h"
#include "str.h"
#include "unit.h"
#include "value.h"

enum { BARE_KEPT = 64 };

static crp_word bare_kept[BARE_KEPT];
static int bare_kept_count;

/* What the class floor has for the floors below it: plain names, for a program linked without that floor. */
__attribute__((weak)) const char *crp_class_name(crp *vm, crp_word w)
{
    static const char *const names[] = {"Object", "Integer", "Real",  "String",    "Symbol", "List",
                                        "Binary", "Buffer",  "Array", "HashTable", "Error"};
    (void)vm;
    uint32_t id = crp_class_of(w);
    return id < sizeof names / sizeof *names ? names[id] : "?";
}

__attribute__((weak)) void crpi_print_object(crp *vm, crpi_buf *out, crp_word w)
{
    crpi_buf_format(out, "#<%s>", crp_class_name(vm, w));
}

static void *bare_realloc(void *ud, void *p, size_t old_size, size_t new_size)
{
    (void)ud;
    (void)old_size;
    if (new_size) return realloc(p, new_size);
    free(p);
    return NULL;
}

static void bare_roots(crp *vm, crp_marker mark)
{
    mark(vm, vm->error);
    mark(vm, vm->no_memory_error);
    for (int i = 0; i < bare_kept_count; i++) mark(vm, bare_kept[i]);
}

static inline crp_word bare_keep(crp_word w)
{
    ck_assert_int_lt(bare_kept_count, BARE_KEPT);
    return bare_kept[bare_kept_count++] = w;
}

static inline void bare_forget(crp *vm) { vm->heap.fresh_count = 0; }

static inline crp *bare_open(void)
{
    crp *vm = calloc(1, sizeof *vm);
    ck_assert_ptr_nonnull(vm);
    bare_kept_count = 0;
    crpi_mem_init(&vm->mem, bare_realloc, NULL);
    vm->error = vm->no_memory_error = CRP_NIL;
    vm->append_cache.list = vm->append_cache.last = CRP_NIL;
    vm->hash_seed = 0x243f6a8885a308d3u;
    ck_assert(crpi_symbols_init(&vm->symbols, &vm->mem));
    ck_assert(crpi_heap_init(vm, &vm->heap, &vm->mem));
    ck_assert(crpi_heap_roots(&vm->heap, bare_roots));
    ck_assert(crpi_value_kinds(vm) && crpi_str_kinds(vm) && crpi_map_kinds(vm) && crpi_error_kinds(vm));
    ck_assert(crpi_error_init(vm));
    return vm;
}

static inline void bare_close(crp *vm)
{
    vm->mem.fail_at = 0;
    crpi_heap_free(vm, &vm->heap);
    crpi_symbols_free(&vm->symbols);
    ck_assert_uint_eq(vm->mem.used, 0);
    free(vm);
}

/* Words for the tests' sake of brevity. */
static inline crp_word bare_string(crp *vm, const char *text)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_string_z(vm, text, &w), CRP_OK);
    return w;
}

static inline crp_word bare_integer(crp *vm, int64_t i)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_integer(vm, i, &w), CRP_OK);
    return w;
}

static inline crp_word bare_real(crp *vm, double d)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_real(vm, d, &w), CRP_OK);
    return w;
}

static inline crp_word bare_symbol(crp *vm, const char *name)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_symbol(vm, name, strlen(name), &w), CRP_OK);
    return w;
}

/* The pending error as "class.code: text". */
static inline const char *bare_error(crp *vm)
{
    static char text[1024];
    int error_class = 0, code = 0;
    const char *p = "";
    size_t n = 0;
    if (vm->error == CRP_NIL) return "none";
    crp_error_get(vm, vm->error, &error_class, &code, &p, &n);
    snprintf(text, sizeof text, "%d.%d: %.*s", error_class, code, (int)n, p);
    return text;
}

/* Runs a statement that sets `st` with the first allocation failing, then the second and so on, until it
 * succeeds: each failure must be a clean 1.16. */
#define BARE_EACH_FAILURE(vm, st, statement) \
    do { \
        for (uint64_t bare_n = 1;; bare_n++) { \
            ck_assert_uint_lt(bare_n, 1000); \
            crp_clear_error(vm); \
            (vm)->mem.fail_at = (vm)->mem.count + bare_n; \
            statement; \
            bool bare_came = (vm)->mem.count >= (vm)->mem.fail_at; \
            (vm)->mem.fail_at = 0; \
            if (!bare_came || (st) == CRP_OK) break; \
            ck_assert_int_eq(st, CRP_E_NOMEM); \
            ck_assert_str_eq(bare_error(vm), "1.16: out of memory"); \
        } \
        ck_assert_int_eq(st, CRP_OK); \
    } while (0)

#endif
