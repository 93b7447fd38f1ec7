/* server_proxy.c - connections that begin with a PROXY header */
#include "lib/die.h"
#include "lib/owner.h"
#include "lib/proxy.h"
#include "lib/server_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct proxied {
	struct link link;
	struct server *server;
	const struct server_socket *socket;
	struct endpoint peer; /* the balancer */
	struct loop_io io;
	struct loop_timer timer;
	struct proxy machine;
};

bool
server_trusts(const struct server_trust *trust, const struct endpoint *peer)
{
	uint8_t address[16];
	size_t i;

	if (endpoint_address(peer, address) != 0)
		return false;
	for (i = 0; i < trust->n; i++) {
		const struct server_network *n = &trust->networks[i];
		size_t whole = n->bits / 8;
		uint8_t mask = (uint8_t) ~(0xff >> n->bits % 8);

		if (memcmp(address, n->address, whole) == 0 &&
		    (mask == 0 ||
		     ((address[whole] ^ n->address[whole]) & mask) == 0))
			return true;
	}
	return false;
}

bool
server_still_trusts(const struct server_socket *balanced, int fd)
{
	struct endpoint balancer = {.len = sizeof balancer.a};

	if (!balanced)
		return true;
	return getpeername(fd, &balancer.a.any, &balancer.len) == 0 &&
	       server_trusts(&balanced->trust, &balancer);
}

/* Its descriptor is the caller's. */
static void
leave(struct proxied *p)
{
	loop_forget(p->server->loop, &p->io);
	loop_timer_stop(p->server->loop, &p->timer);
	list_drop(&p->link);
	p->server->n_sessions--;
	free(p);
}

static void
refuse(struct proxied *p, const char *why)
{
	int fd = p->io.fd;

	server_tell_refused(p->server, &p->peer, why);
	leave(p);
	close(fd);
}

static void
done(struct proxied *p)
{
	const struct server_socket *socket = p->socket;
	bool balanced = p->machine.has_peer;
	struct endpoint peer = balanced ? p->machine.peer : p->peer;
	int fd = p->io.fd;

	leave(p);
	server_admit_take(socket, fd, &peer, balanced);
}

static void
ready(struct loop_io *io, unsigned events)
{
	struct proxied *p = OWNER(io, struct proxied, io);
	char bytes[256];
	size_t most;
	ssize_t n;

	(void)events;
	for (;;) {
		most = proxy_wants(&p->machine);
		n = read(io->fd, bytes,
			 most < sizeof bytes ? most : sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			refuse(p, "the balancer closed before its PROXY "
				  "header was complete");
			return;
		}
		switch (proxy_push(&p->machine, slice_of(bytes, (size_t)n))) {
		case PROXY_MORE: break;
		case PROXY_DONE: done(p); return;
		case PROXY_BAD:
			refuse(p, "no PROXY header of version 2 came from a "
				  "balancer; check its send-proxy-v2, or "
				  "proxy= in listen");
			return;
		}
	}
}

static void
expired(struct loop_timer *timer)
{
	refuse(OWNER(timer, struct proxied, timer),
	       "no PROXY header came in time from a balancer; check its "
	       "send-proxy-v2, or proxy= in listen");
}

void
server_proxy_take(const struct server_socket *socket, int fd,
		  const struct endpoint *peer)
{
	struct server *s = socket->server;
	struct proxied *p = calloc(1, sizeof *p);

	if (!p)
		die_nomem();
	p->server = s;
	p->socket = socket;
	p->peer = *peer;
	p->io = (struct loop_io){fd, LOOP_READ, ready};
	p->timer.expired = expired;
	s->n_sessions++;
	list_put(&s->proxied, &p->link);
	loop_watch(s->loop, &p->io);
	loop_timer_set(s->loop, &p->timer, SERVER_PROXY_MS);
}

void
server_proxy_stop(struct server *s)
{
	struct link *link;

	while ((link = list_first(&s->proxied))) {
		struct proxied *p = OWNER(link, struct proxied, link);
		int fd = p->io.fd;

		leave(p);
		close(fd);
	}
}
