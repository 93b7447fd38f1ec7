/* hops.h - where a message has been: trace lines, noticed in passing text
 *
 * Every protocol's mail passes the door, so loops are caught there, for
 * QMTP and QMQP too (qmail counts for SMTP only). Received and Delivered-To
 * lines are counted. What Delivered-To lines say is kept, and what those say
 * that aliases put in front (queue/via.h), so that an alias is heeded once:
 *
 *   Delivered-To: team@hub.test
 *   X-Quail-Expanded: 12 69300001000000a1 team@hub.test hub.test
 *
 * Test  tests/hops_test.c
 */
#ifndef QUAIL_QUEUE_HOPS_H
#define QUAIL_QUEUE_HOPS_H

#include "lib/address.h"

enum {
	HOPS_NAME_MAX = 17,		 /* "x-quail-expanded:" */
	HOPS_LINE_MAX = 2 * ADDRESS_MAX, /* longer ones name no address */
	HOPS_KEPT_MAX = 200		 /* of each */
};

/* A zeroed struct is before the first byte; hops_free. */
struct hops {
	unsigned n, n_delivered, n_kept;
	bool in_body, keeps; /* ... the line that is being read */
	uint16_t column;     /* of the next byte in its line, saturating */
	char name[HOPS_NAME_MAX];
	uint32_t expanded; /* the largest number of such a line */
	struct buf line;   /* one that is to be kept, as far as it is there */
	struct buf delivered; /* netstrings: the addresses */
	struct buf ids;	 /* uint64_t each: the messages that were expanded */
	struct buf kept; /* ... and hubs that had kept a copy for them */
};

/* hops_push - take the next bytes; any cut will do */
void
hops_push(struct hops *h, struct slice text);

/* hops_delivered, hops_kept - does such a line name this address, at this hub
 * ("ADDRESS HUB")? */
bool
hops_delivered(const struct hops *h, struct slice address);

bool
hops_kept(const struct hops *h, struct slice address);

/* hops_room - bytes of memory that it holds */
size_t
hops_room(const struct hops *h);

void
hops_free(struct hops *h);

#endif
