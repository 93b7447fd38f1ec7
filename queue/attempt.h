/* attempt.h - some recipients of a message on their way to one next hop
 *
 * Made by the schedule when a message is due, queued at a destination, sent
 * to an agent as a job, and freed when each recipient has its verdict.
 */
#ifndef QUAIL_QUEUE_ATTEMPT_H
#define QUAIL_QUEUE_ATTEMPT_H

#include "cdb/option.h"
#include "lib/slice.h"
#include "queue/message.h"

enum {
	ATTEMPT_RCPTS_MAX = 100,
	ATTEMPT_HOPS_MAX = 64, /* of the next hops, those that count */
	ATTEMPT_LOST_MAX = 3   /* then it waits for its message's next time */
};

struct destination;

struct attempt {
	struct attempt *next;
	struct message *message;
	struct destination *destination;
	struct slice nexthops; /* words; in the same piece of memory */
	const char *tls;       /* what the route asks for; "": nothing */
	bool is_counted;       /* in the warm-up of its source */
	bool is_called;	       /* back from its agent */
	uint64_t sender_key;   /* a hash of the return path, never 0 */
	uint32_t concurrency;  /* the route's options; 0: not said */
	struct option_rate rate;
	unsigned hop;	      /* which of them it tries */
	uint64_t tried;	      /* a bit for each that has not taken it */
	bool was_refused;     /* by one that could be reached */
	uint64_t unreached;   /* a bit for each that could not be reached */
	int64_t unreached_ms; /* the first time */
	int64_t lifetime_s;   /* its message is too old for this route then */
	int64_t started_ms;   /* loop time, once an agent has it */
	uint32_t n_rcpts, n_answered;
	uint32_t load;		/* recipients that its destination counts */
	uint32_t n_way, n_less; /* of the answers */
	uint32_t n_elsewhere;	/* ... whose recipients stand first in rcpts */
	uint32_t n_lost;	/* agents that died with it */
	uint32_t rcpts[];	/* indices into the message's recipients */
};

/* Between a next hop and the address of ours that it is to be reached from,
 * in one word. No table's line can have it. */
#define ATTEMPT_FROM '\x1f'

/* attempt_nexthop - the next hop that it tries now */
struct slice
attempt_nexthop(const struct attempt *a);

/* attempt_word - the same with the source, if a pool has chosen one */
struct slice
attempt_word(const struct attempt *a);

/* attempt_hops - how many next hops it has, at most ATTEMPT_HOPS_MAX */
unsigned
attempt_hops(const struct attempt *a);

/* attempt_has_past - would something be forgotten with it? */
static inline bool
attempt_has_past(const struct attempt *a)
{
	return a->tried || a->unreached || a->n_lost > 0;
}

/* attempt_new - with room for ATTEMPT_RCPTS_MAX at the most, none yet;
 * free() it */
struct attempt *
attempt_new(struct message *m, struct slice nexthops, uint32_t max_rcpts);

#endif
