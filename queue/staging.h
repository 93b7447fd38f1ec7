/* staging.h - how much memory unfinished messages may hold
 *
 * All front ends together, counted as capacity, so that it holds for resident
 * memory:
 *
 *  - Text up to INCOMING_SMALL waits in memory and goes to the log with its
 *    batch, until STAGING_MAX is held. Counting stops an eighth before that,
 *    which is for what malloc cannot use between such pieces.
 *  - Past it, text of more than STAGING_SHORT goes to a file of its own. Each
 *    further message then holds that at the most, STAGING_EACH, and its
 *    recipients. A file is a sync of its own: text that is shorter, as of most
 *    mail, still shares the batch's.
 *  - Clients who may not relay have STAGING_STRANGERS of it, all together. Past
 *    that, and past STAGING_GIVEN for all (counting stops an eighth before
 *    STAGING_HELD, for the same reason), who holds more than STAGING_LARGE for
 *    the longest is refused, for whoever needs room: Z (#4.3.1). A client who
 *    may relay takes it from strangers first, a stranger from strangers only.
 *    If nobody has that much, nothing more is given, neither for text that is
 *    not in a file nor for recipients.
 *
 * So a thousand messages half in hold less than 49 MiB. Besides there are
 * 20 MiB for all: the batch that is being made and the one written last,
 * STORE_BATCH_MAX each and a message, and what connections have not taken.
 *
 * Test  tests/staging_test.c, tests/sessions.t
 */
#ifndef QUAIL_QUEUE_STAGING_H
#define QUAIL_QUEUE_STAGING_H

#include "lib/list.h"
#include "queue/incoming.h"

enum {
	STAGING_MAX = 32 * 1024 * 1024,
	STAGING_HELD = 256 * 1024 * 1024,
	STAGING_GIVEN = STAGING_HELD - STAGING_HELD / 8,
	STAGING_STRANGERS = STAGING_GIVEN / 2,
	STAGING_LARGE = 32 * 1024,
	STAGING_SHORT = 16 * 1024,
	STAGING_EACH = 1024,		/* what else there is of a message */
	STAGING_TIDY = 4 * 1024 * 1024, /* less is not worth giving back */
};

/* What a message is counted with; a zeroed one with nothing. */
struct staging_part {
	size_t bytes;
	bool may_relay;	   /* its client, when it was counted */
	struct link large; /* in large of struct staging */
};

/* Those who may not relay, [0], and those who may, [1]. */
struct staging {
	size_t used;
	size_t held[2];	      /* of which */
	struct list large[2]; /* more than STAGING_LARGE each; longest first */
	size_t lately;	      /* the most that was used since the last second */
	size_t most;	      /* ... since memory was given back */
};

/* staging_init - nobody holds anything */
void
staging_init(struct staging *st);

/* staging_count - a message's memory has changed
 *
 * Takes    in: the message; NULL: it is gone.
 *          may_relay: its client.
 */
void
staging_count(struct staging *st, struct staging_part *part,
	      const struct incoming *in, bool may_relay);

/* staging_keep - a message is complete, and is nobody's to refuse any more */
void
staging_keep(struct staging_part *part);

/* staging_small - how many bytes of text may a message have in memory? */
size_t
staging_small(const struct staging *st);

/* staging_is_spent - must nothing more be given, to such a client? */
bool
staging_is_spent(const struct staging *st, bool may_relay);

/* staging_victim - who is to be refused to make room for such a client; NULL:
 * nobody */
struct staging_part *
staging_victim(const struct staging *st, bool may_relay);

/* staging_rest - should freed memory be given back? once a second
 *
 * Buffers of many sizes leave a heap that malloc keeps. A load that goes on
 * keeps its pages: only a second that needed half of them, or less, gives them
 * back.
 *
 * Returns  true: trim the heap now; told once for each time that it grew.
 */
bool
staging_rest(struct staging *st);

#endif
