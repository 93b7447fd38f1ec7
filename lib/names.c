#include "lib/names.h"

#include "lib/bytes.h"
#include "lib/die.h"

#include <stdlib.h>

enum { FIRST_BITS = 6, MOVED_AT_ONCE = 4 };

/* hashes */

static void
begin(struct names *t, struct siphash *h)
{
	if (!t->is_keyed)
		siphash_random(t->key);
	t->is_keyed = true;
	siphash_init(h, t->key);
}

static uint64_t
end(struct siphash *h)
{
	uint8_t result[SIPHASH_SIZE];

	siphash_end(h, result);
	return bytes_load64(result);
}

uint64_t
names_hash(struct names *t, struct slice name)
{
	struct siphash h;

	begin(t, &h);
	siphash_push(&h, name);
	return end(&h);
}

/* The length of the first one stands between them: else bytes could go over
 * from one to the other. */
uint64_t
names_hash_two(struct names *t, struct slice a, struct slice b)
{
	struct siphash h;
	uint8_t len[8];

	bytes_store64(len, a.len);
	begin(t, &h);
	siphash_push(&h, a);
	siphash_push(&h, slice_of((const char *)len, sizeof len));
	siphash_push(&h, b);
	return end(&h);
}

/* buckets */

static size_t
place(uint64_t hash, unsigned bits)
{
	return (size_t)(hash >> (64 - bits));
}

/* Is it to be looked for where it was before the table grew? */
static bool
is_in_older(const struct names *t, uint64_t hash)
{
	return t->older && place(hash, t->bits - 1) >= t->moved;
}

static struct names_link **
bucket(const struct names *t, uint64_t hash)
{
	return is_in_older(t, hash) ? &t->older[place(hash, t->bits - 1)]
				    : &t->buckets[place(hash, t->bits)];
}

static void
link_to(struct names_link **b, struct names_link *l)
{
	l->chain = *b;
	*b = l;
}

static void
double_it(struct names *t)
{
	t->older = t->buckets;
	t->moved = 0;
	t->bits = t->bits ? t->bits + 1 : FIRST_BITS;
	t->buckets = calloc((size_t)1 << t->bits, sizeof(struct names_link *));
	if (!t->buckets)
		die_nomem();
}

static void
move_one(struct names *t)
{
	struct names_link *l = t->older[t->moved++], *next;

	for (; l; l = next) {
		next = l->chain;
		link_to(&t->buckets[place(l->hash, t->bits)], l);
	}
}

static void
grow(struct names *t)
{
	int i;

	if (!t->older && (t->bits == 0 || t->n >> t->bits))
		double_it(t);
	for (i = 0; t->older && i < MOVED_AT_ONCE; i++) {
		move_one(t);
		if (t->moved >> (t->bits - 1)) {
			free(t->older);
			t->older = NULL;
		}
	}
}

/* things */

struct names_link *
names_find(struct names *t, uint64_t hash)
{
	struct names_link *l = t->n > 0 ? *bucket(t, hash) : NULL;

	for (; l && l->hash != hash; l = l->chain)
		t->n_probes++;
	t->n_probes += l != NULL;
	return l;
}

struct names_link *
names_more(struct names_link *l)
{
	uint64_t hash = l->hash;

	do
		l = l->chain;
	while (l && l->hash != hash);
	return l;
}

void
names_put(struct names *t, struct names_link *l, uint64_t hash)
{
	grow(t);
	l->hash = hash;
	link_to(bucket(t, hash), l);
	t->n++;
}

void
names_drop(struct names *t, struct names_link *l)
{
	struct names_link **p = bucket(t, l->hash);

	while (*p != l)
		p = &(*p)->chain;
	*p = l->chain;
	t->n--;
}

void
names_free(struct names *t)
{
	free(t->buckets);
	free(t->older);
	*t = (struct names){0};
}

/* walks */

/* The upper bits are the place, so where a bucket ends its two halves do, and
 * a walk needs to remember only how far it has come. */
struct names_link *
names_chain(const struct names *t, struct names_walk *w)
{
	unsigned bits = t->bits - is_in_older(t, w->from);
	struct names_link *l;

	if (t->bits == 0 || w->is_over) {
		w->is_over = true;
		return NULL;
	}
	l = *bucket(t, w->from);
	w->from = (w->from | UINT64_MAX >> bits) + 1;
	w->is_over = w->from == 0;
	return l;
}

struct names_link *
names_next(const struct names *t, struct names_walk *w)
{
	struct names_link *l;

	while (!w->next && !w->is_over)
		w->next = names_chain(t, w);
	l = w->next;
	if (l)
		w->next = l->chain;
	return l;
}
