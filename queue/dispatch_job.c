#include "lib/dsn.h"
#include "lib/frame.h"
#include "lib/netstring.h"
#include "queue/destination.h"
#include "queue/dispatch_parts.h"
#include "queue/via.h"

/* the text */

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

int
dispatch_send_text(struct job *job)
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

/* the envelope */

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
	 const struct store_envelope *e, const struct envelope *large)
{
	struct slice rcpts = e->rcpts, one = SLICE("");
	uint32_t i;

	if (large)
		one = envelope_rcpt(large, a->rcpts[0]);
	for (i = 0; !large && i <= a->rcpts[0]; i++)
		if (netstring_slice(&rcpts, &one) != 0)
			return;
	via_lines(out, e->attrs, a->message->id, a->rcpts[0], one);
}

/* Both lists are in the order of the index. */
static void
put_rcpts(struct buf *out, const struct job *job, struct slice rcpts)
{
	const struct attempt *a = job->attempt;
	struct slice one;
	uint32_t i = 0, n = 0;

	for (; n < a->n_rcpts && netstring_slice(&rcpts, &one) == 0; i++) {
		if (a->rcpts[n] != i)
			continue;
		frame_put(out, 'R', job->number, one);
		n++;
	}
}

static void
put_rcpts_large(struct buf *out, const struct job *job,
		const struct envelope *large)
{
	const struct attempt *a = job->attempt;
	uint32_t n;

	for (n = 0; n < a->n_rcpts; n++)
		frame_put(out, 'R', job->number,
			  envelope_rcpt(large, a->rcpts[n]));
}

static void
put_envelope(struct buf *out, const struct job *job,
	     const struct store_envelope *e, const struct envelope *large,
	     size_t in_front)
{
	const struct attempt *a = job->attempt;
	const struct message *m = a->message;
	char id[16];

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
	if (large)
		put_rcpts_large(out, job, large);
	else
		put_rcpts(out, job, e->rcpts);
	frame_put(out, 'C', job->number, SLICE(""));
}

void
dispatch_send_envelope(struct job *job, const struct store_envelope *e,
		       const struct envelope *large)
{
	struct buf in_front = {0};

	job->text.want = e->text_crc;
	via_text(&in_front, job->attempt, e, large);
	put_envelope(&job->link->conn.out, job, e, large, in_front.len);
	send_in_front(job, buf_slice(&in_front));
	buf_free(&in_front);
}
