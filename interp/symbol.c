/* The symbol table: names in chunks, numbers in an open-addressed index. */
#include "symbol.h"

#include <string.h>

enum { CHUNK = 8192 };

typedef struct chunk {
    struct chunk *next;
    size_t size;
} chunk;

static uint32_t hash_name(const char *name, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h ^ h >> 15;
}

static uint32_t *find_slot(const crpi_symbols *s, const char *name, size_t n, uint32_t hash)
{
    size_t mask = s->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        if (s->slots[i] == 0) return &s->slots[i];
        const crpi_symbol *y = &s->all[s->slots[i] - 1];
        if (y->hash == hash && y->length == n && memcmp(y->name, name, n) == 0) return &s->slots[i];
    }
}

static bool grow_index(crpi_symbols *s)
{
    size_t wider = s->slot_count ? s->slot_count * 2 : 1024;
    uint32_t *slots = crpi_mem_alloc(s->mem, wider * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, wider * sizeof *slots);
    for (size_t i = 0; i < s->count; i++) {
        size_t at = s->all[i].hash & (wider - 1);
        while (slots[at]) at = (at + 1) & (wider - 1);
        slots[at] = (uint32_t)i + 1;
    }
    crpi_mem_free(s->mem, s->slots, s->slot_count * sizeof *slots);
    s->slots = slots;
    s->slot_count = wider;
    return true;
}

/* A copy of the name that stays; NULL: no memory. */
static const char *keep_name(crpi_symbols *s, const char *name, size_t n)
{
    if (s->chunk_left < n + 1) {
        size_t size = sizeof(chunk) + (n + 1 > CHUNK ? n + 1 : CHUNK);
        chunk *c = crpi_mem_alloc(s->mem, size);
        if (!c) return NULL;
        *c = (chunk){s->chunks, size};
        s->chunks = c;
        s->chunk = (char *)(c + 1);
        s->chunk_left = size - sizeof *c;
    }
    char *kept = s->chunk;
    memcpy(kept, name, n);
    kept[n] = 0;
    s->chunk += n + 1;
    s->chunk_left -= n + 1;
    return kept;
}

bool crpi_symbol_find(const crpi_symbols *s, const char *name, size_t length, crp_word *out)
{
    if (s->slot_count == 0) return false;
    uint32_t *slot = find_slot(s, name, length, hash_name(name, length));
    if (*slot == 0) return false;
    *out = crp_symbol_from_id(*slot - 1);
    return true;
}

bool crpi_symbol_intern(crpi_symbols *s, const char *name, size_t length, crp_word *out)
{
    uint32_t hash = hash_name(name, length);
    if (s->count * 2 >= s->slot_count && !grow_index(s)) return false;
    uint32_t *slot = find_slot(s, name, length, hash);
    if (*slot == 0) {
        if (length > CRPI_MAX_SYMBOL || s->count >= CRPI_MAX_SYMBOLS) return false;
        if (!crpi_mem_grow(s->mem, &s->all, &s->capacity, s->count + 1, sizeof *s->all)) return false;
        const char *kept = keep_name(s, name, length);
        if (!kept) return false;
        s->all[s->count++] = (crpi_symbol){kept, (uint32_t)length, hash};
        *slot = (uint32_t)s->count;
    }
    *out = crp_symbol_from_id(*slot - 1);
    return true;
}

bool crpi_symbols_init(crpi_symbols *s, crpi_mem *mem)
{
    static const char *const known[] = {
#define X(c, text) text,
        CRPI_SYMBOLS(X)
#undef X
    };
    memset(s, 0, sizeof *s);
    s->mem = mem;
    crp_word w;
    for (size_t i = 0; i < CRPI_KNOWN_SYMBOLS; i++)
        if (!crpi_symbol_intern(s, known[i], strlen(known[i]), &w)) return false;
    return true;
}

void crpi_symbols_free(crpi_symbols *s)
{
    for (chunk *c = s->chunks; c;) {
        chunk *next = c->next;
        crpi_mem_free(s->mem, c, c->size);
        c = next;
    }
    crpi_mem_free(s->mem, s->all, s->capacity * sizeof *s->all);
    crpi_mem_free(s->mem, s->slots, s->slot_count * sizeof *s->slots);
}
