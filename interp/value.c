/* Numbers in boxes, order, hash, equality, and the making of Lists and Symbols.
 *
 * Equality is one loop over a stack of comparisons still to be made.  Data without cycles and with little
 * sharing is compared with nothing more than that.  A comparison that has gone on for long might be going in
 * circles, so from then on it remembers, in short stretches, what it has already taken to be equal (see
 * `assumed` below).
 */
#include "value.h"

#include "error.h"
#include "instant.h"
#include "map.h"
#include "str.h"

/* --- numbers -------------------------------------------------------------------------------------------- */

crp_status crp_integer(crp *vm, int64_t i, crp_word *out)
{
    if (crpi_fits_fixnum(i)) {
        *out = crp_fixnum(i);
        return CRP_OK;
    }
    crpi_boxed_integer *box = crpi_new(vm, CRP_INTEGER, sizeof *box);
    if (!box) return CRP_E_NOMEM;
    box->value = i;
    *out = crp_from_object(box);
    return CRP_OK;
}

bool crp_is_integer(crp_word w) { return crp_is_fixnum(w) || crp_is_a(w, CRP_INTEGER); }

int64_t crp_integer_value(crp_word w)
{
    return crp_is_fixnum(w) ? crp_fixnum_value(w) : ((crpi_boxed_integer *)crp_object_of(w))->value;
}

crp_status crp_real(crp *vm, double d, crp_word *out)
{
    if (crpi_flonum(d, out)) return CRP_OK;
    crpi_boxed_real *box = crpi_new(vm, CRP_REAL, sizeof *box);
    if (!box) return CRP_E_NOMEM;
    box->value = d;
    *out = crp_from_object(box);
    return CRP_OK;
}

bool crp_is_real(crp_word w) { return crp_is_flonum(w) || crp_is_a(w, CRP_REAL); }

double crp_real_value(crp_word w)
{
    if (crp_is_flonum(w)) return crpi_flonum_value(w);
    if (crp_is_a(w, CRP_REAL)) return ((crpi_boxed_real *)crp_object_of(w))->value;
    return (double)crp_integer_value(w);
}

static bool is_number(crp_word w) { return crp_is_integer(w) || crp_is_real(w); }

/* Whether the double is just a 64-bit integer; 2^63 itself is not one. */
static bool is_integral(double d, int64_t *out)
{
    if (!(d >= -0x1p63 && d < 0x1p63)) return false;
    *out = (int64_t)d;
    return (double)*out == d;
}

enum { UNORDERED = 2 };

/* Exact: a double past 2^53 has no fraction, and below that the integer part converts back without loss. */
static int order_mixed(int64_t i, double d)
{
    if (d != d) return UNORDERED;
    if (d >= 0x1p63) return -1;
    if (d < -0x1p63) return 1;
    int64_t whole = (int64_t)d;
    double rest = d - (double)whole;
    if (i != whole) return i < whole ? -1 : 1;
    return rest > 0 ? -1 : rest < 0;
}

static int order_numbers(crp_word a, crp_word b)
{
    if (crp_is_integer(a) && crp_is_integer(b)) {
        int64_t x = crp_integer_value(a), y = crp_integer_value(b);
        return (x > y) - (x < y);
    }
    if (crp_is_real(a) && crp_is_real(b)) {
        double x = crp_real_value(a), y = crp_real_value(b);
        return x != x || y != y ? UNORDERED : (x > y) - (x < y);
    }
    if (crp_is_integer(a)) return order_mixed(crp_integer_value(a), crp_real_value(b));
    int order = order_mixed(crp_integer_value(b), crp_real_value(a));
    return order == UNORDERED ? UNORDERED : -order;
}

/* --- order ---------------------------------------------------------------------------------------------- */

static int order_bytes(crp_word a, crp_word b)
{
    const unsigned char *x, *y;
    size_t n, m;
    crp_bytes(a, &x, &n);
    crp_bytes(b, &y, &m);
    int order = memcmp(x, y, n < m ? n : m);
    return order ? (order > 0) - (order < 0) : (n > m) - (n < m);
}

crp_status crpi_compare(crp *vm, crp_word a, crp_word b, int *out)
{
    if (is_number(a) && is_number(b)) {
        *out = order_numbers(a, b);
    } else if ((crp_is_a(a, CRP_STRING) && crp_is_a(b, CRP_STRING)) ||
               (crp_is_a(a, CRP_BINARY) && crp_is_a(b, CRP_BINARY))) {
        *out = order_bytes(a, b);
    } else if (crp_is_a(a, CRP_TIME) && crp_is_a(b, CRP_TIME)) {
        *out = crpi_instant_order(crpi_time_of(a), crpi_time_of(b));
    } else {
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "cannot order %v (%n) and %v (%n): expected two numbers, Strings, Binaries or Times", a, a,
                         b, b);
    }
    return CRP_OK;
}

/* --- hash ----------------------------------------------------------------------------------------------- */

static uint64_t hash_number(crp *vm, uint64_t u) { return crpi_hash_bytes(vm->hash_seed, &u, sizeof u); }

/* Of what is equal to nothing but itself; turned over, so that a Symbol's word does not meet a number. */
static uint64_t hash_identity(crp *vm, crp_word w) { return ~crpi_hash_bytes(vm->hash_seed, &w, sizeof w); }

/* A Real that is integral hashes as the Integer that it equals; -0.0 as 0. */
static bool hash_real(crp *vm, double d, uint64_t *out)
{
    int64_t i;
    if (d != d) return false;
    *out = hash_number(vm, is_integral(d, &i) ? (uint64_t)i : crpi_double_bits(d));
    return true;
}

static uint64_t hash_time(crp *vm, const crpi_time *t)
{
    const int64_t words[] = {t->seconds, t->nanosecond};
    return ~crpi_hash_bytes(vm->hash_seed, words, sizeof words);
}

static bool hash_object(crp *vm, crp_word w, uint64_t *out)
{
    switch (crp_object_of(w)->class_id) {
    case CRP_INTEGER: *out = hash_number(vm, (uint64_t)crp_integer_value(w)); return true;
    case CRP_REAL: return hash_real(vm, crp_real_value(w), out);
    case CRP_STRING: *out = crpi_str_hash(vm, crpi_str_of(w)); return true;
    case CRP_BINARY: *out = ~crpi_str_hash(vm, crpi_str_of(crpi_binary_of(w)->bytes)); return true;
    case CRP_TIME: *out = hash_time(vm, crpi_time_of(w)); return true;
    case CRP_BUFFER:
    case CRP_ARRAY:
    case CRP_HASHTABLE: return false;
    default: *out = hash_identity(vm, w); return true;
    }
}

bool crpi_hash_of(crp *vm, crp_word w, uint64_t *out)
{
    w = crpi_behind(w);
    if (crp_is_pair(w)) return false;
    if (crp_is_object(w)) return hash_object(vm, w, out);
    if (crp_is_flonum(w)) return hash_real(vm, crpi_flonum_value(w), out);
    *out = crp_is_fixnum(w) ? hash_number(vm, (uint64_t)crp_fixnum_value(w)) : hash_identity(vm, w);
    return true;
}

bool crpi_hash(crp *vm, crp_word w, uint64_t *out)
{
    if (crpi_hash_of(vm, w, out)) return true;
    crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
              "%v (%n) cannot be a key: expected a String, Symbol, number, Binary or an object without "
              "contents of its own",
              w, w);
    return false;
}

static bool same_string(crp_word a, crp_word b) { return crpi_str_equal(crpi_str_of(a), crpi_str_of(b)); }

static bool same_binary(crp_word a, crp_word b)
{
    return same_string(crpi_binary_of(a)->bytes, crpi_binary_of(b)->bytes);
}

static bool same_time(crp_word a, crp_word b)
{
    return crpi_instant_order(crpi_time_of(a), crpi_time_of(b)) == 0;
}

bool crpi_key_equal(crp_word a, crp_word b)
{
    a = crpi_behind(a);
    b = crpi_behind(b);
    if (a == b) return true;
    if (crp_is_a(a, CRP_STRING)) return crp_is_a(b, CRP_STRING) && same_string(a, b);
    if (crp_is_a(a, CRP_BINARY)) return crp_is_a(b, CRP_BINARY) && same_binary(a, b);
    if (crp_is_a(a, CRP_TIME)) return crp_is_a(b, CRP_TIME) && same_time(a, b);
    return is_number(a) && is_number(b) && order_numbers(a, b) == 0;
}

/* --- what is assumed to be equal ------------------------------------------------------------------------ */

/* Containers in classes of "equal unless a difference turns up elsewhere".  When two that are in one class
 * meet again they need not be compared again.  Each comparison that is remembered joins two classes, so
 * there are fewer of them than containers, however these point at each other: the walk ends. */
typedef struct member {
    crp_word word;
    uint32_t above; /* towards the member that stands for the class */
} member;

typedef struct assumed {
    member *members;
    size_t count, capacity;
    uint32_t *slots; /* open addressing: member + 1 */
    size_t slot_count;
} assumed;

static size_t slot_of(const assumed *s, crp_word w)
{
    return (size_t)(w * 0x9e3779b97f4a7c15u >> 20) & (s->slot_count - 1);
}

static bool more_slots(crpi_mem *mem, assumed *s)
{
    size_t n = s->slot_count ? s->slot_count * 2 : 256;
    uint32_t *slots = crpi_mem_alloc(mem, n * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, n * sizeof *slots);
    crpi_mem_free(mem, s->slots, s->slot_count * sizeof *slots);
    s->slots = slots;
    s->slot_count = n;
    for (size_t i = 0; i < s->count; i++) {
        size_t at = slot_of(s, s->members[i].word);
        while (slots[at]) at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i + 1;
    }
    return true;
}

static bool member_of(crpi_mem *mem, assumed *s, crp_word w, uint32_t *out)
{
    if (s->count * 2 >= s->slot_count && !more_slots(mem, s)) return false;
    size_t at = slot_of(s, w);
    for (; s->slots[at]; at = (at + 1) & (s->slot_count - 1))
        if (s->members[s->slots[at] - 1].word == w) {
            *out = s->slots[at] - 1;
            return true;
        }
    if (s->count == UINT32_MAX ||
        !crpi_mem_grow(mem, &s->members, &s->capacity, s->count + 1, sizeof *s->members))
        return false;
    *out = (uint32_t)s->count++;
    s->members[*out] = (member){w, *out};
    s->slots[at] = *out + 1;
    return true;
}

static uint32_t top_of(assumed *s, uint32_t i)
{
    member *m = s->members;
    while (m[i].above != i) i = m[i].above = m[m[i].above].above;
    return i;
}

/* True in *known: the two are in one class already; else they are joined. */
static bool assume(crpi_mem *mem, assumed *s, crp_word a, crp_word b, bool *known)
{
    uint32_t i, j;
    if (!member_of(mem, s, a, &i) || !member_of(mem, s, b, &j)) return false;
    i = top_of(s, i);
    j = top_of(s, j);
    *known = i == j;
    s->members[i].above = j;
    return true;
}

/* --- equality ------------------------------------------------------------------------------------------- */

/* PLAIN_FIRST comparisons of containers are made without remembering; from then on REMEMBERED joins
 * alternate with PLAIN_NEXT plain ones, so a long flat List costs little memory, and a knot is still
 * undone in a bounded number of rounds.  As long as what is remembered answers, plain ones are not begun:
 * they could undo the progress. */
enum { PLAIN_FIRST = 10000, PLAIN_NEXT = 1000, REMEMBERED = 40, NEAR_FRAMES = 32 };

/* Two pairs of which the tails are to be compared, or two containers with the items from `at` on. */
typedef struct frame {
    crp_word a, b;
    size_t at;
} frame;

typedef struct walk {
    crp *vm;
    frame *frames; /* `near` at first */
    size_t count, capacity;
    int left; /* plain comparisons; joins to be made, when negative */
    bool failed; /* no memory */
    assumed assumed;
    frame near[NEAR_FRAMES];
} walk;

typedef enum verdict { DIFFERENT, SAME, INSIDE /* their items decide */, FINISHED } verdict;

static bool push(walk *w, crp_word a, crp_word b)
{
    crpi_mem *mem = &w->vm->mem;
    if (w->count == w->capacity) {
        frame *more = NULL;
        size_t capacity = 0;
        if (!crpi_mem_grow(mem, &more, &capacity, w->capacity * 2, sizeof *more)) {
            w->failed = true;
            return false;
        }
        memcpy(more, w->frames, w->count * sizeof *more);
        if (w->frames != w->near) crpi_mem_free(mem, w->frames, w->capacity * sizeof *more);
        w->frames = more;
        w->capacity = capacity;
    }
    w->frames[w->count++] = (frame){a, b, 0};
    return true;
}

static bool same_error(crp_word a, crp_word b)
{
    const crpi_error *x = crpi_error_of(a), *y = crpi_error_of(b);
    return x->error_class == y->error_class && x->code == y->code && same_string(x->text, y->text);
}

static verdict verdict_of(bool same) { return same ? SAME : DIFFERENT; }

/* Two objects of one class. */
static verdict look_at_objects(crp_word a, crp_word b)
{
    switch (crp_object_of(a)->class_id) {
    case CRP_STRING: return verdict_of(same_string(a, b));
    case CRP_BINARY: return verdict_of(same_binary(a, b));
    case CRP_BUFFER: return verdict_of(order_bytes(a, b) == 0);
    case CRP_ERROR: return verdict_of(same_error(a, b));
    case CRP_TIME: return verdict_of(same_time(a, b));
    case CRP_REFERENCE: return verdict_of(crpi_key_equal(crpi_reference_of(a)->object, crpi_reference_of(b)->object));
    case CRP_ARRAY: return crpi_array_of(a)->count == crpi_array_of(b)->count ? INSIDE : DIFFERENT;
    case CRP_HASHTABLE: return crpi_map_of(a)->live == crpi_map_of(b)->live ? INSIDE : DIFFERENT;
    default: return DIFFERENT;
    }
}

/* What can be said of two words without looking into containers. */
static verdict look_at(crp_word a, crp_word b)
{
    if (crp_is_pair(a) && crp_is_pair(b)) return a == b ? SAME : INSIDE;
    if (is_number(a) && is_number(b)) return verdict_of(order_numbers(a, b) == 0);
    a = crpi_behind(a);
    b = crpi_behind(b);
    if (a == b) return SAME;
    if (!crp_is_object(a) || !crp_is_object(b)) return DIFFERENT;
    return crp_object_of(a)->class_id == crp_object_of(b)->class_id ? look_at_objects(a, b) : DIFFERENT;
}

/* Whether two containers are known to be compared elsewhere. */
static bool is_assumed(walk *w, crp_word a, crp_word b)
{
    if (w->left > 0) {
        w->left--;
        return false;
    }
    bool known = false;
    if (!assume(&w->vm->mem, &w->assumed, a, b, &known)) {
        w->failed = true;
        return false;
    }
    if (!known && --w->left == -REMEMBERED) w->left = PLAIN_NEXT;
    return known;
}

/* The next two items of the topmost containers. */
static verdict next_inside(walk *w, crp_word *a, crp_word *b)
{
    frame *f = &w->frames[w->count - 1];
    if (crp_is_a(f->a, CRP_ARRAY)) {
        const crpi_array *x = crpi_array_of(f->a), *y = crpi_array_of(f->b);
        if (f->at == x->count) return FINISHED;
        *a = x->items[f->at];
        *b = y->items[f->at++];
        return INSIDE;
    }
    crp_word key;
    if (!crpi_map_next(crpi_map_of(f->a), &f->at, &key, a)) return FINISHED;
    return crpi_map_get(w->vm, crpi_map_of(f->b), key, b) ? INSIDE : DIFFERENT;
}

/* The next comparison to be made. */
static verdict pop(walk *w, crp_word *a, crp_word *b)
{
    while (w->count) {
        const frame *f = &w->frames[w->count - 1];
        if (crp_is_pair(f->a)) {
            *a = crp_tail(f->a);
            *b = crp_tail(f->b);
            w->count--;
            return INSIDE;
        }
        verdict v = next_inside(w, a, b);
        if (v != FINISHED) return v;
        w->count--;
    }
    return FINISHED;
}

/* Goes into two containers: the frame that is pushed stands for what comes after the first item. */
static verdict enter(walk *w, crp_word *a, crp_word *b)
{
    if (is_assumed(w, *a, *b)) return pop(w, a, b);
    if (w->failed || !push(w, crpi_behind(*a), crpi_behind(*b))) return DIFFERENT;
    if (!crp_is_pair(*a)) return pop(w, a, b);
    *a = crp_head(*a);
    *b = crp_head(*b);
    return INSIDE;
}

static bool compare(walk *w, crp_word a, crp_word b)
{
    for (;;) {
        verdict v = look_at(a, b);
        if (v == DIFFERENT) return false;
        v = v == SAME ? pop(w, &a, &b) : enter(w, &a, &b);
        if (v != INSIDE) return v == FINISHED;
    }
}

bool crp_equal(crp *vm, crp_word a, crp_word b)
{
    verdict v = look_at(a, b);
    if (v != INSIDE) return v == SAME;
    walk w;
    w.vm = vm;
    w.frames = w.near;
    w.count = 0;
    w.capacity = NEAR_FRAMES;
    w.left = PLAIN_FIRST;
    w.failed = false;
    w.assumed = (assumed){0};
    bool equal = compare(&w, a, b);
    if (w.frames != w.near) crpi_mem_free(&vm->mem, w.frames, w.capacity * sizeof *w.frames);
    crpi_mem_free(&vm->mem, w.assumed.members, w.assumed.capacity * sizeof *w.assumed.members);
    crpi_mem_free(&vm->mem, w.assumed.slots, w.assumed.slot_count * sizeof *w.assumed.slots);
    if (w.failed) crp_no_memory(vm);
    return equal;
}

/* --- class, Lists, Symbols, Arrays ---------------------------------------------------------------------- */

uint32_t crp_class_of(crp_word w)
{
    if (crp_is_fixnum(w)) return CRP_INTEGER;
    if (crp_is_flonum(w)) return CRP_REAL;
    if (crp_is_pair(w) || w == CRP_NIL) return CRP_LIST;
    if (crp_is_object(w)) return crp_object_of(crpi_behind(w))->class_id;
    return crp_is_symbol(w) ? CRP_SYMBOL : CRP_OBJECT;
}

crp_status crp_cons(crp *vm, crp_word head, crp_word tail, crp_word *out)
{
    crp_pair *p = crpi_new_pair(vm, head, tail);
    if (!p) return CRP_E_NOMEM;
    *out = crp_from_pair(p);
    return CRP_OK;
}

crp_status crp_list(crp *vm, const crp_word *items, size_t n, crp_word *out)
{
    crp_word list = CRP_NIL;
    while (n > 0) {
        crp_status st = crp_cons(vm, items[--n], list, &list);
        if (st) return st;
    }
    *out = list;
    return CRP_OK;
}

/* Only the first pair is logged for the collector: it keeps the others. */
crp_status crp_list_add(crp *vm, crp_list_builder *b, crp_word item)
{
    if (b->first == CRP_NIL) {
        crp_status st = crp_cons(vm, item, CRP_NIL, &b->first);
        b->last = b->first;
        return st;
    }
    crp_pair *pair = crpi_new_pair_unlogged(vm, item, CRP_NIL);
    if (!pair) return CRP_E_NOMEM;
    crp_word last = crp_from_pair(pair);
    crpi_store(vm, &vm->heap, &crp_pair_of(b->last)->tail, last);
    b->last = last;
    return CRP_OK;
}

crp_status crp_symbol(crp *vm, const char *name, size_t length, crp_word *out)
{
    if (length > CRPI_MAX_SYMBOL)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE,
                         "a Symbol's name has at most %d bytes, given %zu", (int)CRPI_MAX_SYMBOL, length);
    return crpi_symbol_intern(&vm->symbols, name, length, out) ? CRP_OK : crp_no_memory(vm);
}

const char *crp_symbol_name(crp *vm, crp_word symbol, size_t *length)
{
    const crpi_symbol *s = crpi_symbol_of(&vm->symbols, symbol);
    if (length) *length = s->length;
    return s->name;
}

crp_status crpi_array_new(crp *vm, size_t count, crp_word *out)
{
    size_t bytes;
    crpi_array *a = crpi_new(vm, CRP_ARRAY, sizeof *a);
    if (!a) return CRP_E_NOMEM;
    if (count) {
        if (__builtin_mul_overflow(count, sizeof *a->items, &bytes)) return crp_no_memory(vm);
        a->items = crp_alloc(vm, bytes);
        if (!a->items) return CRP_E_NOMEM;
        for (size_t i = 0; i < count; i++) a->items[i] = CRP_NIL;
        a->count = count;
    }
    *out = crp_from_object(a);
    return CRP_OK;
}

/* --- for the collector ---------------------------------------------------------------------------------- */

static size_t mark_items(crp *vm, crp_object *o, size_t from, size_t n, crp_marker mark)
{
    const crpi_array *a = (crpi_array *)o;
    if (n > a->count - from) n = a->count - from;
    for (size_t i = from; i < from + n; i++)
        if (crpi_is_cell(a->items[i])) mark(vm, a->items[i]);
    return n;
}

static void mark_array(crp *vm, crp_object *o, crp_marker mark) { mark_items(vm, o, 0, SIZE_MAX, mark); }

static void drop_array(crp *vm, crp_object *o)
{
    crpi_array *a = (crpi_array *)o;
    crpi_mem_free(&vm->mem, a->items, a->count * sizeof *a->items);
}

bool crpi_value_kinds(crp *vm)
{
    crpi_heap_slice(&vm->heap, CRP_ARRAY, mark_items);
    return crpi_instant_kinds(vm) && crpi_heap_kind(&vm->heap, CRP_INTEGER, (crpi_kind){NULL, NULL}) &&
           crpi_heap_kind(&vm->heap, CRP_REAL, (crpi_kind){NULL, NULL}) &&
           crpi_heap_kind(&vm->heap, CRP_ARRAY, (crpi_kind){mark_array, drop_array});
}
