/* smallfile.h - a file of a few kilobytes that is read and replaced as a whole
 *
 * Test  tests/elapsed_test.c
 */
#ifndef QUAIL_LIB_SMALLFILE_H
#define QUAIL_LIB_SMALLFILE_H

#include "lib/buf.h"

/* smallfile_read - append all of it
 *
 * Returns  0; -1 with errno, EFBIG when it is larger than max.
 */
int
smallfile_read(int dir, const char *name, size_t max, struct buf *text);

/* smallfile_replace - after a crash there is the old one or the new one
 *
 * Takes    other: the name that it has until it is on the disk.
 * Returns  0; -1 with errno, and the old one stays. Which of the two names
 *          a power loss leaves is open: the directory is not synced.
 */
int
smallfile_replace(int dir, const char *name, const char *other,
		  struct slice text);

#endif
