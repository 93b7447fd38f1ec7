/* batch.h - files that go the way from tmp to new together
 *
 *   1  batch_add        write each message, for each recipient, into tmp
 *   2  batch_files      what is to be synced; batch_took_files: how it went
 *   3  batch_link       give each its name in new, none in tmp
 *   4  batch_names      each new that got a name is to be synced, once;
 *                       batch_took_names: how that went
 *   5  batch_tell       the verdicts, K for what has passed all of it
 *
 * Who calls them sees to the order, and to the syncs between: deliver.c.
 *
 * Test    tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_BATCH_H
#define QUAIL_MAILDIR_BATCH_H

#include "maildir/delivery.h"
#include "maildir/name.h"
#include "maildir/syncs.h"

enum { BATCH_FILES_MAX = 256 };

struct box {
	struct buf path;
	struct mailbox mailbox;
	dev_t dev;
	bool is_open;
	bool syncs_alone; /* its file system is one for a sync each */
	bool is_changed;  /* new has got a name */
	int error;	  /* of opening it, later of syncing new */
};

struct file {
	struct delivery *d;
	size_t rcpt;
	struct box *box;
	int fd; /* in tmp; -1: there is none, or none any more */
	char tmp[DELIVERY_TMP_SIZE];
	char name[NAME_SIZE];
	uint64_t len;
	bool is_found; /* its name was there already: not ours to remove */
	struct verdict verdict;
};

/* About 200 KB, while it is under way. */
struct batch {
	size_t n_files, n_boxes;
	struct file files[BATCH_FILES_MAX];
	struct box boxes[BATCH_FILES_MAX];
};

/* batch_new - an empty one; dies when there is no memory */
struct batch *
batch_new(void);

/* batch_add - write the file of the next recipient of d
 *
 * Needs    room: n_files < BATCH_FILES_MAX. d's loops have been looked for.
 * Takes    me: our name, for the file's. image: room to work in.
 * Owns     a descriptor for the file until batch_link, and two for each
 *          Maildir until batch_tell.
 */
void
batch_add(struct batch *b, struct delivery *d, struct slice me,
	  struct buf *image);

/* batch_files - list the files that are to be synced; returns how many */
size_t
batch_files(const struct batch *b, struct syncs_item *items);

/* batch_took_files - the items of batch_files, synced: what failed is
 * removed from tmp */
void
batch_took_files(struct batch *b, const struct syncs_item *items);

void
batch_link(struct batch *b);

/* batch_names - list the directories that are to be synced */
size_t
batch_names(const struct batch *b, struct syncs_item *items);

/* batch_took_names - the items of batch_names, synced: names whose sync
 * failed are removed from new, as far as that is possible */
void
batch_took_names(struct batch *b, const struct syncs_item *items);

/* batch_tell - tell all verdicts, and free it */
void
batch_tell(struct batch *b);

#endif
