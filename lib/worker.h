/* worker.h - one piece of work at a time, beside the loop, by a thread
 *
 * For the syncs of a disk: while it works, the loop goes on. The thread does
 * work() and nothing else, and may touch only what its owner leaves alone until
 * done() is called. It is made when it is first needed; where none can be had,
 * the loop waits for the disk.
 *
 * Test  tests/worker_test.c
 */
#ifndef QUAIL_LIB_WORKER_H
#define QUAIL_LIB_WORKER_H

#include "lib/loop.h"

#include <pthread.h>
#include <semaphore.h>

enum worker_way {
	WORKER_INLINE, /* worker_start works itself */
	WORKER_THREAD,
	WORKER_LATE /* the second round after does, just before it calls done:
		     * for tests of what happens meanwhile, in one order */
};

struct worker {
	struct loop *loop;
	enum worker_way way; /* WORKER_INLINE where no thread can be had */
	bool is_busy;	     /* from worker_start until done */
	bool has_thread, is_ending;
	pthread_t thread;
	sem_t begun;
	struct loop_io told;	 /* an eventfd: the thread has done it */
	struct loop_timer ended; /* the same, of work without it */
	struct loop_task late;	 /* the first of the two rounds is over */
	bool is_late;
	void (*work)(struct worker *w);
	void (*done)(struct worker *w);
};

/* worker_init - work is the thread's; done is called, from the loop, when it
 * has ended */
void
worker_init(struct worker *w, struct loop *loop, enum worker_way way,
	    void (*work)(struct worker *w), void (*done)(struct worker *w));

/* worker_start - begin; done comes in a later round
 *
 * Needs    it is not busy.
 * Takes    is_short: no thread, since to hand it over would take longer, or
 *          nobody waits for us meanwhile.
 */
void
worker_start(struct worker *w, bool is_short);

/* worker_wait - if it is busy: wait for the end, and call done */
void
worker_wait(struct worker *w);

/* worker_close - wait for the end of what is under way, which is not told */
void
worker_close(struct worker *w);

#endif
