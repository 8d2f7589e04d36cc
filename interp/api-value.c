/* floor 8: handles, and the host's way to values, properties and calls.
 *
 * Local handles are a stack: a native function's and a scope's are the top of it.  Kept ones have a table of
 * their own with a list of free slots.  A handle is the slot's number, its generation, and one bit that says
 * which table; () and true need no slot.
 */
#include "api.h"

#include <stdarg.h>
#include <string.h>
#include "cells.h"
#include "lib.h"
#include "map.h"
#include "str.h"
#include "value.h"

/* --- handles -------------------------------------------------------------------------------------------- */

enum { SLOT_BITS = 24, SLOT_MASK = (1 << SLOT_BITS) - 1, FIRST_SLOT = 2 /* 0 and 1 stand for () and true */ };
#define KEPT_BIT ((uint64_t)1 << 63)
#define GENERATION_MASK (((uint64_t)1 << (63 - SLOT_BITS)) - 1)
#define TRUE_HANDLE 1

static void mark_slots(crp *vm, const crpi_slots *s, crp_marker mark)
{
    for (size_t i = 0; i < s->count; i++) mark(vm, s->slots[i].word);
}

static void mark_api(crp *vm, crp_marker mark)
{
    const crpi_api *api = crpi_api_of(vm);
    mark_slots(vm, &api->locals, mark);
    mark_slots(vm, &api->kept, mark);
    mark(vm, api->last);
    mark(vm, api->given);
}

bool crpi_api_init(crp *vm)
{
    crpi_api *api = crpi_mem_alloc(&vm->mem, sizeof *api);
    if (!api) return false;
    memset(api, 0, sizeof *api);
    api->last = api->given = CRP_NIL;
    vm->handles = api;
    return crpi_heap_roots(&vm->heap, mark_api);
}

void crpi_api_free(crp *vm)
{
    crpi_api *api = crpi_api_of(vm);
    crpi_host_free(vm);
    crp_free_bytes(vm, api->locals.slots, api->locals.capacity * sizeof *api->locals.slots);
    crp_free_bytes(vm, api->kept.slots, api->kept.capacity * sizeof *api->kept.slots);
    crp_free_bytes(vm, api, sizeof *api);
    vm->handles = NULL;
}

/* Slots above the count keep their generations, so room is never given back; a new one begins where no handle
 * of another interpreter is likely to be. */
static bool grow_slots(crp *vm, crpi_slots *s)
{
    size_t had = s->capacity;
    if (s->count >= CRPI_MAX_HANDLES - FIRST_SLOT) return false;
    if (!crpi_mem_grow(&vm->mem, &s->slots, &s->capacity, s->count + 1, sizeof *s->slots)) return false;
    for (size_t i = had; i < s->capacity; i++)
        s->slots[i] = (crpi_slot){CRP_UNSET, crpi_api_of(vm)->first_generation & GENERATION_MASK, 0};
    return true;
}

static inline bool room_for_slot(crp *vm, crpi_slots *s)
{
    return (s->count < s->capacity && s->count < CRPI_MAX_HANDLES - FIRST_SLOT) || grow_slots(vm, s);
}

static inline crp_val handle_of(const crpi_slots *s, size_t i, uint64_t kept)
{
    return (crp_val){kept | s->slots[i].generation << SLOT_BITS | (i + FIRST_SLOT)};
}

static inline bool is_constant(crp_word w, crp_val *out)
{
    *out = (crp_val){w == CRP_TRUE ? TRUE_HANDLE : 0};
    return w == CRP_TRUE || w == CRP_NIL;
}

static inline crp_status new_handle(crp *vm, crp_word w, crp_val *out)
{
    crpi_slots *s = &crpi_api_of(vm)->locals;
    if (!out || is_constant(w, out)) return CRP_OK;
    if (!room_for_slot(vm, s)) return crp_no_memory(vm);
    s->slots[s->count].word = w;
    *out = handle_of(s, s->count++, 0);
    return CRP_OK;
}

crp_status crpi_handle_new(crp *vm, crp_word w, crp_val *out) { return new_handle(vm, w, out); }

static inline crpi_slot *find_slot(const crp *vm, crp_val v)
{
    crpi_api *api = crpi_api_of(vm);
    const crpi_slots *s = v.h & KEPT_BIT ? &api->kept : &api->locals;
    size_t i = (size_t)(v.h & SLOT_MASK) - FIRST_SLOT;
    if (i >= s->count || s->slots[i].word == CRP_UNSET) return NULL;
    return s->slots[i].generation == (v.h >> SLOT_BITS & GENERATION_MASK) ? &s->slots[i] : NULL;
}

static inline bool look_up(const crp *vm, crp_val v, crp_word *out)
{
    const crpi_slot *slot;
    if (v.h <= TRUE_HANDLE) {
        *out = v.h == TRUE_HANDLE ? CRP_TRUE : CRP_NIL;
        return true;
    }
    slot = find_slot(vm, v);
    *out = slot ? slot->word : CRP_NIL;
    return slot != NULL;
}

static crp_status dead(crp *vm) { return crpi_refuse(vm, CRP_E_STALE, "the value's handle is dead"); }

crp_status crpi_handle_word(crp *vm, crp_val v, crp_word *out) { return look_up(vm, v, out) ? CRP_OK : dead(vm); }

crp_status crpi_handle_words(crp *vm, const crp_val *values, size_t count, crp_word *out)
{
    for (size_t i = 0; i < count; i++)
        if (!look_up(vm, values[i], &out[i]))
            return crpi_refuse(vm, CRP_E_STALE, "the handle of value %zu is dead", i + 1);
    return CRP_OK;
}

static inline void free_slot(crpi_slot *slot)
{
    slot->word = CRP_UNSET;
    slot->generation = (slot->generation + 1) & GENERATION_MASK;
}

size_t crp_scope_open(crp *vm) { return crpi_api_of(vm)->locals.count; }

void crp_scope_close(crp *vm, size_t scope)
{
    crpi_slots *s = &crpi_api_of(vm)->locals;
    while (s->count > scope) free_slot(&s->slots[--s->count]);
}

crp_status crp_keep(crp *vm, crp_val v, crp_val *kept)
{
    crpi_api *api = crpi_api_of(vm);
    crpi_slots *s = &api->kept;
    crp_word w;
    *kept = crp_nil();
    crp_status st = crpi_handle_word(vm, v, &w);
    if (st || is_constant(w, kept)) return st;
    size_t i = api->free_kept ? api->free_kept - 1 : s->count;
    if (i == s->count) {
        if (!room_for_slot(vm, s)) return crpi_failed(vm, crp_no_memory(vm));
        s->count++;
    }
    api->free_kept = s->slots[i].next_free;
    s->slots[i].next_free = 0;
    s->slots[i].word = w;
    *kept = handle_of(s, i, KEPT_BIT);
    return CRP_OK;
}

void crp_drop(crp *vm, crp_val kept)
{
    crpi_api *api = crpi_api_of(vm);
    crpi_slot *slot = kept.h & KEPT_BIT ? find_slot(vm, kept) : NULL;
    if (!slot) return;
    free_slot(slot);
    slot->next_free = api->free_kept;
    api->free_kept = (uint32_t)(slot - api->kept.slots) + 1;
}

/* --- making values -------------------------------------------------------------------------------------- */

crp_val crp_nil(void) { return (crp_val){0}; }
crp_val crp_bool_val(bool b) { return (crp_val){b ? TRUE_HANDLE : 0}; }

/* Ends a look with a handle for the word that it gave. */
static inline crp_status give(crp *vm, size_t fresh, crp_status st, crp_word w, crp_val *out)
{
    if (out) *out = crp_nil();
    if (!st) st = new_handle(vm, w, out);
    return crpi_look_end(vm, fresh, st);
}

crp_status crp_int(crp *vm, int64_t i, crp_val *out)
{
    crp_word w = CRP_NIL;
    size_t fresh = crpi_look_begin(vm);
    crp_status st = crp_integer(vm, i, &w);
    return give(vm, fresh, st, w, out);
}

crp_status crp_real_val(crp *vm, double d, crp_val *out)
{
    crp_word w = CRP_NIL;
    size_t fresh = crpi_look_begin(vm);
    crp_status st = crp_real(vm, d, &w);
    return give(vm, fresh, st, w, out);
}

crp_status crp_str(crp *vm, const void *bytes, size_t length, crp_val *out)
{
    crp_word w = CRP_NIL;
    size_t fresh = crpi_look_begin(vm);
    crp_status st = crp_string(vm, bytes, length, &w);
    return give(vm, fresh, st, w, out);
}

crp_status crp_bytes_val(crp *vm, const void *bytes, size_t length, crp_val *out)
{
    crp_word w = CRP_NIL;
    size_t fresh = crpi_look_begin(vm);
    crp_status st = crp_binary(vm, bytes, length, &w);
    return give(vm, fresh, st, w, out);
}

crp_status crp_list_val(crp *vm, const crp_val *items, size_t count, crp_val *out)
{
    size_t fresh = crpi_look_begin(vm);
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crp_word item;
    *out = crp_nil();
    for (size_t i = 0; i < count; i++) {
        crp_status st = crpi_handle_words(vm, &items[i], 1, &item);
        if (st) return st;
        st = crp_list_add(vm, &list, item);
        if (st) return crpi_look_end(vm, fresh, st);
    }
    return give(vm, fresh, CRP_OK, list.first, out);
}

/* --- looking at values ---------------------------------------------------------------------------------- */

const char *crp_type(crp *vm, crp_val v)
{
    crp_word w;
    return look_up(vm, v, &w) ? crp_class_name(vm, crpi_unview(w)) : NULL;
}

bool crp_is_nil(crp *vm, crp_val v)
{
    (void)vm;
    return v.h == 0;
}

/* () is a List, though it is accepted for other classes. */
bool crp_is(crp *vm, crp_val v, const char *class_name)
{
    crp_word w, name;
    crpi_type type;
    size_t fresh = crpi_look_begin(vm);
    if (!look_up(vm, v, &w)) return false;
    crp_word before = vm->error;
    bool known = crp_string_z(vm, class_name, &name) == CRP_OK && crpi_type_named(vm, name, &type) == CRP_OK;
    vm->error = before;
    vm->heap.fresh_count = fresh;
    if (!known) return false;
    return w == CRP_NIL ? type == CRPI_TYPE(CRP_LIST, 0) || type == CRPI_TYPE(CRP_OBJECT, 0)
                        : crpi_has_type(vm, type, w);
}

static crp_status mismatch(crp *vm, const char *expected, crp_word given)
{
    return crpi_refuse(vm, CRP_E_TYPE, "expected %s, given %n %v", expected, given, given);
}

crp_status crp_get_int(crp *vm, crp_val v, int64_t *out)
{
    crp_word w;
    if (!look_up(vm, v, &w)) return dead(vm);
    if (!crp_is_integer(w)) return mismatch(vm, "an Integer", w);
    *out = crp_integer_value(w);
    return CRP_OK;
}

crp_status crp_get_real(crp *vm, crp_val v, double *out)
{
    crp_word w;
    crp_status st = crpi_handle_word(vm, v, &w);
    if (st) return st;
    if (!crp_is_integer(w) && !crp_is_real(w)) return mismatch(vm, "a Real or an Integer", w);
    *out = crp_real_value(w);
    return CRP_OK;
}

/* A slice of a longer String has no NUL behind it: the handle gets a String of its own with the same bytes.
 */
static crp_status own_bytes(crp *vm, crp_val v, crp_word w, const char **bytes, size_t *length)
{
    *bytes = crp_string_data(w, length);
    if (!(crpi_str_of(w)->h.flags & CRPI_STR_SLICE)) return CRP_OK;
    size_t fresh = crpi_look_begin(vm);
    crp_word copy;
    crp_status st = crp_string(vm, *bytes, *length, &copy);
    if (!st) {
        find_slot(vm, v)->word = copy;
        *bytes = crp_string_data(copy, length);
    }
    return crpi_look_end(vm, fresh, st);
}

crp_status crp_get_data(crp *vm, crp_val v, const char **bytes, size_t *length)
{
    crp_word w;
    size_t unwanted;
    const unsigned char *data;
    crp_status st = crpi_handle_word(vm, v, &w);
    if (st) return st;
    if (!length) length = &unwanted;
    if (crp_is_string(w)) return own_bytes(vm, v, w, bytes, length);
    if (crp_is_symbol(w))
        *bytes = crp_symbol_name(vm, w, length);
    else if (crp_bytes(w, &data, length))
        *bytes = (const char *)data;
    else
        return mismatch(vm, "a String, Binary, Buffer or Symbol", w);
    return CRP_OK;
}

crp_status crp_length(crp *vm, crp_val v, size_t *out)
{
    crp_word w;
    const unsigned char *bytes;
    size_t fresh = crpi_look_begin(vm);
    crp_status st = crpi_handle_word(vm, v, &w);
    if (st) return st;
    if (w == CRP_NIL || crp_is_pair(w)) return crpi_look_end(vm, fresh, crpi_lib_list_length(vm, w, out));
    if (crp_is_a(w, CRP_ARRAY))
        *out = crpi_array_of(w)->count;
    else if (crp_is_a(w, CRP_HASHTABLE))
        *out = crpi_map_of(w)->live;
    else if (crp_is_symbol(w))
        crp_symbol_name(vm, w, out);
    else if (!crp_bytes(w, &bytes, out))
        return mismatch(vm, "something that holds items or bytes", w);
    return CRP_OK;
}

static crp_status no_such_item(crp *vm, size_t i, size_t count)
{
    return crpi_refuse(vm, CRP_E_RAISED, "item %zu of %zu, counted from 0", i, count);
}

crp_status crp_at(crp *vm, crp_val v, size_t i, crp_val *out)
{
    crp_word w;
    size_t at = 0, fresh = crpi_look_begin(vm);
    *out = crp_nil();
    crp_status st = crpi_handle_word(vm, v, &w);
    if (st) return st;
    if (crp_is_a(w, CRP_ARRAY)) {
        const crpi_array *array = crpi_array_of(w);
        return i < array->count ? give(vm, fresh, CRP_OK, array->items[i], out)
                                : no_such_item(vm, i, array->count);
    }
    if (w != CRP_NIL && !crp_is_pair(w)) return mismatch(vm, "a List or Array", w);
    for (; crp_is_pair(w) && at < i; w = crp_tail(w)) at++;
    return crp_is_pair(w) ? give(vm, fresh, CRP_OK, crp_head(w), out) : no_such_item(vm, i, at);
}

crp_status crp_text(crp *vm, crp_val v, bool readable, crp_val *out)
{
    crp_word w, text = CRP_NIL;
    size_t fresh = crpi_look_begin(vm);
    *out = crp_nil();
    crp_status st = crpi_handle_word(vm, v, &w);
    if (st) return st;
    st = crp_to_string(vm, w, readable, &text);
    return give(vm, fresh, st, text, out);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

static crp_status symbol_of(crp *vm, const char *name, crp_word *out)
{
    if (!name) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "a name is missing");
    return crp_symbol(vm, name, strlen(name), out);
}

/* A call from the host: of a function, if `name` is NULL, else of a member of the object, or, if that is ()
 * and `functions` allows it, of the function of that name. */
typedef struct host_call {
    crp_val object;
    const char *name;
    bool functions;
    crp_word args[CRPI_MAX_PARAMETERS];
    size_t count;
} host_call;

static crp_status run_call(crp *vm, const host_call *call, crp_word object, crp_word *out)
{
    crp_word name, function;
    crp_status st = CRP_OK;
    if (!call->name) {
        st = crpi_lib_function(vm, object, &function);
        return st ? st : crpi_call(vm, function, call->args, call->count, out);
    }
    st = symbol_of(vm, call->name, &name);
    if (st) return st;
    if (!call->functions || object != CRP_NIL)
        return crpi_send(vm, object, name, call->args, call->count, out);
    st = crpi_lib_function(vm, name, &function);
    return st ? st : crpi_call(vm, function, call->args, call->count, out);
}

static crp_status make_call(crp *vm, const host_call *call, crp_val *out)
{
    crpi_visit visit;
    crp_word object, value = CRP_NIL;
    if (out) *out = crp_nil();
    if (!look_up(vm, call->object, &object)) return dead(vm);
    crp_status st = crpi_visit_begin(vm, &visit);
    if (st) return st;
    st = crpi_call_begins(vm);
    if (!st) st = crpi_ran(run_call(vm, call, object, &value));
    if (!st) st = new_handle(vm, value, out);
    return crpi_visit_end(vm, &visit, st);
}

/* Leaves the arguments as they are: there is room for many, and mostly there are one or two. */
static void begin_call(host_call *call, crp_val object, const char *name, bool functions)
{
    call->object = object;
    call->name = name;
    call->functions = functions;
    call->count = 0;
}

static crp_status take_arguments(crp *vm, host_call *call, const crp_val *args, size_t count)
{
    if (count > CRPI_MAX_PARAMETERS)
        return crpi_refuse(vm, CRP_E_MISUSE, "%zu arguments in one call; %d are the limit", count,
                           (int)CRPI_MAX_PARAMETERS);
    call->count = count;
    return crpi_handle_words(vm, args, count, call->args);
}

crp_status crp_call_val(crp *vm, crp_val function, const crp_val *args, size_t count, crp_val *out)
{
    host_call call;
    begin_call(&call, function, NULL, false);
    crp_status st = take_arguments(vm, &call, args, count);
    return st ? st : make_call(vm, &call, out);
}

crp_status crp_send(crp *vm, crp_val object, const char *method, const crp_val *args, size_t count,
                    crp_val *out)
{
    host_call call;
    begin_call(&call, object, method ? method : "", false);
    crp_status st = take_arguments(vm, &call, args, count);
    return st ? st : make_call(vm, &call, out);
}

static crp_status bytes_argument(crp *vm, char letter, const void *bytes, size_t length, crp_word *out)
{
    return letter == 'b' ? crp_binary(vm, bytes, length, out) : crp_string(vm, bytes, length, out);
}

/* One C argument of crp_callf as a word. */
static crp_status next_argument(crp *vm, char letter, va_list *list, crp_word *out)
{
    const void *bytes;
    switch (letter) {
    case 'i': return crp_integer(vm, va_arg(*list, int64_t), out);
    case 'r': return crp_real(vm, va_arg(*list, double), out);
    case 't': *out = crp_bool(va_arg(*list, int)); return CRP_OK;
    case 's': return crp_string_z(vm, va_arg(*list, const char *), out);
    case 'd':
    case 'b':
        bytes = va_arg(*list, const void *);
        return bytes_argument(vm, letter, bytes, va_arg(*list, size_t), out);
    case 'v':
        if (look_up(vm, va_arg(*list, crp_val), out)) return CRP_OK;
        return crpi_refuse(vm, CRP_E_STALE, "the handle of an argument is dead");
    default: return crpi_refuse(vm, CRP_E_MISUSE, "crp_callf: no kind of argument has the letter %c", letter);
    }
}

crp_status crp_callf(crp *vm, crp_val *out, crp_val object, const char *method, const char *format, ...)
{
    host_call call;
    size_t fresh = crpi_look_begin(vm), n = strlen(format);
    crp_status st = CRP_OK;
    va_list list;
    begin_call(&call, object, method ? method : "", true);
    if (out) *out = crp_nil();
    if (n > CRPI_MAX_PARAMETERS) return take_arguments(vm, &call, NULL, n);
    va_start(list, format);
    for (; !st && call.count < n; call.count++)
        st = next_argument(vm, format[call.count], &list, &call.args[call.count]);
    va_end(list);
    if (st == CRP_E_STALE || st == CRP_E_MISUSE)
        vm->heap.fresh_count = fresh;
    else if (st)
        st = crpi_look_end(vm, fresh, st);
    else
        st = make_call(vm, &call, out);
    vm->heap.fresh_count = fresh;
    return st;
}

/* --- objects -------------------------------------------------------------------------------------------- */

/* A property may have code behind it, so getting and setting are visits. */
crp_status crp_prop_get(crp *vm, crp_val object, const char *name, crp_val *out)
{
    crpi_visit visit;
    crp_word w, symbol, value = CRP_NIL;
    *out = crp_nil();
    crp_status st = crpi_handle_word(vm, object, &w);
    if (!st) st = crpi_visit_begin(vm, &visit);
    if (st) return st;
    st = symbol_of(vm, name, &symbol);
    if (!st) st = crpi_ran(crp_get(vm, w, symbol, &value));
    if (!st) st = crpi_handle_new(vm, value, out);
    return crpi_visit_end(vm, &visit, st);
}

crp_status crp_prop_set(crp *vm, crp_val object, const char *name, crp_val value)
{
    crpi_visit visit;
    crp_word words[2], symbol;
    crp_status st = crpi_handle_words(vm, (crp_val[]){object, value}, 2, words);
    if (!st) st = crpi_visit_begin(vm, &visit);
    if (st) return st;
    st = symbol_of(vm, name, &symbol);
    if (!st) st = crpi_ran(crp_set(vm, words[0], symbol, words[1]));
    return crpi_visit_end(vm, &visit, st);
}

crp_status crp_create(crp *vm, const char *class_name, const crp_val *args, size_t count, crp_val *out)
{
    host_call call;
    begin_call(&call, crp_nil(), "createAux", true);
    crp_word symbol;
    if (out) *out = crp_nil();
    crp_status st = symbol_of(vm, class_name, &symbol);
    if (st) return crpi_failed(vm, st);
    if (count >= CRPI_MAX_PARAMETERS) return take_arguments(vm, &call, args, count + 1);
    call.args[0] = symbol;
    call.count = count + 1;
    st = crpi_handle_words(vm, args, count, call.args + 1);
    return st ? st : make_call(vm, &call, out);
}

/* --- variables ------------------------------------------------------------------------------------------ */

static crp_status variable_cell(crp *vm, const char *name, crp_word symbol, uint32_t *cell)
{
    crpi_scope *scope = vm->loader->scopes[0];
    bool declared;
    if (name[0] == ':') {
        crp_status st = crpi_global_cell(vm, symbol, cell);
        if (!st) vm->cells->cells[*cell].declared = true;
        return st;
    }
    *cell = crpi_scope_find(scope, symbol, &declared);
    return *cell && declared ? CRP_OK
                             : crpi_scope_add(vm, scope, symbol, CRPI_TYPE(CRP_OBJECT, 0), true, cell);
}

crp_status crp_define(crp *vm, const char *name, crp_val value)
{
    size_t fresh = crpi_look_begin(vm), length = strlen(name);
    crp_word w, symbol;
    uint32_t cell = 0;
    crp_status st = crpi_handle_word(vm, value, &w);
    if (st) return st;
    const char *bare = strncmp(name, "::", 2) == 0 ? name + 2 : name;
    if (strchr(bare, ':') || !crpi_reads_as_symbol(name, length))
        return crpi_refuse(vm, CRP_E_MISUSE, "%q is no variable's name", name);
    st = crp_symbol(vm, name, length, &symbol);
    if (!st) st = variable_cell(vm, name, symbol, &cell);
    if (!st) st = crpi_check_type(vm, vm->cells->cells[cell].type, &w, "variable", symbol);
    if (!st) vm->cells->values[cell] = w;
    return crpi_look_end(vm, fresh, st);
}
