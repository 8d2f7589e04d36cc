/* Headings and blocks of a page. */
#include "unit.h"
#include "page.h"

#include <stdio.h>
#include <string.h>

/* The pieces of a page, a line each: "2 Title" or "LINE label [text]". */
static const char *pieces_of(const char *text)
{
    static char list[4000];
    crpi_page page;
    crpi_piece p;
    list[0] = 0;
    crpi_page_open(&page, text, strlen(text));
    while (crpi_page_next(&page, &p)) {
        char *end = list + strlen(list);
        size_t room = sizeof list - strlen(list);
        if (p.kind == CRPI_PAGE_HEADING)
            snprintf(end, room, "%d %.*s\n", p.level, (int)p.length, p.text);
        else
            snprintf(end, room, "%u %.*s [%.*s]%s\n", p.line, (int)p.label_length, p.label, (int)p.length, p.text,
                     p.open ? " open" : "");
    }
    return list;
}

START_TEST(headings_have_a_level_and_words)
{
    ck_assert_str_eq(pieces_of("# One\n\ntext\n## Two  \n###### Six\n####### seven\n#hash\n#\n"),
                     "1 One\n2 Two\n6 Six\n1 \n");
    ck_assert_str_eq(pieces_of(" # not at the start\ntext # behind\n"), "");
    ck_assert_str_eq(pieces_of("# No end"), "1 No end\n");
    ck_assert_str_eq(pieces_of(""), "");
}
END_TEST

START_TEST(a_block_is_what_stands_between_two_fences)
{
    ck_assert_str_eq(pieces_of("a\n```carapace no-run\n(a)\n(b)\n```\nb\n"), "3 carapace no-run [(a)\n(b)\n]\n");
    ck_assert_str_eq(pieces_of("~~~\n```\n# no heading\n~~~\n"), "2  [```\n# no heading\n]\n");
    ck_assert_str_eq(pieces_of("````\n```\n````\n"), "2  [```\n]\n");
    ck_assert_str_eq(pieces_of("```\n````\n"), "2  []\n");
    ck_assert_str_eq(pieces_of("```\n``` x\n```\n"), "2  [``` x\n]\n");
    ck_assert_str_eq(pieces_of("   ``` a  b \nx\n  ```\n"), "2 a  b [x\n]\n");
    ck_assert_str_eq(pieces_of("``` code ``` in a line\n    ```\n``\n"), "");
}
END_TEST

START_TEST(a_block_that_is_never_closed_is_open)
{
    ck_assert_str_eq(pieces_of("```x\n(a)\n"), "2 x [(a)\n] open\n");
    ck_assert_str_eq(pieces_of("```x\n(a)"), "2 x [(a)] open\n");
    ck_assert_str_eq(pieces_of("```x"), "2 x [] open\n");
}
END_TEST

START_TEST(lines_may_end_with_a_carriage_return)
{
    ck_assert_str_eq(pieces_of("# One\r\n```a\r\nx\r\n```\r\n# Two\r\n"), "1 One\n3 a [x\r\n]\n1 Two\n");
}
END_TEST

START_TEST(the_words_behind_a_fence_are_looked_up_whole)
{
    static const char text[] = "```carapace  no-run x\n```\n";
    crpi_page page;
    crpi_piece p;
    crpi_page_open(&page, text, sizeof text - 1);
    ck_assert(crpi_page_next(&page, &p));
    ck_assert(crpi_piece_is(&p, "carapace"));
    ck_assert(!crpi_piece_is(&p, "cara"));
    ck_assert(!crpi_piece_is(&p, "no-run"));
    ck_assert(crpi_piece_has(&p, "no-run"));
    ck_assert(crpi_piece_has(&p, "x"));
    ck_assert(!crpi_piece_has(&p, "carapace"));
    ck_assert(!crpi_piece_has(&p, "no"));
    crpi_page_open(&page, "# carapace\n", 11);
    ck_assert(crpi_page_next(&page, &p));
    ck_assert(!crpi_piece_is(&p, "carapace"));
}
END_TEST

UNIT_MAIN("page", headings_have_a_level_and_words, a_block_is_what_stands_between_two_fences,
          a_block_that_is_never_closed_is_open, lines_may_end_with_a_carriage_return,
          the_words_behind_a_fence_are_looked_up_whole)
