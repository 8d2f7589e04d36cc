/* floor 7: what tests written in Carapace are made of; the forms around it are in stdlib/test.crp.
 *
 * A test is begun and ended; in between its forms run where they stand, so they see the variables that are
 * there. What is known of the tests lives in the registry: how many there were, how many failed, and the
 * names of those that have begun and not ended, for tests may be nested.
 */
#include "lib.h"

#include <string.h>
#include "error.h"
#include "number.h"

/* --- what is known -------------------------------------------------------------------------------------- */

static const char count_key[] = "tests", failed_key[] = "tests failed", open_key[] = "tests begun",
                  directive_key[] = "test's directive", filter_key[] = "test filter";

static crp_status remember(crp *vm, const char *key, crp_word value)
{
    crp_word table, symbol;
    crp_status st = crp_registry(vm, &table);
    if (!st) st = crp_symbol(vm, key, strlen(key), &symbol);
    return st ? st : crp_hashtable_set(vm, table, symbol, value);
}

/* CRP_NIL: nothing was remembered. */
static crp_word recall(crp *vm, const char *key)
{
    crp_word symbol, value;
    if (!crp_is_object(vm->registry)) return CRP_NIL;
    if (!crpi_symbol_find(&vm->symbols, key, strlen(key), &symbol)) return CRP_NIL;
    return crp_hashtable_get(vm, vm->registry, symbol, &value) ? value : CRP_NIL;
}

static int64_t recall_number(crp *vm, const char *key)
{
    crp_word w = recall(vm, key);
    return crp_is_fixnum(w) ? crp_fixnum_value(w) : 0;
}

crp_status crpi_test_filter(crp *vm, const char *text)
{
    crp_word string;
    crp_status st = crp_string_z(vm, text, &string);
    return st ? st : remember(vm, filter_key, string);
}

static bool is_chosen(crp *vm, const char *name, size_t length)
{
    size_t n;
    crp_word filter = recall(vm, filter_key);
    const char *text = crp_is_string(filter) ? crp_string_data(filter, &n) : NULL;
    return !text || !n || memmem(name, length, text, n);
}

/* --- a line --------------------------------------------------------------------------------------------- */

void crpi_test_name(crpi_buf *out, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '#') crpi_buf_byte(out, '\\');
        crpi_buf_byte(out, name[i] == '\n' || name[i] == '\r' ? ' ' : name[i]);
    }
}

void crpi_test_comment(crpi_buf *out, const char *text, size_t length)
{
    while (length) {
        const char *stop = memchr(text, '\n', length);
        size_t n = stop ? (size_t)(stop - text) : length;
        crpi_buf_text(out, n ? "# " : "#");
        crpi_buf_put(out, text, n);
        crpi_buf_byte(out, '\n');
        n += stop != NULL;
        text += n, length -= n;
    }
}

static crp_status put_error(crp *vm, crpi_buf *out, crp_word error)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 0);
    crp_status st = crpi_error_report(vm, error, &text, false);
    if (!st) crpi_test_comment(out, text.length ? text.bytes : "", text.length);
    crpi_buf_free(&text);
    return st;
}

static crp_status write_line(crp *vm, crpi_buf *line)
{
    crp_status st = line->failed || line->overflow ? crp_no_memory(vm) : CRP_OK;
    if (!st) vm->write(vm->write_ud, 1, line->bytes, line->length);
    crpi_buf_free(line);
    return st;
}

/* --- a test --------------------------------------------------------------------------------------------- */

static crp_status test_begin(crp_call *c)
{
    size_t n;
    crp_word names;
    const char *name = crp_string_data(c->args[0], &n);
    if (!is_chosen(c->vm, name, n)) return CRP_OK;
    crp_status st = crp_cons(c->vm, c->args[0], recall(c->vm, open_key), &names);
    if (!st) st = remember(c->vm, open_key, names);
    if (!st) st = remember(c->vm, directive_key, CRP_NIL);
    c->result = CRP_TRUE;
    return st;
}

/* Whether this is the error that `skip` raises, and not one that came after the test had caught it. */
static bool is_skipped(crp *vm, crp_word error)
{
    crp_word directive = recall(vm, directive_key);
    return crp_is_pair(directive) && crp_head(directive) == error;
}

static crp_status put_verdict(crp *vm, crpi_buf *out, crp_word error, int64_t number, crp_word name)
{
    size_t n;
    bool skipped = is_skipped(vm, error);
    crp_word directive = recall(vm, directive_key);
    const char *text = crp_string_data(name, &n);
    crpi_buf_format(out, "%sok %ld - ", error == CRP_NIL || skipped ? "" : "not ", (long)number);
    crpi_test_name(out, text, n);
    if (crp_is_string(directive) || skipped) {
        text = crp_string_data(skipped ? crp_tail(directive) : directive, &n);
        crpi_buf_text(out, skipped ? " # SKIP " : " # TODO ");
        crpi_test_name(out, text, n);
    }
    crpi_buf_byte(out, '\n');
    return error == CRP_NIL || skipped ? CRP_OK : put_error(vm, out, error);
}

static crp_status count_test(crp *vm, bool failed, int64_t *number)
{
    *number = recall_number(vm, count_key) + 1;
    crp_status st = remember(vm, count_key, crp_fixnum(*number));
    if (st || !failed) return st;
    return remember(vm, failed_key, crp_fixnum(recall_number(vm, failed_key) + 1));
}

static crp_status test_end(crp_call *c)
{
    crpi_buf line;
    int64_t number;
    crp *vm = c->vm;
    crp_word error = crpi_lib_given(c, 0) ? c->args[0] : CRP_NIL, names = recall(vm, open_key);
    if (!crp_is_pair(names)) return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "testEnd: no test has begun");
    bool failed = error != CRP_NIL && !is_skipped(vm, error) && !crp_is_string(recall(vm, directive_key));
    crp_status st = count_test(vm, failed, &number);
    if (st) return st;
    crpi_buf_init(&line, &vm->mem, 0);
    st = put_verdict(vm, &line, error, number, crp_head(names));
    if (st) crpi_buf_free(&line);
    else st = write_line(vm, &line);
    if (!st) st = remember(vm, directive_key, CRP_NIL);
    if (!st) st = remember(vm, open_key, crp_tail(names));
    c->result = crp_bool(error == CRP_NIL);
    return st;
}

/* --- directives ----------------------------------------------------------------------------------------- */

/* Outside of a test all of the file is left out: that is said before anything else, or not at all. */
static crp_status skip_all(crp_call *c)
{
    crpi_buf line;
    size_t n;
    const char *reason = crp_string_data(c->args[0], &n);
    if (recall_number(c->vm, count_key))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL,
                         "skip: outside of a test it comes before the first one");
    crpi_buf_init(&line, &c->vm->mem, 0);
    crpi_buf_text(&line, "1..0 # SKIP ");
    crpi_test_name(&line, reason, n);
    crpi_buf_byte(&line, '\n');
    crp_status st = write_line(c->vm, &line);
    return st ? st : crpi_lib_stop(c->vm, 0);
}

static crp_status skip(crp_call *c)
{
    crp_word directive;
    crp *vm = c->vm;
    if (!crp_is_pair(recall(vm, open_key))) return skip_all(c);
    crp_raise(vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "skipped: %p", c->args[0]);
    crp_word error = crp_pending_error(vm);
    crp_clear_error(vm);
    crp_status st = crp_cons(vm, error, c->args[0], &directive);
    if (!st) st = remember(vm, directive_key, directive);
    return st ? st : crp_rethrow(vm, error);
}

static crp_status todo(crp_call *c)
{
    if (!crp_is_pair(recall(c->vm, open_key)))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "todo: no test has begun");
    return remember(c->vm, directive_key, c->args[0]);
}

/* --- expectations --------------------------------------------------------------------------------------- */

static crp_status expect(crp_call *c)
{
    if (!crp_equal(c->vm, c->args[0], c->args[1]))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "expected %v, given %v", c->args[1], c->args[0]);
    c->result = CRP_TRUE;
    return CRP_OK;
}

/* Reads "9" or "1.9"; code -1: any. */
static bool read_codes(const char *text, size_t n, int *error_class, int *code)
{
    int *number = error_class;
    size_t digits = 0;
    *error_class = 0;
    *code = -1;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '.' && number == error_class && digits) {
            number = code;
            *code = 0;
            digits = 0;
        } else if (text[i] >= '0' && text[i] <= '9' && ++digits < 9) {
            *number = *number * 10 + text[i] - '0';
        } else {
            return false;
        }
    }
    return digits > 0;
}

static bool read_wanted(crp_word what, int *error_class, int *code)
{
    size_t n;
    *code = -1;
    const char *text = crp_is_string(what) ? crp_string_data(what, &n) : NULL;
    if (text || !crp_is_fixnum(what)) return text && read_codes(text, n, error_class, code);
    *error_class = (int)crp_fixnum_value(what);
    return *error_class == crp_fixnum_value(what);
}

static crp_status expect_error(crp_call *c)
{
    size_t n;
    int wanted_class, wanted_code, error_class, code;
    const char *text;
    if (!read_wanted(c->args[0], &wanted_class, &wanted_code))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "expectError: a class or class.code such as \"1.9\" is expected, given %v",
                         c->args[0]);
    if (!crpi_lib_given(c, 1) || c->args[1] == CRP_NIL)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "expected error %p, none was raised",
                         c->args[0]);
    c->result = c->args[1];
    crp_error_get(c->vm, c->args[1], &error_class, &code, &text, &n);
    if (error_class == wanted_class && (wanted_code < 0 || code == wanted_code)) return CRP_OK;
    crp_status st =
        crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_RUNTIME, "expected error %p, given error %d.%d: %.*s",
                  c->args[0], error_class, code, (int)n, text);
    crpi_error *raised = crpi_error_of(crp_pending_error(c->vm));
    crp_store(c->vm, &raised->h, &raised->cause, c->args[1]);
    return st;
}

static const crp_method functions[] = {
    {"expect", "Object given wanted", expect,
     "true if both are equal as == says; else error 1.5 with both.\n"
     "(expect (+ 1 2) 3)        # --> true\n"
     "(expect (+ 1 2) 4)        # error: 1.5: expected 4, given 3",
     0, NULL, NULL},
    {"skip", "Object (reason String)", skip,
     "Leaves a test out: what follows in it is not run, and its line says SKIP and the reason. Before the "
     "first test of a file it leaves out the whole file.\n"
     "(test \"a network\" (skip \"not here\"))  # prints: ok ... - a network # SKIP not here",
     0, NULL, NULL},
    {"todo", "Object (reason String)", todo,
     "Said in a test, the test may fail: its line says TODO and the reason.\n"
     "(test \"pigs fly\" (todo \"wings\") (expect 1 2))  # prints: not ok ... - pigs fly # TODO wings...",
     0, NULL, NULL},
    {"testBegin", "Object (name String)", test_begin,
     "What `test` calls before its forms: true, or () if only tests with another name are wanted.\n"
     "(testBegin \"one and one\")  # --> true",
     0, NULL, NULL},
    {"testEnd", "Object (error Error ?)", test_end,
     "What `test` calls after its forms: prints the line `ok` or `not ok` of the test that began last, the "
     "error behind it. 1.2 if none has begun.\n"
     "(testEnd)                  # prints: ok ... - one and one\n"
     "(testEnd)                  # error: 1.2",
     0, NULL, NULL},
    {"expectErrorAux", "Error (what String|Integer) (error Error ?)", expect_error,
     "What `expectError` calls after its forms: gives the Error if it is of that class and code, else error "
     "1.5; 1.8 if what was expected is no \"class\" or \"class.code\".\n"
     "(expectErrorAux \"1.9\" (create Error 1 9 \"a zero\"))  # --> ...a zero...\n"
     "(expectErrorAux \"1.9\")    # error: 1.5",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_test(crp *vm) { return crp_define_functions(vm, functions); }

/* The plan needs no memory: there may be none left. */
bool crpi_test_finish(crp *vm)
{
    char plan[CRPI_INTEGER_TEXT + 4] = "1..";
    int64_t count = recall_number(vm, count_key);
    if (!count) return true;
    size_t n = 3 + crpi_integer_text(count, plan + 3);
    plan[n++] = '\n';
    vm->write(vm->write_ud, 1, plan, n);
    return !recall_number(vm, failed_key);
}
