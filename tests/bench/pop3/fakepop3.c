/* fakepop3: a POP3 server that answers from memory, so that what is measured beside it is the client's own cost.
 *
 *     fakepop3 [-n MESSAGES] [-s SIZE] [-k KIND] [-c CERTIFICATE -K KEY] [-P]
 *     fakepop3 [-n MESSAGES] [-s SIZE] [-k KIND] -w
 *
 * It listens on a free port of the loopback interface and prints "port N".  All its messages are the same: about SIZE
 * bytes as they are sent, of a KIND: text (lines of 74 bytes), dots (such lines, of which each begins with a dot), short
 * (lines of 1 byte), long (one line).  With a certificate it speaks TLS from the first byte; -P announces no PIPELINING.
 * Anybody may log on.  -w writes what a client must get of all messages, one behind the other, and is done.
 *
 * A connection is a thread.  What is asked for in one packet is answered at one go.  It ends by itself after an hour. */
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_SECONDS = 3600, MOST_IDLE = 300, LINE = 74, COMMANDS = 65536, REPLIES = 262144, MOST_SIZE = 1 << 30 };

static int messages = 1000;
static long size = 4096;
static const char *kind = "text", *certificate, *key;
static bool pipelining = true, only_write;
static SSL_CTX *tls;

static void die(const char *why)
{
    fprintf(stderr, "fakepop3: %s\n", why);
    exit(1);
}

/* --- the mailbox ----------------------------------------------------------------------------------- */

typedef struct text {
    char *bytes;
    size_t length;
} text;

static text whole, header, listing, uids; /* replies of many lines, with their status line and their end */
static text plain; /* a message as a client gets it */

static const char fields[] = "From: sender@example.org\r\nTo: fred@example.org\r\nSubject: one of many\r\n"
                             "Message-ID: <1@example.org>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n";

/* A line of so many bytes, without its end. */
static void put_line(FILE *to, long length, int number)
{
    for (long i = 0; i < length; i++) putc(i % 9 == 8 ? ' ' : 'a' + (int)((i + number) % 26), to);
}

/* The body as it is sent, or as it is without the dots that are only sent. */
static void put_body(FILE *to, bool stuffed)
{
    bool dots = !strcmp(kind, "dots");
    long left = size - (long)strlen(fields);
    long most = !strcmp(kind, "short") ? 1 : !strcmp(kind, "long") ? left : LINE;
    for (int number = 0; left > 2; number++) {
        long length = left - 2 < most ? left - 2 : most;
        bool dot = dots && length > 1;
        if (dot) fputs(stuffed ? ".." : ".", to);
        put_line(to, dot ? length - 2 : length, number);
        fputs("\r\n", to);
        left -= length + 2;
    }
}

static FILE *begin(text *t)
{
    FILE *f = open_memstream(&t->bytes, &t->length);
    if (!f) die("no memory");
    return f;
}

static void end(FILE *f, const char *last)
{
    if (fputs(last, f) < 0 || fclose(f)) die("no memory");
}

static void make_replies(void)
{
    FILE *f = begin(&plain);
    fputs(fields, f);
    put_body(f, false);
    end(f, "");
    f = begin(&whole);
    fprintf(f, "+OK %zu octets\r\n%s", plain.length, fields);
    put_body(f, true);
    end(f, ".\r\n");
    f = begin(&header);
    fprintf(f, "+OK\r\n%s", fields);
    end(f, ".\r\n");
    f = begin(&listing);
    fprintf(f, "+OK %d messages\r\n", messages);
    for (int i = 1; i <= messages; i++) fprintf(f, "%d %zu\r\n", i, plain.length);
    end(f, ".\r\n");
    f = begin(&uids);
    fputs("+OK\r\n", f);
    for (int i = 1; i <= messages; i++) fprintf(f, "%d u%09d\r\n", i, i);
    end(f, ".\r\n");
}

/* --- a connection ---------------------------------------------------------------------------------- */

typedef struct client {
    int fd;
    SSL *ssl; /* NULL: in clear */
    size_t held, waiting; /* bytes of commands, of replies */
    char commands[COMMANDS], replies[REPLIES];
} client;

static long receive(client *c, char *to, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, to, (int)n) : recv(c->fd, to, n, 0);
}

static bool flush(client *c)
{
    for (size_t at = 0; at < c->waiting;) {
        size_t n = c->waiting - at;
        long sent = c->ssl ? SSL_write(c->ssl, c->replies + at, (int)n) : send(c->fd, c->replies + at, n, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += (size_t)sent;
    }
    c->waiting = 0;
    return true;
}

static bool put(client *c, const char *bytes, size_t n)
{
    while (n) {
        size_t room = REPLIES - c->waiting, now = n < room ? n : room;
        memcpy(c->replies + c->waiting, bytes, now);
        c->waiting += now;
        bytes += now;
        n -= now;
        if (c->waiting == REPLIES && !flush(c)) return false;
    }
    return true;
}

static bool put_text(client *c, const text *t) { return put(c, t->bytes, t->length); }
static bool put_string(client *c, const char *s) { return put(c, s, strlen(s)); }

/* --- commands: each puts a reply ------------------------------------------------------------------- */

static bool retr(client *c, int number)
{
    return number < 1 || number > messages ? put_string(c, "-ERR no such message\r\n") : put_text(c, &whole);
}

static bool top(client *c, int number)
{
    (void)number;
    return put_text(c, &header);
}

static bool list(client *c, int number)
{
    char line[64];
    if (!number) return put_text(c, &listing);
    snprintf(line, sizeof line, "+OK %d %zu\r\n", number, plain.length);
    return put_string(c, line);
}

static bool uidl(client *c, int number)
{
    char line[64];
    if (!number) return put_text(c, &uids);
    snprintf(line, sizeof line, "+OK %d u%09d\r\n", number, number);
    return put_string(c, line);
}

static bool stat_(client *c, int number)
{
    char line[64];
    (void)number;
    snprintf(line, sizeof line, "+OK %d %zu\r\n", messages, plain.length * (size_t)messages);
    return put_string(c, line);
}

static bool capa(client *c, int number)
{
    (void)number;
    return put_string(c, "+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nUSER\r\n") &&
           put_string(c, pipelining ? "PIPELINING\r\n.\r\n" : ".\r\n");
}

static bool yes(client *c, int number)
{
    (void)number;
    return put_string(c, "+OK\r\n");
}

static bool quit(client *c, int number)
{
    yes(c, number);
    flush(c);
    return false;
}

static const struct command {
    const char *verb;
    bool (*reply)(client *, int number);
} commands[] = {
    {"RETR", retr}, {"TOP", top}, {"LIST", list}, {"UIDL", uidl}, {"STAT", stat_}, {"CAPA", capa}, {"USER", yes},
    {"PASS", yes}, {"APOP", yes}, {"NOOP", yes}, {"DELE", yes}, {"RSET", yes}, {"QUIT", quit},
};

static bool obey(client *c, const char *line)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t n = strlen(commands[i].verb);
        if (!strncasecmp(line, commands[i].verb, n) && strchr(" \r\n", line[n])) return commands[i].reply(c, atoi(line + n));
    }
    return put_string(c, "-ERR what?\r\n");
}

/* All whole lines that have come. */
static bool obey_all(client *c)
{
    char *line = c->commands, *lf;
    while ((lf = memchr(line, '\n', c->held))) {
        *lf = 0;
        if (!obey(c, line)) return false;
        c->held -= (size_t)(lf + 1 - line);
        line = lf + 1;
    }
    memmove(c->commands, line, c->held);
    return c->held < COMMANDS;
}

static void talk(client *c)
{
    if (!put_string(c, "+OK ready\r\n")) return;
    while (flush(c)) {
        long n = receive(c, c->commands + c->held, COMMANDS - c->held);
        if (n <= 0) return;
        c->held += (size_t)n;
        if (!obey_all(c)) return;
    }
}

static void *serve(void *arg)
{
    client *c = arg;
    int one = 1;
    struct timeval idle = {.tv_sec = MOST_IDLE};
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
    if (tls && (c->ssl = SSL_new(tls))) SSL_set_fd(c->ssl, c->fd);
    if (!tls || (c->ssl && SSL_accept(c->ssl) == 1)) talk(c);
    if (c->ssl) SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
    return NULL;
}

/* --- the program ----------------------------------------------------------------------------------- */

static void begin_tls(void)
{
    if (!certificate) return;
    tls = SSL_CTX_new(TLS_server_method());
    if (!tls || SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key ? key : certificate, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

static int listen_anywhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (void *)&a, n) || listen(fd, 64) || getsockname(fd, (void *)&a, &n)) die("cannot listen");
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int listener)
{
    for (;;) {
        pthread_t thread;
        client *c = calloc(1, sizeof *c);
        if (!c) die("no memory");
        c->fd = accept(listener, NULL, NULL);
        if (c->fd < 0) die("cannot accept");
        if (pthread_create(&thread, NULL, serve, c)) die("no thread");
        pthread_detach(thread);
    }
}

static void read_options(int argc, char **argv)
{
    for (int o; (o = getopt(argc, argv, "n:s:k:c:K:Pw")) != -1;) {
        switch (o) {
        case 'n': messages = atoi(optarg); break;
        case 's': size = atol(optarg); break;
        case 'k': kind = optarg; break;
        case 'c': certificate = optarg; break;
        case 'K': key = optarg; break;
        case 'P': pipelining = false; break;
        case 'w': only_write = true; break;
        default: exit(2);
        }
    }
    if (messages < 0 || messages > 1000000 || size < 256 || size > MOST_SIZE) die("too many or too few");
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    alarm(MOST_SECONDS);
    make_replies();
    if (only_write) {
        for (int i = 0; i < messages; i++) fwrite(plain.bytes, 1, plain.length, stdout);
        return fflush(stdout) != 0;
    }
    signal(SIGPIPE, SIG_IGN);
    begin_tls();
    accept_all(listen_anywhere());
}
