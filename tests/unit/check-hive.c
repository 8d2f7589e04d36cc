/* Three configuration files together: the system's file stands in this test's folder, which is why hive.c is
 * compiled here anew. */
#define CRPI_SYSTEM_CONF "system.conf"
#include "../../interp/hive.c"

#include "unit.h"

#include <stdio.h>
#include <unistd.h>
#include "api.h"
#include "platform-virtual.h"

static crp *vm;
static crpi_virtual virtual_time;
static char printed[20000], folder[40];

static void collect(void *ud, int fd, const char *bytes, size_t length)
{
    size_t have = strlen(printed);
    (void)ud, (void)fd;
    ck_assert_uint_lt(have + length, sizeof printed);
    memcpy(printed + have, bytes, length);
    printed[have + length] = 0;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void holds(const char *name, const char *expected)
{
    char text[2000];
    FILE *f = fopen(name, "r");
    ck_assert_msg(f != NULL, "%s", name);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    ck_assert_str_eq(text, expected);
}

static void open_vm(void)
{
    void *real;
    crp_config config;
    strcpy(folder, "/tmp/check-hive-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    setenv("XDG_CONFIG_HOME", folder, 1);
    unsetenv("CARAPACE_CONFIG");
    ck_assert(crp_platform_unix_open(&real));
    crpi_virtual_init(&virtual_time, &crp_platform_unix, real);
    crp_config_init(&config);
    config.platform = &crpi_platform_virtual;
    config.platform_state = &virtual_time;
    ck_assert_int_eq(crp_new(&config, &vm), CRP_OK);
    crp_io(vm, collect, NULL);
    printed[0] = 0;
}

static void close_vm(void)
{
    crp_free(vm);
    crp_platform_unix_close(virtual_time.below_state);
    ck_assert_int_eq(system("rm -rf carapace system.conf own"), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void prints(const char *text, const char *expected)
{
    crp_error_info info = {.size = sizeof info};
    printed[0] = 0;
    crp_status st = crp_eval(vm, text, strlen(text), "test", NULL);
    if (st) crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_msg(st == CRP_OK, "%s: %s", text, st ? info.message : "");
    ck_assert_str_eq(printed, expected);
}

static const char system_text[] =
    "# the company's\n[Services/Office]\nhost = \"h\" # fast\nport = 1\n# end\n[B]\n";

START_TEST(the_systems_sections_are_seen_until_the_user_has_them)
{
    open_vm();
    put("system.conf", system_text);
    prints("(set r (create Registry \"Services/Office\")) (print (r.list) ((create Registry \"\").sections))",
           "((\"host\" \"h\") (\"port\" 1))\n(\"Services\" \"B\")\n");
    prints("((create Registry \"Services/Office\" \"CurrentUser\").set \"x\" 2) (print (r.list))",
           "((\"x\" 2))\n");
    close_vm();
}
END_TEST

START_TEST(a_change_of_the_systems_section_copies_it_to_the_user)
{
    open_vm();
    put("system.conf", system_text);
    prints("(set r (create Registry \"Services/Office\")) (r.set \"port\" 995) (print (r.list))",
           "((\"host\" \"h\") (\"port\" 995))\n");
    holds("carapace/carapace.conf", "[Services/Office]\nhost = \"h\" # fast\nport = 995\n");
    holds("system.conf", system_text);
    close_vm();
}
END_TEST

START_TEST(removing_from_the_systems_section_copies_the_rest)
{
    open_vm();
    put("system.conf", system_text);
    prints("(set r (create Registry \"Services/Office\")) (print (r.remove \"nothing\"))", "()\n");
    ck_assert_int_ne(access("carapace/carapace.conf", F_OK), 0);
    prints("(print (r.remove \"port\") (r.list))", "true\n((\"host\" \"h\"))\n");
    holds("system.conf", system_text);
    close_vm();
}
END_TEST

START_TEST(removing_a_section_touches_the_users_file_only)
{
    open_vm();
    put("system.conf", system_text);
    prints("(set top (create Registry \"Services\")) (print (top.removeSection \"Office\"))", "()\n");
    prints("((create Registry \"Services/Office\").set \"port\" 2) (print (top.removeSection \"Office\"))"
           "(print ((create Registry \"Services/Office\").get \"port\"))",
           "true\n1\n");
    holds("system.conf", system_text);
    close_vm();
}
END_TEST

START_TEST(a_new_file_of_the_system_can_be_read_by_all)
{
    struct stat status;
    open_vm();
    prints("((create Registry \"A\" \"LocalMachine\").set \"x\" 1)", "");
    ck_assert_int_eq(stat("system.conf", &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0644);
    close_vm();
}
END_TEST

START_TEST(a_lock_that_another_program_holds_is_waited_for_ten_seconds)
{
    open_vm();
    prints("(set r (create Registry \"A\" \"CurrentUser\")) (r.set \"x\" 1)", "");
    int fd = open("carapace", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    prints("(set t (time)) (print (try (r.set \"x\" 2) (catch \"5.4\" (- (time) t))) (r.get \"x\"))",
           "10000\n1\n");
    close(fd);
    prints("(r.set \"x\" 3) (print (r.get \"x\"))", "3\n");
    close_vm();
}
END_TEST

START_TEST(the_warning_of_a_password_comes_with_a_change_too)
{
    open_vm();
    put("system.conf", "[A]\nx = 1\n");
    ck_assert_int_eq(chmod("system.conf", 0644), 0);
    prints("((create Registry \"A\" \"LocalMachine\").set \"password\" \"p\")",
           "carapace: warning: system.conf holds a password and others can read it: chmod 600 system.conf\n");
    close_vm();
}
END_TEST

START_TEST(a_build_of_a_stack_finds_the_systems_stack_for_the_users_service)
{
    open_vm();
    put("system.conf", "[Stacks/Wire]\nmodules = \"Util,Tcp\"\nport = 995\n");
    prints(
        "((create Registry \"Services/Office\").set \"stack\" \"Wire\") (set s (buildCommsStack \"Office\"))"
        "(print s.depth (s.get \"port\"))",
        "2\n995\n");
    close_vm();
}
END_TEST

UNIT_MAIN("hive", the_systems_sections_are_seen_until_the_user_has_them,
          a_change_of_the_systems_section_copies_it_to_the_user,
          removing_from_the_systems_section_copies_the_rest, removing_a_section_touches_the_users_file_only,
          a_new_file_of_the_system_can_be_read_by_all,
          a_lock_that_another_program_holds_is_waited_for_ten_seconds,
          the_warning_of_a_password_comes_with_a_change_too,
          a_build_of_a_stack_finds_the_systems_stack_for_the_users_service)
