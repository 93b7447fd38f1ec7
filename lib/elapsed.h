/* elapsed.h - a clock that only goes on by time that has been seen to pass
 *
 * Its seconds are those of clock_boot_s: setting the wall's clock does not
 * move it. It is kept in a file by its user, and resumed by the next process.
 * What has passed meanwhile counts by the smaller of the two clocks: by the
 * wall's, which somebody may have set, and by the machine's, which says
 * nothing when it has been started anew since; and no more than a day
 * of it, since nobody was there to see it.
 *
 * It begins at the wall's time, and agrees with it as long as nobody sets that.
 *
 * Test  tests/elapsed_test.c
 */
#ifndef QUAIL_LIB_ELAPSED_H
#define QUAIL_LIB_ELAPSED_H

#include "lib/buf.h"

enum {
	ELAPSED_AWAY_S = 86400, /* the most that counts of a time unseen */
	ELAPSED_JUMP_S = 10	/* what is less is no jump of the wall's */
};

/* A moment, by all three clocks. */
struct elapsed {
	int64_t at_s, wall_s, boot_s;
};

/* elapsed_begin - it begins now */
void
elapsed_begin(struct elapsed *e);

/* elapsed_resume - go on from a moment that was kept */
void
elapsed_resume(struct elapsed *e, const struct elapsed *kept);

/* elapsed_s - what it says now */
int64_t
elapsed_s(const struct elapsed *e);

/* elapsed_jump_s - by how much has the wall's clock been set since the moment?
 *
 * Returns  seconds, negative for back; 0 for less than ELAPSED_JUMP_S.
 */
int64_t
elapsed_jump_s(const struct elapsed *e);

/* elapsed_renew - the moment is now; it says the same as before */
void
elapsed_renew(struct elapsed *e);

/* elapsed_put - append "AT WALL BOOT", as it is now */
void
elapsed_put(struct buf *out, const struct elapsed *e);

/* elapsed_take - read that off the front of *rest; -1 when it is none */
int
elapsed_take(struct slice *rest, struct elapsed *kept);

#endif
