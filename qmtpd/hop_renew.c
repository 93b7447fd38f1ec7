/* Connections that are given up for others, though nothing is wrong with them:
 * the queue has begun anew, the tables know the next hop by something else than
 * they did, or another next hop needs the descriptor. */
#include "qmtpd/hop_parts.h"

#define OTHER_TRUST "the tables know it by something else now (#4.4.2)"

void
hop_renew(struct hop *h)
{
	struct link *link, *next;

	for (link = list_first(&h->peers); link; link = next) {
		struct peer *p = OWNER(link, struct peer, link);

		next = list_next(&h->peers, link);
		if (p == h->dialing)
			continue;
		p->is_open = false; /* our doing: no trouble of its */
		hop_drop_peer(h, p, LOST);
	}
}

bool
hop_spares(struct hop *h)
{
	struct link *link;

	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link)) {
		struct peer *p = OWNER(link, struct peer, link);

		if (!p->is_open || !peer_idle(p))
			continue;
		p->is_open = false; /* our doing: no trouble of its */
		hop_drop_peer(h, p, LOST);
		return true;
	}
	return false;
}

void
hop_trust_again(struct hop *h)
{
	struct secure_trust now;
	struct link *link;
	const char *fault;

	if (!h->secure.on || h->secure.pinned || h->n_peers == 0)
		return;
	fault = secure_ask(&h->pool->secure, &h->secure, &now);
	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link)) {
		struct peer *p = OWNER(link, struct peer, link);

		if (fault || !secure_same(&p->trust, &now))
			p->is_retired = true;
	}
	secure_leave(&now);
	hop_pump_later(h);
}

bool
hop_let_go(struct hop *h, struct peer *p)
{
	struct delivery *d = p->large;

	if (!p->is_retired || !p->is_open || p->n_begun > 0 || p->streaming)
		return false;
	p->large = NULL;
	if (d) { /* it has recipients to go */
		d->peer = NULL;
		list_put_front(&h->large, &d->link);
	}
	p->is_open = false; /* our doing: no trouble of its */
	hop_log(h, "retired", OTHER_TRUST);
	hop_drop_peer(h, p, OTHER_TRUST);
	return true;
}
