/* siphash.h - SipHash-2-4 with 128 bits of result, fed in pieces
 *
 * A keyed hash: who does not know the key cannot make two inputs that
 * collide, nor guess a result. Used where bytes from outside are compared
 * by their hash.
 *
 * Source  Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012),
 *         and the 128-bit variant of its reference implementation
 * Test    tests/siphash_test.c (known answers)
 */
#ifndef QUAIL_LIB_SIPHASH_H
#define QUAIL_LIB_SIPHASH_H

#include "lib/slice.h"

enum { SIPHASH_KEY = 16, SIPHASH_SIZE = 16 };

struct siphash {
	uint64_t v[4];
	uint64_t length;
	uint8_t tail[8]; /* the bytes since the last whole word */
};

/* siphash_random - a key that nobody knows; does not return without one */
void
siphash_random(uint8_t key[SIPHASH_KEY]);

void
siphash_init(struct siphash *h, const uint8_t key[SIPHASH_KEY]);

/* siphash_push - the next bytes; any cut will do */
void
siphash_push(struct siphash *h, struct slice bytes);

/* siphash_end - the result; *h must not be used again */
void
siphash_end(struct siphash *h, uint8_t result[SIPHASH_SIZE]);

/* siphash_of - 64 bits of it, of one slice, for tables in memory */
uint64_t
siphash_of(const uint8_t key[SIPHASH_KEY], struct slice bytes);

#endif
