/* dest_pace.c - when may the next connection to a destination be made? */
#include "smtp-gateway/dest.h"

static int64_t
now(const struct dest *d)
{
	return d->out->loop->now_ms;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void
dest_taken(struct dest *d)
{
	d->n_bad = 0;
	d->n_unreached = 0;
	d->next_ms = 0;
}

void
dest_greeted(struct dest *d, int64_t took_ms)
{
	d->patience_ms = smaller(larger(2 * took_ms, DEST_PATIENCE_MS),
				 DEST_PATIENCE_MAX_MS);
}

void
dest_silent(struct dest *d)
{
	d->patience_ms = smaller(2 * d->patience_ms, DEST_PATIENCE_MAX_MS);
}

static int64_t
pause_ms(unsigned n)
{
	int64_t ms = DEST_BAD_MIN_MS;

	while (--n > 0 && ms < DEST_BAD_MAX_MS)
		ms *= 4;
	return smaller(ms, DEST_BAD_MAX_MS);
}

/* Each kind of trouble by itself: a host that was full, and talks again, does
 * not wait longer for the first connection that it drops. */
void
dest_ended(struct dest *d, enum dest_end end)
{
	unsigned *n = end == DEST_UNREACHED ? &d->n_unreached : &d->n_bad;

	if (end == DEST_GOOD)
		return;
	if (*n < 100)
		++*n;
	d->knock_ms = now(d) + DEST_KNOCK_MS;
	d->next_ms = now(d) + pause_ms(*n);
}

int64_t
dest_may_open_ms(const struct dest *d)
{
	int64_t at = larger(d->next_ms,
			    d->bucket_ms - (int64_t)DEST_BURST * DEST_EACH_MS);

	if (d->n_peers > 0)
		at = larger(at, d->knock_ms);
	return larger(at - now(d), 0);
}

void
dest_opens(struct dest *d)
{
	d->bucket_ms = larger(d->bucket_ms, now(d)) + DEST_EACH_MS;
}

/* A full table forgets the one that is over first. */
void
dest_shun(struct dest *d, const struct endpoint *at)
{
	size_t i, n = 0;

	for (i = 0; i < DEST_SHUNNED_MAX; i++) {
		if (d->shunned[i].until_ms < d->shunned[n].until_ms)
			n = i;
		if (d->shunned[i].until_ms &&
		    endpoint_same_address(&d->shunned[i].at, at)) {
			n = i;
			break;
		}
	}
	d->shunned[n].at = *at;
	d->shunned[n].until_ms = now(d) + DEST_SHUN_MS;
}

bool
dest_shuns(const struct dest *d, const struct endpoint *at)
{
	size_t i;

	for (i = 0; i < DEST_SHUNNED_MAX; i++)
		if (d->shunned[i].until_ms > now(d) &&
		    endpoint_same_address(&d->shunned[i].at, at))
			return true;
	return false;
}
