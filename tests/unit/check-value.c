/* Numbers, equality, order, hash, Lists, Symbols and Arrays. */
#include "bare.h"

#include <float.h>
#include <math.h>

static crp *vm;

static crp_word list2(crp_word a, crp_word b)
{
    crp_word items[] = {a, b}, w = CRP_NIL;
    ck_assert_int_eq(crp_list(vm, items, 2, &w), CRP_OK);
    return w;
}

static crp_word array2(crp_word a, crp_word b)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crpi_array_new(vm, 2, &w), CRP_OK);
    crpi_array_of(w)->items[0] = a;
    crpi_array_of(w)->items[1] = b;
    return w;
}

static crp_word table1(crp_word key, crp_word value)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_hashtable(vm, &w), CRP_OK);
    ck_assert_int_eq(crp_hashtable_set(vm, w, key, value), CRP_OK);
    return w;
}

static crp_word binary(const char *text)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_binary(vm, text, strlen(text), &w), CRP_OK);
    return w;
}

static crp_word buffer(const char *text)
{
    crp_word w = CRP_NIL;
    unsigned char *at;
    size_t room;
    ck_assert_int_eq(crp_buffer(vm, 64, &w), CRP_OK);
    ck_assert_int_eq(crp_buffer_room(vm, w, strlen(text), &at, &room), CRP_OK);
    memcpy(at, text, strlen(text));
    crp_buffer_added(w, strlen(text));
    return w;
}

static crp_word error(int error_class, int code, const char *text)
{
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crpi_error_new(vm, error_class, code, text, strlen(text), &w), CRP_OK);
    return w;
}

/* n numbers, closed to a ring when `ring`. */
static crp_word counted(size_t n, bool ring)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    for (size_t i = 0; i < n && !st; i++) st = crp_list_add(vm, &b, crp_fixnum(ring ? 1 : (int64_t)i));
    ck_assert_int_eq(st, CRP_OK);
    if (ring) crp_pair_of(b.last)->tail = b.first;
    return b.first;
}

static crp_word nested(size_t depth, crp_word innermost)
{
    crp_status st = CRP_OK;
    for (size_t i = 0; i < depth && !st; i++) st = crp_cons(vm, innermost, CRP_NIL, &innermost);
    ck_assert_int_eq(st, CRP_OK);
    return innermost;
}

static bool both_ways(crp_word a, crp_word b)
{
    bool equal = crp_equal(vm, a, b);
    ck_assert_int_eq(crp_equal(vm, b, a), equal);
    ck_assert(vm->error == CRP_NIL);
    return equal;
}

#define EXPECT_EQUAL(a, b) ck_assert(both_ways(a, b))
#define EXPECT_DIFFERENT(a, b) ck_assert(!both_ways(a, b))

START_TEST(integers_keep_their_value)
{
    vm = bare_open();
    static const int64_t all[] = {0,
                                  1,
                                  -1,
                                  INT64_MAX,
                                  INT64_MIN,
                                  CRPI_FIXNUM_MAX - 1,
                                  CRPI_FIXNUM_MAX,
                                  -CRPI_FIXNUM_MAX,
                                  -CRPI_FIXNUM_MAX - 1};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        crp_word w = bare_integer(vm, all[i]);
        ck_assert(crp_is_integer(w) && !crp_is_real(w));
        ck_assert_int_eq(crp_integer_value(w), all[i]);
        ck_assert_uint_eq(crp_class_of(w), CRP_INTEGER);
        ck_assert_int_eq(crp_is_fixnum(w), all[i] >= -CRPI_FIXNUM_MAX && all[i] < CRPI_FIXNUM_MAX);
    }
    bare_close(vm);
}
END_TEST

START_TEST(reals_keep_every_bit)
{
    vm = bare_open();
    static const double all[] = {0.0, -0.0, 1, -1.5, 1e-77, 1e77, 1e-78, 1e78, DBL_MAX, DBL_MIN, 5e-324,
                                 INFINITY, -INFINITY, NAN, 0x1p-255, 0x1.8p-255, 0x1p-256, 0x1p256,
                                 0x1.fffffffffffffp256, 0x1p257};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        crp_word w = bare_real(vm, all[i]);
        double back = crp_real_value(w);
        ck_assert(crp_is_real(w) && !crp_is_integer(w));
        ck_assert_mem_eq(&back, &all[i], sizeof back);
        ck_assert_uint_eq(crp_class_of(w), CRP_REAL);
    }
    ck_assert(crp_is_flonum(bare_real(vm, 0)) && crp_is_flonum(bare_real(vm, 3.25)) &&
              !crp_is_flonum(bare_real(vm, 1e300)));
    ck_assert_double_eq(crp_real_value(bare_integer(vm, INT64_MIN)), -0x1p63);
    bare_close(vm);
}
END_TEST

START_TEST(numbers_are_equal_by_value)
{
    vm = bare_open();
    EXPECT_EQUAL(crp_fixnum(3), bare_real(vm, 3));
    EXPECT_EQUAL(crp_fixnum(0), bare_real(vm, -0.0));
    EXPECT_EQUAL(bare_integer(vm, INT64_MIN), bare_real(vm, -0x1p63));
    EXPECT_EQUAL(bare_integer(vm, INT64_MAX), bare_integer(vm, INT64_MAX));
    EXPECT_EQUAL(bare_real(vm, 1e300), bare_real(vm, 1e300));
    EXPECT_DIFFERENT(crp_fixnum(3), bare_real(vm, 3.5));
    EXPECT_DIFFERENT(crp_fixnum(3), bare_string(vm, "3"));
    EXPECT_DIFFERENT(bare_integer(vm, INT64_MAX), bare_real(vm, 0x1p63));
    EXPECT_DIFFERENT(bare_integer(vm, ((int64_t)1 << 53) + 1), bare_real(vm, 0x1p53));
    EXPECT_DIFFERENT(bare_integer(vm, ((int64_t)1 << 62) + 1), bare_real(vm, 0x1p62));
    crp_word nan = bare_real(vm, NAN);
    EXPECT_DIFFERENT(nan, nan);
    bare_close(vm);
}
END_TEST

START_TEST(values_are_equal_by_content)
{
    vm = bare_open();
    EXPECT_EQUAL(bare_string(vm, "abc"), bare_string(vm, "abc"));
    EXPECT_EQUAL(binary("abc"), binary("abc"));
    EXPECT_EQUAL(buffer("abc"), buffer("abc"));
    EXPECT_EQUAL(bare_symbol(vm, "abc"), bare_symbol(vm, "abc"));
    EXPECT_EQUAL(CRP_NIL, CRP_NIL);
    EXPECT_EQUAL(list2(crp_fixnum(1), bare_string(vm, "x")), list2(bare_real(vm, 1), bare_string(vm, "x")));
    EXPECT_EQUAL(array2(crp_fixnum(1), list2(CRP_TRUE, CRP_NIL)),
                 array2(crp_fixnum(1), list2(CRP_TRUE, CRP_NIL)));
    EXPECT_EQUAL(table1(bare_string(vm, "k"), binary("v")), table1(bare_string(vm, "k"), binary("v")));
    EXPECT_EQUAL(error(1, 4, "x"), error(1, 4, "x"));
    bare_close(vm);
}
END_TEST

START_TEST(different_values_are_not_equal)
{
    vm = bare_open();
    crp_word all[] = {CRP_NIL,
                      CRP_TRUE,
                      crp_fixnum(1),
                      bare_real(vm, 1.5),
                      bare_string(vm, "abc"),
                      bare_string(vm, "abd"),
                      bare_string(vm, ""),
                      bare_symbol(vm, "abc"),
                      binary("abc"),
                      buffer("abc"),
                      buffer("ab"),
                      list2(crp_fixnum(1), crp_fixnum(2)),
                      list2(crp_fixnum(1), crp_fixnum(3)),
                      counted(3, false),
                      array2(crp_fixnum(1), crp_fixnum(2)),
                      array2(crp_fixnum(1), crp_fixnum(3)),
                      table1(crp_fixnum(1), crp_fixnum(2)),
                      table1(crp_fixnum(1), crp_fixnum(3)),
                      table1(crp_fixnum(2), crp_fixnum(2)),
                      error(1, 4, "x"),
                      error(1, 5, "x"),
                      error(2, 4, "x"),
                      error(1, 4, "y")};
    int n = sizeof all / sizeof *all;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) ck_assert_msg(crp_equal(vm, all[i], all[j]) == (i == j), "%d %d", i, j);
    bare_close(vm);
}
END_TEST

START_TEST(long_and_deep_data_is_compared)
{
    vm = bare_open();
    enum { N = 300000 };
    EXPECT_EQUAL(counted(N, false), counted(N, false));
    EXPECT_DIFFERENT(counted(N, false), counted(N + 1, false));
    EXPECT_EQUAL(nested(N, CRP_TRUE), nested(N, CRP_TRUE));
    EXPECT_DIFFERENT(nested(N, CRP_TRUE), nested(N, crp_fixnum(7)));
    EXPECT_DIFFERENT(nested(N, CRP_TRUE), nested(N + 1, CRP_TRUE));
    bare_close(vm);
}
END_TEST

START_TEST(deep_arrays_and_tables_are_compared)
{
    vm = bare_open();
    crp_word all[3];
    for (int k = 0; k < 3; k++) {
        all[k] = crp_fixnum(k == 2);
        for (int i = 0; i < 30000; i++)
            all[k] = i % 2 ? array2(crp_fixnum(i), all[k]) : table1(crp_fixnum(i), all[k]);
    }
    EXPECT_EQUAL(all[0], all[1]);
    EXPECT_DIFFERENT(all[0], all[2]);
    bare_close(vm);
}
END_TEST

START_TEST(rings_are_compared)
{
    vm = bare_open();
    EXPECT_EQUAL(counted(1, true), counted(1, true));
    EXPECT_EQUAL(counted(1, true), counted(7, true));
    EXPECT_EQUAL(counted(10007, true), counted(20011, true));
    crp_word other = counted(10007, true);
    crp_pair_of(other)->head = crp_fixnum(2);
    EXPECT_DIFFERENT(counted(5003, true), other);
    EXPECT_DIFFERENT(counted(5, true), counted(5, false));
    bare_close(vm);
}
END_TEST

START_TEST(containers_in_themselves_are_compared)
{
    vm = bare_open();
    crp_word a = array2(crp_fixnum(1), CRP_NIL), b = array2(crp_fixnum(1), CRP_NIL),
             c = array2(crp_fixnum(2), CRP_NIL);
    crpi_array_of(a)->items[1] = a;
    crpi_array_of(b)->items[1] = a;
    crpi_array_of(c)->items[1] = c;
    EXPECT_EQUAL(a, b);
    EXPECT_DIFFERENT(a, c);
    crp_word t = table1(crp_fixnum(1), CRP_NIL), u = table1(crp_fixnum(1), CRP_NIL);
    crp_hashtable_set(vm, t, crp_fixnum(1), list2(u, t));
    crp_hashtable_set(vm, u, crp_fixnum(1), list2(t, u));
    EXPECT_EQUAL(t, u);
    bare_close(vm);
}
END_TEST

/* Heads and tails all lead back: a walk that does not remember branches for ever. */
START_TEST(knots_are_compared)
{
    vm = bare_open();
    crp_word knots[2];
    for (int k = 0; k < 2; k++) {
        crp_word all[500];
        uint64_t r = 12345;
        for (int i = 0; i < 500; i++) all[i] = list2(CRP_NIL, CRP_NIL);
        for (int i = 0; i < 500; i++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            crp_pair_of(all[i])->head = all[(r >> 33) % 500];
            crp_pair_of(all[i])->tail = all[(r >> 43) % 500];
        }
        knots[k] = all[0];
    }
    EXPECT_EQUAL(knots[0], knots[1]);
    crp_pair_of(crp_tail(crp_head(knots[1])))->head = crp_fixnum(1);
    EXPECT_DIFFERENT(knots[0], knots[1]);
    bare_close(vm);
}
END_TEST

/* 2^60 paths over 60 pairs. */
START_TEST(shared_parts_are_compared_once)
{
    vm = bare_open();
    crp_word a = crp_fixnum(1), b = crp_fixnum(1);
    for (int i = 0; i < 60; i++) {
        a = list2(a, a);
        b = list2(b, b);
    }
    EXPECT_EQUAL(a, b);
    bare_close(vm);
}
END_TEST

START_TEST(comparing_without_memory_is_clean)
{
    vm = bare_open();
    crp_word a = nested(20000, CRP_TRUE), b = nested(20000, CRP_TRUE);
    crp_status st;
    BARE_EACH_FAILURE(vm, st, st = crp_equal(vm, a, b) ? CRP_OK : CRP_E_NOMEM);
    size_t before = vm->mem.used;
    EXPECT_EQUAL(a, b);
    ck_assert_uint_eq(vm->mem.used, before);
    bare_close(vm);
}
END_TEST

static int order(crp_word a, crp_word b)
{
    int forth = 9, back = 9;
    ck_assert_int_eq(crpi_compare(vm, a, b, &forth), CRP_OK);
    ck_assert_int_eq(crpi_compare(vm, b, a, &back), CRP_OK);
    if (forth == 2) ck_assert_int_eq(back, 2);
    else ck_assert_int_eq(back, -forth);
    return forth;
}

START_TEST(numbers_are_ordered_exactly)
{
    vm = bare_open();
    ck_assert_int_eq(order(crp_fixnum(1), crp_fixnum(2)), -1);
    ck_assert_int_eq(order(crp_fixnum(2), bare_real(vm, 1.5)), 1);
    ck_assert_int_eq(order(crp_fixnum(-2), bare_real(vm, -1.5)), -1);
    ck_assert_int_eq(order(crp_fixnum(-1), bare_real(vm, -1.5)), 1);
    ck_assert_int_eq(order(crp_fixnum(1), bare_real(vm, 1)), 0);
    ck_assert_int_eq(order(bare_integer(vm, INT64_MAX), bare_real(vm, 0x1p63)), -1);
    ck_assert_int_eq(order(bare_integer(vm, INT64_MAX), bare_real(vm, 0x1.fffffffffffffp62)), 1);
    ck_assert_int_eq(order(bare_integer(vm, INT64_MIN), bare_real(vm, -0x1p63)), 0);
    ck_assert_int_eq(order(bare_integer(vm, INT64_MIN), bare_real(vm, -INFINITY)), 1);
    ck_assert_int_eq(order(bare_integer(vm, ((int64_t)1 << 62) + 1), bare_real(vm, 0x1p62)), 1);
    ck_assert_int_eq(order(bare_integer(vm, ((int64_t)1 << 62) - 1), bare_real(vm, 0x1p62)), -1);
    ck_assert_int_eq(order(bare_real(vm, NAN), bare_real(vm, 1)), 2);
    ck_assert_int_eq(order(bare_real(vm, NAN), crp_fixnum(1)), 2);
    bare_close(vm);
}
END_TEST

START_TEST(bytes_are_ordered_as_unsigned)
{
    vm = bare_open();
    ck_assert_int_eq(order(bare_string(vm, "abc"), bare_string(vm, "abd")), -1);
    ck_assert_int_eq(order(bare_string(vm, "ab"), bare_string(vm, "abc")), -1);
    ck_assert_int_eq(order(bare_string(vm, ""), bare_string(vm, "")), 0);
    ck_assert_int_eq(order(bare_string(vm, "z"), bare_string(vm, "\xC3\xA4")), -1);
    ck_assert_int_eq(order(binary("b"), binary("a")), 1);
    crp_word z = bare_string(vm, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"), shorter;
    ck_assert_int_eq(crp_string_slice(vm, z, 0, 40, &shorter), CRP_OK);
    ck_assert_int_eq(order(shorter, bare_string(vm, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzza")), -1);
    bare_close(vm);
}
END_TEST

START_TEST(what_has_no_order_is_1_11)
{
    vm = bare_open();
    int out;
    crp_word pairs[][2] = {{crp_fixnum(1), bare_string(vm, "1")},
                           {bare_string(vm, "a"), binary("a")},
                           {bare_symbol(vm, "a"), bare_symbol(vm, "b")},
                           {CRP_NIL, CRP_NIL},
                           {list2(CRP_NIL, CRP_NIL), list2(CRP_NIL, CRP_NIL)}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        ck_assert_int_eq(crpi_compare(vm, pairs[i][0], pairs[i][1], &out), CRP_E_TYPE);
        ck_assert_int_eq(strncmp(bare_error(vm), "1.11: cannot order ", 19), 0);
    }
    bare_close(vm);
}
END_TEST

static uint64_t hash(crp_word w)
{
    uint64_t h;
    ck_assert(crpi_hash(vm, w, &h));
    return h;
}

START_TEST(equal_keys_have_equal_hashes)
{
    vm = bare_open();
    crp_word pairs[][2] = {{crp_fixnum(3), bare_real(vm, 3)},
                           {crp_fixnum(0), bare_real(vm, -0.0)},
                           {bare_integer(vm, INT64_MIN), bare_real(vm, -0x1p63)},
                           {bare_integer(vm, (int64_t)1 << 62), bare_real(vm, 0x1p62)},
                           {bare_integer(vm, INT64_MAX), bare_integer(vm, INT64_MAX)},
                           {bare_real(vm, 1e300), bare_real(vm, 1e300)},
                           {bare_string(vm, "key"), bare_string(vm, "key")},
                           {binary("key"), binary("key")},
                           {CRP_NIL, CRP_NIL}};
    int n = sizeof pairs / sizeof *pairs;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            ck_assert_int_eq(hash(pairs[i][0]) == hash(pairs[j][1]), i == j);
            ck_assert_int_eq(crpi_key_equal(pairs[i][0], pairs[j][1]), i == j);
        }
    bare_close(vm);
}
END_TEST

START_TEST(what_changes_is_no_key)
{
    vm = bare_open();
    crp_word wrong[] = {list2(CRP_NIL, CRP_NIL), array2(CRP_NIL, CRP_NIL), table1(CRP_NIL, CRP_NIL),
                        buffer("x"), bare_real(vm, NAN)};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t h;
        crp_clear_error(vm);
        ck_assert(!crpi_hash_of(vm, wrong[i], &h));
        ck_assert(vm->error == CRP_NIL);
        ck_assert(!crpi_hash(vm, wrong[i], &h));
        ck_assert_int_eq(strncmp(bare_error(vm), "1.8: ", 5), 0);
    }
    bare_close(vm);
}
END_TEST

START_TEST(a_view_is_its_object)
{
    vm = bare_open();
    crp_word object = table1(crp_fixnum(1), CRP_NIL);
    crp_word *view = crpi_new(vm, CRP_VIEW, 24);
    view[1] = object;
    EXPECT_EQUAL(crp_from_object(view), object);
    ck_assert_uint_eq(crp_class_of(crp_from_object(view)), CRP_HASHTABLE);
    bare_close(vm);
}
END_TEST

START_TEST(lists_are_built_front_to_back)
{
    vm = bare_open();
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_word items[] = {crp_fixnum(1), CRP_NIL, bare_string(vm, "x")}, list, empty = CRP_TRUE;
    for (int i = 0; i < 3; i++) ck_assert_int_eq(crp_list_add(vm, &b, items[i]), CRP_OK);
    ck_assert_int_eq(crp_list(vm, items, 3, &list), CRP_OK);
    EXPECT_EQUAL(b.first, list);
    ck_assert(crp_head(list) == items[0] && crp_head(crp_tail(list)) == items[1] &&
              crp_head(crp_tail(crp_tail(list))) == items[2]);
    ck_assert(crp_tail(crp_tail(crp_tail(list))) == CRP_NIL);
    ck_assert_int_eq(crp_list(vm, NULL, 0, &empty), CRP_OK);
    ck_assert(empty == CRP_NIL);
    bare_close(vm);
}
END_TEST

START_TEST(symbols_have_names)
{
    vm = bare_open();
    crp_word w, again;
    size_t n;
    char *name = calloc(1, CRPI_MAX_SYMBOL + 1);
    ck_assert_int_eq(crp_symbol(vm, "message", 7, &w), CRP_OK);
    ck_assert_int_eq(crp_symbol(vm, "messages", 7, &again), CRP_OK);
    ck_assert(w == again && crp_is_symbol(w) && crp_class_of(w) == CRP_SYMBOL);
    ck_assert_str_eq(crp_symbol_name(vm, w, &n), "message");
    ck_assert_uint_eq(n, 7);
    ck_assert_int_eq(crp_symbol(vm, name, CRPI_MAX_SYMBOL + 1, &w), CRP_E_RAISED);
    ck_assert_str_eq(bare_error(vm), "1.7: a Symbol's name has at most 65535 bytes, given 65536");
    free(name);
    bare_close(vm);
}
END_TEST

START_TEST(symbols_are_four_million_at_most)
{
    vm = bare_open();
    crp_word first, w;
    crp_status st = CRP_OK;
    char name[16];
    unsigned n = 0;
    ck_assert_int_eq(crp_symbol(vm, "0", 1, &first), CRP_OK);
    while (!st && n <= CRPI_MAX_SYMBOLS) {
        int length = snprintf(name, sizeof name, "%x", ++n);
        st = crp_symbol(vm, name, (size_t)length, &w);
    }
    ck_assert_int_eq(st, CRP_E_NOMEM);
    ck_assert_uint_gt(n, 4000000);
    ck_assert_int_eq(crp_symbol(vm, "0", 1, &w), CRP_OK);
    ck_assert(w == first);
    ck_assert_int_eq(crp_symbol(vm, name, strlen(name), &w), CRP_E_NOMEM);
    bare_close(vm);
}
END_TEST

START_TEST(arrays_keep_what_they_hold)
{
    vm = bare_open();
    vm->heap.stress_every = 1;
    crp_word w, none;
    ck_assert_int_eq(crpi_array_new(vm, 1000, &w), CRP_OK);
    bare_keep(w);
    for (int i = 0; i < 1000; i++) {
        ck_assert(crpi_array_of(w)->items[i] == CRP_NIL);
        crpi_array_of(w)->items[i] = bare_integer(vm, INT64_MAX - i);
        bare_forget(vm);
    }
    crpi_collect(vm);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(crp_integer_value(crpi_array_of(w)->items[i]), INT64_MAX - i);
    ck_assert_int_eq(crpi_array_new(vm, 0, &none), CRP_OK);
    ck_assert_uint_eq(crpi_array_of(none)->count, 0);
    ck_assert_int_eq(crpi_array_new(vm, SIZE_MAX / 4, &none), CRP_E_NOMEM);
    bare_close(vm);
}
END_TEST

UNIT_MAIN("value", integers_keep_their_value, reals_keep_every_bit, numbers_are_equal_by_value,
          values_are_equal_by_content, different_values_are_not_equal, long_and_deep_data_is_compared,
          deep_arrays_and_tables_are_compared, rings_are_compared, containers_in_themselves_are_compared,
          knots_are_compared, shared_parts_are_compared_once, comparing_without_memory_is_clean,
          numbers_are_ordered_exactly, bytes_are_ordered_as_unsigned, what_has_no_order_is_1_11,
          equal_keys_have_equal_hashes, what_changes_is_no_key, a_view_is_its_object,
          lists_are_built_front_to_back, symbols_have_names, symbols_are_four_million_at_most,
          arrays_keep_what_they_hold)
