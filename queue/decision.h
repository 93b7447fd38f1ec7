/* decision.h - what a configuration decides about an address, in one line
 *
 *	qmtp:a:209 qmtp:b:209 concurrency=20 lifetime=259200s; strangers may
 *	reject: no mailbox here by that name (#5.1.1); strangers may not
 *
 * Without the lines of the tables that say so: two configurations decide
 * the same when these texts are the same.
 *
 * Test  tests/routing.t
 */
#ifndef QUAIL_QUEUE_DECISION_H
#define QUAIL_QUEUE_DECISION_H

#include "cdb/config.h"

/* decision_what - the decision alone, "hold: queue it, do not try"; for next
 * hops those */
void
decision_what(const struct config_route *r, struct buf *out);

/* decision_options - what is said of the attempts, as KEY=VALUE words; nothing
 * when nothing is */
void
decision_options(const struct config_route *r, struct buf *out);

/* decision_line - all of it
 *
 * Takes    sender: NULL when nobody says; room as config_route; source: where
 *          it was decided, valid as config_route's.
 */
void
decision_line(const struct config *c, const struct slice *sender,
	      struct slice rcpt, struct buf *room, struct buf *out,
	      struct slice *source);

#endif
