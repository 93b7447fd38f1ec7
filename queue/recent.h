/* recent.h - what was taken lately, so that it is not taken twice
 *
 * A client that lost our K sends the same bytes again. The keyed hash of
 * its package (text, sender, recipients, and who it is) is remembered for
 * at least RECENT_S; on a hit it gets K, and no copy is made.
 *
 * Two generations of hashes: a key lives for one to two times RECENT_S.
 * 12 bytes a slot; 96 bits of a keyed hash leave a chance of a false hit of
 * about 10^-22 a message with a million remembered.
 *
 * Test  tests/recent_test.c
 */
#ifndef QUAIL_QUEUE_RECENT_H
#define QUAIL_QUEUE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECENT_S = 600,
	RECENT_KEY = 12,
	RECENT_MAX = 4000000 /* in a generation; then it turns early */
};

struct recent_set {
	uint32_t (*slots)[3]; /* all zero: free */
	size_t n, cap;
};

struct recent {
	struct recent_set now, before;
	int64_t turned_s;
};

/* A zeroed struct remembers nothing. */

/* recent_has - was it put, and has it not been forgotten? */
bool
recent_has(const struct recent *r, const uint8_t key[RECENT_KEY]);

/* recent_put - remember it
 *
 * Takes    taken_s: when it was taken (wall clock).
 */
void
recent_put(struct recent *r, const uint8_t key[RECENT_KEY], int64_t taken_s,
	   int64_t now_s);

/* recent_drop - forget it at once: what was taken was not kept */
void
recent_drop(struct recent *r, const uint8_t key[RECENT_KEY]);

void
recent_free(struct recent *r);

#endif
