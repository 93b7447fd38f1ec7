/* shares.h - who has how much of the leaf's spool
 *
 * The spool has a limit, and each owner of mail in it a share. An owner is
 * full who has more than SHARES_TIMES times of what is left: alone three
 * quarters of the limit, two of them three sevenths each, so that something is
 * left for the next whoever they are. A SHARES_LEAST-th is anybody's,
 * whatever others do. An owner who takes no notice counts for three quarters
 * at the most, however much he has put there.
 *
 * What counts is what a drain would send, and what is in failed/: whole files
 * with one name, by the bytes that are both in them and on the disk.
 *
 * Test  tests/leafspool_test.c, tests/leaf_crowd.t
 */
#ifndef QUAIL_QMQPC_SHARES_H
#define QUAIL_QMQPC_SHARES_H

#include "lib/idmap.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum {
	SHARES_TIMES = 3,
	SHARES_LEAST = 64,
	SHARES_SAY_MS = 60000 /* from one line about an owner to the next */
};

/* Files that will not be sent; told once, and then as a count. */
struct shares_odd {
	uint64_t n; /* since it was told */
	int64_t told_ms;
	const char *why;
};

struct share {
	uid_t uid;
	uint64_t waits, failed; /* bytes */
	size_t n_held;		/* messages that the drain has in memory */
	size_t n_failed;	/* files */
	uint64_t served;	/* when it had its last turn */
	bool is_full;		/* and has been told so: marks.h */
	struct shares_odd ignored, broken;
};

struct shares {
	struct share *list;
	size_t n, max;
	struct idmap places; /* by uid: 1 + its place in the list */
};

/* shares_weight - what a file counts
 *
 * Returns  the smaller of its size and its blocks: one with a hole in it and
 *          one with room behind its end each claim more than they hold.
 */
uint64_t
shares_weight(const struct stat *st);

/* shares_counts - may it be mail at all: a file, and with one name? */
bool
shares_counts(const struct stat *st);

/* shares_of - an owner's; one that is new has nothing
 *
 * Keeps    it is valid until the next call.
 */
struct share *
shares_of(struct shares *s, uid_t uid);

/* shares_recount - what waits, or what is in failed/, is counted anew */
void
shares_recount(struct shares *s, bool failed);

/* shares_used - of all owners, each at the most as much as it may have */
uint64_t
shares_used(const struct shares *s, uint64_t max);

/* shares_full - has it too much, with more bytes than it has now?
 *
 * Takes    used: of shares_used.
 */
bool
shares_full(const struct share *one, uint64_t more, uint64_t used,
	    uint64_t max);

void
shares_free(struct shares *s);

#endif
