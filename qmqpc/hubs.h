/* hubs.h - the hubs in their order, until one takes the message
 *
 * A hub that cannot be reached, breaks off, is too slow or says Z is
 * followed by the next one; K and D are final. The time that is left is
 * shared out evenly among the hubs that are left.
 *
 * Test  tests/sendmail.t
 */
#ifndef QUAIL_QMQPC_HUBS_H
#define QUAIL_QMQPC_HUBS_H

#include "cdb/config.h"
#include "lib/verdict.h"
#include "qmqpc/package.h"

/* hubs_send - hand the package to one of the configured hubs
 *
 * Takes    until_ms: on clock_ms, for all of them together.
 * Returns  the final verdict: K or D of *hub, else a Z whose reasons, one
 *          "HUB: reason" for each, are appended to *why.
 * Keeps    *hub is a slice of the configuration. Blocks; getaddrinfo(3)
 *          looks names up and knows no deadline.
 */
void
hubs_send(const struct config *config, struct package *p, int64_t until_ms,
	  struct verdict *v, struct slice *hub, struct buf *why);

#endif
