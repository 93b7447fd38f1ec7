#include "smtp-gateway/out.h"

#include "lib/address.h"
#include "lib/die.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "smtp-gateway/dest.h"
#include "smtp-gateway/peer.h"

#include <stdlib.h>

/* outcomes */

static void
outcome(struct job *job, uint32_t i, const struct verdict *v)
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

static void
free_job(struct job *job)
{
	struct out *out = job->out;

	list_drop(&job->waits);
	if (job->holds)
		out->held -= job->agent_job->size;
	out->n_jobs--;
	buf_free(&job->texts);
	free(job->outcomes);
	free(job);
}

static void
start(struct job *job);

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
		start(job);
	}
}

/* Give the queue what is known, in its order. After the last verdict both
 * jobs are gone. */
static void
answer(struct job *job)
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
			free_job(job);
		agent_verdict(aj, &v);
	}
	let_held_go(out);
}

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

static void
check_stopped(struct out *out)
{
	if (out->stopping && out->n_busy == 0)
		loop_stop(out->loop);
}

static void
free_transfer(struct transfer *t)
{
	list_drop(&t->of_job);
	list_drop(&t->of_dest);
	free(t);
}

void
transfer_told(struct transfer *t, size_t i, const struct verdict *v)
{
	outcome(t->job, t->index[i], v);
}

void
transfer_over(struct transfer *t, const struct verdict *v)
{
	struct job *job = t->job;
	struct out *out = job->out;
	size_t i;

	for (i = 0; i < t->n_rcpts; i++)
		outcome(job, t->index[i], v);
	log_transfer(t, v);
	if (t->peer)
		out->n_busy--;
	free_transfer(t);
	answer(job);
	check_stopped(out);
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

/* beginning */

static bool
plain_domain(struct slice domain)
{
	size_t i;

	for (i = 0; i < domain.len; i++) {
		char c = domain.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || (c && strchr("-._:[]", c))))
			return false;
	}
	return domain.len <= DNS_NAME_MAX;
}

/* What would not survive between < and > must not come between them. */
static bool
fit(struct slice address, struct slice *domain)
{
	struct slice local;
	size_t i;

	for (i = 0; i < address.len; i++)
		if ((unsigned char)address.at[i] < ' ' || address.at[i] == 127)
			return false;
	address_split(address, &local, domain);
	return address_sane(address) && plain_domain(*domain);
}

struct nexthop {
	bool is_mx;
	struct slice host;
	uint16_t port;
};

static int
parse_nexthop(struct slice s, struct nexthop *n)
{
	struct slice tag = SLICE("smtp:");

	if (!slice_starts(s, tag))
		return -1;
	s = slice_from(s, tag.len);
	n->is_mx = slice_eq(s, SLICE("mx"));
	return n->is_mx ? 0 : hostport_split(s, &n->host, &n->port);
}

static void
add(struct job *job, struct dest *d, uint32_t i)
{
	struct transfer *t = d->filling;

	if (!t || t->job != job || t->n_rcpts == OUT_RCPTS_MAX) {
		t = calloc(1, sizeof *t);
		if (!t)
			die_nomem();
		t->job = job;
		t->dest = d;
		d->filling = t;
		list_put(&job->transfers, &t->of_job);
	}
	t->index[t->n_rcpts] = i;
	t->rcpts[t->n_rcpts++] = job->agent_job->rcpts[i];
}

static void
refuse(struct job *job, uint32_t i, const char *why)
{
	struct verdict v;

	verdict_say(&v, 'D', why);
	outcome(job, i, &v);
}

static void
sort(struct job *job, const struct nexthop *n)
{
	struct agent_job *aj = job->agent_job;
	struct link *link;
	uint32_t i;

	for (i = 0; i < aj->n_rcpts; i++) {
		struct slice domain;

		if (!fit(aj->rcpts[i], &domain) || aj->rcpts[i].len == 0)
			refuse(job, i, "no address for SMTP (#5.1.3)");
		else if (!n->is_mx)
			add(job, dest_smarthost(job->out, n->host, n->port), i);
		else if (domain.len == 0)
			refuse(job, i, "an address without domain (#5.1.2)");
		else
			add(job, dest_domain(job->out, domain), i);
	}
	for (link = list_first(&job->transfers); link;
	     link = list_next(&job->transfers, link))
		OWNER(link, struct transfer, of_job)->dest->filling = NULL;
}

static bool
several(const struct job *job)
{
	struct link *first = list_first(&job->transfers);

	return first && list_next(&job->transfers, first);
}

/* Hand all transfers over; the dests work at the end of the round. */
static void
start(struct job *job)
{
	struct link *link;

	if (several(job)) {
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

static struct job *
new_job(struct out *out, struct agent_job *aj)
{
	struct job *job = calloc(1, sizeof *job);

	if (!job)
		die_nomem();
	job->outcomes = calloc(aj->n_rcpts, sizeof *job->outcomes);
	if (!job->outcomes)
		die_nomem();
	job->out = out;
	job->agent_job = aj;
	list_init(&job->transfers);
	aj->user = job;
	out->n_jobs++;
	return job;
}

static void
job_begun(struct agent_job *aj)
{
	struct out *out = OWNER(aj->agent, struct out, agent);
	struct nexthop nexthop;
	struct slice domain;
	struct verdict v;
	struct job *job;

	aj->user = NULL;
	if (parse_nexthop(aj->nexthop, &nexthop) != 0) {
		verdict_say(&v, 'Z', "no next hop for SMTP (#4.3.5)");
		agent_verdict_rest(aj, &v);
		return;
	}
	if (!fit(aj->sender, &domain)) {
		verdict_say(&v, 'D', "no return path for SMTP (#5.1.7)");
		agent_verdict_rest(aj, &v);
		return;
	}
	job = new_job(out, aj);
	sort(job, &nexthop);
	if (several(job))
		list_put(&out->held_waits, &job->waits);
	else
		start(job);
	answer(job);
}

static void
job_text(struct agent_job *aj)
{
	struct job *job = aj->user;
	struct link *link;

	if (!job)
		return;
	if (job->holds) {
		agent_more(aj, aj->text_seen - job->granted);
		job->granted = aj->text_seen;
	}
	for (link = list_first(&job->transfers); link;) {
		struct transfer *t = OWNER(link, struct transfer, of_job);
		bool last = !list_next(&job->transfers, link);

		link = list_next(&job->transfers, link);
		if (t->peer)
			peer_text(t->peer);
		if (last)
			break; /* the job may be gone */
	}
}

static void
job_gone(struct agent_job *aj)
{
	struct job *job = aj->user;
	struct link *link;

	if (!job)
		return;
	while ((link = list_first(&job->transfers))) {
		struct transfer *t = OWNER(link, struct transfer, of_job);
		struct peer *peer = t->peer;

		if (peer)
			job->out->n_busy--;
		free_transfer(t);
		if (peer)
			peer_abandon(peer);
	}
	free_job(job);
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

static uint16_t
mx_port(void)
{
	const char *text = getenv("QUAIL_SMTP_PORT"); /* for tests */
	uint64_t port;

	if (text && slice_number(slice_text(text), 65535, &port) == 0)
		return (uint16_t)port;
	return 25;
}

void
out_start(struct out *out, struct loop *loop, struct config *config)
{
	out->loop = loop;
	out->config = config;
	out->mx_port = mx_port();
	list_init(&out->idle);
	list_init(&out->peer_waits);
	list_init(&out->lookup_waits);
	list_init(&out->held_waits);
	out->dns = dns_open(loop);
	agent_init(&out->agent, loop, HOME_AGENT, "smtp", OUT_JOBS_MAX, &calls);
}

void
out_stop(struct out *out)
{
	struct link *link;

	out->stopping = true;
	while ((link = list_first(&out->idle)))
		peer_dismiss(OWNER(link, struct peer, of_out));
	check_stopped(out);
}
