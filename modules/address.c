/* floor 4: numeric addresses: see address.h. */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>
#include "address.h"

/* --- as text ---------------------------------------------------------------------------------------------- */

static bool parse_4(const char *text, unsigned port, crpi_address *out)
{
    struct sockaddr_in *in = &out->at.in;
    if (inet_pton(AF_INET, text, &in->sin_addr) != 1) return false;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    out->length = sizeof *in;
    return true;
}

static bool parse_6(char *text, unsigned port, crpi_address *out)
{
    struct sockaddr_in6 *in = &out->at.in6;
    char *scope = strchr(text, '%');
    if (scope) {
        *scope++ = 0;
        if (!(in->sin6_scope_id = if_nametoindex(scope))) return false;
    }
    if (inet_pton(AF_INET6, text, &in->sin6_addr) != 1) return false;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons((uint16_t)port);
    out->length = sizeof *in;
    return true;
}

bool crpi_address_parse(const char *host, unsigned port, crpi_address *out)
{
    char text[CRPI_ADDRESS_TEXT];
    size_t n = strlen(host);
    memset(out, 0, sizeof *out);
    if (n >= sizeof text) return false;
    memcpy(text, host, n + 1);
    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text[n - 1] = 0;
        return parse_6(text + 1, port, out);
    }
    return parse_4(text, port, out) || parse_6(text, port, out);
}

unsigned crpi_address_port(const crpi_address *a)
{
    if (a->at.any.sa_family == AF_INET) return ntohs(a->at.in.sin_port);
    if (a->at.any.sa_family == AF_INET6) return ntohs(a->at.in6.sin6_port);
    return 0;
}

static char *put_number(char *at, unsigned value)
{
    char digits[12];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n) *at++ = digits[--n];
    *at = 0;
    return at;
}

void crpi_address_text(const crpi_address *a, char out[CRPI_ADDRESS_TEXT])
{
    bool six = a->at.any.sa_family == AF_INET6;
    const void *raw = six ? (const void *)&a->at.in6.sin6_addr : (const void *)&a->at.in.sin_addr;
    char *at = out;
    *out = 0;
    if (!six && a->at.any.sa_family != AF_INET) return;
    if (six) *at++ = '[';
    if (!inet_ntop(a->at.any.sa_family, raw, at, INET6_ADDRSTRLEN)) return;
    at += strlen(at);
    if (six) *at++ = ']';
    *at++ = ':';
    put_number(at, crpi_address_port(a));
}

bool crpi_address_is_loopback(const crpi_address *a)
{
    if (a->at.any.sa_family == AF_INET)
        return ntohl(a->at.in.sin_addr.s_addr) >> 24 == 127;
    if (a->at.any.sa_family != AF_INET6) return false;
    const struct in6_addr *in = &a->at.in6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in) || (IN6_IS_ADDR_V4MAPPED(in) && in->s6_addr[12] == 127);
}

/* --- which family first ----------------------------------------------------------------------------------- */

/* The table of RFC 6724, 2.1, most special first. */
static const struct prefix {
    unsigned char bytes[16];
    unsigned bits, precedence, label;
} prefixes[] = {
    {{[15] = 1}, 128, 50, 0},
    {{[10] = 0xff, [11] = 0xff}, 96, 35, 4},
    {{0}, 96, 1, 3},
    {{0x20, 0x01}, 32, 5, 5},
    {{0x20, 0x02}, 16, 30, 2},
    {{0x3f, 0xfe}, 16, 1, 12},
    {{0xfe, 0xc0}, 10, 1, 11},
    {{0xfc}, 7, 3, 13},
    {{0}, 0, 40, 1},
};

static bool begins_with(const unsigned char *address, const struct prefix *p)
{
    size_t whole = p->bits / 8, rest = p->bits % 8;
    return !memcmp(address, p->bytes, whole) &&
           (!rest || !((address[whole] ^ p->bytes[whole]) >> (8 - rest)));
}

static const struct prefix *prefix_of(const crpi_address *a)
{
    unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
    const unsigned char *bytes = a->at.in6.sin6_addr.s6_addr;
    const struct prefix *p = prefixes;
    if (a->at.any.sa_family == AF_INET) memcpy(mapped + 12, &a->at.in.sin_addr, 4), bytes = mapped;
    while (!begins_with(bytes, p)) p++; /* the last is that of every address */
    return p;
}

/* From which address of ours the system would talk to it: false: there is no way there.  A datagram socket is
 * asked, which sends nothing. */
static bool source_of(const crpi_address *to, crpi_address *out)
{
    int fd = socket(to->at.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    out->length = sizeof out->at;
    bool found = fd >= 0 && connect(fd, &to->at.any, to->length) == 0 &&
                 getsockname(fd, &out->at.any, &out->length) == 0;
    if (fd >= 0) close(fd);
    return found;
}

bool crpi_address_six_first(const crpi_address *six, const crpi_address *four)
{
    crpi_address from_six, from_four;
    bool can_six = source_of(six, &from_six), can_four = source_of(four, &from_four);
    if (!can_six || !can_four) return can_six || !can_four;
    const struct prefix *p6 = prefix_of(six), *p4 = prefix_of(four);
    bool same_six = p6->label == prefix_of(&from_six)->label;
    bool same_four = p4->label == prefix_of(&from_four)->label;
    return same_six == same_four ? p6->precedence >= p4->precedence : same_six;
}
