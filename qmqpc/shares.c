#include "qmqpc/shares.h"

#include "lib/die.h"

#include <stdlib.h>

uint64_t
shares_weight(const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size;
	uint64_t on_disk = (uint64_t)st->st_blocks * 512;

	return size < on_disk ? size : on_disk;
}

bool
shares_counts(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1;
}

static size_t
add(struct shares *s, uid_t uid)
{
	if (s->n == s->max) {
		s->max = s->max ? 2 * s->max : 8;
		s->list = reallocarray(s->list, s->max, sizeof *s->list);
		if (!s->list)
			die_nomem();
	}
	s->list[s->n] = (struct share){.uid = uid};
	return ++s->n;
}

struct share *
shares_of(struct shares *s, uid_t uid)
{
	uint64_t id = UINT64_C(1) + uid;
	uintptr_t place = (uintptr_t)idmap_get(&s->places, id);

	if (place == 0) {
		place = add(s, uid);
		/* a number kept as a pointer: it is never followed */
		idmap_put(&s->places, id, (void *)place);
	}
	return &s->list[place - 1];
}

void
shares_recount(struct shares *s, bool failed)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct share *one = &s->list[i];

		if (failed)
			one->failed = one->n_failed = 0;
		else
			one->waits = one->n_held = 0;
	}
}

static uint64_t
plus(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* What an owner alone may have. */
static uint64_t
most(uint64_t max)
{
	return max - max / (SHARES_TIMES + 1);
}

static uint64_t
counted(uint64_t bytes, uint64_t max)
{
	return bytes < most(max) ? bytes : most(max);
}

static uint64_t
has(const struct share *one)
{
	return plus(one->waits, one->failed);
}

uint64_t
shares_used(const struct shares *s, uint64_t max)
{
	uint64_t used = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		used = plus(used, counted(has(&s->list[i]), max));
	return used;
}

bool
shares_full(const struct share *one, uint64_t more, uint64_t used, uint64_t max)
{
	uint64_t bytes = plus(has(one), more), others, left;

	if (bytes <= max / SHARES_LEAST)
		return false;
	others = used - counted(has(one), max);
	used = plus(others, counted(bytes, max));
	left = used < max ? max - used : 0;
	return bytes / SHARES_TIMES > left;
}

void
shares_free(struct shares *s)
{
	free(s->list);
	idmap_free(&s->places);
	*s = (struct shares){0};
}
