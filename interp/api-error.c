/* floor 8: errors as the host sees them.
 *
 * The last Error is a root until the next visit; what the host gets are views on it, one for each cause, made
 * when it asks.  All texts are those of the Error's own Strings.
 */
#include "api.h"

#include <string.h>
#include "error.h"
#include "str.h"

/* The text of a String as C has it, NUL-terminated; one with a NUL inside ends there. */
static const char *c_text(crp *vm, crp_word string)
{
    size_t length;
    const char *text;
    if (!crp_is_string(string)) return NULL;
    text = crp_string_data(string, &length);
    if (!(crpi_str_of(string)->h.flags & CRPI_STR_SLICE) || memchr(text, 0, length)) return text;
    size_t fresh = crpi_look_begin(vm);
    crp_word before = vm->error;
    if (crp_c_string(vm, string, &text)) text = "";
    vm->error = before;
    vm->heap.fresh_count = fresh;
    return text;
}

static const char *text_or_null(crp *vm, crp_word string)
{
    const char *text = c_text(vm, string);
    return text && *text ? text : NULL;
}

const crp_error *crp_error_last(const crp *vm)
{
    crpi_api *api = crpi_api_of(vm);
    crp_word error = api->last;
    if (error == CRP_NIL) return NULL;
    for (size_t i = 0; i < CRPI_SHOWN_CAUSES && crp_is_a(error, CRP_ERROR); i++) {
        crp_status st = i ? crpi_error_status((crp *)(uintptr_t)vm, error) : api->last_status;
        api->errors[i] = (crp_error){(crp *)(uintptr_t)vm, error, st, NULL};
        if (i) api->errors[i - 1].cause = &api->errors[i];
        error = crpi_error_of(error)->cause;
    }
    return &api->errors[0];
}

const crp_error *crp_error_further(const crp_error *error, size_t i)
{
    crpi_api *api = crpi_api_of(error->vm);
    crp_word list = crpi_error_of(error->error)->further;
    for (; crp_is_pair(list) && i > 0; i--) list = crp_tail(list);
    if (!crp_is_pair(list) || !crp_is_a(crp_head(list), CRP_ERROR)) return NULL;
    api->further = (crp_error){error->vm, crp_head(list), crpi_error_status(error->vm, crp_head(list)), NULL};
    return &api->further;
}

void crp_error_info_get(const crp_error *error, crp_error_info *out)
{
    crpi_error_settle(error->vm, error->error);
    const crpi_error *e = crpi_error_of(error->error);
    const char *message = c_text(error->vm, e->text), *file = text_or_null(error->vm, e->file);
    crp_error_info info = {
        .size = out->size,
        .status = error->status,
        .error_class = (int)crp_integer_value(e->error_class),
        .code = (int)crp_integer_value(e->code),
        .message = message ? message : "",
        .file = file,
        .line = file ? (uint32_t)crp_integer_value(e->line) : 0,
        .column = file ? (uint32_t)crp_integer_value(e->position) : 0,
        .source_line = c_text(error->vm, e->source_line),
        .cause = error->cause,
    };
    memcpy(out, &info, out->size < sizeof info ? out->size : sizeof info);
}

const char *crp_error_frame(const crp_error *error, size_t i)
{
    crp *vm = error->vm;
    crp_word trace, before = vm->error;
    size_t fresh = crpi_look_begin(vm);
    if (crpi_error_trace(vm, error->error, &trace)) trace = CRP_NIL;
    vm->error = before;
    vm->heap.fresh_count = fresh;
    for (; crp_is_pair(trace) && i > 0; i--) trace = crp_tail(trace);
    return crp_is_pair(trace) ? c_text(error->vm, crp_head(trace)) : NULL;
}

size_t crp_error_text(const crp_error *error, char *buffer, size_t size, unsigned flags)
{
    static const char no_memory[] = "error 1.16: out of memory\n";
    crp *vm = error->vm;
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 0);
    crp_word before = vm->error;
    bool failed = crpi_error_report(vm, error->error, &text, flags & CRP_TEXT_COLOUR) != CRP_OK;
    vm->error = before;
    const char *bytes = failed ? no_memory : text.bytes ? text.bytes : "";
    size_t length = failed ? sizeof no_memory - 1 : text.length, n = length < size ? length : size - 1;
    if (size) {
        memcpy(buffer, bytes, n);
        buffer[n] = 0;
    }
    crpi_buf_free(&text);
    return length;
}

crp_status crp_fail(crp *vm, int error_class, int code, const char *format, ...)
{
    crpi_buf text;
    va_list list;
    crpi_buf_init(&text, &vm->mem, 1 << 16);
    va_start(list, format);
    crpi_buf_vformat(&text, format, list, NULL, NULL);
    va_end(list);
    crp_status st = text.failed ? crp_no_memory(vm)
                                : crp_raise(vm, error_class, code, "%.*s", (int)text.length,
                                            text.bytes ? text.bytes : "");
    crpi_buf_free(&text);
    return crpi_failed(vm, st);
}
