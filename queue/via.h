/* via.h - which aliases a recipient came of, and what its copy says of them
 *
 * A message keeps the recipients that its aliases stand for, and an attribute
 * for each alias, in the order in which they were met:
 *
 *   via=FIRST-END ADDRESS   the recipients from FIRST up to END, not END
 *                           itself, came of it; those of an alias within an
 *                           alias lie within the other's
 *   expanded=N HUB          so many times it had been copied when it came, to
 *                           this hub
 *   loops=INDEX,INDEX...    these are aliases that it has been at before; they
 *                           are returned to the sender
 *
 * Its text is kept once. What goes out to the recipients of an alias begins
 * with lines that name it, and none to whom another recipient's go: who was
 * reached by which alias is nobody else's business.
 *
 *   Delivered-To: team@hub.test
 *   X-Quail-Expanded: 12 69300001000000a1
 *
 * Whichever hub expands it next heeds them: an alias that is named so has had
 * its turn. 12 is the number of copies that one message would become if all
 * were copied as often as this one, then comes the id of the message that was
 * expanded. An alias may keep a copy for an address of
 * its own name, whose mailbox must not take it for a loop, and which may stand
 * for others at another hub. So this name is in the second line, with the
 * hub's, and at this hub has had its turn.
 *
 *   X-Quail-Expanded: 12 69300001000000a1 team@hub.test hub.test
 *
 * Test  tests/via_test.c
 */
#ifndef QUAIL_QUEUE_VIA_H
#define QUAIL_QUEUE_VIA_H

#include "lib/buf.h"

enum { VIA_DEPTH_MAX = 20 };

struct via {
	uint32_t first, end;
	struct slice alias;
};

/* via_put - append it to a list of attributes */
void
via_put(struct buf *attrs, const struct via *v);

/* via_parse - is it such an attribute, and well formed? */
bool
via_parse(struct slice attr, struct via *v);

/* A walk through the recipients of a message, in their order. */
struct via_walk {
	struct slice attrs; /* those that have not been met */
	struct via next;    /* valid if has_next */
	bool has_next;
	struct slice loops; /* those that have not been met */
	uint64_t loop;
	bool has_loop;
	uint32_t n_met;
	size_t depth;
	struct {
		uint32_t end, number;
		struct slice alias;
	} within[VIA_DEPTH_MAX];
};

void
via_walk_begin(struct via_walk *w, struct slice attrs);

/* via_walk_to - what do the lines of a recipient's copy depend on?
 *
 * Takes    index: not smaller than the last one; rcpt: its address.
 * Returns  0: it came of no alias; else a number that only those have whose
 *          lines are the same.
 */
uint32_t
via_walk_to(struct via_walk *w, uint32_t index, struct slice rcpt);

/* via_walk_loops - is that recipient an alias that the message had been at?
 *
 * Takes    index: not smaller than the last one.
 */
bool
via_walk_loops(struct via_walk *w, uint32_t index);

/* via_lines - append the lines for the recipient index, whose address is rcpt,
 * of the message id */
void
via_lines(struct buf *out, struct slice attrs, uint64_t id, uint32_t index,
	  struct slice rcpt);

#endif
