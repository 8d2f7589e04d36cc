/* floor 4: the functions that a library calls; installed as <carapace/functions.h>.
 *
 * The list names every function of native.h and module.h; their declarations there are what is known of them.  A
 * new one goes to the end: a library asks for the first so many, so one that knows fewer works with a table
 * that has more.  library-calls.sh, which makes a library's side of it, refuses a list that is not whole.
 */
#ifndef CARAPACE_FUNCTIONS_H
#define CARAPACE_FUNCTIONS_H

#include "module.h"

#define CRP_FUNCTIONS(X) \
    X(crp_vraise) \
    X(crp_vraise_errno) \
    X(crp_no_memory) \
    X(crp_pending_error) \
    X(crp_clear_error) \
    X(crp_rethrow) \
    X(crp_error_get) \
    X(crp_error_set_class) \
    X(crp_verror_prefix) \
    X(crp_integer) \
    X(crp_is_integer) \
    X(crp_integer_value) \
    X(crp_real) \
    X(crp_is_real) \
    X(crp_real_value) \
    X(crp_string) \
    X(crp_string_z) \
    X(crp_string_take) \
    X(crp_string_slice) \
    X(crp_vformat) \
    X(crp_escape) \
    X(crp_is_string) \
    X(crp_string_data) \
    X(crp_c_string) \
    X(crp_symbol) \
    X(crp_symbol_name) \
    X(crp_cons) \
    X(crp_list) \
    X(crp_list_add) \
    X(crp_binary) \
    X(crp_binary_data) \
    X(crp_buffer) \
    X(crp_bytes) \
    X(crp_buffer_room) \
    X(crp_buffer_added) \
    X(crp_hashtable) \
    X(crp_hashtable_set) \
    X(crp_hashtable_get) \
    X(crp_equal) \
    X(crp_to_string) \
    X(crp_class_name) \
    X(crp_class_of) \
    X(crp_registry) \
    X(crp_store) \
    X(crp_digest) \
    X(crp_alloc) \
    X(crp_realloc) \
    X(crp_free_bytes) \
    X(crp_collect) \
    X(crp_define_class) \
    X(crp_define_functions) \
    X(crp_define_class_methods) \
    X(crp_class_id) \
    X(crp_class_definition) \
    X(crp_new_object) \
    X(crp_has_property) \
    X(crp_has_method) \
    X(crp_get) \
    X(crp_set) \
    X(crp_platform_of) \
    X(crp_now) \
    X(crp_wait_fd) \
    X(crp_wait_until) \
    X(crp_wait_object) \
    X(crp_wake) \
    X(crp_interrupted) \
    X(crp_then_call) \
    X(crp_then_send) \
    X(crp_then_create) \
    X(crp_catch_errors) \
    X(crp_call_failed) \
    X(crp_task_send) \
    X(crp_task_result) \
    X(crp_task_cancel) \
    X(crp_module_of) \
    X(crp_ops_of) \
    X(crp_module_mark) \
    X(crp_below) \
    X(crp_below_send) \
    X(crp_below_receive) \
    X(crp_below_pending) \
    X(crp_below_attribute) \
    X(crp_below_is) \
    X(crp_insert_below) \
    X(crp_connect_below) \
    X(crp_close_stack) \
    X(crp_operation_begin) \
    X(crp_operation_restart) \
    X(crp_operation_again) \
    X(crp_again_until) \
    X(crp_operation_end) \
    X(crp_operation_mark) \
    X(crp_operation_drop) \
    X(crp_must_be_connected) \
    X(crp_module_wait_fd) \
    X(crp_module_named) \
    X(crp_module_log) \
    X(crp_module_note) \
    X(crp_util_below) \
    X(crp_util_peek) \
    X(crp_util_consume) \
    X(crp_util_fill) \
    X(crp_util_line) \
    X(crp_util_discard) \
    X(crp_verb_connect) \
    X(crp_verb_disconnect) \
    X(crp_verb_send) \
    X(crp_verb_receive) \
    X(crp_verb_receive_into) \
    X(crp_verb_bind) \
    X(crp_verb_listen) \
    X(crp_verb_accept) \
    X(crp_verb_info) \
    X(crp_verb_mark) \
    X(crp_verb_drop) \
    X(crp_module_get_stack) \
    X(crp_module_set_stack) \
    X(crp_module_set_log) \
    X(crp_error_details) \
    X(crp_secrets) \
    X(crp_verb_send_secret) \
    X(crp_settings) \
    X(crp_verb_shut) \
    X(crp_load_part) \
    X(crp_conceal) \
    X(crp_util_held) \
    X(crp_sink_begin) \
    X(crp_sink_write) \
    X(crp_sink_end) \
    X(crp_sink_drop) \
    X(crp_hmac) \
    X(crp_hmac_rounds) \
    X(crp_call_words)

/* A member has the name of its function. */
#ifdef __cplusplus
#define CRP_FUNCTION_MEMBER(name) decltype(&::name) name;
#else
#define CRP_FUNCTION_MEMBER(name) __typeof__(&name) name;
#endif

typedef struct crp_functions {
    crp_functions_head head;
    CRP_FUNCTIONS(CRP_FUNCTION_MEMBER)
} crp_functions;

#define CRP_FUNCTION_ONE(name) +1
enum { CRP_FUNCTION_COUNT = 0 CRP_FUNCTIONS(CRP_FUNCTION_ONE) };

#endif
