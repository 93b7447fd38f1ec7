#include "qmqpc/leafdoor.h"

#include "lib/descriptors.h"
#include "lib/die.h"
#include "lib/frame.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

struct leafdoor_link {
	struct leafdoor_link *prev, *next;
	struct leafdoor *door;
	struct conn conn;
	uint64_t first[2], end[2]; /* the two ranges of ids it may use */
	uint64_t last_opened;
	struct idmap open; /* struct keep */
};

/* ids: those of the spool's names, so nobody must be able to meet them */

static void
lease(struct leafdoor_link *link)
{
	struct buf n = {0};

	link->first[0] = link->first[1];
	link->end[0] = link->end[1];
	link->first[1] = link->door->next_lease;
	link->end[1] = link->first[1] + LEAFDOOR_LEASE;
	link->door->next_lease += LEAFDOOR_LEASE;
	buf_number(&n, LEAFDOOR_LEASE);
	frame_put(&link->conn.out, 'L', link->first[1], buf_slice(&n));
	conn_flush_later(&link->conn);
	buf_free(&n);
}

static bool
is_leased(const struct leafdoor_link *link, uint64_t id)
{
	return id > link->last_opened &&
	       ((id >= link->first[0] && id < link->end[0]) ||
		(id >= link->first[1] && id < link->end[1]));
}

/* messages */

static void
leave(struct leafdoor *d, struct keep *k)
{
	if (!list_has(&k->age))
		return;
	list_drop(&k->age);
	d->n_open--;
}

static void
enter(struct leafdoor *d, struct keep *k)
{
	struct keep *oldest;

	list_put(&d->aging, &k->age);
	if (++d->n_open <= d->open_max)
		return;
	oldest = OWNER(list_first(&d->aging), struct keep, age);
	leave(d, oldest);
	keep_shed(oldest);
}

static void
forget(struct leafdoor_link *link, struct keep *k)
{
	idmap_drop(&link->open, k->id);
	leave(link->door, k);
	keep_free(k);
	free(k);
}

static int
open_message(struct leafdoor_link *link, uint64_t id)
{
	struct keep *k;

	if (!is_leased(link, id))
		return -1;
	link->last_opened = id;
	if (id >= link->end[1] - LEAFDOOR_LEASE / 2 && id < link->end[1])
		lease(link);
	k = calloc(1, sizeof *k);
	if (!k)
		die_nomem();
	k->id = id;
	idmap_put(&link->open, id, k);
	enter(link->door, k);
	return 0;
}

static void
log_message(const struct keep *k, const struct verdict *v)
{
	log_open(v->code == 'K' ? "spooled" : "refuse");
	log_id("id", k->id);
	log_bytes("from", buf_slice(&k->sender));
	log_number("rcpts", (int64_t)k->rcpts.n);
	log_number("size", (int64_t)k->text.text_len);
	if (v->code != 'K')
		log_bytes("why", verdict_text(v));
	log_close();
}

static int
commit_message(struct leafdoor_link *link, struct keep *k)
{
	struct verdict v;

	if (!k->has_sender)
		return -1;
	keep_commit(k, link->door->config, &link->door->spool, &v);
	log_message(k, &v);
	frame_put_two(&link->conn.out, 'V', k->id, slice_of(&v.code, 1),
		      verdict_text(&v));
	conn_flush_later(&link->conn);
	forget(link, k);
	return 0;
}

/* -1: the front end breaks the contract; its connection is closed. */
static int
take_frame(struct leafdoor_link *link, const struct frame *f)
{
	struct keep *k = idmap_get(&link->open, f->id);

	if (f->type == 'O')
		return k ? -1 : open_message(link, f->id);
	if (!k)
		return f->type == 'A' ? 0 : -1;
	switch (f->type) {
	case 'T': keep_text(k, f->rest); return 0;
	case 'R': keep_rcpt(k, f->rest); return 0;
	case 'P': return 0; /* who the client is: the trace line says it */
	case 'C': return commit_message(link, k);
	case 'A': forget(link, k); return 0;
	case 'S':
		if (k->has_sender)
			return -1;
		keep_sender(k, f->rest);
		return 0;
	default: return -1;
	}
}

/* connections */

static void
close_link(struct leafdoor_link *link)
{
	struct leafdoor *d = link->door;
	struct keep *k;

	while ((k = idmap_any(&link->open)))
		forget(link, k);
	idmap_free(&link->open);
	conn_close(&link->conn);
	if (link->prev)
		link->prev->next = link->next;
	else
		d->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	free(link);
	server_left(&d->server);
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
take_frames(struct leafdoor_link *link)
{
	struct slice in = buf_slice(&link->conn.in);
	size_t before = in.len;
	enum frame_result r;
	struct frame f;

	while ((r = frame_next(&in, &f)) == FRAME_DONE)
		if (take_frame(link, &f) != 0) {
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
	struct leafdoor_link *link = OWNER(c, struct leafdoor_link, conn);

	switch (event) {
	case CONN_INPUT: take_frames(link); break;
	case CONN_EOF:
	case CONN_BROKEN:
	case CONN_TIMEOUT: close_link(link); break;
	case CONN_OPEN:
	case CONN_DRAINED: break;
	}
}

static void
log_stranger(uid_t uid)
{
	const struct endpoint local = {0};
	const char *why = "it is not the front end's user";

	if (!often_open("stranger", &local, why, OFTEN_FIRST))
		return;
	log_text("socket", "door");
	log_number("uid", (int64_t)uid);
	log_text("why", why);
	log_close();
}

static bool
admits(struct leafdoor *d, int fd)
{
	uid_t uid = (uid_t)-1;

	if (!d->guards || (callers_uid(fd, &uid) == 0 &&
			   callers_are(&d->callers, "smtp-in", uid)))
		return true;
	log_stranger(uid);
	return false;
}

void
leafdoor_guard(struct leafdoor *d)
{
	callers_read(&d->callers);
	d->guards = true;
}

static void
accepted(struct server *server, int fd, const struct endpoint *peer)
{
	struct leafdoor *d = OWNER(server, struct leafdoor, server);
	struct leafdoor_link *link;

	(void)peer;
	if (!admits(d, fd)) {
		close(fd);
		server_left(server);
		return;
	}
	link = calloc(1, sizeof *link);
	if (!link)
		die_nomem();
	link->door = d;
	link->next = d->links;
	if (d->links)
		d->links->prev = link;
	d->links = link;
	conn_open_take(&link->conn, d->loop, fd, on_conn);
	lease(link);
}

void
leafdoor_start(struct leafdoor *d, const char *path)
{
	if (getrandom(&d->next_lease, sizeof d->next_lease, 0) !=
	    sizeof d->next_lease)
		die_sys("asking for random bytes", NULL);
	d->next_lease &= ~(UINT64_C(1) << 63); /* far from the end */
	d->next_lease |= 1;		       /* never 0 */
	list_init(&d->aging);
	d->open_max = descriptors_left(LEAFDOOR_OPEN_MAX + LEAFDOOR_LINKS_MAX) -
		      LEAFDOOR_LINKS_MAX;
	server_init(&d->server, d->loop, "door", LEAFDOOR_LINKS_MAX, accepted);
	server_listen_unix(&d->server, path, 0660);
}

void
leafdoor_stop(struct leafdoor *d)
{
	struct leafdoor_link *link, *next;

	server_stop(&d->server);
	for (link = d->links; link; link = next) {
		next = link->next;
		conn_finish(&link->conn);
	}
}

bool
leafdoor_is_over(const struct leafdoor *d)
{
	return !d->links;
}
