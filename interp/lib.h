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
crp_status crpi_lib_object(crp *);    /* typeOf classInfo getInterface getOr copy ...; Reference */
crp_status crpi_lib_class(crp *);     /* Function, Class */
crp_status crpi_lib_error(crp *);     /* throw printStackFrames; Error */
crp_status crpi_lib_number(crp *);    /* Integer, Real */
crp_status crpi_lib_math(crp *);      /* abs sqrt & | << ... */
crp_status crpi_lib_format(crp *);    /* format */
crp_status crpi_lib_string(crp *);    /* String */
void crpi_lib_quick_functions(crp *); /* tells the functions that have a quick way */
crp_status crpi_lib_symbol(crp *);    /* Symbol */
crp_status crpi_lib_binary(crp *);    /* Binary */
crp_status crpi_lib_buffer(crp *);    /* Buffer */
crp_status crpi_lib_list(crp *);      /* List */
crp_status crpi_lib_array(crp *);     /* Array */
crp_status crpi_lib_hashtable(crp *); /* HashTable */
crp_status crpi_lib_sequence(crp *);  /* map filter fold each find ... of whatever can be walked */
crp_status crpi_lib_sequence_plain(crp *);  /* range zip take drop append flatten last */
crp_status crpi_lib_sequence_unique(crp *); /* unique */
crp_status crpi_lib_sort(crp *);      /* sort sortBy */
crp_status crpi_lib_stream(crp *);    /* Stream */
crp_status crpi_lib_file(crp *);      /* files */
crp_status crpi_lib_directory(crp *); /* directories, temporary files */
crp_status crpi_lib_path_names(crp *); /* joinPath baseName dirName fileExtension */
crp_status crpi_lib_system(crp *);    /* sleep, environment, chance */
crp_status crpi_lib_time(crp *);      /* clocks, times as text */
crp_status crpi_lib_json(crp *);      /* jsonRead jsonWrite */
crp_status crpi_lib_event(crp *);     /* Event, wait */
crp_status crpi_lib_task(crp *);      /* Task, TaskGroup, all, race */
crp_status crpi_lib_lock(crp *);      /* Lock, LifetimeLock, CriticalSection */
crp_status crpi_lib_registry(crp *);  /* Registry */
crp_status crpi_lib_process(crp *);   /* running other programs */
crp_status crpi_lib_terminal(crp *);  /* readPassword isTerminal terminalWidth */
crp_status crpi_lib_macro(crp *);     /* gensym macroExpand parse */
crp_status crpi_lib_test(crp *);      /* expect, and what `test` is made of */
crp_status crpi_lib_pattern(crp *);   /* Pattern */
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

/* An optional argument in milliseconds as a time on crp_now's clock; CRP_NO_DEADLINE where it was left out.
 * 1.8 for a negative one. */
crp_status crpi_lib_deadline(crp_call *, uint32_t i, int64_t *until);

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

/* The same with examples: of two values in source notation, which differ. */
#define CRPI_LIB_EQUALITY_LIKE(value, other) \
    {"==", "Object other", crpi_lib_eq, "true if both have the same contents, else ().\n" \
     "(" value ".== " value ")  # --> true\n(" value ".== " other ")  # --> ()", 0, NULL, NULL}, \
        {"!=", "Object other", crpi_lib_ne, "() if both have the same contents, else true.\n" \
         "(" value ".!= " value ")  # --> ()\n(" value ".!= " other ")  # --> true", 0, NULL, NULL}

/* Of two that can be ordered. */
#define CRPI_LIB_ORDER_LIKE(less, more) \
    {"<", "Object other", crpi_lib_lt, "true if this one comes first, else (); 1.11 if they cannot be ordered.\n" \
     "(" less ".< " more ")  # --> true\n(" less ".< ())  # error: 1.11", 0, NULL, NULL}, \
        {"<=", "Object other", crpi_lib_le, "true if the other one does not come first; 1.11 likewise.\n" \
         "(" less ".<= " less ")  # --> true", 0, NULL, NULL}, \
        {">", "Object other", crpi_lib_gt, "true if the other one comes first; 1.11 likewise.\n" \
         "(" less ".> " more ")  # --> ()", 0, NULL, NULL}, \
        {">=", "Object other", crpi_lib_ge, "true if this one does not come first; 1.11 likewise.\n" \
         "(" more ".>= " less ")  # --> true", 0, NULL, NULL}

/* --- between the files of this floor -------------------------------------------------------------------- */

/* The values laid out by a format text (%d %5.2f %-20s ...): 1.8 if they do not fit together. */
crp_status crpi_lib_format_words(crp *, crp_word spec, const crp_word *values, size_t n, crp_word *out);

/* `x.format`: the receiver laid out, after the widths that a `*` asks for. */
crp_status crpi_lib_format_self(crp_call *);

/* A number read from text, with white space around it: 1.8 if there is none, 1.14 if it is too big. */
crp_status crpi_lib_read_integer(crp *, crp_word string, int64_t base, crp_word *out);
crp_status crpi_lib_read_real(crp *, crp_word string, crp_word *out);

/* A double without its fraction as an Integer: 1.8 for nan, 1.14 if it does not fit. */
crp_status crpi_lib_truncate(crp *, double, crp_word *out);

/* The zone of that name, a String: UTC, local, an offset, or one of the system's tz database: 1.8 if it is none. */
struct crpi_where;
crp_status crpi_lib_zone(crp *, crp_word name, struct crpi_where *out);

/* A number of seconds taken apart, to the nearest nanosecond; false: it is none that a Time could have. */
bool crpi_lib_split_seconds(double, int64_t *seconds, int *nanosecond);

/* Of Time: what knows units. */
extern const crp_method crpi_lib_time_unit_rows[];

/* Of String: what sees characters. */
extern const crp_method crpi_lib_character_rows[];

/* Of String and Binary: digests, hmac, hex base64 quotedPrintable urlEncode urlDecode, getInteger. */
extern const crp_method crpi_lib_encoding_rows[];

/* An integer of 1 to 8 bytes in the receiver's bytes: at a place, with a size, an order and a sign. */
crp_status crpi_lib_get_integer(crp_call *);
#define CRPI_LIB_GET_INTEGER_SPEC \
    "Integer (index Integer) (size Integer) (order Symbol|String ?) (sign Symbol|String ?)"
#define CRPI_LIB_GET_INTEGER_HELP \
    "The integer that 1 to 8 bytes from a place on are: in the order big, the most significant byte first, or " \
    "little; unsigned or signed. 1.7 if they are not all there, 1.14 for an unsigned one past an Integer, 1.8 for " \
    "another size, order or sign.\n"

/* An Integer argument as bytes, with the two arguments behind it, a size from 1 to 8 and an order: 1.8 if it does
 * not fit.  And the place of so many bytes, the first argument: 1.7 if they are not all there. */
crp_status crpi_lib_integer_bytes(crp_call *, uint32_t value_at, unsigned char out[8], size_t *size);
crp_status crpi_lib_integer_place(crp_call *, size_t size, size_t n, size_t *at);

/* First place of one run of bytes in another from `from` on; `n` if there is none. */
size_t crpi_lib_search(const char *bytes, size_t n, const char *what, size_t length, size_t from);

/* A List's length and items; 1.2 if it is a cycle.  Memory holds less than 2^60 pairs, so no other limit is
 * needed. */
crp_status crpi_lib_list_length(crp *, crp_word list, size_t *out);
crp_status crpi_lib_list_endless(crp *); /* that error */
crp_status crpi_lib_list_join(crp *, crp_word lists, crp_word *out);
crp_status crpi_lib_list_reverse(crp *, crp_word list, crp_word *out);
crp_status crpi_lib_string_reverse(crp *, crp_word string, crp_word *out);
crp_status crpi_lib_array_reverse(crp *, crp_word array, crp_word *out);
crp_status crpi_lib_array_of_list(crp *, crp_word list, crp_word *out);

/* A HashTable gets an entry as its method `set` puts it: 1.8 for what cannot be a key. */
crp_status crpi_lib_table_put(crp *, crp_word table, crp_word key, crp_word value);

/* What the function join makes of a List or an Array; between: a String or CRP_UNSET. */
crp_status crpi_lib_join(crp *, crp_word items, crp_word between, crp_word *out);

/* A whole regular file as a String: 5.1 or 5.3, with path and reason.  A file that is written takes the place
 * of one that is there: see replace.h. */
crp_status crpi_lib_read_file(crp *, crp_word path, crp_word *string);
crp_status crpi_lib_write_file(crp *, crp_word path, const void *bytes, size_t n);
/* The same appended to a buffer; what was read stays there after an error, too.  `mode`: its permissions, or
 * NULL. */
crp_status crpi_lib_read_text(crp *, const char *path, crpi_buf *, unsigned *mode);

/* "cannot WHAT PATH: REASON", error class 5. */
crp_status crpi_lib_cannot(crp *, int code, int errnum, const char *what, const char *path);

/* The Function that a value stands for where one is expected: itself, or what a Symbol or String names: 1.4.
 */
crp_status crpi_lib_function(crp *, crp_word, crp_word *function);

/* Opens through the platform, close-on-exec and not waiting.  When the process has no descriptor left, what
 * scripts have dropped is collected first and a second try made.  5.1, or 3.24 for want of descriptors. */
crp_status crpi_lib_open(crp *, const char *path, int flags, unsigned mode, int *fd);
/* The same of a file that is opened in place of the one that is wanted, which an error names. */
crp_status crpi_lib_open_for(crp *, const char *wanted, const char *path, int flags, unsigned mode, int *fd);

/* An Event without a name; and setting one. */
crp_status crpi_event_new(crp *, crp_word *out);
void crpi_event_set(crp *, crp_word event);

/* Ends all that runs, and the program with this status: no script can catch that. */
crp_status crpi_lib_stop(crp *, int exit_status);

/* Of the tests that a script has run: only those with this text in their name are wanted.  And, when all is over, the
 * plan: false if one has failed. */
crp_status crpi_test_filter(crp *, const char *text);
bool crpi_test_finish(crp *);

/* What TAP is made of: a name, which is one line and in which a # begins no directive; and comments, line by line. */
void crpi_test_name(crpi_buf *, const char *name, size_t length);
void crpi_test_comment(crpi_buf *, const char *text, size_t length);

/* Whether a read or write of this descriptor would not wait now; regular files never wait. */
bool crpi_lib_ready(int fd, bool writing);

#endif
