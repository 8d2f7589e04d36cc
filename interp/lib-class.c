/* floor 7: the classes Function and Class: what a function takes and gives, what a class is called and made of. */
#include "chunk.h"
#include "lib.h"

#include "class.h"

/* --- Function ------------------------------------------------------------------------------------------- */

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

/* The Symbol that a declared class is written as: C, C:Face, A|B, NIL. */
static crp_status type_symbol(crp *vm, crpi_type type, crpi_type other, crp_word *out)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 0);
    crpi_type_name(vm, &text, type);
    if (other != type) {
        crpi_buf_byte(&text, '|');
        crpi_type_name(vm, &text, other);
    }
    crp_status st = text.failed ? crp_no_memory(vm) : crp_symbol(vm, text.bytes, text.length, out);
    crpi_buf_free(&text);
    return st;
}

static crp_status function_result(crp *vm, crp_object *o, crp_word *out)
{
    const crpi_signature *s;
    crp_status st = crpi_function_signature(vm, (crpi_function *)o, &s);
    if (st) return st;
    return s ? type_symbol(vm, s->result, s->result, out) : crp_symbol(vm, "Object", 6, out);
}

/* (name Class), or (name Class default) for one that may be left out; ? where nothing takes its place. */
static crp_status parameter_info(crp *vm, const crpi_parameter *p, crp_word *out)
{
    crp_word parts[3] = {p->name, CRP_NIL, p->start};
    crp_status st = type_symbol(vm, p->type, p->other, &parts[1]);
    if (!st && p->optional && p->start == CRP_UNSET) st = crp_symbol(vm, "?", 1, &parts[2]);
    return st ? st : crp_list(vm, parts, p->optional ? 3 : 2, out);
}

static crp_status function_arguments(crp *vm, crp_object *o, crp_word *out)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    const crpi_signature *s;
    crp_status st = crpi_function_signature(vm, (crpi_function *)o, &s);
    for (uint32_t i = 0; !st && s && i < s->count; i++) {
        crp_word entry;
        st = parameter_info(vm, &s->parameters[i], &entry);
        if (!st) st = crp_list_add(vm, &list, entry);
    }
    if (!st && s && s->rest) st = crp_list_add(vm, &list, CRPI_WORD_OF(ELLIPSIS));
    *out = list.first;
    return st;
}

#define COMPUTED(name, class, get, help) {name, class, CRP_READ, 0, NULL, NULL, help, get, NULL}

static const crp_property function_properties[] = {
    COMPUTED("name", "Symbol", function_name, "what it was defined as; () if it has no name\n"
             "area.name                           # --> area"),
    COMPUTED("arity", "Integer", function_arity, "how many arguments it must be given\n"
             "area.arity                          # --> 1"),
    COMPUTED("arguments", "List", function_arguments,
             "what it takes: (name Class) for each argument, with the default as third item (or ? if there "
             "is none) for "
             "one that may be left out; the Symbol ... last if any number may follow\n"
             "area.arguments                      # --> ((width Integer) (height Integer 1))"),
    COMPUTED("result", "Symbol", function_result, "the class of what it returns; NIL if it returns ()\n"
             "area.result                         # --> Integer"),
    COMPUTED("signature", "String", function_signature,
             "its arguments and result in one text: \"(name (x Integer) ...) -> Class\"\n"
             "area.signature # --> \"(area (width Integer) (height Integer 1)) -> Integer\""),
    {0},
};

static const crp_class_def function_class = {
    .size = sizeof(crp_class_def),
    .name = "Function",
    .help = "A function as a value: made by lambda, or what a function's name stands for where a value is "
            "expected. "
            "Equal only to itself.\n"
            "(defun Integer area ((width Integer) (height Integer 1)) (* width height))\n"
            "area                                # --> #<Function area>\n"
            "(apply area '(3 4))                 # --> 12",
    .properties = function_properties,
};

/* --- Class ---------------------------------------------------------------------------------------------- */

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

static crp_status class_interfaces(crp *vm, crp_object *o, crp_word *out)
{
    crp_list_builder list = {CRP_NIL, CRP_NIL};
    crpi_class *class = class_of_object(vm, o);
    crp_status st = crpi_class_ready(vm, class);
    for (size_t i = 0; !st && i < class->face_count; i++) {
        size_t length = 0;
        crp_word name = class->faces[i].name;
        const char *text = name == CRP_NIL ? "" : crp_symbol_name(vm, name, &length);
        st = crp_string(vm, text, length, &name);
        if (!st) st = crp_list_add(vm, &list, name);
    }
    *out = list.first;
    return st;
}

static const crp_property class_properties[] = {
    COMPUTED("name", "Symbol", class_name, "the name that it was declared with\n"
             "Ship.name                           # --> Ship"),
    COMPUTED("major", "Integer", class_major, "major version number\n"
             "Ship.major                          # --> 2"),
    COMPUTED("minor", "Integer", class_minor, "minor version number\n"
             "Ship.minor                          # --> 0"),
    COMPUTED("interfaces", "List", class_interfaces,
             "the names of its interfaces, Strings, in the order of their numbers; \"\" for one without\n"
             "Ship.interfaces                     # --> (\"\" \"Cargo\")"),
    {0},
};

static const crp_class_def class_class = {
    .size = sizeof(crp_class_def),
    .name = "Class",
    .help = "A class as a value: what a class's name stands for. Equal only to itself.\n"
            "(class Ship (major 2) (interface (properties (sails Integer))) (interface Cargo))\n"
            "(set s (createAux Ship '((sails 3))))\n"
            "s.sails                             # --> 3",
    .properties = class_properties,
};

crp_status crpi_lib_class(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &function_class, &id);
    return st ? st : crp_define_class(vm, &class_class, &id);
}
