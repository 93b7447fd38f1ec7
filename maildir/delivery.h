/* delivery.h - one message for one Maildir, and the file of a large one
 *
 * Small messages come as a slice (text). Others are written as they come
 * (delivery_stream) to the file of the first recipient; the others' are
 * copied from it.
 *
 * Test  tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_DELIVERY_H
#define QUAIL_MAILDIR_DELIVERY_H

#include "lib/buf.h"
#include "lib/verdict.h"
#include "maildir/loops.h"
#include "maildir/mailbox.h"

enum { DELIVERY_TMP_SIZE = 96 };

struct delivery {
	/* set by the caller; slices are valid until written is called, or
	 * until it is given up */
	struct slice path; /* the Maildir */
	struct slice sender;
	const struct slice *rcpts;
	size_t n_rcpts; /* at least one */
	uint64_t id, birth_us;
	struct slice text; /* all of it, unless it is streamed */
	/* All of its files are written, or have failed: the slices are not
	 * looked at any more. May be NULL. */
	void (*written)(struct delivery *d);
	/* One recipient's verdict, in order; after the last one *d is not
	 * touched any more. */
	void (*done)(struct delivery *d, size_t rcpt, const struct verdict *v);
	struct delivery *next; /* of a list */

	/* ours */
	size_t n_begun; /* recipients that have a file, or a verdict */
	size_t n_told;	/* ... that was told */
	struct loops loops;
	bool is_streamed;
	int fd;			/* of the streamed file */
	int error;		/* of syncing that one */
	uint64_t head_len, len; /* bytes in front of its text, and in all */
	char tmp[DELIVERY_TMP_SIZE];
};

/* delivery_stream - write a piece of text of a large message
 *
 * Needs    *d zeroed but for what the caller sets; text is empty.
 * Returns  0; -1 with errno: give up with delivery_abort.
 */
int
delivery_stream(struct delivery *d, struct slice piece);

/* delivery_abort - forget one that was not handed over to deliver_add, or is
 * over: its file in tmp is removed. Legal in every state, twice too. */
void
delivery_abort(struct delivery *d);

/* delivery_close - give back what it holds; its file stays where it is */
void
delivery_close(struct delivery *d);

/* delivery_create - a file in tmp under a name of its own
 *
 * The names say nothing but whose file it is, for who finds one after a
 * crash.
 * Returns  its descriptor; -1 with errno.
 */
int
delivery_create(const struct delivery *d, const struct mailbox *m,
		char name[DELIVERY_TMP_SIZE]);

/* delivery_head - append the lines in front of a recipient's text */
void
delivery_head(struct buf *out, const struct delivery *d, size_t rcpt);

#endif
