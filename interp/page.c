/* Line by line: a line is a heading, begins a block, or is prose. */
#include "page.h"

#include <string.h>

enum { MOST_INDENT = 3, LEAST_FENCE = 3, MOST_LEVEL = 6 };

typedef struct row {
    const char *text;
    size_t length; /* without the line's end */
} row;

void crpi_page_open(crpi_page *p, const char *text, size_t length)
{
    *p = (crpi_page){.at = text, .end = text + length, .line = 1};
}

static row next_row(crpi_page *p)
{
    const char *from = p->at, *stop = memchr(from, '\n', (size_t)(p->end - from));
    row r = {from, (size_t)((stop ? stop : p->end) - from)};
    p->at = stop ? stop + 1 : p->end;
    p->line++;
    if (r.length && r.text[r.length - 1] == '\r') r.length--;
    return r;
}

static size_t run_of(row r, size_t at, char c)
{
    size_t n = 0;
    while (at + n < r.length && r.text[at + n] == c) n++;
    return n;
}

static row trimmed(row r)
{
    while (r.length && (*r.text == ' ' || *r.text == '\t')) r.text++, r.length--;
    while (r.length && (r.text[r.length - 1] == ' ' || r.text[r.length - 1] == '\t')) r.length--;
    return r;
}

static row from_place(row r, size_t at) { return (row){r.text + at, r.length - at}; }

/* How long the run of ` or ~ is that the line begins with; 0: it is no fence. */
static size_t fence_in(row r, char *mark, row *label)
{
    size_t indent = run_of(r, 0, ' ');
    if (indent > MOST_INDENT || indent == r.length) return 0;
    *mark = r.text[indent];
    size_t n = *mark == '`' || *mark == '~' ? run_of(r, indent, *mark) : 0;
    if (n < LEAST_FENCE) return 0;
    *label = trimmed(from_place(r, indent + n));
    return *mark == '`' && memchr(label->text, '`', label->length) ? 0 : n;
}

static bool is_heading(row r, crpi_piece *out)
{
    size_t level = run_of(r, 0, '#');
    if (!level || level > MOST_LEVEL || (level < r.length && r.text[level] != ' ')) return false;
    row words = trimmed(from_place(r, level));
    *out = (crpi_piece){.kind = CRPI_PAGE_HEADING, .level = (int)level, .text = words.text};
    out->length = words.length;
    return true;
}

static void take_block(crpi_page *p, crpi_piece *out, char mark, size_t fence)
{
    char closing;
    row label;
    out->open = true;
    while (out->open && p->at < p->end) {
        const char *begin = p->at;
        size_t n = fence_in(next_row(p), &closing, &label);
        out->open = !(n >= fence && closing == mark && !label.length);
        out->length = (size_t)((out->open ? p->at : begin) - out->text);
    }
}

bool crpi_page_next(crpi_page *p, crpi_piece *out)
{
    while (p->at < p->end) {
        char mark;
        row label, r = next_row(p);
        size_t fence = fence_in(r, &mark, &label);
        if (fence) {
            *out = (crpi_piece){.kind = CRPI_PAGE_BLOCK, .text = p->at, .line = p->line,
                                .label = label.text, .label_length = label.length};
            take_block(p, out, mark, fence);
            return true;
        }
        if (is_heading(r, out)) {
            out->line = p->line - 1;
            return true;
        }
    }
    return false;
}

static bool word_is(const crpi_piece *piece, size_t *at, const char *word, bool *any)
{
    const char *text = piece->label;
    while (*at < piece->label_length && text[*at] == ' ') ++*at;
    size_t from = *at;
    while (*at < piece->label_length && text[*at] != ' ') ++*at;
    *any = *at > from;
    return strlen(word) == *at - from && memcmp(text + from, word, *at - from) == 0;
}

bool crpi_piece_is(const crpi_piece *piece, const char *language)
{
    size_t at = 0;
    bool any;
    return piece->kind == CRPI_PAGE_BLOCK && word_is(piece, &at, language, &any);
}

bool crpi_piece_has(const crpi_piece *piece, const char *word)
{
    size_t at = 0;
    bool any, found = false;
    word_is(piece, &at, "", &any);
    while (any && !found) found = word_is(piece, &at, word, &any);
    return found && any;
}
