#include "lib/clock.h"
#include "lib/conn_parts.h"

#include <errno.h>

/* What was left the last time goes in front of what comes, if it is a frame
 * (frame.h) or less. */
enum { LEFT_MAX = 66 * 1024 };

/* All connections of a process read into this first: an idle one needs no
 * buffer, and a busy one few system calls. While its session looks at what
 * came, c->in is lent it. */
static char shared[LEFT_MAX + CONN_READ_MAX];
static char *const scratch = shared + LEFT_MAX;
static struct conn *borrower; /* NULL: it is closed */

/* What came right behind the handshake is told later in the round, since
 * the session may close the connection now. */
static void
told_open(struct conn *c, size_t n)
{
	c->tell_open = false;
	if (n > 0) {
		buf_put(&c->in, scratch, n);
		conn_settle(c);
		c->again = true;
		conn_flush_later(c);
	}
	c->on(c, CONN_OPEN);
}

static void
lend(struct conn *c, size_t n)
{
	struct slice left = buf_slice(&c->in);
	char *at;

	/* who sends little has not all of it copied for that each time */
	if (left.len > LEFT_MAX || (left.len > BUDGET_SHARE && left.len > n)) {
		buf_put(&c->in, scratch, n);
		return;
	}
	at = scratch - left.len;
	memcpy(at, left.at, left.len);
	buf_free(&c->in);
	buf_lend(&c->in, at, left.len + n);
}

static int64_t
fair_us(const struct loop *loop)
{
	size_t n = loop->n_events > CONN_ROUND_US / CONN_TURN_US
		       ? loop->n_events
		       : CONN_ROUND_US / CONN_TURN_US;

	return n < CONN_ROUND_US / CONN_TURN_LEAST_US
		   ? CONN_ROUND_US / (int64_t)n
		   : CONN_TURN_LEAST_US;
}

/* What costs much is read in smaller pieces, until it is cheap again. */
static void
learn(struct conn *c, size_t n, int64_t took_us)
{
	int64_t fair = fair_us(c->loop);

	if (took_us > fair && c->read_max > CONN_READ_MIN) {
		c->read_max /= took_us > 4 * fair ? 4 : 2;
		if (c->read_max < CONN_READ_MIN)
			c->read_max = CONN_READ_MIN;
	} else if (took_us <= fair / 2 && n >= c->read_max / 2 &&
		   c->read_max < CONN_READ_MAX) {
		c->read_max *= 2;
	}
}

/* Only what the session does not take gets memory. */
static void
tell_input(struct conn *c, size_t n)
{
	int64_t from_us = clock_steady_us();

	lend(c, n);
	conn_settle(c);
	borrower = c;
	c->on(c, CONN_INPUT);
	if (borrower != c)
		return;
	borrower = NULL;
	learn(c, n, clock_steady_us() - from_us);
	buf_own(&c->in);
	conn_settle(c);
	if (c->io.fd >= 0 && !conn_reads(c))
		conn_update_wants(c);
}

void
conn_input(struct conn *c)
{
	size_t most = c->close_drained ? CONN_READ_MAX : conn_allowed(c);
	ssize_t n;

	if (most == 0) { /* others have used the budget up meanwhile */
		conn_update_wants(c);
		return;
	}
	n = stream_read(&c->stream, scratch, most);
	if (n < 0 && errno != EAGAIN) {
		conn_broken(c, errno);
		return;
	}
	if (stream_flushes(&c->stream)) {
		conn_update_wants(c);
		if (c->out.len > 0 || c->tell_drained || c->close_drained)
			conn_flush_later(c);
		if (n > 0 && stream_pending(&c->stream))
			conn_more(c);
	}
	if (n != 0 && c->tell_open && !c->close_drained &&
	    stream_is_open(&c->stream)) {
		told_open(c, n > 0 ? (size_t)n : 0);
		return;
	}
	if (n < 0)
		return;
	if (n == 0) {
		c->eof = true;
		conn_update_wants(c);
		if (!c->close_drained)
			c->on(c, CONN_EOF);
		return;
	}
	c->heard_all = false;
	if (c->close_drained)
		return;
	tell_input(c, (size_t)n);
}

void
conn_yield(struct conn *c)
{
	c->yields = true;
	conn_more(c);
}

/* One that is paused is told when it is resumed. */
void
conn_go_on(struct conn *c)
{
	c->yields = false;
	if (c->io.fd < 0)
		return;
	if (stream_pending(&c->stream))
		conn_more(c);
	if (c->in.len > 0 && !c->paused && !c->close_drained)
		c->on(c, CONN_INPUT);
}

void
conn_return(const struct conn *c)
{
	if (borrower == c)
		borrower = NULL;
}
