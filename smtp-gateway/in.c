#include "smtp-gateway/in.h"

#include "lib/home.h"
#include "lib/linger.h"
#include "lib/owner.h"
#include "smtp-gateway/in_session.h"

static void
accepted(struct server *server, int fd, const struct endpoint *peer)
{
	in_session_start_take(OWNER(server, struct in, server), fd, peer);
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
	in->loop = loop;
	in->config = config;
	door_init(&in->door, loop, HOME_DOOR, room);
	server_init(&in->server, loop, "smtp", LIMIT_CONNECTIONS, accepted);
	door_budget(&in->door, &in->server.budget);
	in->service = (struct service){
	    .server = &in->server, .config = config, .plain = "smtp"};
	service_start(&in->service,
		      SLICE("421 4.3.2 too many connections, try again\r\n"));
}

void
in_refresh(struct in *in)
{
	service_refresh(&in->service, false);
}

/* Who has not read his last reply yet has until main's time is over. */
static void
stop_when_done(struct in *in)
{
	if (in->stopping && !in->first && linger_n() == 0)
		loop_stop(in->loop);
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
	stop_when_done(in);
}

void
in_left(struct in *in, const struct endpoint *peer)
{
	server_gone(&in->server, peer, false);
	stop_when_done(in);
}
