#include "qmtpd/peer_parts.h"

#include "lib/die.h"
#include "lib/dsn.h"
#include "lib/owner.h"
#include "lib/tls.h"
#include "qmtpd/hop.h"

#include <stdlib.h>
#include <string.h>

static void *new (size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		die_nomem();
	return p;
}

struct delivery *
delivery_new(struct agent_job *job, struct hop *hop)
{
	struct delivery *d = new (sizeof *d);

	d->job = job;
	d->hop = hop;
	d->size = job->size;
	job->user = d;
	return d;
}

void
delivery_free(struct delivery *d)
{
	if (d->job || d->n_open > 0)
		return;
	if (d->peer && d->peer->large == d)
		d->peer->large = NULL;
	list_drop(&d->link);
	hop_delivery_over(d);
	free(d);
}

static void
say_rest(struct delivery *d, char code, const char *why,
	 enum verdict_about about)
{
	struct verdict v;

	if (d->job) {
		verdict_say(&v, code, why);
		v.about = (uint8_t)about;
		agent_verdict_rest(d->job, &v);
	}
	d->job = NULL;
	delivery_free(d);
}

void
delivery_fail(struct delivery *d, const char *why, enum verdict_about about)
{
	say_rest(d, 'Z', why, about);
}

void
delivery_reject(struct delivery *d, const char *why)
{
	say_rest(d, 'D', why, VERDICT_MAIL);
}

struct peer *
peer_new_take(struct hop *hop, struct loop *loop, int fd,
	      void (*on)(struct conn *, enum conn_event))
{
	struct peer *p = new (sizeof *p);

	p->hop = hop;
	list_init(&p->begun);
	list_init(&p->bound);
	conn_connect_take(&p->conn, loop, fd, on);
	conn_timeout(&p->conn, PEER_CONNECT_S * 1000);
	return p;
}

void
peer_free(struct peer *p)
{
	conn_close(&p->conn);
	secure_leave(&p->trust);
	list_drop(&p->link);
	free(p->greeting);
	free(p);
}

bool
peer_opened(struct peer *p)
{
	const char *protocol = tls_protocol(&p->conn.stream);

	p->quail = protocol && strcmp(protocol, QUAIL_PROTOCOL) == 0;
	if (p->quail)
		p->greeting = new (sizeof *p->greeting);
	return !p->quail;
}

enum quail_event
peer_greeted(struct peer *p)
{
	struct slice in = buf_slice(&p->conn.in);
	size_t before = in.len;
	enum quail_event event = quail_greeted(p->greeting, &in, &p->takes);

	buf_take(&p->conn.in, before - in.len);
	if (event == QUAIL_READY) {
		free(p->greeting);
		p->greeting = NULL;
	}
	return event;
}

bool
peer_room(const struct peer *p, uint64_t size)
{
	size_t window = p->hop->n_answering > 0 ? PEER_WINDOW : 1;

	return p->n_begun < window && !p->streaming &&
	       (p->n_begun == 0 || p->begun_bytes + size <= PEER_WINDOW_BYTES);
}

/* Recipients of d from the n-th on, as many as one package takes. */
static void
make_batch(const struct peer *p, const struct delivery *d, size_t n,
	   struct quail_batch *batch)
{
	struct slice attrs = buf_slice(&d->job->attrs);
	struct buf params = {0};

	dsn_pick(&params, attrs);
	batch->params_len = params.len;
	for (; n < d->job->n_rcpts && batch->n < p->takes.rcpts; n++) {
		buf_clear(&params);
		dsn_pick_rcpt(&params, attrs, n);
		if (batch->n > 0 &&
		    batch->params_len + params.len > p->takes.params)
			break;
		quail_add(batch, d->job->rcpts[n], buf_slice(&params));
	}
	buf_free(&params);
}

/* How many will the next package of d carry? */
static size_t
batch_size(const struct peer *p, const struct delivery *d)
{
	struct quail_batch batch = {0};
	size_t n;

	if (!p->quail)
		return 1;
	make_batch(p, d, d->n_begun, &batch);
	n = batch.n;
	quail_batch_free(&batch);
	return n;
}

bool
peer_whole(const struct peer *p, const struct delivery *d)
{
	return d->n_begun + batch_size(p, d) == d->job->n_rcpts;
}

static void
remember(struct peer *p, struct delivery *d)
{
	struct begun *b = new (sizeof *b);
	size_t n = batch_size(p, d);

	b->delivery = d;
	b->n_left = n;
	b->size = d->size;
	list_put(&p->begun, &b->link);
	p->n_begun++;
	p->begun_bytes += b->size;
	d->peer = p;
	d->n_begun += n;
	d->n_open += n;
	p->n_last = n;
}

/* All recipients of it together, from the first on. */
static void
begin_whole(struct peer *p, struct delivery *d)
{
	if (d->whole.over_ms == 0)
		deadline_start(&d->whole, p->conn.loop->now_ms,
			       d->size * d->job->n_rcpts);
}

static void
put_batch(const struct peer *p, struct buf *out, const struct delivery *d)
{
	struct quail_batch batch = {0};
	struct buf params = {0};

	make_batch(p, d, d->n_begun - p->n_last, &batch);
	dsn_pick(&params, buf_slice(&d->job->attrs));
	quail_end(out, d->job->sender, buf_slice(&params), &batch);
	buf_free(&params);
	quail_batch_free(&batch);
}

static struct begun *
last_begun(const struct peer *p)
{
	return OWNER(p->begun.ring.prev, struct begun, link);
}

/* The recipients of the package that was begun last. */
static void
put_end(const struct peer *p, struct buf *out, const struct delivery *d)
{
	if (p->quail)
		put_batch(p, out, d);
	else
		qmtpc_end(out, d->job->sender, d->job->rcpts[d->n_begun - 1]);
}

void
peer_begin(struct peer *p, struct delivery *d)
{
	struct buf *out = &p->conn.out;
	size_t before = out->len;

	begin_whole(p, d);
	remember(p, d);
	qmtpc_begin(out, d->size);
	if (d->large) {
		p->large = d;
		p->streaming = d;
		p->left = d->size;
	} else {
		buf_puts(out, buf_slice(&d->job->text));
		put_end(p, out, d);
	}
	p->put += out->len - before;
	conn_flush_later(&p->conn);
	if (d->large)
		peer_stream(p);
	else
		last_begun(p)->end = p->put;
}

static size_t
smallest(size_t a, uint64_t b, size_t c)
{
	if (b < a)
		a = (size_t)b;
	return a < c ? a : c;
}

/* One piece; what is gone from memory may be asked for again. */
static size_t
stream_piece(struct peer *p)
{
	struct agent_job *job = p->streaming->job;
	struct buf *out = &p->conn.out;
	struct slice s = buf_slice(&job->text);
	size_t n;

	if (out->len >= PEER_STREAM_OUT) {
		p->conn.tell_drained = true;
		return 0;
	}
	if (p->streaming->hoarded)
		s = slice_from(s, (size_t)(job->size - p->left));
	n = smallest(s.len, p->left, PEER_STREAM_OUT - out->len);
	buf_puts(out, slice_of(s.at, n));
	if (!p->streaming->hoarded) {
		buf_take(&job->text, n);
		agent_more(job, n);
	}
	p->left -= n;
	p->put += n;
	return n;
}

void
peer_stream(struct peer *p)
{
	struct buf *out = &p->conn.out;
	size_t before;

	while (p->left > 0)
		if (stream_piece(p) == 0)
			break;
	if (p->left == 0) {
		before = out->len;
		put_end(p, out, p->streaming);
		p->put += out->len - before;
		last_begun(p)->end = p->put;
		p->streaming = NULL;
	}
	conn_flush_later(&p->conn);
}

static void
forget_begun(struct peer *p, struct begun *b)
{
	list_drop(&b->link);
	p->n_begun--;
	p->begun_bytes -= b->size;
	free(b);
}

/* The oldest package has an answer for its next recipient. */
static void
answer(struct peer *p, const struct verdict *v)
{
	struct begun *b = OWNER(list_first(&p->begun), struct begun, link);
	struct delivery *d = b->delivery;

	if (--b->n_left == 0)
		forget_begun(p, b);
	d->n_open--;
	if (d->job && agent_verdict(d->job, v))
		d->job = NULL;
	delivery_free(d);
}

/* Nobody answers a package that has not arrived. The kernel is asked once for
 * many replies. */
static bool
expected(struct peer *p)
{
	struct link *first = list_first(&p->begun);
	uint64_t end = first ? OWNER(first, struct begun, link)->end : 0;

	if (end > p->arrived)
		p->arrived = peer_arrived(p);
	return end > 0 && end <= p->arrived;
}

/* What the next hop says is about the mail, unless it speaks of itself. */
static enum verdict_about
about(const struct verdict *v)
{
	struct slice status = verdict_status(v);

	if (v->code != 'Z' || !slice_starts(status, SLICE("4.3.")))
		return VERDICT_MAIL;
	return slice_eq(status, SLICE("4.3.2")) ? VERDICT_LESS : VERDICT_HOST;
}

static void
answered(struct peer *p)
{
	if (!p->answers)
		p->hop->n_answering++;
	p->answers = true;
	deadline_wait(&p->deadline, p->conn.loop->now_ms, PEER_STALL_S * 1000);
	hop_answered(p->hop);
}

bool
peer_input(struct peer *p)
{
	struct slice in = buf_slice(&p->conn.in);
	size_t before = in.len;
	enum qmtpc_event event;
	struct verdict v;

	while ((event = qmtpc_push(&p->replies, &in, &v)) == QMTPC_REPLY) {
		if (!expected(p))
			return false;
		v.about = (uint8_t)about(&v);
		answered(p);
		answer(p, &v);
	}
	buf_take(&p->conn.in, before - in.len);
	return event == QMTPC_MORE;
}

/* Its recipients without a reply are to go again, when this was the last of
 * its packages here. */
static void
begin_again(struct peer *p, struct begun *b)
{
	struct delivery *d = b->delivery;

	d->n_open -= b->n_left;
	d->n_begun -= b->n_left;
	forget_begun(p, b);
	if (d->n_open > 0)
		return;
	d->n_lost++;
	list_put(&p->bound, &d->link);
}

static struct begun *
first_begun(const struct peer *p)
{
	struct link *link = list_first(&p->begun);

	return link ? OWNER(link, struct begun, link) : NULL;
}

void
peer_fail(struct peer *p, const char *why, enum verdict_about about,
	  bool was_lost)
{
	struct begun *b = first_begun(p);
	struct delivery *oldest = b ? b->delivery : NULL;
	struct verdict v;

	peer_log_duplicates(p);
	peer_take_back(p);
	if (p->answers)
		p->hop->n_answering--;
	p->answers = false;
	p->gone = true;
	p->is_open = false;
	p->streaming = NULL;
	verdict_say(&v, 'Z', why);
	v.about = (uint8_t)about;
	if (oldest)
		oldest->n_lost += 2; /* it may have done it */
	while ((b = first_begun(p))) {
		struct delivery *d = b->delivery;

		if (was_lost && d != oldest && d->job && !d->large &&
		    d->n_lost < PEER_AGAIN)
			begin_again(p, b);
		else
			answer(p, &v);
	}
	conn_close(&p->conn);
}
