#include "lib/conn_parts.h"
#include "lib/endpoint.h"
#include "lib/linger.h"
#include "lib/owner.h"

#include <errno.h>

/* A stream that flushes knows by itself when output has to wait. */
void
conn_update_wants(struct conn *c)
{
	unsigned wants = stream_wants(&c->stream);

	if (c->connecting || (c->out.len > 0 && !stream_flushes(&c->stream)))
		wants |= LOOP_WRITE;
	if (conn_reads(c))
		wants |= LOOP_READ;
	if (list_has(&c->turn.waits)) /* its turn comes by itself */
		wants = 0;
	loop_want(c->loop, &c->io, wants);
}

void
conn_broken(struct conn *c, int error)
{
	c->error = error;
	loop_forget(c->loop, &c->io);
	loop_timer_stop(c->loop, &c->timer);
	loop_turn_drop(&c->turn);
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
			conn_broken(c, errno);
			return false;
		}
		buf_take(&c->out, (size_t)n);
	}
	if (stream_flush(&c->stream) == 0) {
		waits = c->out.len > 0;
	} else if (errno != EAGAIN) {
		conn_broken(c, errno);
		return false;
	}
	if (!waits && c->close_drained) {
		finished(c);
		return false;
	}
	conn_settle(c);
	conn_update_wants(c);
	if (!waits && c->tell_drained && c->drained_in == c->loop->n_rounds) {
		conn_more(c); /* it has put more, and its peer reads fast */
		return true;
	}
	if (!waits && c->tell_drained) {
		c->tell_drained = false;
		c->drained_in = c->loop->n_rounds;
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
			conn_update_wants(c);
		else
			conn_broken(c, errno);
		return;
	}
	c->shaking = false;
	conn_update_wants(c);
	if (stream_pending(&c->stream))
		conn_flush_later(c);
	if (c->out.len > 0)
		conn_flush_later(c);
	c->on(c, CONN_OPEN);
}

/* Handshakes are dear, and whoever comes by may ask for one. */
static void
wait_turn(struct conn *c)
{
	loop_turn_queue(c->loop, &c->turn);
	conn_update_wants(c);
}

static void
take_turn(struct loop_turn *turn)
{
	struct conn *c = OWNER(turn, struct conn, turn);

	if (c->shaking) {
		shake(c);
		return;
	}
	if (stream_flush(&c->stream) != 0 && errno != EAGAIN) {
		conn_broken(c, errno);
		return;
	}
	conn_update_wants(c);
	if (!stream_is_open(&c->stream))
		return;
	conn_flush_later(c);
	if (conn_reads(c))
		conn_input(c);
}

static void
connected(struct conn *c)
{
	int error = socket_error(c->io.fd);

	if (error) {
		conn_broken(c, error);
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
	if (!stream_is_open(&c->stream)) {
		wait_turn(c);
		return;
	}
	if (c->shaking) {
		shake(c);
		return;
	}
	if ((events & LOOP_WRITE) && !output(c))
		return;
	/* what waits in c->in is told before what comes behind it */
	if ((events & LOOP_READ) && (c->io.wants & LOOP_READ) && !c->again &&
	    !c->yields)
		conn_input(c);
	else if (conn_reads(c) && stream_pending(&c->stream))
		conn_flush_later(c);
}

void
conn_more(struct conn *c)
{
	loop_task_later(c->loop, &c->more);
}

/* What waits in c->in is told first. */
static void
more(struct loop_task *task)
{
	struct conn *c = OWNER(task, struct conn, more);

	if (c->tell_drained)
		conn_flush_later(c);
	if (c->yields) {
		conn_go_on(c);
		return;
	}
	if (c->io.fd < 0 || !conn_reads(c) || !stream_pending(&c->stream))
		return;
	if (c->again)
		conn_more(c);
	else
		conn_input(c);
}

static void
flush(struct loop_task *task)
{
	struct conn *c = OWNER(task, struct conn, flush);

	if (c->io.fd < 0 || c->connecting || c->shaking)
		return;
	if (!stream_is_open(&c->stream)) {
		wait_turn(c);
		return;
	}
	if (!output(c))
		return;
	if (stream_pending(&c->stream))
		conn_more(c);
	if (c->again) {
		c->again = false;
		if (c->in.len > 0)
			c->on(c, CONN_INPUT);
	}
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
	    .more = {.run = more},
	    .turn = {.run = take_turn},
	    .read_max = CONN_READ_FIRST,
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
	conn_settle(c);
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
	conn_settle(c);
	if (c->io.fd >= 0 && !(c->io.wants & LOOP_READ) && conn_reads(c))
		conn_update_wants(c);
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
	c->again = false;
	if (c->io.fd >= 0)
		conn_update_wants(c);
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->io.fd < 0)
		return;
	conn_update_wants(c);
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

void
conn_break(struct conn *c)
{
	conn_broken(c, ECONNABORTED);
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
	conn_return(c);
	if (c->io.fd >= 0)
		loop_forget_closing(c->loop, &c->io);
	c->io.fd = -1;
	loop_timer_stop(c->loop, &c->timer);
	loop_task_drop(c->loop, &c->flush);
	loop_task_drop(c->loop, &c->more);
	loop_turn_drop(&c->turn);
	close_stream(c);
	buf_free(&c->in);
	buf_free(&c->out);
	budget_move(c->budget, &c->held, 0);
}
