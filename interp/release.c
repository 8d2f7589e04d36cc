/* floor 6: what is given back when the call ends that got it.
 *
 * Returning costs nothing for it: a frame that something hangs at returns to one instruction of our own, RELEASE, which
 * gives everything back and goes on where the frame would have returned to.  A call that ends by an error is not
 * returned from; then whoever takes its frame away does the same.
 */
#include "vm.h"

#include <string.h>

struct crpi_release {
    uint32_t frame;
    const uint32_t *pc; /* where the frame returns to; NULL: another one of the frame, below, knows */
    crp_word object;
    void (*release)(crp *, crp_word object);
};

static const uint32_t release_code[] = {CRPI_OP_RELEASE};

const uint32_t *crpi_frame_pc(const crpi_task *task, const crpi_frame *frame)
{
    if (frame->pc != release_code) return frame->pc;
    for (size_t i = task->release_count; i-- > 0;)
        if (task->releases[i].frame == (size_t)(frame - task->frames) && task->releases[i].pc) return task->releases[i].pc;
    return frame->pc;
}

/* The call of a script's function that a native stands in; NULL: it is a file's top level, or a host's call.  What
 * `eval` compiled belongs to the function that called it. */
static crpi_frame *caller(const crpi_task *task)
{
    for (crpi_frame *fp = task->fp; fp > task->frames; fp--) {
        const crpi_proto *p = fp->fn ? fp->fn->proto : NULL;
        if (p && p->name != CRPI_WORD_OF(EVAL)) return p->signature ? fp : NULL;
    }
    return NULL;
}

crp_status crpi_release_later(crp *vm, crp_word object, void (*release)(crp *, crp_word object))
{
    crpi_task *task = vm->task;
    crpi_frame *frame = task ? caller(task) : NULL;
    if (!frame) return CRP_OK;
    size_t n = task->release_count;
    if (!crpi_mem_grow(&vm->mem, &task->releases, &task->release_capacity, n + 1, sizeof *task->releases))
        return crp_no_memory(vm);
    const uint32_t *pc = frame->pc == release_code ? NULL : frame->pc;
    task->releases[n] = (crpi_release){(uint32_t)(frame - task->frames), pc, object, release};
    task->release_count++;
    frame->pc = release_code;
    return CRP_OK;
}

/* An object stays in the list, for the collector, until it has been released. */
const uint32_t *crpi_release_above(crp *vm, crpi_task *task, uint32_t frame)
{
    const uint32_t *pc = NULL;
    size_t fresh = vm->heap.fresh_count;
    for (; task->release_count && task->releases[task->release_count - 1].frame > frame; task->release_count--) {
        crpi_release last = task->releases[task->release_count - 1];
        last.release(vm, last.object);
        if (last.pc) pc = last.pc;
    }
    vm->heap.fresh_count = fresh;
    return pc;
}

/* What the call has returned may stand above the registers in use, at the frame's first one, where a collection would
 * clear it. */
crp_status crpi_released(crp *vm, crpi_task *task)
{
    task->kept = task->base[0];
    task->pc = crpi_release_above(vm, task, (uint32_t)(task->fp - task->frames));
    task->base[0] = task->kept;
    task->kept = CRP_NIL;
    return CRP_OK;
}

void crpi_releases_mark(crp *vm, const crpi_task *task, crp_marker mark)
{
    mark(vm, task->kept);
    for (size_t i = 0; i < task->release_count; i++) mark(vm, task->releases[i].object);
}

void crpi_releases_free(crp *vm, crpi_task *task)
{
    crpi_release_above(vm, task, 0);
    crp_free_bytes(vm, task->releases, task->release_capacity * sizeof *task->releases);
    task->releases = NULL;
    task->release_capacity = 0;
}
