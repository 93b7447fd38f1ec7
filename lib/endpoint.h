/* endpoint.h - addresses and ports, and the sockets made of them
 *
 * Every descriptor made here is non-blocking and close-on-exec.
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_ENDPOINT_H
#define QUAIL_LIB_ENDPOINT_H

#include "lib/buf.h"

#include <sys/socket.h>
#include <sys/un.h>

struct endpoint {
	socklen_t len; /* 0: none */
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
	} a;
};

/* hostport_split - cut HOST:PORT or [V6]:PORT
 *
 * Returns  0 with *host (without brackets) and *port; -1 when there is no
 *          host or no port of 1 to 65535.
 */
int
hostport_split(struct slice s, struct slice *host, uint16_t *port);

/* endpoint_parse - from a numeric address (v4 or v6) and a port
 *
 * Returns  0; -1 when host is not an address.
 */
int
endpoint_parse(struct endpoint *e, struct slice host, uint16_t port);

/* endpoint_address - the 16 bytes of the address, v4 as ::ffff:a.b.c.d
 *
 * Returns  0; -1 for an endpoint that has none (a unix socket), which is the
 *          local host: out is then ::1.
 */
int
endpoint_address(const struct endpoint *e, uint8_t out[16]);

/* endpoint_same_address - is it the same address, whatever the ports? */
bool
endpoint_same_address(const struct endpoint *a, const struct endpoint *b);

/* endpoint_host - append the address as text, without port or brackets */
void
endpoint_host(const struct endpoint *e, struct buf *out);

uint16_t
endpoint_port(const struct endpoint *e);

/* endpoint_listen - bind and listen; a descriptor, or -1 with errno
 *
 * SO_REUSEADDR, a backlog of 4096, v6-only for v6.
 */
int
endpoint_listen(const struct endpoint *e);

/* unix_listen - replace a stale socket at path and listen there
 *
 * Takes    mode for the socket file.
 * Returns  a descriptor, or -1 with errno; EADDRINUSE when somebody answers
 *          there.
 */
int
unix_listen(const char *path, unsigned mode);

/* endpoint_connect_from - endpoint_connect from an address of this host
 *
 * Takes    from: of the same family, its port 0; NULL: any address.
 */
int
endpoint_connect_from(const struct endpoint *e, const struct endpoint *from);

/* endpoint_connect, unix_connect - begin a connection
 *
 * Returns  a descriptor, for TCP perhaps still connecting (wait for it to be
 *          writable, then socket_error); -1 with errno.
 */
int
endpoint_connect(const struct endpoint *e);

int
unix_connect(const char *path);

/* socket_error - the pending error of a socket: 0, or an errno value */
int
socket_error(int fd);

/* socket_no_delay - switch Nagle off */
void
socket_no_delay(int fd);

/* socket_accept - take one connection
 *
 * Returns  a descriptor, *peer filled in; -1 with errno. A TCP socket has
 *          Nagle off if the listening one has (socket_no_delay): Linux hands
 *          it down, which saves a call for each connection.
 */
int
socket_accept(int listen_fd, struct endpoint *peer);

/* inherited_socket - the n-th listening socket of this name that our starter
 * handed over (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES; sd_listen_fds(3))
 *
 * Returns  a descriptor, made non-blocking and close-on-exec; -1 for none.
 */
int
inherited_socket(const char *name, unsigned n);

/* ready_prepare - open what ready_tell will need: for a sandbox in between */
void
ready_prepare(void);

/* ready_tell - tell our starter that we serve: one newline on the
 * descriptor in NOTIFY_FD (as s6 and quail run want it), READY=1 to
 * NOTIFY_SOCKET (as systemd does). Does nothing when neither is set. */
void
ready_tell(void);

#endif
