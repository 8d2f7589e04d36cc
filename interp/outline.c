/* One pass finds the depth; a second one, which knows it, finds the bracket that opened it last. */
#include "outline.h"

#include <string.h>
#include "token.h"

enum { INDENT = 4 };

static bool is_name_byte(char c) { return crpi_token_kind(c) >= CRPI_NAME_BYTE || c == ':' || c == '.'; }

/* As the reader has it: a bar begins a |Symbol| where it cannot be an operator. */
static bool begins_bar_name(const char *text, size_t at, size_t end)
{
    if (text[at] != '|' || at + 1 >= end) return false;
    if (at && is_name_byte(text[at - 1]) && text[at - 1] != '.') return false;
    return crpi_token_kind(text[at + 1]) != CRPI_BLANK_BYTE && !strchr("|()[]{}\"'`,#.", text[at + 1]);
}

/* The place after what begins at `at` with a quote, `end` if it does not end before. *ended says which. */
static size_t skip_quoted(const char *text, size_t at, size_t end, bool *ended)
{
    char quote = text[at++];
    for (; at < end; at++) {
        if (text[at] == '\\')
            at++;
        else if (text[at] == quote || (quote == '|' && text[at] == '\n'))
            return *ended = true, at + 1;
    }
    return *ended = false, end;
}

static size_t skip_comment(const char *text, size_t at, size_t end, bool *ended)
{
    const char *line_end = memchr(text + at, '\n', end - at);
    *ended = line_end != NULL;
    return line_end ? (size_t)(line_end - text) : end;
}

/* Skips a String, comment or |Symbol| at `at`, if there is one; says in `out` if the text ends inside. */
static bool skip_closed(const char *text, size_t *at, size_t end, crpi_outline *out)
{
    bool ended = true;
    size_t from = *at;
    enum crpi_outline_kind kind = CRPI_IN_CODE;
    if (text[from] == '"') kind = CRPI_IN_STRING;
    if (text[from] == '#') kind = CRPI_IN_COMMENT;
    if (begins_bar_name(text, from, end)) kind = CRPI_IN_NAME;
    if (kind == CRPI_IN_CODE) return false;
    if (kind == CRPI_IN_COMMENT)
        *at = skip_comment(text, from, end, &ended);
    else
        *at = skip_quoted(text, from, end, &ended);
    if (!ended) {
        out->kind = kind;
        out->inside = from;
    }
    return true;
}

/* Walks to `end`; gives the depth there, and the last place where a bracket opened depth `wanted`. */
static size_t walk(const char *text, size_t end, size_t wanted, size_t *open, crpi_outline *out)
{
    size_t depth = 0;
    for (size_t at = 0; at < end;) {
        if (skip_closed(text, &at, end, out)) continue;
        if (text[at] == '(' && ++depth == wanted) *open = at;
        if (text[at] == ')' && depth) depth--;
        at++;
    }
    return depth;
}

/* Back over one word; a String right before a dot belongs to it. */
static size_t word_start(const char *text, size_t at)
{
    size_t from = at;
    while (from && is_name_byte(text[from - 1])) from--;
    if (from == at || text[from] != '.' || !from || text[from - 1] != '"') return from;
    for (size_t quote = from - 1; quote;) {
        quote--;
        if (text[quote] == '"' && (!quote || text[quote - 1] != '\\')) return quote;
    }
    return from;
}

void crpi_outline_at(const char *text, size_t at, crpi_outline *out)
{
    *out = (crpi_outline){.kind = CRPI_IN_CODE, .inside = at, .open = CRPI_NOT_THERE, .word = at};
    out->depth = walk(text, at, 0, &out->open, out);
    if (out->depth) walk(text, at, out->depth, &out->open, out);
    if (out->kind == CRPI_IN_CODE) out->word = word_start(text, at);
}

size_t crpi_outline_word_end(const char *text, size_t length, size_t from)
{
    bool ended = false;
    size_t at = from;
    if (at < length && text[at] == '"') at = skip_quoted(text, at, length, &ended);
    while (at < length && is_name_byte(text[at])) at++;
    return at;
}

/* Columns are counted in characters: a byte that goes on a character is none. */
static size_t column_of(const char *text, size_t at, size_t first)
{
    size_t column = 0, from = at;
    while (from && text[from - 1] != '\n') {
        from--;
        if ((text[from] & 0xc0) != 0x80) column++;
    }
    return from ? column : column + first;
}

/* A form's rows stand four columns in; the rows of a List of Lists stand below each other. */
size_t crpi_outline_indent(const char *text, size_t at, size_t first, bool closing)
{
    crpi_outline o;
    crpi_outline_at(text, at, &o);
    if (o.kind == CRPI_IN_STRING) return CRPI_NOT_THERE;
    if (o.open == CRPI_NOT_THERE) return first;
    size_t column = column_of(text, o.open, first);
    if (closing) return column;
    return column + (o.open + 1 < at && text[o.open + 1] == '(' ? 1 : INDENT);
}
