/* floor 7: the names of files, as text: nothing here looks at the disk.
 *
 * A name is parts divided by slashes, and a row of slashes is one.  No error but 1.11 for what is no String.
 */
#include "lib.h"

#include <string.h>

/* A run of a String's bytes. */
typedef struct run {
    const char *at;
    size_t n;
} run;

static run text_of(crp_word w)
{
    run r;
    r.at = crp_string_data(w, &r.n);
    return r;
}

static crp_status give(crp_call *c, run r) { return crp_string(c->vm, r.at, r.n, &c->result); }

/* Without the slashes at its end; one stays where there is nothing else. */
static run without_slashes(run r)
{
    while (r.n > 1 && r.at[r.n - 1] == '/') r.n--;
    return r;
}

/* How many bytes stand before the last part. */
static size_t before_last(run r)
{
    size_t n = r.n;
    while (n > 0 && r.at[n - 1] != '/') n--;
    return n;
}

static run last_part(run path)
{
    run r = without_slashes(path);
    size_t before = before_last(r);
    if (r.n == 1) return r;
    return (run){r.at + before, r.n - before};
}

static crp_status base_name(crp_call *c)
{
    run name = last_part(text_of(c->args[0])), ending = text_of(c->args[1]);
    bool ends = ending.n < name.n && memcmp(name.at + name.n - ending.n, ending.at, ending.n) == 0;
    if (ends) name.n -= ending.n;
    return give(c, name);
}

static crp_status dir_name(crp_call *c)
{
    run path = without_slashes(text_of(c->args[0]));
    size_t before = before_last(path);
    if (before == 0) return crp_string_z(c->vm, ".", &c->result);
    return give(c, without_slashes((run){path.at, before}));
}

/* From the last dot on, if there is something on both sides of it. */
static crp_status extension(crp_call *c)
{
    run name = last_part(text_of(c->args[0]));
    size_t dot = name.n;
    while (dot > 0 && name.at[dot - 1] != '.') dot--;
    if (dot <= 1 || dot == name.n) return crp_string_z(c->vm, "", &c->result);
    return give(c, (run){name.at + dot - 1, name.n - dot + 1});
}

static void add_part(crpi_buf *b, run part)
{
    bool divided = b->length > 0 && b->bytes[b->length - 1] == '/';
    if (b->length > 0)
        for (; part.n > 0 && *part.at == '/'; part.at++) part.n--;
    if (part.n == 0) return;
    if (b->length > 0 && !divided) crpi_buf_byte(b, '/');
    crpi_buf_put(b, part.at, part.n);
}

static crp_status join_path(crp_call *c)
{
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (uint32_t i = 0; i < c->count; i++) {
        if (!crp_is_string(c->args[i])) {
            crpi_buf_free(&b);
            return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH,
                             "joinPath: expected a String, given %n %v", c->args[i], c->args[i]);
        }
        add_part(&b, text_of(c->args[i]));
    }
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    ROW("joinPath", "String ...", join_path,
        "The parts of a file name with one slash between each two. Empty ones are left out, and only the "
        "first can make it begin with a slash. 1.11 for a part that is no String.\n"
        "(joinPath \"mail\" \"in\" \"1.eml\")    # --> \"mail/in/1.eml\"\n"
        "(joinPath \"/var/\" \"/mail\")         # --> \"/var/mail\""),
    ROW("baseName", "String (filePath String) (ending String \"\")", base_name,
        "The last part of a file name, without `ending` if it ends so and is longer.\n"
        "(baseName \"mail/in/1.eml\")         # --> \"1.eml\"\n"
        "(baseName \"mail/in/1.eml\" \".eml\")  # --> \"1\""),
    ROW("dirName", "String (filePath String)", dir_name,
        "The directory that a file name names: all but its last part; \".\" if it has only one.\n"
        "(dirName \"mail/in/1.eml\")          # --> \"mail/in\"\n"
        "(dirName \"1.eml\")                  # --> \".\""),
    ROW("fileExtension", "String (filePath String)", extension,
        "The end of a file name from its last dot on, \"\" if it has none. A dot that the name begins or "
        "ends with does not count.\n"
        "(fileExtension \"mail.tar.gz\")      # --> \".gz\"\n"
        "(fileExtension \".profile\")         # --> \"\""),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_path_names(crp *vm) { return crp_define_functions(vm, functions); }
