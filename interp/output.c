/* One writer for both descriptors, so that their order is kept. */
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "buf.h"
#include "signals.h"
#include "utf8.h"

enum { BLOCK = 65536 };

static struct {
    char held[BLOCK];
    size_t count;
    bool blocks, at_line_start, colour[3];
    int error;
    enum crpi_error_format format;
    void (*above)(int fd, const char *bytes, size_t length);
} output = {.at_line_start = true};

static bool wants_colour(int fd, enum crpi_colour when)
{
    const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE"), *term = getenv("TERM");
    if (when != CRPI_COLOUR_AUTO) return when == CRPI_COLOUR_ALWAYS;
    if (no && *no) return false;
    if (force && *force && strcmp(force, "0") != 0) return true;
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

void crpi_output_open(enum crpi_colour when, enum crpi_error_format format)
{
    output.blocks = !isatty(STDOUT_FILENO);
    output.format = format;
    for (int fd = 1; fd <= 2; fd++) output.colour[fd] = wants_colour(fd, when);
}

bool crpi_output_colour(int fd) { return output.colour[fd]; }

bool crpi_output_at_line_start(void) { return output.at_line_start; }

int crpi_output_error(void) { return output.error; }

void crpi_output_above(void (*above)(int fd, const char *bytes, size_t length)) { output.above = above; }

/* How much to write at once.  When the program is to end, by a signal or the deadline, it waits for no reader: a pipe
 * that is ready takes PIPE_BUF bytes without waiting, any other none. */
static size_t portion(int fd, size_t length)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (!crpi_signals_caught() && !crpi_signals_expired()) return length;
    if (poll(&p, 1, 0) <= 0) return 0;
    return length < PIPE_BUF ? length : PIPE_BUF;
}

/* What cannot be written is dropped; a full pipe or terminal is waited for. */
static void write_all(int fd, const char *bytes, size_t length)
{
    for (size_t most; length && (most = portion(fd, length));) {
        ssize_t n = write(fd, bytes, most);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            usleep(1000);
            continue;
        }
        if (n < 0) {
            if (fd == STDOUT_FILENO && !output.error) output.error = errno;
            return;
        }
        bytes += n;
        length -= (size_t)n;
    }
}

void crpi_output_flush(void)
{
    size_t count = output.count;
    output.count = 0;
    write_all(STDOUT_FILENO, output.held, count);
}

static void hold(const char *bytes, size_t length)
{
    if (length > BLOCK - output.count) crpi_output_flush();
    if (length >= BLOCK) {
        write_all(STDOUT_FILENO, bytes, length);
        return;
    }
    memcpy(output.held + output.count, bytes, length);
    output.count += length;
}

void crpi_output_write(void *ud, int fd, const char *bytes, size_t length)
{
    (void)ud;
    if (!length) {
        crpi_output_flush();
        return;
    }
    if (output.above) {
        output.above(fd, bytes, length);
        return;
    }
    if (fd == STDOUT_FILENO || output.blocks) output.at_line_start = bytes[length - 1] == '\n';
    if (fd == STDOUT_FILENO && output.blocks) {
        hold(bytes, length);
        return;
    }
    crpi_output_flush();
    write_all(fd, bytes, length);
}

void crpi_output_text(int fd, const char *text) { crpi_output_write(NULL, fd, text, strlen(text)); }

/* --- errors --------------------------------------------------------------------------------------------- */

static void *plain_realloc(void *ud, void *p, size_t old_size, size_t new_size)
{
    (void)ud, (void)old_size;
    if (new_size) return realloc(p, new_size);
    free(p);
    return NULL;
}

/* Bytes that are no UTF-8 become U+FFFD: a reader of JSON takes nothing else. */
static void json_string(crpi_buf *b, const char *text)
{
    uint32_t code;
    size_t left = strlen(text), n;
    crpi_buf_byte(b, '"');
    for (; left > 0; text += n, left -= n) {
        unsigned char c = (unsigned char)*text;
        n = crpi_utf8_decode(text, left, &code);
        if (code == CRPI_UTF8_BROKEN) crpi_buf_text(b, "\\ufffd");
        else if (c == '"' || c == '\\') crpi_buf_format(b, "\\%c", c);
        else if (c == '\n') crpi_buf_text(b, "\\n");
        else if (c < 0x20 || c == 0x7f) crpi_buf_format(b, "\\u00%02x", c);
        else crpi_buf_put(b, text, n);
    }
    crpi_buf_byte(b, '"');
}

static void put_json(crpi_buf *b, const crp_error *error)
{
    const char *frame;
    crp_error_info info = {.size = sizeof info};
    crp_error_info_get(error, &info);
    crpi_buf_text(b, "{\"file\":");
    if (info.file) json_string(b, info.file);
    else crpi_buf_text(b, "null");
    crpi_buf_format(b, ",\"line\":%u,\"column\":%u", info.line, info.column);
    crpi_buf_format(b, ",\"class\":%d,\"code\":%d,\"message\":", info.error_class, info.code);
    json_string(b, info.message);
    crpi_buf_text(b, ",\"trace\":[");
    for (size_t i = 0; (frame = crp_error_frame(error, i)); i++) {
        if (i) crpi_buf_byte(b, ',');
        json_string(b, frame);
    }
    crpi_buf_byte(b, ']');
    if (info.cause) {
        crpi_buf_text(b, ",\"cause\":");
        put_json(b, info.cause);
    }
    crpi_buf_byte(b, '}');
}

static void put_json_line(crpi_buf *b, const crp_error *error)
{
    put_json(b, error);
    crpi_buf_byte(b, '\n');
}

/* One line: file:line:column: error: text. */
static void put_gcc_line(crpi_buf *b, const crp_error *error)
{
    crp_error_info info = {.size = sizeof info};
    crp_error_info_get(error, &info);
    if (info.file) crpi_buf_format(b, "%s:%u:%u: ", info.file, info.line, info.column);
    else crpi_buf_text(b, "carapace: ");
    crpi_buf_format(b, "error: %d.%d: ", info.error_class, info.code);
    crpi_buf_escaped(b, info.message, strlen(info.message), BLOCK);
    crpi_buf_byte(b, '\n');
}

/* The error and the further ones of its text, a line each. */
static void put_lines(crpi_buf *b, const crp_error *error, void (*put)(crpi_buf *, const crp_error *))
{
    const crp_error *further;
    put(b, error);
    for (size_t i = 0; (further = crp_error_further(error, i)); i++) put(b, further);
}

static void put_human(crpi_buf *b, const crp_error *error)
{
    char small[2000];
    unsigned flags = output.colour[STDERR_FILENO] ? CRP_TEXT_COLOUR : 0;
    size_t length = crp_error_text(error, small, sizeof small, flags);
    char *text = length < sizeof small ? small : malloc(length + 1);
    if (text && text != small) crp_error_text(error, text, length + 1, flags);
    crpi_buf_text(b, text ? text : small);
    if (b->length && b->bytes[b->length - 1] != '\n') crpi_buf_byte(b, '\n');
    if (text != small) free(text);
}

void crpi_output_report(const crp *vm)
{
    crpi_mem mem;
    crpi_buf b;
    const crp_error *error = crp_error_last(vm);
    if (!error) return;
    crpi_mem_init(&mem, plain_realloc, NULL);
    crpi_buf_init(&b, &mem, 0);
    switch (output.format) {
    case CRPI_ERRORS_HUMAN: put_human(&b, error); break;
    case CRPI_ERRORS_JSON: put_lines(&b, error, put_json_line); break;
    case CRPI_ERRORS_GCC: put_lines(&b, error, put_gcc_line); break;
    }
    if (b.length) crpi_output_write(NULL, STDERR_FILENO, b.bytes, b.length);
    crpi_buf_free(&b);
}

void crpi_output_complain(const char *what, const char *why)
{
    crpi_mem mem;
    crpi_buf b;
    crpi_mem_init(&mem, plain_realloc, NULL);
    crpi_buf_init(&b, &mem, 0);
    crpi_buf_text(&b, "carapace: ");
    crpi_buf_escaped(&b, what, strlen(what), BLOCK);
    if (why) crpi_buf_format(&b, ": %s", why);
    crpi_buf_byte(&b, '\n');
    if (b.length) crpi_output_write(NULL, STDERR_FILENO, b.bytes, b.length);
    crpi_buf_free(&b);
}
