/* floor 4: the list of comms modules: one line each, and the name for all of them. */
#include "resolve.h"
#include "stack.h"
#include "tls.h"

/* It only says of an argument or a property that any module will do. */
static const crp_class_def any_module = {
    .size = sizeof(crp_class_def),
    .name = "CommsModule",
    .help = "Any module that can be a layer of a stack: what an argument, a property or `typeOf` asks for.\n"
            "(typeOf (create Tcp) CommsModule)   # --> true\n"
            "(typeOf \"Tcp\" CommsModule)          # --> ()",
};

crp_status crp_modules_register(crp *vm)
{
    static const crp_class_def *const classes[] = {
        &crpi_stack_class,   &crpi_commsinfo_class,     &crpi_tcp_class,
        &crpi_util_class,    &crpi_traffic_group_class, &crpi_memory_class,
        &crpi_process_class, &crpi_replay_class,        &crpi_script_module_class,
        &crpi_log_class,     &crpi_pop3_class,          &crpi_unix_class,
        &crpi_record_class,  &crpi_tls_class,           &crpi_tls_context_class,
        &any_module,         &crpi_pop3_messages_class,
    };
    crp_status st = crp_define_functions(vm, crpi_host_functions);
    uint32_t id;
    for (size_t i = 0; !st && i < sizeof classes / sizeof *classes; i++)
        st = crp_define_class(vm, classes[i], &id);
    return st;
}
