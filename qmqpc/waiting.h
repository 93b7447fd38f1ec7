/* waiting.h - the messages of the spool that the drain knows of
 *
 * Those that were tried least come first, so that one that its hub chokes on
 * holds up nobody; among equals the one that is due first, then by id.
 *
 * Test  tests/leaf_test.c
 */
#ifndef QUAIL_QMQPC_WAITING_H
#define QUAIL_QMQPC_WAITING_H

#include "qmqpc/spool.h"

struct waiting_item {
	uint64_t id, size;
	unsigned n_tries, n_answers; /* n_answers: Z from a hub that lives */
	int64_t due_ms;
	int64_t first_s; /* when the drain met it, by its own time: tried.h */
	bool is_known;	 /* ... which has been asked */
	bool is_there;	 /* the last scan has seen it */
	bool is_sent;	 /* but its name could not be removed yet */
	bool is_ignored; /* nothing that we touch */
};

struct waiting {
	struct waiting_item *items;
	size_t n, max;
	uint64_t bytes;
};

enum { WAITING_TMP_S = 36 * 3600 };

/* waiting_scan - look what is there
 *
 * Adds new ones as due now, drops those that are gone, and removes files
 * that nobody has finished writing for WAITING_TMP_S.
 * Returns  0; -1 with errno when the directory cannot be read.
 */
int
waiting_scan(struct waiting *w, const struct spool *s, int64_t now_ms);

/* waiting_sort - bring the items into the order in which to try them; the
 * next scan brings them into another */
void
waiting_sort(struct waiting *w);

/* waiting_due_ms - when the first of those that wait is due; INT64_MAX for
 * none */
int64_t
waiting_due_ms(const struct waiting *w);

/* waiting_count - how many there are, without those that are ignored */
size_t
waiting_count(const struct waiting *w);

void
waiting_free(struct waiting *w);

#endif
