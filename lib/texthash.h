/* texthash.h - a keyed hash of whole messages, fed in pieces
 *
 * Two texts that differ have the same hash only by chance, one in 2^127 or so,
 * whoever chose them, as long as nobody learns the key or a result. SipHash
 * promises that too, at five times the cost: here it has a sixteenth to do.
 *
 * The text is cut into chunks of 512 bytes, of 64-bit words, little-endian,
 * the last one filled up with zeros to a multiple of 16 bytes. From each chunk
 * two sums are made with key words k0, k1 ... of its own key,
 *
 *   A = (m0+k0)(m1+k1) + (m2+k2)(m3+k3) + ...    products of 128 bits, summed
 *   B = (m0+k2)(m1+k3) + (m2+k4)(m3+k5) + ...    modulo 2^128
 *
 * and the result is SipHash of all sums, A and B of each chunk in turn, and
 * the text's length (8 bytes). The key words are SipHash of their number.
 *
 * Source  NH with Toeplitz keys: Black, Halevi, Krawczyk, Krovetz, Rogaway,
 *         "UMAC: Fast and Secure Message Authentication" (1999); with words of
 *         64 bits as in VMAC, Krovetz (2006)
 * Test    tests/texthash_test.c
 */
#ifndef QUAIL_LIB_TEXTHASH_H
#define QUAIL_LIB_TEXTHASH_H

#include "lib/siphash.h"

enum { TEXTHASH_PAIRS = 32 /* of words, in a chunk */ };

struct texthash_key {
	uint64_t k[2 * TEXTHASH_PAIRS + 2];
	uint8_t last[SIPHASH_KEY];
};

struct texthash_sum {
	uint64_t low, high;
};

struct texthash {
	const struct texthash_key *key;
	struct texthash_sum sums[2]; /* of the chunk, so far ... */
	unsigned pairs;		     /* ... so many pairs of it */
	uint64_t length;
	uint8_t tail[16]; /* the bytes since the last whole pair */
	struct siphash all;
};

void
texthash_key(struct texthash_key *k, const uint8_t key[SIPHASH_KEY]);

/* texthash_init - begin; the key is borrowed until the end */
void
texthash_init(struct texthash *h, const struct texthash_key *k);

/* texthash_push - the next bytes; any cut will do */
void
texthash_push(struct texthash *h, struct slice bytes);

/* texthash_end - the result; *h must not be used again */
void
texthash_end(struct texthash *h, uint8_t result[SIPHASH_SIZE]);

#endif
