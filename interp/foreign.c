/* The table of names from Python, Lua, JavaScript and other Lisps. */
#include "foreign.h"

#include <string.h>

static const struct row {
    const char *name, *here;
} rows[] = {
    {"and", "&&"},
    {"or", "||"},
    {"not", "!"},
    {"mod", "%"},
    {"=", "== to compare, set to assign"},
    {"eq", "=="},
    {"equal", "=="},
    {"false", "(), which is false"},
    {"False", "(), which is false"},
    {"nil", "(), the empty List"},
    {"null", "(), the empty List"},
    {"None", "(), the empty List"},
    {"True", "true"},
    {"t", "true"},
    {"def", "defun"},
    {"defn", "defun"},
    {"define", "defun for a function, set for a variable"},
    {"fn", "lambda"},
    {"var", "set at the top of a file, local in a function"},
    {"defvar", "set at the top of a file, local in a function"},
    {"setq", "set"},
    {"begin", "do"},
    {"progn", "do"},
    {"elif", "cond"},
    {"else", "true as the last test of cond, or the third part of if"},
    {"when", "if with do"},
    {"unless", "if with !"},
    {"foreach", "for"},
    {"car", "headOf"},
    {"first", "headOf"},
    {"head", "headOf, or the method head"},
    {"cdr", "tailOf"},
    {"rest", "tailOf"},
    {"tail", "tailOf, or the method tail"},
    {"reduce", "fold"},
    {"len", "length"},
    {"size", "length"},
    {"str", "the method string: x.string"},
    {"int", "the method integer: x.integer"},
    {"float", "the method real: x.real"},
    {"type", "typeOf"},
    {"concat", "join or +"},
    {"println", "print"},
    {"printf", "printAux with format"},
    {"echo", "print"},
    {"input", "the method readLine of (create Stream \"stdin\")"},
    {"open", "(create Stream \"file\" \"r\")"},
    {"import", "require"},
    {"include", "load"},
    {"new", "create"},
    {"self", "this"},
    {"raise", "throw"},
    {"except", "catch"},
    {"assert", "expect"},
    {"exit", "(stop), or :quit at the prompt"},
    {"quit", "(stop), or :quit at the prompt"},
    {"help", "(help \"name\"), or :help at the prompt"},
    {"getattr", "getOr"},
};

const char *crpi_foreign_name(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) return rows[i].here;
    return NULL;
}
