/* warmup.h - how much has gone out today, by source address and group
 *
 * Counted by the day (UTC), for sources that are being warmed up only. The
 * count is kept in the file queue/warmup, ahead of what is sent: before a
 * message goes out, a ceiling that covers it has been written and synced;
 * ceilings are raised by a hundredth of the day's limit, at least by one.
 *
 * Guarantee: after any crash no address sends more in a day than its limit.
 * A crash costs at most a hundredth of the limit of each group (one message
 * for limits below 200); an orderly end costs the same.
 *
 * The file is lines "DAY ADDRESS GROUP CEILING.", the last for a pair counts;
 * a torn line is none. It begins anew each day.
 *
 * When it cannot be read (a bad sector, no inode left) nothing more goes out
 * today from sources that are being warmed up; anything else does.
 *
 * A day that has begun lasts until its end has been seen to come, whatever the
 * wall's clock is set to meanwhile; where that is set forward between two
 * runs of the queue, a new day begins.
 *
 * Test  tests/warmup_test.c
 */
#ifndef QUAIL_QUEUE_WARMUP_H
#define QUAIL_QUEUE_WARMUP_H

#include "lib/buf.h"
#include "lib/elapsed.h"
#include "lib/names.h"

struct warmup {
	int dir, fd;	/* of the queue; of the file, or -1 */
	bool is_unread; /* what was sent today is not known */
	uint64_t end;
	int64_t day; /* since 1970-01-01 */
	struct elapsed clock;
	struct names counts; /* by address and group */
	struct buf line;
};

/* warmup_open - read what was counted today
 *
 * Takes    dir: kept open by the caller. now_s: which day it is; what the file
 *          counts for a later one counts for this one.
 * Keeps    logs when the file cannot be read or made.
 */
void
warmup_open(struct warmup *w, int dir, int64_t now_s);

/* warmup_now_s - the time by which the days of all these are told */
int64_t
warmup_now_s(struct warmup *w);

/* warmup_sent - what has gone out today */
uint64_t
warmup_sent(struct warmup *w, struct slice address, struct slice group,
	    int64_t now_s);

/* warmup_take - count one more
 *
 * Returns  0; -1 with errno: it could not be made durable, and must not go
 *          out; or what was sent today is not known.
 */
int
warmup_take(struct warmup *w, struct slice address, struct slice group,
	    uint64_t limit, int64_t now_s);

/* warmup_give_back - one that was taken today has reached nobody */
void
warmup_give_back(struct warmup *w, struct slice address, struct slice group,
		 int64_t now_s);

void
warmup_close(struct warmup *w);

#endif
