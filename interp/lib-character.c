/* floor 7: the methods of String that see characters.
 *
 * They read UTF-8, in which a byte that begins no character counts as one, so nothing is ever lost.  Widths
 * are counts of characters.
 */
#include "lib.h"

#include <string.h>
#include "str.h"
#include "utf8.h"

static const char *self_text(const crp_call *c, size_t *n) { return crp_string_data(c->self, n); }

static crp_status char_length(crp_call *c)
{
    size_t n;
    const char *text = self_text(c, &n);
    return crp_integer(c->vm, (int64_t)crpi_utf8_count(text, n), &c->result);
}

static crp_status is_utf8(crp_call *c)
{
    c->result = crp_bool(crpi_str_is_utf8(crpi_str_of(c->self)));
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
        crp_word part;
        crp_status st = crp_string(c->vm, text + i, step, &part);
        if (!st) st = crp_list_add(c->vm, &parts, part);
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

static crp_status extract_chars(crp_call *c)
{
    size_t n, from, count;
    const char *text = self_text(c, &n);
    crp_status st = crpi_lib_range(c->vm, c->args[0], c->args[1], crpi_utf8_count(text, n), &from, &count);
    if (st) return st;
    size_t at = crpi_utf8_prefix(text, n, from), length = crpi_utf8_prefix(text + at, n - at, count);
    return crp_string_slice(c->vm, c->self, at, length, &c->result);
}

/* --- case ----------------------------------------------------------------------------------------------- */

/* Whether a character continues a word: not ASCII's punctuation but the apostrophe, nor the usual one beyond
 * it. */
static bool in_word(uint32_t code)
{
    if (code < 0x80)
        return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z') ||
               code == '\'';
    if (code == CRPI_UTF8_BROKEN || (code >= 0xA0 && code <= 0xBF)) return false;
    return code == 0x2019 || ((code < 0x2000 || code > 0x206F) && (code < 0x3000 || code > 0x303F));
}

enum letter_case { UPPER, LOWER, FIRST_UPPER, WORDS_UPPER };

static uint32_t change_case(uint32_t code, enum letter_case how, bool first, bool begins_word)
{
    bool upper = how == UPPER || (how == FIRST_UPPER && first) || (how == WORDS_UPPER && begins_word);
    return upper ? crpi_utf8_upper(code) : crpi_utf8_lower(code);
}

/* Broken bytes stay. */
static crp_status with_case(crp_call *c, enum letter_case how)
{
    size_t n, step;
    uint32_t code;
    char bytes[4];
    bool inside = false;
    crpi_buf b;
    const char *text = self_text(c, &n);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (size_t i = 0; i < n; i += step) {
        step = crpi_utf8_decode(text + i, n - i, &code);
        bool begins = in_word(code) && !inside;
        inside = in_word(code);
        if (code == CRPI_UTF8_BROKEN) crpi_buf_byte(&b, text[i]);
        else crpi_buf_put(&b, bytes, crpi_utf8_encode(change_case(code, how, i == 0, begins), bytes));
    }
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status upper(crp_call *c) { return with_case(c, UPPER); }
static crp_status lower(crp_call *c) { return with_case(c, LOWER); }
static crp_status capitalize(crp_call *c) { return with_case(c, FIRST_UPPER); }
static crp_status title(crp_call *c) { return with_case(c, WORDS_UPPER); }

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

/* --- layout --------------------------------------------------------------------------------------------- */

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

/* --- wrapping ------------------------------------------------------------------------------------------- */

typedef struct wrapping {
    crpi_buf out;
    const char *brk; /* what is put where a line is broken... */
    size_t brk_length, brk_width; /* ...and how many characters of it stand on the next line */
    size_t width, column;
} wrapping;

static bool is_space(char c) { return c == ' ' || c == '\t'; }

/* Where the run of blanks, or of anything else up to a blank or LF, ends that begins at `i`. */
static size_t run_end(const char *text, size_t n, size_t i, bool blanks)
{
    while (i < n && text[i] != '\n' && is_space(text[i]) == blanks) i++;
    return i;
}

/* Blanks and the word behind them; where the word does not fit any more, the blanks become a break. */
static size_t put_word(wrapping *w, const char *text, size_t n, size_t i)
{
    size_t word = run_end(text, n, i, true), after = run_end(text, n, word, false);
    size_t blanks = word - i, letters = crpi_utf8_count(text + word, after - word);
    if (after > word && text[after - 1] == '\r' && after < n && text[after] == '\n') letters--;
    if (blanks && letters && w->column && w->column + blanks + letters > w->width) {
        crpi_buf_put(&w->out, w->brk, w->brk_length);
        w->column = w->brk_width;
        i = word;
        blanks = 0;
    }
    crpi_buf_put(&w->out, text + i, after - i);
    w->column += blanks + letters;
    return after;
}

static crp_status wrap(crp_call *c)
{
    size_t n;
    int64_t width;
    wrapping w = {.column = 0};
    const char *text = self_text(c, &n);
    crp_status st = crpi_lib_between(c->vm, "width", c->args[0], 1, INT64_MAX, &width);
    if (st) return st;
    crpi_buf_init(&w.out, &c->vm->mem, CRPI_LIB_CAP);
    w.width = (size_t)width;
    w.brk = crp_string_data(c->args[1], &w.brk_length);
    const char *feed = memrchr(w.brk, '\n', w.brk_length);
    size_t tail = feed ? (size_t)(w.brk + w.brk_length - feed - 1) : w.brk_length;
    w.brk_width = crpi_utf8_count(w.brk + w.brk_length - tail, tail);
    for (size_t i = 0; i < n;) {
        if (text[i] != '\n') {
            i = put_word(&w, text, n, i);
            continue;
        }
        crpi_buf_byte(&w.out, text[i++]);
        w.column = 0;
    }
    return crpi_lib_finish(c->vm, &w.out, CRP_STRING, &c->result);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

const crp_method crpi_lib_character_rows[] = {
    ROW("chars", "List", chars,
        "The characters, each a String; a byte that is no UTF-8 is one by itself.\n"
        "(\"né!\".chars)                 # --> (\"n\" \"é\" \"!\")\n"
        "(\"n\\xE9\".chars)               # --> (\"n\" \"\\xE9\")"),
    ROW("codes", "List", codes,
        "The numbers of the characters; 65533 for a byte that is no UTF-8. (format \"%c\" number) goes back.\n"
        "(\"né\".codes)                  # --> (110 233)"),
    ROW("charLength", "Integer", char_length,
        "How many characters there are.\n"
        "(\"né\".charLength)             # --> 2\n"
        "(\"né\".length)                 # --> 3"),
    ROW("extractChars", "String (from Integer) (count Integer ?)", extract_chars,
        "So many characters from the one of that number on, fewer where it ends, all that follow without a "
        "count; 1.7 if it begins beyond the end, or if either is negative.\n"
        "(\"Grüße\".extractChars 2 2)    # --> \"üß\""),
    ROW("isUtf8", "Object", is_utf8,
        "true if all of it is UTF-8.\n"
        "(\"n\\xE9\".isUtf8)              # --> ()"),
    ROW("upper", "String", upper,
        "In upper case, where a letter has one of one letter; a byte that is no UTF-8 stays.\n"
        "(\"Grüße\".upper)               # --> \"GRÜßE\""),
    ROW("lower", "String", lower,
        "In lower case.\n"
        "(\"ÄRGER\".lower)               # --> \"ärger\""),
    ROW("capitalize", "String", capitalize,
        "The first character in upper case, all others in lower case.\n"
        "(\"éCLAIR no. 1\".capitalize)   # --> \"Éclair no. 1\""),
    ROW("title", "String", title,
        "The first letter of each word in upper case, all others in lower case. Digits, letters and "
        "apostrophes make words.\n"
        "(\"content-TYPE\".title)        # --> \"Content-Type\""),
    ROW("reverse", "String", reverse,
        "The characters in reverse order.\n"
        "(\"né\".reverse)                # --> \"én\""),
    ROW("padLeft", "String (width Integer) (fill String \" \")", pad_left,
        "Filled on the left up to so many characters; 1.8 if the width is negative or over 1073741824, or if "
        "the fill is not one character.\n"
        "(\"7\".padLeft 3 \"0\")          # --> \"007\""),
    ROW("padRight", "String (width Integer) (fill String \" \")", pad_right,
        "Filled on the right up to so many characters; errors as padLeft.\n"
        "(\"né\".padRight 4 \".\")        # --> \"né..\""),
    ROW("wrap", "String (width Integer 72) (break String \"\\n\")", wrap,
        "Its lines broken, at blanks, so that none has more than so many characters unless a word has; "
        "`break` takes the place of the blanks. Line breaks that are there stay. 1.8 for a width below 1.\n"
        "(\"one two three\".wrap 8)                    # --> \"one two\\nthree\"\n"
        "(\"Subject: one two\".wrap 12 \"\\r\\n \")       # --> \"Subject: one\\r\\n two\""),
    ROW("equalsIgnoreCase", "Object (other String)", equals_ignore_case,
        "true if both are the same but for upper and lower case.\n"
        "(\"Größe\".equalsIgnoreCase \"GRÖßE\")   # --> true"),
    ROW(NULL, NULL, NULL, NULL)};
