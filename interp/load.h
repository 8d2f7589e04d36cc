/* floor 8: source files: where they are looked for, and running them form by form.
 *
 * A file is read whole first: a parse error means nothing runs.  Then each top-level form is compiled and run
 * in turn.  Sources are kept as long as the interpreter, so that an error can show its line.
 */
#ifndef CARAPACE_LOAD_H
#define CARAPACE_LOAD_H

#include "compiler.h"

/* One Carapace file that is built into the library; the table ends with a NULL name. */
struct crpi_stdlib_file {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};
extern const struct crpi_stdlib_file crpi_stdlib[];

/* What a text was at when it failed. */
enum crpi_load_phase { CRPI_AT_READING, CRPI_AT_COMPILING, CRPI_AT_RUNNING };

/* A text on its way through the interpreter.  While it is listed in the loader its words are roots. */
typedef struct crpi_loading {
    struct crpi_loading *next, *previous;
    crpi_source *source;
    crpi_places places, made; /* of what was read; and of what macros made of the form at work */
    crp_word forms,
        rest; /* all of them, since their places are known by their pairs; and those still to run */
    crp_word form, value; /* the one that was compiled last, and what the one that ran last gave */
    enum crpi_load_phase phase;
} crpi_loading;

typedef struct crpi_loader {
    crpi_source *sources;
    crpi_scope *scopes[1]; /* for all texts of a host or the REPL */
    char **path;           /* -I directories, then CARAPACE_PATH's */
    size_t path_count, path_capacity;
    crp_word loaded; /* List of the paths of what was loaded, for `require` */
    crpi_loading *active;
    size_t active_count;
} crpi_loader;

enum { CRPI_MAX_LOADING = 200 /* files that load each other */, CRPI_MAX_SOURCE = 1 << 30 /* bytes */ };

bool crpi_loader_init(crp *);
void crpi_loader_free(crp *);

/* --- sources -------------------------------------------------------------------------------------------- */

/* A new source; takes a copy of the text.  `scope` NULL: a scope of its own.  A name that begins with "repl:"
 * makes it part of a dialogue. */
crp_status crpi_source_new(crp *, const char *name, const char *text, size_t length, crpi_scope *scope,
                           crpi_source **out);

/* The text of this file: 5.1 or 5.3, with path and reason. */
crp_status crpi_source_read(crp *, const char *path, crpi_source **out);

/* --- the search path (load-path.c) ---------------------------------------------------------------------- */

crp_status crpi_loader_add_path(crp *, const char *directory);

/* What (load "name") means in a text of that source (NULL: none): beside it, along the path, in the standard
 * library. 5.1 with the places that were looked at.  Gives the file's text as a source and the word that
 * `require` knows it by. */
crp_status crpi_load_find(crp *, const crpi_source *from, const char *name, crpi_source **out, crp_word *key);

/* Where the native library NAME.so is, which is looked for in the same places but the last. */
crp_status crpi_load_find_library(crp *, const crpi_source *from, const char *name, crp_word *path);

const crpi_source *crpi_load_caller(const crp *); /* the source of the script that calls, or NULL */

/* A file of the standard library by its name without extension; the same results. */
crp_status crpi_load_builtin(crp *, const char *name, crpi_source **out, crp_word *key);

/* The bytes of a file that can be read: 0, or why not as an errno value.  No memory: the buffer has failed.
 */
int crpi_file_read(crp *, const char *path, crpi_buf *out);

/* --- running -------------------------------------------------------------------------------------------- */

/* Reads the whole text; the classes that it defines can be named from here on. */
crp_status crpi_loading_begin(crp *, crpi_loading *, crpi_source *);
/* Compiles the next form into a function without arguments; CRP_UNSET: there is none left. */
crp_status crpi_loading_next(crp *, crpi_loading *, crp_word *function);
void crpi_loading_end(crp *, crpi_loading *);

/* Reads, then compiles and runs form by form; the last value.  From C: nests a run.  `phase` says, after an
 * error, where it was. */
crp_status crpi_load_text(crp *, crpi_source *, enum crpi_load_phase *phase, crp_word *out);

/* The same, but only what defines functions, macros, classes and globals is run; of other files only those
 * that are loaded at top level are looked at, in the same way. */
crp_status crpi_check_text(crp *, crpi_source *, enum crpi_load_phase *phase);

/* What was loaded is known by its path; `fresh`: it was not there yet. */
crp_status crpi_load_remember(crp *, crp_word key, bool *fresh);
void crpi_load_forget(crp *, crp_word key);

crp_status crpi_lib_load_library(crp *);
crp_status crpi_lib_at_end(crp *); /* api-end.c */

/* (load "name") and (require "name"), natives that are step machines: the forms run in the calling task.  And
 * the names of functions that bring their file of the standard library with them when they are first called.
 */
crp_status crpi_lib_load(crp *);

#endif
