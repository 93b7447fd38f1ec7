/* server.h - accepting connections for a front end
 *
 * Listens on what our starter handed over for this protocol, or else binds
 * the addresses itself. When the system has no descriptor or memory for one
 * more connection it stops accepting for SERVER_PAUSE_MS or until
 * server_left.
 *
 * Limits (limits.h): connections in all, those with TLS, those of one client
 * address, and how many with TLS may come from one network in a second, since
 * each costs a handshake. With a refusal a connection over one of them is told
 * so (not with TLS, which would cost a handshake) and closed, and refused is
 * told why. Without, as between our own processes, the server stops accepting
 * at the first limit until server_left.
 *
 * Guests: sessions of clients to which access gives no right have their places
 * until somebody needs them. When all are taken, a new client gets that of
 * the guest who has said nothing for longest, and for SERVER_GUEST_IDLE_MS at
 * least; one with a right by its address does not wait even for that, and no
 * limit on a network's handshakes holds it up. All of an IPv6 /48 together have
 * at most SERVER_WIDE times what one client may have.
 *
 * Load balancers: a socket may trust networks to begin each connection with
 * a PROXY header (proxy.h), within SERVER_PROXY_MS; the peer is then who is
 * in it, for all limits too. Who does not send a good one is refused, and
 * gets no word. Connections from elsewhere are clients themselves, and a
 * header of theirs is not their protocol.
 *
 * Test  tests/conn_test.c, tests/server_test.c
 */
#ifndef QUAIL_LIB_SERVER_H
#define QUAIL_LIB_SERVER_H

#include "lib/budget.h"
#include "lib/clients.h"
#include "lib/limits.h"
#include "lib/list.h"
#include "lib/loop.h"

enum {
	SERVER_LISTEN_MAX = 16, /* addresses of one protocol */
	SERVER_PROTOCOLS_MAX = 2,
	SERVER_SOCKETS_MAX = SERVER_PROTOCOLS_MAX * SERVER_LISTEN_MAX,
	SERVER_TRUSTED_MAX = 8, /* networks of one socket */
	SERVER_PAUSE_MS = 200,
	SERVER_PROXY_MS = 5000,
	SERVER_GUEST_IDLE_MS = 1000,
	SERVER_WIDE = 4 /* clients' worth of one IPv6 /48 */
};

struct server;

/* Addresses as endpoint_address gives them, of which the first bits count. */
struct server_network {
	uint8_t address[16];
	uint8_t bits;
};

struct server_trust {
	size_t n;
	struct server_network networks[SERVER_TRUSTED_MAX];
};

/* A part of a session; see above. */
struct server_guest {
	struct link idle;
	const struct endpoint *peer;
	bool tls;
	int64_t heard_ms;
	/* Must end the session: server_gone is called before it returns. */
	void (*leave)(struct server_guest *g);
};

struct server_socket {
	struct server *server;
	bool tls;
	struct loop_io io;
	struct server_trust trust;
};

struct server {
	struct loop *loop;
	const char *protocol;
	size_t n_sockets;
	struct server_socket sockets[SERVER_SOCKETS_MAX];
	/* the connection that accepted is told of: TLS is spoken; a balancer
	 * has said who its client is, and this socket trusted it */
	bool tls;
	const struct server_socket *balanced;
	size_t n_sessions, n_tls;
	struct limits limits;
	struct budget budget; /* for the connections, of limits.in_flight */
	struct clients clients;
	struct clients networks;	/* and the handshakes that they had */
	struct list guests, guests_tls; /* heard of last: at the end */
	struct list proxied;	 /* those whose PROXY header is still to come */
	struct loop_timer pause; /* no descriptors: try again later */
	/* What a connection over the limit is told; len 0: nothing, see above
	 */
	struct slice refusal;
	/* Owns fd from here on; calls server_gone when the session is over. */
	void (*accepted)(struct server *s, int fd, const struct endpoint *peer);
	/* All may be NULL. Does access give its address a right? */
	bool (*has_right)(struct server *s, const struct endpoint *peer);
	/* How many connections the client may have: */
	size_t (*client_max)(struct server *s, const struct endpoint *peer);
	void (*refused)(struct server *s, const struct endpoint *peer,
			const char *why);
	void *owner;
};

/* server_init - LIMITS_DEFAULT, but for max_sessions */
void
server_init(struct server *s, struct loop *loop, const char *protocol,
	    size_t max_sessions,
	    void (*accepted)(struct server *, int, const struct endpoint *));

/* server_limit - from now on these hold, as far as the process may have so
 * many descriptors; who is connected stays
 *
 * A quarter of those that are not its own (descriptors.h), 1024 at the most,
 * is for sockets that linger (linger.h).
 */
void
server_limit(struct server *s, const struct limits *limits);

/* server_trust - what the n-th socket, in the order of listening, trusts from
 * now on */
void
server_trust(struct server *s, size_t n, const struct server_trust *trust);

/* server_still_trusts - would the balancer be believed now that has said who
 * the client of this connection is?
 *
 * Takes    balanced: as accepted was told; NULL: none has, which is fine.
 */
bool
server_still_trusts(const struct server_socket *balanced, int fd);

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

/* server_listen_unix - the same for a unix socket at path; its group is that
 * which our starter has said for this name (callers.h) */
void
server_listen_unix(struct server *s, const char *path, unsigned mode);

/* server_left - a session over a unix socket is over */
void
server_left(struct server *s);

/* server_gone - any session is over
 *
 * Takes    peer and tls: as accepted was told.
 */
void
server_gone(struct server *s, const struct endpoint *peer, bool tls);

/* server_guest_heard - it is a guest, and has just said something
 *
 * Needs    g zeroed before the first call, with all but link and heard_ms set.
 */
void
server_guest_heard(struct server *s, struct server_guest *g);

/* server_guest_drop - it is one no more: it has shown a right, or is over */
void
server_guest_drop(struct server_guest *g);

/* server_stop - accept no more; close the listening sockets, and who has not
 * said whom it speaks for */
void
server_stop(struct server *s);

#endif
