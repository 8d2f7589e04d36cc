/* floor 1: what the three files of carapace-tls.so share: connections (tls-openssl.c), contexts
 * (tls-openssl-context.c) and words (tls-openssl-text.c).
 */
#ifndef CARAPACE_TLS_OPENSSL_H
#define CARAPACE_TLS_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "tls-engine.h"

enum { CRPI_TLS_PINS = 16, CRPI_TLS_SESSIONS = 256, CRPI_TLS_FIRST = 48 };

/* A client's session with one peer. */
typedef struct crpi_tls_session {
    unsigned char key[CRPI_TLS_KEY];
    SSL_SESSION *session;
} crpi_tls_session;

typedef struct crpi_tls_context {
    int users; /* itself and its connections */
    int shaking, burst; /* handshakes under way; the most of them since there were none */
    SSL_CTX *ssl;
    BIO_METHOD *method;
    bool server, verify;
    size_t pins;
    unsigned char pin[CRPI_TLS_PINS][32];
    unsigned char *alpn; /* as on the wire: each name after its length */
    unsigned alpn_size;
    crpi_tls_session *sessions; /* a ring, made with the first */
    size_t next_session;
} crpi_tls_context;

/* What is kept of a connection while it shakes hands. */
typedef struct crpi_tls_start {
    size_t seen;                         /* bytes that came, CRPI_TLS_FIRST at most... */
    unsigned char first[CRPI_TLS_FIRST]; /* ...and they */
    char name[256];  /* that the peer should have */
    char names[256]; /* of a certificate that was refused */
} crpi_tls_start;

typedef struct crpi_tls_connection {
    crpi_tls_context *context;
    SSL *ssl;
    crpi_tls_wire wire;
    crpi_tls_start *start; /* NULL: the handshake is done */
    unsigned char *key;    /* under which its sessions are kept, CRPI_TLS_KEY bytes, or NULL */
    bool ended;            /* the wire has */
    bool pin_failed;
    crpi_tls_fault *later; /* an error that is to be told when next something is received, or NULL */
    crpi_tls_outcome broken; /* WIRE or NO_MEMORY: it is not asked again */
} crpi_tls_connection;

void crpi_tls_release(crpi_tls_context *);
/* The session of that key, or NULL; a new one takes the place of that of its key; NULL forgets it. */
SSL_SESSION *crpi_tls_session_of(crpi_tls_context *, const unsigned char *key);
void crpi_tls_keep_session(crpi_tls_context *, const unsigned char *key, SSL_SESSION *);

void *crpi_tls_new_context(const crpi_tls_settings *, crpi_tls_fault *);

/* --- words ---------------------------------------------------------------------------------------------- */

/* All of these empty OpenSSL's queue of errors. */
bool crpi_tls_out_of_memory(void);                 /* it says nothing else */
void crpi_tls_say(crpi_tls_fault *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void crpi_tls_say_why(crpi_tls_fault *, const char *doing); /* "doing: the newest reason" */
/* Why a connection failed: the certificate, the peer's alert, no TLS at all... */
void crpi_tls_explain(crpi_tls_connection *, crpi_tls_fault *);
const char *crpi_tls_verify_text(long error);
size_t crpi_tls_describe(X509 *, char *out, size_t room);
/* A certificate's names, those of hosts and addresses, separated by commas. */
void crpi_tls_names(X509 *, char *out, size_t room);

#endif
