/* deliver.h - put messages into Maildirs, many at once, for good
 *
 * Batches of files (batch.h) go from tmp to new as on a belt. One round of
 * syncs, which takes the disk's time and none of ours, is for two of them:
 *
 *   gathered   its files are being written into tmp, while ...
 *   written    ... the syncs of its files, and ...
 *   linked     ... of its names in new are under way
 *
 * When they have ended, the linked one's verdicts are told, the files of the
 * written one are linked into new, what was gathered becomes the written one,
 * and the next syncs begin, at once, if there is anything to sync. So two
 * orders always hold: a name appears in new when the syncs that began after
 * its file was written have ended, and K is said when those have ended that
 * began after its name was there.
 *
 * Power lost in between leaves a file in tmp, or one in new for which nobody
 * said K: the queue delivers it again, under the same name (name.h), and
 * finds it. A sync that failed is never tried again: what it was about is
 * removed, and the verdict is Z.
 *
 * Not the agent contract: jobs.h.
 *
 * Source  https://cr.yp.to/proto/maildir.html
 * Test    tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_DELIVER_H
#define QUAIL_MAILDIR_DELIVER_H

#include "lib/worker.h"
#include "maildir/batch.h"
#include "maildir/syncs.h"

struct deliver {
	struct loop *loop;
	struct slice me;
	size_t files_max; /* of a batch */
	struct worker syncer;
	struct loop_task write;
	struct delivery *first, **last; /* complete, not all written yet */
	struct batch *gathered, *written, *linked;
	struct syncs_item items[2 * BATCH_FILES_MAX]; /* the syncer's, while
						       * it is busy */
	size_t n_items;
	size_t n_names; /* of these, the linked one's */
	struct buf image;
};

/* deliver_init - with nothing under way
 *
 * Takes    me: our name, for the files'; borrowed, may be set anew.
 */
void
deliver_init(struct deliver *v, struct loop *loop, struct slice me);

/* deliver_add - deliver a message that is complete
 *
 * Its files are written at the end of the round, or when there is room.
 * Keeps    the loop blocked where the disk blocks writers. At most 2048
 *          descriptors: three batches of 256 files, each file's and two for
 *          its Maildir, but the linked ones' files are closed. Where there
 *          may be fewer (descriptors.h), the batches are smaller.
 */
void
deliver_add(struct deliver *v, struct delivery *d);

/* deliver_leave - nobody waits for d any more: its slices end
 *
 * Returns  true: it is the caller's again; false: files of it are under way,
 *          done still comes for each of them.
 */
bool
deliver_leave(struct deliver *v, struct delivery *d);

/* deliver_finish - all that was added is delivered and told at the return */
void
deliver_finish(struct deliver *v);

/* deliver_close - deliver_finish, and give everything back */
void
deliver_close(struct deliver *v);

#endif
