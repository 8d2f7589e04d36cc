/* floor 1: carapace-tls.so: connections by OpenSSL.
 *
 * OpenSSL reaches the peer through a BIO of ours, which calls the wire.  What OpenSSL writes the wire takes whole, so
 * OpenSSL never waits to write and has no half-written record: reading and writing do not meet.  Its buffers are given
 * back whenever there is nothing in them, so a connection that is idle costs what it has agreed upon and no more.
 */
#include "tls-openssl.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif
#include <string.h>
#include <sys/stat.h>

enum {
    MOST_AT_ONCE = SSL3_RT_MAX_PLAIN_LENGTH,
    READ_AT_ONCE = 33 * 1024, /* bytes of the wire, when the handshake is done: two records, for at each one OpenSSL moves
                               * all that it holds behind it */
    BURST = 64             /* handshakes at once */
};

/* --- the BIO -------------------------------------------------------------------------------------------- */

static void look_at(crpi_tls_start *start, const void *bytes, size_t n)
{
    if (!start) return;
    if (n > sizeof start->first - start->seen) n = sizeof start->first - start->seen;
    memcpy(start->first + start->seen, bytes, n);
    start->seen += n;
}

static int bio_read(BIO *bio, char *bytes, size_t n, size_t *got)
{
    crpi_tls_connection *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *got = 0;
    if (c->ended || c->broken) return 0;
    crpi_tls_outcome came = c->wire.receive(c->wire.ud, bytes, n, got);
    if (came == CRPI_TLS_DONE) {
        look_at(c->start, bytes, *got);
        return 1;
    }
    if (came == CRPI_TLS_AGAIN)
        BIO_set_retry_read(bio);
    else if (came == CRPI_TLS_END)
        c->ended = true;
    else
        c->broken = came;
    return 0;
}

static int bio_write(BIO *bio, const char *bytes, size_t n, size_t *taken)
{
    crpi_tls_connection *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *taken = 0;
    if (c->broken) return 0;
    crpi_tls_outcome went = c->wire.send(c->wire.ud, bytes, n);
    if (went != CRPI_TLS_DONE) {
        c->broken = went;
        return 0;
    }
    *taken = n;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    crpi_tls_connection *c = BIO_get_data(bio);
    (void)number, (void)pointer;
    switch (command) {
    case BIO_CTRL_EOF: return c && c->ended;
    case BIO_CTRL_FLUSH: return 1;
    default: return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *method_of(crpi_tls_context *context)
{
    if (context->method) return context->method;
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "carapace");
    if (!m) return NULL;
    BIO_meth_set_read_ex(m, bio_read);
    BIO_meth_set_write_ex(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    BIO_meth_set_create(m, bio_create);
    return context->method = m;
}

/* --- open, close ---------------------------------------------------------------------------------------- */

static bool set_bio(crpi_tls_connection *c)
{
    BIO_METHOD *method = method_of(c->context);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio) return false;
    BIO_set_data(bio, c);
    SSL_set_bio(c->ssl, bio, bio);
    return true;
}

/* An address is looked for among the addresses of a certificate and is not told to the server. */
static bool set_name(crpi_tls_connection *c, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(c->ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (!*name) return true;
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name)) return true;
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(param, name, 0) && SSL_set_tlsext_host_name(c->ssl, name);
}

static bool resume(crpi_tls_connection *c, const unsigned char *key)
{
    if (!key) return true;
    if (!(c->key = OPENSSL_memdup(key, CRPI_TLS_KEY))) return false;
    SSL_SESSION *session = crpi_tls_session_of(c->context, key);
    return !session || SSL_set_session(c->ssl, session);
}

static bool begin(crpi_tls_connection *c, const crpi_tls_peer *peer)
{
    if (!(c->start = OPENSSL_zalloc(sizeof *c->start))) return false;
    if (++c->context->shaking > c->context->burst) c->context->burst = c->context->shaking;
    if (!(c->ssl = SSL_new(c->context->ssl))) return false;
    if (!SSL_set_app_data(c->ssl, c)) return false;
    OPENSSL_strlcpy(c->start->name, peer->name, sizeof c->start->name);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(c->ssl), (time_t)peer->now);
    if (c->context->server)
        SSL_set_accept_state(c->ssl);
    else
        SSL_set_connect_state(c->ssl);
    if (!set_bio(c)) return false;
    return c->context->server || (set_name(c, peer->name) && resume(c, peer->key));
}

/* A handshake takes twice the memory that its connection will, and what many at once have given back lies between the
 * connections, where the system does not get it by itself. */
static void give_back(crpi_tls_context *context)
{
    if (--context->shaking) return;
#ifdef HAVE_MALLOC_TRIM
    if (context->burst >= BURST) malloc_trim(0);
#endif
    context->burst = 0;
}

static void end_start(crpi_tls_connection *c)
{
    if (!c->start) return;
    OPENSSL_free(c->start);
    c->start = NULL;
    give_back(c->context);
}

static void close_connection(void *connection)
{
    crpi_tls_connection *c = connection;
    if (!c) return;
    SSL_free(c->ssl);
    end_start(c);
    OPENSSL_free(c->key);
    OPENSSL_free(c->later);
    crpi_tls_release(c->context);
    OPENSSL_free(c);
}

static void *open_connection(void *context, const crpi_tls_wire *wire, const crpi_tls_peer *peer, crpi_tls_fault *fault)
{
    fault->text[0] = 0;
    ERR_clear_error();
    crpi_tls_connection *c = OPENSSL_zalloc(sizeof *c);
    if (!c) return NULL;
    c->context = context;
    c->context->users++;
    c->wire = *wire;
    if (begin(c, peer)) return c;
    if (!crpi_tls_out_of_memory()) crpi_tls_say_why(fault, "TLS cannot be begun");
    close_connection(c);
    return NULL;
}

/* --- how a step ended ----------------------------------------------------------------------------------- */

static bool is_cut_off(const crpi_tls_connection *c)
{
    unsigned long first = ERR_peek_error();
    return c->ended && (!first || ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

/* A wire that broke when the peer was told why is not the reason. */
static crpi_tls_outcome failure(crpi_tls_connection *c, int error, crpi_tls_fault *fault)
{
    if (crpi_tls_out_of_memory()) return CRPI_TLS_NO_MEMORY;
    if (c->broken && (error != SSL_ERROR_SSL || c->broken == CRPI_TLS_NO_MEMORY)) return c->broken;
    if (is_cut_off(c)) return CRPI_TLS_TRUNCATED;
    crpi_tls_explain(c, fault);
    return CRPI_TLS_FAILED;
}

static crpi_tls_outcome outcome_of(crpi_tls_connection *c, int result, crpi_tls_fault *fault)
{
    int error = SSL_get_error(c->ssl, result);
    crpi_tls_outcome outcome = CRPI_TLS_AGAIN;
    fault->text[0] = 0;
    if (error == SSL_ERROR_ZERO_RETURN)
        outcome = CRPI_TLS_END;
    else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        outcome = failure(c, error, fault);
    ERR_clear_error();
    return outcome;
}

/* --- steps ---------------------------------------------------------------------------------------------- */

/* What only the handshake needs.  Of the peer's certificates its own, the first in a server's list, is asked about
 * later; the others only led to a CA, and would be kept with the session, some kilobytes each. */
static void tidy_up(crpi_tls_connection *c)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(c->ssl);
    while (sk_X509_num(chain) > !c->context->server) X509_free(sk_X509_pop(chain));
    SSL_free_buffers(c->ssl);
    SSL_set_default_read_buffer_len(c->ssl, READ_AT_ONCE);
    end_start(c);
}

static crpi_tls_outcome handshake(void *connection, crpi_tls_fault *fault)
{
    crpi_tls_connection *c = connection;
    ERR_clear_error();
    int result = SSL_do_handshake(c->ssl);
    if (result != 1) {
        crpi_tls_outcome outcome = outcome_of(c, result, fault);
        if (outcome != CRPI_TLS_AGAIN && c->key) crpi_tls_keep_session(c->context, c->key, NULL);
        return outcome;
    }
    tidy_up(c);
    ERR_clear_error();
    return CRPI_TLS_DONE;
}

/* What went wrong after something had come is told the next time: OpenSSL would not know the reason any more. */
static crpi_tls_outcome tell_later(crpi_tls_connection *c, crpi_tls_outcome outcome, const crpi_tls_fault *fault)
{
    if (outcome == CRPI_TLS_FAILED && !c->later && (c->later = OPENSSL_malloc(sizeof *c->later))) *c->later = *fault;
    return CRPI_TLS_DONE;
}

/* As many records as are there already and fit: behind a full one there are probably others. */
static crpi_tls_outcome read_records(crpi_tls_connection *c, unsigned char *bytes, size_t n, size_t *got, crpi_tls_fault *fault)
{
    int result;
    size_t more;
    do {
        result = SSL_read_ex(c->ssl, bytes + *got, n - *got, &more);
        if (result == 1) *got += more;
    } while (result == 1 && *got < n && (more == MOST_AT_ONCE || SSL_has_pending(c->ssl)));
    if (result == 1) return CRPI_TLS_DONE;
    crpi_tls_outcome outcome = outcome_of(c, result, fault);
    return *got ? tell_later(c, outcome, fault) : outcome;
}

static crpi_tls_outcome receive(void *connection, void *bytes, size_t n, size_t *got, crpi_tls_fault *fault)
{
    crpi_tls_connection *c = connection;
    ERR_clear_error();
    *got = 0;
    if (c->later) {
        *fault = *c->later;
        return CRPI_TLS_FAILED;
    }
    crpi_tls_outcome outcome = read_records(c, bytes, n, got, fault);
    if (outcome == CRPI_TLS_AGAIN || (outcome == CRPI_TLS_DONE && !SSL_has_pending(c->ssl))) SSL_free_buffers(c->ssl);
    return outcome;
}

static crpi_tls_outcome send(void *connection, const void *bytes, size_t n, size_t *taken, crpi_tls_fault *fault)
{
    crpi_tls_connection *c = connection;
    ERR_clear_error();
    *taken = 0;
    int result = SSL_write_ex(c->ssl, bytes, n < MOST_AT_ONCE ? n : MOST_AT_ONCE, taken);
    return result == 1 ? CRPI_TLS_DONE : outcome_of(c, result, fault);
}

static crpi_tls_outcome goodbye(void *connection)
{
    crpi_tls_connection *c = connection;
    ERR_clear_error();
    if (!SSL_in_init(c->ssl)) SSL_shutdown(c->ssl);
    ERR_clear_error();
    return c->broken ? c->broken : CRPI_TLS_DONE;
}

/* --- facts ---------------------------------------------------------------------------------------------- */

static size_t pending(const void *connection)
{
    const SSL *ssl = ((const crpi_tls_connection *)connection)->ssl;
    int plain = SSL_pending(ssl);
    return plain > 0 ? (size_t)plain : SSL_has_pending(ssl) ? 1 : 0;
}

static int64_t seconds_of(const ASN1_TIME *when)
{
    struct tm tm;
    return ASN1_TIME_to_tm(when, &tm) ? timegm(&tm) : 0;
}

static void facts(const void *connection, crpi_tls_facts *out)
{
    const crpi_tls_connection *c = connection;
    const unsigned char *alpn;
    unsigned n;
    memset(out, 0, sizeof *out);
    out->version = out->cipher = out->verify_error = "";
    X509 *certificate = SSL_get0_peer_certificate(c->ssl);
    if (certificate) {
        out->has_certificate = true;
        out->valid_until = seconds_of(X509_get0_notAfter(certificate));
    }
    out->verify_error = crpi_tls_verify_text(SSL_get_verify_result(c->ssl));
    if (!SSL_is_init_finished(c->ssl)) return;
    SSL_get0_alpn_selected(c->ssl, &alpn, &n);
    if (n) memcpy(out->alpn, alpn, n);
    out->version = SSL_get_version(c->ssl);
    out->cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(c->ssl));
    out->resumed = SSL_session_reused(c->ssl);
}

static size_t certificate(const void *connection, char *out, size_t room)
{
    X509 *x = SSL_get0_peer_certificate(((const crpi_tls_connection *)connection)->ssl);
    return x ? crpi_tls_describe(x, out, room) : 0;
}

/* --- what a logon may be bound to ----------------------------------------------------------------------- */

/* RFC 9266; before TLS 1.3 the master secret may be one that two connections have. */
static size_t exporter(SSL *ssl, unsigned char out[CRPI_TLS_BINDING])
{
    static const char label[] = "EXPORTER-Channel-Binding";
    if (SSL_version(ssl) < TLS1_3_VERSION) return 0;
    return SSL_export_keying_material(ssl, out, 32, label, sizeof label - 1, (const unsigned char *)"", 0, 1) == 1 ? 32 : 0;
}

/* The first Finished of the handshake: the client's, but where a session is resumed the server's.  It does not hold
 * without the extended master secret (RFC 7627), and TLS 1.3 has none. */
static size_t unique(SSL *ssl, unsigned char out[CRPI_TLS_BINDING])
{
    if (SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) != 1) return 0;
    size_t n = SSL_is_server(ssl) == !SSL_session_reused(ssl) ? SSL_get_peer_finished(ssl, out, CRPI_TLS_BINDING)
                                                              : SSL_get_finished(ssl, out, CRPI_TLS_BINDING);
    return n < CRPI_TLS_BINDING ? n : CRPI_TLS_BINDING;
}

/* The digest of the server's certificate, by what it was signed with, but nothing weaker than SHA-256. */
static size_t end_point(SSL *ssl, unsigned char out[CRPI_TLS_BINDING])
{
    unsigned n = 0;
    int kind = NID_undef;
    X509 *certificate = SSL_is_server(ssl) ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
    if (!certificate || !X509_get_signature_info(certificate, &kind, NULL, NULL, NULL)) return 0;
    const EVP_MD *digest = kind == NID_md5 || kind == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(kind);
    return digest && X509_digest(certificate, digest, out, &n) ? n : 0;
}

static size_t binding(const void *connection, const char *kind, unsigned char out[CRPI_TLS_BINDING])
{
    SSL *ssl = ((const crpi_tls_connection *)connection)->ssl;
    size_t n = !strcmp(kind, "tls-exporter") ? exporter(ssl, out)
               : !strcmp(kind, "tls-unique") ? unique(ssl, out)
               : !strcmp(kind, "tls-server-end-point") ? end_point(ssl, out)
                                                       : 0;
    ERR_clear_error();
    return n;
}

static const char *library(void) { return OpenSSL_version(OPENSSL_VERSION); }

static bool stamp(const char *path, int64_t out[3], bool *readable_by_others)
{
    struct stat s;
    memset(out, 0, 3 * sizeof *out);
    *readable_by_others = false;
    if (stat(path, &s)) return false;
    out[0] = (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
    out[1] = s.st_size;
    out[2] = (int64_t)s.st_ino;
    *readable_by_others = S_ISREG(s.st_mode) && s.st_mode & (S_IRGRP | S_IROTH);
    return true;
}

static void drop(void *context) { crpi_tls_release(context); }

static const crpi_tls_engine table = {
    sizeof table,         CRPI_TLS_ABI, library, stamp, crpi_tls_new_context, drop,  open_connection,
    close_connection, handshake,    receive, send,  goodbye,              pending, facts,
    certificate, binding,
};

const crpi_tls_engine *crp_tls(unsigned abi) { return abi == CRPI_TLS_ABI ? &table : NULL; }
