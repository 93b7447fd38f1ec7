/* syncs.h - make new files and names durable, in the cheaper of two ways
 *
 * fdatasync for each file and fsync for each directory; or, for more than
 * SYNCS_EACH_MAX of them on one file system, one syncfs. Measured with 4 KB
 * files on ext4: from 16 files on, one syncfs takes half the time of a sync
 * each, or less.
 *
 * syncfs tells of failed writes of data since Linux 5.8 only, of those of the
 * journal since 5.17, and of data only since its descriptor was opened. So
 * older kernels get a sync each, and it is called on a descriptor that is
 * older than what was written.
 *
 * Source  syncfs(2)
 * Test    tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_SYNCS_H
#define QUAIL_MAILDIR_SYNCS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SYNCS_EACH_MAX = 16 };

struct syncs_item {
	int fd;
	int older; /* on the same file system, opened before what this is
		    * about was written: for syncfs */
	dev_t dev;
	bool is_dir;
	bool is_alone; /* syncfs would not do: synced by itself */
	int error;     /* told: 0 or an errno; nothing of it may be trusted */
	bool is_done;  /* syncs.c's */
};

/* syncs_tells - does syncfs of this release of Linux tell of all failures? */
bool
syncs_tells(const char *release);

/* syncs_can - is syncfs good for all on the file system of this directory?
 *
 * Of those where it is known to make files and names durable and to tell of
 * its failures: ext4, xfs and btrfs. Not of overlays, whose errors stay in
 * the layer below, nor of FUSE, whose server hears nothing of it.
 */
bool
syncs_can(int dir);

/* syncs_all - sync n files and directories
 *
 * What was written and linked before the call is durable behind it. Of one
 * file system the first one's older is taken.
 * Returns  in each one's error how that went.
 * Keeps    nothing; blocks. May run in a thread: it looks at the items only.
 */
void
syncs_all(struct syncs_item *items, size_t n);

#endif
