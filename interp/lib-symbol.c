/* floor 7: the methods of Symbol. */
#include "lib.h"

static crp_status symbol_length(crp_call *c)
{
    size_t n;
    crp_symbol_name(c->vm, c->self, &n);
    return crp_integer(c->vm, (int64_t)n, &c->result);
}

static crp_status symbol_string(crp_call *c)
{
    size_t n;
    const char *name = crp_symbol_name(c->vm, c->self, &n);
    return crp_string(c->vm, name, n, &c->result);
}

static crp_status create_symbol(crp_call *c)
{
    size_t n;
    const char *text = crp_string_data(c->args[0], &n);
    return crp_symbol(c->vm, text, n, &c->result);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("length", "Integer", symbol_length,
        "How many bytes its name has.\n"
        "((quote Fred).length)                # --> 4"),
    ROW("string", "String", symbol_string,
        "Its name.\n"
        "((quote Fred).string)                # --> \"Fred\""),
    ROW("symbol", "Symbol", crpi_lib_self,
        "The Symbol itself.\n"
        "((quote Fred).symbol)                # --> Fred"),
    ROW("copy", "Symbol", crpi_lib_self,
        "The Symbol itself: there is only one of a name.\n"
        "((quote Fred).copy)                  # --> Fred"),
    CRPI_LIB_EQUALITY_LIKE("(quote a)", "(quote b)"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Symbol", "Symbol (name String)", create_symbol,
        "The Symbol of this name, which may be any text; 1.7 for more than 65535 bytes, 1.16 when there are four "
        "million.\n"
        "(create Symbol \"two words\")          # --> |two words|");

static const crp_class_def symbol_class = {
    .size = sizeof(crp_class_def),
    .name = "Symbol",
    .help = "A name. Two Symbols of one name are the same. To sort Symbols, sort their strings.",
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_symbol(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &symbol_class, &id);
}
