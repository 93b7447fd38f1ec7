/* deadline.h - how long a peer that we send to may take
 *
 *   reply   ms, for all of it: a byte of it moves nothing
 *   block   ms, for DEADLINE_BLOCK bytes of ours to arrive there
 *   whole   over_ms, for the transaction, whatever moves
 *
 * So nobody who says, or takes, a byte now and then keeps a connection. For
 * those who send to us there is pace.h.
 *
 * A machine: it is told of the time and of what has arrived, and says when to
 * look again.
 *
 * Source  RFC 5321 section 4.5.3.2 asks for time-outs by replies and blocks
 * Test    tests/deadline_test.c
 */
#ifndef QUAIL_LIB_DEADLINE_H
#define QUAIL_LIB_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	DEADLINE_BLOCK = 16384, /* bytes */
	DEADLINE_WHOLE_S = 3600,
	DEADLINE_RATE = 8192 /* bytes that give a whole a second more */
};

enum deadline_state {
	DEADLINE_FINE,
	DEADLINE_LATE, /* no reply, or no block, in time */
	DEADLINE_OVER  /* the whole took too long */
};

struct deadline {
	int64_t over_ms, due_ms; /* when that will be so */
	int64_t ms;		 /* from one block to the next */
	uint64_t arrived;	 /* at the last look */
};

/* deadline_start - a transaction begins
 *
 * Takes    size: bytes that it will send.
 */
void
deadline_start(struct deadline *d, int64_t now_ms, uint64_t size);

/* deadline_start_ms - the same, over in that many milliseconds */
void
deadline_start_ms(struct deadline *d, int64_t now_ms, int64_t ms);

/* deadline_wait - a reply is asked for, or the last one is whole: the next
 * has ms milliseconds */
void
deadline_wait(struct deadline *d, int64_t now_ms, int64_t ms);

/* deadline_look - what about it now?
 *
 * Takes    arrived: bytes of ours that are there, since any moment that stays
 *          the same. ours: it is we who keep the peer waiting.
 */
enum deadline_state
deadline_look(struct deadline *d, int64_t now_ms, uint64_t arrived, bool ours);

/* deadline_next_ms - milliseconds until the next look; at least 1 */
int64_t
deadline_next_ms(const struct deadline *d, int64_t now_ms);

#endif
