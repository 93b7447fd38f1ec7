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
 *  - Past STAGING_HELD nothing more is given, neither for text that is not in a
 *    file nor for recipients: Z (#4.3.1).
 *
 * So a thousand messages half in hold less than 49 MiB. Besides there are
 * 20 MiB for all: the batch that is being made and the one written last,
 * STORE_BATCH_MAX each and a message, and what connections have not taken.
 *
 * Test  tests/staging_test.c, tests/sessions.t
 */
#ifndef QUAIL_QUEUE_STAGING_H
#define QUAIL_QUEUE_STAGING_H

#include "queue/incoming.h"

enum {
	STAGING_MAX = 32 * 1024 * 1024,
	STAGING_HELD = 256 * 1024 * 1024,
	STAGING_SHORT = 16 * 1024,
	STAGING_EACH = 1024,		/* what else there is of a message */
	STAGING_TIDY = 4 * 1024 * 1024, /* less is not worth giving back */
};

/* All zero: nobody holds anything. */
struct staging {
	size_t used;
	size_t lately; /* the most that was used since the last second */
	size_t most;   /* ... since memory was given back */
};

/* staging_count - a message's memory has changed
 *
 * Takes    in: the message; NULL: it is gone.
 *          counted: what it is counted with now, 0 for a new one; is updated.
 */
void
staging_count(struct staging *st, size_t *counted, const struct incoming *in);

/* staging_small - how many bytes of text may a message have in memory? */
size_t
staging_small(const struct staging *st);

/* staging_is_spent - must nothing more be given? */
bool
staging_is_spent(const struct staging *st);

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
