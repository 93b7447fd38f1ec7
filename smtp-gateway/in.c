#include "smtp-gateway/in.h"

#include "lib/die.h"
#include "lib/home.h"
#include "lib/owner.h"
#include "smtp-gateway/in_session.h"

#include <sys/resource.h>

enum { SESSIONS_MAX = 10000, SPARE_DESCRIPTORS = 64 };

static size_t
max_sessions(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 500;
	if (r.rlim_cur >= SESSIONS_MAX + SPARE_DESCRIPTORS)
		return SESSIONS_MAX;
	return r.rlim_cur > 2 * SPARE_DESCRIPTORS
		   ? (size_t)r.rlim_cur - SPARE_DESCRIPTORS
		   : SPARE_DESCRIPTORS;
}

static void
accepted(struct server *server, int fd, const struct endpoint *peer)
{
	in_session_start_take(server->owner, fd, peer);
}

static void
room(struct door *door)
{
	struct in *in = OWNER(door, struct in, door);
	struct in_session *s, *next;

	for (s = in->first; s; s = next) {
		next = s->next;
		in_session_room(s);
	}
}

void
in_start(struct in *in, struct loop *loop, struct config *config)
{
	struct slice address;
	unsigned n;

	in->loop = loop;
	in->config = config;
	door_init(&in->door, loop, HOME_DOOR, room);
	server_init(&in->server, loop, "smtp", max_sessions(), accepted);
	in->server.owner = in;
	for (n = 0; config_listen(config, "smtp", n, &address); n++)
		server_listen(&in->server, address, n);
	if (n == 0)
		die_config("the table listen has no line for smtp", NULL);
}

void
in_stop(struct in *in)
{
	struct in_session *s, *next;

	in->stopping = true;
	server_stop(&in->server);
	for (s = in->first; s; s = next) {
		next = s->next;
		in_session_stop(s);
	}
	if (!in->first)
		loop_stop(in->loop);
}

void
in_left(struct in *in)
{
	server_left(&in->server);
	if (in->stopping && !in->first)
		loop_stop(in->loop);
}
