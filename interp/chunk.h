/* floor 5: compiled code.
 *
 * Values that code uses stand in the code itself, two words each, and once more in `literals`, for the collector:
 * so the VM needs no table of constants, and a frame no pointer to one.  Caches are in the code as well; code belongs
 * to one interpreter and is only run by it.
 */
#ifndef CARAPACE_CHUNK_H
#define CARAPACE_CHUNK_H

#include "class.h"
#include "reader.h"

enum crpi_opcode {
#define OP(name, words, shape) CRPI_OP_##name,
#include "opcodes.def"
#undef OP
    CRPI_OPCODES
};

#define CRPI_INS(op, a, b, c) \
    ((uint32_t)(op) | (uint32_t)(uint8_t)(a) << 8 | (uint32_t)(uint8_t)(b) << 16 | (uint32_t)(uint8_t)(c) << 24)
#define CRPI_A(ins) ((ins) >> 8 & 0xff)
/* What stands at the word `at` of a jump to the word `to`: the bytes from here to there, so that a jump is one addition. */
#define CRPI_JUMP_WORD(at, to) (((to) - (at)) * (uint32_t)sizeof(uint32_t))
static inline const uint32_t *crpi_jump(const uint32_t *at)
{
    return (const uint32_t *)(const void *)((const char *)at + (int32_t)*at);
}
static inline void crpi_set_opcode(uint32_t *ins, int op) { *ins = (*ins & ~(uint32_t)0xff) | (uint32_t)op; }

enum { CRPI_MAX_REGISTERS = 250, CRPI_MAX_CODE = 1 << 24 /* words */, CRPI_MAX_CAPTURES = 250 };

/* What GATHER adds to its List. */
enum crpi_gathered { CRPI_GATHER_ITEM, CRPI_GATHER_COPY /* of a List's items */, CRPI_GATHER_TAIL /* the List itself, at the end */ };

/* What a CHECK checks, for the words of its error. */
enum crpi_checked { CRPI_CHECK_ARGUMENT, CRPI_CHECK_VARIABLE, CRPI_CHECK_RESULT, CRPI_CHECK_PROPERTY };

/* What the handler is for that TRY opens. */
typedef enum crpi_handler_kind {
    CRPI_CATCHES,
    CRPI_FINALLY, /* runs for what cannot be caught, too */
    CRPI_WITHIN   /* gets nothing but the end of its own time, which can be caught from there on */
} crpi_handler_kind;

/* A text that code came from.  Kept as long as the interpreter, for the carets. */
typedef struct crpi_source {
    struct crpi_source *next;
    crp_word name; /* a String, in the source list's roots */
    char *text;
    size_t length;
    bool interactive; /* the REPL: a function may be redefined with another signature */
    bool builtin;     /* of the standard library */
    struct crpi_scope *scope; /* the variables of the file (compiler.h); the REPL's inputs share one */
} crpi_source;

typedef struct crpi_line {
    uint32_t at; /* index of the first word that this holds for */
    uint32_t line, column;
} crpi_line;

/* Words of code that run while the Error in a register is being handled: a `catch`, or a `finally` that an error
 * has entered.  What is thrown in them has that Error as its cause. */
typedef struct crpi_handling {
    uint32_t from, to, reg;
} crpi_handling;

typedef struct crpi_proto {
    crp_object h;
    uint32_t *code;
    size_t code_count, code_capacity;
    crp_word *literals;
    size_t literal_count, literal_capacity;
    crpi_line *lines;
    size_t line_count, line_capacity;
    crpi_handling *handlings; /* an inner one before the one around it */
    size_t handling_count, handling_capacity;
    crpi_signature *signature; /* NULL: a file's top level */
    crpi_source *source;
    crp_word name;     /* Symbol: f, C::m, lambda; NIL at top level */
    uint32_t registers, captures;
    uint32_t checked;  /* where in the code the arguments have been checked */
    bool is_method;    /* register 0 is `this` */
    bool is_constructor; /* returns `this` */
    uint32_t owner;    /* the class whose private members it may use; 0: none */
} crpi_proto;

static inline crpi_proto *crpi_proto_of(crp_word w) { return (crpi_proto *)crp_object_of(w); }

/* Of a function that is (lambda (a b) (< a b)): 1; with > in place of <: -1; of any other: 0. */
int crpi_order_of(const crpi_function *);

/* A native's signature, parsed at its first use, or that of a script's function. */
crp_status crpi_function_signature(crp *, crpi_function *, const crpi_signature **out);

crp_status crpi_proto_new(crp *, crp_word *out);
crp_status crpi_emit(crp *, crpi_proto *, uint32_t word);
crp_status crpi_emit_literal(crp *, crpi_proto *, crp_word); /* two words, and the collector knows */
crp_status crpi_emit_place(crp *, crpi_proto *, crpi_place); /* of what is emitted from here on */
bool crpi_place_of(const crpi_proto *, const uint32_t *pc, crpi_place *out); /* of the instruction before pc */
/* What has been emitted since `from` handles the Error in this register. */
crp_status crpi_emit_handling(crp *, crpi_proto *, uint32_t from, uint32_t reg);
bool crpi_handled_at(const crpi_proto *, const uint32_t *pc, uint32_t *reg); /* by the instruction before pc */
/* The line of text that a place is in. */
void crpi_source_line(const crpi_source *, uint32_t line, const char **text, size_t *length);
bool crpi_chunks_init(crp *);

/* A Function over the code, with no captures yet: room for proto->captures of them, all (). */
crp_status crpi_closure_new(crp *, crpi_proto *, crp_word *out);
void crpi_closure_init(crpi_function *, crpi_proto *);

/* Appends a listing, for tests and for people who read docs/vm.md. */
void crpi_disassemble(crp *, const crpi_proto *, crpi_buf *out);

#endif
