/* Library: functions of a shared object, declared one by one and then called like methods.
 *
 * A declaration becomes a Function like that of any other native.  Its row, made here, is the first thing in
 * a record, so that the one native behind them all finds the record from the row that was called; its
 * signature is made of the classes that the C types mean.  So arguments are counted and checked, described
 * and completed as everywhere, and only what fits reaches C.  The Functions are the object's own methods.
 *
 * The records belong to their Library, which each of its Functions holds on to.  One that nobody holds is not
 * unloaded: a library may have left behind what will still be called, a handler or a thread, so only `close`
 * does that.
 */
#include "ffi.h"

#include <dlfcn.h>
#include <string.h>
#include "class.h"
#include "lib.h"
#include "map.h"
#include "task.h"

struct c_function;

typedef struct library {
    crp_object h;
    crp_word name, file;
    crp_word functions; /* HashTable: Symbol to Function */
    void *handle;       /* NULL: closed */
    const crpi_ffi *ffi;
    struct c_function *first;
} library;

typedef struct c_function {
    crp_method row; /* first */
    struct c_function *next;
    library *library;
    size_t bytes; /* of this allocation */
    crpi_c_function address;
    void *call; /* as carapace-ffi.so prepared it */
    crpi_signature *signature;
    crpi_c_slot result;
    size_t count;
    crpi_c_slot arguments[]; /* behind them the prepared call, and the prototype as text */
} c_function;

static library *self_library(const crp_call *c) { return (library *)crp_object_of(c->self); }

static crp_status must_be_open(crp *vm, const library *l)
{
    if (l->handle) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the library %p is closed", l->file);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

static crp_status pass(crp_call *c, const c_function *f, crpi_c_value *values)
{
    for (size_t i = 0; i < f->count; i++) {
        crp_status st = crpi_c_from_word(c->vm, &f->arguments[i], c->args[i], &values[i]);
        if (!st) continue;
        crp_error_prefix(c->vm, "%s: argument %p: ", f->row.name, f->signature->parameters[i].name);
        return st;
    }
    return CRP_OK;
}

static crp_status call_function(crp_call *c)
{
    const crpi_native *native = (const crpi_native *)(const void *)c;
    const c_function *f = (const c_function *)(const void *)native->row;
    crpi_c_value values[CRPI_FFI_MAX_ARGUMENTS], result;
    crp_status st = must_be_open(c->vm, f->library);
    if (st) {
        crp_error_prefix(c->vm, "%s: ", f->row.name);
        return st;
    }
    st = pass(c, f, values);
    if (st) return st;
    f->library->ffi->invoke(f->call, f->address, &result, values);
    st = crpi_c_to_word(c->vm, &f->result, &result, &c->result);
    if (st) crp_error_prefix(c->vm, "%s: the result: ", f->row.name);
    return st;
}

/* --- declarations --------------------------------------------------------------------------------------- */

/* What a declaration says, before there is a function. */
typedef struct declared {
    crp_word name;
    crpi_c_slot result, arguments[CRPI_FFI_MAX_ARGUMENTS];
    size_t count;
    crp_list_builder parameters; /* ((name Class) ...), as a signature is made from */
} declared;

/* The class that a type means to a script, as a signature has it. */
static crp_status class_of(crp *vm, const crpi_c_type *t, crp_word *out)
{
    const char *name = t->class_name ? t->class_name : "Object";
    return crp_symbol(vm, name, strlen(name), out);
}

static crp_status read_argument(crp *vm, crp_word form, declared *d)
{
    crp_word parts[2];
    if (form == CRPI_WORD_OF(ELLIPSIS))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED,
                         "a function with further arguments (...) cannot be called");
    bool two = crp_is_pair(form) && crp_is_pair(crp_tail(form)) && crp_tail(crp_tail(form)) == CRP_NIL;
    if (!two)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "an argument is declared as (name Type), given %v",
                         form);
    if (d->count == CRPI_FFI_MAX_ARGUMENTS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d arguments",
                         (int)CRPI_FFI_MAX_ARGUMENTS);
    parts[0] = crp_head(form);
    crpi_c_slot *slot = &d->arguments[d->count];
    crp_status st = crpi_c_slot_read(vm, crp_head(crp_tail(form)), false, slot);
    if (st) crp_error_prefix(vm, "argument %p: ", parts[0]);
    if (!st) st = class_of(vm, slot->type, &parts[1]);
    if (!st) st = crp_list(vm, parts, 2, &form);
    if (!st) st = crp_list_add(vm, &d->parameters, form);
    d->count++;
    return st;
}

static crp_status read_declaration(crp *vm, const crp_word *args, declared *d)
{
    *d = (declared){.parameters = {CRP_NIL, CRP_NIL}};
    crp_status st = crpi_c_slot_read(vm, args[0], true, &d->result);
    if (st) crp_error_prefix(vm, "the result: ");
    crp_word forms = args[2];
    for (; !st && crp_is_pair(forms); forms = crp_tail(forms)) st = read_argument(vm, crp_head(forms), d);
    if (!st && forms != CRP_NIL)
        st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "expected a List of arguments, given %v", args[2]);
    return st;
}

/* Two names of one C type are the same: Real and Double. */
static bool same_slot(const crpi_c_slot *a, const crpi_c_slot *b)
{
    return a->type->kind == b->type->kind && !a->type->class_name == !b->type->class_name &&
           a->nullable == b->nullable;
}

static bool same_declaration(const c_function *f, const declared *d)
{
    bool same = f->count == d->count && same_slot(&f->result, &d->result);
    for (size_t i = 0; same && i < d->count; i++) same = same_slot(&f->arguments[i], &d->arguments[i]);
    return same;
}

/* --- functions ------------------------------------------------------------------------------------------ */

static void print_type(crpi_buf *out, const crpi_c_slot *slot, const char *name)
{
    const char *c = slot->type->c;
    crpi_buf_format(out, "%s%s%s", c, c[strlen(c) - 1] == '*' ? "" : " ", name);
}

/* "double cos(double x)" */
static void print_prototype(crp *vm, crpi_buf *out, const declared *d)
{
    crp_word forms = d->parameters.first;
    print_type(out, &d->result, crp_symbol_name(vm, d->name, NULL));
    crpi_buf_byte(out, '(');
    for (size_t i = 0; i < d->count; i++, forms = crp_tail(forms)) {
        if (i) crpi_buf_text(out, ", ");
        print_type(out, &d->arguments[i], crp_symbol_name(vm, crp_head(crp_head(forms)), NULL));
    }
    crpi_buf_text(out, d->count ? ")" : "void)");
}

/* () may stand where NULL may. */
static crp_status make_signature(crp *vm, const declared *d, crpi_signature **out)
{
    crp_word result;
    crp_status st = class_of(vm, d->result.type, &result);
    if (!st) st = crpi_signature_new(vm, result, d->parameters.first, out);
    for (size_t i = 0; !st && i < d->count; i++)
        if (d->arguments[i].nullable) (*out)->parameters[i].other = CRPI_TYPE(CRP_LIST, 0);
    return st;
}

static size_t aligned(size_t n) { return (n + 15) & ~(size_t)15; }

static crp_status new_record(crp *vm, library *l, const declared *d, const crpi_buf *prototype,
                             c_function **out)
{
    size_t call_at = aligned(sizeof(c_function) + d->count * sizeof(crpi_c_slot));
    size_t text_at = call_at + l->ffi->call_bytes(d->count), bytes = text_at + prototype->length + 1;
    c_function *f = crp_alloc(vm, bytes);
    if (!f) return CRP_E_NOMEM;
    memset(f, 0, bytes);
    char *text = memcpy((char *)f + text_at, prototype->bytes, prototype->length);
    f->row = (crp_method){.name = crp_symbol_name(vm, d->name, NULL),
                          .spec = "Object ...",
                          .fn = call_function,
                          .help = text};
    f->library = l;
    f->bytes = bytes;
    f->call = (char *)f + call_at;
    f->result = d->result;
    f->count = d->count;
    memcpy(f->arguments, d->arguments, d->count * sizeof *f->arguments);
    *out = f;
    return CRP_OK;
}

static void free_record(crp *vm, c_function *f)
{
    crpi_signature_free(vm, f->signature);
    crp_free_bytes(vm, f, f->bytes);
}

/* The names are known to be names once there is a signature. */
static crp_status make_record(crp *vm, library *l, const declared *d, c_function **out)
{
    crpi_signature *signature;
    crpi_buf prototype;
    crp_status st = make_signature(vm, d, &signature);
    if (st) return st;
    crpi_buf_init(&prototype, &vm->mem, 0);
    print_prototype(vm, &prototype, d);
    st = prototype.failed ? crp_no_memory(vm) : new_record(vm, l, d, &prototype, out);
    crpi_buf_free(&prototype);
    if (st) crpi_signature_free(vm, signature);
    else (*out)->signature = signature;
    return st;
}

static crp_status prepare(crp *vm, c_function *f)
{
    uint8_t kinds[CRPI_FFI_MAX_ARGUMENTS];
    for (size_t i = 0; i < f->count; i++) kinds[i] = f->arguments[i].type->kind;
    crp_status st = crpi_ffi_function(vm, f->library->handle, f->row.name, f->library->file, &f->address);
    if (st || f->library->ffi->prepare(f->call, f->result.type->kind, kinds, f->count)) return st;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED, "libffi cannot call %s", f->row.help);
}

static crp_status wrap(crp *vm, library *l, const c_function *f, crp_word name, crp_word *out)
{
    crpi_function *function = crpi_new(vm, CRP_FUNCTION, sizeof *function + sizeof *function->captures);
    if (!function) return CRP_E_NOMEM;
    function->h.aux = CRPI_FN_NATIVE;
    function->row = &f->row;
    function->signature = f->signature;
    function->name = name;
    function->capture_count = 1;
    function->captures[0] = crp_from_object(l);
    *out = crp_from_object(function);
    return CRP_OK;
}

static crp_status new_function(crp *vm, library *l, const declared *d, crp_word *out)
{
    c_function *f = NULL;
    crp_status st = make_record(vm, l, d, &f);
    if (st) return st;
    st = prepare(vm, f);
    if (st) {
        free_record(vm, f);
        return st;
    }
    f->next = l->first;
    l->first = f;
    st = wrap(vm, l, f, d->name, out);
    return st ? st : crp_hashtable_set(vm, l->functions, d->name, *out);
}

static crp_status declared_before(crp *vm, const library *l, const declared *d, crp_word function)
{
    const c_function *f = (const c_function *)(const void *)crpi_function_of(function)->row;
    if (same_declaration(f, d)) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "it is declared otherwise in this Library of %p: %s",
                     l->file, f->row.help);
}

static crp_status declare_function(crp_call *c, declared *d)
{
    library *l = self_library(c);
    if (crpi_member_find(c->vm, l->h.class_id, 0, d->name))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                         "every Library has a member of that name already");
    if (crp_hashtable_get(c->vm, l->functions, d->name, &c->result))
        return declared_before(c->vm, l, d, c->result);
    return new_function(c->vm, l, d, &c->result);
}

static crp_status declare(crp_call *c)
{
    declared d;
    const char *name;
    crp_word symbol;
    crp_status st = must_be_open(c->vm, self_library(c));
    if (!st) st = crp_c_string(c->vm, c->args[1], &name);
    if (!st) st = crp_symbol(c->vm, name, strlen(name), &symbol);
    if (st) return st;
    st = read_declaration(c->vm, c->args, &d);
    d.name = symbol;
    if (!st) st = declare_function(c, &d);
    if (st) crp_error_prefix(c->vm, "declare %p: ", symbol);
    return st;
}

/* --- the object ----------------------------------------------------------------------------------------- */

static crp_status create(crp_call *c)
{
    library *l = self_library(c);
    const char *name;
    crp_status st = crp_c_string(c->vm, c->args[0], &name);
    if (st) return st;
    if (!*name) return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "a library's name is empty");
    crp_word functions, file;
    st = crpi_ffi_load(c->vm, &l->ffi);
    if (!st) st = crp_hashtable(c->vm, &functions);
    if (!st) st = crpi_ffi_open(c->vm, name, &l->handle, &file);
    if (st) return st;
    crp_store(c->vm, &l->h, &l->name, c->args[0]);
    crp_store(c->vm, &l->h, &l->file, file);
    crp_store(c->vm, &l->h, &l->functions, functions);
    return CRP_OK;
}

static crp_status close_library(crp_call *c)
{
    library *l = self_library(c);
    if (l->handle) dlclose(l->handle);
    l->handle = NULL;
    return CRP_OK;
}

static crp_status get_functions(crp *vm, crp_object *o, crp_word *out)
{
    crp_list_builder names = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    crp_word name, function;
    crp_word functions = ((library *)o)->functions;
    if (crp_is_a(functions, CRP_HASHTABLE))
        for (size_t at = 0; !st && crpi_map_next(crpi_map_of(functions), &at, &name, &function);)
            st = crp_list_add(vm, &names, name);
    *out = names.first;
    return st;
}

static crp_status get_open(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = crp_bool(((library *)o)->handle != NULL);
    return CRP_OK;
}

static void mark_library(crp *vm, crp_object *o, crp_marker mark) { mark(vm, ((library *)o)->functions); }

static void drop_library(crp *vm, crp_object *o)
{
    library *l = (library *)o;
    while (l->first) {
        c_function *f = l->first;
        l->first = f->next;
        free_record(vm, f);
    }
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static const crp_property properties[] = {
    {"name", "String", CRP_READ, offsetof(library, name), NULL, NULL,
     "the name that it was created with\n"
     "m.name                              # --> \"m\"",
     NULL, NULL},
    {"file", "String", CRP_READ, offsetof(library, file), NULL, NULL,
     "the name of the file that was found\n"
     "m.file                              # --> \"libm.so...\"",
     NULL, NULL},
    {"functions", "List", CRP_READ, 0, NULL, NULL,
     "the names of what is declared\n"
     "m.functions                         # --> (cos)",
     get_functions, NULL},
    {"isOpen", "Object", CRP_READ, 0, NULL, NULL,
     "true until it is closed\n"
     "m.isOpen                            # --> true",
     get_open, NULL},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const crp_method methods[] = {
    {"declare", "Function (result Object) (name String) (arguments List)", declare,
     "Makes a C function callable as a method: (m.declare Real \"cos\" ((x Real))), then (m.cos 1.0). "
     "Neither the result's type nor the argument list is evaluated. Types: Integer Int Int8 to Int64 UInt8 "
     "to UInt64 Size Real Double Float Bool String; NIL as result; (String ?) where NULL may be. 1.4 if "
     "there is no such function, 1.2 if it is declared otherwise. Gives the Function.\n"
     "(m.declare Real \"hypot\" ((x Real) (y Real)))\n"
     "(m.hypot 3.0 4.0)                   # --> 5.0\n"
     "(m.declare Real \"nosuch\" ((x Real)))  # error: 1.4",
     0, NULL, NULL},
    {"close", "NIL", close_library,
     "Unloads it; to call one of its functions is 1.2 from then on.\n"
     "(m.close)\n"
     "(m.cos 0.0)                         # error: 1.2",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

static const crp_method creator = {
    "Library", "Library (name String)", create,
    "A shared library: \"m\" is libm.so or the version of it that there is, \"libm.so.6\" and \"./mine.so\" "
    "are these files. 5.1 if it cannot be loaded, 1.12 if this Carapace cannot call C.",
    0, NULL, NULL};

static const crp_class_def library_class = {
    .size = sizeof(crp_class_def),
    .name = "Library",
    .help = "C functions of a shared library. What is declared as it is not in C can crash the program.\n"
            "(set m (create Library \"m\"))\n"
            "(m.declare Real \"cos\" ((x Real)))\n"
            "(m.cos 0.0)                         # --> 1.0",
    .instance_size = sizeof(library),
    .properties = properties,
    .methods = methods,
    .creator = &creator,
    .mark = mark_library,
    .drop = drop_library,
    .own_methods = offsetof(library, functions),
};

crp_status crpi_lib_library(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &library_class, &id);
}
