/* floor 4: what names mean outside of functions.
 *
 * A cell holds one value that a name stands for: a global variable `::x`, a file's variable, or a function.
 * Code refers to cells by number, resolved when it is compiled; a cell that is not yet set is found out when
 * it is used. A name has at most one function (or macro, or special form) and one class; both tables are
 * keyed by Symbol.
 */
#ifndef CARAPACE_CELLS_H
#define CARAPACE_CELLS_H

#include "class.h"

enum crpi_cell_kind { CRPI_CELL_GLOBAL, CRPI_CELL_FILE, CRPI_CELL_FUNCTION, CRPI_CELL_MACRO };

typedef struct crpi_cell {
    crp_word name;
    crpi_type type;
    uint8_t kind;
    bool declared;      /* a global: by `global`; a function: by `function` or `defun` */
    bool builtin;       /* cannot be redefined */
    uint8_t shipped;    /* enum crpi_shipped */
    crp_word signature; /* a script's function or macro: its proto, for the check of redefinitions; or NIL */
    crp_word macro;     /* a macro's Function: its cell has no value, so that nothing calls it as a function */
} crpi_cell;

/* A name that a file of the standard library defines when it is first used.  A script may have it for itself:
 * then that file's definition, if it ever runs, is passed over. */
enum crpi_shipped { CRPI_SHIPPED_NOT, CRPI_SHIPPED, CRPI_SHIPPED_TAKEN };

/* One per Symbol that names something. Cell number 0 is none. */
typedef struct crpi_name {
    crp_word symbol;
    uint32_t function, global, class_id; /* class_id 0: none */
} crpi_name;

/* A list of declared classes: what a function's arguments are checked for, and need not be where a call site knows that
 * they are just these. */
typedef struct crpi_shape {
    uint8_t count;
    crpi_type types[CRPI_MAX_SHAPED];
} crpi_shape;

typedef struct crpi_cells {
    crp_word *values; /* CRP_UNSET: not set */
    crpi_cell *cells;
    size_t count, capacity, values_capacity;
    crpi_name *names; /* open addressing by Symbol number */
    size_t name_count, name_capacity;
    struct crpi_row_signature *signatures; /* of natives whose signature was asked for: signature.c */
    size_t signature_count, signature_capacity;
    crpi_shape *shapes; /* shape n is n - 1 here */
    size_t shape_count, shape_capacity;
    crp_word empty_string; /* the start value of every String */
    bool printing;         /* a property is being computed to be printed: see class-info.c */
    uint64_t macro_names[4]; /* a bit for each macro's Symbol number, modulo: most names are none at a glance */
    uint64_t made_symbols;   /* by `gensym` */
} crpi_cells;

enum { CRPI_MAX_CELLS = 1 << 22 };

bool crpi_cells_init(crp *);
void crpi_cells_free(crp *);
crpi_name *crpi_name_find(crp *, crp_word symbol);                  /* NULL: names nothing */
crp_status crpi_name_make(crp *, crp_word symbol, crpi_name **out); /* good until the next one is made */
crp_status crpi_cell_new(crp *, crp_word name, crpi_type, enum crpi_cell_kind, uint32_t *out);
crp_status crpi_function_cell(crp *, crp_word symbol, uint32_t *out); /* made if there is none yet */
crp_status crpi_global_cell(crp *, crp_word symbol, uint32_t *out);

/* What a definition does: gives the cell a function, or a macro, in place of whatever was there. */
void crpi_cell_function(crp *, uint32_t cell, crp_word function);
void crpi_cell_macro(crp *, uint32_t cell, crp_word function);
static inline bool crpi_may_be_macro(const crpi_cells *c, crp_word symbol)
{
    return c->macro_names[crp_symbol_id(symbol) >> 6 & 3] >> (crp_symbol_id(symbol) & 63) & 1;
}
/* The cell of the macro of that name; 0: it is none. */
uint32_t crpi_macro_find(crp *, crp_word symbol);
/* The script that is about to run defines this name itself. */
void crpi_cell_take(crp *, crp_word symbol);

void crpi_signatures_mark(crp *, crp_marker); /* signature.c: those of native rows */
void crpi_signatures_free(crp *);

/* True once the name has a function, macro or special form: it can stand in head position. */
bool crpi_is_function_name(crp *, crp_word symbol);

/* Records 1.4 "unknown NAME" with the nearest names of functions, classes and globals; and of the variables that can be
 * seen, which `variables` gives one by one, NULL at the end (it may be NULL itself). */
crp_status crpi_name_unknown(crp *, crp_word symbol, const char *what, const char *(*variables)(void *ud), void *ud);

/* The special forms, one row each, for completion, isFunction and help.  Ends with a row without a name. */
typedef struct crpi_form {
    const char *name, *shape, *help;
} crpi_form;
extern const crpi_form crpi_forms[];
const crpi_form *crpi_form_find(crp *, crp_word symbol); /* NULL: it is none */

#endif
