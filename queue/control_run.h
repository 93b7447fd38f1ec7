/* control_run.h - carrying out a request, a slice at a time
 *
 * The answer is a series of items, netstrings of a letter and what belongs
 * to it, and ends with a verdict:
 *
 *   m  a message       r  a recipient of it     a  an attribute of it
 *   t  a piece of text e  end of a message      x  an id that is not there
 *   d  a destination   h  a rule                s  figures
 *   y  an id that was set aside as damaged, so it cannot be changed
 *   K, Z, D  the end: K and fields, Z or D and a text
 *
 * A slice ends when there is CONTROL_RUN_OUT to be read, or after a few
 * milliseconds, so a queue of a million messages neither fills memory nor
 * keeps mail waiting. Messages may come and go between the slices.
 *
 * Source  doc/quail-control.7
 * Test    tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_RUN_H
#define QUAIL_QUEUE_CONTROL_RUN_H

#include "queue/control_act.h"
#include "queue/control_aside.h"
#include "queue/control_walk.h"

enum {
	CONTROL_RUN_OUT = 64 * 1024, /* a slice's output, about */
	CONTROL_RUN_MS = 4	     /* a slice's time, about */
};

enum control_phase {
	CONTROL_WALKING, /* looking for the next message */
	CONTROL_RCPTS,	 /* telling the recipients of one */
	CONTROL_TEXT,	 /* telling its text */
	CONTROL_ASIDE,	 /* those that were set aside: the next, ... */
	CONTROL_ASIDE_TEXT,
	CONTROL_OVER
};

struct control_stats {
	uint64_t messages, bytes, rcpts, held, running, waiting, deferred;
	int64_t oldest_us;
};

struct control_run {
	const struct control_source *source;
	enum control_phase phase;
	struct control_ask ask;
	struct control_act act;
	struct control_walk walk;
	struct control_view view;
	struct control_aside aside;
	size_t n_asked;		  /* ids of the request that are done with */
	uint64_t id;		  /* the message that is being told */
	uint32_t rcpt;		  /* its next recipient */
	uint64_t rcpts_at;	  /* ... which stands there in its list */
	struct store_reader text; /* how much of it was told */
	struct names_walk hops;	  /* through the destinations */
	uint64_t n_told, n_missing;
	struct control_stats stats;
};

/* control_run_start - begin with a request
 *
 * Needs    *r zeroed but for source; control_run_free is due in the end. The
 *          schedule of source may be NULL for who only looks.
 * Takes    payload: of the request's netstring; copied.
 */
void
control_run_start(struct control_run *r, struct slice payload, struct buf *out);

/* control_run_slice - go on for a slice, appending items
 *
 * Returns  true when the last item has been said.
 */
bool
control_run_slice(struct control_run *r, struct buf *out);

void
control_run_free(struct control_run *r);

#endif
