/* Cutting texts into trees, and growing programs from them. */
#include "tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_TEXT = 60000 /* bytes of a program */, MAX_LEVELS = 400, LONGEST_FILE = 20000 };

static void *must(void *p)
{
    if (!p) {
        perror("mutate");
        exit(2);
    }
    return p;
}

static char *cut(const char *from, size_t n)
{
    char *text = must(malloc(n + 1));
    memcpy(text, from, n);
    text[n] = 0;
    return text;
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

static node *new_node(const char *before, size_t n, int is_list)
{
    node *x = must(calloc(1, sizeof *x));
    x->before = cut(before, n);
    x->behind = cut("", 0);
    x->is_list = is_list;
    return x;
}

static void insert(node *list, size_t at, node *item)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 4;
        list->items = must(realloc(list->items, list->room * sizeof *list->items));
    }
    memmove(list->items + at + 1, list->items + at, (list->count++ - at) * sizeof *list->items);
    list->items[at] = item;
}

static node *take_out(node *list, size_t at)
{
    node *x = list->items[at];
    memmove(list->items + at, list->items + at + 1, (--list->count - at) * sizeof *list->items);
    return x;
}

static void free_node(node *x)
{
    for (size_t i = 0; i < x->count; i++) free_node(x->items[i]);
    free(x->items);
    free(x->before);
    free(x->behind);
    free(x);
}

static node *copy_node(const node *x)
{
    node *y = new_node(x->before, strlen(x->before), x->is_list);
    free(y->behind);
    y->behind = cut(x->behind, strlen(x->behind));
    for (size_t i = 0; i < x->count; i++) insert(y, i, copy_node(x->items[i]));
    return y;
}

/* --- text to tree ----------------------------------------------------------------------------------------------- */

static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end) at++;
    return at < end ? at + 1 : end;
}

static const char *skip_blank(const char *at, const char *end)
{
    while (at < end && (strchr(" \t\r\n\f", *at) || *at == '#')) {
        if (*at == '#') at = memchr(at, '\n', (size_t)(end - at));
        if (!at) return end;
        at++;
    }
    return at;
}

/* Up to a blank or a bracket; strings are skipped whole. */
static const char *skip_atom(const char *at, const char *end)
{
    while (at < end && *at && !strchr(" \t\r\n\f()#", *at)) at = *at == '"' ? skip_string(at, end) : at + 1;
    return at < end && !*at ? at + 1 : at;
}

static node *read_items(const char **at, const char *end, int level);

static node *read_node(const char **at, const char *end, int level)
{
    const char *from = *at, *to = skip_atom(from, end);
    *at = to;
    if (to == end || *to != '(' || level > MAX_LEVELS) {
        if (to == from) *at = to + 1; /* a bracket too many */
        return new_node(from, (size_t)(*at - from), 0);
    }
    ++*at;
    node *list = read_items(at, end, level + 1);
    if (*at < end) ++*at;
    from = *at;
    *at = skip_atom(from, end);
    free(list->before);
    free(list->behind);
    list->behind = cut(from, (size_t)(*at - from));
    list->before = NULL;
    return list;
}

static node *read_items(const char **at, const char *end, int level)
{
    node *list = new_node("", 0, 1);
    for (*at = skip_blank(*at, end); *at < end && (**at != ')' || level == 0); *at = skip_blank(*at, end)) {
        const char *from = *at, *to = skip_atom(from, end);
        node *x = read_node(at, end, level);
        if (!x->before) x->before = cut(from, (size_t)(to - from));
        insert(list, list->count, x);
    }
    return list;
}

static void add_all(pool *p, node *x)
{
    for (size_t i = 0; i < x->count; i++) {
        if (p->all_count == p->all_room) {
            p->all_room = p->all_room ? 2 * p->all_room : 1024;
            p->all = must(realloc(p->all, p->all_room * sizeof *p->all));
        }
        p->all[p->all_count++] = x->items[i];
        add_all(p, x->items[i]);
    }
}

void pool_add_text(pool *p, const char *text, size_t length)
{
    node *file = read_items(&text, text + length, 0);
    if (p->file_count == p->file_room) {
        p->file_room = p->file_room ? 2 * p->file_room : 256;
        p->files = must(realloc(p->files, p->file_room * sizeof *p->files));
    }
    p->files[p->file_count++] = file;
    add_all(p, file);
}

static void add_file(pool *p, const char *path)
{
    static char text[LONGEST_FILE];
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) fclose(file);
    if (n > 0 && n < sizeof text) pool_add_text(p, text, n);
    if (p->path_count == p->path_room) {
        p->path_room = p->path_room ? 2 * p->path_room : 256;
        p->paths = must(realloc(p->paths, p->path_room * sizeof *p->paths));
    }
    p->paths[p->path_count++] = cut(path, strlen(path));
}

static int visible(const struct dirent *d) { return d->d_name[0] != '.'; }

void pool_add_folder(pool *p, const char *path)
{
    struct dirent **found;
    int n = scandir(path, &found, visible, alphasort);
    for (int i = 0; i < n; i++) {
        char below[4096];
        struct stat is;
        size_t length = (size_t)snprintf(below, sizeof below, "%s/%s", path, found[i]->d_name);
        free(found[i]);
        if (length >= sizeof below || stat(below, &is)) continue;
        if (S_ISDIR(is.st_mode)) pool_add_folder(p, below);
        else if (strcmp(below + length - 4, ".crp") == 0) add_file(p, below);
    }
    if (n >= 0) free(found);
}

void pool_free(pool *p)
{
    for (size_t i = 0; i < p->file_count; i++) free_node(p->files[i]);
    for (size_t i = 0; i < p->path_count; i++) free(p->paths[i]);
    free(p->paths);
    free(p->files);
    free(p->all);
}

/* --- growing ---------------------------------------------------------------------------------------------------- */

uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static size_t below(uint64_t *random, size_t n) { return n ? (size_t)(next_random(random) % n) : 0; }

/* What most often shows where nobody looked: the ends of ranges, the other class, the name that means something. */
static const char *const atoms[] = {
    "()", "NIL", "true", "0", "1", "-1", "2", "255", "65536", "9223372036854775807", "-9223372036854775808", "0.0", "-0.0",
    "1.5", "1e308", "\"\"", "\"a\"", "\"a\\0b\"", "\"\\xFF\\xFE\"", "0x\"\"", "0x\"00FF\"", "'a", "'()", "'(1 2)", "'((a 1) (b 2))",
    "...", "err", "this", "x", "f", "list", "headOf", "+", "==", "<", "Integer", "String", "List", "(list)", "(range 5)",
    "(create HashTable)", "(create Array 3)", "(create Buffer 10)", "(create Error 1 1 \"e\")", "(lambda (...) ...)",
    "(lambda (a) a)", "(headOf ())", "(/ 1 0)", "(return 1)", "(break)", "(continue)", "(local (x Integer 1))", "(set x (list x x))",
    "(set x x)", "(gensym)", "`(a ,x ,@x)", "(throw err)", "(stop 3)", "(eval 'x)", "(sleep 10)", "'if", "'lambda", "'quote"};
enum { ATOM_COUNT = sizeof atoms / sizeof *atoms };

/* Forms with a hole. */
static const char *const wrappers[] = {
    "(try @ (catch -1 err))", "(try @ (finally 1))", "(try 1 (finally @))", "(try (headOf ()) (catch 1 @))", "(lambda () @)",
    "((lambda () @))", "(eval '@)", "(eval @)", "(list @ @)", "(let ((x @)) x)", "(let ((x 1)) @)", "(for x (list 1 2) @)",
    "(for x @ x)", "(if @ @)", "(&& @ @)", "(|| @ 1)", "(! @)", "(do 1 @)", "(map (lambda (x) @) '(1 2))", "(apply list (list @))",
    "(with (x @) x)", "(cond (@ 1) (true 2))", "(quote @)", "(set x @)", "(== @ @)", "(@)", "(print @)", "(print (expect @ 1))",
    "(defun f (x) @)", "(defun Integer f (x (y Integer 1) ...) @)", "(defmacro m (...) `@)", "(while (< (set x (+ x 1)) 3) @)",
    "(local (y Integer @))", "(return @)", "(join (list @ @))", "(sort (list @ @))", "((lambda (f) (f f)) (lambda (f) @))"};
enum { WRAPPER_COUNT = sizeof wrappers / sizeof *wrappers };

static node *from_text(const char *text)
{
    const char *at = text;
    node *items = read_items(&at, text + strlen(text), 0);
    node *x = items->count ? take_out(items, 0) : new_node("()", 2, 0);
    free_node(items);
    return x;
}

static void fill_holes(node *x, const node *filling)
{
    for (size_t i = 0; i < x->count; i++) {
        const char *hole = x->items[i]->is_list ? NULL : strchr(x->items[i]->before, '@');
        if (!hole) {
            fill_holes(x->items[i], filling);
            continue;
        }
        free_node(x->items[i]);
        x->items[i] = copy_node(filling);
    }
}

static node *any_node(const pool *p, uint64_t *random)
{
    if (p->all_count == 0 || below(random, 3) == 0) return from_text(atoms[below(random, ATOM_COUNT)]);
    return copy_node(p->all[below(random, p->all_count)]);
}

/* A list somewhere in the tree that is not empty, deeper ones as likely as the ones around them. */
static node *any_list(node *top, uint64_t *random)
{
    node *chosen = top;
    for (int steps = 0; steps < 12; steps++) {
        node *next = chosen->count ? chosen->items[below(random, chosen->count)] : top;
        if (!next->is_list || next->count == 0) {
            if (below(random, 3) == 0) break;
            next = top;
        }
        chosen = next;
        if (below(random, 4) == 0) break;
    }
    return chosen;
}

static void wrap(node *list, size_t at, uint64_t *random)
{
    node *outer = from_text(wrappers[below(random, WRAPPER_COUNT)]), *inner = list->items[at];
    fill_holes(outer, inner);
    free_node(inner);
    list->items[at] = outer;
}

static void replace(node *list, size_t at, node *by)
{
    free_node(list->items[at]);
    list->items[at] = by;
}

/* A list gives way to one of its items. */
static void unwrap(node *list, size_t at, uint64_t *random)
{
    node *x = list->items[at];
    if (x->count) replace(list, at, copy_node(x->items[below(random, x->count)]));
}

static void swap(node *list, size_t at, node *other, size_t other_at)
{
    node *a = copy_node(list->items[at]), *b = copy_node(other->items[other_at]);
    replace(list, at, b);
    if (list != other) {
        free_node(a);
        return;
    }
    replace(list, other_at, a);
}

static void mutate(const pool *p, node *top, uint64_t *random)
{
    node *list = any_list(top, random), *other = any_list(top, random);
    if (list->count == 0 || other->count == 0) {
        insert(list, 0, any_node(p, random));
        return;
    }
    size_t at = below(random, list->count), other_at = below(random, other->count);
    switch (below(random, 10)) {
    case 0: free_node(take_out(list, at)); break;
    case 1: insert(list, at, copy_node(list->items[at])); break;
    case 2: swap(list, at, list, below(random, list->count)); break;
    case 3: swap(list, at, other, other_at); break;
    case 4:
    case 5: replace(list, at, any_node(p, random)); break;
    case 6: insert(list, at, any_node(p, random)); break;
    case 7:
    case 8: wrap(list, at, random); break;
    default: unwrap(list, at, random); break;
    }
}

/* --- tree to text ----------------------------------------------------------------------------------------------- */

typedef struct text {
    char *bytes;
    size_t length, room;
} text;

static void put(text *t, const char *bytes)
{
    size_t n = strlen(bytes);
    if (t->length + n + 2 > t->room) t->bytes = must(realloc(t->bytes, t->room = 2 * (t->length + n + 2)));
    memcpy(t->bytes + t->length, bytes, n + 1);
    t->length += n;
}

static void write_node(text *t, const node *x)
{
    if (t->length > MAX_TEXT) return;
    put(t, x->before);
    if (x->is_list) put(t, "(");
    for (size_t i = 0; i < x->count; i++) {
        if (i) put(t, " ");
        write_node(t, x->items[i]);
    }
    if (x->is_list) put(t, ")");
    put(t, x->behind);
}

const char *any_atom(uint64_t *random) { return atoms[below(random, ATOM_COUNT)]; }

int node_text(const node *x, char *room, size_t size)
{
    text t = {0};
    put(&t, "");
    write_node(&t, x);
    int fits = t.length < size;
    if (fits) memcpy(room, t.bytes, t.length + 1);
    free(t.bytes);
    return fits;
}

const char *any_text(const pool *p, uint64_t *random, char *room, size_t size)
{
    size_t i = below(random, p->all_count);
    return p->all_count && node_text(p->all[i], room, size) ? room : any_atom(random);
}

static char *forms_text(const node *top, size_t *length)
{
    text t = {0};
    put(&t, "");
    for (size_t i = 0; i < top->count; i++) {
        write_node(&t, top->items[i]);
        put(&t, "\n");
        t.length++; /* and its NUL stays */
    }
    *length = t.length;
    return t.bytes;
}

char *cut_program(const char *bytes, size_t n, size_t *length)
{
    const char *at = bytes;
    node *top = read_items(&at, bytes + n, 0);
    char *forms = forms_text(top, length);
    free_node(top);
    return forms;
}

char *make_program(const pool *p, uint64_t number, size_t *length)
{
    uint64_t random = number * 0x2545F4914F6CDD1Du + 1;
    node *top = new_node("", 0, 1);
    for (size_t files = 1 + below(&random, 3); files > 0 && p->file_count; files--) {
        const node *file = p->files[below(&random, p->file_count)];
        for (size_t i = 0; i < file->count; i++) insert(top, top->count, copy_node(file->items[i]));
    }
    for (size_t n = 1 + below(&random, 12); n > 0; n--) mutate(p, top, &random);
    char *forms = forms_text(top, length);
    free_node(top);
    return forms;
}
