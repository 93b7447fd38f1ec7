/* met.h - the addresses that an expansion of aliases has met, by kind
 *
 * Clients choose addresses too: they are hashed with a key, in a table that
 * grows.
 *
 * Test  tests/aliases_test.c
 */
#ifndef QUAIL_QUEUE_MET_H
#define QUAIL_QUEUE_MET_H

#include "lib/buf.h"
#include "lib/siphash.h"

struct met_place {
	uint32_t at, len; /* in bytes; len 0: free */
};

/* Zeroed but for the key: nothing was met. */
struct met {
	const uint8_t *key;
	struct buf bytes; /* a kind and an address each */
	struct met_place *slots;
	size_t n_slots; /* a power of two, at least twice n */
	uint32_t n;
};

/* met_enter - note an address of a kind
 *
 * Returns  0; 1 it was there already; -1 there would be more than most.
 */
int
met_enter(struct met *m, char kind, struct slice address, uint32_t most);

void
met_free(struct met *m);

#endif
