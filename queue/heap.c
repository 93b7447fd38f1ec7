#include "queue/heap.h"

#include "lib/die.h"

#include <stdlib.h>

static void
place(struct heap *h, size_t i, struct message *m)
{
	h->at[i] = m;
	m->slot = (uint32_t)i + 1;
}

static void
sift_up(struct heap *h, size_t i, struct message *m)
{
	while (i > 0 && h->at[(i - 1) / 2]->due_s > m->due_s) {
		place(h, i, h->at[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(h, i, m);
}

static void
sift_down(struct heap *h, size_t i, struct message *m)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < h->n &&
		    h->at[child + 1]->due_s < h->at[child]->due_s)
			child++;
		if (child >= h->n || h->at[child]->due_s >= m->due_s)
			break;
		place(h, i, h->at[child]);
		i = child;
	}
	place(h, i, m);
}

void
heap_drop(struct heap *h, struct message *m)
{
	size_t i = m->slot - 1;
	struct message *last;

	if (m->slot == 0)
		return;
	m->slot = 0;
	last = h->at[--h->n];
	if (last == m)
		return;
	if (i > 0 && h->at[(i - 1) / 2]->due_s > last->due_s)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

void
heap_put(struct heap *h, struct message *m, int64_t due_s)
{
	heap_drop(h, m);
	m->due_s = due_s;
	if (h->n == h->max) {
		size_t max = h->max ? h->max * 2 : 256;
		struct message **at = reallocarray(h->at, max, sizeof *at);

		if (!at)
			die_nomem();
		h->at = at;
		h->max = max;
	}
	sift_up(h, h->n++, m);
}

void
heap_order(struct heap *h)
{
	size_t i;

	for (i = h->n / 2; i-- > 0;)
		sift_down(h, i, h->at[i]);
}

void
heap_free(struct heap *h)
{
	free(h->at);
	*h = (struct heap){0};
}
