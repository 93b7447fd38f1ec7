/* damaged_put.h - what reading and setting aside share
 *
 * Part of damaged.h; not for others.
 * Test  tests/rot_test.c
 */
#ifndef QUAIL_QUEUE_DAMAGED_PUT_H
#define QUAIL_QUEUE_DAMAGED_PUT_H

#include "queue/damaged.h"

enum { DAMAGED_SUFFIX = 8 };

#define DAMAGED_FOLDER "damaged"

/* damaged_with_suffix - NAME.text and the like */
void
damaged_with_suffix(char to[DAMAGED_NAME + DAMAGED_SUFFIX], const char *name,
		    const char *suffix);

/* damaged_write - a piece, with its lines, into a file
 *
 * Returns  0; -1 with errno.
 */
int
damaged_write(int fd, const struct damaged_piece *p);

#endif
