/* One table says what there is: parsing and --help read it. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "number.h"

static bool take_load(crpi_options *o, const char *name)
{
    return (o->loads[o->load_count++] = strdup(name)) != NULL;
}

static bool take_form(crpi_options *o, const char *form) { return o->forms[o->form_count++] = form, true; }
static bool take_folder(crpi_options *o, const char *name)
{
    return (o->path[o->path_count++] = strdup(name)) != NULL;
}

static bool take_print(crpi_options *o, const char *none) { return (void)none, o->print = true; }
static bool take_prompt(crpi_options *o, const char *none) { return (void)none, o->then_prompt = true; }
static bool take_check(crpi_options *o, const char *none) { return (void)none, o->check_only = true; }
static bool take_quiet(crpi_options *o, const char *none) { return (void)none, o->repl.quiet = true; }
static bool take_no_init(crpi_options *o, const char *none) { return (void)none, o->repl.no_init = true; }
static bool take_help(crpi_options *o, const char *none) { return (void)none, o->help = true; }
static bool take_version(crpi_options *o, const char *none) { return (void)none, o->version = true; }

/* The place of `word` in a list that ends with NULL; -1: it is not there. */
static int one_of(const char *word, const char *const *list)
{
    for (int i = 0; list[i]; i++)
        if (strcmp(word, list[i]) == 0) return i;
    return -1;
}

static bool take_colour(crpi_options *o, const char *when)
{
    static const char *const names[] = {"auto", "always", "never", NULL};
    int i = one_of(when, names);
    if (i >= 0) o->colour = (enum crpi_colour)i;
    return i >= 0;
}

static bool take_error_format(crpi_options *o, const char *format)
{
    static const char *const names[] = {"human", "json", "gcc", NULL};
    int i = one_of(format, names);
    if (i >= 0) o->errors = (enum crpi_error_format)i;
    return i >= 0;
}

/* A whole number and one of the units; a number alone has the first one. */
static bool parse_quantity(const char *text, const char *const *units, const int64_t *factors, int64_t *out)
{
    bool overflow;
    size_t digits = strspn(text, "0123456789");
    if (!digits || !crpi_parse_integer(text, digits, out, &overflow)) return false;
    int unit = text[digits] ? one_of(text + digits, units) : 0;
    return unit >= 0 && *out > 0 && !__builtin_mul_overflow(*out, factors[unit], out);
}

static bool parse_time(const char *text, int64_t *milliseconds)
{
    static const char *const units[] = {"s", "ms", "m", "h", NULL};
    static const int64_t factors[] = {1000, 1, 60 * 1000, 60 * 60 * 1000};
    return parse_quantity(text, units, factors, milliseconds);
}

static bool take_deadline(crpi_options *o, const char *text) { return parse_time(text, &o->deadline); }
static bool take_timeout(crpi_options *o, const char *text) { return parse_time(text, &o->test.timeout); }
static bool take_filter(crpi_options *o, const char *text) { return o->test.filter = text, true; }
static bool take_test_help(crpi_options *o, const char *none) { return (void)none, o->test.help = true; }

static bool take_max_heap(crpi_options *o, const char *text)
{
    static const char *const units[] = {"", "K", "M", "G", NULL};
    static const int64_t factors[] = {1, 1 << 10, 1 << 20, 1 << 30};
    int64_t bytes;
    if (!parse_quantity(text, units, factors, &bytes)) return false;
    o->max_heap = (uint64_t)bytes;
    return true;
}

static bool take_jobs(crpi_options *o, const char *text)
{
    static const char *const units[] = {"", NULL};
    static const int64_t factors[] = {1};
    int64_t jobs;
    if (!parse_quantity(text, units, factors, &jobs) || jobs > CRPI_TESTER_MOST_JOBS) return false;
    o->test.jobs = (int)jobs;
    return true;
}

/* One whose name ends with `=` has its value behind it, one with a `value` in the next argument; one without
 * help is another name of the next.  --help prints these tables, which end with a row without a name. */
typedef struct option {
    const char *name, *value, *help;
    bool (*take)(crpi_options *, const char *value);
} option;

static const option option_table[] = {
    {"-load", "FILE", "load FILE first; may be given several times", take_load},
    {"-e", "FORM", "evaluate FORM; may be given several times", take_form},
    {"-p", NULL, "print the value of each FORM", take_print},
    {"-i", NULL, "prompt for more after FILE or FORM", take_prompt},
    {"-c", NULL, "read, compile and check FILE; run only what defines", take_check},
    {"-I", "DIR", "look for loaded files in DIR too", take_folder},
    {"-q", NULL, "no greeting", take_quiet},
    {"-n", NULL, "no init file", take_no_init},
    {"--color=", "auto|always|never", "when to write in colour", take_colour},
    {"--error-format=", "human|json|gcc", "how errors are written", take_error_format},
    {"--deadline=", "TIME", "end with status 124 after TIME: 500ms, 30s, 5m, 1h", take_deadline},
    {"--max-heap=", "SIZE", "use at most SIZE bytes of memory: 512K, 64M, 2G", take_max_heap},
    {"-h", NULL, NULL, take_help},
    {"--help", NULL, "this text", take_help},
    {"-V", NULL, NULL, take_version},
    {"--version", NULL, "the version", take_version},
    {NULL, NULL, NULL, NULL},
};

static const option test_table[] = {
    {"--timeout=", "TIME", "end a file that takes longer: 500ms, 30s (the default), 5m", take_timeout},
    {"--jobs=", "N", "run N files at a time", take_jobs},
    {"--filter=", "TEXT", "run only the tests with TEXT in their name", take_filter},
    {"-h", NULL, NULL, take_test_help},
    {"--help", NULL, "this text", take_test_help},
    {NULL, NULL, NULL, NULL},
};

static const option *find_option(const option *table, const char *argument, const char **value)
{
    for (const option *o = table; o->name; o++) {
        size_t length = strlen(o->name);
        bool equals = o->name[length - 1] == '=';
        if (strncmp(argument, o->name, length) != 0 || (!equals && argument[length])) continue;
        *value = equals ? argument + length : NULL;
        return o;
    }
    return NULL;
}

static bool wrong_use(const char *argument, const char *why)
{
    char text[512];
    snprintf(text, sizeof text, "%s (try --help)", why);
    crpi_output_complain(argument, text);
    return false;
}

/* Options are matched whole and end at the first argument that is none. */
static bool parse_options(crpi_options *o, const option *table)
{
    for (; o->operand < o->argc; o->operand++) {
        const char *argument = o->argv[o->operand], *value;
        if (argument[0] != '-' || !argument[1]) return true;
        if (strcmp(argument, "--") == 0) return o->operand++, true;
        const option *found = find_option(table, argument, &value);
        if (!found) return wrong_use(argument, "unknown option");
        if (found->value && !value) {
            if (o->operand + 1 >= o->argc) return wrong_use(argument, "needs an argument");
            value = o->argv[++o->operand];
        }
        if (!found->take(o, value)) return wrong_use(argument, "not a value of this option");
    }
    return true;
}

/* -p FORM is short for -p -e FORM; -c needs a file. */
static bool settle_options(crpi_options *o)
{
    if (o->print && !o->form_count && o->operand < o->argc) take_form(o, o->argv[o->operand++]);
    if (o->print && !o->form_count) return wrong_use("-p", "needs a FORM");
    if (o->check_only && (o->operand == o->argc || o->form_count)) return wrong_use("-c", "needs a FILE");
    return true;
}

void crpi_options_free(crpi_options *o)
{
    for (int i = 0; i < o->load_count; i++) free(o->loads[i]);
    for (int i = 0; i < o->path_count; i++) free(o->path[i]);
    free(o->loads);
    free(o->forms);
    free(o->path);
}

static bool allocate_lists(crpi_options *o)
{
    size_t most = (size_t)o->argc + 1;
    o->loads = calloc(most, sizeof *o->loads);
    o->forms = calloc(most, sizeof *o->forms);
    o->path = calloc(most, sizeof *o->path);
    return o->loads && o->forms && o->path;
}

static void print_table(const option *table)
{
    char line[200], head[100];
    const char *alias = "";
    for (const option *o = table; o->name; o++) {
        bool equals = o->name[strlen(o->name) - 1] == '=';
        snprintf(head, sizeof head, "%s%s%s%s%s", alias, *alias ? ", " : "", o->name,
                 o->value && !equals ? " " : "", o->value ? o->value : "");
        snprintf(line, sizeof line, "  %-30s %s\n", head, o->help ? o->help : "");
        alias = o->help ? "" : o->name;
        if (o->help) crpi_output_text(1, line);
    }
}

void crpi_options_help(void)
{
    crpi_output_text(1, "Usage: carapace [OPTION...] [FILE | -] [ARG...]\n"
                        "       carapace [OPTION...] test [OPTION...] PATH...\n"
                        "       carapace doc [FOLDER]\n\n"
                        "Runs the script FILE, or `-` for the standard input.  Without FILE and FORM it\n"
                        "prompts if the standard input is a terminal, else runs it.  What follows FILE\n"
                        "belongs to the script.\n\n");
    print_table(option_table);
    crpi_output_text(1, "\n`carapace test` runs tests (carapace test --help), `carapace doc` writes the\n"
                        "pages about forms, functions and classes.\n\n"
                        "Status: 0; 1 an error that nobody caught; 2 wrong use, or FILE cannot be read;\n"
                        "3 does not compile; 124 the deadline; what (stop n) says.\n");
}

void crpi_options_help_test(void)
{
    crpi_output_text(1, "Usage: carapace test [OPTION...] PATH...\n\n"
                        "Runs tests and prints TAP.  A PATH is a script with (test \"sentence\" form...)\n"
                        "in it, a page in Markdown whose ```carapace blocks are examples, or a folder of\n"
                        ".crp and .md files; names that begin with _ or . are left out there.\n\n");
    print_table(test_table);
    crpi_output_text(1, "\nStatus: 0 all tests passed; 1 one did not; 2 wrong use.\n");
}

bool crpi_options_parse(crpi_options *o)
{
    o->operand = 1;
    o->test = (crpi_tester_options){.timeout = CRPI_TESTER_TIMEOUT, .jobs = 1};
    return allocate_lists(o) && parse_options(o, option_table) && settle_options(o);
}

/* Examples are run in folders of their own, where a relative name would mean something else. */
static void make_absolute(char **names, int count)
{
    for (int i = 0; i < count; i++) {
        char *absolute = realpath(names[i], NULL);
        if (!absolute) continue;
        free(names[i]);
        names[i] = absolute;
    }
}

bool crpi_options_parse_test(crpi_options *o)
{
    o->operand++;
    if (!parse_options(o, test_table)) return false;
    make_absolute(o->loads, o->load_count);
    make_absolute(o->path, o->path_count);
    return o->test.help || o->operand < o->argc || wrong_use("test", "needs a PATH");
}
