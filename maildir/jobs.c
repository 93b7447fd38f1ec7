#include "maildir/jobs.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/owner.h"
#include "maildir/trouble.h"

#include <errno.h>
#include <stdlib.h>

/* An end waits so long for the queue to know that we end. */
enum { END_MS = 2000, END_STEP_MS = 50 };

static const struct slice scheme = {"maildir:", 8};

struct work {
	struct delivery delivery;
	struct agent_job *job; /* NULL: it has gone */
	bool is_complete;      /* deliver.c has it */
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
	delivery_abort(&w->delivery);
	if (w->job)
		w->job->user = NULL;
	free(w);
}

/* Its text is in the files. */
static void
written(struct delivery *d)
{
	struct work *w = OWNER(d, struct work, delivery);

	if (w->job)
		buf_free(&w->job->text);
}

static void
done(struct delivery *d, size_t rcpt, const struct verdict *v)
{
	struct work *w = OWNER(d, struct work, delivery);
	struct agent_job *job = w->job;

	if (job) {
		jobs_of(job)->n_done++;
		log_verdict(job, rcpt, v);
	}
	if (d->n_told == d->n_rcpts)
		drop(w);
	if (job)
		agent_verdict(job, v);
}

/* The job is over before its message was complete. */
static void
give_up(struct agent_job *job, int e)
{
	struct verdict v;

	trouble_verdict(&v, e,
			slice_starts(job->nexthop, scheme)
			    ? slice_from(job->nexthop, scheme.len)
			    : job->nexthop);
	log_verdict(job, 0, &v);
	if (job->user)
		drop(job->user);
	agent_verdict_rest(job, &v);
}

static void
complete(struct work *w)
{
	if (w->job->size <= AGENT_CREDIT)
		w->delivery.text = buf_slice(&w->job->text);
	w->is_complete = true;
	deliver_add(&jobs_of(w->job)->deliver, &w->delivery);
}

static void
job_text(struct agent_job *job)
{
	struct work *w = job->user;
	size_t n = job->text.len;

	if (!w || w->is_complete)
		return;
	if (job->size > AGENT_CREDIT) {
		if (delivery_stream(&w->delivery, buf_slice(&job->text)) != 0) {
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
	struct jobs *jobs = jobs_of(job);
	struct work *w;

	if (!slice_starts(job->nexthop, scheme)) {
		give_up(job, EINVAL);
		return;
	}
	if (jobs->reaches &&
	    !jobs->reaches(slice_from(job->nexthop, scheme.len)))
		return; /* it goes back as it is */
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
	    .written = written,
	    .done = done,
	};
	if (job->text.len > 0 || job->text_complete)
		job_text(job);
}

/* What is on its way to new already goes on: the queue, when it tries again,
 * finds that it is there. */
static void
job_gone(struct agent_job *job)
{
	struct work *w = job->user;

	if (!w)
		return;
	if (!w->is_complete ||
	    deliver_leave(&jobs_of(job)->deliver, &w->delivery))
		drop(w);
	else
		w->job = NULL;
}

/* What is on its way to new is not to be stopped, and soon done. */
static bool
give_back(struct agent_job *job)
{
	struct work *w = job->user;

	if (!w)
		return true;
	if (w->is_complete &&
	    !deliver_leave(&jobs_of(job)->deliver, &w->delivery))
		return false;
	drop(w);
	return true;
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

void
jobs_init(struct jobs *jobs, struct loop *loop, const char *path)
{
	jobs->loop = loop;
	deliver_init(&jobs->deliver, loop, buf_slice(&jobs->me));
	agent_init(&jobs->agent, loop, path, "maildir", JOBS_MAX, &calls);
	jobs->agent.give_back = give_back;
}

void
jobs_second(struct jobs *jobs)
{
	tidy_look(&jobs->tidy, jobs->n_done);
}

void
jobs_renamed(struct jobs *jobs)
{
	jobs->deliver.me = buf_slice(&jobs->me);
}

/* The verdicts go out, and what is on its way to us goes back. */
static void
say_all(struct jobs *jobs)
{
	int64_t end_ms = clock_ms() + END_MS;

	while (!agent_is_over(&jobs->agent) && clock_ms() < end_ms)
		loop_round(jobs->loop, END_STEP_MS);
	loop_round(jobs->loop, 0);
}

void
jobs_close(struct jobs *jobs)
{
	agent_end(&jobs->agent);
	deliver_finish(&jobs->deliver);
	say_all(jobs);
	agent_close(&jobs->agent);
	deliver_close(&jobs->deliver);
	buf_free(&jobs->me);
}
