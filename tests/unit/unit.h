/* What every unit test starts with: Check, and a main that prints TAP.
 *
 *     #include "unit.h"
 *     #include "buf.h"
 *
 *     START_TEST(a_new_buffer_is_empty) { ... ck_assert_uint_eq(b.size, 0); } END_TEST
 *
 *     UNIT_MAIN("buf", a_new_buffer_is_empty, ...)
 *
 * A test is a function whose name is the sentence that it proves.  Each runs in a process of its own, so one that
 * crashes or hangs is one failure; CK_FORK=no keeps them in one, for a debugger.
 */
#ifndef CARAPACE_UNIT_H
#define CARAPACE_UNIT_H

#include <check.h>
#include <stdlib.h>

static inline int unit_run(const char *noun, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(noun);
    TCase *group = tcase_create(noun);

    tcase_set_timeout(group, getenv("CARAPACE_TEST_MODE") ? 300 : 60);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(group, tests[i]);
    suite_add_tcase(suite, group);

    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return EXIT_SUCCESS; /* the harness reads the TAP lines */
}

#define UNIT_MAIN(noun, ...) \
    int main(void) \
    { \
        const TTest *const tests[] = {__VA_ARGS__}; \
        return unit_run(noun, tests, sizeof tests / sizeof *tests); \
    }

#endif
