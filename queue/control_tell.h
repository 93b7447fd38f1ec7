/* control_tell.h - the items about the queue as a whole
 *
 * Source  doc/quail-control.7
 * Test    tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_TELL_H
#define QUAIL_QUEUE_CONTROL_TELL_H

#include "queue/control_run.h"

/* In all of them fields is scratch, empty before and after. */

/* control_tell_holds - append an item h for each rule; returns how many */
size_t
control_tell_holds(const struct holds *h, struct buf *out, struct buf *fields);

/* control_tell_destinations - append an item d for each destination of the
 * next bucket; returns how many. w->is_over: those were the last. */
size_t
control_tell_destinations(const struct destinations *all, struct names_walk *w,
			  struct buf *out, struct buf *fields);

/* control_tell_count - count a message into the figures */
void
control_tell_count(struct control_stats *stats, const struct message *m);

/* control_tell_stats - append the item s
 *
 * Needs    a schedule in source.
 */
void
control_tell_stats(const struct control_source *source,
		   const struct control_stats *stats, struct buf *out,
		   struct buf *fields);

#endif
