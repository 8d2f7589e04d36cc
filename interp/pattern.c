/* Pattern: a regular expression, and what it finds in a String.
 *
 * Of one pattern there are two meanings: over characters, where text and pattern are UTF-8, and over bytes,
 * because mail may be anything.  The text decides which is used; each is compiled when it is first needed,
 * the one that is likelier when the Pattern is made, so that a mistake is told there.
 *
 * The matches in a text are walked one by one.  The work of a walk is limited, in proportion to the length of
 * the text.
 */
#include "pattern.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <string.h>
#include "lib.h"
#include "str.h"
#include "utf8.h"

enum {
    MOST_TEXT = 1 << 25,     /* bytes: what one step may have to look at without a break */
    WORK = 10 * 1000 * 1000, /* steps... */
    WORK_A_BYTE = 32,        /* ...and so many, and one for each byte of the pattern, for each byte of the text */
    SHOWN = 24              /* bytes of a pattern before and after a mistake */
};

struct crpi_pattern {
    crp_object h;
    crp_word text, flags;
    unsigned options;       /* of flags */
    bool only_utf8, only_bytes; /* what u and b ask for */
    const crpi_pcre *pcre;
    void *codes[2]; /* over bytes, over characters; NULL: not needed so far */
};

/* --- carapace-pcre.so ----------------------------------------------------------------------------------- */

#if defined CRP_WITHOUT_PCRE2

static crp_status load(crp *vm, const crpi_pcre **out)
{
    *out = NULL;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                     "this Carapace was built without PCRE2, so it has no regular expressions");
}

#elif defined CRP_PCRE2_LINKED

static crp_status load(crp *vm, const crpi_pcre **out)
{
    (void)vm;
    *out = crp_pcre(CRPI_PCRE_ABI);
    return CRP_OK;
}

#else

static crp_status load(crp *vm, const crpi_pcre **out)
{
    static const crp_part part = {"carapace-pcre.so", CRPI_PCRE_ENTRY, CRPI_PCRE_ABI,
                                   sizeof(crpi_pcre), "there are no regular expressions"};
    const void *table;
    crp_status st = crp_load_part(vm, &part, &table);
    *out = table;
    return st;
}

#endif

/* PCRE2 gives memory back without its size, so that stands before it. */
enum { HEADER = 16 };

static void *take(size_t n, void *vm)
{
    if (n > SIZE_MAX - HEADER) return NULL;
    char *block = crpi_mem_alloc(&((crp *)vm)->mem, n + HEADER);
    if (!block) return NULL;
    memcpy(block, &n, sizeof n);
    return block + HEADER;
}

static void give(void *bytes, void *vm)
{
    size_t n;
    if (!bytes) return;
    char *block = (char *)bytes - HEADER;
    memcpy(&n, block, sizeof n);
    crpi_mem_free(&((crp *)vm)->mem, block, n + HEADER);
}

/* --- compiling ------------------------------------------------------------------------------------------ */

/* `before` and `after` are the text around the place, so that it can be seen. */
static crp_status bad_pattern(crp *vm, crp_word text, const crpi_pcre_fault *fault)
{
    size_t n, at = fault->at;
    const char *bytes = crp_string_data(text, &n);
    size_t from = at > SHOWN ? at - SHOWN : 0, left = n - at < SHOWN ? n - at : SHOWN;
    while (from > 0 && (bytes[from] & 0xC0) == 0x80) from--;
    while (at + left < n && (bytes[at + left] & 0xC0) == 0x80) left++;
    crp_word before, after;
    crp_status st = crp_string_slice(vm, text, from, at - from, &before);
    if (!st) st = crp_string_slice(vm, text, at, left, &after);
    if (st) return st;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "bad pattern: %s, at place %zu: %v <-- here %v",
                     fault->text, at, before, after);
}

static crp_status compile(crp *vm, crpi_pattern *p, bool utf8)
{
    size_t n;
    crpi_pcre_fault fault;
    const crpi_pcre_memory memory = {take, give, vm};
    const char *text = crp_string_data(p->text, &n);
    crp_status st = p->pcre ? CRP_OK : load(vm, &p->pcre);
    if (st) return st;
    p->codes[utf8] = p->pcre->compile(&memory, text, n, p->options | (utf8 ? CRPI_PATTERN_UTF8 : 0), &fault);
    if (p->codes[utf8]) return CRP_OK;
    return fault.no_memory ? crp_no_memory(vm) : bad_pattern(vm, p->text, &fault);
}

/* The pattern over characters or bytes. */
static crp_status code_for(crp *vm, crpi_pattern *p, bool utf8, void **out)
{
    crp_status st = CRP_OK;
    if (!p->codes[utf8]) {
        st = compile(vm, p, utf8);
        if (st && p->codes[!utf8])
            crp_error_prefix(vm, "the text is not UTF-8, and over bytes the pattern %v is none: ", p->text);
    }
    *out = p->codes[utf8];
    return st;
}

static crp_status read_flags(crp *vm, crpi_pattern *p, crp_word flags)
{
    static const char letters[] = "imsxub";
    static const unsigned options[] = {CRPI_PATTERN_ANY_CASE, CRPI_PATTERN_LINES,   CRPI_PATTERN_DOT_ALL,
                                       CRPI_PATTERN_EXTENDED, CRPI_PATTERN_UNICODE, 0};
    size_t n;
    const char *text = crp_string_data(flags, &n);
    for (size_t i = 0; i < n; i++) {
        const char *letter = memchr(letters, text[i], sizeof letters - 1);
        if (!letter)
            return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                             "a Pattern's flags are letters of i m s x u b, given %v", flags);
        p->options |= options[letter - letters];
        p->only_utf8 |= *letter == 'u';
        p->only_bytes |= *letter == 'b';
    }
    if (!p->only_utf8 || !p->only_bytes) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "a Pattern is over Unicode (u) or bytes (b), not both");
}

static bool over_characters(const crpi_pattern *p, crp_word text)
{
    return !p->only_bytes && crpi_str_is_utf8(crpi_str_of(p->text)) && crpi_str_is_utf8(crpi_str_of(text));
}

static crp_status create(crp_call *c)
{
    crpi_pattern *p = (crpi_pattern *)crp_object_of(c->self);
    void *code;
    crp_store(c->vm, &p->h, &p->text, c->args[0]);
    crp_store(c->vm, &p->h, &p->flags, c->args[1]);
    crp_status st = read_flags(c->vm, p, c->args[1]);
    if (st) return st;
    bool utf8 = over_characters(p, p->text);
    if (p->only_utf8 && !utf8)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "the pattern %v is not UTF-8, as the flag u asks",
                         p->text);
    return code_for(c->vm, p, utf8, &code);
}

/* --- walking -------------------------------------------------------------------------------------------- */

static bool is_interrupted(void *vm) { return crp_interrupted(vm); }

static crp_status check_text(crp *vm, const crpi_pattern *p, crp_word text, bool utf8, size_t from)
{
    size_t n;
    const char *bytes = crp_string_data(text, &n);
    if (n > MOST_TEXT)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "a Pattern looks through at most %d bytes, given %zu", (int)MOST_TEXT, n);
    if (p->only_utf8 && !utf8)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "the text is not UTF-8, as the flag u asks");
    if (utf8 && from < n && (bytes[from] & 0xC0) == 0x80)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "place %zu of the text is inside a character", from);
    return CRP_OK;
}

crp_status crpi_pattern_begin(crp_call *c, crp_word text, crp_word from, crpi_pattern_walk *w)
{
    crpi_pattern *p = (crpi_pattern *)crp_object_of(c->self);
    size_t n, at, left, pattern_length;
    const char *bytes = crp_string_data(text, &n);
    crp_string_data(p->text, &pattern_length);
    bool utf8 = over_characters(p, text);
    crp_status st = crpi_lib_range(c->vm, from, CRP_UNSET, n, &at, &left);
    if (!st) st = check_text(c->vm, p, text, utf8, at);
    if (!st) st = code_for(c->vm, p, utf8, &w->code);
    if (st) return st;
    w->pattern = p;
    w->text = text;
    w->search = (crpi_pcre_search){.text = bytes,
                                   .length = n,
                                   .from = at,
                                   .work = WORK + (WORK_A_BYTE + (uint64_t)pattern_length) * n,
                                   .stop = is_interrupted,
                                   .ud = c->vm};
    w->walk = p->pcre->begin(w->code);
    return w->walk ? CRP_OK : crp_no_memory(c->vm);
}

void crpi_pattern_end(crpi_pattern_walk *w)
{
    if (w->walk) w->pattern->pcre->end(w->walk);
    w->walk = NULL;
}

/* What became of a search that neither found something nor came to the end. */
static crp_status gave_up(crp_call *c, const crpi_pattern_walk *w, enum crpi_pcre_outcome outcome)
{
    crp_word pattern = w->pattern->text;
    switch (outcome) {
    case CRPI_PCRE_STOPPED:
        crp_wait_until(c, 0);
        return CRP_AGAIN;
    case CRPI_PCRE_TOO_MUCH:
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME,
                         "the pattern %v takes too many steps on a text of %zu bytes: "
                         "repetitions inside repetitions, as in (a+)+, do that", pattern, w->search.length);
    case CRPI_PCRE_TOO_DEEP:
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME,
                         "the pattern %v takes too much memory on a text of %zu bytes: "
                         "a group that is repeated very often does that", pattern, w->search.length);
    case CRPI_PCRE_ENDLESS:
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "the pattern %v calls itself without end", pattern);
    case CRPI_PCRE_NO_MEMORY: return crp_no_memory(c->vm);
    default:
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "the pattern %v cannot be matched: PCRE2 refuses it",
                         pattern);
    }
}

crp_status crpi_pattern_next(crp_call *c, crpi_pattern_walk *w, bool *found)
{
    crpi_pcre_search *s = &w->search;
    enum crpi_pcre_outcome outcome = w->pattern->pcre->search(w->walk, s);
    *found = outcome == CRPI_PCRE_FOUND;
    if (*found) {
        s->from = s->places[1];
        s->after_empty = s->places[0] == s->places[1];
    }
    return *found || outcome == CRPI_PCRE_NOT_FOUND ? CRP_OK : gave_up(c, w, outcome);
}

/* --- groups --------------------------------------------------------------------------------------------- */

size_t crpi_pattern_groups(const crpi_pattern_walk *w) { return w->pattern->pcre->groups(w->code); }

bool crpi_pattern_took_part(const crpi_pattern_walk *w, size_t group)
{
    return w->search.places && w->search.places[2 * group] != CRPI_PCRE_NOWHERE;
}

const char *crpi_pattern_name(const crpi_pattern_walk *w, size_t i, size_t *group)
{
    return w->pattern->pcre->name(w->code, i, group);
}

size_t crpi_pattern_named(const crpi_pattern_walk *w, const char *name, size_t length)
{
    size_t group, known = 0;
    const char *each;
    for (size_t i = 0; (each = crpi_pattern_name(w, i, &group)); i++) {
        if (strlen(each) != length || memcmp(each, name, length) != 0) continue;
        known = group;
        if (crpi_pattern_took_part(w, group)) return group;
    }
    return known;
}

/* --- properties ----------------------------------------------------------------------------------------- */

/* Groups and names are the same over characters and over bytes. */
static void *any_code(const crpi_pattern *p) { return p->codes[1] ? p->codes[1] : p->codes[0]; }

static crp_status get_groups(crp *vm, crp_object *o, crp_word *out)
{
    const crpi_pattern *p = (const crpi_pattern *)o;
    void *code = any_code(p);
    return crp_integer(vm, code ? (int64_t)p->pcre->groups(code) : 0, out);
}

static crp_status add_name(crp *vm, crp_list_builder *b, const char *name, size_t group)
{
    crp_word pair[2], entry;
    crp_status st = crp_string_z(vm, name, &pair[0]);
    pair[1] = crp_fixnum((int64_t)group);
    if (!st) st = crp_list(vm, pair, 2, &entry);
    return st ? st : crp_list_add(vm, b, entry);
}

/* PCRE2 has them by alphabet; here they stand as in the pattern. */
static crp_status get_names(crp *vm, crp_object *o, crp_word *out)
{
    const crpi_pattern *p = (const crpi_pattern *)o;
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    void *code = any_code(p);
    const char *name;
    size_t group;
    bool any = code && p->pcre->name(code, 0, &group);
    for (size_t wanted = 1; any && wanted <= p->pcre->groups(code); wanted++)
        for (size_t i = 0; !st && (name = p->pcre->name(code, i, &group)); i++)
            if (group == wanted) st = add_name(vm, &b, name, group);
    *out = b.first;
    return st;
}

static void drop_pattern(crp *vm, crp_object *o)
{
    crpi_pattern *p = (crpi_pattern *)o;
    (void)vm;
    for (size_t i = 0; i < 2; i++)
        if (p->codes[i]) p->pcre->drop(p->codes[i]);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static const crp_property properties[] = {
    {"text", "String", CRP_READ, offsetof(crpi_pattern, text), NULL, NULL,
     "The pattern as it was written.\np.text                                # --> \"([a-z]+)@([a-z.]+)\"", NULL, NULL},
    {"flags", "String", CRP_READ, offsetof(crpi_pattern, flags), NULL, NULL,
     "The flags that it was created with.\np.flags                               # --> \"i\"", NULL, NULL},
    {"groups", "Integer", CRP_READ, 0, NULL, NULL,
     "How many groups it has.\np.groups                              # --> 2", get_groups, NULL},
    {"names", "List", CRP_READ, 0, NULL, NULL,
     "The names of groups, in order, each a List (name number).\n"
     "((create Pattern \"(?<key>[^=]*)=(?<value>.*)\").names)   # --> ((\"key\" 1) (\"value\" 2))",
     get_names, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method creator = {
    "Pattern", "Pattern (text String) (flags String \"\")", create,
    "A regular expression as in Perl (PCRE2). Flags are letters: i ignores case, m lets ^ and $ stand at "
    "every line, s lets . match line breaks too, x ignores blanks and comments in the pattern, u asks for "
    "UTF-8 and lets \\w \\d \\s \\b know all letters, b takes bytes for characters. Without u and b, a "
    "pattern and a text that are UTF-8 are matched by characters, else by bytes. A line ends with LF, CRLF "
    "or CR. 1.8 for a pattern that is wrong, with the place, for one of more than 32768 bytes and for other "
    "flags; 1.12 where there is no PCRE2.\n"
    "((create Pattern \"^subject: *(.*)$\" \"im\").match \"To: joe\\r\\nSubject: Hi\\r\\n\")   "
    "# --> (\"Subject: Hi\" \"Hi\")\n"
    "(create Pattern \"(a|b\")                 # error: 1.8",
    0, NULL, NULL};

static const crp_class_def pattern_class = {
    .size = sizeof(crp_class_def),
    .name = "Pattern",
    .help = "A regular expression, which Strings are searched for, split at and changed by.\n"
            "(set p (create Pattern \"([a-z]+)@([a-z.]+)\" \"i\"))",
    .instance_size = sizeof(crpi_pattern),
    .properties = properties,
    .methods = crpi_pattern_find_rows,
    .creator = &creator,
    .drop = drop_pattern};

crp_status crpi_lib_pattern(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &pattern_class, &id);
    return st ? st : crp_define_class_methods(vm, id, crpi_pattern_replace_rows);
}
