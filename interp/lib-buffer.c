/* floor 7: the methods of Buffer, the bytes that communication receives into. */
#include "lib.h"

#include <string.h>
#include "str.h"

static crpi_buffer *self_buffer(const crp_call *c) { return crpi_buffer_of(c->self); }

static const char *self_bytes(const crp_call *c, size_t *n)
{
    const crpi_buffer *b = self_buffer(c);
    *n = b->length;
    return b->block ? (const char *)b->block + b->start : "";
}

/* --- looking -------------------------------------------------------------------------------------------- */

static crp_status length(crp_call *c)
{
    return crp_integer(c->vm, (int64_t)self_buffer(c)->length, &c->result);
}
static crp_status capacity(crp_call *c)
{
    return crp_integer(c->vm, (int64_t)self_buffer(c)->capacity, &c->result);
}

static crp_status is_empty(crp_call *c)
{
    c->result = crp_bool(self_buffer(c)->length == 0);
    return CRP_OK;
}

static crp_status as_string(crp_call *c)
{
    size_t n;
    const char *bytes = self_bytes(c, &n);
    return crp_string(c->vm, bytes, n, &c->result);
}

static crp_status as_binary(crp_call *c)
{
    size_t n;
    const char *bytes = self_bytes(c, &n);
    return crp_binary(c->vm, bytes, n, &c->result);
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
    const char *bytes = self_bytes(c, &n);
    crp_status st = crpi_lib_range(c->vm, c->args[0], c->args[1], n, &at, &count);
    return st ? st : crp_binary(c->vm, bytes + at, count, &c->result);
}

static crp_status search(crp_call *c)
{
    size_t n, length, from, rest;
    const char *bytes = self_bytes(c, &n), *what;
    crp_status st = crpi_lib_range(c->vm, c->args[1], CRP_UNSET, n, &from, &rest);
    if (!st) st = crpi_lib_bytes(c->vm, c->args[0], &what, &length);
    if (st) return st;
    size_t at = crpi_lib_search(bytes, n, what, length, from);
    return at < n || length == 0 ? crp_integer(c->vm, (int64_t)at, &c->result) : CRP_OK;
}

/* --- changing ------------------------------------------------------------------------------------------- */

/* Appends a value's bytes.  It may be the Buffer itself, so they are looked up again once there is room. */
static crp_status append_value(crp *vm, crp_word buffer, crp_word value)
{
    unsigned char *at;
    const char *bytes;
    size_t n, room;
    crp_status st = crpi_lib_bytes(vm, value, &bytes, &n);
    if (st || n == 0) return st;
    st = crp_buffer_room(vm, buffer, n, &at, &room);
    if (st) return st;
    if (value == buffer) crpi_lib_bytes(vm, value, &bytes, &n);
    memcpy(at, bytes, n);
    crp_buffer_added(buffer, n);
    return CRP_OK;
}

static crp_status append(crp_call *c)
{
    crp_status st = CRP_OK;
    for (uint32_t i = 0; !st && i < c->count; i++) st = append_value(c->vm, c->self, c->args[i]);
    return st;
}

static crp_status prepend(crp_call *c)
{
    crpi_buffer *b = self_buffer(c);
    unsigned char *at;
    const char *bytes;
    size_t n, room;
    crp_status st = crpi_lib_bytes(c->vm, c->args[0], &bytes, &n);
    if (st || n == 0) return st;
    if (c->args[0] == c->self) return append_value(c->vm, c->self, c->self);
    if (b->start >= n) {
        b->start -= n;
    } else {
        st = crp_buffer_room(c->vm, c->self, n, &at, &room);
        if (st) return st;
        memmove(b->block + b->start + n, b->block + b->start, b->length);
    }
    memcpy(b->block + b->start, bytes, n);
    b->length += n;
    return CRP_OK;
}

static crp_status append_integer(crp_call *c)
{
    unsigned char *at, value[8];
    size_t size, room;
    crp_status st = crpi_lib_integer_bytes(c, 0, value, &size);
    if (!st) st = crp_buffer_room(c->vm, c->self, size, &at, &room);
    if (st) return st;
    memcpy(at, value, size);
    crp_buffer_added(c->self, size);
    return CRP_OK;
}

static crp_status reset(crp_call *c)
{
    crpi_buffer *b = self_buffer(c);
    b->start = b->length = 0;
    return CRP_OK;
}

static crp_status consume(crp_call *c)
{
    crpi_buffer *b = self_buffer(c);
    int64_t n = crp_integer_value(c->args[0]);
    if (n < 0 || (uint64_t)n > b->length)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "cannot consume %ld bytes: there are %zu",
                         (long)n, b->length);
    b->start += (size_t)n;
    b->length -= (size_t)n;
    if (b->length == 0) b->start = 0;
    return CRP_OK;
}

static crp_status from_file(crp_call *c)
{
    crp_word string;
    crp_status st = crpi_lib_read_file(c->vm, c->args[0], &string);
    if (st) return st;
    reset(c);
    return append_value(c->vm, c->self, string);
}

static crp_status to_file(crp_call *c)
{
    size_t n;
    const char *bytes = self_bytes(c, &n);
    return crpi_lib_write_file(c->vm, c->args[0], bytes, n);
}

static crp_status copy(crp_call *c)
{
    crp_status st = crp_buffer(c->vm, self_buffer(c)->capacity, &c->result);
    return st ? st : append_value(c->vm, c->result, c->self);
}

static crp_status create(crp_call *c)
{
    int64_t size;
    size_t n;
    const char *bytes;
    if (crp_is_integer(c->args[0])) {
        crp_status st = crpi_lib_between(c->vm, "size", c->args[0], 0, (int64_t)CRPI_LIB_CAP - 1, &size);
        return st ? st : crp_buffer(c->vm, (size_t)size, &c->result);
    }
    crp_status st = crpi_lib_bytes(c->vm, c->args[0], &bytes, &n);
    if (!st) st = crp_buffer(c->vm, n, &c->result);
    return st ? st : append_value(c->vm, c->result, c->args[0]);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method rows[] = {
    ROW("length", "Integer", length,
        "How many bytes are held.\n"
        "(b.length)                           # --> 5"),
    ROW("bufferLength", "Integer", capacity,
        "How many bytes it can hold as it is; append and prepend make it grow.\n"
        "((create Buffer 128).bufferLength)   # --> 128"),
    ROW("isEmpty", "Object", is_empty,
        "true if no byte is held, else ().\n"
        "((create Buffer 128).isEmpty)        # --> true"),
    ROW("get", "Integer (index Integer)", get,
        "The byte at a place, counted from 0; 1.7 beyond the end or before the beginning.\n"
        "(b.get 0)                            # --> 72"),
    ROW("getInteger", CRPI_LIB_GET_INTEGER_SPEC, crpi_lib_get_integer, CRPI_LIB_GET_INTEGER_HELP
        "(b.getInteger 0 2)                   # --> 18533"),
    ROW("extract", "Binary (from Integer) (count Integer ?)", extract,
        "So many bytes from a place on, fewer where it ends, all that follow without a count; 1.7 if it "
        "begins beyond the end, or if either is negative.\n"
        "((b.extract 1 3).string)             # --> \"ell\""),
    ROW("search", "Object (what Object) (from Integer 0)", search,
        "The place of the first occurrence of a String, Binary or Buffer at or after `from`; () if there is "
        "none. 1.7 for a `from` beyond the end, 1.11 for anything else.\n"
        "(b.search \"l\")                       # --> 2"),
    ROW("append", "NIL ...", append,
        "Adds the bytes of Strings, Binaries or Buffers at the end; 1.11 for anything else, when those "
        "before it are there already.\n"
        "(b.append \", \" \"world\")\n"
        "(b.string)                           # --> \"Hello, world\""),
    ROW("appendInteger", "NIL (value Integer) (size Integer) (order Symbol|String ?)", append_integer,
        "Adds an integer as 1 to 8 bytes at the end: in the order big, the most significant byte first, or "
        "little. 1.8 if it does not fit, and for another size or order.\n"
        "(set frame (create Buffer))\n"
        "(frame.appendInteger 5 2)\n"
        "(frame.append \"Hello\")\n"
        "(frame.binary)                       # --> 0x\"000548656C6C6F\""),
    ROW("prepend", "NIL (bytes Object)", prepend,
        "Adds the bytes of a String, Binary or Buffer at the beginning; 1.11 for anything else.\n"
        "(b.prepend \"> \")\n"
        "(b.string)                           # --> \"> Hello, world\""),
    ROW("consume", "NIL (count Integer)", consume,
        "Takes so many bytes away from the beginning; 1.7, and none is taken, if there are fewer.\n"
        "(b.consume 2)\n"
        "(b.string)                           # --> \"Hello, world\""),
    ROW("toFile", "NIL (path String)", to_file,
        "Writes the bytes held to a file, which is made or replaced; 5.1, 5.2, 5.4 or 5.6 if that fails.\n"
        "(b.toFile \"bytes\")"),
    ROW("reset", "NIL", reset,
        "Drops the bytes and keeps the size.\n"
        "(b.reset)\n"
        "(b.length)                           # --> 0"),
    ROW("fromFile", "NIL (path String)", from_file,
        "Holds the bytes of a file instead, all of it; 5.1 or 5.3, and nothing changes, if it cannot be read.\n"
        "(b.fromFile \"bytes\")\n"
        "(b.string)                           # --> \"Hello, world\""),
    ROW("string", "String", as_string,
        "A String of the bytes held.\n"
        "(b.string)                           # --> \"Hello, world\""),
    ROW("binary", "Binary", as_binary,
        "A Binary of the bytes held.\n"
        "((create Buffer \"AB\").binary)        # --> 0x\"4142\""),
    ROW("copy", "Buffer", copy,
        "A Buffer of the same size and bytes.\n"
        "(== b.copy b)                        # --> true"),
    CRPI_LIB_EQUALITY_LIKE("(create Buffer \"a\")", "(create Buffer \"b\")"),
    ROW(NULL, NULL, NULL, NULL)};

static const crp_method creator =
    ROW("Buffer", "Buffer (content Object 0)", create,
        "Room for so many bytes, or the bytes of a String, Binary or Buffer; 1.8 for a negative number, 1.11 "
        "for anything else.\n"
        "((create Buffer \"Hello\").length)     # --> 5");

static const crp_class_def buffer_class = {
    .size = sizeof(crp_class_def),
    .name = "Buffer",
    .help = "Bytes that change and grow: received into at the end, consumed at the beginning.\n"
            "(set b (create Buffer \"Hello\"))",
    .methods = rows,
    .creator = &creator};

crp_status crpi_lib_buffer(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &buffer_class, &id);
}
