/* floor 3: what holds for every value: numbers outside the fast range, class, equality, hash.
 *
 * A flonum is a double plus an offset on its exponent, rotated left by three: so a double with an exponent from
 * -255 to 256 has the tag of a flonum then, by itself, and nothing is lost or put in.  The word of the smallest of
 * these stands for 0.0; it and every other double are boxed.  Equality and hash agree: numbers by value across Integer and Real, Strings
 * and Binaries by content, Times by instant, Lists, Arrays, Buffers and HashTables by content, Errors by class, code and text,
 * References by what they refer to, everything else by identity; as a key an Error or Reference is itself and
 * nothing else, because it may change.  Neither recurses on the C stack.
 */
#ifndef CARAPACE_VALUE_H
#define CARAPACE_VALUE_H

#include <string.h>
#include "state.h"

typedef struct crpi_boxed_integer {
    crp_object h;
    int64_t value;
} crpi_boxed_integer;

typedef struct crpi_boxed_real {
    crp_object h;
    double value;
} crpi_boxed_real;

/* Array: a fixed number of words in a block of its own. */
typedef struct crpi_array {
    crp_object h;
    size_t count;
    crp_word *items; /* NULL when there are none */
} crpi_array;

typedef struct crpi_reference {
    crp_object h;
    crp_word object;
} crpi_reference;

static inline crpi_reference *crpi_reference_of(crp_word w) { return (crpi_reference *)crp_object_of(w); }

static inline crpi_array *crpi_array_of(crp_word w) { return (crpi_array *)crp_object_of(w); }
crp_status crpi_array_new(crp *, size_t count, crp_word *out); /* filled with NIL */

#define CRPI_FLONUM_ZERO 2ull
#define CRPI_FLONUM_OFFSET ((uint64_t)1 << 60)
#define CRPI_FIXNUM_MAX ((int64_t)1 << 61)

static inline uint64_t crpi_double_bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    return u;
}

static inline double crpi_double_from(uint64_t u)
{
    double d;
    memcpy(&d, &u, 8);
    return d;
}

static inline double crpi_flonum_value(crp_word w)
{
    if (__builtin_expect(w == CRPI_FLONUM_ZERO, 0)) return 0.0;
    return crpi_double_from((w >> 3 | w << 61) - CRPI_FLONUM_OFFSET);
}

/* False: the double needs a box. */
static inline bool crpi_flonum(double d, crp_word *out)
{
    uint64_t u = crpi_double_bits(d), shifted = u + CRPI_FLONUM_OFFSET;
    crp_word w = shifted << 3 | shifted >> 61;
    if (__builtin_expect(!crp_is_flonum(w) || w == CRPI_FLONUM_ZERO, 0)) {
        if (u != 0) return false;
        w = CRPI_FLONUM_ZERO;
    }
    *out = w;
    return true;
}

static inline bool crpi_fits_fixnum(int64_t i) { return i >= -CRPI_FIXNUM_MAX && i < CRPI_FIXNUM_MAX; }

/* The object that a word stands for: behind a view (class.h) it is the view's first word. */
static inline crp_word crpi_behind(crp_word w)
{
    return crp_is_a(w, CRP_VIEW) ? *(const crp_word *)(crp_object_of(w) + 1) : w;
}

bool crpi_value_kinds(crp *); /* tells the collector of boxed numbers and Arrays; false: no memory */

/* Hash of a word that is equal for equal words; false for what may not be a key: Lists but (), Arrays,
 * Buffers, HashTables, which change, and NaN, which equals nothing.  crpi_hash records 1.8 then,
 * crpi_hash_of nothing. */
bool crpi_hash(crp *, crp_word, uint64_t *out);
bool crpi_hash_of(crp *, crp_word, uint64_t *out);
bool crpi_key_equal(crp_word, crp_word); /* of words that both have a hash */

/* -1, 0, 1; 1.11 when the two cannot be ordered: numbers can, and two Strings or two Binaries by their
 * bytes.  NaN compares with nothing: *out 2. */
crp_status crpi_compare(crp *, crp_word, crp_word, int *out);

#endif
