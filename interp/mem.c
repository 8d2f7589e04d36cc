/* The allocator: a thin count over the host's. */
#include "mem.h"

#include <stdlib.h>
#include <string.h>

static void *system_realloc(void *ud, void *p, size_t old_size, size_t new_size)
{
    (void)ud;
    (void)old_size;
    if (new_size == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, new_size);
}

void crpi_mem_init(crpi_mem *mem, crpi_realloc_fn fn, void *ud)
{
    memset(mem, 0, sizeof *mem);
    mem->fn = fn ? fn : system_realloc;
    mem->ud = ud;
}

static bool fits(const crpi_mem *mem, size_t grows_by, size_t limit)
{
    return grows_by <= limit && mem->used <= limit - grows_by;
}

/* Whether this request is one that a test or the limit wants to fail.  A part of the limit is kept back until an error
 * 1.16 was raised, so that the script that catches it can go on. */
static bool refused(crpi_mem *mem, size_t grows_by)
{
    mem->count++;
    if (mem->fail_at && (mem->fail_on ? mem->count >= mem->fail_at : mem->count == mem->fail_at)) return true;
    if (!mem->limit) return false;
    bool easily = fits(mem, grows_by, mem->limit - mem->limit / 32);
    if (easily) mem->at_limit = false;
    return !easily && !(mem->at_limit && fits(mem, grows_by, mem->limit));
}

static void *counted(crpi_mem *mem, void *p, size_t old_size, size_t new_size)
{
    void *q = mem->fn(mem->ud, p, old_size, new_size);
    if (!q) return NULL;
    mem->used = mem->used - old_size + new_size;
    if (mem->used > mem->peak) mem->peak = mem->used;
    return q;
}

void *crpi_mem_alloc(crpi_mem *mem, size_t size)
{
    if (size == 0) size = 1;
    if (refused(mem, size)) return NULL;
    return counted(mem, NULL, 0, size);
}

void *crpi_mem_realloc(crpi_mem *mem, void *p, size_t old_size, size_t new_size)
{
    if (!p) return crpi_mem_alloc(mem, new_size);
    if (new_size == 0) new_size = 1;
    if (old_size == 0) old_size = 1;
    if (new_size > old_size && refused(mem, new_size - old_size)) return NULL;
    return counted(mem, p, old_size, new_size);
}

void crpi_mem_free(crpi_mem *mem, void *p, size_t size)
{
    if (!p) return;
    if (size == 0) size = 1;
    mem->fn(mem->ud, p, size, 0);
    mem->used -= size;
}

bool crpi_mem_grow(crpi_mem *mem, void *array_pointer, size_t *capacity, size_t need, size_t item)
{
    if (need <= *capacity) return true;
    size_t wanted = *capacity < 8 ? 8 : *capacity, old_bytes = *capacity * item, bytes;
    while (wanted < need)
        if (__builtin_mul_overflow(wanted, (size_t)2, &wanted)) return false;
    if (__builtin_mul_overflow(wanted, item, &bytes)) return false;
    void *old;
    memcpy(&old, array_pointer, sizeof old);
    void *grown = crpi_mem_realloc(mem, old, old ? old_bytes : 0, bytes);
    if (!grown) return false;
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}
