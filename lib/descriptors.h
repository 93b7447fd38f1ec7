/* descriptors.h - how many descriptors this process may have
 *
 * Every daemon raises its limit as far as its starter lets it (home_enter),
 * says at start when that is too few to work, and shares out the rest, so that
 * strangers who hold all that they can get leave what the daemon needs itself.
 *
 * Test  tests/server_test.c, tests/rlimits.t
 */
#ifndef QUAIL_LIB_DESCRIPTORS_H
#define QUAIL_LIB_DESCRIPTORS_H

#include <stddef.h>

enum {
	/* of a daemon itself: sockets that listen, the queue's, name servers,
	 * the log, files that are read for a moment */
	DESCRIPTORS_SPARE = 64,
	/* the least that it works with; quail run wants twice as many */
	DESCRIPTORS_LEAST = 256
};

/* descriptors_raise - as many as the hard limit allows */
void
descriptors_raise(void);

/* descriptors_max - how many there may be; SIZE_MAX: any */
size_t
descriptors_max(void);

/* descriptors_left - how many there are for others, behind DESCRIPTORS_SPARE;
 * at most `most` */
size_t
descriptors_left(size_t most);

/* descriptors_need - raise it, and die with exit 100, and a line that says what
 * to do, where there may be fewer */
void
descriptors_need(size_t n);

#endif
