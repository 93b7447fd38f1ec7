/* schedule_parts.h - the schedule's inner parts: clock, routes, answers
 *
 * For the schedule's own files: schedule.c (what is due, what becomes of a
 * message), schedule_old.c (what is too old), schedule_route.c (one message to
 * its attempts), schedule_large.c (the same in pieces) and schedule_agents.c
 * (attempts to agents, and what they say).
 */
#ifndef QUAIL_QUEUE_SCHEDULE_PARTS_H
#define QUAIL_QUEUE_SCHEDULE_PARTS_H

#include "queue/schedule.h"

static const int64_t schedule_never_s = INT64_MAX;

/* schedule_try - a message that is not busy is due: route it, queue its
 * attempts
 *
 * One of more than SCHEDULE_SMALL recipients is busy from now on, and routed
 * in pieces, behind others like it: no round of the loop has to do with all
 * of its recipients.
 *
 * Returns  how many recipients it has seen to; 1 at least.
 */
unsigned
schedule_try(struct schedule *s, struct message *m);

/* schedule_plan_init, schedule_plan_stop - routing in pieces; forget what is
 * being routed */
void
schedule_plan_init(struct schedule *s);

void
schedule_plan_stop(struct schedule *s);

/* schedule_plan_settle - the attempts of what is being routed are queued, so
 * that a sieve finds them too */
void
schedule_plan_settle(struct schedule *s);

/* schedule_each_sifted - call then for the message of each that was sifted
 * out, and free the attempts */
void
schedule_each_sifted(struct schedule *s, struct sifted *out,
		     void (*then)(struct schedule *, struct message *));

/* schedule_set_aside - a message of which damage was found goes, and is freed,
 * or is looked at again in some minutes
 *
 * Needs    it is not busy and not in the heap.
 * Returns  false: no damage is known.
 */
bool
schedule_set_aside(struct schedule *s, struct message *m);

/* schedule_conclude - it is not busy: what becomes of it? It may be freed. */
void
schedule_conclude(struct schedule *s, struct message *m);

/* schedule_is_old - older than the shortest lifetime of its routes */
bool
schedule_is_old(const struct schedule *s, const struct message *m);

/* schedule_give_up - whatever has no outcome yet and is too old for its route
 * has failed; the bounce will say what the last answer was, if any is known */
void
schedule_give_up(struct schedule *s, struct message *m);

/* schedule_put_due - into the heap */
void
schedule_put_due(struct schedule *s, struct message *m, int64_t due_s);

/* schedule_attempt_over - one attempt less; ends the round with the last */
void
schedule_attempt_over(struct schedule *s, struct message *m);

/* schedule_wait_over - the same of one that has waited for a next hop that
 * failed SCHEDULE_TROUBLES times: that counts for as many tries as it needs */
void
schedule_wait_over(struct schedule *s, struct message *m);

/* schedule_decide_again - what waited at a destination is to be routed anew,
 * at once; when others of its attempts are still under way, as soon as they
 * have ended */
void
schedule_decide_again(struct schedule *s, struct message *m);

/* schedule_each_sifted - free the attempts, and then(m) for all */
void
schedule_each_sifted(struct schedule *s, struct sifted *out,
		     void (*then)(struct schedule *, struct message *));

/* schedule_is_stopped - no attempt is to begin: it is over, or an operator
 * says so */
bool
schedule_is_stopped(const struct message *m);

/* schedule_rcpt - a recipient; empty when it cannot be read
 *
 * Keeps    it until the next call. The walk goes on where it was: a message
 *          of ten thousand recipients is read once, not once for each of its
 *          verdicts.
 */
struct slice
schedule_rcpt(struct schedule *s, struct message *m, uint32_t index);

/* schedule_lifetime_s - the route's, or the usual */
int64_t
schedule_lifetime_s(const struct config_route *r);

/* schedule_hops - the next hops of a message in the order that it tries them,
 * each with the address that it goes out from if the route, a header or the
 * sender says a pool
 *
 * Takes    domain: of the recipient; prefer: a source, or NULL.
 * Returns  true with r->nexthops as attempts have them, in s->hops until the
 *          next call; false: the pool has no address for any of them.
 */
bool
schedule_hops(struct schedule *s, const struct message *m, struct slice sender,
	      struct slice attrs, struct slice domain,
	      const struct source *prefer, struct config_route *r);

/* schedule_options - what the route says goes into an attempt */
void
schedule_options(struct attempt *a, const struct config_route *r);

/* schedule_agents - set the calls of s->destinations and s->dispatch */
void
schedule_agents(struct schedule *s);

#endif
