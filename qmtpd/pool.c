#include "qmtpd/pool.h"

#include "lib/descriptors.h"
#include "lib/owner.h"

#define PREFIX	 "qmtp:"
#define TLS	 "qmtps:"
#define NOT_QMTP "the next hop is neither qmtp: nor qmtps: (#4.3.5)"

static struct list *
bucket(struct pool *pool, struct slice name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < name.len; i++)
		hash = (hash ^ (uint8_t)name.at[i]) * 16777619u;
	return &pool->hops[hash % POOL_TABLE];
}

static struct hop *
hop_for(struct pool *pool, struct slice name)
{
	struct list *list = bucket(pool, name);
	struct link *link;
	struct hop *h;

	for (link = list_first(list); link; link = list_next(list, link)) {
		h = OWNER(link, struct hop, link);
		if (slice_eq(buf_slice(&h->name), name))
			return h;
	}
	h = hop_new(pool, name);
	list_put(list, &h->link);
	return h;
}

/* Fetch the text of large deliveries for many, as far as the hoard goes.
 * One that is larger than all of it may go alone. */
static void
fetch_waiting(struct pool *pool)
{
	struct link *link;

	while ((link = list_first(&pool->wait))) {
		struct delivery *d = OWNER(link, struct delivery, link);

		if (!d->job->agent->is_open)
			return;
		if (pool->hoard > 0 && pool->hoard + d->size > POOL_HOARD)
			return;
		list_drop(link);
		pool->hoard += d->size;
		d->in_budget = true;
		agent_more(d->job, d->size - AGENT_CREDIT);
	}
}

static void
text_complete(struct delivery *d)
{
	if (d->large && !d->hoarded)
		return; /* it is being streamed */
	hop_put(d->hop, d);
}

static void
job_begun(struct agent_job *job)
{
	struct pool *pool = job->agent->owner;
	struct slice name = job->nexthop;
	struct delivery *d;
	struct verdict v;

	if (slice_starts(name, SLICE(PREFIX))) {
		name = slice_from(name, sizeof PREFIX - 1);
	} else if (!slice_starts(name, SLICE(TLS))) {
		verdict_say(&v, 'Z', NOT_QMTP);
		v.about = VERDICT_HOST;
		agent_verdict_rest(job, &v);
		return;
	}
	d = delivery_new(job, hop_for(pool, name));
	d->hop->n_deliveries++;
	d->large = job->size > AGENT_CREDIT;
	d->hoarded = d->large && job->n_rcpts > 1 && !d->hop->batches;
	if (d->hoarded) {
		list_put(&pool->wait, &d->link);
		fetch_waiting(pool);
	} else if (d->large || job->text_complete) {
		hop_put(d->hop, d);
	}
}

static void
job_text(struct agent_job *job)
{
	struct delivery *d = job->user;

	if (job->text_complete)
		text_complete(d);
	if (d->large && !d->hoarded)
		hop_text(d->hop, d);
}

static void
job_gone(struct agent_job *job)
{
	struct delivery *d = job->user;

	hop_abandon(d->hop, d);
}

/* Not when the next hop may have it: then there will be an answer soon. */
static bool
give_back(struct agent_job *job)
{
	struct pool *pool = job->agent->owner;

	if (peer_may_have(job->user, pool->giving_up))
		return false;
	job_gone(job);
	return true;
}

/* A queue that died may give a job again whose verdict it has lost. On a new
 * connection the next hop knows it for a repeat; on one where it has answered
 * for it, it would be a second message. */
static void
queue_gone(struct agent *a)
{
	struct pool *pool = a->owner;
	struct link *link, *next;
	size_t i;

	for (i = 0; i < POOL_TABLE; i++) {
		for (link = list_first(&pool->hops[i]); link; link = next) {
			struct hop *h = OWNER(link, struct hop, link);

			next = list_next(&pool->hops[i], link);
			if (h->secure.on == (a == &pool->secure_agent))
				hop_renew(h);
		}
	}
}

bool
pool_spares(struct pool *pool)
{
	struct link *link;
	size_t i;

	for (i = 0; i < POOL_TABLE; i++)
		for (link = list_first(&pool->hops[i]); link;
		     link = list_next(&pool->hops[i], link))
			if (hop_spares(OWNER(link, struct hop, link)))
				return true;
	return false;
}

/* A connection may have been made by the newest tables already. */
void
pool_refresh(struct pool *pool)
{
	struct link *link;
	size_t i;

	secure_refresh(&pool->secure);
	if (!pool->secure.config ||
	    pool->secure.config->generation == pool->tables)
		return;
	pool->tables = pool->secure.config->generation;
	for (i = 0; i < POOL_TABLE; i++)
		for (link = list_first(&pool->hops[i]); link;
		     link = list_next(&pool->hops[i], link))
			hop_trust_again(OWNER(link, struct hop, link));
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

void
pool_init(struct pool *pool, struct loop *loop, struct dns *dns,
	  const char *path)
{
	size_t i;

	*pool = (struct pool){.loop = loop,
			      .dns = dns,
			      .peers_max = descriptors_left(POOL_PEERS_MAX)};
	list_init(&pool->wait);
	for (i = 0; i < POOL_TABLE; i++)
		list_init(&pool->hops[i]);
	agent_init(&pool->agent, loop, path, "qmtp", POOL_JOBS, &calls);
	pool->agent.owner = pool;
	pool->agent.give_back = give_back;
	pool->agent.queue_gone = queue_gone;
}

void
pool_secure(struct pool *pool, const char *path)
{
	agent_init(&pool->secure_agent, pool->loop, path, "qmtps", POOL_JOBS,
		   &calls);
	pool->secure_agent.owner = pool;
	pool->secure_agent.give_back = give_back;
	pool->secure_agent.queue_gone = queue_gone;
}

void
pool_stop(struct pool *pool)
{
	pool->stopping = true;
	agent_end(&pool->agent);
	if (pool->secure_agent.owner)
		agent_end(&pool->secure_agent);
}

static void
give_up(const struct peer *p)
{
	peer_log_duplicates(p);
	peer_take_back(p);
}

static void
give_up_hop(const struct hop *h)
{
	struct link *link;

	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link))
		give_up(OWNER(link, struct peer, link));
}

void
pool_give_up(struct pool *pool)
{
	struct link *link;
	size_t i;

	pool->giving_up = true;
	agent_give_up(&pool->agent);
	if (pool->secure_agent.owner)
		agent_give_up(&pool->secure_agent);
	for (i = 0; i < POOL_TABLE; i++)
		for (link = list_first(&pool->hops[i]); link;
		     link = list_next(&pool->hops[i], link))
			give_up_hop(OWNER(link, struct hop, link));
}

static bool
hop_busy(const struct hop *h)
{
	struct link *link;

	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link))
		if (OWNER(link, struct peer, link)->n_begun > 0)
			return true;
	return false;
}

bool
pool_busy(const struct pool *pool)
{
	struct link *link;
	size_t i;

	for (i = 0; i < POOL_TABLE; i++)
		for (link = list_first(&pool->hops[i]); link;
		     link = list_next(&pool->hops[i], link))
			if (hop_busy(OWNER(link, struct hop, link)))
				return true;
	return false;
}

void
pool_close(struct pool *pool)
{
	struct link *link;
	size_t i;

	agent_close(&pool->agent);
	if (pool->secure_agent.owner)
		agent_close(&pool->secure_agent);
	for (i = 0; i < POOL_TABLE; i++)
		while ((link = list_first(&pool->hops[i])))
			hop_close(OWNER(link, struct hop, link));
	secure_close(&pool->secure);
}

void
pool_delivery_over(struct pool *pool, struct delivery *d)
{
	if (!d->in_budget)
		return;
	d->in_budget = false;
	pool->hoard -= d->size;
	fetch_waiting(pool);
}
