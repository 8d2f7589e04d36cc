/* floor 1: carapace-tls.so: what connections of equal settings share.
 *
 * A context is made of files, which are read here and nowhere else.  Whether a peer is who it should be is decided in
 * one function, before the handshake is over: nothing that the application sends is ever seen by somebody else.
 */
#include "tls-openssl.h"

#include <errno.h>
#include <string.h>

enum { PIN_TEXT = 44 /* characters of 32 bytes in Base64 */, MOST_ALPN = 255 };

/* --- sessions ------------------------------------------------------------------------------------------- */

static crpi_tls_session *place_of(crpi_tls_context *c, const unsigned char *key)
{
    for (size_t i = 0; c->sessions && i < CRPI_TLS_SESSIONS; i++)
        if (c->sessions[i].session && !memcmp(c->sessions[i].key, key, CRPI_TLS_KEY)) return &c->sessions[i];
    return NULL;
}

SSL_SESSION *crpi_tls_session_of(crpi_tls_context *c, const unsigned char *key)
{
    crpi_tls_session *at = place_of(c, key);
    return at ? at->session : NULL;
}

void crpi_tls_keep_session(crpi_tls_context *c, const unsigned char *key, SSL_SESSION *session)
{
    crpi_tls_session *at = place_of(c, key);
    if (!at && !session) return;
    if (!c->sessions) c->sessions = OPENSSL_zalloc(CRPI_TLS_SESSIONS * sizeof *c->sessions);
    if (!c->sessions) {
        SSL_SESSION_free(session);
        return;
    }
    if (!at) at = &c->sessions[c->next_session++ % CRPI_TLS_SESSIONS];
    SSL_SESSION_free(at->session);
    memcpy(at->key, key, CRPI_TLS_KEY);
    at->session = session;
}

/* A client has got what it may resume with; 1: the reference is kept. */
static int session_came(SSL *ssl, SSL_SESSION *session)
{
    crpi_tls_connection *c = SSL_get_app_data(ssl);
    if (!c->key || !SSL_SESSION_is_resumable(session)) return 0;
    crpi_tls_keep_session(c->context, c->key, session);
    return 1;
}

/* --- who the peer is ------------------------------------------------------------------------------------ */

static bool has_pinned_key(const crpi_tls_context *c, X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE], *key = NULL;
    int length = certificate ? i2d_PUBKEY(X509_get0_pubkey(certificate), &key) : -1;
    bool good = length > 0 && EVP_Digest(key, (size_t)length, digest, NULL, EVP_sha256(), NULL);
    size_t i = 0;
    while (good && i < c->pins && CRYPTO_memcmp(c->pin[i], digest, sizeof c->pin[i])) i++;
    OPENSSL_free(key);
    return good && i < c->pins;
}

/* OpenSSL forgets a certificate that is refused; its names are for the text. */
static int refuse(crpi_tls_connection *c, X509 *certificate)
{
    if (c->start && certificate) crpi_tls_names(certificate, c->start->names, sizeof c->start->names);
    return 0;
}

/* The reason is kept in every case, and asked for as `verifyError`. */
static int judge(X509_STORE_CTX *store, void *context)
{
    const crpi_tls_context *c = context;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    crpi_tls_connection *connection = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    bool good = X509_verify_cert(store) > 0;
    X509_STORE_CTX_set0_verified_chain(store, NULL); /* nobody asks for it, and it would be kept */
    if (c->verify && !good) return refuse(connection, certificate);
    if (!c->pins || has_pinned_key(c, certificate)) return 1;
    connection->pin_failed = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return refuse(connection, certificate);
}

/* --- settings ------------------------------------------------------------------------------------------- */

static bool read_pin(const char *text, size_t n, unsigned char out[32])
{
    static const char kind[] = "sha256//";
    unsigned char bytes[PIN_TEXT];
    size_t before = sizeof kind - 1;
    if (n != before + PIN_TEXT || memcmp(text, kind, before) || text[n - 1] != '=' || text[n - 2] == '=') return false;
    if (EVP_DecodeBlock(bytes, (const unsigned char *)text + before, PIN_TEXT) != 33) return false;
    memcpy(out, bytes, 32);
    return true;
}

/* The next of some names with commas between them; false: there is none. */
static bool next_name(const char **at, const char **name, size_t *n)
{
    *at += strspn(*at, ", \t");
    *name = *at;
    *n = strcspn(*at, ",");
    *at += *n;
    while (*n && strchr(" \t", (*name)[*n - 1])) --*n;
    return *n > 0;
}

static bool read_pins(crpi_tls_context *c, const char *text, crpi_tls_fault *fault)
{
    const char *name, *at = text;
    size_t n;
    while (next_name(&at, &name, &n)) {
        if (c->pins == CRPI_TLS_PINS) {
            crpi_tls_say(fault, "`pin` has more than %d keys", CRPI_TLS_PINS);
            return false;
        }
        if (!read_pin(name, n, c->pin[c->pins++])) {
            crpi_tls_say(fault, "`pin` has \"%.*s\", expected \"sha256//\" and 32 bytes in Base64", (int)(n < 99 ? n : 99),
                         name);
            return false;
        }
    }
    if (!*text || c->pins) return true;
    crpi_tls_say(fault, "`pin` is \"%.99s\", which names no key", text);
    return false;
}

static bool read_alpn(crpi_tls_context *c, const char *text, crpi_tls_fault *fault)
{
    const char *name;
    size_t n, room = strlen(text) + 2;
    if (!*text) return true;
    if (!(c->alpn = OPENSSL_malloc(room))) return false;
    while (next_name(&text, &name, &n)) {
        if (n > MOST_ALPN) {
            crpi_tls_say(fault, "`alpn` has a name of %zu bytes, at most %d are possible", n, MOST_ALPN);
            return false;
        }
        c->alpn[c->alpn_size++] = (unsigned char)n;
        memcpy(c->alpn + c->alpn_size, name, n);
        c->alpn_size += (unsigned)n;
    }
    return true;
}

/* The first of the server's names that the client has too; RFC 7301: with none in common there is no connection. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *theirs,
                       unsigned n, void *context)
{
    const crpi_tls_context *c = context;
    unsigned char *chosen;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, length, c->alpn, c->alpn_size, theirs, n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_alpn(crpi_tls_context *c, const char *text, crpi_tls_fault *fault)
{
    if (!read_alpn(c, text, fault)) return false;
    if (!c->alpn_size) return true;
    if (!c->server) return !SSL_CTX_set_alpn_protos(c->ssl, c->alpn, c->alpn_size);
    SSL_CTX_set_alpn_select_cb(c->ssl, choose_alpn, c);
    return true;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* OpenSSL tells that a file is not there in a way that only it understands. */
static bool cannot(crpi_tls_fault *fault, const char *what, const char *file)
{
    char doing[CRPI_TLS_TEXT / 2];
    BIO *bio = BIO_new_file(file, "r");
    if (!bio) {
        int error = errno;
        crpi_tls_say(fault, "`%s`: %s: %s", what, file,
                     error == ENOENT ? "no such file" : error == EACCES ? "permission denied" : "it cannot be opened");
        return false;
    }
    BIO_free(bio);
    BIO_snprintf(doing, sizeof doing, "`%s`: %s", what, file);
    crpi_tls_say_why(fault, doing);
    return false;
}

static bool load_trust(crpi_tls_context *c, const crpi_tls_settings *s, crpi_tls_fault *fault)
{
    if (!*s->ca_file && !*s->ca_path) return SSL_CTX_set_default_verify_paths(c->ssl) == 1;
    if (*s->ca_file && !SSL_CTX_load_verify_file(c->ssl, s->ca_file)) return cannot(fault, "caFile", s->ca_file);
    if (*s->ca_path && !SSL_CTX_load_verify_dir(c->ssl, s->ca_path)) return cannot(fault, "caPath", s->ca_path);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c->ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

static int give_password(char *out, int room, int writing, void *password)
{
    size_t n = password ? strlen(password) : 0;
    (void)writing;
    if (!n || n > (size_t)room) return -1;
    memcpy(out, password, n);
    return (int)n;
}

static bool load_key(crpi_tls_context *c, const crpi_tls_settings *s, crpi_tls_fault *fault)
{
    const char *file = *s->key ? s->key : s->certificate, *what = *s->key ? "key" : "certificate";
    SSL_CTX_set_default_passwd_cb(c->ssl, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(c->ssl, (void *)(uintptr_t)s->key_password);
    bool good = SSL_CTX_use_PrivateKey_file(c->ssl, file, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(c->ssl, NULL);
    if (good) return true;
    unsigned long first = ERR_peek_error();
    if (ERR_GET_LIB(first) == ERR_LIB_X509 && ERR_GET_REASON(first) == X509_R_KEY_VALUES_MISMATCH)
        crpi_tls_say(fault, "the key in %s does not belong to the certificate in %s", file, s->certificate);
    else
        cannot(fault, what, file);
    return false;
}

/* What else is wrong with a key's file than that it is not there. */
static bool load_certificate(crpi_tls_context *c, const crpi_tls_settings *s, crpi_tls_fault *fault)
{
    if (!*s->certificate && *s->key) {
        crpi_tls_say(fault, "`key` is set and `certificate` is not");
        return false;
    }
    if (!*s->certificate && s->server) {
        crpi_tls_say(fault, "a server needs a `certificate`: a PEM file with its certificate and those that lead to its CA");
        return false;
    }
    if (!*s->certificate) return true;
    if (SSL_CTX_use_certificate_chain_file(c->ssl, s->certificate) != 1)
        return cannot(fault, "certificate", s->certificate);
    return load_key(c, s, fault);
}

static bool ask_for_clients(crpi_tls_context *c, const crpi_tls_settings *s, crpi_tls_fault *fault)
{
    int mode = SSL_VERIFY_PEER | (s->clients == CRPI_TLS_REQUIRED_CLIENTS ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    if (s->server && s->clients == CRPI_TLS_NO_CLIENTS) return true;
    SSL_CTX_set_verify(c->ssl, mode, NULL);
    SSL_CTX_set_cert_verify_callback(c->ssl, judge, c);
    if (!s->server) return true;
    if (!*s->ca_file) {
        crpi_tls_say(fault, "`clientCertificates` needs a `caFile`: whose certificates are good?");
        return false;
    }
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(s->ca_file);
    if (!names) return cannot(fault, "caFile", s->ca_file);
    SSL_CTX_set_client_CA_list(c->ssl, names);
    return true;
}

/* --- making one ----------------------------------------------------------------------------------------- */

/* A session is one of the application as a whole: the settings, and so the context, are its scope. */
static bool set_resumption(crpi_tls_context *c, bool resume)
{
    static const unsigned char scope[] = "carapace";
    if (!resume) {
        SSL_CTX_set_options(c->ssl, SSL_OP_NO_TICKET);
        SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
        return SSL_CTX_set_num_tickets(c->ssl, 0) == 1;
    }
    if (c->server) {
        SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
        return SSL_CTX_set_num_tickets(c->ssl, 1) == 1 && SSL_CTX_set_session_id_context(c->ssl, scope, sizeof scope - 1);
    }
    SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ssl, session_came);
    return true;
}

static bool set_up(crpi_tls_context *c, const crpi_tls_settings *s, crpi_tls_fault *fault)
{
    if (!(c->ssl = SSL_CTX_new(s->server ? TLS_server_method() : TLS_client_method()))) return false;
    SSL_CTX_set_options(c->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(c->ssl, 1);
    if (!SSL_CTX_set_min_proto_version(c->ssl, s->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION)) return false;
    return set_resumption(c, s->resume) && read_pins(c, s->pins, fault) && set_alpn(c, s->alpn, fault) &&
           load_trust(c, s, fault) && load_certificate(c, s, fault) && ask_for_clients(c, s, fault);
}

void crpi_tls_release(crpi_tls_context *c)
{
    if (!c || --c->users) return;
    for (size_t i = 0; c->sessions && i < CRPI_TLS_SESSIONS; i++) SSL_SESSION_free(c->sessions[i].session);
    OPENSSL_free(c->sessions);
    OPENSSL_free(c->alpn);
    SSL_CTX_free(c->ssl);
    BIO_meth_free(c->method);
    OPENSSL_free(c);
}

void *crpi_tls_new_context(const crpi_tls_settings *s, crpi_tls_fault *fault)
{
    fault->text[0] = 0;
    ERR_clear_error();
    crpi_tls_context *c = OPENSSL_zalloc(sizeof *c);
    if (!c) return NULL;
    c->users = 1;
    c->server = s->server;
    c->verify = s->verify;
    if (set_up(c, s, fault)) {
        ERR_clear_error();
        return c;
    }
    if (!fault->text[0] && !crpi_tls_out_of_memory()) crpi_tls_say_why(fault, "TLS cannot be set up");
    ERR_clear_error();
    crpi_tls_release(c);
    return NULL;
}
