/* hubs_order.c - who comes first: the part of hubs.h that asks nobody */
#include "lib/siphash.h"
#include "qmqpc/hubs.h"

#include <stdlib.h>

struct weighed {
	uint8_t line, weight[SIPHASH_SIZE];
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
	int r = memcmp(x->weight, y->weight, sizeof x->weight);

	return r ? r : x->line - y->line;
}

/* Each hub is weighed with the host, by nothing else: so no other hub has a
 * say in whether this one comes before that one. */
static void
weigh(struct weighed *w, struct slice host, struct slice hub)
{
	static const uint8_t no_secret[SIPHASH_KEY];
	struct siphash h;

	siphash_init(&h, no_secret);
	siphash_push(&h, host);
	siphash_push(&h, SLICE("\0"));
	siphash_push(&h, hub);
	siphash_end(&h, w->weight);
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
			weigh(&all[i], host, hub);
	}
	qsort(all, n, sizeof *all, by_weight);
	for (i = 0; i < n; i++)
		order[i] = all[i].line;
	return n;
}
