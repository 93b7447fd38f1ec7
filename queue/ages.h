/* ages.h - how old mail is, whatever becomes of the wall's clock
 *
 * The queue has a time of its own (lib/elapsed.h) that nobody can set. All that
 * is due is due by it, and a message is as old as the time that the queue has
 * seen pass since it came. So a clock that is set forward by a week bounces
 * nothing, and one that is set back by a year delays nothing.
 *
 * A message says when it came by the wall's clock, and in which run of the
 * queue: by the upper half of its id. A mark says for a run, and again for
 * each time that the wall's clock was set in it, which time of the queue's its
 * clock then stood for. Where that leaves a choice, mail is young.
 *
 * The time and the marks are kept in the file queue/clock, so that they go on
 * over restarts: at the most every ten minutes, and only while there is mail.
 *
 *   quail-clock 1
 *   now 1795293611 1795293611 83200
 *   mark 6b02093a 1795290000 1795290000
 *   mark 6b02093a 1826829611 1795293611
 *   end
 *
 * Test  tests/ages_test.c, tests/schedule_test.c
 */
#ifndef QUAIL_QUEUE_AGES_H
#define QUAIL_QUEUE_AGES_H

#include "lib/elapsed.h"
#include "queue/message.h"

enum { AGES_MARKS = 128, AGES_KEEP_S = 600 };

/* In that run the wall's clock stood at wall_s when it was at_s. */
struct ages_mark {
	uint32_t run;
	int64_t wall_s, at_s;
};

struct ages {
	int dir;
	uint32_t run;
	struct elapsed clock;
	struct ages_mark marks[AGES_MARKS]; /* the last is this run's */
	size_t n_marks;
	int64_t kept_s; /* when the file was written */
	bool is_stuck;	/* it could not be */
};

/* ages_open - go on where the file says that the last run was
 *
 * Takes    dir: of the queue, kept open by the caller. run: the upper half of
 *          all ids that are given from now on, higher than any before.
 * Without a file, or with one that cannot be read, the queue's time begins
 * now, and mail from before is as young as that.
 */
void
ages_open(struct ages *a, int dir, uint32_t run);

/* ages_now_s - the queue's time */
int64_t
ages_now_s(const struct ages *a);

/* ages_birth_s - when a message came, by the queue's time; never later than
 * now */
int64_t
ages_birth_s(const struct ages *a, const struct message *m);

/* ages_age_s - for how long the queue has seen it wait */
int64_t
ages_age_s(const struct ages *a, const struct message *m);

/* ages_wall_s - what the wall's clock will say at a time of the queue's, if
 * nobody sets it */
int64_t
ages_wall_s(const struct ages *a, int64_t at_s);

/* ages_look - has the wall's clock been set? Call it once a second
 *
 * Does     log it; write the file when it is time and has_mail.
 */
void
ages_look(struct ages *a, bool has_mail);

/* ages_keep - write the file; a failure is logged, once */
void
ages_keep(struct ages *a);

#endif
