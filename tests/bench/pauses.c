/* The collector's longest pause with some 500 MB alive: make bench-pauses.
 *
 *     pauses [SHAPE...] [MB=500] [CYCLES=4] [CLOCK=cpu]
 *
 * A script builds the shape, then drops, replaces and allocates until the collector has gone round so many times; the
 * pauses are timed inside of it, from when it begins to work until it ends.  A line has the longest one and the 99.9th
 * percentile in ms, the collector's share of the time, how much is alive, and the most memory.  Status 1: one took longer
 * than the bar.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "carapace.h"
#include "state.h"

enum { MOST_PAUSES = 1 << 22, BAR_MS = 10 };

static double *pauses, began, longest_of[4];
static size_t count;

/* CPU time, where others run on the machine as well: CLOCK=cpu. */
static clockid_t clock_used = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void time_pause(crp *vm, bool begins)
{
    static int phase;
    if (begins) {
        phase = vm->heap.phase;
        began = now();
        return;
    }
    double took = now() - began;
    int what = vm->heap.phase != (crpi_phase)phase ? 3 : phase;
    if (took > longest_of[what]) longest_of[what] = took;
    if (count < MOST_PAUSES) pauses[count++] = took;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* --- the shapes: `fill` makes n of them, (churn i) changes one and leaves garbage; (turn) does that often --------------- */

typedef struct shape {
    const char *name;
    size_t bytes; /* of one, about */
    const char *fill, *churn;
} shape;

#define RANDOM \
    "(set ::seed 12345) (set ::n 0) (set ::all ()) (set ::table ()) (set ::kept ())\n" \
    "(defun Integer below ((n Integer)) (set ::seed (% (+ (* ::seed 1103515245) 12345) 2147483648)) (% (/ ::seed 8) n))\n"

static const shape shapes[] = {
    {"pairs", 64,
     "(set ::all (create Array 1000))\n"
     "(for i (range 0 1000) (local (l List)) (for k (range 0 (/ ::n 1000)) (set l (cons (list k k k) l))) (::all.set i l))\n",
     "(defun NIL churn ((i Integer)) (local (k Integer (below 1000)) (l List (::all.get k)))\n"
     "    (::all.set k (cons (list i i i) l.tail)))\n"},
    {"objects", 48,
     "(class Node (interface (properties (next Object) (other Object) (n Integer))))\n"
     "(set ::all (create Array 1000))\n"
     "(defun Node node ((n Integer) next) (local (o Node (create Node))) (o.n n) (o.next next) o)\n"
     "(for i (range 0 1000) (local (o Object)) (for k (range 0 (/ ::n 1000)) (set o (node k o))) (::all.set i o))\n",
     "(defun NIL churn ((i Integer)) (local (k Integer (below 1000)) (o Node (::all.get k)) (before Object o.next))\n"
     "    (o.other (::all.get (below 1000))) (o.other ()) (::all.set k (node i before)))\n"},
    {"strings", 112,
     "(set ::all (create Array ::n))\n"
     "(for i (range 0 ::n) (::all.set i (join (list \"a String of some length that has its number, \" i))))\n",
     "(defun NIL churn ((i Integer)) (::all.set (below ::n) (join (list \"another String that has its number, \" i))))\n"},
    {"blocks", 4200,
     "(set ::all (create Array ::n)) (set ::text (\"x\".repeat 4000))\n"
     "(for i (range 0 ::n) (::all.set i (join (list ::text i))))\n",
     "(defun NIL churn ((i Integer)) (::all.set (below ::n) (join (list ::text i))))\n"},
    {"large", 200000, /* Strings */
     "(set ::all (create Array ::n)) (set ::text (\"x\".repeat 200000))\n"
     "(for i (range 0 ::n) (::all.set i (join (list ::text i))))\n",
     "(defun NIL churn ((i Integer)) (::all.set (below ::n) (join (list ::text i))))\n"
     "(defun NIL turn () (for i (range 0 100) (churn i)))\n"},
    {"table", 120,
     "(set ::table (create HashTable))\n"
     "(for i (range 0 ::n) (::table.set (join (list \"key \" i)) (list i)))\n",
     "(defun NIL churn ((i Integer)) (::table.set (join (list \"key \" (below ::n))) (list i)))\n"},
    {"array", 8,
     "(set ::all (create Array ::n)) (for i (range 0 ::n) (::all.set i i))\n",
     "(defun NIL churn ((i Integer)) (local (k Integer (below ::n)))\n"
     "    (::all.set k (list i i)) (::all.set k i))\n"},
    {"arrays", 200,
     "(set ::all (create Array ::n))\n"
     "(for i (range 0 ::n) (::all.set i (create Array 16 i)))\n",
     "(defun NIL churn ((i Integer)) (::all.set (below ::n) (create Array 16 i)))\n"},
    {"deep", 64, /* 150,000 calls deep, each with a List of its own */
     "(set ::all ()) (for i (range 0 (- ::n 150000)) (set ::all (cons (list i i i) ::all)))\n",
     "(defun NIL churn ((i Integer)) (list i i i i) (list i i))\n"
     "(defun Integer deep ((n Integer) (l List))\n"
     "    (if (> n 0) (+ (deep (- n 1) (list n n n)) 1 l.length) (do (for i (range 0 20000) (churn i)) 0)))\n"
     "(defun NIL turn () (deep 150000 ()))\n"},
    {"tasks", 2500, /* that wait */
     "(set ::event (create Event)) (set ::all (create Array ::n))\n"
     "(defun NIL waits (l) (::event.wait) (l.length))\n"
     "(for i (range 0 ::n) (::all.set i (task (waits (list i i i)))) (if (== (% i 100) 0) (sleep 0)))\n",
     "(defun NIL churn ((i Integer)) (list i i i i) (list i i))\n"},
    {"mix", 450,
     "(class Node (interface (properties (next Object) (other Object) (n Integer))))\n"
     "(defun Node node ((n Integer) next) (local (o Node (create Node))) (o.n n) (o.next next) o)\n"
     "(set ::all (create Array ::n)) (set ::table (create HashTable))\n"
     "(for i (range 0 ::n)\n"
     "    (::all.set i (node i (list i (join (list \"a String of some length with a number, \" i)) i)))\n"
     "    (::table.set (join (list \"key \" i)) (::all.get (below (+ i 1)))))\n",
     "(defun NIL churn ((i Integer))\n"
     "    (local (k Integer (below ::n)) (o Node (::all.get k)))\n"
     "    (::all.set (below ::n) (node i (list i (join (list \"number \" i)) o.next)))\n"
     "    (o.next ()) (o.other (::all.get (below ::n))) (o.other ())\n"
     "    (::table.set (join (list \"key \" (below ::n))) o))\n"},
};

static void run(crp *vm, const char *text)
{
    if (crp_eval(vm, text, strlen(text), "shape", NULL) == CRP_OK) return;
    char error[2000];
    crp_error_text(crp_error_last(vm), error, sizeof error, 0);
    fprintf(stderr, "%s", error);
    exit(2);
}

static void report(const shape *s, crp *vm, double took, uint64_t cycles)
{
    double sum = 0;
    qsort(pauses, count, sizeof *pauses, by_size);
    for (size_t i = 0; i < count; i++) sum += pauses[i];
    printf("%-8s longest %6.2f ms (mark %.2f, sweep %.2f, begin and finish %.2f), 99.9 %% %5.2f ms, %6zu pauses, "
           "%4.1f %% of %5.1f s, %2u cycles, %zu MB in use, at most %zu MB\n",
           s->name, count ? pauses[count - 1] : 0, longest_of[CRPI_MARKING], longest_of[CRPI_SWEEPING], longest_of[3],
           count ? pauses[count - 1 - count / 1000] : 0, count, 100 * sum / took, took / 1e3, (unsigned)cycles, vm->mem.used >> 20,
           vm->mem.peak >> 20);
    fflush(stdout);
}

/* The longest pause. */
static double measure(const shape *s, size_t mb, unsigned cycles)
{
    crp *vm = NULL;
    char text[400];
    if (crp_new(NULL, &vm)) exit(2);
    run(vm, RANDOM "(defun NIL turn () (for i (range 0 20000) (churn i)))\n");
    snprintf(text, sizeof text, "(set ::n %zu)", mb * 1000000 / s->bytes);
    run(vm, text);
    vm->heap.pause = time_pause;
    count = 0;
    memset(longest_of, 0, sizeof longest_of);
    double start = now();
    run(vm, s->fill);
    run(vm, s->churn);
    uint64_t end = vm->heap.collections + cycles;
    while (vm->heap.collections < end) run(vm, "(turn)");
    report(s, vm, now() - start, cycles);
    crp_free(vm);
    return count ? pauses[count - 1] : 0;
}

int main(int argc, char **argv)
{
    size_t mb = 500;
    unsigned cycles = 4;
    double longest = 0;
    bool named = false;
    pauses = malloc(MOST_PAUSES * sizeof *pauses);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "MB=", 3) == 0) mb = (size_t)atol(argv[i] + 3);
        else if (strncmp(argv[i], "CYCLES=", 7) == 0) cycles = (unsigned)atoi(argv[i] + 7);
        else if (strcmp(argv[i], "CLOCK=cpu") == 0) clock_used = CLOCK_PROCESS_CPUTIME_ID;
        else named = true;
    }
    for (size_t k = 0; pauses && k < sizeof shapes / sizeof *shapes; k++) {
        bool wanted = !named;
        for (int i = 1; i < argc; i++) wanted |= strcmp(argv[i], shapes[k].name) == 0;
        double took = wanted ? measure(&shapes[k], mb, cycles) : 0;
        if (took > longest) longest = took;
    }
    printf("longest pause %.2f ms, bar %d ms\n", longest, BAR_MS);
    return longest > BAR_MS;
}
