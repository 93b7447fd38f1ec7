#include "cdb/seen.h"

#include "cdb/digest.h"
#include "lib/die.h"

#include <stdlib.h>

enum { SMALLEST = 256 };

static uint64_t
hash(const char *set, struct slice key)
{
	return digest_hash(key) ^ digest_hash(slice_text(set));
}

/* The place of a hash: where it is, or where it would go. */
static size_t
place(const struct seen *s, uint64_t h)
{
	size_t i = (size_t)h & (s->max - 1);

	while (s->keys[i].mark && s->keys[i].hash != h)
		i = (i + 1) & (s->max - 1);
	return i;
}

static void
grow(struct seen *s)
{
	struct seen old = *s;
	size_t i;

	s->max = old.max ? old.max * 2 : SMALLEST;
	s->keys = calloc(s->max, sizeof *s->keys);
	if (!s->keys)
		die_nomem();
	for (i = 0; i < old.max; i++)
		if (old.keys[i].mark)
			s->keys[place(s, old.keys[i].hash)] = old.keys[i];
	free(old.keys);
}

uint64_t
seen_put(struct seen *s, const char *set, struct slice key, uint64_t mark)
{
	uint64_t h = hash(set, key);
	size_t i;

	if (s->n >= s->max / 4 * 3)
		grow(s);
	i = place(s, h);
	if (s->keys[i].mark)
		return s->keys[i].mark;
	s->keys[i] = (struct seen_key){h, mark};
	s->n++;
	return 0;
}

uint64_t
seen_get(const struct seen *s, const char *set, struct slice key)
{
	return s->max ? s->keys[place(s, hash(set, key))].mark : 0;
}

void
seen_free(struct seen *s)
{
	free(s->keys);
	*s = (struct seen){0};
}
