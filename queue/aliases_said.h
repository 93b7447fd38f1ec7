/* aliases_said.h - which senders have been told that their message loops
 *
 * A sender is told once, however many copies of a message come back. What a
 * copy says of where it has been is hostile input, and whoever sends a copy on
 * becomes its sender. So what counts is the message's id and its return path,
 * from clients only that may relay: they are ours, and a refusal to them is a
 * bounce. All others are refused each time. The package that was noted, sent
 * again, is refused again: its client may not have heard it.
 *
 * Test  tests/aliases_test.c
 */
#ifndef QUAIL_QUEUE_ALIASES_SAID_H
#define QUAIL_QUEUE_ALIASES_SAID_H

#include "lib/siphash.h"
#include "queue/incoming.h"

enum { ALIASES_SAID = 256 };

/* The latest; it takes a zeroed struct. */
struct aliases_said {
	struct aliases_loop {
		uint8_t path[SIPHASH_SIZE]; /* the id, the return path */
		uint8_t key[12];	    /* of the package */
	} loops[ALIASES_SAID];
	size_t n;
};

/* aliases_is_said - has the sender of this copy been told?
 *
 * Takes    said: may be NULL; key: of a hash that clients cannot foretell.
 */
bool
aliases_is_said(const struct aliases_said *said, const uint8_t key[SIPHASH_KEY],
		const struct incoming *in);

/* aliases_say - note that he is being told now */
void
aliases_say(struct aliases_said *said, const uint8_t key[SIPHASH_KEY],
	    const struct incoming *in);

#endif
