#include "tests/fuzz/wire.h"

#include "lib/endpoint.h"
#include "lib/log.h"
#include "lib/often.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static struct conn *opened, *borrower;

/* the harness's */

/* As conn_input.c does: the session sees bytes that are lent, and gone behind
 * its event. They end where their memory ends. */
void
wire_input(struct conn *c, struct slice bytes)
{
	size_t n = c->in.len + bytes.len;
	char *exact = malloc(n ? n : 1);

	if (!exact)
		abort();
	if (c->in.len > 0)
		memcpy(exact, buf_slice(&c->in).at, c->in.len);
	if (bytes.len > 0)
		memcpy(exact + c->in.len, bytes.at, bytes.len);
	buf_free(&c->in);
	buf_lend(&c->in, exact, n);
	borrower = c;
	c->on(c, CONN_INPUT);
	if (borrower == c)
		buf_own(&c->in);
	borrower = NULL;
	free(exact);
}

void
wire_end(struct conn *c)
{
	c->on(c, CONN_EOF);
}

void
wire_out(struct conn *c, struct buf *to)
{
	buf_puts(to, buf_slice(&c->out));
	buf_free(&c->out);
}

struct conn *
wire_accept(struct server *s)
{
	struct endpoint peer = {.len = 0};

	opened = NULL;
	s->n_sessions++;
	s->accepted(s, 0, &peer);
	return opened;
}

struct conn *
wire_opened(void)
{
	return opened;
}

/* lib/conn.h */

void
conn_open_take(struct conn *c, struct loop *loop, int fd,
	       void (*on)(struct conn *, enum conn_event))
{
	(void)fd;
	buf_free(&c->in);
	buf_free(&c->out);
	*c = (struct conn){.loop = loop, .is_open = true, .on = on};
	opened = c;
}

void
conn_flush_later(struct conn *c)
{
	(void)c;
}

void
conn_put(struct conn *c, struct slice s)
{
	if (c->is_open)
		buf_puts(&c->out, s);
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
}

void
conn_resume(struct conn *c)
{
	c->paused = false;
}

void
conn_timeout(struct conn *c, int64_t ms)
{
	(void)c, (void)ms;
}

void
conn_finish(struct conn *c)
{
	c->close_drained = true;
}

void
conn_close(struct conn *c)
{
	if (!c->is_open)
		return;
	c->is_open = false;
	if (borrower == c)
		borrower = NULL;
	buf_free(&c->in);
	buf_free(&c->out);
}

/* lib/loop.h */

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t ms)
{
	(void)loop, (void)ms;
	timer->slot = 1;
}

void
loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	timer->slot = 0;
}

void
loop_task_later(struct loop *loop, struct loop_task *task)
{
	(void)loop;
	task->queued = true;
}

void
loop_task_drop(struct loop *loop, struct loop_task *task)
{
	(void)loop;
	task->queued = false;
}

/* lib/server.h */

void
server_init(struct server *s, struct loop *loop, const char *protocol,
	    size_t max_sessions,
	    void (*accepted)(struct server *, int, const struct endpoint *))
{
	(void)max_sessions;
	*s = (struct server){
	    .loop = loop, .protocol = protocol, .accepted = accepted};
}

void
server_listen_unix(struct server *s, const char *path, unsigned mode)
{
	(void)s, (void)path, (void)mode;
}

void
server_left(struct server *s)
{
	fuzz_check(s->n_sessions > 0);
	s->n_sessions--;
}

void
server_stop(struct server *s)
{
	(void)s;
}

/* lib/endpoint.h, the only one that is needed here */

int
unix_connect(const char *path)
{
	(void)path;
	return 0;
}

/* lib/log.h: nobody listens */

void
log_open(const char *event)
{
	(void)event;
}

bool
often_open(const char *event, const struct endpoint *peer, const char *why,
	   unsigned n)
{
	(void)event;
	(void)peer;
	(void)why;
	(void)n;
	return false;
}

bool
often_open_text(const char *event, struct slice client, const char *why,
		unsigned n)
{
	(void)event;
	(void)client;
	(void)why;
	(void)n;
	return false;
}

void
log_text(const char *key, const char *value)
{
	(void)key, (void)value;
}

void
log_bytes(const char *key, struct slice value)
{
	(void)key, (void)value;
}

void
log_number(const char *key, int64_t value)
{
	(void)key, (void)value;
}

void
log_id(const char *key, uint64_t id)
{
	(void)key, (void)id;
}

void
log_errno(int e)
{
	(void)e;
}

void
log_close(void)
{
}

void
log_flush(void)
{
}
