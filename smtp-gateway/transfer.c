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
	o->about = v->about;
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

static void
hold(struct job *job)
{
	job->holds = true;
	job->is_counted = true;
	job->out->held += job->agent_job->size;
	agent_more(job->agent_job, job->agent_job->text_seen);
	job->granted = job->agent_job->text_seen;
}

/* Hand all transfers over; the dests work at the end of the round. */
void
job_start(struct job *job)
{
	struct link *link;

	if (job_has_several(job))
		hold(job);
	else if (job->agent_job->size <= AGENT_CREDIT)
		job->holds = true;
	for (link = list_first(&job->transfers); link;
	     link = list_next(&job->transfers, link)) {
		struct transfer *t = OWNER(link, struct transfer, of_job);

		dest_put(t->dest, t);
	}
}

static bool
has_room(const struct out *out, const struct job *job)
{
	return out->held == 0 ||
	       out->held + job->agent_job->size <= OUT_HELD_MAX;
}

static void
let_held_go(struct out *out)
{
	struct link *link;

	while ((link = list_first(&out->held_waits))) {
		struct job *job = OWNER(link, struct job, waits);

		if (!has_room(out, job))
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
	if (job->is_counted)
		out->held -= job->agent_job->size;
	out->n_jobs--;
	buf_free(&job->texts);
	free(job->outcomes);
	free(job);
	let_held_go(out);
}

/* Give the queue what is sure, in its order. After the last verdict both
 * jobs are gone. */
void
job_answer(struct job *job)
{
	struct agent_job *aj = job->agent_job;
	size_t i, first = aj->n_answered, n = aj->n_rcpts;
	struct out *out = job->out;

	for (i = first; i < n && job->outcomes[i].is_sure; i++)
		;
	if (i == n)
		aj->user = NULL;
	n = i;
	for (i = first; i < n; i++) {
		const struct outcome *o = &job->outcomes[i];
		struct verdict v = {
		    .code = o->code, .about = o->about, .len = o->len};
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
	if (k + z + d < t->n_rcpts)
		log_number("rest", (int64_t)(t->n_rcpts - k - z - d));
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

bool
transfer_hold(struct transfer *t)
{
	if (!t->job->holds && !has_room(t->job->out, t->job))
		return false;
	if (!t->job->holds)
		hold(t->job);
	return true;
}

void
transfer_told(struct transfer *t, size_t i, const struct verdict *v,
	      bool elsewhere)
{
	if (t->fates[i] != FATE_OPEN)
		return;
	t->fates[i] = elsewhere ? FATE_ELSEWHERE : FATE_TOLD;
	if (elsewhere)
		t->said = *v;
	job_outcome(t->job, t->index[i], v);
}

void
transfer_rest(struct transfer *t, size_t i)
{
	if (t->fates[i] == FATE_OPEN)
		t->fates[i] = FATE_REST;
}

void
transfer_forget(struct transfer *t)
{
	size_t i;

	for (i = 0; i < t->n_rcpts; i++) {
		t->fates[i] = FATE_OPEN;
		t->job->outcomes[t->index[i]].code = 0;
	}
}

bool
transfer_tried(const struct transfer *t, const struct endpoint *at)
{
	size_t i;

	for (i = 0; i < t->n_tried; i++)
		if (endpoint_same_address(&t->tried[i], at))
			return true;
	return false;
}

/* Keep those that have another turn, and open them; how many? */
static size_t
keep_open(struct transfer *t, bool elsewhere)
{
	size_t i, n = 0;

	for (i = 0; i < t->n_rcpts; i++) {
		struct outcome *o = &t->job->outcomes[t->index[i]];

		if (t->fates[i] == FATE_REST ||
		    (t->fates[i] == FATE_ELSEWHERE && elsewhere)) {
			o->code = 0;
			t->index[n] = t->index[i];
			t->rcpts[n] = t->rcpts[i];
			t->fates[n++] = FATE_OPEN;
		} else {
			o->is_sure = true;
		}
	}
	return n;
}

static bool
any_elsewhere(const struct transfer *t)
{
	return memchr(t->fates, FATE_ELSEWHERE, t->n_rcpts) != NULL;
}

void
transfer_over(struct transfer *t, const struct verdict *v,
	      const struct endpoint *at)
{
	struct job *job = t->job;
	struct out *out = job->out;
	bool elsewhere =
	    at && t->n_tried < TRANSFER_HOSTS_MAX && any_elsewhere(t);

	log_transfer(t, v);
	if (t->peer)
		out->n_busy--;
	t->peer = NULL;
	if (elsewhere)
		t->tried[t->n_tried++] = *at;
	t->n_rcpts = keep_open(t, elsewhere);
	if (t->n_rcpts > 0)
		dest_put_front(t->dest, t);
	else
		transfer_free(t);
	job_answer(job);
	out_check_stopped(out);
}

void
transfer_fail(struct transfer *t, const struct verdict *v)
{
	size_t i;

	if (t->n_tried > 0)
		v = &t->said;
	for (i = 0; i < t->n_rcpts; i++)
		transfer_told(t, i, v, false);
	transfer_over(t, v, NULL);
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
