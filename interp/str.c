/* Strings, Binaries, Buffers, and the hash of bytes.
 *
 * There is one way to make a String: room for the bytes, inline or in a block, which the maker fills.
 * Everything else (copies, slices, taken bytes, Binaries) is put together from that and from pointing into
 * what is there.
 */
#include "str.h"

#include <string.h>
#include "utf8.h"

static const uint64_t most_bytes = (uint64_t)1 << CRPI_MAX_BYTES_LOG2;

/* --- the hash of bytes ---------------------------------------------------------------------------------- */

/* Both halves of the 128-bit product in one: every bit of either factor reaches all of the result. */
static uint64_t fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
    return a * b ^ (a1 * b1 + (middle >> 32) + (other >> 32));
#endif
}

static uint64_t load64(const unsigned char *p)
{
    uint64_t u;
    memcpy(&u, p, 8);
    return u;
}

static uint64_t load32(const unsigned char *p)
{
    uint32_t u;
    memcpy(&u, p, 4);
    return u;
}

/* The last 0 to 16 bytes as two words; overlapping loads where there are enough bytes for them. */
static void load_rest(const unsigned char *p, size_t n, uint64_t *low, uint64_t *high)
{
    if (n >= 8) {
        *low = load64(p);
        *high = load64(p + n - 8);
    } else if (n >= 4) {
        *low = load32(p);
        *high = load32(p + n - 4);
    } else {
        *low = n ? (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1] : 0;
        *high = 0;
    }
}

/* Both factors of each product hold something that comes from the seed, so without it no bytes can be
 * chosen that make a factor zero or two products equal. */
uint64_t crpi_hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t one = seed ^ 0x9ae16a3b2f90404fu, two = fold(seed ^ 0xd6e8feb86659fd93u, 0xa0761d6478bd642fu);
    uint64_t state = two, low, high;
    for (size_t left = n; left > 16; left -= 16, p += 16)
        state = fold(load64(p) ^ one, load64(p + 8) ^ state);
    load_rest(p, (size_t)(bytes ? (const unsigned char *)bytes + n - p : 0), &low, &high);
    state = fold(low ^ one, high ^ state);
    return fold(state ^ one, (uint64_t)n ^ two);
}

uint64_t crpi_str_hash(crp *vm, crpi_str *s)
{
    if (s->hash == 0) {
        uint64_t hash = crpi_hash_bytes(vm->hash_seed, s->bytes, s->length);
        s->hash = hash ? hash : 1;
    }
    return s->hash;
}

bool crpi_str_is_utf8(crpi_str *s)
{
    if (s->h.aux == CRPI_STR_UNREAD)
        s->h.aux = crpi_utf8_valid(s->bytes, s->length) ? CRPI_STR_UTF8 : CRPI_STR_NOT_UTF8;
    return s->h.aux == CRPI_STR_UTF8;
}

bool crpi_str_equal(const crpi_str *a, const crpi_str *b)
{
    if (a->length != b->length || (a->hash && b->hash && a->hash != b->hash)) return false;
    return a->bytes == b->bytes || memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* --- Strings -------------------------------------------------------------------------------------------- */

crp_status crpi_binary_over(crp *vm, crp_word string, crp_word *out)
{
    crpi_binary *b = crpi_new(vm, CRP_BINARY, sizeof *b);
    if (!b) return CRP_E_NOMEM;
    b->bytes = string;
    *out = crp_from_object(b);
    return CRP_OK;
}

/* The String itself or a Binary over it, as the class asks. */
static crp_status finish(crp *vm, uint32_t class_id, crpi_str *s, crp_word *out)
{
    if (class_id == CRP_BINARY) return crpi_binary_over(vm, crp_from_object(s), out);
    *out = crp_from_object(s);
    return CRP_OK;
}

/* A String that points into something else. */
static crpi_str *pointing(crp *vm, crp_word parent, const char *bytes, size_t length, uint8_t flags)
{
    crpi_str *s = crpi_new(vm, CRP_STRING, sizeof *s);
    if (!s) return NULL;
    s->h.flags = flags;
    s->length = length;
    s->bytes = bytes;
    s->u.of.parent = parent;
    return s;
}

/* A String over a block that owns the bytes from now on. */
static crpi_str *over_block(crp *vm, char *bytes, size_t length, size_t capacity)
{
    crpi_block *block = crpi_new(vm, CRP_BLOCK, sizeof *block);
    if (!block) {
        crpi_mem_free(&vm->mem, bytes, capacity);
        return NULL;
    }
    block->bytes = bytes;
    block->capacity = capacity;
    bool terminated = capacity > length;
    if (terminated) bytes[length] = 0;
    return pointing(vm, crp_from_object(block), bytes, length, terminated ? CRPI_STR_OWNED : CRPI_STR_SLICE);
}

static crpi_str *inline_str(crp *vm, size_t length)
{
    crpi_str *s = crpi_new(vm, CRP_STRING, offsetof(crpi_str, u) + length + 1);
    if (!s) return NULL;
    s->length = length;
    s->bytes = s->u.own;
    return s;
}

crp_status crpi_str_room(crp *vm, uint32_t class_id, size_t length, char **room, crp_word *out)
{
    crpi_str *s;
    if (length <= CRPI_INLINE_BYTES) {
        s = inline_str(vm, length);
    } else {
        if (length >= most_bytes) return crp_no_memory(vm);
        char *bytes = crp_alloc(vm, length + 1);
        if (!bytes) return CRP_E_NOMEM;
        s = over_block(vm, bytes, length, length + 1);
    }
    if (!s) return CRP_E_NOMEM;
    *room = (char *)(uintptr_t)s->bytes;
    return finish(vm, class_id, s, out);
}

crp_status crpi_str_new(crp *vm, uint32_t class_id, const void *bytes, size_t length, crp_word *out)
{
    char *room = NULL;
    crp_status st = crpi_str_room(vm, class_id, length, &room, out);
    if (st) return st;
    if (length) memcpy(room, bytes, length);
    return CRP_OK;
}

crp_status crpi_str_take(crp *vm, uint32_t class_id, void *bytes, size_t length, size_t capacity,
                         crp_word *out)
{
    if (length <= CRPI_INLINE_BYTES) {
        crp_status st = crpi_str_new(vm, class_id, bytes, length, out);
        crpi_mem_free(&vm->mem, bytes, capacity);
        return st;
    }
    if (capacity - length > length / 8 + 64) {
        void *fitting = crpi_mem_realloc(&vm->mem, bytes, capacity, length + 1);
        if (fitting) {
            bytes = fitting;
            capacity = length + 1;
        }
    }
    crpi_str *s = over_block(vm, bytes, length, capacity);
    return s ? finish(vm, class_id, s, out) : CRP_E_NOMEM;
}

static crp_word string_under(crp_word w) { return crp_is_a(w, CRP_BINARY) ? crpi_binary_of(w)->bytes : w; }

crp_status crpi_str_slice(crp *vm, uint32_t class_id, crp_word parent, size_t from, size_t length,
                          crp_word *out)
{
    if (crp_is_a(parent, CRP_BINARY)) parent = crpi_binary_share(parent);
    crpi_str *whole = crpi_str_of(parent), *s;
    if (from > whole->length || length > whole->length - from)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "%zu bytes from position %zu: there are %zu",
                         length, from, (size_t)whole->length);
    if (length == whole->length) return finish(vm, class_id, whole, out);
    if (length < CRPI_SLICE_FROM) return crpi_str_new(vm, class_id, whole->bytes + from, length, out);
    s = pointing(vm, whole->h.flags ? whole->u.of.parent : parent, whole->bytes + from, length,
                 CRPI_STR_SLICE);
    return s ? finish(vm, class_id, s, out) : CRP_E_NOMEM;
}

crp_status crp_string(crp *vm, const void *bytes, size_t length, crp_word *out)
{
    return crpi_str_new(vm, CRP_STRING, bytes, length, out);
}

crp_status crp_string_z(crp *vm, const char *text, crp_word *out)
{
    return crpi_str_new(vm, CRP_STRING, text, strlen(text), out);
}

crp_status crp_string_take(crp *vm, void *bytes, size_t length, size_t capacity, crp_word *out)
{
    return crpi_str_take(vm, CRP_STRING, bytes, length, capacity, out);
}

crp_status crp_string_slice(crp *vm, crp_word string, size_t from, size_t length, crp_word *out)
{
    return crpi_str_slice(vm, CRP_STRING, string, from, length, out);
}

bool crp_is_string(crp_word w) { return crp_is_a(w, CRP_STRING); }

const char *crp_string_data(crp_word string, size_t *length)
{
    const crpi_str *s = crpi_str_of(string);
    if (length) *length = s->length;
    return s->bytes;
}

/* A slice gets a copy with a NUL, which it keeps: the text lives as long as the String. */
crp_status crp_c_string(crp *vm, crp_word string, const char **out)
{
    crpi_str *s = crpi_str_of(string);
    if (s->length && memchr(s->bytes, 0, s->length))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "expected a String without NUL bytes, given %v", string);
    *out = s->bytes;
    if (!(s->h.flags & CRPI_STR_SLICE)) return CRP_OK;
    if (s->u.of.terminated == 0) {
        crp_word copy;
        crp_status st = crp_string(vm, s->bytes, s->length, &copy);
        if (st) return st;
        crp_store(vm, &s->h, &s->u.of.terminated, copy);
    }
    *out = crpi_str_of(s->u.of.terminated)->bytes;
    return CRP_OK;
}

/* --- Binaries ------------------------------------------------------------------------------------------- */

crp_status crp_binary(crp *vm, const void *bytes, size_t length, crp_word *out)
{
    return crpi_str_new(vm, CRP_BINARY, bytes, length, out);
}

const unsigned char *crp_binary_data(crp_word binary, size_t *length)
{
    return (const unsigned char *)crp_string_data(crpi_binary_of(binary)->bytes, length);
}

bool crp_bytes(crp_word w, const unsigned char **bytes, size_t *length)
{
    if (crp_is_a(w, CRP_BUFFER)) {
        const crpi_buffer *b = crpi_buffer_of(w);
        *bytes = b->block ? b->block + b->start : (const unsigned char *)"";
        *length = b->length;
        return true;
    }
    if (!crp_is_a(w, CRP_STRING) && !crp_is_a(w, CRP_BINARY)) return false;
    *bytes = (const unsigned char *)crp_string_data(string_under(w), length);
    return true;
}

/* --- Buffers -------------------------------------------------------------------------------------------- */

crp_status crp_buffer(crp *vm, size_t capacity, crp_word *out)
{
    if (capacity >= most_bytes) return crp_no_memory(vm);
    crpi_buffer *b = crpi_new(vm, CRP_BUFFER, sizeof *b);
    if (!b) return CRP_E_NOMEM;
    if (capacity) {
        b->block = crp_alloc(vm, capacity);
        if (!b->block) return CRP_E_NOMEM;
        b->capacity = capacity;
    }
    *out = crp_from_object(b);
    return CRP_OK;
}

static void to_front(crpi_buffer *b)
{
    if (b->length) memmove(b->block, b->block + b->start, b->length);
    b->start = 0;
}

/* Doubles; near the limit, where that is refused, takes about half of what can be had, so that the last bytes do not
 * come one by one; at last just what is needed. */
static crp_status grow(crp *vm, crpi_buffer *b, size_t want)
{
    if (want >= most_bytes - b->length) return crp_no_memory(vm);
    size_t need = b->length + want, capacity = b->capacity < 32 ? 64 : b->capacity * 2;
    if (capacity < need) capacity = need;
    if (b->start) to_front(b);
    void *block = crpi_mem_realloc(&vm->mem, b->block, b->capacity, capacity);
    for (size_t extra = capacity - need; !block && extra >= 64; extra /= 2) {
        capacity = need + extra;
        block = crpi_mem_realloc(&vm->mem, b->block, b->capacity, capacity);
    }
    if (!block) {
        capacity = need;
        block = crp_realloc(vm, b->block, b->capacity, capacity);
    }
    if (!block) return CRP_E_NOMEM;
    b->block = block;
    b->capacity = capacity;
    return CRP_OK;
}

/* Bytes are moved to the front only when that frees as much as it moves (so a queue's cost stays linear),
 * or when the Buffer may not grow and is full otherwise. */
crp_status crp_buffer_room(crp *vm, crp_word buffer, size_t want, unsigned char **at, size_t *room)
{
    crpi_buffer *b = crpi_buffer_of(buffer);
    size_t behind = b->capacity - b->start - b->length;
    if (b->start && (want > behind || behind == 0)) {
        bool pays = want == 0 || b->start >= b->length / 2;
        if (pays && want <= b->capacity - b->length) to_front(b);
        behind = b->capacity - b->start - b->length;
    }
    if (want > behind) {
        crp_status st = grow(vm, b, want);
        if (st) return st;
        behind = b->capacity - b->length;
    }
    *room = behind;
    *at = b->block ? b->block + b->start + b->length : NULL;
    return CRP_OK;
}

void crp_buffer_added(crp_word buffer, size_t n) { crpi_buffer_of(buffer)->length += n; }

/* --- for the collector ---------------------------------------------------------------------------------- */

static void mark_str(crp *vm, crp_object *o, crp_marker mark)
{
    crpi_str *s = (crpi_str *)o;
    if (s->h.flags == 0) return;
    mark(vm, s->u.of.parent);
    mark(vm, s->u.of.terminated);
}

static void mark_binary(crp *vm, crp_object *o, crp_marker mark) { mark(vm, ((crpi_binary *)o)->bytes); }

static void drop_block(crp *vm, crp_object *o)
{
    crpi_block *block = (crpi_block *)o;
    crpi_mem_free(&vm->mem, block->bytes, block->capacity);
}

static void drop_buffer(crp *vm, crp_object *o)
{
    crpi_buffer *b = (crpi_buffer *)o;
    crpi_mem_free(&vm->mem, b->block, b->capacity);
}

bool crpi_str_kinds(crp *vm)
{
    return crpi_heap_kind(&vm->heap, CRP_STRING, (crpi_kind){mark_str, NULL}) &&
           crpi_heap_kind(&vm->heap, CRP_BINARY, (crpi_kind){mark_binary, NULL}) &&
           crpi_heap_kind(&vm->heap, CRP_BLOCK, (crpi_kind){NULL, drop_block}) &&
           crpi_heap_kind(&vm->heap, CRP_BUFFER, (crpi_kind){NULL, drop_buffer});
}
