/* door.h - the front end's side of the door: handing messages to the queue
 *
 * One connection to the queue's socket, shared by all sessions of a front
 * end. A session begins a message, tells text, sender, recipients and
 * attributes in any order as they come, commits, and gets one verdict: K
 * with the queue's promise, or Z, or D. The bytes of a round go out in one
 * write.
 *
 * The queue gives each connection a range of ids to use, so a message has
 * its id before its first byte: the trace line can carry it.
 *
 * When the queue goes away, every message in progress is answered Z, and the
 * door connects again by itself.
 *
 *	struct door_message m = {0};     in the session
 *	if (door_begin(&door, &m, answered) != 0) ... Z, (#4.3.0)
 *	door_attr(&m, "client", name); door_text(&m, text);
 *	door_sender(&m, s); door_rcpt(&m, r); door_rcpt(&m, r2);
 *	door_commit(&m);                 then answered(&m, &verdict), once
 *
 * Attributes: proto (QMQP, QMTP, ESMTP ...), client (who the session's
 * peer is; address or name), relay (1: may send to anywhere), and those of
 * lib/dsn.h.
 *
 * Source  doc/quail-door.7
 * Test    tests/door_test.c
 */
#ifndef QUAIL_LIB_DOOR_H
#define QUAIL_LIB_DOOR_H

#include "lib/conn.h"
#include "lib/idmap.h"
#include "lib/tls_pin.h"
#include "lib/verdict.h"

enum {
	DOOR_OUT_MAX = 1 << 20, /* bytes that wait for the queue: "full" */
	DOOR_RETRY_MS = 200	/* between attempts to connect */
};

struct door;

struct door_message {
	uint64_t id;	   /* valid from door_begin on */
	struct door *door; /* NULL: not in progress */
	void (*answered)(struct door_message *m, const struct verdict *v);
};

struct door {
	struct loop *loop;
	const char *path;
	struct conn conn;
	struct loop_timer retry;
	bool is_open;
	uint64_t next_id, n_ids;      /* what is left of our range */
	uint64_t spare_id, n_spare;   /* the range after that */
	struct idmap messages;	      /* in progress */
	void (*room)(struct door *d); /* no longer full, or open again */
	bool was_full;
};

/* door_init - connect to the socket at path and stay connected
 *
 * Takes    path, kept; room: called from the loop when the door was full or
 *          away and messages can go on: resume the paused sessions. May be
 *          NULL.
 */
void
door_init(struct door *d, struct loop *loop, const char *path,
	  void (*room)(struct door *));

/* door_close - close; every message in progress is answered Z
 *
 * Legal from inside an answer or room; *d must outlive that call.
 */
void
door_close(struct door *d);

/* door_full - should sessions stop reading text for now? */
bool
door_full(const struct door *d);

/* door_budget - whoever reads by this budget reads no more than the door can
 * take, but for its share (budget.h)
 *
 * So nobody holds text that would only wait.
 *
 * Keeps    a pointer into *d.
 */
void
door_budget(const struct door *d, struct budget *b);

/* door_begin - begin a message
 *
 * Needs    *m not in progress; it stays in place until answered or aborted.
 * Returns  0 and m->id; -1 when the queue is away: say Z (#4.3.0).
 */
int
door_begin(struct door *d, struct door_message *m,
	   void (*answered)(struct door_message *, const struct verdict *));

/* door_text - hand over a piece of text, of any length
 *
 * All of these do nothing when the message has been answered already (the
 * queue went away or refused it early): sessions need no check of their own.
 */
void
door_text(struct door_message *m, struct slice text);

/* door_attr, door_sender, door_rcpt - the envelope
 *
 * Needs    addresses that are address_sane, values of the same size; the
 *          sender once, and before door_commit.
 */
void
door_attr(struct door_message *m, const char *key, struct slice value);

/* door_origin - where it comes from, so that a repeat of it can be known
 *
 * Before the first text. A package that was taken lately, whose client may
 * relay and has lost the answer, is not taken twice; what comes by the same
 * connection is always taken.
 * Takes    trace: the first bytes of text, so many, will be our own trace
 *          lines; session: the number of the client's connection, another for
 *          each.
 */
void
door_origin(struct door_message *m, size_t trace, uint64_t session);

/* door_pin - the client has shown that it has this key
 *
 * What it may do, and which package repeats another, is decided by it.
 */
void
door_pin(struct door_message *m, const struct tls_pin *pin);

/* door_kept - the id of the message that a K stands for
 *
 * m's own, or, for a repeat, that of the first: tell the client this one.
 */
uint64_t
door_kept(const struct door_message *m, const struct verdict *v);

void
door_sender(struct door_message *m, struct slice sender);

void
door_rcpt(struct door_message *m, struct slice rcpt);

/* door_commit - all has been said; the verdict comes, never from inside
 * this call */
void
door_commit(struct door_message *m);

/* door_abort - forget it; no verdict comes. Legal in every state, and on a
 * zeroed struct. */
void
door_abort(struct door_message *m);

#endif
