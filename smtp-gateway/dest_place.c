/* dest_place.c - has an address a place for one more connection? */
#include "lib/owner.h"
#include "smtp-gateway/dest_parts.h"
#include "smtp-gateway/peer.h"

bool
dest_has_place(const struct dest *d, const struct endpoint *at)
{
	return crowd_has_room(&d->out->crowds, at);
}

void
dest_say_full(struct verdict *v)
{
	verdict_say(v, 'Z',
		    "its hosts have as many connections as an address may "
		    "have (#4.4.5)");
	v->about = VERDICT_WAY;
}

/* The best of its targets; one that was silent only if all were. */
static const struct target *
best_of(const struct dest *d)
{
	size_t i;

	for (i = 0; i < d->targets->n; i++)
		if (!dest_shuns(d, &d->targets->at[i].to))
			return &d->targets->at[i];
	return &d->targets->at[0];
}

/* Where? At a target that is as good as the best; NULL: all are full. */
static const struct target *
place_of(const struct dest *d, const struct target *best)
{
	size_t i;

	for (i = 0; i < d->targets->n; i++) {
		const struct target *t = &d->targets->at[i];

		if (t->preference == best->preference &&
		    dest_has_place(d, &t->to))
			return t;
	}
	return NULL;
}

/* One that is kept for another destination makes room. */
static void
dismiss_idle_at(struct out *out, const struct endpoint *at)
{
	const struct crowd *c = crowd_of(&out->crowds, at);
	struct link *link;

	for (link = list_first(&out->idle); link;
	     link = list_next(&out->idle, link)) {
		struct peer *p = OWNER(link, struct peer, of_out);

		if (p->crowd != c)
			continue;
		peer_dismiss(p);
		return;
	}
}

bool
dest_find_place(struct dest *d)
{
	const struct target *best = best_of(d);
	int64_t now_ms = d->out->loop->now_ms, left_ms;
	struct verdict v;

	if (place_of(d, best)) {
		d->full_ms = 0;
		return true;
	}
	if (d->full_ms == 0)
		d->full_ms = now_ms;
	if (d->n_peers == 0 && now_ms - d->full_ms >= DEST_FULL_MS) {
		d->full_ms = 0;
		dest_say_full(&v);
		list_drop(&d->waits);
		dest_fail(d, &v, false);
		dest_work_later(d);
		return false;
	}
	crowd_wait(&d->out->crowds, &best->to, &d->waits);
	dismiss_idle_at(d->out, &best->to);
	left_ms = d->full_ms + DEST_FULL_MS - now_ms;
	loop_timer_set(d->out->loop, &d->again,
		       left_ms > 0 ? left_ms : DEST_FULL_MS);
	return false;
}

/* Nobody keeps two, or one without mail, or one for ever. */
bool
dest_wants_place(const struct peer *p)
{
	const struct dest *d = p->dest;

	return (crowd_is_wanted(p->crowd) || share_is_wanted(&d->out->peers)) &&
	       (list_empty(&d->transfers) || d->n_peers > 1 ||
		p->n_mails >= PEER_MAILS_TURN);
}
