/* session_parts.h - what session.c and package.c share; for nobody else
 *
 * session.c has the connection: what may come when, and the end. package.c
 * has what comes: packages, their recipients, and the replies.
 */
#ifndef QUAIL_QMTPD_SESSION_PARTS_H
#define QUAIL_QMTPD_SESSION_PARTS_H

#include "lib/owner.h"
#include "qmtpd/qmtp.h"
#include "qmtpd/session.h"
#include "qmtpd/transaction.h"

struct session {
	struct front_session base;
	unsigned rights;
	bool quail;		     /* quail/1 is spoken */
	struct qmtp *machine;	     /* NULL between packages */
	struct list packages;	     /* in order */
	struct transaction *reading; /* the last of them, while it comes */
	size_t n_waiting;	     /* complete, without replies yet */
	uint64_t waiting_bytes;
	bool ending; /* no more input; see end */
};

static inline const struct config *
session_config(const struct session *s)
{
	return &OWNER(s->base.front, struct qmtpd, front)->config;
}

/* package_take - one of the machine's events
 *
 * Needs    s->machine; s->reading, but for QMTP_BEGIN, which makes it.
 */
void
package_take(struct session *s, enum qmtp_event event, struct slice piece);

/* package_reply - replies of all packages that have nothing undecided before
 * them, as far as the client reads them
 *
 * Those that are answered are logged, and freed.
 */
void
package_reply(struct session *s);

/* package_drop - abort it at the door, and free it */
void
package_drop(struct session *s, struct transaction *p);

#endif
