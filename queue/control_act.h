/* control_act.h - what an operator can do to messages
 *
 * Attempts that an agent has go on to their end; what has been decided here
 * counts then. A message that waits in line is taken out of it by
 * control_act_end, once for all that were touched.
 *
 * Test  tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_ACT_H
#define QUAIL_QUEUE_CONTROL_ACT_H

#include "queue/control_view.h"

struct control_act {
	struct schedule *schedule;
	const struct control_ask *ask;
	bool asks_rule;	  /* the request is about one */
	bool has_rule;	  /* a rule was made or removed: all that fits counts */
	bool has_stopped; /* some wait in line */
	struct idmap retried; /* destinations, by their place in memory */
};

/* control_act_begin - make or remove the rule that is asked for, if one is
 *
 * A hold or release for a sender or a next hop alone is a rule; a release of
 * all removes all rules.
 *
 * Needs    *act zeroed but for schedule and ask.
 * Returns  0; -1 with errno: nothing has changed.
 */
int
control_act_begin(struct control_act *act);

/* control_act_one - do it to this message
 *
 * Returns  1; 0 there was nothing to do; -1 with errno. The message may be
 *          gone afterwards.
 */
int
control_act_one(struct control_act *act, struct control_view *v);

/* control_act_end - have done with it: all is durable now
 *
 * Returns  0; -1: the disk does not take it now. What was done counts until
 *          a restart, and goes on waiting for the disk.
 */
int
control_act_end(struct control_act *act);

#endif
