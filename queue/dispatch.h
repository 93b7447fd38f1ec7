/* dispatch.h - the queue's side of the agent contract
 *
 * Agents connect to run/agent and say what they serve. An attempt becomes a
 * job at the least busy agent of its kind: envelope, then text, as much as
 * the agent has granted; its verdicts come back one by one. An agent that
 * dies gives its jobs back, as if they had never been begun.
 *
 * Source  doc/quail-agent.7
 * Test    tests/agent_test.c
 */
#ifndef QUAIL_QUEUE_DISPATCH_H
#define QUAIL_QUEUE_DISPATCH_H

#include "lib/server.h"
#include "lib/verdict.h"
#include "queue/attempt.h"
#include "queue/envelopes.h"
#include "queue/store.h"

enum {
	DISPATCH_OUT_MAX = 4 * 1024 * 1024 /* text that waits for an agent */
};

struct admit;
struct agent_link;

struct dispatch {
	struct loop *loop;
	struct store *store;
	struct server server;
	struct agent_link *links;
	struct idmap jobs;
	uint64_t next_job;
	bool is_ending; /* dispatch_end */
	/* Who has connected? false: it must go. NULL: anybody may serve. */
	bool (*admits)(struct dispatch *d, int fd, uid_t *uid);
	/* ... and may it serve these next hops? Together with admits. */
	bool (*may_serve)(struct dispatch *d, uid_t uid, struct slice name);
	struct admit *admit; /* theirs */
	struct envelopes envelopes;
	uint64_t round, read_before; /* of the loop; what n_read was then */
	struct loop_task again;	     /* enough was read in this round */
	/* a verdict for the attempt's recipient number a->n_answered */
	void (*verdict)(struct dispatch *d, struct attempt *a,
			const struct verdict *v);
	/* all verdicts have come; the attempt is the caller's again */
	void (*ended)(struct dispatch *d, struct attempt *a);
	/* the agent died: what has no verdict is to be tried again */
	void (*lost)(struct dispatch *d, struct attempt *a);
	/* the agent has not begun it, or was asked for it, and gives it back */
	void (*returned)(struct dispatch *d, struct attempt *a);
	/* an agent can take more */
	void (*is_free)(struct dispatch *d);
	void *owner;
};

/* dispatch_init - serve run/agent; set the five calls before,
 * admits behind */
void
dispatch_init(struct dispatch *d, struct loop *loop, struct store *store,
	      const char *path);

enum { DISPATCH_READ = 1024 * 1024 /* bytes of large envelopes a round */ };

/* dispatch_start - give an attempt to an agent
 *
 * When large envelopes have been read for others in this round, none is free
 * for one that is to be read, too, until the next one.
 *
 * Returns  0; 1 no agent of that kind is free (or there at all); -1 the
 *          message cannot be read: errno.
 */
int
dispatch_start(struct dispatch *d, struct attempt *a);

struct dispatch_room {
	unsigned all, free; /* jobs */
};

/* dispatch_room - how many jobs do the agents of that kind take? */
struct dispatch_room
dispatch_room(const struct dispatch *d, struct slice name);

/* dispatch_links - how many connections has a user? dispatch_serving - how
 * many of any user serve these next hops, and are not to end? */
size_t
dispatch_links(const struct dispatch *d, uid_t uid);

size_t
dispatch_serving(const struct dispatch *d, struct slice name);

/* dispatch_call_back - ask agents to give jobs back, as far as no next hop can
 * have taken the mail
 *
 * Takes    wants: of this attempt? Asked from the youngest of each agent on.
 */
void
dispatch_call_back(struct dispatch *d, bool (*wants)(struct attempt *a));

/* dispatch_end - no more jobs: the queue is to end
 *
 * Does     ask the agents to give back what they have not begun, and take
 *          back what has not been sent as a whole. What is left may have
 *          been taken by its next hop, and is worth waiting for.
 */
void
dispatch_end(struct dispatch *d);

/* dispatch_jobs - how many are under way? */
size_t
dispatch_jobs(const struct dispatch *d);

/* dispatch_close - close all; what is under way is lost, and its texts that
 * were sent as a whole are logged as possible duplicates */
void
dispatch_close(struct dispatch *d);

#endif
