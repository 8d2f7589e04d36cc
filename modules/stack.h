/* floor 4: the stack, as the framework's own files see it.
 *
 * A stack is a list of modules linked both ways; the CommsStack object holds its two ends.  A view is a
 * CommsStack that holds no ends but an owner: it stands for whatever is below that module at the moment it is
 * asked.
 */
#ifndef CARAPACE_STACK_H
#define CARAPACE_STACK_H

#include "functions.h"
#include "module.h"

typedef struct crpi_stack {
    crp_object h;
    crp_word top, bottom;
    crp_word owner; /* of a view: the module above the layers that it shows */
    crp_word log;
    /* A List of the layers that were inserted into its connection.  They leave with that; the List keeps them until
     * the next one begins, since natives may be at work in them when they leave. */
    crp_word inserted;
    uint32_t number; /* in the records of `log`; 0: none yet */
    struct crpi_spoken *spoken; /* what is secret in what scripts say; NULL: nothing yet */
} crpi_stack;

/* Some layers of a stack, top-most first. */
typedef struct crpi_layers {
    crp_module *at[CRP_MAX_LAYERS];
    size_t n;
} crpi_layers;

static inline crpi_stack *crpi_stack_at(crp_word w) { return (crpi_stack *)crp_object_of(w); }
bool crpi_is_stack(crp *, crp_word);
crp_module *crpi_stack_first(crp *, crp_word stack); /* the top-most layer, of a view too; NULL: empty */
crp_status crpi_stack_view(crp *, crp_module *owner, crp_word *out);

/* Puts a module that stands nowhere on top; and gives the stack a Log, or none. */
crp_status crpi_stack_push(crp *, crp_word stack, crp_word module);
crp_status crpi_stack_set_log(crp *, crp_word stack, crp_word log);
crp_status crpi_script_module_for(crp *, crp_word object, crp_word *out); /* a ScriptModule around it */

/* accept.c: a stack's `accept`, its state and that one's hooks. */
typedef struct crpi_accepting {
    crp_verb verb; /* first: crp_verb_accept's */
    crp_word stack;
    size_t left; /* layers that are to be made, the lowest first */
} crpi_accepting;
crp_status crpi_stack_accept(crp_call *);
void crpi_accepting_mark(crp *, void *state, crp_marker);
void crpi_accepting_drop(crp *, void *state);

/* `top` (may be NULL) and all below it; 4.1 when they are too many or stand on themselves. */
crp_status crpi_layers_from(crp *, crp_module *top, crpi_layers *);
crp_module *crpi_topmost(crp_module *);              /* of the stack that the module is on */
crp_word crpi_layer_face(crp *, const crp_module *); /* what scripts see of a module */
const char *crpi_layer_name(crp *, const crp_module *);

/* A text that is put together piece by piece.  The first failure is remembered, and told by
 * crpi_prose_end, which gives the String and frees the rest. */
typedef struct crpi_prose {
    crp *vm;
    char *bytes;
    size_t n, room;
    crp_status st;
} crpi_prose;
void crpi_prose_add(crpi_prose *, const char *text);
void crpi_prose_add_value(crpi_prose *, crp_word); /* as source, cut to 200 bytes */
crp_status crpi_prose_end(crpi_prose *, crp_word *out);

crp_status crpi_set_log(crp *, crp_module *, crp_word log);
uint32_t crpi_log_join(crp *, crp_word log); /* 0: no Log */
bool crpi_log_wants(crp *, const crp_module *, crp_log_level);
/* Bytes that may be shown. */
void crpi_log_record(crp *, const crp_module *, crp_log_level, crp_direction, const void *bytes, size_t n, bool secret);

/* The end of a connection for one layer, which leaves the stack if it was inserted into that connection. */
bool crpi_stack_leave(crp *, crp_module *);
/* A new connection begins at the bottom: what has left the stack is forgotten. */
void crpi_stack_forget(crp *, crp_module *bottom);

/* The layer that a script means: the module itself, its scripted object, or the name of its class. */
crp_status crpi_find_layer(crp *, const crpi_layers *, crp_word given, crp_module **out);
crp_status crpi_start_tls(crp_call *); /* CommsStack's method */
/* The timeout argument at this place, else the attribute. */
crp_status crpi_timeout_of(crp_call *, uint32_t arg, crp_module *, const char *name, int64_t *out);

/* 4.1 with a picture when the layers cannot work in this order. */
crp_status crpi_check_order(crp *, const crpi_layers *);

/* The walks.  Each is called again from the start after CRP_AGAIN. */
crp_status crpi_walk_connect(crp_call *, crp_module *top);
/* The same after AGAIN, where the stack may have been closed meanwhile: nothing is begun anew then. */
crp_status crpi_walk_connect_on(crp_call *, crp_module *top);
crp_status crpi_walk_disconnect(crp_call *, crp_module *top, size_t *done, crp_word *error);
void crpi_close_layers(crp *, const crpi_layers *);
void crpi_set_connected(crp_module *, bool); /* and no longer bound, listening, on the way */
void crpi_lock_config(crp_module *);         /* after bound or listening changed */
crp_status crpi_operation_begin_send(crp_call *, crp_operation *, crp_module *, int64_t timeout);
crp_status crpi_operation_begin_alone(crp_call *, crp_operation *, crp_module *, int64_t timeout); /* nobody sends */

/* The first layer from `m` down (m included) that has the slot; NULL: none.  The slot is an offset in the
 * ops. */
crp_module *crpi_with_slot(crp *, crp_module *m, size_t slot);
#define CRPI_SLOT(name) offsetof(crp_module_ops, name)
/* What crp_below_send and crp_below_receive do, m itself included.  `above` is for the words of an error. */
crp_status crpi_layer_send(crp_call *, crp_module *m, const void *bytes, size_t n, size_t *taken);
crp_status crpi_layer_receive(crp_call *, crp_module *m, void *bytes, size_t n, size_t *got);

extern const crp_class_def crpi_stack_class, crpi_commsinfo_class, crpi_tcp_class, crpi_util_class,
    crpi_memory_class, crpi_process_class, crpi_replay_class, crpi_script_module_class,
    crpi_traffic_group_class, crpi_log_class, crpi_pop3_class, crpi_pop3_messages_class, crpi_unix_class,
    crpi_record_class;

crp_status crp_modules_register(crp *); /* every class of this folder */
extern const crp_functions crpi_functions; /* what libraries call */

crp_status crpi_commsinfo_of_layers(crp *, const crpi_layers *, bool whole, crp_word *out);
crp_status crpi_commsinfo_of_traffic(crp *, const crp_traffic *, crp_word *out);

#endif
