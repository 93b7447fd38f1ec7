/* out.h - "smtp-gateway out": the agent that speaks SMTP
 *
 * Serves the next hops smtp:HOST:PORT (a smarthost) and smtp:mx (the MX
 * hosts of each recipient's domain). Talks to: the queue, DNS, the network.
 * Writes: nothing.
 *
 *   job        one message for one next hop, as the queue asks  (out.c)
 *   transfer   its mail to one destination, 100 recipients at most
 *   dest       a smarthost or a domain: where it is, its peers (dest.c)
 *   peer       one connection                                   (peer.c)
 *
 * A job with one transfer streams: text is taken as it goes out. A job with
 * several keeps its text in memory until the last is over; all those jobs
 * share OUT_HELD_MAX, and wait for it.
 */
#ifndef QUAIL_SMTP_OUT_H
#define QUAIL_SMTP_OUT_H

#include "cdb/config.h"
#include "lib/agent.h"
#include "lib/dns.h"
#include "lib/list.h"

enum {
	OUT_JOBS_MAX = 400,
	OUT_RCPTS_MAX = 100, /* in a transfer; what RFC 5321 lets us expect */
	OUT_PEERS_MAX = 400,
	OUT_LOOKUPS_MAX = 50,
	OUT_HELD_MAX = 64 << 20,
	OUT_DESTS_SLOTS = 1024
};

struct dest;
struct peer;

struct out {
	struct loop *loop;
	struct config *config;
	struct agent agent;
	struct dns *dns;
	uint16_t mx_port;
	bool stopping;
	struct dest *dests[OUT_DESTS_SLOTS]; /* by key */
	size_t n_peers, n_lookups;
	struct list idle;	  /* peers, the longest idle first */
	struct list peer_waits;	  /* dests that want one more peer */
	struct list lookup_waits; /* dests that want a lookup */
	struct list held_waits;	  /* jobs */
	uint64_t held;		  /* bytes of jobs that keep their text */
	size_t n_jobs, n_busy;	  /* n_busy: transfers in hand of a peer */
};

/* What came of one recipient; the text lies in the job's texts. */
struct outcome {
	char code; /* 0: nothing yet */
	uint16_t len;
	uint32_t at;
};

struct job {
	struct out *out;
	struct agent_job *agent_job;
	struct link waits;
	struct list transfers;
	struct outcome *outcomes; /* one for each recipient */
	struct buf texts;
	uint64_t granted; /* bytes of text that were said to be taken */
	bool holds;
};

struct transfer {
	struct job *job;
	struct dest *dest;
	struct peer *peer; /* that has it in hand, or NULL */
	struct link of_job, of_dest;
	bool again; /* it has been on a connection that was gone already */
	size_t n_rcpts;
	struct slice rcpts[OUT_RCPTS_MAX];
	uint32_t index[OUT_RCPTS_MAX]; /* in the job */
};

/* out_start - connect to the queue and serve it
 *
 * Needs    *out all zero; all three stay in place.
 */
void
out_start(struct out *out, struct loop *loop, struct config *config);

/* out_stop - take no more from the queue that is not begun; stop the loop
 * when the last transfer is over */
void
out_stop(struct out *out);

/* transfer_text - the text that can be sent, from the from-th byte on
 *
 * Takes    from: bytes that this transfer has sent already.
 */
struct slice
transfer_text(const struct transfer *t, uint64_t from);

/* transfer_took - n more bytes of it have been sent */
void
transfer_took(struct transfer *t, size_t n);

/* transfer_told - the outcome of its i-th recipient; the first one counts */
void
transfer_told(struct transfer *t, size_t i, const struct verdict *v);

/* transfer_over - v for all recipients without an outcome; the transfer and
 * perhaps its job are freed */
void
transfer_over(struct transfer *t, const struct verdict *v);

#endif
