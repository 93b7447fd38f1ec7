/* spread.h - choosing by weight, the same for a message each time
 *
 * A pure function of the message's id: a retry goes where the first attempt
 * went, nothing is stored, and a restart changes nothing. The ids of a
 * message stream follow each other, so multiples of an irrational number
 * spread them evenly, closer to the weights than chance would (a Kronecker
 * sequence); each further draw for the same message takes another number, so
 * that what falls to a dead one is shared by the others as they weigh.
 *
 * Test  tests/spread_test.c
 */
#ifndef QUAIL_QUEUE_SPREAD_H
#define QUAIL_QUEUE_SPREAD_H

#include <stdint.h>

enum { SPREAD_MAX = 64 };

/* spread_draw - choose one of n
 *
 * Takes    draw: which draw for this message; weights, of n at most
 *          SPREAD_MAX; 0: not to be chosen.
 * Returns  its number; n when all weigh 0.
 */
unsigned
spread_draw(uint64_t id, unsigned draw, const uint32_t *weights, unsigned n);

/* spread_order - all of them, in the order in which they are drawn
 *
 * Takes    first: number of the first draw; weights: become 0 but for those
 *          that weigh 0 and come last, as they stand.
 */
void
spread_order(uint64_t id, unsigned first, uint32_t *weights, unsigned n,
	     unsigned *order);

#endif
