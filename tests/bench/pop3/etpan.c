/* etpan: every message of a mailbox to a file with libetpan, and prints how many there were.
 *
 *     etpan PORT USER FILE [tls] */
#include <libetpan/libetpan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int result, const char *what)
{
    if (result == MAILPOP3_NO_ERROR) return;
    fprintf(stderr, "etpan: %s: %d\n", what, result);
    exit(1);
}

static mailpop3 *log_on(uint16_t port, const char *user, int tls)
{
    mailpop3 *p = mailpop3_new(0, NULL);
    must(tls ? mailpop3_ssl_connect(p, "127.0.0.1", port) : mailpop3_socket_connect(p, "127.0.0.1", port), "connect");
    must(mailpop3_user(p, user), "USER");
    must(mailpop3_pass(p, "pw"), "PASS");
    return p;
}

static unsigned count(mailpop3 *p)
{
    struct mailpop3_stat_response *r;
    must(mailpop3_stat(p, &r), "STAT");
    unsigned n = r->msgs_count;
    mailpop3_stat_resp_free(r);
    return n;
}

static void fetch(mailpop3 *p, unsigned number, FILE *to)
{
    char *message;
    size_t n;
    must(mailpop3_retr(p, number, &message, &n), "RETR");
    fwrite(message, 1, n, to);
    mailpop3_retr_free(message);
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    FILE *to = fopen(argv[3], "wb");
    if (!to) return 1;
    mailpop3 *p = log_on((uint16_t)atoi(argv[1]), argv[2], argc > 4 && !strcmp(argv[4], "tls"));
    unsigned n = count(p);
    for (unsigned i = 1; i <= n; i++) fetch(p, i, to);
    mailpop3_quit(p);
    mailpop3_free(p);
    if (fclose(to)) return 1;
    printf("%u\n", n);
    return 0;
}
