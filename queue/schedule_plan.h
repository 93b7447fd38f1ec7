/* schedule_plan.h - one message between its envelope and its attempts
 *
 * For schedule_route.c (what becomes of each recipient) and schedule_large.c
 * (messages of many, in pieces). Between two pieces the tables may change, and
 * an operator may stop the message: what is known is in the plan, and all of
 * it is copied but the envelope, which is in its room.
 */
#ifndef QUAIL_QUEUE_SCHEDULE_PLAN_H
#define QUAIL_QUEUE_SCHEDULE_PLAN_H

#include "queue/schedule_parts.h"
#include "queue/via.h"

/* A message while it is being routed, and the attempts that are not full. */
struct plan {
	struct schedule *s;
	struct message *m;
	struct buf room; /* its envelope: */
	struct slice sender, attrs;
	struct slice rcpts; /* ... those that are still to be routed */
	uint32_t index;	    /* ... of the first of them */
	uint64_t sender_key;
	bool was_held; /* it is known, and logged */
	struct attempt *attempts[64];
	struct slice domains[64];
	uint32_t vias[64]; /* of the recipients of each: via_walk_to */
	struct via_walk walk;
	size_t n;
};

/* plan_begin - read the envelope of a message that is not busy
 *
 * Returns  true: it is busy until plan_finish; false: it is not to be routed
 *          now, and something else has become of it.
 */
bool
plan_begin(struct plan *p, struct schedule *s, struct message *m);

/* plan_go_on - route so many more recipients; true when those were the last */
bool
plan_go_on(struct plan *p, unsigned most);

/* plan_send - queue the attempts that there are */
void
plan_send(struct plan *p);

/* plan_finish - the same, and the message may be over */
void
plan_finish(struct plan *p);

#endif
