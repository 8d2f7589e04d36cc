/* floor 4: Tls: what a connection is made with.
 *
 * Modules of equal settings share one TlsContext, which is found by the digest of all that it depends on: the settings,
 * and how the files that they name looked.  So a thousand connections read a certificate once, and one that was
 * renewed is used from the next connection on.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <stdlib.h>
#include <string.h>
#include "tls.h"

enum { MOST_CONTEXTS = 64 /* that are kept though nobody uses them */, DIGEST = 32 };

typedef struct tls_context {
    crp_object h;
    const crpi_tls_engine *engine;
    void *context;
} tls_context;

static void context_drop(crp *vm, crp_object *self)
{
    tls_context *c = (tls_context *)self;
    (void)vm;
    if (c->engine) c->engine->drop(c->context);
}

static const crp_property no_properties[] = {{0}};
static const crp_method no_methods[] = {{0}};

const crp_class_def crpi_tls_context_class = {
    .size = sizeof(crp_class_def),
    .name = "TlsContext",
    .help = "What the Tls modules of equal settings share: certificates, keys, trust, sessions. They make it themselves.\n"
            "(typeOf (create TlsContext) TlsContext)   # --> true",
    .instance_size = sizeof(tls_context),
    .properties = no_properties,
    .methods = no_methods,
    .drop = context_drop,
};

void *crpi_tls_context_of(const crpi_tls *t)
{
    return crp_is_object(t->context) ? ((tls_context *)crp_object_of(t->context))->context : NULL;
}

/* --- carapace-tls.so ------------------------------------------------------------------------------------ */

const crp_part crpi_tls_part = {"carapace-tls.so", CRPI_TLS_ENTRY, CRPI_TLS_ABI, sizeof(crpi_tls_engine),
                                "there is no TLS"};

static crp_status load(crp *vm, const crpi_tls_engine **out)
{
#if defined CRP_WITHOUT_OPENSSL
    *out = NULL;
    return crp_raise(vm, CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED, "this Carapace was built without OpenSSL, so it has no TLS");
#elif defined CRP_OPENSSL_LINKED
    (void)vm;
    *out = crp_tls(CRPI_TLS_ABI);
    return CRP_OK;
#else
    const void *table;
    crp_status st = crp_load_part(vm, &crpi_tls_part, &table);
    *out = table;
    return st;
#endif
}

/* --- settings ------------------------------------------------------------------------------------------- */

/* One after the other, each with a NUL behind it, as far as there is room: for a digest. */
typedef struct collected {
    crp *vm;
    unsigned char *bytes;
    size_t n, room;
    crp_status st;
} collected;

static void collect(collected *c, const void *bytes, size_t n)
{
    if (c->st) return;
    if (c->n + n + 1 > c->room) {
        size_t room = 2 * (c->n + n + 1);
        unsigned char *grown = crp_realloc(c->vm, c->bytes, c->room, room);
        if (!grown) {
            c->st = CRP_E_NOMEM;
            return;
        }
        c->bytes = grown;
        c->room = room;
    }
    memcpy(c->bytes + c->n, bytes, n);
    c->n += n;
    c->bytes[c->n++] = 0;
}

static crp_status digest_of(collected *c, unsigned char out[DIGEST])
{
    unsigned char digest[64];
    if (!c->st) {
        crp_digest("sha256", c->bytes, c->n, digest);
        memcpy(out, digest, DIGEST);
    }
    if (c->bytes) {
        memset(c->bytes, 0, c->n);
        crp_free_bytes(c->vm, c->bytes, c->room);
    }
    return c->st;
}

static void collect_text(collected *c, const char *text) { collect(c, text, strlen(text)); }

static void collect_file(collected *c, const crpi_tls_engine *engine, const char *path)
{
    int64_t stamp[3] = {0};
    bool readable;
    collect_text(c, path);
    if (*path) engine->stamp(path, stamp, &readable);
    collect(c, stamp, sizeof stamp);
}

/* Which CAs the system trusts, as far as it can be known from here. */
static void collect_system(collected *c, const crpi_tls_engine *engine)
{
    static const char *const names[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = getenv(names[i]);
        collect_file(c, engine, path ? path : "");
    }
}

static crp_status digest_settings(crp *vm, const crpi_tls_engine *engine, const crpi_tls_settings *s,
                                  unsigned char out[DIGEST])
{
    collected c = {.vm = vm};
    const char flags[] = {s->server, s->verify, s->resume, s->only_1_3, (char)s->clients};
    collect(&c, flags, sizeof flags);
    collect_file(&c, engine, s->ca_file);
    collect_file(&c, engine, s->ca_path);
    if (!*s->ca_file && !*s->ca_path) collect_system(&c, engine);
    collect_file(&c, engine, s->certificate);
    collect_file(&c, engine, s->key);
    collect_text(&c, s->key_password);
    collect_text(&c, s->pins);
    collect_text(&c, s->alpn);
    return digest_of(&c, out);
}

/* `pin` as a text; a List's are joined by commas. */
static crp_status pins_of(crp *vm, crp_word pin, const char **out)
{
    crp_word all;
    crp_status st = CRP_OK;
    if (crp_is_string(pin)) return crp_c_string(vm, pin, out);
    for (st = crp_string_z(vm, "", &all); !st && crp_is_pair(pin); pin = crp_tail(pin))
        st = crp_format(vm, &all, "%s%s%p", crp_string_data(all, NULL), *crp_string_data(all, NULL) ? "," : "",
                        crp_head(pin));
    return st ? st : crp_c_string(vm, all, out);
}

static crp_status settings_of(crp *vm, crpi_tls *t, crpi_tls_settings *s)
{
    const char *clients, *version;
    *s = (crpi_tls_settings){.server = t->server, .verify = crp_is_true(t->verify), .resume = crp_is_true(t->resume)};
    crp_status st = crp_c_string(vm, t->ca_file, &s->ca_file);
    if (!st) st = crp_c_string(vm, t->ca_path, &s->ca_path);
    if (!st) st = crp_c_string(vm, t->certificate, &s->certificate);
    if (!st) st = crp_c_string(vm, t->key, &s->key);
    if (!st) st = crp_c_string(vm, t->key_password, &s->key_password);
    if (!st) st = crp_c_string(vm, t->alpn, &s->alpn);
    if (!st) st = pins_of(vm, t->pin, &s->pins);
    if (!st) st = crp_c_string(vm, t->min_version, &version);
    if (!st) st = crp_c_string(vm, t->client_certificates, &clients);
    if (st) return st;
    s->only_1_3 = !strcmp(version, "1.3");
    s->clients = clients[0] == 'o'   ? CRPI_TLS_OPTIONAL_CLIENTS
                 : clients[0] == 'r' ? CRPI_TLS_REQUIRED_CLIENTS
                                     : CRPI_TLS_NO_CLIENTS;
    return CRP_OK;
}

static void warn_of_key(crp *vm, crpi_tls *t, const crpi_tls_settings *s)
{
    int64_t stamp[3];
    bool readable = false;
    const char *file = *s->key ? s->key : s->certificate;
    if (!*file || !crp_is_object(t->m.log) || !t->engine->stamp(file, stamp, &readable) || !readable) return;
    crp_module_note(vm, &t->m, CRP_LOG_PRODUCTION, CRP_LOG_WARN, "others can read the file with the private key");
}

/* --- contexts ------------------------------------------------------------------------------------------- */

static crp_status new_context(crp *vm, crpi_tls *t, const crpi_tls_settings *s, crp_word *out)
{
    crpi_tls_fault fault;
    crp_status st = crp_new_object(vm, crp_class_id(vm, crpi_tls_context_class.name), out);
    if (st) return st;
    tls_context *c = (tls_context *)crp_object_of(*out);
    c->engine = t->engine;
    if ((c->context = t->engine->context(s, &fault))) return CRP_OK;
    if (!fault.text[0]) return crp_no_memory(vm);
    return crp_module_raise(vm, &t->m, CRP_ERR_COMMS, CRP_TLS_FAILED, "%s", fault.text);
}

/* The interpreter's table of contexts; it is begun anew when there are too many. */
static crp_status contexts_of(crp *vm, bool grows, crp_word *out)
{
    crp_word registry, name, count;
    crp_status st = crp_registry(vm, &registry);
    if (!st) st = crp_symbol(vm, "tlsContexts", 11, &name);
    if (st) return st;
    bool there = crp_hashtable_get(vm, registry, name, out) && crp_hashtable_get(vm, *out, name, &count);
    if (there && crp_fixnum_value(count) < MOST_CONTEXTS)
        return grows ? crp_hashtable_set(vm, *out, name, crp_fixnum(crp_fixnum_value(count) + 1)) : CRP_OK;
    st = crp_hashtable(vm, out);
    if (!st) st = crp_hashtable_set(vm, *out, name, crp_fixnum(grows));
    return st ? st : crp_hashtable_set(vm, registry, name, *out);
}

static crp_status find_context(crp *vm, crpi_tls *t, const crpi_tls_settings *s)
{
    unsigned char digest[DIGEST];
    crp_word contexts, key, found;
    crp_status st = digest_settings(vm, t->engine, s, digest);
    if (!st) st = contexts_of(vm, false, &contexts);
    if (!st) st = crp_string(vm, digest, sizeof digest, &key);
    if (st) return st;
    if (!crp_hashtable_get(vm, contexts, key, &found)) {
        st = new_context(vm, t, s, &found);
        if (!st) st = contexts_of(vm, true, &contexts);
        if (!st) st = crp_hashtable_set(vm, contexts, key, found);
        if (st) return st;
    }
    crp_store(vm, &t->m.h, &t->context, found);
    return CRP_OK;
}

crp_status crpi_tls_context_for(crp *vm, crpi_tls *t)
{
    crpi_tls_settings settings;
    crp_status st = load(vm, &t->engine);
    if (!st) st = settings_of(vm, t, &settings);
    if (!st) st = find_context(vm, t, &settings);
    if (!st) warn_of_key(vm, t, &settings);
    return st;
}

/* --- the peer ------------------------------------------------------------------------------------------- */

static bool is_name(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f) return false;
    return n < CRPI_TLS_NAME;
}

/* An address may stand in brackets; a dot at the end of a name is no part of it. */
crp_status crpi_tls_peer_name(crp *vm, crpi_tls *t, char out[CRPI_TLS_NAME])
{
    size_t n;
    crp_word given = t->server_name;
    const char *text = crp_string_data(given, &n);
    if (!n && crp_below_attribute(vm, &t->m, "host", &given) && crp_is_string(given)) text = crp_string_data(given, &n);
    if (!is_name(text, n))
        return crp_module_raise(vm, &t->m, CRP_ERR_CONFIG, 1, "%v is no host's name", given);
    if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (n > 1 && text[n - 1] == '.') n--;
    memcpy(out, text, n);
    out[n] = 0;
    return CRP_OK;
}

crp_status crpi_tls_session_key(crp *vm, crpi_tls *t, const char *name, unsigned char out[CRPI_TLS_KEY])
{
    static const char *const attributes[] = {"host", "port"};
    collected c = {.vm = vm};
    collect_text(&c, name);
    for (size_t i = 0; !c.st && i < 2; i++) {
        crp_word value;
        size_t n;
        if (!crp_below_attribute(vm, &t->m, attributes[i], &value)) continue;
        if ((c.st = crp_to_string(vm, value, false, &value))) break;
        const char *text = crp_string_data(value, &n);
        collect(&c, text, n);
    }
    return digest_of(&c, out);
}
