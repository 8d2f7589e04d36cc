/* A host and a script that call each other, with Carapace.
 *
 *     ask-carapace script|script-handles|native|handles N
 *
 * script: C calls a function of the script N times, with what it returned the last time, as words (native.h);
 * script-handles: as handles (carapace.h).  native: a script calls a function in C so, one that works on words; handles: one
 * that works on handles.  Prints the last value.  ask-lua.c does the same. */
#include "carapace.h"
#include "native.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char text[] = "(defun Integer next ((x Integer)) (+ x 1))\n"
                           "(defun Integer words ((n Integer))\n"
                           "    (local (i Integer) (x Integer))\n"
                           "    (while (< i n)\n"
                           "        (set x (nativeNext x))\n"
                           "        (set i (+ i 1))\n"
                           "    )\n"
                           "    x\n"
                           ")\n"
                           "(defun Integer handles ((n Integer))\n"
                           "    (local (i Integer) (x Integer))\n"
                           "    (while (< i n)\n"
                           "        (set x (hostNext x))\n"
                           "        (set i (+ i 1))\n"
                           "    )\n"
                           "    x\n"
                           ")\n";

static crp_status native_next(crp_call *c) { return crp_integer(c->vm, crp_integer_value(c->args[0]) + 1, &c->result); }

static const crp_method natives[] = {
    {"nativeNext", "Integer (x Integer)", native_next, "The next Integer.", 0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL},
};

static crp_status host_next(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *out)
{
    int64_t x;
    (void)ud, (void)self, (void)count;
    crp_status st = crp_get_int(vm, args[0], &x);
    return st ? st : crp_int(vm, x + 1, out);
}

/* What the function makes of x.  The handles of this call are gone after it. */
static crp_status ask(crp *vm, crp_val function, int64_t *x)
{
    crp_val argument, result;
    size_t scope = crp_scope_open(vm);
    crp_status st = crp_int(vm, *x, &argument);
    if (!st) st = crp_call_val(vm, function, &argument, 1, &result);
    if (!st) st = crp_get_int(vm, result, x);
    crp_scope_close(vm, scope);
    return st;
}

/* The same with words; the function's lives as long as its handle. */
static crp_status ask_words(crp *vm, crp_word function, int64_t *x)
{
    crp_word argument, result;
    crp_status st = crp_integer(vm, *x, &argument);
    if (!st) st = crp_call_words(vm, function, &argument, 1, &result);
    if (!st) *x = crp_integer_value(result);
    return st;
}

static crp_status count_words(crp *vm, crp_val function, int64_t n, int64_t *x)
{
    crp_word word;
    crp_status st = crp_word_of(vm, function, &word);
    for (*x = 0; !st && n > 0; n--) st = ask_words(vm, word, x);
    return st;
}

static crp_status count_handles(crp *vm, crp_val function, int64_t n, int64_t *x)
{
    crp_status st = CRP_OK;
    for (*x = 0; !st && n > 0; n--) st = ask(vm, function, x);
    return st;
}

static crp_status count(crp *vm, const char *way, int64_t n, int64_t *x)
{
    crp_val function;
    const char *name = !strncmp(way, "script", 6) ? "next" : !strcmp(way, "native") ? "words" : "handles";
    crp_status st = crp_eval(vm, name, strlen(name), "host", &function);
    if (st) return st;
    if (!strcmp(way, "script")) return count_words(vm, function, n, x);
    if (!strcmp(way, "script-handles")) return count_handles(vm, function, n, x);
    *x = n;
    return ask(vm, function, x);
}

static crp_status make(crp **vm)
{
    crp_status st = crp_new(NULL, vm);
    if (!st) st = crp_define_functions(*vm, natives);
    if (!st) st = crp_defun(*vm, "hostNext", "Integer (x Integer)", "The next Integer.", host_next, NULL);
    return st ? st : crp_eval(*vm, text, sizeof text - 1, "host", NULL);
}

int main(int argc, char **argv)
{
    crp *vm = NULL;
    int64_t x = 0;
    if (argc < 3) return 2;
    crp_status st = make(&vm);
    if (!st) st = count(vm, argv[1], atoll(argv[2]), &x);
    printf("%" PRId64 "\n", x);
    crp_free(vm);
    return st ? 1 : 0;
}
