#include "lib/agent.h"

#include "lib/die.h"
#include "lib/endpoint.h"
#include "lib/frame.h"
#include "lib/netstring.h"
#include "lib/owner.h"

#include <stdlib.h>

static void
connect_now(struct agent *a);

static void
free_job(struct agent_job *job)
{
	idmap_drop(&job->agent->jobs, job->number);
	buf_free(&job->attrs);
	buf_free(&job->envelope);
	buf_free(&job->text);
	free(job->rcpts);
	free(job);
}

static void
abandon(struct agent_job *job)
{
	idmap_drop(&job->agent->jobs, job->number);
	if (job->begun)
		job->agent->calls->job_gone(job);
	free_job(job);
}

/* A job_gone may answer other jobs or close the agent: look anew after each */
static void
abandon_all(struct agent *a)
{
	struct agent_job *job;

	while ((job = idmap_any(&a->jobs)))
		abandon(job);
}

static void
lose(struct agent *a)
{
	conn_close(&a->conn);
	a->is_open = false;
	if (!a->is_ending)
		loop_timer_set(a->loop, &a->retry, AGENT_RETRY_MS);
	abandon_all(a);
	if (a->queue_gone)
		a->queue_gone(a);
}

/* Strings of the envelope are kept as offsets until it is complete, since
 * its buffer moves while it grows. */
static struct slice
keep(struct agent_job *job, struct slice s)
{
	size_t at = job->envelope.len;

	buf_puts(&job->envelope, s);
	return slice_of((const char *)(uintptr_t)at, s.len);
}

static void
settle(struct agent_job *job, struct slice *s)
{
	s->at = s->len ? buf_slice(&job->envelope).at + (uintptr_t)s->at : "";
}

static int
add_rcpt(struct agent_job *job, struct slice rcpt)
{
	if (job->n_rcpts == job->max_rcpts) {
		size_t max = job->max_rcpts ? job->max_rcpts * 2 : 4;
		struct slice *more =
		    reallocarray(job->rcpts, max, sizeof *more);

		if (!more)
			die_nomem();
		job->rcpts = more;
		job->max_rcpts = max;
	}
	job->rcpts[job->n_rcpts++] = keep(job, rcpt);
	return 0;
}

static int
set_attr(struct agent_job *job, struct slice attr)
{
	size_t eq = slice_find(attr, '=');
	struct slice key = slice_of(attr.at, eq), value;

	if (eq == attr.len)
		return -1;
	value = slice_from(attr, eq + 1);
	if (slice_eq(key, SLICE("id")))
		return slice_hex(value, &job->id);
	if (slice_eq(key, SLICE("birth")))
		return slice_number(value, INT64_MAX, &job->birth_us);
	if (slice_eq(key, SLICE("size")))
		return slice_number(value, INT64_MAX, &job->size);
	if (slice_eq(key, SLICE("try")))
		return slice_number(value, UINT32_MAX, &job->attempt);
	if (slice_eq(key, SLICE("nexthop")))
		job->nexthop = keep(job, value);
	else if (job->attrs.len + attr.len <= AGENT_ATTRS)
		netstring_put(&job->attrs, attr); /* queues may say more */
	return 0;
}

static void
put_back(struct agent *a, uint64_t number)
{
	frame_put(&a->conn.out, 'B', number, SLICE(""));
	conn_flush_later(&a->conn);
}

/* One that has not begun is known to nobody but us. */
static void
give_back(struct agent_job *job)
{
	struct agent *a = job->agent;

	if (job->begun && !(a->give_back && a->give_back(job)))
		return;
	if (a->is_open)
		put_back(a, job->number);
	free_job(job);
}

static void
give_all_back(struct agent *a)
{
	struct buf numbers = {0};
	struct slice rest;
	uint64_t number;
	size_t i;

	for (i = 0; i < a->jobs.cap; i++)
		if (a->jobs.slots[i].value)
			buf_put(&numbers, &a->jobs.slots[i].id, sizeof number);
	for (rest = buf_slice(&numbers); rest.len > 0;
	     rest = slice_from(rest, sizeof number)) {
		struct agent_job *job;

		memcpy(&number, rest.at, sizeof number);
		if ((job = idmap_get(&a->jobs, number)))
			give_back(job);
	}
	buf_free(&numbers);
}

static int
open_job(struct agent *a, uint64_t number)
{
	struct agent_job *job;

	if (number == 0 || idmap_get(&a->jobs, number))
		return -1;
	if (a->is_ending) { /* it was on its way */
		put_back(a, number);
		return 0;
	}
	job = calloc(1, sizeof *job);
	if (!job)
		die_nomem();
	job->number = number;
	job->agent = a;
	idmap_put(&a->jobs, number, job);
	return 0;
}

static int
begin(struct agent_job *job)
{
	size_t i;

	if (job->n_rcpts == 0)
		return -1;
	settle(job, &job->nexthop);
	settle(job, &job->sender);
	for (i = 0; i < job->n_rcpts; i++)
		settle(job, &job->rcpts[i]);
	job->begun = true;
	job->text_complete = job->size == 0;
	job->agent->calls->job_begun(job);
	return 0;
}

static int
take_text(struct agent_job *job, struct slice text)
{
	if (!job->begun || text.len > job->size - job->text_seen)
		return -1;
	buf_puts(&job->text, text);
	job->text_seen += text.len;
	job->text_complete = job->text_seen == job->size;
	job->agent->calls->job_text(job);
	return 0;
}

/* Frames for a job that is over (all verdicts given) are dropped. */
static int
take_frame(struct agent *a, const struct frame *f)
{
	struct agent_job *job = idmap_get(&a->jobs, f->id);

	if (f->type == 'O')
		return open_job(a, f->id);
	if (f->type == 'E' && f->id == 0) {
		a->is_last = a->is_ending;
		give_all_back(a);
		return 0;
	}
	if (!job)
		return 0;
	if (job->begun && strchr("PSRC", f->type))
		return -1;
	switch (f->type) {
	case 'P': return set_attr(job, f->rest);
	case 'S': job->sender = keep(job, f->rest); return 0;
	case 'R': return add_rcpt(job, f->rest);
	case 'C': return begin(job);
	case 'T': return take_text(job, f->rest);
	case 'A': abandon(job); return 0;
	case 'G': give_back(job); return 0;
	default: return 0;
	}
}

static void
take_frames(struct agent *a)
{
	struct frame f;

	while (a->is_open) {
		struct slice in = buf_slice(&a->conn.in);
		size_t before = in.len;
		enum frame_result r = frame_next(&in, &f);

		if (r == FRAME_MORE)
			break;
		if (r == FRAME_BAD || take_frame(a, &f) != 0) {
			lose(a);
			break;
		}
		if (a->is_open)
			buf_take(&a->conn.in, before - in.len);
	}
}

static void
on_conn(struct conn *c, enum conn_event event)
{
	struct agent *a = OWNER(c, struct agent, conn);

	switch (event) {
	case CONN_INPUT: take_frames(a); break;
	case CONN_EOF:
	case CONN_BROKEN: lose(a); break;
	case CONN_OPEN:
	case CONN_DRAINED:
	case CONN_TIMEOUT: break;
	}
}

static void
retry(struct loop_timer *timer)
{
	connect_now(OWNER(timer, struct agent, retry));
}

static void
connect_now(struct agent *a)
{
	struct buf hello = {0};
	int fd = unix_connect(a->path);

	if (fd < 0) {
		loop_timer_set(a->loop, &a->retry, AGENT_RETRY_MS);
		return;
	}
	conn_open_take(&a->conn, a->loop, fd, on_conn);
	a->is_open = true;
	buf_text(&hello, a->name);
	buf_putc(&hello, ' ');
	buf_number(&hello, a->capacity);
	frame_put(&a->conn.out, 'H', 0, buf_slice(&hello));
	conn_flush_later(&a->conn);
	buf_free(&hello);
}

void
agent_init(struct agent *a, struct loop *loop, const char *path,
	   const char *name, unsigned capacity, const struct agent_calls *calls)
{
	*a = (struct agent){.loop = loop,
			    .path = path,
			    .name = name,
			    .capacity = capacity,
			    .calls = calls};
	a->retry.expired = retry;
	connect_now(a);
}

void
agent_end(struct agent *a)
{
	if (a->is_ending)
		return;
	a->is_ending = true;
	loop_timer_stop(a->loop, &a->retry);
	if (!a->is_open)
		return;
	frame_put(&a->conn.out, 'E', 0, SLICE(""));
	conn_flush_later(&a->conn);
	give_all_back(a);
}

void
agent_give_up(struct agent *a)
{
	if (a->is_open)
		give_all_back(a);
}

bool
agent_busy(const struct agent *a)
{
	return a->jobs.n > 0;
}

bool
agent_is_over(const struct agent *a)
{
	return !a->is_open || (a->is_last && !agent_busy(a));
}

void
agent_close(struct agent *a)
{
	if (a->is_open)
		lose(a);
	loop_timer_stop(a->loop, &a->retry);
	abandon_all(a); /* when called from a job_gone of lose */
	idmap_free(&a->jobs);
}

bool
agent_verdict(struct agent_job *job, const struct verdict *v)
{
	struct agent *a = job->agent;
	char letter = verdict_letter(v);

	if (a->is_open) {
		frame_put_two(&a->conn.out, 'V', job->number,
			      slice_of(&letter, 1), verdict_text(v));
		conn_flush_later(&a->conn);
	}
	if (++job->n_answered < job->n_rcpts)
		return false;
	free_job(job);
	return true;
}

void
agent_verdict_rest(struct agent_job *job, const struct verdict *v)
{
	while (!agent_verdict(job, v))
		;
}

void
agent_more(struct agent_job *job, uint64_t n)
{
	struct buf number = {0};

	if (job->text_complete || n == 0 || !job->agent->is_open)
		return;
	buf_number(&number, n);
	frame_put(&job->agent->conn.out, 'W', job->number, buf_slice(&number));
	conn_flush_later(&job->agent->conn);
	buf_free(&number);
}
