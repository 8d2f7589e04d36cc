/* floor 7: the methods of String that see bytes.
 *
 * A String is bytes: length, get, extract and search count them; what sees characters is in lib-character.c.
 * Every result is a new String; parts of a long one share its bytes.  Where a text is looked for a Pattern may
 * stand: then it is asked, by its method of the same name.
 */
#include "lib.h"

#include <string.h>
#include "str.h"
#include "vm.h"

/* The receiver's bytes. */
static const char *self_text(const crp_call *c, size_t *n) { return crp_string_data(c->self, n); }

static crp_status slice(const crp_call *c, size_t from, size_t length, crp_word *out)
{
    return crp_string_slice(c->vm, c->self, from, length, out);
}

static crp_status empty_argument(crp *vm, const char *what)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%s is empty", what);
}

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* --- Patterns ------------------------------------------------------------------------------------------- */

static bool is_pattern(const crp_call *c) { return !crp_is_string(c->args[0]); }

static crp_status send_to(crp_call *c, crp_word pattern, const char *method)
{
    crp_word args[4] = {c->self}, name;
    size_t n = 1;
    crp_status st = crp_symbol(c->vm, method, strlen(method), &name);
    for (uint32_t i = 1; i < c->count && c->args[i] != CRP_UNSET; i++) args[n++] = c->args[i];
    return st ? st : crp_then_send(c, pattern, name, args, n);
}

/* The Pattern's method, with this String and the further arguments. */
static crp_status ask_pattern(crp_call *c, const char *method)
{
    if (c->step++ == 0) return send_to(c, c->args[0], method);
    c->result = c->value;
    return CRP_OK;
}

/* A String is made a Pattern first. */
static crp_status match(crp_call *c)
{
    enum { BEGIN, MADE, ANSWERED };
    if (c->step == BEGIN && is_pattern(c)) c->value = c->args[0];
    else if (c->step == BEGIN) {
        crp_word name;
        c->step = MADE;
        crp_status st = crp_symbol(c->vm, "Pattern", 7, &name);
        return st ? st : crp_then_create(c, name, c->args, 1);
    }
    c->result = c->value;
    if (c->step++ == ANSWERED) return CRP_OK;
    c->step = ANSWERED;
    return send_to(c, c->value, "match");
}

/* --- bytes ---------------------------------------------------------------------------------------------- */

static crp_status length(crp_call *c)
{
    size_t n;
    self_text(c, &n);
    return crp_integer(c->vm, (int64_t)n, &c->result);
}

static crp_status is_empty(crp_call *c)
{
    size_t n;
    self_text(c, &n);
    c->result = crp_bool(n == 0);
    return CRP_OK;
}

static crp_status get(crp_call *c)
{
    size_t n, at;
    const char *text = self_text(c, &n);
    crp_status st = crpi_lib_index(c->vm, c->args[0], n, &at);
    return st ? st : crp_integer(c->vm, (unsigned char)text[at], &c->result);
}

static crp_status extract(crp_call *c)
{
    size_t n, at, count;
    self_text(c, &n);
    crp_status st = crpi_lib_range(c->vm, c->args[0], c->args[1], n, &at, &count);
    return st ? st : slice(c, at, count, &c->result);
}

/* Most bytes are not the first of what is looked for, and those the C library skips many at a time.  Where that one is too
 * frequent the rest is left to memmem, which never takes more than a few steps a byte. */
size_t crpi_lib_search(const char *bytes, size_t n, const char *what, size_t length, size_t from)
{
    enum { MOST_FALSE = 32 };
    if (from > n || length > n - from) return n;
    if (length == 0) return from;
    const char *at = bytes + from, *last = bytes + (n - length);
    for (int tries = 0; tries < MOST_FALSE; tries++, at++) {
        if (at > last || !(at = memchr(at, what[0], (size_t)(last - at) + 1))) return n;
        if (!memcmp(at, what, length)) return (size_t)(at - bytes);
    }
    const char *found = at <= last ? memmem(at, (size_t)(last - at) + length, what, length) : NULL;
    return found ? (size_t)(found - bytes) : n;
}

static crp_status search(crp_call *c)
{
    if (is_pattern(c)) return ask_pattern(c, "search");
    size_t n, length, from, rest;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    crp_status st = crpi_lib_range(c->vm, c->args[1], CRP_UNSET, n, &from, &rest);
    if (st) return st;
    size_t at = crpi_lib_search(text, n, what, length, from);
    bool found = at < n || length == 0;
    return found ? crp_integer(c->vm, (int64_t)at, &c->result) : CRP_OK;
}

static void copy_reversed(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = from[n - 1 - i];
}

/* The place of the last occurrence of a text that is not empty; `n` if there is none.  The end of the text, and
 * ever more of it, is looked through backwards: both are turned around for it, which takes linear time. */
static crp_status find_last(crp *vm, const char *text, size_t n, const char *what, size_t length, size_t *at)
{
    size_t window = 2 * length + 1024, room;
    *at = n;
    for (; length <= n; window = room * 4) {
        room = window < n ? window : n;
        char *turned = crp_alloc(vm, room + length);
        if (!turned) return CRP_E_NOMEM;
        copy_reversed(turned, text + n - room, room);
        copy_reversed(turned + room, what, length);
        size_t found = crpi_lib_search(turned, room, turned + room, length, 0);
        crp_free_bytes(vm, turned, room + length);
        if (found < room) *at = n - found - length;
        if (found < room || room == n) break;
    }
    return CRP_OK;
}

static crp_status search_last(crp_call *c)
{
    size_t n, length, at;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    if (length == 0) return crp_integer(c->vm, (int64_t)n, &c->result);
    crp_status st = find_last(c->vm, text, n, what, length, &at);
    return st || at == n ? st : crp_integer(c->vm, (int64_t)at, &c->result);
}

static crp_status contains(crp_call *c)
{
    if (is_pattern(c)) return ask_pattern(c, "test");
    size_t n, length;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    c->result = crp_bool(length == 0 || crpi_lib_search(text, n, what, length, 0) < n);
    return CRP_OK;
}

static crp_status count(crp_call *c)
{
    if (is_pattern(c)) return ask_pattern(c, "count");
    size_t n, length;
    int64_t times = 0;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    if (length == 0) return empty_argument(c->vm, "the text to be counted");
    for (size_t at = 0; (at = crpi_lib_search(text, n, what, length, at)) < n; at += length) times++;
    return crp_integer(c->vm, times, &c->result);
}

static bool begins_with(const crp_call *c, size_t *length)
{
    size_t n;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], length);
    return *length <= n && memcmp(text, what, *length) == 0;
}

static bool finishes_with(const crp_call *c, size_t *length)
{
    size_t n;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], length);
    return *length <= n && memcmp(text + n - *length, what, *length) == 0;
}

static crp_status starts_with(crp_call *c)
{
    size_t length;
    c->result = crp_bool(begins_with(c, &length));
    return CRP_OK;
}

static crp_status ends_with(crp_call *c)
{
    size_t length;
    c->result = crp_bool(finishes_with(c, &length));
    return CRP_OK;
}

/* --- cutting and putting together ----------------------------------------------------------------------- */

enum { LEFT = 1, RIGHT = 2 };

static crp_status trim_ends(crp_call *c, int ends)
{
    size_t n, set_length = 0, from = 0;
    const char *text = self_text(c, &n), *set = NULL;
    if (crpi_lib_given(c, 0)) set = crp_string_data(c->args[0], &set_length);
#define GOES(byte) (set ? memchr(set, (unsigned char)(byte), set_length) != NULL : is_blank(byte))
    if (ends & LEFT)
        while (from < n && GOES(text[from])) from++;
    if (ends & RIGHT)
        while (n > from && GOES(text[n - 1])) n--;
#undef GOES
    return slice(c, from, n - from, &c->result);
}

static crp_status trim(crp_call *c) { return trim_ends(c, LEFT | RIGHT); }
static crp_status trim_left(crp_call *c) { return trim_ends(c, LEFT); }
static crp_status trim_right(crp_call *c) { return trim_ends(c, RIGHT); }

static crp_status remove_prefix(crp_call *c)
{
    size_t n, length;
    self_text(c, &n);
    size_t cut = begins_with(c, &length) ? length : 0;
    return slice(c, cut, n - cut, &c->result);
}

static crp_status remove_suffix(crp_call *c)
{
    size_t n, length;
    self_text(c, &n);
    return slice(c, 0, n - (finishes_with(c, &length) ? length : 0), &c->result);
}

/* What stands on one side of the first or last occurrence; where there is none, all is before it. */
static crp_status beside(crp_call *c, bool last, bool before)
{
    size_t n, length, at;
    crp_status st = CRP_OK;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    if (length == 0) return empty_argument(c->vm, "the text to cut at");
    if (last) st = find_last(c->vm, text, n, what, length, &at);
    else at = crpi_lib_search(text, n, what, length, 0);
    if (st) return st;
    if (before) return slice(c, 0, at, &c->result);
    return at < n ? slice(c, at + length, n - at - length, &c->result) : CRP_OK;
}

static crp_status before(crp_call *c) { return beside(c, false, true); }
static crp_status after(crp_call *c) { return beside(c, false, false); }
static crp_status before_last(crp_call *c) { return beside(c, true, true); }
static crp_status after_last(crp_call *c) { return beside(c, true, false); }

/* One part more, the bytes from `from` on. */
static crp_status add_part(crp_call *c, crp_list_builder *parts, size_t from, size_t length)
{
    crp_word part;
    crp_status st = slice(c, from, length, &part);
    return st ? st : crp_list_add(c->vm, parts, part);
}

static crp_status split_at_blanks(crp_call *c, int64_t limit, crp_list_builder *parts)
{
    size_t n, at = 0;
    const char *text = self_text(c, &n);
    for (int64_t made = 1;; made++) {
        while (at < n && is_blank(text[at])) at++;
        if (at == n) return CRP_OK;
        size_t end = at;
        while (end < n && !is_blank(text[end])) end++;
        if (made == limit) {
            end = n;
            while (is_blank(text[end - 1])) end--;
        }
        crp_status st = add_part(c, parts, at, end - at);
        if (st) return st;
        at = made == limit ? n : end;
    }
}

static crp_status split_at(crp_call *c, crp_word separator, int64_t limit, crp_list_builder *parts)
{
    size_t n, length, at = 0;
    const char *text = self_text(c, &n), *what = crp_string_data(separator, &length);
    if (length == 0) return empty_argument(c->vm, "the separator");
    for (int64_t made = 1;; made++) {
        size_t end = made == limit ? n : crpi_lib_search(text, n, what, length, at);
        crp_status st = add_part(c, parts, at, end - at);
        if (st || end == n) return st;
        at = end + length;
    }
}

static crp_status split(crp_call *c)
{
    if (crpi_lib_given(c, 0) && is_pattern(c)) return ask_pattern(c, "split");
    crp_list_builder parts = {CRP_NIL, CRP_NIL};
    int64_t limit = INT64_MAX;
    crp_status st = CRP_OK;
    if (crpi_lib_given(c, 1)) st = crpi_lib_between(c->vm, "limit", c->args[1], 1, INT64_MAX, &limit);
    if (!st)
        st =
            crpi_lib_given(c, 0) ? split_at(c, c->args[0], limit, &parts) : split_at_blanks(c, limit, &parts);
    c->result = parts.first;
    return st;
}

static crp_status lines(crp_call *c)
{
    crp_list_builder parts = {CRP_NIL, CRP_NIL};
    size_t n, at = 0;
    const char *text = self_text(c, &n);
    while (at < n) {
        const char *feed = memchr(text + at, '\n', n - at);
        size_t end = feed ? (size_t)(feed - text) : n;
        bool with_return = feed && end > at && text[end - 1] == '\r';
        crp_status st = add_part(c, &parts, at, end - at - with_return);
        if (st) return st;
        at = end + 1;
    }
    c->result = parts.first;
    return CRP_OK;
}

typedef struct replacement {
    const char *what, *with;
    size_t length, with_length;
    int64_t left; /* occurrences */
} replacement;

static crp_status read_replacement(crp_call *c, replacement *r)
{
    *r = (replacement){.left = INT64_MAX};
    if (!crp_is_string(c->args[1]))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                         "a String is replaced by a String, given %n %v; only for a Pattern a function can be "
                         "asked",
                         c->args[1], c->args[1]);
    r->what = crp_string_data(c->args[0], &r->length);
    r->with = crp_string_data(c->args[1], &r->with_length);
    if (r->length == 0) return empty_argument(c->vm, "the text to be replaced");
    return crpi_lib_given(c, 2) ? crpi_lib_between(c->vm, "count", c->args[2], 0, INT64_MAX, &r->left) : CRP_OK;
}

static crp_status replace(crp_call *c)
{
    if (is_pattern(c)) return ask_pattern(c, "replace");
    replacement r;
    size_t n, at = 0, found;
    const char *text = self_text(c, &n);
    crp_status st = read_replacement(c, &r);
    if (st) return st;
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (; r.left > 0 && (found = crpi_lib_search(text, n, r.what, r.length, at)) < n; r.left--) {
        crpi_buf_put(&b, text + at, found - at);
        crpi_buf_put(&b, r.with, r.with_length);
        at = found + r.length;
    }
    c->result = c->self;
    if (at == 0) return CRP_OK; /* nothing was found */
    crpi_buf_put(&b, text + at, n - at);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* Each item as print shows it, with the receiver between them. */
static crp_status join(crp_call *c)
{
    size_t n, count;
    const char *between = self_text(c, &n);
    crp_word list = c->args[0];
    crp_status st = crpi_lib_list_length(c->vm, list, &count);
    if (st) return st;
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (; crp_is_pair(list); list = crp_tail(list)) {
        crpi_lib_show(c->vm, &b, crp_head(list), true);
        if (crp_is_pair(crp_tail(list))) crpi_buf_put(&b, between, n);
    }
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status concatenate(crp_call *c)
{
    size_t n;
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    const char *text = self_text(c, &n);
    crpi_buf_put(&b, text, n);
    for (uint32_t i = 0; i < c->count; i++) crpi_lib_show(c->vm, &b, c->args[i], true);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status repeat(crp_call *c)
{
    size_t n, total;
    int64_t count;
    char *room;
    const char *text = self_text(c, &n);
    crp_status st = crpi_lib_between(c->vm, "count", c->args[0], 0, INT64_MAX, &count);
    if (st) return st;
    if (__builtin_mul_overflow(n, (size_t)count, &total)) return crp_no_memory(c->vm);
    st = crpi_str_room(c->vm, CRP_STRING, total, &room, &c->result);
    if (st || n == 0) return st;
    if (n == 1) memset(room, text[0], total);
    else
        for (size_t at = 0; at < total; at += n) memcpy(room + at, text, n);
    return CRP_OK;
}

/* --- conversions ---------------------------------------------------------------------------------------- */

static crp_status integer(crp_call *c)
{
    int64_t base;
    crp_status st = crpi_lib_between(c->vm, "base", c->args[0], 2, 36, &base);
    return st ? st : crpi_lib_read_integer(c->vm, c->self, base, &c->result);
}

static crp_status real(crp_call *c) { return crpi_lib_read_real(c->vm, c->self, &c->result); }
static crp_status binary(crp_call *c) { return crpi_binary_over(c->vm, c->self, &c->result); }

static crp_status symbol(crp_call *c)
{
    size_t n;
    const char *text = self_text(c, &n);
    return crp_symbol(c->vm, text, n, &c->result);
}

/* --- escaping ------------------------------------------------------------------------------------------- */

static crp_status escape(crp_call *c)
{
    size_t n;
    int64_t limit;
    const char *text = self_text(c, &n);
    crp_status st = crpi_lib_between(c->vm, "limit", c->args[0], 0, INT64_MAX, &limit);
    return st ? st : crp_escape(c->vm, text, n, (size_t)limit, &c->result);
}

static bool is_sign(unsigned char byte)
{
    bool word = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    return byte < 0x80 && !word && byte != '_';
}

static crp_status escape_pattern(crp_call *c)
{
    size_t n;
    crpi_buf b;
    const char *text = self_text(c, &n);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (size_t i = 0; i < n; i++) {
        if (is_sign((unsigned char)text[i])) crpi_buf_byte(&b, '\\');
        crpi_buf_byte(&b, text[i]);
    }
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* --- making one ----------------------------------------------------------------------------------------- */

static crp_status create(crp_call *c)
{
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    crpi_lib_show(c->vm, &b, c->args[0], true);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("length", "Integer", length,
        "How many bytes there are.\n"
        "(\"né\\0\".length)                      # --> 4"),
    ROW("isEmpty", "Object", is_empty,
        "true if there is no byte, else ().\n"
        "(\"\".isEmpty)                         # --> true"),
    ROW("get", "Integer (index Integer)", get,
        "The byte at a place, counted from 0; 1.7 beyond the end or before the beginning.\n"
        "(\"AB\".get 1)                         # --> 66\n"
        "(\"AB\".get 2)                         # error: 1.7"),
    ROW("extract", "String (from Integer) (count Integer ?)", extract,
        "So many bytes from a place on, fewer where it ends, all that follow without a count; 1.7 if it "
        "begins beyond the end, or if either is negative.\n"
        "(\"+OK ready\".extract 4)              # --> \"ready\"\n"
        "(\"+OK ready\".extract 1 2)            # --> \"OK\""),
    ROW("search", "Object (what String|Pattern) (from Integer 0)", search,
        "The place of the first occurrence at or after `from`; () if there is none. 1.7 for a `from` beyond "
        "the end; errors of a Pattern as of its method search.\n"
        "(\"a-b-c\".search \"-\")                # --> 1\n"
        "(\"a-b-c\".search \"-\" 2)              # --> 3\n"
        "(\"a-b-c\".search \"+\")                # --> ()"),
    ROW("searchLast", "Object (what String)", search_last,
        "The place of the last occurrence; () if there is none.\n"
        "(\"a-b-c\".searchLast \"-\")            # --> 3"),
    ROW("contains", "Object (what String|Pattern)", contains,
        "true if the text occurs in it, or the Pattern matches somewhere; else ().\n"
        "(\"Hello\".contains \"ell\")            # --> true\n"
        "(\"Hello\".contains (create Pattern \"l+o$\"))   # --> true"),
    ROW("count", "Integer (what String|Pattern)", count,
        "How often it occurs, each occurrence behind the one before; 1.8 for an empty text.\n"
        "(\"banana\".count \"an\")               # --> 2\n"
        "(\"aaa\".count \"aa\")                  # --> 1"),
    ROW("match", "List (pattern Pattern|String) (from Integer 0)", match,
        "The first match of a Pattern, or of the one that a String is the text of: a List of the whole and "
        "the text of each group. () if there is none. Errors as of Pattern and its method match.\n"
        "(\"+OK 3 messages\".match \"^.OK ([0-9]+)\")   # --> (\"+OK 3\" \"3\")"),
    ROW("startsWith", "Object (what String)", starts_with,
        "true if it begins with the text, else ().\n"
        "(\"+OK ready\".startsWith \"+OK\")      # --> true"),
    ROW("endsWith", "Object (what String)", ends_with,
        "true if it ends with the text, else ().\n"
        "(\"a.crp\".endsWith \".crp\")           # --> true"),
    ROW("before", "String (what String)", before,
        "What stands before the first occurrence; all of it if there is none. 1.8 for an empty text.\n"
        "(\"key=a=b\".before \"=\")              # --> \"key\"\n"
        "(\"key\".before \"=\")                  # --> \"key\""),
    ROW("after", "Object (what String)", after,
        "What stands after the first occurrence; () if there is none. 1.8 for an empty text.\n"
        "(\"key=a=b\".after \"=\")               # --> \"a=b\"\n"
        "(\"key\".after \"=\")                   # --> ()"),
    ROW("beforeLast", "String (what String)", before_last,
        "What stands before the last occurrence; all of it if there is none. 1.8 for an empty text.\n"
        "(\"mail/new/1\".beforeLast \"/\")       # --> \"mail/new\""),
    ROW("afterLast", "Object (what String)", after_last,
        "What stands after the last occurrence; () if there is none. 1.8 for an empty text.\n"
        "(\"joe@a.org\".afterLast \".\")         # --> \"org\""),
    ROW("removePrefix", "String (what String)", remove_prefix,
        "Without the text at its beginning, if that is there.\n"
        "(\"Re: lunch\".removePrefix \"Re: \")   # --> \"lunch\""),
    ROW("removeSuffix", "String (what String)", remove_suffix,
        "Without the text at its end, if that is there.\n"
        "(\"a.crp\".removeSuffix \".crp\")       # --> \"a\""),
    ROW("trim", "String (bytes String ?)", trim,
        "Without white space, or any of the given bytes, at both ends.\n"
        "(\" a b \\r\\n\".trim)                   # --> \"a b\"\n"
        "(\"<a>\".trim \"<>\")                   # --> \"a\""),
    ROW("trimLeft", "String (bytes String ?)", trim_left,
        "Without white space, or any of the given bytes, at the beginning.\n"
        "(\"007\".trimLeft \"0\")                # --> \"7\""),
    ROW("trimRight", "String (bytes String ?)", trim_right,
        "Without white space, or any of the given bytes, at the end.\n"
        "(\"line\\r\\n\".trimRight \"\\r\\n\")       # --> \"line\""),
    ROW("split", "List (separator String|Pattern ?) (limit Integer ?)", split,
        "The parts between separators; without one, the words between white space. At most `limit` parts: "
        "the last one has all the rest. 1.8 for an empty separator or a limit below 1.\n"
        "(\"a,b,,c\".split \",\")                # --> (\"a\" \"b\" \"\" \"c\")\n"
        "(\" to  be \".split)                   # --> (\"to\" \"be\")\n"
        "(\"key=a=b\".split \"=\" 2)             # --> (\"key\" \"a=b\")\n"
        "(\"a1b22c\".split (create Pattern \"[0-9]+\"))   # --> (\"a\" \"b\" \"c\")"),
    ROW("lines", "List", lines,
        "The lines, without their LF or CRLF.\n"
        "(\"one\\r\\ntwo\\n\".lines)               # --> (\"one\" \"two\")"),
    ROW("replace", "String (what String|Pattern) (with Object) (count Integer ?)", replace,
        "Every occurrence, or the first `count` of them, replaced by another String; for a Pattern see its "
        "method replace. 1.8 for an empty text or a negative count, 1.11 for what is no String.\n"
        "(\"a-b-c\".replace \"-\" \"+\")          # --> \"a+b+c\"\n"
        "(\"a-b-c\".replace \"-\" \"\" 1)         # --> \"ab-c\"\n"
        "(\"a1b2\".replace (create Pattern \"[0-9]\") \"<\\\\0>\")   # --> \"a<1>b<2>\""),
    ROW("join", "String (items List)", join,
        "The items as print shows them, bytes as they are, with this String between them; 1.2 if the List is a cycle.\n"
        "(\", \".join '(1 \"two\" three))        # --> \"1, two, three\""),
    ROW("repeat", "String (count Integer)", repeat,
        "So many times the same, one after the other; 1.8 for a negative count, 1.16 where there is no "
        "memory for it.\n"
        "(\"ab\".repeat 3)                      # --> \"ababab\""),
    ROW("+", "String ...", concatenate,
        "This String and then each argument as print shows it, bytes as they are.\n"
        "(\"n=\".+ 3 \"!\")                      # --> \"n=3!\""),
    ROW("escape", "String (limit Integer 0)", escape,
        "Fit to be shown or logged: control characters, what turns text around and bytes that are no UTF-8 "
        "become \\xHH. Cut to `limit` bytes with ... behind them; 0 cuts nothing.\n"
        "(\"a\\eb\\xFF\".escape)                 # --> \"a\\\\x1bb\\\\xff\""),
    ROW("escapePattern", "String", escape_pattern,
        "The text of a Pattern that matches just this: every sign gets a \\ before it.\n"
        "(\"1+1\".match (\"1+1\".escapePattern))   # --> (\"1+1\")"),
    ROW("format", "String (formatSpec String) ...", crpi_lib_format_self,
        "This String laid out as a C printf specification says, as %-20s or %.10s; Integers for each * come "
        "after it. Errors as of the function format.\n"
        "(\"né\".format \"%-4s|\")               # --> \"né  |\"\n"
        "(\"abc\".format \"%.*s\" 2)             # --> \"ab\""),
    ROW("integer", "Integer (base Integer 10)", integer,
        "The Integer that it is the text of; to the base 10 also 0x1F. White space around it does not "
        "matter. 1.8 if it is none or the base is not from 2 to 36, 1.14 if it is too big.\n"
        "(\" -12 \".integer)                    # --> -12\n"
        "(\"ff\".integer 16)                    # --> 255\n"
        "(\"12a\".integer)                      # error: 1.8"),
    ROW("real", "Real", real,
        "The Real that it is the text of; 1.8 if it is none.\n"
        "(\"2.5e3\".real)                       # --> 2500.0"),
    ROW("symbol", "Symbol", symbol,
        "The Symbol of this name; 1.7 for more than 65535 bytes.\n"
        "(\"Hello\".symbol)                     # --> Hello"),
    ROW("binary", "Binary", binary,
        "A Binary of the same bytes, which are not copied.\n"
        "(\"AB\".binary)                        # --> 0x\"4142\""),
    ROW("string", "String", crpi_lib_self,
        "The String itself.\n"
        "(\"a\".string)                         # --> \"a\""),
    ROW("copy", "String", crpi_lib_self,
        "The String itself: it never changes.\n"
        "(\"a\".copy)                           # --> \"a\""),
    CRPI_LIB_EQUALITY_LIKE("\"a\"", "\"b\""),
    CRPI_LIB_ORDER_LIKE("\"Abc\"", "\"abc\""),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("String", "String (value Object \"\")", create,
        "The value as print shows it, bytes as they are.\n"
        "(create String '(1 \"two\"))           # --> \"(1 \\\"two\\\")\"");

static const crp_class_def string_class = {
    .size = sizeof(crp_class_def),
    .name = "String",
    .help = "Bytes, any of them, that never change: text in UTF-8, or a mail message byte for byte. Places and "
            "counts are of bytes unless characters are said.",
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_string(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &string_class, &id);
    if (!st) st = crp_define_class_methods(vm, CRP_STRING, crpi_lib_character_rows);
    return st ? st : crp_define_class_methods(vm, CRP_STRING, crpi_lib_encoding_rows);
}
