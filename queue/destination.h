/* destination.h - the queue, the concurrency and the health of each next hop
 *
 * Every destination has its own queue of attempts, so that one that is slow
 * or dead holds up nobody else. Trouble on the way to it (verdicts 4.4.x)
 * closes it for a while, doubling from one second; then one attempt probes
 * it while the rest waits.
 *
 *   state     meaning                       left when
 *   OPEN      up to limit attempts run      trouble: CLOSED
 *   CLOSED    nothing runs                  the time is over: PROBING
 *   PROBING   one attempt runs              it worked: OPEN; trouble: CLOSED
 *
 * Test  tests/schedule_test.c
 */
#ifndef QUAIL_QUEUE_DESTINATION_H
#define QUAIL_QUEUE_DESTINATION_H

#include "lib/loop.h"
#include "queue/attempt.h"

enum destination_state {
	DESTINATION_OPEN,
	DESTINATION_CLOSED,
	DESTINATION_PROBING
};

enum {
	DESTINATION_BUCKETS = 4096,
	DESTINATION_BACKOFF_MIN_MS = 1000,
	DESTINATION_BACKOFF_MAX_MS = 300000,
	DESTINATION_LIMIT_SMTP = 20,
	DESTINATION_LIMIT = 500 /* for agents that pipeline or are local */
};

struct destinations;

struct destination {
	struct destination *chain; /* same hash */
	struct destination *ready_next;
	struct destinations *all;
	bool is_ready; /* in the list of those that may start something */
	enum destination_state state;
	struct attempt *first, **last;
	uint32_t n_waiting, n_running, limit, n_troubles;
	struct loop_timer closed;
	struct slice agent; /* "smtp", in key */
	size_t key_len;
	char key[];
};

struct destinations {
	struct loop *loop;
	struct destination *buckets[DESTINATION_BUCKETS];
	struct destination *ready, **ready_last;
	struct loop_task start_task;
	size_t n;
	/* Hand an attempt to an agent; false: none is free now. */
	bool (*start)(struct destinations *all, struct attempt *a);
	void *owner;
};

void
destinations_init(struct destinations *all, struct loop *loop,
		  bool (*start)(struct destinations *, struct attempt *));

/* destinations_free - free all, with the attempts that wait */
void
destinations_free(struct destinations *all);

/* destination_queue - let an attempt wait for its next hop
 *
 * Takes    domain: of the recipients, for next hops that depend on it
 *          (smtp:mx); at_front: it has waited before.
 */
void
destination_queue(struct destinations *all, struct attempt *a,
		  struct slice domain, bool at_front);

/* destination_ended - an attempt that ran is over
 *
 * Takes    trouble: the next hop could not be reached.
 */
void
destination_ended(struct destination *d, bool trouble);

/* destination_lost - it never got an answer, through no fault of the next
 * hop (our agent died); nothing is concluded */
void
destination_lost(struct destination *d);

/* destinations_start - start what may start, at the end of this round: an
 * agent has become free */
void
destinations_start(struct destinations *all);

/* destinations_sweep - forget those that are idle and well (once a minute)
 */
void
destinations_sweep(struct destinations *all);

/* destinations_drain - take all waiting attempts out, one by one, for a new
 * decision; NULL when there are none */
struct attempt *
destinations_drain(struct destinations *all);

/* destinations_expire - take out one waiting attempt at a destination in
 * trouble whose message is older than birth_us; NULL when there is none */
struct attempt *
destinations_expire(struct destinations *all, int64_t birth_us);

#endif
