/* message.h - one queued message, as much of it as stays in memory
 *
 * 80 bytes: there may be a million. Envelope and text stay in the store; the
 * store owns the struct, the schedule keeps its own fields in it.
 *
 * Test  tests/schedule_test.c
 */
#ifndef QUAIL_QUEUE_MESSAGE_H
#define QUAIL_QUEUE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment;

enum {
	MESSAGE_INLINE_BITS = 64,
	MESSAGE_RCPTS_MAX = UINT16_MAX,
	MESSAGE_ATTEMPTS_MAX = 2047, /* not counted further */
	MESSAGE_HOPS_MAX = 16
};

struct message {
	uint64_t id;
	int64_t birth_us;
	struct segment *segment; /* where its record is */
	union {
		uint64_t bits; /* n_rcpts <= MESSAGE_INLINE_BITS */
		uint64_t *words;
	} done;		 /* one bit a recipient: it has its final outcome */
	uint32_t offset; /* of its record in the segment */
	uint32_t env_len;
	uint32_t text_len;
	uint16_t n_rcpts;
	uint16_t n_live; /* recipients without a final outcome */

	/* the schedule's */
	union {
		int64_t due_s;	      /* while it is in the heap */
		struct message *next; /* while it waits in a lane (lanes.h) */
	};
	struct failures *failures; /* D's of this round, for the bounce */
	uint32_t slot;		/* place in the heap plus one; 0: not in it */
	uint32_t lifetime_s;	/* the shortest of its routes' */
	uint16_t attempts : 11; /* rounds so far, since we started */
	uint16_t first_hop : 4; /* of its route, for the next round */
	bool is_blamed : 1;	/* for a next hop that it could not reach, and
				 * others could */
	uint16_t n_busy;	/* attempts under way or waiting */
	uint16_t n_running;	/* ... of these, attempts that an agent has */
	uint16_t retry_k : 10;	/* the longest of its routes'; 0: none */
	bool is_held : 1;	/* a recipient's route says so */
	bool is_moved : 1;	/* routed anew while it was busy: due at once */

	bool is_big : 1; /* the text is in a file of its own */

	/* the operator's: queue/control_act.h */
	bool is_paused : 1; /* an operator holds it: a P record says so */
	bool is_ruled : 1;  /* a rule of queue/holds is for its sender */
	bool is_doomed : 1; /* to be returned once no attempt is under way */
};

/* message_new - a zeroed one; dies when there is no memory
 *
 * From blocks of about 800, since each by itself would cost a tenth more.
 */
struct message *
message_new(void);

/* message_free - give it back; a block without a message is freed */
void
message_free(struct message *m);

static inline uint64_t *
message_word(struct message *m, uint32_t i)
{
	return m->n_rcpts <= MESSAGE_INLINE_BITS ? &m->done.bits
						 : &m->done.words[i / 64];
}

static inline bool
message_is_done(struct message *m, uint32_t i)
{
	return *message_word(m, i) >> (i % 64) & 1;
}

#endif
