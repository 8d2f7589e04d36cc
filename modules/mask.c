/* floor 4: what no text and no record may show: see mask.h. */
#include <string.h>
#include "mask.h"

enum {
    WHOLE_WORD_BELOW = 4, /* bytes: a shorter secret is a secret only where it stands by itself */
    SHORTEST_BASE64 = 6,  /* digits that belong to a secret alone */
    LONGEST_BASE64 = CRPI_MASK_DIGITS / 2, /* bytes of a secret that may be in base64 */
    BEGUN = 2,            /* bytes at the end of a piece with which a secret may have begun */
    AT_ONCE = 4096
};
enum form { TEXT, WORD, REST };

/* --- the forms --------------------------------------------------------------------------------------------- */

static unsigned char lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c; }
static unsigned char upper(unsigned char c) { return c >= 'a' && c <= 'z' ? (unsigned char)(c - 32) : c; }

static void begins_with(crpi_mask *mask, unsigned char c) { mask->first[c >> 6] |= UINT64_C(1) << (c & 63); }

static crp_status make_room(crp *vm, crpi_mask *mask, size_t more)
{
    size_t wanted = mask->n + more;
    if (wanted <= mask->room) return CRP_OK;
    unsigned char *grown = crp_realloc(vm, mask->bytes, mask->room, wanted);
    if (!grown) return CRP_E_NOMEM;
    mask->bytes = grown;
    mask->room = wanted;
    return CRP_OK;
}

static bool has_form(const crpi_mask *mask, enum form form, const void *bytes, size_t n)
{
    for (const unsigned char *f = mask->bytes, *end = f + mask->n; f < end;) {
        uint32_t length;
        memcpy(&length, f + 1, sizeof length);
        if (*f == form && length == n && !memcmp(f + 1 + sizeof length, bytes, n)) return true;
        f += 1 + sizeof length + length;
    }
    return false;
}

static crp_status add_form(crp *vm, crpi_mask *mask, enum form form, const void *bytes, size_t n)
{
    uint32_t length = (uint32_t)n;
    size_t more = 1 + sizeof length + n;
    if (!n || n > UINT32_MAX || (mask->n && has_form(mask, form, bytes, n))) return CRP_OK;
    crp_status st = make_room(vm, mask, more);
    if (st) return st;
    unsigned char *at = mask->bytes + mask->n, first = *(const unsigned char *)bytes;
    *at++ = (unsigned char)form;
    memcpy(at, &length, sizeof length);
    memcpy(at + sizeof length, bytes, n);
    mask->n += more;
    begins_with(mask, first);
    if (form == REST) begins_with(mask, lower(first)), begins_with(mask, upper(first));
    return CRP_OK;
}

size_t crpi_mask_base64(const void *secret, size_t n, size_t shift, unsigned char out[CRPI_MASK_DIGITS])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = secret;
    size_t from = (shift * 8 + 5) / 6, to = (shift + n) * 8 / 6;
    if (n > LONGEST_BASE64 || to < from + SHORTEST_BASE64) return 0;
    for (size_t digit = from; digit < to; digit++) {
        size_t bit = digit * 6 - shift * 8, at = bit / 8;
        unsigned pair = (unsigned)bytes[at] << 8 | (at + 1 < n ? bytes[at + 1] : 0);
        out[digit - from] = (unsigned char)digits[pair >> (10 - bit % 8) & 63];
    }
    return to - from;
}

crp_status crpi_mask_add(crp *vm, crpi_mask *mask, const void *secret, size_t n)
{
    unsigned char digits[CRPI_MASK_DIGITS];
    crp_status st = add_form(vm, mask, n < WHOLE_WORD_BELOW ? WORD : TEXT, secret, n);
    for (size_t shift = 0; !st && shift < 3; shift++)
        st = add_form(vm, mask, TEXT, digits, crpi_mask_base64(secret, n, shift, digits));
    explicit_bzero(digits, sizeof digits);
    return st;
}

crp_status crpi_mask_add_rest(crp *vm, crpi_mask *mask, const void *beginning, size_t n)
{
    return add_form(vm, mask, REST, beginning, n);
}

crp_status crpi_mask_join(crp *vm, crpi_mask *mask, const crpi_mask *other)
{
    crp_status st = make_room(vm, mask, other->n);
    if (st || !other->n) return st;
    memcpy(mask->bytes + mask->n, other->bytes, other->n);
    mask->n += other->n;
    for (int i = 0; i < 4; i++) mask->first[i] |= other->first[i];
    return CRP_OK;
}

void crpi_mask_clear(crp *vm, crpi_mask *mask)
{
    if (mask->bytes) {
        memset(mask->bytes, 0, mask->room);
        crp_free_bytes(vm, mask->bytes, mask->room);
    }
    *mask = (crpi_mask){0};
}

/* --- what is hidden ------------------------------------------------------------------------------------------ */

typedef struct view { /* what is looked at: the tail and the new bytes behind it */
    unsigned char bytes[sizeof((crpi_tail *)0)->bytes + AT_ONCE];
    bool hidden[sizeof((crpi_tail *)0)->bytes + AT_ONCE];
    size_t n, before; /* the tail's */
    bool goes_on;     /* more may come */
    bool open;        /* the last line's rest is secret */
} view;

static bool is_word(const view *v, size_t at)
{
    unsigned char c = at < v->n ? v->bytes[at] : ' ';
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c >= 0x80;
}

static bool same_letters(const unsigned char *a, const unsigned char *b, size_t n)
{
    while (n && lower(*a) == lower(*b)) a++, b++, n--;
    return !n;
}

static void hide(view *v, size_t from, size_t to)
{
    if (to > from) memset(v->hidden + from, true, to - from);
}

static void hide_rest_of_line(view *v, size_t at)
{
    const unsigned char *lf = memchr(v->bytes + at, '\n', v->n - at);
    size_t end = lf ? (size_t)(lf - v->bytes) : v->n;
    v->open = !lf;
    if (lf && end > at && v->bytes[end - 1] == '\r') end--;
    hide(v, at, end);
}

/* A beginning of a line, behind which the rest is secret. */
static void try_rest(view *v, const unsigned char *text, size_t n, size_t at)
{
    const unsigned char *here = v->bytes + at;
    if (v->n - at >= n && (!at || here[-1] == '\n') && same_letters(here, text, n)) hide_rest_of_line(v, at + n);
}

/* At the end of a piece the beginning of a secret is enough. */
static void try_text(view *v, enum form form, const unsigned char *text, size_t n, size_t at)
{
    size_t left = v->n - at;
    const unsigned char *here = v->bytes + at;
    bool begun = form == TEXT && v->goes_on && left < n && left >= BEGUN;
    if ((left < n && !begun) || memcmp(here, text, begun ? left : n)) return;
    if (form == WORD && ((at && is_word(v, at - 1)) || is_word(v, at + n))) return;
    hide(v, at, at + (begun ? left : n));
}

static void try_all(const crpi_mask *mask, view *v, size_t at)
{
    unsigned char c = v->bytes[at];
    if (!(mask->first[c >> 6] >> (c & 63) & 1)) return;
    for (const unsigned char *f = mask->bytes, *end = f + mask->n; f < end;) {
        uint32_t n;
        memcpy(&n, f + 1, sizeof n);
        const unsigned char *text = f + 1 + sizeof n;
        if (*f == REST) try_rest(v, text, n, at);
        else try_text(v, (enum form)*f, text, n, at);
        f = text + n;
    }
}

/* --- showing ------------------------------------------------------------------------------------------------- */

static void look_at(view *v, const crpi_tail *tail, const void *bytes, size_t n)
{
    v->before = tail ? tail->n : 0;
    v->n = v->before + n;
    v->goes_on = tail != NULL;
    v->open = false;
    if (v->before) memcpy(v->bytes, tail->bytes, v->before);
    if (n) memcpy(v->bytes + v->before, bytes, n);
    memset(v->hidden, false, v->n);
    if (tail && tail->hiding) hide_rest_of_line(v, v->before);
}

/* The last bytes, for what begins in them and ends in the next piece. */
static void remember(crpi_tail *tail, const unsigned char *bytes, size_t n)
{
    size_t most = sizeof tail->bytes;
    if (n > most) bytes += n - most, n = most;
    size_t keep = tail->n < most - n ? tail->n : most - n;
    memmove(tail->bytes, tail->bytes + tail->n - keep, keep);
    if (n) memcpy(tail->bytes + keep, bytes, n);
    tail->n = (uint8_t)(keep + n);
}

static size_t write_out(const view *v, char *out, size_t room)
{
    size_t written = 0;
    for (size_t i = v->before; i < v->n; i++) {
        bool more = i > v->before && v->hidden[i - 1];
        size_t n = !v->hidden[i] ? 1 : more ? 0 : 3;
        if (n > room - written) break;
        if (n == 1) out[written] = (char)v->bytes[i];
        else memcpy(out + written, "***", n);
        written += n;
    }
    return written;
}

size_t crpi_mask_show(const crpi_mask *mask, crpi_tail *tail, const void *bytes, size_t n, char *out, size_t room)
{
    view v;
    size_t looked = n < AT_ONCE ? n : AT_ONCE;
    look_at(&v, tail, bytes, looked);
    for (size_t i = 0; mask->n && i < v.n; i++) try_all(mask, &v, i);
    if (tail) {
        tail->hiding = v.open && !memchr((const char *)bytes + looked, '\n', n - looked);
        remember(tail, bytes, n);
    }
    return write_out(&v, out, room);
}
