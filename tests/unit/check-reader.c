/* The reader: each literal, what dots and prefixes make, where everything stood, and every refusal with its place. */
#include "unit.h"
#include "bare.h"
#include "number.h"
#include "reader.h"

static crp *vm;
static char shown[1 << 16];
static size_t shown_length;

/* --- values as text, with nothing abbreviated --------------------------------------------------------------- */

static void show_bytes(const char *bytes, size_t n)
{
    ck_assert_uint_lt(shown_length + n, sizeof shown);
    memcpy(shown + shown_length, bytes, n);
    shown_length += n;
    shown[shown_length] = 0;
}

static void show_text(const char *text) { show_bytes(text, strlen(text)); }

static void show_atom(crp_word w)
{
    char text[CRPI_REAL_TEXT];
    size_t n;
    const char *bytes;
    if (crp_is_symbol(w)) {
        bytes = crp_symbol_name(vm, w, &n);
        show_bytes(bytes, n);
    } else if (crp_is_integer(w)) {
        show_bytes(text, crpi_integer_text(crp_integer_value(w), text));
    } else if (crp_is_real(w)) {
        show_bytes(text, crpi_real_text(crp_real_value(w), text));
    } else if (crp_is_string(w)) {
        bytes = crp_string_data(w, &n);
        show_text("\"");
        show_bytes(bytes, n);
        show_text("\"");
    } else if (crp_is_a(w, CRP_BINARY)) {
        const unsigned char *b = crp_binary_data(w, &n);
        show_text("0x");
        for (size_t i = 0; i < n; i++) {
            char pair[3];
            snprintf(pair, sizeof pair, "%02x", b[i]);
            show_text(pair);
        }
    } else {
        ck_assert_uint_eq(w, CRP_NIL);
        show_text("()");
    }
}

static void show(crp_word w)
{
    if (!crp_is_pair(w)) {
        show_atom(w);
        return;
    }
    show_text("(");
    for (; crp_is_pair(w); w = crp_tail(w)) {
        show(crp_head(w));
        if (crp_is_pair(crp_tail(w))) show_text(" ");
    }
    ck_assert_uint_eq(w, CRP_NIL);
    show_text(")");
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static crpi_reader reader_of(const char *text, size_t n, crpi_places *places)
{
    crpi_reader r;
    crpi_reader_init(&r, vm, "test.crp", text, n, places);
    return r;
}

/* All forms of the text as one List, or the error as "code line:column text". */
static const char *reads_bytes(const char *text, size_t n)
{
    crp_word forms = CRP_NIL;
    char *exact = malloc(n + 1); /* so that a read past the end is seen */
    memcpy(exact, text, n);
    exact = realloc(exact, n ? n : 1);
    crpi_reader r = reader_of(exact, n, NULL);
    crp_status st = crpi_read_all(&r, &forms);
    shown_length = 0;
    if (st) {
        crpi_error *e = crpi_error_of(vm->error);
        size_t length;
        const char *message = crp_string_data(e->text, &length);
        ck_assert_int_eq(crp_fixnum_value(e->error_class), CRP_ERR_PARSE);
        shown_length = (size_t)snprintf(shown, sizeof shown, "%s%d %d:%d %.*s", st == CRP_INCOMPLETE ? "+" : "",
                                        (int)crp_fixnum_value(e->code), (int)crp_fixnum_value(e->line),
                                        (int)crp_fixnum_value(e->position), (int)length, message);
        crp_clear_error(vm);
    } else {
        show(forms);
    }
    free(exact);
    return shown;
}

static const char *reads(const char *text) { return reads_bytes(text, strlen(text)); }

/* The text reads as one form, which is this. */
static void same(const char *text, const char *form)
{
    char listed[4096];
    snprintf(listed, sizeof listed, "(%s)", form);
    ck_assert_str_eq(reads(text), listed);
}

/* The text is refused: "+code line:column" when it is incomplete, without the plus when it is wrong. */
static void refused(const char *text, const char *place, const char *part)
{
    reads(text);
    ck_assert_msg(strncmp(shown, place, strlen(place)) == 0 && shown[strlen(place)] == ' ', "%s: %s, expected %s", text,
                  shown, place);
    ck_assert_msg(strstr(shown, part) != NULL, "%s: %s, expected ... %s", text, shown, part);
}

#define READER_TEST(name) \
    static void name##_body(void); \
    START_TEST(name) \
    { \
        vm = bare_open(); \
        name##_body(); \
        bare_close(vm); \
    } \
    END_TEST \
    static void name##_body(void)

/* --- literals ----------------------------------------------------------------------------------------------------- */

READER_TEST(integers_are_decimal_or_hexadecimal_with_a_sign)
{
    same("33", "33");
    same("-1", "-1");
    same("+7", "7");
    same("0", "0");
    same("007", "7");
    same("0x1F", "31");
    same("0xff", "255");
    same("-0x10", "-16");
    same("9223372036854775807", "9223372036854775807");
    same("-9223372036854775808", "-9223372036854775808");
    same("2305843009213693952 -2305843009213693953", "2305843009213693952 -2305843009213693953");
}

READER_TEST(reals_have_a_fraction_or_an_exponent)
{
    same("33.0", "33.0");
    same("-2.5", "-2.5");
    same("1e9", "1000000000.0");
    same("1E3", "1000.0");
    same("2.5e-3", "0.0025");
    same("1e+2", "100.0");
    same("0.1", "0.1");
    same("1e-999", "0.0");
}

READER_TEST(binaries_are_pairs_of_hexadecimal_digits)
{
    same("0x\"A10200B5\"", "0xa10200b5");
    same("0x\"\"", "0x");
    same("0x\"ff\"", "0xff");
}

READER_TEST(strings_keep_their_bytes)
{
    same("\"\"", "\"\"");
    same("\"Hello, world\"", "\"Hello, world\"");
    same("\"a # no comment ( [ ' , . :\"", "\"a # no comment ( [ ' , . :\"");
    same("\"gr\xc3\xbc\xc3\x9f" "e\"", "\"gr\xc3\xbc\xc3\x9f" "e\"");
    same("\"\xff\xfe\"", "\"\xff\xfe\"");
}

READER_TEST(strings_have_escapes)
{
    same("\"a\\nb\\rc\\td\"", "\"a\nb\rc\td\"");
    same("\"\\e\\\\\\\"\"", "\"\033\\\"\"");
    same("\"\\x41\\xfF\"", "\"A\xff\"");
    same("\"\\u{41}\\u{e9}\\u{20AC}\\u{1F600}\"", "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    same("\"\\u{000041}\"", "\"A\"");
    reads("\"a\\0b\\x00\"");
    ck_assert_uint_eq(shown_length, 8);
    ck_assert_mem_eq(shown, "(\"a\0b\0\")", 8);
}

READER_TEST(a_line_break_in_a_string_is_one_line_feed)
{
    same("\"a\nb\"", "\"a\nb\"");
    same("\"a\r\nb\r\n\"", "\"a\nb\n\"");
    same("\"a\rb\"", "\"a\rb\"");
}

READER_TEST(long_strings_read_whole)
{
    char text[5003], list[5005];
    memset(text, 'x', sizeof text);
    text[0] = text[5001] = '"';
    text[5002] = 0;
    snprintf(list, sizeof list, "(%s)", text);
    ck_assert_str_eq(reads(text), list);
    text[2500] = '\r', text[2501] = '\n';
    ck_assert_uint_eq(strlen(reads(text)), 5003);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

READER_TEST(symbols_are_letters_operators_and_digits)
{
    same("Fred", "Fred");
    same("_x1", "_x1");
    same("+ - * / % = < > ! & | ^ ~ ? @ $", "+ - * / % = < > ! & | ^ ~ ? @ $");
    same("&& || == != <= >= << >>", "&& || == != <= >= << >>");
    same("unquote-splicing a->b x2y isEmpty?", "unquote-splicing a->b x2y isEmpty?");
    same("a|b ||x", "a|b ||x");
    same("na\xc3\xafve \xce\xbb", "na\xc3\xafve \xce\xbb");
    same("-x +x - + -", "-x +x - + -");
    same("NIL true", "NIL true");
    same("(f a) (F A)", "(f a) (F A)");
}

READER_TEST(known_names_have_their_numbers)
{
    crpi_reader r = reader_of("true NIL quote ...", 18, NULL);
    crp_word forms = CRP_NIL;
    ck_assert_int_eq(crpi_read_all(&r, &forms), CRP_OK);
    ck_assert_uint_eq(crp_head(forms), CRP_TRUE);
    ck_assert_uint_eq(crp_head(crp_tail(forms)), CRPI_WORD_OF(NIL));
    ck_assert_uint_eq(crp_head(crp_tail(crp_tail(forms))), CRPI_WORD_OF(QUOTE));
    ck_assert_uint_eq(crp_head(crp_tail(crp_tail(crp_tail(forms)))), CRPI_WORD_OF(ELLIPSIS));
}

READER_TEST(colons_belong_to_globals_and_methods)
{
    same("::browser", "::browser");
    same("Trumpet::play", "Trumpet::play");
    same("Trumpet:Volume::silencer", "Trumpet:Volume::silencer");
    same("Bag::==", "Bag::==");
}

READER_TEST(colons_stand_nowhere_else)
{
    refused("a:1", "9 1:1", "found \"a:1\"");
    refused("a:b:c", "9 1:1", "found \"a:b:c\"");
    refused("a:", "9 1:1", "expected a name");
    refused(":a", "9 1:1", "found \":a\"");
    refused("::", "9 1:1", "found \"::\"");
    refused(":::a", "9 1:1", "found");
    refused("A::", "9 1:1", "found");
    refused("A::b::c", "9 1:1", "found");
    refused("A:B:C::d", "9 1:1", "found");
    refused("::A::b", "9 1:1", "found");
    refused("A::1", "9 1:1", "found");
    refused("::1", "9 1:1", "found");
    refused("1::a", "3 1:1", "found \"1::a\"");
}

READER_TEST(any_name_can_stand_between_bars)
{
    same("|a b|", "a b");
    same("|33|", "33");
    same("|-1|", "-1");
    same("|::x y|", "::x y");
    same("|a\\|b\\\\c\\n\\x41|", "a|b\\c\nA");
    same("|\\x28x)|", "(x)");
    same("|a(b)c # d|", "a(b)c # d");
    same("|.| |.x| |:|", ". .x :");
    same("(f |a b|)", "(f a b)");
    same("|\\&|", "");
    same("o.|a b|", "(. o a b)");
    same("|a b|.c", "(. a b c)");
}

READER_TEST(a_bar_alone_is_the_operator)
{
    same("(| 1 2)", "(| 1 2)");
    same("(|| a b)", "(|| a b)");
    same("(f |)", "(f |)");
    same("|", "|");
    same("(1.| 2)", "((. 1 |) 2)");
    same("(|(f) '|)", "(| (f) (quote |))");
}

READER_TEST(a_symbol_between_bars_ends_in_its_line)
{
    refused("|a\nb|", "9 1:3", "found the end of the line");
    refused("|a b|c", "9 1:6", "found \"c\"");
    refused("|a\\q|", "4 1:3", "found \"q\"");
    refused("|a", "+1 1:1", "the Symbol opened at 1:1 is not closed");
}

READER_TEST(a_name_has_at_most_65535_bytes)
{
    size_t n = CRPI_MAX_SYMBOL;
    char *name = malloc(n + 1);
    crp_word form;
    bool end;
    memset(name, 'a', n + 1);
    crpi_reader r = reader_of(name, n, NULL);
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_OK);
    r = reader_of(name, n + 1, NULL);
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_E_SYNTAX);
    ck_assert_str_eq(bare_error(vm), "8.9: expected a name of up to 65535 bytes, found 65536");
    free(name);
}

/* --- Lists, prefixes, dots ------------------------------------------------------------------------------------------ */

READER_TEST(lists_nest)
{
    same("()", "()");
    same("( )", "()");
    same("(a b c)", "(a b c)");
    same("(a(b(c)d)e)", "(a (b (c) d) e)");
    same("((()))", "((()))");
    same("(print \"x\"\"y\")", "(print \"x\" \"y\")");
    same("", "");
    same(" \t\r\n\f", "");
}

READER_TEST(comments_run_to_the_end_of_the_line)
{
    same("#!/usr/bin/env carapace\n(a) # (b\n# )", "(a)");
    same("(a # b)\n c)", "(a c)");
    same("# only", "");
    same("a#b", "a");
    same("# \xff\xfe\na", "a");
}

READER_TEST(a_byte_order_mark_is_skipped_and_crlf_is_a_line_break)
{
    same("\xef\xbb\xbf(a)\r\n(b)\r\n", "(a) (b)");
    same("\xef\xbb\xbf", "");
    refused("\xef\xbb\xbf)", "2 1:1", "no List is open");
    refused("a \xef\xbb\xbf", "5 1:3", "expected a form");
}

READER_TEST(prefixes_make_quoting_forms)
{
    same("'x", "(quote x)");
    same("`(a ,b ,@c)", "(quasiquote (a (unquote b) (unquote-splicing c)))");
    same("''x", "(quote (quote x))");
    same("'()", "(quote ())");
    same("' x", "(quote x)");
    same("'# comment\nx", "(quote x)");
    same("(a 'b 'c)", "(a (quote b) (quote c))");
    same(",@ x", "(unquote-splicing x)");
    same("'\"s\"", "(quote \"s\")");
}

READER_TEST(a_prefix_takes_the_whole_dotted_form)
{
    same("'o.m", "(quote (. o m))");
    same("`,o.a.b", "(quasiquote (unquote (. (. o a) b)))");
    same("'(f).x", "(quote (. (f) x))");
}

READER_TEST(an_infix_dot_makes_a_member_form)
{
    same("o.m", "(. o m)");
    same("(o.m a b)", "((. o m) a b)");
    same("(o.p)", "((. o p))");
    same("o.a.b", "(. (. o a) b)");
    same("(o.a.b 1)", "((. (. o a) b) 1)");
    same("(f o.p ::browser.visible)", "(f (. o p) (. ::browser visible))");
    same("((o.f) x)", "(((. o f)) x)");
    same("A::m.x", "(. A::m x)");
}

READER_TEST(the_left_side_of_a_dot_may_be_anything)
{
    same("(\"Hello\".symbol)", "((. \"Hello\" symbol))");
    same("((f 1).length)", "((. (f 1) length))");
    same("((obj.size).string)", "((. ((. obj size)) string))");
    same("0x\"A1\".length", "(. 0xa1 length)");
    same("33.string", "(. 33 string)");
    same("-1.string", "(. -1 string)");
    same("33.0.integer", "(. 33.0 integer)");
    same("0x1F.string", "(. 31 string)");
    same("1e9.string", "(. 1000000000.0 string)");
    same("33.e5", "(. 33 e5)");
    same("().length", "(. () length)");
    same("....x", "(. ... x)");
}

READER_TEST(a_name_after_a_dot_may_be_an_operator)
{
    same("(3.+ 4)", "((. 3 +) 4)");
    same("(a.== b)", "((. a ==) b)");
    same("(a.<= b)", "((. a <=) b)");
    same("a.-.b", "(. (. a -) b)");
}

READER_TEST(a_dot_may_stand_first_in_a_list)
{
    same("(. o m a b)", "(. o m a b)");
    same("( . obj size )", "(. obj size)");
    same("( . ( . obj size ) string )", "(. (. obj size) string)");
    same("(.\no m)", "(. o m)");
    same("(.)", "(.)");
    same("(. (f) x)", "(. (f) x)");
}

READER_TEST(three_dots_are_one_symbol)
{
    same("...", "...");
    same("((x Integer) ...)", "((x Integer) ...)");
    same("(... a)", "(... a)");
}

READER_TEST(a_dot_anywhere_else_is_an_error)
{
    refused("o .m", "7 1:3", "a dot with nothing directly on its left");
    refused(".", "7 1:1", "a dot with nothing directly on its left");
    refused("(a . b)", "7 1:4", "a dot with nothing directly on its left");
    refused("(a .b)", "7 1:4", "a dot with nothing directly on its left");
    refused("('. b)", "7 1:3", "a dot with nothing directly on its left");
    refused("(.a b)", "7 1:2", "expected white space after the first dot of a List, found \"a\"");
    refused("(..a)", "7 1:2", "found \".\"");
    refused("(o. m)", "7 1:3", "expected a name directly after the dot, found white space");
    refused("(o.)", "7 1:3", "found \")\"");
    refused("o.", "7 1:2", "found the end of the text");
    refused("o.\n", "7 1:2", "found the end of the line");
    refused("o..m", "7 1:2", "found \".\"");
    refused("33.", "7 1:3", "expected a name directly after the dot");
    refused("(1 . 2)", "7 1:4", "a dot with nothing");
    refused("o.(f)", "7 1:2", "found \"(\"");
    refused("o.5", "7 1:2", "found \"5\"");
    refused("o.-1", "7 1:2", "found \"-1\"");
    refused("0x1F.5", "7 1:5", "found \"5\"");
    refused("1.5.5", "7 1:4", "found \"5\"");
    refused(".5", "7 1:1", "a Real needs a digit before its dot");
    refused("(.5)", "7 1:2", "a Real needs a digit before its dot");
    refused("...x", "7 1:1", "expected white space after ..., found \"x\"");
    refused("o.A::m", "7 1:3", "expected a name without colons after the dot, found \"A::m\"");
    refused("o.::m", "7 1:2", "found \"::m\"");
    refused("(x...)", "7 1:3", "expected a name directly after the dot");
}

/* --- refusals ------------------------------------------------------------------------------------------------------- */

READER_TEST(an_integer_past_64_bits_is_refused)
{
    refused("9223372036854775808", "3 1:1", "expected an Integer from -9223372036854775808 to 9223372036854775807");
    refused("-9223372036854775809", "3 1:1", "found \"-9223372036854775809\"");
    refused("(f 0x10000000000000000)", "3 1:4", "expected an Integer");
    refused("99999999999999999999999999999999999999999999", "3 1:1", "found \"999999999999999999999999...\"");
}

READER_TEST(a_malformed_number_is_refused)
{
    refused("12ab", "3 1:1", "expected a number (a name begins with no digit), found \"12ab\"");
    refused("1e", "3 1:1", "found \"1e\"");
    refused("1e+", "3 1:1", "found \"1e+\"");
    refused("1-2", "3 1:1", "found \"1-2\"");
    refused("0x", "3 1:1", "expected hexadecimal digits after 0x, found the end of the text");
    refused("0xg", "3 1:1", "expected hexadecimal digits after 0x, found \"g\"");
    refused("0x1Fg", "3 1:1", "found \"0x1Fg\"");
    refused("1.5x", "3 1:1", "found");
    refused("0X1F", "3 1:1", "found \"0X1F\"");
    refused("5\xc3\xa9", "3 1:1", "found");
    refused("1e999", "3 1:1", "expected a Real of up to");
}

READER_TEST(a_malformed_binary_is_refused)
{
    refused("0x\"A1F\"", "8 1:1", "expected pairs of hexadecimal digits in the Binary, found 3 digits");
    refused("0x\"AG\"", "8 1:1", "found \"G\"");
    refused("0x\"A1 02\"", "8 1:1", "found white space");
    refused("(f 0x\"A1", "+1 1:4", "the Binary opened at 1:4 is not closed");
}

READER_TEST(an_unknown_escape_is_refused)
{
    refused("\"ab\\qc\"", "4 1:4", "expected one of \\n \\r \\t \\0 \\e \\\\ \\\" \\xHH \\u{H...}, found \"q\"");
    refused("\"\n\\ \"", "4 2:1", "found white space");
    refused("\"\\\n\"", "4 1:2", "found the end of the line");
    refused("\"\\x4g\"", "4 1:2", "expected two hexadecimal digits after \\x, found \"g\"");
    refused("\"\\x\"", "4 1:2", "found a double quote");
    refused("\"\\u41\"", "4 1:2", "expected { after \\u, found \"4\"");
    refused("\"\\u{}\"", "4 1:2", "expected hexadecimal digits in \\u{...}, found \"}\"");
    refused("\"\\u{41\"", "4 1:2", "expected } after the digits of \\u{...}, found a double quote");
    refused("\"\\u{110000}\"", "4 1:2", "expected a character in \\u{...}, 0 to D7FF or E000 to 10FFFF");
    refused("\"\\u{D800}\"", "4 1:2", "expected a character");
    refused("\"\\u{fffffffffffffffff}\"", "4 1:2", "expected a character");
    refused("\"\\&\"", "4 1:2", "found");
    refused("\"\\|\"", "4 1:2", "found");
}

READER_TEST(other_brackets_are_refused)
{
    refused("[a]", "2 1:1", "expected ( or ), found \"[\"");
    refused("(a]", "2 1:3", "found \"]\"");
    refused("{", "2 1:1", "found \"{\"");
    refused("(f\n  })", "2 2:3", "found \"}\"");
    refused(")", "2 1:1", "expected a form, no List is open, found \")\"");
    refused("(a))\n", "2 1:4", "no List is open");
    refused("(a ')", "2 1:5", "expected a form after \"'\", found \")\"");
}

READER_TEST(a_character_that_begins_nothing_is_refused)
{
    refused("(a ; b)", "5 1:4", "expected a form (a comment begins with #), found \";\"");
    refused("\\", "5 1:1", "found \"\\\"");
    refused("a\x01", "5 1:2", "expected a form, found U+0001");
    refused("(f x\xffy)", "5 1:5", "expected UTF-8, found \"\\xff\"");
    refused("\xc3", "5 1:1", "expected UTF-8");
    refused("x\xe2\x80\xae", "5 1:2", "expected a form, found U+202e");
    refused("\xc2\xa0" "a", "5 1:1", "expected a form");
    refused("a\xe2\x80\x8b", "5 1:2", "found U+200b");
}

READER_TEST(a_nul_byte_is_refused_everywhere)
{
    ck_assert_str_eq(reads_bytes("a\0b", 3), "5 1:2 a NUL byte in the text");
    ck_assert_str_eq(reads_bytes("(f \"a\0b\")", 9), "5 1:6 a NUL byte in the text");
    ck_assert_str_eq(reads_bytes("# x\n# a\0b\n", 10), "5 2:4 a NUL byte in the text");
    ck_assert_str_eq(reads_bytes("\0", 1), "5 1:1 a NUL byte in the text");
    ck_assert_str_eq(reads_bytes("|a\0|", 4), "5 1:3 a NUL byte in the text");
    ck_assert_str_eq(reads_bytes("|\0", 2), "5 1:2 a NUL byte in the text");
}

/* --- text that ends too early ------------------------------------------------------------------------------------------ */

READER_TEST(an_open_list_is_named_by_its_bracket)
{
    refused("(", "+1 1:1", "the List opened at 1:1 is not closed, expected \")\", found the end of the text");
    refused("(a\n  (b c)\n  (d", "+1 3:3", "the List opened at 3:3 is not closed");
    refused("(a) (b (c) d", "+1 1:5", "the List opened at 1:5 is not closed");
    refused("(a # )", "+1 1:1", "opened at 1:1");
}

READER_TEST(an_open_string_is_named_by_its_quote)
{
    refused("\"", "+1 1:1", "the String opened at 1:1 is not closed, expected a double quote");
    refused("(a\n \"b\n\nc", "+1 2:2", "the String opened at 2:2 is not closed");
    refused("\"a\\", "+1 1:1", "the String opened at 1:1");
    refused("\"a\\x", "+1 1:1", "the String opened at 1:1");
    refused("\"a\\x4", "+1 1:1", "the String opened at 1:1");
    refused("\"a\\u", "+1 1:1", "the String opened at 1:1");
    refused("\"a\\u{", "+1 1:1", "the String opened at 1:1");
    refused("\"a\\u{41", "+1 1:1", "the String opened at 1:1");
}

READER_TEST(a_prefix_at_the_end_waits_for_its_form)
{
    refused("'", "+1 1:1", "expected a form after \"'\" at 1:1, found the end of the text");
    refused("(a ,@ # b", "+1 1:4", "expected a form after \",\" at 1:4");
}

READER_TEST(a_lost_bracket_is_looked_for_by_the_indentation)
{
    const char *text = "(defun f ()\n  (g (h 1)\n  (i 2)\n)\n\n(defun k ()\n  (l))\n";
    refused(text, "+1 1:1", "the indentation first disagrees with the brackets at 3:3");
    refused("(a\n  (b)\n(c)\n", "+1 1:1", "the indentation first disagrees with the brackets at 3:1");
    refused("(a\n  (if x\n    y\n)\n", "+1 1:1", "disagrees with the brackets at 4:1");
}

READER_TEST(indentation_that_fits_is_not_blamed)
{
    reads("(a\n  (b c\n     d)\n  \"e\n\" f\n");
    ck_assert_ptr_null(strstr(shown, "indentation"));
    reads("(class \"T\"\n    (interface\n        (x y)\n    )\n    (z\n    )\n");
    ck_assert_ptr_null(strstr(shown, "indentation"));
}

/* --- places ------------------------------------------------------------------------------------------------------------ */

/* The place kept under the pair, as "line:column". */
static const char *place_of(const crpi_places *places, crp_word pair)
{
    static char text[64];
    crpi_place at;
    if (!crpi_places_get(places, pair, &at)) return "none";
    snprintf(text, sizeof text, "%u:%u", at.line, at.column);
    return text;
}

static crp_word nth_pair(crp_word list, int n)
{
    while (n--) list = crp_tail(list);
    return list;
}

static crp_word read_with_places(const char *text, crpi_places *places, crpi_place *at)
{
    crp_word form = CRP_NIL;
    bool end;
    crpi_reader r = reader_of(text, strlen(text), places);
    ck_assert_int_eq(crpi_read(&r, &form, at, &end), CRP_OK);
    ck_assert(!end);
    return form;
}

READER_TEST(each_element_stands_where_it_was_written)
{
    crpi_places places;
    crpi_place at;
    crpi_places_init(&places, &vm->mem);
    crp_word form = read_with_places("# x\n\n  (print \"a\n\" 12\r\n   (f\tx))", &places, &at);
    ck_assert(at.line == 3 && at.column == 3);
    ck_assert_str_eq(place_of(&places, form), "3:4");
    ck_assert_str_eq(place_of(&places, nth_pair(form, 1)), "3:10");
    ck_assert_str_eq(place_of(&places, nth_pair(form, 2)), "4:3");
    crp_word last = nth_pair(form, 3);
    ck_assert_str_eq(place_of(&places, last), "5:4");
    ck_assert_str_eq(place_of(&places, crp_head(last)), "5:5");
    ck_assert_str_eq(place_of(&places, nth_pair(crp_head(last), 1)), "5:7");
    crpi_places_free(&places);
}

READER_TEST(the_parts_of_a_dotted_form_have_places)
{
    crpi_places places;
    crpi_place at;
    crpi_places_init(&places, &vm->mem);
    crp_word form = read_with_places("(ab.cd.ef 1)", &places, &at), outer = crp_head(form);
    crp_word inner = crp_head(nth_pair(outer, 1));
    ck_assert_str_eq(place_of(&places, form), "1:2");
    ck_assert_str_eq(place_of(&places, outer), "1:7");
    ck_assert_str_eq(place_of(&places, nth_pair(outer, 1)), "1:2");
    ck_assert_str_eq(place_of(&places, nth_pair(outer, 2)), "1:8");
    ck_assert_str_eq(place_of(&places, inner), "1:4");
    ck_assert_str_eq(place_of(&places, nth_pair(inner, 1)), "1:2");
    ck_assert_str_eq(place_of(&places, nth_pair(inner, 2)), "1:5");
    crpi_places_free(&places);
}

READER_TEST(the_parts_of_a_quoted_form_have_places)
{
    crpi_places places;
    crpi_place at;
    crpi_places_init(&places, &vm->mem);
    crp_word form = read_with_places(" (f `,x)", &places, &at), quasi = crp_head(nth_pair(form, 1));
    ck_assert_str_eq(place_of(&places, nth_pair(form, 1)), "1:5");
    ck_assert_str_eq(place_of(&places, quasi), "1:5");
    ck_assert_str_eq(place_of(&places, nth_pair(quasi, 1)), "1:6");
    ck_assert_str_eq(place_of(&places, crp_head(nth_pair(quasi, 1))), "1:6");
    ck_assert_str_eq(place_of(&places, nth_pair(crp_head(nth_pair(quasi, 1)), 1)), "1:7");
    form = read_with_places("'x", &places, &at);
    ck_assert(at.line == 1 && at.column == 1);
    crpi_places_free(&places);
}

READER_TEST(the_forms_of_a_file_have_places)
{
    crpi_places places;
    crp_word forms;
    crpi_places_init(&places, &vm->mem);
    const char *text = "\xef\xbb\xbf" "a\n  (b)\n(c).d 'e";
    crpi_reader r = reader_of(text, strlen(text), &places);
    ck_assert_int_eq(crpi_read_all(&r, &forms), CRP_OK);
    ck_assert_str_eq(place_of(&places, forms), "1:1");
    ck_assert_str_eq(place_of(&places, nth_pair(forms, 1)), "2:3");
    ck_assert_str_eq(place_of(&places, nth_pair(forms, 2)), "3:1");
    ck_assert_str_eq(place_of(&places, nth_pair(forms, 3)), "3:7");
    crpi_places_free(&places);
}

READER_TEST(places_hold_many_pairs_and_know_no_others)
{
    crpi_places places;
    crpi_places_init(&places, &vm->mem);
    ck_assert_str_eq(place_of(&places, 0x1005), "none");
    for (uint32_t i = 1; i <= 10000; i++) ck_assert(crpi_places_put(&places, i * 16 + 5, (crpi_place){i, 2 * i}));
    ck_assert(crpi_places_put(&places, 21, (crpi_place){7, 7}));
    ck_assert_uint_eq(places.count, 10000);
    for (uint32_t i = 2; i <= 10000; i++) {
        crpi_place at = {0, 0};
        ck_assert(crpi_places_get(&places, i * 16 + 5, &at) && at.line == i && at.column == 2 * i);
    }
    ck_assert_str_eq(place_of(&places, 21), "7:7");
    ck_assert_str_eq(place_of(&places, 5), "none");
    crpi_places_free(&places);
}

READER_TEST(an_error_shows_its_line)
{
    size_t n;
    const char *text = "a\n  (b ]\r\nc";
    crp_word forms;
    crpi_reader r = reader_of(text, strlen(text), NULL);
    ck_assert_int_eq(crpi_read_all(&r, &forms), CRP_E_SYNTAX);
    const char *line = crp_string_data(crpi_error_of(vm->error)->source_line, &n);
    ck_assert_uint_eq(n, 6);
    ck_assert_mem_eq(line, "  (b ]", 6);
    const char *file = crp_string_data(crpi_error_of(vm->error)->file, &n);
    ck_assert_mem_eq(file, "test.crp", 8);
}

/* --- one form at a time, errors one after another --------------------------------------------------------------------- */

READER_TEST(forms_come_one_by_one_with_their_places)
{
    crpi_reader r = reader_of(" a\n(b)  # c\n", 11, NULL);
    crp_word form;
    crpi_place at;
    bool end;
    ck_assert_int_eq(crpi_read(&r, &form, &at, &end), CRP_OK);
    ck_assert(!end && form == bare_symbol(vm, "a") && at.line == 1 && at.column == 2);
    ck_assert_int_eq(crpi_read(&r, &form, &at, &end), CRP_OK);
    ck_assert(!end && crp_is_pair(form) && at.line == 2 && at.column == 1);
    ck_assert_int_eq(crpi_read(&r, &form, &at, &end), CRP_OK);
    ck_assert(end);
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_OK);
    ck_assert(end);
}

READER_TEST(reading_goes_on_at_the_next_bracket_in_the_first_column)
{
    const char *text = "(a ])\n (b)\n(c 1x)\n(d)\n(e";
    crpi_reader r = reader_of(text, strlen(text), NULL);
    crp_word form;
    crpi_place at;
    bool end;
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_E_SYNTAX);
    ck_assert(crpi_reader_recover(&r));
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_E_SYNTAX);
    ck_assert_int_eq(crp_fixnum_value(crpi_error_of(vm->error)->line), 3);
    ck_assert(crpi_reader_recover(&r));
    ck_assert_int_eq(crpi_read(&r, &form, &at, &end), CRP_OK);
    ck_assert_uint_eq(at.line, 4);
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_INCOMPLETE);
    ck_assert(!crpi_reader_recover(&r));
}

/* --- depth and memory --------------------------------------------------------------------------------------------------- */

static crp_status read_nested(size_t depth, const char *open, bool close, crp_word *form)
{
    size_t width = strlen(open), n = depth * width + (close ? depth : 1);
    char *text = malloc(n);
    bool end;
    for (size_t i = 0; i < depth; i++) memcpy(text + i * width, open, width);
    memset(text + depth * width, close ? ')' : 'x', n - depth * width);
    crpi_reader r = reader_of(text, n, NULL);
    crp_status st = crpi_read(&r, form, NULL, &end);
    free(text);
    return st;
}

READER_TEST(lists_nest_to_the_limit)
{
    crp_word form;
    size_t depth = 1;
    ck_assert_int_eq(read_nested(CRPI_MAX_NESTING, "(", true, &form), CRP_OK);
    for (; crp_is_pair(form); form = crp_head(form)) depth++;
    ck_assert_uint_eq(depth, CRPI_MAX_NESTING);
}

READER_TEST(prefixes_nest_to_the_limit)
{
    crp_word form;
    size_t depth = 0;
    ck_assert_int_eq(read_nested(CRPI_MAX_NESTING, "'", false, &form), CRP_OK);
    for (; crp_is_pair(form); form = crp_head(crp_tail(form))) depth++;
    ck_assert_uint_eq(depth, CRPI_MAX_NESTING);
}

READER_TEST(deeper_nesting_is_refused)
{
    crp_word form;
    ck_assert_int_eq(read_nested(CRPI_MAX_NESTING + 1, "(", true, &form), CRP_E_SYNTAX);
    ck_assert_str_eq(bare_error(vm), "8.6: nested too deeply: more than 2000000 levels");
    ck_assert_int_eq(crp_fixnum_value(crpi_error_of(vm->error)->position), CRPI_MAX_NESTING + 1);
    ck_assert_int_eq(read_nested(CRPI_MAX_NESTING + 1, "'", false, &form), CRP_E_SYNTAX);
}

READER_TEST(dots_are_counted_too)
{
    size_t n = 2 * (size_t)CRPI_MAX_NESTING + 3;
    char *text = malloc(n);
    crp_word form;
    bool end;
    for (size_t i = 0; i < n; i++) text[i] = i % 2 ? '.' : 'a';
    crpi_reader r = reader_of(text, n - 2, NULL);
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_OK);
    r = reader_of(text, n, NULL);
    ck_assert_int_eq(crpi_read(&r, &form, NULL, &end), CRP_E_SYNTAX);
    ck_assert_str_eq(bare_error(vm), "8.6: nested too deeply: more than 2000000 dots");
    free(text);
}

static const char everything[] = "(defun f ((x Integer) ...)\n  `(o.m ,x ,@y 33.0 0x\"A1\" \"a\\nb\" |q r|)\n  "
                                 "::g.h 9223372036854775807 1e300 \"0123456789012345678901234567890123456789\\t\")\n"
                                 "((((((((((deep)))))))))) 'newSymbolHere";

READER_TEST(a_collection_at_every_allocation_keeps_the_forms)
{
    char calm[4096];
    snprintf(calm, sizeof calm, "%s", reads(everything));
    vm->heap.stress_every = 1;
    ck_assert_str_eq(reads(everything), calm);
}

/* Reads with the n-th allocation failing, and once more in the same interpreter. */
static crp_status read_failing(uint64_t n, const char *text)
{
    crp_word forms;
    crpi_places places;
    vm = bare_open();
    crpi_places_init(&places, &vm->mem);
    crpi_reader r = reader_of(text, strlen(text), &places);
    vm->mem.fail_at = vm->mem.count + n;
    crp_status st = crpi_read_all(&r, &forms);
    vm->mem.fail_at = 0;
    if (st == CRP_E_NOMEM) {
        ck_assert_uint_eq(vm->error, vm->no_memory_error);
        r = reader_of(text, strlen(text), &places);
        crpi_read_all(&r, &forms);
    }
    crpi_places_free(&places);
    bare_close(vm);
    return st;
}

START_TEST(every_failed_allocation_is_a_clean_error)
{
    static const char *const texts[] = {everything, "(a\n \"b", "(x ]", "(f 'a\nb"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t n = 1;
        crp_status st;
        while ((st = read_failing(n, texts[i])) == CRP_E_NOMEM) n++;
        ck_assert_uint_gt(n, 1);
        ck_assert_int_eq(st, i == 0 ? CRP_OK : i == 2 ? CRP_E_SYNTAX : CRP_INCOMPLETE);
    }
}
END_TEST

/* --- what reads as a Symbol --------------------------------------------------------------------------------------------- */

READER_TEST(a_name_is_plain_exactly_if_it_reads_back)
{
    static const char bytes[] = "a1-+|:.e x\\(\"#\xc3\xa9\xff&";
    uint32_t random = 1;
    for (int i = 0; i < 20000; i++) {
        char name[8];
        size_t n = 0;
        random = random * 1664525 + 1013904223;
        for (uint32_t rest = random >> 8; rest && n < 6; rest /= 19) name[n++] = bytes[rest % (sizeof bytes - 1)];
        crpi_reader r = reader_of(name, n, NULL);
        crp_word form, symbol;
        bool end, plain = crpi_reads_as_symbol(name, n);
        bool back = !crpi_read(&r, &form, NULL, &end) && !end && r.at == name + n && crp_is_symbol(form);
        ck_assert_int_eq(crp_symbol(vm, name, n, &symbol), CRP_OK);
        ck_assert_msg(plain == (back && form == symbol), "%.*s", (int)n, name);
        crp_clear_error(vm);
    }
}

UNIT_MAIN("reader", integers_are_decimal_or_hexadecimal_with_a_sign, reals_have_a_fraction_or_an_exponent,
          binaries_are_pairs_of_hexadecimal_digits, strings_keep_their_bytes, strings_have_escapes,
          a_line_break_in_a_string_is_one_line_feed, long_strings_read_whole,
          symbols_are_letters_operators_and_digits, known_names_have_their_numbers,
          colons_belong_to_globals_and_methods, colons_stand_nowhere_else, any_name_can_stand_between_bars,
          a_bar_alone_is_the_operator, a_symbol_between_bars_ends_in_its_line, a_name_has_at_most_65535_bytes,
          lists_nest, comments_run_to_the_end_of_the_line,
          a_byte_order_mark_is_skipped_and_crlf_is_a_line_break, prefixes_make_quoting_forms,
          a_prefix_takes_the_whole_dotted_form, an_infix_dot_makes_a_member_form,
          the_left_side_of_a_dot_may_be_anything, a_name_after_a_dot_may_be_an_operator,
          a_dot_may_stand_first_in_a_list, three_dots_are_one_symbol, a_dot_anywhere_else_is_an_error,
          an_integer_past_64_bits_is_refused, a_malformed_number_is_refused, a_malformed_binary_is_refused,
          an_unknown_escape_is_refused, other_brackets_are_refused, a_character_that_begins_nothing_is_refused,
          a_nul_byte_is_refused_everywhere, an_open_list_is_named_by_its_bracket,
          an_open_string_is_named_by_its_quote, a_prefix_at_the_end_waits_for_its_form,
          a_lost_bracket_is_looked_for_by_the_indentation, indentation_that_fits_is_not_blamed,
          each_element_stands_where_it_was_written, the_parts_of_a_dotted_form_have_places,
          the_parts_of_a_quoted_form_have_places, the_forms_of_a_file_have_places,
          places_hold_many_pairs_and_know_no_others, an_error_shows_its_line,
          forms_come_one_by_one_with_their_places, reading_goes_on_at_the_next_bracket_in_the_first_column,
          lists_nest_to_the_limit, prefixes_nest_to_the_limit, deeper_nesting_is_refused, dots_are_counted_too,
          a_collection_at_every_allocation_keeps_the_forms, every_failed_allocation_is_a_clean_error,
          a_name_is_plain_exactly_if_it_reads_back)
