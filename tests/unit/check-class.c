/* Classes, native and scripted: their members, objects, checks, views, classInfo, printing. */
#include "classes.h"

/* --- a native class --------------------------------------------------------------------------------------- */

typedef struct tank {
    crp_object h;
    crp_word level, mode, key, name, note, extra, bytes;
    int drained;
} tank;

static int dropped;

static crp_status tank_size(crp *m, crp_object *o, crp_word *out)
{
    (void)o;
    return crp_integer(m, 42, out);
}

static crp_status tank_broken(crp *m, crp_object *o, crp_word *out)
{
    (void)out;
    return crp_raise(m, CRP_ERR_COMMS, 11, "not connected: %p", crp_from_object(o));
}

static crp_status tank_note(crp *m, crp_object *o, crp_word value)
{
    crp_store(m, o, &((tank *)o)->note, value);
    ((tank *)o)->drained++;
    return CRP_OK;
}

static crp_status drain(crp_call *c)
{
    ((tank *)crp_object_of(c->self))->drained++;
    return CRP_OK;
}

static void mark_tank(crp *m, crp_object *o, crp_marker mark) { mark(m, ((tank *)o)->extra); }

static void drop_tank(crp *m, crp_object *o)
{
    (void)m;
    (void)o;
    dropped++;
}

static const crp_property tank_properties[] = {
    {"level", "Integer", CRP_RW, offsetof(tank, level), "7", "0..100", "litres", NULL, NULL},
    {"mode", "String", CRP_RW, offsetof(tank, mode), "\"odd\"", "odd|even", "which", NULL, NULL},
    {"key", "String", CRP_RW | CRP_SECRET, offsetof(tank, key), NULL, NULL, "for the lid", NULL, NULL},
    {"name", "String", CRP_RW | CRP_CONFIG | CRP_STACK, offsetof(tank, name), NULL, NULL, "of the tank", NULL,
     NULL},
    {"note", "Object", CRP_RW, offsetof(tank, note), NULL, NULL, "anything", NULL, tank_note},
    {"bytes", "Binary", CRP_RW, offsetof(tank, bytes), "0x\"0102\"", NULL, "raw", NULL, NULL},
    {"size", "Integer", CRP_READ, 0, NULL, NULL, "computed", tank_size, NULL},
    {"broken", "Integer", CRP_READ, 0, NULL, NULL, "never there", tank_broken, NULL},
    {"sink", "Integer", CRP_WRITE, offsetof(tank, extra), NULL, NULL, "write only", NULL, NULL},
    {0},
};

static const crp_method tank_methods[] = {
    {"drain", "Integer (litres Integer|Real) (way Symbol ?) ...", drain, "Lets some out.", 0, NULL, NULL},
    {0},
};

static const crp_method more_methods[] = {{"fill", "NIL", drain, "Lets some in.", 0, NULL, NULL}, {0}};
static const crp_method clashing[] = {{"level", "NIL", drain, "No.", 0, NULL, NULL}, {0}};
static const crp_method creator = {"Tank", "NIL (name String)", drain, "A tank.", 0, NULL, NULL};

static const crp_class_def tank_def = {
    .size = sizeof(crp_class_def),
    .name = "Tank",
    .other_name = "Vessel",
    .help = "A tank.",
    .instance_size = sizeof(tank),
    .properties = tank_properties,
    .methods = tank_methods,
    .creator = &creator,
    .mark = mark_tank,
    .drop = drop_tank,
};

static crpi_class *tanks(void)
{
    uint32_t id = 0;
    ck_assert_int_eq(crp_define_class(vm, &tank_def, &id), CRP_OK);
    return vm->classes[id];
}

START_TEST(the_built_in_classes_are_there_under_fixed_numbers)
{
    classes_open();
    ck_assert_uint_eq(crp_class_id(vm, "Integer"), CRP_INTEGER);
    ck_assert_uint_eq(crp_class_id(vm, "Stream"), CRP_STREAM);
    ck_assert_uint_eq(crp_class_id(vm, "CommsModule"), CRPI_COMMS_MODULE);
    ck_assert_uint_eq(crp_class_id(vm, "Object"), CRP_OBJECT);
    ck_assert_uint_eq(crp_class_id(vm, "Nothing"), CRP_OBJECT);
    ck_assert_ptr_eq(class_named("Object"), vm->classes[CRP_OBJECT]);
    ck_assert_ptr_null(class_named("(code)"));
    ck_assert_str_eq(crp_class_name(vm, crp_fixnum(1)), "Integer");
    ck_assert_str_eq(crp_class_name(vm, CRP_NIL), "List");
    classes_close();
}
END_TEST

START_TEST(registering_a_native_class_makes_no_members_yet)
{
    classes_open();
    crpi_class *c = tanks();
    ck_assert(c->defined && !c->ready);
    ck_assert_uint_eq(vm->member_count, 0);
    ck_assert_ptr_nonnull(member(c, 0, "level"));
    ck_assert(c->ready);
    classes_close();
}
END_TEST

START_TEST(a_native_class_has_both_its_names)
{
    classes_open();
    crpi_class *c = tanks();
    ck_assert_ptr_eq(class_named("Vessel"), c);
    ck_assert_uint_eq(type("Vessel"), type("Tank"));
    ck_assert_str_eq(crp_class_name(vm, object(c)), "Tank");
    classes_close();
}
END_TEST

START_TEST(a_native_class_may_be_registered_again_but_not_replaced)
{
    classes_open();
    crpi_class *c = tanks();
    crp_class_def other = tank_def;
    uint32_t id;
    ck_assert_ptr_eq(tanks(), c);
    ck_assert_int_ne(crp_define_class(vm, &other, &id), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.2: the class Tank is defined already");
    classes_close();
}
END_TEST

START_TEST(a_bad_definition_is_refused)
{
    classes_open();
    crp_class_def bad = tank_def;
    uint32_t id;
    bad.size = 8;
    ck_assert_int_ne(crp_define_class(vm, &bad, &id), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.12: the definition of class Tank is of another version");
    bad = tank_def;
    bad.instance_size = 16;
    ck_assert_int_ne(crp_define_class(vm, &bad, &id), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.7: property mode of class Tank lies outside the object");
    bad.instance_size = 1 << 20;
    ck_assert_int_ne(crp_define_class(vm, &bad, &id), CRP_OK);
    ck_assert_ptr_null(class_named("Tank"));
    classes_close();
}
END_TEST

START_TEST(a_definition_of_a_built_in_name_gets_its_fixed_number)
{
    classes_open();
    static const crp_property rows[] = {
        {"length", "Integer", CRP_READ, 0, NULL, NULL, "bytes", tank_size, NULL}, {0}};
    static const crp_class_def def = {
        .size = sizeof(crp_class_def), .name = "String", .help = "Text.", .properties = rows};
    uint32_t id = 0;
    ck_assert_int_eq(crp_define_class_methods(vm, CRP_STRING, more_methods), CRP_OK);
    ck_assert_ptr_nonnull(member(vm->classes[CRP_STRING], 0, "fill"));
    ck_assert_int_eq(crp_define_class(vm, &def, &id), CRP_OK);
    ck_assert_uint_eq(id, CRP_STRING);
    ck_assert_ptr_nonnull(member(vm->classes[CRP_STRING], 0, "fill"));
    ck_assert(get(bare_string(vm, "a"), "length") == crp_fixnum(42));
    classes_close();
}
END_TEST

START_TEST(methods_may_be_added_before_and_after_the_class_is_used)
{
    classes_open();
    crpi_class *c = tanks();
    ck_assert_ptr_nonnull(member(c, 0, "drain"));
    ck_assert_ptr_null(member(c, 0, "fill"));
    ck_assert_int_eq(crp_define_class_methods(vm, c->id, more_methods), CRP_OK);
    ck_assert_ptr_nonnull(member(c, 0, "fill"));
    ck_assert_int_ne(crp_define_class_methods(vm, c->id, clashing), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.2: a property and a method are called level");
    classes_close();
}
END_TEST

START_TEST(a_new_native_object_has_its_start_values)
{
    classes_open();
    crpi_class *c = tanks();
    crp_word a = object(c), b = object(c);
    ck_assert_str_eq(shown(get(a, "level")), "7");
    ck_assert_str_eq(shown(get(a, "mode")), "\"odd\"");
    ck_assert_str_eq(shown(get(a, "key")), "\"\"");
    ck_assert_str_eq(shown(get(a, "note")), "()");
    ck_assert_str_eq(shown(get(a, "size")), "42");
    ck_assert_str_eq(shown(get(a, "bytes")), "0x\"0102\"");
    ck_assert(get(a, "bytes") != get(b, "bytes"));
    classes_close();
}
END_TEST

START_TEST(setting_a_native_property_checks_its_row)
{
    classes_open();
    crp_word o = object(tanks());
    set(o, "level", crp_fixnum(100));
    ck_assert_str_eq(set_error(o, "level", crp_fixnum(101)),
                     "1.7: property level of Tank: expected 0..100, given 101");
    ck_assert_str_eq(set_error(o, "level", crp_fixnum(-1)),
                     "1.7: property level of Tank: expected 0..100, given -1");
    ck_assert_str_eq(set_error(o, "level", CRP_NIL),
                     "1.11: Tank: property level: expected Integer, given ()");
    set(o, "mode", bare_string(vm, "even"));
    ck_assert_str_eq(set_error(o, "mode", bare_string(vm, "eve")),
                     "1.8: property mode of Tank: expected odd|even, given \"eve\"");
    ck_assert_str_eq(set_error(o, "size", crp_fixnum(1)), "1.2: property size of Tank is read only");
    set(o, "sink", crp_fixnum(1));
    ck_assert_str_eq(get_error(o, "sink"), "1.2: property sink of Tank can only be set");
    set(o, "note", crp_fixnum(5));
    ck_assert(get(o, "note") == crp_fixnum(5));
    ck_assert_int_eq(((tank *)crp_object_of(o))->drained, 1);
    classes_close();
}
END_TEST

START_TEST(a_config_property_is_locked_while_connected)
{
    classes_open();
    crp_word o = object(tanks());
    set(o, "name", bare_string(vm, "a"));
    crp_object_of(o)->flags |= CRP_F_CONNECTED;
    ck_assert_str_eq(set_error(o, "name", bare_string(vm, "b")),
                     "1.2: property name of Tank can be set only while it is not connected");
    set(o, "level", crp_fixnum(1));
    crp_object_of(o)->flags &= (uint8_t)~CRP_F_CONNECTED;
    set(o, "name", bare_string(vm, "c"));
    classes_close();
}
END_TEST

START_TEST(a_secret_is_neither_printed_nor_in_an_error)
{
    classes_open();
    crp_word o = object(tanks()), secret;
    set(o, "key", bare_string(vm, "hunter2"));
    ck_assert_ptr_null(strstr(shown(o), "hunter2"));
    ck_assert_int_eq(crp_list(vm, (crp_word[]){bare_string(vm, "hunter2")}, 1, &secret), CRP_OK);
    ck_assert_str_eq(set_error(o, "key", secret), "1.11: Tank: property key: expected String, given List");
    classes_close();
}
END_TEST

START_TEST(an_object_prints_its_scalar_properties)
{
    classes_open();
    crp_word o = object(tanks());
    ck_assert_str_eq(shown(o), "#<Tank level 7 mode \"odd\" name \"\" size 42>");
    ck_assert(vm->error == CRP_NIL);
    set(o, "note", bare_symbol(vm, "full"));
    ck_assert_str_eq(shown(o), "#<Tank level 7 mode \"odd\" name \"\" note full size 42>");
    classes_close();
}
END_TEST

START_TEST(printing_an_object_is_bounded)
{
    classes_open();
    char text[8000] = "(class Wide (interface (properties ";
    for (int i = 0; i < 200; i++) snprintf(text + strlen(text), 40, "(property%d Integer) ", i);
    strcat(text, ")))");
    const char *all = shown(object(define(text)));
    ck_assert_uint_lt(strlen(all), 600);
    ck_assert_ptr_nonnull(strstr(all, " ...>"));
    classes_close();
}
END_TEST

START_TEST(the_collector_marks_and_drops_native_objects)
{
    classes_open();
    crp_word o = bare_keep(object(tanks()));
    set(o, "name", bare_string(vm, "kept by its row"));
    ((tank *)crp_object_of(o))->extra = bare_string(vm, "kept by the hook");
    object(tanks());
    dropped = 0;
    bare_forget(vm);
    vm->heap.stress_every = vm->heap.stress_left = 1;
    crpi_collect(vm);
    ck_assert_int_eq(dropped, 1);
    ck_assert_str_eq(crp_string_data(((tank *)crp_object_of(o))->extra, NULL), "kept by the hook");
    ck_assert_str_eq(crp_string_data(get(o, "name"), NULL), "kept by its row");
    classes_close();
    ck_assert_int_eq(dropped, 2);
}
END_TEST

START_TEST(a_creator_is_one_function_with_the_classs_name)
{
    classes_open();
    crpi_class *c = tanks();
    crp_word f, g;
    ck_assert_int_eq(crpi_creator(vm, c->id, &f), CRP_OK);
    bare_forget(vm);
    crpi_collect(vm);
    ck_assert_int_eq(crpi_creator(vm, c->id, &g), CRP_OK);
    ck_assert(f == g);
    ck_assert_ptr_eq(crpi_function_of(f)->row, &creator);
    ck_assert_str_eq(shown(f), "#<Function Tank>");
    ck_assert_int_eq(crpi_creator(vm, CRP_LIST, &f), CRP_OK);
    ck_assert(f == CRP_UNSET);
    classes_close();
}
END_TEST

/* `missing`: a handle that hands over to what it holds. */
typedef struct handle {
    crp_object h;
    crp_word held;
} handle;

static bool handle_missing(crp *m, crp_object *o, crp_word name, crp_word *target)
{
    (void)m;
    (void)name;
    *target = ((handle *)o)->held;
    return *target != CRP_NIL;
}

START_TEST(a_missing_member_is_looked_for_where_the_class_says)
{
    classes_open();
    static const crp_property rows[] = {
        {"held", "Object", CRP_RW, offsetof(handle, held), NULL, NULL, "an object", NULL, NULL}, {0}};
    static const crp_class_def def = {.size = sizeof(crp_class_def),
                                      .name = "Handle",
                                      .help = "A handle.",
                                      .instance_size = sizeof(handle),
                                      .properties = rows,
                                      .missing = handle_missing};
    uint32_t id;
    ck_assert_int_eq(crp_define_class(vm, &def, &id), CRP_OK);
    crp_word h = object(vm->classes[id]), level = bare_symbol(vm, "level");
    ck_assert(!crp_has_property(vm, h, level));
    ck_assert_str_eq(get_error(h, "level"), "1.4: Handle has no property or method level; it has held");
    set(h, "held", object(tanks()));
    ck_assert(crp_has_property(vm, h, level));
    ck_assert(crp_has_method(vm, h, bare_symbol(vm, "drain")));
    set(h, "level", crp_fixnum(9));
    ck_assert(get(h, "level") == crp_fixnum(9));
    set(h, "held", h);
    ck_assert(!crp_has_property(vm, h, level));
    classes_close();
}
END_TEST

/* --- a script's class ------------------------------------------------------------------------------------- */

#define TRUMPET                                                                                              \
    "(class \"Trumpet\" (interface (properties (mute String) (metal String readOnly)) "                      \
    "(methods (NIL Trumpet ((m String))) (NIL play ((m String))))) "                                         \
    "(interface Volume (properties (mute String)) (methods (NIL setVolume ((max Integer))) (NIL silencer "   \
    "()))))"

START_TEST(the_manuals_class_is_defined)
{
    classes_open();
    crpi_class *c = define(TRUMPET);
    ck_assert_uint_eq(c->face_count, 2);
    ck_assert_uint_eq(c->slots, 2);
    ck_assert_int_eq(c->major, 1);
    ck_assert_int_eq(c->minor, 0);
    ck_assert_ptr_eq(c->constructor, member(c, 0, "Trumpet"));
    ck_assert_ptr_nonnull(member(c, 1, "silencer"));
    ck_assert_ptr_null(member(c, 0, "silencer"));
    ck_assert_str_eq(shown(object(c)), "#<Trumpet mute \"\" metal \"\">");
    classes_close();
}
END_TEST

START_TEST(class_info_tells_all_of_it)
{
    classes_open();
    crp_word info = CRP_NIL;
    crpi_class *c = define(
        "(class T (guid \"g\") (major 2) (minor 1) (interface (progId \"T.1\") (properties (a Integer "
        "(id 3)) (private b T readOnly)) (methods (T f (x (y Real) (z Integer 5) ...) (id 0x\"01\")))) "
        "(interface Other (creatable no) (methods (private NIL g ()))))");
    ck_assert_int_eq(crpi_class_info(vm, c, &info), CRP_OK);
    ck_assert_str_eq(
        shown(info),
        "(T 2 1 (\"\" (properties (a Integer (id 3)) (b T readOnly private)) (methods (T f ((x Object) (y "
        "Real) "
        "(z Integer 5) ...) (id 0x\"01\"))) (progId \"T.1\")) (\"Other\" (properties) (methods (NIL g () "
        "private)) (creatable no)) (guid \"g\"))");
    ck_assert_int_eq(crpi_class_info(vm, tanks(), &info), CRP_OK);
    ck_assert_str_eq(
        shown(info),
        "(Tank 1 0 (\"\" (properties (level Integer) (mode String) (key String secret) (name String config "
        "attribute) (note Object) (bytes Binary) (size Integer readOnly) (broken Integer readOnly) (sink "
        "Integer "
        "writeOnly)) (methods (Integer drain ((litres Integer|Real) (way Symbol ?) ...)))))");
    classes_close();
}
END_TEST

START_TEST(a_row_that_is_added_shows_in_class_info)
{
    classes_open();
    crp_word info = CRP_NIL;
    crpi_class *c = tanks();
    ck_assert_int_eq(crp_define_class_methods(vm, c->id, more_methods), CRP_OK);
    ck_assert_int_eq(crpi_class_info(vm, c, &info), CRP_OK);
    ck_assert_ptr_nonnull(strstr(shown(info), "(NIL fill ())"));
    classes_close();
}
END_TEST

START_TEST(what_class_info_gives_can_be_changed_without_harm)
{
    classes_open();
    crp_word info = CRP_NIL, again = CRP_NIL;
    crpi_class *c = define("(class T (interface (methods (NIL f ((x Integer))))))");
    ck_assert_int_eq(crpi_class_info(vm, c, &info), CRP_OK);
    const char *before = shown(info);
    crp_word face = crp_head(crp_tail(crp_tail(crp_tail(info)))),
             method = crp_head(crp_tail(crp_head(crp_tail(crp_tail(face)))));
    crp_word parameter = crp_head(crp_head(crp_tail(crp_tail(method))));
    crp_pair_of(parameter)->head = crp_fixnum(1);
    ck_assert_int_eq(crpi_class_info(vm, c, &again), CRP_OK);
    ck_assert_str_eq(shown(again), before);
    classes_close();
}
END_TEST

START_TEST(bad_class_forms_are_refused_with_place_and_expectation)
{
    classes_open();
    refused("(class)", "1.3: class: expected its name");
    refused("(class 5)", "1.2: expected the name of a class, given 5");
    refused("(class \"a:b\")", "1.2: \"a:b\" cannot be the name of a class");
    refused("(class Integer)", "1.2: Integer is a built-in class and cannot be redefined");
    refused("(class T 5)", "1.2: class T: expected (interface ...) or a clause such as (major 1), given 5");
    refused("(class T (interfce))", "1.2: class T: expected (interface ...) or a clause such as (major 1), "
                                    "given (interfce); did you mean interface?");
    refused("(class T (major \"1\"))", "1.2: class T: major: expected an Integer, given (major \"1\")");
    refused("(class T (major 1) (major 2))", "1.2: class T: major stands there twice");
    refused("(class T (interface (propertes (a Integer))))",
            "1.2: class T: expected (properties ...), (methods ...) or a clause such as (guid \"...\"), "
            "given (propertes (a "
            "Integer)); did you mean properties?");
    refused("(class T (interface) (interface))",
            "1.3: class T: interface number 1 needs a name: only the first may do without");
    refused("(class T (interface A) (interface A))", "1.2: class T: two interfaces are called A");
    refused("(class T (interface (properties (a))))",
            "1.2: class T: a property is declared as (name Class), given (a)");
    refused("(class T (interface (properties (a Intger))))",
            "1.4: class T: unknown class Intger; did you mean Integer?");
    refused("(class T (interface (properties (a Integer) (a Real))))",
            "1.2: class T: property a is declared with another class by another interface");
    refused("(class T (interface (properties (a Integer) (a Integer))))",
            "1.2: class T: two properties are called a");
    refused("(class T (interface (properties (a Integer readonly))))",
            "1.2: class T: property a: expected readOnly, secret or (id n) after its class, given readonly");
    refused("(class T (interface A (properties (a Integer)) (methods (NIL a ()))))",
            "1.2: class T: interface A: a property and a method are called a");
    refused("(class T (interface (methods (NIL a () 5))))",
            "1.2: class T: method a: expected (id n) or nothing after its arguments, given (5)");
    refused("(class T (interface (methods (NIL a))))",
            "1.2: class T: a method is declared as (Class name (argument ...)), given (NIL a)");
    refused("(class T (interface (methods (NIL a (5)))))",
            "1.2: class T: method a: an argument is declared as name, (name Class), (name Class default) or "
            "..., given 5");
    refused("(class T (interface (creatable yes) (direction out)))",
            "1.2: class T: an interface that is creatable must have the direction in");
    classes_close();
}
END_TEST

START_TEST(an_error_in_the_form_leaves_the_class_as_it_was)
{
    classes_open();
    crpi_class *c = define("(class T (interface (properties (a Integer)) (methods (NIL f ()))))");
    crpi_member *f = member(c, 0, "f");
    refused("(class T (interface (properties (a Integer)) (methods (NIL f ()) (NIL f ()))))",
            "1.2: class T: two methods are called f");
    ck_assert_ptr_eq(class_named("T"), c);
    ck_assert_ptr_eq(member(c, 0, "f"), f);
    classes_close();
}
END_TEST

START_TEST(the_limits_of_a_class_are_errors)
{
    classes_open();
    static char text[20000];
    strcpy(text, "(class T (interface (properties ");
    for (int i = 0; i <= CRPI_MAX_SLOTS; i++) snprintf(text + strlen(text), 40, "(p%d Integer) ", i);
    strcat(text, ")))");
    refused(text, "1.2: class T: more than 250 properties: p250 is one too many");
    strcpy(text, "(class T ");
    for (int i = 0; i <= CRPI_MAX_FACES; i++) snprintf(text + strlen(text), 40, "(interface I%d) ", i);
    strcat(text, ")");
    refused(text, "1.2: class T: more than 250 interfaces");
    classes_close();
}
END_TEST

START_TEST(a_class_without_interfaces_can_be_created)
{
    classes_open();
    crpi_class *c = define("(class Empty)");
    ck_assert_str_eq(shown(object(c)), "#<Empty>");
    classes_close();
}
END_TEST

START_TEST(start_values_of_scripted_properties_are_those_of_their_classes)
{
    classes_open();
    crpi_class *c = define(
        "(class T (interface (properties (i Integer) (r Real) (s String) (b Binary) (l List) (t T))))");
    crp_word a = object(c), b = object(c);
    ck_assert(get(a, "i") == crp_fixnum(0));
    ck_assert_str_eq(shown(get(a, "r")), "0.0");
    ck_assert_str_eq(shown(get(a, "b")), "0x\"\"");
    ck_assert(get(a, "b") != get(b, "b"));
    ck_assert(get(a, "l") == CRP_NIL && get(a, "t") == CRP_NIL);
    set(a, "t", b);
    set(a, "r", crp_fixnum(2));
    ck_assert_str_eq(shown(get(a, "r")), "2.0");
    ck_assert_str_eq(set_error(a, "i", bare_string(vm, "x")),
                     "1.11: T: property i: expected Integer, given String \"x\"");
    classes_close();
}
END_TEST

START_TEST(read_only_and_private_hold_outside_only)
{
    classes_open();
    crpi_class *c = define("(class T (interface (properties (a Integer readOnly) (private b Integer))))");
    crp_word o = object(c), w;
    ck_assert_str_eq(set_error(o, "a", crp_fixnum(1)), "1.2: property a of T is read only");
    ck_assert_str_eq(get_error(o, "b"), "1.2: property b of T is private");
    ck_assert_str_eq(set_error(o, "b", crp_fixnum(1)), "1.2: property b of T is private");
    ck_assert_int_eq(crpi_property_set(vm, o, member(c, 0, "a"), true, crp_fixnum(1)), CRP_OK);
    ck_assert_int_eq(crpi_property_set(vm, o, member(c, 0, "b"), true, crp_fixnum(2)), CRP_OK);
    ck_assert_int_eq(crpi_property_get(vm, o, member(c, 0, "b"), true, &w), CRP_OK);
    ck_assert(w == crp_fixnum(2));
    ck_assert_str_eq(shown(o), "#<T a 1>");
    classes_close();
}
END_TEST

START_TEST(an_unknown_member_comes_with_near_names_and_what_there_is)
{
    classes_open();
    crp_word o = object(define(TRUMPET));
    ck_assert_str_eq(
        get_error(o, "plya"),
        "1.4: Trumpet has no property or method plya; did you mean play? It has mute, metal, Trumpet, play");
    ck_assert_str_eq(get_error(CRP_NIL, "x"), "1.4: () has no property or method x: it is the empty List");
    ck_assert_str_eq(get_error(crp_fixnum(5), "x"),
                     "1.4: Integer has no property or method x; it has no members");
    ck_assert_str_eq(get_error(o, "play"), "1.2: play of Trumpet is a method, no property");
    classes_close();
}
END_TEST

/* --- views ------------------------------------------------------------------------------------------------ */

static crp_word view(crp_word o, uint32_t face)
{
    crpi_view *v = crpi_new(vm, CRP_VIEW, sizeof *v);
    v->object = o;
    v->face = face;
    return crp_from_object(v);
}

START_TEST(a_view_shares_the_slots_and_shows_its_face)
{
    classes_open();
    crp_word o = object(define(TRUMPET)), v = view(o, 1);
    set(v, "mute", bare_string(vm, "on"));
    ck_assert_str_eq(shown(get(o, "mute")), "\"on\"");
    ck_assert_str_eq(shown(v), "#<Trumpet:Volume mute \"on\">");
    ck_assert_str_eq(get_error(v, "metal"),
                     "1.4: Trumpet:Volume has no property or method metal; it has mute, setVolume, silencer");
    ck_assert(crp_has_method(vm, v, bare_symbol(vm, "silencer")));
    ck_assert(!crp_has_method(vm, o, bare_symbol(vm, "silencer")));
    ck_assert(crp_equal(vm, o, v));
    bare_keep(v);
    bare_forget(vm);
    vm->heap.stress_every = vm->heap.stress_left = 1;
    crpi_collect(vm);
    ck_assert_str_eq(shown(get(v, "mute")), "\"on\"");
    classes_close();
}
END_TEST

START_TEST(a_slot_takes_the_face_that_it_declares)
{
    classes_open();
    crp_word o = object(define(TRUMPET)), v = view(o, 1);
    ck_assert(crpi_has_type(vm, type("Trumpet"), o));
    ck_assert(!crpi_has_type(vm, type("Trumpet"), v));
    ck_assert(crpi_has_type(vm, type("Trumpet:Volume"), v));
    ck_assert(!crpi_has_type(vm, type("Trumpet:Volume"), o));
    ck_assert(crpi_has_type(vm, type("Object"), v));
    crp_word w = o;
    ck_assert_int_ne(crpi_check_type(vm, type("Trumpet:Volume"), &w, "variable", bare_symbol(vm, "t")),
                     CRP_OK);
    ck_assert_str_eq(bare_error(vm),
                     "1.11: variable t: expected Trumpet:Volume, given #<Trumpet mute \"\" metal \"\">");
    crpi_type none;
    ck_assert_int_ne(crpi_type_named(vm, bare_string(vm, "Trumpet:Volum"), &none), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.4: class Trumpet has no interface Volum; it has \"\", Volume");
    classes_close();
}
END_TEST

START_TEST(classes_may_name_each_other_and_their_interfaces)
{
    classes_open();
    crp_word first =
        form("(class A (interface (properties (b \"B:Other\") (self \"A:Mine\"))) (interface Mine))");
    crp_word second = form("(class \"B\" (interface (properties (a A))) (interface Other))");
    crp_word out;
    ck_assert_int_eq(crpi_class_announce(vm, first), CRP_OK);
    ck_assert_int_eq(crpi_class_announce(vm, second), CRP_OK);
    ck_assert_int_eq(crpi_class_define(vm, first, &out), CRP_OK);
    ck_assert_int_eq(crpi_class_define(vm, second, &out), CRP_OK);
    crp_word a = object(class_named("A")), b = object(class_named("B"));
    set(a, "b", view(b, 1));
    ck_assert_ptr_nonnull(strstr(set_error(a, "b", b), "expected B:Other"));
    classes_close();
}
END_TEST

/* --- again ------------------------------------------------------------------------------------------------ */

START_TEST(the_same_properties_again_keep_class_objects_and_methods)
{
    classes_open();
    crpi_class *c =
        define("(class T (interface (properties (a Integer) (b String)) (methods (NIL f ()) (NIL g ()))))");
    crp_word o = bare_keep(object(c)), function = bare_string(vm, "stands for a function");
    set(o, "a", crp_fixnum(5));
    crpi_member *f = member(c, 0, "f"), *g = member(c, 0, "g");
    uint32_t number = f->number, epoch = vm->epoch;
    f->function = g->function = function;
    ck_assert_ptr_eq(
        define(
            "(class T (interface (properties (b String) (a Integer readOnly)) (methods (NIL h ()) (NIL f ()) "
            "(NIL g ((x Integer))))) (interface More))"),
        c);
    ck_assert_ptr_eq(member(c, 0, "f"), f);
    ck_assert_uint_eq(f->number, number);
    ck_assert_ptr_eq(vm->members[number], f);
    ck_assert(f->function == function);
    ck_assert(g->function == CRP_UNSET);
    ck_assert_ptr_nonnull(member(c, 0, "h"));
    ck_assert(get(o, "a") == crp_fixnum(5));
    ck_assert_str_eq(set_error(o, "a", crp_fixnum(1)), "1.2: property a of T is read only");
    ck_assert_str_eq(shown(object(c)), "#<T b \"\" a 0>");
    ck_assert_uint_ne(vm->epoch, epoch);
    for (size_t i = 0; i < vm->member_count; i++) ck_assert_uint_eq(vm->members[i]->number, i);
    classes_close();
}
END_TEST

START_TEST(a_method_that_is_gone_is_no_longer_found)
{
    classes_open();
    crpi_class *c = define("(class T (interface (methods (NIL T ()) (NIL f ()))))");
    ck_assert_ptr_nonnull(c->constructor);
    crpi_member *f = member(c, 0, "f");
    f->function = CRP_TRUE;
    define("(class T (interface (methods (NIL g ()))))");
    ck_assert_ptr_null(member(c, 0, "f"));
    ck_assert(f->function == CRP_UNSET);
    ck_assert_ptr_null(c->constructor);
    classes_close();
}
END_TEST

START_TEST(other_properties_make_a_new_class_of_the_same_type)
{
    classes_open();
    crpi_class *old = define("(class T (interface (properties (a Integer))))");
    crp_word o = object(old);
    crpi_type before = type("T");
    crpi_class *c = define("(class T (interface (properties (a Integer) (b Integer))))");
    ck_assert_ptr_ne(c, old);
    ck_assert_ptr_eq(class_named("T"), c);
    ck_assert_uint_eq(type("T"), before);
    ck_assert(crpi_has_type(vm, before, o) && crpi_has_type(vm, before, object(c)));
    ck_assert_str_eq(shown(o), "#<T a 0>");
    ck_assert_str_eq(shown(object(c)), "#<T a 0 b 0>");
    classes_close();
}
END_TEST

/* --- methods ---------------------------------------------------------------------------------------------- */

static crp_status bind(const char *class_name, const char *face, const char *name, const char *result,
                       const char *arguments, crpi_member **m)
{
    crpi_signature *s;
    crp_clear_error(vm);
    ck_assert_int_eq(crpi_signature_new(vm, form(result), form(arguments), &s), CRP_OK);
    crp_word face_name = face ? bare_symbol(vm, face) : CRP_NIL;
    crp_status st = crpi_method_bind(vm, bare_symbol(vm, class_name), face_name, bare_symbol(vm, name), s, m);
    crpi_signature_free(vm, s);
    return st;
}

START_TEST(a_definition_must_be_what_was_declared)
{
    classes_open();
    crpi_class *c = define(TRUMPET);
    crpi_member *m;
    ck_assert_int_eq(bind("Trumpet", NULL, "play", "NIL", "((tune String))", &m), CRP_OK);
    ck_assert_ptr_eq(m, member(c, 0, "play"));
    ck_assert_int_eq(bind("Trumpet", "Volume", "silencer", "NIL", "()", &m), CRP_OK);
    ck_assert_ptr_eq(m, member(c, 1, "silencer"));
    ck_assert_int_ne(bind("Trumpet", NULL, "play", "NIL", "((m Symbol))", &m), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.2: method play of class Trumpet: declared as (play (m String)) -> "
                                     "(), given (play (m Symbol)) -> ()");
    ck_assert_int_ne(bind("Trumpet", NULL, "silencer", "NIL", "()", &m), CRP_OK);
    ck_assert_str_eq(bare_error(vm),
                     "1.4: class Trumpet declares no method silencer; it has mute, metal, Trumpet, play");
    ck_assert_int_ne(bind("Trumpet", NULL, "mute", "NIL", "()", &m), CRP_OK);
    ck_assert_int_ne(bind("Trumpet", "Volum", "silencer", "NIL", "()", &m), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.4: class Trumpet has no interface Volum; it has \"\", Volume");
    ck_assert_int_ne(bind("Trumpt", NULL, "play", "NIL", "()", &m), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.4: unknown class Trumpt; did you mean Trumpet?");
    ck_assert_int_ne(bind("Integer", NULL, "play", "NIL", "()", &m), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.2: Integer is a built-in class: its methods cannot be defined");
    classes_close();
}
END_TEST

START_TEST(a_constructor_that_is_only_declared_is_an_error)
{
    classes_open();
    crpi_class *c = define(TRUMPET);
    crp_word f;
    ck_assert_int_ne(crpi_creator(vm, c->id, &f), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.3: the constructor of class Trumpet is declared, but not defined: (defun NIL Trumpet::Trumpet ((m "
                                       "String)) ...) does it");
    c->constructor->function = CRP_TRUE;
    ck_assert_int_eq(crpi_creator(vm, c->id, &f), CRP_OK);
    ck_assert(f == CRP_TRUE);
    classes_close();
}
END_TEST

START_TEST(an_a_list_sets_properties)
{
    classes_open();
    crp_word o = object(tanks());
    ck_assert(crpi_is_alist(form("((level 5) (\"mode\" \"even\"))")));
    ck_assert(!crpi_is_alist(form("((level 5) 6)")));
    ck_assert(!crpi_is_alist(form("((1 2))")));
    ck_assert(!crpi_is_alist(CRP_NIL));
    ck_assert_int_eq(crpi_apply_alist(vm, o, form("((level 5) (\"mode\" \"even\"))")), CRP_OK);
    ck_assert_str_eq(shown(o), "#<Tank level 5 mode \"even\" name \"\" size 42>");
    ck_assert_int_ne(crpi_apply_alist(vm, o, form("((levl 5))")), CRP_OK);
    ck_assert(strncmp(bare_error(vm), "1.4: Tank has no property or method levl; did you mean level?", 58) ==
              0);
    ck_assert_int_ne(crpi_apply_alist(vm, o, form("(5)")), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.8: expected a List of (property value), given (5)");
    classes_close();
}
END_TEST

START_TEST(what_cannot_be_created_says_so)
{
    classes_open();
    crp_word w;
    ck_assert_int_ne(crp_new_object(vm, CRP_OBJECT, &w), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.2: no object of class Object can be created");
    ck_assert_int_eq(crpi_class_reserve(vm, bare_symbol(vm, "Later")), CRP_OK);
    crp_clear_error(vm);
    ck_assert_int_ne(crp_new_object(vm, class_named("Later")->id, &w), CRP_OK);
    ck_assert_str_eq(bare_error(vm), "1.4: the class Later is named, but not defined yet");
    classes_close();
}
END_TEST

/* --- modules ---------------------------------------------------------------------------------------------- */

START_TEST(comms_module_is_every_module_and_nothing_else)
{
    classes_open();
    static const uint32_t ops = CRPI_KIND_MODULE, log = 1;
    crp_class_def module = tank_def, logger = tank_def;
    uint32_t a, b;
    module.module = &ops;
    logger.name = "Logger", logger.other_name = NULL, logger.module = &log;
    ck_assert_int_eq(crp_define_class(vm, &module, &a), CRP_OK);
    ck_assert_int_eq(crp_define_class(vm, &logger, &b), CRP_OK);
    crpi_type t = type("CommsModule");
    ck_assert(crpi_has_type(vm, t, object(vm->classes[a])));
    ck_assert(!crpi_has_type(vm, t, object(vm->classes[b])));
    ck_assert(!crpi_has_type(vm, t, crp_fixnum(1)));
    ck_assert(crpi_has_type(vm, t, CRP_NIL));
    ck_assert(crpi_has_type(
        vm, t, object(define("(class S (interface (properties (stack Object) (log Object))))"))));
    ck_assert(!crpi_has_type(vm, t, object(define("(class U (interface (properties (stack Object))))"))));
    classes_close();
}
END_TEST

/* --- without memory, and at every collection -------------------------------------------------------------- */

START_TEST(classes_without_memory_are_clean)
{
    classes_open();
    crp_status st;
    crp_word w = CRP_NIL, trumpet = form(TRUMPET),
             same = form("(class Trumpet (interface (properties (metal String) (mute String)) "
                         "(methods (NIL play ((m String))))) (interface Volume) (interface X))");
    uint32_t id = 0;
    BARE_EACH_FAILURE(vm, st, st = crpi_class_define(vm, trumpet, &w));
    crpi_class *c = class_named("Trumpet");
    BARE_EACH_FAILURE(vm, st, st = crp_new_object(vm, c->id, &w));
    BARE_EACH_FAILURE(vm, st, st = crpi_class_info(vm, c, &w));
    BARE_EACH_FAILURE(vm, st, st = crpi_class_define(vm, same, &w));
    ck_assert_ptr_eq(class_named("Trumpet"), c);
    BARE_EACH_FAILURE(vm, st, st = crp_define_class(vm, &tank_def, &id));
    BARE_EACH_FAILURE(vm, st, st = crpi_class_ready(vm, vm->classes[id]));
    BARE_EACH_FAILURE(vm, st, st = crp_new_object(vm, id, &w));
    BARE_EACH_FAILURE(vm, st, st = crpi_creator(vm, id, &w));
    BARE_EACH_FAILURE(vm, st, st = crp_define_class_methods(vm, id, more_methods));
    ck_assert_ptr_nonnull(member(vm->classes[id], 0, "fill"));
    for (size_t i = 0; i < vm->member_count; i++) ck_assert_uint_eq(vm->members[i]->number, i);
    classes_close();
}
END_TEST

START_TEST(classes_survive_a_collection_at_every_allocation)
{
    classes_open();
    crp_word trumpet = bare_keep(form(TRUMPET)), info = CRP_NIL;
    vm->heap.stress_every = vm->heap.stress_left = 1;
    crp_word w = CRP_NIL;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(crpi_class_define(vm, trumpet, &w), CRP_OK);
        bare_forget(vm);
    }
    crpi_class *c = class_named("Trumpet");
    crp_word o = bare_keep(object(c));
    set(o, "mute", bare_string(vm, "a long enough text to have a cell of its own"));
    bare_forget(vm);
    ck_assert_int_eq(crpi_class_info(vm, c, &info), CRP_OK);
    ck_assert_uint_gt(strlen(shown(info)), 100);
    ck_assert_ptr_nonnull(strstr(shown(o), "a long enough text"));
    crp_word t = bare_keep(object(tanks()));
    bare_forget(vm);
    ck_assert_str_eq(shown(t), "#<Tank level 7 mode \"odd\" name \"\" size 42>");
    classes_close();
}
END_TEST

UNIT_MAIN("class", the_built_in_classes_are_there_under_fixed_numbers,
          registering_a_native_class_makes_no_members_yet, a_native_class_has_both_its_names,
          a_native_class_may_be_registered_again_but_not_replaced, a_bad_definition_is_refused,
          a_definition_of_a_built_in_name_gets_its_fixed_number,
          methods_may_be_added_before_and_after_the_class_is_used, a_new_native_object_has_its_start_values,
          setting_a_native_property_checks_its_row, a_config_property_is_locked_while_connected,
          a_secret_is_neither_printed_nor_in_an_error, an_object_prints_its_scalar_properties,
          printing_an_object_is_bounded, the_collector_marks_and_drops_native_objects,
          a_creator_is_one_function_with_the_classs_name, a_missing_member_is_looked_for_where_the_class_says,
          the_manuals_class_is_defined, class_info_tells_all_of_it, a_row_that_is_added_shows_in_class_info,
          what_class_info_gives_can_be_changed_without_harm,
          bad_class_forms_are_refused_with_place_and_expectation,
          an_error_in_the_form_leaves_the_class_as_it_was, the_limits_of_a_class_are_errors,
          a_class_without_interfaces_can_be_created,
          start_values_of_scripted_properties_are_those_of_their_classes,
          read_only_and_private_hold_outside_only, an_unknown_member_comes_with_near_names_and_what_there_is,
          a_view_shares_the_slots_and_shows_its_face, a_slot_takes_the_face_that_it_declares,
          classes_may_name_each_other_and_their_interfaces,
          the_same_properties_again_keep_class_objects_and_methods, a_method_that_is_gone_is_no_longer_found,
          other_properties_make_a_new_class_of_the_same_type, a_definition_must_be_what_was_declared,
          a_constructor_that_is_only_declared_is_an_error, an_a_list_sets_properties,
          what_cannot_be_created_says_so, comms_module_is_every_module_and_nothing_else,
          classes_without_memory_are_clean, classes_survive_a_collection_at_every_allocation)
