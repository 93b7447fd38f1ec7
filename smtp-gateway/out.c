#include "smtp-gateway/out_parts.h"

#include "lib/address.h"
#include "lib/descriptors.h"
#include "lib/die.h"
#include "lib/home.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "smtp-gateway/dest.h"
#include "smtp-gateway/peer.h"

#include <stdlib.h>

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

static struct slice
attr_of(const struct agent_job *aj, struct slice key)
{
	struct slice rest = buf_slice(&aj->attrs), one;

	while (netstring_slice(&rest, &one) == 0)
		if (slice_starts(one, key))
			return slice_from(one, key.len);
	return SLICE("");
}

static void
refuse(struct job *job, uint32_t i, char code, const char *why)
{
	struct verdict v;

	verdict_say(&v, code, why);
	if (code == 'Z')
		v.about = VERDICT_HOST;
	job_outcome(job, i, &v);
	job->outcomes[i].is_sure = true;
}

/* Never clear text for what is to be encrypted: the route's word counts, else
 * that of tlspolicy for the domain, or the smarthost. */
static bool
may_be_clear(const struct job *job, struct slice host)
{
	enum config_tls policy =
	    config_tls_parse(attr_of(job->agent_job, SLICE("tls=")));
	struct config_tls_line line;

	if (policy == CONFIG_TLS_UNSAID &&
	    config_tls_policy(job->out->config, host, &line))
		policy = line.policy;
	return policy != CONFIG_TLS_ENCRYPT && policy != CONFIG_TLS_VERIFY;
}

static void
sort(struct job *job, const struct nexthop *n, const struct way *way)
{
	struct agent_job *aj = job->agent_job;
	struct link *link;
	uint32_t i;

	for (i = 0; i < aj->n_rcpts; i++) {
		struct slice domain;

		if (!fit(aj->rcpts[i], &domain) || aj->rcpts[i].len == 0)
			refuse(job, i, 'D', "no address for SMTP (#5.1.3)");
		else if (!may_be_clear(job, n->is_mx ? domain : n->host))
			refuse(job, i, 'Z',
			       "the tables ask for TLS there, which this "
			       "program cannot do yet (#4.3.3)");
		else if (!n->is_mx)
			add(job,
			    dest_smarthost(job->out, way, n->host, n->port), i);
		else if (domain.len == 0)
			refuse(job, i, 'D',
			       "an address without domain (#5.1.2)");
		else
			add(job, dest_domain(job->out, way, domain), i);
	}
	for (link = list_first(&job->transfers); link;
	     link = list_next(&job->transfers, link))
		OWNER(link, struct transfer, of_job)->dest->filling = NULL;
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

/* False: not an address, or a name with blanks. */
static bool
take_way(const struct agent_job *aj, struct way *way)
{
	struct endpoint from;

	way->source = attr_of(aj, SLICE("source="));
	way->helo = attr_of(aj, SLICE("helo="));
	return plain_domain(way->helo) &&
	       (way->source.len == 0 ||
		endpoint_parse(&from, way->source, 0) == 0);
}

static void
job_begun(struct agent_job *aj)
{
	struct out *out = OWNER(aj->agent, struct out, agent);
	struct nexthop nexthop;
	struct slice domain;
	struct verdict v;
	struct job *job;
	struct way way;

	aj->user = NULL;
	if (!take_way(aj, &way)) {
		verdict_say(&v, 'Z',
			    "the queue named no address to send from (#4.3.5)");
		v.about = VERDICT_HOST;
		agent_verdict_rest(aj, &v);
		return;
	}
	if (parse_nexthop(aj->nexthop, &nexthop) != 0) {
		verdict_say(&v, 'Z', "no next hop for SMTP (#4.3.5)");
		v.about = VERDICT_HOST;
		agent_verdict_rest(aj, &v);
		return;
	}
	if (!fit(aj->sender, &domain)) {
		verdict_say(&v, 'D', "no return path for SMTP (#5.1.7)");
		agent_verdict_rest(aj, &v);
		return;
	}
	job = new_job(out, aj);
	sort(job, &nexthop, &way);
	if (job_has_several(job))
		list_put(&out->held_waits, &job->waits);
	else
		job_start(job);
	job_answer(job);
}

static void
job_text(struct agent_job *aj)
{
	struct job *job = aj->user;
	struct link *link;

	if (!job)
		return;
	if (job->is_counted) {
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
		transfer_free(t);
		if (peer)
			peer_abandon(peer);
	}
	job_free(job);
}

/* Might a host take it? When we give up: has it all of it? */
static bool
must_wait(const struct peer *p)
{
	return p->dest->out->giving_up ? peer_may_have(p) : p->smtpc.sent;
}

/* Not when a host may have taken it: then there will be an answer soon. */
static bool
give_back(struct agent_job *aj)
{
	struct job *job = aj->user;
	struct link *link;

	if (!job)
		return true;
	for (link = list_first(&job->transfers); link;
	     link = list_next(&job->transfers, link)) {
		struct transfer *t = OWNER(link, struct transfer, of_job);

		if (t->peer && must_wait(t->peer))
			return false;
	}
	job_gone(aj);
	return true;
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

/* Where descriptors are few, a half is for peers; a look-up that asks for both
 * kinds of addresses has two. */
static void
share_out(struct out *out)
{
	size_t left = descriptors_left(OUT_PEERS_MAX + 2 * OUT_LOOKUPS_MAX);
	size_t peers = left / 2 < OUT_PEERS_MAX ? left / 2 : OUT_PEERS_MAX;
	size_t lookups = (left - peers) / 2;

	share_init(&out->peers, peers);
	share_init(&out->lookups,
		   lookups < OUT_LOOKUPS_MAX ? lookups : OUT_LOOKUPS_MAX);
}

void
out_start(struct out *out, struct loop *loop, struct config *config)
{
	out->loop = loop;
	out->config = config;
	out->mx_port = mx_port();
	out->is_test = getenv("QUAIL_SMTP_PORT") != NULL;
	crowds_init(&out->crowds);
	list_init(&out->idle);
	list_init(&out->busy);
	share_out(out);
	list_init(&out->looked_up);
	list_init(&out->held_waits);
	out->dns = dns_open(loop);
	agent_init(&out->agent, loop, HOME_AGENT, "smtp", OUT_JOBS_MAX, &calls);
	out->agent.give_back = give_back;
}

void
out_check_stopped(struct out *out)
{
	if (out->stopping && out->n_busy == 0)
		loop_stop(out->loop);
}

/* Of a job with several transfers one may be behind its text, and others not:
 * those are tried again by the queue when we are gone. */
static void
cut(struct out *out)
{
	struct link *link = list_first(&out->busy);

	while (link) {
		struct peer *p = OWNER(link, struct peer, of_out);

		link = list_next(&out->busy, link);
		if (!p->smtpc.sent) {
			out->n_busy--;
			p->transfer->peer = NULL;
			peer_abandon(p);
		}
	}
}

void
out_stop(struct out *out)
{
	struct link *link;

	out->stopping = true;
	while ((link = list_first(&out->idle)))
		peer_dismiss(OWNER(link, struct peer, of_out));
	agent_end(&out->agent);
	cut(out);
	out_check_stopped(out);
}

void
out_give_up(struct out *out)
{
	struct link *link;

	out->giving_up = true;
	for (link = list_first(&out->busy); link;
	     link = list_next(&out->busy, link)) {
		struct peer *p = OWNER(link, struct peer, of_out);

		peer_log_duplicate(p);
		peer_take_back(p);
	}
	agent_give_up(&out->agent);
	loop_stop(out->loop);
}
