/* hubs.h - the hubs in their order, until one takes the message
 *
 * A hub that cannot be reached, breaks off, is too slow or says Z is
 * followed by the next one; K and D are final. The time that is left is
 * shared out evenly among the hubs that are left.
 *
 * A hub that broke off when it had the whole message may have taken it. It
 * is asked HUBS_AGAIN times more, with the same bytes, before the next one
 * is: a hub of ours knows them again and takes them once.
 *
 * Test  tests/sendmail.t, tests/leaf.t
 */
#ifndef QUAIL_QMQPC_HUBS_H
#define QUAIL_QMQPC_HUBS_H

#include "cdb/config.h"
#include "lib/verdict.h"
#include "qmqpc/backoff.h"
#include "qmqpc/package.h"

enum { HUBS_MAX = 64, HUBS_AGAIN = 2, HUBS_AGAIN_MS = 200 };

/* hubs_send - hand the package to one of the configured hubs
 *
 * Takes    until_ms: on clock_ms, for all of them together; rest: NULL, or
 *          HUBS_MAX back-offs, which say who is left out and learn from the
 *          answers.
 * Returns  the final verdict: K or D of *hub, else a Z whose reasons, one
 *          "HUB: reason" for each, are appended to *why.
 * Keeps    *hub is a slice of the configuration. Blocks.
 */
void
hubs_send(const struct config *config, struct package *p, int64_t until_ms,
	  struct backoff *rest, struct verdict *v, struct slice *hub,
	  struct buf *why);

/* hubs_count - how many there are, HUBS_MAX at the most */
unsigned
hubs_count(const struct config *config);

#endif
