/* failed.h - failed/ in the spool: what can be neither sent nor returned
 *
 * A directory of the drain's own (own.h). What is in it counts for its owners
 * like what waits. Where there can be none, mail is sent all the same, and
 * what would go there stays where it is.
 *
 * Test  tests/leaf.t, tests/leaf_crowd.t
 */
#ifndef QUAIL_QMQPC_FAILED_H
#define QUAIL_QMQPC_FAILED_H

#include "qmqpc/waiting.h"

enum {
	FAILED_EACH = 1000, /* files of one owner that are no messages */
	FAILED_COUNT_MS = 60000
};

struct failed {
	int dir; /* -1: none */
	bool is_unsynced;
	bool is_counted;
	int64_t counted_ms;
	struct timespec changed; /* the directory, when it was counted */
};

/* failed_open - make it, or take it back
 *
 * Needs    the drain to own the spool, or to be root, and its lock.
 * Returns  0; -1 with errno, and there is none. failed_close is legal.
 */
int
failed_open(struct failed *f, const struct spool *s);

void
failed_close(struct failed *f);

/* failed_count - count what each owner has in it, if that has changed, and
 * that once in FAILED_COUNT_MS at the most */
void
failed_count(struct failed *f, struct shares *shares, int64_t now_ms);

/* failed_take - move a message there; its owner's count follows
 *
 * Returns  0, and failed_sync is wanted; -1 with errno.
 */
int
failed_take(struct failed *f, const struct spool *s, struct shares *shares,
	    const struct waiting_item *item);

/* failed_sync - make durable what has been moved there
 *
 * Takes    n_unsynced: grows when the spool has to be synced behind it.
 * Returns  0; -1 with errno.
 */
int
failed_sync(struct failed *f, unsigned *n_unsynced);

#endif
