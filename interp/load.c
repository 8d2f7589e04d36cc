/* Running a source form by form: from C for a host's texts, and as natives for `load` and `require`.
 *
 * Both do the same steps: read everything, then take the next form, compile it, have it called.  From C the
 * call nests a run; a native hands it to the task that called `load`, so a file that waits holds up nobody
 * else.
 */
#include "load.h"

#include <string.h>
#include "error.h"
#include "lib.h"
#include "task.h"

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

/* Classes of one text may name each other before they are defined. */
static crp_status announce_classes(crp *vm, crp_word forms)
{
    for (; crp_is_pair(forms); forms = crp_tail(forms)) {
        crp_status st = is_form(crp_head(forms), CRPI_WORD_OF(CLASS))
                            ? crpi_class_announce(vm, crp_head(forms))
                            : CRP_OK;
        if (st) return st;
    }
    return CRP_OK;
}

crp_status crpi_loading_begin(crp *vm, crpi_loading *a, crpi_source *source)
{
    crpi_reader reader;
    *a = (crpi_loading){
        .source = source, .forms = CRP_NIL, .rest = CRP_NIL, .form = CRP_NIL, .value = CRP_NIL};
    crpi_places_init(&a->places, &vm->mem);
    list_loading(vm->loader, a);
    if (vm->loader->active_count > CRPI_MAX_LOADING)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TOO_DEEP, "%p: files load each other more than %d deep",
                         source->name, (int)CRPI_MAX_LOADING);
    crpi_reader_init(&reader, vm, crp_string_data(source->name, NULL), source->text, source->length,
                     &a->places);
    crp_status st = crpi_read_all(&reader, &a->forms);
    a->rest = a->forms;
    return st ? st : announce_classes(vm, a->forms);
}

crp_status crpi_loading_next(crp *vm, crpi_loading *a, crp_word *function)
{
    *function = CRP_UNSET;
    if (!crp_is_pair(a->rest)) return CRP_OK;
    a->form = crp_head(a->rest);
    a->rest = crp_tail(a->rest);
    a->phase = CRPI_AT_COMPILING;
    crp_status st = crpi_compile(vm, a->source, &a->places, a->form, function);
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
    crpi_places_free(&a->places);
}

/* --- from C --------------------------------------------------------------------------------------------- */

typedef crp_status (*form_runner)(crp *, crpi_loading *, crp_word function);

/* What each form allocates is either in a root when it has run, or garbage. */
static crp_status each_form(crp *vm, crpi_source *source, form_runner run, enum crpi_load_phase *phase,
                            crp_word *out)
{
    crpi_loading a;
    size_t fresh = vm->heap.fresh_count;
    crp_status st = crpi_loading_begin(vm, &a, source);
    while (!st) {
        crp_word function;
        vm->heap.fresh_count = fresh;
        st = crpi_loading_next(vm, &a, &function);
        if (st || function == CRP_UNSET) break;
        st = run(vm, &a, function);
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

static bool defines(crp_word form)
{
    return is_form(form, CRPI_WORD_OF(DEFUN)) || is_form(form, CRPI_WORD_OF(DEFMACRO)) ||
           is_form(form, CRPI_WORD_OF(FUNCTION)) || is_form(form, CRPI_WORD_OF(CLASS)) ||
           is_form(form, CRPI_WORD_OF(GLOBAL));
}

static bool remember_loaded(crp *vm, crp_word key, crp_status *st);

static crp_status check_form(crp *vm, crpi_loading *a, crp_word function)
{
    const char *name = loaded_name(vm, a->form);
    crpi_source *source;
    crp_word key;
    if (defines(a->form)) return crpi_call(vm, function, NULL, 0, NULL);
    if (!name) return CRP_OK;
    crp_status st = crpi_load_find(vm, a->source, name, &source, &key);
    if (st || !remember_loaded(vm, key, &st)) return st;
    return each_form(vm, source, check_form, &a->phase, NULL);
}

crp_status crpi_check_text(crp *vm, crpi_source *source, enum crpi_load_phase *phase)
{
    return each_form(vm, source, check_form, phase, NULL);
}

/* --- what was loaded ------------------------------------------------------------------------------------ */

/* False: it was there already, or there is no memory. */
static bool remember_loaded(crp *vm, crp_word key, crp_status *st)
{
    for (crp_word l = vm->loader->loaded; crp_is_pair(l); l = crp_tail(l))
        if (crp_equal(vm, crp_head(l), key)) return false;
    *st = crp_cons(vm, key, vm->loader->loaded, &vm->loader->loaded);
    return *st == CRP_OK;
}

static void forget_loaded(crp *vm, crp_word key)
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
    if (s->remembered && !s->done) forget_loaded(vm, s->key);
}

/* The source of the script that calls. */
static const crpi_source *caller(const crp *vm)
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
    return st ? st : crpi_load_find(c->vm, caller(c->vm), name, source, &s->key);
}

static crp_status load(crp_call *c)
{
    load_state *s = c->state;
    crpi_source *source;
    crp_status st;
    if (c->step++ == 0) {
        st = find(c, s, &source);
        if (!st) s->remembered = remember_loaded(c->vm, s->key, &st);
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
        if (st) return st;
        s->remembered = remember_loaded(c->vm, s->key, &st);
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
        if (!st) s->remembered = remember_loaded(c->vm, s->key, &st);
        if (!st && s->remembered) st = begin(c, s, source);
        if (!s->remembered) s->done = true; /* it was loaded, or is being loaded right now */
    } else
        st = next_form(c, s);
    return st ? st : call_loaded(c, a);
}

static const autoload_row autoloads[] = {
    {{"buildCommsStack", "CommsStack what (properties List NIL)", autoload,
      "Builds a comms stack: from the name of a service in the configuration, from a List of modules, or "
      "from a URL.",
      sizeof(load_state), mark_state, drop_state},
     "core"},
    {{NULL, NULL, NULL, NULL, 0, NULL, NULL}, NULL}};

/* These stand where the functions of the file will: a script may have one of that name instead. */
static crp_status define_autoload(crp *vm, const autoload_row *a)
{
    crp_word symbol, function;
    uint32_t cell = 0;
    crp_status st = crp_symbol(vm, a->row.name, strlen(a->row.name), &symbol);
    if (!st) st = crpi_function_cell(vm, symbol, &cell);
    if (!st) st = crpi_native_function(vm, &a->row, &function);
    if (!st) vm->cells->values[cell] = function;
    return st;
}

static const crp_method functions[] = {
    {"load", "Object (name String)", load,
     "Runs a file of Carapace text and gives the value of its last form. The file is looked for beside the "
     "one that loads "
     "it, along the search path, and in the standard library; .crp may be left out. Nothing of a file runs "
     "if it cannot be "
     "read whole. 5.1 if it is not found, with the places.",
     sizeof(load_state), mark_state, drop_state},
    {"require", "Object (name String)", require,
     "Loads a file as load does, unless it has been loaded already: true if it was loaded now, else ().",
     sizeof(load_state), mark_state, drop_state},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_load(crp *vm)
{
    crp_status st = crp_define_functions(vm, functions);
    for (const autoload_row *a = autoloads; !st && a->row.name; a++) st = define_autoload(vm, a);
    return st;
}
