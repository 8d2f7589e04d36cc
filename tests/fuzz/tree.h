/* Programs as trees, made of the pieces of others.
 *
 * The text is cut by its brackets and blanks alone, not by the language's reader: so what comes out need not be
 * readable, and what the reader makes of it is tried as well.  A number says how a program is made; the same number
 * and the same files always give the same program.
 */
#ifndef FUZZ_TREE_H
#define FUZZ_TREE_H

#include <stddef.h>
#include <stdint.h>

/* An atom, or a list with what stands right before and behind its brackets, such as a quote mark or `.name`. */
typedef struct node {
    char *before, *behind;
    struct node **items;
    size_t count, room;
    int is_list;
} node;

typedef struct pool { /* the top of each file, and every node in them */
    node **files, **all;
    size_t file_count, file_room, all_count, all_room;
    char **paths;
    size_t path_count, path_room;
} pool;

void pool_add_text(pool *, const char *text, size_t length);
void pool_add_folder(pool *, const char *path); /* all .crp files below it, in the order of their names */
void pool_free(pool *);

/* Forms, each with a line break and a NUL behind it; to be freed. */
char *make_program(const pool *, uint64_t number, size_t *length);

/* The same of a text. */
char *cut_program(const char *text, size_t n, size_t *length);

uint64_t next_random(uint64_t *state);

const char *any_atom(uint64_t *random);
/* A piece of a test, or an atom if that is longer than the room. */
const char *any_text(const pool *, uint64_t *random, char *room, size_t size);
int node_text(const node *, char *room, size_t size); /* 0: it is longer */

#endif
