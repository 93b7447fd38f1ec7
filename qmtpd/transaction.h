/* transaction.h - one package of a QMTP session, from its first byte to its
 * replies
 *
 * A session reads one package at a time and may have many that wait for the
 * queue. Their replies go out in the order in which they came.
 *
 *   state      ends with                    next
 *   unbegun    the door gives an id         reading (or refused)
 *   reading    the package's last byte      waiting
 *   waiting    the door's verdict           answered, if nothing before
 *                                           it waits; then it is freed
 *
 * The verdict may come while it is still being read (the queue went away):
 * it is kept, and the reply waits for the last byte as QMTP demands.
 *
 * Test  tests/front_test.c
 */
#ifndef QUAIL_QMTPD_TRANSACTION_H
#define QUAIL_QMTPD_TRANSACTION_H

#include "lib/door.h"
#include "lib/list.h"
#include "qmtpd/replies.h"

struct transaction {
	struct link link;
	struct door_message message;
	void *session;
	bool begun;    /* at the door, or refused as a whole */
	bool complete; /* its last byte has come */
	bool decided;  /* the door's verdict is here, or none is needed */
	char code;     /* refused as a whole: 'Z' or 'D', and why */
	const char *why;
	uint64_t size;
	size_t held; /* memory, for the budget */
	struct replies replies;
	struct verdict *verdict; /* the door's, while it must wait */
};

/* transaction_new - make one; transaction_free - abort it at the door, and free
 */
struct transaction *
transaction_new(void *session, uint64_t size);

void
transaction_free(struct transaction *p);

/* transaction_refuse - all its recipients are told this; abort it at the door
 *
 * The first refusal stays.
 */
void
transaction_refuse(struct transaction *p, char code, const char *why);

/* transaction_rcpt - the next recipient: hand it to the door, or refuse it
 *
 * Takes    code 'K', or 'Z' or 'D' and why, a static text.
 */
void
transaction_rcpt(struct transaction *p, struct slice rcpt, char code,
		 const char *why);

/* transaction_complete - its last byte has come: commit what was accepted */
void
transaction_complete(struct transaction *p);

/* transaction_decide - the door's verdict; a K gets QMTP's customary text */
void
transaction_decide(struct transaction *p, const struct verdict *v);

/* transaction_ready - may its replies go out, if nothing before it waits? */
static inline bool
transaction_ready(const struct transaction *p)
{
	return p->complete && p->decided;
}

#endif
