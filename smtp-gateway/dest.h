/* dest.h - one destination: where it is, what waits for it, who carries it
 *
 * A smarthost, or a domain. It is looked up when something waits for it, and
 * again after DEST_FRESH_MS. One connection is opened at a time, each one
 * that succeeds lets the next be tried while transfers wait, up to
 * DEST_PEERS_MAX. After one that fails the others go on by themselves for
 * DEST_KNOCK_MS.
 *
 *   a connection       its own mail         what waits
 *   never got through  it has none          is told so, about WAY, if there
 *                                           is no other, or that is silent
 *   ended behind MAIL  fails                gets the next connection
 *
 * So no mail is answered because of what became of another one.
 *
 * New connections are paced (dest_pace.c): DEST_BURST at once, then one each
 * DEST_EACH_MS; after one that ended without having taken a mail, whatever
 * the reason, the next has to wait: 0.1 s, and four times as long each time,
 * up to DEST_BAD_MAX_MS, for which mail can wait here: the long pauses are
 * the queue's. An address that took no connection, or said nothing, is asked
 * last for DEST_SHUN_MS.
 *
 * An address has CROWD_MAX connections, whatever the destinations they are
 * for (crowd.h). One that has none of them, and has waited for a place for
 * DEST_FULL_MS, lets what waits go back to the queue.
 *
 * All work is done by a task at the end of the round.
 *
 * Test  tests/smtp_out.t, tests/smtp_hostile.t
 */
#ifndef QUAIL_SMTP_DEST_H
#define QUAIL_SMTP_DEST_H

#include "smtp-gateway/lookup.h"
#include "smtp-gateway/out.h"

enum {
	DEST_PEERS_MAX = 20,
	DEST_FRESH_MS = 60000,
	DEST_KNOCK_MS = 5000,
	DEST_BURST = 20,
	DEST_EACH_MS = 100,
	DEST_BAD_MIN_MS = 100,
	DEST_BAD_MAX_MS = 5000,
	DEST_PATIENCE_MS = 10000, /* for a word; doubled while none comes */
	DEST_PATIENCE_MAX_MS = 300000,
	DEST_REMEMBER_MS = 600000, /* that there was trouble */
	DEST_SHUN_MS = 300000,
	DEST_FULL_MS = 30000,
	DEST_SHUNNED_MAX = 8
};

/* How a connection ended. */
enum dest_end {
	DEST_GOOD,	/* it had taken mail */
	DEST_UNREACHED, /* no mail was begun on it, and it did not want one */
	DEST_BAD	/* it ended behind one, or with a 421 */
};

struct dest {
	struct out *out;
	struct names_link link; /* in out->dests */
	struct buf key;		/* "mx domain" or "host:port" */
	bool is_mx;
	uint16_t port;
	struct slice name;    /* the domain or host, in key */
	struct slice helo;    /* what we say we are, in key; empty: me */
	struct endpoint from; /* our address; len 0: any */
	struct lookup *lookup;
	struct link of_lookups;	 /* in out->looked_up, if it is counted */
	struct targets *targets; /* NULL: not known, or not fresh */
	int64_t fresh_until_ms;
	struct list transfers; /* that wait */
	struct list idle;      /* peers */
	size_t n_peers, n_connecting;
	int64_t full_ms;   /* no place at its addresses since; 0: not so */
	int64_t knock_ms;  /* no further connection before */
	int64_t next_ms;   /* no connection at all before */
	int64_t bucket_ms; /* DEST_BURST times DEST_EACH_MS: empty */
	/* ends without a mail taken, one after the other */
	unsigned n_unreached, n_bad;
	int64_t heard_ms;    /* when any of its peers has said something */
	int64_t patience_ms; /* for the greeting and the reply to EHLO */
	size_t rcpts_max;    /* of a mail; 0: not learnt */
	unsigned mails_max;  /* of a connection; 0: not learnt */
	struct {
		struct endpoint at;
		int64_t until_ms;
	} shunned[DEST_SHUNNED_MAX];
	struct transfer *filling; /* of the job that is being begun */
	struct loop_task work;
	struct loop_timer expiry, again;
	struct link waits;
	bool waits_behind; /* ... among bounces */
	bool asks_for_bounces;
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

/* dest_put_front - the same, before all others */
void
dest_put_front(struct dest *d, struct transfer *t);

/* dest_wake - what it waits for may be there: its link waits */
void
dest_wake(struct link *waits);

/* dest_work_later - something has changed */
void
dest_work_later(struct dest *d);

/* dest_peer_gone - a peer is over
 *
 * Takes    why: about WAY; looked at for DEST_UNREACHED only. is_second: it
 *          was made for what another host had deferred.
 */
void
dest_peer_gone(struct dest *d, enum dest_end end, const struct verdict *why,
	       bool is_second);

/* dest_taken - it has taken a mail: all is well */
void
dest_taken(struct dest *d);

/* dest_greeted - it has said who it is; dest_silent - it has not, in time */
void
dest_greeted(struct dest *d, int64_t took_ms);

void
dest_silent(struct dest *d);

/* dest_ended - for the pace: a connection ended without a mail taken */
void
dest_ended(struct dest *d, enum dest_end end);

/* dest_may_open_ms - how long until a connection may be opened? 0: now */
int64_t
dest_may_open_ms(const struct dest *d);

/* dest_opens - for the pace: a connection is opened */
void
dest_opens(struct dest *d);

/* dest_shun - ask this address last for a while */
void
dest_shun(struct dest *d, const struct endpoint *at);

bool
dest_shuns(const struct dest *d, const struct endpoint *at);

/* dest_has_place - may it have one more connection to this address? */
bool
dest_has_place(const struct dest *d, const struct endpoint *at);

/* dest_wants_place - do others wait for a place, at this address or at all, so
 * that the peer is to give up its own behind its mail? */
bool
dest_wants_place(const struct peer *p);

/* dest_say_full - that its addresses have too many: a Z, about the way */
void
dest_say_full(struct verdict *v);

/* dest_free_all - at the end of the program */
void
dest_free_all(struct out *out);

#endif
