#include "lib/server.h"

#include "lib/die.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <errno.h>
#include <unistd.h>

enum { ACCEPTS_A_ROUND = 64 };

static void
set_accepting(struct server *s, bool on)
{
	size_t i;

	for (i = 0; i < s->n_sockets; i++)
		loop_want(s->loop, &s->sockets[i].io, on ? LOOP_READ : 0);
}

static void
pause_over(struct loop_timer *timer)
{
	struct server *s = OWNER(timer, struct server, pause);

	if (s->n_sessions < s->max_sessions)
		set_accepting(s, true);
}

/* What is wrong with one connection is forgotten with it. */
static void
accept_failed(struct server *s, int error)
{
	if (error != EMFILE && error != ENFILE && error != ENOBUFS &&
	    error != ENOMEM)
		return;
	set_accepting(s, false);
	loop_timer_set(s->loop, &s->pause, SERVER_PAUSE_MS);
}

static void
ready(struct loop_io *io, unsigned events)
{
	struct server_socket *socket = OWNER(io, struct server_socket, io);
	struct server *s = socket->server;
	bool tls = socket->tls;
	struct endpoint peer;
	int i, fd;

	(void)events;
	for (i = 0; i < ACCEPTS_A_ROUND && s->n_sockets > 0 &&
		    s->n_sessions < s->max_sessions;
	     i++) {
		fd = socket_accept(io->fd, &peer);
		if (fd < 0) {
			accept_failed(s, errno);
			return;
		}
		s->n_sessions++;
		s->tls = tls;
		s->accepted(s, fd, &peer);
	}
	if (s->n_sessions >= s->max_sessions)
		set_accepting(s, false);
}

void
server_init(struct server *s, struct loop *loop, const char *protocol,
	    size_t max_sessions,
	    void (*accepted)(struct server *, int, const struct endpoint *))
{
	*s = (struct server){.loop = loop,
			     .protocol = protocol,
			     .max_sessions = max_sessions,
			     .pause = {.expired = pause_over},
			     .accepted = accepted};
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

static void
listen_at(struct server *s, const char *protocol, struct slice address,
	  unsigned n, bool tls)
{
	struct endpoint e;
	struct slice host;
	struct buf text = {0};
	uint16_t port;
	int fd = inherited_socket(protocol, n);

	if (fd < 0) {
		buf_puts(&text, address);
		buf_putc(&text, 0);
		if (hostport_split(address, &host, &port) != 0 ||
		    endpoint_parse(&e, host, port) != 0)
			die_config("listen wants ADDRESS:PORT, the address in "
				   "numbers",
				   text.mem);
		fd = endpoint_listen(&e);
		if (fd < 0)
			die_sys("listening on", text.mem);
		buf_free(&text);
	}
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

	if (fd < 0)
		fd = unix_listen(path, mode);
	if (fd < 0)
		die_sys("listening on", path);
	add(s, fd, false);
}

void
server_left(struct server *s)
{
	s->n_sessions--;
	set_accepting(s, true);
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
}
