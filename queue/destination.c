#include "queue/destination_parts.h"

#include "lib/buf.h"
#include "lib/die.h"
#include "lib/owner.h"
#include "queue/dispatch.h"

#include <stdlib.h>

/* the table */

void
destinations_init(struct destinations *all, struct loop *loop)
{
	all->loop = loop;
	destination_start_tasks(all);
	destination_source_tasks(all);
	all->local.all = all->remote.all = slots_no_limit;
}

static struct destination *
of_link(struct names_link *l)
{
	return l ? OWNER(l, struct destination, link) : NULL;
}

struct destination *
destinations_walk(const struct destinations *all, struct names_walk *w)
{
	return of_link(names_next(&all->names, w));
}

void
destination_key(struct buf *key, struct slice nexthop, struct slice domain)
{
	if (slice_starts(nexthop, SLICE("maildir:"))) {
		buf_text(key, "maildir:");
		return;
	}
	buf_puts(key, nexthop);
	if (slice_eq(nexthop, SLICE("smtp:mx"))) {
		buf_putc(key, '/');
		buf_puts(key, domain);
	}
}

static void
pace_over(struct loop_timer *timer)
{
	destination_ready(OWNER(timer, struct destination, paced));
}

/* What makes a destination: its next hop, and where it is reached from. */
struct name {
	struct buf key, group;
	size_t base_len;
	struct source *source;
};

static void
name_it(struct destinations *all, struct slice word, struct slice domain,
	struct name *n)
{
	size_t end = slice_find(word, ATTEMPT_FROM);

	*n = (struct name){0};
	destination_key(&n->key, slice_of(word.at, end), domain);
	n->base_len = n->key.len;
	if (end == word.len)
		return;
	word = slice_from(word, end + 1);
	n->source = sources_at(all->sources, word);
	buf_putc(&n->key, '/');
	buf_puts(&n->key, word);
	if (!n->source || n->source->curve.len == 0)
		return;
	buf_puts(&n->group, pools_group(all->sources->config, domain));
	buf_putc(&n->key, '/');
	buf_puts(&n->key, buf_slice(&n->group));
}

static void
name_free(struct name *n)
{
	buf_free(&n->key);
	buf_free(&n->group);
}

static bool
asks_hold(const struct destination *d)
{
	return d->all->holds &&
	       (d->all->holds(d->all, slice_of(d->key, d->key_len)) ||
		(d->base_len < d->key_len &&
		 d->all->holds(d->all, slice_of(d->key, d->base_len))));
}

/* Takes the group. */
static struct destination *
make(struct destinations *all, struct name *n, uint64_t hash)
{
	struct slice key = buf_slice(&n->key);
	struct destination *d = calloc(1, sizeof *d + key.len);

	if (!d)
		die_nomem();
	memcpy(d->key, key.at, key.len);
	d->key_len = key.len;
	d->base_len = n->base_len;
	d->source = n->source;
	d->group = n->group;
	n->group = (struct buf){0};
	d->agent = slice_of(d->key, slice_find(key, ':'));
	d->all = all;
	d->kind = destination_kind(all, d->agent);
	d->in_doubt = true;
	d->is_strange = slice_starts(key, SLICE("smtp:mx/"));
	destination_health_timers(d);
	d->paced.expired = pace_over;
	destination_set_most(d, 0);
	destination_first_limit(d);
	d->is_held = asks_hold(d);
	names_put(&all->names, &d->link, hash);
	return d;
}

static bool
has_key(const struct destination *d, struct slice key)
{
	return slice_eq(slice_of(d->key, d->key_len), key);
}

bool
destination_is(const struct destination *d, struct slice word,
	       struct slice domain)
{
	struct name n;
	bool same;

	name_it(d->all, word, domain, &n);
	same = has_key(d, buf_slice(&n.key));
	name_free(&n);
	return same;
}

struct destination *
destinations_next(struct destinations *all, struct slice key,
		  struct destination *d)
{
	struct names_link *l =
	    d ? names_more(&d->link)
	      : names_find(&all->names, names_hash(&all->names, key));

	for (; (d = of_link(l)); l = names_more(l))
		if (slice_eq(slice_of(d->key, d->base_len), key))
			break;
	return d;
}

struct destination *
destinations_known(struct destinations *all, struct slice key)
{
	return destinations_next(all, key, NULL);
}

static struct destination *
find(struct destinations *all, struct slice word, struct slice domain)
{
	struct destination *d;
	struct names_link *l;
	struct name n;
	uint64_t hash;

	name_it(all, word, domain, &n);
	hash =
	    names_hash(&all->names, slice_of(buf_slice(&n.key).at, n.base_len));
	l = names_find(&all->names, hash);
	for (; (d = of_link(l)); l = names_more(l))
		if (has_key(d, buf_slice(&n.key)))
			break;
	if (!d)
		d = make(all, &n, hash);
	name_free(&n);
	return d;
}

static void
drop(struct destination *d)
{
	names_drop(&d->all->names, &d->link);
	destination_no_line(d);
	loop_timer_stop(d->all->loop, &d->closed);
	loop_timer_stop(d->all->loop, &d->paced);
	loop_timer_stop(d->all->loop, &d->silence);
	loop_timer_stop(d->all->loop, &d->leaving);
	buf_free(&d->group);
	buf_free(&d->said);
	buf_free(&d->hops);
	buf_free(&d->domain);
	free(d);
}

void
destinations_empty(struct destinations *all)
{
	const struct sieve everything = {.wants = sieve_all};
	struct sifted out = {0};
	struct attempt *a;

	destinations_sift(all, &everything, &out);
	while ((a = out.attempts)) {
		out.attempts = a->next;
		free(a);
	}
}

void
destinations_free(struct destinations *all)
{
	struct destinations_kind *kind;
	struct names_walk w = {0};
	struct destination *d;

	destinations_empty(all);
	while ((d = destinations_walk(all, &w)))
		drop(d);
	names_free(&all->names);
	while ((kind = all->kinds)) {
		all->kinds = kind->next;
		free(kind);
	}
	loop_task_drop(all->loop, &all->start_task);
	loop_task_drop(all->loop, &all->exhausted_task);
	loop_timer_stop(all->loop, &all->press);
}

/* queueing */

/* Of the next hops from a->hop on, and then from the first, the next that
 * works and was not tried; NULL, and a->hop as it was, if none does. */
static struct destination *
next_that_works(struct destinations *all, struct attempt *a,
		struct slice domain)
{
	unsigned first = a->hop, n = attempt_hops(a), i;
	struct destination *d;

	for (i = 0; i < n; i++) {
		a->hop = (first + i) % n;
		if (a->tried >> a->hop & 1)
			continue;
		d = find(all, attempt_word(a), domain);
		if (destination_works(d))
			return d;
	}
	a->hop = first;
	return NULL;
}

/* What waits may have other next hops: these. */
static void
note_hops(struct destination *d, const struct attempt *a, struct slice domain)
{
	if (attempt_hops(a) < 2)
		return;
	d->has_others = true;
	buf_clear(&d->hops);
	buf_puts(&d->hops, a->nexthops);
	buf_clear(&d->domain);
	buf_puts(&d->domain, domain);
}

bool
destinations_one_is_open(struct destinations *all, struct slice nexthops,
			 struct slice domain)
{
	struct destination *d;
	struct slice word;

	while ((word = slice_word(&nexthops)).len > 0) {
		d = find(all, word, domain);
		if (d->state == DESTINATION_OPEN && destination_works(d))
			return true;
	}
	return false;
}

bool
destination_others_work(struct destinations *all, struct attempt *a,
			struct slice domain)
{
	return next_that_works(all, a, domain) != NULL;
}

static bool
may_park(const struct destination *d, const struct attempt *a)
{
	return d->waiting.n >= DESTINATION_WINDOW && a->n_rcpts == 1 &&
	       a->message->n_live == 1 && !attempt_has_past(a);
}

struct destination *
destination_queue(struct destinations *all, struct attempt *a,
		  struct slice domain, bool at_front)
{
	struct destination *d;

	if (a->hop >= attempt_hops(a))
		a->hop = 0;
	d = next_that_works(all, a, domain);
	if (!d)
		d = find(all, attempt_word(a), domain);
	a->destination = d;
	a->n_answered = a->n_way = a->n_less = a->n_elsewhere = 0;
	destination_set_most(d, a->concurrency);
	rate_set(&d->rate, a->rate);
	note_hops(d, a, domain);
	if (!at_front && may_park(d, a)) {
		lanes_park(&d->waiting, a->message, a->sender_key);
		free(a);
	} else {
		lanes_put(&d->waiting, a, at_front);
	}
	destination_ready(d);
	return d;
}

/* taking out */

void
destinations_sweep(struct destinations *all)
{
	struct names_walk w = {0};
	struct destination *d;

	while ((d = destinations_walk(all, &w)))
		if (d->waiting.n == 0 && d->n_running == 0 &&
		    d->state != DESTINATION_CLOSED &&
		    !(d->was_slowed && all->loop->now_ms - d->slowed_ms <
					   DESTINATION_SLOWED_KEPT_MS))
			drop(d);
}

bool
sieve_all(const struct sieve *s, const struct message *m, int64_t lifetime_s)
{
	(void)s;
	(void)m;
	(void)lifetime_s;
	return true;
}

void
destination_sift(struct destination *d, const struct sieve *s,
		 struct sifted *out)
{
	if (s->min_troubles > 0 &&
	    (d->is_held || destination_troubles(d) < s->min_troubles ||
	     !destination_is_served(d)))
		return;
	lanes_sift(&d->waiting, s, out);
	if (d->waiting.n == 0)
		d->has_others = false;
}

void
destinations_sift(struct destinations *all, const struct sieve *s,
		  struct sifted *out)
{
	struct names_walk w = {0};
	struct destination *d;

	while ((d = destinations_walk(all, &w)))
		destination_sift(d, s, out);
}

/* the operator's */

void
destinations_hold(struct destinations *all)
{
	struct names_walk w = {0};
	struct destination *d;

	while ((d = destinations_walk(all, &w))) {
		d->is_held = asks_hold(d);
		destination_ready(d);
	}
}
