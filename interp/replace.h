/* floor 7: a new file that takes an old one's place.
 *
 * It is written beside the old one, under a name that nobody else has, and renamed when every byte is on the
 * disk: a reader sees the old file or the new one, never a part.  Behind a link it is the link's target that
 * is replaced. What is no regular file, a device or a pipe, has no place to take: it is written itself.
 */
#ifndef CARAPACE_REPLACE_H
#define CARAPACE_REPLACE_H

#include "state.h"

/* Zeroed: nothing is open.  The owner writes to fd. */
typedef struct crpi_replacement {
    int fd;
    bool open;
    char *temporary, *target; /* temporary NULL: target itself is written */
} crpi_replacement;

/* Opens the new file, with owner and permissions of the old one, or `mode` where there is none: 5.1. */
crp_status crpi_replacement_begin(crp *, crpi_replacement *, const char *path, unsigned mode);
/* All of the bytes: 5.4.  Not for a pipe that may have to be waited for. */
crp_status crpi_replacement_write(crp *, crpi_replacement *, const void *bytes, size_t n);
/* Closes it and puts it in its place; `lasting`: first the bytes, and then the new name, reach the
 * disk.  5.2 5.4 5.6; whatever comes, nothing is open or left over then. */
crp_status crpi_replacement_end(crp *, crpi_replacement *, bool lasting);
/* Gives up what was begun; the old file stays.  After the end, or without a beginning, it does nothing. */
void crpi_replacement_drop(crp *, crpi_replacement *);

/* Makes the names in a file's directory lasting: 0 or -errno.  Where a file system cannot, there is nothing
 * to be done. */
int crpi_sync_directory(crp *, const char *path);

/* A new, empty file beside `path`, readable and writable by `mode`, and its name in memory of crp_alloc. */
crp_status crpi_open_beside(crp *, const char *path, unsigned mode, char **name, int *fd);
/* A name of its own beside `path`: that of a file which is not there, as far as chance goes. */
crp_status crpi_name_beside(crp *, const char *path, char **name);
void crpi_free_text(crp *, char **text);

#endif
