/* lanes.h - attempts that wait for one destination, fair between senders
 *
 * Each sender has a lane of its own; lanes take turns, one attempt each. A
 * mailing of a hundred thousand messages thus delays another sender's
 * single message by one turn, not by its length. An attempt of a hundred
 * recipients is as much work as a hundred: its lane passes over as many turns.
 *
 * In a lane wait attempts and, behind them, parked messages: those of which
 * only one recipient is left need no more memory than they have anyhow,
 * and become an attempt again when their turn comes.
 *
 * Test  tests/destination_test.c
 */
#ifndef QUAIL_QUEUE_LANES_H
#define QUAIL_QUEUE_LANES_H

#include "lib/idmap.h"
#include "queue/attempt.h"

struct ages;
struct lane;

struct lanes {
	struct lane *first, *last; /* the next turn first */
	struct idmap by_sender;
	uint32_t n;	     /* all that wait */
	uint32_t n_attempts; /* ... of these, not parked */
};

enum {
	LANES_PASSED = 64,   /* turns passed over to find one */
	LANES_DEBT_MAX = 100 /* turns that a lane owes, at most */
};

/* A zeroed struct is empty. */

/* What waits: one of the two is NULL. */
struct waiting {
	struct attempt *attempt;
	struct message *parked;
	uint64_t sender_key;
};

/* lanes_put - at the end of the lane of a->sender_key, or at its front
 *
 * An attempt is put before what is parked.
 */
void
lanes_put(struct lanes *l, struct attempt *a, bool at_front);

/* lanes_park - put a message at the end of the lane of this sender
 *
 * Needs    m in no heap and in no lane: m->next is the lane's.
 */
void
lanes_park(struct lanes *l, struct message *m, uint64_t sender_key);

/* lanes_take - what has its turn; false when there is nothing */
bool
lanes_take(struct lanes *l, struct waiting *w);

/* lanes_put_back - an attempt that was just taken could not begin: its turn
 * is the next again */
void
lanes_put_back(struct lanes *l, struct attempt *a);

/* What is to be taken out of lanes wherever it stands. */
struct sieve {
	bool (*wants)(const struct sieve *s, const struct message *m,
		      int64_t lifetime_s);
	const struct ages *ages; /* for wants */
	size_t most;		 /* not more than these; 0: all */
	uint32_t min_troubles;	 /* for destinations_sift */
};

/* What was taken out: chains by next. */
struct sifted {
	struct attempt *attempts;
	struct message *parked;
	size_t n;
};

/* lanes_sift - take out all that is wanted, and add it to *out; one walk, which
 * ends when there are s->most */
void
lanes_sift(struct lanes *l, const struct sieve *s, struct sifted *out);

#endif
