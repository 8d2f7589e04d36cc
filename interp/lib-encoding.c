/* floor 7: the rows that String and Binary share: digests, hexadecimal, Base64, quoted-printable, URLs,
 * integers.
 *
 * Encoded text is a String; what is decoded has the class of the text that it came from.
 */
#include "lib.h"

#include <string.h>
#include "codec.h"
#include "digest.h"
#include "str.h"

static void bytes_of_self(const crp_call *c, const char **bytes, size_t *n)
{
    const unsigned char *b;
    crp_bytes(c->self, &b, n);
    *bytes = (const char *)b;
}

/* Which of two words an optional argument is, a Symbol or a String; left out it is the first. */
static crp_status choose(crp_call *c, uint32_t i, const char *first, const char *second, bool *is_second)
{
    size_t n;
    const char *text;
    *is_second = false;
    if (!crpi_lib_given(c, i)) return CRP_OK;
    crp_status st = crpi_lib_name(c->vm, c->args[i], &text, &n);
    if (st) return st;
    *is_second = n == strlen(second) && memcmp(text, second, n) == 0;
    if (*is_second || (n == strlen(first) && memcmp(text, first, n) == 0)) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected %s or %s, given %v", first, second,
                     c->args[i]);
}

/* --- digests -------------------------------------------------------------------------------------------- */

static crp_status digest_with(crp_call *c, crpi_digest_kind kind)
{
    unsigned char out[CRPI_DIGEST_BYTES];
    const char *bytes;
    size_t n;
    bytes_of_self(c, &bytes, &n);
    return crp_binary(c->vm, out, crpi_digest_of(kind, bytes, n, out), &c->result);
}

static crp_status md5(crp_call *c) { return digest_with(c, CRPI_MD5); }
static crp_status sha1(crp_call *c) { return digest_with(c, CRPI_SHA1); }
static crp_status sha256(crp_call *c) { return digest_with(c, CRPI_SHA256); }
static crp_status sha512(crp_call *c) { return digest_with(c, CRPI_SHA512); }

size_t crp_digest(const char *name, const void *bytes, size_t n, unsigned char out[64])
{
    crpi_digest_kind kind;
    return crpi_digest_named(name, strlen(name), &kind) ? crpi_digest_of(kind, bytes, n, out) : 0;
}

size_t crp_hmac(const char *name, const void *key, size_t key_length, const void *bytes, size_t n,
                unsigned char out[64])
{
    crpi_digest_kind kind;
    if (!crpi_digest_named(name, strlen(name), &kind)) return 0;
    return crpi_hmac(kind, key, key_length, bytes, n, out);
}

void crp_hmac_rounds(const char *name, const void *key, size_t key_length, unsigned rounds, unsigned char last[64],
                     unsigned char sum[64])
{
    crpi_digest_kind kind;
    if (crpi_digest_named(name, strlen(name), &kind)) crpi_hmac_rounds(kind, key, key_length, rounds, last, sum);
}

static crp_status hmac(crp_call *c)
{
    unsigned char out[CRPI_DIGEST_BYTES];
    const char *bytes, *key;
    size_t n, key_length, name_length;
    const char *name;
    crpi_digest_kind kind;
    crp_status st = crpi_lib_bytes(c->vm, c->args[0], &key, &key_length);
    if (!st) st = crpi_lib_name(c->vm, c->args[1], &name, &name_length);
    if (st) return st;
    if (!crpi_digest_named(name, name_length, &kind))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "no digest is called %v: expected md5, sha1, sha256 or sha512", c->args[1]);
    bytes_of_self(c, &bytes, &n);
    return crp_binary(c->vm, out, crpi_hmac(kind, key, key_length, bytes, n, out), &c->result);
}

/* --- encodings ------------------------------------------------------------------------------------------ */

/* What a decoder makes is of the receiver's class. */
typedef bool (*decoder)(crpi_buf *, const char *text, size_t n, size_t *bad);

static crp_status decode_with(crp_call *c, decoder decode, const char *complaint)
{
    crpi_buf b;
    const char *bytes;
    size_t n, bad = 0;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    if (decode(&b, bytes, n, &bad)) return crpi_lib_finish(c->vm, &b, crp_class_of(c->self), &c->result);
    crpi_buf_free(&b);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%s at byte %zu of %zu", complaint, bad, n);
}

static crp_status hex(crp_call *c)
{
    crpi_buf b;
    const char *bytes;
    size_t n;
    bool decode;
    crp_status st = choose(c, 0, "encode", "decode", &decode);
    if (st || decode) return st ? st : decode_with(c, crpi_hex_decode, "no hexadecimal byte");
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    crpi_hex_encode(&b, bytes, n);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status base64(crp_call *c)
{
    crpi_buf b;
    const char *bytes;
    size_t n;
    int64_t line = 0;
    bool decode;
    crp_status st = choose(c, 0, "encode", "decode", &decode);
    if (!st) st = crpi_lib_between(c->vm, "line length", c->args[1], 0, 1000000, &line);
    if (st || decode) return st ? st : decode_with(c, crpi_base64_decode, "no Base64");
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    crpi_base64_encode(&b, bytes, n, (size_t)line);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status quoted_printable(crp_call *c)
{
    crpi_buf b;
    const char *bytes;
    size_t n;
    bool decode;
    crp_status st = choose(c, 0, "encode", "decode", &decode);
    if (st) return st;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    if (decode) crpi_quoted_printable_decode(&b, bytes, n);
    else crpi_quoted_printable_encode(&b, bytes, n);
    return crpi_lib_finish(c->vm, &b, decode ? crp_class_of(c->self) : CRP_STRING, &c->result);
}

static crp_status url_encode(crp_call *c)
{
    crpi_buf b;
    const char *bytes;
    size_t n, keep_length;
    const char *keep = crp_string_data(c->args[0], &keep_length);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    crpi_url_encode(&b, bytes, n, keep, keep_length);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status url_decode(crp_call *c)
{
    return decode_with(c, crpi_url_decode, "no two hexadecimal digits behind the %");
}

/* --- integers ------------------------------------------------------------------------------------------- */

static crp_status read_size(crp *vm, crp_word w, size_t *out)
{
    int64_t size = 0;
    crp_status st = crpi_lib_between(vm, "size", w, 1, 8, &size);
    *out = (size_t)size;
    return st;
}

/* The bytes at a place: all of them must be there. */
static crp_status read_place(crp *vm, crp_word index, size_t size, size_t n, size_t *at)
{
    int64_t place = crp_integer_value(index);
    *at = (size_t)place;
    if (place >= 0 && (uint64_t)place <= n && n - (size_t)place >= size) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "%zu bytes at place %ld: there are %zu in all", size,
                     (long)place, n);
}

crp_status crpi_lib_get_integer(crp_call *c)
{
    const char *bytes;
    size_t n, size, at;
    bool little, is_signed;
    bytes_of_self(c, &bytes, &n);
    crp_status st = read_size(c->vm, c->args[1], &size);
    if (!st) st = read_place(c->vm, c->args[0], size, n, &at);
    if (!st) st = choose(c, 2, "big", "little", &little);
    if (!st) st = choose(c, 3, "unsigned", "signed", &is_signed);
    if (st) return st;
    uint64_t value = crpi_integer_decode(bytes + at, size, little);
    uint64_t sign = (uint64_t)1 << (8 * size - 1);
    if (is_signed) value = (value ^ sign) - sign;
    else if (value > INT64_MAX)
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_OVERFLOW, "the unsigned integer %lu is too big for an Integer",
                         (unsigned long)value);
    return crp_integer(c->vm, (int64_t)value, &c->result);
}

crp_status crpi_lib_integer_bytes(crp_call *c, uint32_t value_at, unsigned char out[8], size_t *size)
{
    bool little;
    int64_t value = crp_integer_value(c->args[value_at]);
    crp_status st = read_size(c->vm, c->args[value_at + 1], size);
    if (!st) st = choose(c, value_at + 2, "big", "little", &little);
    if (st) return st;
    if (*size < 8 && (value < -((int64_t)1 << (8 * *size - 1)) || value >> (8 * *size) > 0))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "%ld does not fit into %zu bytes", (long)value,
                         *size);
    crpi_integer_encode(out, *size, little, (uint64_t)value);
    return CRP_OK;
}

crp_status crpi_lib_integer_place(crp_call *c, size_t size, size_t n, size_t *at)
{
    return read_place(c->vm, c->args[0], size, n, at);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

const crp_method crpi_lib_encoding_rows[] = {
    ROW("digest", "Binary", md5,
        "The MD5 digest (RFC 1321), 16 bytes: for protocols that ask for it, not for security.\n"
        "(\"abc\".digest)                       # --> 0x\"900150983CD24FB0D6963F7D28E17F72\""),
    ROW("md5", "Binary", md5,
        "The MD5 digest (RFC 1321), 16 bytes: for protocols that ask for it, not for security.\n"
        "(\"abc\".md5.hex)                      # --> \"900150983cd24fb0d6963f7d28e17f72\""),
    ROW("sha1", "Binary", sha1,
        "The SHA-1 digest (RFC 3174), 20 bytes: for protocols that ask for it, not for security.\n"
        "(\"abc\".sha1.hex)                     # --> \"a9993e364706816aba3e25717850c26c9cd0d89d\""),
    ROW("sha256", "Binary", sha256,
        "The SHA-256 digest (RFC 6234), 32 bytes.\n"
        "((\"abc\".sha256.hex).extract 0 16)    # --> \"ba7816bf8f01cfea\""),
    ROW("sha512", "Binary", sha512,
        "The SHA-512 digest (RFC 6234), 64 bytes.\n"
        "((\"abc\".sha512.hex).extract 0 16)    # --> \"ddaf35a193617aba\""),
    ROW("hmac", "Binary (key Object) (digest Symbol|String)", hmac,
        "The bytes signed with a key (RFC 2104): a String, Binary or Buffer, else 1.11. The digest is md5, "
        "sha1, sha256 or sha512, else 1.8.\n"
        "((\"what do ya want for nothing?\".hmac \"Jefe\" 'md5).hex)   # --> \"750c783e6ab0b503eaa86e310a5db738\""),
    ROW("hex", "Object (direction Symbol|String ?)", hex,
        "The bytes as lower-case hexadecimal digits, two a byte; with decode, the bytes that the digits "
        "stand for: 1.8 if there is anything else.\n"
        "(\"+OK\".hex)                          # --> \"2b4f4b\"\n"
        "(\"2B4F4B\".hex 'decode)               # --> \"+OK\""),
    ROW("base64", "Object (direction Symbol|String ?) (line Integer 0)", base64,
        "The bytes as Base64 (RFC 4648), with CRLF after so many characters, up to 1000000, unless `line` is "
        "0; with decode, the bytes that the text stands for: white space is skipped, 1.8 if it is no "
        "Base64.\n"
        "(\"user\\0secret\".base64)              # --> \"dXNlcgBzZWNyZXQ=\"\n"
        "(\"aGk=\".base64 'decode)              # --> \"hi\"\n"
        "(\"a?\".base64 'decode)                # error: 1.8"),
    ROW("quotedPrintable", "Object (direction Symbol|String ?)", quoted_printable,
        "The bytes as quoted-printable (RFC 2045), lines of at most 76 characters; with decode, the bytes "
        "that the text stands for: never an error.\n"
        "(\"né\".quotedPrintable)               # --> \"n=C3=A9\"\n"
        "(\"n=C3=A9\".quotedPrintable 'decode)  # --> \"né\""),
    ROW("urlEncode", "String (keep String \"\")", url_encode,
        "As a part of a URL (RFC 3986): letters, digits, - . _ ~ and the bytes to keep stay, all others become %HH.\n"
        "(\"a b/é\".urlEncode)                  # --> \"a%20b%2F%C3%A9\"\n"
        "(\"a b/é\".urlEncode \"/\")              # --> \"a%20b/%C3%A9\""),
    ROW("urlDecode", "Object", url_decode,
        "Each %HH as the byte that it stands for; a + stays. 1.8 for a % without two hexadecimal digits.\n"
        "(\"a%20b%2F\".urlDecode)               # --> \"a b/\"\n"
        "(\"100%\".urlDecode)                   # error: 1.8"),
    ROW("getInteger", CRPI_LIB_GET_INTEGER_SPEC, crpi_lib_get_integer, CRPI_LIB_GET_INTEGER_HELP
        "(0x\"0102FFFE\".getInteger 0 2)                    # --> 258\n"
        "(0x\"0102FFFE\".getInteger 2 2 'big 'signed)       # --> -2\n"
        "(0x\"0102FFFE\".getInteger 0 2 'little)            # --> 513"),
    ROW(NULL, NULL, NULL, NULL)};
