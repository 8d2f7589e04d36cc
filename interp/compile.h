/* floor 5: what the compiler's files share; nobody else includes it.
 *
 * The first error sticks: it is recorded, `status` is set, and from then on nothing is emitted.  So the functions
 * here return registers, not statuses, and whoever started the compilation looks once at the end.
 */
#ifndef CARAPACE_COMPILE_H
#define CARAPACE_COMPILE_H

#include "compiler.h"

typedef struct variable {
    crp_word name;
    crpi_type type;
    uint8_t reg;
    bool boxed;
    bool passing; /* made by a `for` or `catch`, not declared: another one inside it makes its own */
    bool hidden;  /* cannot be seen where the compiler is */
    bool ahead;   /* the `local` that declares it is compiled later than it stands */
} variable;

typedef struct capture {
    crp_word name;
    crpi_type type;
    uint16_t source; /* register of the function around, or 0x100 + its own capture */
    bool boxed;
} capture;

/* A `local` that the walk ahead found. */
typedef struct reserved {
    crp_word name, class_name, at; /* at: the pair that holds the declaration */
    uint8_t reg;
    bool nested; /* inside a condition or loop: may be read though it was never run */
} reserved;

/* Jumps to a place that is not known yet, chained through their offset words; 0 ends the chain. */
typedef struct label {
    uint32_t chain;
} label;

typedef struct loop {
    struct loop *outer;
    label break_to, continue_to;
    int tries; /* how many are open around the loop */
} loop;

typedef struct attempt { /* a try that is open here */
    struct attempt *outer;
    crp_word finally;  /* forms to run when control leaves it, or NIL */
    int close_reg;     /* `with`: the register to be closed, else -1 */
    bool trapped;      /* a handler of its own is on the handler stack */
    loop *loop;        /* what `finally` sees is what can be seen where the try begins: the loop around it, ... */
    int variable_count; /* ... the variables from before it, and the `local`s, also those that ... */
    crp_word body;      /* ... stand in these forms before the `finally` and are yet to be compiled */
    bool compiled;     /* the `finally` forms, once at least: their `local`s are declared */
} attempt;

typedef struct compiler {
    crp *vm;
    crpi_source *source;
    const crpi_places *places;
    crp_status status;
    int depth;
    crp_word form; /* the innermost List that is being compiled: where a name in it stands */
    size_t walked; /* forms that the walks ahead have seen: what `eval` gets may be a cycle, or share without end */
} compiler;

typedef struct fn {
    compiler *c;
    struct fn *outer;
    crpi_proto *proto;
    variable variables[CRPI_MAX_REGISTERS + 6];
    int variable_count;
    capture captures[CRPI_MAX_CAPTURES];
    int capture_count;
    reserved reserved[CRPI_MAX_REGISTERS];
    int reserved_count;
    crp_word *assigned, *mentioned; /* Symbols; see walk.c */
    size_t assigned_count, assigned_capacity, mentioned_count, mentioned_capacity;
    bool has_eval;
    int top;        /* the next free register */
    int first_temp; /* registers below hold parameters and `local`s */
    loop *loop;
    attempt *attempt;
    int tries;
    bool again; /* these forms were compiled before: `local` finds its variables declared */
    crpi_type result; /* declared result; CRPI_NO_RESULT: none */
    bool top_level;
    crpi_class *owner; /* of a method */
    uint32_t face;
    crpi_type type;    /* of the expression compiled last, as far as known; 0: anything */
    uint32_t retarget; /* the end of the last instruction, if nothing but its A says where its value goes; else 0 */
    uint32_t last;     /* where that instruction begins */
    uint32_t check;    /* where the last CHECK begins */
    bool check_follows; /* it is right behind an instruction of one word that only writes its A */
} fn;

enum { ANY = -1, NOWHERE = -2 }; /* where a value is wanted, beside a register */

/* compiler.c */
bool crpi_c_failed(const fn *);
void crpi_c_fail(fn *, crp_word form, int code, const char *format, ...);
crp_word crpi_c_known(fn *, crp_status);
void crpi_c_emit(fn *, uint32_t word);
void crpi_c_emit_place(fn *, crp_word pair); /* what follows belongs to the head of this pair */
crpi_place crpi_c_emit_name_place(fn *, crp_word name); /* belongs to the name in c->form; gives what was before */
void crpi_c_emit_place_again(fn *, crpi_place);         /* what that gave */
void crpi_c_emit_literal(fn *, crp_word);
int crpi_c_new_register(fn *);
void crpi_c_need_register(fn *, int reg);
void crpi_c_jump(fn *, uint32_t instruction, label *);
void crpi_c_bind(fn *, label *);
void crpi_c_bind_at(fn *, label *, uint32_t target);
void crpi_c_emit_to(fn *, uint32_t instruction); /* an instruction without further words that only writes its A */
void crpi_c_written_from(fn *, uint32_t begin);  /* one with further words, which begins there, has been emitted */
uint32_t *crpi_c_last(fn *);                     /* the last instruction, if nothing but its A says where its value goes; else NULL */
bool crpi_c_last_is_short(fn *);                 /* and it has one word: the one before here is no literal's second half */
void crpi_c_move_to(fn *, int reg, int to);      /* moves, or lets the last instruction write there at once */
void crpi_c_jump_back(fn *, uint32_t instruction, uint32_t to);
uint32_t here(const fn *);
int crpi_c_expression(fn *, crp_word form, int want);
void crpi_c_effect(fn *, crp_word form);
void crpi_c_tail(fn *, crp_word form);
void crpi_c_sequence(fn *, crp_word forms, int want);
void crpi_c_tail_sequence(fn *, crp_word forms);
int crpi_c_finish(fn *, int reg, int want); /* the value is in reg: where it is in the end */
void crpi_c_load_constant(fn *, crp_word, int reg);
void crpi_c_load_start_value(fn *, crpi_type, int reg);
void crpi_c_check(fn *, int reg, crpi_type, enum crpi_checked, crp_word name);
int crpi_c_list_length(crp_word forms); /* -1: no proper List */
crp_word crpi_c_nth(crp_word forms, int n);
bool crpi_c_head_is(crp_word form, uint32_t symbol_id);

/* walk.c: what a body assigns, captures and declares. */
void crpi_c_walk_body(fn *, crp_word forms, bool nested); /* nested: they may be skipped */
bool crpi_c_is_assigned(const fn *, crp_word name);
bool crpi_c_needs_box(const fn *, crp_word name);
bool crpi_c_sets_something(crp_word forms);

/* compile-variable.c */
typedef struct reference {
    enum { NOTHING, REGISTER, CAPTURED, CELL } kind;
    uint32_t index; /* register, capture or cell */
    bool boxed;
    crpi_type type;
} reference;
reference crpi_c_resolve(fn *, crp_word name);
int crpi_c_read_variable(fn *, crp_word name, const reference *, int want);
void crpi_c_write_variable(fn *, crp_word name, const reference *, int reg);
bool crpi_c_can_be_variable(fn *, crp_word form, crp_word name);
variable *crpi_c_add_variable(fn *, crp_word name, crpi_type, int reg);
variable *crpi_c_own_variable(fn *, crp_word name); /* NULL: the function has none of that name here */
void crpi_c_end_scope(fn *, int variable_count);    /* only `local`s are left of the variables from there on */
bool crpi_c_is_variable(const fn *, int reg);       /* whether a variable of this function lives there */
int crpi_c_operand(fn *, crp_word form, crp_word later); /* later: the forms that are evaluated after it */
int crpi_c_set(fn *, crp_word form, int want);
int crpi_c_unset(fn *, crp_word form, int want);
int crpi_c_local(fn *, crp_word form, int want);
void crpi_c_declare_ahead(fn *, crp_word form); /* makes the `local`s in it visible before it is compiled */
int crpi_c_global(fn *, crp_word form, int want);
int crpi_c_let(fn *, crp_word form, int want, bool is_tail);
int crpi_c_is_defined(fn *, crp_word form, int want);

/* compile-function.c */
int crpi_c_lambda(fn *, crp_word form, int want);
int crpi_c_defun(fn *, crp_word form, int want);
int crpi_c_defmacro(fn *, crp_word form, int want);
int crpi_c_function(fn *, crp_word form, int want);
int crpi_c_class(fn *, crp_word form, int want);
int crpi_c_eval(fn *, crp_word form, int want);

/* compile-quasi.c */
int crpi_c_quasiquote(fn *, crp_word form, int want);

/* compile-call.c */
int crpi_c_call(fn *, crp_word form, int want, bool is_tail);
int crpi_c_dot(fn *, crp_word form, int want, bool is_tail);
int crpi_c_create(fn *, crp_word form, int want);
int crpi_c_task(fn *, crp_word form, int want);
void crpi_c_return_register(fn *, int reg);
void crpi_c_return_nothing(fn *);

/* compile-declare.c */
bool crpi_c_is_declaration(crp_word name, crp_word arguments);
int crpi_c_declare(fn *, crp_word form, crp_word left, crp_word arguments, int want);

/* compile-operator.c */
/* False: not a form with an instruction of its own.  *returned: it was in tail position and has returned by itself. */
bool crpi_c_operator(fn *, crp_word form, int want, bool is_tail, bool *returned, int *reg);
bool crpi_c_compare_jump(fn *, crp_word form, bool when, label *);

/* compile-control.c */
void crpi_c_condition(fn *, crp_word form, bool when, label *); /* jumps if the form's truth is `when` */
int crpi_c_if(fn *, crp_word form, int want, bool is_tail);
int crpi_c_cond(fn *, crp_word form, int want, bool is_tail);
int crpi_c_while(fn *, crp_word form, int want);
int crpi_c_do_while(fn *, crp_word form, int want);
int crpi_c_for(fn *, crp_word form, int want);
int crpi_c_logic(fn *, crp_word form, int want, bool is_tail);
int crpi_c_not(fn *, crp_word form, int want);
int crpi_c_break(fn *, crp_word form, bool is_continue);
int crpi_c_return(fn *, crp_word form);

/* compile-try.c */
int crpi_c_try(fn *, crp_word form, int want);
int crpi_c_within(fn *, crp_word form, int want);
int crpi_c_with(fn *, crp_word form, int want);
void crpi_c_leave_attempts(fn *, const attempt *until, int tries); /* emits what runs when control leaves them */

#endif
