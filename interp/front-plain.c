/* floor 10: the front without an editor: rows until they make a whole form.
 *
 * The terminal itself gives what editing there is.  Off a terminal nothing is written but what scripts write.
 */
#include "front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const crpi_front_host *host;
static int prompt_fd; /* -1: nobody is there to be prompted */
static struct {
    char *bytes;
    size_t count, room;
    bool ended;
} input; /* read, and not yet given out */

static bool plain_open(const crpi_front_host *its_host)
{
    host = its_host;
    prompt_fd = !isatty(0) ? -1 : isatty(1) ? 1 : isatty(2) ? 2 : -1;
    return true;
}

static void show(int fd, const char *bytes, size_t length)
{
    while (fd >= 0 && length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR) return;
        if (n > 0) bytes += n, length -= (size_t)n;
    }
}

static bool make_room(size_t more)
{
    if (input.room - input.count >= more) return true;
    size_t wider = input.room ? input.room : 4096;
    while (wider - input.count < more) wider *= 2;
    char *bytes = realloc(input.bytes, wider);
    if (!bytes) return false;
    input.bytes = bytes;
    input.room = wider;
    return true;
}

/* More bytes; false: not now, *end says why. */
static bool fill(enum crpi_front_end *end)
{
    enum crpi_front_event event = host->wait(host->ud);
    if (event == CRPI_FRONT_OTHER) return true;
    if (event != CRPI_FRONT_INPUT || !make_room(4096)) {
        *end = event == CRPI_FRONT_INTERRUPT ? CRPI_FRONT_INTERRUPTED : CRPI_FRONT_LEFT;
        return false;
    }
    ssize_t n = read(0, input.bytes + input.count, 4096);
    if (n > 0) input.count += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN)) input.ended = true;
    return true;
}

/* The end of the first rows that make a whole form, behind the line break; 0: not there yet. */
static size_t whole_rows(size_t from)
{
    while (from < input.count) {
        const char *row_end = memchr(input.bytes + from, '\n', input.count - from);
        if (!row_end) return 0;
        from = (size_t)(row_end - input.bytes) + 1;
        if (host->whole(host->ud, input.bytes, from - 1)) return from;
        show(prompt_fd, "... ", 4);
    }
    return 0;
}

static bool take(size_t taken, char **text, size_t *length)
{
    *text = malloc(taken + 1);
    if (!*text) return false;
    memcpy(*text, input.bytes, taken);
    (*text)[taken] = 0;
    *length = taken;
    memmove(input.bytes, input.bytes + taken, input.count - taken);
    input.count -= taken;
    return true;
}

static enum crpi_front_end plain_read_form(const char *prompt, char **text, size_t *length)
{
    enum crpi_front_end end;
    show(prompt_fd, prompt, strlen(prompt));
    for (size_t seen = 0;;) {
        size_t taken = whole_rows(seen);
        if (!taken && input.ended) taken = input.count;
        if (taken) return take(taken, text, length) ? CRPI_FRONT_FORM : CRPI_FRONT_LEFT;
        if (input.ended) return CRPI_FRONT_EOF;
        for (seen = input.count; seen && input.bytes[seen - 1] != '\n';) seen--;
        if (!fill(&end)) {
            input.count = 0;
            if (end == CRPI_FRONT_INTERRUPTED) show(prompt_fd, "\n", 1);
            return end;
        }
    }
}

static void plain_remember(const char *text) { (void)text; }

static void plain_close(void)
{
    free(input.bytes);
    input.bytes = NULL;
    input.count = input.room = 0;
    input.ended = false;
}

const crpi_front crpi_front_plain = {
    .size = sizeof crpi_front_plain,
    .abi = CRPI_FRONT_ABI,
    .open = plain_open,
    .read_form = plain_read_form,
    .remember = plain_remember,
    .above = show,
    .close = plain_close,
};
