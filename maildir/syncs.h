/* syncs.h - make many new files durable, in the cheaper of two ways
 *
 * fdatasync for each file; or, for more than SYNCS_EACH_MAX files of one
 * file system, one syncfs. Measured with 4 KB files on ext4: from 16 files
 * on, one syncfs takes half the time of a sync each, or less.
 *
 * syncfs tells of failed writes since Linux 5.8 only, and only of those
 * since its descriptor was opened. So older kernels get a sync each, and
 * it is called on the file that was opened first.
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

struct syncs_file {
	int fd;
	bool is_old; /* opened before this batch: synced by itself */
	int error;   /* told: 0 or an errno; nothing of it may be trusted */
	dev_t dev;   /* syncs.c's */
	bool is_done;
};

/* syncs_all - sync n files, which are in the order of their opening
 *
 * Returns  in each file's error how that went.
 */
void
syncs_all(struct syncs_file *files, size_t n);

#endif
