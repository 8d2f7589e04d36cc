/* floor 7: the class Error, what throws one, and what shows the calls that are under way.
 *
 * Place and trace of an Error are made when they are first read (trace.c), so their rows have functions.
 */
#include "lib.h"

#include <string.h>
#include "cells.h"
#include "class.h"
#include "error.h"
#include "vm.h"

static crpi_error *self_of(const crp_call *c) { return crpi_error_of(c->self); }

/* --- making and changing -------------------------------------------------------------------------------- */

/* The text: the parts one after the other. */
static crp_status join_text(crp_call *c, uint32_t from, crp_word *out)
{
    *out = c->args[from];
    if (crp_is_string(*out) && c->count == from + 1) return CRP_OK;
    crpi_buf text;
    crpi_buf_init(&text, &c->vm->mem, CRPI_LIB_CAP);
    for (uint32_t i = from; i < c->count; i++)
        if (c->args[i] != CRP_UNSET) crpi_lib_show(c->vm, &text, c->args[i], true);
    return crpi_lib_finish(c->vm, &text, CRP_STRING, out);
}

/* Class, code, line and position have 32 bits: whoever reads an Error in C need not ask how large they are. */
static crp_status check_number(crp_call *c, uint32_t at, const char *what)
{
    int64_t number = crp_fixnum_value(c->args[at]);
    if (crp_is_fixnum(c->args[at]) && (int32_t)number == number) return CRP_OK;
    return crpi_lib_between(c->vm, what, c->args[at], INT32_MIN, INT32_MAX, &number);
}

static crp_status error_set(crp_call *c)
{
    crpi_error *e = self_of(c);
    crp_word text;
    crp_status st = check_number(c, 0, "an Error's class");
    if (!st) st = check_number(c, 1, "an Error's code");
    if (!st) st = join_text(c, 2, &text);
    if (st) return st;
    crp_store(c->vm, &e->h, &e->error_class, c->args[0]);
    crp_store(c->vm, &e->h, &e->code, c->args[1]);
    crp_store(c->vm, &e->h, &e->text, text);
    return CRP_OK;
}

static crp_status error_create(crp_call *c)
{
    self_of(c)->source_line = self_of(c)->calls = self_of(c)->details = CRP_NIL; /* these have no rows, which would do it */
    return error_set(c);
}

static crp_status error_locate(crp_call *c)
{
    crpi_error *e = self_of(c);
    crp_status st = check_number(c, 1, "an Error's line");
    if (!st) st = check_number(c, 2, "an Error's position in its line");
    if (st) return st;
    crpi_error_settle(c->vm, c->self);
    crp_store(c->vm, &e->h, &e->file, c->args[0]);
    crp_store(c->vm, &e->h, &e->line, c->args[1]);
    crp_store(c->vm, &e->h, &e->position, c->args[2]);
    crp_store(c->vm, &e->h, &e->source_line, CRP_NIL);
    return CRP_OK;
}

static crp_status error_clear(crp_call *c)
{
    crpi_error *e = self_of(c);
    crp_word *const numbers[] = {&e->error_class, &e->code, &e->line, &e->position};
    crp_word *const lists[] = {&e->trace, &e->cause, &e->source_line, &e->calls, &e->further, &e->details};
    crp_word *const texts[] = {&e->text, &e->file};
    for (size_t i = 0; i < 4; i++) crp_store(c->vm, &e->h, numbers[i], crp_fixnum(0));
    for (size_t i = 0; i < 6; i++) crp_store(c->vm, &e->h, lists[i], CRP_NIL);
    for (size_t i = 0; i < 2; i++) crp_store(c->vm, &e->h, texts[i], c->vm->cells->empty_string);
    return CRP_OK;
}

static crp_status error_copy(crp_call *c)
{
    crpi_error_settle(c->vm, c->self);
    crpi_error *copy = crpi_new(c->vm, CRP_ERROR, sizeof *copy);
    if (!copy) return CRP_E_NOMEM;
    crp_object h = copy->h;
    *copy = *self_of(c);
    copy->h = h;
    c->result = crp_from_object(copy);
    return CRP_OK;
}

/* --- as text -------------------------------------------------------------------------------------------- */

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
    const crpi_error *e = self_of(c);
    size_t length;
    const char *text = crp_string_data(e->text, &length);
    crpi_buf out;
    crpi_buf_init(&out, &c->vm->mem, CRPI_LIB_CAP);
    if (c->vm->show_location) {
        crpi_error_settle(c->vm, c->self);
        put_place(&out, e);
    }
    crpi_buf_format(&out, "error %ld.%ld: ", (long)crp_integer_value(e->error_class),
                    (long)crp_integer_value(e->code));
    crpi_buf_put(&out, text, length);
    return crpi_lib_finish(c->vm, &out, CRP_STRING, &c->result);
}

static crp_status error_report(crp_call *c)
{
    crpi_buf out;
    crpi_buf_init(&out, &c->vm->mem, CRPI_LIB_CAP);
    crp_status st = crpi_error_report(c->vm, c->self, &out, false);
    if (!st) return crpi_lib_finish(c->vm, &out, CRP_STRING, &c->result);
    crpi_buf_free(&out);
    return st;
}

/* --- place and trace ------------------------------------------------------------------------------------ */

static crp_word *word_at(crp_object *o, uint32_t offset) { return (crp_word *)(void *)((char *)o + offset); }

static crp_status get_place(crp *vm, crp_object *o, crp_word *out)
{
    uint32_t offset = vm->accessing->offset;
    crpi_error_settle(vm, crp_from_object(o));
    *out = *word_at(o, offset);
    if (*out == CRP_NIL) *out = vm->cells->empty_string;
    return CRP_OK;
}

static crp_status set_place(crp *vm, crp_object *o, crp_word value)
{
    uint32_t offset = vm->accessing->offset;
    crpi_error_settle(vm, crp_from_object(o));
    crp_store(vm, o, word_at(o, offset), value);
    crp_store(vm, o, &((crpi_error *)o)->source_line, CRP_NIL);
    return CRP_OK;
}

static crp_status get_trace(crp *vm, crp_object *o, crp_word *out)
{
    return crpi_error_trace(vm, crp_from_object(o), out);
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

/* --- rows ----------------------------------------------------------------------------------------------- */

#define BITS_32 "-2147483648..2147483647"
#define WORD(name, class, field, range, help)                                                                \
    {                                                                                                        \
        name, class, CRP_RW, offsetof(crpi_error, field), NULL, range, help, NULL, NULL                      \
    }
#define PLACE(name, class, field, range, help)                                                               \
    {                                                                                                        \
        name, class, CRP_RW, offsetof(crpi_error, field), NULL, range, help, get_place, set_place            \
    }

static crp_status get_details(crp *vm, crp_object *self, crp_word *out)
{
    crp_word details = ((crpi_error *)self)->details;
    *out = crp_is_string(details) ? details : vm->cells->empty_string;
    return CRP_OK;
}

static const crp_property properties[] = {
    WORD("class", "Integer", error_class, BITS_32,
         "what kind of error it is: 1 wrong use of the language, 3 the system, 5 files, 6 communication ...: "
         "(help \"errors\") has them all\n"
         "e.class                               # --> 1"),
    WORD("code", "Integer", code, BITS_32,
         "which error of its class\n"
         "e.code                                # --> 2"),
    WORD("text", "String", text, NULL,
         "what happened, in words\n"
         "e.text                                # --> \"no mail for fred\""),
    PLACE("file", "String", file, NULL,
          "the source in which it was thrown first, \"\" if not known\n"
          "(create Error 1 2).file               # --> \"\""),
    PLACE("line", "Integer", line, BITS_32,
          "the line there, from 1; 0 if not known\n"
          "(try (/ 1 0) (catch 1 (> err.line 0))) # --> true"),
    PLACE("positionInLine", "Integer", position, BITS_32,
          "the byte in the line, from 1; 0 if not known\n"
          "(try (/ 1 0) (catch 1 err.positionInLine))  # --> 7"),
    {"trace", "List", CRP_READ, offsetof(crpi_error, trace), NULL, NULL,
     "the calls that were under way when it was thrown first, innermost first, a String each: \"(f 5) at "
     "a.crp:3\", and \"top level at a.crp:9\". Of more than 20 calls the 16 innermost and the 4 outermost "
     "ones, with \"... 80 more\" between them. The first four arguments show their values, those with a name "
     "such as `password` show ***. The texts are made when they are first asked for: a value that was "
     "changed in place since shows as it is then\n"
     "(defun half ((n Integer)) (/ n 0))\n"
     "(try (half 8) (catch 1 err.trace))    # --> (\"(half 8) at ...\" \"top level at ...\")",
     get_trace, NULL},
    WORD("cause", "Error", cause, NULL,
         "the error that was being handled, in a catch or a finally, when this one was thrown; or what was "
         "set; or ()\n"
         "(try (try (/ 1 0) (catch 1 (headOf ()))) (catch 1 err.cause.code))  # --> 9"),
    {"further", "List", CRP_READ, offsetof(crpi_error, further), NULL, NULL,
     "the other Errors that were found in the same text, up to 19: of a file that cannot be read; else ()\n"
     "e.further                             # --> ()",
     NULL, NULL},
    {"details", "String", CRP_READ, 0, NULL, NULL,
     "what an uncaught error shows besides: of an error in communication the layers with their state, the peer, and "
     "the last lines of the dialogue without their secrets; \"\" if there is nothing\n"
     "(try ((create Util).connect) (catch -1 err.details))  # --> \"\"",
     get_details, NULL},
    {"showLocation", "Object", CRP_RW, 0, NULL, NULL,
     "whether `string` begins with the place; one setting for all Errors\n"
     "e.showLocation                        # --> ()",
     get_show_location, set_show_location},
    {0},
};

static const crp_method methods[] = {
    {"string", "String", error_string,
     "\"error CLASS.CODE: TEXT\", with the place before it if showLocation is not ().\n"
     "(e.string)                            # --> \"error 1.2: no mail for fred\"",
     0, NULL, NULL},
    {"report", "String", error_report,
     "All that is known, as an error that nobody catches is shown: place, text, source line, trace and "
     "causes; several lines.\n"
     "(e.report)                            # --> \"...error 1.2: no mail for fred\\n...\"",
     0, NULL, NULL},
    {"set", "NIL (class Integer) (code Integer) (text Object \"\") ...", error_set,
     "Sets class, code and text; further arguments are added to the text.\n"
     "(do (e.set 6 1 \"after \" 30 \" s\") e.text) # --> \"after 30 s\"",
     0, NULL, NULL},
    {"locate", "NIL (file String) (line Integer) (positionInLine Integer 0)", error_locate,
     "Sets the place: an error that has one keeps it when it is thrown.\n"
     "(do (e.locate \"mail.cfg\" 7) e.line)   # --> 7",
     0, NULL, NULL},
    {"copy", "Error", error_copy,
     "An Error like this one.\n"
     "(== (e.copy) e)                       # --> true",
     0, NULL, NULL},
    {"clear", "NIL", error_clear,
     "Sets everything to 0, \"\" and ().\n"
     "(do (e.clear) e.code)                 # --> 0",
     0, NULL, NULL},
    {0},
};

static const crp_method creator = {
    "Error",
    "NIL (class Integer 0) (code Integer 0) (text Object \"\") ...",
    error_create,
    "Class, code and text; further arguments are added to the text as print shows them.",
    0,
    NULL,
    NULL,
};

static const crp_class_def error_class = {
    .size = sizeof(crp_class_def),
    .name = "Error",
    .help = "What went wrong, and where: thrown by `throw` and by whatever fails, received by `catch` "
            "as `err`. It is a "
            "value like any other. Two Errors are equal if class, code and text are.\n"
            "(set e (create Error 1 2 \"no mail for \" 'fred))\n"
            "(throw e)                             # error: 1.2\n"
            "(try (headOf ()) (catch 1 err.text))  # --> \"headOf: the List is empty\"",
    .instance_size = sizeof(crpi_error),
    .properties = properties,
    .methods = methods,
    .creator = &creator,
};

/* --- functions ------------------------------------------------------------------------------------------ */

static crp_status throw_error(crp_call *c) { return crp_rethrow(c->vm, c->args[0]); }

static crp_status print_stack_frames(crp_call *c)
{
    crp_word calls;
    crpi_buf out;
    crp_status st = crpi_trace_now(c->vm, &calls);
    if (st) return st;
    crpi_buf_init(&out, &c->vm->mem, CRPI_LIB_CAP);
    for (; crp_is_pair(calls); calls = crp_tail(calls)) {
        crpi_lib_show(c->vm, &out, crp_head(calls), true);
        crpi_buf_byte(&out, '\n');
    }
    bool whole = !out.failed && !out.overflow;
    if (whole && c->vm->write) c->vm->write(c->vm->write_ud, 1, out.bytes, out.length);
    crpi_buf_free(&out);
    return whole ? CRP_OK : crp_no_memory(c->vm);
}

static const crp_method functions[] = {
    {"throw", "NIL (error Error)", throw_error,
     "Raises the Error: what is under way is given up, up to the next `catch` that is for it. One that was "
     "thrown "
     "before keeps its place and trace.\n"
     "(throw (create Error 1 5 \"too big\"))                           # error: 1.5\n"
     "(try (throw (create Error 7 1 \"x\")) (catch 7 err.class))       # --> 7\n"
     "(throw \"text\")                                                # error: 1.11",
     0, NULL, NULL},
    {"printStackFrames", "NIL", print_stack_frames,
     "Prints the calls that are under way, innermost first, as an Error's trace has them: each with the "
     "values of "
     "its arguments and its place.\n"
     "(defun inside (x) (printStackFrames) x)\n"
     "(list (inside 5))                       # prints: (inside 5) at ...\n"
     "                                        # prints: top level at ...",
     0, NULL, NULL},
    {0},
};

crp_status crpi_lib_error(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_functions(vm, functions);
    return st ? st : crp_define_class(vm, &error_class, &id);
}
