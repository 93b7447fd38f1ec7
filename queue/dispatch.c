#include "queue/dispatch_parts.h"

#include "lib/agent.h"
#include "lib/die.h"
#include "lib/frame.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "queue/destination.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINKS_MAX = 256, CAPACITY_MAX = 10000 };

static void
unlink_job(struct job *job)
{
	struct agent_link *link = job->link;

	if (job->prev)
		job->prev->next = job->next;
	else
		link->jobs = job->next;
	if (job->next)
		job->next->prev = job->prev;
	link->n_running--;
	idmap_drop(&link->dispatch->jobs, job->number);
	free(job);
}

/* beginning */

static struct agent_link *
least_busy(struct dispatch *d, struct slice name)
{
	struct agent_link *link, *best = NULL;

	for (link = d->links; link; link = link->next) {
		if (!slice_eq(buf_slice(&link->name), name) ||
		    link->is_ending || link->n_running >= link->capacity)
			continue;
		if (link->conn.out.len > DISPATCH_OUT_MAX) {
			link->conn.tell_drained = true;
			continue;
		}
		if (!best || link->n_running < best->n_running)
			best = link;
	}
	return best;
}

struct dispatch_room
dispatch_room(const struct dispatch *d, struct slice name)
{
	const struct agent_link *link;
	struct dispatch_room room = {0, 0};

	for (link = d->links; link; link = link->next) {
		if (!slice_eq(buf_slice(&link->name), name) || link->is_ending)
			continue;
		room.all += link->capacity;
		room.free += link->capacity - link->n_running;
	}
	return room;
}

static struct job *
new_job(struct dispatch *d, struct agent_link *link, struct attempt *a)
{
	struct job *job = calloc(1, sizeof *job);

	if (!job)
		die_nomem();
	job->link = link;
	job->attempt = a;
	job->number = ++d->next_job;
	job->granted = AGENT_CREDIT;
	a->is_called = false;
	job->next = link->jobs;
	if (link->jobs)
		link->jobs->prev = job;
	link->jobs = job;
	link->n_running++;
	idmap_put(&d->jobs, job->number, job);
	return job;
}

/* Those of many recipients are kept: large. */
static int
read_envelope(struct dispatch *d, struct message *m, struct buf *room,
	      struct store_envelope *e, const struct envelope **large)
{
	*large = NULL;
	if (!envelopes_keep(m))
		return store_envelope(d->store, m, room, e);
	*large = envelopes_get(&d->envelopes, d->store, m);
	if (!*large)
		return -1;
	*e = (*large)->e;
	return 0;
}

/* Has this round read enough of them? Then the next one goes on. */
static bool
has_read_enough(struct dispatch *d, const struct message *m)
{
	if (!envelopes_keep(m))
		return false;
	if (d->round != d->loop->n_rounds)
		d->read_before = d->envelopes.n_read;
	d->round = d->loop->n_rounds;
	if (d->envelopes.n_read - d->read_before < DISPATCH_READ)
		return false;
	loop_task_later(d->loop, &d->again);
	return true;
}

static void
go_on(struct loop_task *task)
{
	struct dispatch *d = OWNER(task, struct dispatch, again);

	d->is_free(d);
}

int
dispatch_start(struct dispatch *d, struct attempt *a)
{
	struct slice nexthop = attempt_nexthop(a);
	struct agent_link *link =
	    least_busy(d, slice_of(nexthop.at, slice_find(nexthop, ':')));
	const struct envelope *large;
	struct store_envelope e;
	struct buf room = {0};
	struct job *job;
	size_t before;
	int r;

	if (!link || d->is_ending || has_read_enough(d, a->message))
		return 1;
	r = read_envelope(d, a->message, &room, &e, &large);
	if (r == 0) {
		before = link->conn.out.len;
		job = new_job(d, link, a);
		dispatch_send_envelope(job, &e, large);
		r = dispatch_send_text(job);
		if (r != 0) {
			buf_cut(&link->conn.out, before);
			unlink_job(job);
		}
	}
	buf_free(&room);
	return r;
}

/* answers */

/* Has the agent all of the text, or will it have? */
static bool
is_sent(const struct job *job)
{
	return job->text.at == job->attempt->message->text_len;
}

static int
take_verdict(struct dispatch *d, struct job *job, struct slice text)
{
	struct attempt *a = job->attempt;
	struct verdict v;

	if (verdict_parse_agent(&v, text) != 0 ||
	    (v.code == 'K' && !is_sent(job)))
		return -1;
	d->verdict(d, a, &v);
	if (++a->n_answered < a->n_rcpts)
		return 0;
	unlink_job(job);
	d->ended(d, a);
	d->is_free(d);
	return 0;
}

/* Its text cannot be read any more: this message waits, nobody else. */
static void
give_up(struct job *job)
{
	struct agent_link *link = job->link;
	struct dispatch *d = link->dispatch;
	struct attempt *a = job->attempt;
	struct verdict v;

	log_open("unreadable");
	log_id("id", a->message->id);
	log_errno(errno);
	log_close();
	frame_put(&link->conn.out, 'A', job->number, SLICE(""));
	conn_flush_later(&link->conn);
	link->has_abandoned = true;
	unlink_job(job);
	verdict_say(&v, 'Z', "the queue cannot read the message (#4.3.0)");
	for (; a->n_answered < a->n_rcpts; a->n_answered++)
		d->verdict(d, a, &v);
	d->ended(d, a);
	d->is_free(d);
}

/* The attempt is to be made by another, or later. */
static void
take_back(struct job *job)
{
	struct dispatch *d = job->link->dispatch;
	struct attempt *a = job->attempt;

	unlink_job(job);
	d->returned(d, a);
	d->is_free(d);
}

/* An agent that is not to end and gives jobs back would get them again at
 * once, for ever: it counts as one that has died with this one. */
static void
given_back(struct job *job)
{
	struct agent_link *link = job->link;
	struct dispatch *d = link->dispatch;
	struct attempt *a = job->attempt;

	if (link->is_ending || d->is_ending || a->is_called) {
		take_back(job);
		return;
	}
	unlink_job(job);
	d->lost(d, a);
	d->is_free(d);
}

/* Nobody can have taken the mail: not all of it has been sent. */
static void
abandon(struct job *job)
{
	struct agent_link *link = job->link;

	frame_put(&link->conn.out, 'A', job->number, SLICE(""));
	conn_flush_later(&link->conn);
	link->has_abandoned = true;
	take_back(job);
}

static int
take_credit(struct job *job, struct slice text)
{
	uint64_t n;

	if (slice_number(text, UINT32_MAX, &n) != 0)
		return -1;
	job->granted += n;
	if (dispatch_send_text(job) != 0)
		give_up(job);
	return 0;
}

static void
drained(struct agent_link *link)
{
	struct job *job, *next;

	for (job = link->jobs; job; job = next) {
		next = job->next;
		if (dispatch_send_text(job) != 0)
			give_up(job);
	}
	link->dispatch->is_free(link->dispatch);
}

static void
ask_back(struct agent_link *link)
{
	frame_put(&link->conn.out, 'E', 0, SLICE(""));
	conn_flush_later(&link->conn);
}

size_t
dispatch_serving(const struct dispatch *d, struct slice name)
{
	const struct agent_link *link;
	size_t n = 0;

	for (link = d->links; link; link = link->next)
		n += !link->is_ending && slice_eq(buf_slice(&link->name), name);
	return n;
}

static int
take_hello(struct agent_link *link, struct slice rest)
{
	struct slice name = slice_word(&rest), capacity = slice_word(&rest);
	struct dispatch *d = link->dispatch;
	uint64_t n;

	if (link->name.len > 0 || name.len == 0 ||
	    slice_number(capacity, CAPACITY_MAX, &n) != 0 || n == 0)
		return -1;
	if (d->may_serve && !d->may_serve(d, link->uid, name)) {
		link->is_refused = true;
		return -1;
	}
	buf_puts(&link->name, name);
	link->capacity = (unsigned)n;
	log_open("agent");
	log_bytes("name", name);
	log_number("capacity", (int64_t)n);
	log_close();
	if (link->dispatch->is_ending)
		ask_back(link);
	link->dispatch->is_free(link->dispatch);
	return 0;
}

static int
take_end(struct agent_link *link)
{
	if (link->name.len == 0)
		return -1;
	link->is_ending = true;
	ask_back(link); /* it knows then that none is on its way */
	return 0;
}

static int
take_frame(struct agent_link *link, const struct frame *f)
{
	struct job *job;

	if (f->type == 'H')
		return take_hello(link, f->rest);
	if (f->type == 'E' && f->id == 0)
		return take_end(link);
	job = idmap_get(&link->dispatch->jobs, f->id);
	if (!job) /* credit for a job that is over, or late for one given up */
		return f->type == 'W' ||
			       (link->has_abandoned && strchr("VB", f->type))
			   ? 0
			   : -1;
	if (job->link != link)
		return -1;
	if (f->type == 'B') {
		given_back(job);
		return 0;
	}
	if (f->type == 'V')
		return take_verdict(link->dispatch, job, f->rest);
	return f->type == 'W' ? take_credit(job, f->rest) : -1;
}

/* links */

/* The next hop may have all of the mail, and we shall not hear of it. */
static void
log_doubt(const struct job *job)
{
	const struct attempt *a = job->attempt;

	log_open("possible-duplicate");
	log_id("id", a->message->id);
	log_bytes("nexthop", attempt_nexthop(a));
	log_number("rcpts", a->n_rcpts - a->n_answered);
	log_text("why", job->link->dispatch->is_ending
			    ? "the queue has waited for its answer for as long "
			      "as it may"
			    : "its agent has gone without an answer");
	log_close();
}

static void
close_link(struct agent_link *link)
{
	struct dispatch *d = link->dispatch;

	if (link->name.len > 0) {
		log_open("agent-gone");
		log_bytes("name", buf_slice(&link->name));
		log_number("jobs", link->n_running);
		log_close();
	}
	if (link->prev)
		link->prev->next = link->next;
	else
		d->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	while (link->jobs) {
		struct attempt *a = link->jobs->attempt;

		if (is_sent(link->jobs))
			log_doubt(link->jobs);
		unlink_job(link->jobs);
		d->lost(d, a);
	}
	conn_close(&link->conn);
	buf_free(&link->name);
	free(link);
	server_left(&d->server);
}

static void
log_broken(const struct agent_link *link)
{
	const struct endpoint local = {0};

	if (!often_open("agent-broken", &local, NULL, OFTEN_FEW))
		return;
	log_bytes("name", buf_slice(&link->name));
	log_text("what", "an agent broke its contract; its connection is "
			 "closed");
	log_close();
}

static void
take_frames(struct agent_link *link)
{
	struct slice in = buf_slice(&link->conn.in);
	size_t before = in.len;
	enum frame_result r;
	struct frame f;

	while ((r = frame_next(&in, &f)) == FRAME_DONE) {
		if (take_frame(link, &f) == 0)
			continue;
		r = FRAME_BAD;
		break;
	}
	if (r != FRAME_BAD) {
		buf_take(&link->conn.in, before - in.len);
		return;
	}
	if (!link->is_refused)
		log_broken(link);
	close_link(link);
}

static void
on_conn(struct conn *c, enum conn_event event)
{
	struct agent_link *link = OWNER(c, struct agent_link, conn);

	switch (event) {
	case CONN_INPUT: take_frames(link); break;
	case CONN_DRAINED: drained(link); break;
	case CONN_EOF:
	case CONN_BROKEN:
	case CONN_TIMEOUT: close_link(link); break;
	case CONN_OPEN: break;
	}
}

size_t
dispatch_links(const struct dispatch *d, uid_t uid)
{
	const struct agent_link *link;
	size_t n = 0;

	for (link = d->links; link; link = link->next)
		n += link->uid == uid;
	return n;
}

static void
accepted(struct server *server, int fd, const struct endpoint *peer)
{
	struct dispatch *d = OWNER(server, struct dispatch, server);
	struct agent_link *link;
	uid_t uid = (uid_t)-1;

	(void)peer;
	if (d->admits && !d->admits(d, fd, &uid)) {
		close(fd);
		server_left(server);
		return;
	}
	link = calloc(1, sizeof *link);
	if (!link)
		die_nomem();
	link->uid = uid;
	link->dispatch = d;
	link->next = d->links;
	if (d->links)
		d->links->prev = link;
	d->links = link;
	conn_open_take(&link->conn, d->loop, fd, on_conn);
}

void
dispatch_init(struct dispatch *d, struct loop *loop, struct store *store,
	      const char *path)
{
	d->loop = loop;
	d->store = store;
	d->again.run = go_on;
	envelopes_init(&d->envelopes);
	server_init(&d->server, loop, "agent", LINKS_MAX, accepted);
	server_listen_unix(&d->server, path, 0660);
}

void
dispatch_end(struct dispatch *d)
{
	struct agent_link *link;
	struct job *job, *next;

	d->is_ending = true;
	for (link = d->links; link; link = link->next) {
		if (link->name.len > 0)
			ask_back(link);
		for (job = link->jobs; job; job = next) {
			next = job->next;
			if (!is_sent(job))
				abandon(job);
		}
	}
}

void
dispatch_call_back(struct dispatch *d, bool (*wants)(struct attempt *a))
{
	struct agent_link *link;
	struct job *job;

	for (link = d->links; link; link = link->next) {
		for (job = link->jobs; job; job = job->next) {
			if (!wants(job->attempt))
				continue;
			frame_put(&link->conn.out, 'G', job->number, SLICE(""));
			conn_flush_later(&link->conn);
		}
	}
}

size_t
dispatch_jobs(const struct dispatch *d)
{
	return d->jobs.n;
}

void
dispatch_close(struct dispatch *d)
{
	server_stop(&d->server);
	while (d->links)
		close_link(d->links);
	idmap_free(&d->jobs);
	loop_task_drop(d->loop, &d->again);
	envelopes_free(&d->envelopes);
}
