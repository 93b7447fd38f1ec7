/* peer.h - one connection of qmtpc to a next hop
 *
 * Packages are begun one behind the other without waiting for replies,
 * within a window; replies come in the same order. A small message is put
 * whole; a large one is streamed, on a connection that then carries nothing
 * else, so that nobody waits behind it.
 *
 *   state        entered when                 left when
 *   connecting   the socket was made          it is open, or has failed
 *   greeting     it is open, by quail/1       the next hop has greeted
 *   idle         nothing is unanswered        a package begins; PEER_IDLE_S
 *   busy         a package has begun          the last reply, or trouble
 *   retired      the tables have changed    the last reply
 *   gone         closed, broken, too slow     freed by its hop
 *
 * By QMTP a package carries one recipient, since there are servers that
 * answer once a package; by quail/1, which is agreed on inside TLS, as many
 * as the next hop takes, with their parameters.
 *
 * As long as no connection to the next hop has had a reply, one package at a
 * time: a next hop that answers nothing has little mail of ours.
 *
 * A reply has PEER_STALL_S, as a whole, and so has each block of text that is
 * to arrive there; all of a delivery has an hour and more (deadline.h).
 *
 * A reply counts when the whole of the package that it is for has arrived
 * there; one that was said before answers nothing of ours.
 *
 * Trouble: the oldest package that has begun may be what ended the connection,
 * and is answered Z (4.4.2), about the host: the peer may have it, or not. When
 * the connection was lost those behind it begin again on another, PEER_AGAIN
 * times. What has not begun is the hop's to send again.
 *
 * Test  tests/pool_test.c, tests/quail_hop_test.c
 */
#ifndef QUAIL_QMTPD_PEER_H
#define QUAIL_QMTPD_PEER_H

#include "lib/agent.h"
#include "lib/deadline.h"
#include "lib/list.h"
#include "qmtpd/qmtpc.h"
#include "qmtpd/quail.h"
#include "qmtpd/secure.h"

enum {
	PEER_WINDOW = 64,	     /* packages without a reply */
	PEER_WINDOW_BYTES = 1 << 20, /* ... and their text */
	PEER_AGAIN = 3,		     /* connections that a delivery may lose */
	PEER_STREAM_OUT = 1 << 18,   /* streamed text that waits for the peer */
	PEER_CONNECT_S = 10,
	PEER_STALL_S = 300, /* for a reply, whole, or a block of text */
	PEER_IDLE_S = 60
};

struct hop;
struct peer;

/* A job on its way: packages of one recipient or more, in order, all of those
 * that are unanswered on the same connection. */
struct delivery {
	struct link link;      /* where it waits: hop's queue, peer's bound */
	struct agent_job *job; /* NULL: over, or the queue has dropped it */
	struct hop *hop;
	struct peer *peer; /* where its packages are; NULL: nowhere */
	size_t n_begun;	   /* recipients whose package has begun */
	size_t n_open;	   /* of them without a reply */
	unsigned n_lost;   /* connections, behind other packages */
	uint64_t size;
	struct deadline whole; /* since its first package */
	bool large;
	bool hoarded;	/* large, and all of its text is in memory */
	bool in_budget; /* counts in the pool's hoard */
};

struct peer {
	struct conn conn;
	struct hop *hop;
	struct link link;	   /* in hop's peers */
	struct secure_trust trust; /* with TLS */
	bool quail; /* quail/1; then takes is known when it is open */
	struct quail_greeting *greeting;
	struct quail_takes takes;
	struct qmtpc replies;
	struct list begun; /* packages without a reply */
	size_t n_begun;
	uint64_t begun_bytes;
	struct list bound;	    /* deliveries with recipients to go */
	struct delivery *large;	    /* has it for itself */
	struct delivery *streaming; /* large, its text is not all out */
	uint64_t left;		    /* text of it to come */
	size_t n_last;		    /* recipients of the last package */
	bool is_open, gone, clock_busy, turn;
	bool is_retired; /* begins nothing more */
	bool answers;	 /* it has, at least once */
	bool is_foreign; /* what it said is another protocol's */
	struct deadline deadline;
	uint64_t put;	  /* bytes */
	uint64_t arrived; /* ... that had arrived there, at the last look */
};

/* peer_new_take - make one of a connecting socket
 *
 * Owns     fd. on: its conn events.
 */
struct peer *
peer_new_take(struct hop *hop, struct loop *loop, int fd,
	      void (*on)(struct conn *, enum conn_event));

/* peer_free - close and free; nothing may be unanswered or bound */
void
peer_free(struct peer *p);

/* peer_opened - the connection is open: is the next hop ready?
 *
 * Returns  false: it speaks quail/1 and greets first.
 */
bool
peer_opened(struct peer *p);

/* peer_greeted - read its greeting; what is behind that stays in conn.in */
enum quail_event
peer_greeted(struct peer *p);

/* peer_whole - would one package take all recipients that are to go? */
bool
peer_whole(const struct peer *p, const struct delivery *d);

/* peer_too_large - is the message larger than what it takes? */
static inline bool
peer_too_large(const struct peer *p, const struct delivery *d)
{
	return p->quail && d->size > p->takes.size;
}

/* peer_room - may a package of that much text begin? */
bool
peer_room(const struct peer *p, uint64_t size);

/* peer_begin - begin the package for d's next recipient, or recipients
 *
 * Needs    peer_room; not peer_too_large; for a small delivery all of its
 *          text; for a large one that is not hoarded peer_whole.
 * A large one is streamed: call peer_stream when more text has come.
 */
void
peer_begin(struct peer *p, struct delivery *d);

/* peer_stream - put what there is of the streamed text, as far as the peer
 * takes it */
void
peer_stream(struct peer *p);

/* peer_input - read replies and give the verdicts
 *
 * Returns  true; false when the peer does not speak QMTP: fail it.
 */
bool
peer_input(struct peer *p);

/* peer_fail - it is of no use any more: mark it gone
 *
 * Takes    was_lost: deliveries behind the oldest package may begin again, and
 *          are bound to p now, as those with recipients to go; all others are
 *          answered Z. What it may have as a whole is logged.
 */
void
peer_fail(struct peer *p, const char *why, enum verdict_about about,
	  bool was_lost);

/* peer_log_duplicates - log what it may have as a whole and has not answered
 */
void
peer_log_duplicates(const struct peer *p);

/* peer_take_back - its packages are given up: what has not arrived shall not
 * be sent on by the kernel when the socket is closed */
void
peer_take_back(const struct peer *p);

/* peer_arrived - bytes that the next hop has */
uint64_t
peer_arrived(const struct peer *p);

/* peer_has_word - nothing is unanswered, and yet something waits to be read:
 * that comes first, and is no reply to what comes then */
bool
peer_has_word(const struct peer *p);

/* peer_may_have - may the next hop have one of its packages as a whole?
 *
 * Takes    is_over: what is on its way is taken back (peer_take_back).
 */
bool
peer_may_have(const struct delivery *d, bool is_over);

/* peer_clock - set its time-out by what it is doing now */
void
peer_clock(struct peer *p);

/* peer_stalled - at CONN_TIMEOUT: is a reply late, or a block of text, or does
 * a delivery take too long? If not, the time-out is set again */
bool
peer_stalled(struct peer *p);

static inline bool
peer_idle(const struct peer *p)
{
	return p->n_begun == 0 && list_empty(&p->bound) && !p->streaming;
}

/* delivery_new, delivery_free - free it when it is over: no job, nothing
 * unanswered. Does nothing as long as that is not so. */
struct delivery *
delivery_new(struct agent_job *job, struct hop *hop);

void
delivery_free(struct delivery *d);

/* delivery_fail - Z for every recipient without a verdict */
void
delivery_fail(struct delivery *d, const char *why, enum verdict_about about);

/* delivery_reject - the same with D */
void
delivery_reject(struct delivery *d, const char *why);

/* delivery_is_over - has it had all its time? */
static inline bool
delivery_is_over(const struct delivery *d, int64_t now_ms)
{
	return d->whole.over_ms > 0 && now_ms >= d->whole.over_ms;
}

static inline bool
delivery_to_go(const struct delivery *d)
{
	return d->job && d->n_begun < d->job->n_rcpts;
}

#endif
