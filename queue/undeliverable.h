/* undeliverable.h - what happens to recipients that failed for good
 *
 * One bounce reports all failures of a round, and its record settles them.
 *
 * Test  tests/bounce_test.c
 */
#ifndef QUAIL_QUEUE_UNDELIVERABLE_H
#define QUAIL_QUEUE_UNDELIVERABLE_H

#include "queue/schedule.h"

/* undeliverable - bounce m->failures, or drop what may not bounce
 *
 * The message is busy until that is durable, then it is gone or scheduled
 * again. When the bounce cannot be stored the recipients stay as they are
 * and are tried again: nothing is lost.
 */
void
undeliverable(struct schedule *s, struct message *m);

#endif
