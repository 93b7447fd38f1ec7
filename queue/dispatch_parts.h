/* dispatch_parts.h - what dispatch.c (agents, their jobs and answers) and
 * dispatch_job.c (what a job says to its agent) share; nobody else's
 */
#ifndef QUAIL_QUEUE_DISPATCH_PARTS_H
#define QUAIL_QUEUE_DISPATCH_PARTS_H

#include "lib/conn.h"
#include "queue/dispatch.h"

struct agent_link {
	struct agent_link *prev, *next;
	struct dispatch *dispatch;
	struct conn conn;
	uid_t uid;
	struct buf name;
	unsigned capacity, n_running;
	bool is_refused;    /* its next hops are not its own to serve */
	bool has_abandoned; /* late verdicts for those may come */
	bool is_ending;	    /* it takes no more jobs */
	struct job *jobs;
};

struct job {
	struct job *prev, *next;
	struct agent_link *link;
	struct attempt *attempt;
	uint64_t number;
	uint64_t granted;	  /* bytes of text */
	struct store_reader text; /* what was sent of it */
};

/* dispatch_send_envelope - the first frames of a job
 *
 * Takes    e: the message's, as store_envelope gives it; large: the same, or
 *          NULL.
 */
void
dispatch_send_envelope(struct job *job, const struct store_envelope *e,
		       const struct envelope *large);

/* dispatch_send_text - as much text as the agent has granted
 *
 * Never more than DISPATCH_OUT_MAX is in memory, whatever it grants; the rest
 * follows when that has gone out.
 * Returns  0; -1 with errno: it cannot be read, or is not what was written.
 *          Then the agent has not got its end.
 */
int
dispatch_send_text(struct job *job);

#endif
