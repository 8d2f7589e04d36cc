/* floor 4: lines and dots: see text.h.
 *
 * Nearly all bytes of a mail are none of these matters, so they are searched for LF and a dot, many at a
 * time.  What was received is unstuffed where it lies: without a dot at a line's beginning nothing moves.
 */
#include <string.h>
#include "text.h"

/* --- searching ------------------------------------------------------------------------------------- */

typedef unsigned char block __attribute__((vector_size(16)));

enum { BLOCK = sizeof(block), BLOCKS = 4 };

/* Which bytes of a block are LF with a dot after it: all ones, the others zero. */
static inline block line_dots(const unsigned char *s)
{
    block here, next;
    memcpy(&here, s, BLOCK);
    memcpy(&next, s + 1, BLOCK);
    return (block)(here == '\n') & (block)(next == '.');
}

static inline bool any(block b)
{
    uint64_t halves[2];
    memcpy(halves, &b, BLOCK);
    return (halves[0] | halves[1]) != 0;
}

/* The place of the first byte that is all ones; there is one. */
static inline size_t first_of(block b)
{
    uint64_t halves[2];
    memcpy(halves, &b, BLOCK);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return halves[0] ? (size_t)__builtin_ctzll(halves[0]) / 8 : 8 + (size_t)__builtin_ctzll(halves[1]) / 8;
#else
    return halves[0] ? (size_t)__builtin_clzll(halves[0]) / 8 : 8 + (size_t)__builtin_clzll(halves[1]) / 8;
#endif
}

/* Where the first LF with a dot after it is; n if there is none. */
static size_t find_line_dot(const unsigned char *s, size_t n)
{
    size_t i = 0;
    for (; n - i > BLOCK * BLOCKS; i += BLOCK * BLOCKS) {
        block found = line_dots(s + i);
        for (int k = 1; k < BLOCKS; k++) found |= line_dots(s + i + k * BLOCK);
        if (any(found)) break;
    }
    for (; n - i > BLOCK; i += BLOCK) {
        block found = line_dots(s + i);
        if (any(found)) return i + first_of(found);
    }
    for (; i + 1 < n; i++)
        if (s[i] == '\n' && s[i + 1] == '.') return i;
    return n;
}

/* Where a text is after these bytes, n > 0, when the byte before them was no CR. */
static crpi_in_text state_after(const unsigned char *s, size_t n)
{
    if (s[n - 1] == '\r') return CRPI_AFTER_CR;
    return n > 1 && s[n - 1] == '\n' && s[n - 2] == '\r' ? CRPI_LINE_START : CRPI_IN_LINE;
}

/* Bytes up to the next line that begins with a dot, or all; the byte before them was no CR. */
static size_t plain_run(const unsigned char *s, size_t n, crpi_in_text *after)
{
    size_t at = find_line_dot(s, n);
    size_t run = at == n ? n : at + 1;
    *after = state_after(s, run);
    return run;
}

/* The byte after a CR. */
static crpi_in_text after_cr(unsigned char c)
{
    return c == '\n' ? CRPI_LINE_START : c == '\r' ? CRPI_AFTER_CR : CRPI_IN_LINE;
}

/* --- receiving ------------------------------------------------------------------------------------- */

/* A dot at the beginning of a line: how many bytes are no part of the text, 0: what follows is needed to tell. */
static size_t leading_dot(crpi_in_text *state, const unsigned char *s, size_t n)
{
    if (n < 2 || (s[1] == '\r' && n < 3)) return 0;
    *state = CRPI_IN_LINE;
    if (s[1] != '\r' || s[2] != '\n') return 1;
    *state = CRPI_TEXT_ENDED;
    return 3;
}

size_t crpi_unstuff(crpi_in_text *state, unsigned char *bytes, size_t n, size_t *kept)
{
    size_t i = 0, run;
    for (*kept = 0; i < n && *state != CRPI_TEXT_ENDED; i += run) {
        if (*state == CRPI_LINE_START && bytes[i] == '.') {
            if (!(run = leading_dot(state, bytes + i, n - i))) return i;
            continue;
        }
        if (*state == CRPI_AFTER_CR) *state = after_cr(bytes[i]), run = 1;
        else run = plain_run(bytes + i, n - i, state);
        if (*kept != i) memmove(bytes + *kept, bytes + i, run);
        *kept += run;
    }
    return i;
}

/* Room for n bytes more and one for a NUL: what comes first is often all. */
static crp_status make_room(crp *vm, crpi_text *t, size_t n)
{
    size_t wanted, doubled = t->capacity * 2;
    if (__builtin_add_overflow(t->length + 1, n, &wanted)) return crp_no_memory(vm);
    if (wanted <= t->capacity) return CRP_OK;
    if (t->capacity && wanted < doubled) wanted = doubled;
    unsigned char *bytes = crp_realloc(vm, t->bytes, t->capacity, wanted);
    if (!bytes) return CRP_E_NOMEM;
    t->bytes = bytes;
    t->capacity = wanted;
    return CRP_OK;
}

crp_status crpi_text_add(crp *vm, crpi_text *t, const unsigned char *bytes, size_t n)
{
    crp_status st = make_room(vm, t, n);
    if (st) return st;
    if (n) memcpy(t->bytes + t->length, bytes, n);
    t->length += n;
    return CRP_OK;
}

crp_status crpi_text_take(crp *vm, crpi_text *t, crp_word *string)
{
    crpi_text all = *t;
    *t = (crpi_text){NULL, 0, 0};
    if (all.bytes) return crp_string_take(vm, all.bytes, all.length, all.capacity, string);
    return crp_string(vm, "", 0, string);
}

void crpi_text_free(crp *vm, crpi_text *t)
{
    if (t->bytes) crp_free_bytes(vm, t->bytes, t->capacity);
    *t = (crpi_text){NULL, 0, 0};
}

/* --- sending --------------------------------------------------------------------------------------- */

size_t crpi_stuff(crpi_in_text *state, const unsigned char *from, size_t n, unsigned char *to)
{
    unsigned char *out = to;
    size_t i = 0;
    while (i < n) {
        if (*state == CRPI_LINE_START && from[i] == '.') *out++ = '.';
        if (*state == CRPI_AFTER_CR) {
            *state = after_cr(from[i]);
            *out++ = from[i++];
            continue;
        }
        size_t run = plain_run(from + i, n - i, state);
        memcpy(out, from + i, run);
        out += run;
        i += run;
    }
    return (size_t)(out - to);
}

size_t crpi_stuff_end(const crpi_in_text *state, unsigned char to[CRPI_TEXT_END])
{
    memcpy(to, "\r\n.\r\n", CRPI_TEXT_END);
    if (*state != CRPI_LINE_START) return CRPI_TEXT_END;
    memmove(to, to + 2, CRPI_TEXT_END - 2);
    return CRPI_TEXT_END - 2;
}

/* --- lines ----------------------------------------------------------------------------------------- */

bool crpi_line_ends(const unsigned char *line, size_t *n)
{
    if (*n < 2 || line[*n - 1] != '\n' || line[*n - 2] != '\r') return false;
    *n -= 2;
    return true;
}

bool crpi_line_fits(const void *bytes, size_t n)
{
    return !n || !(memchr(bytes, '\r', n) || memchr(bytes, '\n', n) || memchr(bytes, 0, n));
}

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }

bool crpi_line_same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (upper(a[i]) != upper(b[i])) return false;
    return true;
}

bool crpi_line_number(const char **at, const char *end, int64_t *out)
{
    const char *from = *at;
    *out = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, **at - '0', out))
            return false;
    return *at > from;
}

bool crpi_line_blank(const char **at, const char *end)
{
    const char *from = *at;
    while (*at < end && (**at == ' ' || **at == '\t')) ++*at;
    return *at > from;
}
