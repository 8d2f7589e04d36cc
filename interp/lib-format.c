/* floor 7: `format`, as a function of many values and as a method of one.
 *
 * A specification takes values one after the other, as C's printf does; here it is an error when they are too
 * few, too many, or of another class than the letter says.
 */
#include "lib.h"

#include <string.h>
#include "format.h"
#include "utf8.h"

typedef struct formatting {
    crp *vm;
    crpi_buf *out;
    const crp_word *values;
    size_t count, used;
} formatting;

static crp_status next_value(formatting *f, crp_word *out)
{
    if (f->used == f->count)
        return crp_raise(f->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "format: more specifications than the %zu values", f->count);
    *out = f->values[f->used++];
    return CRP_OK;
}

static crp_status mismatch(formatting *f, const crpi_format_spec *spec, const char *expected, crp_word w)
{
    return crp_raise(f->vm, CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "format: %%%c expects %s, given %n %v",
                     spec->letter, expected, w, w);
}

/* The value for a `*`. */
static crp_status take_size(formatting *f, const crpi_format_spec *spec, int *out)
{
    crp_word w = CRP_NIL;
    int64_t size;
    crp_status st = next_value(f, &w);
    if (st) return st;
    if (!crp_is_integer(w)) return mismatch(f, spec, "an Integer for its *", w);
    st = crpi_lib_between(f->vm, "format: size for *", w, -CRPI_FORMAT_WIDTH, CRPI_FORMAT_WIDTH, &size);
    *out = (int)size;
    return st;
}

static crp_status take_sizes(formatting *f, crpi_format_spec *spec)
{
    crp_status st = CRP_OK;
    if (spec->width_given_later) st = take_size(f, spec, &spec->width);
    if (!st && spec->precision_given_later) st = take_size(f, spec, &spec->precision);
    if (spec->width < 0) {
        spec->left = true;
        spec->width = -spec->width;
    }
    if (spec->precision < 0) spec->precision = -1;
    return st;
}

static crp_status put_shown(formatting *f, const crpi_format_spec *spec, crp_word w)
{
    crpi_buf shown;
    crpi_buf_init(&shown, f->out->mem, f->out->cap);
    crpi_lib_show(f->vm, &shown, w, true);
    if (shown.failed) f->out->failed = true;
    else crpi_format_text(f->out, spec, shown.bytes, shown.length);
    crpi_buf_free(&shown);
    return CRP_OK;
}

static crp_status put_character(formatting *f, const crpi_format_spec *spec, crp_word w)
{
    char bytes[4];
    if (!crp_is_integer(w)) return mismatch(f, spec, "the Integer of a character", w);
    int64_t code = crp_integer_value(w);
    size_t n = code < 0 || code > 0x10FFFF ? 0 : crpi_utf8_encode((uint32_t)code, bytes);
    if (n == 0)
        return crp_raise(f->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "no character has the number %ld",
                         (long)code);
    crpi_format_text(f->out, spec, bytes, n);
    return CRP_OK;
}

static crp_status put_value(formatting *f, const crpi_format_spec *spec, crp_word w)
{
    if (spec->letter == 's') return put_shown(f, spec, w);
    if (spec->letter == 'c') return put_character(f, spec, w);
    if (strchr("eEfFgG", spec->letter)) {
        if (!crp_is_integer(w) && !crp_is_real(w)) return mismatch(f, spec, "a Real or an Integer", w);
        crpi_format_real(f->out, spec, crp_real_value(w));
        return CRP_OK;
    }
    if (!crp_is_integer(w)) return mismatch(f, spec, "an Integer", w);
    crpi_format_integer(f->out, spec, crp_integer_value(w));
    return CRP_OK;
}

/* What follows the `%` at `at`; *at goes behind it. */
static crp_status put_specification(formatting *f, const char **at, const char *end)
{
    crpi_format_spec spec;
    crp_word w = CRP_NIL;
    const char *after = crpi_format_parse(*at, end, &spec);
    if (!after)
        return crp_raise(f->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "format: \"%%%.*s\" is no specification: expected flags, width, .precision and one "
                         "of diuxXobcseEfFgG%%",
                         (int)(end - *at < 10 ? end - *at : 10), *at);
    *at = after;
    if (spec.letter == '%') {
        crpi_buf_byte(f->out, '%');
        return CRP_OK;
    }
    crp_status st = take_sizes(f, &spec);
    if (!st) st = next_value(f, &w);
    return st ? st : put_value(f, &spec, w);
}

static crp_status put_all(formatting *f, const char *at, const char *end)
{
    while (at < end && !f->out->failed && !f->out->overflow) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        if (!percent) percent = end;
        crpi_buf_put(f->out, at, (size_t)(percent - at));
        at = percent;
        if (at == end) break;
        at++;
        crp_status st = put_specification(f, &at, end);
        if (st) return st;
    }
    if (f->used < f->count)
        return crp_raise(f->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "format: %zu values, but specifications for %zu", f->count, f->used);
    return CRP_OK;
}

crp_status crpi_lib_format_words(crp *vm, crp_word spec, const crp_word *values, size_t n, crp_word *out)
{
    crpi_buf b;
    size_t length;
    const char *text = crp_string_data(spec, &length);
    formatting f = {vm, &b, values, n, 0};
    crpi_buf_init(&b, &vm->mem, CRPI_LIB_CAP);
    crp_status st = put_all(&f, text, text + length);
    if (!st) return crpi_lib_finish(vm, &b, CRP_STRING, out);
    crpi_buf_free(&b);
    return st;
}

crp_status crpi_lib_format_self(crp_call *c)
{
    crp_word values[4];
    size_t n = c->count - 1;
    if (n > 2)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "format: at most two Integers may follow the text, given %zu", n);
    for (size_t i = 0; i < n; i++) values[i] = c->args[i + 1];
    values[n] = c->self;
    return crpi_lib_format_words(c->vm, c->args[0], values, n + 1, &c->result);
}

static crp_status format(crp_call *c)
{
    return crpi_lib_format_words(c->vm, c->args[0], c->args + 1, c->count - 1, &c->result);
}

static const crp_method functions[] = {
    {"format", "String (formatSpec String) ...", format,
     "The values laid out as the text says, in C's notation: %d %i an Integer, %u %x %X %o %b its 64 bits as "
     "an unsigned one, %c the character of that number, %f %e %g %F %E %G a Real or an Integer, %s anything "
     "as print shows it, %% a percent sign; with flags (- + blank # 0), width and precision up to 100000, * "
     "takes them from an Integer before the value. C's sizes (l ll h) may stand there. Widths and precisions "
     "of text count characters. 1.8 for what is no specification, for too few and too many values; 1.11 for "
     "a value of another class than the letter asks.\n"
     "(format \"%s has %d messages\" \"joe\" 3)   # --> \"joe has 3 messages\"\n"
     "(format \"%05.1f|%-6s|%+d\" 3.14159 \"né\" 7)   # --> \"003.1|né    |+7\"\n"
     "(format \"%#x %08b\" 255 5)              # --> \"0xff 00000101\"\n"
     "(format \"%*d\" 5 42)                    # --> \"   42\"\n"
     "(format \"%d\" \"x\")                      # error: 1.11\n"
     "(format \"%d\")                          # error: 1.8",
     0, NULL, NULL},
    {NULL, NULL, NULL, NULL, 0, NULL, NULL}};

crp_status crpi_lib_format(crp *vm) { return crp_define_functions(vm, functions); }
