/* floor 7: carapace-pcre.so: regular expressions by PCRE2.
 *
 * A pattern that explodes must not stop the program, so every item of a pattern is compiled with a callout
 * before it, which counts the work that is done and asks now and then whether to go on.  That costs about a
 * third of the time and holds for whatever takes long: PCRE2's own limit counts steps from one start in the
 * text only, and its JIT keeps neither the limit of memory nor that of depth, and takes time to compile and
 * pages that can be executed.  So there is no JIT here.
 */
#include "pattern.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    MAX_PATTERN = 1 << 15,     /* bytes */
    HEAP_KILOBYTES = 1 << 18,  /* for what must be gone back to */
    ASK_SHIFT = 14,            /* work between two questions, as a power of two */
    BYTES_A_STEP = 8,          /* passing over so many bytes is as much work as one step */
    DENSE_CALLS = 16,          /* when to look how close together the matches are */
    DENSE_SHIFT = 11           /* bytes that are looked through as fast as one is matched against, likewise */
};

typedef struct code {
    crpi_pcre_memory memory;
    const char *text;
    size_t length;
    unsigned flags;
    pcre2_code *quick, *thorough; /* the second without a search for the first letter; NULL: not needed so far */
    uint32_t groups, names, name_size, references;
    const unsigned char *name_table;
    bool any_case, has_breaks;
} code;

typedef struct walk {
    code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    crpi_pcre_search *search;
    size_t position;        /* where the last step was */
    size_t origin, calls;   /* where the first search began, how many there were */
    enum crpi_pcre_outcome ended; /* why the work was stopped */
} walk;

/* --- memory --------------------------------------------------------------------------------------------- */

static pcre2_general_context *general_context(const crpi_pcre_memory *m)
{
    return pcre2_general_context_create(m->take, m->give, m->ud);
}

static void *take_zeroed(const crpi_pcre_memory *m, size_t n)
{
    void *bytes = m->take(n, m->ud);
    return bytes ? memset(bytes, 0, n) : NULL;
}

/* --- patterns ------------------------------------------------------------------------------------------- */

static uint32_t options_of(unsigned flags)
{
    static const struct { unsigned flag; uint32_t option; } options[] = {
        {CRPI_PATTERN_ANY_CASE, PCRE2_CASELESS}, {CRPI_PATTERN_LINES, PCRE2_MULTILINE},
        {CRPI_PATTERN_DOT_ALL, PCRE2_DOTALL},    {CRPI_PATTERN_EXTENDED, PCRE2_EXTENDED},
        {CRPI_PATTERN_UNICODE, PCRE2_UCP},
    };
    uint32_t all = PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (flags & options[i].flag) all |= options[i].option;
    return all | (flags & CRPI_PATTERN_UTF8 ? PCRE2_UTF : PCRE2_NEVER_UTF);
}

/* Lines end as they do in mail and elsewhere: with LF, CRLF or CR. */
static pcre2_code *compile_with(const code *c, uint32_t more, int *error, size_t *at)
{
    pcre2_general_context *general = general_context(&c->memory);
    pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
    pcre2_code *made = NULL;
    *error = PCRE2_ERROR_NOMEMORY;
    if (context) {
        pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
        pcre2_set_max_pattern_length(context, MAX_PATTERN);
        made = pcre2_compile((PCRE2_SPTR)c->text, c->length, options_of(c->flags) | more, error, at, context);
    }
    pcre2_compile_context_free(context);
    pcre2_general_context_free(general);
    return made;
}

static void describe(code *c)
{
    uint32_t first = 0, breaks = 0;
    pcre2_pattern_info(c->quick, PCRE2_INFO_CAPTURECOUNT, &c->groups);
    pcre2_pattern_info(c->quick, PCRE2_INFO_NAMECOUNT, &c->names);
    pcre2_pattern_info(c->quick, PCRE2_INFO_NAMEENTRYSIZE, &c->name_size);
    pcre2_pattern_info(c->quick, PCRE2_INFO_NAMETABLE, &c->name_table);
    pcre2_pattern_info(c->quick, PCRE2_INFO_BACKREFMAX, &c->references);
    pcre2_pattern_info(c->quick, PCRE2_INFO_HASCRORLF, &breaks);
    pcre2_pattern_info(c->quick, PCRE2_INFO_FIRSTCODETYPE, &first);
    bool may_ignore = c->flags & CRPI_PATTERN_ANY_CASE || memmem(c->text, c->length, "(?", 2);
    c->any_case = first == 1 && may_ignore;
    c->has_breaks = breaks != 0;
}

/* PCRE2 before 10.45 takes a letter that it has from a look ahead for the first, and then looks for a second
 * one where the pattern goes on with the same: "(?=a)(b|)a" does not find "a". */
static bool is_misled(const code *c)
{
    uint32_t first_type = 0, last_type = 0, first = 0, last = 0;
    pcre2_pattern_info(c->quick, PCRE2_INFO_FIRSTCODETYPE, &first_type);
    pcre2_pattern_info(c->quick, PCRE2_INFO_FIRSTCODEUNIT, &first);
    pcre2_pattern_info(c->quick, PCRE2_INFO_LASTCODETYPE, &last_type);
    pcre2_pattern_info(c->quick, PCRE2_INFO_LASTCODEUNIT, &last);
    bool looks_ahead = memmem(c->text, c->length, "(?=", 3) || memmem(c->text, c->length, "(*p", 3);
    return looks_ahead && first_type == 1 && last_type == 1 && (first | 0x20) == (last | 0x20);
}

/* The code that is used first. */
static pcre2_code *compile_quick(code *c, int *error, size_t *at)
{
    c->quick = compile_with(c, 0, error, at);
    if (!c->quick || !is_misled(c)) return c->quick;
    pcre2_code_free(c->quick);
    return c->quick = compile_with(c, PCRE2_NO_START_OPTIMIZE, error, at);
}

static void drop(void *what)
{
    code *c = what;
    if (!c) return;
    pcre2_code_free(c->quick);
    pcre2_code_free(c->thorough);
    c->memory.give(c, c->memory.ud);
}

static void *compile(const crpi_pcre_memory *memory, const char *text, size_t length, unsigned flags,
                     crpi_pcre_fault *fault)
{
    int error;
    code *c = take_zeroed(memory, sizeof *c);
    fault->no_memory = !c;
    fault->at = 0;
    if (!c) return NULL;
    *c = (code){.memory = *memory, .text = text, .length = length, .flags = flags};
    if (compile_quick(c, &error, &fault->at)) {
        describe(c);
        return c;
    }
    fault->no_memory = error == PCRE2_ERROR_NOMEMORY || error == PCRE2_ERROR_HEAP_FAILED;
    if (fault->at > length) fault->at = length;
    pcre2_get_error_message(error, (PCRE2_UCHAR *)fault->text, sizeof fault->text);
    drop(c);
    return NULL;
}

static size_t groups(const void *c) { return ((const code *)c)->groups; }

static const char *name(const void *what, size_t i, size_t *group)
{
    const code *c = what;
    if (i >= c->names) return NULL;
    const unsigned char *entry = c->name_table + i * c->name_size;
    *group = (size_t)entry[0] << 8 | entry[1];
    return (const char *)entry + 2;
}

/* --- work ----------------------------------------------------------------------------------------------- */

/* A back reference compares as many bytes as its group has. */
static uint64_t compared(const walk *w, const pcre2_callout_block *at)
{
    size_t most = 0, top = at->capture_top - 1;
    if (top > w->code->references) top = w->code->references;
    for (size_t i = 1; i <= top; i++) {
        size_t begin = at->offset_vector[2 * i], end = at->offset_vector[2 * i + 1];
        if (begin != PCRE2_UNSET && end > begin + most) most = end - begin;
    }
    return (most + top) / BYTES_A_STEP;
}

/* Before each item of the pattern.  What a step costs grows with the groups, because their places are copied. */
static int count_step(pcre2_callout_block *at, void *ud)
{
    walk *w = ud;
    crpi_pcre_search *s = w->search;
    size_t here = at->current_position, moved = here > w->position ? here - w->position : w->position - here;
    uint64_t cost = 1 + moved / BYTES_A_STEP + w->code->groups / BYTES_A_STEP;
    if (w->code->references) cost += compared(w, at);
    w->position = here;
    if (cost >= s->work) {
        s->work = 0;
        w->ended = CRPI_PCRE_TOO_MUCH;
        return PCRE2_ERROR_CALLOUT;
    }
    uint64_t before = s->work;
    s->work -= cost;
    if (before >> ASK_SHIFT == s->work >> ASK_SHIFT || !s->stop(s->ud)) return 0;
    w->ended = CRPI_PCRE_STOPPED;
    return PCRE2_ERROR_CALLOUT;
}

/* --- searching ------------------------------------------------------------------------------------------ */

static void end(void *what)
{
    walk *w = what;
    if (!w) return;
    crpi_pcre_memory m = w->code->memory;
    pcre2_match_data_free(w->data);
    pcre2_match_context_free(w->context);
    m.give(w, m.ud);
}

static void *begin(void *what)
{
    code *c = what;
    walk *w = take_zeroed(&c->memory, sizeof *w);
    if (!w) return NULL;
    pcre2_general_context *general = general_context(&c->memory);
    w->code = c;
    if (general) {
        w->context = pcre2_match_context_create(general);
        w->data = pcre2_match_data_create_from_pattern(c->quick, general);
    }
    pcre2_general_context_free(general);
    if (!w->context || !w->data) {
        end(w);
        return NULL;
    }
    pcre2_set_callout(w->context, count_step, w);
    pcre2_set_heap_limit(w->context, HEAP_KILOBYTES);
    pcre2_set_match_limit(w->context, UINT32_MAX); /* the work that is counted here comes first */
    pcre2_set_depth_limit(w->context, UINT32_MAX); /* it is memory that depth takes */
    return w;
}

/* PCRE2 looks for a first letter in both cases, from each start on: one that is not there makes many matches
 * close together take quadratic time.  Then it is better not to look for it. */
static bool choose_code(walk *w, const crpi_pcre_search *s, const pcre2_code **out)
{
    code *c = w->code;
    int error;
    size_t at;
    *out = c->quick;
    if (w->calls++ == 0) w->origin = s->from;
    if (!c->any_case || w->calls < DENSE_CALLS) return true;
    if ((s->from - w->origin) / w->calls > (s->length - s->from) >> DENSE_SHIFT) return true;
    if (!c->thorough) c->thorough = compile_with(c, PCRE2_NO_START_OPTIMIZE, &error, &at);
    *out = c->thorough;
    return c->thorough != NULL;
}

static enum crpi_pcre_outcome outcome_of(const walk *w, int result)
{
    switch (result) {
    case PCRE2_ERROR_NOMATCH: return CRPI_PCRE_NOT_FOUND;
    case PCRE2_ERROR_CALLOUT: return w->ended;
    case PCRE2_ERROR_MATCHLIMIT: return CRPI_PCRE_TOO_MUCH;
    case PCRE2_ERROR_DEPTHLIMIT: return CRPI_PCRE_TOO_DEEP;
    case PCRE2_ERROR_HEAPLIMIT: return CRPI_PCRE_TOO_DEEP;
    case PCRE2_ERROR_RECURSELOOP: return CRPI_PCRE_ENDLESS;
    case PCRE2_ERROR_NOMEMORY: return CRPI_PCRE_NO_MEMORY;
    default: return result > 0 ? CRPI_PCRE_FOUND : CRPI_PCRE_FAILED;
    }
}

static enum crpi_pcre_outcome run(walk *w, crpi_pcre_search *s, uint32_t options)
{
    const pcre2_code *chosen;
    if (!choose_code(w, s, &chosen)) return CRPI_PCRE_NO_MEMORY;
    w->search = s;
    w->position = s->from;
    int result = pcre2_match(chosen, (PCRE2_SPTR)s->text, s->length, s->from, options | PCRE2_NO_UTF_CHECK,
                             w->data, w->context);
    size_t *places = pcre2_get_ovector_pointer(w->data);
    if (result > 0 && places[0] > places[1]) places[0] = places[1]; /* \K inside what looks ahead */
    s->places = places;
    return outcome_of(w, result);
}

/* The start of the next character.  CRLF is one, unless the pattern names either byte. */
static size_t behind(const code *c, const crpi_pcre_search *s)
{
    size_t at = s->from + 1;
    if (s->text[at - 1] == '\r' && at < s->length && s->text[at] == '\n' && !c->has_breaks) return at + 1;
    if (c->flags & CRPI_PATTERN_UTF8)
        while (at < s->length && (s->text[at] & 0xC0) == 0x80) at++;
    return at;
}

static enum crpi_pcre_outcome search(void *what, crpi_pcre_search *s)
{
    walk *w = what;
    if (!s->after_empty) return run(w, s, 0);
    enum crpi_pcre_outcome other = run(w, s, PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED);
    if (other != CRPI_PCRE_NOT_FOUND || s->from >= s->length) return other;
    s->from = behind(w->code, s);
    s->after_empty = false;
    return run(w, s, 0);
}

static const crpi_pcre table = {sizeof table, CRPI_PCRE_ABI, compile, drop, groups, name, begin, search, end};

const crpi_pcre *crp_pcre(unsigned abi) { return abi == CRPI_PCRE_ABI ? &table : NULL; }
