/* What is compiled into libraries: when one of these is another than before, CRP_LIBRARY_ABI (native.h) is one more
 * than before, and what stands here is what is so then. */
#include "stack.h"
#include "unit.h"

START_TEST(the_table_says_what_it_is)
{
    ck_assert_uint_eq(crpi_functions.head.size, sizeof(crp_functions));
    ck_assert_uint_eq(crpi_functions.head.abi, CRP_LIBRARY_ABI);
    ck_assert_uint_eq(crpi_functions.head.count, CRP_FUNCTION_COUNT);
    ck_assert(sizeof(crp_functions) == sizeof(crp_functions_head) + CRP_FUNCTION_COUNT * sizeof(void *));
}
END_TEST

START_TEST(each_place_has_the_function_of_its_name)
{
#define IS_ITSELF(name) ck_assert_msg(crpi_functions.name == name, "%s", #name);
    CRP_FUNCTIONS(IS_ITSELF)
}
END_TEST

START_TEST(what_libraries_are_compiled_with_has_its_size)
{
    ck_assert_int_eq(CRP_LIBRARY_ABI, 2);
    if (sizeof(void *) != 8) return;
#define SIZE(type, bytes) ck_assert_msg(sizeof(type) == bytes, "%s has %zu bytes", #type, sizeof(type))
    SIZE(crp_object, 8);
    SIZE(crp_pair, 16);
    SIZE(crp_call, 64);
    SIZE(crp_method, 56);
    SIZE(crp_property, 64);
    SIZE(crp_list_builder, 16);
    SIZE(crp_traffic, 48);
    SIZE(crp_module, 144);
    SIZE(crp_module_ops, 208);
    SIZE(crp_operation, 32);
    SIZE(crp_verb, 56);
    SIZE(crp_log_record, 48);
    SIZE(crp_log_ops, 32);
    SIZE(crp_library, 24);
    SIZE(crp_functions_head, 16);
}
END_TEST

UNIT_MAIN("functions", the_table_says_what_it_is, each_place_has_the_function_of_its_name,
          what_libraries_are_compiled_with_has_its_size)
