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
 * A large job with one transfer streams: text is taken as it goes out. A job
 * with several keeps its text in memory until the last is over; all those
 * jobs share OUT_HELD_MAX, and wait for it. A small job keeps the text that
 * came unasked.
 *
 * A transfer may have several turns: at another host of its destination,
 * when one has deferred recipients without it being about them; and for the
 * recipients of whom a host had too many in one mail. What was said of a
 * recipient in a turn counts when the turn is over.
 */
#ifndef QUAIL_SMTP_OUT_H
#define QUAIL_SMTP_OUT_H

#include "cdb/config.h"
#include "lib/agent.h"
#include "lib/dns.h"
#include "lib/list.h"
#include "lib/names.h"
#include "smtp-gateway/crowd.h"
#include "smtp-gateway/share.h"

enum {
	OUT_JOBS_MAX = 400,
	OUT_RCPTS_MAX = 100, /* in a transfer; what RFC 5321 lets us expect */
	OUT_PEERS_MAX = 400, /* fewer where descriptors are */
	OUT_LOOKUPS_MAX = 1000, /* half of it more than there are jobs */
	OUT_HELD_MAX = 64 << 20,
	TRANSFER_HOSTS_MAX = 5 /* asked one after the other in an attempt */
};

struct dest;
struct peer;

struct out {
	struct loop *loop;
	struct config *config;
	struct agent agent;
	struct dns *dns;
	uint16_t mx_port;
	bool is_test; /* MX hosts are on the loopback */
	bool stopping;
	bool giving_up;	    /* no answer is waited for any more */
	struct names dests; /* by key */
	struct share peers, lookups;
	struct crowds crowds;	/* peers at each address */
	struct list looked_up;	/* dests that are, the longest first */
	struct list idle;	/* peers, the longest idle first */
	struct list busy;	/* peers with a transfer in hand */
	struct list held_waits; /* jobs */
	uint64_t held;		/* bytes of jobs that keep their text */
	size_t n_jobs, n_busy;	/* n_busy: transfers in hand of a peer */
};

/* What came of one recipient; the text lies in the job's texts. */
struct outcome {
	char code; /* 0: nothing yet */
	uint8_t about;
	bool is_sure; /* no turn of its transfer will change it */
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
	bool holds;	  /* its text is kept */
	bool is_counted;  /* ... in out->held */
};

/* What has become of a recipient in this turn. */
enum fate {
	FATE_OPEN,
	FATE_TOLD,
	FATE_ELSEWHERE, /* deferred; another host may be asked at once */
	FATE_REST	/* not now: one too many for this mail */
};

struct transfer {
	struct job *job;
	struct dest *dest;
	struct peer *peer; /* that has it in hand, or NULL */
	struct link of_job, of_dest;
	bool again; /* it has been on a connection that was gone already */
	size_t n_tried;
	struct endpoint tried[TRANSFER_HOSTS_MAX]; /* that deferred it */
	struct verdict said;			   /* by the last of them */
	size_t n_rcpts;
	struct slice rcpts[OUT_RCPTS_MAX];
	uint32_t index[OUT_RCPTS_MAX]; /* in the job */
	uint8_t fates[OUT_RCPTS_MAX];
};

/* out_start - connect to the queue and serve it
 *
 * Needs    *out all zero; all three stay in place.
 */
void
out_start(struct out *out, struct loop *loop, struct config *config);

/* out_stop - give back to the queue all that no host can have taken, wait for
 * the answers to the rest, and stop the loop */
void
out_stop(struct out *out);

/* out_give_up - wait no longer: stop the loop
 *
 * Mail whose end has not arrived is taken back, and the queue gets it; of the
 * rest it is logged that it may come twice.
 */
void
out_give_up(struct out *out);

/* transfer_text - the text that can be sent, from the from-th byte on
 *
 * Takes    from: bytes that this transfer has sent already.
 */
struct slice
transfer_text(const struct transfer *t, uint64_t from);

/* transfer_took - n more bytes of it have been sent */
void
transfer_took(struct transfer *t, size_t n);

/* transfer_hold - keep its text for another turn
 *
 * Needs    nothing of it sent.
 * Returns  false when there is no room for it.
 */
bool
transfer_hold(struct transfer *t);

/* transfer_told - the outcome of its i-th recipient in this turn
 *
 * The first one counts. Takes elsewhere: another host may be asked at once.
 */
void
transfer_told(struct transfer *t, size_t i, const struct verdict *v,
	      bool elsewhere);

/* transfer_rest - the i-th recipient waits for another turn */
void
transfer_rest(struct transfer *t, size_t i);

/* transfer_forget - what was told in this turn is void */
void
transfer_forget(struct transfer *t);

/* transfer_over - its turn is over; it is freed, and perhaps its job, or
 * waits for its next one
 *
 * Needs    every recipient told, or left for the rest.
 * Takes    v: for the log. at: the host that it was at, when others may be
 *          asked, and the text is still there; else NULL.
 */
void
transfer_over(struct transfer *t, const struct verdict *v,
	      const struct endpoint *at);

/* transfer_fail - it cannot be carried: v for all that are open, or what the
 * last host has said that deferred it */
void
transfer_fail(struct transfer *t, const struct verdict *v);

/* transfer_tried - has the host at this address deferred it? */
bool
transfer_tried(const struct transfer *t, const struct endpoint *at);

/* transfer_again - is it not the first attempt? */
static inline bool
transfer_again(const struct transfer *t)
{
	return t->job->agent_job->attempt > 1;
}

#endif
