/* The printer: each class of value, cycles, limits, and that what is readable reads back. */
#include "unit.h"
#include "bare.h"
#include "printer.h"
#include "reader.h"

static crp *vm;
static char shown[1 << 16];

static const char *print(crp_word w, crpi_print_style style, size_t limit)
{
    crpi_buf out;
    crpi_buf_init(&out, &vm->mem, 0);
    crpi_buf_text(&out, "=");
    crpi_print(vm, &out, w, style, limit);
    ck_assert(!out.failed && !out.overflow && out.length <= sizeof shown);
    memcpy(shown, out.bytes + 1, out.length - 1);
    shown[out.length - 1] = 0;
    crpi_buf_free(&out);
    return shown;
}

static const char *displayed(crp_word w) { return print(w, CRPI_DISPLAY, 0); }
static const char *readable(crp_word w) { return print(w, CRPI_READABLE, 0); }

static crp_word read_form(const char *text)
{
    crpi_reader r;
    crp_word form = CRP_NIL;
    bool end;
    crpi_reader_init(&r, vm, "test", text, strlen(text), NULL);
    ck_assert_msg(crpi_read(&r, &form, NULL, &end) == CRP_OK && !end, "%s: %s", text, bare_error(vm));
    return form;
}

/* What the text reads as prints as this. */
static void prints(const char *text, const char *expected) { ck_assert_str_eq(readable(read_form(text)), expected); }

static crp_word bytes_of(const char *bytes, size_t n)
{
    crp_word w;
    ck_assert_int_eq(crp_string(vm, bytes, n, &w), CRP_OK);
    return w;
}

static crp_word array_of(crp_word a, crp_word b)
{
    crp_word w;
    ck_assert_int_eq(crpi_array_new(vm, 2, &w), CRP_OK);
    crpi_array_of(w)->items[0] = a;
    crpi_array_of(w)->items[1] = b;
    return w;
}

static crp_word table_with(crp_word key, crp_word value)
{
    crp_word w;
    ck_assert_int_eq(crp_hashtable(vm, &w), CRP_OK);
    ck_assert_int_eq(crp_hashtable_set(vm, w, key, value), CRP_OK);
    return w;
}

static crp_word nth_pair(crp_word list, int n)
{
    while (n--) list = crp_tail(list);
    return list;
}

#define PRINTER_TEST(name) \
    static void name##_body(void); \
    START_TEST(name) \
    { \
        vm = bare_open(); \
        name##_body(); \
        bare_close(vm); \
    } \
    END_TEST \
    static void name##_body(void)

/* --- numbers, Strings, Binaries ---------------------------------------------------------------------------------- */

PRINTER_TEST(numbers_print_shortest)
{
    prints("33", "33");
    prints("-1", "-1");
    prints("9223372036854775807", "9223372036854775807");
    prints("-9223372036854775808", "-9223372036854775808");
    prints("33.0", "33.0");
    prints("0.1", "0.1");
    prints("1e100", "1e+100");
    prints("-0.0", "-0.0");
    prints("1e300", "1e+300");
}

PRINTER_TEST(a_string_is_raw_alone_and_quoted_in_a_list)
{
    crp_word s = bare_string(vm, "four \"4\"\n"), list;
    ck_assert_int_eq(crp_list(vm, &s, 1, &list), CRP_OK);
    ck_assert_str_eq(displayed(s), "four \"4\"\n");
    ck_assert_str_eq(displayed(list), "(\"four \\\"4\\\"\\n\")");
    ck_assert_str_eq(readable(s), "\"four \\\"4\\\"\\n\"");
    ck_assert_str_eq(displayed(array_of(s, s)), "#<Array (\"four \\\"4\\\"\\n\" \"four \\\"4\\\"\\n\")>");
}

PRINTER_TEST(a_raw_string_keeps_every_byte)
{
    crpi_buf out;
    crpi_buf_init(&out, &vm->mem, 0);
    crpi_print(vm, &out, bytes_of("a\0b\xff", 4), CRPI_DISPLAY, 0);
    ck_assert_uint_eq(out.length, 4);
    ck_assert_mem_eq(out.bytes, "a\0b\xff", 4);
    crpi_buf_free(&out);
}

PRINTER_TEST(quoted_strings_escape_what_cannot_be_seen)
{
    ck_assert_str_eq(readable(bytes_of("\n\r\t\0\033\\\"|'", 9)), "\"\\n\\r\\t\\0\\e\\\\\\\"|'\"");
    ck_assert_str_eq(readable(bytes_of("\x01\x1f\x7f", 3)), "\"\\x01\\x1F\\x7F\"");
    ck_assert_str_eq(readable(bytes_of("\xff" "a\xc3", 3)), "\"\\xFFa\\xC3\"");
    ck_assert_str_eq(readable(bytes_of("\xc2\x85", 2)), "\"\\xC2\\x85\"");
    ck_assert_str_eq(readable(bytes_of("\xe2\x80\xae", 3)), "\"\\xE2\\x80\\xAE\"");
    ck_assert_str_eq(readable(bare_string(vm, "gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x98\x80")),
                     "\"gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x98\x80\"");
    ck_assert_str_eq(readable(bare_string(vm, "")), "\"\"");
}

PRINTER_TEST(a_binary_prints_as_upper_case_hexadecimal)
{
    prints("0x\"a102ff\"", "0x\"A102FF\"");
    prints("0x\"\"", "0x\"\"");
    ck_assert_str_eq(displayed(read_form("0x\"06\"")), "0x\"06\"");
}

/* --- Symbols ------------------------------------------------------------------------------------------------------- */

PRINTER_TEST(symbols_that_read_back_are_bare)
{
    prints("(Fred + && || | ::g A::m A:I::m ... true NIL -x na\xc3\xafve)",
           "(Fred + && || | ::g A::m A:I::m ... true NIL -x na\xc3\xafve)");
}

PRINTER_TEST(other_symbols_stand_between_bars)
{
    ck_assert_str_eq(readable(bare_symbol(vm, "a b")), "|a b|");
    ck_assert_str_eq(displayed(bare_symbol(vm, "a b")), "|a b|");
    ck_assert_str_eq(readable(bare_symbol(vm, "33")), "|33|");
    ck_assert_str_eq(readable(bare_symbol(vm, "-1")), "|-1|");
    ck_assert_str_eq(readable(bare_symbol(vm, "a.b")), "|a.b|");
    ck_assert_str_eq(readable(bare_symbol(vm, "a:b:c")), "|a:b:c|");
    ck_assert_str_eq(readable(bare_symbol(vm, "|x|")), "|\\|x\\||");
    ck_assert_str_eq(readable(bare_symbol(vm, "a\\b\n\"")), "|a\\\\b\\n\"|");
    ck_assert_str_eq(readable(bare_symbol(vm, "(x)")), "|\\x28x)|");
    ck_assert_str_eq(readable(bare_symbol(vm, "x\xff")), "|x\\xFF|");
    ck_assert_str_eq(readable(bare_symbol(vm, "")), "|\\&|");
    ck_assert_str_eq(readable(bare_symbol(vm, ".")), "|.|");
    ck_assert_str_eq(readable(bare_symbol(vm, ")")), "|\\x29|");
}

/* --- Lists ------------------------------------------------------------------------------------------------------------ */

PRINTER_TEST(lists_print_as_they_are_written)
{
    prints("(1 2 3 \"four\" five 0x\"06\")", "(1 2 3 \"four\" five 0x\"06\")");
    prints("()", "()");
    prints("(a (b ()) (()))", "(a (b ()) (()))");
    prints("'x", "(quote x)");
    prints("`(a ,b ,@c)", "(quasiquote (a (unquote b) (unquote-splicing c)))");
}

PRINTER_TEST(a_member_form_prints_with_an_infix_dot)
{
    prints("(. o p)", "o.p");
    prints("(o.m a b)", "(o.m a b)");
    prints("(. (. o a) b)", "o.a.b");
    prints("(. (f x) length)", "(f x).length");
    prints("(. \"Hello\" symbol)", "\"Hello\".symbol");
    prints("(. 33 string)", "33.string");
    prints("(. 1e100 |e5|)", "1e+100.e5");
    prints("'o.m", "(quote o.m)");
    prints("(. o +)", "o.+");
    prints("(. () x)", "().x");
    prints("(. ... x)", "....x");
}

PRINTER_TEST(a_name_after_a_dot_that_would_not_read_back_stands_between_bars)
{
    prints("(. o |a b|)", "o.|a b|");
    prints("(. o |5|)", "o.|5|");
    prints("(. o |::g|)", "o.|::g|");
    prints("(. o |...|)", "o.|...|");
    prints("(. o |-1|)", "o.|-1|");
    prints("(. o |)", "o.|");
    prints("(. (. | |) x)", "|\\||.|\\||.x");
}

PRINTER_TEST(other_lists_that_begin_with_a_dot_print_it_first)
{
    prints("(.)", "(.)");
    prints("(. o)", "(. o)");
    prints("(. o m a)", "(. o m a)");
    prints("(. o 5)", "(. o 5)");
    prints("(. |.x| y)", "|.x|.y");
    prints("(. |.| y)", "|.|.y");
    prints("(a |.|)", "(a |.|)");
}

/* --- objects ------------------------------------------------------------------------------------------------------------ */

PRINTER_TEST(errors_and_buffers_print_what_they_hold)
{
    crp_word error, buffer;
    size_t room;
    unsigned char *at;
    ck_assert_int_eq(crpi_error_new(vm, 6, 1, "no \"reply\"", 10, &error), CRP_OK);
    ck_assert_str_eq(displayed(error), "#<Error 6.1 \"no \\\"reply\\\"\">");
    ck_assert_int_eq(crp_buffer(vm, 128, &buffer), CRP_OK);
    ck_assert_int_eq(crp_buffer_room(vm, buffer, 12, &at, &room), CRP_OK);
    memset(at, 'x', 12);
    crp_buffer_added(buffer, 12);
    ck_assert_str_eq(displayed(buffer), "#<Buffer 12 of 128 bytes>");
}

PRINTER_TEST(arrays_and_tables_print_their_elements)
{
    crp_word empty, table = table_with(bare_string(vm, "k"), read_form("(1 \"x\")"));
    ck_assert_int_eq(crp_hashtable_set(vm, table, bare_symbol(vm, "s"), CRP_NIL), CRP_OK);
    ck_assert_str_eq(displayed(table), "#<HashTable ((\"k\" (1 \"x\")) (s ()))>");
    ck_assert_int_eq(crp_hashtable(vm, &empty), CRP_OK);
    ck_assert_str_eq(displayed(empty), "#<HashTable ()>");
    ck_assert_str_eq(displayed(array_of(crp_fixnum(1), table)), "#<Array (1 #<HashTable ((\"k\" (1 \"x\")) (s ()))>)>");
    ck_assert_int_eq(crpi_array_new(vm, 0, &empty), CRP_OK);
    ck_assert_str_eq(displayed(empty), "#<Array ()>");
}

/* --- cycles --------------------------------------------------------------------------------------------------------------- */

PRINTER_TEST(a_circle_of_tails_prints_each_element_once)
{
    for (int length = 1; length < 40; length++) {
        for (int back = 0; back < length; back++) {
            char expected[512];
            size_t n = 0;
            crp_list_builder b = {CRP_NIL, CRP_NIL};
            for (int i = 0; i < length; i++) {
                ck_assert_int_eq(crp_list_add(vm, &b, crp_fixnum(i)), CRP_OK);
                n += (size_t)sprintf(expected + n, "%c%d", i ? ' ' : '(', i);
            }
            sprintf(expected + n, " ...)");
            crp_pair_of(b.last)->tail = nth_pair(b.first, back);
            ck_assert_str_eq(displayed(b.first), expected);
        }
    }
}

PRINTER_TEST(a_value_that_contains_itself_ends_in_three_dots)
{
    crp_word list = read_form("(a b c)");
    crp_pair_of(nth_pair(list, 1))->head = list;
    ck_assert_str_eq(displayed(list), "(a ... c)");
    crp_word array = array_of(crp_fixnum(1), CRP_NIL);
    crpi_array_of(array)->items[1] = array;
    ck_assert_str_eq(displayed(array), "#<Array (1 ...)>");
    crp_word table = table_with(bare_symbol(vm, "me"), array_of(CRP_TRUE, CRP_NIL));
    crpi_array_of(((crpi_hashtable *)crp_object_of(table))->map.entries[0].value)->items[1] = table;
    ck_assert_str_eq(displayed(table), "#<HashTable ((me #<Array (true ...)>))>");
    crp_word member = read_form("(. o p)");
    crp_pair_of(nth_pair(member, 1))->head = member;
    ck_assert_str_eq(displayed(member), "....p");
}

PRINTER_TEST(an_element_that_is_a_later_part_of_the_list_ends_too)
{
    crp_word list = read_form("(1 2 3)");
    crp_pair_of(nth_pair(list, 1))->head = nth_pair(list, 1);
    ck_assert_str_eq(displayed(list), "(1 (... 3) 3)");
}

PRINTER_TEST(what_is_shared_but_no_cycle_prints_each_time)
{
    crp_word shared = read_form("(x)"), list;
    crp_word items[] = {shared, shared, array_of(shared, shared)};
    ck_assert_int_eq(crp_list(vm, items, 3, &list), CRP_OK);
    ck_assert_str_eq(displayed(list), "((x) (x) #<Array ((x) (x))>)");
}

PRINTER_TEST(a_long_circle_through_elements_is_found)
{
    crp_word first = array_of(CRP_NIL, crp_fixnum(0)), at = first;
    crpi_buf out;
    for (int i = 1; i < 1000; i++) {
        crp_word next = array_of(CRP_NIL, crp_fixnum(i));
        crpi_array_of(at)->items[0] = next;
        at = next;
    }
    crpi_array_of(at)->items[0] = first;
    crpi_buf_init(&out, &vm->mem, 0);
    crpi_print(vm, &out, first, CRPI_DISPLAY, 0);
    ck_assert_uint_eq(out.length, 1000 * strlen("#<Array ( )>") + 10 + 180 + 2700 + 3);
    ck_assert_mem_eq(out.bytes + 9000, "... 999)> 998)>", 15);
    crpi_buf_free(&out);
}

/* --- limits ----------------------------------------------------------------------------------------------------------------- */

PRINTER_TEST(a_limit_cuts_and_says_so)
{
    crp_word list = read_form("(1 2 3 \"four\" five)");
    ck_assert_str_eq(print(list, CRPI_READABLE, 19), "(1 2 3 \"four\" five)");
    ck_assert_str_eq(print(list, CRPI_READABLE, 18), "(1 2 3 \"four\" five...");
    ck_assert_str_eq(print(list, CRPI_READABLE, 1), "(...");
    ck_assert_str_eq(print(bare_string(vm, "abcdef"), CRPI_DISPLAY, 6), "abcdef");
    ck_assert_str_eq(print(bare_string(vm, "abcdef"), CRPI_DISPLAY, 3), "abc...");
    ck_assert_str_eq(print(bare_string(vm, "abcdef"), CRPI_READABLE, 3), "\"ab...");
    ck_assert_str_eq(print(bare_string(vm, "a\n\n\n"), CRPI_READABLE, 5), "\"a\\n\\...");
    ck_assert_str_eq(print(read_form("0x\"010203\""), CRPI_READABLE, 6), "0x\"010...");
}

PRINTER_TEST(a_limit_never_cuts_a_character)
{
    crp_word s = bare_string(vm, "x\xe2\x82\xac\xf0\x9f\x98\x80");
    ck_assert_str_eq(print(s, CRPI_DISPLAY, 1), "x...");
    ck_assert_str_eq(print(s, CRPI_DISPLAY, 3), "x...");
    ck_assert_str_eq(print(s, CRPI_DISPLAY, 4), "x\xe2\x82\xac...");
    ck_assert_str_eq(print(s, CRPI_DISPLAY, 7), "x\xe2\x82\xac...");
    ck_assert_str_eq(print(s, CRPI_DISPLAY, 8), "x\xe2\x82\xac\xf0\x9f\x98\x80");
}

PRINTER_TEST(a_limit_bounds_the_work_too)
{
    size_t n = 20 << 20;
    char *bytes = malloc(n);
    memset(bytes, '\n', n);
    crp_word s = bytes_of(bytes, n);
    free(bytes);
    size_t used = vm->mem.used;
    vm->mem.peak = used;
    ck_assert_uint_eq(strlen(print(s, CRPI_READABLE, 200)), 203);
    ck_assert_uint_lt(vm->mem.peak - used, 4096);
}

/* --- depth and memory --------------------------------------------------------------------------------------------------------- */

PRINTER_TEST(a_million_levels_print)
{
    crp_word list = CRP_NIL;
    crpi_buf out;
    size_t levels = 1000000;
    for (size_t i = 0; i < levels; i++) ck_assert_int_eq(crp_cons(vm, list, CRP_NIL, &list), CRP_OK);
    crpi_buf_init(&out, &vm->mem, 0);
    crpi_print(vm, &out, list, CRPI_DISPLAY, 0);
    ck_assert_uint_eq(out.length, 2 * levels + 2);
    ck_assert(out.bytes[levels] == '(' && out.bytes[levels + 1] == ')');
    crpi_buf_free(&out);
}

PRINTER_TEST(no_memory_is_remembered_by_the_buffer)
{
    crp_word list = read_form("((((((((((((((((((((a))))))))))))))))))))");
    bool failed = true;
    int n = 0;
    while (failed) {
        crpi_buf out;
        crpi_buf_init(&out, &vm->mem, 0);
        vm->mem.fail_at = vm->mem.count + (uint64_t)++n;
        crpi_print(vm, &out, list, CRPI_DISPLAY, 0);
        failed = out.failed;
        crpi_buf_free(&out);
    }
    vm->mem.fail_at = 0;
    ck_assert_int_gt(n, 3);
}

PRINTER_TEST(to_string_gives_a_string)
{
    crp_word s = bare_string(vm, "a\n"), w;
    ck_assert_int_eq(crp_to_string(vm, s, false, &w), CRP_OK);
    ck_assert_uint_eq(w, s);
    ck_assert_int_eq(crp_to_string(vm, s, true, &w), CRP_OK);
    ck_assert_str_eq(crp_string_data(w, NULL), "\"a\\n\"");
    ck_assert_int_eq(crp_to_string(vm, read_form("(1 2)"), false, &w), CRP_OK);
    ck_assert_str_eq(crp_string_data(w, NULL), "(1 2)");
    w = CRP_NIL;
    crp_word list = read_form("(1 2)");
    vm->mem.fail_at = vm->mem.count + 1;
    ck_assert_int_eq(crp_to_string(vm, list, true, &w), CRP_E_NOMEM);
    ck_assert_uint_eq(vm->error, vm->no_memory_error);
}

/* --- there and back ------------------------------------------------------------------------------------------------------------ */

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)seed * n >> 32);
}

static crp_word random_bytes(bool symbol)
{
    static const char some[] = "ab1-+|:.& x\\(\"#'\n\0\x1b\xc3\xa9\xff\xe2\x80\xae";
    char bytes[6];
    size_t n = random_below(sizeof bytes + 1);
    crp_word w;
    for (size_t i = 0; i < n; i++) bytes[i] = some[random_below(sizeof some - 1)];
    ck_assert_int_eq(symbol ? crp_symbol(vm, bytes, n, &w) : crp_string(vm, bytes, n, &w), CRP_OK);
    return w;
}

static crp_word random_value(int depth)
{
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_word w;
    switch (random_below(depth ? 9 : 6)) {
    case 0: return bare_integer(vm, (int64_t)((uint64_t)random_below(UINT32_MAX) << random_below(32)) - 5000);
    case 1: return bare_real(vm, (random_below(UINT32_MAX) - 2e9) / (1 + random_below(1000)) * 1e-3);
    case 2: return random_bytes(false);
    case 3: return crp_symbol_from_id(random_below(CRPI_KNOWN_SYMBOLS));
    case 4:
        ck_assert_int_eq(crp_binary(vm, "\x01\xab", random_below(3), &w), CRP_OK);
        return w;
    case 5: return random_bytes(true);
    case 6:
        ck_assert_int_eq(crp_list_add(vm, &b, CRPI_WORD_OF(DOT)), CRP_OK);
        ck_assert_int_eq(crp_list_add(vm, &b, random_value(depth - 1)), CRP_OK);
        ck_assert_int_eq(crp_list_add(vm, &b, random_bytes(true)), CRP_OK);
        return b.first;
    default:
        for (uint32_t n = random_below(5); n; n--)
            ck_assert_int_eq(crp_list_add(vm, &b, random_value(depth - 1)), CRP_OK);
        return b.first;
    }
}

PRINTER_TEST(what_is_readable_reads_back)
{
    for (int i = 0; i < 20000; i++) {
        crp_word w = random_value(4);
        const char *text = readable(w);
        crpi_reader r;
        crp_word back = CRP_NIL;
        bool end = true;
        crpi_reader_init(&r, vm, "test", text, strlen(text), NULL);
        crp_status st = crpi_read(&r, &back, NULL, &end);
        ck_assert_msg(st == CRP_OK && !end && r.at == r.end, "%s: %s", text, bare_error(vm));
        ck_assert_msg(crp_equal(vm, w, back), "%s", text);
        bare_forget(vm);
    }
}

UNIT_MAIN("printer", numbers_print_shortest, a_string_is_raw_alone_and_quoted_in_a_list, a_raw_string_keeps_every_byte,
          quoted_strings_escape_what_cannot_be_seen, a_binary_prints_as_upper_case_hexadecimal,
          symbols_that_read_back_are_bare, other_symbols_stand_between_bars, lists_print_as_they_are_written,
          a_member_form_prints_with_an_infix_dot,
          a_name_after_a_dot_that_would_not_read_back_stands_between_bars,
          other_lists_that_begin_with_a_dot_print_it_first, errors_and_buffers_print_what_they_hold,
          arrays_and_tables_print_their_elements, a_circle_of_tails_prints_each_element_once,
          a_value_that_contains_itself_ends_in_three_dots, an_element_that_is_a_later_part_of_the_list_ends_too,
          what_is_shared_but_no_cycle_prints_each_time, a_long_circle_through_elements_is_found,
          a_limit_cuts_and_says_so, a_limit_never_cuts_a_character, a_limit_bounds_the_work_too,
          a_million_levels_print, no_memory_is_remembered_by_the_buffer, to_string_gives_a_string,
          what_is_readable_reads_back)
