/* failure.h - the bounce of a message of the spool
 *
 * Made of the message, the verdict and nothing else, not even the time: tried
 * again it is the same bytes, and a hub of ours takes it once.
 *
 * Source  https://cr.yp.to/proto/qsbmf.txt
 * Test    tests/leaf_test.c, tests/leaf.t
 */
#ifndef QUAIL_QMQPC_FAILURE_H
#define QUAIL_QMQPC_FAILURE_H

#include "cdb/config.h"
#include "lib/verdict.h"
#include "qmqpc/letter.h"

enum {
	FAILURE_COPY = 128 * 1024, /* bytes of the text that go back */
	FAILURE_RCPTS = 100	   /* recipients that are named */
};

/* failure_returnable - is there anybody to whom it can go back?
 *
 * Not for a bounce (no sender), so that bounces never make bounces.
 */
bool
failure_returnable(const struct letter *l);

/* failure_package - make the bounce, from nobody to the sender
 *
 * Needs    failure_returnable; *p all zero.
 * Returns  0; -1 with errno.
 */
int
failure_package(struct package *p, const struct letter *l,
		const struct config *c, const struct verdict *v);

#endif
