/* floor 4: the class Tls, as its two files and the unit tests see it: what goes through a connection (tls.c), and
 * what it is made with (tls-settings.c).
 */
#ifndef CARAPACE_TLS_H
#define CARAPACE_TLS_H

#include "module.h"
#include "tls-engine.h"

enum { CRPI_TLS_NAME = 256 /* bytes of a host's name, its end included */ };

typedef struct crpi_tls {
    crp_module m;
    crp_word verify, server_name, ca_file, ca_path, certificate, key, key_password, pin, alpn, min_version,
        client_certificates, mode, resume;
    crp_word context; /* a TlsContext, or none yet */
    const crpi_tls_engine *engine;
    void *connection;         /* NULL: none */
    const char *verify_error; /* of the last connection; NULL: there was none */
    bool server, shaken;      /* the handshake is done */
    /* While the engine is at work: who asked, and what the layer below said. */
    crp_call *call;
    bool closing; /* it is to be closed when the engine is at rest */
    crp_status status;
    /* What the layer below has not taken yet. */
    unsigned char *queue;
    size_t queue_size, queue_from, queued;
    /* Bytes that are encrypted and on their way; their sender is told when they have gone, and known by them. */
    size_t unreported;
    uint64_t mark;
    int64_t goodbye_until;
} crpi_tls;

/* The context for its settings, shared with all Tls of the same; made, with the engine loaded, if there is none. */
crp_status crpi_tls_context_for(crp *, crpi_tls *);
void *crpi_tls_context_of(const crpi_tls *);
/* Whose certificate it must be: `serverName`, else the attribute `host`; "": nothing tells. */
crp_status crpi_tls_peer_name(crp *, crpi_tls *, char out[CRPI_TLS_NAME]);
/* Under which a client keeps its sessions with this peer. */
crp_status crpi_tls_session_key(crp *, crpi_tls *, const char *name, unsigned char out[CRPI_TLS_KEY]);

extern const crp_part crpi_tls_part;
extern const crp_class_def crpi_tls_class, crpi_tls_context_class;

#endif
