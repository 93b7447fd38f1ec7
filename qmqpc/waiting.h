/* waiting.h - the messages of the spool that the drain knows of
 *
 * Their owners have turns, so one who has dropped twenty thousand holds up
 * nobody: first one of each, whose last turn is longest ago in front, then
 * another of each. Of an owner's own those that were tried least come first,
 * so that one that its hub chokes on holds up nobody either; among equals the
 * one that is due first, then by id.
 *
 * Who may write to the spool may have put anything there, and any number: of
 * an owner WAITING_EACH are held in memory, and what is no file with one name,
 * or has something mounted on it, is ignored, for an hour at a time.
 *
 * Test  tests/leaf_test.c, tests/leafspool_test.c
 */
#ifndef QUAIL_QMQPC_WAITING_H
#define QUAIL_QMQPC_WAITING_H

#include "qmqpc/spool.h"

struct waiting_item {
	uint64_t id, size;
	uid_t uid;
	unsigned n_tries, n_answers; /* n_answers: Z from a hub that lives */
	int64_t due_ms;
	int64_t first_s; /* when the drain met it, by its own time: tried.h */
	uint64_t turn, served; /* of waiting_sort */
	bool is_known;	       /* first_s, which has been asked */
	bool is_there;	       /* the last scan has seen it */
	bool is_sent;	       /* but its name could not be removed yet */
	bool is_ignored; /* nothing that we touch, until it is due again */
};

struct waiting {
	struct waiting_item *items;
	size_t n, max;
	struct shares shares;
	int64_t tmp_due_ms; /* when to look for what was never finished */
};

enum {
	WAITING_TMP_S = 36 * 3600,
	WAITING_EACH = 100000,
	WAITING_AGAIN_MS = 3600000,
	WAITING_TURNS = 16 /* the most that one waits for having been tried */
};

/* waiting_scan - look what is there
 *
 * Adds new ones as due now, drops those that are gone, counts each owner's,
 * and once an hour removes files that nobody has finished writing for
 * WAITING_TMP_S.
 * Returns  0; -1 with errno when the directory cannot be read.
 */
int
waiting_scan(struct waiting *w, const struct spool *s, int64_t now_ms);

/* waiting_sort - bring the items into the order in which to try them: those
 * that are due, by turns, and behind them the rest; the next scan brings
 * them into another */
void
waiting_sort(struct waiting *w, int64_t now_ms);

/* waiting_is_due - is it to be tried now? */
bool
waiting_is_due(const struct waiting_item *item, int64_t now_ms);

/* waiting_ignore - leave it alone for WAITING_AGAIN_MS; it counts no more */
void
waiting_ignore(struct waiting *w, struct waiting_item *item, const char *why,
	       int64_t now_ms);

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
