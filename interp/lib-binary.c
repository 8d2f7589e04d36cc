/* floor 7: the methods of Binary.
 *
 * A Binary lies over a String that others may share, so what changes it in place ("surgical" in the manual)
 * first gives it bytes of its own.  Methods that leave it alone hand out its bytes without copying.
 */
#include "lib.h"

#include <string.h>
#include "codec.h"
#include "str.h"

static const char *self_bytes(const crp_call *c, size_t *n)
{
    return (const char *)crp_binary_data(c->self, n);
}

/* The bytes, to be written into: nobody else has them, and no hash of them is remembered. */
static crp_status own_bytes(crp_call *c, unsigned char **bytes, size_t *n)
{
    crpi_binary *b = crpi_binary_of(c->self);
    if (b->h.aux != CRPI_BINARY_OWN) {
        crp_word copy;
        const char *old = self_bytes(c, n);
        crp_status st = crpi_str_new(c->vm, CRP_STRING, old, *n, &copy);
        if (st) return st;
        crpi_store(c->vm, &c->vm->heap, &b->bytes, copy);
        b->h.aux = CRPI_BINARY_OWN;
    }
    crpi_str *s = crpi_str_of(b->bytes);
    crpi_str_forget(s);
    *bytes = (unsigned char *)(uintptr_t)s->bytes;
    *n = s->length;
    return CRP_OK;
}

static void replace_bytes(crp_call *c, crp_word string)
{
    crpi_binary *b = crpi_binary_of(c->self);
    crpi_store(c->vm, &c->vm->heap, &b->bytes, string);
    b->h.aux = 0;
}

/* A byte: an Integer from 0 to 255, or a String or Binary of one byte. */
static crp_status byte_of(crp *vm, crp_word w, unsigned char *out)
{
    const unsigned char *bytes;
    size_t n;
    if (crp_bytes(w, &bytes, &n) && n == 1) {
        *out = bytes[0];
        return CRP_OK;
    }
    if (crp_is_integer(w) && crp_integer_value(w) >= 0 && crp_integer_value(w) <= 255) {
        *out = (unsigned char)crp_integer_value(w);
        return CRP_OK;
    }
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "expected a byte, 0 to 255 or a String of one, given %v", w);
}

/* --- looking -------------------------------------------------------------------------------------------- */

static crp_status length(crp_call *c)
{
    size_t n;
    self_bytes(c, &n);
    return crp_integer(c->vm, (int64_t)n, &c->result);
}

static crp_status is_empty(crp_call *c)
{
    size_t n;
    self_bytes(c, &n);
    c->result = crp_bool(n == 0);
    return CRP_OK;
}

static crp_status is_binary(crp_call *c)
{
    size_t n;
    const char *bytes = self_bytes(c, &n);
    c->result = crp_bool(memchr(bytes, 0, n) != NULL);
    return CRP_OK;
}

static crp_status get(crp_call *c)
{
    size_t n, at;
    const char *bytes = self_bytes(c, &n);
    crp_status st = crpi_lib_index(c->vm, c->args[0], n, &at);
    return st ? st : crp_integer(c->vm, (unsigned char)bytes[at], &c->result);
}

static crp_status extract(crp_call *c)
{
    size_t n, at, count;
    self_bytes(c, &n);
    crp_status st = crpi_lib_range(c->vm, c->args[0], c->args[1], n, &at, &count);
    return st ? st : crpi_str_slice(c->vm, CRP_BINARY, c->self, at, count, &c->result);
}

static crp_status search(crp_call *c)
{
    size_t n, length, from, rest;
    const char *bytes = self_bytes(c, &n), *what;
    unsigned char byte;
    crp_status st = crpi_lib_range(c->vm, c->args[1], CRP_UNSET, n, &from, &rest);
    if (st) return st;
    if (crp_is_integer(c->args[0])) {
        st = byte_of(c->vm, c->args[0], &byte);
        what = (const char *)&byte;
        length = 1;
    } else {
        st = crpi_lib_bytes(c->vm, c->args[0], &what, &length);
    }
    if (st) return st;
    size_t at = crpi_lib_search(bytes, n, what, length, from);
    return at < n || length == 0 ? crp_integer(c->vm, (int64_t)at, &c->result) : CRP_OK;
}

static crp_status as_string(crp_call *c)
{
    c->result = crpi_binary_share(c->self);
    return CRP_OK;
}

static crp_status copy(crp_call *c)
{
    return crpi_binary_over(c->vm, crpi_binary_share(c->self), &c->result);
}

static crp_status concatenate(crp_call *c)
{
    size_t n;
    crpi_buf b;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    const char *bytes = self_bytes(c, &n);
    crpi_buf_put(&b, bytes, n);
    for (uint32_t i = 0; i < c->count; i++) {
        crp_status st = crpi_lib_bytes(c->vm, c->args[i], &bytes, &n);
        if (st) {
            crpi_buf_free(&b);
            return st;
        }
        crpi_buf_put(&b, bytes, n);
    }
    return crpi_lib_finish(c->vm, &b, CRP_BINARY, &c->result);
}

/* --- changing in place ---------------------------------------------------------------------------------- */

static crp_status set(crp_call *c)
{
    unsigned char *bytes, byte;
    size_t n, at;
    self_bytes(c, &n);
    crp_status st = crpi_lib_index(c->vm, c->args[0], n, &at);
    if (!st) st = byte_of(c->vm, c->args[1], &byte);
    if (!st) st = own_bytes(c, &bytes, &n);
    if (!st) bytes[at] = byte;
    return st;
}

static crp_status set_integer(crp_call *c)
{
    unsigned char *bytes, value[8];
    size_t n, size, at;
    self_bytes(c, &n);
    crp_status st = crpi_lib_integer_bytes(c, 1, value, &size);
    if (!st) st = crpi_lib_integer_place(c, size, n, &at);
    if (!st) st = own_bytes(c, &bytes, &n);
    if (!st) memcpy(bytes + at, value, size);
    return st;
}

static crp_status remove_byte(crp_call *c)
{
    unsigned char byte;
    size_t n;
    const char *bytes = self_bytes(c, &n);
    crp_status st = byte_of(c->vm, c->args[0], &byte);
    if (st) return st;
    crpi_buf b;
    crp_word left;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    for (size_t i = 0; i < n;) {
        const char *found = memchr(bytes + i, byte, n - i);
        size_t end = found ? (size_t)(found - bytes) : n;
        crpi_buf_put(&b, bytes + i, end - i);
        i = end + 1;
    }
    st = crpi_lib_finish(c->vm, &b, CRP_STRING, &left);
    if (st) return st;
    replace_bytes(c, left);
    c->result = c->self;
    return CRP_OK;
}

/* What becomes of each of the 256 bytes. */
static crp_status read_translation(crp_call *c, unsigned char to[256])
{
    const char *from, *into;
    size_t n, m;
    unsigned char a, b;
    for (int i = 0; i < 256; i++) to[i] = (unsigned char)i;
    if (crp_is_integer(c->args[0])) {
        crp_status st = byte_of(c->vm, c->args[0], &a);
        if (!st) st = byte_of(c->vm, c->args[1], &b);
        if (!st) to[a] = b;
        return st;
    }
    crp_status st = crpi_lib_bytes(c->vm, c->args[0], &from, &n);
    if (!st) st = crpi_lib_bytes(c->vm, c->args[1], &into, &m);
    if (st) return st;
    if (n != m)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "translate: %zu bytes into %zu: expected as many", n, m);
    for (size_t i = 0; i < n; i++) to[(unsigned char)from[i]] = (unsigned char)into[i];
    return CRP_OK;
}

static crp_status translate(crp_call *c)
{
    unsigned char to[256], *bytes;
    size_t n;
    crp_status st = read_translation(c, to);
    if (!st) st = own_bytes(c, &bytes, &n);
    for (size_t i = 0; !st && i < n; i++) bytes[i] = to[bytes[i]];
    c->result = c->self;
    return st;
}

static crp_status from_hex(crp_call *c)
{
    size_t n, bad = 0;
    crp_word string;
    crpi_buf b;
    const char *text = crp_string_data(c->args[0], &n);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    if (!crpi_hex_decode(&b, text, n, &bad)) {
        crpi_buf_free(&b);
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "no hexadecimal byte at character %zu of %v", bad, c->args[0]);
    }
    crp_status st = crpi_lib_finish(c->vm, &b, CRP_STRING, &string);
    if (!st) replace_bytes(c, string);
    return st;
}

static crp_status from_file(crp_call *c)
{
    crp_word string;
    crp_status st = crpi_lib_read_file(c->vm, c->args[0], &string);
    if (!st) replace_bytes(c, string);
    return st;
}

static crp_status to_file(crp_call *c)
{
    size_t n;
    const char *bytes = self_bytes(c, &n);
    return crpi_lib_write_file(c->vm, c->args[0], bytes, n);
}

static crp_status create(crp_call *c)
{
    int64_t n;
    const char *bytes;
    size_t count;
    char *room;
    if (!crp_is_integer(c->args[0])) {
        crp_status st = crpi_lib_bytes(c->vm, c->args[0], &bytes, &count);
        return st ? st : crp_binary(c->vm, bytes, count, &c->result);
    }
    crp_status st = crpi_lib_between(c->vm, "length", c->args[0], 0, (int64_t)CRPI_LIB_CAP, &n);
    if (!st) st = crpi_str_room(c->vm, CRP_BINARY, (size_t)n, &room, &c->result);
    if (!st) memset(room, 0, (size_t)n);
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("length", "Integer", length,
        "How many bytes there are.\n"
        "(b.length)                           # --> 3"),
    ROW("isEmpty", "Object", is_empty,
        "true if there is no byte, else ().\n"
        "(b.isEmpty)                          # --> ()"),
    ROW("isBinary", "Object", is_binary,
        "true if there is a byte 0, else ().\n"
        "(b.isBinary)                         # --> true\n"
        "(0x\"4142\".isBinary)                  # --> ()"),
    ROW("get", "Integer (index Integer)", get,
        "The byte at a place, counted from 0; 1.7 beyond the end or before the beginning.\n"
        "(b.get 2)                            # --> 255\n"
        "(b.get 3)                            # error: 1.7"),
    ROW("set", "NIL (index Integer) (byte Object)", set,
        "Changes the byte at a place to 0 to 255, or to that of a String of one byte; 1.7 beyond the end, "
        "1.8 for anything else.\n"
        "(b.set 1 \"A\")\n"
        "b                                    # --> 0x\"0041FF\""),
    ROW("setInteger", "NIL (index Integer) (value Integer) (size Integer) (order Symbol|String ?)", set_integer,
        "Changes 1 to 8 bytes from a place on to an integer: in the order big, the most significant byte "
        "first, or little. 1.7 if they are not all there, 1.8 if it does not fit, and for another size or "
        "order.\n"
        "(b.setInteger 1 258 2)\n"
        "b                                    # --> 0x\"000102\"\n"
        "(b.setInteger 0 256 1)               # error: 1.8"),
    ROW("extract", "Binary (from Integer) (count Integer ?)", extract,
        "So many bytes from a place on, fewer where it ends, all that follow without a count; 1.7 if it "
        "begins beyond the end, or if either is negative.\n"
        "(0x\"01020304\".extract 1 2)           # --> 0x\"0203\""),
    ROW("search", "Object (what Object) (from Integer 0)", search,
        "The place of the first occurrence of a byte, String, Binary or Buffer at or after `from`; () if "
        "there is none. 1.7 for a `from` beyond the end, 1.8 for a number that is no byte, 1.11 for anything "
        "else.\n"
        "(0x\"01020304\".search 0x\"0304\")       # --> 2\n"
        "(0x\"01020304\".search 5)              # --> ()"),
    ROW("remove", "Binary (byte Object)", remove_byte,
        "Takes out every byte of this value, in place; the Binary itself. 1.8 for what is no byte.\n"
        "(0x\"010D020D\".remove 13)             # --> 0x\"0102\""),
    ROW("translate", "Binary (from Object) (to Object)", translate,
        "Changes, in place, each byte that occurs in `from` to the one at the same place in `to`: two "
        "Integers, or two Strings, Binaries or Buffers of the same length, else 1.8; the Binary itself.\n"
        "((\"a-b_c\".binary).translate \"-_\" \"+/\").string   # --> \"a+b/c\""),
    ROW("+", "Binary ...", concatenate,
        "A new Binary of this one and then each String, Binary or Buffer; 1.11 for anything else.\n"
        "(0x\"01\".+ \"A\" 0x\"02\")               # --> 0x\"014102\""),
    ROW("fromHex", "NIL (text String)", from_hex,
        "Takes its bytes from hexadecimal digits; 1.8, and nothing changes, if there is anything else.\n"
        "(b.fromHex \"c0ffee\")\n"
        "b                                    # --> 0x\"C0FFEE\""),
    ROW("toFile", "NIL (path String)", to_file,
        "Writes its bytes to a file, which is made or replaced; 5.1, 5.2, 5.4 or 5.6 if that fails.\n"
        "(b.toFile \"bytes\")"),
    ROW("fromFile", "NIL (path String)", from_file,
        "Takes its bytes from a file, all of it; 5.1 or 5.3, and nothing changes, if it cannot be read.\n"
        "(b.fromFile \"bytes\")\n"
        "b                                    # --> 0x\"C0FFEE\"\n"
        "(b.fromFile \"no such file\")          # error: 5.1"),
    ROW("string", "String", as_string,
        "A String of the same bytes, which are not copied.\n"
        "(0x\"4142\".string)                    # --> \"AB\""),
    ROW("binary", "Binary", copy,
        "A copy.\n"
        "(0x\"4142\".binary)                    # --> 0x\"4142\""),
    ROW("copy", "Binary", copy,
        "A copy: to change one does not change the other.\n"
        "(== b.copy b)                        # --> true"),
    CRPI_LIB_EQUALITY_LIKE("0x\"01\"", "0x\"02\""),
    CRPI_LIB_ORDER_LIKE("0x\"01\"", "0x\"0100\""),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Binary", "Binary (content Object 0)", create,
        "So many bytes 0, or the bytes of a String, Binary or Buffer; 1.8 for a negative number, 1.11 for "
        "anything else.\n"
        "(create Binary 2)                    # --> 0x\"0000\"\n"
        "(create Binary \"AB\")                 # --> 0x\"4142\"");

static const crp_class_def binary_class = {
    .size = sizeof(crp_class_def),
    .name = "Binary",
    .help = "Bytes of any kind, as an object: they can be changed in place, but for their number. A literal is "
            "a new one each time.\n"
            "(set b 0x\"0001FF\")",
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_binary(crp *vm)
{
    uint32_t id;
    crp_status st = crp_define_class(vm, &binary_class, &id);
    return st ? st : crp_define_class_methods(vm, CRP_BINARY, crpi_lib_encoding_rows);
}
