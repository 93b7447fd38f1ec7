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

/* What parameters may take at the door, which keeps 4096 bytes of a message's
 * attributes; and what is told to clients, whose lists grow by the numbers of
 * their recipients on the way. */
enum { TRANSACTION_ATTRS = 3584, TRANSACTION_PARAMS = 2560 };

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
	size_t held;	  /* memory, for the budget */
	size_t attrs_len; /* of parameters that the door has */
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

/* transaction_params - hand the message's parameters to the door
 *
 * Takes    params: good netstrings; what is no parameter of a message
 *          (lib/dsn.h) is left out.
 */
void
transaction_params(struct transaction *p, struct slice params);

/* transaction_params_fit - would a recipient's still have room? */
bool
transaction_params_fit(const struct transaction *p, struct slice params);

/* transaction_rcpt_params - the same for the recipient that was handed to the
 * door last
 *
 * Needs    transaction_params_fit; the last transaction_rcpt with 'K'.
 */
void
transaction_rcpt_params(struct transaction *p, struct slice params);

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
