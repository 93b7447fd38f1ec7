#include "queue/dispatch.h"

#include "lib/agent.h"
#include "lib/conn.h"
#include "lib/die.h"
#include "lib/dsn.h"
#include "lib/frame.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/destination.h"
#include "queue/via.h"

#include <errno.h>
#include <stdlib.h>

enum { LINKS_MAX = 256, CAPACITY_MAX = 10000 };

struct agent_link {
	struct agent_link *prev, *next;
	struct dispatch *dispatch;
	struct conn conn;
	struct buf name;
	unsigned capacity, n_running;
	bool has_abandoned; /* late verdicts for those may come */
	bool is_ending;	    /* it takes no more jobs */
	struct job *jobs;
};

struct job {
	struct job *prev, *next;
	struct agent_link *link;
	struct attempt *attempt;
	uint64_t number;
	uint64_t granted;	  /* bytes of text */
	struct store_reader text; /* what was sent of it */
};

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

/* sending */

/* One frame of text; none of it is left in *out when it cannot be read, or is
 * the last and not all were what was written. */
static int
put_text(struct buf *out, struct job *job, size_t n)
{
	struct dispatch *d = job->link->dispatch;
	size_t before = out->len;

	netstring_head_put(out, FRAME_HEAD + n);
	buf_putc(out, 'T');
	buf_hex(out, 16, job->number);
	if (store_text_next(d->store, job->attempt->message, &job->text,
			    buf_room(out, n + 1), n) != 0) {
		buf_cut(out, before);
		return -1;
	}
	buf_added(out, n);
	buf_putc(out, ',');
	return 0;
}

/* As much as was granted, but never more than DISPATCH_OUT_MAX in memory,
 * whatever the agent grants; the rest follows when that has gone out. */
static int
send_text(struct job *job)
{
	struct conn *c = &job->link->conn;
	uint64_t size = job->attempt->message->text_len;
	uint64_t until = job->granted < size ? job->granted : size;

	while (job->text.at < until) {
		uint64_t left = until - job->text.at;

		if (c->out.len > DISPATCH_OUT_MAX) {
			c->tell_drained = true;
			break;
		}
		if (put_text(&c->out, job,
			     left < FRAME_REST_MAX ? (size_t)left
						   : FRAME_REST_MAX) != 0)
			return -1;
	}
	conn_flush_later(c);
	return 0;
}

/* Text that is not the message's own. The agent has granted that much: twenty
 * aliases take less. */
static void
send_in_front(struct job *job, struct slice text)
{
	if (text.len == 0)
		return;
	frame_put(&job->link->conn.out, 'T', job->number, text);
	job->granted -= text.len;
}

static void
put_attr(struct buf *out, uint64_t number, const char *key, struct slice value)
{
	struct buf attr = {0};

	buf_text(&attr, key);
	buf_puts(&attr, value);
	frame_put(out, 'P', number, buf_slice(&attr));
	buf_free(&attr);
}

static void
put_number(struct buf *out, uint64_t number, const char *key, uint64_t value)
{
	struct buf text = {0};

	buf_number(&text, value);
	put_attr(out, number, key, buf_slice(&text));
	buf_free(&text);
}

/* Where a recipient of the message stands in the job; false: not in it. */
static bool
place_of(const struct attempt *a, size_t rcpt, size_t *place)
{
	size_t from = 0, to = a->n_rcpts, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (a->rcpts[middle] < rcpt)
			from = middle + 1;
		else
			to = middle;
	}
	*place = from;
	return from < a->n_rcpts && a->rcpts[from] == rcpt;
}

/* What the sender asks of reports, recipients numbered as in the job. */
static void
put_params(struct buf *out, const struct job *job, struct slice attrs)
{
	struct slice one, key, value;
	struct buf attr = {0};
	size_t n;

	while (netstring_slice(&attrs, &one) == 0) {
		if (dsn_of_message(one)) {
			frame_put(out, 'P', job->number, one);
		} else if (dsn_attr_split(one, &key, &n, &value) &&
			   place_of(job->attempt, n, &n)) {
			buf_clear(&attr);
			dsn_attr_put(&attr, key, n);
			buf_puts(&attr, value);
			frame_put(out, 'P', job->number, buf_slice(&attr));
		}
	}
	buf_free(&attr);
}

/* What route and pool say of the way to the next hop. */
static void
put_way(struct buf *out, uint64_t number, const struct attempt *a)
{
	const struct source *from =
	    a->destination ? a->destination->source : NULL;

	if (from) {
		put_attr(out, number, "source=", buf_slice(&from->address));
		put_attr(out, number, "helo=", buf_slice(&from->helo));
	}
	if (*a->tls)
		put_attr(out, number, "tls=", slice_text(a->tls));
}

/* The lines that aliases put in front: all its recipients came of the same. */
static void
via_text(struct buf *out, const struct attempt *a,
	 const struct store_envelope *e)
{
	struct slice rcpts = e->rcpts, one = SLICE("");
	uint32_t i;

	for (i = 0; i <= a->rcpts[0]; i++)
		if (netstring_slice(&rcpts, &one) != 0)
			return;
	via_lines(out, e->attrs, a->message->id, a->rcpts[0], one);
}

static void
put_envelope(struct buf *out, const struct job *job,
	     const struct store_envelope *e, size_t in_front)
{
	const struct attempt *a = job->attempt;
	const struct message *m = a->message;
	struct slice rcpts = e->rcpts, one;
	char id[16];
	uint32_t i = 0, n = 0;

	hex_put(id, 16, m->id);
	frame_put(out, 'O', job->number, SLICE(""));
	put_attr(out, job->number, "id=", slice_of(id, 16));
	put_number(out, job->number, "birth=", (uint64_t)m->birth_us);
	put_number(out, job->number, "size=", in_front + m->text_len);
	put_number(out, job->number, "try=", m->attempts + 1);
	put_attr(out, job->number, "nexthop=", attempt_nexthop(a));
	put_way(out, job->number, a);
	put_params(out, job, e->attrs);
	frame_put(out, 'S', job->number, e->sender);
	/* both lists are in the order of the index */
	for (; n < a->n_rcpts && netstring_slice(&rcpts, &one) == 0; i++) {
		if (a->rcpts[n] != i)
			continue;
		frame_put(out, 'R', job->number, one);
		n++;
	}
	frame_put(out, 'C', job->number, SLICE(""));
}

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
	job->next = link->jobs;
	if (link->jobs)
		link->jobs->prev = job;
	link->jobs = job;
	link->n_running++;
	idmap_put(&d->jobs, job->number, job);
	return job;
}

int
dispatch_start(struct dispatch *d, struct attempt *a)
{
	struct slice nexthop = attempt_nexthop(a);
	struct agent_link *link =
	    least_busy(d, slice_of(nexthop.at, slice_find(nexthop, ':')));
	struct store_envelope e;
	struct buf room = {0}, in_front = {0};
	struct job *job;
	size_t before;
	int r;

	if (!link || d->is_ending)
		return 1;
	r = store_envelope(d->store, a->message, &room, &e);
	if (r == 0) {
		before = link->conn.out.len;
		job = new_job(d, link, a);
		job->text.want = e.text_crc;
		via_text(&in_front, a, &e);
		put_envelope(&link->conn.out, job, &e, in_front.len);
		send_in_front(job, buf_slice(&in_front));
		r = send_text(job);
		if (r != 0) {
			buf_cut(&link->conn.out, before);
			unlink_job(job);
		}
	}
	buf_free(&room);
	buf_free(&in_front);
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

	if (link->is_ending || d->is_ending) {
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
	if (send_text(job) != 0)
		give_up(job);
	return 0;
}

static void
drained(struct agent_link *link)
{
	struct job *job, *next;

	for (job = link->jobs; job; job = next) {
		next = job->next;
		if (send_text(job) != 0)
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

static int
take_hello(struct agent_link *link, struct slice rest)
{
	struct slice name = slice_word(&rest), capacity = slice_word(&rest);
	uint64_t n;

	if (link->name.len > 0 || name.len == 0 ||
	    slice_number(capacity, CAPACITY_MAX, &n) != 0 || n == 0)
		return -1;
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
	log_open("agent-broken");
	log_bytes("name", buf_slice(&link->name));
	log_text("what", "an agent broke its contract; its connection is "
			 "closed");
	log_close();
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

static void
accepted(struct server *server, int fd, const struct endpoint *peer)
{
	struct dispatch *d = OWNER(server, struct dispatch, server);
	struct agent_link *link = calloc(1, sizeof *link);

	(void)peer;
	if (!link)
		die_nomem();
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
}
