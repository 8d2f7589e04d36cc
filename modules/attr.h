/* floor 4: attributes: the properties of the layers, reached through the stack.
 *
 * An attribute is a row with CRP_STACK in a module's class table, or a property of a ScriptModule's scripted
 * object. The top-most layer that has the name answers, and its answer is final: read only, wrong class, out
 * of range or too late is an error, never a reason to ask the layer below.
 */
#ifndef CARAPACE_ATTR_H
#define CARAPACE_ATTR_H

#include "stack.h"

/* The layer that answers for `name` (a Symbol); NULL: none.  *flags: the row's, 0 for a scripted object's. */
crp_module *crpi_attr_owner(crp *, const crpi_layers *, crp_word name, uint32_t *flags);
crp_status crpi_attr_get(crp *, const crpi_layers *, crp_word name, crp_word *out);
crp_status crpi_attr_set(crp *, const crpi_layers *, crp_word name, crp_word value);
crp_status crpi_attr_list(crp *, const crpi_layers *,
                          crp_word *out); /* ((name value) ...), settable ones, top first */
crp_status crpi_attr_of_layer(crp *, crp_module *, crp_word *out); /* the same, of one layer */
/* A name as a script gives it, String or Symbol. */
crp_status crpi_attr_name(crp *, crp_word given, crp_word *symbol);
/* An attribute's value without any error: false (and NIL) when no layer has it, or it cannot be read. */
bool crpi_attr_value(crp *, const crpi_layers *, const char *name, crp_word *out);
/* An attribute's value as an Integer, if some layer from this one down has it as one. */
int64_t crpi_attr_integer(crp *, crp_module *, const char *name, int64_t otherwise);

#endif
