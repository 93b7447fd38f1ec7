#include "lib/log.h"
#include "lib/owner.h"
#include "smtp-gateway/dest.h"
#include "smtp-gateway/out_parts.h"

#include <stdlib.h>

/* jobs */

void
job_outcome(struct job *job, uint32_t i, const struct verdict *v)
{
	struct outcome *o = &job->outcomes[i];
	struct slice texts = buf_slice(&job->texts);

	if (o->code)
		return;
	o->code = v->code;
	o->len = v->len;
	/* the same text as before is the usual case */
	if (texts.len < v->len ||
	    !slice_eq(slice_from(texts, texts.len - v->len), verdict_text(v)))
		buf_puts(&job->texts, verdict_text(v));
	o->at = (uint32_t)(job->texts.len - v->len);
}

bool
job_has_several(const struct job *job)
{
	struct link *first = list_first(&job->transfers);

	return first && list_next(&job->transfers, first);
}

/* Hand all transfers over; the dests work at the end of the round. */
void
job_start(struct job *job)
{
	struct link *link;

	if (job_has_several(job)) {
		job->holds = true;
		job->out->held += job->agent_job->size;
		agent_more(job->agent_job, job->agent_job->text_seen);
		job->granted = job->agent_job->text_seen;
	}
	for (link = list_first(&job->transfers); link;
	     link = list_next(&job->transfers, link)) {
		struct transfer *t = OWNER(link, struct transfer, of_job);

		dest_put(t->dest, t);
	}
}

static void
let_held_go(struct out *out)
{
	struct link *link;

	while ((link = list_first(&out->held_waits))) {
		struct job *job = OWNER(link, struct job, waits);

		if (out->held > 0 &&
		    out->held + job->agent_job->size > OUT_HELD_MAX)
			break;
		list_drop(link);
		job_start(job);
	}
}

void
job_free(struct job *job)
{
	struct out *out = job->out;

	list_drop(&job->waits);
	if (job->holds)
		out->held -= job->agent_job->size;
	out->n_jobs--;
	buf_free(&job->texts);
	free(job->outcomes);
	free(job);
	let_held_go(out);
}

/* Give the queue what is known, in its order. After the last verdict both
 * jobs are gone. */
void
job_answer(struct job *job)
{
	struct agent_job *aj = job->agent_job;
	size_t i, first = aj->n_answered, n = aj->n_rcpts;
	struct out *out = job->out;

	for (i = first; i < n && job->outcomes[i].code; i++)
		;
	if (i == n)
		aj->user = NULL;
	n = i;
	for (i = first; i < n; i++) {
		const struct outcome *o = &job->outcomes[i];
		struct verdict v = {.code = o->code, .len = o->len};
		bool last = aj->user == NULL && i + 1 == n;

		memcpy(v.text, buf_slice(&job->texts).at + o->at, o->len);
		if (last)
			job_free(job);
		agent_verdict(aj, &v);
	}
	let_held_go(out);
}

/* transfers */

static void
log_transfer(const struct transfer *t, const struct verdict *v)
{
	size_t i, k = 0, z = 0, d = 0;

	for (i = 0; i < t->n_rcpts; i++) {
		char code = t->job->outcomes[t->index[i]].code;

		k += code == 'K';
		z += code == 'Z';
		d += code == 'D';
	}
	log_open("attempt");
	log_id("id", t->job->agent_job->id);
	log_bytes("dest", t->dest->name);
	log_number("k", (int64_t)k);
	log_number("z", (int64_t)z);
	log_number("d", (int64_t)d);
	log_bytes("reply", verdict_text(v));
	log_close();
}

void
transfer_free(struct transfer *t)
{
	list_drop(&t->of_job);
	list_drop(&t->of_dest);
	free(t);
}

void
transfer_told(struct transfer *t, size_t i, const struct verdict *v)
{
	job_outcome(t->job, t->index[i], v);
}

void
transfer_over(struct transfer *t, const struct verdict *v)
{
	struct job *job = t->job;
	struct out *out = job->out;
	size_t i;

	for (i = 0; i < t->n_rcpts; i++)
		job_outcome(job, t->index[i], v);
	log_transfer(t, v);
	if (t->peer)
		out->n_busy--;
	transfer_free(t);
	job_answer(job);
	out_check_stopped(out);
}

/* text */

struct slice
transfer_text(const struct transfer *t, uint64_t from)
{
	struct slice text = buf_slice(&t->job->agent_job->text);

	return t->job->holds ? slice_from(text, from) : text;
}

void
transfer_took(struct transfer *t, size_t n)
{
	if (t->job->holds)
		return;
	buf_take(&t->job->agent_job->text, n);
	agent_more(t->job->agent_job, n);
}
