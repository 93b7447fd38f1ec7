/* left.h - messages that left without being delivered
 *
 * A message that was set aside as damaged, removed by an operator or returned
 * to its sender is nowhere any more for those who did not get it. What its
 * client sends again must not be told that it is here. So the ids of those
 * that left are kept for LEFT_S seconds at least, which is as long as anything
 * can be a repeat (recent.h), and twice that at the most.
 *
 * Bounded: when more than LEFT_MAX leave within LEFT_S, any message may be one
 * of them. That costs duplicates, never mail.
 *
 * Test  tests/left_test.c
 */
#ifndef QUAIL_QUEUE_LEFT_H
#define QUAIL_QUEUE_LEFT_H

#include "lib/idmap.h"

#include <stdbool.h>

enum { LEFT_S = 600, LEFT_MAX = 262144 };

struct left_age {
	struct idmap ids;
	bool is_full;
};

struct left {
	struct left_age ages[2]; /* this one's and the one before */
	int64_t begun_s;	 /* by the clock that never jumps */
};

/* A zeroed struct is empty. */

/* left_put - this message leaves
 *
 * Takes    now_s: the clock that never jumps.
 */
void
left_put(struct left *l, uint64_t id, int64_t now_s);

/* left_may_have - may it have left within the last LEFT_S?
 *
 * Returns  true for each that has; for all others only when too many have.
 */
bool
left_may_have(struct left *l, uint64_t id, int64_t now_s);

void
left_free(struct left *l);

#endif
