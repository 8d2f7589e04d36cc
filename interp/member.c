/* floor 4: members of classes: found, read, set, and missed.
 *
 * A face's members stand in the order of its declaration, with an index by Symbol beside them.  Whoever reads
 * or sets a property, the dot or native code, comes through here, so that what a row says (read only,
 * private, range, locked while connected) holds everywhere.
 */
#include "class.h"

#include <string.h>
#include "error.h"
#include "map.h"
#include "number.h"
#include "printer.h"
#include "value.h"

enum { MAX_HOPS = 64 /* of `missing` hooks */, LISTED = 300 /* bytes of what a class has, in an error */ };

/* --- a face's members ----------------------------------------------------------------------------------- */

crp_status crpi_member_new(crp *vm, crpi_class *owner, crp_word name, enum crpi_member_kind kind,
                           crpi_member **out)
{
    if (!crpi_mem_grow(&vm->mem, &vm->members, &vm->member_capacity, vm->member_count + 1,
                       sizeof *vm->members))
        return crp_no_memory(vm);
    crpi_member *m = crp_alloc(vm, sizeof *m);
    if (!m) return CRP_E_NOMEM;
    *m = (crpi_member){
        .name = name,
        .kind = (uint8_t)kind,
        .number = (uint32_t)vm->member_count,
        .start = CRP_NIL,
        .function = CRP_UNSET,
        .declared = CRP_NIL,
        .id = CRP_NIL,
        .owner = owner,
    };
    vm->members[vm->member_count++] = *out = m;
    return CRP_OK;
}

void crpi_members_cut(crp *vm, size_t count)
{
    size_t kept = count;
    for (size_t i = count; i < vm->member_count; i++) {
        crpi_member *m = vm->members[i];
        if (m->owner) {
            m->number = (uint32_t)kept;
            vm->members[kept++] = m;
        } else crp_free_bytes(vm, m, sizeof *m);
    }
    vm->member_count = kept;
}

static uint32_t *index_slot(uint32_t *index, size_t size, crpi_member *const *members, crp_word name)
{
    size_t mask = size - 1;
    for (size_t i = (crp_symbol_id(name) * 2654435761u) & mask;; i = (i + 1) & mask)
        if (index[i] == 0 || members[index[i] - 1]->name == name) return &index[i];
}

static bool grow_index(crp *vm, crpi_face *face)
{
    size_t wider = face->index_size ? face->index_size * 2 : 8;
    uint32_t *index = crpi_mem_alloc(&vm->mem, wider * sizeof *index);
    if (!index) return false;
    memset(index, 0, wider * sizeof *index);
    for (size_t i = 0; i < face->count; i++)
        *index_slot(index, wider, face->members, face->members[i]->name) = (uint32_t)i + 1;
    crpi_mem_free(&vm->mem, face->index, face->index_size * sizeof *index);
    face->index = index;
    face->index_size = wider;
    return true;
}

crpi_member *crpi_face_find(const crpi_face *face, crp_word name)
{
    if (face->index_size == 0) return NULL;
    uint32_t at = *index_slot(face->index, face->index_size, face->members, name);
    return at ? face->members[at - 1] : NULL;
}

static crp_status two_of_one_name(crp *vm, const crpi_member *a, const crpi_member *b)
{
    const char *format = "a property and a method are called %p";
    if (a->kind == CRPI_METHOD && b->kind == CRPI_METHOD) format = "two methods are called %p";
    else if (a->kind != CRPI_METHOD && b->kind != CRPI_METHOD) format = "two properties are called %p";
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, format, a->name);
}

crp_status crpi_face_add(crp *vm, crpi_face *face, crpi_member *m)
{
    const crpi_member *other = crpi_face_find(face, m->name);
    if (other) return two_of_one_name(vm, other, m);
    if (face->count >= CRPI_MAX_MEMBERS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "more than %d members: %p is one too many",
                         (int)CRPI_MAX_MEMBERS, m->name);
    if (!crpi_mem_grow(&vm->mem, &face->members, &face->capacity, face->count + 1, sizeof *face->members) ||
        (face->count * 2 >= face->index_size && !grow_index(vm, face)))
        return crp_no_memory(vm);
    face->members[face->count++] = m;
    *index_slot(face->index, face->index_size, face->members, m->name) = (uint32_t)face->count;
    return CRP_OK;
}

void crpi_face_free(crp *vm, crpi_face *face)
{
    crp_free_bytes(vm, face->members, face->capacity * sizeof *face->members);
    crp_free_bytes(vm, face->index, face->index_size * sizeof *face->index);
    *face = (crpi_face){.name = CRP_NIL, .clauses = CRP_NIL};
}

crpi_member *crpi_member_find(crp *vm, uint32_t class_id, uint32_t face, crp_word name)
{
    crpi_class *c = vm->classes[class_id];
    if (!c->ready && crpi_class_ready(vm, c)) return NULL;
    return face < c->face_count ? crpi_face_find(&c->faces[face], name) : NULL;
}

/* --- an object's own methods ---------------------------------------------------------------------------- */

crp_word crpi_own_methods(crp *vm, crp_word object)
{
    const crp_class_def *def = crp_class_definition(vm, object);
    if (!def || !def->own_methods) return CRP_NIL;
    crp_word table = *(crp_word *)(void *)((char *)crp_object_of(object) + def->own_methods);
    return crp_is_a(table, CRP_HASHTABLE) ? table : CRP_NIL;
}

crp_word crpi_own_method(crp *vm, crp_word object, crp_word name)
{
    crp_word table = crpi_own_methods(vm, object), function;
    if (table == CRP_NIL || !crpi_map_get(vm, crpi_map_of(table), name, &function)) return CRP_UNSET;
    return function;
}

/* --- what is not there ---------------------------------------------------------------------------------- */

/* The names that an object answers to: those of its face, its own, then those that its class hands on. */
typedef struct face_walk {
    crp *vm;
    const crpi_face *face;
    size_t at;
    crp_word object; /* CRP_UNSET: none, only the face */
    size_t other;    /* the next of all members there are */
    size_t own;      /* and of the object's own methods */
} face_walk;

static bool named_before(crp *vm, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (vm->members[i] && vm->members[i]->name == vm->members[number]->name) return true;
    return false;
}

static const char *next_handed_on(face_walk *w)
{
    const crp_class_def *def = w->object == CRP_UNSET ? NULL : crp_class_definition(w->vm, w->object);
    if (!def || !def->missing) return NULL;
    while (w->other < w->vm->member_count) {
        size_t number = w->other++;
        const crpi_member *m = w->vm->members[number];
        crp_word target;
        if (!m || named_before(w->vm, number) || crpi_face_find(w->face, m->name)) continue;
        if (def->missing(w->vm, crp_object_of(w->object), m->name, &target)) return crp_symbol_name(w->vm, m->name, NULL);
    }
    return NULL;
}

static const char *next_own(face_walk *w)
{
    crp_word table = w->object == CRP_UNSET ? CRP_NIL : crpi_own_methods(w->vm, w->object), name, function;
    if (table == CRP_NIL || !crpi_map_next(crpi_map_of(table), &w->own, &name, &function)) return NULL;
    return crp_symbol_name(w->vm, name, NULL);
}

static const char *next_member(void *ud)
{
    face_walk *w = ud;
    while (w->at < w->face->count) {
        const crpi_member *m = w->face->members[w->at++];
        if (!(m->flags & CRPI_PRIVATE)) return crp_symbol_name(w->vm, m->name, NULL);
    }
    const char *own = next_own(w);
    return own ? own : next_handed_on(w);
}

/* "; it has a, b, c", or " It has a, b, c" behind a question, as long as the list stays readable. */
static void list_members(crp *vm, crpi_buf *out, const crpi_face *face, crp_word object)
{
    face_walk walk = {.vm = vm, .face = face, .object = object};
    bool asked = out->length > 0 && out->bytes[out->length - 1] == '?';
    const char *name = next_member(&walk), *before = asked ? " It has " : "; it has ";
    if (!name) crpi_buf_text(out, "; it has no members");
    for (; name; name = next_member(&walk), before = ", ") {
        crpi_buf_text(out, before);
        if (out->length > LISTED) {
            crpi_buf_text(out, "...");
            return;
        }
        crpi_buf_escaped(out, name, strlen(name), 100);
    }
}

void crpi_members_near(crp *vm, crpi_buf *out, const crpi_face *face, crp_word object, crp_word name)
{
    size_t length;
    const char *text = crp_symbol_name(vm, name, &length);
    face_walk walk = {.vm = vm, .face = face, .object = object};
    crpi_suggest(out, text, length, next_member, &walk);
    list_members(vm, out, face, object);
}

crp_status crpi_member_unknown(crp *vm, crp_word object, crp_word name)
{
    uint32_t id, face;
    crpi_face_of(object, &id, &face);
    crpi_class *c = vm->classes[id];
    crp_status st = crpi_class_ready(vm, c);
    if (st) return st;
    if (object == CRP_NIL)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN,
                         "() has no property or method %p: it is the empty List", name);
    crpi_buf class_name, more;
    crpi_buf_init(&class_name, &vm->mem, 300);
    crpi_buf_init(&more, &vm->mem, 2000);
    crpi_type_name(vm, &class_name, CRPI_TYPE(id, face));
    crpi_members_near(vm, &more, &c->faces[face], object, name);
    st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "%.*s has no property or method %p%.*s",
                   (int)class_name.length, class_name.bytes ? class_name.bytes : "", name, (int)more.length,
                   more.bytes ? more.bytes : "");
    crpi_buf_free(&class_name);
    crpi_buf_free(&more);
    return st;
}

static void list_faces(crp *vm, crpi_buf *out, const crpi_class *c)
{
    for (size_t i = 0; i < c->face_count && out->length < LISTED; i++) {
        crpi_buf_text(out, i ? ", " : "; it has ");
        if (c->faces[i].name == CRP_NIL) crpi_buf_text(out, "\"\"");
        else crpi_print(vm, out, c->faces[i].name, CRPI_DISPLAY, 100);
    }
}

crp_status crpi_face_named(crp *vm, const crpi_class *c, crp_word name, uint32_t *out)
{
    size_t length = 0;
    const char *text = crpi_name_text(vm, name, &length);
    crp_word symbol;
    *out = 0;
    if (!c->defined && !c->face_count)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "the class %p is named, but not defined yet",
                         c->name);
    if (text && length == 0) return CRP_OK;
    if (text && crpi_symbol_find(&vm->symbols, text, length, &symbol))
        for (size_t i = 0; i < c->face_count; i++)
            if (c->faces[i].name == symbol) {
                *out = (uint32_t)i;
                return CRP_OK;
            }
    crpi_buf faces;
    crpi_buf_init(&faces, &vm->mem, 2000);
    list_faces(vm, &faces, c);
    crp_status st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "class %p has no interface %p%.*s", c->name,
                              name, (int)faces.length, faces.bytes ? faces.bytes : "");
    crpi_buf_free(&faces);
    return st;
}

/* --- properties ----------------------------------------------------------------------------------------- */

static crp_status refuse(crp *vm, const crpi_member *m, const char *why)
{
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "property %p of %p %s", m->name, m->owner->name, why);
}

static crp_word *word_of(crp_word object, const crpi_member *m)
{
    return (crp_word *)(void *)((char *)crp_object_of(object) + m->offset);
}

crp_status crpi_property_get(crp *vm, crp_word object, crpi_member *m, bool inside, crp_word *out)
{
    if (m->flags & CRPI_PRIVATE && !inside) return refuse(vm, m, "is private");
    if (m->flags & CRPI_WRITEONLY) return refuse(vm, m, "can only be set");
    object = crpi_unview(object);
    if (m->kind == CRPI_ACCESSOR && m->row->get) {
        /* a value without a header, an Integer say, has no object to hand over */
        if (!crp_is_object(object)) return refuse(vm, m, "cannot be read");
        vm->accessing = m->row;
        return m->row->get(vm, crp_object_of(object), out);
    }
    if (!m->offset) return refuse(vm, m, "cannot be read");
    *out = *word_of(object, m);
    return CRP_OK;
}

/* One side of "1..65535": absent, an Integer or a Real. */
static bool within(const char *side, size_t length, double value, bool upper)
{
    double bound;
    if (length == 0 || !crpi_parse_real(side, length, &bound)) return true;
    return upper ? value <= bound : value >= bound;
}

static bool is_listed(const char *range, const char *word, size_t length)
{
    for (const char *at = range;; at++) {
        const char *bar = strchr(at, '|');
        size_t n = bar ? (size_t)(bar - at) : strlen(at);
        if (n == length && memcmp(at, word, n) == 0) return true;
        if (!bar) return false;
        at = bar;
    }
}

/* What a row's `range` says: "1..65535" of numbers, "odd|even|none" of Strings and Symbols. */
static crp_status check_range(crp *vm, const crpi_member *m, crp_word value)
{
    const char *range = m->row->range, *dots = strstr(range, "..");
    int code = CRP_BAD_ARGUMENT;
    bool fits = true;
    size_t length;
    if (dots && (crp_is_integer(value) || crp_is_real(value))) {
        double number = crp_real_value(value);
        fits = within(range, (size_t)(dots - range), number, false) &&
               within(dots + 2, strlen(dots + 2), number, true);
        code = CRP_OUT_OF_RANGE;
    } else if (!dots && crp_is_string(value)) {
        const char *word = crp_string_data(value, &length);
        fits = is_listed(range, word, length);
    } else if (!dots && crp_is_symbol(value)) {
        const char *word = crp_symbol_name(vm, value, &length);
        fits = is_listed(range, word, length);
    }
    if (fits) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, code, "property %p of %p: expected %s, given %v", m->name,
                     m->owner->name, range, m->flags & CRPI_SECRET ? CRP_NIL : value);
}

static crp_status check_value(crp *vm, const crpi_member *m, crp_word *value)
{
    bool fits =
        crpi_has_type(vm, m->type, *value) || (m->type == CRPI_TYPE(CRP_REAL, 0) && crp_is_integer(*value));
    crp_status st =
        fits ? crpi_check_type(vm, m->type, value, "property", m->name)
             : crpi_type_mismatch(vm, m->type, m->type, *value, m->flags & CRPI_SECRET, "property", m->name);
    if (!fits) crp_error_prefix(vm, "%p: ", m->owner->name);
    return st || !m->row || !m->row->range ? st : check_range(vm, m, *value);
}

crp_status crpi_property_set(crp *vm, crp_word object, crpi_member *m, bool inside, crp_word value)
{
    if (m->flags & CRPI_PRIVATE && !inside) return refuse(vm, m, "is private");
    if (m->flags & CRPI_READONLY && !(inside && m->owner->script)) return refuse(vm, m, "is read only");
    object = crpi_unview(object);
    if (!crp_is_object(object)) return refuse(vm, m, "cannot be set");
    crp_object *o = crp_object_of(object);
    if (m->row && m->row->flags & CRP_CONFIG && o->flags & CRP_F_CONNECTED)
        return refuse(vm, m, "can be set only while it is not connected");
    crp_status st = check_value(vm, m, &value);
    if (st) return st;
    if (m->kind == CRPI_ACCESSOR && m->row->set) {
        vm->accessing = m->row;
        return m->row->set(vm, o, value);
    }
    if (!m->offset) return refuse(vm, m, "cannot be set");
    crpi_store(vm, &vm->heap, word_of(object, m), value);
    return CRP_OK;
}

/* --- by name, for native code --------------------------------------------------------------------------- */

/* The member that the dot would find, and in *object whose it is: a class's `missing` hook may hand over to
 * another object.  NULL: none, or the class could not be made ready. */
static crpi_member *find_through(crp *vm, crp_word *object, crp_word name)
{
    for (int hops = 0; hops < MAX_HOPS; hops++) {
        uint32_t id, face;
        crpi_face_of(*object, &id, &face);
        crpi_member *m = crpi_member_find(vm, id, face, name);
        const crp_class_def *def = crp_class_definition(vm, *object);
        if (m || !def || !def->missing || !def->missing(vm, crp_object_of(*object), name, object)) return m;
    }
    return NULL;
}

/* A look that finds nothing leaves no error behind. */
static bool has_member(crp *vm, crp_word object, crp_word name, bool method)
{
    crp_word before = vm->error;
    const crpi_member *m = find_through(vm, &object, name);
    if (m) return (m->kind == CRPI_METHOD) == method;
    vm->error = before;
    return method && crpi_own_method(vm, object, name) != CRP_UNSET;
}

bool crpi_can_read(crp *vm, crp_word object, crp_word name)
{
    crp_word before = vm->error;
    const crpi_member *m = find_through(vm, &object, name);
    if (!m) vm->error = before;
    return m && m->kind != CRPI_METHOD && !(m->flags & (CRPI_PRIVATE | CRPI_WRITEONLY));
}

bool crp_has_property(crp *vm, crp_word object, crp_word name) { return has_member(vm, object, name, false); }
bool crp_has_method(crp *vm, crp_word object, crp_word name) { return has_member(vm, object, name, true); }

static crp_status find_property(crp *vm, crp_word *object, crp_word name, crpi_member **out)
{
    crp_word first = *object;
    *out = find_through(vm, object, name);
    if (!*out) return crpi_member_unknown(vm, first, name);
    if ((*out)->kind != CRPI_METHOD) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "%p of %p is a method, no property", name,
                     (*out)->owner->name);
}

crp_status crp_get(crp *vm, crp_word object, crp_word name, crp_word *out)
{
    crpi_member *m;
    crp_status st = find_property(vm, &object, name, &m);
    return st ? st : crpi_property_get(vm, object, m, false, out);
}

crp_status crp_set(crp *vm, crp_word object, crp_word name, crp_word value)
{
    crpi_member *m;
    crp_status st = find_property(vm, &object, name, &m);
    return st ? st : crpi_property_set(vm, object, m, false, value);
}

/* --- a-lists -------------------------------------------------------------------------------------------- */

enum { MAX_ALIST = CRPI_MAX_SLOTS * 2 };

static bool is_pair_of_two(crp_word item)
{
    if (!crp_is_pair(item) || !crp_is_pair(crp_tail(item)) || crp_tail(crp_tail(item)) != CRP_NIL)
        return false;
    return crp_is_symbol(crp_head(item)) || crp_is_string(crp_head(item));
}

bool crpi_is_alist(crp_word list)
{
    int n = 0;
    for (; crp_is_pair(list); list = crp_tail(list))
        if (++n > MAX_ALIST || !is_pair_of_two(crp_head(list))) return false;
    return n > 0 && list == CRP_NIL;
}

crp_status crpi_apply_alist(crp *vm, crp_word object, crp_word alist)
{
    if (alist != CRP_NIL && !crpi_is_alist(alist))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "expected a List of (property value), given %v", alist);
    for (; alist != CRP_NIL; alist = crp_tail(alist)) {
        crp_word item = crp_head(alist), name = crp_head(item);
        size_t length;
        const char *text = crpi_name_text(vm, name, &length);
        crp_status st = crp_symbol(vm, text, length, &name);
        if (!st) st = crp_set(vm, object, name, crp_head(crp_tail(item)));
        if (st) return st;
    }
    return CRP_OK;
}
