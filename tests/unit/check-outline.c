/* Where a place in a text stands. */
#include "unit.h"
#include "outline.h"

#include <string.h>

/* The text with `^` where the place is. */
static crpi_outline at(const char *marked, char text[200])
{
    crpi_outline o;
    size_t place = strcspn(marked, "^");
    memcpy(text, marked, place);
    strcpy(text + place, marked + place + (marked[place] == '^'));
    crpi_outline_at(text, place, &o);
    return o;
}

static const char *word_at(const char *marked)
{
    static char text[200];
    crpi_outline o = at(marked, text);
    text[strcspn(marked, "^")] = 0;
    return text + o.word;
}

static enum crpi_outline_kind kind_at(const char *marked)
{
    char text[200];
    return at(marked, text).kind;
}

static size_t open_at(const char *marked)
{
    char text[200];
    return at(marked, text).open;
}

START_TEST(a_place_is_in_code_a_string_a_comment_or_a_name)
{
    ck_assert_int_eq(kind_at("(print 1^"), CRPI_IN_CODE);
    ck_assert_int_eq(kind_at("(print \"a^"), CRPI_IN_STRING);
    ck_assert_int_eq(kind_at("(print \"a\"^"), CRPI_IN_CODE);
    ck_assert_int_eq(kind_at("(print \"a\\\"^"), CRPI_IN_STRING);
    ck_assert_int_eq(kind_at("(print # \"^"), CRPI_IN_COMMENT);
    ck_assert_int_eq(kind_at("(print # x\n^"), CRPI_IN_CODE);
    ck_assert_int_eq(kind_at("(print |a b^"), CRPI_IN_NAME);
    ck_assert_int_eq(kind_at("(print \"# no comment\"^"), CRPI_IN_CODE);
}
END_TEST

START_TEST(an_operator_bar_begins_no_name)
{
    ck_assert_int_eq(kind_at("(| 1 2^"), CRPI_IN_CODE);
    ck_assert_int_eq(kind_at("(|| a b^"), CRPI_IN_CODE);
    ck_assert_int_eq(kind_at("(x.|| a^"), CRPI_IN_CODE);
}
END_TEST

START_TEST(the_innermost_open_bracket_is_found)
{
    ck_assert_uint_eq(open_at("(a (b c) (d ^"), 9);
    ck_assert_uint_eq(open_at("(a (b c) ^"), 0);
    ck_assert_uint_eq(open_at("(a) ^"), CRPI_NOT_THERE);
    ck_assert_uint_eq(open_at("(a \"(((\" ^"), 0);
    ck_assert_uint_eq(open_at("(a # (((\n ^"), 0);
    ck_assert_uint_eq(open_at(") (a ^"), 2);
}
END_TEST

START_TEST(depth_needs_no_memory)
{
    size_t n = 3000000;
    char *text = malloc(n);
    crpi_outline o;
    memset(text, '(', n);
    crpi_outline_at(text, n, &o);
    ck_assert_uint_eq(o.depth, n);
    ck_assert_uint_eq(o.open, n - 1);
    free(text);
}
END_TEST

START_TEST(a_word_is_a_name_with_its_dots)
{
    ck_assert_str_eq(word_at("(print box.top.fe^"), "box.top.fe");
    ck_assert_str_eq(word_at("(pri^"), "pri");
    ck_assert_str_eq(word_at("(print ^"), "");
    ck_assert_str_eq(word_at("(::Glo^"), "::Glo");
    ck_assert_str_eq(word_at("(defun NIL Bag::It^"), "Bag::It");
    ck_assert_str_eq(word_at("'x.y^"), "x.y");
    ck_assert_str_eq(word_at("(\"some text\".le^"), "\"some text\".le");
    ck_assert_str_eq(word_at("(\"a\\\"b\".le^"), "\"a\\\"b\".le");
    ck_assert_str_eq(word_at("((f 1).le^"), ".le");
}
END_TEST

static size_t indent(const char *marked, size_t first, bool closing)
{
    char text[200];
    size_t place = strcspn(marked, "^");
    at(marked, text);
    return crpi_outline_indent(text, place, first, closing);
}

START_TEST(rows_of_a_form_stand_four_columns_in)
{
    ck_assert_uint_eq(indent("(defun f (x)^", 0, false), 4);
    ck_assert_uint_eq(indent("(defun f (x)^", 3, false), 7);
    ck_assert_uint_eq(indent("(if x\n    (do^", 3, false), 8);
    ck_assert_uint_eq(indent("(let ((a 1)^", 0, false), 6);
    ck_assert_uint_eq(indent("(a)^", 3, false), 3);
    ck_assert_uint_eq(indent("(print \"é\" (x^", 0, false), 15);
}
END_TEST

START_TEST(a_closing_bracket_stands_below_its_opening_one)
{
    ck_assert_uint_eq(indent("(if x\n    (do\n        y\n    ^", 3, true), 4);
    ck_assert_uint_eq(indent("(if x\n    ^", 3, true), 3);
}
END_TEST

START_TEST(blanks_in_a_string_are_left_alone)
{
    ck_assert_uint_eq(indent("(print \"a^", 3, false), CRPI_NOT_THERE);
}
END_TEST

UNIT_MAIN("outline", a_place_is_in_code_a_string_a_comment_or_a_name, an_operator_bar_begins_no_name,
          the_innermost_open_bracket_is_found, depth_needs_no_memory, a_word_is_a_name_with_its_dots,
          rows_of_a_form_stand_four_columns_in, a_closing_bracket_stands_below_its_opening_one,
          blanks_in_a_string_are_left_alone)
