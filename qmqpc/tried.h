/* tried.h - for how long, and how often, the mail of the spool was tried
 *
 * A leaf may not know the time: it boots before its clock is set, and whoever
 * drops mail may claim any date. So the drain counts by time that it has seen
 * pass (lib/elapsed.h), from when it first met a message. What it knows is
 * kept in failed/tried, for the next boot or the next run from cron; of a
 * message its id, when it was met, the tries, and those that a hub answered:
 *
 *   now 1795293611 1795293611 83200
 *   0f1e2d3c4b5a6978 1795290011 14 2
 *   end
 *
 * Written at the most every hour, and only while something was deferred:
 * flash wears out. A leaf that is switched off sooner each time, and does not
 * know the time, keeps mail for longer than it should.
 *
 * Test  tests/leaf_test.c, tests/leaf.t
 */
#ifndef QUAIL_QMQPC_TRIED_H
#define QUAIL_QMQPC_TRIED_H

#include "lib/elapsed.h"
#include "qmqpc/waiting.h"

enum {
	TRIED_KEEP_S = 3600,  /* from one writing to the next, ... */
	TRIED_KEEP_PART = 16, /* ... or this part of a short lifetime */
	TRIED_FILE_MAX = 1 << 26
};

struct tried_item {
	uint64_t id;
	int64_t first_s;
	unsigned n_tries, n_answers;
};

struct tried {
	int dir;
	struct elapsed clock;
	struct tried_item *items; /* of the file, by id */
	size_t n, max;
	bool has_file;
	int64_t kept_s; /* when it was written */
};

/* tried_open - read the file of a spool's failed/
 *
 * Takes    dir: kept open by the caller; -1: there is none. Without a file, or
 * with one that makes no sense, all mail is new.
 */
void
tried_open(struct tried *t, int dir);

/* tried_recall - set first_s and the counts of a message that is new to us */
void
tried_recall(const struct tried *t, struct waiting_item *item);

/* tried_age_s - for how long it has been seen to wait */
int64_t
tried_age_s(const struct tried *t, const struct waiting_item *item);

/* tried_keep - write the file, if it is time and anything was deferred
 *
 * Returns  0; -1 with errno, and the old one stays.
 */
int
tried_keep(struct tried *t, const struct waiting *w, int64_t lifetime_s);

void
tried_free(struct tried *t);

#endif
