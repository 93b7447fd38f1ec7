/* server.h - accepting connections for a front end
 *
 * Listens on what our starter handed over for this protocol, or else binds
 * the addresses itself. At max sessions it stops accepting until
 * server_left; when the system has no descriptor or memory for one more, for
 * SERVER_PAUSE_MS or until server_left.
 *
 * Test  tests/conn_test.c
 */
#ifndef QUAIL_LIB_SERVER_H
#define QUAIL_LIB_SERVER_H

#include "lib/endpoint.h"
#include "lib/loop.h"

enum {
	SERVER_LISTEN_MAX = 16, /* addresses of one protocol */
	SERVER_PROTOCOLS_MAX = 2,
	SERVER_SOCKETS_MAX = SERVER_PROTOCOLS_MAX * SERVER_LISTEN_MAX,
	SERVER_PAUSE_MS = 200
};

struct server;

struct server_socket {
	struct server *server;
	bool tls;
	struct loop_io io;
};

struct server {
	struct loop *loop;
	const char *protocol;
	size_t n_sockets;
	struct server_socket sockets[SERVER_SOCKETS_MAX];
	bool tls; /* the connection that accepted is told of: TLS is spoken */
	size_t n_sessions, max_sessions;
	struct loop_timer pause; /* no descriptors: try again later */
	/* Owns fd from here on; calls server_left when the session is over. */
	void (*accepted)(struct server *s, int fd, const struct endpoint *peer);
	void *owner;
};

void
server_init(struct server *s, struct loop *loop, const char *protocol,
	    size_t max_sessions,
	    void (*accepted)(struct server *, int, const struct endpoint *));

/* server_listen - listen at the n-th configured address ("ADDRESS:PORT")
 *
 * Uses the inherited socket of the same number if there is one. Dies with
 * a clear line when the address is no address or cannot be bound.
 */
void
server_listen(struct server *s, struct slice address, unsigned n);

/* server_listen_tls - the same for a port where TLS is spoken, under the name
 * of its protocol ("qmqps"); all that differs here is s->tls */
void
server_listen_tls(struct server *s, const char *protocol, struct slice address,
		  unsigned n);

/* server_listen_unix - the same for a unix socket at path */
void
server_listen_unix(struct server *s, const char *path, unsigned mode);

/* server_left - a session is over */
void
server_left(struct server *s);

/* server_stop - accept no more; close the listening sockets */
void
server_stop(struct server *s);

#endif
