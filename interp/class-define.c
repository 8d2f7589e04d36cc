/* floor 4: a script's `class` form, and which method a definition is for.
 *
 * The form is read whole into a draft, a class that nobody sees, so that an error leaves everything as it
 * was.  Then the draft becomes the class of its name; or, when the properties are those that the class of
 * this name has already, that class takes over the draft's methods and keeps its number, so its objects stay
 * what they are.
 *
 * All interfaces of an object share its slots: a property that two of them declare is one slot.
 */
#include "class.h"

#include <string.h>
#include "error.h"
#include "value.h"

typedef struct draft {
    crp *vm;
    crpi_class c;
    crpi_face faces[CRPI_MAX_FACES];
    crp_word slot_names[CRPI_MAX_SLOTS], starts[CRPI_MAX_SLOTS];
    crpi_type slot_types[CRPI_MAX_SLOTS];
    size_t first_member; /* in vm->members: the draft's begin here */
} draft;

#define ILLEGAL(d, ...) crp_raise((d)->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, __VA_ARGS__)

static crp_word next_item(crp_word *list)
{
    crp_word item = crp_head(*list);
    *list = crp_tail(*list);
    return item;
}

static bool begins_with(crp_word form, crp_word symbol)
{
    return crp_is_pair(form) && crp_head(form) == symbol;
}

/* A name is a Symbol or String without a colon. */
static crp_status read_name(draft *d, crp_word w, const char *what, crp_word *out)
{
    size_t length;
    const char *text = crpi_name_text(d->vm, w, &length);
    if (!text) return ILLEGAL(d, "expected the name of %s, given %v", what, w);
    crp_status st = crp_symbol(d->vm, text, length, out);
    if (st) return st;
    if (length == 0 || memchr(text, ':', length) || *out == CRP_TRUE || *out == CRPI_WORD_OF(NIL))
        return ILLEGAL(d, "%v cannot be the name of %s", w, what);
    return CRP_OK;
}

/* --- the clauses that are kept for classInfo ------------------------------------------------------------ */

enum clause_kind { A_TEXT, A_NUMBER, A_LIBRARY, YES_OR_NO, IN_OR_OUT };
enum { OF_CLASS = 1, OF_INTERFACE = 2 };

static const struct clause {
    uint32_t symbol;
    uint8_t where, kind;
} clauses[] = {
    {CRPI_SYM_GUID, OF_CLASS | OF_INTERFACE, A_TEXT},    {CRPI_SYM_MAJOR, OF_CLASS | OF_INTERFACE, A_NUMBER},
    {CRPI_SYM_MINOR, OF_CLASS | OF_INTERFACE, A_NUMBER}, {CRPI_SYM_PROG_ID, OF_INTERFACE, A_TEXT},
    {CRPI_SYM_LIBRARY, OF_INTERFACE, A_LIBRARY},         {CRPI_SYM_CREATABLE, OF_INTERFACE, YES_OR_NO},
    {CRPI_SYM_DIRECTION, OF_INTERFACE, IN_OR_OUT},
};
enum { CLAUSES = sizeof clauses / sizeof *clauses };

static const char *const clause_words[] = {"a String", "an Integer", "a String and two Integers", "yes or no",
                                           "in or out"};

static bool clause_fits(enum clause_kind kind, crp_word args)
{
    crp_word items[4];
    int n = 0;
    for (; crp_is_pair(args) && n < 4; n++) items[n] = next_item(&args);
    if (args != CRP_NIL) return false;
    switch (kind) {
    case A_TEXT: return n == 1 && crp_is_string(items[0]);
    case A_NUMBER: return n == 1 && crp_is_integer(items[0]);
    case A_LIBRARY:
        return n == 3 && crp_is_string(items[0]) && crp_is_integer(items[1]) && crp_is_integer(items[2]);
    case YES_OR_NO: return n == 1 && (items[0] == CRPI_WORD_OF(YES) || items[0] == CRPI_WORD_OF(NO));
    default: return n == 1 && (items[0] == CRPI_WORD_OF(IN) || items[0] == CRPI_WORD_OF(OUT));
    }
}

typedef struct name_walk {
    crp *vm;
    int where;
    size_t at;
} name_walk;

static const char *next_clause(void *ud)
{
    name_walk *w = ud;
    static const struct clause sections[] = {{CRPI_SYM_INTERFACE, OF_CLASS, 0},
                                             {CRPI_SYM_PROPERTIES, OF_INTERFACE, 0},
                                             {CRPI_SYM_METHODS, OF_INTERFACE, 0}};
    while (w->at < CLAUSES + 3) {
        const struct clause *c = w->at < CLAUSES ? &clauses[w->at] : &sections[w->at - CLAUSES];
        w->at++;
        if (c->where & w->where) return crp_symbol_name(w->vm, crp_symbol_from_id(c->symbol), NULL);
    }
    return NULL;
}

static crp_status unknown_clause(draft *d, crp_word form, int where)
{
    const char *what = where == OF_CLASS
                           ? "(interface ...) or a clause such as (major 1)"
                           : "(properties ...), (methods ...) or a clause such as (guid \"...\")";
    if (!crp_is_pair(form) || !crp_is_symbol(crp_head(form)))
        return ILLEGAL(d, "expected %s, given %v", what, form);
    size_t length;
    const char *name = crp_symbol_name(d->vm, crp_head(form), &length);
    name_walk walk = {d->vm, where, 0};
    crpi_buf near;
    crpi_buf_init(&near, &d->vm->mem, 500);
    crpi_suggest(&near, name, length, next_clause, &walk);
    crp_status st =
        ILLEGAL(d, "expected %s, given %v%.*s", what, form, (int)near.length, near.bytes ? near.bytes : "");
    crpi_buf_free(&near);
    return st;
}

/* Takes a clause; *seen has a bit for each that was there. */
static crp_status read_clause(draft *d, crp_word form, int where, unsigned *seen, crp_list_builder *kept)
{
    for (unsigned i = 0; i < CLAUSES; i++) {
        const struct clause *c = &clauses[i];
        if (!(c->where & where) || !begins_with(form, crp_symbol_from_id(c->symbol))) continue;
        if (*seen >> i & 1) return ILLEGAL(d, "%p stands there twice", crp_head(form));
        *seen |= 1u << i;
        if (!clause_fits(c->kind, crp_tail(form)))
            return ILLEGAL(d, "%p: expected %s, given %v", crp_head(form), clause_words[c->kind], form);
        return crp_list_add(d->vm, kept, form);
    }
    return unknown_clause(d, form, where);
}

static bool has_clause(crp_word list, crp_word name, crp_word value)
{
    for (; list != CRP_NIL; list = crp_tail(list))
        if (begins_with(crp_head(list), name) && crp_head(crp_tail(crp_head(list))) == value) return true;
    return false;
}

/* --- members -------------------------------------------------------------------------------------------- */

/* `public` and `private` before a member's declaration. */
static bool take_private(crp_word *list)
{
    bool is_private = begins_with(*list, CRPI_WORD_OF(PRIVATE));
    if (is_private || begins_with(*list, CRPI_WORD_OF(PUBLIC))) *list = crp_tail(*list);
    return is_private;
}

/* (id n), with an Integer or a Binary. */
static bool take_id(crp_word item, crp_word *out)
{
    if (*out != CRP_NIL || !begins_with(item, CRPI_WORD_OF(ID)) || !crp_is_pair(crp_tail(item))) return false;
    crp_word number = crp_head(crp_tail(item));
    if (crp_tail(crp_tail(item)) != CRP_NIL || !(crp_is_integer(number) || crp_is_a(number, CRP_BINARY)))
        return false;
    *out = item;
    return true;
}

/* The slot of that name, shared by the interfaces that declare it. */
static crp_status take_slot(draft *d, crp_word name, crpi_type type, uint32_t *out)
{
    uint32_t i = 0;
    while (i < d->c.slots && d->slot_names[i] != name) i++;
    *out = i;
    if (i < d->c.slots) {
        if (d->slot_types[i] == type) return CRP_OK;
        return ILLEGAL(d, "property %p is declared with another class by another interface", name);
    }
    if (i == CRPI_MAX_SLOTS)
        return ILLEGAL(d, "more than %d properties: %p is one too many", (int)CRPI_MAX_SLOTS, name);
    d->slot_names[i] = name;
    d->slot_types[i] = type;
    d->starts[i] = crpi_start_value(d->vm, type);
    if (d->starts[i] == CRP_UNSET) return CRP_E_NOMEM;
    d->c.slots++;
    return CRP_OK;
}

static crp_status read_property(draft *d, crpi_face *face, crp_word form)
{
    crp_word rest = form, name, id = CRP_NIL;
    crpi_type type;
    uint32_t slot;
    bool is_private = take_private(&rest), read_only = false, secret = false;
    if (!crp_is_pair(rest) || !crp_is_pair(crp_tail(rest)))
        return ILLEGAL(d, "a property is declared as (name Class), given %v", form);
    crp_status st = read_name(d, next_item(&rest), "a property", &name);
    if (!st) st = crpi_type_named(d->vm, next_item(&rest), &type);
    if (st) return st;
    while (crp_is_pair(rest)) {
        crp_word item = next_item(&rest);
        if (item == CRPI_WORD_OF(READ_ONLY) && !read_only) read_only = true;
        else if (item == CRPI_WORD_OF(SECRET) && !secret) secret = true;
        else if (!take_id(item, &id))
            return ILLEGAL(d, "property %p: expected readOnly, secret or (id n) after its class, given %v", name,
                           item);
    }
    if (rest != CRP_NIL) return ILLEGAL(d, "a property is declared as (name Class), given %v", form);
    crpi_member *m;
    st = take_slot(d, name, type, &slot);
    if (!st) st = crpi_member_new(d->vm, &d->c, name, CRPI_SLOT, &m);
    if (st) return st;
    m->face = (uint8_t)d->c.face_count;
    m->flags = (uint8_t)((read_only ? CRPI_READONLY : 0) | (is_private ? CRPI_PRIVATE : 0) |
                         (secret ? CRPI_SECRET : 0));
    m->type = type;
    m->offset = (uint32_t)(offsetof(crpi_instance, slots) + slot * sizeof(crp_word));
    m->start = d->starts[slot];
    m->id = id;
    return crpi_face_add(d->vm, face, m);
}

static crp_status read_method(draft *d, crpi_face *face, crp_word form)
{
    crp_word rest = form, name, id = CRP_NIL;
    bool is_private = take_private(&rest);
    if (!crp_is_pair(rest) || !crp_is_pair(crp_tail(rest)) || !crp_is_pair(crp_tail(crp_tail(rest))))
        return ILLEGAL(d, "a method is declared as (Class name (argument ...)), given %v", form);
    crp_word result = next_item(&rest);
    if (result == CRP_NIL) result = CRPI_WORD_OF(NIL);
    crp_status st = read_name(d, next_item(&rest), "a method", &name);
    if (st) return st;
    crp_word parameters = next_item(&rest);
    if (crp_is_pair(rest) && take_id(crp_head(rest), &id)) rest = crp_tail(rest);
    if (rest != CRP_NIL)
        return ILLEGAL(d, "method %p: expected (id n) or nothing after its arguments, given %v", name, rest);
    crpi_signature *signature;
    crpi_member *m;
    st = crpi_signature_new(d->vm, result, parameters, &signature);
    if (st) {
        crp_error_prefix(d->vm, "method %p: ", name);
        return st;
    }
    st = crpi_member_new(d->vm, &d->c, name, CRPI_METHOD, &m);
    if (!st) {
        m->face = (uint8_t)d->c.face_count;
        m->flags = is_private ? CRPI_PRIVATE : 0;
        m->type = signature->result;
        m->declared = parameters;
        m->id = id;
    }
    crpi_signature_free(d->vm, signature);
    return st ? st : crpi_face_add(d->vm, face, m);
}

/* --- interfaces ----------------------------------------------------------------------------------------- */

static crp_status read_section(draft *d, crpi_face *face, crp_word form, unsigned *seen)
{
    bool methods = begins_with(form, CRPI_WORD_OF(METHODS));
    unsigned bit = methods ? 1u << 30 : 1u << 31;
    if (*seen & bit) return ILLEGAL(d, "%p stands there twice", crp_head(form));
    *seen |= bit;
    crp_word rest = crp_tail(form);
    while (crp_is_pair(rest)) {
        crp_status st = (methods ? read_method : read_property)(d, face, next_item(&rest));
        if (st) return st;
    }
    return rest == CRP_NIL ? CRP_OK : ILLEGAL(d, "%p: expected a List, given %v", crp_head(form), form);
}

static crp_status name_face(draft *d, crpi_face *face, crp_word *rest)
{
    bool first = d->c.face_count == 0;
    if (crp_is_pair(*rest) && !crp_is_pair(crp_head(*rest))) {
        crp_word given = next_item(rest);
        size_t length = 0;
        const char *text = crpi_name_text(d->vm, given, &length);
        crp_status st = text && length == 0 ? CRP_OK : read_name(d, given, "an interface", &face->name);
        if (st) return st;
    }
    if (face->name == CRP_NIL && !first)
        return crp_raise(d->vm, CRP_ERR_SCRIPT, CRP_MISSING,
                         "interface number %d needs a name: only the first may do without",
                         (int)d->c.face_count);
    for (size_t i = 0; i < d->c.face_count && face->name != CRP_NIL; i++)
        if (d->faces[i].name == face->name) return ILLEGAL(d, "two interfaces are called %p", face->name);
    return CRP_OK;
}

static crp_status fill_face(draft *d, crpi_face *face, crp_word rest)
{
    unsigned seen = 0;
    crp_list_builder kept = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    while (!st && crp_is_pair(rest)) {
        crp_word item = next_item(&rest);
        bool section =
            begins_with(item, CRPI_WORD_OF(PROPERTIES)) || begins_with(item, CRPI_WORD_OF(METHODS));
        st = section ? read_section(d, face, item, &seen) : read_clause(d, item, OF_INTERFACE, &seen, &kept);
    }
    face->clauses = kept.first;
    if (!st && rest != CRP_NIL) st = ILLEGAL(d, "expected a List of clauses, given %v", rest);
    if (!st && has_clause(kept.first, CRPI_WORD_OF(CREATABLE), CRPI_WORD_OF(YES)) &&
        has_clause(kept.first, CRPI_WORD_OF(DIRECTION), CRPI_WORD_OF(OUT)))
        st = ILLEGAL(d, "an interface that is creatable must have the direction in");
    return st;
}

static crp_status read_interface(draft *d, crp_word form)
{
    crp_word rest = crp_tail(form);
    if (d->c.face_count == CRPI_MAX_FACES) return ILLEGAL(d, "more than %d interfaces", (int)CRPI_MAX_FACES);
    crpi_face *face = &d->faces[d->c.face_count];
    *face = (crpi_face){.name = CRP_NIL, .clauses = CRP_NIL};
    crp_status st = name_face(d, face, &rest);
    if (!st) {
        st = fill_face(d, face, rest);
        if (st && face->name != CRP_NIL) crp_error_prefix(d->vm, "interface %p: ", face->name);
    }
    d->c.face_count++;
    return st;
}

/* --- the whole form ------------------------------------------------------------------------------------- */

/* The version numbers have a place of their own in classInfo, after the name. */
static crp_status read_version(draft *d, crp_word kept)
{
    crp_list_builder others = {CRP_NIL, CRP_NIL};
    for (; kept != CRP_NIL; kept = crp_tail(kept)) {
        crp_word clause = crp_head(kept), value = crp_head(crp_tail(clause));
        crp_status st = CRP_OK;
        if (crp_head(clause) == CRPI_WORD_OF(MAJOR)) d->c.major = crp_integer_value(value);
        else if (crp_head(clause) == CRPI_WORD_OF(MINOR)) d->c.minor = crp_integer_value(value);
        else st = crp_list_add(d->vm, &others, clause);
        if (st) return st;
    }
    d->c.clauses = others.first;
    return CRP_OK;
}

static crp_status read_body(draft *d, crp_word rest)
{
    unsigned seen = 0;
    crp_list_builder kept = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    while (!st && crp_is_pair(rest)) {
        crp_word item = next_item(&rest);
        st = begins_with(item, CRPI_WORD_OF(INTERFACE)) ? read_interface(d, item)
                                                        : read_clause(d, item, OF_CLASS, &seen, &kept);
    }
    if (!st && rest != CRP_NIL) st = ILLEGAL(d, "expected a List of interfaces, given %v", rest);
    if (!st && d->c.face_count == 0)
        d->faces[d->c.face_count++] = (crpi_face){.name = CRP_NIL, .clauses = CRP_NIL};
    return st ? st : read_version(d, kept.first);
}

/* The draft's interfaces and start values in blocks of their own, which the class will own. */
static crp_status copy_blocks(draft *d)
{
    crp *vm = d->vm;
    d->c.faces = crp_alloc(vm, d->c.face_count * sizeof *d->c.faces);
    if (!d->c.faces) return CRP_E_NOMEM;
    memcpy(d->c.faces, d->faces, d->c.face_count * sizeof *d->c.faces);
    d->c.starts = crp_alloc(vm, d->c.slots * sizeof *d->c.starts);
    if (!d->c.starts) return CRP_E_NOMEM;
    memcpy(d->c.starts, d->starts, d->c.slots * sizeof *d->c.starts);
    return CRP_OK;
}

/* Methods that the class no longer has are not to be called from where they were found before. */
static void undefine_lost(const crpi_class *before, const crpi_class *now)
{
    for (size_t i = 0; i < before->face_count; i++)
        for (size_t j = 0; j < before->faces[i].count; j++) {
            crpi_member *m = before->faces[i].members[j];
            if (crpi_face_find(&now->faces[i], m->name) != m) m->function = CRP_UNSET;
        }
}

/* What the class had is given back, what the draft has is the class's from now on. */
static void take_over(draft *d, crpi_class *c)
{
    crp *vm = d->vm;
    if (c->defined) undefine_lost(c, &d->c);
    for (size_t i = 0; i < c->face_count; i++) crpi_face_free(vm, &c->faces[i]);
    crp_free_bytes(vm, c->faces, c->face_count * sizeof *c->faces);
    crp_free_bytes(vm, c->starts, c->slots * sizeof *c->starts);
    c->faces = d->c.faces;
    c->face_count = d->c.face_count;
    c->starts = d->c.starts;
    c->slots = d->c.slots;
    c->major = d->c.major;
    c->minor = d->c.minor;
    c->clauses = d->c.clauses;
    crpi_member *m = crpi_face_find(&c->faces[0], c->name);
    c->constructor = m && m->kind == CRPI_METHOD ? m : NULL;
    c->ready = c->defined = c->script = true;
    for (size_t i = d->first_member; i < vm->member_count; i++)
        if (vm->members[i]->owner) vm->members[i]->owner = c;
    crpi_members_cut(vm, d->first_member);
    vm->epoch++;
}

static void drop_draft(draft *d)
{
    crp *vm = d->vm;
    for (size_t i = d->first_member; i < vm->member_count; i++) vm->members[i]->owner = NULL;
    crpi_members_cut(vm, d->first_member);
    for (size_t i = 0; i < d->c.face_count; i++) crpi_face_free(vm, &d->faces[i]);
    if (d->c.faces) crp_free_bytes(vm, d->c.faces, d->c.face_count * sizeof *d->c.faces);
    if (d->c.starts) crp_free_bytes(vm, d->c.starts, d->c.slots * sizeof *d->c.starts);
}

/* --- the same class again ------------------------------------------------------------------------------- */

static const crpi_member *slot_named(const crpi_class *c, crp_word name)
{
    for (size_t i = 0; i < c->face_count; i++) {
        const crpi_member *m = crpi_face_find(&c->faces[i], name);
        if (m && m->kind == CRPI_SLOT) return m;
    }
    return NULL;
}

static bool same_shape(const draft *d, const crpi_class *c)
{
    if (!c->defined || d->c.slots != c->slots || d->c.face_count < c->face_count) return false;
    for (size_t i = 0; i < c->face_count; i++)
        if (d->faces[i].name != c->faces[i].name) return false;
    for (uint32_t i = 0; i < d->c.slots; i++) {
        const crpi_member *m = slot_named(c, d->slot_names[i]);
        if (!m || m->type != d->slot_types[i]) return false;
    }
    return true;
}

/* The signature that a method of a script's class was declared with. */
static crp_status declared_signature(crp *vm, const crpi_member *m, crpi_signature **out)
{
    crp_status st = crpi_signature_new(vm, CRP_NIL, m->declared, out);
    if (!st) (*out)->result = m->type;
    return st;
}

/* A method that is declared as it was stays defined. */
static crp_status keep_function(crp *vm, crpi_member *m, const crpi_member *before)
{
    crpi_signature *now, *then;
    crp_status st = declared_signature(vm, m, &now);
    if (st) return st;
    st = declared_signature(vm, before, &then);
    if (!st && crpi_signature_same(vm, now, then)) m->function = before->function;
    if (!st) crpi_signature_free(vm, then);
    crpi_signature_free(vm, now);
    return st;
}

static crpi_member *before_of(const crpi_class *c, size_t face, const crpi_member *m)
{
    crpi_member *before = face < c->face_count ? crpi_face_find(&c->faces[face], m->name) : NULL;
    return before && before->kind == m->kind ? before : NULL;
}

static crp_status keep_functions(draft *d, const crpi_class *c)
{
    for (size_t i = 0; i < d->c.face_count; i++)
        for (size_t j = 0; j < d->faces[i].count; j++) {
            crpi_member *m = d->faces[i].members[j], *before = before_of(c, i, m);
            crp_status st = before && m->kind == CRPI_METHOD ? keep_function(d->vm, m, before) : CRP_OK;
            if (st) return st;
        }
    return CRP_OK;
}

/* Members that were there already go on under their numbers. */
static void keep_members(draft *d, const crpi_class *c)
{
    for (size_t i = 0; i < d->c.face_count; i++)
        for (size_t j = 0; j < d->faces[i].count; j++) {
            crpi_member *m = d->faces[i].members[j], *before = before_of(c, i, m);
            const crpi_member *slot = m->kind == CRPI_SLOT ? slot_named(c, m->name) : NULL;
            if (slot) {
                m->offset = slot->offset;
                d->starts[(m->offset - offsetof(crpi_instance, slots)) / sizeof(crp_word)] = m->start;
            }
            if (!before) continue;
            uint32_t number = before->number;
            bool relied_on = before->relied_on;
            *before = *m;
            before->number = number;
            before->relied_on = relied_on;
            before->owner = (crpi_class *)(uintptr_t)c;
            d->faces[i].members[j] = before;
            m->owner = NULL; /* the draft's own is freed */
        }
}

/* Whether the code that relies on the class of a property may be given objects of the draft too. */
static bool is_as_relied_on(const draft *d, const crpi_class *c)
{
    for (size_t i = 0; i < c->face_count; i++)
        for (size_t j = 0; j < c->faces[i].count; j++) {
            const crpi_member *m = c->faces[i].members[j];
            const crpi_member *now = i < d->c.face_count ? crpi_face_find(&d->faces[i], m->name) : NULL;
            if (m->relied_on && !(now && now->kind == CRPI_SLOT && now->type == m->type)) return false;
        }
    return true;
}

/* A further class of the name: what was declared with it takes objects of both, unless that would break what was relied on. */
static crp_status add_again(draft *d, crpi_class **c)
{
    crpi_class *first = d->vm->classes[(*c)->type_id];
    bool fits = is_as_relied_on(d, first);
    crp_status st = crpi_class_add(d->vm, d->c.name, c);
    if (st) return st;
    if (fits) first->again = true;
    else (*c)->type_id = (*c)->id;
    return CRP_OK;
}

static crp_status install(draft *d)
{
    crp *vm = d->vm;
    crpi_class *c = crpi_class_named(vm, d->c.name);
    crp_status st = copy_blocks(d);
    if (st) return st;
    if (same_shape(d, c)) {
        st = keep_functions(d, c);
        if (st) return st;
        keep_members(d, c);
        memcpy(d->c.starts, d->starts, d->c.slots * sizeof *d->c.starts);
    } else {
        if (c->defined) st = add_again(d, &c);
        if (!st) st = crpi_script_kind(vm, c->id, d->c.slots > 0);
        if (st) return st;
    }
    take_over(d, c);
    d->c.name = crp_from_object(c->object);
    return CRP_OK;
}

/* The name that a class or interface form gives, a Symbol; () as far as it gives none. */
static crp_status name_given(crp *vm, crp_word form, crp_word *out)
{
    crp_word rest = crp_tail(form);
    size_t length = 0;
    const char *text = crp_is_pair(rest) ? crpi_name_text(vm, crp_head(rest), &length) : NULL;
    *out = CRP_NIL;
    return length ? crp_symbol(vm, text, length, out) : CRP_OK;
}

static crp_status announce_faces(crp *vm, crpi_class *c, crp_word rest)
{
    size_t n = 0;
    for (crp_word l = rest; crp_is_pair(l) && n < CRPI_MAX_FACES; l = crp_tail(l))
        n += begins_with(crp_head(l), CRPI_WORD_OF(INTERFACE));
    crpi_face *faces = n ? crp_alloc(vm, n * sizeof *faces) : NULL;
    if (n && !faces) return CRP_E_NOMEM;
    crp_free_bytes(vm, c->faces, c->face_count * sizeof *c->faces);
    c->faces = faces;
    c->face_count = 0;
    crp_status st = CRP_OK;
    for (crp_word l = rest; !st && c->face_count < n; l = crp_tail(l)) {
        if (!begins_with(crp_head(l), CRPI_WORD_OF(INTERFACE))) continue;
        crpi_face *face = &faces[c->face_count++];
        *face = (crpi_face){.name = CRP_NIL, .clauses = CRP_NIL};
        st = name_given(vm, crp_head(l), &face->name);
    }
    for (; c->face_count < n; c->face_count++)
        faces[c->face_count] = (crpi_face){.name = CRP_NIL, .clauses = CRP_NIL};
    return st;
}

static crp_status announce(crp *vm, crp_word name, crp_word rest)
{
    crp_status st = crpi_class_reserve(vm, name);
    crpi_class *c = st ? NULL : crpi_class_named(vm, name);
    return c && !c->defined ? announce_faces(vm, c, rest) : st;
}

crp_status crpi_class_announce(crp *vm, crp_word form)
{
    crp_word name;
    crp_status st = name_given(vm, form, &name);
    return st || name == CRP_NIL ? st : announce(vm, name, crp_tail(crp_tail(form)));
}

static crp_status begin(draft *d, crp_word form, crp_word *rest)
{
    *rest = crp_tail(form);
    if (!crp_is_pair(*rest)) return crp_raise(d->vm, CRP_ERR_SCRIPT, CRP_MISSING, "class: expected its name");
    crp_status st = read_name(d, next_item(rest), "a class", &d->c.name);
    if (!st) st = announce(d->vm, d->c.name, *rest);
    if (st) return st;
    const crpi_class *c = crpi_class_named(d->vm, d->c.name);
    return c->defined && !c->script ? ILLEGAL(d, "%p is a built-in class and cannot be redefined", d->c.name)
                                    : CRP_OK;
}

crp_status crpi_class_define(crp *vm, crp_word form, crp_word *out)
{
    crp_word rest;
    draft *d = crp_alloc(vm, sizeof *d);
    if (!d) return CRP_E_NOMEM;
    memset(d, 0, sizeof *d);
    d->vm = vm;
    d->first_member = vm->member_count;
    d->c.major = 1;
    d->c.clauses = CRP_NIL;
    crp_status st = begin(d, form, &rest);
    if (!st) {
        st = read_body(d, rest);
        if (!st) st = install(d);
        if (st) crp_error_prefix(vm, "class %p: ", d->c.name);
    }
    if (st) drop_draft(d);
    else *out = d->c.name;
    crp_free_bytes(vm, d, sizeof *d);
    return st;
}

/* --- defining methods ----------------------------------------------------------------------------------- */

static crp_status no_such_method(crp *vm, const crpi_class *c, uint32_t face, crp_word name)
{
    crpi_buf near;
    crpi_buf_init(&near, &vm->mem, 2000);
    crpi_members_near(vm, &near, &c->faces[face], CRP_UNSET, name);
    crp_status st = crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "class %p declares no method %p%.*s", c->name,
                              name, (int)near.length, near.bytes ? near.bytes : "");
    crpi_buf_free(&near);
    return st;
}

static crp_status declared_otherwise(crp *vm, const crpi_member *m, const crpi_signature *declared,
                                     const crpi_signature *defined)
{
    const char *name = crp_symbol_name(vm, m->name, NULL);
    crpi_buf expected, given;
    crpi_buf_init(&expected, &vm->mem, 1000);
    crpi_buf_init(&given, &vm->mem, 1000);
    crpi_signature_print(vm, &expected, name, declared);
    crpi_signature_print(vm, &given, name, defined);
    crp_status st =
        crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "method %p of class %p: declared as %.*s, given %.*s",
                  m->name, m->owner->name, (int)expected.length, expected.bytes ? expected.bytes : "",
                  (int)given.length, given.bytes ? given.bytes : "");
    crpi_buf_free(&expected);
    crpi_buf_free(&given);
    return st;
}

crp_status crpi_method_bind(crp *vm, crp_word class_name, crp_word face_name, crp_word method_name,
                            const crpi_signature *defined, crpi_member **out)
{
    crpi_class *c;
    uint32_t face = 0;
    crp_status st = crpi_class_find(vm, class_name, &c);
    if (st) return st;
    if (!c->script)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                         "%p is a built-in class: its methods cannot be defined", c->name);
    if (face_name != CRP_NIL) st = crpi_face_named(vm, c, face_name, &face);
    if (st) return st;
    *out = crpi_face_find(&c->faces[face], method_name);
    if (!*out || (*out)->kind != CRPI_METHOD) return no_such_method(vm, c, face, method_name);
    crpi_signature *declared;
    st = declared_signature(vm, *out, &declared);
    if (st) return st;
    if (!crpi_signature_same(vm, declared, defined)) st = declared_otherwise(vm, *out, declared, defined);
    crpi_signature_free(vm, declared);
    return st;
}
