/* session.h - QMQP sessions: between the machine, the door and the tables
 *
 * A connection carries one package and gets one verdict for it, once the
 * queue has said K; then it is closed.
 *
 *   state      entered when              left when
 *   idle       connected                 the first byte
 *   reading    a byte has come           the package's last byte
 *   full       the door is full          there is room again
 *   waiting    the package is complete   the door's verdict, or a refusal
 *   closing    the reply is put          it is written
 *
 * Verdicts besides the door's:
 *
 *   Z 4.7.1    the client has no relay right
 *   Z 4.3.0    the queue is away
 *   Z 4.7.0    the client has used up its rate
 *   D 5.3.4    the text is too large, or too large for this client
 *   D 5.7.1    the client may not use this sender's domain
 *   D 5.1.7    the sender is no address
 *   D 5.1.3    a recipient is no address
 *   D 5.5.1    no recipients
 *   D 5.5.3    too many recipients
 *   D or Z     every recipient is refused by the tables: the first refusal
 *
 * Differs  from Postfix, which tells a stranger D: an access table without
 *          the line for a leaf is our trouble, and the leaf's mail must not
 *          bounce for it; it tries its next hub.
 *          From qmail: no recipients is K there, and the message is lost.
 *          When the tables refuse some recipients and take others, the
 *          queue gets all of them and bounces those that it must: one
 *          verdict cannot say both.
 *
 * Test     tests/front_test.c
 */
#ifndef QUAIL_QMQPD_SESSION_H
#define QUAIL_QMQPD_SESSION_H

#include "cdb/config.h"
#include "lib/front.h"

enum { SESSION_REPLY_S = 60 }; /* for the client to take its reply */

struct qmqpd {
	struct front front;
	struct config config;
};

/* qmqpd_accepted - begin a session (struct server's callback)
 *
 * Needs    the server to be the one in a struct qmqpd's front.
 */
void
qmqpd_accepted(struct server *s, int fd, const struct endpoint *peer);

/* qmqpd_stop - accept no more and close what is idle; packages that have
 * begun are finished */
void
qmqpd_stop(struct qmqpd *d);

#endif
