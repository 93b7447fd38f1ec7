/* idle.h - mail in a queue that no daemon serves any more
 *
 * A node that got hubs in qmqpservers and lost its routes has the leaf's
 * spool behind its door, and quail-queue does not run: what the queue still
 * had would lie there unseen.
 *
 * Test  tests/leaf_smtp.t
 */
#ifndef QUAIL_QUEUE_IDLE_H
#define QUAIL_QUEUE_IDLE_H

/* idle_tell - one line on stderr when the node in dir, as it is configured
 * now, would leave mail lying in its queue
 *
 * Takes    dir, whose config.cdb is in place.
 * Keeps    blocks while the queue's segments are read, by a child, so that a
 *          queue that cannot be read is told of and nothing else happens.
 */
void
idle_tell(const char *dir);

#endif
