/* answers.h - the last answer that each recipient of a waiting message got
 *
 * For those who ask why a message is not delivered. In memory only, and only
 * as long as the message lives: after a restart there are none until the
 * next attempt. Equal answers are kept once, since a thousand messages to
 * one dead host get the same one.
 *
 * Test  tests/control_test.c
 */
#ifndef QUAIL_QUEUE_ANSWERS_H
#define QUAIL_QUEUE_ANSWERS_H

#include "lib/idmap.h"
#include "lib/names.h"

enum { ANSWERS_TEXT_MAX = 240, ANSWERS_HOP_MAX = 120 };

/* What was said, shared by all who were told the same. */
struct said {
	struct names_link link; /* by code, next hop and text */
	uint32_t n_users;
	char code;
	uint8_t hop_len, text_len;
	char bytes[]; /* next hop, text */
};

struct answer {
	uint32_t rcpt;
	int64_t at_s;
	struct said *said;
};

struct answers {
	struct idmap messages; /* to a list each, see answers.c */
	struct names said;
	size_t n;
};

/* A zeroed struct holds no answers. */

/* answers_put - a recipient of message id has got an answer; hop and text
 * are cut at their MAX */
void
answers_put(struct answers *all, uint64_t id, struct answer a, char code,
	    struct slice hop, struct slice text);

/* answers_get - the last one; NULL for none. Borrowed until the next call. */
const struct answer *
answers_get(const struct answers *all, uint64_t id, uint32_t rcpt);

/* answers_drop - the message is over */
void
answers_drop(struct answers *all, uint64_t id);

void
answers_free(struct answers *all);

static inline struct slice
said_hop(const struct said *s)
{
	return slice_of(s->bytes, s->hop_len);
}

static inline struct slice
said_text(const struct said *s)
{
	return slice_of(s->bytes + s->hop_len, s->text_len);
}

#endif
