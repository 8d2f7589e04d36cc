/* floor 8: (atEnd function): what runs when the program ends.
 *
 * The functions are a List in the registry, the last one first.  Whoever runs the program says when its end has come;
 * giving up the interpreter is not it, because by then nobody may be there to hear of errors, or to wait.
 */
#include "api.h"

#include "lib.h"

enum { MOST_FUNCTIONS = 10000 };

static crp_status list_of(crp *vm, crp_word *table, crp_word *key, crp_word *list)
{
    *list = CRP_NIL;
    crp_status st = crp_registry(vm, table);
    if (!st) st = crp_symbol(vm, "atEnd", 5, key);
    if (!st) crp_hashtable_get(vm, *table, *key, list);
    return st;
}

static crp_status at_end(crp_call *c)
{
    crp *vm = c->vm;
    crp_word table, key, list, function;
    crp_status st = crpi_lib_function(vm, c->args[0], &function);
    if (!st) st = list_of(vm, &table, &key, &list);
    if (st) return st;
    int n = 0;
    for (crp_word at = list; crp_is_pair(at); at = crp_tail(at)) n++;
    if (vm->ending) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "atEnd: the program is ending already");
    if (n == MOST_FUNCTIONS)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "atEnd: more than %d functions", (int)MOST_FUNCTIONS);
    st = crp_cons(vm, function, list, &list);
    return st ? st : crp_hashtable_set(vm, table, key, list);
}

/* The first function runs, and is in the List until it has: there the collector finds it. */
static crp_status run_first(crp *vm, bool *more)
{
    crp_word table, key, list;
    crp_status st = list_of(vm, &table, &key, &list);
    *more = !st && crp_is_pair(list);
    if (!*more) return st;
    st = crpi_call(vm, crp_head(list), NULL, 0, NULL);
    crp_word error = vm->error;
    if (crp_hashtable_set(vm, table, key, crp_tail(list))) *more = false;
    vm->error = error;
    return st;
}

/* What one calls `stop` for does not stop the others. */
static crp_status run_one(crp *vm, bool *more)
{
    crpi_visit visit;
    vm->stopped = false;
    crp_status st = crpi_visit_begin(vm, &visit);
    *more = st == CRP_E_CANCELLED;
    return st ? st : crpi_visit_end(vm, &visit, run_first(vm, more));
}

crp_status crp_end(crp *vm, void (*failed)(void *ud), void *ud)
{
    crp_status first = CRP_OK;
    bool stopped = vm->stopped, more = !vm->ending;
    if (!more) return CRP_OK;
    vm->ending = true;
    vm->stopped = false;
    crpi_tasks_finish(vm);
    while (more) {
        crp_status st = run_one(vm, &more);
        if (st && st != CRP_E_CANCELLED && failed) failed(ud);
        if (st && st != CRP_E_CANCELLED && !first) first = st;
        stopped |= vm->stopped;
    }
    crpi_tasks_finish(vm);
    crpi_reports_write(vm, true);
    vm->stopped = stopped;
    vm->ending = false;
    return first;
}

static const crp_method functions[] = {
    {"atEnd", "NIL (function Object)", at_end,
     "The function is called, without arguments, when the program ends: after its last form, an error that nobody caught, "
     "`stop`, a signal, or the end of a dialogue. The last one that was given is called first. An error in one is reported, "
     "and the others are called all the same; `stop` in one gives the exit status. 1.2 while they run, and beyond 10,000.\n"
     "(atEnd (lambda () (print \"good bye\")))\n"
     "(atEnd \"nothing\")                            # error: 1.4",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_at_end(crp *vm) { return crp_define_functions(vm, functions); }
