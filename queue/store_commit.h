/* store_commit.h - group commit: what waits is written in one piece, synced
 * once, and then its waiters are told
 *
 *   gathering   store_add and store_settle put records into st->news and
 *               st->outcomes; who waits is in st->waiting
 *   written     they stand behind the segment's end; who waits is in
 *               st->flying; the sync is under way
 *   durable     all of st->flying are told K
 *
 * A repeat waits where its first one does. When messages cannot be written,
 * or their sync fails, they and their keys are forgotten at that moment, before
 * anybody is told Z: from then on the same package is a new one.
 *
 * A batch of more than STORE_SHORT bytes is synced by a thread (lib/worker.h),
 * and the next is gathered meanwhile, in memory. It is the only work of the
 * store's that anything happens beside: nothing of the next batch is written,
 * no segment begun, given back or moved before the sync has ended, so the
 * disk sees one order of calls, with or without the thread.
 *
 * Part of the store; not for others.
 * Test  tests/replay_test.c, tests/fault_test.c, with syncs that end at once
 *       and later; tests/commit_test.c with the thread
 */
#ifndef QUAIL_QUEUE_STORE_COMMIT_H
#define QUAIL_QUEUE_STORE_COMMIT_H

#include "queue/store.h"

/* a batch's last record: see entry.h */
enum { STORE_MARK = RECORD_EXTRA + ENTRY_B };

/* store_commit_init - nothing waits
 *
 * Needs    st->loop.
 */
void
store_commit_init(struct store *st);

/* store_commit - commit what waits, now, and what is under way before it
 *
 * Returns  0: all of it is durable, though outcomes may be left that found no
 *          room; -1: it is not, its waiters were told Z.
 */
int
store_commit(struct store *st);

/* store_queue - one more waits at a list's end */
void
store_queue(struct store_waiters *list, struct store_waiter *w);

/* store_tell_known - K to the repeats of what is durable already */
void
store_tell_known(struct store *st);

/* store_commit_mark - in a rest, say behind the last batch that it was synced
 *
 * Costs no sync: that this is there at all says it. Without it bytes of the
 * last batch that go bad could not be told from a batch that never ended.
 */
void
store_commit_mark(struct store *st);

/* store_synced - wait until no sync is under way; its waiters are told */
void
store_synced(struct store *st);

/* store_fail - log errno, and let the process end */
void
store_fail(struct store *st, const char *what);

#endif
