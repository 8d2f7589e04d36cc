/* floor 10: the child that runs a page's examples: a folder and an interpreter for each section.
 *
 * stdout goes to a file while they run, so that what is printed can be looked at form by form, also when
 * another program printed it; the results go where stdout went.
 */
#include "tester.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "example.h"
#include "lib.h"
#include "output.h"

enum { MOST_PATH = 4200 };

typedef struct page_run {
    const crpi_tester_host *host;
    const char *folder;
    int results; /* what was stdout */
    unsigned sections, tests, failures;
} page_run;

static void write_here(void *ud, int fd, const char *bytes, size_t length)
{
    (void)ud;
    for (ssize_t n = 1; fd == STDOUT_FILENO && length && n > 0; bytes += n, length -= (size_t)n) {
        n = write(STDOUT_FILENO, bytes, length);
        if (n < 0) return;
    }
}

static crp *begin_section(void *ud)
{
    page_run *p = ud;
    char folder[MOST_PATH];
    snprintf(folder, sizeof folder, "%s/%u", p->folder, ++p->sections);
    crp *vm = mkdir(folder, 0700) || chdir(folder) ? NULL : p->host->begin(p->host->ud);
    if (vm) crp_io(vm, write_here, NULL);
    return vm;
}

static void end_section(void *ud, crp *vm)
{
    (void)vm;
    page_run *p = ud;
    p->host->end(p->host->ud);
}

static void take_printed(void *ud, crpi_buf *out)
{
    char block[4096];
    off_t at = 0;
    (void)ud;
    for (ssize_t n; (n = pread(STDOUT_FILENO, block, sizeof block, at)) > 0; at += n)
        crpi_buf_put(out, block, (size_t)n);
    if (ftruncate(STDOUT_FILENO, 0) == 0) lseek(STDOUT_FILENO, 0, SEEK_SET);
}

static void send(page_run *p, crpi_buf *text)
{
    for (size_t at = 0; at < text->length;) {
        ssize_t n = write(p->results, text->bytes + at, text->length - at);
        if (n <= 0) break;
        at += (size_t)n;
    }
    crpi_buf_free(text);
}

static void judge_heading(void *ud, const char *heading, bool right, const char *report)
{
    page_run *p = ud;
    crpi_mem mem;
    crpi_buf text;
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&text, &mem, 0);
    crpi_buf_format(&text, "%sok %u - ", right ? "" : "not ", ++p->tests);
    crpi_test_name(&text, heading, strlen(heading));
    crpi_buf_byte(&text, '\n');
    crpi_test_comment(&text, report, strlen(report));
    p->failures += !right;
    send(p, &text);
}

static bool read_page(const char *path, crpi_buf *out)
{
    char block[65536];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, block, sizeof block)) > 0) crpi_buf_put(out, block, (size_t)n);
    if (fd >= 0) close(fd);
    return n == 0 && !out->failed && !out->overflow;
}

static bool keep_output_in_file(page_run *p)
{
    int file = memfd_create("stdout", MFD_CLOEXEC);
    p->results = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return file >= 0 && p->results >= 0 && dup2(file, STDOUT_FILENO) >= 0;
}

int crpi_tester_page(const crpi_tester_host *program, const char *path, const char *folder)
{
    page_run p = {.host = program, .folder = folder};
    crpi_mem mem;
    crpi_buf text;
    crpi_example_host host = {begin_section, end_section, take_printed, judge_heading, &p};
    crpi_mem_init(&mem, NULL, NULL);
    crpi_buf_init(&text, &mem, 0);
    bool good = read_page(path, &text);
    if (!good) crpi_output_complain(path, strerror(errno));
    good = good && keep_output_in_file(&p);
    good = good && crpi_example_page(&host, path, text.length ? text.bytes : "", text.length);
    crpi_buf_free(&text);
    if (good) dprintf(p.results, "1..%u\n", p.tests);
    return good && !p.failures ? EXIT_SUCCESS : EXIT_FAILURE;
}
