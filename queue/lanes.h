/* lanes.h - attempts that wait for one destination, fair between senders
 *
 * Each sender has a lane of its own; lanes take turns, one attempt each. A
 * mailing of a hundred thousand messages thus delays another sender's
 * single message by one turn, not by its length.
 *
 * Test  tests/schedule_test.c
 */
#ifndef QUAIL_QUEUE_LANES_H
#define QUAIL_QUEUE_LANES_H

#include "lib/idmap.h"
#include "queue/attempt.h"

struct lane;

struct lanes {
	struct lane *first, **last; /* the next turn first */
	struct idmap by_sender;
	uint32_t n; /* attempts in all */
};

void
lanes_init(struct lanes *l);

/* lanes_put - at the end of the lane of a->sender_key, or at its front */
void
lanes_put(struct lanes *l, struct attempt *a, bool at_front);

/* lanes_take - the attempt whose turn it is; NULL when there is none */
struct attempt *
lanes_take(struct lanes *l);

/* lanes_expire - take out one that is too old now; NULL for none */
struct attempt *
lanes_expire(struct lanes *l, int64_t now_s);

/* lanes_sift - take out all that are wanted, chained by next, in no order */
struct attempt *
lanes_sift(struct lanes *l, bool (*wants)(const struct attempt *));

/* lanes_free - give the memory back; there must be no attempts */
void
lanes_free(struct lanes *l);

#endif
