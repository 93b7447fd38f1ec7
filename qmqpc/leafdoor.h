/* leafdoor.h - the door of a node without a queue: the leaf spool behind it
 *
 * Speaks the queue's side of the door (lib/frame.h, quail-door(7)), so that
 * "smtp-gateway in" can serve programs on a leaf that only speak SMTP. A K is
 * said when the message is durable in the spool; the drain, which watches the
 * spool, sends it on at once.
 *
 * When too many are under way the oldest of them is given up, never the
 * newest: who sends slowly, or never ends, is not to shut out the others.
 *
 * Not the queue: it looks at no route, knows no repeats, and commits one
 * message at a time.
 *
 * Source  doc/quail-door.7
 * Test    tests/leafdoor_test.c, tests/leaf_smtp.t
 */
#ifndef QUAIL_QMQPC_LEAFDOOR_H
#define QUAIL_QMQPC_LEAFDOOR_H

#include "lib/callers.h"
#include "lib/conn.h"
#include "lib/idmap.h"
#include "lib/server.h"
#include "qmqpc/keep.h"

enum {
	LEAFDOOR_LEASE = 65536,
	LEAFDOOR_LINKS_MAX = 64,
	LEAFDOOR_OPEN_MAX = 256 /* messages begun, of all connections; fewer
				   where descriptors are */
};

struct leafdoor_link;

struct leafdoor {
	struct loop *loop;
	const struct config *config;
	struct spool spool;
	struct server server;
	struct leafdoor_link *links;
	uint64_t next_lease;
	struct list aging; /* messages begun, the oldest in front */
	size_t n_open, open_max;
	struct callers callers;
	bool guards; /* callers says who may connect */
};

/* leafdoor_start - serve the door
 *
 * Needs    *d all zero but for loop, config and spool.
 * Takes    path of the socket, unless our starter handed one over as "door".
 */
void
leafdoor_start(struct leafdoor *d, const char *path);

/* leafdoor_guard - let in only whom our starter has told us of: the front
 * end that takes mail by SMTP (lib/callers.h); call it before the start
 *
 * event=stranger tells of others (lib/often.h).
 */
void
leafdoor_guard(struct leafdoor *d);

/* leafdoor_stop - no new connections; those that are there are closed when
 * their answers have gone out */
void
leafdoor_stop(struct leafdoor *d);

/* leafdoor_is_over - after leafdoor_stop: has the last one gone? */
bool
leafdoor_is_over(const struct leafdoor *d);

#endif
