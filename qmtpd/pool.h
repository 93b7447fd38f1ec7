/* pool.h - qmtpc's work: the queue's jobs, shared out over the next hops
 *
 * A small message (at most AGENT_CREDIT) waits here until its text is
 * complete. A large one for one recipient is streamed as it comes, granted
 * as the peer takes it. A large one for several recipients goes over the
 * wire once for each, unless quail/1 is spoken there, so its text is kept in
 * memory until the last; all
 * of those together may hold POOL_HOARD bytes, and what does not fit waits.
 *
 * Test  tests/pool_test.c
 */
#ifndef QUAIL_QMTPD_POOL_H
#define QUAIL_QMTPD_POOL_H

#include "qmtpd/hop.h"

enum {
	POOL_TABLE = 256,
	POOL_JOBS = 1000,
	POOL_PEERS_MAX = 4000, /* fewer where descriptors are */
	POOL_HOARD = 128 * 1024 * 1024
};

struct pool {
	struct loop *loop;
	struct dns *dns;
	struct agent agent, secure_agent; /* for qmtp: and for qmtps: */
	size_t n_peers, peers_max; /* connections, also those being made */
	struct secure secure;
	uint64_t tables; /* of which generation its connections are */
	struct list hops[POOL_TABLE];
	struct list wait; /* large deliveries that wait for the hoard */
	uint64_t hoard;	  /* bytes that large messages may hold, or do */
	bool stopping;
	bool giving_up; /* no answer is waited for any more */
};

/* pool_init - serve the queue at the agent socket
 *
 * Takes    path: kept.
 */
void
pool_init(struct pool *pool, struct loop *loop, struct dns *dns,
	  const char *path);

/* pool_secure - serve next hops "qmtps:" too */
void
pool_secure(struct pool *pool, const char *path);

/* pool_refresh - take up new tables, and go by them; call it each second */
void
pool_refresh(struct pool *pool);

/* pool_spares - make room for a connection: close one that nothing is on
 *
 * Returns  false: there is none.
 */
bool
pool_spares(struct pool *pool);

/* pool_stop - begin nothing more
 *
 * What no next hop can have as a whole is given back to the queue, and so is
 * what it still gives.
 */
void
pool_stop(struct pool *pool);

/* pool_give_up - wait no longer
 *
 * What has not arrived is taken back, and given back to the queue; of the
 * rest it is logged that it may come twice.
 */
void
pool_give_up(struct pool *pool);

/* pool_busy - is there a package without a reply? */
bool
pool_busy(const struct pool *pool);

/* pool_close - close the agent and all connections */
void
pool_close(struct pool *pool);

/* pool_delivery_over - told by hop_delivery_over: give back its budget */
void
pool_delivery_over(struct pool *pool, struct delivery *d);

#endif
