/* Loading: where files are looked for, what `require` remembers, what -c runs. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "api.h"

static char folder[64];
static char printed[4000];

static void collect(void *ud, int fd, const char *bytes, size_t length)
{
    (void)ud, (void)fd;
    strncat(printed, bytes, length);
}

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static crp *open_with(const char *directory)
{
    const char *path[] = {directory, NULL};
    crp_config config;
    crp *vm = NULL;
    snprintf(folder, sizeof folder, "/tmp/check-load-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    unsetenv("CARAPACE_PATH");
    crp_config_init(&config);
    config.path = path;
    ck_assert_int_eq(crp_new(&config, &vm), CRP_OK);
    printed[0] = 0;
    crp_io(vm, collect, NULL);
    return vm;
}

static void close_all(crp *vm)
{
    char command[100];
    crp_free(vm);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static crp_status run(crp *vm, const char *text, const char *name)
{
    return crp_eval(vm, text, strlen(text), name, NULL);
}

static const char *message(crp *vm)
{
    crp_error_info info = {.size = sizeof info};
    const crp_error *error = crp_error_last(vm);
    if (!error) return "none";
    crp_error_info_get(error, &info);
    return info.message;
}

#define ASSERT_PRINTS(vm, text, expected)                                                                    \
    do {                                                                                                     \
        printed[0] = 0;                                                                                      \
        crp_status st_ = run(vm, text, "test");                                                              \
        ck_assert_msg(st_ == CRP_OK, "%s: %s", text, message(vm));                                           \
        ck_assert_str_eq(printed, expected);                                                                 \
    } while (0)

START_TEST(a_file_is_found_beside_the_one_that_loads_it_first)
{
    crp *vm = open_with("elsewhere");
    mkdir(path_of("sub"), 0700);
    mkdir(path_of("elsewhere"), 0700);
    write_file("part.crp", "(print \"working directory\")");
    write_file("sub/part.crp", "(print \"beside\")");
    write_file("sub/main.crp", "(load \"part\")");
    write_file("elsewhere/part.crp", "(print \"path\")");
    write_file("elsewhere/other.crp", "(print \"other\")");
    ck_assert_int_eq(crp_eval_file(vm, path_of("sub/main.crp"), NULL), CRP_OK);
    ck_assert_str_eq(printed, "beside\n");
    ASSERT_PRINTS(vm, "(load \"part\")", "working directory\n");
    ASSERT_PRINTS(vm, "(load \"other\")", "other\n");
    ASSERT_PRINTS(vm, "(load \"sub/part\")", "beside\n");
    close_all(vm);
}
END_TEST

START_TEST(the_extension_may_be_left_out_and_a_folder_is_no_file)
{
    crp *vm = open_with(".");
    mkdir(path_of("thing"), 0700);
    write_file("thing.crp", "(print \"file\")");
    write_file("plain", "(print \"plain\")");
    ASSERT_PRINTS(vm, "(load \"thing\") (load \"thing.crp\") (load \"plain\")", "file\nfile\nplain\n");
    close_all(vm);
}
END_TEST

START_TEST(what_is_not_found_names_the_places)
{
    crp *vm = open_with("/no/such/place");
    ck_assert_int_eq(run(vm, "(load \"nothing\")", "dir/test"), CRP_E_IO);
    ck_assert_ptr_nonnull(strstr(message(vm), "\"nothing\""));
    ck_assert_ptr_nonnull(strstr(message(vm), "dir/, /no/such/place, the standard library"));
    ck_assert_int_eq(run(vm, "(load \"\")", "test"), CRP_E_RAISED);
    ck_assert_int_eq(run(vm, "(load \"a\\0b\")", "test"), CRP_E_RAISED);
    close_all(vm);
}
END_TEST

START_TEST(the_standard_library_is_built_in)
{
    crp *vm = open_with(".");
    ck_assert_int_eq(run(vm, "(require \"mail\")", "test"), CRP_OK);
    close_all(vm);
}
END_TEST

START_TEST(require_loads_once_however_the_file_is_named)
{
    crp *vm = open_with(".");
    mkdir(path_of("sub"), 0700);
    write_file("once.crp", "(print \"once\")");
    ASSERT_PRINTS(
        vm,
        "(print (require \"once\") (require \"once.crp\") (require \"./once\") (require \"sub/../once\"))",
        "once\ntrue\n()\n()\n()\n");
    ASSERT_PRINTS(vm, "(load \"once\") (require \"once\")", "once\n");
    close_all(vm);
}
END_TEST

START_TEST(files_that_require_each_other_end)
{
    crp *vm = open_with(".");
    write_file("a.crp", "(require \"b\") (print \"a\")");
    write_file("b.crp", "(require \"a\") (print \"b\")");
    ASSERT_PRINTS(vm, "(require \"a\")", "b\na\n");
    write_file("loop.crp", "(load \"loop\")");
    ck_assert_int_eq(run(vm, "(load \"loop\")", "test"), CRP_E_RAISED);
    ck_assert_ptr_nonnull(strstr(message(vm), "more than"));
    ck_assert_uint_eq(vm->loader->active_count, 0);
    ck_assert_ptr_null(vm->loader->active);
    close_all(vm);
}
END_TEST

START_TEST(what_failed_to_load_may_be_required_again)
{
    crp *vm = open_with(".");
    write_file("x.crp", "(headOf ())");
    ck_assert_int_eq(run(vm, "(require \"x\")", "test"), CRP_E_RAISED);
    write_file("x.crp", "(print \"now\")");
    ASSERT_PRINTS(vm, "(require \"x\")", "now\n");
    close_all(vm);
}
END_TEST

START_TEST(a_loaded_files_parse_error_has_its_place_and_nothing_of_it_runs)
{
    crp *vm = open_with(".");
    crp_error_info info = {.size = sizeof info};
    write_file("bad.crp", "(print 1)\n(print");
    ck_assert_int_eq(run(vm, "(load \"bad\")", "test"), CRP_E_RAISED);
    crp_error_info_get(crp_error_last(vm), &info);
    ck_assert_int_eq(info.error_class, 8);
    ck_assert_str_eq(info.file, "bad.crp");
    ck_assert_uint_eq(info.line, 2);
    ck_assert_str_eq(printed, "");
    close_all(vm);
}
END_TEST

START_TEST(check_runs_nothing_but_definitions_and_follows_loads)
{
    crp *vm = open_with(".");
    write_file("part.crp", "(print \"part\") (class Part (interface (properties (x Integer))))");
    write_file("main.crp", "(require \"part\") (defun f ((p Part)) p) (print \"main\") (f (create Part))");
    ck_assert_msg(crp_check_file(vm, path_of("main.crp")) == CRP_OK, "%s", message(vm));
    ck_assert_str_eq(printed, "");
    write_file("wrong.crp", "(defun f ((p NoSuch)) p)");
    ck_assert_int_eq(crp_check_file(vm, path_of("wrong.crp")), CRP_E_SYNTAX);
    ck_assert_int_eq(crp_check_file(vm, path_of("absent.crp")), CRP_E_IO);
    close_all(vm);
}
END_TEST

START_TEST(check_expands_macros_and_runs_what_they_define)
{
    crp *vm = open_with(".");
    write_file("macros.crp", "(defmacro both (a b) `(do (defun ,a () (print \"ran\")) (defmacro ,b (x) (list 'print x))))");
    write_file("main.crp", "(load \"macros\") (both one two) (defun f () (two (one)) 1) (set x (f)) (two x)");
    ck_assert_msg(crp_check_file(vm, path_of("main.crp")) == CRP_OK, "%s", message(vm));
    ck_assert_str_eq(printed, "");
    write_file("wrong.crp", "(load \"macros\") (both one two) (defun f () (two 1 2))");
    ck_assert_int_eq(crp_check_file(vm, path_of("wrong.crp")), CRP_E_SYNTAX);
    ck_assert_msg(strstr(message(vm), "the macro (two x): 2 arguments given"), "%s", message(vm));
    close_all(vm);
}
END_TEST

START_TEST(carapace_path_is_searched_after_the_hosts_directories)
{
    crp *vm = open_with("."), *other;
    mkdir(path_of("p1"), 0700);
    mkdir(path_of("p2"), 0700);
    write_file("p2/deep.crp", "(print \"p2\")");
    setenv("CARAPACE_PATH", ":/nowhere::p1:p2:", 1);
    ck_assert_int_eq(crp_new(NULL, &other), CRP_OK);
    crp_io(other, collect, NULL);
    ASSERT_PRINTS(other, "(load \"deep\")", "p2\n");
    crp_free(other);
    close_all(vm);
}
END_TEST

START_TEST(a_missing_file_of_a_host_is_an_io_error)
{
    crp *vm = open_with(".");
    ck_assert_int_eq(crp_eval_file(vm, "absent.crp", NULL), CRP_E_IO);
    ck_assert_int_eq(crp_eval_file(vm, ".", NULL), CRP_E_IO);
    ck_assert_ptr_nonnull(strstr(message(vm), "\".\""));
    close_all(vm);
}
END_TEST

UNIT_MAIN("load", a_file_is_found_beside_the_one_that_loads_it_first,
          the_extension_may_be_left_out_and_a_folder_is_no_file, what_is_not_found_names_the_places,
          the_standard_library_is_built_in, require_loads_once_however_the_file_is_named,
          files_that_require_each_other_end, what_failed_to_load_may_be_required_again,
          a_loaded_files_parse_error_has_its_place_and_nothing_of_it_runs,
          check_runs_nothing_but_definitions_and_follows_loads, check_expands_macros_and_runs_what_they_define,
          carapace_path_is_searched_after_the_hosts_directories, a_missing_file_of_a_host_is_an_io_error)
