/* idmap.h - from a 64-bit id to a pointer
 *
 * Open addressing, at most seven eighths full; grows, never fails
 * (die_nomem). Ids other than 0 only. About 20 bytes an id where there are
 * many.
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_IDMAP_H
#define QUAIL_LIB_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t id; /* 0: free */
	void *value;
};

struct idmap {
	struct idmap_slot *slots;
	size_t n, cap; /* cap: under 2^32 */
	size_t any;    /* where idmap_any looks first */
};

/* A zeroed struct is an empty map. */

/* idmap_put - add or replace */
void
idmap_put(struct idmap *map, uint64_t id, void *value);

/* idmap_get - the value, or NULL */
void *
idmap_get(const struct idmap *map, uint64_t id);

/* idmap_drop - remove; nothing when it is not there */
void
idmap_drop(struct idmap *map, uint64_t id);

/* idmap_any - some value, to empty a map one by one; NULL when empty
 *
 * Emptying a whole map this way looks at each place about once.
 */
void *
idmap_any(struct idmap *map);

void
idmap_free(struct idmap *map);

#endif
