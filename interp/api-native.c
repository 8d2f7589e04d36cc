/* floor 8: functions and classes of the host, as rows like those of any other native.
 *
 * A row has no room for what the host wants handed to it, so each row stands in a record of ours, and one
 * native, the same for all, finds the record from the row that was called.  What belongs to a class is found
 * from the class of the receiver.
 */
#include "api.h"

#include <string.h>
#include "error.h"

/* --- calling the host ----------------------------------------------------------------------------------- */

typedef struct invocation {
    crp *vm;
    crp_fn fn;
    void *ud;
    crp_word self;
    const crp_word *args;
    size_t count;
    const char *name;
} invocation;

/* What the host gave as its error, on its way up. */
static crp_status raise_for(const invocation *call, crp_status st)
{
    crp *vm = call->vm;
    crpi_api *api = crpi_api_of(vm);
    if (vm->error == CRP_NIL) vm->error = api->last;
    if (vm->error == CRP_NIL)
        crp_raise(vm, CRP_ERR_SCRIPT, CRP_INTERNAL, "%s failed with status %d and recorded no error",
                  call->name, (int)st);
    return crp_rethrow(vm, vm->error);
}

/* The host's handles are those from `scope` on. */
static crp_status call_with_handles(const invocation *call, crp_word *result)
{
    crp *vm = call->vm;
    crp_val self, args[CRPI_MAX_PARAMETERS], out = crp_nil();
    size_t n = call->count < CRPI_MAX_PARAMETERS ? call->count : CRPI_MAX_PARAMETERS;
    while (n > 0 && call->args[n - 1] == CRP_UNSET) n--;
    crp_status st = crpi_handle_new(vm, call->self, &self);
    for (size_t i = 0; !st && i < n; i++)
        st = crpi_handle_new(vm, call->args[i] == CRP_UNSET ? CRP_NIL : call->args[i], &args[i]);
    if (!st) st = call->fn(vm, call->ud, self, args, n, &out);
    return st ? st : crpi_handle_word(vm, out, result);
}

static crp_status call_host(const invocation *call, crp_word *result)
{
    crp *vm = call->vm;
    size_t scope = crp_scope_open(vm);
    crpi_api_of(vm)->last = CRP_NIL;
    crp_status st = call_with_handles(call, result);
    crp_scope_close(vm, scope);
    if (st)
        st = raise_for(call, st);
    else
        vm->error = CRP_NIL;
    crpi_api_of(vm)->last = CRP_NIL;
    return st;
}

static const crpi_native *native_of(const crp_call *c) { return (const crpi_native *)(const void *)c; }

/* The host may give anything; what goes on to the script is what the signature says. */
static crp_status call_from(crp_call *c, crp_fn fn, void *ud)
{
    const crpi_native *native = native_of(c);
    const crpi_signature *s;
    invocation call = {c->vm, fn, ud, c->self, c->args, c->count, native->row->name};
    crp_status st = call_host(&call, &c->result);
    if (!st) st = crpi_function_signature(c->vm, native->fn, &s);
    return st ? st : crpi_check_type(c->vm, s->result, &c->result, "the result of", native->fn->name);
}

/* --- functions ------------------------------------------------------------------------------------------ */

typedef struct crpi_host_function {
    crp_method rows[2]; /* first: a row is what the call knows; the second one only ends the table */
    struct crpi_host_function *next;
    size_t bytes;
    crp_fn fn;
    void *ud;
    char texts[];
} crpi_host_function;

static crp_status call_function(crp_call *c)
{
    const crpi_host_function *f = (const crpi_host_function *)(const void *)native_of(c)->row;
    return call_from(c, f->fn, f->ud);
}

static const char *add_text(char **to, const char *text)
{
    char *start = *to;
    size_t n = strlen(text) + 1;
    *to += n;
    return memcpy(start, text, n);
}

static crp_status new_function(crp *vm, const char *name, const char *signature, const char *help,
                               crpi_host_function **out)
{
    size_t bytes = sizeof(crpi_host_function) + strlen(name) + strlen(signature) + strlen(help) + 3;
    crpi_host_function *f = crp_alloc(vm, bytes);
    if (!f) return CRP_E_NOMEM;
    memset(f, 0, sizeof *f);
    char *to = f->texts;
    f->bytes = bytes;
    f->rows[0].name = add_text(&to, name);
    f->rows[0].spec = add_text(&to, signature);
    f->rows[0].help = add_text(&to, help);
    f->rows[0].fn = call_function;
    *out = f;
    return CRP_OK;
}

/* What is wrong with a signature is found here, not when the function is first called. */
static crp_status check_signature(crp *vm, const char *name, const char *text)
{
    crpi_signature *signature;
    crp_status st = crpi_signature_parse(vm, text, &signature);
    if (!st) {
        crpi_signature_free(vm, signature);
        return CRP_OK;
    }
    crp_error_prefix(vm, "signature of %s, %q: ", name, text);
    return st == CRP_E_NOMEM ? st : CRP_E_MISUSE;
}

static crp_status check_name(crp *vm, const char *name)
{
    if (name && crpi_reads_as_symbol(name, strlen(name))) return CRP_OK;
    crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%q is no name for a function or class",
              name ? name : "");
    return CRP_E_MISUSE;
}

static crp_status add_function(crp *vm, crpi_host_function *f)
{
    crpi_api *api = crpi_api_of(vm);
    crp_status st = crp_define_functions(vm, f->rows);
    if (st) {
        crp_free_bytes(vm, f, f->bytes);
        return st;
    }
    f->next = api->functions;
    api->functions = f;
    return CRP_OK;
}

crp_status crp_defun(crp *vm, const char *name, const char *signature, const char *help, crp_fn fn, void *ud)
{
    size_t fresh = crpi_look_begin(vm);
    crpi_host_function *f;
    crp_status st = check_name(vm, name);
    if (!st) st = check_signature(vm, name, signature);
    if (!st) st = new_function(vm, name, signature, help ? help : "", &f);
    if (st) return crpi_look_end(vm, fresh, st);
    f->fn = fn;
    f->ud = ud;
    return crpi_look_end(vm, fresh, add_function(vm, f));
}

/* --- classes -------------------------------------------------------------------------------------------- */

typedef struct crpi_host_class {
    struct crpi_host_class *next;
    size_t bytes;
    crp_class_def def;
    const crp_class_spec *identity; /* the host's own, by which it unwraps */
    crp_class_spec spec;            /* what we know of it */
    void *ud;
    crp_method creator, *methods;
    crp_property *props;
} crpi_host_class;

typedef struct host_object {
    crp_object h;
    const crpi_host_class *class; /* NULL until the host's memory is there */
    void *instance;
} host_object;

static size_t instance_bytes(const crpi_host_class *k)
{
    return k->spec.instance_bytes ? k->spec.instance_bytes : 1;
}

static void drop_object(crp *vm, crp_object *h)
{
    host_object *o = (host_object *)h;
    if (!o->instance) return;
    if (o->class->spec.finalize) o->class->spec.finalize(o->instance, o->class->ud);
    crp_free_bytes(vm, o->instance, instance_bytes(o->class));
    o->instance = NULL;
}

/* NULL: the object is not of a host's class. */
static const crpi_host_class *class_of(crp *vm, crp_word object)
{
    const crp_class_def *def = crp_class_definition(vm, object);
    if (!def || def->drop != drop_object) return NULL;
    return (const crpi_host_class *)(const void *)((const char *)def - offsetof(crpi_host_class, def));
}

/* The memory is made when the host first asks for it. */
static void *instance_of(crp *vm, const crpi_host_class *k, crp_word object)
{
    host_object *o = (host_object *)crp_object_of(object);
    if (o->instance) return o->instance;
    void *instance = crp_alloc(vm, instance_bytes(k));
    if (!instance) return NULL;
    o->class = k;
    return o->instance = memset(instance, 0, instance_bytes(k));
}

crp_status crp_unwrap(crp *vm, crp_val object, const crp_class_spec *spec, void **instance)
{
    crp_word w;
    *instance = NULL;
    crp_status st = crpi_handle_word(vm, object, &w);
    if (st) return st;
    const crpi_host_class *k = class_of(vm, crpi_unview(w));
    if (!k || k->identity != spec)
        return crpi_refuse(vm, CRP_E_TYPE, "expected an object of class %s, given %n", spec->name, w);
    *instance = instance_of(vm, k, crpi_unview(w));
    return *instance ? CRP_OK : crpi_failed(vm, CRP_E_NOMEM);
}

static crp_status call_method(crp_call *c)
{
    const crpi_host_class *k = class_of(c->vm, c->self);
    return call_from(c, k->spec.methods[native_of(c)->row - k->methods].fn, k->ud);
}

static crp_status call_creator(crp_call *c)
{
    const crpi_host_class *k = class_of(c->vm, c->self);
    return k->spec.creator ? call_from(c, k->spec.creator, k->ud) : CRP_OK;
}

static crp_status call_property(crp *vm, crp_object *o, bool sets, const crp_word *value, crp_word *out)
{
    const crpi_host_class *k = class_of(vm, crp_from_object(o));
    const crp_prop_spec *p = &k->spec.props[vm->accessing - k->props];
    invocation call = {vm, sets ? p->set : p->get, k->ud, crp_from_object(o), value, sets ? 1 : 0, p->name};
    crpi_type type;
    crp_word name;
    crp_status st = call_host(&call, out);
    if (st || sets) return st;
    st = crp_symbol(vm, p->name, strlen(p->name), &name);
    if (!st) st = crpi_type_of_text(vm, p->class_name, strlen(p->class_name), &type);
    return st ? st : crpi_check_type(vm, type, out, "property", name);
}

static crp_status get_property(crp *vm, crp_object *o, crp_word *out)
{
    return call_property(vm, o, false, NULL, out);
}

static crp_status set_property(crp *vm, crp_object *o, crp_word value)
{
    crp_word unused;
    return call_property(vm, o, true, &value, &unused);
}

static crp_status fill_methods(crp *vm, crpi_host_class *k)
{
    crp_status st = CRP_OK;
    crp_method *row = k->methods;
    for (const crp_method_spec *m = k->spec.methods; !st && m && m->name; m++, row++) {
        *row = (crp_method){m->name, m->signature, call_method, m->help ? m->help : "", 0, NULL, NULL};
        st = check_name(vm, m->name);
        if (!st) st = check_signature(vm, m->name, m->signature);
    }
    const char *signature = k->spec.creator_signature ? k->spec.creator_signature : "NIL";
    k->creator = (crp_method){k->spec.name, signature, call_creator, k->spec.help ? k->spec.help : "", 0,
                              NULL,         NULL};
    return st ? st : check_signature(vm, k->spec.name, signature);
}

static crp_status fill_properties(crp *vm, crpi_host_class *k)
{
    crp_status st = CRP_OK;
    crp_property *row = k->props;
    for (const crp_prop_spec *p = k->spec.props; !st && p && p->name; p++, row++) {
        uint32_t flags = (p->get ? CRP_READ : 0) | (p->set ? CRP_WRITE : 0);
        *row = (crp_property){.name = p->name,
                              .class_name = p->class_name ? p->class_name : "Object",
                              .flags = flags,
                              .help = p->help ? p->help : "",
                              .get = p->get ? get_property : NULL,
                              .set = p->set ? set_property : NULL};
        st = check_name(vm, p->name);
    }
    return st;
}

static size_t count_methods(const crp_method_spec *m)
{
    size_t n = 0;
    while (m && m[n].name) n++;
    return n;
}

static size_t count_properties(const crp_prop_spec *p)
{
    size_t n = 0;
    while (p && p[n].name) n++;
    return n;
}

/* The record and its two tables in one piece; each ends with a row of zeros. */
static crp_status new_class(crp *vm, const crp_class_spec *spec, void *ud, crpi_host_class **out)
{
    crp_class_spec known = {.size = 0};
    memcpy(&known, spec, spec->size < sizeof known ? spec->size : sizeof known);
    size_t methods = (count_methods(known.methods) + 1) * sizeof(crp_method);
    size_t props = (count_properties(known.props) + 1) * sizeof(crp_property);
    crpi_host_class *k = crp_alloc(vm, sizeof *k + methods + props);
    if (!k) return CRP_E_NOMEM;
    memset(k, 0, sizeof *k + methods + props);
    k->bytes = sizeof *k + methods + props;
    k->identity = spec;
    k->spec = known;
    k->ud = ud;
    k->methods = (crp_method *)(void *)(k + 1);
    k->props = (crp_property *)(void *)((char *)(k + 1) + methods);
    k->def = (crp_class_def){.size = sizeof k->def,
                             .name = known.name,
                             .help = known.help ? known.help : "",
                             .instance_size = sizeof(host_object),
                             .properties = k->props,
                             .methods = k->methods,
                             .creator = known.creator || known.creator_signature ? &k->creator : NULL,
                             .drop = drop_object};
    *out = k;
    return CRP_OK;
}

/* Once the class is defined its record stays, even if a member turns out to be wrong. */
static crp_status add_class(crp *vm, crpi_host_class *k)
{
    crpi_api *api = crpi_api_of(vm);
    uint32_t id;
    crp_status st = fill_methods(vm, k);
    if (!st) st = fill_properties(vm, k);
    if (!st) st = crp_define_class(vm, &k->def, &id);
    if (st) {
        crp_free_bytes(vm, k, k->bytes);
        return st;
    }
    k->next = api->classes;
    api->classes = k;
    return crpi_class_ready(vm, crpi_class_by_id(vm, id));
}

crp_status crp_class_add(crp *vm, const crp_class_spec *spec, void *ud)
{
    size_t fresh = crpi_look_begin(vm);
    crpi_host_class *k;
    if (spec->size < sizeof spec->size)
        return crpi_refuse(vm, CRP_E_MISUSE, "crp_class_spec: its size is not set");
    crp_status st = check_name(vm, spec->name);
    if (!st) st = new_class(vm, spec, ud, &k);
    return crpi_look_end(vm, fresh, st ? st : add_class(vm, k));
}

void crpi_host_free(crp *vm)
{
    crpi_api *api = crpi_api_of(vm);
    while (api->functions) {
        crpi_host_function *f = api->functions;
        api->functions = f->next;
        crp_free_bytes(vm, f, f->bytes);
    }
    while (api->classes) {
        crpi_host_class *k = api->classes;
        api->classes = k->next;
        crp_free_bytes(vm, k, k->bytes);
    }
}
