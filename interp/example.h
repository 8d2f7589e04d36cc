/* floor 9: examples: text whose comments say what its forms do, and whether they do it.
 *
 *     (abs -3)              # --> 3            the value of the form that ends here, in source notation
 *     (print "a" 1)         # prints: a        what it writes on stdout, line by line; further lines...
 *                           # prints: 1        ...in comments of their own
 *     (headOf ())           # error: 1.2       its class and code, or its class alone; `: words` behind
 *                                              are a part of its text
 *     (readPassword)        # not run          the form is only compiled
 *
 * A comment belongs to the form that it stands in or behind, up to the next form.  `...` stands for any text.
 * A form without such comments is run as well, and an error in it is a complaint.
 */
#ifndef CARAPACE_EXAMPLE_H
#define CARAPACE_EXAMPLE_H

#include "carapace.h"
#include "buf.h"

typedef struct crpi_example {
    crp *vm;          /* its texts share their variables, as those of crp_eval do */
    const char *name; /* of the page, for messages */
    const char *text;
    size_t length;
    uint32_t line; /* of the page: where the text begins */
    bool compile_only;
    void (*printed)(void *ud, crpi_buf *out); /* appends what went to stdout since it was last asked */
    void *ud;
} crpi_example;

/* Runs the forms one after the other.  True: all did as the comments say; else `report` has got lines that
 * say what did not, where, what was expected and what was given. */
bool crpi_example_run(const crpi_example *, crpi_buf *report);

/* Who wants the examples of a page in Markdown run, and the results. */
typedef struct crpi_example_host {
    crp *(*begin)(void *ud); /* a fresh interpreter in an empty folder; NULL: nothing more is run */
    void (*end)(void *ud, crp *);
    void (*printed)(void *ud, crpi_buf *out);
    /* For each heading with examples below it; `report` is "" when they are right. */
    void (*result)(void *ud, const char *heading, bool right, const char *report);
    void *ud;
} crpi_example_host;

/* Blocks that are fenced as `carapace` are run; all those below one heading of level 2 in one interpreter, in
 * which the blocks that stand before the first such heading have been run first.  A heading of a lower level
 * only divides the results.  With the word `no-run` behind `carapace` a block is only compiled.  False: there
 * was no memory, or no interpreter. */
bool crpi_example_page(const crpi_example_host *, const char *name, const char *text, size_t length);

#endif
