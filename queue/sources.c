#include "queue/sources.h"

#include "lib/die.h"
#include "queue/spread.h"

#include <stdlib.h>

enum { DAY_S = 86400, FIRST_DRAW = 3 /* those before are the next hops' */ };

void
sources_init(struct sources *s, struct loop *loop, const struct config *c)
{
	*s = (struct sources){.loop = loop, .config = c, .warmup = {.fd = -1}};
}

void
sources_changed(struct sources *s)
{
	struct pool *p;

	while ((p = s->pools)) {
		s->pools = p->next;
		buf_free(&p->name);
		free(p);
	}
}

void
sources_free(struct sources *s)
{
	struct source *one;

	sources_changed(s);
	while ((one = s->all)) {
		s->all = one->next;
		loop_timer_stop(s->loop, &one->paced);
		buf_free(&one->address);
		buf_free(&one->helo);
		buf_free(&one->curve);
		free(one);
	}
}

struct source *
sources_at(struct sources *s, struct slice address)
{
	struct source *one;

	for (one = s->all; one; one = one->next)
		if (slice_eq(buf_slice(&one->address), address))
			break;
	return one;
}

static void
set(struct buf *b, struct slice value)
{
	buf_clear(b);
	buf_puts(b, value);
}

/* What the table says of it now. */
static struct source *
take_member(struct sources *s, const struct pools_member *m)
{
	struct source *one = sources_at(s, m->address);

	if (!one) {
		one = calloc(1, sizeof *one);
		if (!one)
			die_nomem();
		line_init(&one->blocked);
		one->next = s->all;
		s->all = one;
		set(&one->address, m->address);
	}
	one->from = m->from;
	set(&one->helo, m->helo);
	set(&one->curve, m->curve);
	one->slots.all = m->concurrency > 0 ? m->concurrency : slots_no_limit;
	one->start_day = m->start_day;
	rate_set(&one->rate, m->rate);
	return one;
}

static struct pool *
load(struct sources *s, struct slice name)
{
	struct pools_member m;
	enum pools_over over;
	struct pool *p;
	unsigned n = 0, i;

	if (!pools_find(s->config, name, &over))
		return NULL;
	while (n < SPREAD_MAX && pools_member(s->config, name, n, &m))
		n++;
	p = calloc(1, sizeof *p + n * sizeof *p->members);
	if (!p)
		die_nomem();
	buf_puts(&p->name, name);
	p->over = over;
	p->n = n;
	for (i = 0; i < n && pools_member(s->config, name, i, &m); i++)
		p->members[i] =
		    (struct pool_member){take_member(s, &m), m.weight};
	p->next = s->pools;
	s->pools = p;
	return p;
}

struct pool *
sources_pool(struct sources *s, struct slice name)
{
	struct pool *p;

	for (p = s->pools; p; p = p->next)
		if (slice_eq(buf_slice(&p->name), name))
			return p;
	return load(s, name);
}

uint64_t
sources_limit(struct sources *s, const struct source *from, struct slice group,
	      int64_t now_s)
{
	if (from->curve.len == 0)
		return UINT64_MAX;
	return pools_warmup(s->config, buf_slice(&from->curve), group,
			    now_s / DAY_S - from->start_day);
}

bool
sources_has_room(struct sources *s, const struct source *from,
		 struct slice group, int64_t now_s)
{
	uint64_t limit = sources_limit(s, from, group, now_s);

	return limit == UINT64_MAX ||
	       warmup_sent(&s->warmup, buf_slice(&from->address), group,
			   now_s) < limit;
}

static bool
is_member(const struct pool *p, const struct source *one, int family)
{
	unsigned i;

	for (i = 0; one && i < p->n; i++)
		if (p->members[i].source == one &&
		    one->from.a.any.sa_family == family)
			return true;
	return false;
}

struct source *
sources_choose(struct sources *s, const struct pool *p, int family, uint64_t id,
	       struct slice group, const struct source *prefer, int64_t now_s)
{
	uint32_t weights[SPREAD_MAX];
	struct source *first = NULL;
	unsigned i, draw;

	if (is_member(p, prefer, family) &&
	    sources_has_room(s, prefer, group, now_s))
		return (struct source *)(uintptr_t)prefer;
	for (i = 0; i < p->n; i++)
		weights[i] =
		    p->members[i].source->from.a.any.sa_family == family
			? p->members[i].weight
			: 0;
	for (draw = FIRST_DRAW;; draw++) {
		i = spread_draw(id, draw, weights, p->n);
		if (i == p->n)
			return first;
		if (!first)
			first = p->members[i].source;
		if (p->over == POOLS_WAIT ||
		    sources_has_room(s, p->members[i].source, group, now_s))
			return p->members[i].source;
		weights[i] = 0;
	}
}
