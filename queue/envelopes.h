/* envelopes.h - envelopes of many recipients, read once for many jobs
 *
 * A message of ten thousand recipients goes out in a hundred jobs or more, and
 * each job and each of its verdicts asks for a few of them. To read all of the
 * envelope for each is the square of their number: so the ones that are in
 * use are kept, compared with their checksum and cut into recipients, those
 * that were asked for last, within ENVELOPES_BYTES.
 *
 * Messages of fewer recipients are not kept: reading them costs little.
 *
 * Test  tests/schedule_test.c
 */
#ifndef QUAIL_QUEUE_ENVELOPES_H
#define QUAIL_QUEUE_ENVELOPES_H

#include "lib/list.h"
#include "queue/store.h"

enum {
	ENVELOPES_FROM = 100, /* recipients; fewer are not kept */
	ENVELOPES_MAX = 64,
	ENVELOPES_BYTES = 32 * 1024 * 1024
};

struct envelope {
	struct link link;
	uint64_t id;
	struct buf room;
	struct store_envelope e; /* in room */
	size_t size;
	uint32_t n;
	uint32_t at[]; /* of the n recipients, in e.rcpts */
};

struct envelopes {
	struct list by_use; /* the last one first */
	size_t n, bytes;
	uint64_t n_read; /* bytes read so far: for a budget, and for tests */
};

void
envelopes_init(struct envelopes *all);

void
envelopes_free(struct envelopes *all);

/* envelopes_keep - is it one of those that are kept? */
static inline bool
envelopes_keep(const struct message *m)
{
	return m->n_rcpts > ENVELOPES_FROM;
}

/* envelopes_get - of a message for which envelopes_keep is true
 *
 * Returns  it, borrowed until the next call; NULL with errno as
 *          store_envelope.
 */
const struct envelope *
envelopes_get(struct envelopes *all, struct store *st, struct message *m);

/* envelope_rcpt - a recipient; empty when there is none of that number */
struct slice
envelope_rcpt(const struct envelope *v, uint32_t index);

/* envelopes_drop - the message is over */
void
envelopes_drop(struct envelopes *all, uint64_t id);

#endif
