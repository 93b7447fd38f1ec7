/* seen.h - which keys has a build seen, and where?
 *
 * Holds a 64-bit hash of each key, not the key: among a million keys two
 * fall together once in 37 million builds, and then a build is refused for a
 * repetition that is none. In return a million keys fit in 32 MB.
 *
 * Test  tests/map_test.c
 */
#ifndef QUAIL_CDB_SEEN_H
#define QUAIL_CDB_SEEN_H

#include "lib/slice.h"

struct seen_key {
	uint64_t hash;
	uint64_t mark; /* 0: nothing here */
};

struct seen {
	struct seen_key *keys;
	size_t n, max; /* max is a power of two, or 0 */
};

/* seen_put - remember a key
 *
 * Takes    what names the set, such as "users"; a mark that is not 0, such as
 *          the place in a file.
 * Returns  0 when it is new; the earlier mark, which stays, when it is not.
 */
uint64_t
seen_put(struct seen *s, const char *set, struct slice key, uint64_t mark);

/* seen_get - its mark; 0 when it has not been seen */
uint64_t
seen_get(const struct seen *s, const char *set, struct slice key);

void
seen_free(struct seen *s);

#endif
