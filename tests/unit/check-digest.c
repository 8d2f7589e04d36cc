/* The digests against the vectors of their RFCs, in one piece and in many. */
#include "unit.h"
#include "digest.h"

#include <stdio.h>
#include <string.h>

static const char *hex_of(const unsigned char *bytes, size_t n)
{
    static char text[2 * CRPI_DIGEST_BYTES + 1];
    for (size_t i = 0; i < n; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    text[2 * n] = 0;
    return text;
}

static const char *digest(crpi_digest_kind kind, const char *text)
{
    unsigned char out[CRPI_DIGEST_BYTES];
    return hex_of(out, crpi_digest_of(kind, text, strlen(text), out));
}

static const char *hmac(crpi_digest_kind kind, const void *key, size_t key_length, const char *text)
{
    unsigned char out[CRPI_DIGEST_BYTES];
    return hex_of(out, crpi_hmac(kind, key, key_length, text, strlen(text), out));
}

START_TEST(md5_gives_the_digests_of_rfc_1321)
{
    ck_assert_str_eq(digest(CRPI_MD5, ""), "d41d8cd98f00b204e9800998ecf8427e");
    ck_assert_str_eq(digest(CRPI_MD5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
    ck_assert_str_eq(
        digest(CRPI_MD5, "12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
        "57edf4a22be3c955ac49da2e2107b67a");
}
END_TEST

START_TEST(md5_answers_the_apop_challenge_of_rfc_1939)
{
    ck_assert_str_eq(digest(CRPI_MD5, "<1896.697170952@dbc.mtview.ca.us>tanstaaf"),
                     "c4c9334bac560ecc979e58001b3e22fb");
}
END_TEST

START_TEST(sha1_gives_the_digests_of_rfc_3174)
{
    ck_assert_str_eq(digest(CRPI_SHA1, ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    ck_assert_str_eq(digest(CRPI_SHA1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    ck_assert_str_eq(digest(CRPI_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                     "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}
END_TEST

START_TEST(sha256_gives_the_digests_of_rfc_6234)
{
    ck_assert_str_eq(digest(CRPI_SHA256, ""),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ck_assert_str_eq(digest(CRPI_SHA256, "abc"),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert_str_eq(digest(CRPI_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

START_TEST(sha512_gives_the_digests_of_rfc_6234)
{
    ck_assert_str_eq(digest(CRPI_SHA512, ""),
                     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
    ck_assert_str_eq(digest(CRPI_SHA512, "abc"),
                     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    ck_assert_str_eq(digest(CRPI_SHA512, "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                         "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
                     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
                     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
}
END_TEST

START_TEST(a_million_letters_give_the_known_digests)
{
    static const char *const expected[CRPI_DIGEST_KINDS] = {
        "7707d6ae4e027c70eea2a935c2296f21", "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
        "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"};
    char letters[1000];
    memset(letters, 'a', sizeof letters);
    for (int kind = 0; kind < CRPI_DIGEST_KINDS; kind++) {
        crpi_digest d;
        unsigned char out[CRPI_DIGEST_BYTES];
        crpi_digest_start(&d, (crpi_digest_kind)kind);
        for (int i = 0; i < 1000; i++) crpi_digest_add(&d, letters, sizeof letters);
        ck_assert_str_eq(hex_of(out, crpi_digest_end(&d, out)), expected[kind]);
    }
}
END_TEST

START_TEST(pieces_of_any_size_give_the_digest_of_the_whole)
{
    char text[300], whole[2 * CRPI_DIGEST_BYTES + 1];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 7 + 1);
    for (int kind = 0; kind < CRPI_DIGEST_KINDS; kind++)
        for (size_t length = 0; length < sizeof text; length++) {
            crpi_digest d;
            unsigned char out[CRPI_DIGEST_BYTES];
            strcpy(whole, hex_of(out, crpi_digest_of((crpi_digest_kind)kind, text, length, out)));
            crpi_digest_start(&d, (crpi_digest_kind)kind);
            for (size_t at = 0, step = 1; at < length; at += step, step = step % 70 + 3) {
                if (step > length - at) step = length - at;
                crpi_digest_add(&d, text + at, step);
            }
            ck_assert_str_eq(hex_of(out, crpi_digest_end(&d, out)), whole);
        }
}
END_TEST

START_TEST(hmac_gives_the_digests_of_rfc_2202_and_rfc_4231)
{
    unsigned char key[131];
    memset(key, 0x0b, sizeof key);
    ck_assert_str_eq(hmac(CRPI_MD5, key, 16, "Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
    ck_assert_str_eq(hmac(CRPI_SHA1, key, 20, "Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
    ck_assert_str_eq(hmac(CRPI_SHA256, "Jefe", 4, "what do ya want for nothing?"),
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ck_assert_str_eq(hmac(CRPI_SHA512, "Jefe", 4, "what do ya want for nothing?"),
                     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}
END_TEST

START_TEST(an_hmac_key_longer_than_a_block_is_digested_first)
{
    unsigned char key[131];
    memset(key, 0xaa, sizeof key);
    ck_assert_str_eq(hmac(CRPI_SHA256, key, 131, "Test Using Larger Than Block-Size Key - Hash Key First"),
                     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    ck_assert_str_eq(hmac(CRPI_SHA512, key, 131, "Test Using Larger Than Block-Size Key - Hash Key First"),
                     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}
END_TEST

/* RFC 6070 and, for SHA-256, its author's further vectors. */
static const char *stretched(crpi_digest_kind kind, unsigned rounds)
{
    static const char salt[] = "salt\0\0\0\1";
    unsigned char last[CRPI_DIGEST_BYTES], sum[CRPI_DIGEST_BYTES];
    size_t size = crpi_hmac(kind, "password", 8, salt, 8, last);
    memcpy(sum, last, size);
    crpi_hmac_rounds(kind, "password", 8, rounds / 2, last, sum);
    crpi_hmac_rounds(kind, "password", 8, rounds - 1 - rounds / 2, last, sum);
    return hex_of(sum, size);
}

START_TEST(rounds_of_hmac_give_the_keys_of_rfc_6070)
{
    ck_assert_str_eq(stretched(CRPI_SHA1, 1), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
    ck_assert_str_eq(stretched(CRPI_SHA1, 4096), "4b007901b765489abead49d926f721d065a429c1");
    ck_assert_str_eq(stretched(CRPI_SHA256, 4096), "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
}
END_TEST

START_TEST(a_digest_is_found_by_its_name)
{
    crpi_digest_kind kind;
    ck_assert(crpi_digest_named("SHA-256", 7, &kind));
    ck_assert_int_eq(kind, CRPI_SHA256);
    ck_assert(crpi_digest_named("md5", 3, &kind));
    ck_assert_int_eq(kind, CRPI_MD5);
    ck_assert(!crpi_digest_named("sha3", 4, &kind));
    ck_assert(!crpi_digest_named("", 0, &kind));
    ck_assert(!crpi_digest_named("a very long name indeed", 23, &kind));
}
END_TEST

UNIT_MAIN("digest", md5_gives_the_digests_of_rfc_1321, md5_answers_the_apop_challenge_of_rfc_1939,
          sha1_gives_the_digests_of_rfc_3174, sha256_gives_the_digests_of_rfc_6234,
          sha512_gives_the_digests_of_rfc_6234, a_million_letters_give_the_known_digests,
          pieces_of_any_size_give_the_digest_of_the_whole, hmac_gives_the_digests_of_rfc_2202_and_rfc_4231,
          an_hmac_key_longer_than_a_block_is_digested_first, rounds_of_hmac_give_the_keys_of_rfc_6070, a_digest_is_found_by_its_name)
