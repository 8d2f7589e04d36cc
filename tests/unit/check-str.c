/* Strings, Binaries, Buffers and the hash of bytes. */
#include "bare.h"

static crp *vm;

static crp_word filled(size_t n)
{
    char *room;
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crpi_str_room(vm, CRP_STRING, n, &room, &w), CRP_OK);
    for (size_t i = 0; i < n; i++) room[i] = (char)('a' + i % 26);
    return w;
}

static void expect_bytes(crp_word w, const void *bytes, size_t n)
{
    const unsigned char *p;
    size_t length;
    ck_assert(crp_bytes(w, &p, &length));
    ck_assert_uint_eq(length, n);
    if (n) ck_assert_mem_eq(p, bytes, n);
}

static const size_t lengths[] = {
    0, 1, 7, 15, 16, 31, 32, 100, CRPI_INLINE_BYTES, CRPI_INLINE_BYTES + 1, 5000, 100000};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

START_TEST(strings_of_every_length_hold_their_bytes)
{
    vm = bare_open();
    static char bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7);
    for (int i = 0; i < LENGTHS; i++) {
        crp_word s, b;
        ck_assert_int_eq(crp_string(vm, bytes, lengths[i], &s), CRP_OK);
        ck_assert_int_eq(crp_binary(vm, bytes, lengths[i], &b), CRP_OK);
        ck_assert(crp_is_string(s) && !crp_is_string(b) && crp_class_of(b) == CRP_BINARY);
        expect_bytes(s, bytes, lengths[i]);
        expect_bytes(b, bytes, lengths[i]);
        ck_assert_int_eq(crp_string_data(s, NULL)[lengths[i]], 0);
    }
    bare_close(vm);
}
END_TEST

START_TEST(only_strings_binaries_and_buffers_have_bytes)
{
    vm = bare_open();
    const unsigned char *p;
    size_t n;
    ck_assert(!crp_bytes(CRP_NIL, &p, &n) && !crp_bytes(crp_fixnum(1), &p, &n) &&
              !crp_bytes(bare_symbol(vm, "x"), &p, &n));
    bare_close(vm);
}
END_TEST

START_TEST(a_slice_is_the_bytes_asked_for)
{
    vm = bare_open();
    for (int i = 0; i < LENGTHS; i++)
        for (int part = 0; part <= 8; part++) {
            crp_word whole = filled(lengths[i]), slice, inner;
            size_t from = lengths[i] * (size_t)part / 16, n = lengths[i] - 2 * from;
            ck_assert_int_eq(crp_string_slice(vm, whole, from, n, &slice), CRP_OK);
            expect_bytes(slice, crp_string_data(whole, NULL) + from, n);
            ck_assert_int_eq(crp_string_slice(vm, slice, n / 2, n - n / 2, &inner), CRP_OK);
            expect_bytes(inner, crp_string_data(whole, NULL) + from + n / 2, n - n / 2);
        }
    bare_close(vm);
}
END_TEST

START_TEST(a_long_slice_shares_its_bytes)
{
    vm = bare_open();
    crp_word whole = filled(100000), slice, binary;
    size_t before = vm->mem.used;
    ck_assert_int_eq(crp_string_slice(vm, whole, 1, 99998, &slice), CRP_OK);
    ck_assert_int_eq(crpi_str_slice(vm, CRP_BINARY, slice, 1, 99000, &binary), CRP_OK);
    ck_assert_uint_eq(vm->mem.used, before);
    ck_assert_ptr_eq(crp_string_data(slice, NULL), crp_string_data(whole, NULL) + 1);
    ck_assert_ptr_eq(crp_binary_data(binary, NULL), crp_string_data(whole, NULL) + 2);
    bare_close(vm);
}
END_TEST

START_TEST(a_short_slice_is_a_copy)
{
    vm = bare_open();
    crp_word whole = filled(100000), slice;
    const char *p;
    ck_assert_int_eq(crp_string_slice(vm, whole, 0, CRPI_SLICE_FROM - 1, &slice), CRP_OK);
    p = crp_string_data(slice, NULL);
    ck_assert_ptr_ne(p, crp_string_data(whole, NULL));
    ck_assert_int_eq(p[CRPI_SLICE_FROM - 1], 0);
    bare_close(vm);
}
END_TEST

START_TEST(a_slice_keeps_the_bytes_alive)
{
    vm = bare_open();
    vm->heap.stress_every = 1;
    crp_word slices[LENGTHS];
    for (int i = 0; i < LENGTHS; i++) {
        crp_word whole = filled(lengths[i]), slice;
        ck_assert_int_eq(crp_string_slice(vm, whole, 0, lengths[i] / 2, &slice), CRP_OK);
        ck_assert_int_eq(crp_string_slice(vm, slice, 0, lengths[i] / 2, &slices[i]), CRP_OK);
        bare_keep(slices[i]);
        bare_forget(vm);
    }
    crpi_collect(vm);
    for (int i = 0; i < LENGTHS; i++)
        expect_bytes(slices[i], crp_string_data(filled(lengths[i]), NULL), lengths[i] / 2);
    bare_close(vm);
}
END_TEST

START_TEST(dead_strings_give_their_bytes_back)
{
    vm = bare_open();
    size_t before = vm->mem.used;
    crp_word slice;
    ck_assert_int_eq(crp_string_slice(vm, filled(1 << 20), 10, 1000, &slice), CRP_OK);
    ck_assert_uint_gt(vm->mem.used, before + (1 << 20));
    bare_forget(vm);
    crpi_collect(vm);
    ck_assert_uint_lt(vm->mem.used, before + (1 << 19));
    bare_close(vm);
}
END_TEST

START_TEST(a_slice_beyond_the_end_is_1_7)
{
    vm = bare_open();
    crp_word whole = filled(10), slice;
    ck_assert_int_eq(crp_string_slice(vm, whole, 5, 6, &slice), CRP_E_RAISED);
    ck_assert_str_eq(bare_error(vm), "1.7: 6 bytes from position 5: there are 10");
    ck_assert_int_eq(crp_string_slice(vm, whole, 11, 0, &slice), CRP_E_RAISED);
    ck_assert_int_eq(crp_string_slice(vm, whole, 1, SIZE_MAX, &slice), CRP_E_RAISED);
    ck_assert_int_eq(crp_string_slice(vm, whole, 10, 0, &slice), CRP_OK);
    bare_close(vm);
}
END_TEST

START_TEST(every_string_has_a_c_string)
{
    vm = bare_open();
    vm->heap.stress_every = 1;
    crp_word whole = bare_keep(filled(5000)), slice;
    const char *text, *again;
    ck_assert_int_eq(crp_c_string(vm, whole, &text), CRP_OK);
    ck_assert_ptr_eq(text, crp_string_data(whole, NULL));
    ck_assert_int_eq(crp_string_slice(vm, whole, 26, 52, &slice), CRP_OK);
    bare_keep(slice);
    ck_assert_int_eq(crp_c_string(vm, slice, &text), CRP_OK);
    bare_forget(vm);
    crpi_collect(vm);
    for (int i = 0; i < 300; i++) bare_string(vm, "----------------------------------------------------");
    ck_assert_str_eq(text, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    ck_assert_int_eq(crp_c_string(vm, slice, &again), CRP_OK);
    ck_assert_ptr_eq(again, text);
    bare_close(vm);
}
END_TEST

START_TEST(a_c_string_has_no_nul)
{
    vm = bare_open();
    crp_word w;
    const char *text;
    ck_assert_int_eq(crp_string(vm, "a\0b", 3, &w), CRP_OK);
    ck_assert_int_eq(crp_c_string(vm, w, &text), CRP_E_RAISED);
    ck_assert_int_eq(strncmp(bare_error(vm), "1.8: expected a String without NUL bytes", 40), 0);
    bare_close(vm);
}
END_TEST

START_TEST(taken_bytes_become_the_string)
{
    vm = bare_open();
    for (int i = 0; i < LENGTHS; i++)
        for (size_t spare = 0; spare < 20000; spare = spare * 20 + 1) {
            crp_word w;
            const char *text;
            char *bytes = crp_alloc(vm, lengths[i] + spare);
            memset(bytes, 'x', lengths[i] + spare);
            ck_assert_int_eq(crp_string_take(vm, bytes, lengths[i], lengths[i] + spare, &w), CRP_OK);
            ck_assert_int_eq(crp_c_string(vm, w, &text), CRP_OK);
            ck_assert_uint_eq(strspn(text, "x"), lengths[i]);
            ck_assert_int_eq(text[lengths[i]], 0);
        }
    bare_close(vm);
}
END_TEST

START_TEST(strings_are_equal_by_content)
{
    vm = bare_open();
    crp_word a = filled(5000), b = filled(5000), c = filled(5001), slice;
    ck_assert_int_eq(crp_string_slice(vm, c, 0, 5000, &slice), CRP_OK);
    ck_assert(crpi_str_equal(crpi_str_of(a), crpi_str_of(b)));
    ck_assert(!crpi_str_equal(crpi_str_of(a), crpi_str_of(c)));
    ck_assert_uint_eq(crpi_str_hash(vm, crpi_str_of(a)), crpi_str_hash(vm, crpi_str_of(slice)));
    ck_assert_uint_ne(crpi_str_hash(vm, crpi_str_of(a)), crpi_str_hash(vm, crpi_str_of(c)));
    ck_assert(!crpi_str_equal(crpi_str_of(a), crpi_str_of(c)));
    ck_assert(crpi_str_equal(crpi_str_of(a), crpi_str_of(slice)));
    bare_close(vm);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(the_hash_tells_similar_bytes_apart)
{
    enum { N = 60000 };
    uint64_t *all = malloc(N * sizeof *all);
    unsigned char zeros[256] = {0};
    for (int i = 0; i < N; i++) {
        char text[32];
        all[i] = crpi_hash_bytes(7, text, (size_t)snprintf(text, sizeof text, "%d", i)) & 0xffffffffffffu;
    }
    for (size_t i = 0; i < sizeof zeros; i++) all[i] = crpi_hash_bytes(7, zeros, i) & 0xffffffffffffu;
    qsort(all, N, sizeof *all, by_value);
    for (int i = 1; i < N; i++) ck_assert_uint_ne(all[i], all[i - 1]);
    free(all);
}
END_TEST

START_TEST(one_bit_changes_half_of_the_hash)
{
    unsigned char bytes[40] = {0};
    for (size_t n = 1; n <= sizeof bytes; n++) {
        double changed = 0;
        uint64_t before = crpi_hash_bytes(99, bytes, n);
        for (size_t bit = 0; bit < n * 8; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            changed += __builtin_popcountll(before ^ crpi_hash_bytes(99, bytes, n));
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        ck_assert_double_gt(changed / (double)(n * 8), 27);
        ck_assert_double_lt(changed / (double)(n * 8), 37);
    }
}
END_TEST

START_TEST(the_hash_depends_on_the_seed)
{
    int equal = 0;
    for (uint64_t seed = 0; seed < 1000; seed++)
        equal += (crpi_hash_bytes(seed, "key", 3) & 1) == (crpi_hash_bytes(seed, "yek", 3) & 1);
    ck_assert_int_gt(equal, 400);
    ck_assert_int_lt(equal, 600);
}
END_TEST

START_TEST(a_buffer_grows_and_keeps_its_bytes)
{
    vm = bare_open();
    crp_word w;
    char *all = malloc(100000);
    size_t length = 0;
    ck_assert_int_eq(crp_buffer(vm, 0, &w), CRP_OK);
    expect_bytes(w, "", 0);
    for (size_t n = 1; length + n < 100000; n += 13) {
        unsigned char *at;
        size_t room;
        ck_assert_int_eq(crp_buffer_room(vm, w, n, &at, &room), CRP_OK);
        ck_assert_uint_ge(room, n);
        memset(at, 'a' + (int)(n % 26), n);
        memset(all + length, 'a' + (int)(n % 26), n);
        crp_buffer_added(w, n);
        length += n;
        expect_bytes(w, all, length);
    }
    free(all);
    bare_close(vm);
}
END_TEST

START_TEST(a_buffer_of_fixed_size_uses_all_its_room)
{
    vm = bare_open();
    crp_word w;
    unsigned char *at;
    size_t room;
    ck_assert_int_eq(crp_buffer(vm, 8, &w), CRP_OK);
    ck_assert_int_eq(crp_buffer_room(vm, w, 0, &at, &room), CRP_OK);
    ck_assert_uint_eq(room, 8);
    memcpy(at, "12345678", 8);
    crp_buffer_added(w, 8);
    ck_assert_int_eq(crp_buffer_room(vm, w, 0, &at, &room), CRP_OK);
    ck_assert_uint_eq(room, 0);
    crpi_buffer_of(w)->start = 3;
    crpi_buffer_of(w)->length = 5;
    ck_assert_int_eq(crp_buffer_room(vm, w, 0, &at, &room), CRP_OK);
    ck_assert_uint_eq(room, 3);
    memcpy(at, "abc", 3);
    crp_buffer_added(w, 3);
    expect_bytes(w, "45678abc", 8);
    ck_assert_uint_eq(crpi_buffer_of(w)->capacity, 8);
    bare_close(vm);
}
END_TEST

/* Bytes in at the end, out at the front: the block stays small. */
START_TEST(a_queue_in_a_buffer_stays_small)
{
    vm = bare_open();
    crp_word w;
    ck_assert_int_eq(crp_buffer(vm, 64, &w), CRP_OK);
    for (int i = 0; i < 100000; i++) {
        unsigned char *at;
        size_t room;
        ck_assert_int_eq(crp_buffer_room(vm, w, 10, &at, &room), CRP_OK);
        memset(at, i, 10);
        crp_buffer_added(w, 10);
        if (i < 5) continue;
        crpi_buffer *b = crpi_buffer_of(w);
        ck_assert_int_eq(b->block[b->start], (unsigned char)(i - 5));
        b->start += 10;
        b->length -= 10;
    }
    ck_assert_uint_le(crpi_buffer_of(w)->capacity, 256);
    bare_close(vm);
}
END_TEST

START_TEST(the_memory_limit_stops_a_buffer)
{
    vm = bare_open();
    crp_word w;
    unsigned char *at;
    size_t room;
    ck_assert_int_eq(crp_buffer(vm, 1000000, &w), CRP_OK);
    vm->mem.limit = vm->mem.used + 500000;
    ck_assert_int_eq(crp_buffer_room(vm, w, 1400000, &at, &room), CRP_OK);
    ck_assert_int_eq(crp_buffer_room(vm, w, 1600000, &at, &room), CRP_E_NOMEM);
    ck_assert_str_eq(bare_error(vm), "1.16: out of memory");
    ck_assert_int_eq(crp_buffer_room(vm, w, SIZE_MAX, &at, &room), CRP_E_NOMEM);
    ck_assert_uint_ge(crpi_buffer_of(w)->capacity, 1400000); /* about half of what is left comes with it */
    ck_assert_uint_lt(crpi_buffer_of(w)->capacity, 1500000);
    bare_close(vm);
}
END_TEST

static crp_status take_long(crp_word *out)
{
    uint64_t fail_at = vm->mem.fail_at;
    vm->mem.fail_at = 0;
    vm->mem.count--;
    void *bytes = crpi_mem_alloc(&vm->mem, 9000);
    vm->mem.fail_at = fail_at;
    return crp_string_take(vm, bytes, 5000, 9000, out);
}

START_TEST(whether_it_is_utf8_is_remembered_until_the_bytes_change)
{
    vm = bare_open();
    crp_word w = CRP_NIL;
    char *room = NULL;
    ck_assert_int_eq(crpi_str_room(vm, CRP_STRING, 2, &room, &w), CRP_OK);
    memcpy(room, "\xC3\xBC", 2);
    ck_assert(crpi_str_is_utf8(crpi_str_of(w)));
    ck_assert(crpi_str_is_utf8(crpi_str_of(w)));
    crpi_str_forget(crpi_str_of(w));
    room[0] = 'a';
    ck_assert(!crpi_str_is_utf8(crpi_str_of(w)));
    ck_assert(!crpi_str_is_utf8(crpi_str_of(w)));
    bare_close(vm);
}
END_TEST

START_TEST(no_memory_is_clean)
{
    vm = bare_open();
    crp_status st;
    crp_word w = CRP_NIL, buffer;
    unsigned char *at;
    size_t room;
    const char *text;
    BARE_EACH_FAILURE(vm, st, st = crp_binary(vm, "text", 4, &w));
    static const char bytes[5000] = {1};
    BARE_EACH_FAILURE(vm, st, st = crp_binary(vm, bytes, sizeof bytes, &w));
    BARE_EACH_FAILURE(vm, st, st = take_long(&w));
    BARE_EACH_FAILURE(vm, st, st = crp_buffer(vm, 1000, &buffer));
    BARE_EACH_FAILURE(vm, st, st = crp_buffer_room(vm, buffer, 100000, &at, &room));
    ck_assert_int_eq(crp_string_slice(vm, filled(100000), 0, 50000, &w), CRP_OK);
    BARE_EACH_FAILURE(vm, st, st = crp_c_string(vm, w, &text));
    ck_assert_int_eq(crp_string(vm, "", SIZE_MAX, &w), CRP_E_NOMEM);
    ck_assert_int_eq(crp_buffer(vm, SIZE_MAX, &w), CRP_E_NOMEM);
    bare_close(vm);
}
END_TEST

UNIT_MAIN("str", whether_it_is_utf8_is_remembered_until_the_bytes_change, strings_of_every_length_hold_their_bytes, only_strings_binaries_and_buffers_have_bytes,
          a_slice_is_the_bytes_asked_for, a_long_slice_shares_its_bytes, a_short_slice_is_a_copy,
          a_slice_keeps_the_bytes_alive,
          dead_strings_give_their_bytes_back, a_slice_beyond_the_end_is_1_7, every_string_has_a_c_string,
          a_c_string_has_no_nul, taken_bytes_become_the_string, strings_are_equal_by_content,
          the_hash_tells_similar_bytes_apart, one_bit_changes_half_of_the_hash, the_hash_depends_on_the_seed,
          a_buffer_grows_and_keeps_its_bytes, a_buffer_of_fixed_size_uses_all_its_room,
          a_queue_in_a_buffer_stays_small, the_memory_limit_stops_a_buffer, no_memory_is_clean)
