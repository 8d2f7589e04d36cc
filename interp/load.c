/* Running a source form by form: from C for a host's texts, and as natives for `load` and `require`.
 *
 * Both do the same steps: read everything, then take the next form, compile it, have it called.  From C the
 * call nests a run; a native hands it to the task that called `load`, so a file that waits holds up nobody
 * else.
 */
#include "load.h"

#include <string.h>
#include "error.h"
#include "expand.h"
#include "lib.h"
#include "task-call.h"

/* --- sources -------------------------------------------------------------------------------------------- */

/* A source, its text, and the variables that it has if it shares nobody's. */
typedef struct source_record {
    crpi_source source;
    crpi_scope own;
    size_t bytes;
    char text[];
} source_record;

crp_status crpi_source_new(crp *vm, const char *name, const char *text, size_t length, crpi_scope *scope,
                           crpi_source **out)
{
    source_record *r;
    size_t bytes;
    crp_word word;
    crp_status st = crp_string_z(vm, name, &word);
    if (st) return st;
    if (__builtin_add_overflow(sizeof *r + 1, length, &bytes)) return crp_no_memory(vm);
    r = crp_alloc(vm, bytes);
    if (!r) return CRP_E_NOMEM;
    memset(r, 0, sizeof *r);
    if (length) memcpy(r->text, text, length);
    r->text[length] = 0;
    r->bytes = bytes;
    r->source = (crpi_source){.next = vm->loader->sources, .name = word, .text = r->text, .length = length};
    r->source.scope = scope ? scope : &r->own;
    r->source.interactive = strncmp(name, "repl:", 5) == 0;
    *out = vm->loader->sources = &r->source;
    return CRP_OK;
}

crp_status crpi_source_read(crp *vm, const char *path, crpi_source **out)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, CRPI_MAX_SOURCE);
    int reason = crpi_file_read(vm, path, &text);
    crp_status st = text.failed ? crp_no_memory(vm)
                    : reason
                        ? crp_raise_errno(vm, CRP_ERR_FILE, CRPI_CANNOT_OPEN, reason, "cannot read %q", path)
                        : crpi_source_new(vm, path, text.bytes, text.length, NULL, out);
    crpi_buf_free(&text);
    return st;
}

static void free_source(crp *vm, crpi_source *source)
{
    source_record *r = (source_record *)source;
    crpi_scope_free(vm, &r->own);
    crp_free_bytes(vm, r, r->bytes);
}

/* --- the loader ----------------------------------------------------------------------------------------- */

static void mark_loader(crp *vm, crp_marker mark)
{
    const crpi_loader *l = vm->loader;
    if (!l) return;
    mark(vm, l->loaded);
    for (const crpi_source *s = l->sources; s; s = s->next) mark(vm, s->name);
    for (const crpi_loading *a = l->active; a; a = a->next) {
        mark(vm, a->forms);
        mark(vm, a->form);
        mark(vm, a->value);
    }
}

bool crpi_loader_init(crp *vm)
{
    crpi_loader *l = crpi_mem_alloc(&vm->mem, sizeof *l);
    if (!l) return false;
    memset(l, 0, sizeof *l);
    l->loaded = CRP_NIL;
    vm->loader = l;
    l->scopes[0] = crpi_mem_alloc(&vm->mem, sizeof *l->scopes[0]);
    if (!l->scopes[0]) return false;
    memset(l->scopes[0], 0, sizeof *l->scopes[0]);
    return crpi_heap_roots(&vm->heap, mark_loader);
}

void crpi_loader_free(crp *vm)
{
    crpi_loader *l = vm->loader;
    if (!l) return;
    for (crpi_source *s = l->sources; s;) {
        crpi_source *next = s->next;
        free_source(vm, s);
        s = next;
    }
    if (l->scopes[0]) crpi_scope_free(vm, l->scopes[0]);
    crp_free_bytes(vm, l->scopes[0], sizeof *l->scopes[0]);
    for (size_t i = 0; i < l->path_count; i++) crp_free_bytes(vm, l->path[i], strlen(l->path[i]) + 1);
    crp_free_bytes(vm, l->path, l->path_capacity * sizeof *l->path);
    crp_free_bytes(vm, l, sizeof *l);
    vm->loader = NULL;
}

/* --- form by form --------------------------------------------------------------------------------------- */

static void list_loading(crpi_loader *l, crpi_loading *a)
{
    a->previous = NULL;
    a->next = l->active;
    if (l->active) l->active->previous = a;
    l->active = a;
    l->active_count++;
}

static bool is_form(crp_word form, crp_word head) { return crp_is_pair(form) && crp_head(form) == head; }

/* A text that defines a name has it for itself from its beginning, even if the standard library has one too. */
static void announce_function(crp *vm, crp_word form)
{
    crp_word rest = crp_tail(form), name = crp_is_pair(rest) ? crp_head(rest) : CRP_NIL;
    rest = crp_is_pair(rest) ? crp_tail(rest) : CRP_NIL;
    if (crp_is_pair(rest) && crp_is_symbol(crp_head(rest))) name = crp_head(rest);
    if (crp_is_symbol(name)) crpi_cell_take(vm, name);
}

/* Classes of one text may name each other before they are defined. */
static crp_status announce(crp *vm, crp_word forms, bool builtin)
{
    for (; crp_is_pair(forms); forms = crp_tail(forms)) {
        crp_word form = crp_head(forms);
        bool defines = is_form(form, CRPI_WORD_OF(DEFUN)) || is_form(form, CRPI_WORD_OF(FUNCTION)) ||
                       is_form(form, CRPI_WORD_OF(DEFMACRO));
        if (defines && !builtin) announce_function(vm, form);
        crp_status st = is_form(form, CRPI_WORD_OF(CLASS)) ? crpi_class_announce(vm, form) : CRP_OK;
        if (st) return st;
    }
    return CRP_OK;
}

/* --- several errors ------------------------------------------------------------------------------------- */

enum { MOST_ERRORS = 20 /* that are shown of one text */ };

/* The first error of a text tells of the others. */
static void tell_of(crp *vm, crp_word first, crp_word further)
{
    crp_store(vm, crp_object_of(first), &crpi_error_of(first)->further, further);
    vm->error = first;
}

/* The next error behind the one where the reader stands; false: there is none. */
static bool next_error(crpi_reader *reader)
{
    crp_word form;
    bool end = false;
    if (!crpi_reader_recover(reader)) return false;
    while (!end)
        if (crpi_read(reader, &form, NULL, &end)) return reader->vm->error != reader->vm->no_memory_error;
    return false;
}

/* Goes on behind a parse error, so that a file's errors can be mended in one go.  A dialogue is mended at once. */
static void find_further(crp *vm, crpi_reader *reader, const crpi_source *source)
{
    crp_word first = vm->error;
    crp_list_builder further = {CRP_NIL, CRP_NIL};
    if (source->interactive || first == vm->no_memory_error) return;
    for (int n = 1; n < MOST_ERRORS && next_error(reader); n++)
        if (crp_list_add(vm, &further, vm->error)) break;
    tell_of(vm, first, further.first);
}

crp_status crpi_loading_begin(crp *vm, crpi_loading *a, crpi_source *source)
{
    crpi_reader reader;
    *a = (crpi_loading){
        .source = source, .forms = CRP_NIL, .rest = CRP_NIL, .form = CRP_NIL, .value = CRP_NIL};
    crpi_places_init(&a->places, &vm->mem);
    crpi_places_init(&a->made, &vm->mem);
    list_loading(vm->loader, a);
    if (vm->loader->active_count > CRPI_MAX_LOADING)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TOO_DEEP, "%p: files load each other more than %d deep",
                         source->name, (int)CRPI_MAX_LOADING);
    crpi_reader_init(&reader, vm, crp_string_data(source->name, NULL), source->text, source->length,
                     &a->places);
    crp_status st = crpi_read_all(&reader, &a->forms);
    a->rest = a->forms;
    if (st == CRP_E_SYNTAX || st == CRP_INCOMPLETE) find_further(vm, &reader, source);
    return st ? st : announce(vm, a->forms, source->builtin);
}

crp_status crpi_loading_next(crp *vm, crpi_loading *a, crp_word *function)
{
    *function = CRP_UNSET;
    if (!crp_is_pair(a->rest)) return CRP_OK;
    crp_word holder = a->rest;
    a->form = crp_head(holder);
    a->rest = crp_tail(holder);
    a->phase = CRPI_AT_COMPILING;
    crpi_places_free(&a->made);
    a->made.under = &a->places;
    crpi_expansion x = {.source = a->source, .places = &a->places, .made = &a->made};
    crp_status st = crpi_expand(vm, &x, a->form, &a->form);
    if (!st) st = crpi_compile(vm, a->source, &a->made, a->form, holder, function);
    if (!st) a->phase = CRPI_AT_RUNNING;
    return st;
}

void crpi_loading_end(crp *vm, crpi_loading *a)
{
    crpi_loader *l = vm->loader;
    if (a->next) a->next->previous = a->previous;
    if (a->previous)
        a->previous->next = a->next;
    else
        l->active = a->next;
    l->active_count--;
    crpi_places_free(&a->made);
    crpi_places_free(&a->places);
}

/* --- from C --------------------------------------------------------------------------------------------- */

typedef crp_status (*form_runner)(crp *, crpi_loading *, crp_word function);

static crp_status next_run(crp *vm, crpi_loading *a, form_runner run)
{
    crp_word function;
    crp_status st = crpi_loading_next(vm, a, &function);
    return st || function == CRP_UNSET ? st : run(vm, a, function);
}

/* What each form allocates is either in a root when it has run, or garbage. */
static crp_status each_form(crp *vm, crpi_source *source, form_runner run, enum crpi_load_phase *phase,
                            crp_word *out)
{
    crpi_loading a;
    size_t fresh = vm->heap.fresh_count;
    crp_status st = crpi_loading_begin(vm, &a, source);
    while (!st && crp_is_pair(a.rest)) {
        vm->heap.fresh_count = fresh;
        st = next_run(vm, &a, run);
    }
    if (phase) *phase = a.phase;
    if (out) *out = st ? CRP_NIL : a.value;
    crpi_loading_end(vm, &a);
    return st;
}

static crp_status run_form(crp *vm, crpi_loading *a, crp_word function)
{
    return crpi_call(vm, function, NULL, 0, &a->value);
}

crp_status crpi_load_text(crp *vm, crpi_source *source, enum crpi_load_phase *phase, crp_word *out)
{
    return each_form(vm, source, run_form, phase, out);
}

/* The file that a form of the text loads by a name that is written out; NULL: it is no such form. */
static const char *loaded_name(crp *vm, crp_word form)
{
    crp_word rest = crp_is_pair(form) ? crp_tail(form) : CRP_NIL;
    if (!crp_is_pair(rest) || !crp_is_string(crp_head(rest)) || !crp_is_symbol(crp_head(form))) return NULL;
    const char *head = crp_symbol_name(vm, crp_head(form), NULL);
    return strcmp(head, "load") && strcmp(head, "require") ? NULL : crp_string_data(crp_head(rest), NULL);
}

static bool defines_one(crp_word form)
{
    return is_form(form, CRPI_WORD_OF(DEFUN)) || is_form(form, CRPI_WORD_OF(DEFMACRO)) ||
           is_form(form, CRPI_WORD_OF(FUNCTION)) || is_form(form, CRPI_WORD_OF(CLASS)) ||
           is_form(form, CRPI_WORD_OF(GLOBAL));
}

/* Macros often give several definitions in a `do`. */
static bool defines(crp_word form)
{
    if (!is_form(form, CRPI_WORD_OF(DO))) return defines_one(form);
    for (crp_word rest = crp_tail(form); crp_is_pair(rest); rest = crp_tail(rest))
        if (!defines_one(crp_head(rest))) return false;
    return true;
}

static crp_status check_form(crp *vm, crpi_loading *a, crp_word function)
{
    const char *name = loaded_name(vm, a->form);
    crpi_source *source;
    crp_word key;
    if (defines(a->form)) return crpi_call(vm, function, NULL, 0, NULL);
    if (!name) return CRP_OK;
    crp_status st = crpi_load_find(vm, a->source, name, &source, &key);
    bool fresh = false;
    if (!st) st = crpi_load_remember(vm, key, &fresh);
    if (st || !fresh) return st;
    return each_form(vm, source, check_form, &a->phase, NULL);
}

/* Collects what does not compile: the loading's value is the List of these errors, the last one first. */
static crp_status check_next(crp *vm, crpi_loading *a, int *errors)
{
    crp_status st = next_run(vm, a, check_form);
    if (st == CRP_OK || a->phase != CRPI_AT_COMPILING || vm->error == vm->no_memory_error) return st;
    if (++*errors > MOST_ERRORS) a->rest = CRP_NIL;
    else if (crp_cons(vm, vm->error, a->value, &a->value)) return CRP_E_NOMEM;
    crp_clear_error(vm);
    return CRP_OK;
}

static crp_status errors_found(crp *vm, crp_word last_first)
{
    crp_word further = CRP_NIL, error = CRP_NIL;
    for (; crp_is_pair(last_first); last_first = crp_tail(last_first)) {
        if (error != CRP_NIL && crp_cons(vm, error, further, &further)) return CRP_E_NOMEM;
        error = crp_head(last_first);
    }
    if (error == CRP_NIL) return CRP_OK;
    tell_of(vm, error, further);
    return crpi_error_status(vm, error);
}

crp_status crpi_check_text(crp *vm, crpi_source *source, enum crpi_load_phase *phase)
{
    crpi_loading a;
    int errors = 0;
    size_t fresh = vm->heap.fresh_count;
    crp_status st = crpi_loading_begin(vm, &a, source);
    while (!st && crp_is_pair(a.rest)) {
        vm->heap.fresh_count = fresh;
        st = check_next(vm, &a, &errors);
    }
    if (phase) *phase = errors ? CRPI_AT_COMPILING : a.phase;
    if (!st) st = errors_found(vm, a.value);
    crpi_loading_end(vm, &a);
    return st;
}

/* --- what was loaded ------------------------------------------------------------------------------------ */

crp_status crpi_load_remember(crp *vm, crp_word key, bool *fresh)
{
    *fresh = false;
    for (crp_word l = vm->loader->loaded; crp_is_pair(l); l = crp_tail(l))
        if (crp_equal(vm, crp_head(l), key)) return CRP_OK;
    crp_status st = crp_cons(vm, key, vm->loader->loaded, &vm->loader->loaded);
    *fresh = st == CRP_OK;
    return st;
}

void crpi_load_forget(crp *vm, crp_word key)
{
    crp_word *link = &vm->loader->loaded;
    for (; crp_is_pair(*link); link = &crp_pair_of(*link)->tail)
        if (crp_head(*link) == key) {
            *link = crp_tail(*link);
            return;
        }
}

/* --- load, require -------------------------------------------------------------------------------------- */

typedef struct load_state {
    crpi_loading loading;
    crp_word key; /* in the loader's list; what does not load to its end is taken off it */
    bool begun, remembered, done;
} load_state;

static void mark_state(crp *vm, void *state, crp_marker mark) { mark(vm, ((load_state *)state)->key); }

static void drop_state(crp *vm, void *state)
{
    load_state *s = state;
    if (s->begun) crpi_loading_end(vm, &s->loading);
    if (s->remembered && !s->done) crpi_load_forget(vm, s->key);
}

const crpi_source *crpi_load_caller(const crp *vm)
{
    const crpi_task *task = vm->task;
    for (const crpi_frame *fp = task ? task->fp : NULL; fp && fp > task->frames; fp--)
        if (fp->fn && fp->fn->proto) return fp->fn->proto->source;
    return NULL;
}

/* Has the next form called; CRP_OK when there is none left. */
static crp_status next_form(crp_call *c, load_state *s)
{
    crp_word function;
    crp_status st = crpi_loading_next(c->vm, &s->loading, &function);
    if (st) return st;
    if (function != CRP_UNSET) return crp_then_call(c, function, NULL, 0);
    s->done = true;
    return CRP_OK;
}

static crp_status begin(crp_call *c, load_state *s, crpi_source *source)
{
    s->begun = true;
    crp_status st = crpi_loading_begin(c->vm, &s->loading, source);
    return st ? st : next_form(c, s);
}

static crp_status find(crp_call *c, load_state *s, crpi_source **source)
{
    const char *name;
    crp_status st = crpi_lib_path(c->vm, c->args[0], &name);
    return st ? st : crpi_load_find(c->vm, crpi_load_caller(c->vm), name, source, &s->key);
}

static crp_status load(crp_call *c)
{
    load_state *s = c->state;
    crpi_source *source;
    crp_status st;
    if (c->step++ == 0) {
        st = find(c, s, &source);
        if (!st) st = crpi_load_remember(c->vm, s->key, &s->remembered);
        if (!st) st = begin(c, s, source);
    } else {
        s->loading.value = c->value;
        st = next_form(c, s);
    }
    if (s->done) c->result = s->loading.value;
    return st;
}

static crp_status require(crp_call *c)
{
    load_state *s = c->state;
    crpi_source *source;
    crp_status st;
    if (c->step++ > 0) {
        st = next_form(c, s);
    } else {
        st = find(c, s, &source);
        if (!st) st = crpi_load_remember(c->vm, s->key, &s->remembered);
        if (st || !s->remembered) return st;
        st = begin(c, s, source);
    }
    c->result = crp_bool(s->done);
    return st;
}

/* --- functions that bring their file with them ---------------------------------------------------------- */

enum { AUTOLOAD_STEP_CALLED = 1000 };

typedef struct autoload_row {
    crp_method row;
    const char *file;
} autoload_row;

/* What the file has put in the place of the native that loaded it. */
static crp_status call_loaded(crp_call *c, const autoload_row *a)
{
    crp_word symbol;
    uint32_t cell;
    crp_status st = crp_symbol(c->vm, a->row.name, strlen(a->row.name), &symbol);
    if (!st) st = crpi_function_cell(c->vm, symbol, &cell);
    if (st) return st;
    crp_word function = c->vm->cells->values[cell];
    if (function == CRP_UNSET || crpi_function_of(function)->row == &a->row)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_INTERNAL,
                         "the standard library's file %s does not define %s", a->file, a->row.name);
    return crp_then_call(c, function, c->args, c->count);
}

static crp_status autoload(crp_call *c)
{
    const autoload_row *a = (const autoload_row *)((const crpi_native *)(const void *)c)->row;
    load_state *s = c->state;
    crp_status st = CRP_OK;
    if (s->done) {
        c->result = c->value;
        return CRP_OK;
    }
    if (c->step++ == 0) {
        crpi_source *source;
        st = crpi_load_builtin(c->vm, a->file, &source, &s->key);
        if (!st) st = crpi_load_remember(c->vm, s->key, &s->remembered);
        if (!st && s->remembered) st = begin(c, s, source);
        if (!s->remembered) s->done = true; /* it was loaded, or is being loaded right now */
    } else
        st = next_form(c, s);
    return st ? st : call_loaded(c, a);
}

static const autoload_row autoloads[] = {
    {{"buildCommsStack", "CommsStack what (properties List NIL)", autoload,
      "Builds a comms stack: from the name of a service in the configuration, from a List of modules, or "
      "from a URL. 4.1 for a service that is not configured.\n"
      "(set s (buildCommsStack \"tcp://mail.example.org:25\"))\n"
      "(s.get 'host)               # --> \"mail.example.org\"\n"
      "(set t (buildCommsStack '(\"Util\" \"Tcp\") '((\"host\" \"::1\") (\"port\" 79))))\n"
      "t.depth                     # --> 2\n"
      "(buildCommsStack \"nowhere\")  # error: 4.1",
      sizeof(load_state), mark_state, drop_state},
     "core"},
    {{NULL, NULL, NULL, NULL, 0, NULL, NULL}, NULL}};

/* The same for macros.  Their rows are never called: the expander has the file loaded when it meets one. */
static const autoload_row macros[] = {
    {{"test", "Object (name String) ...", autoload,
      "Runs the forms, where they stand, as a test of that name: prints `ok` and its number, or `not ok` and the error "
      "that left them, which goes no further. The value is true or (). When the program ends it prints how many tests "
      "there were, and its status is 1 if one failed. `carapace test` runs files and folders of tests.\n"
      "(test \"lists have a length\" (expect (length '(1 2)) 2))  # prints: ok ... - lists have a length",
      0, NULL, NULL},
     "test"},
    {{"expectError", "Error (what String|Integer) ...", autoload,
      "Gives the Error with which the forms end, if it is of this class, or class and code; else error 1.5.\n"
      "(expectError \"1.9\" (/ 1 0)).code   # --> 9\n"
      "(expectError \"1.9\" (/ 1 2.0))      # error: 1.5: none was raised",
      0, NULL, NULL},
     "test"},
    {{NULL, NULL, NULL, NULL, 0, NULL, NULL}, NULL}};

static crp_status load_macro(crp *vm, const crp_method *row)
{
    const autoload_row *a = (const autoload_row *)(const void *)row;
    crpi_source *source;
    crp_word key;
    bool fresh;
    crp_status st = crpi_load_builtin(vm, a->file, &source, &key);
    if (!st) st = crpi_load_remember(vm, key, &fresh);
    if (st || !fresh) return st;
    st = crpi_load_text(vm, source, NULL, NULL);
    if (st) crpi_load_forget(vm, key);
    return st;
}

/* These stand where the definitions of the file will: a script may have one of that name instead. */
static crp_status define_autoload(crp *vm, const autoload_row *a, void (*define)(crp *, uint32_t, crp_word))
{
    crp_word symbol, function;
    uint32_t cell = 0;
    crp_status st = crp_symbol(vm, a->row.name, strlen(a->row.name), &symbol);
    if (!st) st = crpi_function_cell(vm, symbol, &cell);
    if (!st) st = crpi_native_function(vm, &a->row, &function);
    if (st) return st;
    define(vm, cell, function);
    vm->cells->cells[cell].shipped = CRPI_SHIPPED;
    return CRP_OK;
}

static const crp_method functions[] = {
    {"load", "Object (name String)", load,
     "Runs a file of Carapace text and gives the value of its last form. The file is looked for beside the "
     "one that loads "
     "it, along the search path, and in the standard library; .crp may be left out. Nothing of a file runs "
     "if it cannot be "
     "read whole. 5.1 if it is not found, with the places.\n"
     "(writeFile \"greet.crp\" \"(defun greet () 5) 'done\")\n"
     "(load (joinPath (currentDir) \"greet\"))  # --> done\n"
     "(greet)                                 # --> 5\n"
     "(load \"nowhere\")                        # error: 5.1",
     sizeof(load_state), mark_state, drop_state},
    {"require", "Object (name String)", require,
     "Loads a file as load does, unless it has been loaded already: true if it was loaded now, else ().\n"
     "(require \"mail\")  # --> true\n"
     "(require \"mail\")  # --> ()",
     sizeof(load_state), mark_state, drop_state},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_load(crp *vm)
{
    crp_status st = crp_define_functions(vm, functions);
    for (const autoload_row *a = autoloads; !st && a->row.name; a++) st = define_autoload(vm, a, crpi_cell_function);
    for (const autoload_row *a = macros; !st && a->row.name; a++) st = define_autoload(vm, a, crpi_cell_macro);
    vm->load_macro = load_macro;
    return st;
}
