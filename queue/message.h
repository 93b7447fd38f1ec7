/* message.h - one queued message, as much of it as stays in memory
 *
 * About 100 bytes. Envelope and text stay in the store; the store owns the
 * struct, the schedule keeps its own fields in it.
 *
 * Test  tests/store_test.c
 */
#ifndef QUAIL_QUEUE_MESSAGE_H
#define QUAIL_QUEUE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment;

enum { MESSAGE_INLINE_BITS = 64 };

struct message {
	uint64_t id;
	int64_t birth_us;
	struct segment *segment; /* where its record is */
	uint64_t text_len;
	uint32_t offset; /* of its record in the segment */
	uint32_t env_len;
	uint32_t n_rcpts;
	uint32_t n_live; /* recipients without a final outcome */
	union {
		uint64_t bits; /* n_rcpts <= MESSAGE_INLINE_BITS */
		uint64_t *words;
	} done;		/* one bit a recipient: it has its final outcome */
	bool is_big;	/* the text is in a file of its own */
	bool is_paused; /* an operator holds it: a P record says so */

	/* the operator's: queue/control_act.h */
	bool is_ruled;	    /* a rule of queue/holds is for its sender */
	bool is_doomed;	    /* to be returned once no attempt is under way */
	uint32_t n_running; /* attempts that an agent has */

	/* the schedule's */
	int64_t due_s;
	uint32_t slot;	     /* place in the heap plus one; 0: not in it */
	uint32_t n_busy;     /* attempts under way or waiting */
	uint32_t attempts;   /* rounds of attempts so far, since we started */
	uint32_t lifetime_s; /* the shortest of its routes' */
	uint16_t retry_k;    /* the longest of its routes' */
	bool is_held;
	struct failures *failures; /* D's of this round, for the bounce */
};

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
