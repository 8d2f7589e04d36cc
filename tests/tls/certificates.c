/* certificates: writes what tests of TLS need into a folder: nothing of it is kept, because it expires.
 *
 *     certificates FOLDER [NOW]     NOW, seconds since 1970, is when they are good: the clock's time without it
 *
 * ca.pem and other-ca.pem are two CAs.  Each of the rest has its key and the certificates that lead to the CA in one
 * file; all are for mail.example.org, but for what their names say.  server-certificate.pem and server-key.pem have
 * server.pem in two files, locked.pem is the key with the password "sesame", and pin is what `pin` would have for it.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 86400 };

typedef struct party {
    EVP_PKEY *key;
    X509 *certificate;
} party;

typedef struct wish {
    const char *file, *common_name, *names; /* names as in OpenSSL's configuration; NULL: none */
    int from, until;                                /* days from now */
    bool client, other_ca, self_signed;
} wish;

static time_t now;

static void need(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "certificates: %s failed\n", what);
    exit(1);
}

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    need(key != NULL, "making a key");
    return key;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    need(e && X509_add_ext(x, e, -1), value);
    X509_EXTENSION_free(e);
}

/* A certificate for a key, by `by`, or by itself. */
static X509 *certify(EVP_PKEY *key, const char *name, const party *by, int from, int until)
{
    unsigned char serial[8];
    X509 *x = X509_new();
    need(x && RAND_bytes(serial, sizeof serial) == 1, "a certificate");
    serial[0] &= 0x7f;
    X509_set_version(x, X509_VERSION_3);
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    X509_time_adj_ex(X509_getm_notBefore(x), from, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(x), until, 0, &now);
    X509_set_pubkey(x, key);
    X509_NAME *subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, by ? X509_get_subject_name(by->certificate) : subject);
    return x;
}

static void sign(X509 *x, EVP_PKEY *key) { need(X509_sign(x, key, EVP_sha256()) > 0, "signing"); }

static party new_ca(const char *name, const party *by)
{
    party p = {new_key(), NULL};
    p.certificate = certify(p.key, name, by, -10, 3650);
    X509 *issuer = by ? by->certificate : p.certificate;
    extend(p.certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
    extend(p.certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(p.certificate, issuer, NID_subject_key_identifier, "hash");
    sign(p.certificate, by ? by->key : p.key);
    return p;
}

static FILE *open_file(const char *name)
{
    FILE *f = fopen(name, "w");
    need(f != NULL, name);
    fchmod(fileno(f), 0600);
    return f;
}

static void write_certificate(const char *name, X509 *x)
{
    FILE *f = open_file(name);
    need(PEM_write_X509(f, x) == 1, name);
    fclose(f);
}

static void write_key(const char *name, EVP_PKEY *key, const char *password)
{
    FILE *f = open_file(name);
    need(PEM_write_PKCS8PrivateKey(f, key, password ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL, (void *)(uintptr_t)password),
         name);
    fclose(f);
}

static void write_all(const wish *w, const party *p, const party *between)
{
    FILE *f = open_file(w->file);
    need(PEM_write_X509(f, p->certificate) == 1, w->file);
    if (!w->self_signed) need(PEM_write_X509(f, between->certificate) == 1, w->file);
    need(PEM_write_PKCS8PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL), w->file);
    fclose(f);
}

static party grant(const wish *w, const party *between)
{
    party p = {new_key(), NULL};
    p.certificate = certify(p.key, w->common_name, w->self_signed ? NULL : between, w->from, w->until);
    X509 *issuer = w->self_signed ? p.certificate : between->certificate;
    extend(p.certificate, issuer, NID_basic_constraints, "CA:FALSE");
    extend(p.certificate, issuer, NID_ext_key_usage, w->client ? "clientAuth" : "serverAuth");
    if (w->names) extend(p.certificate, issuer, NID_subject_alt_name, w->names);
    sign(p.certificate, w->self_signed ? p.key : between->key);
    write_all(w, &p, between);
    return p;
}

static void write_pin(EVP_PKEY *key)
{
    unsigned char *bytes = NULL, digest[32], text[64];
    int n = i2d_PUBKEY(key, &bytes);
    need(n > 0 && EVP_Digest(bytes, (size_t)n, digest, NULL, EVP_sha256(), NULL), "a pin");
    EVP_EncodeBlock(text, digest, sizeof digest);
    FILE *f = open_file("pin");
    fprintf(f, "sha256//%s", (char *)text);
    fclose(f);
    OPENSSL_free(bytes);
}

static void finish(party *p)
{
    EVP_PKEY_free(p->key);
    X509_free(p->certificate);
}

#define MAIL "mail.example.org", "DNS:mail.example.org"

int main(int argc, char **argv)
{
    static const wish wishes[] = {
        {"server.pem", MAIL, -1, 90, false, false, false},
        {"wrong-host.pem", "other.example.org", "DNS:other.example.org,DNS:third.example.org", -1, 90, false, false,
         false},
        {"expired.pem", MAIL, -9, -1, false, false, false},
        {"not-yet.pem", MAIL, 1, 90, false, false, false},
        {"untrusted.pem", MAIL, -1, 90, false, true, false},
        {"self-signed.pem", MAIL, -1, 90, false, false, true},
        {"address.pem", "an address", "IP:127.0.0.1,IP:::1", -1, 90, false, false, false},
        {"wildcard.pem", "all", "DNS:*.example.org", -1, 90, false, false, false},
        {"partial.pem", "some", "DNS:ma*.example.org", -1, 90, false, false, false},
        {"no-names.pem", "mail.example.org", NULL, -1, 90, false, false, false},
        {"client.pem", "fred", NULL, -1, 90, true, false, false},
        {"wrong-client.pem", "joe", NULL, -1, 90, true, true, false},
        {"expired-client.pem", "ann", NULL, -9, -1, true, false, false},
    };
    now = argc > 2 ? (time_t)atoll(argv[2]) : time(NULL);
    need(argc > 1 && chdir(argv[1]) == 0, "certificates FOLDER [NOW]");
    party ca = new_ca("CA of the tests", NULL), other = new_ca("Another CA", NULL);
    party between = new_ca("Between", &ca), other_between = new_ca("Another between", &other);
    write_certificate("ca.pem", ca.certificate);
    write_certificate("other-ca.pem", other.certificate);
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        party p = grant(&wishes[i], wishes[i].other_ca ? &other_between : &between);
        if (i == 0) {
            write_certificate("server-certificate.pem", p.certificate);
            write_key("server-key.pem", p.key, NULL);
            write_key("locked.pem", p.key, "sesame");
            write_pin(p.key);
        }
        finish(&p);
    }
    finish(&ca);
    finish(&other);
    finish(&between);
    finish(&other_between);
    return 0;
}
