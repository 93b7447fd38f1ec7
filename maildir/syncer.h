/* syncer.h - syncs beside the loop, by a thread
 *
 * While the disk works, the next files are written: that is what the thread
 * is for. It does syncs_all and nothing else, and knows only what syncer_start
 * has handed over. One sync alone, when nobody waits for us, is done at once
 * and without it: to hand it over would take longer. The thread is made when
 * it is first needed; where none can be had, the loop waits for the disk.
 *
 * Test  tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_SYNCER_H
#define QUAIL_MAILDIR_SYNCER_H

#include "lib/loop.h"
#include "maildir/syncs.h"

#include <pthread.h>
#include <semaphore.h>

struct syncer {
	struct loop *loop;
	struct syncs_item *items; /* the thread's, while it works */
	size_t n;
	bool is_busy;	/* from syncer_start until done */
	bool is_inline; /* may be set after syncer_init: no thread, ever */
	bool has_thread, is_ending;
	pthread_t thread;
	sem_t work;
	struct loop_io told;	 /* an eventfd: the thread has done it */
	struct loop_timer ended; /* the same, of syncs without it */
	void (*done)(struct syncer *s);
};

/* syncer_init - done is called, from the loop, when syncs have ended */
void
syncer_init(struct syncer *s, struct loop *loop,
	    void (*done)(struct syncer *s));

/* syncer_start - sync n items; done comes in a later round
 *
 * Needs    it is not busy. The items and their descriptors stay until done.
 * Takes    may_wait: nobody is kept waiting if this takes the time of a sync.
 */
void
syncer_start(struct syncer *s, struct syncs_item *items, size_t n,
	     bool may_wait);

/* syncer_wait - if it is busy: wait for the end, and call done */
void
syncer_wait(struct syncer *s);

/* syncer_close - wait for the end of what is under way, which is not told */
void
syncer_close(struct syncer *s);

#endif
