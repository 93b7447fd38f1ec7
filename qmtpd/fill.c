/* What goes out next on a connection to a next hop. */
#include "qmtpd/hop_parts.h"

#define TOO_LARGE  "the message is larger than the next hop takes (#5.3.4)"
#define NO_BATCHES "the next hop has become another (#4.4.2)"

/* An idle connection takes a large message when small ones do not need it:
 * none waits, or another connection is there for them. */
static bool
takes_large(const struct hop *h, const struct peer *p)
{
	size_t n = hop_n_large(h);

	return !list_empty(&h->large) && peer_idle(p) &&
	       n < HOP_PEERS_MAX - 1 &&
	       (list_empty(&h->small) || h->n_peers > n + 1);
}

/* One recipient of each in turn: a message of ten thousand recipients and
 * those that came after it take every other place. */
static void
small(struct hop *h, struct peer *p)
{
	struct delivery *d;

	for (;;) {
		d = delivery_first(p->turn ? &p->bound : &h->small);
		if (!d)
			d = delivery_first(p->turn ? &h->small : &p->bound);
		if (!d || !peer_room(p, d->size) || peer_has_word(p))
			return;
		p->turn = !p->turn;
		list_drop(&d->link);
		if (peer_too_large(p, d)) {
			delivery_reject(d, TOO_LARGE);
			continue;
		}
		peer_begin(p, d);
		if (delivery_to_go(d))
			list_put(&p->bound, &d->link);
	}
}

/* What was not hoarded goes out once only. */
static void
large(struct hop *h, struct peer *p, struct delivery *d)
{
	list_drop(&d->link);
	if (peer_too_large(p, d)) {
		delivery_reject(d, TOO_LARGE);
	} else if (!d->hoarded && !peer_whole(p, d)) {
		h->batches = false;
		delivery_fail(d, NO_BATCHES, VERDICT_HOST);
	} else {
		peer_begin(p, d);
	}
}

void
fill_peer(struct hop *h, struct peer *p)
{
	if (!p->is_open)
		return;
	if (p->streaming) {
		peer_stream(p);
	} else if (h->pool->stopping) {
		return;
	} else if (p->is_retired) {
		/* its last replies are waited for */
	} else if (p->large) {
		if (delivery_to_go(p->large) && peer_room(p, p->large->size))
			peer_begin(p, p->large);
	} else if (takes_large(h, p) && !peer_has_word(p)) {
		large(h, p, delivery_first(&h->large));
	} else {
		small(h, p);
	}
	if (p->n_begun > 0)
		hop_look(h);
	peer_clock(p);
}
