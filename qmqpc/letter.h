/* letter.h - a message of the spool, opened and checked
 *
 * Whoever may write into the spool may have put anything there: it must be a
 * regular file with one name, reached over no link, and every byte is checked
 * before the first is sent. Its owner is who sent it, whatever it says.
 *
 * Test  tests/leaf_test.c
 */
#ifndef QUAIL_QMQPC_LETTER_H
#define QUAIL_QMQPC_LETTER_H

#include "qmqpc/spool.h"

struct letter {
	int fd;
	struct buf record; /* what the slices point into */
	struct spool_entry entry;
	struct slice sender, rcpts;
	uint64_t text_at;
	uid_t owner;
	uint64_t size;
};

enum letter_result {
	LETTER_GOOD,
	LETTER_GONE,	/* no such name */
	LETTER_FOREIGN, /* not a plain file with one name, or closed to us */
	LETTER_BROKEN,	/* a file, but no message */
	LETTER_TROUBLE	/* it could not be read: errno */
};

/* letter_open - open it and check all of it
 *
 * Returns  see enum letter_result; *why is a static text about it.
 * Owns     letter_close is legal whatever came of it.
 */
enum letter_result
letter_open(struct letter *l, const struct spool *s, const char *name,
	    const char **why);

void
letter_close(struct letter *l);

/* letter_package - make the package of it, the same bytes every time
 *
 * Needs    *p all zero.
 * Returns  0; -1 with errno.
 * Keeps    *p reads from *l until it is freed.
 */
int
letter_package(const struct letter *l, struct package *p);

#endif
