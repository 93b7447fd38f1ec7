/* jobs.h - the agent contract on one side, deliveries on the other
 *
 * A job's text is in memory until its files are written: AGENT_CREDIT (256
 * KiB) each at most, and as a rule no more than what a round brings.
 *
 * Test  tests/maildir.t
 */
#ifndef QUAIL_MAILDIR_JOBS_H
#define QUAIL_MAILDIR_JOBS_H

#include "lib/agent.h"
#include "lib/tidy.h"
#include "maildir/deliver.h"

/* Two full batches, so that one is gathered while another is synced. */
enum { JOBS_MAX = 2 * BATCH_FILES_MAX };

struct jobs {
	struct agent agent;
	struct loop *loop;
	struct deliver deliver;
	struct buf me; /* the host's name */
	struct tidy tidy;
	uint64_t n_done; /* recipients */
	/* May be set behind jobs_init. False: not this mailbox before a new
	 * start, for which the loop has been stopped. */
	bool (*reaches)(struct slice path);
};

/* jobs_init - serve the queue's agent socket at path as "maildir"
 *
 * Needs    *jobs zeroed but for me; it stays in place.
 */
void
jobs_init(struct jobs *jobs, struct loop *loop, const char *path);

/* jobs_second - to be called every second: tidies when there is no work */
void
jobs_second(struct jobs *jobs);

/* jobs_renamed - me has changed */
void
jobs_renamed(struct jobs *jobs);

/* jobs_close - deliver what is complete, abandon the rest, disconnect */
void
jobs_close(struct jobs *jobs);

#endif
