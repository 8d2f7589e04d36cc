/* A text file with an entry a line; it is made shorter when it has grown to twice what is kept. */
#include "history.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "class.h"

enum { MOST_KEPT = 2000, MOST_BYTES = 1 << 16 /* of an entry */ };

static char *path; /* NULL: nothing is kept */
static char *last;

/* --- where ---------------------------------------------------------------------------------------------- */

static char *join(const char *a, const char *b)
{
    char *whole = malloc(strlen(a) + strlen(b) + 1);
    if (whole) strcat(strcpy(whole, a), b);
    return whole;
}

static char *find_path(void)
{
    const char *named = getenv("CARAPACE_HISTORY"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (named) return *named ? strdup(named) : NULL;
    if (state && *state == '/') return join(state, "/carapace/history");
    return home && *home == '/' ? join(home, "/.local/state/carapace/history") : NULL;
}

/* Makes the folders that the file is in, each for the user alone. */
static void make_folders(void)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* --- secrets -------------------------------------------------------------------------------------------- */

/* scheme://user:password@host */
static bool has_url_with_password(const char *text)
{
    while ((text = strstr(text, "://"))) {
        text += 3;
        size_t authority = strcspn(text, "/\" \n");
        const char *at = memchr(text, '@', authority);
        if (at && memchr(text, ':', (size_t)(at - text))) return true;
    }
    return false;
}

bool crpi_history_is_secret(crp *vm, const char *entry)
{
    return has_url_with_password(entry) || (strchr(entry, '"') && crpi_names_secret(vm, entry));
}

/* --- the file ------------------------------------------------------------------------------------------- */

static char *escaped_line(const char *entry, size_t *length)
{
    char *line = malloc(strlen(entry) * 2 + 2), *to = line;
    if (!line) return NULL;
    for (; *entry; entry++) {
        if (*entry == '\n' || *entry == '\\') *to++ = '\\';
        *to++ = *entry == '\n' ? 'n' : *entry;
    }
    *to++ = '\n';
    *length = (size_t)(to - line);
    return line;
}

static void unescape(char *line)
{
    char *to = line;
    for (; *line; line++) {
        if (*line == '\\' && line[1]) *to++ = *++line == 'n' ? '\n' : *line;
        else *to++ = *line;
    }
    *to = 0;
}

static char *read_file(int fd, size_t *length)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 0) return NULL;
    if (st.st_mode & 077) fchmod(fd, 0600);
    char *text = malloc((size_t)st.st_size + 1);
    size_t used = 0;
    while (text && used < (size_t)st.st_size) {
        ssize_t n = read(fd, text + used, (size_t)st.st_size - used);
        if (n <= 0) break;
        used += (size_t)n;
    }
    if (text) text[used] = 0;
    *length = used;
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; (text = strchr(text, '\n')); text++) lines++;
    return lines;
}

/* Puts only these bytes into the file: written beside it, then renamed. */
static void replace_file(const char *text, size_t length)
{
    char *beside = join(path, ".new");
    int fd = beside ? open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (fd >= 0) {
        bool whole = write(fd, text, length) == (ssize_t)length;
        if (close(fd) || !whole || rename(beside, path)) unlink(beside);
    }
    free(beside);
}

static void give_lines(char *text, void (*each)(const char *entry))
{
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        unescape(line);
        each(line);
        if (end[1]) continue;
        free(last);
        last = strdup(line);
    }
}

void crpi_history_open(void (*each)(const char *entry))
{
    size_t length;
    path = find_path();
    if (!path) return;
    make_folders();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    char *text = read_file(fd, &length), *kept = text;
    close(fd);
    if (!text) return;
    size_t lines = count_lines(text);
    for (size_t i = lines; i > MOST_KEPT; i--) kept = strchr(kept, '\n') + 1;
    if (lines > 2 * MOST_KEPT) replace_file(kept, length - (size_t)(kept - text));
    give_lines(kept, each);
    free(text);
}

void crpi_history_add(crp *vm, const char *entry)
{
    size_t length;
    bool same = last && strcmp(last, entry) == 0;
    if (!path || same || isspace((unsigned char)*entry) || strlen(entry) > MOST_BYTES) return;
    if (crpi_history_is_secret(vm, entry)) return;
    free(last);
    last = strdup(entry);
    char *line = escaped_line(entry, &length);
    int fd = line ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        if (write(fd, line, length) < 0) {
            /* A full disk: the session goes on, it only is not remembered. */
        }
        close(fd);
    }
    free(line);
}
