/* floor 4: what the lines of a POP3 server say (RFC 1939, response codes: RFC 2449 and RFC 3206).
 *
 * Servers are believed in nothing: each number, each place between words and each message number that a
 * reply repeats is looked at, and what is not as it must be is a violation that shows the line. */
#include <string.h>
#include "pop3.h"

crpi_pop3_line crpi_pop3_line_of(crpi_pop3 *p, const char *asked, const unsigned char *line, size_t n)
{
    const char *at = (const char *)line;
    return (crpi_pop3_line){p, asked, 0, at, at + n, at};
}

static crp_status said(crp *vm, const crpi_pop3_line *l, crp_word *out)
{
    return crpi_dialogue_quote(vm, &l->pop3->dialogue, l->whole, (size_t)(l->end - l->whole), out);
}

static crp_status violation(crp *vm, const crpi_pop3_line *l, const char *expected)
{
    crp_word text;
    crp_status st = said(vm, l, &text);
    if (st) return st;
    const crp_module *m = &l->pop3->m;
    int error_class = l->pop3->dialogue.error_class;
    if (!l->number)
        return crp_module_raise(vm, m, error_class, CRPI_POP3_VIOLATION,
                                "%s: expected %s, the server said %v", l->asked, expected, text);
    return crp_module_raise(vm, m, error_class, CRPI_POP3_VIOLATION,
                            "%s: line %zu of the listing: expected %s, the server said %v", l->asked,
                            l->number, expected, text);
}

/* --- the status ------------------------------------------------------------------------------------ */

typedef struct response_code {
    const char *name;
    int code;
} response_code;

static const response_code response_codes[] = {
    {"AUTH", CRPI_POP3_LOGON},
    {"IN-USE", CRPI_POP3_IN_USE},
    {"LOGIN-DELAY", CRPI_POP3_LOGIN_DELAY},
    {"SYS/TEMP", CRPI_POP3_TEMPORARY},
    {"SYS/PERM", CRPI_POP3_PERMANENT},
};

static const char *meaning(int code)
{
    switch (code) {
    case CRPI_POP3_LOGON: return "authentication refused: ";
    case CRPI_POP3_IN_USE: return "mailbox in use: ";
    case CRPI_POP3_LOGIN_DELAY: return "too soon after the last logon: ";
    case CRPI_POP3_TEMPORARY: return "temporary trouble of the server's: ";
    case CRPI_POP3_PERMANENT: return "permanent trouble of the server's: ";
    default: return "";
    }
}

/* "[SYS/TEMP]" and its refinements, "[SYS/TEMP/...]", whatever their case. */
static int response_code_of(const char *text, size_t n, int otherwise)
{
    if (!n || *text != '[') return otherwise;
    for (size_t i = 0; i < sizeof response_codes / sizeof *response_codes; i++) {
        size_t length = strlen(response_codes[i].name);
        if (n < length + 2 || !crpi_line_same(text + 1, response_codes[i].name, length)) continue;
        if (text[length + 1] == ']' || text[length + 1] == '/') return response_codes[i].code;
    }
    return otherwise;
}

/* "+OK" or "-ERR" alone or with a space after it. */
static bool begins(crpi_pop3_line *l, const char *word)
{
    size_t length = strlen(word), n = (size_t)(l->end - l->at);
    if (n < length || memcmp(l->at, word, length) || (n > length && l->at[length] != ' ')) return false;
    l->at += length + (n > length);
    return true;
}

crp_status crpi_pop3_status(crp *vm, crpi_pop3_line *l, int otherwise, bool *refused)
{
    crp_word text;
    *refused = false;
    if (begins(l, "+OK")) return CRP_OK;
    if (!begins(l, "-ERR")) return violation(vm, l, "+OK or -ERR");
    *refused = true;
    int code = response_code_of(l->at, (size_t)(l->end - l->at), otherwise);
    crp_status st = said(vm, l, &text);
    if (st) return st;
    const crp_module *m = &l->pop3->m;
    int error_class = l->pop3->dialogue.error_class;
    if (crp_is_string(l->pop3->reason))
        return crp_module_raise(vm, m, error_class, code, "%s%s: the server said %v, and before that %v", meaning(code),
                                l->asked, text, l->pop3->reason);
    return crp_module_raise(vm, m, error_class, code, "%s%s: the server said %v", meaning(code), l->asked, text);
}

crp_status crpi_pop3_status_line(crp_call *call, crpi_pop3 *p, const char *asked, int otherwise, crpi_pop3_line *l,
                                 bool *refused)
{
    const unsigned char *line;
    size_t n;
    *refused = false;
    crpi_limit limit = crpi_pop3_line_limit(p);
    crp_status st = crpi_dialogue_line(call, &p->dialogue, &limit, &line, &n);
    if (st) return st;
    *l = crpi_pop3_line_of(p, asked, line, n);
    return crpi_pop3_status(call->vm, l, otherwise, refused);
}

/* --- numbers and UIDs ------------------------------------------------------------------------------ */

static bool number(crpi_pop3_line *l, int64_t *out) { return crpi_line_number(&l->at, l->end, out); }
static bool blank(crpi_pop3_line *l) { return crpi_line_blank(&l->at, l->end); }

/* More words may follow a number, but the number must be over. */
static bool over(const crpi_pop3_line *l) { return l->at == l->end || *l->at == ' ' || *l->at == '\t'; }

/* A UID is visible ASCII, and nothing stands after it.  RFC 1939 allows 70 bytes; longer ones exist and
 * do no harm. */
static bool uid(crpi_pop3_line *l, const char **from, size_t *n)
{
    *from = l->at;
    while (l->at < l->end && *l->at > ' ' && *l->at < 0x7f) l->at++;
    *n = (size_t)(l->at - *from);
    blank(l);
    return *n && l->at == l->end;
}

static crp_status pair_of(crp *vm, int64_t first, crp_word second, crp_word *out)
{
    crp_word items[2] = {CRP_NIL, second};
    crp_status st = crp_integer(vm, first, &items[0]);
    return st ? st : crp_list(vm, items, 2, out);
}

crp_status crpi_pop3_two_numbers(crp *vm, crpi_pop3_line *l, crp_word *list, int64_t *first)
{
    int64_t count, size;
    crp_word w;
    if (!number(l, &count) || !blank(l) || !number(l, &size) || !over(l))
        return violation(vm, l, "the number of messages and their size");
    if (count > *first) *first = count;
    crp_status st = crp_integer(vm, size, &w);
    return st ? st : pair_of(vm, count, w, list);
}

crp_status crpi_pop3_size_of(crp *vm, crpi_pop3_line *l, int64_t message, crp_word *out)
{
    int64_t which, size;
    if (!number(l, &which) || which != message || !blank(l) || !number(l, &size) || !over(l))
        return violation(vm, l, "this message's number and its size");
    return crp_integer(vm, size, out);
}

crp_status crpi_pop3_uid_of(crp *vm, crpi_pop3_line *l, int64_t message, crp_word *out)
{
    int64_t which;
    const char *from;
    size_t n;
    if (!number(l, &which) || which != message || !blank(l) || !uid(l, &from, &n))
        return violation(vm, l, "this message's number and its UID");
    return crp_string(vm, from, n, out);
}

static crp_status size_line(crp *vm, crpi_pop3_line *l, crp_word *pair)
{
    int64_t message, size;
    crp_word w;
    if (!number(l, &message) || message < 1 || !blank(l) || !number(l, &size) || !over(l))
        return violation(vm, l, "a message number and a size");
    crp_status st = crp_integer(vm, size, &w);
    return st ? st : pair_of(vm, message, w, pair);
}

static crp_status uid_line(crp *vm, crpi_pop3_line *l, crp_word *pair)
{
    int64_t message;
    const char *from;
    size_t n;
    crp_word w;
    if (!number(l, &message) || message < 1 || !blank(l) || !uid(l, &from, &n))
        return violation(vm, l, "a message number and a UID");
    crp_status st = crp_string(vm, from, n, &w);
    return st ? st : pair_of(vm, message, w, pair);
}

crp_status crpi_pop3_list_line(crp *vm, crpi_pop3_line *l, bool uids, crp_word *pair)
{
    return uids ? uid_line(vm, l, pair) : size_line(vm, l, pair);
}
