#include "queue/recent.h"

#include "lib/die.h"

#include <stdlib.h>
#include <string.h>

/* From LARGE on, memory counts for more than the time to grow. */
enum { SMALLEST = 256, LARGE = 65536 };

static bool
is_free(const uint32_t slot[3])
{
	return (slot[0] | slot[1] | slot[2]) == 0;
}

static size_t
home(const struct recent_set *set, const uint32_t key[3])
{
	return (size_t)((uint64_t)key[0] * set->cap >> 32);
}

static size_t
behind(const struct recent_set *set, size_t i)
{
	return i + 1 == set->cap ? 0 : i + 1;
}

/* How far i is behind `from`, going round. */
static size_t
distance(const struct recent_set *set, size_t from, size_t i)
{
	return i >= from ? i - from : i + set->cap - from;
}

static bool
is_same(const uint32_t a[3], const uint32_t b[3])
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* Where the key is, or the free slot where it would go. */
static size_t
seek(const struct recent_set *set, const uint32_t key[3])
{
	size_t i = home(set, key);

	while (!is_free(set->slots[i]) && !is_same(set->slots[i], key))
		i = behind(set, i);
	return i;
}

static void
to_words(uint32_t words[3], const uint8_t key[RECENT_KEY])
{
	memcpy(words, key, RECENT_KEY);
	if (is_free(words))
		words[0] = 1;
}

static bool
has(const struct recent_set *set, const uint32_t key[3])
{
	return set->n > 0 && !is_free(set->slots[seek(set, key)]);
}

static void
grow(struct recent_set *set)
{
	struct recent_set old = *set;
	size_t i;

	set->cap = old.cap == 0	     ? SMALLEST
		   : old.cap < LARGE ? old.cap * 2
				     : old.cap + old.cap / 4;
	set->slots = calloc(set->cap, sizeof *set->slots);
	if (!set->slots)
		die_nomem();
	for (i = 0; i < old.cap; i++)
		if (!is_free(old.slots[i]))
			memcpy(set->slots[seek(set, old.slots[i])],
			       old.slots[i], RECENT_KEY);
	free(old.slots);
}

static void
put(struct recent_set *set, const uint32_t key[3])
{
	size_t i;

	if (set->n + 1 > set->cap - set->cap / 8)
		grow(set);
	i = seek(set, key);
	set->n += is_free(set->slots[i]);
	memcpy(set->slots[i], key, RECENT_KEY);
}

/* Closes the gap, so that no search ends too early. */
static void
drop(struct recent_set *set, const uint32_t key[3])
{
	size_t hole, i, want;

	if (!has(set, key))
		return;
	hole = seek(set, key);
	set->n--;
	for (i = behind(set, hole); !is_free(set->slots[i]);
	     i = behind(set, i)) {
		want = home(set, set->slots[i]);
		if (distance(set, want, i) < distance(set, hole, i))
			continue;
		memcpy(set->slots[hole], set->slots[i], RECENT_KEY);
		hole = i;
	}
	memset(set->slots[hole], 0, RECENT_KEY);
}

static void
turn(struct recent *r, int64_t now_s)
{
	if (r->turned_s == 0)
		r->turned_s = now_s;
	if (now_s - r->turned_s < RECENT_S && r->now.n < RECENT_MAX)
		return;
	free(r->before.slots);
	r->before = r->now;
	r->now = (struct recent_set){0};
	if (now_s - r->turned_s >= 2 * RECENT_S) { /* both are too old */
		free(r->before.slots);
		r->before = (struct recent_set){0};
	}
	r->turned_s = now_s;
}

bool
recent_has(const struct recent *r, const uint8_t key[RECENT_KEY])
{
	uint32_t words[3];

	to_words(words, key);
	return has(&r->now, words) || has(&r->before, words);
}

void
recent_put(struct recent *r, const uint8_t key[RECENT_KEY], int64_t taken_s,
	   int64_t now_s)
{
	uint32_t words[3];

	turn(r, now_s);
	if (taken_s + RECENT_S < now_s)
		return;
	to_words(words, key);
	put(&r->now, words);
}

void
recent_drop(struct recent *r, const uint8_t key[RECENT_KEY])
{
	uint32_t words[3];

	to_words(words, key);
	drop(&r->now, words);
	drop(&r->before, words);
}

void
recent_free(struct recent *r)
{
	free(r->now.slots);
	free(r->before.slots);
	*r = (struct recent){0};
}
