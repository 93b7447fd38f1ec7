/* names.h - a table of things by their names, whoever chose those
 *
 * Domains, next hops and addresses come from strangers, who could choose
 * thousands that an unkeyed hash puts into one place. So the hash is SipHash
 * with a key that each table makes for itself, and the table grows. It does so
 * by pieces, a few buckets with each thing that is put, so that no round of
 * the loop pays for all of it.
 *
 * The thing has a struct names_link in it (lib/owner.h finds it again), and
 * keeps its name itself; several may have the same one.
 *
 *	hash = names_hash(&t, name);
 *	for (l = names_find(&t, hash); l; l = names_more(l))
 *		if (slice_eq(its_name(l), name))
 *			return OWNER(l, struct thing, link);
 *
 * Test  tests/names_test.c
 */
#ifndef QUAIL_LIB_NAMES_H
#define QUAIL_LIB_NAMES_H

#include "lib/siphash.h"

struct names_link {
	struct names_link *chain;
	uint64_t hash;
};

struct names {
	struct names_link **buckets; /* 2^bits of them, by the upper bits */
	struct names_link **older;   /* half as many, that are emptied */
	size_t moved;		     /* ... so many of them are empty */
	unsigned bits;
	bool is_keyed;
	uint8_t key[SIPHASH_KEY];
	size_t n;
	uint64_t n_probes; /* links that were looked at, for tests */
};

/* A zeroed struct is an empty table. */

/* names_hash, names_hash_two - of a name, or of one in two parts
 *
 * Keeps    the first call makes the key; does not return without random bytes.
 */
uint64_t
names_hash(struct names *t, struct slice name);

uint64_t
names_hash_two(struct names *t, struct slice a, struct slice b);

/* names_find, names_more - the first and next thing with this hash, or NULL */
struct names_link *
names_find(struct names *t, uint64_t hash);

struct names_link *
names_more(struct names_link *l);

/* names_put - add it, whatever else has that name
 *
 * Keeps    l until names_drop; allocates (die_nomem).
 */
void
names_put(struct names *t, struct names_link *l, uint64_t hash);

/* names_drop - take it out; it is in the table */
void
names_drop(struct names *t, struct names_link *l);

/* names_free - the table's own memory; the things are their owner's */
void
names_free(struct names *t);

/* A walk through all of them, in no order. Zeroed: before the first. */
struct names_walk {
	uint64_t from; /* the hash that it has come to */
	bool is_over;
	struct names_link *next;
};

/* names_next - the next thing, or NULL behind the last
 *
 * The one that was returned may be dropped and freed; no other, and none may
 * be put, as long as the walk goes on.
 */
struct names_link *
names_next(const struct names *t, struct names_walk *w);

/* names_chain - the next bucket's chain; w->is_over is true behind the last
 *
 * Returns  NULL when there is nothing in it. Between two calls anything may be
 *          put and dropped: what is there all the time is told once.
 */
struct names_link *
names_chain(const struct names *t, struct names_walk *w);

#endif
