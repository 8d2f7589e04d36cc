/* floor 9: a page in Markdown: its headings, and the blocks of code below them.
 *
 * Only what stands at a line's start counts: `#` to `######` make a heading, ``` or ~~~ a fence.  Everything
 * else is prose, and no concern of ours.
 */
#ifndef CARAPACE_PAGE_H
#define CARAPACE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct crpi_page {
    const char *at, *end;
    uint32_t line; /* of `at`, from 1 */
} crpi_page;

enum crpi_piece_kind { CRPI_PAGE_HEADING, CRPI_PAGE_BLOCK };

typedef struct crpi_piece {
    enum crpi_piece_kind kind;
    int level;        /* of a heading, 1 to 6 */
    const char *text; /* a heading's words, or a block's lines */
    size_t length;
    uint32_t line;     /* where the text begins */
    const char *label; /* what stands behind a block's fence: its language, then words about it */
    size_t label_length;
    bool open; /* the page ends before the block does */
} crpi_piece;

void crpi_page_open(crpi_page *, const char *text, size_t length);
bool crpi_page_next(crpi_page *, crpi_piece *); /* false: there is no further piece */

/* Whether one of the words behind the fence is this one; the language is word 0. */
bool crpi_piece_is(const crpi_piece *, const char *language);
bool crpi_piece_has(const crpi_piece *, const char *word);

#endif
