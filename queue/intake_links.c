/* intake_links.c - the front ends' connections to the door, and the door */
#include "lib/descriptors.h"
#include "lib/die.h"
#include "lib/frame.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "queue/intake_parts.h"

#include <stdlib.h>
#include <unistd.h>

enum { LINKS_MAX = 1024 };

static void
drop_staged(struct door_link *link)
{
	struct staged *s;

	while ((s = idmap_any(&link->staged))) {
		if (s->waiter.done) { /* in a batch: it stays a message */
			idmap_drop(&link->staged, s->in.id);
			s->link = NULL;
		} else {
			intake_drop(s);
		}
	}
	idmap_free(&link->staged);
}

static void
close_link(struct door_link *link)
{
	struct intake *in = link->intake;

	drop_staged(link);
	conn_close(&link->conn);
	if (link->prev)
		link->prev->next = link->next;
	else
		in->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	free(link);
	server_left(&in->server);
}

static void
log_broken(void)
{
	const struct endpoint local = {0};

	if (!often_open("door-broken", &local, NULL, OFTEN_FEW))
		return;
	log_text("what", "a front end broke the door's contract; its "
			 "connection is closed");
	log_close();
}

static void
take_frames(struct door_link *link)
{
	struct slice in = buf_slice(&link->conn.in);
	size_t before = in.len;
	enum frame_result r;
	struct frame f;

	while ((r = frame_next(&in, &f)) == FRAME_DONE) {
		if (intake_frame(link, &f) == 0)
			continue;
		r = FRAME_BAD;
		break;
	}
	if (r != FRAME_BAD) {
		buf_take(&link->conn.in, before - in.len);
		return;
	}
	log_broken();
	close_link(link);
}

static void
on_conn(struct conn *c, enum conn_event event)
{
	struct door_link *link = OWNER(c, struct door_link, conn);

	switch (event) {
	case CONN_INPUT: take_frames(link); break;
	case CONN_EOF:
	case CONN_BROKEN:
	case CONN_TIMEOUT: close_link(link); break;
	case CONN_OPEN:
	case CONN_DRAINED: break;
	}
}

size_t
intake_links(const struct intake *in, uid_t uid)
{
	const struct door_link *link;
	size_t n = 0;

	for (link = in->links; link; link = link->next)
		n += link->who.uid == uid;
	return n;
}

static void
accepted(struct server *server, int fd, const struct endpoint *peer)
{
	struct intake *in = OWNER(server, struct intake, server);
	struct door_link *link;
	struct intake_caller who = {(uid_t)-1, ADMIT_FRONTS};

	(void)peer;
	if (in->admits && !in->admits(in, fd, &who)) {
		close(fd);
		server_left(server);
		return;
	}
	link = calloc(1, sizeof *link);
	if (!link)
		die_nomem();
	link->who = who;
	link->intake = in;
	link->number = ++in->n_links;
	link->next = in->links;
	if (in->links)
		in->links->prev = link;
	in->links = link;
	conn_open_take(&link->conn, in->loop, fd, on_conn);
	intake_lease(link);
}

void
intake_init(struct intake *in, struct loop *loop, struct store *store,
	    const char *path,
	    void (*on_accepted)(struct intake *, struct message *))
{
	*in = (struct intake){.loop = loop,
			      .store = store,
			      .text_max = LIMIT_TEXT,
			      .files_max = descriptors_left(SIZE_MAX) / 2,
			      .accepted = on_accepted};
	staging_init(&in->staging);
	texthash_key(&in->hash_key, store->key);
	server_init(&in->server, loop, "door", LINKS_MAX, accepted);
	server_listen_unix(&in->server, path, 0660);
}

void
intake_stop(struct intake *in)
{
	server_stop(&in->server);
}

void
intake_close(struct intake *in)
{
	while (in->links)
		close_link(in->links);
}
