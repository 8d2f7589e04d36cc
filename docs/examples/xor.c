/* A comms module in C: a layer that mixes a key into all that goes through it, and out of it again on the other side.
 * docs/modules.md goes through it; tests/cli/modules.sh compiles and runs it. */
#include <carapace/library.h>

typedef struct xor_layer {
    crp_module m; /* what every module begins with */
    crp_word key;
    size_t sent, received; /* bytes so far: where in the key each direction stands */
} xor_layer;

static void mix(const xor_layer *x, size_t at, const unsigned char *from, unsigned char *to, size_t n)
{
    size_t length;
    const char *key = crp_string_data(x->key, &length);
    for (size_t i = 0; i < n; i++) to[i] = length ? from[i] ^ (unsigned char)key[(at + i) % length] : from[i];
}

static crp_status xor_connect(crp_call *call, crp_module *m)
{
    (void)call;
    ((xor_layer *)m)->sent = ((xor_layer *)m)->received = 0;
    return CRP_OK;
}

static crp_status xor_send(crp_call *call, crp_module *m, const void *bytes, size_t n, size_t *taken)
{
    unsigned char block[1024];
    xor_layer *x = (xor_layer *)m;
    if (n > sizeof block) n = sizeof block;
    mix(x, x->sent, bytes, block, n);
    crp_status st = crp_below_send(call, m, block, n, taken); /* CRP_AGAIN: nothing has happened yet */
    if (!st) x->sent += *taken;                               /* it may have taken less */
    return st;
}

static crp_status xor_receive(crp_call *call, crp_module *m, void *bytes, size_t n, size_t *got)
{
    xor_layer *x = (xor_layer *)m;
    crp_status st = crp_below_receive(call, m, bytes, n, got);
    if (st) return st;
    mix(x, x->received, bytes, bytes, *got);
    x->received += *got;
    return CRP_OK;
}

static const crp_module_ops ops = {
    .kind = CRP_KIND_MODULE, .connect = xor_connect, .send = xor_send, .receive = xor_receive};

static const crp_property properties[] = {
    {"key", "String", CRP_RW | CRP_STACK | CRP_CONFIG | CRP_SECRET, offsetof(xor_layer, key), NULL, NULL,
     "what is mixed in; \"\": nothing", NULL, NULL},
    CRP_PROPERTY_LOG,
    {0}};

static const crp_method methods[] = {CRP_MODULE_METHODS, {0}};

static const crp_class_def xor_class = {
    .size = sizeof xor_class, .name = "Xor", .help = "Mixes a key into what goes through it.",
    .instance_size = sizeof(xor_layer), .properties = properties, .methods = methods, .mark = crp_module_mark,
    .module = &ops};

static crp_status begin(crp *vm)
{
    uint32_t id;
    return crp_define_class(vm, &xor_class, &id);
}

CRP_LIBRARY(begin)
