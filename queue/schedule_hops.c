/* schedule_hops.c - weights and pools: which next hop first, and from where */
#include "cdb/pools.h"
#include "lib/netstring.h"
#include "queue/schedule_parts.h"
#include "queue/spread.h"
#include "queue/tags.h"

#include <netinet/in.h>

/* the pool: the route's, else a header's, else the sender's */

static bool
pool_of_header(const struct config *c, struct slice attrs, struct slice *pool)
{
	struct slice one, name, value, source;

	while (netstring_slice(&attrs, &one) == 0)
		if (tags_split(one, &name, &value) &&
		    pools_of_header(c, name, value, pool, &source))
			return true;
	return false;
}

static struct pool *
pool_of(struct schedule *s, struct slice sender, struct slice attrs,
	const struct config_route *r)
{
	struct slice name = r->pool, source;

	if (name.len == 0 && !pool_of_header(s->config, attrs, &name) &&
	    !pools_of_sender(s->config, sender, &name, &source))
		return NULL;
	return sources_pool(&s->sources, name);
}

/* the families of a next hop, "smtp:HOST:PORT" */

static bool
is_numeric(struct slice nexthop, int *family)
{
	struct slice place = slice_from(nexthop, slice_find(nexthop, ':')),
		     host;
	struct endpoint at;
	uint16_t port;

	if (place.len == 0 ||
	    hostport_split(slice_from(place, 1), &host, &port) != 0 ||
	    endpoint_parse(&at, host, port) != 0)
		return false;
	*family = at.a.any.sa_family;
	return true;
}

struct asking {
	struct schedule *s;
	const struct pool *pool;
	uint64_t id;
	struct slice group;
	const struct source *prefer;
};

static void
put_word(struct buf *out, struct slice nexthop, const struct source *from)
{
	if (out->len > 0)
		buf_putc(out, ' ');
	buf_puts(out, nexthop);
	if (!from)
		return;
	buf_putc(out, ATTEMPT_FROM);
	buf_puts(out, buf_slice(&from->address));
}

/* Only its agent knows the addresses of a name: from each family in turn, as
 * if these were two next hops. */
static void
put_hop(const struct asking *ask, struct slice nexthop)
{
	static const int families[] = {AF_INET6, AF_INET};
	struct schedule *s = ask->s;
	const struct source *from;
	int family = 0;
	size_t i;

	if (!ask->pool) {
		put_word(&s->hops, nexthop, NULL);
		return;
	}
	is_numeric(nexthop, &family);
	for (i = 0; i < 2; i++) {
		if (family && family != families[i])
			continue;
		from = sources_choose(&s->sources, ask->pool, families[i],
				      ask->id, ask->group, ask->prefer,
				      warmup_now_s(&s->sources.warmup));
		if (from)
			put_word(&s->hops, nexthop, from);
	}
}

static unsigned
take_words(struct slice words, struct slice *list)
{
	unsigned n = 0;

	while (n < SPREAD_MAX && (list[n] = slice_word(&words)).len > 0)
		n++;
	return n;
}

bool
schedule_hops(struct schedule *s, const struct message *m, struct slice sender,
	      struct slice attrs, struct slice domain,
	      const struct source *prefer, struct config_route *r)
{
	struct asking ask = {.s = s, .id = m->id, .prefer = prefer};
	struct slice hops[SPREAD_MAX];
	uint32_t weights[SPREAD_MAX];
	unsigned order[SPREAD_MAX], n, i;

	if (slice_starts(r->nexthops, SLICE("maildir:")))
		return true;
	ask.pool = pool_of(s, sender, attrs, r);
	if (!ask.pool && r->weights.len == 0)
		return true;
	if (ask.pool)
		ask.group = pools_group(s->config, domain);
	n = take_words(r->nexthops, hops);
	for (i = 0; i < n; i++)
		weights[i] = config_weight(r, i);
	spread_order(m->id, 0, weights, n, order);
	buf_clear(&s->hops);
	for (i = 0; i < n; i++)
		put_hop(&ask, hops[order[i]]);
	r->nexthops = buf_slice(&s->hops);
	return r->nexthops.len > 0;
}
