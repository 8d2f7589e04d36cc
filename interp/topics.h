/* floor 9: everything that has a name, with its signature and what is said about it.
 *
 * Completion, help, apropos and the reference all look here, and here is nothing but a view of the tables:
 * the special forms, the functions, the classes and their members.
 */
#ifndef CARAPACE_TOPICS_H
#define CARAPACE_TOPICS_H

#include "cells.h"

struct crpi_scope;

enum crpi_topic_kind {
    CRPI_TOPIC_FORM,
    CRPI_TOPIC_FUNCTION,
    CRPI_TOPIC_MACRO,
    CRPI_TOPIC_CLASS,
    CRPI_TOPIC_PROPERTY,
    CRPI_TOPIC_METHOD,
    CRPI_TOPIC_VARIABLE, /* of the texts that crp_eval gets */
    CRPI_TOPIC_GLOBAL,
    CRPI_TOPIC_FILE, /* a name on disk */
    CRPI_TOPIC_WORD  /* a name that the text itself uses */
};

typedef struct crpi_topic {
    enum crpi_topic_kind kind;
    const char *name; /* NUL-terminated too; a global's begins with `::` */
    size_t length;
    size_t owned;     /* bytes of `name` that belong to the list; 0: it is somebody else's */
    uint32_t order;   /* where it stands in the tables, among those of its kind; of a function: its cell */
    union {
        const crpi_form *form;
        crp_word value; /* of a function or variable */
        crpi_class *type;
        crpi_member *member;
    } of;
} crpi_topic;

typedef struct crpi_topics {
    crp *vm;
    const char *prefix; /* only names that begin so are added */
    size_t prefix_length;
    crpi_topic *items;
    size_t count, capacity;
    bool failed; /* no memory: the list is shorter than it should be */
} crpi_topics;

/* The variables that the texts given to crp_eval share; NULL: no text was run yet. */
const struct crpi_scope *crpi_session_scope(const crp *);

void crpi_topics_init(crpi_topics *, crp *, const char *prefix, size_t length);
void crpi_topics_free(crpi_topics *);
void crpi_topics_add(crpi_topics *, crpi_topic);            /* a name that lives long enough */
void crpi_topics_add_copy(crpi_topics *, crpi_topic); /* a name that does not */

void crpi_topics_names(crpi_topics *);   /* forms, functions, macros, classes, variables, globals */
void crpi_topics_classes(crpi_topics *, bool creatable); /* creatable: those that `create` can make */
void crpi_topics_members(crpi_topics *, crpi_class *, uint32_t face);
void crpi_topics_own(crpi_topics *, crp_word object); /* its methods beyond those of its class; CRP_UNSET: none */
void crpi_topics_sort(crpi_topics *);    /* by name; of equal names the first kind stays */
void crpi_topics_arrange(crpi_topics *); /* by kind, then as the tables have them */

/* Appends (name (x Integer)) -> String; the shape of a form; the class of a property or variable; how a
 * class is created. */
void crpi_topic_signature(crp *, const crpi_topic *, crpi_buf *out);
const char *crpi_topic_help(const crpi_topic *); /* "": nothing is said */

/* A help is prose, then perhaps lines of an example (example.h). */
size_t crpi_help_prose(const char *help); /* its length */
size_t crpi_help_sentence(const char *help); /* that of the first sentence, without the full stop */
const char *crpi_help_example(const char *help); /* "": there is none */

#endif
