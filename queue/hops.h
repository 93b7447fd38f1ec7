/* hops.h - counting Received and Delivered-To lines in passing text
 *
 * Every protocol's mail passes the door, so loops are caught there, for
 * QMTP and QMQP too (qmail counts for SMTP only).
 *
 * Test  tests/hops_test.c
 */
#ifndef QUAIL_QUEUE_HOPS_H
#define QUAIL_QUEUE_HOPS_H

#include "lib/slice.h"

enum { HOPS_NAME_MAX = 13 }; /* "delivered-to:" */

struct hops {
	unsigned n;
	bool in_body;
	uint16_t column; /* of the next byte in its line, saturating */
	char name[HOPS_NAME_MAX];
};

/* hops_push - take the next bytes; any cut will do */
void
hops_push(struct hops *h, struct slice text);

#endif
