/* floor 7: class Registry: a section of the configuration files, as a hive shows it (hive.h). */
#include "lib.h"

#include <string.h>
#include "hive.h"

enum { MOST_SECTION = 1000, MOST_NAME = 255 }; /* bytes */

typedef struct registry {
    crp_object h;
    crp_word section, name; /* Strings: of the section, of the hive */
    crpi_hive hive;
} registry;

static registry *self_registry(const crp_call *c) { return (registry *)crp_object_of(c->self); }

static bool is_empty(crp_word string)
{
    size_t n;
    crp_string_data(string, &n);
    return n == 0;
}

/* --- create --------------------------------------------------------------------------------------------- */

/* Neither control bytes nor what ends a name in a file; no blanks at the ends. */
static bool is_good_text(const char *text, size_t n, const char *forbidden)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F || strchr(forbidden, text[i])) return false;
    return n == 0 || (text[0] != ' ' && text[n - 1] != ' ');
}

static crp_status check_section(crp *vm, crp_word section)
{
    size_t n;
    const char *text = crp_string_data(section, &n);
    bool good = n <= MOST_SECTION && is_good_text(text, n, "[]");
    for (size_t i = 0; good && i < n; i++)
        good = text[i] != '/' || (i > 0 && i + 1 < n && text[i + 1] != '/');
    if (good) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "%v cannot be the name of a section: names divided by single slashes are expected, at "
                     "most %d bytes, without control characters, [ and ]",
                     section, (int)MOST_SECTION);
}

/* The Registry of a section of a hive. */
static void fill(crp *vm, registry *r, crp_word section, crp_word name, const crpi_hive *hive)
{
    crp_store(vm, &r->h, &r->section, section);
    crp_store(vm, &r->h, &r->name, name);
    crp_store(vm, &r->h, &r->hive.files, hive->files);
    crp_store(vm, &r->h, &r->hive.file, hive->file);
    r->hive.system = hive->system;
}

static crp_status create(crp_call *c)
{
    crpi_hive hive;
    crp_status st = check_section(c->vm, c->args[0]);
    if (!st) st = crpi_hive_named(c->vm, c->args[1], &hive);
    if (!st) fill(c->vm, self_registry(c), c->args[0], c->args[1], &hive);
    return st;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* What a method asks of the section, if it is there. */
typedef crp_status (*asking)(crp_call *, const crpi_conf *, long section);

static crp_status ask(crp_call *c, asking question)
{
    const registry *r = self_registry(c);
    crpi_confs files;
    long line;
    crp_status st = crpi_hive_read(c->vm, &r->hive, &files);
    int i = st ? -1 : crpi_confs_find(&files, r->section, &line);
    if (i >= 0) st = question(c, &files.all[i], line);
    crpi_confs_free(&files);
    return st;
}

/* The name of an attribute: 1.8 if a file could not hold it. */
static crp_status attribute_name(crp *vm, crp_word w, const char **text, size_t *n)
{
    crp_status st = crpi_lib_name(vm, w, text, n);
    if (st) return st;
    bool good = *n <= MOST_NAME && is_good_text(*text, *n, "=") && !(*n && strchr("#[@", **text));
    if (good) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "%v cannot be the name of an attribute: at most %d bytes are expected, without = and "
                     "control characters, and no # [ or @ at the beginning",
                     w, (int)MOST_NAME);
}

static crp_status find_attribute(crp_call *c, const crpi_conf *f, long section, long *line)
{
    size_t n;
    const char *name;
    crp_status st = attribute_name(c->vm, c->args[0], &name, &n);
    *line = st ? CRPI_NO_LINE : crpi_conf_find(f, section, name, n);
    return st;
}

static crp_status value_of(crp_call *c, const crpi_conf *f, long section)
{
    long line;
    crp_status st = find_attribute(c, f, section, &line);
    return st || line == CRPI_NO_LINE ? st : crpi_conf_value(f, line, &c->result);
}

static crp_status get(crp_call *c)
{
    c->result = c->args[1];
    return ask(c, value_of);
}

static crp_status is_attribute(crp_call *c, const crpi_conf *f, long section)
{
    long line;
    crp_status st = find_attribute(c, f, section, &line);
    c->result = crp_bool(line != CRPI_NO_LINE);
    return st;
}

static crp_status has(crp_call *c) { return ask(c, is_attribute); }

static crp_status name_of(const crpi_conf *f, long line, crp_word *out)
{
    size_t n;
    const char *text = crpi_conf_name(f, line, &n);
    return crp_string(f->vm, text, n, out);
}

/* The line that counts for each name of the section: a HashTable. */
static crp_status last_lines(const crpi_conf *f, long section, crp_word *table)
{
    crp_status st = crp_hashtable(f->vm, table);
    crp_word name;
    long end = crpi_conf_section_end(f, section);
    for (long i = section + 1; !st && i < end; i++) {
        if (!f->lines[i].pair) continue;
        st = name_of(f, i, &name);
        if (!st) st = crp_hashtable_set(f->vm, *table, name, crp_fixnum(i));
    }
    return st;
}

/* Calls `each` for every attribute, in the order of the file. */
static crp_status each_attribute(crp_call *c, const crpi_conf *f, long section,
                                 crp_status (*each)(crp_call *, crp_word name, crp_word value, void *),
                                 void *ud)
{
    crp_word name, value, last, table;
    long end = crpi_conf_section_end(f, section);
    crp_status st = last_lines(f, section, &table);
    for (long i = section + 1; !st && i < end; i++) {
        if (!f->lines[i].pair || (st = name_of(f, i, &name))) continue;
        if (!crp_hashtable_get(c->vm, table, name, &last) || last != crp_fixnum(i)) continue;
        st = crpi_conf_value(f, i, &value);
        if (!st) st = each(c, name, value, ud);
    }
    return st;
}

static crp_status add_name(crp_call *c, crp_word name, crp_word value, void *list)
{
    (void)value;
    return crp_list_add(c->vm, list, name);
}

static crp_status add_pair(crp_call *c, crp_word name, crp_word value, void *list)
{
    crp_word pair, both[] = {name, value};
    crp_status st = crp_list(c->vm, both, 2, &pair);
    return st ? st : crp_list_add(c->vm, list, pair);
}

static crp_status add_entry(crp_call *c, crp_word name, crp_word value, void *ud)
{
    (void)ud;
    return crp_hashtable_set(c->vm, c->result, name, value);
}

static crp_status names_of(crp_call *c, const crpi_conf *f, long section)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_status st = each_attribute(c, f, section, add_name, &list);
    c->result = list.first;
    return st;
}

static crp_status pairs_of(crp_call *c, const crpi_conf *f, long section)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_status st = each_attribute(c, f, section, add_pair, &list);
    c->result = list.first;
    return st;
}

static crp_status entries_of(crp_call *c, const crpi_conf *f, long section)
{
    return each_attribute(c, f, section, add_entry, NULL);
}

static crp_status attributes(crp_call *c) { return ask(c, names_of); }
static crp_status pairs(crp_call *c) { return ask(c, pairs_of); }

static crp_status values(crp_call *c)
{
    bool given = crpi_lib_given(c, 0) && c->args[0] != CRP_NIL;
    c->result = given ? c->args[0] : CRP_NIL;
    crp_status st = given ? CRP_OK : crp_hashtable(c->vm, &c->result);
    return st ? st : ask(c, entries_of);
}

/* --- sections ------------------------------------------------------------------------------------------- */

/* Where the name of the line goes on below the section: false: it is not below it. */
static bool is_below(const crpi_conf *f, const crpi_conf_line *l, crp_word section, size_t *from)
{
    size_t n;
    const char *text = crp_string_data(section, &n), *name = f->text.bytes + l->name;
    *from = l->name + (n ? n + 1 : 0);
    if (!l->section || l->name_end <= *from) return false;
    return n == 0 || (memcmp(name, text, n) == 0 && name[n] == '/');
}

static crp_status add_child(const crpi_conf *f, size_t from, size_t to, crp_word seen, crp_list_builder *list)
{
    const char *name = f->text.bytes + from, *slash = memchr(name, '/', to - from);
    crp_word child, known;
    crp_status st = crp_string(f->vm, name, slash ? (size_t)(slash - name) : to - from, &child);
    if (st || crp_hashtable_get(f->vm, seen, child, &known)) return st;
    st = crp_hashtable_set(f->vm, seen, child, CRP_TRUE);
    return st ? st : crp_list_add(f->vm, list, child);
}

static crp_status add_children(const crpi_conf *f, crp_word section, crp_word seen, crp_list_builder *list)
{
    crp_status st = CRP_OK;
    size_t from;
    for (size_t i = 0; !st && i < f->count; i++)
        if (is_below(f, &f->lines[i], section, &from))
            st = add_child(f, from, f->lines[i].name_end, seen, list);
    return st;
}

static crp_status list_children(crp *vm, const registry *r, crp_list_builder *list)
{
    crpi_confs files;
    crp_word seen;
    crp_status st = crp_hashtable(vm, &seen);
    if (st) return st;
    st = crpi_hive_read(vm, &r->hive, &files);
    for (int i = 0; !st && i < files.count; i++) st = add_children(&files.all[i], r->section, seen, list);
    crpi_confs_free(&files);
    return st;
}

static crp_status sections(crp_call *c)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_status st = list_children(c->vm, self_registry(c), &list);
    c->result = list.first;
    return st;
}

static crp_status get_exists(crp *vm, crp_object *o, crp_word *out)
{
    const registry *r = (registry *)o;
    crpi_confs files;
    size_t from;
    long line;
    crp_status st = crpi_hive_read(vm, &r->hive, &files);
    bool found = !st && (is_empty(r->section) || crpi_confs_find(&files, r->section, &line) >= 0);
    for (int i = 0; !st && !found && i < files.count; i++)
        for (size_t k = 0; !found && k < files.all[i].count; k++)
            found = is_below(&files.all[i], &files.all[i].lines[k], r->section, &from);
    crpi_confs_free(&files);
    *out = crp_bool(found);
    return st;
}

static crp_status source(crp_call *c)
{
    const registry *r = self_registry(c);
    crpi_confs files;
    long line;
    crp_status st = crpi_hive_read(c->vm, &r->hive, &files);
    int found = st ? -1 : crpi_confs_find(&files, r->section, &line);
    if (!st) st = crp_string_z(c->vm, found < 0 ? "" : files.all[found].path, &c->result);
    crpi_confs_free(&files);
    return st;
}

/* --- changing ------------------------------------------------------------------------------------------- */

static crp_status change(crp_call *c, crp_word section, bool seen, crpi_changing what)
{
    return crpi_hive_change(c, c->state, &self_registry(c)->hive, section, seen, what);
}

static crp_status must_be_a_section(crp_call *c)
{
    if (!is_empty(self_registry(c)->section)) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                     "attributes belong to a section, and this Registry stands above all of them");
}

static crp_status set_in(crp_call *c, crpi_conf *f, const char *section, size_t n, bool *changed)
{
    size_t length;
    const char *name;
    *changed = true;
    crp_status st = attribute_name(c->vm, c->args[0], &name, &length);
    if (!st) st = crpi_conf_add_section(f, section, n);
    return st ? st : crpi_conf_set(f, crpi_conf_section(f, section, n), name, length, c->args[1]);
}

static crp_status set(crp_call *c)
{
    crp_word w = c->args[1];
    size_t n;
    const char *name;
    crp_status st = must_be_a_section(c);
    if (!st) st = attribute_name(c->vm, c->args[0], &name, &n);
    if (!st && !crp_is_string(w) && !crp_is_integer(w) && w != CRP_TRUE && w != CRP_NIL)
        st = crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                       "a configuration holds Strings, Integers, true and (), given %n %v", w, w);
    return st ? st : change(c, self_registry(c)->section, true, set_in);
}

/* All lines of that name go: an earlier one would come to count. */
static crp_status remove_in(crp_call *c, crpi_conf *f, const char *section, size_t n, bool *changed)
{
    size_t length;
    const char *name;
    long at = crpi_conf_section(f, section, n);
    crp_status st = attribute_name(c->vm, c->args[0], &name, &length);
    long end = st || at == CRPI_NO_LINE ? 0 : crpi_conf_section_end(f, at);
    for (long i = at + 1; i < end; i++)
        if (crpi_conf_sets(f, i, name, length)) f->lines[i].gone = *changed = true;
    c->result = crp_bool(*changed);
    return st || !*changed ? st : crpi_conf_sweep(f);
}

static crp_status remove_attribute(crp_call *c)
{
    size_t n;
    const char *name;
    crp_status st = attribute_name(c->vm, c->args[0], &name, &n);
    return st ? st : change(c, self_registry(c)->section, true, remove_in);
}

/* --- changing sections ---------------------------------------------------------------------------------- */

/* The name of a section below this one. */
static crp_status below(crp_call *c, crp_word *section)
{
    const registry *r = self_registry(c);
    if (is_empty(c->args[0]))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "the name of the section is empty");
    *section = c->args[0];
    crp_status st = check_section(c->vm, *section);
    if (st || is_empty(r->section)) return st;
    st = crp_format(c->vm, section, "%p/%p", r->section, c->args[0]);
    return st ? st : check_section(c->vm, *section);
}

static crp_status add_section(crp_call *c, crpi_conf *f, const char *section, size_t n, bool *changed)
{
    (void)c;
    *changed = crpi_conf_section(f, section, n) == CRPI_NO_LINE;
    return crpi_conf_add_section(f, section, n);
}

static crp_status new_registry(crp_call *c, crp_word section)
{
    const registry *r = self_registry(c);
    crp_status st = crp_new_object(c->vm, crp_class_of(c->self), &c->result);
    if (!st) fill(c->vm, (registry *)crp_object_of(c->result), section, r->name, &r->hive);
    return st;
}

static crp_status create_section(crp_call *c)
{
    crp_word section;
    crp_status st = below(c, &section);
    if (!st) st = change(c, section, true, add_section);
    return st ? st : new_registry(c, section);
}

static bool is_section(const crpi_conf *f, const crpi_conf_line *l, const char *name, size_t n)
{
    return l->section && l->name_end - l->name == n && memcmp(f->text.bytes + l->name, name, n) == 0;
}

/* The section and all below it; comments behind its last line belong to what follows. */
static crp_status remove_sections(crp_call *c, crpi_conf *f, const char *section, size_t n, bool *changed)
{
    crp_word whole;
    size_t from;
    crp_status st = crp_string(c->vm, section, n, &whole);
    for (long i = 0; !st && i < (long)f->count; i++) {
        if (!is_section(f, &f->lines[i], section, n) && !is_below(f, &f->lines[i], whole, &from)) continue;
        *changed = true;
        for (long last = crpi_conf_last(f, i); i <= last; i++) f->lines[i].gone = true;
        i--;
    }
    c->result = crp_bool(*changed);
    return st || !*changed ? st : crpi_conf_sweep(f);
}

static crp_status remove_section(crp_call *c)
{
    crp_word section;
    crp_status st = below(c, &section);
    return st ? st : change(c, section, false, remove_sections);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define WORD(name, class, field, help)                                                                       \
    {                                                                                                        \
        name, class, CRP_READ, offsetof(registry, field), NULL, NULL, help, NULL, NULL                       \
    }

static const crp_property properties[] = {
    WORD("section", "String", section,
         "the name of the section, \"\" for what is above all of them\n"
         "r.section                          # --> \"Services/Office\""),
    WORD("hive", "String", name,
         "the hive, \"\" if all files are seen\n"
         "r.hive                             # --> \"CarapaceConfig\""),
    WORD("file", "String", hive.file,
         "the file that changes go to\n"
         "r.file                             # --> \"office.conf\""),
    WORD("files", "List", hive.files,
         "the files that are read, whether they exist or not; a later one wins\n"
         "r.files                            # --> (\"office.conf\")"),
    {"exists", "Object", CRP_READ, 0, NULL, NULL,
     "true if there is such a section, or one below it, else ()\n"
     "r.exists                           # --> ()",
     get_exists, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}
#define CHANGES(name, spec, fn, help) {name, spec, fn, help, sizeof(crpi_change), NULL, crpi_change_drop}
#define READING " 4.1 for a bad line, with its place, 5.1 5.3 if a file cannot be read."
#define WRITING " 5.1 5.4 5.6 if the file cannot be written."

static const crp_method methods[] = {
    CHANGES("set", "NIL (attribute Symbol|String) value", set,
            "Sets an attribute to a String, an Integer, true or (); \"\" is the default value of the "
            "section. The section, the file and its folders are made if need be, and all else in the file "
            "stays as it is. 1.11 for another value, 1.8 for a name that a file could not hold, 1.2 if the "
            "file of CARAPACE_CONFIG has "
            "the section and would hide the change." READING WRITING "\n"
            "(r.set \"host\" \"mail.example.org\")\n"
            "(r.set 'port 995)\n"
            "(r.set \"\" \"what the office uses\")"),
    ROW("get", "Object (attribute Symbol|String \"\") (default Object NIL)", get,
        "The value of an attribute, without a name the default value of the section; what `default` says "
        "where "
        "there is none." READING "\n"
        "(r.get \"port\")                     # --> 995\n"
        "(r.get \"user\" \"fred\")              # --> \"fred\"\n"
        "(r.get)                            # --> \"what the office uses\""),
    ROW("has", "Object (attribute Symbol|String \"\")", has,
        "true if there is such an attribute, else ()." READING "\n"
        "(r.has \"user\")                     # --> ()"),
    ROW("source", "String", source,
        "The file that the section is read from; \"\" if none has it." READING "\n"
        "(r.source)                         # --> \"office.conf\""),
    ROW("attributes", "List", attributes,
        "The names of the attributes, in the order of the file; \"\" is the default value." READING "\n"
        "(r.attributes)                     # --> (\"host\" \"port\" \"\")"),
    ROW("list", "List", pairs,
        "Pairs of name and value, in the order of the file." READING "\n"
        "(headOf (r.list))                  # --> (\"host\" \"mail.example.org\")"),
    ROW("values", "HashTable (table HashTable ?)", values,
        "Puts the attributes and their values into a HashTable, a new one if none is given, and gives it."
        READING "\n"
        "((r.values).get \"host\")            # --> \"mail.example.org\""),
    CHANGES("createSection", "Registry (name String)", create_section,
            "Makes a section below this one, if it is not there yet, and gives a Registry of it. 1.8 for a "
            "name "
            "that a file could not hold." READING WRITING "\n"
            "((r.createSection \"Night\").section)  # --> \"Services/Office/Night\""),
    ROW("sections", "List", sections,
        "The names of the sections below this one, without those below them." READING "\n"
        "(r.sections)                       # --> (\"Night\")\n"
        "((create Registry \"\" \"CarapaceConfig\").sections)  # --> (\"Services\")"),
    CHANGES("remove", "Object (attribute Symbol|String \"\")", remove_attribute,
            "Removes an attribute: true, or () if it was not there." READING WRITING "\n"
            "(r.remove \"port\")                  # --> true\n"
            "(r.remove \"port\")                  # --> ()"),
    CHANGES("removeSection", "Object (name String)", remove_section,
            "Removes a section below this one, with all that are below it: true, or () if the file did not "
            "have "
            "it." READING WRITING "\n"
            "(r.removeSection \"Night\")          # --> true"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Registry", "NIL (section String) (hive String \"\")", create,
        "A section, whether it exists or not: its name, divided by slashes, and the hive: LocalMachine is "
        "/etc/carapace.conf, CurrentUser is carapace/carapace.conf in XDG_CONFIG_HOME or ~/.config, "
        "CarapaceConfig is the file that CARAPACE_CONFIG names. Without a hive all three are seen, a section "
        "of a later file in place of that of an earlier one, and changes go to CurrentUser. 1.12 for the "
        "other hives of Windows, 4.1 if there is no such file to be named, 1.8 for a name that a file could "
        "not hold.");

static const crp_class_def registry_class = {
    .size = sizeof(crp_class_def),
    .name = "Registry",
    .help = "A section of the configuration files. Each call reads the files as they are then; each change "
            "replaces its file whole.\n"
            "(putenv \"CARAPACE_CONFIG\" \"office.conf\")\n"
            "(set r (create Registry \"Services/Office\" \"CarapaceConfig\"))",
    .instance_size = sizeof(registry),
    .properties = properties,
    .methods = methods,
    .creator = &creator,
};

crp_status crpi_lib_registry(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &registry_class, &id);
}
