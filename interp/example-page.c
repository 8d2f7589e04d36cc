/* floor 9: the examples of a page, heading by heading. */
#include "example.h"

#include <string.h>
#include "page.h"

enum { SECTION_LEVEL = 2, MOST_REPORTED = 1 << 20 };

typedef struct runner {
    const crpi_example_host *host;
    const char *name;
    crpi_page start;  /* of the page */
    size_t preface;   /* blocks before the first section: the set-up of each */
    bool in_preface;
    crp *vm;          /* of the section; NULL until it has a block */
    crpi_mem mem;
    crpi_buf section; /* its heading... */
    crpi_buf heading; /* ...and that of the blocks, which are judged together */
    crpi_buf report;
    bool any, wrong;  /* below this heading */
    bool failed;
} runner;

static void close_section(runner *r)
{
    if (r->vm) r->host->end(r->host->ud, r->vm);
    r->vm = NULL;
}

static void close_heading(runner *r)
{
    crpi_buf_byte(&r->heading, 0);
    crpi_buf_byte(&r->report, 0);
    if (r->heading.failed || r->report.failed)
        r->failed = true;
    else if (r->any)
        r->host->result(r->host->ud, r->heading.bytes, !r->wrong, r->report.bytes);
    r->heading.length = r->report.length = 0;
    r->report.overflow = r->any = r->wrong = false;
}

static bool run_block(runner *r, const crpi_piece *block, crpi_buf *report)
{
    crpi_example e = {
        .vm = r->vm,
        .name = r->name,
        .text = block->text,
        .length = block->length,
        .line = block->line,
        .compile_only = crpi_piece_has(block, "no-run"),
        .printed = r->host->printed,
        .ud = r->host->ud,
    };
    return crpi_example_run(&e, report);
}

/* The set-up is judged where it stands; here it only runs. */
static void run_preface(runner *r)
{
    crpi_page page = r->start;
    crpi_piece piece;
    crpi_buf unheard;
    crpi_buf_init(&unheard, &r->mem, MOST_REPORTED);
    for (size_t i = 0; i < r->preface && crpi_page_next(&page, &piece);) {
        if (!crpi_piece_is(&piece, "carapace")) continue;
        run_block(r, &piece, &unheard);
        unheard.length = 0;
        i++;
    }
    crpi_buf_free(&unheard);
}

static bool open_section(runner *r)
{
    if (r->vm) return true;
    r->vm = r->host->begin(r->host->ud);
    if (!r->vm) return !(r->failed = true);
    if (!r->in_preface) run_preface(r);
    return true;
}

static void judge_block(runner *r, const crpi_piece *block)
{
    if (!open_section(r)) return;
    r->any = true;
    if (!run_block(r, block, &r->report)) r->wrong = true;
    if (r->in_preface) r->preface++;
    if (!block->open) return;
    r->wrong = true;
    crpi_buf_format(&r->report, "%s:%u: this block is never closed\n", r->name, block->line);
}

/* "Section" or "Section: heading". */
static void enter_heading(runner *r, const crpi_piece *h)
{
    close_heading(r);
    if (h->level <= SECTION_LEVEL) {
        close_section(r);
        r->in_preface = r->in_preface && h->level < SECTION_LEVEL;
        r->section.length = 0;
        crpi_buf_put(&r->section, h->text, h->length);
        crpi_buf_put(&r->heading, h->text, h->length);
    } else {
        crpi_buf_put(&r->heading, r->section.length ? r->section.bytes : "", r->section.length);
        crpi_buf_text(&r->heading, r->section.length ? ": " : "");
        crpi_buf_put(&r->heading, h->text, h->length);
    }
}

bool crpi_example_page(const crpi_example_host *host, const char *name, const char *text, size_t length)
{
    runner r = {.host = host, .name = name, .in_preface = true};
    crpi_piece piece;
    crpi_mem_init(&r.mem, NULL, NULL);
    crpi_buf_init(&r.section, &r.mem, 0);
    crpi_buf_init(&r.heading, &r.mem, 0);
    crpi_buf_init(&r.report, &r.mem, MOST_REPORTED);
    crpi_page_open(&r.start, text, length);
    for (crpi_page page = r.start; !r.failed && crpi_page_next(&page, &piece);) {
        if (piece.kind == CRPI_PAGE_HEADING)
            enter_heading(&r, &piece);
        else if (crpi_piece_is(&piece, "carapace"))
            judge_block(&r, &piece);
    }
    close_heading(&r);
    close_section(&r);
    crpi_buf_free(&r.section);
    crpi_buf_free(&r.heading);
    crpi_buf_free(&r.report);
    return !r.failed;
}
