/* rate.h - a rate that is kept: so many in so many seconds
 *
 * Even over the time: what may come at once is what comes in RATE_BURST_MS,
 * and at least one. Nothing is lost by rounding, since the tokens are counted
 * in parts of a message that the rate gives whole ones of in a millisecond.
 *
 * Test  tests/destination_test.c
 */
#ifndef QUAIL_QUEUE_RATE_H
#define QUAIL_QUEUE_RATE_H

#include "cdb/option.h"

enum { RATE_BURST_MS = 100 };

struct rate {
	struct option_rate said; /* n 0: as fast as it goes */
	int64_t tokens;		 /* per_s * 1000 of them are a message */
	int64_t counted_ms;	 /* when they were last counted */
};

/* A zeroed struct is no rate. */

/* rate_set - from now on; what has been saved up is kept if it is the same */
void
rate_set(struct rate *r, struct option_rate rate);

/* rate_wait_ms - how long until the next may begin; 0: it may now */
int64_t
rate_wait_ms(struct rate *r, int64_t now_ms);

/* rate_took - one has begun */
void
rate_took(struct rate *r);

#endif
