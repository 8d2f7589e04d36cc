/* JSON texts read and written: what a script cannot bring about, and what it would take too long to. */
#include "classes.h"

#include "json.h"

static const char whole[] =
    "{\"a\": [1, -2.5e3, true, false, null, \"x\\n\\u00e9\\ud83d\\ude00\", {}, []], \"b\": {\"c\": "
    "\"long enough for more than eight bytes\", \"d\\\"\": 123456789012345678901}, \"a2\":0}";

static crp_status read_bytes(const char *bytes, size_t n, crp_word *out)
{
    crp_word text;
    crp_status st = crp_string(vm, bytes, n, &text);
    return st ? st : crpi_json_read(vm, text, form("null"), form("false"), out);
}

static crp_word value_of(const char *text)
{
    crp_word value = CRP_NIL;
    if (read_bytes(text, strlen(text), &value)) ck_abort_msg("%s", bare_error(vm));
    return value;
}

static const char *text_of(crp_word value)
{
    crp_word text = CRP_NIL;
    const char *bytes = "";
    if (crpi_json_write(vm, value, 0, CRPI_JSON_NULL, &text)) ck_abort_msg("%s", bare_error(vm));
    ck_assert_int_eq(crp_c_string(vm, text, &bytes), CRP_OK);
    return bytes;
}

START_TEST(a_text_reads_and_writes_back)
{
    classes_open();
    ck_assert_str_eq(text_of(value_of(whole)),
                     "{\"a\":[1,-2500.0,true,false,null,\"x\\n\xC3\xA9\xF0\x9F\x98\x80\",{},[]],\"b\":{\"c\":"
                     "\"long enough "
                     "for more than eight bytes\",\"d\\\"\":1.2345678901234568e+20},\"a2\":0}");
    classes_close();
}
END_TEST

START_TEST(a_text_that_is_cut_anywhere_is_an_error)
{
    classes_open();
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        crp_word value;
        ck_assert_msg(read_bytes(whole, n, &value) != CRP_OK, "%zu bytes were enough", n);
        ck_assert_int_eq(crp_fixnum_value(crpi_error_of(vm->error)->error_class), CRP_ERR_PARSE);
        crp_clear_error(vm);
    }
    classes_close();
}
END_TEST

/* The bytes are in memory of their own, so that the sanitizer sees one that is read behind them. */
static void expect_sound(const char *bytes, size_t n)
{
    crp_word value, text, again;
    char *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    crp_status st = read_bytes(copy, n, &value);
    free(copy);
    if (st) {
        ck_assert(crp_is_a(vm->error, CRP_ERROR));
        crp_clear_error(vm);
        return;
    }
    ck_assert_int_eq(crpi_json_write(vm, value, 0, CRPI_JSON_NULL, &text), CRP_OK);
    ck_assert_int_eq(crpi_json_read(vm, text, form("null"), form("false"), &again), CRP_OK);
    ck_assert(crp_equal(vm, value, again));
}

START_TEST(a_text_with_a_wrong_byte_is_an_error_or_another_value)
{
    static const char bytes[] = "\"\\{}[]:,0-.eEtn \n\x01\x7F\x80\xC3\xED\xFF";
    char text[sizeof whole];
    classes_open();
    for (size_t i = 0; i < sizeof whole - 1; i++)
        for (size_t k = 0; k < sizeof bytes; k++) {
            memcpy(text, whole, sizeof whole);
            text[i] = bytes[k];
            expect_sound(text, sizeof whole - 1);
            bare_forget(vm);
        }
    classes_close();
}
END_TEST

START_TEST(without_memory_nothing_is_lost)
{
    classes_open();
    crp_word text = bare_keep(bare_string(vm, whole)), value = CRP_NIL, out;
    crp_word null_value = form("null"), false_value = form("false");
    bare_forget(vm);
    crpi_collect(vm);
    crp_status st = CRP_E_NOMEM;
    for (uint64_t n = 1; st; n++) {
        vm->mem.fail_at = vm->mem.count + n;
        vm->mem.fail_on = true;
        st = crpi_json_read(vm, text, null_value, false_value, &value);
        if (!st) st = crpi_json_write(vm, value, 2, CRPI_JSON_NULL, &out);
        vm->mem.fail_at = 0;
        if (st) ck_assert_int_eq(crp_fixnum_value(crpi_error_of(vm->error)->code), CRP_NO_MEMORY);
        crp_clear_error(vm);
        ck_assert_uint_lt(n, 10000);
        if (st) bare_forget(vm);
    }
    ck_assert_str_eq(text_of(value), text_of(value_of(whole)));
    classes_close();
}
END_TEST

START_TEST(collections_take_nothing_away)
{
    classes_open();
    vm->heap.stress_every = vm->heap.stress_left = 1;
    crp_word value = bare_keep(value_of(whole));
    bare_forget(vm);
    crpi_collect(vm);
    ck_assert_uint_gt(strlen(text_of(value)), 100);
    vm->heap.stress_every = 0;
    classes_close();
}
END_TEST

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x9e3779b97f4a7c15u >> 16;
}

static crp_word random_value(int depth);

static crp_word random_string(void)
{
    char bytes[40];
    size_t n = 0;
    for (uint64_t left = next_random() % 8; left > 0; left--) {
        static const char *const pieces[] = {"a",    "\"",       "\\",           "\n",
                                             "\x01", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
        const char *piece = pieces[next_random() % 8];
        memcpy(bytes + n, piece, strlen(piece));
        n += strlen(piece);
    }
    crp_word w = CRP_NIL;
    ck_assert_int_eq(crp_string(vm, bytes, n, &w), CRP_OK);
    return w;
}

static crp_word random_table(int depth)
{
    crp_word table = CRP_NIL;
    ck_assert_int_eq(crp_hashtable(vm, &table), CRP_OK);
    for (uint64_t left = next_random() % 6; left > 0; left--)
        ck_assert_int_eq(crp_hashtable_set(vm, table, random_string(), random_value(depth - 1)), CRP_OK);
    return table;
}

static crp_word random_array(int depth)
{
    crp_word array = CRP_NIL;
    size_t n = next_random() % 6;
    ck_assert_int_eq(crpi_array_new(vm, n, &array), CRP_OK);
    for (size_t i = 0; i < n; i++) crpi_array_of(array)->items[i] = random_value(depth - 1);
    return array;
}

static crp_word random_value(int depth)
{
    switch (next_random() % (depth > 0 ? 7 : 5)) {
    case 0: return bare_integer(vm, (int64_t)(next_random() << (next_random() % 40)));
    case 1: return bare_real(vm, (double)next_random() / (double)(next_random() % 1000 + 1) * 1e-5);
    case 2: return random_string();
    case 3: return form("null");
    case 4: return CRP_TRUE;
    case 5: return random_table(depth);
    default: return random_array(depth);
    }
}

START_TEST(any_value_reads_back_as_it_was)
{
    classes_open();
    for (int i = 0; i < 500; i++) {
        crp_word value = random_value(5), text = CRP_NIL, back = CRP_NIL;
        ck_assert_int_eq(crpi_json_write(vm, value, (unsigned)i % 4, CRPI_JSON_NULL, &text), CRP_OK);
        ck_assert_int_eq(crpi_json_read(vm, text, form("null"), form("false"), &back), CRP_OK);
        ck_assert_msg(crp_equal(vm, value, back), "%s", shown(text));
        bare_forget(vm);
    }
    classes_close();
}
END_TEST

/* The plain bytes before the first other one, of each place in a word of eight. */
START_TEST(plain_bytes_end_where_they_end)
{
    static const char others[] = "\"\\\n\x1F\x80\xFF";
    for (size_t length = 0; length < 20; length++)
        for (size_t at = 0; at <= length; at++)
            for (size_t k = 0; k < sizeof others; k++) {
                char text[20];
                memset(text, at % 2 ? ' ' : '\x7F', sizeof text);
                if (at < length) text[at] = others[k];
                ck_assert_ptr_eq(crpi_json_plain(text, text + length), text + at);
            }
}
END_TEST

UNIT_MAIN("json", a_text_reads_and_writes_back, a_text_that_is_cut_anywhere_is_an_error,
          a_text_with_a_wrong_byte_is_an_error_or_another_value, without_memory_nothing_is_lost,
          collections_take_nothing_away, any_value_reads_back_as_it_was, plain_bytes_end_where_they_end)
