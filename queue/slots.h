/* slots.h - slots that many destinations share, and who may have how many
 *
 * What an agent takes, what concurrencyremote says, the concurrency of an
 * address of ours: each is a number of slots for all destinations together.
 *
 *   a destination            may have
 *   that answers             all but an eighth; no more than its part of all,
 *                            while others that answer wait
 *   in doubt: new, silent,   one, and a 64th of what is free; all of those
 *   or not reached           together all but a sixteenth, and two
 *
 * Who waits longest goes first (line), by ranks: a destination that answers
 * and has nothing under way, a new one that the tables name, a new one that
 * an address names, all others.
 *
 * Test  tests/slots_test.c, tests/destination_test.c
 */
#ifndef QUAIL_QUEUE_SLOTS_H
#define QUAIL_QUEUE_SLOTS_H

#include "lib/list.h"

#include <stdint.h>

enum {
	SLOTS_KEEP = 8,	    /* part of all that no single one gets */
	SLOTS_RESERVE = 16, /* ... that those in doubt do not get */
	SLOTS_RESERVE_MIN = 2,
	SLOTS_DOUBT = 64, /* part of what is free for one in doubt */
	SLOTS_CALLED = 4  /* part of all that is called back at a time */
};

static const uint32_t slots_no_limit = UINT32_MAX;

struct slots {
	uint32_t all, n_running;
	uint32_t n_doubtful; /* of these, at destinations in doubt */
	uint32_t n_wanting;  /* destinations that answer, and wait */
	uint32_t n_called;   /* slots that are to be called back */
};

/* slots_let - may one that has own slots have one more?
 *
 * Takes    in_doubt: whether it answers is not known.
 */
bool
slots_let(const struct slots *s, uint32_t own, bool in_doubt);

/* slots_have_room - may anybody have one more? */
bool
slots_have_room(const struct slots *s);

/* slots_have_doubt - ... in doubt? */
bool
slots_have_doubt(const struct slots *s);

/* slots_call - one that waits for it must not wait for longer: one more is to
 * be called back, but not too many at a time */
void
slots_call(struct slots *s);

enum line_rank {
	LINE_IDLE,    /* it answers, and nothing is under way */
	LINE_NEW,     /* nothing is known of it; the tables name it */
	LINE_STRANGE, /* ... or an address does */
	LINE_OTHER,
	LINE_RANKS
};

struct line {
	struct list lists[LINE_RANKS];
	uint32_t n[LINE_RANKS];
};

/* A zeroed one is in no line. */
struct place {
	struct link link;
	enum line_rank rank;
};

void
line_init(struct line *l);

/* line_put - to the end of its rank's list; nothing if it is in one already */
void
line_put(struct line *l, struct place *p, enum line_rank rank);

/* line_drop - out of it; nothing if it is in none */
void
line_drop(struct line *l, struct place *p);

#endif
