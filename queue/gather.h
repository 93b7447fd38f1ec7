/* gather.h - let those who were just told K send what comes next
 *
 * A client that keeps many messages in flight sends the next ones when it is
 * told of the last. They come while the log syncs what others sent, and so
 * two halves of its window take turns, each with a sync of its own. On a disk
 * that takes its time the log therefore rests between two batches, so that the
 * halves meet: for a sixteenth of what the last batch took, and again as long
 * as more comes in that time, a quarter in all. It does not when a sixteenth is
 * under GATHER_MIN_US, nor when the last batch was one message, whose sender
 * may be alone and is not kept waiting.
 *
 * Test  tests/gather_test.c
 */
#ifndef QUAIL_QUEUE_GATHER_H
#define QUAIL_QUEUE_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GATHER_REST = 16,
	GATHER_ALL = 4,
	GATHER_MIN_US = 100,
	GATHER_MAX_US = 1000 /* a rest; four of them in all */
};

struct gather {
	int64_t ended_us, took_us; /* of the last batch */
	size_t n_told;
	bool has_rested; /* since then, ... */
	size_t seen;	 /* ... and what was there before it did */
};

/* gather_batch - a batch is on disk, and n of its senders have been told
 *
 * Takes    times by clock_steady_us.
 */
void
gather_batch(struct gather *g, int64_t begun_us, int64_t ended_us, size_t n);

/* gather_rest_us - how long the log should rest now, then to ask again
 *
 * Takes    waits: how much waits for the next batch, in whatever unit.
 * Returns  0: go on, or up to GATHER_MAX_US.
 */
int64_t
gather_rest_us(struct gather *g, int64_t now_us, size_t waits);

#endif
