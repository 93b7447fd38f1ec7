/* loops.h - which recipients had this message in their mailbox already?
 *
 * Test  tests/scan_test.c
 */
#ifndef QUAIL_MAILDIR_LOOPS_H
#define QUAIL_MAILDIR_LOOPS_H

#include "lib/buf.h"
#include "maildir/scan.h"

struct loops {
	struct scan scan;
	unsigned n_hops;   /* Delivered-To lines seen */
	struct buf looped; /* one byte for each recipient, once one loops */
};

/* loops_find - read a part of the message, for the first time
 *
 * Needs    *l all zero before the first part; always the same recipients.
 */
void
loops_find(struct loops *l, struct slice text, const struct slice *rcpts,
	   size_t n_rcpts);

/* loops_has - does the message loop for this recipient?
 *
 * Returns  true for all of them when there are more than LIMIT_HOPS lines.
 */
bool
loops_has(const struct loops *l, size_t rcpt);

void
loops_free(struct loops *l);

#endif
