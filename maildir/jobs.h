/* jobs.h - the agent contract on one side, deliveries on the other
 *
 * Messages that are complete are delivered as one batch, so that they share
 * its syncs: at the end of the first round that brings no more of them, or as
 * soon as there are DELIVER_FILES_MAX. A socket holds some fifty messages of
 * 4 KB, so that one round alone would make batches of that size.
 *
 * Test  tests/maildir.t
 */
#ifndef QUAIL_MAILDIR_JOBS_H
#define QUAIL_MAILDIR_JOBS_H

#include "lib/agent.h"
#include "maildir/deliver.h"

enum { JOBS_MAX = 256 };

struct jobs {
	struct agent agent;
	struct loop *loop;
	struct loop_task deliver;
	struct loop_timer look;		/* for more, in the next round */
	size_t n_waiting, n_known;	/* complete ones; a round ago */
	struct delivery *first, **last; /* complete ones */
	struct buf me;			/* the host's name */
};

/* jobs_init - serve the queue's agent socket at path as "maildir"
 *
 * Needs    *jobs zeroed but for me; it stays in place.
 */
void
jobs_init(struct jobs *jobs, struct loop *loop, const char *path);

/* jobs_close - deliver what is complete, abandon the rest, disconnect */
void
jobs_close(struct jobs *jobs);

#endif
