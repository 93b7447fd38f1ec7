#include "lib/conn.h"

#include "lib/endpoint.h"
#include "lib/linger.h"
#include "lib/owner.h"

#include <errno.h>

/* What was left the last time goes in front of what comes, if it is a frame
 * (frame.h) or less. */
enum { READ_MAX = 256 * 1024, LEFT_MAX = 66 * 1024 };

/* All connections of a process read into this first: an idle one needs no
 * buffer, and a busy one few system calls. While its session looks at what
 * came, c->in is lent it. */
static char shared[LEFT_MAX + READ_MAX], *const scratch = shared + LEFT_MAX;
static struct conn *borrower; /* NULL: it is closed */

static size_t
allowed(const struct conn *c)
{
	return budget_allows(c->budget, c->in.len + c->out.len, READ_MAX);
}

static bool
reads(const struct conn *c)
{
	if (c->connecting || c->shaking || c->eof)
		return false;
	return c->close_drained || (!c->paused && allowed(c) > 0);
}

/* A stream that flushes knows by itself when output has to wait. */
static void
update_wants(struct conn *c)
{
	unsigned wants = stream_wants(&c->stream);

	if (c->connecting || (c->out.len > 0 && !stream_flushes(&c->stream)))
		wants |= LOOP_WRITE;
	if (reads(c))
		wants |= LOOP_READ;
	loop_want(c->loop, &c->io, wants);
}

/* Its buffers have changed. */
static void
settle(struct conn *c)
{
	budget_move(c->budget, &c->held, c->in.cap + c->out.cap);
}

static void
broken(struct conn *c, int error)
{
	c->error = error;
	loop_forget(c->loop, &c->io);
	loop_timer_stop(c->loop, &c->timer);
	c->io.fd = -1;
	c->on(c, CONN_BROKEN);
}

/* All is written. The kernel forgets the descriptor when it is closed. */
static void
finished(struct conn *c)
{
	c->lingers = !c->eof && (!c->heard_all || stream_flushes(&c->stream));
	if (c->lingers)
		loop_forget(c->loop, &c->io);
	else
		loop_forget_closing(c->loop, &c->io);
	loop_timer_stop(c->loop, &c->timer);
	c->io.fd = -1;
	c->error = 0;
	c->on(c, CONN_BROKEN);
}

/* What came right behind the handshake is told later in the round, since
 * the session may close the connection now. */
static void
told_open(struct conn *c, size_t n)
{
	c->tell_open = false;
	if (n > 0) {
		buf_put(&c->in, scratch, n);
		settle(c);
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

/* Only what the session does not take gets memory. */
static void
tell_input(struct conn *c, size_t n)
{
	lend(c, n);
	settle(c);
	borrower = c;
	c->on(c, CONN_INPUT);
	if (borrower != c)
		return;
	borrower = NULL;
	buf_own(&c->in);
	settle(c);
	if (c->io.fd >= 0 && !reads(c))
		update_wants(c);
}

static void
input(struct conn *c)
{
	size_t most = c->close_drained ? READ_MAX : allowed(c);
	ssize_t n;

	if (most == 0) { /* others have used the budget up meanwhile */
		update_wants(c);
		return;
	}
	n = stream_read(&c->stream, scratch, most);
	if (n < 0 && errno != EAGAIN) {
		broken(c, errno);
		return;
	}
	if (stream_flushes(&c->stream)) {
		update_wants(c);
		if (c->out.len > 0 || c->tell_drained || c->close_drained)
			conn_flush_later(c);
		if (n > 0 && stream_pending(&c->stream))
			conn_flush_later(c);
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
		update_wants(c);
		if (!c->close_drained)
			c->on(c, CONN_EOF);
		return;
	}
	c->heard_all = false;
	if (c->close_drained)
		return;
	tell_input(c, (size_t)n);
}

/* False when the connection is gone. */
static bool
output(struct conn *c)
{
	bool waits = true;

	c->stream.is_last = c->close_drained;
	while (c->out.len > 0) {
		struct slice s = buf_slice(&c->out);
		ssize_t n = stream_write(&c->stream, s.at, s.len);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			broken(c, errno);
			return false;
		}
		buf_take(&c->out, (size_t)n);
	}
	if (stream_flush(&c->stream) == 0) {
		waits = c->out.len > 0;
	} else if (errno != EAGAIN) {
		broken(c, errno);
		return false;
	}
	if (!waits && c->close_drained) {
		finished(c);
		return false;
	}
	settle(c);
	update_wants(c);
	if (!waits && c->tell_drained) {
		c->tell_drained = false;
		if (c->again)
			conn_flush_later(c);
		c->on(c, CONN_DRAINED);
		return false; /* the session may have freed it */
	}
	return true;
}

/* Before anything else on a stream of ours to a server. */
static void
shake(struct conn *c)
{
	if (stream_flush(&c->stream) != 0) {
		if (errno == EAGAIN)
			update_wants(c);
		else
			broken(c, errno);
		return;
	}
	c->shaking = false;
	update_wants(c);
	if (stream_pending(&c->stream))
		conn_flush_later(c);
	if (c->out.len > 0)
		conn_flush_later(c);
	c->on(c, CONN_OPEN);
}

static void
connected(struct conn *c)
{
	int error = socket_error(c->io.fd);

	if (error) {
		broken(c, error);
		return;
	}
	c->connecting = false;
	c->shaking = true;
	shake(c);
}

static void
ready(struct loop_io *io, unsigned events)
{
	struct conn *c = OWNER(io, struct conn, io);

	if (c->connecting) {
		connected(c);
		return;
	}
	if (c->shaking) {
		shake(c);
		return;
	}
	if ((events & LOOP_WRITE) && !output(c))
		return;
	/* what waits in c->in is told before what comes behind it */
	if ((events & LOOP_READ) && (c->io.wants & LOOP_READ) && !c->again)
		input(c);
	else if (reads(c) && stream_pending(&c->stream))
		conn_flush_later(c);
}

static void
flush(struct loop_task *task)
{
	struct conn *c = OWNER(task, struct conn, flush);

	if (c->io.fd < 0 || c->connecting || c->shaking || !output(c))
		return;
	if (c->again) {
		c->again = false;
		if (c->in.len > 0) {
			if (stream_pending(&c->stream))
				conn_flush_later(c);
			c->on(c, CONN_INPUT);
			return;
		}
	}
	if (reads(c) && stream_pending(&c->stream))
		input(c);
}

static void
expired(struct loop_timer *timer)
{
	struct conn *c = OWNER(timer, struct conn, timer);

	c->on(c, CONN_TIMEOUT);
}

static void
start(struct conn *c, struct loop *loop, int fd, bool connecting,
      void (*on)(struct conn *, enum conn_event))
{
	buf_free(&c->in);
	buf_free(&c->out);
	*c = (struct conn){
	    .loop = loop,
	    .is_open = true,
	    .connecting = connecting,
	    .on = on,
	    .flush = {.run = flush},
	    .timer = {.expired = expired},
	    .io = {fd, connecting ? LOOP_WRITE : LOOP_READ, ready},
	};
	stream_plain_take(&c->stream, fd);
	loop_watch(loop, &c->io);
}

void
conn_open_take(struct conn *c, struct loop *loop, int fd,
	       void (*on)(struct conn *, enum conn_event))
{
	start(c, loop, fd, false, on);
}

void
conn_connect_take(struct conn *c, struct loop *loop, int fd,
		  void (*on)(struct conn *, enum conn_event))
{
	start(c, loop, fd, true, on);
}

void
conn_flush_later(struct conn *c)
{
	if (c->io.fd < 0)
		return;
	settle(c);
	loop_task_queue(c->loop, &c->flush);
}

void
conn_put(struct conn *c, struct slice s)
{
	if (!c->is_open)
		return;
	buf_puts(&c->out, s);
	conn_flush_later(c);
}

void
conn_take(struct conn *c, size_t n)
{
	buf_take(&c->in, n);
	settle(c);
	if (c->io.fd >= 0 && !(c->io.wants & LOOP_READ) && reads(c))
		update_wants(c);
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
	c->again = false;
	if (c->io.fd >= 0)
		update_wants(c);
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->io.fd < 0)
		return;
	update_wants(c);
	c->again = c->in.len > 0;
	if (c->again || stream_pending(&c->stream))
		conn_flush_later(c);
}

void
conn_timeout(struct conn *c, int64_t ms)
{
	if (ms > 0)
		loop_timer_set(c->loop, &c->timer, ms);
	else
		loop_timer_stop(c->loop, &c->timer);
}

void
conn_finish(struct conn *c)
{
	c->close_drained = true;
	conn_flush_later(c);
}

static void
close_stream(struct conn *c)
{
	if (c->lingers)
		linger_take(c->loop, stream_end(&c->stream));
	else
		stream_close(&c->stream);
}

void
conn_close(struct conn *c)
{
	if (!c->is_open)
		return;
	c->is_open = false;
	if (borrower == c)
		borrower = NULL;
	if (c->io.fd >= 0)
		loop_forget_closing(c->loop, &c->io);
	c->io.fd = -1;
	loop_timer_stop(c->loop, &c->timer);
	loop_task_drop(c->loop, &c->flush);
	close_stream(c);
	buf_free(&c->in);
	buf_free(&c->out);
	budget_move(c->budget, &c->held, 0);
}
