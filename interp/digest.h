/* floor 0: MD5 (RFC 1321), SHA-1 (RFC 3174), SHA-256 and SHA-512 (RFC 6234), and HMAC (RFC 2104) on any of
 * them.
 *
 * APOP and checksums need digests before there is any TLS library, so the core has its own.  MD5 and SHA-1
 * are here for the protocols that name them, not for security.
 */
#ifndef CARAPACE_DIGEST_H
#define CARAPACE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum crpi_digest_kind {
    CRPI_MD5,
    CRPI_SHA1,
    CRPI_SHA256,
    CRPI_SHA512,
    CRPI_DIGEST_KINDS
} crpi_digest_kind;

enum { CRPI_DIGEST_BYTES = 64 /* the longest */, CRPI_DIGEST_BLOCK = 128 /* likewise */ };

/* One digest being computed.  Start, add in any pieces, end once. */
typedef struct crpi_digest {
    crpi_digest_kind kind;
    uint64_t length;   /* bytes added so far */
    uint64_t state[8]; /* of the 32-bit kinds the low halves */
    unsigned char block[CRPI_DIGEST_BLOCK];
} crpi_digest;

void crpi_digest_start(crpi_digest *, crpi_digest_kind);
void crpi_digest_add(crpi_digest *, const void *bytes, size_t n);
size_t crpi_digest_end(crpi_digest *, unsigned char out[CRPI_DIGEST_BYTES]); /* its size in bytes */

size_t crpi_digest_of(crpi_digest_kind, const void *bytes, size_t n, unsigned char out[CRPI_DIGEST_BYTES]);
size_t crpi_hmac(crpi_digest_kind, const void *key, size_t key_length, const void *bytes, size_t n,
                 unsigned char out[CRPI_DIGEST_BYTES]);
/* Rounds of PBKDF2 (RFC 8018): each makes `last` its own HMAC, and `sum` differs by that from what it was. */
void crpi_hmac_rounds(crpi_digest_kind, const void *key, size_t key_length, unsigned rounds,
                      unsigned char last[CRPI_DIGEST_BYTES], unsigned char sum[CRPI_DIGEST_BYTES]);

/* By name: md5 sha1 sha256 sha512; a dash and upper case are allowed, as in SHA-256. */
bool crpi_digest_named(const char *name, size_t length, crpi_digest_kind *out);

#endif
