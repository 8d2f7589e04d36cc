/* SASL: the dialogues of the RFCs, word for word, and servers that say something else. */
#include "comms.h"
#include "sasl.h"

static crp_word holder; /* any module: its words are kept */
static crpi_sasl s;
static crp_call sasl_call;

static void start_with(const char *name, const char *user, const char *password)
{
    comms_open();
    holder = make("Memory");
    memset(&s, 0, sizeof s);
    sasl_call = (crp_call){.vm = vm};
    crpi_sasl_begin(vm, &s, crp_object_of(holder), crpi_sasl_named(name, strlen(name)));
    s.user = text(user);
    s.password = text(password);
}

static void finish(void)
{
    crpi_sasl_end(vm, &s);
    ck_assert_ptr_null(s.scram);
    comms_close();
}

static crp_status answer(const char *challenge)
{
    crpi_native native = {.call = {.vm = vm}};
    const unsigned char *at = (const unsigned char *)challenge;
    crp_status st = crpi_sasl_respond(&native.call, &s, at, challenge ? strlen(challenge) : 0);
    while (st == CRP_AGAIN) st = crpi_sasl_respond(&native.call, &s, NULL, 0);
    return st;
}

static void says(const char *challenge, const char *expected)
{
    expect_ok(answer(challenge));
    ck_assert_msg(!s.fault, "%s", s.why);
    ck_assert_uint_eq(s.response.n, strlen(expected));
    if (s.response.n) ck_assert_mem_eq(s.response.at, expected, s.response.n);
}

static void faults(crpi_sasl_fault fault, const char *challenge, const char *why)
{
    expect_ok(answer(challenge));
    ck_assert_int_eq(s.fault, fault);
    ck_assert_msg(strstr(s.why, why) != NULL, "%s", s.why);
    ck_assert(!s.proven);
}

/* --- the RFCs -------------------------------------------------------------------------------------- */

#define RFC_5802 "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"

static void begin_5802(void)
{
    start_with("SCRAM-SHA-1", "user", "pencil");
    strcpy(s.nonce, "fyko+d2lbbFgONRv9qkxdawL");
    says(NULL, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
}

START_TEST(scram_sha_1_speaks_as_in_rfc_5802)
{
    begin_5802();
    says(RFC_5802, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    ck_assert(!s.proven);
    says("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "");
    ck_assert(s.proven);
    finish();
}
END_TEST

START_TEST(scram_sha_256_speaks_as_in_rfc_7677)
{
    start_with("scram-sha-256", "user", "pencil");
    strcpy(s.nonce, "rOprNGfwEbeRWgbNEkqO");
    says(NULL, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    says("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
         "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    says("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "");
    ck_assert(s.proven);
    finish();
}
END_TEST

START_TEST(cram_md5_speaks_as_in_rfc_2195)
{
    start_with("CRAM-MD5", "tim", "tanstaaftanstaaf");
    says("<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890");
    ck_assert(s.proven);
    ck_assert_uint_eq(s.secret_at, 4);
    faults(CRPI_SASL_BROKEN, "again", "has answered already");
    finish();
}
END_TEST

START_TEST(oauthbearer_speaks_as_in_rfc_7628)
{
    start_with("OAUTHBEARER", "user@example.com", "");
    s.token = text("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
    s.host = text("server.example.com");
    s.port = text("143");
    says(NULL, "n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer "
               "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1");
    says("{\"status\":\"invalid_token\"}", "\1");
    ck_assert(!s.proven);
    ck_assert_mem_eq(s.reason.at, "{\"status\":\"invalid_token\"}", s.reason.n);
    finish();
}
END_TEST

START_TEST(plain_and_login_say_name_and_password)
{
    start_with("PLAIN", "tim", "tanstaaf");
    expect_ok(answer(NULL));
    ck_assert_mem_eq(s.response.at, "\0tim\0tanstaaf", 13);
    finish();
    start_with("LOGIN", "tim", "tanstaaf");
    says("Username:", "tim");
    ck_assert(!s.proven);
    says("Password:", "tanstaaf");
    ck_assert(s.proven);
    finish();
}
END_TEST

/* --- names and binding ----------------------------------------------------------------------------- */

START_TEST(what_would_end_a_name_is_written_otherwise)
{
    start_with("SCRAM-SHA-1", "a=b,c", "pencil");
    strcpy(s.nonce, "x");
    says(NULL, "n,,n=a=3Db=2Cc,r=x");
    finish();
}
END_TEST

START_TEST(a_client_that_could_bind_says_so)
{
    start_with("SCRAM-SHA-1", "user", "pencil");
    strcpy(s.nonce, "x");
    s.binding_type = text("tls-exporter");
    s.binding = text("0123");
    says(NULL, "y,,n=user,r=x");
    expect_ok(answer("r=xy,s=QSXCR+Q6sek8bf92,i=1"));
    ck_assert_mem_eq(s.response.at, "c=eSws,r=xy,p=", 14);
    finish();
    start_with("SCRAM-SHA-1", "user", "pencil");
    strcpy(s.nonce, "x");
    s.binding_type = text("tls-exporter");
    s.binding = text("0123");
    s.plus_offered = true; /* it was not chosen: nobody has taken it away */
    says(NULL, "n,,n=user,r=x");
    finish();
}
END_TEST

START_TEST(a_bound_proof_has_the_binding_in_it)
{
    start_with("SCRAM-SHA-256-PLUS", "user", "pencil");
    strcpy(s.nonce, "x");
    s.binding_type = text("tls-unique");
    s.binding = text("0123");
    says(NULL, "p=tls-unique,,n=user,r=x");
    expect_ok(answer("r=xy,s=QSXCR+Q6sek8bf92,i=1"));
    static const char first[] = "c=cD10bHMtdW5pcXVlLCwwMTIz,r=xy,p="; /* p=tls-unique,,0123 */
    ck_assert_mem_eq(s.response.at, first, sizeof first - 1);
    finish();
}
END_TEST

START_TEST(random_nonces_differ)
{
    char first[64] = "";
    for (int i = 0; i < 2; i++) {
        start_with("SCRAM-SHA-1", "u", "p");
        expect_ok(answer(NULL));
        ck_assert_uint_eq(s.response.n, 3 + 3 + 3 + 24); /* "n,,", "n=u", ",r=", 18 bytes in Base64 */
        ck_assert_mem_ne(s.response.at, first, s.response.n);
        memcpy(first, s.response.at, s.response.n);
        finish();
    }
}
END_TEST

/* --- servers --------------------------------------------------------------------------------------- */

START_TEST(a_first_message_that_is_none_is_broken)
{
    static const struct {
        const char *challenge, *why;
    } cases[] = {
        {"", "no nonce"},
        {"r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096", "does not begin with"}, /* nothing of its own */
        {"r=Fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4096", "does not begin with"},
        {"r=fyko+d2lbbFgONRv9qkxdawL\x80,s=QSXCR+Q6sek8bf92,i=4096", "does not begin with"},
        {"m=must,r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4096", "an extension"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx", "no salt"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=,i=1", "no salt"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf9,i=1", "no salt"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QQ=,i=1", "no salt"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92", "no number of iterations"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=", "no number of iterations"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=0", "no number of iterations"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=-1", "no number of iterations"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=10000001", "no number of iterations"},
        {"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=99999999999999999999999", "no number of iterations"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin_5802();
        faults(CRPI_SASL_BROKEN, cases[i].challenge, cases[i].why);
        finish();
    }
}
END_TEST

START_TEST(a_wrong_signature_is_a_forged_server)
{
    static const char *const wrong[] = {"v=rmF9pqV8S7suAoZWja4dJRkFsKR=", "v=smF9pqV8S7suAoZWja4dJRkFsKQ=", "v=",
                                        "v=rmF9pqV8S7suAoZWja4d"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        begin_5802();
        expect_ok(answer(RFC_5802));
        expect_ok(answer(wrong[i]));
        ck_assert_int_ne(s.fault, CRPI_SASL_NO_FAULT);
        ck_assert(!s.proven);
        finish();
    }
}
END_TEST

START_TEST(a_server_s_error_is_its_reason)
{
    begin_5802();
    expect_ok(answer(RFC_5802));
    says("e=invalid-proof", "");
    ck_assert(!s.proven);
    ck_assert_mem_eq(s.reason.at, "invalid-proof", 13);
    faults(CRPI_SASL_BROKEN, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "come to its end");
    finish();
}
END_TEST

START_TEST(many_rounds_are_done_in_pieces)
{
    begin_5802();
    crpi_native native = {.call = {.vm = vm}};
    static const char challenge[] = "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=25001";
    ck_assert_int_eq(crpi_sasl_respond(&native.call, &s, (const unsigned char *)challenge, strlen(challenge)), CRP_AGAIN);
    ck_assert_int_eq(crpi_sasl_respond(&native.call, &s, NULL, 0), CRP_AGAIN);
    ck_assert_int_eq(crpi_sasl_respond(&native.call, &s, NULL, 0), CRP_OK);
    ck_assert_uint_gt(s.response.n, 0);
    finish();
}
END_TEST

/* --- Base64, words, memory ------------------------------------------------------------------------- */

START_TEST(base64_is_read_strictly)
{
    unsigned char out[16];
    size_t n;
    ck_assert(crpi_base64_strict("", 0, out, &n) && n == 0);
    ck_assert(crpi_base64_strict("AQ==", 4, out, &n) && n == 1 && out[0] == 1);
    ck_assert(crpi_base64_strict("YWI=", 4, out, &n) && n == 2 && !memcmp(out, "ab", 2));
    ck_assert(crpi_base64_strict("YWJjZGVm", 8, out, &n) && n == 6 && !memcmp(out, "abcdef", 6));
    static const char *const bad[] = {"A", "AQ", "AQ=", "=", "====", "A===", "AQ==AQ==", "AR==", "YWJ=", "YW-j", "YW j", "YWJjZ"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!crpi_base64_strict(bad[i], strlen(bad[i]), out, &n), "%s", bad[i]);
}
END_TEST

START_TEST(a_word_of_a_list_is_found_whole_and_in_any_case)
{
    static const char words[] = " plain  SCRAM-SHA-1-PLUS ";
    ck_assert(crpi_sasl_lists(words, strlen(words), "PLAIN", 5));
    ck_assert(!crpi_sasl_lists(words, strlen(words), "SCRAM-SHA-1", 11));
    ck_assert(!crpi_sasl_lists(words, strlen(words), "", 0));
    ck_assert_ptr_null(crpi_sasl_named("NTLM", 4));
}
END_TEST

static crp_status whole_logon(void)
{
    crpi_sasl_begin(vm, &s, crp_object_of(holder), crpi_sasl_named("SCRAM-SHA-1", 11));
    s.user = text("user");
    s.password = text("pencil");
    strcpy(s.nonce, "fyko+d2lbbFgONRv9qkxdawL");
    crp_status st = answer(NULL);
    if (!st) st = answer("r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=1");
    crpi_sasl_end(vm, &s);
    return st;
}

START_TEST(a_logon_without_memory_is_clean)
{
    start_with("SCRAM-SHA-1", "", "");
    crp_status st = CRP_OK;
    BARE_EACH_FAILURE(vm, st, st = whole_logon());
    finish();
}
END_TEST

UNIT_MAIN("sasl", scram_sha_1_speaks_as_in_rfc_5802, scram_sha_256_speaks_as_in_rfc_7677, cram_md5_speaks_as_in_rfc_2195,
          oauthbearer_speaks_as_in_rfc_7628, plain_and_login_say_name_and_password,
          what_would_end_a_name_is_written_otherwise, a_client_that_could_bind_says_so,
          a_bound_proof_has_the_binding_in_it, random_nonces_differ, a_first_message_that_is_none_is_broken,
          a_wrong_signature_is_a_forged_server, a_server_s_error_is_its_reason, many_rounds_are_done_in_pieces,
          base64_is_read_strictly, a_word_of_a_list_is_found_whole_and_in_any_case, a_logon_without_memory_is_clean)
