#include "maildir/jobs.h"

#include "lib/die.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/owner.h"
#include "maildir/trouble.h"

#include <errno.h>
#include <stdlib.h>

static const struct slice scheme = {"maildir:", 8};

struct work {
	struct delivery delivery;
	struct agent_job *job;
	bool is_waiting; /* in the list of complete ones */
};

static struct jobs *
jobs_of(const struct agent_job *job)
{
	return OWNER(job->agent, struct jobs, agent);
}

static void
log_verdict(const struct agent_job *job, size_t rcpt, const struct verdict *v)
{
	log_open(v->code == 'K' ? "delivered"
				: (v->code == 'D' ? "rejected" : "deferred"));
	log_id("id", job->id);
	log_bytes("to", job->rcpts[rcpt]);
	log_bytes("nexthop", job->nexthop);
	log_bytes("why", verdict_text(v));
	log_close();
}

static void
drop(struct work *w)
{
	deliver_abort(&w->delivery);
	w->job->user = NULL;
	free(w);
}

static void
done(struct delivery *d, size_t rcpt, const struct verdict *v)
{
	struct work *w = OWNER(d, struct work, delivery);
	struct agent_job *job = w->job;

	log_verdict(job, rcpt, v);
	if (rcpt + 1 == job->n_rcpts)
		drop(w);
	agent_verdict(job, v);
}

/* The job is over before its message was complete. */
static void
give_up(struct agent_job *job, int e)
{
	struct verdict v;

	trouble_verdict(&v, e);
	log_verdict(job, 0, &v);
	if (job->user)
		drop(job->user);
	agent_verdict_rest(job, &v);
}

static void
complete(struct work *w)
{
	struct jobs *jobs = jobs_of(w->job);

	if (w->job->size <= AGENT_CREDIT)
		w->delivery.text = buf_slice(&w->job->text);
	w->is_waiting = true;
	w->delivery.next = NULL;
	*jobs->last = &w->delivery;
	jobs->last = &w->delivery.next;
	jobs->n_waiting++;
	loop_task_queue(jobs->loop, &jobs->deliver);
}

static void
job_text(struct agent_job *job)
{
	struct work *w = job->user;
	size_t n = job->text.len;

	if (!w || w->is_waiting)
		return;
	if (job->size > AGENT_CREDIT) {
		if (deliver_stream(&w->delivery, buf_slice(&job->text)) != 0) {
			give_up(job, errno);
			return;
		}
		buf_take(&job->text, n);
		agent_more(job, n);
	}
	if (job->text_complete)
		complete(w);
}

static void
job_begun(struct agent_job *job)
{
	struct work *w;

	if (!slice_starts(job->nexthop, scheme)) {
		give_up(job, EINVAL);
		return;
	}
	w = calloc(1, sizeof *w);
	if (!w)
		die_nomem();
	job->user = w;
	w->job = job;
	w->delivery = (struct delivery){
	    .path = slice_from(job->nexthop, scheme.len),
	    .sender = job->sender,
	    .rcpts = job->rcpts,
	    .n_rcpts = job->n_rcpts,
	    .id = job->id,
	    .birth_us = job->birth_us,
	    .done = done,
	};
	if (job->text.len > 0 || job->text_complete)
		job_text(job);
}

static void
unlist(struct jobs *jobs, struct delivery *d)
{
	struct delivery **p;

	for (p = &jobs->first; *p && *p != d; p = &(*p)->next)
		;
	if (!*p)
		return;
	*p = d->next;
	if (!*p)
		jobs->last = p;
	jobs->n_waiting--;
}

static void
job_gone(struct agent_job *job)
{
	struct work *w = job->user;

	if (!w)
		return;
	if (w->is_waiting)
		unlist(jobs_of(job), &w->delivery);
	drop(w);
}

static void
deliver_waiting(struct jobs *jobs)
{
	struct delivery *first = jobs->first;

	jobs->first = NULL;
	jobs->last = &jobs->first;
	jobs->n_waiting = jobs->n_known = 0;
	deliver_batch(first, buf_slice(&jobs->me));
}

static void
deliver(struct loop_task *task)
{
	struct jobs *jobs = OWNER(task, struct jobs, deliver);

	if (jobs->n_waiting > jobs->n_known &&
	    jobs->n_waiting < DELIVER_FILES_MAX) {
		jobs->n_known = jobs->n_waiting;
		loop_timer_set(jobs->loop, &jobs->look, 0);
		return;
	}
	deliver_waiting(jobs);
}

static void
look(struct loop_timer *timer)
{
	struct jobs *jobs = OWNER(timer, struct jobs, look);

	loop_task_queue(jobs->loop, &jobs->deliver);
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

void
jobs_init(struct jobs *jobs, struct loop *loop, const char *path)
{
	jobs->loop = loop;
	jobs->last = &jobs->first;
	jobs->deliver.run = deliver;
	jobs->look.expired = look;
	agent_init(&jobs->agent, loop, path, "maildir", JOBS_MAX, &calls);
}

void
jobs_close(struct jobs *jobs)
{
	loop_task_drop(jobs->loop, &jobs->deliver);
	loop_timer_stop(jobs->loop, &jobs->look);
	deliver_waiting(jobs);
	loop_round(jobs->loop, 0); /* the verdicts go out */
	agent_close(&jobs->agent);
	buf_free(&jobs->me);
}
