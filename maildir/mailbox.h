/* mailbox.h - a Maildir's directories: opened, and made when missing
 *
 * A path is walked name by name and no symbolic link is followed, neither
 * in it nor in place of tmp, new or cur.
 *
 * Made in this order: all directories down to tmp and new, each directory
 * that got a name synced; then cur. So whoever finds cur knows that all that
 * mail needs is on disk, also after a crash in between.
 *
 * Test  tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_MAILBOX_H
#define QUAIL_MAILDIR_MAILBOX_H

#include "lib/slice.h"

struct mailbox {
	int tmp_dir;
	int new_dir; /* can be synced */
};

/* mailbox_open - open tmp and new
 *
 * Takes    path: absolute, or relative to the current directory.
 * Returns  0; -1 with errno, and nothing is open: ENOTDIR for a symbolic
 *          link, EINVAL for a path that is empty or has "..", or NUL.
 */
int
mailbox_open(struct mailbox *m, struct slice path);

/* mailbox_make_root - make a directory for mailboxes, as mailbox_open would
 * one above a mailbox; where that fails, it will fail there too */
void
mailbox_make_root(struct slice path);

void
mailbox_close(struct mailbox *m);

#endif
