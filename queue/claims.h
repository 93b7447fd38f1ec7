/* claims.h - may a front end say that of its client?
 *
 * A front end sees the client; the queue does not. But it knows what each
 * kind of front end can know at all, and it has the same tables:
 *
 *   proto    is one of its own
 *   pin      of a client's key: only where the protocol has keys, QMQPS and
 *            QMTPS
 *   client   once, like the two above
 *   relay    only if access gives it to this client or pin; without it each
 *            recipient is one that strangers may send to
 *
 * A claim against the first three breaks the contract. The last one may be of
 * other tables than the queue has read by now: it is refused by Z.
 *
 * Source  doc/quail-door.7
 * Test    tests/admit_test.c, tests/walls.t
 */
#ifndef QUAIL_QUEUE_CLAIMS_H
#define QUAIL_QUEUE_CLAIMS_H

#include "lib/slice.h"

struct config;

/* Which front ends may a caller be? */
enum { ADMIT_QMQP = 1, ADMIT_QMTP = 2, ADMIT_SMTP = 4, ADMIT_FRONTS = 7 };

/* What was claimed for one message. */
struct claims {
	bool has_proto, has_client, has_pin;
	bool may_relay;
	bool is_foreign; /* a recipient is no stranger's to send to */
};

/* The client that was found to relay last: most messages are of the same as
 * the one before. */
struct claims_relayed {
	uint8_t client_len, pin_len;
	char client[48], pin[80];
};

/* claims_attr - "key=value" was said
 *
 * Takes    fronts: ADMIT_ bits of the kinds that the front end may be.
 * Returns  0; -1: it cannot know that, or has said it before.
 */
int
claims_attr(struct claims *c, unsigned fronts, struct slice attr);

/* claims_rcpt - a recipient was said
 *
 * Keeps    whether it may be sent to without a right; looks only until the
 *          first that may not, and not once relay was claimed.
 */
void
claims_rcpt(struct claims *c, const struct config *config, struct slice rcpt);

/* claims_fault - do the tables say so too?
 *
 * Takes    client and pin, as they were claimed; empty: they were not; last:
 *          all zero whenever config is another one.
 * Returns  NULL; else what is wrong.
 */
const char *
claims_fault(const struct claims *c, const struct config *config,
	     struct slice client, struct slice pin,
	     struct claims_relayed *last);

#endif
