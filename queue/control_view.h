/* control_view.h - what can be said of a queued message, and saying it
 *
 * From the running queue, or from its files alone (queue/offline.h): then
 * there is no schedule, and what only that knows is left out.
 *
 * Source  doc/quail-control.7
 * Test    tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_VIEW_H
#define QUAIL_QUEUE_CONTROL_VIEW_H

#include "cdb/config.h"
#include "queue/control_ask.h"
#include "queue/schedule.h"

struct control_source {
	struct store *store;
	struct config *config; /* NULL: there is none */
	const struct holds *holds;
	struct schedule *schedule; /* NULL: the queue does not run */
	const struct ages *ages;   /* then as they were kept, or NULL */
};

/* control_source_ages - the queue's time; NULL: it is not known */
const struct ages *
control_source_ages(const struct control_source *source);

/* One message that is being looked at. */
struct control_view {
	const struct control_source *source;
	struct message *m;
	struct buf room; /* the envelope */
	struct store_envelope envelope;
	bool is_damaged;	      /* it cannot be read, and is empty here */
	struct buf path, key, fields; /* scratch */
};

/* control_view_open - look at a message
 *
 * Needs    v->source set. Its other fields are reused, control_view_free
 *          is due in the end.
 */
void
control_view_open(struct control_view *v, struct message *m);

/* control_view_fits - does it fit what was asked for, but for the ids? */
bool
control_view_fits(struct control_view *v, const struct control_ask *a);

/* control_view_message - append the item "m" */
void
control_view_message(struct control_view *v, struct buf *out);

/* control_view_rcpt - append the item "r" of one recipient */
void
control_view_rcpt(struct control_view *v, struct buf *out, uint32_t index,
		  struct slice rcpt);

/* control_view_each - call for each destination that a recipient's next
 * hops are; not for one that has none
 *
 * Returns  true as soon as a call does.
 */
bool
control_view_each(struct control_view *v, struct slice rcpt,
		  bool (*call)(void *arg, struct slice key), void *arg);

void
control_view_free(struct control_view *v);

/* control_item - append an item of a letter and fields, and empty these */
void
control_item(struct buf *out, char letter, struct buf *fields);

void
control_field(struct buf *fields, const char *key, struct slice value);

void
control_number(struct buf *fields, const char *key, int64_t value);

#endif
