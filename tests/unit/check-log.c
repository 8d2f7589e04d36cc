/* Log: what its records look like, and that it never gets in the way. */
#include <fcntl.h>
#include <errno.h>
#include <unistd.h>
#include "comms.h"

static char folder[] = "/tmp/carapace-log-XXXXXX", path[64];
static crp_word journal;
static int64_t seconds;
static ssize_t room; /* bytes that the disk still takes; -1: any number */
static ssize_t (*real_write)(void *, int, const void *, size_t);

static void clock_of_the_test(void *state, int64_t *s, int32_t *ns)
{
    (void)state;
    *s = seconds;
    *ns = 7999999;
}

static ssize_t write_while_there_is_room(void *state, int fd, const void *bytes, size_t n)
{
    if (room < 0) return real_write(state, fd, bytes, n);
    if (room == 0) return -ENOSPC;
    if (n > (size_t)room) n = (size_t)room;
    room -= (ssize_t)n;
    return real_write(state, fd, bytes, n);
}

static void open_log(const char *levels)
{
    comms_open();
    comms_platform.clock = clock_of_the_test;
    real_write = comms_platform.write;
    comms_platform.write = write_while_there_is_room;
    room = -1;
    seconds = 1767225600; /* 2026-01-01 */
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/mail.log", folder);
    journal = make("Log");
    expect_ok(set(journal, "directory", text(folder)));
    expect_ok(set(journal, "file", text("mail.log")));
    expect_ok(set(journal, "levels", text(levels)));
}

static void close_log(void)
{
    unlink(path);
    rmdir(folder);
    comms_close();
}

static const char *content(void)
{
    static char all[1 << 20];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, all, sizeof all - 1);
    if (fd >= 0) close(fd);
    all[n < 0 ? 0 : n] = 0;
    return all;
}

#define SAYS(expected) ck_assert_str_eq(content(), expected)

START_TEST(a_record_is_a_line_with_time_mark_level_and_text)
{
    open_log("com,script,production");
    expect_ok(call(journal, "info", NULL, text("a"), number(1), text("b")));
    seconds += 86399;
    expect_ok(call(journal, "warn", NULL, text("take care")));
    seconds = 951782400 - 1; /* before the 29th of February of 2000 */
    expect_ok(call(journal, "error", NULL, text("oh")));
    seconds += 86401;
    expect_ok(call(journal, "write", NULL, text("com"), text("x")));
    SAYS("2026-01-01T00:00:00.007Z   script - - - a1b\n"
         "2026-01-01T23:59:59.007Z ! script - - - take care\n"
         "2000-02-28T23:59:59.007Z * script - - - oh\n"
         "2000-03-01T00:00:00.007Z   com - - - x\n");
    close_log();
}
END_TEST

START_TEST(only_levels_that_it_is_open_for_are_written)
{
    open_log(" pdus, ,com ");
    expect_ok(call(journal, "info", NULL, text("no")));
    expect_ok(call(journal, "write", NULL, text("debug"), text("no")));
    expect_ok(call(journal, "write", NULL, text("pdus"), text("yes")));
    SAYS("2026-01-01T00:00:00.007Z   pdus - - - yes\n");
    expect_error("1.8: no level \"loud\": expected debug, trace", set(journal, "levels", text("com,loud")));
    expect_text(get(journal, "levels"), " pdus, ,com ");
    expect_error("1.8: no level \"Com\"", call(journal, "write", NULL, text("Com"), text("x")));
    close_log();
}
END_TEST

START_TEST(what_comes_from_outside_is_escaped_and_cut)
{
    open_log("script");
    expect_ok(call(journal, "info", NULL, text("a\r\nb\x1b[0m\xff \xe2\x80\xae \xc3\xa9%s")));
    SAYS("2026-01-01T00:00:00.007Z   script - - - a\\x0d\\x0ab\\x1b[0m\\xff \\xe2\\x80\\xae \xc3\xa9%s\n");
    static char big[10000];
    memset(big, 'x', sizeof big - 1);
    expect_ok(call(journal, "info", NULL, text(big)));
    ck_assert_uint_lt(strlen(content()), 4400);
    close_log();
}
END_TEST

START_TEST(layers_of_stacks_write_with_their_number_and_direction)
{
    open_log("pdus,com");
    crp_word util = make("Util"), other = make("Util");
    crp_word first = STACK(make("Memory"), util), second = STACK(make("Memory"), other);
    expect_ok(set(first, "log", journal));
    expect_ok(set(second, "log", journal));
    crp_module_log(vm, crp_module_of(vm, util), CRP_LOG_PDUS, CRP_SENT, "QUIT", 4, false);
    crp_module_log(vm, crp_module_of(vm, other), CRP_LOG_PDUS, CRP_RECEIVED, "+OK", 3, false);
    crp_module_log(vm, crp_module_of(vm, other), CRP_LOG_PDUS, CRP_SENT, "hunter2", 7, true);
    crp_module_note(vm, crp_module_of(vm, util), CRP_LOG_COM, CRP_LOG_WARN, "well");
    SAYS("2026-01-01T00:00:00.007Z   pdus 1 Util > QUIT\n"
         "2026-01-01T00:00:00.007Z   pdus 2 Util < +OK\n"
         "2026-01-01T00:00:00.007Z   pdus 2 Util > ***\n"
         "2026-01-01T00:00:00.007Z ! com 1 Util - well\n");
    close_log();
}
END_TEST

START_TEST(over_its_size_it_clears_itself_and_starts_again)
{
    open_log("script");
    expect_ok(set(journal, "maxSize", number(1)));
    for (int i = 0; i < 20; i++)
        expect_ok(call(journal, "info", NULL, text("forty bytes of text in every one of them")));
    size_t n = strlen(content()), line = strcspn(content(), "\n") + 1;
    ck_assert(n > line && n < 20 * line && n <= 1024 && n % line == 0);
    close_log();
}
END_TEST

START_TEST(what_was_in_the_file_counts_too)
{
    open_log("script");
    expect_ok(set(journal, "maxSize", number(1)));
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 100; i++) ck_assert_int_eq(write(fd, "0123456789", 10), 10);
    close(fd);
    expect_ok(call(journal, "info", NULL, text("a")));
    SAYS("2026-01-01T00:00:00.007Z   script - - - a\n");
    close_log();
}
END_TEST

START_TEST(a_full_disk_is_owned_up_to_later)
{
    open_log("script");
    expect_ok(call(journal, "info", NULL, text("one")));
    room = 10;
    expect_ok(call(journal, "info", NULL, text("two")));
    expect_ok(call(journal, "info", NULL, text("three")));
    room = -1;
    expect_ok(call(journal, "info", NULL, text("four")));
    SAYS("2026-01-01T00:00:00.007Z   script - - - one\n"
         "2026-01-01\n"
         "2026-01-01T00:00:00.007Z ! production - - - records that could not be written: 2\n"
         "2026-01-01T00:00:00.007Z   script - - - four\n");
    ck_assert(crp_pending_error(vm) == CRP_NIL);
    close_log();
}
END_TEST

START_TEST(only_open_tells_that_a_file_cannot_be_opened)
{
    open_log("script,production");
    expect_ok(set(journal, "directory", text("/no/such/folder")));
    expect_ok(call(journal, "info", NULL, text("lost")));
    ck_assert(get(journal, "isOpen") == CRP_NIL);
    expect_error("5.1: cannot open the log \"/no/such/folder/mail.log\": no such file or directory",
                 call(journal, "open", NULL));
    expect_ok(set(journal, "file", text(path)));
    expect_ok(call(journal, "open", NULL));
    ck_assert(get(journal, "isOpen") == CRP_TRUE);
    expect_ok(call(journal, "info", NULL, text("there")));
    SAYS("2026-01-01T00:00:00.007Z ! production - - - records that could not be written: 1\n"
         "2026-01-01T00:00:00.007Z   script - - - there\n");
    expect_ok(set(journal, "file", text("")));
    expect_error("4.1: Log: `file` is not set", call(journal, "open", NULL));
    close_log();
}
END_TEST

START_TEST(a_closed_log_drops_records_until_it_is_opened)
{
    open_log("script");
    ck_assert(get(journal, "isOpen") == CRP_NIL);
    expect_ok(call(journal, "info", NULL, text("one")));
    ck_assert(get(journal, "isOpen") == CRP_TRUE);
    expect_ok(call(journal, "close", NULL));
    expect_ok(call(journal, "info", NULL, text("two")));
    ck_assert(get(journal, "isOpen") == CRP_NIL);
    expect_ok(call(journal, "open", NULL));
    expect_ok(call(journal, "info", NULL, text("three")));
    SAYS("2026-01-01T00:00:00.007Z   script - - - one\n2026-01-01T00:00:00.007Z   script - - - three\n");
    close_log();
}
END_TEST

START_TEST(an_error_on_its_way_up_is_not_disturbed)
{
    open_log("com");
    expect_ok(set(journal, "directory", text("/no/such/folder")));
    crp_word util = make("Util");
    expect_ok(set(util, "log", journal));
    crp_raise(vm, 42, 1, "the error");
    crp_module_note(vm, crp_module_of(vm, util), CRP_LOG_COM, CRP_LOG_INFO, "x");
    ck_assert_str_eq(bare_error(vm), "42.1: the error");
    crp_clear_error(vm);
    close_log();
}
END_TEST

START_TEST(a_log_without_memory_writes_nothing_and_leaves_nothing)
{
    open_log("com");
    crp_word util = make("Util");
    expect_ok(set(util, "log", journal));
    for (uint64_t n = 1; n < 20; n++) {
        vm->mem.fail_at = vm->mem.count + n;
        crp_module_note(vm, crp_module_of(vm, util), CRP_LOG_COM, CRP_LOG_INFO, "x");
        vm->mem.fail_at = 0;
        ck_assert(crp_pending_error(vm) == CRP_NIL);
    }
    ck_assert_ptr_nonnull(strstr(content(), "com - Util - x\n"));
    close_log();
}
END_TEST

UNIT_MAIN("log", a_record_is_a_line_with_time_mark_level_and_text,
          only_levels_that_it_is_open_for_are_written, what_comes_from_outside_is_escaped_and_cut,
          layers_of_stacks_write_with_their_number_and_direction,
          over_its_size_it_clears_itself_and_starts_again, what_was_in_the_file_counts_too,
          a_full_disk_is_owned_up_to_later, only_open_tells_that_a_file_cannot_be_opened,
          a_closed_log_drops_records_until_it_is_opened, an_error_on_its_way_up_is_not_disturbed,
          a_log_without_memory_writes_nothing_and_leaves_nothing)
