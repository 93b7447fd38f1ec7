/* qmqp.h - one try to hand one package to one hub
 *
 * Blocks, with poll, until the hub has answered or the time is up.
 *
 * Source  https://cr.yp.to/proto/qmqp.html
 * Test    tests/sendmail.t, tests/leaf_tls.t
 */
#ifndef QUAIL_QMQPC_QMQP_H
#define QUAIL_QMQPC_QMQP_H

#include "lib/endpoint.h"
#include "lib/verdict.h"
#include "qmqpc/package.h"
#include "qmqpc/secure.h"

enum { QMQP_CONNECT_MS = 10000, QMQP_HANDSHAKE_MS = 30000 };

/* QMQP_WAITING - said of a try after which the hub may have the message */
#define QMQP_WAITING "waiting for the answer"

struct qmqp_hub {
	const struct endpoint *at;
	const struct hop_name *name; /* with TLS or without it */
	const struct secure *secure; /* ready for it */
	int64_t until_ms;	     /* on clock_ms */
	bool *has_begun; /* set when a byte of the package has gone out */
};

/* qmqp_send - connect, send, and wait for the answer
 *
 * A connect takes QMQP_CONNECT_MS at most, a handshake QMQP_HANDSHAKE_MS.
 * Returns  0 and the hub's verdict in *v; -1 without one: *where says at
 *          what ("connecting"), one line appended to *why says why. With
 *          QMQP_WAITING the hub may have the message.
 */
int
qmqp_send(struct package *p, const struct qmqp_hub *hub, struct verdict *v,
	  const char **where, struct buf *why);

/* qmqp_awaits - has a whole package gone out whose answer has not come?
 *
 * For the handler of a signal, which may ask at any moment.
 */
bool
qmqp_awaits(void);

#endif
