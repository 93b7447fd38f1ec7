#include "smtp-gateway/dest_parts.h"

#include "lib/die.h"
#include "lib/owner.h"
#include "smtp-gateway/peer.h"

#include <stdlib.h>

/* the end */

static void
forget_targets(struct dest *d)
{
	free(d->targets);
	d->targets = NULL;
	d->rcpts_max = 0;
	d->mails_max = 0;
}

static void
end_lookup(struct dest *d)
{
	d->lookup = NULL;
	if (!list_has(&d->of_lookups))
		return;
	list_drop(&d->of_lookups);
	share_leave(&d->out->lookups, d->asks_for_bounces, dest_wake);
}

static void
drop_lookup(struct dest *d)
{
	struct lookup *l = d->lookup;

	end_lookup(d);
	lookup_cancel(l);
	free(l);
}

static void
drop(struct dest *d)
{
	names_drop(&d->out->dests, &d->link);
	if (d->lookup)
		drop_lookup(d);
	forget_targets(d);
	loop_task_drop(d->out->loop, &d->work);
	loop_timer_stop(d->out->loop, &d->expiry);
	loop_timer_stop(d->out->loop, &d->again);
	list_drop(&d->waits);
	buf_free(&d->key);
	free(d);
}

static bool
in_use(const struct dest *d)
{
	return d->n_peers > 0 || d->lookup || !list_empty(&d->transfers);
}

static void
expired(struct loop_timer *timer)
{
	struct dest *d = OWNER(timer, struct dest, expiry);

	if (!in_use(d))
		drop(d);
}

void
dest_free_all(struct out *out)
{
	struct names_walk w = {0};
	struct names_link *l;

	while ((l = names_next(&out->dests, &w)))
		drop(OWNER(l, struct dest, link));
	names_free(&out->dests);
}

void
dest_fail(struct dest *d, const struct verdict *v, bool only_second)
{
	struct link *link = list_first(&d->transfers);

	while (link) {
		struct transfer *t = OWNER(link, struct transfer, of_dest);

		link = list_next(&d->transfers, link);
		if (t->n_tried > 0 || !only_second)
			transfer_fail(t, v);
	}
}

/* looking up */

void
dest_wake(struct link *waits)
{
	dest_work_later(OWNER(waits, struct dest, waits));
}

/* Is what waits here nothing but bounces? A look at the first will do. */
static bool
is_for_bounces(const struct dest *d)
{
	struct link *link = list_first(&d->transfers);
	size_t n = 0;

	for (; link && n < 20; link = list_next(&d->transfers, link), n++)
		if (OWNER(link, struct transfer, of_dest)
			->job->agent_job->sender.len > 0)
			return false;
	return true;
}

/* One more of these, or wait for it. */
static bool
take(struct dest *d, struct share *s, bool is_bounce)
{
	if (share_take(s, is_bounce))
		return true;
	if (!is_bounce && d->waits_behind)
		list_drop(&d->waits);
	d->waits_behind = is_bounce;
	share_wait(s, is_bounce, &d->waits);
	return false;
}

/* Of the targets only those that our address can reach. */
static void
keep_family(const struct dest *d, struct lookup *l)
{
	size_t i, n = 0;

	if (d->from.len == 0 || l->targets.n == 0)
		return;
	for (i = 0; i < l->targets.n; i++)
		if (l->targets.at[i].to.a.any.sa_family ==
		    d->from.a.any.sa_family)
			l->targets.at[n++] = l->targets.at[i];
	l->targets.n = n;
	if (n == 0)
		verdict_say(&l->verdict, 'Z',
			    d->from.a.any.sa_family == AF_INET6
				? "the host has no IPv6 address, which the "
				  "pool's would need (#4.4.4)"
				: "the host has no IPv4 address, which the "
				  "pool's would need (#4.4.4)");
}

static void
looked_up(struct lookup *l)
{
	struct dest *d = l->user;

	end_lookup(d);
	keep_family(d, l);
	if (l->targets.n > 0) {
		d->targets = malloc(sizeof *d->targets);
		if (!d->targets)
			die_nomem();
		*d->targets = l->targets;
		d->fresh_until_ms = d->out->loop->now_ms + DEST_FRESH_MS;
	} else {
		if (l->verdict.code == 'Z')
			l->verdict.about = VERDICT_WAY;
		dest_fail(d, &l->verdict, false);
	}
	free(l);
	dest_work_later(d);
}

/* Of a number nobody is asked, so it waits for nobody. */
static bool
is_numeric(const struct dest *d)
{
	struct endpoint e;

	return endpoint_parse(&e, d->name, d->port) == 0;
}

/* When there are too many, the oldest that nothing waits for any more goes. */
static void
drop_idle_lookup(struct out *out)
{
	struct link *link = list_first(&out->looked_up);
	struct dest *d;

	while (link &&
	       !list_empty(&OWNER(link, struct dest, of_lookups)->transfers))
		link = list_next(&out->looked_up, link);
	if (!link)
		return;
	d = OWNER(link, struct dest, of_lookups);
	drop_lookup(d);
	dest_work_later(d); /* which sees that it is idle */
}

static bool
may_look_up(struct dest *d, bool is_bounce)
{
	struct out *out = d->out;

	if (is_numeric(d))
		return true;
	if (out->lookups.n >= out->lookups.max)
		drop_idle_lookup(out);
	if (!take(d, &out->lookups, is_bounce))
		return false;
	list_put(&out->looked_up, &d->of_lookups);
	return true;
}

static void
look_up(struct dest *d)
{
	struct out *out = d->out;
	struct asker by = {.dns = out->dns,
			   .config = out->config,
			   .helo = d->helo,
			   .is_test = out->is_test};

	bool is_bounce = is_for_bounces(d);

	if (d->lookup || !may_look_up(d, is_bounce))
		return;
	d->asks_for_bounces = is_bounce;
	d->lookup = calloc(1, sizeof *d->lookup);
	if (!d->lookup)
		die_nomem();
	d->lookup->user = d;
	if (d->is_mx)
		lookup_domain(d->lookup, &by, d->name, d->port, looked_up);
	else
		lookup_smarthost(d->lookup, &by, d->name, d->port, looked_up);
}

/* carrying */

/* A connection that was made for what another host has deferred is for such
 * mail only: others go to the best host that there is. */
static bool
suits(const struct peer *p, const struct transfer *t)
{
	return (!p->is_second || t->n_tried > 0) &&
	       !transfer_tried(t, &p->targets->at[p->at].to);
}

static struct peer *
idle_for(const struct dest *d, const struct transfer *t)
{
	struct link *link;

	for (link = list_first(&d->idle); link;
	     link = list_next(&d->idle, link)) {
		struct peer *p = OWNER(link, struct peer, of_dest);

		if (suits(p, t))
			return p;
	}
	return NULL;
}

static void
give_to_idle(struct dest *d)
{
	struct link *link = list_first(&d->transfers);

	while (link && !list_empty(&d->idle)) {
		struct transfer *t = OWNER(link, struct transfer, of_dest);
		struct peer *p = idle_for(d, t);

		link = list_next(&d->transfers, link);
		if (!p)
			continue;
		list_drop(&p->of_dest);
		list_drop(&t->of_dest);
		peer_take(p, t);
	}
}

/* Wait for the pace. That is never so long that anybody has to be told. */
static bool
paced(struct dest *d)
{
	int64_t ms = dest_may_open_ms(d);

	if (ms == 0)
		return false;
	loop_timer_set(d->out->loop, &d->again, ms);
	return true;
}

static void
open_peer(struct dest *d)
{
	struct out *out = d->out;
	bool is_bounce = is_for_bounces(d);

	if (d->n_connecting > 0 || d->n_peers >= DEST_PEERS_MAX || paced(d) ||
	    !dest_find_place(d))
		return;
	if (!take(d, &out->peers, is_bounce)) {
		struct link *idle = list_first(&out->idle);

		if (idle)
			peer_dismiss(OWNER(idle, struct peer, of_out));
		return;
	}
	dest_opens(d);
	d->n_peers++;
	d->n_connecting++;
	peer_start(d, d->targets,
		   OWNER(list_first(&d->transfers), struct transfer, of_dest),
		   is_bounce);
}

/* Trouble is remembered longer than a destination is. */
static void
expire_later(struct dest *d)
{
	bool is_well = d->n_bad == 0 && d->n_unreached == 0 &&
		       d->patience_ms == DEST_PATIENCE_MS;

	loop_timer_set(d->out->loop, &d->expiry,
		       is_well ? DEST_FRESH_MS : DEST_REMEMBER_MS);
}

static void
work(struct loop_task *task)
{
	struct dest *d = OWNER(task, struct dest, work);

	if (d->out->stopping)
		return;
	give_to_idle(d);
	if (d->targets && d->out->loop->now_ms >= d->fresh_until_ms)
		forget_targets(d);
	if (list_empty(&d->transfers)) {
		if (!in_use(d))
			expire_later(d);
		return;
	}
	if (d->targets)
		open_peer(d);
	else if (d->n_peers > 0 || !paced(d))
		look_up(d);
}

static void
time_to_work(struct loop_timer *timer)
{
	dest_work_later(OWNER(timer, struct dest, again));
}

void
dest_work_later(struct dest *d)
{
	loop_task_queue(d->out->loop, &d->work);
}

void
dest_put(struct dest *d, struct transfer *t)
{
	list_put(&d->transfers, &t->of_dest);
	dest_work_later(d);
}

void
dest_put_front(struct dest *d, struct transfer *t)
{
	list_put_front(&d->transfers, &t->of_dest);
	dest_work_later(d);
}

/* Is nothing heard of the connections that there are? */
static bool
is_silent(const struct dest *d)
{
	return d->n_peers == 0 ||
	       d->out->loop->now_ms - d->heard_ms >= DEST_PATIENCE_MS;
}

void
dest_peer_gone(struct dest *d, enum dest_end end, const struct verdict *why,
	       bool is_second)
{
	d->n_peers--;
	dest_ended(d, end);
	if (end == DEST_UNREACHED && is_second) {
		dest_fail(d, why, true);
	} else if (end == DEST_UNREACHED && is_silent(d)) {
		forget_targets(d);
		dest_fail(d, why, false);
	}
	dest_work_later(d);
}

void
dest_init(struct dest *d)
{
	d->work.run = work;
	d->expiry.expired = expired;
	d->again.expired = time_to_work;
	d->patience_ms = DEST_PATIENCE_MS;
	list_init(&d->transfers);
	list_init(&d->idle);
}
