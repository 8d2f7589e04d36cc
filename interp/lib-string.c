/* floor 7: the methods of String and Symbol.
 *
 * A String is bytes: length, get, extract and search count them.  The methods that look at characters (chars,
 * charLength, upper, lower, reverse, padLeft, padRight) read UTF-8, in which a byte that begins no character
 * counts as one, so nothing is ever lost.  Every result is a new String; parts of a long one share its bytes.
 */
#include "lib.h"

#include <string.h>
#include "str.h"
#include "utf8.h"

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

size_t crpi_lib_search(const char *bytes, size_t n, const char *what, size_t length, size_t from)
{
    if (from > n || length > n - from) return n;
    if (length == 0) return from;
    const char *found = memmem(bytes + from, n - from, what, length);
    return found ? (size_t)(found - bytes) : n;
}

static crp_status search(crp_call *c)
{
    size_t n, length, from, rest;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    crp_status st = crpi_lib_range(c->vm, c->args[1], CRP_UNSET, n, &from, &rest);
    if (st) return st;
    size_t at = crpi_lib_search(text, n, what, length, from);
    bool found = at < n || length == 0;
    return found ? crp_integer(c->vm, (int64_t)at, &c->result) : CRP_OK;
}

static crp_status search_last(crp_call *c)
{
    size_t n, length;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    for (size_t at = length <= n ? n - length + 1 : 0; at > 0; at--)
        if (memcmp(text + at - 1, what, length) == 0) return crp_integer(c->vm, (int64_t)at - 1, &c->result);
    return CRP_OK;
}

static crp_status contains(crp_call *c)
{
    size_t n, length;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    c->result = crp_bool(length == 0 || crpi_lib_search(text, n, what, length, 0) < n);
    return CRP_OK;
}

static crp_status starts_with(crp_call *c)
{
    size_t n, length;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    c->result = crp_bool(length <= n && memcmp(text, what, length) == 0);
    return CRP_OK;
}

static crp_status ends_with(crp_call *c)
{
    size_t n, length;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    c->result = crp_bool(length <= n && memcmp(text + n - length, what, length) == 0);
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

static crp_status replace(crp_call *c)
{
    size_t n, length, with_length, at = 0;
    const char *text = self_text(c, &n), *what = crp_string_data(c->args[0], &length);
    const char *with = crp_string_data(c->args[1], &with_length);
    int64_t left = INT64_MAX;
    crp_status st = CRP_OK;
    if (crpi_lib_given(c, 2)) st = crpi_lib_between(c->vm, "count", c->args[2], 0, INT64_MAX, &left);
    if (st) return st;
    if (length == 0) return empty_argument(c->vm, "the text to be replaced");
    size_t found = left > 0 ? crpi_lib_search(text, n, what, length, 0) : n;
    c->result = c->self;
    if (found == n) return CRP_OK;
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (; found<n; found = --left> 0 ? crpi_lib_search(text, n, what, length, at) : n) {
        crpi_buf_put(&b, text + at, found - at);
        crpi_buf_put(&b, with, with_length);
        at = found + length;
    }
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

/* --- characters ----------------------------------------------------------------------------------------- */

static crp_status char_length(crp_call *c)
{
    size_t n;
    const char *text = self_text(c, &n);
    return crp_integer(c->vm, (int64_t)crpi_utf8_count(text, n), &c->result);
}

static crp_status is_utf8(crp_call *c)
{
    size_t n;
    const char *text = self_text(c, &n);
    c->result = crp_bool(crpi_utf8_valid(text, n));
    return CRP_OK;
}

static crp_status chars(crp_call *c)
{
    crp_list_builder parts = {CRP_NIL, CRP_NIL};
    size_t n, step;
    uint32_t code;
    const char *text = self_text(c, &n);
    for (size_t i = 0; i < n; i += step) {
        step = crpi_utf8_decode(text + i, n - i, &code);
        crp_status st = add_part(c, &parts, i, step);
        if (st) return st;
    }
    c->result = parts.first;
    return CRP_OK;
}

static crp_status codes(crp_call *c)
{
    crp_list_builder numbers = {CRP_NIL, CRP_NIL};
    size_t n;
    uint32_t code;
    const char *text = self_text(c, &n);
    for (size_t i = 0; i < n;) {
        i += crpi_utf8_decode(text + i, n - i, &code);
        crp_status st = crp_list_add(c->vm, &numbers, crp_fixnum(code == CRPI_UTF8_BROKEN ? 0xFFFD : code));
        if (st) return st;
    }
    c->result = numbers.first;
    return CRP_OK;
}

/* Each character through a function of its number; broken bytes stay. */
static crp_status map_characters(crp_call *c, uint32_t (*other)(uint32_t))
{
    size_t n, step;
    uint32_t code;
    char bytes[4];
    crpi_buf b;
    const char *text = self_text(c, &n);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (size_t i = 0; i < n; i += step) {
        step = crpi_utf8_decode(text + i, n - i, &code);
        if (code == CRPI_UTF8_BROKEN) crpi_buf_byte(&b, text[i]);
        else crpi_buf_put(&b, bytes, crpi_utf8_encode(other(code), bytes));
    }
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status upper(crp_call *c) { return map_characters(c, crpi_utf8_upper); }
static crp_status lower(crp_call *c) { return map_characters(c, crpi_utf8_lower); }

crp_status crpi_lib_string_reverse(crp *vm, crp_word string, crp_word *out)
{
    size_t n, step;
    uint32_t code;
    char *room;
    const char *text = crp_string_data(string, &n);
    crp_status st = crpi_str_room(vm, CRP_STRING, n, &room, out);
    for (size_t i = 0; !st && i < n; i += step) {
        step = crpi_utf8_decode(text + i, n - i, &code);
        memcpy(room + n - i - step, text + i, step);
    }
    return st;
}

static crp_status reverse(crp_call *c) { return crpi_lib_string_reverse(c->vm, c->self, &c->result); }

static crp_status pad(crp_call *c, bool left)
{
    size_t n, fill_length;
    int64_t width;
    const char *text = self_text(c, &n), *fill = crp_string_data(c->args[1], &fill_length);
    crp_status st = crpi_lib_between(c->vm, "width", c->args[0], 0, 1 << 30, &width);
    if (st) return st;
    if (crpi_utf8_count(fill, fill_length) != 1)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "the fill must be one character, given %v",
                         c->args[1]);
    size_t characters = crpi_utf8_count(text, n);
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    if (!left) crpi_buf_put(&b, text, n);
    for (size_t i = characters; i < (size_t)width; i++) crpi_buf_put(&b, fill, fill_length);
    if (left) crpi_buf_put(&b, text, n);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status pad_left(crp_call *c) { return pad(c, true); }
static crp_status pad_right(crp_call *c) { return pad(c, false); }

static uint32_t next_lower(const char *text, size_t n, size_t *at)
{
    uint32_t code;
    size_t from = *at;
    *at += crpi_utf8_decode(text + from, n - from, &code);
    return code == CRPI_UTF8_BROKEN ? 0x110000u + (unsigned char)text[from] : crpi_utf8_lower(code);
}

static crp_status equals_ignore_case(crp_call *c)
{
    size_t n, m, i = 0, j = 0;
    const char *text = self_text(c, &n), *other = crp_string_data(c->args[0], &m);
    while (i < n && j < m)
        if (next_lower(text, n, &i) != next_lower(other, m, &j)) return CRP_OK;
    c->result = crp_bool(i == n && j == m);
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

static crp_status create(crp_call *c)
{
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    crpi_lib_show(c->vm, &b, c->args[0], true);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* --- Symbol --------------------------------------------------------------------------------------------- */

static crp_status symbol_length(crp_call *c)
{
    size_t n;
    crp_symbol_name(c->vm, c->self, &n);
    return crp_integer(c->vm, (int64_t)n, &c->result);
}

static crp_status symbol_string(crp_call *c)
{
    size_t n;
    const char *name = crp_symbol_name(c->vm, c->self, &n);
    return crp_string(c->vm, name, n, &c->result);
}

static crp_status create_symbol(crp_call *c)
{
    size_t n;
    const char *text = crp_string_data(c->args[0], &n);
    return crp_symbol(c->vm, text, n, &c->result);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method string_rows[] = {
    ROW("length", "Integer", length, "How many bytes there are."),
    ROW("isEmpty", "Object", is_empty, "true if there is no byte."),
    ROW("get", "Integer (index Integer)", get, "The byte at a place, counted from 0; 1.7 beyond the end."),
    ROW("extract", "String (from Integer) (count Integer ?)", extract,
        "So many bytes from a place on, fewer where it ends, all that follow without a count; 1.7 if it "
        "begins beyond the end."),
    ROW("search", "Object (what String) (from Integer 0)", search,
        "The place of the first occurrence at or after `from`; () if there is none."),
    ROW("searchLast", "Object (what String)", search_last,
        "The place of the last occurrence; () if there is none."),
    ROW("contains", "Object (what String)", contains, "true if the text occurs in it."),
    ROW("startsWith", "Object (what String)", starts_with, "true if it begins with the text."),
    ROW("endsWith", "Object (what String)", ends_with, "true if it ends with the text."),
    ROW("trim", "String (bytes String ?)", trim,
        "Without white space, or any of the given bytes, at both ends."),
    ROW("trimLeft", "String (bytes String ?)", trim_left,
        "Without white space, or any of the given bytes, at the beginning."),
    ROW("trimRight", "String (bytes String ?)", trim_right,
        "Without white space, or any of the given bytes, at the end."),
    ROW("split", "List (separator String ?) (limit Integer ?)", split,
        "The parts between separators; without one, the words between white space. At most `limit` parts: "
        "the last one has all the rest."),
    ROW("lines", "List", lines, "The lines, without their LF or CRLF."),
    ROW("replace", "String (what String) (with String) (count Integer ?)", replace,
        "Every occurrence, or the first `count` of them, replaced by another text."),
    ROW("join", "String (items List)", join,
        "The items as print shows them, bytes as they are, with this String between them."),
    ROW("repeat", "String (count Integer)", repeat, "So many times the same, one after the other."),
    ROW("+", "String ...", concatenate,
        "This String and then each argument as print shows it, bytes as they are."),
    ROW("chars", "List", chars, "The characters, each a String; a byte that is no UTF-8 is one by itself."),
    ROW("codes", "List", codes, "The numbers of the characters; 65533 for a byte that is no UTF-8."),
    ROW("charLength", "Integer", char_length, "How many characters there are."),
    ROW("isUtf8", "Object", is_utf8, "true if all of it is UTF-8."),
    ROW("upper", "String", upper, "In upper case, where a letter has one of one letter."),
    ROW("lower", "String", lower, "In lower case."),
    ROW("reverse", "String", reverse, "The characters in reverse order."),
    ROW("padLeft", "String (width Integer) (fill String \" \")", pad_left,
        "Filled on the left up to so many characters."),
    ROW("padRight", "String (width Integer) (fill String \" \")", pad_right,
        "Filled on the right up to so many characters."),
    ROW("equalsIgnoreCase", "Object (other String)", equals_ignore_case,
        "true if both are the same but for upper and lower case."),
    ROW("format", "String (formatSpec String) ...", crpi_lib_format_self,
        "This String laid out as a C printf specification says, as %-20s or %.10s; Integers for each * come "
        "after it."),
    ROW("integer", "Integer (base Integer 10)", integer,
        "The Integer that it is the text of; to the base 10 also 0x1F. 1.8 if it is none, 1.14 if it is too "
        "big."),
    ROW("real", "Real", real, "The Real that it is the text of; 1.8 if it is none."),
    ROW("symbol", "Symbol", symbol, "The Symbol of this name."),
    ROW("binary", "Binary", binary, "A Binary of the same bytes."),
    ROW("string", "String", crpi_lib_self, "The String itself."),
    ROW("copy", "String", crpi_lib_self, "The String itself: it never changes."),
    CRPI_LIB_EQUALITY,
    CRPI_LIB_ORDER,
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method symbol_rows[] = {
    ROW("length", "Integer", symbol_length, "How many bytes its name has."),
    ROW("string", "String", symbol_string, "Its name."),
    ROW("symbol", "Symbol", crpi_lib_self, "The Symbol itself."),
    ROW("copy", "Symbol", crpi_lib_self, "The Symbol itself."),
    CRPI_LIB_EQUALITY,
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method string_creator =
    ROW("String", "String (value Object \"\")", create, "The value as print shows it, bytes as they are.");
static const crp_method symbol_creator =
    ROW("Symbol", "Symbol (name String)", create_symbol, "The Symbol of this name.");

static const crp_class_def string_class = {
    .size = sizeof(crp_class_def),
    .name = "String",
    .help = "Bytes, any of them, that never change: text in UTF-8, or a mail message byte for byte.",
    .methods = string_rows,
    .creator = &string_creator};
static const crp_class_def symbol_class = {.size = sizeof(crp_class_def),
                                           .name = "Symbol",
                                           .help = "A name. Two Symbols of one name are the same.",
                                           .methods = symbol_rows,
                                           .creator = &symbol_creator};

crp_status crpi_lib_string(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &string_class, &id);
    if (!st) st = crp_define_class_methods(vm, CRP_STRING, crpi_lib_encoding_rows);
    return st ? st : crp_define_class(vm, &symbol_class, &id);
}
