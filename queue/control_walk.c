#include "queue/control_walk.h"

#include "lib/die.h"

#include <stdlib.h>

/* A heap with the greatest id on top keeps the least ones seen so far. */

static void
sift_up(uint64_t *ids, size_t i)
{
	while (i > 0 && ids[(i - 1) / 2] < ids[i]) {
		uint64_t id = ids[i];

		ids[i] = ids[(i - 1) / 2];
		ids[(i - 1) / 2] = id;
		i = (i - 1) / 2;
	}
}

static void
sift_down(uint64_t *ids, size_t n, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		uint64_t id = ids[i];

		if (child + 1 < n && ids[child + 1] > ids[child])
			child++;
		if (child >= n || ids[child] <= id)
			return;
		ids[i] = ids[child];
		ids[child] = id;
		i = child;
	}
}

static void
sort(uint64_t *ids, size_t n)
{
	while (n > 1) {
		uint64_t id = ids[0];

		ids[0] = ids[--n];
		ids[n] = id;
		sift_down(ids, n, 0);
	}
}

static void
gather(struct control_walk *w, const struct idmap *map)
{
	size_t i;

	w->n = w->at = 0;
	w->is_last = true;
	for (i = 0; i < map->cap; i++) {
		uint64_t id = map->slots[i].id;

		if (id <= w->after)
			continue;
		if (w->n < CONTROL_WALK_IDS) {
			w->ids[w->n] = id;
			sift_up(w->ids, w->n++);
			continue;
		}
		w->is_last = false;
		if (id < w->ids[0]) {
			w->ids[0] = id;
			sift_down(w->ids, w->n, 0);
		}
	}
	sort(w->ids, w->n);
}

uint64_t
control_walk_next(struct control_walk *w, const struct idmap *map)
{
	if (!w->ids) {
		w->ids = reallocarray(NULL, CONTROL_WALK_IDS, sizeof *w->ids);
		if (!w->ids)
			die_nomem();
	}
	if (w->at == w->n) {
		if (w->is_last)
			return 0;
		gather(w, map);
		if (w->n == 0)
			return 0;
	}
	w->after = w->ids[w->at++];
	return w->after;
}

void
control_walk_free(struct control_walk *w)
{
	free(w->ids);
	*w = (struct control_walk){0};
}
