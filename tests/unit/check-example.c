/* Examples: what their comments mean, and what is said when they are wrong. */
#include "unit.h"
#include "example.h"

#include <stdio.h>
#include <string.h>

static crp *vm;
static char printed[4000], results[4000];
static size_t printed_length;
static int begun;

static void write_here(void *ud, int fd, const char *bytes, size_t length)
{
    (void)ud;
    if (fd != 1 || printed_length + length > sizeof printed) return;
    memcpy(printed + printed_length, bytes, length);
    printed_length += length;
}

static void take_printed(void *ud, crpi_buf *out)
{
    (void)ud;
    crpi_buf_put(out, printed, printed_length);
    printed_length = 0;
}

static crp *begin(void *ud)
{
    if (ud) return NULL;
    begun++;
    if (crp_new(NULL, &vm)) return NULL;
    crp_io(vm, write_here, NULL);
    return vm;
}

static void end(void *ud, crp *ended)
{
    (void)ud;
    crp_free(ended);
}

static void note_result(void *ud, const char *heading, bool right, const char *report)
{
    (void)ud;
    size_t n = strlen(results);
    snprintf(results + n, sizeof results - n, "%s %s\n%s", right ? "right" : "wrong", heading, report);
}

static const char *run_page(const char *text)
{
    static const crpi_example_host host = {begin, end, take_printed, note_result, NULL};
    results[0] = 0;
    begun = 0;
    ck_assert(crpi_example_page(&host, "page", text, strlen(text)));
    return results;
}

/* What is said of one block of forms; "" when they are right. */
static const char *run(const char *forms)
{
    char page[2000];
    snprintf(page, sizeof page, "# x\n```carapace\n%s\n```\n", forms);
    run_page(page);
    return strncmp(results, "right x\n", 8) == 0 ? "" : results + 8;
}

START_TEST(values_are_compared_as_source)
{
    ck_assert_str_eq(run("(+ 1 2) # --> 3"), "");
    ck_assert_str_eq(run("\"a\\n\" #--> \"a\\n\"  "), "");
    ck_assert_str_eq(run("(+ 1 2) # --> 4"),
                     "page:3: its value is another\n  form:     (+ 1 2)\n  expected: 4\n  given:    3\n");
    ck_assert_str_eq(run("(list 1\n 2)\n# --> (1 2)"), "");
    ck_assert_str_eq(run("1 2 # --> 2"), "");
}
END_TEST

START_TEST(three_dots_stand_for_any_text)
{
    ck_assert_str_eq(run("'(1 2 3) # --> (1 ...)"), "");
    ck_assert_str_eq(run("'(1 2 3) # --> ...2...)"), "");
    ck_assert_str_eq(run("'(1 2 3) # --> ..."), "");
    ck_assert_ptr_nonnull(strstr(run("'(1 2 3) # --> (1...1 2 3)"), "expected: (1...1 2 3)"));
    ck_assert_ptr_nonnull(strstr(run("'(1 2 3) # --> ...3"), "expected: ...3"));
    ck_assert_ptr_nonnull(strstr(run("'(1 2 3) # --> ...4...)"), "expected"));
    ck_assert_str_eq(run("'(a ...) # --> (a ...)"), "");
}
END_TEST

START_TEST(what_is_printed_is_compared_line_by_line)
{
    ck_assert_str_eq(run("(print 1 2) # prints: 1\n# prints: 2"), "");
    ck_assert_str_eq(run("(print \"\") # prints:"), "");
    ck_assert_str_eq(run("(print \"a  \") # prints: a"), "");
    ck_assert_str_eq(run("(printAux 1)\n(print 2)\n(print 3) # prints: 3"), "");
    ck_assert_str_eq(run("(printAux 1)\n(print 2) # prints: 12"), "");
    ck_assert_str_eq(run("(printAux 1) # prints: 1\n(print 2) # prints: 2"), "");
    ck_assert_str_eq(run("(print 1) (print 2) # prints: 1\n# prints: 2"), "");
    ck_assert_str_eq(run("(do (print 1) # prints: 1\n(print \"# prints: 2\")) # prints: # ... 2"), "");
    ck_assert_str_eq(run("(print 1 2) # prints: 1"), "page:3: it prints something else\n  form:     (print 1 2)\n"
                                                     "  expected: 1\n  given:   \n    1\n    2\n");
    ck_assert_str_eq(run("(print 1)"), "");
}
END_TEST

START_TEST(errors_are_compared_by_class_code_and_words)
{
    ck_assert_str_eq(run("(/ 1 0) # error: 1.9"), "");
    ck_assert_str_eq(run("(/ 1 0) # error: 1"), "");
    ck_assert_str_eq(run("(/ 1 0) # error: 1.9: by ze"), "");
    ck_assert_str_eq(run("(/ 1 0) # error: 1.9 division ... zero"), "");
    ck_assert_ptr_nonnull(strstr(run("(/ 1 0) # error: 1.9: apples"), "page:3: the error is another"));
    ck_assert_ptr_nonnull(strstr(run("(/ 1 0) # error: 1.8"), "page:3: the error is another"));
    ck_assert_ptr_nonnull(strstr(run("(/ 1 0) # error: 2"), "page:3: the error is another"));
    ck_assert_ptr_nonnull(strstr(run("(/ 1 0) # error: any"), "page:3: the error is another"));
    ck_assert_str_eq(run("(+ 1 2) # error: 1.9"),
                     "page:3: it raises no error\n  form:     (+ 1 2)\n  expected: 1.9\n  value:    3\n");
    ck_assert_ptr_nonnull(strstr(run("\n(/ 1 0)"), "page:4:2: error 1.9"));
    ck_assert_str_eq(run("(if ( # error: 8.1"), "");
    ck_assert_ptr_nonnull(strstr(run("1\n(if ("), "page:4:5: error 8.1"));
    ck_assert_str_eq(run("(do (print 1) (/ 1 0)) # prints: 1\n# error: 1.9"), "");
}
END_TEST

START_TEST(a_form_can_be_only_compiled)
{
    ck_assert_str_eq(run("(set x 1)\n(set x 2) # not run\nx # --> 1"), "");
    ck_assert_ptr_nonnull(strstr(run("(if) # not run"), "error 1."));
    ck_assert_str_eq(run_page("# p\n```carapace no-run\n(nosuch)\n(/ 1 0)\n```\n"), "right p\n");
}
END_TEST

START_TEST(a_comment_belongs_to_the_form_before_it)
{
    ck_assert_ptr_nonnull(strstr(run("# --> 1\n1"), "page:3: no form stands before this"));
    ck_assert_str_eq(run("# just words\n1\n# more\n\n# --> 1\n2 # --> 2"), "");
    ck_assert_str_eq(run("\"# --> 5\" # --> \"# --> 5\""), "");
    ck_assert_str_eq(run("'|a# --> 5| # --> |a# --> 5|"), "");
}
END_TEST

START_TEST(stop_ends_the_block)
{
    ck_assert_ptr_nonnull(strstr(run("(stop)\n(print 1) # prints: 2"), "error"));
    ck_assert_ptr_null(strstr(results, "prints something"));
}
END_TEST

START_TEST(sections_have_an_interpreter_of_their_own)
{
    ck_assert_str_eq(run_page("# Page\n```carapace\n(set n 1)\n```\n"
                              "## One\n```carapace\n(set n (+ n 1)) # --> 2\n```\n### Sub\n```carapace\nn # --> 2\n```\n"
                              "## Two\n```carapace\nn # --> 1\n```\n```sh\nx\n```\n"
                              "## Three\n```other\nn # --> 1\n```\n"),
                     "right Page\nright One\nright One: Sub\nright Two\n");
    ck_assert_int_eq(begun, 3);
    ck_assert_str_eq(run_page("```carapace\n1 # --> 1\n```\n### Sub\n```carapace\n1\n```\n"), "right \nright Sub\n");
    ck_assert_str_eq(run_page("```carapace\n1 # --> 1\n"), "wrong \npage:2: this block is never closed\n");
    ck_assert_str_eq(run_page("no code"), "");
    ck_assert_int_eq(begun, 0);
}
END_TEST

START_TEST(without_an_interpreter_there_are_no_results)
{
    static const char text[] = "# a\n```carapace\n1\n```\n# b\n```carapace\n1\n```\n";
    crpi_example_host host = {begin, end, take_printed, note_result, &begun};
    results[0] = 0;
    ck_assert(!crpi_example_page(&host, "page", text, sizeof text - 1));
    ck_assert_str_eq(results, "");
}
END_TEST

UNIT_MAIN("example", values_are_compared_as_source, three_dots_stand_for_any_text,
          what_is_printed_is_compared_line_by_line, errors_are_compared_by_class_code_and_words,
          a_form_can_be_only_compiled, a_comment_belongs_to_the_form_before_it, stop_ends_the_block,
          sections_have_an_interpreter_of_their_own, without_an_interpreter_there_are_no_results)
