/* floor 4: attributes over a stack: see attr.h.  The rows of the class tables are all there is to read. */
#include <string.h>
#include "attr.h"

static const crp_property *row_of(crp *vm, crp_module *m, const char *name)
{
    const crp_property *p = crp_class_definition(vm, crp_module_word(m))->properties;
    for (; p && p->name; p++)
        if (p->flags & CRP_STACK && *p->name == *name && !strcmp(p->name, name)) return p;
    return NULL;
}

/* A scripted object's properties are attributes, but for the two that every module has for itself. */
static bool face_has(crp *vm, crp_module *m, crp_word name)
{
    crp_word face = crpi_layer_face(vm, m);
    if (face == crp_module_word(m)) return false;
    const char *text = crp_symbol_name(vm, name, NULL);
    return strcmp(text, "log") && strcmp(text, "stack") && crp_has_property(vm, face, name);
}

crp_module *crpi_attr_owner(crp *vm, const crpi_layers *layers, crp_word name, uint32_t *flags)
{
    *flags = 0;
    for (size_t i = 0; i < layers->n; i++) {
        const crp_property *row = row_of(vm, layers->at[i], crp_symbol_name(vm, name, NULL));
        if (row) *flags = row->flags;
        if (row || face_has(vm, layers->at[i], name)) return layers->at[i];
    }
    return NULL;
}

/* The names that a stack does have, top first. */
static crp_status names_of(crp *vm, const crpi_layers *layers, crp_word *out)
{
    crpi_prose names = {.vm = vm};
    for (size_t i = 0; i < layers->n; i++) {
        const crp_property *p = crp_class_definition(vm, crp_module_word(layers->at[i]))->properties;
        for (; p && p->name; p++) {
            if (!(p->flags & CRP_STACK)) continue;
            if (names.n) crpi_prose_add(&names, " ");
            crpi_prose_add(&names, p->name);
        }
    }
    return crpi_prose_end(&names, out);
}

static crp_status unknown(crp *vm, const crpi_layers *layers, crp_word name)
{
    crp_word names;
    crp_status st = names_of(vm, layers, &names);
    if (st) return st;
    const char *text = crp_string_data(names, NULL);
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_UNKNOWN, "no layer of this stack has an attribute %p; it has %s",
                     name, *text ? text : "none");
}

/* The object whose property it is. */
static crp_word holder(crp *vm, crp_module *m, crp_word name)
{
    return row_of(vm, m, crp_symbol_name(vm, name, NULL)) ? crp_module_word(m) : crpi_layer_face(vm, m);
}

crp_status crpi_attr_get(crp *vm, const crpi_layers *layers, crp_word name, crp_word *out)
{
    uint32_t flags;
    crp_module *m = crpi_attr_owner(vm, layers, name, &flags);
    return m ? crp_get(vm, holder(vm, m, name), name, out) : unknown(vm, layers, name);
}

crp_status crpi_attr_set(crp *vm, const crpi_layers *layers, crp_word name, crp_word value)
{
    uint32_t flags;
    crp_module *m = crpi_attr_owner(vm, layers, name, &flags);
    return m ? crp_set(vm, holder(vm, m, name), name, value) : unknown(vm, layers, name);
}

crp_status crpi_attr_name(crp *vm, crp_word given, crp_word *symbol)
{
    *symbol = given;
    if (crp_is_symbol(given)) return CRP_OK;
    if (!crp_is_string(given))
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "a name, as Symbol or String, is expected, %n given (%v)", given,
                         given);
    size_t n;
    const char *text = crp_string_data(given, &n);
    return crp_symbol(vm, text, n, symbol);
}

static crp_status add_pair(crp *vm, crp_list_builder *list, const crp_property *row, crp_word value)
{
    crp_word items[2], pair;
    crp_status st = crp_string_z(vm, row->name, &items[0]);
    items[1] = value;
    if (!st && row->flags & CRP_SECRET) st = crp_string_z(vm, "***", &items[1]);
    if (!st) st = crp_list(vm, items, 2, &pair);
    return st ? st : crp_list_add(vm, list, pair);
}

static crp_status add_layer(crp *vm, const crpi_layers *above, crp_module *m, crp_list_builder *list)
{
    crp_status st = CRP_OK;
    const crp_property *p = crp_class_definition(vm, crp_module_word(m))->properties;
    for (; !st && p && p->name; p++) {
        crp_word name, value;
        uint32_t flags;
        if ((p->flags & (CRP_STACK | CRP_WRITE)) != (CRP_STACK | CRP_WRITE)) continue;
        st = crp_symbol(vm, p->name, strlen(p->name), &name);
        if (st || crpi_attr_owner(vm, above, name, &flags)) continue;
        st = crp_get(vm, crp_module_word(m), name, &value);
        if (!st) st = add_pair(vm, list, p, value);
    }
    return st;
}

crp_status crpi_attr_list(crp *vm, const crpi_layers *layers, crp_word *out)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crpi_layers above = {.n = 0};
    crp_status st = CRP_OK;
    for (; !st && above.n < layers->n; above.n++) {
        st = add_layer(vm, &above, layers->at[above.n], &list);
        above.at[above.n] = layers->at[above.n];
    }
    *out = list.first;
    return st;
}

crp_status crpi_attr_of_layer(crp *vm, crp_module *m, crp_word *out)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crpi_layers none = {.n = 0};
    crp_status st = add_layer(vm, &none, m, &list);
    *out = list.first;
    return st;
}

/* --- for C ---------------------------------------------------------------------------------------------- */

bool crpi_attr_value(crp *vm, const crpi_layers *layers, const char *name, crp_word *out)
{
    crp_word symbol;
    uint32_t flags;
    *out = CRP_NIL;
    crp_status st = crp_symbol(vm, name, strlen(name), &symbol);
    crp_module *m = st ? NULL : crpi_attr_owner(vm, layers, symbol, &flags);
    if (m) st = crp_get(vm, holder(vm, m, symbol), symbol, out);
    if (st) crp_clear_error(vm);
    if (st) *out = CRP_NIL;
    return m && !st;
}

static int64_t integer_or(crp_word value, int64_t otherwise)
{
    return crp_is_integer(value) ? crp_integer_value(value) : otherwise;
}

static int64_t asked_integer(crp *vm, crp_module *m, const char *name, int64_t otherwise)
{
    crpi_layers layers;
    crp_word value;
    if (!crpi_layers_from(vm, m, &layers)) return crpi_attr_value(vm, &layers, name, &value) ? integer_or(value, otherwise) : otherwise;
    crp_clear_error(vm);
    return otherwise;
}

/* Each send and each receive asks, so what simply lies in a module is read there. */
int64_t crpi_attr_integer(crp *vm, crp_module *m, const char *name, int64_t otherwise)
{
    for (int n = 0; m && n < CRP_MAX_LAYERS; m = crp_below(vm, m), n++) {
        const crp_property *row = row_of(vm, m, name);
        if (row && !row->get) return integer_or(*(const crp_word *)(const void *)((const char *)m + row->offset), otherwise);
        if (row || crp_ops_of(vm, m)->face) return asked_integer(vm, m, name, otherwise);
    }
    return otherwise;
}

bool crp_below_attribute(crp *vm, crp_module *m, const char *name, crp_word *out)
{
    crpi_layers layers;
    *out = CRP_NIL;
    if (!crpi_layers_from(vm, crp_below(vm, m), &layers)) return crpi_attr_value(vm, &layers, name, out);
    crp_clear_error(vm);
    return false;
}

bool crp_below_is(crp *vm, crp_module *m, const char *name)
{
    crp_word value;
    return crp_below_attribute(vm, m, name, &value) && crp_is_true(value);
}
