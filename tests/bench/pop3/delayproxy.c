/* delayproxy: a loopback proxy that holds back all that goes through it by a fixed time, each way, which needs no help of
 * the kernel's.
 *
 *     delayproxy PORT MILLISECONDS
 *
 * It listens on a free port, prints "port N", and connects to PORT for each connection that it gets.  Each direction has
 * two threads: one reads and stamps each piece with the time when it is due, one sends it then.  As up to 64 MB may be
 * under way, only time is added and nothing is slower than that.  connect() returns at once to the client, and the first
 * bytes need one round trip.  It ends by itself after an hour. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SECONDS = 3600, PIECE = 65536, MOST_HELD = 64 << 20, MOST_DELAY = 900 };

typedef struct piece {
    struct piece *next;
    struct timespec due;
    size_t length; /* 0: the end */
    char bytes[];
} piece;

typedef struct direction {
    int from, to;
    piece *first, *last;
    size_t held;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} direction;

static struct timespec delay;
static int target;

static void die(const char *why)
{
    fprintf(stderr, "delayproxy: %s\n", why);
    exit(1);
}

static struct timespec when_due(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += delay.tv_nsec;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_nsec -= 1000000000L;
        t.tv_sec++;
    }
    return t;
}

static void enqueue(direction *d, piece *p)
{
    pthread_mutex_lock(&d->lock);
    while (d->held > MOST_HELD) pthread_cond_wait(&d->changed, &d->lock);
    if (d->first) d->last->next = p;
    else d->first = p;
    d->last = p;
    d->held += p->length;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static piece *dequeue(direction *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->first) pthread_cond_wait(&d->changed, &d->lock);
    piece *p = d->first;
    d->first = p->next;
    d->held -= p->length;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    return p;
}

static void *read_all(void *arg)
{
    direction *d = arg;
    for (ssize_t n = 1; n > 0;) {
        piece *p = malloc(sizeof *p + PIECE);
        if (!p) die("no memory");
        n = recv(d->from, p->bytes, PIECE, 0);
        p->next = NULL;
        p->due = when_due();
        p->length = n > 0 ? (size_t)n : 0;
        piece *smaller = realloc(p, sizeof *p + p->length);
        enqueue(d, smaller ? smaller : p);
    }
    return NULL;
}

/* With nobody to send to, nothing more is read either. */
static void send_whole(direction *d, const piece *p)
{
    for (size_t at = 0; at < p->length;) {
        ssize_t n = send(d->to, p->bytes + at, p->length - at, MSG_NOSIGNAL);
        if (n <= 0) {
            shutdown(d->from, SHUT_RDWR);
            return;
        }
        at += (size_t)n;
    }
}

static void *send_all(void *arg)
{
    direction *d = arg;
    for (size_t length = 1; length;) {
        piece *p = dequeue(d);
        length = p->length;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &p->due, NULL);
        send_whole(d, p);
        free(p);
    }
    shutdown(d->to, SHUT_WR);
    return NULL;
}

static void join_both(int near, int far)
{
    pthread_t threads[4];
    direction ways[2] = {{.from = near, .to = far}, {.from = far, .to = near}};
    for (int i = 0; i < 2; i++) {
        pthread_mutex_init(&ways[i].lock, NULL);
        pthread_cond_init(&ways[i].changed, NULL);
        if (pthread_create(&threads[2 * i], NULL, read_all, &ways[i]) ||
            pthread_create(&threads[2 * i + 1], NULL, send_all, &ways[i]))
            die("no thread");
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void *serve(void *arg)
{
    int near = (int)(long)arg, far = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = loopback(target);
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
    if (!connect(far, (void *)&a, sizeof a)) join_both(near, far);
    close(near);
    close(far);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3 || atoi(argv[2]) < 0 || atoi(argv[2]) > MOST_DELAY) die("usage: delayproxy PORT MILLISECONDS");
    struct sockaddr_in a = loopback(0);
    socklen_t n = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    target = atoi(argv[1]);
    delay.tv_nsec = atoi(argv[2]) * 1000000L;
    signal(SIGPIPE, SIG_IGN);
    alarm(MOST_SECONDS);
    if (bind(listener, (void *)&a, n) || listen(listener, 64) || getsockname(listener, (void *)&a, &n)) die("cannot listen");
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(long)fd)) die("cannot accept");
        pthread_detach(thread);
    }
}
