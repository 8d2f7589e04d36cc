/* floor 4: CommsInfo: the state and the traffic of a stack or a layer at the moment when it was asked for. */
#include <string.h>
#include "attr.h"
#include "describe.h"

typedef struct commsinfo {
    crp_object h;
    crp_word flags[5];  /* isConnecting, isConnected, isDisconnecting, isListening, isBound */
    crp_word counts[10]; /* bytesSent .. daysLeft */
    crp_word texts[5];  /* peerAddress .. tlsCertificate */
} commsinfo;

#define FLAG(i) offsetof(commsinfo, flags[i])
#define COUNT(i) offsetof(commsinfo, counts[i])
#define TEXT(i) offsetof(commsinfo, texts[i])
#define ROW(name, class_name, offset, help) \
    { \
        name, class_name, CRP_READ, offset, NULL, NULL, help, NULL, NULL \
    }

static const crp_property properties[] = {
    ROW("isConnecting", "Object", FLAG(0), "true while connecting\n"
        "i.isConnecting                      # --> ()"),
    ROW("isConnected", "Object", FLAG(1), "true when connected\n"
        "i.isConnected                       # --> true"),
    ROW("isDisconnecting", "Object", FLAG(2), "true while disconnecting\n"
        "i.isDisconnecting                   # --> ()"),
    ROW("isListening", "Object", FLAG(3), "true when listening for connections\n"
        "i.isListening                       # --> ()"),
    ROW("isBound", "Object", FLAG(4), "true when bound to a local address\n"
        "i.isBound                           # --> ()"),
    ROW("bytesSent", "Integer", COUNT(0), "bytes sent since connect\n"
        "i.bytesSent                         # --> 5"),
    ROW("bytesReceived", "Integer", COUNT(1), "bytes received since connect\n"
        "i.bytesReceived                     # --> 0"),
    ROW("packetsSent", "Integer", COUNT(2), "sends since connect\n"
        "i.packetsSent                       # --> 1"),
    ROW("packetsReceived", "Integer", COUNT(3), "receives since connect\n"
        "i.packetsReceived                   # --> 0"),
    ROW("timeSinceSent", "Integer", COUNT(4), "seconds since something was sent; -1: never\n"
        "(< i.timeSinceSent 60)              # --> true"),
    ROW("timeSinceReceived", "Integer", COUNT(5), "seconds since something was received; -1: never\n"
        "i.timeSinceReceived                 # --> -1"),
    ROW("idle", "Integer", COUNT(6), "seconds since anything was sent or received; -1: never\n"
        "(== i.idle i.timeSinceSent)         # --> true"),
    ROW("connectedFor", "Integer", COUNT(7), "milliseconds since it was connected; -1: it is not\n"
        "(< i.connectedFor 60000)             # --> true"),
    ROW("connectTime", "Integer", COUNT(8), "milliseconds that connecting took; -1: it never was connected\n"
        "(< i.connectTime 60000)             # --> true"),
    ROW("peerAddress", "String", TEXT(0), "the peer's address and port; \"\" if there is none\n"
        "i.peerAddress                       # --> \"\""),
    ROW("localAddress", "String", TEXT(1), "the own address and port; \"\" if there is none\n"
        "i.localAddress                      # --> \"\""),
    ROW("tlsVersion", "String", TEXT(2), "the TLS version; \"\" without TLS\n"
        "i.tlsVersion                        # --> \"\""),
    ROW("tlsCipher", "String", TEXT(3), "the TLS cipher; \"\" without TLS\n"
        "i.tlsCipher                         # --> \"\""),
    ROW("tlsCertificate", "String", TEXT(4), "the peer's certificate, in lines as Tls has it; \"\" without TLS\n"
        "i.tlsCertificate                    # --> \"\""),
    ROW("daysLeft", "Integer", COUNT(9), "days for which that certificate is still valid; -1: over, or without TLS\n"
        "i.daysLeft                          # --> -1"),
    {0},
};

const crp_class_def crpi_commsinfo_class = {
    .size = sizeof(crp_class_def),
    .name = "CommsInfo",
    .help = "State and traffic of a stack or a module, as the method `info` found them.\n"
            "(set m (create Memory))\n"
            "(m.connect)\n"
            "(m.send \"hello\")\n"
            "(set i (m.info))",
    .instance_size = sizeof(commsinfo),
    .properties = properties,
};

static crp_status set_count(crp *vm, commsinfo *info, int i, int64_t value)
{
    crp_word w;
    crp_status st = crp_integer(vm, value, &w);
    if (!st) crp_store(vm, &info->h, &info->counts[i], w);
    return st;
}

static int64_t seconds_since(crp *vm, int64_t when, int64_t packets)
{
    return packets ? (crp_now(vm) - when) / 1000 : -1;
}

static crp_status new_info(crp *vm, const crp_traffic *t, crp_word *out)
{
    crp_status st = crp_new_object(vm, crp_class_id(vm, crpi_commsinfo_class.name), out);
    if (st) return st;
    commsinfo *info = (commsinfo *)crp_object_of(*out);
    int64_t last = t->last_sent > t->last_received ? t->last_sent : t->last_received;
    const int64_t values[10] = {t->bytes_sent,
                               t->bytes_received,
                               t->packets_sent,
                               t->packets_received,
                               seconds_since(vm, t->last_sent, t->packets_sent),
                               seconds_since(vm, t->last_received, t->packets_received),
                               seconds_since(vm, last, t->packets_sent + t->packets_received),
                               -1, -1, -1};
    for (int i = 0; !st && i < 10; i++) st = set_count(vm, info, i, values[i]);
    return st;
}

crp_status crpi_commsinfo_of_traffic(crp *vm, const crp_traffic *t, crp_word *out)
{
    return new_info(vm, t, out);
}

/* A layer without a step of its own is as connected as what is below it. */
static const crp_module *connecting_one(crp *vm, const crpi_layers *layers)
{
    size_t own = 0;
    while (own + 1 < layers->n && !crp_ops_of(vm, layers->at[own])->connect) own++;
    return layers->at[own];
}

/* A stack is connected when its top is; what it sent and received is what its bottom did. */
static void set_flags(crp *vm, commsinfo *info, const crpi_layers *layers, bool whole)
{
    bool any[5] = {0};
    for (size_t i = 0; i < (whole ? layers->n : 1); i++) {
        const crp_module *m = layers->at[i];
        any[0] |= m->connecting;
        any[2] |= m->disconnecting;
        any[3] |= m->listening;
        any[4] |= m->bound;
    }
    any[1] = connecting_one(vm, layers)->connected;
    for (int i = 0; i < 5; i++) crp_store(vm, &info->h, &info->flags[i], crp_bool(any[i]));
}

static crp_status set_times(crp *vm, commsinfo *info, const crpi_layers *layers, bool whole)
{
    crp_word days;
    const crp_module *own = connecting_one(vm, layers);
    crp_status st = set_count(vm, info, 7, crpi_connected_for(vm, own));
    if (!st) st = set_count(vm, info, 8, whole ? crpi_connect_time_of_all(layers) : crpi_connect_time(own));
    if (!st && crpi_attr_value(vm, layers, "daysLeft", &days) && crp_is_integer(days))
        st = set_count(vm, info, 9, crp_integer_value(days));
    return st;
}

static crp_status set_texts(crp *vm, commsinfo *info, const crpi_layers *layers)
{
    static const char *const names[5] = {"peerAddress", "localAddress", "tlsVersion", "tlsCipher",
                                         "tlsCertificate"};
    crp_status st = CRP_OK;
    for (int i = 0; !st && i < 5; i++) {
        crp_word name, value;
        uint32_t flags;
        st = crp_symbol(vm, names[i], strlen(names[i]), &name);
        if (st || !crpi_attr_owner(vm, layers, name, &flags)) continue;
        st = crpi_attr_get(vm, layers, name, &value);
        if (!st && crp_is_string(value)) crp_store(vm, &info->h, &info->texts[i], value);
    }
    return st;
}

crp_status crpi_commsinfo_of_layers(crp *vm, const crpi_layers *layers, bool whole, crp_word *out)
{
    static const crp_traffic none;
    if (!layers->n) return new_info(vm, &none, out);
    crp_status st = new_info(vm, &layers->at[whole ? layers->n - 1 : 0]->traffic, out);
    if (st) return st;
    commsinfo *info = (commsinfo *)crp_object_of(*out);
    set_flags(vm, info, layers, whole);
    st = set_times(vm, info, layers, whole);
    return st ? st : set_texts(vm, info, layers);
}
