/* floor 6: the virtual machine. */
#ifndef CARAPACE_VM_H
#define CARAPACE_VM_H

#include <string.h>
#include "task.h"

/* Runs a task until it ends (CRP_OK: its result is set; an error: its error is), or waits (CRP_AGAIN). */
crp_status crpi_execute(crp *, crpi_task *);

/* --- what the loop leaves to functions ---------------------------------------------------------------------------
 *
 * All work on the state saved in the task: pc (behind what they have taken of the instruction), base, fp.  They return
 * CRP_OK and the loop goes on with the task's state, which a call has changed; CRP_AGAIN, and the task waits; or an
 * error. */

/* Calls a function whose arguments stand at `at` (for a script's method: behind its receiver); its value comes to
 * at[0] and the task goes on at its pc. */
crp_status crpi_enter(crp *, crpi_task *, crp_word function, crp_word *at, uint32_t n);
/* What a call instruction does that found nothing where its function should be. */
crp_status crpi_enter_missing(crp *, crpi_task *, uint32_t in, crp_word *at);
/* The function that a name in head position means: the cell's, else one in a variable of the file. */
crp_status crpi_callee(crp *, crpi_task *, uint32_t cell, crp_word *out);
/* A script's method: its receiver stands at at[0], n arguments behind it. */
crp_status crpi_enter_method(crp *, crpi_task *, crp_word method, crp_word *at, uint32_t n);
/* The same in place of the current function, if both declare the same result. */
crp_status crpi_enter_tail(crp *, crpi_task *, crp_word function, crp_word *at, uint32_t n, uint32_t receiver);
/* A member of the object at `at`, with n arguments behind it.  `ins`: the instruction, to be made faster; or NULL. */
crp_status crpi_enter_member(crp *, crpi_task *, crp_word *at, uint32_t n, crp_word name, uint32_t *ins, bool tail);
crp_status crpi_enter_create(crp *, crpi_task *, crp_word name, crp_word *at, uint32_t n);
crp_status crpi_resume_native(crp *, crpi_task *, bool returned);
/* Calls a method for an instruction, which is run again (from `again`) when there is an answer. */
crp_status crpi_ask(crp *, crpi_task *, const uint32_t *again, crp_word object, crp_word name, const crp_word *args,
                    uint32_t n);
crp_word *crpi_task_top(crpi_task *); /* the end of the registers in use */
void crpi_leave_segment(crp *, crpi_task *); /* back to the segment below; this one is kept for the next time */
extern const uint32_t crpi_resume_code[], crpi_again_code[];

/* Of arguments, which mostly are one or two. */
static inline void crpi_copy_words(crp_word *to, const crp_word *from, size_t n)
{
    if (n > 2) {
        memcpy(to, from, n * sizeof *to);
        return;
    }
    if (n > 0) to[0] = from[0];
    if (n > 1) to[1] = from[1];
}

/* What instructions remember in one word: of a slot its offset and class, of a native method its number and quick way. */
enum { CRPI_SLOT_TYPE_SHIFT = 16, CRPI_QUICK_SHIFT = 24, CRPI_MEMBER_MASK = (1 << CRPI_QUICK_SHIFT) - 1 };

/* Lets the instruction remember what it found, so that it need not ask again for objects of this class.  Only natives
 * have methods of what is no object. */
void crpi_remember(crp *, uint32_t *ins, crp_word object, crpi_member *, uint32_t n, bool inside);

/* The class in the header: a view is a view. */
static inline uint32_t crpi_plain_class(crp_word w) { return crp_is_object(w) ? crp_object_of(w)->class_id : crp_class_of(w); }

/* slow.c: the instructions whose quick way did not fit. `in` is the instruction's first word. */
crp_status crpi_slow_arithmetic(crp *, crpi_task *, uint32_t in);
crp_status crpi_slow_compare(crp *, crpi_task *, uint32_t in);
crp_status crpi_slow_check(crp *, crpi_task *, uint32_t in);
crp_status crpi_slow_name(crp *, crpi_task *, uint32_t in); /* GETCELL GETNAME GETFN */
crp_status crpi_slow_pair(crp *, crpi_task *, uint32_t in); /* CONS HEAD TAIL LIST ENDCONS */
crp_status crpi_slow_next(crp *, crpi_task *, uint32_t in);
crp_status crpi_known_native(crp *, crpi_task *, uint32_t in); /* NATIVE0, NATIVE1, NATIVE */

/* A native method: the receiver stands at at[0], its arguments behind it. */
crp_status crpi_enter_native(crp *, crpi_task *, crp_word method, crp_word *at, uint32_t n);

crp_status crpi_slow_member(crp *, crpi_task *, uint32_t in); /* GETP SETP INVOKE and what they became */
crp_status crpi_slow_call(crp *, crpi_task *, uint32_t in);   /* CALLV TCALLG TCALL TCALLV CREATE VIEW */
crp_status crpi_slow_closure(crp *, crpi_task *, uint32_t in); /* NEWBOX CLOSURE EVAL */
crp_status crpi_slow_define(crp *, crpi_task *, uint32_t in); /* DEFUN METHOD UNSETCELL SETGLOBAL */
crp_status crpi_slow_try(crp *, crpi_task *, uint32_t in);    /* TRY CATCH CATCHV RETHROW */

/* --- release.c ----------------------------------------------------------------------------------------------------- */

crp_status crpi_released(crp *, crpi_task *); /* RELEASE: gives back what the call got that has returned here */
const uint32_t *crpi_release_above(crp *, crpi_task *, uint32_t frame); /* what the frames above it got: they are gone */
const uint32_t *crpi_frame_pc(const crpi_task *, const crpi_frame *); /* where it returns to */
void crpi_releases_mark(crp *, const crpi_task *, crp_marker);
void crpi_releases_free(crp *, crpi_task *);

/* --- vm-error.c --------------------------------------------------------------------------------------------------- */

/* Finds the handler of the pending error: CRP_OK and the task's state is that of the handler; else the error, and the
 * task has ended. */
crp_status crpi_unwind(crp *, crpi_task *);
/* Called wherever vm->interrupt is seen: raises what cannot be caught; or, while `finally` runs because of that, counts
 * a step, and is CRP_OK as long as some are left.  CRP_OK too where the interrupt is for another task. */
crp_status crpi_interrupt(crp *);
crp_status crpi_raise_interrupt(crp *, int why);
/* Called when vm->fuel is used up: an interrupt, the task's own end, or the end of its time.  At a jump back it may be
 * CRP_AGAIN: the task gives way to the one that an interrupt is for. */
crp_status crpi_look(crp *, bool at_jump);
crp_status crpi_task_may_go_on(crp *, crpi_task *); /* it was not cancelled, and its time is not up */
void crpi_error_catchable(crp *, crp_word error);   /* from now on; of what is no Error: nothing */
bool crpi_error_is_uncatchable(crp_word error);
crp_status crpi_no_waiting(crp *); /* what a native gets that wants to wait then */
void crpi_closing_end(crp *); /* what ran because of an interrupt, a cancel or a deadline is over */
crp_status crpi_task_returned(crp *, crpi_task *); /* the task ends with its result: unless it was to be interrupted */
crp_status crpi_no_function(crp *, crp_word name); /* 1.4, with the nearest names */
crp_status crpi_no_name(crp *, crp_word name);     /* the same where a variable is meant */
crp_status crpi_error_matches(crp *, crp_word error, crp_word what, bool *yes); /* what: as a catch names it */
void crpi_native_drop(crp *, crpi_task *); /* the innermost waiting native: its state is dropped */

/* --- trace.c -------------------------------------------------------------------------------------------------------- */

/* Adds to the pending error what place and trace are made from, if it has none yet, and its cause: the error that is
 * being handled where it was thrown. */
void crpi_trace_add(crp *, const crpi_task *);
crp_status crpi_trace_now(crp *, crp_word *list); /* the calls under way, as crpi_error_trace gives them */
bool crpi_trace_init(crp *);

/* --- arith.c ------------------------------------------------------------------------------------------------------- */

crp_status crpi_no_number(crp *, int op, crp_word given); /* 1.11 */
/* op is an opcode: ADD SUB MUL DIV REM.  1.11 unless both are numbers. */
crp_status crpi_arithmetic(crp *, int op, crp_word a, crp_word b, crp_word *out);
/* String plus String or small Integer, as the String's method `+` has it: the common ones without a call; *out CRP_UNSET: it is
 * another sum. */
crp_status crpi_text_sum(crp *, crp_word a, crp_word b, crp_word *out);
static inline bool crpi_is_number(crp_word w)
{
    return crp_is_fixnum(w) || crp_is_flonum(w) || crp_is_a(w, CRP_INTEGER) || crp_is_a(w, CRP_REAL);
}

enum { CRPI_DEFAULT_DEPTH = 200000, CRPI_MAX_NESTED_RUNS = 100 };
enum { CRPI_INTERRUPTED = 1, CRPI_STOPPED = 2, CRPI_CLOSING = 3 }; /* vm->interrupt */
enum { CRPI_FUEL = 1000, CRPI_NATIVE_FUEL = 20 };
enum { CRPI_CLOSING_STEPS = 10000, CRPI_CLOSING_MS = 1000 };
enum { CRPI_ERROR_UNCATCHABLE = 1 };             /* an Error's header flag */

#endif
