/* hop_parts.h - what hop.c, dial.c, fill.c, hop_health.c and hop_renew.c
 * share; for nobody else
 *
 * hop.c has what waits, and the connections; dial.c makes them; fill.c says
 * what goes out on one next; hop_health.c whether the next hop is well;
 * hop_renew.c which connections are given up for others.
 */
#ifndef QUAIL_QMTPD_HOP_PARTS_H
#define QUAIL_QMTPD_HOP_PARTS_H

#include "lib/owner.h"
#include "qmtpd/hop.h"
#include "qmtpd/pool.h"

/* hop_pump_later - at the end of the round: fill connections, make them */
static inline void
hop_pump_later(struct hop *h)
{
	loop_task_queue(h->pool->loop, &h->pump);
}

#define LOST "lost the connection before the answer (#4.4.2)"

/* hop_log - a line of the log that names it; why may be NULL */
void
hop_log(const struct hop *h, const char *event, const char *why);

/* hop_drop_peer - a connection is of no use any more: close it
 *
 * Takes    why: what is answered for it; LOST: what had begun behind its
 *          oldest package begins again.
 */
void
hop_drop_peer(struct hop *h, struct peer *p, const char *why);

/* hop_let_go - close it if it is retired and nothing is unanswered on it
 *
 * Returns  true: it is gone, and what was bound to it waits for another.
 */
bool
hop_let_go(struct hop *h, struct peer *p);

/* hop_n_large - how many connections have a large message for themselves? */
size_t
hop_n_large(const struct hop *h);

/* hop_on_conn - the events of all connections to a next hop */
void
hop_on_conn(struct conn *c, enum conn_event event);

/* hop_look - look from time to time whether it moves, as long as there is
 * something to be answered */
void
hop_look(struct hop *h);

/* hop_ended_bad - a connection has ended without a reply */
void
hop_ended_bad(struct hop *h);

/* delivery_first - the first of a list; NULL: there is none */
static inline struct delivery *
delivery_first(const struct list *list)
{
	struct link *link = list_first(list);

	return link ? OWNER(link, struct delivery, link) : NULL;
}

/* dial_begin - make a connection: look the name up, try its addresses
 *
 * Needs    h->dial NULL. What fails says why in h->dial_failed, at the end
 *          of the round.
 */
void
dial_begin(struct hop *h);

/* dial_next - try the next address, since the last has failed */
void
dial_next(struct hop *h);

/* dial_over - no longer make one; h->dial may be NULL */
void
dial_over(struct hop *h);

/* fill_peer - begin or go on with what has room on this connection now */
void
fill_peer(struct hop *h, struct peer *p);

#endif
