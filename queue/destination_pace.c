/* destination_pace.c - what a destination's answers teach of it: how much to
 * have under way */
#include "queue/destination_parts.h"

/* the limit */

static bool
is_smtp(const struct destination *d)
{
	return slice_eq(d->agent, SLICE("smtp"));
}

void
destination_set_most(struct destination *d, uint32_t concurrency)
{
	d->by_rcpts = concurrency == 0 && !is_smtp(d);
	d->most = concurrency  ? concurrency
		  : is_smtp(d) ? DESTINATION_MOST_SMTP
			       : DESTINATION_MOST;
	if (d->limit > d->most)
		d->limit = d->most;
}

void
destination_first_limit(struct destination *d)
{
	d->limit = is_smtp(d) ? DESTINATION_FIRST_SMTP : DESTINATION_FIRST;
	if (d->limit > d->most)
		d->limit = d->most;
}

uint32_t
destination_load(const struct destination *d)
{
	return d->by_rcpts ? d->n_rcpts : d->n_running;
}

static void
raise_limit(struct destination *d, const struct attempt *a)
{
	uint32_t more = d->by_rcpts && !d->was_slowed ? a->load : 1;

	if (d->limit >= d->most ||
	    (destination_load(d) < d->limit && d->waiting.n == 0))
		return; /* it was not the limit that held us */
	if (d->was_slowed && ++d->n_well < d->limit)
		return;
	d->n_well = 0;
	d->limit = more < d->most - d->limit ? d->limit + more : d->most;
}

void
destination_lower_limit(struct destination *d)
{
	int64_t now_ms = d->all->loop->now_ms;

	if (d->was_slowed && now_ms - d->slowed_ms < 1000)
		return; /* answers to what we sent before the last time */
	d->was_slowed = true;
	d->slowed_ms = now_ms;
	d->n_well = 0;
	d->limit = d->limit > 1 ? d->limit / 2 : 1;
	destination_log(d, "destination-slower", 0);
}

/* What it has of us has waited: as much as it takes in a second is enough.
 * Answers to what was begun before the last time say nothing new. */
static void
shorten_line(struct destination *d, const struct attempt *a, int64_t took_ms)
{
	int64_t fits;

	if (a->started_ms <= d->shortened_ms)
		return;
	fits = (int64_t)destination_load(d) * DESTINATION_LINE_MS / took_ms;
	d->shortened_ms = d->all->loop->now_ms;
	if (fits < d->limit)
		d->limit = fits > 1 ? (uint32_t)fits : 1;
}

void
destination_learn_pace(struct destination *d, const struct attempt *a)
{
	int64_t took_ms = d->all->loop->now_ms - a->started_ms;

	if (took_ms < 1)
		took_ms = 1;
	if (d->quickest_ms == 0 || took_ms < d->quickest_ms)
		d->quickest_ms = took_ms;
	if (took_ms > DESTINATION_LINE_MS && took_ms > 2 * d->quickest_ms)
		shorten_line(d, a, took_ms);
	else
		raise_limit(d, a);
}
