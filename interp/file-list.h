/* floor 10: the files that are meant by files and folders. */
#ifndef CARAPACE_FILE_LIST_H
#define CARAPACE_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct crpi_file_list {
    const char *const *endings; /* of the files that count in a folder; ends with NULL */
    char **paths;
    size_t count, capacity;
    const char *culprit; /* after a failure: the path that errno is about */
} crpi_file_list;

/* Adds a file, or what is below a folder, sorted by name; names that begin with `_` or `.` are left out
 * there, and links to folders are not followed.  False: errno says why. */
bool crpi_file_list_add(crpi_file_list *, const char *path);
void crpi_file_list_free(crpi_file_list *);

bool crpi_file_has_ending(const char *path, const char *ending);

/* Removes a folder and all that is in it. */
void crpi_file_remove_folder(const char *path);

#endif
