/* deliver.h - put messages into Maildirs, many at once, for good
 *
 * A batch goes through these steps; K is said after the last one only:
 *
 *   1  write each message, for each recipient, to a file in tmp
 *   2  sync each file
 *   3  link each into new, and unlink it in tmp
 *   4  sync each new that got a name, once
 *   5  tell the verdicts
 *
 * Power lost before 4 is over leaves a file in tmp, or one in new for which
 * nobody said K: the queue delivers it again, under the same name (name.h),
 * and finds it. A sync that failed is never tried again: what it was about
 * is removed, and the verdict is Z.
 *
 * Small messages come as a slice (text). Others are written as they come
 * (deliver_stream) to the file of the first recipient.
 *
 * Not the agent contract: jobs.h.
 *
 * Source  https://cr.yp.to/proto/maildir.html
 * Test    tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_DELIVER_H
#define QUAIL_MAILDIR_DELIVER_H

#include "lib/buf.h"
#include "lib/verdict.h"
#include "maildir/loops.h"

enum { DELIVER_FILES_MAX = 192, DELIVER_TMP_SIZE = 96 };

struct delivery {
	/* set by the caller; slices are valid until the last verdict */
	struct slice path; /* the Maildir */
	struct slice sender;
	const struct slice *rcpts;
	size_t n_rcpts; /* at least one */
	uint64_t id, birth_us;
	struct slice text; /* all of it, unless it is streamed */
	/* One recipient's verdict, in order; after the last one *d is not
	 * touched any more. */
	void (*done)(struct delivery *d, size_t rcpt, const struct verdict *v);
	struct delivery *next; /* of a batch */

	/* deliver.c's */
	struct loops loops;
	bool is_streamed;
	int fd;			/* of the streamed file */
	int error;		/* of syncing that one */
	uint64_t head_len, len; /* bytes in front of its text, and in all */
	char tmp[DELIVER_TMP_SIZE];
};

/* deliver_stream - write a piece of text of a large message
 *
 * Needs    *d zeroed but for what the caller sets; text is empty.
 * Returns  0; -1 with errno: give up with deliver_abort.
 */
int
deliver_stream(struct delivery *d, struct slice piece);

/* deliver_batch - deliver a list of messages that are complete
 *
 * Takes    first: linked by next. me: our name, for the files'.
 * Keeps    blocks on the disk; holds 3 * DELIVER_FILES_MAX descriptors at
 *          most, and nothing afterwards.
 */
void
deliver_batch(struct delivery *first, struct slice me);

/* deliver_abort - forget a delivery that is in no batch: its file in tmp is
 * removed. Legal in every state, twice too. */
void
deliver_abort(struct delivery *d);

#endif
