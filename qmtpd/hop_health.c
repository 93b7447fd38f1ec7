/* hop_health.c - is a next hop frozen, and when may it be called again? */
#include "lib/clock.h"
#include "lib/log.h"
#include "qmtpd/hop_parts.h"

void
hop_answered(struct hop *h)
{
	h->n_bad = 0;
	h->bad_until_ms = 0;
	h->n_replies++;
	h->is_frozen = false;
}

void
hop_ended_bad(struct hop *h)
{
	int64_t ms = HOP_BAD_MIN_MS;
	unsigned i;

	h->n_bad++;
	for (i = 1; i < h->n_bad && ms < HOP_BAD_MAX_MS; i++)
		ms *= 4;
	if (ms > HOP_BAD_MAX_MS)
		ms = HOP_BAD_MAX_MS;
	h->bad_until_ms = clock_ms() + ms;
}

/* What has arrived there, replies included; is anything to be answered? */
static uint64_t
moved(const struct hop *h, bool *waits)
{
	uint64_t all = h->n_replies;
	struct link *link;

	*waits = false;
	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link)) {
		const struct peer *p = OWNER(link, struct peer, link);

		if (!p->is_open)
			continue;
		all += peer_arrived(p);
		*waits = *waits || p->n_begun > 0;
	}
	return all;
}

static void
freeze(struct hop *h)
{
	h->is_frozen = true;
	log_open("frozen");
	log_bytes("nexthop", buf_slice(&h->name));
	log_number("connections", (int64_t)h->n_peers);
	log_close();
	hop_pump_later(h);
}

static void
looks(struct loop_timer *timer)
{
	struct hop *h = OWNER(timer, struct hop, look);
	bool waits;
	uint64_t now = moved(h, &waits);

	if (!waits) {
		h->is_frozen = false;
		return;
	}
	if (now != h->moved) {
		h->moved = now;
		h->moved_ms = clock_ms();
		h->is_frozen = false;
	} else if (!h->is_frozen && clock_ms() - h->moved_ms >= HOP_STILL_MS) {
		freeze(h);
	}
	loop_timer_set(h->pool->loop, &h->look, HOP_LOOK_MS);
}

void
hop_look(struct hop *h)
{
	if (h->look.slot != 0)
		return;
	h->look.expired = looks;
	h->moved = 0;
	h->moved_ms = clock_ms();
	loop_timer_set(h->pool->loop, &h->look, HOP_LOOK_MS);
}
