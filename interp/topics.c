/* A list of names, and how each is described from the row that it came from. */
#include "topics.h"

#include <string.h>
#include "compiler.h"
#include "load.h"
#include "map.h"

const crpi_scope *crpi_session_scope(const crp *vm) { return vm->loader ? vm->loader->scopes[0] : NULL; }

void crpi_topics_init(crpi_topics *t, crp *vm, const char *prefix, size_t length)
{
    *t = (crpi_topics){.vm = vm, .prefix = prefix, .prefix_length = length};
}

void crpi_topics_free(crpi_topics *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].owned) crpi_mem_free(&t->vm->mem, (char *)t->items[i].name, t->items[i].owned);
    crpi_mem_free(&t->vm->mem, t->items, t->capacity * sizeof *t->items);
    crpi_topics_init(t, t->vm, "", 0);
}

static bool wanted(const crpi_topics *t, const char *name, size_t length)
{
    return length >= t->prefix_length && memcmp(name, t->prefix, t->prefix_length) == 0;
}

static bool append(crpi_topics *t, crpi_topic topic)
{
    if (crpi_mem_grow(&t->vm->mem, &t->items, &t->capacity, t->count + 1, sizeof *t->items)) {
        t->items[t->count++] = topic;
        return true;
    }
    t->failed = true;
    return false;
}

void crpi_topics_add(crpi_topics *t, crpi_topic topic)
{
    if (wanted(t, topic.name, topic.length)) append(t, topic);
}

void crpi_topics_add_copy(crpi_topics *t, crpi_topic topic)
{
    if (!wanted(t, topic.name, topic.length)) return;
    char *copy = crpi_mem_alloc(&t->vm->mem, topic.length + 1);
    if (!copy) {
        t->failed = true;
        return;
    }
    memcpy(copy, topic.name, topic.length);
    copy[topic.length] = 0;
    topic.name = copy;
    topic.owned = topic.length + 1;
    if (!append(t, topic)) crpi_mem_free(&t->vm->mem, copy, topic.owned);
}

/* --- the tables ----------------------------------------------------------------------------------------- */

static crpi_topic named(crp *vm, enum crpi_topic_kind kind, crp_word symbol)
{
    crpi_topic topic = {.kind = kind};
    topic.name = crp_symbol_name(vm, symbol, &topic.length);
    return topic;
}

static void add_forms(crpi_topics *t)
{
    for (const crpi_form *form = crpi_forms; form->name; form++)
        crpi_topics_add(t, (crpi_topic){.kind = CRPI_TOPIC_FORM, .name = form->name,
                                        .length = strlen(form->name), .order = (uint32_t)(form - crpi_forms),
                                        .of.form = form});
}

static void add_function(crpi_topics *t, crp_word symbol, uint32_t cell)
{
    const crpi_cells *cells = t->vm->cells;
    bool macro = cells->cells[cell].kind == CRPI_CELL_MACRO;
    crpi_topic topic = named(t->vm, macro ? CRPI_TOPIC_MACRO : CRPI_TOPIC_FUNCTION, symbol);
    topic.order = cell;
    topic.of.value = macro ? cells->cells[cell].macro : cells->values[cell];
    if (crp_is_a(topic.of.value, CRP_FUNCTION)) crpi_topics_add(t, topic);
}

static void add_global(crpi_topics *t, crp_word symbol, uint32_t cell)
{
    char name[256] = "::";
    size_t length;
    const char *text = crp_symbol_name(t->vm, symbol, &length);
    crp_word value = t->vm->cells->values[cell];
    if (value == CRP_UNSET || length > sizeof name - 2) return;
    memcpy(name + 2, text, length);
    crpi_topics_add_copy(
        t, (crpi_topic){.kind = CRPI_TOPIC_GLOBAL, .name = name, .length = length + 2, .of.value = value});
}

static void add_variables(crpi_topics *t)
{
    const crpi_scope *session = crpi_session_scope(t->vm);
    for (size_t i = 0; session && i < session->count; i++) {
        crpi_topic topic = named(t->vm, CRPI_TOPIC_VARIABLE, session->names[i]);
        topic.of.value = t->vm->cells->values[session->cells[i]];
        if (topic.of.value != CRP_UNSET) crpi_topics_add(t, topic);
    }
}

static bool is_creatable(const crpi_class *c)
{
    return c->script || (c->def && (c->def->instance_size || c->def->creator));
}

static void add_class(crpi_topics *t, crpi_class *c)
{
    crpi_topic topic = named(t->vm, CRPI_TOPIC_CLASS, c->name);
    topic.of.type = c;
    crpi_topics_add(t, topic);
    if (!c->def || !c->def->other_name) return;
    topic.name = c->def->other_name;
    topic.length = strlen(topic.name);
    crpi_topics_add(t, topic);
}

void crpi_topics_classes(crpi_topics *t, bool creatable)
{
    for (size_t i = 1; i < t->vm->class_count; i++) {
        crpi_class *c = t->vm->classes[i];
        if (!c || !c->defined || c->hidden || !crp_is_symbol(c->name)) continue;
        if (crpi_class_named(t->vm, c->name) == c && (!creatable || is_creatable(c))) add_class(t, c);
    }
}

void crpi_topics_names(crpi_topics *t)
{
    const crpi_cells *cells = t->vm->cells;
    add_forms(t);
    for (size_t i = 0; i < cells->name_capacity; i++) {
        crpi_name name = cells->names[i];
        if (name.function) add_function(t, name.symbol, name.function);
        if (name.global) add_global(t, name.symbol, name.global);
    }
    crpi_topics_classes(t, false);
    add_variables(t);
}

void crpi_topics_members(crpi_topics *t, crpi_class *c, uint32_t face)
{
    if (crpi_class_ready(t->vm, c) || face >= c->face_count) return;
    for (size_t i = 0; i < c->faces[face].count; i++) {
        crpi_member *m = c->faces[face].members[i];
        if (m->flags & CRPI_PRIVATE || m == c->constructor) continue;
        enum crpi_topic_kind kind = m->kind == CRPI_METHOD ? CRPI_TOPIC_METHOD : CRPI_TOPIC_PROPERTY;
        crpi_topic topic = named(t->vm, kind, m->name);
        topic.order = (uint32_t)i;
        topic.of.member = m;
        crpi_topics_add(t, topic);
    }
}

void crpi_topics_own(crpi_topics *t, crp_word object)
{
    crp_word table = object == CRP_UNSET ? CRP_NIL : crpi_own_methods(t->vm, object), name, function;
    size_t at = 0;
    while (table != CRP_NIL && crpi_map_next(crpi_map_of(table), &at, &name, &function)) {
        crpi_topic topic = named(t->vm, CRPI_TOPIC_FUNCTION, name);
        topic.of.value = function;
        crpi_topics_add(t, topic);
    }
}

/* --- order ---------------------------------------------------------------------------------------------- */

static int compare_names(const crpi_topic *a, const crpi_topic *b)
{
    int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);
    if (order) return order;
    return (a->length > b->length) - (a->length < b->length);
}

static int compare_places(const crpi_topic *a, const crpi_topic *b)
{
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return a->order == b->order ? compare_names(a, b) : a->order < b->order ? -1 : 1;
}

typedef int (*comparison)(const crpi_topic *, const crpi_topic *);

static void sift_down(crpi_topic *items, size_t root, size_t count, comparison compare)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(&items[child], &items[child + 1]) < 0) child++;
        if (compare(&items[root], &items[child]) >= 0) return;
        crpi_topic swapped = items[root];
        items[root] = items[child];
        items[child] = swapped;
    }
}

static void drop_doubles(crpi_topics *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        crpi_topic *last = kept ? &t->items[kept - 1] : NULL, *next = &t->items[i];
        if (!last || compare_names(last, next) != 0) {
            t->items[kept++] = *next;
            continue;
        }
        crpi_topic lost = last->kind <= next->kind ? *next : *last;
        if (last->kind > next->kind) *last = *next;
        if (lost.owned) crpi_mem_free(&t->vm->mem, (char *)lost.name, lost.owned);
    }
    t->count = kept;
}

/* Heap sort: no memory of its own, and no bad case. */
static void sort(crpi_topics *t, comparison compare)
{
    for (size_t i = t->count / 2; i-- > 0;) sift_down(t->items, i, t->count, compare);
    for (size_t end = t->count; end-- > 1;) {
        crpi_topic swapped = t->items[0];
        t->items[0] = t->items[end];
        t->items[end] = swapped;
        sift_down(t->items, 0, end, compare);
    }
}

void crpi_topics_sort(crpi_topics *t)
{
    sort(t, compare_names);
    drop_doubles(t);
}

void crpi_topics_arrange(crpi_topics *t) { sort(t, compare_places); }

/* --- descriptions --------------------------------------------------------------------------------------- */

/* A signature is parsed when it is first asked for; one that cannot be had is left out. */
static void put_function(crp *vm, crp_word function, const char *name, size_t length, crpi_buf *out)
{
    char text[256];
    const crpi_signature *signature;
    if (length >= sizeof text) length = sizeof text - 1;
    memcpy(text, name, length);
    text[length] = 0;
    if (!crp_is_a(function, CRP_FUNCTION)) return;
    if (crpi_function_signature(vm, crpi_function_of(function), &signature))
        crp_clear_error(vm);
    else
        crpi_signature_print(vm, out, text, signature);
}

/* What it makes is a form, whose value is anything. */
static void put_macro(crp *vm, const crpi_topic *topic, crpi_buf *out)
{
    size_t from = out->length;
    put_function(vm, topic->of.value, topic->name, topic->length, out);
    for (size_t at = out->length; at >= from + 4; at--)
        if (memcmp(out->bytes + at - 4, " -> ", 4) == 0) {
            out->length = at - 4;
            return;
        }
}

static void put_class(crp *vm, crpi_class *c, const char *name, size_t length, crpi_buf *out)
{
    crp_word creator = CRP_UNSET;
    const crpi_signature *signature;
    crpi_buf_format(out, "(create %.*s", (int)length, name);
    if (crpi_creator(vm, c->id, &creator))
        crp_clear_error(vm);
    else if (creator != CRP_UNSET && crpi_function_signature(vm, crpi_function_of(creator), &signature))
        crp_clear_error(vm);
    else if (creator != CRP_UNSET && (signature->count || signature->rest))
        crpi_buf_text(out, " ...");
    crpi_buf_byte(out, ')');
}

static void put_property(crp *vm, const crpi_member *m, crpi_buf *out)
{
    (void)vm;
    if (m->row) crpi_buf_text(out, m->row->class_name); /* a class with two names: as the row has it */
    else crpi_type_name(vm, out, m->type);
    if (m->flags & CRPI_READONLY) crpi_buf_text(out, ", read only");
    if (m->flags & CRPI_WRITEONLY) crpi_buf_text(out, ", write only");
    if (m->row && m->row->range) crpi_buf_format(out, ", %s", m->row->range);
}

void crpi_topic_signature(crp *vm, const crpi_topic *topic, crpi_buf *out)
{
    crp_word function = topic->kind == CRPI_TOPIC_METHOD ? topic->of.member->function : topic->of.value;
    switch (topic->kind) {
    case CRPI_TOPIC_FORM: crpi_buf_text(out, topic->of.form->shape); break;
    case CRPI_TOPIC_FUNCTION:
    case CRPI_TOPIC_METHOD: put_function(vm, function, topic->name, topic->length, out); break;
    case CRPI_TOPIC_PROPERTY: put_property(vm, topic->of.member, out); break;
    case CRPI_TOPIC_CLASS: put_class(vm, topic->of.type, topic->name, topic->length, out); break;
    case CRPI_TOPIC_VARIABLE:
    case CRPI_TOPIC_GLOBAL: crpi_buf_text(out, crp_class_name(vm, topic->of.value)); break;
    case CRPI_TOPIC_MACRO: put_macro(vm, topic, out); break;
    case CRPI_TOPIC_FILE:
    case CRPI_TOPIC_WORD: break;
    }
}

static const char *function_help(crp_word function)
{
    if (!crp_is_a(function, CRP_FUNCTION) || !crpi_function_of(function)->row) return "";
    return crpi_function_of(function)->row->help;
}

static const char *member_help(const crpi_member *m)
{
    if (m->kind != CRPI_METHOD) return m->row ? m->row->help : "";
    return m->method ? m->method->help : function_help(m->function);
}

const char *crpi_topic_help(const crpi_topic *topic)
{
    switch (topic->kind) {
    case CRPI_TOPIC_FORM: return topic->of.form->help;
    case CRPI_TOPIC_FUNCTION:
    case CRPI_TOPIC_MACRO: return function_help(topic->of.value);
    case CRPI_TOPIC_METHOD:
    case CRPI_TOPIC_PROPERTY: return member_help(topic->of.member);
    case CRPI_TOPIC_CLASS: return topic->of.type->def ? topic->of.type->def->help : "";
    default: return "";
    }
}

size_t crpi_help_prose(const char *help) { return strcspn(help, "\n"); }

size_t crpi_help_sentence(const char *help)
{
    size_t n = 0, prose = crpi_help_prose(help);
    while (n < prose && !(help[n] == '.' && (n + 1 == prose || help[n + 1] == ' '))) n++;
    return n;
}

const char *crpi_help_example(const char *help)
{
    const char *rest = strchr(help, '\n');
    return rest ? rest + 1 : "";
}
