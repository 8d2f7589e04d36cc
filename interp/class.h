/* floor 4: classes at run time.
 *
 * A class is described once: by the rows of a native definition (types.h) or by a script's `class` form,
 * which makes the same members.  `create`, the dot, the checks, classInfo, completion, help and the reference
 * all read the members; there is no second description.
 *
 * Every value has a class.  A class has one or more faces (interfaces); face 0 is the one that an object
 * shows at first.  Members are found by Symbol in a small table per face; the VM's call sites remember what
 * they found, so the table is asked once per site and class.  Members never move: a call site keeps a
 * member's number.
 *
 * A native class fills its faces when it is first used: starting costs no more than a row a class.
 */
#ifndef CARAPACE_CLASS_H
#define CARAPACE_CLASS_H

#include "state.h"

/* A declared class: number in the low 24 bits, face above.  Object (0) accepts everything.  A script's class
 * that is defined anew with other properties gets a new number, but what is declared `C` means all classes of
 * that name: the number in a type is crpi_class.type_id, that of the first of them. */
typedef uint32_t crpi_type;
#define CRPI_TYPE(class_id, face) ((crpi_type)(class_id) | (crpi_type)(face) << 24)
#define CRPI_TYPE_CLASS(t) ((t)&0xffffffu)
#define CRPI_TYPE_FACE(t) ((t) >> 24)
#define CRPI_NO_RESULT 0xffffffu /* declared NIL: nothing is returned */

/* --- signatures ----------------------------------------------------------------------------------------- */

typedef struct crpi_parameter {
    crp_word name;
    crpi_type type, other; /* `other`: a second class that is allowed; equal to `type` if there is none */
    bool optional;
    crp_word start; /* the default as a form; CRP_UNSET: none */
} crpi_parameter;

typedef struct crpi_signature {
    crpi_type result;
    uint16_t required, count; /* parameters without `...` */
    bool rest;
    uint8_t shape; /* the number of the list of classes that a script declares for its arguments; 0: it has none */
    size_t bytes;  /* of this allocation */
    crpi_parameter parameters[];
} crpi_signature;

/* Some arguments may be left out, or further ones given. */
static inline bool crpi_signature_varies(const crpi_signature *s) { return s->rest || s->required != s->count; }

enum { CRPI_MAX_PARAMETERS = 200, CRPI_MAX_SHAPED = 8, CRPI_MAX_SHAPES = 255 };

/* From `(x Integer) y (z Real 1.0) ...`, as a List.  result_class: a Symbol, String or Class; the Symbol NIL
 * is CRPI_NO_RESULT; (), where nothing is declared, Object.  The forms' place is the caller's to add to an
 * error. */
crp_status crpi_signature_new(crp *, crp_word result_class, crp_word parameters, crpi_signature **out);
/* A row's spec.  A class that does not exist yet is reserved: its library may be loaded later. */
crp_status crpi_signature_parse(crp *, const char *spec, crpi_signature **out);
void crpi_signature_free(crp *, crpi_signature *);
void crpi_signature_mark(const crpi_signature *, crp *, crp_marker);
/* The same classes, or classes of the same name, and counts; the arguments' names may differ. */
bool crpi_signature_same(crp *, const crpi_signature *, const crpi_signature *);
/* Appends "(name (x Integer) ...) -> String". */
void crpi_signature_print(crp *, crpi_buf *, const char *name, const crpi_signature *);
/* The same without the result, which a macro declares none of. */
void crpi_signature_print_call(crp *, crpi_buf *, const char *name, const crpi_signature *);

/* --- functions ------------------------------------------------------------------------------------------ */

struct crpi_proto;

enum crpi_function_flag { CRPI_FN_NATIVE = 1, CRPI_FN_VARIES = 2 /* optional or further arguments */, CRPI_FN_METHOD = 4 };

/* A Function.  For a script's function with a fixed count of arguments, the header word holds all that a call
 * site must check: class, shape, count, no flags.  `checked` is where a call goes on whose site knows that the arguments
 * are of the classes declared: it has the same shape in its instruction. */
typedef struct crpi_function {
    crp_object h; /* flags: the signature's shape, a native's quick way; sort: count of arguments; aux: enum crpi_function_flag */
    const uint32_t *code;
    struct crpi_proto *proto; /* a script's; NULL for a native */
    const crp_method *row;    /* a native's */
    union {
        crpi_signature *signature; /* a native's: its row's, parsed at first use */
        const uint32_t *checked;   /* a script's: its code behind the checks of the arguments */
    };
    crp_word name; /* Symbol or NIL */
    uint32_t registers;
    uint32_t capture_count;
    crp_word captures[];
} crpi_function;

static inline crpi_function *crpi_function_of(crp_word w) { return (crpi_function *)crp_object_of(w); }
/* A script's function, no method, that takes just n arguments. */
static inline bool crpi_takes(const crpi_function *fn, uint32_t n) { return fn->h.aux == 0 && fn->h.sort == n; }
/* The row must live as long as the interpreter.  Flag CRPI_FN_NATIVE; CRPI_FN_VARIES is set when the signature is first
 * asked for, so that starting does not parse any. */
crp_status crpi_native_function(crp *, const crp_method *row, crp_word *out);
crp_status crpi_native_signature(crp *, crpi_function *, const crpi_signature **out);

/* The quick way of a built-in method, or (class Object) function, whose Function then has its number in `flags`.  *out is
 * CRP_UNSET when it is called, and still if the row must be asked.  It neither waits nor calls anything of a script's. */
typedef struct crpi_quick {
    uint32_t class_id;
    const char *name;
    crp_status (*run)(crp *, crp_word self, const crp_word *args, uint32_t n, crp_word *out);
    uint32_t result; /* the class of all that a function gives; 0: not known */
    int opcode;      /* of a method with one argument: the instruction that takes the place of NATIVE1, or 0 */
} crpi_quick;
extern const crpi_quick crpi_quick_ways[]; /* vm->quick, NULL in a VM without library: from 1 on, ends without a name (quick.c) */

/* --- members and classes -------------------------------------------------------------------------------- */

enum crpi_member_kind { CRPI_SLOT, CRPI_ACCESSOR, CRPI_METHOD };
enum crpi_member_flag { CRPI_READONLY = 1, CRPI_PRIVATE = 2, CRPI_SECRET = 4, CRPI_WRITEONLY = 8 };

typedef struct crpi_member {
    crp_word name;
    uint8_t kind, flags, face;
    uint8_t quick;     /* of a built-in method that was called: its quick way, 0: none */
    bool relied_on;    /* SLOT: code was compiled that takes what it reads to be of the class `type` */
    crpi_type type;    /* of a property; of a method's result */
    uint32_t offset;   /* SLOT: bytes from the object's start */
    uint32_t number;   /* in vm->members */
    crp_word start;    /* SLOT: its start value */
    crp_word function; /* METHOD: a Function; CRP_UNSET: declared, not yet defined */
    crp_word declared; /* METHOD of a script's class: its parameter List */
    crp_word id;       /* of a script's class: its `(id n)` clause, for classInfo; or NIL */
    const crp_property *row;
    const crp_method *method;
    struct crpi_class *owner;
} crpi_member;

typedef struct crpi_face {
    crp_word name; /* Symbol; face 0 may have none: NIL */
    crpi_member **members;
    size_t count, capacity;
    uint32_t *index; /* open addressing by Symbol number: place in `members` + 1 */
    size_t index_size;
    crp_word clauses; /* guid and other clauses as they were written, for classInfo */
} crpi_face;

typedef struct crpi_class {
    crp_object *object; /* the Class that scripts see */
    crp_word name;
    uint32_t id;
    uint32_t type_id;         /* the number that declared classes of this name have: see crpi_type */
    const crp_class_def *def; /* NULL: a script's class, or a built-in one that has only `more` */
    const crp_method **more;  /* further rows of a built-in class: see class.c */
    size_t more_count, more_capacity;
    bool ready;       /* faces are filled */
    bool defined;     /* false: only named so far */
    bool script;      /* made by a `class` form */
    bool hidden;      /* scripts never see it: no name refers to it */
    bool value_class; /* Integer, Real, String, Binary: never () */
    bool again;       /* the first of several classes with its type_id */
    int64_t major, minor;
    crp_word clauses;
    crpi_face *faces;
    size_t face_count;
    uint32_t slots;   /* of a script's class */
    crp_word *starts; /* start values of the slots */
    crp_word *blank;  /* of a native class: what a new object has behind its header; NULL: not made yet */
    crpi_member *constructor;
    crp_word creator; /* a native's: its Function, once asked for; else CRP_UNSET */
} crpi_class;

typedef struct crpi_class_object { /* what a Class value points to */
    crp_object h;
    uint32_t id;
} crpi_class_object;

typedef struct crpi_instance { /* an object of a script's class */
    crp_object h;
    crp_word slots[];
} crpi_instance;

typedef struct crpi_view { /* the same object through another face; never of face 0 */
    crp_object h;
    crp_word object;
    uint32_t face;
} crpi_view;

enum {
    CRPI_MAX_SLOTS = 250,
    CRPI_MAX_FACES = 250,
    CRPI_MAX_MEMBERS = 4000 /* of a face */,
    CRPI_MAX_CLASSES = 1 << 20
};

/* `CommsModule`: as a declared class any comms module, native or scripted; no object has it. */
enum { CRPI_COMMS_MODULE = CRP_FIRST_FREE_CLASS };
/* What crp_class_def.module points to begins with a uint32_t; this one says that it is a comms module's
 * operations. */
enum { CRPI_KIND_MODULE = 0x4d6f64 };

static inline crpi_class *crpi_class_by_id(crp *vm, uint32_t id) { return vm->classes[id]; }
crpi_class *crpi_class_named(crp *, crp_word symbol); /* NULL: none of that name.  It may be only reserved */
bool crpi_names_value_class(crp *, crp_word symbol);  /* String, Integer...: no variable is meant to be called so */
crp_status crpi_class_ready(crp *, crpi_class *);     /* fills the faces of a native class */

/* The class and face that a value shows. */
void crpi_face_of(crp_word, uint32_t *class_id, uint32_t *face);
static inline crp_word crpi_unview(crp_word w)
{
    return crp_is_a(w, CRP_VIEW) ? ((crpi_view *)crp_object_of(w))->object : w;
}

/* NULL: no such member (no error recorded).  `name` is a Symbol. */
crpi_member *crpi_member_find(crp *, uint32_t class_id, uint32_t face, crp_word name);
/* The Function that this object has as a method beyond those of its class, CRP_UNSET: none of that name; and the
 * HashTable of all of them by Symbol, CRP_NIL: none. */
crp_word crpi_own_method(crp *, crp_word object, crp_word name);
crp_word crpi_own_methods(crp *, crp_word object);
/* Records 1.4 with the nearest names and what the class has. */
crp_status crpi_member_unknown(crp *, crp_word object, crp_word name);

/* The members of a face, for who builds one.  A name may be there once: 1.2.  What was made since `count` can
 * be given up again, as long as nobody has seen it: those without an owner are freed, the others move up. */
crp_status crpi_member_new(crp *, crpi_class *owner, crp_word name, enum crpi_member_kind, crpi_member **out);
void crpi_members_cut(crp *, size_t count);
crp_status crpi_face_add(crp *, crpi_face *, crpi_member *);
crpi_member *crpi_face_find(const crpi_face *, crp_word name);
void crpi_face_free(crp *, crpi_face *);
/* Appends the nearest names and what the face has, for an error about `name`. */
void crpi_members_near(crp *, crpi_buf *, const crpi_face *, crp_word object, crp_word name);
/* The face of that name, a Symbol or String; "" is face 0.  1.4 with the names that there are. */
crp_status crpi_face_named(crp *, const crpi_class *, crp_word name, uint32_t *out);

/* Whether the object has a property of that name that anyone may read, also through its class's `missing`. */
bool crpi_can_read(crp *, crp_word object, crp_word name);
/* Property access with all checks; `inside`: from a method of the same class, which may set what is read-only
 * and see what is private. */
crp_status crpi_property_get(crp *, crp_word object, crpi_member *, bool inside, crp_word *out);
crp_status crpi_property_set(crp *, crp_word object, crpi_member *, bool inside, crp_word value);

/* The value as a slot of this type takes it (an Integer becomes a Real where one is declared): CRP_OK,
 * or 1.11 with `what` ("argument x of f", "variable n", ...), expected and given in the text. */
crp_status crpi_check_type(crp *, crpi_type, crp_word *value, const char *what, crp_word name);
/* Records that error; `secret`: without the value. */
crp_status crpi_type_mismatch(crp *, crpi_type, crpi_type other, crp_word given, bool secret,
                              const char *what, crp_word name);
/* The same for an argument that may be of either of two classes. */
crp_status crpi_check_parameter(crp *, const crpi_parameter *, crp_word *value, const char *what,
                                crp_word name);
bool crpi_has_type(crp *, crpi_type, crp_word); /* as it is: no Integer is a Real here */
/* 0, 0.0, "", 0x"" or ().  A Binary is a new one each time, since it may be changed in place: CRP_UNSET,
 * with 1.16 recorded, if there is no memory for it. */
crp_word crpi_start_value(crp *, crpi_type);
/* What a new slot gets: a Binary of its own. */
crp_status crpi_start_copy(crp *, crp_word start, crp_word *out);
void crpi_type_name(crp *, crpi_buf *, crpi_type);
/* Whether a text has in it a word for what nobody should see, "password" or so, or the name of a secret property. */
bool crpi_names_secret(crp *, const char *text);
/* The text of a name that is a Symbol or a String; NULL: it is neither. */
const char *crpi_name_text(crp *, crp_word name, size_t *length);
/* A class named by a Symbol (`C` or `C:Face`), String or Class: 1.4 with near names if there is none. */
crp_status crpi_type_named(crp *, crp_word name, crpi_type *out);
/* The same from text, as a native row has it: a class that does not exist yet is reserved. */
crp_status crpi_type_of_text(crp *, const char *text, size_t length, crpi_type *out);
/* Any class by its name, for create, classInfo and the like; 1.4 if there is none or it is only reserved. */
crp_status crpi_class_find(crp *, crp_word name, crpi_class **out);

/* --- making --------------------------------------------------------------------------------------------- */

/* A new class under this name, whatever the name meant before; and what the collector must know of a
 * script's. */
crp_status crpi_class_add(crp *, crp_word name, crpi_class **out);
crp_status crpi_script_kind(crp *, uint32_t class_id, bool has_slots);

/* A script's `class` form, whole; gives the Class.  The same properties again, behind the same interfaces
 * (more may follow), keep class and objects; methods that are declared as before stay defined.  Otherwise the
 * name gets a new class.  An error changes nothing. */
crp_status crpi_class_define(crp *, crp_word form, crp_word *out);
crp_status crpi_class_reserve(crp *, crp_word name); /* so that classes of one file may name each other */
/* The same from a whole `class` form, with its interfaces, so that others may name these too.  No errors of
 * the form. */
crp_status crpi_class_announce(crp *, crp_word form);
/* The declared member that a definition `C::m` or `C:Face::m` is for (face_name NIL: face 0); its signature
 * must be the declared one: 1.2 with both.  Whoever compiled the definition stores the Function into
 * (*out)->function. */
crp_status crpi_method_bind(crp *, crp_word class_name, crp_word face_name, crp_word method_name,
                            const crpi_signature *, crpi_member **out);
/* What `create` calls with the new object as receiver: a native's creator or a script's constructor;
 * CRP_UNSET: none, so there are no arguments but an a-list.  1.3 for a constructor that was declared and not
 * defined. A native class without an instance size makes its values itself (a Real, a String): crp_new_object
 * gives (), and what the creator returns is the value. */
crp_status crpi_creator(crp *, uint32_t class_id, crp_word *function);
/* Sets the properties that an a-list ((name value) ...) names; names are Symbols or Strings. */
crp_status crpi_apply_alist(crp *, crp_word object, crp_word alist);
/* Whether the word has the shape of such an a-list: a List of Lists of two, a Symbol or String first. */
bool crpi_is_alist(crp_word);
crp_status crpi_class_info(crp *, crpi_class *, crp_word *out);

/* After crpi_cells_init.  Objects may still be dropped after crpi_classes_free. */
bool crpi_classes_init(crp *);
void crpi_classes_free(crp *);

#endif
