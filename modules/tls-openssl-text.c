/* floor 1: carapace-tls.so: what went wrong, and what a certificate says, in words.
 *
 * OpenSSL's own texts are numbers and names of its functions.  Whoever reads these has a mailbox that does not open: so
 * they say what is wrong and what can be done.
 */
#include "tls-openssl.h"

#include <arpa/inet.h>
#include <openssl/proverr.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

enum { ALERTS = 1000 /* reasons from here on are alerts of the peer */, DIGEST = 32 };

void crpi_tls_say(crpi_tls_fault *fault, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    BIO_vsnprintf(fault->text, sizeof fault->text, format, ap);
    va_end(ap);
    ERR_clear_error();
}

bool crpi_tls_out_of_memory(void)
{
    unsigned long first = ERR_peek_error(), last = ERR_peek_last_error();
    return ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE || ERR_GET_REASON(last) == ERR_R_MALLOC_FAILURE;
}

/* --- reasons -------------------------------------------------------------------------------------------- */

typedef struct words {
    int number;
    const char *text;
} words;

static const char *look_up(const words *table, int number)
{
    while (table->text && table->number != number) table++;
    return table->text;
}

static const words verify_words[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "it leads to no certificate authority that is trusted here"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "it leads to no certificate authority that is trusted here"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "it leads to no certificate authority that is trusted here"},
    {X509_V_ERR_CERT_UNTRUSTED, "its certificate authority is not trusted for this"},
    {X509_V_ERR_CERT_REJECTED, "its certificate authority is rejected for this"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "it is self-signed: nobody vouches for it"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "the certificate authority that it leads to is not trusted here"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "it has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "it is not yet valid: is the clock right?"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "its signature is wrong: it was altered"},
    {X509_V_ERR_CERT_REVOKED, "it was revoked"},
    {X509_V_ERR_INVALID_PURPOSE, "it is not meant for this end of a connection"},
    {X509_V_ERR_INVALID_CA, "one that vouches for it is no certificate authority"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, "it has more certificates above it than they allow"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "it has too many certificates above it"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "it is for another host"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "it is for another address"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "its key is too short to be safe"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "the key of its certificate authority is too short to be safe"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "it is signed with a digest that is not safe"},
    {X509_V_ERR_APPLICATION_VERIFICATION, "its key is none of those of `pin`"},
    {0, NULL},
};

static const char trust_advice[] =
    "; if it is right, name its CA, or the certificate itself, with `caFile`, or its key with `pin`";

const char *crpi_tls_verify_text(long error)
{
    if (error == X509_V_OK) return "";
    const char *text = look_up(verify_words, (int)error);
    return text ? text : X509_verify_cert_error_string(error);
}

static bool may_be_trusted(long error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return true;
    default: return false;
    }
}

static const words alert_words[] = {
    {SSL_AD_UNEXPECTED_MESSAGE, "unexpected message"},
    {SSL_AD_BAD_RECORD_MAC, "bad record MAC: what it got was altered on the way"},
    {SSL_AD_RECORD_OVERFLOW, "record overflow"},
    {SSL_AD_HANDSHAKE_FAILURE, "handshake failure: it finds nothing in common with what it was offered, or wants a "
                               "client certificate (`certificate`)"},
    {SSL_AD_BAD_CERTIFICATE, "bad certificate: it refuses the one that it was given"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported certificate"},
    {SSL_AD_CERTIFICATE_REVOKED, "certificate revoked"},
    {SSL_AD_CERTIFICATE_EXPIRED, "certificate expired: the one that it was given"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "certificate unknown: it refuses the one that it was given"},
    {SSL_AD_ILLEGAL_PARAMETER, "illegal parameter"},
    {SSL_AD_UNKNOWN_CA, "unknown CA: it does not trust the certificate that it was given"},
    {SSL_AD_ACCESS_DENIED, "access denied"},
    {SSL_AD_DECODE_ERROR, "decode error"},
    {SSL_AD_DECRYPT_ERROR, "decrypt error"},
    {SSL_AD_PROTOCOL_VERSION, "protocol version: it does not speak the TLS versions that are allowed here "
                              "(`minVersion`)"},
    {SSL_AD_INSUFFICIENT_SECURITY, "insufficient security: it wants better ciphers"},
    {SSL_AD_INTERNAL_ERROR, "internal error"},
    {SSL_AD_INAPPROPRIATE_FALLBACK, "inappropriate fallback"},
    {SSL_AD_USER_CANCELLED, "cancelled by its user"},
    {SSL_AD_NO_RENEGOTIATION, "no renegotiation"},
    {SSL_AD_MISSING_EXTENSION, "missing extension"},
    {SSL_AD_UNSUPPORTED_EXTENSION, "unsupported extension"},
    {SSL_AD_UNRECOGNIZED_NAME, "unrecognized name: it does not know the host that was asked for (`serverName`)"},
    {SSL_AD_CERTIFICATE_REQUIRED, "certificate required: it wants a client certificate (`certificate`)"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no application protocol: it speaks none of those of `alpn`"},
    {0, NULL},
};

static const words reason_words[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer offers only versions of TLS that are too old (`minVersion` says which are "
                                 "not; below 1.2 none is safe)"},
    {SSL_R_WRONG_SSL_VERSION, "the peer chose a version of TLS that is not allowed (`minVersion`)"},
    {SSL_R_VERSION_TOO_LOW, "the peer's version of TLS is too old (`minVersion`)"},
    {SSL_R_INAPPROPRIATE_FALLBACK, "somebody between has forced an older version of TLS on both ends"},
    {SSL_R_NO_SHARED_CIPHER, "the two ends have no cipher in common"},
    {SSL_R_NO_SUITABLE_KEY_SHARE, "the two ends have no way in common to agree on keys"},
    {SSL_R_NO_SHARED_GROUPS, "the two ends have no way in common to agree on keys"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "the two ends have no kind of signature in common"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "the two ends have no kind of signature in common"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client has sent no certificate, and `clientCertificates` is "
                                              "required"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "the client speaks none of the protocols of `alpn`"},
    {SSL_R_DH_KEY_TOO_SMALL, "the peer's Diffie-Hellman key is too short to be safe"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "what came was altered on the way"},
    {SSL_R_BAD_RECORD_TYPE, "what came is no record of TLS"},
    {SSL_R_NO_RENEGOTIATION, "the peer wants to negotiate anew, which is refused"},
    {SSL_R_BAD_SIGNATURE, "the peer's signature is wrong: it does not have the key of its certificate"},
    {0, NULL},
};

/* --- the certificate ------------------------------------------------------------------------------------ */

typedef struct line {
    char *out;
    size_t room, n; /* n counts what there is no room for as well */
} line;

static void add(line *l, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++, l->n++)
        if (l->n + 1 < l->room) l->out[l->n] = text[i];
    if (l->room) l->out[l->n < l->room ? l->n : l->room - 1] = 0;
}

static void add_text(line *l, const char *text) { add(l, text, strlen(text)); }

/* Names are what the peer says: only plain characters of them are shown as they are. */
static void add_plain(line *l, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) add(l, bytes[i] > ' ' && bytes[i] < 0x7f ? (const char *)bytes + i : "?", 1);
}

static void add_general_name(line *l, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN] = "?";
    const ASN1_STRING *s = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char *bytes = ASN1_STRING_get0_data(s);
    int n = ASN1_STRING_length(s);
    if (l->n) add_text(l, ", ");
    if (name->type == GEN_DNS) {
        add_plain(l, bytes, (size_t)n);
        return;
    }
    if (n == 4 || n == 16) inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, address, sizeof address);
    add_text(l, address);
}

void crpi_tls_names(X509 *x, char *out, size_t room)
{
    line l = {out, room, 0};
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    if (room) *out = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS || name->type == GEN_IPADD) add_general_name(&l, name);
    }
    GENERAL_NAMES_free(names);
}

static void add_name(line *l, const char *what, const X509_NAME *name)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    add_text(l, what);
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) >= 0) {
        long n = BIO_get_mem_data(bio, &text);
        if (n > 0) add(l, text, (size_t)n);
    }
    BIO_free(bio);
    add_text(l, "\n");
}

static void add_time(line *l, const char *what, const ASN1_TIME *when)
{
    struct tm tm;
    char text[40] = "?";
    if (ASN1_TIME_to_tm(when, &tm))
        BIO_snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec);
    add_text(l, what);
    add_text(l, text);
    add_text(l, "\n");
}

static void add_digests(line *l, X509 *x)
{
    unsigned char digest[EVP_MAX_MD_SIZE], *key = NULL;
    unsigned n = 0;
    char text[2 * DIGEST + 1] = "";
    if (X509_digest(x, EVP_sha256(), digest, &n))
        for (unsigned i = 0; i < n && i < DIGEST; i++) BIO_snprintf(text + 2 * i, 3, "%02x", digest[i]);
    add_text(l, "sha256: ");
    add_text(l, text);
    int length = i2d_PUBKEY(X509_get0_pubkey(x), &key);
    text[0] = 0;
    if (length > 0 && EVP_Digest(key, (size_t)length, digest, NULL, EVP_sha256(), NULL))
        EVP_EncodeBlock((unsigned char *)text, digest, DIGEST);
    OPENSSL_free(key);
    add_text(l, "\npin: sha256//");
    add_text(l, text);
    add_text(l, "\n");
}

size_t crpi_tls_describe(X509 *x, char *out, size_t room)
{
    line l = {out, room, 0};
    char names[1024];
    add_name(&l, "subject: ", X509_get_subject_name(x));
    add_name(&l, "issuer: ", X509_get_issuer_name(x));
    crpi_tls_names(x, names, sizeof names);
    add_text(&l, "names: ");
    add_text(&l, names);
    add_text(&l, "\n");
    add_time(&l, "valid from: ", X509_get0_notBefore(x));
    add_time(&l, "valid until: ", X509_get0_notAfter(x));
    add_digests(&l, x);
    ERR_clear_error();
    return l.n;
}

/* --- why it failed -------------------------------------------------------------------------------------- */

/* The oldest reason of TLS itself: others come from deeper down, or follow from it. */
static unsigned long main_reason(void)
{
    unsigned long first = ERR_peek_error(), e;
    while ((e = ERR_get_error()))
        if (ERR_GET_LIB(e) == ERR_LIB_SSL) return e;
    return first;
}

static const char *plain_reason(unsigned long e)
{
    const char *text = e ? look_up(reason_words, ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0) : NULL;
    if (!text && e) text = ERR_reason_error_string(e);
    return text ? text : "no reason is known";
}

void crpi_tls_say_why(crpi_tls_fault *fault, const char *doing)
{
    static const struct { int library, reason; const char *text; } known[] = {
        {ERR_LIB_PEM, PEM_R_NO_START_LINE, "it holds nothing of the kind, in PEM"},
        {ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND, "it holds no certificate, in PEM"},
        {ERR_LIB_X509, X509_R_NO_CERTIFICATE_FOUND, "it holds no certificate, in PEM"},
        {ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED, "it holds no key, in PEM"},
        {ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ, "it needs the `keyPassword`, which is not set or too long"},
        {ERR_LIB_PEM, PEM_R_BAD_DECRYPT, "`keyPassword` is wrong"},
        {ERR_LIB_EVP, EVP_R_BAD_DECRYPT, "`keyPassword` is wrong"},
        {ERR_LIB_PROV, PROV_R_BAD_DECRYPT, "`keyPassword` is wrong"},
        {ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL, "its key is too short to be safe"},
        {ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK, "it is signed with a digest that is not safe"},
        {0, 0, NULL},
    };
    unsigned long first = ERR_peek_error(), e;
    while ((e = ERR_get_error()))
        for (size_t i = 0; known[i].text; i++)
            if (ERR_GET_LIB(e) == known[i].library && ERR_GET_REASON(e) == known[i].reason) {
                crpi_tls_say(fault, "%s: %s", doing, known[i].text);
                return;
            }
    crpi_tls_say(fault, "%s: %s", doing, plain_reason(first));
}

static void explain_certificate(crpi_tls_connection *c, crpi_tls_fault *fault)
{
    const char *names = c->start ? c->start->names : "";
    long error = SSL_get_verify_result(c->ssl);
    const char *who = c->context->server ? "client" : "server";
    if (c->pin_failed) error = X509_V_ERR_APPLICATION_VERIFICATION;
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
        crpi_tls_say(fault, "the server's certificate is for %s, not for %s (`serverName`)",
                     *names ? names : "no host at all", c->start ? c->start->name : "");
    else
        crpi_tls_say(fault, "the %s's certificate is refused: %s%s", who, crpi_tls_verify_text(error),
                     may_be_trusted(error) ? trust_advice : "");
}

/* A record begins with its type, of which there are five, and 3. */
static bool speaks_no_tls(const crpi_tls_start *start)
{
    if (!start || !start->seen) return false;
    return start->first[0] < 20 || start->first[0] > 24 || (start->seen > 1 && start->first[1] != 3);
}

static void explain_no_tls(const crpi_tls_connection *c, crpi_tls_fault *fault)
{
    char shown[4 * CRPI_TLS_FIRST + 1];
    size_t n = 0;
    for (size_t i = 0; i < c->start->seen; i++) {
        unsigned char b = c->start->first[i];
        if (b == '\r' || b == '\n' || b == '"' || b == '\\')
            n += (size_t)BIO_snprintf(shown + n, sizeof shown - n, "\\%c", b == '\r' ? 'r' : b == '\n' ? 'n' : b);
        else
            n += (size_t)BIO_snprintf(shown + n, sizeof shown - n, b >= ' ' && b < 0x7f ? "%c" : "\\x%02X", b);
    }
    crpi_tls_say(fault, "the peer does not speak TLS: it %s \"%s\"%s", c->context->server ? "sent" : "answered", shown,
                 c->context->server ? ""
                                    : "; on a port where the protocol begins in clear, as 110 of POP3, TLS is for later "
                                      "(STARTTLS, `startTls`)");
}

void crpi_tls_explain(crpi_tls_connection *c, crpi_tls_fault *fault)
{
    unsigned long e = main_reason();
    int reason = ERR_GET_REASON(e);
    bool ssl = ERR_GET_LIB(e) == ERR_LIB_SSL;
    if (ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        explain_certificate(c, fault);
    else if (speaks_no_tls(c->start))
        explain_no_tls(c, fault);
    else if (ssl && reason > ALERTS) {
        const char *text = look_up(alert_words, reason - ALERTS);
        crpi_tls_say(fault, "the peer has refused: %s", text ? text : SSL_alert_desc_string_long(reason - ALERTS));
    } else
        crpi_tls_say(fault, "%s", plain_reason(e));
}
