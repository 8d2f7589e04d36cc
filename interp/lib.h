/* floor 7: the built-in functions and classes: one file, one noun, one entry point that hands its rows over.
 *
 * What several of these files need stands here as well: comparing, taking an index, turning a buffer into a
 * value, reading a whole file.
 */
#ifndef CARAPACE_LIB_H
#define CARAPACE_LIB_H

#include "state.h"

crp_status crpi_lib_core(crp *);      /* + == cons apply throw createAux stop ... */
crp_status crpi_lib_general(crp *);   /* print length isEmpty reverse join ... of any value */
crp_status crpi_lib_object(crp *);    /* typeOf classInfo getInterface ...; Error, Function, Class */
crp_status crpi_lib_number(crp *);    /* Integer, Real */
crp_status crpi_lib_math(crp *);      /* abs sqrt & | << ... */
crp_status crpi_lib_format(crp *);    /* format */
crp_status crpi_lib_string(crp *);    /* String, Symbol */
crp_status crpi_lib_binary(crp *);    /* Binary */
crp_status crpi_lib_buffer(crp *);    /* Buffer */
crp_status crpi_lib_list(crp *);      /* List */
crp_status crpi_lib_hashtable(crp *); /* HashTable, Array */
crp_status crpi_lib_stream(crp *);    /* Stream */
crp_status crpi_lib_file(crp *);      /* files and directories */
crp_status crpi_lib_system(crp *);    /* time, environment, chance */
crp_status crpi_lib_process(crp *);   /* running other programs */
crp_status crpi_lib_terminal(crp *);  /* readPassword isTerminal terminalWidth */
crp_status crpi_lib_test(crp *);      /* expect */
crp_status crpi_lib_library(crp *);   /* Library (ffi.c) */

/* Codes of error class 5.  The manual has 5.3 for reading, writing and status; here each has its own. */
enum crpi_file_error {
    CRPI_CANNOT_OPEN = 1,
    CRPI_CANNOT_CLOSE = 2,
    CRPI_CANNOT_READ = 3,
    CRPI_CANNOT_WRITE = 4,
    CRPI_NO_STATUS = 5,
    CRPI_CANNOT_CHANGE = 6 /* make, remove, rename, change mode */
};

#define CRPI_LIB_CAP ((size_t)1 << 40) /* for a crpi_buf that becomes a value: memory's limit comes first */

/* --- arguments ------------------------------------------------------------------------------------------ */

/* Whether an optional argument was given. */
static inline bool crpi_lib_given(const crp_call *c, uint32_t i)
{
    return i < c->count && c->args[i] != CRP_UNSET;
}

/* An Integer argument as a place in something with `count` places: 1.7 otherwise. */
crp_status crpi_lib_index(crp *, crp_word index, size_t count, size_t *out);

/* The range that `from` and `count` (CRP_UNSET: all that follows) cut out of `length` bytes.  A count that
 * goes beyond the end gives what there is; a start beyond it, or anything negative, is 1.7. */
crp_status crpi_lib_range(crp *, crp_word from, crp_word count, size_t length, size_t *at, size_t *n);

/* An Integer argument between two bounds: 1.8 otherwise. */
crp_status crpi_lib_between(crp *, const char *what, crp_word, int64_t least, int64_t most, int64_t *out);

/* The bytes of a String, Binary or Buffer: 1.11 for anything else. */
crp_status crpi_lib_bytes(crp *, crp_word, const char **bytes, size_t *n);

/* The text of a Symbol or String: 1.11 for anything else, () too, which a declared Symbol may be. */
crp_status crpi_lib_name(crp *, crp_word, const char **text, size_t *n);

/* A file name: a String without NUL that is not empty: 1.8 otherwise. */
crp_status crpi_lib_path(crp *, crp_word, const char **path);

/* --- results -------------------------------------------------------------------------------------------- */

/* The buffer as a String or Binary; it is empty afterwards, also when there was no memory. */
crp_status crpi_lib_finish(crp *, crpi_buf *, uint32_t class_id, crp_word *out);

/* Appends a value as `print` shows it: a String, Binary or Buffer by its bytes if `raw`, else a Binary as
 * 0x"...". */
void crpi_lib_show(crp *, crpi_buf *, crp_word, bool raw);

/* --- natives that are rows of many classes -------------------------------------------------------------- */

crp_status crpi_lib_eq(crp_call *);
crp_status crpi_lib_ne(crp_call *);
crp_status crpi_lib_lt(crp_call *);
crp_status crpi_lib_le(crp_call *);
crp_status crpi_lib_gt(crp_call *);
crp_status crpi_lib_ge(crp_call *);
crp_status crpi_lib_self(crp_call *);      /* copies of what never changes */
crp_status crpi_lib_as_string(crp_call *); /* as print shows it */

#define CRPI_LIB_EQUALITY \
    {"==", "Object other", crpi_lib_eq, "true if both have the same contents, else ().", 0, NULL, NULL}, \
        {"!=", "Object other", crpi_lib_ne, "() if both have the same contents, else true.", 0, NULL, NULL}

#define CRPI_LIB_ORDER \
    {"<", "Object other", crpi_lib_lt, "true if this one comes first; 1.11 if the two cannot be ordered.", \
     0, NULL, NULL}, \
        {"<=", "Object other", crpi_lib_le, "true if the other one does not come first.", 0, NULL, NULL}, \
        {">", "Object other", crpi_lib_gt, "true if the other one comes first.", 0, NULL, NULL}, \
        {">=", "Object other", crpi_lib_ge, "true if this one does not come first.", 0, NULL, NULL}

/* --- between the files of this floor -------------------------------------------------------------------- */

/* The values laid out by a format text (%d %5.2f %-20s ...): 1.8 if they do not fit together. */
crp_status crpi_lib_format_words(crp *, crp_word spec, const crp_word *values, size_t n, crp_word *out);

/* `x.format`: the receiver laid out, after the widths that a `*` asks for. */
crp_status crpi_lib_format_self(crp_call *);

/* A number read from text, with white space around it: 1.8 if there is none, 1.14 if it is too big. */
crp_status crpi_lib_read_integer(crp *, crp_word string, int64_t base, crp_word *out);
crp_status crpi_lib_read_real(crp *, crp_word string, crp_word *out);

/* Of String and Binary: digest md5 sha1 sha256 sha512 hmac hex base64 quotedPrintable. */
extern const crp_method crpi_lib_encoding_rows[];

/* First place of one run of bytes in another from `from` on; `n` if there is none. */
size_t crpi_lib_search(const char *bytes, size_t n, const char *what, size_t length, size_t from);

/* A List's length and items; 1.2 if it is a cycle.  Memory holds less than 2^60 pairs, so no other limit is
 * needed. */
crp_status crpi_lib_list_length(crp *, crp_word list, size_t *out);
crp_status crpi_lib_list_join(crp *, crp_word lists, crp_word *out);
crp_status crpi_lib_list_reverse(crp *, crp_word list, crp_word *out);
crp_status crpi_lib_string_reverse(crp *, crp_word string, crp_word *out);

/* A whole regular file as a String: 5.1 or 5.3, with path and reason. */
crp_status crpi_lib_read_file(crp *, crp_word path, crp_word *string);
crp_status crpi_lib_write_file(crp *, crp_word path, const void *bytes, size_t n);

/* The Function that a value stands for where one is expected: itself, or what a Symbol or String names: 1.4.
 */
crp_status crpi_lib_function(crp *, crp_word, crp_word *function);

/* Opens through the platform, close-on-exec and not waiting.  When the process has no descriptor left, what
 * scripts have dropped is collected first and a second try made.  5.1, or 3.24 for want of descriptors. */
crp_status crpi_lib_open(crp *, const char *path, int flags, unsigned mode, int *fd);

/* The name, in memory of crp_alloc, of a file in the same directory that nobody else has; and its release. */
crp_status crpi_lib_name_beside(crp *, const char *target, char **name);
void crpi_lib_free_text(crp *, char **text);

/* Whether a read or write of this descriptor would not wait now; regular files never wait. */
bool crpi_lib_ready(int fd, bool writing);

#endif
