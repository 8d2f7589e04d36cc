/* floor 4: stream sockets, as far as the bottom modules that have one are alike.
 *
 * Its functions are the operations of such a module, or called from them.  A descriptor is stored in the object
 * before anything else can fail, so that close and drop find it.  With no descriptor left in the process, what
 * scripts have dropped is collected once, which closes it; then it is error 3.24.
 */
#ifndef CARAPACE_SOCKET_H
#define CARAPACE_SOCKET_H

#include "module.h"

typedef struct crpi_socket { /* the instance of such a module begins with it */
    crp_module m;
    crp_word peer;     /* for the words of an error: a String, or none: "the peer" */
    int fd_plus_1;     /* 0: none */
    bool drained;      /* the last receive took all that there was: who is patient waits before the next */
    bool reset_is_end; /* a reset is an orderly end: of a program that has not read all that it was sent */
} crpi_socket;

/* 0 or more, or -errno.  A descriptor is the caller's to close. */
int crpi_socket_new(crp *, int family);
void crpi_socket_close_fd(crp *, int fd);
void crpi_socket_close(crp *, crpi_socket *);
/* The last argument of `name` in platform.h.  False: there is no socket, or it has no such address. */
bool crpi_socket_name(crp *, const crpi_socket *, bool peer, void *address, unsigned *length);

/* Is this the errno of having no descriptor left? */
bool crpi_socket_none_left(int errnum);
/* 3.24 for that errno, else class 6 with this code; the module's name stands before the text. */
#define crpi_socket_raise(vm, m, code, errnum, ...) \
    crp_module_raise_errno(vm, m, crpi_socket_none_left(errnum) ? CRP_ERR_SYSTEM : CRP_ERR_COMMS, \
                           crpi_socket_none_left(errnum) ? CRPI_NONE_LEFT : (code), errnum, __VA_ARGS__)
enum { CRPI_NONE_LEFT = 24 /* code of class 3 */ };

/* Ops as they are. */
crp_status crpi_socket_send(crp_call *, crp_module *, const void *bytes, size_t n, size_t *taken);
crp_status crpi_socket_receive(crp_call *, crp_module *, void *bytes, size_t n, size_t *got);
crp_status crpi_socket_shut(crp_call *, crp_module *);
crp_status crpi_socket_listen(crp_call *, crp_module *);

/* The op `accept`: makes a module of the same class, which `adopt` gives its settings. */
typedef crp_status (*crpi_socket_adopt)(crp *, crpi_socket *from, crpi_socket *to);
crp_status crpi_socket_accept(crp_call *, crp_module *, crpi_socket_adopt, crp_word *out);

/* --- rows ------------------------------------------------------------------------------------------------- */

crp_status crpi_get_true(crp *, crp_object *, crp_word *out);  /* for `loopback` */
crp_status crpi_get_false(crp *, crp_object *, crp_word *out); /* for `secure` */

#define CRPI_SETTING (CRP_RW | CRP_CONFIG | CRP_STACK)
#define CRPI_FACT (CRP_READ | CRP_STACK)

#endif
