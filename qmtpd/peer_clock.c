/* peer_clock.c - does the next hop take too long? */
#include "qmtpd/peer_parts.h"

void
peer_clock(struct peer *p)
{
	bool busy = !peer_idle(p);
	int64_t ms = (busy ? PEER_STALL_S : PEER_IDLE_S) * 1000;

	if (!p->is_open || (busy && p->clock_busy))
		return;
	p->clock_busy = busy;
	deadline_start_ms(&p->deadline, p->conn.loop->now_ms, INT64_MAX / 2);
	p->deadline.arrived = p->put - p->conn.out.len;
	deadline_wait(&p->deadline, p->conn.loop->now_ms, ms);
	conn_timeout(&p->conn, ms);
}

static bool
is_over(const struct peer *p, const struct delivery *d)
{
	return d->job && delivery_is_over(d, p->conn.loop->now_ms);
}

/* Has one that is under way here had all its time? */
static bool
any_over(const struct peer *p)
{
	struct link *link;

	for (link = list_first(&p->begun); link;
	     link = list_next(&p->begun, link))
		if (is_over(p, OWNER(link, struct begun, link)->delivery))
			return true;
	for (link = list_first(&p->bound); link;
	     link = list_next(&p->bound, link))
		if (is_over(p, OWNER(link, struct delivery, link)))
			return true;
	return false;
}

bool
peer_stalled(struct peer *p)
{
	uint64_t arrived = peer_arrived(p);
	bool ours = p->streaming && arrived == p->put;

	if (any_over(p) || deadline_look(&p->deadline, p->conn.loop->now_ms,
					 arrived, ours) != DEADLINE_FINE)
		return true;
	conn_timeout(&p->conn,
		     deadline_next_ms(&p->deadline, p->conn.loop->now_ms));
	return false;
}
