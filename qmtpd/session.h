/* session.h - QMTP sessions: between the machine, the door and the tables
 *
 * Reads packages as they come, any number in flight within a window, tells
 * them to the queue, and replies in order once the queue has said K.
 *
 *   state      entered when                   left when
 *   idle       nothing is under way           a byte comes
 *   reading    a package has begun            its last byte
 *   full       door or window is full, or     there is room again
 *              replies are not being read
 *   ending     end of input, time is over,    all that was complete has
 *              wrong bytes                    been answered, and the
 *                                             client has left or had time
 *                                             to read it
 *
 * Differs  from qmail-qmtpd: an empty recipient is refused (D 5.1.3), qmail
 *          takes it and delivers to nobody; a message whose client is
 *          refused for every recipient never reaches the queue.
 *
 * Test     tests/front_test.c
 */
#ifndef QUAIL_QMTPD_SESSION_H
#define QUAIL_QMTPD_SESSION_H

#include "cdb/config.h"
#include "lib/front.h"

/* Clients are hubs: what was at the limit when it came to the first has the
 * trace lines of all of them in front by now. */
enum {
	SESSION_TEXT = LIMIT_TEXT + LIMIT_TRACE,
	SESSION_WINDOW = 256,		  /* packages that wait for the queue */
	SESSION_WINDOW_BYTES = 1 << 21,	  /* ... and what they cost us */
	SESSION_REPLIES_MAX = 256 * 1024, /* that the client does not read */
	SESSION_FINISH_S = 60,		  /* for the client to read the last */
	SESSION_RCPTS_HARD = 40000	  /* recipients: ends the connection */
};

struct qmtpd {
	struct front front;
	struct config config;
};

/* qmtpd_accepted - begin a session (struct server's callback)
 *
 * Needs    the server to be the one in a struct qmtpd's front.
 */
void
qmtpd_accepted(struct server *s, int fd, const struct endpoint *peer);

/* qmtpd_stop - accept no more and close what is idle; packages that have
 * begun are finished */
void
qmtpd_stop(struct qmtpd *d);

#endif
