#include "lib/server.h"

#include "lib/callers.h"
#include "lib/descriptors.h"
#include "lib/die.h"
#include "lib/linger.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "lib/server_parts.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_A_ROUND = 64 };

static void
set_accepting(struct server *s, bool on)
{
	size_t i;

	for (i = 0; i < s->n_sockets; i++)
		loop_want(s->loop, &s->sockets[i].io, on ? LOOP_READ : 0);
}

/* May one more come in, if only to be refused? */
static bool
takes_more(const struct server *s)
{
	return s->refusal.len > 0 || s->n_sessions < s->limits.connections;
}

static void
pause_over(struct loop_timer *timer)
{
	struct server *s = OWNER(timer, struct server, pause);

	if (takes_more(s))
		set_accepting(s, true);
}

/* What is wrong with one connection is forgotten with it. What is wrong with
 * the socket stays: our starter may have a better one. */
static void
accept_failed(struct server *s, int error)
{
	if (error == EINVAL || error == EBADF || error == ENOTSOCK)
		die_sys("accepting connections: the socket does not listen any "
			"more",
			s->protocol);
	if (error != EMFILE && error != ENFILE && error != ENOBUFS &&
	    error != ENOMEM)
		return;
	set_accepting(s, false);
	loop_timer_set(s->loop, &s->pause, SERVER_PAUSE_MS);
}

/* admission */

void
server_tell_refused(struct server *s, const struct endpoint *peer,
		    const char *why)
{
	if (s->refused)
		s->refused(s, peer, why);
}

static void
refuse_take(struct server *s, int fd, const struct endpoint *peer, bool tls,
	    const char *why)
{
	server_tell_refused(s, peer, why);
	if (!tls && send(fd, s->refusal.at, s->refusal.len,
			 MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		linger_take(s->loop, fd);
	else
		close(fd);
}

static bool
has_right(struct server *s, const struct endpoint *peer)
{
	return s->has_right && s->has_right(s, peer);
}

/* How many may come from its /48 together. */
static size_t
wide_max(struct server *s, const struct endpoint *peer, size_t max)
{
	if (max < s->limits.connections_client)
		max = s->limits.connections_client;
	return max > SIZE_MAX / SERVER_WIDE || has_right(s, peer)
		   ? SIZE_MAX
		   : SERVER_WIDE * max;
}

static bool
enter(struct server *s, const struct endpoint *peer)
{
	size_t max = s->limits.connections_client;
	struct clients_key key, wide;

	if (peer->len == 0 || s->refusal.len == 0)
		return true;
	if (s->client_max)
		max = s->client_max(s, peer);
	clients_key_address(&key, peer);
	if (!clients_enter(&s->clients, &key, max))
		return false;
	if (!clients_key_wide(&wide, peer) ||
	    clients_enter(&s->clients, &wide, wide_max(s, peer, max)))
		return true;
	clients_leave(&s->clients, &key);
	return false;
}

static void
leave(struct server *s, const struct endpoint *peer)
{
	struct clients_key key;

	if (peer->len == 0 || s->refusal.len == 0)
		return;
	clients_key_address(&key, peer);
	clients_leave(&s->clients, &key);
	if (clients_key_wide(&key, peer))
		clients_leave(&s->clients, &key);
}

static bool
shakes(struct server *s, const struct endpoint *peer)
{
	struct clients_key key;

	if (peer->len == 0 || has_right(s, peer))
		return true;
	clients_key_network(&key, peer);
	return clients_send(&s->networks, &key,
			    (uint32_t)s->limits.handshakes * LIMIT_HANDSHAKES_S,
			    LIMIT_HANDSHAKES_S);
}

/* It has all but a place: is there one, or who must go? */
static const char *
place(struct server *s, const struct endpoint *peer, bool tls)
{
	if (tls && s->n_tls >= s->limits.connections_tls &&
	    !server_make_room(s, true, has_right(s, peer)))
		return "too many connections with TLS";
	if (s->n_sessions >= s->limits.connections &&
	    !server_make_room(s, false, has_right(s, peer)))
		return "too many connections";
	return NULL;
}

/* Nobody goes for one who is refused himself. */
static const char *
admits(struct server *s, const struct endpoint *peer, bool tls)
{
	const char *why;

	if (tls && !shakes(s, peer))
		return "too many TLS handshakes from this network";
	if (!enter(s, peer))
		return "too many connections from this client";
	why = place(s, peer, tls);
	if (why)
		leave(s, peer);
	return why;
}

void
server_admit_take(const struct server_socket *socket, int fd,
		  const struct endpoint *peer, bool balanced)
{
	struct server *s = socket->server;
	bool tls = socket->tls;
	const char *why = admits(s, peer, tls);

	if (why) {
		refuse_take(s, fd, peer, tls, why);
		return;
	}
	s->n_sessions++;
	s->n_tls += tls;
	s->tls = tls;
	s->balanced = balanced ? socket : NULL;
	s->accepted(s, fd, peer);
}

static void
ready(struct loop_io *io, unsigned events)
{
	struct server_socket *socket = OWNER(io, struct server_socket, io);
	struct server *s = socket->server;
	struct endpoint peer;
	int i, fd;

	(void)events;
	for (i = 0; i < ACCEPTS_A_ROUND && s->n_sockets > 0 && takes_more(s);
	     i++) {
		fd = socket_accept(io->fd, &peer);
		if (fd < 0) {
			accept_failed(s, errno);
			return;
		}
		if (server_trusts(&socket->trust, &peer) &&
		    s->n_sessions < s->limits.connections)
			server_proxy_take(socket, fd, &peer);
		else
			server_admit_take(socket, fd, &peer, false);
	}
	if (!takes_more(s))
		set_accepting(s, false);
}

/* setting up */

/* What lingers is no session any more, and has a share of its own. */
void
server_limit(struct server *s, const struct limits *limits)
{
	size_t left = descriptors_left(SIZE_MAX);

	s->limits = *limits;
	linger_limit(left / LINGER_SHARE);
	left -= linger_most();
	if (s->limits.connections > left)
		s->limits.connections = left;
	s->budget.max = limits->in_flight;
}

void
server_trust(struct server *s, size_t n, const struct server_trust *trust)
{
	if (n < s->n_sockets)
		s->sockets[n].trust = *trust;
}

void
server_init(struct server *s, struct loop *loop, const char *protocol,
	    size_t max_sessions,
	    void (*accepted)(struct server *, int, const struct endpoint *))
{
	struct limits limits = LIMITS_DEFAULT;

	*s = (struct server){.loop = loop,
			     .protocol = protocol,
			     .pause = {.expired = pause_over},
			     .accepted = accepted};
	list_init(&s->proxied);
	list_init(&s->guests);
	list_init(&s->guests_tls);
	limits.connections = max_sessions;
	server_limit(s, &limits);
}

static void
add(struct server *s, int fd, bool tls)
{
	struct server_socket *socket;

	if (s->n_sockets == SERVER_SOCKETS_MAX)
		die_config("too many addresses to listen on; at most 16 for "
			   "a protocol",
			   s->protocol);
	socket = &s->sockets[s->n_sockets++];
	socket->server = s;
	socket->tls = tls;
	socket->io = (struct loop_io){fd, LOOP_READ, ready};
	loop_watch(s->loop, &socket->io);
}

/* Who hands a socket over may have other addresses than the table: what is not
 * in that is not served. */
static void
check_handed(int fd, const struct endpoint *wanted, const char *text)
{
	struct endpoint e = {.len = sizeof e.a};

	if (getsockname(fd, &e.a.any, &e.len) == 0 &&
	    endpoint_same_address(&e, wanted) &&
	    endpoint_port(&e) == endpoint_port(wanted))
		return;
	die_config("the socket that our starter handed over is at another "
		   "address than the table listen has; mend the one or the "
		   "other (a socket unit: systemctl edit)",
		   text);
}

static void
listen_at(struct server *s, const char *protocol, struct slice address,
	  unsigned n, bool tls)
{
	struct endpoint e;
	struct slice host;
	struct buf text = {0};
	uint16_t port;
	int fd = inherited_socket(protocol, n);

	buf_puts(&text, address);
	buf_putc(&text, 0);
	if (hostport_split(address, &host, &port) != 0 ||
	    endpoint_parse(&e, host, port) != 0)
		die_config("listen wants ADDRESS:PORT, the address in numbers",
			   text.mem);
	if (fd >= 0)
		check_handed(fd, &e, text.mem);
	else if ((fd = endpoint_listen(&e)) < 0)
		die_sys("listening on", text.mem);
	buf_free(&text);
	socket_no_delay(fd);
	add(s, fd, tls);
}

void
server_listen(struct server *s, struct slice address, unsigned n)
{
	listen_at(s, s->protocol, address, n, false);
}

void
server_listen_tls(struct server *s, const char *protocol, struct slice address,
		  unsigned n)
{
	listen_at(s, protocol, address, n, true);
}

void
server_listen_unix(struct server *s, const char *path, unsigned mode)
{
	int fd = inherited_socket(s->protocol, 0);

	if (fd < 0) {
		fd = unix_listen(path, mode);
		if (fd < 0)
			die_sys("listening on", path);
		callers_share(s->protocol, path);
	}
	add(s, fd, false);
}

void
server_left(struct server *s)
{
	s->n_sessions--;
	set_accepting(s, true);
}

void
server_gone(struct server *s, const struct endpoint *peer, bool tls)
{
	leave(s, peer);
	s->n_tls -= tls;
	server_left(s);
}

void
server_stop(struct server *s)
{
	size_t i;

	for (i = 0; i < s->n_sockets; i++) {
		loop_forget(s->loop, &s->sockets[i].io);
		close(s->sockets[i].io.fd);
	}
	s->n_sockets = 0;
	loop_timer_stop(s->loop, &s->pause);
	server_proxy_stop(s);
}
