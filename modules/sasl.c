/* floor 4: SASL: the table of mechanisms, and those that are a few lines: see sasl.h. */
#include <string.h>
#include "sasl.h"
#include "text.h"

enum { MD5_BYTES = 16 };

/* --- bytes ----------------------------------------------------------------------------------------- */

void crpi_sasl_wipe(crp *vm, crpi_sasl_bytes *b)
{
    if (b->at) {
        explicit_bzero(b->at, b->room);
        crp_free_bytes(vm, b->at, b->room);
    }
    *b = (crpi_sasl_bytes){0};
}

crp_status crpi_sasl_add(crp *vm, crpi_sasl_bytes *b, const void *bytes, size_t n)
{
    if (b->n + n > b->room) {
        crpi_sasl_bytes grown = {.n = b->n, .room = 2 * (b->n + n) + 64};
        if (!(grown.at = crp_alloc(vm, grown.room))) return CRP_E_NOMEM;
        if (b->n) memcpy(grown.at, b->at, b->n);
        crpi_sasl_wipe(vm, b);
        *b = grown;
    }
    if (n) memcpy(b->at + b->n, bytes, n);
    b->n += n;
    return CRP_OK;
}

crp_status crpi_sasl_add_text(crp *vm, crpi_sasl_bytes *b, const char *text)
{
    return crpi_sasl_add(vm, b, text, strlen(text));
}

crp_status crpi_sasl_add_word(crp *vm, crpi_sasl_bytes *b, crp_word string)
{
    size_t n;
    const char *text = crp_string_data(string, &n);
    return crpi_sasl_add(vm, b, text, n);
}

crp_status crpi_sasl_add_name(crp *vm, crpi_sasl_bytes *out, crp_word name)
{
    size_t n;
    const char *text = crp_string_data(name, &n);
    crp_status st = CRP_OK;
    for (size_t i = 0; !st && i < n; i++)
        st = text[i] == ',' ? crpi_sasl_add_text(vm, out, "=2C")
             : text[i] == '=' ? crpi_sasl_add_text(vm, out, "=3D")
                              : crpi_sasl_add(vm, out, text + i, 1);
    return st;
}

/* --- Base64 ---------------------------------------------------------------------------------------- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

crp_status crpi_sasl_add_base64(crp *vm, crpi_sasl_bytes *b, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    crp_status st = CRP_OK;
    for (size_t i = 0; !st && i < n; i += 3) {
        size_t left = n - i;
        uint32_t group = (uint32_t)at[i] << 16 | (uint32_t)(left > 1 ? at[i + 1] : 0) << 8 | (left > 2 ? at[i + 2] : 0);
        char four[4];
        for (int k = 0; k < 4; k++) four[k] = digits[group >> (18 - 6 * k) & 63];
        if (left < 3) four[3] = '=';
        if (left < 2) four[2] = '=';
        st = crpi_sasl_add(vm, b, four, 4);
    }
    return st;
}

static int digit(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Bits that stand for nothing must be 0. */
bool crpi_base64_strict(const char *text, size_t n, unsigned char *out, size_t *length)
{
    size_t padding = n && text[n - 1] == '=' ? n > 1 && text[n - 2] == '=' ? 2 : 1 : 0;
    *length = n / 4 * 3 - padding;
    if (n % 4) return false;
    uint32_t group = 0;
    for (size_t i = 0, done = 0; i < n; i++) {
        int value = i < n - padding ? digit(text[i]) : 0;
        if (value < 0) return false;
        group = group << 6 | (uint32_t)value;
        if (i % 4 != 3) continue;
        for (int k = 16; k >= 0; k -= 8) {
            unsigned char byte = (unsigned char)(group >> k);
            if (done < *length) out[done++] = byte;
            else if (byte) return false;
        }
        group = 0;
    }
    return true;
}

bool crpi_sasl_same(const unsigned char *a, const unsigned char *b, size_t n)
{
    volatile unsigned char differ = 0;
    for (size_t i = 0; i < n; i++) differ |= a[i] ^ b[i];
    return !differ;
}

/* --- words with blanks between --------------------------------------------------------------------- */

bool crpi_sasl_next(const char **at, const char *end, const char **word, size_t *n)
{
    while (*at < end && **at == ' ') ++*at;
    *word = *at;
    while (*at < end && **at != ' ') ++*at;
    return (*n = (size_t)(*at - *word)) > 0;
}

bool crpi_sasl_lists(const char *words, size_t length, const char *name, size_t n)
{
    const char *at = words, *word;
    size_t m;
    while (crpi_sasl_next(&at, words + length, &word, &m))
        if (m == n && crpi_line_same(word, name, n)) return true;
    return false;
}

const crpi_sasl_mechanism *crpi_sasl_named(const char *name, size_t n)
{
    for (const crpi_sasl_mechanism *m = crpi_sasl_mechanisms; m->name; m++)
        if (strlen(m->name) == n && crpi_line_same(m->name, name, n)) return m;
    return NULL;
}

/* --- a logon --------------------------------------------------------------------------------------- */

enum { WORDS = 7 };

/* The places of its words; how many there are. */
static size_t words_of(crpi_sasl *s, crp_word *out[WORDS])
{
    crp_word *words[WORDS] = {&s->user, &s->password, &s->token, &s->host, &s->port, &s->binding_type, &s->binding};
    memcpy(out, words, sizeof words);
    return s->holder ? WORDS : 0;
}

void crpi_sasl_begin(crp *vm, crpi_sasl *s, crp_object *holder, const crpi_sasl_mechanism *mechanism)
{
    crpi_sasl_end(vm, s);
    s->holder = holder;
    s->mechanism = mechanism;
    s->user = s->password = s->token = s->host = s->port = s->binding_type = s->binding = CRP_NIL;
}

void crpi_sasl_set(crp *vm, crpi_sasl *s, crp_word *slot, crp_word value) { crp_store(vm, s->holder, slot, value); }

void crpi_sasl_mark(crp *vm, crpi_sasl *s, crp_marker mark)
{
    crp_word *words[WORDS];
    size_t n = words_of(s, words);
    for (size_t i = 0; i < n; i++) mark(vm, *words[i]);
}

void crpi_sasl_end(crp *vm, crpi_sasl *s)
{
    crp_word *words[WORDS];
    for (size_t i = 0, n = words_of(s, words); i < n; i++) crp_store(vm, s->holder, words[i], CRP_NIL);
    crpi_scram_free(vm, s);
    crpi_sasl_wipe(vm, &s->response);
    crpi_sasl_wipe(vm, &s->reason);
    explicit_bzero(s, sizeof *s);
}

crp_status crpi_sasl_fail(crpi_sasl *s, crpi_sasl_fault fault, const char *why)
{
    s->fault = fault;
    s->why = why;
    s->proven = false;
    return CRP_OK;
}

crp_status crpi_sasl_respond(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    s->response.n = s->secret_at = 0;
    return s->mechanism->respond(call, s, challenge, n);
}

/* --- EXTERNAL (RFC 4422), PLAIN (RFC 4616), LOGIN ---------------------------------------------------- */

/* A mechanism of one response; a second challenge is one too many. */
static bool is_over(crpi_sasl *s)
{
    if (!s->step++) return false;
    crpi_sasl_fail(s, CRPI_SASL_BROKEN, "no place in this mechanism, which has answered already");
    return true;
}

/* Who it is the layers below have shown; the name is for whom it acts, and may be "". */
static crp_status external(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    (void)challenge, (void)n;
    if (is_over(s)) return CRP_OK;
    s->proven = true;
    return crpi_sasl_add_word(call->vm, &s->response, s->user);
}

static crp_status plain(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    (void)challenge, (void)n;
    if (is_over(s)) return CRP_OK;
    s->proven = true;
    crp_status st = crpi_sasl_add(call->vm, &s->response, "", 1);
    if (!st) st = crpi_sasl_add_word(call->vm, &s->response, s->user);
    if (!st) st = crpi_sasl_add(call->vm, &s->response, "", 1);
    return st ? st : crpi_sasl_add_word(call->vm, &s->response, s->password);
}

/* Two questions, whatever their words. */
static crp_status login(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    (void)challenge, (void)n;
    switch (s->step++) {
    case 0: return crpi_sasl_add_word(call->vm, &s->response, s->user);
    case 1: s->proven = true; return crpi_sasl_add_word(call->vm, &s->response, s->password);
    default: return crpi_sasl_fail(s, CRPI_SASL_BROKEN, "a third question, where LOGIN has two");
    }
}

/* --- CRAM-MD5 (RFC 2195) --------------------------------------------------------------------------- */

static crp_status cram_md5(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    unsigned char digest[64];
    char hex[2 * MD5_BYTES];
    size_t length;
    if (is_over(s)) return CRP_OK;
    if (!n) return crpi_sasl_fail(s, CRPI_SASL_BROKEN, "nothing in it");
    s->proven = true;
    const char *password = crp_string_data(s->password, &length);
    crp_hmac("md5", password, length, challenge, n, digest);
    for (size_t i = 0; i < sizeof hex; i++) hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
    crp_status st = crpi_sasl_add_word(call->vm, &s->response, s->user);
    if (!st) st = crpi_sasl_add_text(call->vm, &s->response, " ");
    s->secret_at = s->response.n;
    return st ? st : crpi_sasl_add(call->vm, &s->response, hex, sizeof hex);
}

/* --- tokens of OAuth 2 ----------------------------------------------------------------------------- */

/* A challenge after the response is the server's reason to refuse, in JSON; it wants an answer before it says -ERR. */
static crp_status refused(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n, const char *answer)
{
    if (s->step++ > 1) return crpi_sasl_fail(s, CRPI_SASL_BROKEN, "a second reason for a refusal");
    s->proven = false;
    crp_status st = crpi_sasl_add(call->vm, &s->reason, challenge, n);
    return st ? st : crpi_sasl_add_text(call->vm, &s->response, answer);
}

static crp_status add_field(crp *vm, crpi_sasl *s, const char *name, crp_word value)
{
    size_t n = 0;
    if (crp_is_string(value)) crp_string_data(value, &n);
    if (!n) return CRP_OK;
    crp_status st = crpi_sasl_add_text(vm, &s->response, name);
    if (!st) st = crpi_sasl_add_word(vm, &s->response, value);
    return st ? st : crpi_sasl_add_text(vm, &s->response, "\1");
}

static crp_status xoauth2(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    if (s->step) return refused(call, s, challenge, n, "");
    s->step = 1;
    s->proven = true;
    crp_status st = add_field(call->vm, s, "user=", s->user);
    if (!st) st = add_field(call->vm, s, "auth=Bearer ", s->token);
    return st ? st : crpi_sasl_add_text(call->vm, &s->response, "\1");
}

/* RFC 7628. */
static crp_status oauthbearer(crp_call *call, crpi_sasl *s, const unsigned char *challenge, size_t n)
{
    if (s->step) return refused(call, s, challenge, n, "\1");
    s->step = 1;
    s->proven = true;
    crp_status st = crpi_sasl_add_text(call->vm, &s->response, "n,a=");
    if (!st) st = crpi_sasl_add_name(call->vm, &s->response, s->user);
    if (!st) st = crpi_sasl_add_text(call->vm, &s->response, ",\1");
    if (!st) st = add_field(call->vm, s, "host=", s->host);
    if (!st) st = add_field(call->vm, s, "port=", s->port);
    if (!st) st = add_field(call->vm, s, "auth=Bearer ", s->token);
    return st ? st : crpi_sasl_add_text(call->vm, &s->response, "\1");
}

/* --- the table ------------------------------------------------------------------------------------- */

#define BOTH (CRPI_SASL_USER | CRPI_SASL_PASSWORD)
#define BOUND (BOTH | CRPI_SASL_BINDING)
#define WITH_TOKEN (CRPI_SASL_USER | CRPI_SASL_TOKEN)

const crpi_sasl_mechanism crpi_sasl_mechanisms[] = {
    /* name, needs, clear, first, chosen, digest, respond */
    {"SCRAM-SHA-256-PLUS", BOUND, false, true, true, "sha256", crpi_scram_respond},
    {"SCRAM-SHA-256", BOTH, false, true, true, "sha256", crpi_scram_respond},
    {"SCRAM-SHA-1-PLUS", BOUND, false, true, true, "sha1", crpi_scram_respond},
    {"SCRAM-SHA-1", BOTH, false, true, true, "sha1", crpi_scram_respond},
    {"CRAM-MD5", BOTH, false, false, true, "md5", cram_md5},
    {"OAUTHBEARER", WITH_TOKEN, true, true, true, NULL, oauthbearer},
    {"XOAUTH2", WITH_TOKEN, true, true, true, NULL, xoauth2},
    {"PLAIN", BOTH, true, true, true, NULL, plain},
    {"LOGIN", BOTH, true, false, true, NULL, login},
    {"EXTERNAL", 0, false, true, false, NULL, external},
    {NULL, 0, false, false, false, NULL, NULL},
};
