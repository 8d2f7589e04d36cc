/* floor 7: asking values what they are: typeOf, classInfo, interfaces; and the classes Error, Function,
 * Class. */
#include "lib.h"

#include <string.h>
#include "cells.h"
#include "class.h"
#include "error.h"
#include "printer.h"
#include "value.h"

/* --- classes -------------------------------------------------------------------------------------------- */

/* Whether the value is of just this class; () is an empty List, whatever else would accept it. */
static bool is_of_class(crp *vm, crp_word w, crpi_type type)
{
    uint32_t id, face;
    if (type == 0) return true;
    crpi_face_of(w, &id, &face);
    if (type == CRPI_TYPE(CRPI_COMMS_MODULE, 0)) return w != CRP_NIL && crpi_has_type(vm, type, w);
    if (CRPI_TYPE_FACE(type) && CRPI_TYPE_FACE(type) != face) return false;
    return vm->classes[id]->type_id == CRPI_TYPE_CLASS(type);
}

static crp_status type_of(crp_call *c)
{
    crpi_type type;
    if (!crpi_lib_given(c, 1)) {
        c->result = c->vm->classes[crp_class_of(c->args[0])]->name;
        return CRP_OK;
    }
    crp_status st = crpi_type_named(c->vm, c->args[1], &type);
    if (!st) c->result = crp_bool(is_of_class(c->vm, c->args[0], type));
    return st;
}

/* The Symbol that a String names, if there is one; anything else as it is. */
static crp_word known_name(crp *vm, crp_word w)
{
    size_t length;
    const char *text = crp_is_string(w) ? crp_string_data(w, &length) : NULL;
    if (text) crpi_symbol_find(&vm->symbols, text, length, &w);
    return w;
}

static crp_status is_class(crp_call *c)
{
    crp_word w = known_name(c->vm, c->args[0]);
    const crpi_class *class = crp_is_symbol(w) ? crpi_class_named(c->vm, w) : NULL;
    c->result = crp_bool(crp_is_a(w, CRP_CLASS) || (class && class->defined));
    return CRP_OK;
}

static crp_status is_function(crp_call *c)
{
    crp_word w = known_name(c->vm, c->args[0]);
    c->result = crp_bool(crp_is_a(w, CRP_FUNCTION) || (crp_is_symbol(w) && crpi_is_function_name(c->vm, w)));
    return CRP_OK;
}

static crp_status class_info(crp_call *c)
{
    crp_word w = c->args[0];
    crpi_class *class = c->vm->classes[crp_class_of(w)];
    bool named = crp_is_symbol(w) || crp_is_string(w) || crp_is_a(w, CRP_CLASS);
    crp_status st = named ? crpi_class_find(c->vm, w, &class) : CRP_OK;
    return st ? st : crpi_class_info(c->vm, class, &c->result);
}

/* --- interfaces ----------------------------------------------------------------------------------------- */

static crp_status face_by_number(crp *vm, const crpi_class *c, crp_word number, uint32_t *out)
{
    int64_t n = crp_integer_value(number);
    *out = (uint32_t)n;
    if (n >= 0 && (uint64_t)n < c->face_count) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "interface of %p: expected 0 to %zu, given %ld",
                     c->name, c->face_count - 1, (long)n);
}

static crp_status view_of(crp *vm, crp_word object, uint32_t face, crp_word *out)
{
    *out = object;
    if (face == 0) return CRP_OK;
    crpi_view *view = crpi_new(vm, CRP_VIEW, sizeof *view);
    if (!view) return CRP_E_NOMEM;
    view->object = object;
    view->face = face;
    *out = crp_from_object(view);
    return CRP_OK;
}

static crp_status get_interface(crp_call *c)
{
    crp_word object = crpi_unview(c->args[0]);
    crpi_class *class = c->vm->classes[crp_class_of(object)];
    uint32_t face;
    crp_status st = crpi_class_ready(c->vm, class);
    if (!st)
        st = crp_is_integer(c->args[1]) ? face_by_number(c->vm, class, c->args[1], &face)
                                        : crpi_face_named(c->vm, class, c->args[1], &face);
    return st ? st : view_of(c->vm, object, face, &c->result);
}

static crp_status face_of(crp_call *c)
{
    uint32_t id, face;
    crpi_face_of(c->args[0], &id, &face);
    c->result = crp_fixnum(face);
    return CRP_OK;
}

static const crp_method functions[] = {
    {"typeOf", "Object object (class Object ?)", type_of,
     "The name of the value's class, a Symbol. With a class (its name, or the Class): true if the value is "
     "of that class, "
     "else (). CommsModule is the class of every comms module, Object that of everything. 1.4 unknown class.",
     0, NULL, NULL},
    {"isClass", "Object name", is_class, "true if the Symbol or String names a class, else ().", 0, NULL,
     NULL},
    {"isFunction", "Object name", is_function,
     "true if the Symbol or String can stand first in a call: it names a function, a macro or a special "
     "form. True of a "
     "Function as well. Else ().",
     0, NULL, NULL},
    {"classInfo", "List class", class_info,
     "What a class (its name, the Class, or any object of it) is made of: (name major minor interface ... "
     "clause ...). An "
     "interface is (\"name\" (properties (name Class flag ...) ...) (methods (Result name ((argument Class) "
     "...) flag ...) "
     "...) clause ...); \"\" is one without a name. Flags are readOnly writeOnly private secret config "
     "attribute and "
     "(id n); clauses are those of the class form. 1.4 unknown class.",
     0, NULL, NULL},
    {"getInterface", "Object object interface", get_interface,
     "The same object, seen through another of its interfaces, given by name or by number; \"\" and 0 are "
     "the primary one. "
     "1.4 unknown interface, 1.7 no such number.",
     0, NULL, NULL},
    {"faceOf", "Integer object", face_of,
     "The number of the interface that the value is seen through; 0 is the primary one.", 0, NULL, NULL},
    {0},
};

/* --- Error ---------------------------------------------------------------------------------------------- */

/* The text: the parts one after the other. */
static crp_status join_text(crp_call *c, uint32_t from, crp_word *out)
{
    crpi_buf text;
    crpi_buf_init(&text, &c->vm->mem, CRPI_LIB_CAP);
    for (uint32_t i = from; i < c->count; i++)
        if (c->args[i] != CRP_UNSET) crpi_lib_show(c->vm, &text, c->args[i], true);
    return crpi_lib_finish(c->vm, &text, CRP_STRING, out);
}

static crp_status error_set(crp_call *c)
{
    crp_object *o = crp_object_of(c->self);
    crpi_error *e = (crpi_error *)o;
    crp_word text;
    crp_status st = join_text(c, 2, &text);
    if (st) return st;
    crp_store(c->vm, o, &e->error_class, c->args[0]);
    crp_store(c->vm, o, &e->code, c->args[1]);
    crp_store(c->vm, o, &e->text, text);
    return CRP_OK;
}

static crp_status error_create(crp_call *c)
{
    crpi_error_of(c->self)->source_line = CRP_NIL;
    return error_set(c);
}

static crp_status error_locate(crp_call *c)
{
    crp_object *o = crp_object_of(c->self);
    crpi_error *e = (crpi_error *)o;
    crp_store(c->vm, o, &e->file, c->args[0]);
    crp_store(c->vm, o, &e->line, c->args[1]);
    crp_store(c->vm, o, &e->position, c->args[2]);
    crp_store(c->vm, o, &e->source_line, CRP_NIL);
    return CRP_OK;
}

static crp_status error_clear(crp_call *c)
{
    crp_object *o = crp_object_of(c->self);
    crpi_error *e = (crpi_error *)o;
    crp_word *const numbers[] = {&e->error_class, &e->code, &e->line, &e->position};
    crp_word *const lists[] = {&e->trace, &e->cause, &e->source_line};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        crp_store(c->vm, o, numbers[i], crp_fixnum(0));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) crp_store(c->vm, o, lists[i], CRP_NIL);
    crp_store(c->vm, o, &e->text, c->vm->cells->empty_string);
    crp_store(c->vm, o, &e->file, c->vm->cells->empty_string);
    return CRP_OK;
}

static void put_place(crpi_buf *out, const crpi_error *e)
{
    size_t length = 0;
    const char *file = crp_is_string(e->file) ? crp_string_data(e->file, &length) : "";
    if (length == 0) return;
    crpi_buf_format(out, "%.*s:%ld:", (int)length, file, (long)crp_integer_value(e->line));
    if (crp_integer_value(e->position) > 0)
        crpi_buf_format(out, "%ld:", (long)crp_integer_value(e->position));
    crpi_buf_byte(out, ' ');
}

static crp_status error_string(crp_call *c)
{
    const crpi_error *e = crpi_error_of(c->self);
    size_t length;
    const char *text = crp_string_data(e->text, &length);
    crpi_buf out;
    crpi_buf_init(&out, &c->vm->mem, CRPI_LIB_CAP);
    if (c->vm->show_location) put_place(&out, e);
    crpi_buf_format(&out, "error %ld.%ld: ", (long)crp_integer_value(e->error_class),
                    (long)crp_integer_value(e->code));
    crpi_buf_put(&out, text, length);
    return crpi_lib_finish(c->vm, &out, CRP_STRING, &c->result);
}

static crp_status get_show_location(crp *vm, crp_object *o, crp_word *out)
{
    (void)o;
    *out = crp_bool(vm->show_location);
    return CRP_OK;
}

static crp_status set_show_location(crp *vm, crp_object *o, crp_word value)
{
    (void)o;
    vm->show_location = crp_is_true(value);
    return CRP_OK;
}

#define ERROR_WORD(name, class, flags, field, help)                                                          \
    {                                                                                                        \
        name, class, flags, offsetof(crpi_error, field), NULL, NULL, help, NULL, NULL                        \
    }

static const crp_property error_properties[] = {
    ERROR_WORD("class", "Integer", CRP_RW, error_class,
               "what kind of error it is: 1 script, 3 system, 5 files, 6 communication ..."),
    ERROR_WORD("code", "Integer", CRP_RW, code, "which error of its class"),
    ERROR_WORD("text", "String", CRP_RW, text, "what happened, in words"),
    ERROR_WORD("file", "String", CRP_RW, file, "the source it comes from, \"\" if not known"),
    ERROR_WORD("line", "Integer", CRP_RW, line, "line in the file, from 1; 0 if not known"),
    ERROR_WORD("positionInLine", "Integer", CRP_RW, position, "byte in the line, from 1; 0 if not known"),
    ERROR_WORD("trace", "List", CRP_READ, trace,
               "the calls that were under way, innermost first, a String each"),
    ERROR_WORD("cause", "Error", CRP_RW, cause, "the error that led to this one, or ()"),
    {"showLocation", "Object", CRP_RW, 0, NULL, NULL,
     "whether `string` begins with the place; one setting for all Errors", get_show_location,
     set_show_location},
    {0},
};

static const crp_method error_methods[] = {
    {"string", "String", error_string,
     "\"error CLASS.CODE: TEXT\", with the place before it if showLocation is not ().", 0, NULL, NULL},
    {"set", "NIL (class Integer) (code Integer) (text Object \"\") ...", error_set,
     "Sets class, code and text; further arguments are added to the text.", 0, NULL, NULL},
    {"locate", "NIL (file String) (line Integer) (positionInLine Integer 0)", error_locate, "Sets the place.",
     0, NULL, NULL},
    {"clear", "NIL", error_clear, "Sets everything to 0, \"\" and ().", 0, NULL, NULL},
    {0},
};

static const crp_method error_creator = {"Error",
                                         "NIL (class Integer 0) (code Integer 0) (text Object \"\") ...",
                                         error_create,
                                         "Class, code and text; further arguments are added to the text.",
                                         0,
                                         NULL,
                                         NULL};

static const crp_class_def error_class = {
    .size = sizeof(crp_class_def),
    .name = "Error",
    .help = "What went wrong, and where: thrown by `throw` and by whatever fails, received by `catch`.",
    .instance_size = sizeof(crpi_error),
    .properties = error_properties,
    .methods = error_methods,
    .creator = &error_creator,
};

/* --- Function and Class --------------------------------------------------------------------------------- */

static crp_status function_name(crp *vm, crp_object *o, crp_word *out)
{
    (void)vm;
    *out = ((crpi_function *)o)->name;
    return CRP_OK;
}

static crp_status function_arity(crp *vm, crp_object *o, crp_word *out)
{
    const crpi_signature *s;
    crp_status st = crpi_function_signature(vm, (crpi_function *)o, &s);
    if (!st) *out = crp_fixnum(s ? s->required : 0);
    return st;
}

static crp_status function_signature(crp *vm, crp_object *o, crp_word *out)
{
    crpi_function *f = (crpi_function *)o;
    const crpi_signature *s;
    crp_status st = crpi_function_signature(vm, f, &s);
    if (st) return st;
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, CRPI_LIB_CAP);
    const char *name = f->name == CRP_NIL ? "lambda" : crp_symbol_name(vm, f->name, NULL);
    if (s) crpi_signature_print(vm, &text, name, s);
    else crpi_buf_format(&text, "(%s)", name);
    return crpi_lib_finish(vm, &text, CRP_STRING, out);
}

static const crp_property function_properties[] = {
    {"name", "Symbol", CRP_READ, 0, NULL, NULL, "what it was defined as; () if it has no name", function_name,
     NULL},
    {"arity", "Integer", CRP_READ, 0, NULL, NULL, "how many arguments it must be given", function_arity,
     NULL},
    {"signature", "String", CRP_READ, 0, NULL, NULL,
     "its arguments and result: \"(name (x Integer) ...) -> Class\"", function_signature, NULL},
    {0},
};

static const crp_class_def function_class = {
    .size = sizeof(crp_class_def),
    .name = "Function",
    .help = "A function as a value: made by lambda, or what a function's name stands for.",
    .properties = function_properties,
};

static crpi_class *class_of_object(crp *vm, const crp_object *o)
{
    return vm->classes[((const crpi_class_object *)o)->id];
}

static crp_status class_name(crp *vm, crp_object *o, crp_word *out)
{
    *out = class_of_object(vm, o)->name;
    return CRP_OK;
}

static crp_status class_major(crp *vm, crp_object *o, crp_word *out)
{
    return crp_integer(vm, class_of_object(vm, o)->major, out);
}
static crp_status class_minor(crp *vm, crp_object *o, crp_word *out)
{
    return crp_integer(vm, class_of_object(vm, o)->minor, out);
}

static const crp_property class_properties[] = {
    {"name", "Symbol", CRP_READ, 0, NULL, NULL, "the name that it was declared with", class_name, NULL},
    {"major", "Integer", CRP_READ, 0, NULL, NULL, "major version number", class_major, NULL},
    {"minor", "Integer", CRP_READ, 0, NULL, NULL, "minor version number", class_minor, NULL},
    {0},
};

static const crp_class_def class_class = {
    .size = sizeof(crp_class_def),
    .name = "Class",
    .help = "A class as a value: what a class's name stands for.",
    .properties = class_properties,
};

crp_status crpi_lib_object(crp *vm)
{
    const crp_class_def *const classes[] = {&error_class, &function_class, &class_class};
    uint32_t id;
    crp_status st = crp_define_functions(vm, functions);
    for (size_t i = 0; !st && i < sizeof classes / sizeof *classes; i++)
        st = crp_define_class(vm, classes[i], &id);
    return st;
}
