/* qmqp.h - one try to hand one package to one hub
 *
 * Blocks, with poll, until the hub has answered or the time is up.
 *
 * Source  https://cr.yp.to/proto/qmqp.html
 * Test    tests/sendmail.t
 */
#ifndef QUAIL_QMQPC_QMQP_H
#define QUAIL_QMQPC_QMQP_H

#include "lib/endpoint.h"
#include "lib/verdict.h"
#include "qmqpc/package.h"

enum { QMQP_CONNECT_MS = 10000 };

/* QMQP_WAITING - said of a try after which the hub may have the message */
#define QMQP_WAITING "waiting for the answer"

/* qmqp_send - connect, send, and wait for the answer
 *
 * Takes    until_ms: on clock_ms; a connect takes QMQP_CONNECT_MS at most.
 * Returns  0 and the hub's verdict in *v; -1 without one: *where says at
 *          what ("connecting"), errno says why. With QMQP_WAITING the hub
 *          may have the message.
 */
int
qmqp_send(struct package *p, const struct endpoint *hub, int64_t until_ms,
	  struct verdict *v, const char **where);

#endif
