/* floor 4: SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither sends it.
 *
 * The password is stretched by as many rounds as the server asks for, in pieces, so that others run meanwhile and a
 * deadline is kept.  The server's proof is checked before its success is believed.  Over TLS the proof can be bound to
 * the channel (the -PLUS names), so that nobody in between can hand it on; where that could be done and the server does
 * not offer it, the client says so ("y"), and a server that does offer it knows that somebody has changed its list. */
#include <string.h>
#include "sasl.h"

enum {
    NONCE_BYTES = 18,
    MOST_NONCE = 1024,        /* bytes of both, */
    MOST_SALT = 1024,         /* and of the salt in Base64 */
    MOST_ROUNDS = 10000000,
    ROUNDS_AT_ONCE = 10000,
    LONGEST = 64              /* bytes of a digest */
};
enum { FIRST, FINAL, STRETCHING, VERIFY, DONE };

typedef struct crpi_scram {
    crpi_sasl_bytes gs2;  /* the header that says of binding what there is to say */
    crpi_sasl_bytes auth; /* the message that both sides sign, as far as it was said */
    crpi_sasl_bytes nonce;
    size_t size;          /* of the digest */
    int64_t rounds;       /* still to do */
    unsigned char last[LONGEST], salted[LONGEST], server_signature[LONGEST];
} crpi_scram;

void crpi_scram_free(crp *vm, crpi_sasl *s)
{
    crpi_scram *c = s->scram;
    if (!c) return;
    crpi_sasl_wipe(vm, &c->gs2);
    crpi_sasl_wipe(vm, &c->auth);
    crpi_sasl_wipe(vm, &c->nonce);
    explicit_bzero(c, sizeof *c);
    crp_free_bytes(vm, c, sizeof *c);
    s->scram = NULL;
}

static crp_status broken(crpi_sasl *s, const char *why) { return crpi_sasl_fail(s, CRPI_SASL_BROKEN, why); }

/* --- the client's first message -------------------------------------------------------------------- */

static bool is_plus(const crpi_sasl *s) { return s->mechanism->needs & CRPI_SASL_BINDING; }

static crp_status make_gs2(crp *vm, crpi_sasl *s)
{
    crpi_sasl_bytes *gs2 = &s->scram->gs2;
    if (!is_plus(s)) return crpi_sasl_add_text(vm, gs2, crp_is_object(s->binding) && !s->plus_offered ? "y,," : "n,,");
    crp_status st = crpi_sasl_add_text(vm, gs2, "p=");
    if (!st) st = crpi_sasl_add_word(vm, gs2, s->binding_type);
    return st ? st : crpi_sasl_add_text(vm, gs2, ",,");
}

/* Base64 has no comma, which would end it. */
static crp_status make_nonce(crp *vm, crpi_sasl *s)
{
    unsigned char bytes[NONCE_BYTES];
    void *state;
    if (*s->nonce) return crpi_sasl_add_text(vm, &s->scram->nonce, s->nonce);
    if (!crp_platform_of(vm, &state)->random(state, bytes, sizeof bytes))
        return crp_raise(vm, CRP_ERR_SYSTEM, 5, "the system gives no random numbers");
    return crpi_sasl_add_base64(vm, &s->scram->nonce, bytes, sizeof bytes);
}

static crp_status begin(crp *vm, crpi_sasl *s)
{
    crpi_scram *c = s->scram = crp_alloc(vm, sizeof *c);
    if (!c) return CRP_E_NOMEM;
    memset(c, 0, sizeof *c);
    c->size = crp_digest(s->mechanism->digest, "", 0, c->last);
    crp_status st = make_gs2(vm, s);
    if (!st) st = make_nonce(vm, s);
    if (!st) st = crpi_sasl_add_text(vm, &c->auth, "n=");
    if (!st) st = crpi_sasl_add_name(vm, &c->auth, s->user);
    if (!st) st = crpi_sasl_add_text(vm, &c->auth, ",r=");
    if (!st) st = crpi_sasl_add(vm, &c->auth, c->nonce.at, c->nonce.n);
    if (!st) st = crpi_sasl_add(vm, &s->response, c->gs2.at, c->gs2.n);
    if (!st) st = crpi_sasl_add(vm, &s->response, c->auth.at, c->auth.n);
    s->step = FINAL;
    return st;
}

/* --- the server's first message -------------------------------------------------------------------- */

/* "r=VALUE" up to a comma or the end: moves *at behind that comma. */
static bool attribute(const char **at, const char *end, char name, const char **value, size_t *n)
{
    if (end - *at < 2 || (*at)[0] != name || (*at)[1] != '=') return false;
    *value = *at + 2;
    const char *comma = memchr(*value, ',', (size_t)(end - *value));
    *n = (size_t)((comma ? comma : end) - *value);
    *at = comma ? comma + 1 : end;
    return true;
}

/* What the server says must begin with ours, and have more: else it may be an old answer to another. */
static bool is_nonce(const crpi_scram *c, const char *nonce, size_t n)
{
    if (n <= c->nonce.n || n > MOST_NONCE || memcmp(nonce, c->nonce.at, c->nonce.n)) return false;
    for (size_t i = 0; i < n; i++)
        if (nonce[i] <= ' ' || nonce[i] >= 0x7f) return false;
    return true;
}

static bool rounds_of(const char *text, size_t n, int64_t *out)
{
    *out = 0;
    if (!n || *text == '0') return false;
    for (size_t i = 0; i < n && *out <= MOST_ROUNDS; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return *out <= MOST_ROUNDS;
}

static bool salt_of(const char *text, size_t n, unsigned char *salt, size_t *length)
{
    return n && n <= MOST_SALT && crpi_base64_strict(text, n, salt, length) && *length;
}

static void first_round(crpi_sasl *s, const unsigned char *salt, size_t n)
{
    crpi_scram *c = s->scram;
    unsigned char block[MOST_SALT + 4];
    size_t length;
    const char *password = crp_string_data(s->password, &length);
    memcpy(block, salt, n);
    memcpy(block + n, "\0\0\0\1", 4);
    crp_hmac(s->mechanism->digest, password, length, block, n + 4, c->last);
    memcpy(c->salted, c->last, sizeof c->salted);
    c->rounds--;
}

static crp_status server_first(crp_call *call, crpi_sasl *s, const char *at, size_t n)
{
    crpi_scram *c = s->scram;
    const char *end = at + n, *from = at, *nonce, *salt, *rounds;
    unsigned char bytes[MOST_SALT];
    size_t nonce_size, salt_size, rounds_size, length;
    if (n > 1 && from[0] == 'm') return broken(s, "an extension that is not known here");
    if (!attribute(&from, end, 'r', &nonce, &nonce_size)) return broken(s, "no nonce (r=) where it should begin with one");
    if (!is_nonce(c, nonce, nonce_size)) return broken(s, "a nonce that does not begin with the client's own");
    if (!attribute(&from, end, 's', &salt, &salt_size) || !salt_of(salt, salt_size, bytes, &length))
        return broken(s, "no salt (s=) behind its nonce");
    if (!attribute(&from, end, 'i', &rounds, &rounds_size) || !rounds_of(rounds, rounds_size, &c->rounds))
        return broken(s, "no number of iterations (i=) from 1 to 10000000 behind its salt");
    c->nonce.n = 0;
    crp_status st = crpi_sasl_add(call->vm, &c->nonce, nonce, nonce_size);
    if (!st) st = crpi_sasl_add_text(call->vm, &c->auth, ",");
    if (!st) st = crpi_sasl_add(call->vm, &c->auth, at, n);
    if (!st) first_round(s, bytes, length);
    s->step = STRETCHING;
    return st;
}

static crp_status stretch(crp_call *call, crpi_sasl *s)
{
    crpi_scram *c = s->scram;
    size_t n;
    const char *password = crp_string_data(s->password, &n);
    unsigned rounds = c->rounds < ROUNDS_AT_ONCE ? (unsigned)c->rounds : ROUNDS_AT_ONCE;
    crp_hmac_rounds(s->mechanism->digest, password, n, rounds, c->last, c->salted);
    c->rounds -= rounds;
    if (!c->rounds) return CRP_OK;
    crp_wait_until(call, crp_now(call->vm));
    return CRP_AGAIN;
}

/* --- the client's last message --------------------------------------------------------------------- */

/* "c=BINDING,r=NONCE" */
static crp_status without_proof(crp *vm, crpi_sasl *s)
{
    crpi_scram *c = s->scram;
    if (is_plus(s)) {
        crp_status st = crpi_sasl_add_word(vm, &c->gs2, s->binding);
        if (st) return st;
    }
    crp_status st = crpi_sasl_add_text(vm, &s->response, "c=");
    if (!st) st = crpi_sasl_add_base64(vm, &s->response, c->gs2.at, c->gs2.n);
    if (!st) st = crpi_sasl_add_text(vm, &s->response, ",r=");
    return st ? st : crpi_sasl_add(vm, &s->response, c->nonce.at, c->nonce.n);
}

static void keyed(const crpi_sasl *s, const unsigned char *key, const void *bytes, size_t n, unsigned char out[LONGEST])
{
    crp_hmac(s->mechanism->digest, key, s->scram->size, bytes, n, out);
}

static crp_status prove(crp *vm, crpi_sasl *s)
{
    crpi_scram *c = s->scram;
    unsigned char key[LONGEST], stored[LONGEST], signature[LONGEST];
    keyed(s, c->salted, "Client Key", 10, key);
    crp_digest(s->mechanism->digest, key, c->size, stored);
    keyed(s, stored, c->auth.at, c->auth.n, signature);
    for (size_t i = 0; i < c->size; i++) key[i] ^= signature[i];
    crp_status st = crpi_sasl_add_text(vm, &s->response, ",p=");
    if (!st) st = crpi_sasl_add_base64(vm, &s->response, key, c->size);
    keyed(s, c->salted, "Server Key", 10, key);
    keyed(s, key, c->auth.at, c->auth.n, c->server_signature);
    explicit_bzero(key, sizeof key);
    explicit_bzero(stored, sizeof stored);
    explicit_bzero(c->salted, sizeof c->salted);
    explicit_bzero(c->last, sizeof c->last);
    return st;
}

static crp_status final(crp *vm, crpi_sasl *s)
{
    crpi_scram *c = s->scram;
    crp_status st = without_proof(vm, s);
    if (!st) st = crpi_sasl_add_text(vm, &c->auth, ",");
    if (!st) st = crpi_sasl_add(vm, &c->auth, s->response.at, s->response.n);
    if (!st) st = prove(vm, s);
    s->step = VERIFY;
    return st;
}

/* --- the server's last message --------------------------------------------------------------------- */

static crp_status verify(crp_call *call, crpi_sasl *s, const char *at, size_t n)
{
    crpi_scram *c = s->scram;
    const char *end = at + n, *value;
    unsigned char signature[LONGEST * 2];
    size_t length, size;
    s->step = DONE;
    if (attribute(&at, end, 'e', &value, &length)) return crpi_sasl_add(call->vm, &s->reason, value, length);
    if (!attribute(&at, end, 'v', &value, &length) || length > sizeof signature / 3 * 4 ||
        !crpi_base64_strict(value, length, signature, &size))
        return broken(s, "no signature (v=) where it should begin with one");
    s->proven = size == c->size && crpi_sasl_same(signature, c->server_signature, size);
    return s->proven ? CRP_OK : crpi_sasl_fail(s, CRPI_SASL_FORGED, "a signature that only someone makes who does not know the password");
}

crp_status crpi_scram_respond(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    const char *at = (const char *)challenge;
    crp_status st = CRP_OK;
    if (s->step == FIRST) return begin(call->vm, s);
    if (s->step == VERIFY) return verify(call, s, at, n);
    if (s->step == DONE) return broken(s, "no place in this mechanism, which has come to its end");
    if (s->step == FINAL) st = server_first(call, s, at, n);
    if (st || s->fault) return st;
    st = stretch(call, s);
    return st ? st : final(call->vm, s);
}
