/* agent.h - the agent's side of the agent contract: doing what the queue asks
 *
 * An agent connects to the queue's agent socket, says which next hops it
 * serves ("qmtp") and how many jobs it takes at a time. A job is one message
 * for one next hop: attributes, return path, recipients, then the text. The
 * agent answers with one verdict per recipient, in order. The first
 * AGENT_CREDIT bytes of text come unasked; after that the queue sends as
 * much as the agent has granted with agent_more, so one slow destination
 * stops nobody else on the connection.
 *
 * When the queue goes away the jobs are abandoned (job_gone) and the agent
 * connects again by itself; the queue tries those without a verdict again.
 *
 * Attributes of a job:
 *   id       the message's id, 16 hex digits
 *   birth    arrival, microseconds since 1970, decimal
 *   nexthop  as the route says: "qmtp:HOST:PORT", "smtp:mx", "maildir:PATH"
 *   size     bytes of text, decimal
 *   try      number of this attempt, from 1
 * and those of lib/dsn.h, which are kept as they come, AGENT_ATTRS of them.
 *
 * Source  doc/quail-agent.7
 * Test    tests/agent_test.c
 */
#ifndef QUAIL_LIB_AGENT_H
#define QUAIL_LIB_AGENT_H

#include "lib/conn.h"
#include "lib/idmap.h"
#include "lib/verdict.h"

/* An agent that is to end, or whose queue is, keeps those jobs alone whose
 * mail may have been taken already: those behind their end of text. It waits
 * for what becomes of them, and gives all others back. So it does with a single
 * job that the queue calls back, because others wait for its slot. */

enum { AGENT_CREDIT = 262144, AGENT_RETRY_MS = 200, AGENT_ATTRS = 8192 };

struct agent;

struct agent_job {
	uint64_t number;
	struct agent *agent;
	bool begun; /* job_begun has been called */
	size_t max_rcpts;
	uint64_t id;
	uint64_t birth_us;
	uint64_t size;
	uint64_t attempt;
	struct buf attrs;    /* others, as netstrings: see lib/dsn.h */
	struct buf envelope; /* the strings that the slices below point into */
	struct slice nexthop, sender;
	struct slice *rcpts;
	size_t n_rcpts;
	size_t n_answered;
	struct buf text;    /* text that has come; the agent takes it */
	uint64_t text_seen; /* bytes that have come in all */
	bool text_complete; /* size bytes have come: text_seen == size */
	void *user;	    /* the agent's own */
};

struct agent_calls {
	/* The envelope is known, the first text may be there. All of a
	 * round's jobs are told before the loop's tasks run. */
	void (*job_begun)(struct agent_job *job);
	/* More in job->text, or text_complete has become true. Not called
	 * for text that is there already at job_begun. */
	void (*job_text)(struct agent_job *job);
	/* The queue is gone or has abandoned the job: drop all of it and
	 * what job->user points to; the job is freed afterwards. No verdict
	 * may be given any more. */
	void (*job_gone)(struct agent_job *job);
};

struct agent {
	struct loop *loop;
	const char *path;
	const char *name;
	unsigned capacity;
	const struct agent_calls *calls;
	struct conn conn;
	struct loop_timer retry;
	bool is_open;
	bool is_ending; /* agent_end */
	bool is_last;	/* and the queue knows: no job is on its way */
	struct idmap jobs;
	/* Set it behind agent_init, if there is anything to be given back. May
	 * the job be? Then drop all of it, as in job_gone, and return true;
	 * the job is freed. */
	bool (*give_back)(struct agent_job *job);
	/* May be set likewise: the queue has gone, and all jobs with it. */
	void (*queue_gone)(struct agent *a);
	void *owner;
};

/* agent_init - connect to the queue's agent socket and stay connected
 *
 * Takes    path, name, calls: kept. Capacity of 1 to 10000 jobs.
 */
void
agent_init(struct agent *a, struct loop *loop, const char *path,
	   const char *name, unsigned capacity,
	   const struct agent_calls *calls);

/* agent_verdict - answer for the next recipient that has none yet
 *
 * After the last one the job is over and freed: touch it no more. Text
 * that has not come by then is dropped.
 * Returns  true when that was the last.
 */
bool
agent_verdict(struct agent_job *job, const struct verdict *v);

/* agent_verdict_rest - the same verdict for all that have none yet; the
 * job is over and freed */
void
agent_verdict_rest(struct agent_job *job, const struct verdict *v);

/* agent_more - grant n more bytes of text (what was taken, usually) */
void
agent_more(struct agent_job *job, uint64_t n);

/* agent_end - we are to end: no more jobs, and what give_back gives goes back
 *
 * The queue knows by itself when it is to end, and is asked for the same.
 */
void
agent_end(struct agent *a);

/* agent_give_up - no answer is waited for any more: ask give_back again
 *
 * Needs    agent_end. What goes back is written at the end of the round.
 */
void
agent_give_up(struct agent *a);

/* agent_busy - are there jobs that have not been answered? */
bool
agent_busy(const struct agent *a);

/* agent_is_over - behind agent_end: does no job need us any more?
 *
 * Neither one here nor one on its way. A queue of an older version does not
 * say when none is: wait for this with an end.
 */
bool
agent_is_over(const struct agent *a);

/* agent_close - close; the jobs are abandoned */
void
agent_close(struct agent *a);

#endif
