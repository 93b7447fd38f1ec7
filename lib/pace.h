/* pace.h - how long a client may take
 *
 *   idle      idle_s without a byte
 *   slow      inside of a message: LIMIT_PROGRESS_S for less than progress
 *             bytes of it
 *   over      session_s since the connection was made
 *
 * A machine: it is told of the time and of bytes, and says when to look
 * again. A client that we keep waiting is not slow: tell pace_wait.
 *
 * Test  tests/pace_test.c
 */
#ifndef QUAIL_LIB_PACE_H
#define QUAIL_LIB_PACE_H

#include "lib/limits.h"

#include <stdbool.h>

enum pace_state { PACE_FINE, PACE_IDLE, PACE_SLOW, PACE_OVER };

struct pace {
	const struct limits *limits;
	int64_t over_ms, idle_ms; /* when that will be so */
	int64_t slow_ms;	  /* for progress bytes; 0: no message */
	uint64_t came;		  /* of them */
};

/* pace_start - connected now; limits is kept, and may change */
void
pace_start(struct pace *p, const struct limits *limits, int64_t now_ms);

/* pace_input - n bytes have come; inside: they continue a message */
void
pace_input(struct pace *p, uint64_t n, bool inside, int64_t now_ms);

/* pace_ended - a message is complete; another may begin right behind it */
static inline void
pace_ended(struct pace *p)
{
	p->slow_ms = 0;
}

/* pace_wait - we have kept it waiting until now */
void
pace_wait(struct pace *p, int64_t now_ms);

/* pace_state - what about it now? */
enum pace_state
pace_state(const struct pace *p, int64_t now_ms);

/* pace_next_ms - milliseconds until that may change; at least 1 */
int64_t
pace_next_ms(const struct pace *p, int64_t now_ms);

/* pace_grant - ms more before it is over */
static inline void
pace_grant(struct pace *p, int64_t ms)
{
	p->over_ms += ms;
}

/* pace_text - a line for the log */
const char *
pace_text(enum pace_state state);

#endif
