/* floor 3: Strings and Binaries: counted, immutable bytes; Buffers: bytes that change and grow.
 *
 * A short String holds its bytes in its own cell.  A long one points into a block outside the heap, a slice
 * into its parent: both keep alive what they point into.  The block has an owner object of its own
 * (CRP_BLOCK), so that of all Strings only the long ones cost the collector a sweep, and a slice of a long
 * String holds on to nothing else.  The hash is computed when first asked for; its seed differs per
 * interpreter, so keys from the network cannot be chosen to collide.  A String never changes but for what it
 * remembers: that hash, whether it is UTF-8, and a terminated copy.
 */
#ifndef CARAPACE_STR_H
#define CARAPACE_STR_H

#include "state.h"

typedef struct crpi_str {
    crp_object h; /* flags: CRPI_STR_...; aux: an enum crpi_str_text */
    uint64_t length;
    const char *bytes;
    uint64_t hash; /* 0: not yet computed */
    union {
        struct {
            crp_word parent;     /* String or block that has the bytes */
            crp_word terminated; /* a copy with a NUL after it, a String; 0: none was asked for */
        } of;
        char own[16]; /* inline bytes start here, a NUL follows them */
    } u;
} crpi_str;

enum {
    CRPI_STR_OWNED = 1, /* the parent is a block made for this String: a NUL follows the bytes */
    CRPI_STR_SLICE = 2, /* anything may follow */
    CRPI_SLICE_FROM = 32,     /* bytes: shorter slices are copied */
    CRPI_INLINE_BYTES = 1024 - 33 /* longer Strings have a block */
};

enum crpi_str_text { CRPI_STR_UNREAD, CRPI_STR_UTF8, CRPI_STR_NOT_UTF8 };

typedef struct crpi_block {
    crp_object h;
    void *bytes;
    size_t capacity;
} crpi_block;

bool crpi_str_kinds(crp *); /* tells the collector of Strings, Binaries and Buffers; false: no memory */

static inline crpi_str *crpi_str_of(crp_word w) { return (crpi_str *)crp_object_of(w); }

/* The bytes are about to change, which nobody else has. */
static inline void crpi_str_forget(crpi_str *s)
{
    s->hash = 0;
    s->h.aux = CRPI_STR_UNREAD;
}

/* class_id is CRP_STRING, or CRP_BINARY: then a Binary over such a String is made as well. */
crp_status crpi_str_new(crp *, uint32_t class_id, const void *bytes, size_t length, crp_word *out);

/* Room for `length` bytes (a NUL is after them already), to be filled before anything else sees the value. */
crp_status crpi_str_room(crp *, uint32_t class_id, size_t length, char **room, crp_word *out);

/* Over bytes of crp_alloc, or of a crpi_buf on vm->mem, which it owns from now on, even when it fails. */
crp_status crpi_str_take(crp *, uint32_t class_id, void *bytes, size_t length, size_t capacity,
                         crp_word *out);

/* `parent` is a String or Binary; 1.7 when the range is not within it. */
crp_status crpi_str_slice(crp *, uint32_t class_id, crp_word parent, size_t from, size_t length,
                          crp_word *out);
uint64_t crpi_str_hash(crp *, crpi_str *);
bool crpi_str_equal(const crpi_str *, const crpi_str *);
bool crpi_str_is_utf8(crpi_str *); /* remembers what it found */
uint64_t crpi_hash_bytes(uint64_t seed, const void *, size_t);

/* Binary: an object over a String's bytes.  A surgical method gives it its own copy first and notes it in
 * `aux`; who takes the String for something else takes it through crpi_binary_share, which ends that. */
typedef struct crpi_binary {
    crp_object h; /* aux: CRPI_BINARY_OWN or 0 */
    crp_word bytes; /* a String, shared */
} crpi_binary;

enum { CRPI_BINARY_OWN = 1 };

static inline crpi_binary *crpi_binary_of(crp_word w) { return (crpi_binary *)crp_object_of(w); }
static inline crp_word crpi_binary_share(crp_word binary)
{
    crpi_binary_of(binary)->h.aux = 0;
    return crpi_binary_of(binary)->bytes;
}
crp_status crpi_binary_over(crp *, crp_word string, crp_word *out);

/* Buffer: mutable, growing, bytes from `start` to `start + length` of an owned block. */
typedef struct crpi_buffer {
    crp_object h;
    unsigned char *block;
    size_t capacity, start, length;
} crpi_buffer;

static inline crpi_buffer *crpi_buffer_of(crp_word w) { return (crpi_buffer *)crp_object_of(w); }

/* A String, Binary or Buffer is at most 1 TiB; memory's limit comes first. */
enum { CRPI_MAX_BYTES_LOG2 = 40 };

#endif
