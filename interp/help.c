/* Two ways through the same list: one name, and the names that match a text. */
#include "help.h"

#include <string.h>
#include "error.h"
#include "left-out.h"
#include "receiver.h"
#include "topics.h"

enum { SHORT_HELP = 160, FIRST_COLUMN = 26, LINE = 79 };

static const char *kind_name(enum crpi_topic_kind kind)
{
    static const char *const names[] = {
        [CRPI_TOPIC_FORM] = "form",         [CRPI_TOPIC_FUNCTION] = "function",
        [CRPI_TOPIC_MACRO] = "macro",       [CRPI_TOPIC_CLASS] = "class",
        [CRPI_TOPIC_PROPERTY] = "property", [CRPI_TOPIC_METHOD] = "method",
        [CRPI_TOPIC_VARIABLE] = "variable", [CRPI_TOPIC_GLOBAL] = "global",
        [CRPI_TOPIC_FILE] = "file",         [CRPI_TOPIC_WORD] = "name"};
    return names[kind];
}

/* The prose of a help, if it has any, in lines that fit. */
static void put_prose(const char *help, const char *indent, crpi_buf *out)
{
    size_t width = LINE - strlen(indent), length = crpi_help_prose(help);
    while (length) {
        size_t n = length <= width ? length : width + 1;
        while (n < length && n > 0 && help[n - 1] != ' ') n--;
        if (!n) n = strcspn(help, " \n");
        size_t shown = n;
        while (shown && help[shown - 1] == ' ') shown--;
        if (shown) crpi_buf_format(out, "%s%.*s\n", indent, (int)shown, help);
        help += n, length -= n;
        while (length && *help == ' ') help++, length--;
    }
}

static void put_example(const char *line, crpi_buf *out)
{
    while (*line) {
        size_t length = strcspn(line, "\n");
        crpi_buf_format(out, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* That of a member needs the lines of its class's example before it. */
static void put_examples(const crpi_topic *topic, crpi_buf *out)
{
    const char *example = crpi_help_example(crpi_topic_help(topic));
    bool member = topic->kind == CRPI_TOPIC_PROPERTY || topic->kind == CRPI_TOPIC_METHOD;
    const crpi_class *owner = member ? topic->of.member->owner : NULL;
    if (!*example) return;
    crpi_buf_byte(out, '\n');
    if (owner && owner->def) put_example(crpi_help_example(owner->def->help), out);
    put_example(example, out);
}

/* `name` padded to the first column, then its signature. */
static void put_row(crp *vm, const crpi_topic *topic, crpi_buf *out)
{
    crpi_buf_text(out, "  ");
    if (topic->kind != CRPI_TOPIC_METHOD) {
        crpi_buf_put(out, topic->name, topic->length);
        for (size_t i = topic->length; i < FIRST_COLUMN; i++) crpi_buf_byte(out, ' ');
        crpi_buf_byte(out, ' ');
    }
    crpi_topic_signature(vm, topic, out);
    crpi_buf_byte(out, '\n');
    put_prose(crpi_topic_help(topic), "      ", out);
}

/* --- one name ------------------------------------------------------------------------------------------- */

static void put_members(crp *vm, const crpi_receiver *r, enum crpi_topic_kind kind, const char *title,
                        crpi_buf *out)
{
    crpi_topics members;
    crpi_topics_init(&members, vm, "", 0);
    crpi_topics_members(&members, r->type, r->face);
    crpi_topics_own(&members, r->value);
    crpi_topics_sort(&members);
    bool any = false;
    for (size_t i = 0; i < members.count; i++) {
        if (members.items[i].kind != kind) continue;
        if (!any) crpi_buf_format(out, "%s\n", title);
        any = true;
        put_row(vm, &members.items[i], out);
    }
    crpi_topics_free(&members);
}

static void put_receiver(crp *vm, crpi_receiver r, crpi_buf *out)
{
    put_members(vm, &r, CRPI_TOPIC_PROPERTY, "Properties", out);
    put_members(vm, &r, CRPI_TOPIC_METHOD, "Methods", out);
    put_members(vm, &r, CRPI_TOPIC_FUNCTION, "Functions", out);
}

static void put_class(crp *vm, crpi_class *c, crpi_buf *out)
{
    put_receiver(vm, (crpi_receiver){.value = CRP_UNSET, .type = c}, out);
}

static void put_topic(crp *vm, const crpi_topic *topic, crpi_buf *out)
{
    crpi_buf_format(out, "%.*s: %s\n  ", (int)topic->length, topic->name, kind_name(topic->kind));
    crpi_topic_signature(vm, topic, out);
    crpi_buf_byte(out, '\n');
    put_prose(crpi_topic_help(topic), "  ", out);
    put_examples(topic, out);
    if (topic->kind == CRPI_TOPIC_CLASS) put_class(vm, topic->of.type, out);
    if (topic->kind != CRPI_TOPIC_VARIABLE && topic->kind != CRPI_TOPIC_GLOBAL) return;
    uint32_t class_id, face;
    crpi_face_of(topic->of.value, &class_id, &face);
    put_receiver(vm, (crpi_receiver){topic->of.value, crpi_class_by_id(vm, class_id), face}, out);
}

static const crpi_topic *find(const crpi_topics *t, const char *name, size_t length)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].length == length && memcmp(t->items[i].name, name, length) == 0) return &t->items[i];
    return NULL;
}

/* What stands before the dot: a value, or the class that is named. */
static crpi_receiver owner_at(crp *vm, const char *text, size_t end)
{
    crp_word symbol;
    bool variable = crpi_variable_value(vm, text, end) != CRP_UNSET;
    if (!variable && crpi_symbol_find(&vm->symbols, text, end, &symbol)) {
        crpi_class *c = crpi_class_named(vm, symbol);
        if (c && c->defined) return (crpi_receiver){.value = CRP_UNSET, .type = c};
    }
    return crpi_receiver_at(vm, text, 0, end);
}

/* Everything that could be meant where `topic` stands: the members of what is before its last dot, or all
 * names. */
static size_t list_for(crp *vm, const char *topic, size_t length, crpi_topics *out)
{
    size_t dot = length;
    crpi_receiver owner = {.value = CRP_UNSET};
    crpi_topics_init(out, vm, "", 0);
    while (dot && topic[dot - 1] != '.') dot--;
    if (dot > 1) owner = owner_at(vm, topic, dot - 1);
    if (owner.type)
        crpi_topics_members(out, owner.type, owner.face);
    else
        crpi_topics_names(out);
    crpi_topics_own(out, owner.value);
    crpi_topics_sort(out);
    return owner.type ? dot : 0;
}

typedef struct walk {
    const crpi_topics *topics;
    size_t at;
} walk;

static const char *next_name(void *ud)
{
    walk *w = ud;
    return w->at < w->topics->count ? w->topics->items[w->at++].name : NULL;
}

/* --- errors --------------------------------------------------------------------------------------------- */

/* "6" or "6.1"; false: it is neither. */
static bool read_code(const char *text, size_t length, int *error_class, int *code)
{
    int *number = error_class;
    *error_class = *code = 0;
    for (size_t i = 0; i < length && i < 8; i++) {
        if (text[i] == '.' && number == error_class && i > 0) number = code;
        else if (text[i] >= '0' && text[i] <= '9') *number = *number * 10 + text[i] - '0';
        else return false;
    }
    return length > 0 && length < 8;
}

/* `errors`, a class or a class and code: what they mean.  False: the topic is none of these. */
static bool put_errors(const char *topic, size_t length, crpi_buf *out)
{
    int error_class, code;
    bool all = length == 6 && memcmp(topic, "errors", 6) == 0, any = false;
    if (!all && !read_code(topic, length, &error_class, &code)) return false;
    for (const crpi_error_code *row = crpi_error_codes; row->name; row++) {
        if (!all && (row->error_class != error_class || (code && row->code != code))) continue;
        if (row->code) crpi_buf_format(out, "  %d.%d  ", row->error_class, row->code);
        else crpi_buf_format(out, "error class %d: ", row->error_class);
        crpi_buf_format(out, "%s: %s\n", row->name, row->meaning);
        any = true;
    }
    return any;
}

void crpi_help(crp *vm, const char *topic, size_t length, crpi_buf *out, bool *known)
{
    if (put_errors(topic, length, out)) {
        if (known) *known = true;
        return;
    }
    crpi_topics topics;
    size_t from = list_for(vm, topic, length, &topics);
    const crpi_topic *found = find(&topics, topic + from, length - from);
    const crpi_left_out *left_out = crpi_left_out_find(CRPI_LEFT_OUT_FUNCTION, topic, length);
    if (known) *known = found != NULL || left_out != NULL;
    if (found) {
        put_topic(vm, found, out);
    } else if (left_out) {
        crpi_left_out_text(left_out, out);
        crpi_buf_byte(out, '\n');
    } else {
        walk w = {.topics = &topics};
        crpi_buf_text(out, "nothing is known of ");
        crpi_buf_escaped(out, topic, length, SHORT_HELP);
        crpi_suggest(out, topic + from, length - from, next_name, &w);
        crpi_buf_byte(out, '\n');
    }
    crpi_topics_free(&topics);
    crp_clear_error(vm);
}

/* --- apropos -------------------------------------------------------------------------------------------- */

static int fold(char c) { return c >= 'A' && c <= 'Z' ? c + 32 : (unsigned char)c; }

static bool contains(const char *text, size_t length, const char *part, size_t part_length)
{
    for (size_t at = 0; at + part_length <= length; at++) {
        size_t i = 0;
        while (i < part_length && fold(text[at + i]) == fold(part[i])) i++;
        if (i == part_length) return true;
    }
    return false;
}

static bool matches(const crpi_topic *topic, const char *text, size_t length)
{
    const char *help = crpi_topic_help(topic);
    return contains(topic->name, topic->length, text, length) ||
           contains(help, crpi_help_prose(help), text, length);
}

static void put_match(const crpi_topic *topic, const char *owner, crpi_buf *out)
{
    const char *help = crpi_topic_help(topic);
    size_t before = out->length;
    if (*owner) crpi_buf_format(out, "%s.", owner);
    crpi_buf_put(out, topic->name, topic->length);
    while (out->length - before < FIRST_COLUMN) crpi_buf_byte(out, ' ');
    crpi_buf_format(out, "  %s", kind_name(topic->kind));
    if (*help) crpi_buf_format(out, ": %.*s", (int)crpi_help_sentence(help), help);
    crpi_buf_byte(out, '\n');
}

void crpi_apropos(crp *vm, const char *text, size_t length, crpi_buf *out)
{
    crpi_topics names, members;
    crpi_topics_init(&names, vm, "", 0);
    crpi_topics_names(&names);
    crpi_topics_sort(&names);
    for (size_t i = 0; i < names.count; i++)
        if (matches(&names.items[i], text, length)) put_match(&names.items[i], "", out);
    for (size_t i = 0; i < names.count; i++) {
        if (names.items[i].kind != CRPI_TOPIC_CLASS) continue;
        crpi_topics_init(&members, vm, "", 0);
        crpi_topics_members(&members, names.items[i].of.type, 0);
        crpi_topics_sort(&members);
        const char *owner = crp_symbol_name(vm, names.items[i].of.type->name, NULL);
        for (size_t j = 0; j < members.count; j++)
            if (matches(&members.items[j], text, length)) put_match(&members.items[j], owner, out);
        crpi_topics_free(&members);
    }
    crpi_topics_free(&names);
    crp_clear_error(vm);
}
