/* floor 1: Symbols.
 *
 * A Symbol is a number, and the number is in the word itself: no object, never collected, equal when the words are.
 * The names that the interpreter itself knows are numbered at compile time (CRPI_SYM_...), so the compiler can
 * switch on them.
 */
#ifndef CARAPACE_SYMBOL_H
#define CARAPACE_SYMBOL_H

#include "types.h"
#include "mem.h"

typedef struct crpi_symbol {
    const char *name; /* NUL-terminated as well as counted */
    uint32_t length, hash;
} crpi_symbol;

typedef struct crpi_symbols {
    crpi_mem *mem;
    crpi_symbol *all;
    size_t count, capacity;
    uint32_t *slots; /* open addressing: symbol number + 1 */
    size_t slot_count;
    char *chunk; /* names are cut from chunks */
    size_t chunk_left;
    void *chunks;
} crpi_symbols;

/* Names that the interpreter knows: C suffix, text. Number 0 must be `true`. */
#define CRPI_SYMBOLS(X) \
    X(TRUE, "true") X(NIL, "NIL") X(QUOTE, "quote") X(QUASIQUOTE, "quasiquote") X(UNQUOTE, "unquote") \
    X(UNQUOTE_SPLICING, "unquote-splicing") X(DOT, ".") X(ELLIPSIS, "...") X(THIS, "this") X(ERR, "err") \
    X(LAMBDA, "lambda") X(DEFUN, "defun") X(FUNCTION, "function") X(DEFMACRO, "defmacro") X(CLASS, "class") \
    X(LOCAL, "local") X(GLOBAL, "global") X(LET, "let") X(SET, "set") X(UNSET, "unset") X(IF, "if") X(COND, "cond") \
    X(WHILE, "while") X(DO_WHILE, "doWhile") X(FOR, "for") X(DO, "do") X(BREAK, "break") X(CONTINUE, "continue") \
    X(RETURN, "return") X(TRY, "try") X(CATCH, "catch") X(FINALLY, "finally") X(WITH, "with") X(WITHIN, "within") \
    X(TASK, "task") X(AND, "&&") \
    X(OR, "||") X(NOT, "!") X(EVAL, "eval") X(CREATE, "create") X(IS_DEFINED, "isDefined") \
    X(PLUS, "+") X(MINUS, "-") X(TIMES, "*") X(DIVIDE, "/") X(REMAINDER, "%") X(LT, "<") X(LE, "<=") X(GT, ">") \
    X(GE, ">=") X(EQ, "==") X(NE, "!=") X(CONS, "cons") X(HEAD_OF, "headOf") X(TAIL_OF, "tailOf") X(LIST, "list") \
    X(END_CONS, "endCons") X(APPLY, "apply") X(OBJECT_APPLY, "objectApply") X(GET_INTERFACE, "getInterface") \
    X(FACE_OF, "faceOf") X(TYPE_OF, "typeOf") X(CLASS_INFO, "classInfo") \
    X(INTERFACE, "interface") X(PROPERTIES, "properties") X(METHODS, "methods") X(GUID, "guid") X(MAJOR, "major") \
    X(MINOR, "minor") X(PROG_ID, "progId") X(LIBRARY, "library") X(CREATABLE, "creatable") X(DIRECTION, "direction") \
    X(PUBLIC, "public") X(PRIVATE, "private") X(ID, "id") X(READ_ONLY, "readOnly") X(SECRET, "secret") \
    X(YES, "yes") X(NO, "no") \
    X(IN, "in") X(OUT, "out") X(NEXT, "next") X(CLOSE, "close") X(DISCONNECT, "disconnect") \
    X(LENGTH, "length") X(STRING, "string") X(OK, "ok") X(DECLARE, "declare")

enum crpi_known_symbol {
#define X(c, text) CRPI_SYM_##c,
    CRPI_SYMBOLS(X)
#undef X
    CRPI_KNOWN_SYMBOLS
};

#define CRPI_WORD_OF(c) (((crp_word)CRPI_SYM_##c << 8) | 0x0B)

enum { CRPI_MAX_SYMBOL = 65535 /* bytes in a name */, CRPI_MAX_SYMBOLS = 1 << 22 };

bool crpi_symbols_init(crpi_symbols *, crpi_mem *);
void crpi_symbols_free(crpi_symbols *);
bool crpi_symbol_intern(crpi_symbols *, const char *name, size_t length, crp_word *out); /* false: no memory or a limit */
bool crpi_symbol_find(const crpi_symbols *, const char *name, size_t length, crp_word *out); /* makes none */
static inline const crpi_symbol *crpi_symbol_of(const crpi_symbols *s, crp_word w) { return &s->all[crp_symbol_id(w)]; }

#endif
