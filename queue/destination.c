#include "queue/destination.h"

#include "lib/buf.h"
#include "lib/crc32c.h"
#include "lib/die.h"
#include "lib/owner.h"
#include "queue/dispatch.h"

#include <stdlib.h>

static void
start_all(struct loop_task *task);

/* the table */

void
destinations_init(struct destinations *all, struct loop *loop)
{
	all->loop = loop;
	all->ready_last = &all->ready;
	all->start_task.run = start_all;
	destination_source_tasks(all);
	all->local.most = all->remote.most = UINT32_MAX;
}

static struct destination **
bucket(struct destinations *all, struct slice key)
{
	return &all->buckets[crc32c(0, key) % DESTINATION_BUCKETS];
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
closed_over(struct loop_timer *timer)
{
	struct destination *d = OWNER(timer, struct destination, closed);

	d->state = DESTINATION_PROBING;
	destination_ready(d);
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
make(struct destinations *all, struct name *n)
{
	struct slice key = buf_slice(&n->key);
	struct destination *d = calloc(1, sizeof *d + key.len);
	struct destination **b = bucket(all, slice_of(key.at, n->base_len));

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
	d->closed.expired = closed_over;
	d->paced.expired = pace_over;
	destination_set_most(d, 0);
	destination_first_limit(d);
	d->is_held = asks_hold(d);
	d->chain = *b;
	*b = d;
	all->n++;
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
	for (d = d ? d->chain : *bucket(all, key); d; d = d->chain)
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
	struct name n;

	name_it(all, word, domain, &n);
	for (d = *bucket(all, slice_of(buf_slice(&n.key).at, n.base_len)); d;
	     d = d->chain)
		if (has_key(d, buf_slice(&n.key)))
			break;
	if (!d)
		d = make(all, &n);
	name_free(&n);
	return d;
}

static void
drop(struct destination *d)
{
	struct destination **p = bucket(d->all, slice_of(d->key, d->base_len));

	while (*p != d)
		p = &(*p)->chain;
	*p = d->chain;
	d->all->n--;
	loop_timer_stop(d->all->loop, &d->closed);
	loop_timer_stop(d->all->loop, &d->paced);
	buf_free(&d->group);
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
	size_t i;

	destinations_empty(all);
	for (i = 0; i < DESTINATION_BUCKETS; i++)
		while (all->buckets[i])
			drop(all->buckets[i]);
	loop_task_drop(all->loop, &all->start_task);
	loop_task_drop(all->loop, &all->exhausted_task);
}

/* starting */

/* Has the rate room for one more? If not, a timer says when. */
static bool
rate_allows(struct destination *d)
{
	int64_t wait_ms = rate_wait_ms(&d->rate, d->all->loop->now_ms);

	if (wait_ms > 0 && d->paced.slot == 0)
		loop_timer_set(d->all->loop, &d->paced, wait_ms);
	return wait_ms == 0;
}

static bool
may_start(struct destination *d)
{
	if (d->waiting.n == 0 || d->is_held || d->state == DESTINATION_CLOSED)
		return false;
	if (d->state == DESTINATION_PROBING)
		return d->n_running == 0 && destination_source_allows(d);
	return d->n_running < d->limit && rate_allows(d) &&
	       destination_source_allows(d);
}

void
destination_ready(struct destination *d)
{
	if (!d->is_ready && may_start(d)) {
		d->is_ready = true;
		d->ready_next = NULL;
		*d->all->ready_last = d;
		d->all->ready_last = &d->ready_next;
	}
	if (d->all->ready)
		loop_task_queue(d->all->loop, &d->all->start_task);
}

/* What has its turn, as an attempt; NULL when that came to nothing. */
static struct attempt *
take(struct destination *d)
{
	struct waiting w;
	struct attempt *a;

	if (!lanes_take(&d->waiting, &w))
		return NULL;
	a = w.attempt ? w.attempt : d->all->unpark(d, w.parked);
	if (a) {
		a->sender_key = w.sender_key;
		a->destination = d;
	}
	return a;
}

static struct destinations_cap *
cap_of(const struct destination *d)
{
	return slice_eq(d->agent, SLICE("maildir")) ? &d->all->local
						    : &d->all->remote;
}

/* Mailboxes are the only destination of their agent. */
static bool
has_share(const struct destination *d)
{
	const struct destinations_cap *cap = cap_of(d);
	struct dispatch_room room;

	if (cap->n_running >= cap->most)
		return false;
	if (!d->all->room || slice_eq(d->agent, SLICE("maildir")))
		return true;
	room = d->all->room(d->all, d->agent);
	if (d->quickest_ms > 0)
		return d->n_running < room.free;
	return d->n_running < room.free / DESTINATION_SHARE +
				  (room.free > room.all / DESTINATION_RESERVE);
}

void
destination_count(struct destination *d, int by)
{
	d->n_running += (uint32_t)by;
	cap_of(d)->n_running += (uint32_t)by;
	destination_source_runs(d, by);
}

/* Nobody of its kind can start anything now. */
static bool
is_full(const struct destination *d)
{
	const struct destinations_cap *cap = cap_of(d);

	return cap->n_running >= cap->most ||
	       (d->all->room && d->all->room(d->all, d->agent).free == 0);
}

/* False: no agent is free for it, so that it must stay in line. */
static bool
start_some(struct destination *d)
{
	while (may_start(d)) {
		struct attempt *a;

		if (!has_share(d))
			return false;
		a = take(d);
		if (!a)
			continue;
		if (!destination_source_take(d, a)) {
			lanes_put_back(&d->waiting, a);
			return true;
		}
		destination_count(d, 1);
		a->started_ms = d->all->loop->now_ms;
		if (!d->all->start(d->all, a)) {
			destination_source_took_not(d, a);
			destination_count(d, -1);
			lanes_put_back(&d->waiting, a);
			return false;
		}
		rate_took(&d->rate);
	}
	if (d->source)
		destination_source_wake(d->source);
	return true;
}

/* One turn for each destination that is ready. One without a free agent
 * stays ready for the next time an agent has become free. */
static void
start_all(struct loop_task *task)
{
	struct destinations *all = OWNER(task, struct destinations, start_task);
	struct destination *d = all->ready, *next;
	struct slice busy = {"", 0}; /* agents of this kind all are */

	all->ready = NULL;
	all->ready_last = &all->ready;
	for (; d; d = next) {
		next = d->ready_next;
		d->is_ready = false;
		if (slice_eq(d->agent, busy) || !start_some(d)) {
			if (is_full(d))
				busy = d->agent;
			d->is_ready = true;
			d->ready_next = NULL;
			*all->ready_last = d;
			all->ready_last = &d->ready_next;
		}
	}
}

void
destinations_start(struct destinations *all)
{
	if (all->ready)
		loop_task_queue(all->loop, &all->start_task);
}

/* queueing */

bool
destination_works(const struct destination *d)
{
	if (d->is_held || d->state == DESTINATION_CLOSED)
		return false;
	return d->state == DESTINATION_OPEN ||
	       (d->n_running == 0 && d->waiting.n == 0);
}

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
	       a->message->n_live == 1 && !a->tried;
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
	d->has_others |= attempt_hops(a) > 1;
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
	struct destination *d, *next;
	size_t i;

	for (i = 0; i < DESTINATION_BUCKETS; i++) {
		for (d = all->buckets[i]; d; d = next) {
			next = d->chain;
			if (d->waiting.n == 0 && !d->is_ready &&
			    !d->is_blocked && d->n_running == 0 &&
			    d->state != DESTINATION_CLOSED &&
			    !(d->was_slowed &&
			      all->loop->now_ms - d->slowed_ms <
				  DESTINATION_SLOWED_KEPT_MS))
				drop(d);
		}
	}
}

bool
sieve_all(const struct sieve *s, const struct message *m, int64_t expires_s)
{
	(void)s;
	(void)m;
	(void)expires_s;
	return true;
}

void
destination_sift(struct destination *d, const struct sieve *s,
		 struct sifted *out)
{
	if (s->only_trouble && (d->n_troubles == 0 || d->is_held))
		return;
	lanes_sift(&d->waiting, s, out);
	if (d->waiting.n == 0)
		d->has_others = false;
}

void
destinations_sift(struct destinations *all, const struct sieve *s,
		  struct sifted *out)
{
	struct destination *d;
	size_t i;

	for (i = 0; i < DESTINATION_BUCKETS; i++)
		for (d = all->buckets[i]; d; d = d->chain)
			destination_sift(d, s, out);
}

/* the operator's */

void
destinations_hold(struct destinations *all)
{
	struct destination *d;
	size_t i;

	for (i = 0; i < DESTINATION_BUCKETS; i++) {
		for (d = all->buckets[i]; d; d = d->chain) {
			d->is_held = asks_hold(d);
			destination_ready(d);
		}
	}
}

void
destination_retry(struct destination *d)
{
	if (d->state != DESTINATION_CLOSED)
		return;
	loop_timer_stop(d->all->loop, &d->closed);
	closed_over(&d->closed);
}
