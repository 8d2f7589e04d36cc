/* floor 6: errors of tasks that nobody has looked at: see task.h.
 *
 * The text is made when the task ends, because a dropped object may not look at another one, which is dropped as well.
 */
#include "task.h"

#include <string.h>
#include "error.h"

enum { REPORT_AFTER = 1000 /* milliseconds */, MOST_TEXT = 10000 };

struct crpi_report {
    crpi_report *next, *previous;
    crpi_report **held; /* the object's pointer to this; NULL: the object is gone, and the report due */
    size_t n;
    char text[];
};

static void put_text(crp *vm, crpi_buf *text, crp_word name, crp_word error)
{
    size_t n;
    const char *bytes = crp_string_data(name, &n);
    crpi_buf_text(text, "the task ");
    if (n) crpi_buf_format(text, "%.*s ", (int)(n < 200 ? n : 200), bytes);
    crpi_buf_text(text, "ended with an error that nobody has looked at:\n");
    if (crpi_error_report(vm, error, text, false)) crp_clear_error(vm);
}

void crpi_report_new(crp *vm, crp_word name, crp_word error, crpi_report **held)
{
    crpi_tasks *tasks = vm->tasks;
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, MOST_TEXT);
    put_text(vm, &text, name, error);
    crpi_report *r = text.length ? crpi_mem_alloc(&vm->mem, sizeof *r + text.length) : NULL;
    if (r) {
        *r = (crpi_report){.next = tasks->reports, .held = held, .n = text.length};
        memcpy(r->text, text.bytes, text.length);
        if (r->next) r->next->previous = r;
        tasks->reports = r;
        if (tasks->report_at == CRP_NO_DEADLINE) tasks->report_at = crp_now(vm) + REPORT_AFTER;
    }
    *held = r;
    crpi_buf_free(&text);
}

void crpi_report_seen(crp *vm, crpi_report *r)
{
    if (!r) return;
    if (r->held) *r->held = NULL;
    if (r->previous) r->previous->next = r->next;
    else vm->tasks->reports = r->next;
    if (r->next) r->next->previous = r->previous;
    crp_free_bytes(vm, r, sizeof *r + r->n);
    if (!vm->tasks->reports) vm->tasks->report_at = CRP_NO_DEADLINE;
}

void crpi_report_due(crpi_report *r)
{
    if (r) r->held = NULL;
}

/* The oldest stands last. */
void crpi_reports_write(crp *vm, bool all)
{
    crpi_report *r = vm->tasks->reports, *before;
    while (r && r->next) r = r->next;
    for (; r; r = before) {
        before = r->previous;
        if (!all && r->held) continue;
        if (vm->write) vm->write(vm->write_ud, 2, r->text, r->n);
        crpi_report_seen(vm, r);
    }
}
