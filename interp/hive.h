/* floor 7: the hives: where the configuration files (conf.h) are, and reading and changing them together.
 *
 * There are three files: the system's, the user's, and the one that CARAPACE_CONFIG names.  Each is a hive.
 * The hive
 * "" is all of them: a section in a later file stands for the whole section of an earlier one, and what is
 * changed is the user's file, where the section is copied first if only the system has it.
 *
 * Everything reads the files anew.  A change is made while a lock (flock) is held on the folder, to the file
 * as it is then, and the file is replaced whole: a reader sees the old one or the new one, and of two
 * programs that change different things neither loses what the other did.
 */
#ifndef CARAPACE_HIVE_H
#define CARAPACE_HIVE_H

#include "conf.h"

enum { CRPI_MOST_HIVES = 3 };

/* The words belong to an object, which marks them. */
typedef struct crpi_hive {
    crp_word files; /* a List: where it is read from; later ones win */
    crp_word file;  /* where changes go; "": nowhere */
    bool system;    /* that is the system's */
} crpi_hive;

/* By name: 1.12 for the others of Windows, 1.8 for anything else, 4.1 if there is no such file to be named.
 */
crp_status crpi_hive_named(crp *, crp_word name, crpi_hive *out);

/* The files of a hive, read. */
typedef struct crpi_confs {
    crpi_conf all[CRPI_MOST_HIVES];
    int count;
} crpi_confs;

/* crpi_confs_free in every case. */
crp_status crpi_hive_read(crp *, const crpi_hive *, crpi_confs *);
void crpi_confs_free(crpi_confs *);
/* The last of the files that has the section, and the line where it begins; -1: none. */
int crpi_confs_find(const crpi_confs *, crp_word section, long *line);

/* The state of a native that changes a file: the folder that it holds a lock on. */
typedef struct crpi_change {
    int folder; /* plus one; 0: none */
    int64_t until;
} crpi_change;

void crpi_change_drop(crp *, void *);

/* What is done to the file.  *changed: there is something to be written. */
typedef crp_status (*crpi_changing)(crp_call *, crpi_conf *, const char *section, size_t n, bool *changed);

/* Does it, and writes the file; CRP_AGAIN while another program changes it.  `seen`: the section is meant as
 * the whole hive shows it, so it is copied if need be, and 1.2 if a later file would hide the change. */
crp_status crpi_hive_change(crp_call *, crpi_change *, const crpi_hive *, crp_word section, bool seen,
                            crpi_changing);

#endif
