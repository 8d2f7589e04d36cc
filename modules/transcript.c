/* floor 4: reading transcripts: see transcript.h. */
#include <string.h>
#include "transcript.h"

enum { MAX_ITEMS = 1 << 20, MAX_TIMES = 1 << 24 };

typedef struct parser {
    crp *vm;
    crpi_transcript *t;
    const char *at, *end; /* of the line */
    uint32_t line;
} parser;

static crp_status wrong(parser *p, const char *what)
{
    return crp_raise(p->vm, CRP_ERR_CONFIG, 1, "transcript line %u: %s", p->line, what);
}

static crp_status new_item(parser *p, enum crpi_item_kind kind, crpi_item **out)
{
    crpi_transcript *t = p->t;
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 16;
        if (room > MAX_ITEMS) return wrong(p, "too many lines");
        crpi_item *items = crp_realloc(p->vm, t->items, t->room * sizeof *items, room * sizeof *items);
        if (!items) return CRP_E_NOMEM;
        t->items = items;
        t->room = room;
    }
    *out = &t->items[t->n++];
    **out = (crpi_item){.kind = kind, .line = p->line, .at = t->used, .times = 1};
    return CRP_OK;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* One byte after a backslash; -1: no such escape. */
static int escape(parser *p)
{
    if (p->at == p->end) return -1;
    switch (*p->at++) {
    case 'r': return '\r';
    case 'n': return '\n';
    case 't': return '\t';
    case '0': return 0;
    case '\\': return '\\';
    case 'x': break;
    default: return -1;
    }
    if (p->end - p->at < 2 || hex(p->at[0]) < 0 || hex(p->at[1]) < 0) return -1;
    p->at += 2;
    return hex(p->at[-2]) * 16 + hex(p->at[-1]);
}

/* At the star of "\*".  Of the client's it is an item of its own, and the rest of the line is another. */
static crp_status secret(parser *p, crpi_item **item)
{
    enum crpi_item_kind kind = (*item)->kind;
    p->at++;
    if (kind == CRPI_SERVER) {
        memcpy(p->t->bytes + p->t->used, "***", 3);
        p->t->used += 3;
        return CRP_OK;
    }
    if ((*item)->times != 1) return wrong(p, "\\* in a line that comes more than once");
    (*item)->length = p->t->used - (*item)->at;
    crp_status st = new_item(p, kind, item);
    if (!st) (*item)->any = true;
    return st ? st : new_item(p, kind, item);
}

/* The bytes are never much more than the text: three for two. */
static crp_status data(parser *p, enum crpi_item_kind kind, size_t times, bool line)
{
    crpi_item *item;
    crp_status st = new_item(p, kind, &item);
    if (st) return st;
    item->times = times;
    while (p->at < p->end) {
        int byte = (unsigned char)*p->at++;
        if (byte == '\\' && p->at < p->end && *p->at == '*') {
            if ((st = secret(p, &item))) return st;
            continue;
        }
        if (byte == '\\' && (byte = escape(p)) < 0)
            return wrong(p, "expected \\r \\n \\t \\0 \\\\ \\xHH or \\*");
        p->t->bytes[p->t->used++] = (char)byte;
    }
    if (line) p->t->bytes[p->t->used++] = '\r', p->t->bytes[p->t->used++] = '\n';
    item->length = p->t->used - item->at;
    return CRP_OK;
}

static crp_status number(parser *p, int64_t *out)
{
    int64_t value = 0;
    while (p->at < p->end && *p->at == ' ') p->at++;
    if (p->at == p->end || *p->at < '0' || *p->at > '9') return wrong(p, "expected a number");
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9' && value < MAX_TIMES * (int64_t)1000)
        value = value * 10 + (*p->at++ - '0');
    *out = value;
    return CRP_OK;
}

static bool word(parser *p, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, text, n)) return false;
    if (p->at + n < p->end && p->at[n] != ' ') return false;
    p->at += n;
    return true;
}

static crp_status directive(parser *p)
{
    crpi_transcript *t = p->t;
    crpi_item *item;
    if (word(p, "@silence")) return new_item(p, CRPI_SILENCE, &item);
    if (word(p, "@reset")) return new_item(p, CRPI_RESET, &item);
    if (word(p, "@close")) return new_item(p, CRPI_CLOSE, &item);
    if (word(p, "@cut")) return number(p, &t->cut);
    if (word(p, "@pipelined")) return t->pipelined = true, CRP_OK;
    if (word(p, "@whole")) return t->chunking = CRPI_WHOLE, CRP_OK;
    if (word(p, "@bytes")) return t->chunking = CRPI_BYTES, CRP_OK;
    if (!word(p, "@random"))
        return wrong(p, "expected @whole, @bytes, @random, @pipelined, @cut, @silence, @reset or @close");
    t->chunking = CRPI_RANDOM;
    return number(p, &t->seed);
}

static crp_status data_line(parser *p)
{
    enum crpi_item_kind kind = *p->at++ == 'S' ? CRPI_SERVER : CRPI_CLIENT;
    int64_t times = 1;
    if (p->at < p->end && *p->at == '*') {
        p->at++;
        crp_status st = number(p, &times);
        if (st) return st;
        if (times < 1 || times > MAX_TIMES) return wrong(p, "expected 1 to 16777216 times");
    }
    if (p->at == p->end || (*p->at != ':' && *p->at != '>'))
        return wrong(p, "expected `S:`, `S>`, `C:` or `C>`");
    bool line = *p->at++ == ':';
    if (p->at < p->end && *p->at == ' ') p->at++;
    return data(p, kind, (size_t)times, line);
}

static crp_status one_line(parser *p)
{
    if (p->at < p->end && p->end[-1] == '\r') p->end--;
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t')) p->at++;
    if (p->at == p->end || *p->at == '#') return CRP_OK;
    if (*p->at == '@') return directive(p);
    if (*p->at == 'S' || *p->at == 'C') return data_line(p);
    return wrong(p, "expected S, C, @ or #");
}

/* Each line of n bytes with its LF makes at most n + 1 bytes, "S:" giving way to CRLF, and half as many again where it
 * is secrets. */
crp_status crpi_transcript_parse(crp *vm, const char *text, size_t n, crpi_transcript *t)
{
    parser p = {.vm = vm, .t = t};
    const char *end = text + n;
    *t = (crpi_transcript){.cut = -1};
    t->size = n + n / 2 + 2;
    if (!(t->bytes = crp_alloc(vm, t->size))) return CRP_E_NOMEM;
    crp_status st = CRP_OK;
    for (const char *at = text; !st && at < end;) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        p.at = at;
        p.end = lf ? lf : end;
        p.line++;
        st = one_line(&p);
        at = lf ? lf + 1 : end;
    }
    return st;
}

void crpi_transcript_free(crp *vm, crpi_transcript *t)
{
    if (t->items) crp_free_bytes(vm, t->items, t->room * sizeof *t->items);
    if (t->bytes) crp_free_bytes(vm, t->bytes, t->size);
    t->items = NULL;
    t->bytes = NULL;
    t->n = t->room = t->size = t->used = 0;
}
