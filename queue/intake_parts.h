/* intake_parts.h - what intake.c (messages) and intake_links.c (the
 * connections that bring them) share; nobody else's
 */
#ifndef QUAIL_QUEUE_INTAKE_PARTS_H
#define QUAIL_QUEUE_INTAKE_PARTS_H

#include "lib/conn.h"
#include "queue/intake.h"

struct frame;

struct staged {
	struct door_link *link; /* NULL: the front end is gone */
	struct intake *intake;
	struct incoming in;
	struct store_waiter waiter;
	struct staging_part part; /* in intake->staging */
	bool has_sender;
	bool is_hubs; /* by QMTP: earlier hops' trace lines are in it */
	struct claims claims;
	struct tags tags;
	struct repeat repeat;
	uint64_t of;	/* a repeat of this message, of which only the ... */
	bool has_file;	/* counted in both n_files */
	bool is_repeat; /* ... answer is awaited */
	bool refused;
	struct verdict verdict; /* when refused */
};

struct door_link {
	struct door_link *prev, *next;
	struct intake *intake;
	struct conn conn;
	uint32_t number;
	struct intake_caller who;
	uint64_t first[2], end[2]; /* the two ranges of ids it may use */
	uint64_t last_opened;
	size_t n_files; /* of intake->n_files */
	struct idmap staged;
};

/* intake_frame - what a front end has said
 *
 * Returns  0; -1: it breaks the contract, and its connection is to be closed.
 */
int
intake_frame(struct door_link *link, const struct frame *f);

/* intake_lease - give it its next range of ids */
void
intake_lease(struct door_link *link);

/* intake_drop - forget a message that is in no batch, and free it */
void
intake_drop(struct staged *s);

#endif
