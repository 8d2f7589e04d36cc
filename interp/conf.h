/* floor 7: a configuration file: what stands in it, and changing a line of it.
 *
 * A file has sections, `[Services/Office]`, with lines `name = value`; `@` is the name of a section's default
 * value. A value is a String in quotes, an Integer, true or (), as the reader takes them and the printer
 * writes them; a `#` begins a comment.  Of two sections of one name, and of two lines, the later one counts.
 * A file is read whole and judged whole: one bad line, and nothing of it is used or changed.  A change
 * touches the bytes of its own lines only.
 */
#ifndef CARAPACE_CONF_H
#define CARAPACE_CONF_H

#include "state.h"

enum { CRPI_MOST_CONF = 1 << 20 /* bytes of a file */, CRPI_NO_LINE = -1 };

/* The section or the name of a line of the text; neither: a comment, or nothing. */
typedef struct crpi_conf_line {
    size_t at, end;       /* the line, with its line feed */
    size_t name, name_end;
    size_t value, value_end; /* of a pair */
    bool section, pair;
    bool gone; /* it goes with the next sweep */
} crpi_conf_line;

typedef struct crpi_conf {
    crp *vm;
    const char *path;
    crpi_buf text;
    crpi_conf_line *lines;
    size_t count, capacity;
    unsigned mode; /* the file's permissions */
    bool exists, secret; /* secret: a password stands in it */
} crpi_conf;

/* A file that is not there, or a device, reads as empty.  4.1 "FILE:LINE: ..." for a bad line or a file that
 * is too big, else class 5.  `path` must live as long; crpi_conf_free in every case. */
crp_status crpi_conf_read(crp *, const char *path, crpi_conf *);
void crpi_conf_free(crpi_conf *);

/* The line that begins the section; CRPI_NO_LINE: it is not there.  And the one that ends it: of the next
 * one. */
long crpi_conf_section(const crpi_conf *, const char *name, size_t n);
long crpi_conf_section_end(const crpi_conf *, long section);
/* Whether the line sets this name, "" being the default value; and the last line of the section that does. */
bool crpi_conf_sets(const crpi_conf *, long line, const char *name, size_t n);
long crpi_conf_find(const crpi_conf *, long section, const char *name, size_t n);
/* The name as scripts have it. */
const char *crpi_conf_name(const crpi_conf *, long line, size_t *n);
crp_status crpi_conf_value(const crpi_conf *, long line, crp_word *out);

/* Changes of the text; the lines are made anew.  A section that is not there is added at the end. */
crp_status crpi_conf_add_section(crpi_conf *, const char *name, size_t n);
/* Sets the value of a name: in its line, whose comment stays, or in a new one behind the section's last. */
crp_status crpi_conf_set(crpi_conf *, long section, const char *name, size_t n, crp_word value);
/* Takes away the lines that are marked as gone. */
crp_status crpi_conf_sweep(crpi_conf *);
/* The whole of a section of another file, at the end. */
crp_status crpi_conf_copy_section(crpi_conf *, const crpi_conf *from, long section);

/* Where a section's own lines end: comments behind them belong to what follows. */
long crpi_conf_last(const crpi_conf *, long section);

#endif
