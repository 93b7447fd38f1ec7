#include "queue/control.h"

#include "lib/callers.h"
#include "lib/conn.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/control_run.h"
#include "queue/control_victim.h"

#include <stdlib.h>
#include <unistd.h>

struct control_link {
	struct control_link *prev, *next;
	struct control *control;
	struct conn conn;
	struct loop_timer turn; /* the next slice: in the next round */
	struct control_run run;
	struct control_client client;
	bool is_running, has_ended; /* ... the peer, its side */
};

static void
close_link(struct control_link *link)
{
	struct control *c = link->control;

	if (link->prev)
		link->prev->next = link->next;
	else
		c->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	loop_timer_stop(c->loop, &link->turn);
	control_run_free(&link->run);
	conn_close(&link->conn);
	free(link);
	server_left(&c->server);
}

/* How long is the netstring at the front of s? 0: not known yet; -1: it is
 * none, or too long. */
static int
whole_length(struct slice s, size_t *len)
{
	struct netstring_head head = {0};
	enum netstring_result r = NETSTRING_MORE;
	size_t i;

	*len = 0;
	for (i = 0; i < s.len && r == NETSTRING_MORE; i++)
		r = netstring_head_push(&head, (uint8_t)s.at[i]);
	if (r == NETSTRING_MORE)
		return 0;
	if (r == NETSTRING_BAD || head.len > CONTROL_ASK_MAX)
		return -1;
	*len = i + (size_t)head.len + 1;
	return 0;
}

static void
progress(struct control_link *link)
{
	link->client.moved_ms = link->control->loop->now_ms;
	conn_timeout(&link->conn, CONTROL_IDLE_MS);
}

static void
refuse(struct control_link *link)
{
	netstring_put(&link->conn.out,
		      SLICE("Da request is netstrings in a netstring of at "
			    "most a megabyte"));
	conn_finish(&link->conn);
}

/* Begin with the next request, if a whole one is there. */
static void
take_request(struct control_link *link)
{
	struct slice in = buf_slice(&link->conn.in), payload;
	size_t len;

	if (link->is_running)
		return;
	if (whole_length(in, &len) != 0) {
		refuse(link);
		return;
	}
	if (len == 0 || len > in.len) {
		if (link->has_ended)
			conn_finish(&link->conn);
		return;
	}
	if (netstring_slice(&in, &payload) != 0) {
		refuse(link);
		return;
	}
	link->is_running = true;
	conn_pause(&link->conn);
	control_run_start(&link->run, payload, &link->conn.out);
	buf_take(&link->conn.in, len);
	loop_timer_set(link->control->loop, &link->turn, 0);
}

static void
end_request(struct control_link *link)
{
	control_run_free(&link->run);
	link->is_running = false;
	conn_resume(&link->conn); /* tells what has come meanwhile */
	if (link->has_ended)
		take_request(link);
}

/* One slice; the next one when this has been read. */
static void
turn(struct loop_timer *timer)
{
	struct control_link *link = OWNER(timer, struct control_link, turn);
	bool is_over = control_run_slice(&link->run, &link->conn.out);

	progress(link);
	conn_flush_later(&link->conn);
	if (is_over)
		end_request(link);
	else if (link->conn.out.len > 0)
		link->conn.tell_drained = true;
	else
		loop_timer_set(link->control->loop, &link->turn, 0);
}

static void
on_conn(struct conn *conn, enum conn_event event)
{
	struct control_link *link = OWNER(conn, struct control_link, conn);

	switch (event) {
	case CONN_EOF: link->has_ended = true; /* fall through */
	case CONN_INPUT:
		progress(link);
		take_request(link);
		break;
	case CONN_DRAINED:
		if (link->is_running)
			loop_timer_set(link->control->loop, &link->turn, 0);
		break;
	case CONN_BROKEN:
	case CONN_TIMEOUT: close_link(link); break;
	case CONN_OPEN: break;
	}
}

/* All are taken: who shows a list in a pager, say, is not to keep out who asks
 * now. */
static void
make_room(struct control *c)
{
	struct control_client clients[CONTROL_SESSIONS];
	struct control_link *links[CONTROL_SESSIONS], *link;
	size_t n = 0;

	for (link = c->links; link && n < CONTROL_SESSIONS; link = link->next) {
		links[n] = link;
		clients[n++] = link->client;
	}
	if (n < CONTROL_SESSIONS)
		return;
	n = control_victim(clients, n);
	log_open("control-closed");
	log_number("uid", clients[n].uid);
	log_number("idle_ms", c->loop->now_ms - clients[n].moved_ms);
	log_close();
	close_link(links[n]);
}

static void
accepted(struct server *server, int fd, const struct endpoint *peer)
{
	struct control *c = OWNER(server, struct control, server);
	struct control_link *link;

	(void)peer;
	if (c->admits && !c->admits(c, fd)) {
		close(fd);
		server_left(server);
		return;
	}
	link = calloc(1, sizeof *link);
	if (!link)
		die_nomem();
	make_room(c);
	link->control = c;
	link->run.source = &c->source;
	link->turn.expired = turn;
	link->next = c->links;
	if (c->links)
		c->links->prev = link;
	c->links = link;
	if (callers_uid(fd, &link->client.uid) != 0)
		link->client.uid = (uid_t)-1;
	conn_open_take(&link->conn, c->loop, fd, on_conn);
	progress(link);
}

void
control_init(struct control *c, struct loop *loop, struct schedule *schedule,
	     const char *path)
{
	*c = (struct control){
	    .loop = loop,
	    .source = {.store = schedule->store,
		       .config = schedule->config,
		       .holds = &schedule->holds,
		       .schedule = schedule},
	};
	server_init(&c->server, loop, "control", CONTROL_SESSIONS + 1,
		    accepted);
	server_listen_unix(&c->server, path, 0600);
}

void
control_close(struct control *c)
{
	server_stop(&c->server);
	while (c->links)
		close_link(c->links);
}
