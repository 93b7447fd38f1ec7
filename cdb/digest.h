/* digest.h - 128 bits that tell one file from another
 *
 * Against torn files, flipped bits and mistaken copies; not against forgers.
 * Each step is a bijection of the lane for a given word and of the word for a
 * given lane, so a change within one word of eight bytes always shows.
 *
 *	struct digest d;
 *	digest_init(&d); digest_push(&d, a); digest_push(&d, b);
 *	digest_end(&d, hex);
 *
 * Test  tests/map_test.c
 */
#ifndef QUAIL_CDB_DIGEST_H
#define QUAIL_CDB_DIGEST_H

#include "lib/slice.h"

enum { DIGEST_HEX = 32 };

struct digest {
	uint64_t lanes[2];
};

void
digest_init(struct digest *d);

/* digest_push - take bytes, and where they end: "ab", "c" is not "a", "bc" */
void
digest_push(struct digest *d, struct slice bytes);

/* digest_end - give DIGEST_HEX lower-case hex digits, without a NUL */
void
digest_end(const struct digest *d, char hex[DIGEST_HEX]);

/* digest_hash - 64 bits of one slice, for tables in memory */
uint64_t
digest_hash(struct slice bytes);

#endif
