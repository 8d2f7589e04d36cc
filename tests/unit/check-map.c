/* The hash table. */
#include "bare.h"

#include <math.h>

static crp *vm;
static crpi_map m;

static void open_map(void)
{
    vm = bare_open();
    m = (crpi_map){0};
}

static void close_map(void)
{
    crpi_map_free(vm, &m);
    bare_close(vm);
}

static void set(crp_word key, crp_word value)
{
    crp_status st = crpi_map_set(vm, &m, key, value);
    if (st) ck_abort_msg("%s", bare_error(vm));
}

/* CRP_UNSET when there is none. */
static crp_word get(crp_word key)
{
    crp_word value = CRP_UNSET;
    bool found = crpi_map_get(vm, &m, key, &value);
    if (found == (value == CRP_UNSET)) ck_abort_msg("found is not what is there");
    return value;
}

START_TEST(an_empty_table_has_nothing)
{
    open_map();
    crp_word key, value;
    size_t cursor = 0;
    ck_assert(get(crp_fixnum(1)) == CRP_UNSET);
    ck_assert(!crpi_map_remove(vm, &m, crp_fixnum(1)));
    ck_assert(!crpi_map_next(&m, &cursor, &key, &value));
    crpi_map_clear(vm, &m);
    close_map();
}
END_TEST

START_TEST(keys_are_found_by_value)
{
    open_map();
    set(bare_string(vm, "name"), crp_fixnum(1));
    set(crp_fixnum(7), crp_fixnum(2));
    set(CRP_NIL, crp_fixnum(3));
    set(bare_symbol(vm, "name"), CRP_NIL);
    ck_assert(get(bare_string(vm, "name")) == crp_fixnum(1));
    ck_assert(get(bare_real(vm, 7)) == crp_fixnum(2));
    ck_assert(get(CRP_NIL) == crp_fixnum(3));
    ck_assert(get(bare_symbol(vm, "name")) == CRP_NIL);
    ck_assert(get(bare_string(vm, "nam")) == CRP_UNSET);
    set(bare_string(vm, "name"), crp_fixnum(9));
    ck_assert(get(bare_string(vm, "name")) == crp_fixnum(9));
    ck_assert_uint_eq(m.live, 4);
    close_map();
}
END_TEST

START_TEST(objects_are_keys_by_identity)
{
    open_map();
    crp_word a, b;
    ck_assert_int_eq(crpi_error_new(vm, 1, 1, "x", 1, &a), CRP_OK);
    ck_assert_int_eq(crpi_error_new(vm, 1, 1, "x", 1, &b), CRP_OK);
    set(a, crp_fixnum(1));
    ck_assert(get(a) == crp_fixnum(1) && get(b) == CRP_UNSET);
    close_map();
}
END_TEST

START_TEST(a_refused_key_changes_nothing)
{
    open_map();
    crp_word list;
    ck_assert_int_eq(crp_cons(vm, CRP_NIL, CRP_NIL, &list), CRP_OK);
    ck_assert_int_eq(crpi_map_set(vm, &m, list, CRP_NIL), CRP_E_RAISED);
    ck_assert_int_eq(strncmp(bare_error(vm), "1.8: (()) (List) cannot be a key", 32), 0);
    crp_clear_error(vm);
    ck_assert(get(list) == CRP_UNSET && get(bare_real(vm, NAN)) == CRP_UNSET);
    ck_assert(vm->error == CRP_NIL);
    ck_assert_uint_eq(m.live, 0);
    close_map();
}
END_TEST

/* The same things done to a plain array. */
START_TEST(many_changes_agree_with_an_array)
{
    open_map();
    enum { KEYS = 3000, CHANGES = 300000 };
    static int64_t values[KEYS];
    size_t live = 0;
    uint64_t r = 1;
    for (int i = 0; i < CHANGES; i++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        size_t k = (r >> 33) % KEYS;
        crp_word key = crp_fixnum((int64_t)k * 64), value = get(key);
        if (value != (values[k] ? crp_fixnum(values[k]) : CRP_UNSET)) ck_abort_msg("change %d", i);
        if ((r >> 20) % 3) {
            live += values[k] == 0;
            values[k] = i + 1;
            set(key, crp_fixnum(i + 1));
        } else {
            if (crpi_map_remove(vm, &m, key) != (values[k] != 0)) ck_abort_msg("change %d", i);
            live -= values[k] != 0;
            values[k] = 0;
        }
        if (m.live != live) ck_abort_msg("change %d", i);
    }
    close_map();
}
END_TEST

START_TEST(a_walk_goes_in_order_of_insertion)
{
    open_map();
    crp_word key, value;
    size_t cursor = 0;
    for (int i = 0; i < 1000; i++) set(crp_fixnum(i * 37 % 1000), crp_fixnum(i));
    for (int i = 0; i < 1000; i += 2) crpi_map_remove(vm, &m, crp_fixnum(i * 37 % 1000));
    set(crp_fixnum(37), crp_fixnum(-1));
    for (int i = 1; i < 1000; i += 2) {
        bool more = crpi_map_next(&m, &cursor, &key, &value);
        if (!more || key != crp_fixnum(i * 37 % 1000) || value != crp_fixnum(i == 1 ? -1 : i))
            ck_abort_msg("entry %d", i);
    }
    ck_assert(!crpi_map_next(&m, &cursor, &key, &value));
    ck_assert(!crpi_map_next(&m, &cursor, &key, &value));
    close_map();
}
END_TEST

START_TEST(a_walk_survives_removals_and_insertions)
{
    open_map();
    crp_word key, value;
    size_t cursor = 0;
    int64_t next = 0, seen = 0;
    for (int i = 0; i < 100; i++) set(crp_fixnum(i), CRP_NIL);
    /* Each entry seen is removed, and until 10000 two are put, so the table is made anew many times. */
    while (crpi_map_next(&m, &cursor, &key, &value)) {
        if (key != crp_fixnum(next)) ck_abort_msg("%ld, not %ld", (long)crp_fixnum_value(key), (long)next);
        next++;
        seen++;
        crpi_map_remove(vm, &m, key);
        for (int k = 0; k < 2 && 100 + seen * 2 + k - 2 < 10000; k++)
            set(crp_fixnum(100 + seen * 2 + k - 2), CRP_NIL);
    }
    ck_assert_int_eq(seen, 10000);
    ck_assert_uint_eq(m.live, 0);
    close_map();
}
END_TEST

START_TEST(a_walk_survives_entries_moving_together)
{
    open_map();
    crp_word key, value;
    size_t cursor = 0;
    for (int i = 0; i < 120; i++) set(crp_fixnum(i), CRP_NIL);
    for (int i = 0; i < 50; i++) ck_assert(crpi_map_next(&m, &cursor, &key, &value) && key == crp_fixnum(i));
    for (int i = 0; i < 120; i++)
        if (i % 3 == 0) crpi_map_remove(vm, &m, crp_fixnum(i));
    for (int i = 120; i < 130; i++) set(crp_fixnum(i), CRP_NIL);
    ck_assert_uint_eq(m.used, 90); /* they have moved */
    for (int i = 50; i < 130; i++) {
        if (i % 3 == 0 && i < 120) continue;
        ck_assert(crpi_map_next(&m, &cursor, &key, &value) && key == crp_fixnum(i));
    }
    ck_assert(!crpi_map_next(&m, &cursor, &key, &value));
    close_map();
}
END_TEST

START_TEST(a_table_in_constant_change_stays_small)
{
    open_map();
    for (int i = -10000; i < 0; i++) set(crp_fixnum(i), CRP_NIL);
    for (int i = -10000; i < 0; i++) crpi_map_remove(vm, &m, crp_fixnum(i));
    for (int i = 0; i < 200000; i++) {
        set(crp_fixnum(i), CRP_NIL);
        if (i >= 10) crpi_map_remove(vm, &m, crp_fixnum(i - 10));
    }
    ck_assert_uint_eq(m.live, 10);
    ck_assert_uint_le(m.capacity, 64);
    close_map();
}
END_TEST

START_TEST(numbers_of_entries_may_run_out)
{
    open_map();
    m.next_number = (uint64_t)UINT32_MAX - 5;
    for (int i = 0; i < 20; i++) set(crp_fixnum(i), CRP_NIL);
    crp_word key, value;
    size_t cursor = 0;
    for (int i = 0; i < 20; i++) ck_assert(crpi_map_next(&m, &cursor, &key, &value) && key == crp_fixnum(i));
    ck_assert(!crpi_map_next(&m, &cursor, &key, &value));
    close_map();
}
END_TEST

START_TEST(a_cleared_table_is_empty_and_works)
{
    open_map();
    for (int i = 0; i < 100; i++) set(crp_fixnum(i), CRP_NIL);
    crpi_map_clear(vm, &m);
    ck_assert_uint_eq(m.live, 0);
    ck_assert(get(crp_fixnum(5)) == CRP_UNSET);
    set(crp_fixnum(5), CRP_TRUE);
    ck_assert(get(crp_fixnum(5)) == CRP_TRUE);
    close_map();
}
END_TEST

START_TEST(reserved_room_needs_no_more_memory)
{
    open_map();
    ck_assert_int_eq(crpi_map_reserve(vm, &m, 1000), CRP_OK);
    uint64_t before = vm->mem.count;
    for (int i = 0; i < 1000; i++) set(crp_fixnum(i), CRP_NIL);
    ck_assert_uint_eq(vm->mem.count, before);
    ck_assert_int_eq(crpi_map_reserve(vm, &m, SIZE_MAX), CRP_E_NOMEM);
    close_map();
}
END_TEST

START_TEST(no_memory_changes_nothing)
{
    open_map();
    crp_status st;
    for (int i = 0; i < 8; i++) set(crp_fixnum(i), crp_fixnum(i));
    for (uint64_t n = 1; n <= 2; n++) {
        vm->mem.fail_at = vm->mem.count + n;
        ck_assert_int_eq(crpi_map_set(vm, &m, crp_fixnum(100), CRP_NIL), CRP_E_NOMEM);
        vm->mem.fail_at = 0;
        for (int i = 0; i < 8; i++) ck_assert(get(crp_fixnum(i)) == crp_fixnum(i));
        ck_assert_uint_eq(m.live, 8);
    }
    BARE_EACH_FAILURE(vm, st, st = crpi_map_set(vm, &m, crp_fixnum(100), CRP_TRUE));
    ck_assert(get(crp_fixnum(100)) == CRP_TRUE);
    close_map();
}
END_TEST

START_TEST(a_hashtable_keeps_what_it_holds)
{
    vm = bare_open();
    vm->heap.stress_every = 1;
    crp_word table, value;
    ck_assert_int_eq(crp_hashtable(vm, &table), CRP_OK);
    bare_keep(table);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "key %d", i);
        ck_assert_int_eq(crp_hashtable_set(vm, table, bare_string(vm, name), bare_integer(vm, INT64_MAX - i)),
                         CRP_OK);
        bare_forget(vm);
    }
    crpi_collect(vm);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "key %d", i);
        ck_assert(crp_hashtable_get(vm, table, bare_string(vm, name), &value));
        ck_assert_int_eq(crp_integer_value(value), INT64_MAX - i);
    }
    bare_close(vm);
}
END_TEST

UNIT_MAIN("map", an_empty_table_has_nothing, keys_are_found_by_value, objects_are_keys_by_identity,
          a_refused_key_changes_nothing, many_changes_agree_with_an_array, a_walk_goes_in_order_of_insertion,
          a_walk_survives_removals_and_insertions,
          a_walk_survives_entries_moving_together, a_table_in_constant_change_stays_small,
          numbers_of_entries_may_run_out, a_cleared_table_is_empty_and_works,
          reserved_room_needs_no_more_memory, no_memory_changes_nothing, a_hashtable_keeps_what_it_holds)
