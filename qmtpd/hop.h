/* hop.h - one next hop of qmtpc: what waits for it, and its connections
 *
 * Deliveries wait here until a connection has room. When all that are open
 * are full, another is opened, up to HOP_PEERS_MAX; large messages get
 * connections of their own, at most one less than that, so that small ones
 * always find one.
 *
 * No connection can be opened, or the name has no address: what waits is
 * answered Z, about the way (VERDICT_WAY), by which the queue knows that this
 * next hop is to be left alone. So it is when nothing has moved for
 * HOP_STILL_MS though packages wait for replies: the next hop is frozen, and
 * gets nothing more until it says something.
 *
 * A connection that ends without a single reply makes the next one wait: 0.1
 * s, and four times as long each time, up to HOP_BAD_MAX_MS, and what has not
 * begun waits for that one: what became of another package is no answer to
 * it. Only where no package could go out at all, or the next hop speaks
 * something else, what waits is answered Z, about the way.
 *
 * Test  tests/pool_test.c
 */
#ifndef QUAIL_QMTPD_HOP_H
#define QUAIL_QMTPD_HOP_H

#include "lib/dns.h"
#include "qmtpd/peer.h"
#include "qmtpd/secure.h"

enum {
	HOP_PEERS_MAX = 4,
	HOP_REDIAL_MS = 1000,
	HOP_LOOK_MS = 2500, /* how often we look whether it moves */
	HOP_STILL_MS = 10000,
	HOP_BAD_MIN_MS = 100,
	HOP_BAD_MAX_MS = 5000,
	HOP_REMEMBER_MS = 60000 /* that there was trouble */
};

struct pool;

struct dial {
	struct hop *hop;
	struct dns_query query;
	size_t next;	 /* address to try */
	bool tls_failed; /* at one that was tried */
};

struct hop {
	struct pool *pool;
	struct link link;     /* in the pool's table */
	struct buf name;      /* "HOST:PORT", or "qmtps:..." */
	struct slice address; /* HOST:PORT in it */
	bool is_good;	      /* it could be taken apart */
	struct secure_hop secure;
	struct list small, large; /* deliveries that wait */
	struct list peers;
	size_t n_peers;
	size_t n_deliveries; /* all, also those on a connection */
	bool batches;	   /* quail/1 was spoken last: large ones go out once */
	struct dial *dial; /* a connection is being made */
	struct peer *dialing;
	const char *dial_failed; /* why, until the end of the round */
	int64_t dial_again_ms;
	size_t n_answering;	   /* connections that have had a reply */
	unsigned n_bad;		   /* that had none, one after the other */
	int64_t bad_until_ms;	   /* no connection is made before */
	uint64_t n_replies, moved; /* and bytes that had arrived */
	int64_t moved_ms;	   /* when that was last seen to change */
	bool is_frozen;
	struct loop_timer look, again;
	struct loop_task pump;
};

/* hop_new - make one for "HOST:PORT" or "qmtps:HOST:PORT" with or without
 * a pin */
struct hop *
hop_new(struct pool *pool, struct slice name);

/* hop_put - a delivery whose text is there (small, hoarded) or will be
 * streamed; it is begun at the end of the round */
void
hop_put(struct hop *h, struct delivery *d);

/* hop_text - more text for a large delivery */
void
hop_text(struct hop *h, struct delivery *d);

/* hop_abandon - the queue has dropped the delivery's job */
void
hop_abandon(struct hop *h, struct delivery *d);

/* hop_answered - a reply has come on one of its connections */
void
hop_answered(struct hop *h);

/* hop_renew - close all connections; what comes is sent on new ones */
void
hop_renew(struct hop *h);

/* hop_spares - close a connection that nothing is on; false: there is none */
bool
hop_spares(struct hop *h);

/* hop_trust_again - there are new tables: connections that know the next hop by
 * something else than these say get nothing more, and are closed when what
 * they have is answered */
void
hop_trust_again(struct hop *h);

/* hop_delivery_over - told by delivery_free: forget it */
void
hop_delivery_over(struct delivery *d);

/* hop_close - close all; jobs stay unanswered, and the hop is freed */
void
hop_close(struct hop *h);

#endif
