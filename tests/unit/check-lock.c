/* Events and Locks between tasks, on the virtual clock: scripts have no tasks of their own, so two natives
 * start and cancel some. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include "api.h"
#include "named.h"
#include "platform-virtual.h"
#include "task.h"

/* --- an interpreter whose scripts can start tasks ------------------------------------------------------- */

static crp *vm;
static crpi_virtual virtual_time;
static char printed[20000];
static crpi_task *started[1000];
static size_t started_count;

static void collect(void *ud, int fd, const char *bytes, size_t length)
{
    size_t have = strlen(printed);
    (void)ud, (void)fd;
    ck_assert_uint_lt(have + length, sizeof printed);
    memcpy(printed + have, bytes, length);
    printed[have + length] = 0;
}

/* (inTask f) calls f in a task of its own and gives its number. */
static crp_status in_task(crp_call *c)
{
    ck_assert_uint_lt(started_count, sizeof started / sizeof *started);
    crp_status st = crpi_task_new(c->vm, c->args[0], CRP_UNSET, NULL, 0, &started[started_count]);
    return st ? st : crp_integer(c->vm, (int64_t)started_count++, &c->result);
}

static crp_status cancel(crp_call *c)
{
    crpi_task *task = started[crp_integer_value(c->args[0])];
    crp_task_cancel(c->vm, crp_from_object(task));
    return CRP_OK;
}

static crp_status collect_garbage(crp_call *c)
{
    crpi_collect(c->vm);
    return CRP_OK;
}

static crp_status count_named(crp_call *c)
{
    int64_t n = 0;
    for (const crpi_named *o = c->vm->tasks->named; o; o = o->next) n++;
    return crp_integer(c->vm, n, &c->result);
}

static const crp_method natives[] = {{"inTask", "Integer (f Function)", in_task, "x", 0, NULL, NULL},
                                     {"cancel", "NIL (task Integer)", cancel, "x", 0, NULL, NULL},
                                     {"collect", "NIL", collect_garbage, "x", 0, NULL, NULL},
                                     {"named", "Integer", count_named, "x", 0, NULL, NULL},
                                     {0}};

static void open_vm(void)
{
    void *real;
    crp_config config;
    ck_assert(crp_platform_unix_open(&real));
    crpi_virtual_init(&virtual_time, &crp_platform_unix, real);
    crp_config_init(&config);
    config.platform = &crpi_platform_virtual;
    config.platform_state = &virtual_time;
    ck_assert_int_eq(crp_new(&config, &vm), CRP_OK);
    ck_assert_int_eq(crp_define_functions(vm, natives), CRP_OK);
    crp_io(vm, collect, NULL);
    printed[0] = 0;
    started_count = 0;
}

static void close_vm(void)
{
    crp_free(vm);
    crp_platform_unix_close(virtual_time.below_state);
}

static void run(const char *text)
{
    crp_error_info info = {.size = sizeof info};
    crp_status st = crp_eval(vm, text, strlen(text), "test", NULL);
    if (st) crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_msg(st == CRP_OK, "%s: %s", text, st ? info.message : "");
}

/* Runs a script in an interpreter of its own. */
static void prints(const char *text, const char *expected)
{
    open_vm();
    run(text);
    ck_assert_str_eq(printed, expected);
    close_vm();
}

/* --- Event ---------------------------------------------------------------------------------------------- */

START_TEST(set_lets_all_that_wait_go_on_and_later_ones_too)
{
    prints("(set e (create Event))"
           "(for i '(1 2 3) (inTask (lambda () (printAux i (e.wait) \" \"))))"
           "(sleep 10) (printAux \"set \") (e.set) (sleep 0)"
           "(inTask (lambda () (printAux \"later\" (e.wait)))) (sleep 0)",
           "set 1true 2true 3true latertrue");
}
END_TEST

START_TEST(pulse_lets_go_who_waits_just_now_and_nobody_else)
{
    prints("(set e (create Event))"
           "(for i '(1 2) (inTask (lambda () (printAux i (e.wait 100) \" \"))))"
           "(sleep 1) (printAux (e.pulse) (e.isSet) \" \") (sleep 0)"
           "(inTask (lambda () (printAux \"late\" (e.wait 100)))) (sleep 1000)",
           "true() 1true 2true late()");
}
END_TEST

START_TEST(a_set_event_that_is_pulsed_is_unset)
{
    prints("(set e (create Event)) (e.set) (printAux (e.pulse) (e.state))", "()unset");
}
END_TEST

START_TEST(a_wait_that_is_over_in_time_says_so)
{
    prints("(set e (create Event)) (set t (time))"
           "(inTask (lambda () (sleep 500) (e.set)))"
           "(printAux (e.wait 499) (- (time) t) (e.wait 100) (- (time) t))",
           "()499true500");
}
END_TEST

START_TEST(wait_gives_the_first_of_the_list_that_is_set)
{
    prints("(set a (create Event \"a\")) (set b (create Event \"b\")) (set c (create Event \"c\"))"
           "(inTask (lambda () (sleep 5) (c.set) (b.set)))"
           "(print (wait (list a b c)).name (wait (list a) 7))",
           "b\n()\n");
}
END_TEST

START_TEST(wait_sees_each_of_a_thousand_events)
{
    prints("(set all ()) (for i (range 0 1000) (set all (cons (create Event) all)))"
           "(inTask (lambda () (sleep 5) ((all.get 777).set)))"
           "(set found (wait all))"
           "(print (all.member found)) (found.unset)"
           "(inTask (lambda () (sleep 5) ((all.get 3).pulse)))"
           "(print (all.member (wait all)))",
           "777\n3\n");
}
END_TEST

START_TEST(a_cancelled_wait_leaves_no_trace)
{
    prints("(set e (create Event))"
           "(set t (inTask (lambda () (e.wait)))) (set u (inTask (lambda () (wait (list e e)))))"
           "(sleep 1) (cancel t) (cancel u) (printAux (e.pulse))",
           "()");
}
END_TEST

START_TEST(events_that_nobody_holds_lose_their_name)
{
    prints(
        "(for i (range 0 100) (create Event (join (list \"e\" i)))) (set k (create Event \"kept\")) (k.set)"
        "(collect) (print (<= (named) 2) ((create Event \"kept\").isSet) ((create Event \"e5\").isSet))"
        "(create Lock \"kept\") (print (== k (create Event \"kept\")) (== k (create Lock \"kept\")))",
        "true\ntrue\n()\ntrue\n()\n");
}
END_TEST

START_TEST(ten_thousand_names_are_the_limit_of_those_that_are_held)
{
    prints("(set all ()) (for i (range 0 10000) (set all (cons (create Event (join (list i))) all)))"
           "(try (create Event \"more\") (catch \"1.2\" (printAux err.text \" \")))"
           "(set all ()) (printAux (create Event \"more\").name)",
           "more than 10000 Events and Locks with a name more");
}
END_TEST

/* --- Lock ----------------------------------------------------------------------------------------------- */

START_TEST(one_task_at_a_time_holds_a_lock_in_the_order_of_asking)
{
    prints(
        "(set l (create Lock))"
        "(for i '(1 2 3 4) (inTask (lambda () (l.lock) (printAux i) (sleep 10) (printAux \"-\") (l.unlock))))"
        "(sleep 1000)",
        "1-2-3-4-");
}
END_TEST

START_TEST(a_lock_that_is_held_too_long_is_not_got)
{
    prints("(set l (create Lock)) (set t (time))"
           "(inTask (lambda () (l.lock) (sleep 100) (l.unlock)))"
           "(sleep 1) (printAux (l.lock 50) (- (time) t) (l.lock 0) (l.lock 50) (- (time) t) (l.unlock))",
           "()51()ok100ok");
}
END_TEST

START_TEST(who_takes_a_lock_twice_gives_it_free_twice)
{
    prints("(set l (create Lock))"
           "(inTask (lambda () (l.lock) (l.lock) (l.unlock) (sleep 100) (printAux (l.isLocked) (l.unlock))))"
           "(sleep 1) (printAux (l.lock 5)) (l.lock) (printAux (l.isLocked))",
           "()trueoktrue");
}
END_TEST

START_TEST(another_task_cannot_give_a_lock_free)
{
    prints("(set l (create Lock)) (inTask (lambda () (l.lock) (sleep 10)))"
           "(sleep 1) (printAux (l.unlock) (l.isLocked))",
           "()true");
}
END_TEST

START_TEST(a_task_that_ends_gives_its_locks_free)
{
    prints("(set l (create Lock)) (inTask (lambda () (l.lock) (sleep 10)))"
           "(sleep 1) (printAux (l.isLocked)) (l.lock) (printAux (l.unlock))"
           "(inTask (lambda () (l.lock))) (sleep 0) (printAux (l.isLocked) (l.lock))",
           "trueok()ok");
}
END_TEST

START_TEST(a_cancelled_task_gives_its_lock_to_the_next_in_the_queue)
{
    prints("(set l (create Lock)) (set a (inTask (lambda () (l.lock) (sleep 1000))))"
           "(sleep 1) (set b (inTask (lambda () (l.lock) (printAux \"b\") (sleep 1000))))"
           "(inTask (lambda () (l.lock) (printAux \"c\")))"
           "(sleep 1) (cancel a) (sleep 1) (printAux \"-\") (cancel b) (sleep 1)",
           "b-c");
}
END_TEST

START_TEST(who_is_cancelled_in_the_queue_is_passed_over)
{
    prints("(set l (create Lock)) (inTask (lambda () (l.lock) (sleep 100) (l.unlock)))"
           "(sleep 1) (set b (inTask (lambda () (l.lock) (printAux \"b\"))))"
           "(sleep 1) (inTask (lambda () (l.lock) (printAux \"c\"))) (sleep 1) (cancel b) (sleep 1000)",
           "c");
}
END_TEST

START_TEST(a_task_that_ends_with_an_error_gives_its_lock_free)
{
    prints("(set l (create Lock)) (inTask (lambda () (l.lock) (headOf ()))) (sleep 0) (printAux (l.lock 0))",
           "ok");
}
END_TEST

START_TEST(the_forms_of_a_file_and_the_calls_of_a_host_are_one_task)
{
    open_vm();
    run("(set l (create Lock \"x\")) (l.lock)");
    run("(printAux (l.isLocked) (l.lock) (l.unlock) (l.isLocked) (l.unlock) (l.isLocked))");
    ck_assert_str_eq(printed, "trueokoktrueok()");
    close_vm();
}
END_TEST

START_TEST(a_lifetime_lock_of_a_file_is_released_when_it_is_collected)
{
    prints("(set l (create Lock \"x\")) (set g (create LifetimeLock l)) (collect) (printAux (l.isLocked))"
           "(inTask (lambda () (l.lock) (printAux \"got\"))) (sleep 0)"
           "(set g ()) (collect) (printAux (l.isLocked)) (sleep 0)"
           "(set g (create LifetimeLock (create Lock))) (set g ()) (collect)"
           "(set g (create LifetimeLock (create Lock)))",
           "true()got");
}
END_TEST

START_TEST(a_lifetime_lock_is_released_when_its_task_is_cancelled)
{
    prints("(set l (create Lock)) (defun NIL work () (create LifetimeLock l) (sleep 1000))"
           "(set t (inTask work)) (sleep 1) (printAux (l.isLocked))"
           "(set u (inTask work)) (sleep 1) (cancel u) (cancel t) (printAux (l.isLocked) (l.lock 0))",
           "true()ok");
}
END_TEST

START_TEST(lifetime_locks_take_turns)
{
    prints("(set l (create Lock)) (defun NIL work (i) (create LifetimeLock l) (printAux i) (sleep 10) "
           "(printAux \"-\"))"
           "(for i '(1 2 3) (inTask (lambda () (work i)))) (sleep 1000)",
           "1-2-3-");
}
END_TEST

START_TEST(one_task_at_a_time_is_in_a_critical_section)
{
    prints("(set s (create CriticalSection))"
           "(for i '(1 2 3) (inTask (lambda () (s.lock) (s.lock) (printAux i) (sleep 10) (printAux \"-\")"
           " (s.unlock) (s.unlock))))"
           "(sleep 5) (try (s.unlock) (catch \"1.2\" (printAux \"not mine\"))) (sleep 1000)",
           "1not mine-2-3-");
}
END_TEST

START_TEST(a_hundred_tasks_lose_no_turn)
{
    prints("(set l (create Lock)) (set n 0) (set done (create Event))"
           "(for i (range 0 100) (inTask (lambda () (for k (range 0 10) (l.lock) (let ((v n)) (sleep 1) (set "
           "n (+ v 1)))"
           " (l.unlock)) (if (== n 1000) (done.set)))))"
           "(done.wait) (printAux n)",
           "1000");
}
END_TEST

START_TEST(an_interpreter_ends_while_tasks_wait)
{
    open_vm();
    run("(set l (create Lock \"x\")) (set e (create Event \"x\")) (l.lock)"
        "(for i (range 0 10) (inTask (lambda () (l.lock))) (inTask (lambda () (e.wait)))"
        " (inTask (lambda () (wait (list e e e e e)))))"
        "(sleep 1)");
    close_vm();
}
END_TEST

UNIT_MAIN("lock", set_lets_all_that_wait_go_on_and_later_ones_too,
          pulse_lets_go_who_waits_just_now_and_nobody_else, a_set_event_that_is_pulsed_is_unset,
          a_wait_that_is_over_in_time_says_so, wait_gives_the_first_of_the_list_that_is_set,
          wait_sees_each_of_a_thousand_events, a_cancelled_wait_leaves_no_trace,
          events_that_nobody_holds_lose_their_name, ten_thousand_names_are_the_limit_of_those_that_are_held,
          one_task_at_a_time_holds_a_lock_in_the_order_of_asking, a_lock_that_is_held_too_long_is_not_got,
          who_takes_a_lock_twice_gives_it_free_twice, another_task_cannot_give_a_lock_free,
          a_task_that_ends_gives_its_locks_free, a_cancelled_task_gives_its_lock_to_the_next_in_the_queue,
          who_is_cancelled_in_the_queue_is_passed_over, a_task_that_ends_with_an_error_gives_its_lock_free,
          the_forms_of_a_file_and_the_calls_of_a_host_are_one_task,
          a_lifetime_lock_of_a_file_is_released_when_it_is_collected,
          a_lifetime_lock_is_released_when_its_task_is_cancelled, lifetime_locks_take_turns,
          one_task_at_a_time_is_in_a_critical_section, a_hundred_tasks_lose_no_turn,
          an_interpreter_ends_while_tasks_wait)
