/* The four digests as one machine: a block is filled, compressed into the state, and the end is padded with
 * the length.  What differs stands in one table: sizes, byte order, first state, and the compression.
 *
 * SHA-256's constants are the upper halves of SHA-512's (both are the fractions of the same primes' roots),
 * so one table serves both.
 */
#include "digest.h"

#include <string.h>

/* Fractions of the cube roots of the first 80 primes. */
static const uint64_t cube_roots[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* Fractions of the square roots of the first eight primes. */
static const uint64_t square_roots[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* 2^32 times the absolute sine of 1, 2, ... radians. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static uint32_t rotate_left(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }
static uint32_t rotate_right(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }
static uint64_t rotate_right_64(uint64_t x, unsigned n) { return x >> n | x << (64 - n); }

static uint32_t little_32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t big_32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t big_64(const unsigned char *p) { return (uint64_t)big_32(p) << 32 | big_32(p + 4); }

/* --- compression ---------------------------------------------------------------------------------------- */

static uint32_t md5_mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0: return (b & c) | (~b & d);
    case 1: return (d & b) | (~d & c);
    case 2: return b ^ c ^ d;
    default: return c ^ (b | ~d);
    }
}

static void md5_compress(uint64_t state[8], const unsigned char *block)
{
    static const unsigned char shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    static const unsigned char step[4] = {1, 5, 3, 7}, first[4] = {0, 1, 5, 0};
    uint32_t a = (uint32_t)state[0], b = (uint32_t)state[1], c = (uint32_t)state[2], d = (uint32_t)state[3];
    for (unsigned i = 0; i < 64; i++) {
        unsigned round = i / 16, word = (first[round] + step[round] * i) % 16;
        uint32_t sum = a + md5_mix((int)round, b, c, d) + sines[i] + little_32(block + 4 * word);
        a = d;
        d = c;
        c = b;
        b += rotate_left(sum, shifts[round][i % 4]);
    }
    uint32_t after[4] = {a, b, c, d};
    for (int i = 0; i < 4; i++) state[i] = (uint32_t)(state[i] + after[i]);
}

static uint32_t sha1_mix(unsigned i, uint32_t b, uint32_t c, uint32_t d)
{
    if (i < 20) return ((b & c) | (~b & d)) + 0x5a827999;
    if (i < 40) return (b ^ c ^ d) + 0x6ed9eba1;
    if (i < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    return (b ^ c ^ d) + 0xca62c1d6;
}

static void sha1_compress(uint64_t state[8], const unsigned char *block)
{
    uint32_t w[80], v[5];
    for (unsigned i = 0; i < 16; i++) w[i] = big_32(block + 4 * i);
    for (unsigned i = 16; i < 80; i++) w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 5; i++) v[i] = (uint32_t)state[i];
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate_left(v[0], 5) + sha1_mix(i, v[1], v[2], v[3]) + v[4] + w[i];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate_left(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (int i = 0; i < 5; i++) state[i] = (uint32_t)(state[i] + v[i]);
}

static void sha256_schedule(uint32_t w[64], const unsigned char *block)
{
    for (unsigned i = 0; i < 16; i++) w[i] = big_32(block + 4 * i);
    for (unsigned i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        uint32_t low = rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
        uint32_t high = rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10;
        w[i] = w[i - 16] + low + w[i - 7] + high;
    }
}

/* The eight words of the state turn by one place a round: instead of them, their places do. */
#define V(k) v[((k) - i) & 7]

static void sha256_compress(uint64_t state[8], const unsigned char *block)
{
    uint32_t w[64], v[8];
    sha256_schedule(w, block);
    for (int i = 0; i < 8; i++) v[i] = (uint32_t)state[i];
#pragma GCC unroll 8
    for (unsigned i = 0; i < 64; i++) {
        uint32_t e = V(4), a = V(0);
        uint32_t first = V(7) + (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                         ((e & V(5)) ^ (~e & V(6))) + (uint32_t)(cube_roots[i] >> 32) + w[i];
        uint32_t second = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                          ((a & V(1)) ^ (a & V(2)) ^ (V(1) & V(2)));
        V(3) += first;
        V(7) = first + second;
    }
    for (int i = 0; i < 8; i++) state[i] = (uint32_t)(state[i] + v[i]);
}

static void sha512_schedule(uint64_t w[80], const unsigned char *block)
{
    for (unsigned i = 0; i < 16; i++) w[i] = big_64(block + 8 * i);
    for (unsigned i = 16; i < 80; i++) {
        uint64_t x = w[i - 15], y = w[i - 2];
        uint64_t low = rotate_right_64(x, 1) ^ rotate_right_64(x, 8) ^ x >> 7;
        uint64_t high = rotate_right_64(y, 19) ^ rotate_right_64(y, 61) ^ y >> 6;
        w[i] = w[i - 16] + low + w[i - 7] + high;
    }
}

static void sha512_compress(uint64_t state[8], const unsigned char *block)
{
    uint64_t w[80], v[8];
    sha512_schedule(w, block);
    memcpy(v, state, sizeof v);
#pragma GCC unroll 8
    for (unsigned i = 0; i < 80; i++) {
        uint64_t e = V(4), a = V(0);
        uint64_t first = V(7) + (rotate_right_64(e, 14) ^ rotate_right_64(e, 18) ^ rotate_right_64(e, 41)) +
                         ((e & V(5)) ^ (~e & V(6))) + cube_roots[i] + w[i];
        uint64_t second = (rotate_right_64(a, 28) ^ rotate_right_64(a, 34) ^ rotate_right_64(a, 39)) +
                          ((a & V(1)) ^ (a & V(2)) ^ (V(1) & V(2)));
        V(3) += first;
        V(7) = first + second;
    }
    for (int i = 0; i < 8; i++) state[i] += v[i];
}

/* --- the machine ---------------------------------------------------------------------------------------- */

static const struct kind {
    const char *name;
    unsigned char size, block, word; /* bytes: of the digest, of a block, of a word */
    bool big_endian;
    void (*compress)(uint64_t state[8], const unsigned char *block);
} kinds[CRPI_DIGEST_KINDS] = {
    [CRPI_MD5] = {"md5", 16, 64, 4, false, md5_compress},
    [CRPI_SHA1] = {"sha1", 20, 64, 4, true, sha1_compress},
    [CRPI_SHA256] = {"sha256", 32, 64, 4, true, sha256_compress},
    [CRPI_SHA512] = {"sha512", 64, 128, 8, true, sha512_compress},
};

void crpi_digest_start(crpi_digest *d, crpi_digest_kind kind)
{
    static const uint32_t old[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    d->kind = kind;
    d->length = 0;
    for (int i = 0; i < 8; i++)
        d->state[i] = kind == CRPI_SHA512   ? square_roots[i]
                      : kind == CRPI_SHA256 ? square_roots[i] >> 32
                      : i < 5               ? old[i]
                                            : 0;
}

void crpi_digest_add(crpi_digest *d, const void *bytes, size_t n)
{
    const struct kind *k = &kinds[d->kind];
    const unsigned char *from = bytes;
    size_t held = (size_t)(d->length % k->block);
    d->length += n;
    while (n > 0) {
        if (held == 0 && n >= k->block) {
            k->compress(d->state, from);
            from += k->block;
            n -= k->block;
            continue;
        }
        size_t take = k->block - held < n ? k->block - held : n;
        memcpy(d->block + held, from, take);
        from += take;
        n -= take;
        held += take;
        if (held == k->block) {
            k->compress(d->state, d->block);
            held = 0;
        }
    }
}

/* The lowest `n` bytes of a number, in the kind's byte order. */
static void put_number(const struct kind *k, unsigned char *out, uint64_t number, unsigned n)
{
    for (unsigned i = 0; i < n; i++) out[k->big_endian ? n - 1 - i : i] = (unsigned char)(number >> 8 * i);
}

size_t crpi_digest_end(crpi_digest *d, unsigned char out[CRPI_DIGEST_BYTES])
{
    const struct kind *k = &kinds[d->kind];
    unsigned char padding[2 * CRPI_DIGEST_BLOCK] = {0x80};
    uint64_t bits = d->length * 8;
    size_t count =
        2 * k->word; /* the length fills two words, of which the upper one stays 0 beyond 64 bits */
    size_t held = (size_t)(d->length % k->block);
    size_t pad = (held + 1 + count <= k->block ? k->block : 2 * k->block) - held;
    put_number(k, padding + (k->big_endian ? pad - 8 : pad - count), bits, 8);
    crpi_digest_add(d, padding, pad);
    for (unsigned i = 0; i < k->size / k->word; i++) put_number(k, out + i * k->word, d->state[i], k->word);
    return k->size;
}

size_t crpi_digest_of(crpi_digest_kind kind, const void *bytes, size_t n,
                      unsigned char out[CRPI_DIGEST_BYTES])
{
    crpi_digest d;
    crpi_digest_start(&d, kind);
    crpi_digest_add(&d, bytes, n);
    return crpi_digest_end(&d, out);
}

/* HMAC with a key that was looked at already: both digests have begun with it. */
typedef struct keyed {
    crpi_digest inner, outer;
} keyed;

static void set_key(keyed *k, crpi_digest_kind kind, const void *key, size_t key_length)
{
    unsigned char inner[CRPI_DIGEST_BLOCK] = {0}, outer[CRPI_DIGEST_BLOCK];
    size_t block = kinds[kind].block;
    if (key_length > block) crpi_digest_of(kind, key, key_length, inner);
    else if (key_length > 0) memcpy(inner, key, key_length);
    for (size_t i = 0; i < block; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    crpi_digest_start(&k->inner, kind);
    crpi_digest_add(&k->inner, inner, block);
    crpi_digest_start(&k->outer, kind);
    crpi_digest_add(&k->outer, outer, block);
    explicit_bzero(inner, sizeof inner);
    explicit_bzero(outer, sizeof outer);
}

/* `out` may be the bytes. */
static size_t hmac_with(const keyed *k, const void *bytes, size_t n, unsigned char out[CRPI_DIGEST_BYTES])
{
    crpi_digest d = k->inner;
    crpi_digest_add(&d, bytes, n);
    size_t size = crpi_digest_end(&d, out);
    d = k->outer;
    crpi_digest_add(&d, out, size);
    return crpi_digest_end(&d, out);
}

size_t crpi_hmac(crpi_digest_kind kind, const void *key, size_t key_length, const void *bytes, size_t n,
                 unsigned char out[CRPI_DIGEST_BYTES])
{
    keyed k;
    set_key(&k, kind, key, key_length);
    size_t size = hmac_with(&k, bytes, n, out);
    explicit_bzero(&k, sizeof k);
    return size;
}

void crpi_hmac_rounds(crpi_digest_kind kind, const void *key, size_t key_length, unsigned rounds,
                      unsigned char last[CRPI_DIGEST_BYTES], unsigned char sum[CRPI_DIGEST_BYTES])
{
    keyed k;
    size_t size = kinds[kind].size;
    set_key(&k, kind, key, key_length);
    while (rounds--) {
        hmac_with(&k, last, size, last);
        for (size_t i = 0; i < size; i++) sum[i] ^= last[i];
    }
    explicit_bzero(&k, sizeof k);
}

bool crpi_digest_named(const char *name, size_t length, crpi_digest_kind *out)
{
    char plain[8];
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '-') continue;
        if (n == sizeof plain - 1) return false;
        plain[n++] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
    }
    plain[n] = 0;
    for (int i = 0; i < CRPI_DIGEST_KINDS; i++)
        if (strcmp(plain, kinds[i].name) == 0) {
            *out = (crpi_digest_kind)i;
            return true;
        }
    return false;
}
