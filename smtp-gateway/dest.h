/* dest.h - one destination: where it is, what waits for it, who carries it
 *
 * A smarthost, or a domain. It is looked up when something waits for it, and
 * again after DEST_FRESH_MS. One connection is opened at a time, each one
 * that succeeds lets the next be tried while transfers wait, up to
 * DEST_PEERS_MAX. After one that fails the others go on by themselves for
 * DEST_KNOCK_MS; if there is no other, all that waits fails with its verdict.
 * So no dead or full host is hammered.
 *
 * All work is done by a task at the end of the round.
 *
 * Test  tests/smtp_out.t
 */
#ifndef QUAIL_SMTP_DEST_H
#define QUAIL_SMTP_DEST_H

#include "smtp-gateway/lookup.h"
#include "smtp-gateway/out.h"

enum { DEST_PEERS_MAX = 20, DEST_FRESH_MS = 60000, DEST_KNOCK_MS = 5000 };

struct dest {
	struct out *out;
	struct dest *next; /* in its slot of out->dests */
	struct buf key;	   /* "mx domain" or "host:port" */
	bool is_mx;
	uint16_t port;
	struct slice name;    /* the domain or host, in key */
	struct slice helo;    /* what we say we are, in key; empty: me */
	struct endpoint from; /* our address; len 0: any */
	struct buf me;	      /* our name: tables may change during a lookup */
	struct lookup *lookup;
	struct targets *targets; /* NULL: not known, or not fresh */
	int64_t fresh_until_ms;
	struct list transfers; /* that wait */
	struct list idle;      /* peers */
	size_t n_peers, n_connecting;
	int64_t knock_ms;	  /* no further connection before */
	struct transfer *filling; /* of the job that is being begun */
	struct loop_task work;
	struct loop_timer expiry;
	struct link waits;
};

/* From where: what the queue's pool says. */
struct way {
	struct slice source; /* a numeric address; empty: any */
	struct slice helo;
};

/* dest_smarthost, dest_domain - find or make a destination
 *
 * Each way to a host is a destination of its own, with its own connections.
 */
struct dest *
dest_smarthost(struct out *out, const struct way *way, struct slice host,
	       uint16_t port);

struct dest *
dest_domain(struct out *out, const struct way *way, struct slice domain);

/* dest_put - carry this transfer, as soon as possible */
void
dest_put(struct dest *d, struct transfer *t);

/* dest_work_later - something has changed */
void
dest_work_later(struct dest *d);

/* dest_peer_gone - a peer is over
 *
 * Takes    v: why, if it never came so far as to take a mail; else NULL.
 */
void
dest_peer_gone(struct dest *d, const struct verdict *v);

/* dest_free_all - at the end of the program */
void
dest_free_all(struct out *out);

#endif
