/* floor 4: JSON texts (RFC 8259) to values, and values to JSON texts.
 *
 * Both directions are loops over stacks of their own, so depth costs memory and never the C stack.
 */
#ifndef CARAPACE_JSON_H
#define CARAPACE_JSON_H

#include <string.h>
#include "state.h"

/* The value of a text, a String, Binary or Buffer: an object becomes a HashTable in the order of its keys,
 * an array an Array, a string a String; a number an Integer where it is written as one and fits 64 bits,
 * else a Real; `true` the Symbol, null and false what the caller wants for them.  Of keys that come twice
 * the last value counts.  Anything that is no JSON is an error of class 8, with the codes of source text
 * (reader.h), and names line and column, both from 1 and in bytes. */
crp_status crpi_json_read(crp *, crp_word text, crp_word null_value, crp_word false_value, crp_word *out);

enum { CRPI_JSON_INDENT = 32 };

/* What () becomes: it is the empty List, what a test says for false, and what stands for nothing at all. */
enum crpi_json_empty { CRPI_JSON_NULL, CRPI_JSON_FALSE, CRPI_JSON_ARRAY };

/* The text of a value, a String; `indent` spaces a level, at most CRPI_JSON_INDENT, 0: all in one line.  1.8
 * for what JSON has no form for and for more than 1 GiB, 1.2 for a value that holds itself. */
crp_status crpi_json_write(crp *, crp_word value, unsigned indent, enum crpi_json_empty, crp_word *out);

/* The end of the run of bytes that may stand in a JSON string as they are and are ASCII: none of them is a
 * quote, a backslash or a control character.  Eight at a time: subtracting borrows into the highest bit of
 * the first byte that is too small, and what that does to bytes after it does not matter. */
static inline const char *crpi_json_plain(const char *s, const char *end)
{
    const uint64_t ones = 0x0101010101010101u;
    for (; end - s >= 8; s += 8) {
        uint64_t u;
        memcpy(&u, s, 8);
        uint64_t small = (u - ones * 0x20) | ((u ^ ones * '"') - ones) | ((u ^ ones * '\\') - ones);
        if ((small | u) & ones * 0x80) break;
    }
    while (s < end && (unsigned char)*s >= 0x20 && (unsigned char)*s < 0x80 && *s != '"' && *s != '\\') s++;
    return s;
}

#endif
