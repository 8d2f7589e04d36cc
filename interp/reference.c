/* A page is a head and entries; an entry is a heading, a signature, prose and an example. */
#include "reference.h"

#include <string.h>
#include "api.h"
#include "error.h"
#include "topics.h"

typedef struct writer {
    crp *vm;
    crpi_buf text; /* of the page */
    crpi_topics names;
    void (*page)(void *ud, const char *file, const char *text, size_t length);
    void *ud;
    bool failed;
} writer;

/* --- what every page is made of ------------------------------------------------------------------------- */

static void finish_page(writer *w, const char *file)
{
    if (w->text.failed || w->text.overflow)
        w->failed = true;
    else
        w->page(w->ud, file, w->text.bytes, w->text.length);
    w->text.length = 0;
}

/* Words of a help are Markdown but for what would be taken for markup outside of `code`. */
static void put_words(crpi_buf *out, const char *words, size_t length)
{
    bool code = false;
    for (size_t i = 0; i < length; i++) {
        if (words[i] == '`') code = !code;
        if (!code && strchr("<*", words[i])) crpi_buf_byte(out, '\\');
        crpi_buf_byte(out, words[i]);
    }
}

static void put_prose(crpi_buf *out, const char *help)
{
    if (!*help) return;
    put_words(out, help, crpi_help_prose(help));
    crpi_buf_text(out, "\n\n");
}

static void put_example(crpi_buf *out, const char *help)
{
    const char *example = crpi_help_example(help);
    size_t length = strlen(example);
    if (!length) return;
    crpi_buf_format(out, "```carapace\n%s%s```\n\n", example, example[length - 1] == '\n' ? "" : "\n");
}

static void put_signature(writer *w, const crpi_topic *topic)
{
    crpi_buf_text(&w->text, "```text\n");
    if (topic->kind == CRPI_TOPIC_PROPERTY)
        crpi_buf_format(&w->text, "%.*s: ", (int)topic->length, topic->name);
    crpi_topic_signature(w->vm, topic, &w->text);
    crpi_buf_text(&w->text, "\n```\n\n");
}

static void put_entry(writer *w, const crpi_topic *topic, const char *level)
{
    crpi_buf_format(&w->text, "%s `%.*s`\n\n", level, (int)topic->length, topic->name);
    put_signature(w, topic);
    put_prose(&w->text, crpi_topic_help(topic));
    const crp_property *row = topic->kind == CRPI_TOPIC_PROPERTY ? topic->of.member->row : NULL;
    uint32_t flags = row ? row->flags : 0;
    if (flags & CRP_CONFIG) crpi_buf_text(&w->text, "It can be set only while there is no connection.\n\n");
    if (flags & CRP_SECRET) crpi_buf_text(&w->text, "It is never printed or logged.\n\n");
    put_example(&w->text, crpi_topic_help(topic));
}

/* Only what the program brings along: no scripts' functions and classes. */
static bool is_shown(const crpi_topic *topic, enum crpi_topic_kind kind)
{
    if (topic->kind != kind) return false;
    if (kind == CRPI_TOPIC_CLASS) return !topic->of.type->script;
    return *crpi_topic_help(topic) != 0;
}

/* The page that a class's second name belongs to is that of the first. */
static bool is_second_name(const writer *w, const crpi_topic *topic)
{
    size_t length;
    const char *name = crp_symbol_name(w->vm, topic->of.type->name, &length);
    return length != topic->length || memcmp(name, topic->name, length) != 0;
}

/* --- forms.md ------------------------------------------------------------------------------------------- */

static void write_forms(writer *w)
{
    crpi_buf_text(&w->text,
                  "# Forms\n\nWhat is no function call: its arguments are evaluated as the form says.\n\n");
    for (size_t i = 0; i < w->names.count; i++)
        if (is_shown(&w->names.items[i], CRPI_TOPIC_FORM)) put_entry(w, &w->names.items[i], "##");
    finish_page(w, "forms.md");
}

/* --- functions.md --------------------------------------------------------------------------------------- */

static bool is_function(const crpi_topic *topic)
{
    return is_shown(topic, CRPI_TOPIC_FUNCTION) || is_shown(topic, CRPI_TOPIC_MACRO);
}

/* Functions come noun by noun, in the order in which the nouns are met first. */
static const char *noun_of(const writer *w, const crpi_topic *topic)
{
    /* What is written in Carapace, and loaded when it is first used, comes from no library of its noun. */
    static const struct {
        const char *name, *noun;
    } loaded[] = {{"buildCommsStack", "Communication"}, {"test", "Tests"}, {"expectError", "Tests"}};
    for (size_t i = 0; i < sizeof loaded / sizeof *loaded; i++)
        if (strcmp(topic->name, loaded[i].name) == 0) return loaded[i].noun;
    const char *noun = is_function(topic) ? crpi_library_noun(w->vm, topic->order) : "";
    return noun ? noun : "Others";
}

static bool is_first_of_noun(const writer *w, size_t place)
{
    const char *noun = noun_of(w, &w->names.items[place]);
    for (size_t i = 0; *noun && i < place; i++)
        if (strcmp(noun_of(w, &w->names.items[i]), noun) == 0) return false;
    return *noun != 0;
}

typedef void (*writes_topic)(writer *, const crpi_topic *);

static void each_of_noun(writer *w, const char *noun, writes_topic write)
{
    for (size_t i = 0; i < w->names.count; i++)
        if (strcmp(noun_of(w, &w->names.items[i]), noun) == 0) write(w, &w->names.items[i]);
}

static void write_function(writer *w, const crpi_topic *topic) { put_entry(w, topic, "###"); }

static void write_functions(writer *w)
{
    crpi_buf_text(&w->text, "# Functions\n\nWhat can be called by its name. The methods of objects are on "
                            "the pages of their classes.\n\n");
    for (size_t i = 0; i < w->names.count; i++) {
        if (!is_first_of_noun(w, i)) continue;
        const char *noun = noun_of(w, &w->names.items[i]);
        crpi_buf_format(&w->text, "## %s\n\n", noun);
        each_of_noun(w, noun, write_function);
    }
    finish_page(w, "functions.md");
}

/* --- a class's page ------------------------------------------------------------------------------------- */

static void put_names(writer *w, const crpi_topics *members, enum crpi_topic_kind kind, const char *title)
{
    bool any = false;
    for (size_t i = 0; i < members->count; i++) {
        const crpi_topic *m = &members->items[i];
        if (m->kind != kind) continue;
        if (any) crpi_buf_text(&w->text, ", ");
        else crpi_buf_format(&w->text, "%s: ", title);
        crpi_buf_format(&w->text, "`%.*s`", (int)m->length, m->name);
        any = true;
    }
    if (any) crpi_buf_text(&w->text, ".\n\n");
}

static void put_members(writer *w, const crpi_topics *members, enum crpi_topic_kind kind, const char *title)
{
    bool any = false;
    for (size_t i = 0; i < members->count; i++) {
        if (members->items[i].kind != kind) continue;
        if (!any) crpi_buf_format(&w->text, "## %s\n\n", title);
        any = true;
        put_entry(w, &members->items[i], "###");
    }
}

/* Appends the arguments of a signature, which prints as (name arguments) -> result. */
static void put_arguments(writer *w, const crpi_signature *s)
{
    crpi_buf whole;
    crpi_buf_init(&whole, &w->vm->mem, 0);
    crpi_signature_print(w->vm, &whole, "", s);
    size_t end = whole.length;
    while (end > 1 && memcmp(whole.bytes + end - 2, ") ", 2) != 0) end--;
    if (end > 3) crpi_buf_put(&w->text, whole.bytes + 1, end - 3);
    if (whole.failed) w->failed = true;
    crpi_buf_free(&whole);
}

/* How an object is made, if scripts can do that. */
static void put_creator(writer *w, crpi_class *c, const char *name)
{
    crp_word creator = CRP_UNSET;
    const crpi_signature *s;
    if (!c->def || (!c->def->instance_size && !c->def->creator)) return;
    if (crpi_creator(w->vm, c->id, &creator)) return;
    const crpi_function *f = creator == CRP_UNSET ? NULL : crpi_function_of(creator);
    crpi_buf_format(&w->text, "```text\n(create %s", name);
    if (f && !crpi_function_signature(w->vm, crpi_function_of(creator), &s)) put_arguments(w, s);
    crpi_buf_text(&w->text, ")\n```\n\n");
    if (f && f->row) put_prose(&w->text, f->row->help);
    if (f && f->row) put_example(&w->text, f->row->help);
}

static void write_class(writer *w, const crpi_topic *topic)
{
    crpi_topics members;
    crpi_class *c = topic->of.type;
    crpi_topics_init(&members, w->vm, "", 0);
    crpi_topics_members(&members, c, 0);
    crpi_topics_arrange(&members);
    crpi_buf_format(&w->text, "# %s\n\n", topic->name);
    put_prose(&w->text, crpi_topic_help(topic));
    const char *other = c->def ? c->def->other_name : NULL;
    if (other) crpi_buf_format(&w->text, "Its other name is `%s`.\n\n", other);
    put_creator(w, c, topic->name);
    put_example(&w->text, crpi_topic_help(topic));
    put_names(w, &members, CRPI_TOPIC_PROPERTY, "Properties");
    put_names(w, &members, CRPI_TOPIC_METHOD, "Methods");
    put_members(w, &members, CRPI_TOPIC_PROPERTY, "Properties");
    put_members(w, &members, CRPI_TOPIC_METHOD, "Methods");
    if (members.failed) w->failed = true;
    crpi_topics_free(&members);

    crpi_buf file;
    crpi_buf_init(&file, &w->vm->mem, 0);
    crpi_buf_format(&file, "%s.md", topic->name);
    crpi_buf_byte(&file, 0);
    if (file.failed) w->failed = true;
    else finish_page(w, file.bytes);
    crpi_buf_free(&file);
}

static void each_class(writer *w, writes_topic write)
{
    for (size_t i = 0; i < w->names.count; i++) {
        const crpi_topic *topic = &w->names.items[i];
        if (is_shown(topic, CRPI_TOPIC_CLASS) && !is_second_name(w, topic)) write(w, topic);
    }
}

/* --- index.md ------------------------------------------------------------------------------------------- */

static const char introduction[] =
    "# Reference\n\n"
    "Made by `carapace doc` from the tables that the program itself works with. At the prompt `(help NAME)` "
    "shows the same.\n\n"
    "- [Forms](forms.md)\n"
    "- [Functions](functions.md)\n"
    "- [Classes](#classes): their properties and methods\n"
    "- [Errors](#errors): what their classes and codes mean\n\n"
    "## How to read an entry\n\n"
    "```text\n"
    "(extract (from Integer) (count Integer ?) ...) -> String\n"
    "```\n\n"
    "An argument is shown with its class and, if it may be left out, with the value that it has then; `?` "
    "stands for none. `A|B` is either class, Object any, and `...` any further arguments. Behind the arrow "
    "is the class of the result; `()` is no result. A property is shown with its class, and with what it may be "
    "set to.\n\n"
    "In an example `# -->` comes before the value of the form, `# prints:` before what it writes, `# error:` "
    "before class and code of the error that it raises. All examples are run by the tests of Carapace.\n\n";

static void put_errors(crpi_buf *out)
{
    crpi_buf_text(out, "## Errors\n\nAn entry names the errors that are its own, by class and code; these are "
                       "all. An argument of a wrong class (1.11), too many or too few of them (1.8), want of "
                       "memory (1.16) may come from any call.\n\n| class.code | | |\n|---|---|---|\n");
    for (const crpi_error_code *row = crpi_error_codes; row->name; row++) {
        if (row->code) crpi_buf_format(out, "| %d.%d | %s | ", row->error_class, row->code, row->name);
        else crpi_buf_format(out, "| **%d** | **%s** | ", row->error_class, row->name);
        put_words(out, row->meaning, strlen(row->meaning));
        crpi_buf_text(out, " |\n");
    }
    crpi_buf_byte(out, '\n');
}

static void put_class_line(writer *w, const crpi_topic *topic)
{
    const char *help = crpi_topic_help(topic);
    crpi_buf_format(&w->text, "- [%s](%s.md)%s", topic->name, topic->name, *help ? ": " : "");
    put_words(&w->text, help, crpi_help_sentence(help));
    crpi_buf_byte(&w->text, '\n');
}

static void put_function_name(writer *w, const crpi_topic *topic)
{
    crpi_buf_format(&w->text, " `%.*s`", (int)topic->length, topic->name);
}

static void write_index(writer *w)
{
    crpi_buf_text(&w->text, introduction);
    put_errors(&w->text);
    crpi_buf_text(&w->text, "## Classes\n\n");
    each_class(w, put_class_line);
    crpi_buf_text(&w->text, "\n## Functions\n\n");
    for (size_t i = 0; i < w->names.count; i++) {
        if (!is_first_of_noun(w, i)) continue;
        crpi_buf_format(&w->text, "- %s:", noun_of(w, &w->names.items[i]));
        each_of_noun(w, noun_of(w, &w->names.items[i]), put_function_name);
        crpi_buf_byte(&w->text, '\n');
    }
    finish_page(w, "index.md");
}

bool crpi_reference_pages(crp *vm, void (*page)(void *ud, const char *file, const char *text, size_t length),
                          void *ud)
{
    writer w = {.vm = vm, .page = page, .ud = ud};
    crpi_buf_init(&w.text, &vm->mem, 0);
    crpi_topics_init(&w.names, vm, "", 0);
    crpi_topics_names(&w.names);
    crpi_topics_sort(&w.names); /* which drops what comes twice */
    crpi_topics_arrange(&w.names);
    write_index(&w);
    each_class(&w, write_class);
    write_forms(&w);
    write_functions(&w);
    bool failed = w.failed || w.names.failed;
    crpi_topics_free(&w.names);
    crpi_buf_free(&w.text);
    crp_clear_error(vm);
    return !failed;
}
