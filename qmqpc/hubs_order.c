/* hubs_order.c - who comes first: the part of hubs.h that asks nobody */
#include "lib/crc32c.h"
#include "qmqpc/hubs.h"

#include <stdlib.h>

struct weighed {
	uint8_t line;
	uint64_t weight;
};

unsigned
hubs_count(const struct config *config)
{
	struct slice name;
	unsigned n = 0;

	while (n < HUBS_MAX && config_qmqpserver(config, n, &name))
		n++;
	return n;
}

static int
by_weight(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	return x->line - y->line;
}

/* Each hub is weighed with the host, by nothing else: so no other hub has a
 * say in whether this one comes before that one. The CRCs name the two; the
 * mixing (the finalizer of SplitMix64, public domain) makes the weights of
 * one host independent of each other. Nobody gains by making them collide. */
static uint64_t
weight(struct slice host, struct slice hub)
{
	uint64_t w = (uint64_t)crc32c(0, host) << 32 | crc32c(0, hub);

	w = (w ^ w >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	w = (w ^ w >> 27) * UINT64_C(0x94d049bb133111eb);
	return w ^ w >> 31;
}

unsigned
hubs_order(const struct config *config, struct slice host,
	   uint8_t order[HUBS_MAX])
{
	struct weighed all[HUBS_MAX];
	struct config_leaf leaf;
	struct slice hub;
	unsigned n = hubs_count(config), i;

	config_leaf(config, &leaf);
	for (i = 0; i < n; i++) {
		all[i] = (struct weighed){.line = (uint8_t)i};
		if (leaf.is_spread && config_qmqpserver(config, i, &hub))
			all[i].weight = weight(host, hub);
	}
	qsort(all, n, sizeof *all, by_weight);
	for (i = 0; i < n; i++)
		order[i] = all[i].line;
	return n;
}
