/* control_walk.h - all messages in the order of their ids, some at a time
 *
 * The table of messages changes between the pieces, and has no order. So
 * the walk keeps the id that it has come to, and finds the next few
 * thousand behind it in one pass over the table: memory does not grow with
 * the queue, no message is told twice, and none that is there all the time
 * is left out. A million messages take 123 passes of a few milliseconds.
 *
 * Test  tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_WALK_H
#define QUAIL_QUEUE_CONTROL_WALK_H

#include "lib/idmap.h"

#include <stdbool.h>

enum { CONTROL_WALK_IDS = 8192 };

struct control_walk {
	uint64_t after; /* ids up to this one have been told */
	uint64_t *ids;	/* the next ones, in order */
	size_t n, at;
	bool is_last; /* there are none behind them */
};

/* A zeroed struct is at the beginning. */

/* control_walk_next - the next id
 *
 * Takes    map: of all messages.
 * Returns  an id that was in the map not long ago; 0 at the end.
 */
uint64_t
control_walk_next(struct control_walk *w, const struct idmap *map);

void
control_walk_free(struct control_walk *w);

#endif
