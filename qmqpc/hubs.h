/* hubs.h - the hubs one behind the other, until one takes the message
 *
 * A hub that cannot be reached, is not the one that we know by its key or
 * name, breaks off, is too slow or says Z is followed by the next one; K and
 * D are final. The time that is left is shared out evenly among the hubs
 * that are left; a hub's share covers looking its name up, connecting, TLS
 * and the answer, at all its addresses.
 *
 * The order is that of the table, or with order=spread one that each host
 * has for itself: the same at every try, so that a repeat meets the same hub
 * first, and when a hub is added or taken away only its own share moves.
 *
 * A hub that broke off when it had the whole message may have taken it. It
 * is asked HUBS_AGAIN times more, with the same bytes, before the next one
 * is: a hub of ours knows them again and takes them once. A caller that comes
 * back soon itself, and has one hub, leaves that to its own next try.
 *
 * Test  tests/sendmail.t, tests/leaf.t, tests/leaf_tls.t, tests/leaf_test.c
 */
#ifndef QUAIL_QMQPC_HUBS_H
#define QUAIL_QMQPC_HUBS_H

#include "cdb/config.h"
#include "lib/verdict.h"
#include "qmqpc/backoff.h"
#include "qmqpc/package.h"
#include "qmqpc/secure.h"

enum { HUBS_MAX = 64, HUBS_AGAIN = 2, HUBS_AGAIN_MS = 200 };

struct hubs {
	const struct config *config;
	struct secure secure;
	struct backoff *rest; /* NULL, or HUBS_MAX: who is left out, by line
				 of the table; learns from the answers */
	bool comes_back;      /* the caller, within minutes */
	bool is_broken;	      /* after hubs_send: nobody has answered, and a hub
				 broke off behind the first byte */
};

/* hubs_send - hand the package to one of the configured hubs
 *
 * Takes    until_ms: on clock_ms, for all of them together.
 * Returns  the final verdict: K or D of *hub, else a Z whose reasons, one
 *          "HUB: reason" for each, are appended to *why.
 * Keeps    *hub is a slice of the configuration. Blocks.
 */
void
hubs_send(struct hubs *hubs, struct package *p, int64_t until_ms,
	  struct verdict *v, struct slice *hub, struct buf *why);

/* hubs_count - how many there are, HUBS_MAX at the most */
unsigned
hubs_count(const struct config *config);

/* hubs_order - the lines of the table in the order to try them
 *
 * Takes    host: what this host is called; only order=spread looks at it.
 * Returns  how many there are.
 */
unsigned
hubs_order(const struct config *config, struct slice host,
	   uint8_t order[HUBS_MAX]);

#endif
