/* floor 3: Error objects, and how every floor raises one.
 *
 * An error is a value: it is recorded in the interpreter as pending, and its maker returns a status that
 * everyone hands up.  The VM, where it unwinds, adds the calls that were under way; place and trace are made
 * from them when somebody asks.
 */
#ifndef CARAPACE_ERROR_H
#define CARAPACE_ERROR_H

#include "state.h"

typedef struct crpi_error {
    crp_object h;
    crp_word error_class, code; /* fixnums */
    crp_word text;              /* a String */
    crp_word file;              /* a String, or () : unknown.  These four are good after crpi_error_settle */
    crp_word line, position;    /* Integers, from 1; 0 unknown */
    crp_word source_line;       /* the text of the line, a String, or () : for the caret */
    crp_word trace;             /* a List of Strings, once crpi_error_trace has made it; or () */
    crp_word cause;             /* an Error or () */
    crp_word calls;             /* what is kept of the calls (trace.c), or () */
    crp_word further;           /* a List of the other Errors that were found in the same text, or () */
    crp_word details;           /* a String: what is told below the error where there is room; or () */
} crpi_error;

/* What an error class (code 0) or a code of it means.  Ends with a row without a name. */
typedef struct crpi_error_code {
    int error_class, code;
    const char *name, *meaning;
} crpi_error_code;
extern const crpi_error_code crpi_error_codes[];
const crpi_error_code *crpi_error_code_find(int error_class, int code); /* NULL: there is none */

bool crpi_error_kinds(crp *); /* tells the collector of Errors; false: no memory */
bool crpi_error_init(crp *);  /* makes the Error kept for 1.16 (after crpi_str_kinds); false: no memory */

static inline crpi_error *crpi_error_of(crp_word w) { return (crpi_error *)crp_object_of(w); }

/* A new Error, not raised. */
crp_status crpi_error_new(crp *, int error_class, int code, const char *text, size_t length, crp_word *out);

/* Sets the place, if it has none yet.  `file` and `line_text` may be NULL. */
crp_status crpi_error_locate(crp *, crp_word error, const char *file, uint32_t line, uint32_t column,
                             const char *line_text, size_t line_length);

/* The place of an error that was thrown, if it has no other; () stays what it is. */
void crpi_error_settle(crp *, crp_word error);
/* The calls that were under way, innermost first, a String each: "(name argument ...) at file:line". */
crp_status crpi_error_trace(crp *, crp_word error, crp_word *list);

/* "file:line:column: error 1.4: text", the source line, a caret, the trace, the cause: what a user sees.
 * Bytes of the text that a terminal would not show are escaped, but its line ends stay. */
crp_status crpi_error_report(crp *, crp_word error, crpi_buf *out, bool colour);

/* The status that tells a host what kind of error this is; OK for (). */
crp_status crpi_error_status(crp *, crp_word error);

/* What a system call's errno means, in words, in no language but this; NULL if there are none for it. */
const char *crpi_errno_text(int errnum);

/* %v %p %n for crpi_buf_vformat; `vm` is the crp. */
void crpi_format_value(void *vm, crpi_buf *, int letter, uint64_t word);

/* Up to three of `names` nearest to `name` (edit distance), as "; did you mean a, b or c?"; nothing when
 * none is near.  `next` gives the names one by one, NULL at the end. */
void crpi_suggest(crpi_buf *out, const char *name, size_t length, const char *(*next)(void *ud), void *ud);

#endif
