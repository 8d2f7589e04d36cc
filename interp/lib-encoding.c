/* floor 7: the rows that String and Binary share: digests, hexadecimal, Base64, quoted-printable.
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

static crp_status hmac(crp_call *c)
{
    unsigned char out[CRPI_DIGEST_BYTES];
    const char *bytes, *key;
    size_t n, key_length, name_length;
    const char *name = crp_string_data(c->args[1], &name_length);
    crpi_digest_kind kind;
    crp_status st = crpi_lib_bytes(c->vm, c->args[0], &key, &key_length);
    if (st) return st;
    if (!crpi_digest_named(name, name_length, &kind))
        return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                         "no digest is called %v: expected md5, sha1, sha256 or sha512", c->args[1]);
    bytes_of_self(c, &bytes, &n);
    return crp_binary(c->vm, out, crpi_hmac(kind, key, key_length, bytes, n, out), &c->result);
}

/* --- encodings ------------------------------------------------------------------------------------------ */

static crp_status hex(crp_call *c)
{
    crpi_buf b;
    const char *bytes;
    size_t n;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    crpi_hex_encode(&b, bytes, n);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* Which way: `encode` or `decode`, a Symbol or a String. */
static crp_status direction(crp_call *c, bool *decode)
{
    size_t n = 6;
    const char *text = "encode";
    crp_status st = crpi_lib_given(c, 0) ? crpi_lib_name(c->vm, c->args[0], &text, &n) : CRP_OK;
    if (st) return st;
    *decode = n == 6 && memcmp(text, "decode", 6) == 0;
    if (*decode || (n == 6 && memcmp(text, "encode", 6) == 0)) return CRP_OK;
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "expected encode or decode, given %v",
                     c->args[0]);
}

static crp_status base64(crp_call *c)
{
    crpi_buf b;
    const char *bytes;
    size_t n, bad = 0;
    int64_t line = 0;
    bool decode;
    crp_status st = direction(c, &decode);
    if (!st) st = crpi_lib_between(c->vm, "line length", c->args[1], 0, 1000000, &line);
    if (st) return st;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    if (!decode) {
        crpi_base64_encode(&b, bytes, n, (size_t)line);
        return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
    }
    if (crpi_base64_decode(&b, bytes, n, &bad))
        return crpi_lib_finish(c->vm, &b, crp_class_of(c->self), &c->result);
    crpi_buf_free(&b);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "no Base64 at byte %zu of %zu", bad, n);
}

static crp_status quoted_printable(crp_call *c)
{
    crpi_buf b;
    const char *bytes;
    size_t n;
    bool decode;
    crp_status st = direction(c, &decode);
    if (st) return st;
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bytes_of_self(c, &bytes, &n);
    if (decode) crpi_quoted_printable_decode(&b, bytes, n);
    else crpi_quoted_printable_encode(&b, bytes, n);
    return crpi_lib_finish(c->vm, &b, decode ? crp_class_of(c->self) : CRP_STRING, &c->result);
}

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

const crp_method crpi_lib_encoding_rows[] = {
    ROW("digest", "Binary", md5,
        "The MD5 digest (RFC 1321), 16 bytes: for protocols that ask for it, not for security."),
    ROW("md5", "Binary", md5,
        "The MD5 digest (RFC 1321), 16 bytes: for protocols that ask for it, not for security."),
    ROW("sha1", "Binary", sha1,
        "The SHA-1 digest (RFC 3174), 20 bytes: for protocols that ask for it, not for security."),
    ROW("sha256", "Binary", sha256, "The SHA-256 digest (RFC 6234), 32 bytes."),
    ROW("sha512", "Binary", sha512, "The SHA-512 digest (RFC 6234), 64 bytes."),
    ROW("hmac", "Binary (key Object) (digest String)", hmac,
        "The bytes signed with a key (RFC 2104); the digest is one of md5, sha1, sha256, sha512."),
    ROW("hex", "String", hex, "The bytes as lower-case hexadecimal digits, two a byte."),
    ROW("base64", "Object (direction Symbol|String ?) (line Integer 0)", base64,
        "The bytes as Base64 (RFC 4648), with CRLF after so many characters unless `line` is 0; with decode, "
        "the bytes that the text stands for: white space is skipped, 1.8 if it is no Base64."),
    ROW("quotedPrintable", "Object (direction Symbol|String ?)", quoted_printable,
        "The bytes as quoted-printable (RFC 2045); with decode, the bytes that the text stands for."),
    ROW(NULL, NULL, NULL, NULL)};
